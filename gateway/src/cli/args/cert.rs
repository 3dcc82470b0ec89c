//! `gateway cert …`

use clap::{Subcommand, builder::PossibleValuesParser};
use fleet::certificate::RevocationReason;

use super::{PageArgs, word};

/// Pumps' certificates. One is named by its serial number, its fingerprint, or the beginning of either.
#[derive(Debug, Subcommand)]
pub enum CertCommand {
    /// List certificates
    #[command(after_help = "Examples:
  gateway cert list
  gateway cert list --pump BM-10442
  gateway cert list --status expired")]
    List {
        /// Only of this pump: asset tag, serial number, UDI or id
        #[arg(long)]
        pump: Option<String>,
        /// Only those that are so
        #[arg(long, value_parser = PossibleValuesParser::new(["valid", "not_yet_valid", "expired", "revoked"]))]
        status: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one certificate
    #[command(after_help = "Examples:
  gateway cert show 8f01a2
  gateway cert show 8f01a2 --pem | openssl x509 -noout -text")]
    Show {
        /// Serial number or fingerprint, or its beginning
        certificate: String,
        /// Print the certificate itself
        #[arg(long, conflicts_with = "json")]
        pem: bool,
    },
    /// Revoke a certificate: it opens no connection from now on, and the one it opened is closed
    #[command(after_help = "Examples:
  gateway cert revoke 8f01a2 --reason key_compromise
  gateway cert revoke 8f01a2 --reason superseded --yes

It can not be undone. The pump needs a new enrolment token to come back.")]
    Revoke {
        /// Serial number or fingerprint, or its beginning
        certificate: String,
        /// Why (RFC 5280)
        #[arg(long, value_parser = word(&RevocationReason::ALL, RevocationReason::as_str))]
        reason: RevocationReason,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show how many certificates expire when
    #[command(after_help = "Examples:
  gateway cert forecast")]
    Forecast,
}
