//! The pumps that the hospital has, on both databases.

use std::collections::{BTreeSet, HashSet};

use crate::common::*;
use fleet::{
    id::PumpId,
    inventory::ExpectedPump,
    pump::{Hold, HoldKind, MacAddress, Support, Udi},
    text::{HardwareId, Reason, Tag},
};
use store::{PresenceChange, PumpCounts, PumpFilter, PumpPatch, Store, StoreError};

const UDI: &str = "(01)09504000059118(21)U-77";

fn mac(last: u8) -> MacAddress {
    MacAddress::new([0x00, 0x1a, 0x2b, 0, 0, last]).unwrap()
}

#[test]
fn strange_text_comes_back_as_it_went_in_and_is_found_by_its_own_letters_only() {
    for_each_db(|store| {
        make_model(store);
        for (number, text) in (1..).zip(STRANGE) {
            let mut pump = pump(number);
            pump.serial = serial(text);
            pump.asset_tag = Some(tag(text));
            pump.components = vec![component(text, text)];
            pump.hold = Some(Hold {
                kind: HoldKind::Clinical,
                reason: Reason::new(text).unwrap(),
                since: at(1),
            });
            store
                .write(|db| {
                    db.pump_create(&pump)?;
                    db.care_area_ensure(&name(text), care_area_id(number))?;
                    db.expected_upsert(&[ExpectedPump {
                        serial: serial(text),
                        ..expected(number)
                    }])
                })
                .unwrap();
            assert_eq!(store.read(|db| db.pump_fetch(pump.id)).unwrap(), pump);
            assert_eq!(
                store
                    .read(|db| db.pump_by_serial(pump.model, &pump.serial))
                    .unwrap(),
                Some(pump.clone())
            );
            let found = store.read(|db| db.pump_find(text)).unwrap();
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].pump, pump);
        }
        for text in STRANGE.into_iter().chain(["%", "_", "\\", "'", "💉"]) {
            let filter = PumpFilter {
                text: Some(text.to_owned()),
                ..PumpFilter::default()
            };
            let found = store.read(|db| db.pump_list(&filter, None, 100)).unwrap();
            let expected = STRANGE.iter().filter(|strange| strange.contains(text)).count();
            assert_eq!(found.items.len(), expected, "{text}");
        }
        assert_eq!(store.read(|db| db.care_area_list()).unwrap().len(), STRANGE.len());
        assert_eq!(store.read(|db| db.expected_all()).unwrap().len(), STRANGE.len());
    });
}

fn listed(store: &Store, filter: &PumpFilter) -> Vec<PumpId> {
    let page = store.read(|db| db.pump_list(filter, None, 1000)).unwrap();
    page.items.into_iter().map(|listing| listing.pump.id).collect()
}

#[test]
fn a_list_shows_what_the_filter_asks_for() {
    for_each_db(|store| {
        make_pumps(store, 4);
        store
            .write(|db| {
                let ward = db.care_area_ensure(&name("4 West"), care_area_id(1))?;
                let patch = PumpPatch {
                    asset_tag: Some(Some(tag("BM-77"))),
                    care_area: Some(Some(ward)),
                    ..PumpPatch::default()
                };
                db.pump_detail_update(pump_id(1), 1, &patch)?;
                db.hold_create(&held(1, 2, HoldKind::Clinical, 5))?;
                db.presence_set(&[connected(1, 10), connected(3, 10), gone(3, 20)])?;
                db.pump_retire(pump_id(4), at(30))
            })
            .unwrap();
        let check = |filter: PumpFilter, expected: &[u128]| {
            let ids: Vec<PumpId> = expected.iter().copied().map(pump_id).collect();
            assert_eq!(listed(store, &filter), ids, "{filter:?}");
        };
        let all = PumpFilter::default;
        let text = |text: &str| PumpFilter {
            text: Some(text.into()),
            ..all()
        };
        check(all(), &[1, 2, 3, 4]);
        check(text("sn-00003"), &[3]);
        check(text("bm-7"), &[1]);
        check(text("INFUSOR"), &[1, 2, 3, 4]);
        check(text("nothing"), &[]);
        check(
            PumpFilter {
                care_area: Some(care_area_id(1)),
                ..all()
            },
            &[1],
        );
        check(
            PumpFilter {
                model: Some(model_id(1)),
                ..all()
            },
            &[1, 2, 3, 4],
        );
        check(
            PumpFilter {
                model: Some(model_id(2)),
                ..all()
            },
            &[],
        );
        check(
            PumpFilter {
                held: Some(true),
                ..all()
            },
            &[2],
        );
        check(
            PumpFilter {
                held: Some(false),
                ..all()
            },
            &[1, 3, 4],
        );
        check(
            PumpFilter {
                connected: Some(true),
                ..all()
            },
            &[1],
        );
        check(
            PumpFilter {
                connected: Some(false),
                ..all()
            },
            &[2, 3, 4],
        );
        check(
            PumpFilter {
                held: Some(true),
                connected: Some(true),
                ..all()
            },
            &[],
        );
        assert_eq!(
            store.read(|db| db.pump_counts()).unwrap(),
            PumpCounts {
                total: 3,
                connected: 1,
                held: 1,
                retired: 1
            }
        );
    });
}

fn tags(words: &[&str]) -> BTreeSet<Tag> {
    words.iter().map(|word| Tag::new(word).unwrap()).collect()
}

#[test]
fn tags_are_kept_counted_and_listed_by_and_void_no_signature() {
    for_each_db(|store| {
        make_pumps(store, 4);
        let many: Vec<String> = (0..30).map(|n| format!("tag {n:02}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let _ = store.touched_take();
        store
            .write(|db| {
                db.pump_tags_set(pump_id(1), &tags(&["pilot", "loan"]))?;
                db.pump_tags_set(pump_id(2), &tags(&["Pilot"]))?;
                db.pump_tags_set(pump_id(3), &tags(&STRANGE))?;
                db.pump_tags_set(pump_id(3), &tags(&many))?;
                db.pump_tags_set(pump_id(3), &tags(&STRANGE))?;
                db.pump_tags_set(pump_id(4), &tags(&["pilot"]))?;
                db.pump_retire(pump_id(4), at(1))
            })
            .unwrap();
        assert_eq!(
            store.touched_take().pumps,
            HashSet::from([pump_id(1), pump_id(2), pump_id(3), pump_id(4)])
        );
        let shown = store
            .read(|db| db.pump_listing_of(&[pump_id(1), pump_id(3)]))
            .unwrap();
        assert_eq!(shown[0].tags, tags(&["loan", "pilot"]));
        assert_eq!(shown[1].tags, tags(&STRANGE));
        assert_eq!((shown[1].pump.row_version, shown[1].pump.content_version), (4, 1));
        let of = |tag: &str| {
            let tag = Some(Tag::new(tag).unwrap());
            listed(
                store,
                &PumpFilter {
                    tag,
                    ..PumpFilter::default()
                },
            )
        };
        assert_eq!(of("PILOT"), [pump_id(1), pump_id(2), pump_id(4)]);
        assert_eq!(of("loan"), [pump_id(1)]);
        assert_eq!(of("loa"), []);
        for text in STRANGE {
            assert_eq!(of(text), [pump_id(3)], "{text}");
        }
        let counted = store.read(|db| db.tag_list()).unwrap();
        assert_eq!(counted.len(), 3 + STRANGE.len(), "retired pumps do not count");
        assert!(counted.contains(&(Tag::new("pilot").unwrap(), 1)), "{counted:?}");
        let unknown = store.write(|db| db.pump_tags_set(pump_id(9), &tags(&["pilot"])));
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
    });
}

fn connected(number: u128, seconds: i64) -> PresenceChange {
    PresenceChange {
        pump: pump_id(number),
        session: 1,
        connected: true,
        at: at(seconds),
        peer: Some([10, 0, 0, 7].into()),
        certificate: Some(digest(1)),
        end: None,
    }
}

fn gone(number: u128, seconds: i64) -> PresenceChange {
    PresenceChange {
        connected: false,
        peer: None,
        certificate: None,
        end: Some(fleet::pump::SessionEnd::Lost),
        ..connected(number, seconds)
    }
}

#[test]
fn a_listing_has_all_that_a_person_sees() {
    for_each_db(|store| {
        make_registry(store, 2);
        store
            .write(|db| {
                let ward = db.care_area_ensure(&name("4 West"), care_area_id(1))?;
                let shelf = db.location_ensure(Some(ward), &name("Shelf 2"), location_id(1))?;
                let patch = PumpPatch {
                    care_area: Some(Some(ward)),
                    location: Some(Some(shelf)),
                    ..PumpPatch::default()
                };
                db.pump_detail_update(pump_id(1), 1, &patch)?;
                db.pump_inventory_set(
                    pump_id(1),
                    &[mac(2), mac(1)],
                    &[component("main", "9.1")],
                    None,
                    None,
                )?;
                db.presence_set(&[connected(1, 10)])?;
                db.pump_state_upsert(&[state(1, 60)])?;
                db.certificate_insert(&certificate(1, 1), b"one")?;
                db.certificate_insert(
                    &fleet::certificate::CertificateRecord {
                        not_after: at(95_000),
                        ..certificate(2, 1)
                    },
                    b"two",
                )
            })
            .unwrap();
        let page = store
            .read(|db| db.pump_list(&PumpFilter::default(), None, 10))
            .unwrap();
        let [one, two] = &page.items[..] else {
            panic!("two pumps were made: {page:?}")
        };
        assert_eq!(one.manufacturer_name, name("Acme"));
        assert_eq!(one.model_name, name("Infusor 3"));
        assert_eq!(one.care_area_name, Some(name("4 West")));
        assert_eq!(one.location_name, Some(name("Shelf 2")));
        assert_eq!(one.pump.macs, [mac(1), mac(2)]);
        assert_eq!(one.pump.components, [component("main", "9.1")]);
        assert_eq!((one.connected, one.connected_since), (true, Some(at(10))));
        assert_eq!(one.peer, Some([10, 0, 0, 7].into()));
        assert_eq!(one.state, Some(state(1, 60)));
        assert_eq!(one.last_seen, Some(at(60)));
        assert_eq!(one.certificate_not_after, Some(at(95_000)));
        assert_eq!(
            (two.connected, two.connected_since, two.last_seen),
            (false, None, None)
        );
        assert_eq!((&two.state, two.certificate_not_after), (&None, None));
    });
}

#[test]
fn pages_are_whole_and_without_repeats_while_pumps_come() {
    for_each_db(|store| {
        make_pumps(store, 47);
        let mut new = 1000_u128;
        let (listings, pages) = all_pages(5, |after, limit| {
            // A pump that sorts first and one that sorts last come in between every two pages.
            new += 2;
            store.write(|db| {
                let mut first = pump(new);
                first.serial = serial(&format!("A-{new}"));
                db.pump_create(&first)?;
                let mut last = pump(new + 1);
                last.serial = serial(&format!("Z-{new}"));
                db.pump_create(&last)
            })?;
            store.read(|db| db.pump_list(&PumpFilter::default(), after, limit))
        });
        let ids: HashSet<PumpId> = listings.iter().map(|listing| listing.pump.id).collect();
        assert_eq!(ids.len(), listings.len(), "no pump twice");
        assert!(
            (1..=47).all(|number| ids.contains(&pump_id(number))),
            "no pump left out"
        );
        assert!(pages > 9);
        let bad = store.read(|db| db.pump_list(&PumpFilter::default(), Some("%%%"), 5));
        assert!(matches!(bad, Err(StoreError::InvalidPage { .. })), "{bad:?}");
    });
}

#[test]
fn a_pump_is_found_by_serial_tag_or_scan() {
    for_each_db(|store| {
        make_pumps(store, 2);
        let udi: Udi = UDI.parse().unwrap();
        store
            .write(|db| {
                let patch = PumpPatch {
                    asset_tag: Some(Some(tag("BM-1"))),
                    udi: Some(Some(udi.clone())),
                    ..PumpPatch::default()
                };
                db.pump_detail_update(pump_id(1), 1, &patch)?;
                db.model_update(model_id(1), Some("09504000059118"), Support::default())
            })
            .unwrap();
        let check = |text: &str, expected: &[u128]| {
            let found = store.read(|db| db.pump_find(text)).unwrap();
            let ids: Vec<PumpId> = found.iter().map(|listing| listing.pump.id).collect();
            assert_eq!(
                ids,
                expected.iter().copied().map(pump_id).collect::<Vec<_>>(),
                "{text}"
            );
        };
        check("SN-00001", &[1]);
        check(" BM-1 ", &[1]);
        check(UDI, &[1]);
        check("]d2010950400005911821U-77", &[1]);
        check("(01)09504000059118(21)SN-00002", &[2]);
        check("(01)09504000059118(21)SN-9", &[]);
        check("SN-0000", &[]);
        check("", &[]);
    });
}

#[test]
fn an_edit_of_what_has_changed_since_is_refused() {
    for_each_db(|store| {
        make_pumps(store, 1);
        let patch = |text: &str| PumpPatch {
            asset_tag: Some(Some(tag(text))),
            hardware_id: Some(Some(HardwareId::new("B2").unwrap())),
            ..PumpPatch::default()
        };
        let version = store
            .write(|db| db.pump_detail_update(pump_id(1), 1, &patch("one")))
            .unwrap();
        assert_eq!(version, 2);
        let stale = store.write(|db| db.pump_detail_update(pump_id(1), 1, &patch("two")));
        assert!(matches!(stale, Err(StoreError::Conflict { .. })), "{stale:?}");
        let unknown = store.write(|db| db.pump_detail_update(pump_id(9), 1, &patch("two")));
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
        let kept = store.read(|db| db.pump_fetch(pump_id(1))).unwrap();
        assert_eq!((kept.asset_tag, kept.row_version), (Some(tag("one")), 2));
        // What is not named stays; what is set to nothing is cleared.
        let clear = PumpPatch {
            asset_tag: Some(None),
            ..PumpPatch::default()
        };
        store
            .write(|db| db.pump_detail_update(pump_id(1), 2, &clear))
            .unwrap();
        let kept = store.read(|db| db.pump_fetch(pump_id(1))).unwrap();
        assert_eq!(kept.asset_tag, None);
        assert_eq!(kept.hardware_id, Some(HardwareId::new("B2").unwrap()));
    });
}

#[test]
fn a_serial_number_is_taken_once_per_model() {
    for_each_db(|store| {
        make_pumps(store, 1);
        let mut twin = pump(2);
        twin.serial = serial("SN-00001");
        let taken = store.write(|db| db.pump_create(&twin));
        assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
        let mut orphan = pump(3);
        orphan.model = model_id(9);
        let orphan = store.write(|db| db.pump_create(&orphan));
        assert!(matches!(orphan, Err(StoreError::Conflict { .. })), "{orphan:?}");
        let missing = store.read(|db| db.pump_fetch(pump_id(2)));
        assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    });
}

#[test]
fn holds_of_every_kind_come_and_go_and_each_counts_the_version_up() {
    for_each_db(|store| {
        make_pumps(store, 1);
        for (version, kind) in (2_i64..).zip(HoldKind::ALL) {
            let hold = held(version.unsigned_abs().into(), 1, kind, version);
            store.write_durable(|db| db.hold_create(&hold)).unwrap();
            let pump = store.read(|db| db.pump_fetch(pump_id(1))).unwrap();
            let on_pump = Hold {
                kind,
                reason: hold.reason,
                since: hold.since,
            };
            assert_eq!((pump.hold, pump.row_version), (Some(on_pump), version));
        }
        let standing = store.read(|db| db.hold_standing(pump_id(1))).unwrap().unwrap();
        store
            .write_durable(|db| db.hold_release(&standing, at(40), retest_id(1), &[]))
            .unwrap();
        assert_eq!(store.read(|db| db.pump_fetch(pump_id(1))).unwrap().hold, None);
        store.write(|db| db.pump_retire(pump_id(1), at(50))).unwrap();
        store.write(|db| db.pump_retire(pump_id(1), at(60))).unwrap();
        assert_eq!(
            store.read(|db| db.pump_fetch(pump_id(1))).unwrap().retired_at,
            Some(at(50))
        );
        for gone in [
            store.write(|db| db.hold_create(&held(9, 9, HoldKind::Clinical, 9))),
            store.write(|db| db.pump_retire(pump_id(9), at(0))),
        ] {
            assert!(matches!(gone, Err(StoreError::NotFound { .. })), "{gone:?}");
        }
    });
}

#[test]
fn an_inventory_that_says_nothing_new_writes_nothing() {
    for_each_db(|store| {
        make_pumps(store, 2);
        let parts = [component("wireless", "1.0"), component("main", "9.1")];
        let udi: Udi = UDI.parse().unwrap();
        let hardware = HardwareId::new("B2").unwrap();
        let report_it = |db: &mut store::Db<'_>| {
            db.pump_inventory_set(
                pump_id(1),
                &[mac(2), mac(1), mac(2)],
                &parts,
                Some(&hardware),
                Some(&udi),
            )
        };
        store.write(report_it).unwrap();
        let once = store.read(|db| db.pump_fetch(pump_id(1))).unwrap();
        assert_eq!(once.macs, [mac(1), mac(2)]);
        assert_eq!(
            once.components,
            [component("main", "9.1"), component("wireless", "1.0")]
        );
        assert_eq!(
            (once.udi.as_ref(), once.hardware_id.as_ref()),
            (Some(&udi), Some(&hardware))
        );
        assert_eq!(once.row_version, 2);
        store.write(report_it).unwrap();
        assert_eq!(store.read(|db| db.pump_fetch(pump_id(1))).unwrap(), once);
        store
            .write(|db| db.pump_inventory_set(pump_id(1), &[mac(3)], &[], None, None))
            .unwrap();
        let twice = store.read(|db| db.pump_fetch(pump_id(1))).unwrap();
        assert_eq!((twice.macs, twice.components.len()), (vec![mac(3)], 0));
        assert_eq!((&twice.udi, &twice.hardware_id), (&once.udi, &once.hardware_id));
        store
            .write(|db| db.pump_inventory_set(pump_id(2), &[mac(3)], &[], None, None))
            .unwrap();
        assert_eq!(
            store.read(|db| db.pump_by_mac(mac(3))).unwrap(),
            [pump_id(1), pump_id(2)]
        );
        assert!(store.read(|db| db.pump_by_mac(mac(1))).unwrap().is_empty());
    });
}

#[test]
fn enrolled_pumps_were_last_seen_when_anything_was_heard_of_them() {
    for_each_db(|store| {
        make_pumps(store, 5);
        store
            .write(|db| {
                db.presence_set(&[connected(2, 10), connected(3, 10)])?;
                db.pump_state_upsert(&[state(3, 99)])?;
                db.last_seen_set(&[(pump_id(2), at(40)), (pump_id(2), at(20)), (pump_id(4), at(40))])?;
                db.pump_inventory_set(pump_id(1), &[mac(1)], &[], None, None)?;
                db.pump_retire(pump_id(5), at(50))
            })
            .unwrap();
        let pumps = store.read(|db| db.enrolled_all()).unwrap();
        let seen: Vec<_> = pumps.iter().map(|pump| (pump.id, pump.last_seen)).collect();
        assert_eq!(
            seen,
            [
                (pump_id(1), at(0)),
                (pump_id(2), at(40)),
                (pump_id(3), at(99)),
                (pump_id(4), at(0))
            ]
        );
        assert_eq!(pumps[0].macs, [mac(1)]);
    });
}
