//! `up/telemetry`: what the pump is doing. Sent at every change and at an interval; QoS 1. It is acknowledged (PUBACK) once stored.

use fleet::{
    Timestamp,
    pump::Activity,
    text::Name,
    unit::{BatteryPercent, Millilitres, MillilitresPerHour, SignalDbm},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Message, V1};
use crate::topic::Channel;

/// One sample of a pump's state. There is no field for a patient, a drug or a dose, and none is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Telemetry {
    pub v: V1,
    /// When it was so, by the pump's clock (RFC 3339).
    pub at: Timestamp,
    /// What the pump is doing.
    pub activity: Activity,
    /// Whether a patient is connected. When in doubt, true.
    pub patient_attached: bool,
    /// Present delivery rate, mL/h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_ml_h: Option<MillilitresPerHour>,
    /// Volume infused since the present infusion began, mL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infused_ml: Option<Millilitres>,
    /// Battery charge, %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery_percent: Option<BatteryPercent>,
    /// Whether mains power is present.
    #[serde(default)]
    pub on_mains: bool,
    /// Radio signal, dBm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal_dbm: Option<SignalDbm>,
    /// Where the pump believes it is: the name of an access point or a beacon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Name>,
    /// The alarm that is sounding (`occlusion`, `air_in_line`, `battery_low`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Name>,
}

impl Message for Telemetry {
    const CHANNEL: Channel = Channel::Telemetry;
}
