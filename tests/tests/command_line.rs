//! The command line against a real gateway: tables for people, JSON for programs, exit codes that mean something.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{path::Path, process::Command};

use serde_json::Value;
use tests::{Hospital, binary};

struct Terminal<'a> {
    hospital: &'a Hospital,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Terminal<'_> {
    fn run(&self, arguments: &[&str]) -> Said {
        let output = Command::new(binary("gateway"))
            .env_clear()
            .env("HOME", self.hospital.dir())
            .env(
                "GATEWAY_URL",
                self.hospital.api.base().trim_end_matches("/api/v1"),
            )
            .env("GATEWAY_CA", self.hospital.root_file())
            .env("GATEWAY_TOKEN", self.hospital.api.token())
            .args(arguments)
            .output()
            .unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
        said.out
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        serde_json::from_str(&self.ok(&arguments)).unwrap()
    }
}

fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_in_biomed_at_a_terminal() {
    let hospital = Hospital::open().await;
    let terminal = Terminal { hospital: &hospital };
    let list = write(
        &hospital.dir().join("list.csv"),
        "serial,manufacturer,model,asset_tag,care_area\nSN-1,Acme Medical,Volumat LVP,BM-1,4 West\nSN-2,Acme Medical,Volumat LVP,BM-2,ED\n",
    );
    // In a pipe an import only shows its plan, until it is told to apply it.
    terminal.ok(&["pump", "import", &list]);
    assert_eq!(terminal.json(&["expected", "list"]).as_array().unwrap().len(), 0);
    terminal.ok(&["pump", "import", &list, "--apply"]);
    assert_eq!(terminal.json(&["expected", "list"]).as_array().unwrap().len(), 2);

    let token = terminal.json(&["enrol", "token", "SN-1"]);
    let key = tests::Key::p256(hospital.dir(), "one");
    let pump = key
        .enrol(&hospital, "SN-1", token["secret"].as_str().unwrap())
        .unwrap();
    let table = terminal.ok(&["pump", "list"]);
    assert!(table.contains("BM-1") && table.contains("4 West"), "{table}");
    assert!(
        !table.contains(&pump.id),
        "no UUID where a tag would do:\n{table}"
    );
    assert_eq!(terminal.json(&["pump", "show", "BM-1"])["id"], pump.id.as_str());
    let shown = terminal.ok(&["cert", "list"]);
    assert!(shown.contains("BM-1"), "{shown}");
    terminal.ok(&[
        "pump",
        "hold",
        "BM-1",
        "--kind",
        "clinical",
        "--reason",
        "Alarm sounded late",
    ]);
    assert!(
        terminal
            .ok(&["pump", "show", "BM-1"])
            .contains("Held – do not use")
    );
    terminal.ok(&[
        "cert",
        "revoke",
        &pump.fingerprint(),
        "--reason",
        "key_compromise",
        "--yes",
    ]);
    assert_eq!(
        terminal.json(&["cert", "show", &pump.fingerprint()])["status"],
        "revoked"
    );
    terminal.ok(&["ca", "rotate", "--kind", "device"]);
    let status = terminal.ok(&["ca", "status"]);
    assert!(
        status.contains("trusted") && status.contains("active"),
        "{status}"
    );
    let pem = terminal.ok(&["ca", "export"]);
    assert!(pem.contains("-----BEGIN CERTIFICATE-----"));
    terminal.ok(&["summary"]);
    terminal.ok(&["events"]);
    terminal.ok(&["discrepancies"]);
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_say_what_went_wrong() {
    let hospital = Hospital::open().await;
    let terminal = Terminal { hospital: &hospital };
    let bad = write(
        &hospital.dir().join("bad.csv"),
        "serial,manufacturer,model\n,Acme,V\n",
    );
    let check = |arguments: &[&str], code: i32| {
        let said = terminal.run(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}{}", said.out, said.err);
        assert!(!said.err.contains("panicked"), "{}", said.err);
        said
    };
    check(&["pump", "lisst"], 2);
    check(&["pump", "show", "nobody"], 5);
    let said = check(&["pump", "import", &bad, "--apply"], 7);
    assert!(
        said.err.contains('2') && said.err.contains("serial"),
        "{}",
        said.err
    );
    let unreachable = check(&["--url", "https://127.0.0.1:9", "summary"], 3);
    assert!(unreachable.err.contains("127.0.0.1:9"), "{}", unreachable.err);
    let stranger = Command::new(binary("gateway"))
        .env_clear()
        .env("HOME", hospital.dir())
        .env("GATEWAY_URL", hospital.api.base().trim_end_matches("/api/v1"))
        .env("GATEWAY_CA", hospital.root_file())
        .env("GATEWAY_TOKEN", "gwt_0000-0000")
        .arg("summary")
        .output()
        .unwrap();
    assert_eq!(stranger.status.code(), Some(4));
    hospital.close().await;
}

#[test]
fn the_demo_ends_by_itself_and_its_last_line_is_one_json_object() {
    let output = Command::new(binary("gateway"))
        .args(["demo", "--unattended", "--pumps", "12"])
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{out}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let counts: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(counts["pumps"], 12);
    assert_eq!(counts["connected"], 10, "one isolated, one revoked");
    assert_eq!(counts["certificates"], 13, "one renewed");
    assert_eq!(counts["therapy_interruptions"], 0);
    assert_eq!(counts["unknown_pumps"], 1);
}
