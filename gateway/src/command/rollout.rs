//! What people do with rollouts: write, submit, stop and let go on; read a briefing, enter what a bench read, ask for the old
//! version. Everything else the loop does by itself, when the rules say so.

use fleet::{
    Timestamp,
    access::Permission,
    audit::Action,
    check::Reading,
    event::EventKind,
    id::{AssignmentId, CareAreaId, CheckResultId, PumpId, ReleaseId, RolloutId, WaveId},
    release::{Manifest, Target, TargetPath},
    rollout::{
        Plan, Subject, plan,
        spec::{LimitsSpec, Spec},
        state::{AssignmentState, RolloutEvent, RolloutState, Stage, WaveEvent, WaveState},
    },
    text::{CheckId, Name, Reason},
};
use serde_json::json;
use store::{
    AssignmentRecord, CheckRecord, Db, ModelRecord, PumpListing, RolloutRecord, StoreError, WardFloorRecord,
    WaveRecord,
};

use super::{
    CommandError,
    change::Change,
    preview::{Divided, divide},
};
use crate::{
    app::{Actor, App},
    deed::Deed,
    engine::rollout::{
        check::Entered,
        facts::{self, corrupt},
    },
};

/// A rollout as somebody wants it.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub name: Name,
    pub release: ReleaseId,
    pub spec: Spec,
    /// Why it can not wait, if it can not.
    pub emergency: Option<Reason>,
    /// It does not begin before.
    pub begins_at: Option<Timestamp>,
}

/// Writes a rollout: its waves and the pumps in them are fixed from here on. It does nothing until others approved it.
///
/// # Errors
/// [`CommandError::Spec`], [`CommandError::NoPumps`].
pub fn write(app: &App, actor: &Actor, wanted: &Wanted) -> Result<RolloutRecord, CommandError> {
    wanted.spec.check()?;
    let change = Change::by(actor, app, Permission::RolloutAuthor);
    let Some(author) = actor.account() else {
        return Err(CommandError::OnlyAPerson);
    };
    change.commit(|db| {
        let Divided {
            division,
            pumps,
            release,
        } = divide(db, wanted.release, &wanted.spec)?;
        if division.waves.iter().all(Vec::is_empty) {
            return Err(CommandError::NoPumps {
                left_out: division.left_out.len(),
            });
        }
        // S2: a wave without pumps proves nothing, and would open the way to the next.
        let empty = division
            .waves
            .iter()
            .zip(&wanted.spec.waves)
            .find(|(wave, _)| wave.is_empty());
        if let Some((_, wave)) = empty {
            return Err(CommandError::EmptyWave {
                name: wave.name.clone(),
            });
        }
        let limits = wanted.spec.limits.complete();
        let spec = Spec {
            limits: LimitsSpec::whole(&limits),
            ..wanted.spec.clone()
        };
        let row = RolloutRecord {
            id: change.id(RolloutId::from_uuid),
            row_version: 1,
            name: wanted.name.clone(),
            release: wanted.release,
            state: RolloutState::Draft,
            since: change.now,
            author,
            emergency: wanted.emergency.clone(),
            begins_at: wanted.begins_at.unwrap_or(change.now),
            spec: serde_json::to_value(&spec).map_err(|error| corrupt("write a rollout", error))?,
            content_version: 1,
            why: None,
            made_at: change.now,
        };
        let waves: Vec<_> = (1..)
            .zip(&spec.waves)
            .map(|(number, wave)| WaveRecord {
                id: change.id(WaveId::from_uuid),
                rollout: row.id,
                number,
                name: wave.name.clone(),
                row_version: 1,
                state: WaveState::Pending,
                since: change.now,
                opened_at: None,
                failures_accepted: 0,
                evidence: None,
            })
            .collect();
        db.rollout_create(&row, &waves)?;
        let mut assignments = Vec::new();
        for (wave, members) in waves.iter().zip(&division.waves) {
            for (pump, target) in members {
                let heard = db.report_last_seq(*pump)?.unwrap_or_default();
                let pump = pumps.get(pump).ok_or(StoreError::NotFound {
                    what: "pump",
                    id: pump.to_string(),
                })?;
                assignments.push(assignment(&change, wave, &release.manifest, pump, target, heard)?);
            }
        }
        db.assignment_create(&assignments)?;
        let deed = Deed::of(Action::RolloutWritten, "rollout", row.id).after(json!({
            "name": row.name,
            "release": row.release,
            "spec": row.spec,
            "emergency": row.emergency,
            "pumps": assignments.len(),
        }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::RolloutMoved,
            None,
            format_args!(
                "rollout {} written, {} pumps in {} waves",
                row.name,
                assignments.len(),
                waves.len()
            ),
        )?;
        Ok(row)
    })
}

/// A pump in a wave, as it is before anything is done with it.
pub(crate) fn assignment(
    change: &Change<'_>,
    wave: &WaveRecord,
    manifest: &Manifest,
    listing: &PumpListing,
    target: &TargetPath,
    heard: i64,
) -> Result<AssignmentRecord, StoreError> {
    let chosen = manifest
        .targets
        .iter()
        .find(|candidate| candidate.path == *target);
    let chosen: &Target = chosen.ok_or_else(|| corrupt("write a rollout", "the release lost a file"))?;
    let before = &listing.pump.components;
    let named = manifest.after(chosen, before);
    let care_area = listing.pump.care_area;
    let care_area = care_area.ok_or_else(|| corrupt("write a rollout", "a pump lost its care area"))?;
    Ok(AssignmentRecord {
        id: change.id(AssignmentId::from_uuid),
        wave: wave.id,
        rollout: wave.rollout,
        pump: listing.pump.id,
        care_area,
        row_version: 1,
        state: AssignmentState::Planned,
        since: change.now,
        target: target.clone(),
        before: json!(before),
        named: json!(named),
        ticket: None,
        heard,
        booted: None,
        booted_at: None,
        versions_proved: false,
        setback_at: None,
        setback_count: 0,
        setback_words: None,
        left_behind: false,
        roll_back_by: None,
        roll_back_at: None,
        last_heard: None,
        joined_at: None,
    })
}

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
    const fn permission(self) -> Permission {
        match self {
            Self::Submit | Self::SendBack => Permission::RolloutAuthor,
            Self::Pause | Self::Halt => Permission::RolloutHalt,
            Self::Resume | Self::Cancel => Permission::RolloutRun,
        }
    }

    const fn event(self) -> RolloutEvent {
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
    const fn needs_reason(self) -> bool {
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
    pub instrument: Option<(fleet::text::InstrumentId, chrono::NaiveDate)>,
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
        let is_under_test = |state: AssignmentState| {
            matches!(
                state,
                AssignmentState::TrialBoot | AssignmentState::SelfTest | AssignmentState::AwaitingSignoff
            )
        };
        let assignment = all.iter().find(|assignment| is_under_test(assignment.state));
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

/// Asks for a pump's old version. It goes back when it is free, and where its counter allows (S9).
///
/// # Errors
/// [`CommandError::NothingToRollBack`].
pub fn roll_back(app: &App, actor: &Actor, pump: PumpId, reason: &Reason) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::RolloutRun);
    let Some(account) = actor.account() else {
        return Err(CommandError::OnlyAPerson);
    };
    change.commit(|db| {
        let newest = db.assignment_of_pump(pump)?.into_iter().find(|assignment| {
            matches!(
                assignment.state,
                AssignmentState::SelfTest
                    | AssignmentState::AwaitingSignoff
                    | AssignmentState::InService
                    | AssignmentState::Quarantined
            )
        });
        let ticketed = newest.filter(|assignment| assignment.ticket.is_some());
        let assignment = ticketed.ok_or(CommandError::NothingToRollBack)?;
        let wanted = AssignmentRecord {
            roll_back_by: Some(account),
            roll_back_at: None,
            ..assignment.clone()
        };
        db.assignment_update(&wanted, assignment.row_version)?;
        let deed = Deed::of(Action::RollBackAsked, "pump", pump)
            .after(json!({ "assignment": assignment.id }))
            .because(reason);
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::UpdateMoved,
            Some(pump),
            format_args!("asked for the old version: {reason}"),
        )
    })?;
    app.bell.ring();
    Ok(())
}

/// Sets how many pumps of a model a care area keeps in service; 0 takes the floor away.
///
/// # Errors
/// The database's.
pub fn floor_set(
    app: &App,
    actor: &Actor,
    care_area: CareAreaId,
    model: &ModelRecord,
    keep: u32,
) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::FloorEdit);
    change.commit(|db| {
        db.ward_floor_set(&WardFloorRecord {
            care_area,
            model: model.id,
            keep: keep.into(),
        })?;
        let deed = Deed::of(Action::FloorSet, "care_area", care_area)
            .after(json!({ "model": model.id, "keep": keep }));
        change.record(db, deed)
    })?;
    app.bell.ring();
    Ok(())
}

/// What everything of a rollout waits for, at this moment.
///
/// # Errors
/// The database's.
pub fn waiting(app: &App, id: RolloutId) -> Result<Vec<(Subject, String)>, StoreError> {
    let now = app.now();
    let facts = app.store.read(|db| {
        let mut rollouts = db.rollout_at_work()?;
        if !rollouts.iter().any(|rollout| rollout.id == id) {
            rollouts.push(db.rollout_fetch(id)?);
        }
        facts::load_these(db, app, rollouts, now)
    })?;
    let Plan { waiting, .. } = plan(&facts.snapshot, now);
    let ours = |subject: &Subject| match subject {
        Subject::Rollout(rollout) => *rollout == id,
        Subject::Wave(wave) => facts.waves.get(wave).is_some_and(|wave| wave.rollout == id),
        Subject::Pump { assignment, .. } => facts.rollout_of(*assignment) == Some(id),
    };
    Ok(waiting
        .into_iter()
        .filter(|waiting| ours(&waiting.who))
        .map(|waiting| (waiting.who, waiting.what.to_string()))
        .collect())
}
