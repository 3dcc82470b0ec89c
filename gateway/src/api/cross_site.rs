//! Requests that another site makes a browser send, with the person's own cookie (CSRF).
//!
//! The cookie is `SameSite=Strict`, and browsers say where a request comes from: `Sec-Fetch-Site` (Fetch Metadata), or at
//! least `Origin` (RFC 6454) with everything but reading. A request that changes something and carries the cookie must say
//! one of them, and it must be this very host: a sibling host of the same site is another. Programs send no cookie and
//! are not asked.

use actix_web::{
    dev::RequestHead,
    http::{Method, header},
};

use super::problem::{Problem, ProblemCode};

/// What is known of who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A browser that sent our cookie.
    Cookie,
    /// Nobody yet: somebody signs in. Whoever says to come from another site is refused, so that nobody is signed in as
    /// somebody else; a program says nothing.
    Unknown,
}

const fn only_reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a request may have been made by this gateway's own pages.
///
/// # Errors
/// [`ProblemCode::CrossSite`].
pub(crate) fn check(request: &RequestHead, sender: Sender) -> Result<(), Problem> {
    if only_reads(&request.method) {
        return Ok(());
    }
    let text = |name| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or("?"))
    };
    let site = text(header::HeaderName::from_static("sec-fetch-site"));
    let origin = text(header::ORIGIN);
    let host = text(header::HOST).or_else(|| request.uri.authority().map(|authority| authority.as_str()));
    let from_here = match (site, origin) {
        (Some(site), _) if site != "same-origin" => false,
        // Our pages name no page to anybody (`Referrer-Policy: no-referrer`), and a browser then sends their forms with an origin of
        // `null` (Fetch, section 3.2). Where it says in the other header that they are from here, they are.
        (Some(_), None | Some("null")) => true,
        (_, Some(origin)) => host.is_some_and(|host| origin == format!("https://{host}")),
        (None, None) => sender == Sender::Unknown,
    };
    if from_here {
        Ok(())
    } else {
        Err(Problem::new(
            ProblemCode::CrossSite,
            "the request came from another site; use the gateway's own pages, or send the secret in `Authorization`",
        ))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_this_host_may_use_the_cookie() {
        let check = |headers: &[(&'static str, &'static str)], by_cookie: bool, by_nobody: bool| {
            let mut request = TestRequest::post().uri("/api/v1/sessions");
            for header in headers {
                request = request.insert_header(*header);
            }
            let request = request.to_srv_request();
            let answers =
                [Sender::Cookie, Sender::Unknown].map(|sender| check(request.head(), sender).is_ok());
            assert_eq!(answers, [by_cookie, by_nobody], "{headers:?}");
        };
        let host = ("host", "gw.example:8443");
        check(&[host, ("sec-fetch-site", "same-origin")], true, true);
        check(&[host, ("origin", "https://gw.example:8443")], true, true);
        check(
            &[
                host,
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://gw.example:8443"),
            ],
            true,
            true,
        );
        // A form of a page that names itself to nobody.
        check(
            &[host, ("sec-fetch-site", "same-origin"), ("origin", "null")],
            true,
            true,
        );
        // A cross-site form, a fetch, a subdomain, a sandboxed frame, plain HTTP, another port.
        check(&[host, ("sec-fetch-site", "cross-site")], false, false);
        check(&[host, ("sec-fetch-site", "same-site")], false, false);
        check(&[host, ("sec-fetch-site", "none")], false, false);
        check(&[host, ("origin", "https://evil.example")], false, false);
        check(&[host, ("origin", "https://ward.gw.example:8443")], false, false);
        check(&[host, ("origin", "null")], false, false);
        check(
            &[host, ("sec-fetch-site", "cross-site"), ("origin", "null")],
            false,
            false,
        );
        check(&[host, ("origin", "http://gw.example:8443")], false, false);
        check(&[host, ("origin", "https://gw.example")], false, false);
        check(
            &[
                host,
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://evil.example"),
            ],
            false,
            false,
        );
        check(&[("origin", "https://gw.example:8443")], false, false);
        // An old browser, or a program.
        check(&[host], false, true);
    }

    #[test]
    fn reading_changes_nothing_and_is_not_asked() {
        let request = TestRequest::get()
            .insert_header(("origin", "https://evil.example"))
            .to_srv_request();
        assert!(check(request.head(), Sender::Cookie).is_ok());
    }
}
