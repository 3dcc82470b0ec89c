//! A hold with everything that its release stands on. Whoever signs is shown all of it, and a signature stands only while all of it
//! is so: another retest, another reading, other firmware, and it is void.

use fleet::{
    Timestamp,
    check::CheckOutcome,
    id::{AccountId, HoldId},
    pump::{HoldKind, Pump},
    rollout::gate::{HoldFacts, Retest, Signed, Unmet, before_release_from_hold},
    signature::{Meaning, SignatureState, Subject, SubjectKind, content_hash},
};
use serde_json::{Value, json};
use store::{Db, HoldRecord, StoreError};

use super::{
    super::subject::NotReady,
    retest::{Tested, tested},
};

/// A hold, its pump, its newest retest, and who signed.
#[derive(Debug)]
pub struct Whole {
    pub hold: HoldRecord,
    pub pump: Pump,
    /// The newest attempt, if there was any.
    pub retest: Option<Tested>,
    /// What is signed.
    pub content: Value,
    pub(crate) subject: Subject,
    pub(crate) signed: Vec<Signed>,
}

impl Whole {
    /// Reads it as it is now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn load(db: &mut Db<'_>, id: HoldId, now: Timestamp) -> Result<Self, StoreError> {
        let hold = db.hold_fetch(id)?;
        let pump = db.pump_fetch(hold.pump)?;
        let retest = match db.retest_of(id)?.into_iter().next() {
            Some(record) => Some(tested(db, record, now)?),
            None => None,
        };
        let model = db.model_list()?.into_iter().find(|model| model.id == pump.model);
        let content = json!({
            "pump": {
                "serial": pump.serial,
                "manufacturer": model.as_ref().map(|model| &model.manufacturer_name),
                "model": model.as_ref().map(|model| &model.name),
                "hardware_id": pump.hardware_id,
                "components": pump.components,
            },
            "kind": hold.kind,
            "reason": hold.reason,
            "since": hold.since,
            "set_by": hold.set_by,
            "evidence": hold.evidence,
            "retest": retest.as_ref().map(of_retest),
        });
        let attempts = retest.as_ref().map_or(0, |retest| retest.record.attempt);
        let subject = Subject {
            kind: SubjectKind::Hold,
            id: id.as_uuid(),
            version: attempts.saturating_add(1),
            content_hash: content_hash(SubjectKind::Hold, &content),
        };
        let signed = db
            .signature_of(SubjectKind::Hold, id.as_uuid())?
            .iter()
            .filter_map(|record| Signed::of(&record.statement, Some(&subject)))
            .collect();
        Ok(Self {
            hold,
            pump,
            retest,
            content,
            subject,
            signed,
        })
    }

    /// What is still missing for a release: all of it.
    #[must_use]
    pub fn unmet(&self) -> Vec<Unmet> {
        before_release_from_hold(&HoldFacts {
            kind: self.hold.kind,
            care_area: self.pump.care_area,
            retest: self.retest.as_ref().map(|retest| Retest {
                outcome: retest.evaluation.outcome,
                run_by: retest.run_by.clone(),
            }),
            signatures: self.signed.clone(),
        })
    }

    /// The signatures that stand.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Signed> {
        self.signed
            .iter()
            .filter(|signed| signed.state == SignatureState::Valid)
    }

    /// Why it can not be signed so at this moment.
    pub(crate) fn obstacle(&self, meaning: Option<Meaning>) -> Option<NotReady> {
        let outcome = self.retest.as_ref().map(|retest| retest.evaluation.outcome);
        if self.pump.retired_at.is_some() {
            Some(NotReady::Retired)
        } else if let Some(at) = self.hold.ended_at {
            Some(NotReady::HoldOver { at })
        } else if self.hold.kind == HoldKind::Sequestered {
            Some(NotReady::Evidence)
        } else if outcome != Some(CheckOutcome::Passed) {
            Some(NotReady::NotRetested {
                at: outcome.map_or("no retest was begun", CheckOutcome::label),
            })
        } else if self.pump.care_area.is_none() {
            Some(NotReady::NoCareArea)
        } else if meaning == Some(Meaning::ReleasedFromHoldSecurity)
            && self.hold.kind != HoldKind::SecurityIsolation
        {
            Some(NotReady::NotAsked {
                at: "the pump is not isolated",
            })
        } else {
            None
        }
    }

    /// S12: who can not say this of it. Who ran the retest signs for biomed at most, and nobody signs two parts.
    pub(crate) fn not_by(&self, meaning: Option<Meaning>) -> Vec<AccountId> {
        let Some(meaning) = meaning else {
            return Vec::new();
        };
        let mut barred: Vec<_> = self
            .standing()
            .filter(|signed| signed.meaning != meaning)
            .map(|signed| signed.account)
            .collect();
        if meaning == Meaning::ReleasedFromHoldNurse {
            let ran = self.retest.iter().flat_map(|retest| &retest.run_by);
            barred.extend(ran);
        }
        barred
    }
}

fn of_retest(retest: &Tested) -> Value {
    let record = &retest.record;
    json!({
        "attempt": record.attempt,
        "begun_at": record.begun_at,
        "begun_by": record.begun_by,
        "release": record.release,
        "components": retest.components,
        "results": retest.evaluation.fields(),
    })
}
