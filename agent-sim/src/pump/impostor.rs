//! Somebody who copied a pump's key and certificate, and connects with them from elsewhere.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use wire::{
    message::{Message, Presence, PresenceState, Telemetry, V1},
    topic::Channel,
    types::Name,
};

use crate::link::{self, Heard, LinkOptions};

/// It is thrown out whenever the real pump comes back, and tries again after this.
const PERSISTENCE: Duration = Duration::from_secs(2);

/// Connects again and again until then, saying the pump is where it is not.
pub(super) async fn impersonate(options: LinkOptions, telemetry: Option<Telemetry>, until: Instant) {
    let telemetry = telemetry.map(|telemetry| Telemetry {
        place: Name::new("Car park AP-1").ok(),
        ..telemetry
    });
    while Instant::now() < until {
        let (sender, mut listener) = link::open(&options);
        while let Ok(Ok(heard)) = timeout_at(until, listener.hear()).await {
            if matches!(heard, Heard::Connected) {
                let presence = Presence {
                    v: V1,
                    state: PresenceState::Online,
                    at: telemetry.as_ref().map(|telemetry| telemetry.at),
                };
                sender.publish(Channel::Presence, presence.write());
                if let Some(telemetry) = &telemetry {
                    sender.publish(Channel::Telemetry, telemetry.write());
                }
            }
        }
        sleep_until(until.min(Instant::now() + PERSISTENCE)).await;
    }
}
