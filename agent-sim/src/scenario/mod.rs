//! Scripts of what shall happen to a fleet and when, in TOML.
//!
//! ```toml
//! [[event]]
//! at = "30s"           # after the start, in real time
//! pump = "40%"         # a serial number, an index (0 is the first), "*", or a share drawn by the seed
//! do = "drop_network"
//! for = "20s"
//! ```

mod action;
mod raw;

pub use action::{Action, Flood};

use std::time::Duration;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::blueprint::PumpBlueprint;

/// A script that can not be run. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScenarioError {
    /// Not TOML, or not of this structure.
    #[error("line {line}: {problem}")]
    Malformed { line: usize, problem: String },
    /// A word after `do` that is none.
    #[error("line {line}: there is no `{given}` to do; known are {}", raw::known())]
    UnknownAction { line: usize, given: String },
    /// An action lacks something.
    #[error("line {line}: `{action}` needs `{field}`")]
    Missing {
        line: usize,
        action: &'static str,
        field: &'static str,
    },
    /// An action has something that it has no use for, which would otherwise be silently ignored.
    #[error("line {line}: `{action}` has no use for `{field}`")]
    Superfluous {
        line: usize,
        action: &'static str,
        field: &'static str,
    },
    /// A value that can not be.
    #[error("line {line}: `{field}` {problem}")]
    Value {
        line: usize,
        field: &'static str,
        problem: String,
    },
    /// Nothing in this fleet answers to it.
    #[error(
        "line {line}: no pump `{given}` in this fleet of {pumps}; name a serial number, an index from 0, `*` or a share like `40%`"
    )]
    UnknownPump {
        line: usize,
        given: String,
        pumps: usize,
    },
}

/// Which pumps an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    All,
    Index(usize),
    Serial(String),
    /// 0 to 100.
    Percent(u8),
}

#[derive(Debug, Clone, PartialEq)]
struct Event {
    line: usize,
    at: Duration,
    pump: Selector,
    action: Action,
}

/// A script.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scenario {
    events: Vec<Event>,
}

/// An action for one pump.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    /// After the start, in real time.
    pub at: Duration,
    /// The pump's place in the fleet.
    pub pump: usize,
    pub action: Action,
}

impl Scenario {
    /// Reads a script.
    ///
    /// # Errors
    /// [`ScenarioError`], with the line.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        raw::events(text).map(|events| Self { events })
    }

    /// Deals the events to the pumps of a fleet, in the order of time. The same seed picks the same pumps.
    ///
    /// # Errors
    /// [`ScenarioError::UnknownPump`].
    pub fn schedule(&self, fleet: &[PumpBlueprint], seed: u64) -> Result<Vec<Scheduled>, ScenarioError> {
        let mut schedule = Vec::new();
        for (number, event) in (0_u64..).zip(&self.events) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(number));
            let pumps = select(&event.pump, fleet, &mut rng);
            if pumps.is_empty() && event.pump != Selector::Percent(0) {
                return Err(ScenarioError::UnknownPump {
                    line: event.line,
                    given: match &event.pump {
                        Selector::Serial(serial) => serial.clone(),
                        Selector::Index(index) => index.to_string(),
                        Selector::All | Selector::Percent(_) => "*".to_owned(),
                    },
                    pumps: fleet.len(),
                });
            }
            schedule.extend(pumps.into_iter().map(|pump| Scheduled {
                at: event.at,
                pump,
                action: event.action.clone(),
            }));
        }
        schedule.sort_by_key(|scheduled| scheduled.at);
        Ok(schedule)
    }
}

fn select(selector: &Selector, fleet: &[PumpBlueprint], rng: &mut ChaCha8Rng) -> Vec<usize> {
    match selector {
        Selector::All => (0..fleet.len()).collect(),
        Selector::Index(index) => (0..fleet.len()).filter(|candidate| candidate == index).collect(),
        Selector::Serial(serial) => fleet
            .iter()
            .position(|pump| pump.serial.as_str() == serial)
            .into_iter()
            .collect(),
        Selector::Percent(percent) => {
            let mut all: Vec<usize> = (0..fleet.len()).collect();
            all.shuffle(rng);
            all.truncate((fleet.len() * usize::from(*percent)).div_ceil(100));
            all.sort_unstable();
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::FleetPlan;

    #[test]
    fn the_examples_that_come_with_it_can_be_run() {
        let fleet = FleetPlan::new(40, 7).build().unwrap();
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let mut read = 0;
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let scenario = Scenario::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let schedule = scenario.schedule(&fleet, 7).unwrap();
            assert!(!schedule.is_empty() && schedule.is_sorted_by_key(|s| s.at));
            read += 1;
        }
        assert!(read >= 2);
    }

    #[test]
    fn the_same_seed_picks_the_same_pumps() {
        let fleet = FleetPlan::new(50, 7).build().unwrap();
        let text = "[[event]]\nat = '0s'\npump = '40%'\ndo = 'power_cycle'\n";
        let scenario = Scenario::parse(text).unwrap();
        let picked = |seed| scenario.schedule(&fleet, seed).unwrap();
        assert_eq!(picked(1), picked(1));
        assert_ne!(picked(1), picked(2));
        assert_eq!(picked(1).len(), 20);
    }

    #[test]
    fn each_mistake_is_named_with_its_line() {
        let fleet = FleetPlan::new(3, 7).build().unwrap();
        let check = |text: &str, expected: &str| {
            let error = Scenario::parse(text)
                .and_then(|scenario| scenario.schedule(&fleet, 7).map(drop))
                .unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        let event = |rest: &str| format!("# a script\n[[event]]\nat = '1s'\npump = 0\n{rest}");
        check(
            &event("do = 'explode'"),
            "line 5: there is no `explode` to do; known are drop_network, start_infusion, stop_infusion, alarm, \
             battery, move, change_mac, clone, clock_step, power_cycle, malformed, flood, fault, repair, sideload, back_up, restore",
        );
        check(
            &event("do = 'drop_network'"),
            "line 5: `drop_network` needs `for`",
        );
        check(
            &event("do = 'malformed'\nfor = '3s'"),
            "line 5: `malformed` has no use for `for`",
        );
        check(
            &event("for = 'soon'\ndo = 'clone'"),
            "line 6: `for` `soon` is not a span of time; write it as 500ms, 30s, 10m, 1h30m or 2d",
        );
        check(
            &event("do = 'battery'\npercent = 101.0"),
            "line 5: `percent` is 101; give 0 to 100",
        );
        check(
            &event("do = 'alarm'\nkind = 'fire'"),
            "line 5: `kind` is `fire`; known are occlusion, air_in_line, near_end, infusion_complete, battery_low",
        );
        check(
            "[[event]]\nat = '1s'\npump = 'AX0'\ndo = 'power_cycle'",
            "line 3: no pump `AX0` in this fleet of 3; name a serial number, an index from 0, `*` or a share like `40%`",
        );
        check(
            "[[event]]\nat = '1s'\npump = '140%'\ndo = 'power_cycle'",
            "line 3: `pump` is `140%`; a share is 0% to 100%",
        );
        check(
            &event("do = 'fault'\nkind = 'gremlin'"),
            "line 5: `kind` is `gremlin`; known are flow_drift, occlusion_sensor, speaker_weak, battery_weak, clock_off, \
             library_altered, check_not_run, lies, silent_after_activation, checks_never_reported, trial_boot_fails, \
             power_loss_fetching, power_loss_staged, power_loss_activating, power_loss_trial, power_loss_committed, \
             bad_link, other_versions",
        );
        assert!(matches!(
            Scenario::parse("[[event]]\nat = '1s'\npump = 0\nwhen = 3\ndo = 'clone'"),
            Err(ScenarioError::Malformed { line: 4, .. })
        ));
        assert!(matches!(
            Scenario::parse("\n\n[[event"),
            Err(ScenarioError::Malformed { line: 3, .. })
        ));
    }
}
