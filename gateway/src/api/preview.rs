//! What a rollout would come to, before anybody writes it.

use actix_web::{
    post,
    web::{Data, Json},
};
use fleet::{
    id::{PumpId, ReleaseId},
    release::TargetPath,
    rollout::{
        forecast::{ASSUMES, Course, WaveForecast},
        spec::{Spec, WaveSpec},
    },
    text::{Name, SerialNumber},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api, DateTime};
use crate::command::preview::{self, Floor, Preview};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(rollout_preview);
}

/// What a rollout would be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Draft {
    release: ReleaseId,
    spec: Spec,
    /// Waves are watched for less long.
    #[serde(default)]
    emergency: bool,
    /// It does not begin before; now, where nothing is given.
    begins_at: Option<DateTime>,
}

/// A pump that would get it.
#[derive(Serialize, ToSchema)]
struct PreviewPump {
    pump: PumpId,
    serial: SerialNumber,
    care_area: Option<Name>,
    /// The file that it would get.
    target: TargetPath,
}

/// A wave that would be.
#[derive(Serialize, ToSchema)]
struct PreviewWave {
    name: Name,
    pumps: Vec<PreviewPump>,
    forecast: WaveForecastView,
}

/// When a wave could be through. No promise; `assumes` says what is taken for granted.
#[derive(Serialize, ToSchema)]
struct WaveForecastView {
    /// Every pump is free in the first hour of the week in which it ever was, and everybody signs at once.
    optimistic: CourseView,
    /// Pumps are free when they usually are, and signatures take as long as they do.
    likely: CourseView,
    /// Of so many of its pumps nothing is known yet; they are taken for free.
    unknown: u32,
    /// The pumps that are likely left for the catch-up list.
    left_behind: Vec<LeftBehindView>,
}

/// How a wave could go. Times are absent where it never passes, and `never` says why.
#[derive(Serialize, ToSchema)]
struct CourseView {
    opens: Option<DateTime>,
    /// When its last pump is verified, or left for the catch-up list.
    settled: Option<DateTime>,
    /// When the next wave may open.
    passes: Option<DateTime>,
    /// What would have to change for it to settle earlier.
    hangs_on: Option<String>,
    never: Option<String>,
}

/// A pump that is likely left for the catch-up list.
#[derive(Serialize, ToSchema)]
struct LeftBehindView {
    pump: PumpId,
    serial: SerialNumber,
    care_area: Option<Name>,
    why: String,
}

/// A pump that would not get it.
#[derive(Serialize, ToSchema)]
struct LeftOut {
    pump: PumpId,
    serial: SerialNumber,
    care_area: Option<Name>,
    /// The word by which they are counted.
    reason: &'static str,
    /// What to do about it.
    detail: String,
}

/// A ward floor that bounds the rollout, counted now.
#[derive(Serialize, ToSchema)]
struct PreviewFloorView {
    care_area: Name,
    model: Name,
    /// So many pumps stay in service.
    keep: u32,
    /// So many are in service.
    in_service: u32,
    /// So many may be out of service at once.
    spare: u32,
    /// So many of them would get the release.
    pumps: u32,
}

/// Who would get a release when, and who would not.
#[derive(Serialize, ToSchema)]
struct PreviewView {
    waves: Vec<PreviewWave>,
    left_out: Vec<LeftOut>,
    /// Pumps that are meant, and that no wave takes.
    in_no_wave: Vec<SerialNumber>,
    ward_floors: Vec<PreviewFloorView>,
    /// What the forecasts take for granted.
    assumes: Vec<&'static str>,
}

impl CourseView {
    fn of(preview: &Preview, course: &Course) -> Self {
        match course {
            Course::Passes(passes) => Self {
                opens: Some(passes.opens),
                settled: Some(passes.settled),
                passes: Some(passes.passes),
                hangs_on: Some(preview.hangs_on(passes.decided_by)),
                never: None,
            },
            Course::Never(never) => Self {
                opens: None,
                settled: None,
                passes: None,
                hangs_on: None,
                never: Some(never.to_string()),
            },
        }
    }
}

impl WaveForecastView {
    fn of(preview: &Preview, wave: &WaveForecast) -> Self {
        let left_behind = wave.left_behind.iter().filter_map(|(id, why)| {
            let listing = preview.pumps.get(id)?;
            Some(LeftBehindView {
                pump: *id,
                serial: listing.pump.serial.clone(),
                care_area: listing.care_area_name.clone(),
                why: why.to_string(),
            })
        });
        Self {
            optimistic: CourseView::of(preview, &wave.optimistic),
            likely: CourseView::of(preview, &wave.likely),
            unknown: wave.unknown,
            left_behind: left_behind.collect(),
        }
    }
}

impl From<&Floor> for PreviewFloorView {
    fn from(floor: &Floor) -> Self {
        Self {
            care_area: floor.care_area.clone(),
            model: floor.model.clone(),
            keep: floor.now.keep,
            in_service: floor.now.in_service,
            spare: floor.now.spare,
            pumps: floor.concerned,
        }
    }
}

impl PreviewView {
    fn of(preview: &Preview, spec: &[WaveSpec]) -> Self {
        let pumps = &preview.pumps;
        let members = |wave: &[(PumpId, TargetPath)]| {
            let members = wave.iter().filter_map(|(id, target)| {
                let listing = pumps.get(id)?;
                Some(PreviewPump {
                    pump: *id,
                    serial: listing.pump.serial.clone(),
                    care_area: listing.care_area_name.clone(),
                    target: target.clone(),
                })
            });
            members.collect()
        };
        let stages = spec.iter().zip(&preview.division.waves).zip(&preview.forecast);
        let left_out = preview.division.left_out.iter().filter_map(|(id, why)| {
            let listing = pumps.get(id)?;
            let (reason, detail) = preview::left_out(why);
            Some(LeftOut {
                pump: *id,
                serial: listing.pump.serial.clone(),
                care_area: listing.care_area_name.clone(),
                reason,
                detail,
            })
        });
        let stray = preview.division.in_no_wave.iter();
        Self {
            waves: stages
                .map(|((wave, division), forecast)| PreviewWave {
                    name: wave.name.clone(),
                    pumps: members(division),
                    forecast: WaveForecastView::of(preview, forecast),
                })
                .collect(),
            left_out: left_out.collect(),
            in_no_wave: stray
                .filter_map(|id| Some(pumps.get(id)?.pump.serial.clone()))
                .collect(),
            ward_floors: preview.floors.iter().map(PreviewFloorView::from).collect(),
            assumes: ASSUMES.to_vec(),
        }
    }
}

/// Who would get a release in which wave, who would not and why, which ward floors bound it, and when each wave could be
/// through. Nothing is written.
#[utoipa::path(
    tag = "rollouts",
    responses((status = OK, body = PreviewView), (status = NOT_FOUND, description = "`not_found`: no such release"))
)]
#[post("/rollouts/preview")]
async fn rollout_preview(api: Data<Api>, draft: Json<Draft>) -> Answer<Json<PreviewView>> {
    let Draft {
        release,
        spec,
        emergency,
        begins_at,
    } = draft.into_inner();
    let draft = preview::Draft {
        release,
        spec,
        is_emergency: emergency,
        begins_at,
    };
    let view = api
        .run(move |app| {
            preview::preview(app, &draft).map(|preview| PreviewView::of(&preview, &draft.spec.waves))
        })
        .await?;
    Ok(Json(view))
}
