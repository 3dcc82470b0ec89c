//! The sending half of a connection, in either dialect.

use fleet::pump::SessionEnd;
use ntex::util::{ByteString, Bytes};
use ntex_mqtt::{
    v3,
    v5::{
        self,
        codec::{Disconnect, DisconnectReasonCode, PublishAckReason},
    },
};

/// The sending half, in either dialect.
#[derive(Debug, Clone)]
pub(super) enum Sink {
    V3(v3::MqttSink),
    V5(v5::MqttSink),
}

impl Sink {
    /// The word of its protocol version.
    pub(super) const fn protocol(&self) -> &'static str {
        match self {
            Self::V3(_) => "3.1.1",
            Self::V5(_) => "5",
        }
    }

    /// Sends with quality of service 0.
    pub(super) fn send(&self, topic: ByteString, payload: Bytes) {
        // A sink that is closed has no one to tell.
        let _ = match self {
            Self::V3(sink) => sink.publish(topic).send_at_most_once(payload),
            Self::V5(sink) => sink.publish(topic).send_at_most_once(payload),
        };
    }

    /// Sends with quality of service 1. Resolves with the PUBACK (`true`), or with the end of the connection or a negative PUBACK (`false`).
    pub(super) async fn send_acknowledged(&self, topic: ByteString, payload: Bytes) -> bool {
        match self {
            Self::V3(sink) => sink.publish(topic).send_at_least_once(payload).await.is_ok(),
            Self::V5(sink) => {
                sink.publish(topic)
                    .send_at_least_once(payload)
                    .await
                    .is_ok_and(|ack| match ack.reason_code {
                        PublishAckReason::Success | PublishAckReason::NoMatchingSubscribers => true,
                        PublishAckReason::UnspecifiedError
                        | PublishAckReason::ImplementationSpecificError
                        | PublishAckReason::NotAuthorized
                        | PublishAckReason::TopicNameInvalid
                        | PublishAckReason::PacketIdentifierInUse
                        | PublishAckReason::QuotaExceeded
                        | PublishAckReason::PayloadFormatInvalid => false,
                    })
            }
        }
    }

    /// Says why, where the dialect has words for it, and closes as soon as that is sent.
    pub(super) fn close(&self, why: SessionEnd) {
        match self {
            Self::V3(sink) => sink.close(),
            Self::V5(sink) => sink.close_with_reason(Disconnect::new(disconnect_code(why))),
        }
    }

    /// Closes without waiting for the peer.
    pub(super) fn force_close(&self) {
        match self {
            Self::V3(sink) => sink.force_close(),
            Self::V5(sink) => sink.force_close(),
        }
    }
}

/// The code of the DISCONNECT that a pump speaking MQTT 5 gets.
const fn disconnect_code(why: SessionEnd) -> DisconnectReasonCode {
    match why {
        SessionEnd::Goodbye => DisconnectReasonCode::NormalDisconnection,
        SessionEnd::Lost => DisconnectReasonCode::UnspecifiedError,
        SessionEnd::TakenOver => DisconnectReasonCode::SessionTakenOver,
        SessionEnd::Denied | SessionEnd::ProtocolViolation => DisconnectReasonCode::NotAuthorized,
        SessionEnd::GatewayStopped => DisconnectReasonCode::ServerShuttingDown,
    }
}
