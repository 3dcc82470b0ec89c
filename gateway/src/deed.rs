//! What the audit trail keeps of a deed, on its way there.

use std::fmt::Display;

use fleet::{
    Timestamp,
    audit::{Action, Actor as OnRecord, Entry, Origin, Subject, Word},
    id::PumpId,
    text::Reason,
};
use serde_json::Value;

use crate::app::Actor;

/// What the audit trail keeps of a deed.
pub(crate) struct Deed {
    action: Action,
    subject: Subject,
    before: Option<Value>,
    after: Option<Value>,
    reason: Option<Reason>,
}

impl Deed {
    /// Something that was done to one thing.
    pub(crate) fn of(action: Action, kind: &'static str, id: impl Display) -> Self {
        Self {
            action,
            subject: Subject {
                kind: Word::literal(kind),
                id: id.to_string(),
            },
            before: None,
            after: None,
            reason: None,
        }
    }

    /// What was there before.
    pub(crate) fn before(mut self, before: Value) -> Self {
        self.before = Some(before);
        self
    }

    /// What is there now.
    pub(crate) fn after(mut self, after: Value) -> Self {
        self.after = Some(after);
        self
    }

    /// Why.
    pub(crate) fn because(mut self, reason: &Reason) -> Self {
        self.reason = Some(reason.clone());
        self
    }

    /// The entry of a deed by a pump itself.
    pub(crate) fn by_pump(self, pump: PumpId, at: Timestamp) -> Entry {
        self.into_entry(OnRecord::Pump { pump }, Origin::default(), at)
    }

    /// The entry; its number is the record's to give.
    pub(crate) fn entry(self, actor: &Actor, at: Timestamp) -> Entry {
        self.into_entry(actor.on_record(), actor.origin.clone(), at)
    }

    fn into_entry(self, actor: OnRecord, origin: Origin, at: Timestamp) -> Entry {
        Entry {
            number: 0,
            at,
            actor,
            origin,
            action: self.action.word(),
            subject: self.subject,
            before: self.before,
            after: self.after,
            reason: self.reason,
        }
    }
}
