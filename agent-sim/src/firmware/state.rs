//! What a pump knows of its firmware across starts.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use wire::{
    OrderId, RetestId, TicketId, Timestamp,
    envelope::Sealed,
    message::{AskedCheck, OrderOutcome, SoftwareSlot, UpdateReport},
    ticket::Ticket,
    types::{AutomaticResult, CheckSpec, Component, Reason, RepositoryName, SecurityCounter},
};

/// Tickets that are remembered as spent. One that is forgotten has expired long before.
const SPENT_REMEMBERED: usize = 256;

/// What is in a slot and starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    /// Sorted.
    pub(crate) components: Vec<Component>,
    pub(crate) counter: SecurityCounter,
    /// Under which ticket it came; none for what the factory put there.
    pub(crate) by: Option<TicketId>,
}

/// How far an update is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Bytes come in.
    Fetching,
    /// The file is in the other slot.
    Staged,
    /// The slots are switched; the new one has not started yet.
    Activated,
    /// The new one runs on trial.
    Trial,
}

impl Stage {
    /// Whether the new slot is the active one, and not for good.
    pub(crate) const fn is_trial(self) -> bool {
        match self {
            Self::Fetching | Self::Staged => false,
            Self::Activated | Self::Trial => true,
        }
    }
}

/// The update in hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Update {
    pub(crate) ticket: Ticket,
    pub(crate) stage: Stage,
    /// From the manifest: what is to be checked afterwards, and how often to restart.
    pub(crate) checks: Vec<CheckSpec>,
    pub(crate) restarts: u8,
    /// Starts on trial so far.
    pub(crate) starts: u8,
    /// Orders to download that are owed an answer.
    pub(crate) owed: Vec<OrderId>,
}

/// An order to download whose ticket was not opened yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unopened {
    pub(crate) order: OrderId,
    pub(crate) repository: RepositoryName,
    pub(crate) ticket: Sealed,
}

/// What the pump will do as soon as it is safe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) deed: Deed,
    pub(crate) ticket: TicketId,
    /// Orders that are owed an answer.
    pub(crate) owed: Vec<OrderId>,
}

/// See [`Intent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    Install,
    RollBack,
}

/// Checks that are to be run again as soon as the pump is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) order: OrderId,
    pub(crate) retest: RetestId,
    pub(crate) checks: Vec<AskedCheck>,
}

/// Something that is to be reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(crate) enum Saying {
    Answer {
        order: OrderId,
        outcome: OrderOutcome,
        reason: Option<Reason>,
    },
    Update(UpdateReport),
    /// What runs at the time of saying.
    Inventory,
    /// To be signed when it is said.
    Proof {
        ticket: TicketId,
        at: Timestamp,
        components: Vec<Component>,
        counter: SecurityCounter,
        results: Vec<AutomaticResult>,
    },
    /// The same of checks that were run again.
    Retest {
        retest: RetestId,
        at: Timestamp,
        components: Vec<Component>,
        counter: SecurityCounter,
        results: Vec<AutomaticResult>,
    },
}

/// How a ticket was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Spent {
    Used,
    Returned,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) active: SoftwareSlot,
    pub(crate) a: Option<Contents>,
    pub(crate) b: Option<Contents>,
    /// Only ever raised.
    pub(crate) counter: SecurityCounter,
    pub(crate) update: Option<Update>,
    pub(crate) intent: Option<Intent>,
    pub(crate) unopened: Vec<Unopened>,
    #[serde(default)]
    pub(crate) asked: Option<Asked>,
    spent: VecDeque<(TicketId, Spent)>,
    /// The ticket whose firmware was left again, last.
    pub(crate) undone: Option<TicketId>,
    /// What is to be reported, oldest first.
    pub(crate) to_say: Vec<Saying>,
}

impl State {
    /// A pump as it leaves the factory.
    pub(crate) fn new(contents: Contents) -> Self {
        Self {
            active: SoftwareSlot::A,
            counter: contents.counter,
            a: Some(contents),
            b: None,
            update: None,
            intent: None,
            unopened: Vec::new(),
            asked: None,
            spent: VecDeque::new(),
            undone: None,
            to_say: Vec::new(),
        }
    }

    pub(crate) const fn slot(&self, slot: SoftwareSlot) -> Option<&Contents> {
        match slot {
            SoftwareSlot::A => self.a.as_ref(),
            SoftwareSlot::B => self.b.as_ref(),
        }
    }

    pub(crate) const fn slot_mut(&mut self, slot: SoftwareSlot) -> &mut Option<Contents> {
        match slot {
            SoftwareSlot::A => &mut self.a,
            SoftwareSlot::B => &mut self.b,
        }
    }

    /// The slot that does not run.
    pub(crate) const fn other(&self) -> SoftwareSlot {
        match self.active {
            SoftwareSlot::A => SoftwareSlot::B,
            SoftwareSlot::B => SoftwareSlot::A,
        }
    }

    /// What runs.
    pub(crate) fn components(&self) -> &[Component] {
        self.slot(self.active).map_or(&[], |slot| &slot.components)
    }

    /// Whether what runs was not kept yet.
    pub(crate) fn is_trial(&self) -> bool {
        self.update.as_ref().is_some_and(|update| update.stage.is_trial())
    }

    /// The update under this ticket, if it is in hand.
    pub(crate) fn update_under(&mut self, ticket: TicketId) -> Option<&mut Update> {
        self.update.as_mut().filter(|update| update.ticket.id == ticket)
    }

    /// The ticket of this order was opened.
    pub(crate) fn opened(&mut self, order: OrderId) {
        self.unopened.retain(|unopened| unopened.order != order);
    }

    pub(crate) fn how_spent(&self, ticket: TicketId) -> Option<Spent> {
        let (_, how) = self.spent.iter().find(|(spent, _)| *spent == ticket)?;
        Some(*how)
    }

    pub(crate) fn spend(&mut self, ticket: TicketId, how: Spent) {
        self.spent.retain(|(spent, _)| *spent != ticket);
        self.spent.push_back((ticket, how));
        if self.spent.len() > SPENT_REMEMBERED {
            self.spent.pop_front();
        }
    }
}
