//! What a repository here serves: every target by its path, with length and hash. Nothing that is not in this list is ever
//! opened, so a path in a request leads nowhere else.

use std::{collections::BTreeMap, fs, io, path::Path};

use fleet::{release::TargetPath, signature::Digest};
use serde::{Deserialize, Serialize};

/// The name of its file in the repository's directory.
pub(super) const FILE: &str = "index.json";

/// Every target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub(super) targets: BTreeMap<TargetPath, Listed>,
}

/// One target. What stands under a path never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// In bytes.
    pub(super) length: u64,
    pub(super) sha256: Digest,
}

impl Index {
    /// The list of a repository's directory; empty where there is none yet.
    pub(super) fn read(dir: &Path) -> io::Result<Self> {
        match fs::read(dir.join(FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// The target that a request's path means: its own, or its own with its hash before the last segment (TUF specification,
    /// section 6.2) or before the first, as clients of consistent snapshots ask.
    pub(super) fn find(&self, asked: &str) -> Option<(&TargetPath, Listed)> {
        let (directory, name) = asked
            .rsplit_once('/')
            .map_or(("", asked), |(directory, name)| (directory, name));
        let by_name = split_hash(name).map(|(hash, name)| {
            let slash = if directory.is_empty() { "" } else { "/" };
            (hash, format!("{directory}{slash}{name}"))
        });
        let by_path = split_hash(asked).map(|(hash, path)| (hash, path.to_owned()));
        let with_hash = [by_name, by_path]
            .into_iter()
            .flatten()
            .find_map(|(hash, path)| self.get(&path).filter(|(_, listed)| listed.sha256 == hash));
        self.get(asked).or(with_hash)
    }

    fn get(&self, path: &str) -> Option<(&TargetPath, Listed)> {
        let path: TargetPath = path.parse().ok()?;
        self.targets
            .get_key_value(&path)
            .map(|(path, listed)| (path, *listed))
    }
}

/// `<64 digits>.<rest>`.
fn split_hash(text: &str) -> Option<(Digest, &str)> {
    let (hash, rest) = text.split_once('.')?;
    hash.parse().ok().map(|hash| (hash, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index() -> Index {
        let listed = |bytes: &[u8]| Listed {
            length: bytes.len() as u64,
            sha256: Digest::of(bytes),
        };
        let targets = [("9/a.bin", listed(b"a")), ("b.bin", listed(b"b"))];
        Index {
            targets: targets
                .map(|(path, listed)| (path.parse().unwrap(), listed))
                .into(),
        }
    }

    #[test]
    fn a_target_is_found_by_each_name_that_clients_use() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let check = |asked: &str, expected: Option<&str>| {
            let index = index();
            let found = index.find(asked).map(|(path, _)| path.as_str());
            assert_eq!(found, expected, "{asked}");
        };
        check("9/a.bin", Some("9/a.bin"));
        check(&format!("9/{a}.a.bin"), Some("9/a.bin"));
        check(&format!("{a}.9/a.bin"), Some("9/a.bin"));
        check(&format!("{b}.b.bin"), Some("b.bin"));
        check(&format!("{a}.b.bin"), None);
        check("a.bin", None);
        check("9/../9/a.bin", None);
        check("9//a.bin", None);
        check("/9/a.bin", None);
        check("", None);
    }

    #[test]
    fn nothing_else_is_ever_found() {
        let index = index();
        proptest!(|(asked in "([a-c9./%~\\\\]|\\.\\./|b\\.bin|9/a\\.bin|\\PC){0,12}")| {
            if let Some((path, _)) = index.find(&asked) {
                prop_assert!(asked.ends_with("a.bin") || asked.ends_with("b.bin"));
                prop_assert!(index.targets.contains_key(path));
                prop_assert!(!path.as_str().contains(".."));
            }
        });
    }
}
