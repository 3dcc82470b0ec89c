//! Results of functional checks, as pumps signed them and people entered them. They are never changed.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AccountId, AssignmentId, CheckResultId},
};
use serde_json::Value;

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::{assignments, check_results},
    sql::{Val, row},
};

/// What was read: by the pump, whose signed document is kept, or by a person.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = check_results)]
pub struct CheckRecord {
    /// Ours, for life.
    pub id: CheckResultId,
    /// After which update.
    pub assignment: AssignmentId,
    /// From 1; a retest is the next.
    pub attempt: i64,
    /// When we had it.
    pub at: Timestamp,
    /// Who read it; nobody when the pump did.
    pub account: Option<AccountId>,
    /// The results.
    pub body: Value,
    /// What the pump signed, in base 64.
    pub envelope: Option<String>,
}

impl Db<'_> {
    /// Puts a result on record. Its assignment counts as changed: what was decided without the result is overtaken.
    pub fn check_result_create(&mut self, result: &CheckRecord) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "put a check's result on record";
        self.touched.assignments.insert(result.assignment);
        diesel::update(assignments::table.find(Val(result.assignment)))
            .set(assignments::row_version.eq(assignments::row_version + 1))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        diesel::insert_into(check_results::table)
            .values(row!(check_results, result; id, assignment, attempt, at, account, body, envelope))
            .execute(self.connection)
            .map(drop)
            .attempt(ATTEMPTED)
    }

    /// The results of assignments, the oldest first.
    pub fn check_result_of(&mut self, of: &[AssignmentId]) -> Result<Vec<CheckRecord>, StoreError> {
        let mut rows = Vec::new();
        for of in of.chunks(500) {
            rows.extend(
                check_results::table
                    .filter(check_results::assignment.eq_any(of.iter().map(Val)))
                    .order((check_results::at, check_results::id))
                    .select(CheckRecord::as_select())
                    .load::<CheckRecord>(self.connection)
                    .attempt("read the results of checks")?,
            );
        }
        Ok(rows)
    }
}
