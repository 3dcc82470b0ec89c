//! A pump: what it is, what it last said, and what people are told about it.

mod activity;
mod hold;
mod identity;
mod mac;
mod presence;
mod status;
mod udi;

pub use activity::{Activity, Availability, STALE_AFTER, availability};
pub use hold::{Hold, HoldEffect, HoldKind, hold_effect};
pub use identity::{Component, Pump, PumpState};
pub use mac::{MacAddress, MacError};
pub use presence::{Session, SessionEnd, Takeover, takeover};
pub use status::{Status, StatusInput, status};
pub use udi::{Udi, UdiError};
