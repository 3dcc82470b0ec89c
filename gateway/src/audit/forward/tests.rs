//! A real receiver over a real socket, one that goes away in the middle; and a file that is rotated.

use std::{path::Path, sync::Mutex};

use fleet::audit::Action;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use store::DatabaseUrl;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{app::Actor, clock::Clock, config::Syslog, deed::Deed, pki::tls::install_provider};

fn store(dir: &Path) -> Store {
    let store = Store::open(&DatabaseUrl::sqlite(dir.join("gateway.db"))).unwrap();
    store.migrate().unwrap();
    store
}

fn record(store: &Store, count: usize) {
    let now = Clock::system().now();
    for _ in 0..count {
        let deed = Deed::of(Action::PumpHeld, "pump", "SN-1").entry(&Actor::gateway(), now);
        store.write(|db| db.audit_append(deed.clone())).unwrap();
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "still not so: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_gets_every_entry_once_and_is_begun_anew_when_it_was_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let path = dir.path().join("audit.jsonl");
    let config = Audit {
        file: Some(path.clone()),
        syslog: None,
    };
    let numbers = |path: &Path| -> Vec<i64> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .map(|line| ExportLine::from_line(line.as_bytes()).unwrap().entry.number)
            .collect()
    };
    record(&store, 3);
    let (stop, stopped) = watch::channel(false);
    let forwarding = Forwarding::start(&config, "gw", &store, &stopped).unwrap();
    until("three lines", || numbers(&path) == [1, 2, 3]).await;
    let rotated = dir.path().join("audit.jsonl.1");
    std::fs::rename(&path, &rotated).unwrap();
    record(&store, 2);
    until("two more in a new file", || numbers(&path) == [4, 5]).await;
    assert_eq!(numbers(&rotated), [1, 2, 3]);
    stop.send(true).unwrap();
    forwarding.stopped().await;

    // Another start goes on where this one ended.
    record(&store, 1);
    let (_stop, stopped) = watch::channel(false);
    let forwarding = Forwarding::start(&config, "gw", &store, &stopped).unwrap();
    until("one more", || numbers(&path) == [4, 5, 6]).await;
    let (_, progress) = &forwarding.progress[0];
    assert_eq!(progress.sent.load(Ordering::Relaxed), 1);
    until("nothing is behind", || {
        progress.behind.load(Ordering::Relaxed) == 0
    })
    .await;
}

/// Reads frames of RFC 5425, and hangs up after so many.
async fn receive(listener: &TcpListener, acceptor: &TlsAcceptor, most: usize, got: &Mutex<Vec<String>>) {
    let (socket, _) = listener.accept().await.unwrap();
    let line = acceptor.accept(socket).await.unwrap();
    let mut line = BufReader::new(line);
    for _ in 0..most {
        let mut length = Vec::new();
        line.read_until(b' ', &mut length).await.unwrap();
        let Ok(length) = String::from_utf8(length).unwrap().trim().parse::<usize>() else {
            return;
        };
        let mut message = vec![0; length];
        line.read_exact(&mut message).await.unwrap();
        got.lock().unwrap().push(String::from_utf8(message).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_goes_away_gets_every_entry_in_the_end() {
    install_provider();
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["siem.example".to_owned()])
        .unwrap()
        .signed_by(&key, &ca)
        .unwrap();
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, ca.pem()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a receiver that is not ours")]
    let tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(leaf.der().to_vec())],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Audit {
        file: None,
        syslog: Some(Syslog {
            address: listener.local_addr().unwrap().to_string(),
            server_name: Some("siem.example".to_owned()),
            ca_file,
            client_cert_file: None,
            client_key_file: None,
            enterprise_number: 32_473,
        }),
    };
    record(&store, 20);
    let got = Arc::new(Mutex::new(Vec::new()));
    let receiver = tokio::spawn({
        let got = Arc::clone(&got);
        async move {
            // Hangs up in the middle of the first piece, and then stays.
            receive(&listener, &acceptor, 7, &got).await;
            receive(&listener, &acceptor, usize::MAX, &got).await;
        }
    });
    let (_stop, stopped) = watch::channel(false);
    let _forwarding = Forwarding::start(&config, "gw.example", &store, &stopped).unwrap();
    let has = |number: i64| {
        let wanted = format!(" number=\"{number}\" ");
        got.lock()
            .unwrap()
            .iter()
            .any(|message| message.contains(&wanted))
    };
    until("the first seven", || got.lock().unwrap().len() >= 7).await;
    // That it went away is noticed without anything new to send; what was lost comes again.
    until("every entry", || (1..=20).all(has)).await;
    record(&store, 1);
    until("the next one", || has(21)).await;
    assert!(
        got.lock()
            .unwrap()
            .iter()
            .all(|message| message.starts_with("<109>1 "))
    );
    receiver.abort();
}

#[test]
fn what_can_not_be_used_is_said_at_the_start() {
    install_provider();
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
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
    check(config("siem.example", &empty, None), "audit.syslog.address");
    check(
        config("siem.example:1", Path::new("/nowhere"), None),
        "audit.syslog.ca_file",
    );
    check(config("siem.example:1", &empty, None), "audit.syslog.ca_file");
}
