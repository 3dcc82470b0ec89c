//! Group hand-over on one worker: at most one batch is being stored, and everything that arrives meanwhile goes into
//! the next one. There is no timer: an idle store gets a batch of one at once, a busy one gets large batches.
//!
//! One message and one wake-up cross the threads per batch, not per message; handlers wait for their batch on the
//! worker, where nothing is locked.

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

use super::{Batch, Counters, Inbound};

/// Items in one batch: a store that was stalled must not get one transaction of everything.
const BATCH_LIMIT: usize = 4096;
/// The pause after a batch that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(250);

/// What waits to be handed over.
#[derive(Default)]
pub(super) struct Intake {
    queue: RefCell<VecDeque<(Vec<Inbound>, Rc<Group>)>>,
    /// Where the hand-over waits for the first item.
    idle: Cell<Option<Waker>>,
    in_flight: Cell<bool>,
}

impl Intake {
    /// Adds a fact to the batch that goes next.
    pub(super) fn tell(&self, fact: Inbound) {
        self.push(fact);
    }

    /// Adds what a pump said to the batch that goes next; the answer comes with the batch.
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

    /// Facts about connections that were not stored go to the front of the line, in their order.
    fn retry(&self, items: Vec<Inbound>) {
        let mut facts: Vec<_> = items.into_iter().filter(|item| !item.is_said_by_pump()).collect();
        if facts.is_empty() {
            return;
        }
        let mut queue = self.queue.borrow_mut();
        if let Some((waiting, _)) = queue.front_mut() {
            facts.append(waiting);
            *waiting = facts;
        } else {
            queue.push_back((facts, Rc::new(Group::default())));
        }
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
