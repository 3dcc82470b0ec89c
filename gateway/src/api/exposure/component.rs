//! What releases and models are made of: component lists, searches in them, and what differs between two.

use ::exposure::{
    ComponentList,
    name::Alike,
    sbom::{Change, Query as Asked, difference},
};
use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path, Payload, Query},
};
use fleet::{
    id::{ComponentListId, ModelId, ReleaseId},
    signature::Digest,
    text::{ComponentName, ComponentVersion, SerialNumber},
};
use serde::{Deserialize, Serialize};
use store::{ComponentListRecord, StoreError};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    super::{
        Answer, Api, DateTime,
        caller::Caller,
        page::PageView,
        problem::{Problem, ProblemCode},
        upload::spool,
    },
    import::{MovedView, UPLOAD_MAX, file_name, moved},
};
use crate::{
    command::{
        component::{self as command, ListImported, ListOf},
        exposure::may_import,
    },
    exposure::{lists::Lists, set},
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(component_list_list)
        .service(component_list_import)
        .service(component_find)
        .service(release_difference);
}

/// A component list, without the list itself.
#[derive(Serialize, ToSchema)]
struct ComponentListView {
    id: ComponentListId,
    /// The release that it is of.
    release: Option<ReleaseId>,
    /// Or the model.
    model: Option<ModelId>,
    /// A part of the model, where it is of no more than that.
    component: Option<ComponentName>,
    /// The version of that part, where it is of no other.
    version: Option<ComponentVersion>,
    /// What the file was called.
    name: String,
    #[schema(value_type = String)]
    sha256: Digest,
    components: i64,
    /// How many of the components can not be compared with what is published: without a version, say.
    gaps: i64,
    imported_by: String,
    imported_at: DateTime,
}

impl From<ComponentListRecord> for ComponentListView {
    fn from(record: ComponentListRecord) -> Self {
        Self {
            id: record.id,
            release: record.release,
            model: record.model,
            component: record.component,
            version: record.version,
            name: record.name,
            sha256: record.sha256,
            components: record.components,
            gaps: record.gaps,
            imported_by: record.imported_by,
            imported_at: record.imported_at,
        }
    }
}

type ComponentListPage = PageView<ComponentListView>;

/// Every component list, the newest first.
#[utoipa::path(tag = "exposure", responses((status = OK, body = ComponentListPage)))]
#[get("/component-lists")]
async fn component_list_list(api: Data<Api>) -> Answer<Json<ComponentListPage>> {
    let all = api.run(|app| app.store.read(|db| db.component_lists())).await?;
    Ok(Json(PageView::whole(
        all.into_iter().map(ComponentListView::from),
    )))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// What the file is called.
    #[param(max_length = 200)]
    name: Option<String>,
    /// It is of this release: of every pump that runs all it brings.
    release: Option<ReleaseId>,
    /// It is of this model.
    model: Option<ModelId>,
    /// It is of this part of the model.
    component: Option<ComponentName>,
    /// It is of this version of the part.
    version: Option<ComponentVersion>,
    /// Only say what would follow.
    #[serde(default)]
    preview: bool,
}

impl ListQuery {
    fn of(&self) -> Result<ListOf, Problem> {
        let part = self.component.clone().map(|name| (name, self.version.clone()));
        match (self.release, self.model, part, &self.version) {
            (Some(release), None, None, None) => Ok(ListOf::Release(release)),
            (None, Some(model), None, None) => Ok(ListOf::Model { model, part: None }),
            (None, Some(model), Some(part), _) => Ok(ListOf::Model {
                model,
                part: Some(part),
            }),
            _ => Err(Problem::new(
                ProblemCode::InvalidValue,
                "say what the list is of: either `release`, or `model`, with `component` and its `version` where it is of a part",
            )),
        }
    }
}

/// A component list that came in, and what follows from it.
#[derive(Serialize, ToSchema)]
struct ComponentListImportView {
    list: ComponentListView,
    /// How many pumps it holds for now.
    pumps: usize,
    /// What is open on pumps now, and was not.
    opened: Vec<MovedView>,
    /// What is open on these pumps no longer.
    closed: Vec<MovedView>,
}

impl From<ListImported> for ComponentListImportView {
    fn from(done: ListImported) -> Self {
        Self {
            list: done.record.into(),
            pumps: done.pumps,
            opened: moved(done.follows.opened),
            closed: moved(done.follows.closed),
        }
    }
}

/// Imports a component list (`CycloneDX` 1.4 to 1.7 or SPDX 2.2 or 2.3, JSON), in the place of one that is known for the same thing.
#[utoipa::path(
    tag = "exposure",
    params(ListQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = OK, body = ComponentListImportView, description = "A preview: nothing was changed"),
        (status = CREATED, body = ComponentListImportView),
        (status = NOT_FOUND, description = "`not_found`: no such release or model"),
        (status = UNPROCESSABLE_ENTITY, description = "`document_refused`, with the reason"),
    )
)]
#[post("/component-lists")]
async fn component_list_import(
    api: Data<Api>,
    caller: Caller,
    query: Query<ListQuery>,
    payload: Payload,
) -> Answer<HttpResponse> {
    let query = query.into_inner();
    let of = query.of()?;
    let ListQuery { name, preview, .. } = query;
    let actor = caller.actor.clone();
    let file = spool(&api, payload, UPLOAD_MAX, move |app| may_import(app, &actor)).await?;
    let done = api
        .run(move |app| command::import(app, &caller.actor, &of, file.path(), &file_name(name), preview))
        .await?;
    let view = ComponentListImportView::from(done);
    Ok(if preview {
        HttpResponse::Ok().json(view)
    } else {
        HttpResponse::Created().json(view)
    })
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FindQuery {
    /// A name, and versions of it: `log4net <2.0.10`, `jQuery >=1.0, <3.5`, `openssl 1.0.2k`.
    #[param(max_length = 200)]
    q: String,
}

/// A component that is meant, or may be, in pumps that report the same versions.
#[derive(Serialize, ToSchema)]
struct FoundComponentView {
    component: String,
    version: Option<String>,
    supplier: Option<String>,
    /// It may be meant: it has no version, or one that does not compare.
    perhaps: bool,
    /// The list that has it, and where in it.
    list: ComponentListId,
    place: String,
    /// Model and versions of the pumps, in words.
    of: String,
    pumps: Vec<SerialNumber>,
}

type FoundPage = PageView<FoundComponentView>;

/// Which pumps contain a component. Lists that hold for no pump are not searched.
#[utoipa::path(
    tag = "exposure",
    params(FindQuery),
    responses((status = OK, body = FoundPage), (status = UNPROCESSABLE_ENTITY, description = "`invalid_value`"))
)]
#[get("/components/find")]
async fn component_find(api: Data<Api>, query: Query<FindQuery>) -> Answer<Json<FoundPage>> {
    let asked: Asked = query.q.parse().map_err(|error: ::exposure::sbom::QueryError| {
        Problem::new(ProblemCode::InvalidValue, error.to_string())
    })?;
    let found = api.run(move |app| app.store.read(|db| find(db, &asked))).await?;
    Ok(Json(PageView::whole(found)))
}

fn find(db: &mut store::Db<'_>, asked: &Asked) -> Result<Vec<FoundComponentView>, StoreError> {
    let lists = Lists::read(db)?;
    let mut found = Vec::new();
    for set in set::all(db)? {
        let hits: Vec<_> = lists
            .iter()
            .filter(|listed| listed.holds_for(&set))
            .flat_map(|listed| asked.search(&listed.list).map(|hit| (listed.record.id, hit)))
            .collect();
        if hits.is_empty() {
            continue;
        }
        let ids: Vec<_> = set.pumps.iter().map(|(pump, _)| *pump).collect();
        let mut pumps: Vec<_> = db
            .pump_serials_of(&ids)?
            .into_iter()
            .map(|(_, serial)| serial)
            .collect();
        pumps.sort();
        for (list, (component, alike)) in hits {
            found.push(FoundComponentView {
                component: component.name.clone(),
                version: component.versions().first().map(|version| (*version).to_owned()),
                supplier: component.supplier.clone(),
                perhaps: alike == Alike::Perhaps,
                list,
                place: component.place.clone(),
                of: set.words(),
                pumps: pumps.clone(),
            });
        }
    }
    Ok(found)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ReleasePath {
    /// The newer release.
    id: ReleaseId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DifferenceQuery {
    /// The older release.
    from: ReleaseId,
}

/// A component that is not the same in both releases.
#[derive(Serialize, ToSchema)]
struct DifferenceView {
    component: String,
    supplier: Option<String>,
    /// The versions that only the older has; `no version` where there is none.
    from: Vec<String>,
    /// The versions that only the newer has.
    to: Vec<String>,
}

type DifferencePage = PageView<DifferenceView>;

/// What differs between the component lists of two releases.
#[utoipa::path(
    tag = "exposure",
    params(ReleasePath, DifferenceQuery),
    responses(
        (status = OK, body = DifferencePage),
        (status = NOT_FOUND, description = "`not_found`: no component list was imported for one of them"),
    )
)]
#[get("/releases/{id}/difference")]
async fn release_difference(
    api: Data<Api>,
    path: Path<ReleasePath>,
    query: Query<DifferenceQuery>,
) -> Answer<Json<DifferencePage>> {
    let (new, old) = (path.id, query.from);
    let differences = api
        .run(move |app| {
            app.store.read(|db| {
                let lists = Lists::read(db)?;
                let list = |release: ReleaseId| -> Result<&ComponentList, StoreError> {
                    let mut lists = lists.iter();
                    let found = lists.find(|listed| listed.record.release == Some(release));
                    found
                        .map(|listed| &listed.list)
                        .ok_or_else(|| StoreError::NotFound {
                            what: "component list of a release",
                            id: release.to_string(),
                        })
                };
                Ok(difference(list(old)?, list(new)?))
            })
        })
        .await?;
    let view = |differs: ::exposure::sbom::Difference| {
        let (from, to) = match differs.change {
            Change::Added { versions } => (Vec::new(), versions),
            Change::Removed { versions } => (versions, Vec::new()),
            Change::Changed { from, to } => (from, to),
        };
        DifferenceView {
            component: differs.name,
            supplier: differs.supplier,
            from,
            to,
        }
    };
    Ok(Json(PageView::whole(differences.into_iter().map(view))))
}
