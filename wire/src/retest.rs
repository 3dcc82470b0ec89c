//! The retest: what the checks of a held pump read when they were run again, signed with the key of the pump's certificate.
//!
//! Like a [proof](crate::proof) it outlives the connection: people sign for it, and years later anybody can verify what they saw.

use fleet::{
    Timestamp,
    check::AutomaticResult,
    id::{PumpId, RetestId},
    pump::{Component, SecurityCounter},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    envelope::Document,
    message::{DrugLibrary, V1, at_most},
};

/// What the checks of a held pump read, and on what firmware.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retest {
    pub v: V1,
    pub pump: PumpId,
    /// The retest that the order named.
    pub retest: RetestId,
    /// When, by the pump's clock.
    pub at: Timestamp,
    /// Every firmware component that runs.
    #[serde(deserialize_with = "at_most::<64, _, _>")]
    #[schemars(length(max = 64))]
    pub components: Vec<Component>,
    /// The security counter of what runs.
    pub counter: SecurityCounter,
    /// The drug library that is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drug_library: Option<DrugLibrary>,
    /// What the checks read that were asked for.
    #[serde(deserialize_with = "at_most::<64, _, _>")]
    #[schemars(length(max = 64))]
    pub results: Vec<AutomaticResult>,
}

impl Document for Retest {
    const CONTEXT: &'static str = "infusion-pump-gateway retest v1";
}
