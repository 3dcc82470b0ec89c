//! Presence, telemetry and its thinning, on both databases.

use std::collections::BTreeSet;

use crate::common::*;
use fleet::{
    Timestamp,
    inventory::{Keep, RetentionRule},
    pump::{Activity, PumpState, SessionEnd},
};
use store::{PresenceChange, PumpFilter, PumpListing, Store};

fn listing(store: &Store, number: u128) -> PumpListing {
    let found = store.read(|db| db.pump_find(&format!("SN-{number:05}"))).unwrap();
    found.into_iter().next().unwrap()
}

fn change(number: u128, session: i64, connected: bool, seconds: i64) -> PresenceChange {
    PresenceChange {
        pump: pump_id(number),
        session,
        connected,
        at: at(seconds),
        peer: connected.then(|| "fd00::7".parse().unwrap()),
        certificate: connected.then(|| digest(1)),
        end: (!connected).then_some(SessionEnd::Goodbye),
    }
}

#[test]
fn presence_follows_the_latest_news() {
    for_each_db(|store| {
        make_pumps(store, 2);
        let set = |changes: &[_]| store.write(|db| db.presence_set(changes)).unwrap();
        set(&[]);
        set(&[change(1, 2, true, 10)]);
        let seen = listing(store, 1);
        assert_eq!((seen.connected, seen.connected_since), (true, Some(at(10))));
        // News of an older connection arrives late, though later by the clock.
        set(&[change(1, 1, false, 15)]);
        assert!(listing(store, 1).connected);
        set(&[
            change(1, 2, false, 20),
            change(1, 3, true, 20),
            change(1, 3, false, 21),
        ]);
        let seen = listing(store, 1);
        assert_eq!(
            (seen.connected, seen.connected_since, seen.last_seen),
            (false, None, Some(at(21)))
        );
        assert_eq!(
            seen.peer,
            Some("fd00::7".parse().unwrap()),
            "where it was last is kept"
        );
        store
            .write(|db| db.last_seen_set(&[(pump_id(1), at(15)), (pump_id(2), at(15))]))
            .unwrap();
        assert_eq!(listing(store, 1).last_seen, Some(at(21)), "never back");
        assert_eq!(listing(store, 2).last_seen, None);
        store
            .write(|db| db.last_seen_set(&[(pump_id(1), at(30))]))
            .unwrap();
        assert_eq!(listing(store, 1).last_seen, Some(at(30)));
    });
}

#[test]
fn the_latest_connection_counts_in_whatever_order_it_is_told_and_whatever_the_clock_says() {
    for_each_db(|store| {
        make_pumps(store, 1);
        let set = |changes: &[_]| store.write(|db| db.presence_set(changes)).unwrap();
        let (older_end, newer) = (change(1, 1, false, 10), change(1, 2, true, 10));
        // One worker tells the end of the older connection after another told the beginning of the newer: in one group …
        set(&[newer.clone(), older_end.clone()]);
        assert!(listing(store, 1).connected);
        // … and in two.
        set(&[older_end]);
        assert!(listing(store, 1).connected);
        // The clock is set back by ten minutes, and its end comes.
        set(&[change(1, 2, false, -600)]);
        assert!(!listing(store, 1).connected);
        // An end is not undone by its own beginning.
        set(&[newer]);
        assert!(!listing(store, 1).connected);
        set(&[change(1, 3, true, -590)]);
        let seen = listing(store, 1);
        assert_eq!((seen.connected, seen.connected_since), (true, Some(at(-590))));
        // After a start, numbers begin anew.
        store.write(|db| db.presence_clear_all(at(-580))).unwrap();
        set(&[change(1, 1, true, -570)]);
        assert!(listing(store, 1).connected);
    });
}

#[test]
fn every_end_of_a_session_is_kept_and_a_start_clears_everybody() {
    for_each_db(|store| {
        make_pumps(store, 300);
        let ends = [
            SessionEnd::Goodbye,
            SessionEnd::Lost,
            SessionEnd::TakenOver,
            SessionEnd::Denied,
            SessionEnd::ProtocolViolation,
            SessionEnd::GatewayStopped,
        ];
        let gone: Vec<_> = (1..)
            .zip(ends)
            .map(|(number, end)| PresenceChange {
                end: Some(end),
                ..change(number, 1, false, 1)
            })
            .collect();
        let here: Vec<_> = (7..=300).map(|number| change(number, 1, true, 1)).collect();
        store
            .write(|db| {
                db.presence_set(&gone)?;
                db.presence_set(&here)
            })
            .unwrap();
        let count = || store.read(|db| db.pump_counts()).unwrap().connected;
        assert_eq!(count(), 294);
        store.write(|db| db.presence_clear_all(at(2))).unwrap();
        assert_eq!(count(), 0);
    });
}

#[test]
fn a_group_of_a_thousand_samples_is_kept_whole() {
    for_each_db(|store| {
        make_pumps(store, 300);
        // 1,003 is of no block size, and pumps come several times.
        let group: Vec<PumpState> = (0..1003)
            .map(|n| state(1 + n % 300, i64::try_from(n).unwrap()))
            .collect();
        store
            .write(|db| {
                db.telemetry_insert(&group)?;
                db.pump_state_upsert(&group)
            })
            .unwrap();
        let mut kept = 0;
        for number in 1..=300 {
            let history = store
                .read(|db| db.telemetry_history(pump_id(number), at(0), at(10_000), 100))
                .unwrap();
            let expected: Vec<_> = group
                .iter()
                .rev()
                .filter(|s| s.pump == pump_id(number))
                .cloned()
                .collect();
            assert_eq!(history, expected);
            kept += history.len();
        }
        assert_eq!(kept, 1003);
        let page = store
            .read(|db| db.pump_list(&PumpFilter::default(), None, 1000))
            .unwrap();
        for listing in page.items {
            let last = group.iter().rev().find(|s| s.pump == listing.pump.id).cloned();
            assert_eq!(listing.state, last);
        }
    });
}

#[test]
fn a_state_with_nothing_in_it_and_every_activity_come_back() {
    for_each_db(|store| {
        make_pumps(store, 1);
        let bare = PumpState {
            patient_attached: false,
            rate: None,
            infused: None,
            battery: None,
            on_mains: true,
            signal: None,
            place: None,
            alarm: None,
            ..state(1, 1)
        };
        for (seconds, activity) in (1..).zip(Activity::ALL) {
            let sample = PumpState {
                activity,
                received_at: at(seconds),
                ..bare.clone()
            };
            store
                .write(|db| {
                    db.telemetry_insert(std::slice::from_ref(&sample))?;
                    db.pump_state_upsert(std::slice::from_ref(&sample))
                })
                .unwrap();
            assert_eq!(listing(store, 1).state, Some(sample.clone()));
            let history = store.read(|db| db.telemetry_history(pump_id(1), at(seconds), at(seconds + 1), 9));
            assert_eq!(history.unwrap(), [sample]);
        }
    });
}

#[test]
fn a_late_state_does_not_replace_a_newer_one() {
    for_each_db(|store| {
        make_pumps(store, 1);
        store.write(|db| db.pump_state_upsert(&[state(1, 50)])).unwrap();
        store.write(|db| db.pump_state_upsert(&[state(1, 40)])).unwrap();
        assert_eq!(listing(store, 1).state, Some(state(1, 50)));
        store
            .write(|db| db.pump_state_upsert(&[state(1, 70), state(1, 60)]))
            .unwrap();
        assert_eq!(listing(store, 1).state, Some(state(1, 70)));
    });
}

#[test]
fn history_is_bounded_by_time_and_number() {
    for_each_db(|store| {
        make_pumps(store, 2);
        let samples: Vec<_> = (0..20).flat_map(|s| [state(1, s), state(2, s)]).collect();
        store.write(|db| db.telemetry_insert(&samples)).unwrap();
        let check = |from, to, limit, expected: &[i64]| {
            let history = store
                .read(|db| db.telemetry_history(pump_id(1), at(from), at(to), limit))
                .unwrap();
            let expected: Vec<_> = expected.iter().map(|s| state(1, *s)).collect();
            assert_eq!(history, expected);
        };
        check(5, 8, 100, &[7, 6, 5]);
        check(0, 20, 2, &[19, 18]);
        check(30, 40, 9, &[]);
        check(8, 5, 9, &[]);
    });
}

#[test]
fn history_reaches_back_over_all_segments() {
    for_each_db(|store| {
        make_pumps(store, 3);
        // Three segments and a bit; pump 3 speaks once at the start and once at the end.
        let samples: Vec<_> = (0..26_000)
            .map(|n| {
                state(
                    if n == 1 || n == 25_999 { 3 } else { 1 + n % 2 },
                    i64::try_from(n).unwrap(),
                )
            })
            .collect();
        for group in samples.chunks(5_000) {
            store.write(|db| db.telemetry_insert(group)).unwrap();
        }
        let check = |number, from: usize, to: usize, limit: usize| {
            let history = store
                .read(|db| {
                    db.telemetry_history(pump_id(number), at(from as i64), at(to as i64), limit as u32)
                })
                .unwrap();
            let expected: Vec<_> = samples[from..to]
                .iter()
                .rev()
                .filter(|s| s.pump == pump_id(number))
                .take(limit)
                .cloned()
                .collect();
            assert!(
                history == expected,
                "pump {number}, {from}..{to}, at most {limit}"
            );
        };
        check(3, 0, 26_000, 10);
        check(1, 0, 26_000, 100_000);
        check(2, 0, 26_000, 7_000);
        check(2, 8_000, 8_400, 1_000);
        check(1, 16_383, 16_386, 10);
        check(3, 2, 25_999, 10);
    });
}

/// What is left of all pumps' samples, as seconds.
fn left(store: &Store, pumps: u128) -> Vec<(u128, i64)> {
    (1..=pumps)
        .flat_map(|number| {
            let mut history = store
                .read(|db| {
                    db.telemetry_history(pump_id(number), at(-1_000_000_000), at(1_000_000_000), 100_000)
                })
                .unwrap();
            history.reverse();
            history
                .into_iter()
                .map(move |s| (number, (s.received_at - at(0)).num_seconds()))
        })
        .collect()
}

/// The same rule, written the slow and plain way.
fn thinned(samples: &[(u128, i64)], steps: &[(Timestamp, Keep)]) -> Vec<(u128, i64)> {
    let mut first = BTreeSet::new();
    samples
        .iter()
        .copied()
        .filter(|(pump, seconds)| {
            let received = at(*seconds);
            match steps.iter().rev().find(|(before, _)| received < *before) {
                None => true,
                Some((_, Keep::Nothing)) => false,
                Some((_, Keep::OnePer(span))) => {
                    first.insert((*pump, *span, received.timestamp().div_euclid(i64::from(*span))))
                }
            }
        })
        .collect()
}

#[test]
fn thinning_keeps_the_first_of_each_span_in_bounded_steps() {
    for_each_db(|store| {
        make_pumps(store, 3);
        let day = 86_400;
        let rule = RetentionRule {
            full_days: 2,
            hourly_days: 4,
            daily_days: 6,
        };
        // Every 20 minutes for 8 days, each pump at its own minute, two pumps at one instant.
        let mut samples: Vec<(u128, i64)> = (0..8 * 72)
            .flat_map(|n| [(1, n * 1200), (2, n * 1200), (3, n * 1200 + 60)])
            .collect();
        let states: Vec<_> = samples
            .iter()
            .map(|(pump, seconds)| state(*pump, *seconds))
            .collect();
        store.write(|db| db.telemetry_insert(&states)).unwrap();
        samples.sort_unstable();

        // Thinning in small steps at several moments comes to the same as the rule applied once, whatever the step.
        for (now, budget) in [
            (at(5 * day), 100),
            (at(7 * day + 1234), 7),
            (at(8 * day), 1_000_000),
        ] {
            let steps = rule.steps(now);
            let expected = thinned(&samples, &steps);
            let mut deleted = 0;
            let mut calls = 0;
            loop {
                let done = store.write(|db| db.telemetry_thin(steps, budget)).unwrap();
                assert!(done.deleted <= budget as usize + 3, "a call is bounded: {done:?}");
                deleted += done.deleted;
                calls += 1;
                assert!(calls < 2000, "it comes to an end");
                if !done.more {
                    break;
                }
            }
            assert_eq!(left(store, 3), expected, "at {now}");
            assert_eq!(deleted, samples.len() - expected.len());
            samples = expected;
            let again = store.write(|db| db.telemetry_thin(steps, budget)).unwrap();
            assert_eq!((again.deleted, again.more), (0, false));
        }
    });
}

#[test]
fn when_a_pump_is_free_is_one_row_that_ages() {
    use fleet::rollout::free_hours::{Odds, WallHour};

    for_each_db(|store| {
        make_pumps(store, 2);
        let note = |number, week, hour, is_free| (pump_id(number), WallHour { week, hour }, is_free);
        let keep = |seen: &[_]| store.write(|db| db.free_hours_note(seen)).unwrap();
        keep(&[]);
        keep(&[
            note(1, 100, 5, true),
            note(1, 100, 6, false),
            note(2, 100, 5, false),
        ]);
        keep(&[note(1, 101, 5, false)]);
        let known = store
            .read(|db| db.free_hours_of(&[pump_id(1), pump_id(2), pump_id(3)]))
            .unwrap();
        assert_eq!(known.len(), 2, "nothing is known of the third");
        let odds = |number, hour| known[&pump_id(number)].odds(hour);
        let is = |of, seen, free| Some(Odds { of, seen, free });
        assert_eq!(odds(1, 5), is(2, 2, 1));
        assert_eq!(odds(1, 6), is(1, 1, 0));
        assert_eq!(odds(2, 5), is(1, 1, 0));
        assert_eq!(odds(2, 6), None);
        let unknown = store.write(|db| db.free_hours_note(&[note(9, 100, 5, true)]));
        assert!(unknown.is_err(), "a pump that is not on record");
    });
}
