//! What is signed about rollouts: the plan as a whole, the briefing of a wave, what came of it, and whose keys are trusted.

use std::collections::{BTreeMap, BTreeSet};

use fleet::{
    id::{PumpId, RepositoryId, RolloutId, WaveId},
    release::Manifest,
    rollout::state::{AssignmentState, RolloutState, WaveState},
    signature::{Meaning, SubjectKind},
    text::SerialNumber,
};
use serde_json::{Value, json};
use store::{Db, RolloutRecord, Standing, StoreError};

use super::{NotReady, Shown, subject};
use crate::command::CommandError;

/// The pumps of assignments, by serial number.
type Pumps = BTreeMap<PumpId, SerialNumber>;

fn pumps(db: &mut Db<'_>, assignments: &[Standing]) -> Result<Pumps, StoreError> {
    let ids: BTreeSet<_> = assignments.iter().map(|assignment| assignment.pump).collect();
    let serials = db.pump_serials_of(&ids.into_iter().collect::<Vec<_>>())?;
    Ok(serials.into_iter().collect())
}

fn release(db: &mut Db<'_>, rollout: &RolloutRecord) -> Result<(Value, Manifest), CommandError> {
    let release = db.release_fetch(rollout.release)?;
    let manifest = Manifest::read(release.manifest.as_bytes()).map_err(|error| StoreError::Corrupt {
        attempted: "read a release",
        detail: error.to_string(),
    })?;
    let named = json!({
        "id": release.id,
        "name": release.name,
        "version": release.version,
        "manifest_hash": release.manifest_hash,
    });
    Ok((named, manifest))
}

/// A rollout: everything that was written of it, and which pumps that comes to.
pub(super) fn rollout(db: &mut Db<'_>, id: RolloutId) -> Result<Shown, CommandError> {
    let row = db.rollout_fetch(id)?;
    let waves = db.wave_of(&[id])?;
    let mut assignments = db.assignment_standing(&[id])?;
    // What joins later does so by the rule in the spec, which is what is signed.
    assignments.retain(|assignment| assignment.joined_at.is_none());
    let pumps = pumps(db, &assignments)?;
    let (release, manifest) = release(db, &row)?;
    let stages: Vec<_> = waves
        .iter()
        .map(|wave| {
            let files: BTreeMap<_, _> = assignments
                .iter()
                .filter(|assignment| assignment.wave == wave.id)
                .filter_map(|assignment| {
                    let serial = pumps.get(&assignment.pump)?;
                    Some((serial.to_string(), json!(assignment.target)))
                })
                .collect();
            json!({ "number": wave.number, "name": wave.name, "pumps": files })
        })
        .collect();
    let content = json!({
        "name": row.name,
        "release": release,
        "class": manifest.class,
        "emergency": row.emergency,
        "begins_at": row.begins_at,
        "spec": row.spec,
        "waves": stages,
    });
    let asked = row.state == RolloutState::AwaitingApproval;
    Ok(Shown {
        subject: subject(SubjectKind::Rollout, id.as_uuid(), row.content_version, &content),
        content,
        care_area: None,
        care_areas: Vec::new(),
        title: row.name.to_string(),
        obstacle: (!asked).then_some(NotReady::NotAsked {
            at: row.state.label(),
        }),
        authors: vec![row.author],
    })
}

/// A wave: what comes to the bedside before it opens; what came of it before the next may.
pub(super) fn wave(db: &mut Db<'_>, id: WaveId, meaning: Option<Meaning>) -> Result<Shown, CommandError> {
    let row = db.wave_fetch(id)?;
    let rollout = db.rollout_fetch(row.rollout)?;
    let assignments = db.assignment_standing_in(id)?;
    let pumps = pumps(db, &assignments)?;
    let (release, manifest) = release(db, &rollout)?;
    let before = matches!(row.state, WaveState::Pending | WaveState::Briefing);
    let is_briefing = match meaning {
        Some(Meaning::BriefingAcknowledged) => true,
        Some(_) => false,
        None => before,
    };
    let mut content = json!({
        "rollout": rollout.name,
        "release": release,
        "number": row.number,
        "name": row.name,
    });
    let serial = |assignment: &Standing| {
        pumps
            .get(&assignment.pump)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    let (more, asked) = if is_briefing {
        let serials: BTreeSet<_> = assignments.iter().map(serial).collect();
        let more = json!({ "bedside": manifest.bedside, "pumps": serials });
        // Also once it is open: a signature that became void can be given again.
        let is_asked = !matches!(row.state, WaveState::Pending | WaveState::Passed);
        (more, is_asked)
    } else {
        let outcomes: BTreeMap<_, _> = assignments
            .iter()
            .map(|assignment| (serial(assignment), outcome(assignment)))
            .collect();
        (
            json!({ "pumps": outcomes }),
            row.state == WaveState::AwaitingApproval,
        )
    };
    if let (Value::Object(content), Value::Object(more)) = (&mut content, more) {
        content.extend(more);
    }
    let care_areas: BTreeSet<_> = assignments
        .iter()
        .map(|assignment| assignment.care_area)
        .collect();
    Ok(Shown {
        subject: subject(SubjectKind::Wave, id.as_uuid(), rollout.content_version, &content),
        content,
        care_area: None,
        care_areas: care_areas.into_iter().collect(),
        title: format!("{}, wave {}", rollout.name, row.number),
        obstacle: (!asked).then_some(NotReady::NotAsked {
            at: row.state.label(),
        }),
        // Knowing what comes is nobody's own work; approving it is not for whoever wrote it.
        authors: if is_briefing {
            Vec::new()
        } else {
            vec![rollout.author]
        },
    })
}

/// What became of a pump, as it is signed for. One that was left behind counts for the wave and one that was taken out does not: who
/// signed over the one did not sign over the other.
const fn outcome(assignment: &Standing) -> &'static str {
    match assignment.state {
        AssignmentState::Cancelled if assignment.left_behind => "left_behind",
        AssignmentState::Cancelled if assignment.leaves_by.is_some() => "taken_out",
        state => state.as_str(),
    }
}

/// The root of trust of a manufacturer.
pub(super) fn trust_root(db: &mut Db<'_>, id: RepositoryId) -> Result<Shown, CommandError> {
    let row = db.repository_fetch(id)?;
    let manufacturer = db
        .manufacturer_list()?
        .into_iter()
        .find(|manufacturer| manufacturer.id == row.manufacturer)
        .map(|manufacturer| manufacturer.name);
    let root: Value = serde_json::from_str(&row.root).unwrap_or_default();
    let signed = root.get("signed").cloned().unwrap_or_default();
    let content = json!({
        "repository": row.name,
        "manufacturer": manufacturer,
        "root_sha256": row.root_hash,
        "version": signed.get("version"),
        "expires": signed.get("expires"),
        "roles": signed.get("roles"),
    });
    Ok(Shown {
        subject: subject(SubjectKind::TrustRoot, id.as_uuid(), 1, &content),
        content,
        care_area: None,
        care_areas: Vec::new(),
        title: row.name.to_string(),
        obstacle: None,
        // Whoever brought the root does not vouch for it as well.
        authors: vec![row.added_by],
    })
}
