//! Electronic signatures: what one means, over which bytes it stands, what a person must prove to give it, and when it is void.
//!
//! Designed to 21 CFR Part 11: the printed name, the time with its zone and the meaning are part of what is signed
//! (§11.50), a signature can not be moved to another record (§11.70: it covers the subject's content hash), and giving one
//! takes the components of §11.200. Keeping it and showing it is done elsewhere.
//!
//! [`canonical`] and [`Digest`] serve the audit trail as well.

pub mod canonical;
mod ceremony;
mod content;
mod digest;
mod meaning;
mod statement;
mod zoned;

pub use ceremony::{
    CONTINUOUS_FOR, CeremonyRefusal, Factor, RequiredFactors, SessionFacts, check_factors, required_factors,
};
pub use content::{SignatureState, Subject, SubjectKind, VoidReason, content_hash, state};
pub use digest::{Digest, DigestError};
pub use meaning::{Answer, Meaning};
pub use statement::{Named, SignatureStatement};
pub use zoned::ZonedTime;
