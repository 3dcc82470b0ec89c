//! Who gets in: passwords, codes, sessions and tokens, and what happens to those who guess, bring or forge.

use actix_web::{
    http::{Method, StatusCode, header},
    test::TestRequest,
};
use chrono::TimeDelta;
use fleet::access::{IDLE_DEFAULT, Role, SESSION_MAX};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::stage::{PASSWORD, Reply, Stage, request_as};
use crate::{
    api::openapi::openapi,
    auth::{limits::Rates, totp},
};

async fn sign_in(stage: &Stage, body: Value) -> Reply {
    stage
        .send(TestRequest::post().uri("/api/v1/sessions").set_json(body))
        .await
}

fn shown(name: &str, password: &str) -> Value {
    json!({ "name": name, "password": password })
}

async fn me(stage: &Stage, secret: &str) -> Reply {
    stage.send(request_as(secret, Method::GET, "/me")).await
}

/// No route is open by mistake: each one of the description is called without a secret.
#[actix_web::test]
async fn every_operation_but_three_asks_who_it_is_before_anything_else() {
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
    assert!(asked > 70, "{asked} operations");
}

#[actix_web::test]
async fn a_one_time_password_opens_nothing_but_the_door_to_a_new_one() {
    let stage = Stage::new();
    stage.person("admin", &[Role::Administrator], true);
    let new = "violet harbour stumble nine";
    sign_in(&stage, shown("admin", PASSWORD))
        .await
        .expect_problem("password_change_required");
    for weak in ["short", PASSWORD, "password1234", "County General 1"] {
        let body = json!({ "name": "admin", "password": PASSWORD, "new_password": weak });
        sign_in(&stage, body).await.expect_problem("weak_password");
    }
    let body = json!({ "name": "Admin", "password": PASSWORD, "new_password": new });
    let begun = sign_in(&stage, body).await.expect(StatusCode::CREATED);
    let token = begun["token"].as_str().unwrap();
    assert!(token.starts_with("gws_"));
    me(&stage, token).await.expect(StatusCode::OK);
    sign_in(&stage, shown("admin", PASSWORD))
        .await
        .expect_problem("wrong_password");
    sign_in(&stage, shown("admin", new))
        .await
        .expect(StatusCode::CREATED);
}

#[actix_web::test]
async fn a_session_ends_by_itself_and_by_hand() {
    let stage = Stage::new();
    stage.person("ana", &[Role::Nurse], false);
    let idle = stage.sign_in("ana");
    stage.move_clock(IDLE_DEFAULT - TimeDelta::seconds(1));
    me(&stage, &idle).await.expect(StatusCode::OK);
    stage.move_clock(IDLE_DEFAULT);
    me(&stage, &idle).await.expect_problem("unauthenticated");

    // Whatever is done in it, it ends after a long shift.
    let busy = stage.sign_in("ana");
    let step = IDLE_DEFAULT / 2;
    let mut passed = TimeDelta::zero();
    while passed + step < SESSION_MAX {
        stage.move_clock(step);
        passed += step;
        me(&stage, &busy).await.expect(StatusCode::OK);
    }
    stage.move_clock(step);
    me(&stage, &busy).await.expect_problem("unauthenticated");

    let (here, there) = (stage.sign_in("ana"), stage.sign_in("ana"));
    let list = stage.send(request_as(&here, Method::GET, "/sessions")).await;
    assert_eq!(list.json["items"].as_array().unwrap().len(), 2, "{}", list.text);
    assert!(
        !list.text.contains(here.trim_start_matches("gws_")),
        "{}",
        list.text
    );
    let other = list.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|session| session["current"] == false)
        .unwrap();
    let end = format!("/sessions/{}", other["id"].as_str().unwrap());
    stage
        .send(request_as(&here, Method::DELETE, &end))
        .await
        .expect(StatusCode::NO_CONTENT);
    me(&stage, &there).await.expect_problem("unauthenticated");
    // Nobody ends another's.
    stage.person("ben", &[Role::Biomed], false);
    let ben = stage.sign_in("ben");
    let mine = me(&stage, &here).await.json["session"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    stage
        .send(request_as(&ben, Method::DELETE, &format!("/sessions/{mine}")))
        .await
        .expect_problem("not_found");
    stage
        .send(request_as(&here, Method::DELETE, "/sessions/current"))
        .await
        .expect(StatusCode::NO_CONTENT);
    me(&stage, &here).await.expect_problem("unauthenticated");
}

/// A secret that an attacker knows before the victim signs in must be worth nothing afterwards.
#[actix_web::test]
async fn a_session_can_not_be_fixed() {
    let stage = Stage::new();
    stage.person("ana", &[Role::Nurse], false);
    stage.person("mallory", &[Role::Nurse], false);
    let planted = stage.sign_in("mallory");
    for planted in [planted.as_str(), "gws_0000-0000-0000-0000", "attacker", ""] {
        let request = TestRequest::post()
            .uri("/api/v1/sessions")
            .insert_header((header::COOKIE, format!("__Host-gateway-session={planted}")))
            .set_json(json!({ "name": "ana", "password": PASSWORD, "carry": "cookie" }));
        let reply = stage.send(request).await;
        let cookie = reply.header(header::SET_COOKIE).to_owned();
        let begun = reply.expect(StatusCode::CREATED);
        assert_eq!(begun["token"], Value::Null);
        let secret = cookie
            .strip_prefix("__Host-gateway-session=")
            .unwrap()
            .split(';')
            .next()
            .unwrap();
        assert_ne!(secret, planted);
        for wanted in ["; HttpOnly", "; SameSite=Strict", "; Secure", "; Path=/"] {
            assert!(cookie.contains(wanted), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        me(&stage, secret).await.expect(StatusCode::OK);
    }
    // What was brought along has ended.
    me(&stage, &planted).await.expect_problem("unauthenticated");
}

#[actix_web::test]
async fn the_secret_changes_with_the_privilege_and_the_old_one_is_dead() {
    let stage = Stage::new();
    stage.person("ana", &[Role::Nurse], false);
    let post = async |secret: &str, path: &str, body: Value| {
        stage
            .send(request_as(secret, Method::POST, path).set_json(body))
            .await
    };
    let first = stage.sign_in("ana");
    let elsewhere = stage.sign_in("ana");
    let glass = json!({ "reason": "nobody else in the house", "password": PASSWORD });
    let broken = post(&first, "/break-glass", glass)
        .await
        .expect(StatusCode::CREATED);
    let second = broken["token"].as_str().unwrap();
    me(&stage, &first).await.expect_problem("unauthenticated");
    let ended = stage
        .send(request_as(second, Method::DELETE, "/break-glass"))
        .await
        .expect(StatusCode::OK);
    let third = ended["token"].as_str().unwrap();
    me(&stage, second).await.expect_problem("unauthenticated");
    let change = json!({ "password": PASSWORD, "new_password": "violet harbour stumble nine" });
    let changed = post(third, "/me/password", change).await.expect(StatusCode::OK);
    me(&stage, third).await.expect_problem("unauthenticated");
    me(&stage, &elsewhere).await.expect_problem("unauthenticated");
    me(&stage, changed["token"].as_str().unwrap())
        .await
        .expect(StatusCode::OK);
}

/// CSRF: a form, a fetch or a link on another site, or on a sibling host, sends the cookie along.
#[actix_web::test]
async fn another_site_does_nothing_with_the_cookie() {
    let stage = Stage::new();
    stage.person("ana", &[Role::Nurse], false);
    let secret = stage.sign_in("ana");
    let request = |headers: &[(&str, &str)]| {
        let mut request = TestRequest::delete()
            .uri("/api/v1/sessions/current")
            .insert_header((header::HOST, "gw.example"))
            .insert_header((header::COOKIE, format!("__Host-gateway-session={secret}")));
        for (name, value) in headers {
            request = request.insert_header((*name, *value));
        }
        request
    };
    for headers in [
        &[
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ][..],
        &[
            ("origin", "https://ward.gw.example"),
            ("sec-fetch-site", "same-site"),
        ],
        &[("origin", "null")],
        &[("sec-fetch-site", "none")],
        &[],
    ] {
        stage.send(request(headers)).await.expect_problem("cross_site");
    }
    // Reading by cookie needs no origin: another site can not see the answer.
    let read = TestRequest::get()
        .uri("/api/v1/me")
        .insert_header((header::COOKIE, format!("__Host-gateway-session={secret}")));
    stage.send(read).await.expect(StatusCode::OK);
    let own = [
        ("origin", "https://gw.example"),
        ("sec-fetch-site", "same-origin"),
    ];
    stage.send(request(&own)).await.expect(StatusCode::NO_CONTENT);

    // Nor does it sign anybody in as somebody else.
    let login = TestRequest::post()
        .uri("/api/v1/sessions")
        .insert_header((header::HOST, "gw.example"))
        .insert_header((header::ORIGIN, "https://evil.example"))
        .set_json(shown("ana", PASSWORD));
    stage.send(login).await.expect_problem("cross_site");
    // A form can not send JSON.
    let form = TestRequest::post()
        .uri("/api/v1/sessions")
        .insert_header((header::CONTENT_TYPE, "text/plain"))
        .set_payload(shown("ana", PASSWORD).to_string());
    stage.send(form).await.expect_problem("unsupported_media_type");
}

#[actix_web::test]
async fn nobody_learns_which_names_exist() {
    let stage = Stage::new();
    stage.person("ana", &[Role::Nurse], false);
    let closed = stage.person("closed", &[Role::Nurse], false);
    stage.person("fresh", &[Role::Nurse], true);
    stage
        .app
        .store
        .write(|db| {
            let account = db.account_fetch(closed)?;
            db.account_edit(closed, 1, &account.printed_name, Some(stage.app.now()))
        })
        .unwrap();
    let mut answers = Vec::new();
    for (name, password) in [
        ("ana", "a wrong password"),
        ("nobody", "a wrong password"),
        ("closed", "a wrong password"),
        ("closed", PASSWORD),
        ("fresh", "a wrong password"),
    ] {
        let reply = sign_in(&stage, shown(name, password)).await;
        let headers: Vec<_> = reply
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        answers.push((reply.status, headers, reply.text));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
}

/// The work of a sign-in that is refused is the same whether the name is somebody's: one hash of the password.
#[test]
fn a_name_that_nobody_has_costs_as_much_as_one_that_is_taken() {
    use secrecy::SecretString;

    use crate::auth::password;
    let stored = password::hash(&SecretString::from(PASSWORD)).unwrap();
    let guess = SecretString::from("a wrong password");
    let cost = |stored: Option<&str>| {
        let began = std::time::Instant::now();
        assert!(!password::verify(&guess, stored));
        began.elapsed()
    };
    cost(None);
    let median = |stored: Option<&str>| {
        let mut all: Vec<_> = (0..9).map(|_| cost(stored)).collect();
        all.sort();
        all[4]
    };
    // Side by side in one run, and far apart where the hash is left out: a factor of thousands.
    let (known, unknown) = (median(Some(&stored)), median(None));
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!(
        (0.1..10.0).contains(&ratio),
        "known {known:?}, unknown {unknown:?}"
    );
}

#[actix_web::test]
async fn an_authenticator_is_asked_for_and_each_code_is_taken_once() {
    let stage = Stage::new();
    stage.person("ana", &[Role::Nurse], false);
    let secret = stage.sign_in("ana");
    let post = async |path: &str, body: Value| {
        stage
            .send(request_as(&secret, Method::POST, path).set_json(body))
            .await
    };
    post("/me/totp", json!({ "password": "a wrong password" }))
        .await
        .expect_problem("wrong_factor");
    let begun = post("/me/totp", json!({ "password": PASSWORD }))
        .await
        .expect(StatusCode::OK);
    assert!(
        begun["uri"].as_str().unwrap().starts_with("otpauth://totp/"),
        "{begun}"
    );
    let seed = begun["secret"].as_str().unwrap().to_owned();
    let code = |ahead: i64| {
        let code = totp::code(&seed, stage.app.now() + TimeDelta::seconds(ahead)).unwrap();
        code.expose_secret().to_owned()
    };
    let ticket = begun["ticket"].as_str().unwrap();
    post("/me/totp/confirm", json!({ "ticket": ticket, "totp": "000000" }))
        .await
        .expect_problem("wrong_factor");
    for bad in ["", "x", "9999999999.00", &ticket.replace('.', ".0")] {
        post("/me/totp/confirm", json!({ "ticket": bad, "totp": code(0) }))
            .await
            .expect_problem("enrolment_over");
    }
    post("/me/totp/confirm", json!({ "ticket": ticket, "totp": code(0) }))
        .await
        .expect(StatusCode::NO_CONTENT);

    let with = |totp: &str| json!({ "name": "ana", "password": PASSWORD, "totp": totp });
    sign_in(&stage, shown("ana", PASSWORD))
        .await
        .expect_problem("second_factor_required");
    // Without the password nobody learns that there is an authenticator.
    sign_in(&stage, shown("ana", "a wrong password"))
        .await
        .expect_problem("wrong_password");
    sign_in(&stage, with(&code(0)))
        .await
        .expect_problem("wrong_factor");
    sign_in(&stage, with(&code(30))).await.expect(StatusCode::CREATED);
    sign_in(&stage, with(&code(30)))
        .await
        .expect_problem("wrong_factor");
    stage.move_clock(TimeDelta::seconds(90));
    sign_in(&stage, with(&code(0))).await.expect(StatusCode::CREATED);
    // Another person's ticket sets nothing up.
    stage.person("ben", &[Role::Nurse], false);
    let ben = stage.sign_in("ben");
    let stolen = json!({ "ticket": ticket, "totp": code(0) });
    stage
        .send(request_as(&ben, Method::POST, "/me/totp/confirm").set_json(stolen))
        .await
        .expect_problem("enrolment_over");
}

#[actix_web::test]
async fn a_forged_header_is_nobody() {
    let stage = Stage::new();
    for forged in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer gws_",
        "Bearer gwt_",
        "Bearer gws_0000-0000",
        "Bearer gwd_0000-0000",
        "Basic Og==",
        "gws_0000",
        "bearer gwt_💉",
    ] {
        let request = TestRequest::get().uri("/api/v1/pumps").insert_header((
            header::AUTHORIZATION,
            header::HeaderValue::from_bytes(forged.as_bytes()).unwrap(),
        ));
        stage.send(request).await.expect_problem("unauthenticated");
    }
}

#[actix_web::test]
async fn who_guesses_waits_and_who_knows_gets_in_afterwards() {
    let stage = Stage::new();
    stage.person("ana", &[Role::Nurse], false);
    let guess = async |password: &str| sign_in(&stage, shown("ana", password)).await;
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
}

#[actix_web::test]
async fn who_asks_too_fast_is_told_when_to_come_back() {
    let stage = Stage::with_rates(Rates {
        per_account: 1,
        per_account_burst: 5,
        per_address: 0,
        per_address_burst: 0,
    });
    stage.person("ana", &[Role::Nurse], false);
    stage.person("ben", &[Role::Nurse], false);
    let (ana, ben) = (stage.sign_in("ana"), stage.sign_in("ben"));
    let mut refused = None;
    for _ in 0..50 {
        let reply = me(&stage, &ana).await;
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("fifty at once are too many");
    assert!(refused.header(header::RETRY_AFTER).parse::<u64>().unwrap() >= 1);
    refused.expect_problem("too_many_requests");
    me(&stage, &ben).await.expect(StatusCode::OK);
}

#[actix_web::test]
async fn a_service_token_does_what_it_was_made_for_and_no_more() {
    let stage = Stage::new();
    let owner = stage.person("ben", &[Role::Biomed], false);
    let ben = stage.sign_in("ben");
    let make = async |secret: &str, scopes: Value, days: u32| {
        let body = json!({ "label": "reader", "scopes": scopes, "valid_days": days });
        stage
            .send(request_as(secret, Method::POST, "/tokens").set_json(body))
            .await
    };
    make(&ben, json!([]), 1).await.expect_problem("invalid_value");
    make(&ben, json!(["fly"]), 1)
        .await
        .expect_problem("malformed_body");
    make(&ben, json!(["pump_read"]), 366)
        .await
        .expect_problem("invalid_value");
    // Not Ben's, and nobody's who is a program.
    make(&ben, json!(["people_read"]), 1)
        .await
        .expect_problem("invalid_value");
    make(&ben, json!(["session_own"]), 1)
        .await
        .expect_problem("invalid_value");
    let made = make(&ben, json!(["pump_read"]), 1)
        .await
        .expect(StatusCode::CREATED);
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("gwt_"));
    let get = async |path: &str| stage.send(request_as(&token, Method::GET, path)).await;
    get("/pumps").await.expect(StatusCode::OK);
    let denied = get("/events").await.expect_problem("denied");
    assert!(
        denied["detail"].as_str().unwrap().contains("event_read"),
        "{denied}"
    );
    get("/me").await.expect_problem("denied");
    // It makes no other token, and no session.
    make(&token, json!(["pump_read"]), 1)
        .await
        .expect_problem("denied");

    // It is never more than its owner.
    stage.app.store.write(|db| db.grant_set(owner, &[])).unwrap();
    get("/pumps").await.expect_problem("denied");
    stage.person("lea", &[Role::Biomed], false);
    let lea = stage.sign_in("lea");
    let other = make(&lea, json!(["pump_read"]), 1)
        .await
        .expect(StatusCode::CREATED);
    let id = other["id"].as_str().unwrap();
    stage
        .send(request_as(&ben, Method::DELETE, &format!("/tokens/{id}")))
        .await
        .expect_problem("denied");
    stage.move_clock(TimeDelta::hours(24));
    let token = other["token"].as_str().unwrap();
    stage
        .send(request_as(token, Method::GET, "/pumps"))
        .await
        .expect_problem("unauthenticated");
}

/// Header injection and open redirects: what somebody typed never becomes a header, and nothing leads elsewhere.
#[actix_web::test]
async fn what_is_typed_never_becomes_a_header_and_nothing_redirects() {
    let stage = Stage::new();
    stage.person("ana", &[Role::Nurse], false);
    let secret = stage.sign_in("ana");
    let hostile = "x\r\nSet-Cookie: pwned=1\r\nLocation: https://evil.example";
    for body in [
        json!({ "name": hostile, "password": PASSWORD }),
        json!({ "name": "ana", "password": hostile }),
        json!({ "name": "ana", "password": PASSWORD, "device": hostile }),
        json!({ "name": "ana", "password": PASSWORD, "next": "https://evil.example" }),
    ] {
        let reply = sign_in(&stage, body).await;
        assert!(reply.status.is_client_error(), "{}", reply.text);
        assert!(reply.headers.get(header::LOCATION).is_none());
        assert!(reply.headers.get(header::SET_COOKIE).is_none());
    }
    for path in [
        "/pumps/find?q=x%0d%0aSet-Cookie:%20pwned=1",
        "/sessions/x%0d%0aLocation:%20https:%2f%2fevil.example",
        "//evil.example/%2f..",
        "/me?next=https://evil.example",
    ] {
        for method in [Method::GET, Method::DELETE] {
            let reply = stage.send(request_as(&secret, method, path)).await;
            assert!(!reply.status.is_redirection(), "{path}");
            assert!(reply.headers.get(header::LOCATION).is_none(), "{path}");
            assert!(reply.headers.get(header::SET_COOKIE).is_none(), "{path}");
        }
    }
}
