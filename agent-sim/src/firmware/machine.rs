//! The machine: orders and moments come in, flash changes, reports come out. It knows no network and no clock.
//!
//! Whatever it decides, it writes before it does it. A start reads what was written and goes on from there.

use std::{path::PathBuf, sync::Arc};

use chrono::TimeDelta;
use wire::{
    PumpId, Timestamp,
    message::{DrugLibrary, SoftwareState, UpdateStage},
    ticket::Ticket,
    types::{Component, HardwareId, Name, SecurityCounter},
};

use super::{
    Fault, Faults, Job, Safety,
    fetch::Fetch,
    flash::{Flash, FlashError},
    saying::{progress, retitle},
    state::{Contents, Saying, Stage, State, Unopened},
};

/// How long a restart takes, on the life clock.
const RESTART: TimeDelta = TimeDelta::seconds(40);
/// How long a check takes.
const CHECK: TimeDelta = TimeDelta::seconds(5);
/// Starts on trial before the pump takes the old firmware again: the power may fail once or twice.
const STARTS: u8 = 4;

/// Whose firmware it is.
#[derive(Debug, Clone)]
pub(crate) struct Me {
    pub(crate) pump: PumpId,
    pub(crate) hardware: HardwareId,
    /// The name of the drug library, if the pump has one. Its version is that of the component.
    pub(crate) library: Option<Name>,
}

impl Me {
    /// The drug library among these components.
    pub(crate) fn library(&self, components: &[Component]) -> Option<DrugLibrary> {
        let component = components
            .iter()
            .find(|component| component.name.as_str() == "drug-library")?;
        Some(DrugLibrary {
            name: self.library.clone()?,
            version: component.version.clone(),
        })
    }
}

/// A moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// On the clock by which restarts and checks take their time.
    pub(crate) life: Timestamp,
    /// By which tickets expire.
    pub(crate) trusted: Timestamp,
    /// On the pump's own clock.
    pub(crate) shown: Timestamp,
    pub(crate) safety: Safety,
}

/// What the processor does. Lost with the power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Running {
    Normally,
    /// The slots are switched; what was said of it goes out first.
    Leaving,
    Restarting {
        until: Timestamp,
    },
    /// On trial. Without an end the results are never told.
    Checking {
        until: Option<Timestamp>,
    },
    /// Something runs, and is never heard of.
    Mute,
}

/// A pump's firmware.
#[derive(Debug)]
pub(crate) struct Firmware {
    pub(super) flash: Flash,
    pub(super) state: State,
    pub(crate) faults: Faults,
    pub(super) running: Running,
}

impl Firmware {
    /// Opens what was kept. A new pump has these contents in its first slot.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn open(dir: PathBuf, factory: Contents, faults: Faults) -> Result<Self, FlashError> {
        Self::on(Flash::open(dir)?, factory, faults)
    }

    /// Nothing is written before something changes: most pumps of a fleet never see an update.
    pub(super) fn on(flash: Flash, factory: Contents, faults: Faults) -> Result<Self, FlashError> {
        let state = flash.state()?.unwrap_or_else(|| State::new(factory));
        Ok(Self {
            flash,
            state,
            faults,
            running: Running::Normally,
        })
    }

    /// The power is on. A slot on trial starts, or the other one if it does not.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn start(&mut self, life: Timestamp) -> Result<(), FlashError> {
        self.running = Running::Normally;
        let Some(update) = self
            .state
            .update
            .as_ref()
            .filter(|update| update.stage.is_trial())
        else {
            return Ok(());
        };
        if update.starts >= STARTS || self.faults.has(Fault::TrialBootFails) {
            return self.go_back("the new firmware did not start");
        }
        let checks = i32::try_from(update.checks.len()).unwrap_or(i32::MAX).max(1);
        let silent = self.faults.has(Fault::SilentAfterActivation);
        self.change(|state| {
            let Some(update) = &mut state.update else { return };
            update.stage = Stage::Trial;
            update.starts = update.starts.saturating_add(1);
            let ticket = update.ticket.id;
            if !silent {
                state.to_say.extend([
                    progress(ticket, UpdateStage::TrialBoot),
                    Saying::Inventory,
                    progress(ticket, UpdateStage::ChecksBegun),
                ]);
            }
        })?;
        self.running = if silent {
            Running::Mute
        } else {
            let untold = self.faults.has(Fault::ChecksNeverReported);
            Running::Checking {
                until: (!untold).then(|| life + CHECK * checks),
            }
        };
        self.strike(Fault::PowerLossTrial)
    }

    /// Lets the moment pass: what is due happens, and what waits for safety if it is safe.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn poll(&mut self, me: &Me, now: Now) -> Result<(), FlashError> {
        match self.running {
            Running::Restarting { until } if now.life >= until => self.start(now.life)?,
            Running::Checking { until: Some(until) } if now.life >= until => self.commit(me, now)?,
            _ => {}
        }
        match self.running {
            Running::Normally | Running::Checking { .. } => {
                self.fulfil(me, now)?;
            }
            Running::Leaving | Running::Restarting { .. } | Running::Mute => {}
        }
        if self.running == Running::Normally {
            self.check_again(me, now)?;
        }
        Ok(())
    }

    /// When it next needs a look, on the life clock.
    pub(crate) const fn due(&self) -> Option<Timestamp> {
        match self.running {
            Running::Restarting { until } => Some(until),
            Running::Checking { until } => until,
            Running::Normally | Running::Leaving | Running::Mute => None,
        }
    }

    /// Whether it restarts once its reports are out.
    pub(crate) fn is_leaving(&self) -> bool {
        self.running == Running::Leaving
    }

    /// The reports are out, or had their time.
    pub(crate) fn leave(&mut self, life: Timestamp) {
        let restarts = self
            .state
            .update
            .as_ref()
            .map_or(1, |update| update.restarts.max(1));
        self.running = Running::Restarting {
            until: life + RESTART * i32::from(restarts),
        };
    }

    /// Whether the pump has no network because of its firmware.
    pub(crate) const fn is_off_air(&self) -> bool {
        matches!(self.running, Running::Restarting { .. } | Running::Mute)
    }

    /// Whether the pump may be used: neither while it restarts nor on trial.
    pub(crate) fn is_usable(&self) -> bool {
        self.running == Running::Normally && !self.state.is_trial()
    }

    /// The order whose ticket is to be opened next.
    pub(crate) fn to_open(&self) -> Option<&Unopened> {
        self.state.unopened.first()
    }

    /// The update that wants to be fetched.
    pub(crate) fn to_fetch(&self) -> Option<&Ticket> {
        let update = self.state.update.as_ref()?;
        (update.stage == Stage::Fetching).then_some(&update.ticket)
    }

    /// The download of a ticket into the other slot, over a good link from a pump with no manufacturer.
    pub(crate) fn job(&self, ticket: Ticket, fetch: Arc<dyn Fetch>) -> Job {
        Job {
            ticket,
            fetch,
            pinned: None,
            stores: PathBuf::new(),
            flash: self.flash.clone(),
            slot: self.state.other(),
            breaks_after: None,
            power_fails: false,
        }
    }

    /// What runs.
    pub(crate) fn components(&self) -> &[Component] {
        self.state.components()
    }

    pub(crate) const fn counter(&self) -> SecurityCounter {
        self.state.counter
    }

    /// The slots, as the inventory tells them.
    pub(crate) fn software(&self) -> SoftwareState {
        SoftwareState {
            active: self.state.active,
            trial: self.state.is_trial(),
            other_counter: self.state.slot(self.state.other()).map(|slot| slot.counter),
        }
    }

    /// What is to be reported, oldest first. During a restart nothing can be.
    pub(crate) fn sayings(&self) -> &[Saying] {
        match self.running {
            Running::Restarting { .. } | Running::Mute => &[],
            Running::Normally | Running::Leaving | Running::Checking { .. } => &self.state.to_say,
        }
    }

    /// That was reported.
    ///
    /// # Errors
    /// [`FlashError`]; it is then reported once more.
    pub(crate) fn said(&mut self) -> Result<(), FlashError> {
        self.change(|state| state.to_say.clear())
    }

    /// Somebody installs something at the pump itself, without a ticket.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn sideload(&mut self) -> Result<(), FlashError> {
        self.change(|state| {
            let active = state.active;
            if let Some(main) = state.slot_mut(active).as_mut().and_then(|slot| {
                slot.components
                    .iter_mut()
                    .find(|component| component.name.as_str() == "main")
            }) {
                retitle(main, "service");
            }
            state.to_say.push(Saying::Inventory);
        })
    }

    /// On flash first, then in memory.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut State)) -> Result<(), FlashError> {
        let mut next = self.state.clone();
        change(&mut next);
        if next != self.state {
            self.flash.keep(&next)?;
            self.state = next;
        }
        Ok(())
    }

    /// The power fails here, if that fault is set.
    pub(super) fn strike(&mut self, fault: Fault) -> Result<(), FlashError> {
        if self.faults.strike(fault) {
            Err(FlashError::PowerLost)
        } else {
            Ok(())
        }
    }
}
