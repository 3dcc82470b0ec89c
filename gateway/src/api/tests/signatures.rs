//! Signing: what it takes, what is refused, and that what is refused leaves nothing but an entry in the audit trail.

use actix_web::http::{Method, StatusCode};
use chrono::TimeDelta;
use fleet::{
    access::{IDLE_DEFAULT, Role},
    id::PumpId,
    signature::SubjectKind,
};
use serde_json::{Value, json};

use super::stage::{PASSWORD, Reply, Stage, request_as};

const PIN: &str = "640917";

struct Ward {
    stage: Stage,
    pump: PumpId,
    nurse: String,
}

impl Ward {
    /// A pump that said what it runs, and a nurse with a PIN.
    async fn new() -> Self {
        let stage = Stage::new();
        let pump = stage.pump_in("SN-1", None);
        stage.person("nora", &[Role::Nurse], false);
        let nurse = stage.sign_in("nora");
        let body = json!({ "password": PASSWORD, "pin": PIN });
        let set = request_as(&nurse, Method::POST, "/me/pin").set_json(body);
        stage.send(set).await.expect(StatusCode::NO_CONTENT);
        Self { stage, pump, nurse }
    }

    async fn shown(&self) -> Value {
        let path = format!("/signatures/subjects/pump/{}", self.pump);
        let shown = self.stage.send(request_as(&self.nurse, Method::GET, &path)).await;
        shown.expect(StatusCode::OK)
    }

    async fn sign(&self, shown: &Value, factors: Value) -> Reply {
        self.sign_as(&self.nurse, shown, factors).await
    }

    async fn sign_as(&self, secret: &str, shown: &Value, factors: Value) -> Reply {
        let body = json!({
            "kind": "pump", "id": self.pump, "version": shown["version"], "content_hash": shown["content_hash"],
            "meaning": "verified_for_clinical_use", "factors": factors,
        });
        self.stage
            .send(request_as(secret, Method::POST, "/signatures").set_json(body))
            .await
    }

    /// How many signatures there are, and how many refusals of one are on record.
    fn on_record(&self) -> (usize, usize) {
        self.stage
            .app
            .store
            .read(|db| {
                let signatures = db.signature_of(SubjectKind::Pump, self.pump.as_uuid())?.len();
                let filter = store::AuditFilter {
                    action: Some("signature_refused".parse().unwrap()),
                    ..store::AuditFilter::default()
                };
                Ok((signatures, db.audit_list(&filter, None, 1000)?.items.len()))
            })
            .unwrap()
    }

    async fn list(&self) -> Vec<Value> {
        let path = format!("/signatures?subject={}", self.pump);
        let list = self.stage.send(request_as(&self.nurse, Method::GET, &path)).await;
        list.expect(StatusCode::OK)["items"].as_array().unwrap().clone()
    }
}

fn both() -> Value {
    json!({ "password": PASSWORD, "pin": PIN })
}

#[actix_web::test]
async fn the_first_signature_takes_two_factors_and_later_ones_the_personal_one() {
    let ward = Ward::new().await;
    let shown = ward.shown().await;
    assert_eq!(shown["takes"], "password_and_second");
    assert_eq!(shown["obstacle"], Value::Null);
    for too_little in [json!({}), json!({ "pin": PIN }), json!({ "password": PASSWORD })] {
        ward.sign(&shown, too_little)
            .await
            .expect_problem("factors_missing");
    }
    assert_eq!(ward.on_record(), (0, 3));
    let signed = ward.sign(&shown, both()).await.expect(StatusCode::CREATED);
    assert_eq!(signed["label"], "Verified for clinical use");
    assert_eq!(signed["printed_name"], "nora, printed");
    assert_eq!(signed["role"], "nurse");
    assert_eq!(
        signed["signed_at"], "2027-01-15T09:00:00.000000+01:00",
        "the hospital's clocks"
    );
    assert_eq!(
        (&signed["valid"], &signed["seal_holds"]),
        (&json!(true), &json!(true))
    );

    // The same continuous session: the PIN is enough, on another version.
    ward.stage.runs(ward.pump, "2.0");
    let shown = ward.shown().await;
    assert_eq!(shown["takes"], "personal_component");
    ward.sign(&shown, json!({}))
        .await
        .expect_problem("factors_missing");
    ward.sign(&shown, json!({ "pin": PIN }))
        .await
        .expect(StatusCode::CREATED);

    let pump = async || {
        let path = format!("/pumps/{}", ward.pump);
        let shown = ward.stage.send(request_as(&ward.nurse, Method::GET, &path)).await;
        shown.expect(StatusCode::OK)["verified"].clone()
    };
    let verified = pump().await;
    assert_eq!(
        (&verified["by"], &verified["stands"]),
        (&json!("nora, printed"), &json!(true))
    );
    ward.stage.runs(ward.pump, "3.0");
    assert_eq!(pump().await["stands"], false);
    ward.stage.runs(ward.pump, "2.0");
    assert_eq!(pump().await["stands"], false, "changed back is changed");

    // What was signed is not what is there any more.
    let list = ward.list().await;
    assert_eq!(list.len(), 2);
    for (signature, words) in [
        (0, "edited after it was signed"),
        (1, "changed after it was signed"),
    ] {
        assert_eq!(list[signature]["valid"], false);
        let void = list[signature]["void"].as_str().unwrap();
        assert!(void.contains(words), "{void}");
    }
}

#[actix_web::test]
async fn a_wrong_factor_a_changed_document_and_a_second_time_are_refused_and_on_record() {
    let ward = Ward::new().await;
    let shown = ward.shown().await;
    for wrong in [
        json!({ "password": PASSWORD, "pin": "000001" }),
        json!({ "password": "a wrong password", "pin": PIN }),
        json!({ "password": PASSWORD, "totp": "123456" }),
        json!({ "password": PASSWORD, "pin": PIN, "totp": "123456" }),
    ] {
        ward.sign(&shown, wrong).await.expect_problem("wrong_factor");
    }
    assert_eq!(ward.on_record(), (0, 4));

    // The document changed while she typed; or she was shown something else.
    ward.stage.runs(ward.pump, "2.0");
    ward.sign(&shown, both()).await.expect_problem("content_changed");
    let mut forged = ward.shown().await;
    forged["content_hash"] = json!("00".repeat(32));
    ward.sign(&forged, both()).await.expect_problem("content_changed");
    let mut forged = ward.shown().await;
    forged["version"] = json!(999);
    ward.sign(&forged, both()).await.expect_problem("content_changed");
    assert_eq!(ward.on_record(), (0, 7));

    let shown = ward.shown().await;
    ward.sign(&shown, both()).await.expect(StatusCode::CREATED);
    ward.sign(&shown, both()).await.expect_problem("already_signed");
    assert_eq!(ward.on_record(), (1, 8));

    // Changed and changed back: nobody signed the present version.
    ward.stage.runs(ward.pump, "3.0");
    ward.stage.runs(ward.pump, "2.0");
    let void = ward.list().await[0]["void"].as_str().unwrap().to_owned();
    assert!(void.contains("edited after it was signed"), "{void}");
}

#[actix_web::test]
async fn an_expired_session_and_a_role_lost_a_second_ago_sign_nothing() {
    let ward = Ward::new().await;
    let shown = ward.shown().await;
    let account = ward
        .stage
        .app
        .store
        .read(|db| db.account_fetch_by_name(&fleet::text::Name::new("nora").unwrap()))
        .unwrap()
        .unwrap();
    // The role goes while the session stays: the right is looked up when it is used.
    ward.stage
        .app
        .store
        .write(|db| db.grant_set(account.id, &[]))
        .unwrap();
    ward.sign(&shown, both()).await.expect_problem("denied");
    assert_eq!(ward.on_record().0, 0);
    // Also where it goes between the gatekeeper and the transaction.
    let actor = crate::app::Actor {
        who: crate::app::Who::Person {
            account: account.id,
            name: account.printed_name.clone(),
            session: ward
                .stage
                .app
                .store
                .read(|db| db.session_list(account.id))
                .unwrap()[0]
                .id,
        },
        origin: fleet::audit::Origin::default(),
    };
    let wanted = crate::command::sign::Wanted {
        kind: SubjectKind::Pump,
        id: ward.pump.as_uuid(),
        version: shown["version"].as_i64().unwrap(),
        content_hash: shown["content_hash"].as_str().unwrap().parse().unwrap(),
        meaning: fleet::signature::Meaning::VerifiedForClinicalUse,
        care_area: None,
        comment: None,
    };
    let factors = || crate::command::factor::Shown {
        password: Some(PASSWORD.into()),
        totp: None,
        pin: Some(PIN.into()),
    };
    let refused = crate::command::sign::sign(&ward.stage.app, &actor, &wanted, &factors()).unwrap_err();
    assert!(
        matches!(refused, crate::command::CommandError::Denied(_)),
        "{refused}"
    );
    assert_eq!(ward.on_record().0, 0);

    ward.stage.move_clock(IDLE_DEFAULT);
    ward.sign(&shown, both()).await.expect_problem("unauthenticated");
    let refused = crate::command::sign::sign(&ward.stage.app, &actor, &wanted, &factors()).unwrap_err();
    assert!(
        matches!(refused, crate::command::CommandError::NotStanding(_)),
        "{refused}"
    );
    assert_eq!(ward.on_record(), (0, 1), "and the refusal is on record");
    let denials = ward.stage.app.store.read(|db| {
        let filter = store::AuditFilter {
            action: Some("access_denied".parse().unwrap()),
            ..store::AuditFilter::default()
        };
        db.audit_list(&filter, None, 10)
    });
    assert_eq!(denials.unwrap().items.len(), 2);
}

#[actix_web::test]
async fn what_is_not_ready_or_not_hers_is_not_signed() {
    let ward = Ward::new().await;
    let hold = json!({ "kind": "clinical", "reason": "door latch loose" });
    let path = format!("/pumps/{}/hold", ward.pump);
    let held = ward
        .stage
        .send(request_as(&ward.nurse, Method::POST, &path).set_json(hold))
        .await;
    held.expect(StatusCode::OK);
    let shown = ward.shown().await;
    assert!(shown["obstacle"].as_str().unwrap().contains("held"), "{shown}");
    ward.sign(&shown, both()).await.expect_problem("not_ready");
    for role in Role::ALL {
        if matches!(role, Role::Nurse | Role::ChargeNurse) {
            continue;
        }
        ward.stage.person(role.as_str(), &[role], false);
        let secret = ward.stage.sign_in(role.as_str());
        ward.sign_as(&secret, &shown, json!({ "password": PASSWORD }))
            .await
            .expect_problem("denied");
    }
    // What nothing is yet, and what can not be said of it.
    for kind in ["hold", "wave", "rollout", "trust_root"] {
        let path = format!("/signatures/subjects/{kind}/{}", ward.pump);
        let shown = ward.stage.send(request_as(&ward.nurse, Method::GET, &path)).await;
        shown.expect_problem("not_found");
    }
    let body = json!({
        "kind": "pump", "id": ward.pump, "version": shown["version"], "content_hash": shown["content_hash"],
        "meaning": "released_from_hold_nurse", "factors": both(),
    });
    let reply = ward
        .stage
        .send(request_as(&ward.nurse, Method::POST, "/signatures").set_json(body))
        .await;
    reply.expect_problem("invalid_value");
    assert_eq!(ward.on_record().0, 0);
}

#[actix_web::test]
async fn not_now_is_easy_and_opens_nothing() {
    let ward = Ward::new().await;
    let shown = ward.shown().await;
    let body = json!({
        "kind": "pump", "id": ward.pump, "version": shown["version"], "content_hash": shown["content_hash"],
        "meaning": "verified_for_clinical_use", "reason": "two admissions coming, ask at 14:00",
    });
    let refused = ward
        .stage
        .send(request_as(&ward.nurse, Method::POST, "/signatures/not-now").set_json(body))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(refused["signed"], false);
    assert_eq!(refused["label"], "Not now: verified for clinical use");
    assert_eq!(refused["comment"], "two admissions coming, ask at 14:00");
    // She signs later all the same.
    ward.sign(&shown, both()).await.expect(StatusCode::CREATED);
}

#[actix_web::test]
async fn another_address_is_not_a_continuous_session_and_a_break_takes_everything_again() {
    let ward = Ward::new().await;
    let shown = ward.shown().await;
    ward.sign(&shown, both()).await.expect(StatusCode::CREATED);
    ward.stage.runs(ward.pump, "2.0");
    let shown = ward.shown().await;
    let body = json!({
        "kind": "pump", "id": ward.pump, "version": shown["version"], "content_hash": shown["content_hash"],
        "meaning": "verified_for_clinical_use", "factors": { "pin": PIN },
    });
    let from_elsewhere = request_as(&ward.nurse, Method::POST, "/signatures")
        .peer_addr("10.9.9.9:1".parse().unwrap())
        .set_json(body);
    ward.stage
        .send(from_elsewhere)
        .await
        .expect_problem("factors_missing");

    // A change of privilege in between.
    let glass = json!({ "reason": "nobody else here", "password": PASSWORD });
    let broken = ward
        .stage
        .send(request_as(&ward.nurse, Method::POST, "/break-glass").set_json(glass))
        .await
        .expect(StatusCode::CREATED);
    let secret = broken["token"].as_str().unwrap();
    ward.sign_as(secret, &shown, both())
        .await
        .expect_problem("denied");
    let ended = ward
        .stage
        .send(request_as(secret, Method::DELETE, "/break-glass"))
        .await
        .expect(StatusCode::OK);
    let secret = ended["token"].as_str().unwrap();
    ward.sign_as(secret, &shown, json!({ "pin": PIN }))
        .await
        .expect_problem("factors_missing");
    ward.sign_as(secret, &shown, both())
        .await
        .expect(StatusCode::CREATED);
}

#[actix_web::test]
async fn guessing_a_pin_makes_the_account_wait() {
    let ward = Ward::new().await;
    let shown = ward.shown().await;
    for n in 0..6 {
        let guess = json!({ "password": PASSWORD, "pin": format!("58291{n}") });
        let reply = ward.sign(&shown, guess).await;
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        reply.expect_problem("wrong_factor");
    }
    ward.sign(&shown, both())
        .await
        .expect_problem("too_many_attempts");
    assert_eq!(ward.on_record().0, 0);
}

/// The review of a use of break-glass: by another person, when it is over, over everything that was done under it.
#[actix_web::test]
async fn a_use_of_break_glass_is_reviewed_by_another_person_with_all_that_was_done() {
    let stage = Stage::new();
    let pump = stage.pump_in("SN-1", None);
    for (name, role) in [("nora", Role::Nurse), ("lead", Role::BiomedLead)] {
        stage.person(name, &[role], false);
    }
    stage.person("both", &[Role::BiomedLead], false);
    let post = async |secret: &str, path: &str, body: Value| {
        stage
            .send(request_as(secret, Method::POST, path).set_json(body))
            .await
    };
    let get = async |secret: &str, path: &str| stage.send(request_as(secret, Method::GET, path)).await;
    let both_signed_in = stage.sign_in("both");
    stage.move_clock(TimeDelta::seconds(1));
    let glass = json!({ "reason": "pump at bed 7, nobody else", "password": PASSWORD });
    let broken = post(&both_signed_in, "/break-glass", glass)
        .await
        .expect(StatusCode::CREATED);
    let secret = broken["token"].as_str().unwrap().to_owned();
    let id = broken["id"].as_str().unwrap();
    let hold = json!({ "kind": "clinical", "reason": "free flow suspected" });
    stage.move_clock(TimeDelta::seconds(1));
    post(&secret, &format!("/pumps/{pump}/hold"), hold)
        .await
        .expect(StatusCode::OK);
    let alarms = stage.get("/events?kind=glass_broken").await;
    assert_eq!(alarms.json["items"][0]["severity"], "alarm");

    let lead = stage.sign_in("lead");
    let pin = json!({ "password": PASSWORD, "pin": PIN });
    post(&lead, "/me/pin", pin.clone())
        .await
        .expect(StatusCode::NO_CONTENT);
    let path = format!("/signatures/subjects/break_glass/{id}");
    let review = async |secret: &str| {
        let shown = get(secret, &path).await.expect(StatusCode::OK);
        let body = json!({
            "kind": "break_glass", "id": id, "version": shown["version"], "content_hash": shown["content_hash"],
            "meaning": "review_decided", "comment": "justified", "factors": both(),
        });
        (shown, post(secret, "/signatures", body).await)
    };
    let (shown, early) = review(&lead).await;
    assert!(
        shown["obstacle"].as_str().unwrap().contains("still open"),
        "{shown}"
    );
    early.expect_problem("not_ready");

    stage.move_clock(TimeDelta::seconds(1));
    let ended = stage
        .send(request_as(&secret, Method::DELETE, "/break-glass"))
        .await
        .expect(StatusCode::OK);
    stage.move_clock(TimeDelta::seconds(1));
    // The one who did it does not review it.
    let own = ended["token"].as_str().unwrap();
    post(own, "/me/pin", pin).await.expect(StatusCode::NO_CONTENT);
    let (_, refused) = review(own).await;
    refused.expect_problem("same_person");
    let (shown, signed) = review(&lead).await;
    let deeds: Vec<_> = shown["content"]["deeds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|deed| deed["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(deeds, ["glass_broken", "pump_held"]);
    assert_eq!(signed.expect(StatusCode::CREATED)["valid"], true);
    let uses = get(&lead, "/break-glass").await.expect(StatusCode::OK);
    assert_eq!(uses["items"][0]["reviewed_by"], "lead, printed");
}
