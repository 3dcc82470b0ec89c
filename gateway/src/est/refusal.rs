//! What goes wrong in an enrolment, and what the client is told: one table.

use actix_web::http::StatusCode;
use fleet::{
    enrolment::{Refusal, TokenProblem},
    event::EventKind,
};
use store::StoreError;
use thiserror::Error;

use crate::pki::{authorities::AuthorityProblem, csr::CsrError};

/// Why an enrolment failed.
#[derive(Debug, Error)]
pub enum EnrolFailure {
    /// The request itself is no good.
    #[error("certificate request refused: {0}")]
    Request(#[from] CsrError),
    /// It is not for this client to have.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Our authority signed the client's certificate, and we never issued it.
    #[error("the certificate on this connection was not issued by this gateway")]
    Forged,
    /// A factory certificate without a serial number.
    #[error("the manufacturer certificate has no serialNumber in its subject (IEEE 802.1AR)")]
    NoFactorySerial,
    /// The authority can not issue.
    #[error("issuing failed: {0}")]
    Authority(#[from] AuthorityProblem),
    /// The record could not be read or written.
    #[error("enrolment could not be recorded: {0}")]
    Store(#[from] StoreError),
}

/// An answer that is not a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status.
    pub status: StatusCode,
    /// Text for the client's log: what to do next.
    pub text: String,
    /// Whether credentials are asked for (401).
    pub asks_for_credentials: bool,
    /// Seconds after which to come again.
    pub retry_after: Option<u32>,
}

impl Rejection {
    /// Too much at one time, or something here is out of order: come again.
    #[must_use]
    pub fn busy() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            text: "the gateway can not answer now; keep the key and ask again".to_owned(),
            asks_for_credentials: false,
            retry_after: Some(5),
        }
    }
}

/// The most characters of a reason that are repeated: some of it a stranger wrote.
const BRIEF: usize = 300;

impl EnrolFailure {
    /// The reason, in bounds.
    #[must_use]
    pub fn brief(&self) -> String {
        self.to_string().chars().take(BRIEF).collect()
    }

    /// What the client is told. Nothing about tokens that were not shown, nothing about the gateway's insides.
    #[must_use]
    pub fn rejection(&self) -> Rejection {
        let say = |status, asks_for_credentials| Rejection {
            status,
            text: self.brief(),
            asks_for_credentials,
            retry_after: None,
        };
        match self {
            Self::Request(_) | Self::NoFactorySerial => say(StatusCode::BAD_REQUEST, false),
            Self::Refused(Refusal::NotAuthorised(_)) => say(StatusCode::UNAUTHORIZED, true),
            Self::Refused(_) | Self::Forged => say(StatusCode::FORBIDDEN, false),
            Self::Authority(_) | Self::Store(_) => Rejection::busy(),
        }
    }

    /// The event to raise, if people should know.
    #[must_use]
    pub const fn event(&self) -> Option<EventKind> {
        match self {
            Self::Forged => Some(EventKind::ForgedCertificate),
            Self::Refused(Refusal::KeyOfAnotherPump { .. }) => Some(EventKind::KeyReused),
            // A client that first asks without credentials is only following HTTP; what is out of order here is in the log.
            // A request that is none says nothing about anybody.
            Self::Refused(Refusal::NotAuthorised(TokenProblem::Missing) | Refusal::NotDue { .. })
            | Self::Request(_)
            | Self::Authority(_)
            | Self::Store(_) => None,
            Self::Refused(_) | Self::NoFactorySerial => Some(EventKind::EnrolmentRefused),
        }
    }
}
