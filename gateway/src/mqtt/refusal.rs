//! Every way to say no: one table of the words, the codes of both dialects, the counter's labels and the log line.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use fleet::{Timestamp, certificate::GateRefusal, id::PumpId};
use ntex_mqtt::{
    v3::codec::ConnectAckReason as Connack3,
    v5::codec::{ConnectAckReason as Connack5, PublishAckReason, SubscribeAckReason},
};
use thiserror::Error;
use wire::{message::ReadError, policy::Denial};

/// Where in the life of a connection something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before TLS was agreed.
    Accept,
    /// CONNECT, or what came instead of it.
    Connect,
    /// A publish.
    Publish,
    /// A subscription.
    Subscribe,
    /// Something else on a connection with a name.
    Session,
}

impl Stage {
    /// The label of the counter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Connect => "connect",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Session => "session",
        }
    }
}

/// Why the endpoint refused something. The words never repeat what the peer sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The address holds as many connections as it may.
    #[error("the address holds as many connections as it may; raise the limit if pumps share an address")]
    TooManyConnections,
    /// Too many connections are half open, from this address or in all.
    #[error("too many connections are being opened at once; the peer should come back later")]
    TooManyOpening,
    /// TLS could not be agreed: no certificate, a foreign one, a refused one, or not TLS at all.
    #[error("TLS handshake failed")]
    TlsHandshake,
    /// No CONNECT within the time allowed.
    #[error("no CONNECT within the time allowed")]
    ConnectTimeout,
    /// The peer left before it sent CONNECT.
    #[error("the peer left before it sent CONNECT")]
    Vanished,
    /// What came first was not a CONNECT of MQTT 3.1.1 or 5.
    #[error("not MQTT 3.1.1 or 5")]
    NotMqtt,
    /// TLS was agreed without a client certificate.
    #[error("no client certificate")]
    NoCertificate,
    /// The certificate opens nothing.
    #[error("{0}")]
    Gate(#[from] GateRefusal),
    /// The client id is not the pump that the certificate names.
    #[error("the client id is not the pump id in the certificate")]
    ClientId,
    /// MQTT 5 enhanced authentication.
    #[error("enhanced authentication is not offered; the certificate is the identity")]
    AuthMethod,
    /// The last will breaks the topic policy.
    #[error("last will: {0}")]
    Will(Denial),
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    Stopping,
    /// A publish breaks the topic policy.
    #[error("publish: {0}")]
    Publish(Denial),
    /// A subscription breaks the topic policy.
    #[error("subscribe: {0}")]
    Subscribe(Denial),
    /// More filters in one SUBSCRIBE than there are topics to subscribe to.
    #[error("more filters in one SUBSCRIBE than a pump has topics")]
    TooManyFilters,
    /// The payload does not fit the schema.
    #[error("{0}")]
    Unreadable(#[from] ReadError),
    /// The packet is larger than any the contract knows.
    #[error("packet larger than the contract allows")]
    PacketTooLarge,
    /// A packet took too long to arrive.
    #[error("a packet did not arrive within the time allowed")]
    SlowPacket,
    /// The peer does not read what it is sent.
    #[error("the peer does not read what it is sent")]
    SlowReader,
    /// A malformed packet, or one at the wrong time.
    #[error("malformed or unexpected packet")]
    Malformed,
    /// One refusal too many in a row.
    #[error("too many refusals in a row")]
    TooManyRefusals,
}

impl Refusal {
    /// Where it happened.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self {
            Self::TooManyConnections | Self::TooManyOpening | Self::TlsHandshake => Stage::Accept,
            Self::ConnectTimeout
            | Self::Vanished
            | Self::NotMqtt
            | Self::NoCertificate
            | Self::Gate(_)
            | Self::ClientId
            | Self::AuthMethod
            | Self::Will(_)
            | Self::Stopping => Stage::Connect,
            Self::Publish(_) | Self::Unreadable(_) => Stage::Publish,
            Self::Subscribe(_) | Self::TooManyFilters => Stage::Subscribe,
            Self::PacketTooLarge
            | Self::SlowPacket
            | Self::SlowReader
            | Self::Malformed
            | Self::TooManyRefusals => Stage::Session,
        }
    }

    /// The label of the counter.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::TooManyConnections => "too_many_connections",
            Self::TooManyOpening => "too_many_opening",
            Self::TlsHandshake => "tls_handshake",
            Self::ConnectTimeout => "connect_timeout",
            Self::Vanished => "vanished",
            Self::NotMqtt => "not_mqtt",
            Self::NoCertificate => "no_certificate",
            Self::Gate(refusal) => refusal.as_str(),
            Self::ClientId => "client_id",
            Self::AuthMethod => "auth_method",
            Self::Will(denial) | Self::Publish(denial) | Self::Subscribe(denial) => denial.as_str(),
            Self::Stopping => "stopping",
            Self::TooManyFilters => "too_many_filters",
            Self::Unreadable(ReadError::TooLarge { .. }) => "too_large",
            Self::Unreadable(ReadError::Malformed { .. }) => "malformed_payload",
            Self::PacketTooLarge => "packet_too_large",
            Self::SlowPacket => "slow_packet",
            Self::SlowReader => "slow_reader",
            Self::Malformed => "malformed_packet",
            Self::TooManyRefusals => "too_many_refusals",
        }
    }

    /// CONNACK return code of MQTT 3.1.1.
    pub(super) const fn connack3(&self) -> Connack3 {
        match self {
            Self::ClientId => Connack3::IdentifierRejected,
            Self::Stopping | Self::TooManyConnections | Self::TooManyOpening => Connack3::ServiceUnavailable,
            _ => Connack3::NotAuthorized,
        }
    }

    /// CONNACK reason code of MQTT 5.
    pub(super) const fn connack5(&self) -> Connack5 {
        match self {
            Self::ClientId => Connack5::ClientIdentifierNotValid,
            Self::Stopping => Connack5::ServerUnavailable,
            Self::TooManyConnections | Self::TooManyOpening => Connack5::ServerBusy,
            Self::AuthMethod => Connack5::BadAuthenticationMethod,
            Self::Will(Denial::Qos) => Connack5::QosNotSupported,
            Self::Will(Denial::TooLarge) => Connack5::PacketTooLarge,
            _ => Connack5::NotAuthorized,
        }
    }

    /// PUBACK reason code of MQTT 5.
    pub(super) const fn puback5(&self) -> PublishAckReason {
        match self {
            Self::Unreadable(_) => PublishAckReason::PayloadFormatInvalid,
            Self::Publish(Denial::TooLarge) => PublishAckReason::QuotaExceeded,
            _ => PublishAckReason::NotAuthorized,
        }
    }

    /// SUBACK reason code of MQTT 5.
    pub(super) const fn suback5(&self) -> SubscribeAckReason {
        match self {
            Self::TooManyFilters => SubscribeAckReason::QuotaExceeded,
            _ => SubscribeAckReason::NotAuthorized,
        }
    }
}

/// Text of the peer, cut and escaped so that it can neither forge a log line nor fill a disk.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX: usize = 120;
        let mut shown = self.0.chars().flat_map(char::escape_debug);
        for c in shown.by_ref().take(MAX) {
            fmt::Write::write_char(f, c)?;
        }
        if shown.next().is_some() {
            f.write_str("…")?;
        }
        Ok(())
    }
}

/// Lines per reason and second; the rest of the second is counted and told afterwards.
const LINES_PER_SECOND: u32 = 10;

#[derive(Debug, Default, Clone, Copy)]
struct Window {
    second: i64,
    lines: u32,
    withheld: u64,
}

/// Writes refusals to the log, but never more than a few per reason and second: a peer must not be able to fill the
/// disk or drown another alarm.
#[derive(Debug, Default)]
pub(super) struct RefusalLog {
    windows: Mutex<HashMap<(Stage, &'static str), Window>>,
}

impl RefusalLog {
    /// Writes one line, or counts it. `about` is more to say, already fit for a log.
    pub(super) fn note(
        &self,
        refusal: &Refusal,
        peer: IpAddr,
        pump: Option<PumpId>,
        about: &dyn fmt::Display,
        now: Timestamp,
    ) {
        let Some(withheld) = self.admit(refusal, now) else {
            return;
        };
        let stage = refusal.stage().as_str();
        let reason = refusal.as_str();
        let pump = pump.map(tracing::field::display);
        if withheld > 0 {
            tracing::warn!(
                stage,
                reason,
                withheld,
                "refusals of this kind were not logged one by one"
            );
        }
        tracing::warn!(stage, reason, %peer, pump, %about, "refused: {refusal}");
    }

    /// Whether to write, and how many lines were withheld before.
    fn admit(&self, refusal: &Refusal, now: Timestamp) -> Option<u64> {
        let second = now.timestamp();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry((refusal.stage(), refusal.as_str())).or_default();
        let mut withheld = 0;
        if window.second != second {
            withheld = window.withheld;
            *window = Window {
                second,
                ..Window::default()
            };
        }
        if window.lines < LINES_PER_SECOND {
            window.lines += 1;
            Some(withheld)
        } else {
            window.withheld += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn what_a_peer_sent_is_cut_and_escaped() {
        let check = |text: &str, expected: &str| assert_eq!(Shown(text).to_string(), expected);
        check("pumps/x/up/report", "pumps/x/up/report");
        check(
            "a\n2026-01-01 WARN forged\u{1b}[0m",
            "a\\n2026-01-01 WARN forged\\u{1b}[0m",
        );
        check(&"x".repeat(120), &"x".repeat(120));
        check(&"x".repeat(121), &format!("{}…", "x".repeat(120)));
    }

    #[test]
    fn a_flood_is_told_as_a_number() {
        let log = RefusalLog::default();
        let now: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let written = (0..1_000)
            .filter(|_| log.admit(&Refusal::NotMqtt, now).is_some())
            .count();
        assert_eq!(written, 10);
        assert_eq!(
            log.admit(&Refusal::ClientId, now),
            Some(0),
            "another reason has its own lines"
        );
        assert_eq!(
            log.admit(&Refusal::NotMqtt, now + TimeDelta::seconds(1)),
            Some(990),
            "the next second says what was withheld"
        );
        assert_eq!(log.admit(&Refusal::NotMqtt, now + TimeDelta::seconds(1)), Some(0));
    }
}
