//! The list of expected pumps, the export, and where list and fleet disagree.

use actix_web::http::{Method, StatusCode, header};
use chrono::TimeDelta;
use serde_json::json;

use super::stage::Stage;

const LIST: &str = "serial,manufacturer,model,asset_tag,mac,care_area,location\n\
                    SN-1,Acme,Apex 3,BM-1,00:1a:2b:00:00:01,4 West,Clean utility\n\
                    SN-2,Acme,Apex 3,BM-2,,4 West,\n\
                    SN-1,Acme,Apex 4,,,,\n";

async fn expected(stage: &Stage) -> usize {
    stage.get("/expected").await.expect(StatusCode::OK)["items"]
        .as_array()
        .unwrap()
        .len()
}

#[actix_web::test]
async fn a_dry_run_says_what_an_import_would_do_and_does_nothing() {
    let stage = Stage::new();
    let said = stage.import(LIST, true).await.expect(StatusCode::OK);
    assert_eq!(said["added"], 3);
    assert_eq!(expected(&stage).await, 0);
    let unsaid = stage
        .request(Method::POST, "/expected/import")
        .insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"))
        .set_payload(LIST);
    assert_eq!(
        stage.send(unsaid).await.expect(StatusCode::OK)["dry_run"],
        true,
        "unless somebody says otherwise"
    );
    assert_eq!(expected(&stage).await, 0);
    let names = stage.get("/care-areas").await.expect(StatusCode::OK);
    assert_eq!(names["items"], json!([]), "no name comes into being by it");

    let done = stage.import(LIST, false).await.expect(StatusCode::OK);
    assert_eq!((&done["added"], &done["lines"]), (&said["added"], &said["lines"]));
    assert_eq!(expected(&stage).await, 3);
}

#[actix_web::test]
async fn a_second_import_changes_only_what_changed() {
    let stage = Stage::new();
    stage.import(LIST, false).await.expect(StatusCode::OK);
    let before = stage.get("/expected").await.expect(StatusCode::OK);
    stage.move_clock(TimeDelta::days(1));
    let changed = LIST.replace("BM-2", "BM-22");
    let done = stage.import(&changed, false).await.expect(StatusCode::OK);
    assert_eq!(
        (&done["added"], &done["changed"], &done["unchanged"]),
        (&json!(0), &json!(1), &json!(2))
    );
    assert_eq!(
        done["lines"],
        json!([{"line": 3, "action": "change", "serial": "SN-2"}])
    );
    let after = stage.get("/expected").await.expect(StatusCode::OK);
    let by_serial = |list: &serde_json::Value| {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|pump| pump["serial"] == "SN-2")
            .unwrap()
            .clone()
    };
    let (old, new) = (by_serial(&before), by_serial(&after));
    assert_eq!((&new["id"], &new["listed_at"]), (&old["id"], &old["listed_at"]));
    assert_eq!(
        (&old["asset_tag"], &new["asset_tag"]),
        (&json!("BM-2"), &json!("BM-22"))
    );
}

#[actix_web::test]
async fn one_bad_line_imports_nothing() {
    let stage = Stage::new();
    let file = "serial,manufacturer,model,mac\nSN-1,Acme,Apex 3,\nSN-2,Acme,Apex 3,nonsense\n,Acme,Apex 3,\n";
    for dry_run in [true, false] {
        let problem = stage.import(file, dry_run).await.expect_problem("csv_problems");
        let lines: Vec<_> = problem["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["line"].clone())
            .collect();
        assert_eq!(lines, [3, 4]);
    }
    assert_eq!(expected(&stage).await, 0);
}

#[actix_web::test]
async fn a_tag_of_another_pump_is_a_problem_unless_the_file_takes_it_away() {
    let stage = Stage::new();
    stage.import(LIST, false).await.expect(StatusCode::OK);
    let head = "serial,manufacturer,model,asset_tag\n";
    let clash = format!("{head}SN-3,Acme,Apex 3,BM-1\n");
    let problem = stage.import(&clash, false).await.expect_problem("csv_problems");
    assert_eq!(problem["problems"][0]["column"], "asset_tag");
    let swap = format!("{head}SN-3,Acme,Apex 3,BM-1\nSN-1,Acme,Apex 3,BM-3\n");
    stage.import(&swap, false).await.expect(StatusCode::OK);
}

#[actix_web::test]
async fn strange_text_survives_the_way_in_and_is_harmless_on_the_way_out() {
    let stage = Stage::new();
    let formula = "=cmd|' /C calc'!A0";
    let file = format!(
        "\u{FEFF}serial;manufacturer;model;asset_tag;care_area\r\n\"{formula}\";\"O'Brien; Sons\";Apex 💉;\"@tag \"\"1\"\"\";+4 West\r\n"
    );
    stage.import(&file, false).await.expect(StatusCode::OK);
    let listed = stage.get("/expected").await.expect(StatusCode::OK);
    assert_eq!(listed["items"][0]["serial"], formula);
    assert_eq!(listed["items"][0]["manufacturer"], "O'Brien; Sons");
    assert_eq!(listed["items"][0]["asset_tag"], "@tag \"1\"");

    let pump = stage.pump(formula);
    let request = stage
        .request(Method::PATCH, &format!("/pumps/{pump}"))
        .insert_header((header::IF_MATCH, "\"1\""))
        .set_json(json!({"asset_tag": "@tag \"1\"", "care_area": "+4 West"}));
    stage.send(request).await.expect(StatusCode::OK);
    let export = stage.get("/pumps/export").await;
    assert!(export.header(header::CONTENT_TYPE).starts_with("text/csv"));
    assert!(
        export
            .header(header::CONTENT_DISPOSITION)
            .starts_with("attachment")
    );
    let text = export
        .text
        .strip_prefix('\u{FEFF}')
        .expect("spreadsheets need the mark");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().get(0), Some("serial"));
    let rows: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 1);
    let cells = &rows[0];
    assert_eq!(
        (&cells[0], &cells[3], &cells[7]),
        ("'=cmd|' /C calc'!A0", "'@tag \"1\"", "'+4 West")
    );
    for cell in cells {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
}

#[actix_web::test]
async fn an_export_holds_every_pump_that_fits_and_no_other() {
    let stage = Stage::new();
    for number in 0..3 {
        stage.pump(&format!("SN-{number}"));
    }
    stage.pump_of("Apex 4", "XX-1");
    let rows = async |query: &str| {
        let export = stage.get(&format!("/pumps/export{query}")).await;
        assert_eq!(export.status, StatusCode::OK, "{}", export.text);
        export.text.lines().count() - 1
    };
    assert_eq!(rows("").await, 4);
    assert_eq!(rows("?text=sn-").await, 3);
    assert_eq!(rows("?connected=true").await, 0);
}

#[actix_web::test]
async fn lists_come_in_pages_that_leave_nothing_out() {
    let stage = Stage::new();
    for number in 0..5 {
        stage.pump(&format!("SN-{number}"));
    }
    let mut serials = Vec::new();
    let mut path = "/pumps?limit=2".to_owned();
    loop {
        let page = stage.get(&path).await.expect(StatusCode::OK);
        serials.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pump| pump["serial"].clone()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/pumps?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(serials, ["SN-0", "SN-1", "SN-2", "SN-3", "SN-4"]);
}

#[actix_web::test]
async fn list_and_fleet_are_compared() {
    let stage = Stage::new();
    stage.import(LIST, false).await.expect(StatusCode::OK);
    stage.pump_of("Apex 3", "SN-1");
    stage.pump_of("Apex 4", "SN-1");
    stage.pump_of("Apex 3", "SN-9");
    stage.move_clock(TimeDelta::days(31));
    let found = stage.get("/discrepancies").await.expect(StatusCode::OK);
    let mut kinds: Vec<_> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            "never_seen",
            "same_serial",
            "silent",
            "silent",
            "silent",
            "unknown"
        ]
    );
    let summary = stage.get("/summary").await.expect(StatusCode::OK);
    assert_eq!(
        summary["pumps"],
        json!({"total": 3, "connected": 0, "held": 0, "retired": 0, "expected": 3, "missing": 3})
    );
}

#[actix_web::test]
async fn places_and_manufacturers_are_named_once() {
    let stage = Stage::new();
    for _ in 0..2 {
        stage
            .post("/care-areas", json!({"name": "4 West"}))
            .await
            .expect(StatusCode::CREATED);
        let location = json!({"name": "Clean utility", "care_area": "4 West"});
        stage
            .post("/locations", location)
            .await
            .expect(StatusCode::CREATED);
    }
    let areas = stage.get("/care-areas").await.expect(StatusCode::OK);
    let areas = areas["items"].as_array().unwrap();
    assert_eq!(areas.len(), 1);
    let path = format!("/care-areas/{}", areas[0]["id"].as_str().unwrap());
    let renamed = stage
        .request(Method::PATCH, &path)
        .set_json(json!({"name": "4 East"}));
    stage.send(renamed).await.expect(StatusCode::OK);
    let locations = stage.get("/locations").await.expect(StatusCode::OK);
    assert_eq!(locations["items"][0]["care_area"], "4 East");

    stage.pump("SN-1");
    let makers = stage.get("/manufacturers").await.expect(StatusCode::OK);
    let path = format!("/manufacturers/{}", makers["items"][0]["id"].as_str().unwrap());
    let contact = async |body| {
        stage
            .send(stage.request(Method::PATCH, &path).set_json(body))
            .await
    };
    contact(json!({"phone": "+1 555 0100", "web": "https://acme.example"}))
        .await
        .expect(StatusCode::OK);
    let maker = contact(json!({"web": null})).await.expect(StatusCode::OK);
    assert_eq!(
        (&maker["phone"], &maker["web"]),
        (&json!("+1 555 0100"), &json!(null))
    );
    let models = stage.get("/models").await.expect(StatusCode::OK);
    assert_eq!(models["items"][0]["manufacturer"], "Acme");
}
