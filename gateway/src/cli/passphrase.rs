//! Passphrases and passwords: from the environment, from a file, or typed at a terminal. Never from an argument,
//! which every user of the machine could read in the list of processes.

use std::{env, fs, io, path::PathBuf};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use zeroize::Zeroizing;

/// The fewest characters of a passphrase that is chosen anew.
pub const NEW_PASSPHRASE_MIN: usize = 12;

/// The environment variable with the passphrase of the certificate authorities' keys.
pub const PASSPHRASE_VARIABLE: &str = "GATEWAY_PASSPHRASE";

/// Where the passphrase of the certificate authorities' keys comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct PassphraseArgs {
    /// File with the passphrase of the CA keys; otherwise `GATEWAY_PASSPHRASE`, otherwise it is asked for
    #[arg(long, env = "GATEWAY_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// Why no passphrase or password was to be had.
#[derive(Debug, Error)]
pub enum PassphraseError {
    #[error("the passphrase file {} can not be read ({source})", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{what} is empty")]
    Empty { what: &'static str },
    #[error("a new passphrase needs at least {NEW_PASSPHRASE_MIN} characters")]
    TooShort,
    #[error("the two entries differ")]
    Differ,
    #[error("{what} can not be asked for without a terminal ({source})")]
    NoTerminal {
        what: &'static str,
        variable: &'static str,
        source: io::Error,
    },
}

impl PassphraseError {
    /// What a person can do next.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::File { .. } => "check the path, and that this user may read it",
            Self::Empty { .. } | Self::Differ => "try again",
            Self::TooShort => "choose a longer one: four random words are good",
            Self::NoTerminal { variable, .. } if *variable == PASSPHRASE_VARIABLE => {
                "give a file with --passphrase-file, or set GATEWAY_PASSPHRASE"
            }
            Self::NoTerminal { .. } => {
                "set GATEWAY_PASSWORD (and GATEWAY_NEW_PASSWORD when a new one is due)"
            }
        }
    }
}

/// The passphrase of the certificate authorities' keys. `confirm` when it is chosen anew: then a typed one is asked for twice,
/// and a short one is refused.
///
/// # Errors
/// [`PassphraseError`] when none was given, or none that will do.
pub fn passphrase(args: &PassphraseArgs, confirm: bool) -> Result<SecretString, PassphraseError> {
    // The file's mode is not checked: orchestrators mount secrets as 0444 inside a private mount.
    let from_file = args.passphrase_file.as_ref().map(|path| {
        fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|source| PassphraseError::File {
                path: path.clone(),
                source,
            })
    });
    let given = match from_file {
        Some(read) => Some(SecretString::from(first_line(&read?))),
        None => variable(PASSPHRASE_VARIABLE),
    };
    let passphrase = match given {
        Some(passphrase) => passphrase,
        None => prompt(
            "the passphrase",
            "Passphrase of the CA keys",
            PASSPHRASE_VARIABLE,
            confirm,
        )?,
    };
    check(passphrase, confirm)
}

/// A password from an environment variable, or typed; twice when it is a new one.
///
/// # Errors
/// [`PassphraseError`] when none was given.
pub fn password(
    question: &str,
    variable_name: &'static str,
    confirm: bool,
) -> Result<SecretString, PassphraseError> {
    let password = match variable(variable_name) {
        Some(password) => password,
        None => prompt("the password", question, variable_name, confirm)?,
    };
    if password.expose_secret().is_empty() {
        return Err(PassphraseError::Empty { what: "the password" });
    }
    Ok(password)
}

fn check(passphrase: SecretString, new: bool) -> Result<SecretString, PassphraseError> {
    match passphrase.expose_secret().chars().count() {
        0 => Err(PassphraseError::Empty {
            what: "the passphrase",
        }),
        length if new && length < NEW_PASSPHRASE_MIN => Err(PassphraseError::TooShort),
        _ => Ok(passphrase),
    }
}

/// An editor ends a file with a line feed that is no part of the passphrase.
fn first_line(text: &str) -> &str {
    text.strip_suffix("\r\n")
        .or_else(|| text.strip_suffix('\n'))
        .unwrap_or(text)
}

fn variable(name: &str) -> Option<SecretString> {
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .map(SecretString::from)
}

fn prompt(
    what: &'static str,
    question: &str,
    variable: &'static str,
    confirm: bool,
) -> Result<SecretString, PassphraseError> {
    let ask = |question: String| {
        rpassword::prompt_password(question)
            .map(SecretString::from)
            .map_err(|source| PassphraseError::NoTerminal {
                what,
                variable,
                source,
            })
    };
    let first = ask(format!("{question}: "))?;
    if confirm {
        let second = ask(format!("{question}, once more: "))?;
        if first.expose_secret() != second.expose_secret() {
            return Err(PassphraseError::Differ);
        }
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_file(content: &str, confirm: bool) -> Result<SecretString, PassphraseError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passphrase");
        fs::write(&path, content).unwrap();
        passphrase(
            &PassphraseArgs {
                passphrase_file: Some(path),
            },
            confirm,
        )
    }

    #[test]
    fn a_file_gives_its_passphrase_without_the_line_end() {
        for content in [
            "correct horse battery",
            "correct horse battery\n",
            "correct horse battery\r\n",
        ] {
            let got = from_file(content, true).unwrap();
            assert_eq!(got.expose_secret(), "correct horse battery");
        }
        assert_eq!(
            from_file(" spaces count \n", false).unwrap().expose_secret(),
            " spaces count "
        );
    }

    #[test]
    fn only_a_new_passphrase_must_be_long() {
        assert!(from_file("short", false).is_ok());
        assert!(matches!(from_file("short", true), Err(PassphraseError::TooShort)));
        assert!(matches!(
            from_file("\n", false),
            Err(PassphraseError::Empty { .. })
        ));
    }

    #[test]
    fn a_missing_file_is_named() {
        let args = PassphraseArgs {
            passphrase_file: Some(PathBuf::from("/nonexistent/passphrase")),
        };
        let error = passphrase(&args, false).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/passphrase"), "{error}");
    }
}
