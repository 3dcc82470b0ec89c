//! Refusals that people should know of, but not a thousand times: the first of a kind from a neighbourhood is told at once,
//! the rest of that minute are counted and told with the next. Memory is bounded however many strangers knock.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use chrono::TimeDelta;
use fleet::{Timestamp, event::EventKind};

/// How long one notice speaks for its neighbourhood.
const QUIET_FOR: TimeDelta = TimeDelta::seconds(60);
/// The most neighbourhoods that are remembered; beyond it the quiet ones are forgotten, then all of them.
const MOST: usize = 4_096;

/// What was told, and what was kept back since.
#[derive(Debug, Default)]
pub(super) struct Notices {
    told: Mutex<HashMap<(EventKind, IpAddr), Told>>,
}

#[derive(Debug)]
struct Told {
    at: Timestamp,
    kept_back: u64,
}

impl Notices {
    /// Whether to tell of a refusal now: how many were kept back since the last notice, or nothing if this one is kept back too.
    pub(super) fn tell(&self, kind: EventKind, from: IpAddr, now: Timestamp) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MOST {
            told.retain(|_, entry| is_quiet(entry, now));
            if told.len() >= MOST {
                told.clear();
            }
        }
        let entry = told.entry((kind, neighbourhood(from)));
        match entry {
            std::collections::hash_map::Entry::Occupied(mut entry) if is_quiet(entry.get(), now) => {
                entry.get_mut().kept_back += 1;
                None
            }
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                let before = entry.insert(Told {
                    at: now,
                    kept_back: 0,
                });
                Some(before.kept_back)
            }
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(Told {
                    at: now,
                    kept_back: 0,
                });
                Some(0)
            }
        }
    }
}

/// A clock that was set back must not silence anything.
fn is_quiet(entry: &Told, now: Timestamp) -> bool {
    (TimeDelta::zero()..QUIET_FOR).contains(&now.signed_duration_since(entry.at))
}

/// The /24 or /64 of an address: who has one of these has all of it.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => neighbourhood(IpAddr::V4(v4)),
            None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64))),
        },
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    #[test]
    fn a_flood_is_one_notice_a_minute_and_none_is_lost() {
        let notices = Notices::default();
        let from: IpAddr = [10, 0, 0, 1].into();
        let neighbour: IpAddr = [10, 0, 0, 200].into();
        let tell = |kind, from, seconds| notices.tell(kind, from, NOW + TimeDelta::seconds(seconds));
        assert_eq!(tell(EventKind::EnrolmentRefused, from, 0), Some(0));
        assert_eq!(tell(EventKind::EnrolmentRefused, from, 1), None);
        assert_eq!(tell(EventKind::EnrolmentRefused, neighbour, 59), None);
        assert_eq!(
            tell(EventKind::KeyReused, from, 59),
            Some(0),
            "another kind is not silenced"
        );
        assert_eq!(
            tell(EventKind::EnrolmentRefused, [10, 0, 1, 1].into(), 59),
            Some(0),
            "nor another place"
        );
        assert_eq!(tell(EventKind::EnrolmentRefused, from, 60), Some(2));
        assert_eq!(
            tell(EventKind::EnrolmentRefused, from, -3_600),
            Some(0),
            "nor by a clock that was set back"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let notices = Notices::default();
        for n in 0..20_000_u32 {
            notices.tell(
                EventKind::EnrolmentRefused,
                IpAddr::from((n << 8).to_be_bytes()),
                NOW,
            );
        }
        assert!(notices.told.lock().unwrap().len() <= MOST);
    }

    #[test]
    fn a_neighbourhood_is_what_one_holder_has() {
        let check = |address: &str, expected: &str| {
            assert_eq!(
                neighbourhood(address.parse().unwrap()),
                expected.parse::<IpAddr>().unwrap()
            );
        };
        check("10.1.2.3", "10.1.2.0");
        check("::ffff:10.1.2.3", "10.1.2.0");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
    }
}
