//! Until when a manufacturer supports a model: what is fixed, what is fixed no longer, and what is set apart.
//!
//! IMDRF/CYBER WG/N60 and N70 divide the life of a device in the field: *supported*, then *limited support* from its end of life on
//! (some vulnerabilities are mended, others only compensated for), then nothing from its end of support on.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Until when a model is supported. Each date is the last day, by the clocks on the hospital's walls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Support {
    /// Until its end of life everything is mended.
    pub full_until: Option<NaiveDate>,
    /// Until its end of support something is.
    pub until: Option<NaiveDate>,
}

/// Where in its life a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SupportStage {
    /// The manufacturer said nothing, or nobody wrote it down.
    Unknown,
    /// Everything is mended.
    Full,
    /// Past its end of life: some things are.
    Limited,
    /// Past its end of support: nothing is.
    Ended,
}

/// Dates that can not both be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "full support until {full_until} would outlast all support, which ends on {until}; correct one of the two dates"
)]
pub struct SupportError {
    full_until: NaiveDate,
    until: NaiveDate,
}

impl Support {
    /// Whether the dates can both be right.
    ///
    /// # Errors
    /// [`SupportError`] where full support would outlast all support.
    pub fn check(self) -> Result<Self, SupportError> {
        match (self.full_until, self.until) {
            (Some(full_until), Some(until)) if full_until > until => Err(SupportError { full_until, until }),
            _ => Ok(self),
        }
    }

    /// Where in its life a model is on a day. A date that nobody knows ends nothing.
    #[must_use]
    pub fn on(self, day: NaiveDate) -> SupportStage {
        match (self.full_until, self.until) {
            (_, Some(until)) if day > until => SupportStage::Ended,
            (Some(full_until), _) if day > full_until => SupportStage::Limited,
            (None, None) => SupportStage::Unknown,
            _ => SupportStage::Full,
        }
    }
}

impl SupportStage {
    /// The words a person reads.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unknown => "Support not known",
            Self::Full => "Supported",
            Self::Limited => "Limited support",
            Self::Ended => "Support ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_date_is_the_last_day_on_which_it_holds() {
        let check = |full: Option<&str>, until: Option<&str>, on: &str, expected| {
            let support = Support {
                full_until: full.map(day),
                until: until.map(day),
            };
            assert_eq!(
                support.check().unwrap().on(day(on)),
                expected,
                "{support:?} on {on}"
            );
        };
        let (full, until) = (Some("2027-06-30"), Some("2029-12-31"));
        check(None, None, "2999-01-01", SupportStage::Unknown);
        check(full, until, "2027-06-30", SupportStage::Full);
        check(full, until, "2027-07-01", SupportStage::Limited);
        check(full, until, "2029-12-31", SupportStage::Limited);
        check(full, until, "2030-01-01", SupportStage::Ended);
        check(None, until, "2029-12-31", SupportStage::Full);
        check(None, until, "2030-01-01", SupportStage::Ended);
        check(full, None, "2027-06-30", SupportStage::Full);
        check(full, None, "2999-01-01", SupportStage::Limited);
        check(until, until, "2029-12-31", SupportStage::Full);
        check(until, until, "2030-01-01", SupportStage::Ended);
    }

    #[test]
    fn full_support_does_not_outlast_support() {
        let support = Support {
            full_until: Some(day("2030-01-01")),
            until: Some(day("2029-12-31")),
        };
        assert_eq!(
            support.check().unwrap_err().to_string(),
            "full support until 2030-01-01 would outlast all support, which ends on 2029-12-31; correct one of the two dates"
        );
    }
}
