//! The commands that run the gateway itself.

use std::path::PathBuf;

use clap::Args;
use fleet::text::{Name, TextError};
use rustls_pki_types::ServerName;

use crate::cli::{connection::DATA_DIR, passphrase::PassphraseArgs};

/// `gateway init`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  gateway init
  gateway init --data-dir /srv/pumps --name 'County General' --server-name pumps.county.example --server-name 10.20.0.5
  gateway init --passphrase-file /run/secrets/ca-passphrase --json

The administrator's one-time password is printed once. The passphrase protects the keys of the certificate authorities: \
without it they can not be used, and it can not be recovered.")]
pub struct InitArgs {
    /// Directory to make; it must not hold a gateway yet
    #[arg(long, env = "GATEWAY_DATA_DIR", value_name = "DIR", default_value = DATA_DIR)]
    pub data_dir: PathBuf,
    /// The hospital's name, as it stands in the certificate authorities' names
    #[arg(long, value_name = "NAME", default_value = "Hospital", value_parser = hospital_name)]
    pub name: String,
    /// The zone of the clocks on its walls (IANA), such as Europe/Berlin: for times beside signatures
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub time_zone: chrono_tz::Tz,
    /// A DNS name or IP address by which pumps and people reach the gateway; repeat for several
    #[arg(long = "server-name", value_name = "HOST", value_parser = server_name)]
    pub server_name: Vec<String>,
    /// Another database than the embedded one. With a password in it, give it by the variable: arguments can be read by others
    #[arg(
        long,
        env = "GATEWAY_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// Print one JSON document instead of words; set from the option of the whole program.
    #[arg(skip)]
    pub json: bool,
}

/// `gateway serve`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  gateway serve --config /etc/pump-gateway/gateway.toml
  gateway serve --config gateway.toml --check
  gateway serve --passphrase-file /run/secrets/ca-passphrase")]
pub struct ServeArgs {
    /// Configuration file
    #[arg(
        long,
        env = "GATEWAY_CONFIG",
        value_name = "FILE",
        default_value = "gateway.toml"
    )]
    pub config: PathBuf,
    /// Only check the configuration, then stop
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}

/// `gateway demo`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  gateway demo
  gateway demo --pumps 200 --seed 7
  gateway demo --unattended
  gateway demo --keep /tmp/demo")]
pub struct DemoArgs {
    /// Run the story to its end without a person, then stop; the last line is one JSON object of counts
    #[arg(long)]
    pub unattended: bool,
    /// How many simulated pumps
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub pumps: u32,
    /// Keep everything in this directory instead of a temporary one
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// The same seed gives the same fleet
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

fn hospital_name(text: &str) -> Result<String, TextError> {
    Name::new(text).map(|name| name.to_string())
}

fn server_name(text: &str) -> Result<String, &'static str> {
    ServerName::try_from(text)
        .map(|_| text.to_owned())
        .map_err(|_| "write a DNS name (pumps.county.example) or an IP address (10.20.0.5)")
}
