//! Certificates and the authorities that issue them.

use actix_web::{
    http::{StatusCode, header},
    test::TestRequest,
};
use chrono::TimeDelta;
use fleet::{
    certificate::{AuthorityKind, RevocationReason},
    pump::SessionEnd,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use serde_json::json;
use store::CrlRecord;
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

use super::stage::{Stage, Told};
use crate::{command::certificate, pki::csr::read_request};

/// The first of the Device CA's certificates, signed for a pump.
fn chain(stage: &Stage, pump: fleet::id::PumpId) -> Vec<Vec<u8>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&KeyPair::generate().unwrap()).unwrap();
    let request = read_request(request.der()).unwrap();
    let now = stage.app.now();
    vec![stage.app.authorities.issue_pump(pump, &request, now).unwrap().der]
}

/// The number of entries of a revocation list, and for how many days it holds.
fn list(stage: &Stage, name: &str) -> Option<(usize, i64)> {
    let der = stage.app.authorities.crl(name)?;
    let (_, crl) = CertificateRevocationList::from_der(&der).unwrap();
    let life = crl.next_update().unwrap().timestamp() - crl.last_update().timestamp();
    Some((crl.iter_revoked_certificates().count(), life / 86_400))
}

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

#[actix_web::test]
async fn a_retirement_on_record_cuts_off_whatever_fails_afterwards() {
    let stage = Stage::new();
    // The server certificate is due, and no key can be read or made: what follows the commit fails.
    stage.move_clock(TimeDelta::days(365));
    let pump = stage.pump("SN-1");
    let certificate = stage.certificate(pump);
    let chain = chain(&stage, pump);
    let old = stage.device_authority();
    stage
        .post("/authorities/rotate", json!({"kind": "device"}))
        .await
        .expect(StatusCode::CREATED);
    stage.move_clock(TimeDelta::days(30));
    std::fs::remove_dir_all(stage.key_dir()).unwrap();
    std::fs::write(stage.key_dir(), "in the way").unwrap();
    assert!(stage.app.authorities.origin(&chain, stage.app.now()).is_some());
    let retired = stage
        .post(&format!("/authorities/{old}/retire"), json!({"cut_off": true}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(retired["certificates_cut_off"], 1);
    assert!(!stage.admits(&certificate));
    assert_eq!(stage.told(), [Told::Closed(pump, SessionEnd::Denied)]);
    assert_eq!(stage.app.authorities.origin(&chain, stage.app.now()), None);
    let (entries, days) = list(&stage, "device-1").unwrap();
    assert!(entries == 1 && days > 365, "{entries} entries for {days} days");
}

#[actix_web::test]
async fn retiring_again_makes_up_for_a_call_that_lost_its_answer() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let certificate = stage.certificate(pump);
    let chain = chain(&stage, pump);
    let old = stage.device_authority();
    stage
        .post("/authorities/rotate", json!({"kind": "device"}))
        .await
        .expect(StatusCode::CREATED);
    let now = stage.app.now();
    stage
        .app
        .store
        .write(|db| {
            db.authority_retire(old)?;
            db.certificate_revoke(&[certificate.fingerprint], RevocationReason::CaCompromise, now)
        })
        .unwrap();
    assert!(stage.admits(&certificate) && stage.app.authorities.origin(&chain, now).is_some());
    stage
        .post(&format!("/authorities/{old}/retire"), json!({"cut_off": false}))
        .await
        .expect_problem("authority_refused");
    assert!(!stage.admits(&certificate));
    assert_eq!(stage.told(), [Told::Closed(pump, SessionEnd::Denied)]);
    assert_eq!(stage.app.authorities.origin(&chain, now), None);
    assert_eq!(list(&stage, "device-1").unwrap().0, 1);
}

#[actix_web::test]
async fn a_rotation_on_record_is_not_called_a_failure() {
    let stage = Stage::new();
    let key = stage.app.authorities.list().unwrap();
    let key = key.iter().find(|one| one.kind == AuthorityKind::Device).unwrap();
    // It is open already and not needed again.
    std::fs::remove_file(stage.key_dir().join(format!("{}.key.pem", key.key_name))).unwrap();
    stage
        .post("/authorities/rotate", json!({"kind": "device"}))
        .await
        .expect(StatusCode::CREATED);
    assert!(stage.app.authorities.is_issuing(stage.device_authority()));
    assert_eq!(list(&stage, "device-2").unwrap().0, 0);
}

#[actix_web::test]
async fn revocations_at_once_are_all_on_the_list() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let certificates: Vec<_> = (0..12).map(|_| stage.certificate(pump)).collect();
    let actor = crate::app::Actor::gateway();
    std::thread::scope(|threads| {
        for one in &certificates {
            threads.spawn(|| {
                let name = one.fingerprint.to_string();
                certificate::revoke(&stage.app, &actor, &name, RevocationReason::KeyCompromise).unwrap();
            });
        }
    });
    assert_eq!(list(&stage, "device-1").unwrap().0, 12);
}

#[actix_web::test]
async fn a_list_that_can_not_be_signed_does_not_hold_up_the_others() {
    let stage = Stage::new();
    let now = stage.app.now();
    let last_number = CrlRecord {
        authority: stage.device_authority(),
        number: i64::MAX,
        der: Vec::new(),
        this_update: now - TimeDelta::days(2),
        next_update: now - TimeDelta::days(1),
    };
    stage.app.store.write(|db| db.crl_put(&last_number)).unwrap();
    stage.app.authorities.refresh_crls(now).unwrap_err();
    assert_eq!(list(&stage, "device-1"), None);
    assert_eq!(list(&stage, "server-1").unwrap().0, 0);
}

#[actix_web::test]
async fn the_server_certificate_is_left_alone_while_it_fits_and_replaced_where_it_is_not_valid_yet() {
    let stage = Stage::new();
    let renew = || {
        let now = stage.app.now();
        stage.app.authorities.renew_server_certificate(now).unwrap();
        let all = stage.app.store.read(|db| db.server_certificate_list()).unwrap();
        all.len()
    };
    let away = stage.key_dir().with_file_name("away");
    std::fs::rename(stage.key_dir(), &away).unwrap();
    assert_eq!(renew(), 1, "no key is looked for");
    std::fs::rename(&away, stage.key_dir()).unwrap();
    // The clock had been ahead.
    stage.move_clock(TimeDelta::days(-2));
    assert_eq!(renew(), 2);
    assert_eq!(renew(), 2);
}
