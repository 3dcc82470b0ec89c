//! One connection, from the handshake to its end, while life goes on.

use std::{pin::pin, time::Duration};

use rand::Rng;
use tokio::time::{Instant, sleep_until};
use wire::{
    message::{Ack, Message, Order, Presence, PresenceState, V1},
    topic::Channel,
};

use super::{Exit, GRAIN, InUse, LinkState, Pump, line::Line, receive, stopped};
use crate::{
    identity::Slot,
    link::{self, Heard, LinkOptions},
};

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ending {
    /// The simulation stops.
    Stopped,
    /// To connect again with the new certificate.
    Renewed,
    /// No power, no radio, or the network was cut.
    OffAir,
    /// It broke, or never began.
    Lost { held: Duration },
}

impl Pump {
    pub(super) async fn session(&mut self, in_use: &InUse) -> Result<Ending, Exit> {
        let options = self.link_options(in_use)?;
        let (sender, mut listener) = link::open(&options);
        let mut line = Line::new(sender);
        let shared = std::sync::Arc::clone(&self.shared);
        let mut since: Option<(Instant, crate::stats::Held<'_>)> = None;
        let mut leaving: Option<(Instant, Ending)> = None;
        self.outbox.connection_lost();
        let ending = loop {
            // To its end: see the link's remark on polls that are dropped.
            let heard = {
                let mut hear = pin!(listener.hear());
                loop {
                    let wake = self.next_wake(leaving.map(|(until, _)| until));
                    let mut wants = None;
                    tokio::select! {
                        heard = &mut hear => break Ok(heard),
                        () = sleep_until(wake) => {}
                        action = receive(&mut self.actions) => self.act(action),
                        home = self.errands.home() => self.errand_home(home),
                        renewed = self.renewal.finished() => {
                            if self.renewed(in_use, renewed)? {
                                wants = Some(Ending::Renewed);
                            }
                        }
                        () = stopped(&mut self.stopping), if leaving.is_none() => {
                            wants = Some(Ending::Stopped);
                        }
                    }
                    self.tick();
                    self.renew_if_due(in_use)?;
                    let now = Instant::now();
                    if !self.on_air(now) {
                        break Err(Ending::OffAir);
                    }
                    match (wants, leaving) {
                        (Some(ending), _) if since.is_none() => break Err(ending),
                        (Some(ending), _) => leaving = Some(self.say_goodbye(&mut line, ending)),
                        (None, Some((until, ending))) if now >= until => break Err(ending),
                        (None, None) if since.is_some() => self.feed(&mut line),
                        (None, _) => {}
                    }
                }
            };
            match heard {
                Err(ending) => break ending,
                Ok(Err(error)) => {
                    if let Some((_, ending)) = leaving {
                        break ending;
                    }
                    self.trouble(&error);
                    let held = since
                        .as_ref()
                        .map_or(Duration::ZERO, |(since, _)| since.elapsed());
                    break Ending::Lost { held };
                }
                Ok(Ok(Heard::Closed)) => break leaving.map_or(Ending::OffAir, |(_, ending)| ending),
                Ok(Ok(Heard::Connected)) => {
                    since = Some((Instant::now(), shared.counters.connected.hold()));
                    self.connected(in_use, &mut line)?;
                }
                Ok(Ok(heard)) => {
                    self.take_in(heard, &mut line);
                    // An order may want something of the network at once.
                    self.tend_firmware();
                }
            }
            if leaving.is_none() && since.is_some() {
                self.feed(&mut line);
            }
        };
        if matches!(ending, Ending::Lost { .. } | Ending::OffAir) {
            shared.counters.connections_lost.one();
        }
        shared.see(self.blueprint.index, |view| view.link = LinkState::Offline);
        Ok(ending)
    }

    pub(super) fn link_options(&self, in_use: &InUse) -> Result<LinkOptions, Exit> {
        let learned = self.dir.anchors()?;
        let tls = self.shared.trust.client(&learned, Some(&in_use.identity))?;
        Ok(LinkOptions {
            host: self.shared.gateway.host.clone(),
            port: self.shared.gateway.port,
            id: in_use.identity.id,
            tls: std::sync::Arc::new(tls),
            version: self.blueprint.mqtt,
        })
    }

    fn next_wake(&self, leaving: Option<Instant>) -> Instant {
        let mut wake = self.next_of_life().min(self.telemetry_due);
        if let Some(due) = self.renewal.due() {
            let ahead = due.signed_duration_since(self.shared.clock.wall());
            wake = wake.min(Instant::now() + ahead.to_std().unwrap_or_default());
        }
        if let Some(until) = leaving {
            wake = wake.min(until);
        }
        wake.max(Instant::now() + GRAIN)
    }

    fn connected(&mut self, in_use: &InUse, line: &mut Line) -> Result<(), Exit> {
        self.shared.counters.connections.one();
        if in_use.slot == Slot::Next && self.dir.identity(Slot::Next)?.is_some() {
            self.dir.promote()?;
            self.shared.counters.renewed.one();
            self.renewal.promoted(&in_use.identity, &mut self.spread);
        }
        line.subscribe();
        self.say(line, PresenceState::Online);
        self.telemetry_due = Instant::now();
        self.shared.see(self.blueprint.index, |view| {
            view.link = LinkState::Connected;
            view.id = Some(in_use.identity.id);
            view.problem = None;
        });
        Ok(())
    }

    fn say(&self, line: &mut Line, state: PresenceState) {
        let presence = Presence {
            v: V1,
            state,
            at: Some(self.shown_time()),
        };
        line.publish(Channel::Presence, presence.write());
    }

    fn say_goodbye(&self, line: &mut Line, ending: Ending) -> (Instant, Ending) {
        self.say(line, PresenceState::Offline);
        line.disconnect();
        (Instant::now() + GOODBYE, ending)
    }

    fn take_in(&mut self, heard: Heard, line: &mut Line) {
        let counters = &self.shared.counters;
        match heard {
            Heard::Sent { packet } => line.sent(packet, counters),
            Heard::Acknowledged { packet, taken } => line.acknowledged(packet, taken, counters),
            Heard::Message {
                channel: Channel::Order,
                payload,
            } => match Order::read(&payload) {
                Ok(order) => self.carry_out(order),
                Err(error) => self.unreadable(&error),
            },
            Heard::Message {
                channel: Channel::Ack,
                payload,
            } => match Ack::read(&payload) {
                Ok(ack) => self.settle(ack),
                Err(error) => self.unreadable(&error),
            },
            Heard::Message { .. } | Heard::Connected | Heard::Closed | Heard::Quiet => {}
        }
    }

    /// Sends what is due, as far as the line takes it.
    fn feed(&mut self, line: &mut Line) {
        while let Some(report) = self.outbox.next_to_send() {
            let (seq, payload) = (report.seq, report.write());
            if !line.publish(Channel::Report, payload) {
                self.outbox.take_back(seq);
                return;
            }
        }
        let now = Instant::now();
        if now >= self.telemetry_due {
            if let Some(telemetry) = self.life.telemetry(self.shown_time())
                && !line.publish(Channel::Telemetry, telemetry.write())
            {
                return;
            }
            self.telemetry_due = now
                + self
                    .shared
                    .telemetry_interval
                    .mul_f64(self.spread.random_range(0.9..1.1));
        }
        while self.garbage > 0 && line.publish(Channel::Telemetry, b"{\"v\":1,\"activity\":".to_vec()) {
            self.garbage -= 1;
        }
        while self.flood > 0 {
            let telemetry = self.life.telemetry(self.shown_time());
            if !telemetry.is_some_and(|telemetry| line.publish(Channel::Telemetry, telemetry.write())) {
                return;
            }
            self.flood -= 1;
        }
    }
}
