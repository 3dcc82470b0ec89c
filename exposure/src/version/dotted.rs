//! Numbers with dots between them, and the same with a letter behind that counts on.

/// Numbers without trailing zeros: `1.0` and `1.0.0` are one version. Empty for `0`.
pub(super) type Dotted = Vec<u64>;

/// Reads `2.0.10`: one to eight numbers of at most 18 digits.
pub(super) fn parse(text: &str) -> Option<Dotted> {
    let mut numbers: Dotted = text.split('.').map(number).collect::<Option<_>>()?;
    (numbers.len() <= 8).then_some(())?;
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

/// Digits only: `parse` alone would take a sign.
pub(super) fn number(text: &str) -> Option<u64> {
    let fits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// A dotted version and the letters behind it, in the order in which they count: none, a … y, z, za, zb.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Suffixed {
    numbers: Dotted,
    /// Fewer letters are older; of as many, the alphabet decides.
    length: usize,
    letters: String,
}

/// Reads `1.0.2k` and `1.0.2`: one letter, or `z` and one more. `1.0rc` and `1.0beta` are not of this scheme.
pub(super) fn parse_suffixed(text: &str) -> Option<Suffixed> {
    let end = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (numbers, letters) = text.split_at_checked(end)?;
    let letters = letters.to_ascii_lowercase();
    let counts = letters.len() <= 1 || (letters.len() == 2 && letters.starts_with('z'));
    // A lone number with a letter (`81L`) is a code and not a version that goes on.
    (counts && (letters.is_empty() || numbers.contains('.'))).then_some(())?;
    Some(Suffixed {
        numbers: parse(numbers)?,
        length: letters.len(),
        letters,
    })
}
