//! The audit trail on its way to others: a file that a collector reads, a syslog receiver over TLS.
//!
//! Each way has a bookmark in the database, which moves when a piece was written and flushed: nothing is skipped, whatever
//! breaks. Syslog has no acknowledgement, so what was sent last on a connection that broke is sent again; the number of an
//! entry tells a receiver what it has. Neither way ever holds up or fails what the gateway does.

mod file;
mod tls;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use fleet::audit::ExportLine;
use store::{Store, StoreError};
use thiserror::Error;
use tokio::{sync::watch, task::JoinHandle};

use super::syslog::Sender;
use crate::config::Audit;

/// So many entries are sent at once.
const PIECE: u32 = 500;
/// How often it is looked whether there is something to send.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The first wait after a failure; each one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why entries could not be sent on. It is tried again.
#[derive(Debug, Error)]
pub enum ForwardError {
    /// The record could not be read.
    #[error("reading the audit trail: {0}")]
    Store(#[from] StoreError),
    /// An entry does not fit the record.
    #[error("audit entry {number} was altered ({detail}) and is not sent on; run `gateway audit verify`")]
    Altered { number: i64, detail: String },
    /// The file or the connection.
    #[error("{doing}: {source}")]
    Io { doing: String, source: std::io::Error },
    /// What was configured can not be used.
    #[error("{what}: {why}")]
    Setup { what: String, why: String },
}

impl ForwardError {
    fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// How far a way is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Entries that were sent on since the start.
    pub sent: AtomicU64,
    /// Attempts that failed since the start.
    pub failures: AtomicU64,
    /// Entries that were not sent on yet.
    pub behind: AtomicI64,
}

/// A way out.
trait Way: Send + 'static {
    /// Its name: in the log, in the metrics, and of its bookmark.
    fn name(&self) -> &'static str;

    /// Writes entries and flushes them.
    fn send(&mut self, lines: &[ExportLine]) -> impl Future<Output = Result<(), ForwardError>> + Send;

    /// Looks whether what was sent before may be lost, while there is nothing new to send.
    fn look(&mut self) -> impl Future<Output = Result<(), ForwardError>> + Send {
        std::future::ready(Ok(()))
    }

    /// How many of the entries before the bookmark may be lost, now that something broke.
    fn uncertain(&self) -> i64;
}

/// The ways that were configured, each running by itself.
#[derive(Debug, Default)]
pub struct Forwarding {
    /// By name.
    pub progress: Vec<(&'static str, Arc<Progress>)>,
    tasks: Vec<JoinHandle<()>>,
}

impl Forwarding {
    /// Starts what is configured. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`ForwardError::Setup`] when a certificate or an address can not be used: told at start rather than in a log at night.
    pub fn start(
        config: &Audit,
        hostname: &str,
        store: &Store,
        stop: &watch::Receiver<bool>,
    ) -> Result<Self, ForwardError> {
        let mut forwarding = Self::default();
        if let Some(path) = &config.file {
            forwarding.run(file::ToFile::new(path.clone()), store, stop);
        }
        if let Some(syslog) = &config.syslog {
            let sender = Sender {
                hostname: hostname.to_owned(),
                enterprise_number: syslog.enterprise_number,
            };
            forwarding.run(tls::ToSyslog::new(syslog, sender)?, store, stop);
        }
        Ok(forwarding)
    }

    fn run(&mut self, way: impl Way, store: &Store, stop: &watch::Receiver<bool>) {
        let progress = Arc::new(Progress::default());
        self.progress.push((way.name(), Arc::clone(&progress)));
        self.tasks
            .push(tokio::spawn(forward(way, store.clone(), progress, stop.clone())));
    }

    /// Waits for every way to end, after it was told to stop. One that hangs on the network is left behind.
    pub async fn stopped(self) {
        for task in self.tasks {
            let abort = task.abort_handle();
            if tokio::time::timeout(LOOK_EVERY, task).await.is_err() {
                abort.abort();
            }
        }
    }
}

async fn forward(mut way: impl Way, store: Store, progress: Arc<Progress>, mut stop: watch::Receiver<bool>) {
    let mut wait = FIRST_WAIT;
    let mut at: Option<i64> = None;
    loop {
        let pause = match one_piece(&mut way, &store, &progress, &mut at).await {
            Ok(true) => {
                wait = FIRST_WAIT;
                continue;
            }
            Ok(false) => {
                wait = FIRST_WAIT;
                LOOK_EVERY
            }
            Err(error) => {
                progress.failures.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(way = way.name(), %error, "the audit trail could not be sent on; it is tried again");
                // What was sent last may be lost: from where it is certain, again.
                at = at.map(|at| (at - way.uncertain()).max(0));
                let now = wait;
                wait = (wait * 2).min(LONGEST_WAIT);
                now
            }
        };
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Sends the next entries on; whether there were any.
async fn one_piece(
    way: &mut impl Way,
    store: &Store,
    progress: &Progress,
    at: &mut Option<i64>,
) -> Result<bool, ForwardError> {
    let bookmark = format!("audit_forwarded_{}", way.name());
    let (from, lines, last) = {
        let (store, bookmark, known) = (store.clone(), bookmark.clone(), *at);
        blocking(move || {
            store.read(|db| {
                let from = match known {
                    Some(from) => from,
                    None => db
                        .setting_get(&bookmark)?
                        .and_then(|text| text.parse().ok())
                        .unwrap_or(0),
                };
                Ok((from, db.audit_after(from, PIECE)?, db.audit_head()?.0))
            })
        })
        .await?
    };
    *at = Some(from);
    progress.behind.store(last - from, Ordering::Relaxed);
    let lines: Vec<ExportLine> = lines
        .into_iter()
        .map(|row| {
            let number = row.number;
            row.read()
                .map_err(|detail| ForwardError::Altered { number, detail })
        })
        .collect::<Result<_, _>>()?;
    let Some(end) = lines.last().map(|line| line.entry.number) else {
        way.look().await?;
        return Ok(false);
    };
    way.send(&lines).await?;
    let store = store.clone();
    blocking(move || store.write(|db| db.setting_set(&bookmark, &end.to_string()))).await?;
    *at = Some(end);
    progress
        .sent
        .fetch_add(u64::try_from(lines.len()).unwrap_or(0), Ordering::Relaxed);
    progress.behind.store((last - end).max(0), Ordering::Relaxed);
    Ok(true)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ForwardError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(ForwardError::Io {
            doing: "reading the audit trail".to_owned(),
            source: std::io::Error::other(error),
        }),
    }
}

#[cfg(test)]
mod tests;
