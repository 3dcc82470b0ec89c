//! How a document is signed: `COSE_Sign1` (RFC 9052) over the document as JSON.
//!
//! The protected header names the algorithm, the key (`kid`) and the content type `application/json`. Each kind of document has
//! a context of its own, given as external data, so that a signature under one kind is worth nothing under another. Keys and
//! mathematics are the caller's: a pump and the gateway keep theirs in different places.

use base64::{Engine, engine::general_purpose::STANDARD};
use coset::{
    CoseSign1, CoseSign1Builder, HeaderBuilder, RegisteredLabel, RegisteredLabelWithPrivate,
    TaggedCborSerializable, iana,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use thiserror::Error;

/// A document that is signed.
pub trait Document: Serialize + DeserializeOwned {
    /// What signatures over it are bound to.
    const CONTEXT: &'static str;
    /// The most bytes of a whole envelope.
    const MAX: usize;
}

/// How a signature is made (RFC 9053; RSASSA-PSS: RFC 8230).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA over P-256 with SHA-256; the signature is r and s, 32 bytes each.
    Es256,
    /// ECDSA over P-384 with SHA-384; r and s, 48 bytes each.
    Es384,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

impl Algorithm {
    const TABLE: [(Self, iana::Algorithm); 4] = [
        (Self::EdDsa, iana::Algorithm::EdDSA),
        (Self::Es256, iana::Algorithm::ES256),
        (Self::Es384, iana::Algorithm::ES384),
        (Self::Ps256, iana::Algorithm::PS256),
    ];

    fn cose(self) -> iana::Algorithm {
        match self {
            Self::EdDsa => iana::Algorithm::EdDSA,
            Self::Es256 => iana::Algorithm::ES256,
            Self::Es384 => iana::Algorithm::ES384,
            Self::Ps256 => iana::Algorithm::PS256,
        }
    }

    fn of(cose: iana::Algorithm) -> Option<Self> {
        Self::TABLE
            .into_iter()
            .find_map(|(own, label)| (label == cose).then_some(own))
    }
}

/// A signed document, as it travels in a message: base64 of the tagged `COSE_Sign1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Sealed(#[schemars(length(max = 24576), regex(pattern = "^[A-Za-z0-9+/]+={0,2}$"))] String);

impl Sealed {
    /// The most characters.
    pub const MAX: usize = 24 * 1024;

    /// Wraps the bytes of an envelope.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(STANDARD.encode(bytes))
    }

    /// The bytes of the envelope.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        // It was decoded when it came in.
        STANDARD.decode(&self.0).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > Self::MAX || text.is_empty() || STANDARD.decode(&text).is_err() {
            return Err(serde::de::Error::custom("not base64, or too long"));
        }
        Ok(Self(text))
    }
}

/// Why a signed document is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    #[error("the signed document is larger than is read")]
    TooLarge,
    #[error("not a COSE_Sign1 with an algorithm and a key in its protected header")]
    Envelope,
    #[error("not signed by the key it names, or that key is not known here")]
    Signature,
    #[error("signed, but not the document that was expected")]
    Document,
}

/// Signs a document. `sign` gets the bytes to be signed.
///
/// # Errors
/// What `sign` answers.
pub fn seal<D: Document, E>(
    document: &D,
    algorithm: Algorithm,
    key_id: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    let protected = HeaderBuilder::new()
        .algorithm(algorithm.cose())
        .content_format(iana::CoapContentFormat::Json)
        .key_id(key_id.to_vec())
        .build();
    // Documents are plain structs: writing them as JSON can not fail, nor can CBOR of bytes.
    let payload = serde_json::to_vec(document).unwrap_or_default();
    let sign1 = CoseSign1Builder::new()
        .protected(protected)
        .payload(payload)
        .try_create_signature(D::CONTEXT.as_bytes(), sign)?
        .build();
    Ok(sign1.to_tagged_vec().unwrap_or_default())
}

/// Reads a signed document. `verify` gets the algorithm, the key's id, the bytes that were signed and the signature, and says
/// whether it is good. Nothing of the document is looked at before.
///
/// # Errors
/// [`OpenError`].
pub fn open<D: Document>(
    bytes: &[u8],
    verify: impl FnOnce(Algorithm, &[u8], &[u8], &[u8]) -> bool,
) -> Result<D, OpenError> {
    if bytes.len() > D::MAX {
        return Err(OpenError::TooLarge);
    }
    let sign1 = CoseSign1::from_tagged_slice(bytes).map_err(|_| OpenError::Envelope)?;
    let header = &sign1.protected.header;
    let algorithm = match &header.alg {
        Some(RegisteredLabelWithPrivate::Assigned(algorithm)) => Algorithm::of(*algorithm),
        _ => None,
    }
    .ok_or(OpenError::Envelope)?;
    // What is critical and not understood must not be ignored (RFC 9052, section 3.1); nothing is understood beyond this.
    let is_json = header.content_type == Some(RegisteredLabel::Assigned(iana::CoapContentFormat::Json));
    if !header.crit.is_empty() || !is_json || header.key_id.is_empty() {
        return Err(OpenError::Envelope);
    }
    sign1.verify_signature(D::CONTEXT.as_bytes(), |signature, data| {
        if verify(algorithm, &header.key_id, data, signature) {
            Ok(())
        } else {
            Err(OpenError::Signature)
        }
    })?;
    let payload = sign1.payload.as_deref().ok_or(OpenError::Envelope)?;
    serde_json::from_slice(payload).map_err(|_| OpenError::Document)
}
