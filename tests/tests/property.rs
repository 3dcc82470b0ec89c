//! A stranger reads the API's own description and tries everything that it allows, and much that it does not: no answer may be
//! a failure of ours, one that the description does not know, or one that does not look as it says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{path::Path, process::Command};

use serde_json::json;
use tests::{Hospital, python};

/// What is asked of every answer.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// Cases for each operation; a nightly run may ask for more.
const CASES: &str = "20";
/// Every role there is.
const ROLES: [&str; 8] = [
    "nurse",
    "charge_nurse",
    "biomed",
    "biomed_lead",
    "security",
    "pharmacy",
    "administrator",
    "auditor",
];

fn schemathesis(python: &Path, hospital: &Hospital, secret: &str, more: &[&str]) {
    let cases = std::env::var("API_CASES").unwrap_or_else(|_| CASES.to_owned());
    let schema = format!("{}/openapi.json", hospital.api.base());
    let output = Command::new(python.with_file_name("st"))
        .current_dir(hospital.dir())
        .args([
            "--no-color",
            "run",
            &schema,
            "--checks",
            CHECKS,
            "--max-examples",
            &cases,
        ])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--seed",
            "17",
            "--no-shrink",
        ])
        .args([
            "--suppress-health-check",
            "all",
            "--generation-database",
            "none",
            "--warnings",
            "off",
        ])
        .args(["--header", &format!("Authorization:Bearer {secret}")])
        .arg("--tls-verify")
        .arg(hospital.root_file())
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("No issues found"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_description_is_true_for_whatever_is_sent() {
    let Some(python) = python("schemathesis") else {
        return;
    };
    let hospital = Hospital::open().await;
    let api = hospital
        .administrator
        .add_person("all", "Everything At Once", &ROLES)
        .await;
    // Something to find: a pump, a person, a token, an expected pump, an event.
    let pump = hospital.enrol("SN-1").await;
    for (path, body) in [
        ("/locations", json!({ "name": "Shelf 1", "care_area": "MICU" })),
        ("/devices", json!({ "name": "Tablet 1" })),
        ("/tokens", json!({ "label": "reader", "scopes": ["pump_read"] })),
    ] {
        let made = api.post(path, &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let hold = json!({ "kind": "clinical", "reason": "door latch loose" });
    let _ = api.post(&format!("/pumps/{}/hold", pump.id), &hold).await.ok(200);
    let secret = api.token();
    let everything = tokio::task::spawn_blocking({
        let python = python.clone();
        move || {
            // Signing out ends the session that all the others need: it comes last.
            schemathesis(
                &python,
                &hospital,
                &secret,
                &["--exclude-operation-id", "session_end"],
            );
            schemathesis(
                &python,
                &hospital,
                &secret,
                &["--include-operation-id", "session_end"],
            );
            hospital
        }
    });
    let hospital = everything.await.unwrap();
    // Whatever was tried, the record of it holds.
    let store = &hospital.running().app().store;
    let key = hospital.running().app().people.record_key.public().clone();
    gateway::audit::verify::database(store, Some(&key), &[], |_, _| {}).unwrap();
    hospital.close().await;
}
