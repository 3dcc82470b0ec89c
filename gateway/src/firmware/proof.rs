//! What a pump signed about itself, believed only under the key of its certificate.
//!
//! The certificate comes from our own record, so its chain is not looked at again; what it was good for at the time is the
//! caller's to know.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use fleet::id::PumpId;
use thiserror::Error;
use wire::{
    envelope::{self, Algorithm, Document, OpenError, Sealed},
    proof::{Proof, key_id},
    retest::Retest,
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer, public_key::PublicKey};

/// The largest RSA modulus, in bits.
const MAX_RSA: usize = 4096;
/// The smallest.
const MIN_RSA: usize = 2048;

/// Why a proof is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProofError {
    #[error("the pump's certificate can not be read")]
    Certificate,
    #[error(
        "the pump's certificate has a key of another kind than EC on P-256 or P-384, or RSA of 2048 to 4096 bits"
    )]
    KeyKind,
    #[error("the proof is signed by {signed:?}, and the key of the pump's certificate signs by {key:?}")]
    Algorithm { signed: Algorithm, key: Algorithm },
    #[error("{0}")]
    Open(#[from] OpenError),
    #[error("the proof names another certificate than the one it is checked by")]
    OtherCertificate,
    #[error("the proof is about the pump {named}, and was signed by {signer}")]
    OtherPump { named: PumpId, signer: PumpId },
}

/// A document that a pump signs about itself.
pub trait OfPump: Document {
    /// Whom it is about.
    fn pump(&self) -> PumpId;
}

impl OfPump for Proof {
    fn pump(&self) -> PumpId {
        self.pump
    }
}

impl OfPump for Retest {
    fn pump(&self) -> PumpId {
        self.pump
    }
}

/// Reads a document that the holder of a certificate signed about itself.
///
/// # Errors
/// [`ProofError`].
pub fn verify<D: OfPump>(sealed: &Sealed, certificate_der: &[u8], signer: PumpId) -> Result<D, ProofError> {
    let key = Key::of(certificate_der)?;
    let mut mistaken = None;
    let opened = envelope::open::<D>(&sealed.bytes(), |algorithm, id, message, signature| {
        if id != key_id(certificate_der) {
            mistaken = Some(ProofError::OtherCertificate);
        } else if algorithm != key.algorithm {
            mistaken = Some(ProofError::Algorithm {
                signed: algorithm,
                key: key.algorithm,
            });
        } else {
            let public = UnparsedPublicKey::new(key.verifier, &key.public);
            return public.verify(message, signature).is_ok();
        }
        false
    });
    if let Some(mistaken) = mistaken {
        return Err(mistaken);
    }
    let document = opened?;
    let named = document.pump();
    if named == signer {
        Ok(document)
    } else {
        Err(ProofError::OtherPump { named, signer })
    }
}

/// The public key of a certificate, and the one way in which it signs.
struct Key {
    algorithm: Algorithm,
    verifier: &'static dyn VerificationAlgorithm,
    public: Vec<u8>,
}

impl Key {
    fn of(certificate_der: &[u8]) -> Result<Self, ProofError> {
        let (rest, certificate) =
            X509Certificate::from_der(certificate_der).map_err(|_| ProofError::Certificate)?;
        if !rest.is_empty() {
            return Err(ProofError::Certificate);
        }
        let spki = certificate.public_key();
        let (algorithm, verifier): (_, &'static dyn VerificationAlgorithm) =
            match spki.parsed().map_err(|_| ProofError::Certificate)? {
                // An uncompressed point: one byte and two coordinates.
                PublicKey::EC(point) => match point.data().len() {
                    65 => (Algorithm::Es256, &ECDSA_P256_SHA256_FIXED),
                    97 => (Algorithm::Es384, &ECDSA_P384_SHA384_FIXED),
                    _ => return Err(ProofError::KeyKind),
                },
                PublicKey::RSA(rsa) if (MIN_RSA..=MAX_RSA).contains(&rsa.key_size()) => {
                    (Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256)
                }
                _ => return Err(ProofError::KeyKind),
            };
        Ok(Self {
            algorithm,
            verifier,
            public: spki.subject_public_key.data.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests;
