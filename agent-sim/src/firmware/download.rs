//! From a ticket to a file in the other slot: the manufacturer is asked, the file is fetched by ranges, hashed from flash, and
//! put into the slot. A line that breaks is taken up where it broke.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::StreamExt;
use tokio::time::sleep;
use wire::{
    OrderId, TicketId,
    message::{Refusal, SoftwareSlot},
    reconnect,
    ticket::Ticket,
    types::{Manifest, Step},
};

use super::{
    Keys,
    fetch::{Fetch, FetchError},
    flash::{Flash, FlashError, measure},
    metadata::{Metadata, Named},
    orders::{Fetched, NotFetched},
    state::Unopened,
};

/// Attempts in a row that bring not one byte before the pump gives up: about ten minutes.
const ATTEMPTS: u32 = 15;

/// What the pump sent somebody out for, brought home.
#[derive(Debug)]
pub(crate) enum Errand {
    /// A ticket was opened, or could not be.
    Opened {
        order: OrderId,
        opened: Result<Box<Ticket>, NotFetched>,
    },
    /// A download came to its end.
    Fetched {
        ticket: TicketId,
        outcome: Result<Fetched, NotFetched>,
    },
}

/// Opens a ticket; its keys are fetched if they are not known.
pub(crate) async fn open_ticket(keys: Keys, unopened: Unopened, fetch: Arc<dyn Fetch>) -> Errand {
    let Unopened {
        order,
        repository,
        ticket: sealed,
    } = unopened;
    let mut attempt = 0;
    let opened = loop {
        match keys.open(&sealed, fetch.as_ref()).await {
            Err(not) if not.refusal == Refusal::Network && attempt < ATTEMPTS => {
                sleep(reconnect::delay(attempt, 1.0)).await;
                attempt += 1;
            }
            Ok(ticket) if ticket.repository != repository => {
                let detail = "the order and the ticket name different repositories";
                break Err(NotFetched::new(Refusal::NotTheSameFile, detail));
            }
            opened => break opened.map(Box::new),
        }
    };
    Errand::Opened { order, opened }
}

/// A download.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) ticket: Ticket,
    pub(crate) fetch: Arc<dyn Fetch>,
    /// The root that the pump was made with; none is a pump that can take nothing.
    pub(crate) pinned: Option<Arc<[u8]>>,
    pub(crate) stores: PathBuf,
    pub(crate) flash: Flash,
    pub(crate) slot: SoftwareSlot,
    /// A bad link breaks after so many bytes.
    pub(crate) breaks_after: Option<u64>,
    /// The power fails after the first bytes.
    pub(crate) power_fails: bool,
}

/// The power failed: nobody brings anything home.
#[derive(Debug)]
pub(crate) struct InTheDark;

impl Job {
    /// Carries it out, to its good or bad end.
    ///
    /// # Errors
    /// [`InTheDark`].
    pub(crate) async fn run(mut self) -> Result<Errand, InTheDark> {
        let ticket = self.ticket.id;
        let outcome = match self.fetch_all().await {
            Err(End::Dark) => return Err(InTheDark),
            Err(End::Not(not)) => Err(not),
            Ok(fetched) => Ok(fetched),
        };
        Ok(Errand::Fetched { ticket, outcome })
    }

    async fn fetch_all(&mut self) -> Result<Fetched, End> {
        let pinned = self.pinned.clone().ok_or_else(|| {
            NotFetched::new(
                Refusal::MetadataUnreadable,
                "this pump has no root of its manufacturer",
            )
        })?;
        let metadata = Metadata {
            fetch: Arc::clone(&self.fetch),
            name: self.ticket.repository.clone(),
            pinned,
            stores: self.stores.clone(),
        };
        let mut attempt = 0;
        let named = loop {
            match metadata.ask(&self.ticket.target).await {
                Err(not) if not.refusal == Refusal::Network && attempt < ATTEMPTS => {
                    sleep(reconnect::delay(attempt, 1.0)).await;
                    attempt += 1;
                }
                named => break named?,
            }
        };
        // S8: two who do not know of one another name the same file.
        if (named.length, named.sha256) != (self.ticket.length, self.ticket.sha256) {
            return Err(NotFetched::new(
                Refusal::NotTheSameFile,
                format_args!(
                    "the ticket and the manufacturer mean different files by {}",
                    self.ticket.target
                ),
            )
            .into());
        }
        let whole = Some((named.length, named.sha256));
        if measured(self.flash.image(self.slot)).await? != whole {
            self.fetch_image(&named).await?;
        }
        Ok(what_follows(&named.manifest))
    }

    async fn fetch_image(&mut self, named: &Named) -> Result<(), End> {
        let path = self.flash.growing(self.slot, &named.sha256);
        let (mut file, mut length) = self.flash.grow(self.slot, &named.sha256)?;
        let mut paths = named.paths.iter();
        let mut from = paths.next().ok_or_else(|| unknown(named))?;
        let (mut attempt, mut begun_anew) = (0, false);
        loop {
            if length >= named.length {
                drop(file);
                if measured(path.clone()).await? == Some((named.length, named.sha256)) {
                    return Ok(self.flash.fill(self.slot, &named.sha256)?);
                }
                // What lay there may have been spoilt by a power cut. Once; then it is what the server sends.
                (file, _) = self.flash.grow(self.slot, &named.sha256)?;
                self.flash.wipe(&file, &path)?;
                if std::mem::replace(&mut begun_anew, true) {
                    let detail = "the file is not what the ticket and the manufacturer name";
                    return Err(NotFetched::new(Refusal::FileAltered, detail).into());
                }
                length = 0;
            }
            let before = length;
            match self
                .take_bytes(from, &mut file, &path, &mut length, named.length)
                .await
            {
                Ok(()) => {}
                Err(Stop::Fetch(FetchError::NotFound { .. })) if length == 0 => {
                    from = paths.next().ok_or_else(|| unknown(named))?;
                    continue;
                }
                Err(Stop::Fetch(error)) if !error.may_pass() => {
                    return Err(NotFetched::new(Refusal::Network, error).into());
                }
                Err(Stop::Fetch(error)) => {
                    attempt = if length > before { 0 } else { attempt + 1 };
                    if attempt > ATTEMPTS {
                        return Err(NotFetched::new(Refusal::Network, error).into());
                    }
                    sleep(wait_after(&error, attempt)).await;
                    continue;
                }
                Err(Stop::Flash(error)) => return Err(error.into()),
            }
            if length < named.length {
                attempt = if length > before { 0 } else { attempt + 1 };
                if attempt > ATTEMPTS {
                    let detail = "the file ends before its end";
                    return Err(NotFetched::new(Refusal::FileAltered, detail).into());
                }
                sleep(reconnect::delay(attempt, 1.0)).await;
            }
        }
    }

    /// One connection's worth of bytes.
    async fn take_bytes(
        &mut self,
        from: &str,
        file: &mut std::fs::File,
        path: &std::path::Path,
        length: &mut u64,
        most: u64,
    ) -> Result<(), Stop> {
        let mut body = self.fetch.get(from, *length).await?;
        // A server without ranges begins at its own beginning: what is here already is passed over.
        let mut passed_over = length.saturating_sub(body.from);
        let mut left = self.breaks_after.unwrap_or(u64::MAX);
        while let Some(chunk) = body.chunks.next().await {
            let chunk = chunk?;
            let skipped = usize::try_from(passed_over)
                .unwrap_or(usize::MAX)
                .min(chunk.len());
            passed_over -= skipped as u64;
            let fresh = chunk.get(skipped..).unwrap_or_default();
            let room = usize::try_from((most - *length).min(left)).unwrap_or(usize::MAX);
            let taken = fresh.get(..fresh.len().min(room)).unwrap_or_default();
            if !taken.is_empty() {
                self.flash.append(file, path, taken)?;
                *length += taken.len() as u64;
                left -= taken.len() as u64;
                if self.power_fails {
                    return Err(FlashError::PowerLost.into());
                }
            }
            if *length >= most {
                return Ok(());
            }
            if left == 0 {
                return Err(Stop::Fetch(FetchError::Broken {
                    path: from.to_owned(),
                    problem: "the link broke".to_owned(),
                }));
            }
        }
        Ok(())
    }
}

fn wait_after(error: &FetchError, attempt: u32) -> Duration {
    match error {
        FetchError::Later { after, .. } => *after,
        _ => reconnect::delay(attempt, 1.0),
    }
}

fn unknown(named: &Named) -> NotFetched {
    let path = named.paths.first().map_or("the file", String::as_str);
    NotFetched::new(Refusal::Network, format_args!("{path} is not there"))
}

/// What the release asks of the pump after the installation.
fn what_follows(manifest: &Manifest) -> Fetched {
    let restarts = manifest
        .steps
        .iter()
        .map(|step| match step {
            Step::Reboot { times } => *times,
            Step::Person { .. } => 0,
        })
        .fold(0_u8, u8::saturating_add);
    Fetched {
        checks: manifest
            .checks
            .iter()
            .filter(|check| check.conduct.is_automatic())
            .cloned()
            .collect(),
        restarts: restarts.clamp(1, Step::TIMES_MAX),
    }
}

/// Off the runtime's own threads: an image is large.
async fn measured(path: PathBuf) -> Result<Option<(u64, wire::types::Digest)>, End> {
    match tokio::task::spawn_blocking(move || measure(&path)).await {
        Ok(measured) => Ok(measured?),
        Err(_) => Err(NotFetched::new(Refusal::Storage, "the image could not be read back").into()),
    }
}

/// Why one connection ended.
enum Stop {
    Fetch(FetchError),
    Flash(FlashError),
}

impl From<FetchError> for Stop {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

impl From<FlashError> for Stop {
    fn from(error: FlashError) -> Self {
        Self::Flash(error)
    }
}

/// Why a download ended.
enum End {
    Dark,
    Not(NotFetched),
}

impl From<NotFetched> for End {
    fn from(not: NotFetched) -> Self {
        Self::Not(not)
    }
}

impl From<FlashError> for End {
    fn from(error: FlashError) -> Self {
        match error {
            FlashError::PowerLost => Self::Dark,
            FlashError::File { .. } | FlashError::Spoilt { .. } => {
                Self::Not(NotFetched::new(Refusal::Storage, error))
            }
        }
    }
}
