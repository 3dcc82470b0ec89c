//! Service tokens, by which programs use the API.

use std::collections::BTreeSet;

use actix_web::{
    HttpResponse, delete, get, post,
    web::{Data, Json, Path, Query},
};
use fleet::{
    access::Permission,
    id::{AccountId, ServiceTokenId},
    text::Name,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use store::ServiceTokenRecord;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    page::{PageView, bounded, limit},
};
use crate::command::token;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(token_create)
        .service(token_list)
        .service(token_list_all)
        .service(token_revoke);
}

/// What kind of token is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// By what name you will know it again.
    #[schema(example = "network access control")]
    label: Name,
    /// What it may be used for: permissions that you hold yourself, and that programs may have (see `/roles`).
    #[schema(min_items = 1, max_items = 100, example = json!(["pump_read", "event_read"]))]
    scopes: BTreeSet<Permission>,
    /// How many days it is good for.
    #[schema(minimum = 1, maximum = 365, default = 90)]
    valid_days: Option<u32>,
}

/// A new token. Its secret is shown this once.
#[derive(Serialize, ToSchema)]
struct NewTokenView {
    id: ServiceTokenId,
    /// Send it as `Authorization: Bearer <token>`.
    token: String,
    scopes: BTreeSet<Permission>,
    expires_at: DateTime,
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
struct TokenView {
    id: ServiceTokenId,
    /// Whose it is.
    owner: AccountId,
    label: Name,
    scopes: BTreeSet<Permission>,
    created_at: DateTime,
    expires_at: DateTime,
    revoked_at: Option<DateTime>,
}

impl From<ServiceTokenRecord> for TokenView {
    fn from(token: ServiceTokenRecord) -> Self {
        Self {
            scopes: token.permissions(),
            id: token.id,
            owner: token.account,
            label: token.label,
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TokenPath {
    /// Which token.
    id: ServiceTokenId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TokenQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

type TokenPage = PageView<TokenView>;

/// Makes a token that acts for you, within its scopes and never beyond what you may do yourself at that moment.
#[utoipa::path(
    tag = "tokens",
    responses((status = CREATED, body = NewTokenView), (status = UNPROCESSABLE_ENTITY, description = "`invalid_value`"))
)]
#[post("/tokens")]
async fn token_create(api: Data<Api>, caller: Caller, wanted: Json<NewToken>) -> Answer<HttpResponse> {
    let wanted = wanted.into_inner();
    let days = bounded(
        "valid_days",
        wanted.valid_days.unwrap_or(token::DAYS_DEFAULT.into()),
        1,
        token::DAYS_MAX.into(),
    )?;
    let wanted = token::Wanted {
        label: wanted.label,
        scopes: wanted.scopes,
        valid_days: u16::try_from(days).unwrap_or(token::DAYS_MAX),
    };
    let (token, secret) = api
        .run(move |app| token::create(app, &caller.actor, wanted))
        .await?;
    Ok(HttpResponse::Created().json(NewTokenView {
        id: token.id,
        token: secret.expose_secret().to_owned(),
        scopes: token.permissions(),
        expires_at: token.expires_at,
    }))
}

/// Your own tokens, without their secrets, the newest first.
#[utoipa::path(tag = "tokens", params(TokenQuery), responses((status = OK, body = TokenPage)))]
#[get("/tokens")]
async fn token_list(
    api: Data<Api>,
    caller: Caller,
    query: Query<TokenQuery>,
) -> Answer<Json<PageView<TokenView>>> {
    let owner = Some(caller.identified.principal.account);
    list(&api, owner, query.into_inner()).await
}

/// Everybody's tokens, without their secrets, the newest first.
#[utoipa::path(tag = "tokens", params(TokenQuery), responses((status = OK, body = TokenPage)))]
#[get("/tokens/all")]
async fn token_list_all(api: Data<Api>, query: Query<TokenQuery>) -> Answer<Json<PageView<TokenView>>> {
    list(&api, None, query.into_inner()).await
}

async fn list(api: &Api, owner: Option<AccountId>, query: TokenQuery) -> Answer<Json<PageView<TokenView>>> {
    let limit = limit(query.limit)?;
    let page = api
        .run(move |app| {
            app.store
                .read(|db| db.service_token_list(owner, query.after.as_deref(), limit))
        })
        .await?;
    Ok(Json(PageView::of(page, TokenView::from)))
}

/// Takes a token back: your own, or anybody's if you may. It opens nothing from now on.
#[utoipa::path(
    tag = "tokens",
    params(TokenPath),
    responses((status = NO_CONTENT, description = "It is revoked"))
)]
#[delete("/tokens/{id}")]
async fn token_revoke(api: Data<Api>, caller: Caller, path: Path<TokenPath>) -> Answer<HttpResponse> {
    api.run(move |app| token::revoke(app, &caller.actor, path.id))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
