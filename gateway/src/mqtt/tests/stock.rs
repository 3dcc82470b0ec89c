//! Clients that nobody here wrote: the Mosquitto command line clients, in MQTT 3.1.1 and 5.

use std::process::{Child, Command, Output, Stdio};

use fleet::{
    id::{OrderId, PumpId},
    pump::SessionEnd,
};
use uuid::Uuid;
use wire::{
    message::{Message, Order, OrderBody, V1},
    topic::Channel,
};

use super::{
    Gateway, Identity, Inbound, pump,
    raw::{ONLINE, down, up},
};
use crate::mqtt::Down;

const VERSIONS: [&str; 2] = ["mqttv311", "mqttv5"];

fn client(gateway: &Gateway, program: &str, identity: &Identity, id: &str, args: &[&str]) -> Child {
    let [ca, cert, key] = gateway.files(identity);
    Command::new(program)
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &gateway.address.port().to_string(),
            "-i",
            id,
            "-d",
        ])
        .arg("--cafile")
        .arg(ca)
        .arg("--cert")
        .arg(cert)
        .arg("--key")
        .arg(key)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|problem| panic!("{program} could not be run ({problem}); install mosquitto-clients"))
}

fn run(gateway: &Gateway, program: &str, pump: PumpId, identity: &Identity, args: &[&str]) -> (bool, String) {
    finish(client(gateway, program, identity, &pump.to_string(), args))
}

fn finish(child: Child) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    (status.success(), text)
}

#[test]
fn a_stock_client_publishes() {
    let gateway = Gateway::start();
    for (n, version) in (1..).zip(VERSIONS) {
        let me = pump(n);
        let identity = gateway.enrol(me);
        let payload = String::from_utf8(ONLINE.to_vec()).unwrap();
        let presence = up(me, "presence");
        let args = ["-V", version, "-q", "1", "-r", "-t", &presence, "-m", &payload];
        let (ok, text) = run(&gateway, "mosquitto_pub", me, &identity, &args);
        assert!(ok && text.contains("received PUBACK"), "{text}");
        assert!(
            gateway
                .stored()
                .iter()
                .any(|item| matches!(item, Inbound::Presence { pump, .. } if *pump == me))
        );
        let end = gateway.wait("its goodbye", |item| match item {
            Inbound::Disconnected { pump, end, .. } if *pump == me => Some(*end),
            _ => None,
        });
        assert_eq!(end, SessionEnd::Goodbye);
    }
}

#[test]
fn a_stock_client_receives_its_orders() {
    let gateway = Gateway::start();
    for (n, version) in (1..).zip(VERSIONS) {
        let me = pump(n);
        let identity = gateway.enrol(me);
        let topic = down(me, "order");
        let args = ["-V", version, "-q", "1", "-t", &topic, "-C", "1", "-W", "20"];
        let child = client(&gateway, "mosquitto_sub", &identity, &me.to_string(), &args);
        gateway.wait("ready", |item| match item {
            Inbound::Ready {
                pump,
                channel: Channel::Order,
                ..
            } if *pump == me => Some(()),
            _ => None,
        });
        let order = Order {
            v: V1,
            id: OrderId::from_uuid(Uuid::from_u128(n)),
            at: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            body: OrderBody::RenewCertificate,
        };
        gateway.link.deliver(me, Down::Order(order.clone()));
        let (ok, text) = finish(child);
        assert!(
            ok && text.contains(&String::from_utf8(order.write()).unwrap()),
            "{text}"
        );
        gateway.wait("the acknowledgement", |item| match item {
            Inbound::OrderDelivered { order: id, .. } if *id == order.id => Some(()),
            _ => None,
        });
    }
}

#[test]
fn a_stock_client_is_refused_what_is_not_its_own() {
    let gateway = Gateway::start();
    let (me, other) = (pump(1), pump(2));
    let identity = gateway.enrol(me);
    let (foreign, retained) = (up(other, "telemetry"), up(me, "telemetry"));
    let will = up(other, "presence");
    for version in VERSIONS {
        let filters = [
            down(other, "order"),
            "#".into(),
            "+".into(),
            "$SYS/#".into(),
            format!("$share/g/{}", down(me, "order")),
        ];
        for filter in filters {
            let args = ["-V", version, "-q", "1", "-t", &filter, "-C", "1", "-W", "20"];
            let (_, text) = run(&gateway, "mosquitto_sub", me, &identity, &args);
            assert!(
                text.contains("All subscription requests were denied"),
                "{filter}: {text}"
            );
        }
        let check = |args: &[&str], id: &str, expected: &str| {
            let args = [&["-V", version, "-q", "1", "-m", "{}"], args].concat();
            let (_, text) = finish(client(&gateway, "mosquitto_pub", &identity, id, &args));
            assert!(text.contains(expected), "{version}: {expected} is not in {text}");
            assert!(
                !text.contains("PUBACK (Mid: 1, RC:0)") || version == "mqttv311",
                "{text}"
            );
        };
        let v5 = version == "mqttv5";
        let id = me.to_string();
        let not_authorised = if v5 { "RC:135" } else { "connection was lost" };
        check(&["-t", &foreign], &id, not_authorised);
        check(&["-t", &retained, "-r"], &id, not_authorised);
        let refused = if v5 { "Not authorized" } else { "not authorised" };
        check(
            &["-t", &retained, "--will-topic", &will, "--will-payload", "{}"],
            &id,
            refused,
        );
        let identifier = if v5 {
            "Client Identifier not valid"
        } else {
            "identifier rejected"
        };
        check(&["-t", &retained], "somebody", identifier);
    }
    let taken = |item: &Inbound| matches!(item, Inbound::Telemetry { .. } | Inbound::Presence { .. });
    assert!(!gateway.stored().iter().any(taken));
}
