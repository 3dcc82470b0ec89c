//! The API over a real store and real authorities; only the line to the pumps is a notebook.

mod access;
mod authorities;
mod enrolment;
mod inventory;
mod problems;
mod pumps;
mod stage;
