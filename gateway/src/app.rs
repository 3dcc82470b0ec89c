//! What every part of the running gateway shares.

use std::{path::Path, sync::Arc};

use chrono::{FixedOffset, NaiveDate, Offset as _, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use fleet::{
    Timestamp,
    audit::{self, Origin},
    id::{AccountId, ServiceTokenId, SessionId},
    inventory::RetentionRule,
    rollout::limits::HospitalLimits,
    text::Name,
};
use store::Store;

use crate::{
    auth::{limits::Rates, password::PasswordRules, record_key::RecordKey, seal::Seal},
    clock::Clock,
    engine::{
        outbox::Withheld,
        rollout::{Bell, Memory},
    },
    exposure::Catalogue,
    firmware::{Resting, TicketKeys},
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
    /// What is needed to know people, and to vouch for what they did.
    pub people: Arc<People>,
    /// Sign tickets: the hospital's word that a pump may install.
    pub tickets: Arc<TicketKeys>,
    /// Where published firmware is.
    pub firmware_dir: Arc<Path>,
    /// Wakes the loop of rollouts.
    pub bell: Bell,
    /// Since when this process listens to pumps. What they did not say before is no silence of theirs.
    pub listening_since: Timestamp,
    /// Pumps with an order that waits until they are free.
    pub withheld: Withheld,
    /// Pumps whose downloads rest.
    pub resting: Resting,
    /// What that loop remembers.
    pub memory: Memory,
    /// What was published of vulnerabilities.
    pub catalogue: Catalogue,
    /// What the hospital set.
    pub settings: Settings,
}

/// What is needed to know people, and to vouch for what they did.
#[derive(Debug)]
pub struct People {
    /// The hospital's name: in authenticators, and in no password.
    pub hospital: Name,
    /// The zone of the clocks on its walls.
    pub zone: Tz,
    /// Which passwords are accepted.
    pub passwords: PasswordRules,
    /// Keeps small secrets.
    pub seal: Seal,
    /// Signs the record.
    pub record_key: RecordKey,
}

impl People {
    /// What the walls' clocks are off from UTC at an instant.
    #[must_use]
    pub fn offset(&self, at: Timestamp) -> FixedOffset {
        self.zone.offset_from_utc_datetime(&at.naive_utc()).fix()
    }

    /// The day on the walls' calendars at an instant.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }
}

/// What the hospital set, where the service needs it while it runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A pump not heard of for this long is missing.
    pub missing_after: TimeDelta,
    /// So long without a sign of life signs a person out, where no device says otherwise.
    pub idle: TimeDelta,
    /// How many requests are served.
    pub rates: Rates,
    /// How long telemetry is kept.
    pub retention: RetentionRule,
    /// The bounds of all rollouts together.
    pub hospital: HospitalLimits,
}

/// Who does something, and from where; named for it in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub who: Who,
    /// From where.
    pub origin: Origin,
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person, in a session.
    Person {
        account: AccountId,
        name: Name,
        session: SessionId,
    },
    /// A program, by a service token.
    Program {
        token: ServiceTokenId,
        label: Name,
        owner: AccountId,
    },
    /// The gateway itself, or whoever may use its machine: setting up, a timer, a rule.
    Gateway,
    /// Nobody yet: at sign-in.
    Unknown,
}

impl Actor {
    /// The gateway of its own accord.
    #[must_use]
    pub fn gateway() -> Self {
        Self {
            who: Who::Gateway,
            origin: Origin::default(),
        }
    }

    /// The account; of a program, its owner's.
    #[must_use]
    pub const fn account(&self) -> Option<AccountId> {
        match &self.who {
            Who::Person { account, .. } => Some(*account),
            Who::Program { owner, .. } => Some(*owner),
            Who::Gateway | Who::Unknown => None,
        }
    }

    /// The name a person reads.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Person { name, .. } => name.as_str(),
            Who::Program { label, .. } => label.as_str(),
            Who::Gateway => "the gateway",
            Who::Unknown => "nobody known",
        }
    }

    /// As the audit trail names it.
    #[must_use]
    pub fn on_record(&self) -> audit::Actor {
        match &self.who {
            Who::Person { account, name, .. } => audit::Actor::Person {
                account: *account,
                name: name.clone(),
            },
            Who::Program { token, label, owner } => audit::Actor::Program {
                token: *token,
                name: label.clone(),
                owner: *owner,
            },
            Who::Gateway => audit::Actor::Gateway,
            Who::Unknown => audit::Actor::Unknown,
        }
    }
}

impl App {
    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
