//! What the hospital notes of pumps and models: tags, device identifiers, until when they are supported; and who gets a release
//! for it.

use actix_web::http::{Method, StatusCode};
use chrono::{NaiveDate, TimeDelta};
use fleet::{audit::Action, id::PumpId, pump::Activity};
use serde_json::{Value, json};
use store::AuditFilter;

use super::{
    stage::{Reply, Stage},
    ward::Ward,
};

async fn tag(stage: &Stage, pump: PumpId, add: &[&str], remove: &[&str]) -> Reply {
    let body = json!({ "add": add, "remove": remove });
    stage.post(&format!("/pumps/{pump}/tags"), body).await
}

async fn edit(stage: &Stage, change: Value) -> Reply {
    let models = stage.get("/models").await.expect(StatusCode::OK);
    let path = format!("/models/{}", models["items"][0]["id"].as_str().unwrap());
    stage
        .send(stage.request(Method::PATCH, &path).set_json(change))
        .await
}

fn recorded(stage: &Stage, action: Action) -> usize {
    let filter = AuditFilter {
        action: Some(action.word()),
        ..AuditFilter::default()
    };
    let page = stage
        .app
        .store
        .read(|db| db.audit_list(&filter, None, 100))
        .unwrap();
    page.items.len()
}

#[actix_web::test]
async fn tags_come_and_go_and_lists_are_narrowed_by_them() {
    let stage = Stage::new();
    let (first, second) = (stage.pump("SN-1"), stage.pump("SN-2"));
    let shown = tag(&stage, first, &["pilot", "=1+1"], &[])
        .await
        .expect(StatusCode::OK);
    assert_eq!(shown["tags"], json!(["=1+1", "pilot"]));
    assert_eq!(shown["row_version"], 2);
    tag(&stage, second, &["Pilot"], &[]).await.expect(StatusCode::OK);
    assert_eq!(recorded(&stage, Action::PumpTagged), 2);
    let again = tag(&stage, second, &["PILOT"], &["loan"])
        .await
        .expect(StatusCode::OK);
    assert_eq!(again["tags"], json!(["Pilot"]));
    assert_eq!(
        recorded(&stage, Action::PumpTagged),
        2,
        "nothing was changed, so nothing is put on record"
    );

    let serials = async |query: &str| {
        let page = stage.get(&format!("/pumps{query}")).await.expect(StatusCode::OK);
        let pumps = page["items"].as_array().unwrap().clone();
        pumps
            .iter()
            .map(|pump| pump["serial"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(serials("?tag=pilot").await, ["SN-1", "SN-2"]);
    assert_eq!(serials("?tag=%3D1%2B1").await, ["SN-1"]);
    assert_eq!(serials("?tag=pilo").await, [""; 0]);
    let tags = stage.get("/tags").await.expect(StatusCode::OK);
    assert_eq!(
        tags["items"],
        json!([
            { "tag": "=1+1", "pumps": 1 }, { "tag": "Pilot", "pumps": 1 }, { "tag": "pilot", "pumps": 1 },
        ])
    );
    let export = stage.get("/pumps/export?tag=pilot").await.text;
    assert!(export.contains("'=1+1; pilot"), "{export}");

    let taken = tag(&stage, first, &[], &["=1+1", "PILOT"])
        .await
        .expect(StatusCode::OK);
    assert_eq!(taken["tags"], json!([]));
    let told = stage.events(&format!("pump={first}&kind=pump_edited")).await;
    assert_eq!(told.len(), 2, "{told:?}");
}

#[actix_web::test]
async fn tags_that_make_no_sense_are_refused() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    tag(&stage, pump, &["pilot"], &["Pilot"])
        .await
        .expect_problem("invalid_value");
    let many: Vec<_> = (0..33).map(|n| format!("tag {n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    tag(&stage, pump, &many, &[])
        .await
        .expect_problem("invalid_value");
    tag(&stage, pump, &["line\nbreak"], &[])
        .await
        .expect_problem("malformed_body");
    let path = format!("/pumps/{pump}/retire");
    stage
        .post(&path, json!({ "reason": "worn out" }))
        .await
        .expect(StatusCode::OK);
    tag(&stage, pump, &["pilot"], &[])
        .await
        .expect_problem("pump_retired");
}

#[actix_web::test]
async fn a_model_is_known_by_its_identifier_and_by_the_end_of_its_support() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let listed = stage.get("/models").await.expect(StatusCode::OK);
    assert_eq!(listed["items"][0]["support"]["stage"], "unknown");
    // Whatever is scanned off any pump of the model.
    let edited = edit(
        &stage,
        json!({
            "udi_device_identifier": "(01)09506000134352(21)SN-77",
            "full_support_until": "2027-01-14", "support_until": "2027-01-15",
        }),
    )
    .await
    .expect(StatusCode::OK);
    assert_eq!(edited["udi_device_identifier"], "09506000134352");
    assert_eq!(
        edited["support"],
        json!({
            "stage": "limited", "stage_label": "Limited support", "full_until": "2027-01-14", "until": "2027-01-15",
        })
    );
    let found = stage
        .get("/pumps/find?q=(01)09506000134352(21)SN-1")
        .await
        .expect(StatusCode::OK);
    assert_eq!(found["items"][0]["id"], json!(pump));
    assert_eq!(found["items"][0]["support"], edited["support"]);
    edit(&stage, json!({ "support_until": "2027-01-15" }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        recorded(&stage, Action::ModelEdited),
        1,
        "the second edit changes nothing"
    );

    // It is 09:00 in Berlin; the day ends there an hour before it ends in UTC.
    stage.move_clock(TimeDelta::hours(15) - TimeDelta::minutes(1));
    let stage_of = async || {
        let listed = stage.get("/models").await.expect(StatusCode::OK);
        listed["items"][0]["support"]["stage"].clone()
    };
    assert_eq!(stage_of().await, "limited");
    stage.move_clock(TimeDelta::minutes(1));
    assert_eq!(stage_of().await, "ended");

    for wrong in [
        json!({ "support_until": "2027-01-13" }),
        json!({ "udi_device_identifier": "09506000134353" }),
        json!({ "udi_device_identifier": "SN-1" }),
    ] {
        edit(&stage, wrong).await.expect_problem("invalid_value");
    }
    let cleared = edit(
        &stage,
        json!({ "udi_device_identifier": null, "full_support_until": null, "support_until": null }),
    )
    .await
    .expect(StatusCode::OK);
    assert_eq!(
        (&cleared["udi_device_identifier"], &cleared["support"]["stage"]),
        (&json!(null), &json!("unknown"))
    );
}

#[actix_web::test]
async fn a_rollout_takes_the_pumps_with_a_tag_and_none_past_support() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let (pilot, other) = (
        ward.pump("SN-1", Some(ward.micu)),
        ward.pump("SN-2", Some(ward.micu)),
    );
    tag(&stage, pilot.id, &["Pilot"], &[])
        .await
        .expect(StatusCode::OK);
    let release = ward.import().await;
    let preview = async |filter: &str| {
        let spec = json!({ "pumps": { "filter": filter }, "waves": [{ "name": "All", "takes": "rest" }] });
        let said = ward
            .author
            .post("/rollouts/preview", json!({ "release": release, "spec": spec }))
            .await
            .expect(StatusCode::OK);
        let ids = |rows: &Value| {
            let rows = rows.as_array().unwrap().clone();
            rows.iter().map(|row| row["pump"].clone()).collect::<Vec<_>>()
        };
        let reasons: Vec<_> = said["left_out"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["reason"].clone())
            .collect();
        (ids(&said["waves"][0]["pumps"]), reasons)
    };
    let (takes, _) = preview("tag = pilot").await;
    assert_eq!(takes, [json!(pilot.id)]);
    let (takes, _) = preview("not tag = pilot").await;
    assert_eq!(takes, [json!(other.id)]);
    let yesterday = stage.app.people.day(stage.app.now()).pred_opt().unwrap();
    edit(&stage, json!({ "support_until": yesterday }))
        .await
        .expect(StatusCode::OK);
    let (takes, reasons) = preview("tag = pilot").await;
    assert_eq!(takes, Vec::<Value>::new());
    assert!(reasons.contains(&json!("past_support")), "{reasons:?}");
}

#[actix_web::test]
async fn a_pump_whose_support_ends_while_it_waits_gets_nothing_and_says_why() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let pump = ward.pump("SN-1", Some(ward.micu));
    let release = ward.import().await;
    pump.does(Activity::Infusing);
    let running = ward.run("to the old ones", &release, &[&[&pump]]).await;
    let fit = async || {
        stage.turn();
        let path = format!("/rollouts/{}/waiting", running.id);
        let waiting = ward.author.get(&path).await.expect(StatusCode::OK);
        waiting.to_string()
    };
    assert!(!fit().await.contains("past support"));
    let today: NaiveDate = stage.app.people.day(stage.app.now());
    edit(&stage, json!({ "support_until": today }))
        .await
        .expect(StatusCode::OK);
    assert!(!fit().await.contains("past support"));
    // Nobody touches anything: it is the next day.
    stage.move_clock(TimeDelta::hours(16));
    let said = fit().await;
    assert!(said.contains("past support"), "{said}");
    edit(&stage, json!({ "support_until": null }))
        .await
        .expect(StatusCode::OK);
    assert!(!fit().await.contains("past support"));
}
