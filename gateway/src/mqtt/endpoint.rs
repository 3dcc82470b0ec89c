//! Starting and stopping the pump endpoint: the listener, the workers, and the thread that looks after them.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use fleet::Timestamp;
use ntex::{SharedCfg, io::IoConfig, rt::System};
use ntex_mqtt::{MqttServiceConfig, QoS};
use thiserror::Error;
use tokio::sync::oneshot;

use super::{
    Batch, Counters, Doorkeeper, PumpLink,
    admission::Admission,
    connect::{MAX_PACKET, RECEIVE_MAX, SEND_MAX},
    directory::Directory,
    entrance::{factory, seconds},
    refusal::RefusalLog,
    worker::Shared,
};

/// Connections that the kernel may hold before we accept them: a fleet that comes back at once must fit.
const BACKLOG: i32 = 4096;
/// The name of the service within the server.
const SERVICE: &str = "pumps";

/// What a connection may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From accept to CONNECT, TLS included.
    pub connect_timeout: Duration,
    /// From the first byte of a packet to its last; whole seconds.
    pub packet_timeout: Duration,
    /// Connections without a name yet, in all. The last quarter is kept for networks from which a pump was admitted
    /// before.
    pub opening: usize,
    /// Connections without a name yet, per address; of IPv6, per network of 64 bits. Simulated pumps may need more.
    pub opening_per_address: usize,
    /// Connections per address; of IPv6, per network of 64 bits. Pumps behind one address translator, and simulated
    /// pumps, share an address.
    pub connections_per_address: usize,
    /// Refusals in a row after which a connection is closed.
    pub refusals_in_row: u32,
    /// Telemetry and presence of one pump per second, in the long run; 0 is no limit. What is more is taken later.
    pub telemetry_per_second: u32,
    /// Telemetry and presence that one pump may send at once after a silence; at least 1.
    pub telemetry_burst: u32,
    /// Reports of one pump per second, in the long run; 0 is no limit. What is more is taken later.
    pub reports_per_second: u32,
    /// Reports that one pump may send at once after a silence; at least 1.
    pub reports_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            packet_timeout: Duration::from_secs(10),
            opening: 4096,
            opening_per_address: 256,
            connections_per_address: 20_000,
            refusals_in_row: 32,
            telemetry_per_second: 20,
            telemetry_burst: 200,
            reports_per_second: 5,
            reports_burst: 100,
        }
    }
}

/// How the endpoint is set up.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Mutual TLS, with a verifier that asks the registry gate.
    pub tls: Arc<rustls::ServerConfig>,
    /// Threads that serve connections; at least one.
    pub workers: usize,
    pub limits: Limits,
}

/// Why the endpoint could not start or stop.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// The address is taken, not ours, or needs a privilege.
    #[error(
        "can not listen for pumps on {address}: {problem}; check that the address is this machine's and the port is free"
    )]
    Listen { address: SocketAddr, problem: io::Error },
    /// No thread.
    #[error("can not start the thread of the pump endpoint: {0}; check the limit on processes")]
    Thread(io::Error),
    /// The thread ended before it was ready.
    #[error("the pump endpoint on {0} ended before it was ready; the log says why")]
    NotReady(SocketAddr),
}

/// The running pump endpoint. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    directory: Arc<Directory>,
    counters: Counters,
    halt: Option<oneshot::Sender<Duration>>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    /// Listens, starts the workers, and returns when pumps can connect. What they say goes to `inbox`, one batch per
    /// worker at a time.
    ///
    /// # Errors
    /// [`EndpointError`] when the address or a thread can not be had.
    pub fn start(
        config: EndpointConfig,
        doorkeeper: Arc<dyn Doorkeeper>,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        inbox: Sender<Batch>,
        counters: &Counters,
    ) -> Result<Self, EndpointError> {
        let listen = config.listen;
        let failed = |problem| EndpointError::Listen {
            address: listen,
            problem,
        };
        let listener = ntex::server::create_tcp_listener(listen, BACKLOG).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let directory = Arc::new(Directory::default());
        let shared = Arc::new(Shared {
            directory: directory.clone(),
            admission: Admission::new(config.limits),
            doorkeeper,
            clock,
            inbox,
            counters: counters.clone(),
            limits: config.limits,
            log: RefusalLog::default(),
            tls: config.tls,
        });

        let (halt, halted) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let workers = config.workers.max(1);
        let thread = thread::Builder::new()
            .name(SERVICE.to_owned())
            .spawn(move || {
                System::build()
                    .name(SERVICE)
                    .ping_interval(0)
                    .build(ntex::rt::DefaultRuntime)
                    .block_on(run(shared, listener, workers, ready, halted));
            })
            .map_err(EndpointError::Thread)?;
        match is_ready.recv() {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => return Err(failed(problem)),
            Err(mpsc::RecvError) => return Err(EndpointError::NotReady(address)),
        }
        tracing::info!(%address, workers, "pumps can connect");
        Ok(Self {
            address,
            directory,
            counters: counters.clone(),
            halt: Some(halt),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The line to the pumps.
    #[must_use]
    pub fn link(&self) -> Arc<dyn PumpLink> {
        self.directory.clone()
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Stops: no new connections, a DISCONNECT for everyone, the last batches handed over. Whatever is not done
    /// `within` that time is cut off. Blocks until the threads have ended; the inbox must be served meanwhile.
    pub fn stop(mut self, within: Duration) {
        if let Some(halt) = self.halt.take() {
            // A thread that has ended by itself needs no asking.
            let _ = halt.send(within);
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the pump endpoint ended with a panic");
        }
        tracing::info!(address = %self.address, "the pump endpoint has stopped");
    }
}

async fn run(
    shared: Arc<Shared>,
    listener: std::net::TcpListener,
    workers: usize,
    ready: Sender<io::Result<()>>,
    halted: oneshot::Receiver<Duration>,
) {
    let directory = shared.directory.clone();
    let limits = shared.limits;
    let built = ntex::server::ServerBuilder::new()
        .workers(workers)
        .disable_signals()
        .listen(SERVICE, listener, async move |_| factory(shared.clone()));
    let server = match built {
        Ok(builder) => builder.config(SERVICE, transport(limits)).run(),
        Err(problem) => {
            let _ = ready.send(Err(problem));
            return;
        }
    };
    let _ = ready.send(Ok(()));

    let within = halted.await.unwrap_or_default();
    server.pause().await;
    let mut all_stopped = directory.stop_workers();
    // Nothing is ever sent: the channel ends when the last worker is done.
    if tokio::time::timeout(within, all_stopped.recv()).await.is_err() && !within.is_zero() {
        tracing::warn!(
            connected = directory.connected(),
            "not every pump could be told goodbye in time; their connections are cut"
        );
    }
    server.stop(false).await;
}

fn transport(limits: Limits) -> SharedCfg {
    let packet_timeout = seconds(limits.packet_timeout);
    SharedCfg::new(SERVICE)
        .add(
            IoConfig::new()
                // One period and no extension: a packet is complete in time or the peer is cut.
                .set_frame_read_rate(packet_timeout, packet_timeout, 1)
                .set_disconnect_timeout(ntex::time::Seconds::ONE),
        )
        .add(
            MqttServiceConfig::new()
                .set_max_qos(QoS::AtLeastOnce)
                .set_max_size(MAX_PACKET)
                // Larger than any packet, so that a payload always arrives whole.
                .set_min_chunk_size(MAX_PACKET * 2)
                .set_max_receive(RECEIVE_MAX)
                .set_max_receive_size(MAX_PACKET as usize)
                .set_max_send(SEND_MAX)
                .set_max_topic_alias(0)
                // The deadline for CONNECT is ours, over TLS and MQTT together; these only must not come before it.
                .protocol_version_timeout(seconds(limits.connect_timeout * 2))
                .set_connect_timeout(seconds(limits.connect_timeout * 2)),
        )
        .build()
}
