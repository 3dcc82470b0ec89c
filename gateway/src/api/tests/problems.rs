//! Whatever goes wrong reads the same, and carries the same headers as what goes right.

use actix_web::{
    http::{Method, StatusCode, header},
    test::TestRequest,
};
use serde_json::json;

use super::stage::{Reply, Stage};
use crate::api::problem::MEDIA_TYPE;

fn is_well_formed(reply: &Reply, code: &str) {
    assert_eq!(reply.header(header::CONTENT_TYPE), MEDIA_TYPE, "{}", reply.text);
    assert_eq!(reply.code(), code, "{}", reply.text);
    assert_eq!(reply.json["status"], reply.status.as_u16());
    assert_eq!(reply.json["type"], format!("urn:gateway:problem:{code}"));
    for text in ["title", "detail"] {
        assert!(
            reply.json[text].as_str().is_some_and(|text| !text.is_empty()),
            "{}",
            reply.text
        );
    }
    is_guarded(reply);
}

fn is_guarded(reply: &Reply) {
    assert_eq!(reply.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(reply.header(header::CACHE_CONTROL), "no-store");
    assert!(
        reply
            .header(header::CONTENT_SECURITY_POLICY)
            .contains("frame-ancestors 'none'")
    );
    assert!(
        reply
            .header(header::STRICT_TRANSPORT_SECURITY)
            .starts_with("max-age=")
    );
}

#[actix_web::test]
async fn every_refusal_has_its_code() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let nobody = "00000000-0000-0000-0000-000000000000";
    let hold = format!("/pumps/{pump}/hold");
    let get = |path: &str| stage.request(Method::GET, path);
    let post = |path: &str| stage.request(Method::POST, path);
    let typed = |request: TestRequest, kind: &str, body: String| {
        request
            .insert_header((header::CONTENT_TYPE, kind))
            .set_payload(body)
    };
    let json = "application/json";
    let cases = vec![
        (get("/nothing"), "no_such_route"),
        (get("/pumps/"), "no_such_route"),
        (stage.request(Method::PUT, "/pumps"), "method_not_allowed"),
        (get(&format!("/pumps/{pump}/hold")), "method_not_allowed"),
        (get("/pumps/not-an-id"), "malformed_path"),
        (get(&format!("/pumps/{nobody}")), "not_found"),
        (get(&format!("/pumps/{nobody}/events")), "not_found"),
        (get("/pumps?limit=0"), "invalid_value"),
        (get("/pumps?limit=1001"), "invalid_value"),
        (get("/pumps?limit=-1"), "malformed_query"),
        (get("/pumps?limits=1"), "malformed_query"),
        (get("/pumps?held=perhaps"), "malformed_query"),
        (get("/pumps?after=%F0%9F%92%89"), "malformed_cursor"),
        (get(&format!("/pumps?text={}", "x".repeat(129))), "invalid_value"),
        (get("/pumps/find"), "malformed_query"),
        (get("/events?kind=party"), "malformed_query"),
        (get("/certificates/forecasts"), "not_found"),
        (post(&hold), "unsupported_media_type"),
        (
            typed(post(&hold), "text/plain", "{}".to_owned()),
            "unsupported_media_type",
        ),
        (typed(post(&hold), json, "{".to_owned()), "malformed_body"),
        (typed(post(&hold), json, String::new()), "malformed_body"),
        (
            typed(post(&hold), json, r#"{"kind":"clinical"}"#.to_owned()),
            "malformed_body",
        ),
        (
            typed(
                post(&hold),
                json,
                r#"{"kind":"clinical","reason":"x","force":true}"#.to_owned(),
            ),
            "malformed_body",
        ),
        (
            typed(
                post(&hold),
                json,
                r#"{"kind":"clinical","reason":" "}"#.to_owned(),
            ),
            "malformed_body",
        ),
        (
            typed(post(&hold), json, format!("\"{}\"", "x".repeat(65 * 1024))),
            "payload_too_large",
        ),
        (
            typed(post("/expected/import"), json, "{}".to_owned()),
            "unsupported_media_type",
        ),
        (
            typed(
                post("/expected/import"),
                "text/csv",
                "x".repeat(16 * 1024 * 1024 + 1),
            ),
            "payload_too_large",
        ),
        (
            stage
                .request(Method::PATCH, &format!("/pumps/{pump}"))
                .set_json(json!({})),
            "precondition_required",
        ),
        (
            stage
                .request(Method::PATCH, &format!("/pumps/{pump}"))
                .insert_header((header::IF_MATCH, "yesterday"))
                .set_json(json!({})),
            "malformed_header",
        ),
    ];
    for (request, code) in cases {
        let reply = stage.send(request).await;
        is_well_formed(&reply, code);
    }
}

#[actix_web::test]
async fn what_is_outside_of_the_api_is_answered_alike() {
    let stage = Stage::new();
    for path in ["/", "/api", "/api/v2/pumps", "/%2e%2e/etc/passwd", "/<script>"] {
        let reply = stage
            .send(TestRequest::get().uri(&path.replace('<', "%3C").replace('>', "%3E")))
            .await;
        is_well_formed(&reply, "no_such_route");
    }
}

#[actix_web::test]
async fn a_wrong_method_learns_the_right_ones() {
    let stage = Stage::new();
    let reply = stage.send(stage.request(Method::DELETE, "/enrol-tokens")).await;
    assert_eq!(reply.header(header::ALLOW), "GET, POST");
    is_well_formed(&reply, "method_not_allowed");
}

#[actix_web::test]
async fn a_good_answer_is_guarded_too_and_the_description_needs_no_token() {
    let stage = Stage::new();
    is_guarded(&stage.get("/summary").await);
    let reply = stage.send(TestRequest::get().uri("/api/v1/openapi.json")).await;
    is_guarded(&reply);
    assert_eq!(reply.expect(StatusCode::OK)["openapi"], "3.1.0");
}
