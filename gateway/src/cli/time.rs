//! Times as people write and read them. Everywhere else they are UTC.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, Local, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use fleet::Timestamp;
use thiserror::Error;

/// The moment from which tables look at other moments, and the zone a person lives in.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Now.
    pub now: Timestamp,
    /// A fixed zone, or this machine's when there is none.
    pub zone: Option<FixedOffset>,
}

impl Times {
    /// Relative within a day of now (`3 min ago`, `in 5 h`), otherwise local date and time to the minute.
    #[must_use]
    pub fn show(&self, at: Timestamp) -> String {
        let ahead = at.signed_duration_since(self.now);
        let distance = ahead.abs();
        if distance >= TimeDelta::days(1) {
            return self.local(at).format("%Y-%m-%d %H:%M").to_string();
        }
        let span = match (
            distance.num_hours(),
            distance.num_minutes(),
            distance.num_seconds(),
        ) {
            (0, 0, 0..5) => return "now".to_owned(),
            (0, 0, seconds) => format!("{seconds} s"),
            (0, minutes, _) => format!("{minutes} min"),
            (hours, _, _) => format!("{hours} h"),
        };
        if ahead > TimeDelta::zero() {
            format!("in {span}")
        } else {
            format!("{span} ago")
        }
    }

    /// Local date and time to the second with its offset, for one thing that is looked at closely.
    #[must_use]
    pub fn exact(&self, at: Timestamp) -> String {
        self.local(at).format("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    /// Local date.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> String {
        self.local(at).format("%Y-%m-%d").to_string()
    }

    fn local(&self, at: Timestamp) -> DateTime<FixedOffset> {
        match self.zone {
            Some(zone) => at.with_timezone(&zone),
            None => at.with_timezone(&Local).fixed_offset(),
        }
    }
}

/// A beginning that a person gave: a span before now, or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    Ago(TimeDelta),
    At(Timestamp),
}

/// Not a span and not a moment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("write a span (90s, 15m, 1h, 7d), a date (2026-03-01) or a time (2026-03-01T07:30:00Z)")]
pub struct SinceError;

impl Since {
    /// The moment that is meant.
    #[must_use]
    pub fn moment(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(span) => now.checked_sub_signed(span).unwrap_or(Timestamp::MIN_UTC),
            Self::At(at) => at,
        }
    }

    fn span(text: &str) -> Option<TimeDelta> {
        let unit = text.chars().last()?;
        let count: i64 = text
            .strip_suffix(unit)?
            .parse()
            .ok()
            .filter(|count| *count >= 0)?;
        match unit {
            's' => TimeDelta::try_seconds(count),
            'm' => TimeDelta::try_minutes(count),
            'h' => TimeDelta::try_hours(count),
            'd' => TimeDelta::try_days(count),
            'w' => TimeDelta::try_weeks(count),
            _ => None,
        }
    }

    /// A date begins at midnight where the person is; where the clock skips midnight, at the first moment after it.
    fn date(text: &str) -> Option<Timestamp> {
        let midnight = NaiveDate::from_str(text).ok()?.and_time(NaiveTime::MIN);
        (0..=3)
            .find_map(|hours| {
                Local
                    .from_local_datetime(&(midnight + TimeDelta::hours(hours)))
                    .earliest()
            })
            .map(|local| local.with_timezone(&Utc))
    }
}

impl FromStr for Since {
    type Err = SinceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(span) = Self::span(text) {
            return Ok(Self::Ago(span));
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.with_timezone(&Utc)));
        }
        Self::date(text).map(Self::At).ok_or(SinceError)
    }
}

/// A moment that a person gave, to come or past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

/// Not a moment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("write a date (2026-03-01) or a time with its offset (2026-03-01T22:00:00+01:00)")]
pub struct MomentError;

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(Since::At(at)) => Ok(Self(at)),
            Ok(Since::Ago(_)) | Err(SinceError) => Err(MomentError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    #[test]
    fn near_times_are_relative_and_far_ones_local() {
        let times = Times {
            now: NOW,
            zone: FixedOffset::east_opt(3600),
        };
        let check = |seconds: i64, expected: &str| {
            assert_eq!(times.show(NOW + TimeDelta::seconds(seconds)), expected);
        };
        check(0, "now");
        check(-4, "now");
        check(-59, "59 s ago");
        check(-61, "1 min ago");
        check(-7_300, "2 h ago");
        check(-86_399, "23 h ago");
        check(-86_400, "2027-01-14 09:00");
        check(300, "in 5 min");
        check(90_000, "2027-01-16 10:00");
        assert_eq!(times.exact(NOW), "2027-01-15 09:00:00 +01:00");
    }

    #[test]
    fn people_write_spans_dates_and_times() {
        let check = |text: &str, expected| assert_eq!(text.parse(), expected, "{text}");
        check("90s", Ok(Since::Ago(TimeDelta::seconds(90))));
        check("15m", Ok(Since::Ago(TimeDelta::minutes(15))));
        check(" 1h ", Ok(Since::Ago(TimeDelta::hours(1))));
        check("7d", Ok(Since::Ago(TimeDelta::days(7))));
        check("2027-01-15T09:00:00+01:00", Ok(Since::At(NOW)));
        for bad in [
            "",
            "h",
            "-1h",
            "1y",
            "yesterday",
            "2027-13-01",
            "99999999999999999999d",
            "9999999999999999w",
            "1💉",
        ] {
            check(bad, Err(SinceError));
        }
        assert!(matches!("2027-01-15".parse(), Ok(Since::At(_))));
        assert_eq!("2027-01-15T09:00:00+01:00".parse(), Ok(Moment(NOW)));
        assert_eq!("7d".parse::<Moment>(), Err(MomentError));
        assert_eq!(Since::Ago(TimeDelta::MAX).moment(NOW), Timestamp::MIN_UTC);
    }
}
