//! What came back: from the pump in a signed report, from a person at the bench.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::CheckUnit;
use crate::{
    Timestamp,
    id::AccountId,
    signature::{Digest, ZonedTime},
    text::{CheckId, InstrumentId},
};

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reading", rename_all = "snake_case")]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub enum Reading {
    /// A number with a unit.
    Quantity { value: f64, unit: CheckUnit },
    /// The SHA-256 of something on the pump.
    Digest {
        #[cfg_attr(
            feature = "json-schema",
            schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$"))
        )]
        sha256: Digest,
    },
    /// A person's answer to the prompt.
    Confirmation { yes: bool },
}

/// What the pump makes of it. It is written down and decides nothing in the pump's favour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub enum Claim {
    Pass,
    Fail,
    NotRun,
}

impl Claim {
    /// The word in a report and in the signed bytes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotRun => "not_run",
        }
    }
}

/// One check as the pump reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct AutomaticResult {
    pub check: CheckId,
    /// What the pump makes of it.
    pub claim: Claim,
    /// What it read; without a reading nothing is proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
}

/// A pump's report of its checks. Its signature was verified before it came here.
#[derive(Debug, Clone, PartialEq)]
pub struct AutomaticReport {
    /// When we received it, by our clock.
    pub received_at: Timestamp,
    pub results: Vec<AutomaticResult>,
}

/// A measuring instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// The number on its label.
    pub id: InstrumentId,
    /// The last day on which its calibration is good.
    pub calibrated_until: NaiveDate,
}

/// One check as a person reports it.
#[derive(Debug, Clone, PartialEq)]
pub struct ManualResult {
    pub check: CheckId,
    /// What was read; nothing when it was not run.
    pub reading: Option<Reading>,
    /// Who read it.
    pub person: AccountId,
    /// With what.
    pub instrument: Option<Instrument>,
    /// When, on the wall clock: a calibration ends with a day there.
    pub read_at: ZonedTime,
}
