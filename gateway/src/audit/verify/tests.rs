//! Exports in the hands of somebody who wants them to say something else.

use std::sync::OnceLock;

use chrono::DateTime;
use fleet::{
    audit::{Actor, Entry, Origin, Subject, Word, chain},
    signature::Digest,
    text::Name,
};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::{
    auth::record_key::RecordKey,
    pki::key::{FileKeyStore, KdfCost},
};

/// So many entries are in a whole export; the one of number n stands in line n + 1.
const LAST: i64 = 9;

fn new_key() -> RecordKey {
    let dir = tempfile::tempdir().unwrap();
    let keys = FileKeyStore::new(dir.path().join("keys"), KdfCost::FOR_TESTS);
    RecordKey::open_or_create(&keys, &SecretString::from("only for this test")).unwrap()
}

fn key() -> &'static RecordKey {
    static KEY: OnceLock<RecordKey> = OnceLock::new();
    KEY.get_or_init(new_key)
}

/// A record in which every entry says `what`.
fn record(what: &str) -> Vec<ExportLine> {
    let mut previous = Digest::ZERO;
    let line = |number: i64| {
        let entry = Entry {
            number,
            at: DateTime::from_timestamp(1_800_000_000 + number, 0).unwrap(),
            actor: Actor::Gateway,
            origin: Origin::default(),
            action: Word::literal("pump_held"),
            subject: Subject {
                kind: Word::literal("pump"),
                id: format!("SN-{number}"),
            },
            before: None,
            after: Some(json!({ "hold": what })),
            reason: None,
        };
        previous = chain(previous, &entry);
        ExportLine {
            entry,
            hash: previous,
        }
    };
    (1..=LAST).map(line).collect()
}

fn at(line: &ExportLine) -> Checkpoint {
    Checkpoint {
        number: line.entry.number,
        hash: line.hash,
        at: line.entry.at,
    }
}

fn signed_by(key: &RecordKey, line: &ExportLine) -> SignedCheckpoint {
    SignedCheckpoint::sign(key, at(line)).unwrap()
}

/// An export as it is changed by a test.
struct File {
    header: Header,
    lines: Vec<String>,
}

impl File {
    /// With checkpoints of these entries.
    fn of(record: &[ExportLine], key: &RecordKey, checkpoints: &[usize]) -> Self {
        let header = Header {
            format: FORMAT.to_owned(),
            hospital: Name::new("County").unwrap(),
            exported_at: DateTime::from_timestamp(1_900_000_000, 0).unwrap(),
            after: None,
            last: record.last().map_or(0, |line| line.entry.number),
            checkpoints: checkpoints
                .iter()
                .rev()
                .map(|number| signed_by(key, &record[number - 1]))
                .collect(),
            key: key.public().to_pem(),
        };
        Self {
            header,
            lines: record.iter().map(ExportLine::to_line).collect(),
        }
    }

    fn whole() -> Self {
        Self::of(&record("clinical"), key(), &[4, 9])
    }

    /// The part behind an entry.
    fn part(after: usize, checkpoints: &[usize]) -> Self {
        let record = record("clinical");
        let mut file = Self::of(&record, key(), checkpoints);
        file.header.after = Some(at(&record[after - 1]));
        file.lines.drain(..after);
        file
    }

    fn text(&self) -> String {
        let header = serde_json::to_string(&self.header).unwrap();
        let lines = std::iter::once(&header).chain(&self.lines).map(String::as_str);
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    fn verify(&self, carried: &[SignedCheckpoint]) -> Result<Report, VerifyProblem> {
        file(self.text().as_bytes(), Some(key().public()), carried, |_, _| {})
    }
}

#[test]
fn a_whole_export_holds_and_says_by_what() {
    let text = File::whole().text();
    let mut told = Vec::new();
    let pinned = Some(key().public());
    let report = file(text.as_bytes(), pinned, &[], |bytes, entries| {
        told.push((bytes, entries));
    })
    .unwrap();
    let record = record("clinical");
    let expected = Report {
        verified: Verified {
            count: 9,
            last: 9,
            hash: record[8].hash,
        },
        checkpoints: 2,
        covered_to: 9,
        key_id: Some(key().id().to_owned()),
        key_is_pinned: true,
    };
    assert_eq!(report, expected);
    assert_eq!(told.len(), 9);
    assert_eq!(told.last(), Some(&(text.len() as u64, 9)));
    // The last line feed is not part of anything; and the key of the file is worth less.
    let report = file(text.trim_end().as_bytes(), None, &[], |_, _| {}).unwrap();
    assert!(!report.key_is_pinned);
    let none = File::of(&record, key(), &[]).verify(&[]).unwrap();
    assert_eq!((none.checkpoints, none.covered_to), (0, 0));
    let empty = File::of(&[], key(), &[]).verify(&[]).unwrap();
    assert_eq!((empty.verified.count, empty.verified.last), (0, 0));
}

#[test]
fn the_first_wrong_entry_is_named_with_its_line() {
    type Change = fn(&mut Vec<String>);
    let check = |change: Change, entry: i64, fault: Fault, line: Option<u64>| {
        let mut file = File::whole();
        change(&mut file.lines);
        let problem = file.verify(&[]).unwrap_err();
        assert_eq!(problem.entry(), Some(entry), "{problem}");
        assert_eq!(problem.fault(), Some(fault), "{problem}");
        let said = problem.to_string();
        if let Some(line) = line {
            assert!(said.contains(&format!("line {line}")), "{said}");
        }
    };
    let six = "6 is in place 5";
    assert!(File::whole().lines[5].contains("\"number\":6"), "{six}");
    check(
        |lines| lines[5] = lines[5].replace("clinical", "security"),
        6,
        Fault::Altered,
        Some(7),
    );
    check(
        |lines| lines[5] = lines[5].replace("SN-6", "SN-5"),
        6,
        Fault::Altered,
        Some(7),
    );
    check(|lines| lines[5].insert(1, ' '), 6, Fault::Altered, Some(7));
    check(|lines| lines[5].push('\r'), 6, Fault::Altered, Some(7));
    check(|lines| lines[5].clear(), 6, Fault::Altered, Some(7));
    check(|lines| lines[5] = "[".repeat(100_000), 6, Fault::Altered, Some(7));
    check(
        |lines| lines[5] = "x".repeat(3 * LINE_MAX),
        6,
        Fault::Altered,
        Some(7),
    );
    check(|lines| lines[5].truncate(40), 6, Fault::Altered, Some(7));
    check(|lines| drop(lines.remove(5)), 6, Fault::Missing, Some(7));
    check(|lines| drop(lines.remove(0)), 1, Fault::Missing, Some(2));
    check(|lines| drop(lines.drain(5..8)), 6, Fault::Missing, None);
    check(|lines| lines.swap(5, 6), 6, Fault::Reordered, Some(8));
    check(
        |lines| lines.insert(5, lines[2].clone()),
        3,
        Fault::Duplicated,
        Some(7),
    );
    check(|lines| drop(lines.pop()), 9, Fault::Truncated, None);
    check(Vec::clear, 1, Fault::Truncated, None);
    check(
        |lines| *lines = record("another").iter().map(ExportLine::to_line).collect(),
        4,
        Fault::HashMismatch,
        Some(5),
    );
    // One that hashes well and was never written, behind everything that is covered.
    check(
        |lines| {
            let mut more = record("clinical").pop().unwrap();
            more.entry.number = LAST + 1;
            lines.push(more.to_line());
        },
        LAST + 1,
        Fault::Altered,
        Some(11),
    );
}

#[test]
fn a_checkpoint_that_was_carried_elsewhere_finds_what_the_file_does_not_tell() {
    let genuine = record("clinical");
    let carried = [signed_by(key(), &genuine[6])];
    let check = |file: &File, entry: i64, fault: Fault| {
        let problem = file.verify(&carried).unwrap_err();
        assert_eq!(
            (problem.entry(), problem.fault()),
            (Some(entry), Some(fault)),
            "{problem}"
        );
    };
    assert_eq!(
        File::of(&genuine, key(), &[])
            .verify(&carried)
            .unwrap()
            .covered_to,
        7
    );
    check(&File::of(&genuine[..5], key(), &[4]), 6, Fault::Truncated);
    check(&File::of(&record("another"), key(), &[]), 7, Fault::HashMismatch);
    // Without it, both hold as far as anybody can tell.
    File::of(&genuine[..5], key(), &[4]).verify(&[]).unwrap();
    File::of(&record("another"), key(), &[]).verify(&[]).unwrap();
    // One of another gateway does not count.
    let foreign = signed_by(&new_key(), &genuine[6]);
    let problem = File::whole().verify(&[foreign]).unwrap_err();
    assert!(
        matches!(problem, VerifyProblem::Forged { number: 7, .. }),
        "{problem}"
    );
}

#[test]
fn an_end_that_did_not_arrive_is_missed_without_any_checkpoint() {
    let mut file = File::of(&record("clinical"), key(), &[]);
    file.lines.truncate(7);
    let problem = file.verify(&[]).unwrap_err();
    assert!(
        matches!(
            problem,
            VerifyProblem::Incomplete {
                last: 9,
                holds_up_to: 7
            }
        ),
        "{problem}"
    );
    assert_eq!(
        (problem.entry(), problem.fault()),
        (Some(8), Some(Fault::Truncated))
    );
}

#[test]
fn a_part_begins_where_a_checkpoint_says() {
    let report = File::part(4, &[9]).verify(&[]).unwrap();
    assert_eq!((report.verified.count, report.covered_to), (5, 9));
    // The checkpoint of the beginning counts; without one nothing covers it.
    assert_eq!(File::part(4, &[4]).verify(&[]).unwrap().covered_to, 4);
    assert_eq!(File::part(4, &[2]).verify(&[]).unwrap().covered_to, 0);
    // A beginning of somebody's making, with entries that hang on it.
    let mut forged = File::part(4, &[4]);
    let another = record("another");
    forged.header.after = Some(at(&another[3]));
    forged.lines = another[4..].iter().map(ExportLine::to_line).collect();
    let problem = forged.verify(&[]).unwrap_err();
    assert_eq!(
        (problem.entry(), problem.fault()),
        (Some(4), Some(Fault::HashMismatch))
    );
    forged.header.checkpoints.clear();
    assert_eq!(forged.verify(&[]).unwrap().covered_to, 0);
    let carried = signed_by(key(), &record("clinical")[7]);
    let problem = forged.verify(&[carried]).unwrap_err();
    assert_eq!(
        (problem.entry(), problem.fault()),
        (Some(8), Some(Fault::HashMismatch))
    );
    for number in [i64::MIN, -1, 0, i64::MAX] {
        let mut hostile = File::part(4, &[]);
        hostile.header.after.as_mut().unwrap().number = number;
        assert!(hostile.verify(&[]).is_err(), "{number}");
    }
}

#[test]
fn a_header_that_was_changed_is_found_out() {
    let check = |change: &dyn Fn(&mut Header), expected: &str| {
        let mut file = File::whole();
        change(&mut file.header);
        let said = file.verify(&[]).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    };
    check(&|header| header.format.push('2'), "the format is");
    check(&|header| header.key.clear(), "not a public key");
    check(
        &|header| header.key = new_key().public().to_pem(),
        "another gateway's record",
    );
    check(
        &|header| header.checkpoints[1].checkpoint.number = 5,
        "entry 5 is not signed",
    );
    check(
        &|header| header.checkpoints[0].signature.clear(),
        "entry 9 is not signed",
    );
    check(
        &|header| header.checkpoints[0] = signed_by(&new_key(), &record("another")[8]),
        "entry 9 is not signed",
    );
    for first in ["", "\n", "{}\n", "[[[[\n", "\u{0}", &"{".repeat(5 * 1024 * 1024)] {
        let problem = file(first.as_bytes(), None, &[], |_, _| {}).unwrap_err();
        assert!(matches!(problem, VerifyProblem::Header { .. }), "{problem}");
    }
}

proptest! {
    /// Whatever bit of the entries is changed: it is found, and the record holds up to there. (The entry that is named can be
    /// another: a changed number makes a later one early, or an earlier one a double.)
    #[test]
    fn no_flipped_bit_goes_unnoticed(place in any::<proptest::sample::Index>(), bit in 0..8_u8) {
        let mut text = File::whole().text().into_bytes();
        let header = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        // The last line feed may be anything that ends a file.
        let place = header + place.index(text.len() - 1 - header);
        let line = text[header..place].split(|byte| *byte == b'\n').count();
        text[place] ^= 1 << bit;
        let problem = file(text.as_slice(), Some(key().public()), &[], |_, _| {}).unwrap_err();
        let holds = format!("the record holds up to entry {}", line - 1);
        prop_assert!(problem.to_string().contains(&holds), "line {}: {}", line, problem);
    }

    #[test]
    fn garbage_is_a_problem_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let read = file(bytes.as_slice(), None, &[], |_, _| {});
        prop_assert!(read.is_err());
        let mut text = File::whole().text().into_bytes();
        text.extend(&bytes);
        prop_assert_eq!(file(text.as_slice(), None, &[], |_, _| {}).is_ok(), bytes.is_empty());
    }
}
