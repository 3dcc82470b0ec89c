//! A whole pump takes an update over real sockets, and the memory of one is put back. Only MQTT is left out: reports are read
//! from the journal.

mod listener;

use std::{collections::VecDeque, time::Duration};

use chrono::TimeDelta;
use tokio::time::timeout;
use wire::{
    message::{Order, OrderBody, OrderOutcome, ReportBody, UpdateStage, V1},
    types::SecurityCounter,
};

use super::*;
use crate::{
    blueprint::FleetPlan,
    clock::SimClock,
    firmware::{Fault, tests::Bench},
    identity::{EstClient, Trust},
    life::Intervention,
    stats::Counters,
};
use listener::Authority;

struct Ward {
    bench: Bench,
    pump: Pump,
    /// Dropped, it would stop the pump.
    #[expect(dead_code, reason = "held for its drop")]
    stop: watch::Sender<bool>,
    said: VecDeque<ReportBody>,
    orders: u128,
}

impl Ward {
    async fn new(faults: &[Fault]) -> Self {
        let mut bench = Bench::new().await;
        let authority = Authority::new();
        let mut blueprint = FleetPlan::new(1, 7).build().unwrap().remove(0);
        let root = bench.dir.path().join("maker-root.json");
        std::fs::write(&root, &bench.maker.root_json).unwrap();
        blueprint.tuf_root = Some(root);
        blueprint.faults = crate::firmware::Faults::of(faults.iter().copied());
        blueprint.faults.drop_every = 3000;
        bench.me.hardware = blueprint.hardware_id.clone();
        let state = bench.dir.path().join("pumps");
        let dir = StateDir::open(&state, &blueprint.serial).unwrap();
        let key = dir.key(Slot::Current).unwrap();
        let chain = authority.pump(&key, bench.me.pump);
        dir.save(Slot::Current, &key, &chain).unwrap();
        let files = bench.server.files.lock().unwrap().clone();
        let bulk = format!("https://localhost:{}", authority.serve(files).await);
        let trust = Arc::new(Trust::pin(authority.pem().as_bytes()).unwrap());
        let shared = Arc::new(Shared {
            clock: SimClock::start(2000.0),
            gateway: "localhost:8883".parse().unwrap(),
            est: EstClient::new(&bulk, Arc::clone(&trust)),
            bulk,
            trust,
            tokens: Arc::new(|_| None),
            enrolling: tokio::sync::Semaphore::new(1),
            telemetry_interval: Duration::from_secs(30),
            ramp: Duration::ZERO,
            counters: Counters::default(),
            views: vec![std::sync::Mutex::default()],
        });
        let (stop, stopping) = watch::channel(false);
        let (_, actions) = mpsc::channel(1);
        let blueprint = Arc::new(blueprint);
        let mut pump = Pump::wake(shared, blueprint, &state, Rhythm::Still, actions, stopping)
            .unwrap_or_else(|error| {
                panic!("{error}");
            });
        assert!(pump.identity_for(0).is_ok());
        Self {
            bench,
            pump,
            stop,
            said: VecDeque::new(),
            orders: 0,
        }
    }

    fn order(&mut self, body: OrderBody) -> OrderId {
        self.orders += 1;
        let id = crate::firmware::tests::order(self.orders);
        self.pump.carry_out(Order {
            v: V1,
            id,
            at: self.pump.shared.clock.wall(),
            body,
        });
        id
    }

    fn download(&mut self, n: u128) -> OrderId {
        let now = self.pump.shared.clock.wall();
        let mut ticket = self.bench.ticket(n);
        ticket.from = self.pump.firmware.components().to_vec();
        ticket.not_before = now - TimeDelta::hours(1);
        ticket.not_after = now + TimeDelta::hours(1);
        let order = OrderBody::Download {
            repository: "arden".parse().unwrap(),
            ticket: self.bench.seal(&ticket),
        };
        self.order(order)
    }

    fn install(&mut self, n: u128) -> OrderId {
        let ticket = crate::firmware::tests::ticket_id(n);
        self.order(OrderBody::Install { ticket })
    }

    /// Takes the reports out of the journal, as the gateway would.
    fn read_reports(&mut self) {
        while let Some(report) = self.pump.outbox.next_to_send().cloned() {
            self.pump.outbox.settle(report.id).unwrap();
            self.said.push_back(report.body);
        }
    }

    /// The pump lives until something was reported; the reports up to there.
    async fn until(&mut self, what: impl Fn(&ReportBody) -> bool) -> Vec<ReportBody> {
        let live = async {
            loop {
                self.pump.tick();
                self.read_reports();
                if let Some(place) = self.said.iter().position(&what) {
                    return self.said.drain(..=place).collect();
                }
                let now = Instant::now();
                let life = self.pump.next_of_life();
                let cut = self.pump.cut_until.filter(|cut| *cut > now).unwrap_or(life);
                let wake = life.min(cut).max(now + GRAIN);
                tokio::select! {
                    home = self.pump.errands.home() => self.pump.errand_home(home),
                    () = sleep_until(wake) => {}
                }
            }
        };
        let lived = timeout(Duration::from_secs(60), live).await;
        lived.unwrap_or_else(|_| panic!("not within a minute; then {:?}", self.said))
    }

    fn problem(&self) -> Option<String> {
        self.pump.shared.views[0].lock().unwrap().problem.clone()
    }
}

fn is_stage(wanted: UpdateStage) -> impl Fn(&ReportBody) -> bool {
    move |body| matches!(body, ReportBody::Update(report) if report.stage == wanted)
}

fn answers(wanted: OrderId, with: OrderOutcome) -> impl Fn(&ReportBody) -> bool {
    move |body| matches!(body, ReportBody::OrderResult(result) if result.order == wanted && result.outcome == with)
}

fn is_inventory(trial: bool) -> impl Fn(&ReportBody) -> bool {
    move |body| matches!(body, ReportBody::Inventory(report) if report.software.is_some_and(|s| s.trial == trial))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pump_takes_an_update_over_a_bad_line() {
    let mut ward = Ward::new(&[Fault::BadLink]).await;
    let download = ward.download(1);
    ward.until(answers(download, OrderOutcome::Done)).await;

    // With a patient it waits, and nobody is disturbed.
    let infusion = Intervention::StartInfusion {
        rate: 100.0,
        volume: 5000.0,
    };
    ward.pump.act(Action::Life(infusion.clone()));
    let install = ward.install(1);
    ward.until(answers(install, OrderOutcome::WhenFree)).await;
    ward.pump.act(Action::Life(Intervention::StopInfusion));

    let reports = ward.until(is_stage(UpdateStage::TrialBoot)).await;
    // Nothing unproved goes to a patient.
    ward.pump.act(Action::Life(infusion));
    assert!(ward.pump.life.is_free());
    assert!(reports.iter().any(is_stage(UpdateStage::Activating)));
    assert!(reports.iter().any(answers(install, OrderOutcome::Done)));
    ward.until(is_inventory(true)).await;
    ward.until(|body| matches!(body, ReportBody::Proof { .. })).await;
    let reports = ward.until(is_inventory(false)).await;
    let Some(ReportBody::Inventory(inventory)) = reports.last() else {
        panic!("{reports:?}");
    };
    assert_eq!(inventory.counter, Some(SecurityCounter(41)));
    assert_eq!(inventory.components, ward.bench.ticket(1).to);
    let library = inventory.drug_library.as_ref().unwrap();
    assert_eq!(library.version.as_str(), "2026.02");
    let figures = ward.pump.shared.counters.read();
    assert_eq!(figures.therapy_interruptions, 0);
    assert_eq!((figures.updates_staged, figures.updates_proved), (1, 1));
    assert_eq!(ward.problem(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_rests_without_a_network_and_on_evidence() {
    let mut ward = Ward::new(&[Fault::BadLink]).await;
    ward.download(1);
    ward.pump.tick();
    assert!(!ward.pump.errands.is_idle());
    ward.pump.act(Action::DropNetwork {
        lasting: Duration::from_millis(200),
    });
    ward.pump.tick();
    assert!(ward.pump.errands.is_idle());

    // The ticket is opened; then the pump becomes evidence.
    let opened = async {
        while ward.pump.firmware.to_fetch().is_none() {
            let wake = Instant::now() + GRAIN;
            tokio::select! {
                home = ward.pump.errands.home() => ward.pump.errand_home(home),
                () = sleep_until(wake) => ward.pump.tick(),
            }
        }
    };
    timeout(Duration::from_secs(60), opened).await.unwrap();
    ward.order(OrderBody::Hold {
        hold: wire::types::HoldKind::Sequestered,
        reason: "an incident".parse().unwrap(),
    });
    ward.pump.tick();
    assert!(ward.pump.errands.is_idle());
    ward.order(OrderBody::ReleaseHold);
    ward.until(is_stage(UpdateStage::Staged)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pump_goes_on_after_the_power_failed_at_every_stage() {
    let mut ward = Ward::new(&[
        Fault::PowerLossFetching,
        Fault::PowerLossStaged,
        Fault::PowerLossActivating,
        Fault::PowerLossTrial,
        Fault::PowerLossCommitted,
    ])
    .await;
    ward.download(1);
    ward.until(is_stage(UpdateStage::Staged)).await;
    ward.install(1);
    ward.until(|body| matches!(body, ReportBody::Proof { .. })).await;
    ward.until(is_inventory(false)).await;
    assert_eq!(ward.pump.firmware.counter(), SecurityCounter(41));
    for fault in Fault::ALL {
        assert!(!ward.pump.firmware.faults.has(*fault), "{fault:?} never struck");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_that_is_put_back_reports_what_it_was() {
    let mut ward = Ward::new(&[]).await;
    ward.pump.act(Action::BackUp);
    ward.download(1);
    ward.until(is_stage(UpdateStage::Staged)).await;
    ward.install(1);
    ward.until(|body| matches!(body, ReportBody::Proof { .. })).await;
    ward.until(is_inventory(false)).await;
    ward.pump.act(Action::Restore);
    let reports = ward.until(is_inventory(false)).await;
    let Some(ReportBody::Inventory(inventory)) = reports.last() else {
        panic!("{reports:?}");
    };
    assert_eq!(inventory.counter, Some(SecurityCounter(40)));
    // A ticket that was used is good again on it: the gateway must see what happened, the pump can not.
    ward.pump.act(Action::Sideload);
    let reports = ward.until(is_inventory(false)).await;
    let Some(ReportBody::Inventory(inventory)) = reports.last() else {
        panic!("{reports:?}");
    };
    let main = inventory
        .components
        .iter()
        .find(|c| c.name.as_str() == "main")
        .unwrap();
    assert!(main.version.as_str().ends_with("-service"));
}
