//! What people may do, whichever way they ask: the REST API today, pages tomorrow.
//!
//! Each command is one function and one transaction (S11): the change and what is told about it commit together, durably,
//! or neither does. Only then does the rest of the gateway learn of it, the strictest first: the gate denies, the live
//! session closes, orders go out. A crash in between is made good at the next start, when the gate is loaded from the record.
//!
//! Commands decide nothing that `fleet` has a rule for.

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of `Db<'_>` is of one lifetime and a reading lends any: without the closure it does not compile"
)]

pub mod anchor;
pub mod authority;
pub mod certificate;
pub(crate) mod change;
pub mod component;
pub mod device;
pub mod enrolment;
mod error;
pub mod expected;
pub mod exposure;
pub mod factor;
pub mod glass;
pub mod hold;
pub mod library;
pub mod model;
pub(crate) mod outbox;
pub mod people;
pub mod place;
pub mod preview;
pub mod pump;
pub mod release;
pub mod rollout;
pub mod session;
pub mod sign;
pub mod subject;
pub mod tag;
pub mod token;

pub use error::CommandError;
