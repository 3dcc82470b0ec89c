//! The vulnerabilities that are open on a pump, for filters and rollouts.

use std::collections::{BTreeSet, HashMap};

use fleet::{pump::Pump, signature::Digest, text::AdvisoryId};
use store::{Db, PumpListing, StoreError};

use super::set;

/// What is open, by version set.
#[derive(Debug, Default)]
pub(crate) struct Open(HashMap<Digest, BTreeSet<AdvisoryId>>);

impl Open {
    /// What is open for these pumps.
    pub(crate) fn read(db: &mut Db<'_>, listings: &[PumpListing]) -> Result<Self, StoreError> {
        let sets: BTreeSet<_> = listings
            .iter()
            .map(|listing| set::id(listing.pump.model, &listing.pump.components))
            .collect();
        let sets: Vec<_> = sets.into_iter().collect();
        let mut open: HashMap<_, BTreeSet<_>> = HashMap::new();
        for (set, vulnerability) in db.exposure_open_of(&sets)? {
            // Both kinds of ids hold 64 characters.
            if let Ok(id) = AdvisoryId::new(&vulnerability) {
                open.entry(set).or_default().insert(id);
            }
        }
        Ok(Self(open))
    }

    /// What is open on a pump.
    pub(crate) fn on(&self, pump: &Pump) -> BTreeSet<AdvisoryId> {
        let set = set::id(pump.model, &pump.components);
        self.0.get(&set).cloned().unwrap_or_default()
    }
}
