use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn values_are_written_as_rfc_8785_says() {
    let check = |value: Value, expected: &str| assert_eq!(to_json(&value), expected);
    check(
        json!({"b": [1, null, true], "a": {}}),
        r#"{"a":{},"b":[1,null,true]}"#,
    );
    check(
        json!("€$\u{F}\nA'B\"\\\\\"/\u{7f}"),
        "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\"",
    );
    // Section 3.2.3: a code point beyond the first plane sorts by its surrogates, before U+FB33.
    check(
        json!({"\u{FB33}": 1, "\u{1F600}": 2, "ö": 3, "\r": 4, "1": 5}),
        "{\"\\r\":4,\"1\":5,\"ö\":3,\"\u{1F600}\":2,\"\u{FB33}\":1}",
    );
}

/// Appendix B of RFC 8785, where JSON can say it, and whole numbers beyond it.
#[test]
fn numbers_are_written_as_ecmascript_does() {
    let check = |given: &str, expected: &str| {
        let value: Value = serde_json::from_str(given).unwrap();
        assert_eq!(to_json(&value), expected, "{given}");
    };
    check("-0", "0");
    check("-0.0", "0");
    check("1.0", "1");
    check("4.50", "4.5");
    check("2e-3", "0.002");
    check("0.000001", "0.000001");
    check("1E-7", "1e-7");
    check("1.5e-7", "1.5e-7");
    check("1E30", "1e+30");
    check("333333333.33333329", "333333333.3333333");
    check("1e20", "100000000000000000000");
    check("1e21", "1e+21");
    check("-9.5e-300", "-9.5e-300");
    check("5e-324", "5e-324");
    check("1.7976931348623157e308", "1.7976931348623157e+308");
    check("295147905179352830000", "295147905179352830000");
    check("9007199254740993", "9007199254740993");
    check("18446744073709551615", "18446744073709551615");
}

pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_json_and_writes_itself(value in any_json()) {
        let written = to_json(&value);
        let read: Value = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(to_json(&read), written);
    }

    /// Through the text of another writer, as a database keeps it, the form stays the same.
    #[test]
    fn storing_does_not_change_the_form(value in any_json()) {
        let stored: Value = serde_json::from_str(&value.to_string()).unwrap();
        prop_assert_eq!(to_json(&stored), to_json(&value));
    }

    #[test]
    fn different_whole_numbers_and_texts_differ(a in any::<i64>(), b in any::<i64>(), s in any::<String>(), t in any::<String>()) {
        prop_assert_eq!(a == b, to_json(&a.into()) == to_json(&b.into()));
        prop_assert_eq!(s == t, to_json(&s.clone().into()) == to_json(&t.clone().into()));
    }
}
