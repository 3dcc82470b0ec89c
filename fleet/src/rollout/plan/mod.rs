//! The planner: one pass over a snapshot.
//!
//! It decides from what is there and from nothing that it said before. So planning twice says the same twice, planning after
//! the steps were carried out says nothing new of them, and a crash loses nothing: the next plan is made from the record.
//! Work is in proportion to the pumps in the snapshot; every look-up is in an index that is made once.
//!
//! The plan also says when time alone may next lead to a step, so that nobody has to plan before. Every look at the clock goes
//! through [`Planner::reached`], which notes the instant at which the answer would be another: until the first of them the
//! planner would go the same way. What time takes away (a pump is no longer fresh, a window is too short by now) is not noted:
//! a plan without steps has none the more for it.

mod begin;
mod index;
mod under_way;
mod wave;

use std::cell::Cell;

use super::{
    gate::{self, Tally},
    snapshot::{AssignmentFacts, RolloutFacts, Snapshot, WaveFacts},
    state::{RolloutState, WaveState},
    step::{AssignmentAction, Plan, RolloutAction, Step, Subject, Waiting, WaveAction, Withdrawal},
    wait::Wait,
    window::{self, WindowState},
};
use crate::Timestamp;
pub use index::{FloorNow, floors_now};
use index::{Index, Use};

/// Plans. What is not in the snapshot does not happen.
#[must_use]
pub fn plan(snapshot: &Snapshot, now: Timestamp) -> Plan {
    let mut planner = Planner {
        snapshot,
        now,
        index: Index::of(snapshot),
        next_at: Cell::new(None),
        plan: Plan::default(),
    };
    // An emergency goes first; otherwise the older rollout does (ids sort by time).
    planner.rest();
    let mut rollouts: Vec<_> = snapshot.rollouts.iter().collect();
    rollouts.sort_by_key(|rollout| (rollout.emergency.is_none(), rollout.id));
    for rollout in rollouts {
        planner.rollout(rollout);
    }
    Plan {
        next_at: planner.next_at.get(),
        ..planner.plan
    }
}

struct Planner<'a> {
    snapshot: &'a Snapshot,
    now: Timestamp,
    index: Index<'a>,
    /// The first of the instants that were looked at and have not come.
    next_at: Cell<Option<Timestamp>>,
    plan: Plan,
}

/// What the planner knows of a rollout while it goes through its waves.
struct Course<'a> {
    rollout: &'a RolloutFacts,
    window: WindowState,
    /// What this rollout has under way, the steps of this plan among it.
    used: Use,
}

/// Why pumps of a wave do not begin.
#[derive(Clone)]
struct Standstill {
    why: Withdrawal,
    wait: Wait,
    /// What did not begin is taken out.
    given_up: bool,
}

impl<'a> Planner<'a> {
    /// Whether an instant has come; if not, it is noted.
    fn reached(&self, at: Timestamp) -> bool {
        if self.now >= at {
            return true;
        }
        self.next_at
            .set(Some(self.next_at.get().map_or(at, |next| next.min(at))));
        false
    }

    fn rollout(&mut self, rollout: &'a RolloutFacts) {
        let who = Subject::Rollout(rollout.id);
        match rollout.state {
            RolloutState::Draft => self.waits(who, Wait::BeingWritten),
            RolloutState::AwaitingApproval => {
                let unmet = gate::before_running(rollout);
                if unmet.is_empty() {
                    self.does_rollout(rollout, RolloutAction::Approve);
                }
                for unmet in unmet {
                    self.waits(who, Wait::Gate(unmet));
                }
            }
            RolloutState::Scheduled => self.scheduled(rollout),
            RolloutState::Running => return self.running(rollout),
            RolloutState::Paused => self.waits(who, Wait::Paused),
            RolloutState::Halted => self.waits(who, Wait::Halted),
            RolloutState::Cancelled => self.waits(who, Wait::Cancelled),
            RolloutState::Completed => {}
        }
        self.standstill(rollout);
    }

    fn scheduled(&mut self, rollout: &RolloutFacts) {
        let who = Subject::Rollout(rollout.id);
        // What was approved and is not any more does not begin.
        let unmet = gate::before_running(rollout);
        if unmet.is_empty() && self.reached(rollout.begins_at) {
            self.does_rollout(rollout, RolloutAction::Begin);
        } else if unmet.is_empty() {
            self.waits(
                who,
                Wait::Begins {
                    at: rollout.begins_at,
                },
            );
        }
        for unmet in unmet {
            self.waits(who, Wait::Gate(unmet));
        }
    }

    /// S7: a rollout that does not run issues nothing and takes back what is out; pumps that activate come to their end.
    fn standstill(&mut self, rollout: &'a RolloutFacts) {
        let standstill = Standstill {
            why: Withdrawal::RolloutStopped,
            wait: Wait::RolloutStopped,
            given_up: rollout.state == RolloutState::Cancelled,
        };
        for wave in &rollout.waves {
            if wave.state != WaveState::Passed {
                self.waits(Subject::Wave(wave.id), Wait::RolloutStopped);
            }
            self.stand(rollout, wave, &standstill);
        }
    }

    fn running(&mut self, rollout: &'a RolloutFacts) {
        let who = Subject::Rollout(rollout.id);
        let unmet = gate::before_running(rollout);
        if !unmet.is_empty() {
            for unmet in unmet {
                self.waits(who, Wait::Gate(unmet));
            }
            return self.standstill(rollout);
        }
        if let Some((wave, tally)) = Self::failed(rollout) {
            self.does_rollout(rollout, RolloutAction::Halt { wave: wave.id, tally });
            if wave.state.transition(WaveAction::Halt { tally }.event()).is_ok() {
                self.does_wave(wave, WaveAction::Halt { tally });
            }
            return self.standstill(rollout);
        }
        let is_through =
            |wave: &WaveFacts| wave.state == WaveState::Passed && Tally::of(&wave.assignments).unsettled == 0;
        if rollout.waves.iter().all(is_through) {
            return self.does_rollout(rollout, RolloutAction::Complete);
        }
        self.waves(rollout);
    }

    /// The first wave with too many failures. One that stands halted was looked at by whoever let the rollout go on.
    fn failed(rollout: &'a RolloutFacts) -> Option<(&'a WaveFacts, Tally)> {
        rollout.waves.iter().find_map(|wave| {
            let tally = Tally::of(&wave.assignments);
            let within = tally.within(&rollout.limits, wave.failures_accepted);
            (wave.state != WaveState::Halted && within.is_err()).then_some((wave, tally))
        })
    }

    fn window(&self, rollout: &RolloutFacts) -> WindowState {
        let window = window::any_at(&rollout.windows, self.now, rollout.limits.ticket_life);
        match window {
            WindowState::Open { until: at } | WindowState::Closed { next: Some(at) } => {
                self.reached(at);
            }
            WindowState::Closed { next: None } => {}
        }
        window
    }

    fn waits(&mut self, who: Subject, what: Wait) {
        self.plan.waiting.push(Waiting { who, what });
    }

    fn pump_waits(&mut self, assignment: &AssignmentFacts, what: Wait) {
        let who = Subject::Pump {
            assignment: assignment.id,
            pump: assignment.pump,
        };
        self.waits(who, what);
    }

    fn does_rollout(&mut self, rollout: &RolloutFacts, action: RolloutAction) {
        self.plan.steps.push(Step::Rollout {
            rollout: rollout.id,
            seen: rollout.row_version,
            action,
        });
    }

    fn does_wave(&mut self, wave: &WaveFacts, action: WaveAction) {
        self.plan.steps.push(Step::Wave {
            wave: wave.id,
            seen: wave.row_version,
            action,
        });
    }

    fn does(&mut self, assignment: &AssignmentFacts, action: AssignmentAction) {
        self.plan.steps.push(Step::Assignment {
            assignment: assignment.id,
            pump: assignment.pump,
            seen: assignment.row_version,
            action,
        });
    }
}
