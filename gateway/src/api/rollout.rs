//! Rollouts: written, submitted, stopped, let go on; what each pump waits for.

mod floor;
mod pump;
mod wave;

use std::collections::{BTreeMap, HashMap};

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path},
};
use fleet::{
    id::{AccountId, AssignmentId, PumpId, ReleaseId, RolloutId, WaveId},
    release::TargetPath,
    rollout::{
        Subject,
        spec::Spec,
        state::{AssignmentState, RolloutState, WaveState},
    },
    text::{Name, Reason, SerialNumber},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AssignmentRecord, Db, RolloutRecord, StoreError, WaveRecord};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) use self::pump::NewReading;
use super::{Answer, Api, DateTime, caller::Caller};
use crate::command::rollout::{self, Act};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(rollout_create)
        .service(rollout_list)
        .service(rollout_show)
        .service(rollout_waiting)
        .service(rollout_act)
        .configure(wave::routes)
        .configure(pump::routes)
        .configure(floor::routes);
}

/// A rollout to write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRollout {
    name: Name,
    release: ReleaseId,
    spec: Spec,
    /// Why it can not wait: shorter soak, two approvals instead of one. The safety rules are the same.
    emergency: Option<Reason>,
    /// It does not begin before.
    begins_at: Option<DateTime>,
}

/// A rollout.
#[derive(Serialize, ToSchema)]
struct RolloutView {
    /// A signature on it is one on the subject `rollout` of this id.
    id: RolloutId,
    name: Name,
    release: ReleaseId,
    state: RolloutState,
    /// The words a person reads.
    state_label: &'static str,
    /// Since when it is in that state.
    since: DateTime,
    author: AccountId,
    emergency: Option<Reason>,
    begins_at: DateTime,
    /// Why it was paused, halted or cancelled.
    why: Option<Reason>,
}

impl From<&RolloutRecord> for RolloutView {
    fn from(row: &RolloutRecord) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            release: row.release,
            state: row.state,
            state_label: row.state.label(),
            since: row.since,
            author: row.author,
            emergency: row.emergency.clone(),
            begins_at: row.begins_at,
            why: row.why.clone(),
        }
    }
}

/// Rollouts.
#[derive(Serialize, ToSchema)]
struct RolloutsView {
    items: Vec<RolloutView>,
}

/// A wave with its pumps.
#[derive(Serialize, ToSchema)]
struct WaveView {
    /// A signature on it is one on the subject `wave` of this id.
    id: WaveId,
    number: i64,
    name: Name,
    state: WaveState,
    state_label: &'static str,
    since: DateTime,
    opened_at: Option<DateTime>,
    /// How many pumps are in which state.
    counts: BTreeMap<&'static str, u64>,
    assignments: Vec<AssignmentView>,
}

/// A pump in a wave.
#[derive(Serialize, ToSchema)]
struct AssignmentView {
    id: AssignmentId,
    pump: PumpId,
    serial: SerialNumber,
    care_area: Option<Name>,
    state: AssignmentState,
    state_label: &'static str,
    since: DateTime,
    target: TargetPath,
    /// It was left for the catch-up list.
    left_behind: bool,
    /// Somebody wants it out of the rollout, or took it out.
    taken_out: bool,
    /// When it was last heard of, where it was left behind or fell silent.
    last_heard: Option<DateTime>,
    /// Its last refusal or broken download.
    setback: Option<Reason>,
    /// When it joined the rollout, which was approved already; nothing when it was part of what was approved.
    joined_at: Option<DateTime>,
    /// When somebody last wanted it tried again.
    again_at: Option<DateTime>,
}

/// A rollout with everything in it.
#[derive(Serialize, ToSchema)]
struct RolloutWholeView {
    #[serde(flatten)]
    rollout: RolloutView,
    /// As it was written, with every limit.
    #[schema(value_type = Object)]
    spec: Value,
    waves: Vec<WaveView>,
}

/// Writes a rollout. Its waves and the pumps in them are fixed from here on, but for those that its spec lets join; it does
/// nothing until others approved it.
#[utoipa::path(
    tag = "rollouts",
    responses((status = CREATED, body = RolloutView), (status = NOT_FOUND, description = "`not_found`: no such release"))
)]
#[post("/rollouts")]
async fn rollout_create(api: Data<Api>, caller: Caller, new: Json<NewRollout>) -> Answer<HttpResponse> {
    let new = new.into_inner();
    let wanted = rollout::Wanted {
        name: new.name,
        release: new.release,
        spec: new.spec,
        emergency: new.emergency,
        begins_at: new.begins_at,
    };
    let row = api
        .run(move |app| rollout::write(app, &caller.actor, &wanted))
        .await?;
    Ok(HttpResponse::Created().json(RolloutView::from(&row)))
}

/// Every rollout, the newest first.
#[utoipa::path(tag = "rollouts", responses((status = OK, body = RolloutsView)))]
#[get("/rollouts")]
async fn rollout_list(api: Data<Api>) -> Answer<Json<RolloutsView>> {
    let rows = api.run(|app| app.store.read(|db| db.rollout_list())).await?;
    Ok(Json(RolloutsView {
        items: rows.iter().map(RolloutView::from).collect(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct RolloutPath {
    /// The rollout.
    id: RolloutId,
}

/// A rollout with its waves and pumps.
#[utoipa::path(
    tag = "rollouts",
    params(RolloutPath),
    responses((status = OK, body = RolloutWholeView), (status = NOT_FOUND, description = "`not_found`"))
)]
#[get("/rollouts/{id}")]
async fn rollout_show(api: Data<Api>, path: Path<RolloutPath>) -> Answer<Json<RolloutWholeView>> {
    let id = path.id;
    let view = api.run(move |app| app.store.read(|db| whole(db, id))).await?;
    Ok(Json(view))
}

fn whole(db: &mut Db<'_>, id: RolloutId) -> Result<RolloutWholeView, StoreError> {
    let row = db.rollout_fetch(id)?;
    let waves = db.wave_of(&[id])?;
    let mut of_wave: HashMap<WaveId, Vec<AssignmentRecord>> = HashMap::new();
    let assignments = db.assignment_of(&[id])?;
    let pumps: Vec<_> = assignments.iter().map(|assignment| assignment.pump).collect();
    let listings: HashMap<_, _> = db
        .pump_listing_of(&pumps)?
        .into_iter()
        .map(|listing| (listing.pump.id, listing))
        .collect();
    for assignment in assignments {
        of_wave.entry(assignment.wave).or_default().push(assignment);
    }
    let view = |wave: WaveRecord| {
        let members = of_wave.remove(&wave.id).unwrap_or_default();
        let mut counts = BTreeMap::new();
        for assignment in &members {
            *counts.entry(assignment.state.as_str()).or_default() += 1;
        }
        WaveView {
            id: wave.id,
            number: wave.number,
            name: wave.name,
            state: wave.state,
            state_label: wave.state.label(),
            since: wave.since,
            opened_at: wave.opened_at,
            counts,
            assignments: members
                .into_iter()
                .filter_map(|row| {
                    let listing = listings.get(&row.pump)?;
                    Some(AssignmentView {
                        id: row.id,
                        pump: row.pump,
                        serial: listing.pump.serial.clone(),
                        care_area: listing.care_area_name.clone(),
                        state: row.state,
                        state_label: row.state.label(),
                        since: row.since,
                        target: row.target,
                        left_behind: row.left_behind,
                        taken_out: row.leaves_by.is_some(),
                        last_heard: row.last_heard,
                        setback: row.setback_words,
                        joined_at: row.joined_at,
                        again_at: row.again_at,
                    })
                })
                .collect(),
        }
    };
    Ok(RolloutWholeView {
        rollout: RolloutView::from(&row),
        spec: row.spec.clone(),
        waves: waves.into_iter().map(view).collect(),
    })
}

/// Something that waits.
#[derive(Serialize, ToSchema)]
struct WaitingView {
    /// The wave, if it is one.
    wave: Option<WaveId>,
    /// The pump, if it is one. Neither is the rollout itself.
    pump: Option<PumpId>,
    /// For what, in words.
    what: String,
}

/// Everything that waits.
#[derive(Serialize, ToSchema)]
struct WaitingsView {
    items: Vec<WaitingView>,
}

/// What a rollout, its waves and its pumps wait for, at this moment.
#[utoipa::path(
    tag = "rollouts",
    params(RolloutPath),
    responses((status = OK, body = WaitingsView), (status = NOT_FOUND, description = "`not_found`"))
)]
#[get("/rollouts/{id}/waiting")]
async fn rollout_waiting(api: Data<Api>, path: Path<RolloutPath>) -> Answer<Json<WaitingsView>> {
    let id = path.id;
    let waiting = api.run(move |app| rollout::waiting(app, id)).await?;
    let view = |(who, what): (Subject, String)| {
        let (wave, pump) = match who {
            Subject::Rollout(_) => (None, None),
            Subject::Wave(wave) => (Some(wave), None),
            Subject::Pump { pump, .. } => (None, Some(pump)),
        };
        WaitingView { wave, pump, what }
    };
    Ok(Json(WaitingsView {
        items: waiting.into_iter().map(view).collect(),
    }))
}

/// What is done to a rollout as a whole.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActWord {
    /// Asks for approval.
    Submit,
    /// Takes it back, to be written anew.
    SendBack,
    /// Stops it for a while.
    Pause,
    /// Lets it go on; after a halt with the failures that it has.
    Resume,
    /// Stops it until somebody looked.
    Halt,
    /// Gives it up; pumps that install come to their end.
    Cancel,
}

impl From<ActWord> for Act {
    fn from(word: ActWord) -> Self {
        match word {
            ActWord::Submit => Self::Submit,
            ActWord::SendBack => Self::SendBack,
            ActWord::Pause => Self::Pause,
            ActWord::Resume => Self::Resume,
            ActWord::Halt => Self::Halt,
            ActWord::Cancel => Self::Cancel,
        }
    }
}

/// Something to do to a rollout.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAct {
    act: ActWord,
    /// Why; all but submitting needs it.
    reason: Option<Reason>,
}

/// Submits, takes back, pauses, resumes, halts or cancels a rollout.
#[utoipa::path(
    tag = "rollouts",
    params(RolloutPath),
    responses(
        (status = OK, body = RolloutView),
        (status = NOT_FOUND, description = "`not_found`"),
        (status = CONFLICT, description = "`illegal_transition`: not from the state it is in"),
    )
)]
#[post("/rollouts/{id}/acts")]
async fn rollout_act(
    api: Data<Api>,
    caller: Caller,
    path: Path<RolloutPath>,
    new: Json<NewAct>,
) -> Answer<Json<RolloutView>> {
    let NewAct { act, reason } = new.into_inner();
    let id = path.id;
    let row = api
        .run(move |app| rollout::act(app, &caller.actor, id, act.into(), reason.as_ref()))
        .await?;
    Ok(Json(RolloutView::from(&row)))
}
