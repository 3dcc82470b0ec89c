//! The one word a person sees for a pump.

use serde::{Deserialize, Serialize};

use super::HoldKind;

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
            has_care_area: false, ..
        } => Status::InBiomed,
        StatusInput {
            has_care_area: true, ..
        } => Status::InService,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_reads_back() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn what_keeps_a_pump_from_use_is_said_before_anything_else() {
        let service = StatusInput {
            retired: false,
            hold: None,
            missing: false,
            has_care_area: true,
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
