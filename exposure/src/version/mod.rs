//! Versions: which of two is newer, when that can be known at all.
//!
//! Manufacturers count in different ways, and comparing across schemes gives confident nonsense. [`compare`] finds the one
//! scheme that reads both texts; where there is none, the answer is [`Incomparable`], which becomes *needs review*.

mod coded;
mod date;
mod debian;
mod dotted;
mod range;
mod said;
mod semver;
mod vers;

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use range::{Bound, Interval, Range, Within};
pub use said::{Versions, read_range};
pub use vers::{VersError, read as read_vers};

/// A way of counting versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// `2.0.8`, `4.9.0.20240103`: numbers, of which missing ones count as zero.
    Dotted,
    /// `2023-10-26`, `20231026`.
    Date,
    /// `1.0.2k`, `1.0.2zd`: numbers and one letter that counts on, as OpenSSL has them.
    LetterSuffix,
    /// `2.0.0-rc.1` (Semantic Versioning 2.0.0).
    Semver,
    /// `L81`, `012U000061`: letters that stand for a line of products, and numbers that count within it.
    Coded,
    /// `1:7.50.3-1+deb9u1` (Debian Policy, section 5.6.12). Only where the source says that it is Debian's.
    Debian,
}

/// The schemes that are tried unasked, in this order.
const UNASKED: [Scheme; 5] = [
    Scheme::Date,
    Scheme::Dotted,
    Scheme::LetterSuffix,
    Scheme::Semver,
    Scheme::Coded,
];

/// Which schemes may read a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// Whichever of the common ones reads both.
    #[default]
    Common,
    /// This one and no other.
    Only(Scheme),
    /// A scheme that is not known here: only equal texts are equal.
    Unknown,
}

/// Two versions that no scheme reads alike.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("version `{one}` can not be compared with `{other}`")]
pub struct Incomparable {
    pub one: String,
    pub other: String,
}

/// The longest version that is read.
pub const MAX: usize = 128;

/// Compares two versions in the scheme that reads both.
///
/// # Errors
/// [`Incomparable`] when there is none, or when both are of one scheme but of different lines of products.
pub fn compare(one: &str, other: &str, hint: Hint) -> Result<Ordering, Incomparable> {
    let (a, b) = (fold(one), fold(other));
    if !a.is_empty() && a.eq_ignore_ascii_case(b) {
        return Ok(Ordering::Equal);
    }
    let schemes: &[Scheme] = match &hint {
        Hint::Common => &UNASKED,
        Hint::Only(scheme) => std::slice::from_ref(scheme),
        Hint::Unknown => &[],
    };
    let fits = a.len() <= MAX && b.len() <= MAX;
    schemes
        .iter()
        .filter(|_| fits)
        .filter(|scheme| {
            **scheme != Scheme::Semver || hint != Hint::Common || (semver::is_plain(a) && semver::is_plain(b))
        })
        .find_map(|scheme| compare_as(*scheme, a, b))
        .ok_or_else(|| Incomparable {
            one: crate::read::clip(one, MAX),
            other: crate::read::clip(other, MAX),
        })
}

/// Compares in one scheme; `None` when it does not read both, or can not tell which is newer.
#[must_use]
pub fn compare_as(scheme: Scheme, one: &str, other: &str) -> Option<Ordering> {
    match scheme {
        // A date beside a counted version: 20231026 is not newer than 9.33.1, it is something else.
        Scheme::Dotted | Scheme::LetterSuffix
            if date::parse(one).is_some() != date::parse(other).is_some() =>
        {
            None
        }
        Scheme::Dotted => Some(dotted::parse(one)?.cmp(&dotted::parse(other)?)),
        Scheme::Date => Some(date::parse(one)?.cmp(&date::parse(other)?)),
        Scheme::LetterSuffix => Some(dotted::parse_suffixed(one)?.cmp(&dotted::parse_suffixed(other)?)),
        Scheme::Semver => Some(semver::parse(one)?.cmp(&semver::parse(other)?)),
        Scheme::Coded => coded::compare(one, other),
        Scheme::Debian => Some(debian::parse(one)?.cmp(&debian::parse(other)?)),
    }
}

/// A version without white space and without a `v` or the word *version* in front.
fn fold(text: &str) -> &str {
    let text = text.trim();
    let rest = ["version ", "v.", "v"]
        .iter()
        .find_map(|prefix| {
            let (head, rest) = text.split_at_checked(prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then(|| rest.trim_start())
        })
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    rest.unwrap_or(text)
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dotted => "dotted numbers",
            Self::Date => "dates",
            Self::LetterSuffix => "numbers with a letter",
            Self::Semver => "semantic versions",
            Self::Coded => "letters and numbers",
            Self::Debian => "Debian's versions",
        })
    }
}

#[cfg(test)]
mod tests;
