//! The audit trail on its way out: checkpoints, export, verification, and what goes to a SIEM.
//!
//! What is recorded, and how one entry hangs on the one before, is a rule ([`fleet::audit`]); each change writes its own
//! entry ([`crate::command`]). Here the record is only read.
//!
//! | room | what is done there |
//! |---|---|
//! | [`checkpoint`] | the end of the chain, signed: what finds a tail that was cut off and a chain that was made anew |
//! | [`export`] | the record as a file that can be verified far from its gateway |
//! | [`verify`] | going through it, in a file or in the database |
//! | [`readable`] | an entry as a person reads it |
//! | [`syslog`], [`forward`] | an entry as a SIEM reads it, and how it gets there |

pub mod checkpoint;
pub mod export;
pub mod forward;
pub mod readable;
pub mod syslog;
pub mod verify;
