//! An order goes into the outbox, in the transaction that decided on it.

use fleet::{
    Timestamp,
    id::{OrderId, PumpId},
};
use store::{Db, OrderRow, StoreError};
use wire::message::{Order, OrderBody, V1};

use crate::fresh;

/// Gives a pump an order. An older one of the same kind that was not delivered yet is superseded.
pub(crate) fn give(
    db: &mut Db<'_>,
    pump: PumpId,
    body: OrderBody,
    now: Timestamp,
) -> Result<Order, StoreError> {
    let order = Order {
        v: V1,
        id: OrderId::from_uuid(fresh::uuid(now)),
        at: now,
        body,
    };
    db.order_supersede(pump, order.body.kind(), now)?;
    db.order_create(&row(pump, &order)?)?;
    Ok(order)
}

/// What waits to be sent is not sent any more.
pub(crate) fn withdraw(db: &mut Db<'_>, pump: PumpId, now: Timestamp) -> Result<(), StoreError> {
    for waiting in db.order_pending(pump)? {
        db.order_supersede(pump, &waiting.kind, now)?;
    }
    Ok(())
}

/// Takes back what a pump was told of an update and did not take yet: it would come after what made it void.
pub(crate) fn recall(db: &mut Db<'_>, pump: PumpId, now: Timestamp) -> Result<(), StoreError> {
    for kind in ["download", "install"] {
        db.order_supersede(pump, kind, now)?;
    }
    Ok(())
}

/// An order as it is kept.
pub(crate) fn row(pump: PumpId, order: &Order) -> Result<OrderRow, StoreError> {
    let body = serde_json::to_value(&order.body).map_err(|error| StoreError::Corrupt {
        attempted: "write an order down",
        detail: error.to_string(),
    })?;
    Ok(OrderRow {
        id: order.id,
        pump,
        at: order.at,
        kind: order.body.kind().to_owned(),
        body,
        delivered_at: None,
        outcome: None,
        outcome_at: None,
        reason: None,
    })
}
