//! A hospital on record, and what may happen to it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fleet::{
    Timestamp,
    access::{CareAreas, Grant, Role},
    check::Reading,
    id::{
        AccountId, AssignmentId, CareAreaId, CheckResultId, HoldId, ManufacturerId, ModelId, PumpId,
        ReleaseId, RepositoryId, RetestId, RolloutId, SessionId, SignatureId, TicketId, WaveId,
    },
    pump::{Activity, Component, Hold, HoldKind, Pump, PumpState, SecurityCounter, Support},
    rollout::{
        spec::Spec,
        state::{AssignmentState, RolloutState, WaveState},
    },
    signature::{Answer, Digest, Meaning, Named, SignatureStatement, SubjectKind, ZonedTime},
    text::{ComponentName, ComponentVersion, Name, Reason, SerialNumber, Tag},
};
use serde_json::{Value, json};
use store::{
    AssignmentRecord, CheckRecord, Db, HoldRecord, PresenceChange, PumpPatch, PumpSoftware, ReleaseRecord,
    RepositoryRecord, RolloutRecord, SessionRecord, SignatureRecord, StoreError, TicketRecord,
    WardFloorRecord, WaveRecord,
};
use uuid::Uuid;

use super::super::{super::check::Entered, Facts, load};
use crate::{api::tests::stage::Stage, command::subject, fresh};

const MANIFEST: &str = include_str!("../../../../../../docs/release-manifest.example.json");
const FILES: [&str; 2] = ["volumat7/9.12/early.bin", "volumat7/9.12/main.bin"];
const PUMPS: usize = 10;
const SESSION: SessionId = SessionId::from_uuid(Uuid::from_u128(1));

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn nth<T: Copy>(all: &[T], which: usize) -> T {
    all[which % all.len()]
}

/// A hospital with two rollouts of one release at work.
pub(super) struct Hospital {
    pub(super) stage: Stage,
    model: ModelId,
    areas: Vec<CareAreaId>,
    people: Vec<AccountId>,
    pumps: Vec<PumpId>,
    release: ReleaseId,
    rollouts: Vec<RolloutId>,
    waves: Vec<WaveId>,
    assignments: Vec<AssignmentId>,
    tickets: Vec<(TicketId, PumpId)>,
    sessions: i64,
}

/// So many kinds of things happen.
pub(super) const ACTS: usize = 26;

/// What happens, which ones it happens to, and how.
pub(super) type Act = (usize, usize, usize);

impl Hospital {
    pub(super) fn new() -> Self {
        let stage = Stage::new();
        let now = stage.app.now();
        let nurse = |role, everywhere: bool| Grant {
            role,
            care_areas: if everywhere {
                CareAreas::All
            } else {
                CareAreas::Named(BTreeSet::new())
            },
        };
        let people = vec![
            stage.person_with("author", &[nurse(Role::Biomed, true)], false),
            stage.person_with("lead", &[nurse(Role::BiomedLead, true)], false),
            stage.person_with("nurse", &[nurse(Role::Nurse, true)], false),
        ];
        let mut hospital = Self {
            model: ModelId::from_uuid(fresh::uuid(now)),
            release: ReleaseId::from_uuid(fresh::uuid(now)),
            areas: Vec::new(),
            people,
            pumps: Vec::new(),
            rollouts: Vec::new(),
            waves: Vec::new(),
            assignments: Vec::new(),
            tickets: Vec::new(),
            sessions: 0,
            stage,
        };
        let store = hospital.stage.app.store.clone();
        store.write(|db| hospital.fill(db, now)).unwrap();
        hospital
    }

    fn fill(&mut self, db: &mut Db<'_>, now: Timestamp) -> Result<(), StoreError> {
        let maker =
            db.manufacturer_ensure(&name("Acme Medical"), ManufacturerId::from_uuid(fresh::uuid(now)))?;
        db.model_ensure(maker, &name("Volumat 7"), self.model)?;
        for area in ["MICU", "SICU"] {
            self.areas
                .push(db.care_area_ensure(&name(area), CareAreaId::from_uuid(fresh::uuid(now)))?);
        }
        let repository = RepositoryId::from_uuid(fresh::uuid(now));
        db.repository_create(&RepositoryRecord {
            id: repository,
            name: "acme".parse().unwrap(),
            manufacturer: maker,
            root: "{}".to_owned(),
            root_hash: Digest::of(b"{}"),
            added_by: self.people[0],
            added_at: now,
        })?;
        db.release_create(&ReleaseRecord {
            id: self.release,
            repository,
            name: name("Volumat 7 infusion control"),
            version: ComponentVersion::new("9.12").unwrap(),
            manifest: manifest(),
            manifest_hash: Digest::of(b"manifest"),
            targets: json!(
                FILES.map(|path| json!({ "path": path, "length": 1, "sha256": Digest::of(b"x") }))
            ),
            imported_by: self.people[0],
            imported_at: now,
        })?;
        db.session_create(&SessionRecord {
            id: SESSION,
            account: self.people[0],
            secret_hash: [1; 32],
            device: None,
            address: None,
            agent: None,
            factors: "password".to_owned(),
            authenticated_at: now,
            last_seen_at: now,
            idle_seconds: 900,
            expires_at: now + TimeDelta::days(1),
            ended_at: None,
            end_reason: None,
            signed_at: None,
            glass: None,
        })?;
        for n in 0..PUMPS {
            self.pump(db, n, now)?;
        }
        for n in 0..2 {
            self.rollout(db, n, RolloutState::Running, now)?;
        }
        db.ward_floor_set(&self.floor(0, 2))
    }

    /// The first rollout is approved, and its first wave is open.
    pub(super) fn begin(&mut self, db: &mut Db<'_>, now: Timestamp) -> Result<(), StoreError> {
        let mut wave = db.wave_fetch(self.waves[0])?;
        wave.state = WaveState::Open;
        wave.opened_at = Some(now);
        let seen = wave.row_version;
        db.wave_update(&wave, seen)?;
        // By the lead, who means: approved.
        self.sign(db, 0, 3 + 8, self.people[1], now)
    }

    fn floor(&self, which: usize, keep: i64) -> WardFloorRecord {
        WardFloorRecord {
            care_area: nth(&self.areas, which),
            model: self.model,
            keep,
        }
    }

    fn pump(&mut self, db: &mut Db<'_>, n: usize, now: Timestamp) -> Result<(), StoreError> {
        let id = PumpId::from_uuid(fresh::uuid(now));
        self.pumps.push(id);
        db.pump_create(&Pump {
            id,
            row_version: 1,
            content_version: 1,
            // On both sides of the serial number from which there is another file.
            serial: SerialNumber::new(&format!("SN-{}", 138_848 + n)).unwrap(),
            model: self.model,
            asset_tag: None,
            udi: None,
            hardware_id: None,
            care_area: Some(nth(&self.areas, n)),
            location: None,
            macs: Vec::new(),
            components: vec![runs("8.5")],
            hold: None,
            enrolled_at: now,
            retired_at: None,
        })?;
        db.pump_software_set(id, &counts(41))
    }

    fn rollout(
        &mut self,
        db: &mut Db<'_>,
        n: usize,
        state: RolloutState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = RolloutId::from_uuid(fresh::uuid(now));
        let spec: Spec = serde_json::from_value(json!({
            "pumps": { "filter": "model = \"Volumat 7\"" },
            "waves": [{ "name": "First", "takes": { "count": 2 } }, { "name": "Others", "takes": "rest" }],
            "limits": { "soak_seconds": 3600 },
        }))
        .unwrap();
        let row = RolloutRecord {
            id,
            row_version: 1,
            name: name(&format!("Rollout {n}")),
            release: self.release,
            state,
            since: now,
            author: self.people[0],
            emergency: None,
            begins_at: now + TimeDelta::hours(1),
            spec: serde_json::to_value(&spec).unwrap(),
            content_version: 1,
            why: None,
            made_at: now,
        };
        let waves: Vec<_> = (1..=2)
            .map(|number| WaveRecord {
                id: WaveId::from_uuid(fresh::uuid(now)),
                rollout: id,
                number,
                name: name("A wave"),
                row_version: 1,
                state: WaveState::Pending,
                since: now,
                opened_at: None,
                failures_accepted: 0,
                evidence: None,
            })
            .collect();
        db.rollout_create(&row, &waves)?;
        // The first four pumps are in both.
        let members = self
            .pumps
            .iter()
            .enumerate()
            .filter(|(at, _)| *at < 4 || at % 2 == n % 2);
        let assignments: Vec<_> = members
            .map(|(at, pump)| {
                assignment(
                    &waves[usize::from(at >= 4)],
                    *pump,
                    (at, nth(&self.areas, at)),
                    now,
                )
            })
            .collect();
        db.assignment_create(&assignments)?;
        self.rollouts.push(id);
        self.waves.extend(waves.iter().map(|wave| wave.id));
        self.assignments.extend(assignments.iter().map(|row| row.id));
        Ok(())
    }

    /// Does something to the record. The database refuses some of it, and then nothing happened.
    pub(super) fn act(&mut self, (what, which, how): Act) {
        let store = self.stage.app.store.clone();
        let now = self.stage.app.now();
        match what % ACTS {
            0 => {
                return self
                    .stage
                    .move_clock(TimeDelta::seconds(i64::try_from(how).unwrap() * 40));
            }
            1 => {
                return self
                    .stage
                    .move_clock(TimeDelta::hours(i64::try_from(how % 200).unwrap()));
            }
            2 if how.is_multiple_of(5) => {
                return self
                    .stage
                    .move_clock(-TimeDelta::minutes(i64::try_from(which).unwrap()));
            }
            _ => {}
        }
        match store.write(|db| self.change(db, what % ACTS, which, how, now)) {
            Ok(()) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => panic!("{what}, {which}, {how}: {error}"),
        }
    }

    fn change(
        &mut self,
        db: &mut Db<'_>,
        what: usize,
        which: usize,
        how: usize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let pump = nth(&self.pumps, which);
        let person = nth(&self.people, how);
        match what {
            3..=5 => db.pump_state_upsert(&[state(pump, how, now)]),
            6 => {
                self.sessions += 1;
                db.presence_set(&[PresenceChange {
                    pump,
                    session: self.sessions,
                    connected: !how.is_multiple_of(3),
                    at: now,
                    peer: None,
                    certificate: None,
                    end: None,
                }])
            }
            7 => db.last_seen_set(&[(pump, now)]),
            8 => match how % 3 {
                0 => {
                    let hold = Hold {
                        kind: nth(&HoldKind::ALL, how / 3),
                        reason: Reason::new("a look").unwrap(),
                        since: now,
                    };
                    let id = HoldId::from_uuid(fresh::uuid(now));
                    db.hold_create(&HoldRecord::standing(id, pump, &hold, json!({}), None))
                }
                1 => match db.hold_standing(pump)? {
                    Some(hold) => db.hold_release(&hold, now, RetestId::from_uuid(fresh::uuid(now)), &[]),
                    None => Ok(()),
                },
                _ if how > 90 => db.pump_retire(pump, now),
                _ => Ok(()),
            },
            9 => {
                let version = db.pump_fetch(pump)?.row_version;
                let patch = PumpPatch {
                    care_area: Some(self.areas.get(how % 3).copied()),
                    ..PumpPatch::default()
                };
                db.pump_detail_update(pump, version, &patch).map(drop)
            }
            10 => db.pump_software_set(pump, &counts(41 + u32::try_from(how % 3).unwrap())),
            11 => db.pump_inventory_set(pump, &[], &[runs(nth(&["8.5", "9.3", "9.12"], how))], None, None),
            12..=14 => {
                let old = db.assignment_fetch(nth(&self.assignments, which))?;
                let seen = old.row_version;
                db.assignment_update(&further(old, how, person, now), seen)
            }
            15 => db.check_result_create(&read(nth(&self.assignments, which), how, person, now)),
            16 => {
                let mut wave = db.wave_fetch(nth(&self.waves, which))?;
                wave.state = nth(WaveState::ALL, how);
                wave.opened_at = Some(now);
                wave.evidence = how.is_multiple_of(2).then(|| Digest::of(b"signed"));
                let seen = wave.row_version;
                db.wave_update(&wave, seen)
            }
            17 => db.briefing_add(nth(&self.waves, which), nth(&self.areas, how), person, now),
            18 => {
                let id = nth(&self.rollouts, which);
                let version = db.rollout_fetch(id)?.row_version;
                // Most of the time it runs: there is nothing to see of one that does not.
                let state = if how.is_multiple_of(3) {
                    nth(RolloutState::ALL, how / 3)
                } else {
                    RolloutState::Running
                };
                db.rollout_move(id, version, state, None, now)
            }
            19 => self.ticket(db, which, how, now),
            20 | 21 => self.sign(db, which, how, person, now),
            22 => match how % 4 {
                0 => db.ward_floor_set(&self.floor(which, i64::try_from(how % 3).unwrap())),
                1 => db.care_area_rename(nth(&self.areas, which), &name(&format!("Ward {how}"))),
                2 => {
                    let care_areas = CareAreas::Named(BTreeSet::from([nth(&self.areas, which)]));
                    let role = Role::Nurse;
                    db.grant_set(person, &[Grant { role, care_areas }])
                }
                _ => {
                    let version = db.account_fetch(person)?.row_version;
                    let disabled = which.is_multiple_of(2).then_some(now);
                    db.account_edit(person, version, &name("Somebody"), disabled)
                }
            },
            23 if how.is_multiple_of(7) && self.pumps.len() < 2 * PUMPS => {
                let n = self.pumps.len();
                self.pump(db, n, now)
            }
            23 if how.is_multiple_of(5) && self.rollouts.len() < 4 => {
                let n = self.rollouts.len();
                self.rollout(db, n, RolloutState::Draft, now)
            }
            24 | 25 => self.note(db, what == 24, pump, how, now),
            _ => Ok(()),
        }
    }

    /// What people note of a pump, or of its model.
    fn note(
        &self,
        db: &mut Db<'_>,
        is_tag: bool,
        pump: PumpId,
        how: usize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if is_tag {
            let tags = [Tag::new(&format!("tag {how}")).unwrap()];
            return db.pump_tags_set(pump, &tags.into());
        }
        // Its support ended some days ago, ends some days from now, or nobody knows.
        let until = (now + TimeDelta::days(i64::try_from(how % 20).unwrap() - 3)).date_naive();
        let support = Support {
            full_until: None,
            until: (!how.is_multiple_of(3)).then_some(until),
        };
        db.model_update(self.model, None, support)
    }

    fn ticket(
        &mut self,
        db: &mut Db<'_>,
        which: usize,
        how: usize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let known = (!self.tickets.is_empty()).then(|| nth(&self.tickets, how));
        match (how % 3, known) {
            (1, Some((id, _))) => db.ticket_withdraw(id, now),
            (2, Some((id, pump))) => db.ticket_gone(id, pump, now),
            _ => {
                let row = db.assignment_fetch(nth(&self.assignments, which))?;
                let ticket = TicketRecord {
                    id: TicketId::from_uuid(fresh::uuid(now)),
                    assignment: row.id,
                    pump: row.pump,
                    not_before: now,
                    not_after: now + TimeDelta::minutes(i64::try_from(how).unwrap()),
                    envelope: String::new(),
                    withdrawn_at: None,
                    gone_at: None,
                };
                db.ticket_create(&ticket)?;
                self.tickets.push((ticket.id, row.pump));
                Ok(())
            }
        }
    }

    /// Somebody signs what is there at this moment.
    fn sign(
        &self,
        db: &mut Db<'_>,
        which: usize,
        how: usize,
        person: AccountId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let meaning = nth(
            &[
                Meaning::VerifiedForClinicalUse,
                Meaning::ApprovedForWave,
                Meaning::BriefingAcknowledged,
                Meaning::RolloutApproved,
            ],
            how,
        );
        let kind = meaning.subject();
        let id = match kind {
            SubjectKind::Wave => nth(&self.waves, which).as_uuid(),
            SubjectKind::Rollout => nth(&self.rollouts, which).as_uuid(),
            _ => nth(&self.pumps, which).as_uuid(),
        };
        let Some(subject) = subject::current(db, kind, id, meaning, now)? else {
            return Ok(());
        };
        let comment = None;
        let role = nth(&[Role::Nurse, Role::ChargeNurse, Role::BiomedLead], how / 4);
        db.signature_create(&SignatureRecord {
            statement: SignatureStatement {
                id: SignatureId::from_uuid(fresh::uuid(now)),
                subject,
                answer: Answer::Signed { meaning, comment },
                printed_name: name("Somebody"),
                account: person,
                role,
                care_area: Some(Named {
                    id: nth(&self.areas, how / 2),
                    name: name("A ward"),
                }),
                device: None,
                signed_at: ZonedTime::from_parts(now, 60),
            },
            content: "{}".to_owned(),
            session: SESSION,
            factors: "password".to_owned(),
            seal: "c2VhbA==".to_owned(),
            key_id: "0123456789abcdef".to_owned(),
        })
    }

    /// Everything, read anew.
    pub(super) fn anew(&self, now: Timestamp) -> Option<Facts> {
        let app = &self.stage.app;
        app.store.read(|db| load(db, app, now)).unwrap()
    }
}

fn manifest() -> String {
    let mut manifest: Value = serde_json::from_str(MANIFEST).unwrap();
    for without in ["hardware", "needs_modules", "refuses_modules", "drug_libraries"] {
        manifest.as_object_mut().unwrap().remove(without);
    }
    manifest.to_string()
}

fn counts(counter: u32) -> PumpSoftware {
    PumpSoftware {
        counter: Some(SecurityCounter(counter)),
        ..PumpSoftware::default()
    }
}

fn runs(version: &str) -> Component {
    Component {
        name: ComponentName::new("main").unwrap(),
        version: ComponentVersion::new(version).unwrap(),
    }
}

fn assignment(
    wave: &WaveRecord,
    pump: PumpId,
    (at, care_area): (usize, CareAreaId),
    now: Timestamp,
) -> AssignmentRecord {
    let target = FILES[usize::from(at >= 5)];
    AssignmentRecord {
        id: AssignmentId::from_uuid(fresh::uuid(now)),
        wave: wave.id,
        rollout: wave.rollout,
        pump,
        care_area,
        row_version: 1,
        state: AssignmentState::Planned,
        since: now,
        target: target.parse().unwrap(),
        before: json!([]),
        named: json!([]),
        joined_at: None,
        again_at: None,
        leaves_by: None,
        ticket: None,
        heard: 0,
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
    }
}

/// The same assignment, somewhere else on its way.
fn further(old: AssignmentRecord, how: usize, person: AccountId, now: Timestamp) -> AssignmentRecord {
    AssignmentRecord {
        state: nth(AssignmentState::ALL, how),
        since: now,
        booted_at: how.is_multiple_of(2).then_some(now),
        versions_proved: how.is_multiple_of(3),
        setback_at: how.is_multiple_of(5).then_some(now),
        left_behind: how.is_multiple_of(7),
        roll_back_by: how.is_multiple_of(11).then_some(person),
        roll_back_at: how.is_multiple_of(22).then_some(now),
        ..old
    }
}

/// What a person read; some of it by a clock that is ahead of ours.
fn read(assignment: AssignmentId, how: usize, person: AccountId, now: Timestamp) -> CheckRecord {
    let entered = Entered {
        check: "case".parse().unwrap(),
        reading: how
            .is_multiple_of(2)
            .then_some(Reading::Confirmation { yes: true }),
        instrument: None,
        read_at: now + TimeDelta::minutes(i64::try_from(how % 20).unwrap()),
        offset_minutes: 60,
    };
    CheckRecord {
        id: CheckResultId::from_uuid(fresh::uuid(now)),
        assignment,
        attempt: 1,
        at: now,
        account: Some(person),
        body: serde_json::to_value(&entered).unwrap(),
        envelope: None,
    }
}

fn state(pump: PumpId, how: usize, now: Timestamp) -> PumpState {
    PumpState {
        pump,
        reported_at: now,
        received_at: now,
        activity: nth(&[Activity::Ready, Activity::Standby, Activity::Infusing], how),
        patient_attached: how.is_multiple_of(5),
        rate: None,
        infused: None,
        battery: None,
        on_mains: true,
        signal: None,
        place: None,
        alarm: None,
    }
}
