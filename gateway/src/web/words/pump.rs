//! Pumps and their states.

use fleet::pump::Status;

use crate::web::icon::Icon;

/// The shape of a status.
pub(in crate::web) const fn icon(status: Status) -> Icon {
    match status {
        Status::InService | Status::UpdateStaged => Icon::Good,
        Status::BeingUpdated | Status::AwaitingChecks => Icon::Working,
        Status::AwaitingSignOff | Status::Missing => Icon::Attention,
        Status::Held | Status::Sequestered => Icon::Stop,
        Status::InBiomed | Status::Retired => Icon::Idle,
    }
}

/// What a status asks of whoever stands before the pump.
pub(in crate::web) const fn to_do(status: Status) -> &'static str {
    match status {
        Status::InService => "May be used.",
        Status::UpdateStaged => "May be used. A software update waits until the pump is free.",
        Status::BeingUpdated => "Do not use: the pump installs a software update.",
        Status::AwaitingChecks => "Do not use: the pump runs its checks after an update.",
        Status::AwaitingSignOff => "Do not use yet: the update is on it, and a nurse has to sign.",
        Status::Held => "Do not use. Get another.",
        Status::InBiomed => "Not for use on a ward.",
        Status::Sequestered => "Do not touch: it is kept as it is.",
        Status::Missing => "Nobody has heard of it for long. If you see it, tell biomed.",
        Status::Retired => "It left the hospital for good.",
    }
}

/// Nothing good can be said of it.
pub(in crate::web) const NEVER_HEARD: &str = "Do not use: nothing was ever heard from it. Tell biomed.";

/// So many pumps.
pub(in crate::web) fn pumps(count: usize) -> String {
    match count {
        1 => "1 pump".to_owned(),
        count => format!("{count} pumps"),
    }
}

/// So many pumps of a model.
pub(in crate::web) fn of_model(count: usize, model: &str) -> String {
    format!("{} ({model})", pumps(count))
}
