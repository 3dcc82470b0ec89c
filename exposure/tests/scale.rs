//! 10,000 pumps of 300 components each against the size of the whole KEV catalogue and 5,000 records of the NVD.
//!
//! No clock is asked here: what is asserted is that work grows with what is new, and that every pump gets its answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

use std::{fmt::Write, sync::Arc};

use exposure::{
    feed::{kev, nvd},
    matching::{Facts, Index, Item, Verdict, group},
    read::Limits,
    sbom::{self, ComponentList},
};

const PUMPS: usize = 10_000;
const SETS: usize = 50;
const COMPONENTS: usize = 300;
const NVD: usize = 5_000;
const KEV: usize = 1_404;

fn page(records: std::ops::Range<usize>) -> String {
    let mut text = r#"{"version":"2.0","timestamp":"2026-01-01T00:00:00.000","vulnerabilities":["#.to_owned();
    for number in records.clone() {
        let separator = if number == records.start { "" } else { "," };
        write!(
            text,
            r#"{separator}{{"cve":{{"id":"CVE-2026-{:05}","configurations":[{{"nodes":[{{"operator":"OR","negate":false,"cpeMatch":[
            {{"vulnerable":true,"criteria":"cpe:2.3:a:maker{}:library{}:*:*:*:*:*:*:*:*","versionEndExcluding":"1.{}"}}]}}]}}]}}}}"#,
            number + 10_000,
            number % 97,
            number % 2_500,
            number % 50,
        )
        .unwrap();
    }
    text + "]}"
}

fn catalogue() -> String {
    let entries: Vec<String> = (0..KEV)
        .map(|number| {
            format!(
                r#"{{"cveID":"CVE-2026-{:05}","vendorProject":"maker{}","product":"library{}","vulnerabilityName":"n","dateAdded":"2026-01-01"}}"#,
                number + 10_000,
                number % 97,
                number % 2_500
            )
        })
        .collect();
    format!(
        r#"{{"catalogVersion":"1","vulnerabilities":[{}]}}"#,
        entries.join(",")
    )
}

fn list(set: usize) -> ComponentList {
    let components: Vec<String> = (0..COMPONENTS)
        .map(|number| {
            let library = (set * 37 + number * 8) % 2_500;
            format!(
                r#"{{"type":"library","name":"library{library}","version":"1.{}.{set}","publisher":"Maker{} Inc."}}"#,
                number % 50,
                library % 97
            )
        })
        .collect();
    let text = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{}]}}"#,
        components.join(",")
    );
    sbom::read("list", text.as_bytes(), Limits::SBOM).unwrap()
}

/// `EXPOSURE_DISTINCT=1` makes every pump different, which is the worst case.
#[test]
fn ten_thousand_pumps_are_matched_by_what_they_are_made_of() {
    let distinct = std::env::var_os("EXPOSURE_DISTINCT").is_some();
    let mut index = Index::new();
    index.import(nvd::read("nvd", page(0..NVD).as_bytes(), Limits::NVD).unwrap());
    index.import(kev::read("kev", catalogue().as_bytes(), Limits::KEV).unwrap());
    assert_eq!(index.len(), NVD + KEV);

    let lists: Vec<Vec<Arc<Item>>> = (0..SETS).map(|set| Facts::list(&list(set))).collect();
    let pumps = (0..PUMPS).map(|pump| {
        let version = if distinct {
            format!("1.{pump}")
        } else {
            "1.0".to_owned()
        };
        let device = Arc::new(Item::device("ACME", &["Flow 3000"], Some(&version)));
        (
            pump,
            Facts::new(lists[pump % SETS].iter().cloned().chain([device])),
        )
    });
    let groups = group(pumps);
    assert_eq!(groups.len(), if distinct { PUMPS } else { SETS });
    assert_eq!(groups.iter().map(|(_, pumps)| pumps.len()).sum::<usize>(), PUMPS);

    let mut affected = 0;
    for (facts, _) in &groups {
        let findings = index.findings(facts);
        affected += findings
            .iter()
            .filter(|finding| matches!(finding.verdict, Verdict::Affected { .. }))
            .count();
        // Two records of the NVD speak of each library; where their makers fit, both are heard.
        assert!(findings.len() >= COMPONENTS / 2, "{}", findings.len());
    }
    assert!(affected > groups.len() * 10, "{affected}");

    // One new record: everything about the others stands, and only what it names is found.
    let changed = index.import(nvd::read("nvd", page(NVD - 1..NVD + 1).as_bytes(), Limits::NVD).unwrap());
    assert_eq!((changed.vulnerabilities.len(), changed.unchanged), (1, 1));
    let about: usize = groups
        .iter()
        .map(|(facts, _)| index.findings_about(facts, &changed).len())
        .sum();
    assert!(about < groups.len(), "{about}");
}
