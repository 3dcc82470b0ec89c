//! `kill -9` of the gateway at each step of a rollout to 60 pumps: it goes on, no order is lost, none is carried out twice, no
//! pump has two tickets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{collections::BTreeMap, time::Duration};

use agent_sim::{firmware::Fault, scenario::Action};
use fleet::rollout::state::{
    AssignmentState::{
        self, Authorised, AwaitingSafe, AwaitingSignoff, Downloading, InService, Installing, Quarantined,
        RolledBack, SelfTest, Staged, TrialBoot,
    },
    RolloutState::{Completed, Paused},
    WaveState,
};
use serde_json::json;
use store::Store;
use tests::{
    GatewayProcess, binary, eventually,
    rollout::{Maker, Record, Site, Ward, faults_of, fleet_of},
    run,
};

const PUMPS: usize = 60;
const WARDS: [&str; 3] = ["4 West", "ED", "MICU"];
/// Long enough that some pumps still download while others wait.
const LENGTH: usize = 64 * 1024;
/// In bytes per second, for all of them.
const BANDWIDTH: &str = "400000";
/// Restarts and checks go so many times as fast as real ones.
const SPEED: f64 = 30.0;
/// So often a kill may come too late, when what was seen had passed before the process was dead.
const TRIES: usize = 5;
/// Pumps that something is wrong with, by their place in the fleet, and what has to become of them.
const FAULTY: [(usize, Fault, AssignmentState); 3] = [
    (3, Fault::OcclusionSensor, Quarantined),
    (4, Fault::TrialBootFails, RolledBack),
    (5, Fault::OtherVersions, Quarantined),
];

/// A hospital whose gateway is killed.
struct Scene {
    process: GatewayProcess,
    ward: Ward,
    store: Store,
    rollout: String,
    kills: Vec<&'static str>,
}

impl Scene {
    async fn open(dir: &std::path::Path) -> Self {
        let settings = [
            ("max_bytes_per_second", BANDWIDTH),
            ("per_account", "0"),
            ("per_address", "0"),
        ];
        let process = GatewayProcess::start_with(dir, &settings).await;
        let maker = Maker::new(dir, LENGTH);
        let mut fleet = fleet_of(&maker, PUMPS, &WARDS);
        for (place, fault, _) in FAULTY {
            fleet[place].faults.set(fault, true);
        }
        let site = Site::of(&process, dir.to_owned());
        let ward = Ward::open(&process.administrator().await, &site, &maker, fleet, SPEED).await;
        let waves = WARDS.map(|ward| json!({ "name": ward, "takes": { "care_areas": [ward] } }));
        let limits = json!({
            "failure_percent": 50, "failure_count": 5, "verified_percent": 80, "soak_seconds": 2,
            "retry_seconds": 1, "updates_at_once": 12, "downloads_at_once": 4,
        });
        let rollout = ward.begin(&json!(waves), &limits).await;
        let store = Store::open(&process.config.database_url()).unwrap();
        Self {
            process,
            ward,
            store,
            rollout,
            kills: Vec::new(),
        }
    }

    /// Kills the gateway in this state and starts it again. That it died in it is read from what it left behind.
    async fn killed(&mut self, what: &'static str, is_so: impl Fn(&Record) -> bool) {
        for _ in 0..TRIES {
            let seen = || async { is_so(&Record::read(&self.store)).then_some(()) };
            eventually(what, seen).await;
            self.process.kill();
            let died_in_it = is_so(&Record::read(&self.store));
            self.process.again().await;
            self.rejoin().await;
            if died_in_it {
                self.kills.push(what);
                return;
            }
        }
        panic!("{TRIES} kills came too late: {what}");
    }

    /// Waits for the fleet. Then each pump loses its network for a moment: after that it is as quick to come back as before, and not
    /// slower after each kill.
    async fn rejoin(&self) {
        eventually("the fleet is back", || async {
            // Those that restart meanwhile come by themselves.
            (self.ward.simulation.figures().connected >= PUMPS as u64 * 3 / 4).then_some(())
        })
        .await;
        let lasting = Duration::from_millis(100);
        for serial in &self.ward.serials {
            self.ward
                .simulation
                .act(serial, Action::DropNetwork { lasting })
                .await;
        }
    }

    async fn wave(&self, number: usize) -> serde_json::Value {
        self.ward.wave(&self.rollout, number).await
    }

    /// The first wave, with a kill wherever it can stand.
    async fn first_wave(&mut self) {
        self.killed("a wave is briefed", |record| {
            record.wave_is(1, WaveState::Briefing)
        })
        .await;
        self.ward.brief(&self.wave(1).await).await;
        for (what, states) in [
            ("tickets are out", &[Authorised][..]),
            ("pumps download", &[Downloading]),
            ("pumps wait with the file", &[Staged]),
            ("pumps install", &[AwaitingSafe, Installing]),
            ("pumps test themselves", &[TrialBoot, SelfTest]),
            ("pumps wait for a nurse", &[AwaitingSignoff]),
        ] {
            self.killed(what, |record| record.in_states(states) > 0).await;
        }
        self.ward.bring_wave_to(&self.rollout, 1, "soaking").await;
        self.killed("a wave is watched", |record| {
            record.wave_is(1, WaveState::Soaking)
        })
        .await;
        self.killed("a wave waits for approval", |record| {
            record.wave_is(1, WaveState::AwaitingApproval)
        })
        .await;
        self.ward.bring_wave_to(&self.rollout, 1, "passed").await;
        self.killed("one wave passed and the next did not open", |record| {
            record.wave_is(1, WaveState::Passed) && record.wave_is(2, WaveState::Briefing)
        })
        .await;
    }

    /// The second wave, which somebody stops half-way: its tickets come back, and others are issued afterwards.
    async fn second_wave(&mut self) {
        self.ward.bring_wave_to(&self.rollout, 2, "open").await;
        let preparing = [Authorised, Downloading, Staged];
        eventually("pumps have tickets", || async {
            let record = Record::read(&self.store);
            (record.in_states(&preparing) >= 5).then_some(())
        })
        .await;
        self.ward
            .act(&self.rollout, "pause", Some("a look at the alarms"))
            .await;
        self.killed("tickets are on their way back", |record| {
            let asked_back = |ticket: &&store::TicketRecord| ticket.withdrawn_at.is_some();
            record.rollouts_are(Paused) && record.tickets.iter().filter(asked_back).count() > 0
        })
        .await;
        eventually("every ticket came back", || async {
            (Record::read(&self.store).in_states(&preparing) == 0).then_some(())
        })
        .await;
        self.ward
            .act(&self.rollout, "resume", Some("nothing found"))
            .await;
        self.ward.bring_wave_to(&self.rollout, 2, "passed").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_survives_kill_nine_at_every_step() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::open(dir.path()).await;
    scene.first_wave().await;
    scene.second_wave().await;
    scene.ward.bring_wave_to(&scene.rollout, 3, "passed").await;
    assert_eq!(scene.kills.len(), 11, "{:?}", scene.kills);

    eventually("the rollout is completed", || async {
        Record::read(&scene.store).rollouts_are(Completed).then_some(())
    })
    .await;
    eventually("every order has arrived, and every report", || async {
        let is_quiet = scene
            .ward
            .simulation
            .pumps()
            .iter()
            .all(|pump| pump.reports_pending == 0);
        let record = Record::read(&scene.store);
        (is_quiet && record.orders.iter().all(|order| order.outcome.is_some())).then_some(())
    })
    .await;

    // Every pump is where it has to be.
    let views = scene.ward.simulation.pumps();
    let record = Record::read(&scene.store);
    let faulty: BTreeMap<_, _> = FAULTY.iter().map(|(place, _, state)| (*place, *state)).collect();
    assert_eq!(record.assignments.len(), PUMPS);
    for (place, view) in views.iter().enumerate() {
        let state = faulty.get(&place).copied().unwrap_or(InService);
        let is = record
            .assignments
            .iter()
            .find(|one| Some(one.pump) == view.id)
            .unwrap();
        assert_eq!(is.state, state, "{}", view.serial);
        let held = (state != InService).then_some(true);
        assert_eq!(view.hold_in_force, held, "{}", view.serial);
        // The pump's own count: each switched to new firmware once.
        assert_eq!(view.activations, 1, "{}", view.serial);
        let wireless = view
            .components
            .iter()
            .find(|part| part.name.as_str() == "wireless");
        let is_new = wireless.unwrap().version.as_str() == "3.3.0";
        assert_eq!(is_new, state != RolledBack, "{}", view.serial);
    }

    // Nothing twice, nothing lost. The pause made sure that some pumps had two tickets, one after the other.
    assert!(record.tickets.len() > PUMPS, "{} tickets", record.tickets.len());
    assert_eq!(faults_of(&record.tickets, &record.orders), []);
    let installs = record.orders.iter().filter(|order| order.kind == "install");
    assert!(installs.count() >= PUMPS, "each was told");

    // The audit trail holds, and therapy was left alone.
    let config = scene.process.config_file().to_str().unwrap();
    let gateway = binary("gateway");
    let _ = run(gateway.to_str().unwrap(), ["audit", "verify", "--config", config]).ok();
    let figures = scene.ward.simulation.stop().await;
    assert_eq!(figures.therapy_interruptions, 0);
    assert!(scene.process.terminate().await.success());
}
