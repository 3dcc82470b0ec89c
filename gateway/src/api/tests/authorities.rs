//! Certificates and the authorities that issue them.

use actix_web::{
    http::{StatusCode, header},
    test::TestRequest,
};
use chrono::TimeDelta;
use fleet::{certificate::RevocationReason, pump::SessionEnd};
use serde_json::json;
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

use super::stage::{Stage, Told};

#[actix_web::test]
async fn revoking_denies_and_closes_and_the_first_reason_stands() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let certificate = stage.certificate(pump);
    let other = stage.certificate(pump);
    let prefix = certificate.fingerprint.to_string()[..16].to_uppercase();
    let revoke = async |reason: &str| {
        stage
            .post(
                &format!("/certificates/{prefix}/revoke"),
                json!({"reason": reason}),
            )
            .await
            .expect(StatusCode::OK)
    };
    let first = revoke("key_compromise").await;
    assert_eq!(
        (&first["status"], &first["revocation_reason"]),
        (&json!("revoked"), &json!("key_compromise"))
    );
    assert!(!stage.admits(&certificate) && stage.admits(&other));
    assert_eq!(stage.told(), [Told::Closed(pump, SessionEnd::Denied)]);

    stage.move_clock(TimeDelta::hours(1));
    let again = revoke("superseded").await;
    assert_eq!(again["revoked_at"], first["revoked_at"]);
    assert_eq!(again["revocation_reason"], "key_compromise");
    assert_eq!(stage.events("kind=certificate_revoked").await.len(), 1);

    let der = stage.app.authorities.crl("device-1").unwrap();
    let (_, crl) = CertificateRevocationList::from_der(&der).unwrap();
    assert_eq!(
        crl.iter_revoked_certificates().count(),
        1,
        "outsiders learn of it at once"
    );
}

#[actix_web::test]
async fn a_certificate_is_named_by_its_first_digits() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let certificate = stage.certificate(pump);
    let show = async |name: &str| stage.get(&format!("/certificates/{name}")).await;
    let serial = certificate.serial.to_string();
    for name in [
        serial.as_str(),
        &serial[..8],
        &certificate.fingerprint.to_string(),
    ] {
        let shown = show(name).await.expect(StatusCode::OK);
        assert_eq!(shown["fingerprint"], certificate.fingerprint.to_string());
        assert!(
            shown["pem"]
                .as_str()
                .unwrap()
                .starts_with("-----BEGIN CERTIFICATE-----")
        );
    }
    for name in [&serial[..4], "00000000", "%27%20OR%201%3D1", "zz"] {
        show(name).await.expect_problem("not_found");
    }
    let list = stage
        .get(&format!("/certificates?pump={pump}&status=valid"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(list["items"][0]["pump_serial"], "SN-1");
    let none = stage
        .get("/certificates?status=revoked")
        .await
        .expect(StatusCode::OK);
    assert_eq!(none["items"], json!([]));
    let of_pump = stage
        .get(&format!("/pumps/{pump}/certificates"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(of_pump["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn the_forecast_and_the_summary_count_alike() {
    let stage = Stage::new();
    stage.certificate(stage.pump("SN-1"));
    stage.certificate(stage.pump("SN-2"));
    let numbers = async || {
        let forecast = stage.get("/certificates/forecast").await.expect(StatusCode::OK);
        let classes = forecast["classes"].as_array().unwrap().iter();
        let counts = classes
            .map(|class| class["count"].as_u64().unwrap())
            .collect::<Vec<_>>();
        let summary = stage.get("/summary").await.expect(StatusCode::OK)["certificates"].clone();
        let same = ["expired", "within_day", "within_week", "overdue", "valid"]
            .map(|class| summary[class].as_u64().unwrap());
        assert_eq!(counts, same);
        counts
    };
    assert_eq!(numbers().await, [0, 0, 0, 0, 2]);
    stage.move_clock(TimeDelta::days(70));
    assert_eq!(numbers().await, [0, 0, 0, 2, 0]);
    stage.move_clock(TimeDelta::days(21));
    assert_eq!(numbers().await, [2, 0, 0, 0, 0]);
}

#[actix_web::test]
async fn an_old_authority_goes_only_when_nobody_lives_by_it_or_somebody_insists() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let certificate = stage.certificate(pump);
    let old = stage.device_authority();
    let retire = async |cut_off: bool| {
        stage
            .post(&format!("/authorities/{old}/retire"), json!({"cut_off": cut_off}))
            .await
    };
    retire(true).await.expect_problem("authority_refused");
    stage
        .post("/authorities/rotate", json!({"kind": "root"}))
        .await
        .expect_problem("authority_refused");
    let new = stage
        .post("/authorities/rotate", json!({"kind": "device"}))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!((&new["generation"], &new["state"]), (&json!(2), &json!("active")));
    assert!(
        stage.admits(&certificate),
        "no pump loses its connection by a rotation"
    );

    let problem = retire(false).await.expect_problem("would_cut_off");
    assert_eq!(
        (&problem["count"], &problem["candidates"]),
        (&json!(1), &json!(["SN-1"]))
    );
    assert!(stage.admits(&certificate));
    assert_eq!(stage.told(), []);

    assert_eq!(
        retire(true).await.expect(StatusCode::OK)["certificates_cut_off"],
        1
    );
    assert!(!stage.admits(&certificate));
    assert_eq!(stage.told(), [Told::Closed(pump, SessionEnd::Denied)]);
    let stored = stage
        .app
        .store
        .read(|db| db.certificate_fetch(certificate.fingerprint))
        .unwrap()
        .unwrap();
    assert_eq!(
        stored.record.revoked.map(|(_, why)| why),
        Some(RevocationReason::CaCompromise)
    );
    retire(false).await.expect_problem("authority_refused");
}

#[actix_web::test]
async fn a_revocation_list_needs_no_token() {
    let stage = Stage::new();
    stage.app.authorities.refresh_crls(stage.app.now()).unwrap();
    let fetch = async |name: &str| {
        stage
            .send(TestRequest::get().uri(&format!("/api/v1/crl/{name}.crl")))
            .await
    };
    let reply = fetch("device-1").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header(header::CONTENT_TYPE), "application/pkix-crl");
    assert_eq!(reply.header(header::CACHE_CONTROL), "public, max-age=600");
    fetch("device-9").await.expect_problem("not_found");
    fetch("..%2Fdevice-1").await.expect_problem("not_found");
}
