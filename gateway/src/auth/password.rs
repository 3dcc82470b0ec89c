//! Passwords that people choose: which are accepted, and how they are kept.
//!
//! Stored by argon2id as a PHC string, with the parameters that OWASP's Password Storage Cheat Sheet names: 19 MiB,
//! two passes, one lane. Checking costs as much for an account that does not exist, so that time tells nobody
//! which names do. Both take tens of milliseconds: call them where blocking is allowed.

use std::sync::OnceLock;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use fleet::text::Name;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::fresh;

/// The fewest characters (NIST SP 800-63B asks for 8, and for 15 where nothing else is asked).
pub const MIN: usize = 12;
/// The most characters: beyond this a password is an attack on our memory.
pub const MAX: usize = 256;

/// Memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Why a new password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordProblem {
    /// Fewer than [`MIN`] characters.
    #[error("the new password has {length} characters; use {MIN} to {MAX}")]
    TooShort { length: usize },
    /// More than [`MAX`] characters.
    #[error("the new password has {length} characters; use {MIN} to {MAX}")]
    TooLong { length: usize },
    /// It is the account's name.
    #[error("the new password is the account's name; choose another")]
    IsTheName,
    /// It is the one it replaces.
    #[error("the new password is the old one; choose another")]
    IsTheOldOne,
}

/// A password could not be hashed: no memory for it, most likely.
#[derive(Debug, Error)]
#[error("could not hash a password: {0}; is there memory left?")]
pub struct HashProblem(argon2::password_hash::Error);

/// Whether a password may replace another.
///
/// # Errors
/// The first [`PasswordProblem`] that applies.
pub fn accept(new: &SecretString, name: &Name, old: &SecretString) -> Result<(), PasswordProblem> {
    let text = new.expose_secret();
    let length = text.chars().count();
    if length < MIN {
        Err(PasswordProblem::TooShort { length })
    } else if length > MAX {
        Err(PasswordProblem::TooLong { length })
    } else if text.trim().to_lowercase() == name.as_str().to_lowercase() {
        Err(PasswordProblem::IsTheName)
    } else if text == old.expose_secret() {
        Err(PasswordProblem::IsTheOldOne)
    } else {
        Ok(())
    }
}

/// What is stored of a password: a PHC string with a salt of its own.
///
/// # Errors
/// [`HashProblem`] when there is no memory for it.
pub fn hash(password: &SecretString) -> Result<String, HashProblem> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|error| HashProblem(error.into()))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password.expose_secret().as_bytes(), &fresh::bytes::<16>())
        .map(|hash| hash.to_string())
        .map_err(HashProblem)
}

/// Whether a password is the one that was stored. `stored` is nothing where there is no such account: the answer is
/// no then, and takes as long.
#[must_use]
pub fn verify(password: &SecretString, stored: Option<&str>) -> bool {
    // Made at the first check of any password, so that the first unknown name does not take longer than a known one.
    let nobodys = nobodys();
    let Some(against) = stored.or(nobodys) else {
        return false;
    };
    let fits = PasswordHash::new(against).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.expose_secret().as_bytes(), &hash)
            .is_ok()
    });
    fits && stored.is_some()
}

/// A hash that no password is known for.
fn nobodys() -> Option<&'static str> {
    static HASH: OnceLock<Option<String>> = OnceLock::new();
    HASH.get_or_init(|| hash(&fresh::secret::<32>()).ok()).as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn a_password_is_known_by_its_hash_alone() {
        let stored = hash(&secret("correct horse battery")).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(
            stored,
            hash(&secret("correct horse battery")).unwrap(),
            "each has a salt of its own"
        );
        let check = |password: &str, stored: Option<&str>, expected: bool| {
            assert_eq!(
                verify(&secret(password), stored),
                expected,
                "{password}, {stored:?}"
            );
        };
        check("correct horse battery", Some(&stored), true);
        check("correct horse batterY", Some(&stored), false);
        check("", Some(&stored), false);
        check("correct horse battery", Some("not a PHC string"), false);
        check("correct horse battery", None, false);
    }

    #[test]
    fn a_weak_password_is_refused_with_the_reason() {
        let name = Name::new("Administrator").unwrap();
        let old = secret("QW12-ER34-TY56");
        let check = |new: &str, expected: Result<(), PasswordProblem>| {
            assert_eq!(accept(&secret(new), &name, &old), expected, "{new}");
        };
        check("elevenchars", Err(PasswordProblem::TooShort { length: 11 }));
        check(&"ß".repeat(MIN), Ok(()));
        check(&"x".repeat(MAX), Ok(()));
        check(
            &"x".repeat(MAX + 1),
            Err(PasswordProblem::TooLong { length: MAX + 1 }),
        );
        check(" ADMINistrator", Err(PasswordProblem::IsTheName));
        check("QW12-ER34-TY56", Err(PasswordProblem::IsTheOldOne));
    }
}
