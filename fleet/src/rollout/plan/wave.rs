//! The waves of a running rollout, one after the other (S2).

use super::{Course, Planner, Standstill, Use};
use crate::{
    rollout::{
        gate::{self, Tally},
        snapshot::{RolloutFacts, WaveFacts},
        state::WaveState,
        step::{Subject, WaveAction, Withdrawal},
        wait::Wait,
        window::WindowState,
    },
    signature::Digest,
};

/// What stands before a wave.
#[derive(Clone, Copy)]
enum Before {
    /// Nothing: the gate before it passed, on this evidence.
    Passed(Digest),
    /// The wave with this number settled and is looked at: care areas may already be told what comes.
    Settled(u32),
    /// The wave with this number.
    Blocked(u32),
}

impl Before {
    fn after(self, wave: &WaveFacts) -> Self {
        match (self, wave.state) {
            (Self::Passed(_), WaveState::Passed) => match wave.evidence {
                Some(evidence) => Self::Passed(evidence),
                // Passed on nothing is not passed.
                None => Self::Blocked(wave.number),
            },
            (Self::Passed(_), WaveState::Soaking | WaveState::AwaitingApproval) => Self::Settled(wave.number),
            (
                Self::Passed(_),
                WaveState::Pending | WaveState::Briefing | WaveState::Open | WaveState::Halted,
            ) => Self::Blocked(wave.number),
            (Self::Settled(number) | Self::Blocked(number), _) => Self::Blocked(number),
        }
    }
}

impl<'a> Planner<'a> {
    pub(super) fn waves(&mut self, rollout: &'a RolloutFacts) {
        let mut course = Course {
            rollout,
            window: self.window(rollout),
            used: Use::of(rollout),
        };
        let mut before = Before::Passed(gate::approval_evidence(rollout));
        for wave in &rollout.waves {
            self.wave(&mut course, wave, before);
            before = before.after(wave);
        }
    }

    fn wave(&mut self, course: &mut Course<'a>, wave: &'a WaveFacts, before: Before) {
        let closed = Standstill {
            why: Withdrawal::WaveNotOpen,
            wait: Wait::WaveNotOpen,
            given_up: false,
        };
        match (wave.state, before) {
            (WaveState::Open, Before::Passed(evidence)) => return self.open(course, wave, evidence),
            (WaveState::Pending, Before::Passed(_) | Before::Settled(_)) => {
                self.does_wave(wave, WaveAction::OpenBriefing);
            }
            (WaveState::Briefing, _) => self.briefing(course, wave, before),
            (WaveState::Soaking, Before::Passed(_)) => self.soaking(course.rollout, wave),
            (WaveState::AwaitingApproval, Before::Passed(_)) => self.approval(course.rollout, wave),
            (WaveState::Halted, _) => self.waits(Subject::Wave(wave.id), Wait::Halted),
            (WaveState::Passed, Before::Passed(evidence)) => return self.stragglers(course, wave, evidence),
            (WaveState::Passed, Before::Settled(_) | Before::Blocked(_)) => {}
            // S2: also a wave that the record says is further than it can be does not move.
            (
                WaveState::Pending | WaveState::Open | WaveState::Soaking | WaveState::AwaitingApproval,
                Before::Settled(number) | Before::Blocked(number),
            ) => self.waits(Subject::Wave(wave.id), Wait::EarlierWave { number }),
        }
        self.stand(course.rollout, wave, &closed);
    }

    fn briefing(&mut self, course: &Course<'a>, wave: &WaveFacts, before: Before) {
        let who = Subject::Wave(wave.id);
        let unmet = gate::before_opening(wave, &course.rollout.limits);
        let is_briefed = unmet.is_empty();
        for unmet in unmet {
            self.waits(who, Wait::Gate(unmet));
        }
        match (before, course.window) {
            (Before::Settled(number) | Before::Blocked(number), _) => {
                self.waits(who, Wait::EarlierWave { number });
            }
            (Before::Passed(_), WindowState::Closed { next }) => self.waits(who, Wait::WindowClosed { next }),
            (Before::Passed(_), WindowState::Open { .. }) if is_briefed => {
                self.does_wave(wave, WaveAction::Open);
            }
            (Before::Passed(_), WindowState::Open { .. }) => {}
        }
    }

    fn open(&mut self, course: &mut Course<'a>, wave: &'a WaveFacts, evidence: Digest) {
        for assignment in &wave.assignments {
            self.assignment(course, wave, assignment, evidence);
        }
        let tally = Tally::of(&wave.assignments);
        if tally.unsettled == 0 {
            self.does_wave(wave, WaveAction::StartSoak);
        } else {
            let (unsettled, total) = (tally.unsettled, tally.total);
            self.waits(Subject::Wave(wave.id), Wait::Pumps { unsettled, total });
        }
    }

    /// Pumps of a wave that passed, which somebody wants tried again: what opened the wave still stands, and what became of it is
    /// signed for and stays so. They delay the end of the rollout, not its next wave.
    fn stragglers(&mut self, course: &mut Course<'a>, wave: &'a WaveFacts, evidence: Digest) {
        for assignment in &wave.assignments {
            self.assignment(course, wave, assignment, evidence);
        }
    }

    fn soaking(&mut self, rollout: &RolloutFacts, wave: &WaveFacts) {
        if Tally::of(&wave.assignments).unsettled > 0 {
            return self.does_wave(wave, WaveAction::Reopen);
        }
        match gate::soak(rollout, wave, self.now) {
            Some(unmet) => {
                if let gate::Unmet::Soak { until } = unmet {
                    self.reached(until);
                }
                self.waits(Subject::Wave(wave.id), Wait::Gate(unmet));
            }
            None => self.does_wave(wave, WaveAction::AskApproval),
        }
    }

    fn approval(&mut self, rollout: &RolloutFacts, wave: &WaveFacts) {
        if Tally::of(&wave.assignments).unsettled > 0 {
            return self.does_wave(wave, WaveAction::Reopen);
        }
        let unmet = gate::before_the_next(rollout, wave, self.now);
        if unmet.is_empty() {
            let evidence = gate::wave_evidence(rollout, wave);
            return self.does_wave(wave, WaveAction::Pass { evidence });
        }
        for unmet in unmet {
            self.waits(Subject::Wave(wave.id), Wait::Gate(unmet));
        }
    }
}
