//! The ranges in the tables of fields.

use serde_json::Value;
use wire::{
    message::{Message, Report, Telemetry},
    proof::Proof,
    retest::Retest,
    ticket::Ticket,
};

use crate::{example, marked, page, table};

/// What a type cell promises: values that must be read, and values that must not. A list repeats the item that the
/// example has.
fn limits(cell: &str, shown: &Value) -> Option<(Vec<Value>, Vec<Value>)> {
    if let Some((least, most)) = cell
        .strip_prefix("number, ")
        .and_then(|range| range.split_once(" to "))
    {
        let (least, most): (f64, f64) = (least.parse().unwrap(), most.parse().unwrap());
        return Some((
            vec![least.into(), most.into()],
            vec![(least - 0.1).into(), (most + 0.1).into()],
        ));
    }
    if let Some((least, most)) = cell
        .strip_prefix("integer, ")
        .and_then(|range| range.split_once(" to "))
    {
        let (least, most): (i64, i64) = (least.parse().unwrap(), most.parse().unwrap());
        return Some((
            vec![least.into(), most.into()],
            vec![(least - 1).into(), (most + 1).into(), 0.5.into()],
        ));
    }
    if cell.starts_with("list of ") {
        let (_, most) = cell.split_once(", up to ")?;
        let most: usize = most.parse().unwrap();
        let list = |length| vec![shown[0].clone(); length].into();
        return Some((vec![list(0), list(most)], vec![list(most + 1)]));
    }
    let most: usize = cell.strip_prefix("text, up to ")?.parse().unwrap();
    Some((
        vec!["é".into(), "é".repeat(most).into()],
        vec!["".into(), "é".repeat(most + 1).into()],
    ))
}

fn readable(message: &str, value: &Value) -> bool {
    let payload = serde_json::to_vec(value).unwrap();
    match message {
        "telemetry" => Telemetry::read(&payload).is_ok(),
        "report" => Report::read(&payload).is_ok(),
        "ticket" => serde_json::from_slice::<Ticket>(&payload).is_ok(),
        "proof" => serde_json::from_slice::<Proof>(&payload).is_ok(),
        "retest" => serde_json::from_slice::<Retest>(&payload).is_ok(),
        other => panic!("{other} has a range that this test does not know"),
    }
}

#[test]
fn every_range_on_the_page_is_kept_by_the_code() {
    let page = page();
    let examples = marked(&page, "example");
    let mut checked = 0;
    for (what, after) in marked(&page, "fields") {
        let message = what.split(' ').next().unwrap();
        let place = if what.contains(' ') { "/body" } else { "" };
        let rows = table(after);
        // The first example that has all that is required.
        let base: Value = examples
            .iter()
            .filter(|(of, _)| *of == message)
            .map(|(_, after)| serde_json::from_str(example(after)).unwrap())
            .find(|example: &Value| {
                let object = example.pointer(place).unwrap();
                rows.iter()
                    .filter(|row| row[2] == "yes")
                    .all(|row| object.get(row[0].trim_matches('`')).is_some())
            })
            .unwrap_or_else(|| panic!("no example shows {what}"));
        for row in &rows {
            let field = row[0].trim_matches('`');
            // The UDI's length is bounded by the report's; what it says is judged by the inventory, not by the reader.
            let Some((good, bad)) =
                limits(row[1], &base.pointer(place).unwrap()[field]).filter(|_| field != "udi")
            else {
                continue;
            };
            let with = |value: &Value| {
                let mut changed = base.clone();
                changed.pointer_mut(place).unwrap()[field] = value.clone();
                readable(message, &changed)
            };
            for value in &good {
                assert!(with(value), "{what} {field}: {value} must be read");
            }
            for value in &bad {
                assert!(!with(value), "{what} {field}: {value} must be refused");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 26, "fields with a range on the page");
}
