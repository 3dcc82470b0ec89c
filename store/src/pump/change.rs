//! Changes of a pump's record. Each counts its row version up, so that nobody changes what they have not seen; those of what a
//! signature vouches for (parts, hold, retirement; not place or tag) also its content version, which voids the signature.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{CareAreaId, LocationId, PumpId},
    pump::{Component, Hold, MacAddress, Udi},
    text::{AssetTag, HardwareId},
};

use crate::{
    Db, StoreError,
    account::found,
    bulk::{bulk, bulk_row},
    error::Attempt,
    schema::{pump_components, pump_macs, pumps},
    sql::{Id, Octets, Val, Words},
};

/// What a person changes of a pump's record: what is set is written, and set to nothing is cleared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PumpPatch {
    /// The hospital's tag.
    pub asset_tag: Option<Option<AssetTag>>,
    /// UDI as printed.
    pub udi: Option<Option<Udi>>,
    /// The care area it belongs to.
    pub care_area: Option<Option<CareAreaId>>,
    /// Where it is kept.
    pub location: Option<Option<LocationId>>,
    /// Hardware revision.
    pub hardware_id: Option<Option<HardwareId>>,
}

struct MacRow<'a>(PumpId, &'a MacAddress);

bulk_row!(MacRow<'_>, |row| Id: &row.0, Octets: row.1);

struct ComponentRow<'a>(PumpId, &'a Component);

bulk_row!(ComponentRow<'_>, |row| Id: &row.0, Words: &row.1.name, Words: &row.1.version);

impl Db<'_> {
    /// Changes a pump's record as a person saw it at `row_version`, and says its new version. [`StoreError::Conflict`] when it has
    /// changed since.
    pub fn pump_detail_update(
        &mut self,
        id: PumpId,
        row_version: i64,
        patch: &PumpPatch,
    ) -> Result<i64, StoreError> {
        const ATTEMPTED: &str = "change a pump";
        self.touched.pumps.insert(id);
        let udi = patch.udi.as_ref();
        let changed = diesel::update(pumps::table.find(Val(id)))
            .filter(pumps::row_version.eq(row_version))
            .set((
                pumps::row_version.eq(pumps::row_version + 1),
                patch.asset_tag.as_ref().map(|tag| pumps::asset_tag.eq(tag)),
                udi.map(|udi| pumps::udi.eq(udi)),
                udi.map(|udi| pumps::udi_device.eq(udi.as_ref().map(|udi| udi.device_identifier.clone()))),
                udi.map(|udi| pumps::udi_serial.eq(udi.as_ref().and_then(|udi| udi.serial.clone()))),
                patch.care_area.map(|area| pumps::care_area.eq(area)),
                patch.location.map(|location| pumps::location.eq(location)),
                patch
                    .hardware_id
                    .as_ref()
                    .map(|hardware| pumps::hardware_id.eq(hardware)),
                patch
                    .hardware_id
                    .as_ref()
                    .map(|_| pumps::content_version.eq(pumps::content_version + 1)),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        if changed == 1 {
            return Ok(row_version + 1);
        }
        let present: Option<i64> = pumps::table
            .find(Val(id))
            .select(pumps::row_version)
            .first(self.connection)
            .optional()
            .attempt(ATTEMPTED)?;
        Err(match present {
            None => StoreError::not_found("pump", id),
            Some(present) => StoreError::conflict(
                ATTEMPTED,
                format!(
                    "it was changed in the meantime (version {row_version} was given, {present} is on record)"
                ),
            ),
        })
    }

    /// Writes what holds a pump into its row; see [`crate::HoldRecord`].
    pub(crate) fn pump_hold_set(&mut self, id: PumpId, hold: &Hold) -> Result<(), StoreError> {
        self.pump_hold_write(id, Some(hold), "hold a pump")
    }

    /// Nothing holds the pump any more.
    pub(crate) fn pump_hold_clear(&mut self, id: PumpId) -> Result<(), StoreError> {
        self.pump_hold_write(id, None, "release a pump")
    }

    fn pump_hold_write(
        &mut self,
        id: PumpId,
        hold: Option<&Hold>,
        attempted: &'static str,
    ) -> Result<(), StoreError> {
        self.touched.pumps.insert(id);
        let change = self.registry_next_change()?;
        let changed = diesel::update(pumps::table.find(Val(id)))
            .set((
                pumps::row_version.eq(pumps::row_version + 1),
                pumps::content_version.eq(pumps::content_version + 1),
                pumps::registry_change.eq(change),
                pumps::hold_kind.eq(hold.map(|hold| hold.kind)),
                pumps::hold_reason.eq(hold.map(|hold| &hold.reason)),
                pumps::hold_since.eq(hold.map(|hold| hold.since)),
            ))
            .execute(self.connection)
            .attempt(attempted)?;
        found("pump", id, changed)
    }

    /// A pump has left the hospital for good. Saying so again changes nothing.
    pub fn pump_retire(&mut self, id: PumpId, at: Timestamp) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "retire a pump";
        self.touched.pumps.insert(id);
        let change = self.registry_next_change()?;
        let changed = diesel::update(pumps::table.find(Val(id)))
            .filter(pumps::retired_at.is_null())
            .set((
                pumps::row_version.eq(pumps::row_version + 1),
                pumps::content_version.eq(pumps::content_version + 1),
                pumps::registry_change.eq(change),
                pumps::retired_at.eq(Some(at)),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        if changed == 1 {
            return Ok(());
        }
        let known: i64 = pumps::table
            .find(Val(id))
            .count()
            .get_result(self.connection)
            .attempt(ATTEMPTED)?;
        found("pump", id, usize::from(known > 0))
    }

    /// Keeps what a pump reports of itself. Only what differs is written, and the row version moves only then; a hardware id or UDI that
    /// is not given stays.
    pub fn pump_inventory_set(
        &mut self,
        id: PumpId,
        macs: &[MacAddress],
        components: &[Component],
        hardware_id: Option<&HardwareId>,
        udi: Option<&Udi>,
    ) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "keep a pump's inventory";
        let pump = self.pump_fetch(id)?;
        let macs = sorted(macs);
        let components = sorted(components);
        let hardware_id = hardware_id.filter(|given| pump.hardware_id.as_ref() != Some(given));
        let udi = udi.filter(|given| pump.udi.as_ref() != Some(given));
        if pump.macs == macs && pump.components == components && hardware_id.is_none() && udi.is_none() {
            return Ok(());
        }
        self.touched.pumps.insert(id);
        if pump.macs != macs {
            diesel::delete(pump_macs::table.filter(pump_macs::pump.eq(Val(id))))
                .execute(self.connection)
                .attempt(ATTEMPTED)?;
            self.pump_macs_insert(id, &macs)?;
        }
        if pump.components != components {
            diesel::delete(pump_components::table.filter(pump_components::pump.eq(Val(id))))
                .execute(self.connection)
                .attempt(ATTEMPTED)?;
            self.pump_components_insert(id, &components)?;
        }
        diesel::update(pumps::table.find(Val(id)))
            .set((
                pumps::row_version.eq(pumps::row_version + 1),
                pumps::content_version.eq(pumps::content_version + 1),
                hardware_id.map(|hardware| pumps::hardware_id.eq(Some(hardware))),
                udi.map(|udi| pumps::udi.eq(Some(udi))),
                udi.map(|udi| pumps::udi_device.eq(Some(udi.device_identifier.clone()))),
                udi.map(|udi| pumps::udi_serial.eq(udi.serial.clone())),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt(ATTEMPTED)
    }

    pub(super) fn pump_macs_insert(&mut self, id: PumpId, macs: &[MacAddress]) -> Result<(), StoreError> {
        let rows: Vec<MacRow<'_>> = macs.iter().map(|mac| MacRow(id, mac)).collect();
        bulk(
            self.connection,
            "INSERT INTO pump_macs (pump, mac) VALUES ",
            &rows,
            "",
        )
        .map(drop)
        .attempt("keep a pump's network addresses")
    }

    pub(super) fn pump_components_insert(
        &mut self,
        id: PumpId,
        components: &[Component],
    ) -> Result<(), StoreError> {
        let rows: Vec<ComponentRow<'_>> = components.iter().map(|part| ComponentRow(id, part)).collect();
        bulk(
            self.connection,
            "INSERT INTO pump_components (pump, name, version) VALUES ",
            &rows,
            "",
        )
        .map(drop)
        .attempt("keep a pump's components")
    }
}

/// In order, and each once.
fn sorted<T: Clone + Ord>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items.dedup();
    items
}
