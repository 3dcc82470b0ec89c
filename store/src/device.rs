//! Devices that people share: ward tablets, bench computers. The secret is not kept, only the SHA-256 of it.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AccountId, CareAreaId, DeviceId},
    text::Name,
};

use crate::{
    Db, StoreError,
    account::found,
    error::Attempt,
    schema::devices,
    sql::{Val, row},
};

/// A registered device.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = devices)]
pub struct DeviceRecord {
    /// Ours, for life.
    pub id: DeviceId,
    /// What people call it; unique.
    pub name: Name,
    /// Where it belongs.
    pub care_area: Option<CareAreaId>,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// Seconds without a sign of life that sign a person out on it.
    pub idle_seconds: i64,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// By whom.
    pub registered_by: AccountId,
    /// When it was taken off.
    pub removed_at: Option<Timestamp>,
}

impl Db<'_> {
    /// Registers a device; [`StoreError::Conflict`] when another has the name.
    pub fn device_create(&mut self, device: &DeviceRecord) -> Result<(), StoreError> {
        diesel::insert_into(devices::table)
            .values((
                row!(devices, device; id, name, care_area, secret_hash, registered_at, registered_by, removed_at),
                devices::idle_seconds.eq(device.idle_seconds),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt("register a device")
    }

    /// A device; [`StoreError::NotFound`] when there is none.
    pub fn device_fetch(&mut self, id: DeviceId) -> Result<DeviceRecord, StoreError> {
        devices::table
            .find(Val(id))
            .select(DeviceRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a device")?
            .ok_or_else(|| StoreError::not_found("device", id))
    }

    /// The device whose secret has this SHA-256, also one that was removed.
    pub fn device_fetch_by_hash(
        &mut self,
        secret_hash: &[u8; 32],
    ) -> Result<Option<DeviceRecord>, StoreError> {
        devices::table
            .filter(devices::secret_hash.eq(Val(secret_hash)))
            .select(DeviceRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("look up a device")
    }

    /// Every device that was not removed, by name.
    pub fn device_list(&mut self) -> Result<Vec<DeviceRecord>, StoreError> {
        devices::table
            .filter(devices::removed_at.is_null())
            .order(devices::name)
            .select(DeviceRecord::as_select())
            .load(self.connection)
            .attempt("list devices")
    }

    /// Takes a device off. Its name stays its own.
    pub fn device_remove(&mut self, id: DeviceId, at: Timestamp) -> Result<(), StoreError> {
        let changed = diesel::update(devices::table.find(Val(id)))
            .set(devices::removed_at.eq(Val(Some(at))))
            .execute(self.connection)
            .attempt("remove a device")?;
        found("device", id, changed)
    }
}
