//! Small secrets at rest, such as the seeds of authenticators: sealed by AES-256-GCM under a key in a file of its own, so that a copy
//! of the database opens none of them.
//!
//! The context (whose it is, what for) is authenticated with it: what is sealed for one account opens for no other.

use std::{fmt, fs, path::Path};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    fresh,
    pki::key::{KeyError, private_file},
};

/// The first byte of everything sealed this way.
const VERSION: u8 = 1;
/// What the key file begins with.
const HEADER: &str = "infusion-pump-gateway seal key v1";
/// Its name in the key directory.
const FILE: &str = "seal.key";

/// Why something could not be sealed or opened. No text holds any of it.
#[derive(Debug, Error)]
pub enum SealProblem {
    /// The key file.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Not sealed by this key, or for something else, or altered.
    #[error(
        "a stored secret does not open; if {FILE} was restored from an older backup, restore the one that fits"
    )]
    DoesNotOpen,
    /// The cryptographic library refused.
    #[error("a secret could not be sealed")]
    NotSealed,
}

/// The key.
pub struct Seal {
    key: LessSafeKey,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// The key in a directory, made when there is none.
    ///
    /// # Errors
    /// [`SealProblem::Key`] when it can not be read or written, others can read it, or it is not a key.
    pub fn open_or_create(dir: &Path) -> Result<Self, SealProblem> {
        let path = dir.join(FILE);
        let text = match private_file::read(&path) {
            Err(KeyError::Missing { .. }) => {
                fs::create_dir_all(dir).map_err(|source| KeyError::Io {
                    doing: "making the key directory",
                    path: dir.to_owned(),
                    source,
                })?;
                let key = Zeroizing::new(fresh::bytes::<32>());
                let text = Zeroizing::new(format!("{HEADER}\n{}\n", hex::encode(*key)));
                private_file::write_new(&path, text.as_bytes())?;
                text
            }
            read => read?,
        };
        let corrupt = || KeyError::Corrupt {
            path: path.clone(),
            what: "not a seal key",
        };
        let digits = text
            .strip_prefix(HEADER)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or_else(corrupt)?;
        let bytes = Zeroizing::new(hex::decode(digits.trim_end()).map_err(|_| corrupt())?);
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| corrupt())?;
        Ok(Self {
            key: LessSafeKey::new(key),
        })
    }

    /// Seals a secret for a context.
    ///
    /// # Errors
    /// [`SealProblem::NotSealed`].
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SealProblem> {
        let nonce = fresh::bytes::<NONCE_LEN>();
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SealProblem::NotSealed)?;
        let mut whole = Vec::with_capacity(1 + nonce.len() + sealed.len());
        whole.push(VERSION);
        whole.extend_from_slice(&nonce);
        whole.extend_from_slice(&sealed);
        Ok(whole)
    }

    /// Opens what was sealed for this context.
    ///
    /// # Errors
    /// [`SealProblem::DoesNotOpen`].
    pub fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealProblem> {
        let (nonce, sealed) = sealed
            .strip_prefix(&[VERSION])
            .and_then(|rest| rest.split_at_checked(NONCE_LEN))
            .ok_or(SealProblem::DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealProblem::DoesNotOpen)?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut plain)
            .map_err(|_| SealProblem::DoesNotOpen)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_context_and_with_its_key_only() {
        let dir = tempfile::tempdir().unwrap();
        let seal = Seal::open_or_create(dir.path()).unwrap();
        let sealed = seal.seal("totp a", b"seed").unwrap();
        assert_eq!(&*seal.unseal("totp a", &sealed).unwrap(), b"seed");
        assert!(seal.unseal("totp b", &sealed).is_err());
        assert_ne!(
            sealed,
            seal.seal("totp a", b"seed").unwrap(),
            "each is sealed anew"
        );
        for index in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[index] ^= 1;
            assert!(seal.unseal("totp a", &bad).is_err(), "byte {index}");
        }
        let again = Seal::open_or_create(dir.path()).unwrap();
        assert_eq!(&*again.unseal("totp a", &sealed).unwrap(), b"seed");
        let other = tempfile::tempdir().unwrap();
        let other = Seal::open_or_create(other.path()).unwrap();
        assert!(other.unseal("totp a", &sealed).is_err());
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Seal::open_or_create(dir.path()).unwrap();
        let path = dir.path().join(FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = Seal::open_or_create(dir.path()).unwrap_err();
        assert!(
            matches!(error, SealProblem::Key(KeyError::Exposed { .. })),
            "{error}"
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for bad in ["", "hello", "infusion-pump-gateway seal key v1\n00\n"] {
            fs::write(&path, bad).unwrap();
            let error = Seal::open_or_create(dir.path()).unwrap_err();
            assert!(
                matches!(error, SealProblem::Key(KeyError::Corrupt { .. })),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn garbage_does_not_open(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let dir = tempfile::tempdir().unwrap();
            let seal = Seal::open_or_create(dir.path()).unwrap();
            prop_assert!(seal.unseal("x", &bytes).is_err());
        }
    }
}
