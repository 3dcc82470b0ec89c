//! `gateway rollout|wave …`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fleet::text::{Name, Reason};

use crate::cli::time::Moment;

/// Rollouts: a release on its way to pumps. A rollout is named by its name or its id.
#[derive(Debug, Subcommand)]
pub enum RolloutCommand {
    /// Show who would get a release in which wave, who would not, and when each wave could be through. Nothing is written
    #[command(after_help = "Examples:
  gateway rollout preview --release 'Volumat 7 infusion control 9.12' --spec plan.toml
  gateway rollout preview --release 'Volumat 7 infusion control' --spec plan.toml --begins-at 2026-12-01
  gateway rollout preview --release 01980000-0000-7000-8000-000000000001 --spec - --json < plan.json | jq '.left_out'

What a spec says: docs/rollouts.md. It is JSON if it begins with {, else TOML.")]
    Preview {
        #[command(flatten)]
        plan: PlanArgs,
        /// Forecast it as an emergency: waves are watched for less long
        #[arg(long)]
        emergency: bool,
        /// Forecast it from then on
        #[arg(long, value_name = "WHEN")]
        begins_at: Option<Moment>,
    },
    /// Write a rollout. It does nothing until it was submitted, and others approved it
    #[command(after_help = "Examples:
  gateway rollout create 'Volumat 9.12' --release 'Volumat 7 infusion control 9.12' --spec plan.toml
  gateway rollout create 'Volumat 9.12' --release 'Volumat 7 infusion control' --spec plan.toml --begins-at 2026-12-01
  gateway rollout create 'Occlusion fix' --release 'Volumat 7 infusion control' --spec plan.toml --emergency 'recall 2026-17'

Its waves and the pumps in them are fixed from then on, but for those that its spec lets join.")]
    Create {
        /// What people call it
        name: Name,
        #[command(flatten)]
        plan: PlanArgs,
        /// Why it can not wait: waves are watched for less long, and two people approve it
        #[arg(long, value_name = "REASON")]
        emergency: Option<Reason>,
        /// It does not begin before
        #[arg(long, value_name = "WHEN")]
        begins_at: Option<Moment>,
    },
    /// List rollouts
    #[command(after_help = "Examples:
  gateway rollout list")]
    List,
    /// Show a rollout with its waves
    #[command(after_help = "Examples:
  gateway rollout show 'Volumat 9.12'
  gateway rollout show 'Volumat 9.12' --pumps
  gateway rollout show 'Volumat 9.12' --catch-up")]
    Show {
        /// Its name or id
        rollout: String,
        /// Also each of its pumps
        #[arg(long)]
        pumps: bool,
        /// Also the pumps that were left behind, and when each was last heard of
        #[arg(long, conflicts_with = "pumps")]
        catch_up: bool,
    },
    /// Say what a pump, its wave and its rollout wait for
    #[command(after_help = "Examples:
  gateway rollout why BM-10442")]
    Why {
        /// Asset tag, serial number, UDI or id
        pump: String,
    },
    /// List everything in a rollout that waits, and for what
    #[command(after_help = "Examples:
  gateway rollout waiting 'Volumat 9.12'")]
    Waiting {
        /// Its name or id
        rollout: String,
    },
    /// Ask for approval
    #[command(after_help = "Examples:
  gateway rollout submit 'Volumat 9.12'

Somebody else then signs: gateway signature sign rollout 'Volumat 9.12' --meaning rollout_approved")]
    Submit {
        /// Its name or id
        rollout: String,
    },
    /// Take it back from approval: signatures on it fall, and it waits as a draft
    #[command(after_help = "Examples:
  gateway rollout send-back 'Volumat 9.12' --reason 'the ICU moves that week'")]
    SendBack(ActArgs),
    /// Stop it for a while: no pump begins, pumps that install come to their end
    #[command(after_help = "Examples:
  gateway rollout pause 'Volumat 9.12' --reason 'network maintenance'")]
    Pause(ActArgs),
    /// Let it go on; after a halt with the failures that it has
    #[command(after_help = "Examples:
  gateway rollout resume 'Volumat 9.12' --reason 'two sensors replaced, the firmware is not the cause'")]
    Resume(ActArgs),
    /// Stop it until somebody looked
    #[command(after_help = "Examples:
  gateway rollout halt 'Volumat 9.12' --reason 'alarms sound late after the update'")]
    Halt(ActArgs),
    /// Give it up for good: pumps that install come to their end
    #[command(after_help = "Examples:
  gateway rollout cancel 'Volumat 9.12' --reason 'replaced by 9.13'
  gateway rollout cancel 'Volumat 9.12' --reason 'replaced by 9.13' --yes")]
    Cancel {
        #[command(flatten)]
        act: ActArgs,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Which release, to whom and how.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// The release's name, its name and version, or its id
    #[arg(long, value_name = "RELEASE")]
    pub release: String,
    /// File that says which pumps, in which waves, when and within which limits; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub spec: PathBuf,
}

/// Something done to a rollout, and why.
#[derive(Debug, Clone, Args)]
pub struct ActArgs {
    /// Its name or id
    pub rollout: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Reason,
}

/// Waves. A wave is named by its rollout and number (`Volumat 9.12/2`), by its own name, or by its id.
#[derive(Debug, Subcommand)]
pub enum WaveCommand {
    /// Read what a wave changes at the bedside, and say that you read it
    #[command(after_help = "Examples:
  gateway wave brief 'Volumat 9.12/2' --care-area MICU
  gateway wave brief ICUs --care-area MICU --yes

The charge nurse then signs for the care area: gateway signature sign wave 'Volumat 9.12/2' --care-area MICU --meaning briefing_acknowledged")]
    Brief {
        /// Its rollout and number, its name, or its id
        wave: String,
        /// The care area in which you work
        #[arg(long, value_name = "NAME")]
        care_area: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Ask for the old version of every pump of a wave that has the new one; a rollout that runs is halted with it
    #[command(after_help = "Examples:
  gateway wave roll-back 'Volumat 9.12/1' --reason 'the new keypad driver misses presses'
  gateway wave roll-back 'Volumat 9.12/1' --reason 'the new keypad driver misses presses' --yes

Each pump goes back when it is free and where its security floor allows; what holds it: gateway rollout waiting.")]
    RollBack {
        /// Its rollout and number, its name, or its id
        wave: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}
