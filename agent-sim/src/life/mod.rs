//! What happens to a pump: patients come and go, bags run dry, lines occlude, cables are pulled, somebody takes it to
//! another ward.
//!
//! A pure state machine. Time and randomness come in; randomness is used only when something happens, so the same seed
//! gives the same life whether it is stepped every second or every hour. Between two happenings everything is linear:
//! volume, battery and time are brought forward exactly.

mod agenda;
mod hold;
mod people;
mod sample;

mod therapy;

pub use hold::{Held, HoldAnswer};
pub use people::Intervention;
pub use sample::Sample;
pub use therapy::{Course, KVO_RATE, Therapy};

use std::sync::Arc;

use chrono::TimeDelta;
use wire::{
    OrderId, Timestamp,
    types::{Activity, Name},
};

use crate::{blueprint::PumpBlueprint, firmware::Safety};
use agenda::{Agenda, Moment};
use therapy::{hours, in_hours};

/// An alarm that sounds at the pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    Occlusion,
    AirInLine,
    NearEnd,
    InfusionComplete,
    BatteryLow,
}

impl Alarm {
    /// Every alarm.
    pub const ALL: [Self; 5] = [
        Self::Occlusion,
        Self::AirInLine,
        Self::NearEnd,
        Self::InfusionComplete,
        Self::BatteryLow,
    ];

    /// The word in telemetry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Occlusion => "occlusion",
            Self::AirInLine => "air_in_line",
            Self::NearEnd => "near_end",
            Self::InfusionComplete => "infusion_complete",
            Self::BatteryLow => "battery_low",
        }
    }

    /// Whether the pump stops by itself when it sounds.
    #[must_use]
    pub const fn stops_delivery(self) -> bool {
        match self {
            Self::Occlusion | Self::AirInLine => true,
            Self::NearEnd | Self::InfusionComplete | Self::BatteryLow => false,
        }
    }
}

/// What the pump is doing, with the infusion it is doing it with.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Off,
    Ready,
    Standby,
    Starting(Course),
    Infusing(Course),
    Kvo(Course),
    Paused(Course),
}

impl Phase {
    const fn activity(self) -> Option<Activity> {
        match self {
            Self::Off => None,
            Self::Ready => Some(Activity::Ready),
            Self::Standby => Some(Activity::Standby),
            Self::Starting(_) => Some(Activity::Transitioning),
            Self::Infusing(_) => Some(Activity::Infusing),
            Self::Kvo(_) => Some(Activity::Kvo),
            Self::Paused(_) => Some(Activity::Paused),
        }
    }

    const fn course(self) -> Option<Course> {
        match self {
            Self::Off | Self::Ready | Self::Standby => None,
            Self::Starting(course) | Self::Infusing(course) | Self::Kvo(course) | Self::Paused(course) => {
                Some(course)
            }
        }
    }
}

/// Why the pump goes from one phase to another. Only the last three could interrupt a therapy, and they must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The infusion's own programme.
    Plan,
    /// A person at the bedside.
    Bedside,
    /// The pump's own alarm, an empty battery included.
    Alarm,
    /// An order from the gateway.
    Order,
    /// A restart.
    Restart,
    /// New firmware starts.
    Update,
}

impl Cause {
    const fn may_end_therapy(self) -> bool {
        match self {
            Self::Plan | Self::Bedside | Self::Alarm => true,
            Self::Order | Self::Restart | Self::Update => false,
        }
    }
}

/// What the firmware makes of the pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Servicing {
    /// It may be used.
    #[default]
    InService,
    /// Between two starts: neither use nor network.
    Restarting,
    /// On trial: no use before the checks are done.
    OnTrial,
}

/// Something changed that others want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The state that telemetry carries.
    State,
    /// A hold began; these orders are owed a `done`.
    HoldBegan(Vec<OrderId>),
    /// The pump went off: it has no network any more.
    PowerOff,
    /// It starts.
    PowerOn,
    /// The radio lost its access point.
    RadioDown,
    /// It is back.
    RadioUp,
}

/// Whether people and chance act on a pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rhythm {
    /// A hospital's day and night.
    #[default]
    Hospital,
    /// Nothing happens but what is asked for: for tests that set the scene themselves.
    Still,
}

/// Where the current comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Power {
    /// Of the battery, percent, 0 to 100.
    charge: f64,
    mains: bool,
}

/// Charge in percent per hour: at the mains, on battery with the motor running, on battery without.
const CHARGE: f64 = 25.0;
const DRAIN_RUNNING: f64 = 14.0;
const DRAIN_IDLE: f64 = 6.0;
/// The charge at which the pump warns, percent.
const BATTERY_WARNS: f64 = 20.0;
/// The bag is nearly empty this long before it is.
const NEAR_END: TimeDelta = TimeDelta::minutes(10);

/// The life of one pump.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    blueprint: Arc<PumpBlueprint>,
    rhythm: Rhythm,
    /// Everything is as it was at this moment.
    now: Timestamp,
    agenda: Agenda,
    phase: Phase,
    patient: bool,
    power: Power,
    radio: bool,
    /// dBm at the present place.
    signal: f64,
    place: Name,
    alarm: Option<Alarm>,
    hold: Option<Held>,
    restart_wanted: bool,
    firmware: Servicing,
    interruptions: u64,
}

impl Life {
    /// When the next thing will happen, if nobody intervenes.
    #[must_use]
    pub fn next_moment(&self) -> Option<Timestamp> {
        self.agenda.next()
    }

    /// Infusions that were ended by anything but their own plan, a person at the bedside, or an alarm. Always 0, or something is wrong.
    #[must_use]
    pub const fn therapy_interruptions(&self) -> u64 {
        self.interruptions
    }

    /// Switched on, and in reach of an access point.
    #[must_use]
    pub fn reachable(&self) -> bool {
        self.radio && self.phase != Phase::Off && self.firmware != Servicing::Restarting
    }

    /// Switched on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.phase != Phase::Off
    }

    /// What the firmware decides from, whether it may restart the pump.
    pub(crate) fn safety(&self) -> Safety {
        Safety {
            free: self.is_on() && self.is_free(),
            mains: self.power.mains,
            charge: self.power.charge,
            hold: self.hold.as_ref().map(|hold| hold.kind),
        }
    }

    /// The firmware takes the pump out of use, or gives it back.
    pub(crate) fn mind_firmware(&mut self, firmware: Servicing) {
        let before = self.phase;
        // Nobody asks what runs: a restart ends it, and the account below sees that.
        if firmware == Servicing::Restarting && self.firmware != firmware && before.course().is_some() {
            self.phase = Phase::Ready;
        }
        self.firmware = firmware;
        self.account(before, Cause::Update);
    }

    /// Ready or standby without a patient: the only time a hold may begin.
    #[must_use]
    pub fn is_free(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Standby) && !self.patient
    }

    /// The hold, begun or not.
    #[must_use]
    pub const fn hold(&self) -> Option<&Held> {
        self.hold.as_ref()
    }

    /// Brings time forward to the moment and carries continuous quantities along.
    fn advance(&mut self, to: Timestamp) {
        let span = in_hours(to.signed_duration_since(self.now));
        self.power.charge = (self.power.charge + self.charge_per_hour() * span).clamp(0.0, 100.0);
        match &mut self.phase {
            Phase::Infusing(course) => {
                course.infused = (course.infused + course.rate * span).min(course.volume);
            }
            Phase::Kvo(course) => course.infused += KVO_RATE * span,
            Phase::Off | Phase::Ready | Phase::Standby | Phase::Starting(_) | Phase::Paused(_) => {}
        }
        self.now = self.now.max(to);
    }

    fn charge_per_hour(&self) -> f64 {
        match self.phase {
            _ if self.power.mains => CHARGE,
            Phase::Off => 0.0,
            Phase::Infusing(_) | Phase::Kvo(_) => -DRAIN_RUNNING,
            Phase::Ready | Phase::Standby | Phase::Starting(_) | Phase::Paused(_) => -DRAIN_IDLE,
        }
    }

    /// The way from phase to phase.
    fn enter(&mut self, phase: Phase, cause: Cause) {
        let before = std::mem::replace(&mut self.phase, phase);
        self.account(before, cause);
    }

    /// Looks at what something did to the infusion that ran before it, whatever it meant to do.
    fn account(&mut self, before: Phase, cause: Cause) {
        let delivers = |phase: Phase| matches!(phase, Phase::Infusing(_) | Phase::Kvo(_));
        let ended = before.course().is_some() && self.phase.course().is_none();
        let stopped = delivers(before) && !delivers(self.phase);
        if (ended || stopped) && !cause.may_end_therapy() {
            self.interruptions += 1;
        }
    }

    fn plan(&mut self, after: TimeDelta, moment: Moment) {
        if self.rhythm == Rhythm::Hospital || moment.is_physical() {
            self.agenda.plan(self.now + after, moment);
        }
    }

    /// Plans what follows from rate and charge, after either changed.
    fn plan_physics(&mut self) {
        for moment in [
            Moment::NearEnd,
            Moment::VolumeDone,
            Moment::BatteryLow,
            Moment::BatteryEmpty,
        ] {
            self.agenda.cancel(moment);
        }
        if let Phase::Infusing(course) = self.phase {
            let left = course.time_left();
            self.plan(left, Moment::VolumeDone);
            // A second's grace, or rounding would bring the same moment back at once.
            if left > NEAR_END + TimeDelta::seconds(1) {
                self.plan(left - NEAR_END, Moment::NearEnd);
            }
        }
        let drain = -self.charge_per_hour();
        if drain > 0.0 {
            self.plan(hours(self.power.charge / drain), Moment::BatteryEmpty);
            if self.power.charge > BATTERY_WARNS + 0.01 {
                self.plan(
                    hours((self.power.charge - BATTERY_WARNS) / drain),
                    Moment::BatteryLow,
                );
            }
        }
    }

    /// A hold that waited begins if the pump has become free; so does a restart.
    fn settle(&mut self, changes: &mut Vec<Change>) {
        let before = self.phase;
        if !self.is_free() {
            return;
        }
        if let Some(hold) = &mut self.hold
            && !hold.in_force
        {
            hold.in_force = true;
            changes.push(Change::HoldBegan(std::mem::take(&mut hold.waiting)));
            self.account(before, Cause::Order);
        }
        if std::mem::take(&mut self.restart_wanted) {
            self.account(before, Cause::Restart);
            changes.extend([Change::PowerOff, Change::PowerOn]);
        }
    }

    /// Nobody may begin an infusion with it.
    fn is_out_of_use(&self) -> bool {
        self.is_held() || self.firmware != Servicing::InService
    }

    fn is_held(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.in_force)
    }

    /// Orders the pump to be held. A pump with a patient goes on, and is held when it is free.
    pub fn order_hold(
        &mut self,
        order: OrderId,
        kind: wire::types::HoldKind,
        reason: wire::types::Reason,
    ) -> HoldAnswer {
        let before = self.phase;
        let in_force = self.is_free() || self.is_held();
        let mut waiting = self.hold.take().map(|hold| hold.waiting).unwrap_or_default();
        if !in_force {
            waiting.push(order);
        }
        self.hold = Some(Held {
            kind,
            reason,
            in_force,
            waiting,
        });
        self.account(before, Cause::Order);
        if in_force {
            HoldAnswer::Done
        } else {
            HoldAnswer::WhenFree
        }
    }

    /// Ends a hold, if there is one.
    pub fn order_release(&mut self) -> HoldAnswer {
        let never_began = self.hold.take().map(|hold| hold.waiting).unwrap_or_default();
        HoldAnswer::Released { never_began }
    }
}

#[cfg(test)]
mod tests;
