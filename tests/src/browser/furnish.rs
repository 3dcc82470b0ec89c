//! Care areas with pumps in every state that a board shows, put on record as the gateway would.

use fleet::{
    id::{CareAreaId, HoldId, LocationId, ManufacturerId, ModelId, PumpId},
    pump::{Activity, Hold, HoldKind, Pump, PumpState},
    text::{AssetTag, Name, Reason, SerialNumber},
};
use serde_json::Value;
use store::{Db, HoldRecord, PresenceChange, StoreError, WardFloorRecord};
use uuid::Uuid;

use crate::Hospital;

/// Care areas, and how many pumps each has.
const AREAS: [(&str, usize); 5] = [
    ("MICU", 14),
    ("4 West", 12),
    ("ED", 9),
    ("NICU", 6),
    ("5 East", 0),
];

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Puts them on record. Every pump is `BM-1…`; every seventh is held, every fifth says nothing, the others are in use or ready.
///
/// # Panics
/// When they can not be.
pub fn furnish(hospital: &Hospital) {
    let app = hospital.running().app();
    let now = app.now();
    app.store
        .write(|db| {
            let maker =
                db.manufacturer_ensure(&name("Arden Medical"), ManufacturerId::from_uuid(Uuid::now_v7()))?;
            let models = ["Volumat LVP", "Syrin 50"]
                .map(|model| db.model_ensure(maker, &name(model), ModelId::from_uuid(Uuid::now_v7())));
            let [lvp, syringe] = models;
            let (lvp, syringe) = (lvp?, syringe?);
            let mut number: usize = 0;
            for (area_name, count) in AREAS {
                let area = db.care_area_ensure(&name(area_name), CareAreaId::from_uuid(Uuid::now_v7()))?;
                let place = db.location_ensure(
                    Some(area),
                    &name("Clean utility"),
                    LocationId::from_uuid(Uuid::now_v7()),
                )?;
                db.ward_floor_set(&WardFloorRecord {
                    care_area: area,
                    model: lvp,
                    keep: if area_name == "NICU" { 6 } else { 3 },
                })?;
                for _ in 0..count {
                    number += 1;
                    let pump = Pump {
                        id: PumpId::from_uuid(Uuid::now_v7()),
                        row_version: 1,
                        content_version: 1,
                        serial: SerialNumber::new(&format!("AM-{:05}", 40_000 + number)).unwrap(),
                        model: if number.is_multiple_of(4) { syringe } else { lvp },
                        asset_tag: Some(AssetTag::new(&format!("BM-{}", 10_000 + number)).unwrap()),
                        udi: None,
                        hardware_id: None,
                        care_area: Some(area),
                        location: Some(place),
                        macs: Vec::new(),
                        components: Vec::new(),
                        hold: None,
                        enrolled_at: now,
                        retired_at: None,
                    };
                    db.pump_create(&pump)?;
                    settle(db, &pump, number, now)?;
                }
            }
            Ok(())
        })
        .unwrap();
}

fn settle(db: &mut Db<'_>, pump: &Pump, number: usize, now: fleet::Timestamp) -> Result<(), StoreError> {
    if !number.is_multiple_of(5) {
        let in_use = !number.is_multiple_of(3);
        db.pump_state_upsert(&[PumpState {
            pump: pump.id,
            reported_at: now,
            received_at: now,
            activity: if in_use {
                Activity::Infusing
            } else {
                Activity::Ready
            },
            patient_attached: in_use,
            rate: None,
            infused: None,
            battery: None,
            on_mains: true,
            signal: None,
            place: None,
            alarm: None,
        }])?;
        db.presence_set(&[PresenceChange {
            pump: pump.id,
            session: 1,
            connected: true,
            at: now,
            peer: None,
            certificate: None,
            end: None,
        }])?;
    }
    if number.is_multiple_of(7) {
        let hold = Hold {
            kind: HoldKind::Clinical,
            reason: Reason::new("The door does not close").unwrap(),
            since: now,
        };
        let id = HoldId::from_uuid(Uuid::now_v7());
        db.hold_create(&HoldRecord::standing(id, pump.id, &hold, Value::Null, None))?;
    }
    Ok(())
}
