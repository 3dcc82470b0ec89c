//! Which connection of a pump is the newest, and on which worker it lives.
//!
//! Every end of a connection is decided here, by one atomic step on the pump's entry: whoever takes the entry out, or
//! replaces it, is the one who reports the end. So an end is reported once, and never after the next beginning.

use std::{
    net::IpAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use chrono::DateTime;
use dashmap::DashMap;
use fleet::{
    Timestamp,
    id::PumpId,
    pump::{Session, SessionEnd},
};
use tokio::sync::mpsc;

use super::{Down, PumpLink, allowance::Allowance};

/// One connection, as all workers may see it.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) pump: PumpId,
    pub(super) number: u64,
    pub(super) worker: usize,
    /// Shared by all connections of the pump.
    pub(super) allowance: Arc<Allowance>,
    peer: IpAddr,
    since: Timestamp,
    /// Milliseconds since 1970.
    last_heard: AtomicI64,
}

impl Card {
    fn new(
        pump: PumpId,
        number: u64,
        worker: usize,
        allowance: Arc<Allowance>,
        peer: IpAddr,
        now: Timestamp,
    ) -> Self {
        Self {
            pump,
            number,
            worker,
            allowance,
            peer,
            since: now,
            last_heard: AtomicI64::new(now.timestamp_millis()),
        }
    }

    pub(super) const fn peer(&self) -> IpAddr {
        self.peer
    }

    /// The pump said something.
    pub(super) fn heard(&self, now: Timestamp) {
        self.last_heard.store(now.timestamp_millis(), Ordering::Relaxed);
    }

    /// When the pump last said something.
    pub(super) fn last_heard(&self) -> Timestamp {
        let millis = self.last_heard.load(Ordering::Relaxed);
        DateTime::from_timestamp_millis(millis).unwrap_or(self.since)
    }

    pub(super) fn session(&self) -> Session {
        Session {
            number: self.number,
            peer: self.peer,
            since: self.since,
            last_heard: self.last_heard(),
        }
    }
}

/// What a worker is asked to do. A connection that is gone by then is simply not found.
#[derive(Debug)]
pub(super) enum Command {
    /// Send something to the pump.
    Deliver { session: u64, down: Down },
    /// Close the connection.
    Close { session: u64, why: SessionEnd },
    /// Close everything, hand over what is left, then drop the sender.
    Stop { stopped: mpsc::UnboundedSender<()> },
}

/// All live connections.
#[derive(Debug, Default)]
pub(super) struct Directory {
    live: DashMap<PumpId, Arc<Card>>,
    /// Of every pump that was ever admitted, connected or not: as many as there are pumps on record.
    allowances: DashMap<PumpId, Arc<Allowance>>,
    workers: RwLock<Vec<mpsc::UnboundedSender<Command>>>,
    numbers: AtomicU64,
}

impl Directory {
    /// A new worker's number, and where its commands arrive.
    pub(super) fn enlist(&self) -> (usize, mpsc::UnboundedReceiver<Command>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut workers = self.workers.write().unwrap_or_else(PoisonError::into_inner);
        workers.push(sender);
        (workers.len() - 1, receiver)
    }

    /// A card for a new connection of a pump that was admitted. Its number is larger than that of any before.
    pub(super) fn card(&self, pump: PumpId, worker: usize, peer: IpAddr, now: Timestamp) -> Arc<Card> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let allowance = self.allowances.entry(pump).or_default().clone();
        Arc::new(Card::new(pump, number, worker, allowance, peer, now))
    }

    /// Makes this the pump's connection. The one it replaces is returned, and is now the caller's to report.
    pub(super) fn enter(&self, card: &Arc<Card>) -> Option<Arc<Card>> {
        self.live.insert(card.pump, card.clone())
    }

    /// Takes the connection out. `false` if it was replaced or taken out before: then its end was reported already.
    pub(super) fn leave(&self, card: &Card) -> bool {
        self.live
            .remove_if(&card.pump, |_, newest| newest.number == card.number)
            .is_some()
    }

    /// Gives a command to a worker.
    pub(super) fn tell(&self, worker: usize, command: Command) {
        let workers = self.workers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = workers.get(worker) {
            // A worker that has stopped has no connections left to do anything with.
            let _ = sender.send(command);
        }
    }

    /// Tells every worker to stop. The receiver ends when all have.
    pub(super) fn stop_workers(&self) -> mpsc::UnboundedReceiver<()> {
        let (stopped, all_stopped) = mpsc::unbounded_channel();
        let workers = self.workers.read().unwrap_or_else(PoisonError::into_inner);
        for sender in workers.iter() {
            let _ = sender.send(Command::Stop {
                stopped: stopped.clone(),
            });
        }
        all_stopped
    }

    fn find(&self, pump: PumpId) -> Option<Arc<Card>> {
        self.live.get(&pump).map(|card| card.clone())
    }
}

impl PumpLink for Directory {
    fn deliver(&self, pump: PumpId, down: Down) {
        if let Some(card) = self.find(pump) {
            self.tell(
                card.worker,
                Command::Deliver {
                    session: card.number,
                    down,
                },
            );
        }
    }

    fn close(&self, pump: PumpId, why: SessionEnd) {
        if let Some(card) = self.find(pump) {
            self.tell(
                card.worker,
                Command::Close {
                    session: card.number,
                    why,
                },
            );
        }
    }

    fn connected(&self) -> usize {
        self.live.len()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_end_is_reported_by_one_and_only_one() {
        let directory = Directory::default();
        let pump = PumpId::from_uuid(Uuid::from_u128(1));
        let now: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let card = || directory.card(pump, 0, [10, 0, 0, 1].into(), now);
        let (old, new) = (card(), card());
        assert!(old.number < new.number);
        assert!(directory.enter(&old).is_none());
        assert_eq!(directory.enter(&new).map(|card| card.number), Some(old.number));
        assert!(!directory.leave(&old), "the newcomer reports it");
        assert_eq!(directory.connected(), 1);
        assert!(directory.leave(&new));
        assert!(!directory.leave(&new), "twice is once too often");
        assert_eq!(directory.connected(), 0);
    }
}
