//! Many pumps in one process: started together, looked at together, stopped together.

use std::{
    fmt, fs, io,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use thiserror::Error;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, interval, sleep_until, timeout},
};
use wire::reconnect;

use crate::{
    blueprint::PumpBlueprint,
    clock::SimClock,
    identity::{EstClient, Trust, TrustError},
    life::Rhythm,
    pump::{Pump, PumpView, Shared},
    scenario::{Action, Scenario, ScenarioError, Scheduled},
    stats::{Counters, Stats},
};

/// Gives the one-time token for a serial number, if there is one. Asked anew at each attempt.
pub type TokenSource = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Pumps that enrol or renew at once.
const ENROLLING_AT_ONCE: usize = 32;
/// How often the figures are brought up to date.
const STATS_EVERY: Duration = Duration::from_millis(200);
/// How long pumps have for their goodbyes.
const GOODBYES: Duration = Duration::from_secs(8);
/// Actions that may wait for one pump.
const ACTIONS: usize = 16;

/// Host and port of the pump endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
}

/// A text that names no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` is not a host and a port; write it as gw.example:8883")]
pub struct BadEndpoint {
    given: String,
}

impl FromStr for Endpoint {
    type Err = BadEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty() && !host.contains(['/', ':', ' ', '@']))
            .and_then(|(host, port)| Some((host, port.parse().ok().filter(|port| *port > 0)?)));
        match parsed {
            Some((host, port)) => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            None => Err(BadEndpoint {
                given: text.chars().take(80).collect(),
            }),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// All that a simulation needs to know.
#[derive(Clone)]
pub struct SimConfig {
    pub blueprints: Vec<PumpBlueprint>,
    pub gateway: Endpoint,
    /// `https://host:port` of the bulk listener: EST and firmware.
    pub est: String,
    /// The root under which both listeners prove themselves, in PEM.
    pub trust_anchor: Vec<u8>,
    pub tokens: TokenSource,
    /// Keys, certificates and journals, one directory per pump.
    pub state_dir: PathBuf,
    /// How much faster than the wall's clock life goes; 1 by default. MQTT keeps real time.
    pub speed: f64,
    pub rhythm: Rhythm,
    pub scenario: Option<Scenario>,
    /// Picks the pumps of a scenario's shares.
    pub seed: u64,
    /// Over how long the pumps' first steps are spread.
    pub ramp: Duration,
    /// How often telemetry is sent when nothing changes.
    pub telemetry_interval: Duration,
}

impl SimConfig {
    /// A fleet in a hospital's rhythm and in real time, its start spread over 4 ms per pump.
    pub fn new(
        blueprints: Vec<PumpBlueprint>,
        gateway: Endpoint,
        est: impl Into<String>,
        trust_anchor: Vec<u8>,
        tokens: TokenSource,
        state_dir: impl Into<PathBuf>,
    ) -> Self {
        let count = u32::try_from(blueprints.len()).unwrap_or(u32::MAX);
        Self {
            blueprints,
            gateway,
            est: est.into(),
            trust_anchor,
            tokens,
            state_dir: state_dir.into(),
            speed: 1.0,
            rhythm: Rhythm::Hospital,
            scenario: None,
            seed: 0,
            ramp: Duration::from_millis(4)
                .saturating_mul(count)
                .min(Duration::from_secs(40)),
            telemetry_interval: reconnect::TELEMETRY_INTERVAL,
        }
    }
}

/// Why a simulation did not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("the EST address `{given}` does not begin with https://")]
    Est { given: String },
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("the scenario can not be run: {0}")]
    Scenario(#[from] ScenarioError),
    #[error("could not make the state directory {}: {source}", .path.display())]
    StateDir { path: PathBuf, source: io::Error },
}

/// A running fleet. Dropping it ends it without goodbyes.
pub struct Simulation {
    shared: Arc<Shared>,
    stats: watch::Receiver<Stats>,
    actions: Arc<Vec<mpsc::Sender<Action>>>,
    stopping: watch::Sender<bool>,
    pumps: JoinSet<()>,
    helpers: Vec<JoinHandle<()>>,
}

impl Simulation {
    /// Starts the pumps. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] when something is wrong for all of them; what is wrong for one shows in its view.
    pub fn start(config: SimConfig) -> Result<Self, StartError> {
        if !config.est.starts_with("https://") {
            return Err(StartError::Est { given: config.est });
        }
        let trust = Arc::new(Trust::pin(&config.trust_anchor)?);
        let schedule = match &config.scenario {
            Some(scenario) => scenario.schedule(&config.blueprints, config.seed)?,
            None => Vec::new(),
        };
        fs::create_dir_all(&config.state_dir).map_err(|source| StartError::StateDir {
            path: config.state_dir.clone(),
            source,
        })?;
        let views = config
            .blueprints
            .iter()
            .map(|blueprint| {
                Mutex::new(PumpView {
                    serial: blueprint.serial.to_string(),
                    ..PumpView::default()
                })
            })
            .collect();
        let shared = Arc::new(Shared {
            clock: SimClock::start(config.speed),
            gateway: config.gateway,
            est: EstClient::new(&config.est, Arc::clone(&trust)),
            bulk: config.est,
            trust,
            tokens: config.tokens,
            enrolling: Semaphore::new(ENROLLING_AT_ONCE),
            telemetry_interval: config.telemetry_interval.max(Duration::from_millis(100)),
            ramp: config.ramp,
            counters: Counters::default(),
            views,
        });
        shared.counters.pumps.add(config.blueprints.len() as u64);
        let (stopping, stop) = watch::channel(false);
        let mut pumps = JoinSet::new();
        let mut senders = Vec::with_capacity(config.blueprints.len());
        for (index, mut blueprint) in config.blueprints.into_iter().enumerate() {
            // A fleet may be a selection of another; its own order counts here.
            blueprint.index = index;
            let (sender, actions) = mpsc::channel(ACTIONS);
            senders.push(sender);
            let (shared, state_dir, stop) = (Arc::clone(&shared), config.state_dir.clone(), stop.clone());
            let rhythm = config.rhythm;
            pumps.spawn(async move {
                let blueprint = Arc::new(blueprint);
                match Pump::wake(Arc::clone(&shared), blueprint, &state_dir, rhythm, actions, stop) {
                    Ok(pump) => pump.run().await,
                    Err(error) => Pump::give_up(&shared, index, &error),
                }
            });
        }
        let actions = Arc::new(senders);
        let (figures, stats) = watch::channel(shared.counters.read());
        let helpers = vec![
            tokio::spawn(keep_figures(Arc::clone(&shared), figures)),
            tokio::spawn(follow_script(schedule, Arc::clone(&actions))),
        ];
        tracing::info!(pumps = actions.len(), gateway = %shared.gateway, "fleet started");
        Ok(Self {
            shared,
            stats,
            actions,
            stopping,
            pumps,
            helpers,
        })
    }

    /// The figures, brought up to date a few times a second.
    #[must_use]
    pub fn stats(&self) -> watch::Receiver<Stats> {
        self.stats.clone()
    }

    /// The figures of this very moment.
    #[must_use]
    pub fn figures(&self) -> Stats {
        self.shared.counters.read()
    }

    /// A look at every pump, in the order of the fleet.
    #[must_use]
    pub fn pumps(&self) -> Vec<PumpView> {
        self.shared
            .views
            .iter()
            .map(|view| view.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect()
    }

    /// Does something to the pump of this serial number. False if there is none, or it has ended.
    pub async fn act(&self, serial: &str, action: Action) -> bool {
        let place = self.pumps().iter().position(|view| view.serial == serial);
        match place.and_then(|place| self.actions.get(place)) {
            Some(pump) => pump.send(action).await.is_ok(),
            None => false,
        }
    }

    /// Lets every pump say goodbye, and gives the last figures.
    pub async fn stop(mut self) -> Stats {
        self.stopping.send_replace(true);
        let goodbyes = async { while self.pumps.join_next().await.is_some() {} };
        let all = timeout(GOODBYES, goodbyes).await.is_ok();
        self.pumps.shutdown().await;
        let figures = self.figures();
        tracing::info!(all_said_goodbye = all, "fleet stopped");
        figures
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        for helper in &self.helpers {
            helper.abort();
        }
    }
}

async fn keep_figures(shared: Arc<Shared>, figures: watch::Sender<Stats>) {
    let mut every = interval(STATS_EVERY);
    loop {
        every.tick().await;
        let now = shared.counters.read();
        figures.send_if_modified(|before| {
            let changed = *before != now;
            *before = now;
            changed
        });
    }
}

/// Hands out the actions of a script at their time. A pump that has ended does not hold the others up.
async fn follow_script(schedule: Vec<Scheduled>, actions: Arc<Vec<mpsc::Sender<Action>>>) {
    let began = Instant::now();
    for Scheduled { at, pump, action } in schedule {
        sleep_until(began + at).await;
        if let Some(pump) = actions.get(pump)
            && pump.try_send(action).is_err()
        {
            tracing::warn!("a pump could not take an action of the scenario");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        for text in ["gw.example:8883", "127.0.0.1:1"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "gw",
            ":8883",
            "gw:",
            "gw:0",
            "gw:99999",
            "mqtts://gw:8883",
            "a:b:1",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
