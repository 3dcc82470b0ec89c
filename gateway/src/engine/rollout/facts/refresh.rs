//! What was touched since the last look, read into what is there. The work is in proportion to that.

use std::collections::{BTreeSet, HashSet};

use fleet::{
    Timestamp,
    id::{AssignmentId, PumpId, RolloutId, WaveId},
    rollout::{
        floor::Group,
        snapshot::PumpFacts,
        state::{AssignmentState, RolloutState, Stage},
    },
    signature::SubjectKind,
};
use store::{Db, RolloutRecord, Standing, StoreError, Touched};

use super::{Facts, assignment, corrupt, load::rollout_facts};
use crate::app::App;

/// What became of a look at what was touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::rollout) enum Refreshed {
    /// Nothing by which something may be decided differently.
    Alike,
    /// Something.
    Changed,
    /// So much that everything has to be read anew.
    Outgrown,
}

/// What is to be read of what was touched: only what the rollouts at work depend on.
#[derive(Default)]
struct Dirty {
    pumps: BTreeSet<PumpId>,
    waves: BTreeSet<WaveId>,
    rollouts: BTreeSet<RolloutId>,
    under_test: BTreeSet<AssignmentId>,
    verified: BTreeSet<AssignmentId>,
    /// Something of theirs is different already.
    changed: bool,
}

const fn is_at_work(state: RolloutState) -> bool {
    !matches!(state, RolloutState::Completed | RolloutState::Draft)
}

impl Facts {
    /// Reads what was touched. After an error this is no longer true and has to be thrown away.
    pub(in crate::engine::rollout) fn refresh(
        &mut self,
        db: &mut Db<'_>,
        app: &App,
        touched: &Touched,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError> {
        let mut dirty = Dirty::default();
        if touched.everything
            || self.is_of_another_day(app, now)
            || !self.refresh_rollouts(db, touched, &mut dirty)?
            || !self.refresh_assignments(db, touched, &mut dirty)?
        {
            return Ok(Refreshed::Outgrown);
        }
        let heard = self.refresh_heard(db, app, touched, now)?;
        dirty.pumps.extend(&touched.pumps);
        let moved = self.refresh_pumps(db, app, &mut dirty, now)?;
        self.refresh_signed(touched, &mut dirty);
        if touched.staff {
            self.staff = super::Staff::read(db)?;
            dirty.waves.extend(self.waves.keys());
        }
        dirty
            .waves
            .extend(touched.waves.iter().filter(|wave| self.waves.contains_key(wave)));

        let under_test: Vec<_> = dirty.under_test.iter().copied().collect();
        self.read_under_test(db, &under_test)?;
        let verified: Vec<_> = dirty.verified.union(&dirty.under_test).copied().collect();
        self.read_verifications(db, &verified, now)?;
        if !dirty.waves.is_empty() {
            self.read_waves(db, &dirty.waves, now)?;
        }
        let rollouts: Vec<_> = dirty.rollouts.iter().copied().collect();
        self.read_approvals(db, &rollouts, now)?;
        if touched.tickets {
            self.read_tickets(db)?;
        }
        let is_changed = heard
            || moved
            || touched.tickets
            || dirty.changed
            || !dirty.waves.is_empty()
            || !rollouts.is_empty()
            || !verified.is_empty();
        Ok(if self.settle(app, now) || is_changed {
            Refreshed::Changed
        } else {
            Refreshed::Alike
        })
    }

    /// Whether a day ended since: with it, the support of a model may have.
    pub(in crate::engine::rollout) fn is_of_another_day(&self, app: &App, now: Timestamp) -> bool {
        app.people.day(self.settled_at) != app.people.day(now)
    }

    /// Makes what depends on the time true at this moment. Says whether anything is different by now.
    pub(in crate::engine::rollout) fn settle(&mut self, app: &App, now: Timestamp) -> bool {
        let missing = self.locate_all(app, now);
        let checks = self.evaluate(now);
        self.settled_at = now;
        missing || checks
    }

    /// Says whether the rollouts at work are still the same ones.
    fn refresh_rollouts(
        &mut self,
        db: &mut Db<'_>,
        touched: &Touched,
        dirty: &mut Dirty,
    ) -> Result<bool, StoreError> {
        for id in &touched.rollouts {
            let row = match db.rollout_fetch(*id) {
                Ok(row) => row,
                // It was written and taken back.
                Err(StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            if is_at_work(row.state) != self.rollouts.contains_key(id) {
                return Ok(false);
            }
            if self.rollouts.contains_key(id) {
                self.replace_rollout(row)?;
                dirty.rollouts.insert(*id);
            }
        }
        Ok(true)
    }

    fn replace_rollout(&mut self, row: RolloutRecord) -> Result<(), StoreError> {
        let release = self
            .releases
            .get(&row.release)
            .ok_or_else(|| corrupt("read a rollout", "its release is gone"))?;
        let mut rollouts = self.snapshot.rollouts.iter_mut();
        if let Some(shown) = rollouts.find(|shown| shown.id == row.id) {
            let waves = std::mem::take(&mut shown.waves);
            *shown = rollout_facts(&row, release, waves)?;
        }
        let is_same = self.rollouts.get(&row.id).is_some_and(|old| {
            let unlike = RolloutRecord {
                row_version: row.row_version,
                state: row.state,
                since: row.since,
                why: row.why.clone(),
                ..old.clone()
            };
            unlike == row
        });
        if !is_same {
            let waves = self.waves.values().filter(|wave| wave.rollout == row.id);
            self.signatures.forget_rollout(row.id, waves.map(|wave| wave.id));
        }
        self.rollouts.insert(row.id, row);
        Ok(())
    }

    /// Says whether the assignments are still the same ones.
    fn refresh_assignments(
        &mut self,
        db: &mut Db<'_>,
        touched: &Touched,
        dirty: &mut Dirty,
    ) -> Result<bool, StoreError> {
        let ids: Vec<_> = touched.assignments.iter().copied().collect();
        for standing in db.assignment_standing_of(&ids)? {
            let rollout = self.rollouts.get(&standing.rollout);
            // A rollout that is over is here for somebody's wish alone, and leaves with it.
            if rollout.is_some_and(|rollout| !is_at_work(rollout.state)) {
                return Ok(false);
            }
            if self.places.contains_key(&standing.id) {
                self.replace_assignment(&standing, dirty);
            } else if self.rollouts.contains_key(&standing.rollout) || standing.roll_back_by.is_some() {
                // It joined, or somebody wants it back on the old version long after its rollout was over.
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn replace_assignment(&mut self, standing: &Standing, dirty: &mut Dirty) {
        let Some(row) = self.assignment_mut(standing.id) else {
            return;
        };
        dirty.changed = true;
        let has_moved = (row.state, row.left_behind, row.leaving)
            != (standing.state, standing.left_behind, standing.leaves_by.is_some());
        *row = assignment::assignment_facts(standing);
        if has_moved && self.signatures.forget_outcome(standing.wave) {
            dirty.waves.insert(standing.wave);
        }
        if matches!(standing.state.stage(), Stage::Waiting | Stage::Preparing) {
            // Whether the release fits is to be looked at again.
            dirty.pumps.insert(standing.pump);
        }
        if standing.state.is_under_test() {
            dirty.under_test.insert(standing.id);
        } else {
            self.under_test.remove(&standing.id);
        }
    }

    /// Pumps that said something. Says whether anything may be decided differently for it.
    fn refresh_heard(
        &mut self,
        db: &mut Db<'_>,
        app: &App,
        touched: &Touched,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ours: Vec<_> = touched
            .heard
            .iter()
            .filter(|pump| self.snapshot.pumps.contains_key(pump) && !touched.pumps.contains(pump))
            .copied()
            .collect();
        let mut matters = false;
        for heard in db.pump_heard_of(&ours)? {
            let before = self.snapshot.pumps.get(&heard.pump).cloned();
            self.hear(app, &heard, now);
            matters |= before
                .zip(self.snapshot.pumps.get(&heard.pump))
                .is_some_and(|(before, after)| self.decides_anew(heard.pump, &before, after, now));
        }
        Ok(matters)
    }

    /// That a pump was heard of again decides nothing, unless it is free by that, or its silence is what is counted.
    fn decides_anew(&self, id: PumpId, before: &PumpFacts, after: &PumpFacts, now: Timestamp) -> bool {
        let but_for_when = PumpFacts {
            heard_at: after.heard_at,
            ..before.clone()
        };
        but_for_when != *after
            || before.availability(now) != after.availability(now)
            || after.heard_at.is_some_and(|at| at > now)
            || self
                .of_pump
                .get(&id)
                .into_iter()
                .flatten()
                .filter_map(|assignment| self.assignment(*assignment))
                .any(|row| row.state == AssignmentState::AwaitingSafe)
    }

    /// Pumps whose record changed, and those that came to count for a floor. Says whether there were any.
    fn refresh_pumps(
        &mut self,
        db: &mut Db<'_>,
        app: &App,
        dirty: &mut Dirty,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ids: Vec<_> = dirty.pumps.iter().copied().collect();
        if ids.is_empty() {
            return Ok(false);
        }
        let mut listings = db.pump_listing_of(&ids)?;
        let mut gone: HashSet<_> = ids.iter().copied().collect();
        listings.retain(|listing| {
            let pump = &listing.pump;
            let counts = pump.care_area.is_some_and(|care_area| {
                let group = Group {
                    care_area,
                    model: pump.model,
                };
                self.snapshot.floors.contains_key(&group)
            });
            let is_ours = counts || self.of_pump.contains_key(&pump.id);
            if is_ours {
                gone.remove(&pump.id);
            }
            is_ours
        });
        let mut moved = !listings.is_empty();
        for pump in gone {
            moved |= self.snapshot.pumps.remove(&pump).is_some();
            self.signs.remove(&pump);
        }
        self.take_in(db, app, &listings, now)?;
        for pump in listings.iter().map(|listing| listing.pump.id) {
            dirty
                .verified
                .extend(self.of_pump.get(&pump).into_iter().flatten());
        }
        Ok(moved)
    }

    fn refresh_signed(&mut self, touched: &Touched, dirty: &mut Dirty) {
        for (kind, id) in &touched.signed {
            self.signatures.forget_given(*kind, *id);
            match kind {
                SubjectKind::Pump => {
                    let of = self.of_pump.get(&PumpId::from_uuid(*id));
                    dirty.verified.extend(of.into_iter().flatten());
                }
                SubjectKind::Wave => {
                    let wave = WaveId::from_uuid(*id);
                    if self.waves.contains_key(&wave) {
                        dirty.waves.insert(wave);
                    }
                }
                SubjectKind::Rollout => {
                    let rollout = RolloutId::from_uuid(*id);
                    if self.rollouts.contains_key(&rollout) {
                        dirty.rollouts.insert(rollout);
                    }
                }
                SubjectKind::BreakGlass | SubjectKind::TrustRoot | SubjectKind::Hold => {}
            }
        }
    }
}
