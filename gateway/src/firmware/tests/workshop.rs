//! A manufacturer's build server in a directory, with its keys at hand to make what no honest one makes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta};
use fleet::{
    Timestamp,
    release::{RepositoryName, TargetPath},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::firmware::{
    import::{CheckedRepository, Import, check},
    make::{self, Make, Settings, demo_image, make},
    problem::{ImportError, Role},
    publish::{Published, publish, seen_dir},
    source::ArchiveLimits,
};

/// The present of every test: 15 January 2027, 08:00:00 UTC.
pub(crate) const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
pub(crate) const MANIFEST: &str = include_str!("../../../../docs/release-manifest.example.json");
pub(crate) const FIRMWARE: &str = "volumat7/9.12/main.bin";

pub(crate) struct Workshop {
    dir: TempDir,
    pub(crate) settings: Settings,
}

impl Workshop {
    /// With one release.
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let workshop = Self {
            dir: tempfile::tempdir().unwrap(),
            settings,
        };
        workshop.release("9.12", MANIFEST);
        workshop
    }

    /// Puts a release into the repository.
    pub(crate) fn release(&self, version: &str, manifest: &str) {
        let parsed: Value = serde_json::from_str(manifest).unwrap();
        let files: BTreeMap<TargetPath, PathBuf> = parsed["targets"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .map(|(n, target)| {
                let path = target["path"].as_str().unwrap();
                let file = self.dir.path().join(path.replace('/', "-"));
                fs::write(&file, demo_image(n as u64, 100_000 + n)).unwrap();
                (path.parse().unwrap(), file)
            })
            .collect();
        make(&Make {
            repository: &self.repository(),
            keys: &self.keys(),
            manifest: manifest.as_bytes(),
            manifest_path: &format!("volumat7/{version}/release.json").parse().unwrap(),
            files: &files,
            settings: self.settings,
            now: NOW,
        })
        .unwrap();
    }

    /// The manifest of a release with files of its own.
    pub(crate) fn manifest(version: &str) -> String {
        MANIFEST.replace("volumat7/9.12", &format!("volumat7/{version}"))
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.dir.path().join("repository")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    pub(crate) fn metadata(&self, name: &str) -> PathBuf {
        self.repository().join("metadata").join(name)
    }

    /// The file of a target, whatever it is called on disk.
    pub(crate) fn target(&self, path: &str) -> PathBuf {
        let (directory, name) = path.rsplit_once('/').unwrap();
        fs::read_dir(self.repository().join("targets").join(directory))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|file| file.to_str().unwrap().ends_with(name))
            .unwrap()
    }

    /// The root as hospitals got it.
    pub(crate) fn root(&self) -> Vec<u8> {
        fs::read(self.metadata("1.root.json")).unwrap()
    }

    /// Where firmware is published.
    pub(crate) fn shelf(&self) -> PathBuf {
        self.dir.path().join("firmware")
    }

    pub(crate) fn name() -> RepositoryName {
        "acme".parse().unwrap()
    }

    /// A copy of the repository as it is now.
    pub(crate) fn copy(&self, to: &str) -> PathBuf {
        let to = self.dir.path().join(to);
        copy_dir(&self.repository(), &to);
        to
    }

    pub(crate) fn check(&self) -> Result<CheckedRepository, ImportError> {
        self.check_of(&self.repository(), &self.root(), NOW)
    }

    pub(crate) fn check_of(
        &self,
        source: &Path,
        root: &[u8],
        now: Timestamp,
    ) -> Result<CheckedRepository, ImportError> {
        let seen = seen_dir(&self.shelf(), &Self::name());
        check(&Import {
            source,
            trusted_root: root,
            seen: Some(&seen),
            manifests: None,
            scratch: &self.shelf(),
            limits: ArchiveLimits::default(),
            now,
        })
    }

    pub(crate) fn publish(&self) -> Published {
        publish(&self.check().unwrap(), &self.shelf(), &Self::name()).unwrap()
    }

    /// Changes the body of a role and signs it anew, as somebody with the manufacturer's keys could.
    pub(crate) fn rewrite(&self, name: &str, role: Role, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let path = self.metadata(name);
        let mut whole: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut body = whole["signed"].take();
        change(&mut body);
        let bytes = make::signed(&self.keys(), role, &body).unwrap();
        fs::write(path, &bytes).unwrap();
        bytes
    }

    /// Names the files of a role without length and hash, so that what is inside of them is looked at.
    pub(crate) fn name_by_version_only(&self) {
        let plain = |body: &mut Value| {
            for (_, meta) in body["meta"].as_object_mut().unwrap() {
                *meta = json!({ "version": meta["version"] });
            }
        };
        self.rewrite("1.snapshot.json", Role::Snapshot, plain);
        self.rewrite("timestamp.json", Role::Timestamp, plain);
    }

    /// The next root: `change` its body, and let so many of the old keys sign.
    pub(crate) fn next_root(&self, signatures: usize, change: impl FnOnce(&mut Value)) {
        let mut whole: Value = serde_json::from_slice(&self.root()).unwrap();
        let mut body = whole["signed"].take();
        body["version"] = json!(2);
        change(&mut body);
        let bytes = make::signed(&self.keys(), Role::Root, &body).unwrap();
        let mut whole: Value = serde_json::from_slice(&bytes).unwrap();
        whole["signatures"].as_array_mut().unwrap().truncate(signatures);
        fs::write(self.metadata("2.root.json"), whole.to_string()).unwrap();
    }
}

/// A day after everything but the root has expired.
pub(crate) fn too_late() -> Timestamp {
    NOW + Settings::default().expires + TimeDelta::days(1)
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Turns one bit in the middle of a file.
pub(crate) fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}
