use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use chrono::{TimeZone, Utc};
use fleet::{
    check::{AutomaticResult, Claim, Reading},
    id::{OrderId, ReportId},
    pump::SecurityCounter,
    signature::Digest,
    text::{CheckId, ComponentVersion, HardwareId, Name},
};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    message::{DrugLibrary, Message, Order, OrderBody, Report, ReportBody, V1},
    proof::Proof,
    ticket::{
        Ticket,
        tests::{a_ticket, component},
    },
};

const KID: &[u8] = b"test-key";
/// Algorithm -8, content type JSON, the key.
const HEADER: &[u8] = b"\xA3\x01\x27\x03\x18\x32\x04\x48test-key";

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn sealed<D: Document>(document: &D) -> Vec<u8> {
    seal(document, Algorithm::EdDsa, KID, |data| {
        Ok::<_, ()>(key(1).sign(data).as_ref().to_vec())
    })
    .unwrap()
}

fn opened<D: Document>(envelope: &[u8]) -> Result<D, OpenError> {
    let public = key(1).public_key().as_ref().to_vec();
    open(envelope, |algorithm, kid, data, signature| {
        algorithm == Algorithm::EdDsa
            && kid == KID
            && UnparsedPublicKey::new(&ED25519, &public)
                .verify(data, signature)
                .is_ok()
    })
}

fn bytes_of(bytes: &[u8]) -> Vec<u8> {
    let mut written = match bytes.len() {
        length @ 0..24 => vec![0x40 + u8::try_from(length).unwrap()],
        length @ 24..256 => vec![0x58, u8::try_from(length).unwrap()],
        length => [&[0x59][..], &u16::try_from(length).unwrap().to_be_bytes()].concat(),
    };
    written.extend_from_slice(bytes);
    written
}

/// A good signature by the right key, over whatever there is. Written by hand: it knows nothing of the code under test.
fn signed(protected: &[u8], context: &str, payload: &[u8]) -> Vec<u8> {
    let data = [
        &b"\x84\x6ASignature1"[..],
        &bytes_of(protected),
        &bytes_of(context.as_bytes()),
        &bytes_of(payload),
    ]
    .concat();
    key(1).sign(&data).as_ref().to_vec()
}

fn envelope(protected: &[u8], unprotected: &[u8], payload: &[u8]) -> Vec<u8> {
    let signature = signed(protected, Ticket::CONTEXT, payload);
    [
        &[0xD2, 0x84][..],
        &bytes_of(protected),
        unprotected,
        &bytes_of(payload),
        &bytes_of(&signature),
    ]
    .concat()
}

fn json() -> Vec<u8> {
    serde_json::to_vec(&a_ticket()).unwrap()
}

#[test]
fn what_is_sealed_opens_and_its_bytes_are_these() {
    let bytes = sealed(&a_ticket());
    assert_eq!(opened(&bytes), Ok(a_ticket()));
    assert_eq!(bytes, envelope(HEADER, b"\xA0", &json()));
    let travelled: Sealed =
        serde_json::from_str(&serde_json::to_string(&Sealed::of(&bytes)).unwrap()).unwrap();
    assert_eq!(travelled.bytes(), bytes);
}

#[test]
fn each_algorithm_is_named_by_its_number() {
    let check = |algorithm, number: &[u8]| {
        let bytes = seal(&a_ticket(), algorithm, KID, |_| Ok::<_, ()>(vec![7; 64])).unwrap();
        // Behind the tag, the array and the header's length.
        assert!(
            bytes[3..].starts_with(&[b"\xA3\x01", number].concat()),
            "{algorithm:?}"
        );
        let seen = open::<Ticket>(&bytes, |seen, kid, _, signature| {
            seen == algorithm && kid == KID && signature == [7; 64]
        });
        assert_eq!(seen, Ok(a_ticket()));
    };
    check(Algorithm::EdDsa, b"\x27"); // -8
    check(Algorithm::Es256, b"\x26"); // -7
    check(Algorithm::Es384, b"\x38\x22"); // -35
    check(Algorithm::Ps256, b"\x38\x24"); // -37
}

#[test]
fn every_flipped_bit_is_refused() {
    let good = sealed(&a_ticket());
    for place in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[place] ^= 1 << bit;
            assert!(opened::<Ticket>(&bytes).is_err(), "bit {bit} of byte {place}");
        }
    }
}

#[test]
fn another_form_is_refused_however_well_it_is_signed() {
    // What the key signed is looked at by nobody before the form is right.
    let check = |what: &str, bytes: &[u8]| {
        let result = open::<Ticket>(bytes, |_, _, _, _| panic!("{what}: reached the signature"));
        assert_eq!(result, Err(OpenError::Envelope), "{what}");
    };
    let with = |protected: &[u8], unprotected: &[u8]| envelope(protected, unprotected, &json());
    let good = with(HEADER, b"\xA0");

    check("nothing", b"");
    check("untagged", &good[1..]);
    check("tagged as a MAC", &[&[0xD1], &good[1..]].concat());
    check("tagged twice", &[&[0xD2], &good[..]].concat());
    check("a byte behind it", &[&good[..], &[0]].concat());
    check("two of them", &good.repeat(2));
    check(
        "an array without length",
        &[&[0xD2, 0x9F], &good[2..], &[0xFF]].concat(),
    );

    check(
        "algorithm unprotected",
        &with(b"\xA2\x03\x18\x32\x04\x48test-key", b"\xA1\x01\x27"),
    );
    check("algorithm in both", &with(HEADER, b"\xA1\x01\x27"));
    check(
        "key unprotected",
        &with(b"\xA2\x01\x27\x03\x18\x32", b"\xA1\x04\x48test-key"),
    );
    check(
        "no protected header",
        &with(b"", b"\xA3\x01\x27\x03\x18\x32\x04\x48test-key"),
    );
    check(
        "no algorithm",
        &with(b"\xA2\x03\x18\x32\x04\x48test-key", b"\xA0"),
    );
    check("no key", &with(b"\xA2\x01\x27\x03\x18\x32", b"\xA0"));
    check("no content type", &with(b"\xA2\x01\x27\x04\x48test-key", b"\xA0"));
    check(
        "an empty key",
        &with(b"\xA3\x01\x27\x03\x18\x32\x04\x40", b"\xA0"),
    );
    check(
        "CBOR inside",
        &with(b"\xA3\x01\x27\x03\x18\x3C\x04\x48test-key", b"\xA0"),
    );
    check(
        "ES512",
        &with(b"\xA3\x01\x38\x23\x03\x18\x32\x04\x48test-key", b"\xA0"),
    );
    check(
        "an HMAC",
        &with(b"\xA3\x01\x05\x03\x18\x32\x04\x48test-key", b"\xA0"),
    );
    check(
        "algorithm as text",
        &with(b"\xA3\x01\x65EdDSA\x03\x18\x32\x04\x48test-key", b"\xA0"),
    );
    check(
        "algorithm twice",
        &with(b"\xA4\x01\x27\x01\x27\x03\x18\x32\x04\x48test-key", b"\xA0"),
    );
    check(
        "critical headers",
        &with(b"\xA4\x01\x27\x02\x81\x03\x03\x18\x32\x04\x48test-key", b"\xA0"),
    );
    check(
        "a critical header that nobody knows",
        &with(
            b"\xA5\x01\x27\x02\x81\x63new\x03\x18\x32\x04\x48test-key\x63new\x01",
            b"\xA0",
        ),
    );
    check(
        "one header more",
        &with(b"\xA4\x01\x27\x03\x18\x32\x04\x48test-key\x18\x63\x01", b"\xA0"),
    );
    check("a header that is no map", &with(b"\x80", b"\xA0"));
    let long = [&b"\xA3\x01\x27\x03\x18\x32\x04\x58\x41"[..], &[b'k'; 65]].concat();
    check("a long key", &with(&long, b"\xA0"));
    let long = [&b"\xA3\x01\x27\x03\x18\x32\x04\x58\x80"[..], &[b'k'; 128]].concat();
    check("a long header", &with(&long, b"\xA0"));

    let (head, signature) = (2 + 1 + HEADER.len(), signed(HEADER, Ticket::CONTEXT, &json()));
    let rest = |payload: &[u8], signature: &[u8]| [&good[..=head], payload, signature].concat();
    assert_eq!(rest(&bytes_of(&json()), &bytes_of(&signature)), good);
    check("no payload", &rest(b"\xF6", &bytes_of(&signature)));
    check("no signature", &rest(&bytes_of(&json()), b""));
    check(
        "a long way to say 64",
        &rest(&bytes_of(&json()), &[&[0x59, 0, 64], &signature[..]].concat()),
    );
    check(
        "a payload in pieces",
        &rest(
            &[&[0x5F], &bytes_of(&json())[..], &[0xFF]].concat(),
            &bytes_of(&signature),
        ),
    );
    check(
        "a payload that claims more than there is",
        &rest(b"\x5B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", &[]),
    );
}

#[test]
fn headers_within_headers_do_not_fill_the_stack() {
    // Label 7 is a countersignature, which has a protected header of its own.
    let mut header = vec![0xA0];
    while header.len() < MAX - 200 {
        header = [&[0xA1, 0x07, 0x83], &bytes_of(&header)[..], &[0xA0, 0x40]].concat();
    }
    for bytes in [envelope(&header, b"\xA0", b""), envelope(HEADER, &header, b"")] {
        assert_eq!(opened::<Proof>(&bytes), Err(OpenError::Envelope));
    }
}

#[test]
fn a_signature_counts_for_one_key_and_one_kind_of_document() {
    let good = sealed(&a_ticket());
    let check = |what: &str, bytes: &[u8], verify: fn(Algorithm, &[u8], &[u8], &[u8]) -> bool| {
        assert_eq!(open::<Ticket>(bytes, verify), Err(OpenError::Signature), "{what}");
    };
    check("another key", &good, |_, _, data, signature| {
        UnparsedPublicKey::new(&ED25519, key(2).public_key())
            .verify(data, signature)
            .is_ok()
    });
    check("a key that is not known", &good, |_, kid, _, _| kid == b"another");
    check("another algorithm", &good, |algorithm, _, _, _| {
        algorithm == Algorithm::Es256
    });

    // The same bytes, signed by the right key as something else.
    for context in [Proof::CONTEXT, "", "infusion-pump-gateway ticket v2"] {
        let bytes = [
            &[0xD2, 0x84][..],
            &bytes_of(HEADER),
            b"\xA0",
            &bytes_of(&json()),
            &bytes_of(&signed(HEADER, context, &json())),
        ]
        .concat();
        assert_eq!(opened::<Ticket>(&bytes), Err(OpenError::Signature), "{context}");
    }
    assert_eq!(opened::<Proof>(&good), Err(OpenError::Signature));
}

#[test]
fn a_document_is_what_was_asked_for_and_no_more() {
    let check = |payload: &[u8], expected: Result<Ticket, OpenError>| {
        let text = String::from_utf8_lossy(payload);
        assert_eq!(opened(&envelope(HEADER, b"\xA0", payload)), expected, "{text}");
    };
    let changed = |change: fn(&mut Value)| {
        let mut value = serde_json::to_value(a_ticket()).unwrap();
        change(&mut value);
        serde_json::to_vec(&value).unwrap()
    };
    check(b"", Err(OpenError::Document));
    check(b"{}", Err(OpenError::Document));
    check(b"\xFF\x00", Err(OpenError::Document));
    check("[".repeat(5000).as_bytes(), Err(OpenError::Document));
    check(&changed(|t| t["v"] = 2.into()), Err(OpenError::Document));
    check(
        &changed(|t| t["patient"] = "Jane Roe".into()),
        Err(OpenError::Document),
    );
    check(
        &changed(|t| t["from"][0]["patient"] = "Jane Roe".into()),
        Err(OpenError::Document),
    );
    check(&changed(|t| t["length"] = (-1).into()), Err(OpenError::Document));
    check(
        &changed(|t| t["target"] = "../9.12.bin".into()),
        Err(OpenError::Document),
    );
    // Another way to write the same, by another maker's library.
    check(&serde_json::to_vec_pretty(&a_ticket()).unwrap(), Ok(a_ticket()));
    check(
        &changed(|t| t["not_before"] = "2026-11-24T12:00:00.000+00:00".into()),
        Ok(a_ticket()),
    );
}

/// Everything as long as it may be, in ASCII, with a signature by the largest key.
fn largest_proof() -> Proof {
    let long = "x".repeat(64);
    let sha256 = Digest::of(b"");
    Proof {
        v: V1,
        pump: a_ticket().pump,
        ticket: a_ticket().id,
        at: Utc.timestamp_opt(1_800_000_000, 123_456_789).unwrap(),
        components: vec![component(&long, &long); 64],
        counter: SecurityCounter(u32::MAX),
        drug_library: Some(DrugLibrary {
            name: Name::new(&"x".repeat(120)).unwrap(),
            version: ComponentVersion::new(&long).unwrap(),
        }),
        results: vec![
            AutomaticResult {
                check: CheckId::new(&long).unwrap(),
                claim: Claim::NotRun,
                reading: Some(Reading::Digest { sha256 }),
            };
            64
        ],
    }
}

#[test]
fn the_largest_documents_fit_their_messages() {
    let kid = [b'k'; MAX_KEY_ID];
    let at = Utc.timestamp_opt(1_800_000_000, 123_456_789).unwrap();
    let proof = largest_proof();
    let bytes = seal(&proof, Algorithm::Ps256, &kid, |_| Ok::<_, ()>(vec![7; 512])).unwrap();
    assert_eq!(open::<Proof>(&bytes, |_, _, _, _| true), Ok(proof));
    let report = Report {
        v: V1,
        id: ReportId::from_uuid(Uuid::from_u128(1)),
        seq: u64::MAX,
        at,
        body: ReportBody::Proof {
            signed: Sealed::of(&bytes),
        },
    };
    assert_eq!(Report::read(&report.write()), Ok(report));

    let long = "x".repeat(64);
    let ticket = Ticket {
        hardware: Some(HardwareId::new(&long).unwrap()),
        from: vec![component(&long, &long); 64],
        to: vec![component(&long, &long); 64],
        repository: "x".repeat(40).parse().unwrap(),
        target: "x".repeat(200).parse().unwrap(),
        length: u64::MAX,
        counter: SecurityCounter(u32::MAX),
        not_before: at,
        not_after: at,
        ..a_ticket()
    };
    let bytes = seal(&ticket, Algorithm::EdDsa, &kid, |_| Ok::<_, ()>(vec![7; 64])).unwrap();
    let order = Order {
        v: V1,
        id: OrderId::from_uuid(Uuid::from_u128(1)),
        at,
        body: OrderBody::Download {
            repository: ticket.repository.clone(),
            ticket: Sealed::of(&bytes),
        },
    };
    assert_eq!(Order::read(&order.write()), Ok(order));
}

#[test]
fn what_nobody_would_read_is_not_written_nor_read() {
    let long = "💉".repeat(64);
    let ticket = Ticket {
        from: vec![component(&long, &long); 64],
        ..a_ticket()
    };
    let error = seal(&ticket, Algorithm::EdDsa, KID, |_| Ok::<_, &str>(vec![7; 64])).unwrap_err();
    assert!(matches!(error, SealError::TooLarge { length } if length > MAX));
    for kid in [&[][..], &[b'k'; MAX_KEY_ID + 1]] {
        let error = seal(&a_ticket(), Algorithm::EdDsa, kid, |_| Ok::<_, &str>(vec![7; 64])).unwrap_err();
        assert_eq!(error, SealError::KeyId { length: kid.len() });
    }
    let error = seal(&a_ticket(), Algorithm::EdDsa, KID, |_| Err("the token is gone")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the document could not be signed: the token is gone"
    );

    assert_eq!(
        opened::<Ticket>(&[0xD2].repeat(MAX + 1)),
        Err(OpenError::TooLarge)
    );
    assert_eq!(opened::<Ticket>(&[0xD2].repeat(MAX)), Err(OpenError::Envelope));
    let read = |text: &str| serde_json::from_value::<Sealed>(text.into()).is_ok();
    assert!(read(&"A".repeat(Sealed::MAX)));
    for bad in ["", "AAA", "AA-_", "AAB=", "AAAA\n", &"A".repeat(Sealed::MAX + 4)] {
        assert!(!read(bad), "{}", bad.len());
    }
}

proptest! {
    #[test]
    fn garbage_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(opened::<Ticket>(&bytes).is_err());
    }

    /// Cut, lengthened, overwritten: whatever happens to an envelope on its way, it is itself or it is refused.
    #[test]
    fn what_was_changed_is_refused(from in any::<prop::sample::Index>(), until in any::<prop::sample::Index>(), put in proptest::collection::vec(any::<u8>(), 0..8)) {
        let good = sealed(&a_ticket());
        let (a, b) = (from.index(good.len() + 1), until.index(good.len() + 1));
        let mut bytes = good.clone();
        bytes.splice(a.min(b)..a.max(b), put);
        prop_assert_eq!(opened::<Ticket>(&bytes).is_ok(), bytes == good);
    }

    /// Any text in a document survives, or is refused by the document's own rules.
    #[test]
    fn any_payload_is_read_without_a_panic(payload in "\\PC{0,200}") {
        prop_assert!(opened::<Ticket>(&envelope(HEADER, b"\xA0", payload.as_bytes())).is_err());
    }
}
