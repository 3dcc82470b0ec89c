//! The API over a real store and real authorities; only the line to the pumps is a notebook.

mod access;
mod audit;
mod authorities;
mod catch_up;
mod enrolment;
mod exposure;
mod held_updates;
mod holds;
mod inventory;
mod labels;
mod people;
mod problems;
mod pumps;
mod rights;
mod rollouts;
mod safety_rules;
mod signatures;
pub(crate) mod stage;
mod ward;
