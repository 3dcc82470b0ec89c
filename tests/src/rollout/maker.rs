//! A manufacturer with one release, made as its build server would.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use agent_sim::{
    blueprint::{FleetPlan, PumpBlueprint},
    firmware::library_digest,
};
use fleet::release::TargetPath;
use gateway::{
    clock::Clock,
    firmware::make::{Make, Settings, demo_image, make},
};
use serde_json::{Value, json};
use wire::message::DrugLibrary;

use crate::run;

/// The model that the release is for.
pub const MODEL: &str = "AX-1 LVP";
const MAKER: &str = "Arden Medical";
const FILE: &str = "ax1/3.3.0/wireless.bin";
const MANIFEST: &str = "ax1/3.3.0/release.json";

/// A manufacturer.
#[derive(Debug, Clone)]
pub struct Maker {
    repository: PathBuf,
    /// The root of trust that its pumps left the factory with.
    pub root: PathBuf,
}

impl Maker {
    /// The name that its pumps report.
    pub const NAME: &str = MAKER;
    /// The path of its firmware file among the targets.
    pub const FILE: &str = FILE;

    /// Signs a release whose file has this length, in bytes.
    ///
    /// # Panics
    /// When it can not be made.
    #[must_use]
    pub fn new(dir: &Path, length: usize) -> Self {
        let dir = dir.join("maker");
        fs::create_dir_all(&dir).unwrap();
        let image = dir.join("wireless.bin");
        fs::write(&image, demo_image(3, length)).unwrap();
        let path = |text: &str| text.parse::<TargetPath>().unwrap();
        let repository = dir.join("repository");
        let made = make(&Make {
            repository: &repository,
            keys: &dir.join("keys"),
            manifest: manifest().to_string().as_bytes(),
            manifest_path: &path(MANIFEST),
            files: &BTreeMap::from([(path(FILE), image)]),
            settings: Settings::default(),
            now: Clock::system().now(),
        })
        .unwrap();
        Self {
            repository,
            root: made.root,
        }
    }

    /// The repository in one piece, as it is handed over.
    ///
    /// # Panics
    /// When it can not be packed.
    #[must_use]
    pub fn archive(&self) -> Vec<u8> {
        let file = self.repository.with_extension("tar");
        let arguments = [
            "-cf",
            text(&file),
            "-C",
            text(&self.repository),
            "metadata",
            "targets",
        ];
        let _ = run("tar", arguments).ok();
        fs::read(file).unwrap()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The drug library that the release brings.
fn library() -> DrugLibrary {
    DrugLibrary {
        name: "Adult general".parse().unwrap(),
        version: "2026.06".parse().unwrap(),
    }
}

fn manifest() -> Value {
    let library = library();
    let check = |id: &str, kind: &str, expect: Value| json!({ "id": id, "kind": kind, "conduct": { "by": "pump" }, "prompt": "What it reads.", "expect": expect });
    let quantity = |unit: &str, bounds: Value| {
        let mut expect = json!({ "reading": "quantity", "unit": unit });
        expect
            .as_object_mut()
            .unwrap()
            .extend(bounds.as_object().unwrap().clone());
        expect
    };
    let digest = json!({ "reading": "digest", "sha256": library_digest(&library) });
    json!({
        "v": 1,
        "name": "AX-1 wireless",
        "version": "3.3.0",
        "manufacturer": MAKER,
        "models": [MODEL],
        "class": "communications",
        "brings": [
            { "name": "wireless", "version": "3.3.0", "scheme": "semver" },
            { "name": "drug-library", "version": library.version, "scheme": "unknown" },
        ],
        "security": { "counter": 41, "floor": 40 },
        "targets": [{ "path": FILE }],
        "checks": [
            check("self-test", "self_test", quantity("count", json!({ "high": 0, "guard_band": 0 }))),
            check("library", "library_integrity", digest),
            check("clock", "clock", quantity("second", json!({ "low": -5, "high": 5, "guard_band": 1 }))),
            check("link", "network_link", quantity("dbm", json!({ "low": -80, "guard_band": 2 }))),
            check(
                "occlusion",
                "occlusion_pressure",
                quantity("kpa", json!({ "low": 30, "high": 90, "guard_band": 5 })),
            ),
        ],
        "bedside": ["The screen looks the same."],
        "fixes": [],
    })
}

/// So many pumps of the model, dealt to these care areas in turn. They know the manufacturer's root.
///
/// # Panics
/// When such a fleet can not be drawn.
#[must_use]
pub fn fleet_of(maker: &Maker, pumps: usize, care_areas: &[&str]) -> Vec<PumpBlueprint> {
    // Two of five are of the other model, and the deal goes by the place in the whole fleet.
    let mut plan = FleetPlan::new(pumps * 2 + 5, 11);
    plan.care_areas = care_areas.iter().map(|area| (*area).to_owned()).collect();
    let mut fleet = plan.build().unwrap();
    fleet.retain(|pump| pump.model.as_str() == MODEL);
    fleet.truncate(pumps);
    assert_eq!(fleet.len(), pumps);
    for (pump, area) in fleet.iter_mut().zip(care_areas.iter().cycle()) {
        pump.care_area = area.parse().unwrap();
        pump.location = format!("{area} storage").parse().unwrap();
        pump.tuf_root = Some(maker.root.clone());
    }
    fleet
}
