//! Updates from beginning to end, with everything that can go wrong, and no network.

mod again;
mod downloads;
mod interlock;
mod kit;
mod maker;
mod orders;
mod power;
mod refusals;

pub(crate) use kit::{Bench, order, ticket_id, versions};
