//! What is looked up while planning, made in one pass.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::{
    Timestamp,
    id::{AssignmentId, PumpId},
    pump::SecurityCounter,
    rollout::{
        floor::{Group, Ledger},
        snapshot::{AssignmentFacts, RolloutFacts, Snapshot, TicketFacts},
        state::{AssignmentState, Stage},
    },
};

/// What is under way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Use {
    pub(super) updates: u32,
    pub(super) downloads: u32,
}

impl Use {
    fn count(&mut self, assignment: &AssignmentFacts) {
        if assignment.state.stage() == Stage::Updating {
            self.updates = self.updates.saturating_add(1);
        }
        if assignment.state == AssignmentState::Downloading {
            self.downloads = self.downloads.saturating_add(1);
        }
    }

    pub(super) fn of(rollout: &RolloutFacts) -> Self {
        let mut used = Self::default();
        for assignment in rollout.waves.iter().flat_map(|wave| &wave.assignments) {
            used.count(assignment);
        }
        used
    }
}

pub(super) struct Index<'a> {
    /// Tickets that may still be used, by pump and assignment.
    tickets: BTreeMap<(PumpId, AssignmentId), &'a TicketFacts>,
    /// S6: which assignment has a pump.
    taken: BTreeMap<PumpId, AssignmentId>,
    /// Pumps that somebody wants back on the old version of an assignment, with the least counter that its release allows.
    pub(super) wished: BTreeMap<PumpId, (AssignmentId, SecurityCounter)>,
    /// Pumps that download.
    pub(super) downloading: Vec<PumpId>,
    /// S5, the pumps that this plan takes out included.
    pub(super) ledger: Ledger,
    /// What all rollouts have under way, the steps of this plan included.
    pub(super) used: Use,
}

impl<'a> Index<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let mut out = BTreeSet::new();
        let mut taken = BTreeMap::new();
        let mut used = Use::default();
        let (mut downloading, mut wished) = (Vec::new(), BTreeMap::new());
        let waves = snapshot
            .rollouts
            .iter()
            .flat_map(|rollout| rollout.waves.iter().map(move |wave| (rollout, wave)));
        let rows = waves.flat_map(|(rollout, wave)| wave.assignments.iter().map(move |row| (rollout, row)));
        for (rollout, assignment) in rows {
            if assignment.roll_back.is_some() && runs_it(assignment.state) {
                wished.insert(assignment.pump, (assignment.id, rollout.floor_counter));
            }
            used.count(assignment);
            if assignment.state == AssignmentState::Downloading {
                downloading.push(assignment.pump);
            }
            if is_out_of_service(assignment) {
                out.insert(assignment.pump);
            }
            if assignment.state.is_live() || goes_back(assignment) {
                // Should two have it, the one that is further on keeps it; the other gives its ticket back.
                let holder = taken
                    .entry(assignment.pump)
                    .or_insert((assignment.state, assignment.id));
                *holder = (*holder).max((assignment.state, assignment.id));
            }
        }
        let mut ledger = Ledger::new(&snapshot.floors);
        for (id, pump) in &snapshot.pumps {
            if let Some(group) = pump.group()
                && pump.is_in_service()
                && !out.contains(id)
            {
                ledger.in_service(group);
            }
        }
        let key = |ticket: &'a TicketFacts| ((ticket.pump, ticket.assignment), ticket);
        Self {
            tickets: snapshot.tickets.iter().map(key).collect(),
            taken: taken
                .into_iter()
                .map(|(pump, (_, assignment))| (pump, assignment))
                .collect(),
            wished,
            downloading,
            ledger,
            used,
        }
    }

    /// The ticket of an assignment, if its pump may still hold one, run out or not.
    pub(super) fn ticket(&self, assignment: &AssignmentFacts) -> Option<&'a TicketFacts> {
        self.tickets.get(&(assignment.pump, assignment.id)).copied()
    }

    /// A ticket of any assignment that the pump may still use. While there is one, there is no other.
    pub(super) fn usable_ticket(&self, pump: PumpId, now: Timestamp) -> Option<&'a TicketFacts> {
        let first = AssignmentId::from_uuid(Uuid::nil());
        let last = AssignmentId::from_uuid(Uuid::max());
        self.tickets
            .range((pump, first)..=(pump, last))
            .map(|(_, ticket)| *ticket)
            .filter(|ticket| now < ticket.gone_at())
            .max_by_key(|ticket| ticket.not_after)
    }

    /// S6: whether another assignment has the pump.
    pub(super) fn is_taken_from(&self, assignment: &AssignmentFacts) -> bool {
        self.taken
            .get(&assignment.pump)
            .is_some_and(|holder| *holder != assignment.id)
    }

    /// From now on this one has the pump.
    pub(super) fn take(&mut self, assignment: &AssignmentFacts) {
        self.taken.insert(assignment.pump, assignment.id);
    }
}

/// Whether the pump was told to go back to its old version, and did not say yet that it did.
fn goes_back(assignment: &AssignmentFacts) -> bool {
    let is_told = assignment
        .roll_back
        .is_some_and(|roll_back| roll_back.ordered_at.is_some());
    is_told && runs_it(assignment.state)
}

/// Whether the pump runs the new version, as far as is known.
const fn runs_it(state: AssignmentState) -> bool {
    state.is_under_test() || matches!(state, AssignmentState::InService | AssignmentState::Quarantined)
}

/// Whether a rollout keeps a pump out of service. A failed pump is kept out by its hold, which outlives the rollout.
fn is_out_of_service(assignment: &AssignmentFacts) -> bool {
    match assignment.state.stage() {
        Stage::Updating => true,
        Stage::Verified => assignment
            .roll_back
            .is_some_and(|roll_back| roll_back.ordered_at.is_some()),
        Stage::Waiting | Stage::Preparing | Stage::Failed | Stage::Left => false,
    }
}

/// A ward floor as it stands: counted as the planner counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloorNow {
    pub group: Group,
    /// So many have to stay in service.
    pub keep: u32,
    /// So many are.
    pub in_service: u32,
    /// So many may be taken out at once.
    pub spare: u32,
}

/// Every ward floor, as a plan of this snapshot would begin with it.
#[must_use]
pub fn floors_now(snapshot: &Snapshot) -> Vec<FloorNow> {
    let ledger = Index::of(snapshot).ledger;
    let floors = snapshot.floors.iter();
    floors
        .map(|(group, keep)| FloorNow {
            group: *group,
            keep: *keep,
            in_service: ledger.in_service_now(*group),
            spare: ledger.spare(Some(*group)).unwrap_or_default(),
        })
        .collect()
}
