//! Where pumps belong, and who makes them.

use actix_web::{
    HttpResponse, get, patch, post,
    web::{Data, Json, Path},
};
use fleet::{
    id::{CareAreaId, LocationId, ManufacturerId},
    text::{Contact, Name},
};
use serde::{Deserialize, Serialize};
use store::{CareAreaRecord, LocationRecord, ManufacturerRecord};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api, caller::Caller, double_option, page::PageView};
use crate::command::place::{self, ContactEdit};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(care_area_list)
        .service(care_area_create)
        .service(care_area_rename)
        .service(location_list)
        .service(location_create)
        .service(manufacturer_list)
        .service(manufacturer_edit);
}

/// A ward or unit.
#[derive(Serialize, ToSchema)]
struct CareAreaView {
    id: CareAreaId,
    name: Name,
}

impl From<CareAreaRecord> for CareAreaView {
    fn from(CareAreaRecord { id, name }: CareAreaRecord) -> Self {
        Self { id, name }
    }
}

/// A place where pumps are kept.
#[derive(Serialize, ToSchema)]
struct LocationView {
    id: LocationId,
    name: Name,
    /// Whose it is; null means biomed's.
    care_area: Option<Name>,
}

/// Who makes pumps, and how to reach them.
#[derive(Serialize, ToSchema)]
struct ManufacturerView {
    id: ManufacturerId,
    name: Name,
    email: Option<Contact>,
    phone: Option<Contact>,
    web: Option<Contact>,
}

impl From<ManufacturerRecord> for ManufacturerView {
    fn from(record: ManufacturerRecord) -> Self {
        let ManufacturerRecord {
            id,
            name,
            email,
            phone,
            web,
        } = record;
        Self {
            id,
            name,
            email,
            phone,
            web,
        }
    }
}

/// A name to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Naming {
    name: Name,
}

/// A place to name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLocation {
    name: Name,
    /// Whose it is; without one it is biomed's.
    care_area: Option<Name>,
}

/// How to reach a manufacturer. Null clears a field; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "nothing: left alone; nothing inside: cleared"
)]
struct NewContact {
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<Contact>)]
    email: Option<Option<Contact>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<Contact>)]
    phone: Option<Option<Contact>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<Contact>)]
    web: Option<Option<Contact>>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CareAreaPath {
    /// Which care area.
    id: CareAreaId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ManufacturerPath {
    /// Which manufacturer.
    id: ManufacturerId,
}

type CareAreaPage = PageView<CareAreaView>;
type LocationPage = PageView<LocationView>;
type ManufacturerPage = PageView<ManufacturerView>;

/// Every care area, by name.
#[utoipa::path(tag = "places", responses((status = OK, body = CareAreaPage)))]
#[get("/care-areas")]
async fn care_area_list(api: Data<Api>) -> Answer<Json<PageView<CareAreaView>>> {
    let all = api.run(|app| app.store.read(|db| db.care_area_list())).await?;
    Ok(Json(PageView::whole(all.into_iter().map(CareAreaView::from))))
}

/// Names a care area. One of that name may be there already.
#[utoipa::path(tag = "places", responses((status = CREATED, body = CareAreaView)))]
#[post("/care-areas")]
async fn care_area_create(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    naming: Json<Naming>,
) -> Answer<HttpResponse> {
    let Naming { name } = naming.into_inner();
    let view = api
        .run(move |app| place::care_area_create(app, &actor, &name).map(|id| CareAreaView { id, name }))
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// Gives a care area another name.
#[utoipa::path(
    tag = "places",
    params(CareAreaPath),
    responses((status = OK, body = CareAreaView), (status = CONFLICT, description = "`conflict`: another has that name"))
)]
#[patch("/care-areas/{id}")]
async fn care_area_rename(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<CareAreaPath>,
    naming: Json<Naming>,
) -> Answer<Json<CareAreaView>> {
    let Naming { name } = naming.into_inner();
    let id = path.id;
    let renamed = api
        .run(move |app| place::care_area_rename(app, &actor, id, &name).map(|()| CareAreaView { id, name }))
        .await?;
    Ok(Json(renamed))
}

/// Every location, by name.
#[utoipa::path(tag = "places", responses((status = OK, body = LocationPage)))]
#[get("/locations")]
async fn location_list(api: Data<Api>) -> Answer<Json<PageView<LocationView>>> {
    let (areas, all) = api
        .run(|app| {
            app.store
                .read(|db| Ok((db.care_area_list()?, db.location_list()?)))
        })
        .await?;
    let area = |id: CareAreaId| {
        areas
            .iter()
            .find(|area| area.id == id)
            .map(|area| area.name.clone())
    };
    let views = all
        .into_iter()
        .map(|LocationRecord { id, care_area, name }| LocationView {
            id,
            name,
            care_area: care_area.and_then(area),
        });
    Ok(Json(PageView::whole(views)))
}

/// Names a location. One of that name may be there already.
#[utoipa::path(tag = "places", responses((status = CREATED, body = LocationView)))]
#[post("/locations")]
async fn location_create(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    new: Json<NewLocation>,
) -> Answer<HttpResponse> {
    let NewLocation { name, care_area } = new.into_inner();
    let view = api
        .run(move |app| {
            place::location_create(app, &actor, &name, care_area.as_ref()).map(|id| LocationView {
                id,
                name,
                care_area,
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// Every manufacturer, by name.
#[utoipa::path(tag = "places", responses((status = OK, body = ManufacturerPage)))]
#[get("/manufacturers")]
async fn manufacturer_list(api: Data<Api>) -> Answer<Json<PageView<ManufacturerView>>> {
    let all = api.run(|app| app.store.read(|db| db.manufacturer_list())).await?;
    Ok(Json(PageView::whole(all.into_iter().map(ManufacturerView::from))))
}

/// Says how to reach a manufacturer.
#[utoipa::path(tag = "places", params(ManufacturerPath), responses((status = OK, body = ManufacturerView)))]
#[patch("/manufacturers/{id}")]
async fn manufacturer_edit(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<ManufacturerPath>,
    new: Json<NewContact>,
) -> Answer<Json<ManufacturerView>> {
    let NewContact { email, phone, web } = new.into_inner();
    let edited = api
        .run(move |app| place::manufacturer_edit(app, &actor, path.id, ContactEdit { email, phone, web }))
        .await?;
    Ok(Json(edited.into()))
}
