//! Checks and what they read.

use fleet::check::{CheckOutcome, Expectation, Reading};

use crate::web::icon::Icon;

/// The shape of what a check came to.
pub(in crate::web) const fn icon_of(outcome: CheckOutcome) -> Icon {
    match outcome {
        CheckOutcome::Passed => Icon::Good,
        CheckOutcome::Awaiting => Icon::Idle,
        CheckOutcome::Review | CheckOutcome::NotRun | CheckOutcome::Overdue => Icon::Attention,
        CheckOutcome::Failed => Icon::Stop,
    }
}

/// What was read, with its unit.
pub(in crate::web) fn reading(reading: &Reading) -> String {
    match reading {
        Reading::Quantity { value, unit } => format!("{value} {}", unit.symbol()),
        Reading::Digest { .. } => "Read".to_owned(),
        Reading::Confirmation { yes: true } => "Yes".to_owned(),
        Reading::Confirmation { yes: false } => "No".to_owned(),
    }
}

/// What it is held against.
pub(in crate::web) fn limit(expect: &Expectation) -> String {
    match expect {
        Expectation::Quantity(limits) => format!("limit {limits}"),
        Expectation::Digest { .. } => "the approved one, to the bit".to_owned(),
        Expectation::Confirmation {} => "yes is expected".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use fleet::check::{CheckUnit, Limits};

    use super::*;

    #[test]
    fn numbers_stand_beside_their_limits() {
        let quantity = |value| Reading::Quantity {
            value,
            unit: CheckUnit::MillimetreOfMercury,
        };
        assert_eq!(reading(&quantity(612.0)), "612 mmHg");
        assert_eq!(reading(&quantity(-0.5)), "-0.5 mmHg");
        let limits = Limits {
            unit: CheckUnit::MillimetreOfMercury,
            low: None,
            high: Some(1034.0),
            guard_band: 5.0,
        };
        assert_eq!(limit(&Expectation::Quantity(limits)), "limit at most 1034 mmHg");
    }
}
