//! Records for tests: every id is a number, every time an offset from one instant.

use chrono::{DateTime, TimeDelta};
use fleet::{
    Timestamp,
    certificate::{AuthorityKind, AuthorityState, CertificateRecord, Fingerprint, SerialHex},
    event::{Event, EventKind},
    id::{
        AccountId, AuthorityId, CareAreaId, CheckResultId, EventId, ExpectedPumpId, HoldId, LocationId,
        ManufacturerId, ModelId, OrderId, PumpId, ReportId, RetestId, SignatureId,
    },
    inventory::ExpectedPump,
    pump::{Activity, Component, Hold, HoldKind, Pump, PumpState},
    text::{AssetTag, Name, Reason, SerialNumber},
    unit::{BatteryPercent, Millilitres, MillilitresPerHour, SignalDbm},
};
use store::{AuthorityRecord, HoldRecord, OrderRow, ReportRow, Store, StoreError};
use uuid::Uuid;

/// Text that breaks what is careless: quotes, separators, emoji, a formula, wildcards, a letter of two code points.
pub(crate) const STRANGE: [&str; 7] = [
    "O'Brien; DROP TABLE pumps;--",
    "a,\"b\",c",
    "Ünit 💉 4",
    "=cmd|' /C calc'!A0",
    "100%_\\ full",
    "e\u{301}tage",
    "$1 ? :name {0}",
];

/// So many seconds after the instant at which tests begin.
pub(crate) fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 123_456_000).unwrap() + TimeDelta::seconds(seconds)
}

macro_rules! ids {
    ($($name:ident: $type:ident;)+) => {$(
        pub(crate) fn $name(number: u128) -> $type {
            $type::from_uuid(Uuid::from_u128(number))
        }
    )+};
}

ids! {
    pump_id: PumpId;
    manufacturer_id: ManufacturerId;
    model_id: ModelId;
    care_area_id: CareAreaId;
    location_id: LocationId;
    authority_id: AuthorityId;
    expected_id: ExpectedPumpId;
    event_id: EventId;
    order_id: OrderId;
    report_id: ReportId;
    hold_id: HoldId;
    retest_id: RetestId;
    account_id: AccountId;
    check_result_id: CheckResultId;
    signature_id: SignatureId;
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn serial(text: &str) -> SerialNumber {
    SerialNumber::new(text).unwrap()
}

pub(crate) fn tag(text: &str) -> AssetTag {
    AssetTag::new(text).unwrap()
}

pub(crate) fn component(name: &str, version: &str) -> Component {
    Component {
        name: name.parse().unwrap(),
        version: version.parse().unwrap(),
    }
}

pub(crate) fn digest(number: u8) -> Fingerprint {
    Fingerprint::from_digest([number; 32])
}

/// One manufacturer and one model, of which every pump here is.
pub(crate) fn make_model(store: &Store) -> ModelId {
    store
        .write(|db| {
            let maker = db.manufacturer_ensure(&name("Acme"), manufacturer_id(1))?;
            db.model_ensure(maker, &name("Infusor 3"), model_id(1))
        })
        .unwrap()
}

/// A pump of that model, with nothing that is optional.
pub(crate) fn pump(number: u128) -> Pump {
    Pump {
        id: pump_id(number),
        row_version: 1,
        content_version: 1,
        serial: serial(&format!("SN-{number:05}")),
        model: model_id(1),
        asset_tag: None,
        udi: None,
        hardware_id: None,
        care_area: None,
        location: None,
        macs: Vec::new(),
        components: Vec::new(),
        hold: None,
        enrolled_at: at(0),
        retired_at: None,
    }
}

/// A hold on a pump, by a rule.
pub(crate) fn held(number: u128, pump: u128, kind: HoldKind, since: i64) -> HoldRecord {
    let hold = Hold {
        kind,
        reason: Reason::new("because").unwrap(),
        since: at(since),
    };
    let evidence = serde_json::json!({ "said": STRANGE });
    HoldRecord::standing(hold_id(number), pump_id(pump), &hold, evidence, None)
}

/// Makes the model and so many pumps, numbered from 1.
pub(crate) fn make_pumps(store: &Store, count: u128) {
    make_model(store);
    store
        .write(|db| (1..=count).try_for_each(|number| db.pump_create(&pump(number))))
        .unwrap();
}

pub(crate) fn expected(number: u128) -> ExpectedPump {
    ExpectedPump {
        id: expected_id(number),
        serial: serial(&format!("SN-{number:05}")),
        model: model_id(1),
        asset_tag: None,
        udi: None,
        hardware_id: None,
        macs: Vec::new(),
        care_area: None,
        location: None,
        listed_at: at(0),
    }
}

/// A state of a pump that was received so many seconds in; everything that is optional is there.
pub(crate) fn state(number: u128, seconds: i64) -> PumpState {
    PumpState {
        pump: pump_id(number),
        reported_at: at(seconds - 2),
        received_at: at(seconds),
        activity: Activity::Infusing,
        patient_attached: true,
        rate: Some(MillilitresPerHour::new(125.5).unwrap()),
        infused: Some(Millilitres::new(0.1).unwrap()),
        battery: Some(BatteryPercent::new(99.0).unwrap()),
        on_mains: false,
        signal: Some(SignalDbm::new(-67.0).unwrap()),
        place: Some(name("AP 4 West")),
        alarm: Some(name("air_in_line")),
    }
}

pub(crate) fn authority(number: u128, kind: AuthorityKind, generation: i32) -> AuthorityRecord {
    AuthorityRecord {
        id: authority_id(number),
        kind,
        generation,
        state: AuthorityState::Active,
        subject: format!("CN=Test {} {generation}", kind.as_str()),
        certificate_der: vec![0x30, 0x82, 0x00],
        key_name: format!("{}-{generation}", kind.as_str()),
        not_before: at(0),
        not_after: at(1_000_000),
        created_at: at(0),
    }
}

/// Makes the model, a Device CA numbered 1 and so many pumps.
pub(crate) fn make_registry(store: &Store, pumps: u128) {
    make_pumps(store, pumps);
    store
        .write_durable(|db| db.authority_create(&authority(1, AuthorityKind::Device, 1)))
        .unwrap();
}

/// A certificate whose fingerprint, key and serial number follow from its number.
pub(crate) fn certificate(number: u8, pump: u128) -> CertificateRecord {
    CertificateRecord {
        fingerprint: digest(number),
        serial: SerialHex::from_bytes(&[0xC0, 0xFF, 0xEE, 0, 0, number]),
        pump: pump_id(pump),
        authority: authority_id(1),
        key: digest(number.wrapping_add(100)),
        not_before: at(0),
        not_after: at(90_000),
        issued_at: at(i64::from(number)),
        first_used_at: None,
        revoked: None,
    }
}

pub(crate) fn event(number: u128, kind: EventKind, pump: Option<u128>, seconds: i64) -> Event {
    Event {
        id: event_id(number),
        at: at(seconds),
        kind,
        pump: pump.map(pump_id),
        detail: format!("event {number}"),
    }
}

pub(crate) fn order(number: u128, pump: u128, kind: &str, seconds: i64) -> OrderRow {
    OrderRow {
        id: order_id(number),
        pump: pump_id(pump),
        at: at(seconds),
        kind: kind.to_owned(),
        body: serde_json::json!({ "kind": kind }),
        delivered_at: None,
        outcome: None,
        outcome_at: None,
        reason: None,
    }
}

pub(crate) fn report(number: u128, pump: u128, seq: i64) -> ReportRow {
    ReportRow {
        pump: pump_id(pump),
        id: report_id(number),
        seq,
        at: at(seq),
        received_at: at(seq + 1),
        kind: "inventory".to_owned(),
        body: serde_json::json!({ "kind": "inventory", "text": STRANGE, "n": 1.5 }),
    }
}

/// Asks for all pages of a list, `limit` items at a time, and says how many pages there were.
pub(crate) fn all_pages<T>(
    limit: u32,
    mut page: impl FnMut(Option<&str>, u32) -> Result<store::Page<T>, StoreError>,
) -> (Vec<T>, usize) {
    let mut items = Vec::new();
    let mut pages = 0;
    let mut after: Option<String> = None;
    loop {
        let next = page(after.as_deref(), limit).unwrap();
        assert!(next.items.len() <= limit as usize);
        items.extend(next.items);
        pages += 1;
        match next.next {
            Some(marker) => after = Some(marker),
            None => return (items, pages),
        }
    }
}
