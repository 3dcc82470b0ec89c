//! Pumps that get no firmware for now: they came into use while they download, and the hospital wants no downloads then (S3).
//!
//! The loop of rollouts says which; whoever serves firmware asks before each piece. A pump that is cut off goes on from where it
//! was when it is free again: that is what ranges are for.

use std::{collections::BTreeSet, sync::Arc};

use arc_swap::ArcSwap;
use fleet::id::PumpId;

/// Which pumps rest. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct Resting(Arc<ArcSwap<BTreeSet<PumpId>>>);

impl Resting {
    /// From now on these, and no others.
    pub fn set(&self, pumps: BTreeSet<PumpId>) {
        if **self.0.load() != pumps {
            self.0.store(Arc::new(pumps));
        }
    }

    /// Whether a pump gets nothing now.
    #[must_use]
    pub fn rests(&self, pump: PumpId) -> bool {
        self.0.load().contains(&pump)
    }
}
