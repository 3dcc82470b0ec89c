//! Firmware on the pump-side HTTPS listener: the ticket keys, and a TUF repository per manufacturer.
//!
//! Only a pump whose certificate is in the registry and good now gets anything; everybody else gets 403 and learns nothing of
//! what there is. Metadata and targets are open to every pump alike: what a pump installs is decided by its ticket.

use std::{io, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, ContentType, ETAG, HeaderName, IF_NONE_MATCH,
            IF_RANGE, RANGE, RETRY_AFTER,
        },
    },
    web,
};
use fleet::signature::Digest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::bulk;

use super::{
    bandwidth::Bandwidth,
    download::{Download, Load, Road, STALLED, Unsent},
    figures::Figures,
    range::{Wanted, wanted},
    resting::Resting,
    shelf::{Shelf, Target},
    ticket_key::TicketKeys,
};
use crate::{
    clock::Clock,
    config,
    est::Peer,
    mqtt::{Admitted, Doorkeeper as _},
    pki::gate::Gate,
};

/// Seconds after which a pump that was turned away comes again.
const COME_AGAIN: u32 = 30;
/// A pump looks again for what was signed anew, and keeps what it has as long as it is the same.
const REVALIDATE: &str = "no-cache";

/// What the listener's workers share. Clones are the same room.
#[derive(Clone)]
pub struct Firmware(web::Data<Room>);

struct Room {
    shelf: Arc<Shelf>,
    tickets: Arc<TicketKeys>,
    places: Arc<Semaphore>,
    road: Road,
}

impl Firmware {
    /// Serves what was published under a directory.
    #[must_use]
    pub fn new(
        dir: std::path::PathBuf,
        settings: config::Firmware,
        tickets: Arc<TicketKeys>,
        gate: Arc<Gate>,
        resting: Resting,
        clock: Clock,
        figures: Figures,
    ) -> Self {
        Self(web::Data::new(Room {
            shelf: Arc::new(Shelf::new(dir)),
            tickets,
            places: Arc::new(Semaphore::new(settings.max_downloads)),
            road: Road {
                bandwidth: Arc::new(Bandwidth::new(settings.max_bytes_per_second)),
                figures,
                gate,
                resting,
                clock,
                patience: STALLED,
            },
        }))
    }

    /// Mounts the routes of the bulk listener that belong to firmware.
    pub fn configure(&self) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let room = self.0.clone();
        move |config| {
            config
                .app_data(room)
                .service(get_and_head(bulk::TICKET_KEYS, ticket_keys))
                .service(get_and_head("/firmware/{repository}/metadata/{file}", metadata))
                .service(get_and_head("/firmware/{repository}/targets/{path:.*}", target));
        }
    }
}

fn get_and_head<F, Args>(path: &str, handler: F) -> actix_web::Resource
where
    F: actix_web::Handler<Args> + Copy,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(handler))
        .route(web::head().to(handler))
}

async fn ticket_keys(request: HttpRequest, room: web::Data<Room>) -> HttpResponse {
    match room.admit(&request) {
        Some(_) => small(
            &request,
            room.tickets.jwks().as_bytes().to_vec(),
            "application/jwk-set+json",
        ),
        None => forbidden(),
    }
}

async fn metadata(
    request: HttpRequest,
    room: web::Data<Room>,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    if room.admit(&request).is_none() {
        return forbidden();
    }
    let shelf = Arc::clone(&room.shelf);
    let (repository, name) = path.into_inner();
    match web::block(move || shelf.metadata(&repository, &name)).await {
        Ok(Ok(Some(bytes))) => small(&request, bytes, "application/json"),
        Ok(Ok(None)) => not_found(),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&io::Error::other(error)),
    }
}

async fn target(
    request: HttpRequest,
    room: web::Data<Room>,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let Some(admitted) = room.admit(&request) else {
        return forbidden();
    };
    let shelf = Arc::clone(&room.shelf);
    let (repository, path) = path.into_inner();
    match web::block(move || shelf.target(&repository, &path)).await {
        Ok(Ok(Some(target))) => room.send(&request, target, &admitted),
        Ok(Ok(None)) => not_found(),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&io::Error::other(error)),
    }
}

impl Room {
    /// The pump at the other end, if it is one of ours and may connect now.
    fn admit(&self, request: &HttpRequest) -> Option<Admitted> {
        let chain = Peer::of(request).chain?;
        self.road.gate.admit(chain.first()?).ok()
    }

    fn send(&self, request: &HttpRequest, target: Target, pump: &Admitted) -> HttpResponse {
        let Target { file, length, sha256 } = target;
        let tag = etag(sha256);
        if names(header(request, IF_NONE_MATCH), &tag) {
            return not_modified(&tag);
        }
        // Section 14.2: a range means something for GET only.
        if request.method() == Method::HEAD {
            return described(StatusCode::OK, &tag).body(Unsent(length));
        }
        let (status, first, part) =
            match wanted(header(request, RANGE), header(request, IF_RANGE), &tag, length) {
                Wanted::Whole => (StatusCode::OK, 0, length),
                Wanted::Part { first, length } => (StatusCode::PARTIAL_CONTENT, first, length),
                Wanted::Nothing => {
                    return HttpResponse::RangeNotSatisfiable()
                        .insert_header((CONTENT_RANGE, format!("bytes */{length}")))
                        .insert_header((ETAG, tag))
                        .finish();
                }
            };
        if self.road.resting.rests(pump.pump) {
            return come_again("a pump that is in use, or may be, downloads nothing; come again\n");
        }
        let Some(place) = self.place() else {
            return come_again("as many downloads as are allowed are under way; come again\n");
        };
        let mut response = described(status, &tag);
        if status == StatusCode::PARTIAL_CONTENT {
            let last = first + part - 1;
            response.insert_header((CONTENT_RANGE, format!("bytes {first}-{last}/{length}")));
        }
        let load = Load {
            file,
            first,
            length: part,
            pump: pump.pump,
            certificate: pump.certificate,
            place,
        };
        response.body(Download::start(load, self.road.clone()))
    }

    fn place(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok();
        if place.is_none() {
            self.road.figures.turned_away.inc();
        }
        place
    }
}

fn header(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

/// A strong tag (RFC 9110, section 8.8.3): the content's SHA-256.
fn etag(sha256: Digest) -> String {
    format!("\"{sha256}\"")
}

/// Whether `If-None-Match` names a tag (RFC 9110, section 13.1.2: compared weakly).
fn names(header: Option<&str>, tag: &str) -> bool {
    header.is_some_and(|header| {
        header
            .split(',')
            .map(str::trim)
            .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
    })
}

/// An answer that is made in one piece.
fn small(request: &HttpRequest, bytes: Vec<u8>, content_type: &'static str) -> HttpResponse {
    let tag = etag(Digest::of(&bytes));
    if names(header(request, IF_NONE_MATCH), &tag) {
        return not_modified(&tag);
    }
    let mut response = HttpResponse::Ok();
    response
        .content_type(content_type)
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, REVALIDATE));
    if request.method() == Method::HEAD {
        return response.body(Unsent(bytes.len() as u64));
    }
    response.body(bytes)
}

fn described(status: StatusCode, tag: &str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .content_type(ContentType::octet_stream())
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, REVALIDATE))
        .insert_header((ACCEPT_RANGES, "bytes"));
    response
}

fn not_modified(tag: &str) -> HttpResponse {
    HttpResponse::NotModified()
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, REVALIDATE))
        .finish()
}

fn forbidden() -> HttpResponse {
    text(
        StatusCode::FORBIDDEN,
        "firmware is for pumps with a certificate of this gateway that is in use and valid\n",
    )
}

fn not_found() -> HttpResponse {
    text(StatusCode::NOT_FOUND, "no such file\n")
}

fn come_again(why: &'static str) -> HttpResponse {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, why);
    response.headers_mut().insert(RETRY_AFTER, COME_AGAIN.into());
    response
}

/// A pump can do nothing about a disk, so it is told to come again and a person is told why.
fn failed(error: &io::Error) -> HttpResponse {
    tracing::error!(%error, "published firmware can not be read");
    let mut response = text(
        StatusCode::SERVICE_UNAVAILABLE,
        "the gateway can not read this file now; come again\n",
    );
    response.headers_mut().insert(RETRY_AFTER, COME_AGAIN.into());
    response
}

fn text(status: StatusCode, text: &'static str) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(ContentType::plaintext())
        .body(text)
}

#[cfg(test)]
mod tests;
