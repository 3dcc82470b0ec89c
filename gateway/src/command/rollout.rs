//! What people do with rollouts. Everything else the loop does by itself, when the rules say so.
//!
//! | part | what people do |
//! |---|---|
//! | [`write`](mod@write) | write a rollout |
//! | [`act`](mod@act) | submit it, stop it, let it go on, give it up |
//! | [`bedside`] | read a briefing, enter what a bench read |
//! | [`pump`] | want single pumps back, tried again, or out |

mod act;
mod bedside;
mod pump;
mod write;

use fleet::{
    Timestamp,
    access::Permission,
    audit::Action,
    id::{CareAreaId, RolloutId},
    rollout::{Plan, Subject, Waiting, plan, snapshot::RolloutFacts},
};
use serde_json::json;
use store::{Db, ModelRecord, StoreError, WardFloorRecord};

pub use act::{Act, act};
pub use bedside::{BenchReading, briefing_read, check_enter};
pub use pump::{WaveBack, roll_back, take_out, try_again, wave_roll_back};
pub(crate) use write::assignment;
pub use write::{Wanted, write};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    deed::Deed,
    engine::rollout::facts,
};

/// Sets how many pumps of a model a care area keeps in service; 0 takes the floor away.
///
/// # Errors
/// The database's.
pub fn floor_set(
    app: &App,
    actor: &Actor,
    care_area: CareAreaId,
    model: &ModelRecord,
    keep: u32,
) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::FloorEdit);
    change.commit(|db| {
        db.ward_floor_set(&WardFloorRecord {
            care_area,
            model: model.id,
            keep: keep.into(),
        })?;
        let deed = Deed::of(Action::FloorSet, "care_area", care_area)
            .after(json!({ "model": model.id, "keep": keep }));
        change.record(db, deed)
    })?;
    app.bell.ring();
    Ok(())
}

/// How a rollout stands at an instant: what its gates are judged by, and what everything of it waits for.
#[derive(Debug)]
pub(crate) struct Outlook {
    pub(crate) facts: RolloutFacts,
    pub(crate) waiting: Vec<Waiting>,
}

/// Reads how a rollout stands. All that are at work are planned with it: they share pumps, floors and the network.
pub(crate) fn outlook(
    db: &mut Db<'_>,
    app: &App,
    id: RolloutId,
    now: Timestamp,
) -> Result<Outlook, StoreError> {
    let mut rollouts = db.rollout_at_work()?;
    if !rollouts.iter().any(|rollout| rollout.id == id) {
        rollouts.push(db.rollout_fetch(id)?);
    }
    let facts = facts::load_these(db, app, rollouts, now)?;
    let Plan { mut waiting, .. } = plan(&facts.snapshot, now);
    waiting.retain(|waiting| match &waiting.who {
        Subject::Rollout(rollout) => *rollout == id,
        Subject::Wave(wave) => facts.waves.get(wave).is_some_and(|wave| wave.rollout == id),
        Subject::Pump { assignment, .. } => facts.rollout_of(*assignment) == Some(id),
    });
    let mut rollouts = facts.snapshot.rollouts.into_iter();
    let facts = rollouts.find(|rollout| rollout.id == id);
    Ok(Outlook {
        facts: facts
            .ok_or_else(|| facts::corrupt("read a rollout", "it can not be read; look into the log"))?,
        waiting,
    })
}

/// What everything of a rollout waits for, at this moment.
///
/// # Errors
/// The database's.
pub fn waiting(app: &App, id: RolloutId) -> Result<Vec<(Subject, String)>, StoreError> {
    let now = app.now();
    let outlook = app.store.read(|db| outlook(db, app, id, now))?;
    Ok(outlook
        .waiting
        .into_iter()
        .map(|waiting| (waiting.who, waiting.what.to_string()))
        .collect())
}
