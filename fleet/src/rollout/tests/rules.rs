//! Each safety rule, and a test that tries to break it.

use chrono::TimeDelta;

use super::{
    fleet::*,
    world::{World, versions},
};
use crate::{
    Timestamp,
    access::Role,
    id::TicketId,
    pump::{Activity, HoldKind},
    rollout::{
        AssignmentAction, HeldBecause, Plan, PumpReport, PumpSays, Step, Wait,
        gate::{Unmet, before_running},
        limits::HospitalLimits,
        plan,
        snapshot::{CheckOutcome, Counter, PumpFacts, RollBack, Snapshot, TicketFacts, Whereabouts},
        state::{AssignmentState, RolloutState, WaveState},
    },
    signature::{Digest, Meaning},
    text::Reason,
};

fn now() -> Timestamp {
    at(EVENING)
}

fn open(snapshot: &mut Snapshot, wave: usize) {
    let wave = &mut snapshot.rollouts[0].waves[wave - 1];
    wave.state = WaveState::Open;
    wave.opened_at = Some(wave.since);
}

/// Puts an assignment somewhere on the way, with the ticket it needs for that.
fn put(snapshot: &mut Snapshot, wave: usize, place: usize, state: AssignmentState) {
    let row = &mut snapshot.rollouts[0].waves[wave - 1].assignments[place];
    row.state = state;
    if state.needs_ticket() {
        snapshot.tickets.push(TicketFacts {
            id: TicketId::from_uuid(row.id.as_uuid()),
            assignment: row.id,
            pump: row.pump,
            not_after: now() + TimeDelta::hours(4),
            withdrawn: false,
        });
    }
}

fn actions(plan: &Plan) -> Vec<&AssignmentAction> {
    fn action(step: &Step) -> Option<&AssignmentAction> {
        match step {
            Step::Assignment { action, .. } => Some(action),
            Step::Rollout { .. } | Step::Wave { .. } => None,
        }
    }
    plan.steps.iter().filter_map(action).collect()
}

fn installs(plan: &Plan) -> usize {
    let is_install = |action: &&&AssignmentAction| matches!(action, AssignmentAction::OrderInstall { .. });
    actions(plan).iter().filter(is_install).count()
}

fn tickets(plan: &Plan) -> usize {
    let is_ticket = |action: &&&AssignmentAction| matches!(action, AssignmentAction::IssueTicket { .. });
    actions(plan).iter().filter(is_ticket).count()
}

fn waits(plan: &Plan) -> Vec<String> {
    plan.waiting
        .iter()
        .map(|waiting| waiting.what.to_string())
        .collect()
}

fn one_staged() -> Snapshot {
    let mut snapshot = a_snapshot(&[&[1]], now());
    open(&mut snapshot, 1);
    put(&mut snapshot, 1, 0, AssignmentState::Staged);
    snapshot
}

/// Whatever the pump answers to the order to install, nothing overrides it: it is asked again, later, or left in peace.
#[test]
fn s1_the_pump_alone_decides_when() {
    let mut world = World::new(one_staged(), now());
    let id = assignment(1, 1);
    let ticket = world.snapshot.tickets[0].id;
    world.tracked.get_mut(&id).unwrap().ticket = Some(ticket);
    world.tracked.get_mut(&id).unwrap().state = AssignmentState::Staged;
    for refusal in 1..=limits().attempts {
        world.turn();
        assert_eq!(world.assignment(id).state, AssignmentState::AwaitingSafe);
        // However often the loop turns, there is one order.
        world.turn();
        assert_eq!(world.orders.len(), 1);
        world.orders.clear();
        world.receive(
            id,
            &PumpReport {
                sequence: u64::from(refusal),
                says: PumpSays::Refused { ticket, words: None },
            },
        );
        assert_eq!(world.assignment(id).state, AssignmentState::Staged);
        assert_eq!(installs(&world.plan()), 0, "it is left in peace for a while");
        world.pass(limits().retry_after);
    }
    let plan = world.plan();
    assert!(
        matches!(actions(&plan)[..], [AssignmentAction::WithdrawTicket { .. }]),
        "{plan:?}"
    );
}

#[test]
fn s2_no_ticket_before_the_gate_of_the_wave_before_passed_with_its_signatures() {
    let check = |spoil: fn(&mut Snapshot), expected: usize| {
        let mut snapshot = a_snapshot(&[&[1], &[2]], now());
        let wave = &mut snapshot.rollouts[0].waves[0];
        wave.state = WaveState::Passed;
        wave.evidence = Some(Digest::of(b"signed"));
        wave.assignments[0].state = AssignmentState::InService;
        open(&mut snapshot, 2);
        spoil(&mut snapshot);
        assert_eq!(tickets(&plan(&snapshot, now())), expected);
    };
    check(|_| {}, 1);
    // Passed on nothing, as a row that somebody tampered with would be.
    check(|snapshot| snapshot.rollouts[0].waves[0].evidence = None, 0);
    for state in WaveState::ALL.iter().filter(|state| **state != WaveState::Passed) {
        let mut snapshot = a_snapshot(&[&[1], &[2]], now());
        snapshot.rollouts[0].waves[0].state = *state;
        snapshot.rollouts[0].waves[0].assignments[0].state = AssignmentState::InService;
        open(&mut snapshot, 2);
        let plan = plan(&snapshot, now());
        assert_eq!(tickets(&plan), 0, "{state:?}");
    }
    // Nor for the first wave without approval.
    check(|snapshot| snapshot.rollouts[0].approvals.clear(), 0);
}

#[test]
fn s3_nothing_is_ordered_to_a_busy_unknown_or_silent_pump() {
    let check = |spoil: &dyn Fn(&mut PumpFacts), expected: usize, why: &str| {
        for state in [AssignmentState::Staged, AssignmentState::Authorised] {
            let mut snapshot = a_snapshot(&[&[1]], now());
            open(&mut snapshot, 1);
            put(&mut snapshot, 1, 0, state);
            spoil(snapshot.pumps.get_mut(&pump(1)).unwrap());
            let plan = plan(&snapshot, now());
            assert_eq!(actions(&plan).len(), expected, "{state:?}: {plan:?}");
            assert!(
                waits(&plan).iter().any(|wait| wait.contains(why)),
                "{why}: {plan:?}"
            );
        }
    };
    check(&|_| {}, 1, "1 of 1 pumps are under way");
    for activity in Activity::ALL
        .into_iter()
        .filter(|activity| !matches!(activity, Activity::Ready | Activity::Standby))
    {
        check(
            &|pump| pump.activity = activity,
            0,
            &format!("in use ({}", activity.as_str()),
        );
    }
    check(&|pump| pump.patient_attached = true, 0, "patient attached");
    check(
        &|pump| pump.heard_at = Some(now() - TimeDelta::seconds(121)),
        0,
        "did not say just now",
    );
    check(
        &|pump| pump.heard_at = Some(now() + TimeDelta::seconds(1)),
        0,
        "did not say just now",
    );
    check(&|pump| pump.heard_at = None, 0, "never heard of");
}

/// The policy lets a busy pump download. It never lets it install.
#[test]
fn s3_the_policy_for_the_background_is_for_downloads_only() {
    let check = |state, background_download, expected: usize| {
        let mut snapshot = a_snapshot(&[&[1]], now());
        open(&mut snapshot, 1);
        put(&mut snapshot, 1, 0, state);
        snapshot.pumps.get_mut(&pump(1)).unwrap().activity = Activity::Infusing;
        snapshot.hospital.background_download = background_download;
        assert_eq!(actions(&plan(&snapshot, now())).len(), expected, "{state:?}");
    };
    assert!(!HospitalLimits::default().background_download, "off by default");
    check(AssignmentState::Authorised, false, 0);
    check(AssignmentState::Authorised, true, 1);
    check(AssignmentState::Staged, true, 0);
}

#[test]
fn s4_only_passed_checks_proved_versions_and_a_signature_lead_back_to_service() {
    let check = |checks, proved, signed, late, expected: Option<AssignmentAction>| {
        for state in [AssignmentState::SelfTest, AssignmentState::AwaitingSignoff] {
            let mut snapshot = a_snapshot(&[&[1]], now());
            open(&mut snapshot, 1);
            put(&mut snapshot, 1, 0, state);
            let row = &mut snapshot.rollouts[0].waves[0].assignments[0];
            row.checks = checks;
            row.versions_proved = proved;
            if signed {
                row.signatures.push(verified(1));
            }
            let deadline = limits().check_deadline;
            let then = now()
                + if late {
                    deadline
                } else {
                    deadline - TimeDelta::seconds(1)
                };
            let plan = plan(&snapshot, then);
            let got: Vec<_> = actions(&plan).into_iter().cloned().collect();
            assert_eq!(
                got,
                expected.clone().into_iter().collect::<Vec<_>>(),
                "{state:?} {checks:?}"
            );
        }
    };
    let held = |why| Some(AssignmentAction::Quarantine { why });
    for checks in CheckOutcome::ALL {
        if checks.holds() {
            check(checks, true, true, false, held(HeldBecause::Checks(checks)));
        } else if checks == CheckOutcome::Awaiting {
            check(checks, true, true, false, None);
            check(checks, true, true, true, held(HeldBecause::Overdue));
        } else {
            check(checks, false, true, false, None);
            check(checks, false, true, true, held(HeldBecause::Overdue));
        }
    }
}

#[test]
fn s5_a_ward_keeps_its_floor() {
    let check = |floor: u32, spoil: fn(&mut Snapshot), expected: usize| {
        let mut snapshot = a_snapshot(&[&[1, 2, 3, 4, 5, 6]], now());
        open(&mut snapshot, 1);
        for place in 0..6 {
            put(&mut snapshot, 1, place, AssignmentState::Staged);
        }
        snapshot.floors.insert(group(1), floor);
        spoil(&mut snapshot);
        assert_eq!(installs(&plan(&snapshot, now())), expected, "floor {floor}");
    };
    check(4, |_| {}, 2);
    check(6, |_| {}, 0);
    check(9, |_| {}, 0);
    check(0, |_| {}, 6);
    let hold =
        |snapshot: &mut Snapshot| snapshot.pumps.get_mut(&pump(6)).unwrap().hold = Some(HoldKind::Clinical);
    check(4, hold, 1);
    check(
        4,
        |snapshot| snapshot.pumps.get_mut(&pump(6)).unwrap().whereabouts = Whereabouts::Missing,
        1,
    );
    check(
        4,
        |snapshot| snapshot.pumps.get_mut(&pump(6)).unwrap().whereabouts = Whereabouts::Retired,
        1,
    );
    check(
        4,
        |snapshot| snapshot.pumps.get_mut(&pump(6)).unwrap().care_area = Some(area(2)),
        2,
    );
    for state in [
        AssignmentState::AwaitingSafe,
        AssignmentState::Installing,
        AssignmentState::TrialBoot,
        AssignmentState::SelfTest,
        AssignmentState::AwaitingSignoff,
    ] {
        let mut snapshot = a_snapshot(&[&[1, 2, 3, 4, 5, 6]], now());
        open(&mut snapshot, 1);
        for place in 0..6 {
            put(
                &mut snapshot,
                1,
                place,
                if place == 0 {
                    state
                } else {
                    AssignmentState::Staged
                },
            );
        }
        snapshot.floors.insert(group(1), 4);
        assert_eq!(
            installs(&plan(&snapshot, now())),
            1,
            "{state:?} is out of service"
        );
    }
}

/// Two rollouts want the ward's spare pumps at the same time: together they keep the floor.
#[test]
fn s5_rollouts_share_one_floor() {
    let mut snapshot = a_snapshot(&[&[1, 2, 3, 4]], now());
    let mut other = a_rollout(2, &[&[3, 4]], now());
    other.waves[0].state = WaveState::Open;
    other.waves[0]
        .assignments
        .iter_mut()
        .for_each(|row| row.state = AssignmentState::Staged);
    snapshot.rollouts[0].waves[0].assignments.truncate(2);
    open(&mut snapshot, 1);
    put(&mut snapshot, 1, 0, AssignmentState::Staged);
    put(&mut snapshot, 1, 1, AssignmentState::Staged);
    for row in &other.waves[0].assignments {
        snapshot.tickets.push(TicketFacts {
            id: TicketId::from_uuid(row.id.as_uuid()),
            assignment: row.id,
            pump: row.pump,
            not_after: now() + TimeDelta::hours(4),
            withdrawn: false,
        });
    }
    snapshot.rollouts.push(other);
    snapshot.floors.insert(group(1), 1);
    assert_eq!(installs(&plan(&snapshot, now())), 3);
}

#[test]
fn s6_a_pump_has_one_live_assignment() {
    let two = || {
        let mut snapshot = a_snapshot(&[&[1]], now());
        let mut other = a_rollout(2, &[&[1]], now());
        other.waves[0].state = WaveState::Open;
        snapshot.rollouts.push(other);
        open(&mut snapshot, 1);
        snapshot
    };
    let first = plan(&two(), now());
    assert_eq!(tickets(&first), 1);
    assert!(
        first
            .waiting
            .iter()
            .any(|waiting| waiting.what == Wait::OtherRollout)
    );
    // The other has it already, at any point of the way.
    for state in AssignmentState::ALL.iter().filter(|state| state.is_live()) {
        let mut snapshot = two();
        snapshot.rollouts[1].waves[0].assignments[0].state = *state;
        assert_eq!(tickets(&plan(&snapshot, now())), 0, "{state:?}");
    }
    // An old ticket may still be used, whatever became of its assignment.
    let mut snapshot = a_snapshot(&[&[1]], now());
    open(&mut snapshot, 1);
    let old = TicketFacts {
        id: TicketId::from_uuid(pump(9).as_uuid()),
        assignment: assignment(9, 1),
        pump: pump(1),
        not_after: now(),
        withdrawn: true,
    };
    snapshot.tickets.push(old);
    assert_eq!(
        tickets(&plan(&snapshot, old.gone_at() - TimeDelta::seconds(1))),
        0
    );
    snapshot.pumps.get_mut(&pump(1)).unwrap().heard_at = Some(old.gone_at());
    assert_eq!(tickets(&plan(&snapshot, old.gone_at())), 1);
}

#[test]
fn s7_what_does_not_run_issues_no_ticket_and_takes_back_those_that_are_out() {
    for state in RolloutState::ALL.iter().filter(|state| !state.may_have_tickets()) {
        let mut snapshot = a_snapshot(&[&[1, 2, 3, 4, 5]], now());
        open(&mut snapshot, 1);
        let on_the_way = [
            AssignmentState::Authorised,
            AssignmentState::Downloading,
            AssignmentState::Staged,
            AssignmentState::AwaitingSafe,
        ];
        for (place, on_the_way) in on_the_way.into_iter().enumerate() {
            put(&mut snapshot, 1, place + 1, on_the_way);
        }
        snapshot.rollouts[0].state = *state;
        if *state == RolloutState::Scheduled {
            snapshot.rollouts[0].begins_at = now() + TimeDelta::hours(1);
        }
        let plan = plan(&snapshot, now());
        let (mut withdrawn, mut others) = (0, 0);
        for action in actions(&plan) {
            match action {
                AssignmentAction::WithdrawTicket { .. } => withdrawn += 1,
                AssignmentAction::TakeOut => assert_eq!(*state, RolloutState::Cancelled),
                _ => others += 1,
            }
        }
        assert_eq!((withdrawn, others), (4, 0), "{state:?}");
    }
    // A sequestered pump is touched by nothing, not even for its ticket: that runs out by itself.
    let mut snapshot = one_staged();
    snapshot.rollouts[0].state = RolloutState::Halted;
    snapshot.pumps.get_mut(&pump(1)).unwrap().hold = Some(HoldKind::Sequestered);
    let plan = plan(&snapshot, now());
    assert!(
        plan.steps.is_empty() && waits(&plan).iter().any(|wait| wait.contains("runs out at")),
        "{plan:?}"
    );
}

#[test]
fn s9_versions_never_go_below_the_floor() {
    let check = |counter: Option<u32>, expected: usize, why: &str| {
        let mut snapshot = a_snapshot(&[&[1]], now());
        open(&mut snapshot, 1);
        snapshot.pumps.get_mut(&pump(1)).unwrap().counter = counter.map(Counter);
        let plan = plan(&snapshot, now());
        assert_eq!(tickets(&plan), expected);
        assert!(waits(&plan).iter().any(|wait| wait.contains(why)), "{plan:?}");
    };
    check(Some(7), 1, "under way");
    check(Some(8), 1, "under way");
    check(
        Some(9),
        0,
        "the pump's security counter is 9, the release's only 8",
    );
    check(None, 0, "never reported its security counter");
    // Nor on the way back.
    let back = |other_slot: Option<u32>, expected: usize| {
        let mut snapshot = a_snapshot(&[&[1]], now());
        open(&mut snapshot, 1);
        put(&mut snapshot, 1, 0, AssignmentState::InService);
        snapshot.rollouts[0].waves[0].assignments[0].roll_back = Some(RollBack {
            asked_by: account(LEAD),
            ordered_at: None,
        });
        snapshot.pumps.get_mut(&pump(1)).unwrap().other_slot = other_slot.map(Counter);
        let plan = plan(&snapshot, now());
        assert_eq!(actions(&plan).len(), expected, "{plan:?}");
    };
    back(Some(7), 1);
    back(Some(6), 0);
    back(None, 0);
}

#[test]
fn s12_who_wrote_a_rollout_does_not_approve_it_and_who_checked_a_pump_does_not_verify_it() {
    let check = |approvals: &[u128], emergency: bool, expected: Option<(usize, usize)>| {
        let mut rollout = a_rollout(1, &[&[1]], now());
        rollout.approvals = approvals.iter().map(|by| approved(*by)).collect();
        rollout.emergency = emergency.then(|| Reason::new("exploited in the wild").unwrap());
        let expected: Vec<_> = expected
            .map(|(have, needed)| Unmet::Approvals { have, needed })
            .into_iter()
            .collect();
        assert_eq!(before_running(&rollout), expected, "{approvals:?}");
    };
    check(&[LEAD], false, None);
    check(&[], false, Some((0, 1)));
    check(&[AUTHOR], false, Some((0, 1)));
    check(&[AUTHOR, LEAD], true, Some((1, 2)));
    check(&[LEAD, LEAD], true, Some((1, 2)));
    check(&[LEAD, 77], true, None);

    let verified_by = |by: u128, role: Role, expected: bool, why: &str| {
        let mut snapshot = a_snapshot(&[&[1]], now());
        open(&mut snapshot, 1);
        put(&mut snapshot, 1, 0, AssignmentState::AwaitingSignoff);
        let row = &mut snapshot.rollouts[0].waves[0].assignments[0];
        row.checks = CheckOutcome::Passed;
        row.versions_proved = true;
        row.checked_by = vec![account(BENCH)];
        row.signatures = vec![signed(Meaning::VerifiedForClinicalUse, by, role, Some(area(1)))];
        let plan = plan(&snapshot, now());
        assert_eq!(!actions(&plan).is_empty(), expected, "{plan:?}");
        assert!(waits(&plan).iter().any(|wait| wait.contains(why)), "{plan:?}");
    };
    verified_by(NURSE, Role::Nurse, true, "under way");
    verified_by(
        BENCH,
        Role::Nurse,
        false,
        "it was signed by the person who ran its checks; another person has to",
    );
    verified_by(NURSE, Role::Biomed, false, "it was signed as Biomed, who may not");
}

/// A pump that contradicts what it was told is held, whatever it says afterwards.
#[test]
fn s4_a_pump_that_runs_what_its_ticket_does_not_name_is_held() {
    let mut world = World::new(one_staged(), now());
    let id = assignment(1, 1);
    let ticket = world.snapshot.tickets[0].id;
    let tracked = world.tracked.get_mut(&id).unwrap();
    (tracked.ticket, tracked.state) = (Some(ticket), AssignmentState::Staged);
    world.turn();
    for (sequence, says) in [
        (1, PumpSays::Activating { ticket }),
        (2, PumpSays::Restarted { trial: true }),
        (3, PumpSays::Versions(versions("6.6.6"))),
        (4, PumpSays::Versions(versions("2.0"))),
        (5, PumpSays::ChecksBegun),
    ] {
        world.receive(id, &PumpReport { sequence, says });
    }
    assert_eq!(world.assignment(id).state, AssignmentState::Quarantined);
    assert_eq!(world.pump(pump(1)).hold, Some(HoldKind::Clinical));
    world.checks(id, CheckOutcome::Passed);
    world.nurse_signs(id, 1);
    for _ in 0..3 {
        world.turn();
    }
    assert_eq!(world.assignment(id).state, AssignmentState::Quarantined);
}

/// Whatever a pump is held for, nothing begins on it, and what was begun and can still be stopped is taken back.
#[test]
fn s4_a_held_pump_is_left_alone() {
    for hold in HoldKind::ALL {
        for state in AssignmentState::ALL {
            let mut snapshot = a_snapshot(&[&[1]], now());
            open(&mut snapshot, 1);
            put(&mut snapshot, 1, 0, *state);
            snapshot.pumps.get_mut(&pump(1)).unwrap().hold = Some(hold);
            let plan = plan(&snapshot, now());
            for action in actions(&plan) {
                assert!(
                    matches!(action, AssignmentAction::WithdrawTicket { .. }) && hold.may_be_ordered(),
                    "{hold:?} {state:?}: {action}"
                );
            }
            assert_eq!(
                actions(&plan).is_empty(),
                !(state.needs_ticket() && hold.may_be_ordered()),
                "{state:?}"
            );
        }
    }
}
