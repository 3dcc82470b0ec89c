//! From what was published to the pumps that have it: lists, feeds, what is open, decisions, and who gets a release for it.

use std::path::PathBuf;

use actix_web::http::{Method, StatusCode, header};
use fleet::{access::Role, audit::Action, id::PumpId};
use serde_json::{Value, json};
use store::AuditFilter;

use super::{
    stage::{Reply, Stage, request_as},
    ward::Ward,
};
use crate::exposure::settle;

/// The published records; nothing where they are not.
fn published() -> Option<PathBuf> {
    let folder = std::env::var_os("EXPOSURE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
        PathBuf::from,
    );
    if folder.join("csaf").is_dir() {
        return Some(folder);
    }
    #[expect(
        clippy::print_stderr,
        reason = "whoever runs the tests is told what was left out"
    )]
    {
        eprintln!("skipped: no published records in {}", folder.display());
    }
    None
}

async fn send(stage: &Stage, path: &str, bytes: Vec<u8>) -> Reply {
    let request = stage
        .request(Method::POST, path)
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
        .set_payload(bytes);
    stage.send(request).await
}

async fn advisories(stage: &Stage, document: &Value) -> Value {
    let sent = send(
        stage,
        "/advisories/import?name=a.json",
        document.to_string().into_bytes(),
    )
    .await;
    sent.expect(StatusCode::CREATED)
}

async fn list_of_model(stage: &Stage, pump: PumpId, document: &Value) -> Value {
    let path = format!("/component-lists?name=list.json&model={}", stage.model_of(pump));
    let sent = send(stage, &path, document.to_string().into_bytes()).await;
    sent.expect(StatusCode::CREATED)
}

/// Components by name and version.
fn sbom(components: &[(&str, Option<&str>)]) -> Value {
    let components: Vec<_> = components
        .iter()
        .map(|(name, version)| match version {
            Some(version) => {
                json!({ "type": "library", "name": name, "version": version, "supplier": { "name": "Acme" } })
            }
            None => json!({ "type": "library", "name": name, "supplier": { "name": "Acme" } }),
        })
        .collect();
    json!({ "bomFormat": "CycloneDX", "specVersion": "1.5", "components": components })
}

/// A page of the NVD with one record: a library of Acme below a version.
pub(super) fn nvd(id: &str, library: &str, below: &str, day: u32) -> Value {
    json!({ "resultsPerPage": 1, "version": "2.0", "timestamp": format!("2027-01-{day:02}T00:00:00.000"), "vulnerabilities": [{ "cve": {
        "id": id, "lastModified": format!("2027-01-{day:02}T00:00:00.000"),
        "descriptions": [{ "lang": "en", "value": "A flaw." }],
        "configurations": [{ "nodes": [{ "operator": "OR", "negate": false, "cpeMatch": [{
            "vulnerable": true, "criteria": format!("cpe:2.3:a:acme:{library}:*:*:*:*:*:*:*:*"), "versionEndExcluding": below,
        }] }] }],
    } }] })
}

async fn open(stage: &Stage) -> Vec<(String, String, u64)> {
    let page = stage.get("/exposures").await.expect(StatusCode::OK);
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| {
            (
                item["vulnerability"].as_str().unwrap().to_owned(),
                item["verdict"].as_str().unwrap().to_owned(),
                item["pumps"].as_u64().unwrap(),
            )
        })
        .collect()
}

fn opened(id: &str, verdict: &str, pumps: u64) -> (String, String, u64) {
    (id.to_owned(), verdict.to_owned(), pumps)
}

fn recorded(stage: &Stage, action: Action) -> usize {
    let filter = AuditFilter {
        action: Some(action.word()),
        ..AuditFilter::default()
    };
    let page = stage.app.store.read(|db| db.audit_list(&filter, None, 100));
    page.unwrap().items.len()
}

#[actix_web::test]
async fn an_import_says_what_opens_and_a_newer_one_what_closes() {
    let stage = Stage::new();
    let (first, second) = (stage.pump("SN-1"), stage.pump("SN-2"));
    list_of_model(&stage, first, &sbom(&[("parser", Some("1.4"))])).await;
    assert_eq!(open(&stage).await, []);

    let page = nvd("CVE-2027-0001", "parser", "1.5", 1);
    let preview = send(
        &stage,
        "/advisories/import?preview=true",
        page.to_string().into_bytes(),
    )
    .await
    .expect(StatusCode::OK);
    assert_eq!(
        preview["opened"],
        json!([{ "vulnerability": "CVE-2027-0001", "pumps": 2 }])
    );
    assert_eq!(open(&stage).await, [], "a preview keeps nothing");
    assert_eq!(
        stage.get("/feeds").await.expect(StatusCode::OK)["items"],
        json!([])
    );

    let done = advisories(&stage, &page).await;
    assert_eq!(done["opened"], preview["opened"]);
    assert_eq!(open(&stage).await, [opened("CVE-2027-0001", "affected", 2)]);
    let whole = stage.get("/exposures/cve-2027-0001").await.expect(StatusCode::OK);
    let set = &whole["sets"][0];
    assert_eq!(set["fixes"][0]["version"], "1.5");
    assert_eq!(set["pumps"][1]["serial"], "SN-2");
    let feeds = stage.get("/feeds").await.expect(StatusCode::OK);
    assert_eq!(feeds["items"][0]["feed"], "NVD");
    assert_eq!(recorded(&stage, Action::AdvisoriesImported), 1);

    // Once more the same, then an older page: neither changes anything.
    let again = advisories(&stage, &page).await;
    assert_eq!(
        (again["changed"].clone(), again["unchanged"].clone()),
        (json!(0), json!(1))
    );
    let corrected = advisories(&stage, &nvd("CVE-2027-0001", "parser", "1.2", 3)).await;
    assert_eq!(
        corrected["closed"],
        json!([{ "vulnerability": "CVE-2027-0001", "pumps": 2 }])
    );
    let older = advisories(&stage, &nvd("CVE-2027-0001", "parser", "1.5", 2)).await;
    assert_eq!(older["older"], 1);
    assert_eq!(open(&stage).await, []);
    let whole = stage.get("/exposures/CVE-2027-0001").await.expect(StatusCode::OK);
    assert_eq!(whole["sets"][0]["verdict"], "not_affected");
    let says = whole["sets"][0]["explanation"].as_str().unwrap();
    assert!(says.contains("NVD CVE-2027-0001"), "{says}");

    // What is in memory is also on record.
    let held = stage.app.catalogue.hold(&stage.app).unwrap().index().len();
    let kept = stage.app.store.read(|db| db.advisory_list()).unwrap().len();
    assert_eq!((held, kept), (1, 1));
    stage
        .get("/exposures/CVE-2027-0009")
        .await
        .expect_problem("not_found");
    stage
        .get("/exposures/nothing%20of%20it")
        .await
        .expect_problem("not_found");
    let _ = second;
}

#[actix_web::test]
async fn a_doubt_is_decided_once_and_remembered_until_the_document_changes() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    list_of_model(&stage, pump, &sbom(&[("parser", None)])).await;
    advisories(&stage, &nvd("CVE-2027-0001", "parser", "1.5", 1)).await;
    assert_eq!(open(&stage).await, [opened("CVE-2027-0001", "needs_review", 1)]);
    let queue = stage
        .get("/exposures?verdict=needs_review")
        .await
        .expect(StatusCode::OK);
    assert_eq!(queue["items"].as_array().unwrap().len(), 1);

    let whole = stage.get("/exposures/CVE-2027-0001").await.expect(StatusCode::OK);
    let decision = json!({
        "version_set": whole["sets"][0]["version_set"], "verdict": "not_affected", "reason": "ours is 1.6, the maker says",
    });
    let path = "/exposures/CVE-2027-0001/decisions";
    let decided = stage
        .post(path, decision.clone())
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(decided["sets"][0]["verdict"], "not_affected");
    assert_eq!(
        decided["sets"][0]["decision"]["reason"],
        "ours is 1.6, the maker says"
    );
    assert_eq!(open(&stage).await, []);
    assert_eq!(recorded(&stage, Action::ExposureDecided), 1);

    // The same doubt once more, also on a pump that reports other versions.
    let other = stage.pump("SN-2");
    stage.runs(other, "7.0");
    advisories(&stage, &nvd("CVE-2027-0001", "parser", "1.5", 2)).await;
    assert_eq!(open(&stage).await, []);
    // A corrected document is a new doubt.
    advisories(&stage, &nvd("CVE-2027-0001", "parser", "1.7", 3)).await;
    assert_eq!(open(&stage).await, [opened("CVE-2027-0001", "needs_review", 2)]);

    // What is clear is not decided.
    list_of_model(&stage, pump, &sbom(&[("parser", Some("1.6"))])).await;
    assert_eq!(open(&stage).await, [opened("CVE-2027-0001", "affected", 2)]);
    stage
        .post(path, decision)
        .await
        .expect_problem("nothing_to_decide");
}

#[actix_web::test]
async fn components_are_found_by_name_and_range() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    list_of_model(
        &stage,
        pump,
        &sbom(&[("log4net", Some("2.0.8")), ("jQuery", None)]),
    )
    .await;
    let find = async |query: &str| {
        let page = stage
            .get(&format!("/components/find?q={query}"))
            .await
            .expect(StatusCode::OK);
        let items = page["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| format!("{} {} {}", item["component"], item["perhaps"], item["pumps"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        find("log4net%20%3C%202.0.10").await,
        ["\"log4net\" false [\"SN-1\"]"]
    );
    assert_eq!(find("log4net%20%3C%202.0.8").await, [""; 0]);
    assert_eq!(find("jquery%20%3C%203.5").await, ["\"jQuery\" true [\"SN-1\"]"]);
    stage
        .get("/components/find?q=%3C2")
        .await
        .expect_problem("invalid_value");
}

#[actix_web::test]
async fn what_is_refused_changes_nothing_and_is_on_record() {
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let check = async |bytes: Vec<u8>, why: &str| {
        let refused = send(&stage, "/advisories/import?name=bad.json", bytes).await;
        let problem = refused.expect_problem("document_refused");
        let detail = problem["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(why), "{detail}");
    };
    check(Vec::new(), "it is empty").await;
    check(deep.into_bytes(), "within one another").await;
    check(b"\xff\xfe{\0}\0".to_vec(), "encoded as").await;
    check(br#"{"catalogVersion":1,"catalogVersion":2}"#.to_vec(), "").await;
    check(
        sbom(&[("parser", None)]).to_string().into_bytes(),
        "is a component list",
    )
    .await;
    check(vec![b' '; 65 * 1024 * 1024], "refused").await;
    let mut outside = tar::Builder::new(Vec::new());
    let mut entry = tar::Header::new_gnu();
    entry.set_size(2);
    entry.as_gnu_mut().unwrap().name[..9].copy_from_slice(b"../a.json");
    entry.set_cksum();
    outside.append(&entry, &b"{}"[..]).unwrap();
    check(outside.into_inner().unwrap(), "leads out of the archive").await;
    assert_eq!(recorded(&stage, Action::DocumentRefused), 7);
    assert_eq!(stage.app.store.read(|db| db.advisory_list()).unwrap(), []);
    assert_eq!(
        stage.get("/feeds").await.expect(StatusCode::OK)["items"],
        json!([])
    );

    // Of several, the good ones count.
    let mut mixed = tar::Builder::new(Vec::new());
    for (name, text) in [
        ("good.json", nvd("CVE-2027-0001", "parser", "1.5", 1).to_string()),
        ("bad.json", "{".to_owned()),
        ("README.md", "not ours".to_owned()),
    ] {
        let mut entry = tar::Header::new_gnu();
        entry.set_size(text.len() as u64);
        mixed.append_data(&mut entry, name, text.as_bytes()).unwrap();
    }
    let done = send(&stage, "/advisories/import", mixed.into_inner().unwrap())
        .await
        .expect(StatusCode::CREATED);
    let files = done["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    assert!(
        files[0]["refused"].is_string() && files[1]["refused"].is_null(),
        "{files:#?}"
    );

    let path = format!("/component-lists?model={}", stage.model_of(pump));
    let page = nvd("CVE-2027-0001", "parser", "1.5", 1).to_string().into_bytes();
    send(&stage, &path, page).await.expect_problem("document_refused");
    let list = || sbom(&[]).to_string().into_bytes();
    send(&stage, "/component-lists", list())
        .await
        .expect_problem("invalid_value");
    let nobody = "00000000-0000-0000-0000-000000000000";
    for of in ["release", "model"] {
        let path = format!("/component-lists?{of}={nobody}");
        send(&stage, &path, list()).await.expect_problem("not_found");
    }
}

#[actix_web::test]
async fn pumps_that_report_other_versions_are_judged_anew() {
    let stage = Stage::new();
    let (old, new) = (stage.pump("SN-1"), stage.pump("SN-2"));
    stage.runs(old, "1.0");
    stage.runs(new, "2.0");
    let document = json!({ "resultsPerPage": 1, "version": "2.0", "timestamp": "2027-01-01T00:00:00.000", "vulnerabilities": [{ "cve": {
        "id": "CVE-2027-0002", "lastModified": "2027-01-01T00:00:00.000", "descriptions": [{ "lang": "en", "value": "A flaw." }],
        "configurations": [{ "nodes": [{ "operator": "OR", "negate": false, "cpeMatch": [{
            "vulnerable": true, "criteria": "cpe:2.3:o:acme:apex_3:*:*:*:*:*:*:*:*", "versionEndExcluding": "2.0",
        }] }] }],
    } }] });
    advisories(&stage, &document).await;
    assert_eq!(open(&stage).await, [opened("CVE-2027-0002", "affected", 1)]);
    let version = |id: PumpId| stage.app.store.read(|db| db.pump_fetch(id)).unwrap().row_version;
    let before = version(new);
    // It went back: what is open on it is found out at the next round, and whoever looks for changed pumps finds it.
    stage.runs(new, "1.5");
    settle::new_sets(&stage.app).unwrap();
    assert_eq!(version(new), before + 2);
    assert_eq!(open(&stage).await, [opened("CVE-2027-0002", "affected", 2)]);
    stage.runs(old, "2.0");
    stage.runs(new, "2.0");
    assert_eq!(open(&stage).await, []);
}

#[actix_web::test]
async fn a_rollout_takes_the_pumps_that_have_it() {
    let stage = Stage::new();
    let ward = Ward::open(&stage).await;
    let release = ward.release("2.0", 2).await;
    let (mut old, mut new) = (
        ward.pump("SN-R", Some(ward.micu)),
        ward.pump("SN-S", Some(ward.micu)),
    );
    old.runs("1.0", 1);
    new.runs("2.0", 2);
    // The new release has the library as well, in the version that is mended.
    let path = format!("/component-lists?name=new.json&release={release}");
    let list = sbom(&[("parser", Some("1.5"))]).to_string().into_bytes();
    let imported = send(&stage, &path, list).await.expect(StatusCode::CREATED);
    assert_eq!(imported["pumps"], 1);
    let path = format!(
        "/component-lists?name=old.json&model={}&component=main&version=1.0",
        stage.model_of(old.id)
    );
    let list = sbom(&[("parser", Some("1.4"))]).to_string().into_bytes();
    send(&stage, &path, list).await.expect(StatusCode::CREATED);
    advisories(&stage, &nvd("CVE-2027-0001", "parser", "1.5", 1)).await;
    assert_eq!(open(&stage).await, [opened("CVE-2027-0001", "affected", 1)]);

    let having = json!({ "filter": "vulnerability = CVE-2027-0001" });
    let spec = json!({ "pumps": having, "waves": [{ "name": "all", "takes": having }] });
    let body = json!({ "release": release, "spec": spec });
    let preview = ward
        .author
        .post("/rollouts/preview", body)
        .await
        .expect(StatusCode::OK);
    let text = preview.to_string();
    assert!(text.contains(&old.id.to_string()), "{preview:#}");
    let body = json!({ "name": "mend it", "release": release, "spec": spec });
    let written = ward
        .author
        .post("/rollouts", body)
        .await
        .expect(StatusCode::CREATED);
    assert!(written["id"].is_string(), "{written:#}");
    assert_eq!((old.assignments().len(), new.assignments().len()), (1, 0));

    // The pump proves the new version: nothing is open any more.
    old.runs("2.0", 2);
    assert_eq!(open(&stage).await, []);
}

#[actix_web::test]
async fn a_published_device_list_meets_published_advisories() {
    let Some(folder) = published() else { return };
    let stage = Stage::new();
    let pump = stage.pump("SN-1");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let path = format!("/component-lists?name=device.json&model={}", stage.model_of(pump));
    let list = send(&stage, &path, read("sbom/medical-device-narrow.cdx.json"))
        .await
        .expect(StatusCode::CREATED);
    assert!(list["list"]["gaps"].as_i64().unwrap() > 0, "{list:#}");
    // Everything at once, as it would be carried in: what is no advisory is named and changes nothing.
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_dir_all("data", &folder).unwrap();
    let done = send(&stage, "/advisories/import", archive.into_inner().unwrap())
        .await
        .expect(StatusCode::CREATED);
    let mut refused: Vec<_> = done["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| !file["refused"].is_null())
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    refused.sort_unstable();
    assert_eq!(
        refused,
        [
            "data/fhir/us-core-device-infusion-pump.json",
            "data/sbom/medical-device-narrow.cdx.json"
        ]
    );

    let page = stage.get("/exposures").await.expect(StatusCode::OK);
    let items = page["items"].as_array().unwrap();
    let line = |id: &str| {
        let mut items = items.iter();
        items
            .find(|item| item["vulnerability"] == id)
            .unwrap_or_else(|| panic!("{id} is not in {page:#}"))
    };
    let log4net = line("CVE-2018-1285");
    assert_eq!(
        (&log4net["verdict"], &log4net["named"]),
        (&json!("affected"), &json!(["SN-1"]))
    );
    let jquery = line("CVE-2020-11023");
    assert_eq!(jquery["exploited"], true, "{jquery:#}");
    assert_eq!(items[0]["exploited"], true, "known exploited comes first");
    assert!(
        items.iter().any(|item| item["verdict"] == "needs_review"),
        "what has no version is for a person: {page:#}"
    );
    let feeds = stage.get("/feeds").await.expect(StatusCode::OK);
    let kinds: Vec<_> = feeds["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|feed| feed["feed"].clone())
        .collect();
    for kind in ["CISA KEV", "CSAF advisory", "NVD"] {
        assert!(kinds.contains(&json!(kind)), "{feeds:#}");
    }
    let found = stage
        .get("/components/find?q=log4net%20%3C%202.0.10")
        .await
        .expect(StatusCode::OK);
    assert_eq!(found["items"][0]["pumps"], json!(["SN-1"]));
}

#[actix_web::test]
async fn who_looks_does_not_decide() {
    let stage = Stage::new();
    stage.person("reader", &[Role::Auditor], false);
    let secret = stage.sign_in("reader");
    let seen = stage.send(request_as(&secret, Method::GET, "/exposures")).await;
    seen.expect(StatusCode::OK);
    let import = request_as(&secret, Method::POST, "/advisories/import").set_payload("{}");
    stage.send(import).await.expect_problem("denied");
    assert_eq!(recorded(&stage, Action::DocumentRefused), 0);
}
