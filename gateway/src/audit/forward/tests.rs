//! Real receivers over real sockets, some of which go away in the middle; and a file that is rotated, torn and read by others.

use std::{
    collections::BTreeSet,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Mutex,
};

use fleet::audit::{Action, LINE_MAX};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use store::DatabaseUrl;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::{tls::UNPROVED, *};
use crate::{app::Actor, clock::Clock, config::Syslog, deed::Deed, pki::tls::install_provider};

fn store(dir: &Path) -> Store {
    let store = Store::open(&DatabaseUrl::sqlite(dir.join("gateway.db"))).unwrap();
    store.migrate().unwrap();
    store
}

fn record(store: &Store, count: usize) {
    let now = Clock::system().now();
    let deed = || Deed::of(Action::PumpHeld, "pump", "SN-1").entry(&Actor::gateway(), now);
    store
        .write(|db| (0..count).try_for_each(|_| db.audit_append(deed()).map(drop)))
        .unwrap();
}

/// An entry that does not read back: longer than an entry may be.
fn record_misfit(store: &Store) {
    let mut misfit =
        Deed::of(Action::PumpHeld, "pump", "SN-1").entry(&Actor::gateway(), Clock::system().now());
    misfit.before = Some(json!("x".repeat(LINE_MAX)));
    store.write(|db| db.audit_append(misfit)).unwrap();
}

fn bookmark(store: &Store, way: &str) -> Option<String> {
    let name = format!("audit_forwarded_{way}");
    store.read(|db| db.setting_get(&name)).unwrap()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "still not so: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

fn to_file(path: &Path) -> Audit {
    Audit {
        file: Some(path.to_owned()),
        syslog: None,
    }
}

fn numbers(path: &Path) -> Vec<i64> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| ExportLine::from_line(line.as_bytes()).unwrap().entry.number)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_gets_every_entry_once_and_is_begun_anew_when_it_was_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let path = dir.path().join("audit.jsonl");
    record(&store, 3);
    let forwarding = Forwarding::start(&to_file(&path), "gw", &store).unwrap();
    until("three lines", || numbers(&path) == [1, 2, 3]).await;
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let rotated = dir.path().join("audit.jsonl.1");
    std::fs::rename(&path, &rotated).unwrap();
    record(&store, 2);
    until("two more in a new file", || numbers(&path) == [4, 5]).await;
    assert_eq!(numbers(&rotated), [1, 2, 3]);

    // What is recorded right before the stop is sent on as well.
    record(&store, 1);
    forwarding.stop().await;
    assert_eq!(numbers(&path), [4, 5, 6]);
    assert_eq!(bookmark(&store, "file").as_deref(), Some("6"));

    // Another start goes on where this one ended, and takes more than a piece.
    let many = usize::try_from(PIECE).unwrap() + 1;
    record(&store, many);
    let forwarding = Forwarding::start(&to_file(&path), "gw", &store).unwrap();
    let (_, progress) = &forwarding.progress[0];
    until("all sent", || {
        progress.sent.load(Ordering::Relaxed) == many as u64
    })
    .await;
    let last = store.read(|db| db.audit_head()).unwrap().0;
    assert_eq!(numbers(&path), (4..=last).collect::<Vec<_>>());
    until("nothing is behind", || {
        progress.behind.load(Ordering::Relaxed) == 0
    })
    .await;
    assert_eq!(progress.failures.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_line_swallows_no_entry() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let path = dir.path().join("audit.jsonl");
    std::fs::write(&path, "{\"entry\":{\"act").unwrap();
    record(&store, 2);
    let forwarding = Forwarding::start(&to_file(&path), "gw", &store).unwrap();
    let (_, progress) = &forwarding.progress[0];
    until("two sent", || progress.sent.load(Ordering::Relaxed) == 2).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let (torn, whole) = text.split_once('\n').unwrap();
    assert_eq!(torn, "{\"entry\":{\"act");
    let whole: Vec<_> = whole
        .lines()
        .map(|line| ExportLine::from_line(line.as_bytes()).unwrap().entry.number)
        .collect();
    assert_eq!(whole, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_can_not_be_written_is_tried_again_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let path = dir.path().join("missing").join("audit.jsonl");
    record(&store, 1);
    let forwarding = Forwarding::start(&to_file(&path), "gw", &store).unwrap();
    let (_, progress) = &forwarding.progress[0];
    until("a failure", || progress.failures.load(Ordering::Relaxed) > 0).await;
    assert_eq!(progress.behind.load(Ordering::Relaxed), 1);
    assert_eq!(bookmark(&store, "file"), None);
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    until("it comes in the end", || numbers(&path) == [1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_entry_is_sent_as_it_lies_and_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let path = dir.path().join("audit.jsonl");
    record(&store, 1);
    record_misfit(&store);
    record(&store, 1);
    let pki = Pki::new(dir.path());
    let receiver = Receiver::start(&pki, &[]).await;
    let config = Audit {
        file: Some(path.clone()),
        ..receiver.config(&pki)
    };
    let _forwarding = Forwarding::start(&config, "gw", &store).unwrap();
    until("three messages", || receiver.got().len() == 3).await;
    let got = receiver.got();
    assert!(got[0].starts_with("<109>1 2"), "{}", got[0]);
    assert!(
        got[1].starts_with("<105>1 - gw infusion-pump-gateway - entry_altered [audit@32473 number=\"2\"]"),
        "{}",
        got[1]
    );
    assert!(got[2].contains(" number=\"3\" "), "{}", got[2]);
    let lines = || std::fs::read_to_string(&path).unwrap_or_default();
    until("three lines", || lines().lines().count() == 3).await;
    let text = lines();
    let reads: Vec<_> = text
        .lines()
        .map(|line| ExportLine::from_line(line.as_bytes()).is_ok())
        .collect();
    assert_eq!(reads, [true, false, true]);
}

/// A certificate authority, a receiver's certificate and a client's, as files.
struct Pki {
    dir: PathBuf,
    server: (CertificateDer<'static>, Vec<u8>),
}

impl Pki {
    fn new(dir: &Path) -> Self {
        install_provider();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let leaf = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &ca).unwrap(), key)
        };
        let (server, server_key) = leaf("siem.example");
        let (client, client_key) = leaf("gw.example");
        std::fs::write(dir.join("ca.pem"), ca.pem()).unwrap();
        std::fs::write(dir.join("client.pem"), client.pem()).unwrap();
        std::fs::write(dir.join("client.key"), client_key.serialize_pem()).unwrap();
        Self {
            dir: dir.to_owned(),
            server: (server.der().clone(), server_key.serialize_der()),
        }
    }

    /// The receiver's side, which asks for a client certificate or does not.
    #[expect(clippy::disallowed_methods, reason = "a receiver that is not ours")]
    fn acceptor(&self, mutual: bool) -> TlsAcceptor {
        let builder = ServerConfig::builder();
        let builder = if mutual {
            let mut roots = RootCertStore::empty();
            for certificate in super::tls::certificates(&self.dir.join("ca.pem")).unwrap() {
                roots.add(certificate).unwrap();
            }
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let (certificate, key) = self.server.clone();
        let key = PrivateKeyDer::try_from(key).unwrap();
        TlsAcceptor::from(Arc::new(
            builder.with_single_cert(vec![certificate], key).unwrap(),
        ))
    }
}

/// A syslog receiver: reads frames of RFC 5425.
struct Receiver {
    address: String,
    got: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// Takes so many messages on each of the first lines and hangs up, and then stays.
    async fn start(pki: &Pki, hang_up_after: &[usize]) -> Self {
        Self::of(pki.acceptor(false), hang_up_after, true).await
    }

    async fn of(acceptor: TlsAcceptor, hang_up_after: &[usize], stays: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let got = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let (got, hang_up_after) = (Arc::clone(&got), hang_up_after.to_vec());
            async move {
                for most in hang_up_after {
                    receive(&listener, &acceptor, most, &got).await;
                }
                if stays {
                    loop {
                        receive(&listener, &acceptor, usize::MAX, &got).await;
                    }
                }
            }
        });
        Self { address, got, task }
    }

    fn config(&self, pki: &Pki) -> Audit {
        Audit {
            file: None,
            syslog: Some(Syslog {
                address: self.address.clone(),
                server_name: Some("siem.example".to_owned()),
                ca_file: pki.dir.join("ca.pem"),
                client_cert_file: None,
                client_key_file: None,
                enterprise_number: 32_473,
            }),
        }
    }

    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }

    /// The numbers of the entries in the order in which they came.
    fn numbers(&self) -> Vec<i64> {
        let number = |message: &String| {
            let (_, rest) = message.split_once(" number=\"").unwrap();
            rest.split_once('"').unwrap().0.parse().unwrap()
        };
        self.got().iter().map(number).collect()
    }

    fn has_all(&self, wanted: std::ops::RangeInclusive<i64>) -> bool {
        let got: BTreeSet<_> = self.numbers().into_iter().collect();
        wanted.into_iter().all(|number| got.contains(&number))
    }
}

async fn receive(listener: &TcpListener, acceptor: &TlsAcceptor, most: usize, got: &Mutex<Vec<String>>) {
    let (socket, _) = listener.accept().await.unwrap();
    let Ok(line) = acceptor.accept(socket).await else {
        return;
    };
    let mut line = BufReader::new(line);
    for _ in 0..most {
        let mut length = Vec::new();
        if line.read_until(b' ', &mut length).await.unwrap_or(0) == 0 {
            // It takes leave when the other side does, as RFC 5425 asks.
            let _ = line.get_mut().shutdown().await;
            return;
        }
        let length = String::from_utf8(length).unwrap().trim().parse().unwrap();
        let mut message = vec![0; length];
        line.read_exact(&mut message).await.unwrap();
        got.lock().unwrap().push(String::from_utf8(message).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_goes_away_gets_every_entry_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (store, pki) = (store(dir.path()), Pki::new(dir.path()));
    // Hangs up in the middle of the first piece, and then stays.
    let receiver = Receiver::start(&pki, &[7]).await;
    record(&store, 20);
    let forwarding = Forwarding::start(&receiver.config(&pki), "gw.example", &store).unwrap();
    // That it went away is noticed without anything new to send; what was lost comes again, in order.
    until("every entry", || receiver.has_all(1..=20)).await;
    let expected: Vec<_> = (1..=7).chain(1..=20).collect();
    assert_eq!(receiver.numbers(), expected);
    record(&store, 1);
    until("the next one", || receiver.numbers().last() == Some(&21)).await;
    let (_, progress) = &forwarding.progress[0];
    assert_eq!(progress.failures.load(Ordering::Relaxed), 1);
    assert!(
        receiver
            .got()
            .iter()
            .all(|message| message.starts_with("<109>1 "))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broken_line_lost_comes_again_even_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (store, pki) = (store(dir.path()), Pki::new(dir.path()));
    record(&store, 20);
    // Hangs up and does not come back.
    let gone = Receiver::of(pki.acceptor(false), &[7], false).await;
    let forwarding = Forwarding::start(&gone.config(&pki), "gw", &store).unwrap();
    until("seven", || gone.numbers().len() == 7).await;
    forwarding.stop().await;
    let receiver = Receiver::start(&pki, &[]).await;
    let _forwarding = Forwarding::start(&receiver.config(&pki), "gw", &store).unwrap();
    until("every entry", || receiver.has_all(1..=20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_leaves_the_bookmark_behind_what_may_be_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (store, pki) = (store(dir.path()), Pki::new(dir.path()));
    let many = UNPROVED + i64::from(PIECE);
    record(&store, usize::try_from(many).unwrap());
    let receiver = Receiver::start(&pki, &[]).await;
    let forwarding = Forwarding::start(&receiver.config(&pki), "gw", &store).unwrap();
    until("every entry", || receiver.has_all(1..=many)).await;
    let expected = PIECE.to_string();
    until("the bookmark follows", || {
        bookmark(&store, "syslog").as_deref() == Some(&expected)
    })
    .await;
    for task in &forwarding.tasks {
        task.abort();
    }
    let another = Receiver::start(&pki, &[]).await;
    let _forwarding = Forwarding::start(&another.config(&pki), "gw", &store).unwrap();
    let again: Vec<_> = (i64::from(PIECE) + 1..=many).collect();
    until("what may be lost comes again", || another.numbers() == again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_leave_was_taken_nothing_comes_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (store, pki) = (store(dir.path()), Pki::new(dir.path()));
    let receiver = Receiver::start(&pki, &[]).await;
    record(&store, 5);
    let forwarding = Forwarding::start(&receiver.config(&pki), "gw", &store).unwrap();
    until("five", || receiver.has_all(1..=5)).await;
    forwarding.stop().await;
    assert_eq!(bookmark(&store, "syslog").as_deref(), Some("5"));
    record(&store, 1);
    let _forwarding = Forwarding::start(&receiver.config(&pki), "gw", &store).unwrap();
    until("the sixth", || receiver.has_all(1..=6)).await;
    assert_eq!(receiver.numbers(), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_receiver_of_the_name_is_told_and_only_by_whom_it_knows() {
    let dir = tempfile::tempdir().unwrap();
    let (store, pki) = (store(dir.path()), Pki::new(dir.path()));
    record(&store, 2);
    let receiver = Receiver::of(pki.acceptor(true), &[], true).await;
    let config = |server_name: &str, client: bool| {
        let mut config = receiver.config(&pki);
        let syslog = config.syslog.as_mut().unwrap();
        syslog.server_name = Some(server_name.to_owned());
        syslog.client_cert_file = client.then(|| dir.path().join("client.pem"));
        syslog.client_key_file = client.then(|| dir.path().join("client.key"));
        config
    };
    for (server_name, client) in [("another.example", true), ("siem.example", false)] {
        let forwarding = Forwarding::start(&config(server_name, client), "gw", &store).unwrap();
        let (_, progress) = &forwarding.progress[0];
        until("it fails", || progress.failures.load(Ordering::Relaxed) > 0).await;
        forwarding.stop().await;
        assert_eq!(receiver.got(), [""; 0], "{server_name} {client}");
        assert_eq!(bookmark(&store, "syslog"), None, "{server_name} {client}");
    }
    let _forwarding = Forwarding::start(&config("siem.example", true), "gw", &store).unwrap();
    until("both", || receiver.numbers() == [1, 2]).await;
}

#[test]
fn what_can_not_be_used_is_said_at_the_start() {
    install_provider();
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let pki = Pki::new(dir.path());
    let ca = pki.dir.join("ca.pem");
    let config = |address: &str, ca_file: &Path, key: Option<&Path>| Syslog {
        address: address.to_owned(),
        server_name: None,
        ca_file: ca_file.to_owned(),
        client_cert_file: None,
        client_key_file: key.map(Path::to_owned),
        enterprise_number: 1,
    };
    let sender = || Sender {
        hostname: "gw".to_owned(),
        enterprise_number: 1,
    };
    let check = |config: Syslog, expected: &str| {
        let error = tls::ToSyslog::new(&config, sender()).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(config("siem.example", &ca, None), "audit.syslog.address");
    check(config("not a name:1", &ca, None), "audit.syslog.server_name");
    check(
        config("siem.example:1", Path::new("/nowhere"), None),
        "audit.syslog.ca_file",
    );
    check(config("siem.example:1", &empty, None), "audit.syslog.ca_file");
    check(
        config("siem.example:1", &ca, Some(&pki.dir.join("client.key"))),
        "needs its key",
    );
    assert!(tls::ToSyslog::new(&config("[::1]:6514", &ca, None), sender()).is_ok());
}
