//! What was read of a pump after an update, as the rules of checks take it.

use chrono::TimeDelta;
use fleet::{
    Timestamp,
    check::{Attempt, AutomaticReport, AutomaticResult, Evaluation, ManualResult, Reading, evaluate},
    id::{AccountId, PumpId},
    release::Manifest,
    signature::{Digest, ZonedTime},
    text::{CheckId, InstrumentId},
};
use serde::{Deserialize, Serialize};
use store::{AssignmentRecord, CheckRecord, Db, StoreError};

use crate::command::rollout::BenchReading;

/// What a person read, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entered {
    pub(crate) check: CheckId,
    pub(crate) reading: Option<Reading>,
    pub(crate) instrument: Option<EnteredInstrument>,
    pub(crate) read_at: Timestamp,
    pub(crate) offset_minutes: i32,
}

/// With what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EnteredInstrument {
    pub(crate) id: InstrumentId,
    pub(crate) calibrated_until: chrono::NaiveDate,
}

impl Entered {
    /// What a person enters at this moment, by the hospital's clocks.
    pub(crate) fn now(bench: &BenchReading, now: Timestamp, offset: chrono::FixedOffset) -> Self {
        Self {
            check: bench.check.clone(),
            reading: bench.reading,
            instrument: bench
                .instrument
                .clone()
                .map(|(id, calibrated_until)| EnteredInstrument { id, calibrated_until }),
            read_at: now,
            offset_minutes: offset.local_minus_utc() / 60,
        }
    }

    /// As the rules take it; nothing where it was not written down whole.
    pub(crate) fn result(self, person: AccountId) -> Option<ManualResult> {
        let offset = chrono::FixedOffset::east_opt(self.offset_minutes.checked_mul(60)?)?;
        Some(ManualResult {
            check: self.check,
            reading: self.reading,
            person,
            instrument: self.instrument.map(|instrument| fleet::check::Instrument {
                id: instrument.id,
                calibrated_until: instrument.calibrated_until,
            }),
            read_at: ZonedTime::new(self.read_at, offset),
        })
    }
}

/// The SHA-256 of the drug library that the hospital approved for a pump, as it is now.
pub(crate) fn approved_library(db: &mut Db<'_>, pump: PumpId) -> Result<Option<Digest>, StoreError> {
    let model = db.pump_fetch(pump)?.model;
    let newest = db.drug_library_history(model)?.into_iter().next();
    Ok(newest.and_then(|said| said.sha256))
}

/// What an update has to prove, and by when.
pub(crate) struct Asked<'a> {
    pub(crate) manifest: &'a Manifest,
    /// The SHA-256 of the drug library that is approved for the pump.
    pub(crate) library: Option<Digest>,
    /// How long after the new firmware came up.
    pub(crate) deadline: TimeDelta,
}

/// What the results of an assignment come to; nothing before the new firmware runs. What can not be read proves nothing.
pub(crate) fn evaluation(
    assignment: &AssignmentRecord,
    asked: &Asked<'_>,
    results: &[CheckRecord],
    now: Timestamp,
) -> Option<Evaluation> {
    let since = assignment.booted_at?;
    let due = since
        .checked_add_signed(asked.deadline)
        .unwrap_or(Timestamp::MAX_UTC);
    let newest = results.iter().map(|result| result.attempt).max().unwrap_or(1);
    let mut automatic = Vec::new();
    let mut manual = Vec::new();
    for result in results.iter().filter(|result| result.attempt == newest) {
        match result.account {
            None => {
                let results: Vec<AutomaticResult> =
                    serde_json::from_value(result.body.clone()).unwrap_or_default();
                automatic.push(AutomaticReport {
                    received_at: result.at,
                    results,
                });
            }
            Some(person) => {
                let entered: Option<Entered> = serde_json::from_value(result.body.clone()).ok();
                manual.extend(entered.and_then(|entered| entered.result(person)));
            }
        }
    }
    Some(evaluate(&Attempt {
        plan: &asked.manifest.checks,
        approved_library: asked.library,
        since,
        automatic_due: due,
        manual_due: due,
        automatic: &automatic,
        manual: &manual,
        now,
    }))
}
