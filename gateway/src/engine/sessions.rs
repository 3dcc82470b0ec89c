//! Who is connected, with which certificate, and who must not be any more.
//!
//! Revoking closes the live session at once. This is the second line: a connection that slipped in beside a
//! revocation, or whose certificate ran out while it was open, is found here and closed.

use dashmap::DashMap;
use fleet::{certificate::Fingerprint, id::PumpId, pump::SessionEnd};

use crate::{app::App, mqtt::Inbound};

/// Live connections by pump.
#[derive(Debug, Default)]
pub struct Sessions {
    live: DashMap<PumpId, (u64, Fingerprint)>,
}

impl Sessions {
    /// Takes note of connections that come and go.
    pub fn note(&self, app: &App, item: &Inbound) {
        match item {
            Inbound::Connected {
                pump,
                session,
                certificate,
                ..
            } => {
                let newest = self.enter(*pump, session.number, *certificate);
                if newest && !app.gate.still_admits(certificate, app.now()) {
                    app.link.close(*pump, SessionEnd::Denied);
                }
            }
            Inbound::Disconnected { pump, session, .. } => {
                self.live.remove_if(pump, |_, (number, _)| number == session);
            }
            Inbound::Ready { .. }
            | Inbound::Presence { .. }
            | Inbound::Telemetry { .. }
            | Inbound::Report { .. }
            | Inbound::UnreadableReport { .. }
            | Inbound::OrderDelivered { .. } => {}
        }
    }

    /// Workers hand over side by side, so the news of an older connection may come after that of a newer one. `false` then.
    fn enter(&self, pump: PumpId, number: u64, certificate: Fingerprint) -> bool {
        let mut entry = self.live.entry(pump).or_insert((number, certificate));
        let newest = number >= entry.0;
        if newest {
            *entry = (number, certificate);
        }
        newest
    }

    /// Closes every connection that the gate would not admit now. Work is proportional to the connections.
    pub fn sweep(&self, app: &App) {
        let now = app.now();
        for entry in &self.live {
            let (_, certificate) = entry.value();
            if !app.gate.still_admits(certificate, now) {
                app.link.close(*entry.key(), SessionEnd::Denied);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_connection_with_the_larger_number_is_the_pumps_in_whatever_order_they_are_told() {
        let pump = PumpId::from_uuid(Uuid::from_u128(1));
        let [older, newer] = [1, 2].map(|byte| Fingerprint::from_digest([byte; 32]));
        let check = |told: [(u64, Fingerprint); 2], newest: [bool; 2]| {
            let sessions = Sessions::default();
            assert_eq!(
                told.map(|(number, certificate)| sessions.enter(pump, number, certificate)),
                newest
            );
            assert_eq!(*sessions.live.get(&pump).unwrap(), (2, newer));
        };
        check([(1, older), (2, newer)], [true, true]);
        check([(2, newer), (1, older)], [true, false]);
    }
}
