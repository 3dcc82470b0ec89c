use super::*;

const RANGE: &str = "product_version_range";
const VERSION: &str = "product_version";

#[test]
fn product_name_and_version_decide_without_cpe_or_purl() {
    let feed = csaf(
        &[("1", "ACME Flow 3000", RANGE, "<= 2.5")],
        r#""product_status":{"known_affected":["1"]}"#,
    );
    let check =
        |item: Arc<Item>, expected: &str| assert_eq!(verdict(std::slice::from_ref(&feed), &[item]), expected);
    check(device("Flow 3000", Some("2.4")), "affected");
    check(
        device("Flow 3000", Some("2.5.1")),
        "not affected: ACME ACME-1 lists <= 2.5 as affected, and this is 2.5.1",
    );
    check(
        device("Flow 3000", None),
        "needs review: Flow 3000 (no version) has no version, and the statement is about <= 2.5",
    );
    check(
        device("Flow 3000", Some("B7")),
        "needs review: version B7 can not be compared with <= 2.5",
    );
    check(
        device("Flow 3000 Plus", Some("2.4")),
        "needs review: the source names `ACME Flow 3000 <= 2.5` and this is Flow 3000 Plus 2.4: the names are alike and not the same",
    );
    check(device("Drip 100", Some("2.4")), "");
    // A name that is only alike, in a version outside: nothing points at it.
    check(device("Flow 3000 Plus", Some("9")), "");
    let other_maker = Arc::new(Item::device("Umbrella", &["Flow 3000"], Some("2.4")));
    check(
        other_maker,
        "needs review: the product's name is the same, and the source's vendor `acme` is not known to be `umbrella`",
    );
}

#[test]
fn a_range_in_free_text_is_reviewed_and_never_cleared() {
    for text in [
        "<= U61 |<= L81",
        "17D19 >= 20D29 | <= 20D32",
        "A10 < A11",
        "various",
        "all before spring",
        "vers:foo",
    ] {
        let feed = csaf(
            &[("1", "Flow", RANGE, text)],
            r#""product_status":{"known_affected":["1"]}"#,
        );
        for version in ["U61", "L90", "99", "20D30"] {
            assert_eq!(
                verdict(std::slice::from_ref(&feed), &[device("Flow", Some(version))]),
                format!("needs review: the range `{text}` can not be read")
            );
        }
    }
    let feed = csaf(
        &[("1", "Flow", VERSION, "vers:all/*")],
        r#""product_status":{"known_affected":["1"]}"#,
    );
    assert_eq!(verdict(&[feed], &[device("Flow", None)]), "affected");
}

#[test]
fn an_advisory_that_lists_single_versions_is_silent_on_others() {
    let feed = |remedy: &str| {
        csaf(
            &[("1", "Flow", VERSION, "1.1"), ("2", "Flow", VERSION, "1.6")],
            &format!(r#""product_status":{{"known_affected":["1","2"]}},"remediations":[{remedy}]"#),
        )
    };
    let fix = r#"{"category":"vendor_fix","details":"ACME has released update Version 1.6.1 to mitigate it.","product_ids":["1","2"]}"#;
    let phone = r#"{"category":"vendor_fix","details":"Tel: +1 (800) 258 5361","product_ids":["1","2"]}"#;
    let check = |remedy: &str, version: &str, expected: &str| {
        assert_eq!(
            verdict(&[feed(remedy)], &[device("Flow", Some(version))]),
            expected
        );
    };
    check(fix, "1.6", "affected; fixed in 1.6.1");
    check(phone, "1.6", "affected");
    check(
        fix,
        "1.2",
        "needs review: the statement lists 1.1, 1.6, and says nothing of 1.2",
    );
    check(
        phone,
        "1.6.1",
        "needs review: the statement lists 1.1, 1.6, and says nothing of 1.6.1",
    );
    check(fix, "1.6.1", "fixed by 1.6.1");
    check(fix, "1.7", "fixed by 1.6.1");
}

#[test]
fn a_fix_that_depends_on_the_serial_number_goes_to_a_person() {
    let remedy = r#""remediations":[{"category":"vendor_fix","product_ids":["1"],
        "details":"ACME has released updates: Pack, software 028U00093 (SN 138852 and lower); Pack, software 054U00093 (SN 138853 and higher)"}]"#;
    let feed = csaf(
        &[("1", "Pack", RANGE, "<= 028U000061")],
        &format!(r#""product_status":{{"known_affected":["1"]}},{remedy}"#),
    );
    let said = |version| verdict(std::slice::from_ref(&feed), &[device("Pack", Some(version))]);
    assert_eq!(
        said("028U000061"),
        "affected; for some serial numbers fixed in 028U00093, for some serial numbers fixed in 054U00093"
    );
    assert!(
        said("028U000093").starts_with("needs review: which version is the fix depends on the serial number"),
        "{}",
        said("028U000093")
    );
    assert_eq!(
        said("054U000093"),
        "needs review: version 054U000093 can not be compared with <= 028U000061"
    );
}

#[test]
fn a_sentence_about_a_version_outweighs_the_range_it_is_outside_of() {
    let feed = |details: &str, products: &str| {
        csaf(
            &[
                ("1", "Flow", RANGE, "<=12.1.3"),
                ("2", "Manager", RANGE, "<=12.3"),
            ],
            &format!(
                r#""product_status":{{"known_affected":["1","2"]}},
                "remediations":[{{"category":"mitigation","details":"{details}","product_ids":[{products}]}}]"#
            ),
        )
    };
    let check = |details: &str, products: &str, version: &str, expected: &str| {
        assert_eq!(
            verdict(&[feed(details, products)], &[device("Flow", Some(version))]),
            expected
        );
    };
    let still = "ACME has released version 12.3.1. CVE-2026-0001 is still present on version 12.3.1.";
    check(
        still,
        r#""1""#,
        "12.3.1",
        &format!(
            "needs review: 12.3.1 is outside the affected versions, and the document also says: “{still}”"
        ),
    );
    check(still, r#""1""#, "12.1.3", "affected");
    let partly = "Software version 12.5.1 - Remediates CVE-2026-7777; partially remediates CVE-2026-0001";
    check(
        partly,
        r#""1""#,
        "12.5.1",
        &format!("partly fixed by 12.5.1: {partly}"),
    );
    check(partly, r#""1""#, "12.1.3", "affected; partly fixed in 12.5.1");
    let elsewhere = "Software version 12.5.1 - Remediates CVE-2026-7777";
    check(
        elsewhere,
        r#""1""#,
        "12.5.1",
        "not affected: ACME ACME-1 lists <= 12.1.3 as affected, and this is 12.5.1",
    );
    // A remedy for several products may speak of another one's version.
    let fix = "Version 12.4 remediates it.";
    check(fix, r#""1""#, "12.4", "fixed by 12.4");
    check(
        fix,
        r#""1","2""#,
        "12.4",
        &format!("needs review: 12.4 is outside the affected versions, and the document also says: “{fix}”"),
    );
    check(fix, r#""1","2""#, "12.1", "affected");
}

#[test]
fn what_a_document_declares_is_named() {
    let check = |status: &str, version: &str, expected: &str| {
        let tree = [
            ("a", "Flow", RANGE, "<2.0"),
            ("b", "Flow", VERSION, "2.0"),
            ("c", "Flow", RANGE, ">=1.5|<=1.9"),
        ];
        let flags = r#""flags":[{"label":"vulnerable_code_not_present","product_ids":["b"]}]"#;
        let feed = csaf(&tree, &format!(r#""product_status":{{{status}}},{flags}"#));
        assert_eq!(verdict(&[feed], &[device("Flow", Some(version))]), expected);
    };
    let not = r#""known_affected":["a"],"known_not_affected":["b"]"#;
    check(
        not,
        "2.0",
        "not affected: ACME ACME-1 says `known_not_affected` of `Flow 2.0`: vulnerable code not present",
    );
    check(not, "1.0", "affected; fixed in 2.0");
    check(
        r#""known_affected":["a"],"fixed":["b"]"#,
        "2.0",
        "fixed by Flow 2.0",
    );
    check(
        r#""known_not_affected":["b"]"#,
        "1.0",
        "needs review: the statement lists 2.0, and says nothing of 1.0",
    );
    check(
        r#""known_affected":["a"],"fixed":["c"]"#,
        "1.6",
        "needs review: `affected` on `Flow <2.0` and `fixed` on `Flow >=1.5|<=1.9` contradict one another",
    );
    check(
        r#""under_investigation":["b"]"#,
        "2.0",
        "needs review: the publisher is still investigating Flow 2.0",
    );
}

#[test]
fn a_part_installed_on_a_pump_needs_both() {
    let tree = r#""full_product_names":[{"product_id":"pack","name":"Wi-Fi Pack","product_identification_helper":{"cpe":"cpe:2.3:h:acme:wi-fi_pack:*:*:*:*:*:*:*:*"}},
        {"product_id":"pump","name":"Flow","product_identification_helper":{"cpe":"cpe:2.3:h:acme:flow:-:*:*:*:*:*:*:*"}}],
        "relationships":[{"category":"installed_on","product_reference":"pack","relates_to_product_reference":"pump",
        "full_product_name":{"product_id":"both","name":"Pack on Flow"}}]"#;
    let feed = csaf_with(tree, r#""product_status":{"known_affected":["both"]}"#);
    let pack = device("Wi-Fi Pack", Some("1"));
    assert_eq!(
        verdict(std::slice::from_ref(&feed), &[pack.clone(), device("Flow", None)]),
        "affected"
    );
    assert_eq!(
        verdict(std::slice::from_ref(&feed), &[pack, device("Drip", None)]),
        ""
    );
    assert_eq!(verdict(&[feed], &[device("Flow", None)]), "");
}

#[test]
fn a_purl_names_one_package_of_one_registry() {
    let tree = r#""full_product_names":[{"product_id":"a","name":"x","product_identification_helper":{"purl":"pkg:nuget/log4net@2.0.8"}}]"#;
    let feed = csaf_with(tree, r#""product_status":{"known_affected":["a"]}"#);
    let check = |fields: &str, expected: &str| {
        assert_eq!(
            verdict(std::slice::from_ref(&feed), &[component(fields)]),
            expected
        );
    };
    check(r#""name":"logging","purl":"pkg:nuget/Log4Net@2.0.8""#, "affected");
    check(
        r#""name":"logging","purl":"pkg:nuget/log4net@2.0.10""#,
        "needs review: the statement lists 2.0.8, and says nothing of 2.0.10",
    );
    check(
        r#""name":"log4net","version":"2.0.8","purl":"pkg:npm/log4net@2.0.8""#,
        "needs review: the product's name is the same as in `x`, and whether its vendor is can not be told",
    );
}
