//! Accounts, roles, sessions, devices, tokens and idempotency keys, on both databases.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fleet::{
    access::{CareAreas, Grant, Permission, Role, SignedOut},
    id::{AccountId, CareAreaId, DeviceId, GlassUseId, ServiceTokenId, SessionId},
    text::Reason,
};
use store::{
    AccountRecord, DeviceRecord, GlassUseRecord, IdempotencyRecord, ServiceTokenRecord, SessionRecord,
    StoreError,
};
use uuid::Uuid;

use crate::common::*;

fn account_id(number: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn account(number: u128, text: &str) -> AccountRecord {
    AccountRecord {
        id: account_id(number),
        name: name(text),
        printed_name: name("Ana O'Brien 💉"),
        password_hash: "$argon2id$v=19$…".to_owned(),
        must_change_password: true,
        totp_sealed: None,
        totp_last_step: None,
        pin_hash: None,
        created_at: at(0),
        disabled_at: None,
        row_version: 1,
    }
}

pub(crate) fn session(number: u8, of: AccountId) -> SessionRecord {
    SessionRecord {
        id: SessionId::from_uuid(Uuid::from_u128(number.into())),
        account: of,
        secret_hash: [number; 32],
        device: None,
        address: Some("2001:db8::1".parse().unwrap()),
        agent: Some(name("a browser")),
        factors: "password totp".to_owned(),
        authenticated_at: at(i64::from(number)),
        last_seen_at: at(i64::from(number)),
        idle_seconds: 900,
        expires_at: at(43_200),
        ended_at: None,
        end_reason: None,
        signed_at: None,
        glass: None,
    }
}

#[test]
fn an_account_is_found_by_its_name_in_any_case_and_is_nobody_elses() {
    for_each_db(|store| {
        let ana = account(1, "Ana");
        store.write_durable(|db| db.account_create(&ana)).unwrap();
        let twice = store.write(|db| db.account_create(&account(2, "aNA")));
        assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
        let fetch = |text: &str| store.read(|db| db.account_fetch_by_name(&name(text))).unwrap();
        assert_eq!(fetch("ana"), Some(ana.clone()));
        assert_eq!(fetch("ben"), None);
        store
            .write(|db| {
                db.account_password_set(ana.id, "$new", false)?;
                db.account_pin_set(ana.id, Some("$pin"))?;
                db.account_totp_set(ana.id, Some(&[0, 255, 7]), Some(5))
            })
            .unwrap();
        let now = fetch("ANA").unwrap();
        assert_eq!(now.password_hash, "$new");
        assert_eq!(
            (now.totp_sealed.as_deref(), now.pin_hash.as_deref()),
            (Some(&[0, 255, 7][..]), Some("$pin"))
        );
        assert!(!format!("{now:?}").contains('$'), "{now:?}");
        // A code, and every one before it, is used up.
        store.write(|db| db.account_totp_use(ana.id, 6)).unwrap();
        for step in [6, 5, 0] {
            let again = store.write(|db| db.account_totp_use(ana.id, step));
            assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
        }
        store
            .write(|db| db.account_edit(ana.id, 1, &name("Ana B."), Some(at(9))))
            .unwrap();
        let stale = store.write(|db| db.account_edit(ana.id, 1, &name("Ana C."), None));
        assert!(matches!(stale, Err(StoreError::Conflict { .. })), "{stale:?}");
        let closed = store.read(|db| db.account_fetch(ana.id)).unwrap();
        assert_eq!((closed.disabled_at, closed.row_version), (Some(at(9)), 2));
        for unknown in [
            store.write(|db| db.account_password_set(account_id(9), "", true)),
            store.write(|db| db.account_pin_set(account_id(9), None)),
            store.read(|db| db.account_fetch(account_id(9)).map(drop)),
        ] {
            assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
        }
    });
}

#[test]
fn people_are_listed_page_by_page_by_name() {
    for_each_db(|store| {
        for (number, text) in [(1, "Zoë"), (2, "ana"), (3, "Ben"), (4, "émile")] {
            store
                .write(|db| db.account_create(&account(number, text)))
                .unwrap();
        }
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let page = store.read(|db| db.account_list(after.as_deref(), 1)).unwrap();
            names.extend(page.items.into_iter().map(|account| account.name.to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(names, ["ana", "Ben", "Zoë", "émile"]);
    });
}

#[test]
fn roles_are_replaced_as_a_whole() {
    for_each_db(|store| {
        let area = CareAreaId::from_uuid(Uuid::from_u128(7));
        store
            .write(|db| {
                db.care_area_ensure(&name("MICU"), area)?;
                db.account_create(&account(1, "ana"))?;
                db.account_create(&account(2, "ben"))
            })
            .unwrap();
        let grants = [
            Grant {
                role: Role::Nurse,
                care_areas: CareAreas::Named(BTreeSet::from([area])),
            },
            Grant {
                role: Role::Administrator,
                care_areas: CareAreas::All,
            },
        ];
        store.write(|db| db.grant_set(account_id(1), &grants)).unwrap();
        store.write(|db| db.grant_set(account_id(1), &grants)).unwrap();
        let of = store
            .read(|db| db.grant_list_of(&[account_id(1), account_id(2)]))
            .unwrap();
        assert_eq!(of[&account_id(1)], grants);
        assert!(!of.contains_key(&account_id(2)));
        assert_eq!(
            store
                .read(|db| db.grant_count_active(Role::Administrator))
                .unwrap(),
            1
        );
        store
            .write(|db| db.account_edit(account_id(1), 1, &name("x"), Some(at(1))))
            .unwrap();
        assert_eq!(
            store
                .read(|db| db.grant_count_active(Role::Administrator))
                .unwrap(),
            0
        );
        store.write(|db| db.grant_set(account_id(1), &[])).unwrap();
        assert_eq!(store.read(|db| db.grant_list(account_id(1))).unwrap(), []);
        let nowhere = Grant {
            role: Role::Nurse,
            care_areas: CareAreas::Named(BTreeSet::from([CareAreaId::from_uuid(Uuid::from_u128(99))])),
        };
        let refused = store.write(|db| db.grant_set(account_id(1), &[nowhere]));
        assert!(refused.is_err(), "a care area that is not there");
    });
}

#[test]
fn sessions_are_kept_touched_rotated_and_ended() {
    for_each_db(|store| {
        let ana = account_id(1);
        store
            .write(|db| {
                db.account_create(&account(1, "ana"))?;
                for number in 1..=3 {
                    db.session_create(&session(number, ana))?;
                }
                Ok(())
            })
            .unwrap();
        let by_hash = |byte: u8| store.read(|db| db.session_fetch_by_hash(&[byte; 32])).unwrap();
        assert_eq!(by_hash(1), Some((session(1, ana), account(1, "ana"))));
        assert_eq!(by_hash(9), None);
        let first = session(1, ana).id;
        let glass = GlassUseRecord {
            id: GlassUseId::from_uuid(Uuid::from_u128(5)),
            account: ana,
            since: at(20),
            reason: Reason::new("nobody else").unwrap(),
            ended_at: None,
        };
        store
            .write(|db| {
                db.session_touch(first, at(30))?;
                db.session_signed(first, at(31))?;
                db.glass_use_create(&glass)?;
                db.session_rotate(first, &[77; 32], Some(glass.id), at(40))
            })
            .unwrap();
        assert_eq!(by_hash(1), None, "the old secret opens nothing");
        let (rotated, _) = by_hash(77).unwrap();
        assert_eq!(
            (rotated.glass, rotated.signed_at, rotated.last_seen_at),
            (Some(glass.id), None, at(40))
        );
        store.write(|db| db.glass_use_end(glass.id, at(50))).unwrap();
        store.write(|db| db.glass_use_end(glass.id, at(60))).unwrap();
        let (used, who) = store
            .read(|db| db.glass_use_list(None, 10))
            .unwrap()
            .items
            .remove(0);
        assert_eq!(
            (used.ended_at, used.over_at(), who),
            (Some(at(50)), at(50), name("Ana O'Brien 💉"))
        );

        let ended = store
            .write(|db| db.session_end_of(ana, Some(first), at(60), SignedOut::PasswordChanged))
            .unwrap();
        assert_eq!(ended, 2);
        store
            .write(|db| db.session_end(session(2, ana).id, at(70), SignedOut::ByPerson))
            .unwrap();
        let second = store.read(|db| db.session_fetch(session(2, ana).id)).unwrap();
        assert_eq!(
            (second.ended_at, second.end_reason),
            (Some(at(60)), Some(SignedOut::PasswordChanged)),
            "the first reason stands"
        );
        let left = store.read(|db| db.session_list(ana)).unwrap();
        assert_eq!(left.iter().map(|one| one.id).collect::<Vec<_>>(), [first]);
    });
}

#[test]
fn a_device_takes_its_sessions_along() {
    for_each_db(|store| {
        let ana = account_id(1);
        let tablet = DeviceRecord {
            id: DeviceId::from_uuid(Uuid::from_u128(8)),
            name: name("Tablet 4 West"),
            care_area: None,
            secret_hash: [8; 32],
            idle_seconds: 180,
            registered_at: at(1),
            registered_by: ana,
            removed_at: None,
        };
        let on_it = SessionRecord {
            device: Some(tablet.id),
            ..session(1, ana)
        };
        store
            .write(|db| {
                db.account_create(&account(1, "ana"))?;
                db.device_create(&tablet)?;
                db.session_create(&on_it)?;
                db.session_create(&session(2, ana))
            })
            .unwrap();
        let twice = DeviceRecord {
            id: DeviceId::from_uuid(Uuid::from_u128(9)),
            secret_hash: [9; 32],
            ..tablet.clone()
        };
        let twice = store.write(|db| db.device_create(&twice));
        assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
        assert_eq!(
            store.read(|db| db.device_fetch_by_hash(&[8; 32])).unwrap(),
            Some(tablet.clone())
        );
        store
            .write(|db| {
                db.device_remove(tablet.id, at(5))?;
                assert_eq!(db.session_end_on(tablet.id, at(5))?, 1);
                Ok(())
            })
            .unwrap();
        assert_eq!(store.read(|db| db.device_list()).unwrap(), []);
        assert_eq!(store.read(|db| db.session_list(ana)).unwrap(), [session(2, ana)]);
    });
}

#[test]
fn service_tokens_keep_their_scopes() {
    for_each_db(|store| {
        let scopes = BTreeSet::from([Permission::PumpRead, Permission::EventRead]);
        let token = |number: u8| ServiceTokenRecord {
            id: ServiceTokenId::from_uuid(Uuid::from_u128(number.into())),
            account: account_id(1),
            label: name("nightly export"),
            scopes: ServiceTokenRecord::scopes_of(&scopes),
            secret_hash: [number; 32],
            created_at: at(number.into()),
            expires_at: at(1000),
            revoked_at: None,
        };
        store
            .write_durable(|db| {
                db.account_create(&account(1, "ana"))?;
                for number in 1..=3 {
                    db.service_token_create(&token(number))?;
                }
                Ok(())
            })
            .unwrap();
        let (found, owner) = store
            .read(|db| db.service_token_fetch_by_hash(&[1; 32]))
            .unwrap()
            .unwrap();
        assert_eq!((found.permissions(), owner), (scopes.clone(), account(1, "ana")));
        for when in [50, 60] {
            store
                .write(|db| db.service_token_revoke(token(1).id, at(when)))
                .unwrap();
        }
        let page = store
            .read(|db| db.service_token_list(Some(account_id(1)), None, 2))
            .unwrap();
        assert_eq!(page.items, [token(3), token(2)]);
        let rest = store
            .read(|db| db.service_token_list(None, page.next.as_deref(), 2))
            .unwrap();
        assert_eq!(rest.items[0].revoked_at, Some(at(50)));
        assert_eq!(
            store
                .write(|db| db.service_token_revoke_of(account_id(1), at(70)))
                .unwrap(),
            2
        );
        let unknown = store.write(|db| db.service_token_revoke(token(9).id, at(1)));
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
        // A word of a later version opens nothing.
        let later = ServiceTokenRecord {
            scopes: "pump_read pump_fly".to_owned(),
            ..token(4)
        };
        assert_eq!(later.permissions(), BTreeSet::from([Permission::PumpRead]));
    });
}

#[test]
fn an_idempotency_key_is_taken_answered_given_back_and_forgotten() {
    for_each_db(|store| {
        let key = |text: &str| IdempotencyRecord {
            account: account_id(1),
            name: text.to_owned(),
            request_hash: [3; 32],
            at: at(10),
            status: None,
            content_type: None,
            body: None,
        };
        store.write(|db| db.account_create(&account(1, "ana"))).unwrap();
        let begin = |text: &str| store.write(|db| db.idempotency_begin(&key(text))).unwrap();
        assert_eq!(begin("a"), None);
        assert_eq!(begin("a"), Some(key("a")), "being worked on");
        store
            .write(|db| db.idempotency_finish(account_id(1), "a", 201, Some("application/json"), Some("{}")))
            .unwrap();
        let done = begin("a").unwrap();
        assert_eq!((done.status, done.body.as_deref()), (Some(201), Some("{}")));
        assert_eq!(begin("b"), None);
        store
            .write(|db| db.idempotency_release(account_id(1), "b"))
            .unwrap();
        assert_eq!(begin("b"), None);
        let before = at(10) + TimeDelta::seconds(1);
        assert_eq!(store.write(|db| db.idempotency_forget(before)).unwrap(), 2);
        assert_eq!(begin("a"), None);
    });
}
