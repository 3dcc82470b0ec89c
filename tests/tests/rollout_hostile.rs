//! Pumps that do not do as they should in the middle of a rollout: silent, gone, in use, lying, put back to an old memory. None of
//! them blocks it, none of them counts as a success, and none of them goes back to a patient by itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use agent_sim::{firmware::Fault, life::Intervention, scenario::Action};
use fleet::rollout::state::RolloutState;
use gateway::config::Config;
use serde_json::{Value, json};
use store::Store;
use tests::{
    Hospital, eventually,
    rollout::{Maker, Record, Site, Ward, faults_of, fleet_of},
};

const LENGTH: usize = 32 * 1024;
const SPEED: f64 = 60.0;
const WARD: &str = "4 West";
/// Longer than any test.
const FOR_GOOD: Duration = Duration::from_hours(1);

struct Scene {
    hospital: Hospital,
    ward: Ward,
    store: Store,
}

impl Scene {
    /// So many pumps of one ward; something is wrong with some, by their place.
    async fn open(pumps: usize, faults: &[(usize, Fault)]) -> Self {
        let hospital = Hospital::open().await;
        let maker = Maker::new(hospital.dir(), LENGTH);
        let mut fleet = fleet_of(&maker, pumps, &[WARD]);
        for (place, fault) in faults {
            fleet[*place].faults.set(*fault, true);
        }
        let site = Site::from(&hospital);
        let ward = Ward::open(&hospital.administrator, &site, &maker, fleet, SPEED).await;
        let config = Config::load(&hospital.dir().join("data/gateway.toml")).unwrap();
        let store = Store::open(&config.database_url()).unwrap();
        Self {
            hospital,
            ward,
            store,
        }
    }

    /// One wave for all, with bounds of seconds; `limits` go before.
    async fn begin(&self, limits: Value) -> String {
        let mut bounds = json!({
            "failure_percent": 100, "verified_percent": 40, "soak_seconds": 1, "retry_seconds": 1, "install_seconds": 1,
        });
        let given = limits.as_object().unwrap().clone();
        bounds.as_object_mut().unwrap().extend(given);
        let waves = json!([{ "name": WARD, "takes": "rest" }]);
        self.ward.begin(&waves, &bounds).await
    }

    async fn act(&self, pump: usize, action: Action) {
        assert!(self.ward.simulation.act(&self.ward.serials[pump], action).await);
    }

    /// People do what is theirs, the wave passes, and the rollout is over.
    async fn to_its_end(&self, rollout: &str) {
        self.ward.bring_wave_to(rollout, 1, "passed").await;
        eventually("the rollout is completed", || async {
            let record = Record::read(&self.store);
            record.rollouts_are(RolloutState::Completed).then_some(())
        })
        .await;
    }

    /// How a pump's update stands, whether it was left behind, and whether it is known when it was last heard of.
    async fn stands(&self, rollout: &str, pump: usize) -> (String, bool, bool) {
        let is = self.ward.assignment(rollout, pump).await;
        assert_eq!(is["care_area"], WARD, "where to look for it");
        let state = is["state"].as_str().unwrap().to_owned();
        (
            state,
            is["left_behind"].as_bool().unwrap(),
            is["last_heard"].is_string(),
        )
    }

    /// The pump is held for this reason, in the record and, where it can be reached, on itself.
    async fn is_held(&self, pump: usize, why: &str) {
        let held = eventually("the pump is held", || self.ward.held(pump)).await;
        assert!(held.contains(why), "{held}");
    }

    async fn hold_is_in_force(&self, pump: usize) {
        eventually("the pump knows it", || async {
            (self.ward.look(pump).hold_in_force == Some(true)).then_some(())
        })
        .await;
    }

    /// Kinds of orders that a pump was ever given, the oldest first.
    fn orders(&self, pump: usize) -> Vec<String> {
        let id = self.ward.look(pump).id.unwrap();
        let record = Record::read(&self.store);
        let mut of: Vec<_> = record
            .orders
            .into_iter()
            .filter(|order| order.pump == id)
            .collect();
        of.sort_by_key(|order| (order.at, order.id));
        of.into_iter().map(|order| order.kind).collect()
    }

    async fn close(self) {
        let record = Record::read(&self.store);
        let twice: Vec<_> = faults_of(&record.tickets, &record.orders)
            .into_iter()
            // A pump that is out of reach has not got its hold.
            .filter(|fault| !matches!(fault, tests::rollout::Fault::Lost { .. }))
            .collect();
        assert_eq!(twice, []);
        assert_eq!(self.ward.simulation.stop().await.therapy_interruptions, 0);
        self.hospital.close().await;
    }
}

const IN_SERVICE: (&str, bool, bool) = ("in_service", false, false);

fn of(stands: &(String, bool, bool)) -> (&str, bool, bool) {
    (stands.0.as_str(), stands.1, stands.2)
}

#[tokio::test(flavor = "multi_thread")]
async fn pumps_that_fall_silent_block_nobody_and_are_no_success() {
    const MUTE: usize = 0;
    const GONE: usize = 1;
    let scene = Scene::open(4, &[(MUTE, Fault::SilentAfterActivation)]).await;
    scene.act(GONE, Action::DropNetwork { lasting: FOR_GOOD }).await;
    eventually("it is gone", || async {
        (scene.ward.simulation.figures().connected == 3).then_some(())
    })
    .await;
    let limits = json!({ "silence_seconds": 8, "laggard_seconds": 25 });
    let rollout = scene.begin(limits).await;
    scene.to_its_end(&rollout).await;

    assert_eq!(
        of(&scene.stands(&rollout, MUTE).await),
        ("unresponsive", false, true)
    );
    scene.is_held(MUTE, "").await;
    // It never began: it is on the list, and not held.
    let gone = scene.stands(&rollout, GONE).await;
    assert_eq!((gone.1, gone.2), (true, true), "{gone:?}");
    assert_eq!(scene.orders(GONE), [""; 0]);
    assert_eq!(scene.ward.held(GONE).await, None);
    for sound in [2, 3] {
        assert_eq!(of(&scene.stands(&rollout, sound).await), IN_SERVICE);
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pump_in_use_is_given_no_order_and_lands_on_the_catch_up_list() {
    const BUSY: usize = 0;
    let scene = Scene::open(3, &[]).await;
    let infusion = Intervention::StartInfusion {
        rate: 5.0,
        volume: 2_000.0,
    };
    scene.act(BUSY, Action::Life(infusion)).await;
    eventually("the gateway knows", || async {
        let pump = scene.hospital.api.pump(&scene.ward.serials[BUSY]).await;
        (pump["state"]["activity"] == "infusing").then_some(())
    })
    .await;
    let rollout = scene.begin(json!({ "laggard_seconds": 20 })).await;
    scene.to_its_end(&rollout).await;

    let busy = scene.stands(&rollout, BUSY).await;
    assert_eq!((busy.1, busy.2), (true, true), "{busy:?}");
    let orders = scene.orders(BUSY);
    assert!(
        !orders.iter().any(|kind| kind == "install" || kind == "download"),
        "{orders:?}"
    );
    let look = scene.ward.look(BUSY);
    assert!(look.patient_attached && look.activations == 0, "{look:?}");
    assert_eq!(scene.ward.held(BUSY).await, None);
    for sound in [1, 2] {
        assert_eq!(of(&scene.stands(&rollout, sound).await), IN_SERVICE);
        assert_eq!(scene.orders(sound), ["download", "install"]);
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pumps_that_claim_a_pass_are_held_by_what_they_read_and_run() {
    let cases = [
        (0, Fault::OcclusionSensor, "check"),
        (1, Fault::CheckNotRun, "check"),
        (2, Fault::OtherVersions, "version"),
    ];
    let mut faults: Vec<_> = cases.iter().map(|(pump, fault, _)| (*pump, *fault)).collect();
    faults.extend(cases.iter().map(|(pump, ..)| (*pump, Fault::Lies)));
    let scene = Scene::open(5, &faults).await;
    let rollout = scene.begin(json!({})).await;
    scene.to_its_end(&rollout).await;

    for (pump, fault, why) in cases {
        let stands = scene.stands(&rollout, pump).await;
        assert_eq!(of(&stands), ("quarantined", false, false), "{fault:?}");
        scene.is_held(pump, why).await;
        scene.hold_is_in_force(pump).await;
    }
    for sound in [3, 4] {
        assert_eq!(of(&scene.stands(&rollout, sound).await), IN_SERVICE);
        assert_eq!(scene.ward.held(sound).await, None);
    }
    scene.close().await;
}

/// Its reports bear numbers that were used: they are no old news.
#[tokio::test(flavor = "multi_thread")]
async fn a_pump_whose_memory_was_put_back_is_held() {
    const PUT_BACK: usize = 0;
    let scene = Scene::open(2, &[]).await;
    scene.act(PUT_BACK, Action::BackUp).await;
    let rollout = scene.begin(json!({})).await;
    scene.to_its_end(&rollout).await;
    assert_eq!(of(&scene.stands(&rollout, PUT_BACK).await), IN_SERVICE);

    scene.act(PUT_BACK, Action::Restore).await;
    scene.is_held(PUT_BACK, "version").await;
    scene.hold_is_in_force(PUT_BACK).await;
    assert_eq!(scene.stands(&rollout, PUT_BACK).await.0, "quarantined");
    assert_eq!(of(&scene.stands(&rollout, 1).await), IN_SERVICE);
    scene.close().await;
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn firmware_that_was_altered_behind_the_gateway_is_refused_by_every_pump() {
    let scene = Scene::open(2, &[]).await;
    let before: Vec<_> = scene.ward.simulation.pumps();
    let name = Maker::FILE.rsplit('/').next().unwrap();
    let published = files(&scene.hospital.dir().join("data/firmware"));
    let published = published.iter().find(|file| file.ends_with(name)).unwrap();
    let mut bytes = fs::read(published).unwrap();
    bytes[LENGTH / 2] ^= 1;
    fs::write(published, bytes).unwrap();

    let rollout = scene.begin(json!({ "attempts": 2 })).await;
    // Nobody is verified, so its gate stays shut.
    scene.ward.bring_wave_to(&rollout, 1, "awaiting_approval").await;
    for (pump, before) in before.iter().enumerate() {
        let is = scene.ward.assignment(&rollout, pump).await;
        assert_eq!(is["left_behind"], true, "{is}");
        assert!(is["setback"].as_str().unwrap().contains("file_altered"), "{is}");
        let look = scene.ward.look(pump);
        assert_eq!(
            (&look.components, look.counter, look.activations),
            (&before.components, before.counter, 0)
        );
        assert_eq!(scene.ward.held(pump).await, None, "it stays in service");
        assert!(!scene.orders(pump).contains(&"install".to_owned()));
    }
    scene.close().await;
}
