//! Manufacturers, models, care areas and locations: the names that pumps hang on.
//!
//! The `…_ensure` methods find a name or make it, so that an import can be repeated; the id that is given is used only when
//! the name is new.

use chrono::NaiveDate;
use diesel::prelude::*;
use fleet::{
    id::{CareAreaId, LocationId, ManufacturerId, ModelId},
    pump::Support,
    text::{Contact, Name},
};

use crate::{
    Db, StoreError,
    account::found,
    connection::each_db,
    error::Attempt,
    schema::{care_areas, locations, manufacturers, models, pumps},
    sql::Val,
};

/// A company that makes pumps, and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = manufacturers)]
pub struct ManufacturerRecord {
    /// Ours, for life.
    pub id: ManufacturerId,
    /// Its name; unique.
    pub name: Name,
    /// An e-mail address for service.
    pub email: Option<Contact>,
    /// A telephone number for service.
    pub phone: Option<Contact>,
    /// A web page.
    pub web: Option<Contact>,
}

/// A model of pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRecord {
    /// Ours, for life.
    pub id: ModelId,
    /// Who makes it.
    pub manufacturer: ManufacturerId,
    /// The maker's name.
    pub manufacturer_name: Name,
    /// Its name; unique within the manufacturer.
    pub name: Name,
    /// The device identifier of its UDI (AI 01), where it is known.
    pub udi_di: Option<String>,
    /// Until when its maker supports it.
    pub support: Support,
}

/// A ward or unit.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = care_areas)]
pub struct CareAreaRecord {
    /// Ours, for life.
    pub id: CareAreaId,
    /// Its name; unique.
    pub name: Name,
}

/// A place where pumps are kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = locations)]
pub struct LocationRecord {
    /// Ours, for life.
    pub id: LocationId,
    /// Whose it is; nothing means biomed's.
    pub care_area: Option<CareAreaId>,
    /// Its name; unique within the care area.
    pub name: Name,
}

impl Db<'_> {
    /// Finds a manufacturer by name, or makes it.
    pub fn manufacturer_ensure(
        &mut self,
        name: &Name,
        id_if_new: ManufacturerId,
    ) -> Result<ManufacturerId, StoreError> {
        each_db!(self.connection, |conn| {
            diesel::insert_into(manufacturers::table)
                .values((
                    manufacturers::id.eq(Val(id_if_new)),
                    manufacturers::name.eq(Val(name)),
                ))
                .on_conflict(manufacturers::name)
                .do_nothing()
                .execute(conn)
        })
        .attempt("make a manufacturer")?;
        manufacturers::table
            .filter(manufacturers::name.eq(Val(name)))
            .select(manufacturers::id)
            .first(self.connection)
            .attempt("find a manufacturer")
    }

    /// Sets how a manufacturer is reached.
    pub fn manufacturer_update(
        &mut self,
        id: ManufacturerId,
        email: Option<&Contact>,
        phone: Option<&Contact>,
        web: Option<&Contact>,
    ) -> Result<(), StoreError> {
        let changed = diesel::update(manufacturers::table.find(Val(id)))
            .set((
                manufacturers::email.eq(Val(email)),
                manufacturers::phone.eq(Val(phone)),
                manufacturers::web.eq(Val(web)),
            ))
            .execute(self.connection)
            .attempt("change a manufacturer's contact")?;
        found("manufacturer", id, changed)
    }

    /// Every manufacturer, by name.
    pub fn manufacturer_list(&mut self) -> Result<Vec<ManufacturerRecord>, StoreError> {
        manufacturers::table
            .order(manufacturers::name)
            .select(ManufacturerRecord::as_select())
            .load(self.connection)
            .attempt("list manufacturers")
    }

    /// Finds a model of a manufacturer by name, or makes it.
    pub fn model_ensure(
        &mut self,
        manufacturer: ManufacturerId,
        name: &Name,
        id_if_new: ModelId,
    ) -> Result<ModelId, StoreError> {
        each_db!(self.connection, |conn| {
            diesel::insert_into(models::table)
                .values((
                    models::id.eq(Val(id_if_new)),
                    models::manufacturer.eq(Val(manufacturer)),
                    models::name.eq(Val(name)),
                ))
                .on_conflict((models::manufacturer, models::name))
                .do_nothing()
                .execute(conn)
        })
        .attempt("make a model")?;
        models::table
            .filter(models::manufacturer.eq(Val(manufacturer)))
            .filter(models::name.eq(Val(name)))
            .select(models::id)
            .first(self.connection)
            .attempt("find a model")
    }

    /// Sets the device identifier (AI 01) that the UDI of every pump of a model has, and until when the model is supported. The row
    /// versions of its pumps count up: who may get a release is decided by that too.
    pub fn model_update(
        &mut self,
        id: ModelId,
        udi_di: Option<&str>,
        support: Support,
    ) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "change a model";
        self.touched.everything = true;
        let changed = diesel::update(models::table.find(Val(id)))
            .set((
                models::udi_device.eq(Val(udi_di.map(str::to_owned))),
                models::full_support_until.eq(Val(support.full_until)),
                models::support_until.eq(Val(support.until)),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        found("model", id, changed)?;
        diesel::update(pumps::table.filter(pumps::model.eq(Val(id))))
            .set(pumps::row_version.eq(pumps::row_version + 1))
            .execute(self.connection)
            .map(drop)
            .attempt(ATTEMPTED)
    }

    /// Every model, by manufacturer and name.
    pub fn model_list(&mut self) -> Result<Vec<ModelRecord>, StoreError> {
        type Row = (
            (ModelId, ManufacturerId, Name, Name),
            (Option<String>, Option<NaiveDate>, Option<NaiveDate>),
        );
        let rows: Vec<Row> = models::table
            .inner_join(manufacturers::table)
            .order((manufacturers::name, models::name))
            .select((
                (
                    models::id,
                    models::manufacturer,
                    manufacturers::name,
                    models::name,
                ),
                (
                    models::udi_device,
                    models::full_support_until,
                    models::support_until,
                ),
            ))
            .load(self.connection)
            .attempt("list models")?;
        Ok(rows
            .into_iter()
            .map(
                |((id, manufacturer, manufacturer_name, name), (udi_di, full_until, until))| ModelRecord {
                    id,
                    manufacturer,
                    manufacturer_name,
                    name,
                    udi_di,
                    support: Support { full_until, until },
                },
            )
            .collect())
    }

    /// Finds a care area by name, or makes it.
    pub fn care_area_ensure(&mut self, name: &Name, id_if_new: CareAreaId) -> Result<CareAreaId, StoreError> {
        let made = each_db!(self.connection, |conn| {
            diesel::insert_into(care_areas::table)
                .values((care_areas::id.eq(Val(id_if_new)), care_areas::name.eq(Val(name))))
                .on_conflict(care_areas::name)
                .do_nothing()
                .execute(conn)
        })
        .attempt("make a care area")?;
        self.touched.staff |= made > 0;
        care_areas::table
            .filter(care_areas::name.eq(Val(name)))
            .select(care_areas::id)
            .first(self.connection)
            .attempt("find a care area")
    }

    /// Every care area, by name.
    pub fn care_area_list(&mut self) -> Result<Vec<CareAreaRecord>, StoreError> {
        care_areas::table
            .order(care_areas::name)
            .select(CareAreaRecord::as_select())
            .load(self.connection)
            .attempt("list care areas")
    }

    /// Renames a care area; [`StoreError::Conflict`] when another one has the name.
    pub fn care_area_rename(&mut self, id: CareAreaId, name: &Name) -> Result<(), StoreError> {
        self.touched.staff = true;
        let changed = diesel::update(care_areas::table.find(Val(id)))
            .set(care_areas::name.eq(Val(name)))
            .execute(self.connection)
            .attempt("rename a care area")?;
        found("care area", id, changed)
    }

    /// Finds a location of a care area (or of biomed) by name, or makes it.
    pub fn location_ensure(
        &mut self,
        care_area: Option<CareAreaId>,
        name: &Name,
        id_if_new: LocationId,
    ) -> Result<LocationId, StoreError> {
        // Which of two partial indexes is in the way depends on the care area, so none is named.
        each_db!(self.connection, |conn| {
            diesel::insert_into(locations::table)
                .values((
                    locations::id.eq(Val(id_if_new)),
                    locations::care_area.eq(Val(care_area)),
                    locations::name.eq(Val(name)),
                ))
                .on_conflict_do_nothing()
                .execute(conn)
        })
        .attempt("make a location")?;
        let mut query = locations::table
            .filter(locations::name.eq(Val(name)))
            .select(locations::id)
            .into_boxed();
        query = match care_area {
            Some(care_area) => query.filter(locations::care_area.eq(Val(Some(care_area)))),
            None => query.filter(locations::care_area.is_null()),
        };
        query.first(self.connection).attempt("find a location")
    }

    /// Every location, by name.
    pub fn location_list(&mut self) -> Result<Vec<LocationRecord>, StoreError> {
        locations::table
            .order((locations::name, locations::id))
            .select(LocationRecord::as_select())
            .load(self.connection)
            .attempt("list locations")
    }
}
