//! Authorities, anchors, enrolment tokens and late renewals: who may have a certificate, on both databases.

use std::sync::Barrier;

use fleet::{
    certificate::{AuthorityKind, AuthorityState, SerialHex},
    enrolment::TokenRecord,
    id::{AnchorId, EnrolTokenId},
};
use store::{AnchorRecord, AuthorityRecord, CrlRecord, ServerCertificateRecord, Store, StoreError};
use uuid::Uuid;

use crate::common::*;

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
fn a_late_renewal_is_armed_until_it_is_cleared() {
    for_each_db(|store| {
        make_pumps(store, 1);
        let fetch = || store.read(|db| db.late_renewal_fetch(pump_id(1))).unwrap();
        assert_eq!(fetch(), None);
        store
            .write_durable(|db| db.late_renewal_arm(pump_id(1), at(5)))
            .unwrap();
        store
            .write_durable(|db| db.late_renewal_arm(pump_id(1), at(9)))
            .unwrap();
        assert_eq!(fetch(), Some(at(9)));
        store
            .write_durable(|db| db.late_renewal_clear(pump_id(1)))
            .unwrap();
        store
            .write_durable(|db| db.late_renewal_clear(pump_id(1)))
            .unwrap();
        assert_eq!(fetch(), None);
    });
}
