//! The staff REST API, `/api/v1`: what programs, the command line and the hospital's own tools use.
//!
//! One file per resource, each with its views: what is shown is decided here and nowhere else, so that neither a rule nor a
//! table can change what a program reads. Reading goes straight to the store; doing anything goes through
//! [`crate::command`].
//!
//! | room | what is done there |
//! |---|---|
//! | [`problem`], `refusal` | what goes wrong, in one form, from one table |
//! | [`operation`] | every operation, and what it takes |
//! | `caller`, `cross_site` | who is asking, and whether they may |
//! | `idempotency` | asking twice creates once |
//! | `etag`, `page` | edits that overwrite nothing unseen; lists in pages |
//! | [`openapi`] | the description, which also is the table of routes |
//! | the others | the resources |

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of `Db<'_>` is of one lifetime and a reading lends any: without the closure it does not compile"
)]

pub(crate) mod caller;
pub(crate) mod cross_site;
mod etag;
pub(crate) mod headers;
pub(crate) mod idempotency;
pub mod openapi;
pub mod operation;
mod page;
pub mod problem;
pub(crate) mod refusal;

mod anchor;
mod audit;
mod authority;
mod certificate;
mod crl;
mod device;
mod discrepancy;
mod enrol_token;
mod event;
mod expected;
mod exposure;
mod glass;
mod hold;
mod library;
pub(crate) mod me;
mod model;
mod person;
mod place;
mod preview;
mod pump;
mod release;
mod rollout;
pub(crate) mod session;
mod signature;
mod summary;
mod token;
mod upload;

#[cfg(test)]
pub(crate) mod tests;

use std::{fmt, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    middleware::from_fn,
    web::{self, Data, JsonConfig, PathConfig, PayloadConfig, QueryConfig},
};
use chrono::NaiveDate;
use fleet::inventory;
use serde::{Deserialize, Deserializer};
use utoipa_actix_web::{scope, service_config::ServiceConfig};

use crate::{
    app::App,
    auth::{limits::Limits, sign_in::SignIn},
};
use problem::{Problem, ProblemCode};

/// Where the API is mounted.
pub const PREFIX: &str = "/api/v1";
/// No JSON body is larger, in bytes.
const JSON_MAX: usize = 64 * 1024;

/// What the API's workers share. Clones are the same API.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    app: App,
    sign_in: SignIn,
    limits: Limits,
    routes: openapi::Routes,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Api")
    }
}

impl Api {
    /// The API of a gateway.
    #[must_use]
    pub fn new(app: App) -> Self {
        let routes = openapi::Routes::of(&openapi::openapi());
        Self(Arc::new(Inner {
            limits: Limits::new(app.settings.rates),
            app,
            sign_in: SignIn::default(),
            routes,
        }))
    }

    /// Mounts the API. What is on no path of it and below its prefix is answered by it too: with a problem.
    pub fn configure(&self) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let api = self.clone();
        move |config| {
            config
                .app_data(Data::new(api))
                .app_data(JsonConfig::default().limit(JSON_MAX).error_handler(refusal::json))
                .app_data(QueryConfig::default().error_handler(refusal::query))
                .app_data(PathConfig::default().error_handler(refusal::path))
                .app_data(PayloadConfig::new(inventory::MAX_BYTES))
                .default_service(
                    web::to(no_such_route)
                        .wrap(from_fn(headers::secure))
                        .wrap(from_fn(headers::log)),
                );
            routes(&mut ServiceConfig::new(config));
        }
    }

    /// The day on the hospital's walls.
    fn day(&self) -> NaiveDate {
        let app = &self.0.app;
        app.people.day(app.now())
    }

    /// The gateway behind it.
    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    /// The door at which passwords are shown: one for programs and pages, so that guesses are counted together.
    pub(crate) fn door(&self) -> &SignIn {
        &self.0.sign_in
    }

    /// How many requests are served.
    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Does what may block where that is allowed.
    pub(crate) async fn run<T: Send + 'static, E: Into<Problem> + Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem> {
        let app = self.0.app.clone();
        match web::block(move || work(&app)).await {
            Ok(done) => done.map_err(Into::into),
            Err(_) => Err(refusal::interrupted()),
        }
    }
}

/// Tells a field that is null, which clears, from one that is left out, which changes nothing.
#[expect(
    clippy::option_option,
    reason = "nothing: left alone; nothing inside: cleared"
)]
fn double_option<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// An instant in UTC, under the name by which a description knows it.
type DateTime = fleet::Timestamp;

/// The answer of a handler.
type Answer<T> = Result<T, Problem>;

/// Every route. The gatekeeper stands before all of them; what each takes is in the table of operations.
fn routes(config: &mut ServiceConfig<'_>) {
    let api = scope(PREFIX)
        .wrap(from_fn(idempotency::once))
        .wrap(from_fn(caller::admit))
        .configure(operations);
    config.service(api.wrap(from_fn(headers::secure)).wrap(from_fn(headers::log)));
}

fn operations(config: &mut ServiceConfig<'_>) {
    config
        .service(openapi::openapi_show)
        .service(crl::crl_fetch)
        .service(session::session_begin)
        .configure(session::routes)
        .configure(me::routes)
        .configure(person::routes)
        .configure(device::routes)
        .configure(glass::routes)
        .configure(hold::routes)
        .configure(signature::routes)
        .configure(audit::routes)
        .configure(token::routes)
        .configure(summary::routes)
        .configure(pump::routes)
        .configure(release::routes)
        .configure(preview::routes)
        .configure(rollout::routes)
        .configure(library::routes)
        .configure(exposure::routes)
        .configure(expected::routes)
        .configure(discrepancy::routes)
        .configure(place::routes)
        .configure(model::routes)
        .configure(enrol_token::routes)
        .configure(anchor::routes)
        .configure(certificate::routes)
        .configure(authority::routes)
        .configure(event::routes);
}

/// The path may be one that takes another method: the description knows.
fn unknown(api: &Api, path: &str) -> Problem {
    let methods = api.0.routes.methods_of(path);
    if methods.is_empty() {
        Problem::new(
            ProblemCode::NoSuchRoute,
            "see /api/v1/openapi.json for the paths there are",
        )
    } else {
        let methods = methods.join(", ");
        Problem::new(
            ProblemCode::MethodNotAllowed,
            format!("this path takes {methods}"),
        )
        .allow(methods)
    }
}

async fn no_such_route(api: Data<Api>, request: HttpRequest) -> Answer<HttpResponse> {
    Err(unknown(&api, request.match_info().as_str()))
}
