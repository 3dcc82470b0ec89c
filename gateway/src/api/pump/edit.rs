//! One pump: its record, shown and corrected.

use actix_web::{
    HttpResponse, get, patch,
    web::{Data, Json, Path},
};
use fleet::{
    id::PumpId,
    pump::Udi,
    text::{AssetTag, HardwareId, Name},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    super::{
        Answer, Api,
        caller::Caller,
        double_option,
        etag::{IfMatch, etag},
        problem::Problem,
    },
    PumpPath, single,
    view::PumpView,
};
use crate::command::{self, CommandError, pump::Edit};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(pump_show).service(pump_edit);
}

/// What to correct. Null clears a field; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "nothing: left alone; nothing inside: cleared"
)]
struct PumpEdit {
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<AssetTag>)]
    asset_tag: Option<Option<AssetTag>>,
    /// As printed, with brackets, or as a scanner types it.
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, max_length = 128)]
    udi: Option<Option<String>>,
    /// By name. A name that is not on record becomes a new care area.
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<Name>)]
    care_area: Option<Option<Name>>,
    /// By name, within the care area that the pump then has.
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<Name>)]
    location: Option<Option<Name>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<HardwareId>)]
    hardware_id: Option<Option<HardwareId>>,
}

impl TryFrom<PumpEdit> for Edit {
    type Error = CommandError;

    fn try_from(edit: PumpEdit) -> Result<Self, CommandError> {
        let PumpEdit {
            asset_tag,
            udi,
            care_area,
            location,
            hardware_id,
        } = edit;
        let udi = match udi {
            None => None,
            Some(None) => Some(None),
            Some(Some(text)) => Some(Some(text.parse::<Udi>()?)),
        };
        Ok(Self {
            asset_tag,
            udi,
            care_area,
            location,
            hardware_id,
        })
    }
}

/// One pump.
#[utoipa::path(
    tag = "pumps",
    params(PumpPath),
    responses((status = OK, body = PumpView, headers(("ETag" = String, description = "Name it in `If-Match` to edit"))))
)]
#[get("/pumps/{id}")]
async fn pump_show(api: Data<Api>, path: Path<PumpPath>) -> Answer<HttpResponse> {
    answer(&api, path.id).await
}

/// Corrects a pump's record.
#[utoipa::path(
    tag = "pumps",
    params(PumpPath, ("If-Match" = String, Header, description = "The ETag of the record as you read it")),
    responses(
        (status = OK, body = PumpView, headers(("ETag" = String, description = "Of the record as it is now"))),
        (status = CONFLICT, description = "`pump_retired`"),
        (status = PRECONDITION_FAILED, description = "`stale`: it was changed meanwhile"),
        (status = PRECONDITION_REQUIRED, description = "`precondition_required`"),
    )
)]
#[patch("/pumps/{id}")]
async fn pump_edit(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<PumpPath>,
    IfMatch(seen): IfMatch,
    edit: Json<PumpEdit>,
) -> Answer<HttpResponse> {
    let id = path.id;
    let edit = Edit::try_from(edit.into_inner())?;
    api.run(move |app| command::pump::edit(app, &actor, id, seen, edit))
        .await?;
    answer(&api, id).await
}

/// A pump as it is now, with its entity tag.
async fn answer(api: &Api, id: PumpId) -> Result<HttpResponse, Problem> {
    let view = single(api, id).await?;
    Ok(HttpResponse::Ok()
        .insert_header(etag(view.row_version))
        .json(view))
}
