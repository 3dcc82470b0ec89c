//! The gates of a rollout, as its page shows them: every condition, met or not, with who is asked.

use fleet::rollout::{
    gate::{Tally, Unmet, approvals, approvals_needed, before_opening, before_the_next, verified_needed},
    snapshot::{RolloutFacts, WaveFacts},
    state::{RolloutState, WaveState},
};

use super::Clock;
use crate::web::words;

/// No more care areas are named one by one.
const MOST: usize = 6;

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) met: bool,
    pub(super) what: String,
}

/// What has to hold before something.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    pub(super) before: String,
    pub(super) conditions: Vec<Condition>,
}

impl Gate {
    /// Whether it is open.
    pub(super) fn is_met(&self) -> bool {
        self.conditions.iter().all(|condition| condition.met)
    }
}

fn met(what: impl Into<String>) -> Condition {
    Condition {
        met: true,
        what: what.into(),
    }
}

fn missing(what: impl Into<String>) -> Condition {
    Condition {
        met: false,
        what: what.into(),
    }
}

fn is(met: bool, what: String) -> Condition {
    Condition { met, what }
}

const fn has_opened(wave: &WaveFacts) -> bool {
    !matches!(wave.state, WaveState::Pending | WaveState::Briefing)
}

/// The gate before the first wave.
pub(super) fn before_the_first(rollout: &RolloutFacts, clock: Clock) -> Gate {
    let mut conditions = Vec::new();
    let needed = approvals_needed(rollout.emergency.is_some());
    let is_past = matches!(
        rollout.state,
        RolloutState::Scheduled
            | RolloutState::Running
            | RolloutState::Paused
            | RolloutState::Halted
            | RolloutState::Completed
    );
    let have = approvals(rollout).len();
    conditions.push(is(
        is_past || have >= needed,
        match needed {
            1 if is_past || have >= 1 => "Approved by somebody other than its author".to_owned(),
            1 => "Somebody other than its author has to approve it".to_owned(),
            _ => format!(
                "{} of {needed} people other than its author have approved it",
                have.min(needed)
            ),
        },
    ));
    conditions.push(is(
        rollout.begins_at <= clock.now,
        format!("Not before {}", clock.say(rollout.begins_at)),
    ));
    conditions.extend(
        rollout
            .waves
            .first()
            .into_iter()
            .flat_map(|wave| briefing(rollout, wave, clock)),
    );
    Gate {
        before: "Before wave 1".to_owned(),
        conditions,
    }
}

/// The gate behind a wave, and before the one that follows, if one does.
pub(super) fn behind(
    rollout: &RolloutFacts,
    wave: &WaveFacts,
    next: Option<&WaveFacts>,
    clock: Clock,
) -> Gate {
    let mut conditions = Vec::new();
    if wave.state == WaveState::Passed {
        conditions.push(met(format!("Wave {} passed", wave.number)));
    } else {
        of_results(rollout, wave, clock, &mut conditions);
    }
    if let Some(next) = next {
        conditions.extend(briefing(rollout, next, clock));
    }
    Gate {
        before: match next {
            Some(next) => format!("Before wave {}", next.number),
            None => "Before it is complete".to_owned(),
        },
        conditions,
    }
}

fn of_results(rollout: &RolloutFacts, wave: &WaveFacts, clock: Clock, into: &mut Vec<Condition>) {
    let tally = Tally::of(&wave.assignments);
    let unmet = before_the_next(rollout, wave, clock.now);
    let settled = tally.total.saturating_sub(tally.unsettled);
    into.push(is(
        tally.unsettled == 0 && tally.total > 0,
        format!("{settled} of {} pumps accounted for", tally.total),
    ));
    let needed = verified_needed(&rollout.limits, tally.total);
    into.push(is(
        tally.verified >= needed,
        format!(
            "{} of {} verified, at least {needed}",
            tally.verified, tally.total
        ),
    ));
    into.push(is(
        tally.within(&rollout.limits, wave.failures_accepted).is_ok(),
        match tally.failures {
            0 => "None failed".to_owned(),
            failures => format!(
                "{failures} failed; halts at more than {} and {} or more",
                rollout.limits.failure_share,
                rollout.limits.failure_count.max(1)
            ),
        },
    ));
    let hours = rollout.limits.soak(rollout.emergency.is_some());
    let length = match (hours.num_hours(), hours.num_minutes()) {
        (0, minutes) => format!("{minutes} min"),
        (hours, _) => format!("{hours} h"),
    };
    let soaking = unmet.iter().find(|unmet| matches!(unmet, Unmet::Soak { .. }));
    into.push(match (soaking, wave.state) {
        (Some(unmet), _) => missing(words::unmet(unmet, &|at| clock.say(at))),
        (None, WaveState::Soaking | WaveState::AwaitingApproval | WaveState::Passed) => {
            met(format!("Watched for {length}"))
        }
        (None, _) => missing(format!("Watched for {length} after the last pump")),
    });
    let unsigned = unmet
        .iter()
        .filter(|unmet| matches!(unmet, Unmet::WaveUnsigned { .. }));
    let all = format!("Charge nurses signed for wave {}", wave.number);
    by_care_area(unsigned.collect(), &all, clock, into);
}

/// Whether a wave's care areas know what comes.
fn briefing(rollout: &RolloutFacts, wave: &WaveFacts, clock: Clock) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let unmet = before_opening(wave, &rollout.limits);
    if has_opened(wave) {
        conditions.push(met(format!("Wave {} was told what changes", wave.number)));
    } else {
        let all = format!("Charge nurses of wave {} signed the briefing", wave.number);
        by_care_area(unmet.iter().collect(), &all, clock, &mut conditions);
    }
    conditions
}

fn by_care_area(unmet: Vec<&Unmet>, all: &str, clock: Clock, into: &mut Vec<Condition>) {
    if unmet.is_empty() {
        into.push(met(all));
        return;
    }
    let more = unmet.len().saturating_sub(MOST);
    let say = |at| clock.say(at);
    into.extend(
        unmet
            .into_iter()
            .take(MOST)
            .map(|unmet| missing(words::unmet(unmet, &say))),
    );
    if more > 0 {
        into.push(missing(format!("{more} more of this kind")));
    }
}
