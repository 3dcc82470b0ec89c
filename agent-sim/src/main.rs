//! `agent-sim`: simulated infusion pumps from the command line.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use agent_sim::cli::{self, Cli};
use clap::Parser;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter =
        EnvFilter::try_from_env("AGENT_SIM_LOG").unwrap_or_else(|_| EnvFilter::new("agent_sim=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    cli::main(cli)
}
