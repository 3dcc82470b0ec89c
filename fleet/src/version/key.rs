//! What a version is compared by, read from its text. Digits are kept as text: no number of them overflows.

use std::cmp::Ordering;

use chrono::NaiveDate;

use super::debian;

/// A version in comparable form. Keys of one scheme only are ever compared; the order of the variants means nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    SemVer {
        core: Vec<Digits>,
        pre: Pre,
    },
    Dotted(Vec<Digits>),
    DottedSuffix {
        numbers: Vec<Digits>,
        letters: Letters,
    },
    /// A month alone has no day and comes before its days.
    Date {
        year: u32,
        month: u32,
        day: Option<u32>,
        build: Digits,
    },
    Debian {
        epoch: Digits,
        upstream: debian::Part,
        revision: debian::Part,
    },
}

/// A whole number of any length, without leading zeros; nothing is zero.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Digits(String);

impl Digits {
    /// `None` unless there is at least one digit, and nothing but digits.
    pub(super) fn read(text: &str) -> Option<Self> {
        let all_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        all_digits.then(|| Self(text.trim_start_matches('0').to_owned()))
    }

    pub(super) const fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

impl Ord for Digits {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0
            .len()
            .cmp(&other.0.len())
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Digits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What stands after the dash of a semantic version. A pre-release comes before its release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pre {
    Before(Vec<Identifier>),
    Release,
}

/// Numbers come before words (Semantic Versioning 2.0.0, 11.4.3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identifier {
    Number(Digits),
    Word(String),
}

/// Letters behind a number, in lower case: as many letters as there are count first, so that `z` is before `aa`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Letters {
    count: usize,
    text: String,
}

pub(super) fn semver(text: &str) -> Option<Key> {
    let (text, build) = match text.split_once('+') {
        Some((text, build)) => (text, Some(build)),
        None => (text, None),
    };
    if build.is_some_and(|build| !build.split('.').all(is_identifier)) {
        return None;
    }
    let (core, pre) = match text.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (text, None),
    };
    let core: Vec<_> = core.split('.').map(strict_number).collect::<Option<_>>()?;
    if core.len() != 3 {
        return None;
    }
    let pre = match pre {
        None => Pre::Release,
        Some(pre) => Pre::Before(pre.split('.').map(identifier).collect::<Option<_>>()?),
    };
    Some(Key::SemVer { core, pre })
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A number without leading zeros (Semantic Versioning 2.0.0, 2).
fn strict_number(text: &str) -> Option<Digits> {
    let padded = text.len() > 1 && text.starts_with('0');
    if padded { None } else { Digits::read(text) }
}

fn identifier(text: &str) -> Option<Identifier> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        strict_number(text).map(Identifier::Number)
    } else {
        is_identifier(text).then(|| Identifier::Word(text.to_owned()))
    }
}

pub(super) fn dotted(text: &str) -> Option<Key> {
    numbers(without_v(text)).map(Key::Dotted)
}

pub(super) fn dotted_suffix(text: &str) -> Option<Key> {
    let text = without_v(text);
    let bare = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let letters = text.strip_prefix(bare)?;
    Some(Key::DottedSuffix {
        numbers: numbers(bare)?,
        letters: Letters {
            count: letters.len(),
            text: letters.to_ascii_lowercase(),
        },
    })
}

fn without_v(text: &str) -> &str {
    text.strip_prefix(['v', 'V']).unwrap_or(text)
}

/// Trailing zeros say nothing and are dropped.
fn numbers(text: &str) -> Option<Vec<Digits>> {
    let mut numbers: Vec<_> = text.split('.').map(Digits::read).collect::<Option<_>>()?;
    while numbers.last().is_some_and(Digits::is_zero) {
        numbers.pop();
    }
    Some(numbers)
}

/// `YYYYMMDD`, `YYYY-MM-DD` or `YYYY-MM` (dots will do), each but the last perhaps with a build number behind a dot or a dash.
pub(super) fn date(text: &str) -> Option<Key> {
    let mut pieces = text.split(['-', '.']);
    let first = pieces.next()?;
    let (year, month, day) = if first.len() == 8 {
        let (year, rest) = first.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        (number(year, 4)?, number(month, 2)?, Some(number(day, 2)?))
    } else {
        let month = number(pieces.next()?, 2)?;
        let day = pieces.next().map(|day| number(day, 2));
        (number(first, 4)?, month, flip(day)?)
    };
    let exists = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day.unwrap_or(1)).is_some();
    let build = flip(pieces.next().map(Digits::read))?.unwrap_or_default();
    (exists && pieces.next().is_none()).then_some(Key::Date {
        year,
        month,
        day,
        build,
    })
}

fn number(text: &str, digits: usize) -> Option<u32> {
    let fits = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Absent is fine, malformed is not.
#[expect(
    clippy::option_option,
    reason = "the two kinds of nothing are what this tells apart"
)]
fn flip<T>(piece: Option<Option<T>>) -> Option<Option<T>> {
    match piece {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}
