//! Work that comes round: expiry, revocation lists, thinning. Each job fails alone, is logged, and is tried again at its next turn.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use fleet::{
    Timestamp,
    event::{Event, EventKind},
    id::EventId,
};
use tokio::{sync::watch, time::MissedTickBehavior};

use super::sessions::Sessions;
use crate::{app::App, fresh};

/// How often open connections are held against the gate.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How often the slower jobs look whether they are due.
const ROUND_EVERY: Duration = Duration::from_secs(60);
/// The most samples that one thinning removes, so that it never holds the writer for long.
const THIN_AT_MOST: u32 = 5_000;
/// The most pieces of one round; what is left waits for the next.
const MOST_PIECES: usize = 100;
/// Expired certificates are remembered this long, so that a late one is told so rather than called unknown.
const REMEMBER_EXPIRED: TimeDelta = TimeDelta::days(30);

/// Runs until told to stop.
pub async fn run(app: App, sessions: Arc<Sessions>, mut stop: watch::Receiver<bool>) {
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    let mut round = tokio::time::interval(ROUND_EVERY);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            _ = sweep.tick() => sessions.sweep(&app),
            _ = round.tick() => {
                let app = app.clone();
                if let Err(error) = tokio::task::spawn_blocking(move || one_round(&app)).await {
                    tracing::error!(%error, "a round of housekeeping broke off");
                }
            }
        }
    }
}

fn one_round(app: &App) {
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
    app.gate.forget_expired(now - REMEMBER_EXPIRED);
    thin(app, now);
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
