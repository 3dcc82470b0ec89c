//! A load client: full TLS 1.3 handshakes with client certificates, and MQTT 3.1.1 packets and HTTP written by hand, so that
//! the client's own cost is small and the same against every server.

use std::{io, net::SocketAddr, sync::Arc};

use rustls::{ClientConfig, RootCertStore, client::Resumption};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use wire::{
    PumpId,
    topic::{Channel, Topic},
};

use crate::fleet_with_certificates::Credentials;

const KEEPALIVE_SECONDS: u16 = 600;
/// MQTT 3.1.1 packet types with their fixed flags.
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH_QOS1: u8 = 0x32;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
/// The packet type without its flags.
const TYPE: u8 = 0xF0;
const PUBLISH: u8 = 0x30;

/// An open connection of one pump.
pub struct Connection {
    stream: TlsStream<TcpStream>,
    topic: String,
    next_packet: u16,
}

/// What came from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something of ours is durable.
    Acknowledged,
    /// A message to the pump. It is acknowledged already.
    Message { topic: String, payload: Vec<u8> },
    /// An answer to a subscription.
    Subscribed,
}

/// The anchors to check the server by.
///
/// # Errors
/// When the file can not be read.
pub fn anchors(root_file: &std::path::Path) -> io::Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(root_file).map_err(io::Error::other)? {
        roots
            .add(certificate.map_err(io::Error::other)?)
            .map_err(io::Error::other)?;
    }
    Ok(Arc::new(roots))
}

/// TCP, and a full TLS handshake (no resumption).
async fn connect(
    server: SocketAddr,
    roots: &Arc<RootCertStore>,
    pump: &Credentials,
) -> io::Result<TlsStream<TcpStream>> {
    let mut config = ClientConfig::builder()
        .with_root_certificates(Arc::clone(roots))
        .with_client_auth_cert(vec![pump.certificate.clone()], pump.key.clone_key())
        .map_err(io::Error::other)?;
    config.resumption = Resumption::disabled();
    let tcp = TcpStream::connect(server).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// Fetches a path by HTTPS and throws it away. How many bytes of body there were.
///
/// # Errors
/// When the connection breaks, or the answer is not 200.
pub async fn download(
    server: SocketAddr,
    roots: &Arc<RootCertStore>,
    pump: &Credentials,
    path: &str,
) -> io::Result<u64> {
    let mut stream = BufReader::with_capacity(64 * 1024, connect(server, roots, pump).await?);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    if !line.starts_with("HTTP/1.1 200 ") {
        return Err(io::Error::other(format!("{path}: {line}")));
    }
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await?;
    }
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
}

impl Connection {
    /// Connects a pump: TCP, full TLS handshake (no resumption), CONNECT, CONNACK.
    ///
    /// # Errors
    /// When any of them fails.
    pub async fn open(
        server: SocketAddr,
        roots: &Arc<RootCertStore>,
        pump: &Credentials,
    ) -> io::Result<Self> {
        let mut stream = connect(server, roots, pump).await?;
        let mut body = vec![0, 4];
        body.extend(b"MQTT");
        body.extend([4, 0b10]);
        body.extend(KEEPALIVE_SECONDS.to_be_bytes());
        push_text(&mut body, &pump.id.to_string())?;
        stream.write_all(&packet(CONNECT, &body)?).await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        match answer {
            [CONNACK, 2, _, 0] => Ok(Self {
                stream,
                topic: Topic::new(pump.id, Channel::Telemetry).to_string(),
                next_packet: 1,
            }),
            other => Err(io::Error::other(format!("connection refused: {other:?}"))),
        }
    }

    /// Publishes one message with QoS 1 and waits for its PUBACK.
    ///
    /// # Errors
    /// When the connection breaks before it came: then nobody knows whether the message was stored.
    pub async fn publish_one(&mut self, topic: &str, payload: &[u8]) -> io::Result<()> {
        let mut body = Vec::with_capacity(payload.len() + topic.len() + 4);
        push_text(&mut body, topic)?;
        body.extend(self.next_packet.to_be_bytes());
        body.extend(payload);
        self.next_packet = self.next_packet.checked_add(1).unwrap_or(1);
        self.stream.write_all(&packet(PUBLISH_QOS1, &body)?).await?;
        let mut answer = [0; 4];
        self.stream.read_exact(&mut answer).await?;
        match answer {
            [PUBACK, ..] => Ok(()),
            other => Err(io::Error::other(format!("expected PUBACK, got {other:?}"))),
        }
    }

    /// Subscribes to what is sent to the pump on these channels, and waits until that is granted.
    ///
    /// # Errors
    /// When the connection breaks, or something else comes first.
    pub async fn subscribe(&mut self, pump: PumpId, channels: &[Channel]) -> io::Result<()> {
        let mut body = self.packet_id().to_be_bytes().to_vec();
        for channel in channels {
            push_text(&mut body, &Topic::new(pump, *channel).to_string())?;
            body.push(1);
        }
        self.stream.write_all(&packet(SUBSCRIBE, &body)?).await?;
        match self.hear().await? {
            Heard::Subscribed => Ok(()),
            other => Err(io::Error::other(format!("expected SUBACK, got {other:?}"))),
        }
    }

    /// Publishes one message with QoS 1 and waits for nothing: [`Connection::hear`] tells what comes of it.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn put(&mut self, topic: &str, payload: &[u8]) -> io::Result<()> {
        let mut body = Vec::with_capacity(payload.len() + topic.len() + 4);
        push_text(&mut body, topic)?;
        body.extend(self.packet_id().to_be_bytes());
        body.extend(payload);
        self.stream.write_all(&packet(PUBLISH_QOS1, &body)?).await
    }

    /// Waits for the next packet.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no packet that a pump expects.
    pub async fn hear(&mut self) -> io::Result<Heard> {
        let kind = self.stream.read_u8().await?;
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let digit = self.stream.read_u8().await?;
            length |= usize::from(digit & 0x7F) << shift;
            shift += 7;
            if digit & 0x80 == 0 || shift > 21 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        match kind & TYPE {
            PUBACK => Ok(Heard::Acknowledged),
            SUBACK => Ok(Heard::Subscribed),
            PUBLISH => self.message(kind, &body).await,
            _ => Err(io::Error::other(format!("a packet of kind {kind:#x}"))),
        }
    }

    async fn message(&mut self, kind: u8, body: &[u8]) -> io::Result<Heard> {
        let short = || io::Error::other("a message that ends too early");
        let (length, rest) = body.split_first_chunk::<2>().ok_or_else(short)?;
        let topic_length = usize::from(u16::from_be_bytes(*length));
        let (topic, mut payload) = rest.split_at_checked(topic_length).ok_or_else(short)?;
        if kind & 0b110 != 0 {
            let (id, rest) = payload.split_first_chunk::<2>().ok_or_else(short)?;
            self.stream.write_all(&packet(PUBACK, id)?).await?;
            payload = rest;
        }
        Ok(Heard::Message {
            topic: String::from_utf8_lossy(topic).into_owned(),
            payload: payload.to_vec(),
        })
    }

    const fn packet_id(&mut self) -> u16 {
        let id = self.next_packet;
        self.next_packet = if id == u16::MAX { 1 } else { id + 1 };
        id
    }

    /// Publishes `count` payloads with QoS 1, at most `window` of them unacknowledged, and waits for every PUBACK.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn publish(&mut self, payload: &[u8], count: usize, window: usize) -> io::Result<()> {
        let (mut sent, mut acknowledged) = (0, 0);
        let mut answers = [0; 4096];
        while acknowledged < count {
            let burst = window.saturating_sub(sent - acknowledged).min(count - sent);
            if burst > 0 {
                let mut bytes = Vec::with_capacity(burst * (payload.len() + 80));
                for _ in 0..burst {
                    let mut body = Vec::with_capacity(payload.len() + 70);
                    push_text(&mut body, &self.topic)?;
                    body.extend(self.next_packet.to_be_bytes());
                    body.extend(payload);
                    self.next_packet = self.next_packet.checked_add(1).unwrap_or(1);
                    bytes.extend(packet(PUBLISH_QOS1, &body)?);
                }
                self.stream.write_all(&bytes).await?;
                sent += burst;
            }
            let read = self.stream.read(&mut answers).await?;
            let received = answers.get(..read).unwrap_or_default();
            if read == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "closed by the server",
                ));
            }
            // A PUBACK has four bytes; one may be cut in two, so the rest of it is read at once.
            let cut = read % 4;
            if cut > 0 {
                let mut rest = [0; 4];
                let rest = rest.get_mut(cut..).unwrap_or_default();
                self.stream.read_exact(rest).await?;
            }
            if received.first() != Some(&PUBACK) {
                return Err(io::Error::other(format!("expected PUBACK, got {received:?}")));
            }
            acknowledged += read.div_ceil(4);
        }
        Ok(())
    }
}

fn push_text(body: &mut Vec<u8>, text: &str) -> io::Result<()> {
    body.extend(u16::try_from(text.len()).map_err(io::Error::other)?.to_be_bytes());
    body.extend(text.as_bytes());
    Ok(())
}

/// A packet: type, remaining length (MQTT 3.1.1, section 2.2.3), body.
fn packet(kind: u8, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut packet = vec![kind];
    let mut length = u32::try_from(body.len()).map_err(io::Error::other)?;
    loop {
        let digit = u8::try_from(length % 128).map_err(io::Error::other)?;
        length /= 128;
        packet.push(if length > 0 { digit | 0x80 } else { digit });
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    Ok(packet)
}
