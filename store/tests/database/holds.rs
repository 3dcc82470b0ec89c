//! Holds with their history, and retests: at most one hold stands, and what was written stays.

use fleet::pump::HoldKind;
use serde_json::json;
use store::{HoldFilter, HoldRecord, RetestRecord, RetestResult, Store, StoreError};

use crate::{common::*, people::account};

fn listed(store: &Store, filter: &HoldFilter) -> Vec<HoldRecord> {
    store.read(|db| db.hold_list(filter, None, 100)).unwrap().items
}

fn is_conflict(result: &Result<(), StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict { .. }))
}

#[test]
fn a_stricter_hold_takes_the_place_of_the_other_and_both_stay() {
    for_each_db(|store| {
        make_pumps(store, 2);
        let (mild, strict) = (
            held(1, 1, HoldKind::Clinical, 5),
            held(2, 1, HoldKind::SecurityIsolation, 6),
        );
        store.write_durable(|db| db.hold_create(&mild)).unwrap();
        assert_eq!(store.read(|db| db.hold_fetch(mild.id)).unwrap(), mild);
        store.write_durable(|db| db.hold_create(&strict)).unwrap();
        let before = store.read(|db| db.hold_fetch(mild.id)).unwrap();
        assert_eq!(
            (before.ended_at, before.replaced_by, before.retest),
            (Some(at(6)), Some(strict.id), None)
        );
        assert_eq!(
            store.read(|db| db.hold_standing(pump_id(1))).unwrap(),
            Some(strict.clone())
        );
        // What ended is not released once more, and what was read before it changed is not either.
        assert!(is_conflict(&store.write_durable(|db| db.hold_release(
            &mild,
            at(7),
            retest_id(1),
            &[]
        ))));
        store.write(|db| db.hold_owner_set(strict.id, 1, None)).unwrap();
        assert!(is_conflict(&store.write_durable(|db| db.hold_release(
            &strict,
            at(7),
            retest_id(1),
            &[]
        ))));
        assert!(is_conflict(
            &store.write(|db| db.hold_owner_set(strict.id, 1, None))
        ));
        let now = store.read(|db| db.hold_fetch(strict.id)).unwrap();
        let signed = [signature_id(1), signature_id(2)];
        store
            .write_durable(|db| db.hold_release(&now, at(7), retest_id(3), &signed))
            .unwrap();
        let released = store.read(|db| db.hold_fetch(strict.id)).unwrap();
        assert_eq!((released.ended_at, released.replaced_by), (Some(at(7)), None));
        assert_eq!(released.retest, Some(retest_id(3)));
        assert_eq!(released.signatures, json!(signed));
        assert_eq!(store.read(|db| db.hold_standing(pump_id(1))).unwrap(), None);
        assert_eq!(store.read(|db| db.pump_fetch(pump_id(1))).unwrap().hold, None);
        assert!(matches!(
            store.read(|db| db.hold_fetch(hold_id(9))),
            Err(StoreError::NotFound { .. })
        ));
    });
}

#[test]
fn lists_are_narrowed_and_come_in_pages() {
    for_each_db(|store| {
        make_pumps(store, 3);
        let holds = [
            held(1, 1, HoldKind::Clinical, 5),
            held(2, 1, HoldKind::Sequestered, 6),
            held(3, 2, HoldKind::Clinical, 6),
        ];
        for hold in &holds {
            store.write_durable(|db| db.hold_create(hold)).unwrap();
        }
        let check = |filter: HoldFilter, expected: &[u128]| {
            let ids: Vec<_> = listed(store, &filter).iter().map(|hold| hold.id).collect();
            let expected: Vec<_> = expected.iter().copied().map(hold_id).collect();
            assert_eq!(ids, expected, "{filter:?}");
        };
        let all = HoldFilter::default();
        check(all, &[3, 2, 1]);
        let of = |pump| HoldFilter {
            pump: Some(pump_id(pump)),
            ..all
        };
        check(of(1), &[2, 1]);
        check(of(3), &[]);
        let standing = |standing| HoldFilter {
            standing: Some(standing),
            ..all
        };
        check(standing(true), &[3, 2]);
        check(standing(false), &[1]);
        let kind = HoldFilter {
            kind: Some(HoldKind::Clinical),
            ..all
        };
        check(kind, &[3, 1]);
        let nobody = HoldFilter {
            owner: Some(account_id(1)),
            ..all
        };
        check(nobody, &[]);

        let mut after: Option<String> = None;
        let mut seen = Vec::new();
        loop {
            let page = store.read(|db| db.hold_list(&all, after.as_deref(), 1)).unwrap();
            seen.extend(page.items.iter().map(|hold| hold.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, [3, 2, 1].map(hold_id));
        assert!(matches!(
            store.read(|db| db.hold_list(&all, Some("x"), 1)),
            Err(StoreError::InvalidPage { .. })
        ));
    });
}

#[test]
fn attempts_are_counted_and_what_they_read_is_kept_in_order() {
    for_each_db(|store| {
        make_pumps(store, 1);
        let ana = account(1, "ana");
        let person = ana.id;
        store.write(|db| db.account_create(&ana)).unwrap();
        store
            .write_durable(|db| db.hold_create(&held(1, 1, HoldKind::Clinical, 5)))
            .unwrap();
        let attempt = |number: i64| RetestRecord {
            id: retest_id(number.unsigned_abs().into()),
            hold: hold_id(1),
            attempt: number,
            begun_at: at(number),
            begun_by: person,
            due: at(number + 100),
            plan: json!([{ "id": STRANGE[0], "guard_band": 0.5 }]),
            release: None,
        };
        for number in [1, 2] {
            store.write(|db| db.retest_create(&attempt(number))).unwrap();
        }
        assert!(is_conflict(&store.write(|db| {
            db.retest_create(&RetestRecord {
                id: retest_id(9),
                ..attempt(2)
            })
        })));
        assert_eq!(
            store.read(|db| db.retest_of(hold_id(1))).unwrap(),
            [attempt(2), attempt(1)]
        );
        assert_eq!(store.read(|db| db.retest_find(retest_id(7))).unwrap(), None);
        let result = |number: u128, by_pump: bool| RetestResult {
            id: check_result_id(number),
            retest: retest_id(2),
            at: at(10),
            account: (!by_pump).then_some(person),
            body: json!({ "value": 62.0 }),
            envelope: by_pump.then(|| "0oQ=".to_owned()),
        };
        for (number, by_pump) in [(2, true), (1, false)] {
            store
                .write(|db| db.retest_result_create(&result(number, by_pump)))
                .unwrap();
        }
        assert_eq!(
            store.read(|db| db.retest_result_of(retest_id(2))).unwrap(),
            [result(1, false), result(2, true)]
        );
        assert_eq!(store.read(|db| db.retest_result_of(retest_id(1))).unwrap(), []);
        // A result is a person's or a pump's.
        let nobodys = RetestResult {
            envelope: None,
            ..result(3, true)
        };
        assert!(store.write(|db| db.retest_result_create(&nobodys)).is_err());
    });
}
