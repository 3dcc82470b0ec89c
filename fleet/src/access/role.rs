//! The roles a person can have.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a person is to the gateway. A person can have several roles, each with care areas of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    /// Uses pumps, and signs each as clinically verified in the care areas it names.
    Nurse,
    /// Answers for care areas, and signs their waves.
    ChargeNurse,
    /// Plans rollouts and works the bench.
    Biomed,
    /// Answers for the fleet, and approves rollouts that others wrote.
    BiomedLead,
    /// Answers for identities, keys and exposure.
    Security,
    /// Says which drug libraries fit; nothing else.
    Pharmacy,
    /// Looks after people, devices and settings; decides nothing about pumps.
    Administrator,
    /// Reads everything, changes nothing.
    Auditor,
}

impl Role {
    /// Every role, in the order of the table's columns.
    pub const ALL: [Self; 8] = [
        Self::Nurse,
        Self::ChargeNurse,
        Self::Biomed,
        Self::BiomedLead,
        Self::Security,
        Self::Pharmacy,
        Self::Administrator,
        Self::Auditor,
    ];

    /// The word in the API, on the command line and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nurse => "nurse",
            Self::ChargeNurse => "charge_nurse",
            Self::Biomed => "biomed",
            Self::BiomedLead => "biomed_lead",
            Self::Security => "security",
            Self::Pharmacy => "pharmacy",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
        }
    }

    /// The words a person reads, on screens and beside a signature.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Nurse => "Nurse",
            Self::ChargeNurse => "Charge nurse",
            Self::Biomed => "Biomed",
            Self::BiomedLead => "Biomed lead",
            Self::Security => "Security",
            Self::Pharmacy => "Pharmacy",
            Self::Administrator => "Administrator",
            Self::Auditor => "Auditor",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_back() {
        for role in Role::ALL {
            assert_eq!(Role::from_word(role.as_str()), Some(role));
            assert_eq!(
                serde_json::to_string(&role).unwrap(),
                format!("\"{}\"", role.as_str())
            );
        }
        assert_eq!(Role::from_word("Nurse"), None);
    }
}
