//! The hospital's public keys for tickets: fetched over mutual TLS, kept, and fetched again when a ticket names one that is not there.

use std::{fs, path::PathBuf};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use wire::{
    bulk,
    envelope::{Algorithm, Sealed, open},
    message::Refusal,
    ticket::Ticket,
};

use super::{
    fetch::{Fetch, whole},
    flash::write_synced,
    orders::NotFetched,
};

/// The largest key set that is read, in bytes.
const MAX: usize = 64 * 1024;

/// A JSON Web Key Set (RFC 7517), as far as it matters here: Ed25519 keys (RFC 8037). Others are passed over.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Set {
    keys: Vec<Key>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    kid: String,
    /// The 32 bytes, in base64url.
    #[serde(default)]
    x: String,
}

/// The keys as a pump keeps them.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    path: PathBuf,
}

impl Keys {
    /// Kept in this file.
    pub(crate) const fn kept_in(path: PathBuf) -> Self {
        Self { path }
    }

    /// Opens a ticket. Nothing of it is believed before its signature was verified.
    ///
    /// # Errors
    /// [`Refusal::TicketForged`], or [`Refusal::Network`] when the keys can not be had.
    pub(crate) async fn open(&self, sealed: &Sealed, fetch: &dyn Fetch) -> Result<Ticket, NotFetched> {
        let bytes = sealed.bytes();
        if let Ok(ticket) = open_with(&bytes, &self.kept()) {
            return Ok(ticket);
        }
        let text = whole(fetch, bulk::TICKET_KEYS, MAX)
            .await
            .map_err(|error| NotFetched::new(Refusal::Network, error))?;
        let fresh: Set = serde_json::from_slice(&text).map_err(|_| {
            NotFetched::new(
                Refusal::TicketForged,
                "the hospital's keys for tickets can not be read",
            )
        })?;
        // Kept for the next time; if that fails they are fetched again.
        let _ = write_synced(&self.path, &text);
        open_with(&bytes, &fresh).map_err(|error| NotFetched::new(Refusal::TicketForged, error))
    }

    fn kept(&self) -> Set {
        fs::read(&self.path)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }
}

fn open_with(bytes: &[u8], keys: &Set) -> Result<Ticket, wire::envelope::OpenError> {
    open(bytes, |algorithm, kid, data, signature| {
        algorithm == Algorithm::EdDsa
            && keys
                .keys
                .iter()
                .filter(|key| key.kty == "OKP" && key.crv == "Ed25519" && key.kid.as_bytes() == kid)
                .filter_map(|key| BASE64_URL_SAFE_NO_PAD.decode(&key.x).ok())
                .any(|key| {
                    UnparsedPublicKey::new(&ED25519, key)
                        .verify(data, signature)
                        .is_ok()
                })
    })
}
