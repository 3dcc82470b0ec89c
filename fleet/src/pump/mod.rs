//! A pump: what it is, what it last said, and what people are told about it.

mod activity;
mod facts;
mod hold;
mod identity;
mod label;
mod mac;
mod presence;
mod status;
mod support;
mod udi;

pub use activity::{Activity, Availability, STALE_AFTER, availability};
#[cfg(test)]
pub(crate) use facts::tests::a_pump;
pub use facts::{InstalledComponent, InstalledLibrary, PumpFacts, SecurityCounter, numeric_part};
pub use hold::{Hold, HoldEffect, HoldKind, hold_effect};
pub use identity::{Component, Pump, PumpState};
pub use label::{Retag, TAGS_MAX, TagError};
pub use mac::{MacAddress, MacError};
pub use presence::{Session, SessionEnd, Takeover, takeover};
pub use status::{Status, StatusInput, status};
pub use support::{Support, SupportError, SupportStage};
pub use udi::{Udi, UdiError};
