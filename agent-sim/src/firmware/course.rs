//! The course of an update once its file is in the other slot: the switch, the end of the trial, the way back.

use wire::{
    message::{Refusal, UpdateReport, UpdateStage},
    ticket::{Bearer, TicketProblem},
    types::Reason,
};

use super::{
    Fault, Me, Now, checks,
    flash::FlashError,
    machine::{Firmware, Running},
    saying::{done, progress, refusal_of, refused},
    state::{Deed, Saying, Spent, Stage},
};

impl Firmware {
    /// Does what the pump wants to do, if it is safe at this very moment.
    pub(super) fn fulfil(&mut self, me: &Me, now: Now) -> Result<(), FlashError> {
        let Some(intent) = &self.state.intent else {
            return Ok(());
        };
        let still_good = match intent.deed {
            Deed::Install => self.ticket_holds(me, now),
            Deed::RollBack => self.may_return(),
        };
        let deed = intent.deed;
        match still_good.and_then(|()| now.safety.check()) {
            // These pass.
            Err(Refusal::InUse | Refusal::Power) => Ok(()),
            Err(refusal) => self.drop_intent(refusal),
            Ok(()) => match deed {
                Deed::Install => self.activate(),
                Deed::RollBack => {
                    self.go_back("ordered")?;
                    self.leave(now.life);
                    Ok(())
                }
            },
        }
    }

    /// Whether the ticket in hand still holds.
    fn ticket_holds(&self, me: &Me, now: Now) -> Result<(), Refusal> {
        let update = self.state.update.as_ref().ok_or(Refusal::TicketUnknown)?;
        let bearer = Bearer {
            pump: me.pump,
            hardware: &me.hardware,
            components: self.state.components(),
            counter: self.state.counter,
            now: now.trusted,
        };
        update.ticket.holds_for(&bearer).map_err(TicketProblem::refusal)
    }

    /// Whether the other slot may start again (S9).
    pub(super) fn may_return(&self) -> Result<(), Refusal> {
        // What waits there for its installation was never here before.
        let staged = self
            .state
            .update
            .as_ref()
            .is_some_and(|update| !update.stage.is_trial());
        match self.state.slot(self.state.other()) {
            Some(other) if !staged && other.counter >= self.state.counter => Ok(()),
            Some(_) | None => Err(Refusal::NothingToReturnTo),
        }
    }

    /// The interlock agreed a moment ago, and nothing happened since.
    fn activate(&mut self) -> Result<(), FlashError> {
        self.change(|state| {
            let (Some(update), Some(intent)) = (&mut state.update, state.intent.take()) else {
                return;
            };
            update.stage = Stage::Activated;
            let ticket = update.ticket.id;
            state.active = state.other();
            state.spend(ticket, Spent::Used);
            state.to_say.push(progress(ticket, UpdateStage::Activating));
            state.to_say.extend(intent.owed.into_iter().map(done));
        })?;
        self.running = Running::Leaving;
        self.strike(Fault::PowerLossActivating)
    }

    /// The new firmware stays: the counter rises, and the proof is told.
    pub(super) fn commit(&mut self, me: &Me, now: Now) -> Result<(), FlashError> {
        let components = self.state.components().to_vec();
        let library = me.library(&components);
        let faults = self.faults.clone();
        self.change(|state| {
            let Some(update) = state.update.take() else { return };
            if let Some(slot) = state.slot(state.active) {
                state.counter = state.counter.max(slot.counter);
            }
            state.to_say.push(Saying::Proof {
                ticket: update.ticket.id,
                at: now.shown,
                components,
                counter: state.counter,
                results: checks::run(&update.checks, &faults, library.as_ref()),
            });
            state.to_say.push(Saying::Inventory);
        })?;
        self.running = Running::Normally;
        self.strike(Fault::PowerLossCommitted)
    }

    /// The other slot is the active one again. What is left does not start any more: from here it would be a way forward, without
    /// a ticket and without a trial.
    pub(super) fn go_back(&mut self, why: &str) -> Result<(), FlashError> {
        self.change(|state| {
            let update = state.update.take();
            let left = state.slot(state.active).and_then(|slot| slot.by);
            *state.slot_mut(state.active) = None;
            state.active = state.other();
            let Some(ticket) = update.map(|update| update.ticket.id).or(left) else {
                return;
            };
            state.undone = Some(ticket);
            state.to_say.push(Saying::Update(UpdateReport {
                ticket,
                stage: UpdateStage::RolledBack,
                refusal: None,
                reason: Reason::new(why).ok(),
            }));
            state.to_say.push(Saying::Inventory);
            let owed = state.intent.take().map(|intent| intent.owed).unwrap_or_default();
            state.to_say.extend(owed.into_iter().map(done));
        })
    }

    /// What the pump wanted to do it will not do.
    fn drop_intent(&mut self, refusal: Refusal) -> Result<(), FlashError> {
        self.change(|state| {
            let Some(intent) = state.intent.take() else { return };
            // An expired ticket, or one from other versions, will not hold again.
            if intent.deed == Deed::Install && refusal != Refusal::Held {
                state.update = None;
                *state.slot_mut(state.other()) = None;
                state.spend(intent.ticket, Spent::Returned);
            }
            state
                .to_say
                .push(refused(intent.ticket, UpdateStage::Refused, refusal, None));
            let answers = intent
                .owed
                .into_iter()
                .map(|order| refusal_of(order, refusal, None));
            state.to_say.extend(answers);
        })
    }
}
