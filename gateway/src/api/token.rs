//! Tokens by which programs use the API.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header,
    post,
    web::{Data, Json, Path},
};
use fleet::{id::ApiTokenId, text::Name};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use store::ApiTokenRecord;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    page::{PageView, bounded},
    problem::{Problem, ProblemCode},
};
use crate::{
    auth::basic,
    command::{CommandError, account},
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(token_list).service(token_revoke);
}

/// What kind of token is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// By what name you will know it again.
    label: Name,
    /// How many days it is good for.
    #[schema(minimum = 1, maximum = 365, default = 90)]
    valid_days: Option<u32>,
    /// Replaces the password. Needed while the one-time password stands.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, min_length = 12, max_length = 256, format = Password)]
    new_password: Option<SecretString>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// A new token. It is shown this once.
#[derive(Serialize, ToSchema)]
struct NewTokenView {
    id: ApiTokenId,
    /// Send it as `Authorization: Bearer <token>`.
    token: String,
    expires_at: DateTime,
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
struct TokenView {
    id: ApiTokenId,
    label: Name,
    created_at: DateTime,
    expires_at: DateTime,
    revoked_at: Option<DateTime>,
}

impl From<ApiTokenRecord> for TokenView {
    fn from(token: ApiTokenRecord) -> Self {
        let ApiTokenRecord {
            id,
            label,
            created_at,
            expires_at,
            revoked_at,
            account: _,
            secret_hash: _,
        } = token;
        Self {
            id,
            label,
            created_at,
            expires_at,
            revoked_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TokenPath {
    /// Which token.
    id: ApiTokenId,
}

/// Makes a token for whoever knows the account's password (HTTP Basic).
#[utoipa::path(
    tag = "tokens",
    security(("basic" = [])),
    responses(
        (status = CREATED, body = NewTokenView),
        (status = UNAUTHORIZED, description = "`wrong_password`"),
        (status = FORBIDDEN, description = "`password_change_required`: send `new_password` too"),
        (status = UNPROCESSABLE_ENTITY, description = "`weak_password`, `invalid_value`"),
        (status = TOO_MANY_REQUESTS, description = "`too_many_attempts`: wait as `Retry-After` says"),
    )
)]
#[post("/tokens")]
pub(super) async fn token_create(
    api: Data<Api>,
    request: HttpRequest,
    wanted: Json<NewToken>,
) -> Answer<HttpResponse> {
    let wanted = wanted.into_inner();
    let max = u32::from(account::TOKEN_DAYS_MAX);
    let days = bounded(
        "valid_days",
        wanted.valid_days.unwrap_or(account::TOKEN_DAYS_DEFAULT.into()),
        1,
        max,
    )?;
    let header = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let credentials = header.and_then(basic::read).ok_or_else(|| {
        let detail = "send name and password of your account by HTTP Basic";
        Problem::new(ProblemCode::WrongPassword, detail).basic()
    })?;

    // Only a test has no peer; they share one count then.
    let peer = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let attempt = api
        .0
        .sign_in
        .begin(&credentials.name, peer, api.0.app.now())
        .await?;
    let wanted = account::TokenWanted {
        label: wanted.label,
        valid_days: u16::try_from(days).unwrap_or(account::TOKEN_DAYS_MAX),
        new_password: wanted.new_password,
    };
    let made = api
        .run(move |app| {
            let made = account::token_create(app, &credentials, wanted);
            if !matches!(made, Err(CommandError::WrongPassword)) {
                attempt.succeeded();
            }
            made
        })
        .await?;
    Ok(HttpResponse::Created().json(NewTokenView {
        id: made.id,
        token: made.token.expose_secret().to_owned(),
        expires_at: made.expires_at,
    }))
}

/// Your own tokens, without their secrets.
#[utoipa::path(tag = "tokens", responses((status = OK, body = PageView<TokenView>)))]
#[get("/tokens")]
async fn token_list(api: Data<Api>, Caller(actor): Caller) -> Answer<Json<PageView<TokenView>>> {
    let tokens = api.run(move |app| account::token_list(app, &actor)).await?;
    Ok(Json(PageView::whole(tokens.into_iter().map(TokenView::from))))
}

/// Takes one of your tokens back. It opens nothing from now on.
#[utoipa::path(tag = "tokens", responses((status = NO_CONTENT, description = "It is revoked")))]
#[delete("/tokens/{id}")]
async fn token_revoke(api: Data<Api>, Caller(actor): Caller, path: Path<TokenPath>) -> Answer<HttpResponse> {
    api.run(move |app| account::token_revoke(app, &actor, path.id))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
