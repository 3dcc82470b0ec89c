//! Versions: makers write them in many ways, and each way has one order of its own.
//!
//! Whether a pump may take a release, and whether an advisory touches it, hangs on "is this older than that". A wrong answer
//! is worse than none: text order puts 1.10 before 1.9. So a component's maker says by which [`VersionScheme`] its versions
//! compare, a version that does not fit its scheme compares with nothing, and what does not compare goes to a person.
//!
//! | scheme | looks like | order |
//! |---|---|---|
//! | `semver` | `9.4.0-rc.1+b7` | Semantic Versioning 2.0.0, section 11; build metadata is not looked at |
//! | `dotted` | `1.10`, `v9.02.01` | number by number; `1` = `1.0` = `1.00` |
//! | `dotted_suffix` | `v9a`, `8.00.02c` | as `dotted`, then no letters before `a` before `z` before `aa` |
//! | `date` | `2026-03-01`, `20260301.2`, `2026.03` | by the calendar, then by build number |
//! | `debian` | `1:4.2~rc1-3` | Debian Policy 5.6.12: epoch, upstream, revision; `~` sorts before the end |
//! | `unknown` | anything | none |

mod debian;
mod key;
mod range;

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::ComponentVersion;
use key::Key;
pub use range::{RangeProblem, VersionRange};

macro_rules! schemes {
    ($($(#[$meta:meta])* $name:ident = $word:literal, $form:literal;)+) => {
        /// How the versions of a component compare.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        #[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum VersionScheme {
            $($(#[$meta])* #[serde(rename = $word)] $name,)+
        }

        impl VersionScheme {
            /// Every scheme.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word in a manifest and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// What a version looks like, for a person whose version was refused.
            #[must_use]
            pub const fn form(self) -> &'static str {
                match self { $(Self::$name => $form,)+ }
            }
        }
    };
}

schemes! {
    /// Semantic Versioning 2.0.0.
    SemVer = "semver", "three numbers as in 9.4.0, perhaps with -rc.1";
    /// Numbers between dots.
    Dotted = "dotted", "numbers between dots as in 9.02.01";
    /// Numbers between dots, then letters.
    DottedSuffix = "dotted_suffix", "numbers between dots, perhaps with letters at the end, as in 8.00.02c";
    /// A day or a month, perhaps with a build number.
    Date = "date", "a date as in 2026-03-01, perhaps with a build number as in 2026-03-01.2";
    /// As Debian packages are numbered.
    Debian = "debian", "a Debian version as in 1:4.2~rc1-3";
    /// Nobody told us: nothing compares.
    #[default]
    Unknown = "unknown", "any text; it compares with nothing";
}

impl VersionScheme {
    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.as_str() == word)
    }

    /// Reads a version by this scheme.
    ///
    /// # Errors
    /// [`VersionError`] when it is not of the scheme, or the scheme has no order.
    pub fn read(self, text: &ComponentVersion) -> Result<OrderedVersion, VersionError> {
        let key = match self {
            Self::SemVer => key::semver(text.as_str()),
            Self::Dotted => key::dotted(text.as_str()),
            Self::DottedSuffix => key::dotted_suffix(text.as_str()),
            Self::Date => key::date(text.as_str()),
            Self::Debian => debian::read(text.as_str()),
            Self::Unknown => {
                return Err(VersionError::NoOrder {
                    version: text.clone(),
                });
            }
        };
        let key = key.ok_or_else(|| VersionError::NotOfScheme {
            version: text.clone(),
            scheme: self,
        })?;
        Ok(OrderedVersion {
            text: text.clone(),
            scheme: self,
            key,
        })
    }

    /// Compares two versions of one component.
    ///
    /// # Errors
    /// [`VersionError`] for the first that can not be read by the scheme.
    pub fn compare(self, a: &ComponentVersion, b: &ComponentVersion) -> Result<Ordering, VersionError> {
        Ok(self.read(a)?.key.cmp(&self.read(b)?.key))
    }
}

impl fmt::Display for VersionScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A version does not compare: a person has to look.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VersionError {
    /// The maker's scheme, and not a version of it.
    #[error("version `{version}` does not compare: by the scheme `{scheme}` it would be {}", .scheme.form())]
    NotOfScheme {
        version: ComponentVersion,
        scheme: VersionScheme,
    },
    /// Nobody told us how versions of this component compare.
    #[error("version `{version}` does not compare: how this component's versions are ordered is not known")]
    NoOrder { version: ComponentVersion },
}

/// A version that was read by its scheme. Within a scheme the order is total; across schemes there is none.
///
/// Two versions that are written differently can be equal (`1.0` and `1.00`): equality is that of the order.
#[derive(Debug, Clone)]
pub struct OrderedVersion {
    text: ComponentVersion,
    scheme: VersionScheme,
    key: Key,
}

impl OrderedVersion {
    /// As it was written.
    #[must_use]
    pub const fn text(&self) -> &ComponentVersion {
        &self.text
    }

    /// By which scheme it was read.
    #[must_use]
    pub const fn scheme(&self) -> VersionScheme {
        self.scheme
    }
}

impl PartialEq for OrderedVersion {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for OrderedVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.scheme == other.scheme).then(|| self.key.cmp(&other.key))
    }
}

impl fmt::Display for OrderedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

#[cfg(test)]
mod tests;
