//! A rollout as a whole is submitted, stopped, let go on or given up.

use fleet::{
    access::Permission,
    audit::Action,
    event::EventKind,
    id::RolloutId,
    rollout::state::{RolloutEvent, RolloutState, Stage, WaveEvent, WaveState},
    text::Reason,
};
use serde_json::json;
use store::{Db, RolloutRecord, WaveRecord};

use crate::{
    app::{Actor, App},
    command::{CommandError, change::Change},
    deed::Deed,
};

/// What a person does to a rollout as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Asks for approval.
    Submit,
    /// Takes it back, to be written anew.
    SendBack,
    /// Stops it for a while.
    Pause,
    /// Lets it go on.
    Resume,
    /// Stops it until somebody looked.
    Halt,
    /// Gives it up.
    Cancel,
}

impl Act {
    pub(crate) const fn permission(self) -> Permission {
        match self {
            Self::Submit | Self::SendBack => Permission::RolloutAuthor,
            Self::Pause | Self::Halt => Permission::RolloutHalt,
            Self::Resume | Self::Cancel => Permission::RolloutRun,
        }
    }

    pub(crate) const fn event(self) -> RolloutEvent {
        match self {
            Self::Submit => RolloutEvent::Submitted,
            Self::SendBack => RolloutEvent::SentBack,
            Self::Pause => RolloutEvent::Paused,
            Self::Resume => RolloutEvent::Resumed,
            Self::Halt => RolloutEvent::Halted,
            Self::Cancel => RolloutEvent::Cancelled,
        }
    }

    /// Whether it has to be said why.
    pub(crate) const fn needs_reason(self) -> bool {
        !matches!(self, Self::Submit)
    }
}

/// Moves a rollout. Letting it go on gives the pumps of open waves their time anew: they could not use it. After a halt it also
/// accepts the failures that the waves have by then, and lets halted ones go on.
///
/// # Errors
/// [`CommandError::Illegal`], [`CommandError::ReasonNeeded`].
pub fn act(
    app: &App,
    actor: &Actor,
    id: RolloutId,
    act: Act,
    reason: Option<&Reason>,
) -> Result<RolloutRecord, CommandError> {
    if act.needs_reason() && reason.is_none() {
        return Err(CommandError::ReasonNeeded);
    }
    let change = Change::by(actor, app, act.permission());
    let row = change.commit(|db| {
        let row = db.rollout_fetch(id)?;
        let event = act.event();
        let state = row.state.transition(event)?;
        db.rollout_move(id, row.row_version, state, reason, change.now)?;
        if act == Act::SendBack {
            // Who approved it approved what it was.
            db.rollout_rewrite(id)?;
        }
        if act == Act::Resume {
            for wave in db.wave_of(&[id])? {
                resume_wave(&change, db, &wave, row.state == RolloutState::Halted)?;
            }
        }
        let mut deed = Deed::of(Action::RolloutMoved, "rollout", id)
            .before(json!({ "state": row.state }))
            .after(json!({ "state": state, "event": event.as_str() }));
        if let Some(reason) = reason {
            deed = deed.because(reason);
        }
        change.record(db, deed)?;
        let kind = match act {
            Act::Halt => EventKind::RolloutHalted,
            Act::Submit | Act::SendBack | Act::Pause | Act::Resume | Act::Cancel => EventKind::RolloutMoved,
        };
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        change.tell(
            db,
            kind,
            None,
            format_args!("rollout {}: {}{why}", row.name, state.label()),
        )?;
        Ok(db.rollout_fetch(id)?)
    })?;
    app.bell.ring();
    Ok(row)
}

fn resume_wave(
    change: &Change<'_>,
    db: &mut Db<'_>,
    wave: &WaveRecord,
    after_halt: bool,
) -> Result<(), CommandError> {
    let state = match wave.state {
        WaveState::Halted => wave.state.transition(WaveEvent::Resumed)?,
        WaveState::Pending | WaveState::Briefing => return Ok(()),
        WaveState::Open | WaveState::Soaking | WaveState::AwaitingApproval | WaveState::Passed => wave.state,
    };
    let failures = db
        .assignment_of(&[wave.rollout])?
        .iter()
        .filter(|assignment| assignment.wave == wave.id && assignment.state.stage() == Stage::Failed)
        .count();
    let wanted = WaveRecord {
        state,
        since: if state == wave.state {
            wave.since
        } else {
            change.now
        },
        opened_at: wave.opened_at.and(Some(change.now)),
        failures_accepted: if after_halt {
            i64::try_from(failures).unwrap_or(i64::MAX)
        } else {
            wave.failures_accepted
        },
        ..wave.clone()
    };
    db.wave_update(&wanted, wave.row_version)?;
    let deed = Deed::of(Action::RolloutMoved, "wave", wave.id)
        .before(json!({ "state": wave.state }))
        .after(json!({ "state": wanted.state, "failures_accepted": wanted.failures_accepted }));
    change.record(db, deed)
}
