//! Group commit: everything that arrived while the last commit ran goes into the next one. There is no timer: a lone
//! message is committed at once, and under load the groups grow by themselves.
//!
//! A publisher is acknowledged when its group is durable, never before. If the record can not be written at all,
//! nothing is acknowledged and the pumps keep what they have.

use std::{
    collections::HashMap,
    sync::mpsc::{Receiver, TryRecvError},
};

use fleet::{
    id::{PumpId, ReportId},
    text::Reason,
};
use store::StoreError;
use wire::message::{Ack, Message as _, RefusedReport, V1};

use super::{
    apply::{apply_report, apply_signals},
    group::{Group, ReceivedReport},
    outbox,
    sessions::Sessions,
};
use crate::{
    app::App,
    mqtt::{Batch, Down},
};

/// The most items in one transaction.
const LARGEST_GROUP: usize = 4_096;
/// The most reports that one acknowledgement names; the limit of the channel leaves room for more.
const MOST_IN_ACK: usize = 100;

/// Commits until the last sender is gone. Runs on a thread of its own.
pub fn run(app: &App, sessions: &Sessions, inbox: &Receiver<Batch>) {
    while let Ok(first) = inbox.recv() {
        let batches = gather(first, inbox);
        for item in batches.iter().flat_map(|batch| &batch.items) {
            sessions.note(app, item);
        }
        match commit(app, &batches) {
            Ok(committed) => {
                batches.into_iter().for_each(Batch::durable);
                committed.answer(app);
            }
            Err(error) => {
                tracing::error!(%error, "what pumps sent could not be recorded; nothing of it is acknowledged");
                batches.into_iter().for_each(Batch::failed);
            }
        }
    }
}

fn gather(first: Batch, inbox: &Receiver<Batch>) -> Vec<Batch> {
    let mut size = first.items.len();
    let mut batches = vec![first];
    while size < LARGEST_GROUP {
        match inbox.try_recv() {
            Ok(batch) => {
                size += batch.items.len();
                batches.push(batch);
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
    batches
}

/// What has to be said once the group is durable.
#[derive(Default)]
struct Committed {
    stored: Vec<(PumpId, ReportId)>,
    refused: Vec<(PumpId, ReportId, Reason)>,
    ready: Vec<PumpId>,
}

fn commit(app: &App, batches: &[Batch]) -> Result<Committed, StoreError> {
    let mut committed = Committed::default();
    let group = Group::of(batches.iter().flat_map(|batch| &batch.items));
    match write(app, &group) {
        Ok(()) => committed.take(group),
        Err(error @ StoreError::Unavailable { .. }) => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "a group did not go in whole; committing it piece by piece");
            for item in batches.iter().flat_map(|batch| &batch.items) {
                let piece = Group::of([item]);
                match write(app, &piece) {
                    Ok(()) => committed.take(piece),
                    Err(error @ StoreError::Unavailable { .. }) => return Err(error),
                    Err(error) => committed.refuse(piece, &error),
                }
            }
        }
    }
    Ok(committed)
}

fn write(app: &App, group: &Group) -> Result<(), StoreError> {
    app.store.write(|db| {
        apply_signals(db, group)?;
        group
            .reports
            .iter()
            .try_for_each(|received| apply_report(db, received))
    })
}

impl Committed {
    fn take(&mut self, group: Group) {
        self.stored.extend(
            group
                .reports
                .into_iter()
                .map(|received| (received.pump, received.report.id)),
        );
        self.refused.extend(group.refused);
        self.ready.extend(group.ready);
    }

    /// One piece that contradicts the record must not hold up everybody else's: it alone is refused, for good.
    fn refuse(&mut self, piece: Group, error: &StoreError) {
        tracing::error!(%error, "something a pump sent contradicts the record and is dropped");
        for ReceivedReport { pump, report, .. } in piece.reports {
            self.refused.extend(
                Reason::new("contradicts the record")
                    .ok()
                    .map(|reason| (pump, report.id, reason)),
            );
        }
    }

    fn answer(self, app: &App) {
        let mut acks: HashMap<PumpId, Ack> = HashMap::new();
        let blank = || Ack {
            v: V1,
            stored: Vec::new(),
            refused: Vec::new(),
        };
        for (pump, id) in self.stored {
            acks.entry(pump).or_insert_with(blank).stored.push(id);
        }
        for (pump, id, reason) in self.refused {
            acks.entry(pump)
                .or_insert_with(blank)
                .refused
                .push(RefusedReport { id, reason });
        }
        for (pump, ack) in acks {
            for part in parts(ack) {
                app.link.deliver(pump, Down::Ack(part));
            }
        }
        outbox::deliver_waiting(app, &self.ready);
    }
}

/// Cuts an acknowledgement so that each part fits its channel.
fn parts(ack: Ack) -> Vec<Ack> {
    if ack.write().len() <= Ack::CHANNEL.max_payload() {
        return vec![ack];
    }
    let stored = ack.stored.chunks(MOST_IN_ACK).map(|ids| Ack {
        v: V1,
        stored: ids.to_vec(),
        refused: Vec::new(),
    });
    // A refusal carries a reason of up to 500 characters of up to four bytes.
    let refused = ack.refused.chunks(3).map(|some| Ack {
        v: V1,
        stored: Vec::new(),
        refused: some.to_vec(),
    });
    stored.chain(refused).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_large_acknowledgement_is_cut_and_nothing_is_left_out() {
        let id = |n| ReportId::from_uuid(Uuid::from_u128(n));
        let reason = Reason::new(&"💉".repeat(500)).unwrap();
        let ack = Ack {
            v: V1,
            stored: (0..1_000).map(id).collect(),
            refused: (0..40)
                .map(|n| RefusedReport {
                    id: id(5_000 + n),
                    reason: reason.clone(),
                })
                .collect(),
        };
        let parts = parts(ack.clone());
        assert!(
            parts
                .iter()
                .all(|part| part.write().len() <= Ack::CHANNEL.max_payload())
        );
        assert_eq!(
            parts
                .iter()
                .flat_map(|part| part.stored.clone())
                .collect::<Vec<_>>(),
            ack.stored
        );
        assert_eq!(
            parts
                .iter()
                .flat_map(|part| part.refused.clone())
                .collect::<Vec<_>>(),
            ack.refused
        );
    }
}
