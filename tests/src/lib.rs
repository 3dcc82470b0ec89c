//! What the end-to-end tests stand on: a real gateway in a temporary directory, a client of its API, pumps whose keys and
//! certificates come from stock tools, and waiting for a condition instead of for a time.
//!
//! Every test brings up its own, on free ports; nothing is shared and nothing is left behind.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "tests"
)]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod api;
pub mod browser;
mod hospital;
mod process;
mod pump;
pub mod rollout;
mod tools;

use std::{
    future::Future,
    time::{Duration, Instant},
};

pub use api::{Answer, Api, PASSWORD, send};
pub use hospital::{Hospital, Options};
pub use process::{GatewayProcess, binary};
pub use pump::{Enrolled, Key, NotIssued, est};
pub use tools::{Output, python, run, run_with_input};

/// The longest that any condition may take to become true on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none within [`PATIENCE`].
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "still not so after {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
