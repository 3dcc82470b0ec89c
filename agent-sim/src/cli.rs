//! The command line.

mod inputs;

use std::{
    collections::HashMap,
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{Args, CommandFactory, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use thiserror::Error;

use crate::{
    blueprint::{FleetPlan, PlanError, expected_csv},
    fleet::{Endpoint, SimConfig, Simulation, StartError},
    life::Rhythm,
    pump::LinkState,
    scenario::{Scenario, ScenarioError},
    span,
    stats::Stats,
};
use inputs::{TufRoot, read_tokens};

const EXAMPLES: &str = "\
Examples:
  Write the list of a fleet, to be imported into the gateway as expected pumps:
    agent-sim fleet --pumps 200 --seed 7 > expected.csv
  Enrol and run it for ten minutes, an hour of life passing each minute:
    agent-sim run --pumps 200 --seed 7 --gateway gw.example:8883 --est https://gw.example:8444 \\
      --ca root.pem --tokens tokens.csv --state-dir pumps --speed 60 --duration 10m

Exit codes: 0 all went well, 1 some pumps failed, 2 the command could not be understood or carried out.";

/// Simulated infusion pumps for tests, training and rehearsals of a rollout.
#[derive(Debug, Parser)]
#[command(name = "agent-sim", version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Enrol a fleet and let it live
    #[command(after_help = EXAMPLES)]
    Run(Box<Run>),
    /// Print a fleet as a list of expected pumps (CSV)
    Fleet(Fleet),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
struct Fleet {
    /// How many pumps
    #[arg(long, default_value_t = 40)]
    pumps: usize,
    /// The same seed gives the same fleet
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A care area; give it several times for several (default: six usual ones)
    #[arg(long = "care-area", value_name = "NAME")]
    care_areas: Vec<String>,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    fleet: Fleet,
    /// Pump endpoint of the gateway (MQTT over TLS)
    #[arg(long, value_name = "HOST:PORT")]
    gateway: Endpoint,
    /// EST server of the gateway
    #[arg(long, value_name = "URL")]
    est: String,
    /// Certificate of the root that the gateway proves itself under (PEM)
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// One-time tokens for pumps that are not enrolled yet (CSV: serial,token)
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Where the pumps keep keys, certificates and journals
    #[arg(long, value_name = "DIR")]
    state_dir: PathBuf,
    /// Root metadata of a manufacturer's TUF repository, which its pumps are made with; without a name for all pumps
    #[arg(long = "tuf-root", value_name = "[MANUFACTURER=]FILE")]
    tuf_roots: Vec<TufRoot>,
    /// A script of what shall happen (TOML)
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// How much faster than real time life goes; MQTT keeps real time
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Stop after this time, as 30s, 10m or 1h30m (default: at Ctrl-C)
    #[arg(long, value_parser = span::parse)]
    duration: Option<Duration>,
    /// Nothing happens to the pumps but what the scenario says
    #[arg(long)]
    still: bool,
    /// Print the last figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// A command that can not be carried out.
#[derive(Debug, Error)]
enum CliError {
    #[error("could not read {} {}: {source}", .what, .path.display())]
    Read {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} line {line}: {problem}", .path.display())]
    Tokens {
        path: PathBuf,
        line: usize,
        problem: &'static str,
    },
    #[error("{}: {source}", .path.display())]
    Scenario { path: PathBuf, source: ScenarioError },
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(
        "{pumps} pumps need about {needed} open files and this shell allows {allowed}; run `ulimit -n {needed}` first"
    )]
    OpenFiles {
        pumps: usize,
        needed: usize,
        allowed: usize,
    },
    #[error("could not {doing}: {source}")]
    Io { doing: &'static str, source: io::Error },
}

/// Carries a command out.
#[must_use]
pub fn main(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Run(run) => run.carry_out(),
        Command::Fleet(fleet) => fleet.print(),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "agent-sim", &mut script);
            print(&script).map(|()| ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| {
        // Nothing is left to do if even this can not be written.
        let _ = writeln!(io::stderr(), "agent-sim: {error}");
        ExitCode::from(2)
    })
}

/// Writes to standard output; a reader that went away, as `head` does, is no failure.
fn print(text: &[u8]) -> Result<(), CliError> {
    match io::stdout().write_all(text) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => Err(CliError::Io {
            doing: "write to standard output",
            source,
        }),
        _ => Ok(()),
    }
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|source| CliError::Read {
        what,
        path: path.to_owned(),
        source,
    })
}

impl Fleet {
    fn plan(&self) -> FleetPlan {
        let mut plan = FleetPlan::new(self.pumps, self.seed);
        if !self.care_areas.is_empty() {
            plan.care_areas.clone_from(&self.care_areas);
        }
        plan
    }

    fn print(&self) -> Result<ExitCode, CliError> {
        print(expected_csv(&self.plan().build()?).as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Run {
    fn carry_out(self) -> Result<ExitCode, CliError> {
        let mut blueprints = self.fleet.plan().build()?;
        for pump in &mut blueprints {
            pump.tuf_root = TufRoot::of(&self.tuf_roots, pump.manufacturer.as_str());
        }
        enough_files(blueprints.len())?;
        let tokens = match &self.tokens {
            Some(path) => read_tokens(path, &String::from_utf8_lossy(&read("tokens", path)?))?,
            None => HashMap::new(),
        };
        let mut config = SimConfig::new(
            blueprints,
            self.gateway,
            self.est,
            read("the trust anchor", &self.ca)?,
            Arc::new(move |serial: &str| tokens.get(serial).cloned()),
            self.state_dir,
        );
        config.seed = self.fleet.seed;
        config.speed = self.speed;
        if self.still {
            config.rhythm = Rhythm::Still;
        }
        if let Some(path) = self.scenario {
            let text = String::from_utf8_lossy(&read("the scenario", &path)?).into_owned();
            config.scenario =
                Some(Scenario::parse(&text).map_err(|source| CliError::Scenario { path, source })?);
        }
        let runtime = tokio::runtime::Runtime::new().map_err(|source| CliError::Io {
            doing: "start the runtime",
            source,
        })?;
        runtime.block_on(run(config, self.duration, self.json))
    }
}

async fn run(config: SimConfig, duration: Option<Duration>, json: bool) -> Result<ExitCode, CliError> {
    let simulation = Simulation::start(config)?;
    let end = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = end => {}
        () = show_enrolment(&simulation) => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    let pumps = simulation.pumps();
    let figures = simulation.stop().await;
    let problems: Vec<_> = pumps
        .iter()
        .filter(|pump| pump.link != LinkState::Connected)
        .filter_map(|pump| Some((pump, pump.problem.as_ref()?)))
        .collect();
    if json {
        let mut line = serde_json::to_vec(&figures).unwrap_or_default();
        line.push(b'\n');
        print(&line)?;
    } else {
        print(summary(&figures).as_bytes())?;
    }
    for (pump, problem) in problems.iter().take(10) {
        let _ = writeln!(io::stderr(), "{}: {problem}", pump.serial);
    }
    if problems.len() > 10 {
        let _ = writeln!(io::stderr(), "and {} more", problems.len() - 10);
    }
    let well = problems.is_empty() && figures.enrolled == figures.pumps && figures.therapy_interruptions == 0;
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A bar on a terminal until all have enrolled, then one line of figures; nothing in a pipe. Never ends by itself.
async fn show_enrolment(simulation: &Simulation) {
    let mut stats = simulation.stats();
    let pumps = stats.borrow().pumps;
    let bar = if io::stderr().is_terminal() {
        ProgressBar::new(pumps)
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{msg:>12} [{bar:40}] {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message("enrolling");
    let mut said = false;
    while stats.changed().await.is_ok() {
        let now = *stats.borrow_and_update();
        if now.enrolled < pumps {
            bar.set_position(now.enrolled);
        } else {
            if !said {
                tracing::info!(pumps, "the fleet is enrolled");
                said = true;
            }
            bar.set_message("connected");
            bar.set_position(now.connected);
        }
    }
    std::future::pending::<()>().await;
}

fn summary(figures: &Stats) -> String {
    format!(
        "{} pumps, {} enrolled, {} failed; {} connections, {} lost\n\
         reports: {} sent, {} acknowledged; telemetry: {} sent, {} stored\n\
         orders: {} received, {} answered for good; certificates renewed: {}; therapies interrupted: {}\n\
         updates: {} staged, {} activated, {} proved, {} rolled back, {} refused\n",
        figures.pumps,
        figures.enrolled,
        figures.failed,
        figures.connections,
        figures.connections_lost,
        figures.reports_sent,
        figures.reports_acked,
        figures.telemetry_sent,
        figures.telemetry_acked,
        figures.orders,
        figures.orders_done,
        figures.renewed,
        figures.therapy_interruptions,
        figures.updates_staged,
        figures.updates_activated,
        figures.updates_proved,
        figures.updates_rolled_back,
        figures.updates_refused,
    )
}

/// A pump needs a socket, and a file now and then. Where the system does not say what is allowed, we do not ask.
fn enough_files(pumps: usize) -> Result<(), CliError> {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let needed = pumps + 256;
    match soft_limit(&limits) {
        Some(allowed) if allowed < needed => Err(CliError::OpenFiles {
            pumps,
            needed,
            allowed,
        }),
        _ => Ok(()),
    }
}

fn soft_limit(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
        assert!(Cli::try_parse_from(["agent-sim", "fleet", "--pumps", "3"]).is_ok());
        assert!(Cli::try_parse_from(["agent-sim", "run", "--pumps", "3"]).is_err());
    }

    #[test]
    fn the_limit_of_open_files_is_found() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(soft_limit(limits), Some(1024));
        assert_eq!(soft_limit(&limits.replace("1024  ", "unlimited  ")), None);
        assert_eq!(soft_limit(""), None);
    }
}
