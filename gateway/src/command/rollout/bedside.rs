//! What people do at the bedside and at the bench: read a briefing, enter what a check read.

use fleet::{
    access::Permission,
    audit::Action,
    check::Reading,
    id::{CareAreaId, CheckResultId, PumpId, WaveId},
    text::{CheckId, InstrumentId},
};
use serde_json::json;
use store::CheckRecord;

use crate::{
    app::{Actor, App},
    command::{CommandError, change::Change},
    deed::Deed,
    engine::rollout::{
        check::Entered,
        facts::{self, corrupt},
    },
};

/// Somebody read what an update changes at the bedside.
///
/// # Errors
/// [`CommandError::Denied`] outside of the person's own care areas.
pub fn briefing_read(
    app: &App,
    actor: &Actor,
    wave: WaveId,
    care_area: CareAreaId,
) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::BriefingRead);
    let Some(account) = actor.account() else {
        return Err(CommandError::OnlyAPerson);
    };
    change.commit(|db| {
        change.within(Some(care_area))?;
        let wave = db.wave_fetch(wave)?;
        db.briefing_add(wave.id, care_area, account, change.now)?;
        let deed = Deed::of(Action::BriefingRead, "wave", wave.id).after(json!({ "care_area": care_area }));
        change.record(db, deed)
    })?;
    app.bell.ring();
    Ok(())
}

/// What a person read at the bench.
#[derive(Debug, Clone)]
pub struct BenchReading {
    pub check: CheckId,
    /// Nothing when the check was not run.
    pub reading: Option<Reading>,
    /// With what, and until when that is calibrated.
    pub instrument: Option<(InstrumentId, chrono::NaiveDate)>,
}

/// Enters what a check of a pump read, after its update.
///
/// # Errors
/// [`CommandError::NotUnderTest`], [`CommandError::NoSuchCheck`].
pub fn check_enter(app: &App, actor: &Actor, pump: PumpId, bench: &BenchReading) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::CheckEnter);
    let Some(account) = actor.account() else {
        return Err(CommandError::OnlyAPerson);
    };
    change.commit(|db| {
        let all = db.assignment_of_pump(pump)?;
        let assignment = all.iter().find(|assignment| assignment.state.is_under_test());
        let assignment = assignment.ok_or(CommandError::NotUnderTest)?;
        let rollout = db.rollout_fetch(assignment.rollout)?;
        let release = facts::release(db, rollout.release)?;
        let asked = release
            .manifest
            .checks
            .iter()
            .find(|check| check.id == bench.check);
        if asked.is_none_or(|check| check.conduct.is_automatic()) {
            return Err(CommandError::NoSuchCheck {
                check: bench.check.clone(),
            });
        }
        let entered = Entered::now(bench, change.now, app.people.offset(change.now));
        let body = serde_json::to_value(&entered).map_err(|error| corrupt("keep a reading", error))?;
        db.check_result_create(&CheckRecord {
            id: change.id(CheckResultId::from_uuid),
            assignment: assignment.id,
            attempt: 1,
            at: change.now,
            account: Some(account),
            body: body.clone(),
            envelope: None,
        })?;
        let deed = Deed::of(Action::CheckEntered, "pump", pump)
            .after(json!({ "assignment": assignment.id, "entered": body }));
        change.record(db, deed)
    })?;
    app.bell.ring();
    Ok(())
}
