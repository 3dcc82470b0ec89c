//! `gateway expected|area|location|manufacturer|model …`

use clap::Subcommand;
use fleet::text::{Contact, Name};

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
}
