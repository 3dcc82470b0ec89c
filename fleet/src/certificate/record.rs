//! What the registry keeps of each certificate it issued.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::{
    Timestamp,
    id::{AuthorityId, PumpId},
};

/// SHA-256 over DER: of a whole certificate, or of a public key (SubjectPublicKeyInfo).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

/// Not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` is not a SHA-256 fingerprint; write 64 hexadecimal digits")]
pub struct FingerprintError {
    given: String,
}

impl Fingerprint {
    /// Takes a digest that was computed elsewhere.
    #[must_use]
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Accepts what `openssl x509 -fingerprint -sha256` prints, with or without colons.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.trim().chars().take(128).filter(|c| *c != ':').collect();
        let mut digest = [0; 32];
        match hex::decode_to_slice(&digits, &mut digest) {
            Ok(()) => Ok(Self(digest)),
            Err(_) => Err(FingerprintError {
                given: text.chars().take(100).collect(),
            }),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A certificate's serial number as lower-case hexadecimal, as it is listed and searched for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SerialHex(String);

impl SerialHex {
    /// From the big-endian bytes of the serial number, without the sign byte DER may add.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let significant = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
        Self(hex::encode(bytes.get(significant..).unwrap_or_default()))
    }

    /// From digits that a person or the database gave; colons and case do not matter.
    #[must_use]
    pub fn from_digits(digits: &str) -> Self {
        let digits: String = digits
            .chars()
            .filter(char::is_ascii_hexdigit)
            .take(64)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        Self(digits.trim_start_matches("00").to_owned())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SerialHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a certificate was revoked (RFC 5280, section 5.3.1; those that fit a pump).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RevocationReason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// The word on the command line, in the API and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key_compromise",
            Self::CaCompromise => "ca_compromise",
            Self::AffiliationChanged => "affiliation_changed",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation_of_operation",
            Self::PrivilegeWithdrawn => "privilege_withdrawn",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// A certificate that we issued to a pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRecord {
    /// SHA-256 of the DER; the key of the registry.
    pub fingerprint: Fingerprint,
    /// Its serial number.
    pub serial: SerialHex,
    /// Whom it names.
    pub pump: PumpId,
    /// Who signed it.
    pub authority: AuthorityId,
    /// SHA-256 of its public key.
    pub key: Fingerprint,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// When we issued it.
    pub issued_at: Timestamp,
    /// When it first opened a connection: from then on its predecessor is no longer needed.
    pub first_used_at: Option<Timestamp>,
    /// When it was revoked, and why.
    pub revoked: Option<(Timestamp, RevocationReason)>,
}

/// What a certificate is good for at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CertificateStatus {
    /// It opens a connection.
    Valid,
    /// It will, later.
    NotYetValid,
    /// Its time ran out.
    Expired,
    /// It was revoked.
    Revoked,
}

impl CertificateRecord {
    /// Its status at an instant; revocation outlives expiry.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> CertificateStatus {
        if self.revoked.is_some() {
            CertificateStatus::Revoked
        } else if now < self.not_before {
            CertificateStatus::NotYetValid
        } else if now > self.not_after {
            CertificateStatus::Expired
        } else {
            CertificateStatus::Valid
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_compare_however_they_were_written() {
        let from_der = SerialHex::from_bytes(&[0x00, 0x8f, 0x01]);
        assert_eq!(from_der.as_str(), "8f01");
        assert_eq!(SerialHex::from_digits("8F:01"), from_der);
        assert_eq!(SerialHex::from_digits("008f01"), from_der);
    }

    #[test]
    fn a_fingerprint_reads_what_openssl_prints() {
        let printed = ["AB"; 32].join(":");
        let fingerprint: Fingerprint = printed.parse().unwrap();
        assert_eq!(fingerprint.to_string(), "ab".repeat(32));
        assert!("ab".parse::<Fingerprint>().is_err());
    }

    #[test]
    fn reasons_read_back() {
        for reason in RevocationReason::ALL {
            assert_eq!(RevocationReason::from_word(reason.as_str()), Some(reason));
        }
    }
}
