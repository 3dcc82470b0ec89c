//! From a step to the record: the state, the order and the audit entry, together or not at all (S11).
//!
//! All steps of a plan go into one transaction. If the database refuses one of them, each goes alone, and what was overtaken is
//! planned again.

use fleet::{
    Timestamp,
    audit::Action,
    event::EventKind,
    id::{AssignmentId, PumpId, RolloutId, TicketId, WaveId},
    pump::{Availability, HoldKind, availability},
    rollout::{
        AssignmentAction, HeldBecause, RolloutAction, Step, Under, WaveAction, snapshot::TICKET_GRACE,
        state::WaveState,
    },
    signature::{Digest, SubjectKind},
    text::Reason,
};
use serde_json::{Value, json};
use store::{AssignmentRecord, Db, StoreError, TicketRecord, Touched};
use wire::{
    message::{Order, OrderBody, V1},
    ticket::Ticket,
};

use super::{
    facts::{Facts, Release, corrupt},
    hold,
    rows::Rows,
};
use crate::{
    app::{Actor, App},
    command::{CommandError, change::Change, outbox, pump},
    deed::Deed,
};

/// What goes to pumps once the transaction stands.
#[derive(Default)]
struct After {
    orders: Vec<(PumpId, Order)>,
    held: Vec<PumpId>,
}

/// Carries steps out. Says how many were.
pub(super) fn all(app: &App, facts: &Facts, steps: &[Step]) -> Result<usize, StoreError> {
    if steps.is_empty() {
        return Ok(0);
    }
    let actor = Actor::gateway();
    let _turn = pump::in_turn();
    match together(app, &actor, facts, steps) {
        Ok(after) => {
            after.tell(app);
            Ok(steps.len())
        }
        Err(error) if error.is_of_all() => Err(error),
        Err(error) => {
            tracing::debug!(%error, "a plan did not go in whole; carrying it out step by step");
            let mut done = 0;
            for step in steps {
                match together(app, &actor, facts, std::slice::from_ref(step)) {
                    Ok(after) => {
                        after.tell(app);
                        done += 1;
                    }
                    Err(error) if error.is_of_all() => return Err(error),
                    Err(StoreError::Conflict { detail, .. }) => {
                        tracing::debug!(?step, detail, "a step was overtaken");
                    }
                    Err(error) => tracing::error!(?step, %error, "a step could not be carried out"),
                }
            }
            Ok(done)
        }
    }
}

fn together(app: &App, actor: &Actor, facts: &Facts, steps: &[Step]) -> Result<After, StoreError> {
    let change = Change::proved(actor, app);
    let done = change.commit(|db| {
        let mut carrying = Carrying {
            change: &change,
            facts,
            rows: Rows::read(db, steps)?,
            after: After::default(),
        };
        for step in steps {
            carrying.step(db, step)?;
        }
        Ok(carrying.after)
    });
    done.map_err(|error| match error {
        CommandError::Store(error) => error,
        other => StoreError::Conflict {
            what: "carry out a step",
            detail: other.to_string(),
        },
    })
}

impl After {
    fn tell(self, app: &App) {
        for held in self.held {
            pump::enforce(app, held, Some(HoldKind::Clinical), false);
        }
        for (to, order) in self.orders {
            pump::deliver(app, to, order);
        }
    }
}

struct Carrying<'a> {
    change: &'a Change<'a>,
    facts: &'a Facts,
    rows: Rows,
    after: After,
}

/// What was committed since the look that a plan was made from.
struct Since<'a> {
    facts: &'a Facts,
    touched: &'a Touched,
}

impl Since<'_> {
    /// Whether any of it is about a wave: its row, its signatures, its pumps.
    fn is_of_wave(&self, wave: WaveId) -> bool {
        let Self { facts, touched } = self;
        let in_it = |assignment: &AssignmentId| facts.wave_of(*assignment) == Some(wave);
        touched.waves.contains(&wave)
            || touched.signed.contains(&(SubjectKind::Wave, wave.as_uuid()))
            || touched.assignments.iter().any(in_it)
            || touched
                .pumps
                .iter()
                .any(|pump| facts.assignments_of(*pump).iter().any(in_it))
    }

    /// Whether any of it is about an assignment of a rollout.
    fn is_of_rollout(&self, rollout: RolloutId) -> bool {
        let Self { facts, touched } = self;
        let mut assignments = touched.assignments.iter();
        assignments.any(|assignment| facts.rollout_of(*assignment) == Some(rollout))
    }

    /// Whether any of it is about a pump that counts for the same ward floor.
    fn is_beside(&self, pump: PumpId) -> bool {
        let group = |pump: &PumpId| self.facts.snapshot.pumps.get(pump)?.group();
        let Some(ours) = group(&pump).filter(|ours| self.facts.snapshot.floors.contains_key(ours)) else {
            return false;
        };
        self.touched.pumps.iter().any(|other| group(other) == Some(ours))
    }
}

fn overtaken(what: &'static str) -> CommandError {
    CommandError::Store(StoreError::Conflict {
        what: "carry out a step",
        detail: format!("{what} changed since it was planned"),
    })
}

impl Carrying<'_> {
    fn step(&mut self, db: &mut Db<'_>, step: &Step) -> Result<(), CommandError> {
        match step {
            Step::Rollout {
                rollout,
                seen,
                action,
            } => {
                let row = self
                    .facts
                    .rollouts
                    .get(rollout)
                    .ok_or_else(|| overtaken("the rollout"))?;
                let state = row.state.transition(action.event()).map_err(illegal)?;
                if matches!(action, RolloutAction::Complete) {
                    self.as_it_was_seen(|seen| seen.is_of_rollout(*rollout))?;
                }
                let why = match action {
                    RolloutAction::Halt { .. } => Reason::new(&action.to_string()).ok(),
                    RolloutAction::Approve | RolloutAction::Begin | RolloutAction::Complete => None,
                };
                self.rows.rollouts.remove(rollout);
                db.rollout_move(*rollout, seen.0, state, why.as_ref(), self.change.now)?;
                self.moved(db, "rollout", rollout, row.state.as_str(), state.as_str(), action)?;
                let kind = match action {
                    RolloutAction::Halt { .. } => EventKind::RolloutHalted,
                    RolloutAction::Approve | RolloutAction::Begin | RolloutAction::Complete => {
                        EventKind::RolloutMoved
                    }
                };
                self.change
                    .tell(db, kind, None, format_args!("rollout {}: {action}", row.name))
            }
            Step::Wave { wave, seen, action } => {
                let row = self.facts.waves.get(wave).ok_or_else(|| overtaken("the wave"))?;
                let mut wanted = row.clone();
                wanted.state = row.state.transition(action.event()).map_err(illegal)?;
                wanted.since = self.change.now;
                if wanted.state == WaveState::Open && row.opened_at.is_none() {
                    wanted.opened_at = Some(self.change.now);
                }
                if let WaveAction::Pass { evidence } = action {
                    self.as_it_was_seen(|seen| seen.is_of_wave(*wave))?;
                    wanted.evidence = Some(*evidence);
                }
                self.rows.waves.remove(wave);
                db.wave_update(&wanted, seen.0)?;
                self.moved(
                    db,
                    "wave",
                    wave,
                    row.state.as_str(),
                    wanted.state.as_str(),
                    action,
                )?;
                self.change.tell(
                    db,
                    EventKind::WaveMoved,
                    None,
                    format_args!("wave {} ({}): {action}", row.number, row.name),
                )
            }
            Step::Assignment {
                assignment,
                pump,
                seen,
                action,
            } => self.assignment(db, *assignment, *pump, seen.0, action),
        }
    }

    fn assignment(
        &mut self,
        db: &mut Db<'_>,
        id: AssignmentId,
        pump: PumpId,
        seen: i64,
        action: &AssignmentAction,
    ) -> Result<(), CommandError> {
        let row = self.rows.assignments.remove(&id);
        let row = &row
            .filter(|row| row.row_version == seen)
            .ok_or_else(|| overtaken("the assignment"))?;
        let mut wanted = row.clone();
        if let Some(event) = action.event() {
            wanted.state = row.state.transition(event).map_err(illegal)?;
            wanted.since = self.change.now;
        }
        match action {
            AssignmentAction::IssueTicket {
                not_after,
                evidence,
                under,
            } => {
                self.still_so(db, pump, under)?;
                self.issue(db, &mut wanted, *not_after, *evidence)?;
            }
            AssignmentAction::OrderDownload { under } => {
                self.still_so(db, pump, under)?;
                let ticket = row.ticket.ok_or_else(|| overtaken("the ticket"))?;
                let envelope = db.ticket_fetch(ticket)?.envelope;
                let ticket = serde_json::from_value(Value::String(envelope))
                    .map_err(|error| corrupt("read a ticket", error))?;
                let repository = self.release(row)?.repository.name.clone();
                self.order(db, pump, OrderBody::Download { repository, ticket })?;
            }
            AssignmentAction::OrderInstall { under } => {
                self.still_so(db, pump, under)?;
                self.still_free(db, pump)?;
                self.as_it_was_seen(|seen| seen.is_beside(pump))?;
                let ticket = row.ticket.ok_or_else(|| overtaken("the ticket"))?;
                self.order(db, pump, OrderBody::Install { ticket })?;
            }
            AssignmentAction::WithdrawTicket { ticket, why } => {
                db.ticket_withdraw(*ticket, self.change.now)?;
                outbox::recall(db, pump, self.change.now)?;
                let reason = Self::reason(why)?;
                self.order(
                    db,
                    pump,
                    OrderBody::ReturnTicket {
                        ticket: *ticket,
                        reason,
                    },
                )?;
            }
            AssignmentAction::EndTicket => {
                outbox::recall(db, pump, self.change.now)?;
                if let Some(ticket) = row.ticket {
                    db.ticket_gone(ticket, pump, self.change.now)?;
                }
            }
            AssignmentAction::MarkUnresponsive { last_heard } => {
                wanted.last_heard = *last_heard;
                outbox::recall(db, pump, self.change.now)?;
                self.hold(db, pump, HeldBecause::Silent)?;
            }
            AssignmentAction::Quarantine { why } => {
                outbox::recall(db, pump, self.change.now)?;
                self.hold(db, pump, *why)?;
            }
            AssignmentAction::ReturnToService { .. } => {
                self.as_it_was_seen(|seen| seen.touched.pumps.contains(&pump))?;
            }
            AssignmentAction::AskSignoff | AssignmentAction::TakeOut => {}
            AssignmentAction::MoveToCatchUp { last_heard } => {
                wanted.left_behind = true;
                wanted.last_heard = *last_heard;
            }
            AssignmentAction::OrderRollBack { pump_seen } => {
                if self.rows.pump(db, pump)? != pump_seen.0 {
                    return Err(overtaken("the pump"));
                }
                self.still_free(db, pump)?;
                self.as_it_was_seen(|seen| seen.is_beside(pump))?;
                let ticket = row.ticket.ok_or_else(|| overtaken("the ticket"))?;
                let reason = Self::reason(&"somebody asked for the old version")?;
                wanted.roll_back_at = Some(self.change.now);
                self.order(db, pump, OrderBody::RollBack { ticket, reason })?;
            }
        }
        db.assignment_update(&wanted, seen)?;
        self.moved(
            db,
            "assignment",
            id,
            row.state.as_str(),
            wanted.state.as_str(),
            action,
        )?;
        self.change.tell(
            db,
            EventKind::UpdateMoved,
            Some(pump),
            format_args!("update: {action}"),
        )
    }

    /// Whether everything by which a pump may be touched is as it was when that was planned.
    fn still_so(&mut self, db: &mut Db<'_>, pump: PumpId, under: &Under) -> Result<(), CommandError> {
        if self.rows.pump(db, pump)? != under.pump_seen.0 {
            return Err(overtaken("the pump"));
        }
        if self.rows.rollout(db, under.rollout)? != under.rollout_seen.0 {
            return Err(overtaken("the rollout"));
        }
        if self.rows.wave(db, under.wave)? != under.wave_seen.0 {
            return Err(overtaken("the wave"));
        }
        Ok(())
    }

    /// Whether what a step depends on beside its own rows is as it was seen: a gate on all pumps of its wave (S2), a ward floor on the
    /// pumps beside (S5). What was committed since the look is noted, and nothing else is while this transaction lasts.
    fn as_it_was_seen(&self, depends: impl FnOnce(&Since<'_>) -> bool) -> Result<(), CommandError> {
        let is_overtaken = self.change.app.store.has_touched(|touched| {
            touched.everything
                || depends(&Since {
                    facts: self.facts,
                    touched,
                })
        });
        if is_overtaken {
            return Err(overtaken("something that the step depends on"));
        }
        Ok(())
    }

    /// S3: also what the pump said since then counts, up to this transaction.
    fn still_free(&self, db: &mut Db<'_>, pump: PumpId) -> Result<(), CommandError> {
        let heard = db.pump_heard_of(&[pump])?.pop();
        let state = heard
            .filter(|heard| heard.connected)
            .and_then(|heard| heard.state);
        let is_free = state.is_some_and(|(activity, attached, at)| {
            availability(activity, attached, at, self.change.now) == Availability::Free
        });
        if is_free {
            Ok(())
        } else {
            Err(overtaken("what the pump is doing"))
        }
    }

    fn release(&self, row: &AssignmentRecord) -> Result<&Release, CommandError> {
        let rollout = self.facts.rollouts.get(&row.rollout);
        let release = rollout.and_then(|rollout| self.facts.releases.get(&rollout.release));
        release.ok_or_else(|| overtaken("the release"))
    }

    /// The ticket is for what the pump runs at this moment, and reports from here on are about it.
    fn issue(
        &self,
        db: &mut Db<'_>,
        row: &mut AssignmentRecord,
        not_after: Timestamp,
        evidence: Digest,
    ) -> Result<(), CommandError> {
        let pump = db.pump_fetch(row.pump)?;
        let release = self.release(row)?;
        let chosen = release
            .manifest
            .targets
            .iter()
            .find(|target| target.path == row.target);
        let chosen = chosen.ok_or_else(|| corrupt("issue a ticket", "the release lost a file"))?;
        let to = release.manifest.after(chosen, &pump.components);
        let file = release.file(&row.target).ok_or_else(|| {
            corrupt(
                "issue a ticket",
                format!("the release has no file {}", row.target),
            )
        })?;
        let ticket = Ticket {
            v: V1,
            id: self.change.id(TicketId::from_uuid),
            pump: row.pump,
            hardware: pump.hardware_id,
            from: pump.components,
            to,
            repository: release.repository.name.clone(),
            target: row.target.clone(),
            length: file.length,
            sha256: file.sha256,
            counter: release.manifest.security.counter,
            not_before: self.change.now,
            not_after,
            rollout: row.rollout,
            wave: row.wave,
            evidence,
        };
        let sealed = self.change.app.tickets.sign(&ticket)?;
        let envelope = serde_json::to_value(&sealed).unwrap_or_default();
        // The planner lets nothing begin while a pump may still go back: these wishes can not be met, and would be about another
        // version from here on.
        for dropped in db.assignment_forget_wishes(row.pump, row.id)? {
            let deed = Deed::of(Action::RollBackDropped, "assignment", dropped)
                .after(json!({ "pump": row.pump, "by": row.id }));
            self.change.record(db, deed)?;
        }
        let settled = self.change.now - TICKET_GRACE;
        db.ticket_run_out(row.pump, settled, self.change.now)?;
        db.ticket_create(&TicketRecord {
            id: ticket.id,
            assignment: row.id,
            pump: row.pump,
            not_before: ticket.not_before,
            not_after,
            envelope: envelope.as_str().unwrap_or_default().to_owned(),
            withdrawn_at: None,
            gone_at: None,
        })?;
        let deed = Deed::of(Action::TicketIssued, "ticket", ticket.id).after(json!({
            "pump": ticket.pump,
            "rollout": ticket.rollout,
            "wave": ticket.wave,
            "target": ticket.target,
            "sha256": ticket.sha256,
            "not_after": ticket.not_after,
            "evidence": ticket.evidence,
        }));
        self.change.record(db, deed)?;
        row.ticket = Some(ticket.id);
        row.before = json!(ticket.from);
        row.named = json!(ticket.to);
        row.heard = db.report_last_seq(row.pump)?.unwrap_or_default();
        Ok(())
    }

    fn order(&mut self, db: &mut Db<'_>, to: PumpId, body: OrderBody) -> Result<(), CommandError> {
        let order = outbox::give(db, to, body, self.change.now)?;
        self.after.orders.push((to, order));
        Ok(())
    }

    fn hold(&mut self, db: &mut Db<'_>, id: PumpId, why: HeldBecause) -> Result<(), CommandError> {
        self.rows.pumps.remove(&id);
        if let Some(order) = hold::clinically(db, id, &why.to_string(), self.change.now)? {
            self.after.held.push(id);
            self.after.orders.push((id, order));
        }
        Ok(())
    }

    fn reason(why: &impl ToString) -> Result<Reason, CommandError> {
        Ok(Reason::new(&why.to_string()).map_err(|error| corrupt("give an order", error))?)
    }

    fn moved(
        &self,
        db: &mut Db<'_>,
        kind: &'static str,
        id: impl std::fmt::Display,
        from: &str,
        to: &str,
        action: &impl ToString,
    ) -> Result<(), CommandError> {
        let deed = Deed::of(Action::RolloutStep, kind, id)
            .before(json!({ "state": from }))
            .after(json!({ "state": to, "step": action.to_string() }));
        self.change.record(db, deed)
    }
}

fn illegal(error: fleet::rollout::state::IllegalTransition) -> CommandError {
    corrupt("carry out a step", error).into()
}
