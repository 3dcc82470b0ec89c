//! `gateway events`

use clap::{Args, builder::PossibleValuesParser};
use fleet::event::EventKind;

use super::{PageArgs, word};
use crate::cli::time::Since;

/// `gateway events`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  gateway events
  gateway events --severity alarm --since 7d
  gateway events --pump BM-10442 --since 2026-03-01
  gateway events --follow --json | jq .label

With --follow and --json each event is one line of JSON.")]
pub struct EventsArgs {
    /// Only of this pump: asset tag, serial number, UDI or id
    #[arg(long)]
    pub pump: Option<String>,
    /// Only of this kind
    #[arg(long, value_parser = word(EventKind::ALL, EventKind::as_str), hide_possible_values = true)]
    pub kind: Option<EventKind>,
    /// Only of this severity or a higher one
    #[arg(long, value_parser = PossibleValuesParser::new(["note", "attention", "alarm"]))]
    pub severity: Option<String>,
    /// From when on: a span, a date or a time
    #[arg(long, value_name = "WHEN", default_value = "24h")]
    pub since: Since,
    /// Go on, and print further events as they happen
    #[arg(long, conflicts_with_all = ["limit", "after"])]
    pub follow: bool,
    #[command(flatten)]
    pub page: PageArgs,
}
