//! Firmware by the command line against a real gateway: from a manufacturer's root of trust to a rollout that waits.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use agent_sim::{
    blueprint::{FleetPlan, PumpBlueprint, expected_csv},
    fleet::{SimConfig, Simulation},
    life::Rhythm,
};
use gateway::firmware::make::demo_image;
use serde_json::{Value, json};
use tests::{Api, Hospital, PASSWORD, binary, eventually, python, run};

const EXAMPLE: &str = include_str!("../../docs/release-manifest.example.json");
const NAME: &str = "Volumat 7 infusion control";
const PIN: &str = "640917";

/// Somebody who is signed in, at a terminal.
struct Terminal<'a> {
    hospital: &'a Hospital,
    token: String,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl<'a> Terminal<'a> {
    fn of(hospital: &'a Hospital, person: &Api) -> Self {
        Self {
            hospital,
            token: person.token(),
        }
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let output = Command::new(binary("gateway"))
            .env_clear()
            .env("HOME", self.hospital.dir())
            .env(
                "GATEWAY_URL",
                self.hospital.api.base().trim_end_matches("/api/v1"),
            )
            .env("GATEWAY_CA", self.hospital.root_file())
            .env("GATEWAY_TOKEN", &self.token)
            .env("GATEWAY_PASSWORD", PASSWORD)
            .env("GATEWAY_PIN", PIN)
            .env("GATEWAY_NEW_PIN", PIN)
            .args(arguments)
            .output()
            .unwrap();
        let said = Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!said.err.contains("panicked"), "{}", said.err);
        said
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
        said.out
    }

    /// Refused with an exit code and these words.
    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32, words: &str) {
        let said = self.run(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(words), "{arguments:?}: {}", said.err);
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        serde_json::from_str(&self.ok(&arguments)).unwrap()
    }

    /// Takes a PIN: a signature needs it.
    fn with_pin(self) -> Self {
        self.ok(&["me", "pin"]);
        self
    }
}

/// Whoever answers for keys: not the one who brought them.
async fn security(hospital: &Hospital) -> Terminal<'_> {
    let person = hospital
        .administrator
        .add_person("samir", "Samir Haddad", &["security"])
        .await;
    Terminal::of(hospital, &person).with_pin()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A manufacturer's build directory: a manifest and its files.
fn build(dir: &Path, name: &str, manifest: &str) -> PathBuf {
    let build = dir.join(name);
    let parsed: Value = serde_json::from_str(manifest).unwrap();
    for (seed, target) in (0..).zip(parsed["targets"].as_array().unwrap()) {
        let file = build.join(target["path"].as_str().unwrap());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, demo_image(seed, 300_000)).unwrap();
    }
    let file = build.join("release.json");
    fs::write(&file, manifest).unwrap();
    file
}

/// Makes a release by the command line, without any gateway at hand.
fn make(dir: &Path, manifest: &Path, path: &str) {
    let output = Command::new(binary("gateway"))
        .env_clear()
        .args(["release", "make", text(&dir.join("repository"))])
        .args(["--keys", text(&dir.join("keys")), "--manifest", text(manifest)])
        .args(["--path", path])
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.contains("1.root.json"), "{out}");
}

fn write(path: &Path, content: &str) -> String {
    fs::write(path, content).unwrap();
    text(path).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_comes_in_once_its_makers_root_is_signed_for() {
    let hospital = Hospital::open().await;
    let dir = hospital.dir();
    let terminal = Terminal::of(&hospital, &hospital.api).with_pin();
    make(dir, &build(dir, "9.12", EXAMPLE), "volumat7/9.12/release.json");
    let repository = dir.join("repository");
    let root = text(&repository.join("metadata/1.root.json")).to_owned();
    let repository = text(&repository);

    // Trust.
    let add = [
        "repository",
        "add",
        "acme",
        "--manufacturer",
        "Acme Medical",
        "--root",
    ];
    let garbage = write(&dir.join("garbage.json"), "{\"signed\": {}}");
    terminal.fails(&[&add[..], &[&garbage]].concat(), 7, "root.json");
    terminal.fails(
        &[&add[..], &["/nonexistent/root.json"]].concat(),
        1,
        "can not be read",
    );
    terminal.ok(&[&add[..], &[&root]].concat());
    terminal.fails(&[&add[..], &[&root]].concat(), 6, "acme");
    let import = ["release", "import", "acme", repository];
    terminal.fails(&import, 6, "gateway signature sign trust_root");
    let sign = [
        "signature",
        "sign",
        "trust_root",
        "acme",
        "--meaning",
        "root_of_trust_imported",
    ];
    terminal.fails(&[&sign[..], &["--yes"]].concat(), 4, "two people");
    let security = security(&hospital).await;
    security.fails(&sign, 2, "--yes");
    let shown = security.ok(&[&sign[..], &["--yes"]].concat());
    assert!(shown.contains("Acme Medical"), "{shown}");
    assert_eq!(terminal.json(&["repository", "list"])[0]["name"], "acme");

    // A directory, packed on the way; then the same again.
    let said = terminal.ok(&import);
    assert!(said.contains(NAME) && said.contains("9.12"), "{said}");
    let again = terminal.run(&import);
    assert_eq!((again.code, again.out.as_str()), (0, ""));
    assert!(again.err.contains("imported already"), "{}", again.err);

    // Another release, as an archive that somebody else's tar made.
    let newer = EXAMPLE.replace("volumat7/9.12", "volumat7/9.13").replace(
        "\"version\": \"9.12\",\n  \"manufacturer\"",
        "\"version\": \"9.13\",\n  \"manufacturer\"",
    );
    make(dir, &build(dir, "9.13", &newer), "volumat7/9.13/release.json");
    let archive = text(&dir.join("acme.tar.gz")).to_owned();
    let _ = run("tar", ["-czf", &archive, "-C", text(dir), "repository"]).ok();
    let said = terminal.json(&["release", "import", "acme", &archive]);
    assert_eq!(said["items"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(said["items"][0]["version"], "9.13");

    // What is there.
    let list = terminal.ok(&["release", "list"]);
    assert!(list.contains("9.13") && list.contains("acme"), "{list}");
    terminal.fails(&["release", "show", NAME], 6, "9.12");
    let shown = terminal.ok(&["release", "show", "Volumat 7 infusion control 9.12"]);
    assert!(
        shown.contains("-5 to 5 percent") && shown.contains("The pump restarts twice"),
        "{shown}"
    );
    let id = said["items"][0]["id"].as_str().unwrap();
    assert_eq!(terminal.json(&["release", "show", id])["manifest"]["name"], NAME);

    refusals(&terminal, dir, repository);
    hospital.close().await;
}

/// What is refused, each with its exit code: of an import, of a spec, and of names that nothing has.
fn refusals(terminal: &Terminal<'_>, dir: &Path, repository: &str) {
    let flipped = Path::new(repository).join("metadata/2.snapshot.json");
    let whole = fs::read_to_string(&flipped).unwrap();
    fs::write(&flipped, whole.replace("\"version\": 2", "\"version\": 3")).unwrap();
    terminal.fails(&["release", "import", "acme", repository], 7, "2.snapshot.json");
    terminal.fails(&["release", "import", "nobody", repository], 5, "no repository");
    terminal.fails(
        &["release", "import", "acme", text(&dir.join("keys"))],
        7,
        "metadata",
    );
    terminal.fails(
        &["release", "import", "acme", text(&dir.join("garbage.json"))],
        7,
        "",
    );

    let plan = write(
        &dir.join("plan.toml"),
        "pumps = { filter = 'model = \"Volumat 7\"' }\nwaves = [{ name = \"All\", takes = \"rest\" }]\n",
    );
    let release = "Volumat 7 infusion control 9.13";
    let preview = terminal.json(&["rollout", "preview", "--release", release, "--spec", &plan]);
    assert_eq!(preview["waves"][0]["pumps"], json!([]));
    let course = &preview["waves"][0]["forecast"]["optimistic"];
    assert_eq!(
        course["passes"],
        Value::Null,
        "a wave without pumps passes no gate: {course}"
    );
    assert_eq!(
        (&preview["left_out"], &preview["in_no_wave"]),
        (&json!([]), &json!([]))
    );
    let create = ["rollout", "create", "R", "--release", release, "--spec"];
    terminal.fails(
        &[&create[..], &[&plan]].concat(),
        7,
        "no pump would get the release",
    );
    let bad = write(
        &dir.join("bad.toml"),
        "pumps = { filter = 'modle = x' }\nwaves = [{ name = \"All\", takes = \"rest\" }]\n",
    );
    terminal.fails(
        &[&create[..], &[&bad]].concat(),
        7,
        "pumps.filter: column 1: `modle`",
    );
    let unknown = write(
        &dir.join("unknown.json"),
        "{ \"pumps\": { \"list\": [\"BM-404\"] }, \"waves\": [{ \"name\": \"All\", \"takes\": \"rest\" }] }",
    );
    terminal.fails(&[&create[..], &[&unknown]].concat(), 5, "BM-404");
    for (arguments, what) in [
        (&["rollout", "show", "R"][..], "no rollout `R`"),
        (&["rollout", "why", "BM-404"], "no pump `BM-404`"),
        (&["rollout", "submit", "R"], "no rollout `R`"),
        (
            &["rollout", "preview", "--release", "X", "--spec", &plan],
            "no release `X`",
        ),
        (&["wave", "brief", "R/1", "--care-area", "MICU"], "`R/1`"),
        (
            &["pump", "check", "BM-404", "flow", "--not-run"],
            "no pump `BM-404`",
        ),
        (
            &["area", "floor", "MICU", "Volumat 7", "6"],
            "no care area `MICU`",
        ),
    ] {
        terminal.fails(arguments, 5, what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_by_other_tools_imports() {
    let Some(python) = python("a repository by python-tuf") else {
        return;
    };
    let hospital = Hospital::open().await;
    let dir = hospital.dir();
    let terminal = Terminal::of(&hospital, &hospital.api).with_pin();
    let manifest = build(dir, "9.12", EXAMPLE);
    let files: Vec<_> = ["volumat7/9.12/early.bin", "volumat7/9.12/main.bin"]
        .iter()
        .map(|path| format!("{path}={}", text(&dir.join("9.12").join(path))))
        .collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/tuf_repository.py");
    let repository = dir.join("by-python");
    let mut arguments = vec![
        script,
        text(&repository),
        "ecdsa",
        "yes",
        text(&manifest),
        "volumat7/9.12/release.json",
    ];
    arguments.extend(files.iter().map(String::as_str));
    let _ = run(text(&python), arguments).ok();

    let root = repository.join("metadata/1.root.json");
    terminal.ok(&[
        "repository",
        "add",
        "acme",
        "--manufacturer",
        "Acme Medical",
        "--root",
        text(&root),
    ]);
    security(&hospital).await.ok(&[
        "signature",
        "sign",
        "trust_root",
        "acme",
        "--meaning",
        "root_of_trust_imported",
        "--yes",
    ]);
    let said = terminal.ok(&["release", "import", "acme", text(&repository)]);
    assert!(said.contains(NAME), "{said}");
    hospital.close().await;
}

/// A release for every simulated pump of one model.
fn manifest_for(pump: &PumpBlueprint) -> String {
    json!({
        "v": 1,
        "name": "Radio",
        "version": "9.9.9",
        "manufacturer": pump.manufacturer,
        "models": [pump.model],
        "class": "configuration",
        "brings": [{ "name": "wireless", "version": "9.9.9", "scheme": "semver" }],
        "security": { "counter": 1000, "floor": 1 },
        "targets": [{ "path": "radio/9.9.9.bin" }],
        "checks": [
            {
                "id": "self-test", "kind": "self_test", "conduct": { "by": "pump" }, "prompt": "Errors.",
                "expect": { "reading": "quantity", "unit": "count", "high": 0, "guard_band": 0 },
            },
            {
                "id": "library", "kind": "library_integrity", "conduct": { "by": "pump" }, "prompt": "The approved one.",
                "expect": { "reading": "digest", "sha256": "ab".repeat(32) },
            },
        ],
        "bedside": ["The screen looks the same."],
        "fixes": [],
    })
    .to_string()
}

/// Pumps that do nothing by themselves, connected, with their inventory on record.
async fn fleet(hospital: &Hospital, pumps: usize) -> (Simulation, Vec<PumpBlueprint>) {
    let blueprints = FleetPlan::new(pumps, 11).build().unwrap();
    let list = expected_csv(&blueprints);
    let imported = hospital
        .api
        .post_text("/expected/import?dry_run=false", "text/csv", list);
    let _ = imported.await.ok(200);
    let all = json!({ "all_expected": true });
    let tokens = hospital.api.post("/enrol-tokens/batch", &all).await.ok(201);
    let tokens: std::collections::HashMap<_, _> = tokens["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| ["serial", "secret"].map(|member| token[member].as_str().unwrap().to_owned()))
        .map(|[serial, secret]| (serial, secret))
        .collect();
    let at = hospital.addresses();
    let mut config = SimConfig::new(
        blueprints.clone(),
        at.mqtt.to_string().parse().unwrap(),
        format!("https://{}", at.bulk),
        fs::read(hospital.root_file()).unwrap(),
        Arc::new(move |serial: &str| tokens.get(serial).cloned()),
        hospital.dir().join("pumps"),
    );
    config.rhythm = Rhythm::Still;
    let simulation = Simulation::start(config).unwrap();
    let wanted = pumps as u64;
    eventually("the fleet has reported", || async {
        let now = simulation.figures();
        (now.connected == wanted && now.reports_acked >= wanted).then_some(())
    })
    .await;
    (simulation, blueprints)
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one story, told from its beginning")]
async fn a_rollout_is_written_approved_stopped_and_says_what_it_waits_for() {
    let hospital = Hospital::open().await;
    let dir = hospital.dir();
    let (simulation, pumps) = fleet(&hospital, 6).await;
    let terminal = Terminal::of(&hospital, &hospital.api).with_pin();
    make(
        dir,
        &build(dir, "radio", &manifest_for(&pumps[0])),
        "radio/release.json",
    );
    let repository = dir.join("repository");
    let (maker, model) = (pumps[0].manufacturer.to_string(), pumps[0].model.to_string());
    let root = repository.join("metadata/1.root.json");
    terminal.ok(&[
        "repository",
        "add",
        "radio",
        "--manufacturer",
        &maker,
        "--root",
        text(&root),
    ]);
    security(&hospital).await.ok(&[
        "signature",
        "sign",
        "trust_root",
        "radio",
        "--meaning",
        "root_of_trust_imported",
        "--yes",
    ]);
    terminal.ok(&["release", "import", "radio", text(&repository)]);

    // A canary by its serial number, in a window that opens on one day in four years.
    let serial = pumps[0].serial.to_string();
    let plan = format!(
        "pumps = {{ filter = 'serial != none' }}\n\
         waves = [{{ name = \"Canary\", takes = {{ list = [\"{serial}\"] }} }}, {{ name = \"All\", takes = \"rest\" }}]\n\
         windows = [{{ opens = \"0 3 29 2 *\", minutes = 60, zone = \"UTC\" }}]\n"
    );
    let plan = write(&dir.join("plan.toml"), &plan);
    let shown = terminal.ok(&["rollout", "preview", "--release", "Radio", "--spec", &plan]);
    assert!(
        shown.contains(&serial) && shown.contains("radio/9.9.9.bin"),
        "{shown}"
    );
    terminal.ok(&[
        "rollout",
        "create",
        "Radio 9.9.9",
        "--release",
        "radio 9.9.9",
        "--spec",
        &plan,
    ]);
    let whole = terminal.json(&["rollout", "show", "radio 9.9.9"]);
    assert_eq!(whole["waves"][0]["assignments"][0]["serial"], serial);
    assert_eq!(whole["spec"]["limits"]["attempts"], 5, "every limit is on record");
    let why = terminal.ok(&["rollout", "why", &serial]);
    assert!(why.contains("still being written"), "{why}");
    let shown = terminal.ok(&["rollout", "show", "Radio 9.9.9", "--pumps"]);
    assert!(shown.contains("Draft") && shown.contains(&serial), "{shown}");
    let left = terminal.run(&["rollout", "show", "Radio 9.9.9", "--catch-up"]);
    assert!(left.err.contains("no such pumps"), "{}", left.err);

    // Whoever wrote it does not approve it.
    terminal.ok(&["rollout", "submit", "Radio 9.9.9"]);
    terminal.fails(&["rollout", "submit", "Radio 9.9.9"], 6, "gateway rollout show");
    let sign = [
        "signature",
        "sign",
        "rollout",
        "Radio 9.9.9",
        "--meaning",
        "rollout_approved",
        "--yes",
    ];
    terminal.fails(&sign, 4, "");
    let lead = hospital
        .administrator
        .add_person("lena", "Lena Park", &["biomed_lead"])
        .await;
    let lead = Terminal::of(&hospital, &lead).with_pin();
    lead.ok(&sign);
    eventually("the loop has seen the approval", || async {
        let whole = terminal.json(&["rollout", "show", "Radio 9.9.9"]);
        (whole["state"] == "running").then_some(())
    })
    .await;
    let waiting = terminal.ok(&["rollout", "waiting", "Radio 9.9.9"]);
    assert!(
        waiting.contains("wave 1, Canary") && waiting.contains(&serial),
        "{waiting}"
    );

    let second = pumps[1].serial.to_string();
    left_out_and_back(&terminal, &second).await;

    // The canary's ward is briefed.
    let area = terminal.json(&["pump", "show", &serial])["care_area"]
        .as_str()
        .unwrap()
        .to_owned();
    let nurse = json!([{ "role": "charge_nurse", "care_areas": [care_area(&terminal, &area)] }]);
    let nurse = hospital
        .administrator
        .add_person_with("nora", "Nora Lind, RN", &nurse)
        .await;
    let nurse = Terminal::of(&hospital, &nurse).with_pin();
    nurse.fails(&["wave", "brief", "Canary", "--care-area", &area], 2, "--yes");
    let read = nurse.ok(&["wave", "brief", "Canary", "--care-area", &area, "--yes"]);
    assert!(read.contains("The screen looks the same."), "{read}");
    nurse.ok(&[
        "signature",
        "sign",
        "wave",
        "Radio 9.9.9/1",
        "--care-area",
        &area,
        "--meaning",
        "briefing_acknowledged",
        "--yes",
    ]);
    eventually("the window is what the pump waits for", || async {
        // The pump waits for its wave, and the wave for its window.
        let why = terminal.json(&["rollout", "why", &serial]);
        let what = why[0]["wave"]["waits_for"].to_string();
        what.contains("no maintenance window is open").then_some(())
    })
    .await;

    terminal.ok(&[
        "rollout",
        "pause",
        "Radio 9.9.9",
        "--reason",
        "network maintenance",
    ]);
    let list = terminal.ok(&["rollout", "list"]);
    assert!(
        list.contains("Paused") && list.contains("network maintenance"),
        "{list}"
    );
    terminal.ok(&["rollout", "resume", "Radio 9.9.9", "--reason", "done"]);
    terminal.ok(&["rollout", "halt", "Radio 9.9.9", "--reason", "alarms late"]);
    terminal.fails(
        &["rollout", "cancel", "Radio 9.9.9", "--reason", "enough"],
        2,
        "--yes",
    );
    terminal.ok(&["rollout", "cancel", "Radio 9.9.9", "--reason", "enough", "--yes"]);
    let why = terminal.ok(&["rollout", "why", &serial]);
    assert!(why.contains("Cancelled"), "the last that had it: {why}");
    terminal.fails(
        &["rollout", "resume", "Radio 9.9.9", "--reason", "x"],
        6,
        "cancelled",
    );

    // What is done with one pump, and what a ward keeps.
    terminal.fails(&["pump", "check", &serial, "flow", "--not-run"], 6, "no update");
    terminal.fails(&["pump", "roll-back", &serial, "--reason", "x"], 6, "no update");
    terminal.fails(
        &["pump", "try-again", &serial, "--reason", "x"],
        6,
        "write a new rollout",
    );
    let wave = whole["waves"][0]["id"].as_str().unwrap();
    terminal.fails(&["wave", "roll-back", wave, "--reason", "x"], 2, "--yes");
    terminal.fails(
        &["wave", "roll-back", wave, "--reason", "x", "--yes"],
        6,
        "no update",
    );
    drug_library(&hospital, &terminal, &model).await;
    terminal.ok(&["area", "floor", &area, &model, "3"]);
    let floors = terminal.ok(&["area", "floors"]);
    assert!(floors.contains(&area) && floors.contains(&model), "{floors}");
    terminal.ok(&["area", "floor", &area, &model, "0"]);
    assert!(terminal.json(&["area", "floors"]).as_array().unwrap().is_empty());
    assert_eq!(simulation.stop().await.therapy_interruptions, 0);
    hospital.close().await;
}

/// A pump is taken out of a rollout that runs, and tried again.
async fn left_out_and_back(terminal: &Terminal<'_>, serial: &str) {
    let out = ["pump", "take-out", serial, "--reason", "on loan"];
    let said = terminal.ok(&out);
    assert!(said.contains("leaves its rollout"), "{said}");
    let taken = || async {
        let why = terminal.json(&["rollout", "why", serial]);
        (why[0]["pump"]["state"] == "cancelled").then_some(())
    };
    eventually("the pump is out", taken).await;
    terminal.fails(&out, 6, "gateway rollout why");
    let again = ["pump", "try-again", serial, "--reason", "back from loan"];
    terminal.ok(&again);
    let why = terminal.json(&["rollout", "why", serial]);
    assert_eq!(why[0]["pump"]["state"], "planned", "{why}");
}

/// The pharmacy says which library is right, and nobody else does.
async fn drug_library(hospital: &Hospital, terminal: &Terminal<'_>, model: &str) {
    let none = terminal.run(&["library", "list"]);
    assert!(none.out.is_empty(), "{}", none.out);
    let hash = "ab".repeat(32);
    let approve = [
        "library",
        "approve",
        model,
        "Adult ICU",
        "2026-11",
        "--sha256",
        &hash,
        "--reason",
        "committee",
    ];
    terminal.fails(&approve, 4, "");
    let pharmacist = hospital
        .administrator
        .add_person("pia", "Pia Holm", &["pharmacy"])
        .await;
    let pharmacist = Terminal::of(hospital, &pharmacist);
    pharmacist.ok(&approve);
    let list = terminal.ok(&["library", "list"]);
    assert!(
        list.contains(model) && list.contains("Adult ICU") && list.contains(&hash),
        "{list}"
    );
    pharmacist.ok(&[
        "library",
        "withdraw",
        model,
        "--reason",
        "wrong limits for heparin",
    ]);
    let history = terminal.ok(&["library", "list", model]);
    assert!(
        history.contains("none is approved") && history.contains("2026-11"),
        "{history}"
    );
}

/// The id of a care area.
fn care_area(terminal: &Terminal<'_>, name: &str) -> String {
    let areas = terminal.json(&["area", "list"]);
    let found = areas.as_array().unwrap().iter().find(|area| area["name"] == name);
    found.unwrap()["id"].as_str().unwrap().to_owned()
}
