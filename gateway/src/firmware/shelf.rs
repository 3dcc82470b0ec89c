//! What is published, found by the words of a request.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use fleet::{release::RepositoryName, signature::Digest};

use super::{
    index::{self, Index},
    metadata::{MAX_FILE, is_file_name},
};

/// A target that is there.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) sha256: Digest,
}

/// When a list was written, and how long it is: another one is read again.
type Version = (SystemTime, u64);

/// The repositories under one directory. Imports go on while it is used.
#[derive(Debug)]
pub(super) struct Shelf {
    dir: PathBuf,
    lists: Mutex<HashMap<RepositoryName, (Version, Arc<Index>)>>,
}

impl Shelf {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            lists: Mutex::default(),
        }
    }

    /// A file of metadata. Names are as a request has them once its percent-encoding was read.
    pub(super) fn metadata(&self, repository: &str, name: &str) -> io::Result<Option<Vec<u8>>> {
        let name = encode(name);
        let Some(dir) = self.repository(repository).filter(|_| is_file_name(&name)) else {
            return Ok(None);
        };
        let path = dir.1.join("metadata").join(name);
        match fs::symlink_metadata(&path) {
            Ok(about) if about.is_file() && about.len() <= MAX_FILE => absent(fs::read(&path)),
            Ok(_) => Ok(None),
            Err(error) => absent(Err(error)),
        }
    }

    /// A target.
    pub(super) fn target(&self, repository: &str, path: &str) -> io::Result<Option<Target>> {
        let Some((name, dir)) = self.repository(repository) else {
            return Ok(None);
        };
        let Some(index) = self.index(name, &dir)? else {
            return Ok(None);
        };
        let Some((path, listed)) = index.find(path) else {
            return Ok(None);
        };
        let opened = absent(File::open(dir.join("targets").join(path.as_str())))?;
        Ok(opened.map(|file| Target {
            file,
            length: listed.length,
            sha256: listed.sha256,
        }))
    }

    fn repository(&self, name: &str) -> Option<(RepositoryName, PathBuf)> {
        let name: RepositoryName = name.parse().ok()?;
        let dir = self.dir.join(name.as_str());
        Some((name, dir))
    }

    fn index(&self, name: RepositoryName, dir: &Path) -> io::Result<Option<Arc<Index>>> {
        let Some(about) = absent(fs::metadata(dir.join(index::FILE)))? else {
            return Ok(None);
        };
        let version = (about.modified()?, about.len());
        let known = {
            let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
            lists
                .get(&name)
                .filter(|(read, _)| *read == version)
                .map(|(_, index)| Arc::clone(index))
        };
        if known.is_some() {
            return Ok(known);
        }
        let index = Arc::new(Index::read(dir)?);
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists.insert(name, (version, Arc::clone(&index)));
        Ok(Some(index))
    }
}

/// What is not there is no error.
fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The name of a role's file on disk: as TUF clients encode it, all but letters, digits and `_.-~`.
fn encode(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) {
            text.push(byte.into());
        } else {
            // Writing to a string can not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}
