//! `gateway expected|area|location|manufacturer|model …`

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use fleet::{
    signature::Digest,
    text::{ComponentVersion, Contact, Name, Reason},
};

use super::PageArgs;

/// The list of expected pumps. `gateway pump import` fills it.
#[derive(Debug, Subcommand)]
pub enum ExpectedCommand {
    /// List expected pumps
    #[command(after_help = "Examples:
  gateway expected list
  gateway expected list --json | jq length")]
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Take a pump off the list
    #[command(after_help = "Examples:
  gateway expected remove SN-42")]
    Remove {
        /// Its serial number, asset tag or id
        expected: String,
    },
    /// Show which columns a CSV file may have
    #[command(after_help = "Examples:
  gateway expected columns")]
    Columns,
}

/// Care areas.
#[derive(Debug, Subcommand)]
pub enum AreaCommand {
    /// List care areas
    #[command(after_help = "Examples:
  gateway area list")]
    List,
    /// Add a care area
    #[command(after_help = "Examples:
  gateway area add '4 West'")]
    Add {
        /// Its name
        name: Name,
    },
    /// Give a care area another name
    #[command(after_help = "Examples:
  gateway area rename '4 West' '4 West Telemetry'")]
    Rename {
        /// Its present name, or its id
        area: String,
        /// Its new name
        name: Name,
    },
    /// Set how many pumps of a model a care area keeps in service, whatever is rolled out
    #[command(after_help = "Examples:
  gateway area floor MICU 'Volumat 7' 6
  gateway area floor MICU 'Volumat 7' 0

0 takes the floor away.")]
    Floor {
        /// Its name or id
        area: String,
        /// The model's name or id
        model: String,
        /// So many at least
        #[arg(value_name = "KEEP", value_parser = clap::value_parser!(u32).range(0..=100_000))]
        keep: u32,
    },
    /// List ward floors: how many pumps each care area keeps in service
    #[command(after_help = "Examples:
  gateway area floors")]
    Floors,
}

/// Drug libraries: which one the hospital approved for each model.
#[derive(Debug, Subcommand)]
pub enum LibraryCommand {
    /// List what is approved, for each model; or everything that was said about one
    #[command(after_help = "Examples:
  gateway library list
  gateway library list 'Volumat 7'")]
    List {
        /// The model's name or id
        model: Option<String>,
    },
    /// Approve a drug library for a model: what a pump reports after an update is held against it
    #[command(after_help = "Examples:
  gateway library approve 'Volumat 7' 'Adult ICU' 2026-11 --sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 --reason 'P&T committee, 18 November'")]
    Approve {
        /// The model's name or id
        model: String,
        /// What the library is called
        name: Name,
        /// Its version, in the pharmacy's own words
        #[arg(id = "library_version", value_name = "VERSION")]
        version: ComponentVersion,
        /// The SHA-256 of the library as it lies on a pump, in hexadecimal
        #[arg(long, value_name = "HEX")]
        sha256: Digest,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
    /// Say that no drug library is approved for a model: every pump that reports one is looked at by a person
    #[command(after_help = "Examples:
  gateway library withdraw 'Volumat 7' --reason 'wrong limits for heparin'")]
    Withdraw {
        /// The model's name or id
        model: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
}

/// Places where pumps are kept.
#[derive(Debug, Subcommand)]
pub enum LocationCommand {
    /// List locations
    #[command(after_help = "Examples:
  gateway location list")]
    List,
    /// Add a location
    #[command(after_help = "Examples:
  gateway location add 'Clean utility 4W' --care-area '4 West'
  gateway location add 'Biomed shelf 3'")]
    Add {
        /// Its name
        name: Name,
        /// The care area it belongs to; without it, it belongs to biomed
        #[arg(long, value_name = "NAME")]
        care_area: Option<Name>,
    },
}

/// Makers of pumps.
#[derive(Debug, Subcommand)]
pub enum ManufacturerCommand {
    /// List manufacturers
    #[command(after_help = "Examples:
  gateway manufacturer list")]
    List,
    /// Note how to reach a manufacturer
    #[command(
        group = clap::ArgGroup::new("contact").required(true).multiple(true),
        after_help = "Examples:
  gateway manufacturer contact 'Acme Medical' --email service@acme.example --phone '+1 555 0100'
  gateway manufacturer contact 'Acme Medical' --web https://acme.example/support"
    )]
    Contact {
        /// Name or id
        manufacturer: String,
        /// E-mail address
        #[arg(long, group = "contact")]
        email: Option<Contact>,
        /// Telephone number
        #[arg(long, group = "contact")]
        phone: Option<Contact>,
        /// Web page
        #[arg(long, group = "contact")]
        web: Option<Contact>,
    },
}

/// Models of pumps. They come with the list of expected pumps and with enrolment.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// List models
    #[command(after_help = "Examples:
  gateway model list")]
    List,
    /// Say what is known of a model: its device identifier, and until when its manufacturer supports it
    #[command(after_help = "Examples:
  gateway model edit 'Volumat 7' --udi-di 09506000134352
  gateway model edit 'Volumat 7' --full-support-until 2027-06-30 --support-until 2029-12-31
  gateway model edit 'Volumat 7' --clear support-until

Each date is the last day, by the clocks on the hospital's walls. Past the last day of all support no release is rolled out to \
its pumps: rollouts leave them out, and say so.")]
    Edit(ModelEditArgs),
}

/// `gateway model edit`
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
pub struct ModelEditArgs {
    /// Its name or id
    pub model: String,
    /// The device identifier of its UDI: 14 digits, or a whole UDI as scanned off any pump of the model
    #[arg(long, group = "change", value_name = "UDI")]
    pub udi_di: Option<String>,
    /// The last day on which everything is mended (end of life)
    #[arg(long, group = "change", value_name = "DATE")]
    pub full_support_until: Option<NaiveDate>,
    /// The last day on which anything is (end of support)
    #[arg(long, group = "change", value_name = "DATE")]
    pub support_until: Option<NaiveDate>,
    /// Empty a field; repeat for several
    #[arg(long, group = "change", value_name = "FIELD")]
    pub clear: Vec<ModelField>,
}

/// What of a model can be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModelField {
    UdiDi,
    FullSupportUntil,
    SupportUntil,
}

impl ModelField {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UdiDi => "udi_device_identifier",
            Self::FullSupportUntil => "full_support_until",
            Self::SupportUntil => "support_until",
        }
    }
}
