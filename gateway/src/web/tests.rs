//! The pages over a real store: who sees which, what is answered to those who do not, and how forms bear what people do.

use std::collections::BTreeSet;

use actix_web::{
    App as WebApp,
    cookie::Cookie,
    http::{Method, StatusCode, header},
    test::{self, TestRequest},
};
use fleet::{
    access::{CareAreas, Grant, Permission, Role, Scope},
    id::CareAreaId,
    text::Name,
};
use tokio::sync::watch;

use super::{
    Web,
    page::{Kind, Page},
};
use crate::{
    api::{
        Api,
        caller::COOKIE,
        operation::Takes,
        tests::stage::{PASSWORD, Reply, Stage},
    },
    fresh,
};

/// The pages of a stage's gateway.
struct Pages {
    web: Web,
    api: Api,
    /// Streams end when this is dropped.
    _stop: watch::Sender<bool>,
}

impl Pages {
    fn of(stage: &Stage) -> Self {
        let api = Api::new(stage.app.clone());
        let (stop, stopped) = watch::channel(false);
        Self {
            web: Web::new(api.clone(), stopped),
            api,
            _stop: stop,
        }
    }

    async fn send(&self, request: TestRequest) -> Reply {
        let service = test::init_service(
            WebApp::new()
                .configure(self.api.configure())
                .configure(self.web.configure()),
        )
        .await;
        let answer = test::call_service(&service, request.to_request()).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        // A stream has no end to read to.
        let text = if headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "text/event-stream")
        {
            String::new()
        } else {
            String::from_utf8_lossy(&test::read_body(answer).await).into_owned()
        };
        Reply {
            status,
            headers,
            json: serde_json::Value::Null,
            text,
        }
    }

    async fn get(&self, secret: Option<&str>, path: &str) -> Reply {
        self.send(request(secret, Method::GET, path)).await
    }

    async fn post(&self, secret: Option<&str>, path: &str, form: &[(&str, &str)]) -> Reply {
        let request = request(secret, Method::POST, path)
            .insert_header(("sec-fetch-site", "same-origin"))
            .set_form(form);
        self.send(request).await
    }
}

fn request(secret: Option<&str>, method: Method, path: &str) -> TestRequest {
    let request = TestRequest::default().method(method).uri(path);
    match secret {
        Some(secret) => request.cookie(Cookie::new(COOKIE, secret.to_owned())),
        None => request,
    }
}

fn care_area(stage: &Stage, name: &str) -> CareAreaId {
    let id = CareAreaId::from_uuid(fresh::uuid(stage.app.now()));
    let name = Name::new(name).unwrap();
    let made = stage.app.store.write(|db| db.care_area_ensure(&name, id));
    made.unwrap()
}

fn path_of(page: Page) -> String {
    let nowhere = "01890000-0000-7000-8000-000000000000";
    page.path()
        .replace("{name}", "MICU")
        .replace("{id}", nowhere)
        .replace("{pump}", nowhere)
        .replace("{act}", "cancel")
}

/// The page as it is asked for first.
async fn visit(pages: &Pages, secret: Option<&str>, page: Page) -> Reply {
    match page.kind() {
        Kind::Act => pages.post(secret, &path_of(page), &[]).await,
        Kind::Page | Kind::Form | Kind::Part | Kind::Stream => pages.get(secret, &path_of(page)).await,
    }
}

#[actix_web::test]
async fn every_page_is_open_to_the_roles_of_its_rights_and_to_no_other() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    let area = care_area(&stage, "MICU");
    let mut walked = 0;
    for role in Role::ALL {
        let grant = Grant {
            role,
            care_areas: CareAreas::Named(BTreeSet::from([area])),
        };
        stage.person_with(role.as_str(), &[grant], false);
        for page in Page::ALL {
            let Takes::OneOf(permissions) = page.takes() else {
                continue;
            };
            let holds = permissions.iter().any(|permission| {
                permission.scope(role) != Scope::None
                    || matches!(permission, Permission::SessionOwn | Permission::FactorOwn)
            });
            let secret = stage.sign_in(role.as_str());
            let reply = visit(&pages, Some(&secret), *page).await;
            let refused = reply.text.contains("This is not yours to do.");
            assert_eq!(refused, !holds, "{role} {page:?}: {}", reply.text);
            assert_ne!(reply.status, StatusCode::UNAUTHORIZED, "{role} {page:?}");
            assert!(!reply.status.is_server_error(), "{role} {page:?}: {}", reply.text);
            walked += 1;
        }
    }
    assert!(walked > 100, "{walked}");
}

#[actix_web::test]
async fn whoever_is_not_known_is_led_to_the_door_and_back() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    for page in Page::ALL {
        let reply = visit(&pages, None, *page).await;
        match (page.takes(), page.is_shown()) {
            (Takes::Nothing, _) => assert!(reply.status.as_u16() < 500, "{page:?}"),
            (Takes::OneOf(_), true) => {
                assert_eq!(reply.status, StatusCode::SEE_OTHER, "{page:?}");
                assert!(reply.header(header::LOCATION).starts_with("/login"), "{page:?}");
            }
            (Takes::OneOf(_), false) => assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{page:?}"),
        }
    }
    let reply = pages.get(None, "/areas/4%20West?show=held").await;
    assert_eq!(
        reply.header(header::LOCATION),
        "/login?next=%2Fareas%2F4%2520West%3Fshow%3Dheld"
    );
}

/// Strict, on every answer: pages, refusals, what is not there. No page has a script or a style of its own.
#[actix_web::test]
async fn no_answer_lets_anything_in() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    care_area(&stage, "MICU");
    stage.person("ana", &[Role::BiomedLead, Role::Nurse], false);
    let secret = stage.sign_in("ana");
    let mut paths: Vec<_> = Page::ALL
        .iter()
        .filter(|page| page.is_shown())
        .map(|page| path_of(*page))
        .collect();
    paths.extend(["/nothing", "/areas/%3Cscript%3E", "/assets/none.css"].map(str::to_owned));
    for path in paths {
        for secret in [None, Some(secret.as_str())] {
            let reply = pages.get(secret, &path).await;
            let policy = reply
                .headers
                .get(header::CONTENT_SECURITY_POLICY)
                .unwrap()
                .to_str()
                .unwrap();
            assert!(
                policy.starts_with("default-src 'none'; script-src 'self';"),
                "{path}"
            );
            assert!(!policy.contains("unsafe"), "{path}");
            assert_eq!(reply.headers.get("x-content-type-options").unwrap(), "nosniff");
            assert_eq!(reply.headers.get("referrer-policy").unwrap(), "no-referrer");
            assert_eq!(reply.header(header::CACHE_CONTROL), "no-store", "{path}");
            let text = reply.text.to_lowercase();
            for inline in [
                " style=",
                "<style",
                " onclick",
                "javascript:",
                "<script>",
                "quarantine",
            ] {
                assert!(!text.contains(inline), "{path}: {inline}");
            }
        }
    }
}

#[actix_web::test]
async fn files_are_kept_for_ever_and_named_after_what_is_in_them() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    let door = pages.get(None, "/login").await;
    let (_, rest) = door.text.split_once("href=\"/assets/style.").unwrap();
    let path = format!("/assets/style.{}", rest.split('"').next().unwrap());
    let file = pages.get(None, &path).await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(
        file.header(header::CACHE_CONTROL),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(file.header(header::CONTENT_TYPE), "text/css; charset=utf-8");
    let other = pages.get(None, "/assets/style.0000000000000000.css").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

/// The secret in the cookie that an answer sets.
fn cookie_of(reply: &Reply) -> Option<String> {
    let set = reply.headers.get(header::SET_COOKIE)?.to_str().unwrap();
    let cookie = Cookie::parse_encoded(set.to_owned()).unwrap();
    assert!(
        cookie.http_only() == Some(true) && cookie.secure() == Some(true),
        "{set}"
    );
    (cookie.name() == COOKIE).then(|| cookie.value().to_owned())
}

fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap()
}

#[actix_web::test]
async fn a_one_time_password_is_replaced_before_anything_else() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    stage.person("nora", &[Role::Nurse], true);
    let first = pages
        .post(
            None,
            "/login",
            &[("name", "nora"), ("password", PASSWORD), ("next", "/me")],
        )
        .await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    assert!(cookie_of(&first).is_none());
    assert!(first.text.contains("Choose a password") && !first.text.contains(PASSWORD));
    let ticket = field(&first.text, "ticket").to_owned();
    let choose = |ticket: String, new: &'static str| {
        let pages = &pages;
        async move {
            let form = [
                ("name", "nora"),
                ("ticket", ticket.as_str()),
                ("new_password", new),
                ("next", "/me"),
            ];
            pages.post(None, "/login", &form).await
        }
    };
    // The old one again, and one that is tried first.
    for bad in [PASSWORD, "password1234"] {
        let reply = choose(ticket.clone(), bad).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text);
        assert!(reply.text.contains("This password can not be used."));
    }
    let done = choose(ticket.clone(), "violet harbour stumble nine").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let secret = cookie_of(&done).unwrap();
    // She signs, and has nothing to sign with yet.
    assert_eq!(done.header(header::LOCATION), "/me/pin");
    assert_eq!(pages.get(Some(&secret), "/me").await.status, StatusCode::OK);
    // The ticket was for the old password.
    let late = choose(ticket, "another harbour stumble nine").await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED, "{}", late.text);
    assert!(cookie_of(&late).is_none());
}

#[actix_web::test]
async fn a_ticket_is_for_one_person_and_for_a_few_minutes() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    stage.person("nora", &[Role::Nurse], true);
    stage.person("omar", &[Role::BiomedLead], true);
    let first = pages
        .post(None, "/login", &[("name", "nora"), ("password", PASSWORD)])
        .await;
    let ticket = field(&first.text, "ticket").to_owned();
    let new = ("new_password", "violet harbour stumble nine");
    let other = pages
        .post(None, "/login", &[("name", "omar"), ("ticket", &ticket), new])
        .await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED);
    for forged in [
        "1",
        "99999999999.00",
        &format!("9{ticket}"),
        &ticket.replace('.', ""),
    ] {
        let reply = pages
            .post(None, "/login", &[("name", "nora"), ("ticket", forged), new])
            .await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{forged}");
    }
    stage.move_clock(chrono::TimeDelta::minutes(6));
    let late = pages
        .post(None, "/login", &[("name", "nora"), ("ticket", &ticket), new])
        .await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn the_door_bears_whatever_is_typed() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    stage.person("nora", &[Role::Nurse], false);
    let long = "x".repeat(5_000);
    let names = [
        "",
        "nora",
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "no\u{202e}ra",
        &long,
    ];
    for name in names {
        for password in ["", "wrong wrong wrong", &long] {
            let reply = pages
                .post(None, "/login", &[("name", name), ("password", password)])
                .await;
            let expected = [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS];
            assert!(expected.contains(&reply.status), "{name:.20}: {}", reply.status);
            assert!(!reply.text.contains("<script>alert"), "{name}");
        }
    }
    let elsewhere = [("name", "ben"), ("password", "x"), ("surprise", "y")];
    assert_eq!(
        pages.post(None, "/login", &elsewhere).await.status,
        StatusCode::BAD_REQUEST
    );
}

/// Nobody is led away by a link to the door.
#[actix_web::test]
async fn behind_the_door_is_only_this_house() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    stage.person("aud", &[Role::Auditor], false);
    let check = async |next: &str, expected: &str| {
        let form = [("name", "aud"), ("password", PASSWORD), ("next", next)];
        let reply = pages.post(None, "/login", &form).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text);
        assert_eq!(reply.header(header::LOCATION), expected, "{next}");
    };
    check("/me", "/me").await;
    for bad in ["https://evil.example/", "//evil.example", "/\\evil.example", ""] {
        check(bad, "/overview").await;
    }
}

#[actix_web::test]
async fn another_site_sends_no_form_in_somebodys_name() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    stage.person("nora", &[Role::Nurse], false);
    let secret = stage.sign_in("nora");
    for page in Page::ALL
        .iter()
        .filter(|page| matches!(page.kind(), Kind::Act | Kind::Form))
    {
        for origin in [
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ] {
            let request = request(Some(&secret), Method::POST, &path_of(*page))
                .insert_header(origin)
                .set_form([("theme", "dark")]);
            let reply = pages.send(request).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{page:?}");
        }
    }
    // Still signed in.
    assert_eq!(pages.get(Some(&secret), "/me").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn signing_out_is_for_good() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    stage.person("nora", &[Role::Nurse], false);
    let secret = stage.sign_in("nora");
    let left = pages.post(Some(&secret), "/logout", &[]).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER);
    assert_eq!(
        pages.get(Some(&secret), "/me").await.status,
        StatusCode::SEE_OTHER
    );
    // By a link nobody is signed out.
    let secret = stage.sign_in("nora");
    assert_eq!(
        pages.get(Some(&secret), "/logout").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

/// A page that lies open asks by itself, and that keeps nobody signed in.
#[actix_web::test]
async fn a_page_that_lies_open_is_no_sign_of_life() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    stage.person("nora", &[Role::Nurse], false);
    let secret = stage.sign_in("nora");
    let minutes = chrono::TimeDelta::minutes;
    stage.move_clock(minutes(10));
    assert_eq!(pages.get(Some(&secret), "/ward").await.status, StatusCode::OK);
    for _ in 0..2 {
        stage.move_clock(minutes(7));
        assert_eq!(
            pages.get(Some(&secret), "/ward/part").await.status,
            StatusCode::OK
        );
    }
    stage.move_clock(minutes(2));
    assert_eq!(
        pages.get(Some(&secret), "/ward/part").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[actix_web::test]
async fn the_choice_of_a_look_is_remembered_and_leads_back() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    let chosen = pages
        .post(None, "/theme", &[("theme", "dark"), ("back", "/login")])
        .await;
    assert_eq!(chosen.header(header::LOCATION), "/login");
    let set = chosen.header(header::SET_COOKIE);
    assert!(set.starts_with("__Host-gateway-theme=dark;"), "{set}");
    let request = request(None, Method::GET, "/login").cookie(Cookie::new("__Host-gateway-theme", "dark"));
    assert!(pages.send(request).await.text.contains("data-theme=\"dark\""));
    let elsewhere = pages
        .post(None, "/theme", &[("theme", "dark"), ("back", "//evil.example")])
        .await;
    assert_eq!(elsewhere.header(header::LOCATION), "/");
    assert_eq!(
        pages.post(None, "/theme", &[("theme", "pink")]).await.status,
        StatusCode::BAD_REQUEST
    );
}

/// A second click, or a page that is sent anew, holds the pump once; with other answers it is told so.
#[actix_web::test]
async fn a_form_that_is_sent_twice_is_done_once() {
    let stage = Stage::new();
    let pages = Pages::of(&stage);
    stage.person("nora", &[Role::Nurse], false);
    let secret = stage.sign_in("nora");
    let pump = stage.pump("P-1");
    let shown = pages.get(Some(&secret), "/report?q=P-1").await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    let (token, id) = (field(&shown.text, "token").to_owned(), pump.to_string());
    let send = async |token: &str, trouble: &str, text: &str| {
        let form = [
            ("token", token),
            ("pump", id.as_str()),
            ("trouble", trouble),
            ("text", text),
        ];
        pages.post(Some(&secret), "/report?q=P-1", &form).await
    };
    // Not accepted, and what was typed is still there; the number is free.
    let empty = send(&token, "other", " ").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", empty.text);
    let hostile = send(&token, "nothing", "x").await;
    assert_eq!(hostile.status, StatusCode::BAD_REQUEST);
    let first = send(&token, "damaged", "<b>wet</b>").await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.text);
    let again = send(&token, "damaged", "<b>wet</b>").await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text);
    assert_eq!(again.header(header::LOCATION), first.header(header::LOCATION));
    let other = send(&token, "damaged", "dry").await;
    assert!(
        other
            .text
            .contains("This form was sent before with other answers."),
        "{}",
        other.text
    );
    assert!(other.text.contains(">dry</textarea>"), "{}", other.text);
    let late = send("ABCD-EFGH-JKMN", "damaged", "dry").await;
    assert!(late.text.contains("The pump is held already."), "{}", late.text);
    let seen = pages.get(Some(&secret), first.header(header::LOCATION)).await;
    assert!(
        seen.text.contains("Do not use") && seen.text.contains("Your report is recorded."),
        "{}",
        seen.text
    );
    assert!(
        !seen.text.contains("<b>wet") && !seen.text.contains(&id),
        "{}",
        seen.text
    );
}
