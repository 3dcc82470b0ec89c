//! A group: everything that arrived while the last commit ran, sorted by what the record does with it.

use std::collections::HashMap;

use chrono::Datelike as _;
use fleet::{
    Timestamp,
    certificate::Fingerprint,
    event::EventKind,
    id::{OrderId, PumpId, ReportId},
    pump::{PumpState, Takeover},
    text::Reason,
};
use store::PresenceChange;
use wire::{
    message::{Report, Telemetry},
    topic::Channel,
};

use crate::mqtt::Inbound;

/// A report and when it came.
pub(super) struct ReceivedReport {
    pub(super) pump: PumpId,
    pub(super) report: Report,
    pub(super) received_at: Timestamp,
}

/// What several batches say, ready for one transaction.
#[derive(Default)]
pub(super) struct Group {
    /// Connections that came and went, in order.
    pub(super) presence: Vec<PresenceChange>,
    /// Certificates that opened a connection.
    pub(super) used: Vec<(Fingerprint, Timestamp)>,
    /// Every sample.
    pub(super) samples: Vec<PumpState>,
    /// When a pump without a sample was last heard.
    pub(super) heard: HashMap<PumpId, Timestamp>,
    pub(super) reports: Vec<ReceivedReport>,
    /// Reports that will never be taken.
    pub(super) refused: Vec<(PumpId, ReportId, Reason)>,
    pub(super) delivered: Vec<(OrderId, Timestamp)>,
    /// Pumps that listen for orders since now.
    pub(super) ready: Vec<PumpId>,
    /// Contradictions that the connection itself shows.
    pub(super) alarms: Vec<(PumpId, EventKind, Timestamp, String)>,
}

impl Group {
    /// Sorts what came.
    pub(super) fn of<'a>(items: impl IntoIterator<Item = &'a Inbound>) -> Self {
        let mut group = Self::default();
        for item in items {
            group.add(item);
        }
        group
    }

    fn add(&mut self, item: &Inbound) {
        match item {
            Inbound::Connected {
                pump,
                session,
                certificate,
                takeover,
            } => {
                self.presence.push(PresenceChange {
                    pump: *pump,
                    session: numbered(session.number),
                    connected: true,
                    at: session.since,
                    peer: Some(session.peer),
                    certificate: Some(*certificate),
                    end: None,
                });
                self.used.push((*certificate, session.since));
                if *takeover == Some(Takeover::TwoPlaces) {
                    let detail = format!("a second connection came from {}", session.peer);
                    self.alarms
                        .push((*pump, EventKind::TwoPlaces, session.since, detail));
                }
            }
            Inbound::Disconnected {
                pump,
                session,
                end,
                at,
                last_heard,
            } => {
                self.heard.insert(*pump, *last_heard);
                // The newer connection has spoken for the pump already.
                if *end != fleet::pump::SessionEnd::TakenOver {
                    self.presence.push(PresenceChange {
                        pump: *pump,
                        session: numbered(*session),
                        connected: false,
                        at: *at,
                        peer: None,
                        certificate: None,
                        end: Some(*end),
                    });
                }
            }
            Inbound::Ready {
                pump,
                channel: Channel::Order,
                ..
            } => self.ready.push(*pump),
            Inbound::Ready { .. } => {}
            // The connection itself is the truth here; the message only proves life.
            Inbound::Presence {
                pump, received_at, ..
            } => {
                self.heard.insert(*pump, *received_at);
            }
            Inbound::Telemetry {
                pump,
                message,
                received_at,
                ..
            } => {
                self.samples.push(state(*pump, message, *received_at));
            }
            Inbound::Report {
                pump,
                message,
                received_at,
                ..
            } => {
                let report = Report {
                    at: plausible(message.at, *received_at),
                    ..Report::clone(message)
                };
                self.reports.push(ReceivedReport {
                    pump: *pump,
                    report,
                    received_at: *received_at,
                });
            }
            Inbound::UnreadableReport { pump, id, reason, .. } => {
                self.refused.push((*pump, *id, reason.clone()));
            }
            Inbound::OrderDelivered { order, at, .. } => self.delivered.push((*order, *at)),
        }
    }

    /// Whether something in it must outlive a loss of power: what a pump is told is safe it never sends again, and an
    /// alarm comes once. Telemetry need not: another sample comes soon.
    pub(super) fn must_be_on_disk(&self) -> bool {
        !self.reports.is_empty() || !self.delivered.is_empty() || !self.alarms.is_empty()
    }

    /// The newest sample of each pump.
    pub(super) fn latest(&self) -> Vec<PumpState> {
        let mut latest: HashMap<PumpId, &PumpState> = HashMap::with_capacity(self.samples.len());
        for sample in &self.samples {
            latest.insert(sample.pump, sample);
        }
        latest.into_values().cloned().collect()
    }
}

/// The number of a connection as the record keeps it.
fn numbered(session: u64) -> i64 {
    i64::try_from(session).unwrap_or(i64::MAX)
}

/// A sample as the record keeps it.
fn state(pump: PumpId, message: &Telemetry, received_at: Timestamp) -> PumpState {
    PumpState {
        pump,
        reported_at: plausible(message.at, received_at),
        received_at,
        activity: message.activity,
        patient_attached: message.patient_attached,
        rate: message.rate_ml_h,
        infused: message.infused_ml,
        battery: message.battery_percent,
        on_mains: message.on_mains,
        signal: message.signal_dbm,
        place: message.place.clone(),
        alarm: message.alarm.clone(),
    }
}

/// A pump's clock may drift, and after an empty battery it may be years off; that is worth seeing. A time that no
/// clock shows is none, and a database need not be able to hold it.
fn plausible(reported: Timestamp, received_at: Timestamp) -> Timestamp {
    if (1970..=2200).contains(&reported.year()) {
        reported
    } else {
        received_at
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use fleet::pump::{Activity, SessionEnd};
    use uuid::Uuid;
    use wire::message::{OrderOutcome, OrderResult, ReportBody, V1};

    use super::*;

    #[test]
    fn only_what_is_never_sent_again_waits_for_the_disk() {
        let now: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let pump = PumpId::from_uuid(Uuid::from_u128(1));
        let check = |item: Inbound, on_disk: bool| {
            assert_eq!(Group::of([&item]).must_be_on_disk(), on_disk, "{item:?}");
        };
        check(
            Inbound::Telemetry {
                pump,
                session: 1,
                message: Box::new(Telemetry {
                    v: V1,
                    at: now,
                    activity: Activity::Ready,
                    patient_attached: false,
                    rate_ml_h: None,
                    infused_ml: None,
                    battery_percent: None,
                    on_mains: true,
                    signal_dbm: None,
                    place: None,
                    alarm: None,
                }),
                received_at: now,
            },
            false,
        );
        check(
            Inbound::Disconnected {
                pump,
                session: 1,
                end: SessionEnd::Lost,
                at: now,
                last_heard: now,
            },
            false,
        );
        check(
            Inbound::OrderDelivered {
                pump,
                order: OrderId::from_uuid(Uuid::from_u128(2)),
                at: now,
            },
            true,
        );
        check(
            Inbound::Report {
                pump,
                session: 1,
                message: Box::new(Report {
                    v: V1,
                    id: ReportId::from_uuid(Uuid::from_u128(3)),
                    seq: 1,
                    at: now,
                    body: ReportBody::OrderResult(OrderResult {
                        order: OrderId::from_uuid(Uuid::from_u128(2)),
                        outcome: OrderOutcome::Done,
                        reason: None,
                    }),
                }),
                received_at: now,
            },
            true,
        );
    }

    #[test]
    fn a_time_that_no_clock_shows_is_replaced_and_a_wrong_clock_is_kept() {
        let received: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let check = |seconds: i64, kept: bool| {
            let reported = DateTime::from_timestamp(seconds, 0).unwrap();
            assert_eq!(
                plausible(reported, received),
                if kept { reported } else { received },
                "{reported}"
            );
        };
        check(0, true);
        check(-1, false);
        check(1_800_000_000 + 86_400 * 365, true);
        check(8_000_000_000_000, false);
        check(-8_000_000_000_000, false);
    }
}
