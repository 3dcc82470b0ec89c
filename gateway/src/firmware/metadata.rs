//! The metadata of a repository, as the TUF library asks for it: by name, from one directory, each file kept as it was read.
//!
//! What was verified is what is published later, byte for byte, whatever happens to the directory in between.

use std::{
    collections::BTreeMap,
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::stream;
use tough::{Bytes, Transport, TransportError, TransportErrorKind, TransportStream, async_trait};
use url::Url;

/// The most bytes of one file.
pub(super) const MAX_FILE: u64 = 10 * 1024 * 1024;
/// The most files of one repository that are looked at: roots, roles, delegated roles.
const MAX_FILES: usize = 512;

/// Where the library believes the files to be. The host means nothing.
pub(super) fn base() -> Result<Url, url::ParseError> {
    Url::parse("tuf://repository/metadata/")
}

/// A directory of metadata, and what was read from it.
#[derive(Debug, Clone)]
pub(super) struct MetadataFiles {
    dir: Arc<PathBuf>,
    read: Arc<Mutex<BTreeMap<String, Bytes>>>,
}

impl MetadataFiles {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self {
            dir: Arc::new(dir),
            read: Arc::default(),
        }
    }

    /// What was read until now, by name.
    pub(super) fn read(&self) -> BTreeMap<String, Bytes> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads a file. Twice is the same, whatever the directory holds by then.
    pub(super) fn open(&self, name: &str) -> io::Result<Bytes> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = read.get(name) {
            return Ok(bytes.clone());
        }
        if read.len() >= MAX_FILES {
            return Err(io::Error::other("more files of metadata than are read"));
        }
        let path = self.dir.join(name);
        let about = fs::symlink_metadata(&path)?;
        if !about.is_file() || about.len() > MAX_FILE {
            return Err(io::Error::other("not a file, or larger than is read"));
        }
        let bytes = Bytes::from(fs::read(&path)?);
        read.insert(name.to_owned(), bytes.clone());
        Ok(bytes)
    }
}

/// The name of a file of metadata, as a repository and its clients write it: percent-encoded but for letters, digits and `_.-~`,
/// ending with `.json`. It is a single segment of a path and leads nowhere.
pub(super) fn is_file_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-~%".contains(&b);
    let stem = name.strip_suffix(".json").unwrap_or_default();
    name.len() <= 200 && !stem.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

#[async_trait]
impl Transport for MetadataFiles {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        // The last segment is percent-encoded still, and so are names on disk.
        let name = url.path().rsplit('/').next().unwrap_or_default();
        if !is_file_name(name) {
            return Err(TransportError::new(TransportErrorKind::Other, url));
        }
        match self.open(name) {
            Ok(bytes) => Ok(Box::pin(stream::iter([Ok(bytes)]))),
            Err(error) => {
                let kind = match error.kind() {
                    io::ErrorKind::NotFound => TransportErrorKind::FileNotFound,
                    _ => TransportErrorKind::Other,
                };
                Err(TransportError::new_with_cause(kind, url, error))
            }
        }
    }
}
