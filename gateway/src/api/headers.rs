//! Headers that every answer carries, and a line in the log for each.

use std::time::Instant;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};

/// An answer is data: nothing in it runs, is framed, is guessed at, or is kept by a cache on the way.
const HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("strict-transport-security", "max-age=31536000"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// Sets the headers, unless a handler set its own.
pub(super) async fn secure(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut answer = next.call(request).await?;
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        if !answer.headers().contains_key(&name) {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    Ok(answer)
}

/// One line for each request: never its query, its headers or its body. The path may hold whatever somebody typed, so it
/// is cut short and escaped.
pub(crate) async fn log(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let method = request.method().clone();
    let path: String = request
        .path()
        .chars()
        .take(200)
        .collect::<String>()
        .escape_debug()
        .collect();
    let peer = request.peer_addr().map(|address| address.ip());
    let answer = next.call(request).await?;
    let status = answer.status().as_u16();
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if answer.status().is_server_error() {
        tracing::error!(%method, path, status, milliseconds, ?peer, "request failed");
    } else {
        tracing::info!(%method, path, status, milliseconds, ?peer, "request");
    }
    Ok(answer)
}
