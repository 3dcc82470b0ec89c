//! How a pump comes to a certificate, and to the next one.

use std::{sync::Arc, time::Duration};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use wire::{Timestamp, message::OrderOutcome, reconnect};

use super::{Exit, InUse, Pump, stopped};
use crate::identity::{EstError, Identity, Issued, Slot, renewal_at, renewal_retry};

/// How long a pump waits after it was refused: somebody has to do something first.
const REFUSED: Duration = reconnect::LONGEST;

/// What a renewal task brings home.
pub(super) struct Renewed {
    key: KeyPair,
    answer: Result<Issued, EstError>,
}

/// The next certificate, on its way or planned.
#[derive(Default)]
pub(super) struct Renewal {
    /// By real time; none while a renewed identity waits for its first use.
    due: Option<Timestamp>,
    /// The certificate that `due` was drawn for.
    drawn_for: Option<CertificateDer<'static>>,
    task: Option<JoinHandle<Renewed>>,
}

impl Renewal {
    /// Draws the moment, once per certificate.
    pub(super) fn plan_for(&mut self, identity: &Identity, slot: Slot, spread: &mut ChaCha8Rng) {
        if slot == Slot::Next {
            self.due = None;
        } else if self.drawn_for.as_ref() != identity.chain.first() {
            self.drawn_for = identity.chain.first().cloned();
            self.due = Some(renewal_at(
                identity.not_before,
                identity.not_after,
                spread.random(),
            ));
        }
    }

    /// The renewed identity was used: the next renewal is planned for it.
    pub(super) fn promoted(&mut self, identity: &Identity, spread: &mut ChaCha8Rng) {
        self.plan_for(identity, Slot::Current, spread);
    }

    /// When the clock should be looked at for it.
    pub(super) const fn due(&self) -> Option<Timestamp> {
        if self.task.is_some() { None } else { self.due }
    }

    /// Waits for the task, if there is one.
    pub(super) async fn finished(&mut self) -> Option<Renewed> {
        let Some(task) = &mut self.task else {
            return std::future::pending().await;
        };
        let renewed = task.await.ok();
        self.task = None;
        renewed
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Pump {
    /// Asks until there is a certificate.
    pub(super) async fn enrol(&mut self) -> Result<(), Exit> {
        let mut attempt = 0;
        loop {
            if let Some(identity) = self.dir.identity(Slot::Current)? {
                self.shared.counters.enrolled.one();
                self.shared.see(self.blueprint.index, |view| {
                    view.id = Some(identity.id);
                    view.problem = None;
                });
                return Ok(());
            }
            let wait = match self.ask_for_first().await? {
                None => continue,
                Some(error) => {
                    self.trouble(&error);
                    if error.is_refusal() {
                        self.shared.counters.refused.one();
                    }
                    error.wait().unwrap_or_else(|| {
                        let spread = self.spread.random();
                        if error.is_refusal() {
                            REFUSED.mul_f64(0.5 + spread / 2.0)
                        } else {
                            reconnect::delay(attempt, spread)
                        }
                    })
                }
            };
            attempt = attempt.saturating_add(1);
            tokio::select! {
                () = sleep_until(Instant::now() + wait) => {}
                () = stopped(&mut self.stopping) => return Err(Exit::Stopped),
            }
        }
    }

    /// One attempt. None means that a certificate was kept.
    async fn ask_for_first(&mut self) -> Result<Option<EstError>, Exit> {
        let key = self.dir.key(Slot::Current)?;
        let learned = self.dir.anchors()?;
        let serial = &self.blueprint.serial;
        let Some(token) = (self.shared.tokens)(serial.as_str()) else {
            return Ok(Some(EstError::Refused {
                status: 0,
                reason: "there is no enrolment token for this serial number; ask for one".to_owned(),
            }));
        };
        let exchange = async {
            let _turn = self.shared.enrolling.acquire().await;
            self.shared.est.enrol(serial, &token, &key, &learned).await
        };
        let answer = tokio::select! {
            answer = exchange => answer,
            () = stopped(&mut self.stopping) => return Err(Exit::Stopped),
        };
        self.keep(Slot::Current, &key, answer).map(Result::err)
    }

    /// Checks that what was issued is ours, and keeps it.
    fn keep(
        &self,
        slot: Slot,
        key: &KeyPair,
        answer: Result<Issued, EstError>,
    ) -> Result<Result<(), EstError>, Exit> {
        let issued = match answer {
            Ok(issued) => issued,
            Err(error) => return Ok(Err(error)),
        };
        let identity = match Identity::assemble(key, issued.certificates) {
            Ok(identity) => identity,
            Err(error) => return Ok(Err(error.into())),
        };
        self.dir.save_anchors(&issued.anchors)?;
        self.dir.save(slot, key, &identity.chain)?;
        Ok(Ok(()))
    }

    /// Starts a renewal if one is due.
    pub(super) fn renew_if_due(&mut self, in_use: &InUse) -> Result<(), Exit> {
        if self
            .renewal
            .due()
            .is_none_or(|due| self.shared.clock.wall() < due)
        {
            return Ok(());
        }
        let key = self.dir.key(Slot::Next)?;
        let learned = self.dir.anchors()?;
        let shared = Arc::clone(&self.shared);
        let identity = Arc::clone(&in_use.identity);
        self.renewal.task = Some(tokio::spawn(async move {
            let _turn = shared.enrolling.acquire().await;
            let answer = shared.est.renew(&identity, &key, &learned).await;
            Renewed { key, answer }
        }));
        Ok(())
    }

    /// Takes in what the renewal brought. True if there is a new identity to be used.
    pub(super) fn renewed(&mut self, in_use: &InUse, renewed: Option<Renewed>) -> Result<bool, Exit> {
        let identity = &in_use.identity;
        let later = renewal_retry(identity.not_before, identity.not_after);
        // A task that died is tried again like one that failed.
        let outcome = match renewed {
            Some(renewed) => self.keep(Slot::Next, &renewed.key, renewed.answer)?,
            None => Err(EstError::Pending { after: REFUSED }),
        };
        let (result, reason) = match &outcome {
            Ok(()) => (OrderOutcome::Done, None),
            Err(error) => (OrderOutcome::Refused, Some(error.to_string())),
        };
        for order in std::mem::take(&mut self.renewal_orders) {
            self.answer(order, result, reason.as_deref());
            self.note(order);
        }
        match outcome {
            Ok(()) => {
                self.renewal.due = None;
                Ok(true)
            }
            Err(error) => {
                if error.is_refusal() {
                    self.shared.counters.refused.one();
                }
                self.trouble(&error);
                let wait = error
                    .wait()
                    .and_then(|wait| chrono::TimeDelta::from_std(wait).ok())
                    .unwrap_or(later);
                self.renewal.due = Some(self.shared.clock.wall() + wait);
                Ok(false)
            }
        }
    }

    /// A renewal was ordered.
    pub(super) fn renew_now(&mut self) {
        self.renewal.due = Some(self.shared.clock.wall());
    }
}
