//! Pumps that come to a rollout that runs. The rule is [`fleet::rollout::join`]; here it meets the record.
//!
//! A pump is looked at again only when its row changed since it was last looked at, so a round costs in proportion to what
//! changed. What was looked at is kept in memory: after a start every pump is looked at once.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use fleet::{
    audit::Action,
    event::EventKind,
    id::{PumpId, RolloutId},
    release::TargetPath,
    rollout::{
        join::{Standing, join, places},
        spec::Spec,
        state::RolloutState,
    },
};
use serde_json::json;
use store::{RolloutRecord, StoreError, WaveRecord};
use tokio::{sync::watch, time::MissedTickBehavior};

use super::facts::{self, Release};
use crate::{
    app::{Actor, App},
    command::{CommandError, change::Change, rollout::assignment},
    deed::Deed,
    exposure::open::Open,
};

/// How often is looked for pumps that came.
const EVERY: Duration = Duration::from_secs(60);

/// The row versions at which pumps were looked at, by rollout.
#[derive(Debug, Default)]
pub struct Seen(HashMap<RolloutId, HashMap<PumpId, i64>>);

/// Runs until told to stop.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    let mut round = tokio::time::interval(EVERY);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            _ = round.tick() => {}
        }
        let app = app.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let looked = look(&app, &mut seen);
            (seen, looked)
        });
        seen = match looking.await {
            Ok((seen, looked)) => {
                if let Err(error) = looked {
                    tracing::error!(%error, "it could not be looked for pumps that join a rollout; it is tried again");
                }
                seen
            }
            Err(error) => {
                tracing::error!(%error, "looking for pumps that join a rollout broke off; it is tried again");
                Seen::default()
            }
        };
    }
}

/// Lets every pump join that may now. Says how many did.
///
/// # Errors
/// The database's.
pub fn look(app: &App, seen: &mut Seen) -> Result<usize, StoreError> {
    let mut open = Vec::new();
    for row in app.store.read(|db| db.rollout_at_work())? {
        if row.state == RolloutState::Running
            && let Some(at) = Place::of(app, row)?
        {
            open.push(at);
        }
    }
    seen.0
        .retain(|rollout, _| open.iter().any(|place| place.row.id == *rollout));
    let mut joined = 0;
    for place in open {
        let known = seen.0.entry(place.row.id).or_default();
        joined += place.look(app, known)?;
    }
    if joined > 0 {
        app.bell.ring();
    }
    Ok(joined)
}

/// Where pumps may join.
struct Place {
    row: RolloutRecord,
    spec: Spec,
    last: WaveRecord,
    standing: Standing,
    members: BTreeSet<PumpId>,
}

impl Place {
    /// Nothing where none may join.
    fn of(app: &App, row: RolloutRecord) -> Result<Option<Self>, StoreError> {
        let spec = facts::spec_of(&row)?;
        if spec.joins.is_none() {
            return Ok(None);
        }
        app.store.read(|db| {
            let Some(last) = db.wave_of(&[row.id])?.pop() else {
                return Ok(None);
            };
            let assignments = db.assignment_of(&[row.id])?;
            let joined = assignments
                .iter()
                .filter(|assignment| assignment.joined_at.is_some())
                .count();
            let standing = Standing {
                rollout: row.state,
                last_wave: last.state,
                joined: u32::try_from(joined).unwrap_or(u32::MAX),
            };
            let may = places(&spec, &standing) > 0;
            Ok(may.then(|| Self {
                members: assignments.iter().map(|assignment| assignment.pump).collect(),
                row,
                spec,
                last,
                standing,
            }))
        })
    }

    /// Looks at the pumps that changed since they were last looked at.
    fn look(&self, app: &App, known: &mut HashMap<PumpId, i64>) -> Result<usize, StoreError> {
        let changed: HashMap<_, _> = app
            .store
            .read(|db| db.pump_versions())?
            .into_iter()
            .filter(|(pump, version)| !self.members.contains(pump) && known.get(pump) != Some(version))
            .collect();
        if changed.is_empty() {
            return Ok(0);
        }
        let ids: Vec<_> = changed.keys().copied().collect();
        let (release, pumps) = app.store.read(|db| {
            let release = facts::release(db, self.row.release)?;
            let schemes = facts::schemes(std::iter::once(&release));
            let software: HashMap<_, _> = db.pump_software_of(&ids)?.into_iter().collect();
            let day = app.people.day(app.now());
            let listings = db.pump_listing_of(&ids)?;
            let open = Open::read(db, &listings)?;
            let pumps: Vec<_> = listings
                .iter()
                .map(|listing| {
                    facts::described(listing, software.get(&listing.pump.id), &schemes, day, &open)
                })
                .collect();
            Ok((release, pumps))
        })?;
        let joining = join(
            &self.spec,
            &release.manifest,
            &self.standing,
            &self.members,
            &pumps,
        );
        let joined = if joining.is_empty() {
            0
        } else {
            match self.add(app, &release, &joining) {
                Ok(()) => joining.len(),
                Err(CommandError::Store(StoreError::Conflict { detail, .. })) => {
                    tracing::debug!(detail, "pumps did not join: the rollout moved meanwhile");
                    return Ok(0);
                }
                Err(CommandError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::error!(%error, "pumps could not join a rollout");
                    return Ok(0);
                }
            }
        };
        known.extend(changed);
        Ok(joined)
    }

    /// Adds pumps to the last wave, if rollout and wave are as they were when that was decided (S11).
    fn add(
        &self,
        app: &App,
        release: &Release,
        joining: &[(PumpId, TargetPath)],
    ) -> Result<(), CommandError> {
        let actor = Actor::gateway();
        let change = Change::proved(&actor, app);
        change.commit(|db| {
            if db.rollout_fetch(self.row.id)?.row_version != self.row.row_version {
                return Err(StoreError::Conflict {
                    what: "let pumps join a rollout",
                    detail: "the rollout changed meanwhile".to_owned(),
                }
                .into());
            }
            // A step of the wave that was planned without these pumps is overtaken by this.
            db.wave_update(&self.last, self.last.row_version)?;
            let ids: Vec<_> = joining.iter().map(|(pump, _)| *pump).collect();
            let listings: HashMap<_, _> = db
                .pump_listing_of(&ids)?
                .into_iter()
                .map(|listing| (listing.pump.id, listing))
                .collect();
            for (pump, target) in joining {
                let listing = listings.get(pump).ok_or(StoreError::NotFound {
                    what: "pump",
                    id: pump.to_string(),
                })?;
                let heard = db.report_last_seq(*pump)?.unwrap_or_default();
                let mut new = assignment(&change, &self.last, &release.manifest, listing, target, heard)?;
                new.joined_at = Some(change.now);
                db.assignment_create(std::slice::from_ref(&new))?;
                let deed = Deed::of(Action::RolloutJoined, "rollout", self.row.id).after(json!({
                    "pump": pump,
                    "wave": self.last.id,
                    "assignment": new.id,
                    "target": target,
                    "at_most": self.spec.joins.map(|joins| joins.at_most),
                }));
                change.record(db, deed)?;
                change.tell(
                    db,
                    EventKind::UpdateMoved,
                    Some(*pump),
                    format_args!(
                        "update: it joins rollout {}, wave {} ({})",
                        self.row.name, self.last.number, self.last.name
                    ),
                )?;
            }
            Ok(())
        })
    }
}
