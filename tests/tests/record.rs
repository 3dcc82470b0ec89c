//! The record under attack: somebody with the whole database in their hands changes one bit, deletes a row, swaps two, cuts the end off.
//! Each time the command names the place.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use diesel::{Connection, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_query};
use serde_json::{Value, json};
use tests::{Hospital, binary};

/// A gateway that has stopped, with what was carried away before.
struct Aftermath {
    hospital: Hospital,
    config: PathBuf,
    database: PathBuf,
    key: PathBuf,
    checkpoint: PathBuf,
    export: PathBuf,
    last: i64,
}

const AUDITOR: &str = "aud";

impl Aftermath {
    /// Some work, then the auditor carries key, checkpoint and export away.
    async fn new() -> Self {
        let hospital = Hospital::open().await;
        for number in 0..12 {
            let body = json!({ "name": format!("Shelf {number}") });
            let _ = hospital.api.post("/locations", &body).await.ok(201);
        }
        let auditor = hospital
            .administrator
            .add_person(AUDITOR, "Aud Bergen", &["auditor"])
            .await;
        let file = |name: &str, content: &str| {
            let path = hospital.dir().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let key = auditor.get("/audit/key").await.ok(200);
        let key = file("record.pem", key["pem"].as_str().unwrap());
        let checkpoint = auditor.post("/audit/checkpoints", &Value::Null).await.ok(200);
        let last = checkpoint["checkpoint"]["number"].as_i64().unwrap();
        let checkpoint = file("checkpoint.json", &checkpoint.to_string());
        let export = auditor.get("/audit/export").await;
        assert_eq!(export.status, 200);
        let export = file("audit.jsonl", &export.text);
        let data = hospital.root_file().parent().unwrap().to_owned();
        Self {
            config: data.join("gateway.toml"),
            database: data.join("gateway.db"),
            hospital,
            key,
            checkpoint,
            export,
            last,
        }
    }

    /// What `gateway audit verify` says, and its exit code.
    fn verify(&self, arguments: &[&str]) -> (i32, Value, String) {
        let output = Command::new(binary("gateway"))
            .env_clear()
            .args(["audit", "verify", "--json", "--key"])
            .arg(&self.key)
            .arg("--checkpoint")
            .arg(&self.checkpoint)
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let document = serde_json::from_str(&said).unwrap_or_default();
        let error = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), document, error)
    }

    fn verify_database(&self) -> (i32, Value, String) {
        self.verify(&["--config", self.config.to_str().unwrap()])
    }

    fn verify_file(&self, path: &Path) -> (i32, Value, String) {
        self.verify(&[path.to_str().unwrap()])
    }
}

fn holds((code, document, error): &(i32, Value, String)) {
    assert_eq!(*code, 0, "{document} {error}");
    assert_eq!(document["ok"], true);
}

#[track_caller]
fn names(found: &(i32, Value, String), entry: i64, faults: &[&str]) {
    let (code, document, error) = found;
    assert_eq!(*code, 1, "{document} {error}");
    assert_eq!(document["ok"], false, "{document}");
    assert_eq!(document["entry"], entry, "{document}");
    let fault = document["fault"].as_str().unwrap();
    assert!(faults.contains(&fault), "{document}");
    assert!(error.contains(&entry.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_the_whole_database_is_found_out() {
    let scene = Aftermath::new().await;
    holds(&scene.verify_database());
    let database = scene.database.clone();
    let attack = |sql: &str| {
        let mut conn = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        conn.batch_execute(
            "DROP TRIGGER IF EXISTS audit_entries_stay; DROP TRIGGER IF EXISTS audit_entries_remain;
             DROP TRIGGER IF EXISTS audit_entries_follow;",
        )
        .unwrap();
        sql_query("CREATE TABLE IF NOT EXISTS saved AS SELECT * FROM audit_entries")
            .execute(&mut conn)
            .unwrap();
        conn.batch_execute(sql).unwrap();
    };
    let undo = "DELETE FROM audit_entries; INSERT INTO audit_entries SELECT * FROM saved;";
    let n = 9;

    // One bit, in every column.
    for column in [
        "at = at + 1",
        "account = x'00000000000000000000000000000000'",
        "action = 'location_adder'",
        "subject_kind = 'locatiom'",
        "subject_id = 'another'",
        "entry = replace(entry, 'Shelf', 'Shelg')",
        "hash = x'0000000000000000000000000000000000000000000000000000000000000000'",
    ] {
        attack(&format!("UPDATE audit_entries SET {column} WHERE number = {n}"));
        names(&scene.verify_database(), n, &["altered"]);
        attack(undo);
    }
    holds(&scene.verify_database());
    attack(&format!("DELETE FROM audit_entries WHERE number = {n}"));
    names(&scene.verify_database(), n, &["missing"]);
    attack(undo);
    // Two rows trade places: numbers stay in order, contents do not.
    attack(&format!(
        "UPDATE audit_entries SET number = -1 WHERE number = {n};
         UPDATE audit_entries SET number = {n} WHERE number = {n} + 1;
         UPDATE audit_entries SET number = {n} + 1 WHERE number = -1;"
    ));
    names(&scene.verify_database(), n, &["altered", "reordered"]);
    attack(undo);
    // The end is cut off, with every checkpoint in the database that would show it: the carried one does.
    attack(&format!(
        "DROP TRIGGER IF EXISTS audit_checkpoints_stay; DROP TRIGGER IF EXISTS audit_checkpoints_remain;
         DELETE FROM audit_entries WHERE number > {n}; DELETE FROM audit_checkpoints;"
    ));
    names(&scene.verify_database(), n + 1, &["truncated"]);
    attack(undo);
    holds(&scene.verify_database());
    scene.hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_verified_far_from_its_gateway() {
    let scene = Aftermath::new().await;
    let found = scene.verify_file(&scene.export);
    holds(&found);
    assert_eq!(found.1["key_is_pinned"], true);
    assert_eq!(found.1["covered_to"], scene.last);
    let text = std::fs::read_to_string(&scene.export).unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let forged = scene.hospital.dir().join("forged.jsonl");
    let check = |lines: &[String], entry: i64, faults: &[&str]| {
        std::fs::write(&forged, lines.join("\n") + "\n").unwrap();
        names(&scene.verify_file(&forged), entry, faults);
    };
    // Line 1 is the header, so the entry of number n stands in line n + 1.
    let n = 7;
    let at = usize::try_from(n).unwrap();
    let mut one_bit = lines.clone();
    one_bit[at] = one_bit[at].replace("\"at\":\"2", "\"at\":\"3");
    check(&one_bit, n, &["altered"]);
    let mut deleted = lines.clone();
    deleted.remove(at);
    check(&deleted, n, &["missing"]);
    let mut swapped = lines.clone();
    swapped.swap(at, at + 1);
    check(&swapped, n, &["reordered"]);
    let mut twice = lines.clone();
    twice.insert(at, lines[at].clone());
    check(&twice, n, &["duplicated"]);
    check(&lines[..=at], n + 1, &["truncated"]);
    let mut rewritten = lines.clone();
    rewritten[at] = rewritten[at].replace("{\"entry\":", "{ \"entry\":");
    check(&rewritten, n, &["altered"]);

    // A whole record made anew, with a key of its own, does not bear the key that was fetched before.
    let other = Aftermath::new().await;
    let (code, _, error) = scene.verify_file(&other.export);
    assert_eq!(code, 1);
    assert!(error.contains("another gateway"), "{error}");
    // What is no export at all.
    for hostile in ["", "{}\n", "\u{0}\u{1}\n", "[[[[[[[[\n"] {
        std::fs::write(&forged, hostile).unwrap();
        let (code, _, error) = scene.verify_file(&forged);
        assert_eq!(code, 1, "{hostile:?}");
        assert!(error.contains("header"), "{error}");
    }
    scene.hospital.close().await;
    other.hospital.close().await;
}
