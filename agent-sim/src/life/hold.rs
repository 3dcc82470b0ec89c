//! A hold, as the pump carries it: it never stops an infusion, and begins when the pump is free.

use serde::{Deserialize, Serialize};
use wire::{
    OrderId,
    types::{HoldKind, Reason},
};

/// A hold that was ordered. It survives a restart of the pump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub kind: HoldKind,
    pub reason: Reason,
    /// Whether it has begun. Until then the pump is with a patient and goes on.
    pub in_force: bool,
    /// Orders that were answered with `when_free` and are owed a `done`.
    pub waiting: Vec<OrderId>,
}

/// What the pump says to an order about holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldAnswer {
    /// In force now.
    Done,
    /// As soon as the pump is free.
    WhenFree,
    /// Released; these orders never took effect.
    Released { never_began: Vec<OrderId> },
}
