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
