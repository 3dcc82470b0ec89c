//! Administering people: what an administrator may do, to whom, and what nobody does to themselves.

use actix_web::http::{Method, StatusCode, header};
use fleet::access::Role;
use serde_json::{Value, json};

use super::stage::{PASSWORD, Reply, Stage, request_as};

async fn send(stage: &Stage, secret: &str, method: Method, path: &str, version: i64, body: Value) -> Reply {
    let request = request_as(secret, method, path)
        .insert_header((header::IF_MATCH, format!("\"{version}\"")))
        .set_json(body);
    stage.send(request).await
}

#[actix_web::test]
async fn a_person_is_let_in_given_roles_shut_out_and_let_in_again() {
    let stage = Stage::new();
    stage.person("admin", &[Role::Administrator], false);
    let admin = stage.sign_in("admin");
    let new = json!({
        "name": "Ana.OBrien", "printed_name": "Ana O'Brien, RN", "roles": [{ "role": "nurse", "everywhere": true }],
    });
    let made = send(&stage, &admin, Method::POST, "/people", 0, new.clone())
        .await
        .expect(StatusCode::CREATED);
    let id = made["person"]["id"].as_str().unwrap().to_owned();
    let at = |what: &str| format!("/people/{id}{what}");
    // The name is hers, in whatever case.
    let mut again = new;
    again["name"] = json!("ana.obrien");
    send(&stage, &admin, Method::POST, "/people", 0, again)
        .await
        .expect_problem("conflict");

    let sign_in = async |password: &str, new: Option<&str>| {
        let body = json!({ "name": "ana.obrien", "password": password, "new_password": new });
        stage
            .send(
                actix_web::test::TestRequest::post()
                    .uri("/api/v1/sessions")
                    .set_json(body),
            )
            .await
    };
    let one_time = made["one_time_password"].as_str().unwrap();
    let begun = sign_in(one_time, Some(PASSWORD))
        .await
        .expect(StatusCode::CREATED);
    let ana = begun["token"].as_str().unwrap();
    let me = async |secret: &str| stage.send(request_as(secret, Method::GET, "/me")).await;
    me(ana).await.expect(StatusCode::OK);
    sign_in(one_time, None).await.expect_problem("wrong_password");

    // Other roles: whoever was signed in under the old ones is out.
    let roles =
        json!({ "roles": [{ "role": "charge_nurse", "everywhere": true }], "reason": "leads the ward" });
    let edited = send(&stage, &admin, Method::PUT, &at("/roles"), 1, roles.clone()).await;
    assert_eq!(edited.header(header::ETAG), "\"2\"");
    edited.expect(StatusCode::OK);
    let out = me(ana).await.expect_problem("unauthenticated");
    assert!(
        out["detail"].as_str().unwrap().contains("roles were changed"),
        "{out}"
    );
    send(&stage, &admin, Method::PUT, &at("/roles"), 1, roles)
        .await
        .expect_problem("stale");

    let why = json!({ "reason": "left the house" });
    let begun = sign_in(PASSWORD, None).await.expect(StatusCode::CREATED);
    let ana = begun["token"].as_str().unwrap();
    send(&stage, &admin, Method::POST, &at("/disable"), 2, why.clone())
        .await
        .expect(StatusCode::OK);
    me(ana).await.expect_problem("unauthenticated");
    sign_in(PASSWORD, None).await.expect_problem("wrong_password");
    let opened = send(&stage, &admin, Method::POST, &at("/enable"), 3, why)
        .await
        .expect(StatusCode::OK);
    sign_in(PASSWORD, None).await.expect_problem("wrong_password");
    let one_time = opened["one_time_password"].as_str().unwrap();
    sign_in(one_time, Some("violet harbour stumble nine"))
        .await
        .expect(StatusCode::CREATED);
}

#[actix_web::test]
async fn nobody_raises_themselves_or_locks_everybody_out() {
    let stage = Stage::new();
    let own = stage.person("admin", &[Role::Administrator], false);
    let other = stage.person("second", &[Role::Administrator], false);
    let admin = stage.sign_in("admin");
    let why = json!({ "reason": "because" });
    let all = json!({ "roles": [{ "role": "biomed_lead", "everywhere": true }], "reason": "because" });
    send(
        &stage,
        &admin,
        Method::PUT,
        &format!("/people/{own}/roles"),
        1,
        all,
    )
    .await
    .expect_problem("own_account");
    for what in ["disable", "reset"] {
        send(
            &stage,
            &admin,
            Method::POST,
            &format!("/people/{own}/{what}"),
            1,
            why.clone(),
        )
        .await
        .expect_problem("own_account");
    }
    // One may go, the last one stays.
    send(
        &stage,
        &admin,
        Method::POST,
        &format!("/people/{other}/disable"),
        1,
        why.clone(),
    )
    .await
    .expect(StatusCode::OK);
    let third = stage.person("third", &[Role::Administrator], false);
    let third_signed_in = stage.sign_in("third");
    send(
        &stage,
        &third_signed_in,
        Method::POST,
        &format!("/people/{own}/disable"),
        1,
        why,
    )
    .await
    .expect(StatusCode::OK);
    let none = json!({ "roles": [], "reason": "because" });
    let last = send(
        &stage,
        &admin,
        Method::PUT,
        &format!("/people/{third}/roles"),
        1,
        none,
    )
    .await;
    last.expect_problem("unauthenticated");
    let roles = stage.app.store.read(|db| db.grant_list(third)).unwrap();
    assert_eq!(roles.len(), 1);
}

#[actix_web::test]
async fn the_last_administrator_stays() {
    let stage = Stage::new();
    let own = stage.person("admin", &[Role::Administrator], false);
    let actor = crate::app::Actor::gateway();
    let reason = fleet::text::Reason::new("because").unwrap();
    let refused = crate::command::people::roles_set(&stage.app, &actor, own, 1, &[], &reason).unwrap_err();
    assert!(
        matches!(refused, crate::command::CommandError::LastAdministrator),
        "{refused}"
    );
    let refused = crate::command::people::disable(&stage.app, &actor, own, 1, &reason).unwrap_err();
    assert!(
        matches!(refused, crate::command::CommandError::LastAdministrator),
        "{refused}"
    );
    let account = stage.app.store.read(|db| db.account_fetch(own)).unwrap();
    assert_eq!((account.disabled_at, account.row_version), (None, 1));
}

#[actix_web::test]
async fn roles_that_make_no_sense_are_refused() {
    let stage = Stage::new();
    stage.person("admin", &[Role::Administrator], false);
    let admin = stage.sign_in("admin");
    let nowhere = "00000000-0000-0000-0000-000000000000";
    for (roles, code) in [
        (json!([{ "role": "nurse" }]), "invalid_value"),
        (
            json!([{ "role": "nurse", "everywhere": true, "care_areas": [nowhere] }]),
            "invalid_value",
        ),
        (
            json!([{ "role": "nurse", "care_areas": [nowhere] }]),
            "invalid_value",
        ),
        (
            json!([{ "role": "nurse", "everywhere": true }, { "role": "nurse", "everywhere": true }]),
            "invalid_value",
        ),
        (
            json!([{ "role": "surgeon", "everywhere": true }]),
            "malformed_body",
        ),
        (json!("nurse"), "malformed_body"),
    ] {
        let body = json!({ "name": "x", "printed_name": "X", "roles": roles });
        send(&stage, &admin, Method::POST, "/people", 0, body)
            .await
            .expect_problem(code);
    }
    let list = stage.send(request_as(&admin, Method::GET, "/people")).await;
    assert_eq!(list.json["items"].as_array().unwrap().len(), 1);
    assert!(!list.text.contains("argon2"), "no hash leaves the house");
}

#[actix_web::test]
async fn a_registered_device_is_named_and_signs_out_soon() {
    let stage = Stage::new();
    stage.person("admin", &[Role::Administrator], false);
    stage.person("ana", &[Role::Nurse], false);
    let admin = stage.sign_in("admin");
    let body = json!({ "name": "Tablet 4 West 2", "idle_seconds": 60 });
    let made = send(&stage, &admin, Method::POST, "/devices", 0, body.clone())
        .await
        .expect(StatusCode::CREATED);
    send(&stage, &admin, Method::POST, "/devices", 0, body)
        .await
        .expect_problem("conflict");
    let device = made["secret"].as_str().unwrap();
    let sign_in = async |device: &str| {
        let body = json!({ "name": "ana", "password": PASSWORD, "device": device });
        stage
            .send(
                actix_web::test::TestRequest::post()
                    .uri("/api/v1/sessions")
                    .set_json(body),
            )
            .await
    };
    sign_in("gwd_0000-0000").await.expect_problem("device_unknown");
    let begun = sign_in(device).await.expect(StatusCode::CREATED);
    assert_eq!(begun["session"]["idle_seconds"], 60);
    let ana = begun["token"].as_str().unwrap();
    let pump = stage.pump("SN-1");
    let hold = json!({ "kind": "clinical", "reason": "door latch loose" });
    send(&stage, ana, Method::POST, &format!("/pumps/{pump}/hold"), 0, hold)
        .await
        .expect(StatusCode::OK);
    stage.person("aud", &[Role::Auditor], false);
    let aud = stage.sign_in("aud");
    let held = stage
        .send(request_as(&aud, Method::GET, "/audit?action=pump_held"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(held["items"][0]["device_name"], "Tablet 4 West 2");
    assert_eq!(held["items"][0]["actor"], "ana, printed");

    let path = format!("/devices/{}", made["device"]["id"].as_str().unwrap());
    send(&stage, &admin, Method::DELETE, &path, 0, Value::Null)
        .await
        .expect(StatusCode::NO_CONTENT);
    let out = stage.send(request_as(ana, Method::GET, "/me")).await;
    out.expect_problem("unauthenticated");
    sign_in(device).await.expect_problem("device_unknown");
}

#[actix_web::test]
async fn asking_twice_under_one_key_creates_once() {
    let stage = Stage::new();
    stage.person("lead", &[Role::BiomedLead, Role::Administrator], false);
    stage.person("other", &[Role::BiomedLead], false);
    let (lead, other) = (stage.sign_in("lead"), stage.sign_in("other"));
    let post = async |secret: &str, key: &str, path: &str, body: Value| {
        let request = request_as(secret, Method::POST, path)
            .insert_header(("idempotency-key", key))
            .set_json(body);
        stage.send(request).await
    };
    let wanted = json!({ "name": "Shelf 1" });
    let first = post(&lead, "k-1", "/locations", wanted.clone()).await;
    let first_text = first.text.clone();
    first.expect(StatusCode::CREATED);
    let entries = stage.app.store.read(|db| db.audit_head()).unwrap();
    let again = post(&lead, "k-1", "/locations", wanted.clone()).await;
    assert_eq!(again.header("idempotency-replayed".parse().unwrap()), "true");
    assert_eq!(again.text, first_text);
    again.expect(StatusCode::CREATED);
    assert_eq!(stage.app.store.read(|db| db.audit_head()).unwrap(), entries);

    post(&lead, "k-1", "/locations", json!({ "name": "Shelf 2" }))
        .await
        .expect_problem("idempotency_mismatch");
    // Another person's key is another key.
    post(&other, "k-1", "/locations", json!({ "name": "Shelf 2" }))
        .await
        .expect(StatusCode::CREATED);
    // What was refused was not done: the key is free again.
    post(&lead, "k-2", "/locations", json!({ "name": "" }))
        .await
        .expect_problem("malformed_body");
    post(&lead, "k-2", "/locations", json!({ "name": "Shelf 3" }))
        .await
        .expect(StatusCode::CREATED);
    // A secret is never remembered.
    let person = json!({ "name": "ben", "printed_name": "Ben", "roles": [] });
    post(&lead, "k-3", "/people", person.clone())
        .await
        .expect(StatusCode::CREATED);
    post(&lead, "k-3", "/people", person)
        .await
        .expect_problem("idempotency_secret");
    let kept = stage.app.store.read(|db| {
        let record = store::IdempotencyRecord {
            account: db
                .account_fetch_by_name(&fleet::text::Name::new("lead").unwrap())?
                .unwrap()
                .id,
            name: "k-3".to_owned(),
            request_hash: [0; 32],
            at: stage.app.now(),
            status: None,
            content_type: None,
            body: None,
        };
        db.idempotency_begin(&record)
    });
    assert_eq!(kept.unwrap().unwrap().body, None);
    post(&lead, "a b", "/locations", json!({ "name": "Shelf 4" }))
        .await
        .expect_problem("malformed_header");
    // After a day it is forgotten.
    stage.move_clock(chrono::TimeDelta::hours(25));
    let lead = stage.sign_in("lead");
    post(&lead, "k-1", "/locations", json!({ "name": "Shelf 5" }))
        .await
        .expect(StatusCode::CREATED);
}
