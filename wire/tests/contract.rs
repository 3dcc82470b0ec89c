//! `docs/pump-contract.md` is all that a pump maker has. What it says of messages, topics and limits must be what the
//! code does, so each example is read and written back, and each table is compared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; helpers outside of test functions too"
)]

use std::{collections::BTreeSet, fmt::Debug, fs, time::Duration};

use serde_json::Value;
use wire::{
    bulk,
    message::{Ack, Message, Order, OrderBody, Presence, Report, ReportBody, Telemetry},
    reconnect, schema,
    topic::{Channel, Direction},
};

fn page() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pump-contract.md")).unwrap()
}

/// The arguments of each `<!-- name: … -->` with the lines that follow it.
fn marked<'a>(page: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let opening = format!("<!-- {name}: ");
    page.split(opening.as_str())
        .skip(1)
        .map(|part| part.split_once(" -->\n").unwrap())
        .collect()
}

/// The JSON block that follows a marker at once.
fn example(after: &str) -> &str {
    let body = after
        .strip_prefix("```json\n")
        .expect("a json block right after the marker");
    body.split_once("\n```").unwrap().0
}

/// The cells of the table that follows a marker at once, without its head.
fn table(after: &str) -> Vec<Vec<&str>> {
    after
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// Reads an example as the code does, and writes it back.
fn round_trip<M: Message + Debug>(text: &str) -> M {
    let message = M::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let written: Value = serde_json::from_slice(&message.write()).unwrap();
    let given: Value = serde_json::from_str(text).unwrap();
    // Equal values: the example has no field that the code drops, and lacks none that it writes.
    assert_eq!(written, given);
    message
}

#[test]
fn every_example_is_a_message() {
    let page = page();
    let mut seen = BTreeSet::new();
    for (message, after) in marked(&page, "example") {
        let text = example(after);
        seen.insert(match message {
            "presence" => format!("presence {:?}", round_trip::<Presence>(text).state),
            "telemetry" => {
                round_trip::<Telemetry>(text);
                message.to_owned()
            }
            "report" => match round_trip::<Report>(text).body {
                ReportBody::Inventory(_) => "report inventory".to_owned(),
                ReportBody::OrderResult(_) => "report order_result".to_owned(),
            },
            "order" => match round_trip::<Order>(text).body {
                OrderBody::Hold { .. } => "order with fields".to_owned(),
                OrderBody::ReleaseHold | OrderBody::ReportInventory | OrderBody::RenewCertificate => {
                    "order without fields".to_owned()
                }
            },
            "ack" => {
                round_trip::<Ack>(text);
                message.to_owned()
            }
            other => panic!("no such message: {other}"),
        });
    }
    let expected = [
        "ack",
        "order with fields",
        "order without fields",
        "presence Offline",
        "presence Online",
        "report inventory",
        "report order_result",
        "telemetry",
    ];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert_eq!(
        page.matches("```json").count(),
        marked(&page, "example").len(),
        "a json block without a marker"
    );
}

#[test]
fn every_field_table_names_the_fields_of_the_schema() {
    let page = page();
    let mut described = BTreeSet::new();
    for (what, after) in marked(&page, "fields") {
        described.insert(what);
        let (message, part) = what.split_once(' ').unwrap_or((what, ""));
        let (_, schema) = schema::all()
            .into_iter()
            .find(|(name, _)| *name == message)
            .unwrap();
        let pointer = if part.is_empty() {
            String::new()
        } else {
            format!("/$defs/{part}")
        };
        let object = schema.as_value().pointer(&pointer).unwrap();
        let required: BTreeSet<&str> = object["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field.as_str().unwrap())
            .collect();
        let in_schema: BTreeSet<(String, bool)> = object["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(|field| (field.clone(), required.contains(field.as_str())))
            .collect();
        let on_page: BTreeSet<(String, bool)> = table(after)
            .into_iter()
            .map(|row| {
                let needed = match row[2] {
                    "yes" => true,
                    "no" => false,
                    other => panic!("{what}: required is yes or no, not `{other}`"),
                };
                (row[0].trim_matches('`').to_owned(), needed)
            })
            .collect();
        assert_eq!(on_page, in_schema, "the fields of {what}");
    }
    let expected = BTreeSet::from([
        "presence",
        "telemetry",
        "report",
        "report InventoryReport",
        "report OrderResult",
        "order",
        "ack",
    ]);
    assert_eq!(described, expected);
}

/// What a type cell promises: values that must be read, and values that must not.
fn limits(cell: &str) -> Option<([Value; 2], [Value; 2])> {
    if let Some((least, most)) = cell
        .strip_prefix("number, ")
        .and_then(|range| range.split_once(" to "))
    {
        let (least, most): (f64, f64) = (least.parse().unwrap(), most.parse().unwrap());
        return Some((
            [least.into(), most.into()],
            [(least - 0.1).into(), (most + 0.1).into()],
        ));
    }
    let most: usize = cell.strip_prefix("text, up to ")?.parse().unwrap();
    Some((
        ["é".into(), "é".repeat(most).into()],
        ["".into(), "é".repeat(most + 1).into()],
    ))
}

#[test]
fn every_range_on_the_page_is_kept_by_the_code() {
    fn readable(message: &str, value: &Value) -> bool {
        let payload = serde_json::to_vec(value).unwrap();
        match message {
            "telemetry" => Telemetry::read(&payload).is_ok(),
            "report" => Report::read(&payload).is_ok(),
            other => panic!("{other} has a range that this test does not know"),
        }
    }
    let page = page();
    let examples = marked(&page, "example");
    let mut checked = 0;
    for (what, after) in marked(&page, "fields") {
        let message = what.split(' ').next().unwrap();
        for row in table(after) {
            let field = row[0].trim_matches('`');
            // Its length is bounded by the report's; what it says is judged by the inventory, not by the reader.
            let Some((good, bad)) = limits(row[1]).filter(|_| field != "udi") else {
                continue;
            };
            let mut base: Value = examples
                .iter()
                .filter(|(of, _)| *of == message)
                .map(|(_, after)| serde_json::from_str(example(after)).unwrap())
                .find(|example: &Value| {
                    example
                        .get(field)
                        .or_else(|| example["body"].get(field))
                        .is_some()
                        || field == "alarm"
                })
                .unwrap_or_else(|| panic!("no example shows {what} {field}"));
            let place = if what.contains(' ') { "/body" } else { "" };
            let mut set = |value: &Value| {
                base.pointer_mut(place).unwrap()[field] = value.clone();
                readable(message, &base)
            };
            for value in &good {
                assert!(set(value), "{what} {field}: {value} must be read");
            }
            for value in &bad {
                assert!(!set(value), "{what} {field}: {value} must be refused");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 11, "fields with a range on the page");
}

#[test]
fn every_word_of_the_schemas_is_explained() {
    fn words(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                for (key, inner) in object {
                    match (key.as_str(), inner) {
                        ("const", Value::String(word)) => {
                            found.insert(word.clone());
                        }
                        ("enum", Value::Array(list)) => {
                            found.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
                        }
                        _ => words(inner, found),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|inner| words(inner, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let page = page();
    let mut found = BTreeSet::new();
    for (_, schema) in schema::all() {
        words(schema.as_value(), &mut found);
    }
    assert!(found.contains("kvo") && found.contains("when_free"), "{found:?}");
    for word in found {
        assert!(page.contains(&format!("`{word}`")), "`{word}` is not on the page");
    }
}

#[test]
fn the_topic_table_is_the_codes() {
    let page = page();
    let heading = "| topic | who publishes | QoS | retained | largest payload, bytes |\n";
    let (_, after) = page.split_once(heading).unwrap();
    let on_page: Vec<String> = after
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(str::to_owned)
        .collect();
    let in_code: Vec<String> = Channel::ALL
        .into_iter()
        .map(|channel| {
            let (way, who) = match channel.direction() {
                Direction::Up => ("up", "pump"),
                Direction::Down => ("down", "gateway"),
            };
            format!(
                "| `{way}/{}` | {who} | 1 | {} | {} |",
                channel.as_str(),
                if channel.may_retain() { "may be" } else { "no" },
                channel.max_payload(),
            )
        })
        .collect();
    assert_eq!(on_page, in_code);
}

#[test]
fn paths_and_times_are_the_codes() {
    let page = page();
    let check = |text: String| assert!(page.contains(&text), "the page does not say `{text}`");
    let time = |what: &str, value: Duration| check(format!("| {what} | {} s |", value.as_secs()));
    time("longest first wait", reconnect::FIRST);
    time("longest wait", reconnect::LONGEST);
    time("keepalive", reconnect::KEEPALIVE);
    time("telemetry when nothing changes", reconnect::TELEMETRY_INTERVAL);
    check(format!("| largest EST request | {} bytes |", bulk::MAX_REQUEST));
    check(format!("Bodies are at most {} bytes.", bulk::MAX_REQUEST));
    check(format!("`GET {}`", bulk::CACERTS));
    check(format!("`GET {}`", bulk::CSRATTRS));
    check(format!("`POST {}`", bulk::SIMPLEENROLL));
    check(format!("`POST {}`", bulk::SIMPLEREENROLL));
    check(format!("`Content-Type: {}`", bulk::PKCS10));
    check(format!("`{}`", bulk::PKCS7));
}

#[test]
fn the_waiting_rule_is_the_codes() {
    // The formula of section 9, spelled out here a second time; the page is prose and can not be run.
    let formula = "wait = min(60 s, 1 s × 2^n) × (0.1 + 0.9 × r)";
    assert!(page().contains(formula));
    for attempt in [0, 1, 3, 6, 40] {
        for spread in [0.0, 0.25, 1.0] {
            let expected = 60.0_f64.min(2.0_f64.powi(attempt)) * (0.1 + 0.9 * spread);
            let got = reconnect::delay(attempt.unsigned_abs(), spread).as_secs_f64();
            assert!(
                (got - expected).abs() < 1e-6,
                "attempt {attempt}, spread {spread}: {got}"
            );
        }
    }
}
