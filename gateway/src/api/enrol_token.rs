//! One-time tokens by which a pump gets its first certificate.

use actix_web::{
    HttpResponse, delete, get, post,
    web::{Data, Json, Path, Query},
};
use fleet::{
    Timestamp,
    certificate::Fingerprint,
    enrolment::{TokenRecord, TokenState, token_state},
    id::{EnrolTokenId, ModelId},
    text::{Name, SerialNumber},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use store::ModelRecord;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    page::{PageView, bounded, limit},
    problem::{Problem, ProblemCode},
};
use crate::command::enrolment::{self, BatchWanted, TokenWanted};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(enrol_token_create)
        .service(enrol_token_create_batch)
        .service(enrol_token_list)
        .service(enrol_token_withdraw);
}

/// For which pump a token is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEnrolToken {
    serial: SerialNumber,
    /// With `model`: what a pump is that is on no list, or which of several with this serial number.
    manufacturer: Option<Name>,
    model: Option<Name>,
    #[schema(minimum = 1, maximum = 72, default = 24)]
    valid_hours: Option<u32>,
    /// SHA-256 of the only public key (`SubjectPublicKeyInfo`, DER) the token is good for, where it is known.
    #[schema(value_type = Option<String>, min_length = 64, max_length = 95)]
    key: Option<Fingerprint>,
}

/// For which pumps tokens are wanted: either field, not both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEnrolTokens {
    /// These, each on the list once.
    #[schema(max_items = 1000)]
    serials: Option<Vec<SerialNumber>>,
    /// Every pump on the list that has not enrolled.
    #[serde(default)]
    all_expected: bool,
    #[schema(minimum = 1, maximum = 72, default = 24)]
    valid_hours: Option<u32>,
}

/// A new token. Its secret is shown this once.
#[derive(Serialize, ToSchema)]
struct NewEnrolTokenView {
    id: EnrolTokenId,
    serial: SerialNumber,
    model: Name,
    manufacturer: Name,
    /// The password of HTTP Basic at `simpleenroll`; the name is the serial number. Dashes and case do not count.
    secret: String,
    expires_at: DateTime,
}

/// New tokens, for a sheet of labels.
#[derive(Serialize, ToSchema)]
struct NewEnrolTokensView {
    items: Vec<NewEnrolTokenView>,
    expires_at: Option<DateTime>,
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
struct EnrolTokenView {
    id: EnrolTokenId,
    serial: SerialNumber,
    model: Option<Name>,
    manufacturer: Option<Name>,
    state: TokenState,
    created_at: DateTime,
    expires_at: DateTime,
    used_at: Option<DateTime>,
    withdrawn_at: Option<DateTime>,
    /// The only public key it is good for.
    #[schema(value_type = Option<String>)]
    key: Option<Fingerprint>,
}

/// Names of models, by id.
struct Models(Vec<ModelRecord>);

impl Models {
    fn find(&self, id: ModelId) -> Option<&ModelRecord> {
        self.0.iter().find(|model| model.id == id)
    }

    fn new_view(&self, token: enrolment::NewToken) -> Option<NewEnrolTokenView> {
        let model = self.find(token.model)?;
        Some(NewEnrolTokenView {
            id: token.id,
            serial: token.serial,
            model: model.name.clone(),
            manufacturer: model.manufacturer_name.clone(),
            secret: token.secret.expose_secret().to_owned(),
            expires_at: token.expires_at,
        })
    }

    fn view(&self, token: TokenRecord, created_at: Timestamp, now: Timestamp) -> EnrolTokenView {
        let state = token_state(&token, now);
        let model = self.find(token.model);
        EnrolTokenView {
            id: token.id,
            serial: token.serial,
            model: model.map(|model| model.name.clone()),
            manufacturer: model.map(|model| model.manufacturer_name.clone()),
            state,
            created_at,
            expires_at: token.expires_at,
            used_at: token.consumed.map(|(at, _)| at),
            withdrawn_at: token.withdrawn_at,
            key: token.bound_key,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct EnrolTokenPath {
    /// Which token.
    id: EnrolTokenId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct EnrolTokenQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

fn hours(given: Option<u32>) -> Result<u32, Problem> {
    let given = given.unwrap_or(enrolment::VALID_HOURS_DEFAULT);
    bounded("valid_hours", given, 1, enrolment::VALID_HOURS_MAX)
}

type EnrolTokenPage = PageView<EnrolTokenView>;

/// Makes a token for one pump. Its model comes from the list of expected pumps, when the serial number is there once.
#[utoipa::path(
    tag = "enrolment",
    responses(
        (status = CREATED, body = NewEnrolTokenView),
        (status = NOT_FOUND, description = "`serial_not_expected`: give manufacturer and model"),
        (status = CONFLICT, description = "`ambiguous_serial`: `candidates` are the models"),
    )
)]
#[post("/enrol-tokens")]
async fn enrol_token_create(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    wanted: Json<NewEnrolToken>,
) -> Answer<HttpResponse> {
    let NewEnrolToken {
        serial,
        manufacturer,
        model,
        valid_hours,
        key,
    } = wanted.into_inner();
    let wanted = TokenWanted {
        serial,
        manufacturer,
        model,
        valid_hours: hours(valid_hours)?,
        key,
    };
    let view = api
        .run(move |app| {
            let token = enrolment::token_create(app, &actor, &wanted)?;
            Ok::<_, Problem>(Models(app.store.read(|db| db.model_list())?).new_view(token))
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// Makes tokens for many pumps: for all of them, or for none.
#[utoipa::path(
    tag = "enrolment",
    responses(
        (status = CREATED, body = NewEnrolTokensView),
        (status = NOT_FOUND, description = "`serial_not_expected`"),
        (status = CONFLICT, description = "`ambiguous_serial`: `candidates` are the models"),
    )
)]
#[post("/enrol-tokens/batch")]
async fn enrol_token_create_batch(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    wanted: Json<NewEnrolTokens>,
) -> Answer<HttpResponse> {
    let NewEnrolTokens {
        serials,
        all_expected,
        valid_hours,
    } = wanted.into_inner();
    let hours = hours(valid_hours)?;
    let wanted = match (serials, all_expected) {
        (Some(serials), false) => BatchWanted::Serials(serials),
        (None, true) => BatchWanted::AllExpected,
        (Some(_), true) | (None, false) => {
            let detail = "give either `serials` or `all_expected`: true";
            return Err(Problem::new(ProblemCode::InvalidValue, detail));
        }
    };
    let items: Vec<_> = api
        .run(move |app| {
            let tokens = enrolment::token_create_batch(app, &actor, wanted, hours)?;
            let models = Models(app.store.read(|db| db.model_list())?);
            Ok::<_, Problem>(
                tokens
                    .into_iter()
                    .filter_map(|token| models.new_view(token))
                    .collect(),
            )
        })
        .await?;
    let expires_at = items.first().map(|token: &NewEnrolTokenView| token.expires_at);
    Ok(HttpResponse::Created().json(NewEnrolTokensView { items, expires_at }))
}

/// Tokens, the newest first, without their secrets.
#[utoipa::path(tag = "enrolment", params(EnrolTokenQuery), responses((status = OK, body = EnrolTokenPage)))]
#[get("/enrol-tokens")]
async fn enrol_token_list(
    api: Data<Api>,
    query: Query<EnrolTokenQuery>,
) -> Answer<Json<PageView<EnrolTokenView>>> {
    let limit = limit(query.limit)?;
    let now = api.0.app.now();
    let (page, models) = api
        .run(move |app| {
            app.store.read(|db| {
                Ok((
                    db.enrol_token_list(query.after.as_deref(), limit)?,
                    db.model_list()?,
                ))
            })
        })
        .await?;
    let models = Models(models);
    Ok(Json(PageView::of(page, |(token, created_at)| {
        models.view(token, created_at, now)
    })))
}

/// Takes a token back that was not used yet.
#[utoipa::path(
    tag = "enrolment",
    params(EnrolTokenPath),
    responses(
        (status = NO_CONTENT, description = "It is withdrawn"),
        (status = CONFLICT, description = "`conflict`: it was used; revoke the certificate instead"),
    )
)]
#[delete("/enrol-tokens/{id}")]
async fn enrol_token_withdraw(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<EnrolTokenPath>,
) -> Answer<HttpResponse> {
    api.run(move |app| enrolment::token_withdraw(app, &actor, path.id))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
