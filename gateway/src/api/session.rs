//! Signing in and out, and what one is signed in as.

use std::collections::BTreeSet;

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
    delete, get,
    http::header,
    post,
    web::{Data, Json, Path},
};
use chrono::TimeDelta;
use fleet::{
    access::{Permission, PrincipalKind, Role, Scope, reach},
    id::{AccountId, CareAreaId, DeviceId, SessionId},
    signature::{Factor, RequiredFactors},
    text::{Name, Reason},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use store::SessionRecord;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::{COOKIE, Caller, address},
    page::PageView,
    problem::{Problem, ProblemCode},
};
use crate::command::{CommandError, session, sign};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(session_list)
        .service(session_end)
        .service(me_show)
        .service(role_table_show);
}

/// A secret in a body.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// A secret in a body, or none.
pub(super) fn maybe_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// How a session is carried.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Carry {
    /// In `Authorization: Bearer`; for programs such as the command line.
    #[default]
    Token,
    /// In a cookie that no script can read; for a browser.
    Cookie,
}

/// What somebody shows to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// The name by which the person signs in; case does not count.
    #[schema(example = "ana.obrien")]
    name: Name,
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, max_length = 256, format = Password)]
    password: SecretString,
    /// A code of the authenticator, where the account has one.
    #[serde(default, deserialize_with = "maybe_secret")]
    #[schema(value_type = Option<String>, max_length = 12, format = Password, example = "492039")]
    totp: Option<SecretString>,
    /// Replaces the password. Needed while the one-time password stands.
    #[serde(default, deserialize_with = "maybe_secret")]
    #[schema(value_type = Option<String>, min_length = 12, max_length = 256, format = Password)]
    new_password: Option<SecretString>,
    /// The secret of the registered device, where it is one.
    #[serde(default, deserialize_with = "maybe_secret")]
    #[schema(value_type = Option<String>, max_length = 128, format = Password)]
    device: Option<SecretString>,
    #[serde(default)]
    carry: Carry,
}

/// A new session.
#[derive(Serialize, ToSchema)]
struct SignedInView {
    /// Send it as `Authorization: Bearer <token>`. Shown this once; null where a cookie carries it.
    token: Option<String>,
    session: SessionView,
    account: AccountId,
    printed_name: Name,
}

/// A session of one's own.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionView {
    id: SessionId,
    /// The one that asks.
    current: bool,
    authenticated_at: DateTime,
    /// The last sign of life that was kept.
    last_seen_at: DateTime,
    /// Seconds without a sign of life that end it.
    idle_seconds: i64,
    /// It ends then, whatever happens.
    expires_at: DateTime,
    /// From where it was begun.
    #[schema(value_type = Option<String>)]
    address: Option<std::net::IpAddr>,
    device: Option<DeviceId>,
    /// What the browser or program calls itself.
    agent: Option<Name>,
    /// What was shown to come in.
    factors: Vec<Factor>,
}

impl SessionView {
    fn of(session: SessionRecord, current: Option<SessionId>) -> Self {
        let factors = session.factors.split(' ').filter_map(Factor::from_word);
        Self {
            id: session.id,
            current: Some(session.id) == current,
            authenticated_at: session.authenticated_at,
            last_seen_at: session.last_seen_at,
            idle_seconds: session.idle_seconds,
            expires_at: session.expires_at,
            address: session.address,
            device: session.device,
            agent: session.agent,
            factors: factors.collect(),
        }
    }
}

/// The longest password that is looked at.
pub(crate) const PASSWORD_MAX: usize = crate::auth::password::MAX;

/// The cookie of a session. No script reads it, no other site sends it, no plain HTTP carries it, and the browser forgets it
/// when it is closed.
pub(crate) fn cookie(secret: &SecretString) -> Cookie<'static> {
    Cookie::build(COOKIE, secret.expose_secret().to_owned())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .finish()
}

/// Hands a session's new secret over in the way in which the old one came.
pub(super) fn handed_over<T: Serialize>(
    mut answer: actix_web::HttpResponseBuilder,
    request: &HttpRequest,
    secret: &SecretString,
    view: impl FnOnce(Option<String>) -> T,
) -> HttpResponse {
    if request.headers().contains_key(header::AUTHORIZATION) {
        answer.json(view(Some(secret.expose_secret().to_owned())))
    } else {
        answer.cookie(cookie(secret)).json(view(None))
    }
}

type SessionPage = PageView<SessionView>;
type RoleRowPage = PageView<RoleRowView>;

/// Signs a person in.
///
/// The secret is new at every sign-in; a session that the browser brought along ends. An account with an authenticator also
/// takes its code, and a one-time password takes `new_password`.
#[utoipa::path(
    tag = "sessions",
    security(()),
    responses(
        (status = CREATED, body = SignedInView),
        (status = UNAUTHORIZED, description = "`wrong_password`: also for an account that is closed"),
        (status = FORBIDDEN, description = "`second_factor_required`: send `totp` too; `wrong_factor`; \
            `password_change_required`: send `new_password` too; `device_unknown`; `cross_site`"),
        (status = UNPROCESSABLE_ENTITY, description = "`weak_password`"),
        (status = TOO_MANY_REQUESTS, description = "`too_many_attempts`, `too_many_requests`: wait as `Retry-After` says"),
    )
)]
#[post("/sessions")]
pub(super) async fn session_begin(
    api: Data<Api>,
    request: HttpRequest,
    wanted: Json<SignIn>,
) -> Answer<HttpResponse> {
    let wanted = wanted.into_inner();
    if wanted.password.expose_secret().chars().count() > PASSWORD_MAX {
        return Err(CommandError::WrongPassword.into());
    }
    let address = address(request.peer_addr());
    let mut factors = vec![Factor::Password];
    factors.extend(wanted.totp.as_ref().map(|_| Factor::Totp));
    let attempt = api
        .0
        .sign_in
        .begin(&wanted.name, &factors, address, api.0.app.now())
        .await?;
    let agent = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .map(|agent| agent.chars().take(Name::MAX).collect::<String>())
        .and_then(|agent| Name::new(&agent).ok());
    let shown = session::Shown {
        name: wanted.name,
        password: session::Password::Typed(wanted.password),
        totp: wanted.totp,
        new_password: wanted.new_password,
        device: wanted.device,
        before: request
            .cookie(COOKIE)
            .map(|cookie| SecretString::from(cookie.value())),
        address,
        agent,
    };
    let begun = api
        .run(move |app| {
            let begun = session::begin(app, &shown);
            match &begun {
                Ok(_) => attempt.succeeded(),
                // It failed, and stays counted.
                Err(CommandError::WrongPassword | CommandError::WrongFactor { .. }) => {}
                // What was shown was right, and something is missing: nothing is forgotten for that.
                Err(_) => attempt.withdrawn(),
            }
            begun
        })
        .await?;
    let mut answer = HttpResponse::Created();
    let token = match wanted.carry {
        Carry::Token => Some(begun.secret.expose_secret().to_owned()),
        Carry::Cookie => {
            answer.cookie(cookie(&begun.secret));
            None
        }
    };
    let current = Some(begun.session.id);
    Ok(answer.json(SignedInView {
        token,
        account: begun.person.id,
        printed_name: begun.person.printed_name,
        session: SessionView::of(begun.session, current),
    }))
}

/// Your own sessions.
#[utoipa::path(tag = "sessions", responses((status = OK, body = SessionPage)))]
#[get("/sessions")]
async fn session_list(api: Data<Api>, caller: Caller) -> Answer<Json<PageView<SessionView>>> {
    let current = caller.identified.session.as_ref().map(|session| session.id);
    let sessions = api.run(move |app| session::list(app, &caller.actor)).await?;
    let views = sessions.into_iter().map(|one| SessionView::of(one, current));
    Ok(Json(PageView::whole(views)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct SessionPath {
    /// Which session: an id, or `current`.
    #[param(example = "current")]
    id: String,
}

/// Ends a session of your own: signs out.
#[utoipa::path(
    tag = "sessions",
    params(SessionPath),
    responses((status = NO_CONTENT, description = "It opens nothing any more"))
)]
#[delete("/sessions/{id}")]
async fn session_end(api: Data<Api>, caller: Caller, path: Path<SessionPath>) -> Answer<HttpResponse> {
    let current = caller.identified.session.as_ref().map(|session| session.id);
    let id = match (path.id.as_str(), current) {
        ("current", Some(current)) => current,
        ("current", None) => return Err(CommandError::OnlyAPerson.into()),
        (id, _) => id.parse().map_err(|_| {
            Problem::new(
                ProblemCode::MalformedPath,
                "the id of a session is a UUID, or `current`",
            )
        })?,
    };
    api.run(move |app| session::end(app, &caller.actor, id)).await?;
    let mut answer = HttpResponse::NoContent();
    if Some(id) == current {
        let mut gone = cookie(&SecretString::from(String::new()));
        gone.make_removal();
        answer.cookie(gone);
    }
    Ok(answer.finish())
}

/// A right, and where it holds.
#[derive(Serialize, ToSchema)]
struct RightView {
    permission: Permission,
    /// In the whole hospital, or in `care_areas`.
    everywhere: bool,
    care_areas: BTreeSet<CareAreaId>,
}

/// Break-glass, while it is open.
#[derive(Serialize, ToSchema)]
struct OpenGlassView {
    since: DateTime,
    until: DateTime,
    reason: Reason,
}

/// Who is asking, and what they may do.
#[derive(Serialize, ToSchema)]
struct MeView {
    account: AccountId,
    /// The name that is printed beside a signature; of a program, its token's label.
    name: Name,
    roles: BTreeSet<Role>,
    rights: Vec<RightView>,
    /// The session, of a person.
    session: Option<SessionView>,
    break_glass: Option<OpenGlassView>,
    /// What a signature takes at this moment.
    signature_takes: Option<RequiredFactors>,
    has_authenticator: bool,
    has_pin: bool,
}

/// Who you are signed in as, and what you may do.
#[utoipa::path(tag = "sessions", responses((status = OK, body = MeView)))]
#[get("/me")]
async fn me_show(api: Data<Api>, caller: Caller) -> Answer<Json<MeView>> {
    let now = api.0.app.now();
    let principal = caller.identified.principal.clone();
    let account = api
        .run(move |app| app.store.read(|db| db.account_fetch(principal.account)))
        .await?;
    let principal = &caller.identified.principal;
    let rights = Permission::ALL.iter().filter_map(|permission| {
        let (everywhere, care_areas) = match reach(principal, *permission, now).ok()? {
            fleet::access::Reach::Everywhere => (true, BTreeSet::new()),
            fleet::access::Reach::CareAreas(areas) => (false, areas),
        };
        Some(RightView {
            permission: *permission,
            everywhere,
            care_areas,
        })
    });
    let break_glass = match &principal.kind {
        PrincipalKind::BreakGlass(glass) => Some(OpenGlassView {
            since: glass.since,
            until: glass.ends_at(),
            reason: glass.reason.clone(),
        }),
        PrincipalKind::Person | PrincipalKind::Program { .. } => None,
    };
    let session = caller.identified.session.clone();
    let takes = session
        .as_ref()
        .map(|session| sign::takes(session, &caller.actor, now));
    let current = session.as_ref().map(|session| session.id);
    Ok(Json(MeView {
        account: account.id,
        name: Name::new(caller.actor.name()).unwrap_or(account.printed_name),
        roles: principal.grants.iter().map(|grant| grant.role).collect(),
        rights: rights.collect(),
        session: session.map(|session| SessionView::of(session, current)),
        break_glass,
        signature_takes: takes,
        has_authenticator: account.totp_sealed.is_some(),
        has_pin: account.pin_hash.is_some(),
    }))
}

/// A row of the table of roles.
#[derive(Serialize, ToSchema)]
struct RoleRowView {
    permission: Permission,
    /// Completes “may …”.
    label: &'static str,
    effect: fleet::access::Effect,
    /// Where each role holds it; roles that do not are left out.
    roles: Vec<RoleScopeView>,
    /// Whether break-glass opens it.
    break_glass: bool,
    /// Whether a service token may have it as a scope.
    programs: bool,
}

/// Where a role holds a right.
#[derive(Serialize, ToSchema)]
struct RoleScopeView {
    role: Role,
    scope: Scope,
}

/// The table of roles: who may do what, and where.
#[utoipa::path(tag = "people", responses((status = OK, body = RoleRowPage)))]
#[get("/roles")]
async fn role_table_show(_: Caller) -> Answer<Json<PageView<RoleRowView>>> {
    let row = |permission: &Permission| RoleRowView {
        permission: *permission,
        label: permission.label(),
        effect: permission.effect(),
        roles: permission
            .roles()
            .map(|role| RoleScopeView {
                role,
                scope: permission.scope(role),
            })
            .collect(),
        break_glass: permission.opens_by_break_glass(),
        programs: permission.is_for_programs(),
    };
    Ok(Json(PageView::whole(Permission::ALL.iter().map(row))))
}

/// So long a device's idle time is, in seconds.
pub(super) fn seconds(seconds: u32) -> TimeDelta {
    TimeDelta::seconds(i64::from(seconds))
}
