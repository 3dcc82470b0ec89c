//! Certificates and the registry, on both databases.

use fleet::{
    certificate::{CertificateRecord, CertificateStatus, RevocationReason},
    pump::HoldKind,
};
use store::{CertificateFilter, RegistryRow, StoreError};

use crate::common::*;

#[test]
fn a_certificate_is_found_by_all_its_names() {
    for_each_db(|store| {
        make_registry(store, 2);
        let first = certificate(1, 1);
        let renewed = CertificateRecord {
            issued_at: at(500),
            ..certificate(2, 1)
        };
        let again = CertificateRecord {
            key: first.key,
            issued_at: at(600),
            ..certificate(3, 2)
        };
        store
            .write_durable(|db| {
                db.certificate_insert(&first, b"first")?;
                db.certificate_insert(&renewed, b"renewed")?;
                db.certificate_insert(&again, b"again")
            })
            .unwrap();
        let stored = store
            .read(|db| db.certificate_fetch(first.fingerprint))
            .unwrap()
            .unwrap();
        assert_eq!((&stored.record, &stored.der[..]), (&first, &b"first"[..]));
        assert_eq!(store.read(|db| db.certificate_fetch(digest(99))).unwrap(), None);
        assert_eq!(
            store
                .read(|db| db.certificate_newest_for_key(first.key))
                .unwrap()
                .as_ref(),
            Some(&again)
        );
        assert_eq!(
            store.read(|db| db.certificate_of_pump(pump_id(1))).unwrap(),
            [renewed.clone(), first.clone()]
        );
        let check = |text: &str, expected: &[&CertificateRecord]| {
            let found = store.read(|db| db.certificate_find(text)).unwrap();
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{text}");
        };
        check(&first.fingerprint.to_string(), &[&first]);
        check("01010101", &[&first]);
        check("010101010", &[&first]);
        check("0101010", &[]);
        check("C0:FF:EE:00:00:02", &[&renewed]);
        check("c0ffee00", &[&again, &renewed, &first]);
        check("c0ffee0", &[]);
        check("no digits", &[]);
        check(&"0".repeat(65), &[]);
        check("", &[]);
        // Of zeros alone nothing is left, and nothing begins every serial number.
        check("00000000", &[]);
        check("0", &[]);
        let twice = store.write_durable(|db| db.certificate_insert(&first, b"x"));
        assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
        let same_serial = CertificateRecord {
            serial: first.serial.clone(),
            ..certificate(9, 1)
        };
        let twice = store.write_durable(|db| db.certificate_insert(&same_serial, b"x"));
        assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    });
}

#[test]
fn a_revocation_counts_once_and_is_named_by_the_list_until_expiry() {
    for_each_db(|store| {
        make_registry(store, 1);
        let reasons = RevocationReason::ALL;
        let count = u8::try_from(reasons.len()).unwrap();
        store
            .write_durable(|db| {
                (1..=count).try_for_each(|number| db.certificate_insert(&certificate(number, 1), b"x"))
            })
            .unwrap();
        let live = |now| {
            store
                .read(|db| db.certificate_live_count(authority_id(1), now))
                .unwrap()
        };
        assert_eq!((live(at(0)), live(at(90_001))), (7, 0));
        for (number, reason) in (1..).zip(reasons) {
            let both = [digest(number), digest(200)];
            let revoked = store
                .write_durable(|db| db.certificate_revoke(&both, reason, at(i64::from(number))))
                .unwrap();
            let expected = CertificateRecord {
                revoked: Some((at(i64::from(number)), reason)),
                ..certificate(number, 1)
            };
            assert_eq!(revoked, [expected]);
        }
        let again = store
            .write_durable(|db| db.certificate_revoke(&[digest(1)], RevocationReason::KeyCompromise, at(99)))
            .unwrap();
        assert!(again.is_empty());
        assert_eq!(live(at(0)), 0);
        let on_list = |now| {
            store
                .read(|db| db.certificate_revoked_of(authority_id(1), now))
                .unwrap()
        };
        let order: Vec<_> = on_list(at(0)).iter().map(|record| record.fingerprint).collect();
        assert_eq!(order, (1..=count).map(digest).collect::<Vec<_>>());
        assert!(on_list(at(90_001)).is_empty());
    });
}

#[test]
fn the_first_use_of_a_certificate_stays() {
    for_each_db(|store| {
        make_registry(store, 1);
        store
            .write_durable(|db| {
                db.certificate_insert(&certificate(1, 1), b"x")?;
                db.certificate_insert(&certificate(2, 1), b"x")
            })
            .unwrap();
        let used = |uses: &[_]| store.write(|db| db.certificate_mark_used(uses)).unwrap();
        used(&[(digest(1), at(9)), (digest(1), at(7)), (digest(77), at(1))]);
        used(&[(digest(1), at(3)), (digest(2), at(4))]);
        used(&[]);
        let first_used = |number| {
            let stored = store.read(|db| db.certificate_fetch(digest(number))).unwrap();
            stored.unwrap().record.first_used_at
        };
        assert_eq!((first_used(1), first_used(2)), (Some(at(7)), Some(at(4))));
    });
}

#[test]
fn certificates_are_listed_by_status_as_the_rules_judge_it() {
    for_each_db(|store| {
        make_registry(store, 2);
        let records = [
            certificate(1, 1),
            CertificateRecord {
                not_before: at(50_000),
                ..certificate(2, 1)
            },
            CertificateRecord {
                not_after: at(20_000),
                ..certificate(3, 2)
            },
            CertificateRecord {
                revoked: Some((at(5), RevocationReason::Superseded)),
                not_after: at(20_000),
                ..certificate(4, 2)
            },
        ];
        store
            .write_durable(|db| {
                records
                    .iter()
                    .try_for_each(|record| db.certificate_insert(record, b"x"))
            })
            .unwrap();
        for now in [0, 20_000, 20_001, 49_999, 50_000, 90_000, 90_001].map(at) {
            for status in [
                CertificateStatus::Valid,
                CertificateStatus::NotYetValid,
                CertificateStatus::Expired,
                CertificateStatus::Revoked,
            ] {
                let filter = CertificateFilter {
                    status: Some((status, now)),
                    ..CertificateFilter::default()
                };
                let page = store.read(|db| db.certificate_list(&filter, None, 10)).unwrap();
                let listed: Vec<_> = page.items.into_iter().map(|listing| listing.record).collect();
                let expected: Vec<_> = records
                    .iter()
                    .rev()
                    .filter(|record| record.status(now) == status)
                    .cloned()
                    .collect();
                assert_eq!(listed, expected, "{status:?} at {now}");
            }
        }
        let of = |filter| {
            let (items, _) = all_pages(1, |after, limit| {
                store.read(|db| db.certificate_list(&filter, after, limit))
            });
            items
                .into_iter()
                .map(|listing| listing.record.fingerprint)
                .collect::<Vec<_>>()
        };
        let all = CertificateFilter::default();
        assert_eq!(of(all), [digest(4), digest(3), digest(2), digest(1)]);
        assert_eq!(
            of(CertificateFilter {
                pump: Some(pump_id(1)),
                ..all
            }),
            [digest(2), digest(1)]
        );
        assert_eq!(
            of(CertificateFilter {
                authority: Some(authority_id(2)),
                ..all
            }),
            []
        );
        let page = store.read(|db| db.certificate_list(&all, None, 1)).unwrap();
        assert_eq!(page.items[0].serial, serial("SN-00002"));
    });
}

#[test]
fn the_forecast_looks_at_the_newest_certificate_that_still_counts() {
    for_each_db(|store| {
        make_registry(store, 4);
        store
            .write_durable(|db| {
                db.certificate_insert(&certificate(1, 1), b"x")?;
                db.certificate_insert(
                    &CertificateRecord {
                        not_after: at(99_000),
                        ..certificate(2, 1)
                    },
                    b"x",
                )?;
                db.certificate_insert(&certificate(3, 1), b"x")?;
                db.certificate_insert(&certificate(4, 2), b"x")?;
                db.certificate_insert(&certificate(5, 3), b"x")?;
                db.certificate_revoke(&[digest(3), digest(5)], RevocationReason::Unspecified, at(1))?;
                db.pump_retire(pump_id(2), at(1))
            })
            .unwrap();
        assert_eq!(
            store.read(|db| db.certificate_expiries()).unwrap(),
            [(pump_id(1), at(0), at(99_000))]
        );
    });
}

#[test]
fn the_registry_is_loaded_whole_and_then_by_what_changed() {
    for_each_db(|store| {
        make_registry(store, 2);
        let long_gone = CertificateRecord {
            not_after: at(0),
            ..certificate(9, 1)
        };
        store
            .write_durable(|db| {
                db.certificate_insert(&certificate(1, 1), b"x")?;
                db.certificate_insert(&certificate(2, 2), b"x")?;
                db.certificate_insert(&long_gone, b"x")
            })
            .unwrap();
        let day = 86_400;
        let (loaded, mut marker) = store
            .read(|db| Ok((db.registry_load(at(30 * day + 1))?, db.registry_marker()?)))
            .unwrap();
        assert_eq!(loaded.len(), 2);
        assert_eq!(store.read(|db| db.registry_load(at(30 * day))).unwrap().len(), 3);
        // PostgreSQL repeats what changed while any transaction of the server was running, and other tests run on it.
        let exact = store.url().to_string().starts_with("sqlite:");
        let mut changed = || {
            let changes = store.read(|db| db.registry_changes_since(marker)).unwrap();
            marker = changes.marker;
            changes.rows
        };
        let about = |rows: &[RegistryRow], number: u8| {
            rows.iter()
                .find(|row| row.certificate.fingerprint == digest(number))
                .cloned()
        };
        assert!(changed().is_empty() || !exact);
        store
            .write_durable(|db| db.certificate_revoke(&[digest(1)], RevocationReason::KeyCompromise, at(7)))
            .unwrap();
        let rows = changed();
        let one = about(&rows, 1).unwrap();
        assert_eq!(
            one.certificate.revoked,
            Some((at(7), RevocationReason::KeyCompromise))
        );
        assert!(about(&rows, 2).is_none() || !exact);
        let hold = held(1, 2, HoldKind::SecurityIsolation, 8);
        store.write_durable(|db| db.hold_create(&hold)).unwrap();
        assert_eq!(
            about(&changed(), 2).unwrap().hold,
            Some(HoldKind::SecurityIsolation)
        );
        store
            .write_durable(|db| db.hold_release(&hold, at(9), retest_id(1), &[]))
            .unwrap();
        assert_eq!(about(&changed(), 2).unwrap().hold, None);
        store
            .write_durable(|db| db.pump_retire(pump_id(2), at(9)))
            .unwrap();
        assert!(about(&changed(), 2).unwrap().retired);
        store
            .write_durable(|db| db.certificate_insert(&certificate(3, 1), b"x"))
            .unwrap();
        assert!(about(&changed(), 3).is_some());
        assert!(changed().is_empty() || !exact);
    });
}
