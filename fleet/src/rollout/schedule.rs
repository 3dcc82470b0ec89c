//! A schedule in the five fields that people know from cron: minute, hour, day of month, month, day of week.
//!
//! Days of the week are names. Numbers are refused: one program counts them from Sunday, another from Monday, and a window that
//! opens on the wrong night is found out on that night. Where day of month and day of week are both given, both have to hold, so
//! that `0 2 1-7 * SUN` is the first Sunday of a month.

use std::fmt;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use thiserror::Error;

const DAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
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
    #[error("`{given}` in the {field} is not understood; {} is what it holds", .field.holds())]
    Value { field: Field, given: String },
    /// A range from the later to the earlier.
    #[error("`{given}` in the {field} runs backwards; name the two parts one by one, with a comma")]
    Backwards { field: Field, given: String },
    /// A step of nothing.
    #[error("`{given}` in the {field} has no step; write a whole number from 1 after the `/`")]
    Step { field: Field, given: String },
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
    /// The least and the greatest value; days of the week count from Monday, inside only.
    const fn bounds(self) -> (u32, u32) {
        match self {
            Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 6),
        }
    }

    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Minute | Self::Hour | Self::DayOfMonth => &[],
            Self::Month => &MONTHS,
            Self::DayOfWeek => &DAYS,
        }
    }

    const fn holds(self) -> &'static str {
        match self {
            Self::Minute => "0 to 59",
            Self::Hour => "0 to 23",
            Self::DayOfMonth => "1 to 31",
            Self::Month => "1 to 12 or JAN to DEC",
            Self::DayOfWeek => "MON to SUN",
        }
    }

    fn value(self, given: &str) -> Result<u32, ScheduleError> {
        let (least, greatest) = self.bounds();
        if let Some(place) = self
            .names()
            .iter()
            .position(|name| name.eq_ignore_ascii_case(given))
        {
            return Ok(least.saturating_add(u32::try_from(place).unwrap_or(u32::MAX)));
        }
        let is_number = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit());
        let given = || given.to_owned();
        match (self, is_number) {
            (Self::DayOfWeek, true) => Err(ScheduleError::DayNumber {
                field: self,
                given: given(),
            }),
            (_, true) => match given().parse() {
                Ok(value) if (least..=greatest).contains(&value) => Ok(value),
                _ => Err(ScheduleError::Value {
                    field: self,
                    given: given(),
                }),
            },
            (_, false) => Err(ScheduleError::Value {
                field: self,
                given: given(),
            }),
        }
    }

    /// Reads a field: `*`, a value, `a-b`, each with `/step`, and lists of them.
    fn read(self, text: &str) -> Result<Values, ScheduleError> {
        let mut values = Values(0);
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                None => (part, 1),
                Some((range, step)) => match step.parse::<u32>() {
                    Ok(step) if step > 0 => (range, step),
                    _ => {
                        return Err(ScheduleError::Step {
                            field: self,
                            given: part.to_owned(),
                        });
                    }
                },
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => self.bounds(),
                Some((first, last)) => (self.value(first)?, self.value(last)?),
                // `10/15` is from 10 on.
                None if step > 1 => (self.value(range)?, self.bounds().1),
                None => {
                    let value = self.value(range)?;
                    (value, value)
                }
            };
            if first > last {
                return Err(ScheduleError::Backwards {
                    field: self,
                    given: part.to_owned(),
                });
            }
            for value in (first..=last).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
                values.0 |= 1 << value;
            }
        }
        Ok(values)
    }
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

/// Which values a field allows, one bit each; none is above 59.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Values(u64);

impl Values {
    const fn has(self, value: u32) -> bool {
        value < 64 && self.0 & (1 << value) != 0
    }
}

/// When something begins, on a wall clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    minutes: Values,
    hours: Values,
    days: Values,
    months: Values,
    weekdays: Values,
}

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
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(ScheduleError::Fields { count: fields.len() });
        };
        Ok(Self {
            text: fields.join(" "),
            minutes: Field::Minute.read(minute)?,
            hours: Field::Hour.read(hour)?,
            days: Field::DayOfMonth.read(day)?,
            months: Field::Month.read(month)?,
            weekdays: Field::DayOfWeek.read(weekday)?,
        })
    }

    /// The schedule as it was written, with single spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The times of a day at which it begins, in order; none on most days of most schedules.
    pub fn times_of(&self, date: NaiveDate) -> impl Iterator<Item = NaiveDateTime> {
        let day = self.months.has(date.month())
            && self.days.has(date.day())
            && self.weekdays.has(date.weekday().num_days_from_monday());
        let (minutes, hours) = if day {
            (self.minutes, self.hours)
        } else {
            (Values(0), Values(0))
        };
        (0..24)
            .filter(move |hour| hours.has(*hour))
            .flat_map(move |hour| {
                (0..60)
                    .filter(move |minute| minutes.has(*minute))
                    .map(move |minute| (hour, minute))
            })
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
        let names = "write MON, TUE, WED, THU, FRI, SAT or SUN";
        check(
            "0 22 * * 1-5",
            &format!("`1` in the day of week is a number; {names}"),
        );
        check(
            "0 22 * * MON,7",
            &format!("`7` in the day of week is a number; {names}"),
        );
        check(
            "0 22 * * MO",
            "`MO` in the day of week is not understood; MON to SUN is what it holds",
        );
        check(
            "60 22 * * *",
            "`60` in the minute is not understood; 0 to 59 is what it holds",
        );
        check(
            "0 +2 * * *",
            "`+2` in the hour is not understood; 0 to 23 is what it holds",
        );
        check(
            "0 2 99999999999 * *",
            "`99999999999` in the day of month is not understood; 1 to 31 is what it holds",
        );
        let backwards = "runs backwards; name the two parts one by one, with a comma";
        check("0 22-2 * * *", &format!("`22-2` in the hour {backwards}"));
        check(
            "0 22 * * SAT-MON",
            &format!("`SAT-MON` in the day of week {backwards}"),
        );
        check(
            "*/0 2 * * *",
            "`*/0` in the minute has no step; write a whole number from 1 after the `/`",
        );
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
