//! Retests: the checks that a held pump has to pass again, attempt by attempt. Neither they nor what they read is ever changed.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AccountId, CheckResultId, HoldId, ReleaseId, RetestId},
};
use serde_json::Value;

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::{retest_results, retests},
    sql::{Val, row},
};

/// One attempt.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = retests)]
pub struct RetestRecord {
    /// Ours, for life.
    pub id: RetestId,
    /// For this hold.
    pub hold: HoldId,
    /// From 1.
    pub attempt: i64,
    /// What was read before counts for nothing.
    pub begun_at: Timestamp,
    /// Who began it.
    pub begun_by: AccountId,
    /// By when everything must have been read.
    pub due: Timestamp,
    /// The checks, as they were then.
    pub plan: Value,
    /// Whose plan it is; nothing for the hospital's own.
    pub release: Option<ReleaseId>,
}

/// What was read: by the pump, whose signed document is kept, or by a person.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = retest_results)]
pub struct RetestResult {
    /// Ours, for life.
    pub id: CheckResultId,
    /// In this attempt.
    pub retest: RetestId,
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
    /// Begins an attempt. [`StoreError::Conflict`] when somebody else began the same one.
    pub fn retest_create(&mut self, retest: &RetestRecord) -> Result<(), StoreError> {
        diesel::insert_into(retests::table)
            .values(row!(retests, retest; id, hold, attempt, begun_at, begun_by, due, plan, release))
            .execute(self.connection)
            .map(drop)
            .attempt("begin a retest")
    }

    /// A retest, if there is one of that id.
    pub fn retest_find(&mut self, id: RetestId) -> Result<Option<RetestRecord>, StoreError> {
        retests::table
            .find(Val(id))
            .select(RetestRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a retest")
    }

    /// The attempts for a hold, the newest first.
    pub fn retest_of(&mut self, hold: HoldId) -> Result<Vec<RetestRecord>, StoreError> {
        retests::table
            .filter(retests::hold.eq(Val(hold)))
            .order(retests::attempt.desc())
            .select(RetestRecord::as_select())
            .load(self.connection)
            .attempt("read the retests for a hold")
    }

    /// Puts a result on record.
    pub fn retest_result_create(&mut self, result: &RetestResult) -> Result<(), StoreError> {
        diesel::insert_into(retest_results::table)
            .values(row!(retest_results, result; id, retest, at, account, body, envelope))
            .execute(self.connection)
            .map(drop)
            .attempt("put a retest's result on record")
    }

    /// The results of an attempt, the oldest first.
    pub fn retest_result_of(&mut self, of: RetestId) -> Result<Vec<RetestResult>, StoreError> {
        retest_results::table
            .filter(retest_results::retest.eq(Val(of)))
            .order((retest_results::at, retest_results::id))
            .select(RetestResult::as_select())
            .load(self.connection)
            .attempt("read the results of a retest")
    }
}
