//! What every part of the running gateway shares.

use std::sync::Arc;

use chrono::TimeDelta;
use fleet::{Timestamp, id::AccountId, inventory::RetentionRule, text::Name};
use store::Store;

use crate::{
    clock::Clock,
    mqtt::PumpLink,
    pki::{authorities::Authorities, gate::Gate},
};

/// The running gateway.
#[derive(Clone)]
pub struct App {
    /// Everything on record.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Our certificate authorities: issuing, rotation, revocation lists.
    pub authorities: Arc<Authorities>,
    /// Who is admitted, in memory.
    pub gate: Arc<Gate>,
    /// The line to the pumps.
    pub link: Arc<dyn PumpLink>,
    /// What the hospital set.
    pub settings: Settings,
}

/// What the hospital set, where the service needs it while it runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A pump not heard of for this long is missing.
    pub missing_after: TimeDelta,
    /// How long telemetry is kept.
    pub retention: RetentionRule,
}

/// Who does something, and is named for it in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account; nothing for the gateway itself.
    pub account: Option<AccountId>,
    /// The name a person reads.
    pub name: Name,
}

impl App {
    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
