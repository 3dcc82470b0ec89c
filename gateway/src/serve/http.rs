//! The three HTTP listeners: bulk (pumps), staff (people and programs), operations (this machine).

use std::{
    cell::RefCell,
    fmt::Debug,
    net::{SocketAddr, TcpListener},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_http::{HttpService, Request, Response, TlsAcceptorConfig};
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, map_config};
use actix_tls::accept::{TlsError, rustls_0_23::TlsStream};
use actix_web::{
    App as WebApp, Error, HttpMessage as _, HttpServer,
    body::{BoxBody, MessageBody},
    dev::{AppConfig, Extensions, Payload, ServerHandle, ServiceRequest, ServiceResponse},
    error::{ErrorRequestTimeout, PayloadError},
    middleware::{Next, from_fn},
    rt::net::TcpStream,
    web::{self, Bytes},
};
use futures_util::{Stream, StreamExt as _};
use rustls::ServerConfig;
use tokio::sync::watch;

use super::{Addresses, StartError};
use crate::{
    api::Api,
    app::App,
    config::Config,
    est::{self, Est},
    firmware::{Figures, Firmware},
    ops::{self, Metrics},
    pki::tls,
    web::Web,
};

/// A request must be read and answered within this, or its connection is given up: slow senders hold nothing.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A whole repository of firmware may take so long to arrive, to be checked and to be published.
const IMPORT_WITHIN: Duration = Duration::from_hours(2);
/// The head of a request must arrive within this; likewise a TLS handshake.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// An answer that comes before its request was read waits so long, for so many bytes, before the connection is closed.
const LINGER: Duration = Duration::from_secs(2);
/// See [`LINGER`].
const LINGER_BYTES: usize = 1024 * 1024;
/// Seconds that requests under way get when the gateway stops.
const STOP_WITHIN: u64 = 2;
/// Worker threads of each HTTPS listener.
const WORKERS: usize = 2;

/// Starts all three.
pub(super) fn start(
    app: &App,
    config: &Config,
    metrics: &Metrics,
    figures: &Figures,
    mqtt: SocketAddr,
    stopped: watch::Receiver<bool>,
) -> Result<(Addresses, Vec<ServerHandle>), StartError> {
    let listener = |name| {
        web::Data::new(Listener {
            name,
            metrics: metrics.clone(),
        })
    };
    let time = || Arc::new(app.clock.clone());
    let identity = || app.authorities.server_identity();
    let bulk_tls = tls::bulk_config(
        tls::BulkVerifier::new(app.authorities.trust()),
        identity(),
        time(),
    )?;
    let staff_tls = tls::staff_config(identity(), time())?;

    let bulk = {
        let (est, listener) = (Est::new(app.clone()), listener("bulk"));
        let firmware = Firmware::new(
            config.firmware_dir(),
            config.firmware,
            Arc::clone(&app.tickets),
            Arc::clone(&app.gate),
            app.resting.clone(),
            app.clock.clone(),
            figures.clone(),
        );
        let refusals = listener.clone();
        https("bulk", config.listen.bulk, bulk_tls, refusals, move || {
            WebApp::new()
                .app_data(listener.clone())
                .wrap(from_fn(in_time))
                .configure(est.configure())
                .configure(firmware.configure())
        })?
    };
    let staff = {
        let (api, listener) = (Api::new(app.clone()), listener("staff"));
        let pages = Web::new(api.clone(), stopped);
        let refusals = listener.clone();
        https("staff", config.listen.staff, staff_tls, refusals, move || {
            WebApp::new()
                .app_data(listener.clone())
                .wrap(from_fn(in_time))
                .configure(api.configure())
                .configure(pages.configure())
        })?
    };
    let operations = {
        let (app, address) = (app.clone(), config.listen.operations);
        let (listener, metrics) = (listener("operations"), metrics.clone());
        HttpServer::new(move || {
            WebApp::new()
                .app_data(listener.clone())
                .wrap(from_fn(in_time))
                .configure(ops::configure(app.clone(), metrics.clone()))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(STOP_WITHIN)
        .client_request_timeout(HEAD_WITHIN)
        .bind(address)
        .map_err(|source| StartError::Listen {
            what: "operations",
            address,
            source,
        })?
    };

    let first = |addresses: Vec<SocketAddr>, fallback| addresses.into_iter().next().unwrap_or(fallback);
    let addresses = Addresses {
        mqtt,
        bulk: bulk.0,
        staff: staff.0,
        operations: first(operations.addrs(), config.listen.operations),
    };
    let handles = [bulk.1, staff.1, operations.run()].map(|server| {
        let handle = server.handle();
        tokio::spawn(server);
        handle
    });
    Ok((addresses, handles.into()))
}

/// An HTTPS listener. It is put together by hand, since only so are handshakes that fail counted and logged: garbage, slow
/// senders, certificates of strangers.
fn https<F, A, S, B>(
    name: &'static str,
    address: SocketAddr,
    tls: ServerConfig,
    listener: web::Data<Listener>,
    factory: F,
) -> Result<(SocketAddr, Server), StartError>
where
    F: Fn() -> A + Send + Clone + 'static,
    A: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error>,
    S::InitError: Debug,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    let failed = |source| StartError::Listen {
        what: name,
        address,
        source,
    };
    let socket = TcpListener::bind(address).map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    let server = Server::build()
        .workers(WORKERS)
        .disable_signals()
        .shutdown_timeout(STOP_WITHIN)
        .listen(name, socket, move || {
            let listener = listener.clone();
            let app = factory()
                .into_factory()
                .map_err(|error| error.into().error_response());
            HttpService::build()
                .client_request_timeout(HEAD_WITHIN)
                .on_connect_ext(|io: &TlsStream<TcpStream>, data: &mut Extensions| {
                    est::remember_peer(io, data);
                })
                // Nothing here asks under which address it was called.
                .finish(map_config(app, |()| AppConfig::default()))
                .rustls_0_23_with_config(
                    tls.clone(),
                    TlsAcceptorConfig::default().handshake_timeout(HEAD_WITHIN),
                )
                .map_err(move |error| listener.failed(&error))
        })
        .map_err(failed)?
        .run();
    Ok((bound, server))
}

impl Listener {
    /// Counts a connection that never came to a request. What breaks later is between the client and its answer.
    fn failed<E>(&self, error: &TlsError<std::io::Error, E>) {
        let (reason, why) = match error {
            TlsError::Timeout => ("timeout", "too slow".to_owned()),
            TlsError::Tls(error) => ("handshake", error.to_string()),
            TlsError::Service(_) => return,
        };
        if self.metrics.tls_refused(self.name, reason) {
            tracing::warn!(listener = self.name, reason, why, "TLS handshake refused");
        }
    }
}

/// Which listener a request came to, for the figures.
#[derive(Clone)]
struct Listener {
    name: &'static str,
    metrics: Metrics,
}

/// Gives up on a request that takes too long, whether its sender or its answer is slow; and counts every answer.
async fn in_time(
    listener: web::Data<Listener>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let body = Body(Rc::new(RefCell::new(request.take_payload())));
    request.set_payload(Payload::Stream {
        payload: Box::pin(body.clone()),
    });
    let path = request.path();
    let is_import = path.starts_with("/api/v1/repositories/") && path.ends_with("/import");
    let within = if is_import { IMPORT_WITHIN } else { ANSWER_WITHIN };
    let answered = match tokio::time::timeout(within, next.call(request)).await {
        Ok(answered) => answered.map(ServiceResponse::map_into_boxed_body),
        Err(_) => Err(ErrorRequestTimeout("the request took too long")),
    };
    let status = match &answered {
        Ok(answer) => answer.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    listener.metrics.answered(listener.name, status.as_u16());
    // Whoever is still sending would see a broken connection instead of the answer.
    let _ = tokio::time::timeout(LINGER, body.drain()).await;
    answered
}

/// The body of a request, of which what was not read can be read afterwards.
#[derive(Clone)]
struct Body(Rc<RefCell<Payload>>);

impl Body {
    /// Reads on, and throws away.
    async fn drain(mut self) {
        let mut length = 0;
        while let Some(Ok(chunk)) = self.next().await {
            length += chunk.len();
            if length > LINGER_BYTES {
                return;
            }
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}
