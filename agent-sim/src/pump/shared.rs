//! What the pumps of one simulation have in common.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::sync::Semaphore;
use wire::{
    PumpId,
    types::{Activity, Component, SecurityCounter},
};

use crate::{
    clock::SimClock,
    fleet::{Endpoint, TokenSource},
    identity::{EstClient, Trust},
    stats::Counters,
};

/// How far a pump is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It has no certificate yet.
    #[default]
    Enrolling,
    /// It has one, and no connection.
    Offline,
    /// It is connected.
    Connected,
    /// It gave up; its view says why.
    Failed,
}

/// A look at one pump from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PumpView {
    pub serial: String,
    /// From its certificate.
    pub id: Option<PumpId>,
    pub link: LinkState,
    /// None while it is off.
    pub activity: Option<Activity>,
    pub patient_attached: bool,
    /// `Some(false)` is a hold that waits until the pump is free.
    pub hold_in_force: Option<bool>,
    /// Reports that wait for an acknowledgement.
    pub reports_pending: usize,
    /// What runs, once it has started for the first time.
    pub components: Vec<Component>,
    pub counter: SecurityCounter,
    /// What runs is on trial.
    pub trial: bool,
    /// How often it said that it switches to new firmware.
    pub activations: u64,
    /// The last thing that went wrong.
    pub problem: Option<String>,
}

/// What the pumps of one simulation have in common.
pub(crate) struct Shared {
    pub(crate) clock: SimClock,
    pub(crate) gateway: Endpoint,
    pub(crate) trust: Arc<Trust>,
    pub(crate) est: EstClient,
    /// `https://host:port` of the bulk listener, which is the EST server's.
    pub(crate) bulk: String,
    pub(crate) tokens: TokenSource,
    /// So that a fleet does not enrol with ten thousand handshakes at once.
    pub(crate) enrolling: Semaphore,
    pub(crate) telemetry_interval: Duration,
    /// Over how long the fleet's first steps are spread.
    pub(crate) ramp: Duration,
    pub(crate) counters: Counters,
    pub(crate) views: Vec<Mutex<PumpView>>,
}

impl Shared {
    /// Changes the view of a pump.
    pub(crate) fn see(&self, index: usize, change: impl FnOnce(&mut PumpView)) {
        if let Some(view) = self.views.get(index) {
            change(&mut view.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}
