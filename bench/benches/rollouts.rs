//! What a turn of the rollouts costs: when everything is read anew, when nothing happened, when some pumps were heard of, and when
//! one is further. Beside it what reading one pump alone takes, which is the least that a turn after a report can do.
//!
//! `cargo bench -p bench --bench rollouts -- --pumps 1000,10000,100000`. Figures are printed, never asserted.

#![expect(clippy::print_stdout, reason = "figures, for people to read")]

use std::{
    error::Error,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use clap::Parser;
use fleet::{
    Timestamp,
    access::{IDLE_DEFAULT, Role},
    id::{
        AccountId, AssignmentId, CareAreaId, ManufacturerId, ModelId, PumpId, ReleaseId, RepositoryId,
        RolloutId, SessionId, SignatureId, WaveId,
    },
    inventory::RetentionRule,
    pump::{Activity, Component, Pump, PumpState, SecurityCounter, SessionEnd},
    rollout::{
        limits::HospitalLimits,
        spec::Spec,
        state::{AssignmentState, RolloutState, WaveState},
    },
    signature::{Answer, Digest, Meaning, SignatureStatement, SubjectKind, ZonedTime},
    text::{ComponentName, ComponentVersion, Name, SerialNumber},
};
use gateway::{
    app::{App, Settings},
    auth::limits::Rates,
    clock::Clock,
    command::subject,
    config::{Config, Listen},
    engine::{
        outbox::Withheld,
        rollout::{Bell, Memory, turn},
    },
    firmware::Resting,
    fresh,
    init::{self, Plan},
    mqtt::{Down, PumpLink},
    pki::{authorities::Authorities, gate::Gate, key::KdfCost},
    serve,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::{
    AccountRecord, AssignmentRecord, Db, PumpSoftware, ReleaseRecord, RepositoryRecord, RolloutRecord,
    SessionRecord, SignatureRecord, Store, StoreError, WaveRecord,
};
use uuid::Uuid;

#[derive(Debug, Parser)]
struct Arguments {
    /// How many pumps; several sizes, with commas.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
    pumps: Vec<usize>,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const MANIFEST: &str = include_str!("../../docs/release-manifest.example.json");
const FILE: &str = "volumat7/9.12/main.bin";
/// So many are in the first wave, which is open; all others wait for it.
const FIRST: usize = 10;
/// Of the first wave so many are done; the rest are not connected.
const DONE: usize = 90;
const CARE_AREAS: usize = 20;
/// Pumps report twice a minute: so many seconds hold the reports of the whole fleet.
const ROUND: usize = 30;
const REPEATS: u32 = 20;
const SESSION: SessionId = SessionId::from_uuid(Uuid::nil());

/// Nobody is connected.
struct Nobody;

impl PumpLink for Nobody {
    fn deliver(&self, _: PumpId, _: Down) {}
    fn close(&self, _: PumpId, _: SessionEnd) {}
    fn connected(&self) -> usize {
        0
    }
}

fn open(dir: &Path) -> Outcome<App> {
    let clock = Clock::system();
    let now = clock.now();
    let passphrase = SecretString::from("for the length of one measurement");
    let made = init::establish(
        &Plan {
            data_dir: dir.join("data"),
            hospital: Name::new("County General")?,
            server_names: vec!["localhost".to_owned()],
            listen: Listen::default(),
            database: None,
            time_zone: chrono_tz::Tz::UTC,
            kdf: KdfCost::FOR_TESTS,
        },
        &passphrase,
        now,
    )?;
    let config = Config::load(&made.config_file)?;
    let store = Store::open(&config.database_url())?;
    Ok(App {
        authorities: Arc::new(Authorities::open(
            store.clone(),
            &config,
            passphrase.clone(),
            now,
        )?),
        gate: Arc::new(Gate::new(Vec::new(), clock.clone())),
        link: Arc::new(Nobody),
        people: Arc::new(serve::people(&config, &passphrase, KdfCost::FOR_TESTS)?),
        tickets: Arc::new(serve::tickets(&config, &passphrase, KdfCost::FOR_TESTS)?),
        firmware_dir: config.firmware_dir().into(),
        bell: Bell::default(),
        memory: Memory::default(),
        catalogue: gateway::exposure::Catalogue::default(),
        listening_since: now,
        withheld: Withheld::default(),
        resting: Resting::default(),
        settings: Settings {
            missing_after: TimeDelta::days(30),
            idle: IDLE_DEFAULT,
            rates: Rates {
                per_account: 0,
                per_account_burst: 0,
                per_address: 0,
                per_address_burst: 0,
            },
            retention: RetentionRule::default(),
            hospital: HospitalLimits::DEFAULT,
        },
        store,
        clock,
    })
}

/// What the parts of the fleet hang together by.
struct Ground {
    now: Timestamp,
    author: AccountId,
    approver: AccountId,
    model: ModelId,
    release: ReleaseId,
    areas: Vec<CareAreaId>,
}

fn ground(db: &mut Db<'_>, now: Timestamp) -> Outcome<Ground> {
    let [author, approver] =
        ["author", "approver"].map(|name| (name, AccountId::from_uuid(fresh::uuid(now))));
    for (name, id) in [author, approver] {
        db.account_create(&AccountRecord {
            id,
            name: Name::new(name)?,
            printed_name: Name::new(name)?,
            password_hash: String::new(),
            must_change_password: false,
            totp_sealed: None,
            totp_last_step: None,
            pin_hash: None,
            created_at: now,
            disabled_at: None,
            row_version: 1,
        })?;
    }
    let author = author.1;
    db.session_create(&SessionRecord {
        id: SESSION,
        account: approver.1,
        secret_hash: [1; 32],
        device: None,
        address: None,
        agent: None,
        factors: "password".to_owned(),
        authenticated_at: now,
        last_seen_at: now,
        idle_seconds: 900,
        expires_at: now + TimeDelta::days(1),
        ended_at: None,
        end_reason: None,
        signed_at: None,
        glass: None,
    })?;
    let maker = db.manufacturer_ensure(
        &Name::new("Acme Medical")?,
        ManufacturerId::from_uuid(fresh::uuid(now)),
    )?;
    let model = db.model_ensure(
        maker,
        &Name::new("Volumat 7")?,
        ModelId::from_uuid(fresh::uuid(now)),
    )?;
    let areas = (0..CARE_AREAS).map(|n| {
        let name = Name::new(&format!("Ward {n}"))?;
        Ok(db.care_area_ensure(&name, CareAreaId::from_uuid(fresh::uuid(now)))?)
    });
    let areas = areas.collect::<Outcome<_>>()?;
    let repository = RepositoryId::from_uuid(fresh::uuid(now));
    db.repository_create(&RepositoryRecord {
        id: repository,
        name: "acme".parse()?,
        manufacturer: maker,
        root: "{}".to_owned(),
        root_hash: Digest::of(b"{}"),
        added_by: author,
        added_at: now,
    })?;
    let release = ReleaseId::from_uuid(fresh::uuid(now));
    db.release_create(&ReleaseRecord {
        id: release,
        repository,
        name: Name::new("Volumat 7 infusion control")?,
        version: ComponentVersion::new("9.12")?,
        manifest: manifest()?,
        manifest_hash: Digest::of(b"manifest"),
        targets: json!([]),
        imported_by: author,
        imported_at: now,
    })?;
    Ok(Ground {
        now,
        author,
        approver: approver.1,
        model,
        release,
        areas,
    })
}

fn manifest() -> Outcome<String> {
    let mut manifest: Value = serde_json::from_str(MANIFEST)?;
    if let Some(manifest) = manifest.as_object_mut() {
        for without in ["hardware", "needs_modules", "refuses_modules", "drug_libraries"] {
            manifest.remove(without);
        }
    }
    Ok(manifest.to_string())
}

fn runs(version: &str) -> Outcome<Vec<Component>> {
    let part = |name: &str, version: &str| -> Outcome<Component> {
        Ok(Component {
            name: ComponentName::new(name)?,
            version: ComponentVersion::new(version)?,
        })
    };
    Ok(vec![part("main", version)?, part("wireless", "v9b")?])
}

fn state(pump: PumpId, now: Timestamp) -> PumpState {
    PumpState {
        pump,
        reported_at: now,
        received_at: now,
        activity: Activity::Standby,
        patient_attached: false,
        rate: None,
        infused: None,
        battery: None,
        on_mains: true,
        signal: None,
        place: None,
        alarm: None,
    }
}

fn pumps(db: &mut Db<'_>, ground: &Ground, numbers: &[usize]) -> Outcome<Vec<PumpId>> {
    let now = ground.now;
    let mut made = Vec::with_capacity(numbers.len());
    for n in numbers {
        let id = PumpId::from_uuid(fresh::uuid(now));
        db.pump_create(&Pump {
            id,
            row_version: 1,
            content_version: 1,
            serial: SerialNumber::new(&format!("SN-{}", 200_000 + n))?,
            model: ground.model,
            asset_tag: None,
            udi: None,
            hardware_id: None,
            care_area: ground.areas.get(n % CARE_AREAS).copied(),
            location: None,
            macs: Vec::new(),
            components: runs("8.5")?,
            hold: None,
            enrolled_at: now,
            retired_at: None,
        })?;
        db.pump_software_set(
            id,
            &PumpSoftware {
                counter: Some(SecurityCounter(41)),
                ..PumpSoftware::default()
            },
        )?;
        made.push(id);
    }
    db.pump_state_upsert(&made.iter().map(|id| state(*id, now)).collect::<Vec<_>>())?;
    Ok(made)
}

/// A rollout that runs: its first wave is open, nearly all of it done; the second waits.
fn rollout(db: &mut Db<'_>, ground: &Ground, pumps: &[PumpId]) -> Outcome<Vec<AssignmentId>> {
    let now = ground.now;
    let id = RolloutId::from_uuid(fresh::uuid(now));
    let spec: Spec = serde_json::from_value(json!({
        "pumps": { "filter": "model = \"Volumat 7\"" },
        "waves": [{ "name": "First", "takes": { "percent": FIRST } }, { "name": "Others", "takes": "rest" }],
    }))?;
    let row = RolloutRecord {
        id,
        row_version: 1,
        name: Name::new("Everything")?,
        release: ground.release,
        state: RolloutState::Running,
        since: now,
        author: ground.author,
        emergency: None,
        begins_at: now,
        spec: serde_json::to_value(&spec)?,
        content_version: 1,
        why: None,
        made_at: now,
    };
    let waves = [WaveState::Open, WaveState::Pending].map(|state| WaveRecord {
        id: WaveId::from_uuid(fresh::uuid(now)),
        rollout: id,
        number: if state == WaveState::Open { 1 } else { 2 },
        name: row.name.clone(),
        row_version: 1,
        state,
        since: now,
        opened_at: (state == WaveState::Open).then_some(now),
        failures_accepted: 0,
        evidence: None,
    });
    db.rollout_create(&row, &waves)?;
    let [first, rest] = &waves;
    let (before, named) = (json!(runs("8.5")?), json!(runs("9.12")?));
    let mut made = Vec::with_capacity(pumps.len());
    for (n, pump) in pumps.iter().enumerate() {
        let care_area = *ground.areas.get(n % CARE_AREAS).ok_or("no care area")?;
        let is_first = n * 100 < FIRST * pumps.len();
        let is_done = is_first && n % 100 < DONE;
        made.push(AssignmentRecord {
            id: AssignmentId::from_uuid(fresh::uuid(now)),
            wave: if is_first { first.id } else { rest.id },
            rollout: id,
            pump: *pump,
            care_area,
            joined_at: None,
            again_at: None,
            leaves_by: None,
            row_version: 1,
            state: if is_done {
                AssignmentState::InService
            } else {
                AssignmentState::Planned
            },
            since: now,
            target: FILE.parse()?,
            before: before.clone(),
            named: named.clone(),
            ticket: None,
            heard: 0,
            booted: None,
            booted_at: None,
            versions_proved: is_done,
            setback_at: None,
            setback_count: 0,
            setback_words: None,
            left_behind: false,
            roll_back_by: None,
            roll_back_at: None,
            last_heard: None,
        });
    }
    db.assignment_create(&made)?;
    approve(db, ground, id)?;
    Ok(made.into_iter().map(|row| row.id).collect())
}

fn approve(db: &mut Db<'_>, ground: &Ground, rollout: RolloutId) -> Outcome<()> {
    let meaning = Meaning::RolloutApproved;
    let shown = subject::show(
        db,
        SubjectKind::Rollout,
        rollout.as_uuid(),
        Some(meaning),
        ground.now,
    )?;
    let comment = None;
    Ok(db.signature_create(&SignatureRecord {
        statement: SignatureStatement {
            id: SignatureId::from_uuid(fresh::uuid(ground.now)),
            subject: shown.subject,
            answer: Answer::Signed { meaning, comment },
            printed_name: Name::new("approver")?,
            account: ground.approver,
            role: Role::BiomedLead,
            care_area: None,
            device: None,
            signed_at: ZonedTime::from_parts(ground.now, 0),
        },
        content: "{}".to_owned(),
        session: SESSION,
        factors: "password".to_owned(),
        seal: "c2VhbA==".to_owned(),
        key_id: "0123456789abcdef".to_owned(),
    })?)
}

/// Writes; what goes wrong elsewhere than in the database ends the measurement as well.
fn write<T>(app: &App, work: impl FnOnce(&mut Db<'_>) -> Outcome<T>) -> Outcome<T> {
    Ok(app.store.write(|db| {
        work(db).map_err(|error| StoreError::Corrupt {
            attempted: "fill a database",
            detail: error.to_string(),
        })
    })?)
}

/// What one turn takes, on average, after something happened; that itself is not counted.
fn after(app: &App, mut happens: impl FnMut(u32) -> Result<(), StoreError>) -> Outcome<Duration> {
    let mut took = Duration::ZERO;
    for number in 0..REPEATS {
        happens(number)?;
        let began = Instant::now();
        turn(app)?;
        took += began.elapsed();
    }
    Ok(took / REPEATS)
}

fn measure(count: usize) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let app = open(dir.path())?;
    let ground = write(&app, |db| ground(db, app.now()))?;
    let mut all = Vec::with_capacity(count);
    for numbers in (0..count).collect::<Vec<_>>().chunks(5_000) {
        all.extend(write(&app, |db| pumps(db, &ground, numbers))?);
    }
    let assignments = write(&app, |db| rollout(db, &ground, &all))?;

    let began = Instant::now();
    turn(&app)?;
    let anew = began.elapsed();
    let nothing = after(&app, |_| Ok(()))?;
    let now = app.now();
    let some = |from: usize, many: usize| -> Vec<PumpState> {
        let pumps = all.iter().cycle().skip(from * many).take(many);
        pumps.map(|pump| state(*pump, now)).collect()
    };
    let one = after(&app, |n| {
        let states = some(usize::try_from(n).unwrap_or_default(), 1);
        app.store.write(|db| db.pump_state_upsert(&states))
    })?;
    let second = after(&app, |n| {
        let states = some(usize::try_from(n).unwrap_or_default(), count / ROUND);
        app.store.write(|db| db.pump_state_upsert(&states))
    })?;
    let further = after(&app, |n| {
        // One of the first wave that is done is looked at again.
        let number = usize::try_from(n).unwrap_or_default();
        let id = assignments.get(number).copied().ok_or(StoreError::NotFound {
            what: "assignment",
            id: number.to_string(),
        })?;
        app.store.write(|db| {
            let mut row = db.assignment_fetch(id)?;
            let seen = row.row_version;
            row.heard += 1;
            db.assignment_update(&row, seen)
        })
    })?;
    let mut floor = Duration::ZERO;
    for pump in all.iter().take(usize::try_from(REPEATS)?) {
        let began = Instant::now();
        app.store.read(|db| db.pump_heard_of(&[*pump]))?;
        floor += began.elapsed();
    }
    let floor = floor / REPEATS;
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    println!(
        "| {count} | {:.0} ms | {:.3} ms | {:.3} ms | {:.1} ms ({} pumps) | {:.1} ms | {:.3} ms | {:.1} | {:.0} |",
        ms(anew),
        ms(nothing),
        ms(one),
        ms(second),
        count / ROUND,
        ms(further),
        ms(floor),
        one.as_secs_f64() / floor.as_secs_f64(),
        anew.as_secs_f64() / one.as_secs_f64(),
    );
    Ok(())
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    println!(
        "SQLite, one rollout of all pumps, {FIRST} % in its open wave\n\n\
         | pumps | everything read anew | nothing happened | one pump heard of | a second of telemetry | \
         one pump further | floor: one pump read | heard/floor | anew/heard |\n|---|---|---|---|---|---|---|---|---|"
    );
    for count in arguments.pumps {
        measure(count)?;
    }
    Ok(())
}
