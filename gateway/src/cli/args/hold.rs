//! `gateway hold …`

use clap::{Args, Subcommand};
use fleet::{pump::HoldKind, text::Reason};

use super::{CheckArgs, PageArgs, word};

/// Holds. One is named by its pump (asset tag, serial number, UDI or id), or by its own id.
#[derive(Debug, Subcommand)]
pub enum HoldCommand {
    /// List what is held, or was
    #[command(after_help = "Examples:
  gateway hold list
  gateway hold list --all --pump BM-10442
  gateway hold list --kind security_isolation --json | jq '.[].serial'")]
    List {
        /// Also those that ended
        #[arg(long)]
        all: bool,
        /// Only of this pump
        #[arg(long, value_name = "PUMP")]
        pump: Option<String>,
        /// Only of this kind
        #[arg(long, value_parser = word(&HoldKind::ALL, HoldKind::as_str))]
        kind: Option<HoldKind>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a hold: why, what was seen, each retest check by check, and what is still missing
    #[command(after_help = "Examples:
  gateway hold show BM-10442
  gateway hold show BM-10442 --json | jq .evidence")]
    Show {
        /// The pump, or the hold's id
        hold: String,
    },
    /// Run the checks again. What was signed before is void
    #[command(after_help = "Examples:
  gateway hold retest BM-10442

The pump runs its own checks when it is free; the others are entered with `gateway hold check`. They must be complete within a day.")]
    Retest {
        /// The pump, or the hold's id
        hold: String,
    },
    /// Enter what a check of the retest read at the bench
    #[command(after_help = "Examples:
  gateway hold check BM-10442 bench-flow --value 1.2 --unit percent --instrument IDA-5-117 --calibrated-until 2027-01-31
  gateway hold check BM-10442 bench-inspection --yes
  gateway hold check BM-10442 bench-battery --not-run

Its checks, with limits and units, are in `gateway hold show`. Units are never converted. Not run is never a pass.")]
    Check(CheckArgs),
    /// Say who looks after a hold
    #[command(after_help = "Examples:
  gateway hold owner BM-10442 --me
  gateway hold owner BM-10442 --to lena
  gateway hold owner BM-10442 --nobody")]
    Owner {
        /// The pump, or the hold's id
        hold: String,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// End a sequestration: the pump stays held, clinically, until it was retested and signed for
    #[command(after_help = "Examples:
  gateway hold end-sequester BM-10442 --reason 'released by the coroner, file 2026-118'")]
    EndSequester {
        /// The pump, or the hold's id
        hold: String,
        /// Why it is evidence no longer
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Who looks after a hold.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct OwnerArgs {
    /// You
    #[arg(long)]
    pub me: bool,
    /// Somebody, by the name of the account or its id
    #[arg(long, value_name = "PERSON")]
    pub to: Option<String>,
    /// Nobody
    #[arg(long)]
    pub nobody: bool,
}
