//! How many connections an address may hold, and how many may be half open at once.
//!
//! A pump that is connected is limited by its identity: one connection each. What needs a limit is whoever has not
//! yet shown one, because a TLS handshake costs us more than it costs the caller. A few strangers must not be able to
//! take every place, so an address has few, and some are kept for where pumps are known to be.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use dashmap::DashMap;

use super::{endpoint::Limits, refusal::Refusal};

/// Networks from which a pump was admitted that are remembered.
const KNOWN: usize = 4096;

/// Counts of one address.
#[derive(Debug, Default, Clone, Copy)]
struct Held {
    open: usize,
    opening: usize,
}

/// The count of all connections, by address.
#[derive(Debug)]
pub(super) struct Admission {
    limits: Limits,
    held: DashMap<IpAddr, Held>,
    opening: AtomicUsize,
    known: Mutex<Known>,
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            held: DashMap::new(),
            opening: AtomicUsize::new(0),
            known: Mutex::default(),
        })
    }

    /// Takes a place for a new connection, which is *opening* until [`Place::admitted`].
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Place, Refusal> {
        let taken = self.opening.fetch_add(1, Ordering::Relaxed);
        if let Err(refusal) = self.room(taken, address).and_then(|()| self.hold(host(address))) {
            self.opening.fetch_sub(1, Ordering::Relaxed);
            return Err(refusal);
        }
        Ok(Place {
            admission: self.clone(),
            address,
            opening: true,
        })
    }

    /// Whether one more may be opening beside so many. Strangers do not get the last quarter.
    fn room(&self, taken: usize, address: IpAddr) -> Result<(), Refusal> {
        let all = self.limits.opening;
        let for_strangers = all - all / 4;
        if taken < for_strangers || (taken < all && self.known().contains(address)) {
            Ok(())
        } else {
            Err(Refusal::TooManyOpening)
        }
    }

    fn hold(&self, host: IpAddr) -> Result<(), Refusal> {
        let mut held = self.held.entry(host).or_default();
        if held.open >= self.limits.connections_per_address {
            return Err(Refusal::TooManyConnections);
        }
        if held.opening >= self.limits.opening_per_address {
            return Err(Refusal::TooManyOpening);
        }
        held.open += 1;
        held.opening += 1;
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom a connection is counted for. Whoever has one address of IPv6 has the 64 bits below its network as well.
fn host(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// The network that one pump stands for: pumps come back with another address of the same one.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8)).into(),
        IpAddr::V6(_) => host(address),
    }
}

/// Networks from which a pump was admitted, with when that was last, counted in admissions.
#[derive(Debug, Default)]
struct Known {
    networks: HashMap<IpAddr, u64>,
    admissions: u64,
}

impl Known {
    fn contains(&self, address: IpAddr) -> bool {
        self.networks.contains_key(&network(address))
    }

    /// Remembers where a pump is, and forgets the network that was silent for longest if there are too many.
    fn note(&mut self, address: IpAddr) {
        self.admissions += 1;
        self.networks.insert(network(address), self.admissions);
        if self.networks.len() > KNOWN {
            let oldest = self.networks.iter().min_by_key(|(_, last)| **last);
            if let Some(oldest) = oldest.map(|(network, _)| *network) {
                self.networks.remove(&oldest);
            }
        }
    }
}

/// The place of one connection; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    admission: Arc<Admission>,
    address: IpAddr,
    opening: bool,
}

impl Place {
    /// The connection has a name now: it is no longer opening, and where it comes from is known.
    pub(super) fn admitted(&mut self) {
        self.admission.known().note(self.address);
        self.opened();
    }

    fn opened(&mut self) {
        if std::mem::take(&mut self.opening) {
            self.admission.opening.fetch_sub(1, Ordering::Relaxed);
            if let Some(mut held) = self.admission.held.get_mut(&host(self.address)) {
                held.opening = held.opening.saturating_sub(1);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.opened();
        let host = host(self.address);
        if let Some(mut held) = self.admission.held.get_mut(&host) {
            held.open = held.open.saturating_sub(1);
        }
        self.admission.held.remove_if(&host, |_, held| held.open == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let admission = Admission::new(Limits {
            opening: 3,
            opening_per_address: 2,
            connections_per_address: 3,
            ..Limits::default()
        });
        let here = IpAddr::from([10, 0, 0, 1]);
        let there = IpAddr::from([10, 0, 0, 2]);

        let mut first = admission.enter(here).unwrap();
        let second = admission.enter(here).unwrap();
        assert_eq!(
            admission.enter(here).unwrap_err(),
            Refusal::TooManyOpening,
            "two are opening here"
        );
        let elsewhere = admission.enter(there).unwrap();
        assert_eq!(
            admission.enter(there).unwrap_err(),
            Refusal::TooManyOpening,
            "three are opening in all"
        );

        first.admitted();
        drop(elsewhere);
        let mut third = admission.enter(here).unwrap();
        third.admitted();
        assert_eq!(
            admission.enter(here).unwrap_err(),
            Refusal::TooManyConnections,
            "three are open here"
        );
        drop((first, second, third));
        assert!(
            admission.held.is_empty(),
            "an address that left leaves nothing behind"
        );
        assert_eq!(admission.opening.load(Ordering::Relaxed), 0);
    }
    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let admission = Admission::new(Limits {
            opening_per_address: 2,
            ..Limits::default()
        });
        let enter = |address: &str| admission.enter(address.parse().unwrap());
        let places = [enter("2001:db8::1").unwrap(), enter("2001:db8::2").unwrap()];
        assert_eq!(
            enter("2001:db8::ffff:0:0:3").unwrap_err(),
            Refusal::TooManyOpening
        );
        drop(enter("2001:db8:0:1::1").unwrap());
        drop(places);
        assert!(admission.held.is_empty());
    }

    #[test]
    fn strangers_do_not_get_the_last_quarter() {
        let admission = Admission::new(Limits {
            opening: 8,
            ..Limits::default()
        });
        admission.enter([10, 0, 7, 1].into()).unwrap().admitted();
        let places: Vec<_> = (1..=6)
            .map(|n| admission.enter([192, 168, n, 1].into()).unwrap())
            .collect();
        assert_eq!(
            admission.enter([192, 168, 9, 1].into()).unwrap_err(),
            Refusal::TooManyOpening
        );
        let neighbours = [2, 3].map(|n| admission.enter([10, 0, 7, n].into()).unwrap());
        assert_eq!(
            admission.enter([10, 0, 7, 4].into()).unwrap_err(),
            Refusal::TooManyOpening,
            "all is all"
        );
        drop((places, neighbours));
        assert_eq!(admission.opening.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn by_default_two_addresses_leave_room_for_everyone_else() {
        let admission = Admission::new(Limits::default());
        let mut places = Vec::new();
        for address in [[10, 0, 0, 1], [10, 0, 0, 2]] {
            while let Ok(place) = admission.enter(address.into()) {
                places.push(place);
            }
        }
        assert!(admission.enter([10, 0, 0, 3].into()).is_ok());
    }

    #[test]
    fn only_so_many_networks_are_remembered_and_the_most_recent_ones() {
        let mut known = Known::default();
        let at = |n: u32| IpAddr::from(Ipv4Addr::from_bits(n << 8 | 1));
        for n in 0..5_000 {
            known.note(at(n));
            known.note(at(0));
        }
        assert_eq!(known.networks.len(), KNOWN);
        assert!(known.contains(at(0)), "seen last");
        assert!(!known.contains(at(1)));
        assert!(known.contains(at(4_999)));
    }
}
