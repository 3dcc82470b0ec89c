//! `down/order`: what the gateway asks of a pump. QoS 1; delivered again until the pump's PUBACK, so orders are idempotent.

use fleet::{
    Timestamp,
    check::{CheckKind, CheckUnit},
    id::{OrderId, RetestId, TicketId},
    pump::HoldKind,
    release::RepositoryName,
    text::{CheckId, Reason},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Message, V1, at_most};
use crate::{envelope::Sealed, topic::Channel};

/// An order. The pump answers with a report of kind `order_result`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    pub v: V1,
    /// An order that arrives twice is carried out once.
    pub id: OrderId,
    /// When it was given (RFC 3339).
    pub at: Timestamp,
    /// What is asked.
    pub body: OrderBody,
}

impl Message for Order {
    const CHANNEL: Channel = Channel::Order;
}

/// What is asked. None of these can stop an infusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OrderBody {
    /// Start no new infusion, and say so on the display. It takes effect when the pump is free.
    Hold { hold: HoldKind, reason: Reason },
    /// The hold is over.
    ReleaseHold,
    /// Send an inventory report now.
    ReportInventory,
    /// Renew the certificate now.
    RenewCertificate,
    /// Fetch the file that the ticket names into the inactive slot, and check it there.
    Download {
        /// The manufacturer's TUF repository at the bulk listener.
        repository: RepositoryName,
        /// A ticket, signed with the hospital's key.
        ticket: Sealed,
    },
    /// Activate what was downloaded, as soon as the pump itself finds it safe.
    Install { ticket: TicketId },
    /// Do not use the ticket any more, unless it was used already.
    ReturnTicket { ticket: TicketId, reason: Reason },
    /// Go back to the other slot, as soon as the pump itself finds it safe.
    RollBack { ticket: TicketId, reason: Reason },
    /// Run these checks as soon as the pump is free, and send what they read as a report of kind `retest`.
    RunChecks {
        retest: RetestId,
        #[serde(deserialize_with = "at_most::<64, _, _>")]
        #[schemars(length(max = 64))]
        checks: Vec<AskedCheck>,
    },
}

/// A check that the pump is asked to run. It learns what to read, and not what would pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AskedCheck {
    /// The name of the check, which the result repeats.
    pub check: CheckId,
    /// What it is about.
    #[serde(rename = "about")]
    pub kind: CheckKind,
    /// The unit to read in; left out where a SHA-256 is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<CheckUnit>,
}

impl OrderBody {
    /// The word of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Hold { .. } => "hold",
            Self::ReleaseHold => "release_hold",
            Self::ReportInventory => "report_inventory",
            Self::RenewCertificate => "renew_certificate",
            Self::Download { .. } => "download",
            Self::Install { .. } => "install",
            Self::ReturnTicket { .. } => "return_ticket",
            Self::RollBack { .. } => "roll_back",
            Self::RunChecks { .. } => "run_checks",
        }
    }
}
