//! Files that must be refused, each with a reason and a place.

use super::*;
use crate::read::{Limits, Refused};

const KEV_ENTRY: &str = r#"{"cveID":"CVE-2020-11023","vendorProject":"JQuery","product":"JQuery","vulnerabilityName":"n","dateAdded":"2025-01-23"}"#;
const NVD_RECORD: &str = r#"{"cve":{"id":"CVE-2018-1285","configurations":[{"nodes":[{"operator":"OR","negate":false,
  "cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:apache:log4net:*:*:*:*:*:*:*:*","versionEndExcluding":"2.0.10"}]}]}]}}"#;

fn kev_page(entries: &str) -> String {
    format!(
        r#"{{"catalogVersion":"2025.01.01","dateReleased":"2025-01-01T00:00:00Z","vulnerabilities":[{entries}]}}"#
    )
}

fn nvd_page(records: &str) -> String {
    format!(
        r#"{{"format":"NVD_CVE","version":"2.0","timestamp":"2026-01-01T00:00:00.000","vulnerabilities":[{records}]}}"#
    )
}

fn csaf_document(tree: &str, status: &str) -> String {
    format!(
        r#"{{"document":{{"csaf_version":"2.0","title":"t","publisher":{{"name":"ACME","category":"vendor","namespace":"https://example.org"}},
        "tracking":{{"id":"ACME-1","version":"1","current_release_date":"2026-01-01T00:00:00Z"}}}},
        "product_tree":{{{tree}}},"vulnerabilities":[{{"cve":"CVE-2026-0001","product_status":{{{status}}}}}]}}"#
    )
}

type Reader = fn(&str, &[u8]) -> Result<Feed, Refused>;

const READERS: [(&str, Reader); 3] = [
    ("csaf", |name, bytes| csaf::read(name, bytes, Limits::CSAF)),
    ("nvd", |name, bytes| nvd::read(name, bytes, Limits::NVD)),
    ("kev", |name, bytes| kev::read(name, bytes, Limits::KEV)),
];

#[test]
fn what_is_well_formed_is_read() {
    let kev = kev::read("kev", kev_page(KEV_ENTRY).as_bytes(), Limits::KEV).unwrap();
    assert_eq!(
        (kev.stamp.records, kev.stamp.document.as_str()),
        (1, "2025.01.01")
    );
    let page = nvd_page(&format!(
        r#"{NVD_RECORD},{{"cve":{{"id":"CVE-2026-0002","vulnStatus":"Awaiting Analysis"}}}}"#
    ));
    let nvd = nvd::read("nvd", page.as_bytes(), Limits::NVD).unwrap();
    assert_eq!((nvd.stamp.records, nvd.stamp.without_products), (2, 1));
    assert_eq!(
        nvd.stamp.made_at.unwrap().to_rfc3339(),
        "2026-01-01T00:00:00+00:00"
    );
}

#[test]
fn every_reader_refuses_hostile_bytes() {
    let deep = "[".repeat(1_000_000);
    let long = format!(
        "{{\"vulnerabilities\":[{{\"cveID\":\"{}\"}}]}}",
        "A".repeat(2_000_000)
    );
    for (name, read) in READERS {
        for bytes in [
            b"".as_slice(),
            b"\xEF\xBB\xBF{}",
            b"\xFF\xFE{\0}\0",
            b"null",
            b"[]",
            b"{}",
            b"\"x\"",
            b"{\"vulnerabilities\":{}}",
            b"{\"document\":[],\"vulnerabilities\":[]}",
            b"{\"vulnerabilities\":[{}]}",
            deep.as_bytes(),
            long.as_bytes(),
        ] {
            let shown = String::from_utf8_lossy(bytes.get(..bytes.len().min(60)).unwrap_or_default());
            let refused = read("file.json", bytes);
            assert!(refused.is_err(), "{name} took {shown}");
            assert!(
                refused
                    .unwrap_err()
                    .to_string()
                    .starts_with("file.json was refused as "),
                "{name}: {shown}"
            );
        }
    }
}

#[test]
fn a_refusal_says_what_and_where() {
    let check = |feed: &str, text: &str, expected: &str| {
        let (_, read) = READERS.iter().find(|(name, _)| *name == feed).unwrap();
        let error = read("f", text.as_bytes()).unwrap_err();
        assert_eq!(error.fault.to_string(), expected, "{text}");
    };
    check(
        "kev",
        &kev_page(&format!("{KEV_ENTRY},{KEV_ENTRY}")),
        "it tells of CVE-2020-11023 twice; ask its publisher for a corrected one",
    );
    check(
        "kev",
        &kev_page(KEV_ENTRY).replace("\"catalogVersion\"", "\"count\":7,\"catalogVersion\""),
        "it announces 7 entries and has 1; ask its publisher for a corrected one",
    );
    check(
        "kev",
        &kev_page(&KEV_ENTRY.replace("2025-01-23", "soon")),
        "vulnerabilities[0].dateAdded (line 1) does not fit: input contains invalid characters",
    );
    check(
        "kev",
        &kev_page(&KEV_ENTRY.replace("\"product\"", "\"cveID\"")),
        "vulnerabilities[0] (line 1) does not fit: duplicate field `cveID`",
    );
    check(
        "kev",
        &kev_page(""),
        "it has no entries; ask its publisher for a corrected one",
    );
    check(
        "kev",
        r#"{"vulnerabilities":[],"vulnerabilities":[]}"#,
        "the whole document (line 1) does not fit: duplicate field `vulnerabilities`",
    );
    check(
        "nvd",
        &nvd_page("").replace("\"2.0\"", "\"1.1\""),
        "its version is 1.1, and 2.0 can be read",
    );
    check(
        "nvd",
        &nvd_page(&NVD_RECORD.replace("\"vulnerable\":true", "\"vulnerable\":\"yes\"")),
        "vulnerabilities[0].cve.configurations[0].nodes[0].cpeMatch[0].vulnerable (line 2) does not fit: invalid type: string \"yes\", expected a boolean",
    );
    check(
        "nvd",
        &nvd_page(&NVD_RECORD.replace("cpe:2.3:a:apache", "cpe:2.3:a:b:apache")),
        "vulnerabilities (line 2) does not fit: `cpe:2.3:a:b:apache:log4net:*:*:*:*:*:*:*:*` is not a CPE name: it has not 11 fields",
    );
    check(
        "csaf",
        &csaf_document("", r#""known_affected":["P-1"]"#),
        "it names the product `P-1` and does not define it; ask its publisher for a corrected one",
    );
    check(
        "csaf",
        &csaf_document(
            r#""full_product_names":[{"product_id":"a","name":"A"},{"product_id":"a","name":"B"}]"#,
            "",
        ),
        "it defines the product `a` twice; ask its publisher for a corrected one",
    );
    check(
        "csaf",
        &csaf_document("", "").replace("\"2.0\"", "\"2.1\""),
        "`document.csaf_version` is 2.1, and 2.0 can be read",
    );
    let circle = r#""relationships":[{"product_reference":"a","relates_to_product_reference":"a","category":"installed_on",
        "full_product_name":{"product_id":"a","name":"A"}}]"#;
    check(
        "csaf",
        &csaf_document(circle, r#""known_affected":["a"]"#),
        "the relationships of product `a` go round in a circle; ask its publisher for a corrected one",
    );
}

/// A small file that stands for a huge one: each reference costs four bytes there, and a product here.
#[test]
fn references_are_not_multiplied_without_end() {
    let ids = vec!["\"a\""; 19_000].join(",");
    let document = csaf_document(
        r#""full_product_names":[{"product_id":"a","name":"A"}]"#,
        &format!(r#""known_affected":[{ids}]"#),
    );
    let many: Vec<String> = (0..20)
        .map(|number| {
            format!(r#"{{"cve":"CVE-2026-1{number:03}","product_status":{{"known_affected":[{ids}]}}}}"#)
        })
        .collect();
    let bomb = document.replace(
        "\"vulnerabilities\":[",
        &format!("\"vulnerabilities\":[{},", many.join(",")),
    );
    let error = csaf::read("f", bomb.as_bytes(), Limits::CSAF).unwrap_err();
    assert_eq!(
        error.fault.to_string(),
        "it names products more than 300000 times; ask its publisher for a corrected one"
    );
}

#[test]
fn an_advisory_travels_as_json_and_back() {
    let page = nvd_page(NVD_RECORD);
    let feed = nvd::read("nvd", page.as_bytes(), Limits::NVD).unwrap();
    let json = serde_json::to_string(&feed).unwrap();
    assert_eq!(serde_json::from_str::<Feed>(&json).unwrap(), feed);
}
