//! What commits touched, for whoever keeps a picture of the record in memory and wants to look at no more than changed.
//!
//! One gateway serves a database and all its writes go through one connection, so its memory can follow the record: each method of
//! [`Db`](crate::Db) that writes something a rollout is planned from notes what it was. A note is a hint where to look, never what is there:
//! something may be noted that did not change, or that was rolled back. Whoever misses a note (another process wrote, a
//! look failed) reads everything anew.

use std::collections::HashSet;

use fleet::{
    id::{AssignmentId, PumpId, RolloutId, WaveId},
    signature::SubjectKind,
};
use uuid::Uuid;

/// What was touched since somebody last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Pumps that were heard of, came or went: by far the most.
    pub heard: HashSet<PumpId>,
    /// Pumps whose record, parts, software or hold changed, and new ones.
    pub pumps: HashSet<PumpId>,
    /// Assignments, or what was read of their pumps.
    pub assignments: HashSet<AssignmentId>,
    /// Waves, or who read their briefings.
    pub waves: HashSet<WaveId>,
    /// Rollouts.
    pub rollouts: HashSet<RolloutId>,
    /// What was signed, or refused.
    pub signed: HashSet<(SubjectKind, Uuid)>,
    /// Any ticket.
    pub tickets: bool,
    /// Who works where, and what care areas are called.
    pub staff: bool,
    /// What so much depends on that everything is to be read anew: ward floors, who is connected as a whole.
    pub everything: bool,
}

impl Touched {
    /// Takes in what another transaction touched.
    pub(crate) fn add(&mut self, other: Self) {
        let Self {
            heard,
            pumps,
            assignments,
            waves,
            rollouts,
            signed,
            tickets,
            staff,
            everything,
        } = other;
        if self.heard.is_empty() {
            self.heard = heard;
        } else {
            self.heard.extend(heard);
        }
        self.pumps.extend(pumps);
        self.assignments.extend(assignments);
        self.waves.extend(waves);
        self.rollouts.extend(rollouts);
        self.signed.extend(signed);
        self.tickets |= tickets;
        self.staff |= staff;
        self.everything |= everything;
    }

    /// Whether nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
