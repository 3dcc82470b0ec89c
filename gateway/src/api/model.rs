//! Models of pump: their device identifiers, and until when their manufacturers support them.

use actix_web::{
    get, patch,
    web::{Data, Json, Path},
};
use chrono::NaiveDate;
use fleet::{
    id::ModelId,
    pump::{Support, SupportStage, Udi},
    text::Name,
};
use serde::{Deserialize, Serialize};
use store::ModelRecord;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api, caller::Caller, double_option, page::PageView};
use crate::command::{
    CommandError,
    model::{self, ModelEdit},
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(model_list).service(model_edit);
}

/// Until when a manufacturer supports a model. Each date is the last day, by the clocks on the hospital's walls.
#[derive(Serialize, ToSchema)]
pub(super) struct SupportView {
    pub(super) stage: SupportStage,
    /// The stage in the words of a screen.
    pub(super) stage_label: &'static str,
    /// Until its end of life everything is mended; null where nobody knows.
    pub(super) full_until: Option<NaiveDate>,
    /// Until its end of support something is; past it no release is rolled out to its pumps. Null where nobody knows.
    pub(super) until: Option<NaiveDate>,
}

impl SupportView {
    /// As it is on a day.
    pub(super) fn on(support: Support, day: NaiveDate) -> Self {
        let Support { full_until, until } = support;
        let stage = support.on(day);
        Self {
            stage,
            stage_label: stage.label(),
            full_until,
            until,
        }
    }
}

/// A model of pump.
#[derive(Serialize, ToSchema)]
struct ModelView {
    id: ModelId,
    name: Name,
    manufacturer: Name,
    /// The device identifier (AI 01) of its UDI, where it is known.
    udi_device_identifier: Option<String>,
    support: SupportView,
}

impl ModelView {
    fn of(record: ModelRecord, day: NaiveDate) -> Self {
        let ModelRecord {
            id,
            manufacturer: _,
            manufacturer_name,
            name,
            udi_di,
            support,
        } = record;
        Self {
            id,
            name,
            manufacturer: manufacturer_name,
            udi_device_identifier: udi_di,
            support: SupportView::on(support, day),
        }
    }
}

/// What is known of a model. Null clears a field; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "nothing: left alone; nothing inside: cleared"
)]
struct ModelChange {
    /// 14 digits with their check digit, or a whole UDI as a person scans it off any pump of the model.
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, max_length = 128)]
    udi_device_identifier: Option<Option<String>>,
    /// The last day on which everything is mended (end of life).
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<NaiveDate>)]
    full_support_until: Option<Option<NaiveDate>>,
    /// The last day on which anything is (end of support).
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<NaiveDate>)]
    support_until: Option<Option<NaiveDate>>,
}

impl TryFrom<ModelChange> for ModelEdit {
    type Error = CommandError;

    fn try_from(change: ModelChange) -> Result<Self, CommandError> {
        let ModelChange {
            udi_device_identifier,
            full_support_until,
            support_until,
        } = change;
        let device_identifier = match udi_device_identifier {
            None => None,
            Some(None) => Some(None),
            Some(Some(text)) => Some(Some(Udi::read_device_identifier(&text)?)),
        };
        Ok(Self {
            device_identifier,
            full_support_until,
            support_until,
        })
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ModelPath {
    /// Which model.
    id: ModelId,
}

type ModelPage = PageView<ModelView>;

/// Every model, by manufacturer and name.
#[utoipa::path(tag = "places", responses((status = OK, body = ModelPage)))]
#[get("/models")]
async fn model_list(api: Data<Api>) -> Answer<Json<PageView<ModelView>>> {
    let all = api.run(|app| app.store.read(|db| db.model_list())).await?;
    let day = api.day();
    Ok(Json(PageView::whole(
        all.into_iter().map(|model| ModelView::of(model, day)),
    )))
}

/// Says what is known of a model: its device identifier, and until when it is supported.
#[utoipa::path(tag = "places", params(ModelPath), responses((status = OK, body = ModelView)))]
#[patch("/models/{id}")]
async fn model_edit(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<ModelPath>,
    change: Json<ModelChange>,
) -> Answer<Json<ModelView>> {
    let edit = ModelEdit::try_from(change.into_inner())?;
    let edited = api
        .run(move |app| model::edit(app, &actor, path.id, edit))
        .await?;
    Ok(Json(ModelView::of(edited, api.day())))
}
