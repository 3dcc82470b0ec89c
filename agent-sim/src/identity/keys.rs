//! The pump's own key, its request for a certificate, and what is read back from the certificate.

use chrono::DateTime;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use thiserror::Error;
use wire::{PumpId, Timestamp};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Identity;

/// A key or certificate that can not be used.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The key could not be made, or used to sign the request.
    #[error("the pump's key could not be used: {0}")]
    Key(#[from] rcgen::Error),
    /// Nobody's certificate for this key is among those that were issued.
    #[error("none of the {given} certificates received is for the pump's own key; enrol again")]
    NotOurs { given: usize },
    /// A certificate is not one.
    #[error("a certificate could not be read: {problem}")]
    Unreadable { problem: String },
    /// The common name is no pump id.
    #[error("the certificate's common name is not a pump id (a UUID)")]
    NoPumpId,
}

/// Makes a P-256 key.
///
/// # Errors
/// [`IdentityError::Key`] when the system has no randomness.
pub fn new_key() -> Result<KeyPair, IdentityError> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

/// A request (PKCS #10, DER) that asks for nothing but a certificate for this key: who the pump is, is for the gateway to say.
///
/// # Errors
/// [`IdentityError::Key`] when signing fails.
pub fn signing_request(key: &KeyPair) -> Result<Vec<u8>, IdentityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(key)?.der().to_vec())
}

impl Identity {
    /// Finds the certificate for this key among others, which become its chain; self-signed ones are left out.
    ///
    /// # Errors
    /// [`IdentityError`] when none is for the key, one is unreadable, or it names no pump.
    pub fn assemble(
        key: &KeyPair,
        certificates: Vec<CertificateDer<'static>>,
    ) -> Result<Self, IdentityError> {
        let given = certificates.len();
        let ours = key.subject_public_key_info();
        let mut own = None;
        let mut chain = Vec::new();
        for der in certificates {
            let certificate = read(&der)?;
            if own.is_none() && certificate.public_key().raw == ours {
                own = Some((
                    pump_id(&certificate)?,
                    timestamp(certificate.validity().not_before.timestamp())?,
                    timestamp(certificate.validity().not_after.timestamp())?,
                ));
                chain.insert(0, der);
            } else if certificate.subject() != certificate.issuer() {
                chain.push(der);
            }
        }
        let (id, not_before, not_after) = own.ok_or(IdentityError::NotOurs { given })?;
        Ok(Self {
            id,
            chain,
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
            not_before,
            not_after,
        })
    }
}

/// Those that signed themselves: candidates for trust anchors.
pub(super) fn self_signed(
    certificates: Vec<CertificateDer<'static>>,
) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let mut anchors = Vec::new();
    for der in certificates {
        let certificate = read(&der)?;
        if certificate.subject() == certificate.issuer() && certificate.is_ca() {
            anchors.push(der);
        }
    }
    Ok(anchors)
}

fn read<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, IdentityError> {
    match X509Certificate::from_der(der) {
        Ok((_, certificate)) => Ok(certificate),
        Err(error) => Err(IdentityError::Unreadable {
            problem: error.to_string(),
        }),
    }
}

fn pump_id(certificate: &X509Certificate<'_>) -> Result<PumpId, IdentityError> {
    certificate
        .subject()
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok())
        .and_then(|name| name.parse().ok())
        .ok_or(IdentityError::NoPumpId)
}

fn timestamp(seconds: i64) -> Result<Timestamp, IdentityError> {
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| IdentityError::Unreadable {
        problem: "its validity is out of range".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use x509_parser::certification_request::X509CertificationRequest;

    use super::*;

    #[test]
    fn a_request_asks_for_nothing() {
        let key = new_key().unwrap();
        let der = signing_request(&key).unwrap();
        let (rest, request) = X509CertificationRequest::from_der(&der).unwrap();
        assert!(rest.is_empty());
        request.verify_signature().unwrap();
        let info = &request.certification_request_info;
        assert_eq!(info.subject.iter().count(), 0);
        assert!(info.attributes().is_empty());
        assert_eq!(info.subject_pki.raw, key.subject_public_key_info());
    }

    #[test]
    fn only_a_certificate_for_our_key_that_names_a_pump_is_ours() {
        let key = new_key().unwrap();
        let certificate = |name: &str, key: &KeyPair| {
            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.self_signed(key).unwrap().der().clone()
        };
        let id = "00000000-0000-0000-0000-000000000007";
        let ours = certificate(id, &key);
        let other = certificate(id, &new_key().unwrap());
        let identity = Identity::assemble(&key, vec![other.clone(), ours.clone()]).unwrap();
        assert_eq!(identity.id.to_string(), id);
        assert_eq!(identity.chain, [ours]);
        assert!(!format!("{identity:?}").contains(&format!("{:?}", key.serialize_der())));
        assert!(matches!(
            Identity::assemble(&key, vec![other]),
            Err(IdentityError::NotOurs { given: 1 })
        ));
        assert!(matches!(
            Identity::assemble(&key, vec![certificate("pump 7", &key)]),
            Err(IdentityError::NoPumpId)
        ));
    }
}
