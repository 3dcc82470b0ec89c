//! A pump that was written from `docs/pump-contract.md` alone, in another language, does its work against a real gateway.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tests::{Hospital, Options, eventually, python, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_pump_in_python_enrols_reports_and_obeys() {
    let Some(python) = python("the pump in Python") else {
        return;
    };
    let hospital = Hospital::open().await;
    let at = hospital.addresses();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/pump.py");
    for version in ["311", "5"] {
        let serial = format!("PY-{version}");
        let token = hospital.token(&serial).await;
        let dir = hospital.dir().join(&serial);
        let start = |renew: bool| {
            Command::new(&python)
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .args([
                    script,
                    "--est",
                    &format!("https://{}", at.bulk),
                    "--mqtt",
                    &at.mqtt.to_string(),
                    "--root",
                ])
                .arg(hospital.root_file())
                .args([
                    "--serial",
                    &serial,
                    "--token",
                    &token,
                    "--protocol",
                    version,
                    "--dir",
                ])
                .arg(&dir)
                .args(renew.then_some("--renew"))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        // It enrols, and does what it is ordered to.
        let pump = start(false);
        let connected = eventually("the pump connects", || async {
            let shown = hospital.api.pump(&serial).await;
            (shown["connected"] == true).then_some(shown)
        })
        .await;
        let orders = format!("/pumps/{}/orders", connected["id"].as_str().unwrap());
        let _ = hospital
            .api
            .post(&orders, &json!({ "kind": "report_inventory" }))
            .await
            .ok(201);
        let told = finished(pump).await;
        assert_eq!(
            (&told["ok"], &told["renewed"]),
            (&json!(true), &json!(false)),
            "{told}"
        );
        let listed = hospital.api.get(&orders).await.ok(200);
        assert_eq!(listed["items"][0]["outcome"], "done", "{listed}");
        // While it is off it is asked to renew; it comes back with a new certificate and finds the order waiting.
        let _ = hospital
            .api
            .post(&orders, &json!({ "kind": "renew_certificate" }))
            .await
            .ok(201);
        let told = finished(start(true)).await;
        assert_eq!(
            (&told["ok"], &told["renewed"]),
            (&json!(true), &json!(true)),
            "{told}"
        );
        let listed = hospital.api.get(&orders).await.ok(200);
        assert!(listed["items"][0]["outcome"].is_string(), "{listed}");
        let id = told["pump"].as_str().unwrap();
        assert_eq!(told["telemetry_acknowledged"], 3);
        assert!(told["reports_refused"].as_array().unwrap().is_empty());
        let shown = hospital.api.get(&format!("/pumps/{id}")).await.ok(200);
        assert!(!shown["components"].as_array().unwrap().is_empty());
    }
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pkilint_finds_nothing_in_any_certificate_but_the_known_false_positive() {
    let Some(python) = python("pkilint") else { return };
    let linter = python.with_file_name("lint_pkix_cert");
    // As a hospital names it: `localhost` is no domain name to a linter.
    let server_names = vec!["pumps.county.example".to_owned(), "127.0.0.1".to_owned()];
    let hospital = Hospital::open_with(Options {
        server_names,
        ..Options::default()
    })
    .await;
    let pump = hospital.enrol("SN-1").await;
    let authorities = hospital.api.get("/authorities").await.ok(200);
    let list = authorities
        .as_array()
        .or_else(|| authorities["items"].as_array())
        .unwrap();
    let mut files = vec![("pump".to_owned(), pump.certificate_file.clone())];
    for authority in list {
        let kind = authority["kind"].as_str().unwrap().to_owned();
        let file = hospital.dir().join(format!("{kind}.pem"));
        std::fs::write(&file, authority["pem"].as_str().unwrap()).unwrap();
        files.push((kind, file));
    }
    let at = hospital.addresses();
    let shown = run(
        "openssl",
        ["s_client", "-connect", &at.staff.to_string(), "-showcerts"],
    )
    .text();
    let start = shown.find("-----BEGIN CERTIFICATE").unwrap();
    let end = shown[start..].find("-----END CERTIFICATE-----").unwrap() + start + 25;
    let file = hospital.dir().join("gateway.pem");
    std::fs::write(&file, &shown[start..end]).unwrap();
    files.push(("gateway's own".to_owned(), file));
    assert_eq!(files.len(), 5);
    for (what, file) in files {
        let outcome = run(
            linter.to_str().unwrap(),
            ["lint", "-s", "NOTICE", file.to_str().unwrap()],
        );
        let said = format!("{}{}", outcome.text(), outcome.stderr);
        // Every finding is one line with a severity; a URN is a URI, whatever the linter thinks.
        let findings: Vec<_> = said
            .lines()
            .filter(|line| {
                ["NOTICE", "WARNING", "ERROR", "FATAL"]
                    .iter()
                    .any(|severity| line.contains(severity))
            })
            .filter(|line| !line.contains("invalid_uri_syntax"))
            .collect();
        assert!(findings.is_empty(), "{what}: {findings:#?}\n{said}");
    }
    hospital.close().await;
}

/// What the pump says of itself in its last line, once it has ended well.
async fn finished(pump: Child) -> Value {
    let output = tokio::task::spawn_blocking(move || pump.wait_with_output().unwrap())
        .await
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{stdout}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}
