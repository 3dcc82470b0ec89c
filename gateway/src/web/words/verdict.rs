//! What is said to somebody who scanned a pump, and what they say of it.

use fleet::pump::Status;
use serde::Deserialize;

use crate::web::{icon::Icon, pump::may_be_used};

/// What is said of a pump to somebody who stands before it: read in three seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Verdict {
    /// For patients.
    Use,
    /// For patients, and with one now.
    InUse,
    /// Updated and checked; a nurse has to look at it and sign.
    Check,
    /// Not for patients.
    Stop,
}

impl Verdict {
    /// By the same status that lists show. A pump that was never heard of is never fit for use.
    pub(in crate::web) const fn of(status: Status, in_use: bool, heard: bool) -> Self {
        match status {
            Status::InService | Status::UpdateStaged if !heard => Self::Stop,
            Status::InService | Status::UpdateStaged if in_use => Self::InUse,
            Status::InService | Status::UpdateStaged => Self::Use,
            Status::AwaitingSignOff => Self::Check,
            Status::BeingUpdated
            | Status::AwaitingChecks
            | Status::Held
            | Status::InBiomed
            | Status::Sequestered
            | Status::Missing
            | Status::Retired => Self::Stop,
        }
    }

    /// The words.
    pub(in crate::web) const fn words(self) -> &'static str {
        match self {
            Self::Use => "OK to use",
            Self::InUse => "In use",
            Self::Check => "Awaiting your check",
            Self::Stop => "Do not use",
        }
    }

    /// What to do, where the words do not say it yet.
    pub(in crate::web) const fn then(self) -> &'static str {
        match self {
            Self::Use => "",
            Self::InUse => "nothing is wrong with it",
            Self::Check => "do not use it yet",
            Self::Stop => "get another",
        }
    }

    pub(in crate::web) const fn icon(self) -> Icon {
        match self {
            Self::Use | Self::InUse => Icon::Good,
            Self::Check => Icon::Attention,
            Self::Stop => Icon::Stop,
        }
    }

    /// Whether another is wanted in its place.
    pub(in crate::web) const fn wants_another(self) -> bool {
        match self {
            Self::Use => false,
            Self::InUse | Self::Check | Self::Stop => true,
        }
    }

    /// Why it is so, where no hold says it.
    pub(in crate::web) const fn why(status: Status, heard: bool) -> &'static str {
        if may_be_used(status) && !heard {
            return "Nothing was ever heard from this pump. Tell biomed.";
        }
        match status {
            Status::InService => "",
            Status::UpdateStaged => "A software update waits until the pump is free.",
            Status::BeingUpdated => "It installs a software update. That takes some minutes.",
            Status::AwaitingChecks => "It was updated, and its checks are not done.",
            Status::AwaitingSignOff => {
                "It was updated, and its checks passed. A nurse has to look at it and sign."
            }
            Status::Held => "It is held.",
            Status::InBiomed => "It belongs to biomed, and to no ward.",
            Status::Sequestered => "It is kept as it is. Do not touch it.",
            Status::Missing => "Nobody has heard of it for long. Tell biomed that you found it.",
            Status::Retired => "It left the hospital for good. Tell biomed that you found it.",
        }
    }
}

/// What somebody says is wrong with a pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum Trouble {
    Damaged,
    Misbehaves,
    Other,
}

impl Trouble {
    pub(in crate::web) const ALL: [Self; 3] = [Self::Damaged, Self::Misbehaves, Self::Other];

    /// The word in the form.
    pub(in crate::web) const fn as_str(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Misbehaves => "misbehaves",
            Self::Other => "other",
        }
    }

    /// What a person chooses, and what the record says.
    pub(in crate::web) const fn label(self) -> &'static str {
        match self {
            Self::Damaged => "Dropped, wet or damaged",
            Self::Misbehaves => "It does not do what it should",
            Self::Other => "Something else",
        }
    }

    /// For instance.
    pub(in crate::web) const fn such_as(self) -> &'static str {
        match self {
            Self::Damaged => "Case, door, cable, battery",
            Self::Misbehaves => "Rate, alarm, screen, keys",
            Self::Other => "Say below what it is",
        }
    }

    /// What goes on record.
    pub(in crate::web) fn reason(self, text: &str) -> String {
        let text = text.trim();
        match (self, text.is_empty()) {
            (Self::Damaged | Self::Misbehaves, true) => self.label().to_owned(),
            (Self::Damaged | Self::Misbehaves, false) => format!("{}: {text}", self.label()),
            (Self::Other, _) => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [Status; 10] = [
        Status::InService,
        Status::UpdateStaged,
        Status::BeingUpdated,
        Status::AwaitingChecks,
        Status::AwaitingSignOff,
        Status::Held,
        Status::InBiomed,
        Status::Sequestered,
        Status::Missing,
        Status::Retired,
    ];

    #[test]
    fn nothing_good_is_said_of_a_pump_that_was_never_heard_of() {
        for status in STATUSES {
            for in_use in [false, true] {
                let verdict = Verdict::of(status, in_use, false);
                assert!(matches!(verdict, Verdict::Stop | Verdict::Check), "{status:?}");
                assert!(!Verdict::why(status, false).is_empty(), "{status:?}");
            }
        }
    }

    #[test]
    fn every_verdict_that_is_no_yes_says_why() {
        for status in STATUSES {
            let verdict = Verdict::of(status, false, true);
            assert_eq!(verdict == Verdict::Use, may_be_used(status), "{status:?}");
            assert!(
                verdict == Verdict::Use || !Verdict::why(status, true).is_empty(),
                "{status:?}"
            );
        }
    }

    #[test]
    fn what_is_said_goes_on_record_in_words() {
        let check = |trouble: Trouble, text: &str, said: &str| assert_eq!(trouble.reason(text), said);
        check(Trouble::Damaged, " ", "Dropped, wet or damaged");
        check(
            Trouble::Misbehaves,
            "no alarm",
            "It does not do what it should: no alarm",
        );
        check(Trouble::Other, " smells ", "smells");
        check(Trouble::Other, "", "");
    }
}
