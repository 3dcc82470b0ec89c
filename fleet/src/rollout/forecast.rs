//! When the waves of a rollout could be through, from each pump's own free hours, the windows and the bounds.
//!
//! Two courses are told. In the *optimistic* one every pump is free in the first hour in which it ever was, and whoever signs does so
//! at once. In the *likely* one a pump counts as free once the chance that it was is four in five, and signatures take as long
//! as they do. Neither is a promise, and both take what [`ASSUMES`] says for granted. The same limits that the planner
//! keeps hold here: windows and what an install takes, pumps and downloads at once, ward floors, the catch-up list, the gate.
//!
//! A pump waits its turn in the order in which pumps become free. So more windows, more places and more free hours never make
//! anything later, as long as no pump is left behind.

mod room;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use chrono::TimeDelta;
use chrono_tz::Tz;
use thiserror::Error;

use super::{
    floor::Group,
    free_hours::{FreeHours, WEEKS, WallHour},
    gate::verified_needed,
    limits::{HospitalLimits, Limits, later},
    window::Window,
};
use crate::{Timestamp, id::PumpId};
use room::Room;

/// What both courses take for granted, in words.
pub const ASSUMES: &[&str] = &[
    "It is approved by the time it begins, and each briefing is read and signed by the time its wave can open.",
    "No pump fails or refuses, nobody stops the rollout, and no other rollout takes its pumps or places.",
    "Each ward keeps as many pumps in service as it has now, but for those of this rollout.",
    "A pump of which nothing is known is free; one that became free can be taken at any time from then on.",
    "Optimistic: a pump is free in the first hour of the week in which it ever was, and everybody signs at once.",
    "Likely: a pump is free once that has a chance of four in five; a nurse signs it an hour after it installed, and the charge nurses sign the wave eight hours after it was watched.",
];

/// So far ahead is looked, within one wave: a pump that is not free by then counts as left behind.
const HORIZON: TimeDelta = TimeDelta::weeks(13);
/// The chance that a pump was not free yet is counted in so many parts.
const CERTAIN: u64 = 1_000_000_000;

/// A rollout as it would be.
#[derive(Debug, Clone)]
pub struct Outlook<'a> {
    /// Free hours are known up to here.
    pub now: Timestamp,
    /// Nothing begins before.
    pub from: Timestamp,
    pub is_emergency: bool,
    pub windows: &'a [Window],
    pub limits: &'a Limits,
    pub hospital: &'a HospitalLimits,
    /// Of the clocks on the hospital's walls, by which free hours are kept.
    pub zone: Tz,
    /// In their order.
    pub waves: Vec<Vec<Candidate<'a>>>,
    /// How many pumps of a kind a care area can spare at once; what is not here has no floor.
    pub spare: BTreeMap<Group, u32>,
}

/// A pump of a wave.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub pump: PumpId,
    /// Where it counts for a ward floor.
    pub group: Option<Group>,
    /// So much it downloads.
    pub bytes: u64,
    /// When it was free, as far as is known.
    pub hours: Option<&'a FreeHours>,
}

/// What could become of a wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveForecast {
    pub optimistic: Course,
    pub likely: Course,
    /// Of so many pumps nothing is known.
    pub unknown: u32,
    /// The pumps that are likely left for the catch-up list, each with why.
    pub left_behind: Vec<(PumpId, LeftBehind)>,
}

/// How a wave goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Course {
    Passes(Passes),
    Never(Never),
}

/// When what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passes {
    /// It opens.
    pub opens: Timestamp,
    /// Its last pump is verified, or left for the catch-up list.
    pub settled: Timestamp,
    /// It was watched and signed; the next may open.
    pub passes: Timestamp,
    /// What it hangs on that it is not settled earlier.
    pub decided_by: Decides,
}

/// What the end of a wave hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Decides {
    #[error("it has no pumps")]
    Nothing,
    #[error("when the last pump is free")]
    LastPump(PumpId),
    #[error("how many pumps may download at once")]
    Downloads,
    #[error("how many pumps may be out of service at once")]
    AtOnce,
    #[error("how many pumps a care area can spare at once")]
    WardFloor(Group),
    #[error("how long those that are left behind are waited for")]
    Laggards,
}

/// Why a wave does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Never {
    #[error("no maintenance window opens; change the windows")]
    NoWindow,
    #[error(
        "{verified} of {total} pumps can be verified before the others are left behind at {at}, and {needed} have to be"
    )]
    TooFew {
        verified: u32,
        needed: u32,
        total: u32,
        at: Timestamp,
    },
    #[error("wave {number} does not pass")]
    EarlierWave { number: u32 },
}

/// Why a pump is left for the catch-up list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Error)]
pub enum LeftBehind {
    #[error("no window is long enough to install in")]
    NoRoom,
    #[error("in use in every window of the past {weeks} weeks")]
    InUse { weeks: u32 },
    #[error("not heard of in any window of the past {weeks} weeks")]
    NotHeard { weeks: u32 },
    #[error("seldom free while a window is open")]
    Seldom,
    #[error("its care area can spare no pump of its kind")]
    NoSpare,
    #[error("its turn does not come in time: too few pumps may be out of service at once")]
    NoTurn,
}

/// What makes a course optimistic or likely.
struct Pace {
    /// A pump is free once the chance that it was not is at most this, of [`CERTAIN`].
    missed_at_most: u64,
    /// From installed to verified.
    verified_after: TimeDelta,
    /// From watched to signed.
    signed_after: TimeDelta,
}

const OPTIMISTIC: Pace = Pace {
    missed_at_most: CERTAIN - 1,
    verified_after: TimeDelta::zero(),
    signed_after: TimeDelta::zero(),
};
const LIKELY: Pace = Pace {
    missed_at_most: CERTAIN / 5,
    verified_after: TimeDelta::hours(1),
    signed_after: TimeDelta::hours(8),
};

/// When each wave could be through.
#[must_use]
pub fn forecast(outlook: &Outlook<'_>) -> Vec<WaveForecast> {
    let mut optimistic = Ok(outlook.from);
    let mut likely = Ok(outlook.from);
    let mut waves = Vec::with_capacity(outlook.waves.len());
    for (number, wave) in (1..).zip(&outlook.waves) {
        let (best, _) = outlook.course(&OPTIMISTIC, wave, optimistic);
        let (probable, left_behind) = outlook.course(&LIKELY, wave, likely);
        optimistic = best.then(number);
        likely = probable.then(number);
        let unknown = wave.iter().filter(|candidate| candidate.hours.is_none()).count();
        waves.push(WaveForecast {
            optimistic: best,
            likely: probable,
            unknown: count(unknown),
            left_behind,
        });
    }
    waves
}

fn count(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
}

impl Course {
    /// From when on the next wave may open.
    const fn then(&self, number: u32) -> Result<Timestamp, Never> {
        match self {
            Self::Passes(passes) => Ok(passes.passes),
            Self::Never(_) => Err(Never::EarlierWave { number }),
        }
    }
}

/// A pump on its way through a wave.
#[derive(Clone, Copy)]
struct Turn {
    pump: PumpId,
    group: Option<Group>,
    ready: Timestamp,
}

impl Outlook<'_> {
    fn course(
        &self,
        pace: &Pace,
        wave: &[Candidate<'_>],
        from: Result<Timestamp, Never>,
    ) -> (Course, Vec<(PumpId, LeftBehind)>) {
        let opens = from.and_then(|from| room::opens(self.windows, from).ok_or(Never::NoWindow));
        let opens = match opens {
            Ok(opens) => opens,
            Err(never) => return (Course::Never(never), Vec::new()),
        };
        let deadline = later(opens, self.limits.laggard_after.min(HORIZON));
        let room = Room::between(self.windows, opens, deadline, self.limits.install_takes);
        let hours = room.hours(self.zone);
        let present = WallHour::at(self.zone, self.now).week;
        let mut left = Vec::new();
        let mut turns = Vec::with_capacity(wave.len());
        for candidate in wave {
            match ready(pace, present, &hours, candidate) {
                Ok(ready) => turns.push(Turn {
                    pump: candidate.pump,
                    group: candidate.group,
                    ready,
                }),
                Err(why) => left.push((candidate.pump, why)),
            }
        }
        let is_spared = |turn: &Turn| turn.group.and_then(|group| self.spare.get(&group)) != Some(&0);
        let (mut turns, kept): (Vec<Turn>, Vec<Turn>) = turns.into_iter().partition(is_spared);
        left.extend(kept.iter().map(|turn| (turn.pump, LeftBehind::NoSpare)));
        turns.sort_by_key(|turn| (turn.ready, turn.pump));
        let queues = Queues {
            room: &room,
            out_for: self.limits.install_takes + pace.verified_after,
        };
        let (finish, decided_by) = self.through(&queues, &turns, self.download_takes(wave), &mut left);
        let settled = if left.is_empty() {
            finish.max(opens)
        } else {
            finish.max(deadline)
        };
        let total = count(wave.len());
        let verified = total.saturating_sub(count(left.len()));
        let needed = verified_needed(self.limits, total);
        left.sort_unstable();
        if verified < needed {
            let never = Never::TooFew {
                verified,
                needed,
                total,
                at: deadline,
            };
            return (Course::Never(never), left);
        }
        let watched = later(settled, self.limits.soak(self.is_emergency));
        let passes = Passes {
            opens,
            settled,
            passes: later(watched, pace.signed_after),
            decided_by: if left.is_empty() {
                decided_by
            } else {
                Decides::Laggards
            },
        };
        (Course::Passes(passes), left)
    }

    /// How long the longest download takes, when each has the share of the network that it needs.
    fn download_takes(&self, wave: &[Candidate<'_>]) -> TimeDelta {
        let most = wave
            .iter()
            .map(|candidate| candidate.bytes)
            .max()
            .unwrap_or_default();
        let seconds = most.div_ceil(self.hospital.bandwidth.per_download.max(1));
        i64::try_from(seconds)
            .ok()
            .and_then(TimeDelta::try_seconds)
            .unwrap_or(HORIZON)
            .min(HORIZON)
    }

    /// Takes pumps through the queues, in the order in which they are ready: downloads, then places out of service, those of the
    /// rollout and those of each care area. Says when the last is verified, and what that hangs on.
    fn through(
        &self,
        queues: &Queues<'_>,
        turns: &[Turn],
        download_takes: TimeDelta,
        left: &mut Vec<(PumpId, LeftBehind)>,
    ) -> (Timestamp, Decides) {
        let downloads = self
            .limits
            .downloads_at_once
            .min(self.hospital.bandwidth.downloads());
        let (loaded, _) = queues.pass(turns, downloads, download_takes);
        let at_once = self.limits.updates_at_once.min(self.hospital.updates_at_once);
        let (together, late) = queues.pass(&loaded, at_once, queues.out_for);
        let loaded_in_time: BTreeSet<_> = loaded.iter().map(|turn| turn.pump).collect();
        let mut behind: BTreeMap<PumpId, LeftBehind> = turns
            .iter()
            .filter(|turn| !loaded_in_time.contains(&turn.pump))
            .chain(&late)
            .map(|turn| (turn.pump, LeftBehind::NoTurn))
            .collect();

        let mut by_group: BTreeMap<Group, Vec<Turn>> = BTreeMap::new();
        for turn in &loaded {
            if let Some(group) = turn.group.filter(|group| self.spare.contains_key(group)) {
                by_group.entry(group).or_default().push(*turn);
            }
        }
        let mut slowest: Option<(Timestamp, Group)> = None;
        for (group, turns) in by_group {
            let spare = self.spare.get(&group).copied().unwrap_or(u32::MAX);
            let (done, late) = queues.pass(&turns, spare, queues.out_for);
            behind.extend(late.iter().map(|turn| (turn.pump, LeftBehind::NoTurn)));
            slowest = slowest.max(last(&done).map(|turn| (turn.ready, group)));
        }
        left.extend(behind);

        let Some(end) = last(&together).map(|turn| turn.ready) else {
            return slowest.map_or((Timestamp::MIN_UTC, Decides::Nothing), |(at, group)| {
                (at, Decides::WardFloor(group))
            });
        };
        if let Some((at, group)) = slowest.filter(|(at, _)| *at > end) {
            return (at, Decides::WardFloor(group));
        }
        // The same without queues: if that is no earlier, it is the pumps and not the places.
        let alone = |turns: &[Turn], takes: TimeDelta| queues.pass(turns, u32::MAX, takes).0;
        let unqueued = alone(&alone(turns, download_takes), queues.out_for);
        let decided_by = match last(&unqueued) {
            Some(turn) if turn.ready >= end => Decides::LastPump(turn.pump),
            Some(_) | None => match last(&alone(&loaded, queues.out_for)) {
                Some(turn) if turn.ready >= end => Decides::Downloads,
                Some(_) | None => Decides::AtOnce,
            },
        };
        (end, decided_by)
    }
}

fn last(turns: &[Turn]) -> Option<&Turn> {
    turns.iter().max_by_key(|turn| turn.ready)
}

/// Pumps that wait for places.
struct Queues<'a> {
    room: &'a Room,
    /// How long a pump is out of service.
    out_for: TimeDelta,
}

impl Queues<'_> {
    /// Each pump takes a place for so long, in the order in which they are ready: when each is done, and which do not get a
    /// place while anything may begin.
    fn pass(&self, turns: &[Turn], places: u32, takes: TimeDelta) -> (Vec<Turn>, Vec<Turn>) {
        let places = usize::try_from(places).unwrap_or(usize::MAX);
        let mut out: BinaryHeap<Reverse<Timestamp>> = BinaryHeap::new();
        let mut done = Vec::with_capacity(turns.len());
        let mut late = Vec::new();
        for turn in turns {
            let is_full = out.len() >= places;
            let place = if is_full {
                out.peek().map(|at| at.0)
            } else {
                Some(turn.ready)
            };
            let begins = place.and_then(|at| self.room.not_before(at.max(turn.ready)));
            let Some(begins) = begins else {
                late.push(*turn);
                continue;
            };
            if is_full {
                out.pop();
            }
            let ready = later(begins, takes);
            out.push(Reverse(ready));
            done.push(Turn { ready, ..*turn });
        }
        (done, late)
    }
}

/// When a pump is free, by what is known of it in the present week.
fn ready(
    pace: &Pace,
    present: i64,
    hours: &[(WallHour, Timestamp)],
    candidate: &Candidate<'_>,
) -> Result<Timestamp, LeftBehind> {
    let Some((_, begins)) = hours.first() else {
        return Err(LeftBehind::NoRoom);
    };
    let Some(known) = candidate.hours else {
        return Ok(*begins);
    };
    let known = known.seen_from(present);
    let mut missed = CERTAIN;
    let (mut was_free, mut was_seen) = (false, false);
    for (hour, begins) in hours {
        let Some(odds) = known.odds(hour.hour) else {
            return Ok(*begins);
        };
        was_free |= odds.free > 0;
        was_seen |= odds.seen > 0;
        let not = u64::from(odds.of.saturating_sub(odds.free));
        missed = (missed * not).div_ceil(u64::from(odds.of.max(1)));
        if missed <= pace.missed_at_most {
            return Ok(*begins);
        }
    }
    let weeks = known.weeks();
    Err(match (was_free, was_seen) {
        (true, _) => LeftBehind::Seldom,
        (false, true) => LeftBehind::InUse { weeks },
        (false, false) => LeftBehind::NotHeard {
            weeks: if weeks == 0 { WEEKS } else { weeks },
        },
    })
}

#[cfg(test)]
mod tests;
