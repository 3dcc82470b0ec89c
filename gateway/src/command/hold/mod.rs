//! Holds: setting one, looking after it, testing the pump again, and the way out of it (S4).
//!
//! | part | what it does |
//! |---|---|
//! | [`record`] | a hold goes on record with what was seen, and the pump is told |
//! | [`retest`] | the checks are run again, attempt by attempt |
//! | [`whole`] | a hold with everything that its release stands on: what is signed |
//! | [`release`] | the last signature that was missing lifts it |

pub(crate) mod record;
pub(crate) mod release;
pub mod retest;
pub mod whole;

use fleet::{
    access::Permission,
    audit::Action,
    certificate::RevocationReason,
    event::EventKind,
    id::{AccountId, HoldId, PumpId},
    pump::HoldKind,
    text::Reason,
};
use serde_json::json;
use store::{Db, HoldRecord};

use super::{CommandError, certificate, change::Change, pump};
use crate::{
    app::{Actor, App},
    deed::Deed,
};

/// Why the certificates of an isolated pump are revoked: its keys may be in other hands.
const ISOLATED: RevocationReason = RevocationReason::KeyCompromise;

/// Puts a pump out of use.
///
/// A clinical hold is also an order to the pump, which takes effect when it is free (S10). Isolation revokes its certificates and
/// closes its connection: the way back leads over a new enrolment. Sequestering sends nothing, not even what was waiting.
///
/// # Errors
/// [`CommandError::AlreadyHeld`] unless the new hold is stricter than the standing one; [`CommandError::Retired`].
pub fn set(
    app: &App,
    actor: &Actor,
    id: PumpId,
    kind: HoldKind,
    reason: &Reason,
) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::to_hold(kind));
    let _turn = pump::in_turn();
    let held = change.commit(|db| {
        let pump = pump::in_use(db, id)?;
        change.within(pump.care_area)?;
        let standing = pump.hold.as_ref().map(|hold| hold.kind);
        if let Some(standing) = standing.filter(|standing| !is_stricter(*standing, kind)) {
            return Err(CommandError::AlreadyHeld { standing });
        }
        let order = record::write(
            db,
            actor,
            &record::New {
                pump: id,
                kind,
                reason,
            },
            change.now,
        )?;
        let revoked = match kind {
            HoldKind::SecurityIsolation => {
                certificate::revoke_all(&change, db, id, ISOLATED, &format!("pump isolated: {reason}"))?
            }
            HoldKind::Clinical | HoldKind::Sequestered => Vec::new(),
        };
        Ok((order, revoked))
    });
    let (order, revoked) = held.or_else(|refusal| {
        pump::enforce_standing(app, id, &refusal)?;
        Err(refusal)
    })?;
    certificate::deny(app, &revoked, ISOLATED, change.now);
    pump::enforce(app, id, Some(kind), false);
    certificate::publish(
        app,
        revoked.iter().map(|certificate| certificate.authority),
        change.now,
    );
    if let Some(order) = order {
        pump::deliver(app, id, order);
    }
    app.bell.ring();
    Ok(())
}

/// Whether a hold may take another's place. Every other change would lift something, and that takes signatures (S4).
const fn is_stricter(standing: HoldKind, new: HoldKind) -> bool {
    match (standing, new) {
        (HoldKind::Clinical, HoldKind::SecurityIsolation | HoldKind::Sequestered) => true,
        (HoldKind::Clinical, HoldKind::Clinical)
        | (
            HoldKind::SecurityIsolation | HoldKind::Sequestered,
            HoldKind::Clinical | HoldKind::SecurityIsolation | HoldKind::Sequestered,
        ) => false,
    }
}

/// A hold that has not ended.
pub(super) fn standing(db: &mut Db<'_>, id: HoldId) -> Result<HoldRecord, CommandError> {
    let hold = db.hold_fetch(id)?;
    match hold.ended_at {
        None => Ok(hold),
        Some(at) => Err(CommandError::HoldOver { at }),
    }
}

/// Says who looks after a hold; nobody, where nobody is given.
///
/// # Errors
/// [`CommandError::HoldOver`]; [`CommandError::Store`] when there is no such account.
pub fn owner_set(app: &App, actor: &Actor, id: HoldId, owner: Option<AccountId>) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::HoldEdit);
    change.commit(|db| {
        let hold = standing(db, id)?;
        change.within(db.pump_fetch(hold.pump)?.care_area)?;
        let name = match owner {
            Some(owner) => db.account_fetch(owner)?.printed_name.to_string(),
            None => "nobody".to_owned(),
        };
        db.hold_owner_set(id, hold.row_version, owner)?;
        let deed = Deed::of(Action::HoldOwned, "hold", id)
            .before(json!({ "owner": hold.owner }))
            .after(json!({ "pump": hold.pump, "owner": owner }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::HoldChanged,
            Some(hold.pump),
            format_args!("looked after by {name}"),
        )
    })
}

/// Evidence is evidence no longer. The pump is then held clinically: only a retest and two signatures bring it back to a patient.
///
/// # Errors
/// [`CommandError::NotSequestered`], [`CommandError::HoldOver`], [`CommandError::Retired`].
pub fn sequester_end(app: &App, actor: &Actor, id: HoldId, reason: &Reason) -> Result<(), CommandError> {
    const KIND: HoldKind = HoldKind::Clinical;
    let change = Change::by(actor, app, Permission::SequesterEnd);
    if actor.account().is_none() {
        return Err(CommandError::OnlyAPerson);
    }
    let _turn = pump::in_turn();
    let (pump, order) = change.commit(|db| {
        let hold = standing(db, id)?;
        if hold.kind != HoldKind::Sequestered {
            return Err(CommandError::NotSequestered { standing: hold.kind });
        }
        let pump = pump::in_use(db, hold.pump)?;
        change.within(pump.care_area)?;
        let new = record::New {
            pump: pump.id,
            kind: KIND,
            reason,
        };
        let order = record::write(db, actor, &new, change.now)?;
        let deed = Deed::of(Action::SequesterEnded, "hold", id)
            .after(json!({ "pump": pump.id, "hold": KIND }))
            .because(reason);
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::HoldChanged,
            Some(pump.id),
            format_args!("no longer sequestered, still held: {reason}"),
        )?;
        Ok((pump.id, order))
    })?;
    pump::enforce(app, pump, Some(KIND), false);
    if let Some(order) = order {
        pump::deliver(app, pump, order);
    }
    app.bell.ring();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_no_hold_takes_the_place_of_one_that_only_signatures_lift() {
        for standing in HoldKind::ALL {
            for new in HoldKind::ALL {
                let expected = standing == HoldKind::Clinical && new != HoldKind::Clinical;
                assert_eq!(is_stricter(standing, new), expected, "{standing:?} → {new:?}");
            }
        }
    }
}
