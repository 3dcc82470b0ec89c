//! A ticket would outlive a revocation, so none is ever given.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::{
    HandshakeKind, NamedGroup,
    client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue},
    server::ServerSessionMemoryCache,
};
use rustls_pki_types::ServerName;

use super::*;

/// A client's memory of sessions that counts what it is offered.
#[derive(Debug)]
struct Counting {
    inner: rustls::client::ClientSessionMemoryCache,
    offered: AtomicUsize,
}

impl ClientSessionStore for Counting {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.inner.set_kx_hint(server_name, group);
    }
    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.inner.kx_hint(server_name)
    }
    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.offered.fetch_add(1, Ordering::Relaxed);
        self.inner.set_tls12_session(server_name, value);
    }
    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.inner.tls12_session(server_name)
    }
    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.inner.remove_tls12_session(server_name);
    }
    fn insert_tls13_ticket(&self, server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.offered.fetch_add(1, Ordering::Relaxed);
        self.inner.insert_tls13_ticket(server_name, value);
    }
    fn take_tls13_ticket(&self, server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.inner.take_tls13_ticket(server_name)
    }
}

#[test]
fn no_session_is_ever_resumed() {
    let world = World::new();
    let identity_of_pump = one(world.pump(1));
    let run = |server: ServerConfig, version| {
        let server = Arc::new(server);
        let store = Arc::new(Counting {
            inner: rustls::client::ClientSessionMemoryCache::new(8),
            offered: AtomicUsize::new(0),
        });
        let mut client = client(&world, Some(&identity_of_pump), &[version]);
        client.resumption = Resumption::store(Arc::clone(&store) as Arc<dyn ClientSessionStore>);
        let kinds = [(); 2].map(|()| {
            shake(&server, client.clone())
                .unwrap()
                .1
                .handshake_kind()
                .unwrap()
        });
        (store.offered.load(Ordering::Relaxed), kinds[1])
    };
    let ours = || {
        let time = || Arc::new(At(NOW));
        let mut registry = Registry::default();
        registry.add(&identity_of_pump.0[0], 1, None);
        let pumps = PumpVerifier::new(trust(&world), Arc::new(registry));
        [
            mqtt_config(pumps, identity(&world), time()).unwrap(),
            bulk_config(BulkVerifier::new(trust(&world)), identity(&world), time()).unwrap(),
            staff_config(identity(&world), time()).unwrap(),
        ]
    };
    for version in BOTH {
        for server in ours() {
            assert_eq!(server.max_early_data_size, 0);
            assert_eq!(run(server, version), (0, HandshakeKind::Full), "{version:?}");
        }
        // The same client does resume where a server lets it: otherwise this test could not fail.
        let [mut careless, ..] = ours();
        careless.send_tls13_tickets = 2;
        careless.session_storage = ServerSessionMemoryCache::new(8);
        let (offered, second) = run(careless, version);
        assert!(offered > 0 && second == HandshakeKind::Resumed, "{version:?}");
    }
}
