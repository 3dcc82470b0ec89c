//! What goes wrong, told in one form (RFC 9457) and from one table.
//!
//! Every error of every handler, of the framework's own extractors, and of the routes that do not exist becomes a
//! [`Problem`]. A program decides by `code`; a person reads `detail`, which says what to do next.

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use fleet::inventory::LineProblem;
use serde::Serialize;
use utoipa::ToSchema;

macro_rules! problem_codes {
    ($($(#[$meta:meta])* $name:ident = $word:tt, $status:ident, $title:literal;)+) => {
        /// What went wrong, as a program reads it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
        pub enum ProblemCode {
            $($(#[$meta])* #[serde(rename = $word)] $name,)+
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word in the answer, stable for ever.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The status of the answer.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// What it means wherever it occurs.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

problem_codes! {
    /// The body is not the JSON that was expected.
    MalformedBody = "malformed_body", BAD_REQUEST, "The request's body could not be read";
    /// A query parameter is unknown, missing or of another type.
    MalformedQuery = "malformed_query", BAD_REQUEST, "The request's query could not be read";
    /// A part of the path is not what it should be.
    MalformedPath = "malformed_path", BAD_REQUEST, "The request's path could not be read";
    /// A header is not what it should be.
    MalformedHeader = "malformed_header", BAD_REQUEST, "A header of the request could not be read";
    /// `after` did not come from an earlier answer.
    MalformedCursor = "malformed_cursor", BAD_REQUEST, "The cursor did not come from this list";
    /// No token, or none that is good.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Who is asking is not known";
    /// Name or password is wrong.
    WrongPassword = "wrong_password", UNAUTHORIZED, "Name or password is wrong";
    /// The password was right, and the account has an authenticator.
    SecondFactorRequired = "second_factor_required", FORBIDDEN, "The second factor is needed too";
    /// A password, code or PIN that was shown is not right, or was used before.
    WrongFactor = "wrong_factor", FORBIDDEN, "A factor that was shown is not right";
    /// What was shown is right, and not enough.
    FactorsMissing = "factors_missing", FORBIDDEN, "Signing takes more factors";
    /// Not this one's right, or not there.
    Denied = "denied", FORBIDDEN, "This is not allowed";
    /// The browser was made to ask by another site.
    CrossSite = "cross_site", FORBIDDEN, "The request came from another site";
    /// The device's secret is none of ours.
    DeviceUnknown = "device_unknown", FORBIDDEN, "The device is not registered";
    /// It takes another person.
    SamePerson = "same_person", FORBIDDEN, "This takes two people";
    /// Nobody does this to their own account.
    OwnAccount = "own_account", FORBIDDEN, "Another administrator does this";
    /// The one-time password opens nothing but the door to a new one.
    PasswordChangeRequired = "password_change_required", FORBIDDEN, "The one-time password must be replaced first";
    /// No record under that id.
    NotFound = "not_found", NOT_FOUND, "There is no such record";
    /// No such path.
    NoSuchRoute = "no_such_route", NOT_FOUND, "There is no such path";
    /// The serial is on no list, and nobody said what it is.
    SerialNotExpected = "serial_not_expected", NOT_FOUND, "The serial number is on no list";
    /// The path is there, the method is not.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The path does not take this method";
    /// It contradicts what is on record.
    Conflict = "conflict", CONFLICT, "The request contradicts what is on record";
    /// A hold of this kind stands, or one that only signatures may lift.
    AlreadyHeld = "already_held", CONFLICT, "The pump is held already";
    /// The hold ended before.
    HoldOver = "hold_over", CONFLICT, "The hold has ended";
    /// No checks are being run again.
    NoRetest = "no_retest", CONFLICT, "No retest was begun";
    /// Only a sequestration is ended so.
    NotSequestered = "not_sequestered", CONFLICT, "The pump is not sequestered";
    /// A hold that forbids sending anything.
    HoldForbidsOrders = "hold_forbids_orders", CONFLICT, "Nothing is sent to a pump that is held so";
    /// It left for good.
    PumpRetired = "pump_retired", CONFLICT, "The pump was retired";
    /// Several models have that serial.
    AmbiguousSerial = "ambiguous_serial", CONFLICT, "Several models have this serial number";
    /// Several certificates begin so.
    AmbiguousCertificate = "ambiguous_certificate", CONFLICT, "Several certificates fit";
    /// Pumps would lose their connection.
    WouldCutOff = "would_cut_off", CONFLICT, "Pumps would be cut off";
    /// What was shown is not what is there.
    ContentChanged = "content_changed", CONFLICT, "What was shown has changed";
    /// Once is enough.
    AlreadySigned = "already_signed", CONFLICT, "It was signed already";
    /// Something stands in the way of signing it.
    NotReady = "not_ready", CONFLICT, "It can not be signed now";
    /// Nobody would be left to let people in.
    LastAdministrator = "last_administrator", CONFLICT, "The last administrator stays";
    /// The ticket of an authenticator's enrolment.
    EnrolmentOver = "enrolment_over", CONFLICT, "Setting up has to begin again";
    /// Break-glass is not open in this session.
    NoGlass = "no_glass", CONFLICT, "Break-glass is not open";
    /// Being worked on, or cut off.
    IdempotencyUnfinished = "idempotency_unfinished", CONFLICT, "What became of the request under this key is not known";
    /// Done, and its secret was shown.
    IdempotencySecret = "idempotency_secret", CONFLICT, "It was done, and its secret is shown once";
    /// An authority is not in the state for it.
    AuthorityRefused = "authority_refused", CONFLICT, "The certificate authority can not do this now";
    /// Nobody has signed for whose keys these are.
    RootNotTrusted = "root_not_trusted", CONFLICT, "The root of trust is not signed for";
    /// Not from the state it is in.
    IllegalTransition = "illegal_transition", CONFLICT, "It can not be done in the state it is in";
    /// No update has to be proved, can be taken back, or tried again.
    NotUnderTest = "not_under_test", CONFLICT, "The pump has no such update";
    /// Somebody else changed the record meanwhile.
    Stale = "stale", PRECONDITION_FAILED, "The record was changed meanwhile";
    /// More than is read.
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "The request's body is too large";
    /// Not the media type that is read here.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The request's media type is not read here";
    /// Readable, but outside what is accepted.
    InvalidValue = "invalid_value", UNPROCESSABLE_ENTITY, "A value is not acceptable";
    /// The new PIN.
    WeakPin = "weak_pin", UNPROCESSABLE_ENTITY, "The new PIN is not acceptable";
    /// One key, two requests.
    IdempotencyMismatch = "idempotency_mismatch", UNPROCESSABLE_ENTITY, "Another request was made under this key";
    /// The new password.
    WeakPassword = "weak_password", UNPROCESSABLE_ENTITY, "The new password is not acceptable";
    /// A pump would refuse it too.
    ReleaseRefused = "release_refused", UNPROCESSABLE_ENTITY, "The release does not hold";
    /// Nothing of it was taken, and why.
    DocumentRefused = "document_refused", UNPROCESSABLE_ENTITY, "The document was refused; nothing was changed";
    /// The documents are clear, or say nothing.
    NothingToDecide = "nothing_to_decide", CONFLICT, "There is nothing to decide";
    /// The lines are named.
    CsvProblems = "csv_problems", UNPROCESSABLE_ENTITY, "The file has problems; nothing was imported";
    /// Not a certificate that can vouch for pumps.
    UnusableAnchor = "unusable_anchor", UNPROCESSABLE_ENTITY, "The certificate can not be an anchor";
    /// An edit must say what it was made from.
    PreconditionRequired = "precondition_required", PRECONDITION_REQUIRED, "The edit must name the version it was made from";
    /// Guessing costs time.
    TooManyAttempts = "too_many_attempts", TOO_MANY_REQUESTS, "Too many attempts";
    /// Of this account, or from this address.
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS, "Too many requests";
    /// The fault is ours; it was logged.
    Internal = "internal", INTERNAL_SERVER_ERROR, "The gateway failed";
    /// For the moment.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The gateway can not do this at the moment";
}

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, with its particulars.
#[derive(Debug, Clone)]
pub struct Problem {
    code: ProblemCode,
    detail: Cow<'static, str>,
    particulars: Box<Particulars>,
}

/// What some problems carry beside the words.
#[derive(Debug, Clone, Default)]
struct Particulars {
    lines: Vec<LineProblem>,
    count: Option<usize>,
    candidates: Vec<String>,
    retry_after: Option<u64>,
    allow: Option<String>,
}

/// The answer's body: RFC 9457, section 3, with our extensions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemView<'a> {
    /// `urn:gateway:problem:` and the code.
    #[schema(example = "urn:gateway:problem:stale")]
    r#type: String,
    /// What the code means.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// By this a program decides.
    code: ProblemCode,
    /// What happened here, and what to do next.
    detail: &'a str,
    /// `csv_problems`: each line that has one.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    problems: &'a [LineProblem],
    /// `would_cut_off`: how many live certificates. `ambiguous_…`: how many fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    /// What to choose from, or what is affected (the first of them).
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    candidates: &'a [String],
}

impl Problem {
    /// A problem with what happened and what to do next.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            particulars: Box::default(),
        }
    }

    /// Its code.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        self.code
    }

    /// What happened here, and what to do next.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Lines of a file, each with its problem.
    #[must_use]
    pub fn with_lines(mut self, lines: Vec<LineProblem>) -> Self {
        self.particulars.lines = lines;
        self
    }

    /// How many there are, and the first of them by name.
    #[must_use]
    pub fn with_candidates(mut self, count: usize, candidates: Vec<String>) -> Self {
        self.particulars.count = Some(count);
        self.particulars.candidates = candidates;
        self
    }

    /// When to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.particulars.retry_after = Some(seconds);
        self
    }

    /// The methods that the path does take.
    #[must_use]
    pub fn allow(mut self, methods: String) -> Self {
        self.particulars.allow = Some(methods);
        self
    }

    fn headers(&self) -> Vec<(header::HeaderName, HeaderValue)> {
        let challenge = HeaderValue::from_static("Bearer realm=\"gateway\"");
        let authenticate =
            (self.code.status() == StatusCode::UNAUTHORIZED).then_some((header::WWW_AUTHENTICATE, challenge));
        let retry = self
            .particulars
            .retry_after
            .map(|seconds| (header::RETRY_AFTER, seconds.into()));
        let allow = self.particulars.allow.as_deref();
        let allow = allow.and_then(|methods| Some((header::ALLOW, HeaderValue::from_str(methods).ok()?)));
        authenticate.into_iter().chain(retry).chain(allow).collect()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.code.status());
        for name_and_value in self.headers() {
            answer.insert_header(name_and_value);
        }
        answer.content_type(MEDIA_TYPE).json(ProblemView {
            r#type: format!("urn:gateway:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: self.code,
            detail: &self.detail,
            problems: &self.particulars.lines,
            count: self.particulars.count,
            candidates: &self.particulars.candidates,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use actix_web::body::to_bytes;

    use super::*;

    #[test]
    fn every_code_stands_once_and_is_written_as_it_is_called() {
        let words: HashSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            assert_eq!(
                serde_json::to_string(code).unwrap(),
                format!("\"{}\"", code.as_str())
            );
            assert!(
                code.status().is_client_error() || code.status().is_server_error(),
                "{code:?}"
            );
        }
    }

    #[test]
    fn the_table_of_codes_is_a_promise() {
        let line =
            |code: &ProblemCode| format!("{} {} {}", code.status().as_u16(), code.as_str(), code.title());
        let table: Vec<_> = ProblemCode::ALL.iter().map(line).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[actix_web::test]
    async fn hostile_words_stay_words() {
        let problem = Problem::new(
            ProblemCode::InvalidValue,
            "`</script>\"\u{202e}` is not a name".to_owned(),
        );
        let answer = problem.error_response();
        assert_eq!(answer.headers().get(header::CONTENT_TYPE).unwrap(), MEDIA_TYPE);
        let body = to_bytes(answer.into_body()).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["code"], "invalid_value");
        assert_eq!(body["detail"], "`</script>\"\u{202e}` is not a name");
        assert_eq!(body.get("problems"), None);
    }
}
