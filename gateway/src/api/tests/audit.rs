//! The audit trail through the API: finding entries, carrying them away, and what is never in them.

use actix_web::http::{Method, StatusCode};
use fleet::access::Role;
use serde_json::json;

use super::stage::{PASSWORD, Stage, request_as};
use crate::{
    audit::{checkpoint::SignedCheckpoint, verify},
    auth::record_key::RecordPublicKey,
};

fn auditor(stage: &Stage) -> String {
    stage.person("aud", &[Role::Auditor], false);
    stage.sign_in("aud")
}

#[actix_web::test]
async fn an_entry_says_who_from_where_what_to_what_before_after_and_why() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let hold = json!({ "kind": "clinical", "reason": "Alarm sounded late" });
    stage
        .post(&format!("/pumps/{pump}/hold"), hold)
        .await
        .expect(StatusCode::OK);
    let aud = auditor(&stage);
    let get = async |path: &str| stage.send(request_as(&aud, Method::GET, path)).await;
    let found = get(&format!("/audit?subject_kind=pump&subject={pump}"))
        .await
        .expect(StatusCode::OK);
    let entry = &found["items"][0];
    assert_eq!(entry["action"], "pump_held");
    assert_eq!(entry["actor"], "tester, printed");
    assert_eq!(entry["address"], "0.0.0.0");
    assert_eq!(
        (&entry["before"]["hold"], &entry["after"]["hold"]),
        (&json!(null), &json!("clinical"))
    );
    assert_eq!(entry["reason"], "Alarm sounded late");
    let text = entry["text"].as_str().unwrap();
    assert!(
        text.contains("held a pump") && text.contains("hold – → clinical"),
        "{text}"
    );
    for (query, expected) in [
        ("action=pump_held", 1),
        ("action=pump_retired", 0),
        ("subject_kind=nothing", 0),
        ("until=2020-01-01T00:00:00Z", 0),
        ("since=2020-01-01T00:00:00Z&action=pump_held", 1),
    ] {
        let found = get(&format!("/audit?{query}")).await.expect(StatusCode::OK);
        assert_eq!(found["items"].as_array().unwrap().len(), expected, "{query}");
    }
    for bad in ["action=Pump%20Held", "limit=0", "after=x", "nonsense=1"] {
        let reply = get(&format!("/audit?{bad}")).await;
        assert!(reply.status.is_client_error(), "{bad}: {}", reply.text);
    }
    // Page by page, each once.
    let mut numbers = Vec::new();
    let mut next = String::new();
    loop {
        let page = get(&format!("/audit?limit=1{next}")).await.expect(StatusCode::OK);
        numbers.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["number"].as_i64().unwrap()),
        );
        match page["next"].as_str() {
            Some(cursor) => next = format!("&after={cursor}"),
            None => break,
        }
    }
    let last = stage.app.store.read(|db| db.audit_head()).unwrap().0;
    assert_eq!(numbers, (1..=last).rev().collect::<Vec<_>>());
}

#[actix_web::test]
async fn an_export_verifies_with_the_key_that_was_fetched_before() {
    let stage = Stage::new();
    for n in 0..5 {
        let body = json!({ "name": format!("Shelf {n}") });
        stage.post("/locations", body).await.expect(StatusCode::CREATED);
    }
    let aud = auditor(&stage);
    let get = async |path: &str| stage.send(request_as(&aud, Method::GET, path)).await;
    let key = get("/audit/key").await.expect(StatusCode::OK);
    let key = RecordPublicKey::from_pem(key["pem"].as_str().unwrap()).unwrap();
    let carried = stage
        .send(request_as(&aud, Method::POST, "/audit/checkpoints"))
        .await
        .expect(StatusCode::OK);
    let carried: SignedCheckpoint = serde_json::from_value(carried).unwrap();
    assert!(carried.is_signed_by(&key));
    let whole = get("/audit/export").await.text;
    let report = verify::file(
        whole.as_bytes(),
        Some(&key),
        std::slice::from_ref(&carried),
        |_, _| {},
    )
    .unwrap();
    let last = stage.app.store.read(|db| db.audit_head()).unwrap().0;
    assert_eq!(report.verified.last, last);
    assert_eq!(report.covered_to, last);
    assert!(report.key_is_pinned);

    // From a place in the middle on.
    let part = get("/audit/export?after=3").await.text;
    let report = verify::file(
        part.as_bytes(),
        Some(&key),
        std::slice::from_ref(&carried),
        |_, _| {},
    )
    .unwrap();
    assert_eq!(report.verified.count, u64::try_from(last - 3).unwrap());
    get("/audit/export?after=999").await.expect_problem("not_found");
    get("/audit/export?after=-1")
        .await
        .expect_problem("invalid_value");

    // Another gateway's key is not this one's.
    let other = Stage::new();
    let other = other.app.people.record_key.public().clone();
    let refused = verify::file(whole.as_bytes(), Some(&other), &[], |_, _| {}).unwrap_err();
    assert!(
        matches!(refused, verify::VerifyProblem::OtherKey { .. }),
        "{refused}"
    );
    // A tail that was cut off shows by the checkpoint that was carried away.
    let cut: String = whole.split_inclusive('\n').take(4).collect();
    let found = verify::file(cut.as_bytes(), Some(&key), &[carried], |_, _| {}).unwrap_err();
    assert_eq!(found.fault(), Some(fleet::audit::Fault::Truncated), "{found}");
    assert_eq!(found.entry(), Some(4));
}

/// Every secret that was typed or drawn is looked for in the record.
#[actix_web::test]
async fn no_secret_is_ever_in_the_record() {
    let stage = Stage::new();
    stage.person("all", &[Role::Administrator, Role::BiomedLead], false);
    let secret = stage.sign_in("all");
    let post = async |path: &str, body: serde_json::Value| {
        stage
            .send(request_as(&secret, Method::POST, path).set_json(body))
            .await
    };
    let mut secrets = vec![PASSWORD.to_owned(), secret.clone(), "a wrong password".to_owned()];
    let mut drawn = async |path: &str, body: serde_json::Value, members: &[&str]| {
        let answer = post(path, body).await.json;
        for member in members {
            secrets.push(answer[*member].as_str().unwrap().to_owned());
        }
        answer
    };
    drawn(
        "/people",
        json!({ "name": "ben", "printed_name": "Ben", "roles": [] }),
        &["one_time_password"],
    )
    .await;
    drawn("/devices", json!({ "name": "Tablet" }), &["secret"]).await;
    drawn(
        "/tokens",
        json!({ "label": "x", "scopes": ["pump_read"] }),
        &["token"],
    )
    .await;
    drawn(
        "/me/totp",
        json!({ "password": PASSWORD }),
        &["secret", "uri", "ticket"],
    )
    .await;
    let token = json!({ "serial": "SN-1", "manufacturer": "Acme", "model": "Apex 3" });
    drawn("/enrol-tokens", token, &["secret"]).await;
    post("/me/pin", json!({ "password": PASSWORD, "pin": "640917" })).await;
    secrets.push("640917".to_owned());
    for name in ["all", "a wrong password", "nobody"] {
        let body = json!({ "name": name, "password": "a wrong password" });
        stage
            .send(
                actix_web::test::TestRequest::post()
                    .uri("/api/v1/sessions")
                    .set_json(body),
            )
            .await;
    }
    let aud = auditor(&stage);
    let whole = stage
        .send(request_as(&aud, Method::GET, "/audit/export"))
        .await
        .text;
    assert!(whole.lines().count() > 10, "{whole}");
    for secret in secrets {
        let bare = secret.split('_').next_back().unwrap().to_owned();
        for form in [secret.clone(), bare.clone(), bare.replace('-', "")] {
            assert!(!whole.contains(&form), "{form} is in the record");
        }
    }
}
