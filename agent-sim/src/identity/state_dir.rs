//! What a pump keeps in its flash: `<state dir>/<serial number>/`, readable by its owner only.
//!
//! Key and certificates of one identity are in one file, so that a rename changes both or neither.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use pem::Pem;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use thiserror::Error;
use wire::types::SerialNumber;

use super::{Identity, IdentityError};

/// A state directory that can not be used.
#[derive(Debug, Error)]
pub enum StateDirError {
    /// The file system refused.
    #[error("could not {doing} {}: {source}", .path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is not a key with its certificates ({problem}); remove it and enrol again", .path.display())]
    Malformed { path: PathBuf, problem: String },
    /// The key or certificate can not be used.
    #[error("{}: {source}", .path.display())]
    Identity { path: PathBuf, source: IdentityError },
}

/// Which of the two identities a pump may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The one in use.
    Current,
    /// Renewed, not used yet: the current one is kept until it was.
    Next,
}

impl Slot {
    const fn file(self) -> &'static str {
        match self {
            Self::Current => "identity.pem",
            Self::Next => "next.pem",
        }
    }
}

const ANCHORS: &str = "anchors.pem";
const CERTIFICATE: &str = "CERTIFICATE";
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// One pump's directory.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// Opens or makes it.
    ///
    /// # Errors
    /// [`StateDirError::File`] when it can not be made.
    pub fn open(root: &Path, serial: &SerialNumber) -> Result<Self, StateDirError> {
        // A serial number is a maker's text, not a path.
        let name: String = serial
            .as_str()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '-' {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let path = root.join(name);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|source| file("make", &path, source))?;
        Ok(Self { path })
    }

    /// Where a file of this name lies.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The key of a slot, made now if there is none. A key is kept from the first attempt on: a retry asks for the same one.
    ///
    /// # Errors
    /// [`StateDirError`] when it can not be read, made or kept.
    pub fn key(&self, slot: Slot) -> Result<KeyPair, StateDirError> {
        if let Some((key, _)) = self.read(slot)? {
            return Ok(key);
        }
        let key = super::new_key().map_err(|source| self.identity_error(slot, source))?;
        self.save(slot, &key, &[])?;
        Ok(key)
    }

    /// The identity of a slot, if it was issued.
    ///
    /// # Errors
    /// [`StateDirError`] when the file is there and can not be used.
    pub fn identity(&self, slot: Slot) -> Result<Option<Identity>, StateDirError> {
        match self.read(slot)? {
            Some((key, certificates)) if !certificates.is_empty() => Identity::assemble(&key, certificates)
                .map(Some)
                .map_err(|source| self.identity_error(slot, source)),
            Some(_) | None => Ok(None),
        }
    }

    /// Keeps a key, and the certificates issued for it.
    ///
    /// # Errors
    /// [`StateDirError::File`].
    pub fn save(
        &self,
        slot: Slot,
        key: &KeyPair,
        certificates: &[CertificateDer<'static>],
    ) -> Result<(), StateDirError> {
        let mut blocks = vec![Pem::new(PRIVATE_KEY, key.serialize_der())];
        blocks.extend(certificates.iter().map(|der| Pem::new(CERTIFICATE, der.to_vec())));
        write_private(&self.file(slot.file()), pem::encode_many(&blocks).as_bytes())
    }

    /// The new identity was used once: it takes the place of the old one.
    ///
    /// # Errors
    /// [`StateDirError::File`].
    pub fn promote(&self) -> Result<(), StateDirError> {
        let from = self.file(Slot::Next.file());
        fs::rename(&from, self.file(Slot::Current.file()))
            .map_err(|source| file("put into use", &from, source))
    }

    /// The roots that were learned; none at first.
    ///
    /// # Errors
    /// [`StateDirError`] when the file is there and can not be read.
    pub fn anchors(&self) -> Result<Vec<CertificateDer<'static>>, StateDirError> {
        let path = self.file(ANCHORS);
        let blocks = read_pem(&path)?.unwrap_or_default();
        Ok(blocks
            .into_iter()
            .map(|block| CertificateDer::from(block.into_contents()))
            .collect())
    }

    /// Keeps the roots that were learned.
    ///
    /// # Errors
    /// [`StateDirError::File`].
    pub fn save_anchors(&self, anchors: &[CertificateDer<'static>]) -> Result<(), StateDirError> {
        let blocks: Vec<Pem> = anchors
            .iter()
            .map(|der| Pem::new(CERTIFICATE, der.to_vec()))
            .collect();
        write_private(&self.file(ANCHORS), pem::encode_many(&blocks).as_bytes())
    }

    fn read(&self, slot: Slot) -> Result<Option<(KeyPair, Vec<CertificateDer<'static>>)>, StateDirError> {
        let path = self.file(slot.file());
        let Some(blocks) = read_pem(&path)? else {
            return Ok(None);
        };
        let mut blocks = blocks.into_iter();
        let key = blocks
            .next()
            .filter(|block| block.tag() == PRIVATE_KEY)
            .ok_or_else(|| StateDirError::Malformed {
                path,
                problem: "it does not begin with a private key".to_owned(),
            })?;
        let key =
            KeyPair::try_from(key.contents()).map_err(|error| self.identity_error(slot, error.into()))?;
        let certificates = blocks
            .map(|block| CertificateDer::from(block.into_contents()))
            .collect();
        Ok(Some((key, certificates)))
    }

    fn identity_error(&self, slot: Slot, source: IdentityError) -> StateDirError {
        StateDirError::Identity {
            path: self.file(slot.file()),
            source,
        }
    }
}

fn file(doing: &'static str, path: &Path, source: io::Error) -> StateDirError {
    StateDirError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}

fn read_pem(path: &Path) -> Result<Option<Vec<Pem>>, StateDirError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file("read", path, error)),
    };
    pem::parse_many(text)
        .map(Some)
        .map_err(|error| StateDirError::Malformed {
            path: path.to_owned(),
            problem: error.to_string(),
        })
}

/// Writes a file that only its owner reads, whole or not at all.
pub(crate) fn write_private(path: &Path, contents: &[u8]) -> Result<(), StateDirError> {
    let partial = path.with_extension("partial");
    let write = || {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        io::Write::write_all(&mut options.open(&partial)?, contents)?;
        fs::rename(&partial, path)
    };
    write().map_err(|source| file("write", path, source))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rcgen::{CertificateParams, DistinguishedName, DnType};

    use super::*;

    fn issued(key: &KeyPair, number: u8) -> Vec<CertificateDer<'static>> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let id = format!("00000000-0000-0000-0000-0000000000{number:02}");
        params.distinguished_name.push(DnType::CommonName, id);
        vec![params.self_signed(key).unwrap().der().clone()]
    }

    #[test]
    fn key_and_certificate_survive_a_restart_and_a_renewal() {
        let root = tempfile::tempdir().unwrap();
        let serial = SerialNumber::new("AX/../1").unwrap();
        let open = || StateDir::open(root.path(), &serial).unwrap();

        let key = open().key(Slot::Current).unwrap();
        assert!(open().identity(Slot::Current).unwrap().is_none());
        assert_eq!(
            open().key(Slot::Current).unwrap().serialize_der(),
            key.serialize_der()
        );
        open().save(Slot::Current, &key, &issued(&key, 1)).unwrap();

        let next = open().key(Slot::Next).unwrap();
        assert_ne!(next.serialize_der(), key.serialize_der());
        open().save(Slot::Next, &next, &issued(&next, 2)).unwrap();
        let name = |slot| open().identity(slot).unwrap().map(|i| i.id.to_string());
        assert!(name(Slot::Current).unwrap().ends_with("01"));
        open().promote().unwrap();
        assert!(name(Slot::Current).unwrap().ends_with("02"));
        assert!(name(Slot::Next).is_none());

        let entries: Vec<_> = fs::read_dir(root.path()).unwrap().collect();
        assert_eq!(entries.len(), 1, "the serial number stayed one name");
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(open().file("identity.pem")), 0o600);
        assert_eq!(mode(open().path), 0o700);
    }

    #[test]
    fn a_spoilt_file_is_named() {
        let root = tempfile::tempdir().unwrap();
        let dir = StateDir::open(root.path(), &SerialNumber::new("AX1").unwrap()).unwrap();
        let key = dir.key(Slot::Current).unwrap();
        fs::write(dir.file("identity.pem"), "").unwrap();
        assert!(
            dir.key(Slot::Current)
                .unwrap_err()
                .to_string()
                .contains("AX1/identity.pem")
        );
        dir.save_anchors(&issued(&key, 1)).unwrap();
        assert_eq!(dir.anchors().unwrap().len(), 1);
    }
}
