//! Work that comes round: expiry, revocation lists, thinning. Each job fails alone, is logged, and is tried again at its next turn.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use fleet::{
    Timestamp,
    audit::Action,
    event::{Event, EventKind},
    id::EventId,
};
use store::StoreError;
use tokio::{sync::watch, time::MissedTickBehavior};

use super::{outbox, sessions::Sessions};
use crate::{
    app::{Actor, App},
    audit::checkpoint,
    deed::Deed,
    fresh,
};

/// How often open connections are held against the gate.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How often the slower jobs look whether they are due.
const ROUND_EVERY: Duration = Duration::from_secs(60);
/// The most samples that one thinning removes, so that it never holds the writer for long.
const THIN_AT_MOST: u32 = 5_000;
/// The most pieces of one round; what is left waits for the next.
const MOST_PIECES: usize = 100;
/// The wall clock may differ from the time that really passed by this much between two rounds.
const CLOCK_MAY_DRIFT: TimeDelta = TimeDelta::minutes(10);
/// After a jump nothing is deleted for so long: time enough for a person to set the clock right.
const NO_DELETION_AFTER_JUMP: Duration = Duration::from_secs(24 * 3600);

/// Runs until told to stop.
pub async fn run(app: App, sessions: Arc<Sessions>, mut stop: watch::Receiver<bool>) {
    let steady = Arc::new(Mutex::new(Steady::new(Instant::now(), app.now())));
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    let mut round = tokio::time::interval(ROUND_EVERY);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            _ = sweep.tick() => sessions.sweep(&app),
            _ = round.tick() => {
                let (app, steady) = (app.clone(), Arc::clone(&steady));
                if let Err(error) = tokio::task::spawn_blocking(move || one_round(&app, &steady)).await {
                    tracing::error!(%error, "a round of housekeeping broke off");
                }
            }
        }
    }
}

fn one_round(app: &App, steady: &Mutex<Steady>) {
    let now = app.now();
    if let Err(error) = app.authorities.refresh_crls(now) {
        tracing::error!(%error, "the revocation list could not be renewed");
        if app.authorities.crl_is_stale(now) {
            let event = Event {
                id: EventId::from_uuid(fresh::uuid(now)),
                at: now,
                kind: EventKind::CrlStale,
                pump: None,
                detail: error.to_string(),
            };
            if let Err(error) = app
                .store
                .write(|db| db.event_record(std::slice::from_ref(&event)))
            {
                tracing::error!(%error, "the alarm could not be put on record");
            }
        }
    }
    if let Err(error) = app.authorities.renew_server_certificate(now) {
        tracing::error!(%error, "the server certificate could not be renewed");
    }
    outbox::deliver_overdue(app);
    if let Err(error) = crate::exposure::settle::new_sets(app) {
        tracing::error!(%error, "what is open on pumps with new versions could not be found out");
    }
    match checkpoint_is_due(app, now) {
        Ok(false) => {}
        Ok(true) => {
            if let Err(error) = checkpoint::make(app, now) {
                tracing::error!(%error, "no checkpoint of the audit trail could be made");
            }
        }
        Err(error) => tracing::error!(%error, "the audit trail could not be read"),
    }
    if steady
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .check(app, Instant::now(), now)
    {
        thin(app, now);
    }
}

/// So long, or so many entries, a tail of the record can be without a checkpoint.
const CHECKPOINT_AFTER: TimeDelta = TimeDelta::hours(1);
const CHECKPOINT_ENTRIES: i64 = 1_000;

fn checkpoint_is_due(app: &App, now: Timestamp) -> Result<bool, StoreError> {
    let (last, newest) = app
        .store
        .read(|db| Ok((db.audit_head()?.0, db.checkpoint_list(1)?.pop())))?;
    Ok(match newest.map(|newest| newest.checkpoint) {
        None => last > 0,
        Some(newest) => {
            let bare = last - newest.number;
            bare >= CHECKPOINT_ENTRIES || (bare > 0 && now - newest.at >= CHECKPOINT_AFTER)
        }
    })
}

/// A transaction of its own for each piece: telemetry that comes in meanwhile waits for one of them at most.
fn thin(app: &App, now: Timestamp) {
    let steps = app.settings.retention.steps(now);
    for _ in 0..MOST_PIECES {
        match app.store.write(|db| db.telemetry_thin(steps, THIN_AT_MOST)) {
            Ok(thinned) if thinned.more => {}
            Ok(_) => return,
            Err(error) => return tracing::error!(%error, "telemetry could not be thinned"),
        }
    }
}

/// Holds the wall clock against the time that really passed. What is deleted by a clock that jumped ahead is gone for good,
/// so after a jump nothing is.
struct Steady {
    at: Instant,
    wall: Timestamp,
    jumped_at: Option<Instant>,
}

impl Steady {
    const fn new(at: Instant, wall: Timestamp) -> Self {
        Self {
            at,
            wall,
            jumped_at: None,
        }
    }

    /// How far the clock jumped since the last look, if it did.
    fn jump(&mut self, at: Instant, wall: Timestamp) -> Option<TimeDelta> {
        let passed = TimeDelta::from_std(at.duration_since(self.at)).unwrap_or(TimeDelta::MAX);
        let jump = wall.signed_duration_since(self.wall) - passed;
        (self.at, self.wall) = (at, wall);
        let jumped = jump.abs() > CLOCK_MAY_DRIFT;
        if jumped {
            self.jumped_at = Some(at);
        }
        jumped.then_some(jump)
    }

    /// Whether the clock has been steady for long enough to delete by it.
    fn may_delete(&self, at: Instant) -> bool {
        self.jumped_at
            .is_none_or(|jumped_at| at.duration_since(jumped_at) >= NO_DELETION_AFTER_JUMP)
    }

    /// Looks, and tells people of a jump.
    fn check(&mut self, app: &App, at: Instant, wall: Timestamp) -> bool {
        if let Some(jump) = self.jump(at, wall) {
            let detail = format!(
                "by {} s; nothing is deleted for a day, check the time source",
                jump.num_seconds()
            );
            tracing::error!(%detail, "the clock jumped");
            let event = Event {
                id: EventId::from_uuid(fresh::uuid(wall)),
                at: wall,
                kind: EventKind::ClockJumped,
                pump: None,
                detail,
            };
            let deed = Deed::of(Action::ClockJumped, "gateway", "clock")
                .after(serde_json::json!({ "seconds": jump.num_seconds() }));
            let entry = deed.entry(&Actor::gateway(), wall);
            let told = app.store.write(|db| {
                db.event_record(std::slice::from_ref(&event))?;
                db.audit_append(entry).map(drop)
            });
            if let Err(error) = told {
                tracing::error!(%error, "the alarm could not be put on record");
            }
        }
        self.may_delete(at)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn after_a_jump_nothing_is_deleted_for_a_day() {
        let (start, wall) = (
            Instant::now(),
            DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        );
        let mut steady = Steady::new(start, wall);
        let mut look = |real_seconds: u64, wall_seconds: i64| {
            let at = start + Duration::from_secs(real_seconds);
            let jump = steady.jump(at, wall + TimeDelta::seconds(wall_seconds));
            (jump.map(|jump| jump.num_seconds()), steady.may_delete(at))
        };
        assert_eq!(look(60, 60), (None, true));
        assert_eq!(look(120, 500), (None, true), "a correction of minutes is none");
        assert_eq!(look(180, 10_000_000), (Some(9_999_440), false));
        assert_eq!(look(240, 10_000_060), (None, false));
        assert_eq!(look(300, 300), (Some(-9_999_820), false), "set right again");
        assert_eq!(look(300 + 86_400, 300 + 86_400), (None, true));
    }
}
