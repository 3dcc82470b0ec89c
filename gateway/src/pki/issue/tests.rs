use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::{
    super::{
        csr::read_request,
        testing::{CRL_URL, NOW, World, ca_key, curve, openssl, openssl_request, pem_of, pump},
    },
    *,
};

fn text(der: &[u8]) -> String {
    openssl(&["x509", "-inform", "DER", "-noout", "-text"], der)
}

fn has(text: &str, parts: &[&str]) {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(flat.contains(part), "no `{part}` in {text}");
    }
}

fn extensions(text: &str) -> usize {
    text.matches("X509v3 ").count() - text.matches("X509v3 extensions").count()
}

#[test]
fn a_pumps_certificate_holds_what_was_promised_and_nothing_else() {
    let world = World::new();
    let (issued, _) = world.pump(7);
    let text = text(&issued.der);
    has(
        &text,
        &[
            "Version: 3 (0x2)",
            "Serial Number: 87:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07",
            "Issuer: O = County General, CN = Infusion pump gateway Device CA D1",
            "Not Before: Jan 15 07:55:00 2027 GMT",
            "Not After : Apr 15 08:00:00 2027 GMT",
            "Subject: CN = 00000000-0000-0000-0000-000000000007",
            "Signature Algorithm: ecdsa-with-SHA256",
            "X509v3 Key Usage: critical Digital Signature X509v3",
            "X509v3 Extended Key Usage: TLS Web Client Authentication X509v3",
            "X509v3 Subject Alternative Name: URI:urn:uuid:00000000-0000-0000-0000-000000000007 X509v3",
            "X509v3 Basic Constraints: critical CA:FALSE",
            "X509v3 CRL Distribution Points: Full Name: URI:http://gateway.example:8444/crl/d1.crl",
            "X509v3 Subject Key Identifier",
            "X509v3 Authority Key Identifier",
        ],
    );
    assert_eq!(extensions(&text), 7, "{text}");
    assert_eq!(issued.serial.as_str(), "87".to_owned() + &"07".repeat(15));
    assert_eq!(issued.not_before, NOW - TimeDelta::minutes(5));
    assert_eq!(issued.not_after, NOW + TimeDelta::days(90));
}

#[test]
fn authorities_are_limited_to_what_they_are_for() {
    let world = World::new();
    let check = |der: &[u8], parts: &[&str], count: usize| {
        let text = text(der);
        has(&text, parts);
        has(&text, &["X509v3 Key Usage: critical Certificate Sign, CRL Sign"]);
        assert_eq!(extensions(&text), count, "{text}");
    };
    check(
        &world.root.der,
        &[
            "Subject: O = County General, CN = Infusion pump gateway Root R1",
            "Issuer: O = County General, CN = Infusion pump gateway Root R1",
            "CA:TRUE, pathlen:2",
            "Not After : Jan 10 08:00:00 2047 GMT",
        ],
        4,
    );
    check(
        &world.device.der,
        &[
            "Subject: O = County General, CN = Infusion pump gateway Device CA D1",
            "CA:TRUE, pathlen:0",
            "Extended Key Usage: TLS Web Client Authentication X509v3",
            "Not After : Jan 15 08:00:00 2032 GMT",
        ],
        5,
    );
    check(
        &world.server.der,
        &[
            "Subject: O = County General, CN = Infusion pump gateway Server CA S1",
            "CA:TRUE, pathlen:0",
            "Extended Key Usage: TLS Web Server Authentication X509v3",
        ],
        5,
    );
}

#[test]
fn the_certificate_carries_the_key_of_the_request_whatever_hash_signed_it() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, der: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, pem_of("CERTIFICATE", der)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (root, device) = (file("root", &world.root.der), file("device", &world.device.der));
    let at = NOW.timestamp().to_string();
    let check = |key: &[&str], hash: &str| {
        let (request, private) = openssl_request(key, &[hash]);
        let request = read_request(&request).unwrap();
        let issued = world.issue(1, &request);
        assert_eq!(issued.key, request.key);
        let certified = openssl(&["x509", "-inform", "DER", "-noout", "-pubkey"], &issued.der);
        assert_eq!(
            certified,
            openssl(&["pkey", "-pubout"], private.as_bytes()),
            "{key:?} {hash}"
        );
        let leaf = file("leaf", &issued.der);
        let options = ["verify", "-attime", &at, "-x509_strict", "-purpose", "sslclient"];
        let chain = ["-CAfile", &root, "-untrusted", &device, &leaf];
        assert!(openssl(&[&options[..], &chain[..]].concat(), b"").contains(": OK"));
    };
    for name in ["P-256", "P-384"] {
        for hash in ["-sha256", "-sha384"] {
            check(&curve(name).each_ref().map(String::as_str), hash);
        }
    }
    check(&["-newkey", "rsa:2048"], "-sha256");
}

#[test]
fn a_servers_certificate_names_every_way_to_reach_it() {
    let world = World::new();
    let issue = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (issuer, key) = (world.server_issuer(), ca_key());
        issue_server(
            &world.profiles,
            &issuer,
            &names,
            key.public_key(),
            "",
            NOW,
            [9; 16],
        )
    };
    let issued = issue(&["gateway.example", "10.1.2.3", "fd00::1"]).unwrap();
    let text = text(&issued.der);
    has(
        &text,
        &[
            "Subject: CN = Infusion pump gateway",
            "DNS:gateway.example, IP Address:10.1.2.3, IP Address:FD00:0:0:0:0:0:0:1",
            "X509v3 Extended Key Usage: TLS Web Server Authentication X509v3",
        ],
    );
    assert_eq!(extensions(&text), 6, "{text}");
    for refused in [
        &[][..],
        &[""],
        &["*.example"],
        &["a b"],
        &["pumpé.example"],
        &["https://gateway.example"],
    ] {
        assert!(
            matches!(issue(refused), Err(IssueError::ServerName { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn every_serial_number_is_positive_and_128_bits_wide() {
    let world = World::new();
    let ca = world.device_issuer();
    let (_, key) = world.pump(1);
    let public = super::super::testing::file_key(&key);
    let request = VerifiedRequest {
        spki_der: public.public_key().subject_public_key_info(),
        key: Fingerprint::from_digest([0; 32]),
        algorithm: super::super::csr::KeyAlgorithm::EcP256,
    };
    for (serial, expected) in [
        ([0; 16], format!("80{}", "00".repeat(15))),
        ([0xff; 16], "ff".repeat(16)),
        ([0x01; 16], format!("81{}", "01".repeat(15))),
    ] {
        let issued = issue_pump(&world.profiles, &ca, pump(1), &request, CRL_URL, NOW, serial).unwrap();
        assert_eq!(issued.serial.as_str(), expected);
        let printed = openssl(&["x509", "-inform", "DER", "-noout", "-serial"], &issued.der);
        assert_eq!(printed.trim().to_lowercase(), format!("serial={expected}"));
    }
}

#[test]
fn every_generation_has_its_own_name() {
    let world = World::new();
    let installation = Installation::new("County General").unwrap();
    let name = |number| {
        let key = ca_key();
        let generation = Generation {
            installation: &installation,
            number,
        };
        let (root, which) = (world.root_issuer(), Subordinate::Device);
        let made = make_ca(
            &world.profiles,
            which,
            generation,
            &root,
            key.public_key(),
            NOW,
            [1; 16],
        )
        .unwrap();
        openssl(&["x509", "-inform", "DER", "-noout", "-subject"], &made.der)
    };
    assert_ne!(name(1), name(2));
    assert!(name(12).contains("D12"));
}

#[test]
fn key_identifiers_are_hashes_of_the_key_bits() {
    let world = World::new();
    let (issued, key) = world.pump(1);
    let point = super::super::testing::file_key(&key)
        .public_key()
        .der_bytes()
        .to_vec();
    let expected = hex::encode_upper(&Sha256::digest(point)[..20]);
    let colons: Vec<_> = expected
        .as_bytes()
        .chunks(2)
        .map(|pair| str::from_utf8(pair).unwrap())
        .collect();
    has(
        &text(&issued.der),
        &[&format!("X509v3 Subject Key Identifier: {}", colons.join(":"))],
    );
}

#[test]
fn what_would_be_a_wrong_certificate_is_not_signed() {
    let world = World::new();
    let (issued, key) = world.pump(1);
    let public = super::super::testing::file_key(&key);
    let request = VerifiedRequest {
        spki_der: public.public_key().subject_public_key_info(),
        key: issued.key,
        algorithm: super::super::csr::KeyAlgorithm::EcP256,
    };
    let issue = |crl_url: &str, now| {
        issue_pump(
            &world.profiles,
            &world.device_issuer(),
            pump(1),
            &request,
            crl_url,
            now,
            [1; 16],
        )
        .unwrap_err()
    };
    for url in [
        "",
        "ftp://a",
        "gateway.example/crl",
        "http://gätway.example",
        "http://a b",
        "http://a\nb",
    ] {
        assert!(matches!(issue(url, NOW), IssueError::CrlUrl { .. }), "{url}");
    }
    let late = world.device.not_after - TimeDelta::days(89);
    assert!(matches!(issue(CRL_URL, late), IssueError::OutlivesIssuer { .. }));
    assert!(matches!(
        issue(CRL_URL, Timestamp::MAX_UTC),
        IssueError::Time { .. }
    ));

    assert!(matches!(
        Issuer::new(&world.device.der, ca_key()),
        Err(IssueError::OtherKey)
    ));
    assert!(matches!(
        Issuer::new(&issued.der, public),
        Err(IssueError::NotAnAuthority)
    ));
    assert!(matches!(
        Issuer::new(b"", ca_key()),
        Err(IssueError::Authority(_))
    ));
}

#[test]
fn an_installation_has_a_short_printable_name() {
    assert_eq!(
        Installation::new(" Sankt Göran ").unwrap().as_str(),
        "Sankt Göran"
    );
    for refused in ["", "  ", "a\u{0}b", &"x".repeat(65)] {
        assert!(Installation::new(refused).is_err(), "{refused:?}");
    }
}
