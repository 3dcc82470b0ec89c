//! Care areas with pumps in every state that a board shows, put on record as the gateway would.

use fleet::{
    id::{
        CareAreaId, HoldId, LocationId, ManufacturerId, ModelId, PumpId, ReleaseId, RepositoryId, RolloutId,
    },
    pump::{Activity, Component, Hold, HoldKind, Pump, PumpState, SecurityCounter},
    rollout::state::{AssignmentState, RolloutState, WaveState},
    signature::Digest,
    text::{AssetTag, ComponentName, ComponentVersion, Name, Reason, SerialNumber},
};
use serde_json::{Value, json};
use store::{
    AssignmentRecord, Db, HoldRecord, PresenceChange, PumpSoftware, ReleaseRecord, RepositoryRecord,
    StoreError, WardFloorRecord, WaveRecord,
};
use uuid::Uuid;

use crate::Hospital;

/// Care areas, and how many pumps each has.
const AREAS: [(&str, usize); 5] = [
    ("MICU", 14),
    ("4 West", 12),
    ("ED", 9),
    ("NICU", 6),
    ("5 East", 0),
];

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Puts them on record. Every pump is `BM-1…`; every seventh is held, every fifth says nothing, the others are in use or ready.
///
/// # Panics
/// When they can not be.
pub fn furnish(hospital: &Hospital) {
    let app = hospital.running().app();
    let now = app.now();
    app.store
        .write(|db| {
            let maker =
                db.manufacturer_ensure(&name("Arden Medical"), ManufacturerId::from_uuid(Uuid::now_v7()))?;
            let models = ["Volumat LVP", "Syrin 50"]
                .map(|model| db.model_ensure(maker, &name(model), ModelId::from_uuid(Uuid::now_v7())));
            let [lvp, syringe] = models;
            let (lvp, syringe) = (lvp?, syringe?);
            let mut number: usize = 0;
            for (area_name, count) in AREAS {
                let area = db.care_area_ensure(&name(area_name), CareAreaId::from_uuid(Uuid::now_v7()))?;
                let place = db.location_ensure(
                    Some(area),
                    &name("Clean utility"),
                    LocationId::from_uuid(Uuid::now_v7()),
                )?;
                db.ward_floor_set(&WardFloorRecord {
                    care_area: area,
                    model: lvp,
                    keep: if area_name == "NICU" { 6 } else { 3 },
                })?;
                for _ in 0..count {
                    number += 1;
                    let pump = Pump {
                        id: PumpId::from_uuid(Uuid::now_v7()),
                        row_version: 1,
                        content_version: 1,
                        serial: SerialNumber::new(&format!("AM-{:05}", 40_000 + number)).unwrap(),
                        model: if number.is_multiple_of(4) { syringe } else { lvp },
                        asset_tag: Some(AssetTag::new(&format!("BM-{}", 10_000 + number)).unwrap()),
                        udi: None,
                        hardware_id: None,
                        care_area: Some(area),
                        location: Some(place),
                        macs: Vec::new(),
                        components: Vec::new(),
                        hold: None,
                        enrolled_at: now,
                        retired_at: None,
                    };
                    db.pump_create(&pump)?;
                    settle(db, &pump, number, now)?;
                }
            }
            Ok(())
        })
        .unwrap();
}

fn settle(db: &mut Db<'_>, pump: &Pump, number: usize, now: fleet::Timestamp) -> Result<(), StoreError> {
    if !number.is_multiple_of(5) {
        let in_use = !number.is_multiple_of(3);
        db.pump_state_upsert(&[PumpState {
            pump: pump.id,
            reported_at: now,
            received_at: now,
            activity: if in_use {
                Activity::Infusing
            } else {
                Activity::Ready
            },
            patient_attached: in_use,
            rate: None,
            infused: None,
            battery: None,
            on_mains: true,
            signal: None,
            place: None,
            alarm: None,
        }])?;
        db.presence_set(&[PresenceChange {
            pump: pump.id,
            session: 1,
            connected: true,
            at: now,
            peer: None,
            certificate: None,
            end: None,
        }])?;
    }
    if number.is_multiple_of(7) {
        let hold = Hold {
            kind: HoldKind::Clinical,
            reason: Reason::new("The door does not close").unwrap(),
            since: now,
        };
        let id = HoldId::from_uuid(Uuid::now_v7());
        db.hold_create(&HoldRecord::standing(id, pump.id, &hold, Value::Null, None))?;
    }
    Ok(())
}

/// What a desk looks at: a release, a rollout that runs, and one that waits for approval. By their ids.
#[derive(Debug)]
pub struct Desk {
    pub release: String,
    pub running: String,
    pub waiting: String,
    pub pump: String,
}

/// Puts a release on record as an import leaves it, has Ines write two rollouts of it, and sets one running.
///
/// # Panics
/// When they can not be.
pub async fn furnish_desk(hospital: &Hospital) -> Desk {
    let app = hospital.running().app();
    let now = app.now();
    let importer = app
        .store
        .read(|db| db.account_fetch_by_name(&name("ines")))
        .unwrap()
        .unwrap()
        .id;
    let release = app
        .store
        .write(|db| {
            let maker =
                db.manufacturer_ensure(&name("Arden Medical"), ManufacturerId::from_uuid(Uuid::now_v7()))?;
            let repository = RepositoryRecord {
                id: RepositoryId::from_uuid(Uuid::now_v7()),
                name: "arden".parse().unwrap(),
                manufacturer: maker,
                root: "{}".to_owned(),
                root_hash: Digest::from_bytes([1; 32]),
                added_by: importer,
                added_at: now,
            };
            db.repository_create(&repository)?;
            let release = ReleaseRecord {
                id: ReleaseId::from_uuid(Uuid::now_v7()),
                repository: repository.id,
                name: name("Volumat infusion control"),
                version: ComponentVersion::new("9.33").unwrap(),
                manifest: manifest().to_string(),
                manifest_hash: Digest::from_bytes([2; 32]),
                targets: json!([{ "path": FILE, "length": 30_000_000, "sha256": Digest::from_bytes([3; 32]) }]),
                imported_by: importer,
                imported_at: now,
            };
            db.release_create(&release)?;
            let software = PumpSoftware {
                counter: Some(SecurityCounter(41)),
                other_counter: None,
                library: None,
                modules: Vec::new(),
            };
            let part = Component {
                name: ComponentName::new("main").unwrap(),
                version: ComponentVersion::new("9.12").unwrap(),
            };
            for (pump, _) in db.pump_versions()? {
                db.pump_inventory_set(pump, &[], std::slice::from_ref(&part), None, None)?;
                db.pump_software_set(pump, &software)?;
            }
            Ok(release.id.to_string())
        })
        .unwrap();
    let running = write(hospital, &release, "Volumat 9.33", "MICU").await;
    let waiting = write(hospital, &release, "Volumat 9.33, the others", "ED").await;
    let id: RolloutId = running.parse().unwrap();
    let pump = app
        .store
        .write(|db| {
            let row = db.rollout_fetch(id)?;
            db.rollout_move(id, row.row_version, RolloutState::Running, None, now)?;
            let waves = db.wave_of(&[id])?;
            let open = WaveRecord {
                state: WaveState::Open,
                opened_at: Some(now),
                ..waves[0].clone()
            };
            db.wave_update(&open, waves[0].row_version)?;
            let states = [
                (AssignmentState::InService, false),
                (AssignmentState::Quarantined, false),
                (AssignmentState::Cancelled, true),
            ];
            let all = db.assignment_of(&[id])?;
            for (row, (state, left_behind)) in all.iter().filter(|row| row.wave == open.id).zip(states) {
                let wanted = AssignmentRecord {
                    state,
                    left_behind,
                    last_heard: left_behind.then_some(now),
                    ..row.clone()
                };
                db.assignment_update(&wanted, row.row_version)?;
            }
            Ok(all[0].pump.to_string())
        })
        .unwrap();
    Desk {
        release,
        running,
        waiting,
        pump,
    }
}

async fn write(hospital: &Hospital, release: &str, title: &str, first: &str) -> String {
    let spec = json!({
        "pumps": { "filter": "model = \"Volumat LVP\"" },
        "waves": [
            { "name": "A few", "takes": { "count": 5 } },
            { "name": first, "takes": { "care_areas": [first] } },
            { "name": "Everybody else", "takes": "rest" },
        ],
    });
    let body = json!({ "name": title, "release": release, "spec": spec });
    let made = hospital.api.post("/rollouts", &body).await.ok(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let acts = format!("/rollouts/{id}/acts");
    let _ = hospital
        .api
        .post(&acts, &json!({ "act": "submit" }))
        .await
        .ok(200);
    id
}

/// The file of the release.
const FILE: &str = "volumat/9.33/main.bin";

fn manifest() -> Value {
    let check = |id: &str, kind: &str, unit: &str, low: Option<f64>, high: Option<f64>, prompt: &str| {
        let mut expect =
            json!({ "reading": "quantity", "unit": unit, "guard_band": u8::from(unit != "count") });
        for (bound, value) in [("low", low), ("high", high)] {
            if let Some(value) = value {
                expect[bound] = json!(value);
            }
        }
        json!({ "id": id, "kind": kind, "conduct": { "by": "pump" }, "prompt": prompt, "expect": expect })
    };
    json!({
        "v": 1,
        "name": "Volumat infusion control",
        "version": "9.33",
        "manufacturer": "Arden Medical",
        "models": ["Volumat LVP"],
        "class": "communications",
        "brings": [{ "name": "main", "version": "9.33", "scheme": "dotted" }],
        "security": { "counter": 42, "floor": 40 },
        "targets": [{ "path": FILE }],
        "checks": [
            check("self-test", "self_test", "count", None, Some(0.0), "Errors that the pump finds in itself."),
            json!({
                "id": "library",
                "kind": "library_integrity",
                "conduct": { "by": "pump" },
                "prompt": "The drug library is the approved one.",
                "expect": { "reading": "digest" },
            }),
            check("clock", "clock", "second", Some(-5.0), Some(5.0), "How far its clock is off."),
            check("link", "network_link", "dbm", Some(-80.0), None, "How well it hears the network."),
            check("occlusion", "occlusion_pressure", "kpa", Some(30.0), Some(90.0), "The pressure at which it alarms."),
        ],
        "bedside": ["The screen looks the same.", "The pump restarts twice; this takes four minutes."],
        "fixes": [{ "id": "CVE-2026-1001", "extent": "fully" }],
    })
}
