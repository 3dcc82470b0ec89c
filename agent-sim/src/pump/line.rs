//! The sending half of a connection, with a note of what is on its way.

use std::collections::{HashMap, VecDeque};

use wire::topic::Channel;

use crate::{link::Sender, stats::Counters};

/// Messages that went out or wait, by what they are.
pub(super) struct Line {
    sender: Sender,
    waiting: VecDeque<Channel>,
    under_way: HashMap<u16, Channel>,
}

impl Line {
    pub(super) fn new(sender: Sender) -> Self {
        Self {
            sender,
            waiting: VecDeque::new(),
            under_way: HashMap::new(),
        }
    }

    /// Hands a message over; false when the line is full.
    pub(super) fn publish(&mut self, channel: Channel, payload: Vec<u8>) -> bool {
        let fits = self.sender.publish(channel, payload);
        if fits {
            self.waiting.push_back(channel);
        }
        fits
    }

    pub(super) fn subscribe(&self) -> bool {
        self.sender.subscribe()
    }

    pub(super) fn disconnect(&self) -> bool {
        self.sender.disconnect()
    }

    /// The first that waits went out.
    pub(super) fn sent(&mut self, packet: u16, counters: &Counters) {
        if let Some(channel) = self.waiting.pop_front() {
            match channel {
                Channel::Telemetry => counters.telemetry_sent.one(),
                Channel::Report => counters.reports_sent.one(),
                Channel::Presence | Channel::Order | Channel::Ack | Channel::Time => {}
            }
            self.under_way.insert(packet, channel);
        }
    }

    /// MQTT's acknowledgement: for telemetry it means stored; a report waits for more than that.
    pub(super) fn acknowledged(&mut self, packet: u16, taken: bool, counters: &Counters) {
        if self.under_way.remove(&packet) == Some(Channel::Telemetry) {
            if taken {
                counters.telemetry_acked.one();
            } else {
                counters.telemetry_turned_down.one();
            }
        }
    }
}
