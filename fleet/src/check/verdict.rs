//! What is said of a check, and of the pump.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{CheckUnit, Limits};
use crate::text::InstrumentId;

/// What the checks of a pump come to, the better before the worse: the worst check decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CheckOutcome {
    /// Every check of the plan passed. A person may sign.
    Passed,
    /// Results are still to come, and are not late.
    Awaiting,
    /// A reading close to a limit, or one that a person must make sense of.
    Review,
    /// A check was not run.
    NotRun,
    /// No result in time.
    Overdue,
    /// A check failed, or contradicts itself.
    Failed,
}

impl CheckOutcome {
    /// Every outcome, the better before the worse.
    pub const ALL: [Self; 6] = [
        Self::Passed,
        Self::Awaiting,
        Self::Review,
        Self::NotRun,
        Self::Overdue,
        Self::Failed,
    ];

    /// The word in the API, in the database and in the signed bytes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Awaiting => "awaiting",
            Self::Review => "review",
            Self::NotRun => "not_run",
            Self::Overdue => "overdue",
            Self::Failed => "failed",
        }
    }

    /// The words a person reads.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Awaiting => "Awaiting results",
            Self::Review => "Needs review",
            Self::NotRun => "Not run",
            Self::Overdue => "Overdue",
            Self::Failed => "Failed",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// S4: whether it holds the pump.
    #[must_use]
    pub const fn holds(self) -> bool {
        match self {
            Self::Passed | Self::Awaiting => false,
            Self::Review | Self::NotRun | Self::Overdue | Self::Failed => true,
        }
    }
}

/// What is said of one check.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Pass,
    /// No result yet, and it is not late.
    Awaiting,
    Review(ReviewReason),
    NotRun(NotRunReason),
    /// No result in time; one that comes later does not change it.
    Overdue,
    Fail(FailReason),
}

/// Why a person must look.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ReviewReason {
    #[error("{value} {} is within {band} of the limits {limits}", .limits.unit)]
    GuardBand { value: f64, band: f64, limits: Limits },
    #[error("was read in {given}; the plan gives its limits in {expected}")]
    Unit { given: CheckUnit, expected: CheckUnit },
    #[error("gave another kind of reading than the plan asks for")]
    OtherKind,
    #[error("has nothing to be compared with; enter the approved drug library")]
    NothingToCompare,
}

/// Why a check counts as not run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotRunReason {
    #[error("was not run")]
    Said,
    #[error("is missing from the pump's report")]
    Missing,
    #[error("has no reading; a pass without a reading is not believed")]
    NoReading,
    #[error("needs an instrument, and none is named")]
    NoInstrument,
    #[error("was read with instrument {instrument}, whose calibration ended on {ended}")]
    Calibration {
        instrument: InstrumentId,
        ended: NaiveDate,
    },
    #[error("was read before the update it is to prove")]
    BeforeUpdate,
    #[error("was read at a time that is still to come; check the clock")]
    InFuture,
}

/// Why a check failed.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum FailReason {
    #[error("{value} {} is outside {limits}", .limits.unit)]
    OutOfLimits { value: f64, limits: Limits },
    #[error("the reading is not a number")]
    NotANumber,
    #[error("what is on the pump differs from what was approved")]
    DigestDiffers,
    #[error("the answer to the prompt is no")]
    Denied,
    #[error("the pump itself says that it failed")]
    PumpSays,
    #[error("two results contradict one another")]
    Contradictory,
}

impl Verdict {
    /// Which outcome it is.
    #[must_use]
    pub const fn outcome(&self) -> CheckOutcome {
        match self {
            Self::Pass => CheckOutcome::Passed,
            Self::Awaiting => CheckOutcome::Awaiting,
            Self::Review(_) => CheckOutcome::Review,
            Self::NotRun(_) => CheckOutcome::NotRun,
            Self::Overdue => CheckOutcome::Overdue,
            Self::Fail(_) => CheckOutcome::Failed,
        }
    }

    /// Why, for a person; nothing where the outcome says it all.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Pass | Self::Awaiting | Self::Overdue => None,
            Self::Review(reason) => Some(reason.to_string()),
            Self::NotRun(reason) => Some(reason.to_string()),
            Self::Fail(reason) => Some(reason.to_string()),
        }
    }
}
