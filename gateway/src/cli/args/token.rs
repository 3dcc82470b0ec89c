//! `gateway token …`

use clap::{Args, Subcommand};
use fleet::text::Name;

/// Service tokens: by which programs act for you, within named permissions.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown once
    #[command(after_help = "Examples:
  gateway token issue --label 'network access control' --scope pump_read --scope event_read
  gateway token issue --label ci --scope pump_read --valid-days 30 --json | jq -r .token

A scope is a permission that you hold yourself and that a program may have: see `gateway roles`. Put the token into GATEWAY_TOKEN, or \
into a file that GATEWAY_TOKEN_FILE names.")]
    Issue(IssueArgs),
    /// List your tokens; the tokens themselves are not kept
    #[command(after_help = "Examples:
  gateway token list
  gateway token list --all")]
    List {
        /// Everybody's
        #[arg(long)]
        all: bool,
    },
    /// Make a token useless
    #[command(after_help = "Examples:
  gateway token revoke ci
  gateway token revoke 01980000-0000-7000-8000-000000000001")]
    Revoke {
        /// Its label or id
        token: String,
    },
}

/// `gateway token issue`
#[derive(Debug, Clone, Args)]
pub struct IssueArgs {
    /// What the token is for, so that you know it in the list
    #[arg(long, value_name = "TEXT")]
    pub label: Name,
    /// What it may be used for; repeat for several
    #[arg(long = "scope", value_name = "PERMISSION", required = true)]
    pub scopes: Vec<String>,
    /// How long it is good for, in days [default: 90]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=365))]
    pub valid_days: Option<u32>,
}
