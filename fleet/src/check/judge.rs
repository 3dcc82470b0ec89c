//! One result against one check of the plan. No state, no other check.

use super::{
    AutomaticResult, CheckSpec, Claim, Conduct, Expectation, FailReason, Limits, ManualResult, NotRunReason,
    Reading, ReviewReason, Verdict,
};
use crate::{Timestamp, signature::Digest};

/// A reading against what was expected of it.
pub(super) fn judge(expect: &Expectation, reading: &Reading, on_record: Option<Digest>) -> Verdict {
    match (expect, reading) {
        (Expectation::Quantity(limits), Reading::Quantity { value, unit }) => {
            if *unit == limits.unit {
                quantity(*limits, *value)
            } else {
                Verdict::Review(ReviewReason::Unit {
                    given: *unit,
                    expected: limits.unit,
                })
            }
        }
        (Expectation::Digest { sha256 }, Reading::Digest { sha256: read }) => match sha256.or(on_record) {
            None => Verdict::Review(ReviewReason::NothingToCompare),
            Some(expected) if expected == *read => Verdict::Pass,
            Some(_) => Verdict::Fail(FailReason::DigestDiffers),
        },
        (Expectation::Confirmation {}, Reading::Confirmation { yes: true }) => Verdict::Pass,
        (Expectation::Confirmation {}, Reading::Confirmation { yes: false }) => {
            Verdict::Fail(FailReason::Denied)
        }
        (
            Expectation::Quantity(_) | Expectation::Digest { .. } | Expectation::Confirmation {},
            Reading::Quantity { .. } | Reading::Digest { .. } | Reading::Confirmation { .. },
        ) => Verdict::Review(ReviewReason::OtherKind),
    }
}

fn quantity(limits: Limits, value: f64) -> Verdict {
    if !value.is_finite() {
        return Verdict::Fail(FailReason::NotANumber);
    }
    let band = limits.guard_band;
    let outside = |margin: f64| {
        limits.low.is_some_and(|low| value < low + margin)
            || limits.high.is_some_and(|high| value > high - margin)
    };
    if outside(0.0) {
        Verdict::Fail(FailReason::OutOfLimits { value, limits })
    } else if outside(band) {
        Verdict::Review(ReviewReason::GuardBand { value, band, limits })
    } else {
        Verdict::Pass
    }
}

/// What the pump said of a check. Its claim can only make things worse.
pub(super) fn automatic(spec: &CheckSpec, result: &AutomaticResult, on_record: Option<Digest>) -> Verdict {
    let judged = result
        .reading
        .as_ref()
        .map(|reading| judge(&spec.expect, reading, on_record));
    match (result.claim, judged) {
        (Claim::Pass, Some(verdict)) => verdict,
        (Claim::Pass, None) => Verdict::NotRun(NotRunReason::NoReading),
        (Claim::Fail, Some(Verdict::Fail(reason))) => Verdict::Fail(reason),
        (Claim::Fail, _) => Verdict::Fail(FailReason::PumpSays),
        (Claim::NotRun, None) => Verdict::NotRun(NotRunReason::Said),
        (Claim::NotRun, Some(_)) => Verdict::Fail(FailReason::Contradictory),
    }
}

/// What a person said of a check. A measurement that proves nothing does not pass; one that fails, fails with any instrument.
pub(super) fn manual(
    spec: &CheckSpec,
    result: &ManualResult,
    on_record: Option<Digest>,
    since: Timestamp,
    now: Timestamp,
) -> Verdict {
    let Some(reading) = &result.reading else {
        return Verdict::NotRun(NotRunReason::Said);
    };
    let at = result.read_at.at();
    // What was so before the update says nothing of the pump after it, not even a fail.
    if at < since {
        return Verdict::NotRun(NotRunReason::BeforeUpdate);
    }
    let verdict = judge(&spec.expect, reading, on_record);
    if matches!(verdict, Verdict::Fail(_)) {
        return verdict;
    }
    if at > now {
        return Verdict::NotRun(NotRunReason::InFuture);
    }
    let needs_instrument = matches!(spec.conduct, Conduct::Person { instrument: Some(_) });
    match &result.instrument {
        None if needs_instrument => Verdict::NotRun(NotRunReason::NoInstrument),
        Some(instrument) if result.read_at.local_date() > instrument.calibrated_until => {
            Verdict::NotRun(NotRunReason::Calibration {
                instrument: instrument.id.clone(),
                ended: instrument.calibrated_until,
            })
        }
        None | Some(_) => verdict,
    }
}
