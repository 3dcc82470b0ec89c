//! How the machine takes orders. Each may come twice, late, or after another that it should have come before.

use wire::{
    OrderId, TicketId,
    envelope::Sealed,
    message::{OrderOutcome, Refusal, UpdateStage},
    ticket::{Bearer, Ticket, TicketProblem},
    types::{CheckSpec, Reason, RepositoryName},
};

use super::{
    Fault, Me, Now,
    flash::FlashError,
    interlock::explain,
    machine::Firmware,
    saying::{done, progress, reason, refusal_of, refused, retitle},
    state::{Contents, Deed, Intent, Saying, Spent, Stage, State, Unopened, Update},
};

/// Tickets that may wait to be opened.
const UNOPENED: usize = 8;

/// What a download brought beside the image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fetched {
    /// The checks that the pump runs afterwards.
    pub(crate) checks: Vec<CheckSpec>,
    /// How often it restarts.
    pub(crate) restarts: u8,
}

/// Why a download brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotFetched {
    pub(crate) refusal: Refusal,
    /// In the words of whoever found it.
    pub(crate) detail: String,
}

impl NotFetched {
    pub(crate) fn new(refusal: Refusal, detail: impl std::fmt::Display) -> Self {
        Self {
            refusal,
            detail: detail.to_string(),
        }
    }
}

impl Firmware {
    /// `download`: kept until its ticket was opened.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn keep_order(
        &mut self,
        order: OrderId,
        repository: RepositoryName,
        ticket: Sealed,
    ) -> Result<(), FlashError> {
        self.change(|state| {
            if state.unopened.len() >= UNOPENED {
                let detail = Some("too many tickets wait to be opened");
                state.to_say.push(refusal_of(order, Refusal::Other, detail));
            } else if !state.unopened.iter().any(|unopened| unopened.order == order) {
                state.unopened.push(Unopened {
                    order,
                    repository,
                    ticket,
                });
            }
        })
    }

    /// `download`: the ticket was opened, or could not be.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn order_download(
        &mut self,
        order: OrderId,
        opened: Result<Box<Ticket>, NotFetched>,
        me: &Me,
        now: Now,
    ) -> Result<(), FlashError> {
        let ticket = match opened {
            Ok(ticket) => *ticket,
            Err(not) => {
                let answer = refusal_of(order, not.refusal, Some(&not.detail));
                return self.change(|state| {
                    state.opened(order);
                    state.to_say.push(answer);
                });
            }
        };
        let id = ticket.id;
        if let Some(update) = self.state.update.as_ref().filter(|update| update.ticket.id == id) {
            let fetching = update.stage == Stage::Fetching;
            return self.change(|state| {
                state.opened(order);
                match state.update_under(id) {
                    Some(update) if fetching && update.owed.contains(&order) => {}
                    Some(update) if fetching => update.owed.push(order),
                    _ => state.to_say.push(done(order)),
                }
            });
        }
        if let Err((refusal, detail)) = self.may_take(&ticket, me, now) {
            return self.change(|state| {
                state.opened(order);
                state
                    .to_say
                    .push(refused(id, UpdateStage::Refused, refusal, Some(&detail)));
                state.to_say.push(refusal_of(order, refusal, Some(&detail)));
            });
        }
        self.change(|state| {
            state.opened(order);
            if let Some(before) = state.update.take() {
                give_back(state, before, reason("another ticket came"));
            }
            let other = state.other();
            *state.slot_mut(other) = None;
            state.update = Some(Update {
                ticket,
                stage: Stage::Fetching,
                checks: Vec::new(),
                restarts: 1,
                starts: 0,
                owed: vec![order],
            });
        })
    }

    fn may_take(&self, ticket: &Ticket, me: &Me, now: Now) -> Result<(), (Refusal, String)> {
        let plain = |refusal| (refusal, explain(refusal).to_owned());
        if self.state.how_spent(ticket.id).is_some() {
            return Err(plain(Refusal::TicketSpent));
        }
        let bearer = Bearer {
            pump: me.pump,
            hardware: &me.hardware,
            components: self.state.components(),
            counter: self.state.counter,
            now: now.trusted,
        };
        ticket
            .holds_for(&bearer)
            .map_err(|problem| (TicketProblem::refusal(problem), problem.to_string()))?;
        now.safety.may_change().map_err(plain)?;
        if self.state.is_trial() {
            return Err((Refusal::Other, "another update is on trial".to_owned()));
        }
        Ok(())
    }

    /// The download came to its end.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn fetched(
        &mut self,
        ticket: TicketId,
        outcome: Result<Fetched, NotFetched>,
    ) -> Result<(), FlashError> {
        let other_versions = self.faults.has(Fault::OtherVersions);
        let good = outcome.is_ok();
        let mut was_fetching = false;
        self.change(|state| {
            // It may have been given back since.
            let Some(mut update) = state
                .update
                .take_if(|update| update.ticket.id == ticket && update.stage == Stage::Fetching)
            else {
                return;
            };
            was_fetching = true;
            let owed = std::mem::take(&mut update.owed);
            match outcome {
                Ok(fetched) => {
                    update.stage = Stage::Staged;
                    update.checks = fetched.checks;
                    update.restarts = fetched.restarts;
                    let other = state.other();
                    *state.slot_mut(other) = Some(contents_of(&update.ticket, other_versions));
                    state.update = Some(update);
                    state.to_say.push(progress(ticket, UpdateStage::Staged));
                    state.to_say.extend(owed.into_iter().map(done));
                }
                Err(NotFetched { refusal, detail }) => {
                    let detail = Some(detail.as_str());
                    let failed = refused(ticket, UpdateStage::DownloadFailed, refusal, detail);
                    state.to_say.push(failed);
                    let answers = owed.into_iter().map(|order| refusal_of(order, refusal, detail));
                    state.to_say.extend(answers);
                }
            }
        })?;
        if good && was_fetching {
            self.strike(Fault::PowerLossStaged)?;
        }
        Ok(())
    }

    /// `install`: at once if it is safe, otherwise as soon as it is.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn order_install(
        &mut self,
        order: OrderId,
        ticket: TicketId,
        me: &Me,
        now: Now,
    ) -> Result<(), FlashError> {
        let refusal = match &self.state.update {
            Some(update) if update.ticket.id == ticket => match update.stage {
                Stage::Staged => None,
                Stage::Activated | Stage::Trial => {
                    return self.change(|state| state.to_say.push(done(order)));
                }
                Stage::Fetching => Some(Refusal::Other),
            },
            _ if self.state.how_spent(ticket).is_some() => Some(Refusal::TicketSpent),
            _ => Some(Refusal::TicketUnknown),
        };
        if let Some(refusal) = refusal {
            let detail = (refusal == Refusal::Other).then_some("the firmware is not downloaded yet");
            return self.change(|state| {
                state
                    .to_say
                    .push(refused(ticket, UpdateStage::Refused, refusal, detail));
                state.to_say.push(refusal_of(order, refusal, detail));
            });
        }
        self.intend(Deed::Install, ticket, order)?;
        self.poll(me, now)?;
        self.say_that_it_waits(order, now)
    }

    /// `roll_back`: what came under the ticket is left again, if the other slot may still start.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn order_roll_back(
        &mut self,
        order: OrderId,
        ticket: TicketId,
        me: &Me,
        now: Now,
    ) -> Result<(), FlashError> {
        let by = self.state.slot(self.state.active).and_then(|slot| slot.by);
        if by != Some(ticket) && self.state.undone == Some(ticket) {
            return self.change(|state| state.to_say.push(done(order)));
        }
        let possible = if by == Some(ticket) {
            self.may_return()
        } else {
            Err(Refusal::TicketUnknown)
        };
        if let Err(refusal) = possible {
            return self.change(|state| {
                state
                    .to_say
                    .push(refused(ticket, UpdateStage::Refused, refusal, None));
                state.to_say.push(refusal_of(order, refusal, None));
            });
        }
        self.intend(Deed::RollBack, ticket, order)?;
        self.poll(me, now)?;
        self.say_that_it_waits(order, now)
    }

    /// `return_ticket`: it will not be used, unless it was.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn order_return(
        &mut self,
        order: OrderId,
        ticket: TicketId,
        why: &Reason,
    ) -> Result<(), FlashError> {
        let used = self.state.how_spent(ticket) == Some(Spent::Used);
        self.change(|state| {
            if used {
                let detail = Some("the ticket was used already");
                state.to_say.push(refusal_of(order, Refusal::TicketSpent, detail));
                return;
            }
            match state.update.take_if(|update| update.ticket.id == ticket) {
                Some(update) => give_back(state, update, Some(why.clone())),
                // It may still be on its way here: then it comes too late.
                None if state.how_spent(ticket).is_none() => {
                    state.spend(ticket, Spent::Returned);
                    state.to_say.push(progress(ticket, UpdateStage::TicketReturned));
                }
                None => {}
            }
            state.to_say.push(done(order));
        })
    }

    /// Adds an order to what the pump wants to do. The last word counts: a roll-back takes the place of an installation.
    fn intend(&mut self, deed: Deed, ticket: TicketId, order: OrderId) -> Result<(), FlashError> {
        self.change(|state| match &mut state.intent {
            Some(intent) if intent.deed == deed && intent.ticket == ticket => {
                if !intent.owed.contains(&order) {
                    intent.owed.push(order);
                }
            }
            _ => {
                let intent = Intent {
                    deed,
                    ticket,
                    owed: vec![order],
                };
                if let Some(before) = state.intent.replace(intent) {
                    let detail = Some("another order took its place");
                    let answers = before
                        .owed
                        .into_iter()
                        .map(|order| refusal_of(order, Refusal::Other, detail));
                    state.to_say.extend(answers);
                }
            }
        })
    }

    fn say_that_it_waits(&mut self, order: OrderId, now: Now) -> Result<(), FlashError> {
        let Err(waits_for) = now.safety.check() else {
            return Ok(());
        };
        self.change(|state| {
            let waits = |intent: &Intent| intent.owed.contains(&order);
            if state.intent.as_ref().is_some_and(waits) {
                let text = format!("{}: {}", waits_for.as_str(), explain(waits_for));
                state.to_say.push(Saying::Answer {
                    order,
                    outcome: OrderOutcome::WhenFree,
                    reason: reason(&text),
                });
            }
        })
    }
}

/// The ticket goes back unused.
fn give_back(state: &mut State, update: Update, why: Option<Reason>) {
    let ticket = update.ticket.id;
    state.spend(ticket, Spent::Returned);
    let other = state.other();
    // Half an image, or one that nobody wants any more.
    *state.slot_mut(other) = None;
    let Saying::Update(mut report) = progress(ticket, UpdateStage::TicketReturned) else {
        return;
    };
    report.reason = why;
    state.to_say.push(Saying::Update(report));
    let waiting = state
        .intent
        .take_if(|intent| intent.ticket == ticket)
        .map(|intent| intent.owed)
        .unwrap_or_default();
    let detail = Some("the ticket was given back");
    let answers = update
        .owed
        .into_iter()
        .chain(waiting)
        .map(|order| refusal_of(order, Refusal::TicketSpent, detail));
    state.to_say.extend(answers);
}

/// What the ticket says is in the file; with the fault, something else.
fn contents_of(ticket: &Ticket, other_versions: bool) -> Contents {
    let mut components = ticket.to.clone();
    components.sort_unstable();
    if other_versions && let Some(first) = components.first_mut() {
        retitle(first, "other");
    }
    Contents {
        components,
        counter: ticket.counter,
        by: Some(ticket.id),
    }
}
