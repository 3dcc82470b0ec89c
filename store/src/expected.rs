//! The pumps that the hospital expects to see.

use std::collections::HashMap;

use diesel::{prelude::*, sql_types::Nullable};
use fleet::{
    Timestamp,
    id::{CareAreaId, ExpectedPumpId, LocationId, ManufacturerId, ModelId},
    inventory::{ExpectedPump, ExpectedRow},
    pump::Udi,
    text::{AssetTag, HardwareId, Name, SerialNumber},
};

use crate::{
    Db, Page, StoreError,
    account::found,
    bulk::{bulk, bulk_row},
    error::Attempt,
    page::{cut, read_text_marker, rows_for, text_marker},
    schema::{care_areas, expected_pumps, locations, manufacturers, models},
    sql::{Id, Json, MacList, Utc, Val, Words},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = expected_pumps)]
struct ExpectedPumpRow {
    id: ExpectedPumpId,
    serial: SerialNumber,
    model: ModelId,
    asset_tag: Option<AssetTag>,
    udi: Option<Udi>,
    hardware_id: Option<HardwareId>,
    macs: MacList,
    care_area: Option<CareAreaId>,
    location: Option<LocationId>,
    listed_at: Timestamp,
}

impl From<ExpectedPumpRow> for ExpectedPump {
    fn from(row: ExpectedPumpRow) -> Self {
        Self {
            id: row.id,
            serial: row.serial,
            model: row.model,
            asset_tag: row.asset_tag,
            udi: row.udi,
            hardware_id: row.hardware_id,
            macs: row.macs.0,
            care_area: row.care_area,
            location: row.location,
            listed_at: row.listed_at,
        }
    }
}

fn pumps(rows: Vec<ExpectedPumpRow>) -> Vec<ExpectedPump> {
    rows.into_iter().map(ExpectedPump::from).collect()
}

/// A pump to list, its addresses as they are stored.
struct Listed<'a> {
    pump: &'a ExpectedPump,
    macs: MacList,
}

bulk_row!(Listed<'_>, |row|
    Id: &row.pump.id,
    Words: &row.pump.serial,
    Id: &row.pump.model,
    Nullable<Words>: &row.pump.asset_tag,
    Nullable<Words>: &row.pump.udi,
    Nullable<Words>: &row.pump.hardware_id,
    Json: &row.macs,
    Nullable<Id>: &row.pump.care_area,
    Nullable<Id>: &row.pump.location,
    Utc: &row.pump.listed_at,
);

const UPSERT: &str = "INSERT INTO expected_pumps \
    (id, serial, model, asset_tag, udi, hardware_id, macs, care_area, location, listed_at) VALUES ";
/// A pump that is listed again keeps its id and the day on which it was first listed.
const KEEP_FIRST: &str = " ON CONFLICT (model, serial) DO UPDATE SET \
    asset_tag = excluded.asset_tag, udi = excluded.udi, hardware_id = excluded.hardware_id, macs = excluded.macs, \
    care_area = excluded.care_area, location = excluded.location";

impl Db<'_> {
    /// The list with its names instead of ids, as [`fleet::inventory::plan_import`] compares it with a file.
    pub fn expected_rows(&mut self) -> Result<Vec<(ExpectedPumpId, ExpectedRow)>, StoreError> {
        type Joined = (ExpectedPumpRow, Name, Name, Option<Name>, Option<Name>);
        let rows: Vec<Joined> = expected_pumps::table
            .inner_join(models::table.inner_join(manufacturers::table))
            .left_join(care_areas::table)
            .left_join(locations::table)
            .order((expected_pumps::serial, expected_pumps::id))
            .select((
                ExpectedPumpRow::as_select(),
                manufacturers::name,
                models::name,
                care_areas::name.nullable(),
                locations::name.nullable(),
            ))
            .load(self.connection)
            .attempt("read the list of expected pumps")?;
        Ok(rows
            .into_iter()
            .map(|(row, manufacturer, model, care_area, location)| {
                let listed = ExpectedRow {
                    line: 0,
                    serial: row.serial,
                    manufacturer,
                    model,
                    asset_tag: row.asset_tag,
                    udi: row.udi,
                    hardware_id: row.hardware_id,
                    macs: row.macs.0,
                    care_area,
                    location,
                };
                (row.id, listed)
            })
            .collect())
    }

    /// Expected pumps, by serial number.
    pub fn expected_list(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<ExpectedPump>, StoreError> {
        let mut query = expected_pumps::table
            .select(ExpectedPumpRow::as_select())
            .into_boxed();
        if let Some(marker) = after {
            let (serial, id) = read_text_marker::<ExpectedPumpId>(marker)?;
            query = query.filter(
                expected_pumps::serial
                    .gt(Val(serial.clone()))
                    .or(expected_pumps::serial
                        .eq(Val(serial))
                        .and(expected_pumps::id.gt(Val(id)))),
            );
        }
        let rows = query
            .order((expected_pumps::serial, expected_pumps::id))
            .limit(rows_for(limit))
            .load(self.connection)
            .map(pumps)
            .attempt("list expected pumps")?;
        Ok(cut(rows, limit, |pump| {
            text_marker(pump.serial.as_str(), pump.id)
        }))
    }

    /// Every expected pump, by serial number.
    pub fn expected_all(&mut self) -> Result<Vec<ExpectedPump>, StoreError> {
        expected_pumps::table
            .order((expected_pumps::serial, expected_pumps::id))
            .select(ExpectedPumpRow::as_select())
            .load(self.connection)
            .map(pumps)
            .attempt("list expected pumps")
    }

    /// Lists pumps, or changes what is listed of them. Model and serial number say which pump it is; of two that say the same
    /// the last one given counts.
    pub fn expected_upsert(&mut self, expected: &[ExpectedPump]) -> Result<(), StoreError> {
        let mut last: HashMap<(ModelId, &SerialNumber), &ExpectedPump> =
            HashMap::with_capacity(expected.len());
        for pump in expected {
            last.insert((pump.model, &pump.serial), pump);
        }
        let rows: Vec<Listed<'_>> = last
            .into_values()
            .map(|pump| Listed {
                pump,
                macs: MacList(pump.macs.clone()),
            })
            .collect();
        bulk(self.connection, UPSERT, &rows, KEEP_FIRST)
            .map(drop)
            .attempt("list expected pumps")
    }

    /// The expected pumps of a manufacturer with this serial number: several, when several of its models use it.
    pub fn expected_find(
        &mut self,
        manufacturer: ManufacturerId,
        serial: &SerialNumber,
    ) -> Result<Vec<ExpectedPump>, StoreError> {
        expected_pumps::table
            .inner_join(models::table)
            .filter(models::manufacturer.eq(Val(manufacturer)))
            .filter(expected_pumps::serial.eq(Val(serial)))
            .order(expected_pumps::id)
            .select(ExpectedPumpRow::as_select())
            .load(self.connection)
            .map(pumps)
            .attempt("find an expected pump")
    }

    /// The expected pump of a model with this serial number.
    pub fn expected_by_serial(
        &mut self,
        model: ModelId,
        serial: &SerialNumber,
    ) -> Result<Option<ExpectedPump>, StoreError> {
        expected_pumps::table
            .filter(expected_pumps::model.eq(Val(model)))
            .filter(expected_pumps::serial.eq(Val(serial)))
            .select(ExpectedPumpRow::as_select())
            .load(self.connection)
            .map(|rows| pumps(rows).into_iter().next())
            .attempt("find an expected pump")
    }

    /// Takes a pump off the list.
    pub fn expected_remove(&mut self, id: ExpectedPumpId) -> Result<(), StoreError> {
        let removed = diesel::delete(expected_pumps::table.find(Val(id)))
            .execute(self.connection)
            .attempt("take a pump off the list")?;
        found("expected pump", id, removed)
    }
}
