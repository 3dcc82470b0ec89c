//! Pumps as people list and look for them, with everything a list or an export shows.

use std::{collections::BTreeSet, net::IpAddr};

use chrono::NaiveDate;
use diesel::{dsl::count_star, dsl::sql, prelude::*, sql_types::Bool};
use fleet::{
    Timestamp,
    id::{CareAreaId, ModelId, PumpId},
    pump::{Pump, PumpState, Support, Udi},
    rollout::state::AssignmentState,
    text::{AssetTag, Name, SerialNumber, Tag},
};

use super::PumpRow;
use crate::{
    Db, Page, StoreError, Verification,
    error::Attempt,
    page::{cut, read_text_marker, rows_for, text_marker},
    schema::{care_areas, locations, manufacturers, models, presence, pump_states, pumps},
    sql::{Val, Words, containing},
    telemetry::StateRow,
};

/// The most pumps that one scan or typed number finds.
const FOUND_MAX: u32 = 50;

/// Which pumps to list; nothing set lists all, retired ones included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PumpFilter {
    /// Anywhere in the serial number, the asset tag or the model's name; the case of ASCII letters does not matter.
    pub text: Option<String>,
    /// Of this care area.
    pub care_area: Option<CareAreaId>,
    /// Of this model.
    pub model: Option<ModelId>,
    /// With this tag; the case of ASCII letters does not matter.
    pub tag: Option<Tag>,
    /// Held, or not.
    pub held: Option<bool>,
    /// Connected, or not.
    pub connected: Option<bool>,
}

/// A pump with everything a list or an export shows.
#[derive(Debug, Clone, PartialEq)]
pub struct PumpListing {
    /// Its record.
    pub pump: Pump,
    /// Who makes it.
    pub manufacturer_name: Name,
    /// What it is.
    pub model_name: Name,
    /// Until when its model is supported.
    pub support: Support,
    /// The ward it belongs to.
    pub care_area_name: Option<Name>,
    /// Where it is kept.
    pub location_name: Option<Name>,
    /// The hospital's tags on it.
    pub tags: BTreeSet<Tag>,
    /// Whether it is connected.
    pub connected: bool,
    /// Since when it is.
    pub connected_since: Option<Timestamp>,
    /// The address it last connected from.
    pub peer: Option<IpAddr>,
    /// When it was last heard of.
    pub last_seen: Option<Timestamp>,
    /// What it last said.
    pub state: Option<PumpState>,
    /// When its newest certificate ends, a revoked one left out.
    pub certificate_not_after: Option<Timestamp>,
    /// Who last signed it as verified; whether that stands, its version says.
    pub verification: Option<Verification>,
    /// How far its update is, where it has one under way.
    pub update: Option<AssignmentState>,
}

/// How many pumps there are, retired ones left out but for their own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PumpCounts {
    /// In the hospital.
    pub total: i64,
    /// Of these, connected.
    pub connected: i64,
    /// Of these, held.
    pub held: i64,
    /// Gone.
    pub retired: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = presence)]
struct PresenceRow {
    connected: bool,
    changed_at: Timestamp,
    peer: Option<IpAddr>,
    last_seen: Timestamp,
}

/// What every pump of a model has of it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = models)]
struct OfModel {
    name: Name,
    full_support_until: Option<NaiveDate>,
    support_until: Option<NaiveDate>,
}

type Joined = (
    PumpRow,
    Name,
    OfModel,
    Option<Name>,
    Option<Name>,
    Option<PresenceRow>,
    Option<StateRow>,
);

/// Which pumps a query of listings is about.
enum Selection<'a> {
    Filter(&'a PumpFilter),
    Ids(&'a [PumpId]),
}

impl Db<'_> {
    /// The row version of every pump that did not leave for good: what changed since is found by it.
    pub fn pump_versions(&mut self) -> Result<Vec<(PumpId, i64)>, StoreError> {
        pumps::table
            .filter(pumps::retired_at.is_null())
            .select((pumps::id, pumps::row_version))
            .load(self.connection)
            .attempt("read the versions of pumps")
    }

    /// Pumps, by serial number.
    pub fn pump_list(
        &mut self,
        filter: &PumpFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<PumpListing>, StoreError> {
        let rows = self.pump_listing_rows(&Selection::Filter(filter), after, limit)?;
        let page = cut(rows, limit, |(pump, ..)| {
            text_marker(pump.serial.as_str(), pump.id)
        });
        Ok(Page {
            items: self.pump_listings(page.items)?,
            next: page.next,
        })
    }

    /// The pumps that a scan or a typed number names: by exact serial number, asset tag, or UDI (device identifier and serial
    /// number). More than one when a serial number is used by several models. At most 50.
    pub fn pump_find(&mut self, text: &str) -> Result<Vec<PumpListing>, StoreError> {
        const ATTEMPTED: &str = "find a pump";
        let text = text.trim();
        let mut ids: Vec<PumpId> = Vec::new();
        if let Ok(serial) = SerialNumber::new(text) {
            ids.extend(
                pumps::table
                    .filter(pumps::serial.eq(Val(serial)))
                    .order(pumps::id)
                    .limit(FOUND_MAX.into())
                    .select(pumps::id)
                    .load::<PumpId>(self.connection)
                    .attempt(ATTEMPTED)?,
            );
        }
        if let Ok(tag) = AssetTag::new(text) {
            ids.extend(
                pumps::table
                    .filter(pumps::asset_tag.eq(Some(tag)))
                    .order(pumps::id)
                    .limit(FOUND_MAX.into())
                    .select(pumps::id)
                    .load::<PumpId>(self.connection)
                    .attempt(ATTEMPTED)?,
            );
        }
        if let Ok(Udi {
            device_identifier,
            serial: Some(serial),
            ..
        }) = text.parse::<Udi>()
        {
            // By the pump's own UDI, or by its model's device identifier and its serial number.
            ids.extend(
                pumps::table
                    .filter(pumps::udi_device.eq(Some(device_identifier.clone())))
                    .filter(pumps::udi_serial.eq(Some(serial.clone())))
                    .order(pumps::id)
                    .limit(FOUND_MAX.into())
                    .select(pumps::id)
                    .load::<PumpId>(self.connection)
                    .attempt(ATTEMPTED)?,
            );
            ids.extend(
                pumps::table
                    .inner_join(models::table)
                    .filter(models::udi_device.eq(Some(device_identifier)))
                    .filter(pumps::serial.eq(Val(serial)))
                    .order(pumps::id)
                    .limit(FOUND_MAX.into())
                    .select(pumps::id)
                    .load::<PumpId>(self.connection)
                    .attempt(ATTEMPTED)?,
            );
        }
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = self.pump_listing_rows(&Selection::Ids(&ids), None, FOUND_MAX)?;
        rows.truncate(ids.len());
        self.pump_listings(rows)
    }

    /// These pumps, with everything a list shows.
    pub fn pump_listing_of(&mut self, ids: &[PumpId]) -> Result<Vec<PumpListing>, StoreError> {
        let mut listings = Vec::with_capacity(ids.len());
        for ids in ids.chunks(500) {
            let rows = self.pump_listing_rows(&Selection::Ids(ids), None, 500)?;
            listings.extend(self.pump_listings(rows)?);
        }
        Ok(listings)
    }

    /// How many pumps there are.
    pub fn pump_counts(&mut self) -> Result<PumpCounts, StoreError> {
        const ATTEMPTED: &str = "count pumps";
        let here = pumps::table.filter(pumps::retired_at.is_null());
        let total = here
            .select(count_star())
            .first(self.connection)
            .attempt(ATTEMPTED)?;
        let held = here
            .filter(pumps::hold_kind.is_not_null())
            .select(count_star())
            .first(self.connection)
            .attempt(ATTEMPTED)?;
        let connected = presence::table
            .inner_join(pumps::table)
            .filter(pumps::retired_at.is_null())
            .filter(presence::connected.eq(true))
            .select(count_star())
            .first(self.connection)
            .attempt(ATTEMPTED)?;
        let retired = pumps::table
            .filter(pumps::retired_at.is_not_null())
            .select(count_star())
            .first(self.connection)
            .attempt(ATTEMPTED)?;
        Ok(PumpCounts {
            total,
            connected,
            held,
            retired,
        })
    }

    fn pump_listing_rows(
        &mut self,
        selection: &Selection<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Joined>, StoreError> {
        let mut query = pumps::table
            .inner_join(models::table.inner_join(manufacturers::table))
            .left_join(care_areas::table)
            .left_join(locations::table)
            .left_join(presence::table)
            .left_join(pump_states::table)
            .select((
                PumpRow::as_select(),
                manufacturers::name,
                OfModel::as_select(),
                care_areas::name.nullable(),
                locations::name.nullable(),
                Option::<PresenceRow>::as_select(),
                Option::<StateRow>::as_select(),
            ))
            .into_boxed();
        match selection {
            Selection::Ids(ids) => query = query.filter(pumps::id.eq_any(ids.iter().map(Val))),
            Selection::Filter(filter) => {
                if let Some(text) = &filter.text {
                    // Both databases lower ASCII letters only: SQLite knows no others, and the columns are of collation "C".
                    let pattern = containing(&text.to_ascii_lowercase());
                    let contains = |column: &str, pattern: String| {
                        sql::<Bool>(&format!("COALESCE(lower({column}), '') LIKE "))
                            .bind::<Words, _>(Val(pattern))
                            .sql(" ESCAPE '\\'")
                    };
                    query = query.filter(
                        contains("pumps.serial", pattern.clone())
                            .or(contains("pumps.asset_tag", pattern.clone()))
                            .or(contains("models.name", pattern)),
                    );
                }
                if let Some(care_area) = filter.care_area {
                    query = query.filter(pumps::care_area.eq(Some(care_area)));
                }
                if let Some(model) = filter.model {
                    query = query.filter(pumps::model.eq(Val(model)));
                }
                if let Some(tag) = &filter.tag {
                    let is = sql::<Bool>(
                        "EXISTS (SELECT 1 FROM pump_tags WHERE pump_tags.pump = pumps.id AND lower(pump_tags.tag) = ",
                    );
                    query = query.filter(
                        is.bind::<Words, _>(Val(tag.as_str().to_ascii_lowercase()))
                            .sql(")"),
                    );
                }
                query = match filter.held {
                    Some(true) => query.filter(pumps::hold_kind.is_not_null()),
                    Some(false) => query.filter(pumps::hold_kind.is_null()),
                    None => query,
                };
                query = match filter.connected {
                    Some(true) => query.filter(presence::connected.nullable().eq(Some(true))),
                    // A pump that never connected has no row there.
                    Some(false) => query.filter(
                        presence::connected
                            .nullable()
                            .eq(Some(false))
                            .or(presence::connected.nullable().is_null()),
                    ),
                    None => query,
                };
            }
        }
        if let Some(marker) = after {
            let (serial, id) = read_text_marker::<PumpId>(marker)?;
            query = query.filter(
                pumps::serial
                    .gt(Val(serial.clone()))
                    .or(pumps::serial.eq(Val(serial)).and(pumps::id.gt(Val(id)))),
            );
        }
        query
            .order((pumps::serial, pumps::id))
            .limit(rows_for(limit))
            .load::<Joined>(self.connection)
            .attempt("list pumps")
    }

    /// Adds what hangs on the pumps of a page, in one query for each kind of thing.
    fn pump_listings(&mut self, rows: Vec<Joined>) -> Result<Vec<PumpListing>, StoreError> {
        let ids: Vec<PumpId> = rows.iter().map(|(pump, ..)| pump.id).collect();
        let mut parts = self.pump_parts(&ids)?;
        let mut tags = self.pump_tags_of(&ids)?;
        let mut verified = self.verification_of(&ids)?;
        let ends = self.certificate_ends(&ids)?;
        let updates = self.update_of(Some(&ids))?;
        Ok(rows
            .into_iter()
            .map(
                |(pump, manufacturer_name, model, care_area_name, location_name, presence, state)| {
                    let state = state.map(PumpState::from);
                    let presence = presence.as_ref();
                    let heard = presence.map(|presence| presence.last_seen);
                    PumpListing {
                        certificate_not_after: ends.get(&pump.id).copied(),
                        verification: verified.remove(&pump.id),
                        tags: tags.remove(&pump.id).unwrap_or_default(),
                        update: updates.get(&pump.id).copied(),
                        pump: pump.with(&mut parts),
                        manufacturer_name,
                        model_name: model.name,
                        support: Support {
                            full_until: model.full_support_until,
                            until: model.support_until,
                        },
                        care_area_name,
                        location_name,
                        connected: presence.is_some_and(|presence| presence.connected),
                        connected_since: presence
                            .filter(|presence| presence.connected)
                            .map(|presence| presence.changed_at),
                        peer: presence.and_then(|presence| presence.peer),
                        last_seen: heard.max(state.as_ref().map(|state| state.received_at)),
                        state,
                    }
                },
            )
            .collect())
    }
}
