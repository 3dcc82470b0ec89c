//! One's own account: password, PIN, authenticator, where one is signed in.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Form},
};
use askama::Template;
use fleet::signature::Factor;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::{AccountRecord, SessionRecord};

use super::{
    Answer, Web, door,
    form::{Note, again, given, no_secret, secret},
    frame::Frame,
    gate::Visitor,
    home, page as rendered,
    page::Page,
    qr::Qr,
    see,
    when::When,
    words,
};
use crate::{
    api::{me::guarded, problem::Problem, session::cookie},
    command::{factor, session},
};

/// A session of one's own.
struct SessionLine {
    /// Where, in words.
    device: String,
    since: When,
    seen: When,
    current: bool,
}

#[derive(Template)]
#[template(path = "me.html")]
struct MePage {
    frame: Frame,
    name: String,
    roles: Vec<String>,
    sessions: Vec<SessionLine>,
    has_pin: bool,
    has_authenticator: bool,
    signs: bool,
}

async fn account(web: &Data<Web>, visitor: &Visitor) -> Result<AccountRecord, Problem> {
    let id = visitor.caller.identified.principal.account;
    web.run(move |app| app.store.read(|db| db.account_fetch(id)))
        .await
}

/// The account.
pub(super) async fn show(web: Data<Web>, visitor: Visitor) -> Answer {
    let account = account(&web, &visitor).await?;
    let actor = visitor.caller.actor.clone();
    let current = visitor
        .caller
        .identified
        .session
        .as_ref()
        .map(|session| session.id);
    let (now, zone) = (web.app().now(), web.app().people.zone);
    let grants = visitor.caller.identified.principal.grants.clone();
    let (sessions, areas) = web
        .run(move |app| {
            let areas = app.store.read(|db| db.care_area_list())?;
            Ok::<_, Problem>((session::list(app, &actor)?, areas))
        })
        .await?;
    let line = |session: SessionRecord| SessionLine {
        device: session
            .agent
            .as_ref()
            .map_or_else(|| "A program".to_owned(), |agent| words::browser(agent.as_str())),
        since: When::of(session.authenticated_at, now, zone),
        seen: When::of(session.last_seen_at, now, zone),
        current: Some(session.id) == current,
    };
    let frame = Frame::of(&web, &visitor);
    rendered(&MePage {
        frame: frame.below(home::of(web.app(), &visitor.caller).path(), "Back to work"),
        name: account.name.to_string(),
        roles: grants.iter().map(|grant| words::grant(grant, &areas)).collect(),
        sessions: sessions.into_iter().map(line).collect(),
        has_pin: account.pin_hash.is_some(),
        has_authenticator: account.totp_sealed.is_some(),
        signs: door::signs(&web, &visitor.caller),
    })
}

#[derive(Template)]
#[template(path = "me_password.html")]
struct PasswordPage {
    frame: Frame,
    note: Note,
    password_min: usize,
}

fn password_page(web: &Web, visitor: &Visitor, note: Note) -> PasswordPage {
    PasswordPage {
        frame: Frame::of(web, visitor).below(Page::Me.path(), Page::Me.title()),
        note,
        password_min: crate::auth::password::MIN,
    }
}

pub(super) async fn password_form(web: Data<Web>, visitor: Visitor) -> Answer {
    rendered(&password_page(&web, &visitor, None))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    #[serde(deserialize_with = "secret")]
    password: SecretString,
    #[serde(deserialize_with = "secret")]
    new_password: SecretString,
}

/// Changes it. The session goes on under another secret; every other one ends.
pub(super) async fn password_change(
    web: Data<Web>,
    visitor: Visitor,
    request: HttpRequest,
    filled: Form<NewPassword>,
) -> Answer {
    let NewPassword {
        password,
        new_password,
    } = filled.into_inner();
    let actor = visitor.caller.actor.clone();
    let done = guarded(
        web.api(),
        &request,
        &visitor.caller,
        &[Factor::Password],
        move |app| factor::password_change(app, &actor, password, &new_password),
    )
    .await;
    match done {
        Ok(secret) => Ok(HttpResponse::SeeOther()
            .cookie(cookie(&secret))
            .insert_header((header::LOCATION, Page::Me.path()))
            .finish()),
        Err(problem) => {
            let note = Some(words::problem(&problem));
            again(&password_page(&web, &visitor, note), &problem)
        }
    }
}

#[derive(Template)]
#[template(path = "me_pin.html")]
struct PinPage {
    frame: Frame,
    note: Note,
    has_pin: bool,
    has_authenticator: bool,
    /// Where it goes on without one.
    later: &'static str,
}

async fn pin_page(web: &Data<Web>, visitor: &Visitor, note: Note) -> Result<PinPage, Problem> {
    let account = account(web, visitor).await?;
    Ok(PinPage {
        frame: Frame::of(web, visitor).below(Page::Me.path(), Page::Me.title()),
        note,
        has_pin: account.pin_hash.is_some(),
        has_authenticator: account.totp_sealed.is_some(),
        later: home::of(web.app(), &visitor.caller).path(),
    })
}

pub(super) async fn pin_form(web: Data<Web>, visitor: Visitor) -> Answer {
    rendered(&pin_page(&web, &visitor, None).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPin {
    #[serde(deserialize_with = "secret")]
    password: SecretString,
    #[serde(deserialize_with = "secret")]
    pin: SecretString,
    /// The PIN that is replaced, or a code of the authenticator.
    #[serde(default = "no_secret", deserialize_with = "secret")]
    current: SecretString,
}

pub(super) async fn pin_set(
    web: Data<Web>,
    visitor: Visitor,
    request: HttpRequest,
    filled: Form<NewPin>,
) -> Answer {
    let NewPin {
        password,
        pin,
        current,
    } = filled.into_inner();
    let by_code = account(&web, &visitor).await?.totp_sealed.is_some();
    let current = given(&current);
    let shown = factor::Shown {
        password: Some(password),
        totp: current.clone().filter(|_| by_code),
        pin: current.filter(|_| !by_code),
    };
    let actor = visitor.caller.actor.clone();
    let done = guarded(
        web.api(),
        &request,
        &visitor.caller,
        &shown.factors(),
        move |app| factor::pin_set(app, &actor, &shown, &pin),
    )
    .await;
    match done {
        Ok(()) => Ok(see(Page::Me.path())),
        Err(problem) => {
            let page = pin_page(&web, &visitor, Some(words::problem(&problem))).await?;
            again(&page, &problem)
        }
    }
}

/// A seed that waits for its first code.
struct Seed {
    image: Option<Qr>,
    typed: String,
    ticket: String,
}

#[derive(Template)]
#[template(path = "me_authenticator.html")]
struct AuthenticatorPage {
    frame: Frame,
    note: Note,
    has_authenticator: bool,
    seed: Option<Seed>,
}

async fn authenticator_page(
    web: &Data<Web>,
    visitor: &Visitor,
    seed: Option<Seed>,
    note: Note,
) -> Result<AuthenticatorPage, Problem> {
    Ok(AuthenticatorPage {
        frame: Frame::of(web, visitor).below(Page::Me.path(), Page::Me.title()),
        note,
        has_authenticator: account(web, visitor).await?.totp_sealed.is_some(),
        seed,
    })
}

pub(super) async fn authenticator_form(web: Data<Web>, visitor: Visitor) -> Answer {
    rendered(&authenticator_page(&web, &visitor, None, None).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Beginning {
    #[serde(deserialize_with = "secret")]
    password: SecretString,
    #[serde(default = "no_secret", deserialize_with = "secret")]
    code: SecretString,
}

/// Draws a seed, and shows it this once.
pub(super) async fn authenticator_begin(
    web: Data<Web>,
    visitor: Visitor,
    request: HttpRequest,
    filled: Form<Beginning>,
) -> Answer {
    let Beginning { password, code } = filled.into_inner();
    let shown = factor::Shown {
        password: Some(password),
        totp: given(&code),
        pin: None,
    };
    let actor = visitor.caller.actor.clone();
    let begun = guarded(
        web.api(),
        &request,
        &visitor.caller,
        &shown.factors(),
        move |app| factor::totp_begin(app, &actor, &shown),
    )
    .await;
    match begun {
        Ok(begun) => {
            let seed = Seed {
                image: Qr::of(begun.uri.expose_secret(), "Code to scan with the authenticator"),
                typed: begun.seed.expose_secret().to_owned(),
                ticket: begun.ticket,
            };
            rendered(&authenticator_page(&web, &visitor, Some(seed), None).await?)
        }
        Err(problem) => {
            let note = Some(words::problem(&problem));
            again(&authenticator_page(&web, &visitor, None, note).await?, &problem)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstCode {
    ticket: String,
    #[serde(deserialize_with = "secret")]
    code: SecretString,
}

/// Takes it into use. After a wrong code the seed is still in the authenticator: another code of it is as good.
pub(super) async fn authenticator_confirm(
    web: Data<Web>,
    visitor: Visitor,
    request: HttpRequest,
    filled: Form<FirstCode>,
) -> Answer {
    let FirstCode { ticket, code } = filled.into_inner();
    let actor = visitor.caller.actor.clone();
    let again_ticket = ticket.clone();
    let done = guarded(
        web.api(),
        &request,
        &visitor.caller,
        &[Factor::Totp],
        move |app| factor::totp_confirm(app, &actor, &ticket, &code),
    )
    .await;
    match done {
        Ok(()) => Ok(see(Page::Me.path())),
        Err(problem) => {
            let over = problem.code() == crate::api::problem::ProblemCode::EnrolmentOver;
            let seed = (!over).then(|| Seed {
                image: None,
                typed: String::new(),
                ticket: again_ticket,
            });
            let note = Some(words::problem(&problem));
            again(&authenticator_page(&web, &visitor, seed, note).await?, &problem)
        }
    }
}
