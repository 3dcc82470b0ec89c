//! The hospital's key for tickets: the second of the two keys without which nothing installs (S8).
//!
//! Ed25519, made on the first start, kept encrypted like every other key here. Pumps fetch the public halves as a JSON Web Key
//! Set. After a rotation the newest key signs, and the older ones stay in the set: tickets that are out hold until they
//! expire. A key leaves the set when its file is taken away.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use fleet::signature::Digest;
use rustls_pki_types::PrivatePkcs8KeyDer;
use secrecy::SecretString;
use serde_json::json;
use wire::{
    envelope::{self, Algorithm, OpenError, SealError, Sealed},
    ticket::Ticket,
};
use zeroize::Zeroize;

use crate::pki::key::{FileKeyStore, KeyError};

/// The most keys in the set.
const MAX: u16 = 99;

/// The keys, the newest last.
pub struct TicketKeys {
    older: Vec<TicketKey>,
    newest: TicketKey,
    jwks: String,
}

struct TicketKey {
    pair: Ed25519KeyPair,
    id: String,
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.all().map(|key| &key.id);
        f.debug_list().entries(ids).finish()
    }
}

impl TicketKeys {
    /// The keys of a directory; one is made when there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open_or_create(keys: &FileKeyStore, passphrase: &SecretString) -> Result<Self, KeyError> {
        let mut numbers = Self::numbers(keys)?;
        let last = match numbers.pop() {
            Some(last) => TicketKey::load(keys, passphrase, last)?,
            None => TicketKey::make(keys, passphrase, 1)?,
        };
        let older = numbers
            .into_iter()
            .map(|number| TicketKey::load(keys, passphrase, number))
            .collect::<Result<_, _>>()?;
        Ok(Self::new(older, last))
    }

    /// Makes a new key, which signs from now on. The older ones stay in the set.
    ///
    /// # Errors
    /// [`KeyError`]; the keys are as they were.
    pub fn rotate(keys: &FileKeyStore, passphrase: &SecretString) -> Result<Self, KeyError> {
        let opened = Self::open_or_create(keys, passphrase)?;
        let next = Self::numbers(keys)?.last().map_or(1, |last| last + 1);
        if next > MAX {
            return Err(KeyError::Generating {
                what: "there are as many ticket keys as can be; take the files of the oldest away",
            });
        }
        let newest = TicketKey::make(keys, passphrase, next)?;
        let mut older = opened.older;
        older.push(opened.newest);
        Ok(Self::new(older, newest))
    }

    /// Which keys there are, the newest last.
    fn numbers(keys: &FileKeyStore) -> Result<Vec<u16>, KeyError> {
        let mut found = Vec::new();
        for number in 1..=MAX {
            if keys.holds(&file(number))? {
                found.push(number);
            }
        }
        Ok(found)
    }

    fn new(older: Vec<TicketKey>, newest: TicketKey) -> Self {
        let set: Vec<_> = older.iter().chain([&newest]).map(TicketKey::jwk).collect();
        let jwks = json!({ "keys": set }).to_string();
        Self { older, newest, jwks }
    }

    fn all(&self) -> impl Iterator<Item = &TicketKey> {
        self.older.iter().chain([&self.newest])
    }

    /// Signs a ticket with the newest key.
    ///
    /// # Errors
    /// [`KeyError::Signing`] when the cryptographic library refuses.
    pub fn sign(&self, ticket: &Ticket) -> Result<Sealed, KeyError> {
        let key = &self.newest;
        let sign = |message: &[u8]| {
            let signature = key.pair.try_sign(message);
            signature
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| KeyError::Signing {
                    what: "the cryptographic library refused".to_owned(),
                })
        };
        envelope::seal(ticket, Algorithm::EdDsa, key.id.as_bytes(), sign)
            .map(|sealed| Sealed::of(&sealed))
            .map_err(|error| match error {
                SealError::Signer(error) => error,
                refused @ (SealError::TooLarge { .. } | SealError::KeyId { .. }) => KeyError::Signing {
                    what: refused.to_string(),
                },
            })
    }

    /// Reads a ticket that one of the keys signed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, sealed: &Sealed) -> Result<Ticket, OpenError> {
        envelope::open(&sealed.bytes(), |algorithm, id, message, signature| {
            algorithm == Algorithm::EdDsa
                && self
                    .all()
                    .find(|key| key.id.as_bytes() == id)
                    .is_some_and(|key| key.verifies(message, signature))
        })
    }

    /// The public halves as a JSON Web Key Set (RFC 7517, RFC 8037), for [`wire::bulk::TICKET_KEYS`].
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// The id of the key that signs: the first 16 digits of the SHA-256 of its public half, and the `kid` of its tickets.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.newest.id
    }
}

impl TicketKey {
    fn load(keys: &FileKeyStore, passphrase: &SecretString, number: u16) -> Result<Self, KeyError> {
        let name = file(number);
        let mut plain = keys.load_pkcs8(&name, passphrase)?;
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(plain.secret_pkcs8_der());
        plain.zeroize();
        let corrupt = KeyError::Corrupt {
            path: keys.path(&name)?,
            what: "not an Ed25519 key",
        };
        key.map(Self::of).map_err(|_| corrupt)
    }

    fn make(keys: &FileKeyStore, passphrase: &SecretString, number: u16) -> Result<Self, KeyError> {
        let generating = || KeyError::Generating {
            what: "no Ed25519 key from the cryptographic library",
        };
        let pair = Ed25519KeyPair::generate().map_err(|_| generating())?;
        // Version 1 (RFC 8410, section 7): what every tool reads.
        let document = pair.to_pkcs8v1().map_err(|_| generating())?;
        let mut plain = PrivatePkcs8KeyDer::from(document.as_ref().to_vec());
        let stored = keys.store_pkcs8(&file(number), &plain, passphrase);
        plain.zeroize();
        stored?;
        Ok(Self::of(pair))
    }

    fn of(pair: Ed25519KeyPair) -> Self {
        let digest = Digest::of(pair.public_key().as_ref()).to_string();
        let id = digest.get(..16).unwrap_or(&digest).to_owned();
        Self { pair, id }
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let public = UnparsedPublicKey::new(&ED25519, self.pair.public_key().as_ref());
        public.verify(message, signature).is_ok()
    }

    /// RFC 8037, section 2.
    fn jwk(&self) -> serde_json::Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref()),
            "kid": self.id,
            "alg": "EdDSA",
            "use": "sig",
        })
    }
}

fn file(number: u16) -> String {
    format!("ticket-{number}")
}

#[cfg(test)]
mod tests;
