//! Generations of our certificate authorities and the order in which they come and go.
//!
//! A generation is made *active*, is replaced by the next and stays *trusted* while anything live chains to it,
//! and is *retired* last. Every generation has a new distinguished name, so two never look alike.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Timestamp;

/// What an authority signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AuthorityKind {
    /// The other two. It can be kept offline.
    Root,
    /// Pumps' certificates.
    Device,
    /// The gateway's own server certificates.
    Server,
}

impl AuthorityKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Root, Self::Device, Self::Server];

    /// The word on the command line and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Device => "device",
            Self::Server => "server",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AuthorityState {
    /// It issues and is trusted.
    Active,
    /// A newer generation issues; what this one issued is still trusted.
    Trusted,
    /// Nothing it issued is trusted any more.
    Retired,
}

impl AuthorityState {
    /// Every state, in the order of life.
    pub const ALL: [Self; 3] = [Self::Active, Self::Trusted, Self::Retired];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Trusted => "trusted",
            Self::Retired => "retired",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether certificates of this generation are accepted.
    #[must_use]
    pub const fn is_trusted(self) -> bool {
        match self {
            Self::Active | Self::Trusted => true,
            Self::Retired => false,
        }
    }
}

/// Why an authority may not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthorityError {
    /// Only the active generation issues.
    #[error("authority generation {generation} is {}; only the active one issues", .state.as_str())]
    NotActive { generation: i32, state: AuthorityState },
    /// A certificate may not outlive its issuer.
    #[error(
        "a certificate until {leaf_ends} would outlive authority generation {generation}, which ends {authority_ends}; rotate the authority (`gateway ca rotate`)"
    )]
    WouldOutliveIssuer {
        generation: i32,
        leaf_ends: Timestamp,
        authority_ends: Timestamp,
    },
}

/// Whether a generation may sign a certificate that ends at `leaf_ends`.
///
/// # Errors
/// [`AuthorityError`] when it is not the active one, or when the certificate would outlive it.
pub fn may_issue(
    generation: i32,
    state: AuthorityState,
    authority_ends: Timestamp,
    leaf_ends: Timestamp,
) -> Result<(), AuthorityError> {
    match state {
        AuthorityState::Active => {}
        AuthorityState::Trusted | AuthorityState::Retired => {
            return Err(AuthorityError::NotActive { generation, state });
        }
    }
    if leaf_ends > authority_ends {
        return Err(AuthorityError::WouldOutliveIssuer {
            generation,
            leaf_ends,
            authority_ends,
        });
    }
    Ok(())
}

/// What pruning an old generation would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneDecision {
    /// Nothing live chains to it: it may go without a word.
    Prune,
    /// It still issues: rotate first.
    StillActive,
    /// It is gone already.
    AlreadyRetired,
    /// So many live certificates would be cut off: only an explicit command of a person may.
    CutsOff(usize),
}

/// Decides whether a generation may be retired, given how many unexpired, unrevoked certificates chain to it.
#[must_use]
pub const fn prune(state: AuthorityState, live_certificates: usize) -> PruneDecision {
    match (state, live_certificates) {
        (AuthorityState::Active, _) => PruneDecision::StillActive,
        (AuthorityState::Retired, _) => PruneDecision::AlreadyRetired,
        (AuthorityState::Trusted, 0) => PruneDecision::Prune,
        (AuthorityState::Trusted, live) => PruneDecision::CutsOff(live),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn only_the_active_generation_issues_and_never_beyond_its_own_end() {
        let end: Timestamp = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        assert_eq!(may_issue(1, AuthorityState::Active, end, end), Ok(()));
        for state in [AuthorityState::Trusted, AuthorityState::Retired] {
            assert_eq!(
                may_issue(1, state, end, end),
                Err(AuthorityError::NotActive { generation: 1, state })
            );
        }
        assert!(matches!(
            may_issue(1, AuthorityState::Active, end, end + TimeDelta::seconds(1)),
            Err(AuthorityError::WouldOutliveIssuer { .. })
        ));
    }

    #[test]
    fn pruning_never_cuts_off_a_pump_by_itself() {
        let check = |state, live, expected| assert_eq!(prune(state, live), expected);
        check(AuthorityState::Trusted, 0, PruneDecision::Prune);
        check(AuthorityState::Trusted, 3, PruneDecision::CutsOff(3));
        check(AuthorityState::Active, 0, PruneDecision::StillActive);
        check(AuthorityState::Retired, 0, PruneDecision::AlreadyRetired);
    }
}
