//! Every page, at both sizes and in every look: saved as a picture, and found fit to be used by everybody.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeSet;

use gateway::web::page::Page;
use serde_json::json;
use tests::{
    Hospital,
    browser::{Browser, Desk, Size, furnish, furnish_desk},
};

/// A page as somebody sees it: the name of its picture, where it is, and a part of what it says.
struct Sight {
    name: &'static str,
    path: &'static str,
    says: &'static str,
}

const fn sight(name: &'static str, path: &'static str, says: &'static str) -> Sight {
    Sight { name, path, says }
}

const BY_NOBODY: [Sight; 1] = [sight("login", "/login", "Sign in")];

const AT_THE_DESK: [Sight; 7] = [
    sight("overview", "/overview", "Needs you now"),
    sight("area", "/areas/MICU", "BM-10001"),
    sight("area-held", "/areas/MICU?show=held", "The door does not close"),
    sight("area-empty", "/areas/5%20East", "No pump belongs to 5 East yet"),
    sight("me", "/me", "What you sign with"),
    sight("not-found", "/nothing-here", "There is no such page"),
    sight("denied", "/areas/Nowhere", "It is not there"),
];

const AT_THE_WARD: [Sight; 16] = [
    sight("scan", "/scan", "Scan the label"),
    sight("scan-ok", "/scan?q=BM-10018", "OK TO USE"),
    sight("scan-in-use", "/scan?q=bm-10016", "IN USE"),
    sight("scan-stop", "/scan?q=BM-10021", "The door does not close"),
    sight("scan-never-heard", "/scan?q=BM-10015", "Nothing was ever heard"),
    sight("scan-none", "/scan?q=BM-99999", "No pump found"),
    sight("report", "/report?q=BM-10018", "What is wrong?"),
    sight("sign-off", "/sign-off?q=BM-10018", "You check"),
    sight("approve", "/approve", "Nothing to approve"),
    sight("ward", "/ward", "Waiting for you"),
    sight("briefing", "/briefing", "No software update is announced"),
    sight("ward-area", "/areas/4%20West", "BM-10015"),
    sight("ward-me", "/me", "What you sign with"),
    sight("password", "/me/password", "Your password now"),
    sight("pin", "/me/pin", "New PIN"),
    sight("authenticator", "/me/authenticator", "Your password"),
];

/// Pages of one thing: where `{}` stands comes its id.
const OF_THE_DESK: [Sight; 9] = [
    sight("pumps", "/pumps", "BM-10001"),
    sight("pump", "/pumps/{pump}", "What it is"),
    sight("releases", "/releases", "Volumat infusion control 9.33"),
    sight("release", "/releases/{release}", "CVE-2026-1001"),
    sight("rollouts", "/rollouts", "Volumat 9.33, the others"),
    sight("rollout", "/rollouts/{running}", "Before wave 2"),
    sight("rollout-approve", "/rollouts/{waiting}/approve", "Your signature"),
    sight("rollout-act", "/rollouts/{running}/act/halt", "Why"),
    sight(
        "rollout-pump",
        "/rollouts/{running}/pumps/{pump}/take-out",
        "Take out",
    ),
];

fn of_desk(path: &str, desk: &Desk) -> String {
    path.replace("{pump}", &desk.pump)
        .replace("{release}", &desk.release)
        .replace("{running}", &desk.running)
        .replace("{waiting}", &desk.waiting)
}

async fn look_at(browser: &Browser, sights: &[Sight]) {
    for sight in sights {
        browser.go(sight.path).await;
        browser.reads(sight.says).await;
        browser.inspect(sight.name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_fit_for_everybody() {
    let hospital = Hospital::open().await;
    furnish(&hospital);
    let areas = hospital.api.get("/care-areas").await.ok(200);
    let area = areas["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|area| area["name"] == "4 West")
        .unwrap();
    let roles =
        json!(["nurse", "charge_nurse"].map(|role| json!({ "role": role, "care_areas": [area["id"]] })));
    let _ = hospital
        .administrator
        .add_person_with("nora", "Nora Lind, RN", &roles)
        .await;

    let browser = Browser::open(&hospital, Size::Desk).await;
    look_at(&browser, &BY_NOBODY).await;
    browser.sign_in("ines").await;
    look_at(&browser, &AT_THE_DESK).await;
    let desk = furnish_desk(&hospital).await;
    for sight in &OF_THE_DESK {
        browser.go(&of_desk(sight.path, &desk)).await;
        browser.reads(sight.says).await;
        browser.inspect(sight.name).await;
    }
    browser.go("/me").await;
    browser.press("form[action='/logout'] button").await;
    browser.arrives("/login").await;
    browser.sign_in("nora").await;
    look_at(&browser, &AT_THE_WARD).await;

    // Setting up an authenticator, with its code to scan.
    browser.fill("#password", tests::PASSWORD).await;
    browser.press("button.main").await;
    browser.reads("Scan this code").await;
    browser.inspect("authenticator-code").await;
    browser.close().await;
    hospital.close().await;
}

/// No page is left out above.
#[test]
fn every_page_is_looked_at() {
    let seen: BTreeSet<_> = BY_NOBODY
        .iter()
        .chain(&AT_THE_DESK)
        .chain(&AT_THE_WARD)
        .chain(&OF_THE_DESK)
        .filter_map(|sight| Page::at(sight.path.split('?').next().unwrap()))
        .map(Page::path)
        .collect();
    let all: BTreeSet<_> = Page::ALL
        .iter()
        // It leads on to another.
        .filter(|page| page.is_shown() && **page != Page::Root)
        .map(|page| page.path())
        .collect();
    assert_eq!(seen, all);
}
