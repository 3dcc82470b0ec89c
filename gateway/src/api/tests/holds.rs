//! S4, and every way around it that came to mind: a hold ends by a passed retest and two people, and by nothing else.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::{Method, StatusCode};
use chrono::TimeDelta;
use fleet::{
    access::{CareAreas, Grant, Role},
    id::{CareAreaId, PumpId},
    pump::{HoldKind, SessionEnd},
    text::Name,
};
use serde_json::{Value, json};

use super::stage::{PASSWORD, Reply, Stage, Told, request_as};
use crate::{fresh, pki::gate::Gate};

const PIN: &str = "640917";
const BIOMED: &str = "released_from_hold_biomed";
const NURSE: &str = "released_from_hold_nurse";
const SECURITY: &str = "released_from_hold_security";

/// The hospital's own plan with good readings.
const GOOD: [(&str, &str, f64); 5] = [
    ("bench-flow", "percent", 1.2),
    ("bench-occlusion", "kpa", 62.0),
    ("bench-alarm", "decibel", 61.0),
    ("bench-battery", "minute", 44.0),
    ("bench-electrical", "milliampere", 0.1),
];

/// A held pump of MICU, and everybody who has something to do with it.
struct Bench {
    stage: Stage,
    pump: PumpId,
    secrets: BTreeMap<&'static str, String>,
}

impl Bench {
    async fn new() -> Self {
        let stage = Stage::new();
        let (micu, ed) = (care_area(&stage, "MICU"), care_area(&stage, "ED"));
        let pump = stage.pump_in("SN-1", Some(micu));
        let mut bench = Self {
            stage,
            pump,
            secrets: BTreeMap::new(),
        };
        let own = |role, area| Grant {
            role,
            care_areas: CareAreas::Named(BTreeSet::from([area])),
        };
        let all = |role| Grant {
            role,
            care_areas: CareAreas::All,
        };
        for (name, grants) in [
            ("ben", vec![all(Role::Biomed)]),
            ("lena", vec![all(Role::BiomedLead)]),
            ("nora", vec![own(Role::Nurse, micu)]),
            ("chen", vec![own(Role::ChargeNurse, micu)]),
            ("edna", vec![own(Role::Nurse, ed)]),
            ("both", vec![all(Role::Biomed), own(Role::Nurse, micu)]),
            ("samir", vec![all(Role::Security)]),
            ("aud", vec![all(Role::Auditor)]),
        ] {
            bench.stage.person_with(name, &grants, false);
            bench.arrives(name).await;
        }
        bench
    }

    /// Somebody signs in, with a PIN.
    async fn arrives(&mut self, name: &'static str) {
        let secret = self.stage.sign_in(name);
        let body = json!({ "password": PASSWORD, "pin": PIN });
        let pin = request_as(&secret, Method::POST, "/me/pin").set_json(body);
        self.stage.send(pin).await.expect(StatusCode::NO_CONTENT);
        self.secrets.insert(name, secret);
    }

    async fn send(&self, who: &str, method: Method, path: &str, body: Value) -> Reply {
        let request = request_as(&self.secrets[who], method, path);
        let request = if body.is_null() {
            request
        } else {
            request.set_json(body)
        };
        self.stage.send(request).await
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.send("aud", Method::GET, path, Value::Null).await;
        reply.expect(StatusCode::OK)
    }

    async fn post(&self, who: &str, path: &str, body: Value) -> Reply {
        self.send(who, Method::POST, path, body).await
    }

    async fn hold(&self, who: &str, kind: &str) -> Reply {
        let body = json!({ "kind": kind, "reason": "door latch loose" });
        self.post(who, &format!("/pumps/{}/hold", self.pump), body).await
    }

    /// A clinical hold by the nurse.
    async fn held(&self) -> String {
        self.hold("nora", "clinical").await.expect(StatusCode::OK);
        self.standing().await.unwrap()
    }

    async fn standing(&self) -> Option<String> {
        let list = self
            .get(&format!("/holds?standing=true&pump={}", self.pump))
            .await;
        let items = list["items"].as_array().unwrap();
        assert!(items.len() <= 1, "{list}");
        items.first().map(|hold| hold["id"].as_str().unwrap().to_owned())
    }

    async fn begins(&self, who: &str, hold: &str) -> Reply {
        self.post(who, &format!("/holds/{hold}/retests"), json!({})).await
    }

    async fn reads(&self, who: &str, hold: &str, check: &str, reading: Value) -> Reply {
        let mut body = json!({ "check": check, "reading": reading });
        if reading["reading"] == "quantity" {
            body["instrument"] = json!({ "id": "IDA-5-117", "calibrated_until": "2027-12-31" });
        }
        self.post(who, &format!("/holds/{hold}/checks"), body).await
    }

    /// A retest in which everything is as it should be, run by one person.
    async fn passes(&self, who: &str, hold: &str) {
        self.begins(who, hold).await.expect(StatusCode::CREATED);
        self.measures(who, hold, &GOOD).await;
        assert_eq!(self.outcome(hold).await, "passed");
    }

    async fn measures(&self, who: &str, hold: &str, readings: &[(&str, &str, f64)]) {
        for (check, unit, value) in readings {
            let reading = json!({ "reading": "quantity", "unit": unit, "value": value });
            let entered = self.reads(who, hold, check, reading).await;
            entered.expect(StatusCode::NO_CONTENT);
        }
        let yes = json!({ "reading": "confirmation", "yes": true });
        let entered = self.reads(who, hold, "bench-inspection", yes).await;
        entered.expect(StatusCode::NO_CONTENT);
    }

    async fn outcome(&self, hold: &str) -> String {
        let shown = self.get(&format!("/holds/{hold}")).await;
        shown["retests"][0]["outcome"].as_str().unwrap().to_owned()
    }

    async fn shown(&self, hold: &str, meaning: &str) -> Value {
        self.get(&format!("/signatures/subjects/hold/{hold}?meaning={meaning}"))
            .await
    }

    async fn signs(&self, who: &str, hold: &str, meaning: &str) -> Reply {
        let shown = self.shown(hold, meaning).await;
        self.signs_what(who, hold, meaning, &shown).await
    }

    async fn signs_what(&self, who: &str, hold: &str, meaning: &str, shown: &Value) -> Reply {
        let body = json!({
            "kind": "hold", "id": hold, "version": shown["version"], "content_hash": shown["content_hash"],
            "meaning": meaning, "factors": { "password": PASSWORD, "pin": PIN },
        });
        self.post(who, "/signatures", body).await
    }

    async fn waits_for(&self, hold: &str) -> Vec<String> {
        let shown = self.get(&format!("/holds/{hold}")).await;
        serde_json::from_value(shown["waits_for"].clone()).unwrap()
    }

    /// What waits for the pump in the outbox.
    fn outbox(&self) -> Vec<String> {
        let rows = self
            .stage
            .app
            .store
            .read(|db| db.order_pending(self.pump))
            .unwrap();
        rows.into_iter().map(|row| row.kind).collect()
    }
}

fn care_area(stage: &Stage, name: &str) -> CareAreaId {
    let id = CareAreaId::from_uuid(fresh::uuid(stage.app.now()));
    let name = Name::new(name).unwrap();
    stage
        .app
        .store
        .write(|db| db.care_area_ensure(&name, id))
        .unwrap()
}

#[actix_web::test]
async fn s4_a_passed_retest_and_two_people_release_a_pump_and_all_of_it_stays_on_record() {
    let bench = Bench::new().await;
    let hold = bench.held().await;
    assert_eq!(bench.stage.told(), [Told::Order(bench.pump, "hold")]);
    assert_eq!(
        bench.waits_for(&hold).await,
        [
            "the retest has not passed",
            "biomed has not signed",
            "a nurse has not signed"
        ]
    );
    bench.passes("ben", &hold).await;
    // Who ran the retest signs for biomed.
    let signed = bench.signs("ben", &hold, BIOMED).await;
    assert_eq!(
        signed.expect(StatusCode::CREATED)["label"],
        "Released from hold (biomed)"
    );
    assert_eq!(bench.waits_for(&hold).await, ["a nurse has not signed"]);
    assert_eq!(bench.standing().await.as_deref(), Some(hold.as_str()));
    assert_eq!(bench.stage.told(), [], "half of it is nothing");

    bench
        .signs("nora", &hold, NURSE)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(bench.standing().await, None);
    assert_eq!(bench.stage.told(), [Told::Order(bench.pump, "release_hold")]);
    // The pump never had the order to hold: it is offline, and needs one of the two.
    assert_eq!(bench.outbox(), ["release_hold"]);
    let pump = bench.get(&format!("/pumps/{}", bench.pump)).await;
    assert_eq!(pump["hold"], Value::Null);
    assert_eq!(bench.stage.app.gate.pump(bench.pump).hold, None);

    let ended = bench.get(&format!("/holds/{hold}")).await;
    assert_eq!(ended["set_by"]["printed_name"], "nora, printed");
    assert_eq!(ended["evidence"]["components"][0]["version"], "1.0");
    assert_eq!(ended["released_on"], ended["retests"][0]["id"]);
    assert_eq!(ended["released_by"].as_array().unwrap().len(), 2);
    assert_eq!(ended["waits_for"], json!([]));
    // What was signed stays what was signed.
    let list = bench.get(&format!("/signatures?subject={hold}")).await;
    for signature in list["items"].as_array().unwrap() {
        assert_eq!(signature["valid"], true, "{signature}");
    }
    for (query, count) in [
        ("pump_held", 1),
        ("retest_begun", 1),
        ("check_entered", 6),
        ("hold_released", 1),
    ] {
        let entries = bench.get(&format!("/audit?action={query}")).await;
        assert_eq!(entries["items"].as_array().unwrap().len(), count, "{query}");
    }

    // Twice is once.
    bench
        .signs("chen", &hold, NURSE)
        .await
        .expect_problem("not_ready");
    bench.begins("ben", &hold).await.expect_problem("hold_over");
    let yes = json!({ "reading": "confirmation", "yes": true });
    let late = bench.reads("ben", &hold, "bench-inspection", yes).await;
    late.expect_problem("hold_over");

    // Another hold is another one, and the order to hold takes the place of the release that nobody fetched.
    bench.stage.move_clock(TimeDelta::seconds(1));
    let second = bench.held().await;
    assert_ne!(second, hold);
    assert_eq!(bench.outbox(), ["hold"]);
    bench
        .signs("ben", &second, BIOMED)
        .await
        .expect_problem("not_ready");
    let history = bench.get(&format!("/holds?pump={}", bench.pump)).await;
    let ids: Vec<_> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hold| hold["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [second, hold]);
}

#[actix_web::test]
async fn s4_nothing_is_signed_before_the_retest_passed() {
    let bench = Bench::new().await;
    let hold = bench.held().await;
    let refused = async |why: &str| {
        let shown = bench.shown(&hold, BIOMED).await;
        assert!(shown["obstacle"].as_str().unwrap().contains(why), "{shown}");
        for (who, meaning) in [("ben", BIOMED), ("nora", NURSE)] {
            let reply = bench.signs_what(who, &hold, meaning, &shown).await;
            reply.expect_problem("not_ready");
        }
    };
    refused("no retest was begun").await;
    let yes = json!({ "reading": "confirmation", "yes": true });
    let none = bench.reads("ben", &hold, "bench-inspection", yes.clone()).await;
    none.expect_problem("no_retest");

    bench.begins("ben", &hold).await.expect(StatusCode::CREATED);
    refused("awaiting results").await;
    let unknown = bench.reads("ben", &hold, "coffee", yes).await;
    unknown.expect_problem("invalid_value");
    let mut readings = GOOD;
    readings[1].2 = 190.0;
    bench.measures("ben", &hold, &readings).await;
    refused("failed").await;
    // A good reading beside a bad one is a contradiction, and not a pass.
    bench.measures("ben", &hold, &GOOD).await;
    refused("failed").await;

    // In the guard band a person has to make sense of it first.
    bench.begins("ben", &hold).await.expect(StatusCode::CREATED);
    readings[1].2 = 138.0;
    bench.measures("ben", &hold, &readings).await;
    refused("needs review").await;

    // With an instrument whose calibration is over.
    bench.begins("ben", &hold).await.expect(StatusCode::CREATED);
    bench.measures("ben", &hold, &GOOD[1..]).await;
    let body = json!({
        "check": "bench-flow", "reading": { "reading": "quantity", "unit": "percent", "value": 1.0 },
        "instrument": { "id": "IDA-5-117", "calibrated_until": "2026-12-31" },
    });
    let entered = bench.post("ben", &format!("/holds/{hold}/checks"), body).await;
    entered.expect(StatusCode::NO_CONTENT);
    refused("not run").await;

    bench.passes("ben", &hold).await;
    let shown = bench.get(&format!("/holds/{hold}")).await;
    let outcomes: Vec<_> = shown["retests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|retest| {
            (
                retest["attempt"].as_i64().unwrap(),
                retest["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    let kept = [(4, "passed"), (3, "not_run"), (2, "review"), (1, "failed")];
    assert_eq!(outcomes, kept, "what failed stays on record");
    assert_eq!(bench.shown(&hold, BIOMED).await["obstacle"], Value::Null);
}

#[actix_web::test]
async fn s4_readings_of_another_day_do_not_count() {
    let mut bench = Bench::new().await;
    let hold = bench.held().await;
    bench.begins("ben", &hold).await.expect(StatusCode::CREATED);
    bench.stage.move_clock(TimeDelta::hours(25));
    for name in ["ben", "aud"] {
        let secret = bench.stage.sign_in(name);
        bench.secrets.insert(name, secret);
    }
    bench.measures("ben", &hold, &GOOD).await;
    assert_eq!(bench.outcome(&hold).await, "overdue");
    bench
        .signs("ben", &hold, BIOMED)
        .await
        .expect_problem("not_ready");
}

#[actix_web::test]
async fn s4_s12_the_wrong_people_release_nothing() {
    let bench = Bench::new().await;
    let hold = bench.held().await;
    bench.passes("both", &hold).await;
    let check = async |who: &str, meaning: &str, code: &str| {
        let reply = bench.signs(who, &hold, meaning).await;
        assert_eq!(reply.code(), code, "{who} {meaning}: {}", reply.text);
    };
    // Who ran the retest is not the second pair of eyes, whatever else that person is.
    check("both", NURSE, "same_person").await;
    // A nurse of another ward, other roles, another meaning.
    check("edna", NURSE, "denied").await;
    check("ben", NURSE, "denied").await;
    check("nora", BIOMED, "denied").await;
    check("samir", BIOMED, "denied").await;
    check("aud", NURSE, "denied").await;
    check("samir", SECURITY, "not_ready").await;
    check("nora", "verified_for_clinical_use", "invalid_value").await;

    // One person, both halves: refused whichever comes first.
    bench.passes("ben", &hold).await;
    bench
        .signs("both", &hold, NURSE)
        .await
        .expect(StatusCode::CREATED);
    check("both", BIOMED, "same_person").await;
    check("both", NURSE, "already_signed").await;
    bench.passes("ben", &hold).await;
    bench
        .signs("both", &hold, BIOMED)
        .await
        .expect(StatusCode::CREATED);
    check("both", NURSE, "same_person").await;
    assert_eq!(bench.standing().await.as_deref(), Some(hold.as_str()));

    // Under break-glass nobody signs.
    let glass = json!({ "reason": "nobody else here", "password": PASSWORD });
    let broken = bench
        .post("nora", "/break-glass", glass)
        .await
        .expect(StatusCode::CREATED);
    let shown = bench.shown(&hold, NURSE).await;
    let body = json!({
        "kind": "hold", "id": hold, "version": shown["version"], "content_hash": shown["content_hash"],
        "meaning": NURSE, "factors": { "password": PASSWORD, "pin": PIN },
    });
    let secret = broken["token"].as_str().unwrap();
    let reply = bench
        .stage
        .send(request_as(secret, Method::POST, "/signatures").set_json(body))
        .await;
    reply.expect_problem("denied");
    assert_eq!(bench.standing().await, Some(hold));
    assert_eq!(bench.stage.told(), [Told::Order(bench.pump, "hold")]);
}

#[actix_web::test]
async fn s4_a_new_retest_or_other_firmware_voids_what_was_signed() {
    let bench = Bench::new().await;
    let hold = bench.held().await;
    bench.passes("ben", &hold).await;
    let before = bench.shown(&hold, NURSE).await;
    bench
        .signs("ben", &hold, BIOMED)
        .await
        .expect(StatusCode::CREATED);

    bench.passes("lena", &hold).await;
    bench
        .signs_what("nora", &hold, NURSE, &before)
        .await
        .expect_problem("content_changed");
    bench
        .signs("nora", &hold, NURSE)
        .await
        .expect(StatusCode::CREATED);
    let waits = bench.waits_for(&hold).await;
    assert!(
        waits.len() == 1 && waits[0].starts_with("biomed has not signed: the signature on record is void"),
        "{waits:?}"
    );
    assert_eq!(bench.standing().await.as_deref(), Some(hold.as_str()));

    // One more reading in the same attempt is another document too.
    let yes = json!({ "reading": "confirmation", "yes": true });
    let again = bench.reads("chen", &hold, "bench-inspection", yes.clone()).await;
    again.expect_problem("denied");
    let again = bench.reads("lena", &hold, "bench-inspection", yes).await;
    again.expect(StatusCode::NO_CONTENT);
    bench.stage.runs(bench.pump, "2.0");
    bench
        .signs("ben", &hold, BIOMED)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(bench.standing().await.as_deref(), Some(hold.as_str()));
    bench
        .signs("chen", &hold, NURSE)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(bench.standing().await, None);
}

#[actix_web::test]
async fn s4_a_pump_that_moved_to_another_ward_is_signed_for_there() {
    let bench = Bench::new().await;
    let hold = bench.held().await;
    bench.passes("ben", &hold).await;
    bench
        .signs("nora", &hold, NURSE)
        .await
        .expect(StatusCode::CREATED);
    let moved = |area: Value| {
        let version = bench.stage.app.store.read(|db| db.pump_fetch(bench.pump));
        let version = version.unwrap().row_version;
        let request = request_as(
            &bench.secrets["ben"],
            Method::PATCH,
            &format!("/pumps/{}", bench.pump),
        )
        .insert_header(("If-Match", format!("\"{version}\"")))
        .set_json(json!({ "care_area": area }));
        bench.stage.send(request)
    };
    moved(json!("ED")).await.expect(StatusCode::OK);
    bench
        .signs("ben", &hold, BIOMED)
        .await
        .expect(StatusCode::CREATED);
    let waits = bench.waits_for(&hold).await;
    assert!(waits[0].contains("another care area"), "{waits:?}");
    bench.signs("chen", &hold, NURSE).await.expect_problem("denied");
    bench
        .signs("edna", &hold, NURSE)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(bench.standing().await, None);
    let ended = bench.get(&format!("/holds/{hold}")).await;
    let on = ended["released_by"].as_array().unwrap();
    assert_eq!(on.len(), 2, "not on the word of the ward where it was: {ended}");

    // In none there is no nurse to sign.
    bench.stage.move_clock(TimeDelta::seconds(1));
    moved(Value::Null).await.expect(StatusCode::OK);
    bench.hold("ben", "clinical").await.expect(StatusCode::OK);
    let hold = bench.standing().await.unwrap();
    bench.passes("ben", &hold).await;
    bench
        .signs("ben", &hold, BIOMED)
        .await
        .expect_problem("not_ready");
}

#[actix_web::test]
async fn an_isolation_revokes_takes_security_too_and_the_retest_of_before_counts_for_nothing() {
    let bench = Bench::new().await;
    let certificate = bench.stage.certificate(bench.pump);
    let clinical = bench.held().await;
    bench.passes("ben", &clinical).await;
    bench
        .signs("ben", &clinical, BIOMED)
        .await
        .expect(StatusCode::CREATED);
    bench.stage.told();
    bench.stage.move_clock(TimeDelta::seconds(1));

    bench
        .hold("samir", "security_isolation")
        .await
        .expect(StatusCode::OK);
    assert_eq!(bench.stage.told(), [Told::Closed(bench.pump, SessionEnd::Denied)]);
    assert!(!bench.stage.admits(&certificate));
    let path = format!("/certificates/{}", certificate.fingerprint);
    let revoked = bench.stage.get(&path).await.expect(StatusCode::OK);
    assert_eq!(revoked["status"], "revoked", "{revoked}");
    assert_eq!(
        bench.outbox(),
        [""; 0],
        "nothing is sent any more, not even what waited"
    );

    let hold = bench.standing().await.unwrap();
    let replaced = bench.get(&format!("/holds/{clinical}")).await;
    assert_eq!(replaced["replaced_by"], json!(hold));
    assert_eq!(replaced["released_on"], Value::Null);
    bench
        .signs("nora", &clinical, NURSE)
        .await
        .expect_problem("not_ready");
    bench
        .signs("ben", &hold, BIOMED)
        .await
        .expect_problem("not_ready");

    bench.passes("ben", &hold).await;
    assert_eq!(bench.stage.told(), [], "its word is not asked for");
    bench
        .signs("ben", &hold, BIOMED)
        .await
        .expect(StatusCode::CREATED);
    bench
        .signs("nora", &hold, NURSE)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(bench.waits_for(&hold).await, ["security has not signed"]);
    bench
        .signs("samir", &hold, SECURITY)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(bench.standing().await, None);
    assert!(!bench.stage.admits(&certificate), "it has to enrol anew");
    assert_eq!(bench.outbox(), ["release_hold"]);
}

#[actix_web::test]
async fn evidence_is_touched_by_nothing_until_somebody_ends_that_and_is_then_still_held() {
    let bench = Bench::new().await;
    bench.hold("lena", "sequestered").await.expect(StatusCode::OK);
    let hold = bench.standing().await.unwrap();
    assert_eq!(bench.stage.told(), []);
    bench
        .begins("ben", &hold)
        .await
        .expect_problem("hold_forbids_orders");
    bench
        .signs("ben", &hold, BIOMED)
        .await
        .expect_problem("not_ready");
    bench
        .hold("lena", "clinical")
        .await
        .expect_problem("already_held");
    let waits = bench.waits_for(&hold).await;
    assert!(waits[0].contains("sequestered"), "{waits:?}");

    let path = format!("/holds/{hold}/end-sequester");
    let reason = json!({ "reason": "file 2026-118 is closed" });
    for who in ["ben", "nora", "chen", "aud"] {
        bench
            .post(who, &path, reason.clone())
            .await
            .expect_problem("denied");
    }
    bench
        .post("lena", &path, json!({}))
        .await
        .expect_problem("malformed_body");
    bench.stage.move_clock(TimeDelta::seconds(1));
    bench
        .post("lena", &path, reason.clone())
        .await
        .expect(StatusCode::NO_CONTENT);
    bench
        .post("lena", &path, reason.clone())
        .await
        .expect_problem("hold_over");
    let clinical = bench.standing().await.unwrap();
    let shown = bench.get(&format!("/holds/{clinical}")).await;
    assert_eq!(
        (&shown["kind"], &shown["reason"]),
        (&json!("clinical"), &reason["reason"])
    );
    assert_eq!(bench.stage.told(), [Told::Order(bench.pump, "hold")]);
    let path = format!("/holds/{clinical}/end-sequester");
    bench
        .post("lena", &path, reason)
        .await
        .expect_problem("not_sequestered");
    bench.passes("ben", &clinical).await;
    bench
        .signs("lena", &clinical, BIOMED)
        .await
        .expect(StatusCode::CREATED);
    bench
        .signs("nora", &clinical, NURSE)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(bench.standing().await, None);
}

#[actix_web::test]
async fn a_hold_has_an_owner_and_lists_come_in_pages() {
    let bench = Bench::new().await;
    let other = bench.stage.pump_in("SN-2", None);
    let body = json!({ "kind": "clinical", "reason": "dropped" });
    bench
        .post("ben", &format!("/pumps/{other}/hold"), body)
        .await
        .expect(StatusCode::OK);
    bench.stage.move_clock(TimeDelta::seconds(1));
    let hold = bench.held().await;
    let me = bench
        .send("chen", Method::GET, "/me", Value::Null)
        .await
        .expect(StatusCode::OK);
    let path = format!("/holds/{hold}/owner");
    let owner = json!({ "owner": me["account"] });
    let set =
        async |who: &str, path: &str, owner: &Value| bench.send(who, Method::PUT, path, owner.clone()).await;
    set("nora", &path, &owner).await.expect_problem("denied");
    set("chen", &path, &owner).await.expect(StatusCode::NO_CONTENT);
    let shown = bench.get(&format!("/holds/{hold}")).await;
    assert_eq!(shown["owner"]["printed_name"], "chen, printed");
    let nobody = json!({ "owner": "00000000-0000-0000-0000-000000000000" });
    set("ben", &path, &nobody).await.expect_problem("not_found");
    let foreign = bench.get(&format!("/holds?pump={other}")).await["items"][0]["id"].clone();
    let path = format!("/holds/{}/owner", foreign.as_str().unwrap());
    set("chen", &path, &owner).await.expect_problem("denied");

    let ids = async |query: &str| -> Vec<Value> {
        let list = bench.get(&format!("/holds?{query}")).await;
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hold| hold["id"].clone())
            .collect()
    };
    let own = format!("owner={}", me["account"].as_str().unwrap());
    assert_eq!(ids(&own).await, [json!(hold)]);
    assert_eq!(ids("kind=sequestered").await, [Value::Null; 0]);
    assert_eq!(ids("standing=false").await, [Value::Null; 0]);
    let first = bench.get("/holds?limit=1").await;
    assert_eq!(first["items"][0]["id"], json!(hold));
    let next = first["next"].as_str().unwrap();
    assert_eq!(ids(&format!("limit=1&after={next}")).await, [foreign]);
}

/// The process may end right after the commit of the last signature: what starts next has it all from the record.
#[actix_web::test]
async fn a_crash_after_the_last_signature_loses_nothing() {
    let bench = Bench::new().await;
    let certificate = bench.stage.certificate(bench.pump);
    let at_the_next_start = || {
        let now = bench.stage.app.now();
        let rows = bench.stage.app.store.read(|db| db.registry_load(now)).unwrap();
        let gate = Gate::new(rows, bench.stage.app.clock.clone());
        assert!(gate.still_admits(&certificate.fingerprint, now));
        (gate.pump(bench.pump).hold, bench.outbox())
    };
    let hold = bench.held().await;
    bench.passes("ben", &hold).await;
    bench
        .signs("nora", &hold, NURSE)
        .await
        .expect(StatusCode::CREATED);
    let held = (Some(HoldKind::Clinical), vec!["hold".to_owned()]);
    assert_eq!(at_the_next_start(), held);
    bench
        .signs("ben", &hold, BIOMED)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(at_the_next_start(), (None, vec!["release_hold".to_owned()]));
}
