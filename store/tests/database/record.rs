//! The audit trail and signatures, on both databases: only ever added to.

use fleet::{
    access::Role,
    audit::{Action, Actor, Checkpoint, Entry, Origin, Start, Subject, Verifier, Word},
    id::{AccountId, CareAreaId, DeviceId, SignatureId},
    signature::{
        Answer, Digest, Meaning, Named, SignatureStatement, Subject as Signed, SubjectKind, ZonedTime,
    },
    text::Reason,
};
use serde_json::json;
use store::{AuditFilter, CheckpointRecord, SignatureFilter, SignatureRecord, Store, StoreError};
use uuid::Uuid;

use crate::{
    common::*,
    people::{account, session},
};

fn entry(number: u128) -> Entry {
    Entry {
        number: 0,
        at: at(i64::try_from(number).unwrap()),
        actor: match number % 3 {
            0 => Actor::Gateway,
            1 => Actor::Person {
                account: AccountId::from_uuid(Uuid::from_u128(1)),
                name: name("Ana O'Brien 💉"),
            },
            _ => Actor::Pump { pump: pump_id(1) },
        },
        origin: Origin {
            address: Some([10, 0, 0, 7].into()),
            device: None,
        },
        action: Action::PumpHeld.word(),
        subject: Subject {
            kind: Word::literal("pump"),
            id: format!("pump \"{number}\" \\ é"),
        },
        before: Some(json!({ "n": 0.1, "big": 12_345_678_901_234_567_890_u64, "text": "\u{0} é" })),
        after: None,
        reason: Some(Reason::new("why, in 'words'").unwrap()),
    }
}

fn filled(store: &Store, count: u128) {
    for number in 1..=count {
        let given = store.write_durable(|db| db.audit_append(entry(number))).unwrap();
        assert_eq!(given, i64::try_from(number).unwrap());
    }
}

#[test]
fn entries_hang_on_one_another_and_read_back_as_they_were_written() {
    for_each_db(|store| {
        assert_eq!(store.read(|db| db.audit_head()).unwrap(), (0, Digest::ZERO));
        filled(store, 7);
        let mut verifier = Verifier::new(Start::Genesis, None);
        let mut after = 0;
        loop {
            let rows = store.read(|db| db.audit_after(after, 3)).unwrap();
            let Some(last) = rows.last() else { break };
            after = last.number;
            for row in rows {
                let number = row.number;
                let line = row.read().unwrap();
                let mut expected = entry(u128::try_from(number).unwrap());
                expected.number = number;
                assert_eq!(line.entry, expected);
                verifier.push(&line.entry, line.hash).unwrap();
            }
        }
        let done = verifier.finish().unwrap();
        assert_eq!((done.last, done.hash), store.read(|db| db.audit_head()).unwrap());
    });
}

#[test]
fn entries_are_found_by_what_they_are_about() {
    for_each_db(|store| {
        filled(store, 6);
        let find = |filter: AuditFilter| -> Vec<i64> {
            let page = store.read(|db| db.audit_list(&filter, None, 10)).unwrap();
            page.items.iter().map(|row| row.number).collect()
        };
        assert_eq!(find(AuditFilter::default()), [6, 5, 4, 3, 2, 1]);
        let account = Some(AccountId::from_uuid(Uuid::from_u128(1)));
        assert_eq!(
            find(AuditFilter {
                account,
                ..AuditFilter::default()
            }),
            [4, 1]
        );
        assert_eq!(
            find(AuditFilter {
                since: Some(at(3)),
                until: Some(at(5)),
                ..AuditFilter::default()
            }),
            [4, 3]
        );
        assert_eq!(
            find(AuditFilter {
                action: Some(Action::PumpRetired.word()),
                ..AuditFilter::default()
            }),
            Vec::<i64>::new()
        );
        let page = store
            .read(|db| db.audit_list(&AuditFilter::default(), Some("4"), 2))
            .unwrap();
        assert_eq!(
            page.items.iter().map(|row| row.number).collect::<Vec<_>>(),
            [3, 2]
        );
        let bad = store.read(|db| db.audit_list(&AuditFilter::default(), Some("x"), 2));
        assert!(matches!(bad, Err(StoreError::InvalidPage { .. })), "{bad:?}");
    });
}

#[test]
fn what_rolls_back_leaves_no_entry_and_no_gap() {
    for_each_db(|store| {
        filled(store, 2);
        let failed = store.write(|db| {
            db.audit_append(entry(3))?;
            Err::<(), _>(StoreError::Conflict {
                what: "test",
                detail: "rolled back".to_owned(),
            })
        });
        failed.unwrap_err();
        assert_eq!(store.read(|db| db.audit_head()).unwrap().0, 2);
        filled_from(store, 3);
    });
}

fn filled_from(store: &Store, number: u128) {
    let given = store.write(|db| db.audit_append(entry(number))).unwrap();
    assert_eq!(given, i64::try_from(number).unwrap());
}

#[test]
fn checkpoints_are_kept_once_each() {
    for_each_db(|store| {
        let record = |number: i64| CheckpointRecord {
            checkpoint: Checkpoint {
                number,
                hash: Digest::of(b"x"),
                at: at(number),
            },
            key_id: "0123456789abcdef".to_owned(),
            signature: "c2lnbmF0dXJl".to_owned(),
        };
        for number in [3, 9] {
            store.write(|db| db.checkpoint_create(&record(number))).unwrap();
        }
        let twice = store.write(|db| db.checkpoint_create(&record(9)));
        assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
        assert_eq!(
            store.read(|db| db.checkpoint_list(10)).unwrap(),
            [record(9), record(3)]
        );
    });
}

fn signature(number: u128, answer: Answer) -> SignatureRecord {
    SignatureRecord {
        statement: SignatureStatement {
            id: SignatureId::from_uuid(Uuid::from_u128(number)),
            subject: Signed {
                kind: SubjectKind::Pump,
                id: Uuid::from_u128(77),
                version: i64::MAX,
                content_hash: Digest::of(b"content"),
            },
            answer,
            printed_name: name("Ana O'Brien, RN"),
            account: AccountId::from_uuid(Uuid::from_u128(1)),
            role: Role::Nurse,
            care_area: Some(Named {
                id: CareAreaId::from_uuid(Uuid::from_u128(5)),
                name: name("4 West"),
            }),
            device: (number == 1).then(|| Named {
                id: DeviceId::from_uuid(Uuid::from_u128(6)),
                name: name("Tablet"),
            }),
            signed_at: ZonedTime::from_parts(at(i64::try_from(number).unwrap()), -570),
        },
        content: "{\"serial\":\"SN-1\"}".to_owned(),
        session: session(1, AccountId::from_uuid(Uuid::from_u128(1))).id,
        factors: "password pin".to_owned(),
        seal: "c2VhbA==".to_owned(),
        key_id: "0123456789abcdef".to_owned(),
    }
}

#[test]
fn a_signature_reads_back_with_every_part_of_what_was_signed() {
    for_each_db(|store| {
        let meaning = Meaning::VerifiedForClinicalUse;
        let all = [
            signature(
                1,
                Answer::Signed {
                    meaning,
                    comment: None,
                },
            ),
            signature(
                2,
                Answer::Signed {
                    meaning,
                    comment: Some(Reason::new("with the new door").unwrap()),
                },
            ),
            signature(
                3,
                Answer::NotNow {
                    asked: meaning,
                    reason: Reason::new("two admissions").unwrap(),
                },
            ),
        ];
        store
            .write_durable(|db| {
                db.account_create(&account(1, "ana"))?;
                db.session_create(&session(1, account(1, "ana").id))?;
                all.iter().try_for_each(|record| db.signature_create(record))
            })
            .unwrap();
        for record in &all {
            let read = store.read(|db| db.signature_fetch(record.statement.id)).unwrap();
            assert_eq!(&read, record);
            assert_eq!(
                read.statement.canonical_bytes(),
                record.statement.canonical_bytes()
            );
        }
        let of = store
            .read(|db| db.signature_of(SubjectKind::Pump, Uuid::from_u128(77)))
            .unwrap();
        assert_eq!(of, all);
        let list = |filter: SignatureFilter, after: Option<&str>| {
            store.read(|db| db.signature_list(&filter, after, 2)).unwrap()
        };
        let page = list(SignatureFilter::default(), None);
        assert_eq!(page.items, [all[2].clone(), all[1].clone()]);
        let rest = list(SignatureFilter::default(), page.next.as_deref());
        assert_eq!(rest.items, [all[0].clone()]);
        let other = SignatureFilter {
            kind: Some(SubjectKind::Wave),
            ..SignatureFilter::default()
        };
        assert!(list(other, None).items.is_empty());
        let unknown = store.read(|db| db.signature_fetch(SignatureId::from_uuid(Uuid::from_u128(9))));
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
    });
}

/// Not by us, and not by whoever reaches the database with an ordinary statement.
#[test]
fn sqlite_itself_refuses_to_change_or_delete_the_record() {
    use diesel::{Connection, connection::SimpleConnection};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("g.db");
    let store = Store::open(&store::DatabaseUrl::sqlite(&path)).unwrap();
    store.migrate().unwrap();
    filled(&store, 3);
    let mut conn = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    for statement in [
        "UPDATE audit_entries SET action = 'x' WHERE number = 2",
        "DELETE FROM audit_entries WHERE number = 2",
        "DELETE FROM audit_entries",
        "REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE number = 2",
    ] {
        let refused = conn.batch_execute(statement);
        assert!(refused.is_err(), "{statement}");
    }
    assert_eq!(store.read(|db| db.audit_head()).unwrap().0, 3);
}

#[cfg(feature = "postgres")]
#[test]
fn postgresql_itself_refuses_to_change_or_delete_the_record() {
    use diesel::{Connection, connection::SimpleConnection};

    on_postgres(|url| {
        let store = Store::open(&url.parse().unwrap()).unwrap();
        store.migrate().unwrap();
        filled(&store, 3);
        let mut conn = diesel::PgConnection::establish(url).unwrap();
        for statement in [
            "UPDATE audit_entries SET action = 'x' WHERE number = 2",
            "DELETE FROM audit_entries",
            "TRUNCATE audit_entries",
            "DELETE FROM signatures",
            "UPDATE audit_checkpoints SET key_id = 'x'",
        ] {
            let refused = conn.batch_execute(statement);
            assert!(refused.is_err(), "{statement}");
        }
        assert_eq!(store.read(|db| db.audit_head()).unwrap().0, 3);
    });
}
