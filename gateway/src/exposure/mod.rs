//! What is known of vulnerabilities, and what it means for the pumps of this hospital.
//!
//! The crate `exposure` reads documents and judges; here its facts are made from the record, and what it finds is kept there.
//!
//! | room | what is done there |
//! |---|---|
//! | [`intake`] | a file or an archive that was carried in, read as documents, or refused with a reason |
//! | [`set`] | version sets: pumps of one model that report the same versions are judged once |
//! | [`lists`] | component lists, and for which version sets each holds |
//! | [`catalogue`] | everything that was published, in memory |
//! | [`settle`] | what follows for each version set, and what of it is new |
//! | [`board`] | what is to be done, and everything about one vulnerability |
//! | [`open`] | the vulnerabilities of a pump, for filters and rollouts |

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of `Db<'_>` is of one lifetime and a reading lends any: without the closure it does not compile"
)]

pub(crate) mod board;
pub(crate) mod catalogue;
pub mod intake;
pub(crate) mod lists;
pub(crate) mod open;
pub(crate) mod set;
pub(crate) mod settle;

pub use catalogue::Catalogue;

use ::exposure::matching::{Finding, Grounds, Verdict};
use store::{ExposureRecord, StoreError};

/// The answer, in a word for the database and the API.
pub(crate) const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Affected { .. } => "affected",
        Verdict::NotAffected { .. } => "not_affected",
        Verdict::FixedBy { .. } => "fixed",
        Verdict::PartlyFixed { .. } => "partly_fixed",
        Verdict::NeedsReview { .. } => "needs_review",
    }
}

/// What was found, as it counts: a person's answer where one decided.
pub(crate) fn counted(record: &ExposureRecord) -> Result<Finding, StoreError> {
    let mut finding = kept(record)?;
    if record.decision.is_some() {
        finding.verdict = if record.open {
            Verdict::Affected { fixes: Vec::new() }
        } else {
            Verdict::NotAffected {
                statement: "a person here decided so".to_owned(),
                grounds: Grounds::Declared,
            }
        };
    }
    Ok(finding)
}

/// What was found, as the documents have it.
pub(crate) fn kept(record: &ExposureRecord) -> Result<Finding, StoreError> {
    serde_json::from_str(&record.finding).map_err(|error| corrupt("read what was found", error))
}

pub(crate) fn corrupt(attempted: &'static str, detail: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt {
        attempted,
        detail: detail.to_string(),
    }
}
