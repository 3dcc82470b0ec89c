use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

use super::*;
use crate::{
    certificate::{RevocationReason, SerialHex},
    id::{AuthorityId, EnrolTokenId},
};

const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
const KEY: Fingerprint = Fingerprint::from_digest([7; 32]);
const OTHER_KEY: Fingerprint = Fingerprint::from_digest([8; 32]);
const CERTIFICATE: Fingerprint = Fingerprint::from_digest([9; 32]);

fn pump(n: u128) -> PumpId {
    PumpId::from_uuid(Uuid::from_u128(n))
}

fn model() -> ModelId {
    ModelId::from_uuid(Uuid::from_u128(100))
}

fn serial(text: &str) -> SerialNumber {
    SerialNumber::new(text).unwrap()
}

fn applicant(claims: &str) -> Applicant {
    Applicant {
        key: KEY,
        claimed_serial: (!claims.is_empty()).then(|| serial(claims)),
    }
}

fn token() -> TokenRecord {
    TokenRecord {
        id: EnrolTokenId::from_uuid(Uuid::from_u128(50)),
        serial: serial("SN-1"),
        model: model(),
        bound_key: None,
        expires_at: NOW + TimeDelta::hours(1),
        consumed: None,
        withdrawn_at: None,
    }
}

fn certificate(of: PumpId, issued_days_ago: i64) -> CertificateRecord {
    let issued_at = NOW - TimeDelta::days(issued_days_ago);
    CertificateRecord {
        fingerprint: CERTIFICATE,
        serial: SerialHex::from_digits("0a"),
        pump: of,
        authority: AuthorityId::from_uuid(Uuid::from_u128(60)),
        key: KEY,
        not_before: issued_at,
        not_after: issued_at + TimeDelta::days(90),
        issued_at,
        first_used_at: None,
        revoked: None,
    }
}

fn revoked(of: PumpId) -> KeyHolder {
    let mut certificate = certificate(of, 1);
    certificate.revoked = Some((NOW, RevocationReason::KeyCompromise));
    KeyHolder { certificate }
}

fn holds(of: PumpId, issued_days_ago: i64) -> KeyHolder {
    KeyHolder {
        certificate: certificate(of, issued_days_ago),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn a_token_opens_once_for_one_serial_and_one_key() {
    let first = || {
        Ok(Grant::First {
            serial: serial("SN-1"),
            model: model(),
        })
    };
    let not_open = |state| Err(Refusal::NotAuthorised(TokenProblem::NotOpen(state)));
    let check =
        |claims: &str, change: fn(&mut TokenRecord), enrolled, holder: Option<KeyHolder>, expected| {
            let mut token = token();
            change(&mut token);
            let evidence = Evidence::Token {
                token: Some(token),
                enrolled,
            };
            assert_eq!(
                authorise(&applicant(claims), &evidence, holder.as_ref(), NOW),
                expected
            );
        };
    let known = |retired| {
        Some(Enrolled {
            pump: pump(1),
            hold: None,
            retired,
        })
    };

    check("SN-1", |_| (), None, None, first());
    check("SN-1", |t| t.bound_key = Some(KEY), None, None, first());
    check("SN-1", |_| (), known(false), None, first());
    check("SN-2", |_| (), None, None, Err(Refusal::OtherSerial));
    check(
        "",
        |_| (),
        None,
        None,
        Err(Refusal::NotAuthorised(TokenProblem::NoSerial)),
    );
    check(
        "SN-1",
        |t| t.bound_key = Some(OTHER_KEY),
        None,
        None,
        Err(Refusal::OtherKey),
    );
    check(
        "SN-1",
        |t| t.expires_at = NOW - TimeDelta::seconds(1),
        None,
        None,
        not_open(TokenState::Expired),
    );
    check(
        "SN-1",
        |t| t.withdrawn_at = Some(NOW),
        None,
        None,
        not_open(TokenState::Withdrawn),
    );
    check(
        "SN-1",
        |t| t.consumed = Some((NOW, OTHER_KEY)),
        None,
        None,
        not_open(TokenState::Used),
    );
    check("SN-1", |_| (), known(true), None, Err(Refusal::Retired));
    // The answer to the first request was lost: same token, same key, same certificate.
    check(
        "SN-1",
        |t| t.consumed = Some((NOW, KEY)),
        known(false),
        Some(holds(pump(1), 0)),
        Ok(Grant::Same(CERTIFICATE)),
    );
    check(
        "SN-1",
        |t| t.consumed = Some((NOW, KEY)),
        known(false),
        Some(revoked(pump(1))),
        not_open(TokenState::Used),
    );
    // An isolated pump, or one that is evidence, gets none in any way.
    for (hold, expected) in [
        (HoldKind::Clinical, first()),
        (HoldKind::SecurityIsolation, Err(Refusal::Held)),
        (HoldKind::Sequestered, Err(Refusal::Held)),
    ] {
        let enrolled = Some(Enrolled {
            pump: pump(1),
            hold: Some(hold),
            retired: false,
        });
        check("SN-1", |_| (), enrolled, None, expected);
    }
    // A key belongs to one pump for ever.
    check("SN-1", |_| (), known(false), Some(holds(pump(1), 80)), first());
    check(
        "SN-1",
        |_| (),
        known(false),
        Some(holds(pump(2), 1)),
        Err(Refusal::KeyOfAnotherPump { holder: pump(2) }),
    );
    check(
        "SN-1",
        |_| (),
        None,
        Some(holds(pump(2), 1)),
        Err(Refusal::KeyOfAnotherPump { holder: pump(2) }),
    );
    check(
        "SN-1",
        |_| (),
        known(false),
        Some(revoked(pump(1))),
        Err(Refusal::RevokedKey),
    );
}

#[test]
fn a_factory_certificate_needs_an_expected_pump_and_works_once() {
    let check = |expected_model, enrolled, holder: Option<KeyHolder>, expected| {
        let evidence = Evidence::Manufacturer {
            anchor: AnchorId::from_uuid(Uuid::from_u128(70)),
            expected_model,
            enrolled,
        };
        assert_eq!(
            authorise(&applicant("SN-1"), &evidence, holder.as_ref(), NOW),
            expected
        );
    };
    let known = |retired| {
        Some(Enrolled {
            pump: pump(1),
            hold: None,
            retired,
        })
    };
    check(
        Some(model()),
        None,
        None,
        Ok(Grant::First {
            serial: serial("SN-1"),
            model: model(),
        }),
    );
    check(
        None,
        None,
        None,
        Err(Refusal::NotExpected {
            serial: serial("SN-1"),
        }),
    );
    check(Some(model()), known(false), None, Err(Refusal::AlreadyEnrolled));
    check(
        Some(model()),
        known(false),
        Some(holds(pump(1), 1)),
        Ok(Grant::Same(CERTIFICATE)),
    );
    check(
        Some(model()),
        known(false),
        Some(holds(pump(1), 91)),
        Err(Refusal::AlreadyEnrolled),
    );
    check(Some(model()), known(true), None, Err(Refusal::Retired));
    check(
        Some(model()),
        None,
        Some(holds(pump(2), 1)),
        Err(Refusal::KeyOfAnotherPump { holder: pump(2) }),
    );
}

#[test]
fn a_renewal_needs_a_living_certificate_and_a_new_key() {
    struct Case {
        current: CertificateRecord,
        hold: Option<HoldKind>,
        retired: bool,
        late_renewal_until: Option<Timestamp>,
        asked_for: bool,
        holder: Option<KeyHolder>,
    }
    let check = |change: fn(&mut Case), expected| {
        let mut case = Case {
            current: certificate(pump(1), 60),
            hold: None,
            retired: false,
            late_renewal_until: None,
            asked_for: false,
            holder: None,
        };
        change(&mut case);
        let evidence = Evidence::Current(Current {
            certificate: case.current,
            hold: case.hold,
            retired: case.retired,
            late_renewal_until: case.late_renewal_until,
            asked_for: case.asked_for,
        });
        assert_eq!(
            authorise(&applicant(""), &evidence, case.holder.as_ref(), NOW),
            expected
        );
    };
    check(
        |_| (),
        Ok(Grant::Renewal {
            pump: pump(1),
            late: false,
        }),
    );
    check(
        |c| c.hold = Some(HoldKind::Clinical),
        Ok(Grant::Renewal {
            pump: pump(1),
            late: false,
        }),
    );
    check(|c| c.hold = Some(HoldKind::SecurityIsolation), Err(Refusal::Held));
    check(|c| c.hold = Some(HoldKind::Sequestered), Err(Refusal::Held));
    check(|c| c.retired = true, Err(Refusal::Retired));
    check(
        |c| c.current = revoked(pump(1)).certificate,
        Err(Refusal::Revoked),
    );
    check(
        |c| c.holder = Some(holds(pump(1), 60)),
        Err(Refusal::KeyNotRenewed),
    );
    check(
        |c| c.holder = Some(holds(pump(1), 0)),
        Ok(Grant::Same(CERTIFICATE)),
    );
    check(
        |c| c.holder = Some(holds(pump(2), 0)),
        Err(Refusal::KeyOfAnotherPump { holder: pump(2) }),
    );
    check(|c| c.holder = Some(revoked(pump(1))), Err(Refusal::RevokedKey));
    // A stolen certificate must not make others without end.
    check(
        |c| c.current = certificate(pump(1), 55),
        Err(Refusal::NotDue {
            from: NOW + TimeDelta::hours(12),
        }),
    );
    check(
        |c| {
            c.current = certificate(pump(1), 55);
            c.asked_for = true;
        },
        Ok(Grant::Renewal {
            pump: pump(1),
            late: false,
        }),
    );
    // Months in a cupboard.
    check(|c| c.current = certificate(pump(1), 200), Err(Refusal::Expired));
    check(
        |c| {
            c.current = certificate(pump(1), 200);
            c.late_renewal_until = Some(NOW + TimeDelta::days(1));
        },
        Ok(Grant::Renewal {
            pump: pump(1),
            late: true,
        }),
    );
    check(
        |c| {
            c.current = certificate(pump(1), 200);
            c.late_renewal_until = Some(NOW - TimeDelta::seconds(1));
        },
        Err(Refusal::Expired),
    );
}

#[test]
fn without_evidence_there_is_nothing() {
    for evidence in [
        Evidence::None,
        Evidence::Token {
            token: None,
            enrolled: None,
        },
    ] {
        assert!(matches!(
            authorise(&applicant("SN-1"), &evidence, None, NOW),
            Err(Refusal::NotAuthorised(_))
        ));
    }
}
