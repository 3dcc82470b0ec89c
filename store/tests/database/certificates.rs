//! Authorities, tokens, certificates and the registry, on both databases.

use std::sync::Barrier;

use crate::common::*;
use fleet::{
    certificate::{
        AuthorityKind, AuthorityState, CertificateRecord, CertificateStatus, RevocationReason, SerialHex,
    },
    enrolment::TokenRecord,
    id::{AnchorId, EnrolTokenId},
    pump::{Hold, HoldKind},
    text::Reason,
};
use store::{
    AnchorRecord, AuthorityRecord, CertificateFilter, CrlRecord, RegistryRow, ServerCertificateRecord, Store,
    StoreError,
};
use uuid::Uuid;

#[test]
fn a_kind_of_authority_has_one_active_generation() {
    for_each_db(|store| {
        let first = authority(1, AuthorityKind::Device, 1);
        let second = authority(2, AuthorityKind::Device, 2);
        store
            .write_durable(|db| {
                db.authority_create(&authority(4, AuthorityKind::Server, 1))?;
                db.authority_create(&authority(3, AuthorityKind::Root, 1))?;
                db.authority_create(&first)
            })
            .unwrap();
        let two_active = store.write_durable(|db| db.authority_create(&second));
        assert!(
            matches!(two_active, Err(StoreError::Conflict { .. })),
            "{two_active:?}"
        );
        let active = store.write_durable(|db| db.authority_retire(first.id));
        assert!(matches!(active, Err(StoreError::Conflict { .. })), "{active:?}");
        store.write_durable(|db| db.authority_rotate(&second)).unwrap();
        let states = |store: &Store| -> Vec<_> {
            let list = store.read(|db| db.authority_list()).unwrap();
            list.iter().map(|a| (a.kind, a.generation, a.state)).collect()
        };
        assert_eq!(
            states(store),
            [
                (AuthorityKind::Root, 1, AuthorityState::Active),
                (AuthorityKind::Device, 1, AuthorityState::Trusted),
                (AuthorityKind::Device, 2, AuthorityState::Active),
                (AuthorityKind::Server, 1, AuthorityState::Active),
            ]
        );
        store.write_durable(|db| db.authority_retire(first.id)).unwrap();
        assert_eq!(states(store)[1].2, AuthorityState::Retired);
        let kept = store.read(|db| db.authority_list()).unwrap();
        assert_eq!(
            kept[1],
            AuthorityRecord {
                state: AuthorityState::Retired,
                ..first
            }
        );
        let unknown = store.write_durable(|db| db.authority_retire(authority_id(9)));
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
    });
}

#[test]
fn a_revocation_list_never_goes_back() {
    for_each_db(|store| {
        make_registry(store, 0);
        let crl = |number| CrlRecord {
            authority: authority_id(1),
            number,
            der: vec![number as u8; 2000],
            this_update: at(number),
            next_update: at(number + 100),
        };
        let fetch = || store.read(|db| db.crl_fetch(authority_id(1))).unwrap();
        assert_eq!(fetch(), None);
        store.write_durable(|db| db.crl_put(&crl(1))).unwrap();
        store.write_durable(|db| db.crl_put(&crl(5))).unwrap();
        for old in [4, 5] {
            let back = store.write_durable(|db| db.crl_put(&crl(old)));
            assert!(matches!(back, Err(StoreError::Conflict { .. })), "{back:?}");
        }
        assert_eq!(fetch(), Some(crl(5)));
    });
}

#[test]
fn server_certificates_and_anchors_are_kept() {
    for_each_db(|store| {
        make_registry(store, 0);
        let server = |number: u8| ServerCertificateRecord {
            fingerprint: digest(number),
            authority: authority_id(1),
            serial: SerialHex::from_bytes(&[number]),
            der: vec![number],
            not_before: at(0),
            not_after: at(i64::from(number)),
            names: "gw.example 10.0.0.1".to_owned(),
        };
        let anchor = |number: u128| AnchorRecord {
            id: AnchorId::from_uuid(Uuid::from_u128(number)),
            manufacturer: manufacturer_id(1),
            subject: "CN=Acme Device Root".to_owned(),
            certificate_der: vec![1, 2, 3],
            fingerprint: digest(7),
            imported_at: at(0),
            removed_at: None,
        };
        store
            .write_durable(|db| {
                db.server_certificate_put(&server(1))?;
                db.server_certificate_put(&server(2))?;
                db.server_certificate_put(&server(2))?;
                db.anchor_create(&anchor(1))
            })
            .unwrap();
        assert_eq!(
            store.read(|db| db.server_certificate_list()).unwrap(),
            [server(2), server(1)]
        );
        assert_eq!(store.read(|db| db.anchor_list()).unwrap(), [anchor(1)]);
        let twice = store.write_durable(|db| db.anchor_create(&anchor(2)));
        assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
        store
            .write_durable(|db| db.anchor_remove(anchor(1).id, at(1)))
            .unwrap();
        let gone = store.write_durable(|db| db.anchor_remove(anchor(1).id, at(2)));
        assert!(matches!(gone, Err(StoreError::NotFound { .. })), "{gone:?}");
        // A removed anchor may be imported anew.
        store.write_durable(|db| db.anchor_create(&anchor(2))).unwrap();
        assert_eq!(store.read(|db| db.anchor_list()).unwrap(), [anchor(2)]);
    });
}

fn token(number: u128) -> TokenRecord {
    TokenRecord {
        id: EnrolTokenId::from_uuid(Uuid::from_u128(number)),
        serial: serial("SN-1"),
        model: model_id(1),
        bound_key: None,
        expires_at: at(3600),
        consumed: None,
        withdrawn_at: None,
    }
}

fn secret(number: u128) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[16..].copy_from_slice(&number.to_be_bytes());
    hash
}

#[test]
fn a_token_is_used_once_or_withdrawn() {
    for_each_db(|store| {
        make_model(store);
        let bound = TokenRecord {
            bound_key: Some(digest(3)),
            ..token(1)
        };
        store
            .write_durable(|db| {
                db.enrol_token_create(&bound, &secret(1), at(1))?;
                db.enrol_token_create(&token(2), &secret(2), at(2))
            })
            .unwrap();
        let fetch = |number| {
            store
                .read(|db| db.enrol_token_fetch_by_hash(&secret(number)))
                .unwrap()
        };
        assert_eq!(fetch(1).as_ref(), Some(&bound));
        assert_eq!(fetch(9), None);
        let consume = |number: u128, at| {
            store.write_durable(|db| db.enrol_token_consume(token(number).id, digest(4), at))
        };
        let withdraw =
            |number: u128, at| store.write_durable(|db| db.enrol_token_withdraw(token(number).id, at));
        consume(1, at(5)).unwrap();
        assert_eq!(fetch(1).unwrap().consumed, Some((at(5), digest(4))));
        withdraw(2, at(6)).unwrap();
        withdraw(2, at(7)).unwrap();
        assert_eq!(fetch(2).unwrap().withdrawn_at, Some(at(6)));
        let check = |outcome: Result<(), StoreError>, expected: &str| {
            assert_eq!(outcome.unwrap_err().to_string(), expected);
        };
        check(consume(1, at(8)), "use an enrolment token: it was used already");
        check(consume(2, at(8)), "use an enrolment token: it was withdrawn");
        check(
            withdraw(1, at(8)),
            "withdraw an enrolment token: it was used already",
        );
        for unknown in [consume(9, at(8)), withdraw(9, at(8))] {
            assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
        }
    });
}

#[test]
fn of_two_that_use_a_token_at_once_one_wins() {
    for_each_db(|store| {
        make_model(store);
        for round in 1..=10 {
            store
                .write_durable(|db| db.enrol_token_create(&token(round), &secret(round), at(1)))
                .unwrap();
            let start = Barrier::new(4);
            let wins = std::thread::scope(|scope| {
                let racers: Vec<_> = (0..4)
                    .map(|racer| {
                        let start = &start;
                        scope.spawn(move || {
                            start.wait();
                            store.write_durable(|db| {
                                db.enrol_token_consume(token(round).id, digest(racer), at(2))
                            })
                        })
                    })
                    .collect();
                let outcomes = racers.into_iter().map(|racer| racer.join().unwrap());
                outcomes
                    .filter(|outcome| match outcome {
                        Ok(()) => true,
                        Err(StoreError::Conflict { .. }) => false,
                        Err(other) => panic!("{other:?}"),
                    })
                    .count()
            });
            assert_eq!(wins, 1);
        }
    });
}

#[test]
fn tokens_are_listed_the_newest_first() {
    for_each_db(|store| {
        make_model(store);
        store
            .write(|db| {
                // Several are made in one second.
                (1..=25).try_for_each(|number| {
                    db.enrol_token_create(&token(number), &secret(number), at((number / 4) as i64))
                })
            })
            .unwrap();
        let (tokens, pages) = all_pages(10, |after, limit| {
            store.read(|db| db.enrol_token_list(after, limit))
        });
        let expected: Vec<_> = (1..=25).rev().map(|n| (token(n), at((n / 4) as i64))).collect();
        assert_eq!((tokens, pages), (expected, 3));
    });
}

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
        let hold = Hold {
            kind: HoldKind::SecurityIsolation,
            reason: Reason::new("cloned").unwrap(),
            since: at(8),
        };
        store
            .write_durable(|db| db.pump_hold_set(pump_id(2), &hold))
            .unwrap();
        assert_eq!(
            about(&changed(), 2).unwrap().hold,
            Some(HoldKind::SecurityIsolation)
        );
        store.write_durable(|db| db.pump_hold_clear(pump_id(2))).unwrap();
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
