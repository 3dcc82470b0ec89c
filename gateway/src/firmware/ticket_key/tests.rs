use chrono::{DateTime, TimeDelta};
use fleet::id::{PumpId, RolloutId, TicketId, WaveId};
use serde_json::Value;
use uuid::Uuid;
use wire::message::V1;

use super::*;
use crate::pki::{key::KdfCost, testing::openssl};

fn keys() -> (tempfile::TempDir, FileKeyStore, SecretString) {
    let dir = tempfile::tempdir().unwrap();
    let keys = FileKeyStore::new(dir.path().join("keys"), KdfCost::FOR_TESTS);
    (dir, keys, SecretString::from("only for this test"))
}

fn ticket() -> Ticket {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    Ticket {
        v: V1,
        id: TicketId::from_uuid(Uuid::from_u128(1)),
        pump: PumpId::from_uuid(Uuid::from_u128(2)),
        hardware: None,
        from: Vec::new(),
        to: Vec::new(),
        repository: "acme".parse().unwrap(),
        target: "a.bin".parse().unwrap(),
        length: 5,
        sha256: Digest::of(b"hello"),
        counter: serde_json::from_str("42").unwrap(),
        not_before: now,
        not_after: now + TimeDelta::days(7),
        rollout: RolloutId::from_uuid(Uuid::from_u128(3)),
        wave: WaveId::from_uuid(Uuid::from_u128(4)),
        evidence: Digest::ZERO,
    }
}

#[test]
fn what_it_signs_holds_after_a_restart_and_a_rotation() {
    let (_dir, store, passphrase) = keys();
    let first = TicketKeys::open_or_create(&store, &passphrase).unwrap();
    let sealed = first.sign(&ticket()).unwrap();
    assert_eq!(first.open(&sealed), Ok(ticket()));

    let again = TicketKeys::open_or_create(&store, &passphrase).unwrap();
    assert_eq!(again.id(), first.id());
    assert_eq!(again.jwks(), first.jwks());

    let rotated = TicketKeys::rotate(&store, &passphrase).unwrap();
    assert_ne!(rotated.id(), first.id());
    assert_eq!(
        rotated.open(&sealed),
        Ok(ticket()),
        "a ticket that is out still holds"
    );
    let newer = rotated.sign(&ticket()).unwrap();
    assert_eq!(first.open(&newer), Err(OpenError::Signature));
    let third = TicketKeys::open_or_create(&store, &passphrase).unwrap();
    assert_eq!(third.id(), rotated.id(), "the newest signs after a restart too");
    assert_eq!(third.open(&newer), Ok(ticket()));

    // Taken away, a key is no longer believed.
    std::fs::remove_file(store.path("ticket-1").unwrap()).unwrap();
    let pruned = TicketKeys::open_or_create(&store, &passphrase).unwrap();
    assert_eq!(pruned.open(&sealed), Err(OpenError::Signature));
    assert_eq!(pruned.open(&newer), Ok(ticket()));
}

#[test]
fn every_bit_of_a_ticket_counts() {
    let (_dir, store, passphrase) = keys();
    let keys = TicketKeys::open_or_create(&store, &passphrase).unwrap();
    let bytes = keys.sign(&ticket()).unwrap().bytes();
    for index in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[index] ^= 1;
        assert!(keys.open(&Sealed::of(&bad)).is_err(), "byte {index}");
    }
}

#[test]
fn the_set_is_what_other_tools_compute() {
    let (_dir, store, passphrase) = keys();
    TicketKeys::open_or_create(&store, &passphrase).unwrap();
    let keys = TicketKeys::rotate(&store, &passphrase).unwrap();
    let set: Value = serde_json::from_str(keys.jwks()).unwrap();
    let set = set["keys"].as_array().unwrap();
    assert_eq!(set.len(), 2);
    for (index, key) in set.iter().enumerate() {
        let path = store.path(&file(u16::try_from(index + 1).unwrap())).unwrap();
        let path = path.to_str().unwrap();
        let text = openssl(
            &[
                "pkey",
                "-in",
                path,
                "-passin",
                "pass:only for this test",
                "-pubout",
            ],
            b"",
        );
        let spki = pem::parse(text).unwrap();
        // RFC 8410, section 4: the key is the last 32 bytes.
        let public = &spki.contents()[spki.contents().len() - 32..];
        assert_eq!(key["x"], URL_SAFE_NO_PAD.encode(public));
        assert_eq!(key["kid"], Digest::of(public).to_string()[..16]);
        assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
        assert!(key.get("d").is_none());
    }
    assert_eq!(set[1]["kid"], keys.id());
    assert_eq!(format!("{keys:?}").len(), 2 * 18 + 4, "ids and nothing else");
}

#[test]
fn a_key_of_another_kind_is_refused() {
    let (_dir, store, passphrase) = keys();
    store.generate("ticket-1", &passphrase).unwrap();
    let error = TicketKeys::open_or_create(&store, &passphrase).unwrap_err();
    assert!(matches!(error, KeyError::Corrupt { .. }), "{error}");
    let wrong = TicketKeys::open_or_create(&store, &SecretString::from("wrong")).unwrap_err();
    assert!(matches!(wrong, KeyError::WrongPassphrase { .. }), "{wrong}");
}
