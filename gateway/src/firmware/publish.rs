//! A repository that holds goes where pumps fetch it, without disturbing those that are fetching.
//!
//! Order is all: first files, which never change under their path; then the list of them; then metadata, the timestamp last.
//! A pump that looks in between sees the old state, whole. Each file appears under its name complete and on the disk.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};
use fleet::{
    release::{RepositoryName, TargetPath},
    signature::Digest,
};
use tempfile::NamedTempFile;
use thiserror::Error;

use super::{
    import::{CheckedRepository, digest},
    index::{self, Index, Listed},
    trust::seen,
};

/// How much of a file is in memory.
const CHUNK: usize = 256 * 1024;
const TIMESTAMP: &str = "timestamp.json";

/// Why a repository was not published, or not to its end. Doing it again is safe.
#[derive(Debug, Error)]
pub enum PublishError {
    #[error(
        "`{path}` is published already with other content (SHA-256 {published}; now {given}); what stands under a path never changes: the manufacturer has to give the new file a path of its own"
    )]
    OtherContent {
        path: TargetPath,
        published: Digest,
        given: Digest,
    },
    #[error("`{path}` changed while it was imported; import again from a copy that nobody writes to")]
    Changed { path: TargetPath },
    #[error("{doing} {} failed: {source}", .path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    /// Files that are new.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were there before.
    pub unchanged: usize,
}

/// Where what an import has seen is kept for the next one.
#[must_use]
pub fn seen_dir(firmware_dir: &Path, name: &RepositoryName) -> PathBuf {
    firmware_dir.join(name.as_str()).join("seen")
}

/// Removes what an import that was cut short left behind, which can be as large as the firmware itself. Nothing that is
/// published begins with a dot, and everything that is under way does. Call it before the first import.
///
/// # Errors
/// When the directory can not be read or written.
pub fn sweep(firmware_dir: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(firmware_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // Of the entry itself: a link is not followed.
        let is_dir = entry.file_type()?.is_dir();
        match (entry.file_name().as_encoded_bytes().starts_with(b"."), is_dir) {
            (true, true) => fs::remove_dir_all(entry.path())?,
            (true, false) => fs::remove_file(entry.path())?,
            (false, true) => sweep(&entry.path())?,
            (false, false) => {}
        }
    }
    Ok(())
}

/// Publishes a repository under a name. It takes as long as copying its firmware does; call it where that may wait.
///
/// # Errors
/// [`PublishError`]. What pumps see is then the state before, or this one.
pub fn publish(
    checked: &CheckedRepository,
    firmware_dir: &Path,
    name: &RepositoryName,
) -> Result<Published, PublishError> {
    let dir = firmware_dir.join(name.as_str());
    let (targets, metadata, seen) = (dir.join("targets"), dir.join("metadata"), dir.join("seen"));
    for made in [&targets, &metadata, &seen] {
        fs::create_dir_all(made).map_err(failed("making the directory", made))?;
    }
    // Two imports of one repository wait for one another. The lock goes with the file.
    let lock = dir.join("lock");
    let locked = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _locked = locked.map_err(failed("locking", &lock))?;

    let done = publish_targets(checked, &dir, &targets)?;
    // Before pumps can see the new state: a crash in between makes the next import stricter, never laxer.
    for (file, bytes) in [
        (seen::TRUSTED_ROOT, Some(checked.trusted_root.as_slice())),
        (seen::ROOT, metadata_of(checked, &checked.root_file)),
        (seen::SNAPSHOT, metadata_of(checked, &checked.snapshot_file)),
        (seen::TIMESTAMP, metadata_of(checked, TIMESTAMP)),
    ] {
        if let Some(bytes) = bytes {
            replace(&seen.join(file), bytes)?;
        }
    }
    let (last, first): (Vec<_>, Vec<_>) = checked
        .metadata
        .iter()
        .partition(|(name, _)| name.as_str() == TIMESTAMP || **name == checked.snapshot_file);
    // `snapshot` before `timestamp`: both in the order of the alphabet.
    for (name, bytes) in first.into_iter().chain(last) {
        replace(&metadata.join(name), bytes)?;
    }
    Ok(done)
}

fn metadata_of<'a>(checked: &'a CheckedRepository, name: &str) -> Option<&'a [u8]> {
    checked.metadata.get(name).map(AsRef::as_ref)
}

fn publish_targets(
    checked: &CheckedRepository,
    dir: &Path,
    targets: &Path,
) -> Result<Published, PublishError> {
    let list = dir.join(index::FILE);
    let mut index = Index::read(dir).map_err(failed("reading", &list))?;
    let mut done = Published::default();
    for release in &checked.releases {
        let manifest = (
            &release.path,
            release.bytes.len() as u64,
            release.sha256,
            &release.source,
        );
        let files = release
            .files
            .iter()
            .map(|file| (&file.path, file.length, file.sha256, &file.source));
        for (path, length, sha256, source) in files.chain([manifest]) {
            let given = Listed { length, sha256 };
            match index.targets.get(path) {
                Some(listed) if *listed == given && is_there(&targets.join(path.as_str()), length) => {
                    done.unchanged += 1;
                }
                Some(listed) if *listed != given => {
                    return Err(PublishError::OtherContent {
                        path: path.clone(),
                        published: listed.sha256,
                        given: sha256,
                    });
                }
                _ => {
                    copy(source, &targets.join(path.as_str()), path, given)?;
                    index.targets.insert(path.clone(), given);
                    done.files += 1;
                    done.bytes += length;
                }
            }
        }
    }
    let bytes = serde_json::to_vec_pretty(&index)
        .map_err(|error| failed("writing", &list)(io::Error::other(error)))?;
    replace(&list, &bytes)?;
    Ok(done)
}

fn is_there(path: &Path, length: u64) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == length)
}

/// Copies a file, and hashes what was copied: the source may have changed since it was checked.
fn copy(from: &Path, to: &Path, path: &TargetPath, expected: Listed) -> Result<(), PublishError> {
    let parent = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed("making the directory", parent))?;
    let source = File::open(from).map_err(failed("opening", from))?;
    let mut source = source.take(expected.length.saturating_add(1));
    let mut file = NamedTempFile::new_in(parent).map_err(failed("making a file in", parent))?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; CHUNK];
    let mut length = 0;
    loop {
        let count = source.read(&mut buffer).map_err(failed("reading", from))?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            break;
        };
        context.update(read);
        length += count as u64;
        file.write_all(read).map_err(failed("writing", to))?;
    }
    if (length, digest(context)) != (expected.length, expected.sha256) {
        return Err(PublishError::Changed { path: path.clone() });
    }
    settle(file, to)
}

/// Writes a small file, unless it is there already.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(parent).map_err(failed("making a file in", parent))?;
    file.write_all(bytes).map_err(failed("writing", path))?;
    settle(file, path)
}

/// Flushes a file to the disk, gives it its name, and flushes that.
fn settle(file: NamedTempFile, path: &Path) -> Result<(), PublishError> {
    file.as_file().sync_all().map_err(failed("flushing", path))?;
    file.persist(path)
        .map_err(|error| failed("naming", path)(error.error))?;
    let parent = path.parent().unwrap_or(Path::new("."));
    File::open(parent)
        .and_then(|dir| dir.sync_all())
        .map_err(failed("flushing the directory", parent))
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> PublishError + 'a {
    move |source| PublishError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
