//! A rollout is written: who gets the release, and in which wave.

use fleet::{
    Timestamp,
    access::Permission,
    audit::Action,
    event::EventKind,
    id::{AssignmentId, ReleaseId, RolloutId, WaveId},
    release::{Manifest, Target, TargetPath},
    rollout::{
        spec::{LimitsSpec, Spec},
        state::{AssignmentState, RolloutState, WaveState},
    },
    text::{Name, Reason},
};
use serde_json::json;
use store::{AssignmentRecord, PumpListing, RolloutRecord, StoreError, WaveRecord};

use crate::{
    app::{Actor, App},
    command::{
        CommandError,
        change::Change,
        preview::{Divided, divide},
    },
    deed::Deed,
    engine::rollout::facts::corrupt,
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
        } = divide(db, wanted.release, &wanted.spec, app.people.day(change.now))?;
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
        again_at: None,
        leaves_by: None,
    })
}
