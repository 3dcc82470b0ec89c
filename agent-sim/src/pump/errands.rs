//! What is under way for the firmware while the pump goes on living: tickets that are opened, files that come in.

use std::{fs, sync::Arc};

use tokio::{task::JoinHandle, time::Instant};
use wire::{OrderId, TicketId};

use super::Pump;
use crate::{
    firmware::{Errand, Fault, Http, InTheDark, Job, Keys, open_ticket},
    identity::{Slot, StateDirError, TrustError},
};

type Task = JoinHandle<Result<Errand, InTheDark>>;

/// What is under way for the firmware.
#[derive(Default)]
pub(super) struct Errands {
    opening: Option<(OrderId, Task)>,
    fetching: Option<(TicketId, Task)>,
}

impl Errands {
    /// Waits for the next that comes home. None came to an end that nobody planned, and is begun again.
    pub(super) async fn home(&mut self) -> Option<Result<Errand, InTheDark>> {
        let home = tokio::select! {
            home = finished(&mut self.opening) => home,
            home = finished(&mut self.fetching) => home,
        };
        home.ok()
    }

    #[cfg(test)]
    pub(super) const fn is_idle(&self) -> bool {
        self.opening.is_none() && self.fetching.is_none()
    }

    pub(super) fn call_back(&mut self) {
        if let Some((_, task)) = self.opening.take() {
            task.abort();
        }
        if let Some((_, task)) = self.fetching.take() {
            task.abort();
        }
    }
}

async fn finished<K>(
    slot: &mut Option<(K, Task)>,
) -> Result<Result<Errand, InTheDark>, tokio::task::JoinError> {
    let Some((_, task)) = slot else {
        return std::future::pending().await;
    };
    let home = task.await;
    *slot = None;
    home
}

impl Drop for Errands {
    fn drop(&mut self) {
        self.call_back();
    }
}

impl Pump {
    /// Sends somebody out for what the firmware wants, while there is a network.
    pub(super) fn send_out(&mut self) {
        if !self.on_air(Instant::now()) {
            self.errands.call_back();
            return;
        }
        // Evidence stays as it is.
        let may_change = self.life.safety().may_change().is_ok();
        let ticket = self.firmware.to_fetch().filter(|_| may_change);
        let wanted = ticket.map(|ticket| ticket.id);
        let other = |fetching: &mut (TicketId, Task)| Some(fetching.0) != wanted;
        if let Some((_, task)) = self.errands.fetching.take_if(other) {
            task.abort();
        }
        let opening = self.errands.opening.is_none() && self.firmware.to_open().is_some();
        let fetching = self.errands.fetching.is_none() && wanted.is_some();
        if !opening && !fetching {
            return;
        }
        let http = match self.http() {
            Ok(http) => Arc::new(http),
            Err(problem) => return self.trouble(&problem),
        };
        if opening && let Some(unopened) = self.firmware.to_open().cloned() {
            let order = unopened.order;
            let keys = Keys::kept_in(self.dir.file("ticket-keys.json"));
            let task = open_ticket(keys, unopened, Arc::<Http>::clone(&http));
            self.errands.opening = Some((order, tokio::spawn(async move { Ok(task.await) })));
        }
        if fetching && let Some(ticket) = self.firmware.to_fetch().cloned() {
            let id = ticket.id;
            let job = Job {
                pinned: self.pinned_root(),
                stores: self.dir.file("tuf"),
                breaks_after: self.firmware.faults.link_breaks_after(),
                power_fails: self.firmware.faults.strike(Fault::PowerLossFetching),
                ..self.firmware.job(ticket, http)
            };
            self.errands.fetching = Some((id, tokio::spawn(job.run())));
        }
    }

    /// The file is read when it is needed: a fleet holds it once, on the disk.
    fn pinned_root(&self) -> Option<Arc<[u8]>> {
        let path = self.blueprint.tuf_root.as_ref()?;
        match fs::read(path) {
            Ok(root) => Some(root.into()),
            Err(error) => {
                self.trouble(&format_args!(
                    "could not read the manufacturer's root {}: {error}",
                    path.display()
                ));
                None
            }
        }
    }

    fn http(&self) -> Result<Http, String> {
        let tls = || -> Result<_, HttpError> {
            let identity = self.dir.identity(Slot::Current)?;
            let learned = self.dir.anchors()?;
            Ok(self.shared.trust.client(&learned, identity.as_ref())?)
        };
        let tls = tls().map_err(|error| error.to_string())?;
        Http::new(&self.shared.bulk, tls).map_err(|error| error.to_string())
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
enum HttpError {
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    #[error(transparent)]
    Trust(#[from] TrustError),
}
