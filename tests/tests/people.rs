//! People at a terminal: signing in, changing what one signs in with, signing, and being refused in words.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{path::PathBuf, process::Command};

use serde_json::{Value, json};
use tests::{Hospital, Key, PASSWORD, binary};

/// A person at a terminal of their own: what they are asked for comes from the environment.
struct Terminal<'a> {
    hospital: &'a Hospital,
    home: PathBuf,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl<'a> Terminal<'a> {
    fn of(hospital: &'a Hospital, name: &str) -> Self {
        let home = hospital.dir().join(format!("home-{name}"));
        std::fs::create_dir(&home).unwrap();
        Self { hospital, home }
    }

    fn run(&self, answers: &[(&str, &str)], arguments: &[&str]) -> Said {
        let output = Command::new(binary("gateway"))
            .env_clear()
            .env("HOME", &self.home)
            .env(
                "GATEWAY_URL",
                self.hospital.api.base().trim_end_matches("/api/v1"),
            )
            .env("GATEWAY_CA", self.hospital.root_file())
            .envs(answers.iter().copied())
            .args(arguments)
            .output()
            .unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn ok(&self, answers: &[(&str, &str)], arguments: &[&str]) -> String {
        let said = self.run(answers, arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
        said.out
    }

    #[track_caller]
    fn fails(&self, answers: &[(&str, &str)], arguments: &[&str], code: i32, words: &str) {
        let said = self.run(answers, arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(words), "{}", said.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_let_in_signs_and_is_shut_out_at_a_terminal() {
    let hospital = Hospital::open().await;
    let pump = Key::p256(hospital.dir(), "one")
        .enrol(&hospital, "SN-1", &hospital.token("SN-1").await)
        .unwrap();
    let admin = Terminal::of(&hospital, "admin");
    admin.fails(&[], &["person", "list"], 4, "gateway login");
    admin.fails(
        &[("GATEWAY_PASSWORD", "a wrong password")],
        &["login", "--name", "admin"],
        4,
        "name or password is wrong",
    );
    admin.ok(&[("GATEWAY_PASSWORD", PASSWORD)], &["login", "--name", "admin"]);
    admin.ok(&[], &["area", "add", "MICU"]);
    let add = [
        "person",
        "add",
        "--name",
        "nora",
        "--printed-name",
        "Nora Lind, RN",
        "--role",
        "nurse:MICU",
    ];
    let one_time = admin.ok(&[], &add);
    let one_time = one_time.trim();
    assert!(admin.ok(&[], &["person", "list"]).contains("Nora Lind, RN"));
    // An administrator decides nothing about pumps.
    admin.fails(
        &[],
        &["pump", "hold", "SN-1", "--kind", "clinical", "--reason", "x"],
        4,
        "you may not hold a pump",
    );

    let nora = Terminal::of(&hospital, "nora");
    nora.fails(
        &[
            ("GATEWAY_PASSWORD", one_time),
            ("GATEWAY_NEW_PASSWORD", "password1234"),
        ],
        &["login", "--name", "nora"],
        7,
        "first that are tried",
    );
    let first = [("GATEWAY_PASSWORD", one_time), ("GATEWAY_NEW_PASSWORD", PASSWORD)];
    nora.ok(&first, &["login", "--name", "nora"]);
    let session = nora.home.join(".config/pump-gateway/token");
    let secret = std::fs::read_to_string(&session).unwrap();
    assert!(secret.starts_with("gws_"));
    assert!(
        nora.ok(&[], &["me", "show"])
            .contains("sign_verified (own care areas)")
    );

    signs_and_says_not_now(&hospital, &nora, &pump.id).await;

    // The audit trail is not hers to read; the auditor sees all of it, in words.
    nora.fails(&[], &["audit", "list"], 4, "you may not read the audit trail");
    the_auditor_reads(&hospital, &admin);

    admin.ok(&[], &["person", "disable", "nora", "--reason", "left the house"]);
    nora.fails(&[], &["me", "show"], 4, "your account was disabled");
    nora.fails(
        &[("GATEWAY_PASSWORD", PASSWORD)],
        &["login", "--name", "nora"],
        4,
        "name or password is wrong",
    );
    admin.ok(&[], &["logout"]);
    admin.fails(&[], &["person", "list"], 4, "gateway login");
    hospital.close().await;
}

async fn signs_and_says_not_now(hospital: &Hospital, nurse: &Terminal<'_>, pump: &str) {
    let known = [("GATEWAY_PASSWORD", PASSWORD)];
    nurse.ok(&[known[0], ("GATEWAY_NEW_PIN", "640917")], &["me", "pin"]);
    nurse.fails(
        &[known[0], ("GATEWAY_PIN", "640918"), ("GATEWAY_NEW_PIN", "582913")],
        &["me", "pin"],
        4,
        "PIN is not right",
    );
    let sign = [
        "signature",
        "sign",
        "pump",
        "SN-1",
        "--meaning",
        "verified_for_clinical_use",
        "--yes",
    ];
    let both = [known[0], ("GATEWAY_PIN", "640917")];
    // The pump is in no care area yet: biomed has to say where it belongs.
    nurse.fails(&both, &sign, 4, "have biomed assign it");
    let edit = hospital
        .api
        .request(reqwest::Method::PATCH, &format!("/pumps/{pump}"))
        .header(
            "if-match",
            format!("\"{}\"", hospital.api.pump("SN-1").await["row_version"]),
        )
        .json(&json!({ "care_area": "MICU" }));
    let _ = tests::send(edit).await.ok(200);
    nurse.fails(&both, &sign, 6, "has not reported its software yet");
    let refuse = [
        "signature",
        "not-now",
        "pump",
        "SN-1",
        "--meaning",
        "verified_for_clinical_use",
        "--reason",
        "two admissions",
    ];
    nurse.ok(&[], &refuse);
    let list = nurse.ok(&[], &["signature", "list"]);
    assert!(
        list.contains("Not now") && list.contains("Nora Lind, RN"),
        "{list}"
    );
}

fn the_auditor_reads(hospital: &Hospital, admin: &Terminal<'_>) {
    let one_time = admin.ok(
        &[],
        &[
            "person",
            "add",
            "--name",
            "aud",
            "--printed-name",
            "Aud",
            "--role",
            "auditor",
        ],
    );
    let aud = Terminal::of(hospital, "aud");
    let first = [
        ("GATEWAY_PASSWORD", one_time.trim()),
        ("GATEWAY_NEW_PASSWORD", PASSWORD),
    ];
    aud.ok(&first, &["login", "--name", "aud"]);
    let table = aud.ok(&[], &["audit", "list"]);
    assert!(
        table.contains("signed_not_now") && table.contains("two admissions"),
        "{table}"
    );
    let readable = aud.ok(&[], &["audit", "export", "--readable"]);
    assert!(readable.contains("Nora Lind, RN"), "{readable}");
    let file = hospital.dir().join("audit.jsonl");
    aud.ok(&[], &["audit", "export", "--to", file.to_str().unwrap()]);
    let said = aud.ok(&[], &["audit", "verify", file.to_str().unwrap()]);
    assert!(said.contains("The record holds"), "{said}");
}

/// In a browser the session is a cookie that no script reads, and what changes something must come from our own pages.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_carries_the_session_in_a_cookie_over_real_tls() {
    let hospital = Hospital::open().await;
    let nobody = hospital.api.anonymous();
    let body = json!({ "name": "ines", "password": PASSWORD, "carry": "cookie" });
    let begun = nobody.post("/sessions", &body).await;
    let cookie = begun.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-gateway-session=gws_"), "{cookie}");
    assert_eq!(begun.ok(201)["token"], Value::Null);
    let pair = cookie.split(';').next().unwrap();
    let origin = hospital.api.base().trim_end_matches("/api/v1").to_owned();
    let post = async |headers: &[(&str, &str)]| {
        let mut request = nobody
            .request(reqwest::Method::POST, "/locations")
            .header("cookie", pair)
            .json(&json!({ "name": "Shelf 1" }));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        tests::send(request).await
    };
    assert_eq!(post(&[]).await.problem(403), "cross_site");
    assert_eq!(
        post(&[("origin", "https://evil.example")]).await.problem(403),
        "cross_site"
    );
    let subdomain = origin.replace("https://", "https://ward.");
    assert_eq!(post(&[("origin", &subdomain)]).await.problem(403), "cross_site");
    let form = [
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
    ];
    assert_eq!(post(&form).await.problem(403), "cross_site");
    let _ = post(&[("origin", &origin), ("sec-fetch-site", "same-origin")])
        .await
        .ok(201);
    let out = nobody
        .request(reqwest::Method::DELETE, "/sessions/current")
        .header("cookie", pair)
        .header("origin", &origin);
    let out = tests::send(out).await;
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(out.status, 204);
    assert_eq!(post(&[("origin", &origin)]).await.problem(401), "unauthenticated");
    hospital.close().await;
}

/// A restart forgets nobody, and a gateway of an earlier version gets the keys it did not have.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_keys_outlive_a_restart() {
    let mut hospital = Hospital::open().await;
    let key = hospital.administrator.get("/audit/key").await.ok(200);
    hospital.restart().await;
    let _ = hospital.api.get("/me").await.ok(200);
    assert_eq!(hospital.administrator.get("/audit/key").await.ok(200), key);
    let found = hospital
        .administrator
        .get("/audit?subject_kind=gateway")
        .await
        .ok(200);
    let actions: Vec<_> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["gateway_started", "gateway_stopped", "gateway_started"]);
    hospital.close().await;
}
