//! From a failing report to a pump that is held: in the database, and as an order on the wire. Beside it, in the same run, what the
//! acknowledgement of plain telemetry takes: the way there, one durable commit, and the way back.
//!
//! `cargo bench -p bench --bench hold -- --pumps 300` (build the gateway first: `cargo build --release`).
//! Figures are printed, never asserted.

#![expect(clippy::print_stdout, reason = "figures, for people to read")]

use std::{
    error::Error,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use bench::{
    client::{Connection, Heard, anchors},
    fleet_with_certificates::{Credentials, loopback, register},
    server::{Server, free_port, gateway_beside},
};
use clap::Parser;
use fleet::{
    Timestamp,
    id::{
        AssignmentId, CareAreaId, ManufacturerId, PumpId, ReleaseId, RepositoryId, RolloutId, TicketId,
        WaveId,
    },
    rollout::state::{AssignmentState, RolloutState, WaveState},
    signature::Digest,
};
use gateway::{clock::Clock, config::Config, fresh};
use serde_json::{Value, json};
use store::{
    AssignmentRecord, Db, ReleaseRecord, RepositoryRecord, RolloutRecord, Store, StoreError, TicketRecord,
    WaveRecord,
};
use wire::{
    envelope::{Algorithm, Sealed, seal},
    proof::{Proof, key_id},
    topic::{Channel, Topic},
};

const MANIFEST: &str = include_str!("../../docs/release-manifest.example.json");

#[derive(Debug, Parser)]
struct Arguments {
    /// Pumps that fail, one after the other; each is a measurement.
    #[arg(long, default_value_t = 300)]
    pumps: usize,
    /// The gateway's binary.
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    gateway::pki::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&arguments))
}

/// What one pump's failure took.
#[derive(Debug, Clone, Copy)]
struct Took {
    /// The floor: telemetry until it was acknowledged.
    telemetry: Duration,
    /// The failing report, until it was acknowledged,
    acknowledged: Duration,
    /// until the database said that the pump is held,
    on_record: Duration,
    /// and until the order was there.
    on_the_wire: Duration,
}

async fn measure(arguments: &Arguments) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let listen = loopback(free_port()?, free_port()?, free_port()?, free_port()?);
    let data = register(dir.path(), arguments.pumps, listen)?;
    let store = Store::open(&Config::load(&data.config_file)?.database_url())?;
    let pumps: Vec<_> = data.pumps.iter().map(|pump| pump.id).collect();
    let now = Clock::system().now();
    let tickets = store.write(|db| under_test(db, &pumps, now))?;

    let binary = arguments.gateway.clone().unwrap_or_else(gateway_beside);
    let server = Server::gateway(&binary, &data, listen.mqtt)?;
    let trusted = anchors(&data.root_file)?;
    let mut took = Vec::with_capacity(pumps.len());
    for (pump, ticket) in data.pumps.iter().zip(tickets) {
        let mut connection = Connection::open(listen.mqtt, &trusted, pump).await?;
        let channels = [Channel::Order, Channel::Ack];
        connection.subscribe(pump.id, &channels).await?;
        took.push(one(&mut connection, pump, ticket, &store).await?);
    }
    drop(server);

    println!(
        "{} pumps under test in one rollout; each fails once, one after the other\n",
        took.len()
    );
    println!("| from the report to | p50 | p99 | times the floor (p50) |\n|---|---|---|---|");
    let floor = line("floor: telemetry acknowledged", &took, None, |took| {
        took.telemetry
    });
    let _ = line("the report acknowledged", &took, Some(floor), |took| {
        took.acknowledged
    });
    let _ = line("held, in the database", &took, Some(floor), |took| took.on_record);
    let _ = line("the order to hold, at the pump", &took, Some(floor), |took| {
        took.on_the_wire
    });
    Ok(())
}

/// Prints a line, and gives the median.
fn line(what: &str, all: &[Took], floor: Option<Duration>, of: impl Fn(&Took) -> Duration) -> Duration {
    let mut sorted: Vec<_> = all.iter().map(of).collect();
    sorted.sort_unstable();
    let share = |percent: usize| {
        let place = (sorted.len().saturating_sub(1) * percent).div_ceil(100);
        sorted.get(place).copied().unwrap_or_default()
    };
    let (p50, p99) = (share(50), share(99));
    let times = floor.map_or_else(
        || "1".to_owned(),
        |floor| format!("{:.1}", p50.as_secs_f64() / floor.as_secs_f64()),
    );
    println!(
        "| {what} | {:.2} ms | {:.2} ms | {times} |",
        p50.as_secs_f64() * 1e3,
        p99.as_secs_f64() * 1e3
    );
    p50
}

async fn one(
    connection: &mut Connection,
    pump: &Arc<Credentials>,
    ticket: TicketId,
    store: &Store,
) -> Outcome<Took> {
    let at = Clock::system().now();
    let telemetry = json!({ "v": 1, "at": at, "activity": "standby", "patient_attached": false });
    let topic = Topic::new(pump.id, Channel::Telemetry).to_string();
    let mut floor = Duration::ZERO;
    // The first one finds the gateway busy with the pump's arrival.
    for _ in 0..2 {
        let began = Instant::now();
        connection.put(&topic, telemetry.to_string().as_bytes()).await?;
        while connection.hear().await? != Heard::Acknowledged {}
        floor = began.elapsed();
    }

    let report = json!({
        "v": 1, "id": fresh::uuid(at), "seq": 1, "at": at,
        "body": { "kind": "proof", "signed": failing(pump, ticket, at)? },
    });
    let report = report.to_string();
    let topic = Topic::new(pump.id, Channel::Report).to_string();
    let began = Instant::now();
    let watched = {
        let (store, id) = (store.clone(), pump.id);
        tokio::task::spawn_blocking(move || held(&store, id, began))
    };
    connection.put(&topic, report.as_bytes()).await?;
    let mut acknowledged = None;
    let on_the_wire = loop {
        match connection.hear().await? {
            Heard::Acknowledged => acknowledged = acknowledged.or(Some(began.elapsed())),
            Heard::Message { topic, payload } if topic.ends_with("/order") => {
                let order: Value = serde_json::from_slice(&payload)?;
                if order.pointer("/body/kind") != Some(&json!("hold")) {
                    return Err(format!("another order than to hold: {order}").into());
                }
                break began.elapsed();
            }
            Heard::Message { .. } | Heard::Subscribed => {}
        }
    };
    Ok(Took {
        telemetry: floor,
        acknowledged: acknowledged.ok_or("held before the report was acknowledged")?,
        on_record: watched.await??,
        on_the_wire,
    })
}

/// Looks until the database says that the pump is held.
fn held(store: &Store, pump: PumpId, began: Instant) -> Result<Duration, StoreError> {
    loop {
        if store.read(|db| db.pump_fetch(pump))?.hold.is_some() {
            return Ok(began.elapsed());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// A proof that claims a pass and reads three errors.
fn failing(pump: &Credentials, ticket: TicketId, at: Timestamp) -> Outcome<Sealed> {
    let proof = Proof {
        v: serde_json::from_value(json!(1))?,
        pump: pump.id,
        ticket,
        at,
        components: serde_json::from_value(named())?,
        counter: serde_json::from_value(json!(41))?,
        drug_library: None,
        results: serde_json::from_value(json!([{
            "check": "self-test", "claim": "pass", "reading": { "reading": "quantity", "value": 3.0, "unit": "count" },
        }]))?,
    };
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pump.key.secret_der())
        .map_err(|error| format!("the key of a pump can not be read: {error}"))?;
    let sealed = seal(&proof, Algorithm::Es256, &key_id(&pump.certificate), |data| {
        let signed = key.sign(&SystemRandom::new(), data);
        signed.map(|signature| signature.as_ref().to_vec())
    });
    Ok(Sealed::of(&sealed.map_err(|error| {
        format!("a proof can not be signed: {error:?}")
    })?))
}

fn named() -> Value {
    json!([{ "name": "main", "version": "9.12" }, { "name": "wireless", "version": "v9b" }])
}

/// Puts a running rollout on record, all of whose pumps test themselves. Gives their tickets.
#[expect(clippy::too_many_lines, reason = "rows of six tables, each written out")]
fn under_test(db: &mut Db<'_>, pumps: &[PumpId], now: Timestamp) -> Result<Vec<TicketId>, StoreError> {
    let corrupt = |error: &dyn std::fmt::Display| StoreError::Corrupt {
        attempted: "set a measurement up",
        detail: error.to_string(),
    };
    let name = |text: &str| text.parse().map_err(|error| corrupt(&format_args!("{error:?}")));
    let accounts = db.account_list(None, 1)?.items;
    let author = accounts.first().ok_or_else(|| corrupt(&"nobody is here"))?.id;
    let maker = db.manufacturer_ensure(
        &name("Acme Medical")?,
        ManufacturerId::from_uuid(fresh::uuid(now)),
    )?;
    let repository = RepositoryRecord {
        id: RepositoryId::from_uuid(fresh::uuid(now)),
        name: "acme".parse().map_err(|error| corrupt(&error))?,
        manufacturer: maker,
        root: "{}".to_owned(),
        root_hash: Digest::of(b"{}"),
        added_by: author,
        added_at: now,
    };
    db.repository_create(&repository)?;
    let release = ReleaseRecord {
        id: ReleaseId::from_uuid(fresh::uuid(now)),
        repository: repository.id,
        name: name("Volumat 7 infusion control")?,
        version: "9.12".parse().map_err(|error| corrupt(&error))?,
        manifest: MANIFEST.to_owned(),
        manifest_hash: Digest::of(MANIFEST.as_bytes()),
        targets: json!([]),
        imported_by: author,
        imported_at: now,
    };
    db.release_create(&release)?;
    let rollout = RolloutRecord {
        id: RolloutId::from_uuid(fresh::uuid(now)),
        row_version: 1,
        name: name("Volumat 9.12")?,
        release: release.id,
        state: RolloutState::Running,
        since: now,
        author,
        emergency: None,
        begins_at: now,
        // Every one of them fails, and the rollout goes on.
        spec: json!({
            "pumps": { "list": pumps },
            "waves": [{ "name": "All", "takes": "rest" }],
            "limits": { "failure_percent": 100 },
        }),
        content_version: 1,
        why: None,
        made_at: now,
    };
    let wave = WaveRecord {
        id: WaveId::from_uuid(fresh::uuid(now)),
        rollout: rollout.id,
        number: 1,
        name: name("All")?,
        row_version: 1,
        state: WaveState::Open,
        since: now,
        opened_at: Some(now),
        failures_accepted: 0,
        evidence: None,
    };
    db.rollout_create(&rollout, std::slice::from_ref(&wave))?;
    let care_area = db.care_area_ensure(&name("MICU")?, CareAreaId::from_uuid(fresh::uuid(now)))?;
    let assignments = pumps
        .iter()
        .map(|pump| {
            Ok(AssignmentRecord {
                id: AssignmentId::from_uuid(fresh::uuid(now)),
                wave: wave.id,
                rollout: rollout.id,
                pump: *pump,
                care_area,
                joined_at: None,
                again_at: None,
                leaves_by: None,
                row_version: 1,
                state: AssignmentState::SelfTest,
                since: now,
                target: "volumat7/9.12/main.bin"
                    .parse()
                    .map_err(|error| corrupt(&error))?,
                before: json!([{ "name": "main", "version": "9.11" }]),
                named: named(),
                ticket: Some(TicketId::from_uuid(fresh::uuid(now))),
                heard: 0,
                booted: Some(0),
                booted_at: Some(now),
                versions_proved: false,
                setback_at: None,
                setback_count: 0,
                setback_words: None,
                left_behind: false,
                roll_back_by: None,
                roll_back_at: None,
                last_heard: None,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    db.assignment_create(&assignments)?;
    let mut tickets = Vec::with_capacity(assignments.len());
    for assignment in assignments {
        let Some(id) = assignment.ticket else { continue };
        db.ticket_create(&TicketRecord {
            id,
            assignment: assignment.id,
            pump: assignment.pump,
            not_before: now,
            not_after: now + chrono::TimeDelta::hours(12),
            envelope: String::new(),
            withdrawn_at: None,
            gone_at: None,
        })?;
        tickets.push(id);
    }
    Ok(tickets)
}
