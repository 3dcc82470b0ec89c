//! The way to the pumps and back, whatever carries it.
//!
//! This file is the seam: plain messages in, plain messages out, an acknowledgement only once something is durable.
//! Behind it stands the embedded pump endpoint (MQTT 3.1.1 and 5 over mutual TLS on threads of its own); a client for
//! an external broker can stand there instead. Nothing outside this module knows which.
//!
//! | room | what is done there |
//! |---|---|
//! | [`endpoint`] | starting and stopping: the listener, the workers, the threads |
//! | [`entrance`] | a connection before it has a name: limits, TLS, the deadline for CONNECT |
//! | [`connect`] | CONNECT: who it is, what it may leave behind, whom it replaces |
//! | [`live`], [`sink`] | a connection with a name: what it may say, what it is told, how it ends |
//! | [`subscriptions`] | what it listens to |
//! | [`allowance`] | how much a pump may say |
//! | [`v3`], [`v5`] | the two dialects, each a thin table of codes |
//! | [`intake`], [`facts`] | group hand-over: one batch in flight per worker, everything else waits for the next |
//! | [`directory`] | which connection of a pump is the newest, and on which worker |
//! | [`admission`] | how many connections an address may hold |
//! | [`refusal`], [`counters`] | every way to say no, its codes, its counter and its line in the log |

mod admission;
mod allowance;
mod connect;
mod counters;
mod directory;
mod endpoint;
mod entrance;
mod facts;
mod intake;
mod live;
mod refusal;
mod sink;
mod subscriptions;
mod v3;
mod v5;
mod worker;

#[cfg(test)]
mod tests;

use fleet::{
    Timestamp,
    certificate::{Fingerprint, GateRefusal},
    id::{OrderId, PumpId, ReportId},
    pump::{Session, SessionEnd, Takeover},
    text::Reason,
};
use tokio::sync::oneshot;
use wire::{
    message::{Ack, Order, Presence, Report, Telemetry},
    topic::Channel,
};

pub use counters::Counters;
pub use endpoint::{Endpoint, EndpointConfig, EndpointError, Limits};
pub use refusal::{Refusal, Stage};

/// To the pumps. Callable from any thread; never blocks and never waits.
pub trait PumpLink: Send + Sync + 'static {
    /// Hands a message to a pump. Nothing happens if the pump is not connected or did not subscribe: the outbox keeps
    /// the order, and [`Inbound::Ready`] says when to try again. Handing over an order that is still under way, or
    /// one more than a connection holds, does nothing either.
    fn deliver(&self, pump: PumpId, down: Down);

    /// Closes the live connection of a pump, if there is one, and reports [`Inbound::Disconnected`] with `why`.
    fn close(&self, pump: PumpId, why: SessionEnd);

    /// How many pumps are connected.
    fn connected(&self) -> usize;
}

/// What a pump is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// An order, `QoS` 1 if the pump subscribed so; its PUBACK comes back as [`Inbound::OrderDelivered`].
    Order(Order),
    /// Which reports are safe, `QoS` 0: a pump that misses it sends the report again.
    Ack(Ack),
}

/// What came from the pumps. `session` is the number of the connection ([`Session::number`]): after a takeover a late
/// message of the older connection can still arrive, and is known by it.
#[derive(Debug, Clone, PartialEq)]
pub enum Inbound {
    /// A pump connected. If it replaced a connection of its own, that one's [`Inbound::Disconnected`] came before.
    Connected {
        pump: PumpId,
        session: Session,
        certificate: Fingerprint,
        takeover: Option<Takeover>,
    },
    /// The pump subscribed to one of its down channels: time to deliver what waits.
    Ready {
        pump: PumpId,
        session: u64,
        channel: Channel,
    },
    /// The pump said that it is there, or that it is leaving.
    Presence {
        pump: PumpId,
        session: u64,
        message: Presence,
        received_at: Timestamp,
    },
    /// What the pump is doing.
    Telemetry {
        pump: PumpId,
        session: u64,
        message: Box<Telemetry>,
        received_at: Timestamp,
    },
    /// What must not be lost. Answer with [`Down::Ack`].
    Report {
        pump: PumpId,
        session: u64,
        message: Box<Report>,
        received_at: Timestamp,
    },
    /// A report of which only the head could be read. Answer with [`Down::Ack`] that refuses it.
    UnreadableReport {
        pump: PumpId,
        session: u64,
        id: ReportId,
        reason: Reason,
        received_at: Timestamp,
    },
    /// The pump acknowledged an order (PUBACK). What became of it comes as a report.
    OrderDelivered {
        pump: PumpId,
        order: OrderId,
        at: Timestamp,
    },
    /// A connection ended. With [`SessionEnd::Lost`] this is the pump's last will speaking.
    Disconnected {
        pump: PumpId,
        session: u64,
        end: SessionEnd,
        at: Timestamp,
        last_heard: Timestamp,
    },
}

impl Inbound {
    /// Whether a pump waits for the acknowledgement of this item. The others are facts about connections, which are
    /// handed over again if a batch fails.
    const fn is_said_by_pump(&self) -> bool {
        match self {
            Self::Presence { .. }
            | Self::Telemetry { .. }
            | Self::Report { .. }
            | Self::UnreadableReport { .. } => true,
            Self::Connected { .. }
            | Self::Ready { .. }
            | Self::OrderDelivered { .. }
            | Self::Disconnected { .. } => false,
        }
    }
}

/// What one worker gathered while its last batch was being stored. Nothing in it is acknowledged to a pump before
/// [`Batch::durable`]. A batch that is dropped counts as failed.
#[derive(Debug)]
pub struct Batch {
    /// In the order in which it happened; of one pump and one connection always in order.
    pub items: Vec<Inbound>,
    done: oneshot::Sender<Settled>,
}

/// `Ok` when everything was stored, else what was not.
type Settled = Result<(), Vec<Inbound>>;

impl Batch {
    /// A batch, and where to learn what became of it.
    #[must_use]
    pub fn new(items: Vec<Inbound>) -> (Self, oneshot::Receiver<Settled>) {
        let (done, settled) = oneshot::channel();
        (Self { items, done }, settled)
    }

    /// Everything is stored: the pumps get their PUBACK.
    pub fn durable(self) {
        // The worker may have stopped meanwhile; then nobody waits for the answer.
        let _ = self.done.send(Ok(()));
    }

    /// Nothing is stored. Pumps whose messages are in it get no PUBACK and are disconnected, so that they send
    /// again; facts about connections that are still in `items` come again in the next batch, unless newer ones have
    /// overtaken them.
    pub fn failed(self) {
        let _ = self.done.send(Err(self.items));
    }
}

/// Whom the door is opened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    pub pump: PumpId,
    pub certificate: Fingerprint,
}

/// Asked at every CONNECT, after the TLS handshake asked already: a certificate may have been revoked in between.
/// Called on the workers, so it must be quick and must not block.
pub trait Doorkeeper: Send + Sync + 'static {
    /// Decides by the leaf certificate (DER) alone.
    ///
    /// # Errors
    /// The reason to refuse.
    fn admit(&self, leaf_der: &[u8]) -> Result<Admitted, GateRefusal>;
}
