//! Drug libraries: which one the hospital approved for each model.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path},
};
use fleet::{
    id::{AccountId, DrugLibraryId, ModelId},
    signature::Digest,
    text::{ComponentVersion, Name, Reason},
};
use serde::{Deserialize, Serialize};
use store::DrugLibraryRecord;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api, DateTime, caller::Caller};
use crate::command::library::{self, Library};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(drug_library_list)
        .service(drug_library_history)
        .service(drug_library_say);
}

/// A drug library, as it lies on a pump.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LibraryView {
    name: Name,
    /// In the pharmacy's own words.
    #[schema(value_type = String)]
    version: ComponentVersion,
    /// In hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    sha256: Digest,
}

/// What somebody said about the drug library of a model.
#[derive(Serialize, ToSchema)]
struct ApprovalView {
    id: DrugLibraryId,
    model: ModelId,
    /// What is approved; nothing says that no library is.
    library: Option<LibraryView>,
    said_by: AccountId,
    said_at: DateTime,
    reason: Reason,
}

impl From<DrugLibraryRecord> for ApprovalView {
    fn from(said: DrugLibraryRecord) -> Self {
        let library = said.name.zip(said.version).zip(said.sha256);
        Self {
            id: said.id,
            model: said.model,
            library: library.map(|((name, version), sha256)| LibraryView {
                name,
                version,
                sha256,
            }),
            said_by: said.said_by,
            said_at: said.said_at,
            reason: said.reason,
        }
    }
}

/// What was said about drug libraries.
#[derive(Serialize, ToSchema)]
struct ApprovalsView {
    items: Vec<ApprovalView>,
}

impl From<Vec<DrugLibraryRecord>> for ApprovalsView {
    fn from(said: Vec<DrugLibraryRecord>) -> Self {
        Self {
            items: said.into_iter().map(ApprovalView::from).collect(),
        }
    }
}

/// What is approved now, for each model of which anything was said.
#[utoipa::path(tag = "releases", responses((status = OK, body = ApprovalsView)))]
#[get("/drug-libraries")]
async fn drug_library_list(api: Data<Api>) -> Answer<Json<ApprovalsView>> {
    let said = api.run(|app| app.store.read(|db| db.drug_library_list())).await?;
    Ok(Json(said.into()))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ModelPath {
    /// The model.
    id: ModelId,
}

/// Everything that was said about the drug library of a model, the newest first.
#[utoipa::path(tag = "releases", params(ModelPath), responses((status = OK, body = ApprovalsView)))]
#[get("/models/{id}/drug-libraries")]
async fn drug_library_history(api: Data<Api>, path: Path<ModelPath>) -> Answer<Json<ApprovalsView>> {
    let id = path.id;
    let said = api
        .run(move |app| app.store.read(|db| db.drug_library_history(id)))
        .await?;
    Ok(Json(said.into()))
}

/// What to say about the drug library of a model.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewApproval {
    /// What is approved; left out, none is any more.
    library: Option<LibraryView>,
    reason: Reason,
}

/// Says which drug library is approved for a model from now on, or that none is.
#[utoipa::path(
    tag = "releases",
    params(ModelPath),
    responses(
        (status = CREATED, body = ApprovalView),
        (status = NOT_FOUND, description = "`not_found`: no such model"),
    )
)]
#[post("/models/{id}/drug-libraries")]
async fn drug_library_say(
    api: Data<Api>,
    caller: Caller,
    path: Path<ModelPath>,
    new: Json<NewApproval>,
) -> Answer<HttpResponse> {
    let NewApproval { library, reason } = new.into_inner();
    let library = library.map(|library| Library {
        name: library.name,
        version: library.version,
        sha256: library.sha256,
    });
    let model = path.id;
    let said = api
        .run(move |app| library::say(app, &caller.actor, model, library.as_ref(), &reason))
        .await?;
    Ok(HttpResponse::Created().json(ApprovalView::from(said)))
}
