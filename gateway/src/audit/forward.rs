//! The audit trail on its way to others: a file that a collector reads, a syslog receiver over TLS.
//!
//! Each way has a bookmark in the database. It stands behind what has surely arrived, and every break goes on from there, the
//! end of this process too: nothing is skipped, and some things come twice. Neither way ever holds up or fails what the
//! gateway does.

mod file;
mod retry;
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
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

use self::retry::Retry;
use super::syslog::Sender;
use crate::{config::Audit, fresh};

/// So many entries are sent at once.
const PIECE: u32 = 500;
/// How often it is looked whether there is something to send.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So long every way has, when the gateway stops, to send what came last and to take its leave.
const LEAVE: Duration = Duration::from_secs(1);

/// Why entries could not be sent on. It is tried again.
#[derive(Debug, Error)]
pub enum ForwardError {
    /// The record could not be read.
    #[error("reading the audit trail: {0}")]
    Store(#[from] StoreError),
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
    /// Entries that were sent on since the start; those that were sent again count again.
    pub sent: AtomicU64,
    /// Attempts that failed since the start.
    pub failures: AtomicU64,
    /// Entries that were not sent on yet.
    pub behind: AtomicI64,
}

/// An entry on its way out, fit or not.
struct Outgoing {
    number: i64,
    /// The line of an export, as it lies in the table.
    text: String,
    /// What it says; or, in words, why it can not be what was written. It is sent on all the same: altering one row must not
    /// keep all later ones from whoever watches.
    read: Result<ExportLine, String>,
}

/// A way out.
trait Way: Send + 'static {
    /// Its name: in the log, in the metrics, and of its bookmark.
    fn name(&self) -> &'static str;

    /// Writes entries and flushes them.
    fn send(&mut self, entries: &[Outgoing]) -> impl Future<Output = Result<(), ForwardError>> + Send;

    /// Looks whether what was sent before may be lost, while there is nothing new to send.
    fn look(&mut self) -> impl Future<Output = Result<(), ForwardError>> + Send {
        std::future::ready(Ok(()))
    }

    /// How many of the entries that were sent last would be lost if everything broke now.
    fn unproved(&self) -> i64 {
        0
    }

    /// Takes leave, which may prove what was sent.
    fn close(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// The ways that were configured, each running by itself. They end when this is dropped.
#[derive(Debug)]
pub struct Forwarding {
    /// By name.
    pub progress: Vec<(&'static str, Arc<Progress>)>,
    tasks: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Forwarding {
    /// Starts what is configured. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`ForwardError::Setup`] when a certificate or an address can not be used: told at start rather than in a log at night.
    pub fn start(config: &Audit, hostname: &str, store: &Store) -> Result<Self, ForwardError> {
        let mut forwarding = Self {
            progress: Vec::new(),
            tasks: Vec::new(),
            stop: watch::Sender::new(false),
        };
        if let Some(path) = &config.file {
            forwarding.run(file::ToFile::new(path.clone()), store);
        }
        if let Some(syslog) = &config.syslog {
            let sender = Sender {
                hostname: hostname.to_owned(),
                enterprise_number: syslog.enterprise_number,
            };
            forwarding.run(tls::ToSyslog::new(syslog, sender)?, store);
        }
        Ok(forwarding)
    }

    fn run(&mut self, way: impl Way, store: &Store) {
        let course = Course {
            bookmark: format!("audit_forwarded_{}", way.name()),
            way,
            store: store.clone(),
            progress: Arc::default(),
            place: None,
        };
        self.progress
            .push((course.way.name(), Arc::clone(&course.progress)));
        self.tasks.push(tokio::spawn(course.run(self.stop.subscribe())));
    }

    /// Sends what came last, and ends. A way that hangs on the network is left behind; it goes on from its bookmark at the
    /// next start.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let deadline = Instant::now() + LEAVE;
        for task in self.tasks {
            let abort = task.abort_handle();
            if timeout_at(deadline, task).await.is_err() {
                abort.abort();
            }
        }
    }
}

/// How far a way is in the record.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The last entry that was sent.
    sent: i64,
    /// The last entry that has surely arrived; the bookmark.
    proved: i64,
}

/// One way, all along the record.
struct Course<W> {
    way: W,
    store: Store,
    progress: Arc<Progress>,
    bookmark: String,
    /// Nothing after a failure: it goes on from the bookmark.
    place: Option<Place>,
}

impl<W: Way> Course<W> {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut retry = Retry::default();
        let mut stopping = false;
        loop {
            let pause = match self.piece().await {
                Ok(true) => continue,
                Ok(false) => LOOK_EVERY,
                Err(error) => {
                    self.failed(&error);
                    let [chance] = fresh::bytes();
                    retry.wait(Instant::now(), chance)
                }
            };
            if stopping {
                break;
            }
            tokio::select! {
                // Told to stop, or left alone: once more, for what came last.
                _ = stop.changed() => stopping = true,
                () = sleep(pause) => {}
            }
        }
        self.way.close().await;
        if let Some(place) = self.place
            && let Err(error) = self.arrived(place).await
        {
            self.failed(&error);
        }
    }

    fn failed(&mut self, error: &ForwardError) {
        self.place = None;
        self.progress.failures.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(way = self.way.name(), %error, "the audit trail could not be sent on; it is tried again");
    }

    /// Sends the next entries on; whether there were any.
    async fn piece(&mut self) -> Result<bool, ForwardError> {
        let (place, rows, last) = self.next().await?;
        self.place = Some(place);
        self.progress
            .behind
            .store((last - place.sent).max(0), Ordering::Relaxed);
        let Some(end) = rows.last().map(|entry| entry.number) else {
            self.way.look().await?;
            return Ok(false);
        };
        for entry in &rows {
            if let Err(why) = &entry.read {
                tracing::error!(
                    number = entry.number,
                    why,
                    "an audit entry was altered; run `gateway audit verify`"
                );
            }
        }
        self.way.send(&rows).await?;
        self.arrived(Place { sent: end, ..place }).await?;
        self.progress
            .sent
            .fetch_add(u64::try_from(rows.len()).unwrap_or(0), Ordering::Relaxed);
        self.progress.behind.store((last - end).max(0), Ordering::Relaxed);
        Ok(true)
    }

    /// Where it is, the entries behind, and the number of the last one there is.
    async fn next(&mut self) -> Result<(Place, Vec<Outgoing>, i64), ForwardError> {
        let (store, bookmark, place) = (self.store.clone(), self.bookmark.clone(), self.place);
        blocking(move || {
            let (place, rows, last) = store.read(|db| {
                let place = if let Some(place) = place {
                    place
                } else {
                    let kept = db.setting_get(&bookmark)?.and_then(|text| text.parse().ok());
                    let proved = kept.unwrap_or(0);
                    Place { sent: proved, proved }
                };
                Ok((place, db.audit_after(place.sent, PIECE)?, db.audit_head()?.0))
            })?;
            let outgoing = rows.into_iter().map(|row| Outgoing {
                number: row.number,
                text: row.as_it_lies(),
                read: row.read(),
            });
            Ok((place, outgoing.collect(), last))
        })
        .await
    }

    /// Moves the bookmark to where all has surely arrived. It never goes back.
    async fn arrived(&mut self, place: Place) -> Result<(), ForwardError> {
        let proved = (place.sent - self.way.unproved()).max(place.proved);
        if proved > place.proved {
            let (store, bookmark) = (self.store.clone(), self.bookmark.clone());
            blocking(move || store.write(|db| db.setting_set(&bookmark, &proved.to_string()))).await?;
        }
        self.place = Some(Place { proved, ..place });
        Ok(())
    }
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
