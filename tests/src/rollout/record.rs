//! What the database holds of rollouts, read beside a gateway that runs or after its death, and what must never be in it.

use std::collections::HashMap;

use fleet::{
    id::{OrderId, PumpId, TicketId},
    rollout::state::{AssignmentState, RolloutState, WaveState},
};
use store::{AssignmentRecord, OrderRow, RolloutRecord, Store, TicketRecord, WaveRecord};

/// The most orders of one pump that are looked at.
const ORDERS: u32 = 10_000;

/// Every rollout at one instant.
#[derive(Debug, Clone)]
pub struct Record {
    pub rollouts: Vec<RolloutRecord>,
    pub waves: Vec<WaveRecord>,
    pub assignments: Vec<AssignmentRecord>,
    pub tickets: Vec<TicketRecord>,
    pub orders: Vec<OrderRow>,
}

impl Record {
    /// Reads it.
    ///
    /// # Panics
    /// When the database can not be read.
    #[must_use]
    pub fn read(store: &Store) -> Self {
        let read = store.read(|db| {
            let rollouts = db.rollout_list()?;
            let ids: Vec<_> = rollouts.iter().map(|rollout| rollout.id).collect();
            let assignments = db.assignment_of(&ids)?;
            let (mut tickets, mut orders) = (Vec::new(), Vec::new());
            for assignment in &assignments {
                tickets.extend(db.ticket_of(assignment.id)?);
                orders.extend(db.order_list(assignment.pump, ORDERS)?);
            }
            Ok(Self {
                waves: db.wave_of(&ids)?,
                rollouts,
                assignments,
                tickets,
                orders,
            })
        });
        read.unwrap()
    }

    /// How many pumps are in any of these states.
    #[must_use]
    pub fn in_states(&self, states: &[AssignmentState]) -> usize {
        let is = |one: &&AssignmentRecord| states.contains(&one.state);
        self.assignments.iter().filter(is).count()
    }

    /// Whether the wave with this number, from 1, is in this state.
    #[must_use]
    pub fn wave_is(&self, number: i64, state: WaveState) -> bool {
        let mut waves = self.waves.iter();
        waves.any(|wave| wave.number == number && wave.state == state)
    }

    /// Whether every rollout is in this state, and there is one.
    #[must_use]
    pub fn rollouts_are(&self, state: RolloutState) -> bool {
        !self.rollouts.is_empty() && self.rollouts.iter().all(|rollout| rollout.state == state)
    }
}

/// Something that must never be on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A ticket was issued while the pump could still use an earlier one: neither known to be gone, nor run out. That it was
    /// asked for back is not enough.
    TwoTickets { pump: PumpId, second: TicketId },
    /// The same was ordered twice under one ticket, and the first was neither refused nor replaced before it was delivered.
    OrderedTwice { pump: PumpId, second: OrderId },
    /// An order neither reached its pump nor was replaced.
    Lost { pump: PumpId, order: OrderId },
}

/// What is wrong with tickets and orders, once nothing is under way any more.
#[must_use]
pub fn faults_of(tickets: &[TicketRecord], orders: &[OrderRow]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut by_pump: HashMap<PumpId, Vec<&TicketRecord>> = HashMap::new();
    for ticket in tickets {
        by_pump.entry(ticket.pump).or_default().push(ticket);
    }
    for (pump, mut of) in by_pump {
        of.sort_by_key(|ticket| (ticket.not_before, ticket.id));
        for (place, second) in of.iter().enumerate() {
            let ends = |ticket: &TicketRecord| {
                ticket
                    .gone_at
                    .map_or(ticket.not_after, |gone| gone.min(ticket.not_after))
            };
            if of[..place].iter().any(|first| ends(first) > second.not_before) {
                faults.push(Fault::TwoTickets {
                    pump,
                    second: second.id,
                });
            }
        }
    }
    let mut given: HashMap<(PumpId, &str, String), OrderId> = HashMap::new();
    for order in orders {
        let is_void = match order.outcome.as_deref() {
            // What a pump refused it has not done, and may be asked for again.
            Some("refused") => true,
            outcome => order.delivered_at.is_none() && outcome.is_some(),
        };
        if is_void {
            continue;
        }
        if order.delivered_at.is_none() {
            faults.push(Fault::Lost {
                pump: order.pump,
                order: order.id,
            });
        }
        let what = (order.pump, order.kind.as_str(), order.body["ticket"].to_string());
        if order.body["ticket"].is_string() && given.insert(what, order.id).is_some() {
            faults.push(Fault::OrderedTwice {
                pump: order.pump,
                second: order.id,
            });
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use fleet::{Timestamp, id::AssignmentId};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const PUMP: PumpId = PumpId::from_uuid(Uuid::from_u128(1));
    const OTHER: PumpId = PumpId::from_uuid(Uuid::from_u128(2));

    fn at(second: i64) -> Timestamp {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    /// Good from 0 to 100 seconds, moved on by `from`.
    fn ticket(id: u128, pump: PumpId, from: i64) -> TicketRecord {
        TicketRecord {
            id: TicketId::from_uuid(Uuid::from_u128(id)),
            assignment: AssignmentId::from_uuid(Uuid::from_u128(9)),
            pump,
            not_before: at(from),
            not_after: at(from + 100),
            envelope: String::new(),
            withdrawn_at: None,
            gone_at: None,
        }
    }

    fn order(id: u128, pump: PumpId, kind: &str, ticket: u128) -> OrderRow {
        OrderRow {
            id: OrderId::from_uuid(Uuid::from_u128(id)),
            pump,
            at: at(0),
            kind: kind.to_owned(),
            body: json!({ "ticket": Uuid::from_u128(ticket) }),
            delivered_at: Some(at(1)),
            outcome: Some("done".to_owned()),
            outcome_at: Some(at(2)),
            reason: None,
        }
    }

    #[test]
    fn a_second_ticket_is_seen_unless_the_first_had_ended() {
        let check = |end: fn(&mut TicketRecord), pump: PumpId, from: i64, is_fault: bool| {
            let mut first = ticket(1, PUMP, 0);
            end(&mut first);
            let second = ticket(2, pump, from);
            let fault = Fault::TwoTickets {
                pump,
                second: second.id,
            };
            let expected = if is_fault { vec![fault] } else { vec![] };
            // In whichever order the rows come.
            assert_eq!(faults_of(&[first.clone(), second.clone()], &[]), expected);
            assert_eq!(faults_of(&[second, first], &[]), expected);
        };
        check(|_| {}, PUMP, 50, true);
        check(|_| {}, PUMP, 100, false);
        check(|_| {}, OTHER, 50, false);
        check(|first| first.gone_at = Some(at(50)), PUMP, 50, false);
        check(|first| first.gone_at = Some(at(51)), PUMP, 50, true);
        check(|first| first.withdrawn_at = Some(at(49)), PUMP, 50, true);
    }

    #[test]
    fn an_order_that_was_given_twice_or_never_arrived_is_seen() {
        let first = order(1, PUMP, "install", 7);
        let check = |second: OrderRow, expected: Option<Fault>| {
            let orders = [first.clone(), second];
            assert_eq!(faults_of(&[], &orders), expected.into_iter().collect::<Vec<_>>());
        };
        let second = order(2, PUMP, "install", 7);
        let twice = Fault::OrderedTwice {
            pump: PUMP,
            second: second.id,
        };
        check(second.clone(), Some(twice));
        check(order(2, PUMP, "install", 8), None);
        check(order(2, PUMP, "return_ticket", 7), None);
        check(order(2, OTHER, "install", 7), None);
        // Replaced before it was delivered.
        let replaced = OrderRow {
            delivered_at: None,
            outcome: Some("superseded".to_owned()),
            ..second.clone()
        };
        check(replaced, None);
        let refused = OrderRow {
            outcome: Some("refused".to_owned()),
            ..second.clone()
        };
        check(refused, None);
        let lost = OrderRow {
            delivered_at: None,
            outcome: None,
            ..order(3, OTHER, "hold", 7)
        };
        let fault = Fault::Lost {
            pump: OTHER,
            order: lost.id,
        };
        check(lost, Some(fault));
    }
}
