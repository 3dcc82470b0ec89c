use super::*;

const LOG4NET: &str = "cpe:2.3:a:apache:log4net:*:*:*:*:*:*:*:*";

#[test]
fn a_component_meets_a_range_whatever_its_supplier_is_called() {
    let feed = nvd(&format!(
        r#"{{"nodes":[{}]}}"#,
        node(true, LOG4NET, r#","versionEndExcluding":"2.0.10""#)
    ));
    let check = |fields: &str, expected: &str| {
        assert_eq!(
            verdict(std::slice::from_ref(&feed), &[component(fields)]),
            expected
        );
    };
    let apache = r#""publisher":"The Apache Software Foundation""#;
    check(
        &format!(r#""name":"log4net","version":"2.0.8",{apache}"#),
        "affected; fixed in 2.0.10",
    );
    check(
        &format!(r#""name":"log4net","version":"2.0.12",{apache}"#),
        "not affected: NVD CVE-2026-0001 lists < 2.0.10 as affected, and this is 2.0.12",
    );
    check(
        &format!(r#""name":"log4net",{apache}"#),
        "needs review: log4net (no version) has no version, and the statement is about < 2.0.10",
    );
    check(
        r#""name":"log4net","version":"2.0.8","publisher":"Somebody""#,
        "needs review: the product's name is the same, and the source's vendor `apache` is not known to be `somebody`",
    );
    check(
        r#""name":"log4net","version":"2.0.8","cpe":"cpe:2.3:a:apache:log4net:2.0.11:*:*:*:*:*:*:*""#,
        "needs review: log4net 2.0.8 is given with different versions (2.0.8 or 2.0.11), and they do not agree",
    );
    check(
        &format!(
            r#""name":"log4net","version":"2.0.8-3+deb11u1","purl":"pkg:deb/debian/log4net@2.0.8-3%2bdeb11u1",{apache}"#
        ),
        "needs review: 2.0.8-3+deb11u1 is a distribution's version, which may hold fixes that < 2.0.10 does not tell of",
    );
    // Another product whose name only contains it, and another version by an unknown vendor: nothing to say.
    check(
        &format!(r#""name":"R7Insight.Log4net","version":"2.0.8",{apache}"#),
        "",
    );
    check(
        r#""name":"log4net","version":"2.0.12","publisher":"Somebody""#,
        "",
    );
}

#[test]
fn nodes_joined_by_and_must_all_hold() {
    let firmware = "cpe:2.3:o:acme:flow_3000_firmware:*:*:*:*:*:*:*:*";
    let hardware = "cpe:2.3:h:acme:flow_3000:-:*:*:*:*:*:*:*";
    let joined = |second: &str| {
        nvd(&format!(
            r#"{{"operator":"AND","nodes":[{},{second}]}}"#,
            node(true, firmware, r#","versionEndIncluding":"1.6""#)
        ))
    };
    let flow = |version| device("Flow 3000", version);
    let on_hardware = joined(&node(false, hardware, ""));
    assert_eq!(
        verdict(std::slice::from_ref(&on_hardware), &[flow(Some("1.6"))]),
        "affected"
    );
    assert_eq!(
        verdict(std::slice::from_ref(&on_hardware), &[flow(Some("1.7"))]),
        "not affected: NVD CVE-2026-0001 lists <= 1.6 as affected, and this is 1.7"
    );
    assert_eq!(
        verdict(&[on_hardware], &[flow(None)]),
        "needs review: Flow 3000 (no version) has no version, and the statement is about <= 1.6"
    );
    let other = "cpe:2.3:h:acme:drip_100:-:*:*:*:*:*:*:*";
    assert_eq!(
        verdict(&[joined(&node(false, other, ""))], &[flow(Some("1.6"))]),
        ""
    );
    let system = "cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*";
    assert_eq!(
        verdict(&[joined(&node(false, system, ""))], &[flow(Some("1.6"))]),
        format!(
            "needs review: it counts only together with `{system}`, which is not among what is known here"
        )
    );
    let negated = node(false, system, "").replace("\"negate\":false", "\"negate\":true");
    assert!(
        verdict(&[joined(&negated)], &[flow(Some("1.6"))])
            .starts_with("needs review: it counts only together with")
    );
    let windows = component(r#""name":"Windows","version":"10","publisher":"Microsoft""#);
    assert!(
        verdict(&[joined(&negated)], &[flow(Some("1.6")), windows])
            .starts_with("needs review: the source gives no versions")
    );
    let any_windows = node(false, "cpe:2.3:o:microsoft:windows:*:*:*:*:*:*:*:*", "")
        .replace("\"negate\":false", "\"negate\":true");
    let windows = component(r#""name":"Windows","version":"10","publisher":"Microsoft""#);
    let excluded = verdict(&[joined(&any_windows)], &[flow(Some("1.6")), windows]);
    assert!(excluded.starts_with("not affected: "), "{excluded}");
}

#[test]
fn two_vulnerable_products_that_must_meet_are_both_looked_for() {
    let feed = nvd(&format!(
        r#"{{"operator":"AND","nodes":[{},{}]}}"#,
        node(true, "cpe:2.3:a:one:reader:1:*:*:*:*:*:*:*", ""),
        node(true, "cpe:2.3:a:two:writer:1:*:*:*:*:*:*:*", "")
    ));
    let reader = component(r#""name":"reader","version":"1","publisher":"One""#);
    let writer = |version: &str| {
        component(&format!(
            r#""name":"writer","version":"{version}","publisher":"Two""#
        ))
    };
    assert_eq!(
        verdict(std::slice::from_ref(&feed), &[reader.clone(), writer("1")]),
        "affected"
    );
    let alone = verdict(std::slice::from_ref(&feed), std::slice::from_ref(&reader));
    assert!(
        alone.starts_with("needs review: it counts only together with"),
        "{alone}"
    );
    assert!(verdict(&[feed], &[reader, writer("2")]).starts_with("not affected"));
}

#[test]
fn an_empty_condition_holds_for_nothing() {
    let flow = || device("Flow 3000", Some("1"));
    assert_eq!(verdict(&[nvd(r#"{"operator":"AND","nodes":[]}"#)], &[flow()]), "");
    assert_eq!(
        verdict(
            &[nvd(
                r#"{"negate":true,"nodes":[{"operator":"OR","cpeMatch":[]}]}"#
            )],
            &[flow()]
        ),
        ""
    );
    assert_eq!(verdict(&[nvd("")], &[flow()]), "");
}

#[test]
fn narrower_attributes_of_a_cpe_count() {
    let feed = nvd(&format!(
        r#"{{"nodes":[{}]}}"#,
        node(
            true,
            "cpe:2.3:a:acme:form:*:*:*:*:*:wordpress:*:*",
            r#","versionEndExcluding":"3""#
        )
    ));
    let check = |fields: &str, expected: &str| {
        assert_eq!(
            verdict(std::slice::from_ref(&feed), &[component(fields)]),
            expected
        );
    };
    check(
        r#""name":"form","version":"2","publisher":"ACME""#,
        "needs review: the statement holds only for target software `wordpress`, which is not known here",
    );
    check(
        r#""name":"form","cpe":"cpe:2.3:a:acme:form:2:*:*:*:*:wordpress:*:*""#,
        "affected; fixed in 3",
    );
    check(
        r#""name":"form","cpe":"cpe:2.3:a:acme:form:2:*:*:*:*:drupal:*:*""#,
        "",
    );
    let wild = nvd(&format!(
        r#"{{"nodes":[{}]}}"#,
        node(true, "cpe:2.3:a:acme:form:2.*:*:*:*:*:*:*:*", "")
    ));
    assert_eq!(
        verdict(
            &[wild],
            &[component(r#""name":"form","version":"2.1","publisher":"ACME""#)]
        ),
        "needs review: the range `2.*` can not be read"
    );
}

#[test]
fn a_vendor_that_is_not_known_is_no_vendor() {
    let feed = nvd(&format!(
        r#"{{"nodes":[{}]}}"#,
        node(true, "cpe:2.3:o:n\\/a:flow_3000:1.1:*:*:*:*:*:*:*", "").replace('\\', "\\\\")
    ));
    assert!(
        verdict(&[feed], &[device("Flow 3000", Some("1.1"))])
            .starts_with("needs review: the product's name is the same as in `cpe:2.3:o:n")
    );
}
