//! What something waits for, in words a person can act on. Nobody should have to ask "why is it stuck".

use thiserror::Error;

use super::{
    floor::AtTheFloor,
    gate::{Objection, Unmet, objected},
    snapshot::Setback,
};
use crate::{
    Timestamp,
    pump::{Activity, HoldKind},
    text::Reason,
};

/// For what.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Wait {
    // A rollout
    #[error("it is still being written; submit it when it is ready")]
    BeingWritten,
    #[error("it begins at {at}")]
    Begins { at: Timestamp },
    #[error("somebody paused it; resume it to go on")]
    Paused,
    #[error("it was halted; somebody has to look, and let it go on with a reason, or cancel it")]
    Halted,
    #[error("it was cancelled; pumps that were told to install come to their end")]
    Cancelled,

    // A rollout or a wave
    #[error("{0}")]
    Gate(Unmet),

    // A wave
    #[error("wave {number} has to pass first")]
    EarlierWave { number: u32 },
    #[error("{unsettled} of {total} pumps are under way or still to begin")]
    Pumps { unsettled: u32, total: u32 },

    // A pump that did not begin to install
    #[error("its rollout does not run")]
    RolloutStopped,
    #[error("its wave is not open")]
    WaveNotOpen,
    #[error("another rollout has the pump; it is this one's turn when that is over")]
    OtherRollout,
    #[error("an older ticket may still be used until {until}; a new one is issued when it is gone")]
    OlderTicket { until: Timestamp },
    #[error("the pump is told to give its ticket back; at the latest it runs out at {until}")]
    TicketBack { until: Timestamp },
    #[error("its ticket ran out; a new one may be issued at {until}, when no clock is slow enough to use it")]
    TicketRanOut { until: Timestamp },
    #[error("somebody wants the pump on its old version; take it out of the rollout")]
    StaysOld,
    #[error(
        "somebody wants the pump on the version before its last update; it is its turn when it went back"
    )]
    GoesBackFirst,
    #[error("the pump is not in the inventory any more; take it out of the rollout")]
    Gone,
    #[error("the pump was retired; take it out of the rollout")]
    Retired,
    #[error("the pump is held ({}); it is its turn when the hold was released", .kind.as_str())]
    Held { kind: HoldKind },
    #[error("the release does not fit the pump: {why}")]
    Unfit { why: Reason },
    #[error("the pump never reported its security counter; refresh its inventory")]
    CounterUnknown,
    #[error(
        "the pump's security counter is {pump}, the release's only {release}; versions never go below it"
    )]
    BelowCounter { pump: u32, release: u32 },
    #[error("the pump is not connected; {}", heard(*.last_heard))]
    NotConnected { last_heard: Option<Timestamp> },
    #[error("the pump is in use ({}{})", .activity.as_str(), if *.patient_attached { ", patient attached" } else { "" })]
    InUse {
        activity: Activity,
        patient_attached: bool,
    },
    #[error("the pump did not say just now that it is free; {}", heard(*.last_heard))]
    Stale { last_heard: Option<Timestamp> },
    #[error("no maintenance window is open; {}", opens(*.next))]
    WindowClosed { next: Option<Timestamp> },
    #[error("the window closes at {until}, which is too soon to begin")]
    WindowTooShort { until: Timestamp },
    #[error("{0}")]
    WardFloor(#[from] AtTheFloor),
    #[error("{most} pumps of the rollout are out of service already, the most at once")]
    UpdatesAtOnce { most: u32 },
    #[error("{most} pumps of the hospital are out of service for updates already, the most at once")]
    HospitalUpdatesAtOnce { most: u32 },
    #[error("{most} pumps of the rollout download already, the most at once")]
    DownloadsAtOnce { most: u32 },
    #[error("{most} downloads share the network already, the most that get anywhere")]
    Bandwidth { most: u32 },
    #[error("the pump {}; it is asked again at {again}", said(.setback))]
    AfterSetback { setback: Setback, again: Timestamp },
    #[error("the pump downloads")]
    Downloading,
    #[error("its download rests while it is in use, or may be; it goes on when the pump is free")]
    DownloadPaused,

    // A pump that is under way
    #[error("the pump was told to install and chooses the moment itself, until {until}")]
    PumpDecides { until: Timestamp },
    #[error("the pump was told to install, and has to say what became of it by {by}")]
    PumpAnswers { by: Timestamp },
    #[error("the pump installs; it has to be heard of by {by}")]
    Installing { by: Timestamp },
    #[error("its checks have to be complete by {by}")]
    Checks { by: Timestamp },
    #[error("its checks passed; it has to report its versions by {by}")]
    Versions { by: Timestamp },
    #[error("a nurse has to sign it as verified{}", objected(*.objection))]
    Signature { objection: Option<Objection> },
    #[error("a nurse has to sign it as verified, and it is in no care area; assign it to one")]
    NoCareArea,

    // A pump that is to go back
    #[error("it is told to go back to its old version when it is free")]
    RollBackWhenFree,
    #[error("it was told to go back to its old version, and did not say so yet")]
    RollingBack,
    #[error(
        "its old version is below the security floor; have the old code released again under a higher counter"
    )]
    RollBackForbidden,
}

fn heard(last_heard: Option<Timestamp>) -> String {
    match last_heard {
        Some(at) => format!("it was last heard of at {at}"),
        None => "it was never heard of".to_owned(),
    }
}

fn opens(next: Option<Timestamp>) -> String {
    match next {
        Some(at) => format!("the next opens at {at}"),
        None => "none is to come; change the windows of the rollout".to_owned(),
    }
}

fn said(setback: &Setback) -> String {
    let times = if setback.count == 1 {
        "once".to_owned()
    } else {
        format!("{} times", setback.count)
    };
    match &setback.words {
        Some(words) => format!("would not or could not, {times}, and said: {words}"),
        None => format!("would not or could not, {times}, and gave no reason"),
    }
}
