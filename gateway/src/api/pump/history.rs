//! What a pump said, what it was issued, and what happened to it.

use actix_web::{
    get,
    web::{Data, Json, Path, Query},
};
use chrono::TimeDelta;
use fleet::{access::Permission, id::ReportId};
use serde::{Deserialize, Serialize};
use store::{EventFilter, ReportRow};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    super::{
        Answer, Api, DateTime,
        caller::Caller,
        certificate::CertificateView,
        event::EventView,
        page::{PageView, limit},
        problem::{Problem, ProblemCode},
    },
    PumpPath,
    view::StateView,
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(pump_telemetry_list)
        .service(pump_certificate_list)
        .service(pump_event_list)
        .service(pump_report_list);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TelemetryQuery {
    /// Not before; a day before `to` where it is not given.
    from: Option<DateTime>,
    /// Not after; now where it is not given.
    to: Option<DateTime>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ReportQuery {
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct EventQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// A report of a pump.
#[derive(Serialize, ToSchema)]
struct ReportView {
    id: ReportId,
    /// Counts the pump's reports from 1; a number that is missing is a report that is.
    seq: i64,
    /// By the pump's clock.
    at: DateTime,
    /// By ours.
    received_at: DateTime,
    kind: String,
    /// What it says: see the schema of `up/report`.
    body: serde_json::Value,
}

impl From<ReportRow> for ReportView {
    fn from(report: ReportRow) -> Self {
        let ReportRow {
            pump: _,
            id,
            seq,
            at,
            received_at,
            kind,
            body,
        } = report;
        Self {
            id,
            seq,
            at,
            received_at,
            kind,
            body,
        }
    }
}

type StatePage = PageView<StateView>;
type CertificatePage = PageView<CertificateView>;
type EventPage = PageView<EventView>;
type ReportPage = PageView<ReportView>;

/// What a pump said of its state over time. Older samples are kept less densely.
#[utoipa::path(tag = "pumps", params(PumpPath, TelemetryQuery), responses((status = OK, body = StatePage)))]
#[get("/pumps/{id}/telemetry")]
async fn pump_telemetry_list(
    api: Data<Api>,
    path: Path<PumpPath>,
    query: Query<TelemetryQuery>,
) -> Answer<Json<PageView<StateView>>> {
    let limit = limit(query.limit)?;
    let now = api.0.app.now();
    let to = query.to.unwrap_or(now);
    let from = query
        .from
        .or_else(|| to.checked_sub_signed(TimeDelta::days(1)))
        .unwrap_or(to);
    if from > to {
        return Err(Problem::new(
            ProblemCode::InvalidValue,
            "`from` is later than `to`; exchange them",
        ));
    }
    let states = api
        .run(move |app| {
            app.store.read(|db| {
                db.pump_fetch(path.id)?;
                db.telemetry_history(path.id, from, to, limit)
            })
        })
        .await?;
    Ok(Json(PageView::whole(
        states.into_iter().map(|state| StateView::of(state, now)),
    )))
}

/// The certificates a pump was issued.
#[utoipa::path(tag = "pumps", params(PumpPath), responses((status = OK, body = CertificatePage)))]
#[get("/pumps/{id}/certificates")]
async fn pump_certificate_list(
    api: Data<Api>,
    path: Path<PumpPath>,
) -> Answer<Json<PageView<CertificateView>>> {
    let now = api.0.app.now();
    let certificates = api
        .run(move |app| {
            app.store.read(|db| {
                db.pump_fetch(path.id)?;
                db.certificate_of_pump(path.id)
            })
        })
        .await?;
    let views = certificates
        .into_iter()
        .map(|certificate| CertificateView::of(certificate, now));
    Ok(Json(PageView::whole(views)))
}

/// What happened to a pump, the newest first.
#[utoipa::path(tag = "pumps", params(PumpPath, EventQuery), responses((status = OK, body = EventPage)))]
#[get("/pumps/{id}/events")]
async fn pump_event_list(
    api: Data<Api>,
    caller: Caller,
    path: Path<PumpPath>,
    query: Query<EventQuery>,
) -> Answer<Json<PageView<EventView>>> {
    let limit = limit(query.limit)?;
    let page = api
        .run(move |app| {
            let filter = EventFilter {
                pump: Some(path.id),
                ..EventFilter::default()
            };
            let care_area = app.store.read(|db| Ok(db.pump_fetch(path.id)?.care_area))?;
            caller.within(Permission::EventRead, care_area)?;
            let events = app
                .store
                .read(|db| db.event_list(&filter, query.after.as_deref(), limit))?;
            Ok::<_, Problem>(events)
        })
        .await?;
    Ok(Json(PageView::of(page, EventView::from)))
}

/// A pump's reports, the newest first.
#[utoipa::path(tag = "pumps", params(PumpPath, ReportQuery), responses((status = OK, body = ReportPage)))]
#[get("/pumps/{id}/reports")]
async fn pump_report_list(
    api: Data<Api>,
    path: Path<PumpPath>,
    query: Query<ReportQuery>,
) -> Answer<Json<PageView<ReportView>>> {
    let limit = limit(query.limit)?;
    let reports = api
        .run(move |app| {
            app.store.read(|db| {
                db.pump_fetch(path.id)?;
                db.report_list(path.id, limit)
            })
        })
        .await?;
    Ok(Json(PageView::whole(reports.into_iter().map(ReportView::from))))
}
