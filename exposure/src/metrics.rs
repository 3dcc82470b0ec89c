//! How well vulnerabilities are being dealt with, in the measures that FDA names (*Cybersecurity in Medical Devices: Quality
//! System Considerations and Content of Premarket Submissions*, 2023, section V.A.6): the share that is patched, the time from
//! identification to patched, and the time from a patch being available to its being everywhere.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What happened to one vulnerability in this hospital.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// When it was first known that pumps here are affected.
    pub identified_at: Timestamp,
    /// When a fix could first be had; `None` while there is none.
    pub fix_available_at: Option<Timestamp>,
    /// When each affected pump was proved to be fixed; `None` for those that are not.
    pub fixed_at: Vec<Option<Timestamp>>,
}

/// How long something took, over several vulnerabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// How many it was measured on.
    pub count: usize,
    /// Whole hours; of an even count the lower of the middle two.
    pub median_hours: i64,
    pub longest_hours: i64,
}

/// The measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    pub identified: usize,
    /// Those that no pump has any more.
    pub patched: usize,
    /// Whole percent, rounded down, so that 100 means all; `None` when nothing was identified.
    pub patched_percent: Option<usize>,
    pub identification_to_patched: Option<Durations>,
    pub fix_available_to_deployed: Option<Durations>,
}

/// Measures. A vulnerability counts as patched when its last pump was; one that concerned no pump counts for nothing.
#[must_use]
pub fn measure<'a>(histories: impl IntoIterator<Item = &'a History>) -> Metrics {
    let concerned: Vec<&History> = histories
        .into_iter()
        .filter(|history| !history.fixed_at.is_empty())
        .collect();
    let patched: Vec<(&History, Timestamp)> = concerned
        .iter()
        .filter_map(|history| Some((*history, last_fixed(history)?)))
        .collect();
    let to_patched = patched
        .iter()
        .map(|(history, last)| *last - history.identified_at);
    let to_deployed = patched
        .iter()
        .filter_map(|(history, last)| Some(*last - history.fix_available_at?));
    Metrics {
        identified: concerned.len(),
        patched: patched.len(),
        patched_percent: (patched.len() * 100).checked_div(concerned.len()),
        identification_to_patched: durations(to_patched),
        fix_available_to_deployed: durations(to_deployed),
    }
}

/// When the last pump was fixed; `None` while one is not.
fn last_fixed(history: &History) -> Option<Timestamp> {
    let all: Vec<Timestamp> = history.fixed_at.iter().copied().collect::<Option<_>>()?;
    all.into_iter().max()
}

fn durations(times: impl Iterator<Item = TimeDelta>) -> Option<Durations> {
    // A pump may have run the fix before anybody knew of the flaw: that took no time.
    let mut hours: Vec<i64> = times.map(|time| time.num_hours().max(0)).collect();
    hours.sort_unstable();
    let middle = hours.len().checked_sub(1)? / 2;
    Some(Durations {
        count: hours.len(),
        median_hours: *hours.get(middle)?,
        longest_hours: *hours.last()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_timestamp(hours * 3600, 0).unwrap()
    }

    fn history(identified: i64, available: Option<i64>, fixed: &[Option<i64>]) -> History {
        History {
            identified_at: at(identified),
            fix_available_at: available.map(at),
            fixed_at: fixed.iter().map(|hours| hours.map(at)).collect(),
        }
    }

    #[test]
    fn only_what_no_pump_has_any_more_is_patched() {
        let metrics = measure(&[
            history(100, Some(110), &[Some(120), Some(150)]),
            history(100, Some(90), &[Some(104)]),
            history(100, None, &[Some(130), Some(101)]),
            history(100, Some(110), &[Some(120), None]),
            history(100, None, &[None]),
            history(100, Some(10), &[]),
            history(100, Some(10), &[Some(50)]),
        ]);
        let durations = |count, median_hours, longest_hours| {
            Some(Durations {
                count,
                median_hours,
                longest_hours,
            })
        };
        assert_eq!(
            metrics,
            Metrics {
                identified: 6,
                patched: 4,
                patched_percent: Some(66),
                identification_to_patched: durations(4, 4, 50),
                fix_available_to_deployed: durations(3, 40, 40),
            }
        );
    }

    #[test]
    fn of_nothing_there_is_no_share() {
        let metrics = measure(&[]);
        assert_eq!(
            (metrics.patched_percent, metrics.identification_to_patched),
            (None, None)
        );
    }
}
