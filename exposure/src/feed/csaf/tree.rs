//! The product tree of a CSAF document: branches, single products, relationships and groups, flattened to a condition for each
//! product id.

use std::{cell::RefCell, collections::BTreeMap};

use serde::Deserialize;

use super::{Condition, Pattern};
use crate::{
    feed::{Budget, MAX_PRODUCTS, Role, nvd},
    name::{Cpe, ProductName, Purl, VendorName},
    read::{at_most, clip},
    version::{Versions, read_range},
};

#[derive(Deserialize, Default)]
pub(super) struct RawTree {
    #[serde(default, deserialize_with = "at_most::<MAX_PRODUCTS, _, _>")]
    branches: Vec<Branch>,
    #[serde(default, deserialize_with = "at_most::<MAX_PRODUCTS, _, _>")]
    full_product_names: Vec<Product>,
    #[serde(default, deserialize_with = "at_most::<MAX_PRODUCTS, _, _>")]
    relationships: Vec<Relationship>,
    #[serde(default, deserialize_with = "at_most::<MAX_PRODUCTS, _, _>")]
    product_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Branch {
    category: String,
    name: String,
    #[serde(default)]
    product: Option<Product>,
    #[serde(default, deserialize_with = "at_most::<MAX_PRODUCTS, _, _>")]
    branches: Vec<Branch>,
}

#[derive(Deserialize)]
struct Product {
    #[serde(rename = "product_id")]
    id: String,
    name: String,
    #[serde(default, rename = "product_identification_helper")]
    helper: Option<Helper>,
}

/// Of CSAF's helpers only those that name a product are used; hashes and serial numbers name single files and pumps.
#[derive(Deserialize)]
struct Helper {
    #[serde(default)]
    cpe: Option<String>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default, deserialize_with = "at_most::<1_000, _, _>")]
    model_numbers: Vec<String>,
}

#[derive(Deserialize)]
struct Relationship {
    product_reference: String,
    relates_to_product_reference: String,
    full_product_name: Product,
}

#[derive(Deserialize)]
struct Group {
    group_id: String,
    #[serde(deserialize_with = "at_most::<MAX_PRODUCTS, _, _>")]
    product_ids: Vec<String>,
}

/// Products by their id.
pub(super) struct Products {
    patterns: BTreeMap<String, Pattern>,
    relationships: BTreeMap<String, (String, String)>,
    groups: BTreeMap<String, Vec<String>>,
    budget: RefCell<Budget>,
}

/// Relationships upon relationships, at most.
const MAX_STEPS: usize = 8;

/// What the branches above a product say of it.
#[derive(Clone, Default)]
struct Above {
    vendor: Option<String>,
    name: Option<String>,
    versions: Option<Versions>,
}

impl Products {
    /// Flattens a tree, or says what contradicts itself in it.
    pub(super) fn new(raw: RawTree) -> Result<Self, String> {
        let mut products = Self {
            patterns: BTreeMap::new(),
            relationships: BTreeMap::new(),
            groups: BTreeMap::new(),
            budget: RefCell::new(Budget::new()),
        };
        let mut open: Vec<(Branch, Above)> = raw
            .branches
            .into_iter()
            .map(|branch| (branch, Above::default()))
            .collect();
        while let Some((branch, mut above)) = open.pop() {
            match branch.category.as_str() {
                "vendor" => above.vendor = Some(branch.name),
                "product_name" => above.name = Some(branch.name),
                "product_version" => above.versions = Some(version(&branch.name)),
                "product_version_range" => above.versions = Some(read_range(&branch.name)),
                // Architecture, family, language, patch level: they narrow nothing that a pump reports.
                _ => {}
            }
            if let Some(product) = branch.product {
                products.add(product, &above)?;
            }
            open.extend(branch.branches.into_iter().map(|branch| (branch, above.clone())));
        }
        for product in raw.full_product_names {
            products.add(product, &Above::default())?;
        }
        for relationship in raw.relationships {
            let id = relationship.full_product_name.id;
            products.is_new(&id)?;
            let both = (
                relationship.product_reference,
                relationship.relates_to_product_reference,
            );
            products.relationships.insert(id, both);
        }
        for group in raw.product_groups {
            products.groups.insert(group.group_id, group.product_ids);
        }
        Ok(products)
    }

    fn is_new(&self, id: &str) -> Result<(), String> {
        if self.patterns.contains_key(id) || self.relationships.contains_key(id) {
            return Err(format!("it defines the product `{}` twice", clip(id, 80)));
        }
        Ok(())
    }

    fn add(&mut self, product: Product, above: &Above) -> Result<(), String> {
        self.is_new(&product.id)?;
        let helper = product.helper;
        let cpe: Option<Cpe> = helper
            .as_ref()
            .and_then(|helper| helper.cpe.as_deref()?.parse().ok());
        let purl: Option<Purl> = helper
            .as_ref()
            .and_then(|helper| helper.purl.as_deref()?.parse().ok());
        let mut pattern = match &cpe {
            Some(cpe) => nvd::cpe_pattern(cpe, Role::Subject, nvd::cpe_versions(&cpe.version)),
            None => Pattern {
                said: String::new(),
                role: Role::Subject,
                part: None,
                vendor: VendorName::default(),
                names: Vec::new(),
                purl: None,
                versions: Versions::Unsaid,
                only: Vec::new(),
                vague: false,
            },
        };
        if let Some(vendor) = &above.vendor {
            pattern.vendor = VendorName::new(vendor);
        }
        let models = helper
            .iter()
            .flat_map(|helper| helper.model_numbers.iter().map(String::as_str));
        let by_name = above.name.as_deref().unwrap_or(&product.name);
        let names = models
            .chain([by_name])
            .chain(purl.iter().map(|purl| purl.name.as_str()))
            .filter_map(|name| ProductName::new(name, &pattern.vendor));
        pattern.names = pattern.names.iter().cloned().chain(names).collect();
        pattern.names.sort();
        pattern.names.dedup();
        // The branch is more exact than a CPE, whose version is often `*`.
        if let Some(versions) = above.versions.clone().or_else(|| purl_version(purl.as_ref())) {
            pattern.versions = versions;
        }
        pattern.purl = purl;
        pattern.said = clip(&product.name, 300);
        self.patterns.insert(product.id, pattern);
        Ok(())
    }

    /// When a product id is met: its pattern, or both sides of its relationship.
    pub(super) fn condition(&self, id: &str) -> Result<Condition, String> {
        self.resolve(id, MAX_STEPS)
    }

    fn resolve(&self, id: &str, steps: usize) -> Result<Condition, String> {
        if let Some(pattern) = self.patterns.get(id) {
            self.budget.borrow_mut().spend(1)?;
            return Ok(Condition::Product(Box::new(pattern.clone())));
        }
        let Some((part, platform)) = self.relationships.get(id) else {
            return Err(format!(
                "it names the product `{}` and does not define it",
                clip(id, 80)
            ));
        };
        let Some(steps) = steps.checked_sub(1) else {
            return Err(format!(
                "the relationships of product `{}` go round in a circle",
                clip(id, 80)
            ));
        };
        let mut platform = self.resolve(platform, steps)?;
        surround(&mut platform);
        Ok(Condition::All(vec![self.resolve(part, steps)?, platform]))
    }

    /// Product ids and those of the groups, each of them defined.
    pub(super) fn all(&self, mut ids: Vec<String>, groups: &[String]) -> Result<Vec<String>, String> {
        for group in groups {
            let Some(members) = self.groups.get(group) else {
                return Err(format!(
                    "it names the group `{}` and does not define it",
                    clip(group, 80)
                ));
            };
            self.budget.borrow_mut().spend(members.len())?;
            ids.extend(members.iter().cloned());
        }
        for id in &ids {
            if !self.patterns.contains_key(id) && !self.relationships.contains_key(id) {
                return Err(format!(
                    "it names the product `{}` and does not define it",
                    clip(id, 80)
                ));
            }
        }
        Ok(ids)
    }
}

/// What a part is installed on is not what is vulnerable.
fn surround(condition: &mut Condition) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter_mut().for_each(surround),
        Condition::Not(part) => surround(part),
        Condition::Product(pattern) => pattern.role = Role::Surroundings,
    }
}

/// The name of a version branch: one version, except where publishers put a range or *all* there.
fn version(name: &str) -> Versions {
    match read_range(name) {
        Versions::Unread(_) if name.trim().starts_with("vers:") || name.contains(['<', '>', '|', '*']) => {
            Versions::Unread(clip(name, 200))
        }
        Versions::Unread(_) if name.trim().is_empty() => Versions::Unsaid,
        Versions::Unread(_) => Versions::Exactly(clip(name.trim(), 200)),
        read => read,
    }
}

fn purl_version(purl: Option<&Purl>) -> Option<Versions> {
    purl.and_then(|purl| purl.version.clone()).map(Versions::Exactly)
}
