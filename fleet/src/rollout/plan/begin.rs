//! Pumps up to the order to install. Every safety rule about touching a pump stands in this file.

use chrono::TimeDelta;

use super::{Course, Planner, Standstill};
use crate::{
    Timestamp,
    id::PumpId,
    pump::{Availability, STALE_AFTER},
    rollout::{
        limits::later,
        snapshot::{AssignmentFacts, Fit, PumpFacts, RolloutFacts, WaveFacts, Whereabouts},
        state::{AssignmentState, Stage},
        step::{AssignmentAction, Under, Withdrawal},
        wait::Wait,
        window::WindowState,
    },
    signature::Digest,
};

/// Why a pump may not be touched.
struct Obstacle {
    why: Withdrawal,
    wait: Wait,
}

impl<'a> Planner<'a> {
    /// A pump of a wave that may not begin pumps.
    pub(super) fn stand(&mut self, rollout: &'a RolloutFacts, wave: &'a WaveFacts, standstill: &Standstill) {
        for assignment in &wave.assignments {
            match assignment.state.stage() {
                Stage::Waiting if self.has_stray_ticket(assignment) => {
                    self.take_back(assignment, standstill.why);
                }
                Stage::Waiting if standstill.given_up || assignment.leaving => {
                    self.does(assignment, AssignmentAction::TakeOut);
                }
                Stage::Waiting => self.pump_waits(assignment, standstill.wait.clone()),
                Stage::Preparing => self.take_back(assignment, standstill.why),
                Stage::Updating => self.under_way(rollout, assignment, Some(standstill.why)),
                Stage::Verified | Stage::Failed | Stage::Left => self.over(rollout, assignment),
            }
        }
    }

    /// A pump of a wave that is open.
    pub(super) fn assignment(
        &mut self,
        course: &mut Course<'a>,
        wave: &WaveFacts,
        assignment: &'a AssignmentFacts,
        evidence: Digest,
    ) {
        match assignment.state.stage() {
            Stage::Waiting | Stage::Preparing => self.begin(course, wave, assignment, evidence),
            Stage::Updating => self.under_way(course.rollout, assignment, None),
            Stage::Verified | Stage::Failed | Stage::Left => self.over(course.rollout, assignment),
        }
    }

    /// A ticket is out that its assignment knows nothing of any more.
    pub(super) fn has_stray_ticket(&self, assignment: &AssignmentFacts) -> bool {
        self.index
            .ticket(assignment)
            .is_some_and(|ticket| !self.reached(ticket.gone_at()))
    }

    /// Takes a ticket back: asks the pump for it, once, and waits until it answered or the ticket ran out. Until then the
    /// assignment stays as it is, so that a pump that was quicker is not taken for one that did as it pleased.
    pub(super) fn take_back(&mut self, assignment: &AssignmentFacts, why: Withdrawal) {
        let ticket = self
            .index
            .ticket(assignment)
            .filter(|ticket| !self.reached(ticket.gone_at()));
        let Some(ticket) = ticket else {
            return self.does(assignment, AssignmentAction::EndTicket);
        };
        let pump = self.snapshot.pumps.get(&assignment.pump);
        let may_be_ordered = pump.is_some_and(|pump| pump.hold.is_none_or(|hold| hold.may_be_ordered()));
        if ticket.withdrawn || !may_be_ordered {
            let until = ticket.gone_at();
            return self.pump_waits(assignment, Wait::TicketBack { until });
        }
        self.does(
            assignment,
            AssignmentAction::WithdrawTicket {
                ticket: ticket.id,
                why,
            },
        );
    }

    fn begin(
        &mut self,
        course: &mut Course<'a>,
        wave: &WaveFacts,
        assignment: &AssignmentFacts,
        evidence: Digest,
    ) {
        let is_waiting = assignment.state.stage() == Stage::Waiting;
        // A ticket that ran out or is on its way back comes first: nothing is built on it.
        if !is_waiting {
            match self.index.ticket(assignment) {
                Some(ticket) if ticket.withdrawn => return self.take_back(assignment, Withdrawal::Orphan),
                Some(ticket) if !self.reached(ticket.not_after) => {}
                Some(ticket) if !self.reached(ticket.gone_at()) => {
                    let until = ticket.gone_at();
                    return self.pump_waits(assignment, Wait::TicketRanOut { until });
                }
                Some(_) | None => return self.does(assignment, AssignmentAction::EndTicket),
            }
        }
        if assignment.leaving {
            return self.leave(assignment, Withdrawal::TakenOut, AssignmentAction::TakeOut);
        }
        if self.is_laggard(course.rollout, wave, assignment) {
            return self.leave_behind(assignment);
        }
        let Some(pump) = self.snapshot.pumps.get(&assignment.pump) else {
            return if is_waiting {
                self.pump_waits(assignment, Wait::Gone);
            } else {
                self.take_back(assignment, Withdrawal::Unfit);
            };
        };
        if let Some(obstacle) = self.obstacle(course.rollout, assignment, pump) {
            return if is_waiting {
                self.pump_waits(assignment, obstacle.wait);
            } else {
                self.take_back(assignment, obstacle.why);
            };
        }
        let under = Under {
            rollout: course.rollout.id,
            rollout_seen: course.rollout.row_version,
            wave: wave.id,
            wave_seen: wave.row_version,
            pump_seen: pump.row_version,
        };
        let next = match assignment.state {
            AssignmentState::Planned => self.ticket(course, assignment, pump, evidence, under),
            AssignmentState::Authorised => self.download(course, assignment, pump, under),
            AssignmentState::Downloading => Err(self.downloading(assignment.pump)),
            AssignmentState::Staged => self.install(course, assignment, pump, under),
            AssignmentState::AwaitingSafe
            | AssignmentState::Installing
            | AssignmentState::TrialBoot
            | AssignmentState::SelfTest
            | AssignmentState::AwaitingSignoff
            | AssignmentState::InService
            | AssignmentState::RolledBack
            | AssignmentState::Quarantined
            | AssignmentState::Unresponsive
            | AssignmentState::Cancelled => return,
        };
        match next {
            Ok(action) => self.does(assignment, action),
            Err(wait) => self.pump_waits(assignment, wait),
        }
    }

    fn is_laggard(&self, rollout: &RolloutFacts, wave: &WaveFacts, assignment: &AssignmentFacts) -> bool {
        let limits = &rollout.limits;
        let opened = wave.opened_at.unwrap_or(wave.since);
        let opened = assignment.again_at.map_or(opened, |again| again.max(opened));
        let tried = assignment.setback.as_ref().map_or(0, |setback| setback.count);
        tried >= limits.attempts.max(1) || self.reached(later(opened, limits.laggard_after))
    }

    fn leave_behind(&mut self, assignment: &AssignmentFacts) {
        let pump = self.snapshot.pumps.get(&assignment.pump);
        let last_heard = pump.and_then(|pump| pump.heard_at);
        let action = AssignmentAction::MoveToCatchUp { last_heard };
        self.leave(assignment, Withdrawal::LeftBehind, action);
    }

    /// Nothing leaves a wave with a ticket in hand.
    fn leave(&mut self, assignment: &AssignmentFacts, why: Withdrawal, action: AssignmentAction) {
        if assignment.state.stage() == Stage::Preparing || self.has_stray_ticket(assignment) {
            return self.take_back(assignment, why);
        }
        self.does(assignment, action);
    }

    fn obstacle(
        &self,
        rollout: &RolloutFacts,
        assignment: &AssignmentFacts,
        pump: &PumpFacts,
    ) -> Option<Obstacle> {
        let is = |why, wait| Some(Obstacle { why, wait });
        if pump.whereabouts == Whereabouts::Retired {
            return is(Withdrawal::PumpHeld, Wait::Retired);
        }
        if let Some(kind) = pump.hold {
            return is(Withdrawal::PumpHeld, Wait::Held { kind });
        }
        // S6.
        if self.index.is_taken_from(assignment) {
            return is(Withdrawal::OtherRollout, Wait::OtherRollout);
        }
        if assignment.roll_back.is_some() {
            return is(Withdrawal::StaysOld, Wait::StaysOld);
        }
        if let Fit::No(why) = &assignment.fit {
            return is(Withdrawal::Unfit, Wait::Unfit { why: why.clone() });
        }
        // S9.
        match pump.counter {
            None => is(Withdrawal::Unfit, Wait::CounterUnknown),
            Some(counter) if counter > rollout.counter => is(
                Withdrawal::Unfit,
                Wait::BelowCounter {
                    pump: counter.0,
                    release: rollout.counter.0,
                },
            ),
            Some(_) => None,
        }
    }

    /// S2, S6: a ticket is issued here and nowhere else: in an open wave whose gate passed on evidence, for a pump that no
    /// other assignment has and that holds no other ticket. It never outlives the window that is open.
    fn ticket(
        &mut self,
        course: &Course<'_>,
        assignment: &AssignmentFacts,
        pump: &PumpFacts,
        evidence: Digest,
        under: Under,
    ) -> Result<AssignmentAction, Wait> {
        if let Some(older) = self.index.usable_ticket(assignment.pump, self.now) {
            let until = older.gone_at();
            self.reached(until);
            return Err(Wait::OlderTicket { until });
        }
        if self.goes_back_first(assignment, pump) {
            return Err(Wait::GoesBackFirst);
        }
        let until = self.room_in_window(course)?;
        self.not_after_setback(course.rollout, assignment)?;
        if !pump.connected {
            return Err(Wait::NotConnected {
                last_heard: pump.heard_at,
            });
        }
        self.index.take(assignment);
        Ok(AssignmentAction::IssueTicket {
            not_after: until.min(later(self.now, course.rollout.limits.ticket_life)),
            evidence,
            under,
        })
    }

    /// A recall comes before anything new: with the next update the old version would be out of reach. One that S9 forbids waits for
    /// nothing.
    fn goes_back_first(&self, assignment: &AssignmentFacts, pump: &PumpFacts) -> bool {
        let wish = self.index.wished.get(&assignment.pump);
        wish.is_some_and(|(of, floor)| {
            *of != assignment.id
                && pump.counter.is_some()
                && pump.other_slot >= pump.counter.max(Some(*floor))
        })
    }

    fn download(
        &mut self,
        course: &mut Course<'_>,
        assignment: &AssignmentFacts,
        pump: &PumpFacts,
        under: Under,
    ) -> Result<AssignmentAction, Wait> {
        if matches!(course.window, WindowState::Closed { .. }) {
            self.room_in_window(course)?;
        }
        self.not_after_setback(course.rollout, assignment)?;
        if !pump.connected {
            return Err(Wait::NotConnected {
                last_heard: pump.heard_at,
            });
        }
        let hospital = &self.snapshot.hospital;
        if !hospital.background_download {
            self.is_free(pump)?;
        }
        let most = course.rollout.limits.downloads_at_once;
        if course.used.downloads >= most {
            return Err(Wait::DownloadsAtOnce { most });
        }
        let most = hospital.bandwidth.downloads();
        if self.index.used.downloads >= most {
            return Err(Wait::Bandwidth { most });
        }
        course.used.downloads = course.used.downloads.saturating_add(1);
        self.index.used.downloads = self.index.used.downloads.saturating_add(1);
        Ok(AssignmentAction::OrderDownload { under })
    }

    /// S3: a pump that came into use while it downloads gets nothing more until it is free again, unless the hospital says so;
    /// whatever becomes of its ticket, wave and rollout meanwhile.
    pub(super) fn rest(&mut self) {
        for id in std::mem::take(&mut self.index.downloading) {
            match self.snapshot.pumps.get(&id) {
                // Evidence is touched by nothing.
                Some(pump) if pump.hold.is_some_and(|hold| !hold.may_be_ordered()) => {
                    self.plan.paused_downloads.insert(id);
                }
                Some(_) | None if self.snapshot.hospital.background_download => {}
                Some(pump) if self.is_free(pump).is_ok() => {
                    // What it said grows old, and then it may be in use.
                    let heard_at = pump.heard_at.unwrap_or(self.now);
                    self.reached(later(heard_at, STALE_AFTER + TimeDelta::microseconds(1)));
                }
                Some(_) | None => {
                    self.plan.paused_downloads.insert(id);
                }
            }
        }
    }

    fn downloading(&self, id: PumpId) -> Wait {
        if self.plan.paused_downloads.contains(&id) {
            Wait::DownloadPaused
        } else {
            Wait::Downloading
        }
    }

    /// S3 and S5 side by side: free, just now, in the window, and its care area can spare it.
    fn install(
        &mut self,
        course: &mut Course<'_>,
        assignment: &AssignmentFacts,
        pump: &PumpFacts,
        under: Under,
    ) -> Result<AssignmentAction, Wait> {
        self.room_in_window(course)?;
        self.not_after_setback(course.rollout, assignment)?;
        // An order that has to wait for a connection would find the pump as nobody knows.
        if !pump.connected {
            return Err(Wait::NotConnected {
                last_heard: pump.heard_at,
            });
        }
        self.is_free(pump)?;
        let most = course.rollout.limits.updates_at_once;
        if course.used.updates >= most {
            return Err(Wait::UpdatesAtOnce { most });
        }
        let most = self.snapshot.hospital.updates_at_once;
        if self.index.used.updates >= most {
            return Err(Wait::HospitalUpdatesAtOnce { most });
        }
        // Last, because it takes the pump out.
        self.index.ledger.take(pump.group())?;
        course.used.updates = course.used.updates.saturating_add(1);
        self.index.used.updates = self.index.used.updates.saturating_add(1);
        Ok(AssignmentAction::OrderInstall { under })
    }

    /// Until when the window is open, if enough of it is left to install in.
    fn room_in_window(&self, course: &Course<'_>) -> Result<Timestamp, Wait> {
        match course.window {
            WindowState::Closed { next } => Err(Wait::WindowClosed { next }),
            WindowState::Open { until } if later(self.now, course.rollout.limits.install_takes) > until => {
                Err(Wait::WindowTooShort { until })
            }
            WindowState::Open { until } => Ok(until),
        }
    }

    fn not_after_setback(&self, rollout: &RolloutFacts, assignment: &AssignmentFacts) -> Result<(), Wait> {
        let Some(setback) = &assignment.setback else {
            return Ok(());
        };
        let again = later(setback.at, rollout.limits.retry_after);
        if self.reached(again) {
            return Ok(());
        }
        Err(Wait::AfterSetback {
            setback: setback.clone(),
            again,
        })
    }

    /// S3: in words. Whether it is free is decided by [`PumpFacts::availability`] alone.
    pub(super) fn is_free(&self, pump: &PumpFacts) -> Result<(), Wait> {
        if pump.availability(self.now) == Availability::Free {
            return Ok(());
        }
        if let Some(heard_at) = pump.heard_at {
            // Not before our clock is where it was then.
            self.reached(heard_at);
        }
        let is_fresh = pump.heard_at.is_some_and(|heard| {
            let age = self.now.signed_duration_since(heard);
            age >= chrono::TimeDelta::zero() && age <= STALE_AFTER
        });
        Err(if is_fresh {
            Wait::InUse {
                activity: pump.activity,
                patient_attached: pump.patient_attached,
            }
        } else if pump.connected {
            Wait::Stale {
                last_heard: pump.heard_at,
            }
        } else {
            Wait::NotConnected {
                last_heard: pump.heard_at,
            }
        })
    }
}
