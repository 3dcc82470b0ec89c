//! Waves with their care areas: who works there, who read the briefing, who signed.

use std::collections::{BTreeSet, HashMap};

use fleet::{
    Timestamp,
    access::{CareAreas, Role},
    id::{CareAreaId, RolloutId, WaveId},
    rollout::snapshot::{CareAreaFacts, RowVersion, WaveFacts},
    signature::SubjectKind,
    text::Name,
};
use store::{Db, StoreError, WaveRecord};

use super::Facts;

/// What care areas are called, and how many people nurse in each.
#[derive(Default)]
pub(super) struct Staff {
    areas: HashMap<CareAreaId, Name>,
    people: HashMap<CareAreaId, u32>,
}

impl Staff {
    pub(super) fn read(db: &mut Db<'_>) -> Result<Self, StoreError> {
        let mut accounts = Vec::new();
        let mut after = None;
        loop {
            let page = db.account_list(after.as_deref(), store::PAGE_MAX)?;
            let here = page
                .items
                .into_iter()
                .filter(|account| account.disabled_at.is_none());
            accounts.extend(here.map(|account| account.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut staff = Self {
            areas: db
                .care_area_list()?
                .into_iter()
                .map(|area| (area.id, area.name))
                .collect(),
            people: HashMap::new(),
        };
        for grants in db.grant_list_of(&accounts)?.into_values() {
            let nursing = grants
                .into_iter()
                .filter(|grant| matches!(grant.role, Role::Nurse | Role::ChargeNurse));
            let mut works_in = BTreeSet::new();
            for grant in nursing {
                match grant.care_areas {
                    CareAreas::All => works_in.extend(staff.areas.keys().copied()),
                    CareAreas::Named(named) => works_in.extend(named),
                }
            }
            for area in works_in {
                *staff.people.entry(area).or_default() += 1;
            }
        }
        Ok(staff)
    }
}

/// A wave, but for its pumps and people.
pub(super) fn wave_facts(row: &WaveRecord) -> WaveFacts {
    WaveFacts {
        id: row.id,
        number: u32::try_from(row.number).unwrap_or(u32::MAX),
        row_version: RowVersion(row.row_version),
        state: row.state,
        since: row.since,
        opened_at: row.opened_at,
        care_areas: Vec::new(),
        assignments: Vec::new(),
        failures_accepted: u32::try_from(row.failures_accepted).unwrap_or_default(),
        evidence: row.evidence,
    }
}

impl Facts {
    fn wave_mut(&mut self, id: WaveId) -> Option<&mut WaveFacts> {
        let rollout = self.waves.get(&id)?.rollout;
        let mut rollouts = self.snapshot.rollouts.iter_mut();
        let rollout = rollouts.find(|row| row.id == rollout)?;
        rollout.waves.iter_mut().find(|wave| wave.id == id)
    }

    /// Puts the rows of waves in place of those that are there, with their care areas.
    pub(super) fn read_waves(
        &mut self,
        db: &mut Db<'_>,
        of: &BTreeSet<WaveId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ids: Vec<_> = of.iter().copied().collect();
        let briefed: HashMap<_, _> = db
            .briefing_counts(&ids)?
            .into_iter()
            .map(|count| ((count.wave, count.care_area), count.people))
            .collect();
        for row in db.wave_fetch_of(&ids)? {
            let areas = self.areas_of(row.id);
            let signatures = if areas.is_empty() {
                Vec::new()
            } else {
                self.signatures.of(db, SubjectKind::Wave, row.id.as_uuid(), now)?
            };
            let care_areas = areas.into_iter().filter_map(|id| {
                let read = briefed.get(&(row.id, id)).copied().unwrap_or_default();
                Some(CareAreaFacts {
                    id,
                    name: self.staff.areas.get(&id)?.clone(),
                    staff: self.staff.people.get(&id).copied().unwrap_or_default(),
                    briefed: u32::try_from(read).unwrap_or(u32::MAX),
                    signatures: signatures
                        .iter()
                        .filter(|signed| signed.care_area == Some(id))
                        .copied()
                        .collect(),
                })
            });
            let care_areas = care_areas.collect();
            if let Some(wave) = self.wave_mut(row.id) {
                *wave = WaveFacts {
                    care_areas,
                    assignments: std::mem::take(&mut wave.assignments),
                    ..wave_facts(&row)
                };
            }
            self.waves.insert(row.id, row);
        }
        Ok(())
    }

    fn areas_of(&mut self, wave: WaveId) -> BTreeSet<CareAreaId> {
        let Some(wave) = self.wave_mut(wave) else {
            return BTreeSet::new();
        };
        let rows: Vec<_> = wave.assignments.iter().map(|row| row.id).collect();
        rows.iter()
            .filter_map(|row| Some(self.places.get(row)?.care_area))
            .collect()
    }

    /// Reads who approved rollouts.
    pub(super) fn read_approvals(
        &mut self,
        db: &mut Db<'_>,
        of: &[RolloutId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for rollout in &mut self.snapshot.rollouts {
            if of.contains(&rollout.id) {
                rollout.approvals =
                    self.signatures
                        .of(db, SubjectKind::Rollout, rollout.id.as_uuid(), now)?;
            }
        }
        Ok(())
    }
}
