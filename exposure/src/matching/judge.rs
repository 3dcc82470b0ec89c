//! What one document says of one thing.

use std::{cmp::Ordering, sync::Arc};

use super::{
    Facts, Fix, FixKind, Grounds, Item, Opinion, Verdict, Why,
    condition::{Focus, Outcome, add_all},
    meet::{Met, is_named},
};
use crate::{
    feed::{Advisory, FeedKind, Pattern, Reading, Remedy, Statement, Status},
    read::clip,
    version::{Hint, Scheme, Versions, compare, compare_as},
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
            Outcome {
                met,
                by: Some(pattern),
            } => Some(Heard {
                statement,
                pattern,
                met,
            }),
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
    let yes = |status: Status| {
        heard
            .iter()
            .find(|heard| heard.statement.status == status && heard.met == Met::Yes)
    };
    let (affected, not, fixed) = (
        yes(Status::Affected),
        yes(Status::NotAffected),
        yes(Status::Fixed),
    );
    let review = |why: Why, by| Some((Verdict::NeedsReview { why: vec![why] }, by));
    if let (Some(one), Some(other)) = (affected, not.or(fixed)) {
        let one_said = format!("`affected` on `{}`", one.pattern.said);
        let other = format!(
            "`{}` on `{}`",
            status_words(other.statement.status),
            other.pattern.said
        );
        return review(Why::Contradiction { one: one_said, other }, one);
    }
    if let Some(by) = not {
        let reason = by
            .statement
            .reason
            .as_deref()
            .map_or(String::new(), |reason| format!(": {reason}"));
        let statement = format!(
            "{} says `known_not_affected` of `{}`{reason}",
            advisory.source, by.pattern.said
        );
        let grounds = Grounds::Declared;
        return Some((Verdict::NotAffected { statement, grounds }, by));
    }
    if let Some(by) = fixed {
        let release = by.pattern.said.clone();
        return Some((Verdict::FixedBy { release }, by));
    }
    if let Some(by) = affected {
        return Some((affected_or_partly(item, advisory, heard, by), by));
    }
    if let Some(by) = yes(Status::UnderInvestigation) {
        let product = by.pattern.said.clone();
        return review(Why::UnderInvestigation { product }, by);
    }
    let outside = heard
        .iter()
        .filter(|heard| heard.met == Met::Outside)
        .min_by_key(|heard| heard.statement.status != Status::Affected);
    let mut doubts = heard.iter().filter(|heard| matches!(heard.met, Met::Perhaps(_)));
    if let Some(by) = doubts.next() {
        let mut whys: Vec<Why> = Vec::new();
        for heard in std::iter::once(by).chain(doubts) {
            if let Met::Perhaps(more) = &heard.met {
                add_all(&mut whys, more.clone());
            }
        }
        // Outside one list, and written in another way than the next: a sentence about this very version says more.
        let is_only_writing = whys.iter().all(|why| matches!(why, Why::Incomparable { .. }));
        if let (true, Some(outside)) = (is_only_writing, outside)
            && let Some(said) = said_of(item, advisory, heard)
        {
            return Some((said, outside));
        }
        return Some((Verdict::NeedsReview { why: whys }, by));
    }
    // Everything that is left names the product and not this version.
    let outside = outside?;
    Some((
        said_of(item, advisory, heard).unwrap_or_else(|| unsaid(item, advisory, heard, outside)),
        outside,
    ))
}

const fn status_words(status: Status) -> &'static str {
    match status {
        Status::Affected => "affected",
        Status::NotAffected => "not affected",
        Status::Fixed => "fixed",
        Status::UnderInvestigation => "under investigation",
    }
}

/// What a remedy says of a version, and whether it can only mean this product.
struct Sentence<'a> {
    reading: &'a Reading,
    remedy: &'a Remedy,
    /// `None` when the thing's version and the sentence's can not be compared.
    order: Option<Ordering>,
    /// The remedy is for no other product, or the version's own code tells the product.
    is_ours: bool,
}

/// What the remedies for the products that were heard say of versions.
fn sentences<'a>(
    item: &'a Item,
    advisory: &'a Advisory,
    heard: &'a [Heard<'a>],
) -> impl Iterator<Item = Sentence<'a>> {
    let products = || {
        heard
            .iter()
            .filter_map(|heard| heard.statement.product.as_deref())
    };
    let remedies = advisory
        .remedies
        .iter()
        .filter(move |remedy| products().any(|product| remedy.is_for(product)));
    remedies.flat_map(move |remedy| {
        let is_specific = !remedy.products.is_empty()
            && remedy
                .products
                .iter()
                .all(|id| products().any(|product| product == id));
        remedy.readings.iter().map(move |reading| {
            let is_coded = |ours: &String| compare_as(Scheme::Coded, ours, reading.version()).is_some();
            Sentence {
                reading,
                remedy,
                order: order(item, reading.version()),
                is_ours: is_specific || item.versions.iter().any(is_coded),
            }
        })
    })
}

/// An affected version may be one that mends a part: then the rest is said. What would mend it is listed.
fn affected_or_partly(item: &Item, advisory: &Advisory, heard: &[Heard<'_>], by: &Heard<'_>) -> Verdict {
    let mut fixes: Vec<Fix> = Vec::new();
    for Sentence {
        reading,
        remedy,
        order,
        is_ours,
    } in sentences(item, advisory, heard)
    {
        let said = clip(&remedy.text, 300);
        let kind = match reading {
            Reading::PartlyFixes { version } if is_ours && order == Some(Ordering::Equal) => {
                return Verdict::PartlyFixed {
                    release: version.clone(),
                    remains: said,
                };
            }
            Reading::Fixes { .. } if is_ours => FixKind::Full,
            Reading::PartlyFixes { .. } if is_ours => FixKind::Partial,
            Reading::DependsOnSerial { .. } => FixKind::BySerialNumber,
            Reading::Fixes { .. }
            | Reading::PartlyFixes { .. }
            | Reading::StillIn { .. }
            | Reading::Mentions { .. } => continue,
        };
        let version = reading.version().to_owned();
        // What runs is affected: a version that is not newer mends something else.
        let is_newer = !matches!(order, Some(Ordering::Greater | Ordering::Equal));
        if is_newer && !fixes.iter().any(|fix| fix.version == version && fix.kind == kind) {
            fixes.push(Fix { version, kind, said });
        }
    }
    if let Versions::In(range) = &by.pattern.versions {
        for bound in range
            .intervals
            .iter()
            .filter_map(|interval| interval.upper.as_ref())
            .filter(|bound| !bound.inclusive)
        {
            fixes.push(Fix {
                version: bound.version.clone(),
                kind: FixKind::Full,
                said: format!("{} ends the affected versions before it", advisory.source),
            });
        }
    }
    Verdict::Affected { fixes }
}

/// What a document's sentences say of a version that its lists do not hold: first of this very version, then of an older
/// one. The gravest counts.
fn said_of(item: &Item, advisory: &Advisory, heard: &[Heard<'_>]) -> Option<Verdict> {
    let gravity = |reading: &Reading| match reading {
        Reading::StillIn { .. } => 0,
        Reading::DependsOnSerial { .. } => 1,
        Reading::PartlyFixes { .. } => 2,
        Reading::Fixes { .. } => 3,
        Reading::Mentions { .. } => 4,
    };
    let gravest = |wanted: Ordering| {
        sentences(item, advisory, heard)
            .filter(|sentence| sentence.order == Some(wanted))
            .filter(|sentence| {
                wanted == Ordering::Equal || (sentence.is_ours && gravity(sentence.reading) < 4)
            })
            .min_by_key(|sentence| gravity(sentence.reading))
    };
    let exact = gravest(Ordering::Equal);
    let is_this_one = exact.is_some();
    let Sentence {
        reading,
        remedy,
        is_ours,
        ..
    } = exact.or_else(|| gravest(Ordering::Greater))?;
    let text = clip(&remedy.text, 300);
    let ours = item.version_words();
    let why = match reading {
        Reading::Fixes { version } if is_ours => {
            return Some(Verdict::FixedBy {
                release: version.clone(),
            });
        }
        Reading::PartlyFixes { version } if is_ours && is_this_one => {
            return Some(Verdict::PartlyFixed {
                release: version.clone(),
                remains: text,
            });
        }
        Reading::DependsOnSerial { .. } => Why::SerialNumber { text },
        Reading::Fixes { .. }
        | Reading::PartlyFixes { .. }
        | Reading::StillIn { .. }
        | Reading::Mentions { .. } => Why::SaidOtherwise { ours, text },
    };
    Some(Verdict::NeedsReview { why: vec![why] })
}

/// The product is named, the version is outside, and no sentence speaks of it: what that means depends on how the source
/// lists versions. The NVD lists every affected one; an advisory that lists single ones says nothing of those between.
fn unsaid(item: &Item, advisory: &Advisory, heard: &[Heard<'_>], by: &Heard<'_>) -> Verdict {
    let (ours, listed) = (item.version_words(), listed(heard));
    let is_range = heard
        .iter()
        .any(|heard| matches!(heard.pattern.versions, Versions::In(_)));
    if by.statement.status == Status::Affected && (is_range || advisory.source.feed == FeedKind::Nvd) {
        return Verdict::NotAffected {
            statement: format!(
                "{} lists {listed} as affected, and this is {ours}",
                advisory.source
            ),
            grounds: Grounds::OutsideTheRange,
        };
    }
    Verdict::NeedsReview {
        why: vec![Why::NotListed { ours, listed }],
    }
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
    if more == 0 {
        words
    } else {
        format!("{words} and {more} more")
    }
}

/// Where the thing stands to a version; `None` when that can not be known.
fn order(item: &Item, version: &str) -> Option<Ordering> {
    match item.versions.as_slice() {
        [ours] => compare(ours, version, Hint::Common).ok(),
        _ => None,
    }
}
