//! When a pump is usually free: for each hour of the week, whether it was seen and whether it was free, over the last eight weeks.
//!
//! Hours are those of the clocks on the hospital's walls, because rounds and admissions follow them, also when the clocks change.
//! A week is a bit, so that the past ages by itself and a pump costs 344 bytes for ever.

use chrono::{Datelike, NaiveDate, Offset, TimeZone, Timelike};
use chrono_tz::Tz;
use thiserror::Error;

use crate::Timestamp;

/// The hours of a week.
pub const HOURS: usize = 7 * 24;
/// So many weeks are remembered, the present one included.
pub const WEEKS: u32 = u8::BITS;
/// The bytes of [`FreeHours::to_bytes`].
pub const BYTES: usize = size_of::<i64>() + 2 * HOURS;
/// An hour counts as free when at least one in so many of a pump's messages in it said so: twenty minutes, which is what an
/// install usually takes.
const FREE_ONE_IN: u32 = 3;

/// An hour on the hospital's walls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WallHour {
    /// Monday to Sunday; counts weeks from one in 1969.
    pub week: i64,
    /// From Monday, midnight: 0 to 167.
    pub hour: u8,
}

impl WallHour {
    /// The hour that the walls' clocks show at an instant. One that comes twice in autumn is one.
    #[must_use]
    pub fn at(zone: Tz, at: Timestamp) -> Self {
        let utc = at.naive_utc();
        let wall = utc
            .checked_add_offset(zone.offset_from_utc_datetime(&utc).fix())
            .unwrap_or(utc);
        let monday = NaiveDate::from_ymd_opt(1969, 12, 29).unwrap_or_default();
        let days = wall.date().signed_duration_since(monday).num_days();
        let hour = wall.weekday().num_days_from_monday() * 24 + wall.hour();
        Self {
            week: days.div_euclid(7),
            hour: u8::try_from(hour).unwrap_or_default(),
        }
    }
}

/// What a pump said in the hour that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HourTally {
    free: u32,
    all: u32,
}

impl HourTally {
    /// It said something.
    pub const fn add(&mut self, is_free: bool) {
        self.all = self.all.saturating_add(1);
        self.free = self.free.saturating_add(is_free as u32);
    }

    /// Whether the hour counts as free.
    #[must_use]
    pub const fn is_free(self) -> bool {
        self.free > 0 && self.free.saturating_mul(FREE_ONE_IN) >= self.all
    }
}

/// In how many weeks a pump was free in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Odds {
    /// Of so many weeks.
    pub of: u32,
    /// In so many it was heard of.
    pub seen: u32,
    /// In so many it was free.
    pub free: u32,
}

/// When a pump was free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeHours {
    /// The week of the lowest bits.
    week: i64,
    /// A bit is a week, the lowest the present one.
    free: [u8; HOURS],
    seen: [u8; HOURS],
}

/// Not what [`FreeHours::to_bytes`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the free hours of a pump are {BYTES} bytes, and these are {0}")]
pub struct NotFreeHours(usize);

impl FreeHours {
    /// Nothing seen, from a week on.
    #[must_use]
    pub const fn from_week(week: i64) -> Self {
        Self {
            week,
            free: [0; HOURS],
            seen: [0; HOURS],
        }
    }

    /// The pump was seen in an hour. What comes late finds its week. Nothing comes so late that its week is forgotten: then it was
    /// the clock that was wrong before, and what is known begins anew.
    pub fn note(&mut self, at: WallHour, is_free: bool) {
        if at.week > self.week {
            *self = self.seen_from(at.week);
        }
        let ago = u32::try_from(self.week.saturating_sub(at.week)).unwrap_or(WEEKS);
        let bit = 1_u8.checked_shl(ago).unwrap_or_else(|| {
            *self = Self::from_week(at.week);
            1
        });
        let hour = usize::from(at.hour);
        if let (Some(free), Some(seen)) = (self.free.get_mut(hour), self.seen.get_mut(hour)) {
            *seen |= bit;
            if is_free {
                *free |= bit;
            }
        }
    }

    /// The same past, seen from a later week.
    #[must_use]
    pub fn seen_from(&self, week: i64) -> Self {
        let weeks = u32::try_from(week.saturating_sub(self.week).max(0)).unwrap_or(WEEKS);
        let age = |bits: u8| bits.checked_shl(weeks).unwrap_or(0);
        Self {
            week: week.max(self.week),
            free: self.free.map(age),
            seen: self.seen.map(age),
        }
    }

    /// Over how many weeks something is known, the present one included.
    #[must_use]
    pub fn weeks(&self) -> u32 {
        let ever = self.seen.iter().fold(0, |all, bits| all | bits);
        WEEKS - ever.leading_zeros()
    }

    /// How often the pump was free in an hour of the week; nothing where its past is too short to tell. A week in which it was not
    /// heard of in that hour counts as one in which it was not free: nothing could have been done with it.
    #[must_use]
    pub fn odds(&self, hour: u8) -> Option<Odds> {
        let hour = usize::from(hour);
        let seen = self.seen.get(hour)?.count_ones();
        let free = self.free.get(hour)?.count_ones();
        // Of the present week and of the first, only a part is known.
        let of = seen.max(self.weeks().saturating_sub(2));
        // What was known and is forgotten: the pump was silent all the while.
        let of = if self.weeks() == 0 { WEEKS } else { of };
        (of > 0).then_some(Odds { of, seen, free })
    }

    /// As it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let week = self.week.to_be_bytes().into_iter();
        for (to, from) in bytes.iter_mut().zip(week.chain(self.free).chain(self.seen)) {
            *to = from;
        }
        bytes
    }

    /// What was stored.
    ///
    /// # Errors
    /// [`NotFreeHours`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotFreeHours> {
        let wrong = || NotFreeHours(bytes.len());
        let (week, rest) = bytes.split_first_chunk().ok_or_else(wrong)?;
        let (free, rest) = rest.split_first_chunk().ok_or_else(wrong)?;
        let (seen, rest) = rest.split_first_chunk().ok_or_else(wrong)?;
        if !rest.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            week: i64::from_be_bytes(*week),
            free: *free,
            seen: *seen,
        })
    }
}

#[cfg(test)]
mod tests;
