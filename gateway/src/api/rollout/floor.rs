//! Ward floors: how many pumps of a model a care area keeps in service (S5).

use actix_web::{
    HttpResponse, get, put,
    web::{Data, Json},
};
use fleet::id::{CareAreaId, ModelId};
use serde::{Deserialize, Serialize};
use store::StoreError;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    api::{Answer, Api, caller::Caller},
    command::{CommandError, rollout},
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(ward_floor_list).service(ward_floor_set);
}

/// How many pumps of a model a care area keeps in service.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FloorView {
    care_area: CareAreaId,
    model: ModelId,
    /// So many at least; 0 takes the floor away.
    #[schema(maximum = 100_000)]
    keep: u32,
}

/// Every ward floor.
#[derive(Serialize, ToSchema)]
struct FloorsView {
    items: Vec<FloorView>,
}

/// Every ward floor.
#[utoipa::path(tag = "rollouts", responses((status = OK, body = FloorsView)))]
#[get("/ward-floors")]
async fn ward_floor_list(api: Data<Api>) -> Answer<Json<FloorsView>> {
    let rows = api.run(|app| app.store.read(|db| db.ward_floor_list())).await?;
    let items = rows.into_iter().map(|row| FloorView {
        care_area: row.care_area,
        model: row.model,
        keep: u32::try_from(row.keep).unwrap_or(u32::MAX),
    });
    Ok(Json(FloorsView {
        items: items.collect(),
    }))
}

/// Sets how many pumps of a model a care area keeps in service.
#[utoipa::path(
    tag = "rollouts",
    responses((status = NO_CONTENT), (status = NOT_FOUND, description = "`not_found`: no such care area or model"))
)]
#[put("/ward-floors")]
async fn ward_floor_set(api: Data<Api>, caller: Caller, floor: Json<FloorView>) -> Answer<HttpResponse> {
    let FloorView {
        care_area,
        model,
        keep,
    } = floor.into_inner();
    api.run(move |app| -> Result<(), CommandError> {
        let (areas, models) = app
            .store
            .read(|db| Ok((db.care_area_list()?, db.model_list()?)))?;
        if !areas.iter().any(|area| area.id == care_area) {
            return Err(StoreError::NotFound {
                what: "care area",
                id: care_area.to_string(),
            }
            .into());
        }
        let model = models
            .iter()
            .find(|known| known.id == model)
            .ok_or(StoreError::NotFound {
                what: "model",
                id: model.to_string(),
            })?;
        rollout::floor_set(app, &caller.actor, care_area, model, keep)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
