//! The hospital's own plan of checks, for a pump whose release brings none that applies: one that never had an update from us, that
//! runs its old firmware again, or whose word is not taken at all. People run all of it at the bench.
//!
//! What is checked is IEC 60601-2-24:2012 (infusion pumps) and IEC 62353:2014 (recurrent tests); the standards leave most limits
//! to the manufacturer, and these are what large-volume pumps commonly state.

use chrono::TimeDelta;

use super::{CheckKind, CheckSpec, CheckUnit, Conduct, Expectation, Limits};
use crate::text::{CheckId, Name, Prompt};

/// A retest that has not come to its end after so long has to be begun again: its readings would be of different days.
pub const RETEST_WITHIN: TimeDelta = TimeDelta::hours(24);

struct Row {
    id: &'static str,
    kind: CheckKind,
    prompt: &'static str,
    instrument: Option<&'static str>,
    expect: Expectation,
}

const fn between(unit: CheckUnit, low: Option<f64>, high: Option<f64>, guard_band: f64) -> Expectation {
    Expectation::Quantity(Limits {
        unit,
        low,
        high,
        guard_band,
    })
}

const ROWS: [Row; 6] = [
    // IEC 60601-2-24, 201.12.1.102: against the rate that was set, over the second hour.
    Row {
        id: "bench-flow",
        kind: CheckKind::FlowAccuracy,
        prompt: "Deviation of the delivered from the set rate, at 25 mL/h.",
        instrument: Some("infusion device analyser"),
        expect: between(CheckUnit::Percent, Some(-5.0), Some(5.0), 1.0),
    },
    // IEC 60601-2-24, 201.12.4.4.104: it stops and alarms before the pressure does harm.
    Row {
        id: "bench-occlusion",
        kind: CheckKind::OcclusionPressure,
        prompt: "The pressure at which it stops and alarms, line closed, highest setting.",
        instrument: Some("infusion device analyser"),
        expect: between(CheckUnit::Kilopascal, Some(20.0), Some(140.0), 5.0),
    },
    // IEC 60601-2-24, 208.6.3.3: it can not be turned down below 45 dB(A) at 1 m.
    Row {
        id: "bench-alarm",
        kind: CheckKind::AlarmSpeaker,
        prompt: "A high-priority alarm at its lowest volume, A-weighted, at 1 m.",
        instrument: Some("sound level meter"),
        expect: between(CheckUnit::Decibel, Some(45.0), None, 2.0),
    },
    // IEC 60601-2-24, 201.11.8: the warning comes half an hour before the battery is empty.
    Row {
        id: "bench-battery",
        kind: CheckKind::Battery,
        prompt: "From the warning of a low battery to the end of delivery.",
        instrument: Some("timer"),
        expect: between(CheckUnit::Minute, Some(30.0), None, 1.0),
    },
    // IEC 62353, 5.3.3: equipment leakage current, direct method, class I.
    Row {
        id: "bench-electrical",
        kind: CheckKind::Other,
        prompt: "Equipment leakage current, direct method.",
        instrument: Some("electrical safety analyser"),
        expect: between(CheckUnit::Milliampere, None, Some(0.5), 0.05),
    },
    // IEC 62353, 5.2.
    Row {
        id: "bench-inspection",
        kind: CheckKind::Inspection,
        prompt: "Case, door, latch, mains lead, labels and screen are whole and clean.",
        instrument: None,
        expect: Expectation::Confirmation {},
    },
];

/// The plan.
#[must_use]
pub fn bench_plan() -> Vec<CheckSpec> {
    // Every row is a check, as a test shows; without one of them the rest would prove too little, and none prove nothing.
    ROWS.iter()
        .map(Row::spec)
        .collect::<Option<Vec<_>>>()
        .unwrap_or_default()
}

impl Row {
    fn spec(&self) -> Option<CheckSpec> {
        let instrument = match self.instrument {
            Some(name) => Some(Name::new(name).ok()?),
            None => None,
        };
        Some(CheckSpec {
            id: CheckId::new(self.id).ok()?,
            kind: self.kind,
            conduct: Conduct::Person { instrument },
            prompt: Prompt::new(self.prompt).ok()?,
            expect: self.expect,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_is_a_check_that_could_fail_and_that_a_person_runs() {
        let plan = bench_plan();
        assert_eq!(plan.len(), ROWS.len());
        let ids: BTreeSet<_> = plan.iter().map(|spec| &spec.id).collect();
        assert_eq!(ids.len(), ROWS.len());
        for spec in &plan {
            assert_eq!(spec.check(), Ok(()), "{}", spec.id);
            assert!(!spec.conduct.is_automatic());
        }
    }
}
