//! The life of a certificate in time: when to renew, when to worry, when a session must end.

use chrono::TimeDelta;
use serde::Serialize;

use super::CertificateRecord;
use crate::Timestamp;

/// A late renewal that a person armed for a pump with an expired certificate is good for this long.
pub const LATE_RENEWAL_ARMED_FOR: TimeDelta = TimeDelta::days(7);

/// When a pump should renew: at two thirds of the life, moved by up to 5 % of it either way so that a fleet
/// enrolled on one day does not renew in one hour. `spread` is a number in 0..=1 that the caller draws once per certificate.
#[must_use]
pub fn renewal_at(not_before: Timestamp, not_after: Timestamp, spread: f64) -> Timestamp {
    let life = not_after.signed_duration_since(not_before).num_milliseconds();
    let share = 2.0 / 3.0 + 0.05 * (2.0 * spread.clamp(0.0, 1.0) - 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a life in milliseconds is far below 2^52"
    )]
    let offset = (life as f64 * share).round() as i64;
    not_before + TimeDelta::milliseconds(offset)
}

/// Whether a renewal may be granted without anybody asking why: from the earliest moment that [`renewal_at`] may name.
#[must_use]
pub fn renewal_due(not_before: Timestamp, not_after: Timestamp, now: Timestamp) -> bool {
    now >= renewal_at(not_before, not_after, 0.0)
}

/// Where a pump's newest certificate stands, for the forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Expiry {
    /// Already over: the pump can not connect.
    Expired,
    /// Less than a day left.
    WithinDay,
    /// Less than a week left.
    WithinWeek,
    /// Past the latest moment at which the pump should have renewed.
    Overdue,
    /// All as it should be.
    Fine,
}

impl Expiry {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 5] = [
        Self::Expired,
        Self::WithinDay,
        Self::WithinWeek,
        Self::Overdue,
        Self::Fine,
    ];

    /// The word in the API and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::WithinDay => "within_day",
            Self::WithinWeek => "within_week",
            Self::Overdue => "overdue",
            Self::Fine => "fine",
        }
    }

    /// The words in a table.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::WithinDay => "less than a day",
            Self::WithinWeek => "less than a week",
            Self::Overdue => "renewal overdue",
            Self::Fine => "fine",
        }
    }
}

/// Classes a certificate; the most urgent class that applies.
#[must_use]
pub fn expiry(not_before: Timestamp, not_after: Timestamp, now: Timestamp) -> Expiry {
    let left = not_after.signed_duration_since(now);
    if left < TimeDelta::zero() {
        Expiry::Expired
    } else if left < TimeDelta::days(1) {
        Expiry::WithinDay
    } else if left < TimeDelta::days(7) {
        Expiry::WithinWeek
    } else if now > renewal_at(not_before, not_after, 1.0) {
        Expiry::Overdue
    } else {
        Expiry::Fine
    }
}

/// A session lives no longer than the certificate that opened it.
#[must_use]
pub fn session_must_end(opened_with: &CertificateRecord, now: Timestamp) -> bool {
    opened_with.revoked.is_some() || now > opened_with.not_after
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    fn end() -> Timestamp {
        START + TimeDelta::days(90)
    }

    #[test]
    fn a_90_day_certificate_renews_around_day_60() {
        let hours = |spread| (renewal_at(START, end(), spread) - START).num_hours();
        assert_eq!([0.0, 0.5, 1.0].map(hours), [55 * 24 + 12, 60 * 24, 64 * 24 + 12]);
    }

    #[test]
    fn the_forecast_names_the_most_urgent_class() {
        let check = |days: i64, expected| {
            assert_eq!(
                expiry(START, end(), START + TimeDelta::days(days)),
                expected,
                "day {days}"
            );
        };
        check(0, Expiry::Fine);
        check(64, Expiry::Fine);
        check(65, Expiry::Overdue);
        check(84, Expiry::WithinWeek);
        check(90, Expiry::WithinDay);
        check(91, Expiry::Expired);
    }

    proptest! {
        #[test]
        fn renewal_is_always_inside_the_life(life_hours in 1_i64..200_000, spread in -1.0..2.0_f64) {
            let end = START + TimeDelta::hours(life_hours);
            let at = renewal_at(START, end, spread);
            prop_assert!(at > START && at < end);
            prop_assert!(renewal_due(START, end, at));
        }
    }
}
