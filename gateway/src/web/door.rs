//! Signing in, one question at a time: name and password; then the authenticator's code where there is one; then a new password
//! where the one that was given is good for nothing else. And signing out.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Form, Query},
};
use askama::Template;
use fleet::{access::Permission, signature::Factor, text::Name};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::{
    Answer, Web,
    form::{self, Note},
    frame::Frame,
    gate::Visitor,
    home, page as rendered,
    page::Page,
    see, words,
};
use crate::{
    api::{
        caller::{self, COOKIE, Caller, Life},
        problem::Problem,
        session::{PASSWORD_MAX, cookie},
    },
    command::{
        CommandError,
        session::{self, Password, Shown, SignedIn, Step},
    },
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Password,
    Code,
    NewPassword,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    note: Note,
    asked: Asked,
    name: String,
    ticket: String,
    /// Where to go on; empty for wherever the person works.
    next: String,
    password_min: usize,
}

#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    next: String,
}

/// A field of a form that must not be printed; an empty one is none.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| SecretString::from(text)))
}

/// The form, at each of its steps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filled {
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "secret")]
    password: Option<SecretString>,
    #[serde(default)]
    ticket: String,
    #[serde(default, deserialize_with = "secret")]
    code: Option<SecretString>,
    #[serde(default, deserialize_with = "secret")]
    new_password: Option<SecretString>,
    #[serde(default)]
    next: String,
}

fn form(web: &Web, request: &HttpRequest, asked: Asked, note: Note) -> LoginPage {
    let frame = Frame::of_request(web, request);
    LoginPage {
        frame: frame.titled(Page::Login.title()),
        note,
        asked,
        name: String::new(),
        ticket: String::new(),
        next: String::new(),
        password_min: crate::auth::password::MIN,
    }
}

/// The form. Whoever is signed in already goes on.
pub(super) async fn show(web: Data<Web>, request: HttpRequest, back: Query<Back>) -> Answer {
    let next = form::here(&back.next).unwrap_or_default().to_owned();
    if let Some(caller) = known(&web, &request).await {
        return Ok(see(if next.is_empty() {
            home::of(web.app(), &caller).path()
        } else {
            &next
        }));
    }
    rendered(&LoginPage {
        next,
        ..form(&web, &request, Asked::Password, None)
    })
}

async fn known(web: &Data<Web>, request: &HttpRequest) -> Option<Caller> {
    let secret = SecretString::from(request.cookie(COOKIE)?.value());
    let peer = caller::address(request.peer_addr());
    web.run(move |app| caller::let_in(app, Some(&secret), peer, None, Life::None))
        .await
        .ok()
}

/// Somebody knocks.
pub(super) async fn knock(web: Data<Web>, request: HttpRequest, filled: Form<Filled>) -> Answer {
    let filled = filled.into_inner();
    let next = form::here(&filled.next).unwrap_or_default().to_owned();
    let (name, ticket) = (filled.name.clone(), filled.ticket.clone());
    let asked = match (
        filled.ticket.is_empty(),
        filled.new_password.is_some(),
        filled.code.is_some(),
    ) {
        (true, _, _) => Asked::Password,
        (false, true, _) => Asked::NewPassword,
        (false, false, _) => Asked::Code,
    };
    let again = |asked, ticket, note| LoginPage {
        name: name.clone(),
        ticket,
        next: next.clone(),
        ..form(&web, &request, asked, note)
    };
    match stepped(&web, &request, filled).await {
        Ok(Step::In(begun)) => Ok(let_in(&web, &request, *begun, &next).await),
        Ok(Step::Code { ticket }) => rendered(&again(Asked::Code, ticket, None)),
        Ok(Step::NewPassword { ticket }) => rendered(&again(Asked::NewPassword, ticket, None)),
        Err(problem) => {
            let over = matches!(problem.code(), crate::api::problem::ProblemCode::Unauthenticated);
            let (asked, ticket) = if over {
                (Asked::Password, String::new())
            } else {
                (asked, ticket)
            };
            let page = again(asked, ticket, Some(words::problem(&problem)));
            let mut answer = rendered(&page)?;
            *answer.status_mut() = problem.code().status();
            Ok(answer)
        }
    }
}

async fn stepped(web: &Data<Web>, request: &HttpRequest, filled: Filled) -> Result<Step, Problem> {
    let Ok(name) = Name::new(&filled.name) else {
        return Err(CommandError::WrongPassword.into());
    };
    let password = match (filled.password, filled.ticket.is_empty()) {
        (Some(password), true) if password_fits(&password) => Password::Typed(password),
        (_, true) => return Err(CommandError::WrongPassword.into()),
        (_, false) => Password::Proved(filled.ticket),
    };
    let mut factors = match password {
        Password::Typed(_) => vec![Factor::Password],
        Password::Proved(_) => Vec::new(),
    };
    factors.extend(filled.code.as_ref().map(|_| Factor::Totp));
    let address = caller::address(request.peer_addr());
    let attempt = web
        .api()
        .door()
        .begin(&name, &factors, address, web.app().now())
        .await?;
    let agent = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .map(|agent| agent.chars().take(Name::MAX).collect::<String>())
        .and_then(|agent| Name::new(&agent).ok());
    let shown = Shown {
        name,
        password,
        totp: filled.code,
        new_password: filled.new_password,
        device: None,
        before: request
            .cookie(COOKIE)
            .map(|cookie| SecretString::from(cookie.value())),
        address,
        agent,
    };
    web.run(move |app| {
        let step = session::step(app, &shown);
        match &step {
            Ok(Step::In(_)) => attempt.succeeded(),
            // It failed, and stays counted.
            Err(
                CommandError::WrongPassword | CommandError::WrongFactor { .. } | CommandError::SignInOver,
            ) => {}
            // What was shown was right, and something is missing: nothing is forgotten for that.
            Ok(Step::Code { .. } | Step::NewPassword { .. }) | Err(_) => attempt.withdrawn(),
        }
        step
    })
    .await
}

fn password_fits(password: &SecretString) -> bool {
    use secrecy::ExposeSecret as _;
    password.expose_secret().chars().count() <= PASSWORD_MAX
}

/// In: to where they wanted, or to their work. Whoever signs and has nothing to sign with chooses a PIN first.
async fn let_in(web: &Data<Web>, request: &HttpRequest, begun: SignedIn, next: &str) -> HttpResponse {
    let secret = begun.secret.clone();
    let peer = caller::address(request.peer_addr());
    let caller = web
        .run(move |app| caller::let_in(app, Some(&secret), peer, None, Life::None))
        .await;
    let has_second = begun.person.pin_hash.is_some() || begun.person.totp_sealed.is_some();
    let to = match &caller {
        Ok(caller) if !has_second && signs(web, caller) => Page::MePin.path(),
        _ if !next.is_empty() => next,
        Ok(caller) => home::of(web.app(), caller).path(),
        Err(_) => Page::Root.path(),
    };
    HttpResponse::SeeOther()
        .cookie(cookie(&begun.secret))
        .insert_header((header::LOCATION, to.to_owned()))
        .finish()
}

/// Whether somebody signs anything at all.
pub(super) fn signs(web: &Web, caller: &Caller) -> bool {
    let now = web.app().now();
    Permission::ALL
        .iter()
        .filter(|permission| permission.effect() == fleet::access::Effect::Sign)
        .any(|permission| fleet::access::reach(&caller.identified.principal, *permission, now).is_ok())
}

/// Signs out.
pub(super) async fn leave(web: Data<Web>, visitor: Visitor) -> Answer {
    let actor = visitor.caller.actor.clone();
    if let Some(session) = visitor
        .caller
        .identified
        .session
        .as_ref()
        .map(|session| session.id)
    {
        web.run(move |app| session::end(app, &actor, session)).await?;
    }
    let mut gone = cookie(&SecretString::from(String::new()));
    gone.make_removal();
    let mut answer = see(Page::Login.path());
    answer
        .add_cookie(&gone)
        .map_err(|error| crate::api::refusal::internal(&error))?;
    Ok(answer)
}
