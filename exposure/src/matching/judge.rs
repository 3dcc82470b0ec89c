//! What one document says of one thing.

use std::{cmp::Ordering, sync::Arc};

use super::{
    Facts, Fix, FixKind, Grounds, Item, Opinion, Verdict, Why,
    condition::{Focus, Outcome},
    meet::{Met, is_named},
};
use crate::{
    feed::{Advisory, FeedKind, Pattern, Reading, Remedy, Statement, Status},
    read::clip,
    version::{Hint, Versions, compare},
};

/// A statement that concerns the thing, and how far.
struct Heard<'a> {
    statement: &'a Statement,
    pattern: &'a Pattern,
    met: Met,
}

/// What an advisory says of a thing in a pump; `None` when it does not speak of it.
#[must_use]
pub fn judge(facts: &Facts, item: &Arc<Item>, advisory: &Advisory) -> Option<Opinion> {
    if advisory.withdrawn {
        return None;
    }
    // Where a document names the thing itself, it does not also mean it by names that are alike.
    let is_named = advisory
        .statements
        .iter()
        .flat_map(|statement| statement.condition.patterns())
        .any(|pattern| is_named(item, pattern));
    let focus = Focus {
        item,
        all: facts.items(),
        near: !is_named,
    };
    let heard: Vec<Heard<'_>> = advisory
        .statements
        .iter()
        .filter_map(|statement| match focus.holds(&statement.condition) {
            Outcome { met: Met::No, .. } | Outcome { by: None, .. } => None,
            Outcome { met, by: Some(pattern) } => Some(Heard { statement, pattern, met }),
        })
        .collect();
    let (verdict, by) = decide(item, advisory, &heard)?;
    Some(Opinion {
        source: advisory.source.clone(),
        item: item.label.clone(),
        place: item.place.clone(),
        said: by.pattern.said.clone(),
        product: by.statement.product.clone(),
        verdict,
    })
}

fn decide<'a>(item: &Item, advisory: &Advisory, heard: &'a [Heard<'a>]) -> Option<(Verdict, &'a Heard<'a>)> {
    let yes = |status: Status| heard.iter().find(|heard| heard.statement.status == status && heard.met == Met::Yes);
    let (affected, not, fixed) = (yes(Status::Affected), yes(Status::NotAffected), yes(Status::Fixed));
    let review = |why: Why, by| Some((Verdict::NeedsReview { why: vec![why] }, by));
    if let (Some(one), Some(other)) = (affected, not.or(fixed)) {
        let one_said = format!("`affected` on `{}`", one.pattern.said);
        let other = format!("`{}` on `{}`", status_words(other.statement.status), other.pattern.said);
        return review(Why::Contradiction { one: one_said, other }, one);
    }
    if let Some(by) = not {
        let reason = by.statement.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
        let statement = format!("{} says `known_not_affected` of `{}`{reason}", advisory.source, by.pattern.said);
        let grounds = Grounds::Declared;
        return Some((Verdict::NotAffected { statement, grounds }, by));
    }
    if let Some(by) = fixed {
        let release = by.pattern.said.clone();
        return Some((Verdict::FixedBy { release }, by));
    }
    if let Some(by) = affected {
        return Some((affected_or_partly(item, advisory, by), by));
    }
    if let Some(by) = yes(Status::UnderInvestigation) {
        let product = by.pattern.said.clone();
        return review(Why::UnderInvestigation { product }, by);
    }
    if let Some((whys, by)) = heard.iter().find_map(|heard| match &heard.met {
        Met::Perhaps(whys) => Some((whys.clone(), heard)),
        Met::No | Met::Outside | Met::Yes => None,
    }) {
        return Some((Verdict::NeedsReview { why: whys }, by));
    }
    // Everything that is left names the product and not this version.
    let outside = heard.iter().find(|heard| heard.statement.status == Status::Affected).or(heard.first())?;
    Some((outside_all(item, advisory, heard, outside), outside))
}

const fn status_words(status: Status) -> &'static str {
    match status {
        Status::Affected => "affected",
        Status::NotAffected => "not affected",
        Status::Fixed => "fixed",
        Status::UnderInvestigation => "under investigation",
    }
}

/// Remedies for the products of some statements.
fn remedies<'a>(advisory: &'a Advisory, products: &'a [Option<&'a str>]) -> impl Iterator<Item = &'a Remedy> {
    advisory
        .remedies
        .iter()
        .filter(|remedy| products.iter().flatten().any(|product| remedy.is_for(product)))
}

/// An affected version may be one that mends a part: then the rest is said. What would mend it is listed.
fn affected_or_partly(item: &Item, advisory: &Advisory, by: &Heard<'_>) -> Verdict {
    let product = [by.statement.product.as_deref()];
    let mut fixes: Vec<Fix> = Vec::new();
    for (reading, remedy) in remedies(advisory, &product).flat_map(|remedy| remedy.readings.iter().map(move |reading| (reading, remedy))) {
        let kind = match reading {
            Reading::Fixes { .. } => FixKind::Full,
            Reading::PartlyFixes { version } if order(item, version) == Some(Ordering::Equal) => {
                return Verdict::PartlyFixed {
                    release: version.clone(),
                    remains: clip(&remedy.text, 300),
                };
            }
            Reading::PartlyFixes { .. } => FixKind::Partial,
            Reading::DependsOnSerial { .. } => FixKind::BySerialNumber,
            Reading::StillIn { .. } | Reading::Mentions { .. } => continue,
        };
        let version = reading.version().to_owned();
        // A fix that is older than what runs is for another line of products.
        let is_older = order(item, &version) == Some(Ordering::Greater);
        if !is_older && !fixes.iter().any(|fix| fix.version == version && fix.kind == kind) {
            let said = clip(&remedy.text, 300);
            fixes.push(Fix { version, kind, said });
        }
    }
    if let Versions::In(range) = &by.pattern.versions {
        for bound in range.intervals.iter().filter_map(|interval| interval.upper.as_ref()).filter(|bound| !bound.inclusive) {
            fixes.push(Fix {
                version: bound.version.clone(),
                kind: FixKind::Full,
                said: format!("{} ends the affected versions before it", advisory.source),
            });
        }
    }
    Verdict::Affected { fixes }
}

/// The product is named and the version is outside: what that means depends on how the source lists versions, and on what
/// it says of this one in its sentences.
fn outside_all(item: &Item, advisory: &Advisory, heard: &[Heard<'_>], by: &Heard<'_>) -> Verdict {
    let products: Vec<Option<&str>> = heard.iter().map(|heard| heard.statement.product.as_deref()).collect();
    let readings: Vec<(&Reading, &Remedy)> = remedies(advisory, &products)
        .flat_map(|remedy| remedy.readings.iter().map(move |reading| (reading, remedy)))
        .collect();
    let review = |why| Verdict::NeedsReview { why: vec![why] };
    let exact = readings.iter().filter(|(reading, _)| order(item, reading.version()) == Some(Ordering::Equal));
    let newer = readings.iter().filter(|(reading, _)| {
        !matches!(reading, Reading::Mentions { .. } | Reading::StillIn { .. }) && order(item, reading.version()) == Some(Ordering::Greater)
    });
    // The gravest reading of this very version counts; then what is said of an older one.
    let gravity = |reading: &Reading| match reading {
        Reading::StillIn { .. } => 0,
        Reading::DependsOnSerial { .. } => 1,
        Reading::PartlyFixes { .. } => 2,
        Reading::Fixes { .. } => 3,
        Reading::Mentions { .. } => 4,
    };
    let said = exact
        .min_by_key(|(reading, _)| gravity(reading))
        .map(|said| (said, true))
        .or_else(|| newer.min_by_key(|(reading, _)| gravity(reading)).map(|said| (said, false)));
    let listed = listed(heard);
    if let Some(((reading, remedy), is_this_one)) = said {
        let text = clip(&remedy.text, 300);
        return match reading {
            Reading::DependsOnSerial { .. } => review(Why::SerialNumber { text }),
            Reading::Fixes { version } => Verdict::FixedBy {
                release: version.clone(),
            },
            Reading::PartlyFixes { version } if is_this_one => Verdict::PartlyFixed {
                release: version.clone(),
                remains: text,
            },
            Reading::PartlyFixes { .. } | Reading::StillIn { .. } | Reading::Mentions { .. } => review(Why::SaidOtherwise {
                ours: item.version_words(),
                text,
            }),
        };
    }
    let is_range = heard.iter().any(|heard| matches!(heard.pattern.versions, Versions::In(_)));
    let is_affected = by.statement.status == Status::Affected;
    // The NVD lists every affected version; an advisory that lists single ones says nothing of those between.
    if is_affected && (is_range || advisory.source.feed == FeedKind::Nvd) {
        return Verdict::NotAffected {
            statement: format!("{} lists {listed} as affected, and this is {}", advisory.source, item.version_words()),
            grounds: Grounds::OutsideTheRange,
        };
    }
    review(Why::NotListed {
        ours: item.version_words(),
        listed,
    })
}

/// The versions that statements name, in words.
fn listed(heard: &[Heard<'_>]) -> String {
    let mut words: Vec<String> = Vec::new();
    for heard in heard {
        let mut patterns = heard.statement.condition.patterns();
        patterns.retain(|pattern| pattern.names == heard.pattern.names && pattern.role == heard.pattern.role);
        patterns.reverse();
        for pattern in patterns {
            let word = match &pattern.versions {
                Versions::In(range) => range.to_string(),
                Versions::Exactly(version) => version.clone(),
                Versions::All | Versions::NotApplicable | Versions::Unsaid | Versions::Unread(_) => continue,
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    let more = words.len().saturating_sub(8);
    words.truncate(8);
    let words = words.join(", ");
    if more == 0 { words } else { format!("{words} and {more} more") }
}

/// Where the thing stands to a version; `None` when that can not be known.
fn order(item: &Item, version: &str) -> Option<Ordering> {
    match item.versions.as_slice() {
        [ours] => compare(ours, version, Hint::Common).ok(),
        _ => None,
    }
}
