//! One-time enrolment tokens.

use chrono::TimeDelta;
use serde::Serialize;

use crate::{
    Timestamp,
    certificate::Fingerprint,
    id::{EnrolTokenId, ModelId},
    text::SerialNumber,
};

/// The longest life of a token.
pub const TOKEN_LIFE_MAX: TimeDelta = TimeDelta::hours(72);

/// Bits of randomness in a token's secret.
pub const TOKEN_BITS: usize = 160;

/// A token on record. The secret itself is not: only its hash is stored, by the data layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Which token.
    pub id: EnrolTokenId,
    /// The only serial number it is good for.
    pub serial: SerialNumber,
    /// The model that the pump will be, since serial numbers are unique only within one.
    pub model: ModelId,
    /// The only public key it is good for, where the person who made it knew the key.
    pub bound_key: Option<Fingerprint>,
    /// Good until then.
    pub expires_at: Timestamp,
    /// The key whose certificate it paid for, once it did, and when.
    pub consumed: Option<(Timestamp, Fingerprint)>,
    /// Withdrawn by a person.
    pub withdrawn_at: Option<Timestamp>,
}

/// Where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TokenState {
    /// Can be used.
    Open,
    /// Was used.
    Used,
    /// Nobody used it in time.
    Expired,
    /// A person took it back.
    Withdrawn,
}

/// Where a token stands at an instant.
#[must_use]
pub fn token_state(token: &TokenRecord, now: Timestamp) -> TokenState {
    if token.consumed.is_some() {
        TokenState::Used
    } else if token.withdrawn_at.is_some() {
        TokenState::Withdrawn
    } else if now > token.expires_at {
        TokenState::Expired
    } else {
        TokenState::Open
    }
}
