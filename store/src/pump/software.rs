//! What pumps say of themselves beyond their components: what a release is matched against.

use diesel::prelude::*;
use fleet::{
    id::PumpId,
    pump::{InstalledLibrary, SecurityCounter},
    text::{ComponentVersion, Name},
};
use serde_json::Value;

use crate::{Db, StoreError, account::found, error::Attempt, schema::pumps, sql::Val};

/// What a pump last said of its software.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PumpSoftware {
    /// The security counter of what runs.
    pub counter: Option<SecurityCounter>,
    /// That of what is in the other slot.
    pub other_counter: Option<SecurityCounter>,
    /// The drug library.
    pub library: Option<InstalledLibrary>,
    /// Names of attached modules.
    pub modules: Vec<Name>,
}

type Row = (
    PumpId,
    Option<i64>,
    Option<i64>,
    Option<Name>,
    Option<ComponentVersion>,
    Value,
);

fn counter(stored: Option<i64>) -> Option<SecurityCounter> {
    stored
        .and_then(|number| u32::try_from(number).ok())
        .map(SecurityCounter)
}

impl Db<'_> {
    /// Keeps what a pump says of its software. The row version moves only where it differs.
    pub fn pump_software_set(&mut self, id: PumpId, software: &PumpSoftware) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "keep a pump's software";
        let known = self.pump_software_of(&[id])?.pop().map(|(_, known)| known);
        if known.as_ref() == Some(software) {
            return Ok(());
        }
        self.touched.pumps.insert(id);
        let stored = |counter: Option<SecurityCounter>| counter.map(|counter| i64::from(counter.0));
        let library = software.library.as_ref();
        let changed = diesel::update(pumps::table.find(Val(id)))
            .set((
                pumps::row_version.eq(pumps::row_version + 1),
                pumps::counter.eq(stored(software.counter)),
                pumps::other_counter.eq(stored(software.other_counter)),
                pumps::library_name.eq(Val(library.map(|library| library.name.clone()))),
                pumps::library_version.eq(Val(library.map(|library| library.version.clone()))),
                pumps::modules.eq(Val(serde_json::json!(software.modules))),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        found("pump", id, changed)
    }

    /// What pumps said of their software.
    pub fn pump_software_of(&mut self, of: &[PumpId]) -> Result<Vec<(PumpId, PumpSoftware)>, StoreError> {
        const ATTEMPTED: &str = "read the software of pumps";
        let mut found = Vec::with_capacity(of.len());
        for of in of.chunks(500) {
            let rows: Vec<Row> = pumps::table
                .filter(pumps::id.eq_any(of.iter().map(Val)))
                .select((
                    pumps::id,
                    pumps::counter,
                    pumps::other_counter,
                    pumps::library_name,
                    pumps::library_version,
                    pumps::modules,
                ))
                .load(self.connection)
                .attempt(ATTEMPTED)?;
            for (id, running, other, name, version, modules) in rows {
                let modules = serde_json::from_value(modules).map_err(|error| StoreError::Corrupt {
                    attempted: ATTEMPTED,
                    detail: format!("pump {id}: {error}"),
                })?;
                let software = PumpSoftware {
                    counter: counter(running),
                    other_counter: counter(other),
                    library: name
                        .zip(version)
                        .map(|(name, version)| InstalledLibrary { name, version }),
                    modules,
                };
                found.push((id, software));
            }
        }
        Ok(found)
    }
}
