//! Every method of the data layer, on every database.
//!
//! Each test gets a database of its own. SQLite is always there; PostgreSQL is tested when the feature `postgres` is on and
//! `TEST_POSTGRES_URL` names a server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test, its helpers included"
)]
#![allow(
    clippy::redundant_closure_for_method_calls,
    clippy::too_many_lines,
    reason = "`|db| db.pump_fetch(id)` and `|db| db.pump_counts()` are read alike; a story is told in one piece"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "numbers of fixtures are small"
)]

mod authorities;
mod certificates;
mod claim;
mod common;
mod exposure;
mod holds;
mod live;
mod messages;
mod migrations;
mod people;
mod places;
mod pumps;
mod record;
mod transactions;
