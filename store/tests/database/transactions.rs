//! What a transaction promises: all or nothing, one instant to read, one writer at a time, and errors that say which.

use std::sync::{
    Barrier,
    atomic::{AtomicUsize, Ordering},
};

use fleet::event::EventKind;
use store::{DatabaseUrl, EventFilter, Outage, Store, StoreError};

use crate::common::*;

fn events(store: &Store) -> usize {
    store
        .read(|db| db.event_list(&EventFilter::default(), None, 1000))
        .unwrap()
        .items
        .len()
}

fn note(number: u128) -> fleet::event::Event {
    event(number, EventKind::PumpEnrolled, None, 0)
}

#[test]
fn an_error_leaves_nothing_behind() {
    for_each_db(|store| {
        type Write<'a> = &'a dyn Fn(&mut store::Db<'_>) -> Result<(), StoreError>;
        let fail: Write<'_> = &|db| {
            db.setting_set("a", "1")?;
            db.event_record(&[note(1)])?;
            // The second of two equal ids is refused by the database.
            db.event_record(&[note(2), note(2)])
        };
        for outcome in [store.write(fail), store.write_durable(fail)] {
            assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}");
        }
        let own = store.write(|db| {
            db.event_record(&[note(3)])?;
            Err::<(), _>(StoreError::NotFound {
                what: "reason",
                id: "to go on".into(),
            })
        });
        assert_eq!(own.unwrap_err().to_string(), "reason to go on is not on record");
        assert_eq!(
            (events(store), store.read(|db| db.setting_get("a")).unwrap()),
            (0, None)
        );
        // The connection is good for the next transaction.
        store.write(|db| db.event_record(&[note(4)])).unwrap();
        assert_eq!(events(store), 1);
    });
}

#[test]
fn a_panic_in_a_transaction_leaves_nothing_behind_and_stops_nobody() {
    for_each_db(|store| {
        let panicked = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                store.write(|db| {
                    db.event_record(&[note(1)])?;
                    panic!("as a bug would");
                    #[allow(unreachable_code)]
                    Ok(())
                })
            });
            thread.join()
        });
        assert!(panicked.is_err());
        store.write(|db| db.event_record(&[note(2)])).unwrap();
        assert_eq!(events(store), 1);
    });
}

#[test]
fn many_writers_all_get_their_turn() {
    for_each_db(|store| {
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for writer in 0..8_u128 {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    for number in 0..25_u128 {
                        let write =
                            |db: &mut store::Db<'_>| db.event_record(&[note(1 + writer * 100 + number)]);
                        if number % 5 == 0 {
                            store.write_durable(write).unwrap();
                        } else {
                            store.write(write).unwrap();
                        }
                    }
                });
            }
        });
        assert_eq!(events(store), 200);
    });
}

#[test]
fn a_read_sees_one_instant() {
    for_each_db(|store| {
        store.write(|db| db.setting_set("a", "before")).unwrap();
        let (first, second) = store
            .read(|db| {
                let first = db.setting_get("a")?;
                store.write(|other| other.setting_set("a", "after"))?;
                Ok((first, db.setting_get("a")?))
            })
            .unwrap();
        assert_eq!(first, second);
        assert_eq!(
            store.read(|db| db.setting_get("a")).unwrap().as_deref(),
            Some("after")
        );
    });
}

#[test]
fn a_read_can_not_write() {
    for_each_db(|store| {
        let outcome = store.read(|db| db.setting_set("a", "1"));
        let Err(StoreError::Unavailable {
            outage: Outage::ReadOnly,
            ..
        }) = outcome
        else {
            panic!("{outcome:?}")
        };
        assert_eq!(store.read(|db| db.setting_get("a")).unwrap(), None);
    });
}

#[test]
fn what_was_written_is_there_when_the_database_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(directory.path().join("g.db"));
    {
        let store = Store::open(&url).unwrap();
        store.migrate().unwrap();
        store.write(|db| db.setting_set("a", "1")).unwrap();
    }
    let store = Store::open(&url).unwrap();
    store.migrate().unwrap();
    assert_eq!(
        store.read(|db| db.setting_get("a")).unwrap().as_deref(),
        Some("1")
    );
}

#[cfg(unix)]
#[test]
fn the_database_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("g.db");
    let store = Store::open(&DatabaseUrl::sqlite(&path)).unwrap();
    store.migrate().unwrap();
    let mut files = 0;
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
        files += 1;
    }
    assert!(files >= 2, "the database and its log");
}

#[test]
fn a_database_that_can_not_be_opened_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let missing = Store::open(&DatabaseUrl::sqlite(
        directory.path().join("no/such/directory/g.db"),
    ));
    let Err(StoreError::Unavailable {
        outage: Outage::Down,
        attempted,
        ..
    }) = missing
    else {
        panic!("{missing:?}")
    };
    assert_eq!(attempted, "make the database file");
    let garbage = directory.path().join("garbage.db");
    std::fs::write(
        &garbage,
        "this is not a database, but it is long enough to look at".repeat(100),
    )
    .unwrap();
    assert!(matches!(
        Store::open(&DatabaseUrl::sqlite(garbage)),
        Err(StoreError::Unavailable { .. })
    ));
}

#[test]
fn a_database_that_another_process_holds_is_locked_and_one_without_tables_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("g.db");
    let store = Store::open(&DatabaseUrl::sqlite(&path)).unwrap();
    let outcome = store.read(|db| db.setting_get("a"));
    assert!(
        matches!(
            outcome,
            Err(StoreError::Unavailable {
                outage: Outage::Refused,
                ..
            })
        ),
        "{outcome:?}"
    );
    store.migrate().unwrap();
    // A second store stands for another process: it has a gate of its own.
    let other = Store::open(&DatabaseUrl::sqlite(&path)).unwrap();
    let tried = AtomicUsize::new(0);
    store
        .write(|db| {
            db.setting_set("a", "1")?;
            let outcome = other.write(|db| {
                tried.fetch_add(1, Ordering::Relaxed);
                db.setting_set("a", "2")
            });
            assert!(
                matches!(
                    outcome,
                    Err(StoreError::Unavailable {
                        outage: Outage::Locked,
                        ..
                    })
                ),
                "{outcome:?}"
            );
            Ok(())
        })
        .unwrap();
    assert_eq!(
        tried.load(Ordering::Relaxed),
        0,
        "it was kept out before it began"
    );
    assert_eq!(
        other.read(|db| db.setting_get("a")).unwrap().as_deref(),
        Some("1")
    );
}

#[cfg(feature = "postgres")]
#[test]
fn a_server_that_does_not_answer_is_down_and_the_password_stays_secret() {
    // Port 1 has no server on any sane machine; the connection is refused at once.
    let url: DatabaseUrl = "postgres://gateway:s3cret@127.0.0.1:1/gateway".parse().unwrap();
    let outcome = Store::open(&url);
    let Err(
        ref error @ StoreError::Unavailable {
            outage: Outage::Down, ..
        },
    ) = outcome
    else {
        panic!("{outcome:?}")
    };
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let said: Vec<String> = causes.map(|cause| format!("{cause} {cause:?}")).collect();
    assert!(said.len() > 1, "it says why: {said:?}");
    assert!(!format!("{said:?} {url} {url:?}").contains("s3cret"), "{said:?}");
}
