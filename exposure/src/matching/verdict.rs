//! The five answers, what they rest on, and the words for them.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::feed::{FeedKind, Source};

/// What a vulnerability means for a pump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A source names the product and the version.
    Affected { fixes: Vec<Fix> },
    /// A source says so, or lists versions among which this one is not.
    NotAffected { statement: String, grounds: Grounds },
    /// The release that it runs is a fix.
    FixedBy { release: String },
    /// The release that it runs mends a part of it.
    PartlyFixed { release: String, remains: String },
    /// A person decides.
    NeedsReview { why: Vec<Why> },
}

/// What *not affected* rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grounds {
    /// The document says `known_not_affected`.
    Declared,
    /// The document lists affected versions, and this one can be compared with them and lies outside.
    OutsideTheRange,
}

/// A version that mends a vulnerability, as a source says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    pub version: String,
    pub kind: FixKind,
    /// The words it was read from.
    pub said: String,
}

/// How far a fix goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixKind {
    Full,
    Partial,
    /// Whether it is the right one depends on the pump's serial number.
    BySerialNumber,
}

/// Why a person must look.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    #[error("{item} has no version, and the statement is about {range}")]
    NoVersion { item: String, range: String },
    #[error("version {ours} can not be compared with {theirs}")]
    Incomparable { ours: String, theirs: String },
    #[error("{ours} is a distribution's version, which may hold fixes that {theirs} does not tell of")]
    Distribution { ours: String, theirs: String },
    #[error("{item} is given with different versions ({versions}), and they do not agree")]
    TwoVersions { item: String, versions: String },
    #[error("the range `{text}` can not be read")]
    UnreadRange { text: String },
    #[error("the source gives no versions for {product}")]
    NoVersionsInSource { product: String },
    #[error("the source names `{theirs}` and this is {ours}: the names are alike and not the same")]
    NameAlike { ours: String, theirs: String },
    #[error("the product's name is the same, and the source's vendor `{theirs}` is not known to be `{ours}`")]
    OtherVendor { ours: String, theirs: String },
    #[error("the product's name is the same as in `{theirs}`, and whether its vendor is can not be told")]
    VendorUnknown { theirs: String },
    #[error("the source names only `{theirs}`, which may include {ours}")]
    Vague { ours: String, theirs: String },
    #[error("the statement holds only for {attribute} `{value}`, which is not known here")]
    Narrower { attribute: String, value: String },
    #[error("it counts only together with `{theirs}`, which is not among what is known here")]
    Surroundings { theirs: String },
    #[error("the statement lists {listed}, and says nothing of {ours}")]
    NotListed { ours: String, listed: String },
    #[error("{ours} is outside the affected versions, and the document also says: “{text}”")]
    SaidOtherwise { ours: String, text: String },
    #[error("which version is the fix depends on the serial number: “{text}”")]
    SerialNumber { text: String },
    #[error("the publisher is still investigating {product}")]
    UnderInvestigation { product: String },
    #[error("{one} and {other} contradict one another")]
    Contradiction { one: String, other: String },
}

/// What one source says of one thing in a pump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    pub source: Source,
    /// The thing, with its version.
    pub item: String,
    /// Where that is listed.
    pub place: Option<String>,
    /// The words of the source that name it.
    pub said: String,
    /// The product id within the source.
    pub product: Option<String>,
    pub verdict: Verdict,
}

impl Verdict {
    /// A word for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Affected { .. } => "affected",
            Self::NotAffected { .. } => "not affected",
            Self::FixedBy { .. } => "fixed",
            Self::PartlyFixed { .. } => "partly fixed",
            Self::NeedsReview { .. } => "needs review",
        }
    }

    /// Which of two counts when both hold for things in one pump: the higher one.
    pub(super) const fn weight(&self) -> u8 {
        match self {
            Self::NotAffected { .. } => 0,
            Self::FixedBy { .. } => 1,
            Self::PartlyFixed { .. } => 2,
            Self::NeedsReview { .. } => 3,
            Self::Affected { .. } => 4,
        }
    }

    /// Whether something is left to do: a fix, a measure or a decision.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Affected { .. } | Self::PartlyFixed { .. } | Self::NeedsReview { .. }
        )
    }
}

impl Opinion {
    /// Whether it can only ask, because its source never gives versions.
    pub(super) fn is_only_a_hint(&self) -> bool {
        self.source.feed == FeedKind::Kev
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Affected { fixes } => {
                f.write_str("affected")?;
                for (index, fix) in fixes.iter().enumerate() {
                    write!(f, "{}{fix}", if index == 0 { "; " } else { ", " })?;
                }
                Ok(())
            }
            Self::NotAffected { statement, .. } => write!(f, "not affected: {statement}"),
            Self::FixedBy { release } => write!(f, "fixed by {release}"),
            Self::PartlyFixed { release, remains } => write!(f, "partly fixed by {release}: {remains}"),
            Self::NeedsReview { why } => {
                f.write_str("needs review: ")?;
                for (index, why) in why.iter().enumerate() {
                    write!(f, "{}{why}", if index == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.kind {
            FixKind::Full => "fixed in",
            FixKind::Partial => "partly fixed in",
            FixKind::BySerialNumber => "for some serial numbers fixed in",
        };
        write!(f, "{how} {}", self.version)
    }
}

impl fmt::Display for Opinion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({} on `{}`)",
            self.item, self.verdict, self.source, self.said
        )
    }
}
