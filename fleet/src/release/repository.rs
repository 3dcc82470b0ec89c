//! The name of a manufacturer's TUF repository here: a segment of the path from which pumps fetch.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// Lower-case letters, digits and single hyphens between them, such as `acme-medical`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 40))]
pub struct RepositoryName(
    #[cfg_attr(
        feature = "json-schema",
        schemars(length(min = 1, max = 40), regex(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"))
    )]
    String,
);

/// Not the name of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not the name of a repository: use lower-case letters and digits with single hyphens between them, {max} characters in all", max = RepositoryName::MAX)]
pub struct RepositoryNameError;

impl RepositoryName {
    /// The most characters.
    pub const MAX: usize = 40;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepositoryName {
    type Err = RepositoryNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.len() <= Self::MAX && text.split('-').all(is_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RepositoryNameError)
        }
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RepositoryName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        let check = |text: &str, good| assert_eq!(text.parse::<RepositoryName>().is_ok(), good, "{text}");
        check("acme-medical", true);
        check("acme7", true);
        check(&"a".repeat(40), true);
        check(&"a".repeat(41), false);
        for bad in [
            "", "-", "a-", "-a", "a--b", "Acme", "a/b", "..", "a b", "a%2f", "ä",
        ] {
            check(bad, false);
        }
    }
}
