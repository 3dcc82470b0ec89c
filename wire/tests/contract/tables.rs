//! The tables of fields, words, topics, paths and times.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use wire::{
    bulk,
    envelope::{self, Document},
    message::{Refusal, UpdateStage},
    proof::Proof,
    reconnect,
    retest::Retest,
    schema,
    ticket::Ticket,
    topic::{Channel, Direction},
};

use crate::{marked, page, table};

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
        "report UpdateReport",
        "order",
        "ack",
        "ticket",
        "proof",
        "retest",
    ]);
    assert_eq!(described, expected);
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
fn every_stage_and_every_refusal_has_its_row() {
    fn check(of: &str, words: &[&str]) {
        let page = page();
        let (_, after) = marked(&page, "words")
            .into_iter()
            .find(|(what, _)| *what == of)
            .unwrap();
        let rows: Vec<_> = table(after)
            .into_iter()
            .map(|row| row[0].trim_matches('`').to_owned())
            .collect();
        assert_eq!(rows, words, "the words of {of}, in the order of the code");
    }
    let words = |list: &[Refusal]| list.iter().map(|word| word.as_str()).collect::<Vec<_>>();
    check("refusal", &words(Refusal::ALL));
    let words = |list: &[UpdateStage]| list.iter().map(|word| word.as_str()).collect::<Vec<_>>();
    check("stage", &words(UpdateStage::ALL));

    // Each refusal comes with a stage that there is.
    let page = page();
    let (_, after) = marked(&page, "words")[1];
    let with: BTreeSet<_> = table(after).into_iter().map(|row| row[1].to_owned()).collect();
    let expected = ["`download_failed`", "`refused`", "either"].map(str::to_owned);
    assert_eq!(with, BTreeSet::from(expected));
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
    check(format!("`GET {}`", bulk::TICKET_KEYS));
    let repository = bulk::repository(&"x".parse().unwrap()).replace("/x", "/<repository>");
    check(format!("`GET {repository}/metadata/<file>`"));
    check(format!("`GET {repository}/targets/<path>`"));
    check(format!("The largest envelope has {} bytes.", envelope::MAX));
    check(format!("| ticket | `{}` |", Ticket::CONTEXT));
    check(format!("| proof | `{}` |", Proof::CONTEXT));
    check(format!("| retest | `{}` |", Retest::CONTEXT));
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
