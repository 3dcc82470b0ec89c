//! A connection from accept to close: limits first, then TLS, then the deadline for CONNECT, then its session.

use std::{io, rc::Rc, sync::Arc, time::Duration};

use fleet::pump::SessionEnd;
use ntex::{
    ServiceFactory, SharedCfg,
    io::{Io, IoBoxed},
    service::{Pipeline, Service, fn_factory_with_config, fn_service},
    time::Millis,
    tls::rustls::TlsServerFilter,
};
use ntex_mqtt::{
    Control, HandshakeError, MqttError, MqttServer, ProtocolError, Reason,
    error::{DecodeError, SpecViolation},
};
use tokio::time::{Instant, timeout_at};
use wire::policy::Denial;

use super::{
    live::Live,
    refusal::{Refusal, Shown},
    v3, v5,
    worker::{Connection, Shared, Worker, peer_of},
};

/// The connection is over, and everything about it was said elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Over;

/// One dialect of MQTT, from CONNECT to the end.
pub(super) trait Dialect:
    ServiceFactory<IoBoxed, SharedCfg, Response = (), Error = MqttError<Over>, InitError = ()> + 'static
{
}

impl<T> Dialect for T where
    T: ServiceFactory<IoBoxed, SharedCfg, Response = (), Error = MqttError<Over>, InitError = ()> + 'static
{
}

/// A server that speaks two dialects.
pub(super) type Server<V3, V5> = MqttServer<V3, V5, Over, ()>;

/// What a worker does with each connection.
pub(super) fn factory(
    shared: Arc<Shared>,
) -> impl ServiceFactory<Io, SharedCfg, Response = (), Error = (), InitError = ()> {
    fn_factory_with_config(async move |cfg: SharedCfg| {
        let worker = Worker::start(shared.clone());
        let mqtt = v5::add(v3::add(MqttServer::new(), &worker), &worker);
        let mqtt = ServiceFactory::<IoBoxed, SharedCfg>::pipeline(&mqtt, cfg).await?;
        Ok::<_, ()>(fn_service(async move |io: Io| {
            visit(&worker, &mqtt, io).await;
            Ok::<_, ()>(())
        }))
    })
}

/// Keeps a connection on the worker's books for as long as its socket is open, however it ends.
struct Visit<'a> {
    worker: &'a Worker,
    io: ntex::io::Id,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.worker.depart(self.io);
    }
}

async fn visit<S>(worker: &Rc<Worker>, mqtt: &Pipeline<S>, io: Io)
where
    S: Service<IoBoxed, Response = (), Error = MqttError<Over>>,
{
    let shared = &worker.shared;
    let peer = peer_of(&io);
    let place = match shared.admission.enter(peer) {
        Ok(place) => place,
        Err(refusal) => return shared.refuse(&refusal, peer, None, &""),
    };
    let deadline = Instant::now() + shared.limits.connect_timeout;
    let connection = Connection::new(place);

    let io = match secure(shared, io).await {
        Ok(io) => io,
        Err(error) => {
            let refusal = match error.kind() {
                io::ErrorKind::TimedOut => Refusal::ConnectTimeout,
                _ => Refusal::TlsHandshake,
            };
            return shared.refuse(&refusal, peer, None, &Shown(&error.to_string()));
        }
    };
    let id = io.id();
    worker.arrive(id, &connection);
    let _visit = Visit { worker, io: id };

    let mut session = std::pin::pin!(mqtt.call(io));
    let ended = match timeout_at(deadline, session.as_mut()).await {
        Ok(ended) => ended,
        Err(_) if connection.is_answered() => session.await,
        Err(_) => return shared.refuse(&Refusal::ConnectTimeout, peer, None, &""),
    };
    if let Err(error) = ended
        && !connection.is_answered()
    {
        shared.refuse(&before_connect(&error), peer, None, &"");
    }
}

async fn secure(shared: &Shared, io: Io) -> io::Result<IoBoxed> {
    let timeout = Millis::from(shared.limits.connect_timeout);
    let io = TlsServerFilter::create(io, shared.tls.clone(), timeout).await?;
    Ok(IoBoxed::from(io))
}

/// Why a connection ended before a CONNECT was read.
fn before_connect(error: &MqttError<Over>) -> Refusal {
    match error {
        MqttError::Service(Over)
        | MqttError::Handshake(HandshakeError::Service(Over) | HandshakeError::Disconnected(_)) => {
            Refusal::Vanished
        }
        MqttError::Handshake(HandshakeError::Timeout) => Refusal::ConnectTimeout,
        MqttError::Handshake(HandshakeError::Protocol(problem)) => match problem {
            ProtocolError::Decode(DecodeError::MaxSizeExceeded { .. }) => Refusal::PacketTooLarge,
            ProtocolError::ReadTimeout | ProtocolError::KeepAliveTimeout => Refusal::ConnectTimeout,
            ProtocolError::Decode(_) | ProtocolError::Encode(_) | ProtocolError::ProtocolViolation(_) => {
                Refusal::NotMqtt
            }
        },
    }
}

/// What the transport tells about a session.
pub(super) fn controlled(live: &Rc<Live>, control: &Control<Over>) {
    match control {
        Control::WrBackpressure(pressure) => live.write_pause(pressure.enabled()),
        // The handler that failed has closed the connection already.
        Control::Stop(Reason::Error(_)) => live.end(SessionEnd::ProtocolViolation),
        Control::Stop(Reason::PeerGone(_)) => live.end(SessionEnd::Lost),
        Control::Stop(Reason::Protocol(problem)) => match problem.get_ref() {
            ProtocolError::KeepAliveTimeout => live.end(SessionEnd::Lost),
            ProtocolError::ReadTimeout => live.violated(&Refusal::SlowPacket),
            ProtocolError::Decode(DecodeError::MaxSizeExceeded { .. }) => {
                live.violated(&Refusal::PacketTooLarge);
            }
            problem if *problem == ProtocolError::spec(SpecViolation::Connack_3_2_2_11) => {
                live.violated(&Refusal::Publish(Denial::Qos));
            }
            ProtocolError::Decode(_) | ProtocolError::Encode(_) | ProtocolError::ProtocolViolation(_) => {
                live.violated(&Refusal::Malformed);
            }
        },
    }
}

/// Whole seconds of a duration, at least one.
pub(super) fn seconds(duration: Duration) -> ntex::time::Seconds {
    ntex::time::Seconds(u16::try_from(duration.as_secs()).unwrap_or(u16::MAX).max(1))
}
