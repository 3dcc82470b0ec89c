//! The staff API over HTTPS: one call in, one JSON value or one [`Cause`] out.

use std::{error::Error, fmt, io, time::Duration};

use reqwest::{
    Certificate, Method, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue, IF_MATCH},
    redirect,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::error::{Cause, Problem};

/// Silence for so long is no answer.
const SILENCE: Duration = Duration::from_mins(1);
/// A whole repository has to arrive and be checked before there is an answer.
const LONG_SILENCE: Duration = Duration::from_hours(2);

/// Below this path is the API.
const BASE: [&str; 2] = ["api", "v1"];

/// One call of the API. Its body may hold a password, so it can not be printed.
#[derive(Clone)]
pub struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Body,
    identity: Identity,
    if_match: Option<i64>,
}

#[derive(Clone)]
enum Body {
    None,
    Json(Value),
    Csv(Vec<u8>),
    Octets(Vec<u8>),
}

/// Who calls.
#[derive(Clone)]
enum Identity {
    /// The holder of the token.
    Token,
    /// Anybody.
    Anybody,
}

impl Call {
    fn new<S: Into<String>>(method: Method, path: impl IntoIterator<Item = S>) -> Self {
        Self {
            method,
            path: path.into_iter().map(Into::into).collect(),
            query: Vec::new(),
            body: Body::None,
            identity: Identity::Token,
            if_match: None,
        }
    }

    /// Reads. The path comes in segments, so that nothing in a name can lead elsewhere.
    #[must_use]
    pub fn get<S: Into<String>>(path: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Creates, or does something.
    #[must_use]
    pub fn post<S: Into<String>>(path: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::POST, path)
    }

    /// Replaces.
    #[must_use]
    pub fn put<S: Into<String>>(path: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// Edits.
    #[must_use]
    pub fn patch<S: Into<String>>(path: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// Removes.
    #[must_use]
    pub fn delete<S: Into<String>>(path: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Adds a parameter.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.query.push((name, format!("{value}")));
        self
    }

    /// Adds a parameter if there is one.
    #[must_use]
    pub fn query_if(self, name: &'static str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sends a JSON document.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Sends a CSV file.
    #[must_use]
    pub fn csv(mut self, body: Vec<u8>) -> Self {
        self.body = Body::Csv(body);
        self
    }

    /// Sends bytes as they are.
    #[must_use]
    pub fn octets(mut self, body: Vec<u8>) -> Self {
        self.body = Body::Octets(body);
        self
    }

    /// Edits only what is still at this version.
    #[must_use]
    pub fn if_match(mut self, row_version: Option<i64>) -> Self {
        self.if_match = row_version;
        self
    }

    /// Calls as nobody in particular.
    #[must_use]
    pub fn by_anybody(mut self) -> Self {
        self.identity = Identity::Anybody;
        self
    }
}

/// A line to the gateway.
pub struct Client {
    http: reqwest::Client,
    url: Url,
    token: Option<SecretString>,
}

impl Client {
    /// Prepares a line; nothing is sent yet. With `roots` (PEM) only they are trusted, otherwise what this machine trusts.
    ///
    /// # Errors
    /// [`Cause::Usage`] when the address or the roots can not be used.
    pub fn new(url: Url, roots: Option<&[u8]>, token: Option<SecretString>) -> Result<Self, Cause> {
        Self::with_silence(url, roots, token, SILENCE)
    }

    /// A line over which something large is sent: it waits for the answer until everything has arrived and was looked at.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn patient(url: Url, roots: Option<&[u8]>, token: Option<SecretString>) -> Result<Self, Cause> {
        Self::with_silence(url, roots, token, LONG_SILENCE)
    }

    fn with_silence(
        url: Url,
        roots: Option<&[u8]>,
        token: Option<SecretString>,
        silence: Duration,
    ) -> Result<Self, Cause> {
        let unusable = |why: String, remedy| Cause::Usage { why, remedy };
        if url.scheme() != "https" || url.cannot_be_a_base() || url.host_str().is_none() {
            return Err(unusable(
                format!("`{url}` is no address of a gateway"),
                "give one that begins with https://",
            ));
        }
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pump-gateway-cli/", env!("CARGO_PKG_VERSION")))
            .https_only(true)
            // The token goes to the address a person gave, and nowhere else.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(silence);
        if let Some(pem) = roots {
            let remedy = "give a PEM file with the gateway's root certificate";
            let certificates = Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|certificates| !certificates.is_empty())
                .ok_or_else(|| unusable("the root certificate is not PEM".to_owned(), remedy))?;
            builder = builder.tls_certs_only(certificates);
        }
        let http = builder.build().map_err(|error| {
            unusable(
                format!("TLS can not be set up: {}", innermost(&error)),
                "check --ca",
            )
        })?;
        Ok(Self { http, url, token })
    }

    /// Makes a call and reads its JSON answer; an empty one is `null`.
    ///
    /// # Errors
    /// [`Cause`]: refused, unreachable, not trusted, not understood, or no token.
    pub async fn json(&self, call: &Call) -> Result<Value, Cause> {
        self.read(self.respond(self.request(call)?).await?).await
    }

    /// Makes a call with bytes that come as they are sent, and reads its JSON answer.
    ///
    /// # Errors
    /// As [`Client::json`].
    pub async fn upload(&self, call: &Call, body: reqwest::Body) -> Result<Value, Cause> {
        let octets = HeaderValue::from_static("application/octet-stream");
        let request = self.request(call)?.header(CONTENT_TYPE, octets).body(body);
        self.read(self.respond(request).await?).await
    }

    async fn read(&self, response: Response) -> Result<Value, Cause> {
        let empty = response.status() == StatusCode::NO_CONTENT;
        let body = response.bytes().await.map_err(|error| self.broken(&error))?;
        if empty || body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| Cause::Unreadable(error.to_string()))
    }

    /// Makes a call and hands on the bytes of its answer as they come.
    ///
    /// # Errors
    /// As [`Client::json`], and [`Cause::Output`] when they can not be taken.
    pub async fn bytes(
        &self,
        call: &Call,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Cause> {
        let mut response = self.respond(self.request(call)?).await?;
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error))? {
            take(&chunk)?;
        }
        Ok(())
    }

    async fn respond(&self, request: RequestBuilder) -> Result<Response, Cause> {
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.bytes().await.unwrap_or_default();
        // Something in between may answer in another language; its status still tells.
        let mut problem: Box<Problem> = serde_json::from_slice(&body).unwrap_or_default();
        problem.status = status.as_u16();
        if problem.detail.is_empty() && problem.title.is_empty() {
            problem.title = format!("the gateway answered {status}");
        }
        Err(Cause::Refused(problem))
    }

    fn request(&self, call: &Call) -> Result<RequestBuilder, Cause> {
        let mut request = self
            .http
            .request(call.method.clone(), address(&self.url, call))
            .header(
                ACCEPT,
                HeaderValue::from_static("application/json, text/csv, application/problem+json"),
            );
        request = match &call.identity {
            Identity::Token => {
                let token = self.token.as_ref().ok_or(Cause::NoToken)?;
                request.bearer_auth(token.expose_secret())
            }
            Identity::Anybody => request,
        };
        if let Some(version) = call.if_match {
            request = request.header(IF_MATCH, format!("\"{version}\""));
        }
        Ok(match &call.body {
            Body::None => request,
            Body::Json(value) => request.json(value),
            Body::Csv(bytes) => request
                .header(CONTENT_TYPE, HeaderValue::from_static("text/csv"))
                .body(bytes.clone()),
            Body::Octets(bytes) => request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
                .body(bytes.clone()),
        })
    }

    /// Tells a line that does not come about from a gateway that is not ours and from one that falls silent.
    fn broken(&self, error: &reqwest::Error) -> Cause {
        let url = self.url.origin().ascii_serialization();
        if let Some(tls) = tls_error(error) {
            return Cause::Untrusted {
                url,
                reason: tls.to_string(),
            };
        }
        let reason = innermost(error);
        if error.is_connect() || error.is_timeout() || error.is_request() || error.is_body() {
            Cause::Unreachable { url, reason }
        } else {
            Cause::Unreadable(reason)
        }
    }
}

fn address(base: &Url, call: &Call) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(BASE).extend(&call.path);
    }
    if !call.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&call.query);
    }
    url
}

/// The error at the bottom of a chain is the one that says something.
fn innermost(error: &dyn Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// What TLS found wrong, if it was TLS. An `io::Error` hides the error inside it from `source()`.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        let inside: Option<&'a (dyn Error + 'static)> = current
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn Error + 'static));
        next = inside.or_else(|| current.source());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> Url {
        url.parse().unwrap()
    }

    #[test]
    fn names_stay_inside_their_segment() {
        let check = |url: &str, call: &Call, expected: &str| {
            assert_eq!(address(&base(url), call).as_str(), expected);
        };
        check(
            "https://gw:8443",
            &Call::get(["pumps"]),
            "https://gw:8443/api/v1/pumps",
        );
        check(
            "https://gw:8443/",
            &Call::get(["pumps"]),
            "https://gw:8443/api/v1/pumps",
        );
        check(
            "https://gw/behind/?x=1#y",
            &Call::get(["pumps"]),
            "https://gw/behind/api/v1/pumps",
        );
        check(
            "https://gw",
            &Call::post(["certificates", "a/../b?c#d", "revoke"]),
            "https://gw/api/v1/certificates/a%2F..%2Fb%3Fc%23d/revoke",
        );
        check(
            "https://gw",
            &Call::get(["pumps", "find"]).query("q", "A&B=C 💉"),
            "https://gw/api/v1/pumps/find?q=A%26B%3DC+%F0%9F%92%89",
        );
    }

    #[test]
    fn a_token_never_travels_in_the_clear() {
        for url in ["http://127.0.0.1:8443", "file:///etc/passwd", "data:text/plain,x"] {
            assert!(
                matches!(Client::new(base(url), None, None), Err(Cause::Usage { .. })),
                "{url}"
            );
        }
    }

    #[test]
    fn roots_that_are_none_are_refused() {
        let made = Client::new(base("https://gw"), Some(b"no certificate here"), None);
        assert!(matches!(made, Err(Cause::Usage { .. })));
    }

    #[test]
    fn a_call_without_a_token_is_not_even_made() {
        let client = Client::new(base("https://gw"), None, None).unwrap();
        assert!(matches!(
            client.request(&Call::get(["pumps"])),
            Err(Cause::NoToken)
        ));
        assert!(client.request(&Call::get(["openapi.json"]).by_anybody()).is_ok());
    }

    #[tokio::test]
    async fn a_gateway_that_is_not_there_is_unreachable() {
        // A port that was free a moment ago, on loopback.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let url = base(&format!("https://127.0.0.1:{port}"));
        let client = Client::new(url, None, None).unwrap();
        let cause = client
            .json(&Call::get(["openapi.json"]).by_anybody())
            .await
            .unwrap_err();
        assert!(matches!(cause, Cause::Unreachable { .. }), "{cause:?}");
    }

    #[test]
    fn what_tls_found_is_found_inside_an_io_error() {
        let inner = rustls::Error::General("expired".to_owned());
        let outer = io::Error::other(io::Error::other(inner));
        assert!(tls_error(&outer).is_some());
        assert!(tls_error(&io::Error::other("refused")).is_none());
    }
}
