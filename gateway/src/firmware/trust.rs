//! Whether the metadata of a repository are the manufacturer's, current and not older than what was seen before: what a pump
//! checks (TUF specification, section 5), by the same library, at the instant that is given.
//!
//! The library asks the machine's clock and knows no other, so expiry is checked here, by the same rule. And it forgets what it
//! has seen whenever the keys of the timestamp changed since the root it starts from. An import starts from the newest root
//! that was seen: only keys that changed since then make it forget.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use chrono::DateTime;
use fleet::Timestamp;
use tough::{
    Bytes, ExpirationEnforcement, Limits, Repository, RepositoryLoader,
    schema::{Root, Signed, Targets},
};

use super::{
    metadata::{MAX_FILE, MetadataFiles, base},
    problem::{ImportError, Role},
    source::printable,
};

/// The most new roots in one import.
const MAX_ROOT_UPDATES: u64 = 200;
/// Far above every version of an honest root, far below where counting ends.
const MAX_VERSION: u64 = 1 << 50;

/// What an import remembers for the next one: the newest metadata that were believed, and the root they were believed from.
pub(super) mod seen {
    pub(crate) const TRUSTED_ROOT: &str = "trusted-root.json";
    pub(crate) const ROOT: &str = "root.json";
    pub(crate) const TIMESTAMP: &str = "timestamp.json";
    pub(crate) const SNAPSHOT: &str = "snapshot.json";
}

/// Metadata that hold.
pub(super) struct Trusted {
    pub(super) repository: Repository,
    /// Every file that was read, and the earlier roots; by the name it has in the repository.
    pub(super) files: BTreeMap<String, Bytes>,
}

impl Trusted {
    /// The newest root, as it was read.
    pub(super) fn root_file(&self) -> String {
        root_file(self.repository.root().signed.version.get())
    }

    /// The newest snapshot, as it was read.
    pub(super) fn snapshot_file(&self) -> String {
        if self.repository.root().signed.consistent_snapshot {
            format!("{}.snapshot.json", self.repository.snapshot().signed.version)
        } else {
            "snapshot.json".to_owned()
        }
    }
}

fn root_file(version: u64) -> String {
    format!("{version}.root.json")
}

/// Loads the metadata of a directory from a trusted root. `seen` is what the last import left.
pub(super) fn load(
    metadata: PathBuf,
    trusted_root: &[u8],
    seen: Option<&Path>,
    now: Timestamp,
) -> Result<Trusted, ImportError> {
    let given = read_root(trusted_root)?;
    // What was seen from another root says nothing about this one: a person trusted it anew.
    let seen = match seen {
        Some(dir) if read(dir, seen::TRUSTED_ROOT)?.as_deref() == Some(trusted_root) => Some(dir),
        _ => None,
    };
    // It was reached from the given one, so it is the newer, if not the same.
    let seen_root = seen.map(|dir| read(dir, seen::ROOT)).transpose()?.flatten();
    let (start, start_bytes) = match &seen_root {
        Some(bytes) => (read_root(bytes)?, bytes.as_slice()),
        None => (given, trusted_root),
    };

    let datastore = tempfile::tempdir().map_err(making("a scratch directory"))?;
    for name in [seen::TIMESTAMP, seen::SNAPSHOT] {
        if let Some(bytes) = seen.map(|dir| read(dir, name)).transpose()?.flatten() {
            fs::write(datastore.path().join(name), bytes).map_err(making("a scratch file"))?;
        }
    }
    let files = MetadataFiles::new(metadata);
    let repository = run(&files, start_bytes, datastore.path())?;

    check_expiry(&repository, now)?;
    let earlier = earlier_roots(&files, &start);
    let mut read = files.read();
    read.extend(earlier);
    read.insert(
        root_file(start.signed.version.get()),
        Bytes::copy_from_slice(start_bytes),
    );
    Ok(Trusted {
        repository,
        files: read,
    })
}

fn making(what: &'static str) -> impl FnOnce(io::Error) -> ImportError {
    move |source| ImportError::Io {
        doing: format!("making {what}"),
        source,
    }
}

fn read(dir: &Path, name: &str) -> Result<Option<Vec<u8>>, ImportError> {
    let path = dir.join(name);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ImportError::Io {
            doing: format!("reading {}, which the last import left,", path.display()),
            source,
        }),
    }
}

fn read_root(bytes: &[u8]) -> Result<Signed<Root>, ImportError> {
    let root: Signed<Root> = serde_json::from_slice(bytes).map_err(|error| ImportError::TrustedRoot {
        problem: printable(&error.to_string()),
    })?;
    if root.signed.version.get() > MAX_VERSION {
        return Err(ImportError::TrustedRoot {
            problem: "its version is higher than any honest one".to_owned(),
        });
    }
    Ok(root)
}

/// Lets the library do its work, on a thread of its own: the caller may be one that must not wait, or have no runtime.
fn run(files: &MetadataFiles, root: &[u8], datastore: &Path) -> Result<Repository, ImportError> {
    let work = || {
        let base = base().map_err(|error| making("an address")(io::Error::other(error)))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(making("a runtime"))?;
        let loader = RepositoryLoader::new(&root, base.clone(), base)
            .transport(files.clone())
            .datastore(datastore)
            .limits(Limits {
                max_root_size: MAX_FILE,
                max_targets_size: MAX_FILE,
                max_timestamp_size: MAX_FILE,
                max_snapshot_size: MAX_FILE,
                max_root_updates: MAX_ROOT_UPDATES,
            })
            .expiration_enforcement(ExpirationEnforcement::Unsafe);
        runtime.block_on(loader.load()).map_err(ImportError::from)
    };
    std::thread::scope(|scope| {
        scope.spawn(work).join().unwrap_or_else(|_| {
            Err(ImportError::Metadata {
                problem: "the library gave up on them".to_owned(),
            })
        })
    })
}

/// TUF specification, sections 5.3.10, 5.4.4, 5.5.6, 5.6.5: an expiry that is not after the present is past.
fn check_expiry(repository: &Repository, now: Timestamp) -> Result<(), ImportError> {
    let check = |role, seconds: i64| {
        let expired = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        if expired <= now {
            Err(ImportError::Expired { role, expired })
        } else {
            Ok(())
        }
    };
    check(Role::Root, repository.root().signed.expires.as_second())?;
    check(Role::Timestamp, repository.timestamp().signed.expires.as_second())?;
    check(Role::Snapshot, repository.snapshot().signed.expires.as_second())?;
    let mut all: Vec<&Targets> = vec![&repository.targets().signed];
    while let Some(targets) = all.pop() {
        check(Role::Targets, targets.expires.as_second())?;
        let delegated = targets.delegations.iter().flat_map(|some| &some.roles);
        all.extend(
            delegated
                .filter_map(|role| role.targets.as_ref())
                .map(|role| &role.signed),
        );
    }
    Ok(())
}

/// Roots before the one that an import starts from, as far as each vouches for the next: pumps may be pinned to one of them.
fn earlier_roots(files: &MetadataFiles, start: &Signed<Root>) -> BTreeMap<String, Bytes> {
    let mut found = BTreeMap::new();
    let mut next = start.clone();
    for version in (1..start.signed.version.get()).rev() {
        let name = root_file(version);
        let Ok(bytes) = files.open(&name) else { break };
        let Ok(root) = serde_json::from_slice::<Signed<Root>>(&bytes) else {
            break;
        };
        let vouches = root.signed.version.get() == version
            && root.signed.verify_role(&root).is_ok()
            && root.signed.verify_role(&next).is_ok();
        if !vouches {
            break;
        }
        found.insert(name, bytes);
        next = root;
    }
    found
}
