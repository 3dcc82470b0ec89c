//! Break-glass: seeing and holding beyond the role. The review of a use is a signature on it.

use actix_web::{
    HttpRequest, HttpResponse, delete, get, post,
    web::{Data, Json, Query},
};
use fleet::{
    access::{CareAreas, Reach},
    id::{AccountId, GlassUseId},
    signature::{Factor, SubjectKind},
    text::{Name, Reason},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use store::{Db, StoreError};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    me::{NewSecretView, guarded},
    page::{PageView, limit},
    session::{handed_over, secret},
};
use crate::command::glass;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(glass_break)
        .service(glass_end)
        .service(glass_use_list);
}

/// Why the glass is broken.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BreakIt {
    reason: Reason,
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, max_length = 256, format = Password)]
    password: SecretString,
}

/// Break-glass is open.
#[derive(Serialize, ToSchema)]
struct BrokenView {
    id: GlassUseId,
    /// It ends by itself then.
    until: DateTime,
    /// The session's new secret; null where a cookie carries it.
    token: Option<String>,
}

type GlassUsePage = PageView<GlassUseView>;

/// Breaks the glass: you see every pump and may hold it, for an hour, and can do nothing else. It alarms at once, and is
/// reviewed afterwards. The session gets another secret.
#[utoipa::path(
    tag = "break-glass",
    responses((status = CREATED, body = BrokenView), (status = FORBIDDEN, description = "`wrong_factor`, `denied`"))
)]
#[post("/break-glass")]
async fn glass_break(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    wanted: Json<BreakIt>,
) -> Answer<HttpResponse> {
    let BreakIt { reason, password } = wanted.into_inner();
    let actor = caller.actor.clone();
    let (used, secret) = guarded(&api, &request, &caller, &[Factor::Password], move |app| {
        glass::break_glass(app, &actor, password, &reason)
    })
    .await?;
    Ok(handed_over(HttpResponse::Created(), &request, &secret, |token| {
        BrokenView {
            id: used.id,
            until: used.over_at(),
            token,
        }
    }))
}

/// Ends break-glass in this session, which is an ordinary one again under another secret.
#[utoipa::path(
    tag = "break-glass",
    responses((status = OK, body = NewSecretView), (status = CONFLICT, description = "`no_glass`: it is not open here"))
)]
#[delete("/break-glass")]
async fn glass_end(api: Data<Api>, caller: Caller, request: HttpRequest) -> Answer<HttpResponse> {
    let secret = api.run(move |app| glass::end(app, &caller.actor)).await?;
    Ok(handed_over(HttpResponse::Ok(), &request, &secret, |token| {
        NewSecretView { token }
    }))
}

/// A use of break-glass.
#[derive(Serialize, ToSchema)]
struct GlassUseView {
    id: GlassUseId,
    account: AccountId,
    printed_name: Name,
    since: DateTime,
    /// When it was or will be over.
    over_at: DateTime,
    reason: Reason,
    /// When and by whom it was reviewed; see the signatures on it.
    reviewed_at: Option<DateTime>,
    reviewed_by: Option<Name>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct GlassQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// Uses of break-glass, the newest first. A charge nurse sees those by people of her own care areas.
#[utoipa::path(
    tag = "break-glass",
    params(GlassQuery),
    responses((status = OK, body = GlassUsePage))
)]
#[get("/break-glass")]
async fn glass_use_list(
    api: Data<Api>,
    caller: Caller,
    query: Query<GlassQuery>,
) -> Answer<Json<PageView<GlassUseView>>> {
    let limit = limit(query.limit)?;
    let page = api
        .run(move |app| {
            app.store.read(|db| {
                let page = db.glass_use_list(query.after.as_deref(), limit)?;
                let mut views = Vec::new();
                for (used, printed_name) in page.items {
                    if !is_within(db, used.account, &caller.reach)? {
                        continue;
                    }
                    let review = db
                        .signature_of(SubjectKind::BreakGlass, used.id.as_uuid())?
                        .into_iter()
                        .find(|record| record.statement.answer.is_signature())
                        .map(|record| record.statement);
                    views.push(GlassUseView {
                        id: used.id,
                        account: used.account,
                        printed_name,
                        since: used.since,
                        over_at: used.over_at(),
                        reviewed_at: review.as_ref().map(|review| review.signed_at.at()),
                        reviewed_by: review.map(|review| review.printed_name),
                        reason: used.reason,
                    });
                }
                Ok(PageView {
                    items: views,
                    next: page.next,
                })
            })
        })
        .await?;
    Ok(Json(page))
}

/// Whether a person works in one of the care areas.
fn is_within(db: &mut Db<'_>, account: AccountId, reach: &Reach) -> Result<bool, StoreError> {
    let Reach::CareAreas(areas) = reach else {
        return Ok(true);
    };
    let grants = db.grant_list(account)?;
    Ok(grants.iter().any(|grant| match &grant.care_areas {
        CareAreas::All => true,
        CareAreas::Named(named) => !named.is_disjoint(areas),
    }))
}
