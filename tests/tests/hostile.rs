//! Bad input of every kind on every listener: refused, counted, and nobody else notices.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{net::SocketAddr, time::Duration};

use reqwest::Method;
use serde_json::json;
use tests::{Enrolled, Hospital, est, eventually, run, run_with_input, send};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Proves that a good pump is still served.
fn still_served(hospital: &Hospital, pump: &Enrolled) {
    let at = gateway::clock::Clock::system().now();
    let payload = json!({ "v": 1, "at": at, "activity": "ready", "patient_attached": false }).to_string();
    let mut arguments = pump.mosquitto(hospital, "311");
    arguments.extend(["-q", "1", "-t", &pump.topic("up/telemetry"), "-m", &payload].map(str::to_owned));
    let _ = run("mosquitto_pub", arguments).ok();
}

async fn metric(hospital: &Hospital, name: &str) -> u64 {
    let url = format!("http://{}/metrics", hospital.addresses().operations);
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    text.lines()
        .filter(|line| line.starts_with(name))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_instead_of_tls_is_dropped_on_every_listener() {
    let hospital = Hospital::open().await;
    let pump = hospital.enrol("SN-1").await;
    let at = hospital.addresses();
    let garbage: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xFF; 600],
        &[0x16, 0x03, 0x01, 0xFF, 0xFF],
        b"\x10\x0c\x00\x04MQTT",
    ];
    for address in [at.mqtt, at.bulk, at.staff] {
        for bytes in garbage {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = Vec::new();
            // Whatever it says, it ends.
            let _ = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer))
                .await
                .expect("an end");
        }
    }
    still_served(&hospital, &pump);
    assert_eq!(hospital.api.get("/summary").await.status, 200);
    for listener in ["bulk", "staff"] {
        let name = format!("pump_gateway_https_handshakes_refused_total{{listener=\"{listener}\"");
        eventually("every refusal is counted", || async {
            (metric(&hospital, &name).await >= 4).then_some(())
        })
        .await;
    }
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_sender_is_cut_off() {
    let hospital = Hospital::open().await;
    let pump = hospital.enrol("SN-1").await;
    let at = hospital.addresses();
    let dribble = |address: SocketAddr| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[0x16, 0x03]).await.unwrap();
        let mut answer = [0; 16];
        tokio::time::timeout(Duration::from_secs(45), stream.read(&mut answer))
            .await
            .expect("the gateway gives up first")
    };
    let (mqtt, bulk, staff) = tokio::join!(dribble(at.mqtt), dribble(at.bulk), dribble(at.staff));
    for outcome in [mqtt, bulk, staff] {
        assert!(matches!(outcome, Ok(0..=15) | Err(_)), "{outcome:?}");
    }
    still_served(&hospital, &pump);
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_payloads_are_counted_and_leave_no_trace() {
    let hospital = Hospital::open().await;
    let (bad, good) = (hospital.enrol("SN-BAD").await, hospital.enrol("SN-GOOD").await);
    let before = metric(&hospital, "pump_gateway_").await;
    let publish = |version: &str, payload: &[u8]| {
        let mut arguments = bad.mosquitto(&hospital, version);
        arguments.extend(["-q", "1", "-t", &bad.topic("up/telemetry"), "-s"].map(str::to_owned));
        run_with_input("mosquitto_pub", arguments, payload)
    };
    let deep = "[".repeat(1_500);
    let payloads: [&[u8]; 8] = [
        b"not json",
        b"{\"v\":2,\"at\":\"2026-01-01T00:00:00Z\",\"activity\":\"ready\",\"patient_attached\":false}",
        b"{\"v\":1}",
        b"{\"v\":1,\"v\":1,\"at\":\"2026-01-01T00:00:00Z\",\"activity\":\"ready\",\"patient_attached\":false}",
        b"{\"v\":1,\"at\":\"2026-01-01T00:00:00Z\",\"activity\":\"ready\",\"patient_attached\":false,\"rate_ml_h\":1e9}",
        b"{\"v\":1,\"at\":\"yesterday\",\"activity\":\"ready\",\"patient_attached\":\"Jane Roe\"}",
        &[0xFF, 0xFE, 0x00],
        deep.as_bytes(),
    ];
    for version in ["311", "5"] {
        for payload in payloads {
            let _ = publish(version, payload);
        }
        let _ = publish(version, &vec![b'x'; 10 * 1024 * 1024]);
    }
    assert!(
        hospital.api.pump("SN-BAD").await["state"].is_null(),
        "nothing of it was stored"
    );
    still_served(&hospital, &good);
    assert!(metric(&hospital, "pump_gateway_").await > before);
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_can_not_be_read_is_refused_for_good() {
    let hospital = Hospital::open().await;
    let pump = hospital.enrol("SN-1").await;
    let id = uuid::Uuid::new_v4();
    let mut listen = pump.mosquitto(&hospital, "311");
    listen.extend(["-t", &pump.topic("down/ack"), "-C", "1", "-W", "30"].map(str::to_owned));
    // One connection subscribes and publishes: mosquitto_rr does just that.
    let mut request = pump.mosquitto(&hospital, "311");
    let payload =
        json!({ "v": 1, "id": id, "seq": 1, "at": "2026-01-01T00:00:00Z", "body": { "kind": "prophecy" } })
            .to_string();
    let (up, down) = (pump.topic("up/report"), pump.topic("down/ack"));
    request.extend(["-q", "1", "-t", &up, "-e", &down, "-m", &payload, "-W", "30"].map(str::to_owned));
    let ack = run("mosquitto_rr", request).ok().text();
    let ack: serde_json::Value = serde_json::from_str(&ack).unwrap();
    assert_eq!(ack["refused"][0]["id"], id.to_string());
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_listeners_refuse_what_they_do_not_understand() {
    let hospital = Hospital::open().await;
    let big = vec![b'A'; 10 * 1024 * 1024];
    // Over HTTP/2 the stream is reset before an answer; HTTP/1.1 says why.
    let answer = est(&hospital, "simpleenroll", &["--http1.1", "--user", "SN:x"], &big).text();
    assert!(answer.ends_with("413"), "{answer}");
    for body in [
        b"".as_slice(),
        b"AAAA",
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        &[0; 64],
    ] {
        let body = if body.is_empty() { b" ".as_slice() } else { body };
        let answer = est(&hospital, "simpleenroll", &["--user", "SN:x"], body).text();
        assert!(answer.ends_with("400"), "{answer}");
    }
    let api = &hospital.api;
    let check = |answer: tests::Answer, status: u16| {
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(
            answer.headers["content-type"], "application/problem+json",
            "{}",
            answer.text
        );
    };
    check(api.get("/nothing/here").await, 404);
    check(send(api.request(Method::PUT, "/pumps")).await, 405);
    check(api.anonymous().get("/pumps").await, 401);
    check(
        send(
            api.anonymous()
                .request(Method::GET, "/pumps")
                .bearer_auth("gwt_0000"),
        )
        .await,
        401,
    );
    check(api.get("/pumps?limit=0").await, 422);
    check(api.get("/pumps?after=%00%FF").await, 400);
    check(api.get("/pumps/not-a-uuid").await, 400);
    check(api.post_text("/enrol-tokens", "application/json", "{").await, 400);
    check(
        api.post_text("/enrol-tokens", "application/json", "[".repeat(100_000))
            .await,
        413,
    );
    check(api.post_text("/enrol-tokens", "text/plain", "x").await, 415);
    check(
        api.post("/enrol-tokens", &json!({ "serial": "x", "surprise": 1 }))
            .await,
        400,
    );
    let flood = "x".repeat(17 * 1024 * 1024);
    check(api.post_text("/expected/import", "text/csv", flood).await, 413);
    let answer = api.get("/summary").await;
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    eventually("the API answers as before", || async {
        (api.get("/summary").await.status == 200).then_some(())
    })
    .await;
    hospital.close().await;
}
