//! The state machines of a rollout, its waves and their assignments.
//!
//! Each is one table: a state, and under it what may happen in it and where that leads. What is in no row is refused with both
//! names, never ignored. A state or an event is named in one place only, so the table can not be out of step with the types.

mod assignment;
mod machine;
mod rollout;
mod wave;

pub use assignment::{AssignmentEvent, AssignmentState, Stage};
pub use machine::IllegalTransition;
pub use rollout::{RolloutEvent, RolloutState};
pub use wave::{WaveEvent, WaveState};

#[cfg(test)]
mod tests;
