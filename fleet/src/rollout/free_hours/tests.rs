use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn an_hour_is_what_the_clock_on_the_wall_shows() {
    let berlin = chrono_tz::Europe::Berlin;
    let check = |instant: &str, hour: u8| {
        assert_eq!(WallHour::at(berlin, at(instant)).hour, hour, "{instant}");
    };
    check("2027-01-17T23:00:00Z", 0); // Monday, midnight
    check("2027-01-18T01:59:00Z", 2);
    check("2027-07-18T22:00:00Z", 0); // in summer
    check("2027-01-17T22:59:00Z", 167);
    // The night that has 2 o'clock twice, and the one that has none.
    check("2027-10-31T00:30:00Z", 6 * 24 + 2);
    check("2027-10-31T01:30:00Z", 6 * 24 + 2);
    check("2027-03-28T00:59:00Z", 6 * 24 + 1);
    check("2027-03-28T01:00:00Z", 6 * 24 + 3);
    let sunday = WallHour::at(berlin, at("2027-01-17T22:59:00Z"));
    let monday = WallHour::at(berlin, at("2027-01-17T23:00:00Z"));
    assert_eq!(monday.week, sunday.week + 1);
    assert_eq!(WallHour::at(chrono_tz::UTC, Timestamp::UNIX_EPOCH).week, 0);
    assert_eq!(WallHour::at(chrono_tz::UTC, at("1969-12-28T12:00:00Z")).week, -1);
    for end in [Timestamp::MIN_UTC, Timestamp::MAX_UTC] {
        assert!(usize::from(WallHour::at(berlin, end).hour) < HOURS);
    }
}

#[test]
fn twenty_minutes_of_an_hour_make_it_free() {
    let check = |free: u32, busy: u32, expected: bool| {
        let mut tally = HourTally::default();
        (0..free).for_each(|_| tally.add(true));
        (0..busy).for_each(|_| tally.add(false));
        assert_eq!(tally.is_free(), expected, "{free} free, {busy} busy");
    };
    check(0, 0, false);
    check(0, 6, false);
    check(20, 40, true);
    check(19, 41, false);
    check(1, 0, true);
}

#[test]
fn the_past_ages_and_silence_is_no_freedom() {
    let noted = |weeks: &[i64], is_free: bool| {
        let mut hours = FreeHours::from_week(0);
        for week in weeks {
            hours.note(WallHour { week: *week, hour: 3 }, is_free);
        }
        hours
    };
    let check = |hours: FreeHours, hour: u8, expected: Option<(u32, u32)>| {
        let odds = hours.odds(hour).map(|odds| (odds.free, odds.of));
        assert_eq!(odds, expected);
    };
    check(noted(&[0], true), 3, Some((1, 1)));
    // One week says nothing about another hour,
    check(noted(&[0], true), 4, None);
    check(noted(&[0, 1], true), 4, None);
    // a whole one without a word from the pump does.
    check(noted(&[0, 1, 2], true), 4, Some((0, 1)));
    check(noted(&[0, 1, 2], true), 3, Some((3, 3)));
    check(noted(&[0, 7], true), 3, Some((2, 6)));
    // After eight weeks the first is forgotten.
    check(noted(&[0, 8], true), 3, Some((1, 1)));
    check(noted(&[0], true).seen_from(100), 3, Some((0, WEEKS)));
    // Late, but not too late; and not from nowhere.
    check(noted(&[5, 3], true), 3, Some((2, 2)));
    check(noted(&[9, 1], true), 3, Some((1, 1)));
    check(noted(&[3], true), 200, None);
    assert_eq!(noted(&[0, 3], false).weeks(), 4);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(notes in prop::collection::vec((any::<i8>(), any::<u8>(), any::<bool>()), 0..300)) {
        let mut hours = FreeHours::from_week(0);
        for (week, hour, is_free) in notes {
            hours.note(WallHour { week: week.into(), hour }, is_free);
        }
        let bytes = hours.to_bytes();
        prop_assert_eq!(bytes.len(), BYTES);
        prop_assert_eq!(FreeHours::from_bytes(&bytes), Ok(hours));
        prop_assert!(FreeHours::from_bytes(&bytes[1..]).is_err());
        for hour in 0..=u8::MAX {
            if let Some(odds) = hours.odds(hour) {
                prop_assert!(odds.free <= odds.seen && odds.seen <= odds.of && odds.of <= WEEKS);
            }
        }
    }

    /// In whatever order an hour is told of, nothing panics and nothing is counted twice.
    #[test]
    fn any_week_can_be_told(weeks in prop::collection::vec(any::<i64>(), 0..20)) {
        let mut hours = FreeHours::from_week(0);
        for week in weeks {
            hours.note(WallHour { week, hour: 0 }, true);
            hours.note(WallHour { week, hour: 0 }, false);
        }
        prop_assert!(hours.weeks() <= WEEKS);
    }
}
