//! Finding pumps: by filters, by what a scanner reads, all of them as a spreadsheet.

use actix_web::{
    HttpResponse, get,
    http::header,
    web::{Data, Json, Query},
};
use fleet::{
    id::{CareAreaId, ModelId},
    text::Tag,
};
use serde::Deserialize;
use store::{PAGE_MAX, PumpFilter, StoreError};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    super::{
        Answer, Api,
        page::{PageView, limit},
        problem::{Problem, ProblemCode},
    },
    export,
    view::PumpView,
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(pump_list).service(pump_find).service(pump_export);
}

/// No text that is searched for is longer, in characters.
const TEXT_MAX: usize = 128;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PumpQuery {
    /// Part of a serial number, asset tag or model.
    #[param(max_length = 128)]
    text: Option<String>,
    /// Belonging to this care area.
    care_area: Option<CareAreaId>,
    /// Of this model.
    model: Option<ModelId>,
    /// With this tag.
    tag: Option<Tag>,
    /// Held, or not.
    held: Option<bool>,
    /// Connected, or not.
    connected: Option<bool>,
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ExportQuery {
    /// Part of a serial number, asset tag or model.
    #[param(max_length = 128)]
    text: Option<String>,
    /// Belonging to this care area.
    care_area: Option<CareAreaId>,
    /// Of this model.
    model: Option<ModelId>,
    /// With this tag.
    tag: Option<Tag>,
    /// Held, or not.
    held: Option<bool>,
    /// Connected, or not.
    connected: Option<bool>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FindQuery {
    /// A serial number, an asset tag, or a UDI as a scanner types it: whole, not a part.
    #[param(max_length = 128)]
    q: String,
}

fn searched(text: Option<String>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.chars().count() > TEXT_MAX => {
            let detail = format!("the text is longer than {TEXT_MAX} characters; look for less");
            Err(Problem::new(ProblemCode::InvalidValue, detail))
        }
        other => Ok(other.filter(|text| !text.is_empty())),
    }
}

type PumpPage = PageView<PumpView>;

/// Pumps, by serial number.
#[utoipa::path(tag = "pumps", params(PumpQuery), responses((status = OK, body = PumpPage)))]
#[get("/pumps")]
async fn pump_list(api: Data<Api>, query: Query<PumpQuery>) -> Answer<Json<PageView<PumpView>>> {
    let PumpQuery {
        text,
        care_area,
        model,
        tag,
        held,
        connected,
        after,
        limit: wanted,
    } = query.into_inner();
    let limit = limit(wanted)?;
    let filter = PumpFilter {
        text: searched(text)?,
        care_area,
        model,
        tag,
        held,
        connected,
    };
    let page = api
        .run(move |app| {
            app.store
                .read(|db| db.pump_list(&filter, after.as_deref(), limit))
        })
        .await?;
    let present = api.present();
    Ok(Json(PageView::of(page, |listing| PumpView::of(listing, present))))
}

/// The pump with this serial number, asset tag or UDI: several when that is ambiguous, none when there is none.
#[utoipa::path(tag = "pumps", params(FindQuery), responses((status = OK, body = PumpPage)))]
#[get("/pumps/find")]
async fn pump_find(api: Data<Api>, query: Query<FindQuery>) -> Answer<Json<PageView<PumpView>>> {
    let text = searched(Some(query.into_inner().q))?.unwrap_or_default();
    let found = api
        .run(move |app| app.store.read(|db| db.pump_find(text.trim())))
        .await?;
    let present = api.present();
    Ok(Json(PageView::whole(
        found.into_iter().map(|listing| PumpView::of(listing, present)),
    )))
}

/// The pumps that fit, as a spreadsheet (CSV, UTF-8). No cell of it is a formula.
#[utoipa::path(tag = "pumps", params(ExportQuery), responses((status = OK, body = String, content_type = "text/csv")))]
#[get("/pumps/export")]
async fn pump_export(api: Data<Api>, query: Query<ExportQuery>) -> Answer<HttpResponse> {
    let ExportQuery {
        text,
        care_area,
        model,
        tag,
        held,
        connected,
    } = query.into_inner();
    let filter = PumpFilter {
        text: searched(text)?,
        care_area,
        model,
        tag,
        held,
        connected,
    };
    let present = api.present();
    let file = api
        .run(move |app| {
            // One reading: no pump comes twice or is left out because it was renamed between two pages.
            let rows = app.store.read(|db| {
                let mut rows = Vec::new();
                let mut after = None;
                loop {
                    let page = db.pump_list(&filter, after.as_deref(), PAGE_MAX)?;
                    rows.extend(
                        page.items
                            .into_iter()
                            .map(|listing| PumpView::of(listing, present)),
                    );
                    after = page.next;
                    if after.is_none() {
                        return Ok::<_, StoreError>(rows);
                    }
                }
            })?;
            export::csv(&rows)
        })
        .await?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8; header=present")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"pumps.csv\""))
        .body(file))
}
