//! Checks that are run again, because the pump is held and people want to know whether it was mended.

use wire::{
    OrderId, RetestId,
    message::{AskedCheck, OrderOutcome, Refusal},
};

use super::{
    Fault, Me, Now, checks,
    flash::FlashError,
    interlock::explain,
    machine::Firmware,
    saying::{done, reason, refusal_of},
    state::{Asked, Saying},
};

impl Firmware {
    /// `run_checks`: at once if the pump is free, else as soon as it is. It has one such order in hand.
    ///
    /// # Errors
    /// [`FlashError`].
    pub(crate) fn order_checks(
        &mut self,
        order: OrderId,
        retest: RetestId,
        checks: &[AskedCheck],
        now: Now,
    ) -> Result<(), FlashError> {
        if let Err(refusal) = now.safety.may_change() {
            return self.change(|state| state.to_say.push(refusal_of(order, refusal, None)));
        }
        self.change(|state| {
            if let Some(before) = state.asked.take() {
                let why = Some("another retest was ordered");
                state.to_say.push(refusal_of(before.order, Refusal::Other, why));
            }
            state.asked = Some(Asked {
                order,
                retest,
                checks: checks.to_vec(),
            });
            if !now.safety.free {
                state.to_say.push(Saying::Answer {
                    order,
                    outcome: OrderOutcome::WhenFree,
                    reason: reason(explain(Refusal::InUse)),
                });
            }
        })
    }

    /// Runs what waits, if the pump is free at this very moment. One whose results are never heard of runs them in vain.
    pub(super) fn check_again(&mut self, me: &Me, now: Now) -> Result<(), FlashError> {
        let Some(asked) = &self.state.asked else {
            return Ok(());
        };
        if now.safety.may_change().is_err() {
            let refusal = refusal_of(asked.order, Refusal::Held, None);
            return self.change(|state| {
                state.asked = None;
                state.to_say.push(refusal);
            });
        }
        if !now.safety.free || self.faults.has(Fault::ChecksNeverReported) {
            return Ok(());
        }
        let components = self.state.components().to_vec();
        let results = checks::run_again(&asked.checks, &self.faults, me.library(&components).as_ref());
        let (order, retest) = (asked.order, asked.retest);
        self.change(|state| {
            state.asked = None;
            state.to_say.push(Saying::Retest {
                retest,
                at: now.shown,
                components,
                counter: state.counter,
                results,
            });
            state.to_say.push(done(order));
        })
    }
}
