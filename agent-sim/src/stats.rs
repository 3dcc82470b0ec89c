//! What a fleet has done, in figures.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

macro_rules! figures {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        /// The figures of one moment.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
        pub struct Stats {$(
            $(#[$meta])*
            pub $name: u64,
        )+}

        /// The same figures, while they are being counted by every pump at once.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {$(
            pub(crate) $name: Counter,
        )+}

        impl Counters {
            pub(crate) fn read(&self) -> Stats {
                Stats {$( $name: self.$name.0.load(Ordering::Relaxed), )+}
            }
        }
    };
}

figures! {
    /// Pumps of the fleet.
    pumps,
    /// Pumps that hold a certificate.
    enrolled,
    /// Pumps that are connected now.
    connected,
    /// Pumps that gave up: their state directory can not be used.
    failed,
    /// Enrolments and renewals that were refused.
    refused,
    /// Connections that were made, and that were lost or could not be made.
    connections,
    connections_lost,
    /// Certificates that were renewed.
    renewed,
    /// Reports sent, repetitions included, and those that the gateway has.
    reports_sent,
    reports_acked,
    /// Telemetry sent, acknowledged as stored, and turned down.
    telemetry_sent,
    telemetry_acked,
    telemetry_turned_down,
    /// Orders received that were new, and answers given that are final.
    orders,
    orders_done,
    /// Updates: files in the other slot, activations, proofs given, returns to the old firmware, tickets and files refused.
    updates_staged,
    updates_activated,
    updates_proved,
    updates_rolled_back,
    updates_refused,
    /// Messages from the gateway that do not keep to the contract.
    unreadable,
    /// Infusions ended by anything but their plan, a person or an alarm. Anything but 0 is a fault.
    therapy_interruptions,
}

/// One figure.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    /// One more until the guard is dropped.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.one();
        Held(self)
    }
}

/// Counts one for as long as it lives, whichever way its owner ends.
pub(crate) struct Held<'a>(&'a Counter);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_figure_goes_down_again() {
        let counters = Counters::default();
        {
            let _first = counters.connected.hold();
            let _second = counters.connected.hold();
            assert_eq!(counters.read().connected, 2);
        }
        counters.reports_sent.add(3);
        assert_eq!(
            counters.read(),
            Stats {
                reports_sent: 3,
                ..Stats::default()
            }
        );
    }
}
