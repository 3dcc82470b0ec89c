//! What somebody shows beside a signature, as fields of a form. Where nobody types them they are nowhere kept.

use actix_web::{HttpRequest, web::Data};
use fleet::signature::RequiredFactors;
use secrecy::SecretString;
use serde::Deserialize;
use store::SignatureRecord;

use crate::{
    api::{
        me::guarded,
        problem::{Problem, ProblemCode},
    },
    app::App,
    command::{CommandError, factor, sign},
    web::{
        Web,
        form::{given, no_secret, secret},
        gate::Visitor,
    },
};

/// Which fields somebody is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) password: bool,
    pub(super) pin: bool,
    pub(super) code: bool,
}

impl Fields {
    /// What a signature of this person takes now: after the first of a session the PIN alone, where they have one.
    pub(super) fn of(app: &App, visitor: &Visitor) -> Result<Self, Problem> {
        let caller = &visitor.caller;
        let id = caller.identified.principal.account;
        let account = app.store.read(|db| db.account_fetch(id))?;
        let takes = caller
            .identified
            .session
            .as_ref()
            .map_or(RequiredFactors::PasswordAndSecond, |session| {
                sign::takes(session, &caller.actor, app.now())
            });
        let has_pin = account.pin_hash.is_some();
        let has_code = account.totp_sealed.is_some();
        Ok(match takes {
            RequiredFactors::PasswordAndSecond => Self {
                password: true,
                pin: has_pin,
                code: has_code && !has_pin,
            },
            RequiredFactors::PersonalComponent => Self {
                password: !has_pin,
                pin: has_pin,
                code: false,
            },
        })
    }

    /// Whether there is anything to sign with.
    pub(super) const fn suffice(self) -> bool {
        self.pin || self.code || !self.password
    }
}

/// What was typed into them.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default = "no_secret", deserialize_with = "secret")]
    pub(super) password: SecretString,
    #[serde(default = "no_secret", deserialize_with = "secret")]
    pub(super) pin: SecretString,
    #[serde(default = "no_secret", deserialize_with = "secret")]
    pub(super) code: SecretString,
}

/// Signs by the command of the API, counted as its attempts are. A signature that was given a moment ago by the same person is
/// as good: a second click says nothing new.
pub(super) async fn sign_with(
    web: &Data<Web>,
    request: &HttpRequest,
    visitor: &Visitor,
    typed: &Typed,
    wanted: sign::Wanted,
) -> Result<(), Problem> {
    let shown = factor::Shown {
        password: given(&typed.password),
        totp: given(&typed.code),
        pin: given(&typed.pin),
    };
    let actor = visitor.caller.actor.clone();
    let signed = guarded(
        web.api(),
        request,
        &visitor.caller,
        &shown.factors(),
        move |app| sign::sign(app, &actor, &wanted, &shown),
    )
    .await;
    match signed {
        Ok(SignatureRecord { .. }) => Ok(()),
        Err(problem) if problem.code() == ProblemCode::AlreadySigned => Ok(()),
        Err(problem) => Err(problem),
    }
}

/// Says not now, by the command of the API.
pub(super) async fn refuse(
    web: &Data<Web>,
    visitor: &Visitor,
    wanted: sign::Wanted,
    reason: &str,
) -> Result<(), Problem> {
    let reason = fleet::text::Reason::new(&reason.replace(['\r', '\n'], " "))
        .map_err(|error| Problem::new(ProblemCode::InvalidValue, error.to_string()))?;
    let actor = visitor.caller.actor.clone();
    web.run(move |app| {
        sign::not_now(app, &actor, &wanted, &reason).map(drop)?;
        Ok::<_, CommandError>(())
    })
    .await
}
