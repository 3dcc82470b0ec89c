//! What goes wrong with the authorities.

use fleet::{
    certificate::{AuthorityError, AuthorityKind},
    id::AuthorityId,
    text::TextError,
};
use store::StoreError;
use thiserror::Error;

use super::super::{
    inspect::InspectError, issue::IssueError, key::KeyError, profile::ProfileError, tls::TlsError,
};

/// Why an authority did not do what was asked of it.
#[derive(Debug, Error)]
pub enum AuthorityProblem {
    #[error("no authority {id} is on record")]
    Unknown { id: AuthorityId },
    #[error("there is no active {} authority; `gateway ca rotate --kind {}` makes one", .kind.as_str(), .kind.as_str())]
    NoneActive { kind: AuthorityKind },
    #[error(
        "{count} live certificates of this authority would be cut off; wait until the pumps renewed, or say that you mean it (--cut-off)"
    )]
    WouldCutOff { count: usize },
    #[error("this authority still issues; rotate it first (`gateway ca rotate --kind {}`)", .kind.as_str())]
    StillActive { kind: AuthorityKind },
    #[error("this authority was retired already")]
    AlreadyRetired,
    #[error(
        "the root is not rotated here: a new root means new trust on every pump. See docs/authorities.md"
    )]
    RootIsNotRotated,
    #[error(transparent)]
    MayNotIssue(#[from] AuthorityError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("hospital name: {0}")]
    Name(#[from] TextError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{} things went wrong: {}", .0.len(), words(.0))]
    Several(Vec<AuthorityProblem>),
}

impl AuthorityProblem {
    /// Goes on after a failure, and tells all of them at the end.
    pub(super) fn all(outcomes: impl IntoIterator<Item = Result<(), Self>>) -> Result<(), Self> {
        let mut problems: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
        match problems.pop() {
            None => Ok(()),
            Some(only) if problems.is_empty() => Err(only),
            Some(last) => {
                problems.push(last);
                Err(Self::Several(problems))
            }
        }
    }
}

fn words(problems: &[AuthorityProblem]) -> String {
    let words: Vec<_> = problems.iter().map(ToString::to_string).collect();
    words.join("; ")
}
