//! What people were told.

use std::collections::BTreeSet;

use diesel::{prelude::*, sql_types::Nullable};
use fleet::{
    Timestamp,
    event::{Event, EventKind, Severity},
    id::{CareAreaId, EventId, PumpId},
    text::{AssetTag, SerialNumber},
};

use crate::{
    Db, Page, StoreError,
    bulk::{bulk, bulk_row},
    error::Attempt,
    page::{cut, read_time_marker, rows_for, time_marker},
    schema::{events, pumps},
    sql::{Id, Utc, Val, Words},
};

/// Which events to list; nothing set lists all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Of this pump.
    pub pump: Option<PumpId>,
    /// Of this kind.
    pub kind: Option<EventKind>,
    /// At least this severe.
    pub min_severity: Option<Severity>,
    /// At or after this instant.
    pub since: Option<Timestamp>,
    /// Only about pumps in these care areas.
    pub care_areas: Option<BTreeSet<CareAreaId>>,
}

/// An event, with the names of its pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventListing {
    /// The event.
    pub event: Event,
    /// The pump's serial number, if it is about one.
    pub serial: Option<SerialNumber>,
    /// The pump's asset tag, if it has one.
    pub asset_tag: Option<AssetTag>,
}

bulk_row!(Event, |row|
    Id: &row.id,
    Utc: &row.at,
    Words: &row.kind,
    Nullable<Id>: &row.pump,
    Words: &row.detail,
);

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct EventRow {
    id: EventId,
    at: Timestamp,
    kind: EventKind,
    pump: Option<PumpId>,
    detail: String,
}

impl Db<'_> {
    /// Puts events on record.
    pub fn event_record(&mut self, events: &[Event]) -> Result<(), StoreError> {
        bulk(
            self.connection,
            "INSERT INTO events (id, at, kind, pump, detail) VALUES ",
            events,
            "",
        )
        .map(drop)
        .attempt("put events on record")
    }

    /// Events, the newest first.
    pub fn event_list(
        &mut self,
        filter: &EventFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<EventListing>, StoreError> {
        let mut query = events::table
            .left_join(pumps::table)
            .select((
                EventRow::as_select(),
                pumps::serial.nullable(),
                pumps::asset_tag.nullable(),
            ))
            .into_boxed();
        if let Some(pump) = filter.pump {
            query = query.filter(events::pump.eq(Val(Some(pump))));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(events::kind.eq(Val(kind)));
        }
        if let Some(least) = filter.min_severity {
            let kinds = EventKind::ALL
                .iter()
                .copied()
                .filter(move |kind| kind.severity() >= least)
                .map(Val);
            query = query.filter(events::kind.eq_any(kinds.collect::<Vec<_>>()));
        }
        if let Some(since) = filter.since {
            query = query.filter(events::at.ge(Val(since)));
        }
        if let Some(areas) = &filter.care_areas {
            let areas: Vec<_> = areas.iter().map(|area| Val(Some(*area))).collect();
            query = query.filter(pumps::care_area.eq_any(areas));
        }
        if let Some(marker) = after {
            let (at, id) = read_time_marker::<EventId>(marker)?;
            query = query.filter(
                events::at
                    .lt(Val(at))
                    .or(events::at.eq(Val(at)).and(events::id.lt(Val(id)))),
            );
        }
        let rows = query
            .order((events::at.desc(), events::id.desc()))
            .limit(rows_for(limit))
            .load::<(EventRow, Option<SerialNumber>, Option<AssetTag>)>(self.connection)
            .attempt("list events")?;
        let page = cut(rows, limit, |(row, ..)| time_marker(row.at, row.id));
        Ok(page.map(|(row, serial, asset_tag)| EventListing {
            event: Event {
                id: row.id,
                at: row.at,
                kind: row.kind,
                pump: row.pump,
                detail: row.detail,
            },
            serial,
            asset_tag,
        }))
    }
}
