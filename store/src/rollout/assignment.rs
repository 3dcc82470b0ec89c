//! Assignments: one pump in one wave. The table itself refuses a second live one (S6).

use std::collections::HashMap;

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AccountId, AssignmentId, CareAreaId, PumpId, RolloutId, TicketId, WaveId},
    release::TargetPath,
    rollout::state::AssignmentState,
    text::Reason,
};
use serde_json::Value;

use super::overtaken;
use crate::{
    Db, StoreError,
    error::Attempt,
    schema::assignments,
    sql::{Val, row},
};

/// One pump in one wave.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = assignments)]
pub struct AssignmentRecord {
    /// Ours, for life.
    pub id: AssignmentId,
    /// In this wave.
    pub wave: WaveId,
    /// Of this rollout.
    pub rollout: RolloutId,
    /// The pump.
    pub pump: PumpId,
    /// Where it stood when this was planned: whose people are told, and sign. That a pump moves does not take a ward's word away.
    pub care_area: CareAreaId,
    /// Counts changes.
    pub row_version: i64,
    /// How far it is.
    pub state: AssignmentState,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// The file that it gets.
    pub target: TargetPath,
    /// What it ran when its ticket was issued; until then, when this was planned: a list of components.
    pub before: Value,
    /// What it runs afterwards: a list of components.
    pub named: Value,
    /// Its present ticket, or the last.
    pub ticket: Option<TicketId>,
    /// The greatest number of a report that was applied.
    pub heard: i64,
    /// The number of the report by which the pump came up with the new firmware.
    pub booted: Option<i64>,
    /// When that was.
    pub booted_at: Option<Timestamp>,
    /// It reported exactly the versions that its ticket names, signed.
    pub versions_proved: bool,
    /// The last refusal or broken download.
    pub setback_at: Option<Timestamp>,
    /// How many there were.
    pub setback_count: i64,
    /// What the pump said.
    pub setback_words: Option<Reason>,
    /// It was left for the catch-up list.
    pub left_behind: bool,
    /// Who wants it back on the old version.
    pub roll_back_by: Option<AccountId>,
    /// When the pump was told, once it was.
    pub roll_back_at: Option<Timestamp>,
    /// When the pump was last heard of, where it was left behind or fell silent.
    pub last_heard: Option<Timestamp>,
    /// When it joined a rollout that was approved already; nothing when it was part of what was approved.
    pub joined_at: Option<Timestamp>,
    /// When somebody last wanted it tried again.
    pub again_at: Option<Timestamp>,
    /// Who wants it out of the rollout, or took it out.
    pub leaves_by: Option<AccountId>,
}

/// An assignment, as far as the planner goes by it: without the lists of components, which would be most of what is read.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = assignments)]
pub struct Standing {
    /// Ours, for life.
    pub id: AssignmentId,
    /// In this wave.
    pub wave: WaveId,
    /// Of this rollout.
    pub rollout: RolloutId,
    /// The pump.
    pub pump: PumpId,
    /// Where it stood when this was planned.
    pub care_area: CareAreaId,
    /// Counts changes.
    pub row_version: i64,
    /// How far it is.
    pub state: AssignmentState,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// The file that it gets.
    pub target: TargetPath,
    /// When it joined a rollout that ran already, if it did.
    pub joined_at: Option<Timestamp>,
    /// It reported exactly the versions that its ticket names, signed.
    pub versions_proved: bool,
    /// The last refusal or broken download.
    pub setback_at: Option<Timestamp>,
    /// How many there were.
    pub setback_count: i64,
    /// What the pump said.
    pub setback_words: Option<Reason>,
    /// It was left for the catch-up list.
    pub left_behind: bool,
    /// Who wants it back on the old version.
    pub roll_back_by: Option<AccountId>,
    /// When the pump was told, once it was.
    pub roll_back_at: Option<Timestamp>,
    /// When somebody last wanted it tried again.
    pub again_at: Option<Timestamp>,
    /// Who wants it out of the rollout, or took it out.
    pub leaves_by: Option<AccountId>,
}

/// Where a pump was not told to install.
const UNTOLD: [AssignmentState; 5] = [
    AssignmentState::Planned,
    AssignmentState::Authorised,
    AssignmentState::Downloading,
    AssignmentState::Staged,
    AssignmentState::Cancelled,
];

impl Db<'_> {
    /// How far the assignments of rollouts are, by wave.
    pub fn assignment_standing(&mut self, of: &[RolloutId]) -> Result<Vec<Standing>, StoreError> {
        assignments::table
            .filter(assignments::rollout.eq_any(of.iter().map(Val)))
            .order((assignments::wave, assignments::id))
            .select(Standing::as_select())
            .load(self.connection)
            .attempt("read how far a rollout is")
    }

    /// How far the assignments of a wave are.
    pub fn assignment_standing_in(&mut self, wave: WaveId) -> Result<Vec<Standing>, StoreError> {
        assignments::table
            .filter(assignments::wave.eq(Val(wave)))
            .order(assignments::id)
            .select(Standing::as_select())
            .load(self.connection)
            .attempt("read how far a wave is")
    }

    /// How far some assignments are, in any order.
    pub fn assignment_standing_of(&mut self, of: &[AssignmentId]) -> Result<Vec<Standing>, StoreError> {
        let mut found = Vec::with_capacity(of.len());
        for of in of.chunks(500) {
            let rows: Vec<Standing> = assignments::table
                .filter(assignments::id.eq_any(of.iter().map(Val)))
                .select(Standing::as_select())
                .load(self.connection)
                .attempt("read how far assignments are")?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// Some assignments, in any order.
    pub fn assignment_fetch_of(&mut self, of: &[AssignmentId]) -> Result<Vec<AssignmentRecord>, StoreError> {
        let mut found = Vec::with_capacity(of.len());
        for of in of.chunks(500) {
            let rows: Vec<AssignmentRecord> = assignments::table
                .filter(assignments::id.eq_any(of.iter().map(Val)))
                .select(AssignmentRecord::as_select())
                .load(self.connection)
                .attempt("read assignments")?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// Puts assignments on record.
    pub fn assignment_create(&mut self, of: &[AssignmentRecord]) -> Result<(), StoreError> {
        for assignment in of {
            self.touched.assignments.insert(assignment.id);
            diesel::insert_into(assignments::table)
                .values(row!(assignments, assignment; id, wave, rollout, pump, care_area, row_version, state, since, target, before,
                    named, ticket, heard, booted, booted_at, versions_proved, setback_at, setback_count, setback_words,
                    left_behind, roll_back_by, roll_back_at, last_heard, joined_at, again_at, leaves_by))
                .execute(self.connection)
                .attempt("put an assignment on record")?;
        }
        Ok(())
    }

    /// An assignment; [`StoreError::NotFound`] when there is none.
    pub fn assignment_fetch(&mut self, id: AssignmentId) -> Result<AssignmentRecord, StoreError> {
        assignments::table
            .find(Val(id))
            .select(AssignmentRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read an assignment")?
            .ok_or_else(|| StoreError::not_found("assignment", id))
    }

    /// The assignments of rollouts, by wave.
    pub fn assignment_of(&mut self, of: &[RolloutId]) -> Result<Vec<AssignmentRecord>, StoreError> {
        assignments::table
            .filter(assignments::rollout.eq_any(of.iter().map(Val)))
            .order((assignments::wave, assignments::id))
            .select(AssignmentRecord::as_select())
            .load(self.connection)
            .attempt("read the assignments of a rollout")
    }

    /// The assignments of a pump, the newest first. The first live one, or else the first, is what its reports are about.
    pub fn assignment_of_pump(&mut self, pump: PumpId) -> Result<Vec<AssignmentRecord>, StoreError> {
        assignments::table
            .filter(assignments::pump.eq(Val(pump)))
            .order(assignments::id.desc())
            .select(AssignmentRecord::as_select())
            .load(self.connection)
            .attempt("read the assignments of a pump")
    }

    /// The last assignment of each of some pumps by which it was told to install: what it runs came by that one, if by any of ours.
    /// What had a ticket and gave it back brought nothing.
    pub fn assignment_last_told(
        &mut self,
        of: &[PumpId],
    ) -> Result<HashMap<PumpId, AssignmentId>, StoreError> {
        let mut last: HashMap<PumpId, (TicketId, AssignmentId)> = HashMap::with_capacity(of.len());
        for of in of.chunks(500) {
            let rows: Vec<(PumpId, Option<TicketId>, AssignmentId)> = assignments::table
                .filter(assignments::pump.eq_any(of.iter().map(Val)))
                .filter(assignments::ticket.is_not_null())
                .filter(assignments::state.ne_all(UNTOLD.map(Val)))
                .select((assignments::pump, assignments::ticket, assignments::id))
                .load(self.connection)
                .attempt("find the last updates of pumps")?;
            for (pump, ticket, assignment) in rows {
                let Some(ticket) = ticket else { continue };
                let newest = last.entry(pump).or_insert((ticket, assignment));
                // The ids of tickets sort by time.
                *newest = (*newest).max((ticket, assignment));
            }
        }
        Ok(last
            .into_iter()
            .map(|(pump, (_, assignment))| (pump, assignment))
            .collect())
    }

    /// A new update of a pump begins: nobody is taken at their word any more who wanted it back from an older one, unless it
    /// was told already. Says which assignments that were.
    pub fn assignment_forget_wishes(
        &mut self,
        pump: PumpId,
        but: AssignmentId,
    ) -> Result<Vec<AssignmentId>, StoreError> {
        const ATTEMPTED: &str = "forget that an older version was wanted";
        let stale: Vec<AssignmentId> = assignments::table
            .filter(assignments::pump.eq(Val(pump)))
            .filter(assignments::id.ne(Val(but)))
            .filter(assignments::roll_back_by.is_not_null())
            .filter(assignments::roll_back_at.is_null())
            .select(assignments::id)
            .load(self.connection)
            .attempt(ATTEMPTED)?;
        for id in &stale {
            self.touched.assignments.insert(*id);
            diesel::update(assignments::table.find(Val(*id)))
                .set((
                    assignments::row_version.eq(assignments::row_version + 1),
                    assignments::roll_back_by.eq(Val(None::<AccountId>)),
                ))
                .execute(self.connection)
                .attempt(ATTEMPTED)?;
        }
        Ok(stale)
    }

    /// Writes an assignment as it is now, if it is still at version `seen`. [`StoreError::Conflict`] when it has changed
    /// since, or when the pump has another live one.
    pub fn assignment_update(&mut self, assignment: &AssignmentRecord, seen: i64) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "move an assignment on";
        self.touched.assignments.insert(assignment.id);
        let changed = diesel::update(assignments::table.find(Val(assignment.id)))
            .filter(assignments::row_version.eq(seen))
            .set((
                assignments::row_version.eq(assignments::row_version + 1),
                row!(assignments, assignment; state, since, before, named, ticket, heard, booted, booted_at, versions_proved,
                    setback_at, setback_count, setback_words, left_behind, roll_back_by, roll_back_at, last_heard,
                    again_at, leaves_by),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        overtaken(ATTEMPTED, changed)
    }
}
