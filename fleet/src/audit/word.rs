//! The words of the record: what was done, to what kind of thing.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A word such as `pump_hold`: lower-case letters, digits, `_` and `.`, at most 64. Which words there are is decided where
/// things are done, so that a record of tomorrow can be verified by the gateway of today.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 64))]
pub struct Word(Cow<'static, str>);

/// Not a word of the record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` is not a word of the record; use 1 to 64 lower-case letters, digits, `_` and `.`")]
pub struct WordError {
    given: String,
}

impl Word {
    /// The most characters.
    pub const MAX: usize = 64;

    /// A word in code. What is not a word becomes `unnamed`, which a test of the record will show.
    #[must_use]
    pub const fn literal(word: &'static str) -> Self {
        if is_word(word) {
            Self(Cow::Borrowed(word))
        } else {
            Self(Cow::Borrowed("unnamed"))
        }
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_word(text: &str) -> bool {
    let mut rest = text.as_bytes();
    if rest.is_empty() || rest.len() > Word::MAX {
        return false;
    }
    while let [first, others @ ..] = rest {
        if !matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.') {
            return false;
        }
        rest = others;
    }
    true
}

impl FromStr for Word {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_word(text) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(WordError {
                given: text.chars().take(80).collect(),
            })
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_plain() {
        const HOLD: Word = Word::literal("pump_hold");
        assert_eq!("pump_hold".parse(), Ok(HOLD));
        for bad in ["", "Pump", "pump hold", "pump\n", "ü", &"a".repeat(65)] {
            assert!(bad.parse::<Word>().is_err(), "{bad}");
        }
        assert_eq!(Word::literal("Pump hold").as_str(), "unnamed");
    }
}
