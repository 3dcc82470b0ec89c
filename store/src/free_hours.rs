//! When pumps are usually free: one row for each, which ages by itself and never grows.

use std::collections::HashMap;

use diesel::prelude::*;
use fleet::{
    id::PumpId,
    rollout::free_hours::{FreeHours, WallHour},
};

use crate::{
    Db, StoreError,
    bulk::{bulk, bulk_row},
    error::Attempt,
    schema::free_hours,
    sql::{Id, Octets, Val},
};

struct Row(PumpId, FreeHours);

bulk_row!(Row, |row| Id: &row.0, Octets: &row.1);

impl Db<'_> {
    /// Pumps were seen in hours that are over, free or not.
    pub fn free_hours_note(&mut self, seen: &[(PumpId, WallHour, bool)]) -> Result<(), StoreError> {
        if seen.is_empty() {
            return Ok(());
        }
        let pumps: Vec<_> = seen.iter().map(|(pump, ..)| *pump).collect();
        let mut known = self.free_hours_of(&pumps)?;
        for (pump, at, is_free) in seen {
            known
                .entry(*pump)
                .or_insert_with(|| FreeHours::from_week(at.week))
                .note(*at, *is_free);
        }
        let rows: Vec<_> = known.into_iter().map(|(pump, hours)| Row(pump, hours)).collect();
        bulk(
            self.connection,
            "INSERT INTO free_hours (pump, hours) VALUES ",
            &rows,
            " ON CONFLICT (pump) DO UPDATE SET hours = excluded.hours",
        )
        .map(drop)
        .attempt("keep when pumps are free")
    }

    /// When pumps were free; nothing of those that were never seen.
    pub fn free_hours_of(&mut self, of: &[PumpId]) -> Result<HashMap<PumpId, FreeHours>, StoreError> {
        let mut found = HashMap::with_capacity(of.len());
        for of in of.chunks(500) {
            let rows: Vec<(PumpId, FreeHours)> = free_hours::table
                .filter(free_hours::pump.eq_any(of.iter().map(Val)))
                .select((free_hours::pump, free_hours::hours))
                .load(self.connection)
                .attempt("read when pumps are free")?;
            found.extend(rows);
        }
        Ok(found)
    }
}
