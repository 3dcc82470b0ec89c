//! What all forms have in common: how they are read, that each is done once, and that none overwrites what its sender never saw.

use std::fmt;

use actix_web::{error::UrlencodedError, http::StatusCode, web::FormConfig};
use askama::Template;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};
use store::IdempotencyRecord;

use super::{Answer, Web, gate::Visitor, page as rendered, words::Told};
use crate::{
    api::{
        idempotency::REMEMBERED,
        problem::{Problem, ProblemCode},
    },
    app::App,
    fresh,
};

/// No form is larger, in bytes; photographs are sent in another way.
const FORM_MAX: usize = 64 * 1024;

/// How forms are read.
pub(super) fn config() -> FormConfig {
    FormConfig::default()
        .limit(FORM_MAX)
        .error_handler(|error, _| refused(&error).into())
}

fn refused(error: &UrlencodedError) -> Problem {
    let code = match error {
        UrlencodedError::Overflow { .. } => ProblemCode::PayloadTooLarge,
        UrlencodedError::ContentType => ProblemCode::UnsupportedMediaType,
        _ => ProblemCode::MalformedBody,
    };
    Problem::new(code, "the form could not be read")
}

/// A path on this very host, fit to go on to. Whatever could lead elsewhere is none: another scheme, `//host`, a backslash that a
/// browser reads as a slash, a control character that it leaves out.
pub(super) fn here(path: &str) -> Option<&str> {
    let own = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 512
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    own.then_some(path)
}

/// What is said above a form that came back.
pub(super) type Note = Option<Told>;

/// A form again, with what went wrong above it and under the status of that.
pub(super) fn again(page: &impl Template, problem: &Problem) -> Answer {
    let mut answer = rendered(page)?;
    *answer.status_mut() = problem.code().status();
    Ok(answer)
}

/// A field that must not be printed.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// A field that is not in this form.
pub(super) fn no_secret() -> SecretString {
    SecretString::from(String::new())
}

/// A secret, unless its field was left empty.
pub(super) fn given(text: &SecretString) -> Option<SecretString> {
    (!text.expose_secret().is_empty()).then(|| text.clone())
}

/// The number of a form, drawn when it is shown. What is sent under one is done once: a second click, a page loaded anew, a line
/// that broke before the answer came lead on to where the first led.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct Token(String);

impl Token {
    /// No number is longer.
    const MAX: usize = 64;

    /// Of a form that is shown now.
    pub(super) fn fresh() -> Self {
        Self(fresh::secret::<24>().expose_secret().to_owned())
    }

    /// The key that it is remembered by. No key of the API has a space in it.
    fn key(&self) -> Result<String, Problem> {
        let fits =
            (8..=Self::MAX).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            Ok(format!("form {}", self.0))
        } else {
            Err(Problem::new(
                ProblemCode::MalformedBody,
                "the form came without its number",
            ))
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Does what a form asks for once. `said` is what was filled in, without secrets; `work` says where it goes on.
///
/// A form with a secret is none for this: not even a hash of it is kept. Signing is safe to repeat as it is.
///
/// # Errors
/// [`ProblemCode::IdempotencyMismatch`], [`ProblemCode::IdempotencyUnfinished`], and the work's own: what was refused was not
/// done, and can be sent again.
pub(super) async fn once<E: Into<Problem> + Send + 'static>(
    web: &Web,
    visitor: &Visitor,
    token: &Token,
    said: &[&str],
    work: impl FnOnce(&App) -> Result<String, E> + Send + 'static,
) -> Result<String, Problem> {
    let name = token.key()?;
    let mut hash = Sha256::new();
    for text in [visitor.page.path()].iter().chain(said) {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    let record = IdempotencyRecord {
        account: visitor.caller.identified.principal.account,
        name,
        request_hash: hash.finalize().into(),
        at: web.app().now(),
        status: None,
        content_type: None,
        body: None,
    };
    web.run(move |app| {
        let before = app.store.write(|db| {
            db.idempotency_forget(record.at - REMEMBERED)?;
            db.idempotency_begin(&record)
        })?;
        match before {
            None => {}
            Some(before) if before.request_hash != record.request_hash => {
                return Err(Problem::new(ProblemCode::IdempotencyMismatch, ""));
            }
            Some(IdempotencyRecord { body: Some(path), .. }) => return Ok(path),
            Some(_) => return Err(Problem::new(ProblemCode::IdempotencyUnfinished, "")),
        }
        match work(app) {
            Ok(path) => {
                let status = StatusCode::SEE_OTHER.as_u16();
                let kept = app.store.write(|db| {
                    db.idempotency_finish(record.account, &record.name, status, None, Some(&path))
                });
                if let Err(error) = kept {
                    // The number stays taken: never twice.
                    tracing::error!(%error, "where a form led on to could not be kept");
                }
                Ok(path)
            }
            Err(refusal) => {
                let problem: Problem = refusal.into();
                if !problem.code().status().is_server_error() {
                    app.store
                        .write(|db| db.idempotency_release(record.account, &record.name))?;
                }
                Err(problem)
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for path in ["/", "/overview", "/areas/4%20West?show=held", "/a/../b"] {
            assert_eq!(here(path), Some(path));
        }
        let long = format!("/{}", "x".repeat(600));
        for path in [
            "",
            "overview",
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "\\/evil",
            "javascript:alert(1)",
            "/ x",
            "/\u{202e}",
            &long,
        ] {
            assert_eq!(here(path), None, "{path}");
        }
    }
}
