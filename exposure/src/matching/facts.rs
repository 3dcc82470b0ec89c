//! What a pump is made of, in the words that statements are compared with.

use std::{collections::HashMap, fmt, hash::Hash, sync::Arc};

use crate::{
    name::{Cpe, ProductName, Purl, VendorName},
    sbom::{Component, ComponentKind, ComponentList},
};

/// A thing in a pump: the pump itself, a part of it, or a component of its lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// What people call it, with its version.
    pub label: String,
    /// Where it is listed, when it comes from a component list.
    pub place: Option<String>,
    pub kind: ComponentKind,
    /// Names of its vendor, as several sources spell it.
    pub vendors: Vec<VendorName>,
    /// Names of the product, of which any may be met.
    pub names: Vec<ProductName>,
    /// Versions that are given for it; more than one when sources disagree.
    pub versions: Vec<String>,
    pub purl: Option<Purl>,
    pub cpe: Option<Cpe>,
}

/// Everything in one pump. Equal for pumps that are made of the same things.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Facts {
    items: Vec<Arc<Item>>,
}

impl Item {
    /// A pump or a part of it: its maker, the names of its model (its own first, then those that advisories use) and the
    /// version that it runs.
    #[must_use]
    pub fn device(maker: &str, names: &[&str], version: Option<&str>) -> Self {
        let vendor = VendorName::new(maker);
        let name = names.first().copied().unwrap_or_default();
        Self {
            label: label(name, version),
            place: None,
            kind: ComponentKind::Device,
            names: folded(names.iter().copied(), &vendor),
            vendors: vec![vendor],
            versions: version.map(str::to_owned).into_iter().collect(),
            purl: None,
            cpe: None,
        }
    }

    /// A component of a list.
    #[must_use]
    pub fn component(component: &Component) -> Self {
        let (cpe, purl) = (component.cpe.clone(), component.purl.clone());
        let spelt = [
            component.supplier.as_deref(),
            cpe.as_ref().and_then(|cpe| cpe.vendor.text()),
            purl.as_ref().and_then(|purl| purl.namespace.as_deref()),
        ];
        let mut vendors: Vec<VendorName> = spelt.into_iter().flatten().map(VendorName::new).collect();
        vendors.retain(|vendor| !vendor.is_unknown());
        vendors.sort();
        vendors.dedup();
        let spelt = [
            Some(component.name.as_str()),
            cpe.as_ref().and_then(|cpe| cpe.product.text()),
            purl.as_ref().map(|purl| purl.name.as_str()),
        ];
        let every_vendor = VendorName::default();
        let known = vendors.iter().chain([&every_vendor]);
        let mut names: Vec<ProductName> = known
            .flat_map(|vendor| folded(spelt.into_iter().flatten(), vendor))
            .collect();
        names.sort();
        names.dedup();
        Self {
            label: component.to_string(),
            place: Some(component.place.clone()),
            kind: component.kind,
            vendors,
            names,
            versions: component.versions().into_iter().map(str::to_owned).collect(),
            purl,
            cpe,
        }
    }

    /// The version, in words.
    #[must_use]
    pub fn version_words(&self) -> String {
        if self.versions.is_empty() {
            "no version".to_owned()
        } else {
            self.versions.join(" or ")
        }
    }
}

fn label(name: &str, version: Option<&str>) -> String {
    match version {
        Some(version) => format!("{name} {version}"),
        None => format!("{name} (no version)"),
    }
}

fn folded<'a>(names: impl Iterator<Item = &'a str>, vendor: &VendorName) -> Vec<ProductName> {
    names.filter_map(|name| ProductName::new(name, vendor)).collect()
}

impl Facts {
    /// Facts from things in any order; doubled ones count once.
    #[must_use]
    pub fn new(items: impl IntoIterator<Item = Arc<Item>>) -> Self {
        let mut items: Vec<Arc<Item>> = items.into_iter().collect();
        items.sort();
        items.dedup();
        Self { items }
    }

    /// The things of a component list, made once and shared by every pump that it holds for.
    #[must_use]
    pub fn list(list: &ComponentList) -> Vec<Arc<Item>> {
        list.components
            .iter()
            .map(|component| Arc::new(Item::component(component)))
            .collect()
    }

    /// The things.
    #[must_use]
    pub fn items(&self) -> &[Arc<Item>] {
        &self.items
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

/// Puts together what has equal facts, in the order in which the facts first came.
#[must_use]
pub fn group<T>(pumps: impl IntoIterator<Item = (T, Facts)>) -> Vec<(Facts, Vec<T>)> {
    let mut places: HashMap<Facts, usize> = HashMap::new();
    let mut groups: Vec<(Facts, Vec<T>)> = Vec::new();
    for (pump, facts) in pumps {
        let place = *places.entry(facts).or_insert_with_key(|facts| {
            groups.push((facts.clone(), Vec::new()));
            groups.len() - 1
        });
        if let Some((_, members)) = groups.get_mut(place) {
            members.push(pump);
        }
    }
    groups
}
