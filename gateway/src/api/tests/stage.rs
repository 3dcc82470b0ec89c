//! A gateway without listeners: a fresh database, fresh authorities, a clock that a test moves, and a line to the pumps
//! that writes down what it was told.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex},
};

use actix_web::{
    http::{
        Method, StatusCode,
        header::{self, HeaderMap},
    },
    test::{self, TestRequest},
};
use chrono::{DateTime, TimeDelta};
use fleet::{
    Timestamp,
    access::{CareAreas, Grant, IDLE_DEFAULT, Role},
    certificate::{AuthorityKind, AuthorityState, CertificateRecord, Fingerprint, SerialHex},
    id::{AccountId, AuthorityId, CareAreaId, ManufacturerId, ModelId, PumpId},
    inventory::RetentionRule,
    pump::{Activity, Component, Pump, PumpState, SessionEnd},
    rollout::limits::HospitalLimits,
    text::{ComponentName, ComponentVersion, Name, SerialNumber},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{AccountRecord, DatabaseUrl, PumpPatch, Store};
use tempfile::TempDir;

use super::super::Api;
use crate::{
    app::{App, People, Settings},
    auth::{
        limits::Rates,
        password::{self, PasswordRules},
        record_key::RecordKey,
        seal::Seal,
    },
    clock::Clock,
    command::{pump::turn_is_taken, session},
    config::Config,
    engine::{
        outbox::Withheld,
        rollout::{Bell, Memory},
    },
    firmware::{Resting, TicketKeys},
    fresh,
    mqtt::{Down, PumpLink},
    pki::{
        authorities::Authorities,
        gate::Gate,
        key::{FileKeyStore, KdfCost},
    },
};

/// When every test begins.
pub(super) const START: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// What the pumps were told.
#[derive(Debug, Default)]
pub(super) struct Notebook(Mutex<Vec<Told>>);

/// One thing that a pump was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Order(PumpId, &'static str),
    Ack(PumpId),
    Closed(PumpId, SessionEnd),
}

impl PumpLink for Notebook {
    fn deliver(&self, pump: PumpId, down: Down) {
        self.0.lock().unwrap().push(match down {
            Down::Order(order) => {
                assert!(
                    turn_is_taken(),
                    "an order may come after a hold that was committed first"
                );
                Told::Order(pump, order.body.kind())
            }
            Down::Ack(_) => Told::Ack(pump),
        });
    }

    fn close(&self, pump: PumpId, why: SessionEnd) {
        self.0.lock().unwrap().push(Told::Closed(pump, why));
    }

    fn connected(&self) -> usize {
        0
    }
}

pub(crate) struct Stage {
    pub(crate) app: App,
    api: Api,
    notebook: Arc<Notebook>,
    clock: Arc<Mutex<Timestamp>>,
    token: Mutex<Option<(Timestamp, String)>>,
    dir: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Reply {
    /// The code of the problem that it is.
    pub(super) fn code(&self) -> &str {
        self.json["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no problem: {self:?}"))
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts a status, and hands the body on.
    #[track_caller]
    pub(super) fn expect(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json
    }

    /// Asserts a problem.
    #[track_caller]
    pub(super) fn expect_problem(self, code: &str) -> Value {
        assert_eq!(self.code(), code, "{}", self.text);
        self.json
    }
}

/// A request under a secret.
pub(super) fn request_as(secret: &str, method: Method, path: &str) -> TestRequest {
    TestRequest::default()
        .method(method)
        .uri(&format!("/api/v1{path}"))
        .insert_header((header::AUTHORIZATION, format!("Bearer {secret}")))
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with_rates(Rates {
            per_account: 0,
            per_account_burst: 0,
            per_address: 0,
            per_address_burst: 0,
        })
    }

    pub(super) fn with_rates(rates: Rates) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = format!("sqlite://{}", dir.path().join("gateway.db").display())
            .parse()
            .unwrap();
        let store = Store::open(&url).unwrap();
        store.migrate().unwrap();
        let time = Arc::new(Mutex::new(START));
        let clock = Clock::from_fn({
            let time = Arc::clone(&time);
            move || *time.lock().unwrap()
        });
        let notebook = Arc::new(Notebook::default());
        let app = App {
            firmware_dir: dir.path().join("firmware").into(),
            bell: Bell::default(),
            listening_since: START,
            withheld: Withheld::default(),
            resting: Resting::default(),
            memory: Memory::default(),
            catalogue: crate::exposure::Catalogue::default(),
            store: store.clone(),
            clock: clock.clone(),
            authorities: Arc::new(authorities(&store, dir.path())),
            gate: Arc::new(Gate::new(Vec::new(), clock)),
            link: Arc::clone(&notebook) as Arc<dyn PumpLink>,
            people: Arc::new(people(dir.path())),
            tickets: Arc::new(tickets(dir.path())),
            settings: Settings {
                idle: IDLE_DEFAULT,
                rates,
                missing_after: TimeDelta::days(30),
                retention: RetentionRule::default(),
                hospital: HospitalLimits::DEFAULT,
            },
        };
        let api = Api::new(app.clone());
        Self {
            app,
            api,
            notebook,
            clock: time,
            token: Mutex::default(),
            dir,
        }
    }

    /// Where the authorities' keys are.
    pub(super) fn key_dir(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    pub(crate) fn move_clock(&self, by: TimeDelta) {
        *self.clock.lock().unwrap() += by;
    }

    /// What the pumps were told since the last time.
    pub(super) fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.notebook.0.lock().unwrap())
    }

    /// A person with roles, each everywhere; the password is one-time where it must change.
    pub(crate) fn person(&self, name: &str, roles: &[Role], must_change_password: bool) -> AccountId {
        let grants: Vec<_> = roles
            .iter()
            .map(|role| Grant {
                role: *role,
                care_areas: CareAreas::All,
            })
            .collect();
        self.person_with(name, &grants, must_change_password)
    }

    /// A person with roles, each where it is said.
    pub(crate) fn person_with(&self, name: &str, grants: &[Grant], must_change_password: bool) -> AccountId {
        static HASH: LazyLock<String> =
            LazyLock::new(|| password::hash(&SecretString::from(PASSWORD)).unwrap());
        let account = AccountRecord {
            id: AccountId::from_uuid(fresh::uuid(START)),
            name: Name::new(name).unwrap(),
            printed_name: Name::new(&format!("{name}, printed")).unwrap(),
            password_hash: HASH.clone(),
            must_change_password,
            totp_sealed: None,
            totp_last_step: None,
            pin_hash: None,
            created_at: START,
            disabled_at: None,
            row_version: 1,
        };
        self.app
            .store
            .write(|db| {
                db.account_create(&account)?;
                db.grant_set(account.id, grants)
            })
            .unwrap();
        account.id
    }

    /// The secret of a new session of a person.
    pub(crate) fn sign_in(&self, name: &str) -> String {
        self.sign_in_with(name, PASSWORD)
    }

    pub(super) fn sign_in_with(&self, name: &str, password: &str) -> String {
        let shown = session::Shown {
            name: Name::new(name).unwrap(),
            password: session::Password::Typed(SecretString::from(password)),
            totp: None,
            new_password: None,
            device: None,
            before: None,
            address: [0, 0, 0, 0].into(),
            agent: None,
        };
        let begun = session::begin(&self.app, &shown).unwrap();
        begun.secret.expose_secret().to_owned()
    }

    /// The session of somebody at a desk who answers for the fleet and its security; a new one where the clock was moved.
    fn token(&self) -> String {
        let now = self.app.now();
        let mut token = self.token.lock().unwrap();
        match &*token {
            Some((at, token)) if *at == now => token.clone(),
            before => {
                if before.is_none() {
                    self.person("tester", &[Role::BiomedLead, Role::Security], false);
                }
                let fresh = self.sign_in("tester");
                *token = Some((now, fresh.clone()));
                fresh
            }
        }
    }

    /// Sends a request as it is.
    pub(super) async fn send(&self, request: TestRequest) -> Reply {
        let service = test::init_service(actix_web::App::new().configure(self.api.configure())).await;
        let answer = test::call_service(&service, request.to_request()).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = test::read_body(answer).await;
        let text = String::from_utf8_lossy(&body).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Reply {
            status,
            headers,
            text,
            json,
        }
    }

    /// A request in the session of the person at the desk.
    pub(super) fn request(&self, method: Method, path: &str) -> TestRequest {
        request_as(&self.token(), method, path)
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).set_json(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub(super) async fn import(&self, file: &str, dry_run: bool) -> Reply {
        let request = self
            .request(Method::POST, &format!("/expected/import?dry_run={dry_run}"))
            .insert_header((header::CONTENT_TYPE, "text/csv"))
            .set_payload(file.to_owned());
        self.send(request).await
    }

    /// How many events of each kind there are, for a pump or for all.
    pub(super) async fn events(&self, query: &str) -> Vec<String> {
        let body = self.get(&format!("/events?{query}")).await.expect(StatusCode::OK);
        let kinds = body["items"].as_array().unwrap().iter();
        kinds
            .map(|event| event["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    /// A pump that enrolled, idle, of the model `Apex 3` by `Acme`.
    pub(crate) fn pump(&self, serial: &str) -> PumpId {
        self.pump_of("Apex 3", serial)
    }

    pub(super) fn pump_of(&self, model: &str, serial: &str) -> PumpId {
        let id = PumpId::from_uuid(fresh::uuid(START));
        let now = self.app.now();
        let named = |name: &str| Name::new(name).unwrap();
        let state = PumpState {
            pump: id,
            reported_at: now,
            received_at: now,
            activity: Activity::Ready,
            patient_attached: false,
            rate: None,
            infused: None,
            battery: None,
            on_mains: true,
            signal: None,
            place: None,
            alarm: None,
        };
        self.app
            .store
            .write(|db| {
                let maker =
                    db.manufacturer_ensure(&named("Acme"), ManufacturerId::from_uuid(fresh::uuid(START)))?;
                let pump = Pump {
                    id,
                    row_version: 1,
                    content_version: 1,
                    serial: SerialNumber::new(serial).unwrap(),
                    model: db.model_ensure(maker, &named(model), ModelId::from_uuid(fresh::uuid(START)))?,
                    asset_tag: None,
                    udi: None,
                    hardware_id: None,
                    care_area: None,
                    location: None,
                    macs: Vec::new(),
                    components: Vec::new(),
                    hold: None,
                    enrolled_at: now,
                    retired_at: None,
                };
                db.pump_create(&pump)?;
                db.pump_state_upsert(std::slice::from_ref(&state))
            })
            .unwrap();
        id
    }

    /// A pump in a care area, or in none, that said what it runs.
    pub(super) fn pump_in(&self, serial: &str, care_area: Option<CareAreaId>) -> PumpId {
        let id = self.pump(serial);
        self.runs(id, "1.0");
        let patch = PumpPatch {
            care_area: Some(care_area),
            ..PumpPatch::default()
        };
        let version = self.app.store.read(|db| db.pump_fetch(id)).unwrap().row_version;
        self.app
            .store
            .write(|db| db.pump_detail_update(id, version, &patch))
            .unwrap();
        id
    }

    /// A pump reports the version of its one component.
    pub(super) fn runs(&self, id: PumpId, version: &str) {
        let component = Component {
            name: ComponentName::new("main").unwrap(),
            version: ComponentVersion::new(version).unwrap(),
        };
        self.app
            .store
            .write(|db| db.pump_inventory_set(id, &[], &[component], None, None))
            .unwrap();
    }

    /// A certificate on record and at the gate. What its bytes are does not matter here.
    pub(super) fn certificate(&self, pump: PumpId) -> CertificateRecord {
        let now = self.app.now();
        let der = fresh::bytes::<64>().to_vec();
        let record = CertificateRecord {
            fingerprint: Fingerprint::from_digest(Sha256::digest(&der).into()),
            serial: SerialHex::from_bytes(&fresh::bytes::<16>()),
            pump,
            authority: self.device_authority(),
            key: Fingerprint::from_digest(fresh::bytes()),
            not_before: now,
            not_after: now + TimeDelta::days(90),
            issued_at: now,
            first_used_at: None,
            revoked: None,
        };
        self.app
            .store
            .write(|db| db.certificate_insert(&record, &der))
            .unwrap();
        self.app.gate.register(record.clone());
        record
    }

    /// Whether the gate lets a session of this certificate go on.
    pub(super) fn admits(&self, certificate: &CertificateRecord) -> bool {
        self.app
            .gate
            .still_admits(&certificate.fingerprint, self.app.now())
    }

    /// The device authority that issues.
    pub(super) fn device_authority(&self) -> AuthorityId {
        let all = self.app.store.read(|db| db.authority_list()).unwrap();
        let active = all
            .iter()
            .find(|one| one.kind == AuthorityKind::Device && one.state == AuthorityState::Active);
        active.unwrap().id
    }
}

fn people(dir: &Path) -> People {
    let keys = FileKeyStore::new(dir.join("keys"), KdfCost::FOR_TESTS);
    let passphrase = SecretString::from("only for this test");
    People {
        hospital: Name::new("County General").unwrap(),
        zone: chrono_tz::Tz::Europe__Berlin,
        passwords: PasswordRules::default(),
        record_key: RecordKey::open_or_create(&keys, &passphrase).unwrap(),
        seal: Seal::open_or_create(&dir.join("keys")).unwrap(),
    }
}

fn tickets(dir: &Path) -> TicketKeys {
    let keys = FileKeyStore::new(dir.join("keys"), KdfCost::FOR_TESTS);
    TicketKeys::open_or_create(&keys, &SecretString::from("only for this test")).unwrap()
}

fn authorities(store: &Store, dir: &Path) -> Authorities {
    let text = format!(
        "data_dir = {:?}\n[hospital]\nname = \"County General\"\n[server]\nnames = [\"gw.example\"]\n",
        dir.display().to_string()
    );
    let config = Config::parse(&dir.join("gateway.toml"), &text).unwrap();
    let passphrase = SecretString::from("only for this test");
    let founding = Authorities::found(&config, &passphrase, KdfCost::FOR_TESTS, START).unwrap();
    store.write(|db| founding.record(db)).unwrap();
    Authorities::open(store.clone(), &config, passphrase, START).unwrap()
}
