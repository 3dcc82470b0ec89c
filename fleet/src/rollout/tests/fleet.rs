//! Snapshots to begin with, in few words.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use uuid::Uuid;

use crate::{
    Timestamp,
    access::Role,
    check::CheckOutcome,
    id::{AccountId, AssignmentId, CareAreaId, ModelId, PumpId, RolloutId, SignatureId, WaveId},
    pump::Activity,
    pump::SecurityCounter,
    rollout::{
        floor::Group,
        gate::Signed,
        limits::{Limits, Percent},
        snapshot::{
            AssignmentFacts, CareAreaFacts, Fit, PumpFacts, RolloutFacts, RowVersion, Snapshot, WaveFacts,
            Whereabouts,
        },
        state::{AssignmentState, RolloutState, WaveState},
        window::Window,
    },
    signature::{Meaning, SignatureState},
    text::Name,
};

/// A Tuesday; Berlin is an hour ahead.
pub(in crate::rollout) const EVENING: &str = "2026-11-24T21:00:00Z";

pub(in crate::rollout) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(in crate::rollout) fn pump(n: usize) -> PumpId {
    PumpId::from_uuid(Uuid::from_u128(n as u128))
}

pub(in crate::rollout) fn assignment(rollout: usize, n: usize) -> AssignmentId {
    AssignmentId::from_uuid(Uuid::from_u128((rollout * 1_000_000 + n) as u128))
}

pub(in crate::rollout) fn account(n: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(n))
}

pub(in crate::rollout) const AUTHOR: u128 = 1;
pub(in crate::rollout) const LEAD: u128 = 2;
pub(in crate::rollout) const CHARGE: u128 = 3;
pub(in crate::rollout) const NURSE: u128 = 4;
pub(in crate::rollout) const BENCH: u128 = 5;

pub(in crate::rollout) fn area(n: u128) -> CareAreaId {
    CareAreaId::from_uuid(Uuid::from_u128(n))
}

pub(in crate::rollout) fn model() -> ModelId {
    ModelId::from_uuid(Uuid::from_u128(1))
}

pub(in crate::rollout) fn group(n: u128) -> Group {
    Group {
        care_area: area(n),
        model: model(),
    }
}

pub(in crate::rollout) fn signed(
    meaning: Meaning,
    by: u128,
    role: Role,
    care_area: Option<CareAreaId>,
) -> Signed {
    Signed {
        id: SignatureId::from_uuid(Uuid::from_u128(by * 100 + meaning as u128)),
        meaning,
        account: account(by),
        role,
        care_area,
        state: SignatureState::Valid,
    }
}

pub(in crate::rollout) fn verified(n: u128) -> Signed {
    signed(Meaning::VerifiedForClinicalUse, NURSE, Role::Nurse, Some(area(n)))
}

pub(in crate::rollout) fn wave_signed(n: u128) -> Signed {
    signed(Meaning::ApprovedForWave, CHARGE, Role::ChargeNurse, Some(area(n)))
}

pub(in crate::rollout) fn briefing_signed(n: u128) -> Signed {
    signed(
        Meaning::BriefingAcknowledged,
        CHARGE,
        Role::ChargeNurse,
        Some(area(n)),
    )
}

pub(in crate::rollout) fn approved(by: u128) -> Signed {
    signed(Meaning::RolloutApproved, by, Role::BiomedLead, None)
}

pub(in crate::rollout) fn a_pump(care_area: u128, now: Timestamp) -> PumpFacts {
    PumpFacts {
        row_version: RowVersion(1),
        care_area: Some(area(care_area)),
        model: model(),
        activity: Activity::Ready,
        patient_attached: false,
        heard_at: Some(now),
        connected: true,
        hold: None,
        whereabouts: Whereabouts::Known,
        counter: Some(SecurityCounter(7)),
        other_slot: Some(SecurityCounter(7)),
    }
}

pub(in crate::rollout) fn an_assignment(rollout: usize, n: usize, now: Timestamp) -> AssignmentFacts {
    AssignmentFacts {
        id: assignment(rollout, n),
        pump: pump(n),
        row_version: RowVersion(1),
        state: AssignmentState::Planned,
        since: now,
        fit: Fit::Fits,
        setback: None,
        checks: CheckOutcome::Awaiting,
        versions_proved: false,
        checked_by: Vec::new(),
        signatures: Vec::new(),
        left_behind: false,
        again_at: None,
        leaving: false,
        roll_back: None,
    }
}

pub(in crate::rollout) fn a_care_area(n: u128) -> CareAreaFacts {
    CareAreaFacts {
        id: area(n),
        name: Name::new(&format!("Ward {n}")).unwrap(),
        staff: 10,
        briefed: 10,
        signatures: vec![briefing_signed(n)],
    }
}

/// Limits in which a script gets to its point.
pub(in crate::rollout) fn limits() -> Limits {
    Limits {
        failure_share: Percent::new(20).unwrap(),
        failure_count: 1,
        verified_share: Percent::new(60).unwrap(),
        soak: TimeDelta::hours(4),
        emergency_soak: TimeDelta::hours(1),
        laggard_after: TimeDelta::days(3),
        ..Limits::DEFAULT
    }
}

pub(in crate::rollout) fn nightly() -> Window {
    Window::new(
        "0 22 * * *",
        TimeDelta::hours(4),
        "Europe/Berlin",
        BTreeSet::new(),
    )
    .unwrap()
}

/// A running, approved rollout (number `r`) over waves of pumps; wave `w` is in ward `w`.
pub(in crate::rollout) fn a_rollout(r: usize, waves: &[&[usize]], now: Timestamp) -> RolloutFacts {
    let wave = |(index, pumps): (usize, &&[usize])| {
        let number = u32::try_from(index + 1).unwrap();
        WaveFacts {
            id: WaveId::from_uuid(Uuid::from_u128((r * 1000 + index + 1) as u128)),
            number,
            row_version: RowVersion(1),
            state: WaveState::Pending,
            since: now,
            opened_at: None,
            care_areas: vec![a_care_area(u128::from(number))],
            assignments: pumps.iter().map(|n| an_assignment(r, *n, now)).collect(),
            failures_accepted: 0,
            evidence: None,
        }
    };
    RolloutFacts {
        id: RolloutId::from_uuid(Uuid::from_u128(r as u128)),
        row_version: RowVersion(1),
        state: RolloutState::Running,
        author: account(AUTHOR),
        approvals: vec![approved(LEAD)],
        emergency: None,
        begins_at: now,
        counter: SecurityCounter(8),
        floor_counter: SecurityCounter(7),
        windows: Vec::new(),
        limits: limits(),
        waves: waves.iter().enumerate().map(wave).collect(),
    }
}

/// A world with one such rollout; every pump is free, in the ward of its wave.
pub(in crate::rollout) fn a_snapshot(waves: &[&[usize]], now: Timestamp) -> Snapshot {
    let ward = |(index, pumps): (usize, &&[usize])| {
        let care_area = index as u128 + 1;
        pumps
            .iter()
            .map(move |n| (pump(*n), a_pump(care_area, now)))
            .collect::<Vec<_>>()
    };
    Snapshot {
        rollouts: vec![a_rollout(1, waves, now)],
        pumps: waves.iter().enumerate().flat_map(ward).collect(),
        tickets: Vec::new(),
        floors: BTreeMap::new(),
        ..Snapshot::default()
    }
}
