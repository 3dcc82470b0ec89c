//! MQTT 3.1.1. After CONNACK it has no words for "no" but SUBACK 0x80 and the end of the connection.

use std::rc::Rc;

use fleet::pump::SessionEnd;
use ntex::{
    service::{fn_factory_with_config, fn_service},
    time::Seconds,
    util::Bytes,
};
use ntex_mqtt::{
    Control, QoS,
    v3::{
        Handshake, HandshakeAck, MqttServer, ProtocolMessage, ProtocolMessageAck, Publish, Session,
        codec::Encoded,
    },
};
use wire::topic::MAX_UP_PAYLOAD;

use super::{
    connect::{Asked, Keepalive, SEND_MAX, Will, connect},
    entrance::{Dialect, Over, Server, controlled},
    live::{Answer, Live, Said},
    refusal::Refusal,
    sink::Sink,
    worker::Worker,
};

/// Adds MQTT 3.1.1 to a server.
pub(super) fn add<V3: Dialect, V5: Dialect>(
    server: Server<V3, V5>,
    worker: &Rc<Worker>,
) -> Server<impl Dialect + use<V3, V5>, V5> {
    let worker = worker.clone();
    server.v3(MqttServer::new(fn_service(async move |handshake: Handshake| {
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

fn shake_hands(worker: &Rc<Worker>, handshake: Handshake) -> HandshakeAck<Rc<Live>> {
    let packet = handshake.packet();
    let keepalive = Keepalive::for_asked(packet.keep_alive);
    let asked = Asked {
        client_id: &packet.client_id,
        enhanced_auth: false,
        will: packet.last_will.as_ref().map(|will| Will {
            topic: &will.topic,
            retain: will.retain,
            qos: will.qos.into(),
            payload: will.message.len(),
        }),
    };
    match connect(worker, handshake.io(), &asked, Sink::V3(handshake.sink())) {
        Ok(live) => handshake
            .ack(live, false)
            .idle_timeout(Seconds(keepalive.lost_after))
            .max_send(Some(SEND_MAX)),
        Err(refusal) => handshake.failed(refusal.connack3()),
    }
}

/// A publish that breaks the policy ends the connection. One that does not fit the schema is acknowledged and
/// dropped, because an honest pump would send it again for ever.
async fn take(live: &Live, publish: Publish) -> Result<(), Over> {
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
        Answer::Stored | Answer::Refused(Refusal::Unreadable(_)) => Ok(()),
        Answer::Refused(_) => {
            live.close(SessionEnd::ProtocolViolation);
            Err(Over)
        }
        Answer::Over => Err(Over),
    }
}

fn answer(live: &Rc<Live>, message: ProtocolMessage) -> ProtocolMessageAck {
    match message {
        ProtocolMessage::Subscribe(mut subscribe) => {
            let wanted: Vec<_> = (&mut subscribe)
                .into_iter()
                .map(|subscription| (subscription.topic().clone(), subscription.qos().into()))
                .collect();
            for (mut subscription, granted) in (&mut subscribe).into_iter().zip(live.subscribe(&wanted)) {
                match granted {
                    Ok(0) => subscription.confirm(QoS::AtMostOnce),
                    Ok(_) => subscription.confirm(QoS::AtLeastOnce),
                    Err(_) => subscription.fail(),
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
            live.end(SessionEnd::Goodbye);
            disconnect.ack()
        }
        // QoS 2 is refused at PUBLISH, so there is nothing to release.
        ProtocolMessage::PublishRelease(release) => release.ack(),
    }
}
