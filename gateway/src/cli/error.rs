//! What goes wrong at the command line: what was attempted, why it failed, what to do next.

use std::{io, path::PathBuf};

use serde::Deserialize;
use thiserror::Error;

use super::{exit::ExitCode, passphrase::PassphraseError};
use crate::audit::verify::VerifyProblem;

/// A command that did not succeed.
#[derive(Debug, Error)]
#[error("could not {attempt}")]
pub struct CliError {
    /// What was attempted, as it follows "could not".
    pub attempt: String,
    /// Why it failed.
    #[source]
    pub cause: Cause,
}

/// Names the attempt that a cause spoiled.
pub trait Attempt<T> {
    /// `what` follows the words "could not".
    fn attempt(self, what: impl Into<String>) -> Result<T, CliError>;
}

impl<T, E: Into<Cause>> Attempt<T> for Result<T, E> {
    fn attempt(self, what: impl Into<String>) -> Result<T, CliError> {
        self.map_err(|cause| CliError {
            attempt: what.into(),
            cause: cause.into(),
        })
    }
}

/// A problem as the gateway describes it (RFC 9457), with what this client reads of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    pub status: u16,
    pub title: String,
    pub detail: String,
    /// The word in the gateway's table of problems.
    pub code: String,
    /// Lines of a file that can not be read.
    pub problems: Vec<LineProblem>,
    /// What to choose from, or who is affected: the first of them.
    pub candidates: Vec<String>,
}

/// One line of a CSV file that can not be read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LineProblem {
    pub line: u64,
    pub column: Option<String>,
    pub problem: String,
}

impl Problem {
    /// The most telling words it has.
    fn words(&self) -> &str {
        match (self.detail.as_str(), self.title.as_str()) {
            ("", "") => "the gateway gave no reason",
            ("", title) => title,
            (detail, _) => detail,
        }
    }

    /// What a person can do about it.
    fn remedy(&self) -> Option<&'static str> {
        REMEDIES
            .iter()
            .find(|(code, _)| *code == self.code)
            .map(|(_, remedy)| *remedy)
            .or(match ExitCode::from_status(self.status) {
                ExitCode::NotAuthorised => Some("sign in with `gateway login --name <you>`"),
                ExitCode::Conflict => Some("look at it as it is now, then decide again"),
                ExitCode::Ok
                | ExitCode::Failed
                | ExitCode::Usage
                | ExitCode::Unreachable
                | ExitCode::NotFound
                | ExitCode::Invalid => None,
            })
    }
}

/// Problems for which a command of this program helps, by their word in the gateway's table.
const REMEDIES: &[(&str, &str)] = &[
    (
        "password_change_required",
        "run `gateway login` at a terminal, or give the new password in GATEWAY_NEW_PASSWORD",
    ),
    (
        "wrong_password",
        "check the name and the password; each wrong one makes the next take longer",
    ),
    ("too_many_attempts", "wait a little, then try again"),
    (
        "csv_problems",
        "mend these lines in the file and import it again; nothing was imported",
    ),
    (
        "ambiguous_serial",
        "name the model with --model (and the maker with --manufacturer)",
    ),
    (
        "serial_not_expected",
        "import it with `gateway pump import`, or give both --manufacturer and --model",
    ),
    (
        "root_not_trusted",
        "have it signed with `gateway signature sign trust_root <repository> --meaning root_of_trust_imported`",
    ),
    (
        "release_refused",
        "nothing of it was kept; have the manufacturer mend it, and import it again",
    ),
    (
        "illegal_transition",
        "see where it is with `gateway rollout show`",
    ),
    (
        "not_under_test",
        "see where it is with `gateway rollout why <pump>`",
    ),
    (
        "would_cut_off",
        "wait until these pumps have renewed, or repeat with --cut-off to leave them behind",
    ),
];

/// Why something failed.
#[derive(Debug, Error)]
pub enum Cause {
    /// The gateway said no.
    #[error("{}", .0.words())]
    Refused(Box<Problem>),
    /// Nobody answers at the address.
    #[error("nothing answers at {url} ({reason})")]
    Unreachable { url: String, reason: String },
    /// Somebody answers, and does not prove to be the gateway.
    #[error("{url} does not prove to be the gateway ({reason})")]
    Untrusted { url: String, reason: String },
    /// The line broke, or what came is not what this program understands.
    #[error("the answer was not understood: {0}")]
    Unreadable(String),
    /// The audit trail does not hold.
    #[error(transparent)]
    Record(Box<VerifyProblem>),
    /// A command that needs a token has none.
    #[error("no token was given")]
    NoToken,
    /// The token in a file can not be used.
    #[error("the token file {} {why}", path.display())]
    TokenFile { path: PathBuf, why: String },
    /// A file can not be read or written.
    #[error("{} can not be {action} ({source})", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// A file can be read, and does not say what it should.
    #[error("{}: {why}", path.display())]
    Content { path: PathBuf, why: String },
    /// A name fits nothing.
    #[error("there is no {what} `{name}`")]
    NotFound { what: &'static str, name: String },
    /// A name fits several things.
    #[error("`{name}` fits several; they are listed below")]
    Ambiguous { name: String, candidates: String },
    /// Arguments that do not go together, or a missing confirmation.
    #[error("{why}")]
    Usage { why: String, remedy: &'static str },
    /// A person answered no.
    #[error("you did not confirm it; nothing was changed")]
    Declined,
    /// No passphrase or password was to be had.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// Standard output is gone.
    #[error("the output can not be written ({0})")]
    Output(#[from] io::Error),
    /// A command that runs in this process failed; the error says all by itself.
    #[error("{0}")]
    Local(Box<dyn std::error::Error + Send + Sync>),
}

impl Cause {
    /// What a script is told.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(problem) => match ExitCode::from_status(problem.status) {
                ExitCode::Ok => ExitCode::Failed,
                code => code,
            },
            Self::Unreachable { .. } | Self::Untrusted { .. } => ExitCode::Unreachable,
            Self::NoToken | Self::TokenFile { .. } => ExitCode::NotAuthorised,
            Self::NotFound { .. } => ExitCode::NotFound,
            Self::Ambiguous { .. } => ExitCode::Conflict,
            Self::Usage { .. } => ExitCode::Usage,
            Self::Content { .. } => ExitCode::Invalid,
            Self::Unreadable(_)
            | Self::Record(_)
            | Self::File { .. }
            | Self::Declined
            | Self::Passphrase(_)
            | Self::Output(_)
            | Self::Local(_) => ExitCode::Failed,
        }
    }

    /// What a person can do next.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let words = match self {
            Self::Refused(problem) => problem.remedy()?,
            Self::Unreachable { .. } => {
                "start it with `gateway serve`, or give its address with --url or GATEWAY_URL"
            }
            Self::Untrusted { .. } => {
                "give the gateway's root certificate (root.pem in its data directory) with --ca or GATEWAY_CA, \
                 and use a name in --url that `gateway init --server-name` was given"
            }
            Self::Unreadable(_) => "check that this program and the gateway are of the same version",
            Self::NoToken => {
                "sign in with `gateway login --name <you>`, or give a token in GATEWAY_TOKEN or with --token-file"
            }
            Self::TokenFile { path, .. } => {
                return Some(format!(
                    "run `chmod 600 {0}` if the token in it was never seen by others, or sign in again with `gateway login`",
                    path.display()
                ));
            }
            Self::Ambiguous { .. } => "name the one you mean by what sets it apart in this list",
            Self::Usage { remedy, .. } => remedy,
            Self::Passphrase(error) => error.remedy(),
            Self::NotFound { .. } => "see what there is with the `list` command of the same kind",
            Self::Record(_) => {
                "keep the file and the database as they are, and compare them with an older export or checkpoint"
            }
            Self::Content { .. } => "mend the file, and try again",
            Self::File { .. } | Self::Declined | Self::Output(_) | Self::Local(_) => return None,
        };
        Some(words.to_owned())
    }

    /// The reader of our output went away (`gateway pump list | head`): nothing to complain about.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> Cause {
        Cause::Refused(Box::new(Problem {
            status,
            code: code.to_owned(),
            ..Problem::default()
        }))
    }

    #[test]
    fn each_cause_has_the_exit_code_of_the_table() {
        let check = |cause: Cause, expected| assert_eq!(cause.exit_code(), expected, "{cause:?}");
        check(refused(422, "csv_problems"), ExitCode::Invalid);
        check(refused(412, "stale"), ExitCode::Conflict);
        check(refused(200, ""), ExitCode::Failed);
        check(Cause::NoToken, ExitCode::NotAuthorised);
        check(
            Cause::Content {
                path: PathBuf::from("plan.toml"),
                why: "no waves".to_owned(),
            },
            ExitCode::Invalid,
        );
        check(Cause::Declined, ExitCode::Failed);
        check(
            Cause::Ambiguous {
                name: "42".to_owned(),
                candidates: String::new(),
            },
            ExitCode::Conflict,
        );
        check(
            Cause::Unreachable {
                url: "https://gw".to_owned(),
                reason: "refused".to_owned(),
            },
            ExitCode::Unreachable,
        );
    }

    #[test]
    fn a_known_problem_has_its_own_remedy_and_an_unknown_one_that_of_its_status() {
        let check = |cause: Cause, expected: Option<&str>| match (cause.remedy(), expected) {
            (Some(remedy), Some(words)) => assert!(remedy.contains(words), "{remedy}"),
            (remedy, expected) => assert_eq!(remedy.as_deref(), expected),
        };
        check(refused(409, "would_cut_off"), Some("--cut-off"));
        check(refused(409, "new_in_a_later_version"), Some("as it is now"));
        check(refused(401, ""), Some("gateway login"));
        check(refused(500, ""), None);
    }

    #[test]
    fn a_problem_reads_what_the_gateway_sends_and_survives_what_it_omits() {
        let problem: Problem = serde_json::from_str(
            r#"{"type":"urn:gateway:problem:csv_problems","title":"Unreadable lines","status":422,"detail":"2 lines",
                "code":"csv_problems","problems":[{"line":3,"column":"udi","problem":"not a UDI"},{"line":4,"column":null,"problem":"x"}]}"#,
        )
        .unwrap();
        assert_eq!(problem.problems.len(), 2);
        assert_eq!(Cause::Refused(Box::new(problem)).to_string(), "2 lines");
        let bare: Problem = serde_json::from_str("{}").unwrap();
        assert_eq!(
            Cause::Refused(Box::new(bare)).to_string(),
            "the gateway gave no reason"
        );
    }
}
