//! What people want of single pumps of a rollout: the old version back, one more try, or that it goes on without them.
//!
//! Nothing is sent to a pump here. The wish is put on record, and the loop carries it out when the rules allow it: a ticket that is
//! out is taken back first, a pump goes back when it is free.

use fleet::{
    access::Permission,
    audit::Action,
    event::EventKind,
    id::{AccountId, PumpId, RolloutId, WaveId},
    rollout::state::{AssignmentEvent, AssignmentState, RolloutEvent, RolloutState, Stage},
    text::Reason,
};
use serde_json::json;
use store::{AssignmentRecord, Db, StoreError};

use crate::{
    app::{Actor, App},
    command::{CommandError, change::Change},
    deed::Deed,
};

/// Whether there is something to go back from: it was told to install, and runs the new version or may do so any moment.
const fn may_go_back(state: AssignmentState) -> bool {
    match state {
        AssignmentState::AwaitingSafe
        | AssignmentState::Installing
        | AssignmentState::TrialBoot
        | AssignmentState::SelfTest
        | AssignmentState::AwaitingSignoff
        | AssignmentState::InService
        | AssignmentState::Quarantined => true,
        AssignmentState::Planned
        | AssignmentState::Authorised
        | AssignmentState::Downloading
        | AssignmentState::Staged
        | AssignmentState::RolledBack
        | AssignmentState::Unresponsive
        | AssignmentState::Cancelled => false,
    }
}

/// Asks for a pump's old version. It goes back when it is free, and where its counter allows (S9).
///
/// # Errors
/// [`CommandError::NothingToRollBack`].
pub fn roll_back(app: &App, actor: &Actor, pump: PumpId, reason: &Reason) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::RolloutRun);
    let account = actor.account().ok_or(CommandError::OnlyAPerson)?;
    change.commit(|db| {
        let last = db.assignment_last_told(&[pump])?.remove(&pump);
        let last = last.map(|last| db.assignment_fetch(last)).transpose()?;
        let assignment = last
            .filter(|last| may_go_back(last.state))
            .ok_or(CommandError::NothingToRollBack)?;
        wish_back(&change, db, &assignment, account, reason)
    })?;
    app.bell.ring();
    Ok(())
}

fn wish_back(
    change: &Change<'_>,
    db: &mut Db<'_>,
    assignment: &AssignmentRecord,
    account: AccountId,
    reason: &Reason,
) -> Result<(), CommandError> {
    let wanted = AssignmentRecord {
        roll_back_by: Some(account),
        roll_back_at: None,
        ..assignment.clone()
    };
    db.assignment_update(&wanted, assignment.row_version)?;
    let deed = Deed::of(Action::RollBackAsked, "pump", assignment.pump)
        .after(json!({ "assignment": assignment.id }))
        .because(reason);
    change.record(db, deed)?;
    change.tell(
        db,
        EventKind::UpdateMoved,
        Some(assignment.pump),
        format_args!("asked for the old version: {reason}"),
    )
}

/// What a wish for the old version of a whole wave came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaveBack {
    /// So many pumps go back, each when it is free and where its counter allows.
    pub asked: usize,
    /// Whether its rollout was halted by this: nothing else of it begins until somebody lets it go on.
    pub halted: bool,
}

/// Asks for the old version of every pump of a wave that has the new one, or may have it any moment. A rollout that runs is halted with it, or its other
/// pumps would go where these come back from.
///
/// # Errors
/// [`CommandError::NothingToRollBack`].
pub fn wave_roll_back(
    app: &App,
    actor: &Actor,
    wave: WaveId,
    reason: &Reason,
) -> Result<WaveBack, CommandError> {
    let change = Change::by(actor, app, Permission::RolloutRun);
    let account = actor.account().ok_or(CommandError::OnlyAPerson)?;
    let done = change.commit(|db| {
        let wave = db.wave_fetch(wave)?;
        let rollout = db.rollout_fetch(wave.rollout)?;
        let mut going = db.assignment_of(&[rollout.id])?;
        going.retain(|row| row.wave == wave.id && row.roll_back_by.is_none() && may_go_back(row.state));
        // What a later rollout brought since then is not what goes back.
        let pumps: Vec<_> = going.iter().map(|row| row.pump).collect();
        let last = db.assignment_last_told(&pumps)?;
        going.retain(|row| last.get(&row.pump) == Some(&row.id));
        if going.is_empty() {
            return Err(CommandError::NothingToRollBack);
        }
        let halted = matches!(rollout.state, RolloutState::Running | RolloutState::Paused);
        if halted {
            let state = rollout.state.transition(RolloutEvent::Halted)?;
            db.rollout_move(rollout.id, rollout.row_version, state, Some(reason), change.now)?;
            let deed = Deed::of(Action::RolloutMoved, "rollout", rollout.id)
                .before(json!({ "state": rollout.state }))
                .after(json!({ "state": state, "event": RolloutEvent::Halted.as_str() }))
                .because(reason);
            change.record(db, deed)?;
            let what = format_args!(
                "rollout {}: wave {} goes back: {reason}",
                rollout.name, wave.number
            );
            change.tell(db, EventKind::RolloutHalted, None, what)?;
        }
        for assignment in &going {
            wish_back(&change, db, assignment, account, reason)?;
        }
        Ok(WaveBack {
            asked: going.len(),
            halted,
        })
    })?;
    app.bell.ring();
    Ok(done)
}

/// The newest assignment of a pump in a rollout that is not over, of those that fit; in one rollout, where that is named.
fn in_hand(
    db: &mut Db<'_>,
    pump: PumpId,
    of: Option<RolloutId>,
    fits: impl Fn(&AssignmentRecord) -> bool,
) -> Result<Option<AssignmentRecord>, StoreError> {
    for assignment in db.assignment_of_pump(pump)? {
        if of.is_some_and(|of| of != assignment.rollout) || !fits(&assignment) {
            continue;
        }
        match db.rollout_fetch(assignment.rollout)?.state {
            RolloutState::Scheduled | RolloutState::Running | RolloutState::Paused | RolloutState::Halted => {
                return Ok(Some(assignment));
            }
            // What is not approved is written anew; what is over takes nothing up again.
            RolloutState::Draft
            | RolloutState::AwaitingApproval
            | RolloutState::Completed
            | RolloutState::Cancelled => {}
        }
    }
    Ok(None)
}

/// Tries a pump again that was left behind or taken out. Its time runs anew, and so do its attempts; every gate holds for it as for
/// the others. A failure is not tried again: it is held, and what comes after that is another rollout's. Without `of` it is the newest
/// rollout that fits.
///
/// # Errors
/// [`CommandError::NothingToTryAgain`].
pub fn try_again(
    app: &App,
    actor: &Actor,
    pump: PumpId,
    of: Option<RolloutId>,
    reason: &Reason,
) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::RolloutRun);
    change.commit(|db| {
        let may = |row: &AssignmentRecord| row.state.transition(AssignmentEvent::TriedAgain).is_ok();
        let assignment = in_hand(db, pump, of, may)?.ok_or(CommandError::NothingToTryAgain)?;
        let wanted = AssignmentRecord {
            state: assignment.state.transition(AssignmentEvent::TriedAgain)?,
            since: change.now,
            again_at: Some(change.now),
            leaves_by: None,
            left_behind: false,
            last_heard: None,
            setback_at: None,
            setback_count: 0,
            setback_words: None,
            roll_back_by: None,
            roll_back_at: None,
            ..assignment.clone()
        };
        db.assignment_update(&wanted, assignment.row_version)?;
        let deed = Deed::of(Action::UpdateTriedAgain, "pump", pump)
            .before(json!({ "state": assignment.state, "left_behind": assignment.left_behind }))
            .after(json!({ "assignment": assignment.id, "state": wanted.state }))
            .because(reason);
        change.record(db, deed)?;
        let what = format_args!("update: it is tried again: {reason}");
        change.tell(db, EventKind::UpdateMoved, Some(pump), what)
    })?;
    app.bell.ring();
    Ok(())
}

/// Takes a pump out of its rollout: it is not updated, and does not count for what its wave has to come to. The gate says how many
/// were taken out, and the hash that is signed for covers it. A pump that installs comes to its end first, and one that failed
/// stays a failure.
///
/// # Errors
/// [`CommandError::NothingToTakeOut`].
pub fn take_out(
    app: &App,
    actor: &Actor,
    pump: PumpId,
    of: Option<RolloutId>,
    reason: &Reason,
) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::RolloutRun);
    let account = actor.account().ok_or(CommandError::OnlyAPerson)?;
    change.commit(|db| {
        let assignment = in_hand(db, pump, of, may_leave)?.ok_or(CommandError::NothingToTakeOut)?;
        let wanted = AssignmentRecord {
            leaves_by: Some(account),
            left_behind: false,
            ..assignment.clone()
        };
        db.assignment_update(&wanted, assignment.row_version)?;
        let deed = Deed::of(Action::UpdateTakenOut, "pump", pump)
            .before(json!({ "state": assignment.state, "left_behind": assignment.left_behind }))
            .after(json!({ "assignment": assignment.id }))
            .because(reason);
        change.record(db, deed)?;
        let what = format_args!("update: somebody took it out of the rollout: {reason}");
        change.tell(db, EventKind::UpdateMoved, Some(pump), what)
    })?;
    app.bell.ring();
    Ok(())
}

fn may_leave(assignment: &AssignmentRecord) -> bool {
    match assignment.state.stage() {
        Stage::Waiting | Stage::Preparing => assignment.leaves_by.is_none(),
        Stage::Updating => {
            assignment.state == AssignmentState::AwaitingSafe && assignment.leaves_by.is_none()
        }
        Stage::Left => assignment.left_behind,
        Stage::Verified | Stage::Failed => false,
    }
}
