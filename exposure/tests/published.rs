//! Real published records: what each of them means for a made-up fleet.
//!
//! The records lie outside this repository; where they are absent, the tests say so and pass. `EXPOSURE_DATA` names another
//! folder. Every trap that these records hold is also tested with small made-up ones, in `src/matching/tests`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

use std::{fmt::Write, fs::File, path::PathBuf, sync::Arc};

use exposure::{
    detect::{DocumentKind, detect},
    feed::{FeedKind, csaf, kev, nvd},
    matching::{Facts, Finding, Index, Item, Verdict, group},
    read::Limits,
    sbom,
};

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("EXPOSURE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
        PathBuf::from,
    );
    if folder.join("csaf").is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no published records in {}", folder.display());
    None
}

fn open(folder: &std::path::Path, name: &str) -> File {
    File::open(folder.join(name)).unwrap()
}

/// The pumps of the made-up hospital: maker, names (its own, then those of advisories), version.
type Entry = (
    &'static str,
    &'static str,
    &'static [&'static str],
    Option<&'static str>,
);

const FLEET: [Entry; 22] = [
    (
        "medfusion-1.6",
        "Smiths Medical",
        &["Medfusion 4000", "Medfusion 4000 Wireless Syringe Infusion Pump"],
        Some("1.6"),
    ),
    (
        "medfusion-1.6.1",
        "Smiths Medical",
        &["Medfusion 4000", "Medfusion 4000 Wireless Syringe Infusion Pump"],
        Some("1.6.1"),
    ),
    (
        "medfusion-1.2",
        "Smiths Medical",
        &["Medfusion 4000", "Medfusion 4000 Wireless Syringe Infusion Pump"],
        Some("1.2"),
    ),
    (
        "medfusion-unnamed",
        "Smiths Medical",
        &["Medfusion 4000"],
        Some("1.6"),
    ),
    (
        "medfusion-silent",
        "Smiths Medical",
        &["Medfusion 4000", "Medfusion 4000 Wireless Syringe Infusion Pump"],
        None,
    ),
    (
        "pcu-9.33",
        "BD",
        &[
            "Alaris PCU",
            "Alaris PC Unit Model 8015",
            "BD Alaris Point-of-Care Unit (PCU) Model 8015",
        ],
        Some("9.33"),
    ),
    (
        "pcu-12.3.1",
        "BD",
        &[
            "Alaris PCU",
            "Alaris PC Unit Model 8015",
            "BD Alaris Point-of-Care Unit (PCU) Model 8015",
        ],
        Some("12.3.1"),
    ),
    (
        "pcu-12.0.1",
        "BD",
        &[
            "Alaris PCU",
            "Alaris PC Unit Model 8015",
            "BD Alaris Point-of-Care Unit (PCU) Model 8015",
        ],
        Some("12.0.1"),
    ),
    ("manager-12.3", "BD", &["Alaris Systems Manager"], Some("12.3")),
    (
        "manager-12.5.1",
        "BD",
        &["Alaris Systems Manager"],
        Some("12.5.1"),
    ),
    (
        "editor-12.1.3",
        "BD",
        &["Alaris Guardrails Editor"],
        Some("12.1.3"),
    ),
    (
        "battery-L81",
        "B. Braun",
        &["Battery Pack SP with Wi-Fi"],
        Some("L81"),
    ),
    (
        "battery-028U000061",
        "B. Braun",
        &["Battery Pack SP with WiFi"],
        Some("028U000061"),
    ),
    (
        "battery-028U000093",
        "B. Braun",
        &["Battery Pack SP with WiFi"],
        Some("028U000093"),
    ),
    (
        "station-012U000093",
        "B. Braun",
        &["SpaceStation with SpaceCom 2"],
        Some("012U000093"),
    ),
    (
        "online-suite-3.0",
        "B. Braun",
        &["OnlineSuite AP", "AP"],
        Some("3.0"),
    ),
    (
        "compactplus-A10",
        "B. Braun",
        &["Data module compactPlus"],
        Some("A10"),
    ),
    ("bodyguard-323", "BD", &["CME BodyGuard 323"], Some("2nd Edition")),
    ("bodyguard-t", "BD", &["BodyGuard T"], Some("1.0")),
    (
        "infusion-central-1.4",
        "BD",
        &["Alaris Infusion Central software"],
        Some("1.4"),
    ),
    (
        "infusion-central-1.3",
        "BD",
        &["Alaris Infusion Central software"],
        Some("1.3"),
    ),
    ("plum", "ICU Medical", &["Plum 360"], Some("15.02")),
];

fn facts(entry: &Entry) -> Facts {
    let (_, maker, names, version) = entry;
    Facts::new([Arc::new(Item::device(maker, names, *version))])
}

/// One line for each verdict of each document about each pump that it speaks of.
#[test]
fn every_advisory_says_of_each_pump_what_it_means() {
    let Some(folder) = data() else { return };
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder.join("csaf"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    assert!(names.len() >= 7);
    let mut table = String::new();
    for path in names {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let feed = csaf::read(&name, File::open(&path).unwrap(), Limits::CSAF).unwrap();
        writeln!(
            table,
            "{} ({} vulnerabilities)",
            feed.stamp.document, feed.stamp.records
        )
        .unwrap();
        let mut index = Index::new();
        index.import(feed);
        for entry in &FLEET {
            let mut lines: Vec<(String, Vec<String>)> = Vec::new();
            for finding in index.findings(&facts(entry)) {
                let said = finding.verdict.to_string();
                let cve = finding.vulnerability.to_string();
                match lines.iter_mut().find(|(line, _)| *line == said) {
                    Some((_, cves)) => cves.push(cve),
                    None => lines.push((said, vec![cve])),
                }
            }
            for (said, cves) in lines {
                writeln!(table, "  {}: {said}\n      {}", entry.0, cves.join(" ")).unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

fn everything(folder: &std::path::Path) -> Index {
    let mut index = Index::new();
    let page = nvd::read("nvd.json", open(folder, "nvd/nvd-cve-2.0-page.json"), Limits::NVD).unwrap();
    assert_eq!((page.stamp.records, page.stamp.without_products), (2, 0));
    index.import(page);
    let catalogue = kev::read(
        "kev.json",
        open(folder, "kev/known_exploited_vulnerabilities.json"),
        Limits::KEV,
    )
    .unwrap();
    assert_eq!(
        (catalogue.stamp.records, catalogue.stamp.document.as_str()),
        (1_404, "2025.08.25")
    );
    index.import(catalogue);
    index
}

fn of<'a>(findings: &'a [Finding], cve: &str) -> &'a Finding {
    findings
        .iter()
        .find(|finding| finding.vulnerability.as_str() == cve)
        .unwrap_or_else(|| panic!("no finding on {cve}"))
}

#[test]
fn the_components_of_a_real_device_meet_what_is_published() {
    let Some(folder) = data() else { return };
    let list = sbom::read(
        "device.cdx.json",
        open(&folder, "sbom/medical-device-narrow.cdx.json"),
        Limits::SBOM,
    )
    .unwrap();
    assert_eq!((list.components.len(), list.format_version.as_str()), (55, "1.4"));
    let facts = Facts::new(Facts::list(&list));
    let findings = everything(&folder).findings(&facts);

    let log4net = of(&findings, "CVE-2018-1285");
    let Verdict::Affected { fixes } = &log4net.verdict else {
        panic!("{}", log4net.explanation())
    };
    assert_eq!(
        fixes.iter().map(|fix| fix.version.as_str()).collect::<Vec<_>>(),
        ["2.0.10"]
    );
    assert_eq!(log4net.opinions[0].item, "log4net 2.0.8");
    assert!(log4net.exploited.is_none());

    let jquery = of(&findings, "CVE-2020-11023");
    assert!(
        matches!(jquery.verdict, Verdict::NeedsReview { .. }),
        "KEV gives no versions: {}",
        jquery.explanation()
    );
    assert_eq!(jquery.opinions[0].item, "jQuery 3.1.1");
    assert!(jquery.exploited.is_some());

    // The one component without a version: by KEV's vague entries on its vendor, and as a gap of the list.
    let chip = of(&findings, "CVE-2023-33107");
    assert!(
        matches!(chip.verdict, Verdict::NeedsReview { .. }),
        "{}",
        chip.explanation()
    );
    let gaps: Vec<String> = list
        .gaps()
        .map(|(component, gaps)| format!("{component}: {gaps:?}"))
        .collect();
    insta::assert_snapshot!(format!(
        "{}\n\n{}",
        gaps.join("\n"),
        findings
            .iter()
            .map(Finding::explanation)
            .collect::<Vec<_>>()
            .join("\n")
    ));
}

#[test]
fn a_pump_meets_its_nvd_record_and_scores_stand_side_by_side() {
    let Some(folder) = data() else { return };
    let mut index = everything(&folder);
    let alone = index.findings(&facts(&FLEET[0]));
    assert!(
        matches!(of(&alone, "CVE-2017-12725").verdict, Verdict::Affected { .. }),
        "{}",
        alone[0].explanation()
    );
    let feed = csaf::read(
        "a.json",
        open(&folder, "csaf/icsma-17-250-02a.json"),
        Limits::CSAF,
    )
    .unwrap();
    let changed = index.import(feed);
    assert_eq!(changed.vulnerabilities.len(), 8);
    let findings = index.findings_about(&facts(&FLEET[0]), &changed);
    let finding = of(&findings, "CVE-2017-12725");
    let scores: Vec<String> = finding.scores.iter().map(ToString::to_string).collect();
    assert_eq!(
        scores,
        [
            "5.6 (medium, CVSS 3.0, nvd@nist.gov)",
            "3.7 (low, CVSS 3.0, CISA)"
        ]
    );
    let feeds: Vec<FeedKind> = finding
        .opinions
        .iter()
        .map(|opinion| opinion.source.feed)
        .collect();
    assert_eq!(feeds, [FeedKind::Csaf, FeedKind::Nvd]);
}

#[test]
fn importing_twice_changes_nothing() {
    let Some(folder) = data() else { return };
    let mut index = everything(&folder);
    let records = index.len();
    let again = nvd::read(
        "nvd.json",
        open(&folder, "nvd/nvd-cve-2.0-page.json"),
        Limits::NVD,
    )
    .unwrap();
    let catalogue = kev::read(
        "kev.json",
        open(&folder, "kev/known_exploited_vulnerabilities.json"),
        Limits::KEV,
    )
    .unwrap();
    assert!(index.import(again).vulnerabilities.is_empty());
    assert_eq!(index.import(catalogue).unchanged, 1_404);
    assert_eq!(index.len(), records);
}

#[test]
fn pumps_of_equal_facts_are_matched_once() {
    let groups = group(
        FLEET
            .iter()
            .map(|entry| (entry.0, facts(entry)))
            .chain([("twin", facts(&FLEET[0]))]),
    );
    assert_eq!(groups.len(), FLEET.len());
    assert_eq!(groups[0].1, ["medfusion-1.6", "twin"]);
}

/// Files that were cut off or damaged on the way are refused by the reader that fits, and never half taken.
#[test]
fn a_damaged_file_is_refused() {
    let Some(folder) = data() else { return };
    let mut damaged = 0;
    for directory in ["csaf", "kev", "nvd", "sbom"] {
        for entry in std::fs::read_dir(folder.join(directory)).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let kind = detect("f", bytes.as_slice(), Limits::KEV).unwrap();
            let is_refused = |bytes: &[u8]| match kind {
                DocumentKind::Feed(FeedKind::Csaf) => csaf::read("f", bytes, kind.limits()).is_err(),
                DocumentKind::Feed(FeedKind::Nvd) => nvd::read("f", bytes, kind.limits()).is_err(),
                DocumentKind::Feed(FeedKind::Kev) => kev::read("f", bytes, kind.limits()).is_err(),
                DocumentKind::ComponentList => sbom::read("f", bytes, kind.limits()).is_err(),
            };
            assert!(!is_refused(&bytes));
            let end = bytes.trim_ascii_end().len();
            for part in 0..20 {
                let at = end * part / 20;
                assert!(is_refused(&bytes[..at]), "{directory}: cut at {at}");
                let mut changed = bytes.clone();
                changed[at] = 0xFF;
                assert!(is_refused(&changed), "{directory}: damaged at {at}");
                damaged += 1;
            }
        }
    }
    assert_eq!(damaged, 10 * 20);
}
