//! `gateway audit …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PageArgs;

/// The audit trail: what happened, and what proves it.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Search it, the newest first
    #[command(after_help = "Examples:
  gateway audit list --limit 20
  gateway audit list --action pump_held
  gateway audit list --subject 01980000-0000-7000-8000-000000000001")]
    List(AuditListArgs),
    /// Write it to a file that can be verified anywhere
    #[command(after_help = "Examples:
  gateway audit export --to audit.jsonl
  gateway audit export --readable
  gateway audit export --after 120000 --to more.jsonl")]
    Export(AuditExportArgs),
    /// Find the first entry that was altered, is missing or stands in another place
    #[command(after_help = "Examples:
  gateway audit verify audit.jsonl --key record.pem
  gateway audit verify audit.jsonl --checkpoint monday.json --checkpoint tuesday.json
  gateway audit verify --config /etc/pump-gateway/gateway.toml

A file is verified without any gateway. With --config the database itself is gone through, beside a gateway that runs. Without \
--key the key in the file is believed, which proves nothing against somebody who made the whole file anew.")]
    Verify(AuditVerifyArgs),
    /// Sign the present end of it; keep that where the gateway can not reach it
    #[command(after_help = "Examples:
  gateway audit checkpoint > checkpoint.json")]
    Checkpoint,
    /// Print the public key by which checkpoints and seals are checked; keep it likewise
    #[command(after_help = "Examples:
  gateway audit key > record.pem")]
    Key,
}

/// `gateway audit list`
#[derive(Debug, Clone, Args)]
pub struct AuditListArgs {
    /// Only this action, such as `pump_held`
    #[arg(long, value_name = "WORD")]
    pub action: Option<String>,
    /// Only about this one thing
    #[arg(long, value_name = "ID")]
    pub subject: Option<String>,
    /// Only about this kind of thing, such as `pump`
    #[arg(long, value_name = "WORD")]
    pub subject_kind: Option<String>,
    /// Only by this person, by id
    #[arg(long, value_name = "ID")]
    pub account: Option<uuid::Uuid>,
    #[command(flatten)]
    pub page: PageArgs,
}

/// `gateway audit export`
#[derive(Debug, Clone, Args)]
pub struct AuditExportArgs {
    /// A file to write, readable by you alone, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Go on behind this entry
    #[arg(long, value_name = "NUMBER")]
    pub after: Option<u64>,
    /// Sentences for people instead of lines that can be verified
    #[arg(long)]
    pub readable: bool,
}

/// `gateway audit verify`
#[derive(Debug, Clone, Args)]
pub struct AuditVerifyArgs {
    /// An export
    #[arg(
        value_name = "FILE",
        required_unless_present = "config",
        conflicts_with = "config"
    )]
    pub file: Option<PathBuf>,
    /// Configuration file of the gateway whose database is gone through
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The gateway's public key in PEM, as it is known from elsewhere
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere; repeat for several
    #[arg(long = "checkpoint", value_name = "FILE")]
    pub checkpoints: Vec<PathBuf>,
}
