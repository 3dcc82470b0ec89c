//! The loop of rollouts: a snapshot is read, the rules plan, and every step is carried out with what follows from it (its orders,
//! its audit entry) in one transaction, if what it was planned from is still so (S11).
//!
//! A crash at any point loses nothing: the next plan is made from the record. Planning twice sends nothing twice. A look costs
//! in proportion to what was touched since the last, and nothing is planned while nothing changed and no time has come.
//!
//! | part | what it does |
//! |---|---|
//! | [`facts`] | from the record to what the planner is shown |
//! | [`memory`] | what is kept between looks |
//! | [`execute`] | from a step to the record |
//! | [`rows`] | what steps are compared with |
//! | [`hold`] | a pump is held by a rule |
//! | [`check`] | what was read of a pump, as the rules take it |
//! | [`join`] | pumps that come to a rollout that runs |
//! | [`report`] | what a pump says of an update |
//! | [`retest`] | what a held pump says of its retest |

pub(crate) mod check;
mod execute;
pub(crate) mod facts;
mod hold;
pub mod join;
mod memory;
pub(crate) mod report;
mod retest;
mod rows;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use fleet::rollout::{Plan, plan};
use store::StoreError;
use tokio::sync::{Notify, watch};

pub use memory::Memory;

use super::outbox;
use crate::app::App;

/// How often the loop looks, where nothing wakes it.
const TICK: Duration = Duration::from_secs(1);

/// Wakes the loop: something changed that a rollout may wait for.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Rings. A ring while the loop works makes it look again.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

/// Runs until told to stop.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = app.bell.0.notified() => {}
            _ = tick.tick() => {}
        }
        let app = app.clone();
        match tokio::task::spawn_blocking(move || turn(&app)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "rollouts could not be planned; they are tried again"),
            Err(error) => tracing::error!(%error, "a turn of the rollouts broke off; they are tried again"),
        }
    }
}

/// The most turns in a row: one step leads to another, but not for ever.
const TURNS: usize = 16;
/// So many steps are carried out before the record is looked at again: what pumps say does not wait for the opening of a large
/// wave, and nothing is ordered on what was so long ago.
const STEPS: usize = 500;

/// Plans and carries out, until nothing is left to do now. Says how many steps were carried out.
///
/// # Errors
/// The database's.
pub fn turn(app: &App) -> Result<usize, StoreError> {
    turn_with(app, || {})
}

/// A turn in which something happens after each look, before what was planned from it is carried out.
pub(crate) fn turn_with(app: &App, meanwhile: impl Fn()) -> Result<usize, StoreError> {
    outbox::deliver_withheld(app);
    let mut kept = app.memory.lock();
    let mut done = 0;
    for _ in 0..TURNS {
        let now = app.now();
        let Some(facts) = kept.look(app, now)? else {
            if kept.is_idle() {
                app.resting.set(BTreeSet::new());
            }
            break;
        };
        let Plan {
            steps,
            next_at,
            paused_downloads,
            ..
        } = plan(&facts.snapshot, now);
        app.resting.set(paused_downloads);
        meanwhile();
        let some = steps.get(..STEPS).unwrap_or(&steps);
        let carried = execute::all(app, facts, some)?;
        if steps.is_empty() {
            kept.is_quiet(now, next_at);
        }
        done += carried;
        if carried == 0 {
            break;
        }
    }
    Ok(done)
}
