//! The one place that asks what time it is. Everything else is handed a clock, so that a test can set it.

use std::{fmt, sync::Arc, time::Duration};

use fleet::Timestamp;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;

/// A source of the present instant, in UTC.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that may")]
        Self(Arc::new(chrono::Utc::now))
    }

    /// Any other source: a fixed instant, or one that a test moves.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }

    /// The same clock as a plain function, for parts that know nothing of this crate.
    #[must_use]
    pub fn as_fn(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        Arc::clone(&self.0)
    }
}

impl TimeProvider for Clock {
    /// The TLS listeners judge validity by the same clock as everything else.
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.now().timestamp()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
