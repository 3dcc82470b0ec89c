//! What holds for every report that a pump could send.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::signature::{SubjectKind, content_hash};

fn any_reading() -> impl Strategy<Value = Option<Reading>> {
    let units = proptest::sample::select(CheckUnit::ALL);
    proptest::option::of(prop_oneof![
        (any::<f64>(), units).prop_map(|(value, unit)| Reading::Quantity { value, unit }),
        any::<bool>().prop_map(|yes| Reading::Confirmation { yes }),
        any::<[u8; 32]>().prop_map(|bytes| Reading::Digest {
            sha256: Digest::from_bytes(bytes)
        }),
    ])
}

fn any_result() -> impl Strategy<Value = AutomaticResult> {
    let ids: Vec<_> = manifest().checks.into_iter().map(|spec| spec.id).collect();
    let claims = proptest::sample::select(&[Claim::Pass, Claim::Fail, Claim::NotRun][..]);
    (proptest::sample::select(ids), claims, any_reading()).prop_map(|(check, claim, reading)| {
        AutomaticResult {
            check,
            claim,
            reading,
        }
    })
}

proptest! {
    /// S4: whatever a pump adds to its report, the outcome does not get better.
    #[test]
    fn s4_more_results_never_help(
        results in proptest::collection::vec(any_result(), 1..6),
        occlusion in 0.0..120.0,
    ) {
        let mut case = Case::all_well();
        case.occlusion(occlusion);
        let before = case.evaluate().outcome;
        case.automatic[0].results.extend(results);
        prop_assert!(case.evaluate().outcome >= before);
    }

    /// S4: without a reading inside its limits for each check, nothing passes.
    #[test]
    fn s4_no_pass_without_every_reading(results in proptest::collection::vec(any_result(), 0..12)) {
        let mut case = Case::all_well();
        case.automatic[0].results = results;
        let evaluation = case.evaluate();
        if evaluation.outcome == CheckOutcome::Passed {
            for spec in case.plan.iter().filter(|spec| spec.conduct.is_automatic()) {
                let reported = &case.automatic[0].results;
                prop_assert!(reported.iter().any(|result| result.check == spec.id && result.reading.is_some()));
            }
        }
        let worst = evaluation.checks.iter().map(|check| check.verdict.outcome()).max();
        prop_assert_eq!(Some(evaluation.outcome), worst);
    }

    /// The order of arrival changes neither what is said nor what is signed.
    #[test]
    fn order_does_not_matter(results in proptest::collection::vec(any_result(), 0..12).prop_shuffle()) {
        let mut case = Case::all_well();
        case.automatic[0].results.extend(results);
        let forth = case.evaluate();
        case.automatic[0].results.reverse();
        let back = case.evaluate();
        prop_assert_eq!(forth.outcome, back.outcome);
        let hash = |fields: &Value| content_hash(SubjectKind::Pump, fields);
        let outcomes = |evaluation: &Evaluation| -> Vec<_> {
            evaluation.checks.iter().map(|check| check.verdict.outcome()).collect()
        };
        prop_assert_eq!(outcomes(&forth), outcomes(&back));
        prop_assert_eq!(hash(&forth.fields()), hash(&back.fields()));
    }
}
