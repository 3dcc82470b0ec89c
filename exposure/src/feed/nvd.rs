//! Pages of the NVD's API 2.0 (`/rest/json/cves/2.0`), and its yearly files in the same shape.

use std::io::Read;

use chrono::NaiveDateTime;
use serde::Deserialize;

use super::{
    Advisory, Condition, Feed, FeedKind, MAX_PRODUCTS, Pattern, Role, Source, Statement, Status, page::Page,
};
use crate::{
    name::{Cpe, ProductName, Value, VendorName, VulnerabilityId},
    read::{self, Fault, Limits, Refused, at_most, clip},
    score::RawCvss,
    version::{Bound, Interval, Range, Versions},
};

#[derive(Deserialize)]
struct Item {
    cve: Record,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: VulnerabilityId,
    #[serde(default)]
    last_modified: Option<NaiveDateTime>,
    #[serde(default)]
    vuln_status: String,
    #[serde(default, deserialize_with = "at_most::<100, _, _>")]
    descriptions: Vec<Description>,
    #[serde(default)]
    metrics: Metrics,
    #[serde(default, deserialize_with = "at_most::<2_000, _, _>")]
    configurations: Vec<Configuration>,
}

#[derive(Deserialize)]
struct Description {
    lang: String,
    value: String,
}

#[derive(Deserialize, Default)]
struct Metrics {
    #[serde(default, rename = "cvssMetricV40", deserialize_with = "at_most::<100, _, _>")]
    v40: Vec<Metric>,
    #[serde(default, rename = "cvssMetricV31", deserialize_with = "at_most::<100, _, _>")]
    v31: Vec<Metric>,
    #[serde(default, rename = "cvssMetricV30", deserialize_with = "at_most::<100, _, _>")]
    v30: Vec<Metric>,
    #[serde(default, rename = "cvssMetricV2", deserialize_with = "at_most::<100, _, _>")]
    v2: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    source: String,
    cvss_data: RawCvss,
}

#[derive(Deserialize, Clone, Copy, Default)]
enum Operator {
    #[serde(rename = "AND")]
    And,
    #[default]
    #[serde(rename = "OR")]
    Or,
}

/// Nodes are joined by the operator; a missing one means OR, as single nodes have none.
#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    operator: Operator,
    #[serde(default)]
    negate: bool,
    #[serde(deserialize_with = "at_most::<2_000, _, _>")]
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    #[serde(default)]
    operator: Operator,
    #[serde(default)]
    negate: bool,
    #[serde(default, deserialize_with = "at_most::<MAX_PRODUCTS, _, _>")]
    cpe_match: Vec<CpeMatch>,
    /// Older files nest nodes.
    #[serde(default, deserialize_with = "at_most::<2_000, _, _>")]
    children: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CpeMatch {
    vulnerable: bool,
    criteria: String,
    #[serde(default)]
    version_start_including: Option<String>,
    #[serde(default)]
    version_start_excluding: Option<String>,
    #[serde(default)]
    version_end_including: Option<String>,
    #[serde(default)]
    version_end_excluding: Option<String>,
}

/// The most records in one file. The NVD itself gives 2,000 in a page.
pub const MAX: usize = 20_000;

/// Reads a page. Records pass one at a time; only what matching needs is kept of each.
///
/// # Errors
/// [`Refused`] names the file, the place in it and what is wrong.
pub fn read(name: &str, reader: impl Read, limits: Limits) -> Result<Feed, Refused> {
    let mut advisories: Vec<Advisory> = Vec::new();
    let mut budget = super::Budget::new();
    let page = Page::new(MAX, |item: Item| {
        let advisory = advisory(item.cve)?;
        let named = advisory
            .statements
            .iter()
            .map(|statement| statement.condition.patterns().len())
            .sum();
        budget.spend(named)?;
        advisories.push(advisory);
        Ok(())
    });
    let refuse = |fault| Refused::new(name, "a page of the NVD", fault);
    let head = read::json(reader, limits, page).map_err(refuse)?;
    let found = head.get("version").cloned().unwrap_or_default();
    if found != "2.0" {
        return Err(refuse(Fault::Unsupported {
            what: "its version",
            found,
            supported: "2.0",
        }));
    }
    let made_at = head
        .get("timestamp")
        .and_then(|text| text.parse::<NaiveDateTime>().ok());
    let document = head.get("timestamp").cloned().unwrap_or_default();
    Feed::new(
        FeedKind::Nvd,
        "NVD",
        document,
        made_at.map(|at| at.and_utc()),
        advisories,
    )
    .map_err(refuse)
}

fn advisory(record: Record) -> Result<Advisory, String> {
    let text = record
        .descriptions
        .iter()
        .find(|description| description.lang == "en")
        .or(record.descriptions.first())
        .map_or("", |description| description.value.as_str());
    let statements = record
        .configurations
        .into_iter()
        .map(|configuration| {
            let parts = configuration
                .nodes
                .into_iter()
                .map(node)
                .collect::<Result<_, _>>()?;
            Ok(Statement {
                status: Status::Affected,
                condition: join(configuration.operator, configuration.negate, parts),
                product: None,
                reason: None,
            })
        })
        .collect::<Result<_, String>>()?;
    let Metrics { v40, v31, v30, v2 } = record.metrics;
    let scores = [v40, v31, v30, v2]
        .into_iter()
        .flatten()
        .map(|metric| metric.cvss_data.into_score(&metric.source, Vec::new()))
        .collect();
    Ok(Advisory {
        source: Source {
            feed: FeedKind::Nvd,
            publisher: "NVD".to_owned(),
            document: record.id.to_string(),
            revision: None,
            changed_at: record.last_modified.map(|at| at.and_utc()),
        },
        title: clip(text, 160),
        text: clip(text, 2_000),
        vulnerability: record.id,
        statements,
        scores,
        remedies: Vec::new(),
        exploited: None,
        withdrawn: record.vuln_status.eq_ignore_ascii_case("rejected"),
    })
}

fn node(node: Node) -> Result<Condition, String> {
    let products = node
        .cpe_match
        .into_iter()
        .map(|entry| pattern(&entry).map(|pattern| Condition::Product(Box::new(pattern))));
    let children = node.children.into_iter().map(self::node);
    let parts = products.chain(children).collect::<Result<_, _>>()?;
    Ok(join(node.operator, node.negate, parts))
}

fn join(operator: Operator, negate: bool, mut parts: Vec<Condition>) -> Condition {
    let joined = match (operator, parts.len()) {
        (_, 1) => parts.remove(0),
        (Operator::And, _) => Condition::All(parts),
        (Operator::Or, _) => Condition::Any(parts),
    };
    if negate {
        Condition::Not(Box::new(joined))
    } else {
        joined
    }
}

fn pattern(entry: &CpeMatch) -> Result<Pattern, String> {
    let cpe: Cpe = entry
        .criteria
        .parse()
        .map_err(|error: crate::name::CpeError| error.to_string())?;
    let role = if entry.vulnerable {
        Role::Subject
    } else {
        Role::Surroundings
    };
    Ok(cpe_pattern(&cpe, role, versions(entry, &cpe.version)))
}

/// A product as a CPE names it.
pub(super) fn cpe_pattern(cpe: &Cpe, role: Role, versions: Versions) -> Pattern {
    let vendor = VendorName::new(cpe.vendor.text().unwrap_or_default());
    let names = cpe
        .product
        .text()
        .and_then(|name| ProductName::new(name, &vendor));
    let only = std::iter::once(("update", &cpe.update))
        .chain(cpe.rest())
        .filter(|(_, value)| !matches!(value, Value::Any | Value::NotApplicable))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    Pattern {
        said: cpe.as_str().to_owned(),
        role,
        part: cpe.part,
        vendor,
        names: names.into_iter().collect(),
        purl: None,
        versions,
        only,
        vague: false,
    }
}

/// The bounds of a match, or the version within its CPE.
fn versions(entry: &CpeMatch, version: &Value) -> Versions {
    let bound = |including: &Option<String>, excluding: &Option<String>| {
        let (version, inclusive) = match (including, excluding) {
            (Some(version), _) => (version, true),
            (None, Some(version)) => (version, false),
            (None, None) => return None,
        };
        Some(Bound {
            version: version.clone(),
            inclusive,
        })
    };
    let interval = Interval {
        lower: bound(&entry.version_start_including, &entry.version_start_excluding),
        upper: bound(&entry.version_end_including, &entry.version_end_excluding),
    };
    if interval == Interval::default() {
        cpe_versions(version)
    } else {
        Versions::In(Range::one(interval))
    }
}

/// The version within a CPE.
pub(super) fn cpe_versions(version: &Value) -> Versions {
    match version {
        Value::Any => Versions::All,
        Value::NotApplicable => Versions::NotApplicable,
        Value::Is(version) => Versions::Exactly(version.clone()),
        Value::Pattern(pattern) => Versions::Unread(pattern.clone()),
    }
}
