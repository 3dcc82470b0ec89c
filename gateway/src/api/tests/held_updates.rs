//! A pump that its update left on hold: its checks are those of the release, its own readings count under its own signature only,
//! and the update counts as verified where what runs is proved.

use actix_web::http::{Method, StatusCode};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use chrono::TimeDelta;
use fleet::{
    access::Role,
    certificate::{CertificateRecord, Fingerprint, SerialHex},
    check::{AutomaticResult, CheckUnit, Claim, Reading as Read},
    id::{
        AssignmentId, CareAreaId, HoldId, ManufacturerId, PumpId, ReleaseId, RepositoryId, RetestId,
        RolloutId, WaveId,
    },
    pump::{Component, HoldKind, SecurityCounter},
    rollout::state::{AssignmentState, RolloutState, WaveState},
    signature::Digest,
    text::{Name, Reason},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::{AssignmentRecord, ReleaseRecord, RepositoryRecord, RolloutRecord, WaveRecord};
use wire::{
    envelope::{Algorithm, Sealed, seal},
    message::V1,
    proof::key_id,
    retest::Retest,
};

use super::stage::{PASSWORD, Stage, Told, request_as};
use crate::{
    app::Actor,
    command::hold::record,
    engine::rollout::report::{Consequences, Reading},
    fresh,
};

const MANIFEST: &str = include_str!("../../../../docs/release-manifest.example.json");
const PIN: &str = "640917";

/// The automatic checks of the example, as a sound pump reads them.
const SOUND: [(&str, CheckUnit, f64); 6] = [
    ("self-test", CheckUnit::Count, 0.0),
    ("clock", CheckUnit::Second, 1.0),
    ("occlusion", CheckUnit::Kilopascal, 62.0),
    ("air", CheckUnit::Microlitre, 52.0),
    ("speaker", CheckUnit::Milliampere, 142.0),
    ("battery", CheckUnit::Volt, 12.4),
];

fn library() -> Digest {
    Digest::of(b"the approved one")
}

fn component(name: &str, version: &str) -> Component {
    Component {
        name: name.parse().unwrap(),
        version: version.parse().unwrap(),
    }
}

fn named() -> Vec<Component> {
    vec![component("main", "9.12"), component("wireless", "v9b")]
}

/// A certificate with its key.
struct Identity {
    der: Vec<u8>,
    key: EcdsaKeyPair,
}

impl Identity {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let params = rcgen::CertificateParams::default();
        Self {
            der: params.self_signed(&key).unwrap().der().to_vec(),
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der()).unwrap(),
        }
    }

    fn seal(&self, retest: &Retest) -> Sealed {
        let sign = |message: &[u8]| {
            let signature = self.key.sign(&SystemRandom::new(), message);
            signature.map(|signature| signature.as_ref().to_vec())
        };
        Sealed::of(&seal(retest, Algorithm::Es256, &key_id(&self.der), sign).unwrap())
    }
}

struct Bench {
    stage: Stage,
    pump: PumpId,
    assignment: AssignmentId,
    identity: Identity,
    hold: String,
    biomed: String,
    nurse: String,
    sequence: u64,
}

impl Bench {
    /// A pump that runs this, whose update is in this state, and that a rule holds for it.
    async fn new(runs: &[Component], at: AssignmentState, proved: bool) -> Self {
        let stage = Stage::new();
        let pump = on_ward(&stage, runs);
        let assignment = update(&stage, pump, at, proved);
        let identity = Identity::new();
        certify(&stage, pump, &identity.der);
        let reason = Reason::new("occlusion: 118 kPa is outside 30 to 90 kPa").unwrap();
        let new = record::New {
            pump,
            kind: HoldKind::Clinical,
            reason: &reason,
        };
        let now = stage.app.now();
        let order = stage
            .app
            .store
            .write(|db| record::write(db, &Actor::gateway(), &new, now));
        assert_eq!(order.unwrap().unwrap().body.kind(), "hold");
        let standing = stage
            .app
            .store
            .read(|db| db.hold_standing(pump))
            .unwrap()
            .unwrap();
        let mut secrets = Vec::new();
        for (name, role) in [("lena", Role::BiomedLead), ("nora", Role::Nurse)] {
            stage.person(name, &[role], false);
            let secret = stage.sign_in(name);
            let body = json!({ "password": PASSWORD, "pin": PIN });
            let pin = request_as(&secret, Method::POST, "/me/pin").set_json(body);
            stage.send(pin).await.expect(StatusCode::NO_CONTENT);
            secrets.push(secret);
        }
        let (nurse, biomed) = (secrets.pop().unwrap(), secrets.pop().unwrap());
        Self {
            stage,
            pump,
            assignment,
            identity,
            hold: standing.id.to_string(),
            biomed,
            nurse,
            sequence: 0,
        }
    }

    async fn shown(&self) -> Value {
        let path = format!("/holds/{}", self.hold);
        let reply = self
            .stage
            .send(request_as(&self.biomed, Method::GET, &path))
            .await;
        reply.expect(StatusCode::OK)
    }

    async fn begins(&self) -> RetestId {
        let path = format!("/holds/{}/retests", self.hold);
        let request = request_as(&self.biomed, Method::POST, &path).set_json(json!({}));
        let begun = self.stage.send(request).await.expect(StatusCode::CREATED);
        begun["retests"][0]["id"].as_str().unwrap().parse().unwrap()
    }

    async fn enters(&self, check: &str, unit: &str, value: f64) {
        let body = json!({
            "check": check,
            "reading": { "reading": "quantity", "unit": unit, "value": value },
            "instrument": { "id": "IDA-5-117", "calibrated_until": "2027-12-31" },
        });
        let path = format!("/holds/{}/checks", self.hold);
        let request = request_as(&self.biomed, Method::POST, &path).set_json(body);
        self.stage.send(request).await.expect(StatusCode::NO_CONTENT);
    }

    fn document(&self, retest: RetestId, occlusion: f64) -> Retest {
        let mut results: Vec<_> = SOUND
            .iter()
            .map(|(check, unit, value)| AutomaticResult {
                check: check.parse().unwrap(),
                claim: Claim::Pass,
                reading: Some(Read::Quantity {
                    value: if *check == "occlusion" { occlusion } else { *value },
                    unit: *unit,
                }),
            })
            .collect();
        results.push(AutomaticResult {
            check: "library".parse().unwrap(),
            claim: Claim::Pass,
            reading: Some(Read::Digest { sha256: library() }),
        });
        Retest {
            v: V1,
            pump: self.pump,
            retest,
            at: self.stage.app.now(),
            components: named(),
            counter: SecurityCounter(42),
            drug_library: None,
            results,
        }
    }

    /// The report arrives.
    fn reports(&mut self, signed: &Sealed) {
        self.sequence += 1;
        let (pump, sequence, now) = (self.pump, self.sequence, self.stage.app.now());
        let done = self.stage.app.store.write(|db| {
            let mut consequences = Consequences::default();
            let mut reading = Reading {
                pump,
                sequence,
                is_late: false,
                now,
                consequences: &mut consequences,
            };
            reading.retest(db, signed)
        });
        done.unwrap();
    }

    async fn outcome(&self) -> String {
        self.shown().await["retests"][0]["outcome"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn signs(&self, secret: &str, meaning: &str) -> StatusCode {
        let path = format!("/signatures/subjects/hold/{}?meaning={meaning}", self.hold);
        let shown = self.stage.send(request_as(secret, Method::GET, &path)).await;
        let shown = shown.expect(StatusCode::OK);
        let body = json!({
            "kind": "hold", "id": self.hold, "version": shown["version"], "content_hash": shown["content_hash"],
            "meaning": meaning, "factors": { "password": PASSWORD, "pin": PIN },
        });
        let request = request_as(secret, Method::POST, "/signatures").set_json(body);
        self.stage.send(request).await.status
    }

    async fn both_sign(&self) {
        let biomed = self.signs(&self.biomed, "released_from_hold_biomed").await;
        let nurse = self.signs(&self.nurse, "released_from_hold_nurse").await;
        assert_eq!((biomed, nurse), (StatusCode::CREATED, StatusCode::CREATED));
    }

    /// Where the update is, and whether the pump is held.
    fn state(&self) -> (AssignmentState, bool) {
        let read = self.stage.app.store.read(|db| {
            Ok((
                db.assignment_fetch(self.assignment)?.state,
                db.pump_fetch(self.pump)?.hold.is_some(),
            ))
        });
        read.unwrap()
    }

    async fn doubts(&self) -> usize {
        let query = format!("kind=update_doubted&pump={}", self.pump);
        self.stage.events(&query).await.len()
    }
}

fn on_ward(stage: &Stage, runs: &[Component]) -> PumpId {
    let area = CareAreaId::from_uuid(fresh::uuid(stage.app.now()));
    let name = Name::new("MICU").unwrap();
    let area = stage
        .app
        .store
        .write(|db| db.care_area_ensure(&name, area))
        .unwrap();
    let pump = stage.pump_in("SN-1", Some(area));
    stage
        .app
        .store
        .write(|db| db.pump_inventory_set(pump, &[], runs, None, None))
        .unwrap();
    pump
}

fn certify(stage: &Stage, pump: PumpId, der: &[u8]) {
    let now = stage.app.now();
    let record = CertificateRecord {
        fingerprint: Fingerprint::from_digest(Sha256::digest(der).into()),
        serial: SerialHex::from_bytes(&fresh::bytes::<16>()),
        pump,
        authority: stage.device_authority(),
        key: Fingerprint::from_digest(fresh::bytes()),
        not_before: now,
        not_after: now + TimeDelta::days(90),
        issued_at: now,
        first_used_at: None,
        revoked: None,
    };
    stage
        .app
        .store
        .write(|db| db.certificate_insert(&record, der))
        .unwrap();
}

/// A release, a rollout that brings it, and what became of one pump in it.
fn update(stage: &Stage, pump: PumpId, at: AssignmentState, versions_proved: bool) -> AssignmentId {
    let now = stage.app.now();
    let author = stage.person("author", &[Role::Biomed], false);
    let manifest = MANIFEST.replace(
        r#""expect": { "reading": "digest" }"#,
        &format!(
            r#""expect": {{ "reading": "digest", "sha256": "{}" }}"#,
            library()
        ),
    );
    assert_ne!(manifest, MANIFEST);
    let repository = RepositoryRecord {
        id: RepositoryId::from_uuid(fresh::uuid(now)),
        name: "acme".parse().unwrap(),
        manufacturer: ManufacturerId::from_uuid(fresh::uuid(now)),
        root: "{}".to_owned(),
        root_hash: Digest::ZERO,
        added_by: author,
        added_at: now,
    };
    let release = ReleaseRecord {
        id: ReleaseId::from_uuid(fresh::uuid(now)),
        repository: repository.id,
        name: Name::new("Volumat 7 infusion control").unwrap(),
        version: "9.12".parse().unwrap(),
        manifest_hash: Digest::of(manifest.as_bytes()),
        manifest,
        targets: json!([]),
        imported_by: author,
        imported_at: now,
    };
    let rollout = RolloutRecord {
        id: RolloutId::from_uuid(fresh::uuid(now)),
        row_version: 1,
        name: Name::new("Volumat 9.12").unwrap(),
        release: release.id,
        state: RolloutState::Running,
        since: now,
        author,
        emergency: None,
        begins_at: now,
        spec: json!({ "pumps": { "list": [pump] }, "waves": [{ "name": "Canary", "takes": "rest" }] }),
        content_version: 1,
        why: None,
        made_at: now,
    };
    let wave = WaveRecord {
        id: WaveId::from_uuid(fresh::uuid(now)),
        rollout: rollout.id,
        number: 1,
        name: Name::new("Canary").unwrap(),
        row_version: 1,
        state: WaveState::Open,
        since: now,
        opened_at: Some(now),
        failures_accepted: 0,
        evidence: None,
    };
    let standing = stage.app.store.read(|db| db.pump_fetch(pump)).unwrap();
    let care_area = standing.care_area.unwrap();
    let assignment = AssignmentRecord {
        id: AssignmentId::from_uuid(fresh::uuid(now)),
        wave: wave.id,
        rollout: rollout.id,
        pump,
        care_area,
        row_version: 1,
        state: at,
        since: now,
        target: "volumat7/9.12.bin".parse().unwrap(),
        before: json!([component("main", "9.9"), component("wireless", "v9b")]),
        named: json!(named()),
        ticket: None,
        heard: 0,
        booted: Some(1),
        booted_at: Some(now),
        versions_proved,
        setback_at: None,
        setback_count: 0,
        setback_words: None,
        left_behind: false,
        roll_back_by: None,
        roll_back_at: None,
        last_heard: None,
        joined_at: None,
        again_at: None,
        leaves_by: None,
    };
    let written = stage.app.store.write(|db| {
        let maker = db.manufacturer_ensure(&Name::new("Acme").unwrap(), repository.manufacturer)?;
        db.repository_create(&RepositoryRecord {
            manufacturer: maker,
            ..repository.clone()
        })?;
        db.release_create(&release)?;
        db.rollout_create(&rollout, std::slice::from_ref(&wave))?;
        db.assignment_create(std::slice::from_ref(&assignment))
    });
    written.unwrap();
    assignment.id
}

#[actix_web::test]
async fn a_pump_that_passes_the_checks_of_its_release_again_is_verified_after_all() {
    let mut bench = Bench::new(&named(), AssignmentState::Quarantined, true).await;
    let evidence = bench.shown().await["evidence"].clone();
    assert_eq!(evidence["assignment"]["state"], "quarantined");
    assert_eq!(evidence["assignment"]["checks"]["checks"][3]["id"], "occlusion");
    assert_eq!(bench.shown().await["set_by"], Value::Null);

    let first = bench.begins().await;
    assert_eq!(bench.stage.told(), [Told::Order(bench.pump, "run_checks")]);
    let orders = bench
        .stage
        .app
        .store
        .read(|db| db.order_pending(bench.pump))
        .unwrap();
    let asked = &orders.iter().find(|row| row.kind == "run_checks").unwrap().body;
    assert_eq!(asked["retest"], json!(first));
    assert_eq!(asked["checks"].as_array().unwrap().len(), 7, "the pump's own");
    let limits = ["low", "high", "guard_band"]
        .iter()
        .any(|word| asked.to_string().contains(word));
    assert!(!limits, "what would pass is not the pump's to know: {asked}");

    // It claims a pass, and its reading is none.
    bench.reports(&bench.identity.seal(&bench.document(first, 118.0)));
    bench.enters("flow", "percent", 1.2).await;
    assert_eq!(bench.outcome().await, "failed");

    let second = bench.begins().await;
    // What comes late for the first attempt is kept with it, and changes nothing of the second.
    bench.reports(&bench.identity.seal(&bench.document(first, 62.0)));
    assert_eq!(bench.outcome().await, "awaiting");
    let signed = bench.identity.seal(&bench.document(second, 62.0));
    bench.reports(&signed);
    bench.enters("flow", "percent", 1.2).await;
    assert_eq!(bench.outcome().await, "passed");
    assert_eq!(bench.shown().await["retests"][1]["outcome"], "failed");

    let biomed = bench.signs(&bench.biomed, "released_from_hold_biomed").await;
    assert_eq!(biomed, StatusCode::CREATED);
    // The same report once more says nothing new: who signed has signed for it.
    bench.reports(&signed);
    assert_eq!(bench.state(), (AssignmentState::Quarantined, true));
    let nurse = bench.signs(&bench.nurse, "released_from_hold_nurse").await;
    assert_eq!(nurse, StatusCode::CREATED);
    assert_eq!(bench.state(), (AssignmentState::InService, false));
    assert_eq!(bench.doubts().await, 0);
}

#[actix_web::test]
async fn a_retest_counts_under_the_pumps_own_signature_for_its_own_hold_and_while_that_stands() {
    let mut bench = Bench::new(&named(), AssignmentState::Quarantined, true).await;
    let retest = bench.begins().await;
    let good = bench.document(retest, 62.0);
    let stranger = Identity::new();
    bench.reports(&stranger.seal(&good));
    let of_another = Retest {
        pump: PumpId::from_uuid(fresh::uuid(bench.stage.app.now())),
        ..good.clone()
    };
    bench.reports(&bench.identity.seal(&of_another));
    let unknown = RetestId::from_uuid(fresh::uuid(bench.stage.app.now()));
    bench.reports(&bench.identity.seal(&bench.document(unknown, 62.0)));
    bench.reports(&Sealed::of(b"nothing of the kind"));
    assert_eq!(bench.outcome().await, "awaiting");
    assert_eq!(bench.doubts().await, 4);

    // For a hold that was replaced meanwhile.
    bench.stage.move_clock(TimeDelta::seconds(1));
    let isolate = json!({ "kind": "security_isolation", "reason": "cloned" });
    let path = format!("/pumps/{}/hold", bench.pump);
    let request = request_as(&bench.biomed, Method::POST, &path).set_json(isolate);
    bench.stage.send(request).await.expect(StatusCode::OK);
    bench.reports(&bench.identity.seal(&good));
    assert_eq!(bench.doubts().await, 5);
    assert_eq!(bench.shown().await["retests"][0]["outcome"], "awaiting");
    let isolated = bench.stage.app.store.read(|db| db.hold_standing(bench.pump));
    bench.hold = isolated.unwrap().unwrap().id.to_string();
    bench.begins().await;
    let shown = bench.shown().await;
    assert_eq!(
        shown["retests"][0]["release"],
        Value::Null,
        "its word is not taken: {shown}"
    );
    let hold: HoldId = bench.hold.parse().unwrap();
    let standing = bench.stage.app.store.read(|db| db.hold_fetch(hold)).unwrap();
    assert_eq!(standing.ended_at, None);
}

/// What runs decides what becomes of the update; the pump serves either way.
#[actix_web::test]
async fn an_update_is_verified_only_where_what_runs_is_proved() {
    use AssignmentState as S;

    let old = vec![component("main", "9.9"), component("wireless", "v9b")];
    let cases = [
        // Nothing was proved after the update: the retest itself proves it.
        (named(), S::Quarantined, false, S::InService),
        (named(), S::Unresponsive, false, S::InService),
        // It went back, and is well on its old version.
        (old.clone(), S::RolledBack, false, S::RolledBack),
        // The same, where no report said so yet: its next one holds it no second time.
        (old.clone(), S::Quarantined, false, S::RolledBack),
        (old, S::Unresponsive, false, S::RolledBack),
        // It runs something that neither its ticket names nor it had before.
        (
            vec![component("main", "9.9-service")],
            S::Quarantined,
            false,
            S::Quarantined,
        ),
    ];
    for (runs, state, proved, expected) in cases {
        let mut bench = Bench::new(&runs, state, proved).await;
        let retest = bench.begins().await;
        if runs == named() {
            bench.reports(&bench.identity.seal(&bench.document(retest, 62.0)));
            bench.enters("flow", "percent", 1.2).await;
        } else {
            for (check, unit, value) in [
                ("bench-flow", "percent", 1.2),
                ("bench-occlusion", "kpa", 62.0),
                ("bench-alarm", "decibel", 61.0),
                ("bench-battery", "minute", 44.0),
                ("bench-electrical", "milliampere", 0.1),
            ] {
                bench.enters(check, unit, value).await;
            }
            let body =
                json!({ "check": "bench-inspection", "reading": { "reading": "confirmation", "yes": true } });
            let path = format!("/holds/{}/checks", bench.hold);
            let request = request_as(&bench.biomed, Method::POST, &path).set_json(body);
            bench.stage.send(request).await.expect(StatusCode::NO_CONTENT);
        }
        assert_eq!(bench.outcome().await, "passed", "{state:?}");
        bench.both_sign().await;
        assert_eq!(bench.state(), (expected, false), "{state:?}");
    }
}
