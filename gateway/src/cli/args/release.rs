//! `gateway repository|release …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use fleet::{
    release::{RepositoryName, TargetPath},
    text::Name,
};

use crate::firmware::make::KeyKind;

/// Manufacturers' repositories of firmware, each with its root of trust.
#[derive(Debug, Subcommand)]
pub enum RepositoryCommand {
    /// List repositories
    #[command(after_help = "Examples:
  gateway repository list
  gateway repository list --json | jq '.[].root_sha256'")]
    List,
    /// Put a manufacturer's repository on record, with its root of trust
    #[command(after_help = "Examples:
  gateway repository add acme --manufacturer 'Acme Medical' --root root.json

Compare the root's SHA-256 with what the manufacturer says by another way. Nothing is imported until somebody signed for the root: \
gateway signature sign trust_root acme --meaning root_of_trust_imported")]
    Add {
        /// What it is called here: lower-case letters, digits, single hyphens
        name: RepositoryName,
        /// The manufacturer, as its pumps report it
        #[arg(long, value_name = "NAME")]
        manufacturer: Name,
        /// The manufacturer's TUF root metadata; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        root: PathBuf,
    },
}

/// Releases of firmware. A release is named by its name, by name and version, or by its id.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Import what is new in a manufacturer's repository: all of it, or nothing
    #[command(after_help = "Examples:
  gateway release import acme /media/usb/volumat7
  gateway release import acme volumat7.tar.gz

A directory with `metadata` and `targets` is packed on the way, and nothing else of it is sent. An archive (tar, tar.gz) goes as it is. \
It is checked as a pump checks it.")]
    Import {
        /// The repository's name or id
        repository: String,
        /// A directory, or an archive
        path: PathBuf,
    },
    /// List releases
    #[command(after_help = "Examples:
  gateway release list")]
    List,
    /// Show what the manufacturer says of a release
    #[command(after_help = "Examples:
  gateway release show 'Volumat 7 infusion control 9.12'
  gateway release show 01980000-0000-7000-8000-000000000001 --json | jq .manifest.checks")]
    Show {
        /// Its name, its name and version, or its id
        release: String,
    },
    /// Show which components differ between two releases
    #[command(after_help = "Examples:
  gateway release diff 'Volumat 7 infusion control 9.11' 'Volumat 7 infusion control 9.12'

Both need a component list: gateway sbom import --release")]
    Diff {
        /// The older release: its name, its name and version, or its id
        from: String,
        /// The newer release
        to: String,
    },
    /// Make a release of a test manufacturer: a signed TUF repository. It needs no gateway
    #[command(after_help = "Examples:
  gateway release make repository --keys keys --manifest release.json --path volumat7/9.12/release.json
  gateway release make repository --keys keys --manifest release.json --path volumat7/9.12/release.json --files build --kind p256

The first release makes the repository and its keys; a later one goes into the same repository. The keys lie unencrypted in \
their directory: this is for tests, a manufacturer keeps them in hardware and apart.")]
    Make(MakeArgs),
}

/// `gateway release make`
#[derive(Debug, Clone, Args)]
pub struct MakeArgs {
    /// Directory of the repository
    pub repository: PathBuf,
    /// Directory of its keys, apart from the repository
    #[arg(long, value_name = "DIRECTORY")]
    pub keys: PathBuf,
    /// The release's manifest; see docs/release-manifest.md
    #[arg(long, value_name = "FILE")]
    pub manifest: PathBuf,
    /// Where the manifest stands among the targets; it ends in `release.json`
    #[arg(long, value_name = "TARGET")]
    pub path: TargetPath,
    /// Directory in which each file of the manifest lies under its path [default: where the manifest is]
    #[arg(long, value_name = "DIRECTORY")]
    pub files: Option<PathBuf>,
    /// Kind of new keys
    #[arg(long, default_value = "ed25519")]
    pub kind: KeyKindArg,
    /// How many root keys a new repository gets
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub root_keys: u8,
    /// How many of them have to sign
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub root_threshold: u8,
    /// How many days the root of a new repository holds
    #[arg(long, value_name = "N", default_value_t = 730, value_parser = clap::value_parser!(u16).range(1..=7300))]
    pub root_days: u16,
    /// How many days everything else holds
    #[arg(long, value_name = "N", default_value_t = 180, value_parser = clap::value_parser!(u16).range(1..=7300))]
    pub days: u16,
}

/// What kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyKindArg {
    Ed25519,
    /// ECDSA on P-256
    P256,
}

impl From<KeyKindArg> for KeyKind {
    fn from(kind: KeyKindArg) -> Self {
        match kind {
            KeyKindArg::Ed25519 => Self::Ed25519,
            KeyKindArg::P256 => Self::P256,
        }
    }
}
