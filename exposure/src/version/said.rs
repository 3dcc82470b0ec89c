//! Ranges as advisories write them: a few plain forms are read, and everything else is kept as the text that it is.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{Bound, Hint, Interval, MAX, Range, compare, vers};

/// Which versions a source speaks of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Versions {
    /// Every version.
    All,
    /// The product without a version of its own (`-` in a CPE): a piece of hardware.
    NotApplicable,
    /// One version, by its text.
    Exactly(String),
    /// A range that was read.
    In(Range),
    /// The source names no version at all.
    Unsaid,
    /// A text that could not be read as a range.
    Unread(String),
}

/// Reads a range in words or signs: `<= 9.33.1`, `>= 1.1 | <= 1.3.2`, `vers:…`, `3.0 and earlier`, `prior to 1.6`, `all`.
///
/// A second bound must close the first from above. `<= U61 |<= L81` and `A10 < A11` are not read: what they mean can only
/// be guessed.
#[must_use]
pub fn read_range(text: &str) -> Versions {
    let unread = || Versions::Unread(crate::read::clip(text, 200));
    let lower = text.trim().to_lowercase();
    if matches!(lower.as_str(), "*" | "all" | "all versions" | "vers:all/*") {
        return Versions::All;
    }
    if lower.starts_with("vers:") {
        return vers::read(text).map_or_else(|_| unread(), Versions::In);
    }
    words(text.trim())
        .or_else(|| signs(text))
        .map_or_else(unread, |interval| Versions::In(Range::one(interval)))
}

/// `3.0 and earlier`, `prior to 1.6`.
fn words(text: &str) -> Option<Interval> {
    let lower = text.to_lowercase();
    let bound = |version: &str, inclusive| {
        is_version(version).then(|| Interval {
            lower: None,
            upper: Some(Bound {
                version: version.to_owned(),
                inclusive,
            }),
        })
    };
    // Lower case changes no length here: only ASCII versions are taken.
    let rest = |prefix: &str| {
        lower
            .strip_prefix(prefix)
            .and_then(|rest| text.get(text.len().checked_sub(rest.len())?..))
    };
    let front = |suffix: &str| {
        lower
            .strip_suffix(suffix)
            .and_then(|front| text.get(..front.len()))
    };
    let exclusive = ["prior to ", "before ", "earlier than "]
        .iter()
        .find_map(|prefix| rest(prefix));
    let inclusive = [
        " and earlier",
        " and prior",
        " and below",
        " or earlier",
        " and lower",
    ]
    .iter()
    .find_map(|suffix| front(suffix));
    exclusive
        .and_then(|version| bound(version.trim(), false))
        .or_else(|| bound(inclusive?.trim(), true))
}

/// `<= 9.33.1`, `>= 1.1 | <= 1.3.2`, `>=1.1, <2`.
fn signs(text: &str) -> Option<Interval> {
    let text = text.replace('≤', "<=").replace('≥', ">=");
    let mut interval = Interval::default();
    for part in text.split(['|', ',']) {
        let part = part.trim();
        let (is_upper, rest) = match part.split_at_checked(1)? {
            ("<", rest) => (true, rest),
            (">", rest) => (false, rest),
            _ => return None,
        };
        let (inclusive, version) = rest.strip_prefix('=').map_or((false, rest), |rest| (true, rest));
        let version = version.trim();
        let slot = if is_upper {
            &mut interval.upper
        } else {
            &mut interval.lower
        };
        (slot.is_none() && is_version(version)).then_some(())?;
        *slot = Some(Bound {
            version: version.to_owned(),
            inclusive,
        });
    }
    let ordered = match (&interval.lower, &interval.upper) {
        (Some(lower), Some(upper)) => {
            matches!(
                compare(&lower.version, &upper.version, Hint::Common),
                Ok(Ordering::Less | Ordering::Equal)
            )
        }
        (one, other) => one.is_some() || other.is_some(),
    };
    ordered.then_some(interval)
}

/// One word with a digit in it, and nothing that would be part of a sentence or of another range.
fn is_version(text: &str) -> bool {
    text.len() <= MAX
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+' | b'~' | b':')
        })
}
