//! What people and chance do to a pump: the happenings of a hospital's day and night, and the interventions of a script.

use std::sync::Arc;

use chrono::{TimeDelta, Timelike};
use rand::{Rng, seq::IndexedRandom};
use wire::{Timestamp, types::Name};

use super::{
    Agenda, Alarm, Cause, Change, Course, Held, Life, Moment, Phase, Power, Rhythm, Servicing, Therapy,
    therapy::hours,
};
use crate::blueprint::PumpBlueprint;

/// Something that a script does to a pump.
#[derive(Debug, Clone, PartialEq)]
pub enum Intervention {
    /// Attaches a patient and starts; a held, used or switched-off pump refuses.
    StartInfusion { rate: f64, volume: f64 },
    /// A person ends the infusion and takes the patient off.
    StopInfusion,
    /// An alarm sounds; one that stops delivery pauses the infusion.
    Alarm(Alarm),
    /// The battery has this charge, percent, and the cable is out.
    Battery { percent: f64 },
    /// Somebody carries it there.
    Move { place: Name },
    /// Somebody switches it off and on. A pump in use ignores the key until it is free.
    PowerCycle,
}

impl Life {
    /// A pump as it is found on the first morning: in use, waiting at a bedside, or in storage.
    pub fn new(
        blueprint: Arc<PumpBlueprint>,
        rhythm: Rhythm,
        hold: Option<Held>,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Self {
        let mut life = Self {
            place: blueprint.location.clone(),
            blueprint,
            rhythm,
            now,
            agenda: Agenda::default(),
            phase: Phase::Ready,
            patient: false,
            power: Power {
                charge: rng.random_range(60.0..=100.0),
                mains: true,
            },
            radio: true,
            signal: -60.0,
            alarm: None,
            hold,
            restart_wanted: false,
            firmware: Servicing::default(),
            interruptions: 0,
        };
        // The hold of a pump that was switched off under a patient begins now: it starts without one.
        if let Some(hold) = &mut life.hold {
            hold.in_force = true;
        }
        life.plan(between(rng, 10, 720), Moment::RadioDrops);
        if rhythm == Rhythm::Hospital && !life.is_held() && rng.random_bool(0.45) {
            life.carry_to_a_bed(rng);
            life.patient = true;
            let mut course = Course::draw(rng);
            course.infused = course.volume * rng.random_range(0.0..0.9);
            life.begin(course, rng);
            life.plan(between(rng, 30, 40 * 60), Moment::Discharge);
            life.plan(between(rng, 1, 600), Moment::Unplug);
            life.power.mains = rng.random_bool(0.8);
        } else {
            life.plan_fetch(rng);
        }
        life.plan_physics();
        life
    }

    /// Lets time pass up to `now`, with all that happens on the way, in its order.
    pub fn step(&mut self, now: Timestamp, rng: &mut impl Rng) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Some((at, moment)) = self.agenda.take_due(now) {
            self.advance(at);
            changes.push(self.happen(moment, rng));
            self.plan_physics();
            self.settle(&mut changes);
        }
        self.advance(now);
        changes
    }

    /// Does something to the pump right now. What can not be done to it in its present state changes nothing.
    pub fn intervene(&mut self, what: Intervention, now: Timestamp, rng: &mut impl Rng) -> Vec<Change> {
        let mut changes = self.step(now, rng);
        let before = changes.len();
        match what {
            Intervention::StartInfusion { rate, volume } if self.is_free() && !self.is_out_of_use() => {
                for planned in [Moment::Fetch, Moment::Attach, Moment::Return] {
                    self.agenda.cancel(planned);
                }
                self.carry_to_a_bed(rng);
                self.patient = true;
                let therapy = if rate < 20.0 {
                    Therapy::Titrated
                } else {
                    Therapy::Maintenance
                };
                self.begin(Course::new(therapy, rate, volume), rng);
                self.plan(between(rng, 240, 40 * 60), Moment::Discharge);
            }
            Intervention::StopInfusion if self.patient => self.discharge(rng),
            Intervention::Alarm(alarm) if self.phase != Phase::Off => self.sound(alarm, rng),
            Intervention::Battery { percent } => {
                self.power.charge = if percent.is_finite() {
                    percent.clamp(0.0, 100.0)
                } else {
                    0.0
                };
                self.power.mains = false;
                self.plan(between(rng, 5, 60), Moment::PlugIn);
            }
            Intervention::Move { place } => self.carry_to(place, rng),
            Intervention::PowerCycle if self.phase == Phase::Off => {
                self.revive(rng);
                changes.push(Change::PowerOn);
            }
            Intervention::PowerCycle => {
                self.restart_wanted = true;
                self.settle(&mut changes);
                return changes;
            }
            // The pump is in no state for it.
            Intervention::StartInfusion { .. } | Intervention::StopInfusion | Intervention::Alarm(_) => {
                return changes;
            }
        }
        self.plan_physics();
        self.settle(&mut changes);
        if changes.len() == before {
            changes.push(Change::State);
        }
        changes
    }

    fn happen(&mut self, moment: Moment, rng: &mut impl Rng) -> Change {
        match moment {
            Moment::BatteryLow => self.alarm = self.alarm.or(Some(Alarm::BatteryLow)),
            Moment::BatteryEmpty => {
                self.go_dark(rng);
                return Change::PowerOff;
            }
            Moment::Revive => {
                self.revive(rng);
                return Change::PowerOn;
            }
            Moment::Unplug => {
                self.power.mains = false;
                self.plan(between(rng, 10, 40), Moment::PlugIn);
            }
            Moment::PlugIn => self.plug_in(rng),
            Moment::RadioDrops => {
                self.radio = false;
                self.plan(
                    TimeDelta::seconds(rng.random_range(10..=180)),
                    Moment::RadioReturns,
                );
                return Change::RadioDown;
            }
            Moment::RadioReturns => {
                self.radio = true;
                self.signal = signal(rng);
                self.plan(between(rng, 60, 1440), Moment::RadioDrops);
                return Change::RadioUp;
            }
            Moment::NearEnd
            | Moment::VolumeDone
            | Moment::Begin
            | Moment::Disturb
            | Moment::Resolve
            | Moment::Titrate
            | Moment::Respond => self.during_infusion(moment, rng),
            Moment::Fetch | Moment::Attach | Moment::NextDose | Moment::Discharge | Moment::Return => {
                self.around_infusion(moment, rng);
            }
        }
        Change::State
    }

    /// What was planned for a phase that has passed since does not happen.
    fn during_infusion(&mut self, moment: Moment, rng: &mut impl Rng) {
        match (moment, self.phase) {
            (Moment::NearEnd, Phase::Infusing(_)) => self.alarm = self.alarm.or(Some(Alarm::NearEnd)),
            (Moment::VolumeDone, Phase::Infusing(mut course)) => {
                course.infused = course.infused.max(course.volume);
                self.enter(Phase::Kvo(course), Cause::Plan);
                self.alarm = Some(Alarm::InfusionComplete);
                self.agenda.cancel(Moment::Disturb);
                self.agenda.cancel(Moment::Titrate);
                self.plan(between(rng, 1, 15), Moment::Respond);
            }
            (Moment::Begin, Phase::Starting(course)) | (Moment::Resolve, Phase::Paused(course)) => {
                self.begin(course, rng);
            }
            (Moment::Resolve, _) => self.alarm = None,
            (Moment::Disturb, Phase::Infusing(course)) => match rng.random_range(0..4) {
                0 => self.sound(Alarm::Occlusion, rng),
                1 => self.sound(Alarm::AirInLine, rng),
                _ => {
                    self.enter(Phase::Paused(course), Cause::Bedside);
                    self.plan(between(rng, 1, 10), Moment::Resolve);
                }
            },
            (Moment::Titrate, Phase::Infusing(mut course)) => {
                course.titrate(rng);
                self.phase = Phase::Infusing(course);
                self.plan(between(rng, 10, 60), Moment::Titrate);
            }
            (Moment::Respond, Phase::Kvo(_)) => {
                self.alarm = None;
                if rng.random_bool(0.6) {
                    self.start(rng);
                } else {
                    self.enter(Phase::Standby, Cause::Plan);
                    self.plan(between(rng, 30, 240), Moment::NextDose);
                }
            }
            _ => {}
        }
    }

    /// Likewise.
    fn around_infusion(&mut self, moment: Moment, rng: &mut impl Rng) {
        match (moment, self.phase) {
            (Moment::Fetch, Phase::Ready) => {
                // Few infusions start at night, and none on a pump that is held or updated.
                let night = !(6..22).contains(&self.now.hour());
                if self.is_out_of_use() || (night && rng.random_bool(0.75)) {
                    self.plan_fetch(rng);
                } else {
                    self.carry_to_a_bed(rng);
                    self.power.mains = false;
                    self.enter(Phase::Standby, Cause::Bedside);
                    self.plan(between(rng, 2, 10), Moment::Attach);
                }
            }
            (Moment::Attach, Phase::Standby) if self.is_out_of_use() => {
                self.plan(between(rng, 2, 20), Moment::Return);
            }
            (Moment::Attach, Phase::Standby) => {
                self.patient = true;
                self.start(rng);
                self.plan(between(rng, 240, 40 * 60), Moment::Discharge);
                self.plan(between(rng, 1, 10), Moment::PlugIn);
            }
            (Moment::NextDose, Phase::Standby) if self.patient => self.start(rng),
            (Moment::Discharge, _) if self.patient => self.discharge(rng),
            (Moment::Return, Phase::Standby) if !self.patient => {
                self.enter(Phase::Ready, Cause::Bedside);
                // Now and then a pump is left where it was last used, and not always at a socket.
                if rng.random_bool(0.9) {
                    self.carry_to(self.blueprint.location.clone(), rng);
                }
                if rng.random_bool(0.95) {
                    self.plug_in(rng);
                }
                self.plan_fetch(rng);
            }
            _ => {}
        }
    }

    /// Programmes the next infusion for the patient who is there.
    fn start(&mut self, rng: &mut impl Rng) {
        self.enter(Phase::Starting(Course::draw(rng)), Cause::Plan);
        self.plan(TimeDelta::seconds(rng.random_range(20..=90)), Moment::Begin);
    }

    /// Delivery starts, or goes on.
    fn begin(&mut self, course: Course, rng: &mut impl Rng) {
        if self.alarm.is_some_and(Alarm::stops_delivery) {
            self.alarm = None;
        }
        self.enter(Phase::Infusing(course), Cause::Plan);
        self.plan(exponential(rng, 3.0), Moment::Disturb);
        if course.therapy == Therapy::Titrated {
            self.plan(between(rng, 10, 60), Moment::Titrate);
        }
    }

    fn sound(&mut self, alarm: Alarm, rng: &mut impl Rng) {
        self.alarm = Some(alarm);
        if alarm.stops_delivery()
            && let Phase::Infusing(course) | Phase::Kvo(course) = self.phase
        {
            self.enter(Phase::Paused(course), Cause::Alarm);
        }
        self.plan(TimeDelta::seconds(rng.random_range(30..=360)), Moment::Resolve);
    }

    fn discharge(&mut self, rng: &mut impl Rng) {
        for planned in [
            Moment::Begin,
            Moment::Disturb,
            Moment::Resolve,
            Moment::Titrate,
            Moment::Respond,
            Moment::NextDose,
            Moment::Discharge,
        ] {
            self.agenda.cancel(planned);
        }
        self.enter(Phase::Standby, Cause::Bedside);
        self.patient = false;
        self.alarm = None;
        self.plan(between(rng, 5, 40), Moment::Return);
    }

    /// The battery is empty; its alarm has sounded for an hour or more.
    fn go_dark(&mut self, rng: &mut impl Rng) {
        self.enter(Phase::Off, Cause::Alarm);
        self.patient = false;
        self.alarm = None;
        self.agenda = Agenda::default();
        self.plan(between(rng, 10, 60), Moment::Revive);
    }

    /// Somebody finds it dark, brings it home and switches it on.
    fn revive(&mut self, rng: &mut impl Rng) {
        self.phase = Phase::Ready;
        self.radio = true;
        self.plug_in(rng);
        self.carry_to(self.blueprint.location.clone(), rng);
        self.plan(between(rng, 60, 1440), Moment::RadioDrops);
        self.plan_fetch(rng);
    }

    fn plug_in(&mut self, rng: &mut impl Rng) {
        self.power.mains = true;
        if self.alarm == Some(Alarm::BatteryLow) {
            self.alarm = None;
        }
        if self.patient && !self.agenda.has(Moment::Unplug) {
            self.plan(exponential(rng, 8.0), Moment::Unplug);
        }
    }

    fn plan_fetch(&mut self, rng: &mut impl Rng) {
        self.plan(exponential(rng, 1.5), Moment::Fetch);
    }

    /// To a bed of its own care area, as the access point there is called.
    fn carry_to_a_bed(&mut self, rng: &mut impl Rng) {
        let bed = [1, 2, 3, 4].choose(rng).copied().unwrap_or(1);
        let name = format!("{} AP-{bed}", self.blueprint.care_area);
        let place = Name::new(&name).unwrap_or_else(|_| self.blueprint.care_area.clone());
        self.carry_to(place, rng);
    }

    fn carry_to(&mut self, place: Name, rng: &mut impl Rng) {
        self.place = place;
        self.signal = signal(rng);
    }
}

/// What an access point's signal is like somewhere on a ward, dBm.
fn signal(rng: &mut impl Rng) -> f64 {
    rng.random_range(-78.0_f64..=-48.0).round()
}

/// Some time between two numbers of minutes.
fn between(rng: &mut impl Rng, least: i64, most: i64) -> TimeDelta {
    TimeDelta::seconds(rng.random_range(least * 60..=most * 60))
}

/// A wait whose end has no memory, with this mean in hours; never below a minute.
fn exponential(rng: &mut impl Rng, mean: f64) -> TimeDelta {
    let draw: f64 = rng.random_range(f64::EPSILON..1.0);
    hours((-mean * draw.ln()).max(1.0 / 60.0))
}
