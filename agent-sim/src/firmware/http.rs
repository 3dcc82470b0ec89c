//! The bulk listener over HTTPS with mutual TLS, with ranges.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::{StatusCode, header, redirect::Policy};
use rustls::ClientConfig;
use tough::async_trait;

use super::fetch::{Body, Fetch, FetchError};

/// How long a connection may take, and how long it may stay silent. A download as a whole may take as long as it takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait when a server says "later" without saying when, and the most it may say.
const LATER: Duration = Duration::from_secs(10);
const LATEST: Duration = Duration::from_mins(10);

/// The listener.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    /// `https://host:port`, without a slash at the end.
    base: String,
}

impl Http {
    /// Prepares; nothing is sent yet.
    ///
    /// # Errors
    /// [`FetchError::Refused`] when TLS can not be used like that.
    pub(crate) fn new(base: &str, tls: ClientConfig) -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .build()
            .map_err(|error| FetchError::Refused {
                path: base.to_owned(),
                problem: error.to_string(),
            })?;
        Ok(Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
        })
    }
}

#[async_trait]
impl Fetch for Http {
    async fn get(&self, path: &str, from: u64) -> Result<Body, FetchError> {
        let broken = {
            let path = path.to_owned();
            move |error: reqwest::Error| FetchError::Broken {
                path: path.clone(),
                problem: error.without_url().to_string(),
            }
        };
        let refused = |problem: String| FetchError::Refused {
            path: path.to_owned(),
            problem,
        };
        let mut request = self.client.get(format!("{}{path}", self.base));
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        let response = request.send().await.map_err(&broken)?;
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::trim)
        };
        let begins = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT => header(header::CONTENT_RANGE)
                .and_then(|range| first_byte(range, from))
                .ok_or_else(|| refused("the range that came is not the one that was asked for".to_owned()))?,
            StatusCode::NOT_FOUND => {
                return Err(FetchError::NotFound {
                    path: path.to_owned(),
                });
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let after = header(header::RETRY_AFTER)
                    .and_then(|seconds| seconds.parse().ok())
                    .map_or(LATER, Duration::from_secs);
                return Err(FetchError::Later {
                    path: path.to_owned(),
                    after: after.clamp(Duration::from_secs(1), LATEST),
                });
            }
            other => return Err(refused(format!("the server answered {other}"))),
        };
        let chunks = stream::unfold(Some(response), move |response| {
            let broken = broken.clone();
            async move {
                let mut response = response?;
                match response.chunk().await {
                    Ok(Some(bytes)) => Some((Ok(bytes), Some(response))),
                    Ok(None) => None,
                    Err(error) => Some((Err(broken(error)), None)),
                }
            }
        });
        Ok(Body {
            from: begins,
            chunks: chunks.boxed(),
        })
    }
}

/// The first byte of `bytes 100-199/1000` (RFC 9110, section 14.4), unless it lies behind what was asked for.
fn first_byte(range: &str, asked: u64) -> Option<u64> {
    let (first, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    first.trim().parse().ok().filter(|first| *first <= asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_of_a_range() {
        let check = |range: &str, first| assert_eq!(first_byte(range, 100), first, "{range}");
        check("bytes 100-199/1000", Some(100));
        check("bytes 0-0/*", Some(0));
        check("bytes 101-199/1000", None);
        check("bytes */1000", None);
        check("lines 1-2/3", None);
        check("bytes 99999999999999999999999-1/2", None);
    }
}
