//! One pump in one wave.

use super::machine::machine;

machine! {
    "an assignment";
    /// What can happen to an assignment.
    events AssignmentEvent {
        /// The hospital's ticket was issued.
        TicketIssued = "ticket_issued",
        /// The ticket is known to be gone: taken back by the pump, or run out without having been used.
        TicketEnded = "ticket_ended",
        /// The pump was told to download.
        DownloadOrdered = "download_ordered",
        /// The download broke off; it may be ordered again.
        DownloadFailed = "download_failed",
        /// The pump holds the firmware in its inactive slot, and checked it.
        Staged = "staged",
        /// The pump was told to install.
        InstallOrdered = "install_ordered",
        /// The pump said no, with a reason; it may be asked again.
        Refused = "refused",
        /// The pump activates the other slot.
        Activated = "activated",
        /// The pump came up with the new firmware, on trial.
        Booted = "booted",
        /// The pump tests itself.
        ChecksBegun = "checks_begun",
        /// Every check passed, and the versions are those the ticket named.
        ChecksPassed = "checks_passed",
        /// A nurse signed the pump as verified.
        Signed = "signed",
        /// The pump runs its old firmware again.
        RolledBack = "rolled_back",
        /// A check did not pass, or the pump contradicts what it was told to install.
        Failed = "failed",
        /// Nothing was heard past a deadline.
        FellSilent = "fell_silent",
        /// The hold was released: a passed retest and two signatures (S4).
        HoldReleased = "hold_released",
        /// Taken out before it began: by a person, with its rollout, or left for the catch-up list.
        TakenOut = "taken_out",
        /// A person wants it tried once more, from the catch-up list or taken out: never after a failure.
        TriedAgain = "tried_again",
    }
    /// How far a pump is on its way to a release.
    states AssignmentState {
        /// It is the pump's turn when everything else allows it.
        Planned = "planned", "Planned" {
            TicketIssued => Authorised,
            Failed => Quarantined,
            TakenOut => Cancelled,
        }
        /// The hospital's ticket is out.
        Authorised = "authorised", "Authorised" {
            TicketEnded => Planned,
            DownloadOrdered => Downloading,
            Failed => Quarantined,
        }
        /// It fetches the firmware into its inactive slot.
        Downloading = "downloading", "Downloading" {
            TicketEnded => Planned,
            DownloadFailed => Authorised,
            Staged => Staged,
            Failed => Quarantined,
        }
        /// It has the firmware, and checked it.
        Staged = "staged", "Update staged" {
            TicketEnded => Planned,
            InstallOrdered => AwaitingSafe,
            Failed => Quarantined,
        }
        /// It was told to install, and chooses the instant itself (S1).
        AwaitingSafe = "awaiting_safe", "Waiting for a safe moment" {
            TicketEnded => Planned,
            Refused => Staged,
            Activated => Installing,
            Booted => TrialBoot,
            ChecksBegun => SelfTest,
            RolledBack => RolledBack,
            Failed => Quarantined,
            FellSilent => Unresponsive,
        }
        /// It activates the other slot.
        Installing = "installing", "Being updated" {
            Booted => TrialBoot,
            ChecksBegun => SelfTest,
            RolledBack => RolledBack,
            Failed => Quarantined,
            FellSilent => Unresponsive,
        }
        /// It runs the new firmware on trial.
        TrialBoot = "trial_boot", "Being updated" {
            ChecksBegun => SelfTest,
            RolledBack => RolledBack,
            Failed => Quarantined,
            FellSilent => Unresponsive,
        }
        /// It tests itself, and people run the checks that it can not.
        SelfTest = "self_test", "Awaiting checks" {
            ChecksPassed => AwaitingSignoff,
            RolledBack => RolledBack,
            Failed => Quarantined,
        }
        /// Its checks passed; a nurse has to sign.
        AwaitingSignoff = "awaiting_signoff", "Awaiting sign-off" {
            Signed => InService,
            RolledBack => RolledBack,
            Failed => Quarantined,
        }
        /// A nurse signed it as verified.
        InService = "in_service", "In service" {
            RolledBack => RolledBack,
            Failed => Quarantined,
        }
        /// It runs its old firmware again, and is held until somebody looked.
        RolledBack = "rolled_back", "Back on the old version" {
            Failed => Quarantined,
        }
        /// A check did not pass, or it contradicts itself. It is held.
        Quarantined = "quarantined", "Held – do not use" {
            HoldReleased => InService,
            RolledBack => RolledBack,
        }
        /// It fell silent where it had to answer: a failure, never a success. It is held.
        Unresponsive = "unresponsive", "No answer" {
            HoldReleased => InService,
            RolledBack => RolledBack,
            Failed => Quarantined,
        }
        /// Taken out before it began.
        Cancelled = "cancelled", "Taken out" {
            TriedAgain => Planned,
            Failed => Quarantined,
        }
    }
}

/// The part of the way an assignment is on: what a planner, a ward floor and a tally ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing was sent to the pump.
    Waiting,
    /// A ticket is out; the pump is in use as always.
    Preparing,
    /// From the order to install until a nurse signed: the pump is out of service.
    Updating,
    /// Verified, in service.
    Verified,
    /// A failure: held.
    Failed,
    /// Taken out.
    Left,
}

impl AssignmentState {
    /// Which part of the way.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::Planned => Stage::Waiting,
            Self::Authorised | Self::Downloading | Self::Staged => Stage::Preparing,
            Self::AwaitingSafe
            | Self::Installing
            | Self::TrialBoot
            | Self::SelfTest
            | Self::AwaitingSignoff => Stage::Updating,
            Self::InService => Stage::Verified,
            Self::RolledBack | Self::Quarantined | Self::Unresponsive => Stage::Failed,
            Self::Cancelled => Stage::Left,
        }
    }

    /// S6: whether it has the pump. A pump has at most one of these.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self.stage(), Stage::Preparing | Stage::Updating)
    }

    /// Whether there is nothing left to do for it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self.stage(), Stage::Verified | Stage::Failed | Stage::Left)
    }

    /// Whether it runs the new firmware and has to prove itself.
    #[must_use]
    pub const fn is_under_test(self) -> bool {
        matches!(self, Self::TrialBoot | Self::SelfTest | Self::AwaitingSignoff)
    }

    /// Whether the pump may still use its ticket.
    #[must_use]
    pub const fn needs_ticket(self) -> bool {
        matches!(self.stage(), Stage::Preparing) || matches!(self, Self::AwaitingSafe)
    }
}
