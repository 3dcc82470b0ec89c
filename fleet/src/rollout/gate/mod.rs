//! The gates: what has to hold before a rollout begins, before a wave opens, and before the next one may (S2, S12).
//!
//! A gate that is not met says everything that is missing, with numbers, so that a person can do all of it at once.

mod evidence;
mod hold;
mod signed;

use thiserror::Error;

pub use evidence::{approval_evidence, wave_evidence};
pub use hold::{HoldFacts, Retest, before_release_from_hold};
pub use signed::{Half, Objection, Signed, Wanted};

use super::{
    limits::{Limits, Percent, later},
    snapshot::{AssignmentFacts, CareAreaFacts, RolloutFacts, WaveFacts},
    state::{Stage, WaveState},
};
use crate::{
    Timestamp,
    id::{AccountId, CareAreaId},
    signature::Meaning,
    text::Name,
};

/// A condition that is not met.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unmet {
    #[error("{have} of {needed} people have approved it, other than whoever wrote it")]
    Approvals { have: usize, needed: usize },
    #[error("{area}: {briefed} of {staff} people have read the briefing, {needed} are needed")]
    Briefing {
        area: Name,
        briefed: u32,
        staff: u32,
        needed: u32,
    },
    #[error("{area}: the charge nurse has not signed the briefing{}", objected(*.objection))]
    BriefingUnsigned {
        area: Name,
        objection: Option<Objection>,
    },
    #[error("{count} of {total} pumps are not accounted for yet")]
    Unsettled { count: u32, total: u32 },
    #[error(
        "{verified} of {total} pumps are verified, {needed} are needed ({failures} failed, {left_behind} on the catch-up list)"
    )]
    TooFewVerified {
        verified: u32,
        total: u32,
        needed: u32,
        failures: u32,
        left_behind: u32,
    },
    #[error("{failures} of {total} pumps failed; more than {share} and at least {count} is too many")]
    TooManyFailures {
        failures: u32,
        total: u32,
        share: Percent,
        count: u32,
    },
    #[error("it is watched until {until}")]
    Soak { until: Timestamp },
    #[error("{area}: the charge nurse has not signed for the wave{}", objected(*.objection))]
    WaveUnsigned {
        area: Name,
        objection: Option<Objection>,
    },
    #[error("the retest has not passed")]
    Retest,
    #[error("a nurse has not signed{}", objected(*.objection))]
    NurseUnsigned { objection: Option<Objection> },
    #[error("biomed has not signed{}", objected(*.objection))]
    BiomedUnsigned { objection: Option<Objection> },
    #[error("security has not signed{}", objected(*.objection))]
    SecurityUnsigned { objection: Option<Objection> },
    #[error("the pump is sequestered: it is evidence until somebody ends that, and is then held clinically")]
    Evidence,
}

pub(super) fn objected(objection: Option<Objection>) -> String {
    objection
        .map(|objection| format!(": {objection}"))
        .unwrap_or_default()
}

/// What became of the pumps of a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All but those that a person took out.
    pub total: u32,
    pub verified: u32,
    pub failures: u32,
    /// On the catch-up list. They are accounted for, and are no success.
    pub left_behind: u32,
    /// Under way, or not begun.
    pub unsettled: u32,
    /// Taken out by a person; not among the total.
    pub taken_out: u32,
}

impl Tally {
    /// Counts.
    #[must_use]
    pub fn of(assignments: &[AssignmentFacts]) -> Self {
        let mut tally = Self::default();
        for assignment in assignments {
            let place = match assignment.state.stage() {
                Stage::Waiting | Stage::Preparing | Stage::Updating => &mut tally.unsettled,
                Stage::Verified => &mut tally.verified,
                Stage::Failed => &mut tally.failures,
                Stage::Left if assignment.left_behind => &mut tally.left_behind,
                Stage::Left => {
                    tally.taken_out = tally.taken_out.saturating_add(1);
                    continue;
                }
            };
            *place = place.saturating_add(1);
            tally.total = tally.total.saturating_add(1);
        }
        tally
    }

    /// Whether there are too many failures, by share and by number, beyond those a person looked at.
    ///
    /// # Errors
    /// [`Unmet::TooManyFailures`] when there are.
    pub fn within(self, limits: &Limits, accepted: u32) -> Result<(), Unmet> {
        let failures = self.failures.saturating_sub(accepted);
        let too_many = limits.failure_share.is_exceeded_by(failures, self.total)
            && failures >= limits.failure_count.max(1);
        if !too_many {
            return Ok(());
        }
        Err(Unmet::TooManyFailures {
            failures,
            total: self.total,
            share: limits.failure_share,
            count: limits.failure_count.max(1),
        })
    }
}

/// How many people have to approve a rollout: one who did not write it, in an emergency two.
#[must_use]
pub const fn approvals_needed(emergency: bool) -> usize {
    if emergency { 2 } else { 1 }
}

/// The approvals of a rollout that count (S12).
#[must_use]
pub fn approvals(rollout: &RolloutFacts) -> Vec<&Signed> {
    let wanted = Wanted {
        meaning: Meaning::RolloutApproved,
        care_area: None,
        not_by: &[(rollout.author, Half::WroteTheRollout)],
    };
    wanted.all_among(&rollout.approvals)
}

/// What is not met before a rollout may run.
#[must_use]
pub fn before_running(rollout: &RolloutFacts) -> Vec<Unmet> {
    let (have, needed) = (
        approvals(rollout).len(),
        approvals_needed(rollout.emergency.is_some()),
    );
    if have < needed {
        vec![Unmet::Approvals { have, needed }]
    } else {
        Vec::new()
    }
}

/// What is not met before a wave opens: in each of its care areas enough people know what comes, and the charge nurse signed so.
#[must_use]
pub fn before_opening(wave: &WaveFacts, limits: &Limits) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    for area in &wave.care_areas {
        let needed = limits.briefing_share.of(area.staff);
        if area.briefed < needed {
            unmet.push(Unmet::Briefing {
                area: area.name.clone(),
                briefed: area.briefed,
                staff: area.staff,
                needed,
            });
        }
        if let Err(objection) = briefed(area) {
            unmet.push(Unmet::BriefingUnsigned {
                area: area.name.clone(),
                objection,
            });
        }
    }
    unmet
}

fn briefed(area: &CareAreaFacts) -> Result<&Signed, Option<Objection>> {
    let wanted = Wanted {
        meaning: Meaning::BriefingAcknowledged,
        care_area: Some(area.id),
        not_by: &[],
    };
    wanted.among(&area.signatures)
}

/// The charge nurse's signature for a care area of a wave (S12: not by whoever wrote the rollout).
pub(super) fn wave_signature(area: &CareAreaFacts, author: AccountId) -> Result<&Signed, Option<Objection>> {
    let wanted = Wanted {
        meaning: Meaning::ApprovedForWave,
        care_area: Some(area.id),
        not_by: &[(author, Half::WroteTheRollout)],
    };
    wanted.among(&area.signatures)
}

/// How many of a wave have to be verified. One of which nothing is proves nothing, whatever share is asked for; nor does one
/// without pumps.
#[must_use]
pub fn verified_needed(limits: &Limits, total: u32) -> u32 {
    limits.verified_share.of(total).max(1)
}

/// What is not met before the next wave: all of it, not the first.
#[must_use]
pub fn before_the_next(rollout: &RolloutFacts, wave: &WaveFacts, now: Timestamp) -> Vec<Unmet> {
    let limits = &rollout.limits;
    let tally = Tally::of(&wave.assignments);
    let mut unmet = before_opening(wave, limits);
    if tally.unsettled > 0 {
        unmet.push(Unmet::Unsettled {
            count: tally.unsettled,
            total: tally.total,
        });
    }
    let needed = verified_needed(limits, tally.total);
    if tally.verified < needed {
        unmet.push(Unmet::TooFewVerified {
            verified: tally.verified,
            total: tally.total,
            needed,
            failures: tally.failures,
            left_behind: tally.left_behind,
        });
    }
    unmet.extend(tally.within(limits, wave.failures_accepted).err());
    unmet.extend(soak(rollout, wave, now));
    for area in &wave.care_areas {
        if let Err(objection) = wave_signature(area, rollout.author) {
            unmet.push(Unmet::WaveUnsigned {
                area: area.name.clone(),
                objection,
            });
        }
    }
    unmet
}

/// Whether a wave is still to be watched. One that waits for approval was.
#[must_use]
pub fn soak(rollout: &RolloutFacts, wave: &WaveFacts, now: Timestamp) -> Option<Unmet> {
    let until = later(wave.since, rollout.limits.soak(rollout.emergency.is_some()));
    match wave.state {
        WaveState::Soaking if now < until => Some(Unmet::Soak { until }),
        WaveState::Soaking
        | WaveState::AwaitingApproval
        | WaveState::Pending
        | WaveState::Briefing
        | WaveState::Open
        | WaveState::Passed
        | WaveState::Halted => None,
    }
}

/// The nurse's signature that verifies a pump: for its care area, and not by whoever ran its checks (S12).
///
/// # Errors
/// The objection to a signature that is there and does not count.
pub fn verified_by(
    assignment: &AssignmentFacts,
    care_area: Option<CareAreaId>,
) -> Result<&Signed, Option<Objection>> {
    let not_by: Vec<_> = assignment
        .checked_by
        .iter()
        .map(|account| (*account, Half::RanTheChecks))
        .collect();
    let wanted = Wanted {
        meaning: Meaning::VerifiedForClinicalUse,
        care_area,
        not_by: &not_by,
    };
    wanted.among(&assignment.signatures)
}

#[cfg(test)]
mod tests;
