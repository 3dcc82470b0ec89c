//! Component lists (SBOMs): what a release, a part or a pump is made of.
//!
//! `CycloneDX` 1.4 to 1.7 and SPDX 2.2 and 2.3, both in JSON, become one [`ComponentList`]. A component without a version is
//! kept as one: that is a finding and not a defect of the reader.

mod cyclonedx;
mod diff;
mod query;
mod spdx;

use std::{fmt, io::Read};

use serde::{Deserialize, Serialize};

pub use diff::{Change, Difference, difference};
pub use query::{Query, QueryError};

use crate::{
    Timestamp,
    name::{Cpe, Purl},
    read::{self, Fault, Limits, Refused, at_most, clip},
};

/// The form a list came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    CycloneDx,
    Spdx,
}

/// What kind of thing a component is, as far as it matters to matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentKind {
    /// A piece of hardware with whatever runs in it.
    Device,
    Firmware,
    OperatingSystem,
    /// A library, a framework, an application, a file.
    Software,
}

/// A component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    pub kind: ComponentKind,
    pub name: String,
    pub version: Option<String>,
    /// Who supplies it: supplier, publisher, manufacturer or group, whichever is there first.
    pub supplier: Option<String>,
    pub purl: Option<Purl>,
    pub cpe: Option<Cpe>,
    /// Algorithm and digits, as given.
    pub hashes: Vec<Hash>,
    /// Where it stands in the document: `components[3].components[0]`.
    pub place: String,
    /// The place of the component that holds it in [`ComponentList::components`].
    pub within: Option<usize>,
    /// An identifier that was given and can not be read, with the reason.
    pub unread: Vec<String>,
}

/// A component's hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash {
    pub algorithm: String,
    pub digits: String,
}

/// What something is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentList {
    pub format: Format,
    /// The version of the format: `1.4`, `2.3`.
    pub format_version: String,
    /// What the list is of, in its own words.
    pub subject: Option<String>,
    pub made_at: Option<Timestamp>,
    pub components: Vec<Component>,
}

/// Why a component can not be compared with what is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// It has no version.
    NoVersion,
    /// It has neither a CPE nor a purl nor a supplier: its name alone may mean anything.
    NameOnly,
    /// An identifier can not be read.
    UnreadIdentifier,
    /// Its version and the one within its CPE or purl differ.
    TwoVersions,
}

/// The most components in one list.
pub const MAX: usize = 100_000;

/// The fields of both formats that say what a document is. The rest is read by the format's own part.
#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    #[serde(rename = "specVersion")]
    spec_version: Option<String>,
    metadata: Option<cyclonedx::Metadata>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    components: Vec<cyclonedx::Raw>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<String>,
    name: Option<String>,
    #[serde(rename = "creationInfo")]
    creation_info: Option<spdx::CreationInfo>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    packages: Vec<spdx::Package>,
    #[serde(default, deserialize_with = "at_most::<1_000_000, _, _>")]
    relationships: Vec<spdx::Relationship>,
}

/// Reads a component list in either format.
///
/// # Errors
/// [`Refused`] names the file, the place in it and what is wrong.
pub fn read(name: &str, reader: impl Read, limits: Limits) -> Result<ComponentList, Refused> {
    let refuse = |fault| Refused::new(name, "a component list", fault);
    let raw: Raw = read::json(reader, limits, std::marker::PhantomData).map_err(refuse)?;
    let list = match (&raw.bom_format, &raw.spdx_version) {
        (Some(format), None) if format == "CycloneDX" => cyclonedx::list(raw),
        (None, Some(_)) => spdx::list(raw),
        (None, None) => Err(Fault::Unsupported {
            what: "its format",
            found: "neither CycloneDX (`bomFormat`) nor SPDX (`spdxVersion`)".to_owned(),
            supported: "CycloneDX 1.4 to 1.7 and SPDX 2.2 and 2.3 in JSON",
        }),
        (format, _) => Err(Fault::Unsupported {
            what: "`bomFormat`",
            found: clip(format.as_deref().unwrap_or_default(), 40),
            supported: "CycloneDX without `spdxVersion`",
        }),
    };
    list.map_err(refuse)
}

impl Component {
    fn new(kind: ComponentKind, name: &str, place: String, within: Option<usize>) -> Self {
        Self {
            kind,
            name: clip(name.trim(), 300),
            version: None,
            supplier: None,
            purl: None,
            cpe: None,
            hashes: Vec::new(),
            place,
            within,
            unread: Vec::new(),
        }
    }

    fn set_cpe(&mut self, text: &str) {
        match text.parse() {
            Ok(cpe) => self.cpe = Some(cpe),
            Err(error) => self.unread.push(error.to_string()),
        }
    }

    fn set_purl(&mut self, text: &str) {
        match text.parse() {
            Ok(purl) => self.purl = Some(purl),
            Err(error) => self.unread.push(error.to_string()),
        }
    }

    /// Every version that is given for it, the component's own first.
    #[must_use]
    pub fn versions(&self) -> Vec<&str> {
        let from_cpe = self.cpe.as_ref().and_then(|cpe| cpe.version.text());
        let from_purl = self.purl.as_ref().and_then(|purl| purl.version.as_deref());
        let mut versions: Vec<&str> = Vec::new();
        for version in [self.version.as_deref(), from_purl, from_cpe]
            .into_iter()
            .flatten()
        {
            let known = |other: &&str| {
                crate::version::compare(version, other, crate::version::Hint::Common)
                    == Ok(std::cmp::Ordering::Equal)
            };
            if !versions.iter().any(known) {
                versions.push(version);
            }
        }
        versions
    }

    /// What keeps it from being compared with what is published.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let versions = self.versions();
        let name_only = self.cpe.is_none() && self.purl.is_none() && self.supplier.is_none();
        [
            (versions.is_empty(), Gap::NoVersion),
            (name_only, Gap::NameOnly),
            (!self.unread.is_empty(), Gap::UnreadIdentifier),
            (versions.len() > 1, Gap::TwoVersions),
        ]
        .into_iter()
        .filter_map(|(is_there, gap)| is_there.then_some(gap))
        .collect()
    }
}

impl ComponentList {
    /// The components that need a person's eye whatever is published, each with its gaps.
    pub fn gaps(&self) -> impl Iterator<Item = (&Component, Vec<Gap>)> {
        self.components
            .iter()
            .map(|component| (component, component.gaps()))
            .filter(|(_, gaps)| !gaps.is_empty())
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoVersion => "has no version, so no range can be checked",
            Self::NameOnly => "has neither CPE nor purl nor supplier, so its name alone must do",
            Self::UnreadIdentifier => "has an identifier that can not be read",
            Self::TwoVersions => "is given with two different versions",
        })
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{} {version}", self.name),
            None => write!(f, "{} (no version)", self.name),
        }
    }
}

/// A text that says something: not empty, not `NOASSERTION`, not `NONE`.
fn said(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    let is_silent = text.is_empty()
        || matches!(
            text.to_ascii_uppercase().as_str(),
            "NOASSERTION" | "NONE" | "N/A" | "UNKNOWN" | "REDACTED"
        );
    (!is_silent).then(|| clip(text, 200))
}

#[cfg(test)]
mod tests;
