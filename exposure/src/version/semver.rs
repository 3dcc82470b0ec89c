//! Semantic Versioning 2.0.0, section 11.

use std::cmp::Ordering;

use super::dotted::number;

/// A version with its pre-release; what is behind `+` does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Semver {
    core: [u64; 3],
    before: Vec<Identifier>,
}

/// One field of a pre-release: numbers are older than words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

impl Ord for Semver {
    fn cmp(&self, other: &Self) -> Ordering {
        self.core
            .cmp(&other.core)
            .then_with(|| match (self.before.is_empty(), other.before.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => self.before.cmp(&other.before),
            })
    }
}

impl PartialOrd for Semver {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reads `1.2.3`, `1.2.3-rc.1` and `1.2.3+build`.
pub(super) fn parse(text: &str) -> Option<Semver> {
    let rest = text.split('+').next()?;
    let (core, before) = rest
        .split_once('-')
        .map_or((rest, None), |(core, before)| (core, Some(before)));
    let mut numbers = core.split('.').map(number);
    let core = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(())?;
    let before = before.map_or(Some(Vec::new()), |before| {
        before.split('.').map(identifier).collect()
    })?;
    Some(Semver { core, before })
}

/// Whether what is behind the hyphen, if anything is, can only be a pre-release. `1.2.3-4` and `1.2.3-deb9` are made after
/// 1.2.3 by those who count so, and before it by the specification.
pub(super) fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 8] = [
        "alpha", "beta", "rc", "pre", "dev", "snapshot", "nightly", "canary",
    ];
    let before = text
        .split('+')
        .next()
        .unwrap_or_default()
        .split_once('-')
        .map(|(_, before)| before.to_ascii_lowercase());
    before.is_none_or(|before| WORDS.iter().any(|word| before.starts_with(word)))
}

fn identifier(text: &str) -> Option<Identifier> {
    let plain = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain.then(|| number(text).map_or_else(|| Identifier::Word(text.to_owned()), Identifier::Number))
}
