//! Between the firmware's machine and the rest of the pump: its orders, its reports, its downloads, its power.

use std::time::Duration;

use tokio::time::Instant;
use wire::{
    OrderId, PumpId,
    envelope::{Document, Sealed},
    message::{DrugLibrary, OrderBody, ReportBody, UpdateStage, V1},
    proof::Proof,
    retest::Retest,
};

use super::{BOOT, Pump};
use crate::{
    blueprint::PumpBlueprint,
    firmware::{Contents, Errand, Firmware, FlashError, InTheDark, Me, Now, Saying, sign},
    identity::Slot,
    life::Servicing,
};

/// How long the last reports before a restart have to get out.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Starts in a row that a failing power may cost.
const STARTS: usize = 4;

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
    pub(super) fn drug_library(&self) -> Option<DrugLibrary> {
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
            OrderBody::RunChecks { retest, checks } => {
                self.firmware.order_checks(order, *retest, checks, now)
            }
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
                        UpdateStage::Activating => {
                            counters.updates_activated.one();
                            self.shared
                                .see(self.blueprint.index, |view| view.activations += 1);
                        }
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
                    let proof = |pump| Proof {
                        v: V1,
                        pump,
                        ticket,
                        at,
                        components,
                        counter,
                        drug_library,
                        results,
                    };
                    self.report_signed(proof, |signed| ReportBody::Proof { signed })
                }
                Saying::Retest {
                    retest,
                    at,
                    components,
                    counter,
                    results,
                } => {
                    let drug_library = self.drug_library();
                    let document = |pump| Retest {
                        v: V1,
                        pump,
                        retest,
                        at,
                        components,
                        counter,
                        drug_library,
                        results,
                    };
                    self.report_signed(document, |signed| ReportBody::Retest { signed })
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

    fn report_signed<D: Document>(
        &mut self,
        document: impl FnOnce(PumpId) -> D,
        body: impl FnOnce(Sealed) -> ReportBody,
    ) -> bool {
        let identity = match self.dir.identity(Slot::Current) {
            Ok(Some(identity)) => identity,
            Ok(None) => return false,
            Err(error) => {
                self.trouble(&error);
                return false;
            }
        };
        match sign(&document(identity.id), &identity) {
            Ok(signed) => {
                let body = body(signed);
                if matches!(body, ReportBody::Proof { .. }) {
                    self.shared.counters.updates_proved.one();
                }
                self.report(body)
            }
            Err(error) => {
                // It would not sign the next time either.
                self.trouble(&error);
                true
            }
        }
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
pub(super) fn factory(blueprint: &PumpBlueprint) -> Contents {
    Contents {
        components: blueprint.components.clone(),
        counter: blueprint.counter,
        by: None,
    }
}
