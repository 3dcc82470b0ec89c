//! `gateway release import`: a repository is looked at as a pump would, and every file of its releases is hashed whole.
//!
//! Nothing is kept here. What holds is handed to [`super::publish`].

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};
use chrono::DateTime;
use fleet::{
    Timestamp,
    release::{Manifest, ManifestError, TargetPath},
    signature::Digest,
};
use tough::{Bytes, Repository, TargetName};

use super::{
    problem::ImportError,
    source::{ArchiveLimits, Source, printable},
    trust::{self, Trusted},
};

/// The name of a manifest's target, at the top or in a directory.
pub const MANIFEST: &str = "release.json";
/// The most releases in one repository.
const MAX_RELEASES: usize = 500;
/// How much of a file is in memory.
const CHUNK: usize = 256 * 1024;

/// What is to be imported.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// A directory with `metadata/` and `targets/`, or an archive of one (tar, tar.gz).
    pub source: &'a Path,
    /// The root of trust of the manufacturer, as a person imported it: a `root.json`.
    pub trusted_root: &'a [u8],
    /// What the last import left ([`super::publish::seen_dir`]); nothing before the first.
    pub seen: Option<&'a Path>,
    /// Manifests to read; nothing means all there are ([`MANIFEST`]).
    pub manifests: Option<&'a [TargetPath]>,
    /// Where an archive is unpacked, in a directory that goes with the result.
    pub scratch: &'a Path,
    /// What an archive may hold.
    pub limits: ArchiveLimits,
    /// The present.
    pub now: Timestamp,
}

/// A file of metadata: which version, and until when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub version: u64,
    pub expires: Timestamp,
}

/// A repository that holds.
#[derive(Debug)]
pub struct CheckedRepository {
    pub root: Stamp,
    pub timestamp: Stamp,
    pub snapshot: Stamp,
    pub targets: Stamp,
    /// Whether files are named by version and hash (TUF specification, section 6.2).
    pub consistent_snapshot: bool,
    /// Sorted by path.
    pub releases: Vec<CheckedRelease>,
    pub(super) trusted_root: Vec<u8>,
    pub(super) metadata: BTreeMap<String, Bytes>,
    pub(super) root_file: String,
    pub(super) snapshot_file: String,
    /// Keeps what was unpacked.
    _source: Source,
}

/// A release of it.
#[derive(Debug)]
pub struct CheckedRelease {
    /// Where its manifest is.
    pub path: TargetPath,
    /// The manifest as it was signed.
    pub bytes: Vec<u8>,
    /// Its SHA-256.
    pub sha256: Digest,
    pub manifest: Manifest,
    /// The files it names, in its order.
    pub files: Vec<CheckedFile>,
    pub(super) source: PathBuf,
}

/// A file of firmware that is what was signed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedFile {
    pub path: TargetPath,
    /// In bytes.
    pub length: u64,
    pub sha256: Digest,
    pub(super) source: PathBuf,
}

/// Checks a repository. It takes as long as reading all its firmware does; call it where that may wait.
///
/// # Errors
/// [`ImportError`], the first thing that does not hold.
pub fn check(import: &Import<'_>) -> Result<CheckedRepository, ImportError> {
    let source = Source::open(import.source, import.scratch, import.limits)?;
    let trusted = trust::load(
        source.metadata.clone(),
        import.trusted_root,
        import.seen,
        import.now,
    )?;
    let paths = match import.manifests {
        Some(paths) => paths.to_vec(),
        None => manifests(&trusted.repository)?,
    };
    let releases = paths
        .into_iter()
        .map(|path| release(&trusted.repository, &source, path))
        .collect::<Result<_, _>>()?;
    Ok(checked(trusted, source, import.trusted_root, releases))
}

fn checked(
    trusted: Trusted,
    source: Source,
    trusted_root: &[u8],
    releases: Vec<CheckedRelease>,
) -> CheckedRepository {
    let (root_file, snapshot_file) = (trusted.root_file(), trusted.snapshot_file());
    let repository = &trusted.repository;
    let stamp = |version: u64, seconds: i64| Stamp {
        version,
        expires: DateTime::from_timestamp(seconds, 0).unwrap_or_default(),
    };
    macro_rules! stamp {
        ($role:ident) => {{
            let signed = &repository.$role().signed;
            stamp(signed.version.get(), signed.expires.as_second())
        }};
    }
    CheckedRepository {
        root: stamp!(root),
        timestamp: stamp!(timestamp),
        snapshot: stamp!(snapshot),
        targets: stamp!(targets),
        consistent_snapshot: repository.root().signed.consistent_snapshot,
        releases,
        trusted_root: trusted_root.to_vec(),
        metadata: trusted.files,
        root_file,
        snapshot_file,
        _source: source,
    }
}

/// Every manifest in a repository.
fn manifests(repository: &Repository) -> Result<Vec<TargetPath>, ImportError> {
    let mut found: Vec<TargetPath> = repository
        .all_targets()
        .map(|(name, _)| name.raw())
        .filter(|name| name.rsplit('/').next() == Some(MANIFEST))
        .map(|name| {
            name.parse().map_err(|error| ImportError::Metadata {
                problem: format!("`{}` is {error}", printable(name)),
            })
        })
        .collect::<Result<_, _>>()?;
    found.sort_unstable();
    found.dedup();
    match found.len() {
        0 => Err(ImportError::NoRelease),
        count if count > MAX_RELEASES => Err(ImportError::TooManyReleases {
            found: count,
            max: MAX_RELEASES,
        }),
        _ => Ok(found),
    }
}

fn release(
    repository: &Repository,
    source: &Source,
    path: TargetPath,
) -> Result<CheckedRelease, ImportError> {
    let refused = |error| ImportError::Manifest {
        path: path.clone(),
        source: error,
    };
    let signed = signed_for(repository, source, &path, None)?;
    let max = Manifest::MAX_BYTES;
    let length = usize::try_from(signed.length).unwrap_or(usize::MAX);
    if length > max {
        return Err(refused(ManifestError::TooLarge { length, max }));
    }
    let mut bytes = Vec::with_capacity(length);
    // One byte more than was signed for would be seen.
    File::open(&signed.source)
        .and_then(|file| file.take(signed.length + 1).read_to_end(&mut bytes))
        .map_err(|source| reading(&path, source))?;
    compare(&signed, bytes.len() as u64, Digest::of(&bytes))?;
    let manifest = Manifest::read(&bytes).map_err(refused)?;
    let files = manifest
        .targets
        .iter()
        .map(|target| {
            if target.path.directory() != path.directory() {
                return Err(ImportError::ManifestElsewhere {
                    manifest: path.clone(),
                    target: target.path.clone(),
                });
            }
            let signed = signed_for(repository, source, &target.path, Some(&path))?;
            let (length, digest) =
                hash(&signed.source, signed.length).map_err(|error| reading(&target.path, error))?;
            compare(&signed, length, digest)?;
            Ok(signed)
        })
        .collect::<Result<_, ImportError>>()?;
    Ok(CheckedRelease {
        sha256: signed.sha256,
        source: signed.source,
        path,
        bytes,
        manifest,
        files,
    })
}

fn reading(path: &TargetPath, source: io::Error) -> ImportError {
    ImportError::Io {
        doing: format!("reading the target `{path}`"),
        source,
    }
}

fn compare(signed: &CheckedFile, length: u64, found: Digest) -> Result<(), ImportError> {
    if length != signed.length {
        return Err(ImportError::Length {
            path: signed.path.clone(),
            signed: signed.length,
            found: length,
        });
    }
    if found != signed.sha256 {
        return Err(ImportError::Hash {
            path: signed.path.clone(),
            signed: signed.sha256,
            found,
        });
    }
    Ok(())
}

/// What was signed for a target, and where it is. Delegations are followed as the specification says.
fn signed_for(
    repository: &Repository,
    source: &Source,
    path: &TargetPath,
    needed_by: Option<&TargetPath>,
) -> Result<CheckedFile, ImportError> {
    let unknown = || ImportError::NotATarget {
        path: path.to_string(),
        needed_by: needed_by.cloned(),
    };
    let name = TargetName::new(path.as_str()).map_err(|_| unknown())?;
    let target = repository
        .targets()
        .signed
        .find_target(&name, false)
        .map_err(|_| unknown())?;
    let sha256 = <[u8; 32]>::try_from(target.hashes.sha256.as_ref())
        .map(Digest::from_bytes)
        .map_err(|_| ImportError::Metadata {
            problem: format!("the hash of `{path}` is not a SHA-256"),
        })?;
    let found = names(path, sha256)
        .map(|name| source.targets.join(name))
        .into_iter()
        .find(|file| file.symlink_metadata().is_ok_and(|about| about.is_file()))
        .ok_or_else(|| ImportError::MissingTarget { path: path.clone() })?;
    Ok(CheckedFile {
        path: path.clone(),
        length: target.length,
        sha256,
        source: found,
    })
}

/// How a repository may name a target's file: the hash before the last segment (the specification), before the first (this
/// library), or not at all.
fn names(path: &TargetPath, sha256: Digest) -> [String; 3] {
    let text = path.as_str();
    let (directory, name) = text.rsplit_once('/').unwrap_or(("", text));
    let slash = if directory.is_empty() { "" } else { "/" };
    [
        format!("{directory}{slash}{sha256}.{name}"),
        format!("{sha256}.{text}"),
        text.to_owned(),
    ]
}

/// Length and SHA-256 of a file, of at most one byte more than it should have.
pub(super) fn hash(path: &Path, signed: u64) -> io::Result<(u64, Digest)> {
    let mut file = File::open(path)?.take(signed.saturating_add(1));
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; CHUNK];
    let mut length = 0;
    loop {
        let count = file.read(&mut buffer)?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            break;
        };
        context.update(read);
        length += count as u64;
    }
    Ok((length, digest(context)))
}

/// A finished SHA-256.
pub(super) fn digest(context: Context) -> Digest {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    Digest::from_bytes(bytes)
}
