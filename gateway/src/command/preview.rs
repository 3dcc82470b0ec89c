//! What a rollout would come to: each pump with its wave or why it has none, the ward floors, and when the waves could be through.
//!
//! Nothing is decided here. Pumps are divided as they are when a rollout is written, floors are counted as the planner counts
//! them, and the forecast keeps to the planner's limits.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use fleet::{
    Timestamp,
    id::{PumpId, ReleaseId},
    release::NotEligible,
    rollout::{
        FloorNow,
        floor::Group,
        floors_now,
        forecast::{Candidate, Decides, Outlook, WaveForecast, forecast},
        spec::{Division, Spec},
    },
    text::Name,
};
use store::{Db, PumpFilter, PumpListing, StoreError};

use super::CommandError;
use crate::{
    app::App,
    engine::rollout::facts::{self, Release},
    exposure::open::Open,
};

/// A rollout that somebody thinks of.
#[derive(Debug, Clone)]
pub struct Draft {
    pub release: ReleaseId,
    pub spec: Spec,
    /// Waves are watched for less long.
    pub is_emergency: bool,
    /// It does not begin before.
    pub begins_at: Option<Timestamp>,
}

/// What it would come to.
#[derive(Debug)]
pub struct Preview {
    pub division: Division,
    /// Every pump of the hospital.
    pub pumps: HashMap<PumpId, PumpListing>,
    /// The ward floors of the pumps that are in waves.
    pub floors: Vec<Floor>,
    /// A forecast for each wave.
    pub forecast: Vec<WaveForecast>,
}

/// A ward floor that bounds a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    pub care_area: Name,
    pub model: Name,
    pub now: FloorNow,
    /// So many pumps of the rollout count for it.
    pub concerned: u32,
}

/// The pumps of the hospital, divided.
pub(super) struct Divided {
    pub(super) division: Division,
    pub(super) pumps: HashMap<PumpId, PumpListing>,
    pub(super) release: Release,
}

/// Who would get a release when, and who would not.
///
/// # Errors
/// [`CommandError::Spec`].
pub fn preview(app: &App, draft: &Draft) -> Result<Preview, CommandError> {
    let windows = draft.spec.check()?;
    let now = app.now();
    Ok(app.store.read(|db| {
        let Divided {
            division,
            pumps,
            release,
        } = divide(db, draft.release, &draft.spec, app.people.day(now))?;
        let at_work = db.rollout_at_work()?;
        let snapshot = facts::load_these(db, app, at_work, now)?.snapshot;
        let standing = floors_now(&snapshot);
        let members: Vec<_> = division.waves.iter().flatten().map(|(pump, _)| *pump).collect();
        let hours = db.free_hours_of(&members)?;
        let bytes: BTreeMap<_, _> = division
            .waves
            .iter()
            .flatten()
            .map(|(_, target)| target)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|target| (target, release.file(target).map_or(0, |file| file.length)))
            .collect();
        let candidate = |(pump, target): &(PumpId, _)| Candidate {
            pump: *pump,
            group: pumps.get(pump).and_then(group),
            bytes: bytes.get(target).copied().unwrap_or_default(),
            hours: hours.get(pump),
        };
        let limits = draft.spec.limits.complete();
        let forecast = forecast(&Outlook {
            now,
            from: draft.begins_at.map_or(now, |begins_at| begins_at.max(now)),
            is_emergency: draft.is_emergency,
            windows: &windows,
            limits: &limits,
            hospital: &snapshot.hospital,
            zone: app.people.zone,
            waves: division
                .waves
                .iter()
                .map(|wave| wave.iter().map(candidate).collect())
                .collect(),
            spare: standing.iter().map(|floor| (floor.group, floor.spare)).collect(),
        });
        Ok(Preview {
            floors: floors(db, &standing, &members, &pumps)?,
            division,
            pumps,
            forecast,
        })
    })?)
}

/// Divides the pumps of the hospital, as they are on a day, into the waves of a spec.
pub(super) fn divide(
    db: &mut Db<'_>,
    release: ReleaseId,
    spec: &Spec,
    day: NaiveDate,
) -> Result<Divided, StoreError> {
    let release = facts::release(db, release)?;
    let schemes = facts::schemes(std::iter::once(&release));
    let listings = facts::every_pump(db, &PumpFilter::default())?;
    let ids: Vec<_> = listings.iter().map(|listing| listing.pump.id).collect();
    let software: HashMap<_, _> = db.pump_software_of(&ids)?.into_iter().collect();
    let open = Open::read(db, &listings)?;
    let pumps: Vec<_> = listings
        .iter()
        .map(|listing| facts::described(listing, software.get(&listing.pump.id), &schemes, day, &open))
        .collect();
    Ok(Divided {
        division: spec.divide(&release.manifest, &pumps),
        pumps: listings
            .into_iter()
            .map(|listing| (listing.pump.id, listing))
            .collect(),
        release,
    })
}

fn group(listing: &PumpListing) -> Option<Group> {
    listing.pump.care_area.map(|care_area| Group {
        care_area,
        model: listing.pump.model,
    })
}

/// The floors for which pumps of the rollout count, each with how many.
fn floors(
    db: &mut Db<'_>,
    standing: &[FloorNow],
    members: &[PumpId],
    pumps: &HashMap<PumpId, PumpListing>,
) -> Result<Vec<Floor>, StoreError> {
    let mut concerned: BTreeMap<Group, u32> = BTreeMap::new();
    for group in members.iter().filter_map(|pump| group(pumps.get(pump)?)) {
        *concerned.entry(group).or_default() += 1;
    }
    let areas: HashMap<_, _> = db
        .care_area_list()?
        .into_iter()
        .map(|area| (area.id, area.name))
        .collect();
    let models: HashMap<_, _> = db
        .model_list()?
        .into_iter()
        .map(|model| (model.id, model.name))
        .collect();
    let mut floors: Vec<_> = standing
        .iter()
        .filter_map(|now| {
            Some(Floor {
                care_area: areas.get(&now.group.care_area)?.clone(),
                model: models.get(&now.group.model)?.clone(),
                now: *now,
                concerned: *concerned.get(&now.group)?,
            })
        })
        .collect();
    floors.sort_by(|a, b| (&a.care_area, &a.model).cmp(&(&b.care_area, &b.model)));
    Ok(floors)
}

impl Preview {
    /// What the end of a wave hangs on, with the names that people know.
    #[must_use]
    pub fn hangs_on(&self, decided_by: Decides) -> String {
        match decided_by {
            Decides::LastPump(pump) => match self.pumps.get(&pump) {
                Some(listing) => format!("when pump {} is free", listing.pump.serial),
                None => decided_by.to_string(),
            },
            Decides::WardFloor(group) => {
                let floor = self.floors.iter().find(|floor| floor.now.group == group);
                match floor {
                    Some(floor) => format!("how many pumps {} can spare at once", floor.care_area),
                    None => decided_by.to_string(),
                }
            }
            Decides::Nothing | Decides::Downloads | Decides::AtOnce | Decides::Laggards => {
                decided_by.to_string()
            }
        }
    }
}

/// Why a pump is left out, as it is counted and in words.
#[must_use]
pub fn left_out(why: &NotEligible) -> (&'static str, String) {
    (why.as_str(), why.to_string())
}
