//! Paths of the bulk listener: HTTPS with mutual TLS, port 8444. Enrolment is EST (RFC 7030); firmware is a TUF repository per
//! manufacturer.

use fleet::release::RepositoryName;

/// Current authorities, as certs-only PKCS#7 in base64 (RFC 7030, section 4.1). No authentication.
pub const CACERTS: &str = "/.well-known/est/cacerts";
/// What a request should contain (RFC 7030, section 4.5). No authentication.
pub const CSRATTRS: &str = "/.well-known/est/csrattrs";
/// First certificate (RFC 7030, section 4.2): HTTP Basic with serial number and one-time token, or a manufacturer's certificate.
pub const SIMPLEENROLL: &str = "/.well-known/est/simpleenroll";
/// Renewal (RFC 7030, section 4.2.2): mutual TLS with the current certificate.
pub const SIMPLEREENROLL: &str = "/.well-known/est/simplereenroll";
/// Media type of a request's body.
pub const PKCS10: &str = "application/pkcs10";
/// Media type of an answer's body.
pub const PKCS7: &str = "application/pkcs7-mime; smime-type=certs-only";
/// The largest request body, in bytes.
pub const MAX_REQUEST: usize = 16 * 1024;
/// The hospital's public keys for tickets, as a JSON Web Key Set (RFC 7517, RFC 8037). Mutual TLS.
pub const TICKET_KEYS: &str = "/firmware/ticket-keys.json";

/// Where a manufacturer's TUF repository is: `…/metadata/` and `…/targets/` below it. Mutual TLS; ranges are served.
#[must_use]
pub fn repository(name: &RepositoryName) -> String {
    format!("/firmware/{name}")
}
