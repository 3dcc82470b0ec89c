//! Revocation lists (RFC 5280, section 5). They are for outsiders: the gateway itself asks its registry.

use chrono::TimeDelta;
use fleet::{
    Timestamp,
    certificate::{RevocationReason, SerialHex},
};
use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};

use super::issue::{IssueError, Issuer, instant};

/// A list is signed anew this often, and at every revocation.
pub const RESIGN_EVERY: TimeDelta = TimeDelta::hours(6);
/// A list is good for this long. Four missed signings fit into it.
pub const LIFE: TimeDelta = TimeDelta::hours(24);

/// Signs a list; the result is DER.
///
/// `number` grows with every list of an issuer. `revoked` are the certificates of this issuer that were revoked, with
/// when and why; expired ones may be left out (RFC 5280, section 3.3). "Unspecified" is written as no reason (section 5.3.1).
///
/// # Errors
/// [`IssueError`] when the issuer's key does not sign, or `next_update` is not after `this_update`.
pub fn make_crl(
    issuer: &Issuer,
    number: u64,
    revoked: &[(SerialHex, Timestamp, RevocationReason)],
    this_update: Timestamp,
    next_update: Timestamp,
) -> Result<Vec<u8>, IssueError> {
    let revoked_certs = revoked
        .iter()
        .map(|(serial, at, reason)| {
            Ok(RevokedCertParams {
                serial_number: serial_number(serial)?,
                revocation_time: instant(*at)?.to_datetime(),
                reason_code: reason_code(*reason),
                invalidity_date: None,
            })
        })
        .collect::<Result<Vec<_>, IssueError>>()?;
    let list = CertificateRevocationListParams {
        this_update: instant(this_update)?.to_datetime(),
        next_update: instant(next_update)?.to_datetime(),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::PreSpecified(issuer.key_identifier().to_vec()),
    };
    list.signed_by(issuer.inner())
        .map(|list| list.der().to_vec())
        .map_err(|source| IssueError::Signing {
            what: "a revocation list",
            source,
        })
}

fn serial_number(serial: &SerialHex) -> Result<SerialNumber, IssueError> {
    hex::decode(serial.as_str())
        .ok()
        .filter(|bytes| (1..=20).contains(&bytes.len()))
        .map(SerialNumber::from)
        .ok_or_else(|| IssueError::Serial {
            given: serial.to_string(),
        })
}

const fn reason_code(reason: RevocationReason) -> Option<rcgen::RevocationReason> {
    use rcgen::RevocationReason as Code;
    match reason {
        RevocationReason::Unspecified => None,
        RevocationReason::KeyCompromise => Some(Code::KeyCompromise),
        RevocationReason::CaCompromise => Some(Code::CaCompromise),
        RevocationReason::AffiliationChanged => Some(Code::AffiliationChanged),
        RevocationReason::Superseded => Some(Code::Superseded),
        RevocationReason::CessationOfOperation => Some(Code::CessationOfOperation),
        RevocationReason::PrivilegeWithdrawn => Some(Code::PrivilegeWithdrawn),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{NOW, World, openssl, openssl_fails, pem_of},
        *,
    };

    #[test]
    fn openssl_refuses_what_the_list_names_and_only_that() {
        let world = World::new();
        let issuer = world.device_issuer();
        let (revoked, _) = world.pump(1);
        let (good, _) = world.pump(2);
        let entries = [(revoked.serial.clone(), NOW, RevocationReason::KeyCompromise)];
        let list = make_crl(&issuer, 7, &entries, NOW, NOW + LIFE).unwrap();

        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, tag: &str, der: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, pem_of(tag, der)).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let root = file("root", "CERTIFICATE", &world.root.der);
        let device = file("device", "CERTIFICATE", &world.device.der);
        let crl = file("crl", "X509 CRL", &list);
        let at = NOW.timestamp().to_string();
        let verify = |leaf: &str| {
            let options = ["verify", "-attime", &at, "-crl_check", "-purpose", "sslclient"];
            let chain = ["-CAfile", &root, "-untrusted", &device, "-CRLfile", &crl, leaf];
            [&options[..], &chain[..]]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let accepted = openssl(&verify(&file("good", "CERTIFICATE", &good.der)), b"");
        assert!(accepted.contains(": OK"), "{accepted}");
        let refused = openssl_fails(&verify(&file("revoked", "CERTIFICATE", &revoked.der)));
        assert!(refused.contains("certificate revoked"), "{refused}");

        let text = openssl(&["crl", "-in", &crl, "-noout", "-text"], b"");
        assert!(text.contains("Key Compromise"), "{text}");
        assert!(text.contains(&revoked.serial.as_str().to_uppercase()), "{text}");
        assert!(text.contains("X509v3 CRL Number: \n                7"), "{text}");
        assert!(text.contains("X509v3 Authority Key Identifier"), "{text}");
    }

    #[test]
    fn an_empty_list_and_every_reason_can_be_signed() {
        let world = World::new();
        let issuer = world.device_issuer();
        let entries: Vec<_> = RevocationReason::ALL
            .into_iter()
            .enumerate()
            .map(|(n, reason)| {
                (
                    SerialHex::from_bytes(&[u8::try_from(n).unwrap() + 1]),
                    NOW,
                    reason,
                )
            })
            .collect();
        for entries in [&[][..], &entries] {
            let list = make_crl(&issuer, 1, entries, NOW, NOW + LIFE).unwrap();
            let text = openssl(&["crl", "-inform", "DER", "-noout", "-text"], &list);
            assert_eq!(text.matches("Serial Number:").count(), entries.len(), "{text}");
        }
    }

    #[test]
    fn a_list_that_makes_no_sense_is_not_signed() {
        let issuer = World::new().device_issuer();
        let no_serial = [(SerialHex::from_digits(""), NOW, RevocationReason::Superseded)];
        assert!(matches!(
            make_crl(&issuer, 1, &no_serial, NOW, NOW + LIFE),
            Err(IssueError::Serial { .. })
        ));
        assert!(matches!(
            make_crl(&issuer, 1, &[], NOW, NOW),
            Err(IssueError::Signing { .. })
        ));
    }
}
