//! Rollouts: how far they, their waves and their pumps are, what each waits for, and who is asked.

use fleet::{
    Timestamp,
    pump::HoldKind,
    rollout::{
        Wait,
        gate::Unmet,
        state::{AssignmentState, RolloutState, WaveState},
    },
};

use crate::{command::rollout::Act, web::icon::Icon};

/// The shape of a rollout's state.
pub(in crate::web) const fn of_rollout(state: RolloutState) -> Icon {
    match state {
        RolloutState::Draft | RolloutState::Cancelled => Icon::Idle,
        RolloutState::AwaitingApproval | RolloutState::Paused => Icon::Attention,
        RolloutState::Scheduled | RolloutState::Running => Icon::Working,
        RolloutState::Completed => Icon::Good,
        RolloutState::Halted => Icon::Stop,
    }
}

/// The shape of a wave's state.
pub(in crate::web) const fn of_wave(state: WaveState) -> Icon {
    match state {
        WaveState::Pending => Icon::Idle,
        WaveState::Briefing | WaveState::AwaitingApproval => Icon::Attention,
        WaveState::Open | WaveState::Soaking => Icon::Working,
        WaveState::Passed => Icon::Good,
        WaveState::Halted => Icon::Stop,
    }
}

/// The shape of what became of a pump.
pub(in crate::web) const fn of_update(state: AssignmentState) -> Icon {
    match state {
        AssignmentState::Planned | AssignmentState::Cancelled => Icon::Idle,
        AssignmentState::Authorised
        | AssignmentState::Downloading
        | AssignmentState::Staged
        | AssignmentState::AwaitingSafe
        | AssignmentState::Installing
        | AssignmentState::TrialBoot
        | AssignmentState::SelfTest => Icon::Working,
        AssignmentState::AwaitingSignoff => Icon::Attention,
        AssignmentState::InService => Icon::Good,
        AssignmentState::RolledBack | AssignmentState::Quarantined | AssignmentState::Unresponsive => {
            Icon::Stop
        }
    }
}

/// What became of a pump, in words.
pub(in crate::web) const fn update(state: AssignmentState, left_behind: bool) -> &'static str {
    match state {
        AssignmentState::Planned => "Waiting",
        AssignmentState::Authorised => "May begin",
        AssignmentState::Downloading => "Downloading",
        AssignmentState::Staged => "Update is on it",
        AssignmentState::AwaitingSafe => "Waiting until it is free",
        AssignmentState::Installing | AssignmentState::TrialBoot => "Being updated",
        AssignmentState::SelfTest => "Being checked",
        AssignmentState::AwaitingSignoff => "A nurse has to sign",
        AssignmentState::InService => "Updated, in service",
        AssignmentState::RolledBack => "Back on the old version",
        AssignmentState::Quarantined => "Held",
        AssignmentState::Unresponsive => "No answer",
        AssignmentState::Cancelled if left_behind => "Catch-up list",
        AssignmentState::Cancelled => "Taken out",
    }
}

/// The kind of a hold.
pub(in crate::web) const fn hold(kind: HoldKind) -> &'static str {
    match kind {
        HoldKind::Clinical => "Held",
        HoldKind::SecurityIsolation => "Cut off from the network",
        HoldKind::Sequestered => "Kept as evidence",
    }
}

/// What is done to a rollout: the verb on the button.
pub(in crate::web) const fn act(act: Act) -> &'static str {
    match act {
        Act::Submit => "Submit for approval",
        Act::SendBack => "Send it back",
        Act::Pause => "Pause",
        Act::Resume => "Let it go on",
        Act::Halt => "Halt",
        Act::Cancel => "Cancel the rollout",
    }
}

/// What that does.
pub(in crate::web) const fn act_does(act: Act) -> &'static str {
    match act {
        Act::Submit => {
            "Somebody other than the author is asked to approve it. Nothing is sent to a pump before that."
        }
        Act::SendBack => "It is a draft again, and whoever approved it has to approve it anew.",
        Act::Pause => "No further pump begins. Pumps that install now come to their end.",
        Act::Resume => {
            "Pumps of open waves may begin again and get their time anew. After a halt this also accepts the failures so far."
        }
        Act::Halt => "No further pump begins until somebody looked and let it go on with a reason.",
        Act::Cancel => {
            "No further pump begins, for good. Pumps that install now come to their end; the others keep what they run."
        }
    }
}

/// For what a pump, a wave or a rollout waits. Times are said by `at`.
pub(in crate::web) fn wait(wait: &Wait, at: &dyn Fn(Timestamp) -> String) -> String {
    let heard = |last: Option<Timestamp>| {
        last.map_or_else(
            || "never heard of".to_owned(),
            |last| format!("last heard {}", at(last)),
        )
    };
    match wait {
        Wait::BeingWritten => "It is a draft: submit it when it is ready".to_owned(),
        Wait::Begins { at: begins } => format!("It begins at {}", at(*begins)),
        Wait::Paused => "Somebody paused it".to_owned(),
        Wait::Halted => "It was halted: look at the failures, then let it go on or cancel it".to_owned(),
        Wait::Cancelled => "It was cancelled; pumps that install come to their end".to_owned(),
        Wait::Gate(unmet) => self::unmet(unmet, at),
        Wait::EarlierWave { number } => format!("Wave {number} has to pass first"),
        Wait::Pumps { unsettled, total } => {
            format!("{unsettled} of {total} pumps are under way or still to begin")
        }
        Wait::RolloutStopped => "The rollout does not run".to_owned(),
        Wait::WaveNotOpen => "Its wave is not open yet".to_owned(),
        Wait::OtherRollout => "Another rollout has it first".to_owned(),
        Wait::OlderTicket { until } => format!("An older permission to install ends at {}", at(*until)),
        Wait::TicketBack { until } => {
            format!(
                "It was told to give its permission back; that ends at {} at the latest",
                at(*until)
            )
        }
        Wait::TicketRanOut { until } => format!(
            "Its permission to install ran out; a new one comes at {}",
            at(*until)
        ),
        Wait::StaysOld => "Somebody wants it on its old version: take it out".to_owned(),
        Wait::GoesBackFirst => {
            "Somebody wants it on the version before its last update: that comes first".to_owned()
        }
        Wait::Gone => "It is not in the inventory any more: take it out".to_owned(),
        Wait::Retired => "It left the hospital: take it out".to_owned(),
        Wait::Held { kind } => format!("{}: its turn comes when that is over", hold(*kind)),
        Wait::Unfit { why } => format!("The release does not fit it: {why}"),
        Wait::CounterUnknown => {
            "It never said how old a version it may run: ask it for its inventory".to_owned()
        }
        Wait::BelowCounter { .. } => "It runs something newer; the release would be a step back".to_owned(),
        Wait::NotConnected { last_heard } => format!("Not connected, {}", heard(*last_heard)),
        Wait::InUse {
            patient_attached: true,
            ..
        } => "In use with a patient".to_owned(),
        Wait::InUse { .. } => "In use".to_owned(),
        Wait::Stale { last_heard } => format!("Not known to be free, {}", heard(*last_heard)),
        Wait::WindowClosed { next: Some(next) } => {
            format!("Outside of its hours; they begin at {}", at(*next))
        }
        Wait::WindowClosed { next: None } => "Outside of its hours, and none are to come".to_owned(),
        Wait::WindowTooShort { until } => format!("Its hours end at {}: too soon to begin", at(*until)),
        Wait::WardFloor(floor) => format!(
            "Its care area has {} in service and keeps {}: it goes when one is back",
            floor.in_service, floor.floor
        ),
        Wait::UpdatesAtOnce { most } => {
            format!("{most} pumps of the rollout are being updated, the most at once")
        }
        Wait::HospitalUpdatesAtOnce { most } => {
            format!("{most} pumps of the hospital are being updated, the most at once")
        }
        Wait::DownloadsAtOnce { most } => format!("{most} pumps of the rollout download, the most at once"),
        Wait::Bandwidth { most } => format!("{most} pumps download, the most that the network bears"),
        Wait::AfterSetback { setback, again } => match &setback.words {
            Some(words) => format!("It said no: {words}. Asked again at {}", at(*again)),
            None => format!("It said no without a reason. Asked again at {}", at(*again)),
        },
        Wait::Downloading => "It downloads".to_owned(),
        Wait::DownloadPaused => "Its download rests while it is in use".to_owned(),
        Wait::PumpDecides { until } => format!("It chooses a safe moment itself, until {}", at(*until)),
        Wait::PumpAnswers { by } => format!("It has to say what became of it by {}", at(*by)),
        Wait::Installing { by } => format!("It installs, and has to be heard of by {}", at(*by)),
        Wait::Checks { by } => format!("Its checks have to be complete by {}", at(*by)),
        Wait::Versions { by } => format!("Its checks passed; it has to say what it runs by {}", at(*by)),
        Wait::Signature { objection } => match objection {
            None => "A nurse has to sign it as verified".to_owned(),
            Some(objection) => format!("A nurse has to sign it as verified: {objection}"),
        },
        Wait::NoCareArea => "A nurse has to sign it, and it is in no care area: give it one".to_owned(),
        Wait::RollBackWhenFree => "It goes back to its old version when it is free".to_owned(),
        Wait::RollingBack => "It was told to go back, and did not say so yet".to_owned(),
        Wait::RollBackForbidden => {
            "Its old version is too old to return to: ask the manufacturer to release it again".to_owned()
        }
    }
}

/// A condition that is not met, and who is asked.
pub(in crate::web) fn unmet(unmet: &Unmet, at: &dyn Fn(Timestamp) -> String) -> String {
    match unmet {
        Unmet::Approvals { have, needed } => {
            format!("{have} of {needed} people have approved it, other than its author")
        }
        Unmet::Briefing {
            area,
            briefed,
            staff,
            needed,
        } => format!("{area}: {briefed} of {staff} people have read the briefing, {needed} have to"),
        Unmet::BriefingUnsigned { area, .. } => format!("{area}: the charge nurse has to sign the briefing"),
        Unmet::Unsettled { count, total } => format!("{count} of {total} pumps are still under way"),
        Unmet::TooFewVerified {
            verified,
            total,
            needed,
            ..
        } => format!("{verified} of {total} pumps are verified, {needed} have to be"),
        Unmet::TooManyFailures { failures, total, .. } => {
            format!("{failures} of {total} pumps failed: too many")
        }
        Unmet::Soak { until } => format!("It is watched until {}", at(*until)),
        Unmet::WaveUnsigned { area, .. } => format!("{area}: the charge nurse has to sign for the wave"),
        Unmet::Retest => "The retest has to pass".to_owned(),
        Unmet::NurseUnsigned { objection } => {
            asked("A nurse of its care area has to sign", objection.as_ref())
        }
        Unmet::BiomedUnsigned { objection } => asked("Biomed has to sign", objection.as_ref()),
        Unmet::SecurityUnsigned { objection } => asked("Security has to sign", objection.as_ref()),
        Unmet::Evidence => "It is evidence until somebody ends that; it is held then".to_owned(),
    }
}

fn asked(who: &str, objection: Option<&fleet::rollout::gate::Objection>) -> String {
    match objection {
        None => who.to_owned(),
        Some(objection) => format!("{who}: {objection}"),
    }
}
