//! `kill -9` while a thousand pumps report: what was acknowledged is there afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use agent_sim::{
    blueprint::FleetPlan,
    fleet::{SimConfig, Simulation},
    life::{Intervention, Rhythm},
    scenario::Action,
};
use bench::{
    client::{Connection, anchors},
    fleet_with_certificates::{loopback, register},
    server::{Server, free_port},
};
use fleet::id::PumpId;
use gateway::config::Config;
use serde_json::json;
use store::Store;
use tests::{GatewayProcess, binary, eventually};
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::topic::{Channel, Topic};

const PUMPS: usize = 1_000;
/// The kill comes once so many reports were acknowledged: well into the run, with every pump busy.
const KILL_AFTER: u64 = 5_000;

fn report(seq: u64) -> Vec<u8> {
    let at = gateway::clock::Clock::system().now();
    let body = json!({ "kind": "order_result", "order": Uuid::new_v4(), "outcome": "done" });
    serde_json::to_vec(&json!({ "v": 1, "id": Uuid::new_v4(), "seq": seq, "at": at, "body": body })).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_report_survives_kill_nine() {
    gateway::pki::tls::install_provider();
    let dir = tempfile::tempdir().unwrap();
    let ports: Vec<_> = (0..4).map(|_| free_port().unwrap()).collect();
    let listen = loopback(ports[0], ports[1], ports[2], ports[3]);
    let data = register(dir.path(), PUMPS, listen).unwrap();
    let mut server = Server::gateway(&binary("gateway"), &data, listen.mqtt).unwrap();
    let roots = anchors(&data.root_file).unwrap();

    let total = Arc::new(AtomicU64::new(0));
    let mut pumps = JoinSet::new();
    for pump in &data.pumps {
        let (pump, roots, total) = (Arc::clone(pump), Arc::clone(&roots), Arc::clone(&total));
        pumps.spawn(async move {
            let mut acknowledged = 0;
            // The server may be killed before the last pumps are in: they have had nothing acknowledged.
            if let Ok(mut connection) = Connection::open(listen.mqtt, &roots, &pump).await {
                let topic = Topic::new(pump.id, Channel::Report).to_string();
                while connection
                    .publish_one(&topic, &report(acknowledged + 1))
                    .await
                    .is_ok()
                {
                    acknowledged += 1;
                    total.fetch_add(1, Ordering::Relaxed);
                }
            }
            (pump.id, acknowledged)
        });
    }
    eventually("enough reports are acknowledged", || async {
        (total.load(Ordering::Relaxed) >= KILL_AFTER).then_some(())
    })
    .await;
    server.kill();
    let mut acknowledged: Vec<(PumpId, u64)> = Vec::new();
    while let Some(pump) = pumps.join_next().await {
        acknowledged.push(pump.unwrap());
    }
    assert!(
        acknowledged.iter().filter(|(_, count)| *count > 0).count() > PUMPS / 2,
        "most pumps were in the middle of it"
    );

    // The record is whole without any help, and the gateway comes up on it.
    let config = Config::load(&data.config_file).unwrap();
    {
        let store = Store::open(&config.database_url()).unwrap();
        for (pump, count) in &acknowledged {
            let last = store
                .read(|db| db.report_last_seq(*pump))
                .unwrap()
                .unwrap_or(0)
                .unsigned_abs();
            assert!(last >= *count, "{pump}: {count} acknowledged, {last} on record");
            let kept = store.read(|db| db.report_list(*pump, 1_000)).unwrap();
            assert_eq!(kept.len() as u64, last, "{pump}: no hole below the last one");
        }
    }
    let again = Server::gateway(&binary("gateway"), &data, listen.mqtt).unwrap();
    let mut connection = Connection::open(listen.mqtt, &roots, &data.pumps[0])
        .await
        .unwrap();
    let topic = Topic::new(data.pumps[0].id, Channel::Report).to_string();
    connection
        .publish_one(&topic, &report(acknowledged[0].1 + 1))
        .await
        .unwrap();
    drop(again);
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_pumps_come_back_by_themselves_and_bring_what_was_not_acknowledged() {
    const FLEET: u64 = 60;
    let dir = tempfile::tempdir().unwrap();
    let mut process = GatewayProcess::start(dir.path()).await;
    let api = process.sign_in().await;
    let blueprints = FleetPlan::new(usize::try_from(FLEET).unwrap(), 5)
        .build()
        .unwrap();
    let serials: Vec<_> = blueprints.iter().map(|pump| pump.serial.to_string()).collect();
    let csv = agent_sim::blueprint::expected_csv(&blueprints);
    let _ = api
        .post_text("/expected/import?dry_run=false", "text/csv", csv)
        .await
        .ok(200);
    let made = api
        .post("/enrol-tokens/batch", &json!({ "all_expected": true }))
        .await
        .ok(201);
    let tokens: HashMap<String, String> = made["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| {
            (
                token["serial"].as_str().unwrap().to_owned(),
                token["secret"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let mut config = SimConfig::new(
        blueprints,
        process.mqtt().to_string().parse().unwrap(),
        format!("https://{}", process.listen().bulk),
        std::fs::read(process.root_file()).unwrap(),
        Arc::new(move |serial: &str| tokens.get(serial).cloned()),
        dir.path().join("pumps"),
    );
    config.rhythm = Rhythm::Still;
    let simulation = Simulation::start(config).unwrap();
    let all_there = || async { (simulation.figures().connected == FLEET).then_some(()) };
    eventually("the fleet is connected", all_there).await;

    process.kill();
    eventually("the fleet has noticed", || async {
        (simulation.figures().connected == 0).then_some(())
    })
    .await;
    // What happens meanwhile is kept by each pump.
    for serial in &serials {
        simulation
            .act(serial, Action::Life(Intervention::PowerCycle))
            .await;
    }
    process.again().await;
    eventually("the fleet is connected again", all_there).await;
    eventually("nothing waits any more", || async {
        simulation
            .pumps()
            .iter()
            .all(|pump| pump.reports_pending == 0)
            .then_some(())
    })
    .await;
    let listed = api.get("/pumps?connected=true&limit=1000").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len() as u64, FLEET);
    assert_eq!(simulation.stop().await.therapy_interruptions, 0);
    assert!(process.terminate().await.success());
}
