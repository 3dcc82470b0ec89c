//! `gateway release make`: a TUF repository for a test manufacturer, as its build server would make one.
//!
//! Keys lie in a directory beside it, unencrypted: a real manufacturer keeps them in hardware and apart. A second release goes
//! into the same repository; every version that changes goes up by one.

mod error;
mod image;
mod key;
mod sign;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{SecondsFormat, TimeDelta};
use fleet::{
    Timestamp,
    release::{Manifest, TargetPath},
    signature::Digest,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub use error::MakeError;
pub use image::demo_image;
pub use key::KeyKind;
pub(super) use sign::signed;

use super::{import, problem::Role};
use key::SigningKey;
use sign::sign_with;

/// The version of the TUF specification that is followed.
const SPEC: &str = "1.0.31";

/// What to make.
#[derive(Debug, Clone)]
pub struct Make<'a> {
    /// The repository: made when there is none, added to when there is one.
    pub repository: &'a Path,
    /// Its keys: likewise.
    pub keys: &'a Path,
    /// The release's manifest, as JSON.
    pub manifest: &'a [u8],
    /// The path of the manifest among the targets; its last segment is `release.json`.
    pub manifest_path: &'a TargetPath,
    /// The file of each target that the manifest names.
    pub files: &'a BTreeMap<TargetPath, PathBuf>,
    pub settings: Settings,
    /// The present.
    pub now: Timestamp,
}

/// How a repository is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Kind of new keys.
    pub kind: KeyKind,
    /// How many root keys a new repository gets, 1 to 8.
    pub root_keys: u8,
    /// How many of them have to sign.
    pub root_threshold: u8,
    /// How long the root holds.
    pub root_expires: TimeDelta,
    /// How long everything else holds.
    pub expires: TimeDelta,
    /// Whether files are named by version and hash (TUF specification, section 6.2).
    pub consistent_snapshot: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kind: KeyKind::Ed25519,
            root_keys: 3,
            root_threshold: 2,
            root_expires: TimeDelta::days(730),
            expires: TimeDelta::days(180),
            consistent_snapshot: true,
        }
    }
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The root of trust that goes to hospitals.
    pub root: PathBuf,
    /// The version of the metadata now.
    pub version: u64,
}

/// Makes a repository, or adds a release to one.
///
/// # Errors
/// [`MakeError`].
pub fn make(make: &Make<'_>) -> Result<Made, MakeError> {
    let manifest = Manifest::read(make.manifest)?;
    if make.manifest_path.as_str().rsplit('/').next() != Some(import::MANIFEST) {
        return Err(MakeError::ManifestPath(make.manifest_path.clone()));
    }
    let elsewhere = |path: &&TargetPath| path.directory() != make.manifest_path.directory();
    if let Some(target) = manifest.targets.iter().map(|target| &target.path).find(elsewhere) {
        return Err(MakeError::Elsewhere {
            manifest: make.manifest_path.clone(),
            target: target.clone(),
        });
    }
    let metadata = make.repository.join("metadata");
    let targets = make.repository.join("targets");
    for dir in [&metadata, &targets] {
        fs::create_dir_all(dir).map_err(failed("making the directory", dir))?;
    }
    let root = metadata.join("1.root.json");
    if !root.exists() {
        write(&root, &new_root(make)?)?;
    }
    let consistent = read(&root)?.get("consistent_snapshot") == Some(&json!(true));

    let version = current(&metadata, &["timestamp.json"])?.map_or(1, |signed| version_of(&signed) + 1);
    let before = version - 1;
    let names = [format!("{before}.targets.json"), "targets.json".to_owned()];
    let mut listed = current(&metadata, &names)?
        .and_then(|signed| signed.get("targets").cloned())
        .unwrap_or_else(|| json!({}));
    for target in &manifest.targets {
        let path = &target.path;
        let file = make
            .files
            .get(path)
            .ok_or_else(|| MakeError::NoFile(path.clone()))?;
        let bytes = fs::read(file).map_err(failed("reading", file))?;
        add(&mut listed, &targets, path, &bytes, consistent)?;
    }
    add(
        &mut listed,
        &targets,
        make.manifest_path,
        make.manifest,
        consistent,
    )?;

    let sign = |role, body| signed(make.keys, role, &body);
    let expires = date(make.now + make.settings.expires);
    let head = |kind: Role| json!({ "_type": kind.to_string(), "spec_version": SPEC, "version": version, "expires": expires });
    let path_of = |name: &str| {
        let prefix = if consistent {
            format!("{version}.")
        } else {
            String::new()
        };
        metadata.join(prefix + name)
    };
    let body = with(head(Role::Targets), "targets", listed);
    let bytes = sign(Role::Targets, body)?;
    write(&path_of("targets.json"), &bytes)?;
    let body = with(
        head(Role::Snapshot),
        "meta",
        meta("targets.json", version, &bytes),
    );
    let bytes = sign(Role::Snapshot, body)?;
    write(&path_of("snapshot.json"), &bytes)?;
    let body = with(
        head(Role::Timestamp),
        "meta",
        meta("snapshot.json", version, &bytes),
    );
    write(&metadata.join("timestamp.json"), &sign(Role::Timestamp, body)?)?;
    Ok(Made { root, version })
}

fn new_root(make: &Make<'_>) -> Result<Vec<u8>, MakeError> {
    let Settings {
        kind,
        root_keys: keys,
        root_threshold: threshold,
        ..
    } = make.settings;
    if !(1..=8).contains(&keys) || !(1..=keys).contains(&threshold) {
        return Err(MakeError::Threshold { keys, threshold });
    }
    let root = key::generate(make.keys, Role::Root, keys.into(), kind)?;
    let mut public = serde_json::Map::new();
    let mut roles = serde_json::Map::new();
    let mut add = |role: Role, keys: &[SigningKey], threshold: u8| {
        let ids: Vec<_> = keys.iter().map(SigningKey::id).collect();
        roles.insert(role.to_string(), json!({ "keyids": ids, "threshold": threshold }));
        public.extend(keys.iter().map(|key| (key.id().to_owned(), key.public().clone())));
    };
    add(Role::Root, &root, threshold);
    for role in [Role::Targets, Role::Snapshot, Role::Timestamp] {
        add(role, &key::generate(make.keys, role, 1, kind)?, 1);
    }
    let body = json!({
        "_type": "root",
        "spec_version": SPEC,
        "version": 1,
        "expires": date(make.now + make.settings.root_expires),
        "consistent_snapshot": make.settings.consistent_snapshot,
        "keys": public,
        "roles": roles,
    });
    sign_with(Role::Root, &body, &root)
}

/// Puts a target into the repository and its list.
fn add(
    listed: &mut Value,
    targets: &Path,
    path: &TargetPath,
    bytes: &[u8],
    consistent: bool,
) -> Result<(), MakeError> {
    let sha256 = Digest::of(bytes);
    let entry = json!({ "length": bytes.len(), "hashes": { "sha256": sha256.to_string() } });
    if listed.get(path.as_str()).is_some_and(|there| *there != entry) {
        return Err(MakeError::OtherContent(path.clone()));
    }
    let text = path.as_str();
    let name = match (consistent, text.rsplit_once('/')) {
        (false, _) => text.to_owned(),
        (true, Some((directory, name))) => format!("{directory}/{sha256}.{name}"),
        (true, None) => format!("{sha256}.{text}"),
    };
    let file = targets.join(name);
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).map_err(failed("making the directory", parent))?;
    }
    write(&file, bytes)?;
    if let Some(listed) = listed.as_object_mut() {
        listed.insert(text.to_owned(), entry);
    }
    Ok(())
}

fn meta(name: &str, version: u64, bytes: &[u8]) -> Value {
    json!({ name: {
        "version": version,
        "length": bytes.len(),
        "hashes": { "sha256": Digest::of(bytes).to_string() },
    }})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    if let Some(body) = body.as_object_mut() {
        body.insert(field.to_owned(), value);
    }
    body
}

/// RFC 3339 in whole seconds, as TUF writes times.
fn date(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn version_of(signed: &Value) -> u64 {
    signed.get("version").and_then(Value::as_u64).unwrap_or_default()
}

/// The body of the first of these files that is there.
fn current<S: AsRef<str>>(metadata: &Path, names: &[S]) -> Result<Option<Value>, MakeError> {
    names
        .iter()
        .map(|name| metadata.join(name.as_ref()))
        .find(|path| path.exists())
        .map(|path| read(&path))
        .transpose()
}

/// What is signed in a file of metadata.
fn read(path: &Path) -> Result<Value, MakeError> {
    let bytes = fs::read(path).map_err(failed("reading", path))?;
    let whole: Whole = serde_json::from_slice(&bytes).map_err(|error| MakeError::Existing {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    Ok(whole.signed)
}

#[derive(Deserialize)]
struct Whole {
    signed: Value,
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), MakeError> {
    fs::write(path, bytes).map_err(failed("writing", path))
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> MakeError + 'a {
    move |source| MakeError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
