//! The gatekeeper: who is asking, and whether they may ask this. Decided once, before anything of a request is read.

use std::{
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr},
};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, ResponseError,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web::Data,
};
use fleet::{
    access::{Denied, Effect, Permission, Reach, reach},
    id::CareAreaId,
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Api, cross_site,
    operation::{self, Takes},
    problem::{Problem, ProblemCode},
};
use crate::{
    app::{Actor, App},
    auth::bearer::{self, Identified},
    command::change,
};

/// The cookie of a session in a browser. The prefix makes browsers refuse it from a sibling host and without TLS (RFC 6265bis,
/// section 4.1.3.2).
pub(crate) const COOKIE: &str = "__Host-gateway-session";

/// Whoever may do what is asked, and where.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) actor: Actor,
    pub(crate) identified: Identified,
    /// Where the right of this operation holds.
    pub(crate) reach: Reach,
}

impl Caller {
    /// Whether a right that reads holds for something in a care area, or in none.
    pub(super) fn within(&self, permission: Permission, care_area: Option<CareAreaId>) -> Result<(), Denied> {
        match (self.reach.includes(care_area), care_area) {
            (true, _) => Ok(()),
            (false, Some(care_area)) => Err(Denied::OtherCareArea {
                permission,
                care_area,
            }),
            (false, None) => Err(Denied::NoCareArea { permission }),
        }
    }
}

/// How somebody says who they are.
struct Shown {
    secret: SecretString,
    /// A browser sends it by itself, also when another site makes it.
    by_cookie: bool,
}

fn shown(request: &ServiceRequest) -> Option<Shown> {
    let header = request.headers().get(header::AUTHORIZATION);
    if let Some(header) = header {
        let secret = header.to_str().ok().and_then(bearer::read)?;
        return Some(Shown {
            secret: SecretString::from(secret),
            by_cookie: false,
        });
    }
    let cookie = request.cookie(COOKIE)?;
    Some(Shown {
        secret: SecretString::from(cookie.value()),
        by_cookie: true,
    })
}

/// From where. Only a test has no peer.
pub(crate) fn address(peer: Option<std::net::SocketAddr>) -> IpAddr {
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical())
}

/// Lets a request pass whose sender may do what it asks, and answers every other.
pub(super) async fn admit(
    api: Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match judge(&api, &request).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            Ok(next.call(request).await?.map_into_left_body())
        }
        Err(problem) => Ok(request
            .into_response(problem.error_response())
            .map_into_right_body()),
    }
}

/// The path as the router goes by it: decoded once. As it was sent, `/%70umps` would be no path of ours here and one of ours there.
pub(crate) fn routed_path(request: &ServiceRequest) -> &str {
    request.match_info().as_str()
}

async fn judge(api: &Data<Api>, request: &ServiceRequest) -> Result<Option<Caller>, Problem> {
    let peer = address(request.peer_addr());
    api.0.limits.address(peer)?;
    let operation = api.0.routes.operation(request.method(), routed_path(request));
    // An operation that nobody listed is nobody's.
    let takes = operation.map(|operation| operation::takes(operation).unwrap_or(Takes::OneOf(&[])));
    if takes == Some(Takes::Nothing) {
        cross_site::check(request.head(), cross_site::Sender::Unknown)?;
        return Ok(None);
    }
    let shown = shown(request);
    if shown.as_ref().is_some_and(|shown| shown.by_cookie) {
        cross_site::check(request.head(), cross_site::Sender::Cookie)?;
    }
    let caller = api
        .run(move |app| {
            let secret = shown.as_ref().map(|shown| &shown.secret);
            let_in(app, secret, peer, takes, Life::Sign)
        })
        .await?;
    api.0.limits.account(caller.identified.principal.account)?;
    match takes {
        Some(_) => Ok(Some(caller)),
        // Nothing behind the gate is reached by a path that the table does not know, whatever the router would make of it.
        None => Err(super::unknown(api, routed_path(request))),
    }
}

/// Whether a request is a sign of life of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// A person, or a program, did something.
    Sign,
    /// A page that lies open asked by itself: nobody need be there.
    None,
}

/// Who it is, and where the right holds that is taken.
///
/// # Errors
/// [`ProblemCode::Unauthenticated`], [`ProblemCode::Denied`], or the database's.
pub(crate) fn let_in(
    app: &App,
    secret: Option<&SecretString>,
    peer: IpAddr,
    takes: Option<Takes>,
    life: Life,
) -> Result<Caller, Problem> {
    let now = app.now();
    let secret = secret.map(|secret| secret.expose_secret());
    let identified = app
        .store
        .read(|db| Ok(bearer::identify(db, secret, Some(peer), now)))??;
    if life == Life::Sign {
        keep_alive(app, &identified);
    }
    let reach = match takes {
        // There is no such path or method: whoever is known is told so further on.
        None => Reach::Everywhere,
        Some(takes) => permitted(app, &identified, takes)?,
    };
    Ok(Caller {
        actor: identified.actor.clone(),
        identified,
        reach,
    })
}

/// A sign of life of a session is kept once in a while. Where that fails the session ends early, which is the safe side.
fn keep_alive(app: &App, identified: &Identified) {
    let now = app.now();
    if let Some(session) = &identified.session
        && session.times().is_worth_keeping(now)
        && let Err(error) = app.store.write(|db| db.session_touch(session.id, now))
    {
        tracing::warn!(%error, "a sign of life of a session could not be kept");
    }
}

/// Where one of the rights holds, the widest of them; or why none does.
fn permitted(app: &App, identified: &Identified, takes: Takes) -> Result<Reach, Problem> {
    let permissions = match takes {
        Takes::Nothing => &[],
        Takes::OneOf(permissions) => permissions,
    };
    let now = app.now();
    let mut first: Option<(Permission, Denied)> = None;
    let mut widest: Option<Reach> = None;
    for permission in permissions {
        match reach(&identified.principal, *permission, now) {
            Ok(Reach::Everywhere) => return Ok(Reach::Everywhere),
            Ok(areas) => widest = Some(areas),
            Err(denied) => {
                first.get_or_insert((*permission, denied));
            }
        }
    }
    match (widest, first) {
        (Some(reach), _) => Ok(reach),
        (None, Some((permission, denied))) => {
            if permission.effect() != Effect::Read {
                change::denial(app, &identified.actor, permission, &denied);
            }
            Err(denied.into())
        }
        (None, None) => Err(Problem::new(
            ProblemCode::Denied,
            "nobody may do this: it is not in the table of operations",
        )),
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    /// Where nobody was asked who they are, nobody is calling: a route that was left out by mistake stays shut.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(|| Problem::new(ProblemCode::Unauthenticated, "sign in")))
    }
}
