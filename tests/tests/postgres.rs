//! The same gateway on PostgreSQL: chosen by URL, and nobody on the line can tell.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
#![cfg(feature = "postgres")]

use serde_json::json;
use tests::{Hospital, Key, Options, run};

/// A database of its own for one test, dropped afterwards.
struct Scratch {
    server: String,
    name: String,
}

impl Scratch {
    fn new() -> Option<Self> {
        let Ok(server) = std::env::var("TEST_POSTGRES_URL") else {
            eprintln!("skipped: TEST_POSTGRES_URL is not set; run scripts/test");
            return None;
        };
        let scratch = Self {
            server,
            name: format!("e2e_{}", uuid::Uuid::new_v4().simple()),
        };
        scratch.sql(&format!("CREATE DATABASE {}", scratch.name));
        Some(scratch)
    }

    fn sql(&self, statement: &str) {
        let _ = run(
            "psql",
            [
                "--quiet",
                "--no-psqlrc",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                &self.server,
                "-c",
                statement,
            ],
        )
        .ok();
    }

    fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.sql(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_life_on_postgresql() {
    let Some(scratch) = Scratch::new() else { return };
    let database = Some(scratch.url().parse().unwrap());
    let mut hospital = Hospital::open_with(Options {
        database,
        ..Options::default()
    })
    .await;
    let pump = hospital.enrol("SN-1").await;
    let at = gateway::clock::Clock::system().now();
    let payload =
        json!({ "v": 1, "at": at, "activity": "infusing", "patient_attached": true, "rate_ml_h": 125.0 })
            .to_string();
    let mut publish = pump.mosquitto(&hospital, "5");
    publish.extend(["-q", "1", "-t", &pump.topic("up/telemetry"), "-m", &payload].map(str::to_owned));
    let _ = run("mosquitto_pub", &publish).ok();
    assert_eq!(hospital.api.pump("SN-1").await["state"]["rate_ml_h"], 125.0);
    hospital.restart().await;
    assert_eq!(hospital.api.pump("SN-1").await["state"]["activity"], "infusing");
    let revoke = format!("/certificates/{}/revoke", pump.fingerprint());
    let _ = hospital
        .api
        .post(&revoke, &json!({ "reason": "key_compromise" }))
        .await
        .ok(200);
    assert_eq!(
        Key::p256(hospital.dir(), "n")
            .renew(&hospital, &pump)
            .unwrap_err()
            .status,
        403
    );
    let config = std::fs::read_to_string(hospital.dir().join("data").join("gateway.toml")).unwrap();
    assert!(
        config.contains("postgres://") && !config.contains(&scratch.server),
        "the password is in no file"
    );
    hospital.close().await;
}
