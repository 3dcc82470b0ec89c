//! What was published, in one shape: an [`Advisory`] is one vulnerability as one document tells it.
//!
//! CSAF, the NVD and CISA's catalogue each have a reader of their own that keeps the parts which decide something. A reader
//! either gives everything or refuses the file: nothing of a refused file is kept.

pub mod csaf;
pub mod kev;
pub mod nvd;
mod page;
mod remedy;

use std::{collections::BTreeSet, fmt};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use remedy::{Reading, Remedy, RemedyKind};

use crate::{
    Timestamp,
    name::{Part, ProductName, Purl, Value, VendorName, VulnerabilityId},
    read::Fault,
    score::Score,
    version::Versions,
};

/// Which kind of feed a document belongs to. The age of each is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// Common Security Advisory Framework 2.0, one document per advisory.
    Csaf,
    /// National Vulnerability Database, API 2.0.
    Nvd,
    /// CISA's Known Exploited Vulnerabilities catalogue.
    Kev,
}

/// Where a statement comes from: enough to find it again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    pub feed: FeedKind,
    /// Who published it: `CISA`, a manufacturer, `NVD`.
    pub publisher: String,
    /// The document's own id: `ICSMA-17-250-02A`; the CVE id in the NVD; the catalogue's version in KEV.
    pub document: String,
    /// The document's revision, when it counts them.
    pub revision: Option<String>,
    /// When the document was last changed.
    pub changed_at: Option<Timestamp>,
}

/// What a file says of itself, for the page that shows the age of each feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub feed: FeedKind,
    /// Who published it.
    pub publisher: String,
    /// The document's id or the catalogue's version.
    pub document: String,
    /// When its publisher made it; `None` when it does not say.
    pub made_at: Option<Timestamp>,
    /// How many vulnerabilities it tells of.
    pub records: usize,
    /// How many of them name no product by which they could be found: the NVD has not analysed them yet, or an advisory
    /// leaves the name empty. Nothing is known of these, and a page must say so.
    pub without_products: usize,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    pub stamp: Stamp,
    pub advisories: Vec<Advisory>,
}

/// One vulnerability as one document tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advisory {
    pub vulnerability: VulnerabilityId,
    pub source: Source,
    /// Its title, or the beginning of its description.
    pub title: String,
    /// A description for people, at most 2,000 characters.
    pub text: String,
    /// What is said of which products.
    pub statements: Vec<Statement>,
    pub scores: Vec<Score>,
    pub remedies: Vec<Remedy>,
    /// Set by the catalogue of known exploited vulnerabilities.
    pub exploited: Option<Exploited>,
    /// The publisher took it back: nothing is matched any more.
    pub withdrawn: bool,
}

/// What CISA's catalogue says of a vulnerability that is known to be exploited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exploited {
    pub added: NaiveDate,
    /// By when US federal agencies must have acted.
    pub due: Option<NaiveDate>,
    pub ransomware: bool,
    pub required_action: String,
}

/// What a document says of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Affected,
    NotAffected,
    Fixed,
    UnderInvestigation,
}

/// A status, and when it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    pub status: Status,
    pub condition: Condition,
    /// The id by which remedies and scores refer to it (CSAF product id).
    pub product: Option<String>,
    /// Why, in the document's words (CSAF flags and impact statements).
    pub reason: Option<String>,
}

/// When a statement holds. NVD configurations nest them; CSAF relationships join two products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Product(Box<Pattern>),
}

/// Whether a product is what is vulnerable, or what must be there besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Subject,
    Surroundings,
}

/// A product as a document names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// The document's own words: a CPE, or a product's full name.
    pub said: String,
    pub role: Role,
    pub part: Option<Part>,
    pub vendor: VendorName,
    /// Names of which any may fit. Empty for *every product of the vendor*.
    pub names: Vec<ProductName>,
    pub purl: Option<Purl>,
    pub versions: Versions,
    /// Narrower conditions of a CPE, by name: update, edition, target software.
    pub only: Vec<(String, Value)>,
    /// The source names no product but *Multiple Chipsets*.
    pub vague: bool,
}

impl Condition {
    /// Every product in it, at whatever depth.
    pub fn patterns(&self) -> Vec<&Pattern> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(condition) = open.pop() {
            match condition {
                Self::All(parts) | Self::Any(parts) => open.extend(parts),
                Self::Not(part) => open.push(part),
                Self::Product(pattern) => found.push(pattern.as_ref()),
            }
        }
        found
    }
}

impl Advisory {
    /// Whether it names a product by which it can be found.
    fn can_be_found(&self) -> bool {
        let mut patterns = self
            .statements
            .iter()
            .flat_map(|statement| statement.condition.patterns());
        patterns.any(|pattern| {
            pattern.role == Role::Subject
                && (pattern.vague || pattern.purl.is_some() || !pattern.names.is_empty())
        })
    }
}

impl FeedKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Csaf, Self::Nvd, Self::Kev];

    /// The name that people know.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csaf => "CSAF advisory",
            Self::Nvd => "NVD",
            Self::Kev => "CISA KEV",
        }
    }
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.feed {
            FeedKind::Csaf => write!(f, "{} {}", self.publisher, self.document),
            FeedKind::Nvd => write!(f, "NVD {}", self.document),
            FeedKind::Kev => write!(f, "CISA KEV {}", self.document),
        }
    }
}

impl Feed {
    /// Puts a file together, unless it tells of one vulnerability twice: which of both would hold?
    fn new(
        feed: FeedKind,
        publisher: &str,
        document: String,
        made_at: Option<Timestamp>,
        advisories: Vec<Advisory>,
    ) -> Result<Self, Fault> {
        let mut seen = BTreeSet::new();
        for advisory in &advisories {
            if !seen.insert(&advisory.vulnerability) {
                return Err(Fault::Contradicts {
                    detail: format!("it tells of {} twice", advisory.vulnerability),
                });
            }
        }
        let stamp = Stamp {
            feed,
            publisher: publisher.to_owned(),
            document,
            made_at,
            records: advisories.len(),
            without_products: advisories
                .iter()
                .filter(|advisory| !advisory.can_be_found())
                .count(),
        };
        Ok(Self { stamp, advisories })
    }
}

/// The most products in one list: more are no honest record.
const MAX_PRODUCTS: usize = 20_000;

/// Products that one file may name in all. A few bytes refer to a product that takes hundreds in memory.
struct Budget(usize);

impl Budget {
    const MAX: usize = 300_000;

    const fn new() -> Self {
        Self(Self::MAX)
    }

    fn spend(&mut self, products: usize) -> Result<(), String> {
        self.0 = self
            .0
            .checked_sub(products)
            .ok_or_else(|| format!("it names products more than {} times", Self::MAX))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
