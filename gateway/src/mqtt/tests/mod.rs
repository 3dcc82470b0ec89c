//! Real pumps over real sockets: a client of our own that sees every byte, and clients that nobody here wrote.

mod hostile;
mod limits;
mod policy;
mod raw;
mod sessions;
mod stock;

use std::{
    collections::{HashMap, HashSet},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, mpsc},
    thread,
    time::{Duration, Instant, SystemTime},
};

use fleet::{
    certificate::{Fingerprint, GateRefusal},
    id::PumpId,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use uuid::Uuid;

use super::{Admitted, Batch, Counters, Doorkeeper, Endpoint, EndpointConfig, Inbound, Limits, PumpLink};

/// Nothing that is waited for takes this long.
const DEADLINE: Duration = Duration::from_secs(20);

fn pump(n: u128) -> PumpId {
    PumpId::from_uuid(Uuid::from_u128(0x9000_0000_0000_4000_8000_0000_0000_0000 + n))
}

/// A certificate with its key.
struct Identity {
    cert: CertificateDer<'static>,
    key: KeyPair,
}

impl Identity {
    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

/// One small CA for both sides.
struct Pki {
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test root");
        let root = params.self_signed(&key).unwrap().der().clone();
        Self {
            root,
            issuer: Issuer::new(params, key),
        }
    }

    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into())];
        params.extended_key_usages = vec![usage];
        let cert = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Identity { cert, key }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        roots
    }
}

/// Knows certificates by their bytes.
#[derive(Default)]
struct Door {
    known: Mutex<HashMap<Vec<u8>, PumpId>>,
    retired: Mutex<HashSet<PumpId>>,
}

impl Doorkeeper for Door {
    fn admit(&self, leaf_der: &[u8]) -> Result<Admitted, GateRefusal> {
        let known = self.known.lock().unwrap();
        let pump = *known.get(leaf_der).ok_or(GateRefusal::Unregistered)?;
        if self.retired.lock().unwrap().contains(&pump) {
            return Err(GateRefusal::Retired);
        }
        Ok(Admitted {
            pump,
            certificate: Fingerprint::from_digest([7; 32]),
        })
    }
}

/// What the stand-in for the store does with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    Works,
    Fails,
    /// Keeps batches unanswered until [`Gateway::release`].
    Stalls,
}

struct Record {
    items: Vec<Inbound>,
    storage: Storage,
    stalled: Vec<Batch>,
}

type Shelf = Arc<(Mutex<Record>, Condvar)>;

/// A running endpoint with a stand-in for everything behind it.
struct Gateway {
    endpoint: Option<Endpoint>,
    address: SocketAddr,
    link: Arc<dyn PumpLink>,
    counters: Counters,
    pki: Pki,
    door: Arc<Door>,
    shelf: Shelf,
    dir: tempfile::TempDir,
}

impl Gateway {
    fn start() -> Self {
        Self::with_limits(Limits::default())
    }

    fn with_limits(limits: Limits) -> Self {
        let pki = Pki::new();
        let door = Arc::new(Door::default());
        let counters = Counters::default();
        let (inbox, batches) = mpsc::channel();
        let shelf: Shelf = Arc::new((
            Mutex::new(Record {
                items: Vec::new(),
                storage: Storage::Works,
                stalled: Vec::new(),
            }),
            Condvar::new(),
        ));
        let keeper = shelf.clone();
        thread::spawn(move || keep(&batches, &keeper));
        let config = EndpointConfig {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tls: Arc::new(server_tls(&pki)),
            workers: 2,
            limits,
        };
        let clock = Arc::new(|| SystemTime::now().into());
        let endpoint = Endpoint::start(config, door.clone(), clock, inbox, &counters).unwrap();
        Self {
            address: endpoint.local_addr(),
            link: endpoint.link(),
            endpoint: Some(endpoint),
            counters,
            pki,
            door,
            shelf,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A certificate that the door knows as this pump's.
    fn enrol(&self, pump: PumpId) -> Identity {
        let identity = self
            .pki
            .issue(&pump.to_string(), ExtendedKeyUsagePurpose::ClientAuth);
        self.door
            .known
            .lock()
            .unwrap()
            .insert(identity.cert.to_vec(), pump);
        identity
    }

    fn storage(&self, storage: Storage) {
        self.shelf.0.lock().unwrap().storage = storage;
    }

    /// Stores what was stalled, and everything from now on.
    fn release(&self) {
        let mut record = self.shelf.0.lock().unwrap();
        record.storage = Storage::Works;
        for batch in std::mem::take(&mut record.stalled) {
            record.items.extend(batch.items.iter().cloned());
            batch.durable();
        }
        self.shelf.1.notify_all();
    }

    /// Waits for something among all that arrived, stored or not.
    fn wait<T>(&self, what: &str, find: impl FnMut(&Inbound) -> Option<T>) -> T {
        let mut find = find;
        let until = Instant::now() + DEADLINE;
        let mut record = self.shelf.0.lock().unwrap();
        loop {
            let stalled = record.stalled.iter().flat_map(|batch| &batch.items);
            if let Some(found) = record.items.iter().chain(stalled).find_map(&mut find) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{what} did not come; there is {:#?}",
                record.items
            );
            record = self.shelf.1.wait_timeout(record, left).unwrap().0;
        }
    }

    /// Everything stored so far.
    fn stored(&self) -> Vec<Inbound> {
        self.shelf.0.lock().unwrap().items.clone()
    }

    /// Waits until a condition holds that nothing announces.
    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !holds(self) {
            assert!(Instant::now() < until, "{what} did not come true");
            thread::yield_now();
        }
    }

    /// Files for a client that reads PEM files: CA, certificate, key. One such client at a time.
    fn files(&self, identity: &Identity) -> [PathBuf; 3] {
        let file = |name: &str, label: &str, der: &[u8]| {
            let path = self.dir.path().join(name);
            std::fs::write(&path, pem::encode(&pem::Pem::new(label, der))).unwrap();
            path
        };
        [
            file("ca.pem", "CERTIFICATE", &self.pki.root),
            file("pump.pem", "CERTIFICATE", &identity.cert),
            file("pump.key", "PRIVATE KEY", &identity.key.serialize_der()),
        ]
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.release();
        if let Some(endpoint) = self.endpoint.take() {
            endpoint.stop(Duration::from_secs(2));
        }
    }
}

fn keep(batches: &mpsc::Receiver<Batch>, shelf: &Shelf) {
    while let Ok(batch) = batches.recv() {
        let mut record = shelf.0.lock().unwrap();
        match record.storage {
            Storage::Works => {
                record.items.extend(batch.items.iter().cloned());
                batch.durable();
            }
            Storage::Fails => batch.failed(),
            Storage::Stalls => record.stalled.push(batch),
        }
        shelf.1.notify_all();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the endpoint takes any configuration; the gateway's own is made and tested in pki"
)]
fn server_tls(pki: &Pki) -> ServerConfig {
    // Whoever is first installs it; they all install the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = pki.issue("gateway", ExtendedKeyUsagePurpose::ServerAuth);
    let verifier = WebPkiClientVerifier::builder(Arc::new(pki.roots()))
        .build()
        .unwrap();
    ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.cert.clone()], server.key_der())
        .unwrap()
}

/// The endpoint stays whole whatever was done to it: another pump connects, speaks and is heard.
fn assert_serves(gateway: &Gateway, n: u128) {
    let other = pump(n);
    let identity = gateway.enrol(other);
    let mut client = raw::Client::connect(gateway, &identity, raw::Version::V5, other);
    client.publish(1, &raw::up(other, "presence"), raw::ONLINE, false);
    assert_eq!(client.puback(), 0);
}
