//! Kinds of therapy by what they look like at the pump: a rate in mL/h and a volume. What flows and for whom is nobody's business here.

use chrono::TimeDelta;
use rand::Rng;

/// A kind of infusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Therapy {
    /// A litre or half a litre, 75 to 125 mL/h.
    Maintenance,
    /// 100 to 250 mL/h for 30 to 60 minutes.
    Intermittent,
    /// 1 to 20 mL/h, adjusted often.
    Titrated,
}

/// Rate while a vein is kept open after the volume is done, mL/h.
pub const KVO_RATE: f64 = 5.0;

/// One infusion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    pub therapy: Therapy,
    /// Programmed rate, mL/h; above 0.
    pub rate: f64,
    /// Volume to be infused, mL.
    pub volume: f64,
    /// Infused since it began, mL, what flowed at KVO included.
    pub infused: f64,
}

impl Course {
    /// The largest rate of a programme, mL/h.
    pub const MAX_RATE: f64 = 1200.0;
    /// The largest volume of a programme, mL.
    pub const MAX_VOLUME: f64 = 10_000.0;

    /// A programme as somebody types it; rate and volume are brought into the pump's range.
    #[must_use]
    pub fn new(therapy: Therapy, rate: f64, volume: f64) -> Self {
        let within = |value: f64, min: f64, max: f64| {
            if value.is_finite() {
                value.clamp(min, max)
            } else {
                min
            }
        };
        Self {
            therapy,
            rate: within(rate, 0.1, Self::MAX_RATE),
            volume: within(volume, 0.1, Self::MAX_VOLUME),
            infused: 0.0,
        }
    }

    pub(super) fn draw(rng: &mut impl Rng) -> Self {
        // Pumps are set in steps of 1 mL/h, below 20 in steps of 0.1.
        match rng.random_range(0..10) {
            0..=4 => {
                let rate = rng.random_range(75.0_f64..=125.0).round();
                Self::new(
                    Therapy::Maintenance,
                    rate,
                    if rng.random_bool(0.5) { 500.0 } else { 1000.0 },
                )
            }
            5..=7 => {
                let rate = rng.random_range(100.0_f64..=250.0).round();
                let minutes: f64 = rng.random_range(30.0..=60.0);
                Self::new(Therapy::Intermittent, rate, (rate * minutes / 60.0).round())
            }
            _ => {
                let rate = (rng.random_range(1.0_f64..=20.0) * 10.0).round() / 10.0;
                Self::new(Therapy::Titrated, rate, 50.0)
            }
        }
    }

    /// A somewhat other rate, still one of the kind.
    pub(super) fn titrate(&mut self, rng: &mut impl Rng) {
        let rate = (self.rate * rng.random_range(0.8..1.25)).clamp(1.0, 20.0);
        self.rate = (rate * 10.0).round() / 10.0;
    }

    /// Time until the volume is done at the present rate; none is left when it is negative.
    pub(super) fn time_left(&self) -> TimeDelta {
        hours((self.volume - self.infused) / self.rate)
    }
}

/// A span given in hours; negative and endless spans become none.
pub(super) fn hours(hours: f64) -> TimeDelta {
    std::time::Duration::try_from_secs_f64(hours * 3600.0)
        .ok()
        .and_then(|span| TimeDelta::from_std(span).ok())
        .unwrap_or_default()
}

/// A span in hours.
pub(super) fn in_hours(span: TimeDelta) -> f64 {
    span.to_std().map_or(0.0, |span| span.as_secs_f64() / 3600.0)
}
