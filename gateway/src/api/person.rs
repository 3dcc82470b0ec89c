//! People: accounts and roles.

use std::collections::BTreeSet;

use actix_web::{
    HttpResponse, get, patch, post, put,
    web::{Data, Json, Path, Query},
};
use fleet::{
    access::{CareAreas, Grant, Role},
    id::{AccountId, CareAreaId},
    text::{Name, Reason},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use store::AccountRecord;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    etag::{IfMatch, etag},
    page::{PageView, limit},
    problem::{Problem, ProblemCode},
};
use crate::command::people;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(person_list)
        .service(person_create)
        .service(person_show)
        .service(person_edit)
        .service(person_roles_set)
        .service(person_disable)
        .service(person_enable)
        .service(person_reset)
        .service(person_sessions_end);
}

/// A role, and where it holds for what the table of roles limits to a person's own care areas.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GrantView {
    role: Role,
    /// In every care area, and for pumps in none. Else in `care_areas`.
    #[serde(default)]
    everywhere: bool,
    #[serde(default)]
    #[schema(max_items = 500)]
    care_areas: BTreeSet<CareAreaId>,
}

impl From<Grant> for GrantView {
    fn from(grant: Grant) -> Self {
        let (everywhere, care_areas) = match grant.care_areas {
            CareAreas::All => (true, BTreeSet::new()),
            CareAreas::Named(areas) => (false, areas),
        };
        Self {
            role: grant.role,
            everywhere,
            care_areas,
        }
    }
}

/// Each role once; everywhere or somewhere, not both and not nowhere.
fn grants(views: Vec<GrantView>) -> Answer<Vec<Grant>> {
    let refuse = |detail: String| Err(Problem::new(ProblemCode::InvalidValue, detail));
    let mut roles = BTreeSet::new();
    let mut grants = Vec::new();
    for view in views {
        let role = view.role;
        if !roles.insert(role) {
            return refuse(format!(
                "the role `{}` is there twice; give it once",
                role.as_str()
            ));
        }
        let care_areas = match (view.everywhere, view.care_areas.is_empty()) {
            (true, true) => CareAreas::All,
            (false, false) => CareAreas::Named(view.care_areas),
            (true, false) | (false, true) => {
                return refuse(format!(
                    "the role `{}` takes either `everywhere` or `care_areas`",
                    role.as_str()
                ));
            }
        };
        grants.push(Grant { role, care_areas });
    }
    Ok(grants)
}

/// A person.
#[derive(Serialize, ToSchema)]
struct PersonView {
    id: AccountId,
    row_version: i64,
    /// The name by which the person signs in.
    name: Name,
    /// The name that is printed beside a signature.
    printed_name: Name,
    roles: Vec<GrantView>,
    created_at: DateTime,
    /// When the account was closed.
    disabled_at: Option<DateTime>,
    /// The person has not signed in yet with the one-time password.
    must_change_password: bool,
    has_authenticator: bool,
    has_pin: bool,
}

impl PersonView {
    fn of(account: AccountRecord, grants: Vec<Grant>) -> Self {
        Self {
            id: account.id,
            row_version: account.row_version,
            name: account.name,
            printed_name: account.printed_name,
            roles: grants.into_iter().map(GrantView::from).collect(),
            created_at: account.created_at,
            disabled_at: account.disabled_at,
            must_change_password: account.must_change_password,
            has_authenticator: account.totp_sealed.is_some(),
            has_pin: account.pin_hash.is_some(),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PersonQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PersonPath {
    /// Which person.
    id: AccountId,
}

type PersonPage = PageView<PersonView>;

/// People in the order of their names, also those whose accounts are closed.
#[utoipa::path(tag = "people", params(PersonQuery), responses((status = OK, body = PersonPage)))]
#[get("/people")]
async fn person_list(api: Data<Api>, query: Query<PersonQuery>) -> Answer<Json<PageView<PersonView>>> {
    let limit = limit(query.limit)?;
    let (page, mut grants) = api
        .run(move |app| {
            app.store.read(|db| {
                let page = db.account_list(query.after.as_deref(), limit)?;
                let ids: Vec<_> = page.items.iter().map(|account| account.id).collect();
                Ok((page, db.grant_list_of(&ids)?))
            })
        })
        .await?;
    Ok(Json(PageView::of(page, |account| {
        let grants = grants.remove(&account.id).unwrap_or_default();
        PersonView::of(account, grants)
    })))
}

async fn single(api: &Api, id: AccountId) -> Answer<PersonView> {
    api.run(move |app| {
        app.store
            .read(|db| Ok(PersonView::of(db.account_fetch(id)?, db.grant_list(id)?)))
    })
    .await
}

fn shown(view: &PersonView) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(etag(view.row_version))
        .json(view)
}

/// A person.
#[utoipa::path(tag = "people", params(PersonPath), responses((status = OK, body = PersonView)))]
#[get("/people/{id}")]
async fn person_show(api: Data<Api>, path: Path<PersonPath>) -> Answer<HttpResponse> {
    Ok(shown(&single(&api, path.id).await?))
}

/// A new person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPerson {
    /// The name by which the person will sign in. It is never given to another.
    #[schema(example = "ana.obrien")]
    name: Name,
    /// The name that is printed beside a signature.
    #[schema(example = "Ana O'Brien, RN")]
    printed_name: Name,
    #[schema(max_items = 8)]
    roles: Vec<GrantView>,
}

/// A person who can sign in once with this password, to choose another.
#[derive(Serialize, ToSchema)]
struct InvitedView {
    person: PersonView,
    /// Shown this once.
    one_time_password: String,
}

/// Adds a person, who gets a one-time password.
#[utoipa::path(
    tag = "people",
    responses(
        (status = CREATED, body = InvitedView),
        (status = CONFLICT, description = "`conflict`: the name is or ever was somebody's"),
    )
)]
#[post("/people")]
async fn person_create(api: Data<Api>, caller: Caller, new: Json<NewPerson>) -> Answer<HttpResponse> {
    let new = new.into_inner();
    let grants = grants(new.roles)?;
    let invited = api
        .run(move |app| people::create(app, &caller.actor, &new.name, &new.printed_name, grants))
        .await?;
    Ok(HttpResponse::Created().json(InvitedView {
        person: PersonView::of(invited.person.account, invited.person.grants),
        one_time_password: invited.one_time_password.expose_secret().to_owned(),
    }))
}

/// What is corrected.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonEdit {
    printed_name: Name,
}

/// Corrects the printed name. Signatures that were given keep the name they were given under.
#[utoipa::path(
    tag = "people",
    params(PersonPath, ("If-Match" = String, Header, description = "The ETag of the person as it was read")),
    responses(
        (status = OK, body = PersonView),
        (status = PRECONDITION_FAILED, description = "`stale`"),
        (status = PRECONDITION_REQUIRED, description = "`precondition_required`"),
    )
)]
#[patch("/people/{id}")]
async fn person_edit(
    api: Data<Api>,
    caller: Caller,
    path: Path<PersonPath>,
    seen: IfMatch,
    edit: Json<PersonEdit>,
) -> Answer<HttpResponse> {
    let id = path.id;
    api.run(move |app| people::edit(app, &caller.actor, id, seen.0, &edit.printed_name))
        .await?;
    Ok(shown(&single(&api, id).await?))
}

/// Roles, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Roles {
    #[schema(max_items = 8)]
    roles: Vec<GrantView>,
    reason: Reason,
}

/// Gives a person these roles and no others. The person is signed out everywhere.
#[utoipa::path(
    tag = "people",
    params(PersonPath, ("If-Match" = String, Header, description = "The ETag of the person as it was read")),
    responses(
        (status = OK, body = PersonView),
        (status = FORBIDDEN, description = "`own_account`: nobody changes their own roles; `denied`"),
        (status = CONFLICT, description = "`last_administrator`"),
        (status = PRECONDITION_FAILED, description = "`stale`"),
        (status = PRECONDITION_REQUIRED, description = "`precondition_required`"),
    )
)]
#[put("/people/{id}/roles")]
async fn person_roles_set(
    api: Data<Api>,
    caller: Caller,
    path: Path<PersonPath>,
    seen: IfMatch,
    wanted: Json<Roles>,
) -> Answer<HttpResponse> {
    let id = path.id;
    let Roles { roles, reason } = wanted.into_inner();
    let grants = grants(roles)?;
    api.run(move |app| people::roles_set(app, &caller.actor, id, seen.0, &grants, &reason))
        .await?;
    Ok(shown(&single(&api, id).await?))
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Because {
    reason: Reason,
}

/// Closes an account: the person is signed out, and their tokens are taken back.
#[utoipa::path(
    tag = "people",
    params(PersonPath, ("If-Match" = String, Header, description = "The ETag of the person as it was read")),
    responses(
        (status = OK, body = PersonView),
        (status = FORBIDDEN, description = "`own_account`, `denied`"),
        (status = CONFLICT, description = "`last_administrator`"),
        (status = PRECONDITION_FAILED, description = "`stale`"),
        (status = PRECONDITION_REQUIRED, description = "`precondition_required`"),
    )
)]
#[post("/people/{id}/disable")]
async fn person_disable(
    api: Data<Api>,
    caller: Caller,
    path: Path<PersonPath>,
    seen: IfMatch,
    why: Json<Because>,
) -> Answer<HttpResponse> {
    let id = path.id;
    api.run(move |app| people::disable(app, &caller.actor, id, seen.0, &why.reason))
        .await?;
    Ok(shown(&single(&api, id).await?))
}

/// A one-time password.
#[derive(Serialize, ToSchema)]
struct OneTimePasswordView {
    /// Shown this once.
    one_time_password: String,
}

/// Opens an account again, with a one-time password.
#[utoipa::path(
    tag = "people",
    params(PersonPath, ("If-Match" = String, Header, description = "The ETag of the person as it was read")),
    responses(
        (status = OK, body = OneTimePasswordView),
        (status = PRECONDITION_FAILED, description = "`stale`"),
        (status = PRECONDITION_REQUIRED, description = "`precondition_required`"),
    )
)]
#[post("/people/{id}/enable")]
async fn person_enable(
    api: Data<Api>,
    caller: Caller,
    path: Path<PersonPath>,
    seen: IfMatch,
    why: Json<Because>,
) -> Answer<Json<OneTimePasswordView>> {
    let secret = api
        .run(move |app| people::enable(app, &caller.actor, path.id, seen.0, &why.reason))
        .await?;
    Ok(Json(OneTimePasswordView {
        one_time_password: secret.expose_secret().to_owned(),
    }))
}

/// Gives a person who is locked out a one-time password. Authenticator and PIN are taken away, sessions end.
#[utoipa::path(
    tag = "people",
    params(PersonPath),
    responses((status = OK, body = OneTimePasswordView), (status = FORBIDDEN, description = "`own_account`, `denied`"))
)]
#[post("/people/{id}/reset")]
async fn person_reset(
    api: Data<Api>,
    caller: Caller,
    path: Path<PersonPath>,
    why: Json<Because>,
) -> Answer<Json<OneTimePasswordView>> {
    let secret = api
        .run(move |app| people::reset(app, &caller.actor, path.id, &why.reason))
        .await?;
    Ok(Json(OneTimePasswordView {
        one_time_password: secret.expose_secret().to_owned(),
    }))
}

/// How many sessions ended.
#[derive(Serialize, ToSchema)]
struct EndedView {
    ended: usize,
}

/// Signs a person out everywhere.
#[utoipa::path(tag = "people", params(PersonPath), responses((status = OK, body = EndedView)))]
#[post("/people/{id}/sign-out")]
async fn person_sessions_end(
    api: Data<Api>,
    caller: Caller,
    path: Path<PersonPath>,
) -> Answer<Json<EndedView>> {
    let ended = api
        .run(move |app| people::sessions_end(app, &caller.actor, path.id))
        .await?;
    Ok(Json(EndedView { ended }))
}
