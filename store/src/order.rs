//! The outbox: orders to pumps. They live here, not in a broker's memory, until the pump has them.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{OrderId, PumpId},
    text::Reason,
};

use crate::{
    Db, StoreError,
    account::found,
    error::Attempt,
    schema::{orders, presence},
    sql::{Val, row},
};

/// The outcome of an order that a newer one replaced before it was delivered.
const SUPERSEDED: &str = "superseded";
/// The one outcome that another may follow: the pump has the order and waits until it is free.
const WHEN_FREE: &str = "when_free";

/// An order.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = orders)]
pub struct OrderRow {
    /// By it a pump carries an order out once, however often it arrives.
    pub id: OrderId,
    /// To whom.
    pub pump: PumpId,
    /// When it was given.
    pub at: Timestamp,
    /// The word of its kind.
    pub kind: String,
    /// What is asked.
    pub body: serde_json::Value,
    /// When the pump had it.
    pub delivered_at: Option<Timestamp>,
    /// What became of it: `done`, `when_free`, `refused` or `superseded`.
    pub outcome: Option<String>,
    /// When that was known.
    pub outcome_at: Option<Timestamp>,
    /// Why, where there is something to say.
    pub reason: Option<String>,
}

impl Db<'_> {
    /// Puts an order into the outbox.
    pub fn order_create(&mut self, order: &OrderRow) -> Result<(), StoreError> {
        diesel::insert_into(orders::table)
            .values(row!(orders, order; id, pump, at, kind, body, delivered_at, outcome, outcome_at, reason))
            .execute(self.connection)
            .map(drop)
            .attempt("give an order")
    }

    /// The orders that a pump has not got yet, the oldest first.
    pub fn order_pending(&mut self, pump: PumpId) -> Result<Vec<OrderRow>, StoreError> {
        orders::table
            .filter(orders::pump.eq(Val(pump)))
            .filter(orders::delivered_at.is_null())
            .filter(orders::outcome.is_null())
            .order((orders::at, orders::id))
            .select(OrderRow::as_select())
            .load(self.connection)
            .attempt("read the orders of a pump")
    }

    /// The orders that any of these pumps has not got yet, the oldest first.
    pub fn order_pending_of(&mut self, pumps: &[PumpId]) -> Result<Vec<OrderRow>, StoreError> {
        let mut rows = Vec::new();
        for pumps in pumps.chunks(500) {
            rows.extend(
                orders::table
                    .filter(orders::pump.eq_any(pumps.iter().copied().map(Val)))
                    .filter(orders::delivered_at.is_null())
                    .filter(orders::outcome.is_null())
                    .order((orders::at, orders::id))
                    .select(OrderRow::as_select())
                    .load::<OrderRow>(self.connection)
                    .attempt("read the orders that wait")?,
            );
        }
        Ok(rows)
    }

    /// The pumps that are connected and have orders to get since before an instant.
    pub fn order_pending_pumps(&mut self, before: Timestamp) -> Result<Vec<PumpId>, StoreError> {
        let connected = presence::table
            .filter(presence::pump.eq(orders::pump))
            .filter(presence::connected.eq(true));
        orders::table
            .filter(orders::delivered_at.is_null())
            .filter(orders::outcome.is_null())
            .filter(orders::at.lt(Val(before)))
            .filter(diesel::dsl::exists(connected))
            .order(orders::pump)
            .select(orders::pump)
            .distinct()
            .load(self.connection)
            .attempt("find the pumps with orders")
    }

    /// The pump has the order. Saying so again changes nothing.
    pub fn order_delivered(&mut self, id: OrderId, at: Timestamp) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "note that an order was delivered";
        let changed = diesel::update(orders::table.find(Val(id)))
            .filter(orders::delivered_at.is_null())
            .set(orders::delivered_at.eq(Val(Some(at))))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        if changed == 1 {
            return Ok(());
        }
        let known: i64 = orders::table
            .find(Val(id))
            .count()
            .get_result(self.connection)
            .attempt(ATTEMPTED)?;
        found("order", id, usize::from(known > 0))
    }

    /// What became of an order, as its pump says. `false` when that pump was never given it: then nothing is changed.
    /// A final outcome stands: only `when_free` may be followed by another. An outcome proves delivery, whether or not the
    /// acknowledgement arrived.
    pub fn order_outcome(
        &mut self,
        id: OrderId,
        pump: PumpId,
        outcome: &str,
        reason: Option<&Reason>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        const ATTEMPTED: &str = "keep what became of an order";
        let standing: Option<(Option<Timestamp>, Option<String>)> = orders::table
            .find(Val(id))
            .filter(orders::pump.eq(Val(pump)))
            .select((orders::delivered_at, orders::outcome))
            .first(self.connection)
            .optional()
            .attempt(ATTEMPTED)?;
        let Some((delivered_at, standing)) = standing else {
            return Ok(false);
        };
        let delivered = orders::delivered_at.eq(Val(Some(delivered_at.unwrap_or(at))));
        let follows = match standing.as_deref() {
            None => true,
            Some(WHEN_FREE) => outcome != WHEN_FREE,
            Some(_) => false,
        };
        if follows {
            diesel::update(orders::table.find(Val(id)))
                .set((
                    delivered,
                    orders::outcome.eq(Val(Some(outcome.to_owned()))),
                    orders::outcome_at.eq(Val(Some(at))),
                    orders::reason.eq(reason.map(|reason| reason.as_str().to_owned())),
                ))
                .execute(self.connection)
        } else {
            diesel::update(orders::table.find(Val(id)))
                .set(delivered)
                .execute(self.connection)
        }
        .attempt(ATTEMPTED)?;
        Ok(true)
    }

    /// The newest orders of a pump, the newest first.
    pub fn order_list(&mut self, pump: PumpId, limit: u32) -> Result<Vec<OrderRow>, StoreError> {
        orders::table
            .filter(orders::pump.eq(Val(pump)))
            .order((orders::at.desc(), orders::id.desc()))
            .limit(i64::from(limit))
            .select(OrderRow::as_select())
            .load(self.connection)
            .attempt("list orders")
    }

    /// Withdraws what a pump was ordered of this kind and has not got yet, because a newer order is about to take its
    /// place. Says how many.
    pub fn order_supersede(&mut self, pump: PumpId, kind: &str, at: Timestamp) -> Result<usize, StoreError> {
        diesel::update(orders::table)
            .filter(orders::pump.eq(Val(pump)))
            .filter(orders::kind.eq(Val(kind.to_owned())))
            .filter(orders::delivered_at.is_null())
            .filter(orders::outcome.is_null())
            .set((
                orders::outcome.eq(Val(Some(SUPERSEDED.to_owned()))),
                orders::outcome_at.eq(Val(Some(at))),
            ))
            .execute(self.connection)
            .attempt("withdraw superseded orders")
    }
}
