//! A client that writes MQTT byte by byte, so that a test can say anything and sees every answer.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
};

use fleet::id::PumpId;
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use super::{DEADLINE, Gateway, Identity};

pub(super) const ONLINE: &[u8] = br#"{"v":1,"state":"online"}"#;
pub(super) const TELEMETRY: &[u8] =
    br#"{"v":1,"at":"2026-03-01T10:00:00Z","activity":"standby","patient_attached":false}"#;

pub(super) const CONNACK: u8 = 0x20;
pub(super) const PUBLISH: u8 = 0x30;
pub(super) const PUBACK: u8 = 0x40;
pub(super) const SUBACK: u8 = 0x90;
pub(super) const PINGRESP: u8 = 0xD0;
pub(super) const DISCONNECT: u8 = 0xE0;

/// The dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V3 = 4,
    V5 = 5,
}

/// What a CONNECT says.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    pub(super) client_id: String,
    pub(super) keepalive: u16,
    /// Topic, payload, retain, quality of service.
    pub(super) will: Option<(String, Vec<u8>, bool, u8)>,
}

impl Hello {
    pub(super) fn from(pump: PumpId) -> Self {
        Self {
            client_id: pump.to_string(),
            keepalive: 30,
            will: None,
        }
    }
}

/// A packet: the upper half of its first byte, the lower half, and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) body: Vec<u8>,
}

pub(super) fn up(pump: PumpId, channel: &str) -> String {
    format!("pumps/{pump}/up/{channel}")
}

pub(super) fn down(pump: PumpId, channel: &str) -> String {
    format!("pumps/{pump}/down/{channel}")
}

pub(super) struct Client {
    pub(super) stream: StreamOwned<ClientConnection, TcpStream>,
    version: Version,
    next_id: u16,
    /// Properties of CONNACK, MQTT 5 only.
    pub(super) offer: HashMap<u8, u32>,
}

impl Client {
    /// A TLS connection on which nothing was said yet.
    pub(super) fn open(gateway: &Gateway, identity: &Identity, version: Version) -> Self {
        let config = ClientConfig::builder()
            .with_root_certificates(gateway.pki.roots())
            .with_client_auth_cert(vec![identity.cert.clone()], identity.key_der())
            .unwrap();
        let socket = TcpStream::connect(gateway.address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket.set_write_timeout(Some(DEADLINE)).unwrap();
        let name = ServerName::from(gateway.address.ip());
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        Self {
            stream: StreamOwned::new(tls, socket),
            version,
            next_id: 1,
            offer: HashMap::new(),
        }
    }

    /// Says CONNECT and returns the code of CONNACK.
    pub(super) fn hello(&mut self, hello: &Hello) -> u8 {
        let mut body = b"\0\x04MQTT".to_vec();
        let mut flags = 0x02;
        if let Some((_, _, retain, qos)) = &hello.will {
            flags |= 0x04 | u8::from(*retain) << 5 | qos << 3;
        }
        body.extend([self.version as u8, flags]);
        body.extend(hello.keepalive.to_be_bytes());
        self.no_properties(&mut body);
        text(&mut body, hello.client_id.as_bytes());
        if let Some((topic, payload, ..)) = &hello.will {
            self.no_properties(&mut body);
            text(&mut body, topic.as_bytes());
            text(&mut body, payload);
        }
        self.write(0x10, &body);
        let connack = self.read().expect("CONNACK");
        assert_eq!(connack.kind, CONNACK);
        assert_eq!(connack.body[0], 0, "no session is ever present");
        if self.version == Version::V5 {
            self.offer = numbers(&connack.body[3..]);
        }
        connack.body[1]
    }

    /// A connection that was accepted.
    pub(super) fn connect(gateway: &Gateway, identity: &Identity, version: Version, pump: PumpId) -> Self {
        let mut client = Self::open(gateway, identity, version);
        assert_eq!(client.hello(&Hello::from(pump)), 0);
        client
    }

    pub(super) fn publish(&mut self, qos: u8, topic: &str, payload: &[u8], retain: bool) -> u16 {
        let mut body = Vec::new();
        text(&mut body, topic.as_bytes());
        let id = self.id();
        if qos > 0 {
            body.extend(id.to_be_bytes());
        }
        self.no_properties(&mut body);
        body.extend(payload);
        self.write(PUBLISH | qos << 1 | u8::from(retain), &body);
        id
    }

    /// Reads a PUBACK and returns its code; in MQTT 3.1.1 that is always success.
    pub(super) fn puback(&mut self) -> u8 {
        let packet = self.read().expect("PUBACK");
        assert_eq!(packet.kind, PUBACK, "{packet:?}");
        packet.body.get(2).copied().unwrap_or(0)
    }

    /// Subscribes and returns the code of each filter.
    pub(super) fn subscribe(&mut self, filters: &[&str], qos: u8) -> Vec<u8> {
        let mut body = self.id().to_be_bytes().to_vec();
        self.no_properties(&mut body);
        for filter in filters {
            text(&mut body, filter.as_bytes());
            body.push(qos);
        }
        self.write(0x82, &body);
        let suback = self.read().expect("SUBACK");
        assert_eq!(suback.kind, SUBACK, "{suback:?}");
        suback.body[suback.body.len() - filters.len()..].to_vec()
    }

    pub(super) fn ping(&mut self) {
        self.write(0xC0, &[]);
        assert_eq!(self.read().expect("PINGRESP").kind, PINGRESP);
    }

    pub(super) fn goodbye(&mut self) {
        self.write(DISCONNECT, &[]);
    }

    /// Acknowledges a publish that came down.
    pub(super) fn acknowledge(&mut self, publish: &Packet) {
        let topic = usize::from(u16::from_be_bytes([publish.body[0], publish.body[1]]));
        let id = publish.body[2 + topic..4 + topic].to_vec();
        self.write(PUBACK, &id);
    }

    /// The payload of a publish that came down with quality of service `qos`.
    pub(super) fn payload(&self, publish: &Packet, qos: u8) -> Vec<u8> {
        assert_eq!(
            (publish.kind, publish.flags >> 1 & 3),
            (PUBLISH, qos),
            "{publish:?}"
        );
        let topic = usize::from(u16::from_be_bytes([publish.body[0], publish.body[1]]));
        let mut at = 2 + topic;
        if qos > 0 {
            at += 2;
        }
        if self.version == Version::V5 {
            at += 1 + usize::from(publish.body[at]);
        }
        publish.body[at..].to_vec()
    }

    /// Reads until the connection ends; in MQTT 5 returns the reason of the DISCONNECT, if one came.
    pub(super) fn end(&mut self) -> Option<u8> {
        let mut reason = None;
        while let Some(packet) = self.read() {
            assert_eq!(packet.kind, DISCONNECT, "{packet:?}");
            assert_eq!(
                self.version,
                Version::V5,
                "MQTT 3.1.1 has no DISCONNECT from a server"
            );
            reason = Some(packet.body.first().copied().unwrap_or(0));
        }
        reason
    }

    /// The next packet; nothing at the end of the connection.
    pub(super) fn read(&mut self) -> Option<Packet> {
        let first = self.byte()?;
        let mut length = 0;
        for shift in (0..28).step_by(7) {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some(Packet {
            kind: first & 0xF0,
            flags: first & 0x0F,
            body,
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        match self.stream.read_exact(&mut byte) {
            Ok(()) => Some(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("nothing came: {error}"),
            Err(_) => None,
        }
    }

    pub(super) fn write(&mut self, first: u8, body: &[u8]) {
        let mut packet = vec![first];
        packet.extend(remaining_length(body.len()));
        packet.extend(body);
        self.bytes(&packet).unwrap();
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    fn id(&mut self) -> u16 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    fn no_properties(&self, body: &mut Vec<u8>) {
        if self.version == Version::V5 {
            body.push(0);
        }
    }
}

/// The variable length of a packet's rest.
pub(super) fn remaining_length(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = u8::try_from(length % 128).unwrap();
        length /= 128;
        bytes.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return bytes;
        }
    }
}

/// The properties of CONNACK that are numbers (MQTT 5, 2.2.2.2).
fn numbers(mut properties: &[u8]) -> HashMap<u8, u32> {
    let mut read = HashMap::new();
    while let [id, rest @ ..] = properties {
        let size = match id {
            0x11 | 0x27 => 4,
            0x13 | 0x21 | 0x22 => 2,
            0x24 | 0x25 | 0x28 | 0x29 | 0x2A => 1,
            other => panic!("unexpected property {other:#x}"),
        };
        let value = rest[..size]
            .iter()
            .fold(0, |value, byte| value << 8 | u32::from(*byte));
        assert!(read.insert(*id, value).is_none(), "twice: {id:#x}");
        properties = &rest[size..];
    }
    read
}

fn text(body: &mut Vec<u8>, text: &[u8]) {
    body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    body.extend(text);
}
