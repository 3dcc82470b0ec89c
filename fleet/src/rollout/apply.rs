//! What a pump's report makes of its assignment: the mirror of the planner.
//!
//! Reports come late, twice and out of order; each has a number that the pump never uses twice. A report that moves the
//! assignment counts only if it is newer than every one that was applied; a report of versions counts if it is newer than the
//! start it speaks of, because it proves something that no later report repeats. Applying a report again changes nothing.
//!
//! What can not be explained by what we ordered holds the pump (S4). A report is never refused: what the pump says is so.

use thiserror::Error;

use super::{
    state::{AssignmentEvent, AssignmentState, Stage},
    step::HeldBecause,
};
use crate::{Timestamp, id::TicketId, pump::Component, text::Reason};

/// The versions of every component of a pump, sorted by name. Firmware is a set, not one string.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionSet(Vec<Component>);

/// One component with two versions.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the component {name} is given twice; a pump runs one version of each")]
pub struct ComponentTwice {
    pub name: crate::text::ComponentName,
}

impl VersionSet {
    /// Takes components in any order.
    ///
    /// # Errors
    /// [`ComponentTwice`] when a name is there more than once.
    pub fn new(mut components: Vec<Component>) -> Result<Self, ComponentTwice> {
        components.sort_unstable();
        let twice = components.windows(2).find_map(|pair| {
            matches!(pair, [a, b] if a.name == b.name)
                .then(|| pair.first())
                .flatten()
        });
        match twice {
            Some(component) => Err(ComponentTwice {
                name: component.name.clone(),
            }),
            None => Ok(Self(components)),
        }
    }

    /// The components, sorted by name.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        &self.0
    }
}

/// A report, as far as an assignment depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PumpReport {
    /// Counts the pump's reports, from 1, for its life.
    pub sequence: u64,
    pub says: PumpSays,
}

/// What a pump says of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PumpSays {
    /// It holds the firmware in its inactive slot, and checked it.
    Staged { ticket: TicketId },
    /// The download broke off, or what came is not what the ticket names.
    DownloadFailed { ticket: TicketId, words: Option<Reason> },
    /// It will not, now (S1).
    Refused { ticket: TicketId, words: Option<Reason> },
    /// It gave a ticket back, and will not use it.
    TicketReturned { ticket: TicketId },
    /// It activates the other slot now.
    Activating { ticket: TicketId },
    /// It restarted: on trial with new firmware, or as always.
    Restarted { trial: bool },
    /// It began to test itself.
    ChecksBegun,
    /// It runs its old firmware again.
    RolledBack,
    /// What it runs.
    Versions(VersionSet),
    /// What it runs, signed after its checks ran: that it began to test itself follows, whatever became of that report.
    Proof(VersionSet),
}

/// An assignment, as reports find it. For a pump without a live assignment, that is its last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    pub state: AssignmentState,
    /// Its present ticket, or the last.
    pub ticket: Option<TicketId>,
    /// What the pump ran when the assignment was planned.
    pub before: VersionSet,
    /// What its ticket names.
    pub named: VersionSet,
    /// The pump was told to go back to the old version.
    pub roll_back_ordered: bool,
    /// The greatest number of a report that was applied; at the beginning, of any report of the pump.
    pub heard: u64,
    /// The number of the report by which the pump came up with the new firmware.
    pub booted: Option<u64>,
    /// It reported exactly the versions that its ticket names.
    pub versions_proved: bool,
}

/// What changes by a report. All changes of one report are written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The assignment moves.
    Moved {
        event: AssignmentEvent,
        to: AssignmentState,
        at: Timestamp,
    },
    /// One more refusal or broken download.
    Setback { words: Option<Reason>, at: Timestamp },
    /// The pump does not hold this ticket any more.
    TicketGone { ticket: TicketId },
    /// The versions are those the ticket names, or are no longer.
    Versions { proved: bool },
    /// The pump is held; S10: it takes effect when the pump is free.
    Hold { why: HeldBecause },
}

/// Applies a report: the assignment as it is then, and what changed. Nothing changed is an empty list.
#[must_use]
pub fn apply(tracked: &Tracked, report: &PumpReport, now: Timestamp) -> (Tracked, Vec<Change>) {
    let mut applying = Applying {
        is_news: report.sequence > tracked.heard,
        sequence: report.sequence,
        tracked: tracked.clone(),
        changes: Vec::new(),
        now,
    };
    match &report.says {
        PumpSays::Versions(versions) => applying.versions(versions),
        PumpSays::Proof(versions) => applying.proof(versions),
        PumpSays::TicketReturned { ticket } => applying.ticket_returned(*ticket),
        says if applying.is_news => applying.news(says),
        _ => {}
    }
    applying.tracked.heard = tracked.heard.max(report.sequence);
    (applying.tracked, applying.changes)
}

/// A pump that has no assignment at all reports versions. Nothing is known to compare with when it enrols.
#[must_use]
pub fn unexplained(known: Option<&VersionSet>, reported: &VersionSet) -> Option<HeldBecause> {
    known
        .is_some_and(|known| known != reported)
        .then_some(HeldBecause::ChangedWithoutTicket)
}

struct Applying {
    tracked: Tracked,
    sequence: u64,
    is_news: bool,
    changes: Vec<Change>,
    now: Timestamp,
}

impl Applying {
    /// Moves the assignment if the event can happen in its state, and says whether it did.
    fn moves(&mut self, event: AssignmentEvent) -> bool {
        match self.tracked.state.transition(event) {
            Ok(to) => {
                let is_used = self.tracked.state.needs_ticket() && uses_ticket(to);
                self.tracked.state = to;
                self.changes.push(Change::Moved {
                    event,
                    to,
                    at: self.now,
                });
                if let (true, Some(ticket)) = (is_used, self.tracked.ticket) {
                    self.changes.push(Change::TicketGone { ticket });
                }
                true
            }
            Err(_) => false,
        }
    }

    /// Holds the pump, and the assignment is a failure: what was proved of its versions is proved no longer.
    fn holds(&mut self, event: AssignmentEvent, why: HeldBecause) {
        if self.moves(event) {
            self.changes.push(Change::Hold { why });
            self.disproves();
        }
    }

    fn is_ours(&self, ticket: TicketId) -> bool {
        self.tracked.ticket == Some(ticket)
    }

    fn ticket_returned(&mut self, ticket: TicketId) {
        // In whatever order it comes: a ticket that was given back is gone.
        let is_ours = self.is_ours(ticket) && self.tracked.state.needs_ticket();
        if is_ours || self.is_news {
            self.changes.push(Change::TicketGone { ticket });
        }
        if is_ours {
            self.moves(AssignmentEvent::TicketEnded);
        }
    }

    fn news(&mut self, says: &PumpSays) {
        match says {
            PumpSays::Staged { ticket } => {
                if self.is_ours(*ticket) {
                    self.moves(AssignmentEvent::Staged);
                }
            }
            PumpSays::DownloadFailed { ticket, words } | PumpSays::Refused { ticket, words } => {
                // Which order it would not follow, the state says.
                if self.is_ours(*ticket)
                    && (self.moves(AssignmentEvent::DownloadFailed) || self.moves(AssignmentEvent::Refused))
                {
                    let (words, at) = (words.clone(), self.now);
                    self.changes.push(Change::Setback { words, at });
                }
            }
            PumpSays::Activating { ticket } if self.is_ours(*ticket) => {
                self.installs(AssignmentEvent::Activated);
            }
            // A ticket that is not its present one: it was replayed, or is another pump's.
            PumpSays::Activating { .. } => self.holds(AssignmentEvent::Failed, HeldBecause::InstalledUnasked),
            PumpSays::Restarted { trial: true } => self.boots(AssignmentEvent::Booted),
            // Outside of an update a pump may test itself as it pleases.
            PumpSays::ChecksBegun if self.tracked.state.stage() == Stage::Updating => {
                self.boots(AssignmentEvent::ChecksBegun);
            }
            PumpSays::RolledBack => self.rolled_back(),
            // The versions that it reports after every start say what it came up with.
            PumpSays::ChecksBegun
            | PumpSays::Restarted { trial: false }
            | PumpSays::Versions(_)
            | PumpSays::Proof(_)
            | PumpSays::TicketReturned { .. } => {}
        }
    }

    fn boots(&mut self, event: AssignmentEvent) {
        let is_under_way = self.tracked.state.stage() == Stage::Updating;
        self.installs(event);
        if is_under_way {
            self.tracked.booted = self.tracked.booted.or(Some(self.sequence));
        }
    }

    /// A step of an installation. Where it is overtaken it says nothing new; where none was ordered, nothing explains it.
    fn installs(&mut self, event: AssignmentEvent) {
        if self.moves(event) {
            return;
        }
        match self.tracked.state.stage() {
            Stage::Waiting | Stage::Preparing | Stage::Left => {
                self.holds(AssignmentEvent::Failed, HeldBecause::InstalledUnasked);
            }
            Stage::Updating | Stage::Verified | Stage::Failed => {}
        }
    }

    fn rolled_back(&mut self) {
        match self.tracked.state.stage() {
            Stage::Updating | Stage::Verified | Stage::Failed => {
                self.holds(AssignmentEvent::RolledBack, HeldBecause::RolledBack);
            }
            Stage::Waiting | Stage::Preparing | Stage::Left => {
                self.holds(AssignmentEvent::Failed, HeldBecause::InstalledUnasked);
            }
        }
    }

    fn proof(&mut self, versions: &VersionSet) {
        self.versions(versions);
        if self.tracked.state == AssignmentState::TrialBoot {
            self.moves(AssignmentEvent::ChecksBegun);
        }
    }

    fn versions(&mut self, versions: &VersionSet) {
        let is_named = *versions == self.tracked.named;
        let is_before = *versions == self.tracked.before;
        // A report from before the start says nothing of what started.
        let is_of_this_start = self
            .tracked
            .booted
            .map_or(self.is_news, |booted| self.sequence > booted);
        match self.tracked.state {
            AssignmentState::Planned
            | AssignmentState::Authorised
            | AssignmentState::Downloading
            | AssignmentState::Staged
            | AssignmentState::Cancelled => match (self.is_news, is_before, is_named) {
                (false, _, _) | (true, true, _) => {}
                (true, false, true) => self.holds(AssignmentEvent::Failed, HeldBecause::InstalledUnasked),
                (true, false, false) => {
                    self.holds(AssignmentEvent::Failed, HeldBecause::ChangedWithoutTicket);
                }
            },
            // The pump may have started and said so in a report that is still on its way.
            AssignmentState::AwaitingSafe | AssignmentState::Installing => {
                match (self.is_news, is_before, is_named) {
                    (false, _, _) | (true, true, _) => {}
                    (true, false, true) => {
                        self.boots(AssignmentEvent::Booted);
                        self.proves();
                    }
                    (true, false, false) => self.holds(AssignmentEvent::Failed, HeldBecause::WrongVersions),
                }
            }
            AssignmentState::TrialBoot | AssignmentState::SelfTest | AssignmentState::AwaitingSignoff => {
                match (is_of_this_start, is_named, is_before) {
                    (true, true, _) => self.proves(),
                    (true, false, true) if self.is_news => {
                        self.holds(AssignmentEvent::RolledBack, HeldBecause::RolledBack);
                    }
                    (true, false, false) => self.holds(AssignmentEvent::Failed, HeldBecause::WrongVersions),
                    (true, false, true) | (false, _, _) => {}
                }
            }
            AssignmentState::InService => {
                if !self.is_news || is_named {
                } else if is_before && self.tracked.roll_back_ordered {
                    self.holds(AssignmentEvent::RolledBack, HeldBecause::RolledBack);
                } else {
                    self.holds(AssignmentEvent::Failed, HeldBecause::ChangedWithoutTicket);
                }
            }
            AssignmentState::RolledBack => {
                if self.is_news && !is_before {
                    self.holds(AssignmentEvent::Failed, HeldBecause::ChangedWithoutTicket);
                }
            }
            // It is held already; what it runs decides where a release of the hold leads.
            AssignmentState::Quarantined | AssignmentState::Unresponsive => {
                match (self.is_news, is_named, is_before) {
                    (false, _, _) => {}
                    (true, true, _) => self.proves(),
                    (true, false, true) => self.holds(AssignmentEvent::RolledBack, HeldBecause::RolledBack),
                    (true, false, false) => self.disproves(),
                }
            }
        }
    }

    fn proves(&mut self) {
        if !self.tracked.versions_proved {
            self.tracked.versions_proved = true;
            self.changes.push(Change::Versions { proved: true });
        }
    }

    fn disproves(&mut self) {
        if self.tracked.versions_proved {
            self.tracked.versions_proved = false;
            self.changes.push(Change::Versions { proved: false });
        }
    }
}

/// Whether a pump that gets there has used its ticket: no ticket installs twice.
const fn uses_ticket(state: AssignmentState) -> bool {
    matches!(
        state,
        AssignmentState::Installing
            | AssignmentState::TrialBoot
            | AssignmentState::SelfTest
            | AssignmentState::RolledBack
    )
}

#[cfg(test)]
mod tests;
