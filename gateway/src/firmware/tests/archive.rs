//! Repositories that come as one file.

use std::{fs, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, EntryType, Header};

use super::workshop::{NOW, Workshop};
use crate::firmware::{
    problem::ImportError,
    source::{ArchiveLimits, Source, SourceError, Unsafe},
};

/// An archive of the repository, below a directory of its own or not.
fn pack(workshop: &Workshop, below: &str, gzip: bool) -> std::path::PathBuf {
    let mut builder = Builder::new(Vec::new());
    builder.append_dir_all(below, workshop.repository()).unwrap();
    let bytes = builder.into_inner().unwrap();
    let path = workshop.dir().join("archive");
    if gzip {
        let mut encoder = GzEncoder::new(fs::File::create(&path).unwrap(), Compression::fast());
        encoder.write_all(&bytes).unwrap();
        encoder.finish().unwrap();
    } else {
        fs::write(&path, bytes).unwrap();
    }
    path
}

#[test]
fn an_archive_is_as_good_as_a_directory() {
    for (below, gzip) in [(".", false), (".", true), ("acme-2027-01", true)] {
        let workshop = Workshop::new();
        let archive = pack(&workshop, below, gzip);
        let checked = workshop.check_of(&archive, &workshop.root(), NOW).unwrap();
        assert_eq!(checked.releases.len(), 1);
        let unpacked = || fs::read_dir(workshop.shelf()).unwrap().count();
        assert_eq!(unpacked(), 1);
        drop(checked);
        assert_eq!(unpacked(), 0, "nothing stays behind");
    }
}

#[test]
fn what_is_no_archive_or_ends_too_early_is_refused() {
    let workshop = Workshop::new();
    let archive = pack(&workshop, ".", true);
    let whole = fs::read(&archive).unwrap();
    let check = |bytes: &[u8]| {
        fs::write(&archive, bytes).unwrap();
        let error = workshop.check_of(&archive, &workshop.root(), NOW).unwrap_err();
        assert!(matches!(error, ImportError::Source(_)), "{error}");
    };
    check(b"");
    check(b"hello");
    check(&whole[..whole.len() / 2]);
    check(&[0x1f, 0x8b]);
    check(&[0; 4096]);
    let nowhere = workshop.dir().join("nowhere");
    assert!(workshop.check_of(&nowhere, &workshop.root(), NOW).is_err());
    assert!(workshop.check_of(workshop.dir(), &workshop.root(), NOW).is_err());
}

/// An archive of one entry, with a name that no tool writes by itself.
fn one(name: &[u8], kind: EntryType, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    let mut builder = Builder::new(Vec::new());
    builder.append(&header, content).unwrap();
    builder.into_inner().unwrap()
}

fn open(bytes: &[u8], limits: ArchiveLimits) -> (Result<(), SourceError>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("archive");
    fs::write(&archive, bytes).unwrap();
    let outcome = Source::open(&archive, &dir.path().join("scratch/deep"), limits).map(drop);
    (outcome, dir)
}

fn files(dir: &Path) -> usize {
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            if entry.path().is_dir() {
                files(&entry.path())
            } else {
                1
            }
        })
        .sum()
}

#[test]
fn nothing_is_written_outside() {
    let check = |name: &[u8], kind: EntryType, expected: Unsafe| {
        let (outcome, dir) = open(&one(name, kind, 1, b"x"), ArchiveLimits::default());
        match outcome {
            Err(SourceError::Unsafe { problem, .. }) => {
                assert_eq!(problem, expected, "{}", String::from_utf8_lossy(name));
            }
            other => panic!("{}: {other:?}", String::from_utf8_lossy(name)),
        }
        assert_eq!(files(dir.path()), 1, "the archive and nothing else");
    };
    check(b"/etc/evil", EntryType::Regular, Unsafe::Absolute);
    check(b"../evil", EntryType::Regular, Unsafe::LeadsOut);
    check(b"metadata/../../evil", EntryType::Regular, Unsafe::LeadsOut);
    check(b"metadata/..", EntryType::Directory, Unsafe::LeadsOut);
    check(b"a\\b", EntryType::Regular, Unsafe::Name);
    check(b"a\nb", EntryType::Regular, Unsafe::Name);
    check(b"a\xffb", EntryType::Regular, Unsafe::Name);
    check(b"./", EntryType::Regular, Unsafe::Name);
    check(b"link", EntryType::Symlink, Unsafe::Link);
    check(b"link", EntryType::Link, Unsafe::Link);
    check(b"device", EntryType::Char, Unsafe::Kind);
    check(b"device", EntryType::Block, Unsafe::Kind);
    check(b"pipe", EntryType::Fifo, Unsafe::Kind);
    check(b"holes", EntryType::GNUSparse, Unsafe::Kind);
    let once = one(b"metadata/a", EntryType::Regular, 1, b"x");
    let twice = [&once[..1024], &once[..]].concat();
    let (outcome, _dir) = open(&twice, ArchiveLimits::default());
    assert!(
        matches!(
            &outcome,
            Err(SourceError::Unsafe {
                problem: Unsafe::Twice,
                ..
            })
        ),
        "{outcome:?}"
    );
}

#[test]
fn an_archive_is_counted_before_it_is_written() {
    let small = ArchiveLimits {
        entries: 2,
        bytes: 1000,
    };
    let file = |n: u8| one(&[b'a' + n], EntryType::Regular, 1, b"x")[..1024].to_vec();
    let many: Vec<u8> = (0..3).flat_map(file).chain([0; 1024]).collect();
    assert!(matches!(open(&many, small).0, Err(SourceError::TooMany(2))));
    let huge = one(b"a", EntryType::Regular, 1001, &[0; 1001]);
    assert!(matches!(open(&huge, small).0, Err(SourceError::TooLarge(1000))));
    // A name that would fill the memory, by either way of writing one.
    for kind in [EntryType::GNULongName, EntryType::XHeader] {
        let endless = one(b"././@LongLink", kind, 1 << 40, b"x");
        let (outcome, _dir) = open(&endless, ArchiveLimits::default());
        assert!(
            matches!(
                &outcome,
                Err(SourceError::Unsafe {
                    problem: Unsafe::Name,
                    ..
                })
            ),
            "{outcome:?}"
        );
    }
    // A name by a header of its own is taken apart like any other.
    let mut builder = Builder::new(Vec::new());
    builder
        .append_pax_extensions([("path", b"../evil".as_slice())])
        .unwrap();
    let mut whole = builder.into_inner().unwrap();
    whole.truncate(whole.len() - 1024);
    whole.extend(one(b"fine", EntryType::Regular, 1, b"x"));
    let (outcome, _dir) = open(&whole, ArchiveLimits::default());
    assert!(
        matches!(
            &outcome,
            Err(SourceError::Unsafe {
                problem: Unsafe::LeadsOut,
                ..
            })
        ),
        "{outcome:?}"
    );
}

#[test]
fn no_name_leads_out() {
    use proptest::prelude::*;
    proptest!(|(name in "(\\.\\.|/|a|b|\\\\|\\.|\\PC){0,20}", kind in any::<u8>())| {
        let name: Vec<u8> = name.into_bytes().into_iter().take(90).collect();
        let kind = EntryType::new(kind);
        let (_, dir) = open(&one(&name, kind, 1, b"x"), ArchiveLimits::default());
        // The directory it was unpacked into is gone again, and nothing else was written.
        prop_assert_eq!(files(dir.path()), 1);
    });
}
