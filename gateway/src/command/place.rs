//! Where pumps belong and who makes them: care areas, locations, manufacturers.

use fleet::{
    access::Permission,
    audit::Action,
    event::EventKind,
    id::{CareAreaId, LocationId, ManufacturerId, ModelId},
    text::{Contact, Name},
};
use serde_json::json;
use store::{Db, ManufacturerRecord, StoreError};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    deed::Deed,
};

/// Names a care area. One of that name may be there already.
///
/// # Errors
/// The database's.
pub fn care_area_create(app: &App, actor: &Actor, name: &Name) -> Result<CareAreaId, CommandError> {
    let change = Change::by(actor, app, Permission::PlaceEdit);
    change.commit(|db| care_area_ensure(&change, db, name))
}

/// Gives a care area another name.
///
/// # Errors
/// [`StoreError::Conflict`] when another has that name.
pub fn care_area_rename(app: &App, actor: &Actor, id: CareAreaId, name: &Name) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::PlaceEdit);
    change.commit(|db| {
        let before = db.care_area_list()?.into_iter().find(|area| area.id == id);
        db.care_area_rename(id, name)?;
        let deed = Deed::of(Action::CareAreaRenamed, "care_area", id)
            .before(json!({ "name": before.map(|area| area.name) }))
            .after(json!({ "name": name }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::PlaceNamed,
            None,
            format_args!("care area renamed to “{name}”"),
        )
    })
}

/// Names a place where pumps are kept, in a care area or in none (biomed's).
///
/// # Errors
/// The database's.
pub fn location_create(
    app: &App,
    actor: &Actor,
    name: &Name,
    care_area: Option<&Name>,
) -> Result<LocationId, CommandError> {
    let change = Change::by(actor, app, Permission::PlaceEdit);
    change.commit(|db| {
        let within = match care_area {
            Some(care_area) => Some(care_area_ensure(&change, db, care_area)?),
            None => None,
        };
        location_ensure(&change, db, within, name)
    })
}

/// How to reach a manufacturer; nothing where it leaves a field alone, and nothing inside where it clears one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactEdit {
    pub email: Option<Option<Contact>>,
    pub phone: Option<Option<Contact>>,
    pub web: Option<Option<Contact>>,
}

/// Says how to reach a manufacturer.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such manufacturer.
pub fn manufacturer_edit(
    app: &App,
    actor: &Actor,
    id: ManufacturerId,
    edit: ContactEdit,
) -> Result<ManufacturerRecord, CommandError> {
    let change = Change::by(actor, app, Permission::PlaceEdit);
    change.commit(|db| {
        let all = db.manufacturer_list()?;
        let mut maker = all
            .into_iter()
            .find(|maker| maker.id == id)
            .ok_or_else(|| StoreError::NotFound {
                what: "manufacturer",
                id: id.to_string(),
            })?;
        let contact = |maker: &ManufacturerRecord| {
            json!({ "email": maker.email, "phone": maker.phone, "web": maker.web })
        };
        let deed = Deed::of(Action::ManufacturerEdited, "manufacturer", id).before(contact(&maker));
        maker.email = edit.email.unwrap_or(maker.email);
        maker.phone = edit.phone.unwrap_or(maker.phone);
        maker.web = edit.web.unwrap_or(maker.web);
        db.manufacturer_update(id, maker.email.as_ref(), maker.phone.as_ref(), maker.web.as_ref())?;
        change.record(db, deed.after(contact(&maker)))?;
        let what = format_args!("contact of manufacturer {} changed", maker.name);
        change.tell(db, EventKind::PlaceNamed, None, what)?;
        Ok(maker)
    })
}

pub(super) fn care_area_ensure(
    change: &Change<'_>,
    db: &mut Db<'_>,
    name: &Name,
) -> Result<CareAreaId, CommandError> {
    let new = change.id(CareAreaId::from_uuid);
    let id = db.care_area_ensure(name, new)?;
    if id == new {
        let deed = Deed::of(Action::CareAreaAdded, "care_area", id).after(json!({ "name": name }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::PlaceNamed,
            None,
            format_args!("care area “{name}” added"),
        )?;
    }
    Ok(id)
}

pub(super) fn location_ensure(
    change: &Change<'_>,
    db: &mut Db<'_>,
    care_area: Option<CareAreaId>,
    name: &Name,
) -> Result<LocationId, CommandError> {
    let new = change.id(LocationId::from_uuid);
    let id = db.location_ensure(care_area, name, new)?;
    if id == new {
        let deed = Deed::of(Action::LocationAdded, "location", id)
            .after(json!({ "name": name, "care_area": care_area }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::PlaceNamed,
            None,
            format_args!("location “{name}” added"),
        )?;
    }
    Ok(id)
}

pub(super) fn model_ensure(
    change: &Change<'_>,
    db: &mut Db<'_>,
    manufacturer: &Name,
    model: &Name,
) -> Result<ModelId, CommandError> {
    let new = change.id(ManufacturerId::from_uuid);
    let maker = db.manufacturer_ensure(manufacturer, new)?;
    if maker == new {
        let deed =
            Deed::of(Action::ManufacturerAdded, "manufacturer", maker).after(json!({ "name": manufacturer }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::PlaceNamed,
            None,
            format_args!("manufacturer “{manufacturer}” added"),
        )?;
    }
    let new = change.id(ModelId::from_uuid);
    let id = db.model_ensure(maker, model, new)?;
    if id == new {
        let deed =
            Deed::of(Action::ModelAdded, "model", id).after(json!({ "name": model, "manufacturer": maker }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::PlaceNamed,
            None,
            format_args!("model “{manufacturer} {model}” added"),
        )?;
    }
    Ok(id)
}
