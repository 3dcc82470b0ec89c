//! Places, and the pumps that the hospital expects, on both databases.

use fleet::{
    inventory::ExpectedPump,
    pump::{MacAddress, Support},
    text::Contact,
};
use store::StoreError;

use crate::common::*;

const UDI: &str = "(01)09504000059118(21)U-77";

fn mac(last: u8) -> MacAddress {
    MacAddress::new([0x00, 0x1a, 0x2b, 0, 0, last]).unwrap()
}

#[test]
fn a_name_is_made_once_and_found_again() {
    for_each_db(|store| {
        store
            .write(|db| {
                let acme = db.manufacturer_ensure(&name("Acme"), manufacturer_id(1))?;
                assert_eq!(acme, manufacturer_id(1));
                assert_eq!(db.manufacturer_ensure(&name("Acme"), manufacturer_id(2))?, acme);
                let model = db.model_ensure(acme, &name("Infusor"), model_id(1))?;
                assert_eq!(db.model_ensure(acme, &name("Infusor"), model_id(2))?, model);
                let other = db.manufacturer_ensure(&name("Bolus & Co"), manufacturer_id(3))?;
                assert_eq!(
                    db.model_ensure(other, &name("Infusor"), model_id(3))?,
                    model_id(3)
                );
                let ward = db.care_area_ensure(&name("4 West"), care_area_id(1))?;
                assert_eq!(db.care_area_ensure(&name("4 West"), care_area_id(2))?, ward);
                let shelf = db.location_ensure(Some(ward), &name("Shelf"), location_id(1))?;
                assert_eq!(
                    db.location_ensure(Some(ward), &name("Shelf"), location_id(2))?,
                    shelf
                );
                let bench = db.location_ensure(None, &name("Shelf"), location_id(3))?;
                assert_eq!(bench, location_id(3));
                assert_eq!(db.location_ensure(None, &name("Shelf"), location_id(4))?, bench);
                db.model_update(model, Some("09504000059118"), Support::default())
            })
            .unwrap();
        let models = store.read(|db| db.model_list()).unwrap();
        assert_eq!(models.len(), 2);
        assert_eq!(models[0].manufacturer_name, name("Acme"));
        assert_eq!(models[0].udi_di.as_deref(), Some("09504000059118"));
        assert_eq!(models[1].manufacturer_name, name("Bolus & Co"));
        assert_eq!(store.read(|db| db.location_list()).unwrap().len(), 2);
        assert_eq!(store.read(|db| db.care_area_list()).unwrap().len(), 1);
    });
}

#[test]
fn a_manufacturer_can_be_reached_and_a_ward_renamed() {
    for_each_db(|store| {
        make_model(store);
        let email = Contact::new("service@acme.example").unwrap();
        store
            .write(|db| {
                db.manufacturer_update(manufacturer_id(1), Some(&email), None, None)?;
                db.care_area_ensure(&name("MICU"), care_area_id(1))?;
                db.care_area_ensure(&name("SICU"), care_area_id(2))?;
                db.care_area_rename(care_area_id(1), &name("Medical ICU"))
            })
            .unwrap();
        let makers = store.read(|db| db.manufacturer_list()).unwrap();
        assert_eq!(makers[0].email.as_ref(), Some(&email));
        assert_eq!(makers[0].phone, None);
        assert_eq!(
            store.read(|db| db.care_area_list()).unwrap()[0].name,
            name("Medical ICU")
        );
        let taken = store.write(|db| db.care_area_rename(care_area_id(2), &name("Medical ICU")));
        assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
        let unknown = store.write(|db| db.care_area_rename(care_area_id(9), &name("x")));
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
        let unknown = store.write(|db| db.manufacturer_update(manufacturer_id(9), None, None, None));
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
    });
}

#[test]
fn until_when_a_model_is_supported_is_kept_and_shown_with_its_pumps() {
    for_each_db(|store| {
        make_pumps(store, 2);
        let support = Support {
            full_until: Some("2027-06-30".parse().unwrap()),
            until: Some("9999-12-31".parse().unwrap()),
        };
        let seen = |store: &store::Store| {
            let models = store.read(|db| db.model_list()).unwrap();
            let pumps = store.read(|db| db.pump_listing_of(&[pump_id(2)])).unwrap();
            assert_eq!(models[0].support, pumps[0].support);
            let pump = &pumps[0].pump;
            (models[0].support, pump.row_version, pump.content_version)
        };
        assert_eq!(seen(store), (Support::default(), 1, 1));
        let _ = store.touched_take();
        store
            .write(|db| db.model_update(model_id(1), None, support))
            .unwrap();
        assert_eq!(seen(store), (support, 2, 1));
        assert!(store.touched_take().everything);
        store
            .write(|db| db.model_update(model_id(1), None, Support::default()))
            .unwrap();
        assert_eq!(seen(store), (Support::default(), 3, 1));
        let unknown = store.write(|db| db.model_update(model_id(9), None, support));
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
    });
}

#[test]
fn expected_pumps_are_listed_changed_and_taken_off() {
    for_each_db(|store| {
        make_model(store);
        let many: Vec<ExpectedPump> = (1..=230).map(expected).collect();
        let changed = ExpectedPump {
            id: expected_id(999),
            macs: vec![mac(1), mac(2)],
            asset_tag: Some(tag("=1+1")),
            udi: Some(UDI.parse().unwrap()),
            listed_at: at(77),
            ..expected(7)
        };
        store
            .write(|db| {
                db.care_area_ensure(&name("ED"), care_area_id(1))?;
                db.expected_upsert(&many)?;
                db.expected_upsert(&[
                    expected(7),
                    ExpectedPump {
                        care_area: Some(care_area_id(1)),
                        ..changed.clone()
                    },
                ])
            })
            .unwrap();
        let all = store.read(|db| db.expected_all()).unwrap();
        assert_eq!(all.len(), 230);
        let (pages, count) = all_pages(100, |after, limit| {
            store.read(|db| db.expected_list(after, limit))
        });
        assert_eq!((&pages, count), (&all, 3));
        // It keeps the id and the day under which it was first listed.
        let kept = ExpectedPump {
            id: expected_id(7),
            listed_at: at(0),
            care_area: Some(care_area_id(1)),
            ..changed
        };
        let found = store
            .read(|db| db.expected_find(manufacturer_id(1), &serial("SN-00007")))
            .unwrap();
        assert_eq!(found, std::slice::from_ref(&kept));
        let rows = store.read(|db| db.expected_rows()).unwrap();
        let (id, row) = &rows[6];
        assert_eq!((*id, &row.serial), (kept.id, &kept.serial));
        assert_eq!(
            (&row.manufacturer, &row.model),
            (&name("Acme"), &name("Infusor 3"))
        );
        assert_eq!((&row.care_area, &row.macs), (&Some(name("ED")), &kept.macs));
        store.write(|db| db.expected_remove(kept.id)).unwrap();
        let gone = store.write(|db| db.expected_remove(kept.id));
        assert!(matches!(gone, Err(StoreError::NotFound { .. })), "{gone:?}");
        assert!(
            store
                .read(|db| db.expected_find(manufacturer_id(1), &serial("SN-00007")))
                .unwrap()
                .is_empty()
        );
    });
}
