//! The loop between the pumps and the record.
//!
//! | part | what it does |
//! |---|---|
//! | [`inbound`] | takes what pumps said, commits it in groups, and only then lets it be acknowledged |
//! | [`apply`] | what a group changes: presence, state, reports and their consequences |
//! | [`hours`] | when pumps are free, hour by hour |
//! | [`outbox`] | brings orders that wait to pumps that are there |
//! | [`sessions`] | who is connected with which certificate, and who must not be any more |
//! | [`rollout`] | plans rollouts, carries the steps out, and takes in what pumps say of updates |
//! | [`housekeeping`] | revocation lists, thinning, expiry, at their intervals |

mod apply;
mod group;
mod hours;
pub mod housekeeping;
pub mod inbound;
pub mod outbox;
pub mod rollout;
pub mod sessions;
