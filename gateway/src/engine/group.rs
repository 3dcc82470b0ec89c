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
                end,
                at,
                last_heard,
                ..
            } => {
                self.heard.insert(*pump, *last_heard);
                // The newer connection has spoken for the pump already.
                if *end != fleet::pump::SessionEnd::TakenOver {
                    self.presence.push(PresenceChange {
                        pump: *pump,
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

    /// The newest sample of each pump.
    pub(super) fn latest(&self) -> Vec<PumpState> {
        let mut latest: HashMap<PumpId, &PumpState> = HashMap::with_capacity(self.samples.len());
        for sample in &self.samples {
            latest.insert(sample.pump, sample);
        }
        latest.into_values().cloned().collect()
    }
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

    use super::*;

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
