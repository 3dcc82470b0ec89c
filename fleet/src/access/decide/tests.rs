use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    super::{BREAK_GLASS_FOR, BreakGlass, Effect, Grant},
    *,
};
use crate::text::Reason;

const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

fn account(n: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(n))
}

fn area(n: u128) -> CareAreaId {
    CareAreaId::from_uuid(Uuid::from_u128(n))
}

fn grant(role: Role, areas: &[u128]) -> Grant {
    let care_areas = CareAreas::Named(areas.iter().copied().map(area).collect());
    Grant { role, care_areas }
}

fn principal(grants: Vec<Grant>, kind: PrincipalKind) -> Principal {
    Principal {
        account: account(1),
        grants,
        kind,
    }
}

fn glass() -> PrincipalKind {
    PrincipalKind::BreakGlass(BreakGlass {
        since: NOW,
        reason: Reason::new("code blue, no charge nurse on the ward").unwrap(),
    })
}

fn program(scopes: &[Permission]) -> PrincipalKind {
    let scopes = scopes.iter().copied().collect();
    PrincipalKind::Program { scopes }
}

#[test]
fn a_role_holds_where_it_was_granted() {
    let check = |role, areas: &[u128], permission, at: Option<u128>, expected: Result<(), Denied>| {
        let person = principal(vec![grant(role, areas)], PrincipalKind::Person);
        assert_eq!(decide(&person, permission, at.map(area), NOW), expected);
    };
    let wave = Permission::SignWave;
    check(Role::ChargeNurse, &[1, 2], wave, Some(2), Ok(()));
    check(
        Role::ChargeNurse,
        &[1, 2],
        wave,
        Some(3),
        Err(Denied::OtherCareArea {
            permission: wave,
            care_area: area(3),
        }),
    );
    let nowhere = Err(Denied::NoCareArea { permission: wave });
    check(Role::ChargeNurse, &[1, 2], wave, None, nowhere);
    let not_yours = Err(Denied::NotYourRole { permission: wave });
    check(Role::ChargeNurse, &[], wave, Some(1), not_yours.clone());
    check(Role::Nurse, &[1], wave, Some(1), not_yours);
    // What the table gives everywhere does not end at the grant's care areas.
    check(Role::Nurse, &[1], Permission::PumpRead, Some(3), Ok(()));
    check(Role::Biomed, &[], Permission::PumpEdit, None, Ok(()));
}

#[test]
fn a_float_pool_signs_everywhere() {
    let care_areas = CareAreas::All;
    let grants = vec![Grant {
        role: Role::Nurse,
        care_areas,
    }];
    let person = principal(grants, PrincipalKind::Person);
    let reached = reach(&person, Permission::SignVerified, NOW);
    assert_eq!(reached, Ok(Reach::Everywhere));
}

#[test]
fn several_grants_add_up_and_a_list_is_narrowed_to_them() {
    let grants = vec![grant(Role::Nurse, &[1]), grant(Role::ChargeNurse, &[2, 3])];
    let person = principal(grants, PrincipalKind::Person);
    let check = |permission, areas: &[u128]| {
        let expected = Reach::CareAreas(areas.iter().copied().map(area).collect());
        assert_eq!(reach(&person, permission, NOW), Ok(expected));
    };
    check(Permission::PumpHold, &[1, 2, 3]);
    check(Permission::SignWave, &[2, 3]);
}

#[test]
fn break_glass_views_and_holds_and_ends() {
    let grants = vec![grant(Role::ChargeNurse, &[1]), grant(Role::Administrator, &[])];
    let check = |permission, after: TimeDelta, expected: Result<(), Denied>| {
        let person = principal(grants.clone(), glass());
        assert_eq!(decide(&person, permission, Some(area(9)), NOW + after), expected);
    };
    let instant = TimeDelta::zero();
    let over = Err(Denied::BreakGlassOver {
        ended_at: NOW + BREAK_GLASS_FOR,
    });
    check(Permission::PumpRead, instant, Ok(()));
    check(Permission::PumpHold, instant, Ok(()));
    check(
        Permission::PumpHold,
        BREAK_GLASS_FOR - TimeDelta::microseconds(1),
        Ok(()),
    );
    check(Permission::PumpHold, BREAK_GLASS_FOR, over.clone());
    check(Permission::PumpRead, BREAK_GLASS_FOR, over.clone());
    check(Permission::PumpHold, TimeDelta::seconds(-1), over);
    // Not even what the person's own roles would allow.
    for permission in [
        Permission::SignWave,
        Permission::PeopleEdit,
        Permission::SignReleaseNurse,
        Permission::BreakGlassUse,
        Permission::RolloutRun,
    ] {
        check(permission, instant, Err(Denied::NotByBreakGlass { permission }));
    }
}

#[test]
fn a_program_has_its_scopes_and_no_more_than_its_owner() {
    let check = |role, scopes: &[Permission], permission, expected: Result<(), Denied>| {
        let token = principal(vec![grant(role, &[])], program(scopes));
        assert_eq!(decide(&token, permission, None, NOW), expected);
    };
    let edit = Permission::PumpEdit;
    check(Role::Biomed, &[edit], edit, Ok(()));
    let not_in_scopes = Err(Denied::NotInScopes { permission: edit });
    check(Role::Biomed, &[Permission::PumpRead], edit, not_in_scopes);
    let not_yours = Err(Denied::NotYourRole { permission: edit });
    check(Role::Auditor, &[edit], edit, not_yours);
    let sign = Permission::SignReleaseBiomed;
    check(
        Role::Biomed,
        &[sign],
        sign,
        Err(Denied::OnlyAPerson { permission: sign }),
    );
    let own = Permission::SessionOwn;
    check(
        Role::Biomed,
        &[own],
        own,
        Err(Denied::OnlyAPerson { permission: own }),
    );
}

#[test]
fn whoever_may_sign_in_may_sign_out() {
    let person = principal(vec![], PrincipalKind::Person);
    assert_eq!(decide(&person, Permission::SessionOwn, None, NOW), Ok(()));
    assert_eq!(decide(&person, Permission::FactorOwn, None, NOW), Ok(()));
    let token = Permission::ServiceTokenOwn;
    let denied = Err(Denied::NotYourRole { permission: token });
    assert_eq!(decide(&person, token, None, NOW), denied);
}

#[test]
fn s12_one_person_is_not_two() {
    assert_eq!(different_people(account(1), account(2)), Ok(()));
    assert_eq!(different_people(account(1), account(1)), Err(SamePerson));
}

#[test]
fn a_refusal_says_who_may() {
    let permission = Permission::SignRollout;
    insta::assert_snapshot!(
        Denied::NotYourRole { permission },
        @"you may not approve a rollout: it belongs to Biomed lead"
    );
    insta::assert_snapshot!(
        Denied::NotByBreakGlass { permission },
        @"break-glass lets you see and hold pumps and nothing else; end it, and approve a rollout with your own role"
    );
}

fn any_permission() -> impl Strategy<Value = Permission> {
    proptest::sample::select(Permission::ALL)
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let areas = proptest::collection::btree_set((1..6_u128).prop_map(area), 0..4);
    let areas = prop_oneof![
        1 => Just(CareAreas::All),
        4 => areas.prop_map(CareAreas::Named),
    ];
    let role = proptest::sample::select(&Role::ALL[..]);
    (role, areas).prop_map(|(role, care_areas)| Grant { role, care_areas })
}

fn any_grants() -> impl Strategy<Value = Vec<Grant>> {
    proptest::collection::vec(any_grant(), 0..5)
}

fn any_program() -> impl Strategy<Value = PrincipalKind> {
    let scopes = proptest::collection::btree_set(any_permission(), 0..20);
    scopes.prop_map(|scopes| PrincipalKind::Program { scopes })
}

fn person_or_program() -> impl Strategy<Value = PrincipalKind> {
    prop_oneof![Just(PrincipalKind::Person), any_program()]
}

fn any_kind() -> impl Strategy<Value = PrincipalKind> {
    prop_oneof![Just(glass()), person_or_program()]
}

fn any_area() -> impl Strategy<Value = Option<CareAreaId>> {
    proptest::option::of((1..7_u128).prop_map(area))
}

proptest! {
    #[test]
    fn an_auditor_alone_never_gets_a_changing_permission(
        mut grants in any_grants(), permission in any_permission(), at in any_area(), kind in person_or_program(),
    ) {
        for grant in &mut grants {
            grant.role = Role::Auditor;
        }
        if decide(&principal(grants, kind), permission, at, NOW).is_ok() {
            prop_assert!(matches!(permission.effect(), Effect::Read | Effect::Own));
        }
    }

    #[test]
    fn break_glass_never_signs_or_changes(
        grants in any_grants(), permission in any_permission(), at in any_area(), minutes in -90..90_i64,
    ) {
        let now = NOW + TimeDelta::minutes(minutes);
        let allowed = decide(&principal(grants, glass()), permission, at, now).is_ok();
        prop_assert_eq!(allowed, permission.opens_by_break_glass() && (0..60).contains(&minutes));
        if allowed {
            prop_assert!(!matches!(permission.effect(), Effect::Sign | Effect::Change));
        }
    }

    #[test]
    fn another_grant_never_takes_a_permission_away(
        grants in any_grants(), more in any_grant(), permission in any_permission(), at in any_area(), kind in any_kind(),
    ) {
        let before = decide(&principal(grants.clone(), kind.clone()), permission, at, NOW);
        let grants = grants.into_iter().chain([more]).collect();
        let after = decide(&principal(grants, kind), permission, at, NOW);
        prop_assert!(before.is_err() || after.is_ok());
    }

    #[test]
    fn a_program_never_exceeds_the_person_who_made_it(
        grants in any_grants(), permission in any_permission(), at in any_area(), kind in any_program(),
    ) {
        if decide(&principal(grants.clone(), kind), permission, at, NOW).is_ok() {
            let owner = principal(grants, PrincipalKind::Person);
            prop_assert_eq!(decide(&owner, permission, at, NOW), Ok(()));
        }
    }
}
