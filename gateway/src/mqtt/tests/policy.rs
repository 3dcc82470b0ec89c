//! What a pump may and may not do, in both dialects.

use fleet::certificate::GateRefusal;
use wire::{policy::Denial, topic::Channel};

use super::{
    Gateway, Inbound, pump,
    raw::{Client, Hello, ONLINE, TELEMETRY, Version, down, up},
};
use crate::mqtt::Refusal;

const BOTH: [Version; 2] = [Version::V3, Version::V5];

#[test]
fn what_a_pump_says_is_taken_and_acknowledged() {
    let gateway = Gateway::start();
    for (n, version) in (1..).zip(BOTH) {
        let me = pump(n);
        let mut client = Client::connect(&gateway, &gateway.enrol(me), version, me);
        client.publish(1, &up(me, "presence"), ONLINE, true);
        assert_eq!(client.puback(), 0);
        client.publish(0, &up(me, "telemetry"), TELEMETRY, false);
        client.publish(1, &up(me, "telemetry"), TELEMETRY, false);
        assert_eq!(client.puback(), 0);
        let large = format!(
            r#"{{"v":1,"id":"{me}","seq":1,"at":"2026-03-01T10:00:00Z","body":{{"kind":"order_result","order":"{me}","outcome":"done"}}{}}}"#,
            " ".repeat(32 * 1024 - 300)
        );
        client.publish(1, &up(me, "report"), large.as_bytes(), false);
        assert_eq!(client.puback(), 0, "the largest report fits");
        client.ping();
        let mine = |item: &Inbound| match item {
            Inbound::Presence { pump, .. } if *pump == me => Some(Channel::Presence),
            Inbound::Telemetry { pump, .. } if *pump == me => Some(Channel::Telemetry),
            Inbound::Report { pump, .. } if *pump == me => Some(Channel::Report),
            _ => None,
        };
        assert_eq!(
            gateway.stored().iter().filter_map(mine).collect::<Vec<_>>(),
            [
                Channel::Presence,
                Channel::Telemetry,
                Channel::Telemetry,
                Channel::Report
            ],
            "acknowledged means stored, and in order"
        );
    }
    assert_eq!(gateway.counters.messages(Channel::Telemetry), 4);
}

#[test]
fn a_publish_against_the_policy_is_refused() {
    let gateway = Gateway::start();
    let (me, other) = (pump(1), pump(2));
    let identity = gateway.enrol(me);
    let cases = [
        (
            up(other, "telemetry"),
            TELEMETRY,
            false,
            Denial::ForeignPump,
            0x87,
        ),
        (
            down(me, "order"),
            b"{}".as_slice(),
            false,
            Denial::WrongDirection,
            0x87,
        ),
        (up(me, "telemetry"), TELEMETRY, true, Denial::Retain, 0x87),
        ("pumps".to_owned(), b"{}", false, Denial::UnknownTopic, 0x87),
        ("$SYS/x".to_owned(), b"{}", false, Denial::Reserved, 0x87),
        (up(me, "presence"), &[b' '; 513], false, Denial::TooLarge, 0x97),
    ];
    let mut v5 = Client::connect(&gateway, &identity, Version::V5, me);
    for (topic, payload, retain, denial, code) in &cases {
        let before = gateway.counters.refused(&Refusal::Publish(*denial));
        v5.publish(1, topic, payload, *retain);
        assert_eq!(v5.puback(), *code, "{topic}");
        assert_eq!(gateway.counters.refused(&Refusal::Publish(*denial)), before + 1);
    }
    v5.publish(1, &up(me, "telemetry"), TELEMETRY, false);
    assert_eq!(v5.puback(), 0, "the connection lives on");
    drop(v5);

    for (topic, payload, retain, denial, _) in &cases {
        let before = gateway.counters.refused(&Refusal::Publish(*denial));
        let mut v3 = Client::connect(&gateway, &identity, Version::V3, me);
        v3.publish(1, topic, payload, *retain);
        assert_eq!(v3.end(), None, "{topic}: closed without an acknowledgement");
        assert_eq!(gateway.counters.refused(&Refusal::Publish(*denial)), before + 1);
    }
    let stored = gateway.stored();
    assert!(
        !stored
            .iter()
            .any(|item| matches!(item, Inbound::Telemetry { pump, .. } if *pump == other))
    );
}

#[test]
fn quality_of_service_2_is_not_offered() {
    let gateway = Gateway::start();
    let me = pump(1);
    for (version, code) in [(Version::V3, None), (Version::V5, Some(0x9B))] {
        let mut client = Client::connect(&gateway, &gateway.enrol(me), version, me);
        client.publish(2, &up(me, "telemetry"), TELEMETRY, false);
        assert_eq!(client.end(), code);
    }
    assert_eq!(gateway.counters.refused(&Refusal::Publish(Denial::Qos)), 2);
}

#[test]
fn mqtt_5_is_told_what_is_offered() {
    let gateway = Gateway::start();
    let me = pump(1);
    let identity = gateway.enrol(me);
    let check = |keepalive, server_keepalive: Option<u32>| {
        let mut client = Client::open(&gateway, &identity, Version::V5);
        let hello = Hello {
            keepalive,
            ..Hello::from(me)
        };
        assert_eq!(client.hello(&hello), 0);
        let told = &client.offer;
        assert_eq!(told.get(&0x11).copied(), Some(0), "session expiry");
        assert_eq!(told.get(&0x13).copied(), server_keepalive, "server keepalive");
        assert_eq!(told.get(&0x21).copied(), Some(16), "receive maximum");
        assert_eq!(told.get(&0x22).copied().unwrap_or(0), 0, "topic alias maximum");
        assert_eq!(told.get(&0x24).copied(), Some(1), "maximum quality of service");
        assert_eq!(told.get(&0x25).copied().unwrap_or(1), 1, "retain available");
        assert_eq!(told.get(&0x27).copied(), Some(33 * 1024), "maximum packet size");
        for (id, what) in [
            (0x28, "wildcards"),
            (0x29, "subscription ids"),
            (0x2A, "shared subscriptions"),
        ] {
            assert_eq!(told.get(&id).copied(), Some(0), "{what}");
        }
    };
    check(30, None);
    check(60, None);
    check(0, Some(60));
    check(600, Some(60));
}

#[test]
fn a_subscription_against_the_policy_is_refused_and_the_connection_stays() {
    let gateway = Gateway::start();
    let (me, other) = (pump(1), pump(2));
    let filters = [
        down(other, "order"),
        up(me, "telemetry"),
        "#".to_owned(),
        "+/+".to_owned(),
        format!("pumps/{me}/down/#"),
        format!("$share/g/{}", down(me, "order")),
        "$SYS/#".to_owned(),
        down(me, "order"),
    ];
    let filters: Vec<_> = filters.iter().map(String::as_str).collect();
    for (version, no) in [(Version::V3, 0x80), (Version::V5, 0x87)] {
        let mut client = Client::connect(&gateway, &gateway.enrol(me), version, me);
        assert_eq!(
            client.subscribe(&filters, 1),
            [no, no, no, no, no, no, no, 1],
            "{version:?}"
        );
        assert_eq!(
            client.subscribe(&[&down(me, "ack")], 2),
            [1],
            "granted as far as it is offered"
        );
        client.ping();
    }
}

#[test]
fn a_last_will_must_be_ones_own_presence() {
    let gateway = Gateway::start();
    let (me, other) = (pump(1), pump(2));
    let identity = gateway.enrol(me);
    let check = |version, topic: String, retain, qos, code| {
        let mut client = Client::open(&gateway, &identity, version);
        let hello = Hello {
            will: Some((topic.clone(), ONLINE.to_vec(), retain, qos)),
            ..Hello::from(me)
        };
        assert_eq!(client.hello(&hello), code, "{version:?} {topic}");
        if code != 0 {
            assert_eq!(client.end(), None);
        }
    };
    for (version, no) in [(Version::V3, 5), (Version::V5, 0x87)] {
        check(version, up(other, "presence"), true, 1, no);
        check(version, up(me, "telemetry"), false, 1, no);
        check(version, "#".to_owned(), true, 1, no);
        check(version, up(me, "presence"), true, 1, 0);
    }
    check(Version::V3, up(me, "presence"), true, 2, 5);
    check(Version::V5, up(me, "presence"), true, 2, 0x9B);
}

#[test]
fn the_client_id_is_the_pump_and_the_pump_is_in_the_registry() {
    let gateway = Gateway::start();
    let me = pump(0xABC);
    let identity = gateway.enrol(me);
    let stranger = gateway
        .pki
        .issue("stranger", rcgen::ExtendedKeyUsagePurpose::ClientAuth);
    for (version, wrong_id, denied) in [(Version::V3, 2, 5), (Version::V5, 0x85, 0x87)] {
        for id in [
            "",
            "somebody",
            &pump(2).to_string(),
            &me.to_string().to_uppercase(),
        ] {
            let hello = Hello {
                client_id: id.to_owned(),
                ..Hello::from(me)
            };
            let mut client = Client::open(&gateway, &identity, version);
            assert_eq!(client.hello(&hello), wrong_id, "{version:?} {id:?}");
            assert_eq!(client.end(), None);
        }
        let mut client = Client::open(&gateway, &stranger, version);
        assert_eq!(client.hello(&Hello::from(me)), denied);
    }
    assert_eq!(gateway.counters.refused(&Refusal::ClientId), 8);
    assert_eq!(
        gateway
            .counters
            .refused(&Refusal::Gate(GateRefusal::Unregistered)),
        2
    );
    gateway.until("nobody is connected", |gateway| gateway.link.connected() == 0);
}

#[test]
fn a_payload_that_does_not_fit_is_answered_once_and_for_all() {
    let gateway = Gateway::start();
    let me = pump(1);
    for (version, code) in [(Version::V3, 0), (Version::V5, 0x99)] {
        let mut client = Client::connect(&gateway, &gateway.enrol(me), version, me);
        for payload in [b"not JSON".as_slice(), br#"{"v":2,"state":"online"}"#, b""] {
            client.publish(1, &up(me, "presence"), payload, false);
            assert_eq!(client.puback(), code, "{version:?}");
        }
        let unknown =
            format!(r#"{{"v":1,"id":"{me}","seq":1,"at":"2026-03-01T10:00:00Z","body":{{"kind":"?"}}}}"#);
        client.publish(1, &up(me, "report"), unknown.as_bytes(), false);
        assert_eq!(client.puback(), code);
        let id = gateway.wait("the head of a report", |item| match item {
            Inbound::UnreadableReport { id, .. } => Some(*id),
            _ => None,
        });
        assert_eq!(id.to_string(), me.to_string());
        client.ping();
    }
}

#[test]
fn who_is_refused_too_often_in_a_row_is_cut_off() {
    let gateway = Gateway::start();
    let me = pump(1);
    let identity = gateway.enrol(me);
    for version in BOTH {
        let before = gateway.counters.refused(&Refusal::TooManyRefusals);
        let mut client = Client::connect(&gateway, &identity, version, me);
        for _ in 0..31 {
            client.publish(1, &up(me, "presence"), b"?", false);
            client.puback();
        }
        client.publish(1, &up(me, "presence"), ONLINE, false);
        assert_eq!(client.puback(), 0, "a good one starts the count anew");
        for _ in 0..32 {
            client.publish(1, &up(me, "presence"), b"?", false);
        }
        let mut answers = 0;
        let end = loop {
            match client.read() {
                Some(packet) if packet.kind == super::raw::PUBACK => answers += 1,
                Some(packet) => break Some(packet.body.first().copied()),
                None => break None,
            }
        };
        assert_eq!(answers, 31);
        assert_eq!(end, (version == Version::V5).then_some(Some(0x87)));
        assert_eq!(gateway.counters.refused(&Refusal::TooManyRefusals), before + 1);
    }
}
