//! Every operation × every role: who passes, and who does not. And: nothing is changed without an entry in the audit trail.

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode, header};
use fleet::{
    access::{CareAreas, Grant, Permission, Role, Scope},
    id::{CareAreaId, PumpId},
    text::Name,
};
use serde_json::{Value, json};

use super::{
    stage::{PASSWORD, Reply, Stage, request_as},
    ward::Ward,
};
use crate::{
    api::{
        openapi::openapi,
        operation::{self, Takes},
    },
    fresh,
};

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

struct Operation {
    id: String,
    method: Method,
    /// Below the prefix, with ids that nothing has.
    path: String,
}

/// Every operation of the description.
fn operations() -> Vec<Operation> {
    let description = serde_json::to_value(openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path
                .trim_start_matches("/api/v1")
                .replace("{id}", NOBODY)
                .replace("{name}", "00000000")
                .replace("{kind}", "pump");
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
                path,
            });
        }
    }
    all
}

fn rights(operation: &str) -> &'static [Permission] {
    match operation::takes(operation) {
        Some(Takes::OneOf(permissions)) => permissions,
        Some(Takes::Nothing) => &[],
        None => panic!("{operation} is in no table: list it in api/operation.rs"),
    }
}

/// The empty request: it never gets as far as doing anything, and whoever may not ask does not learn that it is malformed.
async fn empty(stage: &Stage, secret: &str, operation: &Operation) -> Reply {
    let mut request = request_as(secret, operation.method.clone(), &operation.path)
        .insert_header((header::IF_MATCH, "\"1\""));
    if operation.method != Method::GET {
        request = request.set_json(json!({}));
    }
    stage.send(request).await
}

/// The router decodes paths before it looks at them. So does the gatekeeper, or `/%61udit` would be the audit trail to the one and
/// nothing to the other.
#[actix_web::test]
async fn a_path_in_disguise_opens_nothing() {
    let stage = Stage::new();
    stage.person("lin", &[Role::Pharmacy], false);
    let secret = stage.sign_in("lin");
    let mut denied = 0;
    for operation in operations() {
        let plain = empty(&stage, &secret, &operation).await;
        let (start, last) = operation.path.rsplit_once('/').unwrap();
        let first = last.chars().next().unwrap();
        let path = format!("{start}/%{:02x}{}", u32::from(first), &last[first.len_utf8()..]);
        let disguised = Operation { path, ..operation };
        let reply = empty(&stage, &secret, &disguised).await;
        assert_eq!(
            (reply.status, &reply.json["code"]),
            (plain.status, &plain.json["code"]),
            "{}",
            disguised.path
        );
        denied += usize::from(reply.json["code"] == "denied");
    }
    assert!(denied > 40, "{denied}");
    let double = request_as(&secret, Method::GET, "/%2561udit/entries");
    assert_eq!(stage.send(double).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn every_operation_is_open_to_the_roles_of_its_rights_and_to_no_other() {
    let stage = Stage::new();
    let area = care_area(&stage, "MICU");
    let mut walked = 0;
    for role in Role::ALL {
        let everywhere = format!("{}-everywhere", role.as_str());
        let own = format!("{}-own", role.as_str());
        stage.person(&everywhere, &[role], false);
        let grant = Grant {
            role,
            care_areas: CareAreas::Named(BTreeSet::from([area])),
        };
        stage.person_with(&own, &[grant], false);
        for name in [everywhere, own] {
            let secret = stage.sign_in(&name);
            for operation in operations() {
                let permissions = rights(&operation.id);
                if permissions.is_empty() {
                    continue;
                }
                let holds = permissions.iter().any(|permission| {
                    permission.scope(role) != Scope::None
                        || matches!(permission, Permission::SessionOwn | Permission::FactorOwn)
                });
                let reply = empty(&stage, &secret, &operation).await;
                let denied = reply.json["code"] == "denied";
                assert_eq!(denied, !holds, "{name} {}: {}", operation.id, reply.text);
                assert_ne!(reply.status, StatusCode::UNAUTHORIZED, "{name} {}", operation.id);
                assert!(
                    !reply.status.is_server_error(),
                    "{name} {}: {}",
                    operation.id,
                    reply.text
                );
                walked += 1;
            }
        }
    }
    // Nobody at all, and somebody without any role.
    stage.person("nobody", &[], false);
    let secret = stage.sign_in("nobody");
    for operation in operations() {
        let permissions = rights(&operation.id);
        if permissions.is_empty() {
            continue;
        }
        empty(&stage, "gws_0000", &operation)
            .await
            .expect_problem("unauthenticated");
        let own = permissions
            .iter()
            .any(|permission| matches!(permission, Permission::SessionOwn | Permission::FactorOwn));
        let reply = empty(&stage, &secret, &operation).await;
        assert_eq!(
            reply.json["code"] == "denied",
            !own,
            "{}: {}",
            operation.id,
            reply.text
        );
    }
    assert!(walked > 1_000, "{walked}");
}

#[actix_web::test]
async fn break_glass_opens_sight_and_the_hold_and_nothing_else() {
    let stage = Stage::new();
    stage.person(
        "ana",
        &[Role::BiomedLead, Role::Security, Role::Administrator],
        false,
    );
    let secret = stage.sign_in("ana");
    let body = json!({ "reason": "night, nobody reachable", "password": PASSWORD });
    let broken = stage
        .send(request_as(&secret, Method::POST, "/break-glass").set_json(body))
        .await
        .expect(StatusCode::CREATED);
    let secret = broken["token"].as_str().unwrap();
    for operation in operations() {
        let permissions = rights(&operation.id);
        if permissions.is_empty() || operation.id == "glass_end" || operation.id == "session_end" {
            continue;
        }
        let opens = permissions
            .iter()
            .any(|permission| permission.opens_by_break_glass());
        let reply = empty(&stage, secret, &operation).await;
        assert_eq!(
            reply.json["code"] == "denied",
            !opens,
            "{}: {}",
            operation.id,
            reply.text
        );
    }
    // After an hour it opens nothing, and can still be ended.
    stage.move_clock(chrono::TimeDelta::minutes(14));
    for _ in 0..4 {
        stage.send(request_as(secret, Method::GET, "/me")).await;
        stage.move_clock(chrono::TimeDelta::minutes(14));
    }
    stage
        .send(request_as(secret, Method::GET, "/pumps"))
        .await
        .expect_problem("denied");
}

fn care_area(stage: &Stage, name: &str) -> CareAreaId {
    let id = CareAreaId::from_uuid(fresh::uuid(stage.app.now()));
    let name = Name::new(name).unwrap();
    stage
        .app
        .store
        .write(|db| db.care_area_ensure(&name, id))
        .unwrap()
}

/// Operations in which a role may hold its right in its own care areas only, each with a request about something in another.
/// A list is narrowed instead of refused.
#[actix_web::test]
async fn a_role_of_one_care_area_does_nothing_in_another() {
    let scoped: BTreeSet<_> = operations()
        .into_iter()
        .filter(|operation| {
            rights(&operation.id).iter().any(|permission| {
                Role::ALL
                    .iter()
                    .any(|role| permission.scope(*role) == Scope::OwnCareAreas)
            })
        })
        .map(|operation| operation.id)
        .collect();
    let covered = [
        "event_list",
        "glass_use_list",
        "hold_owner_set",
        "pump_event_list",
        "pump_hold",
        "signature_refuse",
        "signature_sign",
        "wave_briefing_read",
    ];
    assert_eq!(scoped.iter().map(String::as_str).collect::<Vec<_>>(), covered);

    let stage = Stage::new();
    let (micu, ed) = (care_area(&stage, "MICU"), care_area(&stage, "ED"));
    let own = stage.pump_in("SN-1", Some(micu));
    let other = stage.pump_in("SN-2", Some(ed));
    let none = stage.pump_in("SN-3", None);
    for role in [Role::Nurse, Role::ChargeNurse] {
        let grant = Grant {
            role,
            care_areas: CareAreas::Named(BTreeSet::from([micu])),
        };
        stage.person_with(role.as_str(), &[grant], false);
        let secret = stage.sign_in(role.as_str());
        let get = async |path: &str| stage.send(request_as(&secret, Method::GET, path)).await;
        let post = async |path: &str, body: &Value| {
            stage
                .send(request_as(&secret, Method::POST, path).set_json(body))
                .await
        };
        for (pump, expected) in [(own, None), (other, Some("denied")), (none, Some("denied"))] {
            let shown = get(&format!("/signatures/subjects/pump/{pump}"))
                .await
                .expect(StatusCode::OK);
            let meanings = shown["meanings"].as_array().unwrap().len();
            assert_eq!(meanings, usize::from(expected.is_none()), "{shown}");
            let mut body = json!({
                "kind": "pump", "id": pump, "version": shown["version"], "content_hash": shown["content_hash"],
                "meaning": "verified_for_clinical_use", "factors": { "password": PASSWORD },
            });
            let signed = post("/signatures", &body).await;
            // The nurse, who came first, held the pump.
            let own = if role == Role::Nurse {
                "factors_missing"
            } else {
                "not_ready"
            };
            let code = expected.unwrap_or(own);
            assert_eq!(signed.code(), code, "{role} {}", signed.text);
            body.as_object_mut().unwrap().remove("factors");
            body["reason"] = json!("two admissions coming");
            let refused = post("/signatures/not-now", &body).await;
            assert_eq!(refused.json["code"].as_str(), expected, "{}", refused.text);

            let events = get(&format!("/pumps/{pump}/events")).await;
            assert_eq!(events.json["code"].as_str(), expected, "{}", events.text);
            let hold = json!({ "kind": "clinical", "reason": "door latch loose" });
            let held = post(&format!("/pumps/{pump}/hold"), &hold).await;
            let expected = expected.or((role != Role::Nurse).then_some("already_held"));
            assert_eq!(held.json["code"].as_str(), expected, "{}", held.text);
        }
        // Who looks after a hold: a charge nurse says so for her own.
        let held = get(&format!("/holds?standing=true&pump={own}"))
            .await
            .expect(StatusCode::OK);
        let path = format!("/holds/{}/owner", held["items"][0]["id"].as_str().unwrap());
        let owner = request_as(&secret, Method::PUT, &path).set_json(json!({ "owner": null }));
        let reply = stage.send(owner).await;
        let expected = (role == Role::Nurse).then_some("denied");
        assert_eq!(reply.json["code"].as_str(), expected, "{role} {}", reply.text);
        let isolate = json!({ "kind": "security_isolation", "reason": "not a nurse's to do" });
        post(&format!("/pumps/{own}/hold"), &isolate)
            .await
            .expect_problem("denied");
        // A briefing is read where one works.
        for (area, code) in [(micu, "not_found"), (ed, "denied")] {
            let read = post(
                &format!("/waves/{NOBODY}/briefing"),
                &json!({ "care_area": area }),
            )
            .await;
            assert_eq!(read.code(), code, "{role} {}", read.text);
        }
        let events = get("/events").await.expect(StatusCode::OK);
        let events = events["items"].as_array().unwrap();
        assert!(!events.is_empty());
        assert!(
            events.iter().all(|event| event["pump"] == json!(own)),
            "{events:#?}"
        );
    }

    // A charge nurse sees the uses of break-glass by people of her own care areas.
    for (name, area) in [("near", micu), ("far", ed)] {
        let grant = Grant {
            role: Role::Nurse,
            care_areas: CareAreas::Named(BTreeSet::from([area])),
        };
        stage.person_with(name, &[grant], false);
        let body = json!({ "reason": format!("{name} and alone"), "password": PASSWORD });
        let secret = stage.sign_in(name);
        stage
            .send(request_as(&secret, Method::POST, "/break-glass").set_json(body))
            .await
            .expect(StatusCode::CREATED);
    }
    let secret = stage.sign_in("charge_nurse");
    let uses = stage.send(request_as(&secret, Method::GET, "/break-glass")).await;
    let uses = uses.expect(StatusCode::OK);
    let uses = uses["items"].as_array().unwrap();
    assert_eq!(uses.len(), 1, "{uses:?}");
    assert_eq!(uses[0]["reason"], "near and alone");
}

/// S11: whatever changes something leaves an entry, in the same transaction; and whatever only reads leaves none.
#[actix_web::test]
async fn nothing_is_changed_without_an_entry_in_the_audit_trail() {
    let stage = Stage::new();
    let mut walk = Walk::begin(&stage);
    walk.places_and_list().await;
    walk.pumps().await;
    walk.people().await;
    walk.own_account().await;
    walk.signatures().await;
    walk.rollouts().await;
    walk.exposure().await;
    walk.authorities().await;
    let mutating: BTreeSet<_> = operations()
        .into_iter()
        .filter(|operation| operation.method != Method::GET)
        .map(|operation| operation.id)
        // The one signs what is there, the other says what would be: they change nothing.
        .filter(|id| id != "audit_checkpoint_create" && id != "rollout_preview")
        .collect();
    let walked: BTreeSet<_> = walk.done.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(walked, mutating, "left: walked, right: what there is");

    let before = head(&stage);
    for operation in operations() {
        if operation.method == Method::GET {
            empty(&stage, &walk.secret, &operation).await;
        }
    }
    assert_eq!(head(&stage), before, "reading leaves no entry");
}

fn head(stage: &Stage) -> i64 {
    stage.app.store.read(|db| db.audit_head()).unwrap().0
}

/// Somebody with every role goes through every operation.
struct Walk<'a> {
    stage: &'a Stage,
    secret: String,
    done: Vec<&'static str>,
}

impl<'a> Walk<'a> {
    fn begin(stage: &'a Stage) -> Self {
        stage.person("all", &Role::ALL, false);
        let secret = stage.sign_in("all");
        Self {
            stage,
            secret,
            done: Vec::new(),
        }
    }

    /// Does something, which must succeed and leave at least one entry.
    async fn does(&mut self, id: &'static str, method: Method, path: &str, body: Value) -> Value {
        let before = head(self.stage);
        let request = request_as(&self.secret, method, path).insert_header((header::IF_MATCH, "\"1\""));
        let request = match body {
            Value::Null => request,
            Value::String(text) => request
                .insert_header((header::CONTENT_TYPE, "text/csv"))
                .set_payload(text),
            body => request.set_json(body),
        };
        let reply = self.stage.send(request).await;
        assert!(reply.status.is_success(), "{id}: {}", reply.text);
        assert!(head(self.stage) > before, "{id} left no entry");
        self.done.push(id);
        if let Some(secret) = reply.json["token"]
            .as_str()
            .filter(|secret| secret.starts_with("gws_"))
        {
            secret.clone_into(&mut self.secret);
        }
        reply.json
    }

    async fn places_and_list(&mut self) {
        let area = self
            .does(
                "care_area_create",
                Method::POST,
                "/care-areas",
                json!({ "name": "MICU" }),
            )
            .await;
        let path = format!("/care-areas/{}", area["id"].as_str().unwrap());
        self.does(
            "care_area_rename",
            Method::PATCH,
            &path,
            json!({ "name": "MICU 2" }),
        )
        .await;
        self.does(
            "location_create",
            Method::POST,
            "/locations",
            json!({ "name": "Shelf 1" }),
        )
        .await;
        let list = "serial,manufacturer,model\nSN-7,Acme,Apex 3\nSN-8,Acme,Apex 3\n";
        self.does(
            "expected_import",
            Method::POST,
            "/expected/import?dry_run=false",
            json!(list),
        )
        .await;
        let expected = self.read("/expected").await;
        let path = format!("/expected/{}", expected["items"][0]["id"].as_str().unwrap());
        self.does("expected_remove", Method::DELETE, &path, Value::Null)
            .await;
        let makers = self.read("/manufacturers").await;
        let path = format!("/manufacturers/{}", makers["items"][0]["id"].as_str().unwrap());
        self.does(
            "manufacturer_edit",
            Method::PATCH,
            &path,
            json!({ "email": "psirt@acme.example" }),
        )
        .await;
        let models = self.read("/models").await;
        let path = format!("/models/{}", models["items"][0]["id"].as_str().unwrap());
        let until = json!({ "support_until": "2031-12-31" });
        self.does("model_edit", Method::PATCH, &path, until).await;
        let wanted = json!({ "serial": "SN-9", "manufacturer": "Acme", "model": "Apex 3" });
        let token = self
            .does("enrol_token_create", Method::POST, "/enrol-tokens", wanted)
            .await;
        let all = json!({ "all_expected": true });
        self.does(
            "enrol_token_create_batch",
            Method::POST,
            "/enrol-tokens/batch",
            all,
        )
        .await;
        let path = format!("/enrol-tokens/{}", token["id"].as_str().unwrap());
        self.does("enrol_token_withdraw", Method::DELETE, &path, Value::Null)
            .await;
    }

    async fn read(&self, path: &str) -> Value {
        let reply = self.stage.send(request_as(&self.secret, Method::GET, path)).await;
        reply.expect(StatusCode::OK)
    }

    async fn pumps(&mut self) {
        let pump = self.stage.pump("SN-1");
        let certificate = self.stage.certificate(pump);
        let at = |what: &str| format!("/pumps/{pump}{what}");
        self.does(
            "pump_edit",
            Method::PATCH,
            &at(""),
            json!({ "asset_tag": "BM-1" }),
        )
        .await;
        let tags = json!({ "add": ["pilot"] });
        self.does("pump_tags_change", Method::POST, &at("/tags"), tags)
            .await;
        let order = json!({ "kind": "report_inventory" });
        self.does("pump_order_create", Method::POST, &at("/orders"), order)
            .await;
        self.does(
            "pump_late_renewal_arm",
            Method::POST,
            &at("/late-renewal"),
            Value::Null,
        )
        .await;
        let hold = json!({ "kind": "clinical", "reason": "door latch loose" });
        self.does("pump_hold", Method::POST, &at("/hold"), hold).await;
        self.holds(pump).await;
        let path = format!("/certificates/{}/revoke", certificate.fingerprint);
        self.does(
            "certificate_revoke",
            Method::POST,
            &path,
            json!({ "reason": "key_compromise" }),
        )
        .await;
        self.does(
            "pump_retire",
            Method::POST,
            &at("/retire"),
            json!({ "reason": "worn out" }),
        )
        .await;
    }

    /// A pump that is held clinically, tested again, looked after, and at last sequestered.
    async fn holds(&mut self, pump: PumpId) {
        let standing = format!("/holds?standing=true&pump={pump}");
        let id = self.read(&standing).await["items"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let at = |what: &str| format!("/holds/{id}{what}");
        let nobody = json!({ "owner": null });
        self.does("hold_owner_set", Method::PUT, &at("/owner"), nobody)
            .await;
        self.does("hold_retest_begin", Method::POST, &at("/retests"), json!({}))
            .await;
        let yes =
            json!({ "check": "bench-inspection", "reading": { "reading": "confirmation", "yes": true } });
        self.does("hold_check_enter", Method::POST, &at("/checks"), yes)
            .await;
        let evidence = json!({ "kind": "sequestered", "reason": "free flow" });
        self.does(
            "pump_hold",
            Method::POST,
            &format!("/pumps/{pump}/hold"),
            evidence,
        )
        .await;
        let id = self.read(&standing).await["items"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let end = json!({ "reason": "file 2026-118 is closed" });
        let path = format!("/holds/{id}/end-sequester");
        self.does("hold_sequester_end", Method::POST, &path, end).await;
    }

    async fn people(&mut self) {
        let new = json!({
            "name": "ben", "printed_name": "Ben Adler", "roles": [{ "role": "biomed", "everywhere": true }],
        });
        let made = self.does("person_create", Method::POST, "/people", new).await;
        let id = made["person"]["id"].as_str().unwrap().to_owned();
        let one_time = made["one_time_password"].as_str().unwrap().to_owned();
        let at = |what: &str| format!("/people/{id}{what}");
        let begin =
            json!({ "name": "ben", "password": one_time, "new_password": "violet harbour stumble nine" });
        let own = self.secret.clone();
        self.does("session_begin", Method::POST, "/sessions", begin).await;
        self.secret = own;
        self.does("person_sessions_end", Method::POST, &at("/sign-out"), Value::Null)
            .await;
        let why = json!({ "reason": "looked after" });
        self.does("person_reset", Method::POST, &at("/reset"), why.clone())
            .await;
        self.does(
            "person_edit",
            Method::PATCH,
            &at(""),
            json!({ "printed_name": "Ben A. Adler" }),
        )
        .await;
        let roles = json!({ "roles": [], "reason": "left biomed" });
        self.at_version(2, "person_roles_set", Method::PUT, &at("/roles"), roles)
            .await;
        self.at_version(3, "person_disable", Method::POST, &at("/disable"), why.clone())
            .await;
        self.at_version(4, "person_enable", Method::POST, &at("/enable"), why)
            .await;
        let device = json!({ "name": "Tablet 1" });
        let device = self
            .does("device_register", Method::POST, "/devices", device)
            .await;
        let path = format!("/devices/{}", device["device"]["id"].as_str().unwrap());
        self.does("device_remove", Method::DELETE, &path, Value::Null)
            .await;
    }

    async fn at_version(&mut self, version: i64, id: &'static str, method: Method, path: &str, body: Value) {
        let before = head(self.stage);
        let request = request_as(&self.secret, method, path)
            .insert_header((header::IF_MATCH, format!("\"{version}\"")))
            .set_json(body);
        let reply = self.stage.send(request).await;
        assert!(reply.status.is_success(), "{id}: {}", reply.text);
        assert!(head(self.stage) > before, "{id} left no entry");
        self.done.push(id);
    }

    async fn own_account(&mut self) {
        use secrecy::ExposeSecret as _;

        let token = json!({ "label": "reader", "scopes": ["pump_read"] });
        let token = self.does("token_create", Method::POST, "/tokens", token).await;
        let path = format!("/tokens/{}", token["id"].as_str().unwrap());
        self.does("token_revoke", Method::DELETE, &path, Value::Null)
            .await;
        let pin = json!({ "password": PASSWORD, "pin": "640917" });
        self.does("me_pin_set", Method::POST, "/me/pin", pin).await;
        // Drawing a seed changes nothing; taking it into use does.
        let begun = self
            .stage
            .send(
                request_as(&self.secret, Method::POST, "/me/totp").set_json(json!({ "password": PASSWORD })),
            )
            .await
            .expect(StatusCode::OK);
        self.done.push("me_totp_begin");
        let code = |ahead: i64| {
            let at = self.stage.app.now() + chrono::TimeDelta::seconds(ahead);
            let code = crate::auth::totp::code(begun["secret"].as_str().unwrap(), at).unwrap();
            code.expose_secret().to_owned()
        };
        let confirm = json!({ "ticket": begun["ticket"], "totp": code(0) });
        let remove = json!({ "password": PASSWORD, "totp": code(30) });
        self.does("me_totp_confirm", Method::POST, "/me/totp/confirm", confirm)
            .await;
        self.does("me_totp_remove", Method::POST, "/me/totp/remove", remove)
            .await;
        let glass = json!({ "reason": "nobody else here", "password": PASSWORD });
        self.does("glass_break", Method::POST, "/break-glass", glass)
            .await;
        self.does("glass_end", Method::DELETE, "/break-glass", Value::Null)
            .await;
    }

    async fn signatures(&mut self) {
        let pump = self.stage.pump_in("SN-2", None);
        let shown = self.read(&format!("/signatures/subjects/pump/{pump}")).await;
        let mut body = json!({
            "kind": "pump", "id": pump, "version": shown["version"], "content_hash": shown["content_hash"],
            "meaning": "verified_for_clinical_use", "factors": { "password": PASSWORD, "pin": "640917" },
        });
        self.does("signature_sign", Method::POST, "/signatures", body.clone())
            .await;
        body.as_object_mut().unwrap().remove("factors");
        body["reason"] = json!("two admissions coming");
        self.does("signature_refuse", Method::POST, "/signatures/not-now", body)
            .await;
    }

    async fn rollouts(&mut self) {
        let flow = json!({
            "id": "flow", "kind": "flow_accuracy", "conduct": { "by": "person", "instrument": "analyser" },
            "prompt": "Run 25 mL/h for 30 minutes.",
            "expect": { "reading": "quantity", "unit": "percent", "low": -5, "high": 5, "guard_band": 0.5 },
        });
        let ward = Ward::with(self.stage, vec![flow]).await;
        let mut pump = ward.pump("SN-R", Some(ward.micu));
        let (mut second, late) = (
            ward.pump("SN-S", Some(ward.micu)),
            ward.pump("SN-T", Some(ward.micu)),
        );
        late.connects(false);
        let root = json!({ "name": "other", "manufacturer": "Acme", "root": ward.root() });
        self.does("repository_create", Method::POST, "/repositories", root)
            .await;
        let before = head(self.stage);
        let release = ward.import().await;
        assert!(head(self.stage) > before, "release_import left no entry");
        self.done.push("release_import");
        let floor = json!({ "care_area": ward.micu, "model": self.stage.model_of(pump.id), "keep": 1 });
        self.does("ward_floor_set", Method::PUT, "/ward-floors", floor)
            .await;
        let floor = json!({ "care_area": ward.micu, "model": self.stage.model_of(pump.id), "keep": 0 });
        self.does("ward_floor_set", Method::PUT, "/ward-floors", floor)
            .await;
        let only = json!({ "list": [pump.id] });
        let spec = json!({ "pumps": only, "waves": [{ "name": "all", "takes": only }] });
        let body = json!({ "name": "walk", "release": release, "spec": spec });
        let written = self.does("rollout_create", Method::POST, "/rollouts", body).await;
        let path = format!("/rollouts/{}/acts", written["id"].as_str().unwrap());
        let act = json!({ "act": "cancel", "reason": "walked past" });
        self.does("rollout_act", Method::POST, &path, act).await;

        let running = ward.run("walk on", &release, &[&[&pump, &second, &late]]).await;
        let path = format!("/waves/{}/briefing", running.wave(0).await);
        let here = json!({ "care_area": ward.micu });
        self.does("wave_briefing_read", Method::POST, &path, here).await;
        pump.updates("2.0", 2);
        second.updates("2.0", 2);
        let path = format!("/pumps/{}/checks", pump.id);
        let read = json!({
            "check": "flow", "reading": { "reading": "quantity", "value": 1.2, "unit": "percent" },
            "instrument": { "id": "IDA-7", "calibrated_until": "2027-06-30" },
        });
        self.does("pump_check_enter", Method::POST, &path, read).await;
        let path = format!("/pumps/{}/roll-back", pump.id);
        let why = json!({ "reason": "walked past" });
        self.does("pump_roll_back", Method::POST, &path, why.clone())
            .await;
        let path = format!("/pumps/{}/take-out", late.id);
        self.does("pump_take_out", Method::POST, &path, why.clone()).await;
        self.stage.turn();
        let path = format!("/pumps/{}/try-again", late.id);
        self.does("pump_try_again", Method::POST, &path, why.clone())
            .await;
        let path = format!("/waves/{}/roll-back", running.wave(0).await);
        self.does("wave_roll_back", Method::POST, &path, why.clone())
            .await;
        let path = format!("/models/{}/drug-libraries", self.stage.model_of(pump.id));
        self.does("drug_library_say", Method::POST, &path, why).await;
    }

    async fn exposure(&mut self) {
        let pump = self.stage.pump("SN-X");
        let list = json!({ "bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{ "type": "library", "name": "parser" }] });
        let path = format!("/component-lists?model={}", self.stage.model_of(pump));
        self.does("component_list_import", Method::POST, &path, list)
            .await;
        let page = super::exposure::nvd("CVE-2027-0001", "parser", "1.5", 1);
        self.does("advisory_import", Method::POST, "/advisories/import", page)
            .await;
        let whole = self.read("/exposures/CVE-2027-0001").await;
        let decision = json!({
            "version_set": whole["sets"][0]["version_set"], "verdict": "affected", "reason": "walked past",
        });
        let path = "/exposures/CVE-2027-0001/decisions";
        self.does("exposure_decide", Method::POST, path, decision).await;
    }

    async fn authorities(&mut self) {
        let rotate = json!({ "kind": "device" });
        self.does("authority_rotate", Method::POST, "/authorities/rotate", rotate)
            .await;
        let all = self.read("/authorities").await;
        let old = all["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["kind"] == "device" && one["state"] != "active")
            .unwrap();
        let path = format!("/authorities/{}/retire", old["id"].as_str().unwrap());
        self.does(
            "authority_retire",
            Method::POST,
            &path,
            json!({ "cut_off": true }),
        )
        .await;
        let anchor = json!({ "manufacturer": "Acme", "pem": super::enrolment::an_anchor() });
        let anchor = self.does("anchor_import", Method::POST, "/anchors", anchor).await;
        let path = format!("/anchors/{}", anchor["id"].as_str().unwrap());
        self.does("anchor_remove", Method::DELETE, &path, Value::Null)
            .await;
        let change = json!({ "password": PASSWORD, "new_password": "violet harbour stumble nine" });
        self.does("me_password_change", Method::POST, "/me/password", change)
            .await;
        self.does("session_end", Method::DELETE, "/sessions/current", Value::Null)
            .await;
        self.secret = self.stage.sign_in_with("all", "violet harbour stumble nine");
    }
}
