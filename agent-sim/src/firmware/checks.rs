//! What the pump's own checks read. The pump does not look at the limits for that: a sound pump reads what the table says, a
//! faulty one something else.

use wire::{
    message::{AskedCheck, DrugLibrary},
    types::{
        AutomaticResult, CheckKind, CheckSpec, CheckUnit, Claim, Conduct, Digest, Expectation, Limits,
        Reading,
    },
};

use super::{Fault, Faults};

/// What a kind of check reads in a unit: on a sound pump, and with its own fault.
struct Row {
    kind: CheckKind,
    unit: CheckUnit,
    sound: f64,
    faulty: Option<(Fault, f64)>,
}

const fn row(kind: CheckKind, unit: CheckUnit, sound: f64, faulty: Option<(Fault, f64)>) -> Row {
    Row {
        kind,
        unit,
        sound,
        faulty,
    }
}

const TABLE: [Row; 15] = {
    use CheckKind as K;
    use CheckUnit as U;
    use Fault as F;
    [
        row(K::FlowAccuracy, U::Percent, 0.6, Some((F::FlowDrift, 9.0))),
        row(
            K::FlowAccuracy,
            U::MillilitresPerHour,
            100.6,
            Some((F::FlowDrift, 109.0)),
        ),
        row(
            K::OcclusionPressure,
            U::Kilopascal,
            62.0,
            Some((F::OcclusionSensor, 118.0)),
        ),
        row(
            K::OcclusionPressure,
            U::MillimetreOfMercury,
            465.0,
            Some((F::OcclusionSensor, 885.0)),
        ),
        row(K::AirInLine, U::Microlitre, 52.0, None),
        row(
            K::AlarmSpeaker,
            U::Milliampere,
            142.0,
            Some((F::SpeakerWeak, 31.0)),
        ),
        row(K::AlarmSpeaker, U::Decibel, 66.0, Some((F::SpeakerWeak, 38.0))),
        row(K::Battery, U::Percent, 93.0, Some((F::BatteryWeak, 41.0))),
        row(K::Battery, U::Volt, 12.4, Some((F::BatteryWeak, 10.7))),
        row(K::Battery, U::Minute, 260.0, Some((F::BatteryWeak, 55.0))),
        row(K::Clock, U::Second, 1.0, Some((F::ClockOff, 40.0))),
        row(K::SelfTest, U::Count, 0.0, None),
        row(K::NetworkLink, U::DecibelMilliwatt, -58.0, None),
        row(K::NetworkLink, U::Percent, 84.0, None),
        row(K::Other, U::Count, 0.0, None),
    ]
};

/// The SHA-256 of a drug library on a simulated pump: of its name and version, since there are no drugs in it.
#[must_use]
pub fn library_digest(library: &DrugLibrary) -> Digest {
    Digest::of(format!("drug library {} {}", library.name, library.version).as_bytes())
}

/// Runs the automatic checks of a plan.
pub(super) fn run(
    checks: &[CheckSpec],
    faults: &Faults,
    library: Option<&DrugLibrary>,
) -> Vec<AutomaticResult> {
    let mut left_out = faults.has(Fault::CheckNotRun);
    checks
        .iter()
        .filter(|check| matches!(check.conduct, Conduct::Pump {}))
        .map(|check| {
            if std::mem::take(&mut left_out) {
                return AutomaticResult {
                    check: check.id.clone(),
                    claim: Claim::Pass,
                    reading: None,
                };
            }
            let reading = match check.expect {
                Expectation::Quantity(Limits { unit, .. }) => quantity(check.kind, unit, faults),
                Expectation::Digest { sha256 } => digest(sha256, faults, library),
                Expectation::Confirmation {} => None,
            };
            let is_sound = reading.is_some_and(|reading| passes(&check.expect, reading));
            AutomaticResult {
                check: check.id.clone(),
                claim: claim(reading, is_sound, faults),
                reading,
            }
        })
        .collect()
}

/// Runs the checks that an order asks for. No limits came with it: the pump claims what its own table says.
pub(super) fn run_again(
    checks: &[AskedCheck],
    faults: &Faults,
    library: Option<&DrugLibrary>,
) -> Vec<AutomaticResult> {
    let healthy = Faults::default();
    let mut left_out = faults.has(Fault::CheckNotRun);
    checks
        .iter()
        .map(|check| {
            let read = |faults: &Faults| match check.unit {
                Some(unit) => quantity(check.kind, unit, faults),
                None if check.kind == CheckKind::LibraryIntegrity => digest(None, faults, library),
                None => None,
            };
            if std::mem::take(&mut left_out) {
                return AutomaticResult {
                    check: check.check.clone(),
                    claim: Claim::Pass,
                    reading: None,
                };
            }
            let reading = read(faults);
            AutomaticResult {
                check: check.check.clone(),
                claim: claim(reading, reading == read(&healthy), faults),
                reading,
            }
        })
        .collect()
}

fn claim(reading: Option<Reading>, is_sound: bool, faults: &Faults) -> Claim {
    match reading {
        None => Claim::NotRun,
        Some(_) if is_sound || faults.has(Fault::Lies) => Claim::Pass,
        Some(_) => Claim::Fail,
    }
}

/// None where this pump has no means to read it.
fn quantity(kind: CheckKind, unit: CheckUnit, faults: &Faults) -> Option<Reading> {
    let row = TABLE.iter().find(|row| row.kind == kind && row.unit == unit)?;
    let value = match row.faulty {
        Some((fault, value)) if faults.has(fault) => value,
        _ => row.sound,
    };
    Some(Reading::Quantity { value, unit })
}

fn digest(expected: Option<Digest>, faults: &Faults, library: Option<&DrugLibrary>) -> Option<Reading> {
    let loaded = expected.or_else(|| library.map(library_digest))?;
    let sha256 = if faults.has(Fault::LibraryAltered) {
        Digest::of_pieces(&[b"altered ", loaded.bytes()])
    } else {
        loaded
    };
    Some(Reading::Digest { sha256 })
}

/// The pump's own opinion. Nobody relies on it.
fn passes(expect: &Expectation, reading: Reading) -> bool {
    match (expect, reading) {
        (Expectation::Quantity(limits), Reading::Quantity { value, .. }) => {
            limits.low.is_none_or(|low| value >= low) && limits.high.is_none_or(|high| value <= high)
        }
        (Expectation::Digest { sha256 }, Reading::Digest { sha256: read }) => {
            sha256.is_none_or(|expected| expected == read)
        }
        _ => false,
    }
}
