//! One change of the record: who makes it, by what right, what is told about it and what the audit trail keeps of it
//! (S11: together, or not at all).
//!
//! The right is looked up in the transaction that changes: a session that ended, a role that was taken away or a token that was
//! revoked a moment ago changes nothing any more.

use std::{cell::OnceCell, fmt::Display};

use fleet::{
    Timestamp,
    access::{Denied, Permission, Reach, reach},
    audit::Action,
    event::{Event, EventKind},
    id::{CareAreaId, EventId, PumpId},
};
use store::{Db, StoreError};
use uuid::Uuid;

use super::CommandError;
use crate::{
    app::{Actor, App, Who},
    auth::standing,
    deed::Deed,
    fresh,
};

/// A change in the making.
pub(crate) struct Change<'a> {
    pub(crate) app: &'a App,
    pub(crate) actor: &'a Actor,
    pub(crate) now: Timestamp,
    needs: Needs,
    /// Where the right holds; filled when the transaction has begun.
    reach: OnceCell<Reach>,
}

/// What right a change takes.
#[derive(Clone, Copy)]
enum Needs {
    /// A right out of the table.
    Permission(Permission),
    /// None: who does it was proved another way, as at sign-in.
    Nothing,
}

impl<'a> Change<'a> {
    /// A change that somebody makes now, by a right.
    pub(crate) fn by(actor: &'a Actor, app: &'a App, permission: Permission) -> Self {
        Self::needing(actor, app, Needs::Permission(permission))
    }

    /// A change by somebody whose right was proved another way.
    pub(crate) fn proved(actor: &'a Actor, app: &'a App) -> Self {
        Self::needing(actor, app, Needs::Nothing)
    }

    fn needing(actor: &'a Actor, app: &'a App, needs: Needs) -> Self {
        Self {
            app,
            actor,
            now: app.now(),
            needs,
            reach: OnceCell::new(),
        }
    }

    /// A new identifier.
    pub(crate) fn id<T>(&self, wrap: impl FnOnce(Uuid) -> T) -> T {
        wrap(fresh::uuid(self.now))
    }

    /// Carries the change out as one transaction. A refusal by a rule rolls back like a failure of the database; one for want
    /// of the right is put on record afterwards.
    pub(crate) fn commit<T>(
        &self,
        work: impl FnOnce(&mut Db<'_>) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let mut refusal = None;
        let committed = self.app.store.write_durable(|db| {
            self.authorise(db)
                .and_then(|()| work(db))
                .map_err(|error| match error {
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
            Some(refusal) => {
                if let (CommandError::Denied(denied), Needs::Permission(permission)) = (&refusal, self.needs)
                {
                    denial(self.app, self.actor, permission, denied);
                }
                Err(refusal)
            }
            None => Ok(committed?),
        }
    }

    /// Whether the actor has the right at this instant, and where.
    fn authorise(&self, db: &mut Db<'_>) -> Result<(), CommandError> {
        let held = match (self.needs, &self.actor.who) {
            (Needs::Nothing, _) | (_, Who::Gateway) => Reach::Everywhere,
            (Needs::Permission(permission), _) => {
                let principal = standing::principal(db, &self.actor.who, self.now)?;
                reach(&principal, permission, self.now)?
            }
        };
        // A change commits once.
        let _ = self.reach.set(held);
        Ok(())
    }

    /// Whether the actor has the right at this instant, for a change that is carried out elsewhere right after.
    ///
    /// # Errors
    /// [`CommandError::Denied`], [`CommandError::NotStanding`].
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        let mut checked = Ok(());
        self.app.store.read(|db| {
            checked = self.authorise(db);
            Ok(())
        })?;
        checked
    }

    /// Whether the right holds for something in a care area, or in none. To be asked by every change of what belongs to one.
    ///
    /// # Errors
    /// [`CommandError::Denied`].
    pub(crate) fn within(&self, care_area: Option<CareAreaId>) -> Result<(), CommandError> {
        let Needs::Permission(permission) = self.needs else {
            return Ok(());
        };
        match (self.reach.get(), care_area) {
            (Some(reach), area) if reach.includes(area) => Ok(()),
            (_, Some(care_area)) => Err(Denied::OtherCareArea {
                permission,
                care_area,
            }
            .into()),
            (_, None) => Err(Denied::NoCareArea { permission }.into()),
        }
    }

    /// Tells what was done, by whom. Part of the transaction.
    pub(crate) fn tell(
        &self,
        db: &mut Db<'_>,
        kind: EventKind,
        pump: Option<PumpId>,
        what: impl Display,
    ) -> Result<(), CommandError> {
        let detail = format!("{what} (by {})", self.actor.name());
        let event = Event {
            id: self.id(EventId::from_uuid),
            at: self.now,
            kind,
            pump,
            detail,
        };
        Ok(db.event_record(&[event])?)
    }

    /// Puts a deed into the audit trail. Part of the transaction.
    pub(crate) fn record(&self, db: &mut Db<'_>, deed: Deed) -> Result<(), CommandError> {
        db.audit_append(deed.entry(self.actor, self.now))?;
        Ok(())
    }
}

/// Puts on record that somebody tried what they may not. Where that fails the log still says it: the refusal stands anyway.
pub(crate) fn denial(app: &App, actor: &Actor, permission: Permission, denied: &Denied) {
    let deed = Deed::of(Action::AccessDenied, "permission", permission)
        .after(serde_json::json!({ "why": denied.to_string() }));
    let entry = deed.entry(actor, app.now());
    tracing::warn!(who = actor.name(), %permission, %denied, "access denied");
    if let Err(error) = app.store.write(|db| db.audit_append(entry).map(drop)) {
        tracing::error!(%error, "a denial could not be put on record");
    }
}
