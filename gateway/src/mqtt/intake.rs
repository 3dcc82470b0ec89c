//! Group hand-over on one worker: at most one batch is being stored, and everything that arrives meanwhile goes into
//! the next one. There is no timer: an idle store gets a batch of one at once, a busy one gets large batches.
//!
//! One message and one wake-up cross the threads per batch, not per message; handlers wait for their batch on the
//! worker, where nothing is locked.
//!
//! Memory is bounded: what a pump said by the publishes that a connection may have under way, facts about connections
//! by [`facts::thin`].

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    sync::mpsc::Sender,
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{Batch, Counters, Inbound, facts};

/// Items in one batch: a store that was stalled must not get one transaction of everything.
const BATCH_LIMIT: usize = 4096;
/// The pause after a batch that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(250);

/// Batches that wait, with those who wait for them.
type Queue = VecDeque<(Vec<Inbound>, Rc<Group>)>;

/// What waits to be handed over.
#[derive(Default)]
pub(super) struct Intake {
    queue: RefCell<Queue>,
    /// Where the hand-over waits for the first item.
    idle: Cell<Option<Waker>>,
    in_flight: Cell<bool>,
}

impl Intake {
    /// Adds a fact to the batch that goes next.
    pub(super) fn tell(&self, fact: Inbound) {
        self.push(fact);
    }

    /// Adds something to the batch that goes next; the answer comes with the batch.
    pub(super) fn hold(&self, item: Inbound) -> Durable {
        Durable {
            group: self.push(item),
            slot: None,
        }
    }

    fn push(&self, item: Inbound) -> Rc<Group> {
        let mut queue = self.queue.borrow_mut();
        let open = match queue.back_mut() {
            Some((items, group)) if items.len() < BATCH_LIMIT => {
                items.push(item);
                group.clone()
            }
            _ => {
                thin(&mut queue);
                let group = Rc::new(Group::default());
                queue.push_back((vec![item], group.clone()));
                group
            }
        };
        if let Some(waker) = self.idle.take() {
            waker.wake();
        }
        open
    }

    /// Whether nothing waits and nothing is being stored.
    pub(super) fn is_idle(&self) -> bool {
        !self.in_flight.get() && self.queue.borrow().is_empty()
    }

    async fn next(&self) -> (Vec<Inbound>, Rc<Group>) {
        poll_fn(|cx| {
            if let Some(batch) = self.queue.borrow_mut().pop_front() {
                return Poll::Ready(batch);
            }
            self.idle.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// Facts about connections that were not stored go to the front of the line, in their order, as far as nothing
    /// newer has overtaken them.
    fn retry(&self, items: Vec<Inbound>) {
        let facts: Vec<_> = items.into_iter().filter(|item| !item.is_said_by_pump()).collect();
        if facts.is_empty() {
            return;
        }
        let mut queue = self.queue.borrow_mut();
        queue.push_front((facts, Rc::new(Group::default())));
        thin(&mut queue);
    }

    /// Hands over batch after batch, for as long as the worker lives.
    pub(super) async fn run(self: Rc<Self>, inbox: Sender<Batch>, counters: Counters) {
        loop {
            let (items, group) = self.next().await;
            self.in_flight.set(true);
            let (batch, settled) = Batch::new(items);
            // If nobody listens, the batch drops right here and its answer is an error.
            drop(inbox.send(batch));
            let settled = settled.await;
            let stored = matches!(settled, Ok(Ok(())));
            counters.count_batch(stored);
            group.settle(stored);
            if let Ok(Err(items)) = settled {
                self.retry(items);
            }
            if !stored {
                ntex::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
            self.in_flight.set(false);
        }
    }
}

/// Drops facts that newer ones have overtaken, and batches of which nothing is left.
fn thin(queue: &mut Queue) {
    facts::thin(queue.iter_mut().rev().map(|(items, _)| items));
    queue.retain(|(items, group)| {
        if items.is_empty() {
            group.settle(false);
        }
        !items.is_empty()
    });
}

/// Everyone who waits for one batch.
#[derive(Default)]
struct Group {
    stored: Cell<Option<bool>>,
    waiting: RefCell<Vec<Waker>>,
}

impl Group {
    fn settle(&self, stored: bool) {
        self.stored.set(Some(stored));
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Resolves when the batch was stored (`true`) or was not (`false`).
pub(super) struct Durable {
    group: Rc<Group>,
    slot: Option<usize>,
}

impl Future for Durable {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        if let Some(stored) = self.group.stored.get() {
            return Poll::Ready(stored);
        }
        let slot = {
            let mut waiting = self.group.waiting.borrow_mut();
            if let Some(waker) = self.slot.and_then(|slot| waiting.get_mut(slot)) {
                waker.clone_from(cx.waker());
                self.slot
            } else {
                waiting.push(cx.waker().clone());
                Some(waiting.len() - 1)
            }
        };
        self.slot = slot;
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::DateTime;
    use fleet::{
        Timestamp,
        certificate::Fingerprint,
        id::{OrderId, PumpId, ReportId},
        pump::{Session, SessionEnd, Takeover},
        text::Reason,
    };
    use proptest::prelude::*;
    use uuid::Uuid;
    use wire::topic::Channel;

    use super::*;

    fn now() -> Timestamp {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn pump(n: u128) -> PumpId {
        PumpId::from_uuid(Uuid::from_u128(n))
    }

    fn connected(n: u128, number: u64, takeover: Option<Takeover>) -> Inbound {
        Inbound::Connected {
            pump: pump(n),
            session: Session {
                number,
                peer: [10, 0, 0, 1].into(),
                since: now(),
                last_heard: now(),
            },
            certificate: Fingerprint::from_digest([7; 32]),
            takeover,
        }
    }

    fn ready(n: u128, session: u64, channel: Channel) -> Inbound {
        Inbound::Ready {
            pump: pump(n),
            session,
            channel,
        }
    }

    fn disconnected(n: u128, session: u64) -> Inbound {
        Inbound::Disconnected {
            pump: pump(n),
            session,
            end: SessionEnd::Lost,
            at: now(),
            last_heard: now(),
        }
    }

    fn delivered(n: u128, order: u128) -> Inbound {
        Inbound::OrderDelivered {
            pump: pump(n),
            order: OrderId::from_uuid(Uuid::from_u128(order)),
            at: now(),
        }
    }

    fn said(n: u128, session: u64) -> Inbound {
        Inbound::UnreadableReport {
            pump: pump(n),
            session,
            id: ReportId::from_uuid(Uuid::from_u128(session.into())),
            reason: Reason::new("not a report").unwrap(),
            received_at: now(),
        }
    }

    fn waiting(intake: &Intake) -> Vec<Inbound> {
        let queue = intake.queue.borrow();
        queue.iter().flat_map(|(items, _)| items.clone()).collect()
    }

    /// What the hand-over does when the record can not be written.
    fn fail_one(intake: &Intake) {
        let front = intake.queue.borrow_mut().pop_front();
        if let Some((items, group)) = front {
            group.settle(false);
            intake.retry(items);
        }
    }

    #[test]
    fn while_nothing_can_be_stored_memory_is_bounded_by_the_number_of_pumps() {
        const PUMPS: usize = 10;
        let intake = Intake::default();
        let mut session = 0;
        for _ in 0..1_000 {
            for n in (0..).take(PUMPS) {
                session += 1;
                intake.tell(connected(n, session, Some(Takeover::Reconnect)));
                for channel in [Channel::Order, Channel::Ack, Channel::Time] {
                    intake.tell(ready(n, session, channel));
                }
                intake.tell(disconnected(n, session));
            }
            fail_one(&intake);
            assert!(waiting(&intake).len() <= 2 * PUMPS, "a beginning and an end each");
        }
    }

    #[test]
    fn while_the_record_does_not_answer_memory_is_bounded_too() {
        let intake = Intake::default();
        for session in 0..100_000 {
            intake.tell(connected(1, session, None));
            intake.tell(ready(1, session, Channel::Order));
            intake.tell(disconnected(1, session));
        }
        assert!(waiting(&intake).len() <= BATCH_LIMIT + 2);
        assert!(intake.queue.borrow().len() <= 3);
    }

    #[test]
    fn what_is_overtaken_goes_and_what_matters_stays_in_its_order() {
        let check = |told: &[Inbound], left: &[Inbound]| {
            let intake = Intake::default();
            intake.retry(told.to_vec());
            assert_eq!(waiting(&intake), left);
        };
        let two_places = connected(1, 2, Some(Takeover::TwoPlaces));
        check(
            &[
                connected(1, 1, None),
                ready(1, 1, Channel::Order),
                disconnected(1, 1),
            ],
            &[connected(1, 1, None), disconnected(1, 1)],
        );
        check(
            &[
                disconnected(1, 1),
                connected(1, 2, None),
                ready(1, 2, Channel::Order),
                ready(1, 2, Channel::Ack),
                ready(1, 2, Channel::Order),
            ],
            &[
                connected(1, 2, None),
                ready(1, 2, Channel::Ack),
                ready(1, 2, Channel::Order),
            ],
        );
        // The alarm outlives the reconnect, once.
        check(
            &[
                two_places.clone(),
                two_places.clone(),
                disconnected(1, 2),
                connected(1, 3, None),
            ],
            &[two_places, connected(1, 3, None)],
        );
        check(
            &[delivered(1, 5), delivered(1, 6), delivered(1, 5)],
            &[delivered(1, 6), delivered(1, 5)],
        );
        check(
            &[connected(1, 1, None), connected(2, 2, None)],
            &[connected(1, 1, None), connected(2, 2, None)],
        );
    }

    #[test]
    fn who_waits_for_a_batch_of_which_nothing_is_left_is_told() {
        let intake = Intake::default();
        intake.tell(ready(1, 1, Channel::Order));
        let lost = intake.hold(ready(1, 1, Channel::Order));
        {
            let mut queue = intake.queue.borrow_mut();
            queue.push_back((vec![disconnected(1, 1)], Rc::new(Group::default())));
            thin(&mut queue);
        }
        assert_eq!(lost.group.stored.get(), Some(false));
    }

    proptest! {
        #[test]
        fn the_newest_state_of_each_pump_and_all_that_was_said_survive_any_failure(
            steps in proptest::collection::vec((0u128..3, 0u8..5), 1..200),
        ) {
            let intake = Intake::default();
            let (mut session, mut told) = (0, Vec::new());
            for (n, step) in steps {
                session += 1;
                let item = match step {
                    0 => connected(n, session, None),
                    1 => disconnected(n, session),
                    2 => said(n, session),
                    3 => ready(n, session, Channel::Order),
                    _ => {
                        // What was said in a batch that failed is the pump's to say again.
                        let front = intake.queue.borrow().front().map(|(items, _)| items.clone());
                        let lost: Vec<_> = front.into_iter().flatten().filter(Inbound::is_said_by_pump).collect();
                        told.retain(|item| !lost.contains(item));
                        fail_one(&intake);
                        continue;
                    }
                };
                told.push(item.clone());
                intake.tell(item);
            }
            let left = waiting(&intake);
            let about = |item: &Inbound| match item {
                Inbound::Connected { pump, .. } | Inbound::Disconnected { pump, .. } => Some(*pump),
                _ => None,
            };
            let last = |items: &[Inbound], pump| items.iter().rfind(|item| about(item) == Some(pump)).cloned();
            for pump in told.iter().filter_map(about).collect::<HashSet<_>>() {
                prop_assert_eq!(last(&left, pump), last(&told, pump));
            }
            let said = |items: &[Inbound]| items.iter().filter(|item| item.is_said_by_pump()).cloned().collect::<Vec<_>>();
            prop_assert_eq!(said(&left), said(&told));
        }
    }
}
