//! The state of a pump at one moment, in the contract's words.

use wire::{
    Timestamp,
    message::{Telemetry, V1},
    types::{BatteryPercent, Millilitres, MillilitresPerHour, Name, SignalDbm},
};

use super::{KVO_RATE, Life, Phase};

/// What a person at the pump would read off it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Delivery rate, mL/h; none when nothing is delivered.
    pub rate: Option<f64>,
    /// Infused by the present infusion, mL.
    pub infused: Option<f64>,
    /// Charge, percent.
    pub battery: f64,
    /// Whether a patient is connected.
    pub patient: bool,
}

impl Life {
    /// The figures of this moment.
    #[must_use]
    pub fn sample(&self) -> Sample {
        Sample {
            rate: match self.phase {
                Phase::Infusing(course) => Some(course.rate),
                Phase::Kvo(_) => Some(KVO_RATE),
                Phase::Paused(_) | Phase::Starting(_) => Some(0.0),
                Phase::Off | Phase::Ready | Phase::Standby => None,
            },
            infused: self.phase.course().map(|course| course.infused),
            battery: self.power.charge,
            patient: self.patient,
        }
    }

    /// The telemetry of this moment; none from a pump that is off. `at` is what the pump's own clock shows.
    #[must_use]
    pub fn telemetry(&self, at: Timestamp) -> Option<Telemetry> {
        let activity = self.phase.activity()?;
        let sample = self.sample();
        let tenth = |value: f64| (value * 10.0).round() / 10.0;
        Some(Telemetry {
            v: V1,
            at,
            activity,
            patient_attached: sample.patient,
            rate_ml_h: sample
                .rate
                .and_then(|rate| MillilitresPerHour::new(tenth(rate)).ok()),
            infused_ml: sample
                .infused
                .and_then(|infused| Millilitres::new(tenth(infused)).ok()),
            battery_percent: BatteryPercent::new(sample.battery.round()).ok(),
            on_mains: self.power.mains,
            signal_dbm: SignalDbm::new(self.signal).ok(),
            place: Some(self.place.clone()),
            alarm: self.alarm.and_then(|alarm| Name::new(alarm.as_str()).ok()),
        })
    }
}
