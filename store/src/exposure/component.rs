//! Component lists, and what each pump reports that it is made of.

use std::collections::HashMap;

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{CareAreaId, ComponentListId, ModelId, PumpId, ReleaseId},
    pump::Component,
    signature::Digest,
    text::{ComponentName, ComponentVersion},
};

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::{component_lists, pump_components, pumps},
    sql::{Val, row},
};

/// A component list, without the list itself.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = component_lists)]
pub struct ComponentListRecord {
    /// Ours.
    pub id: ComponentListId,
    /// The release that it is of.
    pub release: Option<ReleaseId>,
    /// Or the model.
    pub model: Option<ModelId>,
    /// A part of the model, where it is of no more than that.
    pub component: Option<ComponentName>,
    /// The version of that part, where it is of no other.
    pub version: Option<ComponentVersion>,
    /// What the file was called.
    pub name: String,
    /// The SHA-256 of the file.
    pub sha256: Digest,
    /// How many components it has.
    pub components: i64,
    /// How many of them can not be compared with what is published.
    pub gaps: i64,
    /// Who carried it in.
    pub imported_by: String,
    /// When.
    pub imported_at: Timestamp,
}

/// A component list as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = component_lists)]
pub struct ComponentListDocument {
    /// Which list.
    pub id: ComponentListId,
    /// What it lists.
    pub document: String,
}

/// What a pump is, and what it reports that it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PumpMade {
    /// Which pump.
    pub pump: PumpId,
    /// Of this model.
    pub model: ModelId,
    /// In this care area.
    pub care_area: Option<CareAreaId>,
    /// Made of these, by name.
    pub components: Vec<Component>,
}

impl Db<'_> {
    /// A list is what something is made of from now on; one that was known for the same thing goes.
    pub fn component_list_set(
        &mut self,
        list: &ComponentListRecord,
        document: &str,
    ) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "keep a component list";
        for known in self.component_lists()? {
            let thing = |list: &ComponentListRecord| {
                (
                    list.release,
                    list.model,
                    list.component.clone(),
                    list.version.clone(),
                )
            };
            if thing(&known) == thing(list) {
                diesel::delete(component_lists::table.find(Val(known.id)))
                    .execute(self.connection)
                    .attempt(ATTEMPTED)?;
            }
        }
        diesel::insert_into(component_lists::table)
            .values((
                row!(component_lists, list; id, release, model, component, version, name, sha256, components, gaps,
                    imported_by, imported_at),
                component_lists::document.eq(Val(document.to_owned())),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt(ATTEMPTED)
    }

    /// Every component list, the newest first.
    pub fn component_lists(&mut self) -> Result<Vec<ComponentListRecord>, StoreError> {
        component_lists::table
            .order((component_lists::imported_at.desc(), component_lists::id.desc()))
            .select(ComponentListRecord::as_select())
            .load(self.connection)
            .attempt("list component lists")
    }

    /// What the lists list.
    pub fn component_list_documents(&mut self) -> Result<Vec<ComponentListDocument>, StoreError> {
        component_lists::table
            .order(component_lists::id)
            .select(ComponentListDocument::as_select())
            .load(self.connection)
            .attempt("read component lists")
    }

    /// What every pump that is not retired is made of, in any order.
    pub fn pump_made_all(&mut self) -> Result<Vec<PumpMade>, StoreError> {
        const ATTEMPTED: &str = "read what pumps are made of";
        let rows: Vec<(PumpId, ModelId, Option<CareAreaId>)> = pumps::table
            .filter(pumps::retired_at.is_null())
            .select((pumps::id, pumps::model, pumps::care_area))
            .load(self.connection)
            .attempt(ATTEMPTED)?;
        let parts: Vec<(PumpId, ComponentName, ComponentVersion)> = pump_components::table
            .order((pump_components::pump, pump_components::name))
            .select((
                pump_components::pump,
                pump_components::name,
                pump_components::version,
            ))
            .load(self.connection)
            .attempt(ATTEMPTED)?;
        let mut by_pump: HashMap<PumpId, Vec<Component>> = HashMap::new();
        for (pump, name, version) in parts {
            by_pump.entry(pump).or_default().push(Component { name, version });
        }
        Ok(rows
            .into_iter()
            .map(|(pump, model, care_area)| PumpMade {
                components: by_pump.remove(&pump).unwrap_or_default(),
                pump,
                model,
                care_area,
            })
            .collect())
    }

    /// What is known of pumps changed without their records having changed: whoever looks for changed records finds them.
    pub fn pump_versions_raise(&mut self, of: &[PumpId]) -> Result<(), StoreError> {
        for of in of.chunks(500) {
            diesel::update(pumps::table.filter(pumps::id.eq_any(of.iter().map(Val))))
                .set(pumps::row_version.eq(pumps::row_version + 1))
                .execute(self.connection)
                .attempt("note that more is known of pumps")?;
        }
        self.touched.pumps.extend(of);
        Ok(())
    }
}
