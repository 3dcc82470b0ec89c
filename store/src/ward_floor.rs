//! Ward floors: how many pumps of a model a care area keeps in service.

use diesel::prelude::*;
use fleet::id::{CareAreaId, ModelId};

use crate::{Db, StoreError, connection::each_db, error::Attempt, schema::ward_floors, sql::Val};

/// A floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = ward_floors)]
pub struct WardFloorRecord {
    /// Where.
    pub care_area: CareAreaId,
    /// Pumps of this model.
    pub model: ModelId,
    /// So many at least; never 0.
    pub keep: i64,
}

impl Db<'_> {
    /// Sets a floor; 0 takes it away.
    pub fn ward_floor_set(&mut self, floor: &WardFloorRecord) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "set a ward floor";
        self.touched.everything = true;
        if floor.keep == 0 {
            return diesel::delete(ward_floors::table.find((Val(floor.care_area), Val(floor.model))))
                .execute(self.connection)
                .map(drop)
                .attempt(ATTEMPTED);
        }
        each_db!(self.connection, |conn| {
            diesel::insert_into(ward_floors::table)
                .values((
                    ward_floors::care_area.eq(Val(floor.care_area)),
                    ward_floors::model.eq(Val(floor.model)),
                    ward_floors::keep.eq(floor.keep),
                ))
                .on_conflict((ward_floors::care_area, ward_floors::model))
                .do_update()
                .set(ward_floors::keep.eq(floor.keep))
                .execute(conn)
        })
        .map(drop)
        .attempt(ATTEMPTED)
    }

    /// Every floor.
    pub fn ward_floor_list(&mut self) -> Result<Vec<WardFloorRecord>, StoreError> {
        ward_floors::table
            .order((ward_floors::care_area, ward_floors::model))
            .select(WardFloorRecord::as_select())
            .load(self.connection)
            .attempt("list ward floors")
    }
}
