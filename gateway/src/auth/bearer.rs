//! The token a program carries (RFC 6750): `gwt_` and 160 random bits, made for an account, good for a while.

use fleet::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use store::{Store, StoreError};
use thiserror::Error;

use super::basic::scheme;
use crate::{app::Actor, fresh};

/// By this a token that leaked into a log or a repository is found.
pub const PREFIX: &str = "gwt_";
/// Longer than any token of ours, dashes and all.
const MAX: usize = 128;

/// A new token, for the one time that it is shown, and what is stored of it.
#[must_use]
pub fn token() -> (SecretString, [u8; 32]) {
    let secret = fresh::secret::<32>();
    let hash = fresh::secret_hash(secret.expose_secret());
    (
        SecretString::from(format!("{PREFIX}{}", secret.expose_secret())),
        hash,
    )
}

/// What is stored of a token. Nothing for a text that no token of ours can be.
#[must_use]
pub fn token_hash(token: &str) -> Option<[u8; 32]> {
    let secret = token.strip_prefix(PREFIX)?;
    (secret.len() <= MAX).then(|| fresh::secret_hash(secret))
}

/// Why nobody is recognised. The first three read the same from outside.
#[derive(Debug, Error)]
pub enum BearerProblem {
    /// No such header, or another scheme.
    #[error(
        "no token was sent; send `Authorization: Bearer <token>`, and make a token with POST /api/v1/tokens"
    )]
    Missing,
    /// Not one of ours.
    #[error("the token is not known; make a new one with POST /api/v1/tokens")]
    Unknown,
    /// It ran out, or was taken back.
    #[error("the token has expired or was revoked; make a new one with POST /api/v1/tokens")]
    Over,
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whose token it is. One look-up by the hash, so that comparing takes no time an attacker could measure.
///
/// # Errors
/// [`BearerProblem`], which says what to do next.
pub fn identify(store: &Store, header: Option<&str>, now: Timestamp) -> Result<Actor, BearerProblem> {
    let token = header
        .and_then(|value| scheme(value, "Bearer"))
        .ok_or(BearerProblem::Missing)?;
    let hash = token_hash(token).ok_or(BearerProblem::Unknown)?;
    let (token, account) = store
        .read(|db| db.api_token_fetch_by_hash(&hash))?
        .ok_or(BearerProblem::Unknown)?;
    if token.revoked_at.is_some() || now >= token.expires_at {
        return Err(BearerProblem::Over);
    }
    Ok(Actor {
        account: Some(account.id),
        name: account.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_hashes_the_same_however_its_groups_are_written() {
        let (token, hash) = token();
        let text = token.expose_secret();
        assert!(text.starts_with(PREFIX));
        assert_eq!(token_hash(text), Some(hash));
        assert_eq!(token_hash(&text.replace('-', "")), Some(hash));
        assert_eq!(token_hash("GWT_ABCD"), None);
        assert_eq!(token_hash(&format!("{PREFIX}{}", "A".repeat(MAX + 1))), None);
    }
}
