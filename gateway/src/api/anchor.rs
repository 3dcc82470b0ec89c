//! Manufacturers' certificate authorities that may vouch for a pump's first enrolment.

use actix_web::{
    HttpResponse, delete, get, post,
    web::{Data, Json, Path},
};
use fleet::{
    certificate::Fingerprint,
    id::{AnchorId, ManufacturerId},
    text::Name,
};
use serde::{Deserialize, Serialize};
use store::{AnchorRecord, ManufacturerRecord};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api, DateTime, caller::Caller, page::PageView};
use crate::command::anchor;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(anchor_list)
        .service(anchor_import)
        .service(anchor_remove);
}

/// A manufacturer's authority to trust.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAnchor {
    manufacturer: Name,
    /// One certificate in PEM.
    #[schema(max_length = 32768)]
    pem: String,
}

/// A manufacturer's authority that is trusted.
#[derive(Serialize, ToSchema)]
struct AnchorView {
    id: AnchorId,
    manufacturer: Option<Name>,
    subject: String,
    /// SHA-256 of the certificate.
    #[schema(value_type = String)]
    fingerprint: Fingerprint,
    imported_at: DateTime,
    pem: String,
}

impl AnchorView {
    fn of(anchor: AnchorRecord, makers: &[ManufacturerRecord]) -> Self {
        let name = |id: ManufacturerId| {
            makers
                .iter()
                .find(|maker| maker.id == id)
                .map(|maker| maker.name.clone())
        };
        Self {
            id: anchor.id,
            manufacturer: name(anchor.manufacturer),
            subject: anchor.subject,
            fingerprint: anchor.fingerprint,
            imported_at: anchor.imported_at,
            pem: super::certificate::pem(anchor.certificate_der),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AnchorPath {
    /// Which anchor.
    id: AnchorId,
}

type AnchorPage = PageView<AnchorView>;

/// The manufacturers' authorities that are trusted for first enrolments.
#[utoipa::path(tag = "enrolment", responses((status = OK, body = AnchorPage)))]
#[get("/anchors")]
async fn anchor_list(api: Data<Api>) -> Answer<Json<PageView<AnchorView>>> {
    let (anchors, makers) = api
        .run(|app| {
            app.store
                .read(|db| Ok((db.anchor_list()?, db.manufacturer_list()?)))
        })
        .await?;
    Ok(Json(PageView::whole(
        anchors.into_iter().map(|anchor| AnchorView::of(anchor, &makers)),
    )))
}

/// Trusts a manufacturer's authority for first enrolments.
#[utoipa::path(
    tag = "enrolment",
    responses(
        (status = CREATED, body = AnchorView),
        (status = CONFLICT, description = "`conflict`: it is trusted already"),
        (status = UNPROCESSABLE_ENTITY, description = "`unusable_anchor`"),
    )
)]
#[post("/anchors")]
async fn anchor_import(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    new: Json<NewAnchor>,
) -> Answer<HttpResponse> {
    let NewAnchor { manufacturer, pem } = new.into_inner();
    let view = api
        .run(move |app| {
            let anchor = anchor::import(app, &actor, &manufacturer, &pem)?;
            let mut view = AnchorView::of(anchor, &[]);
            view.manufacturer = Some(manufacturer);
            Ok::<_, crate::command::CommandError>(view)
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// Trusts an authority no longer. Pumps that enrolled by it stay.
#[utoipa::path(tag = "enrolment", params(AnchorPath), responses((status = NO_CONTENT, description = "It is trusted no longer")))]
#[delete("/anchors/{id}")]
async fn anchor_remove(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<AnchorPath>,
) -> Answer<HttpResponse> {
    api.run(move |app| anchor::remove(app, &actor, path.id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
