//! Connects, idle memory and durable telemetry of the gateway, beside Mosquitto in the same run where it is installed.
//!
//! `cargo bench -p bench -- --pumps 5000 --messages 200000` (build the gateway first: `cargo build --release`).
//! Figures are printed, never asserted. Mosquitto neither stores nor checks a registry: it is the floor for
//! the TLS and MQTT part, not a peer for the rest.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "figures, for people to read"
)]

use std::{
    error::Error,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bench::{
    client::{Connection, anchors},
    fleet_with_certificates::{Credentials, Registered, loopback, register},
    server::{Server, free_port, gateway_beside},
};
use clap::Parser;
use gateway::config::Config;
use rustls::RootCertStore;
use store::Store;
use tokio::{sync::Semaphore, task::JoinSet};

/// Handshakes under way at one time.
const HANDSHAKES: usize = 64;
/// Pumps that publish, and messages of each that are unacknowledged at one time.
const PUBLISHERS: usize = 200;
const WINDOW: usize = 16;

#[derive(Debug, Parser)]
struct Arguments {
    /// Pumps to connect.
    #[arg(long, default_value_t = 5_000)]
    pumps: usize,
    /// Telemetry messages to publish.
    #[arg(long, default_value_t = 200_000)]
    messages: usize,
    /// The gateway's binary.
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// Leaves the peer out.
    #[arg(long)]
    alone: bool,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

struct Figures {
    connects_per_second: f64,
    cpu_per_connect: Duration,
    bytes_per_idle: f64,
    messages_per_second: f64,
    cpu_per_message: Duration,
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    gateway::pki::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&arguments))
}

async fn measure(arguments: &Arguments) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let listen = loopback(free_port()?, free_port()?, free_port()?, free_port()?);
    println!("registering {} pumps …", arguments.pumps);
    let data = register(dir.path(), arguments.pumps, listen)?;
    let binary = arguments.gateway.clone().unwrap_or_else(gateway_beside);

    let ours = {
        let server = Server::gateway(&binary, &data, listen.mqtt)?;
        figures(
            &server,
            &anchors(&data.root_file)?,
            &data.pumps,
            arguments.messages,
        )
        .await?
    };
    print("gateway (registry gate, presence, every message durable)", &ours);
    println!(
        "  on record afterwards  {:>10} of {} messages",
        stored(&data)?,
        each(arguments, &data) * publishers(&data)
    );
    if arguments.alone {
        return Ok(());
    }
    match Server::mosquitto(dir.path(), &data, free_port()?)? {
        Some(server) => {
            let peer = figures(
                &server,
                &anchors(&dir.path().join("peer.pem"))?,
                &data.pumps,
                arguments.messages,
            )
            .await?;
            print("Mosquitto (no registry, nothing stored)", &peer);
            println!(
                "gateway / Mosquitto: CPU per connect {:.2}, memory per idle pump {:.2}, CPU per message {:.2}",
                ours.cpu_per_connect.as_secs_f64() / peer.cpu_per_connect.as_secs_f64(),
                ours.bytes_per_idle / peer.bytes_per_idle,
                ours.cpu_per_message.as_secs_f64() / peer.cpu_per_message.as_secs_f64(),
            );
        }
        None => println!("Mosquitto is not installed; no peer in this run"),
    }
    Ok(())
}

async fn figures(
    server: &Server,
    roots: &Arc<RootCertStore>,
    pumps: &[Arc<Credentials>],
    messages: usize,
) -> Outcome<Figures> {
    let before = server.usage()?;
    let began = Instant::now();
    let mut connections = connect(server, roots, pumps).await?;
    let connecting = began.elapsed();
    let connected = server.usage()?;
    // Presence is stored behind the connect; let that come to rest before memory is read.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = server.usage()?;
    let count = pumps.len() as f64;

    let publishers = PUBLISHERS.min(connections.len());
    let each = messages / publishers.max(1);
    let payload = telemetry()?;
    let began = Instant::now();
    let before_messages = server.usage()?;
    let mut publishing = JoinSet::new();
    for mut connection in connections.drain(..publishers) {
        let payload = payload.clone();
        publishing.spawn(async move {
            connection
                .publish(&payload, each, WINDOW)
                .await
                .map(|()| connection)
        });
    }
    let mut kept = Vec::new();
    while let Some(done) = publishing.join_next().await {
        kept.push(done??);
    }
    let (took, after_messages) = (began.elapsed(), server.usage()?);
    let sent = (each * publishers) as f64;
    Ok(Figures {
        connects_per_second: count / connecting.as_secs_f64(),
        cpu_per_connect: idle
            .cpu
            .saturating_sub(before.cpu)
            .max(connected.cpu.saturating_sub(before.cpu))
            .div_f64(count),
        bytes_per_idle: idle.resident_bytes.saturating_sub(before.resident_bytes) as f64 / count,
        messages_per_second: sent / took.as_secs_f64(),
        cpu_per_message: after_messages
            .cpu
            .saturating_sub(before_messages.cpu)
            .div_f64(sent),
    })
}

fn publishers(data: &Registered) -> usize {
    PUBLISHERS.min(data.pumps.len())
}

fn each(arguments: &Arguments, data: &Registered) -> usize {
    arguments.messages / publishers(data).max(1)
}

/// How many samples the database holds once the server is gone: a figure for messages that were lost is worth nothing.
fn stored(data: &Registered) -> Outcome<usize> {
    let store = Store::open(&Config::load(&data.config_file)?.database_url())?;
    let until = gateway::clock::Clock::system().now();
    let since = until - chrono::TimeDelta::hours(1);
    let mut total = 0;
    for pump in &data.pumps {
        total += store
            .read(|db| db.telemetry_history(pump.id, since, until, u32::MAX))?
            .len();
    }
    Ok(total)
}

async fn connect(
    server: &Server,
    roots: &Arc<RootCertStore>,
    pumps: &[Arc<Credentials>],
) -> Outcome<Vec<Connection>> {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    let mut connecting = JoinSet::new();
    for pump in pumps {
        let (places, roots, pump, mqtt) = (
            Arc::clone(&places),
            Arc::clone(roots),
            Arc::clone(pump),
            server.mqtt,
        );
        connecting.spawn(async move {
            let _place = places.acquire_owned().await.map_err(std::io::Error::other)?;
            Connection::open(mqtt, &roots, &pump).await
        });
    }
    let mut connections = Vec::with_capacity(pumps.len());
    while let Some(done) = connecting.join_next().await {
        connections.push(done??);
    }
    Ok(connections)
}

fn telemetry() -> Outcome<Vec<u8>> {
    let message = serde_json::json!({
        "v": 1, "at": gateway::clock::Clock::system().now(), "activity": "infusing", "patient_attached": true,
        "rate_ml_h": 125.0, "infused_ml": 37.5, "battery_percent": 88.0, "on_mains": true, "signal_dbm": -61.0, "place": "4 West",
    });
    Ok(serde_json::to_vec(&message)?)
}

fn print(who: &str, figures: &Figures) {
    println!("{who}");
    println!(
        "  mutual-TLS connects   {:>10.0} /s   {:>8.3} ms CPU each",
        figures.connects_per_second,
        figures.cpu_per_connect.as_secs_f64() * 1e3
    );
    println!(
        "  idle pump             {:>10.1} KiB",
        figures.bytes_per_idle / 1024.0
    );
    println!(
        "  telemetry             {:>10.0} /s   {:>8.2} µs CPU each",
        figures.messages_per_second,
        figures.cpu_per_message.as_secs_f64() * 1e6
    );
}
