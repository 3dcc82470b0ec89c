//! Where pumps belong and who makes them: care areas, locations, manufacturers.

use fleet::{
    event::EventKind,
    id::{CareAreaId, LocationId, ManufacturerId, ModelId},
    text::{Contact, Name},
};
use store::{Db, ManufacturerRecord, StoreError};

use super::{CommandError, change::Change};
use crate::app::{Actor, App};

/// Names a care area. One of that name may be there already.
///
/// # Errors
/// The database's.
pub fn care_area_create(app: &App, actor: &Actor, name: &Name) -> Result<CareAreaId, CommandError> {
    let change = Change::by(actor, app);
    change.commit(|db| care_area_ensure(&change, db, name))
}

/// Gives a care area another name.
///
/// # Errors
/// [`StoreError::Conflict`] when another has that name.
pub fn care_area_rename(app: &App, actor: &Actor, id: CareAreaId, name: &Name) -> Result<(), CommandError> {
    let change = Change::by(actor, app);
    change.commit(|db| {
        db.care_area_rename(id, name)?;
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
    let change = Change::by(actor, app);
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
    let change = Change::by(actor, app);
    change.commit(|db| {
        let all = db.manufacturer_list()?;
        let mut maker = all
            .into_iter()
            .find(|maker| maker.id == id)
            .ok_or_else(|| StoreError::NotFound {
                what: "manufacturer",
                id: id.to_string(),
            })?;
        maker.email = edit.email.unwrap_or(maker.email);
        maker.phone = edit.phone.unwrap_or(maker.phone);
        maker.web = edit.web.unwrap_or(maker.web);
        db.manufacturer_update(id, maker.email.as_ref(), maker.phone.as_ref(), maker.web.as_ref())?;
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
        change.tell(
            db,
            EventKind::PlaceNamed,
            None,
            format_args!("model “{manufacturer} {model}” added"),
        )?;
    }
    Ok(id)
}
