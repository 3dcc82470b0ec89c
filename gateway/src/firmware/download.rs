//! The body of an answer with firmware: read in pieces off the runtime's threads, sent within the shared limit.
//!
//! The reader is a task of its own, a little ahead of the connection. It ends when the pump has everything, when the pump is
//! gone, when it does not read for [`STALLED`], when its certificate is no longer good, or when it came into use; only then its place is free. What
//! was cut short breaks the connection, so that a pump never takes a part for the whole.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};
use fleet::{certificate::Fingerprint, id::PumpId};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{bandwidth::Bandwidth, figures::Figures, resting::Resting};
use crate::{clock::Clock, pki::gate::Gate};

/// How much is read at once.
const PIECE: u64 = 64 * 1024;
/// Pieces that wait for the connection.
const AHEAD: usize = 2;
/// A pump that takes no piece for so long has lost its connection.
pub(super) const STALLED: Duration = Duration::from_secs(60);

/// What all downloads share.
#[derive(Debug, Clone)]
pub(super) struct Road {
    pub(super) bandwidth: Arc<Bandwidth>,
    pub(super) figures: Figures,
    pub(super) gate: Arc<Gate>,
    pub(super) resting: Resting,
    pub(super) clock: Clock,
    /// [`STALLED`], but for tests.
    pub(super) patience: Duration,
}

/// A part of a file, and for whom.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) file: File,
    pub(super) first: u64,
    /// In bytes.
    pub(super) length: u64,
    pub(super) pump: PumpId,
    pub(super) certificate: Fingerprint,
    /// The place it takes.
    pub(super) place: OwnedSemaphorePermit,
}

/// The body.
pub(super) struct Download {
    length: u64,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
}

impl Download {
    /// Begins to read.
    pub(super) fn start(load: Load, road: Road) -> Self {
        let (sender, pieces) = mpsc::channel(AHEAD);
        let length = load.length;
        tokio::spawn(send(load, road, sender));
        Self { length, pieces }
    }
}

impl MessageBody for Download {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.pieces.poll_recv(cx)
    }
}

/// Counts an open download for as long as it lives.
struct Open(Gauge);

impl Open {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

async fn send(load: Load, road: Road, pieces: mpsc::Sender<io::Result<Bytes>>) {
    let Load {
        file,
        first,
        length,
        pump,
        certificate,
        place: _place,
    } = load;
    let _open = Open::new(&road.figures.open);
    let file = Arc::new(file);
    let mut sent = 0;
    while sent < length {
        let count = PIECE.min(length - sent);
        road.bandwidth.wait(count).await;
        let piece = if !road.gate.still_admits(&certificate, road.clock.now()) {
            Err(io::Error::other("the pump's certificate is no longer good"))
        } else if road.resting.rests(pump) {
            Err(io::Error::other("the pump is in use"))
        } else {
            read(&file, first + sent, count).await
        };
        let broken = piece.is_err();
        match tokio::time::timeout(road.patience, pieces.send(piece)).await {
            Ok(Ok(())) if !broken => {}
            // Told, or nobody is there to be told.
            Ok(_) => return,
            Err(_) => {
                road.figures.stalled.inc();
                return;
            }
        }
        road.figures.sent.inc_by(count);
        sent += count;
    }
}

async fn read(file: &Arc<File>, at: u64, count: u64) -> io::Result<Bytes> {
    let file = Arc::clone(file);
    let reading = tokio::task::spawn_blocking(move || {
        let mut piece = vec![0; usize::try_from(count).map_err(io::Error::other)?];
        file.read_exact_at(&mut piece, at)?;
        Ok(Bytes::from(piece))
    });
    reading.await.map_err(io::Error::other)?
}

/// The body of an answer to HEAD: as long as the file, and never sent.
pub(super) struct Unsent(pub(super) u64);

impl MessageBody for Unsent {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, time::Instant};

    use futures_util::future::poll_fn;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::firmware::tests::workshop::NOW;

    /// A download of so many bytes by a pump that is admitted.
    fn start(length: u64, figures: &Figures, places: &Arc<Semaphore>) -> Download {
        let clock = Clock::from_fn(|| NOW);
        let world = crate::pki::testing::World::new();
        let (issued, _) = world.pump(1);
        let gate = Arc::new(Gate::new(Vec::new(), clock.clone()));
        gate.register(fleet::certificate::CertificateRecord {
            fingerprint: issued.fingerprint,
            serial: issued.serial,
            pump: crate::pki::testing::pump(1),
            authority: fleet::id::AuthorityId::from_uuid(uuid::Uuid::nil()),
            key: issued.key,
            not_before: issued.not_before,
            not_after: issued.not_after,
            issued_at: NOW,
            first_used_at: None,
            revoked: None,
        });
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; usize::try_from(length).unwrap()])
            .unwrap();
        let load = Load {
            file,
            first: 0,
            length,
            pump: crate::pki::testing::pump(1),
            certificate: issued.fingerprint,
            place: Arc::clone(places).try_acquire_owned().unwrap(),
        };
        let road = Road {
            bandwidth: Arc::new(Bandwidth::new(0)),
            figures: figures.clone(),
            gate,
            resting: Resting::default(),
            clock,
            patience: Duration::from_millis(20),
        };
        Download::start(load, road)
    }

    #[tokio::test]
    async fn one_that_is_never_read_gives_its_place_back() {
        let (figures, places) = (Figures::default(), Arc::new(Semaphore::new(1)));
        let mut download = start(10 * PIECE, &figures, &places);
        let deadline = Instant::now() + Duration::from_secs(60);
        while places.available_permits() == 0 {
            assert!(Instant::now() < deadline, "still held");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!((figures.downloads_open(), figures.stalled.get()), (0, 1));
        // What was read ahead is there, and then the end, too early.
        let mut received = 0;
        while let Some(piece) = poll_fn(|cx| Pin::new(&mut download).poll_next(cx)).await {
            received += piece.unwrap().len() as u64;
        }
        assert_eq!(received, u64::try_from(AHEAD).unwrap() * PIECE);
        assert_eq!(download.size(), BodySize::Sized(10 * PIECE));
    }
}
