//! An entry as a person reads it: one line, with what changed.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use fleet::audit::{Action, Actor, Entry};
use serde_json::Value;

/// One line: when, who, from where, what, to what, what changed, why.
#[must_use]
pub fn line(entry: &Entry, zone: Tz) -> String {
    let at = entry.at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z");
    let who = who(&entry.actor);
    let mut from = Vec::new();
    if let Some(device) = &entry.origin.device {
        from.push(device.name.to_string());
    }
    if let Some(address) = entry.origin.address {
        from.push(address.to_string());
    }
    let from = if from.is_empty() {
        String::new()
    } else {
        format!(" ({})", from.join(", "))
    };
    let what =
        Action::from_word(&entry.action).map_or_else(|| entry.action.to_string(), |a| a.label().to_owned());
    let mut line = format!(
        "{}  {at}  {who}{from} {what}: {} {}",
        entry.number, entry.subject.kind, entry.subject.id
    );
    let changes = changes(entry.before.as_ref(), entry.after.as_ref());
    if !changes.is_empty() {
        line.push_str("; ");
        line.push_str(&changes.join(", "));
    }
    if let Some(reason) = &entry.reason {
        line.push_str("; because: ");
        line.push_str(reason.as_str());
    }
    line.chars().map(printable).collect()
}

/// What is hostile to a terminal is shown as what it is not.
fn printable(c: char) -> char {
    if c.is_control()
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    {
        '\u{FFFD}'
    } else {
        c
    }
}

/// Who, by the name of the time.
#[must_use]
pub fn who(actor: &Actor) -> String {
    match actor {
        Actor::Person { name, .. } => name.to_string(),
        Actor::Program { name, .. } => format!("program “{name}”"),
        Actor::Pump { pump } => format!("pump {pump}"),
        Actor::Gateway => "the gateway".to_owned(),
        Actor::Unknown => "somebody unknown".to_owned(),
    }
}

/// `member before → after` for each member that differs; whole values where they are not objects.
fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    match (before, after) {
        (None, None) => Vec::new(),
        (None, Some(Value::Object(after))) => after
            .iter()
            .map(|(name, value)| format!("{name} {}", short(value)))
            .collect(),
        (Some(Value::Object(before)), None) => before
            .iter()
            .map(|(name, value)| format!("{name} was {}", short(value)))
            .collect(),
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
            let of = |values: &serde_json::Map<String, Value>, name: &String| {
                values.get(name).map_or_else(|| "–".to_owned(), short)
            };
            names
                .into_iter()
                .filter(|name| before.get(*name) != after.get(*name))
                .map(|name| format!("{name} {} → {}", of(before, name), of(after, name)))
                .collect()
        }
        (None, Some(after)) => vec![short(after)],
        (Some(before), None) => vec![format!("was {}", short(before))],
        (Some(before), Some(after)) => vec![format!("{} → {}", short(before), short(after))],
    }
}

/// A value, cut where it is longer than anybody reads in a line; the export has all of it.
fn short(value: &Value) -> String {
    const MOST: usize = 120;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() > MOST {
        let mut cut: String = text.chars().take(MOST).collect();
        cut.push('…');
        cut
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use fleet::{
        audit::{Origin, Subject, Word},
        id::AccountId,
        text::{Name, Reason},
    };
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn entry(before: Option<Value>, after: Option<Value>) -> Entry {
        Entry {
            number: 17,
            at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            actor: Actor::Person {
                account: AccountId::from_uuid(Uuid::from_u128(1)),
                name: Name::new("Ana O'Brien").unwrap(),
            },
            origin: Origin {
                address: Some([10, 0, 0, 7].into()),
                device: None,
            },
            action: Word::literal("pump_held"),
            subject: Subject {
                kind: Word::literal("pump"),
                id: "SN-1".to_owned(),
            },
            before,
            after,
            reason: Some(Reason::new("door latch loose").unwrap()),
        }
    }

    #[test]
    fn a_line_says_what_changed_and_why() {
        let check = |before: Value, after: Value, expected: &str| {
            let some = |value: Value| (!value.is_null()).then_some(value);
            let line = line(&entry(some(before), some(after)), Tz::Europe__Berlin);
            assert_eq!(
                line,
                format!(
                    "17  2027-01-15 09:00:00 CET  Ana O'Brien (10.0.0.7) held a pump: pump SN-1{expected}; because: door latch loose"
                )
            );
        };
        check(json!(null), json!(null), "");
        check(
            json!({"hold": null, "place": "MICU"}),
            json!({"hold": "clinical", "place": "MICU"}),
            "; hold – → clinical",
        );
        check(json!(null), json!({"hold": "clinical"}), "; hold clinical");
        check(json!({"hold": "clinical"}), json!(null), "; hold was clinical");
        check(json!(1), json!("\u{1b}[31m"), "; 1 → \u{fffd}[31m");
        check(
            json!(null),
            json!("x".repeat(500)),
            &format!("; {}…", "x".repeat(120)),
        );
    }
}
