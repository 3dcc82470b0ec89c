//! The record is changed at random, in every way that rollouts depend on. What was kept and refreshed is then the same as what is
//! read anew; and after a turn, also one at which nothing was planned, a plan from what is read anew has no steps.
//!
//! There is an eighth as many runs as `PROPTEST_CASES` says; a failing one prints its seed.

mod hospital;

use std::collections::BTreeSet;

use fleet::rollout::{plan, snapshot::Snapshot};
use proptest::prelude::*;
use store::Touched;

use super::{super::turn, Facts, Refreshed};
use hospital::{ACTS, Act, Hospital};

#[derive(Debug, Default)]
struct Seen {
    alike: usize,
    changed: usize,
    anew: usize,
    /// What was touched, of everything that can be.
    kinds: BTreeSet<&'static str>,
}

impl Seen {
    fn note(&mut self, touched: &Touched) {
        let kinds = [
            ("heard", !touched.heard.is_empty()),
            ("pumps", !touched.pumps.is_empty()),
            ("assignments", !touched.assignments.is_empty()),
            ("waves", !touched.waves.is_empty()),
            ("rollouts", !touched.rollouts.is_empty()),
            ("signed", !touched.signed.is_empty()),
            ("tickets", touched.tickets),
            ("staff", touched.staff),
            ("everything", touched.everything),
        ];
        self.kinds
            .extend(kinds.iter().filter(|(_, is)| *is).map(|(kind, _)| *kind));
    }
}

/// Lets things happen, and compares after each few.
fn compare(acts: &[Act]) -> Seen {
    let mut hospital = Hospital::new();
    let app = hospital.stage.app.clone();
    let show = |snapshot: &Snapshot| format!("{snapshot:#?}");
    let mut kept: Option<Facts> = None;
    let mut seen = Seen::default();
    for acts in acts.chunks(2) {
        for act in acts {
            hospital.act(*act);
        }
        let now = app.now();
        let touched = app.store.touched_take();
        seen.note(&touched);
        let refreshed = match &mut kept {
            None => Refreshed::Outgrown,
            Some(facts) => app
                .store
                .read(|db| facts.refresh(db, &app, &touched, now))
                .unwrap(),
        };
        let fresh = hospital.anew(now);
        match refreshed {
            Refreshed::Outgrown => {
                seen.anew += 1;
                kept = hospital.anew(now);
            }
            Refreshed::Alike => seen.alike += 1,
            Refreshed::Changed => seen.changed += 1,
        }
        let (Some(facts), Some(fresh)) = (&kept, fresh) else {
            assert!(kept.is_none(), "the rollouts at work are known");
            continue;
        };
        let (was, is) = (show(&facts.snapshot), show(&fresh.snapshot));
        assert_eq!(was, is, "after {acts:?}: {touched:?}");
    }
    seen
}

fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: (usual.cases / 8).max(1),
        max_shrink_iters: 256,
        ..usual
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_refreshed_is_what_is_read_anew(acts in prop::collection::vec((0..ACTS, 0..64_usize, 0..100_usize), 1..120)) {
        compare(&acts);
    }
}

/// Lets the loop of a gateway work on what happens to pumps, and looks after each turn whether it left something undone.
fn work(acts: &[Act]) -> usize {
    let mut hospital = Hospital::new();
    let app = hospital.stage.app.clone();
    app.store.write(|db| hospital.begin(db, app.now())).unwrap();
    let mut steps = 0;
    for act in acts {
        hospital.act(*act);
        steps += turn(&app).unwrap();
        let now = app.now();
        let Some(fresh) = hospital.anew(now) else { continue };
        assert_eq!(plan(&fresh.snapshot, now).steps, Vec::new(), "after {act:?}");
    }
    steps
}

/// What pumps do, what becomes of them, and that time passes.
const OF_PUMPS: [usize; 18] = [0, 0, 1, 3, 4, 5, 3, 4, 6, 6, 7, 8, 9, 10, 11, 22, 24, 25];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_turn_leaves_nothing_undone(acts in prop::collection::vec((0..OF_PUMPS.len(), 0..64_usize, 0..100_usize), 1..80)) {
        let acts: Vec<_> = acts.into_iter().map(|(what, which, how)| (OF_PUMPS[what], which, how)).collect();
        work(&acts);
    }
}

#[test]
fn turns_do_something() {
    // Each pump comes, says that it is free, and some time passes.
    let acts: Vec<_> = (0..10).flat_map(|n| [(6, n, 1), (3, n, 6), (0, 0, 1)]).collect();
    assert_eq!(
        work(&acts),
        8,
        "four pumps each get a ticket and are told to download"
    );
}

/// A comparison that reads everything anew each time would hold as well.
#[test]
fn most_looks_read_only_what_was_touched() {
    let mut number = 1_usize;
    let mut next = || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        number >> 33
    };
    let acts: Vec<Act> = (0..600)
        .map(|_| (next() % ACTS, next() % 64, next() % 100))
        .collect();
    let seen = compare(&acts);
    assert!(seen.anew < seen.changed && seen.alike > 10, "{seen:?}");
    assert_eq!(seen.kinds.len(), 9, "everything that can be touched is: {seen:?}");
}
