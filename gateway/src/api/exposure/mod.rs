//! Vulnerabilities: what is open, why, and what was decided; what came in, and what pumps are made of.

mod component;
mod import;

use std::collections::HashMap;

use ::exposure::{matching::Verdict, name::VulnerabilityId};
use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path, Query},
};
use fleet::{
    id::{ModelId, PumpId},
    signature::Digest,
    text::{AssetTag, ComponentName, ComponentVersion, Name, Reason, SerialNumber},
};
use serde::{Deserialize, Serialize};
use store::StoreError;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api, DateTime, caller::Caller, page::PageView};
use crate::{
    command::exposure as command,
    exposure::{
        board::{self, ForSet, Line, Whole},
        settle,
    },
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(exposure_list)
        .service(exposure_show)
        .service(exposure_decide)
        .configure(import::routes)
        .configure(component::routes);
}

/// What a vulnerability means for a pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum VerdictWord {
    Affected,
    NeedsReview,
    PartlyFixed,
    Fixed,
    NotAffected,
}

impl VerdictWord {
    fn of(word: &str) -> Self {
        match word {
            "affected" => Self::Affected,
            "partly_fixed" => Self::PartlyFixed,
            "fixed" => Self::Fixed,
            "not_affected" => Self::NotAffected,
            // What is not known for certain is for a person.
            _ => Self::NeedsReview,
        }
    }
}

/// A vulnerability that is open on some pumps, at its place in the order of work.
#[derive(Serialize, ToSchema)]
struct ExposureView {
    /// The id of the vulnerability.
    vulnerability: String,
    title: String,
    /// The gravest answer for any of the pumps.
    verdict: VerdictWord,
    /// CISA knows that it is exploited.
    exploited: bool,
    /// The highest base score that any source gives. Each with its source: see the vulnerability.
    top_score: Option<String>,
    /// How many pumps it is open on.
    pumps: usize,
    /// How many of these are in use now.
    in_use: usize,
    /// The serial numbers of the first of them.
    named: Vec<SerialNumber>,
    /// Why it stands where it stands, the weightiest first.
    reasons: Vec<String>,
}

impl From<Line> for ExposureView {
    fn from(line: Line) -> Self {
        Self {
            vulnerability: line.task.vulnerability.to_string(),
            title: line.title,
            verdict: VerdictWord::of(line.verdict),
            exploited: line.task.exploited,
            top_score: line.task.top_score.map(|score| score.to_string()),
            pumps: line.task.pumps,
            in_use: line.task.in_use,
            named: line.named,
            reasons: line.task.reasons,
        }
    }
}

type ExposurePage = PageView<ExposureView>;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ExposureQuery {
    /// Only those with this answer; `needs_review` is the queue of what people have to decide.
    #[param(inline)]
    verdict: Option<VerdictWord>,
}

/// Every vulnerability that is open on some pump, in the order of work: known exploited first, then what is certain, what can be
/// reached, the graver, and where more pumps are in use. Each says why it stands where it stands.
#[utoipa::path(tag = "exposure", params(ExposureQuery), responses((status = OK, body = ExposurePage)))]
#[get("/exposures")]
async fn exposure_list(api: Data<Api>, query: Query<ExposureQuery>) -> Answer<Json<ExposurePage>> {
    let lines = api
        .run(|app| {
            settle::new_sets(app)?;
            app.store.read(board::open)
        })
        .await?;
    let wanted = query.verdict;
    let views = lines
        .into_iter()
        .map(ExposureView::from)
        .filter(|view| wanted.is_none_or(|wanted| view.verdict == wanted));
    Ok(Json(PageView::whole(views)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct VulnerabilityPath {
    /// The id of the vulnerability: `CVE-2018-1285`.
    id: String,
}

/// How a source scores it.
#[derive(Serialize, ToSchema)]
struct ScoreView {
    /// Who scored.
    by: String,
    /// The version of CVSS.
    cvss: String,
    base: String,
    vector: String,
}

/// A version that mends it, as a source says.
#[derive(Serialize, ToSchema)]
struct FixView {
    version: String,
    /// Whether that is all of it, and for which pumps, in words.
    words: String,
}

/// A pump.
#[derive(Serialize, ToSchema)]
struct ExposedPumpView {
    id: PumpId,
    serial: SerialNumber,
    asset_tag: Option<AssetTag>,
    care_area: Option<Name>,
}

/// A part, as pumps report it.
#[derive(Serialize, ToSchema)]
struct PartView {
    name: ComponentName,
    version: ComponentVersion,
}

/// What a person decided.
#[derive(Serialize, ToSchema)]
struct DecisionView {
    verdict: VerdictWord,
    reason: Reason,
    decided_by: fleet::id::AccountId,
    decided_at: DateTime,
}

/// What it means for pumps of one model that report the same versions.
#[derive(Serialize, ToSchema)]
struct ForSetView {
    /// By which a decision names these pumps.
    #[schema(value_type = String)]
    version_set: Digest,
    model: ModelId,
    /// Model and versions, in words.
    of: String,
    components: Vec<PartView>,
    verdict: VerdictWord,
    open: bool,
    /// What each source says, a line each.
    explanation: String,
    fixes: Vec<FixView>,
    identified_at: DateTime,
    changed_at: DateTime,
    decision: Option<DecisionView>,
    pumps: Vec<ExposedPumpView>,
}

/// Everything about one vulnerability.
#[derive(Serialize, ToSchema)]
struct ExposureWholeView {
    vulnerability: String,
    title: String,
    /// Since when CISA knows that it is exploited.
    #[schema(value_type = Option<String>, format = Date)]
    exploited_since: Option<chrono::NaiveDate>,
    scores: Vec<ScoreView>,
    sets: Vec<ForSetView>,
}

/// Everything about one vulnerability: what it means for each set of pumps, who says so, and what was decided.
#[utoipa::path(
    tag = "exposure",
    params(VulnerabilityPath),
    responses(
        (status = OK, body = ExposureWholeView),
        (status = NOT_FOUND, description = "`not_found`: nothing that was carried in speaks of it for any pump here"),
    )
)]
#[get("/exposures/{id}")]
async fn exposure_show(api: Data<Api>, path: Path<VulnerabilityPath>) -> Answer<Json<ExposureWholeView>> {
    let id = path.into_inner().id;
    shown(&api, id).await.map(Json)
}

async fn shown(api: &Data<Api>, id: String) -> Answer<ExposureWholeView> {
    api.run(move |app| {
        let id = known(&id)?;
        settle::new_sets(app)?;
        app.store.read(|db| {
            let whole = board::whole(db, &id)?;
            let decisions = db.decision_list()?;
            let decisions: HashMap<_, _> = decisions.into_iter().map(|made| (made.id, made)).collect();
            let Whole {
                title,
                exploited,
                scores,
                sets,
            } = whole;
            Ok(ExposureWholeView {
                vulnerability: id.clone(),
                title,
                exploited_since: exploited.map(|exploited| exploited.added),
                scores: scores
                    .into_iter()
                    .map(|score| ScoreView {
                        base: score.base.to_string(),
                        by: score.by,
                        cvss: score.cvss,
                        vector: score.vector,
                    })
                    .collect(),
                sets: sets
                    .into_iter()
                    .map(|part| {
                        let decision = part.record.decision.and_then(|id| decisions.get(&id));
                        for_set(part, decision)
                    })
                    .collect(),
            })
        })
    })
    .await
}

/// What is no id of a vulnerability is nothing that anybody knows.
fn known(id: &str) -> Result<String, StoreError> {
    VulnerabilityId::new(id)
        .map(|id| id.to_string())
        .map_err(|_| StoreError::NotFound {
            what: "exposure",
            id: id.chars().take(64).collect(),
        })
}

fn for_set(part: ForSet, decision: Option<&store::DecisionRecord>) -> ForSetView {
    let ForSet {
        set,
        record,
        finding,
        pumps,
    } = part;
    let fixes = match &finding.verdict {
        Verdict::Affected { fixes } => fixes.as_slice(),
        Verdict::NotAffected { .. }
        | Verdict::FixedBy { .. }
        | Verdict::PartlyFixed { .. }
        | Verdict::NeedsReview { .. } => &[],
    };
    ForSetView {
        version_set: set.id,
        model: set.model,
        of: set.words(),
        components: set
            .components
            .iter()
            .map(|part| PartView {
                name: part.name.clone(),
                version: part.version.clone(),
            })
            .collect(),
        verdict: VerdictWord::of(&record.verdict),
        open: record.open,
        explanation: finding.explanation(),
        fixes: fixes
            .iter()
            .map(|fix| FixView {
                version: fix.version.clone(),
                words: fix.to_string(),
            })
            .collect(),
        identified_at: record.identified_at,
        changed_at: record.changed_at,
        decision: decision.map(|made| DecisionView {
            verdict: VerdictWord::of(&made.verdict),
            reason: made.reason.clone(),
            decided_by: made.decided_by,
            decided_at: made.decided_at,
        }),
        pumps: pumps
            .into_iter()
            .map(|listing| ExposedPumpView {
                id: listing.pump.id,
                serial: listing.pump.serial,
                asset_tag: listing.pump.asset_tag,
                care_area: listing.care_area_name,
            })
            .collect(),
    }
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDecision {
    /// For the pumps of this set; and for all others about which the same is doubtful.
    #[schema(value_type = String)]
    version_set: Digest,
    verdict: command::ReviewAnswer,
    reason: Reason,
}

/// Decides what no document makes clear. It is remembered: the same doubt at the next import is decided already, a corrected document
/// is a new doubt.
#[utoipa::path(
    tag = "exposure",
    params(VulnerabilityPath),
    responses(
        (status = CREATED, body = ExposureWholeView),
        (status = NOT_FOUND, description = "`not_found`"),
        (status = CONFLICT, description = "`nothing_to_decide`: the documents are clear"),
    )
)]
#[post("/exposures/{id}/decisions")]
async fn exposure_decide(
    api: Data<Api>,
    caller: Caller,
    path: Path<VulnerabilityPath>,
    new: Json<NewDecision>,
) -> Answer<HttpResponse> {
    let NewDecision {
        version_set,
        verdict,
        reason,
    } = new.into_inner();
    let given = path.into_inner().id;
    let id = given.clone();
    api.run(move |app| {
        let id = known(&id)?;
        command::decide(app, &caller.actor, &id, version_set, verdict, &reason)
    })
    .await?;
    Ok(HttpResponse::Created().json(shown(&api, given).await?))
}
