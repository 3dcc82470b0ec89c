//! How many connections an address may hold, and how many may be half open at once.
//!
//! A pump that is connected is limited by its identity: one connection each. What needs a limit is whoever has not
//! yet shown one, because a TLS handshake costs us more than it costs the caller.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use dashmap::DashMap;

use super::{endpoint::Limits, refusal::Refusal};

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
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            held: DashMap::new(),
            opening: AtomicUsize::new(0),
        })
    }

    /// Takes a place for a new connection, which is *opening* until [`Place::opened`].
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Place, Refusal> {
        if self.opening.fetch_add(1, Ordering::Relaxed) >= self.limits.opening {
            self.opening.fetch_sub(1, Ordering::Relaxed);
            return Err(Refusal::TooManyOpening);
        }
        let refused = {
            let mut held = self.held.entry(address).or_default();
            if held.open >= self.limits.connections_per_address {
                Some(Refusal::TooManyConnections)
            } else if held.opening >= self.limits.opening_per_address {
                Some(Refusal::TooManyOpening)
            } else {
                held.open += 1;
                held.opening += 1;
                None
            }
        };
        if let Some(refusal) = refused {
            self.opening.fetch_sub(1, Ordering::Relaxed);
            return Err(refusal);
        }
        Ok(Place {
            admission: self.clone(),
            address,
            opening: true,
        })
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
    /// The connection has a name now: it is no longer opening.
    pub(super) fn opened(&mut self) {
        if std::mem::take(&mut self.opening) {
            self.admission.opening.fetch_sub(1, Ordering::Relaxed);
            if let Some(mut held) = self.admission.held.get_mut(&self.address) {
                held.opening = held.opening.saturating_sub(1);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.opened();
        if let Some(mut held) = self.admission.held.get_mut(&self.address) {
            held.open = held.open.saturating_sub(1);
        }
        self.admission
            .held
            .remove_if(&self.address, |_, held| held.open == 0);
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

        first.opened();
        drop(elsewhere);
        let mut third = admission.enter(here).unwrap();
        third.opened();
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
}
