//! A hospital with a manufacturer's release, pumps that a test speaks for, and people who sign; rollouts as they reach the
//! service, without a wire.

use std::cell::Cell;

use actix_web::http::{Method, StatusCode, header};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use fleet::{
    access::{CareAreas, Grant, Role},
    certificate::Fingerprint,
    check::{AutomaticResult, CheckUnit, Claim, Reading},
    id::{CareAreaId, HoldId, OrderId, PumpId, ReportId, RetestId, TicketId},
    pump::{Activity, Component, Hold, HoldKind, PumpState},
    rollout::state::AssignmentState,
    signature::Digest,
    text::{Name, Reason},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::{AssignmentRecord, Db, HoldRecord, PresenceChange, WardFloorRecord};
use uuid::Uuid;
use wire::{
    envelope::{Algorithm, Sealed, seal},
    message::{
        InventoryReport, Report, ReportBody, SoftwareSlot, SoftwareState, UpdateReport, UpdateStage, V1,
    },
    proof::{Proof, key_id},
    topic::Channel,
    types::SecurityCounter,
};

use super::stage::{PASSWORD, Reply, Stage, request_as};
use crate::{
    engine::{inbound, rollout},
    firmware::make::{Make, Settings, demo_image, make},
    fresh,
    mqtt::Inbound,
};

const PIN: &str = "640917";
/// What the library on the pumps is.
pub(super) const LIBRARY: &[u8] = b"adult general";

/// Somebody with a PIN, who signs.
pub(super) struct Signer<'a> {
    stage: &'a Stage,
    name: &'static str,
}

impl<'a> Signer<'a> {
    pub(super) async fn new(stage: &'a Stage, name: &'static str, roles: &[(Role, CareAreas)]) -> Self {
        let grants: Vec<_> = roles
            .iter()
            .map(|(role, care_areas)| Grant {
                role: *role,
                care_areas: care_areas.clone(),
            })
            .collect();
        stage.person_with(name, &grants, false);
        let signer = Self { stage, name };
        let pin = json!({ "password": PASSWORD, "pin": PIN });
        signer.post("/me/pin", pin).await.expect(StatusCode::NO_CONTENT);
        signer
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        let secret = self.stage.sign_in(self.name);
        self.stage.send(request_as(&secret, Method::GET, path)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Reply {
        let secret = self.stage.sign_in(self.name);
        let request = request_as(&secret, Method::POST, path).set_json(body);
        self.stage.send(request).await
    }

    /// Looks, and signs exactly what was shown.
    pub(super) async fn sign(
        &self,
        kind: &str,
        id: impl std::fmt::Display,
        meaning: &str,
        care_area: Option<CareAreaId>,
    ) -> Reply {
        let path = format!("/signatures/subjects/{kind}/{id}?meaning={meaning}");
        let shown = self.get(&path).await.expect(StatusCode::OK);
        self.post(
            "/signatures",
            json!({
                "kind": kind, "id": id.to_string(), "version": shown["version"],
                "content_hash": shown["content_hash"], "meaning": meaning, "care_area": care_area,
                "factors": { "password": PASSWORD, "pin": PIN },
            }),
        )
        .await
    }
}

/// A pump that does what a test says.
pub(super) struct Device<'a> {
    stage: &'a Stage,
    pub(super) id: PumpId,
    sequence: u64,
    /// Connections so far: a later one has a larger number.
    session: Cell<i64>,
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
}

impl<'a> Device<'a> {
    /// A pump with firmware 1.0, in a care area or in none, free and connected.
    fn new(stage: &'a Stage, serial: &str, care_area: Option<CareAreaId>) -> Self {
        let id = stage.pump_in(serial, care_area);
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, id.to_string());
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        let record = fleet::certificate::CertificateRecord {
            fingerprint: Fingerprint::from_digest(Sha256::digest(&certificate).into()),
            ..stage.certificate(id)
        };
        let record = fleet::certificate::CertificateRecord {
            serial: fleet::certificate::SerialHex::from_bytes(&fresh::bytes::<16>()),
            ..record
        };
        stage
            .app
            .store
            .write(|db| db.certificate_insert(&record, &certificate))
            .unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der()).unwrap();
        let mut device = Self {
            stage,
            id,
            sequence: 0,
            session: Cell::new(0),
            key,
            certificate,
        };
        device.connects(true);
        device.does(Activity::Ready);
        device.runs("1.0", 1);
        device
    }

    /// It comes, or goes.
    pub(super) fn connects(&self, connected: bool) {
        if connected {
            self.session.set(self.session.get() + 1);
        }
        let change = PresenceChange {
            pump: self.id,
            session: self.session.get(),
            connected,
            at: self.stage.app.now(),
            peer: None,
            certificate: None,
            end: None,
        };
        self.stage
            .app
            .store
            .write(|db| db.presence_set(&[change]))
            .unwrap();
        if connected {
            self.take(Inbound::Ready {
                pump: self.id,
                session: 1,
                channel: Channel::Order,
            });
        }
    }

    /// It says what it is doing.
    pub(super) fn does(&self, activity: Activity) {
        let now = self.stage.app.now();
        let state = PumpState {
            pump: self.id,
            reported_at: now,
            received_at: now,
            activity,
            patient_attached: activity == Activity::Infusing,
            rate: None,
            infused: None,
            battery: None,
            on_mains: true,
            signal: None,
            place: None,
            alarm: None,
        };
        self.stage
            .app
            .store
            .write(|db| db.pump_state_upsert(std::slice::from_ref(&state)))
            .unwrap();
    }

    fn take(&self, item: Inbound) {
        inbound::take(&self.stage.app, &[item]);
    }

    pub(super) fn says(&mut self, body: ReportBody) {
        self.sequence += 1;
        let number = self.sequence;
        self.says_as(number, body);
    }

    /// Under a number of its own choice.
    pub(super) fn says_as(&self, seq: u64, body: ReportBody) {
        let now = self.stage.app.now();
        self.take(Inbound::Report {
            pump: self.id,
            session: 1,
            message: Box::new(Report {
                v: V1,
                id: ReportId::from_uuid(fresh::uuid(now)),
                seq,
                at: now,
                body,
            }),
            received_at: now,
        });
    }

    pub(super) fn inventory(version: &str, counter: u32) -> ReportBody {
        ReportBody::Inventory(InventoryReport {
            serial: "SN-1".parse().unwrap(),
            manufacturer: "Acme".parse().unwrap(),
            model: "Apex 3".parse().unwrap(),
            hardware_id: "HW-A".parse().unwrap(),
            udi: None,
            components: components(version),
            macs: Vec::new(),
            modules: Vec::new(),
            software: Some(SoftwareState {
                active: SoftwareSlot::A,
                trial: false,
                other_counter: Some(SecurityCounter(counter)),
            }),
            counter: Some(SecurityCounter(counter)),
            drug_library: None,
        })
    }

    pub(super) fn runs(&mut self, version: &str, counter: u32) {
        self.says(Self::inventory(version, counter));
    }

    pub(super) fn update(&mut self, ticket: TicketId, stage: UpdateStage) {
        self.says(ReportBody::Update(UpdateReport {
            ticket,
            stage,
            refusal: None,
            reason: None,
        }));
    }

    /// What it proves, with the pressure at which it stops.
    pub(super) fn proves(&mut self, ticket: TicketId, version: &str, counter: u32, kpa: f64) {
        let read = |check: &str, unit, value| AutomaticResult {
            check: check.parse().unwrap(),
            claim: Claim::Pass,
            reading: Some(Reading::Quantity { value, unit }),
        };
        let library = AutomaticResult {
            check: "library".parse().unwrap(),
            claim: Claim::Pass,
            reading: Some(Reading::Digest {
                sha256: Digest::of(LIBRARY),
            }),
        };
        let proof = Proof {
            v: V1,
            pump: self.id,
            ticket,
            at: self.stage.app.now(),
            components: components(version),
            counter: SecurityCounter(counter),
            drug_library: None,
            results: vec![
                read("self-test", CheckUnit::Count, 0.0),
                library,
                read("clock", CheckUnit::Second, 0.0),
                read("link", CheckUnit::DecibelMilliwatt, -60.0),
                read("occlusion", CheckUnit::Kilopascal, kpa),
            ],
        };
        let signed = seal(&proof, Algorithm::Es256, &key_id(&self.certificate), |bytes| {
            let signature = self.key.sign(&SystemRandom::new(), bytes);
            signature.map(|signature| signature.as_ref().to_vec())
        });
        self.says(ReportBody::Proof {
            signed: Sealed::of(&signed.unwrap()),
        });
    }

    pub(super) fn assignments(&self) -> Vec<AssignmentRecord> {
        self.stage
            .app
            .store
            .read(|db| db.assignment_of_pump(self.id))
            .unwrap()
    }

    pub(super) fn state(&self) -> AssignmentState {
        self.assignments()[0].state
    }

    pub(super) fn is_held(&self) -> bool {
        let pump = self.stage.app.store.read(|db| db.pump_fetch(self.id)).unwrap();
        pump.hold.is_some()
    }

    /// The orders that wait for it, by kind.
    pub(super) fn waiting(&self) -> Vec<(OrderId, String)> {
        let rows = self.stage.app.store.read(|db| db.order_pending_of(&[self.id]));
        rows.unwrap().into_iter().map(|row| (row.id, row.kind)).collect()
    }

    /// It takes everything that waits for it.
    pub(super) fn acknowledges(&self) {
        for (order, _) in self.waiting() {
            self.take(Inbound::OrderDelivered {
                pump: self.id,
                order,
                at: self.stage.app.now(),
            });
        }
    }

    pub(super) fn ticket(&self) -> TicketId {
        self.assignments()[0].ticket.unwrap()
    }

    /// The whole way to a version, up to the nurse.
    pub(super) fn updates(&mut self, version: &str, counter: u32) {
        self.stage.turn();
        let ticket = self.ticket();
        self.acknowledges();
        self.update(ticket, UpdateStage::Staged);
        self.stage.turn();
        self.acknowledges();
        assert_eq!(self.state(), AssignmentState::AwaitingSafe);
        self.update(ticket, UpdateStage::Activating);
        self.update(ticket, UpdateStage::TrialBoot);
        self.update(ticket, UpdateStage::ChecksBegun);
        self.proves(ticket, version, counter, 60.0);
        self.runs(version, counter);
        self.does(Activity::Ready);
        self.stage.turn();
    }
}

impl Stage {
    pub(super) fn model_of(&self, pump: PumpId) -> fleet::id::ModelId {
        self.app.store.read(|db| db.pump_fetch(pump)).unwrap().model
    }

    pub(super) fn hold(&self, pump: PumpId) {
        let hold = Hold {
            kind: HoldKind::Clinical,
            reason: Reason::new("fell").unwrap(),
            since: self.app.now(),
        };
        let id = HoldId::from_uuid(fresh::uuid(hold.since));
        let record = HoldRecord::standing(id, pump, &hold, json!({}), None);
        self.app.store.write(|db| db.hold_create(&record)).unwrap();
    }

    pub(super) fn release(&self, pump: PumpId) {
        let now = self.app.now();
        let standing = self.app.store.read(|db| db.hold_standing(pump));
        let (held, retest) = (standing.unwrap().unwrap(), RetestId::from_uuid(fresh::uuid(now)));
        let released = |db: &mut Db<'_>| db.hold_release(&held, now, retest, &[]);
        self.app.store.write(released).unwrap();
    }

    /// One turn of the rollouts.
    pub(super) fn turn(&self) -> usize {
        rollout::turn(&self.app).unwrap()
    }
}

fn components(version: &str) -> Vec<Component> {
    vec![Component {
        name: "main".parse().unwrap(),
        version: version.parse().unwrap(),
    }]
}

/// Two care areas, a manufacturer, and everybody it takes.
pub(super) struct Ward<'a> {
    pub(super) stage: &'a Stage,
    pub(super) micu: CareAreaId,
    pub(super) ed: CareAreaId,
    pub(super) author: Signer<'a>,
    pub(super) approver: Signer<'a>,
    pub(super) nurse: Signer<'a>,
    pub(super) charge_micu: Signer<'a>,
    pub(super) charge_ed: Signer<'a>,
    maker: tempfile::TempDir,
    checks: Vec<Value>,
    pub(super) repository: String,
}

impl<'a> Ward<'a> {
    pub(super) async fn open(stage: &'a Stage) -> Self {
        Self::with(stage, Vec::new()).await
    }

    /// With checks beside those that the pump runs, or in their place.
    pub(super) async fn with(stage: &'a Stage, checks: Vec<Value>) -> Self {
        let area = |name: &str| {
            let (name, id) = (
                Name::new(name).unwrap(),
                CareAreaId::from_uuid(fresh::uuid(stage.app.now())),
            );
            stage
                .app
                .store
                .write(|db| db.care_area_ensure(&name, id))
                .unwrap()
        };
        let (micu, ed) = (area("MICU"), area("ED"));
        let all = CareAreas::All;
        let of = |area| CareAreas::Named([area].into());
        let mut ward = Self {
            stage,
            micu,
            ed,
            author: Signer::new(stage, "author", &[(Role::BiomedLead, all.clone())]).await,
            approver: Signer::new(stage, "approver", &[(Role::BiomedLead, all.clone())]).await,
            nurse: Signer::new(stage, "nurse", &[(Role::Nurse, all.clone())]).await,
            charge_micu: Signer::new(stage, "charge micu", &[(Role::ChargeNurse, of(micu))]).await,
            charge_ed: Signer::new(stage, "charge ed", &[(Role::ChargeNurse, of(ed))]).await,
            maker: tempfile::tempdir().unwrap(),
            checks,
            repository: String::new(),
        };
        let security = Signer::new(stage, "security", &[(Role::Security, all)]).await;
        let root = ward.make("2.0", 2);
        let new = json!({ "name": "acme", "manufacturer": "Acme", "root": root });
        let added = ward
            .author
            .post("/repositories", new)
            .await
            .expect(StatusCode::CREATED);
        added["id"].as_str().unwrap().clone_into(&mut ward.repository);
        security
            .sign("trust_root", &ward.repository, "root_of_trust_imported", None)
            .await
            .expect(StatusCode::CREATED);
        ward
    }

    /// The manufacturer signs a release; its root.
    fn make(&self, version: &str, counter: u32) -> String {
        let dir = self.maker.path();
        let file = dir.join("image.bin");
        std::fs::write(&file, demo_image(counter.into(), 10_000)).unwrap();
        let path = format!("apex/{version}/main.bin");
        let by_pump = |id: &str, kind: &str, expect: Value| json!({ "id": id, "kind": kind, "conduct": { "by": "pump" }, "prompt": "The pump reads it.", "expect": expect });
        let within = |unit: &str, low: i32, high: i32| json!({ "reading": "quantity", "unit": unit, "low": low, "high": high, "guard_band": 1 });
        let library = json!({ "reading": "digest", "sha256": Digest::of(LIBRARY) });
        let by_pump = [
            by_pump("self-test", "self_test", within("count", -1, 1)),
            by_pump("library", "library_integrity", library),
            by_pump("clock", "clock", within("second", -5, 5)),
            by_pump("link", "network_link", within("dbm", -80, 0)),
            by_pump("occlusion", "occlusion_pressure", within("kpa", 30, 90)),
        ];
        let is_own = |check: &Value| self.checks.iter().any(|own| own["id"] == check["id"]);
        let by_pump = by_pump.into_iter().filter(|check| !is_own(check));
        let checks: Vec<_> = by_pump.chain(self.checks.iter().cloned()).collect();
        let manifest = json!({
            "v": 1, "name": "Apex main", "version": version, "manufacturer": "Acme", "models": ["Apex 3"],
            "class": "communications",
            "brings": [{ "name": "main", "version": version, "scheme": "dotted" }],
            "security": { "counter": counter, "floor": 1 },
            "targets": [{ "path": path }],
            "checks": checks,
            "bedside": ["The screen looks the same."],
        });
        let made = make(&Make {
            repository: &dir.join("repository"),
            keys: &dir.join("keys"),
            manifest: manifest.to_string().as_bytes(),
            manifest_path: &format!("apex/{version}/release.json").parse().unwrap(),
            files: &[(path.parse().unwrap(), file)].into(),
            settings: Settings::default(),
            now: self.stage.app.now(),
        })
        .unwrap();
        std::fs::read_to_string(made.root).unwrap()
    }

    /// The manufacturer's root of trust.
    pub(super) fn root(&self) -> String {
        let path = self.maker.path().join("repository/metadata/1.root.json");
        std::fs::read_to_string(path).unwrap()
    }

    /// Imports what the manufacturer signed so far; the id of the newest release.
    pub(super) async fn import(&self) -> String {
        let mut archive = tar::Builder::new(Vec::new());
        archive
            .append_dir_all(".", self.maker.path().join("repository"))
            .unwrap();
        let bytes = archive.into_inner().unwrap();
        let secret = self.stage.sign_in("author");
        let path = format!("/repositories/{}/import", self.repository);
        let request = request_as(&secret, Method::POST, &path)
            .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
            .set_payload(bytes);
        let new = self.stage.send(request).await.expect(StatusCode::CREATED);
        new["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// The next release.
    pub(super) async fn release(&self, version: &str, counter: u32) -> String {
        self.make(version, counter);
        self.import().await
    }

    /// Its care area keeps so many of a pump's model in service.
    pub(super) fn keeps(&self, pump: &Device<'_>, keep: i64) {
        let floor = WardFloorRecord {
            care_area: self.micu,
            model: self.stage.model_of(pump.id),
            keep,
        };
        self.stage
            .app
            .store
            .write(|db| db.ward_floor_set(&floor))
            .unwrap();
    }

    pub(super) async fn pharmacist(&self) -> Signer<'a> {
        Signer::new(self.stage, "pharmacist", &[(Role::Pharmacy, CareAreas::All)]).await
    }

    pub(super) fn pump(&self, serial: &str, care_area: Option<CareAreaId>) -> Device<'a> {
        Device::new(self.stage, serial, care_area)
    }

    /// A rollout as it is written: each wave takes these pumps.
    pub(super) async fn write(&self, name: &str, release: &str, waves: &[&[&Device<'_>]]) -> Reply {
        let ids = |pumps: &[&Device<'_>]| pumps.iter().map(|pump| pump.id).collect::<Vec<_>>();
        let all: Vec<PumpId> = waves.iter().flat_map(|pumps| ids(pumps)).collect();
        let waves: Vec<_> = waves
            .iter()
            .enumerate()
            .map(|(number, pumps)| json!({ "name": format!("wave {number}"), "takes": { "list": ids(pumps) } }))
            .collect();
        let limits = json!({ "soak_seconds": 60, "failure_percent": 100, "verified_percent": 50 });
        let spec = json!({ "pumps": { "list": all }, "waves": waves, "limits": limits });
        let body = json!({ "name": name, "release": release, "spec": spec });
        self.author.post("/rollouts", body).await
    }

    /// A rollout that runs, with its first wave open.
    pub(super) async fn run(&self, name: &str, release: &str, waves: &[&[&Device<'_>]]) -> Running<'_, 'a> {
        let written = self.write(name, release, waves).await.expect(StatusCode::CREATED);
        let running = Running {
            ward: self,
            id: written["id"].as_str().unwrap().to_owned(),
        };
        running.act("submit").await.expect(StatusCode::OK);
        let approved = self
            .approver
            .sign("rollout", &running.id, "rollout_approved", None)
            .await;
        approved.expect(StatusCode::CREATED);
        self.stage.turn();
        running.brief(0).await;
        self.stage.turn();
        running
    }
}

/// A rollout that runs.
pub(super) struct Running<'w, 'a> {
    ward: &'w Ward<'a>,
    pub(super) id: String,
}

impl Running<'_, '_> {
    pub(super) async fn act(&self, act: &str) -> Reply {
        let path = format!("/rollouts/{}/acts", self.id);
        let body = json!({ "act": act, "reason": "a test says so" });
        self.ward.author.post(&path, body).await
    }

    pub(super) async fn shown(&self) -> Value {
        let path = format!("/rollouts/{}", self.id);
        self.ward.author.get(&path).await.expect(StatusCode::OK)
    }

    pub(super) async fn wave(&self, place: usize) -> Uuid {
        self.shown().await["waves"][place]["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    pub(super) async fn wave_state(&self, place: usize) -> String {
        self.shown().await["waves"][place]["state"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The people of a wave's care areas read, and their charge nurses sign that they did.
    pub(super) async fn brief(&self, place: usize) {
        let wave = self.wave(place).await;
        for (signer, area) in self.charges() {
            let read = json!({ "care_area": area });
            for person in [signer, &self.ward.nurse] {
                person
                    .post(&format!("/waves/{wave}/briefing"), read.clone())
                    .await
                    .expect(StatusCode::NO_CONTENT);
            }
            signer
                .sign("wave", wave, "briefing_acknowledged", Some(area))
                .await;
        }
    }

    /// The charge nurses sign for what came of a wave.
    pub(super) async fn approve(&self, place: usize) {
        let wave = self.wave(place).await;
        for (signer, area) in self.charges() {
            signer.sign("wave", wave, "approved_for_wave", Some(area)).await;
        }
    }

    fn charges(&self) -> [(&Signer<'_>, CareAreaId); 2] {
        [
            (&self.ward.charge_micu, self.ward.micu),
            (&self.ward.charge_ed, self.ward.ed),
        ]
    }
}
