//! What differs between two component lists, by package and not by place in the file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Component, ComponentList};

/// How a component changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Added {
        versions: Vec<String>,
    },
    Removed {
        versions: Vec<String>,
    },
    /// The versions that only the old and only the new list have; `no version` where there is none.
    Changed {
        from: Vec<String>,
        to: Vec<String>,
    },
}

/// A component that is not the same in both lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub name: String,
    pub supplier: Option<String>,
    pub change: Change,
}

/// What differs, sorted by name. A component may be there in several versions at once: sets of versions are compared.
#[must_use]
pub fn difference(old: &ComponentList, new: &ComponentList) -> Vec<Difference> {
    let (old, new) = (by_package(old), by_package(new));
    let keys: BTreeSet<&Key> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter_map(|key| {
            let (before, after) = (old.get(key), new.get(key));
            let (component, _) = after.or(before)?;
            let change = match (before, after) {
                (Some((_, before)), Some((_, after))) if before == after => return None,
                (Some((_, before)), Some((_, after))) => Change::Changed {
                    from: before.difference(after).cloned().collect(),
                    to: after.difference(before).cloned().collect(),
                },
                (None, Some((_, versions))) => Change::Added {
                    versions: versions.iter().cloned().collect(),
                },
                (Some((_, versions)), None) => Change::Removed {
                    versions: versions.iter().cloned().collect(),
                },
                (None, None) => return None,
            };
            Some(Difference {
                name: component.name.clone(),
                supplier: component.supplier.clone(),
                change,
            })
        })
        .collect()
}

/// The name in lower case, and the purl without its version: suppliers are spelt too differently to tell packages apart.
type Key = (String, String);

fn by_package(list: &ComponentList) -> BTreeMap<Key, (&Component, BTreeSet<String>)> {
    let mut packages: BTreeMap<Key, (&Component, BTreeSet<String>)> = BTreeMap::new();
    for component in &list.components {
        let package = component.purl.as_ref().map_or(String::new(), |purl| {
            format!(
                "{}/{}/{}",
                purl.kind,
                purl.namespace.as_deref().unwrap_or_default(),
                purl.name
            )
            .to_lowercase()
        });
        let version = component
            .versions()
            .first()
            .map_or("no version", |version| version)
            .to_owned();
        let entry = packages
            .entry((component.name.to_lowercase(), package))
            .or_insert((component, BTreeSet::new()));
        entry.1.insert(version);
    }
    packages
}
