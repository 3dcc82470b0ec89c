//! What is refused, and in which words.

use std::fs;

use serde_json::{Value, json};

use super::workshop::{FIRMWARE, MANIFEST, NOW, Workshop, flip, too_late};
use crate::firmware::{
    make::{KeyKind, Settings},
    problem::{ImportError, Role},
};

fn refusal(workshop: &Workshop) -> String {
    workshop.check().unwrap_err().to_string()
}

#[test]
fn what_is_sound_is_taken_by_every_kind_of_repository() {
    for kind in [KeyKind::Ed25519, KeyKind::P256] {
        for consistent_snapshot in [true, false] {
            let workshop = Workshop::with(Settings {
                kind,
                consistent_snapshot,
                ..Settings::default()
            });
            let checked = workshop.check().unwrap();
            assert_eq!(checked.consistent_snapshot, consistent_snapshot);
            assert_eq!((checked.root.version, checked.timestamp.version), (1, 1));
            assert_eq!(checked.targets.expires, NOW + workshop.settings.expires);
            let [release] = checked.releases.as_slice() else {
                panic!("one release")
            };
            assert_eq!(release.path.as_str(), "volumat7/9.12/release.json");
            assert_eq!(release.bytes, MANIFEST.as_bytes());
            let files: Vec<_> = release
                .files
                .iter()
                .map(|file| (file.path.as_str(), file.length))
                .collect();
            assert_eq!(files, [("volumat7/9.12/early.bin", 100_000), (FIRMWARE, 100_001)]);
        }
    }
}

#[test]
fn tampering_is_refused_in_plain_words() {
    let check = |spoil: fn(&Workshop), expected: &str| {
        let workshop = Workshop::new();
        spoil(&workshop);
        let error = refusal(&workshop);
        assert!(error.contains(expected), "{expected}\n  {error}");
    };
    check(
        |w| flip(&w.target(FIRMWARE)),
        "the target `volumat7/9.12/main.bin` was altered: its SHA-256 is ",
    );
    check(
        |w| flip(&w.target("volumat7/9.12/release.json")),
        "the target `volumat7/9.12/release.json` was altered",
    );
    check(
        |w| fs::write(w.target(FIRMWARE), b"short").unwrap(),
        "the target `volumat7/9.12/main.bin` has 5 bytes, and 100001 were signed for",
    );
    check(
        |w| fs::write(w.target(FIRMWARE), vec![0; 200_000]).unwrap(),
        "the target `volumat7/9.12/main.bin` has 100002 bytes, and 100001 were signed for",
    );
    check(
        |w| fs::remove_file(w.target(FIRMWARE)).unwrap(),
        "the target `volumat7/9.12/main.bin` is not in the repository's directory `targets`",
    );
    check(
        |w| {
            let file = w.target(FIRMWARE);
            fs::rename(&file, w.dir().join("elsewhere")).unwrap();
            std::os::unix::fs::symlink(w.dir().join("elsewhere"), file).unwrap();
        },
        "the target `volumat7/9.12/main.bin` is not in the repository's directory `targets`",
    );
    for (file, name) in [
        ("1.targets.json", "`1.targets.json`"),
        ("1.snapshot.json", "`1.snapshot.json`"),
    ] {
        let workshop = Workshop::new();
        flip(&workshop.metadata(file));
        let error = refusal(&workshop);
        assert!(
            error.starts_with(&format!("{name} is not the file that was signed for")),
            "{error}"
        );
        fs::remove_file(workshop.metadata(file)).unwrap();
        assert_eq!(refusal(&workshop), format!("{name} is missing from the metadata"));
    }
    check(
        |w| {
            let path = w.metadata("timestamp.json");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace("2027-07", "2028-07")).unwrap();
        },
        "the timestamp metadata is not signed by the manufacturer: 0 of 1 signatures are good",
    );
    check(
        |w| fs::write(w.metadata("timestamp.json"), "{}").unwrap(),
        "the timestamp metadata can not be read: missing field",
    );
    check(
        |w| fs::write(w.metadata("1.targets.json"), vec![b' '; 11_000_000]).unwrap(),
        "the metadata make no sense",
    );
    check(
        |w| {
            let long = [fs::read(w.metadata("1.targets.json")).unwrap(), vec![b' '; 9]].concat();
            fs::write(w.metadata("1.targets.json"), long).unwrap();
        },
        "`1.targets.json` is longer than the signed metadata say",
    );
}

#[test]
fn a_root_needs_its_threshold() {
    let workshop = Workshop::new();
    workshop.next_root(1, |_| ());
    assert!(
        refusal(&workshop)
            .starts_with("the root metadata is not signed by the manufacturer: 1 of 2 signatures are good"),
    );
    workshop.next_root(2, |_| ());
    assert_eq!(workshop.check().unwrap().root.version, 2);
    workshop.next_root(3, |body| body["version"] = json!(3));
    assert_eq!(
        refusal(&workshop),
        "files of different states of the repository are mixed: the root metadata has version 3, and version 2 is named for it"
    );

    // Another manufacturer's root opens nothing of this one.
    let other = Workshop::new();
    let error = workshop
        .check_of(&other.repository(), &workshop.root(), NOW)
        .unwrap_err();
    assert!(
        matches!(error, ImportError::BelowThreshold { valid: 0, .. }),
        "{error}"
    );
}

#[test]
fn a_root_of_trust_that_is_none_is_refused() {
    let workshop = Workshop::new();
    let huge = String::from_utf8(workshop.root())
        .unwrap()
        .replace("\"version\": 1", "\"version\": 18446744073709551615");
    let unsigned = String::from_utf8(workshop.root())
        .unwrap()
        .replace("\"version\": 1", "\"version\": 7");
    for bad in ["", "{}", "[1, 2]", &"[".repeat(100_000), &huge, &unsigned] {
        let error = workshop
            .check_of(&workshop.repository(), bad.as_bytes(), NOW)
            .unwrap_err();
        assert!(matches!(error, ImportError::TrustedRoot { .. }), "{error}");
    }
}

#[test]
fn what_has_expired_is_named_with_its_role() {
    let check = |name: &str, role: Role| {
        let workshop = Workshop::new();
        let expire = |body: &mut Value| body["expires"] = json!("2027-01-15T08:00:00Z");
        workshop.name_by_version_only();
        workshop.rewrite(name, role, expire);
        let error = workshop.check().unwrap_err();
        assert!(
            matches!(error, ImportError::Expired { role: expired, expired: at } if expired == role && at == NOW),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .starts_with(&format!("the {role} metadata expired on 2027-01-15 08:00:00 UTC")),
            "{error}"
        );
    };
    check("timestamp.json", Role::Timestamp);
    check("1.snapshot.json", Role::Snapshot);
    check("1.targets.json", Role::Targets);

    let workshop = Workshop::new();
    workshop.next_root(3, |body| body["expires"] = json!("2027-01-15T07:59:59Z"));
    assert!(matches!(
        workshop.check().unwrap_err(),
        ImportError::Expired { role: Role::Root, .. }
    ));

    // A copy that somebody froze, and that was good once.
    let workshop = Workshop::new();
    let error = workshop
        .check_of(&workshop.repository(), &workshop.root(), too_late())
        .unwrap_err();
    assert!(matches!(
        error,
        ImportError::Expired {
            role: Role::Timestamp,
            ..
        }
    ));
}

#[test]
fn what_is_older_than_what_was_seen_is_refused() {
    let workshop = Workshop::new();
    let old = workshop.copy("old");
    workshop.release("9.13", &Workshop::manifest("9.13"));
    workshop.publish();
    let check = |source: &std::path::Path| workshop.check_of(source, &workshop.root(), NOW).unwrap_err();
    let error = check(&old);
    assert!(
        matches!(
            error,
            ImportError::RolledBack {
                role: Role::Timestamp,
                from: 2,
                to: 1
            }
        ),
        "{error}"
    );
    assert!(error.to_string().starts_with(
        "the timestamp metadata was rolled back: version 1 is given, and version 2 was seen before"
    ),);

    // The timestamp is new, and what it names is old.
    workshop.rewrite("timestamp.json", Role::Timestamp, |body| {
        body["version"] = json!(3);
        body["meta"]["snapshot.json"] = json!({ "version": 1 });
    });
    let error = workshop.check().unwrap_err();
    assert!(
        matches!(
            error,
            ImportError::RolledBack {
                role: Role::Snapshot,
                from: 2,
                to: 1
            }
        ),
        "{error}"
    );

    // A root that was seen is where the next import starts, though a copy without it is handed in.
    let workshop = Workshop::new();
    let without = workshop.copy("without");
    workshop.next_root(3, |_| ());
    workshop.publish();
    let checked = workshop.check_of(&without, &workshop.root(), NOW).unwrap();
    assert_eq!(checked.root.version, 2);
    // A person who trusts another root starts anew.
    let other = Workshop::new();
    let checked = workshop
        .check_of(&other.repository(), &other.root(), NOW)
        .unwrap();
    assert_eq!(checked.root.version, 1);
}

#[test]
fn a_key_that_changed_does_not_forget_what_was_seen_since() {
    let workshop = Workshop::new();
    let donor = Workshop::new();
    // The timestamp's key changes: its versions start anew, once.
    workshop.release("9.13", &Workshop::manifest("9.13"));
    workshop.publish();
    let new_root: Value = serde_json::from_slice(&donor.root()).unwrap();
    fs::copy(
        donor.keys().join("timestamp-1.key.pem"),
        workshop.keys().join("timestamp-1.key.pem"),
    )
    .unwrap();
    workshop.next_root(3, |body| {
        let role = &new_root["signed"]["roles"]["timestamp"];
        let id = role["keyids"][0].as_str().unwrap();
        body["roles"]["timestamp"] = role.clone();
        body["keys"][id] = new_root["signed"]["keys"][id].clone();
    });
    workshop.rewrite("timestamp.json", Role::Timestamp, |body| {
        body["version"] = json!(5);
    });
    workshop.publish();
    // Under the same key there is no way back, although the trusted root is the first one still.
    workshop.rewrite("timestamp.json", Role::Timestamp, |body| {
        body["version"] = json!(4);
    });
    let error = workshop.check().unwrap_err();
    assert!(
        matches!(
            error,
            ImportError::RolledBack {
                role: Role::Timestamp,
                from: 5,
                to: 4
            }
        ),
        "{error}"
    );
}

#[test]
fn files_of_different_states_are_not_mixed() {
    let workshop = Workshop::new();
    workshop.name_by_version_only();
    workshop.rewrite("1.targets.json", Role::Targets, |body| body["version"] = json!(2));
    let error = workshop.check().unwrap_err();
    assert!(
        matches!(
            error,
            ImportError::Mixed {
                role: Role::Targets,
                found: 2,
                expected: 1
            }
        ),
        "{error}"
    );
}

#[test]
fn a_release_that_makes_no_sense_is_refused_with_its_fields() {
    // Signed by the manufacturer, and wrong all the same.
    let sign = |workshop: &Workshop, change: &dyn Fn(&mut Value)| {
        workshop.name_by_version_only();
        workshop.rewrite("1.targets.json", Role::Targets, |body| {
            change(&mut body["targets"]);
        });
    };
    let check = |change: &dyn Fn(&mut Value), expected: &str| {
        let workshop = Workshop::new();
        sign(&workshop, change);
        assert_eq!(refusal(&workshop), expected);
    };
    check(
        &|targets| drop(targets.as_object_mut().unwrap().remove(FIRMWARE)),
        "`volumat7/9.12/main.bin` is not among the signed targets, and volumat7/9.12/release.json names it",
    );
    check(
        &|targets| {
            drop(
                targets
                    .as_object_mut()
                    .unwrap()
                    .remove("volumat7/9.12/release.json"),
            );
        },
        "there is no release in the repository: no target is called `release.json`, at the top or in a directory",
    );

    let workshop = Workshop::new();
    let bad = MANIFEST
        .replace("\"floor\": 40", "\"floor\": 43")
        .replace("\"Volumat 7s\"", "\"Volumat 7\"");
    let file = workshop.target("volumat7/9.12/release.json");
    fs::write(file, &bad).unwrap();
    sign(&workshop, &|targets| {
        let sha256 = fleet::signature::Digest::of(bad.as_bytes()).to_string();
        targets["volumat7/9.12/release.json"] =
            json!({ "length": bad.len(), "hashes": { "sha256": sha256 } });
    });
    // The file is called by its hash, and the old one is gone.
    assert!(
        refusal(&workshop).contains("is not in the repository's directory"),
        "{}",
        refusal(&workshop)
    );
    let plain = workshop.repository().join("targets/volumat7/9.12/release.json");
    fs::write(plain, &bad).unwrap();
    let error = refusal(&workshop);
    for part in [
        "volumat7/9.12/release.json: ",
        "\n  `models[1]`: ",
        "\n  `security.floor`: ",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

/// A pump looks for the manifest beside what it was told to install.
#[test]
fn a_manifest_in_another_directory_than_its_files_is_refused() {
    let workshop = Workshop::new();
    let file = workshop.target("volumat7/9.12/release.json");
    let up = workshop
        .repository()
        .join("targets/volumat7")
        .join(file.file_name().unwrap());
    fs::rename(&file, up).unwrap();
    workshop.rewrite("1.targets.json", Role::Targets, |body| {
        let targets = body["targets"].as_object_mut().unwrap();
        let manifest = targets.remove("volumat7/9.12/release.json").unwrap();
        targets.insert("volumat7/release.json".to_owned(), manifest);
    });
    workshop.name_by_version_only();
    let error = workshop.check().unwrap_err();
    assert!(matches!(error, ImportError::ManifestElsewhere { .. }), "{error}");
    // The manufacturer's own tool does not let it come to that.
    let moved = MANIFEST.replace("volumat7/9.12/main.bin", "volumat7/main.bin");
    let make = std::panic::catch_unwind(|| workshop.release("9.13", &moved));
    assert!(make.is_err());
}
