//! The rules of the infusion pump gateway.
//!
//! Everything here is a pure function over plain data: time, identifiers and randomness come in as
//! arguments, and nothing reads a file, a socket, a database or a clock. That is what makes a rule
//! testable by a table and readable as a specification.
//!
//! | room | what is decided there |
//! |---|---|
//! | [`pump`] | what a pump is, whether it is free, what a person is told about it, what holds it back |
//! | [`certificate`] | who is admitted, when a certificate is renewed, which authority issues |
//! | [`enrolment`] | who may have a certificate at all: one [`enrolment::authorise`] for every way in |
//! | [`inventory`] | expected pumps from a spreadsheet, unknown, missing and duplicate pumps, identity conflicts |
//! | [`release`] | what a manufacturer's release is, and for which pumps: a target per pump, or the reason why not |
//! | [`check`] | what a pump must prove after an update, and whether its readings prove it |
//! | [`version`] | which of two versions is the older one, per scheme; what does not compare goes to a person |
//! | [`rollout`] | waves, gates, windows and ward floors: what is done next, and what everything else waits for |
//! | [`filter`] | the language in which people say which pumps they mean |
//! | [`access`] | who may do what, and where: roles × permissions in one table, break-glass, two people |
//! | [`signature`] | what a signature means, over which bytes, with which factors, and when it is void |
//! | [`audit`] | the record that can be proved: entries in a chain of hashes, checkpoints, the export |
//! | [`event`] | everything the gateway tells people about, in one table |
//! | [`id`], [`text`], [`mod@unit`] | the words the rules are written in |

#![forbid(unsafe_code)]

pub mod access;
pub mod audit;
pub mod certificate;
pub mod check;
pub mod enrolment;
pub mod event;
pub mod filter;
pub mod id;
pub mod inventory;
pub mod pump;
pub mod release;
pub mod rollout;
pub mod signature;
pub mod text;
pub mod unit;
pub mod version;

/// An instant in UTC. The hospital's time zone exists only where a person reads or writes a time.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
