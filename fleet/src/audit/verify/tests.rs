use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::{
    super::{Actor, Word, entry::tests::entry},
    *,
};
use crate::text::{Name, Reason};

type Record = Vec<(Entry, Digest)>;

/// Entries 1 to `length`, well chained.
fn record(length: i64) -> Record {
    let mut hash = Digest::ZERO;
    (1..=length)
        .map(|number| {
            let entry = entry(number);
            hash = chain(hash, &entry);
            (entry, hash)
        })
        .collect()
}

fn checkpoint(record: &Record, number: i64) -> Checkpoint {
    let (entry, hash) = record.iter().find(|(entry, _)| entry.number == number).unwrap();
    Checkpoint {
        number,
        hash: *hash,
        at: entry.at,
    }
}

/// Makes the hashes anew from an entry on, as somebody with the whole table can.
fn rehash(record: &mut Record) {
    let mut hash = Digest::ZERO;
    for (entry, stored) in record {
        hash = chain(hash, entry);
        *stored = hash;
    }
}

fn found(verified: Result<Verified, Broken>) -> Option<(i64, Fault)> {
    verified.err().map(|broken| (broken.number, broken.what))
}

#[test]
fn an_honest_record_holds_whole_and_in_parts() {
    let whole = record(9);
    let end = checkpoint(&whole, 9);
    let check = |start, part: Record, expected, count| {
        let verified = verify(part, start, expected);
        let (last, hash) = (end.number, end.hash);
        assert_eq!(verified, Ok(Verified { count, last, hash }));
    };
    check(Start::Genesis, whole.clone(), None, 9);
    check(Start::Genesis, whole.clone(), Some(end), 9);
    check(Start::Genesis, whole.clone(), Some(checkpoint(&whole, 4)), 9);
    let from = Start::After(checkpoint(&whole, 4));
    check(from, whole[4..].to_vec(), Some(end), 5);
    check(Start::After(end), vec![], Some(end), 0);
    let empty = verify(vec![], Start::Genesis, None).unwrap();
    assert_eq!((empty.count, empty.last, empty.hash), (0, 0, Digest::ZERO));
}

#[test]
fn every_field_is_under_the_hash() {
    let check = |change: fn(&mut Entry)| {
        let mut record = record(5);
        let before = record[2].0.clone();
        change(&mut record[2].0);
        assert_ne!(record[2].0, before, "nothing was changed");
        let verified = verify(record, Start::Genesis, None);
        assert_eq!(found(verified), Some((3, Fault::Altered)));
    };
    check(|e| e.at += TimeDelta::microseconds(1));
    check(|e| e.actor = Actor::Gateway);
    check(|e| {
        if let Actor::Person { name, .. } = &mut e.actor {
            *name = Name::new("Eve").unwrap();
        }
    });
    check(|e| {
        if let Actor::Person { account, .. } = &mut e.actor {
            *account = crate::id::AccountId::from_uuid(Uuid::from_u128(66));
        }
    });
    check(|e| e.origin.address = None);
    check(|e| e.origin.address = Some("10.4.0.8".parse().unwrap()));
    check(|e| e.origin.device = None);
    check(|e| e.origin.device.as_mut().unwrap().name = Name::new("Tablet").unwrap());
    check(|e| e.origin.device.as_mut().unwrap().id = crate::id::DeviceId::from_uuid(Uuid::nil()));
    check(|e| e.action = Word::literal("pump_release"));
    check(|e| e.subject.kind = Word::literal("account"));
    check(|e| e.subject.id.push('0'));
    check(|e| e.before = None);
    check(|e| e.before = Some(json!({ "hold": "" })));
    check(|e| e.after = Some(json!({ "hold": "clinical", "rate": 0.100_000_000_000_000_02 })));
    check(|e| e.after = Some(json!({ "hold": "clinical", "rate": 0.1, "more": null })));
    check(|e| e.reason = None);
    check(|e| e.reason = Some(Reason::new("other").unwrap()));
}

#[test]
fn what_was_done_to_the_record_is_named() {
    let check = |damage: fn(&mut Record), expected: (i64, Fault)| {
        let mut damaged = record(9);
        damage(&mut damaged);
        let with_checkpoint = verify(damaged.clone(), Start::Genesis, Some(checkpoint(&record(9), 9)));
        assert_eq!(found(with_checkpoint), Some(expected));
        let alone = verify(damaged, Start::Genesis, None);
        assert!(alone.is_ok() || found(alone) == Some(expected));
    };
    check(|r| drop(r.remove(0)), (1, Fault::Missing));
    check(|r| drop(r.remove(4)), (5, Fault::Missing));
    check(|r| drop(r.remove(7)), (8, Fault::Missing));
    check(|r| drop(r.drain(2..5)), (3, Fault::Missing));
    check(|r| r.truncate(8), (9, Fault::Truncated));
    check(|r| r.truncate(3), (4, Fault::Truncated));
    check(Vec::clear, (1, Fault::Truncated));
    check(|r| r.swap(4, 5), (5, Fault::Reordered));
    check(|r| r.swap(2, 7), (3, Fault::Reordered));
    check(|r| r.swap(7, 8), (8, Fault::Reordered));
    check(|r| r.insert(4, r[3].clone()), (4, Fault::Duplicated));
    check(|r| r.push(r[0].clone()), (1, Fault::Duplicated));
    check(|r| r[4].1 = Digest::ZERO, (5, Fault::Altered));
    check(|r| r[0].0.number = 0, (0, Fault::Reordered));
    check(|r| r[8].0.number = i64::MAX, (9, Fault::Missing));
    check(|r| r[3].0.number = i64::MIN, (i64::MIN, Fault::Reordered));
    // Two rows whose contents were exchanged under their numbers.
    check(
        |r| {
            let (a, b) = (r[4].clone(), r[5].clone());
            (r[4], r[5]) = (b, a);
            (r[4].0.number, r[5].0.number) = (5, 6);
        },
        (5, Fault::Altered),
    );
    // An entry that is put in, with a hash of its own that fits, and all behind it counted up.
    check(
        |r| {
            let mut forged = r[3].0.clone();
            forged.number = 5;
            let hash = chain(r[3].1, &forged);
            for (entry, _) in &mut r[4..] {
                entry.number += 1;
            }
            r.insert(4, (forged, hash));
        },
        (6, Fault::Altered),
    );
}

#[test]
fn a_record_made_anew_is_found_by_a_checkpoint_only() {
    let honest = record(9);
    let mut forged = honest.clone();
    forged[2].0.reason = None;
    rehash(&mut forged);
    assert_eq!(found(verify(forged.clone(), Start::Genesis, None)), None);
    let check = |start, part: Record, at, expected| {
        let verified = verify(part, start, Some(checkpoint(&honest, at)));
        assert_eq!(found(verified), expected);
    };
    check(Start::Genesis, forged.clone(), 2, None);
    check(Start::Genesis, forged.clone(), 3, Some((3, Fault::HashMismatch)));
    check(Start::Genesis, forged.clone(), 9, Some((9, Fault::HashMismatch)));
    let from = Start::After(checkpoint(&honest, 3));
    check(from, forged[3..].to_vec(), 9, Some((4, Fault::Altered)));
}

#[test]
fn checkpoints_that_contradict_each_other_are_not_passed_over() {
    let record = record(9);
    let check = |expected: Checkpoint, fault| {
        let from = Start::After(checkpoint(&record, 4));
        let verified = verify(record[4..].to_vec(), from, Some(expected));
        assert_eq!(found(verified), Some(fault));
    };
    let mut other = checkpoint(&record, 4);
    other.hash = Digest::ZERO;
    check(other, (4, Fault::HashMismatch));
    check(checkpoint(&record, 3), (3, Fault::Missing));
    // And an entry from before the start is out of place.
    let from = Start::After(checkpoint(&record, 4));
    assert_eq!(
        found(verify(record[2..].to_vec(), from, None)),
        Some((3, Fault::Reordered))
    );
}

#[test]
fn a_broken_record_stays_broken_and_says_so_in_words() {
    let mut record = record(4);
    record[1].0.reason = None;
    let mut verifier = Verifier::new(Start::Genesis, None);
    let results: Vec<_> = record.iter().map(|(e, h)| verifier.push(e, *h).is_ok()).collect();
    assert_eq!(results, [true, false, false, false]);
    assert_eq!(verifier.progress().count, 1);
    insta::assert_snapshot!(
        verifier.finish().unwrap_err(),
        @"audit entry 2 was altered: its hash does not follow from its contents and the entry before it; the record holds up to entry 1"
    );
}

#[derive(Debug, Clone)]
enum Edit {
    Remove(usize),
    Swap(usize, usize),
    Repeat(usize, usize),
    Truncate(usize),
    Reason(usize, String),
    Number(usize, i64),
    Hash(usize, [u8; 32]),
    Rehash,
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let at = || 0..12_usize;
    prop_oneof![
        at().prop_map(Edit::Remove),
        (at(), at()).prop_map(|(a, b)| Edit::Swap(a, b)),
        (at(), at()).prop_map(|(a, b)| Edit::Repeat(a, b)),
        at().prop_map(Edit::Truncate),
        (at(), "[a-z]{1,9}").prop_map(|(at, text)| Edit::Reason(at, text)),
        (at(), -2..15_i64).prop_map(|(at, number)| Edit::Number(at, number)),
        (at(), any::<[u8; 32]>()).prop_map(|(at, hash)| Edit::Hash(at, hash)),
        Just(Edit::Rehash),
    ]
}

fn edit(record: &mut Record, edit: Edit) {
    let length = record.len();
    match edit {
        Edit::Remove(at) if at < length => drop(record.remove(at)),
        Edit::Swap(a, b) if a < length && b < length => record.swap(a, b),
        Edit::Repeat(from, to) if from < length && to <= length => record.insert(to, record[from].clone()),
        Edit::Truncate(at) => record.truncate(at),
        Edit::Reason(at, text) if at < length => record[at].0.reason = Reason::new(&text).ok(),
        Edit::Number(at, number) if at < length => record[at].0.number = number,
        Edit::Hash(at, hash) if at < length => record[at].1 = Digest::from_bytes(hash),
        Edit::Rehash => rehash(record),
        _ => {}
    }
}

proptest! {
    /// Whatever is done to the record: against the checkpoint of its end it holds only if it is as it was, and what was not
    /// touched is said to hold.
    #[test]
    fn no_edit_survives_a_checkpoint(edits in proptest::collection::vec(any_edit(), 1..5)) {
        let honest = record(12);
        let mut edited = honest.clone();
        for change in edits {
            edit(&mut edited, change);
        }
        let verified = verify(edited.clone(), Start::Genesis, Some(checkpoint(&honest, 12)));
        match verified {
            // More may have been added behind; nothing else.
            Ok(_) => prop_assert!(edited.starts_with(&honest)),
            Err(broken) => {
                prop_assert_ne!(&edited, &honest);
                let intact = edited.iter().zip(&honest).take_while(|(a, b)| a == b).count();
                prop_assert!(usize::try_from(broken.holds_up_to).unwrap() >= intact);
            }
        }
    }
}
