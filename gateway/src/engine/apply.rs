//! What a group changes on record. Everything here runs inside the one transaction of the group.

use fleet::{
    Timestamp,
    audit::Action,
    event::{Event, EventKind},
    id::{EventId, PumpId},
    inventory::{KnownIdentity, ReportedIdentity, compare},
    pump::{Component, InstalledLibrary, MacAddress, Udi},
    text::SerialNumber,
};
use serde_json::{Value, json};
use store::{Db, PumpSoftware, Recorded, ReportRow, StoreError};
use wire::message::{InventoryReport, OrderOutcome, OrderResult, Report, ReportBody};

use super::{
    group::{Group, ReceivedReport},
    rollout::report::{Consequences, Reading},
};
use crate::{deed::Deed, fresh};

/// Writes everything of a group but its reports.
pub(super) fn apply_signals(db: &mut Db<'_>, group: &Group) -> Result<(), StoreError> {
    if !group.presence.is_empty() {
        db.presence_set(&group.presence)?;
    }
    if !group.used.is_empty() {
        db.certificate_mark_used(&group.used)?;
    }
    if !group.samples.is_empty() {
        db.telemetry_insert(&group.samples)?;
        db.pump_state_upsert(&group.latest())?;
    }
    if !group.heard.is_empty() {
        let heard: Vec<_> = group.heard.iter().map(|(pump, at)| (*pump, *at)).collect();
        db.last_seen_set(&heard)?;
    }
    for (order, at) in &group.delivered {
        match db.order_delivered(*order, *at) {
            // Nothing waits for an order that is not on record.
            Ok(()) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let alarms: Vec<_> = group
        .alarms
        .iter()
        .map(|(pump, kind, at, detail)| event(*at, *kind, *pump, detail.clone()))
        .collect();
    db.event_record(&alarms)
}

/// Writes a report and what follows from it. A report that is on record already changes nothing.
pub(super) fn apply_report(
    db: &mut Db<'_>,
    received: &ReceivedReport,
    consequences: &mut Consequences,
) -> Result<(), StoreError> {
    let ReceivedReport {
        pump,
        report,
        received_at,
    } = received;
    let last = db.report_last_seq(*pump)?.unwrap_or(0);
    let numbered = match Numbered::of(last, report.seq) {
        Numbered::InOrder(seq) if seq <= last && db.report_bears(*pump, seq, report.id)? => {
            Numbered::Again(seq)
        }
        other => other,
    };
    let recorded = db.report_record(&ReportRow {
        pump: *pump,
        id: report.id,
        seq: numbered.on_record(),
        at: report.at,
        received_at: *received_at,
        kind: kind(&report.body).to_owned(),
        body: serde_json::to_value(cleaned(&report.body)).unwrap_or_default(),
    })?;
    match recorded {
        Recorded::Duplicate => return Ok(()),
        Recorded::New => {}
    }
    if let Some(detail) = numbered.contradiction(last, report) {
        db.event_record(&[event(*received_at, EventKind::ReportGap, *pump, detail)])?;
    }
    let mut reading = Reading {
        pump: *pump,
        sequence: u64::try_from(numbered.on_record()).unwrap_or_default(),
        is_late: numbered.is_late(last),
        now: *received_at,
        consequences,
    };
    match &report.body {
        ReportBody::Inventory(inventory) => {
            let known = db.pump_fetch(*pump)?.components;
            apply_inventory(db, *pump, inventory, *received_at)?;
            reading.inventory(db, &known, &inventory.components)
        }
        ReportBody::OrderResult(result) => apply_order_result(db, *pump, result, *received_at),
        ReportBody::Update(update) => reading.update(db, update),
        ReportBody::Proof { signed } => reading.proof(db, signed),
        ReportBody::Retest { signed } => reading.retest(db, signed),
    }
}

/// A number further than this from the last one is no gap. A pump that reports every minute needs two years for so many.
const FARTHEST: i64 = 1_000_000;

/// What the number of a report says beside the highest one on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbered {
    /// The next, or one that comes late or was counted anew: nothing is missing that was not missed before.
    InOrder(i64),
    /// Those between are missing.
    AfterGap(i64),
    /// Another report bears it: the pump's memory was put back to what it was, or somebody reports in its name.
    Again(i64),
    /// No count of reports comes to this. Believed, it would hide every gap to come.
    NotBelieved,
}

impl Numbered {
    fn of(last: i64, seq: u64) -> Self {
        match i64::try_from(seq) {
            Ok(seq) if seq > 0 && seq <= last.saturating_add(1) => Self::InOrder(seq),
            Ok(seq) if seq > 0 && seq - last <= FARTHEST => Self::AfterGap(seq),
            Ok(_) | Err(_) => Self::NotBelieved,
        }
    }

    /// The number that is kept: 0, which is below every other, where there is none.
    const fn on_record(self) -> i64 {
        match self {
            Self::InOrder(seq) | Self::AfterGap(seq) | Self::Again(seq) => seq,
            Self::NotBelieved => 0,
        }
    }

    /// Whether newer reports were here before it. What is numbered as no sound pump numbers is taken for the newest: otherwise a
    /// number would be all it takes to keep from being heard.
    const fn is_late(self, last: i64) -> bool {
        match self {
            Self::InOrder(seq) => seq <= last,
            Self::AfterGap(_) | Self::Again(_) | Self::NotBelieved => false,
        }
    }

    /// What to tell people, if anything.
    fn contradiction(self, last: i64, report: &Report) -> Option<String> {
        match self {
            Self::InOrder(_) | Self::Again(_) => None,
            Self::AfterGap(seq) => Some(match (last + 1, seq - 1) {
                (from, to) if from == to => format!("number {from} never arrived"),
                (from, to) => format!("numbers {from} to {to} never arrived"),
            }),
            Self::NotBelieved => Some(format!(
                "report {} bears the number {} and the last was {last}: its number is not believed, its content is kept",
                report.id, report.seq
            )),
        }
    }
}

/// The body as it is kept. A UDI may come with a scanner's control characters, or be no UDI at all: it is kept in its
/// printed form, or not.
fn cleaned(body: &ReportBody) -> ReportBody {
    match body {
        ReportBody::Inventory(inventory) => ReportBody::Inventory(InventoryReport {
            udi: udi(inventory).map(|udi| udi.to_string()),
            ..inventory.clone()
        }),
        ReportBody::OrderResult(_)
        | ReportBody::Update(_)
        | ReportBody::Proof { .. }
        | ReportBody::Retest { .. } => body.clone(),
    }
}

fn udi(inventory: &InventoryReport) -> Option<Udi> {
    inventory.udi.as_deref()?.parse().ok()
}

const fn kind(body: &ReportBody) -> &'static str {
    match body {
        ReportBody::Inventory(_) => "inventory",
        ReportBody::OrderResult(_) => "order_result",
        ReportBody::Update(_) => "update",
        ReportBody::Proof { .. } => "proof",
        ReportBody::Retest { .. } => "retest",
    }
}

fn apply_inventory(
    db: &mut Db<'_>,
    pump: PumpId,
    reported: &InventoryReport,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = db.pump_fetch(pump)?;
    let macs = sorted(reported.macs.clone());
    let components = sorted(reported.components.clone());
    let shared_with = mac_shared_with(db, pump, &macs)?;
    let findings = compare(
        &KnownIdentity {
            serial: &known.serial,
            macs: &known.macs,
            components: &known.components,
        },
        &ReportedIdentity {
            serial: &reported.serial,
            macs: &macs,
            components: &components,
            mac_shared_with: shared_with.as_ref(),
        },
    );
    // The one from the hospital's list stays.
    let udi = if known.udi.is_some() { None } else { udi(reported) };
    db.pump_inventory_set(
        pump,
        &macs,
        &components,
        Some(&reported.hardware_id),
        udi.as_ref(),
    )?;
    db.pump_software_set(pump, &software(reported))?;
    for finding in &findings {
        let action = match finding.kind {
            EventKind::ComponentsChanged => Action::ComponentsChanged,
            _ => Action::IdentityConflict,
        };
        let mut deed = Deed::of(action, "pump", pump).after(match action {
            Action::ComponentsChanged => versions(&components),
            _ => json!({ "what": finding.detail }),
        });
        if action == Action::ComponentsChanged {
            deed = deed.before(versions(&known.components));
        }
        db.audit_append(deed.by_pump(pump, now))?;
    }
    let events: Vec<_> = findings
        .into_iter()
        .map(|finding| event(now, finding.kind, pump, finding.detail))
        .collect();
    db.event_record(&events)
}

fn software(reported: &InventoryReport) -> PumpSoftware {
    PumpSoftware {
        counter: reported.counter,
        other_counter: reported.software.and_then(|software| software.other_counter),
        library: reported.drug_library.as_ref().map(|library| InstalledLibrary {
            name: library.name.clone(),
            version: library.version.clone(),
        }),
        modules: reported
            .modules
            .iter()
            .map(|module| module.name.clone())
            .collect(),
    }
}

/// A firmware set, as the audit trail keeps it.
fn versions(components: &[Component]) -> Value {
    let versions = components
        .iter()
        .map(|part| (part.name.to_string(), json!(part.version)));
    Value::Object(versions.collect())
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items.dedup();
    items
}

/// Another pump that is known by one of these addresses.
fn mac_shared_with(
    db: &mut Db<'_>,
    pump: PumpId,
    macs: &[MacAddress],
) -> Result<Option<SerialNumber>, StoreError> {
    for mac in macs {
        if let Some(other) = db.pump_by_mac(*mac)?.into_iter().find(|other| *other != pump) {
            return Ok(Some(db.pump_fetch(other)?.serial));
        }
    }
    Ok(None)
}

fn apply_order_result(
    db: &mut Db<'_>,
    pump: PumpId,
    result: &OrderResult,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = db.order_outcome(
        result.order,
        pump,
        result.outcome.as_str(),
        result.reason.as_ref(),
        now,
    )?;
    let deed = Deed::of(Action::OrderAnswered, "order", result.order).after(json!({
        "outcome": result.outcome.as_str(),
        "reason": result.reason,
        "known": known,
    }));
    db.audit_append(deed.by_pump(pump, now))?;
    let why = result
        .reason
        .as_ref()
        .map_or("no reason given", |reason| reason.as_str());
    let detail = match (known, result.outcome) {
        (true, OrderOutcome::Done | OrderOutcome::WhenFree) => return Ok(()),
        (true, OrderOutcome::Refused) => format!("order {}: {why}", result.order),
        (false, _) => format!(
            "answers order {}, which was never given to it: {why}",
            result.order
        ),
    };
    db.event_record(&[event(now, EventKind::OrderRefused, pump, detail)])
}

fn event(at: Timestamp, kind: EventKind, pump: PumpId, detail: String) -> Event {
    Event {
        id: EventId::from_uuid(fresh::uuid(at)),
        at,
        kind,
        pump: Some(pump),
        detail,
    }
}

#[cfg(test)]
mod tests;
