//! A rule holds a pump (S4). S10: the order takes effect when the pump is free; until then nothing but the record changes.

use fleet::{Timestamp, id::PumpId, pump::HoldKind, text::Reason};
use store::{Db, StoreError};
use wire::message::Order;

use super::facts::corrupt;
use crate::{
    app::Actor,
    command::{hold::record, outbox},
};

/// Holds a pump clinically, unless something holds it already. Says the order that goes out.
pub(crate) fn clinically(
    db: &mut Db<'_>,
    pump: PumpId,
    why: &str,
    now: Timestamp,
) -> Result<Option<Order>, StoreError> {
    if db.pump_fetch(pump)?.hold.is_some() {
        return Ok(None);
    }
    let new = record::New {
        pump,
        kind: HoldKind::Clinical,
        reason: &Reason::new(why).map_err(|error| corrupt("hold a pump", error))?,
    };
    outbox::recall(db, pump, now)?;
    record::write(db, &Actor::gateway(), &new, now)
}
