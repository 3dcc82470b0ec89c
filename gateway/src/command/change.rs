//! One change of the record: who makes it, when, and what is told about it (S11: together, or not at all).

use std::fmt::Display;

use fleet::{
    Timestamp,
    event::{Event, EventKind},
    id::{EventId, PumpId},
};
use store::{Db, StoreError};
use uuid::Uuid;

use super::CommandError;
use crate::{
    app::{Actor, App},
    fresh,
};

/// A change in the making.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) app: &'a App,
    pub(super) actor: &'a Actor,
    pub(super) now: Timestamp,
}

impl<'a> Change<'a> {
    /// A change that somebody makes now.
    pub(super) fn by(actor: &'a Actor, app: &'a App) -> Self {
        Self {
            app,
            actor,
            now: app.now(),
        }
    }

    /// A new identifier.
    pub(super) fn id<T>(&self, wrap: impl FnOnce(Uuid) -> T) -> T {
        wrap(fresh::uuid(self.now))
    }

    /// Carries the change out as one transaction. A refusal by a rule rolls back like a failure of the database.
    pub(super) fn commit<T>(
        &self,
        work: impl FnOnce(&mut Db<'_>) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let mut refusal = None;
        let committed = self.app.store.write_durable(|db| {
            work(db).map_err(|error| match error {
                CommandError::Store(error) => error,
                other => {
                    refusal = Some(other);
                    // Only rolls back; the refusal is what is returned.
                    StoreError::Conflict {
                        what: "carry out a command",
                        detail: "refused by a rule".to_owned(),
                    }
                }
            })
        });
        match refusal {
            Some(refusal) => Err(refusal),
            None => Ok(committed?),
        }
    }

    /// Tells what was done, by whom. Part of the transaction.
    pub(super) fn tell(
        &self,
        db: &mut Db<'_>,
        kind: EventKind,
        pump: Option<PumpId>,
        what: impl Display,
    ) -> Result<(), CommandError> {
        let detail = format!("{what} (by {})", self.actor.name);
        let event = Event {
            id: self.id(EventId::from_uuid),
            at: self.now,
            kind,
            pump,
            detail,
        };
        Ok(db.event_record(&[event])?)
    }
}
