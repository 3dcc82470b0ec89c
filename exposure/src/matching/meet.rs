//! One thing against one pattern: is it this product, and is it one of these versions?

use super::{Item, Why};
use crate::{
    feed::Pattern,
    name::{Alike, Part, Value, VendorName},
    sbom::ComponentKind,
    version::{Hint, Interval, Range, Scheme, Versions, Within},
};

/// How far a thing meets a pattern. Later ones count more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Met {
    /// It is another product.
    No,
    /// It is the product, in a version outside.
    Outside,
    /// It may be meant.
    Perhaps(Vec<Why>),
    /// It is meant.
    Yes,
}

impl Met {
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::No => 0,
            Self::Outside => 1,
            Self::Perhaps(_) => 2,
            Self::Yes => 3,
        }
    }
}

/// Kinds of packages whose versions are a distribution's own.
const DISTRIBUTIONS: [&str; 5] = ["deb", "rpm", "apk", "alpm", "opkg"];

/// Compares. `near` says whether names that are merely alike may count.
pub(super) fn meet(item: &Item, pattern: &Pattern, near: bool) -> Met {
    let Some(mut doubts) = identity(item, pattern, near) else {
        return Met::No;
    };
    let is_certain = doubts.is_empty();
    match version(item, pattern) {
        Ok(Within::Inside) => {}
        Ok(Within::Outside) if is_certain => return Met::Outside,
        Ok(Within::Outside) => return Met::No,
        Err(why) => doubts.push(why),
    }
    match narrower(item, pattern) {
        Ok(more) => doubts.extend(more),
        Err(()) => return Met::No,
    }
    if doubts.is_empty() {
        Met::Yes
    } else {
        Met::Perhaps(doubts)
    }
}

/// Whether a name of the thing is exactly a name of the pattern, by a vendor that is not another.
pub(super) fn is_named(item: &Item, pattern: &Pattern) -> bool {
    identity(item, pattern, false).is_some()
}

/// `None` when it is another product; otherwise what makes it doubtful.
fn identity(item: &Item, pattern: &Pattern, near: bool) -> Option<Vec<Why>> {
    if pattern.part == Some(Part::Hardware) && item.kind != ComponentKind::Device {
        return None;
    }
    if let (Some(ours), Some(theirs)) = (&item.purl, &pattern.purl)
        && ours.same_package(theirs)
    {
        return Some(Vec::new());
    }
    let vendor = item
        .vendors
        .iter()
        .map(|vendor| vendor.alike(&pattern.vendor))
        .max()
        .unwrap_or(Alike::Perhaps);
    if pattern.vague {
        // A library is never meant by `Multiple Chipsets`.
        let may_be = vendor == Alike::Yes && item.kind != ComponentKind::Software;
        return may_be.then(|| {
            vec![Why::Vague {
                ours: item.label.clone(),
                theirs: pattern.said.clone(),
            }]
        });
    }
    let name = item
        .names
        .iter()
        .flat_map(|ours| pattern.names.iter().map(|theirs| ours.alike(theirs)))
        .max()?;
    let alike = || Why::NameAlike {
        ours: item.label.clone(),
        theirs: pattern.said.clone(),
    };
    match (name, vendor) {
        (Alike::Yes, Alike::Yes) => Some(Vec::new()),
        (Alike::Yes, Alike::Perhaps) => Some(vec![Why::VendorUnknown {
            theirs: pattern.said.clone(),
        }]),
        (Alike::Yes, Alike::No) => Some(vec![Why::OtherVendor {
            ours: spelt(item.vendors.iter()),
            theirs: spelt(std::iter::once(&pattern.vendor)),
        }]),
        (Alike::Perhaps, Alike::Yes) if near && item.kind == ComponentKind::Device => Some(vec![alike()]),
        (Alike::Perhaps | Alike::No, _) => None,
    }
}

fn spelt<'a>(vendors: impl Iterator<Item = &'a VendorName>) -> String {
    let words: Vec<String> = vendors
        .map(|vendor| vendor.words().collect::<Vec<_>>().join(" "))
        .collect();
    words.join(" / ")
}

fn version(item: &Item, pattern: &Pattern) -> Result<Within, Why> {
    let is_hardware = pattern.part == Some(Part::Hardware);
    let exactly;
    let range = match &pattern.versions {
        Versions::All => return Ok(Within::Inside),
        Versions::NotApplicable if is_hardware => return Ok(Within::Inside),
        Versions::NotApplicable | Versions::Unsaid => {
            return Err(Why::NoVersionsInSource {
                product: pattern.said.clone(),
            });
        }
        Versions::Unread(text) => return Err(Why::UnreadRange { text: text.clone() }),
        Versions::Exactly(version) => {
            exactly = Range::one(Interval::only(version));
            &exactly
        }
        Versions::In(range) => range,
    };
    if is_hardware || item.versions.is_empty() {
        // A hardware revision is not what a pump reports as its version.
        return Err(Why::NoVersion {
            item: item.label.clone(),
            range: range.to_string(),
        });
    }
    let is_distribution = item
        .purl
        .as_ref()
        .is_some_and(|purl| DISTRIBUTIONS.contains(&purl.kind.as_str()));
    if is_distribution && range.hint != Hint::Only(Scheme::Debian) {
        return Err(Why::Distribution {
            ours: item.version_words(),
            theirs: range.to_string(),
        });
    }
    let mut places = Vec::new();
    for version in &item.versions {
        match range.place(version) {
            Ok(place) => places.push(place),
            Err(error) => {
                return Err(Why::Incomparable {
                    ours: error.one,
                    theirs: range.to_string(),
                });
            }
        }
    }
    match places.first() {
        Some(first) if places.iter().all(|place| place == first) => Ok(*first),
        _ => Err(Why::TwoVersions {
            item: item.label.clone(),
            versions: item.version_words(),
        }),
    }
}

/// Doubts about a CPE's narrower attributes; `Err` when one of them excludes the thing.
fn narrower(item: &Item, pattern: &Pattern) -> Result<Vec<Why>, ()> {
    let mut doubts = Vec::new();
    for (attribute, value) in &pattern.only {
        let ours = item.cpe.as_ref().and_then(|cpe| {
            if attribute == "update" {
                return Some(&cpe.update);
            }
            cpe.rest()
                .find_map(|(name, value)| (name == attribute).then_some(value))
        });
        match (value, ours) {
            (Value::Is(theirs), Some(Value::Is(ours))) if theirs == ours => {}
            (Value::Is(_), Some(Value::Is(_))) => return Err(()),
            (Value::Is(text) | Value::Pattern(text), _) => doubts.push(Why::Narrower {
                attribute: attribute.clone(),
                value: text.clone(),
            }),
            (Value::Any | Value::NotApplicable, _) => {}
        }
    }
    Ok(doubts)
}
