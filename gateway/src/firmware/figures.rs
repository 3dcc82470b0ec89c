//! What the firmware room counts, for `/metrics`.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::{Registry, Unit},
};

/// The counters. Cheap to clone: all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub(super) sent: Counter,
    pub(super) open: Gauge,
    pub(super) turned_away: Counter,
    pub(super) stalled: Counter,
}

impl Figures {
    /// Adds all of them to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("firmware");
        registry.register_with_unit(
            "sent",
            "Bytes of firmware sent to pumps",
            Unit::Bytes,
            self.sent.clone(),
        );
        registry.register("downloads_open", "Downloads under way", self.open.clone());
        registry.register(
            "downloads_turned_away",
            "Downloads asked to come later, because as many as are allowed were under way",
            self.turned_away.clone(),
        );
        registry.register(
            "downloads_stalled",
            "Downloads given up because the pump did not read",
            self.stalled.clone(),
        );
    }

    /// Bytes sent until now.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.sent.get()
    }

    /// Downloads under way.
    #[must_use]
    pub fn downloads_open(&self) -> i64 {
        self.open.get()
    }
}
