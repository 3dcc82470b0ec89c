//! Why nothing was made.

use std::{io, path::PathBuf};

use fleet::release::{ManifestError, TargetPath};
use thiserror::Error;

use crate::pki::key::KeyError;

/// Why nothing was made.
#[derive(Debug, Error)]
pub enum MakeError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("the manifest names `{0}`, and no file is given for it")]
    NoFile(TargetPath),
    #[error("`{0}` is not a path for a manifest; its last segment is `release.json`")]
    ManifestPath(TargetPath),
    #[error(
        "`{target}` is in another directory than the manifest `{manifest}`, where no pump looks for it; put them side by side"
    )]
    Elsewhere {
        manifest: TargetPath,
        target: TargetPath,
    },
    #[error(
        "{threshold} of {keys} root keys can not be; give 1 to 8 keys, and a threshold from 1 to as many as there are"
    )]
    Threshold { keys: u8, threshold: u8 },
    #[error("`{0}` is in the repository already with other content; give the new file a path of its own")]
    OtherContent(TargetPath),
    #[error("a repository that is there can not be added to: {problem} in {}", .path.display())]
    Existing { path: PathBuf, problem: String },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("signing with the key {key} failed")]
    Signing { key: String },
    #[error("the metadata make no sense: {0}")]
    Metadata(String),
    #[error("{doing} {} failed: {source}", .path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}
