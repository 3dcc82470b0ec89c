//! The story, step by step. Each step does something, waits until it is so, and says what was seen.

use std::{
    error::Error,
    sync::{Arc, PoisonError},
    time::Instant,
};

use agent_sim::{fleet::Simulation, life::Intervention, scenario::Action};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    desk::{number, text},
    narrator::Narrator,
    people::{PIN, ToSign},
    rollout,
    stage::Stage,
};
use crate::{
    audit::{checkpoint::SignedCheckpoint, verify},
    auth::record_key::RecordPublicKey,
    cli::client::Call,
};

pub(super) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What the story came to.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Counts {
    pumps: u64,
    connected: u64,
    certificates: u64,
    revoked: u64,
    held: u64,
    unknown_pumps: u64,
    telemetry: u64,
    reports: u64,
    orders_done: u64,
    alarms: u64,
    waves_passed: u64,
    in_service: u64,
    tickets: u64,
    signatures: u64,
    audit_entries: u64,
    audit_ok: bool,
}

/// Tells it from the list of expected pumps to a rotated authority.
pub(super) async fn tell(stage: &Stage, narrator: &mut Narrator) -> Outcome<Counts> {
    expect(stage, narrator).await?;
    let simulation = arrive(stage, narrator).await?;
    census(stage, narrator).await?;
    nurse_signs(stage, narrator).await?;
    token_twice(stage, narrator).await?;
    hold_when_free(stage, &simulation, narrator).await?;
    another_network_card(stage, &simulation, narrator).await?;
    revoke(stage, &simulation, narrator).await?;
    rotate(stage, narrator).await?;
    let updated = rollout::tell(stage, &simulation, narrator).await?;
    let audit = audit(stage, narrator).await?;
    count(stage, &simulation, audit, updated).await
}

/// The last pump of the fleet is on no list: somebody brought it along.
async fn expect(stage: &Stage, narrator: &mut Narrator) -> Outcome<()> {
    narrator.step("Biomed imports the list of expected pumps")?;
    let listed = stage
        .fleet
        .get(..stage.fleet.len().saturating_sub(1))
        .unwrap_or_default();
    let csv = agent_sim::blueprint::expected_csv(listed).into_bytes();
    let import = |dry_run: bool| {
        Call::post(["expected", "import"])
            .query("dry_run", dry_run)
            .csv(csv.clone())
    };
    let plan = stage.people.biomed.ask(import(true)).await?;
    narrator.say(&format!(
        "Dry run: {} pumps would be added, nothing is changed yet.",
        number(&plan, "/added")
    ))?;
    let done = stage.people.biomed.ask(import(false)).await?;
    narrator.say(&format!(
        "Imported: {} pumps in {} care areas.",
        number(&done, "/added"),
        areas(stage).await?
    ))?;
    let broken = b"serial,manufacturer,model,mac\nAX1,Acme,V,not-a-mac\n,Acme,V,\n".to_vec();
    let refused = stage
        .people
        .biomed
        .ask(
            Call::post(["expected", "import"])
                .query("dry_run", false)
                .csv(broken),
        )
        .await;
    if let Err(refusal) = refused {
        narrator.say(&format!(
            "A broken file goes in not at all: {}",
            first_line(&refusal.to_string())
        ))?;
    }
    let tokens = stage
        .people
        .biomed
        .ask(Call::post(["enrol-tokens", "batch"]).json(json!({ "all_expected": true })))
        .await?;
    let secrets = tokens
        .get("items")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for secret in &secrets {
        hand_out(stage, text(secret, "serial")?, text(secret, "secret")?);
    }
    if let Some(stranger) = stage.fleet.last() {
        let body = json!({ "serial": stranger.serial, "manufacturer": stranger.manufacturer, "model": stranger.model });
        let token = stage
            .people
            .biomed
            .ask(Call::post(["enrol-tokens"]).json(body))
            .await?;
        hand_out(stage, stranger.serial.to_string(), text(&token, "secret")?);
    }
    narrator.say(&format!(
        "{} one-time tokens are printed, each for one serial number, good for 24 hours.",
        secrets.len() + 1
    ))?;
    Ok(())
}

async fn areas(stage: &Stage) -> Outcome<usize> {
    Ok(stage.people.biomed.list(Call::get(["care-areas"])).await?.len())
}

fn hand_out(stage: &Stage, serial: String, secret: String) {
    stage
        .tokens
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(serial, secret);
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

async fn arrive(stage: &Stage, narrator: &mut Narrator) -> Outcome<Arc<Simulation>> {
    narrator.step("The pumps arrive: each makes a key, asks for a certificate, and connects")?;
    let wanted = stage.fleet.len() as u64;
    let began = Instant::now();
    let simulation = stage.pumps_arrive()?;
    let bar = narrator.bar("enrolling", wanted);
    let mut stats = simulation.stats();
    loop {
        let now = *stats.borrow_and_update();
        bar.set_position(now.connected);
        if now.connected >= wanted && now.reports_acked >= wanted {
            break;
        }
        if now.failed > 0 {
            return Err("a pump gave up; run with --keep and look at its state directory".into());
        }
        stats.changed().await?;
    }
    bar.finish_and_clear();
    narrator.say(&format!(
        "{wanted} pumps enrolled by EST and connected over mutual TLS in {:.1} s.",
        began.elapsed().as_secs_f64()
    ))?;
    Ok(simulation)
}

async fn census(stage: &Stage, narrator: &mut Narrator) -> Outcome<()> {
    narrator.step("The gateway knows every pump")?;
    for area in stage.people.biomed.list(Call::get(["care-areas"])).await? {
        let name = text(&area, "name")?;
        let pumps = stage
            .people
            .biomed
            .list(Call::get(["pumps"]).query("care_area", text(&area, "id")?))
            .await?;
        let free = pumps
            .iter()
            .filter(|pump| pump.pointer("/state/availability") == Some(&json!("free")))
            .count();
        narrator.say(&format!(
            "{name:<8} {:>3} pumps: {free} free, {} with patients or busy",
            pumps.len(),
            pumps.len() - free
        ))?;
    }
    for found in stage.people.biomed.list(Call::get(["discrepancies"])).await? {
        if found.get("kind") == Some(&json!("unknown")) {
            let serial = found
                .pointer("/pumps/0/serial")
                .and_then(Value::as_str)
                .unwrap_or("a pump");
            narrator.say(&format!("To settle: {serial} {}.", text(&found, "summary")?))?;
        }
    }
    Ok(())
}

/// A nurse with a phone in one hand: what she sees, what she says by signing, and what it takes.
async fn nurse_signs(stage: &Stage, narrator: &mut Narrator) -> Outcome<()> {
    narrator.step("A nurse signs a pump as clinically verified")?;
    let Some(pump) = stage.fleet.get(1) else {
        return Ok(());
    };
    let nurse = &stage.people.nurse.desk;
    let id = text(&nurse.pump(pump.serial.as_str()).await?, "id")?;
    let shown = nurse
        .ask(Call::get(["signatures", "subjects", "pump", &id]))
        .await?;
    narrator.say(&format!(
        "She is shown {}: what it is and what it runs, under the hash {}….",
        pump.asset_tag,
        text(&shown, "content_hash")?.get(..12).unwrap_or_default()
    ))?;
    let signature = |factors: Value| {
        Call::post(["signatures"]).json(json!({
            "kind": "pump",
            "id": id,
            "version": shown.get("version"),
            "content_hash": shown.get("content_hash"),
            "meaning": "verified_for_clinical_use",
            "factors": factors,
        }))
    };
    if let Err(refusal) = nurse.ask(signature(json!({ "pin": PIN }))).await {
        narrator.say(&format!(
            "With the PIN alone: {}",
            first_line(&refusal.to_string())
        ))?;
    }
    let whole = ToSign {
        kind: "pump",
        id: &id,
        meaning: "verified_for_clinical_use",
        care_area: None,
    };
    let signed = stage.people.nurse.sign(&whole).await?;
    narrator.say(&format!(
        "Signed: “{}”, {}, {}, {}.",
        text(&signed, "label")?,
        text(&signed, "printed_name")?,
        signed
            .pointer("/care_area/name")
            .and_then(Value::as_str)
            .unwrap_or("no care area"),
        text(&signed, "signed_at")?
    ))?;
    if let Err(refusal) = stage.people.nurse.sign(&whole).await {
        narrator.say(&format!("A second time: {}", first_line(&refusal.to_string())))?;
    }
    let elsewhere = stage.fleet.iter().find(|other| other.care_area != pump.care_area);
    if let Some(other) = elsewhere {
        let id = text(&nurse.pump(other.serial.as_str()).await?, "id")?;
        let body = json!({ "kind": "clinical", "reason": "not mine to hold" });
        if let Err(refusal) = nurse.ask(Call::post(["pumps", &id, "hold"]).json(body)).await {
            narrator.say(&format!(
                "A pump of {}: {}",
                other.care_area,
                first_line(&refusal.to_string())
            ))?;
        }
    }
    Ok(())
}

/// A token that was read off a label in a bin.
async fn token_twice(stage: &Stage, narrator: &mut Narrator) -> Outcome<()> {
    narrator.step("Somebody finds a used token and tries it with a key of their own")?;
    let Some(first) = stage.fleet.first() else {
        return Ok(());
    };
    let serial = first.serial.as_str();
    let secret = stage
        .tokens
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(serial)
        .cloned()
        .unwrap_or_default();
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let request = params.serialize_request(&key)?.pem()?;
    let root = reqwest::Certificate::from_pem(&stage.root_pem)?;
    let client = reqwest::Client::builder()
        .tls_certs_only([root])
        .no_proxy()
        .build()?;
    let answer = client
        .post(format!("https://{}{}", stage.bulk, wire::bulk::SIMPLEENROLL))
        .basic_auth(serial, Some(secret))
        .header("content-type", wire::bulk::PKCS10)
        .body(request)
        .send()
        .await?;
    narrator.say(&format!(
        "Refused ({}): {}",
        answer.status().as_u16(),
        answer.text().await?.trim()
    ))?;
    Ok(())
}

/// S10: a hold never stops an infusion.
async fn hold_when_free(stage: &Stage, simulation: &Simulation, narrator: &mut Narrator) -> Outcome<()> {
    narrator.step("A nurse reports a problem with a pump that is infusing")?;
    let Some(pump) = stage.fleet.get(1) else {
        return Ok(());
    };
    let serial = pump.serial.as_str();
    let start = Intervention::StartInfusion {
        rate: 90.0,
        volume: 20_000.0,
    };
    simulation
        .act(serial, Action::Life(Intervention::StopInfusion))
        .await;
    simulation.act(serial, Action::Life(start)).await;
    stage
        .people
        .biomed
        .until(serial, "the pump infuses", |pump| {
            pump.pointer("/state/activity") == Some(&json!("infusing"))
        })
        .await?;
    let id = text(&stage.people.biomed.pump(serial).await?, "id")?;
    let body = json!({ "kind": "clinical", "reason": "Alarm sounded late" });
    let held = stage
        .people
        .nurse
        .desk
        .ask(Call::post(["pumps", &id, "hold"]).json(body))
        .await?;
    narrator.say(&format!(
        "{} is held ({}): the infusion goes on, the hold begins when the pump is free.",
        pump.asset_tag,
        held.pointer("/hold/effect")
            .and_then(Value::as_str)
            .unwrap_or("unknown")
            .replace('_', " ")
    ))?;
    let answered = |view: &agent_sim::PumpView| view.serial == serial && view.hold_in_force == Some(false);
    wait(simulation, answered).await?;
    narrator.say("The pump has the order and says: when free.")?;
    simulation
        .act(serial, Action::Life(Intervention::StopInfusion))
        .await;
    wait(simulation, |view| {
        view.serial == serial && view.hold_in_force == Some(true)
    })
    .await?;
    let (pump_now, _) = stage
        .people
        .biomed
        .until(serial, "the hold is in force", |pump| {
            pump.pointer("/hold/effect") == Some(&json!("in_force"))
        })
        .await?;
    let signed = stage
        .people
        .nurse
        .desk
        .page(Call::get(["signatures"]).query("subject", &id))
        .await?;
    let void = signed
        .iter()
        .find_map(|signature| signature.get("void").and_then(Value::as_str))
        .unwrap_or("none");
    narrator.say(&format!(
        "Her signature on it stays on record, and does not stand any more: {void}."
    ))?;
    narrator.say(&format!(
        "The nurse ends the infusion; now it reads “{}” and starts no new one.",
        text(&pump_now, "status_label")?
    ))?;
    Ok(())
}

/// Waits until some pump is as wanted, on the pump's side.
pub(super) async fn wait(
    simulation: &Simulation,
    wanted: impl Fn(&agent_sim::PumpView) -> bool,
) -> Outcome<()> {
    let deadline = Instant::now() + std::time::Duration::from_secs(60);
    while !simulation.pumps().iter().any(&wanted) {
        if Instant::now() > deadline {
            return Err("a pump did not do what it was asked".into());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn another_network_card(
    stage: &Stage,
    simulation: &Simulation,
    narrator: &mut Narrator,
) -> Outcome<()> {
    narrator.step("A pump shows up with another network card")?;
    let Some(pump) = stage.fleet.get(2) else {
        return Ok(());
    };
    let serial = pump.serial.as_str();
    let id = text(&stage.people.biomed.pump(serial).await?, "id")?;
    simulation.act(serial, Action::ChangeMac { mac: None }).await;
    let alarms = || {
        Call::get(["events"])
            .query("pump", &id)
            .query("kind", "mac_changed")
    };
    let found = stage
        .people
        .biomed
        .until_list("the alarm is raised", alarms, |events| !events.is_empty())
        .await?;
    let alarm = found.into_iter().next().unwrap_or_default();
    narrator.say(&format!(
        "Alarm: {} – {}",
        text(&alarm, "label")?,
        text(&alarm, "detail")?
    ))?;
    let began = Instant::now();
    let body = json!({ "kind": "security_isolation", "reason": "Unknown network card" });
    stage
        .people
        .security
        .desk
        .ask(Call::post(["pumps", &id, "hold"]).json(body))
        .await?;
    stage
        .people
        .biomed
        .until(serial, "the pump is cut off", |pump| {
            pump.get("connected") == Some(&json!(false))
        })
        .await?;
    narrator.say(&format!(
        "Security isolates {}: its connection is closed and the gate is shut after {} ms.",
        pump.asset_tag,
        began.elapsed().as_millis()
    ))?;
    Ok(())
}

async fn revoke(stage: &Stage, simulation: &Simulation, narrator: &mut Narrator) -> Outcome<()> {
    narrator.step("A pump is lost; its certificate is revoked")?;
    let Some(pump) = stage.fleet.get(3) else {
        return Ok(());
    };
    let serial = pump.serial.as_str();
    let id = text(&stage.people.security.desk.pump(serial).await?, "id")?;
    let certificates = stage
        .people
        .security
        .desk
        .list(
            Call::get(["certificates"])
                .query("pump", &id)
                .query("status", "valid"),
        )
        .await?;
    let began = Instant::now();
    for certificate in &certificates {
        let fingerprint = text(certificate, "fingerprint")?;
        let call =
            Call::post(["certificates", &fingerprint, "revoke"]).json(json!({ "reason": "key_compromise" }));
        stage.people.security.desk.ask(call).await?;
    }
    wait(simulation, |view| {
        view.serial == serial && view.link != agent_sim::LinkState::Connected
    })
    .await?;
    narrator.say(&format!(
        "{}: revoked, recorded, and its socket closed after {} ms.",
        pump.asset_tag,
        began.elapsed().as_millis()
    ))?;
    narrator.say("It tries to come back, and is turned away in the handshake.")?;
    Ok(())
}

async fn rotate(stage: &Stage, narrator: &mut Narrator) -> Outcome<()> {
    narrator.step("The Device CA is rotated while every pump stays connected")?;
    let before = number(
        &stage.people.biomed.ask(Call::get(["summary"])).await?,
        "/pumps/connected",
    );
    stage
        .people
        .security
        .desk
        .ask(Call::post(["authorities", "rotate"]).json(json!({ "kind": "device" })))
        .await?;
    let Some(pump) = stage.fleet.get(4) else {
        return Ok(());
    };
    let id = text(&stage.people.biomed.pump(pump.serial.as_str()).await?, "id")?;
    stage
        .people
        .biomed
        .ask(Call::post(["pumps", &id, "orders"]).json(json!({ "kind": "renew_certificate" })))
        .await?;
    let certificates = || Call::get(["certificates"]).query("pump", &id);
    let renewed = |list: &[Value]| {
        list.len() > 1
            && list
                .iter()
                .all(|one| one.get("first_used_at") != Some(&Value::Null))
    };
    stage
        .people
        .biomed
        .until_list("the pump uses its new certificate", certificates, renewed)
        .await?;
    stage
        .people
        .biomed
        .until(pump.serial.as_str(), "the pump is back", |pump| {
            pump.get("connected") == Some(&json!(true))
        })
        .await?;
    let after = number(
        &stage.people.biomed.ask(Call::get(["summary"])).await?,
        "/pumps/connected",
    );
    narrator.say(&format!(
        "Connected before {before}, after {after}. {} was asked to renew and has a certificate of D2.",
        pump.asset_tag
    ))?;
    narrator.say("The others renew in their own time; D1 is retired when nothing hangs on it any more.")?;
    Ok(())
}

/// A record that can not be quietly changed, and a person who checks it.
async fn audit(stage: &Stage, narrator: &mut Narrator) -> Outcome<Audited> {
    narrator.step("The auditor checks that the record of all this holds")?;
    let auditor = &stage.people.auditor;
    let checkpoint = auditor.ask(Call::post(["audit", "checkpoints"])).await?;
    let key = auditor.ask(Call::get(["audit", "key"])).await?;
    let export = auditor.bytes(Call::get(["audit", "export"])).await?;
    let key = RecordPublicKey::from_pem(&text(&key, "pem")?)?;
    let carried: SignedCheckpoint = serde_json::from_value(checkpoint)?;
    let report = verify::file(
        export.as_slice(),
        Some(&key),
        std::slice::from_ref(&carried),
        |_, _| {},
    )?;
    narrator.say(&format!(
        "{} entries in an unbroken chain, from the set-up to this minute; the last checkpoint is signed by the key {}.",
        report.verified.count,
        key.id()
    ))?;
    // What a person with the database in hands could do: change one letter.
    let mut forged = export;
    let words = b"Alarm sounded late";
    if let Some(at) = forged.windows(words.len()).position(|window| window == words)
        && let Some(letter) = forged.get_mut(at)
    {
        *letter = b'a';
    }
    match verify::file(forged.as_slice(), Some(&key), &[carried], |_, _| {}) {
        Ok(_) => return Err("a forged record was believed".into()),
        Err(found) => narrator.say(&format!("One letter of a copy changed: {found}."))?,
    }
    let signatures = auditor
        .page(Call::get(["signatures"]).query("limit", 200))
        .await?;
    let store = &stage.running().app().store;
    let in_place = verify::database(store, Some(&key), &[], |_, _| {});
    Ok(Audited {
        entries: report.verified.count,
        signatures: signatures.len() as u64,
        ok: in_place.is_ok(),
    })
}

struct Audited {
    entries: u64,
    signatures: u64,
    ok: bool,
}

async fn count(
    stage: &Stage,
    simulation: &Simulation,
    audited: Audited,
    updated: rollout::Updated,
) -> Outcome<Counts> {
    let summary = stage.people.biomed.ask(Call::get(["summary"])).await?;
    let certificates = stage.people.biomed.list(Call::get(["certificates"])).await?;
    let revoked = certificates
        .iter()
        .filter(|certificate| certificate.get("status") == Some(&json!("revoked")))
        .count();
    let discrepancies = stage.people.biomed.list(Call::get(["discrepancies"])).await?;
    let unknown = discrepancies
        .iter()
        .filter(|found| found.get("kind") == Some(&json!("unknown")))
        .count();
    let figures = simulation.figures();
    Ok(Counts {
        pumps: number(&summary, "/pumps/total"),
        connected: number(&summary, "/pumps/connected"),
        certificates: certificates.len() as u64,
        revoked: revoked as u64,
        held: number(&summary, "/pumps/held"),
        unknown_pumps: unknown as u64,
        telemetry: figures.telemetry_acked,
        reports: figures.reports_acked,
        orders_done: figures.orders_done,
        alarms: number(&summary, "/events_24h/alarm"),
        waves_passed: updated.waves_passed,
        in_service: updated.in_service,
        tickets: updated.tickets,
        signatures: audited.signatures,
        audit_entries: audited.entries,
        audit_ok: audited.ok,
    })
}
