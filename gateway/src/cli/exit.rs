//! What the process says to a script when it ends.

use std::fmt::Write;

/// Exit codes, for scripts. They are part of the interface: a number never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitCode {
    Ok,
    Failed,
    Usage,
    Unreachable,
    NotAuthorised,
    NotFound,
    Conflict,
    Invalid,
}

impl ExitCode {
    /// Every code, in the order of its number.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Unreachable,
        Self::NotAuthorised,
        Self::NotFound,
        Self::Conflict,
        Self::Invalid,
    ];

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::NotAuthorised => 4,
            Self::NotFound => 5,
            Self::Conflict => 6,
            Self::Invalid => 7,
        }
    }

    /// What it means.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Failed => "failed, or refused by the gateway",
            Self::Usage => "the command line is wrong, or a confirmation (--yes) is missing",
            Self::Unreachable => "the gateway can not be reached, or is not the one that is trusted",
            Self::NotAuthorised => "not signed in, or not allowed to do this",
            Self::NotFound => "no such pump, certificate, token …",
            Self::Conflict => "conflict: changed by somebody else meanwhile, ambiguous, or done already",
            Self::Invalid => "the input is invalid (a line of a CSV file, a value)",
        }
    }

    /// What an HTTP status of the staff API means for a script.
    #[must_use]
    pub const fn from_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Ok,
            401 | 403 => Self::NotAuthorised,
            404 | 410 => Self::NotFound,
            409 | 412 | 428 => Self::Conflict,
            400 | 405 | 406 | 411 | 413..=415 | 422 => Self::Invalid,
            _ => Self::Failed,
        }
    }

    /// The table that `gateway --help` ends with.
    #[must_use]
    pub fn table() -> String {
        let mut text = String::from("Exit codes:\n");
        for code in Self::ALL {
            // Writing to a String does not fail.
            let _ = writeln!(text, "  {}  {}", code.number(), code.meaning());
        }
        text
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable() {
        let numbers: Vec<_> = ExitCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn the_manual_has_the_same_table() {
        let manual = include_str!("../../../docs/cli.md");
        for code in ExitCode::ALL {
            let line = format!(
                "| {} | {} |",
                code.number(),
                code.meaning().replace("--yes", "`--yes`")
            );
            assert!(manual.contains(&line), "docs/cli.md lacks `{line}`");
        }
    }

    #[test]
    fn a_status_tells_a_script_what_to_do() {
        let check = |statuses: &[u16], expected| {
            for status in statuses {
                assert_eq!(ExitCode::from_status(*status), expected, "status {status}");
            }
        };
        check(&[200, 201, 204], ExitCode::Ok);
        check(&[401, 403], ExitCode::NotAuthorised);
        check(&[404], ExitCode::NotFound);
        check(&[409, 412, 428], ExitCode::Conflict);
        check(&[400, 413, 415, 422], ExitCode::Invalid);
        check(&[302, 429, 500, 503], ExitCode::Failed);
    }
}
