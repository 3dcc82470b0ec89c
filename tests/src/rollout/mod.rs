//! A rollout with everything it takes: a manufacturer with a release, a fleet that trusts it, and people who plan, approve, read
//! and sign.
//!
//! | part | what is there |
//! |---|---|
//! | [`Maker`] | a manufacturer with one release |
//! | [`Cast`] | the people, and how they sign |
//! | [`Ward`] | fleet, people and release at one gateway, and what people do for a rollout |
//! | [`Record`] | what the database holds of rollouts, and what must never be in it |

mod cast;
mod maker;
mod record;
mod ward;

pub use cast::{Cast, PIN};
pub use maker::{MODEL, Maker, fleet_of};
pub use record::{Fault, Record, faults_of};
pub use ward::{Site, Ward};
