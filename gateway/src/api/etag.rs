//! Edits name the version they were made from (RFC 9110, sections 8.8.3 and 13.1.1), so that nobody overwrites what
//! they have not seen.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};

use super::problem::{Problem, ProblemCode};

/// The row version in `If-Match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IfMatch(pub(super) i64);

/// The entity tag of a record.
#[must_use]
pub(super) fn etag(row_version: i64) -> (header::HeaderName, String) {
    (header::ETAG, format!("\"{row_version}\""))
}

impl IfMatch {
    fn read(value: Option<&header::HeaderValue>) -> Result<Self, Problem> {
        let Some(value) = value else {
            return Err(Problem::new(
                ProblemCode::PreconditionRequired,
                "send `If-Match` with the ETag of the record as you read it",
            ));
        };
        value
            .to_str()
            .ok()
            .and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok())
            .map(Self)
            .ok_or_else(|| {
                Problem::new(
                    ProblemCode::MalformedHeader,
                    "`If-Match` must be the ETag of the record as you read it, one number in quotes",
                )
            })
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.headers().get(header::IF_MATCH)))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_a_tag_of_ours_is_read() {
        let check = |value: Option<&'static str>, expected: Result<i64, ProblemCode>| {
            let value = value.map(HeaderValue::from_static);
            let got = IfMatch::read(value.as_ref())
                .map(|version| version.0)
                .map_err(|p| p.code());
            assert_eq!(got, expected, "{value:?}");
        };
        check(Some("\"7\""), Ok(7));
        check(Some(" \"7\" "), Ok(7));
        check(None, Err(ProblemCode::PreconditionRequired));
        for refused in ["7", "*", "W/\"7\"", "\"7\", \"8\"", "\"", "\"\"", "\"seven\""] {
            check(Some(refused), Err(ProblemCode::MalformedHeader));
        }
        assert_eq!(etag(7).1, "\"7\"");
    }
}
