//! What is done to one pump of a rollout: its checks are entered, it goes back, is tried again, or is taken out.

use actix_web::{
    HttpResponse, post,
    web::{Data, Json, Path},
};
use fleet::{
    check::Reading,
    id::{PumpId, RolloutId},
    text::{CheckId, InstrumentId, Reason},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    api::{Answer, Api, caller::Caller},
    command::rollout::{self, BenchReading},
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(pump_check_enter)
        .service(pump_roll_back)
        .service(pump_try_again)
        .service(pump_take_out);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PumpPath {
    /// The pump.
    id: PumpId,
}

/// What a check at the bench read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewReading {
    #[schema(value_type = String)]
    check: CheckId,
    /// What was read; left out when the check was not run.
    #[schema(value_type = Option<Object>)]
    reading: Option<Reading>,
    instrument: Option<NewInstrument>,
}

/// With what it was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInstrument {
    /// The number on its label.
    #[schema(value_type = String)]
    id: InstrumentId,
    /// The last day on which its calibration is good.
    #[schema(value_type = String, format = Date)]
    calibrated_until: chrono::NaiveDate,
}

impl From<NewReading> for BenchReading {
    fn from(new: NewReading) -> Self {
        Self {
            check: new.check,
            reading: new.reading,
            instrument: new
                .instrument
                .map(|instrument| (instrument.id, instrument.calibrated_until)),
        }
    }
}

/// Enters what a check of a pump read at the bench, after its update.
#[utoipa::path(
    tag = "rollouts",
    params(PumpPath),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "`not_found`"),
        (status = CONFLICT, description = "`not_under_test`: it has no update to prove"),
    )
)]
#[post("/pumps/{id}/checks")]
async fn pump_check_enter(
    api: Data<Api>,
    caller: Caller,
    path: Path<PumpPath>,
    new: Json<NewReading>,
) -> Answer<HttpResponse> {
    let (pump, bench) = (path.id, new.into_inner().into());
    api.run(move |app| rollout::check_enter(app, &caller.actor, pump, &bench))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Why the old version is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRollBack {
    reason: Reason,
}

/// Asks for a pump's old version. It goes back when it is free, and where its security counter allows.
#[utoipa::path(
    tag = "rollouts",
    params(PumpPath),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "`not_found`"),
        (status = CONFLICT, description = "`not_under_test`: it has no update to go back from"),
    )
)]
#[post("/pumps/{id}/roll-back")]
async fn pump_roll_back(
    api: Data<Api>,
    caller: Caller,
    path: Path<PumpPath>,
    new: Json<NewRollBack>,
) -> Answer<HttpResponse> {
    let (pump, reason) = (path.id, new.into_inner().reason);
    api.run(move |app| rollout::roll_back(app, &caller.actor, pump, &reason))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is wanted of a pump, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPumpWish {
    reason: Reason,
    /// In which rollout; where it is left out, the newest that fits.
    rollout: Option<RolloutId>,
}

/// Tries a pump again that its rollout left behind, or that was taken out. Its time runs anew.
#[utoipa::path(
    tag = "rollouts",
    params(PumpPath),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "`not_found`"),
        (status = CONFLICT, description = "`not_under_test`: no rollout under way has left it behind"),
    )
)]
#[post("/pumps/{id}/try-again")]
async fn pump_try_again(
    api: Data<Api>,
    caller: Caller,
    path: Path<PumpPath>,
    new: Json<NewPumpWish>,
) -> Answer<HttpResponse> {
    let (pump, NewPumpWish { reason, rollout: of }) = (path.id, new.into_inner());
    api.run(move |app| rollout::try_again(app, &caller.actor, pump, of, &reason))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes a pump out of its rollout. A ticket that is out is taken back first; what installs comes to its end, and a failure stays one.
#[utoipa::path(
    tag = "rollouts",
    params(PumpPath),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "`not_found`"),
        (status = CONFLICT, description = "`not_under_test`: no rollout under way waits for it"),
    )
)]
#[post("/pumps/{id}/take-out")]
async fn pump_take_out(
    api: Data<Api>,
    caller: Caller,
    path: Path<PumpPath>,
    new: Json<NewPumpWish>,
) -> Answer<HttpResponse> {
    let (pump, NewPumpWish { reason, rollout: of }) = (path.id, new.into_inner());
    api.run(move |app| rollout::take_out(app, &caller.actor, pump, of, &reason))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
