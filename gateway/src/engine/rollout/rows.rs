//! The rows that steps are compared with, read for all of them at once.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use fleet::{
    id::{AssignmentId, PumpId, RolloutId, WaveId},
    rollout::Step,
};
use store::{AssignmentRecord, Db, StoreError};

/// What the steps are compared with, as it is in the transaction that carries them out. What a step changes is no longer here, and
/// is read again by the next that needs it.
pub(super) struct Rows {
    pub(super) assignments: HashMap<AssignmentId, AssignmentRecord>,
    pub(super) pumps: HashMap<PumpId, i64>,
    pub(super) rollouts: HashMap<RolloutId, i64>,
    pub(super) waves: HashMap<WaveId, i64>,
}

impl Rows {
    pub(super) fn read(db: &mut Db<'_>, steps: &[Step]) -> Result<Self, StoreError> {
        let of_pumps = steps.iter().filter_map(|step| match step {
            Step::Assignment { assignment, pump, .. } => Some((*assignment, *pump)),
            Step::Rollout { .. } | Step::Wave { .. } => None,
        });
        let (assignments, pumps): (Vec<_>, BTreeSet<_>) = of_pumps.unzip();
        let pumps: Vec<_> = pumps.into_iter().collect();
        Ok(Self {
            assignments: db
                .assignment_fetch_of(&assignments)?
                .into_iter()
                .map(|row| (row.id, row))
                .collect(),
            pumps: db.pump_versions_of(&pumps)?.into_iter().collect(),
            rollouts: HashMap::new(),
            waves: HashMap::new(),
        })
    }

    pub(super) fn pump(&mut self, db: &mut Db<'_>, id: PumpId) -> Result<i64, StoreError> {
        Ok(match self.pumps.entry(id) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let version = db.pump_versions_of(&[id])?.pop().map(|(_, version)| version);
                *vacant.insert(version.ok_or_else(|| StoreError::NotFound {
                    what: "pump",
                    id: id.to_string(),
                })?)
            }
        })
    }

    pub(super) fn rollout(&mut self, db: &mut Db<'_>, id: RolloutId) -> Result<i64, StoreError> {
        Ok(match self.rollouts.entry(id) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => *vacant.insert(db.rollout_fetch(id)?.row_version),
        })
    }

    pub(super) fn wave(&mut self, db: &mut Db<'_>, id: WaveId) -> Result<i64, StoreError> {
        Ok(match self.waves.entry(id) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => *vacant.insert(db.wave_fetch(id)?.row_version),
        })
    }
}
