//! The planner, its gates and its reports together: each safety rule by name, scripts a person can read, and random fleets.

pub(super) mod fleet;
mod log;
mod rules;
mod scripts;
mod storm;
mod weather;
mod world;
