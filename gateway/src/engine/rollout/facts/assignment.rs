//! How far each pump is, what its checks come to, and who verified it.

use std::collections::{BTreeSet, HashMap};

use fleet::{
    Timestamp,
    check::CheckOutcome,
    id::{AssignmentId, PumpId},
    rollout::{
        snapshot::{AssignmentFacts, Fit, RollBack, RowVersion, Setback},
        state::AssignmentState,
    },
    signature::SubjectKind,
};
use store::{AssignmentRecord, CheckRecord, Db, Standing, StoreError};

use super::{super::check, Facts, signed};

/// What the checks of a pump that is under test are read from. They are few: so many as may be out of service at once.
pub(super) struct UnderTest {
    row: AssignmentRecord,
    results: Vec<CheckRecord>,
}

/// An assignment, but for what depends on its pump, its checks and signatures.
pub(super) fn assignment_facts(standing: &Standing) -> AssignmentFacts {
    AssignmentFacts {
        id: standing.id,
        pump: standing.pump,
        row_version: RowVersion(standing.row_version),
        state: standing.state,
        since: standing.since,
        fit: Fit::Fits,
        setback: standing.setback_at.map(|at| Setback {
            at,
            count: u32::try_from(standing.setback_count).unwrap_or(u32::MAX),
            words: standing.setback_words.clone(),
        }),
        checks: CheckOutcome::Awaiting,
        versions_proved: standing.versions_proved,
        checked_by: Vec::new(),
        signatures: Vec::new(),
        left_behind: standing.left_behind,
        again_at: standing.again_at,
        leaving: standing.leaves_by.is_some(),
        roll_back: standing.roll_back_by.map(|asked_by| RollBack {
            asked_by,
            ordered_at: standing.roll_back_at,
        }),
    }
}

impl Facts {
    pub(super) fn assignment(&self, id: AssignmentId) -> Option<&AssignmentFacts> {
        let place = self.places.get(&id)?;
        let rollout = self.snapshot.rollouts.get(place.rollout)?;
        rollout.waves.get(place.wave)?.assignments.get(place.row)
    }

    pub(super) fn assignment_mut(&mut self, id: AssignmentId) -> Option<&mut AssignmentFacts> {
        let place = self.places.get(&id)?;
        let rollout = self.snapshot.rollouts.get_mut(place.rollout)?;
        rollout.waves.get_mut(place.wave)?.assignments.get_mut(place.row)
    }

    /// Reads what was measured of assignments that are under test.
    pub(super) fn read_under_test(&mut self, db: &mut Db<'_>, of: &[AssignmentId]) -> Result<(), StoreError> {
        let mut results: HashMap<_, Vec<_>> = HashMap::new();
        for result in db.check_result_of(of)? {
            results.entry(result.assignment).or_default().push(result);
        }
        for row in db.assignment_fetch_of(of)? {
            let results = results.remove(&row.id).unwrap_or_default();
            if let Some(facts) = self.assignment_mut(row.id) {
                facts.checked_by = results.iter().filter_map(|result| result.account).collect();
            }
            self.under_test.insert(row.id, UnderTest { row, results });
        }
        Ok(())
    }

    /// What the checks come to at this moment: a deadline may have passed. Says whether one comes to something else by now.
    pub(super) fn evaluate(&mut self, now: Timestamp) -> bool {
        let mut moved = false;
        let under_test = std::mem::take(&mut self.under_test);
        for (id, UnderTest { row, results }) in &under_test {
            let outcome = self.outcome(row, results, now);
            if let Some(facts) = self.assignment_mut(*id) {
                moved |= facts.checks != outcome;
                facts.checks = outcome;
            }
        }
        self.under_test = under_test;
        moved
    }

    fn outcome(&self, row: &AssignmentRecord, results: &[CheckRecord], now: Timestamp) -> CheckOutcome {
        let rollout = self.places.get(&row.id);
        let rollout = rollout.and_then(|place| self.snapshot.rollouts.get(place.rollout));
        let release = self
            .rollouts
            .get(&row.rollout)
            .and_then(|rollout| self.releases.get(&rollout.release));
        let (Some(rollout), Some(release)) = (rollout, release) else {
            return CheckOutcome::Awaiting;
        };
        let pump = self.snapshot.pumps.get(&row.pump);
        let asked = check::Asked {
            manifest: &release.manifest,
            library: pump.and_then(|pump| self.libraries.get(&pump.model).copied()),
            deadline: rollout.limits.check_deadline,
        };
        check::evaluation(row, &asked, results, now)
            .map_or(CheckOutcome::Awaiting, |evaluation| evaluation.outcome)
    }

    /// Reads who verified the pumps of those of some assignments that wait for it.
    pub(super) fn read_verifications(
        &mut self,
        db: &mut Db<'_>,
        of: &[AssignmentId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let waiting: Vec<(AssignmentId, PumpId)> = of
            .iter()
            .filter_map(|id| self.assignment(*id))
            .filter(|row| row.state == AssignmentState::AwaitingSignoff)
            .map(|row| (row.id, row.pump))
            .collect();
        let pumps: BTreeSet<_> = waiting.iter().map(|(_, pump)| pump.as_uuid()).collect();
        let records = db.signature_of_all(SubjectKind::Pump, &pumps.into_iter().collect::<Vec<_>>())?;
        let mut of_pump: HashMap<_, Vec<_>> = HashMap::new();
        for record in records {
            let statement = record.statement;
            of_pump.entry(statement.subject.id).or_default().push(statement);
        }
        for (id, pump) in waiting {
            let statements = of_pump.get(&pump.as_uuid()).map_or(&[][..], Vec::as_slice);
            let signatures = signed::held_against_the_record(db, statements, now)?;
            if let Some(row) = self.assignment_mut(id) {
                row.signatures = signatures;
            }
        }
        Ok(())
    }
}
