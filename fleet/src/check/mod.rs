//! Functional checks: what a pump must prove after an update before it goes back to a patient.
//!
//! A release brings a plan of checks ([`CheckSpec`]); its class says which checks a plan may not leave out ([`owed`]). The pump
//! runs the automatic ones, a person with an instrument the manual ones. [`evaluate`] judges readings, never opinions: a
//! pump's own "pass" without a reading is `not run`, and `not run` is never a pass.
//!
//! A reading close to a limit, within the guard band, is neither pass nor fail but for a person to review (the decision rule
//! of ILAC-G8:09/2019, section 4.2, with a band on each side).

mod bench;
mod evaluate;
mod judge;
mod owed;
mod plan;
mod reading;
mod verdict;

pub use bench::{RETEST_WITHIN, bench_plan};
pub use evaluate::{
    Attempt, CheckResult, CountersignRefusal, Evaluation, Evidence, Note, evaluate, may_countersign,
};
pub use owed::{Duty, owed};
pub use plan::{CheckKind, CheckSpec, CheckUnit, Conduct, Expectation, Limits, SpecProblem};
pub use reading::{AutomaticReport, AutomaticResult, Claim, Instrument, ManualResult, Reading};
pub use verdict::{CheckOutcome, FailReason, NotRunReason, ReviewReason, Verdict};

#[cfg(test)]
mod tests;
