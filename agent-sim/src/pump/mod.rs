//! One pump: a task that enrols, connects, lives, reports, and comes back after whatever happens to it.

mod backup;
mod deeds;
mod enrol;
mod errands;
mod impostor;
mod line;
mod session;
mod shared;
mod update;

pub(crate) use shared::Shared;
pub use shared::{LinkState, PumpView};

use std::{future::pending, path::Path, sync::Arc, time::Duration};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use thiserror::Error;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use wire::{OrderId, PumpId, reconnect, types::MacAddress};

use crate::{
    blueprint::PumpBlueprint,
    clock::DeviceClock,
    firmware::{Firmware, FlashError},
    identity::{Identity, Slot, StateDir, StateDirError, TrustError},
    life::{Life, Rhythm},
    outbox::{Outbox, OutboxError},
    scenario::Action,
};
use enrol::Renewal;
use errands::Errands;
use session::Ending;

/// A connection that held this long was good: the next wait is a short one again.
const GOOD_CONNECTION: Duration = Duration::from_mins(1);
/// Nothing happens at a finer grain than this.
const GRAIN: Duration = Duration::from_millis(50);
/// How long a pump takes to start.
const BOOT: Duration = Duration::from_secs(3);

/// Why a pump can not go on.
#[derive(Debug, Error)]
pub(crate) enum PumpError {
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Flash(#[from] FlashError),
}

/// Why a pump's task ends.
enum Exit {
    Stopped,
    Failed(PumpError),
}

impl<E: Into<PumpError>> From<E> for Exit {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The certificate in use, and when to replace it.
struct InUse {
    identity: Arc<Identity>,
    slot: Slot,
}

/// One pump.
pub(crate) struct Pump {
    blueprint: Arc<PumpBlueprint>,
    shared: Arc<Shared>,
    dir: StateDir,
    outbox: Outbox,
    life: Life,
    /// Drives life and nothing else, so that the network's moods do not change it.
    fate: ChaCha8Rng,
    /// Spreads waits.
    spread: ChaCha8Rng,
    clock: DeviceClock,
    macs: Vec<MacAddress>,
    actions: mpsc::Receiver<Action>,
    stopping: watch::Receiver<bool>,
    /// No network until then: it was cut, or the pump is starting.
    cut_until: Option<Instant>,
    telemetry_due: Instant,
    garbage: u32,
    flood: u32,
    renewal: Renewal,
    /// Orders that wait for a renewal.
    renewal_orders: Vec<OrderId>,
    impostor: Option<JoinHandle<()>>,
    firmware: Firmware,
    errands: Errands,
    /// From its certificate, once it has one.
    known_as: Option<PumpId>,
    /// A restart waits for reports, but not beyond this.
    leaving_by: Option<Instant>,
    interruptions_counted: u64,
}

impl Pump {
    /// Opens what the pump kept.
    ///
    /// # Errors
    /// [`PumpError`] when its directory can not be used.
    pub(crate) fn wake(
        shared: Arc<Shared>,
        blueprint: Arc<PumpBlueprint>,
        state_dir: &Path,
        rhythm: Rhythm,
        actions: mpsc::Receiver<Action>,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self, PumpError> {
        let dir = StateDir::open(state_dir, &blueprint.serial)?;
        let outbox = Outbox::open(dir.file("journal"))?;
        let firmware = Firmware::open(
            dir.file("firmware"),
            update::factory(&blueprint),
            blueprint.faults.clone(),
        )?;
        let mut fate = ChaCha8Rng::seed_from_u64(blueprint.seed);
        let mut spread = ChaCha8Rng::seed_from_u64(blueprint.seed ^ 1);
        let now = shared.clock.life();
        let life = Life::new(
            Arc::clone(&blueprint),
            rhythm,
            outbox.hold().cloned(),
            now,
            &mut fate,
        );
        let mut pump = Self {
            clock: DeviceClock::draw(now, &mut spread),
            macs: blueprint.macs.clone(),
            blueprint,
            shared,
            dir,
            outbox,
            life,
            fate,
            spread,
            actions,
            stopping,
            cut_until: None,
            telemetry_due: Instant::now(),
            garbage: 0,
            flood: 0,
            renewal: Renewal::default(),
            renewal_orders: Vec::new(),
            impostor: None,
            firmware,
            errands: Errands::default(),
            known_as: None,
            leaving_by: None,
            interruptions_counted: 0,
        };
        pump.start_firmware();
        Ok(pump)
    }

    /// Notes that a pump can not go on, and why.
    pub(crate) fn give_up(shared: &Shared, index: usize, error: &PumpError) {
        shared.counters.failed.one();
        shared.see(index, |view| {
            view.link = LinkState::Failed;
            view.problem = Some(error.to_string());
        });
    }

    /// Lives until it is told to stop, or can not go on.
    pub(crate) async fn run(mut self) {
        if let Err(Exit::Failed(error)) = self.live().await {
            Self::give_up(&self.shared, self.blueprint.index, &error);
        }
        if let Some(impostor) = self.impostor.take() {
            impostor.abort();
        }
    }

    async fn live(&mut self) -> Result<(), Exit> {
        self.tick();
        let jitter = self.shared.ramp.mul_f64(self.spread.random());
        self.stay_offline(Instant::now() + jitter).await?;
        // Enrolment is over once and for all; its large future must not stay with the pump.
        Box::pin(self.enrol()).await?;
        self.shared
            .see(self.blueprint.index, |view| view.link = LinkState::Offline);
        self.report_inventory();

        let mut attempt = 0;
        loop {
            self.stay_offline(Instant::now()).await?;
            let in_use = self.identity_for(attempt)?;
            let wait = match self.session(&in_use).await? {
                Ending::Stopped => return Err(Exit::Stopped),
                Ending::Renewed => {
                    attempt = 0;
                    Duration::ZERO
                }
                Ending::OffAir => {
                    attempt = 0;
                    reconnect::delay(0, self.spread.random())
                }
                Ending::Lost { held } => {
                    if held >= GOOD_CONNECTION {
                        attempt = 0;
                    }
                    let wait = reconnect::delay(attempt, self.spread.random());
                    attempt = attempt.saturating_add(1);
                    wait
                }
            };
            self.stay_offline(Instant::now() + wait).await?;
        }
    }

    /// The renewed identity if there is one, but every other time the old one: it is kept until the new one was used.
    fn identity_for(&mut self, attempt: u32) -> Result<InUse, Exit> {
        let next = if attempt.is_multiple_of(2) {
            self.dir.identity(Slot::Next)?
        } else {
            None
        };
        let (identity, slot) = match next {
            Some(identity) => (Some(identity), Slot::Next),
            None => (self.dir.identity(Slot::Current)?, Slot::Current),
        };
        // Enrolment ended with one; if somebody has removed it since, that is a fault of the directory.
        let identity = Arc::new(identity.ok_or_else(|| StateDirError::Malformed {
            path: self.dir.file("identity.pem"),
            problem: "the certificate is gone".to_owned(),
        })?);
        self.known_as = Some(identity.id);
        self.renewal.plan_for(&identity, slot, &mut self.spread);
        Ok(InUse { identity, slot })
    }

    /// Lives without a network until `until`, and for as long after that as there is none.
    async fn stay_offline(&mut self, until: Instant) -> Result<(), Exit> {
        loop {
            self.tick();
            let now = Instant::now();
            if now >= until && self.on_air(now) {
                return Ok(());
            }
            let mut wake = self.next_of_life();
            if now < until {
                wake = wake.min(until);
            }
            if let Some(cut) = self.cut_until.filter(|cut| *cut > now) {
                wake = wake.min(cut);
            }
            tokio::select! {
                () = sleep_until(wake.max(now + GRAIN)) => {}
                action = receive(&mut self.actions) => self.act(action),
                home = self.errands.home() => self.errand_home(home),
                () = stopped(&mut self.stopping) => return Err(Exit::Stopped),
            }
        }
    }

    /// Whether there is a network to be had.
    fn on_air(&self, now: Instant) -> bool {
        self.life.reachable() && self.cut_until.is_none_or(|cut| cut <= now)
    }

    /// When life or firmware next needs a look; an hour from now if nothing is planned.
    fn next_of_life(&self) -> Instant {
        let life = self.life.next_moment().map_or_else(
            || Instant::now() + Duration::from_hours(1),
            |at| self.shared.clock.instant_of(at),
        );
        self.next_of_firmware()
            .map_or(life, |firmware| life.min(firmware))
    }
}

/// The next action; never, when there will be none any more.
async fn receive(actions: &mut mpsc::Receiver<Action>) -> Action {
    match actions.recv().await {
        Some(action) => action,
        None => pending().await,
    }
}

/// Waits for the simulation to stop, or to be dropped.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests;
