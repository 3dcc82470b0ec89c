//! How many requests are served, per account and per address. Whoever asks too fast is told when to come back.

use std::{
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use fleet::id::AccountId;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::DashMapStateStore,
};
use serde::Deserialize;
use thiserror::Error;

use super::throttle::network;

/// How many, in requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Per account, each second on average. 0 is no limit.
    pub per_account: u32,
    /// Per account at once.
    pub per_account_burst: u32,
    /// Per address, each second on average. 0 is no limit.
    pub per_address: u32,
    /// Per address at once.
    pub per_address_burst: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            per_account: 50,
            per_account_burst: 300,
            per_address: 100,
            per_address_burst: 600,
        }
    }
}

/// Too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many requests; wait {seconds} s and go on slower")]
pub struct TooFast {
    /// Whole seconds, at least one.
    pub seconds: u64,
}

/// The counts of one kind of key are gone through for old ones after so many requests: memory is bounded without a timer.
const SWEEP_EVERY: u32 = 10_000;

struct Limit<K: Hash + Eq + Clone, C: Clock> {
    limiter: RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    asked: AtomicU32,
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Limit<K, C> {
    fn new(per_second: u32, burst: u32, clock: &C) -> Option<Self> {
        let per_second = NonZeroU32::new(per_second)?;
        let burst = NonZeroU32::new(burst).unwrap_or(per_second);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Some(Self {
            limiter: RateLimiter::dashmap_with_clock(quota, clock.clone()),
            clock: clock.clone(),
            asked: AtomicU32::new(0),
        })
    }

    fn check(&self, key: &K) -> Result<(), TooFast> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|not_until| {
            let wait: Duration = not_until.wait_time_from(self.clock.now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            TooFast {
                seconds: seconds.max(1),
            }
        })
    }
}

/// The limits.
pub struct Limits<C: Clock = DefaultClock> {
    accounts: Option<Limit<AccountId, C>>,
    addresses: Option<Limit<IpAddr, C>>,
}

impl Limits {
    /// With the machine's clock.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        Self::with_clock(rates, &DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limits<C> {
    fn with_clock(rates: Rates, clock: &C) -> Self {
        Self {
            accounts: Limit::new(rates.per_account, rates.per_account_burst, clock),
            addresses: Limit::new(rates.per_address, rates.per_address_burst, clock),
        }
    }

    /// Counts a request of an account.
    ///
    /// # Errors
    /// [`TooFast`].
    pub fn account(&self, account: AccountId) -> Result<(), TooFast> {
        self.accounts
            .as_ref()
            .map_or(Ok(()), |limit| limit.check(&account))
    }

    /// Counts a request from an address; of IPv6, from a network.
    ///
    /// # Errors
    /// [`TooFast`].
    pub fn address(&self, address: IpAddr) -> Result<(), TooFast> {
        self.addresses
            .as_ref()
            .map_or(Ok(()), |limit| limit.check(&network(address)))
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn whoever_is_too_fast_waits_and_nobody_else() {
        let clock = FakeRelativeClock::default();
        let rates = Rates {
            per_account: 1,
            per_account_burst: 3,
            per_address: 2,
            per_address_burst: 2,
        };
        let limits = Limits::with_clock(rates, &clock);
        let [ana, ben] = [1, 2].map(|n| AccountId::from_uuid(Uuid::from_u128(n)));
        for _ in 0..3 {
            limits.account(ana).unwrap();
        }
        assert_eq!(limits.account(ana), Err(TooFast { seconds: 1 }));
        limits.account(ben).unwrap();
        clock.advance(Duration::from_secs(1));
        limits.account(ana).unwrap();
        limits.account(ana).unwrap_err();

        let here: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let elsewhere: IpAddr = "2001:db8:1::1".parse().unwrap();
        limits.address(here).unwrap();
        limits.address(neighbour).unwrap();
        limits.address(here).unwrap_err();
        limits.address(elsewhere).unwrap();
    }

    #[test]
    fn none_is_no_limit() {
        let rates = Rates {
            per_account: 0,
            per_account_burst: 0,
            per_address: 0,
            per_address_burst: 0,
        };
        let limits = Limits::new(rates);
        for _ in 0..10_000 {
            limits.account(AccountId::from_uuid(Uuid::from_u128(1))).unwrap();
            limits.address([10, 0, 0, 1].into()).unwrap();
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::with_clock(Rates::default(), &clock);
        for n in 0..SWEEP_EVERY * 2 {
            limits.address(IpAddr::from(n.to_be_bytes())).unwrap();
            clock.advance(Duration::from_millis(100));
        }
        let addresses = limits.addresses.as_ref().unwrap();
        assert!(
            addresses.limiter.len() <= SWEEP_EVERY as usize + 100,
            "{}",
            addresses.limiter.len()
        );
    }
}
