//! Between the firmware's machine and the rest of the pump: its orders, its reports, its downloads, its power.

use std::{fs, sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::Instant};
use wire::{
    OrderId, PumpId, TicketId,
    message::{OrderBody, ReportBody, UpdateStage, V1},
    proof::Proof,
};

use super::{BOOT, Pump};
use crate::{
    firmware::{
        Contents, Errand, Fault, Firmware, FlashError, Http, InTheDark, Job, Keys, Me, Now, Saying,
        open_ticket, sign,
    },
    identity::{Slot, StateDirError, TrustError},
    life::Servicing,
};

/// How long the last reports before a restart have to get out.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Starts in a row that a failing power may cost.
const STARTS: usize = 4;

type Task = JoinHandle<Result<Errand, InTheDark>>;

/// What is under way for the firmware.
#[derive(Default)]
pub(super) struct Errands {
    opening: Option<(OrderId, Task)>,
    fetching: Option<(TicketId, Task)>,
}

impl Errands {
    /// Waits for the next that comes home. None came to an end that nobody planned, and is begun again.
    pub(super) async fn home(&mut self) -> Option<Result<Errand, InTheDark>> {
        let home = tokio::select! {
            home = finished(&mut self.opening) => home,
            home = finished(&mut self.fetching) => home,
        };
        home.ok()
    }

    fn call_back(&mut self) {
        for (_, task) in self.opening.take() {
            task.abort();
        }
        for (_, task) in self.fetching.take() {
            task.abort();
        }
    }
}

async fn finished<K>(
    slot: &mut Option<(K, Task)>,
) -> Result<Result<Errand, InTheDark>, tokio::task::JoinError> {
    let Some((_, task)) = slot else {
        return std::future::pending().await;
    };
    let home = task.await;
    *slot = None;
    home
}

impl Drop for Errands {
    fn drop(&mut self) {
        self.call_back();
    }
}

impl Pump {
    fn me(&self) -> Option<Me> {
        Some(Me {
            pump: self.known_as?,
            hardware: self.blueprint.hardware_id.clone(),
            library: self.blueprint.drug_library.clone(),
        })
    }

    fn moment(&self) -> Now {
        Now {
            life: self.shared.clock.life(),
            // The simulated network has trusted time; the pump's own clock may be anything.
            trusted: self.shared.clock.wall(),
            shown: self.shown_time(),
            safety: self.life.safety(),
        }
    }

    /// The drug library that is loaded.
    pub(super) fn drug_library(&self) -> Option<wire::message::DrugLibrary> {
        // Whose pump it is does not matter for that.
        let me = Me {
            pump: PumpId::from_uuid(uuid::Uuid::nil()),
            hardware: self.blueprint.hardware_id.clone(),
            library: self.blueprint.drug_library.clone(),
        };
        me.library(self.firmware.components())
    }

    /// An order about firmware. False for any other.
    pub(super) fn obey_about_firmware(&mut self, order: OrderId, body: &OrderBody) -> bool {
        let Some(me) = self.me() else { return false };
        let now = self.moment();
        let done = match body {
            OrderBody::Download { repository, ticket } => {
                self.firmware
                    .keep_order(order, repository.clone(), ticket.clone())
            }
            OrderBody::Install { ticket } => self.firmware.order_install(order, *ticket, &me, now),
            OrderBody::ReturnTicket { ticket, reason } => self.firmware.order_return(order, *ticket, reason),
            OrderBody::RollBack { ticket, .. } => self.firmware.order_roll_back(order, *ticket, &me, now),
            OrderBody::Hold { .. }
            | OrderBody::ReleaseHold
            | OrderBody::ReportInventory
            | OrderBody::RenewCertificate => return false,
        };
        self.flashed(done);
        self.sync_firmware();
        true
    }

    /// Lets the firmware go on to the present moment.
    pub(super) fn tend_firmware(&mut self) {
        let Some(me) = self.me() else { return };
        if self.life.is_on() {
            self.last_words();
            let polled = self.firmware.poll(&me, self.moment());
            self.flashed(polled);
        }
        self.sync_firmware();
        self.send_out();
    }

    /// Leaves the network for a restart once the reports are out.
    fn last_words(&mut self) {
        if !self.firmware.is_leaving() {
            self.leaving_by = None;
            return;
        }
        let now = Instant::now();
        let by = *self.leaving_by.get_or_insert(now + LAST_WORDS);
        if self.outbox.pending() == 0 || now >= by || !self.on_air(now) {
            self.firmware.leave(self.shared.clock.life());
        }
    }

    /// When the firmware next needs a look.
    pub(super) fn next_of_firmware(&self) -> Option<Instant> {
        if self.firmware.is_leaving() {
            return Some(Instant::now());
        }
        self.firmware.due().map(|at| self.shared.clock.instant_of(at))
    }

    /// Tells life and everybody else what the firmware came to.
    fn sync_firmware(&mut self) {
        let servicing = if self.firmware.is_off_air() {
            Servicing::Restarting
        } else if self.firmware.is_usable() {
            Servicing::InService
        } else {
            Servicing::OnTrial
        };
        self.life.mind_firmware(servicing);
        self.speak();
        self.shared.see(self.blueprint.index, |view| {
            if view.components != self.firmware.components() {
                view.components = self.firmware.components().to_vec();
            }
            view.counter = self.firmware.counter();
            view.trial = self.firmware.software().trial;
        });
    }

    /// Reports go to the journal first, and are struck out then.
    fn speak(&mut self) {
        let sayings = self.firmware.sayings().to_vec();
        if sayings.is_empty() {
            return;
        }
        for saying in sayings {
            let kept = match saying {
                Saying::Answer {
                    order,
                    outcome,
                    reason,
                } => self.answer_with(order, outcome, reason),
                Saying::Update(report) => {
                    let counters = &self.shared.counters;
                    match report.stage {
                        UpdateStage::Staged => counters.updates_staged.one(),
                        UpdateStage::Activating => counters.updates_activated.one(),
                        UpdateStage::RolledBack => counters.updates_rolled_back.one(),
                        UpdateStage::Refused | UpdateStage::DownloadFailed => counters.updates_refused.one(),
                        UpdateStage::TicketReturned | UpdateStage::TrialBoot | UpdateStage::ChecksBegun => {}
                    }
                    self.report(ReportBody::Update(report))
                }
                Saying::Inventory => self.report_inventory(),
                Saying::Proof {
                    ticket,
                    at,
                    components,
                    counter,
                    results,
                } => {
                    let drug_library = self.drug_library();
                    self.report_proof(|pump| Proof {
                        v: V1,
                        pump,
                        ticket,
                        at,
                        components,
                        counter,
                        drug_library,
                        results,
                    })
                }
            };
            if !kept {
                // All of it again at the next look: rather twice than never.
                return;
            }
        }
        let struck_out = self.firmware.said();
        self.flashed(struck_out);
    }

    fn report_proof(&mut self, proof: impl FnOnce(PumpId) -> Proof) -> bool {
        let identity = match self.dir.identity(Slot::Current) {
            Ok(Some(identity)) => identity,
            Ok(None) => return false,
            Err(error) => {
                self.trouble(&error);
                return false;
            }
        };
        match sign(&proof(identity.id), &identity) {
            Ok(signed) => {
                self.shared.counters.updates_proved.one();
                self.report(ReportBody::Proof { signed })
            }
            Err(error) => {
                // It would not sign the next time either.
                self.trouble(&error);
                true
            }
        }
    }

    /// Sends somebody out for what the firmware wants, while there is a network.
    fn send_out(&mut self) {
        if !self.on_air(Instant::now()) {
            self.errands.call_back();
            return;
        }
        let wanted = self.firmware.to_fetch().map(|ticket| ticket.id);
        for (_, task) in self
            .errands
            .fetching
            .take_if(|(ticket, _)| Some(*ticket) != wanted)
        {
            task.abort();
        }
        let opening = self.errands.opening.is_none() && self.firmware.to_open().is_some();
        let fetching = self.errands.fetching.is_none() && wanted.is_some();
        if !opening && !fetching {
            return;
        }
        let http = match self.http() {
            Ok(http) => Arc::new(http),
            Err(problem) => return self.trouble(&problem),
        };
        if opening && let Some(unopened) = self.firmware.to_open().cloned() {
            let order = unopened.order;
            let keys = Keys::kept_in(self.dir.file("ticket-keys.json"));
            let task = open_ticket(keys, unopened, Arc::<Http>::clone(&http));
            self.errands.opening = Some((order, tokio::spawn(async move { Ok(task.await) })));
        }
        if fetching && let Some(ticket) = self.firmware.to_fetch().cloned() {
            let id = ticket.id;
            let job = Job {
                pinned: self.pinned_root(),
                stores: self.dir.file("tuf"),
                breaks_after: self.firmware.faults.link_breaks_after(),
                power_fails: self.firmware.faults.strike(Fault::PowerLossFetching),
                ..self.firmware.job(ticket, http)
            };
            self.errands.fetching = Some((id, tokio::spawn(job.run())));
        }
    }

    /// The file is read when it is needed: a fleet holds it once, on the disk.
    fn pinned_root(&self) -> Option<Arc<[u8]>> {
        let path = self.blueprint.tuf_root.as_ref()?;
        match fs::read(path) {
            Ok(root) => Some(root.into()),
            Err(error) => {
                self.trouble(&format_args!(
                    "could not read the manufacturer's root {}: {error}",
                    path.display()
                ));
                None
            }
        }
    }

    fn http(&self) -> Result<Http, String> {
        let tls = || -> Result<_, HttpError> {
            let identity = self.dir.identity(Slot::Current)?;
            let learned = self.dir.anchors()?;
            Ok(self.shared.trust.client(&learned, identity.as_ref())?)
        };
        let tls = tls().map_err(|error| error.to_string())?;
        Http::new(&self.shared.bulk, tls).map_err(|error| error.to_string())
    }

    /// Somebody came home.
    pub(super) fn errand_home(&mut self, home: Option<Result<Errand, InTheDark>>) {
        let Some(me) = self.me() else { return };
        let now = self.moment();
        let done = match home {
            None => return,
            Some(Err(InTheDark)) => Err(FlashError::PowerLost),
            Some(Ok(Errand::Opened { order, opened })) => {
                self.firmware.order_download(order, opened, &me, now)
            }
            Some(Ok(Errand::Fetched { ticket, outcome })) => self.firmware.fetched(ticket, outcome),
        };
        self.flashed(done);
        self.sync_firmware();
    }

    pub(super) fn flashed(&mut self, done: Result<(), FlashError>) {
        match done {
            Ok(()) => {}
            Err(FlashError::PowerLost) => self.lose_power(),
            Err(error) => self.trouble(&error),
        }
    }

    /// What is not on flash is gone; what was with the network comes back after a start.
    fn lose_power(&mut self) {
        self.cut_until = self.cut_until.max(Some(Instant::now() + BOOT));
        self.start_firmware();
    }

    /// The power is back: the firmware starts from flash.
    pub(super) fn start_firmware(&mut self) {
        self.errands.call_back();
        let mut faults = self.firmware.faults.clone();
        for _ in 0..STARTS {
            let opened = Firmware::open(
                self.dir.file("firmware"),
                factory(&self.blueprint),
                faults.clone(),
            );
            match opened {
                Ok(firmware) => self.firmware = firmware,
                Err(error) => return self.trouble(&error),
            }
            match self.firmware.start(self.shared.clock.life()) {
                Err(FlashError::PowerLost) => faults = self.firmware.faults.clone(),
                Ok(()) => return,
                Err(error) => return self.trouble(&error),
            }
        }
    }
}

/// What a new pump runs.
pub(super) fn factory(blueprint: &crate::blueprint::PumpBlueprint) -> Contents {
    Contents {
        components: blueprint.components.clone(),
        counter: blueprint.counter,
        by: None,
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
enum HttpError {
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    #[error(transparent)]
    Trust(#[from] TrustError),
}
