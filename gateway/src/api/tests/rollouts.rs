//! What a rollout would come to, and pumps that come to one that runs: over a release that is on record as an import leaves it.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use fleet::{
    access::Role,
    id::{AccountId, CareAreaId, PumpId, ReleaseId, RepositoryId, RolloutId},
    pump::{Component, InstalledLibrary, SecurityCounter},
    release::RepositoryName,
    rollout::{
        free_hours::WallHour,
        state::{RolloutState, WaveState},
    },
    signature::Digest,
    text::{ComponentName, ComponentVersion, HardwareId, Name},
};
use serde_json::{Value, json};
use store::{PumpPatch, PumpSoftware, ReleaseRecord, RepositoryRecord, WardFloorRecord};

use super::stage::Stage;
use crate::{engine::rollout::join, fresh};

const MANIFEST: &str = include_str!("../../../../docs/release-manifest.example.json");

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A hospital with a release that fits the pumps of this file.
struct Ward {
    stage: Stage,
    release: ReleaseId,
    micu: CareAreaId,
}

impl Ward {
    async fn new() -> Self {
        let stage = Stage::new();
        let micu = stage.post("/care-areas", json!({ "name": "MICU" })).await;
        let micu = micu.expect(StatusCode::CREATED)["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let importer = stage.person("irma", &[Role::Biomed], false);
        let manifest = MANIFEST.replace("Acme Medical", "Acme");
        let release = import(&stage, importer, &manifest);
        Self { stage, release, micu }
    }

    /// A pump that the release fits, in the MICU.
    fn pump(&self, number: u32) -> PumpId {
        let id = self
            .stage
            .pump_of("Volumat 7", &format!("SN-{}", 200_000 + number));
        self.move_to(id, Some(self.micu));
        let part = |name: &str, version: &str| Component {
            name: ComponentName::new(name).unwrap(),
            version: ComponentVersion::new(version).unwrap(),
        };
        let parts = [part("main", "9.10"), part("wireless", "v9a")];
        let hardware = HardwareId::new("HW-C").unwrap();
        let software = PumpSoftware {
            counter: Some(SecurityCounter(41)),
            other_counter: None,
            library: Some(InstalledLibrary {
                name: name("Adult ICU"),
                version: ComponentVersion::new("2026-03-01").unwrap(),
            }),
            modules: vec![name("wireless-b")],
        };
        self.stage
            .app
            .store
            .write(|db| {
                db.pump_inventory_set(id, &[], &parts, Some(&hardware), None)?;
                db.pump_software_set(id, &software)
            })
            .unwrap();
        id
    }

    fn move_to(&self, pump: PumpId, care_area: Option<CareAreaId>) {
        let patch = PumpPatch {
            care_area: Some(care_area),
            ..PumpPatch::default()
        };
        let store = &self.stage.app.store;
        let version = store.read(|db| db.pump_fetch(pump)).unwrap().row_version;
        store
            .write(|db| db.pump_detail_update(pump, version, &patch))
            .unwrap();
    }

    /// Writes a rollout of two waves and sets it running.
    async fn running(&self, joins: Value) -> RolloutId {
        let mut spec = json!({
            "pumps": { "filter": "model = \"Volumat 7\"" },
            "waves": [{ "name": "Canary", "takes": { "count": 1 } }, { "name": "Rest", "takes": "rest" }],
        });
        if !joins.is_null() {
            spec["joins"] = joins;
        }
        let body = json!({ "name": "Volumat 9.12", "release": self.release, "spec": spec });
        let written = self
            .stage
            .post("/rollouts", body)
            .await
            .expect(StatusCode::CREATED);
        let id = written["id"].as_str().unwrap().parse().unwrap();
        self.set(id, RolloutState::Running);
        id
    }

    /// Puts a rollout into a state, as the loop would.
    fn set(&self, id: RolloutId, state: RolloutState) {
        let now = self.stage.app.now();
        self.stage
            .app
            .store
            .write(|db| {
                let seen = db.rollout_fetch(id)?.row_version;
                db.rollout_move(id, seen, state, None, now)
            })
            .unwrap();
    }

    fn set_last_wave(&self, id: RolloutId, state: WaveState) {
        self.stage
            .app
            .store
            .write(|db| {
                let mut wave = db.wave_of(&[id])?.pop().unwrap();
                wave.state = state;
                db.wave_update(&wave, wave.row_version)
            })
            .unwrap();
    }

    /// The pumps of each wave, those that joined marked.
    fn waves(&self, id: RolloutId) -> Vec<BTreeMap<PumpId, bool>> {
        self.stage
            .app
            .store
            .read(|db| {
                let waves = db.wave_of(&[id])?;
                let all = db.assignment_of(&[id])?;
                Ok(waves
                    .iter()
                    .map(|wave| {
                        all.iter()
                            .filter(|one| one.wave == wave.id)
                            .map(|one| (one.pump, one.joined_at.is_some()))
                            .collect()
                    })
                    .collect())
            })
            .unwrap()
    }
}

fn import(stage: &Stage, importer: AccountId, manifest: &str) -> ReleaseId {
    let now = stage.app.now();
    let maker = stage.app.store.write(|db| {
        db.manufacturer_ensure(
            &name("Acme"),
            fleet::id::ManufacturerId::from_uuid(fresh::uuid(now)),
        )
    });
    let repository = RepositoryRecord {
        id: RepositoryId::from_uuid(fresh::uuid(now)),
        name: "acme".parse::<RepositoryName>().unwrap(),
        manufacturer: maker.unwrap(),
        root: "{}".to_owned(),
        root_hash: Digest::from_bytes([1; 32]),
        added_by: importer,
        added_at: now,
    };
    let release = ReleaseRecord {
        id: ReleaseId::from_uuid(fresh::uuid(now)),
        repository: repository.id,
        name: name("Volumat 7 infusion control"),
        version: ComponentVersion::new("9.12").unwrap(),
        manifest: manifest.to_owned(),
        manifest_hash: Digest::from_bytes([2; 32]),
        targets: json!([{ "path": "volumat7/9.12/main.bin", "length": 30_000_000, "sha256": Digest::from_bytes([3; 32]) }]),
        imported_by: importer,
        imported_at: now,
    };
    stage
        .app
        .store
        .write(|db| {
            db.repository_create(&repository)?;
            db.release_create(&release)
        })
        .unwrap();
    release.id
}

#[actix_web::test]
async fn a_preview_says_who_when_and_what_bounds_it() {
    let ward = Ward::new().await;
    let pumps: Vec<_> = (1..=4).map(|number| ward.pump(number)).collect();
    ward.stage.hold(pumps[3]);
    let store = &ward.stage.app.store;
    let now = ward.stage.app.now();
    let zone = ward.stage.app.people.zone;
    store
        .write(|db| {
            let model = db.pump_fetch(pumps[0])?.model;
            db.ward_floor_set(&WardFloorRecord {
                care_area: ward.micu,
                model,
                keep: 2,
            })?;
            // The third pump was in use in every hour of the past four weeks.
            let present = WallHour::at(zone, now);
            let seen: Vec<_> = (0..4)
                .flat_map(|ago| (0..168).map(move |hour| (ago, hour)))
                .map(|(ago, hour)| {
                    let week = present.week - ago;
                    (pumps[2], WallHour { week, hour }, false)
                })
                .collect();
            db.free_hours_note(&seen)
        })
        .unwrap();
    let body = json!({
        "release": ward.release,
        "spec": {
            "pumps": { "filter": "model = \"Volumat 7\"" },
            "waves": [{ "name": "All", "takes": "rest" }],
            "windows": [{ "opens": "0 22 * * *", "minutes": 240, "zone": "Europe/Berlin" }],
            "limits": { "verified_percent": 60 },
        },
        "begins_at": now + TimeDelta::days(1),
    });
    let said = ward
        .stage
        .post("/rollouts/preview", body)
        .await
        .expect(StatusCode::OK);
    let wave = &said["waves"][0];
    assert_eq!(wave["pumps"].as_array().unwrap().len(), 3);
    let forecast = &wave["forecast"];
    assert_eq!(forecast["unknown"], 2);
    assert_eq!(forecast["left_behind"][0]["serial"], "SN-200003");
    assert_eq!(
        forecast["left_behind"][0]["why"],
        "in use in every window of the past 4 weeks"
    );
    assert_eq!(
        forecast["likely"]["hangs_on"],
        "how long those that are left behind are waited for"
    );
    let opens: fleet::Timestamp = serde_json::from_value(forecast["optimistic"]["opens"].clone()).unwrap();
    assert!(opens >= now + TimeDelta::days(1));
    assert_eq!(said["left_out"][0]["serial"], "SN-200004");
    assert_eq!(said["left_out"][0]["reason"], "held");
    assert_eq!(
        said["ward_floors"],
        json!([{ "care_area": "MICU", "model": "Volumat 7", "keep": 2, "in_service": 3, "spare": 1, "pumps": 3 }])
    );
    assert_eq!(
        said["assumes"].as_array().unwrap().len(),
        fleet::rollout::forecast::ASSUMES.len()
    );
}

#[actix_web::test]
async fn a_pump_that_comes_later_joins_the_last_wave_once() {
    let ward = Ward::new().await;
    let first = [ward.pump(1), ward.pump(2)];
    let id = ward.running(json!({ "at_most": 2 })).await;
    let subject = format!("/signatures/subjects/rollout/{id}");
    let approved = ward.stage.get(&subject).await.expect(StatusCode::OK);
    let mut seen = join::Seen::default();
    let mut look = || join::look(&ward.stage.app, &mut seen).unwrap();
    assert_eq!(look(), 0, "nobody came");

    let late = ward.pump(3);
    let held = ward.pump(4);
    ward.stage.hold(held);
    assert_eq!(look(), 1);
    assert_eq!(look(), 0, "it is there already");
    let waves = ward.waves(id);
    assert_eq!(waves[0].len() + waves[1].len(), 3);
    assert_eq!(waves[1].get(&late), Some(&true));
    assert!(
        first
            .iter()
            .all(|pump| waves.iter().any(|wave| wave.get(pump) == Some(&false)))
    );

    ward.stage.release(held);
    assert_eq!(look(), 1, "the hold was lifted");
    ward.pump(5);
    assert_eq!(look(), 0, "two may join and no more");

    let still = ward.stage.get(&subject).await.expect(StatusCode::OK);
    assert_eq!(
        still["content_hash"], approved["content_hash"],
        "what was approved is what it was"
    );
    let entries = ward
        .stage
        .get("/audit?action=rollout_joined")
        .await
        .expect(StatusCode::OK);
    assert_eq!(entries["items"].as_array().unwrap().len(), 2);
    let shown = ward
        .stage
        .get(&format!("/rollouts/{id}"))
        .await
        .expect(StatusCode::OK);
    let last = shown["waves"][1]["assignments"].as_array().unwrap();
    assert_eq!(last.iter().filter(|pump| !pump["joined_at"].is_null()).count(), 2);
}

#[actix_web::test]
async fn nobody_joins_by_default_nor_once_people_were_told() {
    let ward = Ward::new().await;
    ward.pump(1);
    ward.pump(2);
    let closed = ward.running(Value::Null).await;
    let id = ward.running(json!({ "at_most": 10 })).await;
    ward.pump(3);
    let mut seen = join::Seen::default();
    let mut look = || join::look(&ward.stage.app, &mut seen).unwrap();
    for state in [
        RolloutState::Paused,
        RolloutState::Halted,
        RolloutState::Scheduled,
    ] {
        ward.set(id, state);
        assert_eq!(look(), 0, "{state:?}");
    }
    ward.set(id, RolloutState::Running);
    for state in WaveState::ALL
        .iter()
        .copied()
        .filter(|state| *state != WaveState::Pending)
    {
        ward.set_last_wave(id, state);
        assert_eq!(look(), 0, "{state:?}");
    }
    ward.set_last_wave(id, WaveState::Pending);
    assert_eq!(look(), 1);
    let waves = ward.waves(closed);
    assert_eq!(waves[0].len() + waves[1].len(), 2, "none joins where none may");
}
