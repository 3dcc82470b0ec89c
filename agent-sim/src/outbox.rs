//! What must not be lost: reports until they are acknowledged, which orders were carried out, and the hold.
//!
//! Kept as a journal of JSON lines that is only ever appended to, and written anew when most of it is history. A line that a
//! crash cut short is dropped when the journal is opened: what it said was never sent.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wire::{
    OrderId, ReportId, Timestamp,
    message::{Report, ReportBody, V1},
};

use crate::life::Held;

/// The most reports that are on their way at once.
pub const WINDOW: usize = 16;
/// How many orders are remembered, to carry none out twice.
pub const ORDERS_REMEMBERED: usize = 64;
/// The journal is written anew when it has this many lines more than it needs.
const SLACK: usize = 256;

/// A journal that can not be used.
#[derive(Debug, Error)]
#[error("could not {doing} the journal {}: {source}", .path.display())]
pub struct OutboxError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// The last sequence number that was given out before this journal begins.
    Seq(u64),
    Report(Box<Report>),
    Settled(ReportId),
    Order(OrderId),
    Hold(Option<Held>),
}

/// One pump's journal.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    lines: usize,
    last_seq: u64,
    /// In the order of their sequence numbers.
    pending: VecDeque<Report>,
    /// Sequence numbers that were sent on this connection.
    on_their_way: BTreeSet<u64>,
    orders: VecDeque<OrderId>,
    hold: Option<Held>,
}

impl Outbox {
    /// Opens the journal, or begins one.
    ///
    /// # Errors
    /// [`OutboxError`] when the file can not be read or written.
    pub fn open(path: PathBuf) -> Result<Self, OutboxError> {
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(failed("read", &path, source)),
        };
        let mut outbox = Self {
            path,
            lines: 0,
            last_seq: 0,
            pending: VecDeque::new(),
            on_their_way: BTreeSet::new(),
            orders: VecDeque::new(),
            hold: None,
        };
        for entry in text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
        {
            outbox.apply(entry);
        }
        if !text.is_empty() {
            // Also takes a cut line out of the way of the next one.
            outbox.rewrite()?;
        }
        Ok(outbox)
    }

    /// Keeps a report and gives it its number.
    ///
    /// # Errors
    /// [`OutboxError`]; the report is then not kept.
    pub fn push(&mut self, at: Timestamp, body: ReportBody) -> Result<(), OutboxError> {
        let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
        let report = Report {
            v: V1,
            id: ReportId::from_uuid(id),
            seq: self.last_seq + 1,
            at,
            body,
        };
        self.record(Entry::Report(Box::new(report)))
    }

    /// The next report to send, in the order of their numbers, at most [`WINDOW`] ahead of the acknowledgements.
    pub fn next_to_send(&mut self) -> Option<&Report> {
        if self.on_their_way.len() >= WINDOW {
            return None;
        }
        let report = self
            .pending
            .iter()
            .find(|report| !self.on_their_way.contains(&report.seq))?;
        self.on_their_way.insert(report.seq);
        Some(report)
    }

    /// The one that was handed out last did not fit into the line; it will be handed out again.
    pub fn take_back(&mut self, seq: u64) {
        self.on_their_way.remove(&seq);
    }

    /// Forgets a report that the gateway has stored, or refused for good. True if it was pending.
    ///
    /// # Errors
    /// [`OutboxError`]; the report then stays and is sent once more, which does no harm.
    pub fn settle(&mut self, id: ReportId) -> Result<bool, OutboxError> {
        let known = self.pending.iter().any(|report| report.id == id);
        if known {
            self.record(Entry::Settled(id))?;
        }
        Ok(known)
    }

    /// The connection is gone: everything pending is to be sent again.
    pub fn connection_lost(&mut self) {
        self.on_their_way.clear();
    }

    /// How many reports wait for an acknowledgement.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether the order was carried out already.
    #[must_use]
    pub fn knows_order(&self, order: OrderId) -> bool {
        self.orders.contains(&order)
    }

    /// Notes that an order was carried out.
    ///
    /// # Errors
    /// [`OutboxError`]; if the order comes again, it is then carried out again.
    pub fn note_order(&mut self, order: OrderId) -> Result<(), OutboxError> {
        if self.knows_order(order) {
            return Ok(());
        }
        self.record(Entry::Order(order))
    }

    /// The hold as it was last kept.
    #[must_use]
    pub const fn hold(&self) -> Option<&Held> {
        self.hold.as_ref()
    }

    /// Keeps the hold, or that there is none.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn keep_hold(&mut self, hold: Option<&Held>) -> Result<(), OutboxError> {
        if self.hold.as_ref() == hold {
            return Ok(());
        }
        self.record(Entry::Hold(hold.cloned()))
    }

    /// On disk first, then in memory.
    fn record(&mut self, entry: Entry) -> Result<(), OutboxError> {
        // A few hundred bytes into the page cache: shorter than handing it to another thread.
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.path)
            .and_then(|mut file| file.write_all(&line(&entry)))
            .map_err(|source| failed("append to", &self.path, source))?;
        self.apply(entry);
        if self.lines > self.pending.len() + self.orders.len() + SLACK {
            self.rewrite()?;
        }
        Ok(())
    }

    fn apply(&mut self, entry: Entry) {
        self.lines += 1;
        match entry {
            Entry::Seq(seq) => self.last_seq = self.last_seq.max(seq),
            Entry::Report(report) => {
                self.last_seq = self.last_seq.max(report.seq);
                self.pending.push_back(*report);
            }
            Entry::Settled(id) => {
                if let Some(place) = self.pending.iter().position(|report| report.id == id)
                    && let Some(report) = self.pending.remove(place)
                {
                    self.on_their_way.remove(&report.seq);
                }
            }
            Entry::Order(order) => {
                self.orders.push_back(order);
                if self.orders.len() > ORDERS_REMEMBERED {
                    self.orders.pop_front();
                }
            }
            Entry::Hold(hold) => self.hold = hold,
        }
    }

    fn rewrite(&mut self) -> Result<(), OutboxError> {
        let entries = std::iter::once(Entry::Seq(self.last_seq))
            .chain(
                self.pending
                    .iter()
                    .cloned()
                    .map(|report| Entry::Report(Box::new(report))),
            )
            .chain(self.orders.iter().copied().map(Entry::Order))
            .chain(self.hold.clone().map(|hold| Entry::Hold(Some(hold))));
        let mut text = Vec::new();
        self.lines = 0;
        for entry in entries {
            text.extend(line(&entry));
            self.lines += 1;
        }
        let partial = self.path.with_extension("partial");
        fs::write(&partial, text)
            .and_then(|()| fs::rename(&partial, &self.path))
            .map_err(|source| failed("rewrite", &self.path, source))
    }
}

fn line(entry: &Entry) -> Vec<u8> {
    // These types have no keys or numbers that JSON could not hold.
    let mut line = serde_json::to_vec(entry).unwrap_or_default();
    line.push(b'\n');
    line
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> OutboxError {
    OutboxError {
        doing,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;
    use wire::message::{OrderOutcome, OrderResult};
    use wire::types::{HoldKind, Reason};

    use super::*;

    fn body(order: u128) -> ReportBody {
        ReportBody::OrderResult(OrderResult {
            order: OrderId::from_uuid(Uuid::from_u128(order)),
            outcome: OrderOutcome::Done,
            reason: None,
        })
    }

    fn journal() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        (dir, path)
    }

    #[test]
    fn a_cut_line_costs_nothing_else() {
        let (_dir, path) = journal();
        let mut outbox = Outbox::open(path.clone()).unwrap();
        for order in 0..3 {
            outbox.push(Timestamp::UNIX_EPOCH, body(order)).unwrap();
        }
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 20]).unwrap();
        let mut outbox = Outbox::open(path.clone()).unwrap();
        assert_eq!((outbox.pending(), outbox.last_seq), (2, 2));
        outbox.push(Timestamp::UNIX_EPOCH, body(9)).unwrap();
        assert_eq!(Outbox::open(path).unwrap().pending(), 3);
    }

    #[test]
    fn orders_and_the_hold_survive_and_old_orders_are_forgotten() {
        let (_dir, path) = journal();
        let order = |n| OrderId::from_uuid(Uuid::from_u128(n));
        let mut outbox = Outbox::open(path.clone()).unwrap();
        for n in 0..70 {
            outbox.note_order(order(n)).unwrap();
            outbox.note_order(order(n)).unwrap();
        }
        let hold = Held {
            kind: HoldKind::Clinical,
            reason: Reason::new("failed a check").unwrap(),
            in_force: false,
            waiting: vec![order(69)],
        };
        outbox.keep_hold(Some(&hold)).unwrap();
        let mut outbox = Outbox::open(path.clone()).unwrap();
        assert_eq!(outbox.hold(), Some(&hold));
        assert!(outbox.knows_order(order(69)) && outbox.knows_order(order(6)));
        assert!(!outbox.knows_order(order(5)), "65 orders ago");
        outbox.keep_hold(None).unwrap();
        assert_eq!(Outbox::open(path).unwrap().hold(), None);
    }

    #[derive(Debug, Clone)]
    enum Happening {
        Push,
        Send,
        /// Of those on their way, this one.
        Acknowledge(usize),
        Reconnect,
        Restart,
    }

    fn happening() -> impl Strategy<Value = Happening> {
        prop_oneof![
            4 => Just(Happening::Push),
            6 => Just(Happening::Send),
            4 => any::<usize>().prop_map(Happening::Acknowledge),
            1 => Just(Happening::Reconnect),
            1 => Just(Happening::Restart),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Whatever happens, a report is either acknowledged or still there, and they go out in order.
        #[test]
        fn nothing_is_lost(happenings in proptest::collection::vec(happening(), 0..300)) {
            let (_dir, path) = journal();
            let mut outbox = Outbox::open(path.clone()).unwrap();
            let mut pushed: u64 = 0;
            let mut sent: Vec<(u64, ReportId)> = Vec::new();
            let mut acknowledged = BTreeSet::new();
            for happening in happenings {
                match happening {
                    Happening::Push => {
                        pushed += 1;
                        outbox.push(Timestamp::UNIX_EPOCH, body(u128::from(pushed))).unwrap();
                    }
                    Happening::Send => {
                        if let Some(report) = outbox.next_to_send() {
                            prop_assert!(sent.last().is_none_or(|(seq, _)| *seq < report.seq));
                            sent.push((report.seq, report.id));
                        }
                        prop_assert!(sent.len() <= WINDOW);
                    }
                    Happening::Acknowledge(which) if !sent.is_empty() => {
                        let (seq, id) = sent.remove(which % sent.len());
                        prop_assert!(outbox.settle(id).unwrap());
                        prop_assert!(!outbox.settle(id).unwrap());
                        acknowledged.insert(seq);
                    }
                    Happening::Acknowledge(_) => {}
                    Happening::Reconnect => {
                        outbox.connection_lost();
                        sent.clear();
                    }
                    Happening::Restart => {
                        outbox = Outbox::open(path.clone()).unwrap();
                        sent.clear();
                    }
                }
                let there: BTreeSet<u64> = outbox.pending.iter().map(|report| report.seq).collect();
                prop_assert!(there.is_disjoint(&acknowledged));
                prop_assert_eq!(there.len() + acknowledged.len(), usize::try_from(pushed).unwrap());
            }
            prop_assert!(outbox.lines <= outbox.pending.len() + ORDERS_REMEMBERED + SLACK + 2);
        }
    }
}
