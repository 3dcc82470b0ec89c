//! A file of a release, and the pumps it is for. One release can hold one fix for serial numbers up to 138852 and another
//! from 138853 on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::BroughtComponent;
#[cfg(feature = "json-schema")]
use super::manifest::most;
use crate::{
    pump::PumpFacts,
    text::{HardwareId, Name},
};

/// The path of a file among the TUF targets: names between slashes, nothing that leads out of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 200))]
pub struct TargetPath(
    #[cfg_attr(
        feature = "json-schema",
        schemars(
            length(min = 1, max = 200),
            regex(pattern = r"^[A-Za-z0-9_+~-][A-Za-z0-9._+~-]*(/[A-Za-z0-9_+~-][A-Za-z0-9._+~-]*)*$")
        )
    )]
    String,
);

/// Not the path of a target.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not the path of a target: use names of letters, digits, `.` `_` `-` `+` `~` between single slashes, none beginning with a dot, {max} characters in all", max = TargetPath::MAX)]
pub struct TargetPathError;

impl TargetPath {
    /// The most characters.
    pub const MAX: usize = 200;

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory it is in; nothing at the top.
    #[must_use]
    pub fn directory(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(directory, _)| directory)
    }
}

impl FromStr for TargetPath {
    type Err = TargetPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._+~-".contains(&b))
        };
        if text.len() <= Self::MAX && text.split('/').all(is_name) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TargetPathError)
        }
    }
}

impl fmt::Display for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TargetPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A file of a release, with the pumps it is for. A rule that is not given fits every pump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// Which file. Its length and hash are in the TUF metadata, and only there.
    pub path: TargetPath,
    /// Serial numbers, by the last run of digits in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serials: Option<SerialRange>,
    /// Hardware revisions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = most::HARDWARE)))]
    pub hardware: Vec<HardwareId>,
    /// Modules; one of them is attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = most::MODULES)))]
    pub modules: Vec<Name>,
    /// The component versions after this file, where they differ from those of the release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = most::COMPONENTS)))]
    pub brings: Vec<BroughtComponent>,
}

/// Serial numbers from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct SerialRange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

impl SerialRange {
    /// Whether a number is inside.
    #[must_use]
    pub fn contains(self, number: u64) -> bool {
        self.first() <= number && number <= self.last()
    }

    pub(super) fn first(self) -> u64 {
        self.from.unwrap_or(0)
    }

    pub(super) fn last(self) -> u64 {
        self.to.unwrap_or(u64::MAX)
    }
}

impl Target {
    /// Whether it is for a pump. A serial number without a number is in no range.
    #[must_use]
    pub fn fits(&self, pump: &PumpFacts) -> bool {
        let serial = match self.serials {
            None => true,
            Some(range) => pump.serial_number().is_some_and(|number| range.contains(number)),
        };
        let hardware = self.hardware.is_empty()
            || pump
                .hardware_id
                .as_ref()
                .is_some_and(|id| self.hardware.contains(id));
        let module = self.modules.is_empty() || self.modules.iter().any(|name| pump.modules.contains(name));
        serial && hardware && module
    }

    /// Whether some pump could fit both: then nobody could say which it gets.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let serials = match (self.serials, other.serials) {
            (Some(a), Some(b)) => a.first() <= b.last() && b.first() <= a.last(),
            _ => true,
        };
        serials && share(&self.hardware, &other.hardware) && share(&self.modules, &other.modules)
    }
}

/// An empty list is every one there is. Two lists of modules that share none can still meet on one pump: see
/// [`super::NotEligible::SeveralTargets`].
fn share<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    a.is_empty() || b.is_empty() || a.iter().any(|item| b.contains(item))
}
