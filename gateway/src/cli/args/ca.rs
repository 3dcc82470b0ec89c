//! `gateway ca …`

use std::{fmt, path::PathBuf, str::FromStr};

use clap::{Subcommand, ValueEnum};
use fleet::certificate::AuthorityKind;

use super::word;

/// Authorities that a person can replace while the gateway runs. The root stays.
const ROTATABLE: [AuthorityKind; 2] = [AuthorityKind::Device, AuthorityKind::Server];

/// The gateway's certificate authorities. One generation is named by its kind and number: `device-2`.
#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Show the authorities and what hangs on them
    #[command(after_help = "Examples:
  gateway ca status
  gateway ca status --json | jq '.[] | select(.state == \"active\")'")]
    Status,
    /// Make a new generation that issues from now on; the old one stays trusted
    #[command(after_help = "Examples:
  gateway ca rotate --kind device
  gateway ca rotate --kind server")]
    Rotate {
        /// Which authority
        #[arg(long, value_parser = word(&ROTATABLE, AuthorityKind::as_str))]
        kind: AuthorityKind,
    },
    /// Trust an old generation no longer
    #[command(after_help = "Examples:
  gateway ca retire device-1
  gateway ca retire device-1 --cut-off

It is refused while pumps hang on it, and names them. With --cut-off they are left behind: each needs a new enrolment token.")]
    Retire {
        /// Kind and generation
        authority: AuthorityName,
        /// Retire it even if pumps can not connect afterwards
        #[arg(long)]
        cut_off: bool,
    },
    /// Write the certificates of the trusted authorities in PEM
    #[command(after_help = "Examples:
  gateway ca export > root.pem
  gateway ca export --kind device -o device-ca.pem
  gateway ca export --kind all | openssl storeutl -noout -text -certs /dev/stdin")]
    Export {
        /// Which authorities
        #[arg(long, value_enum, default_value_t = ExportKind::Root)]
        kind: ExportKind,
        /// File to write; standard output without it
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Which authorities to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportKind {
    Root,
    Device,
    Server,
    All,
}

impl ExportKind {
    /// Whether an authority of this kind is meant.
    #[must_use]
    pub fn includes(self, kind: AuthorityKind) -> bool {
        match self {
            Self::Root => kind == AuthorityKind::Root,
            Self::Device => kind == AuthorityKind::Device,
            Self::Server => kind == AuthorityKind::Server,
            Self::All => true,
        }
    }
}

/// One generation of one kind, as `device-2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorityName {
    pub kind: AuthorityKind,
    pub generation: i32,
}

impl FromStr for AuthorityName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.rsplit_once('-')
            .and_then(|(kind, generation)| {
                Some(Self {
                    kind: AuthorityKind::from_word(kind)?,
                    generation: generation.parse().ok().filter(|generation| *generation > 0)?,
                })
            })
            .ok_or("write kind and generation, as `gateway ca status` shows them: device-1")
    }
}

impl fmt::Display for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.kind.as_str(), self.generation)
    }
}
