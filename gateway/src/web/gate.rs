//! The gate before every page: who is asking, whether they may, and what those are told who may not.

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use askama::Template;
use fleet::access::{Permission, Reach, Role, reach};
use secrecy::SecretString;
use std::future::{Ready, ready};

use super::{
    Web,
    frame::Frame,
    page::{Kind, Page},
    see,
    theme::Theme,
    words::{self, Told},
};
use crate::{
    api::{
        caller::{self, COOKIE, Caller, Life},
        cross_site,
        operation::Takes,
        problem::{Problem, ProblemCode},
    },
    app::App,
};

/// What a page may do in a browser: load its own files, send its own forms, and nothing else.
const HEADERS: [(&str, &str); 8] = [
    ("x-content-type-options", "nosniff"),
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("strict-transport-security", "max-age=31536000"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
    ("cache-control", "no-store"),
];

/// Puts the headers on, unless a handler set its own, and makes a page of what went wrong.
pub(super) async fn dress(
    web: Data<Web>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut answer = next.call(request).await?.map_into_boxed_body();
    let problem = answer.response().error().map(|error| {
        error
            .as_error::<Problem>()
            .cloned()
            .unwrap_or_else(|| foreign(error))
    });
    let problem = problem.or_else(|| answer.request().extensions().get::<Problem>().cloned());
    if let Some(problem) = problem {
        let request = answer.request().clone();
        let frame = Frame::of_request(&web, &request);
        answer = ServiceResponse::new(request, trouble(frame, &problem));
    }
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        if !answer.headers().contains_key(&name) {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    Ok(answer)
}

/// An error of the framework's own, such as a method that a page does not take.
fn foreign(error: &Error) -> Problem {
    let status = error.as_response_error().status_code();
    let code = match status {
        StatusCode::NOT_FOUND => ProblemCode::NoSuchRoute,
        StatusCode::METHOD_NOT_ALLOWED => ProblemCode::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemCode::PayloadTooLarge,
        status if status.is_client_error() => ProblemCode::MalformedBody,
        _ => ProblemCode::Internal,
    };
    Problem::new(code, "")
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct Trouble {
    frame: Frame,
    told: Told,
    /// Where signing in leads back to this page, where that would help.
    door: Option<String>,
}

/// What went wrong, as a page: what happened, what was kept, what to do.
fn trouble(mut frame: Frame, problem: &Problem) -> HttpResponse {
    let told = words::problem(problem);
    frame.title = told.happened.to_string();
    // A form that came too late leads back to its page, where what was typed is kept on this device.
    let (path, _) = frame.path.split_once('?').unwrap_or((&frame.path, ""));
    let back = if Page::at(path).is_some_and(Page::is_shown) {
        frame.path.as_str()
    } else {
        "/"
    };
    let door = (problem.code() == ProblemCode::Unauthenticated).then(|| door_and_back(back));
    let page = Trouble { frame, told, door };
    let mut answer = problem.error_response();
    let text = page
        .render()
        .unwrap_or_else(|_| problem.code().title().to_owned());
    let status = answer.status();
    let headers = std::mem::replace(answer.headers_mut(), header::HeaderMap::new());
    let mut answer = HttpResponse::build(status);
    for (name, value) in &headers {
        // A browser would ask for a password by a window of its own.
        if name != header::WWW_AUTHENTICATE && name != header::CONTENT_TYPE {
            answer.insert_header((name.clone(), value.clone()));
        }
    }
    answer.content_type("text/html; charset=utf-8").body(text)
}

/// Lets a request pass whose sender may see the page, sends whoever is not known to the door, and tells every other.
pub(super) async fn admit(
    web: Data<Web>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match judge(&web, &request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(problem) => {
            let to_door = problem.code() == ProblemCode::Unauthenticated
                && request.method() == Method::GET
                && Page::at(caller::routed_path(&request)).is_some_and(Page::is_shown);
            let answer = if to_door {
                let back = request.uri().path_and_query().map_or("/", |path| path.as_str());
                see(&door_and_back(back))
            } else {
                request.extensions_mut().insert(problem.clone());
                HttpResponse::from_error(problem)
            };
            // Not by `into_response`, which forgets what went wrong: it is made a page of further out.
            let (request, _) = request.into_parts();
            Ok(ServiceResponse::new(request, answer).map_into_right_body())
        }
    }
}

/// The door, and where to go on behind it.
fn door_and_back(back: &str) -> String {
    let mut path = Page::Login.path().to_owned();
    if back != "/" {
        path.push_str("?next=");
        path.extend(url::form_urlencoded::byte_serialize(back.as_bytes()));
    }
    path
}

async fn judge(web: &Data<Web>, request: &ServiceRequest) -> Result<(), Problem> {
    let peer = caller::address(request.peer_addr());
    web.api().limits().address(peer)?;
    let path = caller::routed_path(request);
    let Some(page) = Page::at(path) else {
        // A file, or nothing at all: then nothing behind the gate is reached, whatever the router would make of the path.
        return if path.starts_with("/assets/") {
            Ok(())
        } else {
            Err(Problem::new(ProblemCode::NoSuchRoute, "there is no such page"))
        };
    };
    request.extensions_mut().insert(page);
    let takes = page.takes();
    let sender = match takes {
        Takes::Nothing => cross_site::Sender::Unknown,
        Takes::OneOf(_) => cross_site::Sender::Cookie,
    };
    cross_site::check(request.head(), sender)?;
    if takes == Takes::Nothing {
        return Ok(());
    }
    let secret = request
        .cookie(COOKIE)
        .map(|cookie| SecretString::from(cookie.value()))
        .ok_or_else(|| Problem::new(ProblemCode::Unauthenticated, "sign in"))?;
    let life = match page.kind() {
        Kind::Page | Kind::Form | Kind::Act => Life::Sign,
        Kind::Part | Kind::Stream => Life::None,
    };
    let caller = web
        .run(move |app| caller::let_in(app, Some(&secret), peer, Some(takes), life))
        .await?;
    web.api().limits().account(caller.identified.principal.account)?;
    request.extensions_mut().insert(caller);
    Ok(())
}

/// Whoever looks at a page, and may.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) caller: Caller,
    pub(super) page: Page,
    pub(super) theme: Theme,
    /// The path that was asked for, with its query.
    pub(super) path: String,
}

impl Visitor {
    /// Where a right of theirs holds; nothing where it does not hold at all.
    pub(super) fn reach(&self, app: &App, permission: Permission) -> Option<Reach> {
        reach(&self.caller.identified.principal, permission, app.now()).ok()
    }
}

/// Whether somebody's work is at the bedside, and nowhere else.
pub(super) fn is_of_ward(caller: &Caller) -> bool {
    let grants = &caller.identified.principal.grants;
    !grants.is_empty()
        && grants.iter().all(|grant| match grant.role {
            Role::Nurse | Role::ChargeNurse => true,
            Role::Biomed
            | Role::BiomedLead
            | Role::Security
            | Role::Pharmacy
            | Role::Administrator
            | Role::Auditor => false,
        })
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    /// Where nobody was asked who they are, nobody is looking: a route that was left out of the table stays shut.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Cookies are kept among the extensions: nothing of these may be held while they are read.
        let theme = Theme::of(request);
        let extensions = request.extensions();
        let known = extensions.get::<Caller>().zip(extensions.get::<Page>());
        ready(match known {
            Some((caller, page)) => Ok(Self {
                caller: caller.clone(),
                page: *page,
                theme,
                path: path_of(request),
            }),
            None => Err(Problem::new(ProblemCode::Unauthenticated, "sign in")),
        })
    }
}

/// The path that was asked for, with its query.
pub(super) fn path_of(request: &HttpRequest) -> String {
    request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned()
}

/// Whether a page is open to somebody.
pub(super) fn opens(app: &App, caller: &Caller, page: Page) -> bool {
    match page.takes() {
        Takes::Nothing => true,
        Takes::OneOf(permissions) => permissions
            .iter()
            .any(|permission| reach(&caller.identified.principal, *permission, app.now()).is_ok()),
    }
}
