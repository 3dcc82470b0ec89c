//! CISA's Known Exploited Vulnerabilities catalogue (JSON).
//!
//! It names a vendor and a product and no versions at all: alone it can only ask for a review. Its worth is the mark that it
//! puts on a vulnerability which another feed describes.

use std::io::Read;

use chrono::NaiveDate;
use serde::Deserialize;

use super::{
    Advisory, Condition, Exploited, Feed, FeedKind, Pattern, Role, Source, Statement, Status, page::Page,
};
use crate::{
    Timestamp,
    name::{ProductName, VendorName, VulnerabilityId},
    read::{self, Fault, Limits, Refused, clip},
    version::Versions,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve_id: VulnerabilityId,
    vendor_project: String,
    product: String,
    vulnerability_name: String,
    date_added: NaiveDate,
    #[serde(default)]
    short_description: String,
    #[serde(default)]
    required_action: String,
    #[serde(default)]
    due_date: Option<NaiveDate>,
    #[serde(default)]
    known_ransomware_campaign_use: String,
}

/// The most entries in the catalogue.
pub const MAX: usize = 50_000;

/// Reads the catalogue.
///
/// # Errors
/// [`Refused`] names the file, the place in it and what is wrong.
pub fn read(name: &str, reader: impl Read, limits: Limits) -> Result<Feed, Refused> {
    let mut entries = Vec::new();
    let page = Page::new(MAX, |entry: Entry| {
        entries.push(entry);
        Ok(())
    });
    let refuse = |fault| Refused::new(name, "CISA's catalogue of known exploited vulnerabilities", fault);
    let head = read::json(reader, limits, page).map_err(refuse)?;
    let version = head.get("catalogVersion").ok_or_else(|| {
        refuse(Fault::Contradicts {
            detail: "it has no `catalogVersion`".to_owned(),
        })
    })?;
    if let Some(count) = head.get("count")
        && *count != entries.len().to_string()
    {
        let detail = format!("it announces {count} entries and has {}", entries.len());
        return Err(refuse(Fault::Contradicts { detail }));
    }
    if entries.is_empty() {
        // It would take the mark off everything that is known to be exploited.
        let detail = "it has no entries".to_owned();
        return Err(refuse(Fault::Contradicts { detail }));
    }
    let made_at = head
        .get("dateReleased")
        .and_then(|text| text.parse::<Timestamp>().ok());
    let source = Source {
        feed: FeedKind::Kev,
        publisher: "CISA".to_owned(),
        document: version.clone(),
        revision: None,
        changed_at: made_at,
    };
    let advisories = entries
        .into_iter()
        .map(|entry| advisory(entry, &source))
        .collect();
    Feed::new(FeedKind::Kev, "CISA", version.clone(), made_at, advisories).map_err(refuse)
}

fn advisory(entry: Entry, source: &Source) -> Advisory {
    let vendor = VendorName::new(&entry.vendor_project);
    let vague = entry.product.to_lowercase().contains("multiple ");
    // One entry may name several products: `Snapdragon Auto, Snapdragon Compute`.
    let names: Vec<ProductName> = if vague {
        Vec::new()
    } else {
        let several = entry
            .product
            .split([',', ';'])
            .chain(entry.product.split(" and "));
        let mut names: Vec<ProductName> = several
            .filter_map(|name| ProductName::new(name, &vendor))
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let pattern = Pattern {
        said: format!("{} {}", entry.vendor_project.trim(), entry.product.trim()),
        role: Role::Subject,
        part: None,
        vendor,
        names,
        purl: None,
        versions: Versions::Unsaid,
        only: Vec::new(),
        vague,
    };
    Advisory {
        vulnerability: entry.cve_id,
        source: source.clone(),
        title: clip(&entry.vulnerability_name, 300),
        text: clip(&entry.short_description, 2_000),
        statements: vec![Statement {
            status: Status::Affected,
            condition: Condition::Product(Box::new(pattern)),
            product: None,
            reason: None,
        }],
        scores: Vec::new(),
        remedies: Vec::new(),
        exploited: Some(Exploited {
            added: entry.date_added,
            due: entry.due_date,
            ransomware: entry.known_ransomware_campaign_use.eq_ignore_ascii_case("known"),
            required_action: clip(&entry.required_action, 1_000),
        }),
        withdrawn: false,
    }
}
