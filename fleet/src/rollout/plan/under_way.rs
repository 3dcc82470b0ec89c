//! Pumps from the order to install on: they come to an end, whatever became of their wave and rollout meanwhile.

use chrono::TimeDelta;

use super::Planner;
use crate::{
    Timestamp,
    check::CheckOutcome,
    pump::HoldKind,
    rollout::{
        gate,
        limits::later,
        snapshot::{AssignmentFacts, PumpFacts, RolloutFacts, TICKET_GRACE},
        state::{AssignmentState, Stage},
        step::{AssignmentAction, HeldBecause, Withdrawal},
        wait::Wait,
    },
};

impl<'a> Planner<'a> {
    pub(super) fn under_way(
        &mut self,
        rollout: &RolloutFacts,
        assignment: &'a AssignmentFacts,
        stop: Option<Withdrawal>,
    ) {
        match assignment.state {
            AssignmentState::AwaitingSafe => self.awaiting_safe(rollout, assignment, stop),
            AssignmentState::Installing | AssignmentState::TrialBoot => {
                let by = self.due(assignment.since, rollout.limits.install_silence);
                if self.reached(by) {
                    self.unresponsive(assignment);
                } else {
                    self.pump_waits(assignment, Wait::Installing { by });
                }
            }
            AssignmentState::SelfTest => self.self_test(rollout, assignment),
            AssignmentState::AwaitingSignoff => self.awaiting_signoff(rollout, assignment),
            AssignmentState::Planned
            | AssignmentState::Authorised
            | AssignmentState::Downloading
            | AssignmentState::Staged
            | AssignmentState::InService
            | AssignmentState::RolledBack
            | AssignmentState::Quarantined
            | AssignmentState::Unresponsive
            | AssignmentState::Cancelled => {}
        }
    }

    /// S1: the pump decides, until its ticket runs out. Then it has to say what became of it: that it was heard of well after
    /// the ticket's end and does nothing is an answer, silence is a failure.
    fn awaiting_safe(
        &mut self,
        rollout: &RolloutFacts,
        assignment: &AssignmentFacts,
        stop: Option<Withdrawal>,
    ) {
        let pump = self.snapshot.pumps.get(&assignment.pump);
        let ticket = self.index.ticket(assignment);
        let gone_at = ticket.map_or(assignment.since, |ticket| ticket.gone_at());
        if self.reached(gone_at) {
            let settled = later(gone_at, TICKET_GRACE);
            let by = self.due(gone_at, rollout.limits.install_silence.max(TICKET_GRACE));
            let heard_at = pump.and_then(|pump| pump.heard_at);
            if heard_at.is_some_and(|heard_at| heard_at >= settled) {
                self.does(assignment, AssignmentAction::EndTicket);
            } else if self.reached(by) {
                self.unresponsive(assignment);
            } else {
                self.pump_waits(assignment, Wait::PumpAnswers { by });
            }
            return;
        }
        let is_held = pump.is_none_or(|pump| pump.hold.is_some());
        let stop = stop
            .or(is_held.then_some(Withdrawal::PumpHeld))
            .or(assignment.leaving.then_some(Withdrawal::TakenOut));
        match (stop, ticket) {
            (Some(why), _) => self.take_back(assignment, why),
            (None, Some(ticket)) if !ticket.withdrawn => {
                let until = ticket.not_after;
                self.pump_waits(assignment, Wait::PumpDecides { until });
            }
            (None, _) => self.pump_waits(assignment, Wait::TicketBack { until: gone_at }),
        }
    }

    fn self_test(&mut self, rollout: &RolloutFacts, assignment: &AssignmentFacts) {
        let by = self.due(assignment.since, rollout.limits.check_deadline);
        let is_proved = assignment.checks == CheckOutcome::Passed && assignment.versions_proved;
        // What failed is held first; going back comes after.
        if assignment.checks.holds() {
            self.quarantine(assignment, HeldBecause::Checks(assignment.checks));
        } else if !is_proved && self.reached(by) {
            self.quarantine(assignment, HeldBecause::Overdue);
        } else if !self.roll_back(rollout, assignment) {
            self.proved(assignment, is_proved, by);
        }
    }

    fn proved(&mut self, assignment: &AssignmentFacts, is_proved: bool, by: Timestamp) {
        if is_proved {
            self.does(assignment, AssignmentAction::AskSignoff);
        } else if assignment.checks == CheckOutcome::Passed {
            self.pump_waits(assignment, Wait::Versions { by });
        } else {
            self.pump_waits(assignment, Wait::Checks { by });
        }
    }

    /// What a later look at the checks says counts, not what they were when it came here.
    fn awaiting_signoff(&mut self, rollout: &RolloutFacts, assignment: &AssignmentFacts) {
        let pump = self.snapshot.pumps.get(&assignment.pump);
        let care_area = pump.and_then(|pump| pump.care_area);
        let hold = pump.and_then(|pump| pump.hold);
        let by = self.due(assignment.since, rollout.limits.check_deadline);
        let is_proved = assignment.checks == CheckOutcome::Passed && assignment.versions_proved;
        if assignment.checks.holds() {
            return self.quarantine(assignment, HeldBecause::Checks(assignment.checks));
        }
        if !is_proved && self.reached(by) {
            return self.quarantine(assignment, HeldBecause::Overdue);
        }
        if self.roll_back(rollout, assignment) {
            return;
        }
        match (hold, is_proved) {
            (Some(kind), _) => self.pump_waits(assignment, Wait::Held { kind }),
            (None, false) => self.pump_waits(assignment, Wait::Checks { by }),
            (None, true) => match gate::verified_by(assignment, care_area) {
                Ok(signed) => {
                    let signature = signed.id;
                    self.does(assignment, AssignmentAction::ReturnToService { signature });
                }
                Err(_) if care_area.is_none() => self.pump_waits(assignment, Wait::NoCareArea),
                Err(objection) => self.pump_waits(assignment, Wait::Signature { objection }),
            },
        }
    }

    /// An assignment that is over: only somebody's wish to go back, or a ticket that should not be out, is left.
    pub(super) fn over(&mut self, rollout: &RolloutFacts, assignment: &AssignmentFacts) {
        match assignment.state.stage() {
            // What failed does not install after all.
            Stage::Failed | Stage::Left if self.has_stray_ticket(assignment) => {
                self.take_back(assignment, Withdrawal::Orphan);
            }
            Stage::Verified | Stage::Failed => {
                self.roll_back(rollout, assignment);
            }
            Stage::Left | Stage::Waiting | Stage::Preparing | Stage::Updating => {}
        }
    }

    /// Back to the old version, where somebody asked for it. Says whether that is what the pump is about.
    fn roll_back(&mut self, rollout: &RolloutFacts, assignment: &AssignmentFacts) -> bool {
        let Some(roll_back) = assignment.roll_back else {
            return false;
        };
        if matches!(
            assignment.state,
            AssignmentState::RolledBack | AssignmentState::Unresponsive
        ) {
            return false;
        }
        if let Some(ordered_at) = roll_back.ordered_at {
            let by = self.due(ordered_at, rollout.limits.install_silence);
            if assignment.state != AssignmentState::Quarantined && self.reached(by) {
                self.quarantine(assignment, HeldBecause::Silent);
            } else {
                self.pump_waits(assignment, Wait::RollingBack);
            }
            return true;
        }
        match self.may_roll_back(rollout, assignment) {
            Ok(action) => self.does(assignment, action),
            Err(wait) => self.pump_waits(assignment, wait),
        }
        true
    }

    /// S3, S5 and S9 hold for the way back as for the way there.
    fn may_roll_back(
        &mut self,
        rollout: &RolloutFacts,
        assignment: &AssignmentFacts,
    ) -> Result<AssignmentAction, Wait> {
        let pump: &PumpFacts = self.snapshot.pumps.get(&assignment.pump).ok_or(Wait::Gone)?;
        if let Some(kind @ (HoldKind::SecurityIsolation | HoldKind::Sequestered)) = pump.hold {
            return Err(Wait::Held { kind });
        }
        // The pump starts nothing below its own counter, and the release allows nothing below its floor.
        let least = pump.counter.map(|counter| counter.max(rollout.floor_counter));
        if pump.other_slot.is_none() || pump.other_slot < least || least.is_none() {
            return Err(Wait::RollBackForbidden);
        }
        if self.index.is_taken_from(assignment) {
            return Err(Wait::OtherRollout);
        }
        self.is_free(pump).map_err(|_| Wait::RollBackWhenFree)?;
        if assignment.state.stage() == Stage::Verified && pump.is_in_service() {
            self.index.ledger.take(pump.group())?;
        }
        self.index.take(assignment);
        Ok(AssignmentAction::OrderRollBack {
            pump_seen: pump.row_version,
        })
    }

    /// By when a pump has to have answered. It could not while nobody listened: the limit runs from the start of the gateway at
    /// the earliest.
    fn due(&self, since: Timestamp, limit: TimeDelta) -> Timestamp {
        later(since.max(self.snapshot.listening_since), limit)
    }

    fn quarantine(&mut self, assignment: &AssignmentFacts, why: HeldBecause) {
        self.does(assignment, AssignmentAction::Quarantine { why });
    }

    fn unresponsive(&mut self, assignment: &AssignmentFacts) {
        let pump = self.snapshot.pumps.get(&assignment.pump);
        let last_heard = pump.and_then(|pump| pump.heard_at);
        self.does(assignment, AssignmentAction::MarkUnresponsive { last_heard });
    }
}
