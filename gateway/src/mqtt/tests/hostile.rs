//! Peers that are broken or mean: each is a counted refusal, and other pumps do not notice.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use super::{
    DEADLINE, Gateway, Limits, assert_serves, pump,
    raw::{Client, Hello, TELEMETRY, Version, remaining_length, up},
};
use crate::mqtt::Refusal;

const BOTH: [Version; 2] = [Version::V3, Version::V5];

fn hasty() -> Limits {
    Limits {
        connect_timeout: Duration::from_secs(1),
        packet_timeout: Duration::from_secs(1),
        ..Limits::default()
    }
}

/// Waits until the other side has closed.
fn closed(mut socket: &TcpStream) {
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut rest = Vec::new();
    if let Err(error) = socket.read_to_end(&mut rest) {
        assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "still open");
    }
}

fn counted(gateway: &Gateway, refusal: &Refusal, times: u64) {
    gateway.until(refusal.as_str(), |gateway| {
        gateway.counters.refused(refusal) == times
    });
}

#[test]
fn garbage_instead_of_tls() {
    let gateway = Gateway::start();
    for garbage in [
        b"GET / HTTP/1.1\r\n\r\n".as_slice(),
        &[0; 4096],
        &[0xFF; 64],
        b"\x10\x0c\0\x04MQTT\x04\x02\0\x1e\0\0",
    ] {
        let mut socket = TcpStream::connect(gateway.address).unwrap();
        let _ = socket.write_all(garbage);
        closed(&socket);
    }
    drop(TcpStream::connect(gateway.address).unwrap());
    counted(&gateway, &Refusal::TlsHandshake, 5);
    assert_serves(&gateway, 1);
}

#[test]
fn a_foreign_certificate_gets_no_further_than_tls() {
    let gateway = Gateway::start();
    let foreign = super::Pki::new().issue(&pump(1).to_string(), rcgen::ExtendedKeyUsagePurpose::ClientAuth);
    let mut client = Client::open(&gateway, &foreign, Version::V5);
    let _ = client.bytes(b"\x10\x0c\0\x04MQTT\x04\x02\0\x1e\0\0");
    assert!(client.read().is_none());
    counted(&gateway, &Refusal::TlsHandshake, 1);
}

#[test]
fn garbage_instead_of_mqtt() {
    let gateway = Gateway::start();
    let identity = gateway.enrol(pump(1));
    let cases = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xFF; 64],
        b"\x10\xff\xff\xff\xff\xff".to_vec(),
        b"\x10\x0c\0\x04MQTT\x03\x02\0\x1e\0\0".to_vec(),
        b"\x10\x0e\0\x06MQIsdp\x03\x02\0\x1e\0\0".to_vec(),
        b"\xc0\0".to_vec(),
    ];
    let expected = cases.len() as u64;
    for garbage in cases {
        let mut client = Client::open(&gateway, &identity, Version::V3);
        client.bytes(&garbage).unwrap();
        assert_eq!(client.end(), None);
    }
    counted(&gateway, &Refusal::NotMqtt, expected);
    assert_serves(&gateway, 2);
}

#[test]
fn garbage_after_connect() {
    let gateway = Gateway::start();
    let me = pump(1);
    let identity = gateway.enrol(me);
    let topic = up(me, "telemetry");
    // A header that claims to be longer than its packet, a topic that is not UTF-8, packets at the wrong time.
    let mut lies = b"\x32\x02".to_vec();
    lies.extend(u16::try_from(topic.len()).unwrap().to_be_bytes());
    lies.extend(topic.as_bytes());
    lies.extend([0, 1, 0]);
    lies.extend([b'x'; 200]);
    for version in BOTH {
        for garbage in [
            vec![0xFF; 64],
            b"\x30\x05\0\x02\xff\xfe\0".to_vec(),
            b"\x10\x0c\0\x04MQTT\x04\x02\0\x1e\0\0".to_vec(),
            b"\x82\x02\0\0".to_vec(),
            b"\x40\x02\0\x07".to_vec(),
            lies.clone(),
        ] {
            let mut client = Client::connect(&gateway, &identity, version, me);
            let _ = client.bytes(&garbage);
            // A CONNECT too many may be passed over; nothing else may.
            client.publish(1, "nothing", b"", false);
            while client.read().is_some() {
                if client.bytes(&[0xFF; 16]).is_err() {
                    break;
                }
            }
        }
    }
    gateway.until("all are gone", |gateway| gateway.link.connected() == 0);
    assert_serves(&gateway, 2);
}

#[test]
fn a_payload_of_ten_megabytes() {
    let gateway = Gateway::start();
    let me = pump(1);
    let identity = gateway.enrol(me);
    for (times, version, code) in [(1, Version::V3, None), (2, Version::V5, Some(0x95))] {
        let mut client = Client::connect(&gateway, &identity, version, me);
        let mut packet = vec![0x32];
        packet.extend(remaining_length(10 << 20));
        client.bytes(&packet).unwrap();
        let mut sent = 0;
        while sent < 10 << 20 && client.bytes(&[b'x'; 16 * 1024]).is_ok() {
            sent += 16 * 1024;
        }
        assert!(sent < 10 << 20, "refused unread");
        // What is said in farewell may be lost when the socket is reset under the flood.
        let end = client.end();
        assert!(end.is_none() || end == code, "{end:?}");
        counted(&gateway, &Refusal::PacketTooLarge, times);
    }
    assert_serves(&gateway, 2);
}

#[test]
fn who_does_not_say_connect_in_time_is_closed() {
    let gateway = Gateway::with_limits(hasty());
    let identity = gateway.enrol(pump(1));
    let silent = TcpStream::connect(gateway.address).unwrap();
    let mut half = Client::open(&gateway, &identity, Version::V3);
    half.bytes(b"\x10").unwrap();
    let mut more = Client::open(&gateway, &identity, Version::V5);
    more.bytes(b"\x10\x7f\0\x04MQTT\x05").unwrap();
    closed(&silent);
    assert_eq!(half.end(), None);
    assert_eq!(more.end(), None);
    counted(&gateway, &Refusal::ConnectTimeout, 3);
    assert_serves(&gateway, 2);
}

#[test]
fn who_does_not_finish_a_packet_in_time_is_closed() {
    let gateway = Gateway::with_limits(hasty());
    let me = pump(1);
    let identity = gateway.enrol(me);
    for (times, version) in (1..).zip(BOTH) {
        let mut client = Client::connect(&gateway, &identity, version, me);
        client.publish(1, &up(me, "telemetry"), TELEMETRY, false);
        assert_eq!(client.puback(), 0);
        client.bytes(b"\x32\x7f\0").unwrap();
        client.end();
        counted(&gateway, &Refusal::SlowPacket, times);
    }
    assert_serves(&gateway, 2);
}

#[test]
fn an_address_has_its_limits() {
    let gateway = Gateway::with_limits(Limits {
        opening_per_address: 2,
        connections_per_address: 4,
        ..Limits::default()
    });
    // Which of the three is one too many is up to the workers.
    let idle: Vec<_> = (0..3)
        .map(|_| TcpStream::connect(gateway.address).unwrap())
        .collect();
    counted(&gateway, &Refusal::TooManyOpening, 1);
    drop(idle);
    counted(&gateway, &Refusal::TlsHandshake, 2);

    let open: Vec<_> = (10..14)
        .map(|n| Client::connect(&gateway, &gateway.enrol(pump(n)), Version::V5, pump(n)))
        .collect();
    closed(&TcpStream::connect(gateway.address).unwrap());
    counted(&gateway, &Refusal::TooManyConnections, 1);
    drop(open);
    gateway.until("all are gone", |gateway| gateway.link.connected() == 0);
    assert_serves(&gateway, 2);
}

#[test]
fn enhanced_authentication_is_refused() {
    let gateway = Gateway::start();
    let me = pump(1);
    let mut client = Client::open(&gateway, &gateway.enrol(me), Version::V5);
    let id = me.to_string();
    let mut body = b"\0\x04MQTT\x05\x02\0\x1e\x08\x15\0\x05PLAIN\0\x24".to_vec();
    body.extend(id.as_bytes());
    client.write(0x10, &body);
    assert_eq!(client.read().unwrap().body[1], 0x8C);
    let mut client = Client::open(&gateway, &gateway.enrol(me), Version::V5);
    assert_eq!(client.hello(&Hello::from(me)), 0);
}
