//! CSAF 2.0 advisories (OASIS, Common Security Advisory Framework 2.0), one document each.
//!
//! What real documents are like: hardly any carries a CPE or a purl, so products are told apart by vendor, name and version;
//! ranges are free text; nearly all say only `known_affected`, and the fix stands in a sentence.

mod tree;

use std::io::Read;

use serde::Deserialize;

use super::{
    Advisory, Condition, Feed, FeedKind, Pattern, Remedy, RemedyKind, Source, Statement, Status, remedy,
};
use crate::{
    Timestamp,
    name::VulnerabilityId,
    read::{self, Fault, Limits, Refused, at_most, clip},
    score::RawCvss,
};
use tree::Products;

#[derive(Deserialize)]
struct Raw {
    document: Document,
    #[serde(default)]
    product_tree: tree::RawTree,
    #[serde(default, deserialize_with = "at_most::<5_000, _, _>")]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Document {
    csaf_version: String,
    title: String,
    publisher: Publisher,
    tracking: Tracking,
}

#[derive(Deserialize)]
struct Publisher {
    name: String,
}

#[derive(Deserialize)]
struct Tracking {
    id: String,
    version: String,
    current_release_date: Timestamp,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    cve: Option<VulnerabilityId>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default, deserialize_with = "at_most::<500, _, _>")]
    notes: Vec<Note>,
    #[serde(default)]
    product_status: ProductStatus,
    #[serde(default, deserialize_with = "at_most::<2_000, _, _>")]
    remediations: Vec<RawRemedy>,
    #[serde(default, deserialize_with = "at_most::<2_000, _, _>")]
    scores: Vec<RawScore>,
    #[serde(default, deserialize_with = "at_most::<2_000, _, _>")]
    flags: Vec<Reason>,
    #[serde(default, deserialize_with = "at_most::<2_000, _, _>")]
    threats: Vec<Reason>,
}

#[derive(Deserialize)]
struct Note {
    category: String,
    text: String,
}

/// The groups of CSAF 2.0, section 3.2.3.9.
#[derive(Deserialize, Default)]
struct ProductStatus {
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    known_affected: Vec<String>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    first_affected: Vec<String>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    last_affected: Vec<String>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    known_not_affected: Vec<String>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    fixed: Vec<String>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    first_fixed: Vec<String>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    under_investigation: Vec<String>,
}

const MAX: usize = super::MAX_PRODUCTS;

#[derive(Deserialize)]
struct RawRemedy {
    category: RemedyKind,
    details: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    product_ids: Vec<String>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    group_ids: Vec<String>,
}

#[derive(Deserialize)]
struct RawScore {
    #[serde(default)]
    cvss_v2: Option<RawCvss>,
    #[serde(default)]
    cvss_v3: Option<RawCvss>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    products: Vec<String>,
}

/// A flag (`label`) or a threat (`category`, `details`) that says why a product is not affected.
#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    details: Option<String>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    product_ids: Vec<String>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    group_ids: Vec<String>,
}

/// Reads one advisory: an [`Advisory`] for each of its vulnerabilities.
///
/// # Errors
/// [`Refused`] names the file, the place in it and what is wrong, also when it names products that it does not define.
pub fn read(name: &str, reader: impl Read, limits: Limits) -> Result<Feed, Refused> {
    let refuse = |fault| Refused::new(name, "a CSAF advisory", fault);
    let raw: Raw = read::json(reader, limits, std::marker::PhantomData).map_err(refuse)?;
    if raw.document.csaf_version != "2.0" {
        return Err(refuse(Fault::Unsupported {
            what: "`document.csaf_version`",
            found: clip(&raw.document.csaf_version, 20),
            supported: "2.0",
        }));
    }
    let contradicts = |detail| refuse(Fault::Contradicts { detail });
    let products = Products::new(raw.product_tree).map_err(contradicts)?;
    let Document {
        title,
        publisher,
        tracking,
        ..
    } = raw.document;
    let source = Source {
        feed: FeedKind::Csaf,
        publisher: clip(&publisher.name, 120),
        document: clip(&tracking.id, 120),
        revision: Some(clip(&tracking.version, 40)),
        changed_at: Some(tracking.current_release_date),
    };
    let mut advisories = Vec::new();
    for (index, vulnerability) in raw.vulnerabilities.into_iter().enumerate() {
        let id = match &vulnerability.cve {
            Some(id) => id.clone(),
            // Without a CVE the document's own id and the place in it are the name.
            None => VulnerabilityId::new(&format!("{}:{}", tracking.id, index + 1))
                .map_err(|error| contradicts(error.to_string()))?,
        };
        advisories.push(advisory(id, vulnerability, &title, &source, &products).map_err(contradicts)?);
    }
    Feed::new(
        FeedKind::Csaf,
        &source.publisher,
        source.document,
        source.changed_at,
        advisories,
    )
    .map_err(refuse)
}

fn advisory(
    id: VulnerabilityId,
    raw: Vulnerability,
    title: &str,
    source: &Source,
    products: &Products,
) -> Result<Advisory, String> {
    let reasons = reasons(&raw.flags, &raw.threats, products)?;
    let status = raw.product_status;
    let groups = [
        (
            Status::Affected,
            [status.known_affected, status.first_affected, status.last_affected].concat(),
        ),
        (Status::NotAffected, status.known_not_affected),
        (Status::Fixed, [status.fixed, status.first_fixed].concat()),
        (Status::UnderInvestigation, status.under_investigation),
    ];
    let mut statements = Vec::new();
    for (status, product) in groups
        .iter()
        .flat_map(|(status, ids)| ids.iter().map(|id| (*status, id)))
    {
        statements.push(Statement {
            status,
            condition: products.condition(product)?,
            product: Some(product.clone()),
            reason: reasons
                .iter()
                .find(|(id, _)| id == product)
                .map(|(_, reason)| reason.clone()),
        });
    }
    let mut remedies = Vec::new();
    for remedy in raw.remediations {
        remedies.push(Remedy {
            kind: remedy.category,
            readings: remedy::read(&remedy.details, &id),
            text: clip(&remedy.details, 1_000),
            url: remedy.url.as_deref().map(|url| clip(url, 500)),
            products: products.all(remedy.product_ids, &remedy.group_ids)?,
        });
    }
    let scores = raw.scores.into_iter().flat_map(|score| {
        let RawScore {
            cvss_v2,
            cvss_v3,
            products,
        } = score;
        let given = [cvss_v3, cvss_v2].into_iter().flatten();
        given
            .map(move |cvss| cvss.into_score(&source.publisher, products.clone()))
            .collect::<Vec<_>>()
    });
    let note = raw
        .notes
        .iter()
        .find(|note| matches!(note.category.as_str(), "summary" | "description"));
    Ok(Advisory {
        vulnerability: id,
        source: source.clone(),
        title: clip(raw.title.as_deref().unwrap_or(title), 300),
        text: clip(note.map_or("", |note| note.text.as_str()), 2_000),
        statements,
        scores: scores.collect(),
        remedies,
        exploited: None,
        withdrawn: false,
    })
}

/// Why products are not affected, by product id.
fn reasons(
    flags: &[Reason],
    threats: &[Reason],
    products: &Products,
) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let impacts = threats
        .iter()
        .filter(|threat| threat.category.as_deref() == Some("impact"));
    for reason in impacts.chain(flags) {
        let Some(words) = reason.details.as_deref().or(reason.label.as_deref()) else {
            continue;
        };
        let words = clip(&words.replace('_', " "), 500);
        for id in products.all(reason.product_ids.clone(), &reason.group_ids)? {
            found.push((id, words.clone()));
        }
    }
    Ok(found)
}
