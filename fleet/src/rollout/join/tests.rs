use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    pump::{HoldKind, a_pump},
    release::tests::manifest as a_manifest,
    rollout::{
        AssignmentAction, Step, plan,
        tests::fleet::{EVENING, a_snapshot, an_assignment, at},
    },
    text::{Name, SerialNumber},
};

fn spec(last: &str, at_most: u32) -> Spec {
    let text = format!(
        r#"{{"pumps": {{"filter": "model = \"Volumat 7\""}}, "joins": {{"at_most": {at_most}}},
            "waves": [{{"name": "Canary", "takes": {{"count": 1}}}}, {{"name": "Last", "takes": {last}}}]}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn id(n: u128) -> PumpId {
    PumpId::from_uuid(Uuid::from_u128(n))
}

fn pumps(many: u128) -> Vec<PumpFacts> {
    let areas = ["ED", "MICU"];
    (1..=many)
        .map(|n| PumpFacts {
            id: id(n),
            serial: SerialNumber::new(&format!("SN-{n:03}")).unwrap(),
            care_area: Some(Name::new(areas[usize::from(n % 2 == 0)]).unwrap()),
            ..a_pump()
        })
        .collect()
}

const PENDING: Standing = Standing {
    rollout: RolloutState::Running,
    last_wave: WaveState::Pending,
    joined: 0,
};

fn joining(spec: &Spec, standing: Standing, members: &[u128], pumps: &[PumpFacts]) -> Vec<u128> {
    let members = members.iter().map(|n| id(*n)).collect();
    join(spec, &a_manifest(), &standing, &members, pumps)
        .into_iter()
        .map(|(pump, _)| pump.as_uuid().as_u128())
        .collect()
}

#[test]
fn the_last_wave_says_who_joins_and_the_bound_how_many() {
    let mut pumps = pumps(6);
    pumps[2].hold = Some(HoldKind::Clinical);
    pumps[3].model = Name::new("Other").unwrap();
    let check = |last: &str, at_most: u32, joined: u32, members: &[u128], expected: &[u128]| {
        let standing = Standing { joined, ..PENDING };
        assert_eq!(
            joining(&spec(last, at_most), standing, members, &pumps),
            expected,
            "{last}, {at_most}"
        );
    };
    check(r#""rest""#, 10, 0, &[], &[1, 2, 5, 6]);
    check(r#""rest""#, 10, 0, &[1, 5], &[2, 6]);
    check(r#""rest""#, 3, 0, &[], &[1, 2, 5]);
    check(r#""rest""#, 3, 2, &[], &[1]);
    check(r#""rest""#, 3, 9, &[], &[]);
    check(r#"{"care_areas": ["MICU"]}"#, 10, 0, &[], &[2, 6]);
    check(r#"{"filter": "serial = \"SN-005\""}"#, 10, 0, &[], &[5]);
    check(r#"{"count": 4}"#, 10, 0, &[], &[]);
    let mut closed = spec(r#""rest""#, 1);
    closed.joins = None;
    assert_eq!(joining(&closed, PENDING, &[], &pumps), [0_u128; 0]);
}

#[test]
fn nobody_joins_what_does_not_run_or_people_were_told_of() {
    let spec = spec(r#""rest""#, 10);
    for rollout in RolloutState::ALL.iter().copied() {
        for last_wave in WaveState::ALL.iter().copied() {
            let standing = Standing {
                rollout,
                last_wave,
                joined: 0,
            };
            let may = rollout == RolloutState::Running && last_wave == WaveState::Pending;
            assert_eq!(places(&spec, &standing) > 0, may, "{standing:?}");
            assert_eq!(joining(&spec, standing, &[], &pumps(2)).is_empty(), !may);
        }
    }
}

/// S2, for pumps that join: whatever wave 1 came to, a pump of wave 2 gets nothing before the gate between them passed.
#[test]
fn s2_who_joins_waits_for_the_gate_like_every_other() {
    let now = at(EVENING);
    for first in WaveState::ALL.iter().copied() {
        let mut snapshot = a_snapshot(&[&[1], &[2]], now);
        let joined = an_assignment(1, 3, now);
        let pump = snapshot.pumps.values().next().unwrap().clone();
        snapshot.pumps.insert(joined.pump, pump);
        let waves = &mut snapshot.rollouts[0].waves;
        waves[0].state = first;
        waves[1].assignments.push(joined.clone());
        let touched = plan(&snapshot, now).steps.iter().any(|step| {
            matches!(step, Step::Assignment { pump, action, .. }
                if *pump == joined.pump && !matches!(action, AssignmentAction::TakeOut))
        });
        assert!(!touched, "{first:?}");
    }
}

proptest! {
    /// However pumps come and whatever is asked: only pumps that are meant, that fit and that had no place join; never more than the
    /// bound in all; and asking again lets nobody in twice.
    #[test]
    fn the_bound_holds_over_any_number_of_rounds(
        rounds in prop::collection::vec(prop::collection::vec((1..30_u128, any::<bool>(), any::<bool>()), 0..12), 1..8),
        at_most in 1..12_u32,
        first in prop::collection::btree_set(1..30_u128, 0..5),
    ) {
        let spec = spec(r#""rest""#, at_most);
        let mut members: BTreeSet<PumpId> = first.iter().map(|n| id(*n)).collect();
        let mut joined = 0;
        for round in rounds {
            let all = pumps(30);
            let pumps: Vec<_> = round
                .into_iter()
                .map(|(n, is_held, is_meant)| {
                    let mut pump = all[usize::try_from(n - 1).unwrap()].clone();
                    pump.hold = is_held.then_some(HoldKind::SecurityIsolation);
                    if !is_meant {
                        pump.model = Name::new("Other").unwrap();
                    }
                    pump
                })
                .collect();
            let standing = Standing { joined, ..PENDING };
            let new = join(&spec, &a_manifest(), &standing, &members, &pumps);
            for (pump, target) in &new {
                let fits = pumps.iter().any(|facts| facts.id == *pump
                    && facts.hold.is_none()
                    && spec.pumps.has(facts)
                    && choose_target(&a_manifest(), facts).is_ok_and(|chosen| chosen.path == *target));
                prop_assert!(fits);
                prop_assert!(members.insert(*pump), "it has a place already");
            }
            joined += u32::try_from(new.len()).unwrap();
            prop_assert!(joined <= at_most);
        }
    }
}
