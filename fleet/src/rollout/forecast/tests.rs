use std::{collections::BTreeSet, fmt::Write as _};

use chrono_tz::Europe::Berlin;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    id::{CareAreaId, ModelId},
    rollout::{
        limits::{Bandwidth, Percent},
        window::WindowState,
    },
};

/// Tuesday noon in Berlin.
const NOON: &str = "2027-01-19T11:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn pump(n: u128) -> PumpId {
    PumpId::from_uuid(Uuid::from_u128(n))
}

fn group(n: u128) -> Group {
    Group {
        care_area: CareAreaId::from_uuid(Uuid::from_u128(n)),
        model: ModelId::from_uuid(Uuid::from_u128(1)),
    }
}

fn window(opens: &str, minutes: i64) -> Window {
    Window::new(
        opens,
        TimeDelta::minutes(minutes),
        "Europe/Berlin",
        BTreeSet::new(),
    )
    .unwrap()
}

/// Seen in every hour of so many weeks before `NOON`, free where it is said.
fn hours(weeks: i64, is_free: impl Fn(i64, u8) -> bool) -> FreeHours {
    let present = WallHour::at(Berlin, at(NOON)).week;
    let mut hours = FreeHours::from_week(present);
    for ago in 0..weeks {
        for hour in 0..168 {
            let week = present - ago;
            hours.note(WallHour { week, hour }, is_free(ago, hour));
        }
    }
    hours
}

fn candidate(n: u128, hours: Option<&FreeHours>) -> Candidate<'_> {
    Candidate {
        pump: pump(n),
        group: None,
        bytes: 30_000_000,
        hours,
    }
}

const LIMITS: Limits = Limits::DEFAULT;
const HOSPITAL: HospitalLimits = HospitalLimits::DEFAULT;

fn outlook<'a>(windows: &'a [Window], waves: Vec<Vec<Candidate<'a>>>) -> Outlook<'a> {
    Outlook {
        now: at(NOON),
        from: at(NOON),
        is_emergency: false,
        windows,
        limits: &LIMITS,
        hospital: &HOSPITAL,
        zone: Berlin,
        waves,
        spare: BTreeMap::new(),
    }
}

/// As a person would want to read it.
fn told(outlook: &Outlook<'_>) -> String {
    let course = |course: &Course| match course {
        Course::Passes(passes) => {
            let decided_by = match passes.decided_by {
                Decides::LastPump(pump) => format!("when pump {} is free", pump.as_uuid().as_u128()),
                other => other.to_string(),
            };
            format!(
                "opens {}, settled {} ({decided_by}), passes {}",
                passes.opens.format("%a %d %b %H:%M"),
                passes.settled.format("%a %d %b %H:%M"),
                passes.passes.format("%a %d %b %H:%M")
            )
        }
        Course::Never(never) => format!("never: {never}"),
    };
    let mut text = String::new();
    for (number, wave) in (1..).zip(forecast(outlook)) {
        let left = wave
            .left_behind
            .iter()
            .map(|(pump, why)| format!("\n  pump {}: {why}", pump.as_uuid().as_u128()));
        let _ = write!(
            text,
            "wave {number}\n  at best  {}\n  likely   {}\n  unknown  {}{}\n",
            course(&wave.optimistic),
            course(&wave.likely),
            wave.unknown,
            left.collect::<String>(),
        );
    }
    text
}

#[test]
fn a_nightly_window_and_pumps_with_habits() {
    let nightly = [window("0 22 * * *", 240)];
    let always = hours(4, |_, _| true);
    // Tuesday night one week in four, Thursday night always.
    let thursdays = hours(4, |ago, hour| {
        hour / 24 == 3 && hour % 24 >= 22 || ago == 0 && hour / 24 == 1
    });
    let never = hours(4, |_, _| false);
    let by_day = hours(4, |_, hour| (8..18).contains(&(hour % 24)));
    let waves = vec![
        vec![candidate(1, Some(&always)), candidate(2, Some(&thursdays))],
        (3..=14)
            .map(|n| {
                candidate(
                    n,
                    match n {
                        13 => Some(&never),
                        14 => Some(&by_day),
                        _ => None,
                    },
                )
            })
            .collect(),
        vec![candidate(15, Some(&never)), candidate(16, Some(&always))],
        vec![candidate(17, None)],
    ];
    insta::assert_snapshot!(told(&outlook(&nightly, waves)));
}

#[test]
fn what_bounds_a_wave_is_named() {
    let nightly = [window("0 22 * * *", 240)];
    let limits = Limits {
        updates_at_once: 2,
        ..LIMITS
    };
    let floors = BTreeMap::from([(group(1), 1), (group(2), 0)]);
    let ward = |n, ward| Candidate {
        group: Some(group(ward)),
        ..candidate(n, None)
    };
    let slow = HospitalLimits {
        bandwidth: Bandwidth {
            total: 10_000,
            per_download: 10_000,
        },
        ..HOSPITAL
    };
    let mut text = String::new();
    for (words, limits, hospital, wave) in [
        (
            "two at once",
            &limits,
            &HOSPITAL,
            (1..=5).map(|n| candidate(n, None)).collect::<Vec<_>>(),
        ),
        (
            "a ward can spare one",
            &LIMITS,
            &HOSPITAL,
            (1..=3).map(|n| ward(n, 1)).collect(),
        ),
        (
            "a ward can spare none",
            &LIMITS,
            &HOSPITAL,
            (1..=5).map(|n| ward(n, if n == 5 { 2 } else { 3 })).collect(),
        ),
        (
            "a thin line",
            &LIMITS,
            &slow,
            (1..=3).map(|n| candidate(n, None)).collect(),
        ),
        ("nothing to do", &LIMITS, &HOSPITAL, Vec::new()),
    ] {
        let outlook = Outlook {
            limits,
            hospital,
            spare: floors.clone(),
            ..outlook(&nightly, vec![wave])
        };
        let _ = write!(text, "== {words}\n{}", told(&outlook));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn without_a_window_nothing_comes() {
    let check = |window: Window, expected: &str| {
        let windows = [window];
        let text = told(&outlook(&windows, vec![vec![candidate(1, None)]]));
        assert!(text.contains(expected), "{text}");
    };
    check(window("0 22 30 2 *", 60), "no maintenance window opens");
    check(window("0 22 * * *", 10), "no window is long enough to install in");
}

#[test]
fn a_silent_pump_is_not_taken_for_a_free_one() {
    let nightly = [window("0 22 * * *", 240)];
    let old = FreeHours::from_week(0);
    let text = told(&outlook(&nightly, vec![vec![candidate(1, Some(&old))]]));
    assert!(
        text.contains("not heard of in any window of the past 8 weeks"),
        "{text}"
    );
}

#[test]
fn a_night_on_which_the_clocks_change_is_a_night() {
    let nightly = [window("30 2 * * SUN", 60)];
    let check = |from: &str, opens: &str| {
        let outlook = Outlook {
            from: at(from),
            ..outlook(&nightly, vec![vec![candidate(1, None)]])
        };
        let [wave] = forecast(&outlook).try_into().unwrap();
        let Course::Passes(passes) = wave.optimistic else {
            panic!("{wave:?}");
        };
        assert_eq!(passes.opens, at(opens));
    };
    // 02:30 does not exist in spring, and comes twice in autumn.
    check("2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z");
    check("2027-10-30T12:00:00Z", "2027-10-31T00:30:00Z");
}

#[test]
fn the_next_full_hour_is_the_walls() {
    let room = Room::between(
        &[],
        at("2027-10-30T22:10:00Z"),
        at("2027-10-31T02:20:00Z"),
        TimeDelta::minutes(20),
    );
    let hours: Vec<_> = room
        .hours(Berlin)
        .into_iter()
        .map(|(hour, at)| format!("{} from {}", hour.hour % 24, at.format("%H:%M")))
        .collect();
    assert_eq!(
        hours,
        ["0 from 22:10", "1 from 23:00", "2 from 00:00", "3 from 02:00"]
    );
    assert_eq!(room.not_before(at("2027-10-31T02:21:00Z")), None);
}

#[test]
fn at_the_end_of_the_calendar_it_comes_to_an_end() {
    let nightly = [window("0 22 * * *", 240)];
    let always = hours(3, |_, _| true);
    for windows in [&nightly[..], &[]] {
        for from in [
            Timestamp::MIN_UTC,
            Timestamp::MAX_UTC,
            Timestamp::MAX_UTC - TimeDelta::hours(5),
        ] {
            for now in [from, at(NOON)] {
                let outlook = Outlook {
                    now,
                    from,
                    ..outlook(
                        windows,
                        vec![vec![candidate(1, None)], vec![candidate(2, Some(&always))]],
                    )
                };
                assert_eq!(forecast(&outlook).len(), 2);
            }
        }
    }
}

/// Limits under which nobody is left behind who is ever free.
fn patient(at_once: u32) -> Limits {
    Limits {
        updates_at_once: at_once,
        downloads_at_once: at_once,
        laggard_after: TimeDelta::days(36_500),
        verified_share: Percent::new(0).unwrap(),
        ..LIMITS
    }
}

fn a_window() -> impl Strategy<Value = Window> {
    let days = prop::sample::subsequence(vec!["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], 1..7);
    (
        days,
        0..24_u32,
        0..60_u32,
        30..600_i64,
        prop::collection::btree_set(0..60_u64, 0..5),
    )
        .prop_map(|(days, hour, minute, length, off)| {
            let first = at(NOON).date_naive();
            Window::new(
                &format!("{minute} {hour} * * {}", days.join(",")),
                TimeDelta::minutes(length),
                "Europe/Berlin",
                off.into_iter()
                    .map(|day| first + chrono::Days::new(day))
                    .collect(),
            )
            .unwrap()
        })
}

/// Two bit masks: hours of the day and days of the week in which a pump is free.
fn some_hours() -> impl Strategy<Value = Option<FreeHours>> {
    prop::option::of(
        (1..9_i64, any::<u32>(), any::<u8>()).prop_map(|(weeks, by_hour, by_day)| {
            hours(weeks, |ago, hour| {
                by_hour.rotate_left(u32::try_from(ago).unwrap()) >> (hour % 24) & 1 == 1
                    && by_day >> (hour / 24) & 1 == 1
            })
        }),
    )
}

/// The end of each wave, where it has one.
fn ends(outlook: &Outlook<'_>) -> Option<Vec<[Timestamp; 2]>> {
    forecast(outlook)
        .into_iter()
        .map(|wave| match (wave.optimistic, wave.likely) {
            (Course::Passes(best), Course::Passes(likely)) if wave.left_behind.is_empty() => {
                Some([best.passes, likely.passes])
            }
            _ => None,
        })
        .collect()
}

proptest! {
    /// More windows, more places, more that is spared, freer pumps: nothing comes later, as long as nobody is left behind.
    #[test]
    fn more_of_anything_is_never_later(
        windows in prop::collection::vec(a_window(), 1..4),
        pumps in prop::collection::vec(some_hours(), 1..12),
        split in 0..12_usize,
        at_once in 1..6_u32,
        spare in 1..4_u32,
    ) {
        let fewer: Vec<_> = windows.iter().take(windows.len() - 1).cloned().collect();
        let limits = patient(at_once);
        let more_places = patient(at_once + 1);
        let waves = |all_free: bool| {
            let all: Vec<_> = pumps
                .iter()
                .zip(1..)
                .map(|(hours, n)| Candidate {
                    group: Some(group(n % 2)),
                    ..candidate(n, hours.as_ref().filter(|_| !all_free))
                })
                .collect();
            let (first, second) = all.split_at(split.min(all.len()));
            vec![first.to_vec(), second.to_vec()]
        };
        let less = Outlook {
            limits: &limits,
            spare: BTreeMap::from([(group(0), spare)]),
            ..outlook(&fewer, waves(false))
        };
        // No windows at all forbid nothing, so none is not fewer than one.
        if let Some(before) = ends(&less) {
            let wider = if fewer.is_empty() { &fewer } else { &windows };
            for more in [
                Outlook { windows: wider, ..less.clone() },
                Outlook { limits: &more_places, ..less.clone() },
                Outlook { spare: BTreeMap::from([(group(0), spare + 1)]), ..less.clone() },
                Outlook { spare: BTreeMap::new(), ..less.clone() },
                Outlook { waves: waves(true), ..less.clone() },
            ] {
                let after = ends(&more);
                prop_assert!(after.is_some(), "{more:?}");
                for (before, after) in before.iter().zip(after.unwrap()) {
                    prop_assert!(after[0] <= before[0] && after[1] <= before[1]);
                }
            }
        }
    }

    /// Whatever is asked: the best case is no later than the likely one, nothing begins outside of a window or on a day on which
    /// nothing happens, waves follow one another, and every pump is verified or left behind for a reason.
    #[test]
    fn a_forecast_keeps_to_the_rules(
        windows in prop::collection::vec(a_window(), 0..4),
        pumps in prop::collection::vec(some_hours(), 0..12),
        spare in 0..3_u32,
        at_once in 0..4_u32,
        share in 0..=100_u8,
        laggard_days in 0..20_i64,
    ) {
        let limits = Limits {
            updates_at_once: at_once,
            verified_share: Percent::new(share).unwrap(),
            laggard_after: TimeDelta::days(laggard_days),
            ..LIMITS
        };
        let all: Vec<_> = pumps
            .iter()
            .zip(1..)
            .map(|(hours, n)| Candidate { group: Some(group(n % 2)), ..candidate(n, hours.as_ref()) })
            .collect();
        let outlook = Outlook {
            limits: &limits,
            spare: BTreeMap::from([(group(0), spare)]),
            ..outlook(&windows, vec![all.clone(), all])
        };
        let waves = forecast(&outlook);
        prop_assert_eq!(waves.len(), 2);
        let mut before = outlook.from;
        for wave in &waves {
            let left: BTreeSet<_> = wave.left_behind.iter().map(|(pump, _)| *pump).collect();
            prop_assert_eq!(left.len(), wave.left_behind.len(), "each is left behind once");
            if let Course::Passes(likely) = wave.likely {
                prop_assert!(likely.opens >= before && likely.settled >= likely.opens);
                prop_assert!(likely.passes >= likely.settled + limits.soak);
                let is_open = |at| windows.is_empty() || windows.iter().any(|window| window.is_open(at));
                prop_assert!(is_open(likely.opens));
                before = likely.passes;
                if let Course::Passes(best) = wave.optimistic {
                    prop_assert!(best.opens <= likely.opens);
                }
            }
        }
    }

    /// A pump begins only where a window has room for it.
    #[test]
    fn room_is_inside_the_windows(windows in prop::collection::vec(a_window(), 1..4), takes in 1..120_i64, days in 0..40_i64) {
        let takes = TimeDelta::minutes(takes);
        let from = at(NOON);
        let to = from + TimeDelta::days(days);
        let room = Room::between(&windows, from, to, takes);
        let mut at = from;
        let mut steps = 0;
        while let Some(begins) = room.not_before(at) {
            let is_in = windows.iter().any(|window| {
                matches!(window.at(begins), WindowState::Open { until } if begins + takes <= until)
            });
            prop_assert!(is_in && begins <= to);
            let off = |window: &Window| window.blackout().contains(&begins.with_timezone(&Berlin).date_naive());
            prop_assert!(!windows.iter().all(off));
            at = begins + TimeDelta::minutes(47);
            steps += 1;
            if steps > 400 {
                break;
            }
        }
        for (hour, begins) in room.hours(Berlin) {
            prop_assert_eq!(WallHour::at(Berlin, begins), hour);
            prop_assert_eq!(room.not_before(begins), Some(begins));
        }
    }
}
