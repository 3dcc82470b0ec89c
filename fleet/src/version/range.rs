//! From one version to another: what a release can be installed over, which drug libraries fit.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{VersionError, VersionScheme};
use crate::text::ComponentVersion;

/// A range of versions. Bounds that are not given are open; `exactly` stands alone and is the only one for a scheme without
/// an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct VersionRange {
    /// One of these texts, to the letter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = 64)))]
    pub exactly: Vec<ComponentVersion>,
    /// This version or a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<ComponentVersion>,
    /// A later version than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<ComponentVersion>,
    /// This version or an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<ComponentVersion>,
    /// An earlier version than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<ComponentVersion>,
}

/// How a version inside a bound compares with it.
type Holds = fn(Ordering) -> bool;

/// A range that says nothing, or two things at once.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RangeProblem {
    /// More texts than anybody needs.
    #[error("`exactly` lists {given} versions; at most {max} are kept")]
    TooMany { given: usize, max: usize },
    /// `exactly` and a bound.
    #[error("`exactly` stands beside a bound; give one or the other")]
    ExactAndBounds,
    /// `at_least` and `above`, or `at_most` and `below`.
    #[error("`{0}` and `{1}` are both given; give one")]
    TwoBounds(&'static str, &'static str),
    /// A bound that does not compare.
    #[error("`{bound}`: {error}")]
    Bound {
        bound: &'static str,
        error: VersionError,
    },
    /// No version can be inside.
    #[error("no version is in the range {0}; the lower bound lies above the upper one")]
    Empty(VersionRange),
}

impl VersionRange {
    /// The most versions that `exactly` may list.
    pub const EXACTLY_MAX: usize = 64;

    /// Every version, even one that does not compare.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Whether it has no bound.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self == &Self::default()
    }

    /// The bounds that are given: name, version, and how a version inside compares with it.
    fn bounds(&self) -> impl Iterator<Item = (&'static str, &ComponentVersion, Holds)> {
        let bounds: [(_, _, Holds); 4] = [
            ("at_least", &self.at_least, Ordering::is_ge),
            ("above", &self.above, Ordering::is_gt),
            ("at_most", &self.at_most, Ordering::is_le),
            ("below", &self.below, Ordering::is_lt),
        ];
        bounds
            .into_iter()
            .filter_map(|(name, bound, holds)| Some((name, bound.as_ref()?, holds)))
    }

    /// Whether a version is inside.
    ///
    /// # Errors
    /// [`VersionError`] when the version or a bound does not compare; then nobody knows.
    pub fn contains(&self, scheme: VersionScheme, version: &ComponentVersion) -> Result<bool, VersionError> {
        if !self.exactly.is_empty() {
            return Ok(self.exactly.contains(version));
        }
        if self.is_any() {
            return Ok(true);
        }
        let mut inside = true;
        for (_, bound, holds) in self.bounds() {
            inside &= holds(scheme.compare(version, bound)?);
        }
        Ok(inside)
    }

    /// What is wrong with the range itself, under a scheme.
    ///
    /// # Errors
    /// The first [`RangeProblem`].
    pub fn check(&self, scheme: VersionScheme) -> Result<(), RangeProblem> {
        if self.exactly.len() > Self::EXACTLY_MAX {
            return Err(RangeProblem::TooMany {
                given: self.exactly.len(),
                max: Self::EXACTLY_MAX,
            });
        }
        if !self.exactly.is_empty() && self.bounds().next().is_some() {
            return Err(RangeProblem::ExactAndBounds);
        }
        for (bound, version, _) in self.bounds() {
            scheme
                .read(version)
                .map_err(|error| RangeProblem::Bound { bound, error })?;
        }
        if self.at_least.is_some() && self.above.is_some() {
            return Err(RangeProblem::TwoBounds("at_least", "above"));
        }
        if self.at_most.is_some() && self.below.is_some() {
            return Err(RangeProblem::TwoBounds("at_most", "below"));
        }
        let low = self.at_least.as_ref().or(self.above.as_ref());
        let high = self.at_most.as_ref().or(self.below.as_ref());
        let closed = self.above.is_none() && self.below.is_none();
        let empty = match (low, high) {
            (Some(low), Some(high)) => scheme
                .compare(low, high)
                .is_ok_and(|order| order.is_gt() || (order.is_eq() && !closed)),
            _ => false,
        };
        if empty {
            return Err(RangeProblem::Empty(self.clone()));
        }
        Ok(())
    }
}

impl fmt::Display for VersionRange {
    /// As a person reads it: `8.0 or later and before 9.3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.exactly.is_empty() {
            let exactly: Vec<_> = self.exactly.iter().map(ComponentVersion::as_str).collect();
            return f.write_str(&exactly.join(" or "));
        }
        let words = [
            self.at_least.as_ref().map(|v| format!("{v} or later")),
            self.above.as_ref().map(|v| format!("after {v}")),
            self.at_most.as_ref().map(|v| format!("up to {v}")),
            self.below.as_ref().map(|v| format!("before {v}")),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        if words.is_empty() {
            f.write_str("any version")
        } else {
            f.write_str(&words.join(" and "))
        }
    }
}
