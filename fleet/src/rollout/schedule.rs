//! A schedule in the five fields that people know from cron: minute, hour, day of month, month, day of week.
//!
//! The crate `cron` reads the fields; which wall-clock times that comes to is asked day by day here, and [`window`](super::window) places them
//! in time, because a schedule on a night on which the clocks change is not the crate's to know.
//!
//! Days of the week are names. Numbers are refused: one program counts them from Sunday, another from Monday, and a window that
//! opens on the wrong night is found out on that night. Where day of month and day of week are both given, both have to hold, so
//! that `0 2 1-7 * SUN` is the first Sunday of a month.

use std::{fmt, str::FromStr};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use cron::TimeUnitSpec;
use thiserror::Error;

/// Weeks begin on Monday here, and on Sunday in the crate.
const WEEK: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
/// Longer than any schedule a person writes.
const LONGEST_TEXT: usize = 200;

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Not five fields.
    #[error(
        "a schedule has five fields, and this has {count}; write minute, hour, day of month, month and day of week, such as `0 22 * * MON-FRI`"
    )]
    Fields { count: usize },
    /// Longer than any schedule.
    #[error("a schedule has at most {LONGEST_TEXT} characters")]
    TooLong,
    /// A number where a day of the week belongs.
    #[error("`{given}` in the {field} is a number; write MON, TUE, WED, THU, FRI, SAT or SUN")]
    DayNumber { field: Field, given: String },
    /// Something else than the field can hold.
    #[error(
        "`{given}` in the {field} is not understood; it holds {}, ranges from the earlier to the later, and steps from 1 after a `/`", .field.holds()
    )]
    Value { field: Field, given: String },
}

/// One of the five fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
}

impl Field {
    const ALL: [Self; 5] = [
        Self::Minute,
        Self::Hour,
        Self::DayOfMonth,
        Self::Month,
        Self::DayOfWeek,
    ];

    const fn holds(self) -> &'static str {
        match self {
            Self::Minute => "0 to 59",
            Self::Hour => "0 to 23",
            Self::DayOfMonth => "1 to 31",
            Self::Month => "1 to 12 or JAN to DEC",
            Self::DayOfWeek => "MON to SUN",
        }
    }

    /// Reads one part of a list in this field alone, so that what is wrong can be named. As the crate takes it.
    fn read(self, part: &str) -> Result<String, ScheduleError> {
        let given = || part.to_owned();
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if self == Self::DayOfWeek && range.split('-').any(is_number) {
            return Err(ScheduleError::DayNumber {
                field: self,
                given: given(),
            });
        }
        let is_plain = range
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"*-".contains(&byte));
        let is_step = is_number(step) && step.bytes().any(|digit| digit != b'0');
        let part = match range.split_once('-').filter(|_| self == Self::DayOfWeek) {
            Some((first, last)) => days(first, last, step).unwrap_or_else(given),
            None => given(),
        };
        let alone: Vec<_> = Self::ALL
            .iter()
            .map(|field| if *field == self { part.as_str() } else { "*" })
            .collect();
        if is_plain && is_step && cron::Schedule::from_str(&format!("0 {}", alone.join(" "))).is_ok() {
            Ok(part)
        } else {
            Err(ScheduleError::Value {
                field: self,
                given: given(),
            })
        }
    }
}

/// A range of days, written out; nothing when it is none.
fn days(first: &str, last: &str, step: &str) -> Option<String> {
    let place = |name: &str| WEEK.iter().position(|day| day.eq_ignore_ascii_case(name));
    let range = WEEK.get(place(first)?..=place(last)?)?;
    let step = step.parse().ok().filter(|step| *step > 0)?;
    let every: Vec<_> = range.iter().step_by(step).copied().collect();
    Some(every.join(","))
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}

/// When something begins, on a wall clock.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    read: cron::Schedule,
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Schedule {}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// [`ScheduleError`] names the field and what is wrong with it.
    pub fn new(text: &str) -> Result<Self, ScheduleError> {
        if text.len() > LONGEST_TEXT {
            return Err(ScheduleError::TooLong);
        }
        let fields: Vec<_> = text.split_whitespace().collect();
        if fields.len() != Field::ALL.len() {
            return Err(ScheduleError::Fields { count: fields.len() });
        }
        let mut whole = String::from("0");
        for (field, text) in Field::ALL.into_iter().zip(&fields) {
            let parts: Vec<_> = text
                .split(',')
                .map(|part| field.read(part))
                .collect::<Result<_, _>>()?;
            whole.push(' ');
            whole.push_str(&parts.join(","));
        }
        let text = fields.join(" ");
        // Each part was read by itself; all of them together say nothing new.
        let read = cron::Schedule::from_str(&whole).map_err(|_| ScheduleError::Value {
            field: Field::Minute,
            given: text.clone(),
        })?;
        Ok(Self { text, read })
    }

    /// The schedule as it was written, with single spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The times of a day at which it begins, in order; none on most days of most schedules.
    pub fn times_of(&self, date: NaiveDate) -> impl Iterator<Item = NaiveDateTime> {
        let is_day = self.read.months().includes(date.month())
            && self.read.days_of_month().includes(date.day())
            // The crate counts from Sunday, and from one.
            && self.read.days_of_week().includes(date.weekday().number_from_sunday());
        let hours = is_day.then(|| self.read.hours().iter().collect::<Vec<_>>());
        hours
            .into_iter()
            .flatten()
            .flat_map(|hour| self.read.minutes().iter().map(move |minute| (hour, minute)))
            .filter_map(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0))
            .map(move |time| date.and_time(time))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_schedule_begins_when_it_says() {
        let check = |text: &str, date: &str, expected: &[&str]| {
            let times: Vec<_> = Schedule::new(text)
                .unwrap()
                .times_of(date.parse().unwrap())
                .map(|time| time.format("%H:%M").to_string())
                .collect();
            assert_eq!(times, expected, "{text} on {date}");
        };
        // 2026-11-24 is a Tuesday, 2026-11-01 and -08 are Sundays.
        check("0 22 * * *", "2026-11-24", &["22:00"]);
        check("0 22 * * MON-FRI", "2026-11-24", &["22:00"]);
        check("0 22 * * mon,sat-sun", "2026-11-24", &[]);
        check(
            "*/20 1-2 * * *",
            "2026-11-24",
            &["01:00", "01:20", "01:40", "02:00", "02:20", "02:40"],
        );
        check("50/5 23 * * *", "2026-11-24", &["23:50", "23:55"]);
        check("0 2 1-7 * SUN", "2026-11-01", &["02:00"]);
        check("0 2 1-7 * SUN", "2026-11-08", &[]);
        check("0 2 * JAN,11 *", "2026-11-08", &["02:00"]);
        check("0 2 30 2 *", "2026-02-28", &[]);
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_the_field() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Schedule::new(text).unwrap_err().to_string(), expected, "{text}");
        };
        let fields = "a schedule has five fields, and this has";
        let such_as = "write minute, hour, day of month, month and day of week, such as `0 22 * * MON-FRI`";
        check("", &format!("{fields} 0; {such_as}"));
        check("0 0 22 * * MON", &format!("{fields} 6; {such_as}"));
        let more = ", ranges from the earlier to the later, and steps from 1 after a `/`";
        let names = "write MON, TUE, WED, THU, FRI, SAT or SUN";
        check(
            "0 22 * * 1-5",
            &format!("`1-5` in the day of week is a number; {names}"),
        );
        check(
            "0 22 * * MON,7",
            &format!("`7` in the day of week is a number; {names}"),
        );
        check(
            "0 22 * * MO",
            &format!("`MO` in the day of week is not understood; it holds MON to SUN{more}"),
        );
        check(
            "60 22 * * *",
            &format!("`60` in the minute is not understood; it holds 0 to 59{more}"),
        );
        check(
            "0 +2 * * *",
            &format!("`+2` in the hour is not understood; it holds 0 to 23{more}"),
        );
        check(
            "0 2 99999999999 * *",
            &format!("`99999999999` in the day of month is not understood; it holds 1 to 31{more}"),
        );
        check(
            "0 22-2 * * *",
            &format!("`22-2` in the hour is not understood; it holds 0 to 23{more}"),
        );
        check(
            "0 22 * * SAT-MON",
            &format!("`SAT-MON` in the day of week is not understood; it holds MON to SUN{more}"),
        );
        for step in ["*/0", "*/", "*/x", "*/-1"] {
            check(
                &format!("{step} 2 * * *"),
                &format!("`{step}` in the minute is not understood; it holds 0 to 59{more}"),
            );
        }
        check(&"0 ".repeat(101), "a schedule has at most 200 characters");
    }

    proptest! {
        #[test]
        fn whatever_is_written_nothing_panics(text in "[0-9*/,A-Z -]{0,40}", days in 0..20_000_i32) {
            let date = NaiveDate::from_num_days_from_ce_opt(730_000 + days).unwrap();
            if let Ok(schedule) = Schedule::new(&text) {
                let times: Vec<_> = schedule.times_of(date).collect();
                prop_assert!(times.is_sorted() && times.len() <= 1440);
                prop_assert_eq!(Schedule::new(schedule.as_str()).unwrap(), schedule);
            }
        }
    }
}
