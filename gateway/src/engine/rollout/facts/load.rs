//! Everything of the rollouts that have something left to do, read anew.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use fleet::{
    Timestamp,
    rollout::{
        floor::Group,
        snapshot::{RolloutFacts, RowVersion, Snapshot, TicketFacts, WaveFacts},
    },
};
use store::{Db, PumpFilter, RolloutRecord, Standing, StoreError, TicketStanding, WaveRecord};

use super::{
    Facts, Place, Release, assignment, corrupt,
    pump::every_pump,
    release, schemes,
    signed::Signatures,
    spec_of,
    wave::{Staff, wave_facts},
};
use crate::app::App;

/// Everything about the rollouts that have something left to do; nothing when there is none.
pub(crate) fn load(db: &mut Db<'_>, app: &App, now: Timestamp) -> Result<Option<Facts>, StoreError> {
    let rollouts = db.rollout_at_work()?;
    if rollouts.is_empty() {
        return Ok(None);
    }
    load_these(db, app, rollouts, now).map(Some)
}

/// Everything about these rollouts. They share pumps, floors and the network: whoever asks about one gives all that are at work.
pub(crate) fn load_these(
    db: &mut Db<'_>,
    app: &App,
    rollouts: Vec<RolloutRecord>,
    now: Timestamp,
) -> Result<Facts, StoreError> {
    let ids: Vec<_> = rollouts.iter().map(|rollout| rollout.id).collect();
    let stages = db.wave_of(&ids)?;
    let standings = db.assignment_standing(&ids)?;
    let mut facts = bare(db, app, rollouts, stages, now)?;
    let mut under_test = Vec::new();
    for standing in standings {
        if standing.state.is_under_test() {
            under_test.push(standing.id);
        }
        facts.place(&standing);
    }
    facts.read_every_pump(db, app, now)?;
    facts.read_under_test(db, &under_test)?;
    facts.read_verifications(db, &under_test, now)?;
    let waves: BTreeSet<_> = facts.waves.keys().copied().collect();
    facts.read_waves(db, &waves, now)?;
    facts.read_approvals(db, &ids, now)?;
    facts.read_tickets(db)?;
    facts.settle(app, now);
    Ok(facts)
}

/// Rollouts and waves without their pumps and people.
fn bare(
    db: &mut Db<'_>,
    app: &App,
    rollouts: Vec<RolloutRecord>,
    stages: Vec<WaveRecord>,
    now: Timestamp,
) -> Result<Facts, StoreError> {
    let mut releases = HashMap::new();
    let mut shown = Vec::with_capacity(rollouts.len());
    let mut readable = Vec::with_capacity(rollouts.len());
    for row in rollouts {
        let release = match releases.entry(row.release) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => match release(db, row.release) {
                Ok(release) => vacant.insert(release),
                Err(error) => {
                    unreadable(&row, error)?;
                    continue;
                }
            },
        };
        let of_it = stages.iter().filter(|wave| wave.rollout == row.id);
        match rollout_facts(&row, release, of_it.map(wave_facts).collect()) {
            Ok(facts) => shown.push(facts),
            Err(error) => {
                unreadable(&row, error)?;
                continue;
            }
        }
        readable.push(row);
    }
    let rollouts = readable;
    Ok(Facts {
        snapshot: Snapshot {
            rollouts: shown,
            pumps: BTreeMap::new(),
            tickets: Vec::new(),
            floors: floors(db)?,
            hospital: app.settings.hospital,
            listening_since: app.listening_since,
        },
        schemes: schemes(releases.values()),
        rollouts: rollouts.into_iter().map(|row| (row.id, row)).collect(),
        waves: stages.into_iter().map(|row| (row.id, row)).collect(),
        releases,
        read_at: now,
        settled_at: now,
        places: HashMap::new(),
        of_pump: HashMap::new(),
        signs: HashMap::new(),
        missing_next: Timestamp::MAX_UTC,
        under_test: BTreeMap::new(),
        libraries: db.drug_library_approved()?,
        staff: Staff::read(db)?,
        signatures: Signatures::default(),
    })
}

/// A rollout that can not be read stands still, and holds up no other: their pumps have deadlines.
fn unreadable(row: &RolloutRecord, error: StoreError) -> Result<(), StoreError> {
    match error {
        StoreError::Corrupt { .. } => {
            tracing::error!(rollout = %row.id, name = %row.name, %error, "a rollout can not be read and stands still");
            Ok(())
        }
        other => Err(other),
    }
}

/// A rollout, its approvals left out.
pub(super) fn rollout_facts(
    row: &RolloutRecord,
    release: &Release,
    waves: Vec<WaveFacts>,
) -> Result<RolloutFacts, StoreError> {
    let spec = spec_of(row)?;
    let windows = spec
        .check()
        .map_err(|error| corrupt("read a rollout", format!("{}: {error}", row.id)))?;
    Ok(RolloutFacts {
        id: row.id,
        row_version: RowVersion(row.row_version),
        state: row.state,
        author: row.author,
        approvals: Vec::new(),
        emergency: row.emergency.clone(),
        begins_at: row.begins_at,
        counter: release.manifest.security.counter,
        floor_counter: release.manifest.security.floor,
        windows,
        limits: spec.limits.complete(),
        waves,
    })
}

fn floors(db: &mut Db<'_>) -> Result<BTreeMap<Group, u32>, StoreError> {
    let floors = db.ward_floor_list()?.into_iter().map(|floor| {
        let group = Group {
            care_area: floor.care_area,
            model: floor.model,
        };
        (group, u32::try_from(floor.keep).unwrap_or(u32::MAX))
    });
    Ok(floors.collect())
}

fn ticket(row: TicketStanding) -> TicketFacts {
    TicketFacts {
        id: row.id,
        assignment: row.assignment,
        pump: row.pump,
        not_after: row.not_after,
        withdrawn: row.withdrawn_at.is_some(),
    }
}

impl Facts {
    /// Gives an assignment its place in the snapshot; they come by wave and id, and so they stay.
    fn place(&mut self, standing: &Standing) {
        let mut rollouts = self.snapshot.rollouts.iter_mut().enumerate();
        let Some((rollout, of)) = rollouts.find(|(_, rollout)| rollout.id == standing.rollout) else {
            return;
        };
        let mut waves = of.waves.iter_mut().enumerate();
        let Some((wave, of)) = waves.find(|(_, wave)| wave.id == standing.wave) else {
            return;
        };
        let place = Place {
            rollout,
            wave,
            row: of.assignments.len(),
            target: standing.target.clone(),
            care_area: standing.care_area,
        };
        of.assignments.push(assignment::assignment_facts(standing));
        self.places.insert(standing.id, place);
        self.of_pump.entry(standing.pump).or_default().push(standing.id);
    }

    fn read_every_pump(&mut self, db: &mut Db<'_>, app: &App, now: Timestamp) -> Result<(), StoreError> {
        let groups: Vec<_> = self.snapshot.floors.keys().copied().collect();
        for group in groups {
            let filter = PumpFilter {
                care_area: Some(group.care_area),
                model: Some(group.model),
                ..PumpFilter::default()
            };
            let listings = every_pump(db, &filter)?;
            self.take_in(db, app, &listings, now)?;
        }
        let others: Vec<_> = self
            .of_pump
            .keys()
            .filter(|pump| !self.snapshot.pumps.contains_key(pump))
            .copied()
            .collect();
        // In pieces: a listing is far larger than what is kept of it.
        for some in others.chunks(2_000) {
            let listings = db.pump_listing_of(some)?;
            self.take_in(db, app, &listings, now)?;
        }
        Ok(())
    }

    pub(super) fn read_tickets(&mut self, db: &mut Db<'_>) -> Result<(), StoreError> {
        self.snapshot.tickets = db.ticket_out()?.into_iter().map(ticket).collect();
        Ok(())
    }
}
