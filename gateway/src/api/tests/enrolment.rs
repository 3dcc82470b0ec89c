//! Enrolment tokens and manufacturers' anchors.

use actix_web::http::StatusCode;
use chrono::{Datelike, TimeDelta};
use fleet::enrolment::{TOKEN_BITS, TOKEN_LIFE_MAX};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use serde_json::{Value, json};

use super::stage::{START, Stage};
use crate::fresh;

const LIST: &str =
    "serial,manufacturer,model\nSN-1,Acme,Apex 3\nSN-2,Acme,Apex 3\nSN-3,Acme,Apex 3\nSN-3,Acme,Apex 4\n";

async fn tokens(stage: &Stage) -> Vec<Value> {
    let list = stage.get("/enrol-tokens").await.expect(StatusCode::OK);
    list["items"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_token_knows_its_model_from_the_list() {
    let stage = Stage::new();
    stage.import(LIST, false).await.expect(StatusCode::OK);
    let made = stage
        .post("/enrol-tokens", json!({"serial": "SN-1", "valid_hours": 72}))
        .await;
    let made = made.expect(StatusCode::CREATED);
    assert_eq!(made["model"], "Apex 3");
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(secret.replace('-', "").len() * 5, TOKEN_BITS);
    let hash = fresh::secret_hash(secret);
    let stored = stage
        .app
        .store
        .read(|db| db.enrol_token_fetch_by_hash(&hash))
        .unwrap()
        .unwrap();
    assert_eq!(stored.expires_at, START + TOKEN_LIFE_MAX);
    let list = stage.get("/enrol-tokens").await;
    assert!(!list.text.contains(secret), "a secret is shown once");
}

#[actix_web::test]
async fn a_serial_must_be_expected_once_or_explained() {
    let stage = Stage::new();
    stage.import(LIST, false).await.expect(StatusCode::OK);
    let ask = async |body: Value| stage.post("/enrol-tokens", body).await;
    let problem = ask(json!({"serial": "SN-3"}))
        .await
        .expect_problem("ambiguous_serial");
    assert_eq!(problem["candidates"], json!(["Apex 3", "Apex 4"]));
    ask(json!({"serial": "SN-3", "model": "Apex 4"}))
        .await
        .expect(StatusCode::CREATED);
    ask(json!({"serial": "SN-9"}))
        .await
        .expect_problem("serial_not_expected");
    ask(json!({"serial": "SN-9", "model": "Apex 4"}))
        .await
        .expect_problem("invalid_value");
    let explained = json!({"serial": "SN-9", "manufacturer": "Borealis", "model": "One"});
    assert_eq!(
        ask(explained).await.expect(StatusCode::CREATED)["manufacturer"],
        "Borealis"
    );
    for hours in [0, 73, u32::MAX] {
        ask(json!({"serial": "SN-1", "valid_hours": hours}))
            .await
            .expect_problem("invalid_value");
    }
    ask(json!({"serial": "SN-1", "key": "abc"}))
        .await
        .expect_problem("malformed_body");
}

/// S11: all of a command, or nothing of it.
#[actix_web::test]
async fn a_batch_is_whole_or_nothing() {
    let stage = Stage::new();
    stage.import(LIST, false).await.expect(StatusCode::OK);
    let batch = async |body: Value| stage.post("/enrol-tokens/batch", body).await;
    batch(json!({"serials": ["SN-1", "SN-2", "SN-9"]}))
        .await
        .expect_problem("serial_not_expected");
    assert_eq!(tokens(&stage).await.len(), 0);
    let made = batch(json!({"serials": ["SN-1", "SN-2"]}))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(made["items"].as_array().unwrap().len(), 2);

    stage.pump_of("Apex 3", "SN-1");
    let made = batch(json!({"all_expected": true, "valid_hours": 1}))
        .await
        .expect(StatusCode::CREATED);
    let serials: Vec<_> = made["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["serial"].clone())
        .collect();
    assert_eq!(serials, ["SN-2", "SN-3", "SN-3"], "who enrolled needs none");
    batch(json!({})).await.expect_problem("invalid_value");
    batch(json!({"serials": [], "all_expected": true}))
        .await
        .expect_problem("invalid_value");
    batch(json!({"serials": vec!["SN-1"; 1001]}))
        .await
        .expect_problem("invalid_value");
}

#[actix_web::test]
async fn a_token_ends_by_hand_or_by_time() {
    let stage = Stage::new();
    stage.import(LIST, false).await.expect(StatusCode::OK);
    for serial in ["SN-1", "SN-2"] {
        stage
            .post("/enrol-tokens", json!({"serial": serial, "valid_hours": 1}))
            .await
            .expect(StatusCode::CREATED);
    }
    let of =
        |tokens: &[Value], serial: &str| tokens.iter().find(|one| one["serial"] == serial).unwrap().clone();
    let id = of(&tokens(&stage).await, "SN-1")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    stage
        .delete(&format!("/enrol-tokens/{id}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    stage.move_clock(TimeDelta::minutes(61));
    let list = tokens(&stage).await;
    assert_eq!(of(&list, "SN-1")["state"], "withdrawn");
    assert_eq!(of(&list, "SN-2")["state"], "expired");
}

fn certificate(is_ca: bool, from_days: i64, to_days: i64) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let at = |days: i64| {
        let date = (START + TimeDelta::days(days)).date_naive();
        rcgen::date_time_ymd(
            date.year(),
            u8::try_from(date.month()).unwrap(),
            u8::try_from(date.day()).unwrap(),
        )
    };
    params.not_before = at(from_days);
    params.not_after = at(to_days);
    params.self_signed(&key).unwrap().pem()
}

/// A certificate that may vouch for pumps.
pub(super) fn an_anchor() -> String {
    certificate(true, -1, 365)
}

#[actix_web::test]
async fn only_an_authority_that_is_not_ours_can_be_an_anchor() {
    let stage = Stage::new();
    let import = async |pem: &str| {
        stage
            .post("/anchors", json!({"manufacturer": "Acme", "pem": pem}))
            .await
    };
    let good = certificate(true, -10, 3650);
    let made = import(&good).await.expect(StatusCode::CREATED);
    assert_eq!(made["manufacturer"], "Acme");
    import(&good).await.expect_problem("conflict");

    let ours = stage.get("/authorities").await.expect(StatusCode::OK)["items"][0]["pem"]
        .as_str()
        .unwrap()
        .to_owned();
    let cases = [
        (ours.as_str(), "own authorities"),
        (&certificate(false, -10, 3650), "CA:TRUE"),
        (&certificate(true, -20, -10), "not now"),
        (&certificate(true, 10, 20), "not now"),
        (
            &format!("{good}{}", certificate(true, -10, 10)),
            "holds 2 certificates",
        ),
        ("", "holds 0 certificates"),
        ("=cmd|' /C calc'!A0", "holds 0 certificates"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "can not be read",
        ),
    ];
    for (pem, words) in cases {
        let problem = import(pem).await.expect_problem("unusable_anchor");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }

    let id = made["id"].as_str().unwrap();
    assert_eq!(
        stage.get("/anchors").await.expect(StatusCode::OK)["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    stage
        .delete(&format!("/anchors/{id}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    stage
        .delete(&format!("/anchors/{id}"))
        .await
        .expect_problem("not_found");
    assert_eq!(
        stage.get("/anchors").await.expect(StatusCode::OK)["items"],
        json!([])
    );
}
