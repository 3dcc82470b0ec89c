//! `gateway serve`: brings every listener up, and down again in order.
//!
//! Up: record, authorities, gate, pump endpoint, engine, HTTPS. Down the other way round: no new requests, pumps told
//! goodbye, what they sent last committed, and only then the end.

mod http;
mod logging;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use actix_web::dev::ServerHandle;
use chrono::TimeDelta;
use fleet::audit::Action;
use secrecy::SecretString;
use store::{Store, StoreError};
use thiserror::Error;
use tokio::sync::watch;

pub use logging::install as install_logging;

use crate::{
    app::{Actor, App, People, Settings},
    audit::{
        checkpoint,
        forward::{ForwardError, Forwarding},
    },
    auth::{
        breached::{BreachedPasswords, BreachedProblem},
        password::PasswordRules,
        record_key::RecordKey,
        seal::{Seal, SealProblem},
    },
    cli::{ServeArgs, passphrase},
    clock::Clock,
    config::{Config, ConfigError},
    deed::Deed,
    engine::{
        housekeeping, inbound,
        outbox::Withheld,
        rollout::{self, Bell},
        sessions::Sessions,
    },
    firmware::{Figures, Resting, TicketKeys, publish},
    mqtt::{Counters, Endpoint, EndpointConfig, EndpointError, Limits},
    ops::Metrics,
    pki::{
        authorities::{Authorities, AuthorityProblem},
        gate::Gate,
        key::{FileKeyStore, KdfCost, KeyError},
        tls,
    },
};

/// How long pumps get to be told goodbye. With the rest it stays below the five seconds that a stop may take.
const GOODBYE: Duration = Duration::from_secs(3);

/// Why the gateway did not come up, and what to do about it.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("opening the database: {0}")]
    Store(#[from] StoreError),
    #[error("opening the certificate authorities: {0}")]
    Authorities(#[from] AuthorityProblem),
    #[error("starting the pump endpoint: {0}")]
    Endpoint(#[from] EndpointError),
    #[error("setting up TLS: {0}")]
    Tls(#[from] tls::TlsError),
    #[error("listening on {address} for {what}: {source}; is another process using it?")]
    Listen {
        what: &'static str,
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("opening the gateway's own keys: {0}")]
    Key(#[from] KeyError),
    #[error("opening the seal: {0}")]
    Seal(#[from] SealProblem),
    #[error(transparent)]
    Breached(#[from] BreachedProblem),
    #[error("sending the audit trail on: {0}")]
    Forward(#[from] ForwardError),
    #[error("looking through the published firmware: {0}")]
    Firmware(std::io::Error),
    #[error("starting a thread: {0}")]
    Thread(std::io::Error),
    #[error("nothing is set up in {}; run `gateway init` first", .0.display())]
    NotInitialised(PathBuf),
}

/// Where a running gateway listens. Port 0 in the configuration becomes a real port here.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    pub mqtt: SocketAddr,
    pub bulk: SocketAddr,
    pub staff: SocketAddr,
    pub operations: SocketAddr,
}

/// A running gateway.
pub struct Running {
    /// Where it listens.
    pub addresses: Addresses,
    app: App,
    endpoint: Endpoint,
    servers: Vec<ServerHandle>,
    writer: JoinHandle<()>,
    stop: watch::Sender<bool>,
    forwarding: Forwarding,
}

/// Starts a gateway in this process. Needs a Tokio runtime.
///
/// # Errors
/// [`StartError`] says what could not be brought up. What was up by then is taken down again.
pub async fn start(config: Config, passphrase: SecretString, clock: Clock) -> Result<Running, StartError> {
    tls::install_provider();
    let now = clock.now();
    let Opened {
        store,
        authorities,
        gate,
        people,
        tickets,
    } = open(&config, passphrase, &clock).await?;
    let (counters, figures) = (Counters::default(), Figures::default());
    let metrics = Metrics::new(&counters, &figures);

    let verifier = tls::PumpVerifier::new(authorities.trust(), Arc::clone(&gate) as _);
    let (inbox, outbox) = mpsc::channel();
    let endpoint = Endpoint::start(
        EndpointConfig {
            listen: config.listen.mqtt,
            tls: Arc::new(tls::mqtt_config(
                verifier,
                authorities.server_identity(),
                Arc::new(clock.clone()),
            )?),
            workers: config.mqtt.workers,
            limits: Limits {
                connections_per_address: config.mqtt.connections_per_address,
                opening_per_address: config.mqtt.opening_per_address,
                telemetry_per_second: config.mqtt.telemetry_per_second,
                reports_per_second: config.mqtt.reports_per_second,
                ..Limits::default()
            },
        },
        Arc::clone(&gate) as _,
        clock.as_fn(),
        inbox,
        &counters,
    )?;
    let app = App {
        firmware_dir: config.firmware_dir().into(),
        bell: Bell::default(),
        listening_since: clock.now(),
        withheld: Withheld::default(),
        resting: Resting::default(),
        memory: rollout::Memory::default(),
        catalogue: crate::exposure::Catalogue::default(),
        store,
        clock,
        authorities,
        gate,
        link: endpoint.link(),
        people,
        tickets,
        settings: Settings {
            missing_after: TimeDelta::days(i64::from(config.inventory.missing_after_days)),
            idle: TimeDelta::minutes(i64::from(config.people.idle_minutes)),
            rates: config.rates,
            retention: config.retention,
            hospital: config.hospital_limits(),
        },
    };
    app.store.write(|db| db.presence_clear_all(now))?;
    mark(&app, Action::GatewayStarted);

    let sessions = Arc::new(Sessions::default());
    let writer = std::thread::Builder::new()
        .name("writer".to_owned())
        .spawn({
            let (app, sessions) = (app.clone(), Arc::clone(&sessions));
            move || inbound::run(&app, &sessions, &outbox)
        })
        .map_err(StartError::Thread)?;
    let (stop, stopped) = watch::channel(false);
    let hostname = config.server.names.first().map_or("-", String::as_str);
    let forwarding = Forwarding::start(&config.audit, hostname, &app.store)?;
    metrics.forwards(&forwarding.progress);
    tokio::spawn(rollout::run(app.clone(), stopped.clone()));
    tokio::spawn(rollout::join::run(app.clone(), stopped.clone()));
    tokio::spawn(housekeeping::run(app.clone(), sessions, stopped.clone()));

    let (addresses, servers) =
        http::start(&app, &config, &metrics, &figures, endpoint.local_addr(), stopped)?;
    tracing::info!(mqtt = %addresses.mqtt, bulk = %addresses.bulk, staff = %addresses.staff, operations = %addresses.operations, "gateway is up");
    Ok(Running {
        addresses,
        app,
        endpoint,
        servers,
        writer,
        stop,
        forwarding,
    })
}

/// Puts on record that the gateway came up or went down: a gap in between is one that somebody can ask about.
fn mark(app: &App, action: Action) {
    let deed = Deed::of(action, "gateway", env!("CARGO_PKG_VERSION"));
    let entry = deed.entry(&Actor::gateway(), app.now());
    if let Err(error) = app.store.write(|db| db.audit_append(entry).map(drop)) {
        tracing::error!(%error, "the audit trail could not be written");
    }
}

/// The end of the record, signed, before nobody watches it.
async fn make_checkpoint(app: &App) {
    let app = app.clone();
    let made = tokio::task::spawn_blocking(move || checkpoint::make(&app, app.now())).await;
    if !matches!(made, Ok(Ok(_))) {
        tracing::error!("no checkpoint of the audit trail could be made");
    }
}

/// What is read before anything runs.
struct Opened {
    store: Store,
    authorities: Arc<Authorities>,
    gate: Arc<Gate>,
    people: Arc<People>,
    tickets: Arc<TicketKeys>,
}

/// The slow part of the start: key derivation and the registry, off the runtime's threads.
async fn open(config: &Config, passphrase: SecretString, clock: &Clock) -> Result<Opened, StartError> {
    let (config, clock) = (config.clone(), clock.clone());
    let opened = tokio::task::spawn_blocking(move || {
        if !config.key_dir().is_dir() {
            return Err(StartError::NotInitialised(config.data_dir.clone()));
        }
        let store = Store::open(&config.database_url())?;
        // One gateway per database: a second one would not hear of what the first denies.
        store.claim()?;
        store.migrate()?;
        let now = clock.now();
        let people = people(&config, &passphrase, KdfCost::STRONG)?;
        let tickets = tickets(&config, &passphrase, KdfCost::STRONG)?;
        publish::sweep(&config.firmware_dir()).map_err(StartError::Firmware)?;
        let authorities = Authorities::open(store.clone(), &config, passphrase, now)?;
        authorities.refresh_crls(now)?;
        let gate = Gate::new(store.read(|db| db.registry_load(now))?, clock);
        Ok(Opened {
            store,
            authorities: Arc::new(authorities),
            gate: Arc::new(gate),
            people: Arc::new(people),
            tickets: Arc::new(tickets),
        })
    });
    opened
        .await
        .map_err(|error| StartError::Thread(std::io::Error::other(error)))?
}

/// What is needed to know people. Keys that are missing are made: a gateway of an earlier version had none.
///
/// # Errors
/// [`StartError`] when a key or the list of breached passwords can not be read.
pub fn people(config: &Config, passphrase: &SecretString, cost: KdfCost) -> Result<People, StartError> {
    let keys = FileKeyStore::new(config.key_dir(), cost);
    let breached = config.people.breached_passwords.as_deref();
    Ok(People {
        hospital: config.hospital.name.clone(),
        zone: config.hospital.time_zone,
        passwords: PasswordRules {
            breached: breached.map(BreachedPasswords::open).transpose()?,
        },
        record_key: RecordKey::open_or_create(&keys, passphrase)?,
        seal: Seal::open_or_create(&config.key_dir())?,
    })
}

/// The keys for tickets; one is made where there is none.
///
/// # Errors
/// [`KeyError`] when a key can not be read or written.
pub fn tickets(config: &Config, passphrase: &SecretString, cost: KdfCost) -> Result<TicketKeys, KeyError> {
    TicketKeys::open_or_create(&FileKeyStore::new(config.key_dir(), cost), passphrase)
}

impl Running {
    /// What its parts share, for a program that embeds the gateway.
    #[must_use]
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Stops in order. Returns once everything that was acknowledged is durable and every thread has ended.
    pub async fn stop(self) {
        let Self {
            app,
            endpoint,
            servers,
            writer,
            stop,
            forwarding,
            ..
        } = self;
        let _ = stop.send(true);
        let http = futures_util::future::join_all(servers.iter().map(|server| server.stop(true)));
        let pumps = tokio::task::spawn_blocking(move || endpoint.stop(GOODBYE));
        let (_, goodbye) = tokio::join!(http, pumps);
        if goodbye.is_err() {
            tracing::error!("the pump endpoint did not stop in order");
        }
        // The endpoint held the last sender: the writer commits what is left and ends.
        let ended = tokio::task::spawn_blocking(move || writer.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("the writer did not end in order");
        }
        let now = app.now();
        if let Err(error) = app.store.write(|db| db.presence_clear_all(now)) {
            tracing::error!(%error, "presence could not be cleared");
        }
        mark(&app, Action::GatewayStopped);
        make_checkpoint(&app).await;
        // Last, so that whoever watches hears of the stop as well.
        forwarding.stop().await;
        tracing::info!("gateway has stopped");
    }
}

/// The command.
///
/// # Errors
/// Whatever kept the gateway from coming up, in words.
pub fn run(args: &ServeArgs) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let config = Config::load(&args.config)?;
    if args.check {
        return Ok(());
    }
    install_logging(&config.log)?;
    let passphrase = passphrase(&args.passphrase, false)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let running = start(config, passphrase, Clock::system()).await?;
        told_to_stop().await?;
        running.stop().await;
        Ok(())
    })
}

/// SIGTERM (a service manager) or SIGINT (a person).
async fn told_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!("stopping: SIGTERM"),
        _ = interrupt.recv() => tracing::info!("stopping: interrupted"),
    }
    Ok(())
}
