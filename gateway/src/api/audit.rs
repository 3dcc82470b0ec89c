//! The audit trail: searching it, carrying it and its checkpoints elsewhere.

use actix_web::{
    HttpResponse, get,
    http::header,
    post,
    web::{Bytes, Data, Json, Query},
};
use fleet::{
    audit::{Actor, ExportLine, Word},
    id::{AccountId, DeviceId},
    signature::Digest,
    text::{Name, Reason},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AuditFilter, StoreError};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    page::{PageView, limit},
    problem::{Problem, ProblemCode},
};
use crate::audit::{
    checkpoint::{self, SignedCheckpoint},
    export, readable,
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(audit_list)
        .service(audit_export)
        .service(audit_checkpoint_list)
        .service(audit_checkpoint_create)
        .service(audit_key_show);
}

/// The kinds of those who do something.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActorKind {
    Person,
    Program,
    Pump,
    Gateway,
    Unknown,
}

/// An entry of the audit trail.
#[derive(Serialize, ToSchema)]
struct EntryView {
    number: i64,
    at: DateTime,
    actor_kind: ActorKind,
    /// Who, by the name of the time.
    actor: String,
    /// By whose account; a program acts on its owner's.
    account: Option<AccountId>,
    #[schema(value_type = Option<String>)]
    address: Option<std::net::IpAddr>,
    device: Option<DeviceId>,
    device_name: Option<Name>,
    action: Word,
    subject_kind: Word,
    subject: String,
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    reason: Option<Reason>,
    hash: Digest,
    /// The entry in one line, for a person.
    text: String,
}

impl EntryView {
    fn of(line: ExportLine, zone: chrono_tz::Tz) -> Self {
        let text = readable::line(&line.entry, zone);
        let entry = line.entry;
        let (actor_kind, account) = match &entry.actor {
            Actor::Person { account, .. } => (ActorKind::Person, Some(*account)),
            Actor::Program { owner, .. } => (ActorKind::Program, Some(*owner)),
            Actor::Pump { .. } => (ActorKind::Pump, None),
            Actor::Gateway => (ActorKind::Gateway, None),
            Actor::Unknown => (ActorKind::Unknown, None),
        };
        let (device, device_name) = entry
            .origin
            .device
            .map_or((None, None), |device| (Some(device.id), Some(device.name)));
        Self {
            number: entry.number,
            at: entry.at,
            actor_kind,
            actor: readable::who(&entry.actor),
            account,
            address: entry.origin.address,
            device,
            device_name,
            action: entry.action,
            subject_kind: entry.subject.kind,
            subject: entry.subject.id,
            before: entry.before,
            after: entry.after,
            reason: entry.reason,
            hash: line.hash,
            text,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    /// By this person, or by a program of theirs.
    account: Option<AccountId>,
    /// Of this action, such as `pump_held`.
    #[param(value_type = Option<String>)]
    action: Option<Word>,
    /// About this kind of thing, such as `pump`.
    #[param(value_type = Option<String>)]
    subject_kind: Option<Word>,
    /// About this one thing.
    #[param(max_length = 200)]
    subject: Option<String>,
    /// At or after this instant.
    since: Option<DateTime>,
    /// Before this instant.
    until: Option<DateTime>,
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

type EntryPage = PageView<EntryView>;
type SignedCheckpointPage = PageView<SignedCheckpoint>;

/// Entries of the audit trail, the newest first.
#[utoipa::path(tag = "audit", params(AuditQuery), responses((status = OK, body = EntryPage)))]
#[get("/audit")]
async fn audit_list(api: Data<Api>, query: Query<AuditQuery>) -> Answer<Json<PageView<EntryView>>> {
    let limit = limit(query.limit)?;
    let query = query.into_inner();
    let zone = api.0.app.people.zone;
    let page = api
        .run(move |app| {
            let filter = AuditFilter {
                account: query.account,
                action: query.action,
                subject_kind: query.subject_kind,
                subject_id: query.subject,
                since: query.since,
                until: query.until,
            };
            let page = app
                .store
                .read(|db| db.audit_list(&filter, query.after.as_deref(), limit))?;
            let mut items = Vec::new();
            for row in page.items {
                let number = row.number;
                let line = row.read().map_err(|detail| StoreError::Corrupt {
                    attempted: "read the audit trail",
                    detail: format!("entry {number} was altered: {detail}; run `gateway audit verify`"),
                })?;
                items.push(EntryView::of(line, zone));
            }
            Ok::<_, StoreError>(PageView {
                items,
                next: page.next,
            })
        })
        .await?;
    Ok(Json(page))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ExportQuery {
    /// Only what is behind the entry of this number, to go on from an earlier export.
    #[param(minimum = 0, default = 0)]
    after: Option<i64>,
}

/// The audit trail as a file: a header, then one line of JSON for each entry. `gateway audit verify` checks it anywhere.
#[utoipa::path(
    tag = "audit",
    params(ExportQuery),
    responses(
        (status = OK, description = "The record", content_type = "application/x-ndjson", body = String),
        (status = NOT_FOUND, description = "`not_found`: the entry in `after` is not there"),
    )
)]
#[get("/audit/export")]
async fn audit_export(api: Data<Api>, query: Query<ExportQuery>) -> Answer<HttpResponse> {
    let after = query.after.unwrap_or_default();
    if after < 0 {
        return Err(Problem::new(
            ProblemCode::InvalidValue,
            "`after` is a number from 0",
        ));
    }
    let (header, export) = api
        .run(move |app| {
            let key = app.people.record_key.public();
            checkpoint::make(app, app.now())?;
            export::begin(&app.store, &app.people.hospital, key, after, app.now()).map_err(Problem::from)
        })
        .await?;
    let first = serde_json::to_string(&header).map_err(|error| {
        tracing::error!(%error, "the header of an export could not be written");
        Problem::new(ProblemCode::Internal, "the export could not be begun")
    })?;
    let first =
        futures_util::stream::once(async move { Ok::<_, actix_web::Error>(Bytes::from(first + "\n")) });
    let rest = futures_util::stream::try_unfold(export, |mut export| async move {
        let (piece, export) = actix_web::web::block(move || (export.next_piece(), export)).await?;
        let piece = piece.map_err(|error| {
            // The answer has begun: it breaks off, and whoever verifies it sees that its end is missing.
            tracing::error!(%error, "an export of the audit trail broke off");
            actix_web::error::ErrorInternalServerError("the export broke off")
        })?;
        Ok::<_, actix_web::Error>(piece.map(|piece| (Bytes::from(piece), export)))
    });
    let body = futures_util::StreamExt::chain(first, rest);
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"audit.jsonl\"",
        ))
        .streaming(Box::pin(body)))
}

/// Checkpoints, the newest first, at most a thousand.
#[utoipa::path(tag = "audit", responses((status = OK, body = SignedCheckpointPage)))]
#[get("/audit/checkpoints")]
async fn audit_checkpoint_list(api: Data<Api>) -> Answer<Json<PageView<SignedCheckpoint>>> {
    let list = api
        .run(|app| app.store.read(|db| db.checkpoint_list(export::CHECKPOINTS)))
        .await?;
    Ok(Json(PageView::whole(
        list.into_iter().map(SignedCheckpoint::from),
    )))
}

/// Signs the present end of the audit trail. Keep it where this gateway can not reach it.
#[utoipa::path(
    tag = "audit",
    responses((status = OK, body = SignedCheckpoint), (status = NOT_FOUND, description = "`not_found`: the record is empty"))
)]
#[post("/audit/checkpoints")]
async fn audit_checkpoint_create(api: Data<Api>) -> Answer<Json<SignedCheckpoint>> {
    let made = api.run(|app| checkpoint::make(app, app.now())).await?;
    made.map(Json)
        .ok_or_else(|| Problem::new(ProblemCode::NotFound, "the audit trail has no entry yet"))
}

/// The public key of the record.
#[derive(Serialize, ToSchema)]
struct KeyView {
    key_id: String,
    /// `SubjectPublicKeyInfo` in PEM: ECDSA on P-256 with SHA-256.
    pem: String,
}

/// The public key by which checkpoints, and the seals on signatures, are checked. Get it once, by a way you trust.
#[utoipa::path(tag = "audit", responses((status = OK, body = KeyView)))]
#[get("/audit/key")]
async fn audit_key_show(api: Data<Api>) -> Answer<Json<KeyView>> {
    let key = api.0.app.people.record_key.public();
    Ok(Json(KeyView {
        key_id: key.id().to_owned(),
        pem: key.to_pem(),
    }))
}
