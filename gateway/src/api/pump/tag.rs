//! The hospital's tags on its pumps.

use actix_web::{
    get, post,
    web::{Data, Json, Path},
};
use fleet::{pump::Retag, text::Tag};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    super::{Answer, Api, caller::Caller, page::PageView},
    PumpPath, single,
    view::PumpView,
};
use crate::command::tag;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(pump_tags_change).service(tag_list);
}

/// Tags to put on and to take off. Upper and lower case are the same.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TagChange {
    #[serde(default)]
    add: Vec<Tag>,
    #[serde(default)]
    remove: Vec<Tag>,
}

/// A tag, and how many pumps have it.
#[derive(Serialize, ToSchema)]
struct TagView {
    tag: Tag,
    pumps: i64,
}

type TagPage = PageView<TagView>;

/// Puts tags on a pump and takes tags off it. Saying so again changes nothing.
///
/// A tag is the hospital's own word for a group of pumps (`pilot`, `loan`): lists are narrowed by it, and filters mean it.
#[utoipa::path(
    tag = "pumps",
    params(PumpPath),
    responses((status = OK, body = PumpView), (status = CONFLICT, description = "`pump_retired`"))
)]
#[post("/pumps/{id}/tags")]
async fn pump_tags_change(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<PumpPath>,
    change: Json<TagChange>,
) -> Answer<Json<PumpView>> {
    let id = path.id;
    let TagChange { add, remove } = change.into_inner();
    api.run(move |app| tag::retag(app, &actor, id, &Retag { add, remove }))
        .await?;
    Ok(Json(single(&api, id).await?))
}

/// Every tag that a pump has, and how many have it; retired pumps do not count.
#[utoipa::path(tag = "pumps", responses((status = OK, body = TagPage)))]
#[get("/tags")]
async fn tag_list(api: Data<Api>) -> Answer<Json<PageView<TagView>>> {
    let all = api.run(|app| app.store.read(|db| db.tag_list())).await?;
    Ok(Json(PageView::whole(
        all.into_iter().map(|(tag, pumps)| TagView { tag, pumps }),
    )))
}
