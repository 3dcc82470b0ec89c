//! How things are said: the parts of reports that come again and again.

use wire::{
    OrderId, TicketId,
    message::{OrderOutcome, Refusal, UpdateReport, UpdateStage},
    types::{Component, ComponentVersion, Reason},
};

use super::{interlock::explain, state::Saying};

/// Another version than anybody knows.
pub(super) fn retitle(component: &mut Component, tail: &str) {
    let kept: String = component.version.as_str().chars().take(48).collect();
    if let Ok(version) = ComponentVersion::new(&format!("{kept}-{tail}")) {
        component.version = version;
    }
}

pub(super) const fn progress(ticket: TicketId, stage: UpdateStage) -> Saying {
    Saying::Update(UpdateReport {
        ticket,
        stage,
        refusal: None,
        reason: None,
    })
}

pub(super) fn refused(
    ticket: TicketId,
    stage: UpdateStage,
    refusal: Refusal,
    detail: Option<&str>,
) -> Saying {
    Saying::Update(UpdateReport {
        ticket,
        stage,
        refusal: Some(refusal),
        reason: reason(detail.unwrap_or(explain(refusal))),
    })
}

pub(super) const fn done(order: OrderId) -> Saying {
    Saying::Answer {
        order,
        outcome: OrderOutcome::Done,
        reason: None,
    }
}

/// The refusal's word first, for those who do not read the update's report.
pub(super) fn refusal_of(order: OrderId, refusal: Refusal, detail: Option<&str>) -> Saying {
    let text = format!("{}: {}", refusal.as_str(), detail.unwrap_or(explain(refusal)));
    Saying::Answer {
        order,
        outcome: OrderOutcome::Refused,
        reason: reason(&text),
    }
}

/// Cut to what a reason may hold, in one printable line.
pub(super) fn reason(text: &str) -> Option<Reason> {
    let line: String = text
        .chars()
        .take(Reason::MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    Reason::new(&line).ok()
}
