use proptest::prelude::*;

use super::*;

const BERLIN: &str = "Europe/Berlin";

fn window(schedule: &str, hours: i64) -> Window {
    Window::new(schedule, TimeDelta::hours(hours), BERLIN, BTreeSet::new()).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn open(until: &str) -> WindowState {
    WindowState::Open { until: at(until) }
}

fn closed(next: &str) -> WindowState {
    WindowState::Closed { next: Some(at(next)) }
}

#[test]
fn a_window_opens_on_the_wall_clock() {
    let nightly = window("0 22 * * MON-FRI", 4);
    let check = |now: &str, expected: WindowState| {
        assert_eq!(nightly.at(at(now)), expected, "{now}");
        assert_eq!(
            nightly.is_open(at(now)),
            matches!(expected, WindowState::Open { .. })
        );
    };
    // 2026-11-24 is a Tuesday; Berlin is an hour ahead of UTC then.
    check("2026-11-24T20:59:59Z", closed("2026-11-24T21:00:00Z"));
    check("2026-11-24T21:00:00Z", open("2026-11-25T01:00:00Z"));
    check("2026-11-25T00:59:59Z", open("2026-11-25T01:00:00Z"));
    check("2026-11-25T01:00:00Z", closed("2026-11-25T21:00:00Z"));
    // Friday night reaches into Saturday; Saturday has none of its own.
    check("2026-11-28T00:30:00Z", open("2026-11-28T01:00:00Z"));
    check("2026-11-28T21:00:00Z", closed("2026-11-30T21:00:00Z"));
    assert_eq!(
        nightly.next_open(at("2026-11-24T22:00:00Z")),
        Some(at("2026-11-25T21:00:00Z"))
    );
}

/// Every opening between two instants, in UTC.
fn openings(window: &Window, from: &str, to: &str) -> Vec<String> {
    let (mut now, to) = (at(from), at(to));
    let mut found = Vec::new();
    while let Some(next) = window.next_open(now).filter(|next| *next < to) {
        found.push(next.format("%m-%dT%H:%M").to_string());
        now = next;
    }
    found
}

/// Berlin in 2026: on 29 March 02:00 becomes 03:00, and on 25 October 03:00 becomes 02:00.
#[test]
fn a_night_on_which_the_clocks_change_has_one_window_like_every_other() {
    let half_past_two = window("30 2 * * *", 1);
    assert_eq!(
        openings(&half_past_two, "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z"),
        ["03-28T01:30", "03-29T01:00", "03-30T00:30"],
        "the gap moves to the first instant that exists"
    );
    assert_eq!(
        openings(&half_past_two, "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z"),
        ["10-24T00:30", "10-25T00:30", "10-26T01:30"],
        "what comes twice is the earlier, once"
    );
    assert_eq!(
        half_past_two.at(at("2026-10-25T01:45:00Z")),
        closed("2026-10-26T01:30:00Z")
    );
    let twice_in_the_gap = window("10,40 2 * * *", 1);
    assert_eq!(
        openings(&twice_in_the_gap, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z"),
        ["03-29T01:00"],
        "two starts in one gap are one"
    );
    // The length is what passes, not what the clock shows.
    assert_eq!(
        window("0 1 * * *", 3).at(at("2026-03-29T00:30:00Z")),
        open("2026-03-29T03:00:00Z")
    );
}

#[test]
fn nothing_happens_on_a_blackout_day() {
    let blackout = BTreeSet::from(["2026-12-24".parse().unwrap(), "2026-12-25".parse().unwrap()]);
    let nightly = Window::new("0 22 * * *", TimeDelta::hours(4), "UTC", blackout).unwrap();
    assert_eq!(
        nightly.at(at("2026-12-24T22:30:00Z")),
        closed("2026-12-26T22:00:00Z")
    );
    // The night before ends at midnight; the night after begins as always.
    assert_eq!(
        nightly.at(at("2026-12-23T23:30:00Z")),
        open("2026-12-24T00:00:00Z")
    );
    assert_eq!(
        nightly.at(at("2026-12-24T00:00:00Z")),
        closed("2026-12-26T22:00:00Z")
    );
}

#[test]
fn openings_that_overlap_are_one() {
    let hourly = window("0 * * * *", 2);
    assert_eq!(
        hourly.at(at("2026-11-24T12:30:00Z")),
        open("2026-11-24T14:00:00Z")
    );
    let (early, late) = (window("0 2 * * *", 2), window("0 22 * * *", 2));
    let both = [early, late];
    let day = TimeDelta::days(1);
    assert_eq!(
        any_at(&both, at("2026-11-24T21:30:00Z"), day),
        open("2026-11-24T23:00:00Z")
    );
    assert_eq!(
        any_at(&both, at("2026-11-24T12:00:00Z"), day),
        closed("2026-11-24T21:00:00Z")
    );
    assert_eq!(
        any_at(&[], at("2026-11-24T12:00:00Z"), day),
        open("2026-11-25T12:00:00Z")
    );
}

#[test]
fn what_never_comes_is_said_to_be_so() {
    assert_eq!(
        window("0 2 30 2 *", 1).at(at("2026-11-24T12:00:00Z")),
        WindowState::Closed { next: None }
    );
    assert_eq!(
        window("0 2 29 2 *", 1).at(at("2026-11-24T12:00:00Z")),
        closed("2028-02-29T01:00:00Z")
    );
}

#[test]
fn what_is_no_window_is_refused_with_the_reason() {
    let check = |minutes: i64, zone: &str, expected: &str| {
        let refused =
            Window::new("0 22 * * *", TimeDelta::minutes(minutes), zone, BTreeSet::new()).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    };
    check(
        0,
        BERLIN,
        "a window of 0 minutes can not be; give 1 minute to 24 hours",
    );
    check(
        1441,
        BERLIN,
        "a window of 1441 minutes can not be; give 1 minute to 24 hours",
    );
    check(
        60,
        "Berlin",
        "`Berlin` is not a time zone; give a name of the IANA database, such as Europe/Berlin",
    );
}

proptest! {
    /// Whatever the zone and the hour: an opening is open, the instant before the next one is said rightly, nothing panics.
    #[test]
    fn next_and_open_agree(
        hour in 0..24_u8,
        minute in 0..60_u8,
        length in 1..1440_i64,
        second in 0..4_000_000_000_i64,
        zone in prop::sample::select(vec![
            "UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia",
        ]),
    ) {
        let schedule = format!("{minute} {hour} * * *");
        let window = Window::new(&schedule, TimeDelta::minutes(length), zone, BTreeSet::new()).unwrap();
        let now = Timestamp::from_timestamp(second, 0).unwrap();
        let next = window.next_open(now).unwrap();
        prop_assert!(next > now);
        // A start in the gap is late by the gap, and Samoa left out a whole day.
        prop_assert!(next - now <= TimeDelta::hours(50), "{} {} {}", zone, now, next);
        prop_assert!(window.is_open(next));
        match window.at(now) {
            WindowState::Open { until } => prop_assert!(until > now && until - now <= TimeDelta::minutes(length)),
            WindowState::Closed { next: said } => prop_assert_eq!(said, Some(next)),
        }
    }
}

#[test]
fn the_ends_of_time_do_not_panic() {
    for now in [Timestamp::MIN_UTC, Timestamp::MAX_UTC] {
        let nightly = window("0 22 * * *", 4);
        let _ = (nightly.at(now), nightly.next_open(now));
    }
}
