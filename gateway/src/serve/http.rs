//! The three HTTP listeners: bulk (pumps), staff (people and programs), operations (this machine).

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    App as WebApp, Error, HttpServer,
    body::{BoxBody, MessageBody},
    dev::{ServerHandle, ServiceRequest, ServiceResponse},
    error::ErrorRequestTimeout,
    middleware::{Next, from_fn},
    web,
};

use super::{Addresses, StartError};
use crate::{
    api::Api,
    app::App,
    config::Config,
    est::{self, Est},
    ops::{self, Metrics},
    pki::tls,
};

/// A request must be read and answered within this, or its connection is given up: slow senders hold nothing.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The head of a request must arrive within this; likewise a TLS handshake.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Seconds that requests under way get when the gateway stops.
const STOP_WITHIN: u64 = 2;
/// Worker threads of each HTTPS listener.
const WORKERS: usize = 2;

/// Starts all three.
pub(super) fn start(
    app: &App,
    config: &Config,
    metrics: &Metrics,
    mqtt: SocketAddr,
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
        let (est, address) = (Est::new(app.clone()), config.listen.bulk);
        let listener = listener("bulk");
        HttpServer::new(move || {
            WebApp::new()
                .app_data(listener.clone())
                .wrap(from_fn(in_time))
                .configure(est.configure())
        })
        .on_connect(est::remember_peer)
        .workers(WORKERS)
        .disable_signals()
        .shutdown_timeout(STOP_WITHIN)
        .client_request_timeout(HEAD_WITHIN)
        .tls_handshake_timeout(HEAD_WITHIN)
        .bind_rustls_0_23(address, bulk_tls)
        .map_err(|source| StartError::Listen {
            what: "pump-side HTTPS",
            address,
            source,
        })?
    };
    let staff = {
        let (api, address) = (Api::new(app.clone()), config.listen.staff);
        let listener = listener("staff");
        HttpServer::new(move || {
            WebApp::new()
                .app_data(listener.clone())
                .wrap(from_fn(in_time))
                .configure(api.configure())
        })
        .workers(WORKERS)
        .disable_signals()
        .shutdown_timeout(STOP_WITHIN)
        .client_request_timeout(HEAD_WITHIN)
        .tls_handshake_timeout(HEAD_WITHIN)
        .bind_rustls_0_23(address, staff_tls)
        .map_err(|source| StartError::Listen {
            what: "staff HTTPS",
            address,
            source,
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
        bulk: first(bulk.addrs(), config.listen.bulk),
        staff: first(staff.addrs(), config.listen.staff),
        operations: first(operations.addrs(), config.listen.operations),
    };
    let handles = [bulk.run(), staff.run(), operations.run()].map(|server| {
        let handle = server.handle();
        tokio::spawn(server);
        handle
    });
    Ok((addresses, handles.into()))
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
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answered = match tokio::time::timeout(ANSWER_WITHIN, next.call(request)).await {
        Ok(answered) => answered.map(ServiceResponse::map_into_boxed_body),
        Err(_) => Err(ErrorRequestTimeout("the request took too long")),
    };
    let status = match &answered {
        Ok(answer) => answer.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    listener.metrics.answered(listener.name, status.as_u16());
    answered
}
