//! The list of expected pumps, what enrolled, and where the two disagree; and text that tries to be something else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use tests::Hospital;

const HOSTILE: [&str; 4] = [
    "=cmd|' /C calc'!A0",
    "O\"Brien, 4 \"West\"",
    "💉 Ünit",
    "<script>alert(1)</script>",
];

async fn import(hospital: &Hospital, csv: &str, dry_run: bool) -> tests::Answer {
    hospital
        .api
        .post_text(&format!("/expected/import?dry_run={dry_run}"), "text/csv", csv)
        .await
}

async fn expected(hospital: &Hospital) -> usize {
    hospital.api.get("/expected?limit=1000").await.ok(200)["items"]
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_rehearsed_goes_in_whole_and_can_be_repeated() {
    let hospital = Hospital::open().await;
    let csv = "\u{FEFF}Serial;Maker;Model;Asset Tag;Ward\r\nSN-1;Acme Medical;Volumat LVP;BM-1;4 West\r\nSN-2;Acme Medical;Volumat LVP;BM-2;ED\r\n";
    let plan = import(&hospital, csv, true).await.ok(200);
    assert_eq!(
        (plan["added"].as_u64(), plan["dry_run"].as_bool()),
        (Some(2), Some(true))
    );
    assert_eq!(expected(&hospital).await, 0, "a dry run changes nothing");
    assert_eq!(import(&hospital, csv, false).await.ok(200)["added"], 2);
    assert_eq!(
        import(&hospital, csv, false).await.ok(200)["unchanged"],
        2,
        "again changes nothing"
    );
    let moved = csv.replace("BM-2;ED", "BM-2;PACU");
    assert_eq!(import(&hospital, &moved, false).await.ok(200)["changed"], 1);

    let broken =
        format!("{csv}SN-3;Acme Medical;Volumat LVP;BM-1;ED\r\n;Acme Medical;Volumat LVP;BM-4;ED\r\n");
    let refused = import(&hospital, &broken, false).await;
    assert_eq!(refused.status, 422);
    let refused = refused.ok(422);
    let problems = refused["problems"].as_array().unwrap();
    assert_eq!(
        problems
            .iter()
            .map(|problem| problem["line"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [4, 5],
        "{refused}"
    );
    assert_eq!(expected(&hospital).await, 2, "all or nothing");
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_survives_every_way_and_harms_nobody() {
    let hospital = Hospital::open().await;
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut csv = "serial,manufacturer,model,asset_tag,care_area\n".to_owned();
    for (n, text) in HOSTILE.iter().enumerate() {
        let cells = [&format!("{text}{n}"), "Acme Medical", "Volumat LVP", text, text].map(quoted);
        csv += &cells.join(",");
        csv.push('\n');
    }
    assert_eq!(import(&hospital, &csv, false).await.ok(200)["added"], 4);
    for (n, text) in HOSTILE.iter().enumerate() {
        let serial = format!("{text}{n}");
        // A serial number with a colon or quote can still be named to curl.
        let token = hospital
            .api
            .post("/enrol-tokens", &serde_json::json!({ "serial": serial }))
            .await
            .ok(201);
        let key = tests::Key::p256(hospital.dir(), "odd");
        let pump = key
            .enrol(&hospital, &serial, token["secret"].as_str().unwrap())
            .unwrap();
        let shown = hospital.api.get(&format!("/pumps/{}", pump.id)).await.ok(200);
        assert_eq!(shown["serial"], serial);
        assert_eq!(shown["asset_tag"], *text);
        assert_eq!(shown["care_area"], *text);
    }
    let export = hospital.api.get("/pumps/export").await;
    assert_eq!(export.status, 200);
    assert!(
        export.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/csv")
    );
    for line in export.text.lines() {
        for cell in line.split(',') {
            let inner = cell.trim_start_matches('"');
            assert!(
                !inner.starts_with(['=', '+', '@']),
                "a spreadsheet would run {cell:?}"
            );
        }
    }
    // What we export, we import again unchanged.
    assert!(export.text.contains("💉 Ünit") && export.text.contains("O\"\"Brien"));
    hospital.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_expected_and_what_exists_twice_is_listed() {
    let hospital = Hospital::open().await;
    let csv = "serial,manufacturer,model\nSN-1,Acme Medical,Volumat LVP\nSN-1,Acme Medical,Volumat PCA\n";
    let _ = import(&hospital, csv, false).await.ok(200);
    let ambiguous = hospital
        .api
        .post("/enrol-tokens", &serde_json::json!({ "serial": "SN-1" }))
        .await;
    assert_eq!(ambiguous.status, 409, "{}", ambiguous.text);
    let _ = hospital.enrol("SN-9").await;
    let found = hospital.api.get("/discrepancies").await.ok(200);
    let kinds: Vec<_> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"unknown"), "{found}");
    let events = hospital.api.get("/events?kind=unknown_pump").await.ok(200);
    assert_eq!(events["items"].as_array().unwrap().len(), 1);
    hospital.close().await;
}
