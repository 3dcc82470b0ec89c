//! What a pump does when something happened: in its life, by a script, or on an order.

use std::fmt::Display;

use chrono::SubsecRound;
use rand::Rng;
use tokio::time::Instant;
use wire::{
    OrderId, Timestamp,
    message::{Ack, InventoryReport, Order, OrderBody, OrderOutcome, OrderResult, ReportBody},
    types::{MacAddress, Reason},
};

use super::{BOOT, Pump, impostor};
use crate::{
    life::{Change, HoldAnswer},
    outbox::OutboxError,
    scenario::{Action, Flood},
};

impl Pump {
    /// What the pump's own clock shows, to the millisecond.
    pub(super) fn shown_time(&self) -> Timestamp {
        self.clock
            .show(&self.shared.clock, Instant::now())
            .trunc_subsecs(3)
    }

    /// Lets life go on to the present moment.
    pub(super) fn tick(&mut self) {
        let changes = self.life.step(self.shared.clock.life(), &mut self.fate);
        self.follow(changes);
        self.tend_firmware();
    }

    /// What follows from changes of life.
    fn follow(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::State => self.telemetry_due = Instant::now(),
                Change::HoldBegan(orders) => {
                    for order in orders {
                        self.answer(order, OrderOutcome::Done, None);
                    }
                    self.keep_hold();
                    self.telemetry_due = Instant::now();
                }
                // A start takes its time, even if the power is back at once.
                Change::PowerOff => self.cut_until = self.cut_until.max(Some(Instant::now() + BOOT)),
                Change::PowerOn => {
                    self.start_firmware();
                    self.report_inventory();
                }
                Change::RadioDown | Change::RadioUp => {}
            }
        }
        let interruptions = self.life.therapy_interruptions();
        let new = interruptions.saturating_sub(self.interruptions_counted);
        self.shared.counters.therapy_interruptions.add(new);
        self.interruptions_counted = interruptions;
        let sample = self.life.telemetry(Timestamp::UNIX_EPOCH);
        self.shared.see(self.blueprint.index, |view| {
            view.activity = sample.as_ref().map(|sample| sample.activity);
            view.patient_attached = sample.as_ref().is_some_and(|sample| sample.patient_attached);
            view.hold_in_force = self.life.hold().map(|hold| hold.in_force);
            view.reports_pending = self.outbox.pending();
        });
    }

    /// Does what a script says.
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Life(what) => {
                let now = self.shared.clock.life();
                let changes = self.life.intervene(what, now, &mut self.fate);
                self.follow(changes);
            }
            Action::DropNetwork { lasting } => {
                self.cut_until = self.cut_until.max(Some(Instant::now() + lasting));
            }
            Action::ChangeMac { mac } => {
                let [a, b, c]: [u8; 3] = self.spread.random();
                let other = mac.or_else(|| MacAddress::new([0x02, 0xEE, 0xEE, a, b, c]).ok());
                if let (Some(first), Some(other)) = (self.macs.first_mut(), other) {
                    *first = other;
                }
                self.report_inventory();
            }
            Action::Clone { lasting } => self.be_cloned(Instant::now() + lasting),
            Action::ClockStep { by } => {
                self.clock.step(by);
                self.telemetry_due = Instant::now();
            }
            Action::Malformed => self.garbage += 1,
            Action::Fault { fault, wrong, bytes } => {
                self.firmware.faults.set(fault, wrong);
                if let Some(bytes) = bytes {
                    self.firmware.faults.drop_every = bytes;
                }
            }
            Action::Sideload => {
                let done = self.firmware.sideload();
                self.flashed(done);
                self.tend_firmware();
            }
            Action::BackUp => self.back_up(),
            Action::Restore => self.restore(),
            Action::Flood {
                what: Flood::Telemetry,
                count,
            } => self.flood = self.flood.saturating_add(count),
            Action::Flood {
                what: Flood::Report,
                count,
            } => {
                for _ in 0..count {
                    self.report_inventory();
                }
            }
        }
    }

    fn be_cloned(&mut self, until: Instant) {
        // Without a certificate there is nothing to copy.
        let Ok(options) = self.identity_for(1).and_then(|in_use| self.link_options(&in_use)) else {
            return;
        };
        let telemetry = self.life.telemetry(self.shown_time());
        let task = tokio::spawn(impostor::impersonate(options, telemetry, until));
        if let Some(before) = self.impostor.replace(task) {
            before.abort();
        }
    }

    /// Carries an order out, once. It is noted last: an order that was cut short by a crash is carried out again, which does
    /// no harm, rather than never answered.
    pub(super) fn carry_out(&mut self, order: Order) {
        if self.outbox.knows_order(order.id) || self.renewal_orders.contains(&order.id) {
            return;
        }
        self.shared.counters.orders.one();
        if self.obey_about_firmware(order.id, &order.body) {
            self.note(order.id);
            self.follow(vec![Change::State]);
            return;
        }
        match order.body {
            OrderBody::Hold { hold, reason } => match self.life.order_hold(order.id, hold, reason) {
                HoldAnswer::Done => self.answer(order.id, OrderOutcome::Done, None),
                HoldAnswer::WhenFree => {
                    self.answer(
                        order.id,
                        OrderOutcome::WhenFree,
                        Some("the pump is with a patient"),
                    );
                }
                HoldAnswer::Released { .. } => {}
            },
            OrderBody::ReleaseHold => {
                if let HoldAnswer::Released { never_began } = self.life.order_release() {
                    for waiting in never_began {
                        self.answer(
                            waiting,
                            OrderOutcome::Refused,
                            Some("the hold was released before it began"),
                        );
                    }
                }
                self.answer(order.id, OrderOutcome::Done, None);
            }
            OrderBody::ReportInventory => {
                self.report_inventory();
                self.answer(order.id, OrderOutcome::Done, None);
            }
            OrderBody::RenewCertificate => {
                // Noted when it is answered.
                self.renewal_orders.push(order.id);
                self.renew_now();
                return;
            }
            // Taken above by a pump that has a certificate, and none gets orders without one.
            OrderBody::Download { .. }
            | OrderBody::Install { .. }
            | OrderBody::ReturnTicket { .. }
            | OrderBody::RollBack { .. }
            | OrderBody::RunChecks { .. } => return,
        }
        self.keep_hold();
        self.note(order.id);
        self.follow(vec![Change::State]);
    }

    pub(super) fn note(&mut self, order: OrderId) {
        let noted = self.outbox.note_order(order);
        self.heed(noted);
    }

    /// Answers an order.
    pub(super) fn answer(&mut self, order: OrderId, outcome: OrderOutcome, reason: Option<&str>) {
        self.answer_with(order, outcome, reason.and_then(|reason| Reason::new(reason).ok()));
    }

    /// The same. False if the answer could not be kept.
    pub(super) fn answer_with(
        &mut self,
        order: OrderId,
        outcome: OrderOutcome,
        reason: Option<Reason>,
    ) -> bool {
        if outcome != OrderOutcome::WhenFree {
            self.shared.counters.orders_done.one();
        }
        self.report(ReportBody::OrderResult(OrderResult {
            order,
            outcome,
            reason,
        }))
    }

    /// Says what the pump is. False if that could not be kept.
    pub(super) fn report_inventory(&mut self) -> bool {
        let blueprint = &self.blueprint;
        let report = InventoryReport {
            serial: blueprint.serial.clone(),
            manufacturer: blueprint.manufacturer.clone(),
            model: blueprint.model.clone(),
            hardware_id: blueprint.hardware_id.clone(),
            udi: Some(blueprint.udi.clone()),
            components: self.firmware.components().to_vec(),
            macs: self.macs.clone(),
            modules: blueprint.modules.clone(),
            software: Some(self.firmware.software()),
            counter: Some(self.firmware.counter()),
            drug_library: self.drug_library(),
        };
        self.report(ReportBody::Inventory(report))
    }

    /// False if it could not be kept.
    pub(super) fn report(&mut self, body: ReportBody) -> bool {
        let kept = self.outbox.push(self.shown_time(), body);
        let is_kept = kept.is_ok();
        self.heed(kept);
        is_kept
    }

    /// Forgets what the gateway has, or will never take.
    pub(super) fn settle(&mut self, ack: Ack) {
        let refused = ack.refused.into_iter().map(|refused| {
            tracing::debug!(serial = %self.blueprint.serial, report = ?refused.id, reason = %refused.reason, "report refused");
            refused.id
        });
        let settled: Vec<_> = ack.stored.into_iter().chain(refused).collect();
        for id in settled {
            match self.outbox.settle(id) {
                Ok(true) => self.shared.counters.reports_acked.one(),
                Ok(false) => {}
                Err(error) => self.trouble(&error),
            }
        }
        self.follow(Vec::new());
    }

    fn keep_hold(&mut self) {
        let kept = self.outbox.keep_hold(self.life.hold());
        self.heed(kept);
    }

    fn heed<T>(&self, kept: Result<T, OutboxError>) {
        if let Err(error) = kept {
            self.trouble(&error);
        }
    }

    pub(super) fn unreadable(&self, error: &impl Display) {
        self.shared.counters.unreadable.one();
        self.trouble(error);
    }

    /// Notes what went wrong, where a person can look it up.
    pub(super) fn trouble(&self, problem: &impl Display) {
        tracing::debug!(serial = %self.blueprint.serial, %problem, "trouble");
        self.shared.see(self.blueprint.index, |view| {
            view.problem = Some(problem.to_string());
        });
    }
}
