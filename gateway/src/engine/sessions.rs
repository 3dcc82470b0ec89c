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
                self.live.insert(*pump, (session.number, *certificate));
                if !app.gate.still_admits(certificate, app.now()) {
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
