use proptest::prelude::*;

use super::*;
use crate::{
    pump::{HoldKind, PumpFacts, Status, a_pump},
    text::{ComponentName, ComponentVersion, SerialNumber},
};

fn parse(text: &str) -> Expr {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_filter_is_written_back_in_one_way() {
    let check = |text: &str, canonical: &str| {
        assert_eq!(parse(text).to_string(), canonical);
        assert_eq!(parse(canonical).to_string(), canonical);
    };
    let example =
        r#"model = "Sigma Spectrum" and component.wireless < 9.3 and not care_area in (MICU, "4 West")"#;
    check(example, example);
    check("MODEL=x AND (Serial<=138852)", "model = x and serial <= 138852");
    check("care_area not in(MICU)", "not care_area in (MICU)");
    check("((model = a))", "model = a");
    check(
        "model = a and (model = b and model = c)",
        "model = a and model = b and model = c",
    );
    check(
        "(model = a or model = b) and model = c",
        "(model = a or model = b) and model = c",
    );
    check(
        "model = a or (model = b and model = c)",
        "model = a or model = b and model = c",
    );
    check("not (not model = a)", "not not model = a");
    check("not (model = a or model = b)", "not (model = a or model = b)");
    check(r#"model = "a""#, "model = a");
    check(
        r#"model = "none" or model = none"#,
        r#"model = "none" or model = none"#,
    );
    check(r#"tag = "say \"hi\" \\o/""#, r#"tag = "say \"hi\" \\o/""#);
    check(r#"model = """#, r#"model = """#);
    check(
        r#"component."main unit" >= "9.3 b""#,
        r#"component."main unit" >= "9.3 b""#,
    );
    check("Component.a.b != none", "component.a.b != none");
    check(
        "status = \"In Service\" or hold = Clinical",
        "status = in_service or hold = clinical",
    );
    check("text ~ 💉\n and\tmodel ~ ä", "text ~ 💉 and model ~ ä");
}

fn refused(text: &str, expected: &str) {
    assert_eq!(text.parse::<Expr>().unwrap_err().to_string(), expected, "{text}");
}

#[test]
fn an_error_points_at_the_column_and_says_what_was_expected() {
    let check = refused;
    check("", "column 1: expected a field, `not` or `(`, found the end");
    check(
        "model",
        "column 6: expected `=`, `!=`, `~`, `<`, `<=`, `>`, `>=` or `in`, found the end",
    );
    check("model = ", "column 9: expected a value, found the end");
    check(
        "model = a model = b",
        "column 11: expected `and`, `or` or the end, found `model`",
    );
    check(
        "model = a and",
        "column 14: expected a field, `not` or `(`, found the end",
    );
    check(
        "model = 4 West",
        "column 11: expected `and`, `or` or the end, found `West`",
    );
    check(
        "(model = a",
        "column 11: expected `and`, `or` or `)`, found the end",
    );
    check(
        "model = a)",
        "column 10: expected `and`, `or` or the end, found `)`",
    );
    check(
        "model = and",
        "column 9: expected a value (a keyword as a value stands in quotes), found `and`",
    );
    check(
        "model ~ none",
        "column 9: expected a value (a keyword as a value stands in quotes), found `none`",
    );
    check("model in a", "column 10: expected `(`, found `a`");
    check("model in (a b)", "column 13: expected `,` or `)`, found `b`");
    check("model in ()", "column 11: expected a value, found `)`");
    check("model not = a", "column 11: expected `in`, found `=`");
    check("💉 = a ! b", "column 7: expected `!=`, found `!`");
    check("model ! a", "column 7: expected `!=`, found `!`");
    check("model == a", "column 8: expected a value, found `=`");
    check(
        "model = \"a",
        "column 9: the quote that opens here is never closed",
    );
    check(
        "model = \"a\\n\"",
        "column 11: after a backslash comes `\"` or another backslash",
    );
    check(
        "model = a\u{202E}b",
        "column 10: a character that can not be printed; remove it",
    );
    check(
        "model = \"a\u{7}\"",
        "column 11: a character that can not be printed; remove it",
    );
}

#[test]
fn a_value_that_a_field_can_not_take_is_refused_with_what_it_takes() {
    let check = refused;
    check(
        "colour = red",
        "column 1: `colour` is not a field; fields are model, manufacturer, serial, asset, hardware, module, care_area, location, tag, status, hold, library, vulnerability, text, component.<name>",
    );
    check(
        "component. = 1",
        "column 12: expected the name of a component, found `=`",
    );
    check(
        "component.\" \" = 1",
        "column 1: ` ` is not a component name; use another (component name is empty; give 1 to 64 characters)",
    );
    check(
        "model < 3",
        "column 7: model can not be compared by `<`; use `=`, `!=`, `~`, `in`",
    );
    check("text = 3", "column 6: text can not be compared by `=`; use `~`");
    check(
        "text in (3)",
        "column 6: text can not be compared by `in`; use `~`",
    );
    check(
        "component.main ~ 9",
        "column 16: component.main can not be compared by `~`; use `=`, `!=`, `<`, `<=`, `>`, `>=`, `in`",
    );
    check(
        "serial < SN-9",
        "column 10: `SN-9` is not a number; use the number in a serial number",
    );
    check(
        "component.main = \" \"",
        "column 18: ` ` is not a version; use 1 to 64 characters",
    );
    check(
        "hold in (clinical, quarantine)",
        "column 20: `quarantine` is not a kind of hold; use clinical, security_isolation, sequestered, none",
    );
    check(
        "status = broken",
        "column 10: `broken` is not a status; use in_service, update_staged, being_updated, awaiting_checks, awaiting_sign_off, held, in_biomed, sequestered, missing, retired",
    );
    let deep = |levels: usize| format!("{}model = a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(deep(MAX_DEPTH).parse::<Expr>().is_ok());
    check(
        &deep(MAX_DEPTH + 1),
        "column 33: more than 32 levels of parentheses and `not`; make it flatter",
    );
    check(
        &format!("{}model = a", "not ".repeat(MAX_DEPTH + 1)),
        "column 129: more than 32 levels of parentheses and `not`; make it flatter",
    );
    check(
        &"x".repeat(100_000),
        "column 2001: the filter goes on after 2000 characters; make it shorter",
    );
}

#[test]
fn a_pump_is_meant_or_not() {
    let check = |text: &str, truth: Truth| {
        let (expr, pump) = (parse(text), a_pump());
        assert_eq!(explain(&expr, &pump).truth, truth, "{text}");
        assert_eq!(matches(&expr, &pump), truth == Truth::Yes, "{text}");
    };
    for yes in [
        "model = \"volumat 7\"",
        "model != \"Volumat 8\"",
        "manufacturer ~ ACME",
        "serial = sn-138852 and serial <= 138852 and serial > 138851",
        "asset in (BM-1, bm-10442)",
        "hardware = HW-C",
        "module = wireless-b",
        "care_area not in (\"4 West\", none)",
        "location ~ store",
        "tag = pilot and tag != other",
        "status = in_service",
        "hold = none",
        "library = \"adult icu\"",
        "vulnerability = CVE-2026-1001",
        "text ~ 10442 and text ~ micu and text ~ pilot",
        "component.main > 9.9 and component.main <= 9.10 and component.main = 9.010",
        "component.WIRELESS = 9A and component.wireless < v9b",
        "component.pca = none and component.pca != 1 and component.main != none",
        // What is written alike is alike, even where nothing compares.
        "component.boot = REV-C",
        "component.boot in (REV-B, REV-C)",
        "component.boot < 2 or model ~ volumat",
    ] {
        check(yes, Truth::Yes);
        check(&format!("not ({yes})"), Truth::No);
    }
    for no in [
        "component.main < 9.9",
        "component.pca < 9",
        "not module = wireless-b",
        "hold = clinical",
        "text ~ CVE",
        "component.boot < 2 and model = x",
    ] {
        check(no, Truth::No);
    }
    for unclear in [
        "component.boot < 2",
        "not component.boot < 2",
        "component.boot = REV-D",
        "component.boot != REV-D",
        "component.boot not in (REV-A, REV-D)",
        "component.main >= REV-D",
        "component.boot < 2 or model = x",
        "component.boot < 2 and model ~ volumat",
    ] {
        check(unclear, Truth::Unclear);
    }
}

#[test]
fn what_is_unclear_says_why() {
    let mut pump = a_pump();
    let expr = parse("not (component.boot < 2) and tag in (pilot, ward) and care_area = none");
    insta::assert_json_snapshot!(explain(&expr, &pump));
    let why = |text: &str, pump: &PumpFacts| explain(&parse(text), pump).findings[0].found.clone();
    pump.components.clear();
    assert_eq!(
        why("component.main = none", &pump),
        "it has not reported its versions"
    );
    pump.serial = SerialNumber::new("ABC").unwrap();
    assert_eq!(why("serial > 1", &pump), "its serial number ABC holds no number");
}

fn operand(field: &Field, op: Op) -> BoxedStrategy<Operand> {
    let value = match field {
        Field::Status => proptest::sample::select(&Status::ALL[..])
            .prop_map(Operand::Status)
            .boxed(),
        Field::Hold => proptest::sample::select(&HoldKind::ALL[..])
            .prop_map(Operand::Hold)
            .boxed(),
        Field::Component(_) => prop_oneof!["[0-9]{1,2}\\.[0-9]{1,2}[a-c]?", "[ -~]{1,8}"]
            .prop_filter_map("version", |text| ComponentVersion::new(&text).ok())
            .prop_map(Operand::Version)
            .boxed(),
        Field::Serial if op.orders() => any::<u64>().prop_map(Operand::Number).boxed(),
        _ => prop_oneof![
            "[ -~]{0,10}",
            "\\PC{0,6}",
            "(?i)(and|or|not|in|none|Volumat 7|pilot|MICU)"
        ]
        .prop_filter("printable", |text| !text.chars().any(crate::text::is_unprintable))
        .prop_map(Operand::Text)
        .boxed(),
    };
    if matches!(op, Op::Equal | Op::NotEqual) {
        prop_oneof![1 => Just(Operand::Nothing), 4 => value].boxed()
    } else {
        value
    }
}

fn field() -> impl Strategy<Value = Field> {
    let name = prop_oneof!["main|wireless|boot|pca", "[ -~]{1,10}"];
    prop_oneof![
        proptest::sample::select(Field::NAMED),
        name.prop_filter_map("component name", |text| ComponentName::new(&text).ok())
            .prop_map(Field::Component),
    ]
}

fn test() -> impl Strategy<Value = Expr> {
    (field(), proptest::sample::select(&Op::ALL[..]), any::<bool>())
        .prop_filter("operator", |(field, op, _)| field.allows(*op))
        .prop_flat_map(|(field, op, one)| {
            let one = one || op != Op::Equal;
            let operands = proptest::collection::vec(operand(&field, op), if one { 1..2 } else { 1..4 });
            operands.prop_map(move |mut operands| {
                let relation = match operands.pop() {
                    Some(operand) if one => Relation::Compare(op, operand),
                    last => {
                        operands.extend(last);
                        Relation::OneOf(operands)
                    }
                };
                Expr::Test(Test {
                    field: field.clone(),
                    relation,
                })
            })
        })
}

fn expr() -> impl Strategy<Value = Expr> {
    test().prop_recursive(4, 16, 3, |inner| {
        let parts = proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            parts.clone().prop_map(Expr::any),
            parts.prop_map(Expr::all),
            inner.prop_map(|part| Expr::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(expr in expr()) {
        let text = expr.to_string();
        prop_assert_eq!(text.parse::<Expr>(), Ok(expr.clone()), "{}", &text);
        let json = serde_json::to_string(&expr).unwrap();
        prop_assert_eq!(serde_json::from_str::<Expr>(&json).unwrap(), expr);
    }

    #[test]
    fn no_text_panics(text in ".{0,200}", words in "([a-z.]{1,9}|[()=!~<>,\"\\\\ 0-9]){0,40}") {
        for text in [text, words] {
            if let Err(error) = text.parse::<Expr>() {
                prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{}", error);
            }
        }
    }

    /// De Morgan, the excluded middle, and that `explain` and `matches` agree.
    #[test]
    fn logic_holds(a in expr(), b in expr()) {
        let pump = a_pump();
        let not = |expr: &Expr| Expr::Not(Box::new(expr.clone()));
        let truth = |expr: &Expr| explain(expr, &pump).truth;
        let both = Expr::all(vec![a.clone(), b.clone()]);
        let neither = Expr::any(vec![not(&a), not(&b)]);
        prop_assert_eq!(truth(&not(&both)), truth(&neither));
        prop_assert!(!(matches(&a, &pump) && matches(&not(&a), &pump)));
        prop_assert_eq!(matches(&a, &pump), truth(&a) == Truth::Yes);
        if explain(&a, &pump).findings.iter().all(|finding| finding.truth != Truth::Unclear) {
            prop_assert!(matches(&a, &pump) || matches(&not(&a), &pump));
        }
    }
}
