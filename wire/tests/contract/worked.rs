//! The worked example of a ticket: made again here with the published key, and compared byte for byte.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use fleet::signature::Digest;
use serde_json::Value;
use wire::{
    envelope::{Algorithm, Sealed, open, seal},
    message::{Message, Order, OrderBody},
    ticket::Ticket,
};

use crate::{example, marked, page};

/// RFC 8032, section 7.1, test 1.
const SECRET: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44,
    0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];

/// The bytes of a block that follows some text: hexadecimal digits, and `the …` where the payload stands.
fn dump(page: &str, before: &str, payload: &[u8]) -> Vec<u8> {
    let (_, after) = page.split_once(before).unwrap();
    let block = after.strip_prefix("\n\n```text\n").unwrap();
    let mut bytes = Vec::new();
    for line in block.split_once("```").unwrap().0.lines() {
        for word in line.split_whitespace() {
            if word == "the" {
                bytes.extend_from_slice(payload);
                break;
            }
            for pair in word.as_bytes().chunks(2) {
                let pair = str::from_utf8(pair).unwrap();
                bytes.push(u8::from_str_radix(pair, 16).unwrap());
            }
        }
    }
    bytes
}

#[test]
fn a_pump_maker_gets_the_same_bytes() {
    let page = page();
    let examples = marked(&page, "example");
    let shown = |what: &str| {
        let (_, after) = examples.iter().find(|(of, _)| *of == what).unwrap();
        example(after)
    };
    let ticket: Ticket = serde_json::from_str(shown("ticket")).unwrap();
    let payload = serde_json::to_vec(&ticket).unwrap();
    assert!(page.contains(&format!("the ticket as JSON, {} bytes", payload.len())));

    // The key is the one that is known, and has the name that the gateway would give it.
    let secret = Ed25519KeyPair::from_seed_unchecked(&SECRET).unwrap();
    let keys: Value = serde_json::from_str(shown("keys")).unwrap();
    let key = &keys["keys"][0];
    let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    assert_eq!(public, secret.public_key().as_ref());
    let kid = key["kid"].as_str().unwrap();
    assert_eq!(kid, &Digest::of(&public).to_string()[..16]);

    let mut signed = Vec::new();
    let envelope = seal(&ticket, Algorithm::EdDsa, kid.as_bytes(), |data| {
        signed = data.to_vec();
        Ok::<_, ()>(secret.sign(data).as_ref().to_vec())
    })
    .unwrap();
    assert_eq!(
        dump(&page, "so a pump maker gets the same bytes:", &payload),
        envelope
    );
    assert_eq!(dump(&page, "Signed were", &payload), signed);

    let ordered = examples
        .iter()
        .filter(|(of, _)| *of == "order")
        .find_map(
            |(_, after)| match Order::read(example(after).as_bytes()).unwrap().body {
                OrderBody::Download { ticket, repository } => Some((ticket, repository)),
                _ => None,
            },
        );
    assert_eq!(ordered, Some((Sealed::of(&envelope), ticket.repository.clone())));
    let opened = open::<Ticket>(&envelope, |algorithm, named, data, signature| {
        algorithm == Algorithm::EdDsa
            && named == kid.as_bytes()
            && UnparsedPublicKey::new(&ED25519, &public)
                .verify(data, signature)
                .is_ok()
    });
    assert_eq!(opened, Ok(ticket));
}
