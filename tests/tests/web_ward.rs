//! A nurse and a charge nurse with a phone in one hand: an update from its briefing to the approval of its wave, and a problem.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use serde_json::json;
use tests::{
    Hospital, PASSWORD,
    browser::{Browser, Size, furnish},
    eventually,
    rollout::{Maker, PIN, Site, Ward, fleet_of},
};

const WARD: &str = "4 West";
/// Bytes of the firmware.
const LENGTH: usize = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_briefed_checked_signed_and_approved() {
    let hospital = Hospital::open().await;
    let maker = Maker::new(hospital.dir(), LENGTH);
    let fleet = fleet_of(&maker, 2, &[WARD]);
    let site = Site::from(&hospital);
    let ward = Ward::open(&hospital.administrator, &site, &maker, fleet, 20.0).await;
    let limits = json!({ "failure_percent": 100, "verified_percent": 40, "soak_seconds": 1 });
    let waves = json!([{ "name": WARD, "takes": "rest" }]);
    let rollout = ward.begin(&waves, &limits).await;
    eventually("the briefing is asked for", || async {
        (ward.wave(&rollout, 1).await["state"] == "briefing").then_some(())
    })
    .await;

    let browser = Browser::open(&hospital, Size::Phone).await;
    browser.sign_in("chen").await;
    browser.go("/ward").await;
    browser.reads("briefing").await;
    browser.inspect("ward-asked").await;
    browser.resize(Size::Phone).await;
    browser.go("/briefing").await;
    browser.reads("The screen looks the same.").await;
    browser.inspect("briefing-asked").await;
    browser.resize(Size::Phone).await;
    browser.press("form[action='/briefing'] button").await;
    browser.reads("1 person has read it").await;
    browser.fill("#password", PASSWORD).await;
    browser.fill("#pin", PIN).await;
    browser.press("form[action='/briefing/sign'] button").await;
    browser.arrives("/briefing?done=briefed").await;

    for (place, serial) in ward.serials.iter().enumerate() {
        eventually("the pump waits for a nurse", || async {
            let is = ward.assignment(&rollout, place).await;
            (is["state"] == "awaiting_signoff").then_some(())
        })
        .await;
        // Scan, check and sign off, sign: three presses.
        browser.go("/scan").await;
        browser.fill("#q", serial).await;
        browser.press("button.main").await;
        browser.reads("AWAITING YOUR CHECK").await;
        if place == 0 {
            browser.inspect("scan-check").await;
            browser.resize(Size::Phone).await;
        }
        browser.press("a.button.main").await;
        browser.reads("limit at most 0 ×").await;
        if place == 0 {
            browser.inspect("sign-off-asked").await;
            browser.resize(Size::Phone).await;
            browser.fill("#pin", "999999").await;
            browser.press("button.main").await;
            browser.reads("That was not right, or was used before.").await;
            // No connection: nothing is signed, and nothing is lost.
            browser.fill("#pin", PIN).await;
            browser.line(false).await;
            browser.press("button.main").await;
            browser.reads("Not yet sent").await;
            browser.picture("sign-off-unsent-phone-light").await;
            browser.line(true).await;
            // That there was no connection.
            let _ = browser.complaints().await;
        } else {
            browser.fill("#pin", PIN).await;
        }
        browser.press("button.main").await;
        browser.reads("Your signature is recorded.").await;
    }

    eventually("the wave waits for approval", || async {
        (ward.wave(&rollout, 1).await["state"] == "awaiting_approval").then_some(())
    })
    .await;
    browser.go("/approve").await;
    browser.reads("Approve wave 1").await;
    browser.inspect("approve-asked").await;
    browser.resize(Size::Phone).await;
    browser.press("details.not-now summary").await;
    browser.fill("#reason", "The night shift was not told").await;
    browser.press("form[action='/approve/not-now'] button").await;
    browser.arrives("/approve?done=not_now").await;
    browser.fill("#pin", PIN).await;
    browser.press("form[action='/approve'] button").await;
    browser.arrives("/approve?done=approved").await;
    ward.bring_wave_to(&rollout, 1, "passed").await;
    browser.close().await;
    hospital.close().await;
}

/// The session ran out while somebody typed: what was typed is there when they come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_reported_and_outlives_the_session() {
    let hospital = Hospital::open().await;
    furnish(&hospital);
    let _ = hospital
        .administrator
        .add_person("nora", "Nora Lind, RN", &["nurse"])
        .await
        // Else she is led to choose one first.
        .with_pin()
        .await;
    let browser = Browser::open(&hospital, Size::Phone).await;
    browser.sign_in("nora").await;
    browser.go("/scan?q=BM-10021").await;
    browser.reads("DO NOT USE").await;
    browser.reads("Nearest ready").await;
    browser.picture("scan-nearest-phone-light").await;
    browser.go("/report?q=BM-10018").await;
    browser.press("input[value='misbehaves']").await;
    browser.fill("#text", "It beeped twice").await;
    browser.forget().await;
    browser.press("button.main").await;
    browser.reads("You are signed out.").await;
    browser.press("a.button.main").await;
    browser.arrives("/login?next=%2Freport%3Fq%3DBM-10018").await;
    browser.fill("#name", "nora").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("button.main").await;
    eventually("what was typed is there", async || {
        let typed = "return document.getElementById('text')?.value";
        (browser.run(typed).await == json!("It beeped twice")).then_some(())
    })
    .await;
    browser.press("button.main").await;
    browser.reads("Your report is recorded.").await;
    browser
        .reads("It does not do what it should: It beeped twice")
        .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
    hospital.close().await;
}
