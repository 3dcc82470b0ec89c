//! Certificates: how long they live, who is admitted with one, and which authority issues them.

mod authority;
mod gate;
mod lifecycle;
mod record;

pub use authority::{AuthorityError, AuthorityKind, AuthorityState, PruneDecision, may_issue, prune};
pub use gate::{Admission, GateRefusal, PresentedCertificate, admit};
pub use lifecycle::{Expiry, LATE_RENEWAL_ARMED_FOR, expiry, renewal_at, renewal_due, session_must_end};
pub use record::{
    CertificateRecord, CertificateStatus, Fingerprint, FingerprintError, RevocationReason, SerialHex,
};
