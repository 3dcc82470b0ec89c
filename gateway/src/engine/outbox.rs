//! Orders wait in the database until the pump's PUBACK; this brings them to pumps that have just begun to listen.
//! An order that is on its way when the gateway dies is sent again: orders are idempotent.

use fleet::{id::PumpId, pump::HoldKind};
use store::OrderRow;
use wire::message::{Order, OrderBody, V1};

use crate::{
    app::App,
    mqtt::{Down, PumpLink},
    pki::gate::Gate,
};

/// Delivers what waits for these pumps. One look-up for all of them.
pub(super) fn deliver_waiting(app: &App, pumps: &[PumpId]) {
    if pumps.is_empty() {
        return;
    }
    match app.store.read(|db| db.order_pending_of(pumps)) {
        Ok(rows) => deliver(&app.gate, app.link.as_ref(), &rows),
        // The pump will be ready again after its next reconnect.
        Err(error) => tracing::error!(%error, "orders that wait could not be read"),
    }
}

/// A pump that was held or retired since its orders were read gets none of them.
fn deliver(gate: &Gate, link: &dyn PumpLink, rows: &[OrderRow]) {
    for row in rows {
        let Some(order) = order(row) else { continue };
        // Asked right before each, and not once for all: a hold may come while they go out.
        let pump = gate.pump(row.pump);
        if !pump.retired && pump.hold.is_none_or(HoldKind::may_be_ordered) {
            link.deliver(row.pump, Down::Order(order));
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use chrono::DateTime;
    use fleet::{id::OrderId, pump::SessionEnd};
    use uuid::Uuid;

    use super::*;
    use crate::clock::Clock;

    /// Who was given an order.
    #[derive(Default)]
    struct Line(Mutex<Vec<PumpId>>);

    impl PumpLink for Line {
        fn deliver(&self, pump: PumpId, _: Down) {
            self.0.lock().unwrap().push(pump);
        }

        fn close(&self, _: PumpId, _: SessionEnd) {}

        fn connected(&self) -> usize {
            0
        }
    }

    #[test]
    fn a_pump_that_may_not_be_ordered_gets_nothing_that_waited_for_it() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let pump = PumpId::from_uuid(Uuid::from_u128(1));
        let waiting = OrderRow {
            id: OrderId::from_uuid(Uuid::from_u128(2)),
            pump,
            at: now,
            kind: OrderBody::ReportInventory.kind().to_owned(),
            body: serde_json::to_value(OrderBody::ReportInventory).unwrap(),
            delivered_at: None,
            outcome: None,
            outcome_at: None,
            reason: None,
        };
        let check = |hold: Option<HoldKind>, retired: bool, given: bool| {
            let gate = Gate::new(Vec::new(), Clock::from_fn(move || now));
            gate.set_pump(pump, hold, retired);
            let line = Line::default();
            deliver(&gate, &line, std::slice::from_ref(&waiting));
            assert_eq!(!line.0.lock().unwrap().is_empty(), given, "{hold:?}, {retired}");
        };
        check(None, false, true);
        check(None, true, false);
        for kind in HoldKind::ALL {
            check(Some(kind), false, kind.may_be_ordered());
        }
    }
}
