//! What is going to happen to a pump, and when. At most one of each kind is planned.

use wire::Timestamp;

/// Something that will happen. The order decides between two that are due at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// The battery reaches its warning level, or runs out.
    BatteryLow,
    BatteryEmpty,
    /// The bag is nearly empty, or done.
    NearEnd,
    VolumeDone,
    /// Somebody fetches the pump for a patient; connects it; the first drop flows.
    Fetch,
    Attach,
    Begin,
    /// Somebody pauses it, or the line does. Then it is put right.
    Disturb,
    Resolve,
    /// A rate is changed, a nurse comes to a finished bag, the next dose is hung.
    Titrate,
    Respond,
    NextDose,
    /// The patient no longer needs it; it is brought back; it is switched on again.
    Discharge,
    Return,
    Revive,
    /// The cable goes out and in.
    Unplug,
    PlugIn,
    /// The radio loses its access point, and finds it again.
    RadioDrops,
    RadioReturns,
}

impl Moment {
    /// Follows from physics, not from what people do: it happens even to a pump that nobody touches.
    pub(super) const fn is_physical(self) -> bool {
        matches!(
            self,
            Self::BatteryLow | Self::BatteryEmpty | Self::NearEnd | Self::VolumeDone
        )
    }
}

/// A short list, soonest last, so that the next one comes off the end.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Agenda(Vec<(Timestamp, Moment)>);

impl Agenda {
    /// Plans a moment; an earlier plan for the same kind is forgotten.
    pub(super) fn plan(&mut self, at: Timestamp, moment: Moment) {
        self.cancel(moment);
        let place = self.0.partition_point(|planned| *planned > (at, moment));
        self.0.insert(place, (at, moment));
    }

    pub(super) fn cancel(&mut self, moment: Moment) {
        self.0.retain(|(_, planned)| *planned != moment);
    }

    pub(super) fn has(&self, moment: Moment) -> bool {
        self.0.iter().any(|(_, planned)| *planned == moment)
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.last().map(|(at, _)| *at)
    }

    /// Takes the next moment, if it is due.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<(Timestamp, Moment)> {
        self.0.pop_if(|(at, _)| *at <= now)
    }
}
