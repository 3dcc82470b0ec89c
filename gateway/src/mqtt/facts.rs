//! Which facts about connections are still worth keeping while they wait.
//!
//! Nobody waits for a fact, so facts pile up while the record can not be written, and each pump that reconnects
//! meanwhile adds some. Only how things stand now matters then: of each pump the newest beginning, the end after it,
//! and what it listens to. So what waits is bounded by the number of pumps, however long it waits.

use std::collections::{HashMap, HashSet};

use fleet::{
    id::{OrderId, PumpId},
    pump::Takeover,
};
use wire::topic::Channel;

use super::Inbound;

/// Drops the facts that newer ones have overtaken. `newest_first` are batches; what is in each is oldest first, and
/// what is left stays in its order. What pumps said is not touched.
pub(super) fn thin<'a>(newest_first: impl Iterator<Item = &'a mut Vec<Inbound>>) {
    let mut newer = Newer::default();
    for batch in newest_first {
        batch.reverse();
        batch.retain(|item| newer.leaves(item));
        batch.reverse();
    }
}

/// What was seen so far, looking back from the newest fact.
#[derive(Default)]
struct Newer {
    pumps: HashMap<PumpId, Line>,
    delivered: HashSet<OrderId>,
}

/// What was seen of one pump.
#[derive(Default)]
struct Line {
    began: bool,
    ended: bool,
    two_places: bool,
    listens: Vec<Channel>,
}

impl Newer {
    /// Whether something still matters beside all that is newer.
    fn leaves(&mut self, item: &Inbound) -> bool {
        match item {
            Inbound::Presence { .. }
            | Inbound::Telemetry { .. }
            | Inbound::Report { .. }
            | Inbound::UnreadableReport { .. } => true,
            Inbound::OrderDelivered { order, .. } => self.delivered.insert(*order),
            Inbound::Connected { pump, takeover, .. } => {
                let line = self.pumps.entry(*pump).or_default();
                // That a certificate came from two places is an alarm, which no reconnect may undo.
                let alarm =
                    *takeover == Some(Takeover::TwoPlaces) && !std::mem::replace(&mut line.two_places, true);
                !std::mem::replace(&mut line.began, true) || alarm
            }
            Inbound::Disconnected { pump, .. } => {
                let line = self.pumps.entry(*pump).or_default();
                !std::mem::replace(&mut line.ended, true) && !line.began
            }
            Inbound::Ready { pump, channel, .. } => {
                let line = self.pumps.entry(*pump).or_default();
                let matters = !line.began && !line.ended && !line.listens.contains(channel);
                if matters {
                    line.listens.push(*channel);
                }
                matters
            }
        }
    }
}
