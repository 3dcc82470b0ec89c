//! The time beside a signature: an instant, and the offset of the wall clock that the person read.

use std::{fmt, str::FromStr};

use chrono::{DateTime, FixedOffset, Offset, ParseError, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::canonical;
use crate::Timestamp;

/// An instant in whole microseconds with an offset from UTC in whole minutes: what RFC 3339 can say and a database keeps.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ZonedTime {
    at: Timestamp,
    offset_minutes: i32,
}

impl ZonedTime {
    /// An instant as a wall clock with this offset shows it. What is finer than a microsecond or a minute is cut.
    #[must_use]
    pub fn new(at: Timestamp, offset: FixedOffset) -> Self {
        Self {
            at: at.trunc_subsecs(6),
            offset_minutes: offset.local_minus_utc() / 60,
        }
    }

    /// The instant.
    #[must_use]
    pub const fn at(self) -> Timestamp {
        self.at
    }

    /// The day on the calendar beside that wall clock.
    #[must_use]
    pub fn local_date(self) -> chrono::NaiveDate {
        let east = TimeDelta::minutes(i64::from(self.offset_minutes));
        let utc = self.at.naive_utc();
        utc.checked_add_signed(east).unwrap_or(utc).date()
    }

    /// Minutes east of UTC, for the database.
    #[must_use]
    pub const fn offset_minutes(self) -> i32 {
        self.offset_minutes
    }

    /// From an instant and minutes east of UTC, as the database keeps them; beyond a day it is UTC.
    #[must_use]
    pub fn from_parts(at: Timestamp, offset_minutes: i32) -> Self {
        let offset = FixedOffset::east_opt(offset_minutes.saturating_mul(60));
        Self::new(at, offset.unwrap_or_else(|| Utc.fix()))
    }
}

impl fmt::Display for ZonedTime {
    /// RFC 3339 with six digits of a second: `2026-11-24T08:15:30.000000+01:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let east = TimeDelta::minutes(i64::from(self.offset_minutes));
        let wall = self.at.naive_utc().checked_add_signed(east);
        let minutes = self.offset_minutes.unsigned_abs();
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        match wall {
            Some(wall) => write!(
                f,
                "{}{sign}{:02}:{:02}",
                wall.format("%Y-%m-%dT%H:%M:%S%.6f"),
                minutes / 60,
                minutes % 60
            ),
            // The last day of the calendar, a quarter of a million years from now.
            None => f.write_str(&canonical::utc(self.at)),
        }
    }
}

impl fmt::Debug for ZonedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ZonedTime({self})")
    }
}

impl FromStr for ZonedTime {
    type Err = ParseError;

    /// Any RFC 3339 time.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text).map(|time| Self::new(time.to_utc(), *time.offset()))
    }
}

impl Serialize for ZonedTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ZonedTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_written_as_the_wall_clock_showed_it() {
        let check = |at: i64, offset: i32, expected: &str| {
            let at = DateTime::from_timestamp(at, 123_456_789).unwrap();
            let time = ZonedTime::new(at, FixedOffset::east_opt(offset).unwrap());
            assert_eq!(time.to_string(), expected);
        };
        check(1_800_000_000, 3600, "2027-01-15T09:00:00.123456+01:00");
        check(1_800_000_000, 0, "2027-01-15T08:00:00.123456+00:00");
        check(
            1_800_000_000,
            -(9 * 3600 + 1800),
            "2027-01-14T22:30:00.123456-09:30",
        );
        // Amsterdam before 1937: RFC 3339 knows no seconds here.
        check(1_800_000_000, 1172, "2027-01-15T08:19:00.123456+00:19");
    }

    proptest! {
        #[test]
        fn it_reads_back(micros in 0..4_000_000_000_000_000_i64, minutes in -1439..1440_i32) {
            let at = DateTime::from_timestamp_micros(micros).unwrap();
            let time = ZonedTime::from_parts(at, minutes);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
            prop_assert_eq!((time.at(), time.offset_minutes()), (at, minutes));
        }
    }
}
