//! What the gateway tells people about.

use actix_web::{
    get,
    web::{Data, Json, Query},
};
use fleet::{
    access::Reach,
    event::{EventKind, Severity},
    id::{EventId, PumpId},
    text::{AssetTag, SerialNumber},
};
use serde::{Deserialize, Serialize};
use store::{EventFilter, EventListing};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    page::{PageView, limit},
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(event_list);
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
pub(super) struct EventView {
    id: EventId,
    at: DateTime,
    kind: EventKind,
    /// The kind in words.
    label: &'static str,
    severity: Severity,
    pump: Option<PumpId>,
    pump_serial: Option<SerialNumber>,
    asset_tag: Option<AssetTag>,
    /// The particulars, for a person.
    detail: String,
}

impl From<EventListing> for EventView {
    fn from(listing: EventListing) -> Self {
        let EventListing {
            event,
            serial,
            asset_tag,
        } = listing;
        Self {
            id: event.id,
            at: event.at,
            kind: event.kind,
            label: event.kind.label(),
            severity: event.kind.severity(),
            pump: event.pump,
            pump_serial: serial,
            asset_tag,
            detail: event.detail,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct EventQuery {
    /// Of this pump.
    pump: Option<PumpId>,
    /// Of this kind.
    kind: Option<EventKind>,
    /// At least this severe.
    severity: Option<Severity>,
    /// At or after this instant.
    since: Option<DateTime>,
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

type EventPage = PageView<EventView>;

/// What happened, the newest first.
#[utoipa::path(tag = "events", params(EventQuery), responses((status = OK, body = EventPage)))]
#[get("/events")]
async fn event_list(
    api: Data<Api>,
    caller: Caller,
    query: Query<EventQuery>,
) -> Answer<Json<PageView<EventView>>> {
    let limit = limit(query.limit)?;
    let care_areas = match caller.reach {
        Reach::Everywhere => None,
        Reach::CareAreas(areas) => Some(areas),
    };
    let page = api
        .run(move |app| {
            let filter = EventFilter {
                care_areas,
                pump: query.pump,
                kind: query.kind,
                min_severity: query.severity,
                since: query.since,
            };
            app.store
                .read(|db| db.event_list(&filter, query.after.as_deref(), limit))
        })
        .await?;
    Ok(Json(PageView::of(page, EventView::from)))
}
