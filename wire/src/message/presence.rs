//! `up/presence`: retained, and the pump's last will.

use fleet::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Message, V1};
use crate::topic::Channel;

/// Whether the pump is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// Sent right after connecting.
    Online,
    /// Sent before a wanted disconnect, and left as the last will.
    Offline,
}

/// A pump says that it is there, or that it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    pub v: V1,
    pub state: PresenceState,
    /// When, by the pump's clock. A last will carries none: it is written before it is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl Presence {
    /// The message to leave as the last will.
    #[must_use]
    pub const fn last_will() -> Self {
        Self {
            v: V1,
            state: PresenceState::Offline,
            at: None,
        }
    }
}

impl Message for Presence {
    const CHANNEL: Channel = Channel::Presence;
}
