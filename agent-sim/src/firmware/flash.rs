//! What survives a power cut: two slots for images, and one small file that says which of them runs.
//!
//! The small file is never changed but replaced: written beside, synced, renamed, and the directory synced. An image grows
//! under another name and gets the slot's name when it is whole. So there is no moment at which a pump could not start.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_lc_rs::digest;
use thiserror::Error;
use wire::{message::SoftwareSlot, types::Digest};

use super::state::State;

/// What could not be kept, or read.
#[derive(Debug, Error)]
pub(crate) enum FlashError {
    /// Nothing more is done until the next start.
    #[error("the power failed")]
    PowerLost,
    #[error("could not {doing} {}: {source}", .path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} is not the state of a pump's firmware ({problem}); remove the directory to begin anew", .path.display())]
    Spoilt { path: PathBuf, problem: String },
}

/// A pump's flash.
#[derive(Debug, Clone)]
pub(crate) struct Flash {
    dir: PathBuf,
    /// Steps until the power fails, for every copy of this; none is never.
    fuse: Option<Arc<AtomicU32>>,
}

impl Flash {
    /// Opens the directory, or makes it.
    ///
    /// # Errors
    /// [`FlashError::File`].
    pub(crate) fn open(dir: PathBuf) -> Result<Self, FlashError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|source| failed("make", &dir, source))?;
        Ok(Self { dir, fuse: None })
    }

    /// The power fails before the step after so many.
    #[cfg(test)]
    pub(crate) fn cut_after(&mut self, steps: u32) {
        self.fuse = Some(Arc::new(AtomicU32::new(steps)));
    }

    /// Steps that are left until then.
    #[cfg(test)]
    pub(crate) fn steps_left(&self) -> Option<u32> {
        self.fuse.as_ref().map(|fuse| fuse.load(Ordering::Relaxed))
    }

    /// One thing that is done or not done when the power fails.
    fn step<T>(
        &mut self,
        doing: &'static str,
        path: &Path,
        work: impl FnOnce() -> io::Result<T>,
    ) -> Result<T, FlashError> {
        if let Some(fuse) = &self.fuse {
            let burn = |left: u32| left.checked_sub(1);
            fuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, burn)
                .map_err(|_| FlashError::PowerLost)?;
        }
        work().map_err(|source| failed(doing, path, source))
    }

    fn state_path(&self) -> PathBuf {
        self.dir.join("firmware.json")
    }

    /// Where the image of a slot lies.
    pub(crate) fn image(&self, slot: SoftwareSlot) -> PathBuf {
        self.dir.join(match slot {
            SoftwareSlot::A => "slot-a.bin",
            SoftwareSlot::B => "slot-b.bin",
        })
    }

    /// Where it grows. The name holds whose bytes they are, so that nothing goes on with the bytes of another file.
    pub(crate) fn growing(&self, slot: SoftwareSlot, sha256: &Digest) -> PathBuf {
        self.image(slot).with_extension(format!("{sha256}.growing"))
    }

    /// The state as it was last kept; none on the first start.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn state(&self) -> Result<Option<State>, FlashError> {
        let path = self.state_path();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed("read", &path, source)),
        };
        let spoilt = |problem| FlashError::Spoilt {
            path: path.clone(),
            problem,
        };
        let state: State = serde_json::from_slice(&text).map_err(|error| spoilt(error.to_string()))?;
        if state.slot(state.active).is_none() {
            return Err(spoilt("the active slot is empty".to_owned()));
        }
        Ok(Some(state))
    }

    /// Keeps the state: all of it, or the one before.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn keep(&mut self, state: &State) -> Result<(), FlashError> {
        let (path, dir) = (self.state_path(), self.dir.clone());
        let partial = path.with_extension("partial");
        // Plain structures with text for keys: writing them as JSON can not fail.
        let text = serde_json::to_vec(state).unwrap_or_default();
        self.step("write", &partial, || write_synced(&partial, &text))?;
        self.step("put into use", &path, || {
            fs::rename(&partial, &path)?;
            fs::File::open(&dir)?.sync_all()
        })
    }

    /// Removes what grew for other files, and opens the image for its next bytes. Gives the length so far.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn grow(
        &mut self,
        slot: SoftwareSlot,
        sha256: &Digest,
    ) -> Result<(fs::File, u64), FlashError> {
        let path = self.growing(slot, sha256);
        let entries = fs::read_dir(&self.dir).map_err(|source| failed("look into", &self.dir, source))?;
        for other in entries.flatten().map(|entry| entry.path()) {
            if other != path && other.extension().is_some_and(|extension| extension == "growing") {
                self.step("remove", &other, || fs::remove_file(&other))?;
            }
        }
        self.step("open", &path, || {
            let file = private().append(true).create(true).open(&path)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        })
    }

    /// More of an image.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn append(
        &mut self,
        file: &mut fs::File,
        path: &Path,
        bytes: &[u8],
    ) -> Result<(), FlashError> {
        self.step("append to", path, || file.write_all(bytes))
    }

    /// Begins an image anew.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn wipe(&mut self, file: &fs::File, path: &Path) -> Result<(), FlashError> {
        self.step("empty", path, || file.set_len(0))
    }

    /// The image is whole: it takes the slot's name.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn fill(&mut self, slot: SoftwareSlot, sha256: &Digest) -> Result<(), FlashError> {
        let (from, to, dir) = (self.growing(slot, sha256), self.image(slot), self.dir.clone());
        self.step("put into the slot", &from, || {
            fs::File::open(&from)?.sync_all()?;
            fs::rename(&from, &to)?;
            fs::File::open(&dir)?.sync_all()
        })
    }
}

/// Length and SHA-256 of a file, read back from the disk; none when it is not there.
///
/// # Errors
/// [`FlashError::File`].
pub(crate) fn measure(path: &Path) -> Result<Option<(u64, Digest)>, FlashError> {
    let read = || -> io::Result<(u64, Digest)> {
        let mut file = fs::File::open(path)?;
        let mut hash = digest::Context::new(&digest::SHA256);
        let (mut buffer, mut length) = (vec![0; 64 * 1024], 0);
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hash.update(buffer.get(..count).unwrap_or_default());
            length += count as u64;
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.finish().as_ref());
        Ok((length, Digest::from_bytes(bytes)))
    };
    match read() {
        Ok(measured) => Ok(Some(measured)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed("read", path, source)),
    }
}

fn private() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.mode(0o600);
    options
}

/// Writes a file that only its owner reads, and waits until it is on the disk.
pub(super) fn write_synced(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = private().write(true).create(true).truncate(true).open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

pub(super) fn failed(doing: &'static str, path: &Path, source: io::Error) -> FlashError {
    FlashError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}
