//! What is done to one wave: its briefing is read, its pumps go back to the old version.

use actix_web::{
    HttpResponse, post,
    web::{Data, Json, Path},
};
use fleet::{
    id::{CareAreaId, WaveId},
    text::Reason,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    api::{Answer, Api, caller::Caller},
    command::rollout,
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(wave_briefing_read).service(wave_roll_back);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WavePath {
    /// The wave.
    id: WaveId,
}

/// Who read a briefing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBriefing {
    /// The care area in which you work.
    care_area: CareAreaId,
}

/// Says that you read what the update changes at the bedside.
#[utoipa::path(
    tag = "rollouts",
    params(WavePath),
    responses((status = NO_CONTENT), (status = NOT_FOUND, description = "`not_found`"))
)]
#[post("/waves/{id}/briefing")]
async fn wave_briefing_read(
    api: Data<Api>,
    caller: Caller,
    path: Path<WavePath>,
    new: Json<NewBriefing>,
) -> Answer<HttpResponse> {
    let (wave, care_area) = (path.id, new.care_area);
    api.run(move |app| rollout::briefing_read(app, &caller.actor, wave, care_area))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Why the old version is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWaveRollBack {
    reason: Reason,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
struct WaveRollBackView {
    /// So many pumps go back, each when it is free and where its security counter allows.
    asked: usize,
    /// Whether the rollout was halted by this.
    halted: bool,
}

/// Asks for the old version of every pump of a wave that has the new one, and halts its rollout if it runs.
#[utoipa::path(
    tag = "rollouts",
    params(WavePath),
    responses(
        (status = OK, body = WaveRollBackView),
        (status = NOT_FOUND, description = "`not_found`"),
        (status = CONFLICT, description = "`not_under_test`: no pump of it has an update to go back from"),
    )
)]
#[post("/waves/{id}/roll-back")]
async fn wave_roll_back(
    api: Data<Api>,
    caller: Caller,
    path: Path<WavePath>,
    new: Json<NewWaveRollBack>,
) -> Answer<Json<WaveRollBackView>> {
    let (wave, reason) = (path.id, new.into_inner().reason);
    let done = api
        .run(move |app| rollout::wave_roll_back(app, &caller.actor, wave, &reason))
        .await?;
    Ok(Json(WaveRollBackView {
        asked: done.asked,
        halted: done.halted,
    }))
}
