//! Patience with those who guess: whoever fails waits, each time twice as long.
//!
//! Failures are counted per account and per address. An account's wait stays short, since anybody on the network can
//! cause it and its owner has to live with it; an address's grows long, since only who sits there can. An attempt is
//! charged when it begins and refunded when it succeeds, so that many at once can not all slip in before the first failed.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
};

use chrono::TimeDelta;
use fleet::{Timestamp, text::Name};

/// How failures of one kind of key turn into waiting.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// So many failures cost nothing: people mistype.
    free: u32,
    /// No wait is longer.
    longest: TimeDelta,
}

const ACCOUNT: Rule = Rule {
    free: 5,
    longest: TimeDelta::minutes(1),
};
const ADDRESS: Rule = Rule {
    free: 20,
    longest: TimeDelta::minutes(15),
};

/// Who has been quiet for so long starts afresh.
const FORGET_AFTER: TimeDelta = TimeDelta::hours(1);
/// The most keys of one kind that are remembered.
const CAPACITY: usize = 10_000;

/// Try again after so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(TimeDelta);

impl Wait {
    /// Whole seconds, at least one, for `Retry-After`.
    #[must_use]
    pub fn seconds(self) -> u64 {
        let milliseconds = u64::try_from(self.0.num_milliseconds()).unwrap_or_default();
        milliseconds.div_ceil(1_000).max(1)
    }
}

/// The failures that are remembered.
#[derive(Debug)]
pub struct Throttle {
    accounts: Failures<Name>,
    addresses: Failures<IpAddr>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            accounts: Failures::new(ACCOUNT, CAPACITY),
            addresses: Failures::new(ADDRESS, CAPACITY),
        }
    }
}

impl Throttle {
    /// Begins an attempt: it counts as failed until it is said to have succeeded.
    ///
    /// # Errors
    /// How long to [`Wait`] instead. Trying too early costs nothing more.
    pub fn begin(&mut self, account: &Name, peer: IpAddr, now: Timestamp) -> Result<(), Wait> {
        let peer = network(peer);
        let left = self
            .accounts
            .left(account, now)
            .max(self.addresses.left(&peer, now));
        if left > TimeDelta::zero() {
            return Err(Wait(left));
        }
        self.accounts.charge(account.clone(), now);
        self.addresses.charge(peer, now);
        Ok(())
    }

    /// The attempt succeeded. The account is in good hands; the address is refunded this attempt, and no more: a
    /// guesser with an account of his own must not wipe the slate between two guesses at others'.
    pub fn succeeded(&mut self, account: &Name, peer: IpAddr) {
        self.accounts.forget(account);
        self.addresses.refund(&network(peer));
    }

    /// The attempt was not looked at: it never was one.
    pub fn withdrawn(&mut self, account: &Name, peer: IpAddr) {
        self.accounts.refund(account);
        self.addresses.refund(&network(peer));
    }
}

/// Who owns one IPv6 address owns the other 2⁶⁴ of its network.
pub(super) fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[derive(Debug)]
struct Failures<K> {
    rule: Rule,
    capacity: usize,
    counts: HashMap<K, Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    last: Timestamp,
}

impl Count {
    fn is_old(self, now: Timestamp) -> bool {
        now.signed_duration_since(self.last) >= FORGET_AFTER
    }
}

impl<K: Hash + Eq + Clone> Failures<K> {
    fn new(rule: Rule, capacity: usize) -> Self {
        Self {
            rule,
            capacity,
            counts: HashMap::new(),
        }
    }

    /// What is left to wait; never more than the rule's longest, even if the clock was set back meanwhile.
    fn left(&self, key: &K, now: Timestamp) -> TimeDelta {
        let Some(count) = self.counts.get(key).filter(|count| !count.is_old(now)) else {
            return TimeDelta::zero();
        };
        let wait = self.wait(count.failures);
        (wait - now.signed_duration_since(count.last)).clamp(TimeDelta::zero(), wait)
    }

    /// One second after the last free failure, and twice as long after each further one.
    fn wait(&self, failures: u32) -> TimeDelta {
        match failures.checked_sub(self.rule.free) {
            None => TimeDelta::zero(),
            Some(doublings) => TimeDelta::seconds(1_i64 << doublings.min(20)).min(self.rule.longest),
        }
    }

    fn charge(&mut self, key: K, now: Timestamp) {
        if !self.counts.contains_key(&key) && self.counts.len() >= self.capacity {
            self.make_room(now);
        }
        let count = self.counts.entry(key).or_insert(Count {
            failures: 0,
            last: now,
        });
        if count.is_old(now) {
            count.failures = 0;
        }
        count.failures = count.failures.saturating_add(1);
        count.last = now;
    }

    /// The old go first, then whoever failed least: a flood of made-up names does not push out the one under attack.
    fn make_room(&mut self, now: Timestamp) {
        self.counts.retain(|_, count| !count.is_old(now));
        if self.counts.len() >= self.capacity {
            let least = self
                .counts
                .iter()
                .min_by_key(|(_, count)| (count.failures, count.last));
            if let Some(key) = least.map(|(key, _)| key.clone()) {
                self.counts.remove(&key);
            }
        }
    }

    fn refund(&mut self, key: &K) {
        if let Some(count) = self.counts.get_mut(key) {
            count.failures = count.failures.saturating_sub(1);
        }
    }

    fn forget(&mut self, key: &K) {
        self.counts.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn peer(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn an_account_waits_twice_as_long_each_time_and_never_beyond_a_minute() {
        let mut throttle = Throttle::default();
        let admin = name("admin");
        let mut now = NOW;
        let mut waits = Vec::new();
        for attempt in 0..14_u8 {
            // From ever new addresses: the account's count alone decides.
            throttle.begin(&admin, peer(attempt), now).unwrap();
            let wait = throttle.accounts.left(&admin, now);
            if wait > TimeDelta::zero() {
                assert_eq!(throttle.begin(&admin, peer(200), now), Err(Wait(wait)));
            }
            waits.push(wait.num_seconds());
            now += wait;
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert_eq!(
            throttle.begin(&name("nurse"), peer(201), now),
            Ok(()),
            "others are not held up"
        );
    }

    #[test]
    fn an_address_that_tries_many_names_waits_too() {
        let mut throttle = Throttle::default();
        for attempt in 0..20 {
            throttle
                .begin(&name(&format!("guess {attempt}")), peer(1), NOW)
                .unwrap();
        }
        let wait = throttle.begin(&name("guess 20"), peer(1), NOW).unwrap_err();
        assert_eq!(wait.seconds(), 1);
        assert_eq!(throttle.begin(&name("guess 20"), peer(2), NOW), Ok(()));
    }

    #[test]
    fn success_clears_the_account_but_not_the_guesses_at_others() {
        let mut throttle = Throttle::default();
        for attempt in 0..19 {
            throttle
                .begin(&name(&format!("guess {attempt}")), peer(1), NOW)
                .unwrap();
        }
        for _ in 0..50 {
            throttle.begin(&name("mine"), peer(1), NOW).unwrap();
            throttle.succeeded(&name("mine"), peer(1));
        }
        throttle.begin(&name("guess 19"), peer(1), NOW).unwrap();
        assert!(throttle.begin(&name("mine"), peer(1), NOW).is_err());
    }

    #[test]
    fn an_hour_of_quiet_is_a_fresh_start() {
        let mut throttle = Throttle::default();
        let admin = name("admin");
        let mut now = NOW;
        while throttle.begin(&admin, peer(1), now).is_ok() {}
        now += FORGET_AFTER;
        for _ in 0..5 {
            assert_eq!(throttle.begin(&admin, peer(1), now), Ok(()));
        }
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_count() {
        let check = |a: &str, b: &str, same: bool| {
            assert_eq!(
                network(a.parse().unwrap()) == network(b.parse().unwrap()),
                same,
                "{a} {b}"
            );
        };
        check("2001:db8::1", "2001:db8::ffff:1", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("::ffff:10.0.0.1", "10.0.0.1", true);
        check("10.0.0.1", "10.0.0.2", false);
    }

    #[test]
    fn memory_is_bounded_and_the_account_under_attack_is_remembered() {
        let mut failures = Failures::new(ACCOUNT, 100);
        for _ in 0..8 {
            failures.charge(name("admin"), NOW);
        }
        for made_up in 0..1_000 {
            failures.charge(name(&format!("made up {made_up}")), NOW);
        }
        assert_eq!(failures.counts.len(), 100);
        assert!(failures.left(&name("admin"), NOW) > TimeDelta::zero());
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_the_longest(steps in prop::collection::vec(-100_000_i64..100_000, 1..60)) {
            let mut throttle = Throttle::default();
            let mut now = NOW;
            for step in steps {
                now += TimeDelta::seconds(step);
                if let Err(wait) = throttle.begin(&name("admin"), peer(1), now) {
                    prop_assert!(wait.seconds() <= 15 * 60);
                }
            }
        }
    }
}
