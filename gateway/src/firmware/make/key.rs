//! Keys of a test manufacturer: files that only their owner can read, one per key.

use std::{fs, io, path::Path};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use pem::{EncodeConfig, LineEnding, Pem};
use serde_json::{Value, json};
use tough::sign::Sign as _;
use zeroize::Zeroizing;

use super::MakeError;
use crate::{
    firmware::problem::Role,
    pki::key::{KeyError, private_file},
};

/// What kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    Ed25519,
    /// ECDSA on P-256 with SHA-256.
    P256,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

/// A key of one role.
pub(super) struct SigningKey {
    pair: Pair,
    id: String,
    public: Value,
}

impl SigningKey {
    /// The first 64 digits of the SHA-256 of its public half (TUF specification, section 4.2).
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The public half as TUF writes it.
    pub(super) const fn public(&self) -> &Value {
        &self.public
    }

    /// A signature as TUF writes it.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Value, MakeError> {
        let failed = |_| MakeError::Signing { key: self.id.clone() };
        let signature = match &self.pair {
            Pair::Ed25519(pair) => pair.try_sign(message).map_err(failed)?.as_ref().to_vec(),
            Pair::P256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map_err(failed)?
                .as_ref()
                .to_vec(),
        };
        Ok(json!({ "keyid": self.id, "sig": hex::encode(signature) }))
    }

    fn new(pair: Pair) -> Option<Self> {
        let key = match &pair {
            Pair::Ed25519(pair) => pair.tuf_key(),
            Pair::P256(pair) => pair.tuf_key(),
        };
        let id = hex::encode(key.key_id().ok()?);
        let public = serde_json::to_value(key).ok()?;
        Some(Self { pair, id, public })
    }

    fn read(path: &Path) -> Result<Self, KeyError> {
        let text = private_file::read(path)?;
        let corrupt = |what| KeyError::Corrupt {
            path: path.to_owned(),
            what,
        };
        let pem = pem::parse(text.as_bytes()).map_err(|_| corrupt("not PEM"))?;
        let der = Zeroizing::new(pem.into_contents());
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
            .map(Pair::Ed25519)
            .or_else(|_| EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der).map(Pair::P256))
            .map_err(|_| corrupt("not an Ed25519 or P-256 key in PKCS#8"))?;
        Self::new(pair).ok_or_else(|| corrupt("not a key"))
    }
}

/// The file of the n-th key of a role, counted from 1.
fn file(role: Role, n: usize) -> String {
    format!("{role}-{n}.key.pem")
}

/// Makes so many keys of a role. One that is there already is an error: it is never overwritten.
pub(super) fn generate(
    dir: &Path,
    role: Role,
    count: usize,
    kind: KeyKind,
) -> Result<Vec<SigningKey>, MakeError> {
    let generating = || KeyError::Generating {
        what: "no key pair from the cryptographic library",
    };
    private_file::make_dir(dir)?;
    (1..=count)
        .map(|n| {
            let path = dir.join(file(role, n));
            let document = match kind {
                KeyKind::Ed25519 => Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()),
                KeyKind::P256 => {
                    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).and_then(|pair| pair.to_pkcs8v1())
                }
            };
            let document = document.map_err(|_| generating())?;
            let text = Zeroizing::new(pem::encode_config(
                &Pem::new("PRIVATE KEY", document.as_ref()),
                EncodeConfig::new().set_line_ending(LineEnding::LF),
            ));
            private_file::write_new(&path, text.as_bytes())?;
            Ok(SigningKey::read(&path)?)
        })
        .collect()
}

/// Reads the keys of a role, all there are.
pub(super) fn load(dir: &Path, role: Role) -> Result<Vec<SigningKey>, MakeError> {
    let mut keys = Vec::new();
    for n in 1.. {
        let path = dir.join(file(role, n));
        match fs::symlink_metadata(&path) {
            Ok(_) => keys.push(SigningKey::read(&path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound && n > 1 => break,
            Err(_) => return Err(KeyError::Missing { path }.into()),
        }
    }
    Ok(keys)
}
