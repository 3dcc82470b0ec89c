//! What can happen in a storm, and the fleets it comes over.

use crate::check::CheckOutcome;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::fleet::*;
use crate::rollout::{
    snapshot::Snapshot,
    state::{AssignmentState, WaveState},
};

/// Something that happens.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// The loop plans; of its steps, those not lost are carried out, and kept to be tried again later.
    Turn {
        lost: u64,
    },
    /// A step of an earlier plan is carried out now.
    Late {
        which: usize,
    },
    /// A pump gets an order and does something with it.
    Order {
        which: usize,
        how: How,
        again: bool,
    },
    /// One of all the reports that a pump ever made arrives.
    Report {
        pump: usize,
        which: usize,
    },
    /// A pump does all it was told, and all it has to say arrives.
    Calm {
        pump: usize,
    },
    Pump {
        pump: usize,
        does: Does,
    },
    Time {
        minutes: i64,
        is_heard: bool,
    },
    Person(Person),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    Obey,
    Refuse,
    WrongVersions,
    /// It installs, and never says what it runs.
    Mute,
    RollBack,
    Lost,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Does {
    Activity(usize),
    Patient(bool),
    Connected(bool),
    Heard,
    ChangesVersions,
    Moves,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Person {
    Checks { which: usize, outcome: usize },
    Nurse { which: usize },
    ChargeNurse { which: usize },
    Rollout { which: usize, event: usize },
    Resume { which: usize },
    Hold { pump: usize, kind: usize },
    Release { pump: usize },
    RollBack { which: usize },
    TryAgain { which: usize },
    TakeOut { which: usize },
}

pub(super) const PUMPS: usize = 7;

pub(super) fn act() -> impl Strategy<Value = Act> {
    let some = 0..64_usize;
    let how = prop_oneof![
        6 => Just(How::Obey),
        1 => Just(How::Refuse),
        1 => Just(How::WrongVersions),
        1 => Just(How::Mute),
        1 => Just(How::RollBack),
        1 => Just(How::Lost),
    ];
    let does = prop_oneof![
        3 => Just(Does::Heard),
        2 => some.clone().prop_map(Does::Activity),
        1 => any::<bool>().prop_map(Does::Patient),
        1 => any::<bool>().prop_map(Does::Connected),
        1 => Just(Does::ChangesVersions),
        1 => Just(Does::Moves),
    ];
    let person = prop_oneof![
        4 => (some.clone(), prop_oneof![5 => Just(0_usize), 1 => 0..6_usize])
            .prop_map(|(which, outcome)| Person::Checks { which, outcome }),
        4 => some.clone().prop_map(|which| Person::Nurse { which }),
        3 => some.clone().prop_map(|which| Person::ChargeNurse { which }),
        1 => (some.clone(), some.clone()).prop_map(|(which, event)| Person::Rollout { which, event }),
        1 => some.clone().prop_map(|which| Person::Resume { which }),
        1 => (some.clone(), some.clone()).prop_map(|(pump, kind)| Person::Hold { pump, kind }),
        1 => some.clone().prop_map(|pump| Person::Release { pump }),
        1 => some.clone().prop_map(|which| Person::RollBack { which }),
        1 => some.clone().prop_map(|which| Person::TryAgain { which }),
        1 => some.clone().prop_map(|which| Person::TakeOut { which }),
    ];
    prop_oneof![
        8 => prop_oneof![2 => Just(0), 1 => any::<u64>()].prop_map(|lost| Act::Turn { lost }),
        1 => some.clone().prop_map(|which| Act::Late { which }),
        6 => (some.clone(), how, prop::bool::weighted(0.1))
            .prop_map(|(which, how, again)| Act::Order { which, how, again }),
        8 => (0..PUMPS, some.clone()).prop_map(|(pump, which)| Act::Report { pump, which }),
        6 => (0..PUMPS).prop_map(|pump| Act::Calm { pump }),
        3 => (0..PUMPS, does).prop_map(|(pump, does)| Act::Pump { pump, does }),
        3 => (prop_oneof![8 => 1..30_i64, 1 => 30..600_i64, 1 => -120..0_i64, 1 => Just(600)], prop::bool::weighted(0.8))
            .prop_map(|(minutes, is_heard)| Act::Time { minutes, is_heard }),
        6 => person.prop_map(Act::Person),
    ]
}

/// Two rollouts over the same seven pumps, so that they get in one another's way; floors in both wards.
pub(super) fn fleet() -> impl Strategy<Value = Snapshot> {
    (
        0..4_u32,
        0..3_u32,
        any::<bool>(),
        1..4_u32,
        any::<bool>(),
        0..4_u8,
    )
        .prop_map(
            |(floor, other_floor, has_window, at_once, background_download, begins)| {
                let now = at(EVENING);
                let mut snapshot = a_snapshot(&[&[0, 1, 2, 3], &[4, 5, 6]], now);
                snapshot.rollouts.push(a_rollout(2, &[&[2], &[5, 1]], now));
                for rollout in &mut snapshot.rollouts {
                    rollout.limits.updates_at_once = at_once;
                    rollout.limits.failure_count = 2;
                    if has_window {
                        rollout.windows = vec![nightly()];
                    }
                }
                // Some begin where it becomes interesting: with the first wave open, or verified and looked at.
                for rollout in &mut snapshot.rollouts {
                    let wave = &mut rollout.waves[0];
                    (wave.state, wave.opened_at) = match begins {
                        0 => (WaveState::Pending, None),
                        1 | 2 => (WaveState::Open, Some(now)),
                        _ => (WaveState::AwaitingApproval, Some(now)),
                    };
                    if wave.state == WaveState::AwaitingApproval {
                        for row in &mut wave.assignments {
                            (row.state, row.checks, row.versions_proved) =
                                (AssignmentState::InService, CheckOutcome::Passed, true);
                        }
                    }
                }
                snapshot.hospital.background_download = background_download;
                snapshot.floors = BTreeMap::from([(group(1), floor), (group(2), other_floor)]);
                snapshot
            },
        )
}
