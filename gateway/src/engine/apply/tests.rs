//! What reports change on record, on a database of their own.

use chrono::DateTime;
use fleet::{
    id::{ManufacturerId, ModelId, OrderId, ReportId},
    pump::Pump,
    text::Name,
};
use store::{DatabaseUrl, EventFilter, Store};
use uuid::Uuid;
use wire::message::V1;

use super::*;

const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

fn pump() -> PumpId {
    PumpId::from_uuid(Uuid::from_u128(1))
}

/// A database with one pump.
fn store(directory: &tempfile::TempDir) -> Store {
    let store = Store::open(&DatabaseUrl::sqlite(directory.path().join("g.db"))).unwrap();
    store.migrate().unwrap();
    store
        .write(|db| {
            let maker = ManufacturerId::from_uuid(Uuid::from_u128(2));
            let maker = db.manufacturer_ensure(&Name::new("Acme").unwrap(), maker)?;
            let model = ModelId::from_uuid(Uuid::from_u128(3));
            let model = db.model_ensure(maker, &Name::new("Infusor 3").unwrap(), model)?;
            db.pump_create(&Pump {
                id: pump(),
                row_version: 1,
                content_version: 1,
                serial: SerialNumber::new("SN-1").unwrap(),
                model,
                asset_tag: None,
                udi: None,
                hardware_id: None,
                care_area: None,
                location: None,
                macs: Vec::new(),
                components: Vec::new(),
                hold: None,
                enrolled_at: NOW,
                retired_at: None,
            })
        })
        .unwrap();
    store
}

#[test]
fn a_number_that_no_pump_counts_to_hides_no_gap() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let mut reports = 0;
    // Takes a report with this number, and says what people are told about the pump's count.
    let mut told = |seq: u64| {
        reports += 1;
        let received = ReceivedReport {
            pump: pump(),
            report: Report {
                v: V1,
                id: ReportId::from_uuid(Uuid::from_u128(reports)),
                seq,
                at: NOW,
                body: ReportBody::OrderResult(OrderResult {
                    order: OrderId::from_uuid(Uuid::from_u128(9)),
                    outcome: OrderOutcome::Done,
                    reason: None,
                }),
            },
            received_at: NOW,
        };
        let gaps = |store: &Store| {
            let filter = EventFilter {
                kind: Some(EventKind::ReportGap),
                ..EventFilter::default()
            };
            let page = store.read(|db| db.event_list(&filter, None, 100)).unwrap();
            page.items
                .into_iter()
                .map(|listing| listing.event.detail)
                .collect::<Vec<_>>()
        };
        let before = gaps(&store);
        store
            .write(|db| apply_report(db, &received, &mut Consequences::default()))
            .unwrap();
        gaps(&store).into_iter().find(|detail| !before.contains(detail))
    };
    assert_eq!(told(1), None);
    for absurd in [u64::MAX, i64::MAX.unsigned_abs(), 1_000_002, 0] {
        let detail = told(absurd).unwrap();
        assert!(
            detail.contains(&format!("the number {absurd} and the last was 1")),
            "{detail}"
        );
    }
    // The count goes on as if nothing had been said.
    assert_eq!(told(2), None);
    assert_eq!(told(5).as_deref(), Some("numbers 3 to 4 never arrived"));
    assert_eq!(told(7).as_deref(), Some("number 6 never arrived"));
    assert_eq!(told(3), None, "late is not missing");
    assert_eq!(told(8), None);
    let kept = store.read(|db| db.report_list(pump(), 100)).unwrap();
    assert_eq!(kept.len(), 10, "whatever its number, a report is kept");
}

#[test]
fn numbers_are_believed_up_to_a_million_further() {
    let check = |last: i64, seq: u64, expected: Numbered| {
        assert_eq!(Numbered::of(last, seq), expected, "{seq} after {last}");
    };
    check(0, 1, Numbered::InOrder(1));
    check(0, 2, Numbered::AfterGap(2));
    check(0, 1_000_000, Numbered::AfterGap(1_000_000));
    check(0, 1_000_001, Numbered::NotBelieved);
    check(41, 42, Numbered::InOrder(42));
    check(41, 41, Numbered::InOrder(41));
    check(41, 0, Numbered::NotBelieved);
    check(i64::MAX, i64::MAX.unsigned_abs(), Numbered::InOrder(i64::MAX));
    check(i64::MAX, u64::MAX, Numbered::NotBelieved);
}

#[test]
fn only_what_comes_after_newer_reports_is_late() {
    let check = |last: i64, numbered: Numbered, is_late: bool| {
        assert_eq!(numbered.is_late(last), is_late, "{numbered:?} after {last}");
    };
    check(41, Numbered::InOrder(42), false);
    check(41, Numbered::InOrder(41), true);
    check(41, Numbered::InOrder(1), true);
    check(41, Numbered::AfterGap(50), false);
    // A number that was used, or that nobody counts to, silences nobody.
    check(41, Numbered::Again(7), false);
    check(41, Numbered::NotBelieved, false);
}
