//! Private keys of ours: the authorities' and the server's. Made here, encrypted at rest, used through a trait.
//!
//! A file holds an encrypted PKCS#8 key (RFC 5958) under PBES2: PBKDF2 with HMAC-SHA-256, then AES-256-CBC (RFC 8018).
//! That is what `openssl pkey` reads too, so a hospital can recover its authority without this program.
//! The rest of the gateway sees [`CaKey`], behind which a hardware module fits as well.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::rand::fill;
use pkcs8::{
    EncryptedPrivateKeyInfoOwned, LineEnding,
    der::{EncodePem, SecretDocument, asn1::OctetString, pem::PemLabel},
    pkcs5::pbes2,
};
use rcgen::{KeyPair, PublicKeyData, SubjectPublicKeyInfo};
use rustls::{SignatureScheme, sign};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// Bits of a key file's mode that let anybody but the owner in.
const OTHERS: u32 = 0o077;
/// The largest key file that is read, in bytes; a P-256 key has 400.
const MAX_FILE: u64 = 16 * 1024;

/// A key that signs certificates and revocation lists: ECDSA on P-256 with SHA-256.
///
/// The private half may be in this process, or in a hardware module that is asked each time.
pub trait CaKey: fmt::Debug + Send + Sync {
    /// The public half.
    fn public_key(&self) -> &SubjectPublicKeyInfo;

    /// Signs a message; the signature is DER (RFC 3279, section 2.2.3).
    ///
    /// # Errors
    /// [`KeyError::Signing`] when the module that holds the key refuses.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

/// What went wrong with a key. No text holds a passphrase or a part of a key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Not a name of ours.
    #[error("`{name}` is not a key's name; use 1 to 64 of a-z, 0-9 and `-`")]
    Name { name: String },
    /// An empty passphrase protects nothing.
    #[error("the passphrase for the keys is empty; set one")]
    EmptyPassphrase,
    /// A key of that name exists. It is never overwritten.
    #[error("a key is at {} already, and is not overwritten; move it away if you are sure that nothing needs it", .path.display())]
    Exists { path: PathBuf },
    /// There is no such file.
    #[error("no key at {}; restore it from your backup, or see docs/ on a lost authority key", .path.display())]
    Missing { path: PathBuf },
    /// Other users of the machine could read the file, or the directory.
    #[error("{} can be used by others than its owner (mode {mode:03o}); run `chmod go= {}` and think about who may have copied it", .path.display(), .path.display())]
    Exposed { path: PathBuf, mode: u32 },
    /// The passphrase does not open the file.
    #[error("the passphrase does not open the key at {}; try another, or restore the file from your backup", .path.display())]
    WrongPassphrase { path: PathBuf },
    /// Not an encrypted P-256 key.
    #[error("the file {} is damaged ({what}); restore it from your backup", .path.display())]
    Corrupt { path: PathBuf, what: &'static str },
    /// The file system refused.
    #[error("{doing} {} failed: {source}", .path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The cryptographic library refused, for instance for want of randomness.
    #[error("making a key failed: {what}")]
    Generating { what: &'static str },
    /// No signature came.
    #[error("signing failed: {what}")]
    Signing { what: String },
}

/// How long somebody who stole a key file has to compute per guess at its passphrase: PBKDF2 rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfCost(u32);

impl KdfCost {
    /// What a real key gets: a third of a second per guess. OWASP asked for 600,000 in 2023.
    pub const STRONG: Self = Self(1_000_000);
    /// For tests, which make many keys that protect nothing.
    pub const FOR_TESTS: Self = Self(1_000);
}

/// A directory of encrypted key files, one per name: `<name>.key.pem`, mode 0600 in a directory of mode 0700.
#[derive(Debug, Clone)]
pub struct FileKeyStore {
    dir: PathBuf,
    cost: KdfCost,
}

impl FileKeyStore {
    /// Keys in `dir`, which is made when the first key is.
    pub fn new(dir: impl Into<PathBuf>, cost: KdfCost) -> Self {
        Self {
            dir: dir.into(),
            cost,
        }
    }

    /// Makes a P-256 key and writes it, encrypted and flushed to disk. A crash leaves all of it or nothing.
    ///
    /// # Errors
    /// [`KeyError::Exists`] when there is one: a key is never overwritten.
    pub fn generate(&self, name: &str, passphrase: &SecretString) -> Result<Arc<FileKey>, KeyError> {
        let pair = KeyPair::generate().map_err(|_| KeyError::Generating {
            what: "no key pair from the cryptographic library",
        })?;
        let mut plain = PrivatePkcs8KeyDer::from(pair);
        let key = self
            .store_pkcs8(name, &plain, passphrase)
            .and_then(|path| FileKey::from_pkcs8(&plain, &path));
        plain.zeroize();
        key.map(Arc::new)
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`KeyError`], a different one for a missing file, a wrong passphrase, a file others can read, and a damaged one.
    pub fn load(&self, name: &str, passphrase: &SecretString) -> Result<Arc<FileKey>, KeyError> {
        let mut plain = self.load_pkcs8(name, passphrase)?;
        let key = FileKey::from_pkcs8(&plain, &self.path(name)?);
        plain.zeroize();
        key.map(Arc::new)
    }

    /// Writes any private key, encrypted and flushed to disk. A crash leaves all of it or nothing. Returns its file.
    pub(crate) fn store_pkcs8(
        &self,
        name: &str,
        plain: &PrivatePkcs8KeyDer<'_>,
        passphrase: &SecretString,
    ) -> Result<PathBuf, KeyError> {
        let path = self.path(name)?;
        make_private_dir(&self.dir)?;
        let pem = self.encrypt(plain.secret_pkcs8_der(), passphrase)?;
        write_new(&path, pem.as_bytes())?;
        Ok(path)
    }

    /// Reads any private key. The caller clears it.
    pub(crate) fn load_pkcs8(
        &self,
        name: &str,
        passphrase: &SecretString,
    ) -> Result<PrivatePkcs8KeyDer<'static>, KeyError> {
        let path = self.path(name)?;
        let corrupt = |what| KeyError::Corrupt {
            path: path.clone(),
            what,
        };
        let pem = read_private(&path)?;
        // In two steps: the library can not read the encryption's parameters out of PEM directly.
        let (label, der) = SecretDocument::from_pem(&pem).map_err(|_| corrupt("not PEM"))?;
        EncryptedPrivateKeyInfoOwned::validate_pem_label(label)
            .map_err(|_| corrupt("PEM of something else than an encrypted private key"))?;
        let sealed = EncryptedPrivateKeyInfoOwned::try_from(der.as_bytes())
            .map_err(|_| corrupt("not an encrypted private key"))?;
        if sealed.encryption_algorithm.pbes2().is_none() {
            return Err(corrupt("encrypted otherwise than by PBES2"));
        }
        let plain = sealed
            .decrypt(passphrase.expose_secret())
            .map_err(|_| KeyError::WrongPassphrase { path: path.clone() })?;
        Ok(PrivatePkcs8KeyDer::from(plain.as_bytes().to_vec()))
    }

    /// Whether there is a key of that name. Says nothing about whether it can be read.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn holds(&self, name: &str) -> Result<bool, KeyError> {
        self.path(name).map(|path| path.exists())
    }

    /// The file of a key.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf, KeyError> {
        let fits = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !fits {
            return Err(KeyError::Name {
                name: name.chars().take(100).collect(),
            });
        }
        Ok(self.dir.join(format!("{name}.key.pem")))
    }

    fn encrypt(&self, plain: &[u8], passphrase: &SecretString) -> Result<Zeroizing<String>, KeyError> {
        if passphrase.expose_secret().is_empty() {
            return Err(KeyError::EmptyPassphrase);
        }
        let generating = |what| KeyError::Generating { what };
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        fill(&mut salt)
            .and_then(|()| fill(&mut iv))
            .map_err(|_| generating("no randomness"))?;
        let scheme = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(self.cost.0, &salt, iv)
            .map_err(|_| generating("the encryption parameters do not fit"))?;
        let sealed = scheme
            .encrypt(passphrase.expose_secret(), plain)
            .map_err(|_| generating("encryption"))?;
        EncryptedPrivateKeyInfoOwned {
            encryption_algorithm: scheme.into(),
            encrypted_data: OctetString::new(sealed).map_err(|_| generating("encoding"))?,
        }
        .to_pem(LineEnding::LF)
        .map(Zeroizing::new)
        .map_err(|_| generating("encoding"))
    }
}

/// A key that was read from a file and is used in this process.
pub struct FileKey {
    public: SubjectPublicKeyInfo,
    signing: Arc<dyn sign::SigningKey>,
}

impl FileKey {
    pub(super) fn from_pkcs8(plain: &PrivatePkcs8KeyDer<'_>, path: &Path) -> Result<Self, KeyError> {
        let corrupt = |what| KeyError::Corrupt {
            path: path.to_owned(),
            what,
        };
        let mut copy = PrivateKeyDer::from(plain.clone_key());
        let signing = rustls::crypto::aws_lc_rs::sign::any_ecdsa_type(&copy);
        copy.zeroize();
        let signing = signing.map_err(|_| corrupt("not a private key for ECDSA"))?;
        let public = signing
            .public_key()
            .and_then(|spki| SubjectPublicKeyInfo::from_der(&spki).ok())
            .filter(|public| public.algorithm() == &rcgen::PKCS_ECDSA_P256_SHA256)
            .ok_or_else(|| corrupt("not a key on P-256"))?;
        Ok(Self { public, signing })
    }

    /// The key as the TLS library wants it, for the server's certificate.
    pub fn for_tls(&self) -> Arc<dyn sign::SigningKey> {
        Arc::clone(&self.signing)
    }
}

impl CaKey for FileKey {
    fn public_key(&self) -> &SubjectPublicKeyInfo {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.signing
            .choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256])
            .ok_or_else(|| KeyError::Signing {
                what: "the key does not sign with ECDSA on P-256".to_owned(),
            })?
            .sign(message)
            .map_err(|error| KeyError::Signing {
                what: error.to_string(),
            })
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKey").finish_non_exhaustive()
    }
}

/// Any key of ours, as the certificate library wants it.
#[derive(Debug, Clone)]
pub(super) struct Signer(pub(super) Arc<dyn CaKey>);

impl PublicKeyData for Signer {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().der_bytes()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

fn io_error<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> KeyError + 'a {
    move |source| KeyError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

fn refuse_exposed(path: &Path, mode: u32) -> Result<(), KeyError> {
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(KeyError::Exposed {
        path: path.to_owned(),
        mode: mode & 0o777,
    })
}

/// Makes a directory that only its owner can use, and refuses one that others can.
fn make_private_dir(dir: &Path) -> Result<(), KeyError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(io_error("making the key directory", dir))?;
    let mode = fs::metadata(dir)
        .map_err(io_error("looking at the key directory", dir))?
        .permissions()
        .mode();
    refuse_exposed(dir, mode)
}

/// Reads a file that only its owner can read. The mode is asked of the open file, so that it can not be swapped in between.
fn read_private(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => KeyError::Missing {
            path: path.to_owned(),
        },
        _ => io_error("opening the key", path)(source),
    })?;
    let metadata = file.metadata().map_err(io_error("looking at the key", path))?;
    refuse_exposed(path, metadata.permissions().mode())?;
    let mut text = Zeroizing::new(String::new());
    match file.take(MAX_FILE).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(KeyError::Corrupt {
            path: path.to_owned(),
            what: "not text",
        }),
        Err(error) => Err(io_error("reading the key", path)(error)),
    }
}

/// Writes a file that must not exist yet. It appears under its name only once it is complete and on the disk.
fn write_new(path: &Path, content: &[u8]) -> Result<(), KeyError> {
    let unfinished = path.with_extension("unfinished");
    // Left over from a crash: it was never a key that anything used.
    match fs::remove_file(&unfinished) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error("removing the unfinished key", &unfinished)(error)),
    }
    let linked = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .map_err(io_error("writing the key", &unfinished))
        .and_then(|()| {
            // Unlike a rename, a link fails when the name is taken.
            fs::hard_link(&unfinished, path).map_err(|source| match source.kind() {
                io::ErrorKind::AlreadyExists => KeyError::Exists {
                    path: path.to_owned(),
                },
                _ => io_error("naming the key", path)(source),
            })
        });
    let removed = fs::remove_file(&unfinished).map_err(io_error("removing the unfinished key", &unfinished));
    linked.and(removed)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(io_error("flushing the key directory", dir))
}

/// The same care for other small files of secrets.
pub(crate) mod private_file {
    use super::{KeyError, Path, Zeroizing};

    /// Makes the directory for them, or refuses one that others can use.
    pub(crate) fn make_dir(dir: &Path) -> Result<(), KeyError> {
        super::make_private_dir(dir)
    }

    /// Reads a file that only its owner can read.
    pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, KeyError> {
        super::read_private(path)
    }

    /// Writes a file that must not exist yet; it appears only once it is complete and on the disk.
    pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<(), KeyError> {
        super::write_new(path, content)
    }
}

#[cfg(test)]
mod tests;
