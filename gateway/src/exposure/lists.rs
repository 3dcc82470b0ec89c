//! Component lists, and for which version sets each holds.

use std::sync::Arc;

use ::exposure::{
    ComponentList,
    matching::{Facts, Item},
};
use fleet::{
    id::{ModelId, ReleaseId},
    pump::Component,
    release::BroughtComponent,
    text::{ComponentName, ComponentVersion, Name},
};
use store::{ComponentListRecord, Db, StoreError};

use super::{corrupt, set::VersionSet};
use crate::engine::rollout::facts;

/// What a list is of.
#[derive(Debug, Clone)]
pub(crate) enum Carrier {
    /// A release: of every pump that runs all it brings.
    Release {
        maker: Name,
        models: Vec<Name>,
        brings: Vec<BroughtComponent>,
    },
    /// A model, or those of its pumps that have a part, in one version or in any.
    Model {
        model: ModelId,
        part: Option<(ComponentName, Option<ComponentVersion>)>,
    },
}

impl Carrier {
    pub(crate) fn of_release(db: &mut Db<'_>, id: ReleaseId) -> Result<Self, StoreError> {
        let manifest = facts::release(db, id)?.manifest;
        Ok(Self::Release {
            maker: manifest.manufacturer,
            models: manifest.models,
            brings: manifest.brings,
        })
    }

    fn of(db: &mut Db<'_>, record: &ComponentListRecord) -> Result<Option<Self>, StoreError> {
        if let Some(release) = record.release {
            return Self::of_release(db, release).map(Some);
        }
        Ok(record.model.map(|model| Self::Model {
            model,
            part: record
                .component
                .clone()
                .map(|name| (name, record.version.clone())),
        }))
    }

    pub(crate) fn holds_for(&self, set: &VersionSet) -> bool {
        match self {
            Self::Release {
                maker,
                models,
                brings,
            } => {
                let runs = |brought: &BroughtComponent| {
                    let same =
                        |part: &Component| part.name == brought.name && part.version == brought.version;
                    set.components.iter().any(same)
                };
                *maker == set.maker && models.contains(&set.model_name) && brings.iter().all(runs)
            }
            Self::Model { model, part } => {
                let has = |(name, version): &(ComponentName, Option<ComponentVersion>)| {
                    set.components.iter().any(|part| {
                        part.name == *name && version.as_ref().is_none_or(|version| part.version == *version)
                    })
                };
                *model == set.model && part.as_ref().is_none_or(has)
            }
        }
    }
}

/// A list, ready to be asked.
pub(crate) struct Listed {
    pub(crate) record: ComponentListRecord,
    pub(crate) list: ComponentList,
    carrier: Carrier,
    items: Vec<Arc<Item>>,
}

impl Listed {
    pub(crate) fn new(record: ComponentListRecord, list: ComponentList, carrier: Carrier) -> Self {
        Self {
            items: Facts::list(&list),
            record,
            list,
            carrier,
        }
    }

    pub(crate) fn holds_for(&self, set: &VersionSet) -> bool {
        self.carrier.holds_for(set)
    }
}

/// Every component list that is known.
pub(crate) struct Lists(Vec<Listed>);

impl Lists {
    pub(crate) fn read(db: &mut Db<'_>) -> Result<Self, StoreError> {
        let mut records = db.component_lists()?;
        let mut all = Vec::new();
        for document in db.component_list_documents()? {
            let Some(place) = records.iter().position(|record| record.id == document.id) else {
                continue;
            };
            let record = records.swap_remove(place);
            let list = serde_json::from_str(&document.document)
                .map_err(|error| corrupt("read a component list", format!("{}: {error}", record.id)))?;
            if let Some(carrier) = Carrier::of(db, &record)? {
                all.push(Listed::new(record, list, carrier));
            }
        }
        Ok(Self(all))
    }

    /// As if one more had been imported.
    pub(crate) fn with(mut self, new: Listed) -> Self {
        let thing = |record: &ComponentListRecord| {
            (
                record.release,
                record.model,
                record.component.clone(),
                record.version.clone(),
            )
        };
        self.0.retain(|known| thing(&known.record) != thing(&new.record));
        self.0.push(new);
        self
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Listed> {
        self.0.iter()
    }

    /// Everything in the pumps of a version set: the pump, its parts, and the components of the lists that hold for it.
    pub(crate) fn facts(&self, set: &VersionSet) -> Facts {
        let listed = self
            .0
            .iter()
            .filter(|listed| listed.holds_for(set))
            .flat_map(|listed| listed.items.iter().cloned());
        Facts::new(devices(set).into_iter().map(Arc::new).chain(listed))
    }
}

/// What makers call the part whose version is the pump's own.
const MAIN: [&str; 5] = ["main", "firmware", "software", "infusion_control", "pump"];

/// The pump and its parts. Its own version is that of its main part, or of its only one; where that can not be told, all of them, and
/// what does not hold for all is for a person.
fn devices(set: &VersionSet) -> Vec<Item> {
    let is_main = |part: &&Component| {
        let called = |name: &&str| part.name.as_str().eq_ignore_ascii_case(name);
        set.components.len() == 1 || MAIN.iter().any(called)
    };
    let main = set.components.iter().find(is_main);
    let mut pump = Item::device(
        set.maker.as_str(),
        &[set.model_name.as_str()],
        main.map(|part| part.version.as_str()),
    );
    if main.is_none() {
        pump.versions = set
            .components
            .iter()
            .map(|part| part.version.to_string())
            .collect();
    }
    let parts = set
        .components
        .iter()
        .filter(|part| main.is_none_or(|main| main.name != part.name))
        .map(|part| {
            Item::device(
                set.maker.as_str(),
                &[part.name.as_str()],
                Some(part.version.as_str()),
            )
        });
    std::iter::once(pump).chain(parts).collect()
}
