//! A hold goes on record, in the transaction that decided on it: with what was seen, an entry, an event, and the order to the pump.

use fleet::{
    Timestamp,
    audit::Action,
    event::{Event, EventKind},
    id::{EventId, HoldId, PumpId},
    pump::{Hold, HoldKind, Pump},
    rollout::state::Stage,
    text::Reason,
};
use serde_json::{Value, json};
use store::{AssignmentRecord, Db, HoldRecord, StoreError};
use wire::message::{Order, OrderBody};

use super::super::outbox;
use crate::{
    app::Actor,
    deed::Deed,
    engine::rollout::{check, facts},
    fresh,
};

/// A hold to set.
pub(crate) struct New<'a> {
    pub(crate) pump: PumpId,
    pub(crate) kind: HoldKind,
    pub(crate) reason: &'a Reason,
}

/// Holds a pump, in place of what held it before. Says the order that goes out, if one does: S10, it takes effect when the pump is
/// free. To a pump that is isolated or sequestered nothing goes out any more, nor does what was waiting.
pub(crate) fn write(
    db: &mut Db<'_>,
    actor: &Actor,
    new: &New<'_>,
    now: Timestamp,
) -> Result<Option<Order>, StoreError> {
    let New { pump, kind, reason } = *new;
    let before = db.pump_fetch(pump)?;
    let hold = Hold {
        kind,
        reason: reason.clone(),
        since: now,
    };
    let event = Event {
        id: EventId::from_uuid(fresh::uuid(now)),
        at: now,
        kind: EventKind::PumpHeld,
        pump: Some(pump),
        detail: format!("{}: {reason} (by {})", kind.as_str(), actor.name()),
    };
    let evidence = seen(db, &before, event.id, now)?;
    let id = HoldId::from_uuid(fresh::uuid(now));
    db.hold_create(&HoldRecord::standing(id, pump, &hold, evidence, actor.account()))?;
    let deed = Deed::of(Action::PumpHeld, "pump", pump)
        .before(json!({ "hold": before.hold.as_ref().map(|hold| hold.kind) }))
        .after(json!({ "hold": kind, "id": id }))
        .because(reason);
    db.audit_append(deed.entry(actor, now))?;
    db.event_record(&[event])?;
    if kind.may_be_ordered() {
        db.order_supersede(pump, OrderBody::ReleaseHold.kind(), now)?;
        let body = OrderBody::Hold {
            hold: kind,
            reason: reason.clone(),
        };
        outbox::give(db, pump, body, now).map(Some)
    } else {
        outbox::withdraw(db, pump, now)?;
        Ok(None)
    }
}

/// What there was to see: what runs on the pump, how far its last update was, and what its checks had read.
fn seen(db: &mut Db<'_>, pump: &Pump, event: EventId, now: Timestamp) -> Result<Value, StoreError> {
    let updates = db.assignment_of_pump(pump.id)?;
    let begun =
        |assignment: &&AssignmentRecord| !matches!(assignment.state.stage(), Stage::Waiting | Stage::Left);
    let assignment = match updates.iter().find(begun) {
        Some(assignment) => update(db, assignment, now)?,
        None => Value::Null,
    };
    Ok(json!({
        "event": event,
        "components": pump.components,
        "assignment": assignment,
    }))
}

fn update(db: &mut Db<'_>, row: &AssignmentRecord, now: Timestamp) -> Result<Value, StoreError> {
    let rollout = db.rollout_fetch(row.rollout)?;
    let results = db.check_result_of(&[row.id])?;
    // A release that can not be read any more is no reason to let the pump go on.
    let manifest = match facts::release(db, rollout.release) {
        Ok(release) => Some(release.manifest),
        Err(StoreError::Corrupt { .. }) => None,
        Err(error) => return Err(error),
    };
    let library = check::approved_library(db, row.pump)?;
    let checks = manifest.and_then(|manifest| {
        let asked = check::Asked {
            manifest: &manifest,
            library,
            deadline: facts::spec_of(&rollout).ok()?.limits.complete().check_deadline,
        };
        check::evaluation(row, &asked, &results, now)
    });
    Ok(json!({
        "id": row.id,
        "rollout": row.rollout,
        "wave": row.wave,
        "ticket": row.ticket,
        "state": row.state,
        "before": row.before,
        "named": row.named,
        "versions_proved": row.versions_proved,
        "checks": checks.map(|evaluation| evaluation.fields()),
    }))
}
