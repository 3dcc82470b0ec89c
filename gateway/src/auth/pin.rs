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
    #[error(
        "this PIN is among the first that are tried; choose one without a run, a repetition, a pattern of keys or a year"
    )]
    Obvious,
}

/// Straight lines of three keys on a number pad, either way; two in a row are what a thumb finds by itself.
const LINES: [&str; 16] = [
    "123", "321", "456", "654", "789", "987", "147", "741", "258", "852", "369", "963", "159", "951", "357",
    "753",
];

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
    let doubled = digits.len().is_multiple_of(2) && digits.chunks(2).all(|pair| pair.first() == pair.last());
    let lines = digits.len().is_multiple_of(3)
        && (0..digits.len())
            .step_by(3)
            .all(|at| text.get(at..at + 3).is_some_and(|three| LINES.contains(&three)));
    if runs || repeats || birthday || doubled || lines {
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pin_is_not_what_is_tried_first() {
        let check = |pin: &str, expected: Result<(), PinProblem>| {
            assert_eq!(accept(&SecretString::from(pin)), expected, "{pin}");
        };
        // Day, month and year in two digits each can not be told from any other number.
        for good in ["582913", "0471582", "849302715836", "120984", "040719", "147259"] {
            check(good, Ok(()));
        }
        for bad in ["", "12345", "1234567890123", "12345a", "12 456", "١٢٣٤٥٦"] {
            check(bad, Err(PinProblem::NotDigits));
        }
        for bad in [
            "000000",
            "123456",
            "654321",
            "890123",
            "135791",
            "121212",
            "583583",
            "198407",
            "19840712",
            "12071984",
            "200112",
            "112233",
            "55779911",
            "159753",
            "147258",
            "123321",
            "789456123",
        ] {
            check(bad, Err(PinProblem::Obvious));
        }
    }

    #[test]
    fn only_the_pin_fits() {
        let stored = hash(&SecretString::from("582913")).unwrap();
        assert!(verify(&SecretString::from("582913"), Some(&stored)));
        assert!(!verify(&SecretString::from("582914"), Some(&stored)));
        assert!(!verify(&SecretString::from("582913"), None));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_digits(text in "\\PC{0,14}|[0-9]{5,13}") {
            if accept(&SecretString::from(text.as_str())).is_ok() {
                prop_assert!((MIN..=MAX).contains(&text.len()));
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit()));
            }
        }
    }
}
