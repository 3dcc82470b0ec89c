//! The checks of a held pump are run again: by the pump, on an order, and by people at the bench. Each attempt stays on record.

use fleet::{
    Timestamp,
    access::Permission,
    audit::Action,
    check::{
        Attempt, AutomaticReport, AutomaticResult, CheckSpec, Evaluation, Expectation, RETEST_WITHIN,
        bench_plan, evaluate,
    },
    event::EventKind,
    id::{AccountId, CheckResultId, HoldId, ReleaseId, RetestId},
    pump::{Component, HoldKind, Pump},
    rollout::{VersionSet, state::Stage},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{AssignmentRecord, Db, RetestRecord, RetestResult, StoreError};
use wire::message::{AskedCheck, OrderBody};

use super::{
    super::{CommandError, change::Change, outbox, pump, rollout::BenchReading},
    standing,
};
use crate::{
    app::{Actor, App},
    deed::Deed,
    engine::rollout::{
        check::{self, Entered},
        facts::{self, corrupt},
    },
};

/// What a pump reported, as it is kept beside what it signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reported {
    pub(crate) components: Vec<Component>,
    pub(crate) results: Vec<AutomaticResult>,
}

/// An attempt with what it comes to.
#[derive(Debug, Clone)]
pub struct Tested {
    pub record: RetestRecord,
    pub evaluation: Evaluation,
    /// Who began it, and who ran those checks that a person runs.
    pub run_by: Vec<AccountId>,
    /// What ran on the pump, as it signed it; nothing while it has not.
    pub components: Option<Vec<Component>>,
}

/// Begins an attempt. What was read before counts for nothing any more, and who signed has to sign again.
///
/// # Errors
/// [`CommandError::HoldOver`], [`CommandError::Retired`]; [`CommandError::HoldForbidsOrders`] for evidence, which is touched by
/// nothing.
pub fn begin(app: &App, actor: &Actor, id: HoldId) -> Result<RetestRecord, CommandError> {
    let change = Change::by(actor, app, Permission::CheckEnter);
    let Some(account) = actor.account() else {
        return Err(CommandError::OnlyAPerson);
    };
    let _turn = pump::in_turn();
    let (row, pump, order) = change.commit(|db| {
        let hold = standing(db, id)?;
        let pump = pump::in_use(db, hold.pump)?;
        change.within(pump.care_area)?;
        if hold.kind == HoldKind::Sequestered {
            return Err(CommandError::HoldForbidsOrders { standing: hold.kind });
        }
        let (plan, release) = plan(db, &pump, hold.kind)?;
        let last = db.retest_of(id)?.first().map_or(0, |retest| retest.attempt);
        let row = RetestRecord {
            id: change.id(RetestId::from_uuid),
            hold: id,
            attempt: last.saturating_add(1),
            begun_at: change.now,
            begun_by: account,
            due: change
                .now
                .checked_add_signed(RETEST_WITHIN)
                .unwrap_or(Timestamp::MAX_UTC),
            plan: serde_json::to_value(&plan).map_err(|error| corrupt("begin a retest", error))?,
            release,
        };
        db.retest_create(&row)?;
        let deed = Deed::of(Action::RetestBegun, "hold", id).after(json!({
            "pump": pump.id,
            "retest": row.id,
            "attempt": row.attempt,
            "release": release,
            "checks": plan.iter().map(|spec| &spec.id).collect::<Vec<_>>(),
        }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::Retest,
            Some(pump.id),
            format_args!("retest {} begun", row.attempt),
        )?;
        let checks: Vec<_> = plan.iter().filter_map(asked).collect();
        let order = if checks.is_empty() || !hold.kind.may_be_ordered() {
            None
        } else {
            let retest = row.id;
            let body = OrderBody::RunChecks { retest, checks };
            Some(outbox::give(db, pump.id, body, change.now)?)
        };
        Ok((row, pump.id, order))
    })?;
    if let Some(order) = order {
        pump::deliver(app, pump, order);
    }
    Ok(row)
}

/// What a pump is told of a check: what to read, not what would pass.
fn asked(spec: &CheckSpec) -> Option<AskedCheck> {
    if !spec.conduct.is_automatic() {
        return None;
    }
    let unit = match spec.expect {
        Expectation::Quantity(limits) => Some(limits.unit),
        Expectation::Digest { .. } => None,
        Expectation::Confirmation {} => return None,
    };
    Some(AskedCheck {
        check: spec.id.clone(),
        kind: spec.kind,
        unit,
    })
}

/// The checks of the release that runs on the pump; the hospital's own where none of ours does, and where the pump's word is not
/// taken.
fn plan(
    db: &mut Db<'_>,
    pump: &Pump,
    kind: HoldKind,
) -> Result<(Vec<CheckSpec>, Option<ReleaseId>), CommandError> {
    let running = VersionSet::new(pump.components.clone()).ok();
    let runs_it = |assignment: &&AssignmentRecord| {
        let named = serde_json::from_value(assignment.named.clone()).unwrap_or_default();
        matches!(
            assignment.state.stage(),
            Stage::Updating | Stage::Verified | Stage::Failed
        ) && VersionSet::new(named).ok() == running
    };
    if kind.may_be_ordered()
        && running.is_some()
        && let Some(assignment) = db.assignment_of_pump(pump.id)?.iter().find(runs_it)
    {
        let release = db.rollout_fetch(assignment.rollout)?.release;
        let checks = facts::release(db, release)?.manifest.checks;
        if !checks.is_empty() {
            return Ok((checks, Some(release)));
        }
    }
    Ok((bench_plan(), None))
}

/// Enters what a check of the newest attempt read at the bench.
///
/// # Errors
/// [`CommandError::HoldOver`], [`CommandError::NoRetest`], [`CommandError::NoSuchCheck`].
pub fn enter(app: &App, actor: &Actor, id: HoldId, bench: &BenchReading) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::CheckEnter);
    let Some(account) = actor.account() else {
        return Err(CommandError::OnlyAPerson);
    };
    change.commit(|db| {
        let hold = standing(db, id)?;
        change.within(db.pump_fetch(hold.pump)?.care_area)?;
        let newest = db.retest_of(id)?.into_iter().next();
        let retest = newest.ok_or(CommandError::NoRetest)?;
        let is_meant = |spec: &CheckSpec| spec.id == bench.check && !spec.conduct.is_automatic();
        if !specs(&retest)?.iter().any(is_meant) {
            return Err(CommandError::NoSuchCheck {
                check: bench.check.clone(),
            });
        }
        let entered = Entered::now(bench, change.now, app.people.offset(change.now));
        let body = serde_json::to_value(&entered).map_err(|error| corrupt("keep a reading", error))?;
        db.retest_result_create(&RetestResult {
            id: change.id(CheckResultId::from_uuid),
            retest: retest.id,
            at: change.now,
            account: Some(account),
            body: body.clone(),
            envelope: None,
        })?;
        let deed = Deed::of(Action::CheckEntered, "hold", id)
            .after(json!({ "pump": hold.pump, "retest": retest.id, "entered": body }));
        change.record(db, deed)
    })
}

fn specs(retest: &RetestRecord) -> Result<Vec<CheckSpec>, StoreError> {
    serde_json::from_value(retest.plan.clone()).map_err(|error| corrupt("read a retest", error))
}

/// An attempt with what was read in it. What can not be read proves nothing.
pub(crate) fn tested(db: &mut Db<'_>, record: RetestRecord, now: Timestamp) -> Result<Tested, StoreError> {
    let plan = specs(&record)?;
    let pump = db.hold_fetch(record.hold)?.pump;
    let approved_library = check::approved_library(db, pump)?;
    let mut run_by = vec![record.begun_by];
    let (mut automatic, mut manual, mut components) = (Vec::new(), Vec::new(), None);
    for result in db.retest_result_of(record.id)? {
        if let Some(person) = result.account {
            run_by.push(person);
            let entered: Option<Entered> = serde_json::from_value(result.body).ok();
            manual.extend(entered.and_then(|entered| entered.result(person)));
        } else if let Ok(reported) = serde_json::from_value::<Reported>(result.body) {
            automatic.push(AutomaticReport {
                received_at: result.at,
                results: reported.results,
            });
            components = Some(reported.components);
        }
    }
    run_by.sort_unstable();
    run_by.dedup();
    let evaluation = evaluate(&Attempt {
        plan: &plan,
        approved_library,
        since: record.begun_at,
        automatic_due: record.due,
        manual_due: record.due,
        automatic: &automatic,
        manual: &manual,
        now,
    });
    Ok(Tested {
        record,
        evaluation,
        run_by,
        components,
    })
}
