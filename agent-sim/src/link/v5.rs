//! MQTT 5.

use std::collections::VecDeque;

use rumqttc::{
    Outgoing, TlsConfiguration, Transport,
    v5::{
        AsyncClient, ConnectionError, Event, EventLoop, MqttOptions,
        mqttbytes::{
            QoS,
            v5::{LastWill, Packet, PubAckReason, SubscribeReasonCode},
        },
    },
};
use wire::reconnect::KEEPALIVE;

use super::{CONNECT_SECONDS, Heard, INFLIGHT, LinkError, LinkOptions, MAX_INCOMING, QUEUE, message};

pub(super) fn open(options: &LinkOptions) -> (AsyncClient, EventLoop) {
    let mut mqtt = MqttOptions::new(options.id.to_string(), &options.host, options.port);
    let (topic, will) = options.will();
    mqtt.set_keep_alive(KEEPALIVE)
        .set_clean_start(true)
        .set_last_will(LastWill::new(topic, will, QoS::AtLeastOnce, true, None))
        // Without a limit it makes room for 65,535 messages.
        .set_outgoing_inflight_upper_limit(INFLIGHT)
        .set_max_packet_size(Some(MAX_INCOMING))
        .set_connection_timeout(CONNECT_SECONDS)
        .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(
            options.tls.clone(),
        )));
    let (client, mut events) = AsyncClient::new(mqtt, QUEUE);
    // Made for a hundred events at once; a pump sees one or two, and there are ten thousand pumps.
    events.state.events = VecDeque::new();
    (client, events)
}

pub(super) fn publish(client: &AsyncClient, topic: String, retain: bool, payload: Vec<u8>) -> bool {
    client
        .try_publish(topic, QoS::AtLeastOnce, retain, payload)
        .is_ok()
}

pub(super) async fn hear(events: &mut EventLoop) -> Result<Heard, LinkError> {
    let event = events.poll().await.map_err(|error| match error {
        ConnectionError::ConnectionRefused(code) => LinkError::Refused(format!("{code:?}")),
        other => LinkError::Lost(other.to_string()),
    })?;
    Ok(match event {
        Event::Incoming(Packet::ConnAck(_)) => Heard::Connected,
        Event::Incoming(Packet::Publish(publish)) => {
            message(&String::from_utf8_lossy(&publish.topic), &publish.payload)
        }
        Event::Incoming(Packet::PubAck(ack)) => Heard::Acknowledged {
            packet: ack.pkid,
            taken: matches!(
                ack.reason,
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers
            ),
        },
        Event::Incoming(Packet::SubAck(ack))
            if !ack
                .return_codes
                .iter()
                .all(|code| matches!(code, SubscribeReasonCode::Success(_))) =>
        {
            return Err(LinkError::Unsubscribed);
        }
        Event::Outgoing(Outgoing::Publish(packet)) => Heard::Sent { packet },
        Event::Outgoing(Outgoing::Disconnect) => Heard::Closed,
        Event::Incoming(_) | Event::Outgoing(_) => Heard::Quiet,
    })
}
