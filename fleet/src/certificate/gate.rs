//! The registry gate: a certificate opens a connection only if we know that we issued it.
//!
//! The TLS library has checked the chain and the validity period by then. The gate does not rely on it:
//! it checks again what a library may skip (validity, extended key usage) and what only we know
//! (registered, not revoked, not isolated). A stolen CA key alone therefore opens nothing.

use thiserror::Error;

use super::{CertificateRecord, RevocationReason};
use crate::{Timestamp, id::PumpId, pump::HoldKind};

/// What a peer's certificate says, read from its DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedCertificate {
    /// The pump named by the subject common name, if it is a UUID.
    pub subject_pump: Option<PumpId>,
    /// The pump named by the one SAN, if it is a single `urn:uuid:` URI.
    pub san_pump: Option<PumpId>,
    /// Whether extended key usage is present and names clientAuth, and nothing but clientAuth.
    pub client_auth_only: bool,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
}

/// What the registry knows of the fingerprint, and of the pump.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// The registered certificate.
    pub certificate: &'a CertificateRecord,
    /// What holds the pump, if anything.
    pub hold: Option<HoldKind>,
    /// Whether the pump has left for good.
    pub retired: bool,
}

/// Why a connection is refused. The words go to the log and to the event list; the peer learns only that it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum GateRefusal {
    /// Signed by our key perhaps, but not issued by us.
    #[error("certificate is not in the registry; if our authority signed it, its key may be stolen")]
    Unregistered,
    /// No extended key usage, or another one: a server's certificate, for instance.
    #[error("certificate is not for client authentication only")]
    NotAClientCertificate,
    /// The names in the certificate are not the names we issued it under.
    #[error("certificate names another pump than the registry")]
    IdentityMismatch,
    /// Revoked.
    #[error("certificate was revoked ({})", .0.as_str())]
    Revoked(RevocationReason),
    /// Not valid yet.
    #[error("certificate is not valid yet; check the clocks")]
    NotYetValid,
    /// No longer valid.
    #[error("certificate has expired; arm a late renewal for the pump, or enrol it again")]
    Expired,
    /// The pump is isolated.
    #[error("pump is in security isolation")]
    Isolated,
    /// The pump was retired.
    #[error("pump was retired")]
    Retired,
}

impl GateRefusal {
    /// The label of the counter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unregistered => "unregistered",
            Self::NotAClientCertificate => "not_client_certificate",
            Self::IdentityMismatch => "identity_mismatch",
            Self::Revoked(_) => "revoked",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::Isolated => "isolated",
            Self::Retired => "retired",
        }
    }
}

/// Decides whether a peer is a pump that may connect, and which one.
///
/// # Errors
/// The first [`GateRefusal`] that applies, the most alarming first.
pub fn admit(
    presented: &PresentedCertificate,
    known: Option<Admission<'_>>,
    now: Timestamp,
) -> Result<PumpId, GateRefusal> {
    if !presented.client_auth_only {
        return Err(GateRefusal::NotAClientCertificate);
    }
    let Some(Admission {
        certificate,
        hold,
        retired,
    }) = known
    else {
        return Err(GateRefusal::Unregistered);
    };
    let pump = certificate.pump;
    if presented.subject_pump != Some(pump) || presented.san_pump != Some(pump) {
        return Err(GateRefusal::IdentityMismatch);
    }
    if let Some((_, reason)) = certificate.revoked {
        return Err(GateRefusal::Revoked(reason));
    }
    if retired {
        return Err(GateRefusal::Retired);
    }
    if hold.is_some_and(|kind| !kind.may_connect()) {
        return Err(GateRefusal::Isolated);
    }
    if now < presented.not_before || now < certificate.not_before {
        return Err(GateRefusal::NotYetValid);
    }
    if now > presented.not_after || now > certificate.not_after {
        return Err(GateRefusal::Expired);
    }
    Ok(pump)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use uuid::Uuid;

    use super::{
        super::{Fingerprint, SerialHex},
        *,
    };
    use crate::id::AuthorityId;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    fn pump(n: u128) -> PumpId {
        PumpId::from_uuid(Uuid::from_u128(n))
    }

    fn record() -> CertificateRecord {
        CertificateRecord {
            fingerprint: Fingerprint::from_digest([1; 32]),
            serial: SerialHex::from_digits("01"),
            pump: pump(1),
            authority: AuthorityId::from_uuid(Uuid::from_u128(9)),
            key: Fingerprint::from_digest([2; 32]),
            not_before: NOW - TimeDelta::days(1),
            not_after: NOW + TimeDelta::days(89),
            issued_at: NOW - TimeDelta::days(1),
            first_used_at: None,
            revoked: None,
        }
    }

    fn presented() -> PresentedCertificate {
        PresentedCertificate {
            subject_pump: Some(pump(1)),
            san_pump: Some(pump(1)),
            client_auth_only: true,
            not_before: record().not_before,
            not_after: record().not_after,
        }
    }

    struct Case {
        presented: PresentedCertificate,
        record: Option<CertificateRecord>,
        hold: Option<HoldKind>,
        retired: bool,
        now: Timestamp,
    }

    #[test]
    fn each_reason_to_refuse_is_enough_alone() {
        let check = |change: fn(&mut Case), expected: Result<PumpId, GateRefusal>| {
            let mut case = Case {
                presented: presented(),
                record: Some(record()),
                hold: None,
                retired: false,
                now: NOW,
            };
            change(&mut case);
            let known = case.record.as_ref().map(|certificate| Admission {
                certificate,
                hold: case.hold,
                retired: case.retired,
            });
            assert_eq!(admit(&case.presented, known, case.now), expected);
        };
        check(|_| (), Ok(pump(1)));
        check(|c| c.hold = Some(HoldKind::Clinical), Ok(pump(1)));
        check(|c| c.hold = Some(HoldKind::Sequestered), Ok(pump(1)));
        check(|c| c.record = None, Err(GateRefusal::Unregistered));
        check(
            |c| c.presented.client_auth_only = false,
            Err(GateRefusal::NotAClientCertificate),
        );
        check(
            |c| c.presented.subject_pump = None,
            Err(GateRefusal::IdentityMismatch),
        );
        check(
            |c| c.presented.san_pump = Some(pump(2)),
            Err(GateRefusal::IdentityMismatch),
        );
        check(
            |c| c.record.as_mut().unwrap().revoked = Some((NOW, RevocationReason::KeyCompromise)),
            Err(GateRefusal::Revoked(RevocationReason::KeyCompromise)),
        );
        check(
            |c| c.hold = Some(HoldKind::SecurityIsolation),
            Err(GateRefusal::Isolated),
        );
        check(|c| c.retired = true, Err(GateRefusal::Retired));
        check(
            |c| c.now = NOW - TimeDelta::days(2),
            Err(GateRefusal::NotYetValid),
        );
        check(|c| c.now = NOW + TimeDelta::days(90), Err(GateRefusal::Expired));
    }
}
