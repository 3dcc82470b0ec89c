//! What a pump says of an update, put into the terms of the rules, and what they make of it. Runs inside the transaction that
//! keeps the report.

use fleet::{
    Timestamp,
    audit::Action,
    event::{Event, EventKind},
    id::{AssignmentId, CheckResultId, EventId, PumpId},
    pump::Component,
    rollout::{
        Change, HeldBecause, PumpReport, PumpSays, Tracked, VersionSet, apply,
        state::{AssignmentEvent, AssignmentState},
        unexplained,
    },
};
use serde_json::{Value, json};
use store::{AssignmentRecord, CheckRecord, Db, StoreError};
use wire::{
    envelope::Sealed,
    message::{UpdateReport, UpdateStage},
    proof::Proof,
};

use super::{
    check,
    facts::{self, corrupt},
    hold,
};
use crate::{
    deed::Deed,
    firmware::proof::{self, OfPump},
    fresh,
};

/// What is to be done once the transaction stands.
#[derive(Debug, Default)]
pub(crate) struct Consequences {
    /// Pumps whose hold changed.
    pub(crate) held: Vec<PumpId>,
    /// Whether a rollout may wait for what was said.
    pub(crate) moved: bool,
}

impl Consequences {
    /// Takes those of another transaction in.
    pub(crate) fn add(&mut self, other: Self) {
        self.held.extend(other.held);
        self.moved |= other.moved;
    }
}

/// The most results that are kept of one update. A retest is one; nobody needs as many.
pub(super) const RESULTS_MAX: usize = 200;

/// A report by a pump that is being read.
pub(crate) struct Reading<'a> {
    pub(crate) pump: PumpId,
    /// The pump's number of the report.
    pub(crate) sequence: u64,
    /// Whether newer reports were here before it.
    pub(crate) is_late: bool,
    pub(crate) now: Timestamp,
    pub(crate) consequences: &'a mut Consequences,
}

impl Reading<'_> {
    /// A report of kind `update`.
    pub(crate) fn update(&mut self, db: &mut Db<'_>, report: &UpdateReport) -> Result<(), StoreError> {
        let ticket = report.ticket;
        let words = || {
            let refusal = report.refusal.map(|refusal| refusal.as_str().to_owned());
            let reason = report.reason.as_ref().map(ToString::to_string);
            let text: Vec<_> = refusal.into_iter().chain(reason).collect();
            fleet::text::Reason::new(&text.join(": ")).ok()
        };
        let says = match report.stage {
            UpdateStage::Staged => PumpSays::Staged { ticket },
            UpdateStage::DownloadFailed => PumpSays::DownloadFailed {
                ticket,
                words: words(),
            },
            UpdateStage::Refused => PumpSays::Refused {
                ticket,
                words: words(),
            },
            UpdateStage::TicketReturned => PumpSays::TicketReturned { ticket },
            UpdateStage::Activating => PumpSays::Activating { ticket },
            UpdateStage::TrialBoot => PumpSays::Restarted { trial: true },
            UpdateStage::ChecksBegun => PumpSays::ChecksBegun,
            UpdateStage::RolledBack => PumpSays::RolledBack,
        };
        let Some(assignment) = tracked(db, self.pump)? else {
            let what = format!("reports an update that nobody ordered: {}", report.stage.as_str());
            self.strange(db, &what)?;
            return match report.stage {
                UpdateStage::Activating | UpdateStage::TrialBoot | UpdateStage::RolledBack => {
                    self.hold(db, HeldBecause::InstalledUnasked)
                }
                UpdateStage::Staged
                | UpdateStage::DownloadFailed
                | UpdateStage::Refused
                | UpdateStage::TicketReturned
                | UpdateStage::ChecksBegun => Ok(()),
            };
        };
        self.says(db, &assignment, says, false)
    }

    /// A report of kind `proof`: verified with the key of a certificate of the pump, kept as it was signed.
    pub(crate) fn proof(&mut self, db: &mut Db<'_>, signed: &Sealed) -> Result<(), StoreError> {
        let proof: Proof = match self.verified(db, signed)? {
            Ok(proof) => proof,
            Err(why) => return self.strange(db, &format!("its proof is not believed: {why}")),
        };
        let assignment = tracked(db, self.pump)?.filter(|assignment| assignment.ticket == Some(proof.ticket));
        let Some(assignment) = assignment else {
            return self.strange(
                db,
                &format!("proves an update under ticket {}, which it has not", proof.ticket),
            );
        };
        if db.check_result_of(&[assignment.id])?.len() >= RESULTS_MAX {
            return self.strange(db, "proves itself more often than anybody asks");
        }
        let result = CheckResultId::from_uuid(fresh::uuid(self.now));
        db.check_result_create(&CheckRecord {
            id: result,
            assignment: assignment.id,
            attempt: 1,
            at: self.now,
            account: None,
            body: serde_json::to_value(&proof.results).map_err(|error| corrupt("keep a proof", error))?,
            envelope: Some(sealed_text(signed)),
        })?;
        let assignment = db.assignment_fetch(assignment.id)?;
        let deed = Deed::of(Action::CheckReported, "assignment", assignment.id).after(json!({
            "result": result,
            "ticket": proof.ticket,
            "counter": proof.counter,
            "components": proof.components,
            "results": proof.results,
        }));
        db.audit_append(deed.by_pump(self.pump, self.now))?;
        self.consequences.moved = true;
        let release = facts::release_of(db, &assignment)?;
        if proof.counter < release.manifest.security.counter {
            return self.fails(db, &assignment, HeldBecause::WrongVersions);
        }
        match VersionSet::new(proof.components) {
            Ok(versions) => self.says(db, &assignment, PumpSays::Proof(versions), true)?,
            Err(error) => self.strange(db, &error.to_string())?,
        }
        self.judge_anew(db, assignment.id, &release)
    }

    /// A check that fails after a nurse signed holds the pump all the same (S4).
    fn judge_anew(
        &mut self,
        db: &mut Db<'_>,
        id: AssignmentId,
        release: &facts::Release,
    ) -> Result<(), StoreError> {
        let row = db.assignment_fetch(id)?;
        if row.state != AssignmentState::InService {
            return Ok(());
        }
        let results = db.check_result_of(&[id])?;
        let deadline = facts::spec_of(&db.rollout_fetch(row.rollout)?)?
            .limits
            .complete()
            .check_deadline;
        let asked = check::Asked {
            manifest: &release.manifest,
            library: check::approved_library(db, row.pump)?,
            deadline,
        };
        match check::evaluation(&row, &asked, &results, self.now) {
            Some(evaluation) if evaluation.outcome.holds() => {
                self.fails(db, &row, HeldBecause::Checks(evaluation.outcome))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// An assignment is a failure, whatever it was, and its pump is held.
    fn fails(&mut self, db: &mut Db<'_>, row: &AssignmentRecord, why: HeldBecause) -> Result<(), StoreError> {
        if let Ok(to) = row.state.transition(AssignmentEvent::Failed) {
            let deed = Deed::of(Action::UpdateReported, "assignment", row.id)
                .before(json!({ "state": row.state }))
                .after(json!({ "state": to, "event": AssignmentEvent::Failed.as_str() }));
            db.audit_append(deed.by_pump(self.pump, self.now))?;
            let wanted = AssignmentRecord {
                state: to,
                since: self.now,
                versions_proved: false,
                ..row.clone()
            };
            db.assignment_update(&wanted, row.row_version)?;
            self.consequences.moved = true;
        }
        self.hold(db, why)
    }

    /// What a pump says it runs. It is not signed: it proves nothing, and a contradiction counts (S4).
    pub(crate) fn inventory(
        &mut self,
        db: &mut Db<'_>,
        known: &[Component],
        reported: &[Component],
    ) -> Result<(), StoreError> {
        let Ok(versions) = VersionSet::new(reported.to_vec()) else {
            return self.strange(db, "reports two versions of one component");
        };
        if let Some(assignment) = tracked(db, self.pump)? {
            return self.says(db, &assignment, PumpSays::Versions(versions), false);
        }
        let known = if known.is_empty() {
            None
        } else {
            VersionSet::new(known.to_vec()).ok()
        };
        match unexplained(known.as_ref(), &versions) {
            Some(why) => self.hold(db, why),
            None => Ok(()),
        }
    }

    fn says(
        &mut self,
        db: &mut Db<'_>,
        row: &AssignmentRecord,
        says: PumpSays,
        is_proof: bool,
    ) -> Result<(), StoreError> {
        let before = facts(row)?;
        let sequence = if self.is_late {
            self.sequence
        } else {
            self.sequence.max(before.heard.saturating_add(1))
        };
        let report = PumpReport { sequence, says };
        let (after, changes) = apply(&before, &report, self.now);
        let mut wanted = row.clone();
        wanted.heard = number(after.heard);
        if after.booted != before.booted {
            wanted.booted = after.booted.map(number);
            wanted.booted_at = Some(self.now);
        }
        for change in changes {
            match change {
                Change::Moved { event, to, at } => {
                    let deed = Deed::of(Action::UpdateReported, "assignment", row.id)
                        .before(json!({ "state": wanted.state }))
                        .after(json!({ "state": to, "event": event.as_str() }));
                    db.audit_append(deed.by_pump(self.pump, self.now))?;
                    wanted.state = to;
                    wanted.since = at;
                }
                Change::Setback { words, at } => {
                    self.noted(db, row, json!({ "setback": words }))?;
                    wanted.setback_at = Some(at);
                    wanted.setback_count = wanted.setback_count.saturating_add(1);
                    wanted.setback_words = words;
                }
                Change::TicketGone { ticket } => {
                    self.noted(db, row, json!({ "ticket_gone": ticket }))?;
                    db.ticket_gone(ticket, self.pump, self.now)?;
                }
                // What a pump says without signing it proves nothing.
                Change::Versions { proved } if proved && !is_proof => {}
                Change::Versions { proved } => {
                    self.noted(db, row, json!({ "versions_proved": proved }))?;
                    wanted.versions_proved = proved;
                }
                Change::Hold { why } => self.hold(db, why)?,
            }
        }
        if wanted != *row {
            db.assignment_update(&wanted, row.row_version)?;
            self.consequences.moved = true;
        }
        Ok(())
    }

    /// S11: what changes with an assignment beside its state.
    fn noted(&self, db: &mut Db<'_>, row: &AssignmentRecord, what: Value) -> Result<(), StoreError> {
        let deed = Deed::of(Action::UpdateReported, "assignment", row.id).after(what);
        db.audit_append(deed.by_pump(self.pump, self.now)).map(drop)
    }

    fn hold(&mut self, db: &mut Db<'_>, why: HeldBecause) -> Result<(), StoreError> {
        if hold::clinically(db, self.pump, &why.to_string(), self.now)?.is_some() {
            self.consequences.held.push(self.pump);
        }
        Ok(())
    }

    /// A document that is signed with the key of a good certificate of the pump; else why it is not believed.
    pub(super) fn verified<D: OfPump>(
        &self,
        db: &mut Db<'_>,
        signed: &Sealed,
    ) -> Result<Result<D, String>, StoreError> {
        let mut why = "the pump has no certificate that is good".to_owned();
        for certificate in db.certificate_of_pump(self.pump)? {
            if certificate.revoked.is_some() || self.now > certificate.not_after {
                continue;
            }
            let Some(stored) = db.certificate_fetch(certificate.fingerprint)? else {
                continue;
            };
            match proof::verify(signed, &stored.der, self.pump) {
                Ok(document) => return Ok(Ok(document)),
                Err(error) => why = error.to_string(),
            }
        }
        Ok(Err(why))
    }

    pub(super) fn strange(&self, db: &mut Db<'_>, what: &str) -> Result<(), StoreError> {
        let deed = Deed::of(Action::UpdateDoubted, "pump", self.pump).after(json!({ "what": what }));
        db.audit_append(deed.by_pump(self.pump, self.now))?;
        db.event_record(&[Event {
            id: EventId::from_uuid(fresh::uuid(self.now)),
            at: self.now,
            kind: EventKind::UpdateDoubted,
            pump: Some(self.pump),
            detail: what.to_owned(),
        }])
    }
}

/// The assignment that a pump's reports are about: its live one, or else the last that had a ticket. What was only planned,
/// or given up before anything was sent, explains nothing of what a pump does.
pub(crate) fn tracked(db: &mut Db<'_>, pump: PumpId) -> Result<Option<AssignmentRecord>, StoreError> {
    let all = db.assignment_of_pump(pump)?;
    let live = all.iter().find(|assignment| assignment.state.is_live());
    let last = || {
        all.iter()
            .filter(|assignment| assignment.ticket.is_some())
            .max_by_key(|assignment| assignment.ticket)
    };
    Ok(live.or_else(last).cloned())
}

fn facts(row: &AssignmentRecord) -> Result<Tracked, StoreError> {
    let set = |list: &Value| -> Result<VersionSet, StoreError> {
        let components: Vec<Component> =
            serde_json::from_value(list.clone()).map_err(|error| corrupt("read an assignment", error))?;
        VersionSet::new(components).map_err(|error| corrupt("read an assignment", error))
    };
    Ok(Tracked {
        state: row.state,
        ticket: row.ticket,
        before: set(&row.before)?,
        named: set(&row.named)?,
        roll_back_ordered: row.roll_back_at.is_some(),
        heard: u64::try_from(row.heard).unwrap_or_default(),
        booted: row.booted.and_then(|number| u64::try_from(number).ok()),
        versions_proved: row.versions_proved,
    })
}

fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

pub(super) fn sealed_text(signed: &Sealed) -> String {
    match serde_json::to_value(signed) {
        Ok(Value::String(text)) => text,
        Ok(_) | Err(_) => String::new(),
    }
}
