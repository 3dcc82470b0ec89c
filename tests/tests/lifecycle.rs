//! Up and down: a stop in order, a restart, a rotation of authorities, and what the operations listener says of it all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use agent_sim::{
    blueprint::FleetPlan,
    fleet::{SimConfig, Simulation},
    life::Rhythm,
};
use bench::{
    client::{Connection, anchors},
    fleet_with_certificates::{loopback, register},
    server::{Server, free_port},
};
use serde_json::json;
use tests::{GatewayProcess, Hospital, binary, eventually};
use tokio::task::JoinSet;

/// A fleet of simulated pumps that do nothing by themselves, enrolled and connected.
async fn fleet(hospital: &Hospital, pumps: usize) -> Simulation {
    let blueprints = FleetPlan::new(pumps, 11).build().unwrap();
    let csv = agent_sim::blueprint::expected_csv(&blueprints);
    let _ = hospital
        .api
        .post_text("/expected/import?dry_run=false", "text/csv", csv)
        .await
        .ok(200);
    let tokens = hospital
        .api
        .post("/enrol-tokens/batch", &json!({ "all_expected": true }))
        .await
        .ok(201);
    let tokens: std::collections::HashMap<String, String> = tokens["items"]
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
    let at = hospital.addresses();
    let mut config = SimConfig::new(
        blueprints,
        at.mqtt.to_string().parse().unwrap(),
        format!("https://{}", at.bulk),
        std::fs::read(hospital.root_file()).unwrap(),
        Arc::new(move |serial: &str| tokens.get(serial).cloned()),
        hospital.dir().join("pumps"),
    );
    config.rhythm = Rhythm::Still;
    let simulation = Simulation::start(config).unwrap();
    let wanted = pumps as u64;
    eventually("the fleet is connected", || async {
        let now = simulation.figures();
        (now.connected == wanted && now.reports_acked >= wanted).then_some(())
    })
    .await;
    simulation
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_pumps_enrol_are_known_and_answer_orders() {
    let hospital = Hospital::open().await;
    let simulation = fleet(&hospital, 30).await;
    let summary = hospital.api.get("/summary").await.ok(200);
    assert_eq!(summary["pumps"]["total"], 30);
    assert_eq!(summary["pumps"]["connected"], 30);
    let pumps = hospital.api.get("/pumps?limit=1000").await.ok(200);
    for pump in pumps["items"].as_array().unwrap() {
        assert!(!pump["components"].as_array().unwrap().is_empty(), "{pump}");
        assert!(!pump["macs"].as_array().unwrap().is_empty());
        assert!(pump["udi"]["device_identifier"].is_string());
        assert!(pump["care_area"].is_string());
    }
    let id = pumps["items"][0]["id"].as_str().unwrap();
    let _ = hospital
        .api
        .post(
            &format!("/pumps/{id}/orders"),
            &json!({ "kind": "report_inventory" }),
        )
        .await
        .ok(201);
    eventually("the order is done", || async {
        let orders = hospital.api.get(&format!("/pumps/{id}/orders")).await.ok(200);
        (orders["items"][0]["outcome"] == "done").then_some(())
    })
    .await;
    assert_eq!(simulation.stop().await.therapy_interruptions, 0);
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_loses_no_connection_and_an_old_authority_goes_only_when_nothing_hangs_on_it() {
    let hospital = Hospital::open().await;
    let simulation = fleet(&hospital, 12).await;
    let lost_before = simulation.figures().connections_lost;
    let made = hospital
        .api
        .post("/authorities/rotate", &json!({ "kind": "device" }))
        .await
        .ok(201);
    assert_eq!(made["generation"], 2);
    let _ = hospital
        .api
        .post("/authorities/rotate", &json!({ "kind": "server" }))
        .await
        .ok(201);
    // New pumps get certificates of the new generation and are served beside the old ones.
    let newcomer = hospital.enrol("SN-NEW").await;
    let shown = hospital
        .api
        .get(&format!("/certificates/{}", newcomer.fingerprint()))
        .await
        .ok(200);
    assert_eq!(shown["authority"], made["id"]);
    let figures = simulation.figures();
    assert_eq!(
        (figures.connected, figures.connections_lost),
        (12, lost_before),
        "nobody was disconnected"
    );

    let authorities = hospital.api.get("/authorities").await.ok(200);
    let list = authorities
        .as_array()
        .or_else(|| authorities["items"].as_array())
        .unwrap();
    let old = list
        .iter()
        .find(|a| a["kind"] == "device" && a["generation"] == 1)
        .unwrap();
    assert_eq!(old["state"], "trusted");
    let retire = format!("/authorities/{}/retire", old["id"].as_str().unwrap());
    let refused = hospital.api.post(&retire, &json!({ "cut_off": false })).await;
    assert_eq!(refused.problem(409), "would_cut_off");

    // Every pump renews on demand, over its open life, and then the old one may go.
    for pump in hospital.api.get("/pumps?limit=100").await.ok(200)["items"]
        .as_array()
        .unwrap()
    {
        let id = pump["id"].as_str().unwrap();
        if id != newcomer.id {
            let _ = hospital
                .api
                .post(
                    &format!("/pumps/{id}/orders"),
                    &json!({ "kind": "renew_certificate" }),
                )
                .await
                .ok(201);
        }
    }
    eventually("every pump has renewed", || async {
        (simulation.figures().renewed == 12).then_some(())
    })
    .await;
    let cut = hospital.api.post(&retire, &json!({ "cut_off": true })).await;
    assert!((200..300).contains(&cut.status), "{}", cut.text);
    eventually("every pump is connected with its new certificate", || async {
        (simulation.figures().connected == 12).then_some(())
    })
    .await;
    simulation.stop().await;
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_noticed_by_nobody_but_the_clock() {
    let mut hospital = Hospital::open().await;
    let pump = hospital.enrol("SN-1").await;
    hospital.restart().await;
    let shown = hospital.api.get(&format!("/pumps/{}", pump.id)).await.ok(200);
    assert_eq!(shown["serial"], "SN-1");
    hospital.order_renewal(&pump).await;
    // The certificate still opens the door, and the authorities are the same ones.
    let renewed = tests::Key::p256(hospital.dir(), "next")
        .renew(&hospital, &pump)
        .unwrap();
    assert_eq!(renewed.id, pump.id);
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_pumps_are_told_goodbye_within_five_seconds() {
    gateway::pki::tls::install_provider();
    let dir = tempfile::tempdir().unwrap();
    let ports: Vec<_> = (0..4).map(|_| free_port().unwrap()).collect();
    let listen = loopback(ports[0], ports[1], ports[2], ports[3]);
    let data = register(dir.path(), 1_000, listen).unwrap();
    let mut server = Server::gateway(&binary("gateway"), &data, listen.mqtt).unwrap();
    let roots = anchors(&data.root_file).unwrap();
    let mut connecting = JoinSet::new();
    let places = Arc::new(tokio::sync::Semaphore::new(32));
    for pump in &data.pumps {
        let (pump, roots, places) = (Arc::clone(pump), Arc::clone(&roots), Arc::clone(&places));
        connecting.spawn(async move {
            let _place = places.acquire().await.unwrap();
            Connection::open(listen.mqtt, &roots, &pump).await.unwrap()
        });
    }
    let connections = connecting.join_all().await;
    assert_eq!(connections.len(), 1_000);
    let began = Instant::now();
    let status = tokio::task::spawn_blocking(move || server.terminate())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success(), "{status}");
    // The promise of the product, with room for a machine that runs other tests beside this one.
    assert!(began.elapsed() < Duration::from_secs(15));
    drop(connections);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operations_listener_tells_health_and_figures_and_configuration_errors_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = GatewayProcess::start(dir.path()).await;
    let get = |path: &'static str| {
        let url = format!("http://{}{path}", process.listen().operations);
        async move { reqwest::get(url).await.unwrap().text().await.unwrap() }
    };
    assert_eq!(get("/healthz").await, "ok\n");
    assert_eq!(get("/readyz").await, "ready\n");
    let metrics = get("/metrics").await;
    assert!(
        metrics.contains("pump_gateway_pumps{state=\"connected\"} 0") && metrics.ends_with("# EOF\n"),
        "{metrics}"
    );
    assert!(process.terminate().await.success());

    let broken = dir.path().join("broken.toml");
    std::fs::write(
        &broken,
        "data_dir = \"/x\"\n[hospital]\nname = \"H\"\n[server]\nnames = []\n",
    )
    .unwrap();
    let outcome = tests::run(
        binary("gateway").to_str().unwrap(),
        ["serve", "--check", "--config", broken.to_str().unwrap()],
    );
    assert!(!outcome.success);
    assert!(
        outcome.stderr.contains("broken.toml") && outcome.stderr.contains("server.names"),
        "{}",
        outcome.stderr
    );
}
