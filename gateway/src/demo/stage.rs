//! The stage: a hospital in a directory, its gateway, its fleet on paper and then on the line.

use std::{
    collections::HashMap,
    error::Error,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use agent_sim::{
    blueprint::{FleetPlan, PumpBlueprint},
    fleet::{SimConfig, Simulation},
};
use fleet::text::Name;
use reqwest::Url;
use secrecy::ExposeSecret;
use serde_json::json;
use tempfile::TempDir;

use super::{
    desk::{Desk, text},
    narrator::Narrator,
    people::{self, Door, People},
    rollout,
};
use crate::{
    cli::{DemoArgs, client::Call},
    clock::Clock,
    config::{Config, Listen},
    fresh,
    init::{self, Plan},
    pki::key::KdfCost,
    serve::{self, Running},
};

/// How much faster than the wall's clock the wards live.
const SPEED: f64 = 60.0;
const CARE_AREAS: [&str; 4] = ["MICU", "4 West", "ED", "NICU"];

/// Where the demo's things are: a directory that goes with it, or one that a person wants to keep.
enum Place {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Kept(dir) => dir,
        }
    }
}

/// Secrets that were handed out with the pumps, by serial number.
pub(super) type Tokens = Arc<Mutex<HashMap<String, String>>>;

pub(super) struct Stage {
    place: Place,
    running: Running,
    administrator: Desk,
    pub(super) people: People,
    pub(super) fleet: Vec<PumpBlueprint>,
    pub(super) release: rollout::Manufacturer,
    pub(super) tokens: Tokens,
    pub(super) root_pem: Vec<u8>,
    pub(super) bulk: SocketAddr,
    simulation: Mutex<Option<Arc<Simulation>>>,
    seed: u64,
}

impl Stage {
    /// Sets up and starts everything but the pumps.
    pub(super) async fn set(
        args: &DemoArgs,
        narrator: &mut Narrator,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        narrator.step("A hospital gets its gateway")?;
        let place = match &args.keep {
            None => Place::Temporary(tempfile::Builder::new().prefix("pump-gateway-demo-").tempdir()?),
            Some(dir) => {
                std::fs::create_dir_all(dir)?;
                Place::Kept(dir.clone())
            }
        };
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let plan = Plan {
            data_dir: place.path().join("data"),
            hospital: Name::new("County General")?,
            server_names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            listen: Listen {
                mqtt: loopback,
                bulk: loopback,
                staff: loopback,
                operations: loopback,
            },
            database: None,
            time_zone: chrono_tz::Tz::UTC,
            // The passphrase is random and never leaves this process: it can not be guessed at any cost.
            kdf: KdfCost::FOR_TESTS,
        };
        let (passphrase, password) = (fresh::secret::<32>(), fresh::secret::<32>());
        let clock = Clock::system();
        let clock_now = clock.now();
        let made = {
            let (plan, passphrase, now) = (plan.clone(), passphrase.clone(), clock_now);
            tokio::task::spawn_blocking(move || init::establish(&plan, &passphrase, now)).await??
        };
        narrator.say("Database, root, Device CA and Server CA are made; the keys are encrypted at rest.")?;
        narrator.say(&format!(
            "Administrator `{}` has a one-time password, which the first login changes.",
            made.administrator
        ))?;
        let running = serve::start(Config::load(&made.config_file)?, passphrase, clock).await?;
        let at = running.addresses;
        narrator.say(&format!(
            "Pumps:      mqtts://{} and https://{} (mutual TLS)",
            at.mqtt, at.bulk
        ))?;
        narrator.say(&format!("Staff:      https://{}", at.staff))?;
        narrator.say(&format!("Operations: http://{}/metrics", at.operations))?;

        let root_pem = std::fs::read(&made.root_file)?;
        let url = Url::parse(&format!("https://{}", at.staff))?;
        let name = made.administrator.as_str();
        let mut plan = FleetPlan::new(usize::try_from(args.pumps)?, args.seed);
        plan.care_areas = CARE_AREAS.map(str::to_owned).to_vec();
        let mut fleet = plan.build()?;
        let release = rollout::Manufacturer::make(&place.path().join("arden"), clock_now)?;
        release.prepare(&mut fleet);
        let door = Door {
            url,
            root_pem: &root_pem,
        };
        let administrator = door
            .sign_in(name, made.one_time_password.expose_secret(), &password)
            .await?;
        let nurse_of = fleet.get(1).map_or(CARE_AREAS[0], |pump| pump.care_area.as_str());
        let people = people::let_in(&administrator, &door, &CARE_AREAS, nurse_of, narrator).await?;
        Ok(Self {
            place,
            running,
            administrator,
            people,
            fleet,
            release,
            tokens: Tokens::default(),
            root_pem,
            bulk: at.bulk,
            simulation: Mutex::default(),
            seed: args.seed,
        })
    }

    /// Lets the pumps come.
    pub(super) fn pumps_arrive(&self) -> Result<Arc<Simulation>, Box<dyn Error + Send + Sync>> {
        let tokens = Arc::clone(&self.tokens);
        let mut config = SimConfig::new(
            self.fleet.clone(),
            self.running.addresses.mqtt.to_string().parse()?,
            format!("https://{}", self.bulk),
            self.root_pem.clone(),
            Arc::new(move |serial: &str| {
                tokens
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get(serial)
                    .cloned()
            }),
            self.place.path().join("pumps"),
        );
        config.speed = SPEED;
        config.seed = self.seed;
        let simulation = Arc::new(Simulation::start(config)?);
        *self.simulation.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&simulation));
        Ok(simulation)
    }

    /// The gateway that runs.
    pub(super) const fn running(&self) -> &Running {
        &self.running
    }

    /// Says where to look while everything runs, and lets one more person in: whoever reads this.
    pub(super) async fn invite(&self, narrator: &mut Narrator) -> Result<(), Box<dyn Error + Send + Sync>> {
        let roles =
            ["biomed_lead", "security", "auditor"].map(|role| json!({ "role": role, "everywhere": true }));
        let body = json!({ "name": "guest", "printed_name": "A Guest", "roles": roles });
        let made = self.administrator.ask(Call::post(["people"]).json(body)).await?;
        let one_time = text(&made, "one_time_password")?;
        let dir = self.place.path();
        narrator.step("Look around: the wards go on living, sixty times as fast as the clock")?;
        narrator.say(&format!(
            "In a browser: https://{} as `guest` (the certificate is this demo's own: let it pass)",
            self.running.addresses.staff
        ))?;
        narrator.say("In another terminal:")?;
        narrator.command(&format!(
            "export GATEWAY_URL=https://{}",
            self.running.addresses.staff
        ))?;
        narrator.command(&format!(
            "export GATEWAY_CA={}",
            dir.join("data").join(init::ROOT_FILE).display()
        ))?;
        narrator.command(&format!(
            "export GATEWAY_TOKEN_FILE={}",
            dir.join("session").display()
        ))?;
        narrator.command("gateway login --name guest")?;
        narrator.say(&format!("The one-time password is {one_time}"))?;
        narrator.command("gateway pump list")?;
        narrator.command("gateway pump show BM-10001")?;
        narrator.command("gateway events --follow")?;
        narrator.command("gateway signature list")?;
        narrator.command("gateway audit list --limit 20")?;
        narrator.command("gateway ca status")?;
        narrator.say("Ctrl-C ends it.")?;
        Ok(())
    }

    /// Stops pumps and gateway; returns how many infusions were ended by anything but their plan, a person or an alarm.
    pub(super) async fn strike(self) -> u64 {
        let simulation = self
            .simulation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let interruptions = match simulation.and_then(Arc::into_inner) {
            Some(simulation) => simulation.stop().await.therapy_interruptions,
            None => 0,
        };
        self.running.stop().await;
        interruptions
    }
}
