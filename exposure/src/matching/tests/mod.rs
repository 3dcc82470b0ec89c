//! Each trap that real records hold, with small made-up ones.

use super::*;
use crate::{
    feed::{Feed, csaf, kev, nvd},
    read::Limits,
    sbom,
};
use std::sync::Arc;

mod csaf_traps;
mod nvd_traps;
mod over_time;
mod rules;

/// A CSAF advisory about products of ACME: `tree` is a list of (product id, name, version category, version), `rest` the
/// fields of its one vulnerability.
fn csaf(tree: &[(&str, &str, &str, &str)], rest: &str) -> Feed {
    let branches: Vec<String> = tree
        .iter()
        .map(|(id, name, category, version)| {
            format!(
                r#"{{"category":"product_name","name":"{name}","branches":[{{"category":"{category}","name":"{version}",
                "product":{{"product_id":"{id}","name":"{name} {version}"}}}}]}}"#
            )
        })
        .collect();
    let tree = format!(
        r#""branches":[{{"category":"vendor","name":"ACME Medical, Inc.","branches":[{}]}}]"#,
        branches.join(",")
    );
    csaf_with(&tree, rest)
}

fn csaf_with(tree: &str, rest: &str) -> Feed {
    let text = format!(
        r#"{{"document":{{"csaf_version":"2.0","title":"ACME pumps","publisher":{{"name":"ACME"}},
        "tracking":{{"id":"ACME-1","version":"1","current_release_date":"2026-01-01T00:00:00Z"}}}},
        "product_tree":{{{tree}}},"vulnerabilities":[{{"cve":"CVE-2026-0001",{rest}}}]}}"#
    );
    csaf::read("acme.json", text.as_bytes(), Limits::CSAF).unwrap()
}

/// An NVD page with one record, which has these configurations.
fn nvd(configurations: &str) -> Feed {
    let text = format!(
        r#"{{"version":"2.0","timestamp":"2026-01-01T00:00:00.000","vulnerabilities":[{{"cve":{{"id":"CVE-2026-0001",
        "lastModified":"2026-01-01T00:00:00.000","descriptions":[{{"lang":"en","value":"A flaw."}}],"configurations":[{configurations}]}}}}]}}"#
    );
    nvd::read("nvd.json", text.as_bytes(), Limits::NVD).unwrap()
}

/// A node of one match; `more` are further fields of it.
fn node(vulnerable: bool, cpe: &str, more: &str) -> String {
    format!(
        r#"{{"operator":"OR","negate":false,"cpeMatch":[{{"vulnerable":{vulnerable},"criteria":"{cpe}"{more}}}]}}"#
    )
}

fn kev(vendor: &str, product: &str) -> Feed {
    let text = format!(
        r#"{{"catalogVersion":"2026.01.01","vulnerabilities":[{{"cveID":"CVE-2026-0001","vendorProject":"{vendor}","product":"{product}",
        "vulnerabilityName":"A flaw","dateAdded":"2025-12-24","knownRansomwareCampaignUse":"Known"}}]}}"#
    );
    kev::read("kev.json", text.as_bytes(), Limits::KEV).unwrap()
}

/// A component of a list, from its fields in JSON.
fn component(fields: &str) -> Arc<Item> {
    let text = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{{"type":"library",{fields}}}]}}"#
    );
    let list = sbom::read("list.json", text.as_bytes(), Limits::SBOM).unwrap();
    Facts::list(&list).remove(0)
}

fn device(name: &str, version: Option<&str>) -> Arc<Item> {
    Arc::new(Item::device("ACME", &[name], version))
}

/// The verdict of some files on some things, in words; empty when none of them speaks of any.
fn verdict(feeds: &[Feed], items: &[Arc<Item>]) -> String {
    let mut index = Index::new();
    for feed in feeds {
        index.import(feed.clone());
    }
    let findings = index.findings(&Facts::new(items.iter().cloned()));
    assert!(findings.len() <= 1);
    findings
        .first()
        .map_or(String::new(), |finding| finding.verdict.to_string())
}
