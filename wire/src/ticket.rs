//! The ticket: the hospital's permission for one pump to install one file, once.
//!
//! It stands beside the manufacturer's TUF metadata, made with another key: neither alone installs anything (S8). Both have to
//! name the same file.

use fleet::{
    Timestamp,
    id::{PumpId, RolloutId, TicketId, WaveId},
    pump::{Component, SecurityCounter},
    release::{RepositoryName, TargetPath},
    signature::Digest,
    text::HardwareId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    envelope::Document,
    message::{Refusal, V1, at_most},
};

/// The hospital's permission for one pump to install one file, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    pub v: V1,
    /// A pump uses it once.
    pub id: TicketId,
    pub pump: PumpId,
    /// The hardware it is for; none where the pump never said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware: Option<HardwareId>,
    /// What the pump runs now, every component. It does not hold for any other.
    #[serde(deserialize_with = "at_most::<64, _, _>")]
    #[schemars(length(max = 64))]
    pub from: Vec<Component>,
    /// What it runs afterwards, every component.
    #[serde(deserialize_with = "at_most::<64, _, _>")]
    #[schemars(length(max = 64))]
    pub to: Vec<Component>,
    /// The manufacturer's repository.
    pub repository: RepositoryName,
    /// The file in it.
    pub target: TargetPath,
    /// Its length in bytes.
    pub length: u64,
    /// Its SHA-256.
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: Digest,
    /// The security counter of the release.
    pub counter: SecurityCounter,
    /// Not good before.
    pub not_before: Timestamp,
    /// Not good from then on.
    pub not_after: Timestamp,
    pub rollout: RolloutId,
    pub wave: WaveId,
    /// What the gate before the wave passed on: the signatures, hashed. Zeros before the first wave.
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$"))]
    pub evidence: Digest,
}

impl Document for Ticket {
    const CONTEXT: &'static str = "infusion-pump-gateway ticket v1";
}

/// The pump that a ticket is shown to.
#[derive(Debug, Clone, Copy)]
pub struct Bearer<'a> {
    pub pump: PumpId,
    pub hardware: &'a HardwareId,
    /// What it runs, sorted or not.
    pub components: &'a [Component],
    pub counter: SecurityCounter,
    /// Trusted time.
    pub now: Timestamp,
}

/// Why a ticket does not hold for a pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TicketProblem {
    #[error("the ticket is for another pump")]
    OtherPump,
    #[error("the ticket is for other hardware")]
    OtherHardware,
    #[error("the ticket is not good before {0}")]
    Early(Timestamp),
    #[error("the ticket was good until {0}")]
    Late(Timestamp),
    #[error("the pump runs other versions than those the ticket starts from")]
    OtherVersions,
    #[error("the release's security counter {release} is below the pump's {pump}")]
    CounterBelow {
        release: SecurityCounter,
        pump: SecurityCounter,
    },
}

impl TicketProblem {
    /// As the pump reports it.
    #[must_use]
    pub const fn refusal(self) -> Refusal {
        match self {
            Self::OtherPump | Self::OtherHardware => Refusal::TicketForAnother,
            Self::Early(_) | Self::Late(_) => Refusal::TicketExpired,
            Self::OtherVersions => Refusal::OtherVersions,
            Self::CounterBelow { .. } => Refusal::CounterBelow,
        }
    }
}

impl Ticket {
    /// Whether it holds for a pump, now. That it was not used yet is for the pump to know.
    ///
    /// # Errors
    /// The first [`TicketProblem`].
    pub fn holds_for(&self, bearer: &Bearer<'_>) -> Result<(), TicketProblem> {
        if self.pump != bearer.pump {
            return Err(TicketProblem::OtherPump);
        }
        if self.hardware.as_ref().is_some_and(|id| id != bearer.hardware) {
            return Err(TicketProblem::OtherHardware);
        }
        if bearer.now < self.not_before {
            return Err(TicketProblem::Early(self.not_before));
        }
        if bearer.now >= self.not_after {
            return Err(TicketProblem::Late(self.not_after));
        }
        if !same_set(&self.from, bearer.components) {
            return Err(TicketProblem::OtherVersions);
        }
        // S9.
        if self.counter < bearer.counter {
            return Err(TicketProblem::CounterBelow {
                release: self.counter,
                pump: bearer.counter,
            });
        }
        Ok(())
    }
}

fn same_set(a: &[Component], b: &[Component]) -> bool {
    fn sorted(list: &[Component]) -> Vec<&Component> {
        let mut list: Vec<_> = list.iter().collect();
        list.sort_unstable();
        list
    }
    sorted(a) == sorted(b)
}

#[cfg(test)]
pub(crate) mod tests;
