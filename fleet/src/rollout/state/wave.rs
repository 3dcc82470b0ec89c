//! One stage of a rollout.

use super::machine::machine;

machine! {
    "a wave";
    /// What can happen to a wave.
    events WaveEvent {
        /// Its care areas are told what comes.
        BriefingBegun = "briefing_begun",
        /// Its turn has come, and its care areas know.
        Opened = "opened",
        /// Every pump of it is accounted for.
        Settled = "settled",
        /// A pump of it has work to do again: it was added, or is tried once more.
        Reopened = "reopened",
        /// It was watched for long enough.
        SoakOver = "soak_over",
        /// The gate passed, with its signatures on record.
        GatePassed = "gate_passed",
        /// Too many failures, or a person said so.
        Halted = "halted",
        /// A person, with a reason, lets it go on.
        Resumed = "resumed",
    }
    /// How far a wave is.
    states WaveState {
        /// An earlier wave comes first.
        Pending = "pending", "Not its turn yet" {
            BriefingBegun => Briefing,
        }
        /// Its care areas read what changes at the bedside.
        Briefing = "briefing", "Briefing" {
            Opened => Open,
        }
        /// Its pumps are updated.
        Open = "open", "Open" {
            Settled => Soaking,
            Halted => Halted,
        }
        /// Its pumps are watched for a while.
        Soaking = "soaking", "Being watched" {
            Reopened => Open,
            SoakOver => AwaitingApproval,
            Halted => Halted,
        }
        /// People look at what came of it.
        AwaitingApproval = "awaiting_approval", "Waiting for approval" {
            Reopened => Open,
            GatePassed => Passed,
            Halted => Halted,
        }
        /// The next wave may open.
        Passed = "passed", "Passed" {}
        /// Stopped until a person looked.
        Halted = "halted", "Halted" {
            Resumed => Open,
        }
    }
}

impl WaveState {
    /// Whether pumps of it may begin.
    #[must_use]
    pub const fn may_begin_pumps(self) -> bool {
        matches!(self, Self::Open)
    }
}
