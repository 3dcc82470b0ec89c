//! Orders wait in the database until the pump's PUBACK; this brings them to pumps that have just begun to listen.
//! An order that is on its way when the gateway dies is sent again: orders are idempotent.

use fleet::id::PumpId;
use store::OrderRow;
use wire::message::{Order, OrderBody, V1};

use crate::{app::App, mqtt::Down};

/// Delivers what waits for these pumps. One look-up for all of them.
pub(super) fn deliver_waiting(app: &App, pumps: &[PumpId]) {
    if pumps.is_empty() {
        return;
    }
    match app.store.read(|db| db.order_pending_of(pumps)) {
        Ok(rows) => {
            for row in rows {
                if let Some(order) = order(&row) {
                    app.link.deliver(row.pump, Down::Order(order));
                }
            }
        }
        // The pump will be ready again after its next reconnect.
        Err(error) => tracing::error!(%error, "orders that wait could not be read"),
    }
}

/// The message for a row of the outbox.
fn order(row: &OrderRow) -> Option<Order> {
    match serde_json::from_value::<OrderBody>(row.body.clone()) {
        Ok(body) => Some(Order {
            v: V1,
            id: row.id,
            at: row.at,
            body,
        }),
        Err(error) => {
            tracing::error!(order = %row.id, %error, "an order on record can not be read and is not sent");
            None
        }
    }
}
