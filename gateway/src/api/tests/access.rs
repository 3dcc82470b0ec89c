//! Who gets in: tokens, passwords, and what happens to those who guess.

use actix_web::{
    http::{Method, StatusCode, header},
    test::TestRequest,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::stage::{PASSWORD, Reply, Stage};
use crate::api::openapi::openapi;

async fn sign_in(stage: &Stage, name: &str, password: &str, body: Value) -> Reply {
    let basic = STANDARD.encode(format!("{name}:{password}"));
    let request = TestRequest::post()
        .uri("/api/v1/tokens")
        .insert_header((header::AUTHORIZATION, format!("Basic {basic}")))
        .set_json(body);
    stage.send(request).await
}

async fn with_token(stage: &Stage, token: &str) -> Reply {
    let request = TestRequest::get()
        .uri("/api/v1/tokens")
        .insert_header((header::AUTHORIZATION, format!("Bearer {token}")));
    stage.send(request).await
}

/// No route is open by mistake: each one of the description is called without a token.
#[actix_web::test]
async fn every_operation_but_three_asks_for_a_token_before_anything_else() {
    let stage = Stage::new();
    let description = serde_json::to_value(openapi()).unwrap();
    let mut asked = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation.get("security").is_some() {
                continue;
            }
            let path = path.replace("{id}", "00000000-0000-0000-0000-000000000000");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            // A body that no handler reads: who asks is settled first.
            let request = TestRequest::default()
                .method(method.clone())
                .uri(&path)
                .set_payload("{");
            let reply = stage.send(request).await;
            assert_eq!(reply.code(), "unauthenticated", "{method} {path}");
            assert_eq!(reply.header(header::WWW_AUTHENTICATE), "Bearer realm=\"gateway\"");
            asked += 1;
        }
    }
    assert!(asked > 40, "{asked} operations");
}

#[actix_web::test]
async fn a_one_time_password_opens_nothing_but_the_door_to_a_new_one() {
    let stage = Stage::new();
    stage.account("admin", true);
    let new = "a better password";
    sign_in(&stage, "admin", PASSWORD, json!({"label": "laptop"}))
        .await
        .expect_problem("password_change_required");
    for weak in ["short", PASSWORD, "x"] {
        let body = json!({"label": "laptop", "new_password": weak});
        sign_in(&stage, "admin", PASSWORD, body)
            .await
            .expect_problem("weak_password");
    }
    let body = json!({"label": "laptop", "new_password": new});
    let made = sign_in(&stage, "admin", PASSWORD, body)
        .await
        .expect(StatusCode::CREATED);
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("gwt_"));
    with_token(&stage, token).await.expect(StatusCode::OK);

    let reply = sign_in(&stage, "admin", PASSWORD, json!({"label": "laptop"})).await;
    assert!(reply.header(header::WWW_AUTHENTICATE).starts_with("Basic "));
    reply.expect_problem("wrong_password");
    sign_in(&stage, "admin", new, json!({"label": "desk"}))
        .await
        .expect(StatusCode::CREATED);
}

#[actix_web::test]
async fn a_token_is_shown_once_and_ends_by_time_or_by_hand() {
    let stage = Stage::new();
    stage.account("admin", false);
    let make = async |label: &str, days: u32| {
        let body = json!({"label": label, "valid_days": days});
        sign_in(&stage, "admin", PASSWORD, body)
            .await
            .expect(StatusCode::CREATED)
    };
    let (short, long) = (make("short", 1).await, make("long", 365).await);
    let (short, id) = (short["token"].as_str().unwrap(), short["id"].as_str().unwrap());
    let (long, long_id) = (long["token"].as_str().unwrap(), long["id"].as_str().unwrap());

    let reply = with_token(&stage, long).await;
    assert_eq!(reply.json["items"].as_array().unwrap().len(), 2);
    for secret in [short, long] {
        assert!(
            !reply.text.contains(secret.trim_start_matches("gwt_")),
            "{}",
            reply.text
        );
    }

    stage.move_clock(TimeDelta::hours(24));
    with_token(&stage, short).await.expect_problem("unauthenticated");
    with_token(&stage, long).await.expect(StatusCode::OK);

    // The stage's own account does not see another's tokens.
    stage
        .delete(&format!("/tokens/{id}"))
        .await
        .expect_problem("not_found");
    let request = TestRequest::delete()
        .uri(&format!("/api/v1/tokens/{long_id}"))
        .insert_header((header::AUTHORIZATION, format!("Bearer {long}")));
    stage.send(request).await.expect(StatusCode::NO_CONTENT);
    with_token(&stage, long).await.expect_problem("unauthenticated");

    let body = json!({"label": "too long", "valid_days": 366});
    sign_in(&stage, "admin", PASSWORD, body)
        .await
        .expect_problem("invalid_value");
}

#[actix_web::test]
async fn a_forged_header_is_nobody() {
    let stage = Stage::new();
    for forged in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer gwt_",
        "Bearer gwt_0000-0000",
        "Basic Og==",
        "gwt_0000",
        "bearer gwt_💉",
    ] {
        let request = TestRequest::get().uri("/api/v1/pumps").insert_header((
            header::AUTHORIZATION,
            header::HeaderValue::from_bytes(forged.as_bytes()).unwrap(),
        ));
        stage.send(request).await.expect_problem("unauthenticated");
    }
    for forged in ["", "Basic", "Basic %%%", "Bearer gwt_0000"] {
        let request = TestRequest::post()
            .uri("/api/v1/tokens")
            .insert_header((header::AUTHORIZATION, forged))
            .set_json(json!({"label": "x"}));
        stage.send(request).await.expect_problem("wrong_password");
    }
}

#[actix_web::test]
async fn who_guesses_waits_and_who_knows_gets_in_afterwards() {
    let stage = Stage::new();
    stage.account("admin", false);
    let guess = async |password: &str| sign_in(&stage, "admin", password, json!({"label": "x"})).await;
    for _ in 0..6 {
        let reply = guess("a wrong password").await;
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        reply.expect_problem("wrong_password");
    }
    let reply = guess(PASSWORD).await;
    let seconds: i64 = reply.header(header::RETRY_AFTER).parse().unwrap();
    reply.expect_problem("too_many_attempts");
    stage.move_clock(TimeDelta::seconds(seconds));
    guess(PASSWORD).await.expect(StatusCode::CREATED);
    guess("a wrong password").await.expect_problem("wrong_password");
    guess(PASSWORD).await.expect(StatusCode::CREATED);
}

#[actix_web::test]
async fn a_new_password_ends_the_tokens_that_were_made_by_the_old_one() {
    let stage = Stage::new();
    stage.account("admin", false);
    let token = async |body: Value| {
        let made = sign_in(&stage, "admin", PASSWORD, body)
            .await
            .expect(StatusCode::CREATED);
        made["token"].as_str().unwrap().to_owned()
    };
    let old = token(json!({"label": "thief"})).await;
    let another = token(json!({"label": "laptop"})).await;
    let new = token(json!({"label": "laptop", "new_password": "a better password"})).await;
    for old in [old, another] {
        with_token(&stage, &old).await.expect_problem("unauthenticated");
    }
    with_token(&stage, &new).await.expect(StatusCode::OK);
}
