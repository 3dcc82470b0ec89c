//! What all forms have in common.

use actix_web::{error::UrlencodedError, web::FormConfig};

use super::words::Told;
use crate::api::problem::{Problem, ProblemCode};

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
