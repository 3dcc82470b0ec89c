//! One worker: the connections of one thread, what they gathered, and the commands that reach them from outside.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    net::IpAddr,
    rc::Rc,
    sync::{Arc, mpsc::Sender},
    time::Duration,
};

use fleet::{Timestamp, id::PumpId, pump::SessionEnd};
use ntex::io::types::PeerAddr;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::{
    Batch, Counters, Doorkeeper,
    admission::{Admission, Place},
    directory::{Command, Directory},
    endpoint::Limits,
    intake::Intake,
    live::Live,
    refusal::{Refusal, RefusalLog},
};

/// How often a stopping worker looks whether it is done.
const STOP_CHECK: Duration = Duration::from_millis(5);

/// What all workers share.
pub(super) struct Shared {
    pub(super) directory: Arc<Directory>,
    pub(super) admission: Arc<Admission>,
    pub(super) doorkeeper: Arc<dyn Doorkeeper>,
    pub(super) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) inbox: Sender<Batch>,
    pub(super) counters: Counters,
    pub(super) limits: Limits,
    pub(super) log: RefusalLog,
    pub(super) tls: Arc<rustls::ServerConfig>,
}

impl Shared {
    /// The present instant.
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Counts a refusal and writes it to the log. `about` must be fit for a log already.
    pub(super) fn refuse(
        &self,
        refusal: &Refusal,
        peer: IpAddr,
        pump: Option<PumpId>,
        about: &dyn std::fmt::Display,
    ) {
        self.counters.count_refusal(refusal);
        self.log.note(refusal, peer, pump, about, self.now());
    }
}

/// A connection from accept to close, named or not. When it is dropped, however that came about, its place is given
/// back and its session is over.
pub(super) struct Connection {
    place: RefCell<Place>,
    live: RefCell<Option<Rc<Live>>>,
    /// CONNECT was answered, with yes or no.
    answered: Cell<bool>,
}

impl Connection {
    pub(super) fn new(place: Place) -> Rc<Self> {
        Rc::new(Self {
            place: RefCell::new(place),
            live: RefCell::new(None),
            answered: Cell::new(false),
        })
    }

    /// CONNECT was answered, and with yes if there is a session.
    pub(super) fn answer(&self, live: Option<Rc<Live>>) {
        self.answered.set(true);
        if let Some(live) = live {
            self.place.borrow_mut().admitted();
            self.live.replace(Some(live));
        }
    }

    pub(super) const fn is_answered(&self) -> bool {
        self.answered.get()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(live) = self.live.take() {
            live.end(SessionEnd::Lost);
        }
    }
}

/// One worker.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) number: usize,
    pub(super) intake: Rc<Intake>,
    /// Connections that have a name, by session number.
    pub(super) sessions: RefCell<HashMap<u64, Rc<Live>>>,
    /// Connections that wait for their name, by the transport's number.
    arriving: RefCell<HashMap<ntex::io::Id, Rc<Connection>>>,
    /// Connections whose socket is not closed yet.
    open: Cell<usize>,
    stopping: Cell<bool>,
}

impl Worker {
    /// Starts the tasks of a worker on the present thread.
    pub(super) fn start(shared: Arc<Shared>) -> Rc<Self> {
        let (number, commands) = shared.directory.enlist();
        let intake = Rc::new(Intake::default());
        ntex::rt::spawn(intake.clone().run(shared.inbox.clone(), shared.counters.clone()));
        let worker = Rc::new(Self {
            shared,
            number,
            intake,
            sessions: RefCell::default(),
            arriving: RefCell::default(),
            open: Cell::new(0),
            stopping: Cell::new(false),
        });
        ntex::rt::spawn(worker.clone().obey(commands));
        worker
    }

    pub(super) const fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// A connection arrived; it is registered until its CONNECT claims it.
    pub(super) fn arrive(&self, io: ntex::io::Id, connection: &Rc<Connection>) {
        self.arriving.borrow_mut().insert(io, connection.clone());
        self.open.set(self.open.get() + 1);
    }

    /// CONNECT came on this transport.
    pub(super) fn claim(&self, io: ntex::io::Id) -> Option<Rc<Connection>> {
        self.arriving.borrow_mut().remove(&io)
    }

    /// The socket is closed.
    pub(super) fn depart(&self, io: ntex::io::Id) {
        self.arriving.borrow_mut().remove(&io);
        self.open.set(self.open.get().saturating_sub(1));
    }

    async fn obey(self: Rc<Self>, mut commands: UnboundedReceiver<Command>) {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Deliver { session, down } => {
                    if let Some(live) = self.find(session) {
                        live.deliver(down);
                    }
                }
                Command::Close { session, why } => {
                    if let Some(live) = self.find(session) {
                        live.close(why);
                    }
                }
                Command::Stop { stopped } => {
                    self.stopping.set(true);
                    ntex::rt::spawn(self.clone().wind_down(stopped));
                }
            }
        }
    }

    fn find(&self, session: u64) -> Option<Rc<Live>> {
        self.sessions.borrow().get(&session).cloned()
    }

    /// Says goodbye to everyone, then waits until sockets are closed and the last batch is stored. Dropping
    /// `stopped` tells that it is done.
    async fn wind_down(self: Rc<Self>, stopped: UnboundedSender<()>) {
        let sessions: Vec<_> = self.sessions.borrow().values().cloned().collect();
        for live in sessions {
            live.close(SessionEnd::GatewayStopped);
        }
        while self.open.get() > self.arriving.borrow().len() || !self.intake.is_idle() {
            ntex::time::sleep(STOP_CHECK).await;
        }
        drop(stopped);
    }
}

/// The address of a peer. A socket that has none any more is closed anyway; it is counted under the unspecified address.
pub(super) fn peer_of(io: &ntex::io::IoRef) -> IpAddr {
    io.query::<PeerAddr>()
        .get()
        .map_or(IpAddr::from([0, 0, 0, 0]), |address| {
            address.0.ip().to_canonical()
        })
}
