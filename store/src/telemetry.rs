//! What pumps say they are doing: the latest of each, and the history. The hot path of the gateway.

use std::collections::HashMap;

use chrono::TimeDelta;
use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Bool, Nullable},
};
use fleet::{
    Timestamp,
    id::PumpId,
    inventory::Keep,
    pump::{Activity, PumpState},
    text::Name,
    unit::{BatteryPercent, Millilitres, MillilitresPerHour, SignalDbm},
};

use crate::{
    Db, StoreError,
    bulk::{bulk, bulk_row},
    error::Attempt,
    schema::{pump_states, telemetry},
    sql::{Id, Real, Utc, Val, Words},
};

macro_rules! state_columns {
    () => {
        "(pump, reported_at, received_at, activity, patient_attached, rate, infused, battery, on_mains, signal, place, alarm)"
    };
}

const INSERT: &str = concat!("INSERT INTO telemetry ", state_columns!(), " VALUES ");
const UPSERT: &str = concat!("INSERT INTO pump_states ", state_columns!(), " VALUES ");
/// An older state that arrives late does not replace a newer one.
const KEEP_NEWER: &str = " ON CONFLICT (pump) DO UPDATE SET \
    reported_at = excluded.reported_at, received_at = excluded.received_at, activity = excluded.activity, \
    patient_attached = excluded.patient_attached, rate = excluded.rate, infused = excluded.infused, \
    battery = excluded.battery, on_mains = excluded.on_mains, signal = excluded.signal, place = excluded.place, \
    alarm = excluded.alarm WHERE excluded.received_at >= pump_states.received_at";

bulk_row!(PumpState, |row|
    Id: &row.pump,
    Utc: &row.reported_at,
    Utc: &row.received_at,
    Words: &row.activity,
    Bool: &row.patient_attached,
    Nullable<Real>: &row.rate,
    Nullable<Real>: &row.infused,
    Nullable<Real>: &row.battery,
    Bool: &row.on_mains,
    Nullable<Real>: &row.signal,
    Nullable<Words>: &row.place,
    Nullable<Words>: &row.alarm,
);

/// A state as both tables hold it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = pump_states)]
pub(crate) struct StateRow {
    pump: PumpId,
    reported_at: Timestamp,
    received_at: Timestamp,
    activity: Activity,
    patient_attached: bool,
    rate: Option<MillilitresPerHour>,
    infused: Option<Millilitres>,
    battery: Option<BatteryPercent>,
    on_mains: bool,
    signal: Option<SignalDbm>,
    place: Option<Name>,
    alarm: Option<Name>,
}

impl From<StateRow> for PumpState {
    fn from(row: StateRow) -> Self {
        Self {
            pump: row.pump,
            reported_at: row.reported_at,
            received_at: row.received_at,
            activity: row.activity,
            patient_attached: row.patient_attached,
            rate: row.rate,
            infused: row.infused,
            battery: row.battery,
            on_mains: row.on_mains,
            signal: row.signal,
            place: row.place,
            alarm: row.alarm,
        }
    }
}

/// The history of a pump is found by segments: so many rows in the order of arrival. An index by pump alone would touch a page of its
/// own for every pump of a group; in one by segment and pump, what arrives together lies together, and the cost of a commit
/// does not grow with the fleet. The expression is that of the index `telemetry_by_pump`.
const SEGMENT: &str = "(telemetry.id >> 13)";
const SEGMENT_BITS: u32 = 13;
/// Rows of several writers may arrive out of the order of their times, but never by so many segments.
const DISORDER: i64 = 2;

/// What one call of [`Db::telemetry_thin`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thinned {
    /// How many samples it deleted.
    pub deleted: usize,
    /// Whether anything is left to look at: if so, call again, in a transaction of its own.
    pub more: bool,
}

impl Db<'_> {
    /// Appends samples to the history.
    pub fn telemetry_insert(&mut self, states: &[PumpState]) -> Result<(), StoreError> {
        bulk(self.connection, INSERT, states, "")
            .map(drop)
            .attempt("keep telemetry")
    }

    /// Keeps the latest state of each pump: of what is given and what is kept, the one received last. That also moves
    /// when the pump was last seen.
    pub fn pump_state_upsert(&mut self, states: &[PumpState]) -> Result<(), StoreError> {
        // PostgreSQL refuses to touch a row twice in one statement.
        let mut latest: HashMap<PumpId, &PumpState> = HashMap::with_capacity(states.len());
        for state in states {
            latest
                .entry(state.pump)
                .and_modify(|kept| {
                    if state.received_at >= kept.received_at {
                        *kept = state;
                    }
                })
                .or_insert(state);
        }
        self.touched.heard.extend(latest.keys());
        let done = if latest.len() == states.len() {
            bulk(self.connection, UPSERT, states, KEEP_NEWER)
        } else {
            let states: Vec<PumpState> = latest.into_values().cloned().collect();
            bulk(self.connection, UPSERT, &states, KEEP_NEWER)
        };
        done.map(drop).attempt("keep the state of pumps")
    }

    /// The newest `limit` samples of a pump that were received in `from..to`, the newest first.
    pub fn telemetry_history(
        &mut self,
        pump: PumpId,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<PumpState>, StoreError> {
        const ATTEMPTED: &str = "read the history of a pump";
        let within = telemetry::table
            .filter(telemetry::received_at.ge(Val(from)))
            .filter(telemetry::received_at.lt(Val(to)))
            .select(telemetry::id);
        let first: Option<i64> = within
            .order(telemetry::received_at)
            .first(self.connection)
            .optional()
            .attempt(ATTEMPTED)?;
        let last: Option<i64> = within
            .order(telemetry::received_at.desc())
            .first(self.connection)
            .optional()
            .attempt(ATTEMPTED)?;
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(Vec::new());
        };
        let lowest = (first >> SEGMENT_BITS) - DISORDER;
        let mut next = (last >> SEGMENT_BITS) + DISORDER;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut found: Vec<PumpState> = Vec::new();
        // A busy fleet fills segments fast and a small one slowly: few at first, then more at a time.
        let mut block = DISORDER + 2;
        while next >= lowest && found.len() < limit {
            let end = lowest.max(next - block + 1);
            let rows: Vec<StateRow> = telemetry::table
                .filter(sql::<BigInt>(SEGMENT).eq_any((end..=next).collect::<Vec<i64>>()))
                .filter(telemetry::pump.eq(Val(pump)))
                .filter(telemetry::received_at.ge(Val(from)))
                .filter(telemetry::received_at.lt(Val(to)))
                .order((telemetry::received_at.desc(), telemetry::id.desc()))
                .limit(i64::try_from(limit).unwrap_or(i64::MAX))
                .select((
                    telemetry::pump,
                    telemetry::reported_at,
                    telemetry::received_at,
                    telemetry::activity,
                    telemetry::patient_attached,
                    telemetry::rate,
                    telemetry::infused,
                    telemetry::battery,
                    telemetry::on_mains,
                    telemetry::signal,
                    telemetry::place,
                    telemetry::alarm,
                ))
                .load(self.connection)
                .attempt(ATTEMPTED)?;
            found.extend(rows.into_iter().map(PumpState::from));
            next = end - 1;
            block = (block * 2).min(1024);
        }
        found.sort_by_key(|state| std::cmp::Reverse(state.received_at));
        found.truncate(limit);
        Ok(found)
    }

    /// Thins the history by the steps of [`fleet::inventory::RetentionRule::steps`], looking at about `max_rows` samples at
    /// most, so that a call holds up the writers for a moment only.
    pub fn telemetry_thin(
        &mut self,
        steps: [(Timestamp, Keep); 3],
        max_rows: u32,
    ) -> Result<Thinned, StoreError> {
        let mut total = Thinned {
            deleted: 0,
            more: false,
        };
        let mut budget = i64::from(max_rows.max(1));
        // The oldest first: what is dropped whole need not be thinned before.
        for (before, keep) in steps.into_iter().rev() {
            if budget <= 0 {
                total.more = true;
                break;
            }
            let step = match keep {
                Keep::Nothing => self.telemetry_drop(before, budget)?,
                Keep::OnePer(seconds) => self.telemetry_keep_one_per(before, seconds, budget)?,
            };
            budget -= step.looked_at;
            total.deleted += step.deleted;
            total.more |= step.more;
        }
        Ok(total)
    }

    fn telemetry_drop(&mut self, before: Timestamp, budget: i64) -> Result<Step, StoreError> {
        let Some(window) = self.telemetry_window(Timestamp::UNIX_EPOCH, before, budget)? else {
            return Ok(Step::NOTHING);
        };
        let deleted = diesel::delete(telemetry::table.filter(telemetry::received_at.lt(Val(window.end))))
            .execute(self.connection)
            .attempt("drop old telemetry")?;
        Ok(window.step(deleted))
    }

    /// Goes on where the last call ended, which a setting remembers: what was thinned once stays thin, since samples
    /// are only ever added at the young end.
    fn telemetry_keep_one_per(
        &mut self,
        before: Timestamp,
        seconds: u32,
        budget: i64,
    ) -> Result<Step, StoreError> {
        const ATTEMPTED: &str = "thin telemetry";
        let seconds = i64::from(seconds.max(1));
        let marker = format!("telemetry.thinned.{seconds}");
        let begin = self
            .setting_get(&marker)?
            .and_then(|micros| Timestamp::from_timestamp_micros(micros.parse().ok()?))
            .unwrap_or(Timestamp::UNIX_EPOCH);
        let Some(window) = self.telemetry_window(begin, before, budget)? else {
            return Ok(Step::NOTHING);
        };
        let rows: Vec<(i64, PumpId, Timestamp)> = telemetry::table
            .filter(telemetry::received_at.ge(Val(begin)))
            .filter(telemetry::received_at.lt(Val(window.end)))
            .order((telemetry::received_at, telemetry::id))
            .select((telemetry::id, telemetry::pump, telemetry::received_at))
            .load(self.connection)
            .attempt(ATTEMPTED)?;
        let span = |at: Timestamp| at.timestamp().div_euclid(seconds);
        // The span in which the last call ended is open still: one sample of a pump at most is left of it by then.
        let mut kept: HashMap<PumpId, i64> = HashMap::new();
        if let Some((_, _, first)) = rows.first() {
            let start = Timestamp::from_timestamp(span(*first) * seconds, 0).unwrap_or(begin);
            let opened: Vec<PumpId> = telemetry::table
                .filter(telemetry::received_at.ge(Val(start)))
                .filter(telemetry::received_at.lt(Val(*first)))
                .select(telemetry::pump)
                .load(self.connection)
                .attempt(ATTEMPTED)?;
            kept.extend(opened.into_iter().map(|pump| (pump, span(*first))));
        }
        let surplus: Vec<i64> = rows
            .iter()
            .filter(|(_, pump, at)| kept.insert(*pump, span(*at)) == Some(span(*at)))
            .map(|(id, ..)| *id)
            .collect();
        for ids in surplus.chunks(1000) {
            diesel::delete(telemetry::table.filter(telemetry::id.eq_any(ids)))
                .execute(self.connection)
                .attempt(ATTEMPTED)?;
        }
        self.setting_set(&marker, &window.end.timestamp_micros().to_string())?;
        Ok(window.step(surplus.len()))
    }

    /// From `begin` to where about `budget` samples end, or to `before`. Samples of one instant are not parted.
    fn telemetry_window(
        &mut self,
        begin: Timestamp,
        before: Timestamp,
        budget: i64,
    ) -> Result<Option<Window>, StoreError> {
        let within = telemetry::table
            .filter(telemetry::received_at.ge(Val(begin)))
            .filter(telemetry::received_at.lt(Val(before)))
            .order(telemetry::received_at)
            .select(telemetry::received_at);
        let last: Option<Timestamp> = within
            .offset(budget - 1)
            .limit(1)
            .first(self.connection)
            .optional()
            .attempt("find telemetry to thin")?;
        if let Some(last) = last {
            return Ok(Some(Window {
                end: last + TimeDelta::microseconds(1),
                looked_at: budget,
                more: true,
            }));
        }
        let rest: i64 = telemetry::table
            .filter(telemetry::received_at.ge(Val(begin)))
            .filter(telemetry::received_at.lt(Val(before)))
            .count()
            .get_result(self.connection)
            .attempt("find telemetry to thin")?;
        Ok((rest > 0).then_some(Window {
            end: before,
            looked_at: rest,
            more: false,
        }))
    }
}

/// The samples that one step looks at: those before `end`.
struct Window {
    end: Timestamp,
    looked_at: i64,
    more: bool,
}

impl Window {
    fn step(&self, deleted: usize) -> Step {
        Step {
            looked_at: self.looked_at,
            deleted,
            more: self.more,
        }
    }
}

/// What one step of thinning did.
struct Step {
    looked_at: i64,
    deleted: usize,
    more: bool,
}

impl Step {
    const NOTHING: Self = Self {
        looked_at: 0,
        deleted: 0,
        more: false,
    };
}
