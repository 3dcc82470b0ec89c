//! Registered devices: ward tablets and bench computers, by whose name the record says where something was done.

use chrono::TimeDelta;
use fleet::{
    access::{IDLE_BOUNDS, Permission},
    audit::Action,
    id::{CareAreaId, DeviceId},
    text::Name,
};
use secrecy::SecretString;
use serde_json::json;
use store::DeviceRecord;

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    auth::bearer::{self, Kind},
    deed::Deed,
};

/// What is to be registered.
#[derive(Debug)]
pub struct Wanted {
    pub name: Name,
    pub care_area: Option<CareAreaId>,
    /// So long without a sign of life signs a person out on it.
    pub idle: TimeDelta,
}

/// Registers a device, and returns its secret for the one time that it is shown.
///
/// # Errors
/// [`store::StoreError::Conflict`] when another has or had the name; [`CommandError::IdleOutOfBounds`].
pub fn register(
    app: &App,
    actor: &Actor,
    wanted: Wanted,
) -> Result<(DeviceRecord, SecretString), CommandError> {
    let (shortest, longest) = IDLE_BOUNDS;
    if !(shortest..=longest).contains(&wanted.idle) {
        return Err(CommandError::IdleOutOfBounds);
    }
    let registered_by = actor.account().ok_or(CommandError::OnlyAPerson)?;
    let change = Change::by(actor, app, Permission::DeviceEdit);
    let (secret, secret_hash) = bearer::fresh(Kind::Device);
    let device = DeviceRecord {
        id: change.id(DeviceId::from_uuid),
        name: wanted.name,
        care_area: wanted.care_area,
        secret_hash,
        idle_seconds: wanted.idle.num_seconds(),
        registered_at: change.now,
        registered_by,
        removed_at: None,
    };
    change.commit(|db| {
        if let Some(care_area) = device.care_area
            && !db.care_area_list()?.iter().any(|area| area.id == care_area)
        {
            return Err(CommandError::UnknownCareArea { care_area });
        }
        db.device_create(&device)?;
        let deed = Deed::of(Action::DeviceRegistered, "device", device.id).after(json!({
            "name": device.name,
            "care_area": device.care_area,
            "idle_seconds": device.idle_seconds,
        }));
        change.record(db, deed)
    })?;
    Ok((device, secret))
}

/// Takes a device off: whoever is signed in on it is signed out.
///
/// # Errors
/// [`store::StoreError::NotFound`].
pub fn remove(app: &App, actor: &Actor, id: DeviceId) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::DeviceEdit);
    change.commit(|db| {
        let device = db.device_fetch(id)?;
        if device.removed_at.is_some() {
            return Ok(());
        }
        db.device_remove(id, change.now)?;
        let ended = db.session_end_on(id, change.now)?;
        let deed = Deed::of(Action::DeviceRemoved, "device", id)
            .before(json!({ "name": device.name }))
            .after(json!({ "sessions_ended": ended }));
        change.record(db, deed)
    })
}
