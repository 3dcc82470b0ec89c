//! A connection with a name: what its pump may say, what it is told, and how it ends.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use fleet::{
    id::{OrderId, PumpId},
    pump::SessionEnd,
    text::Reason,
};
use ntex::util::{ByteString, Bytes};
use tokio::sync::Mutex;
use wire::{
    message::{Message, Order, Presence, ReadError, Report, ReportHead, Telemetry},
    policy::{Action, topic_policy},
    topic::{Channel, MAX_UP_PAYLOAD, Topic},
};

use super::{
    Down, Inbound,
    directory::Card,
    intake::Durable,
    refusal::{Refusal, Shown},
    sink::Sink,
    subscriptions::{Subscription, Subscriptions},
    worker::Worker,
};

/// Orders under way on one connection, waiting for PUBACK or for their turn.
const ORDERS_HELD: usize = 64;
/// Filters in one SUBSCRIBE; there are three topics to subscribe to.
const MOST_FILTERS: usize = 8;
/// To the timer of the transport anything shorter is zero, and zero never comes.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// A peer that does not read loses its connection this long after it was told to close.
const LINGER: Duration = Duration::from_millis(50);
/// A peer that lets its receive window stay full for this long is cut.
const SLOW_READER: Duration = Duration::from_secs(30);

/// A publish as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) topic: &'a str,
    pub(super) retain: bool,
    pub(super) qos: u8,
    /// As the packet's header claims.
    pub(super) length: usize,
    pub(super) payload: &'a [u8],
}

/// What becomes of a publish.
pub(super) enum Heard {
    /// It is to be stored; acknowledge when it is. A report of which only the head could be read is refused after that.
    Taken(Channel, Inbound, Option<Refusal>),
    /// It will never be stored.
    Refused(Refusal),
    /// The connection is over: no answer.
    Over,
}

/// The answer to a publish.
#[derive(Debug)]
pub(super) enum Answer {
    Stored,
    Refused(Refusal),
    Over,
}

impl Heard {
    /// Waits until the publish may be stored and is.
    pub(super) async fn settled(self, live: &Live) -> Answer {
        match self {
            Self::Taken(channel, item, refusal) => {
                if !live.may_say(channel).await {
                    return Answer::Over;
                }
                if refusal.is_none() {
                    live.worker.shared.counters.count_message(channel);
                }
                if !live.worker.intake.hold(item).await {
                    // No PUBACK: the pump has to send it again, and will when it is back.
                    live.close(SessionEnd::Lost);
                    return Answer::Over;
                }
                refusal.map_or(Answer::Stored, Answer::Refused)
            }
            Self::Refused(refusal) => Answer::Refused(refusal),
            Self::Over => Answer::Over,
        }
    }
}

/// A connection with a name.
pub(super) struct Live {
    worker: Rc<Worker>,
    card: Arc<Card>,
    sink: Sink,
    subscriptions: Subscriptions,
    /// Whose message is next when the pump has to wait: what it said stays in its order.
    turn: Mutex<()>,
    refusals_in_row: Cell<u32>,
    orders: RefCell<Vec<OrderId>>,
    ended: Cell<bool>,
    closing: Cell<bool>,
    /// The peer does not read what it is sent.
    write_paused: Cell<bool>,
    /// Counts the changes of that, so that a timer knows whether it is still about the same pause.
    write_changes: Cell<u32>,
}

impl Live {
    /// A connection that was accepted. It can be found by commands from now on.
    pub(super) fn begin(worker: &Rc<Worker>, card: Arc<Card>, sink: Sink) -> Rc<Self> {
        worker.shared.counters.count_connect(sink.protocol());
        let live = Rc::new(Self {
            worker: worker.clone(),
            card,
            sink,
            subscriptions: Subscriptions::default(),
            turn: Mutex::new(()),
            refusals_in_row: Cell::new(0),
            orders: RefCell::default(),
            ended: Cell::new(false),
            closing: Cell::new(false),
            write_paused: Cell::new(false),
            write_changes: Cell::new(0),
        });
        worker
            .sessions
            .borrow_mut()
            .insert(live.card.number, live.clone());
        live
    }

    pub(super) fn pump(&self) -> PumpId {
        self.card.pump
    }

    /// Notes that the pump said something that needs no judgement (a ping).
    pub(super) fn heard(&self) {
        self.card.heard(self.worker.shared.now());
    }

    /// Judges a publish.
    pub(super) fn hear(&self, said: Said<'_>) -> Heard {
        if self.ended.get() {
            return Heard::Over;
        }
        let received_at = self.worker.shared.now();
        self.card.heard(received_at);
        let action = Action::Publish {
            retain: said.retain,
            qos: said.qos,
            payload: said.length,
        };
        let channel = match topic_policy(self.pump(), action, said.topic) {
            Ok(channel) => channel,
            Err(denial) => {
                let refusal = Refusal::Publish(denial);
                self.refuse(&refusal, &Shown(said.topic));
                if said.length > MAX_UP_PAYLOAD {
                    // More would be on its way than the contract has room for.
                    self.close(SessionEnd::ProtocolViolation);
                }
                return if self.ended.get() {
                    Heard::Over
                } else {
                    Heard::Refused(refusal)
                };
            }
        };
        match self.read(channel, said.payload, received_at) {
            Ok(item) => {
                self.refusals_in_row.set(0);
                Heard::Taken(channel, item, None)
            }
            Err(error) => self.unreadable(channel, said.payload, error, received_at),
        }
    }

    fn read(
        &self,
        channel: Channel,
        payload: &[u8],
        received_at: fleet::Timestamp,
    ) -> Result<Inbound, ReadError> {
        let pump = self.pump();
        let session = self.card.number;
        Ok(match channel {
            Channel::Presence => Inbound::Presence {
                pump,
                session,
                message: Presence::read(payload)?,
                received_at,
            },
            Channel::Telemetry => Inbound::Telemetry {
                pump,
                session,
                message: Box::new(Telemetry::read(payload)?),
                received_at,
            },
            // The policy lets nothing else up; a down channel would fail as a report.
            Channel::Report | Channel::Order | Channel::Ack | Channel::Time => Inbound::Report {
                pump,
                session,
                message: Box::new(Report::read(payload)?),
                received_at,
            },
        })
    }

    /// A payload that does not fit. If it is a report whose id can be read, it is answered for good in `down/ack`.
    fn unreadable(
        &self,
        channel: Channel,
        payload: &[u8],
        error: ReadError,
        received_at: fleet::Timestamp,
    ) -> Heard {
        let head = match channel {
            Channel::Report => ReportHead::read(payload).ok(),
            _ => None,
        };
        let reason = Reason::new(&error.to_string()).ok();
        let refusal = Refusal::Unreadable(error);
        self.refuse(&refusal, &channel.as_str());
        if self.ended.get() {
            return Heard::Over;
        }
        let (Some(head), Some(reason)) = (head, reason) else {
            return Heard::Refused(refusal);
        };
        let item = Inbound::UnreadableReport {
            pump: self.pump(),
            session: self.card.number,
            id: head.id,
            reason,
            received_at,
        };
        Heard::Taken(channel, item, Some(refusal))
    }

    /// Waits until the pump may say one more message. `false` if the connection ended before that.
    async fn may_say(&self, channel: Channel) -> bool {
        let _turn = self.turn.lock().await;
        let shared = &self.worker.shared;
        let mut delayed = false;
        while !self.ended.get() {
            let Err(wait) = self.card.allowance.take(channel, &shared.limits, Instant::now()) else {
                return true;
            };
            if !std::mem::replace(&mut delayed, true) {
                shared.counters.count_delayed(channel);
            }
            ntex::time::sleep(wait.max(SHORTEST_WAIT)).await;
        }
        false
    }

    /// Judges the filters of one SUBSCRIBE and returns, for each, the quality of service that is granted.
    pub(super) fn subscribe(self: &Rc<Self>, wanted: &[(ByteString, u8)]) -> Vec<Result<u8, Refusal>> {
        self.heard();
        if wanted.len() > MOST_FILTERS {
            self.refuse(&Refusal::TooManyFilters, &wanted.len());
            return vec![Err(Refusal::TooManyFilters); wanted.len()];
        }
        let mut subscribed = Vec::new();
        let answers = wanted
            .iter()
            .map(|(filter, qos)| {
                let channel = self.may_subscribe(filter)?;
                let granted = (*qos).min(1);
                if let Some(subscription) = self.subscriptions.to(channel) {
                    subscription.grant(granted);
                }
                if !subscribed.contains(&channel) {
                    subscribed.push(channel);
                }
                Ok(granted)
            })
            .collect();
        for channel in subscribed {
            self.announce(channel);
        }
        answers
    }

    fn may_subscribe(&self, filter: &str) -> Result<Channel, Refusal> {
        topic_policy(self.pump(), Action::Subscribe, filter).map_err(|denial| {
            let refusal = Refusal::Subscribe(denial);
            self.refuse(&refusal, &Shown(filter));
            refusal
        })
    }

    /// Tells that the pump listens, unless that is on its way already.
    fn announce(self: &Rc<Self>, channel: Channel) {
        let Some(subscription) = self.subscriptions.to(channel) else {
            return;
        };
        if self.ended.get() || !subscription.announce() {
            return;
        }
        let live = self.clone();
        let mut news = self.tell_ready(channel);
        ntex::rt::spawn(async move {
            loop {
                // News that was not stored comes again by itself; here it only matters that it is no longer under way.
                news.await;
                let again = live.subscriptions.to(channel).is_some_and(Subscription::arrived);
                if !again || live.ended.get() {
                    return;
                }
                news = live.tell_ready(channel);
            }
        });
    }

    fn tell_ready(&self, channel: Channel) -> Durable {
        self.worker.intake.hold(Inbound::Ready {
            pump: self.pump(),
            session: self.card.number,
            channel,
        })
    }

    /// Ends a subscription, if there is one.
    pub(super) fn unsubscribe(&self, filter: &str) {
        self.heard();
        if let Ok(channel) = topic_policy(self.pump(), Action::Subscribe, filter)
            && let Some(subscription) = self.subscriptions.to(channel)
        {
            subscription.cancel();
        }
    }

    /// Counts and logs a refusal; one too many in a row closes the connection.
    fn refuse(&self, refusal: &Refusal, about: &dyn std::fmt::Display) {
        self.note(refusal, about);
        let in_row = self.refusals_in_row.get() + 1;
        self.refusals_in_row.set(in_row);
        if in_row >= self.worker.shared.limits.refusals_in_row && !self.ended.get() {
            self.note(&Refusal::TooManyRefusals, &in_row);
            self.close(SessionEnd::ProtocolViolation);
        }
    }

    fn note(&self, refusal: &Refusal, about: &dyn std::fmt::Display) {
        self.worker
            .shared
            .refuse(refusal, self.card.peer(), Some(self.pump()), about);
    }

    /// Sends something down, if the pump subscribed to it. What needs no PUBACK is not piled up for a peer that does
    /// not read.
    pub(super) fn deliver(self: &Rc<Self>, down: Down) {
        let reads = !self.write_paused.get();
        match down {
            Down::Order(order) => match self.subscriptions.order.qos() {
                None => {}
                Some(0) if !reads => {}
                Some(0) => self.sink.send(self.topic(Channel::Order), order.write().into()),
                Some(_) => self.deliver_order(&order),
            },
            Down::Ack(ack) => {
                if reads && self.subscriptions.ack.qos().is_some() {
                    self.sink.send(self.topic(Channel::Ack), ack.write().into());
                }
            }
        }
    }

    fn deliver_order(self: &Rc<Self>, order: &Order) {
        let id = order.id;
        {
            let mut orders = self.orders.borrow_mut();
            if orders.contains(&id) || orders.len() >= ORDERS_HELD {
                return;
            }
            orders.push(id);
        }
        let payload = Bytes::from(order.write());
        let live = self.clone();
        ntex::rt::spawn(async move {
            let topic = live.topic(Channel::Order);
            let delivered = live.sink.send_acknowledged(topic, payload).await;
            live.orders.borrow_mut().retain(|held| *held != id);
            if delivered {
                let shared = &live.worker.shared;
                let at = shared.now();
                live.card.heard(at);
                shared.counters.count_order_delivered();
                live.worker.intake.tell(Inbound::OrderDelivered {
                    pump: live.pump(),
                    order: id,
                    at,
                });
            }
        });
    }

    fn topic(&self, channel: Channel) -> ByteString {
        Topic::new(self.pump(), channel).to_string().into()
    }

    /// The peer stopped reading what it is sent, or reads again.
    pub(super) fn write_pause(self: &Rc<Self>, paused: bool) {
        let change = self.write_changes.get().wrapping_add(1);
        self.write_changes.set(change);
        self.write_paused.set(paused);
        if paused {
            let live = self.clone();
            ntex::rt::spawn(async move {
                ntex::time::sleep(SLOW_READER).await;
                if live.write_changes.get() == change && !live.ended.get() {
                    live.violated(&Refusal::SlowReader);
                    live.close(SessionEnd::ProtocolViolation);
                }
            });
        }
    }

    /// The peer broke the protocol below the contract: counted, logged, over. The transport closes the connection.
    pub(super) fn violated(&self, refusal: &Refusal) {
        if !self.ended.get() {
            self.note(refusal, &"");
        }
        self.end(SessionEnd::ProtocolViolation);
    }

    /// Marks the session as over and reports its end, unless that was done before or a newer connection did.
    pub(super) fn end(&self, why: SessionEnd) {
        if self.ended.replace(true) {
            return;
        }
        let shared = &self.worker.shared;
        self.worker.sessions.borrow_mut().remove(&self.card.number);
        shared.counters.count_disconnect();
        if shared.directory.leave(&self.card) {
            self.worker.intake.tell(Inbound::Disconnected {
                pump: self.pump(),
                session: self.card.number,
                end: why,
                at: shared.now(),
                last_heard: self.card.last_heard(),
            });
        }
    }

    /// Ends the session and closes the connection: politely, and then, if the peer does not take part, without it.
    pub(super) fn close(&self, why: SessionEnd) {
        self.end(why);
        if self.closing.replace(true) {
            return;
        }
        self.sink.close(why);
        let sink = self.sink.clone();
        ntex::rt::spawn(async move {
            ntex::time::sleep(LINGER).await;
            sink.force_close();
        });
    }
}
