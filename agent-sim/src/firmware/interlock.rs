//! When a pump may be taken out of use for a restart (S1). It alone decides, by its own life, right before it does it.

use wire::{message::Refusal, types::HoldKind};

/// The least charge without mains, percent: a restart and the checks must not end in the dark.
pub(crate) const LEAST_CHARGE: f64 = 30.0;

/// What the decision is made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Safety {
    /// Ready or standby, and no patient.
    pub(crate) free: bool,
    pub(crate) mains: bool,
    /// Percent.
    pub(crate) charge: f64,
    /// A hold that was ordered, whether it has begun or not.
    pub(crate) hold: Option<HoldKind>,
}

impl Safety {
    /// Whether the pump may restart now.
    ///
    /// # Errors
    /// Why not. [`Refusal::InUse`] and [`Refusal::Power`] pass by themselves; [`Refusal::Held`] does not.
    pub(crate) fn check(self) -> Result<(), Refusal> {
        self.may_change()?;
        if !self.free {
            return Err(Refusal::InUse);
        }
        // A charge that is no number is none.
        let charged = self.charge >= LEAST_CHARGE;
        if !self.mains && !charged {
            return Err(Refusal::Power);
        }
        Ok(())
    }

    /// Whether anything on the pump may be changed at all: evidence stays as it is.
    ///
    /// # Errors
    /// [`Refusal::Held`].
    pub(crate) fn may_change(self) -> Result<(), Refusal> {
        match self.hold {
            Some(HoldKind::SecurityIsolation | HoldKind::Sequestered) => Err(Refusal::Held),
            Some(HoldKind::Clinical) | None => Ok(()),
        }
    }
}

/// What a person reads.
pub(crate) const fn explain(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::InUse => "an infusion is set up or runs, or a patient is attached",
        Refusal::Power => "no mains, and less than 30 % in the battery",
        Refusal::Held => "the pump is held as evidence or isolated",
        Refusal::TicketForged => "no key of this hospital has signed the ticket, or it can not be read",
        Refusal::TicketForAnother => "the ticket is for another pump or other hardware",
        Refusal::TicketExpired => "the ticket is not good yet, or no longer",
        Refusal::TicketSpent => "the ticket was used or given back",
        Refusal::TicketUnknown => "there is no such ticket here",
        Refusal::OtherVersions => "the pump runs other versions than those the ticket starts from",
        Refusal::CounterBelow => "the release's security counter is below the pump's",
        Refusal::MetadataSignature => "the manufacturer's metadata is not signed as its root asks",
        Refusal::MetadataExpired => "the manufacturer's metadata has expired",
        Refusal::MetadataRolledBack => "the manufacturer's metadata is older than what was seen before",
        Refusal::MetadataUnreadable => "the manufacturer does not know the file, or can not be read",
        Refusal::NotTheSameFile => "the ticket and the manufacturer name different files",
        Refusal::FileAltered => "what came is not what was named",
        Refusal::Network => "the download did not come to an end",
        Refusal::Storage => "the flash does not take it",
        Refusal::NothingToReturnTo => "nothing that may start is in the other slot",
        Refusal::Other => "the pump can not do it now",
    }
}
