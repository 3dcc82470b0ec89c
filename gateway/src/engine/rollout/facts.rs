//! From the record to what the planner is shown. Work is in proportion to the rollouts that have something left to do, and to the
//! pumps that count beside theirs for a ward floor.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleet::{
    Timestamp,
    access::{CareAreas, Role},
    check::CheckOutcome,
    id::{AssignmentId, CareAreaId, ModelId, PumpId, ReleaseId, RolloutId, WaveId},
    pump::{Activity, Component, InstalledComponent, PumpFacts as Described, Status},
    release::{Manifest, TargetPath, choose_target},
    rollout::{
        floor::Group,
        gate::Signed,
        limits::{HospitalLimits, Limits},
        snapshot::{
            AssignmentFacts, CareAreaFacts, Fit, PumpFacts, RollBack, RolloutFacts, RowVersion, Setback,
            Snapshot, TicketFacts, WaveFacts, Whereabouts,
        },
        spec::Spec,
        state::{AssignmentState, Stage},
    },
    signature::{Digest, Meaning, SubjectKind},
    text::{Name, Reason},
    version::VersionScheme,
};
use serde::{Deserialize, Serialize};
use store::{
    AssignmentRecord, BriefingCount, CheckRecord, Db, PumpFilter, PumpListing, PumpSoftware, ReleaseRecord,
    RepositoryRecord, RolloutRecord, StoreError, TicketRecord, WaveRecord,
};
use uuid::Uuid;

use super::check;
use crate::{app::App, command::subject};

/// What the planner is shown, and the rows that it was made of.
pub(crate) struct Facts {
    pub(crate) snapshot: Snapshot,
    pub(crate) rollouts: HashMap<RolloutId, RolloutRecord>,
    pub(crate) waves: HashMap<WaveId, WaveRecord>,
    pub(crate) assignments: HashMap<AssignmentId, AssignmentRecord>,
    pub(crate) releases: HashMap<ReleaseId, Release>,
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

/// A row does not say what it has to.
pub(crate) fn corrupt(attempted: &'static str, detail: impl ToString) -> StoreError {
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

/// The release that an assignment brings.
pub(crate) fn release_of(db: &mut Db<'_>, assignment: &AssignmentRecord) -> Result<Release, StoreError> {
    let rollout = db.rollout_fetch(assignment.rollout)?;
    release(db, rollout.release)
}

/// Everything about the rollouts that have something left to do; nothing when there is none.
pub(crate) fn load(db: &mut Db<'_>, app: &App, now: Timestamp) -> Result<Option<Facts>, StoreError> {
    let rollouts = db.rollout_at_work()?;
    if rollouts.is_empty() {
        return Ok(None);
    }
    load_these(db, app, rollouts, now).map(Some)
}

/// Everything about these rollouts, and about the others that are at work: they share pumps, floors and the network.
pub(crate) fn load_these(
    db: &mut Db<'_>,
    app: &App,
    rollouts: Vec<RolloutRecord>,
    now: Timestamp,
) -> Result<Facts, StoreError> {
    let ids: Vec<_> = rollouts.iter().map(|rollout| rollout.id).collect();
    let waves = db.wave_of(&ids)?;
    let assignments = db.assignment_of(&ids)?;
    let mut releases = HashMap::new();
    for rollout in &rollouts {
        if !releases.contains_key(&rollout.release) {
            releases.insert(rollout.release, release(db, rollout.release)?);
        }
    }
    let floors = floors(db)?;
    let pumps = pumps(db, &assignments, &floors)?;
    let under_test: Vec<_> = assignments
        .iter()
        .filter(|assignment| is_under_test(assignment.state))
        .map(|assignment| assignment.id)
        .collect();
    let results = by_assignment(db.check_result_of(&under_test)?);
    let briefed = db.briefing_counts(&waves.iter().map(|wave| wave.id).collect::<Vec<_>>())?;
    let areas: HashMap<CareAreaId, Name> = db
        .care_area_list()?
        .into_iter()
        .map(|area| (area.id, area.name))
        .collect();
    let staff = staff(db)?;
    let schemes = schemes(releases.values());
    let software: HashMap<_, _> = db
        .pump_software_of(&pumps.keys().copied().collect::<Vec<_>>())?
        .into_iter()
        .collect();

    let mut loading = Loading {
        db,
        now,
        results,
        briefed,
        areas,
        staff,
        pumps: &pumps,
        software: &software,
        schemes: &schemes,
        by_wave: HashMap::new(),
    };
    for assignment in &assignments {
        loading
            .by_wave
            .entry(assignment.wave)
            .or_default()
            .push(assignment);
    }
    let mut shown = Vec::with_capacity(rollouts.len());
    for rollout in &rollouts {
        let release = releases
            .get(&rollout.release)
            .ok_or_else(|| corrupt("read a rollout", "its release is gone"))?;
        let stages = waves.iter().filter(|wave| wave.rollout == rollout.id);
        shown.push(loading.rollout(rollout, release, stages)?);
    }
    let tickets = db.ticket_out()?.iter().map(ticket).collect();
    let snapshot = Snapshot {
        rollouts: shown,
        pumps: pumps
            .values()
            .map(|listing| {
                (
                    listing.pump.id,
                    pump(app, listing, software.get(&listing.pump.id), now),
                )
            })
            .collect(),
        tickets,
        floors,
        hospital: HospitalLimits::DEFAULT,
        listening_since: app.listening_since,
    };
    Ok(Facts {
        snapshot,
        rollouts: rollouts.into_iter().map(|row| (row.id, row)).collect(),
        waves: waves.into_iter().map(|row| (row.id, row)).collect(),
        assignments: assignments.into_iter().map(|row| (row.id, row)).collect(),
        releases,
    })
}

const fn is_under_test(state: AssignmentState) -> bool {
    matches!(
        state,
        AssignmentState::TrialBoot | AssignmentState::SelfTest | AssignmentState::AwaitingSignoff
    )
}

fn by_assignment(results: Vec<CheckRecord>) -> HashMap<AssignmentId, Vec<CheckRecord>> {
    let mut of: HashMap<_, Vec<_>> = HashMap::new();
    for result in results {
        of.entry(result.assignment).or_default().push(result);
    }
    of
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

/// The pumps of the assignments, and all that count beside them for a floor.
fn pumps(
    db: &mut Db<'_>,
    assignments: &[AssignmentRecord],
    floors: &BTreeMap<Group, u32>,
) -> Result<HashMap<PumpId, PumpListing>, StoreError> {
    let mut found: HashMap<_, _> = HashMap::new();
    let wards: BTreeSet<(CareAreaId, ModelId)> = floors
        .keys()
        .map(|group| (group.care_area, group.model))
        .collect();
    for (care_area, model) in wards {
        let filter = PumpFilter {
            care_area: Some(care_area),
            model: Some(model),
            ..PumpFilter::default()
        };
        for listing in every_pump(db, &filter)? {
            found.insert(listing.pump.id, listing);
        }
    }
    let missing: BTreeSet<_> = assignments
        .iter()
        .map(|assignment| assignment.pump)
        .filter(|pump| !found.contains_key(pump))
        .collect();
    for listing in db.pump_listing_of(&missing.into_iter().collect::<Vec<_>>())? {
        found.insert(listing.pump.id, listing);
    }
    Ok(found)
}

/// Every pump that a filter of the store lists.
pub(crate) fn every_pump(db: &mut Db<'_>, filter: &PumpFilter) -> Result<Vec<PumpListing>, StoreError> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = db.pump_list(filter, after.as_deref(), store::PAGE_MAX)?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// How many people nurse in each care area.
fn staff(db: &mut Db<'_>) -> Result<HashMap<CareAreaId, u32>, StoreError> {
    let mut people = Vec::new();
    let mut after = None;
    loop {
        let page = db.account_list(after.as_deref(), store::PAGE_MAX)?;
        let here = page
            .items
            .into_iter()
            .filter(|account| account.disabled_at.is_none());
        people.extend(here.map(|account| account.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let areas: Vec<_> = db.care_area_list()?.into_iter().map(|area| area.id).collect();
    let mut staff: HashMap<CareAreaId, u32> = HashMap::new();
    for grants in db.grant_list_of(&people)?.into_values() {
        let nursing = grants
            .into_iter()
            .filter(|grant| matches!(grant.role, Role::Nurse | Role::ChargeNurse));
        let mut works_in = BTreeSet::new();
        for grant in nursing {
            match grant.care_areas {
                CareAreas::All => works_in.extend(areas.iter().copied()),
                CareAreas::Named(named) => works_in.extend(named),
            }
        }
        for area in works_in {
            *staff.entry(area).or_default() += 1;
        }
    }
    Ok(staff)
}

/// How each component's versions compare, as far as an imported release says.
pub(crate) fn schemes<'a>(releases: impl Iterator<Item = &'a Release>) -> HashMap<String, VersionScheme> {
    releases
        .flat_map(|release| &release.manifest.brings)
        .map(|brought| (brought.name.to_string(), brought.scheme))
        .collect()
}

/// A pump as releases and filters see it.
pub(crate) fn described(
    listing: &PumpListing,
    software: Option<&PumpSoftware>,
    schemes: &HashMap<String, VersionScheme>,
) -> Described {
    let pump = &listing.pump;
    let component = |part: &Component| InstalledComponent {
        name: part.name.clone(),
        version: part.version.clone(),
        scheme: schemes
            .get(part.name.as_str())
            .copied()
            .unwrap_or(VersionScheme::Unknown),
    };
    let software = software.cloned().unwrap_or_default();
    Described {
        id: pump.id,
        serial: pump.serial.clone(),
        asset_tag: pump.asset_tag.clone(),
        manufacturer: listing.manufacturer_name.clone(),
        model: listing.model_name.clone(),
        hardware_id: pump.hardware_id.clone(),
        modules: software.modules.into_iter().collect(),
        components: pump.components.iter().map(component).collect(),
        counter: software.counter,
        drug_library: software.library,
        care_area: listing.care_area_name.clone(),
        location: listing.location_name.clone(),
        tags: BTreeSet::new(),
        status: if pump.retired_at.is_some() {
            Status::Retired
        } else {
            Status::InService
        },
        hold: pump.hold.as_ref().map(|hold| hold.kind),
        past_support: false,
        vulnerabilities: BTreeSet::new(),
    }
}

fn pump(app: &App, listing: &PumpListing, software: Option<&PumpSoftware>, now: Timestamp) -> PumpFacts {
    let state = listing.state.as_ref();
    let heard = [listing.last_seen, state.map(|state| state.received_at)];
    let last = heard
        .into_iter()
        .flatten()
        .fold(listing.pump.enrolled_at, Timestamp::max);
    PumpFacts {
        row_version: RowVersion(listing.pump.row_version),
        care_area: listing.pump.care_area,
        model: listing.pump.model,
        activity: state.map_or(Activity::Unknown, |state| state.activity),
        patient_attached: state.is_none_or(|state| state.patient_attached),
        heard_at: state.map(|state| state.received_at),
        connected: listing.connected,
        hold: listing.pump.hold.as_ref().map(|hold| hold.kind),
        whereabouts: if listing.pump.retired_at.is_some() {
            Whereabouts::Retired
        } else if now.signed_duration_since(last) > app.settings.missing_after {
            Whereabouts::Missing
        } else {
            Whereabouts::Known
        },
        counter: software.and_then(|software| software.counter),
        other_slot: software.and_then(|software| software.other_counter),
    }
}

fn ticket(row: &TicketRecord) -> TicketFacts {
    TicketFacts {
        id: row.id,
        assignment: row.assignment,
        pump: row.pump,
        not_after: row.not_after,
        withdrawn: row.withdrawn_at.is_some(),
    }
}

/// What is at hand while rollouts are put together.
struct Loading<'a, 'db> {
    db: &'a mut Db<'db>,
    now: Timestamp,
    results: HashMap<AssignmentId, Vec<CheckRecord>>,
    briefed: Vec<BriefingCount>,
    areas: HashMap<CareAreaId, Name>,
    staff: HashMap<CareAreaId, u32>,
    pumps: &'a HashMap<PumpId, PumpListing>,
    software: &'a HashMap<PumpId, PumpSoftware>,
    schemes: &'a HashMap<String, VersionScheme>,
    by_wave: HashMap<WaveId, Vec<&'a AssignmentRecord>>,
}

impl Loading<'_, '_> {
    fn rollout<'w>(
        &mut self,
        row: &RolloutRecord,
        release: &Release,
        stages: impl Iterator<Item = &'w WaveRecord>,
    ) -> Result<RolloutFacts, StoreError> {
        let spec = spec_of(row)?;
        let windows = spec
            .check()
            .map_err(|error| corrupt("read a rollout", format!("{}: {error}", row.id)))?;
        let limits = spec.limits.complete();
        let mut waves = Vec::new();
        for wave in stages {
            waves.push(self.wave(wave, release, &limits)?);
        }
        Ok(RolloutFacts {
            id: row.id,
            row_version: RowVersion(row.row_version),
            state: row.state,
            author: row.author,
            approvals: self.signatures(SubjectKind::Rollout, row.id.as_uuid())?,
            emergency: row.emergency.clone(),
            begins_at: row.begins_at,
            counter: release.manifest.security.counter,
            floor_counter: release.manifest.security.floor,
            windows,
            limits,
            waves,
        })
    }

    fn wave(
        &mut self,
        row: &WaveRecord,
        release: &Release,
        limits: &Limits,
    ) -> Result<WaveFacts, StoreError> {
        let assignments = self.by_wave.remove(&row.id).unwrap_or_default();
        let areas: BTreeSet<CareAreaId> = assignments
            .iter()
            .map(|assignment| assignment.care_area)
            .collect();
        let signatures = if areas.is_empty() {
            Vec::new()
        } else {
            self.signatures(SubjectKind::Wave, row.id.as_uuid())?
        };
        let care_areas = areas.into_iter().filter_map(|id| {
            let briefed = self
                .briefed
                .iter()
                .find(|count| count.wave == row.id && count.care_area == id);
            Some(CareAreaFacts {
                id,
                name: self.areas.get(&id)?.clone(),
                staff: self.staff.get(&id).copied().unwrap_or_default(),
                briefed: briefed.map_or(0, |count| u32::try_from(count.people).unwrap_or(u32::MAX)),
                signatures: signatures
                    .iter()
                    .filter(|signed| signed.care_area == Some(id))
                    .copied()
                    .collect(),
            })
        });
        let care_areas = care_areas.collect::<Vec<_>>();
        let mut shown = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            shown.push(self.assignment(assignment, release, limits)?);
        }
        Ok(WaveFacts {
            id: row.id,
            number: u32::try_from(row.number).unwrap_or(u32::MAX),
            row_version: RowVersion(row.row_version),
            state: row.state,
            since: row.since,
            opened_at: row.opened_at,
            care_areas,
            assignments: shown,
            failures_accepted: u32::try_from(row.failures_accepted).unwrap_or_default(),
            evidence: row.evidence,
        })
    }

    fn assignment(
        &mut self,
        row: &AssignmentRecord,
        release: &Release,
        limits: &Limits,
    ) -> Result<AssignmentFacts, StoreError> {
        let results = self.results.remove(&row.id).unwrap_or_default();
        let evaluation = check::evaluation(row, &release.manifest, &results, limits.check_deadline, self.now);
        let signatures = if row.state == AssignmentState::AwaitingSignoff {
            self.signatures(SubjectKind::Pump, row.pump.as_uuid())?
        } else {
            Vec::new()
        };
        Ok(AssignmentFacts {
            id: row.id,
            pump: row.pump,
            row_version: RowVersion(row.row_version),
            state: row.state,
            since: row.since,
            fit: self.fit(row, release),
            setback: row.setback_at.map(|at| Setback {
                at,
                count: u32::try_from(row.setback_count).unwrap_or(u32::MAX),
                words: row.setback_words.clone(),
            }),
            checks: evaluation.map_or(CheckOutcome::Awaiting, |evaluation| evaluation.outcome),
            versions_proved: row.versions_proved,
            checked_by: results.iter().filter_map(|result| result.account).collect(),
            signatures,
            left_behind: row.left_behind,
            roll_back: row.roll_back_by.map(|asked_by| RollBack {
                asked_by,
                ordered_at: row.roll_back_at,
            }),
        })
    }

    /// Whether the release still fits the pump, for one that did not begin to install.
    fn fit(&self, row: &AssignmentRecord, release: &Release) -> Fit {
        let is_to_begin = matches!(row.state.stage(), Stage::Waiting | Stage::Preparing);
        let Some(listing) = self.pumps.get(&row.pump).filter(|_| is_to_begin) else {
            return Fit::Fits;
        };
        let pump = described(listing, self.software.get(&row.pump), self.schemes);
        let why = match choose_target(&release.manifest, &pump) {
            Ok(target) if target.path == row.target => return Fit::Fits,
            Ok(target) => format!("it would get another file by now ({})", target.path),
            Err(why) => why.to_string(),
        };
        Reason::new(&why).map_or(Fit::Fits, Fit::No)
    }

    /// The signatures on a subject that are signatures, each held against what is there now.
    fn signatures(&mut self, kind: SubjectKind, id: Uuid) -> Result<Vec<Signed>, StoreError> {
        let records = self.db.signature_of(kind, id)?;
        let mut subjects: HashMap<Meaning, _> = HashMap::new();
        let mut signed = Vec::with_capacity(records.len());
        for record in records {
            let meaning = record.statement.answer.meaning();
            if let std::collections::hash_map::Entry::Vacant(vacant) = subjects.entry(meaning) {
                vacant.insert(subject::current(self.db, kind, id, meaning, self.now)?);
            }
            let current = subjects.get(&meaning).and_then(Option::as_ref);
            signed.extend(Signed::of(&record.statement, current));
        }
        Ok(signed)
    }
}
