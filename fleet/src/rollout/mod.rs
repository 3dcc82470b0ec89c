//! Staged rollouts: a release comes to chosen pumps in waves, and no wave opens before people signed for the one before.
//!
//! | file | what is decided there |
//! |---|---|
//! | [`state`] | which states an assignment, a wave and a rollout have, and what leads from one to another |
//! | [`schedule`], [`window`] | when the hospital allows pumps to be updated |
//! | [`limits`] | the bounds within which a rollout goes on |
//! | [`floor`] | how many pumps a care area can spare (S5) |
//! | [`gate`] | what has to hold before a rollout, a wave and the next wave; whose signature counts (S2, S4, S12) |
//! | [`spec`] | what a person writes of a rollout, and how it divides pumps into waves |
//! | [`snapshot`] | what the planner is shown |
//! | [`plan`](plan()) | what is done next, and what everything else waits for |
//! | [`apply`](apply()) | what a pump's report makes of its assignment |
//! | [`free_hours`], [`forecast`] | when pumps are usually free, and when the waves could be through |
//! | [`join`] | which pumps come to a rollout that is under way |
//!
//! The planner is one pure function: dry run, preview and the loop call the same. Each safety rule has a test of its name.

mod apply;
pub mod floor;
pub mod forecast;
pub mod free_hours;
pub mod gate;
pub mod join;
pub mod limits;
mod plan;
pub mod schedule;
pub mod snapshot;
pub mod spec;
pub mod state;
mod step;
mod wait;
pub mod window;

pub use apply::{Change, ComponentTwice, PumpReport, PumpSays, Tracked, VersionSet, apply, unexplained};
pub use plan::{FloorNow, floors_now, plan};
pub use step::{
    AssignmentAction, HeldBecause, Plan, RolloutAction, Step, Subject, Under, Waiting, WaveAction, Withdrawal,
};
pub use wait::Wait;

#[cfg(test)]
mod tests;
