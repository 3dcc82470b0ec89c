//! What people do about pumps that a rollout did not reach, about a wave that they want back, and about drug libraries.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use fleet::{pump::Activity, rollout::state::AssignmentState as State, signature::Digest};
use serde_json::{Value, json};
use wire::message::UpdateStage;

use super::{
    stage::{Stage, Told},
    ward::{Device, LIBRARY, Running, Ward},
};

fn why() -> Value {
    json!({ "reason": "a test says so" })
}

async fn verify(ward: &Ward<'_>, stage: &Stage, pump: &Device<'_>) {
    let signed = ward
        .nurse
        .sign("pump", pump.id, "verified_for_clinical_use", None)
        .await;
    signed.expect(StatusCode::CREATED);
    stage.turn();
    assert_eq!(pump.state(), State::InService);
}

async fn row(running: &Running<'_, '_>, pump: &Device<'_>) -> Value {
    let shown = running.shown().await;
    let waves = shown["waves"].as_array().unwrap();
    let mut rows = waves
        .iter()
        .flat_map(|wave| wave["assignments"].as_array().unwrap());
    let id = json!(pump.id);
    rows.find(|row| row["pump"] == id).unwrap().clone()
}

#[actix_web::test]
async fn a_pump_that_was_left_behind_is_tried_again() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let (mut free, mut busy) = (
        ward.pump("SN-1", Some(ward.micu)),
        ward.pump("SN-2", Some(ward.micu)),
    );
    busy.does(Activity::Infusing);
    let release = ward.import().await;
    let running = ward.run("main", &release, &[&[&free, &busy]]).await;
    free.updates("2.0", 2);
    verify(&ward, &stage, &free).await;
    let again = format!("/pumps/{}/try-again", busy.id);
    let early = ward.author.post(&again, why()).await.expect(StatusCode::CONFLICT);
    assert_eq!(early["code"], "not_under_test", "{early}");

    // In use all week.
    stage.move_clock(TimeDelta::days(8));
    busy.does(Activity::Infusing);
    stage.turn();
    let left = row(&running, &busy).await;
    assert_eq!(
        (&left["state"], &left["left_behind"]),
        (&json!("cancelled"), &json!(true))
    );
    assert!(left["last_heard"].is_string(), "{left}");
    assert_eq!(running.wave_state(0).await, "soaking");

    // A week later it is wanted again: its time runs anew, and nothing of the week before counts.
    ward.author
        .post(&again, why())
        .await
        .expect(StatusCode::NO_CONTENT);
    stage.turn();
    assert_eq!(running.wave_state(0).await, "open");
    let tried = row(&running, &busy).await;
    assert_eq!(
        (&tried["left_behind"], &tried["last_heard"]),
        (&json!(false), &Value::Null)
    );
    stage.move_clock(TimeDelta::days(6));
    busy.does(Activity::Ready);
    busy.updates("2.0", 2);
    verify(&ward, &stage, &busy).await;
    stage.move_clock(TimeDelta::seconds(61));
    stage.turn();
    running.approve(0).await;
    stage.turn();
    assert_eq!(running.shown().await["state"], "completed");
    // What is over takes nothing up again.
    ward.author.post(&again, why()).await.expect(StatusCode::CONFLICT);
}

#[actix_web::test]
async fn a_pump_that_is_taken_out_gives_its_ticket_back_first() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let (mut stays, mut leaves) = (
        ward.pump("SN-1", Some(ward.micu)),
        ward.pump("SN-2", Some(ward.micu)),
    );
    let release = ward.import().await;
    let running = ward.run("main", &release, &[&[&stays, &leaves]]).await;
    stage.turn();
    leaves.acknowledges();
    let ticket = leaves.ticket();
    let out = format!("/pumps/{}/take-out", leaves.id);
    ward.author.post(&out, why()).await.expect(StatusCode::NO_CONTENT);
    stage.turn();
    let kinds: Vec<_> = leaves.waiting().into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["return_ticket"]);
    assert_ne!(leaves.state(), State::Cancelled, "it may still use its ticket");
    // Twice is once.
    ward.author.post(&out, why()).await.expect(StatusCode::CONFLICT);
    leaves.update(ticket, UpdateStage::TicketReturned);
    stage.turn();
    assert_eq!(leaves.state(), State::Cancelled);
    let left = row(&running, &leaves).await;
    assert_eq!(
        (&left["taken_out"], &left["left_behind"]),
        (&json!(true), &json!(false))
    );

    stays.updates("2.0", 2);
    verify(&ward, &stage, &stays).await;
    assert_eq!(running.wave_state(0).await, "soaking");
    // What is verified is not taken out of what is signed for.
    let out = format!("/pumps/{}/take-out", stays.id);
    ward.author.post(&out, why()).await.expect(StatusCode::CONFLICT);
}

/// S4: a failure is not taken out of the count, nor tried again past its hold.
#[actix_web::test]
async fn a_failure_stays_a_failure() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let (mut pump, other) = (
        ward.pump("SN-1", Some(ward.micu)),
        ward.pump("SN-2", Some(ward.micu)),
    );
    other.connects(false);
    let release = ward.import().await;
    let _running = ward.run("main", &release, &[&[&pump, &other]]).await;
    stage.turn();
    let ticket = pump.ticket();
    pump.acknowledges();
    pump.update(ticket, UpdateStage::Staged);
    stage.turn();
    pump.update(ticket, UpdateStage::Activating);
    pump.update(ticket, UpdateStage::ChecksBegun);
    pump.proves(ticket, "2.0", 2, 120.0);
    stage.turn();
    assert!(pump.is_held());
    let before = pump.state();
    for what in ["take-out", "try-again"] {
        let path = format!("/pumps/{}/{what}", pump.id);
        ward.author.post(&path, why()).await.expect(StatusCode::CONFLICT);
    }
    stage.turn();
    assert_eq!(pump.state(), before);
    assert!(pump.is_held());
}

#[actix_web::test]
async fn a_whole_wave_goes_back_and_its_rollout_halts() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let (mut first, mut second) = (
        ward.pump("SN-1", Some(ward.micu)),
        ward.pump("SN-2", Some(ward.micu)),
    );
    let third = ward.pump("SN-3", Some(ward.ed));
    let release = ward.import().await;
    let running = ward.run("main", &release, &[&[&first, &second], &[&third]]).await;
    let back = format!("/waves/{}/roll-back", running.wave(0).await);
    ward.author.post(&back, why()).await.expect(StatusCode::CONFLICT);
    first.updates("2.0", 2);
    second.updates("2.0", 2);
    verify(&ward, &stage, &first).await;
    stage.told();

    let done = ward.author.post(&back, why()).await.expect(StatusCode::OK);
    assert_eq!(done, json!({ "asked": 2, "halted": true }));
    assert_eq!(running.shown().await["state"], "halted");
    // S3: not while it is in use.
    second.does(Activity::Infusing);
    stage.turn();
    let told = |pump: &Device<'_>, told: &[Told]| told.contains(&Told::Order(pump.id, "roll_back"));
    let now = stage.told();
    assert!(told(&first, &now) && !told(&second, &now), "{now:?}");
    second.does(Activity::Ready);
    stage.turn();
    assert!(told(&second, &stage.told()));
    // Nobody is asked twice, and the next wave does not begin.
    ward.author.post(&back, why()).await.expect(StatusCode::CONFLICT);
    assert_eq!(third.state(), State::Planned);
}

/// A check of the drug library that names no hash is held against what the pharmacy approved for the model, and against nothing
/// else: where nothing is approved, a person looks at it.
#[actix_web::test]
async fn a_drug_library_is_held_against_what_the_pharmacy_approved() {
    let stage = Stage::new();
    let library = json!({
        "id": "library", "kind": "library_integrity", "conduct": { "by": "pump" },
        "prompt": "The drug library is the approved one.", "expect": { "reading": "digest" },
    });
    let ward = Ward::with(&stage, vec![library]).await;
    let pharmacist = ward.pharmacist().await;
    let release = ward.import().await;
    let approved = |sha256: Digest| json!({ "library": { "name": "Adult ICU", "version": "2026-11", "sha256": sha256 }, "reason": "P&T committee" });
    let cases = [
        ("none", None, State::Quarantined),
        (
            "another",
            Some(approved(Digest::of(b"another"))),
            State::Quarantined,
        ),
        (
            "this one",
            Some(approved(Digest::of(LIBRARY))),
            State::AwaitingSignoff,
        ),
        ("none any more", Some(why()), State::Quarantined),
    ];
    for (number, (what, say, expected)) in cases.into_iter().enumerate() {
        let mut pump = ward.pump(&format!("SN-{number}"), Some(ward.micu));
        let path = format!("/models/{}/drug-libraries", stage.model_of(pump.id));
        if let Some(say) = say {
            ward.author
                .post(&path, say.clone())
                .await
                .expect(StatusCode::FORBIDDEN);
            pharmacist.post(&path, say).await.expect(StatusCode::CREATED);
        }
        let _running = ward.run(what, &release, &[&[&pump]]).await;
        pump.updates("2.0", 2);
        assert_eq!(pump.state(), expected, "{what}");
        let history = ward.nurse.get(&path).await.expect(StatusCode::OK);
        assert_eq!(history["items"].as_array().unwrap().len(), number, "{history}");
    }
    let now = ward.nurse.get("/drug-libraries").await.expect(StatusCode::OK);
    assert_eq!(now["items"][0]["library"], Value::Null, "{now}");
    assert_eq!(now["items"].as_array().unwrap().len(), 1);
}

/// A recall comes before the next update: with that, the old version would be out of reach.
#[actix_web::test]
async fn a_wish_for_the_old_version_comes_before_the_next_update() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let mut pump = ward.pump("SN-1", Some(ward.micu));
    let second = ward.import().await;
    let _first = ward.run("second", &second, &[&[&pump]]).await;
    pump.updates("2.0", 2);
    verify(&ward, &stage, &pump).await;
    let third = ward.release("3.0", 3).await;
    pump.does(Activity::Infusing);
    let back = format!("/pumps/{}/roll-back", pump.id);
    ward.author
        .post(&back, why())
        .await
        .expect(StatusCode::NO_CONTENT);
    stage.turn();
    let _running = ward.run("third", &third, &[&[&pump]]).await;
    stage.turn();
    let all = pump.assignments();
    assert_eq!((all[0].state, all[0].ticket), (State::Planned, None));
    assert!(all[1].roll_back_by.is_some());
    stage.told();
    pump.does(Activity::Ready);
    stage.turn();
    assert!(stage.told().contains(&Told::Order(pump.id, "roll_back")));
}

/// What had a ticket and gave it back brought nothing, and hides nothing that did.
#[actix_web::test]
async fn an_update_that_never_came_does_not_stand_in_the_way_back() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let mut pump = ward.pump("SN-1", Some(ward.micu));
    let second = ward.import().await;
    let first = ward.run("second", &second, &[&[&pump]]).await;
    pump.updates("2.0", 2);
    verify(&ward, &stage, &pump).await;
    let third = ward.release("3.0", 3).await;
    let _running = ward.run("third", &third, &[&[&pump]]).await;
    stage.turn();
    assert!(pump.assignments()[0].ticket.is_some());
    let out = format!("/pumps/{}/take-out", pump.id);
    ward.author.post(&out, why()).await.expect(StatusCode::NO_CONTENT);
    let wave = format!("/waves/{}/roll-back", first.wave(0).await);
    let done = ward.author.post(&wave, why()).await.expect(StatusCode::OK);
    assert_eq!(done["asked"], 1);
}

/// S2: who signed over a pump that was left behind did not sign for a wave without it.
#[actix_web::test]
async fn s2_taking_a_pump_out_takes_the_signatures_with_it() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let mut pumps: Vec<_> = (1..=3)
        .map(|n| ward.pump(&format!("SN-{n}"), Some(ward.micu)))
        .collect();
    let next = ward.pump("SN-4", Some(ward.ed));
    pumps[1].does(Activity::Infusing);
    pumps[2].does(Activity::Infusing);
    let release = ward.import().await;
    let running = ward
        .run("main", &release, &[&[&pumps[0], &pumps[1], &pumps[2]], &[&next]])
        .await;
    pumps[0].updates("2.0", 2);
    verify(&ward, &stage, &pumps[0]).await;
    stage.move_clock(TimeDelta::days(8));
    stage.turn();
    stage.move_clock(TimeDelta::seconds(61));
    stage.turn();
    running.approve(0).await;
    stage.turn();
    let state = running.wave_state(0).await;
    assert_eq!(state, "awaiting_approval", "a third is verified, half is wanted");
    for pump in &pumps[1..] {
        let out = format!("/pumps/{}/take-out", pump.id);
        ward.author.post(&out, why()).await.expect(StatusCode::NO_CONTENT);
    }
    stage.turn();
    let state = running.wave_state(0).await;
    assert_eq!(state, "awaiting_approval", "on signatures over something else");
    running.approve(0).await;
    stage.turn();
    assert_eq!(running.wave_state(0).await, "passed");
}

/// S6: a pump that was told to go back is nobody else's until it said that it did.
#[actix_web::test]
async fn s6_a_pump_that_goes_back_begins_no_other_update() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let mut pump = ward.pump("SN-1", Some(ward.micu));
    let second = ward.import().await;
    let _first = ward.run("second", &second, &[&[&pump]]).await;
    pump.updates("2.0", 2);
    verify(&ward, &stage, &pump).await;
    let third = ward.release("3.0", 3).await;
    pump.does(Activity::Ready);
    let back = format!("/pumps/{}/roll-back", pump.id);
    ward.author
        .post(&back, why())
        .await
        .expect(StatusCode::NO_CONTENT);
    stage.turn();
    assert!(stage.told().contains(&Told::Order(pump.id, "roll_back")));
    let _running = ward.run("third", &third, &[&[&pump]]).await;
    stage.turn();
    let newest = &pump.assignments()[0];
    assert_eq!((newest.state, newest.ticket), (State::Planned, None));
}

/// A pump of two rollouts leaves the one that is meant.
#[actix_web::test]
async fn a_pump_leaves_the_rollout_that_is_named() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let pump = ward.pump("SN-1", Some(ward.micu));
    pump.connects(false);
    let second = ward.import().await;
    let older = ward.run("second", &second, &[&[&pump]]).await;
    let third = ward.release("3.0", 3).await;
    let newer = ward.run("third", &third, &[&[&pump]]).await;
    let out = format!("/pumps/{}/take-out", pump.id);
    let body = json!({ "reason": "a test says so", "rollout": older.id });
    ward.author
        .post(&out, body.clone())
        .await
        .expect(StatusCode::NO_CONTENT);
    stage.turn();
    assert_eq!(row(&older, &pump).await["taken_out"], true);
    assert_eq!(row(&newer, &pump).await["taken_out"], false);
    assert_eq!(row(&newer, &pump).await["state"], "planned");
    ward.author.post(&out, body).await.expect(StatusCode::CONFLICT);
}
