use proptest::prelude::*;

use super::*;

const ALL: [Scheme; 6] = [
    Scheme::Dotted,
    Scheme::Date,
    Scheme::LetterSuffix,
    Scheme::Semver,
    Scheme::Coded,
    Scheme::Debian,
];

#[test]
fn each_scheme_orders_its_versions() {
    let check = |hint: Hint, ascending: &[&str]| {
        for (index, one) in ascending.iter().enumerate() {
            for (other_index, other) in ascending.iter().enumerate() {
                assert_eq!(
                    compare(one, other, hint),
                    Ok(index.cmp(&other_index)),
                    "{one} / {other}"
                );
            }
        }
    };
    check(Hint::Common, &["0.9", "2.0.8", "2.0.10", "2.1", "10"]);
    check(Hint::Common, &["4.9.0.20240103", "4.9.0.20240104"]);
    check(Hint::Common, &["2023-02-27", "2023-10-26", "20231027"]);
    check(
        Hint::Common,
        &[
            "1.0.2", "1.0.2a", "1.0.2k", "1.0.2z", "1.0.2za", "1.0.2zd", "1.1.0",
        ],
    );
    check(
        Hint::Common,
        &[
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
        ],
    );
    check(Hint::Common, &["L9", "L81", "L82"]);
    check(Hint::Common, &["012U000061", "012U000093"]);
    check(
        Hint::Only(Scheme::Debian),
        &[
            "1.0~rc1",
            "1.0",
            "1.0-1",
            "1.0-1+deb9u1",
            "1.0a",
            "1.0+dfsg",
            "1.1",
            "1.10",
            "1:0.5",
        ],
    );
}

#[test]
fn spellings_of_one_version_are_equal() {
    for (one, other) in [
        ("1.0", "1.0.0"),
        ("v2.0.8", "2.0.8"),
        ("Version 1.6", "1.6"),
        ("028U00093", "028U000093"),
        ("2nd Edition", "2nd edition"),
    ] {
        assert_eq!(
            compare(one, other, Hint::Common),
            Ok(Ordering::Equal),
            "{one} / {other}"
        );
    }
}

#[test]
fn what_can_not_be_compared_is_never_ordered() {
    for (one, other) in [
        ("U61", "L81"),
        ("012U000061", "028U000061"),
        ("17D19", "20D29"),
        ("20231026", "9.33.1"),
        ("2nd Edition", "3rd Edition"),
        ("1.0rc1", "1.0"),
        ("1.0.0", "1.0.beta"),
        ("0.13c", "r0.13"),
        ("1.2.3.4-beta", "1.2.3.4"),
        ("", "1.0"),
        ("", ""),
        ("1.2.3-4", "1.2.3"),
        ("1.2.3-deb9", "1.2.3"),
        ("1:1.0", "1.0"),
        ("99999999999999999999", "1"),
        (&"1.".repeat(200), "1.0"),
        ("1.0\u{202e}", "1.0"),
    ] {
        assert!(compare(one, other, Hint::Common).is_err(), "{one} / {other}");
    }
    assert!(compare("1.0", "1.1", Hint::Unknown).is_err());
    assert_eq!(compare("1.0", "1.0", Hint::Unknown), Ok(Ordering::Equal));
}

#[test]
fn ranges_are_read_or_kept_as_text() {
    let check = |text: &str, expected: &str| {
        let read = match read_range(text) {
            Versions::In(range) => range.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(read, expected, "{text}");
    };
    check("<= 9.33.1", "<= 9.33.1");
    check("<=12.1.3", "<= 12.1.3");
    check("<2.0.10", "< 2.0.10");
    check(">= 1.1 | <= 1.3.2", ">= 1.1 and <= 1.3.2");
    check("≥1.1, <2", ">= 1.1 and < 2");
    check("3.0 and earlier", "<= 3.0");
    check("Prior to 1.6", "< 1.6");
    check("vers:all/*", "All");
    check("vers:nuget/>=1.0|<2.0.10", ">= 1.0 and < 2.0.10");
    check("vers:deb/<1:7.50.3-1", "< 1:7.50.3-1");
    check(
        "vers:generic/1.1|1.5|>=2|!=2.1|<3|>4",
        "1.1, or 1.5, or >= 2 and < 3, or > 4, but not 2.1",
    );
    check("<= U61 |<= L81", "Unread(\"<= U61 |<= L81\")");
    check("A10 < A11", "Unread(\"A10 < A11\")");
    check(
        "17D19 >= 20D29 | <= 20D32",
        "Unread(\"17D19 >= 20D29 | <= 20D32\")",
    );
    check(">= 2 | <= 1", "Unread(\">= 2 | <= 1\")");
    check("vers:generic/<3|<4", "Unread(\"vers:generic/<3|<4\")");
    check("vers:generic/>=4|<3", "Unread(\"vers:generic/>=4|<3\")");
    check("vers:rpm/<1.2-3.el8", "< 1.2-3.el8");
    check("various", "Unread(\"various\")");
    check("", "Unread(\"\")");
    check("<=", "Unread(\"<=\")");
    check("İ and earlier", "Unread(\"İ and earlier\")");
}

#[test]
fn a_range_holds_what_it_says() {
    let check = |range: &str, version: &str, expected: Option<Within>| {
        let Versions::In(range) = read_range(range) else {
            panic!("{range} was not read")
        };
        assert_eq!(range.place(version).ok(), expected, "{range} / {version}");
    };
    check("<2.0.10", "2.0.8", Some(Within::Inside));
    check("<2.0.10", "2.0.10", Some(Within::Outside));
    check("<= 3.0", "3", Some(Within::Inside));
    check(">= 1.1 | <= 1.3.2", "1.0", Some(Within::Outside));
    check(">= 1.1 | <= 1.3.2", "1.3.2", Some(Within::Inside));
    check("<= L81", "U61", None);
    check("vers:generic/1.1|1.5|>=2|!=2.1|<3", "2.1", Some(Within::Outside));
    check("vers:generic/1.1|1.5|>=2|!=2.1|<3", "1.5.0", Some(Within::Inside));
    check("vers:rpm/<1.2", "1.1", None);
}

/// Versions of every scheme, and things that look like them.
fn any_version() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,3}(\\.[0-9]{1,3}){0,4}",
        "[0-9]{1,2}(\\.[0-9]{1,2}){1,3}(z?[a-z])?",
        "[0-9]\\.[0-9]\\.[0-9](-(rc|beta|alpha)(\\.[0-9])?)?",
        "20[0-9]{2}(0[1-9]|1[0-2])[0-3][0-9]",
        "[0-9]{0,3}[A-D]0{0,3}[0-9]{1,3}",
        "([0-2]:)?[0-9]{1,2}[.+~a-c][0-9]{1,2}(-[0-9][+~a-c]?[0-9]?)?",
        "\\PC{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn each_comparator_is_an_order(a in any_version(), b in any_version(), c in any_version()) {
        for scheme in ALL {
            if let Some(order) = compare_as(scheme, &a, &b) {
                prop_assert_eq!(compare_as(scheme, &b, &a), Some(order.reverse()));
                prop_assert_eq!(compare_as(scheme, &a, &a), Some(Ordering::Equal));
                if let Some(next) = compare_as(scheme, &b, &c)
                    && (order == next || next == Ordering::Equal)
                    && let Some(whole) = compare_as(scheme, &a, &c)
                {
                    prop_assert_eq!(whole, order, "{} {} {} in {}", &a, &b, &c, scheme);
                }
            }
        }
    }

    #[test]
    fn comparing_twice_or_the_other_way_round_says_the_same(a in any_version(), b in any_version()) {
        let order = compare(&a, &b, Hint::Common).ok();
        prop_assert_eq!(compare(&b, &a, Hint::Common).ok(), order.map(Ordering::reverse));
    }

    #[test]
    fn a_bound_splits_the_line(a in any_version(), b in any_version()) {
        let at_most = Range::one(Interval { lower: None, upper: Some(Bound { version: b.clone(), inclusive: true }) });
        let above = Range::one(Interval { lower: Some(Bound { version: b, inclusive: false }), upper: None });
        match (at_most.place(&a), above.place(&a)) {
            (Ok(one), Ok(other)) => prop_assert_ne!(one, other),
            (one, other) => prop_assert!(one.is_err() && other.is_err()),
        }
    }

    #[test]
    fn no_text_breaks_the_readers(text in "\\PC{0,40}", signs in "[<>=|, a-c0-9./:v!*-]{0,24}") {
        for text in [text.as_str(), signs.as_str()] {
            let _ = read_range(text);
            let _ = read_range(&format!("vers:generic/{text}"));
            for scheme in ALL {
                let _ = compare_as(scheme, text, "1.0");
            }
        }
    }
}
