//! Component lists, advisories, and what they mean for version sets, on both databases.

use std::collections::BTreeSet;

use fleet::{
    id::{AdvisoryRecordId, ComponentListId},
    pump::Component,
    signature::Digest,
};
use store::{AdvisoryRecord, ComponentListRecord, ExposureRecord, FeedRecord};
use uuid::Uuid;

use crate::common::*;

fn list(number: u128, component: Option<&str>) -> ComponentListRecord {
    ComponentListRecord {
        id: ComponentListId::from_uuid(Uuid::from_u128(number)),
        release: None,
        model: Some(model_id(1)),
        component: component.map(|name| name.parse().unwrap()),
        version: None,
        name: format!("list {number}"),
        sha256: Digest::of(b"list"),
        components: 2,
        gaps: 1,
        imported_by: "ana".to_owned(),
        imported_at: at(0),
    }
}

fn advisory(number: u128, vulnerability: &str) -> AdvisoryRecord {
    AdvisoryRecord {
        id: AdvisoryRecordId::from_uuid(Uuid::from_u128(number)),
        vulnerability: vulnerability.to_owned(),
        feed: "NVD".to_owned(),
        // A text and no document of the database: what JSON can say, it can keep.
        body: r#"{"name":"a\u0000b"}"#.to_owned(),
    }
}

fn exposure(set: Digest, vulnerability: &str, open: bool) -> ExposureRecord {
    ExposureRecord {
        version_set: set,
        vulnerability: vulnerability.to_owned(),
        verdict: if open { "affected" } else { "fixed" }.to_owned(),
        open,
        decision: None,
        finding: "{}".to_owned(),
        identified_at: at(1),
        changed_at: at(2),
    }
}

#[test]
fn a_newer_list_takes_the_place_of_the_one_for_the_same_thing() {
    for_each_db(|store| {
        make_model(store);
        for list in [list(1, None), list(2, Some("wireless")), list(3, None)] {
            store.write(|db| db.component_list_set(&list, "[]")).unwrap();
        }
        let lists = store.read(|db| db.component_lists()).unwrap();
        assert_eq!(lists, [list(3, None), list(2, Some("wireless"))]);
        let documents = store.read(|db| db.component_list_documents()).unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].document, "[]");
    });
}

#[test]
fn what_is_known_of_a_vulnerability_is_replaced_as_a_whole() {
    for_each_db(|store| {
        let known = |numbers: &[(u128, &str)]| -> Vec<_> {
            numbers.iter().map(|(number, id)| advisory(*number, id)).collect()
        };
        let first = known(&[(1, "CVE-1"), (2, "CVE-1"), (3, "CVE-2")]);
        store
            .write(|db| db.advisory_replace(&["CVE-1", "CVE-2"], &first))
            .unwrap();
        assert_eq!(store.read(|db| db.advisory_list()).unwrap(), first);
        store
            .write(|db| db.advisory_replace(&["CVE-1", "CVE-9"], &known(&[(4, "CVE-1")])))
            .unwrap();
        let left = known(&[(4, "CVE-1"), (3, "CVE-2")]);
        assert_eq!(store.read(|db| db.advisory_list()).unwrap(), left);
    });
}

#[test]
fn an_older_document_makes_no_feed_younger_or_older() {
    for_each_db(|store| {
        let feed = |document: &str, made_at: Option<i64>| FeedRecord {
            feed: "CISA KEV".to_owned(),
            publisher: "CISA".to_owned(),
            document: document.to_owned(),
            made_at: made_at.map(at),
            records: 3,
            without_products: 0,
            imported_by: "ana".to_owned(),
            imported_at: at(100),
        };
        for noted in [feed("2", Some(2)), feed("1", Some(1)), feed("none", None)] {
            store.write(|db| db.feed_note(&noted)).unwrap();
            assert_eq!(store.read(|db| db.feed_list()).unwrap(), [feed("2", Some(2))]);
        }
        store.write(|db| db.feed_note(&feed("3", Some(3)))).unwrap();
        assert_eq!(store.read(|db| db.feed_list()).unwrap(), [feed("3", Some(3))]);
    });
}

#[test]
fn what_was_found_is_kept_by_version_set() {
    for_each_db(|store| {
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        let rows = [
            exposure(one, "CVE-1", true),
            exposure(one, "CVE-2", false),
            exposure(other, "CVE-1", false),
        ];
        for row in &rows {
            store.write(|db| db.exposure_set(row)).unwrap();
        }
        assert_eq!(
            store.read(|db| db.exposure_of(&[one])).unwrap(),
            [rows[0].clone(), rows[1].clone()]
        );
        let open = store.read(|db| db.exposure_open_of(&[one, other])).unwrap();
        assert_eq!(open, [(one, "CVE-1".to_owned())]);
        assert_eq!(store.read(|db| db.exposure_about("CVE-1")).unwrap().len(), 2);
        let closed = exposure(one, "CVE-1", false);
        store.write(|db| db.exposure_set(&closed)).unwrap();
        assert_eq!(store.read(|db| db.exposure_open_of(&[one, other])).unwrap(), []);
        store.write(|db| db.exposure_remove(one, "CVE-1")).unwrap();
        assert_eq!(
            store.read(|db| db.exposure_of(&[one])).unwrap(),
            [rows[1].clone()]
        );

        for sets in [vec![one], vec![one, other], vec![other], vec![]] {
            let sets: BTreeSet<_> = sets.into_iter().collect();
            store.write(|db| db.version_sets_set(&sets, at(0))).unwrap();
            assert_eq!(store.read(|db| db.version_sets()).unwrap(), sets);
        }
    });
}

#[test]
fn pumps_say_what_they_are_made_of_and_are_found_when_more_is_known() {
    for_each_db(|store| {
        make_pumps(store, 3);
        let part = |name: &str, version: &str| Component {
            name: name.parse().unwrap(),
            version: version.parse().unwrap(),
        };
        let parts = [part("main", "1.0"), part("wireless", "2.1")];
        store
            .write(|db| {
                db.pump_inventory_set(pump_id(1), &[], &parts, None, None)?;
                db.pump_retire(pump_id(3), at(0))
            })
            .unwrap();
        let mut made = store.read(|db| db.pump_made_all()).unwrap();
        made.sort_by_key(|made| made.pump);
        assert_eq!(made.len(), 2, "one is retired");
        assert_eq!(made[0].components, parts);
        let before = store.read(|db| db.pump_fetch(pump_id(2))).unwrap();
        store.write(|db| db.pump_versions_raise(&[pump_id(2)])).unwrap();
        let after = store.read(|db| db.pump_fetch(pump_id(2))).unwrap();
        assert_eq!(after.row_version, before.row_version + 1);
        assert_eq!(
            after.content_version, before.content_version,
            "signatures stand as they were"
        );
    });
}
