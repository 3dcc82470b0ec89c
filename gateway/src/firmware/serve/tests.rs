//! A bulk listener over real sockets, and pumps that ask it byte by byte.

mod counter;
mod hostile;

use actix_web::http::StatusCode;
use fleet::{certificate::RevocationReason, pump::HoldKind, signature::Digest};

use super::*;
use crate::{
    firmware::{
        make::demo_image,
        tests::workshop::{FIRMWARE, NOW},
    },
    pki::testing::pump,
};
use counter::{Counter, FILE, From};

#[tokio::test]
async fn a_pump_gets_keys_metadata_and_firmware() {
    let counter = Counter::open(config::Firmware::default());
    let keys = counter
        .get(From::Pump(1), "/firmware/ticket-keys.json")
        .await
        .ok(200);
    assert_eq!(keys.header("content-type"), "application/jwk-set+json");
    assert_eq!(keys.body, counter.tickets.jwks().as_bytes());

    for name in [
        "timestamp.json",
        "1.snapshot.json",
        "1.targets.json",
        "1.root.json",
    ] {
        let path = format!("/firmware/acme/metadata/{name}");
        let answer = counter.get(From::Pump(1), &path).await.ok(200);
        assert_eq!(
            answer.body,
            std::fs::read(counter.workshop.metadata(name)).unwrap()
        );
        assert_eq!(answer.header("etag"), format!("\"{}\"", Digest::of(&answer.body)));
    }
    let image = demo_image(1, 100_001);
    let sha256 = Digest::of(&image);
    for name in [
        FIRMWARE.to_owned(),
        format!("volumat7/9.12/{sha256}.main.bin"),
        format!("{sha256}.{FIRMWARE}"),
    ] {
        let path = format!("/firmware/acme/targets/{name}");
        let answer = counter.get(From::Pump(1), &path).await.ok(200);
        assert_eq!(answer.body, image);
        assert_eq!(answer.header("etag"), format!("\"{sha256}\""));
        assert_eq!(answer.header("accept-ranges"), "bytes");
        let head = counter
            .ask(From::Pump(1), "HEAD", &path, "Range: bytes=5-\r\n")
            .await
            .ok(200);
        assert_eq!((head.header("content-length"), head.body.len()), ("100001", 0));
    }
    counter.nothing_is_open().await;
    assert_eq!(counter.figures.bytes_sent(), 3 * 100_001, "HEAD sends nothing");
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let counter = Counter::open(config::Firmware::default());
    let image = demo_image(1, 100_001);
    let tag = format!("\"{}\"", Digest::of(&image));
    let check = async |headers: &str, status: u16, range: &str, expected: &[u8]| {
        let answer = counter.ask(From::Pump(1), "GET", FILE, headers).await.ok(status);
        assert_eq!(answer.header("content-range"), range, "{headers}");
        assert_eq!(answer.body, expected, "{headers}");
    };
    check(
        "Range: bytes=100000-\r\n",
        206,
        "bytes 100000-100000/100001",
        &image[100_000..],
    )
    .await;
    check(
        "Range: bytes=65535-65536\r\n",
        206,
        "bytes 65535-65536/100001",
        &image[65_535..65_537],
    )
    .await;
    check(
        "Range: bytes=-9\r\n",
        206,
        "bytes 99992-100000/100001",
        &image[99_992..],
    )
    .await;
    check("Range: bytes=100001-\r\n", 416, "bytes */100001", b"").await;
    check("Range: bytes=1-2,4-5\r\n", 200, "", &image).await;
    let same = format!("Range: bytes=7-\r\nIf-Range: {tag}\r\n");
    check(&same, 206, "bytes 7-100000/100001", &image[7..]).await;
    check("Range: bytes=7-\r\nIf-Range: \"other\"\r\n", 200, "", &image).await;
    check(&format!("If-None-Match: \"x\", W/{tag}\r\n"), 304, "", b"").await;
    check("If-None-Match: \"x\"\r\n", 200, "", &image).await;
}

#[tokio::test]
async fn nobody_else_gets_anything() {
    let counter = Counter::open(config::Firmware::default());
    let paths = [
        "/firmware/ticket-keys.json",
        "/firmware/acme/metadata/timestamp.json",
        FILE,
        "/firmware/acme/targets/nothing",
        "/firmware/nobody/metadata/timestamp.json",
    ];
    let refused = async |who: From| {
        for path in paths {
            for method in ["GET", "HEAD"] {
                counter.ask(who, method, path, "").await.ok(403);
            }
        }
    };
    refused(From::Nobody).await;
    refused(From::Unregistered).await;
    refused(From::Manufacturer).await;
    counter.get(From::Pump(2), FILE).await.ok(200);
    counter
        .gate
        .set_pump(pump(2), Some(HoldKind::SecurityIsolation), false);
    refused(From::Pump(2)).await;
    counter.gate.set_pump(pump(2), None, true);
    refused(From::Pump(2)).await;
    counter.get(From::Pump(3), FILE).await.ok(200);
    counter
        .gate
        .revoke(&[counter.fingerprint(3)], RevocationReason::KeyCompromise, NOW);
    refused(From::Pump(3)).await;
    counter.move_clock(chrono::TimeDelta::days(100));
    refused(From::Pump(1)).await;
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let counter = Counter::open(config::Firmware::default());
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        counter.ask(From::Pump(1), method, FILE, "").await.ok(405);
    }
}

#[tokio::test]
async fn what_is_published_meanwhile_is_found_at_once() {
    let counter = Counter::open(config::Firmware::default());
    let path = "/firmware/acme/targets/volumat7/9.13/main.bin";
    counter.get(From::Pump(1), path).await.ok(404);
    counter.workshop.release(
        "9.13",
        &crate::firmware::tests::workshop::Workshop::manifest("9.13"),
    );
    counter.workshop.publish();
    counter.get(From::Pump(1), path).await.ok(200);
    let timestamp = counter
        .get(From::Pump(1), "/firmware/acme/metadata/timestamp.json")
        .await
        .ok(200);
    assert!(
        String::from_utf8(timestamp.body)
            .unwrap()
            .contains("\"version\": 2")
    );
}

#[tokio::test]
async fn as_many_downloads_as_are_allowed() {
    let counter = Counter::open(config::Firmware {
        max_downloads: 2,
        ..config::Firmware::default()
    });
    counter.stock_large();
    let first = counter.begin(From::Pump(1), counter::LARGE).await;
    let _second = counter.begin(From::Pump(2), counter::LARGE).await;
    let answer = counter.get(From::Pump(3), counter::LARGE).await.ok(503);
    assert_eq!(answer.header("retry-after"), COME_AGAIN.to_string());
    // What is not a download goes on.
    counter
        .get(From::Pump(3), "/firmware/acme/metadata/timestamp.json")
        .await
        .ok(200);
    counter
        .ask(From::Pump(3), "HEAD", counter::LARGE, "")
        .await
        .ok(200);
    // A pump that leaves makes room.
    drop(first);
    counter
        .eventually(async || {
            counter
                .ask(From::Pump(3), "GET", counter::LARGE, "Range: bytes=0-9\r\n")
                .await
                .status
                == StatusCode::PARTIAL_CONTENT
        })
        .await;
}

#[tokio::test]
async fn a_revoked_pump_gets_no_more() {
    let counter = Counter::open(config::Firmware::default());
    counter.stock_large();
    let begun = counter.begin(From::Pump(1), counter::LARGE).await;
    counter
        .gate
        .revoke(&[counter.fingerprint(1)], RevocationReason::KeyCompromise, NOW);
    let received = begun.rest().await;
    assert!(received < counter::LARGE_LENGTH, "{received}");
    counter.nothing_is_open().await;
}

/// S3: a pump that comes into use is cut off where it is, turned away while it is in use, and goes on by ranges afterwards.
#[tokio::test]
async fn a_pump_that_is_in_use_gets_nothing_until_it_is_free() {
    let counter = Counter::open(config::Firmware::default());
    counter.stock_large();
    let begun = counter.begin(From::Pump(1), counter::LARGE).await;
    counter.resting.set([pump(1)].into());
    let received = begun.rest().await;
    assert!(received < counter::LARGE_LENGTH, "{received}");
    counter.nothing_is_open().await;
    let rest = format!("Range: bytes={received}-\r\n");
    let answer = counter
        .ask(From::Pump(1), "GET", counter::LARGE, &rest)
        .await
        .ok(503);
    assert_eq!(answer.header("retry-after"), COME_AGAIN.to_string());
    counter.get(From::Pump(2), FILE).await.ok(200);
    counter.resting.set([].into());
    let answer = counter
        .ask(From::Pump(1), "GET", counter::LARGE, &rest)
        .await
        .ok(206);
    assert_eq!(answer.body.len() as u64, counter::LARGE_LENGTH - received);
}

#[tokio::test]
async fn one_that_does_not_read_holds_nobody_up() {
    let counter = Counter::open(config::Firmware {
        max_bytes_per_second: 50_000_000,
        ..config::Firmware::default()
    });
    counter.stock_large();
    let mut asleep = Vec::new();
    for n in 1..=3 {
        asleep.push(counter.begin(From::Pump(n), counter::LARGE).await);
    }
    let answer = counter.get(From::Pump(4), FILE).await.ok(200);
    assert_eq!(answer.body, demo_image(1, 100_001));
    assert_eq!(counter.figures.downloads_open(), 3);
    // And one that wakes gets the rest.
    let woken = asleep.remove(0).rest().await;
    assert_eq!(woken, counter::LARGE_LENGTH);
}

#[tokio::test]
async fn a_file_that_is_shorter_than_it_should_be_is_never_taken_for_whole() {
    let counter = Counter::open(config::Firmware::default());
    let file = counter.workshop.shelf().join("acme/targets").join(FIRMWARE);
    let image = std::fs::read(&file).unwrap();
    std::fs::write(&file, &image[..70_000]).unwrap();
    let answer = counter.get(From::Pump(1), FILE).await;
    assert_eq!(answer.header("content-length"), "100001");
    assert!(answer.body.len() < 100_001);
    std::fs::remove_file(file).unwrap();
    counter.get(From::Pump(1), FILE).await.ok(404);
}
