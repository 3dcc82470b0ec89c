//! The one word a person sees for a pump.

use serde::{Deserialize, Serialize};

use super::HoldKind;
use crate::rollout::state::AssignmentState;

/// Statuses as people read them. Colour is never the only sign: the words are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Status {
    InService,
    UpdateStaged,
    BeingUpdated,
    AwaitingChecks,
    AwaitingSignOff,
    Held,
    InBiomed,
    Sequestered,
    Missing,
    Retired,
}

impl Status {
    /// Every status, in the order in which a list shows them.
    pub const ALL: [Self; 10] = [
        Self::InService,
        Self::UpdateStaged,
        Self::BeingUpdated,
        Self::AwaitingChecks,
        Self::AwaitingSignOff,
        Self::Held,
        Self::InBiomed,
        Self::Sequestered,
        Self::Missing,
        Self::Retired,
    ];

    /// The word in the API and in a filter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InService => "in_service",
            Self::UpdateStaged => "update_staged",
            Self::BeingUpdated => "being_updated",
            Self::AwaitingChecks => "awaiting_checks",
            Self::AwaitingSignOff => "awaiting_sign_off",
            Self::Held => "held",
            Self::InBiomed => "in_biomed",
            Self::Sequestered => "sequestered",
            Self::Missing => "missing",
            Self::Retired => "retired",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The words on a screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::InService => "In service",
            Self::UpdateStaged => "Update staged",
            Self::BeingUpdated => "Being updated",
            Self::AwaitingChecks => "Awaiting checks",
            Self::AwaitingSignOff => "Awaiting sign-off",
            Self::Held => "Held – do not use",
            Self::InBiomed => "In biomed",
            Self::Sequestered => "Sequestered",
            Self::Missing => "Missing",
            Self::Retired => "Retired",
        }
    }
}

/// What a status follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusInput {
    /// Left the hospital for good.
    pub retired: bool,
    /// Held, and how.
    pub hold: Option<HoldKind>,
    /// Not heard of for longer than the hospital accepts (see [`crate::inventory::reconcile`]).
    pub missing: bool,
    /// Assigned to a care area.
    pub has_care_area: bool,
    /// How far its update is, where it has one under way.
    pub update: Option<AssignmentState>,
}

/// What an update makes of a pump. One that is told to install chooses the moment itself and is used until then (S1).
const fn updating(update: AssignmentState) -> Option<Status> {
    match update {
        AssignmentState::Staged | AssignmentState::AwaitingSafe => Some(Status::UpdateStaged),
        AssignmentState::Installing | AssignmentState::TrialBoot => Some(Status::BeingUpdated),
        AssignmentState::SelfTest => Some(Status::AwaitingChecks),
        AssignmentState::AwaitingSignoff => Some(Status::AwaitingSignOff),
        AssignmentState::Planned
        | AssignmentState::Authorised
        | AssignmentState::Downloading
        | AssignmentState::InService
        | AssignmentState::RolledBack
        | AssignmentState::Quarantined
        | AssignmentState::Unresponsive
        | AssignmentState::Cancelled => None,
    }
}

/// The first line that applies is the status.
#[must_use]
pub const fn status(input: StatusInput) -> Status {
    match input {
        StatusInput { retired: true, .. } => Status::Retired,
        StatusInput {
            hold: Some(HoldKind::Sequestered),
            ..
        } => Status::Sequestered,
        StatusInput {
            hold: Some(HoldKind::Clinical | HoldKind::SecurityIsolation),
            ..
        } => Status::Held,
        StatusInput { missing: true, .. } => Status::Missing,
        StatusInput {
            update,
            has_care_area,
            ..
        } => {
            let of_update = match update {
                Some(update) => updating(update),
                None => None,
            };
            match (of_update, has_care_area) {
                (Some(status), _) => status,
                (None, true) => Status::InService,
                (None, false) => Status::InBiomed,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::state::Stage;

    #[test]
    fn a_word_reads_back() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    /// Until its update is on it, a pump is used as always; from the moment it installs until a nurse signed, it is not.
    #[test]
    fn an_update_shows_from_the_moment_it_is_on_the_pump() {
        let check = |update, expected| {
            let input = StatusInput {
                retired: false,
                hold: None,
                missing: false,
                has_care_area: true,
                update: Some(update),
            };
            assert_eq!(status(input), expected, "{update:?}");
        };
        for update in AssignmentState::ALL {
            if update.stage() != Stage::Updating && *update != AssignmentState::Staged {
                check(*update, Status::InService);
            }
        }
        check(AssignmentState::Staged, Status::UpdateStaged);
        check(AssignmentState::AwaitingSafe, Status::UpdateStaged);
        check(AssignmentState::Installing, Status::BeingUpdated);
        check(AssignmentState::TrialBoot, Status::BeingUpdated);
        check(AssignmentState::SelfTest, Status::AwaitingChecks);
        check(AssignmentState::AwaitingSignoff, Status::AwaitingSignOff);
    }

    #[test]
    fn what_keeps_a_pump_from_use_is_said_before_anything_else() {
        let service = StatusInput {
            retired: false,
            hold: None,
            missing: false,
            has_care_area: true,
            update: None,
        };
        let check = |input, expected| assert_eq!(status(input), expected);
        check(service, Status::InService);
        check(
            StatusInput {
                has_care_area: false,
                ..service
            },
            Status::InBiomed,
        );
        check(
            StatusInput {
                missing: true,
                ..service
            },
            Status::Missing,
        );
        let awaiting = StatusInput {
            update: Some(AssignmentState::AwaitingSignoff),
            ..service
        };
        check(awaiting, Status::AwaitingSignOff);
        check(
            StatusInput {
                hold: Some(HoldKind::Clinical),
                ..awaiting
            },
            Status::Held,
        );
        let held = StatusInput {
            hold: Some(HoldKind::Clinical),
            missing: true,
            ..service
        };
        check(held, Status::Held);
        check(
            StatusInput {
                hold: Some(HoldKind::SecurityIsolation),
                ..held
            },
            Status::Held,
        );
        check(
            StatusInput {
                hold: Some(HoldKind::Sequestered),
                ..held
            },
            Status::Sequestered,
        );
        check(
            StatusInput {
                retired: true,
                ..held
            },
            Status::Retired,
        );
    }
}
