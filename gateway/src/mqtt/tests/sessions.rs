//! How connections begin, replace one another and end; what goes down, and what is stored when.

use std::{
    thread,
    time::{Duration, Instant},
};

use fleet::{
    certificate::GateRefusal,
    id::{OrderId, PumpId, ReportId},
    pump::{SessionEnd, Takeover},
};
use uuid::Uuid;
use wire::{
    message::{Ack, Message, Order, OrderBody, V1},
    topic::Channel,
};

use super::{
    Gateway, Inbound, Limits, Storage, assert_serves, pump,
    raw::{self, Client, Hello, ONLINE, TELEMETRY, Version, down, up},
};
use crate::mqtt::{Down, Refusal};

const BOTH: [Version; 2] = [Version::V3, Version::V5];

fn order(n: u128) -> Order {
    Order {
        v: V1,
        id: OrderId::from_uuid(Uuid::from_u128(n)),
        at: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        body: OrderBody::ReportInventory,
    }
}

fn ended(me: PumpId, session: Option<u64>) -> impl Fn(&Inbound) -> Option<SessionEnd> {
    move |item| match item {
        Inbound::Disconnected {
            pump,
            session: number,
            end,
            ..
        } if *pump == me && session.is_none_or(|wanted| wanted == *number) => Some(*end),
        _ => None,
    }
}

fn connected(me: PumpId, nth: usize) -> impl FnMut(&Inbound) -> Option<(u64, Option<Takeover>)> {
    let mut seen = Vec::new();
    move |item| match item {
        Inbound::Connected {
            pump,
            session,
            takeover,
            ..
        } if *pump == me => {
            // The whole record is looked through each time something arrives.
            if !seen.contains(&session.number) {
                seen.push(session.number);
            }
            (seen.get(nth) == Some(&session.number)).then_some((session.number, *takeover))
        }
        _ => None,
    }
}

#[test]
fn each_way_to_end_is_told_apart() {
    let gateway = Gateway::start();
    for (n, version) in (10..).step_by(10).zip(BOTH) {
        let me = pump(n);
        let mut client = Client::connect(&gateway, &gateway.enrol(me), version, me);
        client.goodbye();
        assert_eq!(client.end(), None);
        assert_eq!(gateway.wait("a goodbye", ended(me, None)), SessionEnd::Goodbye);

        let me = pump(n + 1);
        drop(Client::connect(&gateway, &gateway.enrol(me), version, me));
        assert_eq!(gateway.wait("a loss", ended(me, None)), SessionEnd::Lost);

        let me = pump(n + 2);
        let mut silent = Client::open(&gateway, &gateway.enrol(me), version);
        let hello = Hello {
            keepalive: 1,
            ..Hello::from(me)
        };
        assert_eq!(silent.hello(&hello), 0);
        assert_eq!(
            gateway.wait("a keepalive that ran out", ended(me, None)),
            SessionEnd::Lost
        );
    }
    let me = pump(99);
    let mut client = Client::connect(&gateway, &gateway.enrol(me), Version::V5, me);
    client.write(raw::DISCONNECT, &[0x04]);
    assert_eq!(
        gateway.wait("the last will", ended(me, None)),
        SessionEnd::Lost,
        "a disconnect with last will lets the will speak"
    );
    gateway.until("nobody is connected", |gateway| gateway.link.connected() == 0);
}

#[test]
fn the_newest_connection_wins() {
    let gateway = Gateway::start();
    for (n, version) in (1..).zip(BOTH) {
        let me = pump(n);
        let identity = gateway.enrol(me);
        // More than there are workers, so that both replacing on one worker and across two are seen.
        let mut clients = Vec::new();
        for nth in 0..6 {
            clients.push(Client::connect(&gateway, &identity, version, me));
            let (number, takeover) = gateway.wait("a connection", connected(me, nth));
            assert_eq!(takeover, (nth > 0).then_some(Takeover::Reconnect));
            if nth > 0 {
                let code = (version == Version::V5).then_some(0x8E);
                assert_eq!(clients[nth - 1].end(), code, "the older one is closed");
            }
            let stored = gateway.stored();
            let beginning = stored
                .iter()
                .position(
                    |item| matches!(item, Inbound::Connected { session, .. } if session.number == number),
                )
                .unwrap();
            let ends = stored[..beginning]
                .iter()
                .filter_map(ended(me, None))
                .collect::<Vec<_>>();
            assert_eq!(
                ends,
                vec![SessionEnd::TakenOver; nth],
                "each end comes before the next beginning"
            );
        }
        let newest = clients.last_mut().unwrap();
        newest.publish(1, &up(me, "presence"), ONLINE, false);
        assert_eq!(newest.puback(), 0);
        drop(clients);
        gateway.until("nobody is connected", |gateway| gateway.link.connected() == 0);
    }
}

#[test]
fn a_connection_is_closed_on_demand() {
    let gateway = Gateway::start();
    let cases = [
        (SessionEnd::Denied, 0x87),
        (SessionEnd::TakenOver, 0x8E),
        (SessionEnd::GatewayStopped, 0x8B),
    ];
    for (n, version) in (10..).step_by(10).zip(BOTH) {
        for (m, (why, code)) in (0..).zip(cases) {
            let me = pump(n + m);
            let mut client = Client::connect(&gateway, &gateway.enrol(me), version, me);
            let asked = Instant::now();
            gateway.link.close(me, why);
            assert_eq!(client.end(), (version == Version::V5).then_some(code));
            assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
            assert_eq!(gateway.wait("the end", ended(me, None)), why);
        }
    }
    gateway.link.close(pump(999), SessionEnd::Denied);
    assert_serves(&gateway, 1000);
}

#[test]
fn a_peer_that_does_not_read_is_closed_all_the_same() {
    let gateway = Gateway::with_limits(Limits {
        connections_per_address: 1,
        ..Limits::default()
    });
    let me = pump(1);
    let mut client = Client::connect(&gateway, &gateway.enrol(me), Version::V5, me);
    assert_eq!(client.subscribe(&[&down(me, "ack")], 0), [0]);
    let stored = (0..200)
        .map(|n| ReportId::from_uuid(Uuid::from_u128(n)))
        .collect();
    let ack = Ack {
        v: V1,
        stored,
        refused: Vec::new(),
    };
    for _ in 0..1_000 {
        gateway.link.deliver(me, Down::Ack(ack.clone()));
    }
    gateway.link.close(me, SessionEnd::Denied);
    assert_eq!(gateway.wait("the end", ended(me, None)), SessionEnd::Denied);
    // While its socket is open nobody else gets as far as TLS.
    gateway.until("the socket is closed", |gateway| {
        drop(std::net::TcpStream::connect(gateway.address));
        gateway.counters.refused(&Refusal::TlsHandshake) > 0
    });
    drop(client);
}

#[test]
fn a_certificate_that_was_revoked_does_not_come_back() {
    let gateway = Gateway::start();
    let me = pump(1);
    let identity = gateway.enrol(me);
    let mut client = Client::connect(&gateway, &identity, Version::V3, me);
    gateway.door.retired.lock().unwrap().insert(me);
    gateway.link.close(me, SessionEnd::Denied);
    assert_eq!(client.end(), None);
    let mut again = Client::open(&gateway, &identity, Version::V3);
    assert_eq!(again.hello(&Hello::from(me)), 5);
    assert_eq!(gateway.counters.refused(&Refusal::Gate(GateRefusal::Retired)), 1);
}

#[test]
fn nothing_is_acknowledged_before_it_is_stored() {
    let gateway = Gateway::start();
    for (n, version) in (1..).zip(BOTH) {
        let me = pump(n);
        let mut client = Client::connect(&gateway, &gateway.enrol(me), version, me);
        assert_eq!(client.subscribe(&[&down(me, "order")], 0), [0]);
        gateway.wait("ready", |item| match item {
            Inbound::Ready {
                pump,
                channel: Channel::Order,
                ..
            } if *pump == me => Some(()),
            _ => None,
        });
        gateway.storage(Storage::Stalls);
        client.publish(1, &up(me, "telemetry"), TELEMETRY, false);
        gateway.wait("telemetry", |item| match item {
            Inbound::Telemetry { pump, .. } if *pump == me => Some(()),
            _ => None,
        });
        // Had the PUBACK been sent too early, it would be here before the order.
        gateway.link.deliver(me, Down::Order(order(1)));
        let packet = client.read().unwrap();
        assert_eq!(Order::read(&client.payload(&packet, 0)), Ok(order(1)));
        gateway.release();
        assert_eq!(client.puback(), 0);
    }
}

#[test]
fn a_batch_that_failed_is_not_acknowledged_and_facts_come_again() {
    let gateway = Gateway::start();
    for (n, version) in (1..).zip(BOTH) {
        let me = pump(n);
        let identity = gateway.enrol(me);
        let mut client = Client::connect(&gateway, &identity, version, me);
        let (number, _) = gateway.wait("a connection", connected(me, 0));
        gateway.storage(Storage::Fails);
        client.publish(1, &up(me, "telemetry"), TELEMETRY, false);
        client.end();
        gateway.storage(Storage::Works);
        assert_eq!(gateway.wait("the end", ended(me, Some(number))), SessionEnd::Lost);
        assert!(
            !gateway
                .stored()
                .iter()
                .any(|item| matches!(item, Inbound::Telemetry { pump, .. } if *pump == me))
        );

        let mut client = Client::connect(&gateway, &identity, version, me);
        client.publish(1, &up(me, "telemetry"), TELEMETRY, false);
        assert_eq!(client.puback(), 0, "sent again, stored, acknowledged");
    }
}

#[test]
fn orders_go_down_and_their_acknowledgement_comes_back() {
    let gateway = Gateway::start();
    for (n, version) in (1..).zip(BOTH) {
        let me = pump(n);
        let mut client = Client::connect(&gateway, &gateway.enrol(me), version, me);
        assert_eq!(client.subscribe(&[&down(me, "ack")], 1), [1]);
        let ack = Ack {
            v: V1,
            stored: Vec::new(),
            refused: Vec::new(),
        };
        gateway.link.deliver(me, Down::Order(order(n)));
        gateway.link.deliver(me, Down::Ack(ack.clone()));
        let packet = client.read().unwrap();
        assert_eq!(
            Ack::read(&client.payload(&packet, 0)),
            Ok(ack),
            "an order before the subscription is the outbox's to send again"
        );
        assert_eq!(client.subscribe(&[&down(me, "order")], 1), [1]);
        gateway.wait("ready", |item| match item {
            Inbound::Ready {
                pump,
                channel: Channel::Order,
                ..
            } if *pump == me => Some(()),
            _ => None,
        });
        // Twice the same, and more than may be under way at once.
        let orders: Vec<_> = (0..20).map(|m| order(n * 100 + m)).collect();
        gateway.link.deliver(me, Down::Order(orders[0].clone()));
        for order in &orders {
            gateway.link.deliver(me, Down::Order(order.clone()));
        }
        // Sixteen may be under way at once; none is acknowledged before, so the repetition meets the first one on its way.
        let mut under_way = Vec::new();
        for (index, order) in orders.iter().enumerate() {
            let packet = client.read().unwrap();
            assert_eq!(Order::read(&client.payload(&packet, 1)).as_ref(), Ok(order));
            under_way.push(packet);
            if index >= 15 {
                under_way.drain(..).for_each(|packet| client.acknowledge(&packet));
            }
        }
        for order in &orders {
            gateway.wait("an acknowledgement", |item| match item {
                Inbound::OrderDelivered { order: id, .. } if *id == order.id => Some(()),
                _ => None,
            });
        }
        client.ping();
    }
}

#[test]
fn stopping_tells_everyone_and_loses_no_end() {
    const PUMPS: usize = 150;
    let mut gateway = Gateway::start();
    let clients: Vec<_> = (0..PUMPS)
        .map(|n| {
            let me = pump(n as u128);
            let version = BOTH[n % 2];
            (
                version,
                Client::connect(&gateway, &gateway.enrol(me), version, me),
            )
        })
        .collect();
    let stranger = std::net::TcpStream::connect(gateway.address).unwrap();
    assert_eq!(gateway.link.connected(), PUMPS);
    let endpoint = gateway.endpoint.take().unwrap();
    let asked = Instant::now();
    let stopping = thread::spawn(move || endpoint.stop(Duration::from_secs(5)));
    for (version, mut client) in clients {
        assert_eq!(client.end(), (version == Version::V5).then_some(0x8B));
    }
    stopping.join().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    drop(stranger);
    let ends = gateway
        .stored()
        .iter()
        .filter(|item| {
            matches!(
                item,
                Inbound::Disconnected {
                    end: SessionEnd::GatewayStopped,
                    ..
                }
            )
        })
        .count();
    assert_eq!(ends, PUMPS);
    assert_eq!(gateway.link.connected(), 0);
    assert!(
        std::net::TcpStream::connect(gateway.address).is_err(),
        "nobody listens any more"
    );
}
