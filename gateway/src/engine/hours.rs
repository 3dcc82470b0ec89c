//! When pumps are free, hour by hour: counted in memory while an hour lasts, and put on record once, with the first sample after it.
//!
//! So the record costs one row for each pump and hour, in a transaction that happens anyway, and nothing for each message. A
//! gateway that stops forgets the hour that was not over.

use std::collections::HashMap;

use chrono_tz::Tz;
use fleet::{
    Timestamp,
    id::PumpId,
    pump::{Availability, PumpState, availability},
    rollout::free_hours::{HourTally, WallHour},
};

/// Offsets from UTC change at no finer steps than this, in seconds.
const STEP: i64 = 15 * 60;

/// The hours that are not over.
pub(super) struct Hours {
    zone: Tz,
    open: HashMap<PumpId, (WallHour, HourTally)>,
}

impl Hours {
    /// By the clocks on the walls of a zone.
    pub(super) fn on(zone: Tz) -> Self {
        Self {
            zone,
            open: HashMap::new(),
        }
    }

    /// What is over once these samples are there: each hour with whether the pump was free.
    pub(super) fn over(&self, samples: &[PumpState]) -> Vec<(PumpId, WallHour, bool)> {
        let mut wall = Wall::on(self.zone);
        let mut over = HashMap::new();
        for sample in samples {
            let at = wall.hour(sample.received_at);
            if let Some((hour, tally)) = self.open.get(&sample.pump)
                && *hour != at
            {
                over.insert(sample.pump, (*hour, tally.is_free()));
            }
        }
        over.into_iter()
            .map(|(pump, (hour, is_free))| (pump, hour, is_free))
            .collect()
    }

    /// Counts samples, once what they made over is on record.
    pub(super) fn add(&mut self, samples: &[PumpState]) {
        let mut wall = Wall::on(self.zone);
        for sample in samples {
            let at = wall.hour(sample.received_at);
            let open = self
                .open
                .entry(sample.pump)
                .or_insert_with(|| (at, HourTally::default()));
            if open.0 != at {
                *open = (at, HourTally::default());
            }
            let heard = sample.received_at;
            let is_free = availability(sample.activity, sample.patient_attached, heard, heard);
            open.1.add(is_free == Availability::Free);
        }
    }
}

/// Finds the hours of samples, which mostly are in the same one.
struct Wall {
    zone: Tz,
    last: Option<(i64, WallHour)>,
}

impl Wall {
    const fn on(zone: Tz) -> Self {
        Self { zone, last: None }
    }

    fn hour(&mut self, at: Timestamp) -> WallHour {
        let step = at.timestamp().div_euclid(STEP);
        match self.last {
            Some((known, hour)) if known == step => hour,
            Some(_) | None => {
                let hour = WallHour::at(self.zone, at);
                self.last = Some((step, hour));
                hour
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use fleet::pump::Activity;
    use uuid::Uuid;

    use super::*;

    fn sample(pump: u128, at: Timestamp, activity: Activity) -> PumpState {
        PumpState {
            pump: PumpId::from_uuid(Uuid::from_u128(pump)),
            reported_at: at,
            received_at: at,
            activity,
            patient_attached: false,
            rate: None,
            infused: None,
            battery: None,
            on_mains: true,
            signal: None,
            place: None,
            alarm: None,
        }
    }

    #[test]
    fn an_hour_is_told_once_when_it_is_over() {
        let mut hours = Hours::on(chrono_tz::Europe::Berlin);
        let start: Timestamp = "2027-01-18T01:00:00Z".parse().unwrap();
        let mut told = Vec::new();
        // Pump 1 is free for 20 minutes of the first hour and none of the second; pump 2 is heard of in the first only.
        for minute in 0..130 {
            let at = start + TimeDelta::minutes(minute);
            let activity = if minute < 20 {
                Activity::Ready
            } else {
                Activity::Infusing
            };
            let mut samples = vec![sample(1, at, activity)];
            if minute < 60 {
                samples.push(sample(2, at, Activity::Kvo));
            }
            told.extend(hours.over(&samples));
            // A transaction that failed is tried again, and tells the same.
            assert_eq!(hours.over(&samples), hours.over(&samples));
            hours.add(&samples);
        }
        told.extend(hours.over(&[sample(2, start + TimeDelta::days(9), Activity::Ready)]));
        let told: Vec<_> = told
            .into_iter()
            .map(|(pump, at, is_free)| (pump.as_uuid().as_u128(), at.hour, is_free))
            .collect();
        assert_eq!(told, [(1, 2, true), (1, 3, false), (2, 2, false)]);
    }

    #[test]
    fn the_hour_is_the_walls_for_every_sample() {
        let mut wall = Wall::on(chrono_tz::Asia::Kathmandu);
        let start: Timestamp = "2027-01-18T00:00:00Z".parse().unwrap();
        for minute in 0..300 {
            let at = start + TimeDelta::minutes(minute);
            assert_eq!(wall.hour(at), WallHour::at(chrono_tz::Asia::Kathmandu, at));
        }
    }
}
