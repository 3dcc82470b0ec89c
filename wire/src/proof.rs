//! The proof: what runs on a pump after an update and what its checks read, signed with the key of the pump's certificate.
//!
//! A message comes over a connection that only this pump can open, and that is gone a moment later. The proof stays: anybody can
//! verify years later which pump said what.

use fleet::{
    Timestamp,
    check::AutomaticResult,
    id::{PumpId, TicketId},
    pump::{Component, SecurityCounter},
    signature::Digest,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    envelope::Document,
    message::{DrugLibrary, V1, at_most},
};

/// What runs on a pump after an update and what its checks read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub v: V1,
    pub pump: PumpId,
    /// The ticket that was used.
    pub ticket: TicketId,
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
    /// What the automatic checks read.
    #[serde(deserialize_with = "at_most::<64, _, _>")]
    #[schemars(length(max = 64))]
    pub results: Vec<AutomaticResult>,
}

/// The `kid` of a proof: the SHA-256 of the pump's certificate in DER, by which the gateway finds it.
#[must_use]
pub fn key_id(certificate: &[u8]) -> [u8; 32] {
    *Digest::of(certificate).bytes()
}

impl Document for Proof {
    const CONTEXT: &'static str = "infusion-pump-gateway proof v1";
}
