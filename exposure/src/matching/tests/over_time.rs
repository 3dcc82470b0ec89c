use super::*;

const JQUERY: &str = r#""name":"jQuery","version":"3.1.1","publisher":"The jQuery Foundation","purl":"pkg:nuget/jQuery@3.1.1""#;

fn jquery_in_nvd() -> Feed {
    nvd(&format!(
        r#"{{"nodes":[{}]}}"#,
        node(
            true,
            "cpe:2.3:a:jquery:jquery:*:*:*:*:*:*:*:*",
            r#","versionEndExcluding":"3.5.0""#
        )
    ))
}

#[test]
fn the_catalogue_alone_asks_and_beside_another_source_marks() {
    let jquery = component(JQUERY);
    assert_eq!(
        verdict(&[kev("JQuery", "JQuery")], std::slice::from_ref(&jquery)),
        "needs review: the source gives no versions for JQuery JQuery"
    );
    let mut index = Index::new();
    index.import(kev("JQuery", "JQuery"));
    index.import(jquery_in_nvd());
    let findings = index.findings(&Facts::new([jquery]));
    assert_eq!(findings[0].verdict.to_string(), "affected; fixed in 3.5.0");
    assert!(findings[0].exploited.as_ref().unwrap().ransomware);
    assert_eq!(findings[0].review_key(), None);
    // The newer jQuery is not affected, whatever the catalogue says without a version.
    let newer = component(&JQUERY.replace("3.1.1", "3.7.1"));
    assert!(
        index.findings(&Facts::new([newer]))[0]
            .verdict
            .to_string()
            .starts_with("not affected")
    );
}

#[test]
fn a_catalogue_entry_for_many_products_asks_about_hardware_only() {
    let chip = component(r#""name":"QCA9563","publisher":"Qualcomm""#);
    assert_eq!(verdict(&[kev("Qualcomm", "Multiple Chipsets")], &[chip]), "");
    let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.4","components":[{"type":"device","name":"QCA9563","publisher":"Qualcomm"}]}"#;
    let list = sbom::read("list.json", text.as_bytes(), Limits::SBOM).unwrap();
    let said = verdict(&[kev("Qualcomm", "Multiple Chipsets")], &Facts::list(&list));
    assert!(
        said.starts_with("needs review: the source names only `Qualcomm Multiple Chipsets`"),
        "{said}"
    );
}

#[test]
fn sources_that_contradict_one_another_go_to_a_person() {
    let pump = device("Flow 3000", Some("1.6"));
    let in_nvd = nvd(&format!(
        r#"{{"nodes":[{}]}}"#,
        node(true, "cpe:2.3:o:acme:flow_3000_firmware:1.6:*:*:*:*:*:*:*", "")
    ));
    let fixed = csaf(
        &[("1", "Flow 3000", "product_version", "1.6")],
        r#""product_status":{"fixed":["1"]}"#,
    );
    assert_eq!(
        verdict(&[in_nvd.clone(), fixed], std::slice::from_ref(&pump)),
        "needs review: NVD CVE-2026-0001 (affected) and ACME ACME-1 (fixed) contradict one another"
    );
    // Outside one list is no contradiction to being within another.
    let older = csaf(
        &[("1", "Flow 3000", "product_version_range", "<1.5")],
        r#""product_status":{"known_affected":["1"]}"#,
    );
    assert_eq!(verdict(&[in_nvd, older], &[pump]), "affected");
}

#[test]
fn scores_stand_side_by_side_each_for_its_products() {
    let give = |base: &str, products: &str| {
        format!(
            r#"{{"cvss_v3":{{"version":"3.1","baseScore":{base},"vectorString":"CVSS:3.1/AV:A"}},"products":[{products}]}}"#
        )
    };
    let mut in_nvd = nvd(&format!(
        r#"{{"nodes":[{}]}}"#,
        node(true, "cpe:2.3:o:acme:flow_firmware:1:*:*:*:*:*:*:*", "")
    ));
    in_nvd.advisories[0].scores = vec![crate::score::Score {
        by: "nvd@nist.gov".to_owned(),
        cvss: "3.1".to_owned(),
        base: crate::score::BaseScore::new(9.8).unwrap(),
        vector: "CVSS:3.1/AV:N".to_owned(),
        products: Vec::new(),
    }];
    let in_csaf = csaf(
        &[
            ("1", "Flow", "product_version", "1"),
            ("2", "Drip", "product_version", "1"),
        ],
        &format!(
            r#""product_status":{{"known_affected":["1","2"]}},"scores":[{},{}]"#,
            give("6.7", r#""1""#),
            give("3.0", r#""2""#)
        ),
    );
    let mut index = Index::new();
    index.import(in_nvd);
    index.import(in_csaf);
    let scores = |name: &str| -> Vec<String> {
        index.findings(&Facts::new([device(name, Some("1"))]))[0]
            .scores
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let nvd = "9.8 (critical, CVSS 3.1, nvd@nist.gov)";
    assert_eq!(scores("Flow"), [nvd, "6.7 (medium, CVSS 3.1, ACME)"]);
    assert_eq!(scores("Drip"), [nvd, "3.0 (low, CVSS 3.1, ACME)"]);
}

#[test]
fn an_import_says_what_it_changed() {
    let range = |upper: &str| {
        csaf(
            &[("1", "Flow", "product_version_range", upper)],
            r#""product_status":{"known_affected":["1"]}"#,
        )
    };
    let facts = Facts::new([device("Flow", Some("2"))]);
    let mut index = Index::new();
    let first = index.import(range("<=1"));
    assert_eq!(first.vulnerabilities.len(), 1);
    assert!(
        index.findings_about(&facts, &first)[0]
            .verdict
            .to_string()
            .starts_with("not affected")
    );
    assert_eq!(
        index.import(range("<=1")),
        Changed {
            unchanged: 1,
            ..Changed::default()
        }
    );

    let wider = index.import(range("<=2"));
    assert_eq!(
        index.findings_about(&facts, &wider)[0].verdict.to_string(),
        "affected"
    );
    assert_eq!(index.len(), 1);

    let mut old = range("<=1");
    old.advisories[0].source.changed_at = "2020-01-01T00:00:00Z".parse().ok();
    assert_eq!(
        index.import(old),
        Changed {
            older: 1,
            ..Changed::default()
        }
    );
    assert_eq!(index.findings(&facts)[0].verdict.to_string(), "affected");
}

#[test]
fn what_a_newer_document_leaves_out_is_gone() {
    let mut two = kev("ACME", "Flow");
    let mut other = two.advisories[0].clone();
    other.vulnerability = crate::name::VulnerabilityId::new("CVE-2026-0002").unwrap();
    two.advisories.push(other);
    let mut index = Index::new();
    index.import(two);
    let changed = index.import(kev("ACME", "Flow"));
    let gone: Vec<&str> = changed
        .vulnerabilities
        .iter()
        .map(crate::name::VulnerabilityId::as_str)
        .collect();
    assert_eq!(
        (gone, changed.unchanged, index.len()),
        (vec!["CVE-2026-0002"], 1, 1)
    );
    // A page of the NVD speaks only of what it has.
    index.import(jquery_in_nvd());
    assert!(index.import(kev("ACME", "Flow")).vulnerabilities.is_empty());
    assert_eq!(index.len(), 2);

    let mut rejected = jquery_in_nvd();
    rejected.advisories[0].withdrawn = true;
    index.import(rejected);
    assert!(index.findings(&Facts::new([component(JQUERY)])).is_empty());
}

#[test]
fn an_older_catalogue_takes_nothing_back() {
    let dated = |product: &str, date: &str| {
        let mut feed = kev("ACME", product);
        feed.advisories[0].source.changed_at = date.parse().ok();
        feed
    };
    let mut newest = dated("Flow", "2026-03-01T00:00:00Z");
    let mut added = newest.advisories[0].clone();
    added.vulnerability = crate::name::VulnerabilityId::new("CVE-2026-0002").unwrap();
    newest.advisories.push(added);
    let mut index = Index::new();
    index.import(dated("Flow", "2026-01-01T00:00:00Z"));
    index.import(newest);
    assert_eq!(
        index.import(dated("Flow", "2026-02-01T00:00:00Z")),
        Changed {
            older: 1,
            ..Changed::default()
        }
    );
    assert_eq!(index.len(), 2);
}

#[test]
fn a_document_without_vulnerabilities_takes_back_what_it_said() {
    let mut feed = csaf(
        &[("1", "Flow", "product_version", "1")],
        r#""product_status":{"known_affected":["1"]}"#,
    );
    let mut index = Index::new();
    index.import(feed.clone());
    feed.advisories.clear();
    assert_eq!(index.import(feed).vulnerabilities.len(), 1);
    assert!(index.is_empty());
}

#[test]
fn a_decision_is_remembered_by_its_doubt() {
    let range = |upper: &str, revision: &str| {
        let mut feed = csaf(
            &[("1", "Flow", "product_version_range", upper)],
            r#""product_status":{"known_affected":["1"]}"#,
        );
        feed.advisories[0].source.revision = Some(revision.to_owned());
        feed
    };
    let key = |feed: Feed, version: &str| {
        let mut index = Index::new();
        index.import(feed);
        index.findings(&Facts::new([device("Flow", Some(version))]))[0]
            .review_key()
            .unwrap()
    };
    let first = key(range("A10 < A11", "1"), "A10");
    assert_eq!(
        first,
        key(range("A10 < A11", "2"), "A10"),
        "a new revision that says the same asks nothing new"
    );
    assert_ne!(
        first,
        key(range("A10 < A12", "2"), "A10"),
        "a corrected range is a new question"
    );
    assert_ne!(
        first,
        key(range("A10 < A11", "1"), "A12"),
        "another version is a new question"
    );
}
