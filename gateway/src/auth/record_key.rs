//! The key with which the gateway vouches for its own record: checkpoints of the audit trail, and the seal on each signature.
//!
//! ECDSA on P-256 with SHA-256, in DER, written in base 64; so that `openssl dgst -sha256 -verify` checks it too.

use std::{fmt, sync::Arc};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use pem::{EncodeConfig, LineEnding, Pem};
use rcgen::PublicKeyData;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::pki::key::{CaKey, FileKeyStore, KeyError};

/// The name of its file in the key directory.
pub const NAME: &str = "record";

/// A public key that can not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a public key in PEM (BEGIN PUBLIC KEY) on the curve P-256")]
pub struct NotAKey;

/// The public half: what anybody needs to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPublicKey {
    spki: Vec<u8>,
    id: String,
}

impl RecordPublicKey {
    /// From the DER of a `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    ///
    /// # Errors
    /// [`NotAKey`].
    pub fn from_spki(spki: Vec<u8>) -> Result<Self, NotAKey> {
        ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &spki).map_err(|_| NotAKey)?;
        let digest = hex::encode(Sha256::digest(&spki));
        let id = digest.get(..16).unwrap_or(&digest).to_owned();
        Ok(Self { spki, id })
    }

    /// From PEM.
    ///
    /// # Errors
    /// [`NotAKey`].
    pub fn from_pem(text: &str) -> Result<Self, NotAKey> {
        let pem = pem::parse(text).map_err(|_| NotAKey)?;
        if pem.tag() == "PUBLIC KEY" {
            Self::from_spki(pem.into_contents())
        } else {
            Err(NotAKey)
        }
    }

    /// By which it is told from others: the first 16 digits of the SHA-256 of its `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// As PEM, for people and for `openssl`.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let pem = Pem::new("PUBLIC KEY", self.spki.clone());
        pem::encode_config(&pem, EncodeConfig::new().set_line_ending(LineEnding::LF))
    }

    /// Whether a signature in base 64 is this key's over a message.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else {
            return false;
        };
        ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.spki)
            .is_ok_and(|key| key.verify_sig(message, &signature).is_ok())
    }
}

/// The whole key.
#[derive(Clone)]
pub struct RecordKey {
    key: Arc<dyn CaKey>,
    public: RecordPublicKey,
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordKey").field(&self.public.id).finish()
    }
}

impl RecordKey {
    /// The key of a directory, made when there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open_or_create(keys: &FileKeyStore, passphrase: &SecretString) -> Result<Self, KeyError> {
        let key: Arc<dyn CaKey> = if keys.holds(NAME)? {
            keys.load(NAME, passphrase)?
        } else {
            keys.generate(NAME, passphrase)?
        };
        Self::new(key)
    }

    /// Any key of ours on P-256.
    ///
    /// # Errors
    /// [`KeyError`] when it is on another curve.
    pub fn new(key: Arc<dyn CaKey>) -> Result<Self, KeyError> {
        let spki = key.public_key().subject_public_key_info();
        let public = RecordPublicKey::from_spki(spki).map_err(|problem| KeyError::Signing {
            what: problem.to_string(),
        })?;
        Ok(Self { key, public })
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &RecordPublicKey {
        &self.public
    }

    /// See [`RecordPublicKey::id`].
    #[must_use]
    pub fn id(&self) -> &str {
        self.public.id()
    }

    /// Signs a message; the signature is in base 64.
    ///
    /// # Errors
    /// [`KeyError::Signing`] when the module that holds the key refuses.
    pub fn sign(&self, message: &[u8]) -> Result<String, KeyError> {
        self.key.sign(message).map(|signature| STANDARD.encode(signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::key::KdfCost;

    #[test]
    fn what_it_signs_anybody_can_check() {
        let dir = tempfile::tempdir().unwrap();
        let keys = FileKeyStore::new(dir.path().join("keys"), KdfCost::FOR_TESTS);
        let passphrase = SecretString::from("only for this test");
        let key = RecordKey::open_or_create(&keys, &passphrase).unwrap();
        let signature = key.sign(b"message").unwrap();
        let public = RecordPublicKey::from_pem(&key.public().to_pem()).unwrap();
        assert_eq!(&public, key.public());
        assert!(public.verifies(b"message", &signature));
        assert!(!public.verifies(b"massage", &signature));
        for bad in ["", "AAAA", "not base 64"] {
            assert!(!public.verifies(b"message", bad));
        }
        let again = RecordKey::open_or_create(&keys, &passphrase).unwrap();
        assert_eq!(again.id(), key.id());
        assert!(again.public().verifies(b"message", &signature));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let wrong = pem::encode(&Pem::new("PUBLIC KEY", vec![1, 2, 3]));
        for bad in ["", "hello", &wrong] {
            assert_eq!(RecordPublicKey::from_pem(bad), Err(NotAKey));
        }
    }
}
