//! Manufacturers and pumps with other tools than ours: repositories by python-tuf import, and its client fetches what is
//! published from the pump-side listener over mutual TLS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use fleet::{release::RepositoryName, signature::Digest};
use gateway::{
    clock::Clock,
    firmware::{
        import::{CheckedRepository, Import, check},
        make::{self, KeyKind, Make, Settings, demo_image},
        publish::{publish, seen_dir},
        source::ArchiveLimits,
    },
};
use tests::{Enrolled, Hospital, python, run};

const EXAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/release-manifest.example.json"
);
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python");
const MANIFEST: &str = "volumat7/9.12/release.json";
const FILES: [&str; 2] = ["volumat7/9.12/early.bin", "volumat7/9.12/main.bin"];

/// Firmware of the example release, by path.
fn images(dir: &Path) -> BTreeMap<&'static str, PathBuf> {
    let write = |(seed, path)| {
        let file = dir.join(format!("image-{seed}"));
        fs::write(&file, demo_image(seed, 300_000)).unwrap();
        (path, file)
    };
    (0..).zip(FILES).map(write).collect()
}

/// A repository by python-tuf.
fn by_python(python: &Path, dir: &Path, kind: &str, consistent: &str) -> PathBuf {
    let repository = dir.join(format!("{kind}-{consistent}"));
    let mut arguments = vec![
        format!("{SCRIPTS}/tuf_repository.py"),
        repository.display().to_string(),
        kind.to_owned(),
        consistent.to_owned(),
        EXAMPLE.to_owned(),
        MANIFEST.to_owned(),
    ];
    arguments.extend(
        images(dir)
            .iter()
            .map(|(path, file)| format!("{path}={}", file.display())),
    );
    let _ = run(python.to_str().unwrap(), arguments).ok();
    repository
}

fn import(repository: &Path, firmware: &Path, name: &RepositoryName) -> CheckedRepository {
    let root = fs::read(repository.join("metadata/1.root.json")).unwrap();
    let checked = check(&Import {
        source: repository,
        trusted_root: &root,
        seen: Some(&seen_dir(firmware, name)),
        manifests: None,
        scratch: firmware,
        limits: ArchiveLimits::default(),
        now: Clock::system().now(),
    });
    checked.unwrap_or_else(|error| panic!("{}: {error}", repository.display()))
}

/// Fetches every file of the release with python-tuf's client, as a pump.
fn fetch(python: &Path, hospital: &Hospital, pump: &Enrolled, repository: &Path, name: &RepositoryName) {
    let address = format!(
        "https://localhost:{}{}",
        hospital.addresses().bulk.port(),
        wire::bulk::repository(name)
    );
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut arguments = vec![
        format!("{SCRIPTS}/tuf_client.py"),
        address,
        text(&repository.join("metadata/1.root.json")),
        text(&hospital.root_file()),
        text(&pump.certificate_file),
        text(&pump.key_file),
        MANIFEST.to_owned(),
    ];
    arguments.extend(FILES.map(str::to_owned));
    let fetched = run(python.to_str().unwrap(), arguments).ok().text();
    let manifest = Digest::of(&fs::read(EXAMPLE).unwrap());
    let images = [0, 1].map(|seed| Digest::of(&demo_image(seed, 300_000)));
    let expected: Vec<_> = [manifest]
        .iter()
        .chain(&images)
        .map(ToString::to_string)
        .collect();
    assert_eq!(fetched.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_python_tuf_makes_imports_and_what_is_published_it_fetches() {
    let Some(python) = python("python-tuf") else {
        return;
    };
    let hospital = Hospital::open().await;
    let pump = hospital.enrol("AX100001").await;
    let firmware = hospital.dir().join("data/firmware");
    for kind in ["ed25519", "ecdsa", "rsa"] {
        for consistent in ["yes", "no"] {
            let name: RepositoryName = format!("{kind}-{consistent}").parse().unwrap();
            let repository = by_python(&python, hospital.dir(), kind, consistent);
            let checked = import(&repository, &firmware, &name);
            assert_eq!((checked.root.version, checked.targets.version), (2, 7));
            assert_eq!((checked.snapshot.version, checked.timestamp.version), (3, 5));
            let [release] = checked.releases.as_slice() else {
                panic!("one release")
            };
            let paths: Vec<_> = release.files.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(paths, FILES);
            publish(&checked, &firmware, &name).unwrap();
            fetch(&python, &hospital, &pump, &repository, &name);
        }
    }
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_our_tool_makes_python_tuf_fetches() {
    let Some(python) = python("python-tuf") else {
        return;
    };
    let hospital = Hospital::open().await;
    let pump = hospital.enrol("AX100001").await;
    let firmware = hospital.dir().join("data/firmware");
    let files: BTreeMap<_, _> = images(hospital.dir())
        .into_iter()
        .map(|(path, file)| (path.parse().unwrap(), file))
        .collect();
    for (name, kind, consistent_snapshot) in [
        ("ours-1", KeyKind::Ed25519, true),
        ("ours-2", KeyKind::P256, false),
    ] {
        let repository = hospital.dir().join(name);
        make::make(&Make {
            repository: &repository,
            keys: &hospital.dir().join(format!("{name}-keys")),
            manifest: &fs::read(EXAMPLE).unwrap(),
            manifest_path: &MANIFEST.parse().unwrap(),
            files: &files,
            settings: Settings {
                kind,
                consistent_snapshot,
                ..Settings::default()
            },
            now: Clock::system().now(),
        })
        .unwrap();
        let name: RepositoryName = name.parse().unwrap();
        let checked = import(&repository, &firmware, &name);
        publish(&checked, &firmware, &name).unwrap();
        fetch(&python, &hospital, &pump, &repository, &name);
    }
    hospital.close().await;
}
