//! `gateway sbom|component|advisory|exposure …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use fleet::text::{ComponentName, ComponentVersion, Reason};

/// Component lists (SBOMs): what releases and models are made of.
#[derive(Debug, Subcommand)]
pub enum SbomCommand {
    /// Import a component list, in the place of the one that is known for the same thing
    #[command(after_help = "Examples:
  gateway sbom import volumat7.cdx.json --release 'Volumat 7 infusion control 9.12'
  gateway sbom import volumat7.cdx.json --model 'Volumat 7' --preview
  gateway sbom import module.spdx.json --model 'Volumat 7' --component wireless --component-version 2.1

CycloneDX 1.4 to 1.7 and SPDX 2.2 and 2.3, in JSON. The list of a release holds for every pump that runs all that the release brings; the \
list of a model for all its pumps, or for those that report the part in that version.")]
    Import {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        of: SbomOf,
        /// Only say what would follow
        #[arg(long)]
        preview: bool,
    },
    /// List component lists
    #[command(after_help = "Examples:
  gateway sbom list
  gateway sbom list --json | jq '.[] | select(.gaps > 0)'")]
    List,
}

/// What a component list is of.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("of").required(true))]
pub struct SbomOf {
    /// A release: its name, its name and version, or its id
    #[arg(long, group = "of", value_name = "RELEASE")]
    pub release: Option<String>,
    /// A model: its name or id
    #[arg(long, group = "of", value_name = "MODEL")]
    pub model: Option<String>,
    /// A part of the model, as its pumps report it
    #[arg(long, requires = "model", value_name = "NAME")]
    pub component: Option<ComponentName>,
    /// The version of that part; without it, of any version
    #[arg(long, requires = "component", value_name = "VERSION")]
    pub component_version: Option<ComponentVersion>,
}

/// Components of pumps.
#[derive(Debug, Subcommand)]
pub enum ComponentCommand {
    /// Show which pumps contain a component
    #[command(after_help = "Examples:
  gateway component find log4net
  gateway component find 'log4net < 2.0.10'
  gateway component find 'jQuery >=1.0, <3.5'

A component without a version, or with one that does not compare, is listed as perhaps.")]
    Find {
        /// A name, and versions of it
        query: String,
    },
}

/// Advisories. Nothing is fetched: files are carried in.
#[derive(Debug, Subcommand)]
pub enum AdvisoryCommand {
    /// Import advisories, and find out what follows for the pumps
    #[command(after_help = "Examples:
  gateway advisory import known_exploited_vulnerabilities.json
  gateway advisory import /media/usb/csaf --preview
  gateway advisory import nvd-2026-11.tar.gz

CSAF 2.0, pages of the NVD API 2.0 and CISA's catalogue of known exploited vulnerabilities, in JSON: one file, a directory, or an \
archive (tar, tar.gz). A file that is refused changes nothing, and it is said why.")]
    Import {
        /// A file, a directory, or an archive
        path: PathBuf,
        /// Only say what would follow
        #[arg(long)]
        preview: bool,
    },
    /// Show how old what is known of each feed is
    #[command(after_help = "Examples:
  gateway advisory feeds
  gateway advisory feeds --json | jq '.[] | select(.stale)'")]
    Feeds,
}

/// Vulnerabilities that are open on pumps.
#[derive(Debug, Subcommand)]
pub enum ExposureCommand {
    /// List what is open, in the order of work
    #[command(after_help = "Examples:
  gateway exposure list
  gateway exposure list --needs-review
  gateway exposure list --json | jq '.[] | select(.exploited) | .vulnerability'")]
    List {
        /// Only what people have to decide
        #[arg(long)]
        needs_review: bool,
    },
    /// Show what a vulnerability means for which pumps, and who says so
    #[command(after_help = "Examples:
  gateway exposure show CVE-2018-1285")]
    Show {
        /// Its id
        vulnerability: String,
    },
    /// Decide what no document makes clear; the same doubt at the next import is decided already
    #[command(after_help = "Examples:
  gateway exposure decide CVE-2020-11023 not-affected --model 'Volumat 7' --reason 'the page that uses it is switched off'
  gateway exposure decide CVE-2020-11023 affected --reason 'asked the manufacturer on 24 November'")]
    Decide(DecideArgs),
}

/// `gateway exposure decide`
#[derive(Debug, Clone, Args)]
pub struct DecideArgs {
    /// Its id
    pub vulnerability: String,
    /// Whether the pumps are affected
    pub verdict: Decided,
    /// Only for pumps of this model and these versions, as `gateway exposure show` has them; a part of the words will do
    #[arg(long, value_name = "TEXT")]
    pub model: Option<String>,
    /// Why: it goes on record
    #[arg(long, value_name = "TEXT")]
    pub reason: Reason,
}

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Decided {
    Affected,
    NotAffected,
}

impl Decided {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::NotAffected => "not_affected",
        }
    }
}
