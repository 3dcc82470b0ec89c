//! People come in for the first time, each by the door and on the screen of their work.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use fleet::access::Role;
use serde_json::json;
use tests::{
    Hospital, PASSWORD,
    browser::{Browser, Size, furnish},
};

#[tokio::test(flavor = "multi_thread")]
async fn everybody_comes_in_for_the_first_time() {
    let hospital = Hospital::open().await;
    furnish(&hospital);
    for role in Role::ALL {
        let name = format!("new-{}", role.as_str().replace('_', "-"));
        let person = json!({
            "name": name, "printed_name": format!("{} Moreau", role.label()),
            "roles": [{ "role": role.as_str(), "everywhere": true }],
        });
        let made = hospital.administrator.post("/people", &person).await.ok(201);
        let one_time = made["one_time_password"].as_str().unwrap();
        let of_ward = matches!(role, Role::Nurse | Role::ChargeNurse);
        let size = if of_ward { Size::Phone } else { Size::Desk };
        let browser = Browser::open(&hospital, size).await;

        browser.go("/").await;
        browser.arrives("/login").await;
        browser.fill("#name", &name).await;
        browser.fill("#password", one_time).await;
        browser.press("button.main").await;
        browser.reads("Choose a password").await;
        browser.fill("#new_password", "password1234").await;
        browser.press("button.main").await;
        browser.reads("This password can not be used.").await;
        browser.fill("#new_password", PASSWORD).await;
        browser.press("button.main").await;

        let signs = matches!(
            role,
            Role::Nurse | Role::ChargeNurse | Role::Biomed | Role::BiomedLead | Role::Security
        );
        if signs {
            browser.arrives("/me/pin").await;
            browser.fill("#password", PASSWORD).await;
            browser.fill("#pin", "640917").await;
            browser.press("button.main").await;
            browser.arrives("/me").await;
            browser.reads("PIN for signing").await;
        }
        browser.go("/").await;
        if of_ward {
            browser.arrives("/ward").await;
            browser.reads("4 West").await;
        } else {
            browser.arrives("/overview").await;
            browser.reads("Needs you now").await;
        }
        assert_eq!(browser.complaints().await, Vec::<String>::new(), "{role}");
        browser.go("/me").await;
        browser.press("form[action='/logout'] button").await;
        browser.arrives("/login").await;
        browser.go("/overview").await;
        browser.arrives("/login?next=%2Foverview").await;
        browser.close().await;
    }
    hospital.close().await;
}

/// With no pointer at all: the keys that everybody has.
#[tokio::test(flavor = "multi_thread")]
async fn the_door_opens_to_the_keyboard_alone() {
    let hospital = Hospital::open().await;
    let browser = Browser::open(&hospital, Size::Desk).await;
    browser.go("/login?next=%2Fme").await;
    browser.reads("Sign in").await;
    // The name has the focus already. Tab is U+E004, Enter U+E007 (W3C WebDriver, section 17.4.2).
    browser.keys("ines\u{e004}").await;
    browser.keys(PASSWORD).await;
    browser.keys("\u{e007}").await;
    // She signs, and has nothing to sign with yet.
    browser.arrives("/me/pin").await;
    browser.reads("Choose a PIN").await;
    browser.close().await;
    hospital.close().await;
}

/// Two people look at the same board; what one thing changes, both see, without loading anything anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_lies_open_follows_what_happens() {
    let hospital = Hospital::open().await;
    furnish(&hospital);
    let [one, two] = [
        Browser::open(&hospital, Size::Desk).await,
        Browser::open(&hospital, Size::Phone).await,
    ];
    for browser in [&one, &two] {
        browser.sign_in("ines").await;
        browser.go("/areas/MICU?show=held").await;
        browser.reads("BM-10007").await;
        assert!(!browser.text().await.contains("BM-10002"));
    }
    let pump = hospital.api.pump("BM-10002").await;
    let wanted = json!({ "kind": "clinical", "reason": "It was dropped" });
    let held = hospital
        .api
        .post(&format!("/pumps/{}/hold", pump["id"].as_str().unwrap()), &wanted)
        .await;
    assert!(held.status < 300, "{}", held.text);
    for browser in [&one, &two] {
        browser.reads("It was dropped").await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
    one.close().await;
    two.close().await;
    hospital.close().await;
}
