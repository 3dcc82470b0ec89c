use chrono::{DateTime, FixedOffset};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::{
    super::{Digest, Meaning, SignatureState, SubjectKind, VoidReason, content_hash, state},
    *,
};
use crate::text::Reason;

fn content() -> serde_json::Value {
    json!({ "pump": "SN-1", "components": [["main", "9.33"]], "checks": "passed" })
}

fn statement() -> SignatureStatement {
    SignatureStatement {
        id: SignatureId::from_uuid(Uuid::from_u128(1)),
        subject: Subject {
            kind: SubjectKind::Pump,
            id: Uuid::from_u128(2),
            version: 3,
            content_hash: content_hash(SubjectKind::Pump, &content()),
        },
        answer: Answer::Signed {
            meaning: Meaning::VerifiedForClinicalUse,
            comment: None,
        },
        printed_name: Name::new("Ana \"Nina\" O'Brien").unwrap(),
        account: AccountId::from_uuid(Uuid::from_u128(4)),
        role: Role::Nurse,
        care_area: Some(Named {
            id: CareAreaId::from_uuid(Uuid::from_u128(5)),
            name: Name::new("4 West").unwrap(),
        }),
        device: None,
        signed_at: ZonedTime::new(
            DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            FixedOffset::east_opt(3600).unwrap(),
        ),
    }
}

#[test]
fn the_bytes_are_these() {
    let bytes = statement().canonical_bytes();
    insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
}

#[test]
fn any_change_to_what_was_signed_voids_it_and_says_so() {
    let signed = statement();
    assert!(signed.fits());
    let check = |change: fn(&mut Subject), expected: SignatureState| {
        let mut current = signed.subject;
        change(&mut current);
        assert_eq!(state(&signed, Some(&current)), expected);
    };
    let kind = SubjectKind::Pump;
    check(|_| (), SignatureState::Valid);
    check(
        |s| {
            let mut content = content();
            content["checks"] = "review".into();
            s.content_hash = content_hash(s.kind, &content);
            s.version = 4;
        },
        SignatureState::Void(VoidReason::Content {
            kind,
            signed: 3,
            current: 4,
        }),
    );
    // A writer that forgot to count up is found out by the hash alone.
    check(
        |s| s.content_hash = Digest::ZERO,
        SignatureState::Void(VoidReason::Content {
            kind,
            signed: 3,
            current: 3,
        }),
    );
    check(
        |s| s.version = 5,
        SignatureState::Void(VoidReason::Version {
            kind,
            signed: 3,
            current: 5,
        }),
    );
    let other = SignatureState::Void(VoidReason::OtherSubject { signed: kind });
    check(|s| s.id = Uuid::from_u128(99), other);
    check(|s| s.kind = SubjectKind::Hold, other);
    let gone = SignatureState::Void(VoidReason::Gone { kind });
    assert_eq!(state(&signed, None), gone);
}

#[test]
fn one_content_of_two_kinds_has_two_hashes() {
    let hashes = SubjectKind::ALL.map(|kind| content_hash(kind, &content()));
    for (index, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..index].contains(hash));
    }
    let reordered = json!({ "checks": "passed", "components": [["main", "9.33"]], "pump": "SN-1" });
    assert_eq!(content_hash(SubjectKind::Pump, &reordered), hashes[0]);
}

fn few<T: Clone + std::fmt::Debug + 'static>(of: Vec<T>) -> impl Strategy<Value = T> {
    proptest::sample::select(of)
}

/// Few values of each field, and such that a careless form would mix up.
fn any_statement() -> impl Strategy<Value = SignatureStatement> {
    let names = || few(vec!["a", "b", "a\",\"role\":\"x", "null"]).prop_map(|name| Name::new(name).unwrap());
    let ids = || few(vec![Uuid::from_u128(1), Uuid::from_u128(2)]);
    let maybe_known = || (any::<bool>(), ids(), names());
    let kinds = few(SubjectKind::ALL.to_vec());
    let digests = few(vec![Digest::ZERO, Digest::of(b"x")]);
    let subjects = (kinds, ids(), 0..3_i64, digests).prop_map(|(kind, id, version, content_hash)| Subject {
        kind,
        id,
        version,
        content_hash,
    });
    let reasons = || few(vec!["null", "later", "signed"]).prop_map(|reason| Reason::new(reason).unwrap());
    let answers = (
        few(Meaning::ALL.to_vec()),
        proptest::option::of(reasons()),
        reasons(),
        any::<bool>(),
    )
        .prop_map(|(meaning, comment, reason, signs)| {
            if signs {
                Answer::Signed { meaning, comment }
            } else {
                Answer::NotNow {
                    asked: meaning,
                    reason,
                }
            }
        });
    let times = (0..3_i64, -2..3_i32).prop_map(|(minute, offset)| {
        let at = DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap();
        ZonedTime::from_parts(at, offset)
    });
    let whole = (
        (ids(), subjects, answers, names(), ids()),
        (few(Role::ALL.to_vec()), maybe_known(), maybe_known(), times),
    );
    whole.prop_map(
        |((id, subject, answer, printed_name, account), (role, area, device, signed_at))| {
            SignatureStatement {
                id: SignatureId::from_uuid(id),
                subject,
                answer,
                printed_name,
                account: AccountId::from_uuid(account),
                role,
                care_area: area.0.then_some(Named {
                    id: CareAreaId::from_uuid(area.1),
                    name: area.2,
                }),
                device: device.0.then_some(Named {
                    id: DeviceId::from_uuid(device.1),
                    name: device.2,
                }),
                signed_at,
            }
        },
    )
}

/// The statement with one field taken from another one.
fn with_one_field_of(
    mut to: SignatureStatement,
    from: SignatureStatement,
    field: usize,
) -> SignatureStatement {
    match field {
        0 => to.id = from.id,
        1 => to.subject.kind = from.subject.kind,
        2 => to.subject.id = from.subject.id,
        3 => to.subject.version = from.subject.version,
        4 => to.subject.content_hash = from.subject.content_hash,
        5 => to.answer = from.answer,
        6 => to.printed_name = from.printed_name,
        7 => to.account = from.account,
        8 => to.role = from.role,
        9 => to.care_area = from.care_area,
        10 => to.device = from.device,
        _ => to.signed_at = from.signed_at,
    }
    to
}

proptest! {
    #[test]
    fn two_statements_have_the_same_bytes_only_if_they_are_the_same(
        a in any_statement(), b in any_statement(), field in 0..12_usize,
    ) {
        let near = with_one_field_of(a.clone(), b.clone(), field);
        prop_assert_eq!(a == near, a.canonical_bytes() == near.canonical_bytes());
        prop_assert_eq!(a == b, a.canonical_bytes() == b.canonical_bytes());
    }
}
