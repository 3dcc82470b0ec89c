use super::*;

fn list(text: &str) -> ComponentList {
    read("list.json", text.as_bytes(), Limits::SBOM).unwrap()
}

fn refused(text: &str) -> String {
    read("list.json", text.as_bytes(), Limits::SBOM)
        .unwrap_err()
        .to_string()
}

const CYCLONE: &str = r#"{"$schema":"x","bomFormat":"CycloneDX","specVersion":"1.6","version":1,
 "metadata":{"timestamp":"2026-01-02T03:04:05Z","component":{"type":"device","name":"IP-2000"}},
 "components":[
  {"type":"operating-system","name":"Zephyr","version":"3.7.0","supplier":{"name":"Zephyr Project"},
   "components":[{"type":"library","group":"org.mbed","name":"mbedTLS","version":"","purl":"pkg:generic/mbedtls",
     "hashes":[{"alg":"SHA-256","content":"00ff"}]}]},
  {"type":"library","name":"fatFS","version":"0.13c","publisher":"ChaN","cpe":"cpe:2.3:a:chan:fatfs:r0.13:*:*:*:*:*:*:*"},
  {"type":"library","name":"orphan","version":"1","cpe":"cpe:nonsense"}]}"#;

const SPDX: &str = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"IP-2000 firmware",
 "creationInfo":{"created":"2026-01-02T03:04:05Z","creators":[]},
 "packages":[
  {"SPDXID":"SPDXRef-os","name":"Zephyr","versionInfo":"3.7.0","supplier":"Organization: Zephyr Project (x@example.org)","primaryPackagePurpose":"OPERATING-SYSTEM"},
  {"SPDXID":"SPDXRef-tls","name":"mbedTLS","versionInfo":"NOASSERTION","supplier":"Person: Jane Doe","originator":"NOASSERTION",
   "checksums":[{"algorithm":"SHA256","checksumValue":"00ff"}],
   "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:generic/mbedtls"},
                   {"referenceCategory":"SECURITY","referenceType":"cpe22Type","referenceLocator":"cpe:/a:arm:mbed_tls:3.6.0"}]}],
 "relationships":[{"spdxElementId":"SPDXRef-tls","relationshipType":"CONTAINED_BY","relatedSpdxElement":"SPDXRef-os"},
                  {"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-os"}]}"#;

#[test]
fn cyclonedx_is_flattened_with_its_tree() {
    insta::assert_json_snapshot!(list(CYCLONE));
}

#[test]
fn spdx_gives_the_same_shape() {
    insta::assert_json_snapshot!(list(SPDX));
}

#[test]
fn gaps_are_named() {
    let list = list(CYCLONE);
    let gaps: Vec<(String, Vec<Gap>)> = list
        .gaps()
        .map(|(component, gaps)| (component.to_string(), gaps))
        .collect();
    assert_eq!(
        gaps,
        [
            ("mbedTLS (no version)".to_owned(), vec![Gap::NoVersion]),
            ("fatFS 0.13c".to_owned(), vec![Gap::TwoVersions]),
            ("orphan 1".to_owned(), vec![Gap::NameOnly, Gap::UnreadIdentifier]),
        ]
    );
}

#[test]
fn other_formats_and_wrong_types_are_refused() {
    let check = |text: &str, expected: &str| {
        assert_eq!(
            refused(text),
            format!("list.json was refused as a component list: {expected}")
        );
    };
    check(
        "{}",
        "its format is neither CycloneDX (`bomFormat`) nor SPDX (`spdxVersion`), and CycloneDX 1.4 to 1.7 and SPDX 2.2 and 2.3 in JSON can be read",
    );
    check(
        r#"{"bomFormat":"CycloneDX","specVersion":"1.3"}"#,
        "`specVersion` is 1.3, and CycloneDX 1.4 to 1.7 can be read",
    );
    check(
        r#"{"spdxVersion":"SPDX-3.0"}"#,
        "`spdxVersion` is SPDX-3.0, and SPDX-2.2 and SPDX-2.3 can be read",
    );
    check(
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":7}]}"#,
        "components[0].name (line 1) does not fit: invalid type: integer `7`, expected a string",
    );
    check(
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","name":"b"}]}"#,
        "components[0] (line 1) does not fit: duplicate field `name`",
    );
    check(
        r#"{"spdxVersion":"SPDX-2.2","packages":[{"SPDXID":"a","name":"a"},{"SPDXID":"a","name":"b"}]}"#,
        "it defines the package `a` twice; ask its publisher for a corrected one",
    );
    let deep = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","components":{}"#,
        r#"[{"type":"library","name":"a","components":"#.repeat(100_000)
    );
    assert!(
        refused(&deep).contains("objects or arrays lie within one another"),
        "{}",
        refused(&deep)
    );
    for version in ["1.4", "1.5", "1.6", "1.7"] {
        list(&CYCLONE.replace("1.6", version));
    }
    list(&SPDX.replace("SPDX-2.3", "SPDX-2.2"));
}

#[test]
fn a_difference_is_told_by_package() {
    let old = list(CYCLONE);
    assert_eq!(difference(&old, &old), []);
    let new = list(
        &CYCLONE
            .replace("\"3.7.0\"", "\"3.7.1\"")
            .replace("\"orphan\",\"version\":\"1\"", "\"newcomer\",\"version\":\"2\"")
            .replace("\"version\":\"\"", "\"version\":\"3.6.0\""),
    );
    let told: Vec<String> = difference(&old, &new)
        .iter()
        .map(|difference| format!("{}: {:?}", difference.name, difference.change))
        .collect();
    assert_eq!(
        told,
        [
            "mbedTLS: Changed { from: [\"no version\"], to: [\"3.6.0\"] }",
            "newcomer: Added { versions: [\"2\"] }",
            "orphan: Removed { versions: [\"1\"] }",
            "Zephyr: Changed { from: [\"3.7.0\"], to: [\"3.7.1\"] }",
        ]
    );
}

#[test]
fn a_question_finds_what_it_means() {
    let list = list(
        r#"{"bomFormat":"CycloneDX","specVersion":"1.4","components":[
        {"type":"library","name":"log4net","version":"2.0.8"},{"type":"library","name":"Log4Net","version":"2.0.10"},
        {"type":"library","name":"logging","purl":"pkg:nuget/log4net"},{"type":"library","name":"R7Insight.Log4net","version":"2"}]}"#,
    );
    let check = |query: &str, expected: &[(&str, &str)]| {
        let query: Query = query.parse().unwrap();
        let found: Vec<(String, String)> = query
            .search(&list)
            .map(|(component, alike)| (component.place.replace("components", ""), format!("{alike:?}")))
            .collect();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(place, alike)| (place.as_str(), alike.as_str()))
            .collect();
        assert_eq!(found, expected);
    };
    check("log4net <2.0.10", &[("[0]", "Yes"), ("[2]", "Perhaps")]);
    check("LOG4NET", &[("[0]", "Yes"), ("[1]", "Yes"), ("[2]", "Yes")]);
    check("log4net 2.0.8", &[("[0]", "Yes"), ("[2]", "Perhaps")]);
    check("log4net =2.0.10", &[("[1]", "Yes"), ("[2]", "Perhaps")]);
    check("log4net >= 2.0.9, < 3", &[("[1]", "Yes"), ("[2]", "Perhaps")]);
    check(
        "log4net <U61",
        &[("[0]", "Perhaps"), ("[1]", "Perhaps"), ("[2]", "Perhaps")],
    );
    check("openssl", &[]);
    for wrong in ["", "<2.0", "log4net <", "log4net <2 >3 <5", "log4net <A10 < A11"] {
        assert!(wrong.parse::<Query>().is_err(), "{wrong}");
    }
}
