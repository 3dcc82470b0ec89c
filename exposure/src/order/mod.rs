//! The order of work: what a biomed lead does first, and why in words.
//!
//! Known exploited comes before everything. Then what is certain before what is to be looked at, what can be reached before
//! what needs hands on the pump, the graver before the lesser, and where more pumps are in use. It is a plain comparison of
//! these, in this order, and no sum of points: anybody can follow it.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::{
    matching::{Finding, FixKind, Verdict},
    name::VulnerabilityId,
    score::{BaseScore, Reach},
};

/// Where the pumps of one finding are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spread {
    /// Pumps that it concerns.
    pub pumps: usize,
    /// Care areas and how many of the pumps are in use there now.
    pub in_use: Vec<(String, usize)>,
}

/// A task, with everything that decided its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub vulnerability: VulnerabilityId,
    pub exploited: bool,
    pub certain: bool,
    pub reach: Reach,
    pub top_score: Option<BaseScore>,
    pub in_use: usize,
    pub pumps: usize,
    /// Why it stands where it stands, the weightiest first.
    pub reasons: Vec<String>,
}

/// Sorts what is open. Findings about one vulnerability in several sets of pumps are one task.
#[must_use]
pub fn order<'a>(open: impl IntoIterator<Item = (&'a Finding, Spread)>) -> Vec<Task> {
    let mut by_vulnerability = std::collections::BTreeMap::<&VulnerabilityId, Vec<(&Finding, Spread)>>::new();
    for (finding, spread) in open.into_iter().filter(|(finding, _)| finding.verdict.is_open()) {
        by_vulnerability
            .entry(&finding.vulnerability)
            .or_default()
            .push((finding, spread));
    }
    let mut tasks: Vec<Task> = by_vulnerability
        .into_values()
        .filter_map(|parts| task(&parts))
        .collect();
    tasks.sort_by_cached_key(|task| {
        let severity = task.top_score.map(BaseScore::tenths);
        (
            Reverse((task.exploited, task.certain, task.reach, severity)),
            Reverse((task.in_use, task.pumps)),
            task.vulnerability.clone(),
        )
    });
    tasks
}

fn task(parts: &[(&Finding, Spread)]) -> Option<Task> {
    let (first, _) = parts.first()?;
    let certain = parts
        .iter()
        .any(|(finding, _)| !matches!(finding.verdict, Verdict::NeedsReview { .. }));
    let scores = || parts.iter().flat_map(|(finding, _)| &finding.scores);
    let reach = scores()
        .map(crate::score::Score::reach)
        .max()
        .unwrap_or(Reach::Unknown);
    let pumps = parts.iter().map(|(_, spread)| spread.pumps).sum();
    let mut areas = std::collections::BTreeMap::<&str, usize>::new();
    for (area, count) in parts.iter().flat_map(|(_, spread)| &spread.in_use) {
        *areas.entry(area).or_default() += count;
    }
    areas.retain(|_, count| *count > 0);
    let in_use = areas.values().sum();
    let mut reasons = Vec::new();
    if let Some(exploited) = &first.exploited {
        let ransomware = if exploited.ransomware {
            ", also for ransomware"
        } else {
            ""
        };
        reasons.push(format!(
            "known to be exploited since {}{ransomware}",
            exploited.added
        ));
    }
    reasons.push(
        if certain {
            "affected for certain"
        } else {
            "not certain: a person decides first"
        }
        .to_owned(),
    );
    reasons.push(format!("can be reached {}", reach.words()));
    let mut given: Vec<String> = scores().map(ToString::to_string).collect();
    given.sort();
    given.dedup();
    reasons.push(match given.as_slice() {
        [] => "no source scores it".to_owned(),
        given => format!("scored {}", given.join(" and ")),
    });
    let places: Vec<String> = areas
        .iter()
        .map(|(area, count)| format!("{area} {count}"))
        .collect();
    reasons.push(match in_use {
        0 => format!("{pumps} {}, none in use now", noun(pumps)),
        _ => format!(
            "{pumps} {}, {in_use} in use now ({})",
            noun(pumps),
            places.join(", ")
        ),
    });
    reasons.push(way_out(parts));
    Some(Task {
        vulnerability: first.vulnerability.clone(),
        exploited: first.exploited.is_some(),
        certain,
        reach,
        top_score: scores().map(|score| score.base).max(),
        in_use,
        pumps,
        reasons,
    })
}

const fn noun(count: usize) -> &'static str {
    if count == 1 { "pump" } else { "pumps" }
}

/// Whether there is a fix, in words.
fn way_out(parts: &[(&Finding, Spread)]) -> String {
    let fixes = parts.iter().flat_map(|(finding, _)| match &finding.verdict {
        Verdict::Affected { fixes } => fixes.as_slice(),
        Verdict::NotAffected { .. }
        | Verdict::FixedBy { .. }
        | Verdict::PartlyFixed { .. }
        | Verdict::NeedsReview { .. } => &[],
    });
    match fixes.min_by_key(|fix| fix.kind) {
        Some(fix) if fix.kind == FixKind::Full => format!("{fix}"),
        Some(fix) => format!("{fix}: something stays open"),
        None => "no source names a fix: compensating measures".to_owned(),
    }
}

#[cfg(test)]
mod tests;
