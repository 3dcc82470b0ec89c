//! Holds, with their history. The pump's own row keeps what holds it now, so that whoever asks about many pumps need not look here;
//! both are written together, and only here.

mod retest;

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AccountId, HoldId, PumpId, RetestId, SignatureId},
    pump::{Hold, HoldKind},
    text::Reason,
};
use serde_json::{Value, json};

use crate::{
    Db, Page, StoreError,
    error::Attempt,
    page::{cut, read_time_marker, rows_for, time_marker},
    schema::holds,
    sql::{Val, row},
};

pub use retest::{RetestRecord, RetestResult};

/// A hold, from the instant it was set.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = holds)]
pub struct HoldRecord {
    /// Ours, for life.
    pub id: HoldId,
    /// The pump.
    pub pump: PumpId,
    /// Counts changes.
    pub row_version: i64,
    /// Which kind.
    pub kind: HoldKind,
    /// Why, in words.
    pub reason: Reason,
    /// What was seen when it was set.
    pub evidence: Value,
    /// Who set it; nobody when a rule did.
    pub set_by: Option<AccountId>,
    /// Who looks after it, if somebody does.
    pub owner: Option<AccountId>,
    /// Since when it is on record.
    pub since: Timestamp,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// The hold that took its place; nothing where it was released.
    pub replaced_by: Option<HoldId>,
    /// The retest on which it was released.
    pub retest: Option<RetestId>,
    /// The signatures on which it was released.
    pub signatures: Value,
}

impl HoldRecord {
    /// One that stands from its first instant, and that nobody looks after yet.
    #[must_use]
    pub fn standing(
        id: HoldId,
        pump: PumpId,
        hold: &Hold,
        evidence: Value,
        set_by: Option<AccountId>,
    ) -> Self {
        Self {
            id,
            pump,
            row_version: 1,
            kind: hold.kind,
            reason: hold.reason.clone(),
            evidence,
            set_by,
            owner: None,
            since: hold.since,
            ended_at: None,
            replaced_by: None,
            retest: None,
            signatures: Value::Array(Vec::new()),
        }
    }
}

/// Which holds to list; nothing set lists all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HoldFilter {
    /// Of this pump.
    pub pump: Option<PumpId>,
    /// Of this kind.
    pub kind: Option<HoldKind>,
    /// Looked after by this person.
    pub owner: Option<AccountId>,
    /// Only those that stand, or only those that ended.
    pub standing: Option<bool>,
}

impl Db<'_> {
    /// Holds a pump, in place of what held it before. Use [`crate::Store::write_durable`].
    pub fn hold_create(&mut self, hold: &HoldRecord) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "hold a pump";
        let standing = holds::table
            .filter(holds::pump.eq(Val(hold.pump)))
            .filter(holds::ended_at.is_null());
        let before: Option<HoldId> = standing
            .select(holds::id)
            .first(self.connection)
            .optional()
            .attempt(ATTEMPTED)?;
        if let Some(before) = before {
            diesel::update(holds::table.find(Val(before)))
                .set((
                    holds::row_version.eq(holds::row_version + 1),
                    holds::ended_at.eq(Val(Some(hold.since))),
                    holds::replaced_by.eq(Val(Some(hold.id))),
                ))
                .execute(self.connection)
                .attempt(ATTEMPTED)?;
        }
        self.pump_hold_set(
            hold.pump,
            &Hold {
                kind: hold.kind,
                reason: hold.reason.clone(),
                since: hold.since,
            },
        )?;
        diesel::insert_into(holds::table)
            .values(
                row!(holds, hold; id, pump, row_version, kind, reason, evidence, set_by, owner, since,
                ended_at, replaced_by, retest, signatures),
            )
            .execute(self.connection)
            .map(drop)
            .attempt(ATTEMPTED)
    }

    /// Releases a pump, as its hold was at version `seen`. [`StoreError::Conflict`] when it has changed since, or has ended.
    pub fn hold_release(
        &mut self,
        hold: &HoldRecord,
        at: Timestamp,
        retest: RetestId,
        signed: &[SignatureId],
    ) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "release a pump from its hold";
        let changed = diesel::update(holds::table.find(Val(hold.id)))
            .filter(holds::row_version.eq(hold.row_version))
            .filter(holds::ended_at.is_null())
            .set((
                holds::row_version.eq(holds::row_version + 1),
                holds::ended_at.eq(Val(Some(at))),
                holds::retest.eq(Val(Some(retest))),
                holds::signatures.eq(Val(json!(signed))),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        unchanged(ATTEMPTED, changed)?;
        self.pump_hold_clear(hold.pump)
    }

    /// Says who looks after a hold that stands, as it was at version `seen`. [`StoreError::Conflict`] when it has changed since.
    pub fn hold_owner_set(
        &mut self,
        id: HoldId,
        seen: i64,
        owner: Option<AccountId>,
    ) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "say who looks after a hold";
        let changed = diesel::update(holds::table.find(Val(id)))
            .filter(holds::row_version.eq(seen))
            .filter(holds::ended_at.is_null())
            .set((
                holds::row_version.eq(holds::row_version + 1),
                holds::owner.eq(Val(owner)),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        unchanged(ATTEMPTED, changed)
    }

    /// A hold; [`StoreError::NotFound`] when there is none.
    pub fn hold_fetch(&mut self, id: HoldId) -> Result<HoldRecord, StoreError> {
        holds::table
            .find(Val(id))
            .select(HoldRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a hold")?
            .ok_or_else(|| StoreError::not_found("hold", id))
    }

    /// What holds a pump now.
    pub fn hold_standing(&mut self, pump: PumpId) -> Result<Option<HoldRecord>, StoreError> {
        holds::table
            .filter(holds::pump.eq(Val(pump)))
            .filter(holds::ended_at.is_null())
            .select(HoldRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read what holds a pump")
    }

    /// Holds, the newest first.
    pub fn hold_list(
        &mut self,
        filter: &HoldFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<HoldRecord>, StoreError> {
        let mut query = holds::table.select(HoldRecord::as_select()).into_boxed();
        if let Some(pump) = filter.pump {
            query = query.filter(holds::pump.eq(Val(pump)));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(holds::kind.eq(Val(kind)));
        }
        if let Some(owner) = filter.owner {
            query = query.filter(holds::owner.eq(Val(Some(owner))));
        }
        match filter.standing {
            Some(true) => query = query.filter(holds::ended_at.is_null()),
            Some(false) => query = query.filter(holds::ended_at.is_not_null()),
            None => {}
        }
        if let Some(marker) = after {
            let (since, id) = read_time_marker::<HoldId>(marker)?;
            query = query.filter(
                holds::since
                    .lt(Val(since))
                    .or(holds::since.eq(Val(since)).and(holds::id.lt(Val(id)))),
            );
        }
        let rows = query
            .order((holds::since.desc(), holds::id.desc()))
            .limit(rows_for(limit))
            .load::<HoldRecord>(self.connection)
            .attempt("list holds")?;
        Ok(cut(rows, limit, |row| time_marker(row.since, row.id)))
    }
}

fn unchanged(attempted: &'static str, changed: usize) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::conflict(
            attempted,
            "the hold was changed or has ended since it was read; read it again",
        )),
    }
}
