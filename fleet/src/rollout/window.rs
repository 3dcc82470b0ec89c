//! Maintenance windows: a schedule on the hospital's wall clock, a length, and days on which nothing happens.
//!
//! The schedule is read as a wall clock shows it and then placed in time, so that a night on which the clocks change has one
//! window like every other: a start in the gap moves to the first instant that exists, one that comes twice is the earlier, once.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use thiserror::Error;

use super::schedule::{Schedule, ScheduleError};
use crate::Timestamp;

/// The shortest and the longest that a window stays open.
pub const LENGTH_BOUNDS: (TimeDelta, TimeDelta) = (TimeDelta::minutes(1), TimeDelta::hours(24));
/// So many days ahead is looked for the next opening: a schedule for the 29th of February may be meant.
const HORIZON_DAYS: usize = 4 * 366;
/// No change of clocks is longer; Lord Howe's are half an hour, and Samoa once left out a day.
const LONGEST_GAP_MINUTES: i64 = 24 * 60;

/// Why a window can not be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WindowError {
    /// The schedule is none.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// Too long, or no time at all.
    #[error("a window of {minutes} minutes can not be; give 1 minute to 24 hours")]
    Length { minutes: i64 },
    /// Not a time zone.
    #[error("`{given}` is not a time zone; give a name of the IANA database, such as Europe/Berlin")]
    Zone { given: String },
}

/// When pumps may be updated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    schedule: Schedule,
    length: TimeDelta,
    zone: Tz,
    blackout: BTreeSet<NaiveDate>,
}

/// Whether a window is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowState {
    /// It closes then.
    Open { until: Timestamp },
    /// It opens then; nothing within four years is no opening.
    Closed { next: Option<Timestamp> },
}

/// One opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Opening {
    from: Timestamp,
    until: Timestamp,
}

impl Window {
    /// A window that opens by a schedule, in an IANA zone, except on days (of that zone) on which nothing happens.
    ///
    /// # Errors
    /// [`WindowError`] says which part can not be.
    pub fn new(
        schedule: &str,
        length: TimeDelta,
        zone: &str,
        blackout: BTreeSet<NaiveDate>,
    ) -> Result<Self, WindowError> {
        let (shortest, longest) = LENGTH_BOUNDS;
        if length < shortest || length > longest {
            return Err(WindowError::Length {
                minutes: length.num_minutes(),
            });
        }
        let zone = zone.parse().map_err(|_| WindowError::Zone {
            given: zone.chars().take(64).collect(),
        })?;
        Ok(Self {
            schedule: Schedule::new(schedule)?,
            length,
            zone,
            blackout,
        })
    }

    /// The schedule as it was written.
    #[must_use]
    pub fn schedule(&self) -> &str {
        self.schedule.as_str()
    }

    /// How long it stays open.
    #[must_use]
    pub const fn length(&self) -> TimeDelta {
        self.length
    }

    /// The name of its zone in the IANA database.
    #[must_use]
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The days on which nothing happens.
    #[must_use]
    pub const fn blackout(&self) -> &BTreeSet<NaiveDate> {
        &self.blackout
    }

    /// Whether it is open at an instant.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        matches!(self.at(now), WindowState::Open { .. })
    }

    /// When it opens next, after an instant.
    #[must_use]
    pub fn next_open(&self, now: Timestamp) -> Option<Timestamp> {
        self.openings(now)
            .map(|opening| opening.from)
            .find(|from| *from > now)
    }

    /// Whether it is open at an instant, and until when or from when.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> WindowState {
        let mut open = None;
        for opening in self.openings(now) {
            if opening.from > now {
                return match open {
                    Some(until) => WindowState::Open { until },
                    None => WindowState::Closed {
                        next: Some(opening.from),
                    },
                };
            }
            if now < opening.until {
                open = open.max(Some(opening.until));
            }
        }
        match open {
            Some(until) => WindowState::Open { until },
            None => WindowState::Closed { next: None },
        }
    }

    /// From when until when something that takes so long may begin, between two instants (inclusive), opening by opening.
    pub(super) fn room(
        &self,
        from: Timestamp,
        to: Timestamp,
        takes: TimeDelta,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.openings(from)
            .take_while(move |opening| opening.from <= to)
            .filter_map(move |opening| {
                let last = opening.until.checked_sub_signed(takes)?.min(to);
                let first = opening.from.max(from);
                (first <= last).then_some((first, last))
            })
    }

    /// Every opening that is not over long before an instant, in order.
    fn openings(&self, now: Timestamp) -> impl Iterator<Item = Opening> {
        let today = self.date(now);
        // Two days back: the length is up to a day, and a start in the gap moves on.
        let first = today.checked_sub_days(chrono::Days::new(2)).unwrap_or(today);
        let mut last = None;
        first
            .iter_days()
            .take(HORIZON_DAYS)
            .filter(|date| !self.blackout.contains(date))
            .flat_map(|date| self.schedule.times_of(date))
            .filter_map(|wall| self.opening(wall))
            // Two starts in one gap are one.
            .filter(move |opening| last.replace(opening.from) != Some(opening.from))
    }

    fn opening(&self, wall: NaiveDateTime) -> Option<Opening> {
        let from = self.place(wall)?;
        let full = from.checked_add_signed(self.length)?;
        // A day on which nothing happens begins at its midnight, also for a window that was open by then.
        let cut = self
            .date(from)
            .iter_days()
            .take(3)
            .find(|day| self.blackout.contains(day))
            .and_then(|day| self.place(day.and_time(NaiveTime::MIN)));
        let until = cut.map_or(full, |cut| cut.min(full));
        (from < until).then_some(Opening { from, until })
    }

    /// The day that the calendar on the wall shows; at the ends of the calendar, where no wall is, that of UTC.
    fn date(&self, at: Timestamp) -> NaiveDate {
        let at = at.naive_utc();
        let offset = self.zone.offset_from_utc_datetime(&at).fix();
        at.checked_add_offset(offset).unwrap_or(at).date()
    }

    /// The instant at which the wall clock first shows a time, or at which it goes on if it skips it.
    fn place(&self, wall: NaiveDateTime) -> Option<Timestamp> {
        (0..=LONGEST_GAP_MINUTES).find_map(|minutes| {
            let wall = wall.checked_add_signed(TimeDelta::minutes(minutes))?;
            self.zone
                .from_local_datetime(&wall)
                .earliest()
                .map(|at| at.to_utc())
        })
    }
}

/// Whether any of several windows is open. Without any, the time of day forbids nothing, and `until` is the end of `bound`.
#[must_use]
pub fn any_at(windows: &[Window], now: Timestamp, bound: TimeDelta) -> WindowState {
    if windows.is_empty() {
        let until = now.checked_add_signed(bound).unwrap_or(Timestamp::MAX_UTC);
        return WindowState::Open { until };
    }
    let mut open: Option<Timestamp> = None;
    let mut next: Option<Timestamp> = None;
    for window in windows {
        match window.at(now) {
            WindowState::Open { until } => open = open.max(Some(until)),
            WindowState::Closed { next: Some(from) } => next = Some(next.map_or(from, |next| next.min(from))),
            WindowState::Closed { next: None } => {}
        }
    }
    open.map_or(WindowState::Closed { next }, |until| WindowState::Open { until })
}

#[cfg(test)]
mod tests;
