//! How a document is signed: `COSE_Sign1` (RFC 9052) over the document as JSON.
//!
//! The protected header names the algorithm, the content type `application/json` and the key (`kid`), and nothing else. Each kind
//! of document has a context of its own, given as external data, so that a signature under one kind is worth nothing under
//! another. Keys and mathematics are the caller's: a pump and the gateway keep theirs in different places.
//!
//! An envelope has one encoding, and what is written otherwise is not read. A general CBOR reader would accept headers that
//! hold headers that hold headers, a few bytes for each, until the stack is full; and that before any signature is looked at.

use base64::{Engine, engine::general_purpose::STANDARD};
use coset::{
    CoseSign1Builder, Header, HeaderBuilder, ProtectedHeader, RegisteredLabelWithPrivate, SignatureContext,
    TaggedCborSerializable, cbor::Value as Cbor, iana, sig_structure_data,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;
use thiserror::Error;

use crate::topic::Channel;

/// The most bytes of an envelope. Written in base64, with a message around it, it fits the largest payload.
pub const MAX: usize = 24_000;
/// The most bytes of a key's id; the least is one.
pub const MAX_KEY_ID: usize = 64;
/// The most bytes of the protected header: it is read before the signature is known to be good.
const MAX_HEADER: usize = 128;

const _: () = assert!(Sealed::MAX + 512 <= Channel::Report.max_payload());
const _: () = assert!(Sealed::MAX + 512 <= Channel::Order.max_payload());

/// A document that is signed.
pub trait Document: Serialize + DeserializeOwned {
    /// What signatures over it are bound to.
    const CONTEXT: &'static str;
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
pub struct Sealed(
    #[schemars(length(min = 1, max = 32_000), regex(pattern = "^[A-Za-z0-9+/]+={0,2}$"))] String,
);

impl Sealed {
    /// The most characters.
    pub const MAX: usize = MAX.div_ceil(3) * 4;

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

/// Why a document was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError<E> {
    /// Nobody would read it.
    #[error("the signed document would have {length} bytes, and at most {MAX} are read; shorten its lists")]
    TooLarge { length: usize },
    /// A key without a name, or with a long one.
    #[error("the key's id has {length} bytes; give it 1 to {MAX_KEY_ID}")]
    KeyId { length: usize },
    /// What the signer answered.
    #[error("the document could not be signed: {0}")]
    Signer(E),
}

/// Why a signed document is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    #[error("the signed document is larger than is read")]
    TooLarge,
    #[error(
        "not a COSE_Sign1 in its one encoding, with algorithm, content type and key in its protected header"
    )]
    Envelope,
    #[error("not signed by the key it names, or that key is not known here")]
    Signature,
    #[error("signed, but not the document that was expected, or with fields that nobody asked for")]
    Document,
}

/// Signs a document. `sign` gets the bytes to be signed.
///
/// # Errors
/// [`SealError`] when nobody would read the envelope, or when `sign` fails.
pub fn seal<D: Document, E>(
    document: &D,
    algorithm: Algorithm,
    key_id: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, SealError<E>> {
    if !is_key_id(key_id) {
        return Err(SealError::KeyId { length: key_id.len() });
    }
    // Documents are plain structs: writing them as JSON can not fail, nor can CBOR of bytes.
    let payload = serde_json::to_vec(document).unwrap_or_default();
    let sign1 = CoseSign1Builder::new()
        .protected(header(algorithm, key_id))
        .payload(payload)
        .try_create_signature(D::CONTEXT.as_bytes(), sign)
        .map_err(SealError::Signer)?
        .build();
    let envelope = sign1.to_tagged_vec().unwrap_or_default();
    match envelope.len() {
        length if length > MAX => Err(SealError::TooLarge { length }),
        _ => Ok(envelope),
    }
}

/// Reads a signed document. `verify` gets the algorithm, the key's id, the bytes that were signed and the signature, and says
/// whether it is good. Nothing of the document is looked at before.
///
/// A document is kept as it was signed, so a field that nobody asked for can not be dropped from it: such a document is refused.
///
/// # Errors
/// [`OpenError`].
pub fn open<D: Document>(
    bytes: &[u8],
    verify: impl FnOnce(Algorithm, &[u8], &[u8], &[u8]) -> bool,
) -> Result<D, OpenError> {
    if bytes.len() > MAX {
        return Err(OpenError::TooLarge);
    }
    let parts = Parts::of(bytes).ok_or(OpenError::Envelope)?;
    let protected = ProtectedHeader::from_cbor_bstr(Cbor::Bytes(parts.protected.to_vec()))
        .map_err(|_| OpenError::Envelope)?;
    let algorithm = match &protected.header.alg {
        Some(RegisteredLabelWithPrivate::Assigned(algorithm)) => Algorithm::of(*algorithm),
        _ => None,
    }
    .ok_or(OpenError::Envelope)?;
    // Whatever else a header can hold, critical or not, is not understood here.
    let key_id = protected.header.key_id.clone();
    if !is_key_id(&key_id) || protected.header != header(algorithm, &key_id) {
        return Err(OpenError::Envelope);
    }
    let signed = sig_structure_data(
        SignatureContext::CoseSign1,
        protected,
        None,
        D::CONTEXT.as_bytes(),
        parts.payload,
    );
    if !verify(algorithm, &key_id, &signed, parts.signature) {
        return Err(OpenError::Signature);
    }
    let given: Value = serde_json::from_slice(parts.payload).map_err(|_| OpenError::Document)?;
    let document: D = serde_json::from_slice(parts.payload).map_err(|_| OpenError::Document)?;
    let read = serde_json::to_value(&document).map_err(|_| OpenError::Document)?;
    if holds_no_more(&given, &read) {
        Ok(document)
    } else {
        Err(OpenError::Document)
    }
}

fn is_key_id(bytes: &[u8]) -> bool {
    (1..=MAX_KEY_ID).contains(&bytes.len())
}

fn header(algorithm: Algorithm, key_id: &[u8]) -> Header {
    HeaderBuilder::new()
        .algorithm(algorithm.cose())
        .content_format(iana::CoapContentFormat::Json)
        .key_id(key_id.to_vec())
        .build()
}

/// Whether every field that was given was read. Values may be written in several ways; fields may not.
fn holds_no_more(given: &Value, read: &Value) -> bool {
    match (given, read) {
        (Value::Object(given), Value::Object(read)) => given.iter().all(|(field, inner)| {
            read.get(field)
                .is_some_and(|counterpart| holds_no_more(inner, counterpart))
        }),
        (Value::Array(given), Value::Array(read)) => {
            given.len() == read.len()
                && given
                    .iter()
                    .zip(read)
                    .all(|(inner, counterpart)| holds_no_more(inner, counterpart))
        }
        (Value::Object(_) | Value::Array(_), _) => false,
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => true,
    }
}

/// The parts of an envelope.
struct Parts<'a> {
    protected: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(envelope: &'a [u8]) -> Option<Self> {
        // Tag 18, an array of four.
        let rest = envelope.strip_prefix(&[0xD2, 0x84])?;
        let (protected, rest) = byte_string(rest).filter(|(bytes, _)| bytes.len() <= MAX_HEADER)?;
        // Nothing in the unprotected header.
        let rest = rest.strip_prefix(&[0xA0])?;
        let (payload, rest) = byte_string(rest)?;
        let (signature, rest) = byte_string(rest)?;
        rest.is_empty().then_some(Self {
            protected,
            payload,
            signature,
        })
    }
}

/// A byte string in its shortest form (RFC 8949, section 4.2.1), and what follows it.
fn byte_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (length, least, rest) = match first {
        0x40..=0x57 => (usize::from(first - 0x40), 0, rest),
        0x58 => {
            let (&length, rest) = rest.split_first()?;
            (usize::from(length), 24, rest)
        }
        0x59 => {
            let (&length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(length)), 256, rest)
        }
        // Longer ones are longer than any envelope.
        _ => return None,
    };
    rest.split_at_checked(length).filter(|_| length >= least)
}

#[cfg(test)]
mod tests;
