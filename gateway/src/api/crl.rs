//! Revocation lists, for outsiders who check our certificates: firewalls, network access control.

use actix_web::{
    HttpResponse, get,
    http::header,
    web::{Data, Path},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Answer, Api,
    problem::{Problem, ProblemCode},
};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CrlPath {
    /// Kind and generation of the authority, as certificates name it.
    #[param(example = "device-1")]
    name: String,
}

/// The revocation list of an authority (RFC 5280, DER).
#[utoipa::path(
    tag = "certificates",
    params(CrlPath),
    security(()),
    responses((status = OK, body = Vec<u8>, content_type = "application/pkix-crl"))
)]
#[get("/crl/{name}.crl")]
pub(super) async fn crl_fetch(api: Data<Api>, path: Path<CrlPath>) -> Answer<HttpResponse> {
    let list = api.0.app.authorities.crl(&path.name).ok_or_else(|| {
        Problem::new(
            ProblemCode::NotFound,
            "no authority of that kind and generation signs a list",
        )
    })?;
    Ok(HttpResponse::Ok()
        .content_type("application/pkix-crl")
        .insert_header((header::CACHE_CONTROL, "public, max-age=600"))
        .body(list))
}
