//! From the record to what the planner is shown: read whole once, and from then on only what changed.
//!
//! | part | reads |
//! |---|---|
//! | [`load`] | everything of the rollouts that have something left to do |
//! | [`refresh`] | what was touched since, into what is there |
//! | [`pump`] | pumps: those of the rollouts, and those that count beside them for a ward floor |
//! | [`assignment`] | how far each pump is, what its checks come to |
//! | [`wave`] | waves, their care areas and people |
//! | [`signed`] | signatures, each held against what it was given for |
//!
//! Both ways go through the same functions, and end at the same: a test changes the record at random and compares.

mod assignment;
mod load;
mod pump;
mod refresh;
mod signed;
#[cfg(test)]
mod tests;
mod wave;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use fleet::{
    Timestamp,
    id::{AssignmentId, CareAreaId, ModelId, PumpId, ReleaseId, RolloutId, WaveId},
    release::{Manifest, TargetPath},
    rollout::{snapshot::Snapshot, spec::Spec},
    signature::Digest,
    version::VersionScheme,
};
use serde::{Deserialize, Serialize};
use store::{AssignmentRecord, Db, ReleaseRecord, RepositoryRecord, RolloutRecord, StoreError, WaveRecord};

pub(crate) use load::{load, load_these};
pub(crate) use pump::{described, every_pump};
pub(super) use refresh::Refreshed;

use assignment::UnderTest;
use signed::Signatures;
use wave::Staff;

/// What the planner is shown, the rows that it was made of, and what is needed to keep it true.
pub(crate) struct Facts {
    pub(crate) snapshot: Snapshot,
    pub(crate) rollouts: HashMap<RolloutId, RolloutRecord>,
    pub(crate) waves: HashMap<WaveId, WaveRecord>,
    pub(crate) releases: HashMap<ReleaseId, Release>,
    /// When everything was read.
    pub(super) read_at: Timestamp,
    /// As of when what depends on the time is so.
    settled_at: Timestamp,
    schemes: HashMap<String, VersionScheme>,
    /// Where each assignment is in the snapshot. Where one joins, everything is read anew.
    places: HashMap<AssignmentId, Place>,
    of_pump: HashMap<PumpId, Vec<AssignmentId>>,
    /// The last sign of life of each pump, its enrolment included.
    signs: HashMap<PumpId, Timestamp>,
    /// No pump goes missing before.
    missing_next: Timestamp,
    under_test: BTreeMap<AssignmentId, UnderTest>,
    /// The drug libraries that are approved, by model.
    libraries: HashMap<ModelId, Digest>,
    staff: Staff,
    signatures: Signatures,
}

/// Where an assignment is in the snapshot, by position, and which file it gets.
struct Place {
    rollout: usize,
    wave: usize,
    row: usize,
    target: TargetPath,
    /// Whose people are told, and sign.
    care_area: CareAreaId,
}

/// A release with what its manifest says.
pub(crate) struct Release {
    pub(crate) record: ReleaseRecord,
    pub(crate) repository: RepositoryRecord,
    pub(crate) manifest: Manifest,
}

/// A file of a release, as the manufacturer's metadata had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReleaseFile {
    pub(crate) path: TargetPath,
    pub(crate) length: u64,
    pub(crate) sha256: Digest,
}

impl Release {
    /// A file of it.
    pub(crate) fn file(&self, path: &TargetPath) -> Option<ReleaseFile> {
        let files: Vec<ReleaseFile> = serde_json::from_value(self.record.targets.clone()).ok()?;
        files.into_iter().find(|file| file.path == *path)
    }
}

impl Facts {
    /// The rollout that an assignment belongs to.
    pub(crate) fn rollout_of(&self, assignment: AssignmentId) -> Option<RolloutId> {
        let place = self.places.get(&assignment)?;
        Some(self.snapshot.rollouts.get(place.rollout)?.id)
    }

    /// The wave that an assignment belongs to.
    pub(crate) fn wave_of(&self, assignment: AssignmentId) -> Option<WaveId> {
        let place = self.places.get(&assignment)?;
        let rollout = self.snapshot.rollouts.get(place.rollout)?;
        Some(rollout.waves.get(place.wave)?.id)
    }

    /// The assignments of a pump in rollouts that have something left to do.
    pub(crate) fn assignments_of(&self, pump: PumpId) -> &[AssignmentId] {
        self.of_pump.get(&pump).map_or(&[], Vec::as_slice)
    }
}

/// A row does not say what it has to.
pub(crate) fn corrupt(attempted: &'static str, detail: impl fmt::Display) -> StoreError {
    StoreError::Corrupt {
        attempted,
        detail: detail.to_string(),
    }
}

/// Reads the spec of a rollout back.
pub(crate) fn spec_of(rollout: &RolloutRecord) -> Result<Spec, StoreError> {
    serde_json::from_value(rollout.spec.clone())
        .map_err(|error| corrupt("read a rollout", format!("{}: {error}", rollout.id)))
}

/// The release that an assignment brings.
pub(crate) fn release_of(db: &mut Db<'_>, assignment: &AssignmentRecord) -> Result<Release, StoreError> {
    let rollout = db.rollout_fetch(assignment.rollout)?;
    release(db, rollout.release)
}

/// Reads a release with its manifest.
pub(crate) fn release(db: &mut Db<'_>, id: ReleaseId) -> Result<Release, StoreError> {
    let record = db.release_fetch(id)?;
    let repository = db.repository_fetch(record.repository)?;
    let manifest = Manifest::read(record.manifest.as_bytes())
        .map_err(|error| corrupt("read a release", format!("{id}: {error}")))?;
    Ok(Release {
        record,
        repository,
        manifest,
    })
}

/// How each component's versions compare, as far as an imported release says.
pub(crate) fn schemes<'a>(releases: impl Iterator<Item = &'a Release>) -> HashMap<String, VersionScheme> {
    releases
        .flat_map(|release| &release.manifest.brings)
        .map(|brought| (brought.name.to_string(), brought.scheme))
        .collect()
}
