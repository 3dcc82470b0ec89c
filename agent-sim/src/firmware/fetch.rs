//! How bytes come to the pump: one question, so that tests answer it without a network.

use std::{fmt::Debug, time::Duration};

use futures_util::{StreamExt, stream::BoxStream};
use thiserror::Error;
use tough::{Bytes, async_trait};

/// Why nothing came, or not all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum FetchError {
    #[error("{path} is not there")]
    NotFound { path: String },
    /// The server asks for patience.
    #[error("{path}: the server asks to come again in {} s", .after.as_secs())]
    Later { path: String, after: Duration },
    /// The server will not, or answers nonsense.
    #[error("{path}: {problem}")]
    Refused { path: String, problem: String },
    /// The connection could not be made, or broke off.
    #[error("{path}: {problem}")]
    Broken { path: String, problem: String },
    #[error("{path} is larger than {max} bytes")]
    TooLarge { path: String, max: usize },
}

impl FetchError {
    /// Whether the same question may be answered in a while.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::Later { .. } | Self::Broken { .. } => true,
            Self::NotFound { .. } | Self::Refused { .. } | Self::TooLarge { .. } => false,
        }
    }
}

/// What comes.
pub(crate) struct Body {
    /// Where it begins. A server that does not know ranges begins at 0, whatever was asked.
    pub(crate) from: u64,
    pub(crate) chunks: BoxStream<'static, Result<Bytes, FetchError>>,
}

/// A server with files.
#[async_trait]
pub(crate) trait Fetch: Debug + Send + Sync {
    /// Asks for a file from a byte on.
    async fn get(&self, path: &str, from: u64) -> Result<Body, FetchError>;
}

/// A whole small file.
///
/// # Errors
/// [`FetchError`]; [`FetchError::TooLarge`] beyond `max` bytes.
pub(crate) async fn whole(fetch: &dyn Fetch, path: &str, max: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = fetch.get(path, 0).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunks.next().await {
        let chunk = chunk?;
        if bytes.len() + chunk.len() > max {
            return Err(FetchError::TooLarge {
                path: path.to_owned(),
                max,
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
