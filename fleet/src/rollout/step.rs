//! What the planner says: the steps that are taken now, and what everything else waits for.

use std::{collections::BTreeSet, fmt};

use thiserror::Error;

use super::{
    gate::Tally,
    snapshot::RowVersion,
    state::{AssignmentEvent, RolloutEvent, WaveEvent},
    wait::Wait,
};
use crate::{
    Timestamp,
    check::CheckOutcome,
    id::{AssignmentId, PumpId, RolloutId, SignatureId, TicketId, WaveId},
    signature::Digest,
};

/// Something that is done now. It names the row version it was planned from: whoever carries it out compares and sets, so that
/// a step that was overtaken changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Rollout {
        rollout: RolloutId,
        seen: RowVersion,
        action: RolloutAction,
    },
    Wave {
        wave: WaveId,
        seen: RowVersion,
        action: WaveAction,
    },
    Assignment {
        assignment: AssignmentId,
        pump: PumpId,
        seen: RowVersion,
        action: AssignmentAction,
    },
}

/// What is done to a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutAction {
    /// Enough people approved it (S12).
    Approve,
    Begin,
    /// Too many failures in a wave.
    Halt {
        wave: WaveId,
        tally: Tally,
    },
    Complete,
}

impl RolloutAction {
    /// What happens to the rollout by it.
    #[must_use]
    pub const fn event(&self) -> RolloutEvent {
        match self {
            Self::Approve => RolloutEvent::Approved,
            Self::Begin => RolloutEvent::Begun,
            Self::Halt { .. } => RolloutEvent::Halted,
            Self::Complete => RolloutEvent::Completed,
        }
    }
}

/// What is done to a wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaveAction {
    OpenBriefing,
    Open,
    StartSoak,
    Reopen,
    AskApproval,
    /// The gate passed. The evidence is kept with the wave, and stands in the tickets of the next.
    Pass {
        evidence: Digest,
    },
    Halt {
        tally: Tally,
    },
}

impl WaveAction {
    /// What happens to the wave by it.
    #[must_use]
    pub const fn event(&self) -> WaveEvent {
        match self {
            Self::OpenBriefing => WaveEvent::BriefingBegun,
            Self::Open => WaveEvent::Opened,
            Self::StartSoak => WaveEvent::Settled,
            Self::Reopen => WaveEvent::Reopened,
            Self::AskApproval => WaveEvent::SoakOver,
            Self::Pass { .. } => WaveEvent::GatePassed,
            Self::Halt { .. } => WaveEvent::Halted,
        }
    }
}

/// What is done for one pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssignmentAction {
    /// The hospital's permission, good until then, on the evidence of the gate before.
    IssueTicket {
        not_after: Timestamp,
        evidence: Digest,
        under: Under,
    },
    OrderDownload {
        under: Under,
    },
    /// The pump installs when it finds it safe (S1).
    OrderInstall {
        under: Under,
    },
    /// The pump is told to give a ticket back. The assignment stays as it is until the pump answers or the ticket ran out.
    WithdrawTicket {
        ticket: TicketId,
        why: Withdrawal,
    },
    /// The ticket ran out, and the pump did not use it.
    EndTicket,
    /// Silence is failure: the pump is held.
    MarkUnresponsive {
        last_heard: Option<Timestamp>,
    },
    /// The pump is held (S4).
    Quarantine {
        why: HeldBecause,
    },
    AskSignoff,
    ReturnToService {
        signature: SignatureId,
    },
    /// It is left behind, with when it was last heard of, so that the wave does not wait for ever.
    MoveToCatchUp {
        last_heard: Option<Timestamp>,
    },
    /// Its rollout was cancelled before it began, or a person wants it out.
    TakeOut,
    /// Back to the old version.
    OrderRollBack {
        pump_seen: RowVersion,
    },
}

/// What else has to be as it was seen when a pump is touched. A rollout that was paused a moment ago, a wave that was halted, a
/// pump that was held: the step changes nothing then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Under {
    pub rollout: RolloutId,
    pub rollout_seen: RowVersion,
    pub wave: WaveId,
    pub wave_seen: RowVersion,
    pub pump_seen: RowVersion,
}

impl AssignmentAction {
    /// What happens to the assignment by it; nothing where only an order goes out, which the row remembers otherwise.
    #[must_use]
    pub const fn event(&self) -> Option<AssignmentEvent> {
        match self {
            Self::IssueTicket { .. } => Some(AssignmentEvent::TicketIssued),
            Self::OrderDownload { .. } => Some(AssignmentEvent::DownloadOrdered),
            Self::OrderInstall { .. } => Some(AssignmentEvent::InstallOrdered),
            Self::EndTicket => Some(AssignmentEvent::TicketEnded),
            Self::MarkUnresponsive { .. } => Some(AssignmentEvent::FellSilent),
            Self::Quarantine { .. } => Some(AssignmentEvent::Failed),
            Self::AskSignoff => Some(AssignmentEvent::ChecksPassed),
            Self::ReturnToService { .. } => Some(AssignmentEvent::Signed),
            Self::MoveToCatchUp { .. } | Self::TakeOut => Some(AssignmentEvent::TakenOut),
            Self::WithdrawTicket { .. } | Self::OrderRollBack { .. } => None,
        }
    }
}

impl fmt::Display for RolloutAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approve => f.write_str("approve"),
            Self::Begin => f.write_str("begin"),
            Self::Halt { tally, .. } => write!(f, "halt: {} of {} pumps failed", tally.failures, tally.total),
            Self::Complete => f.write_str("complete"),
        }
    }
}

impl fmt::Display for WaveAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenBriefing => f.write_str("tell its care areas what comes"),
            Self::Open => f.write_str("open"),
            Self::StartSoak => f.write_str("every pump is accounted for: watch them"),
            Self::Reopen => f.write_str("open again"),
            Self::AskApproval => f.write_str("ask the charge nurses to sign"),
            Self::Pass { .. } => f.write_str("the gate passed"),
            Self::Halt { tally } => write!(f, "halt: {} of {} pumps failed", tally.failures, tally.total),
        }
    }
}

impl fmt::Display for AssignmentAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssueTicket { not_after, .. } => write!(f, "issue a ticket, good until {not_after}"),
            Self::OrderDownload { .. } => f.write_str("order the download"),
            Self::OrderInstall { .. } => f.write_str("order to install when it is safe"),
            Self::WithdrawTicket { why, .. } => write!(f, "take its ticket back: {why}"),
            Self::EndTicket => f.write_str("its ticket ran out"),
            Self::MarkUnresponsive { .. } => write!(f, "hold it: {}", HeldBecause::Silent),
            Self::Quarantine { why } => write!(f, "hold it: {why}"),
            Self::AskSignoff => f.write_str("ask a nurse to sign it as verified"),
            Self::ReturnToService { .. } => f.write_str("verified: back in service"),
            Self::MoveToCatchUp { last_heard } => match last_heard {
                Some(at) => write!(f, "leave it for the catch-up list, last heard of at {at}"),
                None => f.write_str("leave it for the catch-up list, never heard of"),
            },
            Self::TakeOut => f.write_str("take it out"),
            Self::OrderRollBack { .. } => f.write_str("order it back to its old version"),
        }
    }
}

/// Why a ticket is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Withdrawal {
    #[error("its rollout does not run")]
    RolloutStopped,
    #[error("its wave is not open")]
    WaveNotOpen,
    #[error("the pump is held")]
    PumpHeld,
    #[error("another rollout has the pump")]
    OtherRollout,
    #[error("the release does not fit the pump any more")]
    Unfit,
    #[error("somebody wants the pump on its old version")]
    StaysOld,
    #[error("the pump goes to the catch-up list")]
    LeftBehind,
    #[error("somebody took the pump out of the rollout")]
    TakenOut,
    #[error("nothing came of its assignment")]
    Orphan,
}

/// Why a pump is held by a rollout. The words become the reason of the hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum HeldBecause {
    #[error("its checks came to: {}", .0.label().to_lowercase())]
    Checks(CheckOutcome),
    #[error("its checks did not come to an end in time")]
    Overdue,
    #[error("it reports versions that its ticket does not name")]
    WrongVersions,
    #[error("its versions changed without a ticket")]
    ChangedWithoutTicket,
    #[error("it installed without having been told to")]
    InstalledUnasked,
    #[error("it went back to its old firmware")]
    RolledBack,
    #[error("it was told to install and fell silent")]
    Silent,
}

/// What something waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub who: Subject,
    pub what: Wait,
}

/// Who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    Rollout(RolloutId),
    Wave(WaveId),
    Pump { assignment: AssignmentId, pump: PumpId },
}

/// What is done, and what waits. Steps are in the order in which they are carried out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub waiting: Vec<Waiting>,
    /// Pumps that are sent no more firmware for now: they are in use, or may be, and the hospital wants no downloads then (S3).
    pub paused_downloads: BTreeSet<PumpId>,
    /// If there are no steps: as long as nothing else changes, there are none at any instant before this one. Nothing when time
    /// alone leads to none.
    pub next_at: Option<Timestamp>,
}
