//! What the endpoint counts, for `/metrics`.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use wire::topic::Channel;

use super::refusal::Refusal;

type Label = [(&'static str, &'static str); 1];
type RefusalLabels = [(&'static str, &'static str); 2];

/// The counters of the pump endpoint. Cheap to clone: all clones count together.
#[derive(Debug, Clone)]
pub struct Counters {
    connections: Gauge,
    connects: Family<Label, Counter>,
    messages: Family<Label, Counter>,
    delayed: Family<Label, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    orders_delivered: Counter,
    batches: Counter,
    batches_failed: Counter,
    // The counters of the busy path, looked up once.
    presence: Counter,
    telemetry: Counter,
    report: Counter,
}

impl Default for Counters {
    fn default() -> Self {
        let messages = Family::<Label, Counter>::default();
        let of = |channel: Channel| messages.get_or_create(&[("channel", channel.as_str())]).clone();
        Self {
            presence: of(Channel::Presence),
            telemetry: of(Channel::Telemetry),
            report: of(Channel::Report),
            connections: Gauge::default(),
            connects: Family::default(),
            messages,
            delayed: Family::default(),
            refusals: Family::default(),
            orders_delivered: Counter::default(),
            batches: Counter::default(),
            batches_failed: Counter::default(),
        }
    }
}

impl Counters {
    /// Adds all of them to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("pump_endpoint");
        registry.register("connections", "Pumps connected now", self.connections.clone());
        registry.register("connects", "Accepted CONNECTs by protocol", self.connects.clone());
        registry.register("messages", "Messages taken by channel", self.messages.clone());
        registry.register(
            "messages_delayed",
            "Messages by channel that had to wait because their pump said more than it may",
            self.delayed.clone(),
        );
        registry.register("refusals", "Refusals by stage and reason", self.refusals.clone());
        registry.register(
            "orders_delivered",
            "Orders acknowledged by pumps",
            self.orders_delivered.clone(),
        );
        registry.register(
            "batches",
            "Batches handed over to be stored",
            self.batches.clone(),
        );
        registry.register(
            "batches_failed",
            "Batches that were not stored",
            self.batches_failed.clone(),
        );
    }

    /// Refusals of one kind so far; the kind is the refusal's stage and label.
    #[must_use]
    pub fn refused(&self, refusal: &Refusal) -> u64 {
        self.refusals.get_or_create(&labels(refusal)).get()
    }

    /// Messages taken on a channel so far.
    #[must_use]
    pub fn messages(&self, channel: Channel) -> u64 {
        self.of(channel).map_or(0, Counter::get)
    }

    /// Messages on a channel so far that had to wait, because their pump said more than it may.
    #[must_use]
    pub fn delayed(&self, channel: Channel) -> u64 {
        self.delayed.get_or_create(&[("channel", channel.as_str())]).get()
    }

    pub(super) fn count_delayed(&self, channel: Channel) {
        self.delayed.get_or_create(&[("channel", channel.as_str())]).inc();
    }

    pub(super) fn count_refusal(&self, refusal: &Refusal) {
        self.refusals.get_or_create(&labels(refusal)).inc();
    }

    pub(super) fn count_message(&self, channel: Channel) {
        if let Some(counter) = self.of(channel) {
            counter.inc();
        }
    }

    pub(super) fn count_connect(&self, protocol: &'static str) {
        self.connects.get_or_create(&[("protocol", protocol)]).inc();
        self.connections.inc();
    }

    pub(super) fn count_disconnect(&self) {
        self.connections.dec();
    }

    pub(super) fn count_order_delivered(&self) {
        self.orders_delivered.inc();
    }

    pub(super) fn count_batch(&self, stored: bool) {
        self.batches.inc();
        if !stored {
            self.batches_failed.inc();
        }
    }

    const fn of(&self, channel: Channel) -> Option<&Counter<u64, AtomicU64>> {
        match channel {
            Channel::Presence => Some(&self.presence),
            Channel::Telemetry => Some(&self.telemetry),
            Channel::Report => Some(&self.report),
            Channel::Order | Channel::Ack | Channel::Time => None,
        }
    }
}

fn labels(refusal: &Refusal) -> RefusalLabels {
    [("stage", refusal.stage().as_str()), ("reason", refusal.as_str())]
}

#[cfg(test)]
mod tests {
    use wire::policy::Denial;

    use super::*;

    #[test]
    fn refusals_are_told_apart_by_stage_and_reason() {
        let counters = Counters::default();
        let mut registry = Registry::default();
        counters.register(&mut registry);
        counters.count_refusal(&Refusal::Publish(Denial::ForeignPump));
        counters.count_refusal(&Refusal::Subscribe(Denial::ForeignPump));
        counters.count_message(Channel::Telemetry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "pump_endpoint_refusals_total{stage=\"publish\",reason=\"foreign_pump\"} 1",
            "pump_endpoint_refusals_total{stage=\"subscribe\",reason=\"foreign_pump\"} 1",
            "pump_endpoint_messages_total{channel=\"telemetry\"} 1",
            "pump_endpoint_messages_total{channel=\"report\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
