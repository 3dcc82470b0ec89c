//! S1, S3, S4, S5: what is done to a pump.

use super::*;

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

/// A download under way rests as soon as the pump is in use, or may be, and the policy is what decides.
#[test]
fn s3_a_download_under_way_rests_while_the_pump_is_in_use() {
    let check = |spoil: &dyn Fn(&mut Snapshot), rests: bool| {
        let mut snapshot = a_snapshot(&[&[1]], now());
        open(&mut snapshot, 1);
        put(&mut snapshot, 1, 0, AssignmentState::Downloading);
        spoil(&mut snapshot);
        let plan = plan(&snapshot, now());
        assert_eq!(plan.paused_downloads.contains(&pump(1)), rests, "{plan:?}");
        assert_eq!(
            waits(&plan)
                .iter()
                .any(|wait| wait.contains("its download rests")),
            rests,
            "{plan:?}"
        );
        assert!(actions(&plan).is_empty(), "{plan:?}");
        plan
    };
    let busy =
        |snapshot: &mut Snapshot| snapshot.pumps.get_mut(&pump(1)).unwrap().activity = Activity::Infusing;
    let stale = |snapshot: &mut Snapshot| {
        snapshot.pumps.get_mut(&pump(1)).unwrap().heard_at =
            Some(now() - STALE_AFTER - TimeDelta::seconds(1));
    };
    check(&busy, true);
    check(&stale, true);
    check(
        &|snapshot| {
            busy(snapshot);
            snapshot.hospital.background_download = true;
        },
        false,
    );
    // What it said just now is too old one day: the plan says when, and is right about it.
    let mut at_rest = a_snapshot(&[&[1]], now());
    open(&mut at_rest, 1);
    put(&mut at_rest, 1, 0, AssignmentState::Downloading);
    let next_at = check(&|_| {}, false).next_at.unwrap();
    assert!(next_at <= now() + STALE_AFTER + TimeDelta::seconds(1));
    assert!(plan(&at_rest, next_at).paused_downloads.contains(&pump(1)));
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
