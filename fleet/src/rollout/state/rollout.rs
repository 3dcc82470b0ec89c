//! A plan to bring a release to chosen pumps.

use super::machine::machine;

machine! {
    "a rollout";
    /// What can happen to a rollout.
    events RolloutEvent {
        /// Whoever wrote it asks for approval.
        Submitted = "submitted",
        /// Back to whoever wrote it.
        SentBack = "sent_back",
        /// Others approved it (S12).
        Approved = "approved",
        /// Its time has come.
        Begun = "begun",
        /// A person stopped it for a while.
        Paused = "paused",
        /// It goes on: after a pause, or with a reason after a halt.
        Resumed = "resumed",
        /// Too many failures, or a person said so.
        Halted = "halted",
        /// Every wave passed.
        Completed = "completed",
        /// Given up.
        Cancelled = "cancelled",
    }
    /// How far a rollout is.
    states RolloutState {
        /// It is being written.
        Draft = "draft", "Draft" {
            Submitted => AwaitingApproval,
            Cancelled => Cancelled,
        }
        /// Others have to approve it.
        AwaitingApproval = "awaiting_approval", "Waiting for approval" {
            SentBack => Draft,
            Approved => Scheduled,
            Cancelled => Cancelled,
        }
        /// It begins at its time.
        Scheduled = "scheduled", "Scheduled" {
            SentBack => Draft,
            Begun => Running,
            Cancelled => Cancelled,
        }
        /// Its waves go on.
        Running = "running", "Running" {
            Paused => Paused,
            Halted => Halted,
            Completed => Completed,
            Cancelled => Cancelled,
        }
        /// A person stopped it for a while.
        Paused = "paused", "Paused" {
            Resumed => Running,
            Halted => Halted,
            Cancelled => Cancelled,
        }
        /// Every wave passed.
        Completed = "completed", "Completed" {}
        /// Going on needs a person and a reason.
        Halted = "halted", "Halted" {
            Resumed => Running,
            Cancelled => Cancelled,
        }
        /// Given up.
        Cancelled = "cancelled", "Cancelled" {}
    }
}

impl RolloutState {
    /// S7: whether tickets may be issued, and those that are out may stand.
    #[must_use]
    pub const fn may_have_tickets(self) -> bool {
        matches!(self, Self::Running)
    }
}
