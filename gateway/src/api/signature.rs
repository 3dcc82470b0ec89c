//! Electronic signatures: what would be signed, signing, saying `not now`, and what was signed.

use actix_web::{
    HttpRequest, HttpResponse, get, post,
    web::{Data, Json, Path, Query},
};
use fleet::{
    access::{Role, reach},
    id::{AccountId, CareAreaId, DeviceId, SignatureId},
    signature::{
        Answer as Said, Digest, Factor, Meaning, Named, RequiredFactors, SignatureState, SignatureStatement,
        Subject, SubjectKind, state,
    },
    text::{Name, Reason},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Db, SignatureFilter, SignatureRecord, StoreError};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    me::guarded,
    page::{PageView, limit},
    problem::Problem,
    session::maybe_secret,
};
use crate::{
    app::App,
    auth::record_key::RecordPublicKey,
    command::{CommandError, factor, sign, subject},
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(signature_subject_show)
        .service(signature_sign)
        .service(signature_refuse)
        .service(signature_list)
        .service(signature_show);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct SubjectPath {
    /// The kind of thing.
    kind: SubjectKind,
    /// Which one.
    id: Uuid,
}

/// What would be signed, in its present state.
#[derive(Serialize, ToSchema)]
struct SubjectView {
    kind: SubjectKind,
    id: Uuid,
    /// What people call it.
    title: String,
    /// Send it back with the signature.
    version: i64,
    /// Send it back with the signature.
    content_hash: Digest,
    /// Everything that the hash is over, and that a signature vouches for.
    #[schema(value_type = Object)]
    content: Value,
    care_area: Option<CareAreaId>,
    /// A wave belongs to several: say for which of them you sign.
    care_areas: Vec<CareAreaId>,
    /// What you may say of it.
    meanings: Vec<MeaningView>,
    /// Why it can not be signed at this moment.
    obstacle: Option<String>,
    /// What a signature takes at this moment; null for a program.
    takes: Option<RequiredFactors>,
}

/// Something that can be said by signing.
#[derive(Serialize, ToSchema)]
struct MeaningView {
    meaning: Meaning,
    /// The words beside the name.
    label: &'static str,
}

type SignaturePage = PageView<SignatureView>;

/// What would be signed: the content, its version and its hash, and what you may say of it.
#[utoipa::path(
    tag = "signatures",
    params(SubjectPath, SubjectQuery),
    responses((status = OK, body = SubjectView))
)]
#[get("/signatures/subjects/{kind}/{id}")]
async fn signature_subject_show(
    api: Data<Api>,
    caller: Caller,
    path: Path<SubjectPath>,
    query: Query<SubjectQuery>,
) -> Answer<Json<SubjectView>> {
    let (kind, id) = (path.kind, path.id);
    let meaning = query.meaning;
    let now = api.0.app.now();
    let shown = api
        .run(move |app| {
            app.store
                .read(|db| Ok(subject::show(db, kind, id, meaning, now)))?
                .map_err(Problem::from)
        })
        .await?;
    let principal = &caller.identified.principal;
    let meanings = Meaning::ALL.iter().filter(|meaning| {
        meaning.subject() == kind
            && reach(principal, meaning.permission(), now).is_ok_and(|reach| {
                let within = |area: &CareAreaId| reach.includes(Some(*area));
                if shown.care_areas.is_empty() {
                    reach.includes(shown.care_area)
                } else {
                    shown.care_areas.iter().any(within)
                }
            })
    });
    let takes = caller
        .identified
        .session
        .as_ref()
        .map(|session| sign::takes(session, &caller.actor, now));
    Ok(Json(SubjectView {
        kind,
        id,
        title: shown.title,
        version: shown.subject.version,
        content_hash: shown.subject.content_hash,
        content: shown.content,
        care_area: shown.care_area,
        care_areas: shown.care_areas.clone(),
        meanings: meanings
            .map(|meaning| MeaningView {
                meaning: *meaning,
                label: meaning.label(),
            })
            .collect(),
        obstacle: shown.obstacle.map(|obstacle| obstacle.to_string()),
        takes,
    }))
}

/// A signature to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSignature {
    kind: SubjectKind,
    id: Uuid,
    /// The version that was shown.
    version: i64,
    /// The hash of what was shown.
    content_hash: Digest,
    meaning: Meaning,
    /// For which of its care areas, where it belongs to several.
    care_area: Option<CareAreaId>,
    /// A remark.
    comment: Option<Reason>,
    /// What you show now.
    #[serde(default)]
    factors: ShownFactors,
}

/// What somebody shows to sign: on the first signature of a session the password and one more, later the password or the PIN.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShownFactors {
    #[serde(default, deserialize_with = "maybe_secret")]
    #[schema(value_type = Option<String>, max_length = 256, format = Password)]
    password: Option<SecretString>,
    #[serde(default, deserialize_with = "maybe_secret")]
    #[schema(value_type = Option<String>, max_length = 12, format = Password)]
    totp: Option<SecretString>,
    #[serde(default, deserialize_with = "maybe_secret")]
    #[schema(value_type = Option<String>, max_length = 12, format = Password)]
    pin: Option<SecretString>,
}

/// A refusal to sign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRefusal {
    kind: SubjectKind,
    id: Uuid,
    /// The version that was shown.
    version: i64,
    /// The hash of what was shown.
    content_hash: Digest,
    /// What you were asked to say.
    meaning: Meaning,
    /// For which of its care areas, where it belongs to several.
    care_area: Option<CareAreaId>,
    /// Why not now.
    reason: Reason,
}

/// Signs. It takes factors beyond the session, and is refused as a whole if anything is not as it was shown.
#[utoipa::path(
    tag = "signatures",
    responses(
        (status = NOT_FOUND, description = "`not_found`: no such subject"),
        (status = CREATED, body = SignatureView),
        (status = FORBIDDEN, description = "`wrong_factor`; `factors_missing`; `same_person`: this takes another person; `denied`"),
        (status = CONFLICT, description = "`content_changed`: look at it again; `already_signed`; `not_ready`"),
        (status = TOO_MANY_REQUESTS, description = "`too_many_attempts`, `too_many_requests`"),
    )
)]
#[post("/signatures")]
async fn signature_sign(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    new: Json<NewSignature>,
) -> Answer<HttpResponse> {
    let new = new.into_inner();
    let wanted = sign::Wanted {
        kind: new.kind,
        id: new.id,
        version: new.version,
        content_hash: new.content_hash,
        meaning: new.meaning,
        care_area: new.care_area,
        comment: new.comment,
    };
    let shown = factor::Shown {
        password: new.factors.password,
        totp: new.factors.totp,
        pin: new.factors.pin,
    };
    let actor = caller.actor.clone();
    let view = guarded(&api, &request, &caller, &shown.factors(), move |app| {
        let record = sign::sign(app, &actor, &wanted, &shown)?;
        single(app, record)
    })
    .await?;
    Ok(HttpResponse::Created().json(view))
}

/// Says `not now`, with a reason. It needs no factor, and opens nothing.
#[utoipa::path(
    tag = "signatures",
    responses(
        (status = NOT_FOUND, description = "`not_found`: no such subject"),(status = CREATED, body = SignatureView), (status = CONFLICT, description = "`content_changed`"))
)]
#[post("/signatures/not-now")]
async fn signature_refuse(api: Data<Api>, caller: Caller, new: Json<NewRefusal>) -> Answer<HttpResponse> {
    let new = new.into_inner();
    let wanted = sign::Wanted {
        kind: new.kind,
        id: new.id,
        version: new.version,
        content_hash: new.content_hash,
        meaning: new.meaning,
        care_area: new.care_area,
        comment: None,
    };
    let view = api
        .run(move |app| {
            let record = sign::not_now(app, &caller.actor, &wanted, &new.reason)?;
            single(app, record).map_err(Problem::from)
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// Something by its id, with the name it had at the time.
#[derive(Serialize, ToSchema)]
struct CareAreaThenView {
    id: CareAreaId,
    name: Name,
}

/// A registered device, with the name it had at the time.
#[derive(Serialize, ToSchema)]
struct DeviceThenView {
    id: DeviceId,
    name: Name,
}

/// A signature, or a refusal to sign.
#[derive(Serialize, ToSchema)]
struct SignatureView {
    id: SignatureId,
    kind: SubjectKind,
    subject: Uuid,
    version: i64,
    content_hash: Digest,
    meaning: Meaning,
    /// What it means, in words.
    label: String,
    /// Whether it was signed; else it was answered `not now`.
    signed: bool,
    /// The remark, or why not now.
    comment: Option<Reason>,
    printed_name: Name,
    account: AccountId,
    role: Role,
    care_area: Option<CareAreaThenView>,
    device: Option<DeviceThenView>,
    /// With the offset of the hospital's clocks.
    #[schema(value_type = String, format = DateTime)]
    signed_at: String,
    /// What was shown to sign.
    factors: Vec<Factor>,
    /// Whether it stands: nothing of what was signed changed since.
    valid: bool,
    /// Why it does not stand.
    void: Option<String>,
    /// The gateway's own seal over the signed bytes, and whether it holds: the record was not altered.
    seal: String,
    key_id: String,
    seal_holds: Option<bool>,
}

impl SignatureView {
    /// `current` is the subject as it is now. The seal can be checked if it was made by the present key.
    fn of(record: SignatureRecord, current: Option<&Subject>, key: &RecordPublicKey) -> Self {
        let statement = record.statement;
        let void = match state(&statement, current) {
            SignatureState::Valid => None,
            SignatureState::Void(reason) => Some(reason.to_string()),
        };
        let seal_holds =
            (record.key_id == key.id()).then(|| key.verifies(&statement.canonical_bytes(), &record.seal));
        Self {
            id: statement.id,
            kind: statement.subject.kind,
            subject: statement.subject.id,
            version: statement.subject.version,
            content_hash: statement.subject.content_hash,
            meaning: statement.answer.meaning(),
            label: statement.answer.label(),
            signed: statement.answer.is_signature(),
            comment: match statement.answer {
                Said::Signed { comment, .. } => comment,
                Said::NotNow { reason, .. } => Some(reason),
            },
            printed_name: statement.printed_name,
            account: statement.account,
            role: statement.role,
            care_area: statement
                .care_area
                .map(|Named { id, name }| CareAreaThenView { id, name }),
            device: statement
                .device
                .map(|Named { id, name }| DeviceThenView { id, name }),
            signed_at: statement.signed_at.to_string(),
            factors: record.factors.split(' ').filter_map(Factor::from_word).collect(),
            valid: void.is_none(),
            void,
            seal: record.seal,
            key_id: record.key_id,
            seal_holds,
        }
    }
}

/// The subject of a signature as it is now; nothing when it is gone.
fn current(
    db: &mut Db<'_>,
    statement: &SignatureStatement,
    app: &App,
) -> Result<Option<Subject>, StoreError> {
    let of = &statement.subject;
    subject::current(db, of.kind, of.id, statement.answer.meaning(), app.now())
}

fn single(app: &App, record: SignatureRecord) -> Result<SignatureView, CommandError> {
    let current = app.store.read(|db| Ok(current(db, &record.statement, app)))??;
    Ok(SignatureView::of(
        record,
        current.as_ref(),
        app.people.record_key.public(),
    ))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SubjectQuery {
    /// What is to be said of it. A wave shows its briefing, or what came of it.
    meaning: Option<Meaning>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SignatureQuery {
    /// About this kind of thing.
    kind: Option<SubjectKind>,
    /// About this one thing.
    subject: Option<Uuid>,
    /// By this person.
    account: Option<AccountId>,
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Each subject is looked at as it is now, so a page is short.
const LIST_MAX: u32 = 200;

/// Signatures and refusals, the newest first, each with whether it stands.
#[utoipa::path(
    tag = "signatures",
    params(SignatureQuery),
    responses((status = OK, body = SignaturePage))
)]
#[get("/signatures")]
async fn signature_list(
    api: Data<Api>,
    query: Query<SignatureQuery>,
) -> Answer<Json<PageView<SignatureView>>> {
    let limit = super::page::bounded("limit", limit(Some(query.limit.unwrap_or(50)))?, 1, LIST_MAX)?;
    let page = api
        .run(move |app| {
            let filter = SignatureFilter {
                kind: query.kind,
                subject: query.subject,
                account: query.account,
            };
            let page = app
                .store
                .read(|db| db.signature_list(&filter, query.after.as_deref(), limit))?;
            let mut items = Vec::new();
            for record in page.items {
                items.push(single(app, record)?);
            }
            Ok::<_, CommandError>(PageView {
                items,
                next: page.next,
            })
        })
        .await?;
    Ok(Json(page))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct SignaturePath {
    /// Which signature.
    id: SignatureId,
}

/// A signature with the very bytes that were signed, for print and for checking.
#[derive(Serialize, ToSchema)]
struct WholeSignatureView {
    #[serde(flatten)]
    signature: SignatureView,
    /// The signed bytes: a line that names their form, and canonical JSON.
    statement: String,
    /// What was shown, as canonical JSON: what the content hash is over, behind its first line.
    content: String,
    read_at: DateTime,
}

/// A signature.
#[utoipa::path(
    tag = "signatures",
    params(SignaturePath),
    responses((status = OK, body = WholeSignatureView))
)]
#[get("/signatures/{id}")]
async fn signature_show(api: Data<Api>, path: Path<SignaturePath>) -> Answer<Json<WholeSignatureView>> {
    let view = api
        .run(move |app| {
            let record = app.store.read(|db| db.signature_fetch(path.id))?;
            let statement = String::from_utf8_lossy(&record.statement.canonical_bytes()).into_owned();
            let content = record.content.clone();
            Ok::<_, CommandError>(WholeSignatureView {
                signature: single(app, record)?,
                statement,
                content,
                read_at: app.now(),
            })
        })
        .await?;
    Ok(Json(view))
}
