//! How a pump comes to new firmware: a ticket, a download, a start on trial, checks, a proof. And everything that can go wrong.
//!
//! | file | what is there |
//! |---|---|
//! | `flash` | what survives a power cut: two slots, and one small file that says which of them runs |
//! | `state` | what that file holds |
//! | `machine` | orders and moments, and what follows from them: no network, no clock of its own |
//! | `orders` | how the machine takes orders |
//! | `course` | the switch, the end of the trial, the way back |
//! | `saying` | how it is said |
//! | `interlock` | when a pump may be taken out of use |
//! | `checks` | what the pump's own checks read |
//! | `again` | checks that are run once more, on an order |
//! | `fault` | what can be wrong with a pump |
//! | `fetch`, `http` | how bytes come in |
//! | `keys` | the hospital's keys for tickets |
//! | `metadata` | the manufacturer's word on a file: TUF |
//! | `download` | from a ticket to a file in the other slot |
//! | `proof` | the signature with the pump's own key |
//!
//! The machine writes before it speaks: a change of state and what is to be said of it go to flash in one write, and what was
//! said is struck out afterwards. A power cut in between makes the pump say something twice, never nothing.

mod again;
mod checks;
mod course;
mod download;
mod fault;
mod fetch;
mod flash;
mod http;
mod interlock;
mod keys;
mod machine;
mod metadata;
mod orders;
mod proof;
mod saying;
mod state;

pub use checks::library_digest;
pub(crate) use download::{Errand, InTheDark, Job, open_ticket};
pub use fault::{Fault, Faults};
pub(crate) use flash::FlashError;
pub(crate) use http::Http;
pub(crate) use interlock::Safety;
pub(crate) use keys::Keys;
pub(crate) use machine::{Firmware, Me, Now};
pub(crate) use proof::sign;
pub(crate) use state::{Contents, Saying};

#[cfg(test)]
pub(crate) mod tests;
