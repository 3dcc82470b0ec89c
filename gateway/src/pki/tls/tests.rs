//! Handshakes with a stock rustls client, over two buffers.

mod bulk;
mod resumption;

use std::collections::HashMap;

use chrono::TimeDelta;
use fleet::certificate::{Admission, CertificateRecord, Fingerprint, RevocationReason, admit};
use fleet::id::AuthorityId;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, NamedGroup, ProtocolVersion, ServerConnection,
    SupportedProtocolVersion,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use uuid::Uuid;

use super::{
    super::{
        csr::read_request,
        issue::Issued,
        testing::{NOW, World, curve, forged_params, openssl_request, pump},
    },
    *,
};

const BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
const ANCHOR: AnchorId = AnchorId::from_uuid(Uuid::from_u128(70));

#[derive(Debug)]
struct At(Timestamp);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.0))
    }
}

/// The rules of the real gate over a few records.
#[derive(Debug, Default)]
struct Registry {
    records: HashMap<Fingerprint, CertificateRecord>,
}

impl Registry {
    fn add(&mut self, der: &[u8], n: u128, revoked: Option<RevocationReason>) {
        let presented = inspect::presented(der).unwrap();
        let record = CertificateRecord {
            fingerprint: inspect::fingerprint(der),
            serial: fleet::certificate::SerialHex::from_digits("01"),
            pump: pump(n),
            authority: AuthorityId::from_uuid(Uuid::nil()),
            key: Fingerprint::from_digest([0; 32]),
            not_before: presented.not_before,
            not_after: presented.not_after,
            issued_at: NOW,
            first_used_at: None,
            revoked: revoked.map(|reason| (NOW, reason)),
        };
        self.records.insert(record.fingerprint, record);
    }
}

impl Gate for Registry {
    fn admit(&self, leaf_der: &[u8]) -> Result<PumpId, GateRefusal> {
        let presented = inspect::presented(leaf_der).map_err(|_| GateRefusal::NotAClientCertificate)?;
        let known = self
            .records
            .get(&inspect::fingerprint(leaf_der))
            .map(|certificate| Admission {
                certificate,
                hold: None,
                retired: false,
            });
        admit(&presented, known, NOW)
    }
}

/// A chain, the peer's own certificate first, and its private key (PKCS#8, DER).
type Identity = (Vec<Vec<u8>>, Vec<u8>);

fn one(issued: (Issued, Vec<u8>)) -> Identity {
    (vec![issued.0.der], issued.1)
}

fn identity(world: &World) -> Arc<ServerIdentity> {
    let (leaf, key, _) = world.server(20);
    Arc::new(ServerIdentity::new(&[&leaf.der, &world.server.der], key.for_tls()).unwrap())
}

fn trust(world: &World) -> Arc<Trust> {
    Arc::new(Trust::new(&[&world.device.der], &[]).unwrap())
}

fn mqtt(world: &World, trust: &Arc<Trust>, registry: Registry, now: Timestamp) -> Arc<ServerConfig> {
    let verifier = PumpVerifier::new(Arc::clone(trust), Arc::new(registry));
    Arc::new(mqtt_config(verifier, identity(world), Arc::new(At(now))).unwrap())
}

fn client(
    world: &World,
    identity: Option<&Identity>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(&world.root.der[..])).unwrap();
    let builder = ClientConfig::builder_with_details(provider(), Arc::new(At(NOW)))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = chain
                .iter()
                .map(|der| CertificateDer::from(der.clone()))
                .collect();
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    }
}

/// Both ends of a finished handshake, or what the server said, or what the client said.
fn shake(
    server: &Arc<ServerConfig>,
    client: ClientConfig,
) -> Result<(ClientConnection, ServerConnection), Error> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    loop {
        let mut flight = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut flight).unwrap();
        }
        let mut moved = !flight.is_empty();
        let mut unread = &flight[..];
        while !unread.is_empty() {
            server.read_tls(&mut unread).unwrap();
            server.process_new_packets()?;
        }
        let mut flight = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut flight).unwrap();
        }
        moved |= !flight.is_empty();
        let mut unread = &flight[..];
        while !unread.is_empty() {
            client.read_tls(&mut unread).unwrap();
            client.process_new_packets()?;
        }
        if !moved {
            assert!(!client.is_handshaking() && !server.is_handshaking());
            return Ok((client, server));
        }
    }
}

fn refused(server: &Arc<ServerConfig>, client: ClientConfig) -> Error {
    match shake(server, client) {
        Ok(_) => panic!("the handshake succeeded"),
        Err(error) => error,
    }
}

#[test]
fn a_registered_pump_gets_a_session_in_both_versions_and_with_every_kind_of_key() {
    let world = World::new();
    let with_key = |options: &[&str], n| {
        let (request, private) = openssl_request(options, &[]);
        let issued = world.issue(n, &read_request(&request).unwrap());
        (vec![issued.der], pem::parse(private).unwrap().into_contents())
    };
    let p384 = curve("P-384");
    let identities = [
        one(world.pump(1)),
        with_key(&p384.each_ref().map(String::as_str), 1),
        with_key(&["-newkey", "rsa:2048"], 1),
    ];
    for identity in &identities {
        for version in BOTH {
            let mut registry = Registry::default();
            registry.add(&identity.0[0], 1, None);
            let server = mqtt(&world, &trust(&world), registry, NOW);
            let (client, server) = shake(&server, client(&world, Some(identity), &[version])).unwrap();
            assert_eq!(server.protocol_version(), Some(version.version));
            assert_eq!(server.handshake_kind(), Some(HandshakeKind::Full));
            assert_eq!(server.peer_certificates().unwrap()[0].as_ref(), identity.0[0]);
            assert_eq!(client.peer_certificates().unwrap().len(), 2);
        }
    }
}

#[test]
fn the_key_exchange_is_safe_from_a_later_quantum_computer() {
    let world = World::new();
    let server = Arc::new(staff_config(identity(&world), Arc::new(At(NOW))).unwrap());
    let (_, server) = shake(&server, client(&world, None, &BOTH)).unwrap();
    assert_eq!(server.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let group = server.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, NamedGroup::X25519MLKEM768);
}

#[test]
fn strangers_are_refused_inside_the_handshake() {
    let world = World::new();
    let other = World::new();
    let forge = |change: fn(&mut CertificateParams)| {
        let mut params = forged_params(pump(1));
        change(&mut params);
        let (der, key) = world.forge(&params);
        (vec![der], key)
    };
    let check =
        |identity: Option<&Identity>, known: Option<Option<RevocationReason>>, now, expected: &str| {
            for version in BOTH {
                let mut registry = Registry::default();
                if let (Some(revoked), Some((chain, _))) = (known, identity) {
                    registry.add(&chain[0], 1, revoked);
                }
                let server = mqtt(&world, &trust(&world), registry, now);
                let error = refused(&server, client(&world, identity, &[version]));
                let reason = refusal(&error)
                    .map_or_else(|| format!("{error:?}"), |refusal| refusal.as_str().to_owned());
                assert!(reason.contains(expected), "{reason} is not {expected}");
            }
        };
    let registered = Some(None);
    check(None, None, NOW, "NoCertificatesPresented");
    // A stolen key of the Device CA opens nothing.
    check(Some(&forge(|_| ())), None, NOW, "unregistered");
    check(Some(&one(world.pump(1))), None, NOW, "unregistered");
    // The chain library accepts a leaf without extended key usage.
    check(
        Some(&forge(|p| p.extended_key_usages.clear())),
        registered,
        NOW,
        "not_client_certificate",
    );
    check(
        Some(&forge(|p| {
            p.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
        })),
        registered,
        NOW,
        "InvalidPurpose",
    );
    check(
        Some(&forge(|p| {
            p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })),
        registered,
        NOW,
        "InvalidPurpose",
    );
    check(
        Some(&forge(|p| {
            p.distinguished_name.push(DnType::CommonName, pump(2).to_string());
        })),
        registered,
        NOW,
        "identity_mismatch",
    );
    let (server, _, key) = world.server(21);
    check(
        Some(&(vec![server.der, world.server.der.clone()], key)),
        registered,
        NOW,
        "InvalidPurpose",
    );
    check(
        Some(&one(world.pump(1))),
        registered,
        NOW + TimeDelta::days(91),
        "Expired",
    );
    check(
        Some(&one(world.pump(1))),
        registered,
        NOW - TimeDelta::hours(1),
        "NotValidYet",
    );
    check(
        Some(&one(world.pump(1))),
        Some(Some(RevocationReason::KeyCompromise)),
        NOW,
        "revoked",
    );
    // Another installation of the same name: the issuer's name fits, its signature does not.
    check(Some(&one(other.pump(1))), registered, NOW, "BadSignature");
    let mut chain = one(other.pump(1));
    chain.0.push(other.device.der.clone());
    check(Some(&chain), registered, NOW, "BadSignature");
}

#[test]
fn an_authority_below_the_device_ca_counts_for_nothing() {
    let world = World::new();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Below");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let pair = KeyPair::generate().unwrap();
    let below = params.signed_by(&pair, world.device_issuer().inner()).unwrap();
    let issuer = rcgen::Issuer::new(params, pair);
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = forged_params(pump(1)).signed_by(&leaf_key, &issuer).unwrap();
    let identity = (
        vec![leaf.der().to_vec(), below.der().to_vec()],
        leaf_key.serialize_der(),
    );
    let mut registry = Registry::default();
    registry.add(&identity.0[0], 1, None);
    let error = refused(
        &mqtt(&world, &trust(&world), registry, NOW),
        client(&world, Some(&identity), &BOTH),
    );
    assert_eq!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer));
}

#[test]
fn anchors_are_swapped_under_a_configuration_in_use() {
    let (world, next) = (World::new(), World::new());
    let (old, new) = (one(world.pump(1)), one(next.pump(2)));
    let trust = trust(&world);
    let mut registry = Registry::default();
    registry.add(&old.0[0], 1, None);
    registry.add(&new.0[0], 2, None);
    let server = mqtt(&world, &trust, registry, NOW);
    let check = |expected: [bool; 2]| {
        let admitted =
            [&old, &new].map(|identity| shake(&server, client(&world, Some(identity), &BOTH)).is_ok());
        assert_eq!(admitted, expected);
    };
    check([true, false]);
    trust
        .replace(&[&world.device.der, &next.device.der], &[])
        .unwrap();
    check([true, true]);
    trust.replace(&[&next.device.der], &[]).unwrap();
    check([false, true]);
    // A replacement that can not be used changes nothing.
    let error = trust.replace(&[b"no certificate".as_slice()], &[]).unwrap_err();
    assert!(matches!(error, TlsError::Anchor { .. }), "{error}");
    check([false, true]);
    trust.replace::<Vec<u8>>(&[], &[]).unwrap();
    check([false, false]);
}

#[test]
fn a_renewed_server_certificate_is_swapped_under_a_configuration_in_use() {
    let world = World::new();
    let identity = identity(&world);
    let server = Arc::new(staff_config(Arc::clone(&identity), Arc::new(At(NOW))).unwrap());
    let seen = || {
        let (client, _) = shake(&server, client(&world, None, &BOTH)).unwrap();
        client.peer_certificates().unwrap()[0].to_vec()
    };
    let before = seen();
    let (renewed, key, _) = world.server(23);
    identity
        .replace(&[&renewed.der, &world.server.der], key.for_tls())
        .unwrap();
    assert_ne!(seen(), before);
    assert_eq!(seen(), renewed.der);
    // Certificate and key of two: nothing changes.
    let (_, other_key, _) = world.server(24);
    let error = identity
        .replace(&[&renewed.der], other_key.for_tls())
        .unwrap_err();
    assert!(matches!(error, TlsError::Identity(_)), "{error}");
    assert!(identity.replace::<Vec<u8>>(&[], other_key.for_tls()).is_err());
    assert_eq!(seen(), renewed.der);
}

#[test]
fn the_provider_can_be_installed_twice() {
    install_provider();
    install_provider();
    assert!(CryptoProvider::get_default().is_some());
}
