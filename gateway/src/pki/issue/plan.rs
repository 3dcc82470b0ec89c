//! A certificate before it is signed: its fields, decided from a profile. And the last check after.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use fleet::{
    Timestamp,
    certificate::{Fingerprint, SerialHex},
};
use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyUsagePurpose, PublicKeyData, SanType,
    SubjectPublicKeyInfo,
};
use sha2::{Digest, Sha256};
use x509_parser::time::ASN1Time;

use super::{Generation, IssueError, Issued, Issuer, signing};
use crate::pki::{
    inspect,
    key::{CaKey, Signer},
    profile::{AuthorityProfile, ExtendedKeyUsage, KeyUsage, LeafProfile},
};

/// A certificate that is ready to be signed.
pub(super) struct Plan {
    params: CertificateParams,
    serial: SerialHex,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Plan {
    pub(super) fn sign(
        self,
        key: &SubjectPublicKeyInfo,
        issuer: &Issuer,
        what: &'static str,
    ) -> Result<Issued, IssueError> {
        if self.not_after > issuer.not_after {
            return Err(IssueError::OutlivesIssuer {
                leaf_ends: self.not_after,
                issuer_ends: issuer.not_after,
            });
        }
        let certificate = self.params.signed_by(key, &issuer.inner).map_err(signing(what))?;
        self.finish(certificate.der(), key)
    }

    pub(super) fn self_sign(self, key: Arc<dyn CaKey>, what: &'static str) -> Result<Issued, IssueError> {
        let public = key.public_key().clone();
        let certificate = self.params.self_signed(&Signer(key)).map_err(signing(what))?;
        self.finish(certificate.der(), &public)
    }

    /// Reads the result back: a certificate over another key than the one that was proved must never leave.
    fn finish(self, der: &[u8], key: &SubjectPublicKeyInfo) -> Result<Issued, IssueError> {
        let spki = key.subject_public_key_info();
        if inspect::parse(der)?.public_key().raw != spki {
            return Err(IssueError::KeyChanged);
        }
        Ok(Issued {
            fingerprint: inspect::fingerprint(der),
            key: Fingerprint::from_digest(Sha256::digest(&spki).into()),
            der: der.to_vec(),
            serial: self.serial,
            not_before: self.not_before,
            not_after: self.not_after,
        })
    }
}

pub(super) fn authority(
    profile: &AuthorityProfile,
    generation: Generation<'_>,
    key: &SubjectPublicKeyInfo,
    now: Timestamp,
    serial: [u8; 16],
) -> Result<Plan, IssueError> {
    let mut plan = plan(profile.backdate, profile.life, key, now, serial)?;
    let params = &mut plan.params;
    params
        .distinguished_name
        .push(DnType::OrganizationName, generation.installation.as_str());
    params
        .distinguished_name
        .push(DnType::CommonName, profile.common_name(generation.number));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(profile.path_length));
    params.key_usages = usages(&profile.key_usages);
    params.extended_key_usages = extended_usages(&profile.extended_key_usages);
    Ok(plan)
}

pub(super) fn leaf(
    profile: &LeafProfile,
    common_name: String,
    alternatives: Vec<SanType>,
    crl_url: &str,
    key: &SubjectPublicKeyInfo,
    now: Timestamp,
    serial: [u8; 16],
) -> Result<Plan, IssueError> {
    let mut plan = plan(profile.backdate, profile.life, key, now, serial)?;
    let params = &mut plan.params;
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.subject_alt_names = alternatives;
    // Not `NoCa`: only with basic constraints does the library write a subject key identifier.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = usages(&profile.key_usages);
    params.extended_key_usages = extended_usages(&profile.extended_key_usages);
    if profile.crl_distribution_point {
        let fits = crl_url.is_ascii()
            && !crl_url.contains(|c: char| c.is_ascii_control() || c == ' ')
            && (crl_url.starts_with("http://") || crl_url.starts_with("https://"));
        if !fits {
            return Err(IssueError::CrlUrl {
                given: crl_url.chars().take(200).collect(),
            });
        }
        params.crl_distribution_points = vec![CrlDistributionPoint {
            uris: vec![crl_url.to_owned()],
        }];
    }
    Ok(plan)
}

fn plan(
    backdate: TimeDelta,
    life: TimeDelta,
    key: &SubjectPublicKeyInfo,
    now: Timestamp,
    mut serial: [u8; 16],
) -> Result<Plan, IssueError> {
    if let Some(highest) = serial.first_mut() {
        *highest |= 0x80;
    }
    let whole = |time: Option<Timestamp>| {
        time.and_then(|time| DateTime::from_timestamp(time.timestamp(), 0))
            .ok_or(IssueError::Time { given: now })
    };
    let not_before = whole(now.checked_sub_signed(backdate))?;
    let not_after = whole(now.checked_add_signed(life))?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = instant(not_before)?.to_datetime();
    params.not_after = instant(not_after)?.to_datetime();
    params.serial_number = Some(serial.to_vec().into());
    params.use_authority_key_identifier_extension = true;
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier(key));
    Ok(Plan {
        params,
        serial: SerialHex::from_bytes(&serial),
        not_before,
        not_after,
    })
}

/// An instant as the ASN.1 libraries write it, to the second.
pub(in crate::pki) fn instant(time: Timestamp) -> Result<ASN1Time, IssueError> {
    ASN1Time::from_timestamp(time.timestamp()).map_err(|_| IssueError::Time { given: time })
}

/// RFC 7093, method 1: the first 160 bits of SHA-256 over the key bits. The library's own method hashes the whole
/// `SubjectPublicKeyInfo`, which no other software would arrive at.
pub(super) fn key_identifier(key: &SubjectPublicKeyInfo) -> Vec<u8> {
    Sha256::digest(key.der_bytes()).iter().copied().take(20).collect()
}

fn usages(usages: &[KeyUsage]) -> Vec<KeyUsagePurpose> {
    usages
        .iter()
        .map(|usage| match usage {
            KeyUsage::DigitalSignature => KeyUsagePurpose::DigitalSignature,
            KeyUsage::KeyCertSign => KeyUsagePurpose::KeyCertSign,
            KeyUsage::CrlSign => KeyUsagePurpose::CrlSign,
        })
        .collect()
}

fn extended_usages(usages: &[ExtendedKeyUsage]) -> Vec<ExtendedKeyUsagePurpose> {
    usages
        .iter()
        .map(|usage| match usage {
            ExtendedKeyUsage::ClientAuth => ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsage::ServerAuth => ExtendedKeyUsagePurpose::ServerAuth,
        })
        .collect()
}
