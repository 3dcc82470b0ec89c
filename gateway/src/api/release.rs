//! Manufacturers' repositories and releases.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path, Payload},
};
use fleet::{
    id::{ReleaseId, RepositoryId},
    release::{ReleaseClass, RepositoryName},
    signature::Digest,
    text::{ComponentVersion, Name},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{ReleaseRecord, RepositoryRecord};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api, DateTime, caller::Caller, upload::spool};
use crate::command::release;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(repository_list)
        .service(repository_create)
        .service(release_import)
        .service(release_list)
        .service(release_show);
}

/// The largest archive that is taken, in bytes.
const ARCHIVE_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// A manufacturer's TUF repository.
#[derive(Serialize, ToSchema)]
struct RepositoryView {
    /// A signature on it is one on the subject `trust_root` of this id.
    id: RepositoryId,
    /// Pumps fetch from `/firmware/<name>/` of the bulk listener.
    name: RepositoryName,
    /// The root of trust that was imported: SHA-256 of its metadata.
    root_sha256: Digest,
    added_at: DateTime,
}

impl From<RepositoryRecord> for RepositoryView {
    fn from(row: RepositoryRecord) -> Self {
        Self {
            id: row.id,
            name: row.name,
            root_sha256: row.root_hash,
            added_at: row.added_at,
        }
    }
}

/// Every repository.
#[derive(Serialize, ToSchema)]
struct RepositoriesView {
    items: Vec<RepositoryView>,
}

/// A repository to put on record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRepository {
    name: RepositoryName,
    manufacturer: Name,
    /// The manufacturer's TUF root metadata (`root.json`), as text.
    #[schema(max_length = 32_768)]
    root: String,
}

/// Every manufacturer's repository.
#[utoipa::path(tag = "releases", responses((status = OK, body = RepositoriesView)))]
#[get("/repositories")]
async fn repository_list(api: Data<Api>) -> Answer<Json<RepositoriesView>> {
    let rows = api.run(|app| app.store.read(|db| db.repository_list())).await?;
    Ok(Json(RepositoriesView {
        items: rows.into_iter().map(RepositoryView::from).collect(),
    }))
}

/// Puts a repository on record with its root of trust. It is trusted once somebody signed for it.
#[utoipa::path(
    tag = "releases",
    responses((status = CREATED, body = RepositoryView), (status = CONFLICT, description = "`conflict`: the name is taken"))
)]
#[post("/repositories")]
async fn repository_create(api: Data<Api>, caller: Caller, new: Json<NewRepository>) -> Answer<HttpResponse> {
    let NewRepository {
        name,
        manufacturer,
        root,
    } = new.into_inner();
    let row = api
        .run(move |app| release::repository_add(app, &caller.actor, &name, &manufacturer, &root))
        .await?;
    Ok(HttpResponse::Created().json(RepositoryView::from(row)))
}

/// A release.
#[derive(Serialize, ToSchema)]
struct ReleaseView {
    id: ReleaseId,
    repository: RepositoryId,
    name: Name,
    version: ComponentVersion,
    manifest_sha256: Digest,
    imported_at: DateTime,
}

impl From<&ReleaseRecord> for ReleaseView {
    fn from(row: &ReleaseRecord) -> Self {
        Self {
            id: row.id,
            repository: row.repository,
            name: row.name.clone(),
            version: row.version.clone(),
            manifest_sha256: row.manifest_hash,
            imported_at: row.imported_at,
        }
    }
}

/// Releases.
#[derive(Serialize, ToSchema)]
struct ReleasesView {
    items: Vec<ReleaseView>,
}

/// A release with all that its manufacturer says of it.
#[derive(Serialize, ToSchema)]
struct ReleaseWholeView {
    #[serde(flatten)]
    release: ReleaseView,
    class: ReleaseClass,
    /// The manifest, as it was signed.
    #[schema(value_type = Object)]
    manifest: Value,
    /// Each file with its length and SHA-256.
    #[schema(value_type = Vec<Object>)]
    files: Value,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct RepositoryPath {
    /// The repository.
    id: RepositoryId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ReleasePath {
    /// The release.
    id: ReleaseId,
}

/// Imports what is new in a repository: send it as an archive (tar or tar.gz) with `metadata/` and `targets/`. It is checked as
/// a pump checks it, and refused as a whole if anything does not hold.
#[utoipa::path(
    tag = "releases",
    params(RepositoryPath),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = CREATED, body = ReleasesView),
        (status = NOT_FOUND, description = "`not_found`: no such repository"),
        (status = CONFLICT, description = "`root_not_trusted`: nobody has signed for its root of trust"),
        (status = UNPROCESSABLE_ENTITY, description = "`release_refused`: with the reason a pump would give"),
    )
)]
#[post("/repositories/{id}/import")]
async fn release_import(
    api: Data<Api>,
    caller: Caller,
    path: Path<RepositoryPath>,
    payload: Payload,
) -> Answer<HttpResponse> {
    let actor = caller.actor.clone();
    let file = spool(&api, payload, ARCHIVE_MAX, move |app| {
        release::may_import(app, &actor)
    })
    .await?;
    let id = path.id;
    let rows = api
        .run(move |app| release::import(app, &caller.actor, id, file.path()))
        .await?;
    Ok(HttpResponse::Created().json(ReleasesView {
        items: rows.iter().map(ReleaseView::from).collect(),
    }))
}

/// Every release, the newest first.
#[utoipa::path(tag = "releases", responses((status = OK, body = ReleasesView)))]
#[get("/releases")]
async fn release_list(api: Data<Api>) -> Answer<Json<ReleasesView>> {
    let rows = api.run(|app| app.store.read(|db| db.release_list())).await?;
    Ok(Json(ReleasesView {
        items: rows.iter().map(ReleaseView::from).collect(),
    }))
}

/// A release, with its manifest.
#[utoipa::path(
    tag = "releases",
    params(ReleasePath),
    responses((status = OK, body = ReleaseWholeView), (status = NOT_FOUND, description = "`not_found`"))
)]
#[get("/releases/{id}")]
async fn release_show(api: Data<Api>, path: Path<ReleasePath>) -> Answer<Json<ReleaseWholeView>> {
    let id = path.id;
    let found = api
        .run(move |app| {
            app.store
                .read(|db| crate::engine::rollout::facts::release(db, id))
        })
        .await?;
    Ok(Json(ReleaseWholeView {
        release: ReleaseView::from(&found.record),
        class: found.manifest.class,
        manifest: serde_json::from_str(&found.record.manifest).unwrap_or_default(),
        files: found.record.targets,
    }))
}
