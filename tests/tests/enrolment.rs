//! A pump's way to a certificate, with curl and openssl: what is granted, and everything that is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::TimeDelta;
use gateway::clock::Clock;
use serde_json::json;
use tests::{Hospital, Key, Options, est, run, run_with_input};

/// A clock that a test moves.
fn movable_clock() -> (Clock, Arc<AtomicI64>) {
    let ahead = Arc::new(AtomicI64::new(0));
    let (system, moved) = (Clock::system(), Arc::clone(&ahead));
    (
        Clock::from_fn(move || system.now() + TimeDelta::seconds(moved.load(Ordering::SeqCst))),
        ahead,
    )
}

async fn events_of_kind(hospital: &Hospital, kind: &str) -> usize {
    let events = hospital.api.get(&format!("/events?kind={kind}")).await.ok(200);
    events["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_reads_everything_and_agrees_with_the_registry() {
    let hospital = Hospital::open().await;
    let pump = hospital.enrol("SN-1").await;
    let file = pump.certificate_file.to_str().unwrap();
    let text = run("openssl", ["x509", "-noout", "-text", "-in", file])
        .ok()
        .text();
    for expected in [
        "Version: 3",
        &format!("Subject: CN = {}", pump.id),
        &format!("URI:urn:uuid:{}", pump.id),
        "TLS Web Client Authentication",
        "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
        "/crl/device-1.crl",
        "ASN1 OID: prime256v1",
        "ecdsa-with-SHA256",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    assert!(!text.contains("TLS Web Server Authentication") && !text.contains("CA:TRUE"));

    let listed = hospital
        .api
        .get(&format!("/certificates/{}", pump.fingerprint()))
        .await
        .ok(200);
    assert_eq!(listed["pump"], pump.id.as_str());
    assert_eq!(listed["status"], "valid");

    // The authorities by EST, the chain and the revocation list by openssl.
    let answer = est(&hospital, "cacerts", &[], &[]).ok().text();
    let body = answer.rsplit_once('\n').unwrap().0;
    let p7 = run_with_input("openssl", ["base64", "-d"], body.as_bytes())
        .ok()
        .stdout;
    let authorities = run_with_input("openssl", ["pkcs7", "-inform", "DER", "-print_certs"], &p7)
        .ok()
        .text();
    let chain = hospital.dir().join("authorities.pem");
    std::fs::write(&chain, &authorities).unwrap();
    assert_eq!(
        authorities.matches("BEGIN CERTIFICATE").count(),
        3,
        "root, Device CA, Server CA"
    );
    let _ = run(
        "openssl",
        [
            "verify",
            "-x509_strict",
            "-purpose",
            "sslclient",
            "-CAfile",
            chain.to_str().unwrap(),
            file,
        ],
    )
    .ok();

    let attributes = est(&hospital, "csrattrs", &[], &[]).ok().text();
    let der = run_with_input(
        "openssl",
        ["base64", "-d"],
        attributes.rsplit_once('\n').unwrap().0.as_bytes(),
    );
    // `openssl base64` wants a line end; the body of one line has none.
    let der = if der.stdout.is_empty() {
        run_with_input(
            "openssl",
            ["base64", "-d", "-A"],
            attributes.rsplit_once('\n').unwrap().0.as_bytes(),
        )
        .ok()
        .stdout
    } else {
        der.stdout
    };
    let parsed = run_with_input("openssl", ["asn1parse", "-inform", "DER"], &der)
        .ok()
        .text();
    assert!(
        parsed.contains("prime256v1") && parsed.contains("ecdsa-with-SHA256"),
        "{parsed}"
    );
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_curves_and_hashes_get_a_certificate_over_their_own_key() {
    let hospital = Hospital::open().await;
    let cases: [(&str, &[&str]); 4] = [
        ("P-384", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]),
        (
            "P-384 with SHA-384",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"],
        ),
        (
            "P-256 with SHA-384",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha384"],
        ),
        ("RSA-2048", &["-newkey", "rsa:2048"]),
    ];
    for (what, options) in cases {
        let key = Key::made_by(hospital.dir(), what, options, "/");
        let token = hospital.token(what).await;
        let pump = key
            .enrol(&hospital, what, &token)
            .unwrap_or_else(|refusal| panic!("{what}: {refusal:?}"));
        let public = |arguments: &[&str]| run("openssl", arguments).ok().text();
        assert_eq!(
            public(&[
                "x509",
                "-noout",
                "-pubkey",
                "-in",
                pump.certificate_file.to_str().unwrap()
            ]),
            public(&["pkey", "-pubout", "-in", key.key_file.to_str().unwrap()]),
            "{what}"
        );
    }
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_for_one_serial_number_one_key_one_time_and_not_for_long() {
    let (clock, ahead) = movable_clock();
    let hospital = Hospital::open_with(Options {
        clock,
        ..Options::default()
    })
    .await;
    let refused = |key: &Key, serial: &str, token: &str| key.enrol(&hospital, serial, token).unwrap_err();

    let token = hospital.token("SN-1").await;
    let key = Key::p256(hospital.dir(), "a");
    assert_eq!(refused(&key, "SN-2", &token).status, 403);
    assert_eq!(refused(&key, "SN-1", "0000-0000").status, 401);
    assert_eq!(refused(&key, "SN-1", "").status, 401);

    let first = key.enrol(&hospital, "SN-1", &token).unwrap();
    // The answer got lost: the same request again gets the same certificate.
    let again = key.enrol(&hospital, "SN-1", &token).unwrap();
    assert_eq!(first.fingerprint(), again.fingerprint());
    // Another key with the same token is somebody else.
    let second_use = refused(&Key::p256(hospital.dir(), "b"), "SN-1", &token);
    assert_eq!(second_use.status, 401);

    // A key belongs to one pump.
    let other = hospital.token("SN-3").await;
    let copied = refused(&key, "SN-3", &other);
    assert_eq!(copied.status, 403);
    assert!(copied.text.contains("another pump"), "{}", copied.text);
    assert_eq!(events_of_kind(&hospital, "key_reused").await, 1);

    // Withdrawn, and out of time.
    let tokens = hospital.api.get("/enrol-tokens").await.ok(200);
    let open = tokens["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["serial"] == "SN-3")
        .unwrap();
    let withdrawn = hospital
        .api
        .delete(&format!("/enrol-tokens/{}", open["id"].as_str().unwrap()))
        .await;
    assert_eq!(withdrawn.status, 204);
    assert_eq!(
        refused(&Key::p256(hospital.dir(), "c"), "SN-3", &other).status,
        401
    );
    let late = hospital.token("SN-4").await;
    ahead.store(25 * 3600, Ordering::SeqCst);
    hospital.api.come_back().await;
    assert_eq!(
        refused(&Key::p256(hospital.dir(), "d"), "SN-4", &late).status,
        401
    );
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_at_one_time_with_one_token_make_one_certificate() {
    let hospital = Hospital::open().await;
    let token = hospital.token("SN-1").await;
    let keys: Vec<_> = (0..6)
        .map(|n| Key::p256(hospital.dir(), &format!("k{n}")))
        .collect();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = keys
            .iter()
            .map(|key| scope.spawn(|| key.enrol(&hospital, "SN-1", &token)))
            .collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );
    let certificates = hospital.api.get("/certificates").await.ok(200);
    assert_eq!(certificates["items"].as_array().unwrap().len(), 1);
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_bring_a_key_and_nothing_else() {
    let hospital = Hospital::open().await;
    let p256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let with = |extension: &'static str| {
        let mut options = p256.to_vec();
        options.extend(["-addext", extension]);
        options
    };
    let cases: [(&str, Vec<&str>, &str); 9] = [
        ("a common name", p256.to_vec(), "/CN=admin"),
        ("a SAN", with("subjectAltName=DNS:gateway.example"), "/"),
        ("CA:TRUE", with("basicConstraints=critical,CA:TRUE"), "/"),
        ("serverAuth", with("extendedKeyUsage=serverAuth"), "/"),
        ("certificate signing", with("keyUsage=keyCertSign"), "/"),
        ("RSA-1024", vec!["-newkey", "rsa:1024"], "/"),
        (
            "P-224",
            vec!["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp224r1"],
            "/",
        ),
        (
            "secp256k1",
            vec!["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
            "/",
        ),
        (
            "a compressed point",
            vec![
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-pkeyopt",
                "ec_param_enc:named_curve",
                "-sha1",
            ],
            "/",
        ),
    ];
    for (what, options, subject) in cases {
        let token = hospital.token(what).await;
        let key = Key::made_by(hospital.dir(), what, &options, subject);
        let refusal = key.enrol(&hospital, what, &token).expect_err(what);
        assert_eq!(refusal.status, 400, "{what}: {}", refusal.text);
        assert!(
            refusal.text.len() > 20,
            "{what}: the reason is missing: {}",
            refusal.text
        );
        // The token is still good for a proper request.
        assert!(
            Key::p256(hospital.dir(), what)
                .enrol(&hospital, what, &token)
                .is_ok(),
            "{what}"
        );
    }
    // A request signed by another key: nobody has proved to own this one.
    let mut forged = std::fs::read(Key::p256(hospital.dir(), "forged").csr_file).unwrap();
    forged = run_with_input("openssl", ["req", "-outform", "DER"], &forged)
        .ok()
        .stdout;
    let last = forged.len() - 3;
    forged[last] ^= 1;
    let answer = est(&hospital, "simpleenroll", &["--user", "SN:x"], &forged).text();
    assert!(answer.ends_with("400"), "{answer}");
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn renewal_takes_a_living_certificate_and_a_new_key() {
    let (clock, ahead) = movable_clock();
    let hospital = Hospital::open_with(Options {
        clock,
        ..Options::default()
    })
    .await;
    let pump = hospital.enrol("SN-1").await;
    let next_key = Key::p256(hospital.dir(), "next");
    assert_eq!(
        Key::p256(hospital.dir(), "x")
            .ask(&hospital, "simplereenroll", "SN-1", &[])
            .unwrap_err()
            .status,
        401
    );

    // A stolen certificate must not make others without end: early only when somebody asked for it.
    let early = next_key.renew(&hospital, &pump).unwrap_err();
    assert_eq!(early.status, 403);
    assert!(early.text.contains("due"), "{}", early.text);
    hospital.order_renewal(&pump).await;
    let renewed = next_key.renew(&hospital, &pump).unwrap();
    assert_eq!(renewed.id, pump.id);
    assert_ne!(renewed.fingerprint(), pump.fingerprint());

    // Another one beside it takes its place: there are never more than two.
    let third = Key::p256(hospital.dir(), "third")
        .renew(&hospital, &pump)
        .unwrap();
    let shown = hospital
        .api
        .get(&format!("/certificates/{}", renewed.fingerprint()))
        .await
        .ok(200);
    assert_eq!(shown["revocation_reason"], "superseded");
    assert_eq!(
        Key::p256(hospital.dir(), "n")
            .renew(&hospital, &renewed)
            .unwrap_err()
            .status,
        403
    );
    let renewed = third;

    // Months in a cupboard: refused, armed by a person, renewed once.
    ahead.store(100 * 86_400, Ordering::SeqCst);
    hospital.api.come_back().await;
    let late_key = Key::p256(hospital.dir(), "late");
    let refused = late_key.renew(&hospital, &renewed).unwrap_err();
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("expired"), "{}", refused.text);
    let armed = hospital
        .api
        .post(&format!("/pumps/{}/late-renewal", pump.id), &json!({}))
        .await;
    assert!((200..300).contains(&armed.status), "{}", armed.text);
    let late = late_key.renew(&hospital, &renewed).unwrap();
    assert_eq!(late.id, pump.id);
    assert_eq!(
        Key::p256(hospital.dir(), "later")
            .renew(&hospital, &renewed)
            .unwrap_err()
            .status,
        403,
        "once"
    );
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manufacturers_certificate_vouches_for_an_expected_pump_only() {
    let hospital = Hospital::open().await;
    let path = |name: &str| hospital.dir().join(name).to_str().unwrap().to_owned();
    let (ca, ca_key) = (path("factory.pem"), path("factory.key"));
    let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let mut make_ca = vec![
        "req",
        "-x509",
        "-days",
        "3650",
        "-subj",
        "/O=Acme Medical/CN=Factory CA",
        "-keyout",
        &ca_key,
        "-out",
        &ca,
    ];
    make_ca.extend(ec);
    let _ = run("openssl", make_ca).ok();
    let factory_certificate = |serial: &str| {
        let (csr, key, out) = (
            path(&format!("{serial}.f.csr")),
            path(&format!("{serial}.f.key")),
            path(&format!("{serial}.f.pem")),
        );
        let subject = format!("/O=Acme Medical/serialNumber={serial}");
        let mut request = vec!["req", "-new", "-subj", &subject, "-keyout", &key, "-out", &csr];
        request.extend(ec);
        let _ = run("openssl", request).ok();
        let extensions = path("factory.ext");
        std::fs::write(
            &extensions,
            "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n",
        )
        .unwrap();
        let _ = run(
            "openssl",
            [
                "x509",
                "-req",
                "-in",
                &csr,
                "-CA",
                &ca,
                "-CAkey",
                &ca_key,
                "-days",
                "3650",
                "-extfile",
                &extensions,
                "-out",
                &out,
            ],
        )
        .ok();
        (out, key)
    };
    let (certificate, key_file) = factory_certificate("SN-7");
    let factory = ["--cert", certificate.as_str(), "--key", key_file.as_str()];
    let key = Key::p256(hospital.dir(), "ldevid");

    // Nobody imported the anchor: the handshake itself ends.
    assert!(!est(&hospital, "simpleenroll", &factory, b"x").success);
    let pem = std::fs::read_to_string(&ca).unwrap();
    let _ = hospital
        .api
        .post("/anchors", &json!({ "manufacturer": "Acme Medical", "pem": pem }))
        .await
        .ok(201);
    let not_expected = key.ask(&hospital, "simpleenroll", "SN-7", &factory).unwrap_err();
    assert_eq!(not_expected.status, 403);
    assert!(not_expected.text.contains("expected"), "{}", not_expected.text);

    let csv = "serial,manufacturer,model,asset_tag\nSN-7,Acme Medical,Volumat LVP,BM-7\n";
    let _ = hospital
        .api
        .post_text("/expected/import?dry_run=false", "text/csv", csv)
        .await
        .ok(200);
    let pump = key.ask(&hospital, "simpleenroll", "SN-7", &factory).unwrap();
    assert_eq!(hospital.api.pump("BM-7").await["id"], pump.id.as_str());
    // A factory certificate does not replace one that was lost.
    let again = Key::p256(hospital.dir(), "again")
        .ask(&hospital, "simpleenroll", "SN-7", &factory)
        .unwrap_err();
    assert_eq!(again.status, 403);
    // And it opens no MQTT connection.
    let mqtt = hospital.addresses().mqtt;
    let handshake = run(
        "openssl",
        [
            "s_client",
            "-connect",
            &mqtt.to_string(),
            "-cert",
            &certificate,
            "-key",
            &key_file,
            "-CAfile",
            hospital.root_file().to_str().unwrap(),
            "-tls1_2",
            "-brief",
        ],
    );
    assert!(!handshake.success, "{}", handshake.stderr);
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isolated_pump_gets_no_certificate_in_any_way() {
    let mut hospital = Hospital::open().await;
    let pump = hospital.enrol("SN-1").await;
    let hold = format!("/pumps/{}/hold", pump.id);
    let body = json!({ "kind": "security_isolation", "reason": "Unknown network card" });
    let _ = hospital.api.post(&hold, &body).await.ok(200);
    for _ in 0..2 {
        assert_eq!(
            Key::p256(hospital.dir(), "n")
                .renew(&hospital, &pump)
                .unwrap_err()
                .status,
            403
        );
        let token = hospital.token("SN-1").await;
        let refused = Key::p256(hospital.dir(), "m")
            .enrol(&hospital, "SN-1", &token)
            .unwrap_err();
        assert_eq!(refused.status, 403);
        assert!(refused.text.contains("held"), "{}", refused.text);
        hospital.restart().await;
    }
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_knocks_without_end_is_one_event_a_minute() {
    let hospital = Hospital::open().await;
    let key = Key::p256(hospital.dir(), "stranger");
    for _ in 0..12 {
        assert_eq!(key.enrol(&hospital, "SN-1", "0000-0000").unwrap_err().status, 401);
    }
    // A minute may begin in between.
    assert!((1..=2).contains(&events_of_kind(&hospital, "enrolment_refused").await));
    hospital.close().await;
}
