//! Fresh identifiers and secrets: the one place that draws randomness for them.

use std::sync::{LazyLock, Mutex};

use aws_lc_rs::rand::fill;
use fleet::Timestamp;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use uuid::{ContextV7, Uuid};

/// A new identifier. Version 7 (RFC 9562): it sorts by time, so that lists and indexes grow at their end. Those of one process
/// sort in the order in which they were drawn, within one millisecond and after a clock that went back too (section 6.2).
#[must_use]
pub fn uuid(now: Timestamp) -> Uuid {
    static DRAWN: LazyLock<Mutex<ContextV7>> = LazyLock::new(Mutex::default);
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let at = uuid::Timestamp::from_unix(&*DRAWN, seconds, now.timestamp_subsec_nanos());
    Uuid::new_v7(at)
}

/// Random bytes from the operating system's generator.
///
/// # Panics
/// The generator fails only where the machine has no entropy at all; nothing this process does is safe then, so it stops.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "without randomness no key, token or serial number is safe"
)]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Characters of a secret (Crockford's base 32): no I, L, O, U, so that it can be read from a label and typed. Five bits each.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A secret of `BITS` bits for people and programs, in groups of four characters. It is shown once and stored as [`secret_hash`].
#[must_use]
pub fn secret<const CHARACTERS: usize>() -> SecretString {
    let text: String = bytes::<CHARACTERS>()
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
        .enumerate()
        .flat_map(|(index, character)| {
            let dash = (index > 0 && index % 4 == 0).then_some('-');
            dash.into_iter().chain([char::from(*character)])
        })
        .collect();
    SecretString::from(text)
}

/// What is stored of a secret with full entropy: SHA-256 over its characters. Dashes and case do not count, and what
/// people misread counts as what it was.
/// (Passwords, which people choose, are stored by argon2id instead.)
#[must_use]
pub fn secret_hash(secret: &str) -> [u8; 32] {
    let canonical: String = secret
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .take(256)
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    Sha256::digest(canonical.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_reads_well_and_hashes_the_same_however_it_is_typed() {
        let secret = secret::<32>();
        let text = secret.expose_secret();
        assert_eq!(text.len(), 39);
        assert_eq!(
            secret_hash(text),
            secret_hash(&text.to_lowercase().replace('-', ""))
        );
        assert_ne!(text, super::secret::<32>().expose_secret());
    }

    #[test]
    fn later_identifiers_sort_later() {
        let at = |seconds| uuid(DateTime::from_timestamp(seconds, 0).unwrap());
        let mut clock = vec![1_800_000_000; 5_000];
        clock.extend([1_800_000_001, 1_799_999_999, 1_800_000_001]);
        let drawn: Vec<_> = clock.into_iter().map(at).collect();
        assert!(drawn.is_sorted_by(|a, b| a < b));
    }
}
