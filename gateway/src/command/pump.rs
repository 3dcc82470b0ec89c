//! What people do to a pump: retire it, correct its record, order something of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fleet::{
    Timestamp,
    access::Permission,
    audit::Action,
    certificate::{LATE_RENEWAL_ARMED_FOR, RevocationReason},
    event::EventKind,
    id::PumpId,
    pump::{HoldKind, Pump, SessionEnd, Udi},
    text::{AssetTag, HardwareId, Name, Reason},
};
use serde_json::{Value, json};
use store::{Db, OrderRow, PumpPatch, StoreError};
use wire::message::{Order, OrderBody};

use super::{CommandError, certificate, change::Change, outbox, place};
use crate::{
    app::{Actor, App},
    deed::Deed,
    mqtt::Down,
    pki::gate::PumpGate,
};

static TURN: Mutex<()> = Mutex::new(());

/// What is committed reaches gate and pump in the order in which it was committed: a milder hold that was first can not come
/// second at the gate, nor an order that was first reach the pump after it was sequestered.
pub(crate) fn in_turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a command is between its commit and the pump.
#[cfg(test)]
pub(crate) fn turn_is_taken() -> bool {
    TURN.try_lock().is_err()
}

/// The gate first, then the connection.
pub(crate) fn enforce(app: &App, id: PumpId, hold: Option<HoldKind>, retired: bool) {
    app.gate.set_pump(id, hold, retired);
    if retired || !hold.is_none_or(HoldKind::may_connect) {
        app.link.close(id, SessionEnd::Denied);
    }
}

/// The gate and the connections of pumps become what the record says of them.
pub(crate) fn enforce_on_record(app: &App, ids: &[PumpId]) -> Result<(), StoreError> {
    let _turn = in_turn();
    for id in ids {
        let pump = app.store.read(|db| db.pump_fetch(*id))?;
        enforce(
            app,
            *id,
            pump.hold.map(|hold| hold.kind),
            pump.retired_at.is_some(),
        );
    }
    Ok(())
}

/// A refusal for what stands already makes sure that it does: the call that committed it may have lost the database's answer,
/// and have told nobody.
pub(super) fn enforce_standing(app: &App, id: PumpId, refusal: &CommandError) -> Result<(), CommandError> {
    if !matches!(
        refusal,
        CommandError::AlreadyHeld { .. } | CommandError::Retired { .. }
    ) {
        return Ok(());
    }
    let (pump, certificates) = app
        .store
        .read(|db| Ok((db.pump_fetch(id)?, db.certificate_of_pump(id)?)))?;
    let on_record = PumpGate {
        hold: pump.hold.map(|hold| hold.kind),
        retired: pump.retired_at.is_some(),
    };
    if app.gate.pump(id) != on_record {
        enforce(app, id, on_record.hold, on_record.retired);
    }
    for certificate in &certificates {
        if let Some((at, reason)) = certificate.revoked {
            app.gate.revoke(&[certificate.fingerprint], reason, at);
        }
    }
    if pump.retired_at.is_some() {
        let authorities = certificates.iter().map(|certificate| certificate.authority);
        certificate::publish(app, authorities, app.now());
    }
    Ok(())
}

/// Sends an order unless the gate knows of something that forbids it; it then waits on record.
pub(crate) fn deliver(app: &App, id: PumpId, order: Order) {
    let gate = app.gate.pump(id);
    if !gate.retired && gate.hold.is_none_or(HoldKind::may_be_ordered) {
        app.link.deliver(id, Down::Order(order));
    }
}

/// A pump leaves the hospital for good: its certificates are revoked and its connection is closed. Its record stays.
///
/// # Errors
/// [`CommandError::Retired`] when it left before.
pub fn retire(app: &App, actor: &Actor, id: PumpId, reason: &Reason) -> Result<(), CommandError> {
    const WHY: RevocationReason = RevocationReason::CessationOfOperation;
    let change = Change::by(actor, app, Permission::PumpRetire);
    let _turn = in_turn();
    let retired = change.commit(|db| {
        let pump = in_use(db, id)?;
        db.pump_retire(id, change.now)?;
        outbox::withdraw(db, id, change.now)?;
        let deed = Deed::of(Action::PumpRetired, "pump", id)
            .before(json!({ "hold": pump.hold.as_ref().map(|hold| hold.kind) }))
            .because(reason);
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::PumpRetired,
            Some(id),
            format_args!("pump retired: {reason}"),
        )?;
        let words = format!("pump retired: {reason}");
        let revoked = certificate::revoke_all(&change, db, id, WHY, &words)?;
        Ok((revoked, pump.hold.map(|hold| hold.kind)))
    });
    let (revoked, hold) = retired.or_else(|refusal| {
        enforce_standing(app, id, &refusal)?;
        Err(refusal)
    })?;
    certificate::deny(app, &revoked, WHY, change.now);
    enforce(app, id, hold, true);
    certificate::publish(
        app,
        revoked.iter().map(|certificate| certificate.authority),
        change.now,
    );
    Ok(())
}

/// What an edit changes; nothing where it leaves a field alone, and nothing inside where it clears one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    pub asset_tag: Option<Option<AssetTag>>,
    pub udi: Option<Option<Udi>>,
    /// By name. A name that is not on record becomes a new care area.
    pub care_area: Option<Option<Name>>,
    /// By name, within the care area that the pump then has.
    pub location: Option<Option<Name>>,
    pub hardware_id: Option<Option<HardwareId>>,
}

/// Corrects a pump's record.
///
/// # Errors
/// [`CommandError::Stale`] when it was changed since version `seen`.
pub fn edit(app: &App, actor: &Actor, id: PumpId, seen: i64, edit: Edit) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::PumpEdit);
    change.commit(|db| {
        let pump = in_use(db, id)?;
        if pump.row_version != seen {
            return Err(CommandError::Stale {
                seen,
                current: pump.row_version,
            });
        }
        let fields = edited_fields(&edit);
        if fields.is_empty() {
            return Ok(());
        }
        let care_area = match edit.care_area {
            None => None,
            Some(None) => Some(None),
            Some(Some(name)) => Some(Some(place::care_area_ensure(&change, db, &name)?)),
        };
        let location = match edit.location {
            None => None,
            Some(None) => Some(None),
            Some(Some(name)) => {
                let within = care_area.unwrap_or(pump.care_area);
                Some(Some(place::location_ensure(&change, db, within, &name)?))
            }
        };
        let patch = PumpPatch {
            asset_tag: edit.asset_tag,
            udi: edit.udi,
            care_area,
            location,
            hardware_id: edit.hardware_id,
        };
        db.pump_detail_update(id, seen, &patch)?;
        let deed = Deed::of(Action::PumpEdited, "pump", id)
            .before(particulars(&pump))
            .after(particulars(&db.pump_fetch(id)?));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::PumpEdited,
            Some(id),
            format_args!("edited: {fields}"),
        )
    })
}

/// What a person may correct, as the audit trail keeps it.
fn particulars(pump: &Pump) -> Value {
    json!({
        "asset_tag": pump.asset_tag,
        "udi": pump.udi.as_ref().map(ToString::to_string),
        "care_area": pump.care_area,
        "location": pump.location,
        "hardware_id": pump.hardware_id,
    })
}

fn edited_fields(edit: &Edit) -> String {
    let Edit {
        asset_tag,
        udi,
        care_area,
        location,
        hardware_id,
    } = edit;
    [
        asset_tag.as_ref().map(|_| "asset tag"),
        udi.as_ref().map(|_| "UDI"),
        care_area.as_ref().map(|_| "care area"),
        location.as_ref().map(|_| "location"),
        hardware_id.as_ref().map(|_| "hardware id"),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}

/// What a person may order of a pump by itself; a hold orders what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Send an inventory report now.
    ReportInventory,
    /// Renew the certificate now.
    RenewCertificate,
}

impl From<Errand> for OrderBody {
    fn from(errand: Errand) -> Self {
        match errand {
            Errand::ReportInventory => Self::ReportInventory,
            Errand::RenewCertificate => Self::RenewCertificate,
        }
    }
}

/// Orders something of a pump: at once if it is connected, else when it comes back. An older order of the same kind that
/// was not delivered yet is superseded.
///
/// # Errors
/// [`CommandError::HoldForbidsOrders`], [`CommandError::Retired`].
pub fn order(app: &App, actor: &Actor, id: PumpId, errand: Errand) -> Result<OrderRow, CommandError> {
    let change = Change::by(actor, app, Permission::PumpOrder);
    let _turn = in_turn();
    let (order, row) = change.commit(|db| {
        let pump = in_use(db, id)?;
        if let Some(standing) = pump
            .hold
            .map(|hold| hold.kind)
            .filter(|kind| !kind.may_be_ordered())
        {
            return Err(CommandError::HoldForbidsOrders { standing });
        }
        let order = outbox::give(db, id, errand.into(), change.now)?;
        let deed = Deed::of(Action::OrderGiven, "pump", id)
            .after(json!({ "order": order.id, "kind": order.body.kind() }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::OrderGiven,
            Some(id),
            format_args!("ordered: {}", order.body.kind()),
        )?;
        let row = outbox::row(id, &order)?;
        Ok((order, row))
    })?;
    deliver(app, id, order);
    Ok(row)
}

/// Lets a pump whose certificate has expired renew it once, for some days.
///
/// # Errors
/// [`CommandError::Retired`].
pub fn late_renewal_arm(app: &App, actor: &Actor, id: PumpId) -> Result<Timestamp, CommandError> {
    let change = Change::by(actor, app, Permission::LateRenewalArm);
    let until = change.now + LATE_RENEWAL_ARMED_FOR;
    change.commit(|db| {
        in_use(db, id)?;
        db.late_renewal_arm(id, until)?;
        let deed = Deed::of(Action::LateRenewalArmed, "pump", id).after(json!({ "until": until }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::LateRenewalArmed,
            Some(id),
            format_args!("late renewal until {until}"),
        )
    })?;
    Ok(until)
}

/// A pump that has not left for good.
pub(super) fn in_use(db: &mut Db<'_>, id: PumpId) -> Result<Pump, CommandError> {
    let pump = db.pump_fetch(id)?;
    match pump.retired_at {
        Some(at) => Err(CommandError::Retired { on: at.date_naive() }),
        None => Ok(pump),
    }
}
