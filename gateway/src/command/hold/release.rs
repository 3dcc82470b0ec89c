//! The release of a hold (S4): in the transaction of the signature that was the last one missing, or not at all.

use fleet::{
    audit::Action,
    event::EventKind,
    id::{HoldId, PumpId},
    pump::{Component, Pump},
    rollout::{
        VersionSet,
        gate::Signed,
        state::{AssignmentEvent, AssignmentState, Stage},
    },
    signature::Meaning,
};
use serde_json::{Value, json};
use store::{AssignmentRecord, Db};
use wire::message::{Order, OrderBody};

use super::{
    super::{CommandError, change::Change, outbox, pump},
    whole::Whole,
};
use crate::{app::App, deed::Deed, engine::rollout::report::tracked};

/// What is to be done once the transaction stands.
pub(crate) struct Released {
    pump: PumpId,
    order: Order,
}

impl Released {
    /// The gate first, then the pump. An order to a pump that is offline waits in the outbox.
    pub(crate) fn tell(self, app: &App) {
        pump::enforce(app, self.pump, None, false);
        pump::deliver(app, self.pump, self.order);
        app.bell.ring();
    }
}

/// Releases a pump when nothing is missing any more. A hold that ended is left as it is: twice is once.
pub(crate) fn when_complete(
    change: &Change<'_>,
    db: &mut Db<'_>,
    id: HoldId,
) -> Result<Option<Released>, CommandError> {
    let whole = Whole::load(db, id, change.now)?;
    let is_over = whole.hold.ended_at.is_some() || whole.pump.retired_at.is_some();
    let Some(retest) = whole
        .retest
        .as_ref()
        .filter(|_| !is_over && whole.unmet().is_empty())
    else {
        return Ok(None);
    };
    let pump = whole.hold.pump;
    // A nurse's of the ward where the pump was before stands, and is not what it is released on.
    let counts = |signed: &&Signed| {
        signed.meaning != Meaning::ReleasedFromHoldNurse || signed.care_area == whole.pump.care_area
    };
    let signatures: Vec<_> = whole.standing().filter(counts).map(|signed| signed.id).collect();
    db.hold_release(&whole.hold, change.now, retest.record.id, &signatures)?;
    // What only makes sense while the pump is held.
    for waiting in ["hold", "run_checks"] {
        db.order_supersede(pump, waiting, change.now)?;
    }
    let order = outbox::give(db, pump, OrderBody::ReleaseHold, change.now)?;
    let deed = Deed::of(Action::HoldReleased, "pump", pump)
        .before(json!({ "hold": whole.hold.kind }))
        .after(json!({ "id": id, "retest": retest.record.id, "signatures": signatures }));
    change.record(db, deed)?;
    change.tell(
        db,
        EventKind::HoldReleased,
        Some(pump),
        format_args!("{}: {}", whole.hold.kind.as_str(), whole.hold.reason),
    )?;
    settle(change, db, &whole.pump, retest.components.as_deref())?;
    Ok(Some(Released { pump, order }))
}

/// What becomes of the update that the pump was held for. Where what runs is proved to be what its ticket names, it succeeded after
/// all. Else it stays a failure, and the pump serves with what it runs; where that is its old version, the record says so from
/// here on, so that its next report is no news.
fn settle(
    change: &Change<'_>,
    db: &mut Db<'_>,
    pump: &Pump,
    retested: Option<&[Component]>,
) -> Result<(), CommandError> {
    // The one that the pump's reports are about, or else the last that failed before anything was sent.
    let last = if let Some(last) = tracked(db, pump.id)? {
        Some(last)
    } else {
        let mut all = db.assignment_of_pump(pump.id)?.into_iter();
        all.find(|assignment| assignment.state.stage() == Stage::Failed)
    };
    let Some(last) = last.filter(|last| !last.state.is_live()) else {
        return Ok(());
    };
    let failed = matches!(
        last.state,
        AssignmentState::Quarantined | AssignmentState::Unresponsive
    );
    let proved = last.versions_proved || retested.is_some_and(|running| is_set(&last.named, running));
    // It was told to go back and did not. Two people looked at it since: it is not held for that once more.
    let is_told = last.roll_back_at.is_some();
    let last = AssignmentRecord {
        roll_back_by: last.roll_back_by.filter(|_| !is_told),
        roll_back_at: None,
        ..last
    };
    let (event, words) = match (failed, proved) {
        (true, true) => (AssignmentEvent::HoldReleased, "released from its hold, verified"),
        (true, false) if is_set(&last.before, &pump.components) => (
            AssignmentEvent::RolledBack,
            "released from its hold, on its old version",
        ),
        (true, false) | (false, _) if is_told => {
            return Ok(db.assignment_update(&last, last.row_version)?);
        }
        (true, false) | (false, _) => return Ok(()),
    };
    let wanted = AssignmentRecord {
        state: last.state.transition(event)?,
        since: change.now,
        versions_proved: proved,
        ..last.clone()
    };
    db.assignment_update(&wanted, last.row_version)?;
    let deed = Deed::of(Action::RolloutMoved, "assignment", last.id)
        .before(json!({ "state": last.state }))
        .after(json!({ "state": wanted.state, "event": event.as_str() }));
    change.record(db, deed)?;
    change.tell(
        db,
        EventKind::UpdateMoved,
        Some(pump.id),
        format_args!("update: {words}"),
    )
}

/// Whether these are the components of a list on record, in whatever order.
fn is_set(on_record: &Value, running: &[Component]) -> bool {
    let listed: Vec<Component> = serde_json::from_value(on_record.clone()).unwrap_or_default();
    !listed.is_empty() && VersionSet::new(listed) == VersionSet::new(running.to_vec())
}
