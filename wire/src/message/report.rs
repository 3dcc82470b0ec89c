//! `up/report`: what must not be lost. The pump keeps a report until `down/ack` names it, and sends it again after each reconnect.

use fleet::{
    Timestamp,
    id::{OrderId, ReportId},
    pump::{Component, MacAddress, SecurityCounter},
    text::{ComponentVersion, HardwareId, Name, Reason, SerialNumber},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Message, ReadError, UpdateReport, V1, at_most, read_json};
use crate::{envelope::Sealed, topic::Channel};

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub v: V1,
    /// Made by the pump, never reused; a report that arrives twice is stored once.
    pub id: ReportId,
    /// Counts the pump's reports from 1, without gaps, for the life of the pump.
    #[schemars(range(min = 1))]
    pub seq: u64,
    /// When it was made, by the pump's clock (RFC 3339).
    pub at: Timestamp,
    /// What it says.
    pub body: ReportBody,
}

impl Message for Report {
    const CHANNEL: Channel = Channel::Report;
}

/// The part of a report by which it can be answered, even if its body is of a kind we do not know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReportHead {
    pub id: ReportId,
}

impl ReportHead {
    /// Reads only the head.
    ///
    /// # Errors
    /// [`ReadError`] when not even that is readable.
    pub fn read(payload: &[u8]) -> Result<Self, ReadError> {
        read_json(Channel::Report, payload)
    }
}

/// What a report says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for the moment between reading and storing; a box would be in everybody's way"
)]
pub enum ReportBody {
    /// What the pump is: sent after each start, after each change, and when ordered.
    Inventory(InventoryReport),
    /// What became of an order.
    OrderResult(OrderResult),
    /// How far an update is.
    Update(UpdateReport),
    /// What runs after an update and what its checks read, signed by the pump's own key.
    Proof {
        /// A proof, signed with the key of the pump's certificate.
        signed: Sealed,
    },
    /// What checks read that were run again because an order asked for them, signed by the pump's own key.
    Retest {
        /// A retest, signed with the key of the pump's certificate.
        signed: Sealed,
    },
}

/// What the pump is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InventoryReport {
    pub serial: SerialNumber,
    pub manufacturer: Name,
    pub model: Name,
    pub hardware_id: HardwareId,
    /// The UDI in the pump's own label, with brackets or FNC1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub udi: Option<String>,
    /// Every firmware component that runs.
    #[serde(deserialize_with = "at_most::<64, _, _>")]
    #[schemars(length(max = 64))]
    pub components: Vec<Component>,
    /// Addresses of all its network interfaces.
    #[serde(deserialize_with = "at_most::<8, _, _>")]
    #[schemars(length(max = 8))]
    pub macs: Vec<MacAddress>,
    /// Attached modules (wireless, battery, PCA).
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "at_most::<16, _, _>"
    )]
    #[schemars(length(max = 16))]
    pub modules: Vec<Module>,
    /// The firmware slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<SoftwareState>,
    /// The security counter, which the pump raises when it keeps new firmware and never lowers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<SecurityCounter>,
    /// The drug library that is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drug_library: Option<DrugLibrary>,
}

/// A drug library on a pump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DrugLibrary {
    pub name: Name,
    pub version: ComponentVersion,
}

/// A module that is attached to the pump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Module {
    pub name: Name,
    pub serial: SerialNumber,
}

/// One of two firmware slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SoftwareSlot {
    A,
    B,
}

/// Which slot runs, and whether for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SoftwareState {
    pub active: SoftwareSlot,
    /// The active slot boots on trial and was not committed yet.
    pub trial: bool,
    /// The security counter of what is in the other slot; left out when nothing that starts is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_counter: Option<SecurityCounter>,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderResult {
    pub order: OrderId,
    pub outcome: OrderOutcome,
    /// Why it was refused, or what is worth saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Carried out, waiting, or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderOutcome {
    /// Carried out.
    Done,
    /// Accepted; it takes effect when the pump is free.
    WhenFree,
    /// The pump will not.
    Refused,
}

impl OrderOutcome {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::WhenFree => "when_free",
            Self::Refused => "refused",
        }
    }
}
