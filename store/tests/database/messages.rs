//! Reports, orders, events and settings, on both databases.

use crate::common::*;
use fleet::{
    event::{Event, EventKind, Severity},
    text::Reason,
};
use store::{EventFilter, OrderRow, PresenceChange, Recorded, ReportRow, StoreError};

#[test]
fn a_report_that_arrives_twice_is_kept_once() {
    for_each_db(|store| {
        make_pumps(store, 2);
        let record = |row: ReportRow| store.write(|db| db.report_record(&row)).unwrap();
        assert_eq!(store.read(|db| db.report_last_seq(pump_id(1))).unwrap(), None);
        assert_eq!(record(report(1, 1, 7)), Recorded::New);
        assert_eq!(record(report(1, 1, 7)), Recorded::Duplicate);
        assert_eq!(record(report(2, 1, 9)), Recorded::New);
        // Another pump's ids are its own.
        assert_eq!(record(report(1, 2, 1)), Recorded::New);
        assert_eq!(store.read(|db| db.report_last_seq(pump_id(1))).unwrap(), Some(9));
        assert_eq!(
            store.read(|db| db.report_list(pump_id(1), 10)).unwrap(),
            [report(2, 1, 9), report(1, 1, 7)]
        );
        assert_eq!(store.read(|db| db.report_list(pump_id(1), 1)).unwrap().len(), 1);
    });
}

#[test]
fn an_order_waits_is_delivered_and_has_an_outcome() {
    for_each_db(|store| {
        make_pumps(store, 3);
        store
            .write_durable(|db| {
                db.order_create(&order(2, 1, "report_inventory", 2))?;
                db.order_create(&order(1, 1, "renew_certificate", 1))?;
                db.order_create(&order(3, 2, "hold", 3))
            })
            .unwrap();
        let pending = |number| store.read(|db| db.order_pending(pump_id(number))).unwrap();
        assert_eq!(
            pending(1),
            [
                order(1, 1, "renew_certificate", 1),
                order(2, 1, "report_inventory", 2)
            ]
        );
        let overdue = |before| store.read(|db| db.order_pending_pumps(at(before))).unwrap();
        assert_eq!(overdue(99), [], "nobody is connected");
        let connected = |number| PresenceChange {
            pump: pump_id(number),
            session: 1,
            connected: true,
            at: at(4),
            peer: None,
            certificate: None,
            end: None,
        };
        store
            .write(|db| db.presence_set(&[connected(1), connected(2)]))
            .unwrap();
        assert_eq!(overdue(99), [pump_id(1), pump_id(2)]);
        assert_eq!(overdue(3), [pump_id(1)], "given before, not at that instant");
        store.write(|db| db.order_delivered(order_id(1), at(10))).unwrap();
        store.write(|db| db.order_delivered(order_id(1), at(11))).unwrap();
        assert_eq!(pending(1), [order(2, 1, "report_inventory", 2)]);
        let outcome = |id, pump, outcome: &str, reason: Option<&Reason>, seconds| {
            store
                .write(|db| db.order_outcome(order_id(id), pump_id(pump), outcome, reason, at(seconds)))
                .unwrap()
        };
        let why = Reason::new("not on a patient's pump").unwrap();
        assert!(outcome(1, 1, "when_free", None, 12));
        assert!(outcome(1, 1, "refused", Some(&why), 13));
        // An outcome may overtake the acknowledgement of delivery.
        assert!(outcome(2, 1, "done", None, 14));
        assert!(!outcome(3, 1, "done", None, 14), "another pump's order");
        assert!(!outcome(99, 1, "done", None, 14), "no order");
        let list = store.read(|db| db.order_list(pump_id(1), 10)).unwrap();
        let refused = OrderRow {
            delivered_at: Some(at(10)),
            outcome: Some("refused".into()),
            outcome_at: Some(at(13)),
            reason: Some(why.as_str().into()),
            ..order(1, 1, "renew_certificate", 1)
        };
        let done = OrderRow {
            delivered_at: Some(at(14)),
            outcome: Some("done".into()),
            outcome_at: Some(at(14)),
            ..order(2, 1, "report_inventory", 2)
        };
        assert_eq!(list, [done, refused]);
        assert_eq!(store.read(|db| db.order_list(pump_id(1), 1)).unwrap().len(), 1);
        assert_eq!(overdue(99), [pump_id(2)]);
        let unknown = store.write(|db| db.order_delivered(order_id(99), at(1)));
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
        let word = store.write(|db| db.order_outcome(order_id(3), pump_id(2), "shrugged", None, at(1)));
        assert!(matches!(word, Err(StoreError::Corrupt { .. })), "{word:?}");
    });
}

#[test]
fn a_final_outcome_stands() {
    for_each_db(|store| {
        make_pumps(store, 1);
        let mut number = 0;
        let mut check = |given: &[&str], kept: (&str, i64)| {
            number += 1;
            store
                .write(|db| {
                    db.order_create(&order(number, 1, "hold", 1))?;
                    (2..).zip(given).try_for_each(|(seconds, outcome)| {
                        let known =
                            db.order_outcome(order_id(number), pump_id(1), outcome, None, at(seconds))?;
                        assert!(known);
                        Ok(())
                    })
                })
                .unwrap();
            let list = store.read(|db| db.order_list(pump_id(1), 100)).unwrap();
            let row = list.into_iter().find(|row| row.id == order_id(number)).unwrap();
            assert_eq!(
                (row.outcome.as_deref(), row.outcome_at),
                (Some(kept.0), Some(at(kept.1))),
                "{given:?}"
            );
            assert_eq!(row.delivered_at, Some(at(2)));
        };
        for last in ["done", "refused", "superseded"] {
            check(&[last], (last, 2));
            check(&["when_free", last], (last, 3));
            for late in ["done", "refused", "when_free"] {
                check(&[last, late], (last, 2));
            }
        }
        check(&["when_free", "when_free"], ("when_free", 2));
        // One that was withdrawn and carried out all the same: what is on record stays, and that it arrived is new.
        store
            .write(|db| {
                db.order_create(&order(900, 1, "report_inventory", 1))?;
                db.order_supersede(pump_id(1), "report_inventory", at(2))?;
                db.order_outcome(order_id(900), pump_id(1), "done", None, at(3))
            })
            .unwrap();
        let list = store.read(|db| db.order_list(pump_id(1), 100)).unwrap();
        let row = list.into_iter().find(|row| row.id == order_id(900)).unwrap();
        assert_eq!(
            (row.outcome.as_deref(), row.delivered_at),
            (Some("superseded"), Some(at(3)))
        );
    });
}

#[test]
fn a_newer_order_takes_the_place_of_one_that_was_not_delivered() {
    for_each_db(|store| {
        make_pumps(store, 2);
        store
            .write_durable(|db| {
                db.order_create(&order(1, 1, "hold", 1))?;
                db.order_create(&order(2, 1, "hold", 2))?;
                db.order_create(&order(3, 1, "report_inventory", 3))?;
                db.order_create(&order(4, 2, "hold", 4))?;
                db.order_delivered(order_id(1), at(5))?;
                assert_eq!(db.order_supersede(pump_id(1), "hold", at(6))?, 1);
                assert_eq!(db.order_supersede(pump_id(1), "hold", at(7))?, 0);
                Ok(())
            })
            .unwrap();
        let outcome = |index: usize| {
            let list = store.read(|db| db.order_list(pump_id(1), 10)).unwrap();
            (list[index].outcome.clone(), list[index].outcome_at)
        };
        assert_eq!(outcome(0), (None, None));
        assert_eq!(outcome(1), (Some("superseded".into()), Some(at(6))));
        assert_eq!(outcome(2), (None, None));
        assert_eq!(store.read(|db| db.order_pending(pump_id(2))).unwrap().len(), 1);
    });
}

#[test]
fn events_are_listed_the_newest_first_by_any_filter() {
    for_each_db(|store| {
        make_pumps(store, 2);
        // Every kind there is, four to the second, every other one about a pump.
        let events: Vec<Event> = (0_u128..)
            .zip(EventKind::ALL)
            .map(|(n, kind)| event(n, *kind, (n % 2 == 0).then_some(1 + n % 4 / 2), (n / 4) as i64))
            .collect();
        store.write(|db| db.event_record(&events)).unwrap();
        let check = |filter: EventFilter, wanted: &dyn Fn(&Event) -> bool| {
            let expected: Vec<_> = events.iter().rev().filter(|e| wanted(e)).cloned().collect();
            for limit in [1, 3, 1000] {
                let (listings, _) = all_pages(limit, |after, limit| {
                    store.read(|db| db.event_list(&filter, after, limit))
                });
                let listed: Vec<_> = listings.into_iter().map(|listing| listing.event).collect();
                assert_eq!(listed, expected, "{filter:?}");
            }
        };
        let all = EventFilter::default();
        check(all.clone(), &|_| true);
        check(
            EventFilter {
                pump: Some(pump_id(1)),
                ..all.clone()
            },
            &|e| e.pump == Some(pump_id(1)),
        );
        for kind in EventKind::ALL {
            check(
                EventFilter {
                    kind: Some(*kind),
                    ..all.clone()
                },
                &|e| e.kind == *kind,
            );
        }
        for least in [Severity::Note, Severity::Attention, Severity::Alarm] {
            check(
                EventFilter {
                    min_severity: Some(least),
                    ..all.clone()
                },
                &|e| e.kind.severity() >= least,
            );
        }
        check(
            EventFilter {
                since: Some(at(2)),
                ..all.clone()
            },
            &|e| e.at >= at(2),
        );
        let page = store.read(|db| db.event_list(&all, None, 1000)).unwrap();
        for listing in page.items {
            let expected = listing
                .event
                .pump
                .map(|pump| store.read(|db| db.pump_fetch(pump)).unwrap().serial);
            assert_eq!(listing.serial, expected);
        }
    });
}

#[test]
fn a_setting_is_what_it_was_last_set_to() {
    for_each_db(|store| {
        let get = |key: &str| store.read(|db| db.setting_get(key)).unwrap();
        assert_eq!(get("site"), None);
        for text in STRANGE {
            store.write(|db| db.setting_set("site", text)).unwrap();
            assert_eq!(get("site").as_deref(), Some(text));
        }
        assert_eq!(get("Site"), None);
    });
}
