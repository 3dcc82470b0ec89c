//! All results of one attempt against the plan: a verdict per check, one outcome for the pump, and what is signed for.

use serde_json::{Value, json};
use thiserror::Error;

use super::{
    AutomaticReport, AutomaticResult, CheckKind, CheckOutcome, CheckSpec, Conduct, Expectation, FailReason,
    ManualResult, NotRunReason, Verdict, judge,
};
use crate::{
    Timestamp,
    id::AccountId,
    signature::{Digest, ZonedTime, canonical},
    text::CheckId,
};

/// Everything that is known of one attempt. A retest is a new attempt, with results and deadlines of its own.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The checks of the release.
    pub plan: &'a [CheckSpec],
    /// The SHA-256 of the drug library that the hospital approved for the pump.
    pub approved_library: Option<Digest>,
    /// When the firmware that is to be proved began to run.
    pub since: Timestamp,
    /// By when the pump must have reported.
    pub automatic_due: Timestamp,
    /// By when people must have.
    pub manual_due: Timestamp,
    /// What the pump reported, as often as it did.
    pub automatic: &'a [AutomaticReport],
    /// What people entered.
    pub manual: &'a [ManualResult],
    pub now: Timestamp,
}

/// One check of the plan with what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResult {
    pub id: CheckId,
    pub kind: CheckKind,
    /// What the readings were held against.
    pub expect: Expectation,
    pub verdict: Verdict,
    /// What the verdict stands on.
    pub evidence: Vec<Evidence>,
}

/// One result that was looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    Automatic(AutomaticResult),
    Manual(ManualResult),
}

/// Something that decides nothing and that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Note {
    /// A result for a check that is not in the plan, or not for whoever gave it.
    #[error("a result for `{check}` was not asked for and is not counted")]
    NotAskedFor { check: CheckId },
    /// A measurement that proves nothing, beside one that does.
    #[error("a result for `{check}` is set aside: it {reason}")]
    SetAside { check: CheckId, reason: NotRunReason },
    /// The pump called a pass what is none.
    #[error("the pump called `{check}` a pass; its reading is none")]
    ClaimNotBorneOut { check: CheckId },
}

/// What an attempt comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The worst of the checks.
    pub outcome: CheckOutcome,
    /// In the order of the plan.
    pub checks: Vec<CheckResult>,
    pub notes: Vec<Note>,
}

/// Judges an attempt. A plan without checks proves nothing and is `not run`.
#[must_use]
pub fn evaluate(attempt: &Attempt<'_>) -> Evaluation {
    let mut notes = not_asked_for(attempt);
    let checks: Vec<_> = attempt
        .plan
        .iter()
        .map(|spec| {
            let (verdict, evidence) = match spec.conduct {
                Conduct::Pump {} => by_pump(attempt, spec, &mut notes),
                Conduct::Person { .. } => by_person(attempt, spec, &mut notes),
            };
            CheckResult {
                id: spec.id.clone(),
                kind: spec.kind,
                expect: spec.expect,
                verdict,
                evidence,
            }
        })
        .collect();
    let outcomes = checks.iter().map(|check| check.verdict.outcome());
    Evaluation {
        outcome: outcomes.max().unwrap_or(CheckOutcome::NotRun),
        checks,
        notes,
    }
}

fn not_asked_for(attempt: &Attempt<'_>) -> Vec<Note> {
    let asked = |check: &CheckId, of_pump: bool| {
        let for_it = |spec: &CheckSpec| &spec.id == check && spec.conduct.is_automatic() == of_pump;
        attempt.plan.iter().any(for_it)
    };
    let reported = attempt.automatic.iter().flat_map(|report| &report.results);
    let automatic = reported.map(|result| (&result.check, true));
    let manual = attempt.manual.iter().map(|result| (&result.check, false));
    let mut checks: Vec<_> = automatic
        .chain(manual)
        .filter(|(check, of_pump)| !asked(check, *of_pump))
        .map(|(check, _)| check.clone())
        .collect();
    checks.sort();
    checks.dedup();
    checks
        .into_iter()
        .map(|check| Note::NotAskedFor { check })
        .collect()
}

fn by_pump(attempt: &Attempt<'_>, spec: &CheckSpec, notes: &mut Vec<Note>) -> (Verdict, Vec<Evidence>) {
    let mut evidence = Vec::new();
    let mut verdicts = Vec::new();
    let mut in_time = false;
    for report in attempt.automatic {
        for result in report.results.iter().filter(|result| result.check == spec.id) {
            let verdict = judge::automatic(spec, result, attempt.approved_library);
            if result.claim == super::Claim::Pass && verdict.outcome().holds() {
                notes.push(Note::ClaimNotBorneOut {
                    check: spec.id.clone(),
                });
            }
            in_time |= report.received_at <= attempt.automatic_due;
            verdicts.push(verdict);
            evidence.push(Evidence::Automatic(result.clone()));
        }
    }
    let nothing = if attempt.now > attempt.automatic_due {
        Verdict::Overdue
    } else if attempt.automatic.is_empty() {
        Verdict::Awaiting
    } else {
        Verdict::NotRun(NotRunReason::Missing)
    };
    (settle(verdicts, in_time, nothing), evidence)
}

fn by_person(attempt: &Attempt<'_>, spec: &CheckSpec, notes: &mut Vec<Note>) -> (Verdict, Vec<Evidence>) {
    let mut evidence = Vec::new();
    let mut proofs = Vec::new();
    let mut set_aside = Vec::new();
    let mut in_time = false;
    for result in attempt.manual.iter().filter(|result| result.check == spec.id) {
        let verdict = judge::manual(spec, result, attempt.approved_library, attempt.since, attempt.now);
        evidence.push(Evidence::Manual(result.clone()));
        if let Verdict::NotRun(reason) = verdict {
            set_aside.push(reason);
        } else {
            in_time |= result.read_at.at() <= attempt.manual_due;
            proofs.push(verdict);
        }
    }
    let late = attempt.now > attempt.manual_due;
    if proofs.is_empty() {
        let said = set_aside
            .into_iter()
            .min_by_key(|reason| reason.to_string())
            .filter(|_| !late);
        let nothing = match said {
            Some(reason) => Verdict::NotRun(reason),
            None if late => Verdict::Overdue,
            None => Verdict::Awaiting,
        };
        return (nothing, evidence);
    }
    // Somebody without an instrument said so, and somebody with one came: that is no contradiction.
    notes.extend(set_aside.into_iter().map(|reason| Note::SetAside {
        check: spec.id.clone(),
        reason,
    }));
    (settle(proofs, in_time, Verdict::Overdue), evidence)
}

/// One verdict from several for one check. The same said twice is said once; two that disagree are a fail.
fn settle(mut verdicts: Vec<Verdict>, in_time: bool, nothing: Verdict) -> Verdict {
    // Of two reasons for the same verdict it is always the same one that is given, whichever came first.
    verdicts.sort_by_cached_key(Verdict::reason);
    let mut verdicts = verdicts.into_iter();
    let Some(first) = verdicts.next() else {
        return nothing;
    };
    if verdicts.any(|verdict| verdict.outcome() != first.outcome()) {
        return Verdict::Fail(FailReason::Contradictory);
    }
    if in_time || first.outcome() > CheckOutcome::Overdue {
        first
    } else {
        Verdict::Overdue
    }
}

/// Whoever ran a check of the pump does not sign for it (S12).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("whoever ran the check `{check}` does not sign for it; ask a second person")]
pub struct CountersignRefusal {
    /// The first check that the person ran.
    pub check: CheckId,
}

/// S12: whether a person may sign for results.
///
/// # Errors
/// [`CountersignRefusal`] when the person ran one of the checks.
pub fn may_countersign(results: &[ManualResult], signer: AccountId) -> Result<(), CountersignRefusal> {
    match results.iter().find(|result| result.person == signer) {
        Some(result) => Err(CountersignRefusal {
            check: result.check.clone(),
        }),
        None => Ok(()),
    }
}

impl Evaluation {
    /// The results as fields of what is signed: see [`crate::signature::content_hash`]. The same results give the same
    /// fields, in whatever order they arrived.
    #[must_use]
    pub fn fields(&self) -> Value {
        let checks: Vec<_> = self.checks.iter().map(CheckResult::fields).collect();
        let mut notes: Vec<_> = self.notes.iter().map(Note::to_string).collect();
        notes.sort();
        notes.dedup();
        json!({ "outcome": self.outcome.as_str(), "checks": checks, "notes": notes })
    }
}

impl CheckResult {
    fn fields(&self) -> Value {
        let mut evidence: Vec<_> = self.evidence.iter().map(Evidence::fields).collect();
        evidence.sort_by_cached_key(canonical::to_json);
        evidence.dedup();
        json!({
            "id": self.id.as_str(),
            "kind": self.kind.as_str(),
            "expect": self.expect,
            "verdict": self.verdict.outcome().as_str(),
            "reason": self.verdict.reason(),
            "evidence": evidence,
        })
    }
}

impl Evidence {
    fn fields(&self) -> Value {
        match self {
            Self::Automatic(result) => json!({
                "by": "pump",
                "claim": result.claim.as_str(),
                "reading": result.reading,
            }),
            Self::Manual(ManualResult {
                reading,
                person,
                instrument,
                read_at,
                check: _,
            }) => json!({
                "by": "person",
                "person": person,
                "reading": reading,
                "instrument": instrument.as_ref().map(|instrument| json!({
                    "id": instrument.id.as_str(),
                    "calibrated_until": instrument.calibrated_until.to_string(),
                })),
                "read_at": ZonedTime::to_string(read_at),
            }),
        }
    }
}
