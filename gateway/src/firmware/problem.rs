//! Why a repository is refused, in words for the person who imports it. The TUF library's own errors end here.

use std::{error::Error, fmt, io};

use fleet::{
    Timestamp,
    release::{ManifestError, TargetPath},
    signature::Digest,
};
use thiserror::Error;
use tough::{TransportError, TransportErrorKind, schema::RoleType};

use super::source::{SourceError, printable};

/// A role of TUF (specification, section 3): whose signatures stand under a file of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Root,
    Timestamp,
    Snapshot,
    Targets,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
        })
    }
}

impl From<RoleType> for Role {
    fn from(role: RoleType) -> Self {
        match role {
            RoleType::Root => Self::Root,
            RoleType::Timestamp => Self::Timestamp,
            RoleType::Snapshot => Self::Snapshot,
            RoleType::Targets | RoleType::DelegatedTargets => Self::Targets,
        }
    }
}

/// Why a repository is not imported. Nothing of it was kept.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(
        "the root of trust that was given can not be used: {problem}; get the manufacturer's root.json again"
    )]
    TrustedRoot { problem: String },
    #[error("the {role} metadata can not be read: {problem}")]
    Unreadable { role: Role, problem: String },
    #[error(
        "the {role} metadata is not signed by the manufacturer: {valid} of {needed} signatures are good; do not use it, and ask the manufacturer"
    )]
    BelowThreshold { role: Role, needed: u64, valid: u64 },
    #[error("the signatures under the {role} metadata can not be checked: {problem}")]
    Signatures { role: Role, problem: String },
    #[error(
        "the {role} metadata expired on {expired}: this copy is old, or somebody holds newer ones back; get a fresh copy from the manufacturer"
    )]
    Expired { role: Role, expired: Timestamp },
    #[error(
        "the {role} metadata was rolled back: version {to} is given, and version {from} was seen before; get the newest copy from the manufacturer"
    )]
    RolledBack { role: Role, from: u64, to: u64 },
    #[error("the role `{role}` was in an earlier snapshot and is gone")]
    RoleGone { role: String },
    #[error(
        "files of different states of the repository are mixed: the {role} metadata has version {found}, and version {expected} is named for it"
    )]
    Mixed { role: Role, found: u64, expected: u64 },
    #[error("`{file}` is not the file that was signed for: its hash is another")]
    MetadataHash { file: String },
    #[error("`{file}` is longer than the signed metadata say, or than is read")]
    TooLong { file: String },
    #[error("`{file}` is missing from the metadata")]
    MissingMetadata { file: String },
    #[error("the metadata make no sense: {problem}")]
    Metadata { problem: String },
    #[error(
        "there is no release in the repository: no target is called `release.json`, at the top or in a directory"
    )]
    NoRelease,
    #[error("there are {found} releases in the repository; at most {max} are read")]
    TooManyReleases { found: usize, max: usize },
    #[error("`{path}` is not among the signed targets{}", named_by(.needed_by.as_ref()))]
    NotATarget {
        path: String,
        needed_by: Option<TargetPath>,
    },
    #[error("the target `{path}` is not in the repository's directory `targets`")]
    MissingTarget { path: TargetPath },
    #[error("the target `{path}` has {found} bytes, and {signed} were signed for")]
    Length {
        path: TargetPath,
        signed: u64,
        found: u64,
    },
    #[error("the target `{path}` was altered: its SHA-256 is {found}, and {signed} was signed for")]
    Hash {
        path: TargetPath,
        signed: Digest,
        found: Digest,
    },
    #[error("{path}: {source}{}", problems(.source))]
    Manifest { path: TargetPath, source: ManifestError },
    #[error(
        "the target `{target}` is in another directory than its manifest `{manifest}`, and a pump looks for the manifest beside what it was told to install; put them side by side"
    )]
    ManifestElsewhere {
        manifest: TargetPath,
        target: TargetPath,
    },
    #[error("{doing} failed: {source}")]
    Io { doing: String, source: io::Error },
}

fn named_by(manifest: Option<&TargetPath>) -> String {
    manifest.map_or_else(String::new, |path| format!(", and {path} names it"))
}

/// Every problem of a manifest, each on a line of its own.
fn problems(error: &ManifestError) -> String {
    match error {
        ManifestError::Invalid { problems } if problems.len() > 1 => {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            format!("\n  {}", lines.join("\n  "))
        }
        _ => String::new(),
    }
}

impl From<tough::error::Error> for ImportError {
    fn from(error: tough::error::Error) -> Self {
        use tough::error::Error as Tuf;
        match error {
            Tuf::ParseTrustedMetadata { source, .. } => Self::TrustedRoot {
                problem: printable(&source.to_string()),
            },
            Tuf::VerifyTrustedMetadata { source, .. } => Self::TrustedRoot {
                problem: printable(&source.to_string()),
            },
            Tuf::ParseMetadata { role, source, .. } => Self::Unreadable {
                role: role.into(),
                problem: printable(&source.to_string()),
            },
            Tuf::VerifyMetadata { role, source, .. } => signatures(role.into(), &source),
            Tuf::OlderMetadata {
                role,
                current_version,
                new_version,
                ..
            } if new_version > current_version => Self::Mixed {
                role: role.into(),
                found: new_version,
                expected: current_version.saturating_add(1),
            },
            Tuf::OlderMetadata {
                role,
                current_version,
                new_version,
                ..
            } => Self::RolledBack {
                role: role.into(),
                from: current_version,
                to: new_version,
            },
            Tuf::OlderSnapshotInTimestamp {
                snapshot_new,
                snapshot_old,
                ..
            } => Self::RolledBack {
                role: Role::Snapshot,
                from: snapshot_old,
                to: snapshot_new,
            },
            Tuf::SnapshotRoleRollback {
                old_role_version,
                new_role_version,
                ..
            } => Self::RolledBack {
                role: Role::Targets,
                from: old_role_version,
                to: new_role_version,
            },
            Tuf::SnapshotRoleMissing { role, .. } => Self::RoleGone {
                role: printable(&role),
            },
            Tuf::VersionMismatch {
                role,
                fetched,
                expected,
                ..
            } => Self::Mixed {
                role: role.into(),
                found: fetched,
                expected,
            },
            Tuf::Transport { source, .. } => transport(&source),
            other => Self::Metadata {
                problem: printable(&other.to_string()),
            },
        }
    }
}

fn signatures(role: Role, error: &tough::schema::Error) -> ImportError {
    match error {
        tough::schema::Error::SignatureThreshold { threshold, valid, .. } => ImportError::BelowThreshold {
            role,
            needed: *threshold,
            valid: *valid,
        },
        other => ImportError::Signatures {
            role,
            problem: printable(&other.to_string()),
        },
    }
}

fn transport(error: &TransportError) -> ImportError {
    let file = error.url().rsplit('/').next().unwrap_or_default();
    let file = printable(file);
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<tough::error::Error>());
    match (error.kind(), cause) {
        (TransportErrorKind::FileNotFound, _) => ImportError::MissingMetadata { file },
        (_, Some(tough::error::Error::HashMismatch { .. })) => ImportError::MetadataHash { file },
        (_, Some(tough::error::Error::MaxSizeExceeded { .. })) => ImportError::TooLong { file },
        _ => ImportError::Metadata {
            problem: printable(&error.to_string()),
        },
    }
}
