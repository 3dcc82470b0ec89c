use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    Timestamp,
    id::AccountId,
    release::tests::manifest,
    signature::{Digest, ZonedTime},
    text::{CheckId, InstrumentId},
};

/// 08:00 UTC on 15 January 2027.
const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

fn id(text: &str) -> CheckId {
    CheckId::new(text).unwrap()
}

fn library() -> Digest {
    Digest::of(b"the approved library")
}

fn nurse() -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(1))
}

fn biomed() -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(2))
}

fn at(minutes: i64) -> ZonedTime {
    ZonedTime::new(
        NOW + TimeDelta::minutes(minutes),
        FixedOffset::east_opt(3600).unwrap(),
    )
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a result may have none, and every use is a result's"
)]
const fn quantity(value: f64, unit: CheckUnit) -> Option<Reading> {
    Some(Reading::Quantity { value, unit })
}

/// One attempt with everything it refers to.
struct Case {
    plan: Vec<CheckSpec>,
    approved_library: Option<Digest>,
    automatic: Vec<AutomaticReport>,
    manual: Vec<ManualResult>,
    now: Timestamp,
}

impl Case {
    /// Every check of the infusion-control release of the tests of `release`, passed by a wide margin.
    fn all_well() -> Self {
        let result = |check, reading| AutomaticResult {
            check: id(check),
            claim: Claim::Pass,
            reading,
        };
        Self {
            plan: manifest().checks,
            approved_library: Some(library()),
            automatic: vec![AutomaticReport {
                received_at: NOW - TimeDelta::minutes(20),
                results: vec![
                    result("self-test", quantity(0.0, CheckUnit::Count)),
                    result("library", Some(Reading::Digest { sha256: library() })),
                    result("clock", quantity(0.4, CheckUnit::Second)),
                    result("occlusion", quantity(60.0, CheckUnit::Kilopascal)),
                    result("air", quantity(50.0, CheckUnit::Microlitre)),
                    result("speaker", quantity(120.0, CheckUnit::Milliampere)),
                    result("battery", quantity(12.2, CheckUnit::Volt)),
                ],
            }],
            manual: vec![ManualResult {
                check: id("flow"),
                reading: quantity(1.2, CheckUnit::Percent),
                person: biomed(),
                instrument: Some(Instrument {
                    id: InstrumentId::new("IDA-0042").unwrap(),
                    calibrated_until: NaiveDate::from_ymd_opt(2027, 1, 15).unwrap(),
                }),
                read_at: at(-10),
            }],
            now: NOW,
        }
    }

    fn evaluate(&self) -> Evaluation {
        evaluate(&Attempt {
            plan: &self.plan,
            approved_library: self.approved_library,
            since: NOW - TimeDelta::minutes(30),
            automatic_due: NOW - TimeDelta::minutes(15),
            manual_due: NOW + TimeDelta::minutes(60),
            automatic: &self.automatic,
            manual: &self.manual,
            now: self.now,
        })
    }

    fn result(&mut self, check: &str) -> &mut AutomaticResult {
        let results = self.automatic.iter_mut().flat_map(|report| &mut report.results);
        results
            .into_iter()
            .find(|result| result.check.as_str() == check)
            .unwrap()
    }

    fn occlusion(&mut self, value: f64) {
        self.result("occlusion").reading = quantity(value, CheckUnit::Kilopascal);
    }

    fn flow(&mut self, value: f64) {
        self.manual[0].reading = quantity(value, CheckUnit::Percent);
    }
}

/// The outcome, and what is said of the checks that did not pass.
fn verdicts(change: impl FnOnce(&mut Case)) -> (CheckOutcome, Vec<String>) {
    let mut case = Case::all_well();
    change(&mut case);
    let evaluation = case.evaluate();
    let not_passed = evaluation
        .checks
        .iter()
        .filter(|check| check.verdict != Verdict::Pass)
        .map(|check| match check.verdict.reason() {
            Some(reason) => format!("{}: {reason}", check.id),
            None => format!("{}: {}", check.id, check.verdict.outcome().as_str()),
        });
    (evaluation.outcome, not_passed.collect())
}

#[test]
fn the_worst_check_decides_and_says_why() {
    use CheckOutcome as O;
    let check = |change: fn(&mut Case), outcome: O, words: &[&str]| {
        assert_eq!(
            verdicts(change),
            (outcome, words.iter().map(ToString::to_string).collect())
        );
    };
    check(|_| (), O::Passed, &[]);
    // Limits and guard bands: 30 to 90 kPa, 5 kPa.
    check(
        |c| c.occlusion(29.9),
        O::Failed,
        &["occlusion: 29.9 kPa is outside 30 to 90 kPa"],
    );
    check(
        |c| c.occlusion(30.0),
        O::Review,
        &["occlusion: 30 kPa is within 5 of the limits 30 to 90 kPa"],
    );
    check(
        |c| c.occlusion(34.9),
        O::Review,
        &["occlusion: 34.9 kPa is within 5 of the limits 30 to 90 kPa"],
    );
    check(|c| c.occlusion(35.0), O::Passed, &[]);
    check(|c| c.occlusion(85.0), O::Passed, &[]);
    check(
        |c| c.occlusion(85.1),
        O::Review,
        &["occlusion: 85.1 kPa is within 5 of the limits 30 to 90 kPa"],
    );
    check(
        |c| c.occlusion(90.0),
        O::Review,
        &["occlusion: 90 kPa is within 5 of the limits 30 to 90 kPa"],
    );
    check(
        |c| c.occlusion(90.1),
        O::Failed,
        &["occlusion: 90.1 kPa is outside 30 to 90 kPa"],
    );
    check(
        |c| c.occlusion(f64::NAN),
        O::Failed,
        &["occlusion: the reading is not a number"],
    );
    check(
        |c| c.occlusion(f64::INFINITY),
        O::Failed,
        &["occlusion: the reading is not a number"],
    );
    check(
        |c| c.result("battery").reading = quantity(11.0, CheckUnit::Volt),
        O::Failed,
        &["battery: 11 V is outside at least 11.4 V"],
    );
    // Another unit is another quantity.
    check(
        |c| c.result("occlusion").reading = quantity(450.0, CheckUnit::MillimetreOfMercury),
        O::Review,
        &["occlusion: was read in mmHg; the plan gives its limits in kPa"],
    );
    check(
        |c| c.result("occlusion").reading = Some(Reading::Confirmation { yes: true }),
        O::Review,
        &["occlusion: gave another kind of reading than the plan asks for"],
    );
    // The drug library, to the bit.
    check(
        |c| {
            c.result("library").reading = Some(Reading::Digest {
                sha256: Digest::of(b"another"),
            });
        },
        O::Failed,
        &["library: what is on the pump differs from what was approved"],
    );
    check(
        |c| c.approved_library = None,
        O::Review,
        &["library: has nothing to be compared with; enter the approved drug library"],
    );
    check(|c| c.plan.clear(), O::NotRun, &[]);
}

#[test]
fn a_pump_is_not_believed_but_where_it_accuses_itself() {
    use CheckOutcome as O;
    let check = |claim: Claim, value: Option<f64>, outcome: O, words: &[&str]| {
        let got = verdicts(|case| {
            let result = case.result("occlusion");
            result.claim = claim;
            result.reading = value.and_then(|value| quantity(value, CheckUnit::Kilopascal));
        });
        assert_eq!(got, (outcome, words.iter().map(ToString::to_string).collect()));
    };
    check(
        Claim::Pass,
        None,
        O::NotRun,
        &["occlusion: has no reading; a pass without a reading is not believed"],
    );
    check(
        Claim::Pass,
        Some(10.0),
        O::Failed,
        &["occlusion: 10 kPa is outside 30 to 90 kPa"],
    );
    check(
        Claim::Fail,
        Some(60.0),
        O::Failed,
        &["occlusion: the pump itself says that it failed"],
    );
    check(
        Claim::Fail,
        None,
        O::Failed,
        &["occlusion: the pump itself says that it failed"],
    );
    check(Claim::NotRun, None, O::NotRun, &["occlusion: was not run"]);
    check(
        Claim::NotRun,
        Some(60.0),
        O::Failed,
        &["occlusion: two results contradict one another"],
    );

    let mut case = Case::all_well();
    case.occlusion(10.0);
    assert_eq!(
        case.evaluate().notes,
        [Note::ClaimNotBorneOut {
            check: id("occlusion")
        }]
    );
}

#[test]
fn silence_and_lateness_are_never_a_pass() {
    use CheckOutcome as O;
    let check = |change: fn(&mut Case), outcome: O, words: &[&str]| {
        assert_eq!(
            verdicts(change),
            (outcome, words.iter().map(ToString::to_string).collect())
        );
    };
    check(
        |c| {
            c.now = NOW - TimeDelta::minutes(16);
            c.manual.clear();
            c.automatic[0].results.remove(3);
        },
        O::NotRun,
        &["occlusion: is missing from the pump's report", "flow: awaiting"],
    );
    check(
        |c| drop(c.automatic[0].results.remove(3)),
        O::Overdue,
        &["occlusion: overdue"],
    );
    check(|c| c.manual.clear(), O::Awaiting, &["flow: awaiting"]);
    check(
        |c| {
            c.manual.clear();
            c.now = NOW + TimeDelta::minutes(61);
        },
        O::Overdue,
        &["flow: overdue"],
    );
    // What proves nothing does not stop the clock.
    check(
        |c| {
            c.manual[0].instrument = None;
            c.now = NOW + TimeDelta::minutes(61);
        },
        O::Overdue,
        &["flow: overdue"],
    );
    // A result that comes late does not undo that it was late; a late failure is a failure.
    check(
        |c| {
            c.plan.retain(|spec| spec.id.as_str() == "occlusion");
            c.automatic[0].received_at = NOW;
        },
        O::Overdue,
        &["occlusion: overdue"],
    );
    check(
        |c| {
            c.plan.retain(|spec| spec.id.as_str() == "occlusion");
            c.automatic[0].received_at = NOW;
            c.occlusion(10.0);
        },
        O::Failed,
        &["occlusion: 10 kPa is outside 30 to 90 kPa"],
    );
    check(
        |c| {
            c.now = NOW + TimeDelta::minutes(90);
            c.manual[0].read_at = at(70);
            c.manual[0].instrument.as_mut().unwrap().calibrated_until = NaiveDate::MAX;
        },
        O::Overdue,
        &["flow: overdue"],
    );
    // A report that arrives twice says nothing new, even if the second time is late.
    check(
        |c| {
            let mut again = c.automatic[0].clone();
            again.received_at = NOW;
            c.automatic.push(again);
        },
        O::Passed,
        &[],
    );
}

#[test]
fn two_results_that_disagree_are_a_fail() {
    let (outcome, words) = verdicts(|case| {
        let mut second = case.automatic[0].clone();
        second
            .results
            .retain(|result| result.check.as_str() == "occlusion");
        second.results[0].reading = quantity(32.0, CheckUnit::Kilopascal);
        case.automatic.push(second);
    });
    assert_eq!(outcome, CheckOutcome::Failed);
    assert_eq!(words, ["occlusion: two results contradict one another"]);
    let (outcome, words) = verdicts(|case| {
        let mut second = case.manual[0].clone();
        second.reading = quantity(9.0, CheckUnit::Percent);
        case.manual.push(second);
    });
    assert_eq!(outcome, CheckOutcome::Failed);
    assert_eq!(words, ["flow: two results contradict one another"]);
}

#[test]
fn a_measurement_needs_a_calibrated_instrument_at_the_right_time() {
    use CheckOutcome as O;
    let check = |change: fn(&mut Case), outcome: O, words: &[&str]| {
        assert_eq!(
            verdicts(change),
            (outcome, words.iter().map(ToString::to_string).collect())
        );
    };
    check(
        |c| c.manual[0].instrument = None,
        O::NotRun,
        &["flow: needs an instrument, and none is named"],
    );
    check(
        |c| {
            c.manual[0].instrument.as_mut().unwrap().calibrated_until =
                NaiveDate::from_ymd_opt(2027, 1, 14).unwrap();
        },
        O::NotRun,
        &["flow: was read with instrument IDA-0042, whose calibration ended on 2027-01-14"],
    );
    // The day is that of the wall clock: at 08:00 UTC it is already the 16th where the clock is 16 hours ahead.
    check(
        |c| c.manual[0].read_at = ZonedTime::from_parts(NOW - TimeDelta::minutes(10), 17 * 60),
        O::NotRun,
        &["flow: was read with instrument IDA-0042, whose calibration ended on 2027-01-15"],
    );
    check(
        |c| c.manual[0].read_at = at(-31),
        O::NotRun,
        &["flow: was read before the update it is to prove"],
    );
    check(
        |c| c.manual[0].read_at = at(1),
        O::NotRun,
        &["flow: was read at a time that is still to come; check the clock"],
    );
    check(|c| c.manual[0].reading = None, O::NotRun, &["flow: was not run"]);
    // A fail is a fail with any instrument.
    check(
        |c| {
            c.manual[0].instrument = None;
            c.flow(9.0);
        },
        O::Failed,
        &["flow: 9 % is outside -5 to 5 %"],
    );
    // Somebody had no instrument, somebody else came with one.
    check(
        |c| {
            let mut first = c.manual[0].clone();
            first.instrument = None;
            c.manual.insert(0, first);
        },
        O::Passed,
        &[],
    );
}

#[test]
fn what_was_not_asked_for_is_noted_and_counts_for_nothing() {
    let mut case = Case::all_well();
    let mut odd = case.result("clock").clone();
    odd.check = id("coffee");
    case.automatic[0].results.push(odd.clone());
    // The pump can not do the work of the bench, nor the bench that of the pump.
    odd.check = id("flow");
    case.automatic[0].results.push(odd);
    let mut by_hand = case.manual[0].clone();
    by_hand.check = id("occlusion");
    by_hand.reading = quantity(1.0, CheckUnit::Kilopascal);
    case.manual.push(by_hand);
    let evaluation = case.evaluate();
    assert_eq!(evaluation.outcome, CheckOutcome::Passed);
    let notes: Vec<_> = evaluation.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        ["coffee", "flow", "occlusion"]
            .map(|check| format!("a result for `{check}` was not asked for and is not counted"))
    );
}

#[test]
fn s12_whoever_ran_the_bench_check_does_not_sign_for_it() {
    let case = Case::all_well();
    assert_eq!(may_countersign(&case.manual, nurse()), Ok(()));
    let refusal = may_countersign(&case.manual, biomed()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "whoever ran the check `flow` does not sign for it; ask a second person"
    );
}

#[test]
fn what_is_signed_for_names_every_reading() {
    let mut case = Case::all_well();
    case.plan
        .retain(|spec| ["occlusion", "library", "flow"].contains(&spec.id.as_str()));
    case.occlusion(31.5);
    case.automatic[0]
        .results
        .retain(|result| result.check.as_str() != "library");
    insta::assert_json_snapshot!(case.evaluate().fields());
}

#[test]
fn only_pass_and_awaiting_leave_a_pump_alone() {
    for outcome in CheckOutcome::ALL {
        let alone = matches!(outcome, CheckOutcome::Passed | CheckOutcome::Awaiting);
        assert_eq!(outcome.holds(), !alone, "S4: {outcome:?}");
        assert_eq!(CheckOutcome::from_word(outcome.as_str()), Some(outcome));
        assert_eq!(serde_json::to_value(outcome).unwrap(), json!(outcome.as_str()));
    }
    assert!(CheckOutcome::ALL.is_sorted());
}

mod rules;
