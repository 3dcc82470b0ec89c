//! Version sets: a model with the versions that pumps of it report. Pumps of one set are alike for everything that is published, so
//! what is found is found once for all of them.

use std::collections::{BTreeMap, HashMap};

use fleet::{
    id::{CareAreaId, ModelId, PumpId},
    pump::Component,
    signature::Digest,
    text::Name,
};
use store::{Db, StoreError};

/// Pumps that are made of the same.
#[derive(Debug, Clone)]
pub(crate) struct VersionSet {
    pub(crate) id: Digest,
    pub(crate) model: ModelId,
    pub(crate) model_name: Name,
    pub(crate) maker: Name,
    /// By name.
    pub(crate) components: Vec<Component>,
    /// The pumps that report it now, each with its care area.
    pub(crate) pumps: Vec<(PumpId, Option<CareAreaId>)>,
}

impl VersionSet {
    /// Model and versions, for people.
    pub(crate) fn words(&self) -> String {
        let versions: Vec<_> = self
            .components
            .iter()
            .map(|part| format!("{} {}", part.name, part.version))
            .collect();
        if versions.is_empty() {
            format!("{} {} (reports no versions)", self.maker, self.model_name)
        } else {
            format!("{} {} ({})", self.maker, self.model_name, versions.join(", "))
        }
    }
}

/// Which version set a pump of a model belongs to that reports these components, by name.
pub(crate) fn id(model: ModelId, components: &[Component]) -> Digest {
    // A control character stands in no name and no version.
    let mut text = model.to_string();
    for part in components {
        text.push('\n');
        text.push_str(part.name.as_str());
        text.push('\t');
        text.push_str(part.version.as_str());
    }
    Digest::of(text.as_bytes())
}

/// The version sets of all pumps that are not retired.
pub(crate) fn all(db: &mut Db<'_>) -> Result<Vec<VersionSet>, StoreError> {
    let models: HashMap<_, _> = db
        .model_list()?
        .into_iter()
        .map(|model| (model.id, (model.manufacturer_name, model.name)))
        .collect();
    let mut sets: BTreeMap<Digest, VersionSet> = BTreeMap::new();
    for made in db.pump_made_all()? {
        let Some((maker, name)) = models.get(&made.model) else {
            continue;
        };
        let id = id(made.model, &made.components);
        let set = sets.entry(id).or_insert_with(|| VersionSet {
            id,
            model: made.model,
            model_name: name.clone(),
            maker: maker.clone(),
            components: made.components,
            pumps: Vec::new(),
        });
        set.pumps.push((made.pump, made.care_area));
    }
    Ok(sets.into_values().collect())
}
