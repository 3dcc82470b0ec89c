//! The manufacturer's word on a file: TUF metadata, verified from the pump's own pinned root.
//!
//! `tough` does the verifying. Two things it leaves to us: it begins at the root it is handed, so the newest root that was
//! seen is kept and handed over; and it writes its store in place, so it works on a copy that is put back file by file, each
//! whole, lest a power cut take the memory of what was seen before and with it the protection against older metadata.

use std::{
    error::Error as _,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::stream;
use reqwest::Url;
use tough::{
    IntoVec, RepositoryLoader, TargetName, Transport, TransportError, TransportErrorKind, TransportStream,
    async_trait, error::Error as TufError,
};
use wire::{
    bulk,
    message::Refusal,
    types::{Digest, Manifest, RepositoryName, TargetPath},
};

use super::{
    fetch::{Fetch, FetchError, whole},
    flash::write_synced,
    orders::NotFetched,
};

/// The largest metadata file that is read, in bytes.
const MAX_METADATA: usize = 4 * 1024 * 1024;
/// The largest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 256 * 1024;
/// Stands for the listener in addresses that never leave the pump.
const HERE: &str = "https://bulk.invalid";

/// A manufacturer's repository, as this pump sees it.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) name: RepositoryName,
    /// The root that the pump was made with.
    pub(crate) pinned: Arc<[u8]>,
    /// Where what was seen is kept.
    pub(crate) stores: PathBuf,
}

/// What the manufacturer says of a file.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) length: u64,
    pub(crate) sha256: Digest,
    /// Where it may be found, the likeliest first.
    pub(crate) paths: Vec<String>,
    pub(crate) manifest: Manifest,
}

impl Metadata {
    /// Fetches and verifies what there is now, and looks a file up.
    ///
    /// # Errors
    /// [`NotFetched`] with one of the refusals for metadata, [`Refusal::Network`] or [`Refusal::Storage`].
    pub(crate) async fn ask(&self, target: &TargetPath) -> Result<Named, NotFetched> {
        let storage = |error: io::Error| NotFetched::new(Refusal::Storage, error);
        let copy = self.store().with_extension("copy");
        lay_out(&self.store(), &copy).map_err(storage)?;
        let named = self.ask_with(&copy, target).await;
        // Also after a failure: whatever lies there was verified.
        put_back(&copy, &self.store()).map_err(storage)?;
        named
    }

    /// Another pinned root is another beginning.
    fn store(&self) -> PathBuf {
        let root = Digest::of(&self.pinned).to_string();
        let (root, _) = root.split_at(16);
        self.stores.join(format!("{}-{root}", self.name))
    }

    async fn ask_with(&self, store: &Path, target: &TargetPath) -> Result<Named, NotFetched> {
        let base = format!("{HERE}{}", bulk::repository(&self.name));
        let url = |part: &str| {
            Url::parse(&format!("{base}/{part}/"))
                .map_err(|error| NotFetched::new(Refusal::MetadataUnreadable, error))
        };
        let newest = fs::read(store.join("root.json")).unwrap_or_else(|_| self.pinned.to_vec());
        let repository = RepositoryLoader::new(&newest, url("metadata")?, url("targets")?)
            .transport(Over(Arc::clone(&self.fetch)))
            .datastore(store)
            .load()
            .await
            .map_err(|error| told(&error))?;
        let find = |path: &str| {
            TargetName::new(path).ok().and_then(|name| {
                let found = repository.targets().signed.find_target(&name, false).ok()?;
                Some((name, found.clone()))
            })
        };
        let unknown = |path: &str| {
            NotFetched::new(
                Refusal::MetadataUnreadable,
                format_args!("the manufacturer does not name {path}"),
            )
        };
        let (_, file) = find(target.as_str()).ok_or_else(|| unknown(target.as_str()))?;
        let manifest_path = beside(target.as_str(), "release.json");
        let (manifest_name, about) = find(&manifest_path).ok_or_else(|| unknown(&manifest_path))?;
        if about.length > MAX_MANIFEST {
            return Err(NotFetched::new(
                Refusal::MetadataUnreadable,
                format_args!("{manifest_path} is larger than {MAX_MANIFEST} bytes"),
            ));
        }
        let text = match repository.read_target(&manifest_name).await {
            Ok(Some(stream)) => stream.into_vec().await.map_err(|error| told(&error))?,
            Ok(None) => return Err(unknown(&manifest_path)),
            Err(error) => return Err(told(&error)),
        };
        let manifest =
            Manifest::read(&text).map_err(|error| NotFetched::new(Refusal::MetadataUnreadable, error))?;
        let sha256 = <[u8; 32]>::try_from(file.hashes.sha256.as_ref())
            .map(Digest::from_bytes)
            .map_err(|_| unknown(target.as_str()))?;
        let below = format!("{}/targets/", bulk::repository(&self.name));
        let paths = if repository.root().signed.consistent_snapshot {
            vec![
                format!(
                    "{below}{}",
                    beside(target.as_str(), &format!("{sha256}.{}", name_of(target.as_str())))
                ),
                format!("{below}{sha256}.{target}"),
            ]
        } else {
            vec![format!("{below}{target}")]
        };
        Ok(Named {
            length: file.length,
            sha256,
            paths,
            manifest,
        })
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Another name in the same directory.
fn beside(path: &str, name: &str) -> String {
    match path.rsplit_once('/') {
        Some((directory, _)) => format!("{directory}/{name}"),
        None => name.to_owned(),
    }
}

/// Where a file with its hash in front lies: in its directory (TUF 1.0.34, section 6.2). `tough` puts the hash before the
/// directory, in what it writes and in what it asks for.
fn as_specified(path: &str) -> Option<String> {
    let (base, name) = path.split_once("/targets/")?;
    let (hash, rest) = name.split_once('.')?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let (directory, file) = rest.rsplit_once('/')?;
    is_hash.then(|| format!("{base}/targets/{directory}/{hash}.{file}"))
}

/// `tough`'s questions, over ours.
#[derive(Debug, Clone)]
struct Over(Arc<dyn Fetch>);

#[async_trait]
impl Transport for Over {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let asked = url.path();
        let bytes = match as_specified(asked) {
            None => whole(self.0.as_ref(), asked, MAX_METADATA).await,
            Some(specified) => match whole(self.0.as_ref(), &specified, MAX_METADATA).await {
                Err(FetchError::NotFound { .. }) => whole(self.0.as_ref(), asked, MAX_METADATA).await,
                other => other,
            },
        };
        match bytes {
            Ok(bytes) => Ok(Box::pin(stream::iter([Ok(bytes.into())]))),
            Err(error) => {
                let kind = match error {
                    FetchError::NotFound { .. } => TransportErrorKind::FileNotFound,
                    _ => TransportErrorKind::Other,
                };
                Err(TransportError::new_with_cause(kind, &url, error))
            }
        }
    }
}

fn told(error: &TufError) -> NotFetched {
    NotFetched::new(refusal(error), error)
}

fn refusal(error: &TufError) -> Refusal {
    match error {
        TufError::VerifyMetadata { .. }
        | TufError::VerifyRoleMetadata { .. }
        | TufError::VerifyTrustedMetadata { .. }
        | TufError::UnstableRoot { .. }
        | TufError::HashMismatch { .. } => Refusal::MetadataSignature,
        TufError::ExpiredMetadata { .. } => Refusal::MetadataExpired,
        TufError::OlderMetadata { .. }
        | TufError::OlderSnapshotInTimestamp { .. }
        | TufError::SnapshotRoleMissing { .. }
        | TufError::SnapshotRoleRollback { .. }
        | TufError::VersionMismatch { .. } => Refusal::MetadataRolledBack,
        TufError::DatastoreInit { .. }
        | TufError::DatastoreCreate { .. }
        | TufError::DatastoreOpen { .. }
        | TufError::DatastoreRemove { .. } => Refusal::Storage,
        TufError::Transport { source, .. } => transport_refusal(source),
        _ => Refusal::MetadataUnreadable,
    }
}

/// A stream's own error hides what it was: the hash that differs, or the line that broke.
fn transport_refusal(error: &TransportError) -> Refusal {
    let Some(cause) = error.source() else {
        return Refusal::MetadataUnreadable;
    };
    if let Some(cause) = cause.downcast_ref::<TufError>() {
        return refusal(cause);
    }
    match cause.downcast_ref::<FetchError>() {
        Some(cause) if cause.may_pass() => Refusal::Network,
        _ => Refusal::MetadataUnreadable,
    }
}

/// A copy of a store to work on.
fn lay_out(store: &Path, copy: &Path) -> io::Result<()> {
    match fs::remove_dir_all(copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(copy)?;
    fs::create_dir_all(store)?;
    for entry in fs::read_dir(store)? {
        let entry = entry?;
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            fs::copy(entry.path(), copy.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Each file whole, or as it was. What is gone from the copy is gone from the store.
fn put_back(copy: &Path, store: &Path) -> io::Result<()> {
    for entry in fs::read_dir(store)? {
        let path = entry?.path();
        let gone = path.file_name().is_some_and(|name| !copy.join(name).exists());
        if gone {
            fs::remove_file(path)?;
        }
    }
    for entry in fs::read_dir(copy)? {
        let entry = entry?;
        let kept = store.join(entry.file_name());
        let partial = kept.with_extension("partial");
        write_synced(&partial, &fs::read(entry.path())?)?;
        fs::rename(&partial, &kept)?;
    }
    fs::File::open(store)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_its_hash_in_front_lies_in_its_directory() {
        let hash = "ab".repeat(32);
        let check = |asked: &str, specified: Option<&str>| {
            let path = |name: &str| format!("/firmware/acme/targets/{name}").replace("HASH", &hash);
            assert_eq!(as_specified(&path(asked)), specified.map(path), "{asked}");
        };
        check("HASH.ax1/8.4/main.bin", Some("ax1/8.4/HASH.main.bin"));
        check("HASH.main.bin", None);
        check("ax1/main.bin", None);
        check("beef.ax1/main.bin", None);
        assert_eq!(beside("ax1/8.4/main.bin", "release.json"), "ax1/8.4/release.json");
        assert_eq!(beside("main.bin", "release.json"), "release.json");
    }
}
