//! *Which pumps contain log4net below 2.0.10?* A question to component lists.

use std::str::FromStr;

use thiserror::Error;

use super::{Component, ComponentList};
use crate::{
    name::{Alike, ProductName, VendorName},
    version::{Versions, Within, read_range},
};

/// A component's name, and versions of it: `log4net`, `log4net <2.0.10`, `jQuery >=1.0, <3.5`, `openssl 1.0.2k`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    name: ProductName,
    versions: Versions,
}

/// Not a question to component lists.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` can not be looked for: {why}; write it like `log4net <2.0.10`")]
pub struct QueryError {
    given: String,
    why: &'static str,
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why| QueryError {
            given: crate::read::clip(text, 120),
            why,
        };
        let text = text.trim();
        let at = text.find(['<', '>', '=', '≤', '≥']).or_else(|| {
            // A last word with a digit in front is one version.
            text.rfind(' ').filter(|at| {
                text.get(at + 1..)
                    .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            })
        });
        let (name, range) = at.and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
        let name = ProductName::new(name, &VendorName::default()).ok_or_else(|| error("it has no name"))?;
        let range = range.trim();
        let versions = match range.strip_prefix('=').unwrap_or(range).trim() {
            "" if range.is_empty() => Versions::All,
            version if version.starts_with(|c: char| c.is_ascii_alphanumeric()) => {
                Versions::Exactly(version.to_owned())
            }
            _ => read_range(range),
        };
        if matches!(versions, Versions::Unread(_)) {
            return Err(error("its range can not be read"));
        }
        Ok(Self { name, versions })
    }
}

impl Query {
    /// Whether a component is meant: `Perhaps` when it has no version, or one that can not be compared.
    #[must_use]
    pub fn meets(&self, component: &Component) -> Alike {
        let spelt = [
            Some(component.name.as_str()),
            component.cpe.as_ref().and_then(|cpe| cpe.product.text()),
            component.purl.as_ref().map(|purl| purl.name.as_str()),
        ];
        let nobody = VendorName::default();
        let is_named = spelt
            .into_iter()
            .flatten()
            .filter_map(|name| ProductName::new(name, &nobody))
            .any(|name| name == self.name);
        if !is_named {
            return Alike::No;
        }
        let exactly;
        let range = match &self.versions {
            Versions::In(range) => range,
            Versions::Exactly(version) => {
                exactly = crate::version::Range::one(crate::version::Interval::only(version));
                &exactly
            }
            Versions::All | Versions::NotApplicable | Versions::Unsaid | Versions::Unread(_) => {
                return Alike::Yes;
            }
        };
        let versions = component.versions();
        let places: Vec<Option<Within>> = versions.iter().map(|version| range.place(version).ok()).collect();
        match places.as_slice() {
            [] => Alike::Perhaps,
            places if places.iter().all(|place| *place == Some(Within::Inside)) => Alike::Yes,
            places if places.iter().all(|place| *place == Some(Within::Outside)) => Alike::No,
            _ => Alike::Perhaps,
        }
    }

    /// The components of a list that are meant or may be, with which of both.
    pub fn search<'a>(&self, list: &'a ComponentList) -> impl Iterator<Item = (&'a Component, Alike)> {
        list.components
            .iter()
            .map(|component| (component, self.meets(component)))
            .filter(|(_, alike)| *alike != Alike::No)
    }
}
