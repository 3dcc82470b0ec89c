//! Group commit: everything that arrived while the last commit ran goes into the next one. There is no timer: a lone
//! message is committed at once, and under load the groups grow by themselves.
//!
//! A publisher is acknowledged when its group is durable, never before; what is never sent again is on the disk by then.
//! If the record can not be written at all, nothing is acknowledged and the pumps keep what they have.

use std::{
    collections::HashMap,
    sync::mpsc::{Receiver, TryRecvError},
};

use fleet::{
    event::EventKind,
    id::{PumpId, ReportId},
    text::Reason,
};
use store::{Db, Store, StoreError};
use wire::message::{Ack, Message as _, RefusedReport, V1};

use super::{
    apply::{apply_report, apply_signals},
    group::{Group, ReceivedReport},
    hours::Hours,
    outbox,
    rollout::report::Consequences,
    sessions::Sessions,
};
use crate::{
    app::App,
    command::pump,
    mqtt::{Batch, Down},
};

/// The most items in one transaction.
const LARGEST_GROUP: usize = 4_096;
/// The most reports that one acknowledgement names; the limit of the channel leaves room for more.
const MOST_IN_ACK: usize = 100;

/// Commits until the last sender is gone. Runs on a thread of its own.
pub fn run(app: &App, sessions: &Sessions, inbox: &Receiver<Batch>) {
    let mut hours = Hours::on(app.people.zone);
    while let Ok(first) = inbox.recv() {
        let batches = gather(first, inbox);
        for item in batches.iter().flat_map(|batch| &batch.items) {
            sessions.note(app, item);
        }
        let mut consequences = Consequences::default();
        match commit(&batches, |group| {
            consequences.add(write(&app.store, group, &hours)?);
            hours.add(&group.samples);
            Ok(())
        }) {
            Ok(committed) => {
                batches.into_iter().for_each(Batch::durable);
                committed.answer(app);
                follow(app, consequences);
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

/// Commits batches with `write`, whole if that goes, else piece by piece: what the database does not take must not hold up
/// what it does. Only when the database as a whole is out, nothing counts as stored.
fn commit(
    batches: &[Batch],
    mut write: impl FnMut(&Group) -> Result<(), StoreError>,
) -> Result<Committed, StoreError> {
    let mut committed = Committed::default();
    let items = batches.iter().flat_map(|batch| &batch.items);
    let group = Group::of(items.clone());
    match write(&group) {
        Ok(()) => committed.take(group),
        Err(error) if error.is_of_all() => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "a group did not go in whole; committing it piece by piece");
            for item in items {
                let piece = Group::of([item]);
                match write(&piece) {
                    Ok(()) => committed.take(piece),
                    Err(error) if error.is_of_all() => return Err(error),
                    Err(error) => {
                        drop_on_record(&piece, &error, &mut write)?;
                        committed.refuse(piece, &error);
                    }
                }
            }
        }
    }
    Ok(committed)
}

/// A report that is refused for good leaves an event. Where even that does not go in, it is not the report that is at
/// fault: then the pump has to keep it.
fn drop_on_record(
    piece: &Group,
    error: &StoreError,
    write: &mut impl FnMut(&Group) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if piece.reports.is_empty() {
        return Ok(());
    }
    let alarms = piece.reports.iter().map(|received| {
        let detail = format!("report {} was refused: {error}", received.report.id);
        (received.pump, EventKind::ReportGap, received.received_at, detail)
    });
    let notice = Group {
        alarms: alarms.collect(),
        ..Group::default()
    };
    match write(&notice) {
        Ok(()) => Ok(()),
        Err(error) if error.is_of_all() || matches!(error, StoreError::Unavailable { .. }) => Err(error),
        Err(error) => {
            tracing::error!(%error, "that a report was refused could not be put on record");
            Ok(())
        }
    }
}

/// What follows from a group, once it is durable: the gate knows of holds, orders go out, rollouts are looked at.
fn follow(app: &App, consequences: Consequences) {
    let Consequences { held, moved } = consequences;
    if !held.is_empty() {
        if let Err(error) = pump::enforce_on_record(app, &held) {
            tracing::error!(%error, "pumps that a rule holds could not be read; the gate learns of them at the next start");
        }
        outbox::deliver_waiting(app, &held);
    }
    if moved {
        app.bell.ring();
    }
}

/// Takes what came, at once.
#[cfg(test)]
pub(crate) fn take(app: &App, items: &[crate::mqtt::Inbound]) {
    let group = Group::of(items);
    let consequences = write(&app.store, &group, &Hours::on(app.people.zone)).unwrap();
    follow(app, consequences);
    outbox::deliver_waiting(app, &group.ready);
}

fn write(store: &Store, group: &Group, hours: &Hours) -> Result<Consequences, StoreError> {
    let over = hours.over(&group.samples);
    let work = |db: &mut Db<'_>| {
        let mut consequences = Consequences::default();
        apply_signals(db, group)?;
        db.free_hours_note(&over)?;
        for received in &group.reports {
            apply_report(db, received, &mut consequences)?;
        }
        Ok(consequences)
    };
    if group.must_be_on_disk() {
        store.write_durable(work)
    } else {
        store.write(work)
    }
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

    /// One piece that the database does not take must not hold up everybody else's: it alone is refused, for good.
    fn refuse(&mut self, piece: Group, error: &StoreError) {
        tracing::error!(%error, "something a pump sent can not be put on record and is dropped");
        for ReceivedReport { pump, report, .. } in piece.reports {
            self.refused.extend(
                Reason::new("can not be put on record")
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
    use chrono::DateTime;
    use fleet::{Timestamp, id::OrderId};
    use store::Outage;
    use uuid::Uuid;
    use wire::message::{OrderOutcome, OrderResult, Report, ReportBody};

    use super::*;
    use crate::mqtt::Inbound;

    fn report_of(number: u128) -> Inbound {
        let now: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Inbound::Report {
            pump: PumpId::from_uuid(Uuid::from_u128(number)),
            session: 1,
            message: Box::new(Report {
                v: V1,
                id: ReportId::from_uuid(Uuid::from_u128(100 + number)),
                seq: 1,
                at: now,
                body: ReportBody::OrderResult(OrderResult {
                    order: OrderId::from_uuid(Uuid::from_u128(200)),
                    outcome: OrderOutcome::Done,
                    reason: None,
                }),
            }),
            received_at: now,
        }
    }

    fn refusal(outage: Outage) -> StoreError {
        StoreError::Unavailable {
            attempted: "keep a report",
            outage,
            source: "said the database".into(),
        }
    }

    /// Commits the reports of pumps 1 to 3, of which the database does not take the second; `notice` is what becomes of
    /// the event. Says what was stored and refused.
    fn one_is_not_taken(
        error: impl Fn() -> StoreError,
        notice: impl Fn() -> Result<(), StoreError>,
    ) -> Result<(Vec<PumpId>, Vec<PumpId>), StoreError> {
        let (batch, _settled) = Batch::new((1..=3).map(report_of).collect());
        let second = PumpId::from_uuid(Uuid::from_u128(2));
        let mut notices = 0;
        let committed = commit(&[batch], |group| {
            if !group.alarms.is_empty() {
                notices += 1;
                notice()
            } else if group.reports.iter().any(|received| received.pump == second) {
                Err(error())
            } else {
                Ok(())
            }
        })?;
        assert_eq!(notices, 1);
        Ok((
            committed.stored.into_iter().map(|(pump, _)| pump).collect(),
            committed.refused.into_iter().map(|(pump, ..)| pump).collect(),
        ))
    }

    #[test]
    fn what_the_database_does_not_take_is_refused_alone_and_an_outage_refuses_nobody() {
        let [first, second, third] = [1, 2, 3].map(|n| PumpId::from_uuid(Uuid::from_u128(n)));
        let alone = |error: &dyn Fn() -> StoreError| {
            let committed = one_is_not_taken(error, || Ok(())).unwrap();
            assert_eq!(committed, (vec![first, third], vec![second]), "{:?}", error());
        };
        alone(&|| refusal(Outage::Refused));
        alone(&|| StoreError::Corrupt {
            attempted: "keep a report",
            detail: "no".to_owned(),
        });
        for outage in [
            Outage::Down,
            Outage::DiskFull,
            Outage::Locked,
            Outage::ReadOnly,
            Outage::Failing,
        ] {
            assert!(
                one_is_not_taken(|| refusal(outage), || Ok(())).is_err(),
                "{outage:?}"
            );
        }
        let claimed = || StoreError::Claimed {
            database: "postgres://db/g".to_owned(),
        };
        assert!(one_is_not_taken(claimed, || Ok(())).is_err());
        // A database that refuses everything is not the report's fault.
        let everything = || Err(refusal(Outage::Refused));
        assert!(one_is_not_taken(|| refusal(Outage::Refused), everything).is_err());
    }

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
