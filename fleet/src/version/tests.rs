use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

fn version(text: &str) -> ComponentVersion {
    ComponentVersion::new(text).unwrap()
}

/// Each list is in ascending order; `=` joins what is equal.
#[test]
fn each_scheme_has_its_order() {
    let check = |scheme: VersionScheme, ascending: &[&str]| {
        let rank: Vec<(usize, ComponentVersion)> = ascending
            .iter()
            .enumerate()
            .flat_map(|(rank, equal)| equal.split('=').map(move |text| (rank, version(text))))
            .collect();
        for (rank_a, a) in &rank {
            for (rank_b, b) in &rank {
                let got = scheme.compare(a, b);
                assert_eq!(got, Ok(rank_a.cmp(rank_b)), "{scheme}: {a} and {b}");
            }
        }
    };
    // Semantic Versioning 2.0.0, 11.4.
    check(
        VersionScheme::SemVer,
        &[
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0=1.0.0+b7",
            "1.9.0",
            "1.10.0",
            "18446744073709551616.0.0",
        ],
    );
    check(
        VersionScheme::Dotted,
        &[
            "0=0.0",
            "1=1.0=v1.00=V1.0.0",
            "1.0.1",
            "1.9=1.09",
            "1.10",
            "9.02.01=9.2.1",
            "10",
        ],
    );
    check(
        VersionScheme::DottedSuffix,
        &[
            "v8.9z",
            "v9=9.0",
            "v9a=9A=9.0a",
            "v9b",
            "9z",
            "9aa",
            "9.1",
            "9.1a",
            "10",
        ],
    );
    check(
        VersionScheme::Date,
        &[
            "2025-12-31",
            "2026.01=2026-01",
            "2026-01-01=20260101=2026.01.01",
            "20260101.2=2026-01-01-2",
            "20260101.10",
            "2028-02-29",
        ],
    );
    // Debian Policy 5.6.12, and dpkg's own t-version.
    check(
        VersionScheme::Debian,
        &[
            "0~~",
            "0~~a",
            "0~",
            "0=0-0=0:0",
            "0a",
            "0+",
            "1.0~rc1-1",
            "1.0=1.0-0=1.00",
            "1.0-1",
            "1.0-1+b1",
            "1.0a",
            "1.2+2-3",
            "1.9",
            "1.10",
            "1:0.1",
        ],
    );
}

#[test]
fn what_is_not_of_the_scheme_compares_with_nothing() {
    let check = |scheme: VersionScheme, bad: &[&str]| {
        for text in bad {
            assert!(scheme.read(&version(text)).is_err(), "{scheme} read {text:?}");
        }
    };
    check(
        VersionScheme::SemVer,
        &[
            "1.0",
            "01.0.0",
            "1.0.0-",
            "1.0.0-01",
            "1.0.0+",
            "1.0.0-a..b",
            "v1.0.0",
            "1.0.0.0",
            "1.0.0-ü",
        ],
    );
    check(
        VersionScheme::Dotted,
        &["1.", ".1", "1..2", "9a", "v", "1.0-1", "-1", "١.٢"],
    );
    check(
        VersionScheme::DottedSuffix,
        &["a", "v", "9a1", "9.a", "9-b", "9ä"],
    );
    check(
        VersionScheme::Date,
        &[
            "2026",
            "2026-13",
            "2026-02-30",
            "20260230",
            "2026-1-1",
            "2026-01-01.2.3",
            "2026-01-01.",
            "2026-01-01b",
            "0x260101",
            "2026٠١",
        ],
    );
    check(
        VersionScheme::Debian,
        &["a1", ":1", "x:1", "1-", "-1", "1_2", "1:", "1-2_3"],
    );
    check(VersionScheme::Unknown, &["1.0", "9"]);
    let error = VersionScheme::Dotted
        .compare(&version("9.1"), &version("REV-C"))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "version `REV-C` does not compare: by the scheme `dotted` it would be numbers between dots as in 9.02.01"
    );
}

#[test]
fn across_schemes_there_is_no_order() {
    let a = VersionScheme::Dotted.read(&version("1.0")).unwrap();
    let b = VersionScheme::Debian.read(&version("1.0")).unwrap();
    assert_eq!(a.partial_cmp(&b), None);
    assert!(a != b);
}

fn range(json: &str) -> VersionRange {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_range_holds_what_its_words_say() {
    let check = |json: &str, words: &str, inside: &[&str], outside: &[&str]| {
        let range = range(json);
        assert_eq!(range.to_string(), words);
        assert_eq!(range.check(VersionScheme::Dotted), Ok(()));
        for (texts, expected) in [(inside, true), (outside, false)] {
            for text in texts {
                assert_eq!(
                    range.contains(VersionScheme::Dotted, &version(text)),
                    Ok(expected),
                    "{words}: {text}"
                );
            }
        }
    };
    check("{}", "any version", &["1", "REV-C"], &[]);
    check(
        r#"{"at_least":"1.9","below":"1.11"}"#,
        "1.9 or later and before 1.11",
        &["1.9", "1.10"],
        &["1.8", "1.11", "2"],
    );
    check(
        r#"{"above":"1.9","at_most":"1.10"}"#,
        "after 1.9 and up to 1.10",
        &["1.9.1", "1.10.0"],
        &["1.9", "1.10.1"],
    );
    check(
        r#"{"at_least":"2","at_most":"2.0"}"#,
        "2 or later and up to 2.0",
        &["2"],
        &["1", "3"],
    );
    check(
        r#"{"exactly":["REV-C","REV-D"]}"#,
        "REV-C or REV-D",
        &["REV-C"],
        &["REV-E", "1"],
    );
    assert!(
        range(r#"{"below":"2"}"#)
            .contains(VersionScheme::Dotted, &version("REV-C"))
            .is_err()
    );
    assert!(
        range(r#"{"below":"2"}"#)
            .contains(VersionScheme::Unknown, &version("1"))
            .is_err()
    );
}

#[test]
fn a_range_that_makes_no_sense_is_refused() {
    let check = |json: &str, expected: &str| {
        assert_eq!(
            range(json).check(VersionScheme::Dotted).unwrap_err().to_string(),
            expected
        );
    };
    check(
        r#"{"exactly":["1"],"below":"2"}"#,
        "`exactly` stands beside a bound; give one or the other",
    );
    check(
        r#"{"at_least":"1","above":"1"}"#,
        "`at_least` and `above` are both given; give one",
    );
    check(
        r#"{"at_most":"1","below":"1"}"#,
        "`at_most` and `below` are both given; give one",
    );
    check(
        r#"{"at_least":"2","below":"2.0"}"#,
        "no version is in the range 2 or later and before 2.0; the lower bound lies above the upper one",
    );
    check(
        r#"{"below":"9a"}"#,
        "`below`: version `9a` does not compare: by the scheme `dotted` it would be numbers between dots as in 9.02.01",
    );
    assert!(serde_json::from_str::<VersionRange>(r#"{"bellow":"2"}"#).is_err());
}

/// Versions as makers write them, for each scheme with an order.
fn written(scheme: VersionScheme) -> BoxedStrategy<ComponentVersion> {
    let pattern = match scheme {
        VersionScheme::SemVer => {
            "(0|[1-9][0-9]?)\\.(0|[1-9])\\.(0|[1-9])(-(a|rc|[1-9]|0)(\\.(b|[1-9]))?)?(\\+[a-z0-9]{1,3})?"
        }
        VersionScheme::Dotted => "v?[0-9]{1,2}(\\.[0-9]{1,2}){0,3}",
        VersionScheme::DottedSuffix => "v?[0-9]{1,2}(\\.[0-9]{1,2}){0,2}[a-cA-C]{0,2}",
        VersionScheme::Date => "202[0-9](-(0[1-9]|1[0-2])|(0[1-9]|1[0-2])[012][1-8](\\.[0-9]{1,2})?)",
        VersionScheme::Debian => "([01]:)?[0-9][0-9.+~ab]{0,5}(-[0-9a~+]{1,3})?",
        VersionScheme::Unknown => ".{1,8}",
    };
    pattern
        .prop_filter_map("text", |text| ComponentVersion::new(&text).ok())
        .boxed()
}

fn three_of_one_scheme() -> impl Strategy<Value = (VersionScheme, [ComponentVersion; 3])> {
    let ordered = VersionScheme::ALL
        .iter()
        .copied()
        .filter(|s| *s != VersionScheme::Unknown);
    proptest::sample::select(ordered.collect::<Vec<_>>())
        .prop_flat_map(|scheme| (Just(scheme), [written(scheme), written(scheme), written(scheme)]))
}

proptest! {
    /// Total, antisymmetric, transitive.
    #[test]
    fn within_a_scheme_the_order_is_total((scheme, [a, b, c]) in three_of_one_scheme()) {
        let cmp = |x: &ComponentVersion, y: &ComponentVersion| scheme.compare(x, y).unwrap();
        prop_assert_eq!(cmp(&a, &a), Ordering::Equal);
        prop_assert_eq!(cmp(&a, &b), cmp(&b, &a).reverse());
        if cmp(&a, &b).is_le() && cmp(&b, &c).is_le() {
            prop_assert!(cmp(&a, &c).is_le(), "{a} <= {b} <= {c}");
        }
        if cmp(&a, &b).is_eq() {
            prop_assert_eq!(cmp(&a, &c), cmp(&b, &c), "{} = {}", a, b);
        }
    }

    /// Of a bound and its opposite, exactly one holds a version.
    #[test]
    fn a_range_and_its_opposite_share_nothing((scheme, [a, b, _]) in three_of_one_scheme()) {
        let below = VersionRange { below: Some(a.clone()), ..VersionRange::any() };
        let at_least = VersionRange { at_least: Some(a), ..VersionRange::any() };
        prop_assert_ne!(below.contains(scheme, &b), at_least.contains(scheme, &b));
    }

    #[test]
    fn no_text_panics(text in ".{1,64}", other in "[0-9v.:~+-]{1,20}") {
        if let (Ok(a), Ok(b)) = (ComponentVersion::new(&text), ComponentVersion::new(&other)) {
            for scheme in VersionScheme::ALL {
                let there = scheme.compare(&a, &b).ok();
                prop_assert_eq!(there, scheme.compare(&b, &a).ok().map(Ordering::reverse));
            }
        }
    }

    #[test]
    fn a_scheme_reads_back(which in 0..VersionScheme::ALL.len()) {
        let scheme = VersionScheme::ALL[which];
        prop_assert_eq!(VersionScheme::from_word(scheme.as_str()), Some(scheme));
        prop_assert_eq!(serde_json::to_string(&scheme).unwrap(), format!("\"{scheme}\""));
    }
}
