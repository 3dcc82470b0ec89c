//! The listener, and a client that writes every byte of a request itself.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{App, HttpServer, dev::ServerHandle, rt::net::TcpStream as ActixStream};
use chrono::TimeDelta;
use fleet::{
    certificate::{CertificateRecord, Fingerprint},
    id::{AnchorId, AuthorityId},
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream as Client};
use uuid::Uuid;

use super::{StatusCode, config, pump};
use crate::{
    clock::Clock,
    est,
    firmware::{
        Figures, Firmware, Resting, TicketKeys,
        tests::workshop::{NOW, Workshop},
    },
    pki::{
        gate::Gate,
        key::{FileKeyStore, KdfCost},
        testing::{World, forged_params},
        tls::{self, BulkVerifier, ServerIdentity, Trust},
    },
};

pub(super) const FILE: &str = "/firmware/acme/targets/volumat7/9.12/main.bin";
pub(super) const LARGE: &str = "/firmware/acme/targets/large.bin";
/// More than fits into every buffer on the way.
pub(super) const LARGE_LENGTH: u64 = 64 * 1024 * 1024;
const PUMPS: u8 = 4;
const PATIENCE: Duration = Duration::from_secs(60);

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    /// Without a certificate.
    Nobody,
    /// One of ours.
    Pump(u8),
    /// Signed by our authority, and not in the registry.
    Unregistered,
    /// With a manufacturer's certificate.
    Manufacturer,
}

type Identity = (Vec<Vec<u8>>, Vec<u8>);

pub(super) struct Counter {
    pub(super) workshop: Workshop,
    pub(super) gate: Arc<Gate>,
    pub(super) tickets: Arc<TicketKeys>,
    pub(super) figures: Figures,
    pub(super) resting: Resting,
    now: Arc<Mutex<fleet::Timestamp>>,
    address: SocketAddr,
    root: Vec<u8>,
    pumps: Vec<(Fingerprint, Identity)>,
    unregistered: Identity,
    manufacturer: Identity,
    server: ServerHandle,
}

impl Drop for Counter {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl Counter {
    pub(super) fn open(settings: config::Firmware) -> Self {
        let workshop = Workshop::new();
        workshop.publish();
        let (world, maker) = (World::new(), World::new());
        let now = Arc::new(Mutex::new(NOW));
        let clock = Clock::from_fn({
            let now = Arc::clone(&now);
            move || *now.lock().unwrap()
        });
        let gate = Arc::new(Gate::new(Vec::new(), clock.clone()));
        let pumps = (1..=PUMPS)
            .map(|n| {
                let (issued, key) = world.pump(n);
                gate.register(CertificateRecord {
                    fingerprint: issued.fingerprint,
                    serial: issued.serial,
                    pump: pump(n.into()),
                    authority: AuthorityId::from_uuid(Uuid::nil()),
                    key: issued.key,
                    not_before: issued.not_before,
                    not_after: issued.not_after,
                    issued_at: NOW,
                    first_used_at: None,
                    revoked: None,
                });
                (issued.fingerprint, (vec![issued.der], key))
            })
            .collect();
        let (stranger, stranger_key) = world.pump(1);
        let (factory, factory_key) = maker.forge(&forged_params(pump(1)));
        let keys = FileKeyStore::new(workshop.dir().join("gateway-keys"), KdfCost::FOR_TESTS);
        let passphrase = SecretString::from("only for this test");
        let tickets = Arc::new(TicketKeys::open_or_create(&keys, &passphrase).unwrap());
        let (figures, resting) = (Figures::default(), Resting::default());
        let firmware = Firmware::new(
            workshop.shelf(),
            settings,
            Arc::clone(&tickets),
            Arc::clone(&gate),
            resting.clone(),
            clock.clone(),
            figures.clone(),
        );
        let anchor = AnchorId::from_uuid(Uuid::from_u128(70));
        let trust = Trust::new(&[&world.device.der], &[(anchor, &maker.root.der)]).unwrap();
        let (leaf, key, _) = world.server(20);
        let identity = ServerIdentity::new(&[&leaf.der, &world.server.der], key.for_tls()).unwrap();
        let verifier = BulkVerifier::new(Arc::new(trust));
        let config = tls::bulk_config(verifier, Arc::new(identity), Arc::new(clock)).unwrap();
        let server = HttpServer::new(move || App::new().configure(firmware.configure()))
            .on_connect(|io, data| {
                if let Some(stream) = io.downcast_ref::<TlsStream<ActixStream>>() {
                    est::remember_peer(stream, data);
                }
            })
            .workers(2)
            .disable_signals()
            .bind_rustls_0_23(("127.0.0.1", 0), config)
            .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            workshop,
            gate,
            tickets,
            figures,
            resting,
            now,
            address,
            root: world.root.der.clone(),
            pumps,
            unregistered: (vec![stranger.der], stranger_key),
            manufacturer: (vec![factory, maker.device.der.clone()], factory_key),
            server: handle,
        }
    }

    pub(super) fn fingerprint(&self, n: u8) -> Fingerprint {
        self.pumps[usize::from(n) - 1].0
    }

    pub(super) fn move_clock(&self, by: TimeDelta) {
        *self.now.lock().unwrap() += by;
    }

    /// A file that takes a while, listed without an import.
    pub(super) fn stock_large(&self) {
        let dir = self.workshop.shelf().join("acme");
        let file = std::fs::File::create(dir.join("targets/large.bin")).unwrap();
        file.set_len(LARGE_LENGTH).unwrap();
        let index = dir.join("index.json");
        let mut list: serde_json::Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
        list["targets"]["large.bin"] =
            serde_json::json!({ "length": LARGE_LENGTH, "sha256": "0".repeat(64) });
        std::fs::write(index, list.to_string()).unwrap();
    }

    async fn connect(&self, who: From) -> Client<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(&self.root[..])).unwrap();
        let builder = ClientConfig::builder_with_details(
            Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            Arc::new(Clock::from_fn(|| NOW)),
        )
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
        let identity = match who {
            From::Nobody => None,
            From::Pump(n) => Some(&self.pumps[usize::from(n) - 1].1),
            From::Unregistered => Some(&self.unregistered),
            From::Manufacturer => Some(&self.manufacturer),
        };
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = chain
                    .iter()
                    .map(|der| CertificateDer::from(der.clone()))
                    .collect();
                let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let socket = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, socket).await.unwrap()
    }

    pub(super) async fn get(&self, who: From, path: &str) -> Answer {
        self.ask(who, "GET", path, "").await
    }

    /// One request on a connection of its own, read to its end. Header lines end in CR LF.
    pub(super) async fn ask(&self, who: From, method: &str, path: &str, headers: &str) -> Answer {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        Answer::read(&self.raw(who, request.as_bytes()).await)
    }

    /// Everything that comes back.
    pub(super) async fn raw(&self, who: From, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect(who).await;
        stream.write_all(request).await.unwrap();
        let mut bytes = Vec::new();
        // A connection that is broken off is an end too.
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
        let _ = read.expect("an end");
        bytes
    }

    /// Begins a download and reads its first byte, and no more.
    pub(super) async fn begin(&self, who: From, path: &str) -> Begun {
        let mut stream = self.connect(who).await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let text = String::from_utf8_lossy(&head);
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        stream.read_u8().await.unwrap();
        Begun(stream)
    }

    pub(super) async fn eventually(&self, holds: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds().await {
            assert!(Instant::now() < deadline, "still not so");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until every download has ended.
    pub(super) async fn nothing_is_open(&self) {
        self.eventually(async || self.figures.downloads_open() == 0).await;
    }
}

/// A download of which one byte was read.
pub(super) struct Begun(Client<TcpStream>);

impl Begun {
    /// Reads what else comes. How many bytes there were in all.
    pub(super) async fn rest(mut self) -> u64 {
        let (mut buffer, mut count) = (vec![0; 256 * 1024], 1);
        loop {
            let read = tokio::time::timeout(PATIENCE, self.0.read(&mut buffer)).await;
            match read.expect("an end") {
                Ok(0) | Err(_) => return count,
                Ok(more) => count += more as u64,
            }
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no head: {}", String::from_utf8_lossy(bytes)));
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        Self {
            status: status.parse().unwrap(),
            headers: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    /// A header's value, or nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.map_or("", |(_, value)| value)
    }

    #[track_caller]
    pub(super) fn ok(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{text}");
        self
    }
}
