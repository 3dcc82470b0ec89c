//! Asking twice creates once: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).
//!
//! A creation that names a key of its own is remembered with its answer for a day. The key is taken before anything is done: a
//! second request under it, also at this very moment, is answered from memory or told to look. A secret is never remembered;
//! whoever lost it is told that the creation was done, and makes another.

use actix_web::{
    Error, HttpMessage, HttpResponse, ResponseError,
    body::{self, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::{
        Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::{Bytes, Data},
};
use chrono::TimeDelta;
use fleet::id::AccountId;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use store::IdempotencyRecord;

use super::{
    Api,
    caller::{Caller, routed_path},
    problem::{Problem, ProblemCode},
};

/// The header.
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// On an answer from memory.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// No key is longer.
const KEY_MAX: usize = 128;
/// No body under a key is longer, in bytes: the longest that any creation takes.
const BODY_MAX: usize = fleet::inventory::MAX_BYTES;
/// No answer that is longer is remembered.
const ANSWER_MAX: usize = 256 * 1024;
/// So long a key is remembered.
pub(crate) const REMEMBERED: TimeDelta = TimeDelta::hours(24);
/// Members of an answer by which a secret is known.
const SECRETS: [&str; 4] = [
    "\"token\":\"",
    "\"secret\":\"",
    "\"one_time_password\":\"",
    "\"ticket\":\"",
];

/// Operations whose requests hold a password, a code or a PIN: not even a hash of such a request is kept. Each of them is
/// safe to repeat as it is.
const WITH_SECRETS: [&str; 8] = [
    "glass_break",
    "me_password_change",
    "me_pin_set",
    "me_totp_begin",
    "me_totp_confirm",
    "me_totp_remove",
    "session_begin",
    "signature_sign",
];

fn shows_a_secret(api: &Api, request: &ServiceRequest) -> bool {
    api.0
        .routes
        .operation(request.method(), routed_path(request))
        .is_some_and(|operation| WITH_SECRETS.contains(&operation))
}

/// A key, read.
fn read(value: &HeaderValue) -> Result<String, Problem> {
    value
        .to_str()
        .ok()
        .map(|text| text.trim().trim_matches('"'))
        .filter(|text| (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()))
        .map(str::to_owned)
        .ok_or_else(|| {
            Problem::new(
                ProblemCode::MalformedHeader,
                "`Idempotency-Key` must be 1 to 128 visible characters, such as a UUID",
            )
        })
}

/// Answers a creation under a key once.
pub(super) async fn once(
    api: Data<Api>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let named = request
        .headers()
        .get(HEADER)
        .filter(|_| request.method() == Method::POST && !shows_a_secret(&api, &request));
    let Some(named) = named else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let caller = request
        .extensions()
        .get::<Caller>()
        .map(|caller| caller.identified.principal.account);
    let Some(account) = caller else {
        // Nobody is known: a sign-in is never remembered.
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let begun = match read(named) {
        Ok(key) => begin(&api, &mut request, account, key).await,
        Err(problem) => Err(problem),
    };
    let key = match begun {
        Ok(Begun::New(key)) => key,
        Ok(Begun::Before(answer)) => return Ok(request.into_response(answer)),
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let answer = next.call(request).await;
    finish(&api, account, key, answer).await
}

enum Begun {
    /// Nothing was done under this key.
    New(String),
    /// Something was; this is the answer.
    Before(HttpResponse),
}

async fn begin(
    api: &Api,
    request: &mut ServiceRequest,
    account: AccountId,
    key: String,
) -> Result<Begun, Problem> {
    let body = whole_body(request).await?;
    let mut hash = Sha256::new();
    hash.update(format!("{} {}\n", request.method(), request.uri()));
    hash.update(&body);
    request.set_payload(Payload::from(body));
    let record = IdempotencyRecord {
        account,
        name: key,
        request_hash: hash.finalize().into(),
        at: api.0.app.now(),
        status: None,
        content_type: None,
        body: None,
    };
    let (key, request_hash) = (record.name.clone(), record.request_hash);
    let before = api
        .run(move |app| {
            app.store.write(|db| {
                db.idempotency_forget(record.at - REMEMBERED)?;
                db.idempotency_begin(&record)
            })
        })
        .await?;
    match before {
        None => Ok(Begun::New(key)),
        Some(before) if before.request_hash != request_hash => Err(Problem::new(
            ProblemCode::IdempotencyMismatch,
            "another request was made under this key before; use a new key for a new request",
        )),
        Some(before) => from_memory(&before).map(Begun::Before),
    }
}

fn from_memory(before: &IdempotencyRecord) -> Result<HttpResponse, Problem> {
    let status = before
        .status
        .and_then(|status| u16::try_from(status).ok())
        .and_then(|status| StatusCode::from_u16(status).ok());
    match (status, &before.body) {
        (Some(status), Some(body)) => {
            let mut answer = HttpResponse::build(status);
            if let Some(media) = &before.content_type {
                answer.insert_header((header::CONTENT_TYPE, media.clone()));
            }
            answer.insert_header((REPLAYED, HeaderValue::from_static("true")));
            Ok(answer.body(body.clone()))
        }
        (Some(_), None) => Err(Problem::new(
            ProblemCode::IdempotencySecret,
            "this was done under this key before, and its answer held a secret, which is shown once; find it in the list, take it back if the secret is lost, and make another",
        )),
        (None, _) => Err(Problem::new(
            ProblemCode::IdempotencyUnfinished,
            "a request under this key is being worked on, or was cut off; look whether it was done before you try again under a new key",
        )),
    }
}

/// Keeps an answer. What was refused was not done: its key is free again.
async fn finish(
    api: &Api,
    account: AccountId,
    key: String,
    answer: Result<ServiceResponse<impl MessageBody + 'static>, Error>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            release(api, account, key).await;
            return Err(error);
        }
    };
    let status = answer.status();
    let (request, answer) = answer.into_parts();
    let (head, body) = answer.into_parts();
    let bytes = body::to_bytes(body).await.map_err(|error| error.into())?;
    if status.is_success() {
        let text = std::str::from_utf8(&bytes)
            .ok()
            .filter(|text| bytes.len() <= ANSWER_MAX && !SECRETS.iter().any(|secret| text.contains(secret)))
            .map(str::to_owned);
        let media = head
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|media| media.to_str().ok())
            .map(str::to_owned);
        let kept = api
            .run(move |app| {
                app.store.write(|db| {
                    db.idempotency_finish(account, &key, status.as_u16(), media.as_deref(), text.as_deref())
                })
            })
            .await;
        if let Err(problem) = kept {
            // The key stays taken, and says that the outcome is unknown: never twice.
            tracing::error!(%problem, "the answer to an idempotency key could not be kept");
        }
    } else if status.is_client_error() {
        release(api, account, key).await;
    }
    Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(bytes))))
}

async fn release(api: &Api, account: AccountId, key: String) {
    let released = api
        .run(move |app| app.store.write(|db| db.idempotency_release(account, &key)))
        .await;
    if let Err(problem) = released {
        tracing::error!(%problem, "an idempotency key could not be given back");
    }
}

/// Reads the body, to compare it and hand it on.
async fn whole_body(request: &mut ServiceRequest) -> Result<Bytes, Problem> {
    let mut payload = request.take_payload();
    let mut whole = Vec::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|error: PayloadError| {
            Problem::new(
                ProblemCode::MalformedBody,
                format!("the body did not arrive whole: {error}"),
            )
        })?;
        if whole.len() + piece.len() > BODY_MAX {
            return Err(Problem::new(
                ProblemCode::PayloadTooLarge,
                format!("the body is larger than {BODY_MAX} bytes; send less"),
            ));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Bytes::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever has a field for a secret is in the table.
    #[test]
    fn no_request_with_a_secret_is_remembered() {
        let description = serde_json::to_value(super::super::openapi::openapi()).unwrap();
        let mut found = Vec::new();
        for item in description["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
                let Some(name) = body.as_str().and_then(|path| path.rsplit('/').next()) else {
                    continue;
                };
                let mut schema = description["components"]["schemas"][name].to_string();
                if schema.contains("ShownFactors") {
                    schema += &description["components"]["schemas"]["ShownFactors"].to_string();
                }
                if schema.contains("\"format\":\"password\"") {
                    found.push(operation["operationId"].as_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        assert_eq!(found, WITH_SECRETS);
    }

    #[test]
    fn a_key_is_short_and_visible() {
        let check = |text: &str, expected: Option<&str>| {
            let value = HeaderValue::from_bytes(text.as_bytes()).unwrap();
            assert_eq!(read(&value).ok().as_deref(), expected, "{text}");
        };
        check("abc-1", Some("abc-1"));
        check(" \"abc\" ", Some("abc"));
        check(&"x".repeat(KEY_MAX), Some(&"x".repeat(KEY_MAX)));
        for bad in ["", " ", "a b", "\"\"", "schlüssel", &"x".repeat(KEY_MAX + 1)] {
            check(bad, None);
        }
    }
}
