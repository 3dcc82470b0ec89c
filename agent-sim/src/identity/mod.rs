//! Who a pump is: a key that it made itself and that never leaves it, and the certificate it got for it.

mod est;
mod keys;
mod pkcs7;
mod state_dir;
mod trust;

pub use est::{EstClient, EstError, Issued};
pub use keys::{IdentityError, new_key, signing_request};
pub use pkcs7::{Pkcs7Error, certificates};
pub use state_dir::{Slot, StateDir, StateDirError};
pub use trust::{Trust, TrustError};

use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use wire::{PumpId, Timestamp};

/// A key with its certificate.
#[derive(Debug)]
pub struct Identity {
    /// From the certificate's common name.
    pub id: PumpId,
    /// The pump's certificate, then what leads from it towards the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its debug form does not show it.
    pub key: PrivatePkcs8KeyDer<'static>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// When to renew: two thirds into the life, up to 5 % of it earlier or later, so that a fleet enrolled on one day does
/// not renew in one hour. `spread` is in 0..=1, drawn once per certificate.
#[must_use]
pub fn renewal_at(not_before: Timestamp, not_after: Timestamp, spread: f64) -> Timestamp {
    not_before
        + share_of_life(
            not_before,
            not_after,
            2.0 / 3.0 + (spread.clamp(0.0, 1.0) - 0.5) / 10.0,
        )
}

/// How long to wait after a renewal that failed: a twenty-fifth of the life, and at least ten seconds.
#[must_use]
pub fn renewal_retry(not_before: Timestamp, not_after: Timestamp) -> chrono::TimeDelta {
    share_of_life(not_before, not_after, 0.04).max(chrono::TimeDelta::seconds(10))
}

fn share_of_life(not_before: Timestamp, not_after: Timestamp, share: f64) -> chrono::TimeDelta {
    let life = not_after
        .signed_duration_since(not_before)
        .to_std()
        .unwrap_or_default();
    chrono::TimeDelta::from_std(life.mul_f64(share)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn renewal_is_at_two_thirds_give_or_take_a_twentieth() {
        let start = Timestamp::UNIX_EPOCH;
        let end = start + TimeDelta::days(90);
        let day = |spread| (renewal_at(start, end, spread) - start).num_minutes();
        let minutes = |days: f64| format!("{:.0}", days * 1440.0).parse::<i64>().unwrap();
        for (spread, days) in [(0.0, 55.5), (0.5, 60.0), (1.0, 64.5), (9.0, 64.5)] {
            assert!((day(spread) - minutes(days)).abs() <= 1, "{spread}");
        }
        assert_eq!(renewal_retry(start, end).num_hours(), 86);
        assert_eq!(renewal_retry(end, start), TimeDelta::seconds(10));
    }
}
