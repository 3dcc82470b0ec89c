//! The bounds within which a rollout goes on, and those of the hospital for all of them together.

use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Timestamp;

/// A share of a whole: 0 to 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = u8, minimum = 0, maximum = 100))]
pub struct Percent(u8);

/// More than the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0} % is more than all of it; give 0 to 100")]
pub struct NotAShare(u8);

impl Percent {
    /// Takes 0 to 100.
    ///
    /// # Errors
    /// [`NotAShare`] above 100.
    pub const fn new(percent: u8) -> Result<Self, NotAShare> {
        if percent > 100 {
            Err(NotAShare(percent))
        } else {
            Ok(Self(percent))
        }
    }

    /// So many of a whole make up the share, rounded up.
    #[must_use]
    pub fn of(self, whole: u32) -> u32 {
        let exact = u64::from(self.0) * u64::from(whole);
        u32::try_from(exact.div_ceil(100)).unwrap_or(whole)
    }

    /// Whether a part of a whole is more than the share.
    #[must_use]
    pub fn is_exceeded_by(self, part: u32, whole: u32) -> bool {
        u64::from(part) * 100 > u64::from(self.0) * u64::from(whole)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

impl TryFrom<u8> for Percent {
    type Error = NotAShare;

    fn try_from(percent: u8) -> Result<Self, Self::Error> {
        Self::new(percent)
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

/// The bounds of one rollout. They are part of what is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// More failures than this share of a wave halt it, and
    pub failure_share: Percent,
    /// at least so many: one pump of three is no trend.
    pub failure_count: u32,
    /// So much of a wave has to be verified before the next.
    pub verified_share: Percent,
    /// So much of a care area's staff has to have read the briefing.
    pub briefing_share: Percent,
    /// So long a wave is watched.
    pub soak: TimeDelta,
    /// So long in an emergency.
    pub emergency_soak: TimeDelta,
    /// A pump that activates and says nothing for so long has failed.
    pub install_silence: TimeDelta,
    /// Checks that did not come to an end after so long have failed.
    pub check_deadline: TimeDelta,
    /// A pump that did not begin to install so long after its wave opened goes to the catch-up list.
    pub laggard_after: TimeDelta,
    /// A ticket is good for at most so long, and never beyond the window it was issued in.
    pub ticket_life: TimeDelta,
    /// Nothing is installed when less than this is left of the window.
    pub install_takes: TimeDelta,
    /// After a refusal or a broken download a pump is left in peace for so long,
    pub retry_after: TimeDelta,
    /// and after so many it goes to the catch-up list.
    pub attempts: u32,
    /// At most so many pumps are out of service for it at once.
    pub updates_at_once: u32,
    /// At most so many download for it at once.
    pub downloads_at_once: u32,
}

impl Limits {
    /// Where nobody set others.
    pub const DEFAULT: Self = Self {
        failure_share: Percent(5),
        failure_count: 2,
        verified_share: Percent(80),
        briefing_share: Percent(80),
        soak: TimeDelta::hours(24),
        emergency_soak: TimeDelta::hours(2),
        install_silence: TimeDelta::minutes(30),
        check_deadline: TimeDelta::hours(8),
        laggard_after: TimeDelta::days(7),
        ticket_life: TimeDelta::hours(12),
        install_takes: TimeDelta::minutes(20),
        retry_after: TimeDelta::minutes(15),
        attempts: 5,
        updates_at_once: 20,
        downloads_at_once: 50,
    };

    /// How long a wave is watched.
    #[must_use]
    pub fn soak(&self, emergency: bool) -> TimeDelta {
        if emergency {
            self.emergency_soak.min(self.soak)
        } else {
            self.soak
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The bounds of the hospital, for all rollouts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HospitalLimits {
    /// Whether pumps may download while they are in use. Off unless the hospital says so (S3). Installing never.
    pub background_download: bool,
    /// At most so many pumps are out of service for updates at once.
    pub updates_at_once: u32,
    /// What firmware may take of the network.
    pub bandwidth: Bandwidth,
}

/// A share of the network, in bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// All downloads together.
    pub total: u64,
    /// What a download needs to get anywhere.
    pub per_download: u64,
}

impl Bandwidth {
    /// So many downloads at once get anywhere; at least one, or none ever would.
    #[must_use]
    pub fn downloads(self) -> u32 {
        let many = self.total.checked_div(self.per_download).unwrap_or(u64::MAX);
        u32::try_from(many).unwrap_or(u32::MAX).max(1)
    }
}

impl HospitalLimits {
    /// Where nobody set others: 20 MB/s in all, 0.5 MB/s each.
    pub const DEFAULT: Self = Self {
        background_download: false,
        updates_at_once: 100,
        bandwidth: Bandwidth {
            total: 20_000_000,
            per_download: 500_000,
        },
    };
}

impl Default for HospitalLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// An instant so much later; at the end of the calendar it stays there.
#[must_use]
pub(super) fn later(at: Timestamp, span: TimeDelta) -> Timestamp {
    at.checked_add_signed(span)
        .unwrap_or(if span < TimeDelta::zero() {
            Timestamp::MIN_UTC
        } else {
            Timestamp::MAX_UTC
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_against_us() {
        let check = |percent: u8, whole: u32, expected: u32| {
            assert_eq!(
                Percent::new(percent).unwrap().of(whole),
                expected,
                "{percent} % of {whole}"
            );
        };
        check(80, 10, 8);
        check(80, 11, 9);
        check(1, 1, 1);
        check(0, 10, 0);
        check(100, u32::MAX, u32::MAX);
        assert!(Percent::new(101).is_err());
        assert!(serde_json::from_str::<Percent>("101").is_err());
        assert!(!Percent(5).is_exceeded_by(1, 20));
        assert!(Percent(5).is_exceeded_by(2, 39));
        assert!(!Percent(100).is_exceeded_by(u32::MAX, u32::MAX));
    }

    #[test]
    fn bandwidth_is_a_number_of_downloads() {
        let check = |total: u64, per_download: u64, expected: u32| {
            assert_eq!(Bandwidth { total, per_download }.downloads(), expected);
        };
        check(20_000_000, 500_000, 40);
        check(100, 500_000, 1);
        check(100, 0, u32::MAX);
    }

    #[test]
    fn an_emergency_is_never_watched_for_longer() {
        let limits = Limits {
            soak: TimeDelta::hours(1),
            ..Limits::DEFAULT
        };
        assert_eq!(limits.soak(true), TimeDelta::hours(1));
        assert_eq!(Limits::DEFAULT.soak(true), TimeDelta::hours(2));
        assert_eq!(later(Timestamp::MAX_UTC, TimeDelta::MAX), Timestamp::MAX_UTC);
    }
}
