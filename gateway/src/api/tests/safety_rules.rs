//! The safety rules as they reach the service: each test tries to break one, with the hands of people, pumps and the clock.

use std::cell::{Cell, RefCell};

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use fleet::{
    pump::{Activity, HoldKind},
    rollout::state::AssignmentState as State,
};
use serde_json::json;
use wire::message::UpdateStage;

use super::{
    stage::{Stage, Told},
    ward::{Device, Ward},
};
use crate::engine::rollout::turn_with;

/// The installs that a pump was told, since last asked.
fn installs(stage: &Stage, pump: &Device<'_>) -> usize {
    let told = stage.told();
    told.iter()
        .filter(|told| **told == Told::Order(pump.id, "install"))
        .count()
}

#[actix_web::test]
async fn a_pump_takes_one_release_after_the_other() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let mut pump = ward.pump("SN-1", Some(ward.micu));
    let mut release = ward.import().await;
    for (version, counter) in [("2.0", 2), ("3.0", 3), ("4.0", 4)] {
        if counter > 2 {
            release = ward.release(version, counter).await;
        }
        let running = ward.run(version, &release, &[&[&pump]]).await;
        assert_eq!(running.wave_state(0).await, "open");
        pump.updates(version, counter);
        assert_eq!(pump.state(), State::AwaitingSignoff, "{version}");
        let signed = ward
            .nurse
            .sign("pump", pump.id, "verified_for_clinical_use", None)
            .await;
        signed.expect(StatusCode::CREATED);
        stage.turn();
        assert_eq!(pump.state(), State::InService, "{version}");
        stage.move_clock(TimeDelta::seconds(61));
        stage.turn();
        running.approve(0).await;
        stage.turn();
        assert_eq!(running.shown().await["state"], "completed", "{version}");
        let out = stage.app.store.read(|db| db.ticket_out()).unwrap();
        assert!(out.is_empty(), "a used ticket is gone: {out:?}");
        pump.does(Activity::Ready);
    }
    assert!(!pump.is_held());
}

/// A plan that nobody approved, or that was given up, explains nothing, and takes no pump out of use.
#[actix_web::test]
async fn a_draft_changes_nothing_of_what_a_pump_may_run() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let mut pump = ward.pump("SN-1", Some(ward.micu));
    let second = ward.import().await;
    let third = ward.release("3.0", 3).await;
    let _running = ward.run("second", &second, &[&[&pump]]).await;
    let draft = ward.write("third", &third, &[&[&pump]]).await;
    draft.expect(StatusCode::CREATED);
    // The newest assignment of the pump is the draft's; the one that it reports of is the other.
    stage.turn();
    let ticket = pump
        .assignments()
        .iter()
        .find_map(|assignment| assignment.ticket)
        .unwrap();
    let of_second = |pump: &Device<'_>| {
        let all = pump.assignments();
        all.into_iter()
            .find(|assignment| assignment.ticket.is_some())
            .unwrap()
            .state
    };
    pump.acknowledges();
    pump.update(ticket, UpdateStage::Staged);
    stage.turn();
    pump.update(ticket, UpdateStage::Activating);
    pump.update(ticket, UpdateStage::ChecksBegun);
    pump.proves(ticket, "2.0", 2, 60.0);
    pump.runs("2.0", 2);
    stage.turn();
    assert_eq!(of_second(&pump), State::AwaitingSignoff);
    let signed = ward
        .nurse
        .sign("pump", pump.id, "verified_for_clinical_use", None)
        .await;
    signed.expect(StatusCode::CREATED);
    stage.turn();
    assert_eq!(of_second(&pump), State::InService);
    pump.runs("2.0", 2);
    assert!(!pump.is_held(), "it runs what it was signed for");
    // And what nobody ordered holds it, draft or not.
    pump.runs("3.0", 3);
    assert!(pump.is_held());
}

/// S3, S7: what waited for a pump does not come after what made it void, and not to a pump that is busy.
#[actix_web::test]
async fn s3_s7_an_order_that_waited_does_not_reach_a_pump_that_is_busy_or_taken_back() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let mut pump = ward.pump("SN-1", Some(ward.micu));
    let release = ward.import().await;
    let running = ward.run("main", &release, &[&[&pump]]).await;
    stage.turn();
    let ticket = pump.ticket();
    pump.acknowledges();

    // Staged, and its connection is gone: nothing is ordered of a pump that is not there.
    pump.connects(false);
    pump.update(ticket, UpdateStage::Staged);
    stage.turn();
    assert_eq!(pump.state(), State::Staged);
    assert_eq!(installs(&stage, &pump), 0);

    // It is told, and does not take the order. It comes back with a patient.
    pump.connects(true);
    stage.turn();
    assert_eq!(pump.state(), State::AwaitingSafe);
    assert_eq!(installs(&stage, &pump), 1);
    pump.does(Activity::Infusing);
    pump.connects(false);
    pump.connects(true);
    stage.turn();
    assert_eq!(installs(&stage, &pump), 0, "busy");
    stage.move_clock(TimeDelta::minutes(10));
    pump.connects(true);
    stage.turn();
    assert_eq!(installs(&stage, &pump), 0, "not heard of for ten minutes");
    pump.does(Activity::Ready);
    stage.turn();
    assert_eq!(installs(&stage, &pump), 1, "free, by its own fresh word");

    // Paused: the order is not there any more, whatever comes back.
    running.act("pause").await.expect(StatusCode::OK);
    stage.turn();
    stage.told();
    pump.connects(true);
    stage.turn();
    assert_eq!(installs(&stage, &pump), 0, "paused");
    let kinds: Vec<_> = pump.waiting().into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["return_ticket"]);
}

/// S5: a pump beside is held after the loop looked, and before it orders: the floor counts it.
#[actix_web::test]
async fn s5_a_hold_between_the_look_and_the_step_counts_for_the_floor() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let (pump, beside) = (
        ward.pump("SN-1", Some(ward.micu)),
        ward.pump("SN-2", Some(ward.micu)),
    );
    let mut pump = pump;
    ward.keeps(&pump, 1);
    let release = ward.import().await;
    let _running = ward.run("main", &release, &[&[&pump]]).await;
    stage.turn();
    let ticket = pump.ticket();
    pump.acknowledges();
    pump.update(ticket, UpdateStage::Staged);
    stage.told();
    let once = Cell::new(true);
    turn_with(&stage.app, || {
        if once.replace(false) {
            stage.hold(beside.id);
        }
    })
    .unwrap();
    assert!(!once.get());
    assert_eq!(installs(&stage, &pump), 0, "the last one of its ward");
    assert_eq!(pump.state(), State::Staged);
    stage.release(beside.id);
    stage.turn();
    assert_eq!(installs(&stage, &pump), 1);
}

/// S2: a pump fails after the loop looked, and before the gate passes on what it saw.
#[actix_web::test]
async fn s2_a_failure_between_the_look_and_the_step_stops_the_gate() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let mut pump = ward.pump("SN-1", Some(ward.micu));
    let release = ward.import().await;
    let running = ward.run("main", &release, &[&[&pump]]).await;
    pump.updates("2.0", 2);
    let ticket = pump.ticket();
    let signed = ward
        .nurse
        .sign("pump", pump.id, "verified_for_clinical_use", None)
        .await;
    signed.expect(StatusCode::CREATED);
    stage.turn();
    stage.move_clock(TimeDelta::seconds(61));
    stage.turn();
    running.approve(0).await;
    let (once, failing) = (Cell::new(true), RefCell::new(pump));
    turn_with(&stage.app, || {
        if once.replace(false) {
            failing.borrow_mut().proves(ticket, "2.0", 2, 120.0);
        }
    })
    .unwrap();
    assert!(!once.get());
    assert_eq!(failing.borrow().state(), State::Quarantined);
    assert_eq!(running.wave_state(0).await, "awaiting_approval");
}

/// S4: a signature from before is none for what the pump runs now.
#[actix_web::test]
async fn s4_a_signature_from_before_the_update_returns_nothing_to_service() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let mut pump = ward.pump("SN-1", Some(ward.micu));
    let release = ward.import().await;
    let sign = async |pump: &Device<'_>| {
        let signed = ward
            .nurse
            .sign("pump", pump.id, "verified_for_clinical_use", None)
            .await;
        signed.expect(StatusCode::CREATED)
    };
    sign(&pump).await;
    ward.run("main", &release, &[&[&pump]]).await;
    stage.turn();
    let ticket = pump.ticket();
    pump.acknowledges();
    pump.update(ticket, UpdateStage::Staged);
    stage.turn();
    pump.update(ticket, UpdateStage::Activating);
    // The proof comes, and the inventory does not: to the signature the pump looks as before.
    pump.proves(ticket, "2.0", 2, 60.0);
    stage.turn();
    stage.turn();
    assert_eq!(pump.state(), State::AwaitingSignoff);
    let stale = sign(&pump).await;
    stage.turn();
    assert_eq!(pump.state(), State::InService);

    // It stands for as long as nothing changes, and not past a check that fails.
    let valid = async |id: &str| {
        let all = ward.nurse.get(&format!("/signatures?subject={}", pump.id)).await;
        let all = all.expect(StatusCode::OK);
        let mut all = all["items"].as_array().unwrap().iter();
        all.find(|signature| signature["id"] == id).unwrap()["valid"].clone()
    };
    let id = stale["id"].as_str().unwrap();
    assert_eq!(valid(id).await, true);
    pump.proves(ticket, "2.0", 2, 10.0);
    assert!(pump.is_held(), "a check that fails late fails");
    assert_eq!(pump.state(), State::Quarantined);
    let all = ward.nurse.get(&format!("/signatures?subject={}", pump.id)).await;
    let all = all.expect(StatusCode::OK);
    assert!(
        all["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|signature| signature["valid"] == false)
    );
}

/// S2: every wave has pumps, and every pump people who answer for it.
#[actix_web::test]
async fn s2_no_wave_is_without_pumps_and_no_pump_without_people() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let pump = ward.pump("SN-1", Some(ward.micu));
    let stray = ward.pump("SN-2", None);
    let release = ward.import().await;
    let refused = ward.write("empty", &release, &[&[], &[&pump]]).await;
    let refused = refused.expect_problem("invalid_value");
    assert!(
        refused["detail"].as_str().unwrap().contains("wave 0"),
        "{refused}"
    );
    let refused = ward.write("stray", &release, &[&[&stray], &[&pump]]).await;
    refused.expect_problem("invalid_value");
    ward.write("both", &release, &[&[&pump, &stray]])
        .await
        .expect(StatusCode::CREATED);
    assert!(stray.assignments().is_empty());
}

/// S2: the ward that was told is the ward that signs, wherever its pumps went meanwhile.
#[actix_web::test]
async fn s2_moving_a_pump_takes_no_ward_its_word_away() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let mut pump = ward.pump("SN-1", Some(ward.micu));
    let next = ward.pump("SN-2", Some(ward.ed));
    let release = ward.import().await;
    let running = ward.run("main", &release, &[&[&pump], &[&next]]).await;
    pump.updates("2.0", 2);
    ward.nurse
        .sign("pump", pump.id, "verified_for_clinical_use", None)
        .await
        .expect(StatusCode::CREATED);
    stage.turn();
    let row = stage.app.store.read(|db| db.pump_fetch(pump.id)).unwrap();
    let patch = store::PumpPatch {
        care_area: Some(Some(ward.ed)),
        ..store::PumpPatch::default()
    };
    stage
        .app
        .store
        .write(|db| db.pump_detail_update(pump.id, row.row_version, &patch))
        .unwrap();
    stage.move_clock(TimeDelta::seconds(61));
    stage.turn();
    assert_eq!(running.wave_state(0).await, "awaiting_approval");
    let wave = running.wave(0).await;
    let read = json!({ "care_area": ward.micu });
    let not_hers = ward
        .charge_ed
        .post(&format!("/waves/{wave}/briefing"), read)
        .await;
    not_hers.expect_problem("denied");
    let other = ward
        .charge_ed
        .sign("wave", wave, "approved_for_wave", Some(ward.ed))
        .await;
    assert_ne!(other.status, StatusCode::CREATED, "another ward: {}", other.text);
    stage.turn();
    assert_eq!(running.wave_state(0).await, "awaiting_approval");
    assert!(next.assignments()[0].ticket.is_none());
    let own = ward
        .charge_micu
        .sign("wave", wave, "approved_for_wave", Some(ward.micu))
        .await;
    own.expect(StatusCode::CREATED);
    stage.turn();
    assert_eq!(running.wave_state(0).await, "passed");
}

/// S12: who approved a rollout approved it as it was.
#[actix_web::test]
async fn s12_a_rollout_that_was_taken_back_is_approved_anew() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let pump = ward.pump("SN-1", Some(ward.micu));
    let release = ward.import().await;
    let running = ward.run("main", &release, &[&[&pump]]).await;
    let written = ward
        .write("again", &release, &[&[&pump]])
        .await
        .expect(StatusCode::CREATED);
    let id = written["id"].as_str().unwrap();
    let act = async |act: &str| {
        let body = json!({ "act": act, "reason": "a test says so" });
        ward.author
            .post(&format!("/rollouts/{id}/acts"), body)
            .await
            .expect(StatusCode::OK)
    };
    let state = async || {
        let shown = ward.author.get(&format!("/rollouts/{id}")).await;
        shown.expect(StatusCode::OK)["state"].clone()
    };
    act("submit").await;
    ward.author
        .sign("rollout", id, "rollout_approved", None)
        .await
        .expect_problem("same_person");
    ward.approver
        .sign("rollout", id, "rollout_approved", None)
        .await
        .expect(StatusCode::CREATED);
    act("send_back").await;
    act("submit").await;
    stage.turn();
    assert_eq!(
        state().await,
        "awaiting_approval",
        "approved as it was, not as it is"
    );
    running.act("cancel").await.expect(StatusCode::OK);
}

/// S4: whatever became of a report on the way, what a pump proves counts; what it does unasked holds it.
#[actix_web::test]
async fn s4_a_pump_that_installs_what_nobody_ordered_is_held() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let check = async |name: &'static str, says: &dyn Fn(&mut Device<'_>)| {
        let mut pump = ward.pump(name, Some(ward.micu));
        says(&mut pump);
        assert!(pump.is_held(), "{name}");
        let row = stage.app.store.read(|db| db.pump_fetch(pump.id)).unwrap();
        assert_eq!(row.hold.unwrap().kind, HoldKind::Clinical);
    };
    let nobodys = fleet::id::TicketId::from_uuid(uuid::Uuid::from_u128(9));
    check("activates", &|pump| pump.update(nobodys, UpdateStage::Activating)).await;
    check("tries", &|pump| pump.update(nobodys, UpdateStage::TrialBoot)).await;
    check("returns", &|pump| pump.update(nobodys, UpdateStage::RolledBack)).await;
    check("runs another version", &|pump| pump.runs("6.6.6", 1)).await;
    check("counts anew and runs another", &|pump| {
        stage.move_clock(TimeDelta::minutes(1));
        pump.runs("1.0", 1);
        pump.runs("1.0", 1);
        stage.move_clock(TimeDelta::minutes(1));
        pump.says_as(1, Device::inventory("0.9", 1));
    })
    .await;
}
