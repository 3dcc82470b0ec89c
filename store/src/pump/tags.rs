//! The hospital's tags on its pumps.

use std::collections::{BTreeSet, HashMap};

use diesel::{dsl::count_star, prelude::*};
use fleet::{id::PumpId, text::Tag};

use super::by_pump;
use crate::{
    Db, StoreError,
    account::found,
    bulk::{bulk, bulk_row},
    error::Attempt,
    schema::{pump_tags, pumps},
    sql::{Id, Val, Words},
};

struct Row<'a>(PumpId, &'a Tag);

bulk_row!(Row<'_>, |row| Id: &row.0, Words: row.1);

impl Db<'_> {
    /// A pump has these tags from now on, and no other. Its row version counts up; what a signature vouches for is as it was.
    pub fn pump_tags_set(&mut self, id: PumpId, tags: &BTreeSet<Tag>) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "change the tags of a pump";
        self.touched.pumps.insert(id);
        let changed = diesel::update(pumps::table.find(Val(id)))
            .set(pumps::row_version.eq(pumps::row_version + 1))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        found("pump", id, changed)?;
        diesel::delete(pump_tags::table.filter(pump_tags::pump.eq(Val(id))))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        let rows: Vec<_> = tags.iter().map(|tag| Row(id, tag)).collect();
        bulk(
            self.connection,
            "INSERT INTO pump_tags (pump, tag) VALUES ",
            &rows,
            "",
        )
        .map(drop)
        .attempt(ATTEMPTED)
    }

    /// The tags of pumps; nothing of those that have none.
    pub fn pump_tags_of(&mut self, of: &[PumpId]) -> Result<HashMap<PumpId, BTreeSet<Tag>>, StoreError> {
        let mut tags = HashMap::new();
        for of in of.chunks(500) {
            let rows: Vec<(PumpId, Tag)> = pump_tags::table
                .filter(pump_tags::pump.eq_any(of.iter().map(Val)))
                .select((pump_tags::pump, pump_tags::tag))
                .load(self.connection)
                .attempt("read the tags of pumps")?;
            tags.extend(
                by_pump(rows)
                    .into_iter()
                    .map(|(pump, tags)| (pump, tags.into_iter().collect())),
            );
        }
        Ok(tags)
    }

    /// Every tag that a pump of the hospital has, retired ones left out, with how many have it; by its letters.
    pub fn tag_list(&mut self) -> Result<Vec<(Tag, i64)>, StoreError> {
        pump_tags::table
            .inner_join(pumps::table)
            .filter(pumps::retired_at.is_null())
            .group_by(pump_tags::tag)
            .order(pump_tags::tag)
            .select((pump_tags::tag, count_star()))
            .load(self.connection)
            .attempt("list tags")
    }
}
