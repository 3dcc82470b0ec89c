//! Reading a certification request (PKCS#10, RFC 2986): all that is taken from it is a public key, proved by its signature.
//!
//! Subject and alternative names are decided by the gateway, so a request that asks for any is refused rather than
//! silently answered with something else; the reason says what to leave out.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use fleet::certificate::Fingerprint;
use rcgen::{PublicKeyData, SubjectPublicKeyInfo as EncodableKey};
use sha2::{Digest, Sha256};
use thiserror::Error;
use x509_parser::{
    asn1_rs::Tag,
    certification_request::X509CertificationRequest,
    cri_attributes::ParsedCriAttribute,
    extensions::{ParsedExtension, X509Extension},
    oid_registry as oids,
    oid_registry::Oid,
    prelude::FromDer,
    public_key::PublicKey,
    x509::{SubjectPublicKeyInfo, X509Version},
};

/// The largest request, in bytes as it came. An RSA-4096 request in PEM has 1.7 KB.
pub const MAX_REQUEST: usize = 16 * 1024;

/// The kinds of key that are certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// The one to prefer.
    EcP256,
    EcP384,
    /// 2048 to 4096 bits.
    Rsa {
        bits: usize,
    },
}

/// A request whose sender has the private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRequest {
    /// The public key: `SubjectPublicKeyInfo` in DER, of which there is exactly one encoding per key.
    pub spki_der: Vec<u8>,
    /// SHA-256 of it.
    pub key: Fingerprint,
    /// What kind of key.
    pub algorithm: KeyAlgorithm,
}

/// Why a request is refused. The applicant reads the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CsrError {
    /// Nobody needs that much.
    #[error("the certification request has {length} bytes; at most {MAX_REQUEST} are read")]
    TooLarge { length: usize },
    /// Neither of the three encodings.
    #[error("the body is not a certification request ({what}); send PKCS#10 as base64, PEM or DER")]
    Malformed { what: &'static str },
    /// Something follows the request.
    #[error("something follows the certification request; send one request and nothing else")]
    TrailingData,
    /// The key is weak, or of a kind that pumps' certificates do not use.
    #[error("the key in the request is refused: {0}; use EC P-256 (or P-384, or RSA with 2048 to 4096 bits)")]
    RefusedKey(KeyProblem),
    /// The request is signed with something broken or unknown.
    #[error("the request is signed with {algorithm}, which is refused; sign it with SHA-256 or SHA-384")]
    RefusedSignature { algorithm: String },
    /// The sender does not have the private key, or the request was damaged.
    #[error("the signature of the certification request does not fit its key; make the request again")]
    WrongSignature,
    /// The request asks for what only the gateway decides.
    #[error("the request asks for {}; leave it out, the gateway decides it", .what.as_str())]
    AsksFor { what: Asked },
}

/// What is wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyProblem {
    #[error("RSA with {bits} bits is too short")]
    RsaTooShort { bits: usize },
    #[error("RSA with {bits} bits costs more than it protects")]
    RsaTooLong { bits: usize },
    #[error("the curve is {name}")]
    Curve { name: String },
    #[error("its curve has no name but explicit parameters")]
    ExplicitParameters,
    #[error("its point is compressed, or not of the curve's length; write it uncompressed")]
    Point,
    #[error("it is of the kind {oid}")]
    Kind { oid: String },
    #[error("it is not encoded in DER")]
    NotDer,
}

/// What a request may not ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    CommonName,
    AlternativeName,
    Authority,
    SigningOthers,
    ExtendedKeyUsage,
}

impl Asked {
    /// In the applicant's words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommonName => "a common name (CN) in its subject",
            Self::AlternativeName => "a subject alternative name",
            Self::Authority => "basic constraints CA:TRUE",
            Self::SigningOthers => "a key usage that signs certificates or revocation lists",
            Self::ExtendedKeyUsage => "an extended key usage other than exactly clientAuth",
        }
    }
}

/// Reads a request and verifies its signature.
///
/// `body` is PKCS#10 as base64 with or without line breaks (what EST sends, RFC 7030 section 4.2.1), as PEM, or as DER.
///
/// Tolerated, because nothing of it is copied: an empty subject, a `serialNumber`, organisation or country in it; the
/// requested extensions that a pump's certificate has anyway (clientAuth, digitalSignature, CA:FALSE); a
/// `challengePassword` (RFC 7030 section 3.5) and attributes we do not know.
///
/// # Errors
/// [`CsrError`], whose text is meant for the applicant.
pub fn read_request(body: &[u8]) -> Result<VerifiedRequest, CsrError> {
    if body.len() > MAX_REQUEST {
        return Err(CsrError::TooLarge { length: body.len() });
    }
    let der = decode(body)?;
    let (rest, request) =
        X509CertificationRequest::from_der(&der).map_err(|_| CsrError::Malformed { what: "not PKCS#10" })?;
    if !rest.is_empty() {
        return Err(CsrError::TrailingData);
    }
    let info = &request.certification_request_info;
    if info.version != X509Version::V1 {
        return Err(CsrError::Malformed {
            what: "unknown version",
        });
    }
    let algorithm = key_algorithm(&info.subject_pki).map_err(CsrError::RefusedKey)?;
    signature_algorithm(&request.signature_algorithm.algorithm)?;
    request.verify_signature().map_err(|_| CsrError::WrongSignature)?;
    asks_for_nothing(&request)?;
    let spki_der = info.subject_pki.raw.to_vec();
    Ok(VerifiedRequest {
        key: Fingerprint::from_digest(Sha256::digest(&spki_der).into()),
        spki_der,
        algorithm,
    })
}

fn decode(body: &[u8]) -> Result<Vec<u8>, CsrError> {
    // DER starts with a SEQUENCE. Base64 of one starts with M, never with the `0` that this byte would be.
    if body.first() == Some(&0x30) {
        return Ok(body.to_vec());
    }
    let text = std::str::from_utf8(body)
        .map_err(|_| CsrError::Malformed {
            what: "neither text nor DER",
        })?
        .trim();
    if text.starts_with("-----BEGIN") {
        return from_pem(text);
    }
    let dense: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD
        .decode(&dense)
        .or_else(|_| STANDARD_NO_PAD.decode(&dense))
        .map_err(|_| CsrError::Malformed { what: "not base64" })
}

fn from_pem(text: &str) -> Result<Vec<u8>, CsrError> {
    let blocks = pem::parse_many(text).map_err(|_| CsrError::Malformed { what: "damaged PEM" })?;
    let block = match blocks.as_slice() {
        [block] => block,
        [] => return Err(CsrError::Malformed { what: "damaged PEM" }),
        _ => return Err(CsrError::TrailingData),
    };
    match block.tag() {
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {}
        _ => {
            return Err(CsrError::Malformed {
                what: "PEM of something else",
            });
        }
    }
    if !text.ends_with(&format!("-----END {}-----", block.tag())) {
        return Err(CsrError::TrailingData);
    }
    Ok(block.contents().to_vec())
}

/// The curves that are certified, with the length of an uncompressed point.
const CURVES: [(Oid<'static>, KeyAlgorithm, usize); 2] = [
    (oids::OID_EC_P256, KeyAlgorithm::EcP256, 65),
    (oids::OID_NIST_EC_P384, KeyAlgorithm::EcP384, 97),
];

/// Curves that are refused, by the names people know.
const OTHER_CURVES: [(&str, &str); 6] = [
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.3.132.0.33", "P-224"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
];

fn key_algorithm(spki: &SubjectPublicKeyInfo<'_>) -> Result<KeyAlgorithm, KeyProblem> {
    let kind = &spki.algorithm.algorithm;
    let algorithm = if *kind == oids::OID_KEY_TYPE_EC_PUBLIC_KEY {
        ec_algorithm(spki)?
    } else if *kind == oids::OID_PKCS1_RSAENCRYPTION {
        rsa_algorithm(spki)?
    } else {
        return Err(KeyProblem::Kind {
            oid: kind.to_id_string(),
        });
    };
    // One encoding per key, or the same key could be enrolled twice under two fingerprints.
    match EncodableKey::from_der(spki.raw) {
        Ok(key) if key.subject_public_key_info() == spki.raw => Ok(algorithm),
        Ok(_) | Err(_) => Err(KeyProblem::NotDer),
    }
}

fn ec_algorithm(spki: &SubjectPublicKeyInfo<'_>) -> Result<KeyAlgorithm, KeyProblem> {
    let curve = spki
        .algorithm
        .parameters
        .as_ref()
        .filter(|parameters| parameters.tag() == Tag::Oid)
        .and_then(|parameters| parameters.as_oid().ok())
        .ok_or(KeyProblem::ExplicitParameters)?;
    let Some((_, algorithm, length)) = CURVES.into_iter().find(|(oid, ..)| *oid == curve) else {
        let oid = curve.to_id_string();
        let name = OTHER_CURVES.iter().find(|(known, _)| *known == oid);
        return Err(KeyProblem::Curve {
            name: name.map_or(oid.clone(), |(_, name)| (*name).to_owned()),
        });
    };
    let point = &spki.subject_public_key.data;
    if point.first() != Some(&0x04) || point.len() != length {
        return Err(KeyProblem::Point);
    }
    Ok(algorithm)
}

fn rsa_algorithm(spki: &SubjectPublicKeyInfo<'_>) -> Result<KeyAlgorithm, KeyProblem> {
    let Ok(PublicKey::RSA(key)) = spki.parsed() else {
        return Err(KeyProblem::NotDer);
    };
    let significant = key.modulus.iter().skip_while(|byte| **byte == 0);
    let leading = significant
        .clone()
        .next()
        .map_or(0, |byte| byte.leading_zeros() as usize);
    match significant.count() * 8 - leading {
        bits @ 2048..=4096 => Ok(KeyAlgorithm::Rsa { bits }),
        bits @ 0..2048 => Err(KeyProblem::RsaTooShort { bits }),
        bits => Err(KeyProblem::RsaTooLong { bits }),
    }
}

/// Signature algorithms that are accepted. Which key they fit is found out when the signature is verified.
const SIGNATURES: [Oid<'static>; 6] = [
    oids::OID_SIG_ECDSA_WITH_SHA256,
    oids::OID_SIG_ECDSA_WITH_SHA384,
    oids::OID_PKCS1_SHA256WITHRSA,
    oids::OID_PKCS1_SHA384WITHRSA,
    oids::OID_PKCS1_SHA512WITHRSA,
    oids::OID_PKCS1_RSASSAPSS,
];

/// Signature algorithms that are refused, by the names people know.
const OTHER_SIGNATURES: [(&str, &str); 6] = [
    ("1.2.840.113549.1.1.4", "MD5"),
    ("1.2.840.113549.1.1.5", "SHA-1"),
    ("1.3.14.3.2.29", "SHA-1"),
    ("1.2.840.10045.4.1", "SHA-1"),
    ("1.2.840.10045.4.3.1", "SHA-224"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512"),
];

fn signature_algorithm(oid: &Oid<'_>) -> Result<(), CsrError> {
    if SIGNATURES.contains(oid) {
        return Ok(());
    }
    let digits = oid.to_id_string();
    let name = OTHER_SIGNATURES.iter().find(|(known, _)| *known == digits);
    Err(CsrError::RefusedSignature {
        algorithm: name.map_or(digits.clone(), |(_, name)| (*name).to_owned()),
    })
}

fn asks_for_nothing(request: &X509CertificationRequest<'_>) -> Result<(), CsrError> {
    let info = &request.certification_request_info;
    if info.subject.iter_common_name().next().is_some() {
        return Err(CsrError::AsksFor {
            what: Asked::CommonName,
        });
    }
    // Every extension request is looked at, not only the first.
    for attribute in info.iter_attributes() {
        match attribute.parsed_attribute() {
            ParsedCriAttribute::ExtensionRequest(requested) => {
                requested.extensions.iter().try_for_each(extension_is_harmless)?;
            }
            ParsedCriAttribute::ChallengePassword(_) | ParsedCriAttribute::UnsupportedAttribute => {}
        }
    }
    Ok(())
}

fn extension_is_harmless(extension: &X509Extension<'_>) -> Result<(), CsrError> {
    let asked = match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(_) => Some(Asked::AlternativeName),
        ParsedExtension::BasicConstraints(basic) => basic.ca.then_some(Asked::Authority),
        ParsedExtension::KeyUsage(usage) => {
            (usage.key_cert_sign() || usage.crl_sign()).then_some(Asked::SigningOthers)
        }
        ParsedExtension::ExtendedKeyUsage(usage) => {
            (!super::inspect::is_client_auth_only(usage)).then_some(Asked::ExtendedKeyUsage)
        }
        ParsedExtension::ParseError { .. } => {
            return Err(CsrError::Malformed {
                what: "a requested extension can not be read",
            });
        }
        _ => None,
    };
    match asked {
        Some(what) => Err(CsrError::AsksFor { what }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
