//! The line to the pumps with clients that nobody here wrote: mosquitto 3.1.1 and 5.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use serde_json::json;
use tests::{Enrolled, Hospital, Output, eventually, run};

const VERSIONS: [&str; 2] = ["311", "5"];

fn publish(
    hospital: &Hospital,
    pump: &Enrolled,
    version: &str,
    topic: &str,
    payload: &str,
    options: &[&str],
) -> Output {
    let mut arguments = pump.mosquitto(hospital, version);
    arguments.extend(["-q", "1", "-t", topic, "-m", payload].map(str::to_owned));
    arguments.extend(options.iter().map(|option| (*option).to_owned()));
    run("mosquitto_pub", arguments)
}

fn telemetry(activity: &str) -> String {
    let at = gateway::clock::Clock::system().now();
    json!({ "v": 1, "at": at, "activity": activity, "patient_attached": false, "battery_percent": 71.0, "on_mains": true }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_client_reports_and_is_known() {
    let hospital = Hospital::open().await;
    for version in VERSIONS {
        let serial = format!("SN-{version}");
        let pump = hospital.enrol(&serial).await;
        let _ = publish(
            &hospital,
            &pump,
            version,
            &pump.topic("up/telemetry"),
            &telemetry("standby"),
            &[],
        )
        .ok();
        // PUBACK came, so it is on record: no waiting here.
        let shown = hospital.api.pump(&serial).await;
        assert_eq!(shown["state"]["activity"], "standby", "{shown}");
        assert_eq!(shown["state"]["battery_percent"], 71.0);
        let history = hospital
            .api
            .get(&format!("/pumps/{}/telemetry", pump.id))
            .await
            .ok(200);
        assert_eq!(history["items"].as_array().unwrap().len(), 1);
        let presence = json!({ "v": 1, "state": "online" }).to_string();
        let _ = publish(
            &hospital,
            &pump,
            version,
            &pump.topic("up/presence"),
            &presence,
            &["-r"],
        )
        .ok();
    }
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_its_pump_and_arrives_once_it_listens() {
    let hospital = Hospital::open().await;
    for version in VERSIONS {
        let pump = hospital.enrol(&format!("SN-{version}")).await;
        let orders = format!("/pumps/{}/orders", pump.id);
        let given = hospital
            .api
            .post(&orders, &json!({ "kind": "report_inventory" }))
            .await
            .ok(201);
        assert!(given["delivered_at"].is_null());
        let mut arguments = pump.mosquitto(&hospital, version);
        arguments
            .extend(["-q", "1", "-t", &pump.topic("down/order"), "-C", "1", "-W", "30"].map(str::to_owned));
        let received = tokio::task::spawn_blocking(|| run("mosquitto_sub", arguments))
            .await
            .unwrap()
            .ok()
            .text();
        let order: serde_json::Value = serde_json::from_str(&received).unwrap();
        assert_eq!(order["id"], given["id"]);
        assert_eq!(order["body"]["kind"], "report_inventory");
        eventually("the order is delivered", || async {
            let listed = hospital.api.get(&orders).await.ok(200);
            listed["items"][0]["delivered_at"].is_string().then_some(())
        })
        .await;
    }
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pump_reaches_its_own_topics_and_nothing_else() {
    let hospital = Hospital::open().await;
    let (mine, other) = (hospital.enrol("SN-1").await, hospital.enrol("SN-2").await);
    for version in VERSIONS {
        let refused = |topic: &str, options: &[&str]| {
            let outcome = publish(&hospital, &mine, version, topic, &telemetry("ready"), options);
            let said = format!("{}{}", outcome.text(), outcome.stderr);
            // 3.1.1 has no negative acknowledgement: the connection ends. 5 says so in the PUBACK.
            let refused = !outcome.success || said.contains("uthori") || said.contains("failed");
            assert!(refused, "{version} {topic} {options:?}: {said}");
        };
        refused(&other.topic("up/telemetry"), &[]);
        refused(&mine.topic("down/order"), &[]);
        refused(&mine.topic("up/telemetry"), &["-r"]);
        refused("$SYS/broker/uptime", &[]);
        refused("anything", &[]);
        refused(
            &mine.topic("up/telemetry"),
            &[
                "--will-topic",
                &other.topic("up/presence"),
                "--will-payload",
                "{\"v\":1,\"state\":\"offline\"}",
            ],
        );
        refused(
            &mine.topic("up/telemetry"),
            &["--will-topic", &mine.topic("up/telemetry"), "--will-payload", "x"],
        );

        for filter in [
            "#",
            "+",
            "pumps/#",
            "pumps/+/down/order",
            "$share/g/pumps/x/down/order",
            "$SYS/#",
        ] {
            subscription_refused(&hospital, &mine, version, filter);
        }
        subscription_refused(&hospital, &mine, version, &other.topic("down/order"));
        subscription_refused(&hospital, &mine, version, &mine.topic("up/telemetry"));
    }
    assert!(
        hospital.api.pump("SN-2").await["state"].is_null(),
        "nothing was said in the other pump's name"
    );
    hospital.close().await;
}

fn subscription_refused(hospital: &Hospital, pump: &Enrolled, version: &str, filter: &str) {
    let mut arguments = pump.mosquitto(hospital, version);
    arguments.extend(["-t", filter, "-E"].map(str::to_owned));
    let outcome = run("mosquitto_sub", arguments);
    let said = format!("{}{}", outcome.text(), outcome.stderr);
    let refused =
        !outcome.success || said.contains("denied") || said.contains("rejected") || said.contains("uthori");
    assert!(refused, "{version} {filter}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_id_is_the_pump() {
    let hospital = Hospital::open().await;
    let pump = hospital.enrol("SN-1").await;
    for version in VERSIONS {
        let mut arguments = pump.mosquitto(&hospital, version);
        *arguments.last_mut().unwrap() = "somebody-else".to_owned();
        arguments.extend(
            [
                "-q",
                "1",
                "-t",
                &pump.topic("up/telemetry"),
                "-m",
                &telemetry("ready"),
            ]
            .map(str::to_owned),
        );
        let outcome = run("mosquitto_pub", arguments);
        assert!(!outcome.success, "{version}: {}", outcome.stderr);
    }
    hospital.close().await;
}
