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
use zeroize::Zeroizing;

use super::breached::BreachedPasswords;
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
    /// Common words, runs, repetitions, names of this house.
    #[error(
        "the new password is among the first that are tried; four words that have nothing to do with one another are better"
    )]
    EasyToGuess,
    /// Somebody used it, and it was stolen there.
    #[error("the new password is in a list of stolen ones; choose another")]
    Breached,
    /// The list could not be asked: better none than one that may be known.
    #[error(
        "the new password could not be compared with the list of stolen ones; tell an administrator to see the log"
    )]
    NotCompared,
}

/// A password could not be hashed: no memory for it, most likely.
#[derive(Debug, Error)]
#[error("could not hash a password: {0}; is there memory left?")]
pub struct HashProblem(argon2::password_hash::Error);

/// What an attacker tries first of this person: what people put into passwords is around them.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The name by which the person signs in.
    pub name: &'a Name,
    /// The person's name.
    pub printed_name: &'a Name,
    /// The hospital's name.
    pub hospital: &'a Name,
}

/// Words of this house that are in nobody's dictionary.
const OUR_WORDS: [&str; 6] = ["infusion", "pump", "gateway", "biomed", "nurse", "ward"];
/// So many characters are judged; a longer password is at least as good as its beginning. The time it takes grows with the square
/// of the length, and much more with characters that stand for letters (`4` for `a`): the worst 100 take a second, the worst 40 a
/// sixth of it.
const JUDGED: usize = 40;

/// Which passwords are accepted: by length, and by what is tried first; not by kinds of characters (NIST SP 800-63B,
/// section 5.1.1.2).
#[derive(Debug, Default)]
pub struct PasswordRules {
    /// Passwords that were stolen somewhere, if the hospital brought a list.
    pub breached: Option<BreachedPasswords>,
}

impl PasswordRules {
    /// Whether a password may be chosen, and replace another.
    ///
    /// # Errors
    /// The first [`PasswordProblem`] that applies.
    pub fn accept(&self, new: &SecretString, context: &Context<'_>) -> Result<(), PasswordProblem> {
        let text = new.expose_secret();
        let length = text.chars().count();
        if length < MIN {
            return Err(PasswordProblem::TooShort { length });
        }
        if length > MAX {
            return Err(PasswordProblem::TooLong { length });
        }
        if text.trim().to_lowercase() == context.name.as_str().to_lowercase() {
            return Err(PasswordProblem::IsTheName);
        }
        if is_easy_to_guess(text, context) {
            return Err(PasswordProblem::EasyToGuess);
        }
        match self.breached.as_ref().map(|list| list.contains(new)) {
            None | Some(Ok(false)) => Ok(()),
            Some(Ok(true)) => Err(PasswordProblem::Breached),
            Some(Err(error)) => {
                tracing::error!(%error, "a new password could not be compared with the list of stolen ones");
                Err(PasswordProblem::NotCompared)
            }
        }
    }
}

/// By an estimate of how many guesses it takes that tries common passwords, words, names, runs of keys, dates and repetitions first.
fn is_easy_to_guess(text: &str, context: &Context<'_>) -> bool {
    let names = [context.name, context.printed_name, context.hospital].map(Name::as_str);
    // `O'Brien` is typed without its apostrophe as well.
    let joined = names.map(|name| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>());
    let parts = names
        .iter()
        .flat_map(|name| name.split(|c: char| !c.is_alphanumeric()))
        .filter(|part| !part.is_empty());
    let around: Vec<&str> = names
        .into_iter()
        .chain(joined.iter().map(String::as_str))
        .chain(parts)
        .chain(OUR_WORDS)
        .collect();
    // Capitals stand where names have them; the estimate would count them as if they stood anywhere.
    let judged: String = text.chars().flat_map(char::to_lowercase).take(JUDGED).collect();
    let judged = Zeroizing::new(judged);
    zxcvbn::zxcvbn(&judged, &around).score() < zxcvbn::Score::Three
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
    use proptest::prelude::*;

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
        let named = |name: &str| Name::new(name).unwrap();
        let (name, printed_name) = (named("Administrator"), named("Ana O'Brien"));
        let hospital = named("County General");
        let context = Context {
            name: &name,
            printed_name: &printed_name,
            hospital: &hospital,
        };
        let rules = PasswordRules::default();
        let check = |new: &str, expected: Result<(), PasswordProblem>| {
            assert_eq!(rules.accept(&secret(new), &context), expected, "{new}");
        };
        check("elevenchars", Err(PasswordProblem::TooShort { length: 11 }));
        check(
            &"x".repeat(MAX + 1),
            Err(PasswordProblem::TooLong { length: MAX + 1 }),
        );
        check(" ADMINistrator", Err(PasswordProblem::IsTheName));
        for easy in [
            "password1234",
            "qwertyuiop12",
            "County General 1",
            "ana o'brien 2026",
            "AnaOBrien2026!",
            "CountyGeneral12",
            "ADMINISTRATOR-99",
            "aaaaaaaaaaaaaaaa",
            "infusionpump",
            "123456789012",
            "Gateway2026!",
        ] {
            check(easy, Err(PasswordProblem::EasyToGuess));
        }
        check("a better password", Ok(()));
        check("correct horse battery", Ok(()));
        check("Größe-Möwe-Kübel", Ok(()));
        let long: String =
            "many words make light work of guessing nothing at all, they say in town. ".repeat(3);
        check(&long, Ok(()));
    }

    #[test]
    fn a_stolen_password_is_refused() {
        let mut hashes: Vec<_> = ["violet harbour stumble nine", "other"]
            .map(|word| {
                let digest =
                    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, word.as_bytes());
                format!("{}:7", hex::encode_upper(digest))
            })
            .to_vec();
        hashes.sort();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), hashes.join("\n") + "\n").unwrap();
        let rules = PasswordRules {
            breached: Some(BreachedPasswords::open(file.path()).unwrap()),
        };
        let name = Name::new("ana").unwrap();
        let context = Context {
            name: &name,
            printed_name: &name,
            hospital: &name,
        };
        let accept = |text: &str| rules.accept(&secret(text), &context);
        assert_eq!(
            accept("violet harbour stumble nine"),
            Err(PasswordProblem::Breached)
        );
        assert_eq!(accept("violet harbour stumble eight"), Ok(()));
        std::fs::write(file.path(), "broken\n").unwrap();
        assert_eq!(
            accept("violet harbour stumble eight"),
            Err(PasswordProblem::NotCompared)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The estimate indexes into text: whatever is not one byte, or changes its length with its case, must not trip it.
        #[test]
        fn no_text_trips_the_rules(new in prop_oneof!["\\PC{0,300}", "[aA4@İıßſKΣ\u{0}\u{301}\u{1F469} ]{12,60}"], name in "\\PC{1,20}") {
            let Ok(name) = Name::new(&name) else { return Ok(()) };
            let context = Context { name: &name, printed_name: &name, hospital: &name };
            let length = new.chars().count();
            let outcome = PasswordRules::default().accept(&secret(&new), &context);
            prop_assert_eq!(
                matches!(outcome, Err(PasswordProblem::TooShort { .. } | PasswordProblem::TooLong { .. })),
                !(MIN..=MAX).contains(&length)
            );
        }
    }
}
