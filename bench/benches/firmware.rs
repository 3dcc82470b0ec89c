//! Firmware to many pumps at once, over mutual TLS, without the limit that a hospital sets.
//!
//! `cargo bench -p bench --bench firmware -- --pumps 200 --megabytes 32` (build the gateway first: `cargo build --release`).
//! Figures are printed, never asserted.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "figures, for people to read"
)]

use std::{
    collections::BTreeMap,
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bench::{
    client::{anchors, download},
    fleet_with_certificates::{loopback, register},
    server::{Server, free_port, gateway_beside},
};
use clap::Parser;
use gateway::{
    clock::Clock,
    config::Config,
    firmware::{
        import::{Import, check},
        make::{Make, Settings, demo_image, make},
        publish::publish,
        source::ArchiveLimits,
    },
};
use tokio::task::JoinSet;

/// The release that manufacturers read as an example; its files are made to measure.
const MANIFEST: &[u8] = include_bytes!("../../docs/release-manifest.example.json");
const FILE: &str = "volumat7/9.12/main.bin";

#[derive(Debug, Parser)]
struct Arguments {
    /// Pumps that download at one time.
    #[arg(long, default_value_t = 200)]
    pumps: usize,
    /// The length of the file, in MiB.
    #[arg(long, default_value_t = 32)]
    megabytes: usize,
    /// The gateway's binary.
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    gateway::pki::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&arguments))
}

async fn measure(arguments: &Arguments) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let listen = loopback(free_port()?, free_port()?, free_port()?, free_port()?);
    let data = register(dir.path(), arguments.pumps, listen)?;
    let length = arguments.megabytes * 1024 * 1024;
    let took = stock(
        dir.path(),
        &Config::load(&data.config_file)?.firmware_dir(),
        length,
    )?;
    println!(
        "import and publication of {} MiB: {took:.2?}",
        arguments.megabytes
    );

    let binary = arguments.gateway.clone().unwrap_or_else(gateway_beside);
    // It listens for firmware last.
    let server = Server::gateway(&binary, &data, listen.bulk)?;
    let trusted = anchors(&data.root_file)?;
    let before = server.usage()?;
    let began = Instant::now();
    let mut downloads = JoinSet::new();
    for pump in &data.pumps {
        let (pump, trusted) = (Arc::clone(pump), Arc::clone(&trusted));
        let path = format!("/firmware/acme/targets/{FILE}");
        downloads.spawn(async move {
            let received = download(listen.bulk, &trusted, &pump, &path).await?;
            Ok::<_, std::io::Error>((received, began.elapsed()))
        });
    }
    let (mut received, mut first, mut last) = (0, Duration::MAX, Duration::ZERO);
    while let Some(done) = downloads.join_next().await {
        let (bytes, took) = done??;
        received += bytes;
        first = first.min(took);
        last = last.max(took);
    }
    let after = server.usage()?;
    let expected = (length * data.pumps.len()) as u64;
    let mebibytes = received as f64 / (1024.0 * 1024.0);
    println!(
        "{} pumps, {received} of {expected} bytes in {last:.2?}: {:.0} MiB/s; the first had everything after {first:.2?}",
        data.pumps.len(),
        mebibytes / last.as_secs_f64(),
    );
    println!(
        "gateway: {:.2} ms of processor time per MiB, {:.0} MiB resident",
        after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1000.0 / mebibytes,
        after.resident_bytes as f64 / (1024.0 * 1024.0),
    );
    Ok(())
}

/// Makes a repository with a file of this length, imports and publishes it. How long the last two took.
fn stock(dir: &Path, firmware: &Path, length: usize) -> Outcome<Duration> {
    let image = dir.join("image");
    std::fs::write(&image, demo_image(1, length))?;
    let files = [FILE, "volumat7/9.12/early.bin"]
        .into_iter()
        .map(|path| Ok((path.parse()?, image.clone())))
        .collect::<Outcome<BTreeMap<_, _>>>()?;
    let (repository, now) = (dir.join("repository"), Clock::system().now());
    let made = make(&Make {
        repository: &repository,
        keys: &dir.join("manufacturer"),
        manifest: MANIFEST,
        manifest_path: &"volumat7/9.12/release.json".parse()?,
        files: &files,
        settings: Settings::default(),
        now,
    })?;
    let root = std::fs::read(made.root)?;
    let began = Instant::now();
    let checked = check(&Import {
        source: &repository,
        trusted_root: &root,
        seen: None,
        manifests: None,
        scratch: firmware,
        limits: ArchiveLimits::default(),
        now,
    })?;
    publish(&checked, firmware, &"acme".parse()?)?;
    Ok(began.elapsed())
}
