//! Fleet, people and release at one gateway, and what people do for a rollout while the gateway does the rest.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use agent_sim::{
    PumpView,
    blueprint::{PumpBlueprint, expected_csv},
    fleet::{SimConfig, Simulation},
    life::Rhythm,
};
use serde_json::{Value, json};

use super::{Cast, MODEL, Maker};
use crate::{Api, GatewayProcess, Hospital, PATIENCE, eventually};

/// How often people look at a wave.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Where a gateway is.
#[derive(Debug, Clone)]
pub struct Site {
    pub mqtt: SocketAddr,
    pub bulk: SocketAddr,
    pub root_file: PathBuf,
    /// A directory that goes with the test.
    pub dir: PathBuf,
}

impl From<&Hospital> for Site {
    fn from(hospital: &Hospital) -> Self {
        Self {
            mqtt: hospital.addresses().mqtt,
            bulk: hospital.addresses().bulk,
            root_file: hospital.root_file(),
            dir: hospital.dir().to_owned(),
        }
    }
}

impl Site {
    /// Where a process is whose data are below `dir`.
    #[must_use]
    pub fn of(process: &GatewayProcess, dir: PathBuf) -> Self {
        Self {
            mqtt: process.mqtt(),
            bulk: process.listen().bulk,
            root_file: process.root_file().to_owned(),
            dir,
        }
    }
}

/// Fleet, people and release.
pub struct Ward {
    pub simulation: Simulation,
    pub cast: Cast,
    /// In the order of the fleet.
    pub serials: Vec<String>,
    /// The id of the release.
    release: String,
}

impl Ward {
    /// Lets people and pumps in, and imports the release. Pumps do nothing by themselves; what they do goes `speed` times as fast as
    /// on the wall's clock.
    ///
    /// # Panics
    /// When anything of that fails.
    pub async fn open(
        administrator: &Api,
        site: &Site,
        maker: &Maker,
        fleet: Vec<PumpBlueprint>,
        speed: f64,
    ) -> Self {
        let cast = Cast::let_in(administrator).await;
        let serials: Vec<_> = fleet.iter().map(|pump| pump.serial.to_string()).collect();
        let tokens = announce(&cast.engineer, &fleet).await;
        let mut config = SimConfig::new(
            fleet,
            site.mqtt.to_string().parse().unwrap(),
            format!("https://{}", site.bulk),
            std::fs::read(&site.root_file).unwrap(),
            Arc::new(move |serial: &str| tokens.get(serial).cloned()),
            site.dir.join("pumps"),
        );
        config.rhythm = Rhythm::Still;
        config.speed = speed;
        let simulation = Simulation::start(config).unwrap();
        let release = import(&cast, maker).await;
        let wanted = serials.len() as u64;
        eventually("the fleet has reported", || async {
            let now = simulation.figures();
            (now.connected == wanted && now.reports_acked >= wanted).then_some(())
        })
        .await;
        Self {
            simulation,
            cast,
            serials,
            release,
        }
    }

    /// A rollout of the release to every pump of the model: written, submitted, approved. Gives its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn begin(&self, waves: &Value, limits: &Value) -> String {
        let spec = json!({
            "pumps": { "filter": format!("model = \"{MODEL}\"") },
            "waves": waves,
            "limits": limits,
        });
        let body = json!({ "name": "AX-1 wireless 3.3.0", "release": self.release, "spec": spec });
        let engineer = &self.cast.engineer;
        let rollout = text(&engineer.post("/rollouts", &body).await.ok(201), "id");
        self.act(&rollout, "submit", None).await;
        let _ = self
            .cast
            .approver
            .sign("rollout", &rollout, "rollout_approved", None)
            .await
            .ok(201);
        rollout
    }

    /// Submits, pauses, resumes …
    ///
    /// # Panics
    /// When it is refused.
    pub async fn act(&self, rollout: &str, act: &str, reason: Option<&str>) {
        let body = json!({ "act": act, "reason": reason });
        let done = self
            .cast
            .engineer
            .post(&format!("/rollouts/{rollout}/acts"), &body)
            .await;
        assert!((200..300).contains(&done.status), "{act}: {}", done.text);
    }

    /// A rollout with everything in it, as the API shows it.
    pub async fn whole(&self, rollout: &str) -> Value {
        self.cast
            .engineer
            .get(&format!("/rollouts/{rollout}"))
            .await
            .ok(200)
    }

    /// The wave with this number, from 1.
    pub async fn wave(&self, rollout: &str, number: usize) -> Value {
        self.whole(rollout).await["waves"][number - 1].take()
    }

    /// The care areas of a wave read what changes, and the charge nurse signs for each.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn brief(&self, wave: &Value) {
        let id = text(wave, "id");
        let areas = self.areas(&id, "briefing_acknowledged").await;
        for area in &areas {
            let body = json!({ "care_area": area });
            let read = self
                .cast
                .charge_nurse
                .post(&format!("/waves/{id}/briefing"), &body)
                .await;
            assert!(read.status < 300 || read.status == 409, "{}", read.text);
        }
        self.sign_wave(&id, "briefing_acknowledged", &areas).await;
    }

    /// The charge nurse of each care area approves what came of a wave.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn approve(&self, wave: &Value) {
        let id = text(wave, "id");
        let areas = self.areas(&id, "approved_for_wave").await;
        self.sign_wave(&id, "approved_for_wave", &areas).await;
    }

    /// A nurse signs every pump of a wave that proved itself and waits for it.
    pub async fn verify(&self, wave: &Value) {
        let assignments = wave["assignments"].as_array().cloned().unwrap_or_default();
        for one in assignments
            .iter()
            .filter(|one| one["state"] == "awaiting_signoff")
        {
            // Refused where it was signed a moment ago, and the gateway has not looked yet.
            let _ = self
                .cast
                .charge_nurse
                .sign("pump", &text(one, "pump"), "verified_for_clinical_use", None)
                .await;
        }
    }

    /// People do what is theirs until the wave is in this state.
    ///
    /// # Panics
    /// When it does not come to that.
    pub async fn bring_wave_to(&self, rollout: &str, number: usize, state: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let wave = self.wave(rollout, number).await;
            let is = wave["state"].as_str().unwrap_or_default();
            if is == state {
                return wave;
            }
            assert!(
                is != "halted" && Instant::now() < deadline,
                "not {state}: {wave:#}"
            );
            match is {
                "briefing" => self.brief(&wave).await,
                "open" => self.verify(&wave).await,
                "awaiting_approval" => self.approve(&wave).await,
                _ => {}
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// The assignment of a pump, by its place in the fleet.
    ///
    /// # Panics
    /// When it has none.
    pub async fn assignment(&self, rollout: &str, pump: usize) -> Value {
        let whole = self.whole(rollout).await;
        let waves = whole["waves"].as_array().unwrap();
        waves
            .iter()
            .flat_map(|wave| wave["assignments"].as_array().unwrap())
            .find(|one| one["serial"] == self.serials[pump].as_str())
            .unwrap_or_else(|| panic!("{} is in no wave", self.serials[pump]))
            .clone()
    }

    /// Why a pump is held, in the record; nothing where it is not.
    pub async fn held(&self, pump: usize) -> Option<String> {
        let pump = self.cast.engineer.pump(&self.serials[pump]).await;
        pump["hold"]["reason"].as_str().map(str::to_owned)
    }

    /// How a pump looks from outside.
    ///
    /// # Panics
    /// When the fleet has none there.
    #[must_use]
    pub fn look(&self, pump: usize) -> PumpView {
        self.simulation.pumps()[pump].clone()
    }

    async fn areas(&self, wave: &str, meaning: &str) -> Vec<String> {
        let look = format!("/signatures/subjects/wave/{wave}?meaning={meaning}");
        let shown = self.cast.charge_nurse.get(&look).await.ok(200);
        let areas = shown["care_areas"].as_array().cloned().unwrap_or_default();
        areas
            .iter()
            .map(|area| area.as_str().unwrap().to_owned())
            .collect()
    }

    /// Signs a wave for each of its care areas. What is signed already is left to the gateway, which looks a moment later.
    async fn sign_wave(&self, wave: &str, meaning: &str, areas: &[String]) {
        for area in areas {
            let signed = self
                .cast
                .charge_nurse
                .sign("wave", wave, meaning, Some(area))
                .await;
            if signed.status != 201 {
                let code = signed.problem(409);
                // Moved on between the look and the signature.
                assert!(
                    ["already_signed", "content_changed", "not_ready"].contains(&code.as_str()),
                    "{code}"
                );
            }
        }
    }
}

/// Pumps are expected, and tokens are made for them.
async fn announce(engineer: &Api, fleet: &[PumpBlueprint]) -> HashMap<String, String> {
    let list = expected_csv(fleet);
    let _ = engineer
        .post_text("/expected/import?dry_run=false", "text/csv", list)
        .await
        .ok(200);
    let made = engineer
        .post("/enrol-tokens/batch", &json!({ "all_expected": true }))
        .await
        .ok(201);
    let items = made["items"].as_array().unwrap();
    items
        .iter()
        .map(|token| (text(token, "serial"), text(token, "secret")))
        .collect()
}

/// The manufacturer is trusted, and its release comes in.
async fn import(cast: &Cast, maker: &Maker) -> String {
    let root = std::fs::read_to_string(&maker.root).unwrap();
    let body = json!({ "name": "arden", "manufacturer": Maker::NAME, "root": root });
    let repository = text(&cast.engineer.post("/repositories", &body).await.ok(201), "id");
    let _ = cast
        .security
        .sign("trust_root", &repository, "root_of_trust_imported", None)
        .await
        .ok(201);
    let imported = cast
        .engineer
        .post_text(
            &format!("/repositories/{repository}/import"),
            "application/octet-stream",
            maker.archive(),
        )
        .await;
    assert!((200..300).contains(&imported.status), "{}", imported.text);
    let imported: Value = serde_json::from_str(&imported.text).unwrap();
    text(&imported["items"][0], "id")
}

fn text(value: &Value, member: &str) -> String {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member} in {value}"))
        .to_owned()
}
