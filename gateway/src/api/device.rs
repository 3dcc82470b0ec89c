//! Registered devices: ward tablets and bench computers.

use actix_web::{
    HttpResponse, delete, get, post,
    web::{Data, Json, Path},
};
use fleet::{
    id::{CareAreaId, DeviceId},
    text::Name,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use store::DeviceRecord;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    page::{PageView, bounded},
    session::seconds,
};
use crate::command::device;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(device_list)
        .service(device_register)
        .service(device_remove);
}

/// A registered device.
#[derive(Serialize, ToSchema)]
struct DeviceView {
    id: DeviceId,
    name: Name,
    care_area: Option<CareAreaId>,
    /// Seconds without a sign of life that sign a person out on it.
    idle_seconds: i64,
    registered_at: DateTime,
}

impl From<DeviceRecord> for DeviceView {
    fn from(device: DeviceRecord) -> Self {
        Self {
            id: device.id,
            name: device.name,
            care_area: device.care_area,
            idle_seconds: device.idle_seconds,
            registered_at: device.registered_at,
        }
    }
}

type DevicePage = PageView<DeviceView>;

/// The devices, by name.
#[utoipa::path(tag = "devices", responses((status = OK, body = DevicePage)))]
#[get("/devices")]
async fn device_list(api: Data<Api>) -> Answer<Json<PageView<DeviceView>>> {
    let devices = api.run(|app| app.store.read(|db| db.device_list())).await?;
    Ok(Json(PageView::whole(devices.into_iter().map(DeviceView::from))))
}

/// A device to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDevice {
    #[schema(example = "Tablet 4 West 2")]
    name: Name,
    /// Where it belongs.
    care_area: Option<CareAreaId>,
    /// Seconds without a sign of life that sign a person out on it: short where many hands use it.
    #[schema(minimum = 60, maximum = 43200, default = 180)]
    idle_seconds: Option<u32>,
}

/// A registered device, and its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
struct RegisteredView {
    device: DeviceView,
    /// To be kept on the device, and sent as `device` at sign-in.
    secret: String,
}

/// Short: on a ward somebody else picks the tablet up next.
const IDLE_DEFAULT: u32 = 180;

/// Registers a device, by whose name the record says where something was done.
#[utoipa::path(
    tag = "devices",
    responses(
        (status = CREATED, body = RegisteredView),
        (status = CONFLICT, description = "`conflict`: another device has or had the name"),
    )
)]
#[post("/devices")]
async fn device_register(api: Data<Api>, caller: Caller, new: Json<NewDevice>) -> Answer<HttpResponse> {
    let new = new.into_inner();
    let idle = bounded(
        "idle_seconds",
        new.idle_seconds.unwrap_or(IDLE_DEFAULT),
        60,
        43_200,
    )?;
    let wanted = device::Wanted {
        name: new.name,
        care_area: new.care_area,
        idle: seconds(idle),
    };
    let (device, secret) = api
        .run(move |app| device::register(app, &caller.actor, wanted))
        .await?;
    Ok(HttpResponse::Created().json(RegisteredView {
        device: device.into(),
        secret: secret.expose_secret().to_owned(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct DevicePath {
    /// Which device.
    id: DeviceId,
}

/// Takes a device off. Whoever is signed in on it is signed out.
#[utoipa::path(
    tag = "devices",
    params(DevicePath),
    responses((status = NO_CONTENT, description = "It is registered no longer"))
)]
#[delete("/devices/{id}")]
async fn device_remove(api: Data<Api>, caller: Caller, path: Path<DevicePath>) -> Answer<HttpResponse> {
    api.run(move |app| device::remove(app, &caller.actor, path.id))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
