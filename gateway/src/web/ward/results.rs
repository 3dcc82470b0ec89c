//! What an update of a pump was checked for, and what was read: with units and limits, in the order of the release's plan.

use std::collections::{BTreeMap, btree_map::Entry};

use fleet::{
    Timestamp,
    check::{CheckOutcome, Evidence},
    id::{AccountId, PumpId},
    rollout::state::Stage,
    text::CheckId,
};
use store::{Db, StoreError};

use crate::{
    engine::rollout::{
        check::{Asked, approved_library, evaluation},
        facts,
    },
    web::{icon::Icon, words},
};

/// One check of the plan.
pub(super) struct Line {
    pub(super) label: &'static str,
    pub(super) outcome: CheckOutcome,
    /// What was read; nothing yet.
    pub(super) reading: Option<String>,
    pub(super) limit: String,
    /// Why it is no pass, in words.
    pub(super) why: Option<String>,
    /// Who read it, and with what.
    pub(super) by: Option<String>,
}

impl Line {
    pub(super) const fn icon(&self) -> Icon {
        words::icon_of(self.outcome)
    }
}

/// An update that is to be proved, or was.
pub(super) struct Results {
    /// `AX-1 wireless 3.3.0`.
    pub(super) release: String,
    /// The pump reported exactly the versions that were planned.
    pub(super) as_planned: bool,
    pub(super) by_pump: Vec<Line>,
    pub(super) by_people: Vec<Line>,
    pub(super) bedside: Vec<String>,
}

impl Results {
    /// Of the update of a pump that is under way, or the last that was verified; nothing where there is none.
    pub(super) fn read(db: &mut Db<'_>, pump: PumpId, now: Timestamp) -> Result<Option<Self>, StoreError> {
        let all = db.assignment_of_pump(pump)?;
        let at = |stage| {
            all.iter()
                .find(move |assignment| assignment.state.stage() == stage)
        };
        let Some(row) = at(Stage::Updating).or(at(Stage::Verified)).cloned() else {
            return Ok(None);
        };
        let release = facts::release_of(db, &row)?;
        let manifest = &release.manifest;
        let deadline = facts::spec_of(&db.rollout_fetch(row.rollout)?)?
            .limits
            .complete()
            .check_deadline;
        let asked = Asked {
            manifest,
            library: approved_library(db, pump)?,
            deadline,
        };
        let results = db.check_result_of(&[row.id])?;
        let mut people: BTreeMap<AccountId, String> = BTreeMap::new();
        for account in results.iter().filter_map(|result| result.account) {
            if let Entry::Vacant(unknown) = people.entry(account) {
                unknown.insert(db.account_fetch(account)?.printed_name.to_string());
            }
        }
        let evaluated = evaluation(&row, &asked, &results, now);
        let checks = evaluated.map(|evaluation| evaluation.checks).unwrap_or_default();
        let of = |id: &CheckId| checks.iter().find(|check| check.id == *id);
        let (mut by_pump, mut by_people) = (Vec::new(), Vec::new());
        for spec in &manifest.checks {
            let result = of(&spec.id);
            let outcome = result.map_or(CheckOutcome::Awaiting, |result| result.verdict.outcome());
            let newest = result.and_then(|result| result.evidence.last());
            let line = Line {
                label: spec.kind.label(),
                outcome,
                reading: newest.and_then(read_of),
                limit: words::limit(&spec.expect),
                why: result.and_then(|result| result.verdict.reason()),
                by: newest.and_then(|evidence| by(evidence, &people)),
            };
            if spec.conduct.is_automatic() {
                by_pump.push(line);
            } else {
                by_people.push(line);
            }
        }
        Ok(Some(Self {
            release: format!("{} {}", manifest.name, manifest.version),
            as_planned: row.versions_proved,
            by_pump,
            by_people,
            bedside: manifest.bedside.iter().map(ToString::to_string).collect(),
        }))
    }
}

fn read_of(evidence: &Evidence) -> Option<String> {
    match evidence {
        Evidence::Automatic(result) => result.reading.as_ref().map(words::reading),
        Evidence::Manual(result) => result.reading.as_ref().map(words::reading),
    }
}

fn by(evidence: &Evidence, people: &BTreeMap<AccountId, String>) -> Option<String> {
    match evidence {
        Evidence::Automatic(_) => None,
        Evidence::Manual(result) => {
            let name = people.get(&result.person)?;
            Some(match &result.instrument {
                Some(instrument) => format!("{name}, with {}", instrument.id),
                None => name.clone(),
            })
        }
    }
}
