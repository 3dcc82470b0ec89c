//! A world in miniature: a record that steps change by compare-and-set, and pumps that obey, refuse, lie or fall silent.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use uuid::Uuid;

use super::fleet::{verified, wave_signed};
use crate::{
    Timestamp,
    check::CheckOutcome,
    id::{AssignmentId, PumpId, RolloutId, TicketId, WaveId},
    pump::{Component, HoldKind},
    rollout::{
        AssignmentAction, Change, Plan, PumpReport, PumpSays, Step, Tracked, VersionSet, WaveAction, apply,
        plan,
        snapshot::{
            AssignmentFacts, PumpFacts, RolloutFacts, RowVersion, Setback, Snapshot, TicketFacts, WaveFacts,
        },
        state::{AssignmentEvent, WaveEvent},
    },
    text::{ComponentName, ComponentVersion},
};

pub(super) fn versions(text: &str) -> VersionSet {
    let component = |(name, version): (&str, &str)| Component {
        name: ComponentName::new(name).unwrap(),
        version: ComponentVersion::new(version).unwrap(),
    };
    VersionSet::new(vec![component(("main", text)), component(("wireless", "2.0"))]).unwrap()
}

/// What is on its way to a pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Download(TicketId),
    Install(TicketId),
    GiveBack(TicketId),
    RollBack,
}

/// A pump: what it runs, what it holds, and what it has to say.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) runs: VersionSet,
    pub(super) staged: Option<TicketId>,
    pub(super) refused: Vec<TicketId>,
    pub(super) sequence: u64,
    /// Every report it ever made: they may be delivered again.
    pub(super) reports: Vec<PumpReport>,
}

impl Device {
    pub(super) fn says(&mut self, says: PumpSays) {
        self.sequence += 1;
        self.reports.push(PumpReport {
            sequence: self.sequence,
            says,
        });
    }
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) snapshot: Snapshot,
    pub(super) tracked: BTreeMap<AssignmentId, Tracked>,
    pub(super) devices: BTreeMap<PumpId, Device>,
    pub(super) orders: Vec<(PumpId, Order)>,
    tickets_issued: u128,
    pub(super) log: String,
}

impl World {
    pub(super) fn new(snapshot: Snapshot, now: Timestamp) -> Self {
        let device = |id: &PumpId| {
            let device = Device {
                runs: versions("1.0"),
                staged: None,
                refused: Vec::new(),
                sequence: 0,
                reports: Vec::new(),
            };
            (*id, device)
        };
        let tracked = |assignment: &AssignmentFacts| {
            let tracked = Tracked {
                state: assignment.state,
                ticket: None,
                before: versions("1.0"),
                named: versions("2.0"),
                roll_back_ordered: false,
                heard: 0,
                booted: None,
                versions_proved: assignment.versions_proved,
            };
            (assignment.id, tracked)
        };
        let waves = snapshot.rollouts.iter().flat_map(|rollout| &rollout.waves);
        let assignments: Vec<_> = waves.flat_map(|wave| &wave.assignments).collect();
        let mut devices: BTreeMap<_, _> = snapshot.pumps.keys().map(device).collect();
        for assignment in assignments.iter().filter(|row| row.versions_proved) {
            devices.get_mut(&assignment.pump).unwrap().runs = versions("2.0");
        }
        Self {
            now,
            tracked: assignments.into_iter().map(tracked).collect(),
            devices,
            snapshot,
            orders: Vec::new(),
            tickets_issued: 0,
            log: String::new(),
        }
    }

    /// Plans. Of every plan it is checked that time alone leads to no step before it says so.
    pub(super) fn plan(&self) -> Plan {
        let made = plan(&self.snapshot, self.now);
        if made.steps.is_empty() {
            let end = made.next_at.unwrap_or(self.now + TimeDelta::days(400));
            assert!(end > self.now, "{end} has come at {}", self.now);
            let whole = end - self.now;
            for then in [
                self.now + whole / 9,
                self.now + whole / 2,
                end - TimeDelta::microseconds(1),
            ] {
                let later = plan(&self.snapshot, then);
                assert!(
                    later.steps.is_empty(),
                    "at {then}, before {end}: {:?}",
                    later.steps
                );
            }
        }
        made
    }

    pub(super) fn rollout(&mut self, id: RolloutId) -> &mut RolloutFacts {
        self.snapshot
            .rollouts
            .iter_mut()
            .find(|rollout| rollout.id == id)
            .unwrap()
    }

    pub(super) fn wave(&mut self, id: WaveId) -> &mut WaveFacts {
        let mut waves = self
            .snapshot
            .rollouts
            .iter_mut()
            .flat_map(|rollout| &mut rollout.waves);
        waves.find(|wave| wave.id == id).unwrap()
    }

    pub(super) fn assignment(&mut self, id: AssignmentId) -> &mut AssignmentFacts {
        let waves = self
            .snapshot
            .rollouts
            .iter_mut()
            .flat_map(|rollout| &mut rollout.waves);
        waves
            .flat_map(|wave| &mut wave.assignments)
            .find(|assignment| assignment.id == id)
            .unwrap()
    }

    pub(super) fn pump(&mut self, id: PumpId) -> &mut PumpFacts {
        self.snapshot.pumps.get_mut(&id).unwrap()
    }

    /// Carries a step out, if the row is as it was seen. Says whether it did.
    pub(super) fn execute(&mut self, step: &Step) -> bool {
        let now = self.now;
        match step {
            Step::Rollout {
                rollout,
                seen,
                action,
            } => {
                let row = self.rollout(*rollout);
                if row.row_version != *seen {
                    return false;
                }
                row.state = row.state.transition(action.event()).unwrap();
                row.row_version.0 += 1;
            }
            Step::Wave { wave, seen, action } => {
                let row = self.wave(*wave);
                if row.row_version != *seen {
                    return false;
                }
                row.state = row.state.transition(action.event()).unwrap();
                row.row_version.0 += 1;
                row.since = now;
                match action {
                    WaveAction::Open => row.opened_at = Some(now),
                    WaveAction::Pass { evidence } => row.evidence = Some(*evidence),
                    WaveAction::OpenBriefing
                    | WaveAction::StartSoak
                    | WaveAction::Reopen
                    | WaveAction::AskApproval
                    | WaveAction::Halt { .. } => {}
                }
            }
            Step::Assignment {
                assignment,
                pump,
                seen,
                action,
            } => {
                return self.execute_assignment(*assignment, *pump, *seen, action);
            }
        }
        true
    }

    fn execute_assignment(
        &mut self,
        id: AssignmentId,
        pump: PumpId,
        seen: RowVersion,
        action: &AssignmentAction,
    ) -> bool {
        let pump_row = self.snapshot.pumps.get(&pump).map(|pump| pump.row_version);
        let pump_seen = match action {
            AssignmentAction::IssueTicket { under, .. }
            | AssignmentAction::OrderDownload { under }
            | AssignmentAction::OrderInstall { under } => {
                if self.rollout(under.rollout).row_version != under.rollout_seen
                    || self.wave(under.wave).row_version != under.wave_seen
                {
                    return false;
                }
                Some(under.pump_seen)
            }
            AssignmentAction::OrderRollBack { pump_seen } => Some(*pump_seen),
            _ => None,
        };
        if self.assignment(id).row_version != seen || (pump_seen.is_some() && pump_row != pump_seen) {
            return false;
        }
        let now = self.now;
        let row = self.assignment(id);
        row.row_version.0 += 1;
        if let Some(event) = action.event() {
            row.state = row.state.transition(event).unwrap();
            row.since = now;
        }
        let state = row.state;
        if let AssignmentAction::MoveToCatchUp { .. } = action {
            row.left_behind = true;
        }
        if let (AssignmentAction::OrderRollBack { .. }, Some(roll_back)) = (action, &mut row.roll_back) {
            roll_back.ordered_at = Some(now);
        }
        let tracked = self.tracked.get_mut(&id).unwrap();
        tracked.state = state;
        let ticket = tracked.ticket;
        match action {
            AssignmentAction::IssueTicket { not_after, .. } => {
                self.tickets_issued += 1;
                let ticket = TicketId::from_uuid(Uuid::from_u128(self.tickets_issued));
                tracked.ticket = Some(ticket);
                self.snapshot.tickets.push(TicketFacts {
                    id: ticket,
                    assignment: id,
                    pump,
                    not_after: *not_after,
                    withdrawn: false,
                });
            }
            AssignmentAction::OrderDownload { .. } => {
                self.orders.push((pump, Order::Download(ticket.unwrap())));
            }
            AssignmentAction::OrderInstall { .. } => {
                self.orders.push((pump, Order::Install(ticket.unwrap())));
            }
            AssignmentAction::OrderRollBack { .. } => {
                tracked.roll_back_ordered = true;
                self.orders.push((pump, Order::RollBack));
            }
            AssignmentAction::WithdrawTicket { ticket, .. } => {
                self.orders.push((pump, Order::GiveBack(*ticket)));
                let tickets = self.snapshot.tickets.iter_mut();
                tickets
                    .filter(|row| row.id == *ticket)
                    .for_each(|row| row.withdrawn = true);
            }
            AssignmentAction::EndTicket => self.forget_ticket(ticket),
            AssignmentAction::MarkUnresponsive { .. } | AssignmentAction::Quarantine { .. } => {
                self.hold(pump);
            }
            AssignmentAction::AskSignoff
            | AssignmentAction::ReturnToService { .. }
            | AssignmentAction::MoveToCatchUp { .. }
            | AssignmentAction::TakeOut => {}
        }
        true
    }

    fn forget_ticket(&mut self, ticket: Option<TicketId>) {
        self.snapshot.tickets.retain(|row| Some(row.id) != ticket);
    }

    pub(super) fn hold(&mut self, id: PumpId) {
        if let Some(pump) = self.snapshot.pumps.get_mut(&id) {
            pump.hold = pump.hold.or(Some(HoldKind::Clinical));
            pump.row_version.0 += 1;
        }
    }

    /// A report arrives, for the assignment that has the pump.
    pub(super) fn receive(&mut self, id: AssignmentId, report: &PumpReport) {
        let pump = self.assignment(id).pump;
        let now = self.now;
        let (tracked, changes) = apply(&self.tracked[&id], report, now);
        let state = tracked.state;
        let proved = tracked.versions_proved;
        self.tracked.insert(id, tracked);
        for change in &changes {
            match change {
                Change::Setback { words, at } => {
                    let row = self.assignment(id);
                    let count = row.setback.as_ref().map_or(0, |setback| setback.count) + 1;
                    row.setback = Some(Setback {
                        at: *at,
                        count,
                        words: words.clone(),
                    });
                }
                Change::TicketGone { ticket } => self.forget_ticket(Some(*ticket)),
                Change::Hold { .. } => self.hold(pump),
                Change::Moved { .. } | Change::Versions { .. } => {}
            }
        }
        let row = self.assignment(id);
        if !changes.is_empty() {
            row.row_version.0 += 1;
        }
        if row.state != state {
            row.state = state;
            row.since = now;
        }
        row.versions_proved = proved;
    }

    /// The pump does what an honest pump does with its orders, and everything it says arrives.
    pub(super) fn obey(&mut self, id: AssignmentId) {
        let pump = self.assignment(id).pump;
        let orders: Vec<_> = self
            .orders
            .extract_if(.., |(to, _)| *to == pump)
            .map(|(_, order)| order)
            .collect();
        for order in orders {
            let device = self.devices.get_mut(&pump).unwrap();
            match order {
                Order::Download(ticket) => {
                    device.staged = Some(ticket);
                    device.says(PumpSays::Staged { ticket });
                }
                Order::Install(ticket) => {
                    device.says(PumpSays::Activating { ticket });
                    device.runs = versions("2.0");
                    device.says(PumpSays::Restarted { trial: true });
                    device.says(PumpSays::Versions(versions("2.0")));
                    device.says(PumpSays::ChecksBegun);
                }
                Order::GiveBack(ticket) => {
                    device.staged = None;
                    device.says(PumpSays::TicketReturned { ticket });
                }
                Order::RollBack => {
                    device.runs = versions("1.0");
                    device.says(PumpSays::RolledBack);
                }
            }
        }
        self.deliver(id);
    }

    /// Everything that the pump has to say arrives, in order.
    pub(super) fn deliver(&mut self, id: AssignmentId) {
        let pump = self.assignment(id).pump;
        for report in std::mem::take(&mut self.devices.get_mut(&pump).unwrap().reports) {
            self.receive(id, &report);
        }
    }

    // People.

    pub(super) fn checks(&mut self, id: AssignmentId, outcome: CheckOutcome) {
        let row = self.assignment(id);
        row.checks = outcome;
        row.row_version.0 += 1;
    }

    pub(super) fn nurse_signs(&mut self, id: AssignmentId, ward: u128) {
        let row = self.assignment(id);
        row.signatures.push(verified(ward));
        row.row_version.0 += 1;
    }

    pub(super) fn charge_nurse_signs(&mut self, rollout: usize, wave: usize) {
        let wave = &mut self.snapshot.rollouts[rollout - 1].waves[wave - 1];
        wave.care_areas[0]
            .signatures
            .push(wave_signed(u128::from(wave.number)));
        wave.row_version.0 += 1;
    }

    /// A person with a reason lets a wave go on.
    pub(super) fn resume_wave(&mut self, rollout: usize, wave: usize, failures_accepted: u32) {
        let now = self.now;
        let wave = &mut self.snapshot.rollouts[rollout - 1].waves[wave - 1];
        wave.state = wave.state.transition(WaveEvent::Resumed).unwrap();
        wave.failures_accepted = failures_accepted;
        wave.opened_at = Some(now);
        wave.since = now;
        wave.row_version.0 += 1;
    }

    /// A person wants a pump tried again. Says whether that can be.
    pub(super) fn try_again(&mut self, id: AssignmentId) -> bool {
        let now = self.now;
        let row = self.assignment(id);
        let Ok(state) = row.state.transition(AssignmentEvent::TriedAgain) else {
            return false;
        };
        (row.state, row.since, row.again_at) = (state, now, Some(now));
        (row.leaving, row.left_behind, row.setback) = (false, false, None);
        row.row_version.0 += 1;
        self.tracked.get_mut(&id).unwrap().state = state;
        true
    }

    /// A person takes a pump out.
    pub(super) fn take_out(&mut self, id: AssignmentId) {
        let row = self.assignment(id);
        (row.leaving, row.left_behind) = (true, false);
        row.row_version.0 += 1;
    }

    /// Time goes on; every connected pump keeps saying what it does.
    pub(super) fn pass(&mut self, span: TimeDelta) {
        self.now += span;
        for pump in self.snapshot.pumps.values_mut().filter(|pump| pump.connected) {
            pump.heard_at = Some(self.now);
        }
    }

    /// The pumps of a wave go all the way: download, install, checks, signature.
    pub(super) fn obey_all(&mut self, assignments: &[AssignmentId]) {
        for id in assignments {
            self.obey(*id);
        }
    }
}
