//! `gateway pump …`

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use fleet::{
    check::CheckUnit,
    pump::HoldKind,
    signature::Digest,
    text::{AssetTag, CheckId, HardwareId, InstrumentId, Name, Reason, Tag},
};

use super::{PageArgs, word};
use crate::cli::time::Since;

/// What can be done with pumps. A pump is named by its asset tag, its serial number, a scan of its UDI, or its id.
#[derive(Debug, Subcommand)]
pub enum PumpCommand {
    /// List pumps
    #[command(after_help = "Examples:
  gateway pump list
  gateway pump list --care-area '4 West' --connected
  gateway pump list --held --json | jq '.[].asset_tag'")]
    List {
        #[command(flatten)]
        filter: PumpFilter,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show all that is known of one pump
    #[command(after_help = "Examples:
  gateway pump show BM-10442
  gateway pump show '(01)09506000134352(21)SN-42'")]
    Show {
        /// Asset tag, serial number, UDI or id
        pump: String,
    },
    /// Import the list of expected pumps from a CSV file: all of it, or nothing
    #[command(after_help = "Examples:
  gateway pump import pumps.csv
  gateway pump import pumps.csv --apply
  gateway pump import - --json < pumps.csv

The plan is shown first. At a terminal you are asked whether to go on; elsewhere nothing is imported without --apply. \
A file never removes a pump from the list.")]
    Import(ImportArgs),
    /// Write pumps to a CSV file that a spreadsheet can open without harm
    #[command(after_help = "Examples:
  gateway pump export -o pumps.csv
  gateway pump export --care-area MICU > micu.csv")]
    Export {
        #[command(flatten)]
        filter: PumpFilter,
        /// File to write; standard output without it
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Change what the inventory says of a pump
    #[command(after_help = "Examples:
  gateway pump edit BM-10442 --care-area '4 West' --location 'Clean utility 4W'
  gateway pump edit SN-42 --asset-tag BM-10443
  gateway pump edit BM-10442 --clear location --clear udi")]
    Edit(EditArgs),
    /// Put the hospital's own words for groups of pumps on a pump, or take them off
    #[command(after_help = "Examples:
  gateway pump tag BM-10442 pilot 'loan set'
  gateway pump tag BM-10442 --remove pilot

`gateway pump list --tag pilot` lists them. In a filter, of a rollout for instance: tag = pilot. Upper and lower case are the same.")]
    Tag(TagArgs),
    /// List the tags that pumps have, and how many have each
    #[command(after_help = "Examples:
  gateway pump tags")]
    Tags,
    /// Take a pump out of use
    #[command(after_help = "Examples:
  gateway pump hold BM-10442 --kind clinical --reason 'occlusion alarm failed on the bench'
  gateway pump hold BM-10442 --kind security_isolation --reason 'certificate used from two places'
  gateway pump hold BM-10442 --kind sequestered --reason 'incident 2026-114'

A hold never stops an infusion: it takes effect when the pump becomes free. Isolation also closes the pump's connection \
and denies its certificates. A sequestered pump is evidence: nothing is sent to it.")]
    Hold(PumpHold),
    /// Take a pump off the books for good: its certificates are revoked
    #[command(after_help = "Examples:
  gateway pump retire BM-10442 --reason 'sold to another hospital'
  gateway pump retire BM-10442 --reason scrapped --yes")]
    Retire {
        /// Asset tag, serial number, UDI or id
        pump: String,
        /// Why
        #[arg(long)]
        reason: Reason,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Ask something of a pump
    #[command(after_help = "Examples:
  gateway pump order BM-10442 report-inventory
  gateway pump order BM-10442 renew-certificate")]
    Order {
        /// Asset tag, serial number, UDI or id
        pump: String,
        /// What is asked
        kind: OrderKind,
    },
    /// List what was asked of a pump, and what came of it
    #[command(after_help = "Examples:
  gateway pump orders BM-10442")]
    Orders {
        /// Asset tag, serial number, UDI or id
        pump: String,
    },
    /// Show what a pump reported
    #[command(after_help = "Examples:
  gateway pump telemetry BM-10442
  gateway pump telemetry BM-10442 --since 8h
  gateway pump telemetry BM-10442 --since 2026-03-01 --limit 20 --json")]
    Telemetry {
        /// Asset tag, serial number, UDI or id
        pump: String,
        /// From when on: a span, a date or a time
        #[arg(long, value_name = "WHEN", default_value = "1h")]
        since: Since,
        /// At most so many reports, the newest
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Enter what a check of a pump read at the bench, after its update
    #[command(after_help = "Examples:
  gateway pump check BM-10442 flow --value 1.2 --unit percent --instrument IDA-5-117 --calibrated-until 2027-01-31
  gateway pump check BM-10442 case --yes
  gateway pump check BM-10442 library --sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  gateway pump check BM-10442 flow --not-run

Its checks, with limits and units, are in `gateway release show`. Units are never converted. Not run is never a pass.")]
    Check(CheckArgs),
    /// Ask for a pump's old version: it goes back when it is free, and where the security floor allows it
    #[command(after_help = "Examples:
  gateway pump roll-back BM-10442 --reason 'the new keypad driver misses presses'")]
    RollBack {
        /// Asset tag, serial number, UDI or id
        pump: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
    /// Try a pump again that its rollout left behind, or that was taken out
    #[command(after_help = "Examples:
  gateway pump try-again BM-10442 --reason 'back from loan, on mains in the clean utility'

Its time and its attempts begin anew. Pumps that were left behind: gateway rollout show <rollout> --catch-up")]
    TryAgain {
        /// Asset tag, serial number, UDI or id
        pump: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
    /// Take a pump out of its rollout: the wave goes on without it, and the gate says how many were taken out
    #[command(after_help = "Examples:
  gateway pump take-out BM-10442 --reason 'goes to the museum next week'

A pump that installs comes to its end, and one that failed stays a failure.")]
    TakeOut {
        /// Asset tag, serial number, UDI or id
        pump: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
    /// Let a pump whose certificate has expired renew it, once
    #[command(after_help = "Examples:
  gateway pump late-renewal BM-10442

Check first that the pump is the one it says it is, and where it was meanwhile.")]
    LateRenewal {
        /// Asset tag, serial number, UDI or id
        pump: String,
    },
}

/// Which pumps.
#[derive(Debug, Clone, Args)]
pub struct PumpFilter {
    /// Serial number, asset tag, model or place that contains this
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// In this care area
    #[arg(long, value_name = "NAME")]
    pub care_area: Option<String>,
    /// Of this model
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// With this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<Tag>,
    /// Only those that are held
    #[arg(long)]
    pub held: bool,
    /// Only those that are connected
    #[arg(long)]
    pub connected: bool,
}

/// `gateway pump import`
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// CSV file; `-` reads standard input
    pub file: PathBuf,
    /// Import without asking, if the plan has no problems
    #[arg(long, visible_alias = "yes")]
    pub apply: bool,
}

/// `gateway pump edit`
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
pub struct EditArgs {
    /// Asset tag, serial number, UDI or id
    pub pump: String,
    /// New asset tag
    #[arg(long, group = "change", value_name = "TAG")]
    pub asset_tag: Option<AssetTag>,
    /// New UDI, as printed or scanned
    #[arg(long, group = "change", value_name = "UDI")]
    pub udi: Option<String>,
    /// New care area
    #[arg(long, group = "change", value_name = "NAME")]
    pub care_area: Option<Name>,
    /// New place where it is kept
    #[arg(long, group = "change", value_name = "NAME")]
    pub location: Option<Name>,
    /// New hardware revision
    #[arg(long, group = "change", value_name = "ID")]
    pub hardware_id: Option<HardwareId>,
    /// Empty a field; repeat for several
    #[arg(long, group = "change", value_name = "FIELD")]
    pub clear: Vec<PumpField>,
    /// Only if the record is still at this version [default: the one it has now]
    #[arg(long, value_name = "N")]
    pub if_version: Option<i64>,
}

/// `gateway pump tag`
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
pub struct TagArgs {
    /// Asset tag, serial number, UDI or id
    pub pump: String,
    /// Tags to put on it
    #[arg(value_name = "TAG", group = "change")]
    pub add: Vec<Tag>,
    /// A tag to take off it; repeat for several
    #[arg(long, value_name = "TAG", group = "change")]
    pub remove: Vec<Tag>,
}

/// A field of a pump's record that can be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PumpField {
    AssetTag,
    Udi,
    CareArea,
    Location,
    HardwareId,
}

impl PumpField {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AssetTag => "asset_tag",
            Self::Udi => "udi",
            Self::CareArea => "care_area",
            Self::Location => "location",
            Self::HardwareId => "hardware_id",
        }
    }
}

/// `gateway pump hold`
#[derive(Debug, Clone, Args)]
pub struct PumpHold {
    /// Asset tag, serial number, UDI or id
    pub pump: String,
    /// Which kind of hold
    #[arg(long, value_parser = word(&HoldKind::ALL, HoldKind::as_str))]
    pub kind: HoldKind,
    /// Why
    #[arg(long)]
    pub reason: Reason,
}

/// `gateway pump check`
#[derive(Debug, Clone, Args)]
#[command(
    group = clap::ArgGroup::new("result").required(true),
    group = clap::ArgGroup::new("read").multiple(true).conflicts_with("not_run"),
)]
pub struct CheckArgs {
    /// Asset tag, serial number, UDI or id
    pub pump: String,
    /// The check's id in the release
    pub check: CheckId,
    /// What was measured
    #[arg(long, value_name = "NUMBER", group = "result", requires = "unit", allow_negative_numbers = true, value_parser = finite)]
    pub value: Option<f64>,
    /// In which unit
    #[arg(long, value_name = "UNIT", requires = "value", value_parser = word(CheckUnit::ALL, CheckUnit::as_str))]
    pub unit: Option<CheckUnit>,
    /// It is as the check asks
    #[arg(long, group = "result")]
    pub yes: bool,
    /// It is not as the check asks
    #[arg(long, group = "result")]
    pub no: bool,
    /// The SHA-256 that was read
    #[arg(long, value_name = "HEX", group = "result")]
    pub sha256: Option<Digest>,
    /// The check was not run
    #[arg(long, group = "result")]
    pub not_run: bool,
    /// The number on the label of the instrument
    #[arg(long, value_name = "ID", group = "read", requires = "calibrated_until")]
    pub instrument: Option<InstrumentId>,
    /// The last day on which its calibration is good
    #[arg(long, value_name = "DATE", group = "read", requires = "instrument")]
    pub calibrated_until: Option<NaiveDate>,
}

/// JSON has no other numbers, and a measurement has none either.
fn finite(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_finite() {
        Ok(number)
    } else {
        Err("not a number that can be measured".to_owned())
    }
}

/// What a person can ask of a pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OrderKind {
    /// Say what it is and what it runs
    #[value(alias = "report_inventory")]
    ReportInventory,
    /// Renew its certificate now
    #[value(alias = "renew_certificate")]
    RenewCertificate,
}

impl OrderKind {
    /// Its word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReportInventory => "report_inventory",
            Self::RenewCertificate => "renew_certificate",
        }
    }
}
