//! The record of a pump, and the latest state it reported.

use serde::{Deserialize, Serialize};

use super::{Activity, Hold, MacAddress, Udi};
use crate::{
    Timestamp,
    id::{CareAreaId, LocationId, ModelId, PumpId},
    text::{AssetTag, ComponentName, ComponentVersion, HardwareId, Name, SerialNumber},
    unit::{BatteryPercent, Millilitres, MillilitresPerHour, SignalDbm},
};

/// One firmware component and its version. A pump's firmware is a set of these, not one string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Component {
    /// Which part of the pump's software.
    pub name: ComponentName,
    /// Its version, in its maker's own scheme.
    pub version: ComponentVersion,
}

/// A pump as the inventory knows it. What the pump says of itself lives in [`PumpState`].
#[derive(Debug, Clone, PartialEq)]
pub struct Pump {
    /// Ours, for life; never reused.
    pub id: PumpId,
    /// Counts changes of this record; an edit names the version it was made from.
    pub row_version: i64,
    /// Counts what a signature on the pump vouches for: parts, hold, retirement; not place or tag.
    pub content_version: i64,
    /// The manufacturer's serial number; unique within the model.
    pub serial: SerialNumber,
    /// The model, which belongs to a manufacturer.
    pub model: ModelId,
    /// The hospital's tag.
    pub asset_tag: Option<AssetTag>,
    /// Unique Device Identification as printed on the pump.
    pub udi: Option<Udi>,
    /// Hardware revision.
    pub hardware_id: Option<HardwareId>,
    /// The care area the pump belongs to.
    pub care_area: Option<CareAreaId>,
    /// Where it is kept when not in use.
    pub location: Option<LocationId>,
    /// Network addresses that belong to it, sorted.
    pub macs: Vec<MacAddress>,
    /// Installed component versions, sorted by name.
    pub components: Vec<Component>,
    /// What keeps it out of use, if anything does.
    pub hold: Option<Hold>,
    /// When it was first enrolled.
    pub enrolled_at: Timestamp,
    /// When it left the hospital for good.
    pub retired_at: Option<Timestamp>,
}

/// The latest that a pump said about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PumpState {
    /// Whose state this is.
    pub pump: PumpId,
    /// When the pump says it was so, by its own clock.
    pub reported_at: Timestamp,
    /// When we received it, by ours. Staleness is judged by this one.
    pub received_at: Timestamp,
    /// What it is doing.
    pub activity: Activity,
    /// Whether a patient is connected.
    pub patient_attached: bool,
    /// Delivery rate, while delivering.
    pub rate: Option<MillilitresPerHour>,
    /// Volume infused since the present infusion began.
    pub infused: Option<Millilitres>,
    /// Battery charge.
    pub battery: Option<BatteryPercent>,
    /// Whether mains power is present.
    pub on_mains: bool,
    /// Radio signal.
    pub signal: Option<SignalDbm>,
    /// The place the pump believes it is in (an access point's or a beacon's name).
    pub place: Option<Name>,
    /// The alarm that is sounding.
    pub alarm: Option<Name>,
}
