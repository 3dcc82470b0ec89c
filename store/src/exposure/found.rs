//! What vulnerabilities mean for version sets, and what people decided.

use std::collections::BTreeSet;

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AccountId, ExposureDecisionId},
    signature::Digest,
    text::Reason,
};

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::{exposure_decisions, exposures, version_sets},
    sql::{Val, row},
};

/// What a vulnerability means for pumps of a version set.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = exposures)]
pub struct ExposureRecord {
    /// A model with the versions that pumps of it report.
    pub version_set: Digest,
    /// Which vulnerability.
    pub vulnerability: String,
    /// The answer, in a word; a person's where one decided.
    pub verdict: String,
    /// Whether something is left to do.
    pub open: bool,
    /// What a person decided, if it took one.
    pub decision: Option<ExposureDecisionId>,
    /// What each source says, as it was found.
    pub finding: String,
    /// When it was first found for this version set.
    pub identified_at: Timestamp,
    /// When the answer last changed.
    pub changed_at: Timestamp,
}

/// What a person decided where no document is clear.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = exposure_decisions)]
pub struct DecisionRecord {
    /// Ours.
    pub id: ExposureDecisionId,
    /// The SHA-256 of the doubt's words: the same doubt at the next import is the same.
    pub doubt: Digest,
    /// About which vulnerability.
    pub vulnerability: String,
    /// The doubt itself.
    pub words: String,
    /// The answer, in a word.
    pub verdict: String,
    /// Why.
    pub reason: Reason,
    /// By whom.
    pub decided_by: AccountId,
    /// When.
    pub decided_at: Timestamp,
}

impl Db<'_> {
    /// The version sets that everything known was held against.
    pub fn version_sets(&mut self) -> Result<BTreeSet<Digest>, StoreError> {
        let known: Vec<Digest> = version_sets::table
            .select(version_sets::id)
            .load(self.connection)
            .attempt("read the version sets")?;
        Ok(known.into_iter().collect())
    }

    /// Everything known was held against these version sets, and against no other.
    pub fn version_sets_set(&mut self, sets: &BTreeSet<Digest>, at: Timestamp) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "note the version sets";
        let known = self.version_sets()?;
        for gone in known.difference(sets) {
            diesel::delete(version_sets::table.find(Val(*gone)))
                .execute(self.connection)
                .attempt(ATTEMPTED)?;
        }
        for new in sets.difference(&known) {
            diesel::insert_into(version_sets::table)
                .values((
                    version_sets::id.eq(Val(*new)),
                    version_sets::matched_at.eq(Val(at)),
                ))
                .execute(self.connection)
                .attempt(ATTEMPTED)?;
        }
        Ok(())
    }

    /// What was found for version sets, by vulnerability.
    pub fn exposure_of(&mut self, sets: &[Digest]) -> Result<Vec<ExposureRecord>, StoreError> {
        let mut found = Vec::new();
        for sets in sets.chunks(500) {
            let rows: Vec<ExposureRecord> = exposures::table
                .filter(exposures::version_set.eq_any(sets.iter().map(Val)))
                .order((exposures::vulnerability, exposures::version_set))
                .select(ExposureRecord::as_select())
                .load(self.connection)
                .attempt("read what was found for version sets")?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// The vulnerabilities that are open for version sets, and no more of them.
    pub fn exposure_open_of(&mut self, sets: &[Digest]) -> Result<Vec<(Digest, String)>, StoreError> {
        let mut found = Vec::new();
        for sets in sets.chunks(500) {
            let rows: Vec<(Digest, String)> = exposures::table
                .filter(exposures::version_set.eq_any(sets.iter().map(Val)))
                .filter(exposures::open.eq(true))
                .select((exposures::version_set, exposures::vulnerability))
                .load(self.connection)
                .attempt("read what is open for version sets")?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// What was found about one vulnerability, for every version set there ever was.
    pub fn exposure_about(&mut self, vulnerability: &str) -> Result<Vec<ExposureRecord>, StoreError> {
        exposures::table
            .filter(exposures::vulnerability.eq(Val(vulnerability.to_owned())))
            .order(exposures::version_set)
            .select(ExposureRecord::as_select())
            .load(self.connection)
            .attempt("read what was found about a vulnerability")
    }

    /// Keeps a finding in the place of what was known.
    pub fn exposure_set(&mut self, found: &ExposureRecord) -> Result<(), StoreError> {
        self.exposure_remove(found.version_set, &found.vulnerability)?;
        diesel::insert_into(exposures::table)
            .values(
                row!(exposures, found; version_set, vulnerability, verdict, open, decision, finding,
                identified_at, changed_at),
            )
            .execute(self.connection)
            .map(drop)
            .attempt("keep what was found")
    }

    /// A vulnerability means nothing for a version set any more.
    pub fn exposure_remove(&mut self, set: Digest, vulnerability: &str) -> Result<(), StoreError> {
        diesel::delete(exposures::table.find((Val(set), Val(vulnerability.to_owned()))))
            .execute(self.connection)
            .map(drop)
            .attempt("forget what was found")
    }

    /// Puts a decision on record. From here on it counts.
    pub fn decision_add(&mut self, decision: &DecisionRecord) -> Result<(), StoreError> {
        diesel::insert_into(exposure_decisions::table)
            .values(row!(exposure_decisions, decision; id, doubt, vulnerability, words, verdict, reason, decided_by,
                decided_at))
            .execute(self.connection)
            .map(drop)
            .attempt("put a decision on record")
    }

    /// Every decision, the oldest first: of two about the same doubt the later counts.
    pub fn decision_list(&mut self) -> Result<Vec<DecisionRecord>, StoreError> {
        exposure_decisions::table
            .order(exposure_decisions::id)
            .select(DecisionRecord::as_select())
            .load(self.connection)
            .attempt("read decisions about exposures")
    }
}
