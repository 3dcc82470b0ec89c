//! Rules that hold whatever is written in a file.

use proptest::prelude::*;

use super::*;
use crate::version::{Versions, read_range};

/// Texts as advisories have them, and others.
fn range() -> impl Strategy<Value = String> {
    prop_oneof![
        "(<|<=|>|>=)? ?[0-9]{1,2}(\\.[0-9]{1,2}){0,2}( ?\\| ?(<|<=) ?[0-9]{1,2}(\\.[0-9]){0,2})?",
        "(<|<=)? ?[A-C][0-9]{1,2}( ?\\| ?<= ?[A-C][0-9]{1,2})?",
        "vers:(generic|deb|rpm)/(>=?[0-4]\\|)?<=?[5-9]",
        "[a-zA-Z0-9 .<>=|]{0,16}",
    ]
}

fn version() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof![
        "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}[a-c]?",
        "[A-C][0-9]{1,2}",
        "[a-z0-9. -]{1,10}"
    ])
}

fn remedy() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("version ".to_owned()),
        Just("remediates ".to_owned()),
        Just("has released: ".to_owned()),
        Just("partially ".to_owned()),
        Just("(SN 7 and lower)".to_owned()),
        Just("; ".to_owned()),
        Just(". ".to_owned()),
        "[0-9]{1,2}(\\.[0-9]{1,2})? ",
    ];
    proptest::collection::vec(word, 0..8).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_can_not_be_read_or_has_no_version_is_never_cleared(
        range in range(), version in version(), remedy in remedy(), exactly in any::<bool>(),
    ) {
        let category = if exactly { "product_version" } else { "product_version_range" };
        let rest = format!(
            r#""product_status":{{"known_affected":["1"]}},"remediations":[{{"category":"vendor_fix","details":"{remedy}","product_ids":["1"]}}]"#
        );
        let feed = csaf(&[("1", "Flow 3000", category, &range)], &rest);
        let mut index = Index::new();
        index.import(feed);
        let findings = index.findings(&Facts::new([device("Flow 3000", version.as_deref())]));
        prop_assert_eq!(findings.len(), 1, "a product that is named is always answered");
        let verdict = &findings[0].verdict;
        let is_cleared = matches!(verdict, Verdict::NotAffected { .. } | Verdict::FixedBy { .. } | Verdict::PartlyFixed { .. });
        if version.is_none() {
            prop_assert!(!is_cleared, "{}", verdict);
        }
        if !exactly && matches!(read_range(&range), Versions::Unread(_)) {
            let is_review = matches!(verdict, Verdict::NeedsReview { .. });
            prop_assert!(is_review, "{}", verdict);
        }
        if let (Some(version), Versions::In(range)) = (&version, read_range(&range)) {
            let is_affected = matches!(verdict, Verdict::Affected { .. });
            match range.place(version) {
                Ok(crate::version::Within::Inside) => {
                    let is_partly = matches!(verdict, Verdict::PartlyFixed { .. });
                    prop_assert!(is_affected || is_partly, "{}", verdict);
                }
                Ok(crate::version::Within::Outside) => prop_assert!(!is_affected, "{}", verdict),
                Err(_) => prop_assert!(!is_cleared, "{}", verdict),
            }
        }
    }

    #[test]
    fn the_order_of_imports_changes_no_verdict(swap in any::<bool>(), version in version()) {
        let mut feeds = [
            csaf(&[("1", "Flow 3000", "product_version_range", "<= 1.6")], r#""product_status":{"known_affected":["1"]}"#),
            nvd(&format!(r#"{{"nodes":[{}]}}"#, node(true, "cpe:2.3:o:acme:flow_3000_firmware:1.5:*:*:*:*:*:*:*", ""))),
            kev("ACME", "Flow 3000"),
        ];
        let items = [device("Flow 3000", version.as_deref())];
        let before = verdict(&feeds, &items);
        if swap { feeds.reverse() } else { feeds.swap(0, 1) }
        prop_assert_eq!(verdict(&feeds, &items), before);
    }
}
