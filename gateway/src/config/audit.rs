//! Where the audit trail goes, beside the database.

use std::path::PathBuf;

use serde::Deserialize;

/// Where the audit trail goes, beside the database. Nothing is sent anywhere unless it is said here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// A file that every entry is appended to, as a line of JSON.
    pub file: Option<PathBuf>,
    /// A syslog receiver (RFC 5424) over TLS (RFC 5425).
    pub syslog: Option<Syslog>,
}

/// A syslog receiver over TLS.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    /// Host and port; the port of RFC 5425 is 6514.
    pub address: String,
    /// The name in its certificate, where that is not the host of the address.
    pub server_name: Option<String>,
    /// Whom to trust: certificates in PEM.
    pub ca_file: PathBuf,
    /// Our own certificate, with the chain, in PEM, where the receiver asks for one.
    pub client_cert_file: Option<PathBuf>,
    /// Its private key in PEM.
    pub client_key_file: Option<PathBuf>,
    /// The enterprise number in the structured data; 32473 is the one for examples (RFC 5612).
    #[serde(default = "example_number")]
    pub enterprise_number: u32,
}

const fn example_number() -> u32 {
    32_473
}
