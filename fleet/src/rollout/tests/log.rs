//! What a person reads of a world.

use std::fmt::Write;

use uuid::Uuid;

use super::world::World;
use crate::rollout::{Step, Subject};

impl World {
    pub(super) fn note(&mut self, text: &str) {
        writeln!(self.log, "── {text}").unwrap();
    }

    /// One turn of the loop: plans, writes down what is done and what waits, and carries it out. Carried out twice it changes
    /// nothing, and planned again it says none of it again.
    pub(super) fn turn(&mut self) {
        let plan = self.plan();
        assert_eq!(plan, self.plan(), "planning twice gives the same");
        writeln!(self.log, "{}", self.now.format("%a %H:%M")).unwrap();
        for step in &plan.steps {
            let line = name_step(step);
            writeln!(self.log, "  does  {line}").unwrap();
        }
        for waiting in &plan.waiting {
            writeln!(self.log, "  waits {}: {}", name(&waiting.who), waiting.what).unwrap();
        }
        for step in &plan.steps {
            assert!(self.execute(step), "{step:?}");
            assert!(!self.execute(step), "carried out twice: {step:?}");
        }
        let again = self.plan();
        for step in &plan.steps {
            assert!(!again.steps.contains(step), "planned twice: {step:?}");
        }
    }

    pub(super) fn states(&mut self) {
        let mut line = String::from("  now  ");
        for rollout in &self.snapshot.rollouts {
            write!(
                line,
                " rollout {}: {};",
                last_digits(rollout.id.as_uuid()),
                rollout.state.as_str()
            )
            .unwrap();
            for wave in &rollout.waves {
                write!(line, " wave {}: {};", wave.number, wave.state.as_str()).unwrap();
                for assignment in &wave.assignments {
                    let pump = last_digits(assignment.pump.as_uuid());
                    write!(line, " pump {pump}: {}", assignment.state.as_str()).unwrap();
                    if self
                        .snapshot
                        .pumps
                        .get(&assignment.pump)
                        .is_some_and(|pump| pump.hold.is_some())
                    {
                        line.push_str(" (held)");
                    }
                    line.push(';');
                }
            }
        }
        writeln!(self.log, "{}", line.trim_end_matches(';')).unwrap();
    }
}

fn last_digits(uuid: Uuid) -> u128 {
    uuid.as_u128() % 1000
}

fn name(who: &Subject) -> String {
    match who {
        Subject::Rollout(id) => format!("rollout {}", last_digits(id.as_uuid())),
        Subject::Wave(id) => format!("wave {}", last_digits(id.as_uuid())),
        Subject::Pump { pump, .. } => format!("pump {}", last_digits(pump.as_uuid())),
    }
}

fn name_step(step: &Step) -> String {
    match step {
        Step::Rollout { rollout, action, .. } => format!("{}: {action}", name(&Subject::Rollout(*rollout))),
        Step::Wave { wave, action, .. } => format!("{}: {action}", name(&Subject::Wave(*wave))),
        Step::Assignment {
            assignment,
            pump,
            action,
            ..
        } => {
            let who = Subject::Pump {
                assignment: *assignment,
                pump: *pump,
            };
            format!("{}: {action}", name(&who))
        }
    }
}
