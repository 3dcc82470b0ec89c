//! What the loop keeps between its looks, so that one at which nothing happened costs next to nothing.
//!
//! The record stays the truth. What is kept follows it by what the store says was touched, is thrown away at the first doubt, and
//! is read anew every few minutes whatever happens. Every step is still carried out only if the rows that it was planned from are
//! as they were.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use fleet::Timestamp;
use store::StoreError;

use super::facts::{self, Facts, Refreshed};
use crate::app::App;

/// So long what is kept is believed without reading everything anew.
const BELIEVED: TimeDelta = TimeDelta::minutes(10);

/// What the loop of rollouts remembers. One for each gateway.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Kept>>);

impl Memory {
    /// A turn that broke off left nothing behind, so there is nothing to be afraid of.
    pub(super) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
pub(super) struct Kept {
    known: Known,
    quiet: Option<Quiet>,
}

#[derive(Default)]
enum Known {
    /// Everything has to be read.
    #[default]
    Nothing,
    /// No rollout has anything left to do.
    Idle {
        read_at: Timestamp,
    },
    Facts(Box<Facts>),
}

/// Nothing was to be done at an instant, and nothing will be by time alone before another.
#[derive(Clone, Copy)]
struct Quiet {
    since: Timestamp,
    until: Option<Timestamp>,
}

impl Quiet {
    fn holds(self, now: Timestamp) -> bool {
        self.since <= now && self.until.is_none_or(|until| now < until)
    }
}

fn is_believed(read_at: Timestamp, now: Timestamp) -> bool {
    let age = now.signed_duration_since(read_at);
    age >= TimeDelta::zero() && age < BELIEVED
}

impl Kept {
    /// What there is to plan from; nothing where a plan would say that nothing is to be done.
    pub(super) fn look(&mut self, app: &App, now: Timestamp) -> Result<Option<&Facts>, StoreError> {
        // Until it succeeded, this look leaves nothing that is believed.
        let known = std::mem::take(&mut self.known);
        let quiet = self.quiet.take();
        let touched = app.store.touched_take();
        let mut is_alike = false;
        self.known = match known {
            Known::Idle { read_at }
                if is_believed(read_at, now)
                    && touched.rollouts.is_empty()
                    && touched.assignments.is_empty()
                    && !touched.everything =>
            {
                Known::Idle { read_at }
            }
            Known::Facts(mut facts)
                if is_believed(facts.read_at, now) && !facts.is_of_another_day(app, now) =>
            {
                let refreshed = if !touched.is_empty() {
                    app.store.read(|db| facts.refresh(db, app, &touched, now))?
                } else if facts.settle(app, now) {
                    Refreshed::Changed
                } else {
                    Refreshed::Alike
                };
                is_alike = refreshed == Refreshed::Alike;
                match refreshed {
                    Refreshed::Alike | Refreshed::Changed => Known::Facts(facts),
                    Refreshed::Outgrown => read(app, now)?,
                }
            }
            Known::Nothing | Known::Idle { .. } | Known::Facts(_) => read(app, now)?,
        };
        if is_alike && quiet.is_some_and(|quiet| quiet.holds(now)) {
            self.quiet = quiet;
            return Ok(None);
        }
        Ok(match &self.known {
            Known::Facts(facts) => Some(facts),
            Known::Idle { .. } | Known::Nothing => None,
        })
    }

    /// Whether no rollout has anything left to do.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.known, Known::Idle { .. })
    }

    /// A plan from what was looked at had no steps.
    pub(super) fn is_quiet(&mut self, since: Timestamp, until: Option<Timestamp>) {
        self.quiet = Some(Quiet { since, until });
    }
}

fn read(app: &App, now: Timestamp) -> Result<Known, StoreError> {
    let facts = app.store.read(|db| facts::load(db, app, now))?;
    Ok(match facts {
        Some(facts) => Known::Facts(Box::new(facts)),
        None => Known::Idle { read_at: now },
    })
}
