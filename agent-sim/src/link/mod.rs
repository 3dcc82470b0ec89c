//! One MQTT connection of a pump, in version 3.1.1 or 5, behind the same few words.
//!
//! Sending and hearing are two halves, so that a pump can send while it listens. The listening half must be polled to its
//! end each time: a poll that is dropped half-way through a handshake starts the handshake again.

mod v311;
mod v5;

use std::sync::Arc;

use rustls::ClientConfig;
use thiserror::Error;
use wire::{
    PumpId,
    message::{Message, Presence},
    topic::{Channel, Topic},
};

use crate::blueprint::MqttVersion;

/// Unacknowledged messages that MQTT carries at once: reports, telemetry and presence together.
const INFLIGHT: u16 = 40;
/// Messages that may wait for their turn.
const QUEUE: usize = 64;
/// The largest packet that is accepted, in bytes: the largest order with its topic and properties.
#[expect(clippy::cast_possible_truncation, reason = "32 KiB and one more")]
const MAX_INCOMING: u32 = wire::topic::MAX_DOWN_PAYLOAD as u32 + 1024;
/// A handshake may take this long while a whole fleet comes back, in seconds.
const CONNECT_SECONDS: u64 = 20;
/// The topics that a pump listens on.
const LISTEN: [Channel; 2] = [Channel::Order, Channel::Ack];

/// Why a connection ended or never began.
#[derive(Debug, Error)]
pub(crate) enum LinkError {
    /// The gateway answered the CONNECT with a refusal.
    #[error("the gateway refused the connection: {0}")]
    Refused(String),
    /// It broke, or could not be made.
    #[error("{0}")]
    Lost(String),
    /// A topic that the contract grants was not granted.
    #[error("the gateway refused a subscription to our own topics")]
    Unsubscribed,
}

/// What was heard.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The connection stands.
    Connected,
    /// A message on one of our topics.
    Message { channel: Channel, payload: Vec<u8> },
    /// The message that was handed over first, of those not yet mentioned, went out with this packet id.
    Sent { packet: u16 },
    /// The gateway has it; `taken` is false when it said why not (MQTT 5).
    Acknowledged { packet: u16, taken: bool },
    /// We said goodbye.
    Closed,
    /// Nothing that matters here.
    Quiet,
}

/// Where and as whom to connect.
#[derive(Clone)]
pub(crate) struct LinkOptions {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) id: PumpId,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) version: MqttVersion,
}

impl LinkOptions {
    fn topic(&self, channel: Channel) -> String {
        Topic::new(self.id, channel).to_string()
    }

    /// Topic and payload of the last will.
    fn will(&self) -> (String, Vec<u8>) {
        (self.topic(Channel::Presence), Presence::last_will().write())
    }
}

enum Client {
    V311(rumqttc::AsyncClient),
    V5(rumqttc::v5::AsyncClient),
}

/// The half that sends. Nothing here waits; what does not fit is refused.
pub(crate) struct Sender {
    client: Client,
    id: PumpId,
}

impl Sender {
    /// Hands a message over. False when the line is full.
    pub(crate) fn publish(&self, channel: Channel, payload: Vec<u8>) -> bool {
        let topic = Topic::new(self.id, channel).to_string();
        let retain = channel.may_retain();
        match &self.client {
            Client::V311(client) => v311::publish(client, topic, retain, payload),
            Client::V5(client) => v5::publish(client, topic, retain, payload),
        }
    }

    /// Subscribes to the two topics, each by its own name.
    pub(crate) fn subscribe(&self) -> bool {
        LISTEN.into_iter().all(|channel| {
            let topic = Topic::new(self.id, channel).to_string();
            match &self.client {
                Client::V311(client) => client.try_subscribe(topic, rumqttc::QoS::AtLeastOnce).is_ok(),
                Client::V5(client) => client
                    .try_subscribe(topic, rumqttc::v5::mqttbytes::QoS::AtLeastOnce)
                    .is_ok(),
            }
        })
    }

    /// Says goodbye, so that the last will stays unsaid.
    pub(crate) fn disconnect(&self) -> bool {
        match &self.client {
            Client::V311(client) => client.try_disconnect().is_ok(),
            Client::V5(client) => client.try_disconnect().is_ok(),
        }
    }
}

/// The half that listens, and moves everything along.
pub(crate) enum Listener {
    V311(Box<rumqttc::EventLoop>),
    V5(Box<rumqttc::v5::EventLoop>),
}

impl Listener {
    /// Waits for the next thing. After an error both halves are to be dropped.
    ///
    /// # Errors
    /// [`LinkError`].
    pub(crate) async fn hear(&mut self) -> Result<Heard, LinkError> {
        match self {
            Self::V311(events) => v311::hear(events).await,
            Self::V5(events) => v5::hear(events).await,
        }
    }
}

/// Prepares a connection; it is made when the listener is polled for the first time.
pub(crate) fn open(options: &LinkOptions) -> (Sender, Listener) {
    let id = options.id;
    match options.version {
        MqttVersion::V311 => {
            let (client, events) = v311::open(options);
            let client = Client::V311(client);
            (Sender { client, id }, Listener::V311(Box::new(events)))
        }
        MqttVersion::V5 => {
            let (client, events) = v5::open(options);
            let client = Client::V5(client);
            (Sender { client, id }, Listener::V5(Box::new(events)))
        }
    }
}

/// A message on a topic that is none of ours is none for us.
fn message(topic: &str, payload: &[u8]) -> Heard {
    Topic::parse(topic).map_or(Heard::Quiet, |topic| Heard::Message {
        channel: topic.channel,
        payload: payload.to_vec(),
    })
}
