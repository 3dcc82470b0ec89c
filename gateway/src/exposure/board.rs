//! What is to be done, in the order in which a biomed lead would do it; and everything about one vulnerability.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ::exposure::{
    feed::Exploited,
    matching::Finding,
    order::{self, Spread, Task},
    score::Score,
};
use fleet::{id::PumpId, pump::Activity, text::SerialNumber};
use store::{Db, ExposureRecord, Heard, PumpListing, StoreError};

use super::{
    counted,
    set::{self, VersionSet},
};

/// So many pumps are named in a list; of the others it says how many they are.
const NAMED: usize = 5;

/// A vulnerability with what decided its place.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) task: Task,
    pub(crate) title: String,
    /// The gravest answer for any pump, in a word.
    pub(crate) verdict: &'static str,
    /// The first pumps that it concerns.
    pub(crate) named: Vec<SerialNumber>,
}

/// What one vulnerability means for pumps of one version set.
#[derive(Debug)]
pub(crate) struct ForSet {
    pub(crate) set: VersionSet,
    pub(crate) record: ExposureRecord,
    /// As the documents have it.
    pub(crate) finding: Finding,
    pub(crate) pumps: Vec<PumpListing>,
}

/// Everything about one vulnerability.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) title: String,
    pub(crate) exploited: Option<Exploited>,
    pub(crate) scores: Vec<Score>,
    pub(crate) sets: Vec<ForSet>,
}

/// Everything that is open, in the order of work.
pub(crate) fn open(db: &mut Db<'_>) -> Result<Vec<Line>, StoreError> {
    let sets: BTreeMap<_, _> = set::all(db)?.into_iter().map(|set| (set.id, set)).collect();
    let ids: Vec<_> = sets.keys().copied().collect();
    let mut found = Vec::new();
    for record in db.exposure_of(&ids)?.iter().filter(|record| record.open) {
        found.push((record.version_set, counted(record)?));
    }
    let concerned: BTreeSet<PumpId> = found
        .iter()
        .filter_map(|(id, _)| sets.get(id))
        .flat_map(|set| set.pumps.iter().map(|(pump, _)| *pump))
        .collect();
    let concerned: Vec<_> = concerned.into_iter().collect();
    let in_use: BTreeSet<PumpId> = db
        .pump_heard_of(&concerned)?
        .iter()
        .filter(|heard| is_in_use(heard))
        .map(|heard| heard.pump)
        .collect();
    let serials: HashMap<_, _> = db.pump_serials_of(&concerned)?.into_iter().collect();
    let areas: HashMap<_, _> = db
        .care_area_list()?
        .into_iter()
        .map(|area| (area.id, area.name.to_string()))
        .collect();
    let spread = |set: &VersionSet| {
        let mut by_area: BTreeMap<String, usize> = BTreeMap::new();
        for (_, area) in set.pumps.iter().filter(|(pump, _)| in_use.contains(pump)) {
            let name = area.and_then(|area| areas.get(&area).cloned());
            *by_area
                .entry(name.unwrap_or_else(|| "no care area".to_owned()))
                .or_default() += 1;
        }
        Spread {
            pumps: set.pumps.len(),
            in_use: by_area.into_iter().collect(),
        }
    };
    let spreads: HashMap<_, _> = sets.iter().map(|(id, set)| (*id, spread(set))).collect();
    let tasks = order::order(
        found
            .iter()
            .map(|(id, finding)| (finding, spreads.get(id).cloned().unwrap_or_default())),
    );
    let mut by_vulnerability: HashMap<_, Vec<_>> = HashMap::new();
    for (id, finding) in &found {
        by_vulnerability
            .entry(&finding.vulnerability)
            .or_default()
            .push((id, finding));
    }
    let line = |task: Task| {
        let parts = by_vulnerability
            .get(&task.vulnerability)
            .cloned()
            .unwrap_or_default();
        let mut named: Vec<SerialNumber> = parts
            .iter()
            .filter_map(|(id, _)| sets.get(*id))
            .flat_map(|set| set.pumps.iter().take(NAMED))
            .filter_map(|(pump, _)| serials.get(pump).cloned())
            .collect();
        named.sort();
        named.truncate(NAMED);
        Line {
            title: parts
                .first()
                .map_or(String::new(), |(_, finding)| finding.title.clone()),
            verdict: gravest(parts.iter().map(|(_, finding)| super::word(&finding.verdict))),
            named,
            task,
        }
    };
    Ok(tasks.into_iter().map(line).collect())
}

/// The gravest of some answers.
pub(crate) fn gravest(answers: impl Iterator<Item = &'static str>) -> &'static str {
    const ORDER: [&str; 5] = [
        "affected",
        "needs_review",
        "partly_fixed",
        "fixed",
        "not_affected",
    ];
    let found: BTreeSet<_> = answers.collect();
    ORDER
        .into_iter()
        .find(|answer| found.contains(answer))
        .unwrap_or("not_affected")
}

/// Whether it is on a patient, or was when it last spoke.
fn is_in_use(heard: &Heard) -> bool {
    heard.state.is_some_and(|(activity, patient_attached, _)| {
        patient_attached || matches!(activity, Activity::Infusing | Activity::Kvo | Activity::Paused)
    })
}

/// Everything about one vulnerability, for the pumps that are there now.
pub(crate) fn whole(db: &mut Db<'_>, vulnerability: &str) -> Result<Whole, StoreError> {
    let mut sets: HashMap<_, _> = set::all(db)?.into_iter().map(|set| (set.id, set)).collect();
    let mut all = Vec::new();
    for record in db.exposure_about(vulnerability)? {
        let Some(set) = sets.remove(&record.version_set) else {
            continue;
        };
        let ids: Vec<_> = set.pumps.iter().map(|(pump, _)| *pump).collect();
        let finding = super::kept(&record)?;
        let mut pumps = db.pump_listing_of(&ids)?;
        pumps.sort_by(|a, b| a.pump.serial.cmp(&b.pump.serial));
        all.push(ForSet {
            set,
            record,
            finding,
            pumps,
        });
    }
    all.sort_by_key(|part| (!part.record.open, part.set.words()));
    let first = all.first().ok_or_else(|| StoreError::NotFound {
        what: "exposure",
        id: vulnerability.to_owned(),
    })?;
    let mut scores: Vec<Score> = Vec::new();
    for score in all.iter().flat_map(|part| &part.finding.scores) {
        if !scores.contains(score) {
            scores.push(score.clone());
        }
    }
    Ok(Whole {
        title: first.finding.title.clone(),
        exploited: first.finding.exploited.clone(),
        scores,
        sets: all,
    })
}
