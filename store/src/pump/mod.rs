//! The pumps that the hospital has.

mod board;
mod change;
mod heard;
mod list;
mod software;
mod tags;

pub use board::{PumpOnBoard, Said};
pub use change::PumpPatch;
pub use heard::Heard;
pub use list::{PumpCounts, PumpFilter, PumpListing};
pub use software::PumpSoftware;

use std::collections::HashMap;

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{CareAreaId, LocationId, ModelId, PumpId},
    inventory::EnrolledPump,
    pump::{Component, Hold, HoldKind, MacAddress, Pump, Udi},
    text::{AssetTag, ComponentName, ComponentVersion, HardwareId, Reason, SerialNumber},
};

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::{late_renewals, presence, pump_components, pump_macs, pump_states, pumps},
    sql::{Val, row},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = pumps)]
struct PumpRow {
    id: PumpId,
    row_version: i64,
    serial: SerialNumber,
    model: ModelId,
    asset_tag: Option<AssetTag>,
    udi: Option<Udi>,
    hardware_id: Option<HardwareId>,
    care_area: Option<CareAreaId>,
    location: Option<LocationId>,
    hold_kind: Option<HoldKind>,
    hold_reason: Option<Reason>,
    hold_since: Option<Timestamp>,
    enrolled_at: Timestamp,
    retired_at: Option<Timestamp>,
    content_version: i64,
}

/// What hangs on each pump of a list.
#[derive(Default)]
struct Parts {
    macs: HashMap<PumpId, Vec<MacAddress>>,
    components: HashMap<PumpId, Vec<Component>>,
}

impl PumpRow {
    fn with(self, parts: &mut Parts) -> Pump {
        let hold = match (self.hold_kind, self.hold_reason, self.hold_since) {
            (Some(kind), Some(reason), Some(since)) => Some(Hold { kind, reason, since }),
            // The table's own rule keeps the three together.
            _ => None,
        };
        Pump {
            id: self.id,
            row_version: self.row_version,
            content_version: self.content_version,
            serial: self.serial,
            model: self.model,
            asset_tag: self.asset_tag,
            udi: self.udi,
            hardware_id: self.hardware_id,
            care_area: self.care_area,
            location: self.location,
            macs: parts.macs.remove(&self.id).unwrap_or_default(),
            components: parts.components.remove(&self.id).unwrap_or_default(),
            hold,
            enrolled_at: self.enrolled_at,
            retired_at: self.retired_at,
        }
    }
}

impl Db<'_> {
    /// Puts a pump on record; [`StoreError::Conflict`] when its model has a pump with its serial number.
    pub fn pump_create(&mut self, pump: &Pump) -> Result<(), StoreError> {
        let change = self.registry_next_change()?;
        self.touched.pumps.insert(pump.id);
        let hold = pump.hold.as_ref();
        diesel::insert_into(pumps::table)
            .values((
                row!(pumps, pump;
                    id, row_version, content_version, serial, model, asset_tag, udi, hardware_id, care_area, location,
                    enrolled_at, retired_at),
                pumps::udi_device.eq(pump.udi.as_ref().map(|udi| udi.device_identifier.clone())),
                pumps::udi_serial.eq(pump.udi.as_ref().and_then(|udi| udi.serial.clone())),
                pumps::hold_kind.eq(hold.map(|hold| hold.kind)),
                pumps::hold_reason.eq(hold.map(|hold| hold.reason.clone())),
                pumps::hold_since.eq(hold.map(|hold| hold.since)),
                pumps::registry_change.eq(change),
            ))
            .execute(self.connection)
            .attempt("put a pump on record")?;
        self.pump_macs_insert(pump.id, &pump.macs)?;
        self.pump_components_insert(pump.id, &pump.components)
    }

    /// A pump; [`StoreError::NotFound`] when there is none.
    pub fn pump_fetch(&mut self, id: PumpId) -> Result<Pump, StoreError> {
        let row = pumps::table
            .find(Val(id))
            .select(PumpRow::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a pump")?
            .ok_or_else(|| StoreError::not_found("pump", id))?;
        let mut parts = self.pump_parts(&[id])?;
        Ok(row.with(&mut parts))
    }

    /// The pump of a model with this serial number.
    pub fn pump_by_serial(
        &mut self,
        model: ModelId,
        serial: &SerialNumber,
    ) -> Result<Option<Pump>, StoreError> {
        let row = pumps::table
            .filter(pumps::model.eq(Val(model)))
            .filter(pumps::serial.eq(Val(serial)))
            .select(PumpRow::as_select())
            .first(self.connection)
            .optional()
            .attempt("find a pump by its serial number")?;
        let Some(row) = row else {
            return Ok(None);
        };
        let mut parts = self.pump_parts(&[row.id])?;
        Ok(Some(row.with(&mut parts)))
    }

    /// The pumps that are known by a network address, retired ones included.
    pub fn pump_by_mac(&mut self, mac: MacAddress) -> Result<Vec<PumpId>, StoreError> {
        pump_macs::table
            .filter(pump_macs::mac.eq(Val(mac)))
            .order(pump_macs::pump)
            .select(pump_macs::pump)
            .load(self.connection)
            .attempt("find pumps by network address")
    }

    /// Every pump that is not retired, as [`fleet::inventory::reconcile`] compares them.
    pub fn enrolled_all(&mut self) -> Result<Vec<EnrolledPump>, StoreError> {
        const ATTEMPTED: &str = "read the enrolled pumps";
        type Joined = (PumpRow, Option<Timestamp>, Option<Timestamp>);
        let rows: Vec<Joined> = pumps::table
            .left_join(presence::table)
            .left_join(pump_states::table)
            .filter(pumps::retired_at.is_null())
            .order((pumps::serial, pumps::id))
            .select((
                PumpRow::as_select(),
                presence::last_seen.nullable(),
                pump_states::received_at.nullable(),
            ))
            .load(self.connection)
            .attempt(ATTEMPTED)?;
        let macs: Vec<(PumpId, MacAddress)> = pump_macs::table
            .order((pump_macs::pump, pump_macs::mac))
            .select((pump_macs::pump, pump_macs::mac))
            .load(self.connection)
            .attempt(ATTEMPTED)?;
        let mut macs = by_pump(macs);
        Ok(rows
            .into_iter()
            .map(|(row, heard, received)| EnrolledPump {
                id: row.id,
                serial: row.serial,
                model: row.model,
                asset_tag: row.asset_tag,
                macs: macs.remove(&row.id).unwrap_or_default(),
                last_seen: [heard, received]
                    .into_iter()
                    .flatten()
                    .fold(row.enrolled_at, Timestamp::max),
            })
            .collect())
    }

    /// Allows a pump one renewal with an expired certificate, until an instant.
    pub fn late_renewal_arm(&mut self, id: PumpId, until: Timestamp) -> Result<(), StoreError> {
        crate::connection::each_db!(self.connection, |conn| {
            diesel::insert_into(late_renewals::table)
                .values((
                    late_renewals::pump.eq(Val(id)),
                    late_renewals::until.eq(Val(until)),
                ))
                .on_conflict(late_renewals::pump)
                .do_update()
                .set(late_renewals::until.eq(Val(until)))
                .execute(conn)
        })
        .map(drop)
        .attempt("arm a late renewal")
    }

    /// Until when a late renewal is armed for a pump, if one is. Whether that has passed is the caller's to judge.
    pub fn late_renewal_fetch(&mut self, id: PumpId) -> Result<Option<Timestamp>, StoreError> {
        late_renewals::table
            .find(Val(id))
            .select(late_renewals::until)
            .first(self.connection)
            .optional()
            .attempt("read a late renewal")
    }

    /// The late renewal of a pump is used up, or taken back. Saying so again changes nothing.
    pub fn late_renewal_clear(&mut self, id: PumpId) -> Result<(), StoreError> {
        diesel::delete(late_renewals::table.find(Val(id)))
            .execute(self.connection)
            .map(drop)
            .attempt("clear a late renewal")
    }

    /// Uses up the late renewal of a pump; [`StoreError::Conflict`] when there is none, or another request was faster.
    pub fn late_renewal_consume(&mut self, id: PumpId) -> Result<(), StoreError> {
        let removed = diesel::delete(late_renewals::table.find(Val(id)))
            .execute(self.connection)
            .attempt("use up a late renewal")?;
        if removed == 1 {
            return Ok(());
        }
        Err(StoreError::Conflict {
            what: "late renewal",
            detail: format!("that of pump {id} is used up, or was never armed"),
        })
    }

    /// Addresses and components of some pumps, sorted as [`Pump`] wants them.
    fn pump_parts(&mut self, ids: &[PumpId]) -> Result<Parts, StoreError> {
        const ATTEMPTED: &str = "read the parts of pumps";
        let mut parts = Parts::default();
        for ids in ids.chunks(500) {
            let macs: Vec<(PumpId, MacAddress)> = pump_macs::table
                .filter(pump_macs::pump.eq_any(ids.iter().map(Val)))
                .order((pump_macs::pump, pump_macs::mac))
                .select((pump_macs::pump, pump_macs::mac))
                .load(self.connection)
                .attempt(ATTEMPTED)?;
            parts.macs.extend(by_pump(macs));
            let components: Vec<(PumpId, ComponentName, ComponentVersion)> = pump_components::table
                .filter(pump_components::pump.eq_any(ids.iter().map(Val)))
                .order((pump_components::pump, pump_components::name))
                .select((
                    pump_components::pump,
                    pump_components::name,
                    pump_components::version,
                ))
                .load(self.connection)
                .attempt(ATTEMPTED)?;
            let components = components
                .into_iter()
                .map(|(pump, name, version)| (pump, Component { name, version }));
            parts.components.extend(by_pump(components));
        }
        Ok(parts)
    }
}

fn by_pump<T>(pairs: impl IntoIterator<Item = (PumpId, T)>) -> HashMap<PumpId, Vec<T>> {
    let mut map: HashMap<PumpId, Vec<T>> = HashMap::new();
    for (pump, item) in pairs {
        map.entry(pump).or_default().push(item);
    }
    map
}
