//! Advisories that are carried in, and how old each feed is.

use ::exposure::feed::FeedKind;
use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Payload, Query},
};
use chrono::TimeDelta;
use fleet::{Timestamp, signature::Digest};
use serde::{Deserialize, Serialize};
use store::FeedRecord;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::{Answer, Api, DateTime, caller::Caller, page::PageView, upload::spool};
use crate::command::exposure::{self as command, FileOutcome, Imported};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(advisory_import).service(feed_list);
}

/// The largest file or archive that is taken, in bytes.
pub(super) const UPLOAD_MAX: u64 = 1024 * 1024 * 1024;
/// The longest name of a file, in characters.
const NAME_MAX: usize = 200;
/// A feed of which nothing newer came in for so long is stale.
const STALE_AFTER: TimeDelta = TimeDelta::days(14);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    /// What the file is called.
    #[param(max_length = 200)]
    name: Option<String>,
    /// Only say what would follow.
    #[serde(default)]
    preview: bool,
}

/// The name of a file, as far as it goes on record.
pub(super) fn file_name(given: Option<String>) -> String {
    let name: String = given
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(NAME_MAX)
        .collect();
    if name.is_empty() {
        "upload".to_owned()
    } else {
        name
    }
}

/// A file, and what became of it.
#[derive(Serialize, ToSchema)]
struct CarriedFileView {
    name: String,
    #[schema(value_type = String)]
    sha256: Digest,
    /// Why it was refused; null when it was taken.
    refused: Option<String>,
    /// The kind of feed.
    feed: Option<&'static str>,
    publisher: Option<String>,
    document: Option<String>,
    /// When its publisher made it, where it says so.
    made_at: Option<DateTime>,
    /// How many vulnerabilities it tells of.
    records: usize,
    /// How many of these name no product by which they could be found: nothing is known of them.
    without_products: usize,
}

impl From<FileOutcome> for CarriedFileView {
    fn from(file: FileOutcome) -> Self {
        let (stamp, refused) = match file.read {
            Ok(stamp) => (Some(stamp), None),
            Err(why) => (None, Some(why)),
        };
        Self {
            name: file.name,
            sha256: file.sha256,
            refused,
            feed: stamp.as_ref().map(|stamp| stamp.feed.name()),
            publisher: stamp.as_ref().map(|stamp| stamp.publisher.clone()),
            document: stamp.as_ref().map(|stamp| stamp.document.clone()),
            made_at: stamp.as_ref().and_then(|stamp| stamp.made_at),
            records: stamp.as_ref().map_or(0, |stamp| stamp.records),
            without_products: stamp.as_ref().map_or(0, |stamp| stamp.without_products),
        }
    }
}

/// A vulnerability, and on how many pumps it opened or closed.
#[derive(Serialize, ToSchema)]
pub(super) struct MovedView {
    vulnerability: String,
    pumps: usize,
}

pub(super) fn moved(all: Vec<(String, usize)>) -> Vec<MovedView> {
    all.into_iter()
        .map(|(vulnerability, pumps)| MovedView { vulnerability, pumps })
        .collect()
}

/// What an import did, or would do.
#[derive(Serialize, ToSchema)]
struct AdvisoryImportView {
    files: Vec<CarriedFileView>,
    /// Vulnerabilities of which something new is known.
    changed: usize,
    /// Records that were known so already.
    unchanged: usize,
    /// Records that are older than what is known.
    older: usize,
    /// What is open on pumps now, and was not.
    opened: Vec<MovedView>,
    /// What is open on these pumps no longer.
    closed: Vec<MovedView>,
}

impl From<Imported> for AdvisoryImportView {
    fn from(done: Imported) -> Self {
        Self {
            files: done.files.into_iter().map(CarriedFileView::from).collect(),
            changed: done.changed,
            unchanged: done.unchanged,
            older: done.older,
            opened: moved(done.opened),
            closed: moved(done.closed),
        }
    }
}

/// Imports advisories: send a CSAF 2.0 document, a page of the NVD API 2.0 or CISA's catalogue of known exploited vulnerabilities, or
/// an archive (tar, tar.gz) of any of them. A file that is refused changes nothing, and the answer says why.
#[utoipa::path(
    tag = "exposure",
    params(ImportQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = OK, body = AdvisoryImportView, description = "A preview: nothing was changed"),
        (status = CREATED, body = AdvisoryImportView),
        (status = UNPROCESSABLE_ENTITY, description = "`document_refused`: nothing was taken, with every reason"),
    )
)]
#[post("/advisories/import")]
async fn advisory_import(
    api: Data<Api>,
    caller: Caller,
    query: Query<ImportQuery>,
    payload: Payload,
) -> Answer<HttpResponse> {
    let ImportQuery { name, preview } = query.into_inner();
    let actor = caller.actor.clone();
    let file = spool(&api, payload, UPLOAD_MAX, move |app| {
        command::may_import(app, &actor)
    })
    .await?;
    let done = api
        .run(move |app| command::import(app, &caller.actor, file.path(), &file_name(name), preview))
        .await?;
    let view = AdvisoryImportView::from(done);
    Ok(if preview {
        HttpResponse::Ok().json(view)
    } else {
        HttpResponse::Created().json(view)
    })
}

/// What last came in of a publisher's feed.
#[derive(Serialize, ToSchema)]
struct FeedView {
    /// The kind of feed.
    feed: String,
    publisher: String,
    /// The newest document that came in.
    document: String,
    /// When its publisher made it, where it says so.
    made_at: Option<DateTime>,
    imported_at: DateTime,
    imported_by: String,
    /// How many vulnerabilities it told of.
    records: i64,
    /// How many of these name no product by which they could be found: nothing is known of them.
    without_products: i64,
    /// Whole days since: of a catalogue, since it was made; of single advisories, since the last was carried in.
    age_days: i64,
    /// Too old to rely on.
    stale: bool,
}

impl FeedView {
    fn of(record: FeedRecord, now: Timestamp) -> Self {
        // An advisory is as old as it is; a catalogue is a state of the world.
        let is_catalogue = record.feed != FeedKind::Csaf.name();
        let as_of = record
            .made_at
            .filter(|_| is_catalogue)
            .unwrap_or(record.imported_at);
        let age = now.signed_duration_since(as_of);
        Self {
            feed: record.feed,
            publisher: record.publisher,
            document: record.document,
            made_at: record.made_at,
            imported_at: record.imported_at,
            imported_by: record.imported_by,
            records: record.records,
            without_products: record.without_products,
            age_days: age.num_days().max(0),
            stale: age > STALE_AFTER,
        }
    }
}

type FeedPage = PageView<FeedView>;

/// How old what is known of each feed is. Nothing is fetched: what is not carried in is not known.
#[utoipa::path(tag = "exposure", responses((status = OK, body = FeedPage)))]
#[get("/feeds")]
async fn feed_list(api: Data<Api>) -> Answer<Json<FeedPage>> {
    let (feeds, now) = api
        .run(|app| app.store.read(|db| Ok((db.feed_list()?, app.now()))))
        .await?;
    let views = feeds.into_iter().map(|feed| FeedView::of(feed, now));
    Ok(Json(PageView::whole(views)))
}
