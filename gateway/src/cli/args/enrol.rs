//! `gateway enrol …` and `gateway anchor …`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fleet::{
    certificate::Fingerprint,
    text::{Name, SerialNumber},
};

/// One-time tokens by which a pump gets its first certificate.
#[derive(Debug, Subcommand)]
pub enum EnrolCommand {
    /// Make a token for one pump; its secret is shown once
    #[command(after_help = "Examples:
  gateway enrol token SN-42
  gateway enrol token SN-42 --model 'Volumat MC' --valid-hours 4
  gateway enrol token SN-42 --json | jq -r .secret

The model comes from the list of expected pumps. Name it when several models have this serial number, and name \
manufacturer and model when the pump is on no list.")]
    Token {
        /// The pump's serial number
        serial: SerialNumber,
        /// Who made the pump
        #[arg(long, value_name = "NAME")]
        manufacturer: Option<Name>,
        /// Its model
        #[arg(long, value_name = "NAME")]
        model: Option<Name>,
        /// How long the token is good for, in hours [default: 24]
        #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=72))]
        valid_hours: Option<u32>,
        /// Bind it to a public key: SHA-256 over its DER, in hexadecimal
        #[arg(long, value_name = "SHA256")]
        key: Option<Fingerprint>,
    },
    /// Make tokens for many pumps
    #[command(after_help = "Examples:
  gateway enrol batch SN-42 SN-43 SN-44
  gateway enrol batch --all-expected -o tokens.csv
  gateway enrol batch --all-expected --json > tokens.json

The file holds secrets: only you can read it. Delete it when the pumps are enrolled.")]
    Batch {
        #[command(flatten)]
        source: TokenSource,
        /// How long the tokens are good for, in hours [default: 24]
        #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=72))]
        valid_hours: Option<u32>,
        /// CSV file to write the secrets to; standard output without it
        #[arg(short, long, value_name = "FILE", conflicts_with = "json")]
        output: Option<PathBuf>,
    },
    /// List tokens that were made; their secrets are not kept
    #[command(after_help = "Examples:
  gateway enrol tokens")]
    Tokens,
    /// Make a token useless
    #[command(after_help = "Examples:
  gateway enrol withdraw SN-42
  gateway enrol withdraw 01980000-0000-7000-8000-000000000001")]
    Withdraw {
        /// The serial number it was made for, or the token's id
        token: String,
    },
}

/// For which pumps.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct TokenSource {
    /// Serial numbers, at most 1000
    #[arg(value_name = "SERIAL")]
    pub serials: Vec<SerialNumber>,
    /// All pumps that are expected and not enrolled yet
    #[arg(long)]
    pub all_expected: bool,
}

/// Manufacturers' certificates that vouch for a pump's first enrolment (IEEE 802.1AR).
#[derive(Debug, Subcommand)]
pub enum AnchorCommand {
    /// List anchors
    #[command(after_help = "Examples:
  gateway anchor list")]
    List,
    /// Trust a manufacturer's certificate for first enrolment
    #[command(after_help = "Examples:
  gateway anchor import acme-devices.pem --manufacturer 'Acme Medical'

Check its fingerprint with the manufacturer by another way than the file came.")]
    Import {
        /// PEM file with one CA certificate
        file: PathBuf,
        /// Whose it is
        #[arg(long, value_name = "NAME")]
        manufacturer: Name,
    },
    /// Trust it no longer; pumps that enrolled by it keep their certificates
    #[command(after_help = "Examples:
  gateway anchor remove 01980000-0000-7000-8000-000000000001
  gateway anchor remove 'Acme Medical'")]
    Remove {
        /// Its id or fingerprint, or the manufacturer if it has only one
        anchor: String,
    },
}
