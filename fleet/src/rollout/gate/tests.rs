use chrono::TimeDelta;

use super::*;
use crate::{
    access::Role,
    check::CheckOutcome,
    pump::HoldKind,
    rollout::{snapshot::WaveFacts, state::AssignmentState, tests::fleet::*},
    signature::{Meaning, SignatureState, SubjectKind, VoidReason},
};

/// Ten pumps, nine of them verified, watched and signed for.
fn ready() -> RolloutFacts {
    let now = at(EVENING);
    let mut rollout = a_rollout(1, &[&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]], now);
    let wave = &mut rollout.waves[0];
    wave.state = WaveState::AwaitingApproval;
    wave.care_areas[0].signatures.push(wave_signed(1));
    for (place, row) in wave.assignments.iter_mut().enumerate() {
        row.state = if place == 9 {
            AssignmentState::Quarantined
        } else {
            AssignmentState::InService
        };
    }
    rollout
}

#[test]
fn a_gate_says_everything_that_is_missing() {
    let check = |spoil: fn(&mut WaveFacts), expected: &[&str]| {
        let mut rollout = ready();
        spoil(&mut rollout.waves[0]);
        let unmet = before_the_next(&rollout, &rollout.waves[0], at(EVENING));
        let words: Vec<_> = unmet.iter().map(ToString::to_string).collect();
        assert_eq!(words, expected);
    };
    check(|_| {}, &[]);
    check(
        |wave| {
            wave.care_areas[0].briefed = 7;
            wave.care_areas[0].signatures.clear();
            wave.state = WaveState::Soaking;
            for row in &mut wave.assignments[..5] {
                row.state = AssignmentState::Quarantined;
            }
            wave.assignments[8].state = AssignmentState::SelfTest;
            wave.assignments[7].state = AssignmentState::Cancelled;
            wave.assignments[7].left_behind = true;
        },
        &[
            "Ward 1: 7 of 10 people have read the briefing, 8 are needed",
            "Ward 1: the charge nurse has not signed the briefing",
            "1 of 10 pumps are not accounted for yet",
            "2 of 10 pumps are verified, 6 are needed (6 failed, 1 on the catch-up list)",
            "6 of 10 pumps failed; more than 20 % and at least 1 is too many",
            "it is watched until 2026-11-25 01:00:00 UTC",
            "Ward 1: the charge nurse has not signed for the wave",
        ],
    );
    // A person took nine out: what is left is judged as a whole, and it failed.
    check(
        |wave| {
            wave.assignments[..9]
                .iter_mut()
                .for_each(|row| row.state = AssignmentState::Cancelled);
        },
        &[
            "0 of 1 pumps are verified, 1 are needed (1 failed, 0 on the catch-up list)",
            "1 of 1 pumps failed; more than 20 % and at least 1 is too many",
        ],
    );
}

/// Verified, not installed: a wave whose pumps were all left behind proves nothing.
#[test]
fn silence_is_no_success() {
    let mut rollout = ready();
    rollout.limits.verified_share = Percent::new(0).unwrap();
    for row in &mut rollout.waves[0].assignments {
        row.state = AssignmentState::Cancelled;
        row.left_behind = true;
    }
    let unmet = before_the_next(&rollout, &rollout.waves[0], at(EVENING));
    assert_eq!(
        unmet,
        [Unmet::TooFewVerified {
            verified: 0,
            total: 10,
            needed: 1,
            failures: 0,
            left_behind: 10
        }]
    );
}

#[test]
fn failures_halt_by_share_and_by_number() {
    let check = |failures: u32, total: u32, share: u8, count: u32, accepted: u32, expected: bool| {
        let limits = Limits {
            failure_share: Percent::new(share).unwrap(),
            failure_count: count,
            ..Limits::DEFAULT
        };
        let tally = Tally {
            total,
            failures,
            ..Tally::default()
        };
        assert_eq!(
            tally.within(&limits, accepted).is_err(),
            expected,
            "{failures} of {total}"
        );
    };
    check(1, 3, 5, 2, 0, false);
    check(2, 3, 5, 2, 0, true);
    check(2, 100, 5, 2, 0, false);
    check(6, 100, 5, 2, 0, true);
    check(6, 100, 5, 2, 1, false);
    check(0, 0, 0, 0, 0, false);
    check(1, 1, 0, 0, 0, true);
    check(100, 100, 100, 1, 0, false);
}

#[test]
fn s12_only_the_right_signature_counts() {
    let check = |spoil: fn(&mut Signed), expected: Option<&str>| {
        let mut rollout = ready();
        spoil(rollout.waves[0].care_areas[0].signatures.last_mut().unwrap());
        let unmet = before_the_next(&rollout, &rollout.waves[0], at(EVENING));
        let words: Vec<_> = unmet.iter().map(ToString::to_string).collect();
        let expected: Vec<_> = expected
            .map(|why| format!("Ward 1: the charge nurse has not signed for the wave: {why}"))
            .into_iter()
            .collect();
        assert_eq!(words, expected);
    };
    check(|_| {}, None);
    check(
        |signed| signed.account = account(AUTHOR),
        Some("it was signed by the person who wrote the rollout; another person has to"),
    );
    check(
        |signed| signed.role = Role::Nurse,
        Some("it was signed as Nurse, who may not; somebody who may has to"),
    );
    check(
        |signed| signed.care_area = Some(area(2)),
        Some("it was signed for another care area; somebody of this one has to"),
    );
    check(
        |signed| signed.care_area = None,
        Some("it was signed for another care area; somebody of this one has to"),
    );
    check(
        |signed| {
            signed.state = SignatureState::Void(VoidReason::Content {
                kind: SubjectKind::Wave,
                signed: 3,
                current: 4,
            });
        },
        Some(
            "the signature on record is void: the wave changed after it was signed (signed at version 3, now at 4); sign again",
        ),
    );
}

#[test]
fn s4_a_hold_is_left_by_a_retest_and_two_people() {
    let biomed = |by| signed(Meaning::ReleasedFromHoldBiomed, by, Role::Biomed, None);
    let nurse = |by| signed(Meaning::ReleasedFromHoldNurse, by, Role::Nurse, Some(area(1)));
    let check = |outcome: Option<CheckOutcome>, signatures: Vec<Signed>, expected: &[&str]| {
        let hold = HoldFacts {
            kind: HoldKind::Clinical,
            care_area: Some(area(1)),
            retest: outcome.map(|outcome| Retest {
                outcome,
                run_by: vec![account(BENCH)],
            }),
            signatures,
        };
        let words: Vec<_> = before_release_from_hold(&hold)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(words, expected);
    };
    let passed = Some(CheckOutcome::Passed);
    check(passed, vec![biomed(BENCH), nurse(NURSE)], &[]);
    check(
        None,
        vec![],
        &[
            "the retest has not passed",
            "biomed has not signed",
            "a nurse has not signed",
        ],
    );
    for outcome in CheckOutcome::ALL
        .into_iter()
        .filter(|outcome| *outcome != CheckOutcome::Passed)
    {
        check(
            Some(outcome),
            vec![biomed(BENCH), nurse(NURSE)],
            &["the retest has not passed"],
        );
    }
    check(
        passed,
        vec![biomed(NURSE), nurse(NURSE)],
        &[
            "a nurse has not signed: it was signed by the person who signed the other half; another person has to",
        ],
    );
    check(
        passed,
        vec![biomed(LEAD), nurse(BENCH)],
        &["a nurse has not signed: it was signed by the person who ran the retest; another person has to"],
    );
    check(passed, vec![biomed(LEAD), biomed(NURSE), nurse(NURSE)], &[]);
}

#[test]
fn s4_an_isolation_takes_security_too_and_evidence_is_not_released() {
    let biomed = signed(Meaning::ReleasedFromHoldBiomed, BENCH, Role::Biomed, None);
    let nurse = signed(Meaning::ReleasedFromHoldNurse, NURSE, Role::Nurse, Some(area(1)));
    let security = |by| signed(Meaning::ReleasedFromHoldSecurity, by, Role::Security, None);
    let check = |kind: HoldKind, signatures: Vec<Signed>, expected: &[&str]| {
        let hold = HoldFacts {
            kind,
            care_area: Some(area(1)),
            retest: Some(Retest {
                outcome: CheckOutcome::Passed,
                run_by: vec![account(BENCH)],
            }),
            signatures,
        };
        let words: Vec<_> = before_release_from_hold(&hold)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(words, expected, "{kind:?}");
    };
    let isolated = HoldKind::SecurityIsolation;
    check(isolated, vec![biomed, nurse], &["security has not signed"]);
    check(isolated, vec![biomed, nurse, security(LEAD)], &[]);
    for same in [BENCH, NURSE] {
        check(
            isolated,
            vec![biomed, nurse, security(same)],
            &[
                "security has not signed: it was signed by the person who signed the other half; another person has to",
            ],
        );
    }
    check(HoldKind::Clinical, vec![biomed, nurse], &[]);
    check(
        HoldKind::Sequestered,
        vec![biomed, nurse, security(LEAD)],
        &["the pump is sequestered: it is evidence until somebody ends that, and is then held clinically"],
    );
}

/// The evidence names what it stands on: another count, another signature, another hash.
#[test]
fn evidence_is_of_this_gate_only() {
    let rollout = ready();
    let evidence = |rollout: &RolloutFacts| wave_evidence(rollout, &rollout.waves[0]);
    let first = evidence(&rollout);
    assert_eq!(first, evidence(&rollout));
    let mut other = rollout.clone();
    other.waves[0].assignments[0].state = AssignmentState::Quarantined;
    assert_ne!(first, evidence(&other));
    let mut other = rollout.clone();
    other.waves[0].care_areas[0].signatures.last_mut().unwrap().id = briefing_signed(9).id;
    assert_ne!(first, evidence(&other));
    let mut other = rollout.clone();
    other.approvals.clear();
    assert_ne!(approval_evidence(&rollout), approval_evidence(&other));
    assert_ne!(approval_evidence(&rollout), first);
    // It is watched, not looked at from afar: a soak that is set to nothing is over at once.
    let mut soaking = rollout;
    soaking.waves[0].state = WaveState::Soaking;
    soaking.limits.soak = TimeDelta::zero();
    assert_eq!(soak(&soaking, &soaking.waves[0], at(EVENING)), None);
}
