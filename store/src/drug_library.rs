//! Which drug library the hospital approved for a model. What was said is never changed: the newest word counts.

use std::collections::HashMap;

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AccountId, DrugLibraryId, ModelId},
    signature::Digest,
    text::{ComponentVersion, Name, Reason},
};

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::drug_libraries,
    sql::{Val, row},
};

/// What somebody said about the drug library of a model. Name, version and hash are there together, or none of them: then no
/// library is approved.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = drug_libraries)]
pub struct DrugLibraryRecord {
    /// Ours.
    pub id: DrugLibraryId,
    /// For pumps of this model.
    pub model: ModelId,
    /// What the library is called.
    pub name: Option<Name>,
    /// Its version, in the pharmacy's own words.
    pub version: Option<ComponentVersion>,
    /// The SHA-256 of the library as it lies on a pump.
    pub sha256: Option<Digest>,
    /// Who said so.
    pub said_by: AccountId,
    /// When.
    pub said_at: Timestamp,
    /// Why.
    pub reason: Reason,
}

impl Db<'_> {
    /// Puts what somebody said on record. From here on it counts.
    pub fn drug_library_say(&mut self, said: &DrugLibraryRecord) -> Result<(), StoreError> {
        self.touched.everything = true;
        diesel::insert_into(drug_libraries::table)
            .values(row!(drug_libraries, said; id, model, name, version, sha256, said_by, said_at, reason))
            .execute(self.connection)
            .map(drop)
            .attempt("put a drug library on record")
    }

    /// Everything that was said about a model, the newest first.
    pub fn drug_library_history(&mut self, model: ModelId) -> Result<Vec<DrugLibraryRecord>, StoreError> {
        drug_libraries::table
            .filter(drug_libraries::model.eq(Val(model)))
            .order(drug_libraries::id.desc())
            .select(DrugLibraryRecord::as_select())
            .load(self.connection)
            .attempt("read what was said of drug libraries")
    }

    /// The newest word on each model: so many rows as there are models.
    pub fn drug_library_list(&mut self) -> Result<Vec<DrugLibraryRecord>, StoreError> {
        let newest = diesel::alias!(drug_libraries as newer);
        let newer = newest
            .filter(newest.field(drug_libraries::model).eq(drug_libraries::model))
            .filter(newest.field(drug_libraries::id).gt(drug_libraries::id));
        drug_libraries::table
            .filter(diesel::dsl::not(diesel::dsl::exists(newer)))
            .order(drug_libraries::model)
            .select(DrugLibraryRecord::as_select())
            .load(self.connection)
            .attempt("list drug libraries")
    }

    /// The hash of what is approved now, by model.
    pub fn drug_library_approved(&mut self) -> Result<HashMap<ModelId, Digest>, StoreError> {
        let said = self.drug_library_list()?;
        Ok(said
            .into_iter()
            .filter_map(|said| Some((said.model, said.sha256?)))
            .collect())
    }
}
