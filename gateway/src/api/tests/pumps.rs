//! Pumps: shown, corrected, held, retired.

use actix_web::http::{Method, StatusCode, header};
use chrono::TimeDelta;
use fleet::{
    certificate::RevocationReason,
    id::{HoldId, PumpId},
    pump::{Hold, HoldKind, SessionEnd},
    text::Reason,
};
use serde_json::{Value, json};

use store::HoldRecord;

use super::stage::{Reply, Stage, Told};
use crate::{
    app::Actor,
    command::pump::{Errand, order},
    fresh,
};

async fn edit(stage: &Stage, pump: PumpId, version: i64, body: Value) -> Reply {
    let request = stage
        .request(Method::PATCH, &format!("/pumps/{pump}"))
        .insert_header((header::IF_MATCH, format!("\"{version}\"")))
        .set_json(body);
    stage.send(request).await
}

async fn hold(stage: &Stage, pump: PumpId, kind: HoldKind) -> Reply {
    let body = json!({"kind": kind, "reason": "keypad sticks"});
    stage.post(&format!("/pumps/{pump}/hold"), body).await
}

#[actix_web::test]
async fn a_pump_is_shown_whole() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    stage.certificate(pump);
    let body = json!({
        "asset_tag": "BM-10442",
        "udi": "(01)09506000134352(21)SN-1",
        "care_area": "4 West",
        "location": "Clean utility",
        "hardware_id": "rev C",
    });
    edit(&stage, pump, 1, body).await.expect(StatusCode::OK);
    hold(&stage, pump, HoldKind::Clinical)
        .await
        .expect(StatusCode::OK);
    let shown = stage.get(&format!("/pumps/{pump}")).await.expect(StatusCode::OK);
    insta::assert_json_snapshot!(shown, { ".id" => "[id]", ".row_version" => "[version]" });
}

#[actix_web::test]
async fn an_edit_overwrites_nothing_that_was_not_seen() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let path = format!("/pumps/{pump}");
    let reply = stage.get(&path).await;
    assert_eq!(reply.header(header::ETAG), "\"1\"");

    let first = edit(
        &stage,
        pump,
        1,
        json!({"asset_tag": "=cmd|' /C calc'!A0", "care_area": "O'Brien, \"💉\""}),
    )
    .await;
    assert_eq!(first.header(header::ETAG), "\"2\"");
    let first = first.expect(StatusCode::OK);
    assert_eq!(first["asset_tag"], "=cmd|' /C calc'!A0");
    assert_eq!(first["care_area"], "O'Brien, \"💉\"");
    assert_eq!(first["status"], "in_service");

    edit(&stage, pump, 1, json!({"asset_tag": "BM-2"}))
        .await
        .expect_problem("stale");
    let second = edit(&stage, pump, 2, json!({"care_area": null}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        second["asset_tag"], "=cmd|' /C calc'!A0",
        "what is left out stays"
    );
    assert_eq!(second["care_area"], Value::Null, "null clears");
    assert_eq!(second["status"], "in_biomed");

    edit(&stage, pump, 3, json!({"udi": "(01)12345"}))
        .await
        .expect_problem("invalid_value");
    edit(&stage, pump, 3, json!({"serial": "SN-2"}))
        .await
        .expect_problem("malformed_body");
    edit(&stage, pump, 3, json!({})).await.expect(StatusCode::OK);
    assert_eq!(
        stage.get(&path).await.header(header::ETAG),
        "\"3\"",
        "nothing to change changes nothing"
    );
}

#[actix_web::test]
async fn a_clinical_hold_is_ordered_and_told() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let certificate = stage.certificate(pump);
    let view = hold(&stage, pump, HoldKind::Clinical)
        .await
        .expect(StatusCode::OK);
    assert_eq!(view["status_label"], "Held – do not use");
    assert_eq!(view["hold"]["effect"], "in_force", "it said that it is free");
    assert_eq!(stage.told(), [Told::Order(pump, "hold")]);
    assert!(stage.admits(&certificate), "a pump that is held may connect");
    assert_eq!(stage.events(&format!("pump={pump}")).await, ["pump_held"]);
    let orders = stage
        .get(&format!("/pumps/{pump}/orders"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(orders["items"][0]["kind"], "hold");

    // S10: of a pump that has not spoken for a while nobody knows that it is free.
    stage.move_clock(TimeDelta::seconds(121));
    let view = stage.get(&format!("/pumps/{pump}")).await.expect(StatusCode::OK);
    assert_eq!(view["hold"]["effect"], "when_free");
}

#[actix_web::test]
async fn isolation_denies_and_closes_and_takes_back_what_waits() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let certificate = stage.certificate(pump);
    stage
        .post(
            &format!("/pumps/{pump}/orders"),
            json!({"kind": "report_inventory"}),
        )
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(stage.told(), [Told::Order(pump, "report_inventory")]);

    hold(&stage, pump, HoldKind::SecurityIsolation)
        .await
        .expect(StatusCode::OK);
    assert_eq!(stage.told(), [Told::Closed(pump, SessionEnd::Denied)]);
    assert!(!stage.admits(&certificate));
    let orders = stage
        .get(&format!("/pumps/{pump}/orders"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(orders["items"][0]["outcome"], "superseded");
    assert_eq!(stage.app.store.read(|db| db.order_pending(pump)).unwrap(), []);
}

/// S4: there is no way here to lift a hold, by another one neither.
#[actix_web::test]
async fn s4_a_hold_is_made_stricter_or_stays() {
    let stage = Stage::new();
    for standing in HoldKind::ALL {
        for new in HoldKind::ALL {
            let pump = stage.pump(&format!("SN-{}-{}", standing.as_str(), new.as_str()));
            let certificate = stage.certificate(pump);
            hold(&stage, pump, standing).await.expect(StatusCode::OK);
            stage.told();
            let reply = hold(&stage, pump, new).await;
            if standing == HoldKind::Clinical && new != HoldKind::Clinical {
                assert_eq!(reply.expect(StatusCode::OK)["hold"]["kind"], new.as_str());
            } else {
                reply.expect_problem("already_held");
                assert_eq!(stage.told(), [], "a refused hold tells nobody anything");
                let view = stage.get(&format!("/pumps/{pump}")).await.expect(StatusCode::OK);
                assert_eq!(view["hold"]["kind"], standing.as_str());
                assert_eq!(stage.admits(&certificate), standing.may_connect());
            }
        }
    }
}

#[actix_web::test]
async fn nothing_is_sent_to_evidence() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    hold(&stage, pump, HoldKind::Sequestered)
        .await
        .expect(StatusCode::OK);
    let order = stage
        .post(
            &format!("/pumps/{pump}/orders"),
            json!({"kind": "renew_certificate"}),
        )
        .await;
    order.expect_problem("hold_forbids_orders");
    assert_eq!(stage.told(), []);
}

#[actix_web::test]
async fn a_newer_order_of_a_kind_takes_the_place_of_one_that_waits() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let path = format!("/pumps/{pump}/orders");
    for _ in 0..2 {
        stage
            .post(&path, json!({"kind": "report_inventory"}))
            .await
            .expect(StatusCode::CREATED);
        stage.move_clock(TimeDelta::seconds(1));
    }
    stage
        .post(&path, json!({"kind": "renew_certificate"}))
        .await
        .expect(StatusCode::CREATED);
    stage
        .post(&path, json!({"kind": "hold"}))
        .await
        .expect_problem("malformed_body");
    let waiting = stage.app.store.read(|db| db.order_pending(pump)).unwrap();
    let kinds: Vec<_> = waiting.iter().map(|order| order.kind.as_str()).collect();
    assert_eq!(kinds, ["report_inventory", "renew_certificate"]);
}

#[actix_web::test]
async fn a_retired_pump_is_gone_and_its_record_stays() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let certificates = [stage.certificate(pump), stage.certificate(pump)];
    let path = format!("/pumps/{pump}");
    let retire = async || {
        stage
            .post(&format!("{path}/retire"), json!({"reason": "sold"}))
            .await
    };
    assert_eq!(retire().await.expect(StatusCode::OK)["status"], "retired");
    assert_eq!(stage.told(), [Told::Closed(pump, SessionEnd::Denied)]);
    for certificate in &certificates {
        assert!(!stage.admits(certificate));
        let stored = stage
            .app
            .store
            .read(|db| db.certificate_fetch(certificate.fingerprint))
            .unwrap()
            .unwrap();
        assert_eq!(
            stored.record.revoked.map(|(_, why)| why),
            Some(RevocationReason::CessationOfOperation)
        );
    }
    retire().await.expect_problem("pump_retired");
    hold(&stage, pump, HoldKind::Clinical)
        .await
        .expect_problem("pump_retired");
    stage
        .post(&format!("{path}/orders"), json!({"kind": "report_inventory"}))
        .await
        .expect_problem("pump_retired");
    stage
        .post(&format!("{path}/late-renewal"), json!({}))
        .await
        .expect_problem("pump_retired");
    stage.get(&path).await.expect(StatusCode::OK);
}

#[actix_web::test]
async fn a_late_renewal_is_armed_for_a_week() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let armed = stage
        .post(&format!("/pumps/{pump}/late-renewal"), json!({}))
        .await
        .expect(StatusCode::OK);
    let until = stage
        .app
        .store
        .read(|db| db.late_renewal_fetch(pump))
        .unwrap()
        .unwrap();
    assert_eq!(until, stage.app.now() + TimeDelta::days(7));
    assert_eq!(armed["until"], serde_json::to_value(until).unwrap());
}

#[actix_web::test]
async fn a_scan_finds_exactly_what_it_names() {
    let stage = Stage::new();
    let second = stage.pump_of("Apex 4", "SN-1");
    let mut expected = [stage.pump_of("Apex 3", "SN-1"), second];
    expected.sort();
    stage.pump("SN-11");
    edit(&stage, second, 1, json!({"asset_tag": "BM-7"}))
        .await
        .expect(StatusCode::OK);
    let find = async |q: &str| {
        let found = stage
            .get(&format!("/pumps/find?q={q}"))
            .await
            .expect(StatusCode::OK);
        let ids = found["items"].as_array().unwrap().iter();
        ids.map(|pump| pump["id"].as_str().unwrap().parse::<PumpId>().unwrap())
            .collect::<Vec<_>>()
    };
    let mut both = find("SN-1").await;
    both.sort();
    assert_eq!(both, expected);
    assert_eq!(find("BM-7").await, [second]);
    assert_eq!(find("SN").await, []);
    assert_eq!(find("%25").await, []);
    assert_eq!(find("").await, []);
}

/// A commit whose answer was lost told nobody; who tries again is refused, and it is made up for.
#[actix_web::test]
async fn a_refusal_for_what_stands_already_makes_sure_that_it_does() {
    let stage = Stage::new();
    let (held, retired) = (stage.pump("SN-1"), stage.pump("SN-2"));
    let (of_held, of_retired) = (stage.certificate(held), stage.certificate(retired));
    let now = stage.app.now();
    stage
        .app
        .store
        .write(|db| {
            let hold = Hold {
                kind: HoldKind::SecurityIsolation,
                reason: Reason::new("stolen").unwrap(),
                since: now,
            };
            let id = HoldId::from_uuid(fresh::uuid(now));
            db.hold_create(&HoldRecord::standing(id, held, &hold, json!({}), None))?;
            db.pump_retire(retired, now)
        })
        .unwrap();
    assert!(stage.admits(&of_held) && stage.admits(&of_retired));

    hold(&stage, held, HoldKind::SecurityIsolation)
        .await
        .expect_problem("already_held");
    assert!(!stage.admits(&of_held));
    assert_eq!(stage.told(), [Told::Closed(held, SessionEnd::Denied)]);

    stage
        .post(&format!("/pumps/{retired}/retire"), json!({"reason": "worn out"}))
        .await
        .expect_problem("pump_retired");
    assert!(!stage.admits(&of_retired));
    assert_eq!(stage.told(), [Told::Closed(retired, SessionEnd::Denied)]);
}

#[actix_web::test]
async fn the_gate_is_asked_right_before_an_order_is_sent() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    stage.app.gate.set_pump(pump, Some(HoldKind::Sequestered), false);
    let actor = Actor::gateway();
    order(&stage.app, &actor, pump, Errand::ReportInventory).unwrap();
    assert_eq!(stage.told(), []);
    stage.app.gate.set_pump(pump, None, false);
    order(&stage.app, &actor, pump, Errand::ReportInventory).unwrap();
    assert_eq!(stage.told(), [Told::Order(pump, "report_inventory")]);
}
