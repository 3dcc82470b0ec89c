//! Pumps that come to a rollout while it is under way: enrolled, moved, released from a hold, or on a version from which a path leads.
//!
//! An approval vouches for the rule and its bound, which are part of the spec, and for the release. So a pump joins only what was
//! approved, only by that rule, and only the last wave while nobody was told of it: from the briefing on, people sign over
//! the pumps they see, and nothing is added to what they signed. The pump then waits for the gate like every other (S2).

use std::collections::BTreeSet;

use super::{
    spec::{Spec, Takes},
    state::{RolloutState, WaveState},
};
use crate::{
    id::PumpId,
    pump::PumpFacts,
    release::{Manifest, TargetPath, choose_target},
};

/// How far a rollout is, as far as joining depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub rollout: RolloutState,
    /// How far its last wave is.
    pub last_wave: WaveState,
    /// So many pumps joined it already.
    pub joined: u32,
}

/// How many more pumps may join.
#[must_use]
pub fn places(spec: &Spec, standing: &Standing) -> u32 {
    let at_most = spec.joins.map_or(0, |joins| joins.at_most);
    let is_running = match standing.rollout {
        RolloutState::Running => true,
        // What stands still takes on nothing (S7). Until it runs it can be taken back and approved anew, over other pumps.
        RolloutState::Draft
        | RolloutState::AwaitingApproval
        | RolloutState::Scheduled
        | RolloutState::Paused
        | RolloutState::Halted
        | RolloutState::Cancelled
        | RolloutState::Completed => false,
    };
    let is_unannounced = match standing.last_wave {
        WaveState::Pending => true,
        WaveState::Briefing
        | WaveState::Open
        | WaveState::Soaking
        | WaveState::AwaitingApproval
        | WaveState::Passed
        | WaveState::Halted => false,
    };
    if is_running && is_unannounced {
        at_most.saturating_sub(standing.joined)
    } else {
        0
    }
}

/// Which pumps join the last wave, each with the file it gets, by serial number. `members` are all that have or had a place in
/// the rollout: who was taken out does not come back by itself.
#[must_use]
pub fn join(
    spec: &Spec,
    manifest: &Manifest,
    standing: &Standing,
    members: &BTreeSet<PumpId>,
    pumps: &[PumpFacts],
) -> Vec<(PumpId, TargetPath)> {
    let places = usize::try_from(places(spec, standing)).unwrap_or(usize::MAX);
    let Some(last) = spec.waves.last().filter(|_| places > 0) else {
        return Vec::new();
    };
    let mut joining: Vec<_> = pumps
        .iter()
        .filter(|pump| !members.contains(&pump.id) && spec.pumps.has(pump) && is_taken(&last.takes, pump))
        .filter_map(|pump| {
            let target = choose_target(manifest, pump).ok()?;
            Some((&pump.serial, pump.id, target.path.clone()))
        })
        .collect();
    joining.sort_unstable();
    joining.dedup_by_key(|(_, pump, _)| *pump);
    joining.truncate(places);
    joining
        .into_iter()
        .map(|(_, pump, target)| (pump, target))
        .collect()
}

fn is_taken(takes: &Takes, pump: &PumpFacts) -> bool {
    match takes {
        // A number was taken when the rollout was written.
        Takes::Count(_) | Takes::Percent(_) => false,
        Takes::CareAreas(_) | Takes::List(_) | Takes::Filter(_) | Takes::Rest => takes.has(pump),
    }
}

#[cfg(test)]
mod tests;
