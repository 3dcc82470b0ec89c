//! Little of many pumps: what is asked for again and again while rollouts run, without the rest of a listing.

use diesel::prelude::*;
use fleet::{Timestamp, id::PumpId, pump::Activity, text::SerialNumber};

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::{presence, pump_states, pumps},
    sql::Val,
};

/// What a pump last said of itself, and whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Which pump.
    pub pump: PumpId,
    /// Whether it is connected.
    pub connected: bool,
    /// When it was last heard of by its connection.
    pub last_seen: Option<Timestamp>,
    /// What it last said: what it does, whether a patient is attached, and when we had that.
    pub state: Option<(Activity, bool, Timestamp)>,
}

type Row = (
    PumpId,
    Option<bool>,
    Option<Timestamp>,
    Option<Activity>,
    Option<bool>,
    Option<Timestamp>,
);

impl Db<'_> {
    /// What some pumps last said of themselves, in any order.
    pub fn pump_heard_of(&mut self, of: &[PumpId]) -> Result<Vec<Heard>, StoreError> {
        let mut found = Vec::with_capacity(of.len());
        for of in of.chunks(500) {
            let rows: Vec<Row> = pumps::table
                .left_join(presence::table)
                .left_join(pump_states::table)
                .filter(pumps::id.eq_any(of.iter().map(Val)))
                .select((
                    pumps::id,
                    presence::connected.nullable(),
                    presence::last_seen.nullable(),
                    pump_states::activity.nullable(),
                    pump_states::patient_attached.nullable(),
                    pump_states::received_at.nullable(),
                ))
                .load(self.connection)
                .attempt("read what pumps last said")?;
            found.extend(rows.into_iter().map(
                |(pump, connected, last_seen, activity, patient_attached, received_at)| {
                    Heard {
                        pump,
                        connected: connected.unwrap_or_default(),
                        last_seen,
                        state: activity
                            .zip(patient_attached)
                            .zip(received_at)
                            .map(|((activity, patient_attached), at)| (activity, patient_attached, at)),
                    }
                },
            ));
        }
        Ok(found)
    }

    /// The serial numbers of some pumps, in any order.
    pub fn pump_serials_of(&mut self, of: &[PumpId]) -> Result<Vec<(PumpId, SerialNumber)>, StoreError> {
        let mut found = Vec::with_capacity(of.len());
        for of in of.chunks(500) {
            let rows: Vec<(PumpId, SerialNumber)> = pumps::table
                .filter(pumps::id.eq_any(of.iter().map(Val)))
                .select((pumps::id, pumps::serial))
                .load(self.connection)
                .attempt("read the serial numbers of pumps")?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// The row versions of some pumps, in any order.
    pub fn pump_versions_of(&mut self, of: &[PumpId]) -> Result<Vec<(PumpId, i64)>, StoreError> {
        let mut found = Vec::with_capacity(of.len());
        for of in of.chunks(500) {
            let rows: Vec<(PumpId, i64)> = pumps::table
                .filter(pumps::id.eq_any(of.iter().map(Val)))
                .select((pumps::id, pumps::row_version))
                .load(self.connection)
                .attempt("read the versions of pumps")?;
            found.extend(rows);
        }
        Ok(found)
    }
}
