//! Everything that was imported, found by name.
//!
//! A thing in a pump meets few of many thousand statements; the index finds them by the names' folded keys. An import says
//! which vulnerabilities it changed, and only those are matched again.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{Facts, Finding, Item, judge};
use crate::{
    feed::{Advisory, Feed, FeedKind, Pattern, Role},
    name::VulnerabilityId,
    sbom::ComponentKind,
};

/// What an import changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Vulnerabilities of which something new is known; findings about any other stand.
    pub vulnerabilities: BTreeSet<VulnerabilityId>,
    /// Records that were the same as before.
    pub unchanged: usize,
    /// Records that were older than what is known, and were passed over.
    pub older: usize,
}

/// Everything that is known of vulnerabilities.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// `None` for a record that was replaced.
    slots: Vec<Option<Arc<Advisory>>>,
    by_key: HashMap<Box<str>, Vec<usize>>,
    by_vulnerability: BTreeMap<VulnerabilityId, Vec<usize>>,
    dead: usize,
}

impl Index {
    /// An index of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.dead
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every record about a vulnerability.
    pub fn about(&self, vulnerability: &VulnerabilityId) -> impl Iterator<Item = &Arc<Advisory>> {
        let slots = self
            .by_vulnerability
            .get(vulnerability)
            .map_or(&[][..], Vec::as_slice);
        slots.iter().filter_map(|slot| self.slots.get(*slot)?.as_ref())
    }

    /// Takes a file that was read. A CSAF document and the KEV catalogue replace what they said before as a whole; a page of
    /// the NVD replaces the records that it has.
    pub fn import(&mut self, feed: Feed) -> Changed {
        let mut changed = Changed::default();
        let (kind, publisher, document) = (feed.stamp.feed, feed.stamp.publisher, feed.stamp.document);
        let is_of_the_file = |old: &Advisory| match kind {
            FeedKind::Kev => old.source.feed == FeedKind::Kev,
            FeedKind::Csaf => {
                old.source.feed == FeedKind::Csaf
                    && old.source.publisher == publisher
                    && old.source.document == document
            }
            FeedKind::Nvd => false,
        };
        let mut gone: BTreeSet<VulnerabilityId> = self
            .slots
            .iter()
            .flatten()
            .filter(|old| is_of_the_file(old))
            .map(|old| old.vulnerability.clone())
            .collect();
        let mut is_old_file = false;
        for advisory in feed.advisories {
            gone.remove(&advisory.vulnerability);
            match self.known(&advisory) {
                Some((_, old)) if advisory.source.changed_at < old.source.changed_at => {
                    changed.older += 1;
                    is_old_file = true;
                }
                Some((slot, old)) if says_the_same(&old, &advisory) => {
                    changed.unchanged += 1;
                    // The newer document says it too: it is the one to be named, and what an older one is measured by.
                    if let Some(known) = self.slots.get_mut(slot) {
                        *known = Some(Arc::new(advisory));
                    }
                }
                known => {
                    changed.vulnerabilities.insert(advisory.vulnerability.clone());
                    if let Some((slot, _)) = known {
                        self.forget(slot);
                    }
                    self.add(advisory);
                }
            }
        }
        // What a newer file leaves out was taken back; what an older one leaves out was not there yet.
        for vulnerability in gone.into_iter().filter(|_| !is_old_file) {
            let slots: Vec<usize> = self
                .by_vulnerability
                .get(&vulnerability)
                .cloned()
                .unwrap_or_default();
            for slot in slots {
                if self
                    .slots
                    .get(slot)
                    .and_then(Option::as_deref)
                    .is_some_and(is_of_the_file)
                {
                    self.forget(slot);
                }
            }
            changed.vulnerabilities.insert(vulnerability);
        }
        self.tidy();
        changed
    }

    /// The record that a new one would replace.
    fn known(&self, advisory: &Advisory) -> Option<(usize, Arc<Advisory>)> {
        let slots = self.by_vulnerability.get(&advisory.vulnerability)?;
        slots.iter().find_map(|slot| {
            let old = self.slots.get(*slot)?.as_ref()?;
            let (one, other) = (&old.source, &advisory.source);
            let is_same = one.feed == other.feed
                && (one.feed == FeedKind::Kev
                    || (one.publisher == other.publisher && one.document == other.document));
            is_same.then(|| (*slot, Arc::clone(old)))
        })
    }

    fn add(&mut self, advisory: Advisory) {
        let slot = self.slots.len();
        let keys: BTreeSet<String> = advisory
            .statements
            .iter()
            .flat_map(|statement| statement.condition.patterns())
            .filter(|pattern| pattern.role == Role::Subject)
            .flat_map(pattern_keys)
            .collect();
        for key in keys {
            self.by_key.entry(key.into_boxed_str()).or_default().push(slot);
        }
        self.by_vulnerability
            .entry(advisory.vulnerability.clone())
            .or_default()
            .push(slot);
        self.slots.push(Some(Arc::new(advisory)));
    }

    fn forget(&mut self, slot: usize) {
        if let Some(advisory) = self.slots.get_mut(slot).and_then(Option::take) {
            self.dead += 1;
            if let Some(slots) = self.by_vulnerability.get_mut(&advisory.vulnerability) {
                slots.retain(|other| *other != slot);
            }
        }
    }

    /// Builds itself anew when more than half of it is dead.
    fn tidy(&mut self) {
        if self.dead <= self.slots.len() / 2 {
            return;
        }
        let living: Vec<Arc<Advisory>> = std::mem::take(self).slots.into_iter().flatten().collect();
        for advisory in living {
            self.add(Arc::unwrap_or_clone(advisory));
        }
    }

    /// Every finding for some facts, sorted by vulnerability.
    #[must_use]
    pub fn findings(&self, facts: &Facts) -> Vec<Finding> {
        self.find(facts, |_| true)
    }

    /// The findings about what an import changed. A vulnerability of `changed` that is not among them means nothing for
    /// these facts any more.
    #[must_use]
    pub fn findings_about(&self, facts: &Facts, changed: &Changed) -> Vec<Finding> {
        self.find(facts, |vulnerability| {
            changed.vulnerabilities.contains(vulnerability)
        })
    }

    fn find(&self, facts: &Facts, is_asked: impl Fn(&VulnerabilityId) -> bool) -> Vec<Finding> {
        let mut opinions: BTreeMap<&VulnerabilityId, Vec<_>> = BTreeMap::new();
        for item in facts.items() {
            let slots: BTreeSet<usize> = item_keys(item)
                .filter_map(|key| self.by_key.get(key.as_str()))
                .flatten()
                .copied()
                .collect();
            for advisory in slots
                .into_iter()
                .filter_map(|slot| self.slots.get(slot)?.as_ref())
            {
                if !is_asked(&advisory.vulnerability) {
                    continue;
                }
                if let Some(opinion) = judge(facts, item, advisory) {
                    opinions.entry(&advisory.vulnerability).or_default().push(opinion);
                }
            }
        }
        opinions
            .into_iter()
            .filter_map(|(vulnerability, opinions)| {
                let about: Vec<&Arc<Advisory>> = self.about(vulnerability).collect();
                let exploited = about.iter().find_map(|advisory| advisory.exploited.clone());
                let is_for = |products: &[String]| {
                    products.is_empty()
                        || opinions
                            .iter()
                            .filter_map(|opinion| opinion.product.as_ref())
                            .any(|id| products.contains(id))
                };
                let scores = about
                    .iter()
                    .flat_map(|advisory| &advisory.scores)
                    .filter(|score| is_for(&score.products))
                    .cloned()
                    .collect();
                let title = about
                    .first()
                    .map_or(String::new(), |advisory| advisory.title.clone());
                Finding::new(vulnerability.clone(), title, opinions, exploited, scores)
            })
            .collect()
    }
}

/// An index of records that were kept apart, each as it is.
impl FromIterator<Advisory> for Index {
    fn from_iter<I: IntoIterator<Item = Advisory>>(records: I) -> Self {
        let mut index = Self::new();
        for record in records {
            index.add(record);
        }
        index
    }
}

/// Whether a record says what it said before. Its document's version alone is no news: KEV's changes daily.
fn says_the_same(old: &Advisory, new: &Advisory) -> bool {
    let same_source = old.source.feed == FeedKind::Kev || old.source == new.source;
    same_source
        && old.statements == new.statements
        && old.scores == new.scores
        && old.remedies == new.remedies
        && old.exploited == new.exploited
        && old.withdrawn == new.withdrawn
        && old.title == new.title
        && old.text == new.text
}

/// Marks of the keys: a name as a whole, a word of it, a vendor.
const NAME: char = '=';
const WORD: char = '~';
const VENDOR: char = '@';

fn pattern_keys(pattern: &Pattern) -> Vec<String> {
    if pattern.vague {
        return pattern
            .vendor
            .words()
            .map(|word| format!("{VENDOR}{word}"))
            .collect();
    }
    let names = pattern.names.iter().map(|name| format!("{NAME}{}", name.key()));
    let words = pattern
        .names
        .iter()
        .flat_map(|name| name.telling().map(|word| format!("{WORD}{word}")));
    let package = pattern
        .purl
        .iter()
        .map(|purl| format!("{NAME}{}", purl.name.to_lowercase()));
    names.chain(words).chain(package).collect()
}

fn item_keys(item: &Item) -> impl Iterator<Item = String> {
    let names = item.names.iter().map(|name| format!("{NAME}{}", name.key()));
    let package = item
        .purl
        .iter()
        .map(|purl| format!("{NAME}{}", purl.name.to_lowercase()));
    // Only pumps and parts are looked for by single words, and only what is no software by its vendor.
    let is_device = item.kind == ComponentKind::Device;
    let words = item
        .names
        .iter()
        .filter(move |_| is_device)
        .flat_map(|name| name.telling().map(|word| format!("{WORD}{word}")));
    let is_software = item.kind == ComponentKind::Software;
    let vendors = item
        .vendors
        .iter()
        .filter(move |_| !is_software)
        .flat_map(|vendor| vendor.words().map(|word| format!("{VENDOR}{word}")));
    names.chain(package).chain(words).chain(vendors)
}
