//! A gateway in this process, in a directory of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use fleet::text::Name;
use gateway::{
    auth::limits::Rates,
    clock::Clock,
    config::{Config, Listen},
    init::{self, Established, Plan},
    pki::key::KdfCost,
    serve::{self, Addresses, Running},
};
use secrecy::{ExposeSecret, SecretString};
use store::DatabaseUrl;
use tempfile::TempDir;

use crate::{Api, Enrolled, Key};

/// What a test wants to be otherwise.
#[derive(Debug, Clone)]
pub struct Options {
    /// What time it is.
    pub clock: Clock,
    /// The most connections from one address.
    pub connections_per_address: usize,
    /// Another database than the embedded one.
    pub database: Option<DatabaseUrl>,
    /// The zone of the hospital's clocks.
    pub time_zone: chrono_tz::Tz,
    /// How many requests are served; tests ask faster than people.
    pub rates: Rates,
    /// Names and addresses in the gateway's own certificate.
    pub server_names: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            connections_per_address: 20_000,
            database: None,
            time_zone: chrono_tz::Tz::Europe__Berlin,
            rates: Rates {
                per_account: 0,
                per_account_burst: 0,
                per_address: 0,
                per_address_burst: 0,
            },
            server_names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        }
    }
}

/// The roles of the person at the desk.
pub(crate) const DESK: [&str; 2] = ["biomed_lead", "security"];

/// A hospital with a gateway.
pub struct Hospital {
    dir: TempDir,
    options: Options,
    config: Config,
    passphrase: SecretString,
    running: Option<Running>,
    /// The administrator, signed in: looks after people.
    pub administrator: Api,
    /// Somebody at a desk who answers for the fleet and its security.
    pub api: Api,
}

/// Sets up a data directory under `dir` with every listener on a free port of loopback, without starting it.
///
/// # Panics
/// When it can not be set up.
pub(crate) fn set_up(dir: &Path, options: &Options) -> (Established, SecretString) {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let plan = Plan {
        data_dir: dir.join("data"),
        hospital: Name::new("County General").unwrap(),
        server_names: options.server_names.clone(),
        listen: Listen {
            mqtt: loopback,
            bulk: loopback,
            staff: loopback,
            operations: loopback,
        },
        database: options.database.clone(),
        time_zone: options.time_zone,
        kdf: KdfCost::FOR_TESTS,
    };
    let passphrase = SecretString::from("correct horse battery staple");
    let made = init::establish(&plan, &passphrase, options.clock.now()).unwrap();
    (made, passphrase)
}

impl Hospital {
    /// Opens one with the defaults.
    pub async fn open() -> Self {
        Self::open_with(Options::default()).await
    }

    /// Opens one.
    ///
    /// # Panics
    /// When the gateway does not come up.
    pub async fn open_with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (made, passphrase) = set_up(dir.path(), &options);
        let mut config = Config::load(&made.config_file).unwrap();
        // The file never holds a password.
        config.database.url.clone_from(&options.database);
        config.mqtt.connections_per_address = options.connections_per_address;
        config.rates = options.rates;
        let running = serve::start(config.clone(), passphrase.clone(), options.clock.clone())
            .await
            .unwrap();
        let root = std::fs::read(&made.root_file).unwrap();
        let administrator = Api::new(running.addresses.staff, &root)
            .first_sign_in(
                made.administrator.as_str(),
                made.one_time_password.expose_secret(),
            )
            .await;
        let api = administrator.add_person("ines", "Ines Okafor", &DESK).await;
        Self {
            dir,
            options,
            config,
            passphrase,
            running: Some(running),
            administrator,
            api,
        }
    }

    /// The gateway, which runs.
    ///
    /// # Panics
    /// When it was stopped.
    #[must_use]
    pub const fn running(&self) -> &Running {
        self.running.as_ref().expect("the gateway runs")
    }

    /// Where it listens.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.running().addresses
    }

    /// A directory that goes with the test.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The root certificate's file.
    #[must_use]
    pub fn root_file(&self) -> PathBuf {
        self.config.data_dir.join(init::ROOT_FILE)
    }

    /// A one-time token for a serial number of the usual model.
    pub async fn token(&self, serial: &str) -> String {
        let body =
            serde_json::json!({ "serial": serial, "manufacturer": "Acme Medical", "model": "Volumat LVP" });
        let made = self.api.post("/enrol-tokens", &body).await.ok(201);
        made["secret"].as_str().unwrap().to_owned()
    }

    /// A pump with a key by openssl and a certificate by EST with curl.
    pub async fn enrol(&self, serial: &str) -> Enrolled {
        let token = self.token(serial).await;
        let key = Key::p256(self.dir(), serial);
        key.enrol(self, serial, &token).expect("enrolment")
    }

    /// Orders a pump to renew its certificate: without that a renewal is granted only when it is due.
    pub async fn order_renewal(&self, pump: &Enrolled) {
        let orders = format!("/pumps/{}/orders", pump.id);
        let _ = self
            .api
            .post(&orders, &serde_json::json!({ "kind": "renew_certificate" }))
            .await
            .ok(201);
    }

    /// Stops the gateway and starts it again on other ports, with the same data.
    ///
    /// # Panics
    /// When it does not come up again.
    pub async fn restart(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        let clock = self.options.clock.clone();
        let running = serve::start(self.config.clone(), self.passphrase.clone(), clock)
            .await
            .unwrap();
        self.api = self.api.moved(running.addresses.staff);
        self.administrator = self.administrator.moved(running.addresses.staff);
        self.running = Some(running);
    }

    /// Stops it in order.
    pub async fn close(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}
