//! Scripted runs: what the planner does and what everything waits for, turn by turn, in words a person can read.

use chrono::TimeDelta;

use super::{fleet::*, world::World};
use crate::{
    check::CheckOutcome,
    id::AssignmentId,
    pump::Activity,
    rollout::{
        PumpSays,
        limits::Percent,
        snapshot::{RollBack, Snapshot},
        state::{AssignmentState, RolloutEvent},
    },
    text::Reason,
};

fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

fn world(waves: &[&[usize]], change: impl FnOnce(&mut Snapshot)) -> World {
    let now = at(EVENING);
    let mut snapshot = a_snapshot(waves, now);
    change(&mut snapshot);
    World::new(snapshot, now)
}

fn ids(pumps: &[usize]) -> Vec<AssignmentId> {
    pumps.iter().map(|n| assignment(1, *n)).collect()
}

impl World {
    /// Turns until the pumps were told to install and did, a minute at a time.
    fn install(&mut self, pumps: &[usize]) {
        for _ in 0..3 {
            self.turn();
            self.obey_all(&ids(pumps));
            self.pass(minutes(1));
        }
    }

    fn verify(&mut self, pumps: &[usize], ward: u128) {
        for id in ids(pumps) {
            self.checks(id, CheckOutcome::Passed);
        }
        self.turn();
        for id in ids(pumps) {
            self.nurse_signs(id, ward);
        }
        self.pass(minutes(5));
        self.turn();
    }
}

#[test]
fn happy_path() {
    let mut world = world(&[&[1], &[2, 3]], |_| {});
    world.note("the first wave: one pump");
    world.turn();
    world.turn();
    world.install(&[1]);
    world.note("its checks pass, a nurse signs");
    world.verify(&[1], 1);
    world.turn();
    world.note("it is watched for four hours; the next ward is told what comes");
    world.pass(hours(4));
    world.turn();
    world.turn();
    world.note("the charge nurse signs");
    world.charge_nurse_signs(1, 1);
    world.turn();
    world.turn();
    world.note("the second wave: two pumps");
    world.install(&[2, 3]);
    world.verify(&[2, 3], 2);
    world.turn();
    world.pass(hours(4));
    world.charge_nurse_signs(1, 2);
    world.turn();
    world.turn();
    world.turn();
    world.states();
    insta::assert_snapshot!(world.log);
}

#[test]
fn failing_canary() {
    let mut world = world(&[&[1], &[2, 3]], |_| {});
    world.turn();
    world.turn();
    world.install(&[1]);
    world.note("its occlusion check fails");
    world.checks(assignment(1, 1), CheckOutcome::Failed);
    world.turn();
    world.note("one of one is too many: the rollout halts");
    world.turn();
    world.turn();
    world.note("somebody looks, accepts the failure with a reason, and lets it go on; the gate still wants a verified pump");
    world.resume_wave(1, 1, 1);
    let rollout = &mut world.snapshot.rollouts[0];
    rollout.state = rollout.state.transition(RolloutEvent::Resumed).unwrap();
    world.turn();
    world.pass(hours(4));
    world.charge_nurse_signs(1, 1);
    world.turn();
    world.turn();
    world.states();
    insta::assert_snapshot!(world.log);
}

#[test]
fn laggards() {
    let mut world = world(&[&[1, 2, 3, 4, 5]], |snapshot| {
        snapshot.pumps.get_mut(&pump(3)).unwrap().activity = Activity::Infusing;
        let gone = snapshot.pumps.get_mut(&pump(4)).unwrap();
        gone.connected = false;
        gone.heard_at = Some(at("2026-11-20T09:12:00Z"));
    });
    world.turn();
    world.turn();
    world.install(&[1, 2, 3, 4]);
    world.note("pump 3 is in use all week, pump 4 is away, pump 5 refuses its download");
    let five = assignment(1, 5);
    for _ in 0..limits().attempts {
        world.turn();
        world.orders.clear();
        let ticket = world.tracked[&five].ticket.unwrap();
        world
            .devices
            .get_mut(&pump(5))
            .unwrap()
            .says(PumpSays::DownloadFailed {
                ticket,
                words: Some(Reason::new("no route to the repository").unwrap()),
            });
        world.deliver(five);
        world.pass(minutes(15));
    }
    world.turn();
    world.obey(five);
    world.turn();
    world.verify(&[1, 2], 1);
    world.note("three days later");
    world.pass(hours(72));
    world.turn();
    world.obey(assignment(1, 3));
    world.turn();
    world.turn();
    world.pass(hours(4));
    world.charge_nurse_signs(1, 1);
    world.turn();
    world.turn();
    world.states();
    insta::assert_snapshot!(world.log);
}

/// A wave that is short of its verified share has two ways on: its laggards are tried again, or a person takes them out.
#[test]
fn catch_up() {
    let mut world = world(&[&[1, 2, 3], &[4]], |snapshot| {
        snapshot.rollouts[0].limits.verified_share = Percent::new(100).unwrap();
        snapshot.pumps.get_mut(&pump(2)).unwrap().activity = Activity::Infusing;
        snapshot.pumps.get_mut(&pump(3)).unwrap().activity = Activity::Infusing;
    });
    world.turn();
    world.turn();
    world.install(&[1, 2, 3]);
    world.verify(&[1], 1);
    world.note("pumps 2 and 3 are in use for three days, with a ticket in hand");
    world.pass(hours(72));
    for _ in 0..3 {
        world.turn();
        world.obey_all(&ids(&[2, 3]));
    }
    world.pass(hours(4));
    world.charge_nurse_signs(1, 1);
    world.turn();
    world.turn();
    world.note("the gate wants all of them: pump 2 is free by now and tried again, pump 3 is taken out");
    world.pump(pump(2)).activity = Activity::Ready;
    assert!(world.try_again(assignment(1, 2)));
    world.take_out(assignment(1, 3));
    world.turn();
    world.install(&[2]);
    world.verify(&[2], 1);
    world.turn();
    world.pass(hours(4));
    world.turn();
    world.charge_nurse_signs(1, 1);
    world.turn();
    world.note("the wave passed without pump 3; it comes back, and is tried while the next wave goes on");
    assert!(world.try_again(assignment(1, 3)));
    world.pump(pump(3)).activity = Activity::Ready;
    world.turn();
    world.install(&[3, 4]);
    world.verify(&[3], 1);
    world.verify(&[4], 2);
    world.turn();
    world.states();
    insta::assert_snapshot!(world.log);
}

/// A person takes a pump out that has a ticket: it is asked for the ticket first, and not left with it.
#[test]
fn taken_out_with_a_ticket_in_hand() {
    let mut world = world(&[&[1, 2]], |_| {});
    world.turn();
    world.turn();
    world.turn();
    world.obey_all(&ids(&[1, 2]));
    world.take_out(assignment(1, 1));
    world.note("pump 1 is to go, pump 2 goes on");
    world.turn();
    world.turn();
    world.obey_all(&ids(&[1, 2]));
    world.turn();
    world.states();
    insta::assert_snapshot!(world.log);
}

#[test]
fn ward_floor_in_an_icu_with_six_pumps() {
    let six = [1, 2, 3, 4, 5, 6];
    let mut world = world(&[&six], |snapshot| {
        snapshot.floors.insert(group(1), 4);
        snapshot.pumps.get_mut(&pump(6)).unwrap().activity = Activity::Infusing;
    });
    world.turn();
    world.turn();
    world.install(&six);
    world.note("four have to stay: two are updated; the pump in use counts as in service");
    world.turn();
    world.note("pump 1 is verified, pump 2 fails and is held: one may go");
    world.checks(assignment(1, 2), CheckOutcome::Failed);
    world.snapshot.rollouts[0].limits.failure_count = 3;
    world.verify(&[1], 1);
    world.turn();
    world.states();
    insta::assert_snapshot!(world.log);
}

#[test]
fn window_closing_mid_wave() {
    let mut world = world(&[&[1, 2, 3]], |snapshot| {
        snapshot.rollouts[0].windows = vec![nightly()];
        snapshot.pumps.get_mut(&pump(2)).unwrap().activity = Activity::Infusing;
        snapshot.pumps.get_mut(&pump(3)).unwrap().activity = Activity::Infusing;
    });
    world.now = at("2026-11-24T20:30:00Z");
    world.pass(minutes(0));
    world.note("half an hour early");
    world.turn();
    world.turn();
    world.pass(minutes(30));
    world.turn();
    world.turn();
    world.turn();
    world.obey(assignment(1, 1));
    world.note("pump 2 becomes free for its download, pump 1 is told to install and waits for a safe moment");
    world.pump(pump(2)).activity = Activity::Standby;
    world.pass(minutes(1));
    world.turn();
    world.obey(assignment(1, 2));
    world.pump(pump(2)).activity = Activity::Infusing;
    world.note("ten minutes before it closes pump 2 is free again: too late to begin");
    world.pass(minutes(229));
    world.pump(pump(2)).activity = Activity::Standby;
    world.turn();
    world.note("it closed; the tickets are gone with it");
    world.pass(minutes(10));
    world.turn();
    world.pass(minutes(5));
    world.turn();
    world.pass(minutes(5));
    world.turn();
    world.turn();
    world.note("the next evening it goes on");
    world.pass(hours(20));
    world.turn();
    world.states();
    insta::assert_snapshot!(world.log);
}

#[test]
fn dst_nights() {
    for (evening, what) in [
        ("2026-03-29T00:15:00Z", "the night on which 02:00 becomes 03:00"),
        ("2026-10-25T00:15:00Z", "the night on which 03:00 becomes 02:00"),
    ] {
        let mut world = world(&[&[1]], |snapshot| {
            let schedule = "30 2 * * *";
            let half_past_two =
                crate::rollout::window::Window::new(schedule, hours(1), "Europe/Berlin", [].into()).unwrap();
            snapshot.rollouts[0].windows = vec![half_past_two];
        });
        world.now = at(evening);
        world.note(&format!("{what}; the window is 02:30 to 03:30"));
        for _ in 0..8 {
            world.pass(minutes(15));
            world.turn();
        }
        insta::assert_snapshot!(format!("dst_{}", &evening[..10]), world.log);
    }
}

#[test]
fn emergency() {
    let mut world = world(&[&[1]], |snapshot| {
        let rollout = &mut snapshot.rollouts[0];
        rollout.emergency = Some(Reason::new("exploited in the wild: CVE-2026-0001").unwrap());
        snapshot.pumps.get_mut(&pump(1)).unwrap().activity = Activity::Infusing;
    });
    world.note("one approval is not enough");
    world.turn();
    world.snapshot.rollouts[0].approvals.push(approved(77));
    world.turn();
    world.turn();
    world.turn();
    world.note("no hurry moves a pump that is in use");
    world.turn();
    world.pump(pump(1)).activity = Activity::Ready;
    world.install(&[1]);
    world.verify(&[1], 1);
    world.turn();
    world.note("an hour instead of four, and the charge nurse signs all the same");
    world.pass(hours(1));
    world.turn();
    world.turn();
    world.charge_nurse_signs(1, 1);
    world.turn();
    world.turn();
    world.states();
    insta::assert_snapshot!(world.log);
}

#[test]
fn roll_back() {
    let mut world = world(&[&[1, 2, 3]], |snapshot| {
        snapshot.floors.insert(group(1), 1);
        snapshot.rollouts[0].limits.failure_count = 4;
    });
    world.turn();
    world.turn();
    world.install(&[1, 2, 3]);
    world.verify(&[1, 2, 3], 1);
    world.note("nurses dislike the new alarm: the wave is to go back");
    for n in 1..=3 {
        world.assignment(assignment(1, n)).roll_back = Some(RollBack {
            asked_by: account(LEAD),
            ordered_at: None,
        });
    }
    world.pump(pump(2)).activity = Activity::Infusing;
    world.turn();
    world.obey_all(&ids(&[1, 3]));
    world.note(
        "pump 1 and 2 could not be spared at once; those that went back are held until somebody looked",
    );
    world.pump(pump(2)).activity = Activity::Ready;
    world.turn();
    world.states();
    insta::assert_snapshot!(world.log);
}

/// The gateway stops and starts again with a pump in each state: the plan is made from the record alone.
#[test]
fn restart_in_each_state() {
    let mut log = String::new();
    for state in AssignmentState::ALL {
        let mut world = world(&[&[1]], |_| {});
        world.turn();
        world.turn();
        world.turn();
        let id = assignment(1, 1);
        world.log.clear();
        world.note(state.as_str());
        let row = world.assignment(id);
        row.state = *state;
        row.since = at(EVENING);
        world.tracked.get_mut(&id).unwrap().state = *state;
        if !state.needs_ticket() {
            world.snapshot.tickets.clear();
        }
        world.turn();
        world.turn();
        log.push_str(&world.log);
    }
    insta::assert_snapshot!(log);
}
