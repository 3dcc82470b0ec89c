//! Firmware: what comes from manufacturers is checked and published, and pumps fetch it.
//!
//! Nothing installs without two independent keys (S8). The manufacturer's is checked here as a pump checks it and never held;
//! the hospital's is [`ticket_key`].
//!
//! | room | what is done there |
//! |---|---|
//! | [`source`] | a directory or an archive, unpacked safely |
//! | [`trust`], [`metadata`] | TUF: signatures, thresholds, expiry, what was seen before |
//! | [`import`] | the releases of a repository, every file hashed |
//! | [`problem`] | why not, in words |
//! | [`publish`], [`index`] | where pumps fetch it, without disturbing those that are fetching |
//! | [`serve`], [`shelf`], [`range`] | the bulk listener's side of it |
//! | [`download`], [`bandwidth`] | one download, and what all of them share |
//! | [`ticket_key`], [`proof`] | what the hospital signs, and what pumps sign |
//! | [`make`] | repositories of test manufacturers |
//! | [`figures`] | what is counted |

mod bandwidth;
mod download;
pub mod figures;
pub mod import;
mod index;
pub mod make;
mod metadata;
pub mod problem;
pub mod proof;
pub mod publish;
mod range;
pub mod resting;
pub mod serve;
mod shelf;
pub mod source;
pub mod ticket_key;
mod trust;

pub use figures::Figures;
pub use resting::Resting;
pub use serve::Firmware;
pub use ticket_key::TicketKeys;

#[cfg(test)]
mod tests;
