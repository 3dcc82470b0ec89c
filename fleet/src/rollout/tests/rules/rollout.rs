//! S2, S6, S7, S9, S12: what a rollout may do, and who says so.

use super::*;

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

/// A pump of a wave that passed may be tried again: on what its own wave was opened on, while its rollout runs, and never on the
/// evidence of its own wave's gate.
#[test]
fn s2_a_straggler_goes_on_what_its_wave_was_opened_on() {
    let mut snapshot = a_snapshot(&[&[1], &[2]], now());
    open(&mut snapshot, 1);
    let approval = gate::approval_evidence(&snapshot.rollouts[0]);
    let passed_on = Digest::of(b"what wave 1 came to");
    let wave = &mut snapshot.rollouts[0].waves[0];
    (wave.state, wave.evidence) = (WaveState::Passed, Some(passed_on));
    wave.assignments[0].again_at = Some(now());
    let issued = |snapshot: &Snapshot| {
        let plan = plan(snapshot, now());
        let tickets = actions(&plan).into_iter().filter_map(|action| match action {
            AssignmentAction::IssueTicket { evidence, .. } => Some(*evidence),
            _ => None,
        });
        let completes = plan.steps.iter().any(|step| {
            matches!(
                step,
                Step::Rollout {
                    action: RolloutAction::Complete,
                    ..
                }
            )
        });
        assert!(!completes, "a pump is still to be tried: {plan:?}");
        tickets.collect::<Vec<_>>()
    };
    assert_eq!(issued(&snapshot), [approval]);
    // Also when every wave passed: the rollout waits for it.
    let wave = &mut snapshot.rollouts[0].waves[1];
    (wave.state, wave.evidence) = (WaveState::Passed, Some(passed_on));
    wave.assignments[0].state = AssignmentState::InService;
    assert_eq!(issued(&snapshot), [approval]);
    for stopped in [
        RolloutState::Paused,
        RolloutState::Halted,
        RolloutState::Cancelled,
    ] {
        snapshot.rollouts[0].state = stopped;
        assert!(issued(&snapshot).is_empty(), "S7: {stopped:?}");
    }
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
        snapshot.pumps.get_mut(&pump(1)).unwrap().counter = counter.map(SecurityCounter);
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
        snapshot.pumps.get_mut(&pump(1)).unwrap().other_slot = other_slot.map(SecurityCounter);
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

/// Not only is nothing missed before it: at that instant something is done.
#[test]
fn a_plan_says_when_time_alone_leads_to_the_next_step() {
    let check = |what: &str, change: &dyn Fn(&mut Snapshot), expected: Option<TimeDelta>| {
        let mut snapshot = a_snapshot(&[&[1]], now());
        change(&mut snapshot);
        let first = plan(&snapshot, now());
        assert_eq!(first.steps, Vec::new(), "{what}");
        assert_eq!(first.next_at, expected.map(|after| now() + after), "{what}");
        let Some(next_at) = first.next_at else { return };
        assert_ne!(plan(&snapshot, next_at).steps, Vec::new(), "{what}");
    };
    check(
        "a rollout that begins",
        &|snapshot| {
            snapshot.rollouts[0].state = RolloutState::Scheduled;
            snapshot.rollouts[0].begins_at = now() + TimeDelta::hours(3);
        },
        Some(TimeDelta::hours(3)),
    );
    check(
        "a rollout that was paused",
        &|snapshot| snapshot.rollouts[0].state = RolloutState::Paused,
        None,
    );
    check(
        "a wave that is watched",
        &|snapshot| {
            put(snapshot, 1, 0, AssignmentState::InService);
            snapshot.rollouts[0].waves[0].state = WaveState::Soaking;
        },
        Some(TimeDelta::hours(4)),
    );
    check(
        "a pump that installs",
        &|snapshot| {
            open(snapshot, 1);
            put(snapshot, 1, 0, AssignmentState::Installing);
        },
        Some(limits().install_silence),
    );
    check(
        "a pump whose ticket is on its way back",
        &|snapshot| {
            open(snapshot, 1);
            put(snapshot, 1, 0, AssignmentState::Staged);
            snapshot.tickets[0].withdrawn = true;
        },
        Some(TimeDelta::minutes(4 * 60 + 5)),
    );
}
