//! A repository as somebody hands it in: a directory, or an archive (tar, plain or by gzip) that is unpacked first.
//!
//! An archive is believed nothing. Every name in it is taken apart and has to stay inside; links, devices and holes are
//! refused; what it may hold is counted before it is written, and what a name may take of memory as well.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, PaxExtensions};
use tempfile::TempDir;
use thiserror::Error;

/// What an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// The most files and directories.
    pub entries: usize,
    /// The most bytes, unpacked.
    pub bytes: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            entries: 10_000,
            bytes: 16 * 1024 * 1024 * 1024,
        }
    }
}

/// The most bytes of a name, or of what else stands before an entry.
const MAX_HEADER: u64 = 64 * 1024;
/// The most bytes of a path.
const MAX_PATH: usize = 1024;

/// What is wrong with something that was handed in.
#[derive(Debug, Error)]
pub enum SourceError {
    #[error("can not read {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{} holds no repository: a directory `metadata` is missing, at its top or in its only directory",
        .0.display()
    )]
    NoRepository(PathBuf),
    #[error("{} is not a directory, nor an archive (tar, tar.gz) that can be read: {source}", .path.display())]
    NotAnArchive { path: PathBuf, source: io::Error },
    #[error("the archive is not safe to unpack: `{name}` {problem}")]
    Unsafe { name: String, problem: Unsafe },
    #[error("the archive holds more than {0} files and directories")]
    TooMany(usize),
    #[error("the archive holds more than {0} bytes")]
    TooLarge(u64),
}

/// Why an entry of an archive is not written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unsafe {
    #[error("is an absolute path")]
    Absolute,
    #[error("leads out of the archive")]
    LeadsOut,
    #[error("is not a plain name: UTF-8 without control characters or backslashes, not too long")]
    Name,
    #[error("is a link")]
    Link,
    #[error("is neither a file nor a directory")]
    Kind,
    #[error("is there twice")]
    Twice,
}

/// A repository on disk. Unpacked files go with it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) metadata: PathBuf,
    pub(super) targets: PathBuf,
    _unpacked: Option<TempDir>,
}

impl Source {
    /// Opens a directory, or unpacks an archive into a fresh directory under `scratch`.
    pub(super) fn open(path: &Path, scratch: &Path, limits: ArchiveLimits) -> Result<Self, SourceError> {
        let failed = |source| SourceError::Io {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(failed)?.is_dir() {
            return Self::in_directory(path, None);
        }
        let file = File::open(path).map_err(failed)?;
        let unpacked = fs::create_dir_all(scratch)
            .and_then(|()| tempfile::Builder::new().prefix(".import-").tempdir_in(scratch))
            .map_err(|source| SourceError::Io {
                path: scratch.to_owned(),
                source,
            })?;
        unpack(path, file, unpacked.path(), limits)?;
        let found = unpacked.path().to_owned();
        Self::in_directory(&found, Some(unpacked)).map_err(|error| match error {
            SourceError::NoRepository(_) => SourceError::NoRepository(path.to_owned()),
            other => other,
        })
    }

    fn in_directory(dir: &Path, unpacked: Option<TempDir>) -> Result<Self, SourceError> {
        let top = if dir.join("metadata").is_dir() {
            dir.to_owned()
        } else {
            only_directory(dir)
                .filter(|inner| inner.join("metadata").is_dir())
                .ok_or_else(|| SourceError::NoRepository(dir.to_owned()))?
        };
        Ok(Self {
            metadata: top.join("metadata"),
            targets: top.join("targets"),
            _unpacked: unpacked,
        })
    }
}

fn only_directory(dir: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(dir).ok()?;
    let mut directories = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir());
    match (directories.next(), directories.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Unpacks an archive (tar, plain or by gzip) that is believed nothing.
pub(crate) fn unpack(
    path: &Path,
    mut file: File,
    into: &Path,
    limits: ArchiveLimits,
) -> Result<(), SourceError> {
    let not_an_archive = |source| SourceError::NotAnArchive {
        path: path.to_owned(),
        source,
    };
    let mut magic = [0; 2];
    let is_gzip = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    file.seek(SeekFrom::Start(0)).map_err(not_an_archive)?;
    let plain: Box<dyn Read> = if is_gzip {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    // What stands around the files is bounded too, or an archive of nothing but padding would never end.
    let overhead = u64::try_from(limits.entries).unwrap_or(u64::MAX) * 4096 + 1024 * 1024;
    let mut archive = Archive::new(plain.take(limits.bytes.saturating_add(overhead)));
    let mut unpacking = Unpacking {
        into,
        limits,
        entries: 0,
        bytes: 0,
        seen: HashSet::new(),
        long_name: None,
    };
    // Raw: the library would read a long name into memory however long it is.
    for entry in archive.entries().map_err(not_an_archive)?.raw(true) {
        unpacking.take(&mut entry.map_err(not_an_archive)?)?;
    }
    Ok(())
}

struct Unpacking<'a> {
    into: &'a Path,
    limits: ArchiveLimits,
    entries: usize,
    bytes: u64,
    seen: HashSet<PathBuf>,
    /// The name of the next entry, where it is too long for its own header.
    long_name: Option<Vec<u8>>,
}

impl Unpacking<'_> {
    fn take(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), SourceError> {
        self.entries += 1;
        // Each may have a name of its own before it.
        if self.entries > self.limits.entries * 2 {
            return Err(SourceError::TooMany(self.limits.entries));
        }
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() || kind.is_pax_local_extensions() || kind.is_pax_global_extensions() {
            let header = read_header(entry)?;
            if kind.is_gnu_longname() {
                self.long_name = Some(header.into_iter().take_while(|byte| *byte != 0).collect());
            } else if kind.is_pax_local_extensions() {
                self.long_name = pax_path(&header).or(self.long_name.take());
            }
            return Ok(());
        }
        let name = self
            .long_name
            .take()
            .unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let refuse = |problem| SourceError::Unsafe {
            name: printable(&String::from_utf8_lossy(&name)),
            problem,
        };
        if kind.is_symlink() || kind.is_hard_link() || kind.is_gnu_longlink() {
            return Err(refuse(Unsafe::Link));
        }
        let relative = inside(&name).map_err(refuse)?;
        let path = self.into.join(&relative);
        if kind.is_dir() {
            return fs::create_dir_all(&path).map_err(|source| SourceError::Io { path, source });
        }
        if !kind.is_file() {
            return Err(refuse(Unsafe::Kind));
        }
        if relative.as_os_str().is_empty() {
            return Err(refuse(Unsafe::Name));
        }
        if !self.seen.insert(relative) {
            return Err(refuse(Unsafe::Twice));
        }
        let size = entry.size();
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.bytes {
            return Err(SourceError::TooLarge(self.limits.bytes));
        }
        if self.seen.len() > self.limits.entries {
            return Err(SourceError::TooMany(self.limits.entries));
        }
        write(entry, &path, size).map_err(|source| SourceError::Io { path, source })
    }
}

fn write(entry: &mut impl Read, path: &Path, size: u64) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    if io::copy(entry, &mut file)? == size {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the archive ends too early",
        ))
    }
}

fn read_header(entry: &mut Entry<'_, impl Read>) -> Result<Vec<u8>, SourceError> {
    let mut header = Vec::new();
    let too_long = || SourceError::Unsafe {
        name: "a name".to_owned(),
        problem: Unsafe::Name,
    };
    if entry.size() > MAX_HEADER {
        return Err(too_long());
    }
    match entry.take(MAX_HEADER).read_to_end(&mut header) {
        Ok(_) => Ok(header),
        Err(_) => Err(too_long()),
    }
}

fn pax_path(header: &[u8]) -> Option<Vec<u8>> {
    PaxExtensions::new(header)
        .flatten()
        .find(|record| record.key_bytes() == b"path")
        .map(|record| record.value_bytes().to_vec())
}

/// The path below a directory that a name means, if it means one.
fn inside(name: &[u8]) -> Result<PathBuf, Unsafe> {
    let text = std::str::from_utf8(name).map_err(|_| Unsafe::Name)?;
    if text.starts_with('/') {
        return Err(Unsafe::Absolute);
    }
    let is_odd = |c: char| c.is_control() || c == '\\';
    if text.is_empty() || text.len() > MAX_PATH || text.contains(is_odd) {
        return Err(Unsafe::Name);
    }
    let mut path = PathBuf::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(Unsafe::LeadsOut),
            part => path.push(part),
        }
    }
    Ok(path)
}

/// What somebody else wrote, for a terminal: nothing that moves a cursor, and not too much of it.
pub(super) fn printable(text: &str) -> String {
    let shown = text.chars().take(200);
    shown.map(|c| if c.is_control() { '?' } else { c }).collect()
}
