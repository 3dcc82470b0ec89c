//! Files that were carried in. Nothing of them is believed: an archive is unpacked as one of firmware is, each document is read within
//! the limits of its kind, and what is refused says why. At most one document is in memory as bytes at a time.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use ::exposure::{
    ComponentList,
    detect::{DocumentKind, detect},
    feed::{Feed, FeedKind, csaf, kev, nvd},
    read::Limits,
    sbom,
};
use flate2::read::MultiGzDecoder;
use fleet::signature::Digest;
use thiserror::Error;

use crate::firmware::source::{ArchiveLimits, SourceError, unpack};

/// What an archive may hold.
const ARCHIVE: ArchiveLimits = ArchiveLimits {
    entries: 20_000,
    bytes: 2 * 1024 * 1024 * 1024,
};
/// The most bytes of all documents of one import together: what is read of them is in memory at once.
const TOGETHER: u64 = 512 * 1024 * 1024;
/// Where the mark of a tar archive stands, and how long it is.
const TAR_MARK: (usize, &[u8]) = (257, b"ustar");

/// Why nothing of what was carried in could be looked at.
#[derive(Debug, Error)]
pub enum IntakeError {
    #[error("reading what was carried in: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Archive(#[from] SourceError),
    #[error("the archive holds no JSON document; pack the advisories themselves (`*.json`)")]
    Empty,
    #[error("the documents have more than {TOGETHER} bytes together; import them in several parts")]
    TooMuch,
}

/// A document that was read.
#[derive(Debug)]
pub enum Document {
    /// Advisories, a page of the NVD, or the catalogue of known exploited vulnerabilities.
    Feed(Feed),
    /// A component list.
    List(ComponentList),
}

/// A file, and what became of it.
#[derive(Debug)]
pub struct Carried {
    /// Its name, within the archive where it came in one.
    pub name: String,
    /// The SHA-256 of its bytes.
    pub sha256: Digest,
    /// The document, or why it was refused.
    pub read: Result<Document, String>,
}

/// Reads one document or an archive of them (tar, tar.gz). `scratch` is where an archive is unpacked.
///
/// # Errors
/// [`IntakeError`] where nothing can be looked at; a single bad document is among the answers instead.
pub fn read(path: &Path, name: &str, scratch: &Path) -> Result<Vec<Carried>, IntakeError> {
    let mut file = File::open(path)?;
    let is_gzip = begins_with(&mut file, 0, &[0x1f, 0x8b])?;
    let is_tar = if is_gzip {
        let mut plain = MultiGzDecoder::new(&file);
        let mut start = Vec::new();
        // What can not be unpacked is no archive: it is refused below, by its content.
        let _ = plain.by_ref().take(512).read_to_end(&mut start);
        let (at, mark) = TAR_MARK;
        start.get(at..).is_some_and(|rest| rest.starts_with(mark))
    } else {
        begins_with(&mut file, TAR_MARK.0, TAR_MARK.1)?
    };
    file.seek(SeekFrom::Start(0))?;
    if !is_tar {
        let one = if is_gzip {
            document(name, MultiGzDecoder::new(file))
        } else {
            document(name, file)
        };
        return Ok(vec![one?.0]);
    }
    fs::create_dir_all(scratch)?;
    let unpacked = tempfile::Builder::new()
        .prefix(".advisories-")
        .tempdir_in(scratch)?;
    unpack(path, file, unpacked.path(), ARCHIVE)?;
    let mut files = Vec::new();
    below(unpacked.path(), &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(IntakeError::Empty);
    }
    let mut together = 0_u64;
    let mut all = Vec::with_capacity(files.len());
    for path in files {
        let name = path
            .strip_prefix(unpacked.path())
            .unwrap_or(&path)
            .display()
            .to_string();
        let (carried, bytes) = document(&name, File::open(&path)?)?;
        together = together.saturating_add(bytes);
        if together > TOGETHER {
            return Err(IntakeError::TooMuch);
        }
        all.push(carried);
    }
    Ok(all)
}

fn begins_with(file: &mut File, at: usize, mark: &[u8]) -> io::Result<bool> {
    let mut found = vec![0; mark.len()];
    file.seek(SeekFrom::Start(u64::try_from(at).unwrap_or_default()))?;
    let is_there = file.read_exact(&mut found).is_ok() && found == mark;
    file.seek(SeekFrom::Start(0))?;
    Ok(is_there)
}

/// Every JSON file below a directory; others (a README, hashes) are nobody's document.
fn below(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            below(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads a document, whatever it is; says also how many bytes it has.
fn document(name: &str, reader: impl Read) -> Result<(Carried, u64), IntakeError> {
    // The widest limit of all kinds, and one byte by which a larger file is known.
    let most = Limits::NVD.bytes.max(Limits::SBOM.bytes);
    let mut bytes = Vec::new();
    let read = match reader.take(most + 1).read_to_end(&mut bytes) {
        Ok(_) => understood(name, &bytes).map_err(|refused| refused.to_string()),
        // A gzip stream that breaks off is the file's fault; a disk that does is ours.
        Err(error)
            if error.kind() == io::ErrorKind::InvalidInput
                || error.kind() == io::ErrorKind::UnexpectedEof =>
        {
            Err(format!("{name} can not be unpacked: {error}; carry it in again"))
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(format!("{name} can not be unpacked: {error}; carry it in again"))
        }
        Err(error) => return Err(error.into()),
    };
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let carried = Carried {
        name: name.chars().take(200).collect(),
        sha256: Digest::of(&bytes),
        read,
    };
    Ok((carried, length))
}

fn understood(name: &str, bytes: &[u8]) -> Result<Document, ::exposure::read::Refused> {
    let kind = detect(name, bytes, Limits::NVD)?;
    let limits = kind.limits();
    Ok(match kind {
        DocumentKind::Feed(FeedKind::Csaf) => Document::Feed(csaf::read(name, bytes, limits)?),
        DocumentKind::Feed(FeedKind::Nvd) => Document::Feed(nvd::read(name, bytes, limits)?),
        DocumentKind::Feed(FeedKind::Kev) => Document::Feed(kev::read(name, bytes, limits)?),
        DocumentKind::ComponentList => Document::List(sbom::read(name, bytes, limits)?),
    })
}
