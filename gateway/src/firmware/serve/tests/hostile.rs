//! Paths that are meant to lead somewhere else.

use std::fs;

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};

use super::{
    config,
    counter::{Counter, FILE, From},
};

/// Beside what is published, where a path that leads out would come by.
const SECRET: &str = "the key of the hospital";

fn hide(counter: &Counter) {
    let shelf = counter.workshop.shelf();
    for place in [
        shelf.join("secret.json"),
        shelf.join("acme/secret.json"),
        shelf.join("acme/targets/secret.json"),
        shelf.join("acme/metadata/.secret.json"),
        shelf.parent().unwrap().join("secret.json"),
    ] {
        fs::write(place, SECRET).unwrap();
    }
    std::os::unix::fs::symlink(shelf.join("secret.json"), shelf.join("acme/metadata/link.json")).unwrap();
}

#[tokio::test]
async fn no_path_leads_to_what_is_not_published() {
    let counter = Counter::open(config::Firmware::default());
    hide(&counter);
    for path in [
        "/firmware/acme/targets/",
        "/firmware/acme/targets",
        "/firmware/acme/metadata/",
        "/firmware/acme",
        "/firmware/",
        "/firmware/acme/seen/root.json",
        "/firmware/acme/index.json",
        "/firmware/acme/targets/volumat7",
        "/firmware/acme/targets/volumat7/",
        "/firmware/acme/targets/secret.json",
        "/firmware/acme/targets/../secret.json",
        "/firmware/acme/targets/..%2fsecret.json",
        "/firmware/acme/targets/%2e%2e/secret.json",
        "/firmware/acme/targets/%2e%2e%2f%2e%2e%2fsecret.json",
        "/firmware/acme/targets/%252e%252e%252fsecret.json",
        "/firmware/acme/targets/..%5csecret.json",
        "/firmware/acme/targets//etc/passwd",
        "/firmware/acme/targets/%2Fetc%2Fpasswd",
        "/firmware/acme/targets/volumat7/9.12/main.bin%00",
        "/firmware/acme/targets/./volumat7/9.12/main.bin",
        "/firmware/acme/metadata/..%2fsecret.json",
        "/firmware/acme/metadata/../secret.json",
        "/firmware/acme/metadata/.secret.json",
        "/firmware/acme/metadata/link.json",
        "/firmware/../metadata/secret.json",
        "/firmware/..%2facme/metadata/timestamp.json",
        "/firmware/./metadata/secret.json",
        "/firmware/ACME/metadata/timestamp.json",
        "/firmware/acme/metadata/timestamp.json/",
        "/firmware/acme/metadata/TIMESTAMP.JSON",
    ] {
        let answer = counter.get(From::Pump(1), path).await;
        assert_eq!(answer.status.as_u16(), 404, "{path}");
        assert!(!String::from_utf8_lossy(&answer.body).contains(SECRET), "{path}");
    }
}

#[tokio::test]
async fn nor_does_one_that_nobody_thought_of() {
    let counter = Counter::open(config::Firmware::default());
    hide(&counter);
    let parts = [
        "..",
        "%2e%2e",
        "/",
        "%2f",
        "%5c",
        "%00",
        "secret.json",
        "acme",
        "targets",
        "metadata",
    ];
    let piece = prop_oneof![
        3 => proptest::sample::select(parts.to_vec()).prop_map(str::to_owned),
        1 => "[a-z0-9.%~+-]{1,6}",
    ];
    let path = (
        proptest::sample::select(vec![
            "/firmware/acme/targets/",
            "/firmware/acme/metadata/",
            "/firmware/",
        ]),
        proptest::collection::vec(piece, 0..8),
    );
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..150 {
        let (start, pieces) = path.new_tree(&mut runner).unwrap().current();
        let path = format!("{start}{}", pieces.concat());
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let bytes = counter.raw(From::Pump(1), request.as_bytes()).await;
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("HTTP/1.1 40"), "{path}: {text}");
        assert!(!text.contains(SECRET), "{path}");
    }
}

#[tokio::test]
async fn requests_that_are_none_break_nothing() {
    let counter = Counter::open(config::Firmware::default());
    let long = format!(
        "GET /firmware/acme/targets/{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "a".repeat(60_000)
    );
    for request in [
        b"\r\n\r\n\r\nx\r\n\r\n".to_vec(),
        b"GET /firmware/acme/targets/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET /firmware/acme/targets/a HTTP/1.1\r\nRange: bytes=\xff-\r\nHost: x\r\nConnection: close\r\n\r\n"
            .to_vec(),
        long.into_bytes(),
    ] {
        let bytes = counter.raw(From::Pump(1), &request).await;
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("HTTP/1.1 4"), "{text}");
    }
    counter.get(From::Pump(1), FILE).await.ok(200);
}
