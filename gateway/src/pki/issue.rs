//! Making certificates. Every field is decided here and in the profiles; from a request comes its public key and nothing else.
//!
//! The certificate library is given a finished public key and parameters built from nothing: its own reader of requests
//! guesses the curve from the signature's hash and copies names, and its defaults run to the year 4096.

mod plan;

use std::sync::Arc;

use fleet::{
    Timestamp,
    certificate::{AuthorityKind, Fingerprint, SerialHex},
    id::PumpId,
    text::{Name, TextError},
};
use rcgen::{PublicKeyData, SanType, SubjectPublicKeyInfo};
use rustls_pki_types::{CertificateDer, ServerName};
use thiserror::Error;

use super::{
    csr::VerifiedRequest,
    inspect::{self, InspectError},
    key::{CaKey, Signer},
    profile::Profiles,
};
use plan::{authority, key_identifier, leaf};

pub(super) use plan::instant;

/// The short name of the installation ("County General"): the organisation in every authority's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation(String);

impl Installation {
    /// The most characters (RFC 5280, appendix A, `ub-organization-name`).
    pub const MAX: usize = 64;

    /// Trims and checks a name.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, longer than 64 characters, or holds a character that can not be printed.
    pub fn new(raw: &str) -> Result<Self, TextError> {
        let name = Name::new(raw)?;
        let length = name.as_str().chars().count();
        if length > Self::MAX {
            return Err(TextError::TooLong {
                what: "installation name",
                length,
                max: Self::MAX,
            });
        }
        Ok(Self(name.as_str().to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An authority below the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subordinate {
    /// Signs pumps' certificates.
    Device,
    /// Signs servers' certificates.
    Server,
}

impl Subordinate {
    /// The same in the words of the rules.
    pub const fn kind(self) -> AuthorityKind {
        match self {
            Self::Device => AuthorityKind::Device,
            Self::Server => AuthorityKind::Server,
        }
    }
}

/// Which authority is made: whose, and the how-manieth of its kind, counted from 1. Both are in its name.
#[derive(Debug, Clone, Copy)]
pub struct Generation<'a> {
    pub installation: &'a Installation,
    pub number: i32,
}

/// A certificate that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate.
    pub der: Vec<u8>,
    /// Its serial number.
    pub serial: SerialHex,
    /// SHA-256 of it.
    pub fingerprint: Fingerprint,
    /// SHA-256 of its public key (`SubjectPublicKeyInfo`).
    pub key: Fingerprint,
    /// Start of validity, to the second.
    pub not_before: Timestamp,
    /// End of validity, to the second.
    pub not_after: Timestamp,
}

/// Why no certificate or list was made.
#[derive(Debug, Error)]
pub enum IssueError {
    /// An authority's certificate from the database or a file can not be used.
    #[error("using the authority's certificate failed: {0}")]
    Authority(#[from] InspectError),
    /// It is not an authority's, or not one that may sign certificates and lists.
    #[error("the certificate of the issuer is not an authority's (no CA:TRUE with keyCertSign and cRLSign)")]
    NotAnAuthority,
    /// Certificate and key are of two authorities.
    #[error(
        "the authority's key does not belong to its certificate; was a key file restored from another installation?"
    )]
    OtherKey,
    /// A certificate may not outlive its issuer.
    #[error(
        "a certificate until {leaf_ends} would outlive its issuer, which ends {issuer_ends}; rotate the authority (`gateway ca rotate`)"
    )]
    OutlivesIssuer {
        leaf_ends: Timestamp,
        issuer_ends: Timestamp,
    },
    /// Not a name that a server certificate can carry.
    #[error(
        "`{given}` is neither a DNS name nor an IP address; a server certificate carries 1 to 32 of them"
    )]
    ServerName { given: String },
    /// Not a place for a revocation list.
    #[error("`{given}` is not the address of a revocation list; give an ASCII http:// or https:// URL")]
    CrlUrl { given: String },
    /// Not a serial number.
    #[error("`{given}` is not a certificate's serial number; it has 1 to 20 bytes in hexadecimal")]
    Serial { given: String },
    /// Outside of what a certificate can say.
    #[error("the time {given} can not be written into a certificate; check the clock")]
    Time { given: Timestamp },
    /// The key did not sign, or the encoding failed.
    #[error("signing {what} failed: {source}")]
    Signing {
        what: &'static str,
        source: rcgen::Error,
    },
    /// The result is not what was asked for. It is thrown away.
    #[error("the certificate that was made does not carry the key that was asked for; it was discarded")]
    KeyChanged,
}

/// An authority that can sign: its certificate and its key.
#[derive(Debug)]
pub struct Issuer {
    der: Vec<u8>,
    inner: rcgen::Issuer<'static, Signer>,
    key_identifier: Vec<u8>,
    not_after: Timestamp,
}

impl Issuer {
    /// Joins a certificate (DER) and its key.
    ///
    /// # Errors
    /// [`IssueError`] when the certificate is not an authority's, or the key is another's.
    pub fn new(certificate: &[u8], key: Arc<dyn CaKey>) -> Result<Self, IssueError> {
        let parsed = inspect::parse(certificate)?;
        if parsed.public_key().raw != key.public_key().subject_public_key_info() {
            return Err(IssueError::OtherKey);
        }
        let signs = parsed
            .key_usage()
            .ok()
            .flatten()
            .is_some_and(|usage| usage.value.key_cert_sign() && usage.value.crl_sign());
        if !(parsed.is_ca() && signs) {
            return Err(IssueError::NotAnAuthority);
        }
        let not_after = inspect::timestamp(parsed.validity().not_after)?;
        let key_identifier = key_identifier(key.public_key());
        let inner = rcgen::Issuer::from_ca_cert_der(&CertificateDer::from(certificate), Signer(key))
            .map_err(signing("with the authority's certificate"))?;
        Ok(Self {
            der: certificate.to_vec(),
            inner,
            key_identifier,
            not_after,
        })
    }

    /// Its certificate.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// When it ends. Nothing it signs may end later.
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    pub(super) const fn inner(&self) -> &rcgen::Issuer<'static, Signer> {
        &self.inner
    }

    pub(super) fn key_identifier(&self) -> &[u8] {
        &self.key_identifier
    }
}

/// Makes a root, signed by itself.
///
/// `serial` is 16 random bytes; see [`issue_pump`].
///
/// # Errors
/// [`IssueError`] when the key does not sign.
pub fn make_root(
    profiles: &Profiles,
    generation: Generation<'_>,
    key: &Arc<dyn CaKey>,
    now: Timestamp,
    serial: [u8; 16],
) -> Result<Issued, IssueError> {
    authority(&profiles.root, generation, key.public_key(), now, serial)?.self_sign(Arc::clone(key), "a root")
}

/// Makes an issuing authority, signed by the root.
///
/// # Errors
/// [`IssueError`] when the root's key does not sign, or the authority would outlive the root.
pub fn make_ca(
    profiles: &Profiles,
    which: Subordinate,
    generation: Generation<'_>,
    root: &Issuer,
    key: &SubjectPublicKeyInfo,
    now: Timestamp,
    serial: [u8; 16],
) -> Result<Issued, IssueError> {
    let profile = match which {
        Subordinate::Device => &profiles.device_ca,
        Subordinate::Server => &profiles.server_ca,
    };
    authority(profile, generation, key, now, serial)?.sign(key, root, "an issuing authority")
}

/// Makes a pump's certificate: subject CN and the one alternative name are its id.
///
/// `serial` is 16 random bytes. The highest bit is set, so that every serial number is positive, not zero and exactly
/// 128 bits wide, of which 127 are random. Whether this authority may still issue is the caller's question
/// ([`fleet::certificate::may_issue`]).
///
/// # Errors
/// [`IssueError`]; nothing is signed then.
pub fn issue_pump(
    profiles: &Profiles,
    issuer: &Issuer,
    pump: PumpId,
    request: &VerifiedRequest,
    crl_url: &str,
    now: Timestamp,
    serial: [u8; 16],
) -> Result<Issued, IssueError> {
    let key = SubjectPublicKeyInfo::from_der(&request.spki_der).map_err(signing("a pump's certificate"))?;
    let urn = format!("urn:uuid:{pump}")
        .try_into()
        .map_err(signing("a pump's certificate"))?;
    let plan = leaf(
        &profiles.pump,
        pump.to_string(),
        vec![SanType::URI(urn)],
        crl_url,
        &key,
        now,
        serial,
    )?;
    plan.sign(&key, issuer, "a pump's certificate")
}

/// Makes a server's certificate for DNS names and IP addresses.
///
/// `crl_url` is used when the profile asks for a distribution point.
///
/// # Errors
/// [`IssueError::ServerName`] for a name that is neither, a wildcard, or none at all.
pub fn issue_server(
    profiles: &Profiles,
    issuer: &Issuer,
    names: &[String],
    key: &SubjectPublicKeyInfo,
    crl_url: &str,
    now: Timestamp,
    serial: [u8; 16],
) -> Result<Issued, IssueError> {
    if names.is_empty() || names.len() > 32 {
        return Err(IssueError::ServerName {
            given: names.first().cloned().unwrap_or_default(),
        });
    }
    let alternatives = names
        .iter()
        .map(|name| server_name(name))
        .collect::<Result<_, _>>()?;
    let profile = &profiles.server;
    let plan = leaf(
        profile,
        profile.common_name.clone(),
        alternatives,
        crl_url,
        key,
        now,
        serial,
    )?;
    plan.sign(key, issuer, "a server's certificate")
}

fn server_name(given: &str) -> Result<SanType, IssueError> {
    let refused = || IssueError::ServerName {
        given: given.chars().take(100).collect(),
    };
    match ServerName::try_from(given).map_err(|_| refused())? {
        ServerName::IpAddress(address) => Ok(SanType::IpAddress(address.into())),
        ServerName::DnsName(name) => name
            .as_ref()
            .try_into()
            .map(SanType::DnsName)
            .map_err(|_| refused()),
        _ => Err(refused()),
    }
}

fn signing(what: &'static str) -> impl Fn(rcgen::Error) -> IssueError {
    move |source| IssueError::Signing { what, source }
}

#[cfg(test)]
mod tests;
