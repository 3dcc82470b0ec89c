//! MQTT 5. Every "no" has a code, so a refused publish or subscription costs the pump no connection.

use std::{num::NonZeroU16, rc::Rc};

use fleet::pump::SessionEnd;
use ntex::{
    service::{fn_factory_with_config, fn_service},
    util::Bytes,
};
use ntex_mqtt::{
    Control, QoS,
    v5::{
        Handshake, HandshakeAck, MqttServer, ProtocolMessage, ProtocolMessageAck, Publish, PublishAck,
        Session,
        codec::{ConnectAck, Disconnect, DisconnectReasonCode, Encoded, PublishAckReason},
    },
};
use wire::topic::MAX_UP_PAYLOAD;

use super::{
    connect::{Asked, Keepalive, MAX_PACKET, RECEIVE_MAX, SEND_MAX, Will, connect},
    entrance::{Dialect, Over, Server, controlled},
    live::{Answer, Live, Said},
    sink::Sink,
    worker::Worker,
};

/// Adds MQTT 5 to a server.
pub(super) fn add<V3: Dialect, V5: Dialect>(
    server: Server<V3, V5>,
    worker: &Rc<Worker>,
) -> Server<V3, impl Dialect + use<V3, V5>> {
    let worker = worker.clone();
    server.v5(MqttServer::new(fn_service(async move |handshake: Handshake| {
        Ok::<_, Over>(shake_hands(&worker, handshake))
    }))
    .protocol(fn_factory_with_config(async |session: Session<Rc<Live>>| {
        let live = Rc::clone(&session);
        Ok::<_, Over>(fn_service(async move |message: ProtocolMessage| {
            Ok::<_, Over>(answer(&live, message))
        }))
    }))
    .control(fn_factory_with_config(async |session: Session<Rc<Live>>| {
        let live = Rc::clone(&session);
        Ok::<_, Over>(fn_service(async move |control: Control<Over>| {
            controlled(&live, &control);
            Ok::<Option<Encoded>, Over>(None)
        }))
    }))
    .publish(fn_factory_with_config(async |session: Session<Rc<Live>>| {
        let live = Rc::clone(&session);
        Ok::<_, Over>(fn_service(async move |publish: Publish| {
            take(&live, publish).await
        }))
    })))
}

impl TryFrom<Over> for PublishAck {
    type Error = Over;

    /// No code of PUBACK fits a message that was not stored: each would make the pump forget it.
    fn try_from(over: Over) -> Result<Self, Over> {
        Err(over)
    }
}

fn shake_hands(worker: &Rc<Worker>, handshake: Handshake) -> HandshakeAck<Rc<Live>> {
    let packet = handshake.packet();
    let keepalive = Keepalive::for_asked(packet.keep_alive);
    let server_keepalive = (keepalive.granted != packet.keep_alive).then_some(keepalive.granted);
    let asked = Asked {
        client_id: &packet.client_id,
        enhanced_auth: packet.auth_method.is_some(),
        will: packet.last_will.as_ref().map(|will| Will {
            topic: &will.topic,
            retain: will.retain,
            qos: will.qos.into(),
            payload: will.message.len(),
        }),
    };
    let answer = connect(worker, handshake.io(), &asked, Sink::V5(handshake.sink()));
    match answer {
        Ok(live) => handshake
            .ack(live)
            .keep_alive(keepalive.lost_after)
            .max_send(Some(SEND_MAX))
            .with(|ack| offer(ack, server_keepalive)),
        Err(refusal) => {
            let mut ack = ConnectAck {
                reason_code: refusal.connack5(),
                ..ConnectAck::default()
            };
            offer(&mut ack, None);
            handshake.fail_with(ack)
        }
    }
}

/// What the endpoint offers, and what it does not.
fn offer(ack: &mut ConnectAck, server_keepalive: Option<u16>) {
    ack.session_present = false;
    ack.session_expiry_interval_secs = Some(0);
    ack.receive_max = NonZeroU16::new(RECEIVE_MAX).unwrap_or(NonZeroU16::MIN);
    ack.max_qos = QoS::AtLeastOnce;
    ack.max_packet_size = Some(MAX_PACKET);
    ack.topic_alias_max = 0;
    ack.retain_available = true;
    ack.wildcard_subscription_available = false;
    ack.subscription_identifiers_available = false;
    ack.shared_subscription_available = false;
    ack.server_keepalive_sec = server_keepalive;
}

async fn take(live: &Live, publish: Publish) -> Result<PublishAck, Over> {
    let heard = {
        // A header may lie about its length. What claims to be too large is refused unread.
        let payload = if publish.payload_size() > MAX_UP_PAYLOAD {
            Bytes::new()
        } else {
            publish.read_all().await.map_err(|_| Over)?
        };
        live.hear(Said {
            topic: publish.publish_topic(),
            retain: publish.retain(),
            qos: publish.qos().into(),
            length: publish.payload_size(),
            payload: &payload,
        })
    };
    drop(publish);
    match heard.settled(live).await {
        Answer::Stored => Ok(PublishAck::new(PublishAckReason::Success)),
        Answer::Refused(refusal) => Ok(PublishAck::new(refusal.puback5())),
        Answer::Over => Err(Over),
    }
}

fn answer(live: &Rc<Live>, message: ProtocolMessage) -> ProtocolMessageAck {
    match message {
        ProtocolMessage::Subscribe(mut subscribe) => {
            let wanted: Vec<_> = (&mut subscribe)
                .into_iter()
                .map(|subscription| (subscription.topic().clone(), subscription.options().qos.into()))
                .collect();
            for (mut subscription, granted) in (&mut subscribe).into_iter().zip(live.subscribe(&wanted)) {
                match granted {
                    Ok(0) => subscription.confirm(QoS::AtMostOnce),
                    Ok(_) => subscription.confirm(QoS::AtLeastOnce),
                    Err(refusal) => subscription.fail(refusal.suback5()),
                }
            }
            subscribe.ack()
        }
        ProtocolMessage::Unsubscribe(unsubscribe) => {
            for filter in unsubscribe.iter() {
                live.unsubscribe(filter);
            }
            unsubscribe.ack()
        }
        ProtocolMessage::Ping(ping) => {
            live.heard();
            ping.ack()
        }
        ProtocolMessage::Disconnect(disconnect) => {
            // Any other reason than a normal one leaves the last will to speak (MQTT 5, 3.14.2.1).
            live.end(match disconnect.packet().reason_code {
                DisconnectReasonCode::NormalDisconnection => SessionEnd::Goodbye,
                _ => SessionEnd::Lost,
            });
            disconnect.ack()
        }
        // Nobody got past CONNECT with enhanced authentication.
        ProtocolMessage::Auth(_) => {
            live.end(SessionEnd::ProtocolViolation);
            message.disconnect_with(Disconnect::new(DisconnectReasonCode::ProtocolError))
        }
        // QoS 2 is refused at PUBLISH, so there is nothing to release.
        ProtocolMessage::PublishRelease(release) => release.ack(),
    }
}
