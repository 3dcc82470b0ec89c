//! The rollout of the story: from a signed release to pumps that a nurse verified, or that are held.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use agent_sim::{
    blueprint::PumpBlueprint,
    firmware::{Fault, library_digest},
    fleet::Simulation,
    life::Intervention,
    scenario::Action,
};
use fleet::{Timestamp, release::TargetPath};
use serde_json::{Value, json};
use wire::message::DrugLibrary;

use super::{
    desk::{DeskError, text},
    mend,
    narrator::Narrator,
    people::ToSign,
    stage::Stage,
    story::{Outcome, first_line},
};
use crate::{
    cli::client::Call,
    firmware::make::{self, Make, Settings},
};

const MAKER: &str = "Arden Medical";
const MODEL: &str = "AX-1 LVP";
const FILE: &str = "ax1/3.3.0/wireless.bin";
const MANIFEST: &str = "ax1/3.3.0/release.json";
/// Of the firmware file, in bytes.
const LENGTH: usize = 768 * 1024;
/// How long a wave may take here.
const PATIENCE: Duration = Duration::from_secs(120);
/// Whose occlusion sensor is off: the first pump of this care area that gets the release.
const FAULTY_IN: &str = "ED";
const CANARY: [&str; 2] = ["4 West", "ED"];

/// A manufacturer with a release: a TUF repository, and the root of trust that its pumps left the factory with.
pub(super) struct Manufacturer {
    repository: PathBuf,
    root: PathBuf,
}

/// What the rollout came to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Updated {
    pub(super) waves_passed: u64,
    pub(super) in_service: u64,
    pub(super) tickets: u64,
}

impl Manufacturer {
    /// Signs a release, as a manufacturer does.
    pub(super) fn make(dir: &Path, now: Timestamp) -> Outcome<Self> {
        std::fs::create_dir_all(dir)?;
        let image = dir.join("wireless.bin");
        std::fs::write(&image, make::demo_image(3, LENGTH))?;
        let manifest = manifest()?;
        let repository = dir.join("repository");
        let path = |text: &str| text.parse::<TargetPath>();
        let made = make::make(&Make {
            repository: &repository,
            keys: &dir.join("keys"),
            manifest: manifest.to_string().as_bytes(),
            manifest_path: &path(MANIFEST)?,
            files: &BTreeMap::from([(path(FILE)?, image)]),
            settings: Settings::default(),
            now,
        })?;
        Ok(Self {
            repository,
            root: made.root,
        })
    }

    /// Its pumps know its root; one of them has a fault that nobody knows of yet.
    pub(super) fn prepare(&self, fleet: &mut [PumpBlueprint]) {
        let mut faulty = false;
        for pump in fleet.iter_mut().filter(|pump| pump.model.as_str() == MODEL) {
            pump.tuf_root = Some(self.root.clone());
            // The third pump of the story is isolated for another reason.
            if !faulty && pump.index > 3 && pump.care_area.as_str() == FAULTY_IN {
                pump.faults.set(Fault::OcclusionSensor, true);
                faulty = true;
            }
        }
    }
}

fn manifest() -> Outcome<Value> {
    let library = DrugLibrary {
        name: "Adult general".parse()?,
        version: "2026.06".parse()?,
    };
    let quantity = |unit: &str, low: Value, high: Value, band: f64| json!({ "reading": "quantity", "unit": unit, "low": low, "high": high, "guard_band": band });
    let check = |id: &str, kind: &str, prompt: &str, expect: Value| json!({ "id": id, "kind": kind, "conduct": { "by": "pump" }, "prompt": prompt, "expect": expect });
    let none = Value::Null;
    let mut checks = vec![
        check(
            "self-test",
            "self_test",
            "Errors in memory and processors.",
            quantity("count", none.clone(), json!(0), 0.0),
        ),
        check(
            "library",
            "library_integrity",
            "The drug library is the approved one.",
            json!({ "reading": "digest", "sha256": library_digest(&library) }),
        ),
        check(
            "clock",
            "clock",
            "How far the clock is off.",
            quantity("second", json!(-5), json!(5), 1.0),
        ),
        check(
            "link",
            "network_link",
            "Radio signal.",
            quantity("dbm", json!(-80), none, 2.0),
        ),
        check(
            "occlusion",
            "occlusion_pressure",
            "The pressure at which the pump stops and alarms.",
            quantity("kpa", json!(30), json!(90), 5.0),
        ),
    ];
    for check in &mut checks {
        if let Some(Value::Object(expect)) = check.get_mut("expect") {
            expect.retain(|_, value| !value.is_null());
        }
    }
    Ok(json!({
        "v": 1,
        "name": "AX-1 wireless",
        "version": "3.3.0",
        "manufacturer": MAKER,
        "models": [MODEL],
        "class": "communications",
        "brings": [
            { "name": "wireless", "version": "3.3.0", "scheme": "semver" },
            { "name": "drug-library", "version": library.version, "scheme": "unknown" },
        ],
        "security": { "counter": 41, "floor": 40 },
        "targets": [{ "path": FILE }],
        "checks": checks,
        "bedside": [
            "The screen looks the same.",
            "The pump restarts once and tests itself; this takes two minutes.",
        ],
        "fixes": [{ "id": "CVE-2026-1001", "extent": "fully" }],
    }))
}

/// Tells it: the waves one after the other, and how a pump that was held in one of them comes back.
pub(super) async fn tell(
    stage: &Stage,
    simulation: &Simulation,
    narrator: &mut Narrator,
) -> Outcome<Updated> {
    let release = import(stage, narrator).await?;
    let rollout = plan(stage, &release, narrator).await?;
    let id = text(&rollout, "id")?;
    let mut updated = Updated::default();
    let waves = waves(stage, &id).await?;
    for number in 0..waves.len() {
        let held = wave(stage, simulation, &id, number, narrator).await?;
        updated.waves_passed += 1;
        for serial in held {
            mend::tell(stage, simulation, &serial, narrator).await?;
        }
    }
    let whole = until(stage, &id, "the rollout is completed", |whole| {
        whole.get("state") == Some(&json!("completed"))
    })
    .await?;
    let assignments = all_assignments(&whole);
    let verified = assignments
        .iter()
        .filter(|one| one.get("state") == Some(&json!("in_service")))
        .count();
    updated.in_service = verified as u64;
    let tickets = stage
        .people
        .auditor
        .list(Call::get(["audit"]).query("action", "ticket_issued"))
        .await?;
    updated.tickets = tickets.len() as u64;
    narrator.say(&format!(
        "Completed: {verified} of {} pumps are verified and in service; {} tickets, no infusion touched.",
        assignments.len(),
        tickets.len()
    ))?;
    Ok(updated)
}

async fn import(stage: &Stage, narrator: &mut Narrator) -> Outcome<String> {
    narrator.step("A manufacturer's release comes in")?;
    let root = std::fs::read_to_string(&stage.release.root)?;
    let body = json!({ "name": "arden", "manufacturer": MAKER, "root": root });
    let repository = stage
        .people
        .biomed
        .ask(Call::post(["repositories"]).json(body))
        .await?;
    let id = text(&repository, "id")?;
    let archive = pack(&stage.release.repository)?;
    let send = || Call::post(["repositories", &id, "import"]).octets(archive.clone());
    if let Err(refusal) = stage.people.biomed.ask(send()).await {
        narrator.say(&format!("Refused: {}", first_line(&refusal.to_string())))?;
    }
    let signed = stage
        .people
        .security
        .sign(&ToSign {
            kind: "trust_root",
            id: &id,
            meaning: "root_of_trust_imported",
            care_area: None,
        })
        .await?;
    narrator.say(&format!(
        "{} compares the root's hash with the manufacturer's letter, and signs: “{}”.",
        text(&signed, "printed_name")?,
        text(&signed, "label")?
    ))?;
    let imported = stage.people.biomed.ask(send()).await?;
    let release = imported.pointer("/items/0").cloned().unwrap_or_default();
    narrator.say(&format!(
        "Imported: {} {}. Signatures, thresholds, expiry and every file hold, as a pump would check them.",
        text(&release, "name")?,
        text(&release, "version")?
    ))?;
    let mut broken = archive.clone();
    if let Some(at) = find(&broken, &make::demo_image(3, 64))
        && let Some(byte) = broken.get_mut(at)
    {
        *byte ^= 1;
    }
    let tampered = Call::post(["repositories", &id, "import"]).octets(broken);
    if let Err(refusal) = stage.people.biomed.ask(tampered).await {
        narrator.say(&format!(
            "With one bit changed: {}",
            first_line(&refusal.to_string())
        ))?;
    }
    Ok(text(&release, "id")?)
}

fn pack(dir: &Path) -> Outcome<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for part in ["metadata", "targets"] {
        archive.append_dir_all(part, dir.join(part))?;
    }
    Ok(archive.into_inner()?)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

async fn plan(stage: &Stage, release: &str, narrator: &mut Narrator) -> Outcome<Value> {
    narrator.step("Biomed plans a rollout, and another approves it")?;
    let spec = json!({
        "pumps": { "filter": format!("model = \"{MODEL}\"") },
        "waves": [
            { "name": "Canary", "takes": { "care_areas": CANARY } },
            { "name": "Critical care", "takes": { "care_areas": ["MICU", "NICU"] } },
        ],
        "windows": [{ "opens": "0 0 * * *", "minutes": 1440, "zone": "UTC" }],
        "limits": {
            "failure_percent": 50, "failure_count": 2, "verified_percent": 50, "briefing_percent": 100,
            "soak_seconds": 2, "install_seconds": 1, "retry_seconds": 1,
        },
    });
    let draft = json!({ "release": release, "spec": spec });
    let preview = stage
        .people
        .biomed
        .ask(Call::post(["rollouts", "preview"]).json(draft))
        .await?;
    for wave in items(&preview, "/waves") {
        let serials: Vec<_> = items(wave, "/pumps")
            .iter()
            .filter_map(|pump| pump.get("serial")?.as_str())
            .collect();
        narrator.say(&format!("{}: {}", text(wave, "name")?, serials.join(", ")))?;
    }
    for out in items(&preview, "/left_out") {
        narrator.say(&format!(
            "Left out: {}, {}",
            text(out, "serial")?,
            text(out, "detail")?
        ))?;
    }
    let body = json!({ "name": "AX-1 wireless 3.3.0", "release": release, "spec": spec });
    let rollout = stage
        .people
        .biomed
        .ask(Call::post(["rollouts"]).json(body))
        .await?;
    let id = text(&rollout, "id")?;
    stage
        .people
        .biomed
        .ask(Call::post(["rollouts", &id, "acts"]).json(json!({ "act": "submit" })))
        .await?;
    let signed = stage
        .people
        .approver
        .sign(&ToSign {
            kind: "rollout",
            id: &id,
            meaning: "rollout_approved",
            care_area: None,
        })
        .await?;
    narrator.say(&format!(
        "Lena Park wrote it; {} approves it: “{}”.",
        text(&signed, "printed_name")?,
        text(&signed, "label")?
    ))?;
    Ok(rollout)
}

async fn wave(
    stage: &Stage,
    simulation: &Simulation,
    rollout: &str,
    number: usize,
    narrator: &mut Narrator,
) -> Outcome<Vec<String>> {
    let wave = until_wave(
        stage,
        rollout,
        number,
        "its care areas are briefed",
        &["briefing"],
    )
    .await?;
    let (id, name) = (text(&wave, "id")?, text(&wave, "name")?);
    narrator.step(&format!(
        "Wave {}, {name}: the staff read what changes at the bedside",
        number + 1
    ))?;
    let areas = brief(stage, &id, narrator).await?;
    let began = Instant::now();
    let finished = update(stage, simulation, rollout, number).await?;
    let held: Vec<_> = items(&finished, "/assignments")
        .iter()
        .filter(|one| one.get("state") == Some(&json!("quarantined")))
        .filter_map(|one| Some(one.get("serial")?.as_str()?.to_owned()))
        .collect();
    narrator.say(&format!(
        "{} pumps fetched, checked, installed when they were free, and proved themselves in {:.0} s.",
        items(&finished, "/assignments").len(),
        began.elapsed().as_secs_f64()
    ))?;
    for serial in &held {
        let pump = stage.people.biomed.pump(serial).await?;
        let reason = pump
            .pointer("/hold/reason")
            .and_then(Value::as_str)
            .unwrap_or_default();
        narrator.say(&format!("Held: {serial}, {reason}."))?;
    }
    let waits = stage
        .people
        .biomed
        .page(Call::get(["rollouts", rollout, "waiting"]))
        .await?;
    for wait in waits
        .iter()
        .filter(|wait| wait.get("wave").and_then(Value::as_str) == Some(&id))
    {
        narrator.say(&format!("The gate waits: {}.", text(wait, "what")?))?;
    }
    for area in &areas {
        let signed = stage
            .people
            .charge_nurse
            .sign(&ToSign {
                kind: "wave",
                id: &id,
                meaning: "approved_for_wave",
                care_area: Some(area),
            })
            .await?;
        narrator.say(&format!(
            "{}, {}: “{}”.",
            text(&signed, "printed_name")?,
            signed
                .pointer("/care_area/name")
                .and_then(Value::as_str)
                .unwrap_or_default(),
            text(&signed, "label")?
        ))?;
    }
    until_wave(stage, rollout, number, "the wave passed", &["passed"]).await?;
    Ok(held)
}

/// Everybody reads, and the charge nurse signs for each care area. Says which these are.
async fn brief(stage: &Stage, wave: &str, narrator: &mut Narrator) -> Outcome<Vec<String>> {
    let charge_nurse = &stage.people.charge_nurse;
    let look = Call::get(["signatures", "subjects", "wave", wave]).query("meaning", "briefing_acknowledged");
    let shown = charge_nurse.desk.ask(look).await?;
    for line in items(&shown, "/content/bedside") {
        narrator.say(&format!("“{}”", line.as_str().unwrap_or_default()))?;
    }
    let areas: Vec<_> = items(&shown, "/care_areas")
        .iter()
        .filter_map(|area| Some(area.as_str()?.to_owned()))
        .collect();
    for area in &areas {
        let read = || Call::post(["waves", wave, "briefing"]).json(json!({ "care_area": area }));
        charge_nurse.desk.ask(read()).await?;
        // Nora works in one of them; elsewhere it is not hers to say.
        let _ = stage.people.nurse.desk.ask(read()).await;
        charge_nurse
            .sign(&ToSign {
                kind: "wave",
                id: wave,
                meaning: "briefing_acknowledged",
                care_area: Some(area),
            })
            .await?;
    }
    Ok(areas)
}

/// Nurses put the pumps of the wave aside, and verify those that proved themselves. Says how the wave then is.
async fn update(stage: &Stage, simulation: &Simulation, rollout: &str, number: usize) -> Outcome<Value> {
    let began = Instant::now();
    loop {
        let wave = waves(stage, rollout)
            .await?
            .into_iter()
            .nth(number)
            .unwrap_or_default();
        if wave.get("state") == Some(&json!("awaiting_approval")) {
            return Ok(wave);
        }
        if wave.get("state") == Some(&json!("halted")) || began.elapsed() > PATIENCE {
            return Err(format!("the wave did not come to its end: {wave}").into());
        }
        for one in items(&wave, "/assignments") {
            let serial = text(one, "serial")?;
            match one.get("state").and_then(Value::as_str).unwrap_or_default() {
                "planned" | "authorised" | "downloading" | "staged" | "awaiting_safe" => {
                    let busy = simulation
                        .pumps()
                        .iter()
                        .any(|pump| pump.serial == serial && pump.patient_attached);
                    if busy {
                        simulation
                            .act(&serial, Action::Life(Intervention::StopInfusion))
                            .await;
                    }
                }
                "awaiting_signoff" => verify(stage, one).await?,
                _ => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn verify(stage: &Stage, assignment: &Value) -> Outcome<()> {
    let pump = text(assignment, "pump")?;
    let wanted = ToSign {
        kind: "pump",
        id: &pump,
        meaning: "verified_for_clinical_use",
        care_area: None,
    };
    let done = match stage.people.nurse.sign(&wanted).await {
        Err(DeskError::Refused(_)) => stage.people.charge_nurse.sign(&wanted).await,
        other => other,
    };
    match done {
        Ok(_) => Ok(()),
        // Signed a moment ago; the gateway has not looked yet.
        Err(DeskError::Refused(cause)) if cause.to_string().contains("already") => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn all_assignments(whole: &Value) -> Vec<Value> {
    items(whole, "/waves")
        .iter()
        .flat_map(|wave| items(wave, "/assignments").to_vec())
        .collect()
}

async fn waves(stage: &Stage, rollout: &str) -> Outcome<Vec<Value>> {
    let whole = stage.people.biomed.ask(Call::get(["rollouts", rollout])).await?;
    Ok(items(&whole, "/waves").to_vec())
}

async fn until(stage: &Stage, rollout: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Outcome<Value> {
    let began = Instant::now();
    loop {
        let whole = stage.people.biomed.ask(Call::get(["rollouts", rollout])).await?;
        if wanted(&whole) {
            return Ok(whole);
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("it did not come to pass: {what}: {whole}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until_wave(
    stage: &Stage,
    rollout: &str,
    number: usize,
    what: &str,
    states: &[&str],
) -> Outcome<Value> {
    let is_so = |whole: &Value| {
        let reached = items(whole, "/waves")
            .get(number)
            .and_then(|wave| wave.get("state")?.as_str());
        reached.is_some_and(|reached| states.contains(&reached))
    };
    let whole = until(stage, rollout, what, is_so).await?;
    Ok(items(&whole, "/waves").get(number).cloned().unwrap_or_default())
}
