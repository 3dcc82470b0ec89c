//! Random fleets in a storm: steps that are lost, carried out late or twice, orders and reports lost, repeated and out of order,
//! clocks that jump, people who sign, stop and go on at any moment. The safety rules are checked at every step, by other means
//! than the planner's.
//!
//! `PROPTEST_CASES` sets how many runs there are; a failing one prints its seed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use proptest::prelude::*;

use super::{
    fleet::*,
    weather::{Act, Does, How, PUMPS, Person, act, fleet},
    world::{Order, World, versions},
};
use crate::{
    check::CheckOutcome,
    id::{AssignmentId, PumpId},
    pump::{Activity, Availability, HoldKind},
    rollout::{
        AssignmentAction, PumpSays, Step, Subject, WaveAction,
        snapshot::{PumpFacts, RollBack, Whereabouts},
        state::{AssignmentState, RolloutEvent, RolloutState, Stage, WaveState},
    },
};

struct Storm {
    world: World,
    old_steps: Vec<Step>,
}

/// How many pumps of a ward are in service, counted afresh.
fn in_service(world: &World, ward: u128) -> usize {
    let mut out = BTreeSet::new();
    for row in world
        .snapshot
        .rollouts
        .iter()
        .flat_map(|rollout| &rollout.waves)
        .flat_map(|wave| &wave.assignments)
    {
        let goes_back = row.state == AssignmentState::InService
            && row.roll_back.is_some_and(|back| back.ordered_at.is_some());
        if row.state.stage() == Stage::Updating || goes_back {
            out.insert(row.pump);
        }
    }
    let counts = |(id, pump): &(&PumpId, &PumpFacts)| {
        pump.care_area == Some(area(ward))
            && pump.hold.is_none()
            && pump.whereabouts == Whereabouts::Known
            && !out.contains(*id)
    };
    world.snapshot.pumps.iter().filter(counts).count()
}

impl Storm {
    fn all(&self) -> Vec<AssignmentId> {
        let waves = self
            .world
            .snapshot
            .rollouts
            .iter()
            .flat_map(|rollout| &rollout.waves);
        waves
            .flat_map(|wave| &wave.assignments)
            .map(|row| row.id)
            .collect()
    }

    fn some_in(&mut self, state: AssignmentState, which: usize) -> Option<AssignmentId> {
        let mut those = self.all();
        those.retain(|id| self.world.assignment(*id).state == state);
        nth(&those, which).copied()
    }

    /// Carries a step out and checks, if it did anything, that it was allowed to at this moment.
    fn execute(&mut self, step: &Step, is_fresh: bool) {
        let before = self.world.clone();
        let in_service_before = [1, 2].map(|ward| in_service(&before, ward));
        if !self.world.execute(step) {
            return;
        }
        let (ids, action) = match step {
            Step::Assignment {
                assignment,
                pump,
                action,
                ..
            } => ((*assignment, *pump), action),
            Step::Wave {
                wave,
                action: WaveAction::Open,
                ..
            } => {
                let rollouts = before.snapshot.rollouts.iter();
                let rollout = rollouts
                    .into_iter()
                    .find(|rollout| rollout.waves.iter().any(|row| row.id == *wave))
                    .unwrap();
                let earlier = rollout.waves.iter().take_while(|row| row.id != *wave);
                assert!(
                    earlier
                        .into_iter()
                        .all(|row| row.state == WaveState::Passed && row.evidence.is_some()),
                    "S2"
                );
                return;
            }
            Step::Wave { .. } | Step::Rollout { .. } => return,
        };
        let rollouts = before.snapshot.rollouts.iter();
        let (rollout, wave) = rollouts
            .flat_map(|rollout| rollout.waves.iter().map(move |wave| (rollout, wave)))
            .find(|(_, wave)| wave.assignments.iter().any(|row| row.id == ids.0))
            .unwrap();
        let pump = &before.snapshot.pumps[&ids.1];
        match action {
            AssignmentAction::IssueTicket { not_after, .. } => {
                assert_eq!(rollout.state, RolloutState::Running, "S7");
                let earlier = rollout.waves.iter().take_while(|row| row.id != wave.id);
                assert!(
                    earlier
                        .into_iter()
                        .all(|row| row.state == WaveState::Passed && row.evidence.is_some()),
                    "S2"
                );
                assert!(pump.hold.is_none(), "a held pump is not begun");
                if is_fresh {
                    assert!(*not_after > before.now && *not_after <= before.now + TimeDelta::hours(12));
                    let usable = before.snapshot.tickets.iter();
                    let usable =
                        usable.filter(|ticket| ticket.pump == ids.1 && before.now < ticket.gone_at());
                    assert_eq!(usable.count(), 0, "S6: two tickets for one pump");
                }
            }
            AssignmentAction::OrderInstall { .. } | AssignmentAction::OrderRollBack { .. } if is_fresh => {
                assert_eq!(pump.availability(before.now), Availability::Free, "S3");
                assert!(
                    pump.hold.is_none_or(|hold| hold == HoldKind::Clinical),
                    "a sequestered pump is not touched"
                );
                for (ward, before_it) in [1, 2].into_iter().zip(in_service_before) {
                    let floor = before.snapshot.floors[&group(ward)] as usize;
                    let after_it = in_service(&self.world, ward);
                    assert!(
                        after_it >= floor || after_it == before_it,
                        "S5: {after_it} of {floor} in ward {ward}"
                    );
                }
            }
            AssignmentAction::OrderDownload { .. } if is_fresh => {
                let may = before.snapshot.hospital.background_download
                    || pump.availability(before.now) == Availability::Free;
                assert!(may, "S3");
            }
            AssignmentAction::ReturnToService { .. } => {
                let row = wave.assignments.iter().find(|row| row.id == ids.0).unwrap();
                assert!(
                    row.checks == CheckOutcome::Passed && row.versions_proved && !row.signatures.is_empty(),
                    "S4"
                );
            }
            _ => {}
        }
        self.one_live_assignment();
    }

    /// S6, over the whole record.
    fn one_live_assignment(&self) {
        let mut live = BTreeSet::new();
        for row in self
            .world
            .snapshot
            .rollouts
            .iter()
            .flat_map(|rollout| &rollout.waves)
            .flat_map(|wave| &wave.assignments)
        {
            assert!(
                !row.state.is_live() || live.insert(row.pump),
                "S6: {:?} has two live assignments",
                row.pump
            );
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Turn { lost } => {
                let plan = self.world.plan();
                let mut done = Vec::new();
                for (index, step) in plan.steps.iter().enumerate() {
                    if lost >> (index % 64) & 1 == 0 {
                        self.execute(step, true);
                        done.push(step);
                    }
                }
                let again = self.world.plan();
                assert!(
                    done.into_iter().all(|step| !again.steps.contains(step)),
                    "planned again after it was done"
                );
                self.old_steps = plan.steps;
            }
            Act::Late { which } => {
                // The row versions hold it off if anything changed that it depends on, but for the time of day and what the
                // pump is doing: those the pump looks at itself (S1).
                if let Some(step) = nth(&self.old_steps, *which).cloned() {
                    self.execute(&step, false);
                }
            }
            Act::Order { which, how, again } => self.order(*which, *how, *again),
            Act::Report { pump: n, which } => self.report(*n, *which),
            Act::Calm { pump: n } => self.calm(*n),
            Act::Pump { pump: n, does } => self.pump(*n, *does),
            Act::Time {
                minutes,
                is_heard: true,
            } => self.world.pass(TimeDelta::minutes(*minutes)),
            Act::Time {
                minutes,
                is_heard: false,
            } => self.world.now += TimeDelta::minutes(*minutes),
            Act::Person(does) => self.person(*does),
        }
    }

    fn order(&mut self, which: usize, how: How, again: bool) {
        let Some((to, order)) = nth(&self.world.orders, which).copied() else {
            return;
        };
        if !again {
            self.world.orders.retain(|other| *other != (to, order));
        }
        let now = self.world.now;
        let ticket_is_good = |ticket| {
            let tickets = self.world.snapshot.tickets.iter();
            tickets
                .into_iter()
                .any(|row| row.id == ticket && now < row.not_after)
        };
        let is_good = match order {
            Order::Download(ticket) | Order::Install(ticket) => ticket_is_good(ticket),
            Order::GiveBack(_) | Order::RollBack => true,
        };
        let is_free = self.world.snapshot.pumps[&to].availability(now) == Availability::Free;
        let device = self.world.devices.get_mut(&to).unwrap();
        match (order, how) {
            (_, How::Lost) => {}
            (Order::GiveBack(ticket), _) => {
                // A pump that began does not give its ticket back.
                if device.staged != Some(ticket) || device.runs == versions("1.0") {
                    device.staged = device.staged.filter(|staged| *staged != ticket);
                    device.refused.push(ticket);
                    device.says(PumpSays::TicketReturned { ticket });
                }
            }
            (Order::RollBack, _) => {
                device.runs = versions("1.0");
                device.says(PumpSays::RolledBack);
                device.says(PumpSays::Versions(versions("1.0")));
            }
            (Order::Download(ticket), How::Obey) if is_good && !device.refused.contains(&ticket) => {
                device.staged = Some(ticket);
                device.says(PumpSays::Staged { ticket });
            }
            (Order::Download(ticket), _) => device.says(PumpSays::DownloadFailed { ticket, words: None }),
            // S1: the pump's own interlock.
            (Order::Install(ticket), How::Obey | How::WrongVersions | How::Mute | How::RollBack)
                if is_good && is_free && device.staged == Some(ticket) && device.runs == versions("1.0") =>
            {
                let runs = versions(if matches!(how, How::WrongVersions) {
                    "6.6.6"
                } else {
                    "2.0"
                });
                device.says(PumpSays::Activating { ticket });
                device.says(PumpSays::Restarted { trial: true });
                if !matches!(how, How::Mute) {
                    device.says(PumpSays::Versions(runs.clone()));
                }
                device.says(PumpSays::ChecksBegun);
                device.runs = runs;
                if matches!(how, How::RollBack) {
                    device.runs = versions("1.0");
                    device.says(PumpSays::RolledBack);
                    device.says(PumpSays::Versions(versions("1.0")));
                }
            }
            (Order::Install(ticket), _) if device.runs == versions("1.0") => {
                device.says(PumpSays::Refused { ticket, words: None });
            }
            (Order::Install(_), _) => {}
        }
    }

    fn calm(&mut self, n: usize) {
        for _ in 0..self.world.orders.len() {
            if let Some(which) = self.world.orders.iter().position(|(to, _)| *to == pump(n)) {
                self.order(which, How::Obey, false);
            }
        }
        for which in 0..self.world.devices[&pump(n)].reports.len() {
            self.arrives(n, which);
        }
    }

    fn report(&mut self, n: usize, which: usize) {
        // Mostly one of the last ones, sometimes one of long ago.
        let many = self.world.devices[&pump(n)].reports.len();
        let from = if which < 8 { 0 } else { many.saturating_sub(5) };
        if many > 0 {
            self.arrives(n, from + which % (many - from));
        }
    }

    /// A report reaches the assignment that has the pump, or the last that had it.
    fn arrives(&mut self, n: usize, which: usize) {
        let report = self.world.devices[&pump(n)].reports[which].clone();
        let mut of_pump = self.all();
        of_pump.retain(|id| self.world.assignment(*id).pump == pump(n));
        let live = of_pump.iter().find(|id| self.world.tracked[*id].state.is_live());
        let had = of_pump.iter().find(|id| self.world.tracked[*id].ticket.is_some());
        if let Some(id) = live.or(had).copied() {
            self.world.receive(id, &report);
        }
    }

    fn pump(&mut self, n: usize, does: Does) {
        let now = self.world.now;
        let row = self.world.pump(pump(n));
        match does {
            Does::Activity(which) => row.activity = Activity::ALL[which % Activity::ALL.len()],
            Does::Patient(is_attached) => row.patient_attached = is_attached,
            Does::Connected(is_connected) => row.connected = is_connected,
            Does::Heard => {
                (row.heard_at, row.activity, row.patient_attached) = (Some(now), Activity::Ready, false);
            }
            Does::Moves => {
                row.care_area = Some(area(if row.care_area == Some(area(1)) { 2 } else { 1 }));
                row.row_version.0 += 1;
            }
            Does::ChangesVersions => {
                let device = self.world.devices.get_mut(&pump(n)).unwrap();
                device.runs = versions("9.9");
                device.says(PumpSays::Versions(versions("9.9")));
            }
        }
    }

    fn person(&mut self, does: Person) {
        let all = self.all();
        let rollouts = self.world.snapshot.rollouts.len();
        match does {
            Person::Checks { which, outcome } => {
                let Some(id) = self.some_in(AssignmentState::SelfTest, which) else {
                    return;
                };
                self.world.checks(id, CheckOutcome::ALL[outcome]);
            }
            Person::Nurse { which } => {
                let Some(id) = self.some_in(AssignmentState::AwaitingSignoff, which) else {
                    return;
                };
                self.world.nurse_signs(id, 1);
                self.world.nurse_signs(id, 2);
            }
            Person::ChargeNurse { which } => {
                let rollout = which % rollouts + 1;
                self.world.charge_nurse_signs(rollout, which / 2 % 2 + 1);
            }
            Person::Rollout { which, event } => {
                let rollout = &mut self.world.snapshot.rollouts[which % rollouts];
                let event = RolloutEvent::ALL[event % RolloutEvent::ALL.len()];
                if let Ok(state) = rollout.state.transition(event) {
                    // Somebody goes on with it again and again, or the storm would be over soon.
                    rollout.state = if state == RolloutState::Cancelled {
                        RolloutState::Paused
                    } else {
                        state
                    };
                    rollout.row_version.0 += 1;
                }
            }
            Person::Resume { which } => {
                let (rollout, wave) = (which % rollouts, which / 2 % 2);
                if self.world.snapshot.rollouts[rollout].waves[wave].state == WaveState::Halted {
                    self.world.resume_wave(rollout + 1, wave + 1, 99);
                }
                let row = &mut self.world.snapshot.rollouts[rollout];
                if let Ok(state) = row.state.transition(RolloutEvent::Resumed) {
                    row.state = state;
                    row.row_version.0 += 1;
                }
            }
            Person::Hold { pump: n, kind } => {
                let row = self.world.pump(pump(n % PUMPS));
                row.hold = Some(HoldKind::ALL[kind % HoldKind::ALL.len()]);
                row.row_version.0 += 1;
            }
            Person::Release { pump: n } => {
                let row = self.world.pump(pump(n % PUMPS));
                row.hold = None;
                row.row_version.0 += 1;
            }
            Person::TryAgain { which } => {
                if let Some(id) = self.some_in(AssignmentState::Cancelled, which) {
                    assert!(self.world.try_again(id));
                }
            }
            Person::TakeOut { which } => {
                let Some(id) = nth(&all, which).copied() else {
                    return;
                };
                let stage = self.world.assignment(id).state.stage();
                if matches!(
                    stage,
                    Stage::Waiting | Stage::Preparing | Stage::Updating | Stage::Left
                ) {
                    self.world.take_out(id);
                }
            }
            Person::RollBack { which } => {
                let verified = self.some_in(AssignmentState::InService, which);
                let Some(id) = verified.or_else(|| nth(&all, which).copied()) else {
                    return;
                };
                let row = self.world.assignment(id);
                row.roll_back = row.roll_back.or(Some(RollBack {
                    asked_by: account(LEAD),
                    ordered_at: None,
                }));
                row.row_version.0 += 1;
            }
        }
    }
}

fn nth<T>(all: &[T], which: usize) -> Option<&T> {
    (!all.is_empty()).then(|| &all[which % all.len()])
}

fn config() -> ProptestConfig {
    // Read by proptest itself from PROPTEST_CASES where it is set.
    ProptestConfig {
        max_shrink_iters: 4096,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_rules_hold_in_a_storm(snapshot in fleet(), acts in prop::collection::vec(act(), 1..240)) {
        let mut storm = Storm { world: World::new(snapshot, at(EVENING)), old_steps: Vec::new() };
        for act in &acts {
            storm.act(act);
            storm.one_live_assignment();
        }
        // However it ended, every pump that does not move says why, or something is done for it.
        let plan = storm.world.plan();
        let mut spoken_for: BTreeSet<_> = plan.steps.iter().filter_map(|step| match step {
            Step::Assignment { assignment, .. } => Some(*assignment),
            Step::Rollout { .. } | Step::Wave { .. } => None,
        }).collect();
        spoken_for.extend(plan.waiting.iter().filter_map(|waiting| match waiting.who {
            Subject::Pump { assignment, .. } => Some(assignment),
            _ => None,
        }));
        for row in storm.world.snapshot.rollouts.iter().flat_map(|rollout| &rollout.waves).flat_map(|wave| &wave.assignments) {
            prop_assert!(row.state.is_over() || spoken_for.contains(&row.id), "nothing is said of {:?}: {:?}", row, plan);
        }
        // Whatever is planned can be carried out: no step is illegal in the state it was planned from.
        for step in &plan.steps {
            prop_assert!(storm.world.clone().execute(step), "{:?}", step);
        }
    }
}

/// A storm that calms down comes to its end: with pumps that obey and people who sign, every rollout completes.
#[test]
fn after_the_storm_every_rollout_comes_to_its_end() {
    let mut world = World::new(a_snapshot(&[&[0, 1, 2, 3], &[4, 5, 6]], at(EVENING)), at(EVENING));
    world.snapshot.floors = BTreeMap::from([(group(1), 3), (group(2), 2)]);
    let ids: Vec<_> = (0..PUMPS).map(|n| assignment(1, n)).collect();
    for _ in 0..200 {
        for step in world.plan().steps {
            assert!(world.execute(&step));
        }
        for id in &ids {
            world.obey(*id);
            match world.assignment(*id).state {
                AssignmentState::SelfTest => world.checks(*id, CheckOutcome::Passed),
                AssignmentState::AwaitingSignoff => (1..=2).for_each(|ward| world.nurse_signs(*id, ward)),
                _ => {}
            }
        }
        (1..=2).for_each(|wave| world.charge_nurse_signs(1, wave));
        world.pass(TimeDelta::minutes(30));
    }
    assert_eq!(world.snapshot.rollouts[0].state, RolloutState::Completed);
    assert!(
        ids.iter()
            .all(|id| world.assignment(*id).state == AssignmentState::InService)
    );
}
