//! The pumps the hospital expects.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, delete,
    dev::Payload,
    get, post,
    web::{Bytes, Data, Json, Path, Query},
};
use fleet::{
    id::{CareAreaId, ExpectedPumpId, LocationId, ModelId},
    inventory::{COLUMNS, ExpectedPump, ImportAction, ImportPlan},
    pump::MacAddress,
    text::{AssetTag, HardwareId, Name, SerialNumber},
};
use serde::{Deserialize, Serialize};
use store::{CareAreaRecord, Db, LocationRecord, ModelRecord, StoreError};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    page::{PageView, limit},
    problem::{Problem, ProblemCode},
    refusal,
};
use crate::command::expected;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(expected_list)
        .service(expected_columns)
        .service(expected_import)
        .service(expected_remove);
}

/// A pump that the hospital expects to see.
#[derive(Serialize, ToSchema)]
struct ExpectedView {
    id: ExpectedPumpId,
    serial: SerialNumber,
    manufacturer: Option<Name>,
    model: Option<Name>,
    asset_tag: Option<AssetTag>,
    /// As printed, with brackets.
    udi: Option<String>,
    hardware_id: Option<HardwareId>,
    #[schema(value_type = Vec<String>)]
    macs: Vec<MacAddress>,
    care_area: Option<Name>,
    location: Option<Name>,
    /// Since when it is on the list.
    listed_at: DateTime,
}

/// The names behind ids.
struct Names {
    models: Vec<ModelRecord>,
    care_areas: Vec<CareAreaRecord>,
    locations: Vec<LocationRecord>,
}

impl Names {
    fn read(db: &mut Db<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            models: db.model_list()?,
            care_areas: db.care_area_list()?,
            locations: db.location_list()?,
        })
    }

    fn model(&self, id: ModelId) -> Option<&ModelRecord> {
        self.models.iter().find(|model| model.id == id)
    }

    fn care_area(&self, id: CareAreaId) -> Option<Name> {
        self.care_areas
            .iter()
            .find(|area| area.id == id)
            .map(|area| area.name.clone())
    }

    fn location(&self, id: LocationId) -> Option<Name> {
        self.locations
            .iter()
            .find(|location| location.id == id)
            .map(|location| location.name.clone())
    }

    fn view(&self, pump: ExpectedPump) -> ExpectedView {
        let model = self.model(pump.model);
        ExpectedView {
            id: pump.id,
            serial: pump.serial,
            manufacturer: model.map(|model| model.manufacturer_name.clone()),
            model: model.map(|model| model.name.clone()),
            asset_tag: pump.asset_tag,
            udi: pump.udi.map(|udi| udi.to_string()),
            hardware_id: pump.hardware_id,
            macs: pump.macs,
            care_area: pump.care_area.and_then(|id| self.care_area(id)),
            location: pump.location.and_then(|id| self.location(id)),
            listed_at: pump.listed_at,
        }
    }
}

/// A column of the file that is imported.
#[derive(Serialize, ToSchema)]
struct ColumnView {
    name: &'static str,
    required: bool,
    /// Other heads that are understood.
    also: &'static [&'static str],
    meaning: &'static str,
}

/// What an import did or, in a dry run, would do.
#[derive(Serialize, ToSchema)]
struct ImportView {
    /// Nothing was changed.
    dry_run: bool,
    added: usize,
    changed: usize,
    unchanged: usize,
    /// The first lines of the file that do something.
    lines: Vec<LineView>,
}

/// What a line does.
#[derive(Serialize, ToSchema)]
struct LineView {
    /// Line of the file; the header is line 1.
    line: u64,
    action: ImportAction,
    serial: SerialNumber,
}

/// So many lines are shown one by one.
const LINES_MAX: usize = 1_000;

impl ImportView {
    fn of(plan: ImportPlan, dry_run: bool) -> Self {
        Self {
            dry_run,
            added: plan.count(ImportAction::Add),
            changed: plan.count(ImportAction::Change),
            unchanged: plan.count(ImportAction::Keep),
            lines: plan
                .lines
                .into_iter()
                .filter(|(action, _)| *action != ImportAction::Keep)
                .take(LINES_MAX)
                .map(|(action, row)| LineView {
                    line: row.line,
                    action,
                    serial: row.serial,
                })
                .collect(),
        }
    }
}

/// A file that says it is CSV.
struct CsvFile(Bytes);

impl FromRequest for CsvFile {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.content_type().eq_ignore_ascii_case("text/csv") {
            let problem = Problem::new(ProblemCode::UnsupportedMediaType, "send `Content-Type: text/csv`");
            return Box::pin(async { Err(problem) });
        }
        let body = Bytes::from_request(request, payload);
        Box::pin(async { body.await.map(Self).map_err(|error| refusal::body(&error)) })
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ExpectedQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    /// Only say what would be done. Unless it is false, nothing is imported.
    #[param(default = true)]
    dry_run: Option<bool>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ExpectedPath {
    /// Which line of the list.
    id: ExpectedPumpId,
}

type ExpectedPage = PageView<ExpectedView>;
type ColumnPage = PageView<ColumnView>;

/// The pumps the hospital expects, by serial number.
#[utoipa::path(tag = "expected", params(ExpectedQuery), responses((status = OK, body = ExpectedPage)))]
#[get("/expected")]
async fn expected_list(api: Data<Api>, query: Query<ExpectedQuery>) -> Answer<Json<PageView<ExpectedView>>> {
    let limit = limit(query.limit)?;
    let (page, names) = api
        .run(move |app| {
            app.store
                .read(|db| Ok((db.expected_list(query.after.as_deref(), limit)?, Names::read(db)?)))
        })
        .await?;
    Ok(Json(PageView::of(page, |pump| names.view(pump))))
}

/// The columns of the file that is imported.
#[utoipa::path(tag = "expected", responses((status = OK, body = ColumnPage)))]
#[get("/expected/columns")]
async fn expected_columns() -> Json<PageView<ColumnView>> {
    let views = COLUMNS.iter().map(|column| ColumnView {
        name: column.name,
        required: column.required,
        also: column.also,
        meaning: column.meaning,
    });
    Json(PageView::whole(views))
}

/// Imports a list of expected pumps from a CSV file: all of it, or nothing. Without `dry_run=false` it only says what it would
/// do. A file never removes anything from the list.
#[utoipa::path(
    tag = "expected",
    params(ImportQuery),
    request_body(content = String, content_type = "text/csv", description = "At most 16 MiB and 100,000 pumps"),
    responses(
        (status = OK, body = ImportView),
        (status = UNPROCESSABLE_ENTITY, description = "`csv_problems`: `problems` names line and column of each"),
    )
)]
#[post("/expected/import")]
async fn expected_import(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    query: Query<ImportQuery>,
    file: CsvFile,
) -> Answer<Json<ImportView>> {
    let dry_run = query.dry_run.unwrap_or(true);
    let plan = api
        .run(move |app| {
            if dry_run {
                expected::import_preview(app, &file.0)
            } else {
                expected::import(app, &actor, &file.0)
            }
        })
        .await?;
    Ok(Json(ImportView::of(plan, dry_run)))
}

/// Takes a pump off the list. Its record, if it enrolled, stays.
#[utoipa::path(tag = "expected", params(ExpectedPath), responses((status = NO_CONTENT, description = "It is off the list")))]
#[delete("/expected/{id}")]
async fn expected_remove(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<ExpectedPath>,
) -> Answer<HttpResponse> {
    api.run(move |app| expected::remove(app, &actor, path.id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
