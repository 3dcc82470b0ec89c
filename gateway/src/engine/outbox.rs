//! Orders wait in the database until the pump's PUBACK; this brings them to pumps that have just begun to listen.
//! An order that is on its way when the gateway dies is sent again: orders are idempotent.
//!
//! S3: an order of an update that waited is asked anew when it goes: it goes to a pump that is free, by a fresh word of its own.
//! Until then it is withheld, and looked at again with every turn of the rollouts.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::TimeDelta;
use fleet::{
    Timestamp,
    id::PumpId,
    pump::{Availability, HoldKind, PumpState, availability},
};
use store::{Db, OrderRow, StoreError};
use wire::message::{Order, OrderBody, V1};

use crate::{
    app::App,
    command::pump,
    mqtt::{Down, PumpLink},
    pki::gate::Gate,
};

/// Pumps with an order that waits until they are free.
#[derive(Debug, Clone, Default)]
pub struct Withheld(Arc<Mutex<BTreeSet<PumpId>>>);

impl Withheld {
    fn add(&self, pump: PumpId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pump);
    }

    fn take(&self) -> Vec<PumpId> {
        let mut pumps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *pumps).into_iter().collect()
    }
}

/// Whether an order goes only to a pump that is free (S3).
const fn wants_free(order: &OrderBody) -> bool {
    match order {
        OrderBody::Download { .. } | OrderBody::Install { .. } | OrderBody::RollBack { .. } => true,
        OrderBody::Hold { .. }
        | OrderBody::ReleaseHold
        | OrderBody::ReportInventory
        | OrderBody::RenewCertificate
        // It waits until it is free by itself, and touches nothing before.
        | OrderBody::RunChecks { .. }
        | OrderBody::ReturnTicket { .. } => false,
    }
}

/// Delivers what waits for these pumps. One look-up for all of them.
pub(super) fn deliver_waiting(app: &App, pumps: &[PumpId]) {
    let all = |_: &OrderBody| true;
    deliver_those(app, pumps, all);
}

/// How long an order is given before it is sent again: a pump answers within seconds, if it has it.
const LOST_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Sends again what connected pumps should have by now: a full line drops what does not fit, and a pump that stays connected asks
/// for nothing. An order that arrives twice is carried out once.
pub(super) fn deliver_overdue(app: &App) {
    let before = app.now() - LOST_AFTER;
    match app.store.read(|db| db.order_pending_pumps(before)) {
        Ok(pumps) => deliver_waiting(app, &pumps),
        Err(error) => {
            tracing::error!(%error, "orders that wait could not be found; they are looked for again");
        }
    }
}

/// Looks again at what was withheld.
pub(super) fn deliver_withheld(app: &App) {
    deliver_those(app, &app.withheld.take(), wants_free);
}

fn deliver_those(app: &App, pumps: &[PumpId], which: fn(&OrderBody) -> bool) {
    if pumps.is_empty() {
        return;
    }
    let read = |db: &mut Db<'_>| -> Result<_, StoreError> {
        Ok((db.order_pending_of(pumps)?, db.pump_listing_of(pumps)?))
    };
    match app.store.read(read) {
        Ok((rows, listings)) => {
            let states = listings
                .into_iter()
                .filter_map(|listing| Some((listing.pump.id, listing.state?)))
                .collect();
            let rows = rows.iter().filter_map(|row| Some((row.pump, order(row)?)));
            let orders: Vec<_> = rows.filter(|(_, order)| which(&order.body)).collect();
            let line = Line {
                gate: &app.gate,
                link: app.link.as_ref(),
                withheld: &app.withheld,
                states,
                now: app.now(),
            };
            let _turn = pump::in_turn();
            line.deliver(orders);
        }
        Err(error) => {
            for pump in pumps {
                app.withheld.add(*pump);
            }
            tracing::error!(%error, "orders that wait could not be read; they are tried again");
        }
    }
}

/// The way to pumps, and what is known of them.
struct Line<'a> {
    gate: &'a Gate,
    link: &'a dyn PumpLink,
    withheld: &'a Withheld,
    states: HashMap<PumpId, PumpState>,
    now: Timestamp,
}

impl Line<'_> {
    /// A pump that was held or retired since its orders were read gets none of them.
    fn deliver(&self, orders: Vec<(PumpId, Order)>) {
        for (id, order) in orders {
            // Asked right before each, and not once for all: a hold may come while they go out.
            let pump = self.gate.pump(id);
            if pump.retired || !pump.hold.is_none_or(HoldKind::may_be_ordered) {
                continue;
            }
            if wants_free(&order.body) && !self.is_free(id) {
                self.withheld.add(id);
                continue;
            }
            self.link.deliver(id, Down::Order(order));
        }
    }

    fn is_free(&self, pump: PumpId) -> bool {
        self.states.get(&pump).is_some_and(|state| {
            availability(
                state.activity,
                state.patient_attached,
                state.received_at,
                self.now,
            ) == Availability::Free
        })
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

    use chrono::{DateTime, TimeDelta};
    use fleet::{
        id::{OrderId, TicketId},
        pump::{Activity, STALE_AFTER, SessionEnd},
    };
    use uuid::Uuid;

    use super::*;
    use crate::clock::Clock;

    /// Who was given an order.
    #[derive(Default)]
    struct Given(Mutex<Vec<PumpId>>);

    impl PumpLink for Given {
        fn deliver(&self, pump: PumpId, _: Down) {
            self.0.lock().unwrap().push(pump);
        }

        fn close(&self, _: PumpId, _: SessionEnd) {}

        fn connected(&self) -> usize {
            0
        }
    }

    #[test]
    fn what_waited_goes_only_to_a_pump_that_may_have_it_now() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let pump = PumpId::from_uuid(Uuid::from_u128(1));
        let ticket = TicketId::from_uuid(Uuid::from_u128(3));
        let check = |body: &OrderBody, hold, retired, (activity, attached, age), expected: (bool, bool)| {
            let gate = Gate::new(Vec::new(), Clock::from_fn(move || now));
            gate.set_pump(pump, hold, retired);
            let (given, withheld) = (Given::default(), Withheld::default());
            let state = PumpState {
                pump,
                reported_at: now - age,
                received_at: now - age,
                activity,
                patient_attached: attached,
                rate: None,
                infused: None,
                battery: None,
                on_mains: true,
                signal: None,
                place: None,
                alarm: None,
            };
            let line = Line {
                gate: &gate,
                link: &given,
                withheld: &withheld,
                states: HashMap::from([(pump, state)]),
                now,
            };
            let id = OrderId::from_uuid(Uuid::from_u128(2));
            let (v, at, body) = (V1, now, body.clone());
            line.deliver(vec![(pump, Order { v, id, at, body })]);
            let is_given = !given.0.lock().unwrap().is_empty();
            assert_eq!(
                (is_given, !withheld.take().is_empty()),
                expected,
                "{hold:?}, {retired}, {activity:?}"
            );
        };
        let now_free = (Activity::Ready, false, TimeDelta::zero());
        let inventory = OrderBody::ReportInventory;
        check(&inventory, None, false, now_free, (true, false));
        check(&inventory, None, true, now_free, (false, false));
        for kind in HoldKind::ALL {
            check(
                &inventory,
                Some(kind),
                false,
                now_free,
                (kind.may_be_ordered(), false),
            );
        }
        let reason: fleet::text::Reason = "asked for".parse().unwrap();
        for body in [
            OrderBody::Install { ticket },
            OrderBody::RollBack { ticket, reason },
        ] {
            check(&body, None, false, now_free, (true, false));
            check(&body, None, true, now_free, (false, false));
            let busy = [
                (Activity::Infusing, false, TimeDelta::zero()),
                (Activity::Unknown, false, TimeDelta::zero()),
                (Activity::Ready, true, TimeDelta::zero()),
                (Activity::Ready, false, STALE_AFTER + TimeDelta::seconds(1)),
                (Activity::Ready, false, TimeDelta::seconds(-1)),
            ];
            for state in busy {
                check(&body, None, false, state, (false, true));
                check(&inventory, None, false, state, (true, false));
            }
        }
    }
}
