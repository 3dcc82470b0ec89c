//! Enrolment over secure transport (RFC 7030): the first certificate with a one-time token, every later one with the certificate before.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::KeyPair;
use reqwest::{RequestBuilder, Response, StatusCode, header, redirect::Policy};
use rustls_pki_types::CertificateDer;
use thiserror::Error;
use wire::{bulk, types::SerialNumber};

use super::{Identity, IdentityError, Pkcs7Error, Trust, TrustError, keys, pkcs7};

/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 256 * 1024;
/// How long to wait when a server says "later" without saying when, and the bounds of what it may say.
const LATER: Duration = Duration::from_secs(30);
const LATEST: Duration = Duration::from_hours(1);

/// An exchange that brought no certificate.
#[derive(Debug, Error)]
pub enum EstError {
    /// The server could not be reached, or the exchange broke off.
    #[error("{} {path} failed: {}", if *.post { "POST" } else { "GET" }, because(.source))]
    Transport {
        post: bool,
        path: &'static str,
        source: reqwest::Error,
    },
    /// The request is being looked at (202, RFC 7030 section 4.2.3).
    #[error("the request is waiting for somebody; asking again in {} s", .after.as_secs())]
    Pending { after: Duration },
    /// The server will not.
    #[error("refused with {status}: {reason}")]
    Refused { status: u16, reason: String },
    /// The answer is larger than any chain of certificates.
    #[error("the answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
    /// The answer can not be read.
    #[error(transparent)]
    Answer(#[from] Pkcs7Error),
    /// The certificate is not for us, or our key can not be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// TLS can not be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl EstError {
    /// How long to wait, if the server said so.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Pending { after } => Some(*after),
            _ => None,
        }
    }

    /// Whether the server answered and said no: asking again soon changes nothing.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

/// The innermost cause, which is where a TLS alert or a refused connection is named.
fn because(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// What enrolment brought.
#[derive(Debug)]
pub struct Issued {
    /// The pump's certificate, and what came with it.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The roots that the server names now.
    pub anchors: Vec<CertificateDer<'static>>,
}

/// One EST server.
#[derive(Debug, Clone)]
pub struct EstClient {
    /// `https://host:port`, without a slash at the end.
    base: String,
    trust: Arc<Trust>,
}

impl EstClient {
    /// A client for `https://host:port`.
    #[must_use]
    pub fn new(base: &str, trust: Arc<Trust>) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            trust,
        }
    }

    /// Asks for the first certificate of a key. The token travels in the Authorization header only.
    ///
    /// # Errors
    /// [`EstError`].
    pub async fn enrol(
        &self,
        serial: &SerialNumber,
        token: &str,
        key: &KeyPair,
        learned: &[CertificateDer<'static>],
    ) -> Result<Issued, EstError> {
        let http = self.http(learned, None)?;
        let request = self.request(&http, bulk::SIMPLEENROLL, key)?;
        let request = request.basic_auth(serial.as_str(), Some(token));
        self.issue(&http, bulk::SIMPLEENROLL, request).await
    }

    /// Asks for the next certificate, for a new key, with the present identity.
    ///
    /// # Errors
    /// [`EstError`].
    pub async fn renew(
        &self,
        identity: &Identity,
        key: &KeyPair,
        learned: &[CertificateDer<'static>],
    ) -> Result<Issued, EstError> {
        let http = self.http(learned, Some(identity))?;
        let request = self.request(&http, bulk::SIMPLEREENROLL, key)?;
        self.issue(&http, bulk::SIMPLEREENROLL, request).await
    }

    fn http(
        &self,
        learned: &[CertificateDer<'static>],
        identity: Option<&Identity>,
    ) -> Result<reqwest::Client, EstError> {
        let tls = self.trust.client(learned, identity)?;
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .build()
            .map_err(|source| EstError::Transport {
                post: false,
                path: bulk::CACERTS,
                source,
            })
    }

    fn request(
        &self,
        http: &reqwest::Client,
        path: &'static str,
        key: &KeyPair,
    ) -> Result<RequestBuilder, EstError> {
        let body = BASE64_STANDARD.encode(keys::signing_request(key)?);
        Ok(http
            .post(format!("{}{path}", self.base))
            .header(header::CONTENT_TYPE, bulk::PKCS10)
            .header("Content-Transfer-Encoding", "base64")
            .body(body))
    }

    /// Roots first: they come through a channel that is already trusted, and a certificate is worth little without them.
    async fn issue(
        &self,
        http: &reqwest::Client,
        path: &'static str,
        request: RequestBuilder,
    ) -> Result<Issued, EstError> {
        let answer = send(
            false,
            bulk::CACERTS,
            http.get(format!("{}{}", self.base, bulk::CACERTS)),
        )
        .await?;
        let anchors = keys::self_signed(pkcs7::certificates(&answer)?)?;
        let answer = send(true, path, request).await?;
        Ok(Issued {
            certificates: pkcs7::certificates(&answer)?,
            anchors,
        })
    }
}

async fn send(post: bool, path: &'static str, request: RequestBuilder) -> Result<Vec<u8>, EstError> {
    let transport = |source: reqwest::Error| EstError::Transport {
        post,
        path,
        source: source.without_url(),
    };
    let mut response = request.send().await.map_err(transport)?;
    let status = response.status();
    let after = retry_after(&response);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(EstError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    match status {
        StatusCode::OK => Ok(body),
        StatusCode::ACCEPTED | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Err(EstError::Pending { after })
        }
        _ => Err(EstError::Refused {
            status: status.as_u16(),
            reason: printable(&body),
        }),
    }
}

/// The seconds of `Retry-After`, within reason; its other form, a date, would need a right clock.
fn retry_after(response: &Response) -> Duration {
    response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse().ok())
        .map_or(LATER, Duration::from_secs)
        .clamp(Duration::from_secs(1), LATEST)
}

/// What a server says in refusing, cut and without control characters: it goes into logs.
fn printable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..400).unwrap_or(body));
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_printable_line() {
        assert_eq!(
            printable(b"no:\r\n\x1b[31mtoken\xff used"),
            "no: [31mtoken\u{fffd} used"
        );
        assert_eq!(printable(&[b'a'; 1000]).len(), 400);
    }
}
