//! Checkpoints: the end of the chain at an instant, to be signed and carried elsewhere.

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    signature::{
        Digest,
        canonical::{self, Object},
    },
};

/// The chain up to an entry. Signing it is done elsewhere, over [`Checkpoint::canonical_bytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Checkpoint {
    /// The number of the last entry it covers, from 1.
    pub number: i64,
    /// The hash of that entry.
    pub hash: Digest,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
}

impl Checkpoint {
    /// What the first line of the canonical bytes names.
    pub const FORMAT: &'static str = "audit-checkpoint";
    /// The version of the canonical bytes.
    pub const VERSION: u32 = 1;

    /// The bytes to sign: the line `infusion-pump-gateway audit-checkpoint v1`, a line feed, and an object of
    /// [canonical JSON](crate::signature::canonical) of `at` (RFC 3339 in UTC, six digits of a second), `hash` (64
    /// hexadecimal digits) and `number`.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        Object::new()
            .text("at", &canonical::utc(self.at))
            .text("hash", &self.hash.to_string())
            .number("number", self.number)
            .to_bytes(Self::FORMAT, Self::VERSION)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn the_bytes_are_these() {
        let checkpoint = Checkpoint {
            number: 17,
            hash: Digest::ZERO,
            at: DateTime::from_timestamp(1_800_000_000, 5_000).unwrap(),
        };
        let bytes = String::from_utf8(checkpoint.canonical_bytes()).unwrap();
        assert_eq!(
            bytes,
            "infusion-pump-gateway audit-checkpoint v1\n{\"at\":\"2027-01-15T08:00:00.000005Z\",\
             \"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"number\":17}"
        );
        let json = serde_json::to_string(&checkpoint).unwrap();
        assert_eq!(serde_json::from_str::<Checkpoint>(&json).unwrap(), checkpoint);
    }
}
