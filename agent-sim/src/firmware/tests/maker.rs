//! A manufacturer: a key, and TUF repositories made with it.

use std::{collections::HashMap, num::NonZeroU64, path::Path};

use aws_lc_rs::{rand::SystemRandom, signature::Ed25519KeyPair};
use serde_json::json;
use tough::{
    async_trait,
    editor::{RepositoryEditor, signed::SignedRole},
    key_source::KeySource,
    schema::{Hashes, KeyHolder, Root, Target, key::Key},
    sign::Sign,
};
use wire::types::Digest;

/// The example that the documentation shows: seven automatic checks, two restarts.
pub(crate) const MANIFEST: &[u8] = include_bytes!("../../../../docs/release-manifest.example.json");
pub(crate) const TARGET: &str = "ax1/8.5/main.bin";

#[derive(Debug, Clone)]
pub(crate) struct Maker {
    pkcs8: Vec<u8>,
    root: Root,
    pub(crate) root_json: Vec<u8>,
}

/// What is published.
pub(crate) struct Edition<'a> {
    pub(crate) version: u64,
    pub(crate) image: &'a [u8],
    pub(crate) manifest: &'a [u8],
    pub(crate) expires: &'a str,
    /// Where the hash goes: before the name as the specification has it, or before the directory.
    pub(crate) as_specified: bool,
}

impl<'a> Edition<'a> {
    pub(crate) const fn of(image: &'a [u8]) -> Self {
        Self {
            version: 1,
            image,
            manifest: MANIFEST,
            expires: "2120-01-01T00:00:00Z",
            as_specified: true,
        }
    }
}

#[derive(Debug)]
struct Signer(Vec<u8>);

#[async_trait]
impl KeySource for Signer {
    async fn as_sign(&self) -> Result<Box<dyn Sign>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Box::new(Ed25519KeyPair::from_pkcs8(&self.0)?))
    }

    async fn write(&self, _: &str, _: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

impl Maker {
    pub(crate) async fn new() -> Self {
        let pkcs8 = new_key();
        let id = key_id(&pkcs8);
        Self::with_root(1, vec![pkcs8], &[&id], &[&id]).await
    }

    /// The same manufacturer, if its root asked for two signatures under everything else. It has one of the keys.
    pub(crate) async fn asking_for_two(&self) -> Self {
        let second = new_key();
        let ids = [key_id(&second), key_id(&self.pkcs8)];
        let ids = [ids[0].as_str(), ids[1].as_str()];
        Self::with_root(1, vec![second, self.pkcs8.clone()], &ids, &ids).await
    }

    /// The same manufacturer with a new key, which the old one vouches for.
    pub(crate) async fn successor(&self) -> Self {
        let pkcs8 = new_key();
        let id = key_id(&pkcs8);
        let both = vec![self.pkcs8.clone(), pkcs8];
        Self::with_root(2, both, &[&key_id(&self.pkcs8), &id], &[&id]).await
    }

    /// The last of the keys signs from now on; all of `ids` have to.
    async fn with_root(version: u64, keys: Vec<Vec<u8>>, root_ids: &[&str], ids: &[&str]) -> Self {
        let role = json!({ "keyids": ids, "threshold": ids.len() });
        let known: HashMap<String, Key> = keys.iter().map(|key| (key_id(key), public(key))).collect();
        let root: Root = serde_json::from_value(json!({
            "_type": "root",
            "spec_version": "1.0.0",
            "consistent_snapshot": true,
            "version": version,
            "expires": "2120-01-01T00:00:00Z",
            "keys": known,
            "roles": {
                "root": { "keyids": root_ids, "threshold": 1 },
                "snapshot": role, "targets": role, "timestamp": role,
            },
        }))
        .unwrap();
        let sources: Vec<Box<dyn KeySource>> = keys
            .iter()
            .map(|key| -> Box<dyn KeySource> { Box::new(Signer(key.clone())) })
            .collect();
        let holder = KeyHolder::Root(root.clone());
        let signed = SignedRole::new(root.clone(), &holder, &sources, &SystemRandom::new())
            .await
            .unwrap();
        Self {
            pkcs8: keys.last().unwrap().clone(),
            root,
            root_json: signed.buffer().clone(),
        }
    }

    /// The files of a repository, by their paths at the bulk listener.
    pub(crate) async fn publish(&self, edition: &Edition<'_>) -> HashMap<String, Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root.json");
        std::fs::write(&root, &self.root_json).unwrap();
        let version = NonZeroU64::new(edition.version).unwrap();
        let expires = json!(edition.expires);
        let mut editor = RepositoryEditor::new(&root).await.unwrap();
        editor
            .targets_version(version)
            .unwrap()
            .targets_expires(self.root.expires)
            .unwrap()
            .snapshot_version(version)
            .snapshot_expires(self.root.expires)
            .timestamp_version(version)
            .timestamp_expires(serde_json::from_value(expires).unwrap());
        let mut files = HashMap::new();
        for (name, bytes) in [
            (TARGET, edition.image),
            ("ax1/8.5/release.json", edition.manifest),
        ] {
            let sha256 = Digest::of(bytes);
            let target = Target {
                length: bytes.len() as u64,
                hashes: Hashes {
                    sha256: sha256.bytes().to_vec().into(),
                    _extra: HashMap::new(),
                },
                custom: HashMap::new(),
                _extra: HashMap::new(),
            };
            editor.add_target(name, target).unwrap();
            let (directory, file) = name.rsplit_once('/').unwrap();
            let path = if edition.as_specified {
                format!("{directory}/{sha256}.{file}")
            } else {
                format!("{sha256}.{name}")
            };
            files.insert(format!("/firmware/arden/targets/{path}"), bytes.to_vec());
        }
        let keys: [Box<dyn KeySource>; 1] = [Box::new(Signer(self.pkcs8.clone()))];
        let out = dir.path().join("metadata");
        editor.sign(&keys).await.unwrap().write(&out).await.unwrap();
        files.extend(read_all(&out));
        files
    }
}

fn read_all(dir: &Path) -> Vec<(String, Vec<u8>)> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let bytes = std::fs::read(entry.path()).unwrap();
            (format!("/firmware/arden/metadata/{name}"), bytes)
        })
        .collect()
}

fn new_key() -> Vec<u8> {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    pkcs8.as_ref().to_vec()
}

fn public(pkcs8: &[u8]) -> Key {
    Ed25519KeyPair::from_pkcs8(pkcs8).unwrap().tuf_key()
}

fn key_id(pkcs8: &[u8]) -> String {
    let id = serde_json::to_value(public(pkcs8).key_id().unwrap()).unwrap();
    id.as_str().unwrap().to_owned()
}
