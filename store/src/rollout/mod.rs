//! Rollouts and their waves. What is changed names the row version it was decided on, and changes nothing when that has passed.

mod assignment;
mod check;
mod ticket;

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AccountId, CareAreaId, ReleaseId, RolloutId, WaveId},
    rollout::state::{AssignmentState, RolloutState, WaveState},
    signature::Digest,
    text::{Name, Reason},
};
use serde_json::Value;

use crate::{
    Db, StoreError,
    connection::each_db,
    error::Attempt,
    schema::{assignments, briefings, rollouts, waves},
    sql::{Val, row},
};

pub use assignment::{AssignmentRecord, Standing};
pub use check::CheckRecord;
pub use ticket::{TicketRecord, TicketStanding};

/// A plan to bring a release to chosen pumps.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = rollouts)]
pub struct RolloutRecord {
    /// Ours, for life.
    pub id: RolloutId,
    /// Counts changes.
    pub row_version: i64,
    /// What people call it.
    pub name: Name,
    /// What it brings.
    pub release: ReleaseId,
    /// How far it is.
    pub state: RolloutState,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// Who wrote it.
    pub author: AccountId,
    /// Why it can not wait, if it can not.
    pub emergency: Option<Reason>,
    /// It does not begin before.
    pub begins_at: Timestamp,
    /// Waves, windows and limits, as they were written.
    pub spec: Value,
    /// Counts what an approval vouches for.
    pub content_version: i64,
    /// Why it was paused, halted or cancelled.
    pub why: Option<Reason>,
    /// When it was written.
    pub made_at: Timestamp,
}

/// One stage of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = waves)]
pub struct WaveRecord {
    /// Ours, for life.
    pub id: WaveId,
    /// Of this rollout.
    pub rollout: RolloutId,
    /// From 1.
    pub number: i64,
    /// What people call it.
    pub name: Name,
    /// Counts changes.
    pub row_version: i64,
    /// How far it is.
    pub state: WaveState,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// When it opened.
    pub opened_at: Option<Timestamp>,
    /// So many failures a person looked at.
    pub failures_accepted: i64,
    /// What its gate passed on.
    pub evidence: Option<Digest>,
}

/// How many people of a care area read the briefing of a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct BriefingCount {
    /// Which wave.
    pub wave: WaveId,
    /// Where.
    pub care_area: CareAreaId,
    /// How many.
    pub people: i64,
}

/// A row was changed since it was read.
fn overtaken(attempted: &'static str, changed: usize) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::conflict(
            attempted,
            "it was changed since it was read; read it again, then decide again",
        )),
    }
}

impl Db<'_> {
    /// Puts a rollout with its waves on record.
    pub fn rollout_create(
        &mut self,
        rollout: &RolloutRecord,
        stages: &[WaveRecord],
    ) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "put a rollout on record";
        self.touched.rollouts.insert(rollout.id);
        diesel::insert_into(rollouts::table)
            .values(row!(rollouts, rollout; id, row_version, name, release, state, since, author, emergency, begins_at,
                spec, content_version, why, made_at))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        for wave in stages {
            diesel::insert_into(waves::table)
                .values(
                    row!(waves, wave; id, rollout, number, name, row_version, state, since, opened_at,
                    failures_accepted, evidence),
                )
                .execute(self.connection)
                .attempt(ATTEMPTED)?;
        }
        Ok(())
    }

    /// A rollout; [`StoreError::NotFound`] when there is none.
    pub fn rollout_fetch(&mut self, id: RolloutId) -> Result<RolloutRecord, StoreError> {
        rollouts::table
            .find(Val(id))
            .select(RolloutRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a rollout")?
            .ok_or_else(|| StoreError::not_found("rollout", id))
    }

    /// Every rollout, the newest first.
    pub fn rollout_list(&mut self) -> Result<Vec<RolloutRecord>, StoreError> {
        rollouts::table
            .order((rollouts::made_at.desc(), rollouts::id.desc()))
            .select(RolloutRecord::as_select())
            .load(self.connection)
            .attempt("list rollouts")
    }

    /// The rollouts that have something left to do: neither drafts nor completed ones.
    pub fn rollout_at_work(&mut self) -> Result<Vec<RolloutRecord>, StoreError> {
        let idle = [RolloutState::Completed, RolloutState::Draft];
        // One that is over is at work again while somebody wants a pump of it back on the old version.
        let wish = assignments::table
            .filter(assignments::rollout.eq(rollouts::id))
            .filter(assignments::roll_back_by.is_not_null())
            .filter(
                assignments::state.ne_all(
                    [
                        AssignmentState::RolledBack,
                        AssignmentState::Unresponsive,
                        AssignmentState::Cancelled,
                    ]
                    .map(Val),
                ),
            );
        rollouts::table
            .filter(
                rollouts::state
                    .ne_all(idle.map(Val))
                    .or(diesel::dsl::exists(wish)),
            )
            .order(rollouts::id)
            .select(RolloutRecord::as_select())
            .load(self.connection)
            .attempt("find the rollouts at work")
    }

    /// What was signed of a rollout is not what it is any more: it is written anew.
    pub fn rollout_rewrite(&mut self, id: RolloutId) -> Result<(), StoreError> {
        diesel::update(rollouts::table.find(Val(id)))
            .set(rollouts::content_version.eq(rollouts::content_version + 1))
            .execute(self.connection)
            .attempt("take a rollout back")?;
        self.touched.rollouts.insert(id);
        Ok(())
    }

    /// Moves a rollout on, as it was at version `seen`. [`StoreError::Conflict`] when it has changed since.
    pub fn rollout_move(
        &mut self,
        id: RolloutId,
        seen: i64,
        state: RolloutState,
        why: Option<&Reason>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "move a rollout on";
        self.touched.rollouts.insert(id);
        let changed = diesel::update(rollouts::table.find(Val(id)))
            .filter(rollouts::row_version.eq(seen))
            .set((
                rollouts::row_version.eq(rollouts::row_version + 1),
                rollouts::state.eq(Val(state)),
                rollouts::since.eq(Val(at)),
                rollouts::why.eq(Val(why.cloned())),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        overtaken(ATTEMPTED, changed)
    }

    /// A wave; [`StoreError::NotFound`] when there is none.
    pub fn wave_fetch(&mut self, id: WaveId) -> Result<WaveRecord, StoreError> {
        waves::table
            .find(Val(id))
            .select(WaveRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a wave")?
            .ok_or_else(|| StoreError::not_found("wave", id))
    }

    /// Some waves, in any order.
    pub fn wave_fetch_of(&mut self, of: &[WaveId]) -> Result<Vec<WaveRecord>, StoreError> {
        waves::table
            .filter(waves::id.eq_any(of.iter().map(Val)))
            .select(WaveRecord::as_select())
            .load(self.connection)
            .attempt("read waves")
    }

    /// The waves of rollouts, in their order.
    pub fn wave_of(&mut self, of: &[RolloutId]) -> Result<Vec<WaveRecord>, StoreError> {
        waves::table
            .filter(waves::rollout.eq_any(of.iter().map(Val)))
            .order((waves::rollout, waves::number))
            .select(WaveRecord::as_select())
            .load(self.connection)
            .attempt("read the waves of a rollout")
    }

    /// Writes a wave as it is now, if it is still at version `seen`. [`StoreError::Conflict`] when it has changed since.
    pub fn wave_update(&mut self, wave: &WaveRecord, seen: i64) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "move a wave on";
        self.touched.waves.insert(wave.id);
        let changed = diesel::update(waves::table.find(Val(wave.id)))
            .filter(waves::row_version.eq(seen))
            .set((
                waves::row_version.eq(waves::row_version + 1),
                row!(waves, wave; state, since, opened_at, failures_accepted, evidence),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        overtaken(ATTEMPTED, changed)
    }

    /// Somebody read the briefing of a wave. Saying so again changes nothing.
    pub fn briefing_add(
        &mut self,
        wave: WaveId,
        care_area: CareAreaId,
        account: AccountId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.touched.waves.insert(wave);
        each_db!(self.connection, |conn| {
            diesel::insert_into(briefings::table)
                .values((
                    briefings::wave.eq(Val(wave)),
                    briefings::care_area.eq(Val(care_area)),
                    briefings::account.eq(Val(account)),
                    briefings::at.eq(Val(at)),
                ))
                .on_conflict_do_nothing()
                .execute(conn)
        })
        .map(drop)
        .attempt("note who read a briefing")
    }

    /// How many people read the briefings of waves, by care area.
    pub fn briefing_counts(&mut self, of: &[WaveId]) -> Result<Vec<BriefingCount>, StoreError> {
        briefings::table
            .filter(briefings::wave.eq_any(of.iter().map(Val)))
            .group_by((briefings::wave, briefings::care_area))
            .select((briefings::wave, briefings::care_area, diesel::dsl::count_star()))
            .load(self.connection)
            .attempt("count who read the briefings")
    }
}
