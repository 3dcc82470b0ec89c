//! Times as people say them: how long ago within the last day, the date before that; the exact time, with its zone, on tap.

use std::fmt;

use askama::filters::HtmlSafe;
use chrono::{SecondsFormat, TimeDelta};
use chrono_tz::Tz;
use fleet::Timestamp;

/// An instant, in the hospital's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct When {
    /// As people say it.
    pub(super) words: String,
    /// With seconds' worth of precision left out, and the zone.
    exact: String,
    machine: String,
}

impl When {
    /// An instant as it is said at another.
    pub(super) fn of(at: Timestamp, now: Timestamp, zone: Tz) -> Self {
        let local = at.with_timezone(&zone);
        let here = now.with_timezone(&zone);
        let exact = local.format("%-d %b %Y, %H:%M %Z").to_string();
        let ago = now - at;
        let words = if ago < TimeDelta::zero() {
            if local.date_naive() == here.date_naive() {
                local.format("%H:%M").to_string()
            } else {
                local.format("%-d %b, %H:%M").to_string()
            }
        } else if ago < TimeDelta::minutes(1) {
            "just now".to_owned()
        } else if ago < TimeDelta::hours(1) {
            format!("{} min ago", ago.num_minutes())
        } else if ago < TimeDelta::hours(24) {
            format!("{} h ago", ago.num_hours())
        } else {
            local.format("%-d %b %Y").to_string()
        };
        Self {
            words,
            exact,
            machine: local.to_rfc3339_opts(SecondsFormat::Secs, false),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            words,
            exact,
            machine,
        } = self;
        write!(f, r#"<time datetime="{machine}" title="{exact}">{words}</time>"#)
    }
}

/// Digits, letters and signs of the format above, nothing that a person wrote.
impl HtmlSafe for When {}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn an_instant_is_said_as_people_say_it_by_the_clocks_on_the_wall() {
        let now: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let check = |ago: TimeDelta, words: &str| {
            assert_eq!(When::of(now - ago, now, Tz::Europe__Berlin).words, words);
        };
        check(TimeDelta::zero(), "just now");
        check(TimeDelta::seconds(59), "just now");
        check(TimeDelta::seconds(60), "1 min ago");
        check(TimeDelta::minutes(59), "59 min ago");
        check(TimeDelta::hours(1), "1 h ago");
        check(TimeDelta::hours(23), "23 h ago");
        check(TimeDelta::hours(24), "14 Jan 2027");
        check(-TimeDelta::minutes(5), "09:05");
        check(-TimeDelta::hours(20), "16 Jan, 05:00");
        let whole = When::of(now, now, Tz::Europe__Berlin).to_string();
        assert_eq!(
            whole,
            r#"<time datetime="2027-01-15T09:00:00+01:00" title="15 Jan 2027, 09:00 CET">just now</time>"#
        );
    }
}
