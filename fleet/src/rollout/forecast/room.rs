//! When pumps may begin: the windows, less what an install takes.

use chrono::{Offset, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;

use crate::{
    Timestamp,
    rollout::{
        free_hours::WallHour,
        limits::later,
        window::{Window, WindowState, any_at},
    },
};

/// Spans in which a pump may begin to install, in order and apart; both ends are in.
pub(super) struct Room(Vec<(Timestamp, Timestamp)>);

impl Room {
    /// Between two instants. Without windows that is always.
    pub(super) fn between(windows: &[Window], from: Timestamp, to: Timestamp, takes: TimeDelta) -> Self {
        if windows.is_empty() {
            return Self(vec![(from, to)]);
        }
        let mut spans: Vec<_> = windows
            .iter()
            .flat_map(|window| window.room(from, to, takes))
            .collect();
        spans.sort_unstable();
        let mut apart: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(spans.len());
        for (first, last) in spans {
            match apart.last_mut() {
                Some(before) if first <= before.1 => before.1 = before.1.max(last),
                Some(_) | None => apart.push((first, last)),
            }
        }
        Self(apart)
    }

    /// The first instant, not before another, at which a pump may begin.
    pub(super) fn not_before(&self, at: Timestamp) -> Option<Timestamp> {
        let next = self.0.partition_point(|(_, last)| *last < at);
        self.0.get(next).map(|(first, _)| at.max(*first))
    }

    /// The hours on the wall in which a pump may begin, each with the instant from which.
    pub(super) fn hours(&self, zone: Tz) -> Vec<(WallHour, Timestamp)> {
        let mut hours: Vec<(WallHour, Timestamp)> = Vec::new();
        for (first, last) in &self.0 {
            let mut at = *first;
            while at <= *last {
                let hour = WallHour::at(zone, at);
                if hours.last().is_none_or(|(before, _)| *before != hour) {
                    hours.push((hour, at));
                }
                let next = next_hour(zone, at);
                if next <= at {
                    // The end of the calendar.
                    break;
                }
                at = next;
            }
        }
        hours
    }
}

/// The next full hour on the wall.
fn next_hour(zone: Tz, at: Timestamp) -> Timestamp {
    let utc = at.naive_utc();
    let offset = zone.offset_from_utc_datetime(&utc).fix();
    let wall = utc.checked_add_offset(offset).unwrap_or(utc);
    let gone = TimeDelta::seconds((wall.minute() * 60 + wall.second()).into())
        + TimeDelta::nanoseconds(wall.nanosecond().into());
    // A leap second has more nanoseconds than a second; the step is never backwards.
    later(at, (TimeDelta::hours(1) - gone).max(TimeDelta::seconds(1)))
}

/// When a window is open first, from an instant on.
pub(super) fn opens(windows: &[Window], from: Timestamp) -> Option<Timestamp> {
    match any_at(windows, from, TimeDelta::zero()) {
        WindowState::Open { .. } => Some(from),
        WindowState::Closed { next } => next,
    }
}
