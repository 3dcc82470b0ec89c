//! What the documentation shows is run as it stands there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::path::Path;

use serde_json::json;
use tests::{Hospital, Key, PASSWORD, run_with_input};

/// The blocks of code of a page in one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let fence = format!("```{language}\n");
    let blocks: Vec<_> = text
        .split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect();
    assert!(!blocks.is_empty(), "{page} shows no {language}");
    blocks
}

/// Five tasks with curl, in one shell, one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn the_five_tasks_with_curl_work_as_they_are_shown() {
    let hospital = Hospital::open().await;
    let token = hospital.token("SN-1").await;
    let pump = Key::p256(hospital.dir(), "one")
        .enrol(&hospital, "SN-1", &token)
        .unwrap();
    let roles = ["biomed_lead", "nurse"];
    let lena = hospital
        .administrator
        .add_person("lena.park", "Lena Park", &roles)
        .await;
    let pin = json!({ "password": PASSWORD, "pin": "640917" });
    assert_eq!(lena.post("/me/pin", &pin).await.status, 204);
    let edit = lena
        .request(reqwest::Method::PATCH, &format!("/pumps/{}", pump.id))
        .header("if-match", "\"1\"")
        .json(&json!({ "asset_tag": "BM-10442" }));
    let _ = tests::send(edit).await.ok(200);
    // It has to have said what it runs.
    let component = fleet::pump::Component {
        name: "main".parse().unwrap(),
        version: "1.0".parse().unwrap(),
    };
    let id = pump.id.parse().unwrap();
    let store = &hospital.running().app().store;
    store
        .write(|db| db.pump_inventory_set(id, &[], &[component], None, None))
        .unwrap();

    let page = blocks("api.md", "sh").join("\n");
    let here = page.replace("https://pumps.county.example:8443/api/v1", hospital.api.base());
    assert_ne!(here, page);
    std::fs::copy(hospital.root_file(), hospital.dir().join("root.pem")).unwrap();
    let script = format!("set -eu -o pipefail\ncd {}\n{here}", hospital.dir().display());
    // What `read` asks for, in its order: the password, the PIN.
    let answers = format!("{PASSWORD}\n640917\n");
    let said =
        tokio::task::spawn_blocking(move || run_with_input("bash", ["-c", &script], answers.as_bytes()))
            .await
            .unwrap()
            .ok()
            .text();
    assert!(
        said.contains("\"printed_name\": \"Lena Park\"") && said.contains("\"valid\": true"),
        "{said}"
    );
    assert!(said.contains("SN-1\tBM-10442\tin_biomed"), "{said}");
    let shown = lena.pump("BM-10442").await;
    assert_eq!(
        (&shown["care_area"], &shown["location"]),
        (&json!("4 West"), &json!("Shelf 2"))
    );
    assert_eq!(shown["verified"]["stands"], true);
    hospital.close().await;
}

/// The audit trail is checked by a few lines of Python that know nothing of this program.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_verifies_by_hand_as_it_is_shown() {
    let hospital = Hospital::open().await;
    let auditor = hospital
        .administrator
        .add_person("aud", "Aud Bergen", &["auditor"])
        .await;
    let export = auditor.get("/audit/export").await.text;
    let file = hospital.dir().join("audit.jsonl");
    let script = format!(
        "import os\nos.chdir({:?})\n{}",
        hospital.dir().display().to_string(),
        blocks("audit.md", "python").concat()
    );
    let verify = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run_with_input("python3", ["-c", &script], &[])
    };
    let _ = verify(&export).ok();
    let forged = verify(&export.replace("Aud Bergen", "Aud Berger"));
    assert!(!forged.success, "a changed letter goes unnoticed");
    hospital.close().await;
}
