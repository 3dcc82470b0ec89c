//! What follows from everything known, for each version set; and of that, what is new. Finding reads, keeping writes: a preview is the
//! first without the second.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ::exposure::matching::{Changed, Finding, Index};
use fleet::{
    Timestamp,
    id::{ExposureDecisionId, PumpId},
    signature::Digest,
};
use store::{Db, DecisionRecord, ExposureRecord, StoreError};

use super::{
    corrupt,
    lists::Lists,
    set::{self, VersionSet},
    word,
};
use crate::app::App;

/// How much is looked at. A version set that was never looked at is looked at whole in any case.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// Nothing else.
    NewSets,
    /// What an import changed.
    About(&'a Changed),
    /// Everything.
    Everything,
}

/// What follows.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What differs from what is on record.
    different: Vec<ExposureRecord>,
    gone: Vec<(Digest, String)>,
    /// The version sets that everything was held against by now; nothing when none was added and none left.
    sets: Option<BTreeSet<Digest>>,
    /// Pumps on which something else is open now.
    pumps: Vec<PumpId>,
    /// Vulnerabilities that are open on some pumps now and were not, with how many pumps.
    pub(crate) opened: BTreeMap<String, usize>,
    /// Those that were open on some pumps and are not any more.
    pub(crate) closed: BTreeMap<String, usize>,
}

impl Found {
    pub(crate) fn is_nothing(&self) -> bool {
        self.different.is_empty() && self.gone.is_empty() && self.sets.is_none()
    }
}

/// Finds out what follows.
pub(crate) fn find(
    db: &mut Db<'_>,
    index: &Index,
    lists: Option<Lists>,
    scope: Scope<'_>,
    now: Timestamp,
) -> Result<Found, StoreError> {
    let sets = set::all(db)?;
    let known = db.version_sets()?;
    let present: BTreeSet<_> = sets.iter().map(|set| set.id).collect();
    let wanted: Vec<&VersionSet> = sets
        .iter()
        .filter(|set| !matches!(scope, Scope::NewSets) || !known.contains(&set.id))
        .collect();
    let mut found = Found {
        // One that nobody reports any more misses what is published from now on: should it come back, it is a new one.
        sets: (present != known).then_some(present),
        ..Found::default()
    };
    if wanted.is_empty() {
        return Ok(found);
    }
    let lists = match lists {
        Some(lists) => lists,
        None => Lists::read(db)?,
    };
    let decisions = decisions(db)?;
    for set in wanted {
        let facts = lists.facts(set);
        let changed = match scope {
            Scope::About(changed) if known.contains(&set.id) => Some(changed),
            Scope::About(_) | Scope::NewSets | Scope::Everything => None,
        };
        let findings = match changed {
            Some(changed) => index.findings_about(&facts, changed),
            None => index.findings(&facts),
        };
        let mut before: BTreeMap<String, ExposureRecord> = db
            .exposure_of(&[set.id])?
            .into_iter()
            .filter(|record| changed.is_none_or(|changed| concerns(changed, &record.vulnerability)))
            .map(|record| (record.vulnerability.clone(), record))
            .collect();
        // What a new set has open, none of its pumps was known to have.
        let was_known = known.contains(&set.id);
        let mut moved = false;
        for finding in &findings {
            let old = before.remove(finding.vulnerability.as_str());
            let new = record(set.id, finding, old.as_ref(), &decisions, now)?;
            let was_open = was_known && old.as_ref().is_some_and(|old| old.open);
            moved |= found.count(&new.vulnerability, was_open, new.open, set.pumps.len());
            if old.as_ref() != Some(&new) {
                found.different.push(new);
            }
        }
        for (vulnerability, old) in before {
            moved |= found.count(&vulnerability, was_known && old.open, false, set.pumps.len());
            found.gone.push((set.id, vulnerability));
        }
        if moved {
            found.pumps.extend(set.pumps.iter().map(|(pump, _)| *pump));
        }
    }
    Ok(found)
}

fn concerns(changed: &Changed, vulnerability: &str) -> bool {
    changed
        .vulnerabilities
        .iter()
        .any(|id| id.as_str() == vulnerability)
}

impl Found {
    /// Notes whether something opened or closed; says whether it did.
    fn count(&mut self, vulnerability: &str, was_open: bool, is_open: bool, pumps: usize) -> bool {
        let of = match (was_open, is_open) {
            (false, true) => &mut self.opened,
            (true, false) => &mut self.closed,
            (true, true) | (false, false) => return false,
        };
        *of.entry(vulnerability.to_owned()).or_default() += pumps;
        true
    }
}

/// The decision that counts about each doubt.
fn decisions(db: &mut Db<'_>) -> Result<HashMap<Digest, DecisionRecord>, StoreError> {
    let all = db.decision_list()?;
    Ok(all
        .into_iter()
        .map(|decision| (decision.doubt, decision))
        .collect())
}

/// By what a decision is remembered; nothing where there is no doubt.
pub(crate) fn doubt(finding: &Finding) -> Option<(Digest, String)> {
    let key = finding.review_key()?;
    Some((Digest::of(key.as_str().as_bytes()), key.as_str().to_owned()))
}

fn record(
    set: Digest,
    finding: &Finding,
    old: Option<&ExposureRecord>,
    decisions: &HashMap<Digest, DecisionRecord>,
    now: Timestamp,
) -> Result<ExposureRecord, StoreError> {
    let decision = doubt(finding).and_then(|(doubt, _)| decisions.get(&doubt));
    let (verdict, open, decision): (&str, bool, Option<ExposureDecisionId>) = match decision {
        Some(decided) => (&decided.verdict, decided.verdict == "affected", Some(decided.id)),
        None => (word(&finding.verdict), finding.verdict.is_open(), None),
    };
    let body = serde_json::to_string(finding).map_err(|error| corrupt("write what was found", error))?;
    let answered = |old: &&ExposureRecord| old.verdict == verdict && old.open == open;
    Ok(ExposureRecord {
        version_set: set,
        vulnerability: finding.vulnerability.to_string(),
        verdict: verdict.to_owned(),
        open,
        decision,
        finding: body,
        identified_at: old.map_or(now, |old| old.identified_at),
        changed_at: old.filter(answered).map_or(now, |old| old.changed_at),
    })
}

/// Keeps what follows. Pumps on which something else is open are looked at anew by whoever keeps a picture of them.
pub(crate) fn keep(db: &mut Db<'_>, found: &Found, now: Timestamp) -> Result<(), StoreError> {
    for record in &found.different {
        db.exposure_set(record)?;
    }
    for (set, vulnerability) in &found.gone {
        db.exposure_remove(*set, vulnerability)?;
    }
    if let Some(sets) = &found.sets {
        db.version_sets_set(sets, now)?;
    }
    if found.pumps.is_empty() {
        return Ok(());
    }
    db.pump_versions_raise(&found.pumps)
}

/// Looks at version sets that were never looked at: pumps that reported other versions since, and new models.
///
/// # Errors
/// The database's.
pub(crate) fn new_sets(app: &App) -> Result<(), StoreError> {
    let held = app.catalogue.hold(app)?;
    let now = app.now();
    let found = app
        .store
        .read(|db| find(db, held.index(), None, Scope::NewSets, now))?;
    if found.is_nothing() {
        return Ok(());
    }
    app.store.write(|db| keep(db, &found, now))?;
    if !found.pumps.is_empty() {
        app.bell.ring();
    }
    Ok(())
}
