//! Enrolment over Secure Transport (RFC 7030): the pump-side HTTPS listener's way to a certificate.
//!
//! `cacerts` and `csrattrs` answer anybody; `simpleenroll` takes a one-time token or a manufacturer's certificate;
//! `simplereenroll` takes the pump's current certificate. Who may have a certificate is decided by
//! [`fleet::enrolment::authorise`] and nowhere else.

mod enrol;
mod notices;
mod peer;
mod refusal;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ContentType, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    web,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use fleet::text::SerialNumber;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use wire::bulk;

pub use peer::{Peer, remember_peer};
pub use refusal::{EnrolFailure, Rejection};

use crate::{app::App, pki::pkcs7};
use enrol::{Credentials, enrol};
use notices::Notices;

/// How many requests are worked on at one time; the rest are asked to come again.
const AT_ONCE: usize = 64;

/// What the listener's workers share. Clones are the same desk.
#[derive(Clone)]
pub struct Est(web::Data<Desk>);

struct Desk {
    app: App,
    places: Semaphore,
    notices: Notices,
}

impl Est {
    /// The enrolment desk of a gateway.
    #[must_use]
    pub fn new(app: App) -> Self {
        let desk = Desk {
            app,
            places: Semaphore::new(AT_ONCE),
            notices: Notices::default(),
        };
        Self(web::Data::new(desk))
    }

    /// Mounts the routes of the bulk listener that belong to enrolment.
    pub fn configure(&self) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let desk = self.0.clone();
        move |config| {
            config
                .app_data(desk)
                .app_data(web::PayloadConfig::new(bulk::MAX_REQUEST))
                .route(bulk::CACERTS, web::get().to(cacerts))
                .route(bulk::CSRATTRS, web::get().to(csrattrs))
                .route(bulk::SIMPLEENROLL, web::post().to(simpleenroll))
                .route(bulk::SIMPLEREENROLL, web::post().to(simplereenroll))
                .route("/crl/{name}", web::get().to(revocation_list));
        }
    }
}

/// RFC 7030, section 4.1: the authorities to trust from now on.
async fn cacerts(desk: web::Data<Desk>) -> HttpResponse {
    certs_only(&desk.app.authorities.trusted_certificates())
}

/// RFC 7030, section 4.5: a P-256 key, a request signed with SHA-256, and nothing else.
async fn csrattrs() -> HttpResponse {
    // CsrAttrs ::= SEQUENCE OF AttrOrOID: attribute ecPublicKey {prime256v1}, OID ecdsa-with-SHA256.
    const ATTRIBUTES: &[u8] = &[
        0x30, 0x21, 0x30, 0x15, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x31, 0x0a, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03,
        0x02,
    ];
    HttpResponse::Ok()
        .content_type("application/csrattrs")
        .insert_header(("Content-Transfer-Encoding", "base64"))
        .body(STANDARD.encode(ATTRIBUTES))
}

async fn simpleenroll(request: HttpRequest, desk: web::Data<Desk>, body: web::Bytes) -> HttpResponse {
    let credentials = match (basic(&request), Peer::of(&request).chain) {
        (Some((serial, secret)), _) => Credentials::Token { serial, secret },
        (None, Some(chain)) => Credentials::Manufacturer { chain },
        (None, None) => Credentials::None,
    };
    answer(&request, desk, body, credentials).await
}

async fn simplereenroll(request: HttpRequest, desk: web::Data<Desk>, body: web::Bytes) -> HttpResponse {
    let credentials = Peer::of(&request)
        .chain
        .map_or(Credentials::None, |chain| Credentials::Current { chain });
    answer(&request, desk, body, credentials).await
}

async fn answer(
    request: &HttpRequest,
    desk: web::Data<Desk>,
    body: web::Bytes,
    credentials: Credentials,
) -> HttpResponse {
    let Ok(_place) = desk.places.try_acquire() else {
        return reject(&Rejection::busy());
    };
    let address = Peer::of(request).address;
    let working = desk.clone();
    let outcome =
        web::block(move || enrol(&working.app, &working.notices, &body, &credentials, address)).await;
    match outcome {
        Ok(Ok(certificate)) => certs_only(&[certificate]),
        Ok(Err(failure)) => reject(&failure.rejection()),
        Err(_) => reject(&Rejection::busy()),
    }
}

/// The revocation list of one of our authorities, for outsiders (RFC 5280, section 4.2.1.13).
async fn revocation_list(desk: web::Data<Desk>, name: web::Path<String>) -> HttpResponse {
    let found = name
        .strip_suffix(".crl")
        .and_then(|name| desk.app.authorities.crl(name));
    match found {
        Some(der) => HttpResponse::Ok().content_type("application/pkix-crl").body(der),
        None => HttpResponse::NotFound()
            .content_type(ContentType::plaintext())
            .body("no such revocation list\n"),
    }
}

/// Serial number and token from HTTP Basic. What is there but can not be read counts as a wrong token. A serial number
/// may hold a colon, a token never does: the last one separates them.
fn basic(request: &HttpRequest) -> Option<(Option<SerialNumber>, SecretString)> {
    let header = request.headers().get("Authorization")?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).unwrap_or_default();
    let text = String::from_utf8(decoded).unwrap_or_default();
    let (serial, secret) = text.rsplit_once(':').unwrap_or_default();
    Some((SerialNumber::new(serial).ok(), SecretString::from(secret)))
}

fn certs_only(certificates: &[Vec<u8>]) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(bulk::PKCS7)
        .insert_header(("Content-Transfer-Encoding", "base64"))
        .body(pkcs7::certs_only_base64(certificates))
}

fn reject(rejection: &Rejection) -> HttpResponse {
    let mut response = HttpResponse::build(rejection.status);
    if rejection.asks_for_credentials {
        response.insert_header((
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"pump enrolment\", charset=\"UTF-8\""),
        ));
    }
    if let Some(seconds) = rejection.retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    response
        .content_type(ContentType::plaintext())
        .body(format!("{}\n", rejection.text))
}
