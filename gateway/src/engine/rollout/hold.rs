//! A rule holds a pump (S4). S10: the order takes effect when the pump is free; until then nothing but the record changes.

use fleet::{
    Timestamp,
    audit::Action,
    event::{Event, EventKind},
    id::{EventId, PumpId},
    pump::{Hold, HoldKind},
    text::Reason,
};
use serde_json::json;
use store::{Db, StoreError};
use wire::message::{Order, OrderBody};

use super::facts::corrupt;
use crate::{app::Actor, command::outbox, deed::Deed, fresh};

/// Holds a pump clinically, unless something holds it already. Says the order that goes out.
pub(crate) fn clinically(
    db: &mut Db<'_>,
    pump: PumpId,
    why: &str,
    now: Timestamp,
) -> Result<Option<Order>, StoreError> {
    const KIND: HoldKind = HoldKind::Clinical;
    if db.pump_fetch(pump)?.hold.is_some() {
        return Ok(None);
    }
    let reason = Reason::new(why).map_err(|error| corrupt("hold a pump", error))?;
    let hold = Hold {
        kind: KIND,
        reason: reason.clone(),
        since: now,
    };
    db.pump_hold_set(pump, &hold)?;
    let deed = Deed::of(Action::PumpHeld, "pump", pump)
        .after(json!({ "hold": KIND }))
        .because(&reason);
    db.audit_append(deed.entry(&Actor::gateway(), now))?;
    db.event_record(&[Event {
        id: EventId::from_uuid(fresh::uuid(now)),
        at: now,
        kind: EventKind::PumpHeld,
        pump: Some(pump),
        detail: format!("{}: {reason} (by the gateway)", KIND.as_str()),
    }])?;
    outbox::recall(db, pump, now)?;
    outbox::give(db, pump, OrderBody::Hold { hold: KIND, reason }, now).map(Some)
}
