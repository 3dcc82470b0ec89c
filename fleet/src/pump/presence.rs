//! Connections of a pump: one at a time, the newest wins, and a tug of war is noticed.

use core::net::IpAddr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// One MQTT connection of a pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Number of the connection within this gateway process; later is larger.
    pub number: u64,
    /// Where it comes from.
    pub peer: IpAddr,
    /// Since when.
    pub since: Timestamp,
    /// When the pump last sent anything at all on it.
    pub last_heard: Timestamp,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SessionEnd {
    /// The pump said goodbye (MQTT DISCONNECT without will).
    Goodbye,
    /// The transport broke, or the keepalive ran out: its last will speaks for it.
    Lost,
    /// A newer connection of the same pump took its place.
    TakenOver,
    /// Its certificate was revoked, ran out, or the pump was isolated.
    Denied,
    /// It broke the contract (topic, size, malformed packet).
    ProtocolViolation,
    /// The gateway stopped.
    GatewayStopped,
}

impl SessionEnd {
    /// The word in the database and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Goodbye => "goodbye",
            Self::Lost => "lost",
            Self::TakenOver => "taken_over",
            Self::Denied => "denied",
            Self::ProtocolViolation => "protocol_violation",
            Self::GatewayStopped => "gateway_stopped",
        }
    }
}

/// What a second connection under one identity means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// A pump that came back before we noticed it was gone.
    Reconnect,
    /// Two places use one identity at the same time: perhaps a cloned certificate.
    TwoPlaces,
}

/// A session that spoke this recently was alive, so a connection from elsewhere is a second device.
const ALIVE_WITHIN: TimeDelta = TimeDelta::seconds(20);

/// Judges a new connection against the one it replaces. The newest connection wins either way; a pump that
/// roamed to another address keeps its service, and the event lets people look.
#[must_use]
pub fn takeover(old: &Session, new_peer: IpAddr, now: Timestamp) -> Takeover {
    let silent_for = now.signed_duration_since(old.last_heard);
    if old.peer != new_peer && silent_for <= ALIVE_WITHIN {
        Takeover::TwoPlaces
    } else {
        Takeover::Reconnect
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn two_places_need_two_addresses_and_a_living_session() {
        let now: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let here: IpAddr = [10, 0, 0, 1].into();
        let there: IpAddr = [10, 0, 0, 2].into();
        let check = |peer, silent_for, expected| {
            let old = Session {
                number: 1,
                peer: here,
                since: now - TimeDelta::hours(1),
                last_heard: now - TimeDelta::seconds(silent_for),
            };
            assert_eq!(takeover(&old, peer, now), expected);
        };
        check(here, 0, Takeover::Reconnect);
        check(there, 0, Takeover::TwoPlaces);
        check(there, 20, Takeover::TwoPlaces);
        check(there, 21, Takeover::Reconnect);
    }
}
