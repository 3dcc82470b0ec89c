//! Holds: what keeps a pump out of use, and from which moment on (S10).

use serde::{Deserialize, Serialize};

use super::Availability;
use crate::{Timestamp, text::Reason};

/// Why a pump is held. A nurse reads **Held – do not use** for the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum HoldKind {
    /// It failed a check, or somebody reported a problem.
    Clinical,
    /// Its identity or firmware is in doubt: its connection is closed and its certificates are denied.
    SecurityIsolation,
    /// Evidence after an incident: no update, no wipe, no power cycle.
    Sequestered,
}

impl HoldKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Clinical, Self::SecurityIsolation, Self::Sequestered];

    /// The word on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clinical => "clinical",
            Self::SecurityIsolation => "security_isolation",
            Self::Sequestered => "sequestered",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether a pump held so may keep a connection to us.
    #[must_use]
    pub const fn may_connect(self) -> bool {
        match self {
            Self::Clinical | Self::Sequestered => true,
            Self::SecurityIsolation => false,
        }
    }

    /// Whether we may send anything at all to a pump held so.
    #[must_use]
    pub const fn may_be_ordered(self) -> bool {
        match self {
            Self::Clinical => true,
            Self::SecurityIsolation | Self::Sequestered => false,
        }
    }
}

/// A hold on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Which kind.
    pub kind: HoldKind,
    /// Why, in words.
    pub reason: Reason,
    /// Since when it is on record.
    pub since: Timestamp,
}

/// What a hold does to the pump right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum HoldEffect {
    /// The pump refuses new infusions.
    InForce,
    /// The pump is with a patient; the hold begins when it becomes free, and people are told so until then.
    WhenFree,
}

/// S10: a hold never stops an infusion.
#[must_use]
pub const fn hold_effect(availability: Availability) -> HoldEffect {
    match availability {
        Availability::Free => HoldEffect::InForce,
        Availability::Busy => HoldEffect::WhenFree,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_a_busy_pump_is_not_interrupted() {
        assert_eq!(hold_effect(Availability::Busy), HoldEffect::WhenFree);
        assert_eq!(hold_effect(Availability::Free), HoldEffect::InForce);
    }

    #[test]
    fn only_isolation_cuts_the_line_and_only_a_clinical_hold_is_ordered() {
        for kind in HoldKind::ALL {
            assert_eq!(HoldKind::from_word(kind.as_str()), Some(kind));
            assert_eq!(kind.may_connect(), kind != HoldKind::SecurityIsolation);
            assert_eq!(kind.may_be_ordered(), kind == HoldKind::Clinical);
        }
        assert_eq!(HoldKind::from_word("quarantine"), None);
    }
}
