//! The record of what happened, in a form that shows when it was changed.
//!
//! Entries are numbered from 1 without a gap, and each one's hash covers the hash before it; so nothing in the middle can be
//! altered, removed, added or moved without breaking the chain behind it. A [`Checkpoint`], signed and carried elsewhere,
//! holds the end of the chain: against it a tail that was cut off, and a chain that was made anew, are found as well.
//! Without one, an attacker who can write the whole table can write another history.
//!
//! Nothing secret and nothing about patients may be in an entry: whoever writes one answers for that.

mod action;
mod checkpoint;
mod entry;
mod export;
mod verify;
mod word;

pub use action::{Action, Weight};
pub use checkpoint::Checkpoint;
pub use entry::{Actor, Entry, Origin, Subject, chain};
pub use export::{ExportLine, LINE_MAX, LineError};
pub use verify::{Broken, Fault, Start, Verified, Verifier, verify};
pub use word::{Word, WordError};
