//! Every way in which something is refused below, as a [`Problem`]: one exhaustive match per source of errors.

use actix_web::{
    HttpRequest,
    error::{JsonPayloadError, PathError, PayloadError, QueryPayloadError},
};
use fleet::{access::Denied, text::TextError};
use store::StoreError;

use super::problem::{Problem, ProblemCode as Code};
use crate::{
    audit::checkpoint::CheckpointProblem,
    auth::{limits::TooFast, password::PasswordProblem, sign_in::SignInProblem, standing::NotStanding},
    command::CommandError,
    exposure::intake::IntakeError,
    pki::authorities::AuthorityProblem,
};

/// When to try again after the database did not answer, in seconds.
const DATABASE_RETRY: u64 = 2;

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let words = error.to_string();
        match error {
            CommandError::Store(error) => error.into(),
            CommandError::Authority(problem) => problem.into(),
            CommandError::AlreadyHeld { .. } => Self::new(Code::AlreadyHeld, words),
            CommandError::HoldOver { .. } => Self::new(Code::HoldOver, words),
            CommandError::NoRetest => Self::new(Code::NoRetest, words),
            CommandError::NotSequestered { .. } => Self::new(Code::NotSequestered, words),
            CommandError::HoldForbidsOrders { .. } => Self::new(Code::HoldForbidsOrders, words),
            CommandError::Retired { .. } => Self::new(Code::PumpRetired, words),
            CommandError::Stale { .. } => Self::new(Code::Stale, words),
            CommandError::SerialNotExpected { .. } => Self::new(Code::SerialNotExpected, words),
            CommandError::AmbiguousSerial { models, .. } => {
                let models: Vec<_> = models.iter().map(ToString::to_string).collect();
                Self::new(Code::AmbiguousSerial, words).with_candidates(models.len(), models)
            }
            CommandError::AmbiguousCertificate {
                count, candidates, ..
            } => Self::new(Code::AmbiguousCertificate, words).with_candidates(count, candidates),
            CommandError::WouldCutOff { count, pumps } => {
                let pumps = pumps.iter().map(ToString::to_string).collect();
                Self::new(Code::WouldCutOff, words).with_candidates(count, pumps)
            }
            CommandError::Csv(lines) => Self::new(Code::CsvProblems, words).with_lines(lines),
            CommandError::Udi(_) | CommandError::HalfAModel | CommandError::TooManyTokens { .. } => {
                Self::new(Code::InvalidValue, words)
            }
            CommandError::Anchor(_) => Self::new(Code::UnusableAnchor, words),
            CommandError::WrongPassword => Self::new(Code::WrongPassword, words),
            CommandError::SecondFactorRequired | CommandError::CurrentPinRequired => {
                Self::new(Code::SecondFactorRequired, words)
            }
            CommandError::WrongFactor { .. } => Self::new(Code::WrongFactor, words),
            CommandError::Ceremony(_) => Self::new(Code::FactorsMissing, words),
            CommandError::PasswordChangeRequired => Self::new(Code::PasswordChangeRequired, words),
            CommandError::Password(PasswordProblem::NotCompared) => {
                Self::new(Code::Unavailable, words).retry_after(DATABASE_RETRY)
            }
            CommandError::Password(_) => Self::new(Code::WeakPassword, words),
            CommandError::Pin(_) => Self::new(Code::WeakPin, words),
            CommandError::Hash(problem) => unavailable(&problem),
            CommandError::Seal(problem) => internal(&problem),
            CommandError::Key(problem) => internal(&problem),
            CommandError::DeviceUnknown => Self::new(Code::DeviceUnknown, words),
            CommandError::SignInOver => Self::new(Code::Unauthenticated, words),
            CommandError::EnrolmentOver => Self::new(Code::EnrolmentOver, words),
            CommandError::Denied(denied) => denied.into(),
            CommandError::NotStanding(problem) => problem.into(),
            CommandError::OnlyAPerson => Self::new(Code::Denied, words),
            CommandError::SamePerson(_) => Self::new(Code::SamePerson, words),
            CommandError::OwnRoles | CommandError::OwnAccount => Self::new(Code::OwnAccount, words),
            CommandError::LastAdministrator => Self::new(Code::LastAdministrator, words),
            CommandError::UnknownCareArea { .. }
            | CommandError::IdleOutOfBounds
            | CommandError::NoScope
            | CommandError::UnfitScope { .. }
            | CommandError::MeaningDoesNotFit { .. }
            | CommandError::WhichCareArea { .. }
            | CommandError::NotARoot
            | CommandError::Tag(_)
            | CommandError::Support(_)
            | CommandError::Spec(_)
            | CommandError::NoPumps { .. }
            | CommandError::EmptyWave { .. }
            | CommandError::ReasonNeeded
            | CommandError::NoSuchCheck { .. } => Self::new(Code::InvalidValue, words),
            CommandError::NoGlass => Self::new(Code::NoGlass, words),
            CommandError::ContentChanged { .. } => Self::new(Code::ContentChanged, words),
            CommandError::NotReady(_) => Self::new(Code::NotReady, words),
            CommandError::AlreadySigned { .. } => Self::new(Code::AlreadySigned, words),
            CommandError::RootNotTrusted { .. } => Self::new(Code::RootNotTrusted, words),
            CommandError::OtherManufacturer { .. } | CommandError::Import(_) | CommandError::Publish(_) => {
                Self::new(Code::ReleaseRefused, words)
            }
            CommandError::NothingToDecide => Self::new(Code::NothingToDecide, words),
            CommandError::Scratch(problem) | CommandError::Intake(IntakeError::Io(problem)) => {
                internal(&problem)
            }
            CommandError::Intake(_) | CommandError::NothingTaken { .. } => {
                Self::new(Code::DocumentRefused, words)
            }
            CommandError::Illegal(_) => Self::new(Code::IllegalTransition, words),
            CommandError::NotUnderTest
            | CommandError::NothingToRollBack
            | CommandError::NothingToTryAgain
            | CommandError::NothingToTakeOut => Self::new(Code::NotUnderTest, words),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } => Self::new(Code::NotFound, error.to_string()),
            StoreError::Conflict { .. } => Self::new(Code::Conflict, error.to_string()),
            StoreError::InvalidPage { .. } => Self::new(Code::MalformedCursor, error.to_string()),
            StoreError::Unavailable { .. } => unavailable(&error),
            StoreError::Corrupt { .. } | StoreError::Migration { .. } | StoreError::Url(_) => {
                internal(&error)
            }
            // The data layer may learn new ways to fail before this table does.
            other => internal(&other),
        }
    }
}

impl From<AuthorityProblem> for Problem {
    fn from(problem: AuthorityProblem) -> Self {
        match problem {
            AuthorityProblem::Store(error) => error.into(),
            AuthorityProblem::Unknown { .. } => Self::new(Code::NotFound, problem.to_string()),
            AuthorityProblem::WouldCutOff { count } => {
                Self::new(Code::WouldCutOff, problem.to_string()).with_candidates(count, Vec::new())
            }
            AuthorityProblem::StillActive { .. }
            | AuthorityProblem::AlreadyRetired
            | AuthorityProblem::NoneActive { .. }
            | AuthorityProblem::MayNotIssue(_)
            | AuthorityProblem::RootIsNotRotated => Self::new(Code::AuthorityRefused, problem.to_string()),
            AuthorityProblem::Key(_)
            | AuthorityProblem::Issue(_)
            | AuthorityProblem::Inspect(_)
            | AuthorityProblem::Profile(_)
            | AuthorityProblem::Tls(_)
            | AuthorityProblem::Name(_)
            | AuthorityProblem::Several(_) => internal(&problem),
        }
    }
}

impl From<NotStanding> for Problem {
    fn from(problem: NotStanding) -> Self {
        match problem {
            NotStanding::Unknown(_) | NotStanding::SignedOut(_) | NotStanding::TokenOver => {
                Self::new(Code::Unauthenticated, problem.to_string())
            }
            NotStanding::Store(error) => error.into(),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::new(Code::Denied, denied.to_string())
    }
}

impl From<TooFast> for Problem {
    fn from(problem: TooFast) -> Self {
        Self::new(Code::TooManyRequests, problem.to_string()).retry_after(problem.seconds)
    }
}

impl From<CheckpointProblem> for Problem {
    fn from(problem: CheckpointProblem) -> Self {
        match problem {
            CheckpointProblem::Store(error) => error.into(),
            CheckpointProblem::Key(error) => internal(&error),
        }
    }
}

impl From<SignInProblem> for Problem {
    fn from(problem: SignInProblem) -> Self {
        let words = problem.to_string();
        match problem {
            SignInProblem::Wait(wait) => Self::new(Code::TooManyAttempts, words).retry_after(wait.seconds()),
            SignInProblem::Busy => Self::new(Code::Unavailable, words).retry_after(1),
        }
    }
}

impl From<TextError> for Problem {
    fn from(error: TextError) -> Self {
        Self::new(Code::InvalidValue, error.to_string())
    }
}

/// The outside learns that it failed and when to try again; the log learns why.
fn unavailable(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error, "a request could not be served");
    Problem::new(
        Code::Unavailable,
        "the gateway can not reach its records at the moment; try again soon",
    )
    .retry_after(DATABASE_RETRY)
}

/// The outside learns that it failed; the log learns why.
pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error, "a request failed");
    Problem::new(
        Code::Internal,
        "the gateway failed; the time of this answer finds the reason in its log",
    )
}

/// A thread of the pool died of a bug.
pub(super) fn interrupted() -> Problem {
    Problem::new(
        Code::Internal,
        "the gateway was interrupted while it worked on this; read before you try again",
    )
}

/// The framework could not read a JSON body.
pub(super) fn json(error: JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    let problem = match error {
        JsonPayloadError::OverflowKnownLength { limit, .. } | JsonPayloadError::Overflow { limit } => {
            too_large(limit)
        }
        JsonPayloadError::ContentType => Problem::new(
            Code::UnsupportedMediaType,
            "send `Content-Type: application/json`",
        ),
        JsonPayloadError::Payload(error) => return payload(&error).into(),
        JsonPayloadError::Deserialize(error) => Problem::new(Code::MalformedBody, error.to_string()),
        other => Problem::new(Code::MalformedBody, other.to_string()),
    };
    problem.into()
}

/// The framework could not read a query.
pub(super) fn query(error: QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    let detail = match error {
        QueryPayloadError::Deserialize(error) => error.to_string(),
        other => other.to_string(),
    };
    Problem::new(Code::MalformedQuery, detail).into()
}

/// The framework could not read a part of the path.
pub(super) fn path(error: PathError, _: &HttpRequest) -> actix_web::Error {
    let detail = match error {
        PathError::Deserialize(error) => error.to_string(),
        other => other.to_string(),
    };
    Problem::new(Code::MalformedPath, detail).into()
}

/// The framework could not read a body of any other kind.
pub(super) fn body(error: &actix_web::Error) -> Problem {
    match error.as_error::<PayloadError>() {
        Some(error) => payload(error),
        None => Problem::new(Code::MalformedBody, error.to_string()),
    }
}

/// A body did not arrive whole, or was too much.
fn payload(error: &PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => Problem::new(Code::PayloadTooLarge, "the body is larger than is read here"),
        other => Problem::new(
            Code::MalformedBody,
            format!("the body did not arrive whole: {other}"),
        ),
    }
}

/// A body was too much.
fn too_large(limit: usize) -> Problem {
    Problem::new(
        Code::PayloadTooLarge,
        format!("the body is larger than {limit} bytes; send less"),
    )
}
