//! Codes of an authenticator (TOTP, RFC 6238): SHA-1, six digits, thirty seconds, which is what every authenticator does.
//!
//! A code is taken once: the caller keeps the step of the last one (section 5.2), and none at or before it is taken again.
//! One step to either side makes up for a clock that is off.

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use thiserror::Error;
use totp_rs::{Algorithm, Builder, Secret, Totp};

use fleet::Timestamp;

use crate::fresh;

/// Digits of a code.
const DIGITS: u8 = 6;
/// Seconds of a step.
const STEP: u64 = 30;
/// Steps to either side that are taken too.
const SKEW: u16 = 1;
/// Bytes of a seed: as many as SHA-1 has (RFC 4226, section 4, R6).
const SEED: usize = 20;

/// Why a code is not taken. From outside both read the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TotpProblem {
    /// Not the code of this seed at this time, or no code at all.
    #[error("the code is not right")]
    Wrong,
    /// It, or a later one, was taken before.
    #[error("the code was used before")]
    Used,
}

fn totp(seed: &[u8]) -> Builder {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_step_duration(STEP)
        .with_skew(SKEW)
        .with_secret(Secret::from(seed.to_vec()))
}

fn of(seed: &[u8]) -> Option<Totp> {
    totp(seed).build().ok()
}

/// A new seed.
#[must_use]
pub fn new_seed() -> SecretSlice<u8> {
    SecretSlice::from(fresh::bytes::<SEED>().to_vec())
}

/// The seed as a person types it into an authenticator.
#[must_use]
pub fn typed(seed: &SecretSlice<u8>) -> SecretString {
    SecretString::from(Secret::from(seed.expose_secret().to_vec()).to_base32())
}

/// The seed as an authenticator scans it: `otpauth://totp/…`, under the hospital's name and the person's. A colon divides the
/// two there, so it is none of either.
#[must_use]
pub fn uri(seed: &SecretSlice<u8>, hospital: &str, person: &str) -> SecretString {
    let uri = totp(seed.expose_secret())
        .with_issuer(Some(hospital.replace(':', " ")))
        .with_account_name(person.replace(':', " "))
        .build()
        .and_then(|totp| totp.to_url());
    SecretString::from(uri.unwrap_or_default())
}

/// The step of a code that is right at this time, and later than the last one that was taken.
///
/// # Errors
/// [`TotpProblem`].
pub fn verify(
    seed: &[u8],
    code: &SecretString,
    now: Timestamp,
    last_used: Option<u64>,
) -> Result<u64, TotpProblem> {
    let digits: String = code
        .expose_secret()
        .chars()
        .filter(|c| *c != ' ')
        .take(usize::from(DIGITS) + 1)
        .collect();
    if digits.len() != usize::from(DIGITS) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TotpProblem::Wrong);
    }
    let seconds = u64::try_from(now.timestamp()).map_err(|_| TotpProblem::Wrong)?;
    let step = of(seed)
        .and_then(|totp| totp.check(&digits, seconds))
        .ok_or(TotpProblem::Wrong)?;
    if last_used.is_some_and(|last| step <= last) {
        Err(TotpProblem::Used)
    } else {
        Ok(step)
    }
}

/// The code of a seed at a time, for those who play a person: tests, the demo.
#[must_use]
pub fn code(seed_as_typed: &str, now: Timestamp) -> Option<SecretString> {
    let seed = Secret::try_from_base32(seed_as_typed).ok()?;
    let seconds = u64::try_from(now.timestamp()).ok()?;
    let token = of(seed.as_ref())?.generate(seconds);
    Some(SecretString::from(token.to_string()))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use proptest::prelude::*;

    use super::*;

    const SEED_OF_THE_RFC: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn verified(code: &str, seconds: i64, last: Option<u64>) -> Result<u64, TotpProblem> {
        verify(SEED_OF_THE_RFC, &SecretString::from(code), at(seconds), last)
    }

    /// RFC 6238, appendix B, SHA-1; the last six of its eight digits.
    #[test]
    fn the_codes_of_the_standard_are_taken() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = u64::try_from(seconds).unwrap() / STEP;
            assert_eq!(verified(code, seconds, None), Ok(step));
            assert_eq!(verified(&format!(" {code} "), seconds, None), Ok(step));
        }
    }

    #[test]
    fn a_code_is_taken_once_and_near_its_time() {
        let code = "287082";
        assert_eq!(verified(code, 29, None), Ok(1));
        assert_eq!(verified(code, 89, None), Ok(1));
        assert_eq!(verified(code, 90, None), Err(TotpProblem::Wrong));
        assert_eq!(verified(code, 59, Some(0)), Ok(1));
        assert_eq!(verified(code, 59, Some(1)), Err(TotpProblem::Used));
        assert_eq!(verified(code, 59, Some(2)), Err(TotpProblem::Used));
    }

    #[test]
    fn a_seed_is_known_by_what_was_typed_or_scanned() {
        let seed = new_seed();
        let now = at(1_800_000_000);
        let code = code(typed(&seed).expose_secret(), now).unwrap();
        assert!(verify(seed.expose_secret(), &code, now, None).is_ok());
        let later = now + TimeDelta::minutes(2);
        assert!(verify(seed.expose_secret(), &code, later, None).is_err());
        let uri = uri(&seed, "O'Brien: General & Sons", "zoë");
        let uri = uri.expose_secret();
        assert!(uri.starts_with("otpauth://totp/"), "{uri}");
        assert!(
            uri.contains(typed(&seed).expose_secret()) && !uri.contains("& "),
            "{uri}"
        );
    }

    proptest! {
        #[test]
        fn nothing_else_is_a_code(text in "\\PC{0,12}", seconds in -5_i64..4_000_000_000) {
            if text.chars().filter(char::is_ascii_digit).count() < 6 {
                prop_assert!(verified(&text, seconds, None).is_err());
            }
        }
    }
}
