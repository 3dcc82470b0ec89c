//! `down/ack`: which reports are safe, and which will never be taken.

use fleet::{id::ReportId, text::Reason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Message, V1};
use crate::topic::Channel;

/// Sent after the reports were committed. The pump then forgets them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ack {
    pub v: V1,
    /// Stored for good.
    pub stored: Vec<ReportId>,
    /// Refused for good; sending them again would change nothing. The pump keeps a note of it in its own log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedReport>,
}

/// A report that will never be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedReport {
    pub id: ReportId,
    pub reason: Reason,
}

impl Message for Ack {
    const CHANNEL: Channel = Channel::Ack;
}
