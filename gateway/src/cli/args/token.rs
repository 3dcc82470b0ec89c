//! `gateway token …`

use clap::{Args, Subcommand};
use fleet::text::Name;

/// API tokens: what programs, and this one, are known by.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Get a token for a name and a password
    #[command(after_help = "Examples:
  gateway token issue --name admin --label laptop --save
  gateway token issue --name admin --label 'nightly report' --valid-days 30
  gateway token issue --name admin --label ci --json | jq -r .token

The password is asked for, or taken from GATEWAY_PASSWORD. When the gateway wants a new one (after the one-time password), \
that is asked for twice, or taken from GATEWAY_NEW_PASSWORD. The token is shown once; --save keeps it where this program looks for it.")]
    Issue(IssueArgs),
    /// List your tokens; the tokens themselves are not kept
    #[command(after_help = "Examples:
  gateway token list")]
    List,
    /// Make a token useless
    #[command(after_help = "Examples:
  gateway token revoke laptop
  gateway token revoke 01980000-0000-7000-8000-000000000001")]
    Revoke {
        /// Its label or id
        token: String,
    },
}

/// `gateway token issue`
#[derive(Debug, Clone, Args)]
pub struct IssueArgs {
    /// Name of the account
    #[arg(long, value_name = "NAME")]
    pub name: Name,
    /// What the token is for, so that you know it in the list
    #[arg(long, value_name = "TEXT", default_value = "command line")]
    pub label: Name,
    /// How long it is good for, in days [default: 90]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=365))]
    pub valid_days: Option<u32>,
    /// Save it for this program instead of printing it
    #[arg(long)]
    pub save: bool,
}
