//! Each safety rule, and a test that tries to break it.

mod pump;
mod rollout;

use chrono::TimeDelta;

use super::{
    fleet::*,
    world::{World, versions},
};
use crate::{
    Timestamp,
    access::Role,
    check::CheckOutcome,
    id::TicketId,
    pump::SecurityCounter,
    pump::{Activity, HoldKind, STALE_AFTER},
    rollout::{
        AssignmentAction, HeldBecause, Plan, PumpReport, PumpSays, RolloutAction, Step, Wait,
        gate::{self, Unmet, before_running},
        limits::HospitalLimits,
        plan,
        snapshot::{PumpFacts, RollBack, Snapshot, TicketFacts, Whereabouts},
        state::{AssignmentState, RolloutState, WaveState},
    },
    signature::{Digest, Meaning},
    text::Reason,
};

pub(super) fn now() -> Timestamp {
    at(EVENING)
}

pub(super) fn open(snapshot: &mut Snapshot, wave: usize) {
    let wave = &mut snapshot.rollouts[0].waves[wave - 1];
    wave.state = WaveState::Open;
    wave.opened_at = Some(wave.since);
}

/// Puts an assignment somewhere on the way, with the ticket it needs for that.
pub(super) fn put(snapshot: &mut Snapshot, wave: usize, place: usize, state: AssignmentState) {
    let row = &mut snapshot.rollouts[0].waves[wave - 1].assignments[place];
    row.state = state;
    if state.needs_ticket() {
        snapshot.tickets.push(TicketFacts {
            id: TicketId::from_uuid(row.id.as_uuid()),
            assignment: row.id,
            pump: row.pump,
            not_after: now() + TimeDelta::hours(4),
            withdrawn: false,
        });
    }
}

pub(super) fn actions(plan: &Plan) -> Vec<&AssignmentAction> {
    fn action(step: &Step) -> Option<&AssignmentAction> {
        match step {
            Step::Assignment { action, .. } => Some(action),
            Step::Rollout { .. } | Step::Wave { .. } => None,
        }
    }
    plan.steps.iter().filter_map(action).collect()
}

pub(super) fn installs(plan: &Plan) -> usize {
    let is_install = |action: &&&AssignmentAction| matches!(action, AssignmentAction::OrderInstall { .. });
    actions(plan).iter().filter(is_install).count()
}

pub(super) fn tickets(plan: &Plan) -> usize {
    let is_ticket = |action: &&&AssignmentAction| matches!(action, AssignmentAction::IssueTicket { .. });
    actions(plan).iter().filter(is_ticket).count()
}

pub(super) fn waits(plan: &Plan) -> Vec<String> {
    plan.waiting
        .iter()
        .map(|waiting| waiting.what.to_string())
        .collect()
}

pub(super) fn one_staged() -> Snapshot {
    let mut snapshot = a_snapshot(&[&[1]], now());
    open(&mut snapshot, 1);
    put(&mut snapshot, 1, 0, AssignmentState::Staged);
    snapshot
}
