//! Our certificate authorities.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path},
};
use fleet::{
    certificate::{AuthorityKind, AuthorityState, Fingerprint},
    id::AuthorityId,
};
use serde::{Deserialize, Serialize};
use store::AuthorityRecord;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api, DateTime, caller::Caller, page::PageView};
use crate::{command::authority, pki::inspect};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(authority_list)
        .service(authority_rotate)
        .service(authority_retire);
}

/// One generation of an authority.
#[derive(Serialize, ToSchema)]
struct AuthorityView {
    id: AuthorityId,
    kind: AuthorityKind,
    /// Counts the generations of its kind from 1.
    generation: i32,
    state: AuthorityState,
    subject: String,
    not_before: DateTime,
    not_after: DateTime,
    /// Pumps' certificates of this generation that are good now.
    live_certificates: i64,
    /// SHA-256 of its certificate.
    #[schema(value_type = String)]
    fingerprint: Fingerprint,
    pem: String,
}

impl AuthorityView {
    fn of(authority: AuthorityRecord, live_certificates: i64) -> Self {
        Self {
            id: authority.id,
            kind: authority.kind,
            generation: authority.generation,
            state: authority.state,
            subject: authority.subject,
            not_before: authority.not_before,
            not_after: authority.not_after,
            live_certificates,
            fingerprint: inspect::fingerprint(&authority.certificate_der),
            pem: super::certificate::pem(authority.certificate_der),
        }
    }
}

/// Which kind goes on to its next generation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    kind: AuthorityKind,
}

/// How far a retirement may go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AuthorityRetirement {
    /// Also if pumps lose their connection by it.
    #[serde(default)]
    cut_off: bool,
}

/// What a retirement did.
#[derive(Serialize, ToSchema)]
struct RetiredView {
    /// How many live certificates were cut off.
    certificates_cut_off: usize,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AuthorityPath {
    /// Which generation of which authority.
    id: AuthorityId,
}

type AuthorityPage = PageView<AuthorityView>;

/// Every generation of every authority.
#[utoipa::path(tag = "certificates", responses((status = OK, body = AuthorityPage)))]
#[get("/authorities")]
async fn authority_list(api: Data<Api>) -> Answer<Json<PageView<AuthorityView>>> {
    let now = api.0.app.now();
    let views = api
        .run(move |app| {
            app.store.read(|db| {
                db.authority_list()?
                    .into_iter()
                    .map(|authority| {
                        let live = db.certificate_live_count(authority.id, now)?;
                        Ok(AuthorityView::of(authority, live))
                    })
                    .collect::<Result<Vec<_>, _>>()
            })
        })
        .await?;
    Ok(Json(PageView::whole(views)))
}

/// Makes the next generation of an authority. It issues from now on; the one before stays trusted.
#[utoipa::path(
    tag = "certificates",
    responses(
        (status = CREATED, body = AuthorityView),
        (status = CONFLICT, description = "`authority_refused`: the root is not rotated here"),
    )
)]
#[post("/authorities/rotate")]
async fn authority_rotate(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    rotation: Json<Rotation>,
) -> Answer<HttpResponse> {
    let new = api
        .run(move |app| authority::rotate(app, &actor, rotation.kind))
        .await?;
    Ok(HttpResponse::Created().json(AuthorityView::of(new, 0)))
}

/// Ends the trust in an old generation.
#[utoipa::path(
    tag = "certificates",
    params(AuthorityPath),
    responses(
        (status = OK, body = RetiredView),
        (status = CONFLICT, description = "`would_cut_off`: `count` live certificates, of the pumps in `candidates` and others; \
                                            `authority_refused`: it still issues, or was retired before"),
    )
)]
#[post("/authorities/{id}/retire")]
async fn authority_retire(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<AuthorityPath>,
    retirement: Json<AuthorityRetirement>,
) -> Answer<Json<RetiredView>> {
    let certificates_cut_off = api
        .run(move |app| authority::retire(app, &actor, path.id, retirement.cut_off))
        .await?;
    Ok(Json(RetiredView { certificates_cut_off }))
}
