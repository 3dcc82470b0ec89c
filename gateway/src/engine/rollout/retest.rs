//! What a held pump says of its retest. It is believed under its own signature only, for the attempt that it was asked for, and while
//! the hold stands: what was signed for does not change afterwards.

use fleet::{
    audit::Action,
    event::{Event, EventKind},
    id::{CheckResultId, EventId, HoldId},
};
use serde_json::json;
use store::{Db, RetestRecord, RetestResult, StoreError};
use wire::{envelope::Sealed, retest::Retest};

use super::{
    facts::corrupt,
    report::{RESULTS_MAX, Reading, sealed_text},
};
use crate::{command::hold::retest::Reported, deed::Deed, fresh};

impl Reading<'_> {
    /// A report of kind `retest`.
    pub(crate) fn retest(&mut self, db: &mut Db<'_>, signed: &Sealed) -> Result<(), StoreError> {
        let document: Retest = match self.verified(db, signed)? {
            Ok(document) => document,
            Err(why) => return self.strange(db, &format!("its retest is not believed: {why}")),
        };
        let Some((hold, retest)) = self.asked_for(db, &document)? else {
            let what = format!("reports the retest {}, which nobody asked of it", document.retest);
            return self.strange(db, &what);
        };
        if db.retest_result_of(retest.id)?.len() >= RESULTS_MAX {
            return self.strange(db, "reports its retest more often than anybody asks");
        }
        let reported = Reported {
            components: document.components,
            results: document.results,
        };
        db.retest_result_create(&RetestResult {
            id: CheckResultId::from_uuid(fresh::uuid(self.now)),
            retest: retest.id,
            at: self.now,
            account: None,
            body: serde_json::to_value(&reported).map_err(|error| corrupt("keep a retest", error))?,
            envelope: Some(sealed_text(signed)),
        })?;
        let deed = Deed::of(Action::RetestReported, "hold", hold)
            .after(json!({ "retest": retest.id, "attempt": retest.attempt }));
        db.audit_append(deed.by_pump(self.pump, self.now))?;
        db.event_record(&[Event {
            id: EventId::from_uuid(fresh::uuid(self.now)),
            at: self.now,
            kind: EventKind::Retest,
            pump: Some(self.pump),
            detail: format!("the pump reported its retest {}", retest.attempt),
        }])
    }

    /// The attempt, if it is one for a hold that stands on this pump.
    fn asked_for(
        &self,
        db: &mut Db<'_>,
        document: &Retest,
    ) -> Result<Option<(HoldId, RetestRecord)>, StoreError> {
        let Some(retest) = db.retest_find(document.retest)? else {
            return Ok(None);
        };
        let standing = db.hold_standing(self.pump)?;
        Ok(standing
            .filter(|hold| hold.id == retest.hold)
            .map(|hold| (hold.id, retest)))
    }
}
