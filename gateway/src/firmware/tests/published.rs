//! What pumps find.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::workshop::{FIRMWARE, MANIFEST, Workshop, flip};
use crate::firmware::{
    make::{MakeError, Settings, demo_image},
    publish::{PublishError, Published, publish, sweep},
    shelf::Shelf,
};

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_second_release_goes_beside_the_first() {
    for consistent_snapshot in [true, false] {
        let workshop = Workshop::with(Settings {
            consistent_snapshot,
            ..Settings::default()
        });
        let first = workshop.publish();
        assert_eq!(
            first,
            Published {
                files: 3,
                bytes: 200_001 + MANIFEST.len() as u64,
                unchanged: 0
            }
        );
        // Once more is nothing new.
        assert_eq!(
            workshop.publish(),
            Published {
                files: 0,
                bytes: 0,
                unchanged: 3
            }
        );
        workshop.next_root(2, |_| ());
        workshop.release("9.13", &Workshop::manifest("9.13"));
        let second = workshop.publish();
        assert_eq!((second.files, second.unchanged), (3, 3));

        let dir = workshop.shelf().join("acme");
        assert_eq!(names(&dir), ["index.json", "lock", "metadata", "seen", "targets"]);
        let expected: &[&str] = if consistent_snapshot {
            &[
                "1.root.json",
                "1.snapshot.json",
                "1.targets.json",
                "2.root.json",
                "2.snapshot.json",
                "2.targets.json",
                "timestamp.json",
            ]
        } else {
            &[
                "1.root.json",
                "2.root.json",
                "snapshot.json",
                "targets.json",
                "timestamp.json",
            ]
        };
        assert_eq!(names(&dir.join("metadata")), expected);
        assert_eq!(
            fs::read(dir.join("targets").join(FIRMWARE)).unwrap(),
            demo_image(1, 100_001)
        );
        let shelf = Shelf::new(workshop.shelf());
        let found = shelf
            .target("acme", "volumat7/9.13/release.json")
            .unwrap()
            .unwrap();
        assert_eq!(found.length, Workshop::manifest("9.13").len() as u64);
        assert!(shelf.target("acme", "volumat7/9.14/main.bin").unwrap().is_none());
        assert!(shelf.target("other", FIRMWARE).unwrap().is_none());
        let timestamp = shelf.metadata("acme", "timestamp.json").unwrap().unwrap();
        assert_eq!(timestamp, fs::read(workshop.metadata("timestamp.json")).unwrap());
    }
}

#[test]
fn what_stands_under_a_path_never_changes() {
    let workshop = Workshop::new();
    workshop.publish();
    let metadata = workshop.shelf().join("acme/metadata/timestamp.json");
    let before = fs::read(&metadata).unwrap();
    // The same path in a repository made anew, with other bytes.
    let other = Workshop::new();
    let changed = MANIFEST.replace("The screen looks the same.", "The screen looks better.");
    fs::remove_dir_all(other.repository()).unwrap();
    fs::remove_dir_all(other.keys()).unwrap();
    other.release("9.12", &changed);
    let checked = other.check().unwrap();
    let error = publish(&checked, &workshop.shelf(), &Workshop::name()).unwrap_err();
    assert!(
        matches!(&error, PublishError::OtherContent { path, .. } if path.as_str() == "volumat7/9.12/release.json"),
        "{error}"
    );
    assert_eq!(fs::read(&metadata).unwrap(), before, "pumps see the state before");

    // The manufacturer's own tool does not let it come to that.
    let make = std::panic::catch_unwind(|| workshop.release("9.12", &changed));
    assert!(make.is_err());
}

#[test]
fn what_changes_while_it_is_imported_is_not_published() {
    let workshop = Workshop::new();
    let checked = workshop.check().unwrap();
    flip(&workshop.target(FIRMWARE));
    let error = publish(&checked, &workshop.shelf(), &Workshop::name()).unwrap_err();
    assert!(matches!(error, PublishError::Changed { .. }), "{error}");
    let shelf = Shelf::new(workshop.shelf());
    assert!(shelf.target("acme", FIRMWARE).unwrap().is_none());
    assert!(shelf.metadata("acme", "timestamp.json").unwrap().is_none());
    // Nothing half written stays behind.
    assert_eq!(
        names(&workshop.shelf().join("acme/targets/volumat7/9.12")),
        ["early.bin"]
    );
}

#[test]
fn what_a_crash_left_behind_is_swept() {
    let workshop = Workshop::new();
    workshop.publish();
    let shelf = workshop.shelf();
    let before = names(&shelf.join("acme/targets/volumat7"));
    fs::create_dir_all(shelf.join(".import-x/metadata")).unwrap();
    for left in [
        ".import-x/metadata/a",
        "acme/.tmp1",
        "acme/targets/volumat7/.tmp2",
    ] {
        fs::write(shelf.join(left), "half").unwrap();
    }
    std::os::unix::fs::symlink(workshop.keys(), shelf.join(".link")).unwrap();
    sweep(&shelf).unwrap();
    assert_eq!(names(&shelf), ["acme"]);
    assert_eq!(names(&shelf.join("acme/targets/volumat7")), before);
    assert!(!shelf.join("acme/.tmp1").exists());
    assert_eq!(names(&workshop.keys()).len(), 6, "links are not followed");
    assert_eq!(workshop.publish().unchanged, 3);
    sweep(&workshop.dir().join("nothing")).unwrap();
}

#[test]
fn keys_are_their_owners_alone_and_never_overwritten() {
    let workshop = Workshop::new();
    for name in names(&workshop.keys()) {
        let about = fs::metadata(workshop.keys().join(&name)).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(names(&workshop.keys()).len(), 6);
    fs::remove_dir_all(workshop.repository()).unwrap();
    let again = std::panic::catch_unwind(|| workshop.release("9.12", MANIFEST));
    assert!(again.is_err());
}

#[test]
fn a_threshold_that_can_not_be_is_refused() {
    let check = |root_keys, root_threshold| {
        let dir = tempfile::tempdir().unwrap();
        let files = [("volumat7/9.12/early.bin", "a"), (FIRMWARE, "b")]
            .map(|(path, name)| {
                let file = dir.path().join(name);
                fs::write(&file, name).unwrap();
                (path.parse().unwrap(), file)
            })
            .into();
        let made = crate::firmware::make::make(&crate::firmware::make::Make {
            repository: &dir.path().join("repository"),
            keys: &dir.path().join("keys"),
            manifest: MANIFEST.as_bytes(),
            manifest_path: &"volumat7/9.12/release.json".parse().unwrap(),
            files: &files,
            settings: Settings {
                root_keys,
                root_threshold,
                ..Settings::default()
            },
            now: super::workshop::NOW,
        });
        match made {
            Ok(_) => true,
            Err(MakeError::Threshold { .. }) => false,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(check(1, 1) && check(8, 8) && check(5, 3));
    assert!(!check(0, 0) && !check(1, 2) && !check(3, 0) && !check(9, 1));
}

#[test]
fn demonstration_images_are_the_same_everywhere() {
    assert_eq!(demo_image(1, 0), b"");
    let image = demo_image(7, 100);
    assert_eq!(image.len(), 100);
    assert_eq!(demo_image(7, 200)[..100], image);
    assert_ne!(demo_image(8, 100), image);
    assert_eq!(
        fleet::signature::Digest::of(&image).to_string(),
        "931d0648421cd0523370f3a0f434712001c67b6b6dff939315e3796e707c1def"
    );
}
