//! Holds: what each pump is held for, what was seen, and what is still missing before it may go back to a patient. The signatures
//! that release one are signatures like all others: on the subject `hold` of its id.

use std::collections::{HashMap, hash_map::Entry};

use actix_web::{
    HttpResponse, get, post, put,
    web::{Data, Json, Path, Query},
};
use fleet::{
    check::CheckOutcome,
    id::{AccountId, HoldId, PumpId, ReleaseId, RetestId, SignatureId},
    pump::HoldKind,
    text::{AssetTag, Name, Reason, SerialNumber},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Db, HoldFilter, HoldRecord, StoreError};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    page::{PageView, limit},
    rollout::NewReading,
};
use crate::command::hold::{
    self,
    retest::{self, Tested},
    whole::Whole,
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(hold_list)
        .service(hold_show)
        .service(hold_retest_begin)
        .service(hold_check_enter)
        .service(hold_owner_set)
        .service(hold_sequester_end);
}

/// A person, by the name that is printed.
#[derive(Serialize, ToSchema)]
struct HoldPersonView {
    id: AccountId,
    printed_name: Name,
}

/// A hold.
#[derive(Serialize, ToSchema)]
struct HoldRecordView {
    /// A signature on it is one on the subject `hold` of this id.
    id: HoldId,
    pump: PumpId,
    serial: SerialNumber,
    asset_tag: Option<AssetTag>,
    care_area: Option<Name>,
    kind: HoldKind,
    reason: Reason,
    /// Who set it; null when the gateway did, by a rule.
    set_by: Option<HoldPersonView>,
    /// Who looks after it.
    owner: Option<HoldPersonView>,
    since: DateTime,
    /// When it ended.
    ended_at: Option<DateTime>,
    /// The hold that took its place; null where the pump was released.
    replaced_by: Option<HoldId>,
}

type HoldPage = PageView<HoldRecordView>;

/// An attempt to pass the checks again.
#[derive(Serialize, ToSchema)]
struct RetestView {
    id: RetestId,
    /// From 1.
    attempt: i64,
    begun_at: DateTime,
    begun_by: AccountId,
    /// By when everything must have been read.
    due: DateTime,
    /// The release whose checks these are; null for the hospital's own.
    release: Option<ReleaseId>,
    outcome: CheckOutcome,
    outcome_label: &'static str,
    /// Each check of the plan: what it asks, and what is said of it, with every reading.
    #[schema(value_type = Vec<Object>)]
    checks: Value,
}

/// A hold with everything about it.
#[derive(Serialize, ToSchema)]
struct HoldWholeView {
    #[serde(flatten)]
    hold: HoldRecordView,
    /// What was seen when it was set: firmware, update, checks.
    #[schema(value_type = Object)]
    evidence: Value,
    /// Every attempt, the newest first. Only the newest counts.
    retests: Vec<RetestView>,
    /// What is missing before it is released; empty once it has ended.
    waits_for: Vec<String>,
    /// The retest on which it was released.
    released_on: Option<RetestId>,
    /// The signatures on which it was released.
    released_by: Vec<SignatureId>,
}

/// Puts names to the people and pumps of holds. A hold whose pump is gone can not be.
fn views(db: &mut Db<'_>, rows: Vec<HoldRecord>) -> Result<Vec<HoldRecordView>, StoreError> {
    let pumps: Vec<_> = rows.iter().map(|row| row.pump).collect();
    let listings: HashMap<_, _> = db
        .pump_listing_of(&pumps)?
        .into_iter()
        .map(|listing| (listing.pump.id, listing))
        .collect();
    let mut names = HashMap::new();
    for id in rows.iter().flat_map(|row| [row.set_by, row.owner]).flatten() {
        if let Entry::Vacant(vacant) = names.entry(id) {
            vacant.insert(db.account_fetch(id)?.printed_name);
        }
    }
    let person = |id: Option<AccountId>| {
        let id = id?;
        let printed_name = names.get(&id)?.clone();
        Some(HoldPersonView { id, printed_name })
    };
    let view = |row: HoldRecord| {
        let listing = listings.get(&row.pump)?;
        Some(HoldRecordView {
            id: row.id,
            pump: row.pump,
            serial: listing.pump.serial.clone(),
            asset_tag: listing.pump.asset_tag.clone(),
            care_area: listing.care_area_name.clone(),
            kind: row.kind,
            reason: row.reason,
            set_by: person(row.set_by),
            owner: person(row.owner),
            since: row.since,
            ended_at: row.ended_at,
            replaced_by: row.replaced_by,
        })
    };
    Ok(rows.into_iter().filter_map(view).collect())
}

impl From<Tested> for RetestView {
    fn from(tested: Tested) -> Self {
        let Tested {
            record, evaluation, ..
        } = tested;
        let fields = evaluation.fields();
        let plan = record.plan.as_array().cloned().unwrap_or_default();
        let checks = fields.get("checks").and_then(Value::as_array).cloned();
        let checks: Vec<_> = checks
            .unwrap_or_default()
            .into_iter()
            .zip(plan)
            .map(|(mut check, spec)| {
                for member in ["conduct", "prompt"] {
                    if let (Some(check), Some(asked)) = (check.as_object_mut(), spec.get(member)) {
                        check.insert(member.to_owned(), asked.clone());
                    }
                }
                check
            })
            .collect();
        Self {
            id: record.id,
            attempt: record.attempt,
            begun_at: record.begun_at,
            begun_by: record.begun_by,
            due: record.due,
            release: record.release,
            outcome: evaluation.outcome,
            outcome_label: evaluation.outcome.label(),
            checks: json!(checks),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct HoldQuery {
    /// Of this pump.
    pump: Option<PumpId>,
    /// Of this kind.
    kind: Option<HoldKind>,
    /// Looked after by this person.
    owner: Option<AccountId>,
    /// Those that stand, or those that ended.
    standing: Option<bool>,
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// Holds, the newest first: those that stand, and the history.
#[utoipa::path(tag = "holds", params(HoldQuery), responses((status = OK, body = HoldPage)))]
#[get("/holds")]
async fn hold_list(api: Data<Api>, query: Query<HoldQuery>) -> Answer<Json<PageView<HoldRecordView>>> {
    let limit = limit(query.limit)?;
    let filter = HoldFilter {
        pump: query.pump,
        kind: query.kind,
        owner: query.owner,
        standing: query.standing,
    };
    let page = api
        .run(move |app| {
            app.store.read(|db| {
                let page = db.hold_list(&filter, query.after.as_deref(), limit)?;
                Ok(PageView {
                    items: views(db, page.items)?,
                    next: page.next,
                })
            })
        })
        .await?;
    Ok(Json(page))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct HoldPath {
    /// The hold.
    id: HoldId,
}

/// A hold with its evidence, every retest, and what is still missing.
#[utoipa::path(
    tag = "holds",
    params(HoldPath),
    responses((status = OK, body = HoldWholeView), (status = NOT_FOUND, description = "`not_found`"))
)]
#[get("/holds/{id}")]
async fn hold_show(api: Data<Api>, path: Path<HoldPath>) -> Answer<Json<HoldWholeView>> {
    Ok(Json(single(&api, path.id).await?))
}

async fn single(api: &Data<Api>, id: HoldId) -> Answer<HoldWholeView> {
    let now = api.0.app.now();
    api.run(move |app| {
        app.store.read(|db| {
            let whole = Whole::load(db, id, now)?;
            let waits_for = match whole.hold.ended_at {
                None => whole.unmet().iter().map(ToString::to_string).collect(),
                Some(_) => Vec::new(),
            };
            let mut retests = Vec::new();
            for record in db.retest_of(id)? {
                retests.push(RetestView::from(retest::tested(db, record, now)?));
            }
            let hold = whole.hold;
            let (evidence, released_on) = (hold.evidence.clone(), hold.retest);
            let released_by = serde_json::from_value(hold.signatures.clone()).unwrap_or_default();
            let hold = views(db, vec![hold])?.pop().ok_or(StoreError::NotFound {
                what: "hold",
                id: id.to_string(),
            })?;
            Ok(HoldWholeView {
                hold,
                evidence,
                retests,
                waits_for,
                released_on,
                released_by,
            })
        })
    })
    .await
}

/// Runs the checks again: the pump is asked for those that it runs itself, people enter the others. What was signed before is void.
#[utoipa::path(
    tag = "holds",
    params(HoldPath),
    responses(
        (status = CREATED, body = HoldWholeView),
        (status = NOT_FOUND, description = "`not_found`"),
        (status = CONFLICT, description = "`hold_over`; `hold_forbids_orders`: it is evidence, and touched by nothing"),
    )
)]
#[post("/holds/{id}/retests")]
async fn hold_retest_begin(api: Data<Api>, caller: Caller, path: Path<HoldPath>) -> Answer<HttpResponse> {
    let id = path.id;
    api.run(move |app| retest::begin(app, &caller.actor, id)).await?;
    Ok(HttpResponse::Created().json(single(&api, id).await?))
}

/// Enters what a check of the newest retest read at the bench.
#[utoipa::path(
    tag = "holds",
    params(HoldPath),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "`not_found`"),
        (status = CONFLICT, description = "`no_retest`: begin one first; `hold_over`"),
    )
)]
#[post("/holds/{id}/checks")]
async fn hold_check_enter(
    api: Data<Api>,
    caller: Caller,
    path: Path<HoldPath>,
    new: Json<NewReading>,
) -> Answer<HttpResponse> {
    let (id, bench) = (path.id, new.into_inner().into());
    api.run(move |app| retest::enter(app, &caller.actor, id, &bench))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who looks after a hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOwner {
    /// Null for nobody.
    owner: Option<AccountId>,
}

/// Says who looks after a hold.
#[utoipa::path(
    tag = "holds",
    params(HoldPath),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "`not_found`: no such hold, or no such person"),
        (status = CONFLICT, description = "`hold_over`"),
    )
)]
#[put("/holds/{id}/owner")]
async fn hold_owner_set(
    api: Data<Api>,
    caller: Caller,
    path: Path<HoldPath>,
    new: Json<NewOwner>,
) -> Answer<HttpResponse> {
    let (id, owner) = (path.id, new.owner);
    api.run(move |app| hold::owner_set(app, &caller.actor, id, owner))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Why evidence is evidence no longer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SequesterEnd {
    reason: Reason,
}

/// Ends a sequestration. The pump is then held clinically: a retest and two signatures bring it back.
#[utoipa::path(
    tag = "holds",
    params(HoldPath),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "`not_found`"),
        (status = CONFLICT, description = "`not_sequestered`; `hold_over`"),
    )
)]
#[post("/holds/{id}/end-sequester")]
async fn hold_sequester_end(
    api: Data<Api>,
    caller: Caller,
    path: Path<HoldPath>,
    end: Json<SequesterEnd>,
) -> Answer<HttpResponse> {
    let (id, reason) = (path.id, end.into_inner().reason);
    api.run(move |app| hold::sequester_end(app, &caller.actor, id, &reason))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
