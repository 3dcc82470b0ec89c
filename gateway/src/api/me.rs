//! One's own password, authenticator and PIN. Each change takes the password again, and guesses are counted as at sign-in.

use actix_web::{
    HttpRequest, HttpResponse, post,
    web::{Data, Json},
};
use fleet::signature::Factor;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api,
    caller::{Caller, address},
    problem::Problem,
    session::{handed_over, maybe_secret, secret},
};
use crate::{
    app::App,
    command::{CommandError, factor},
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(me_password_change)
        .service(me_totp_begin)
        .service(me_totp_confirm)
        .service(me_totp_remove)
        .service(me_pin_set);
}

/// Runs what checks a password, a code or a PIN: one that is wrong counts as a guess at the account, from this address.
pub(crate) async fn guarded<T: Send + 'static>(
    api: &Api,
    request: &HttpRequest,
    caller: &Caller,
    factors: &[Factor],
    work: impl FnOnce(&App) -> Result<T, CommandError> + Send + 'static,
) -> Answer<T> {
    let account = caller.identified.principal.account;
    let person = api
        .run(move |app| app.store.read(|db| db.account_fetch(account)))
        .await?;
    let attempt = api
        .0
        .sign_in
        .begin(
            &person.name,
            factors,
            address(request.peer_addr()),
            api.0.app.now(),
        )
        .await?;
    api.run(move |app| {
        let done = work(app);
        match &done {
            Ok(_) => attempt.succeeded(),
            // It failed, and stays counted.
            Err(CommandError::WrongFactor { .. }) => {}
            // Something else stood in the way: nothing was proved, so nothing is forgotten either.
            Err(_) => attempt.withdrawn(),
        }
        done.map_err(Problem::from)
    })
    .await
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, max_length = 256, format = Password)]
    password: SecretString,
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, min_length = 12, max_length = 256, format = Password)]
    new_password: SecretString,
}

/// The session's new secret.
#[derive(Serialize, ToSchema)]
pub(super) struct NewSecretView {
    /// Send this one from now on; null where a cookie carries it.
    pub(super) token: Option<String>,
}

/// Changes your password. Your other sessions end, your service tokens are taken back, and this session gets another secret.
#[utoipa::path(
    tag = "sessions",
    responses(
        (status = OK, body = NewSecretView),
        (status = FORBIDDEN, description = "`wrong_factor`: the old password; `denied`"),
        (status = UNPROCESSABLE_ENTITY, description = "`weak_password`"),
    )
)]
#[post("/me/password")]
async fn me_password_change(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    wanted: Json<PasswordChange>,
) -> Answer<HttpResponse> {
    let PasswordChange {
        password,
        new_password,
    } = wanted.into_inner();
    let actor = caller.actor.clone();
    let secret = guarded(&api, &request, &caller, &[Factor::Password], move |app| {
        factor::password_change(app, &actor, password, &new_password)
    })
    .await?;
    Ok(handed_over(HttpResponse::Ok(), &request, &secret, |token| {
        NewSecretView { token }
    }))
}

/// The password again; and a code, where an authenticator is in use that the new one replaces.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TotpBeginning {
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, max_length = 256, format = Password)]
    password: SecretString,
    /// A code of the authenticator that is replaced.
    #[serde(default, deserialize_with = "maybe_secret")]
    #[schema(value_type = Option<String>, max_length = 12, format = Password)]
    totp: Option<SecretString>,
}

/// A seed for an authenticator. It is shown this once, and not in use before its first code came back.
#[derive(Serialize, ToSchema)]
struct TotpEnrolmentView {
    /// To be shown as a QR code.
    #[schema(example = "otpauth://totp/County%20General:ana?secret=…&issuer=County%20General")]
    uri: String,
    /// To be typed in, where nothing can be scanned.
    secret: String,
    /// To be sent back with the first code, within 15 minutes.
    ticket: String,
}

/// Begins to set an authenticator up.
#[utoipa::path(
    tag = "sessions",
    responses((status = OK, body = TotpEnrolmentView), (status = FORBIDDEN, description = "`wrong_factor`, `denied`"))
)]
#[post("/me/totp")]
async fn me_totp_begin(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    wanted: Json<TotpBeginning>,
) -> Answer<Json<TotpEnrolmentView>> {
    let TotpBeginning { password, totp } = wanted.into_inner();
    let shown = factor::Shown {
        password: Some(password),
        totp,
        pin: None,
    };
    let actor = caller.actor.clone();
    let begun = guarded(&api, &request, &caller, &shown.factors(), move |app| {
        factor::totp_begin(app, &actor, &shown)
    })
    .await?;
    Ok(Json(TotpEnrolmentView {
        uri: begun.uri.expose_secret().to_owned(),
        secret: begun.seed.expose_secret().to_owned(),
        ticket: begun.ticket,
    }))
}

/// The first code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TotpConfirmation {
    /// As it came with the seed.
    #[schema(max_length = 512)]
    ticket: String,
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, max_length = 12, format = Password, example = "492039")]
    totp: SecretString,
}

/// Takes the authenticator into use, proved by its first code.
#[utoipa::path(
    tag = "sessions",
    responses(
        (status = NO_CONTENT, description = "It is in use, from the next sign-in on"),
        (status = FORBIDDEN, description = "`wrong_factor`, `denied`"),
        (status = CONFLICT, description = "`enrolment_over`: begin again"),
    )
)]
#[post("/me/totp/confirm")]
async fn me_totp_confirm(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    wanted: Json<TotpConfirmation>,
) -> Answer<HttpResponse> {
    let TotpConfirmation { ticket, totp } = wanted.into_inner();
    let actor = caller.actor.clone();
    guarded(&api, &request, &caller, &[Factor::Totp], move |app| {
        factor::totp_confirm(app, &actor, &ticket, &totp)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Password and code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TotpRemoval {
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, max_length = 256, format = Password)]
    password: SecretString,
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, max_length = 12, format = Password)]
    totp: SecretString,
}

/// Takes the authenticator out of use.
#[utoipa::path(
    tag = "sessions",
    responses(
        (status = NO_CONTENT, description = "It is out of use"),
        (status = FORBIDDEN, description = "`wrong_factor`, `denied`"),
    )
)]
#[post("/me/totp/remove")]
async fn me_totp_remove(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    wanted: Json<TotpRemoval>,
) -> Answer<HttpResponse> {
    let TotpRemoval { password, totp } = wanted.into_inner();
    let shown = factor::Shown {
        password: Some(password),
        totp: Some(totp),
        pin: None,
    };
    let actor = caller.actor.clone();
    guarded(&api, &request, &caller, &shown.factors(), move |app| {
        factor::totp_remove(app, &actor, &shown)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A new PIN.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPin {
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, max_length = 256, format = Password)]
    password: SecretString,
    /// Digits, for signing.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, min_length = 6, max_length = 12, format = Password)]
    pin: SecretString,
    /// The PIN that is replaced, where there is one and no authenticator.
    #[serde(default, deserialize_with = "maybe_secret")]
    #[schema(value_type = Option<String>, max_length = 12, format = Password)]
    current_pin: Option<SecretString>,
    /// A code, where an authenticator is in use.
    #[serde(default, deserialize_with = "maybe_secret")]
    #[schema(value_type = Option<String>, max_length = 12, format = Password)]
    totp: Option<SecretString>,
}

/// Sets your PIN for signing. It never signs anybody in.
///
/// Whoever got hold of the password alone can not set one: an authenticator's code is asked for where there is one, else the
/// PIN that is replaced. Who forgot that has an administrator reset the account.
#[utoipa::path(
    tag = "sessions",
    responses(
        (status = NO_CONTENT, description = "It is set"),
        (status = FORBIDDEN, description = "`wrong_factor`; `second_factor_required`: a code, or the PIN that is replaced; `denied`"),
        (status = UNPROCESSABLE_ENTITY, description = "`weak_pin`"),
    )
)]
#[post("/me/pin")]
async fn me_pin_set(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    wanted: Json<NewPin>,
) -> Answer<HttpResponse> {
    let NewPin {
        password,
        pin,
        current_pin,
        totp,
    } = wanted.into_inner();
    let shown = factor::Shown {
        password: Some(password),
        totp,
        pin: current_pin,
    };
    let actor = caller.actor.clone();
    guarded(&api, &request, &caller, &shown.factors(), move |app| {
        factor::pin_set(app, &actor, &shown, &pin)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
