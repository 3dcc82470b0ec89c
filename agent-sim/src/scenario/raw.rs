//! A script as it is written, before it is known to make sense.

use std::{ops::Range, time::Duration};

use chrono::TimeDelta;
use serde::Deserialize;
use toml::Spanned;
use wire::types::{MacAddress, Name};

use super::{Action, Event, Flood, ScenarioError, Selector};
use crate::{
    firmware::Fault,
    life::{Alarm, Intervention},
    span,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default)]
    event: Vec<RawEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    at: Spanned<String>,
    pump: Spanned<toml::Value>,
    #[serde(rename = "do")]
    action: Spanned<String>,
    #[serde(rename = "for")]
    lasting: Option<String>,
    rate: Option<f64>,
    volume: Option<f64>,
    kind: Option<String>,
    percent: Option<f64>,
    place: Option<String>,
    mac: Option<String>,
    by: Option<String>,
    count: Option<u32>,
    bytes: Option<u32>,
}

/// An action's word, what it needs, and what else it may have.
struct Grammar {
    word: &'static str,
    needs: &'static [&'static str],
    may_have: &'static [&'static str],
}

const fn grammar(
    word: &'static str,
    needs: &'static [&'static str],
    may_have: &'static [&'static str],
) -> Grammar {
    Grammar {
        word,
        needs,
        may_have,
    }
}

const ACTIONS: [Grammar; 17] = [
    grammar("drop_network", &["for"], &[]),
    grammar("start_infusion", &["rate", "volume"], &[]),
    grammar("stop_infusion", &[], &[]),
    grammar("alarm", &["kind"], &[]),
    grammar("battery", &["percent"], &[]),
    grammar("move", &["place"], &[]),
    grammar("change_mac", &[], &["mac"]),
    grammar("clone", &["for"], &[]),
    grammar("clock_step", &["by"], &[]),
    grammar("power_cycle", &[], &[]),
    grammar("malformed", &[], &[]),
    grammar("flood", &["count"], &["kind"]),
    grammar("fault", &["kind"], &["bytes"]),
    grammar("repair", &["kind"], &[]),
    grammar("sideload", &[], &[]),
    grammar("back_up", &[], &[]),
    grammar("restore", &[], &[]),
];

/// The words of all actions, for an error.
pub(super) fn known() -> String {
    ACTIONS.map(|action| action.word).join(", ")
}

pub(super) fn events(text: &str) -> Result<Vec<Event>, ScenarioError> {
    let line_of = |span: Range<usize>| 1 + text.bytes().take(span.start).filter(|b| *b == b'\n').count();
    let script: Script = toml::from_str(text).map_err(|error| ScenarioError::Malformed {
        line: error.span().map_or(1, line_of),
        problem: error.message().to_owned(),
    })?;
    script
        .event
        .into_iter()
        .map(|raw| {
            let at_line = line_of(raw.at.span());
            let pump_line = line_of(raw.pump.span());
            let action_line = line_of(raw.action.span());
            Ok(Event {
                line: pump_line,
                at: duration("at", raw.at.get_ref(), at_line)?,
                pump: selector(raw.pump.get_ref(), pump_line)?,
                action: action(&raw, action_line)?,
            })
        })
        .collect()
}

fn value(line: usize, field: &'static str, problem: impl Into<String>) -> ScenarioError {
    ScenarioError::Value {
        line,
        field,
        problem: problem.into(),
    }
}

fn duration(field: &'static str, text: &str, line: usize) -> Result<Duration, ScenarioError> {
    span::parse(text).map_err(|error| value(line, field, error.to_string()))
}

fn selector(given: &toml::Value, line: usize) -> Result<Selector, ScenarioError> {
    let text = match given {
        toml::Value::Integer(index) => index.to_string(),
        toml::Value::String(text) => text.trim().to_owned(),
        _ => return Err(value(line, "pump", "is neither a text nor a whole number")),
    };
    if text == "*" {
        return Ok(Selector::All);
    }
    if let Some(share) = text.strip_suffix('%') {
        return match share.trim().parse::<u8>() {
            Ok(percent @ 0..=100) => Ok(Selector::Percent(percent)),
            _ => Err(value(line, "pump", format!("is `{text}`; a share is 0% to 100%"))),
        };
    }
    Ok(text.parse().map_or(Selector::Serial(text), Selector::Index))
}

fn action(raw: &RawEvent, line: usize) -> Result<Action, ScenarioError> {
    let given = raw.action.get_ref();
    let grammar =
        ACTIONS
            .iter()
            .find(|known| known.word == given)
            .ok_or_else(|| ScenarioError::UnknownAction {
                line,
                given: given.chars().take(40).collect(),
            })?;
    for (field, present) in [
        ("for", raw.lasting.is_some()),
        ("rate", raw.rate.is_some()),
        ("volume", raw.volume.is_some()),
        ("kind", raw.kind.is_some()),
        ("percent", raw.percent.is_some()),
        ("place", raw.place.is_some()),
        ("mac", raw.mac.is_some()),
        ("by", raw.by.is_some()),
        ("count", raw.count.is_some()),
        ("bytes", raw.bytes.is_some()),
    ] {
        let action = grammar.word;
        if present && !grammar.needs.contains(&field) && !grammar.may_have.contains(&field) {
            return Err(ScenarioError::Superfluous { line, action, field });
        }
        if !present && grammar.needs.contains(&field) {
            return Err(ScenarioError::Missing { line, action, field });
        }
    }
    let number = |field, given: Option<f64>, most: f64| match given {
        Some(number) if (0.0..=most).contains(&number) => Ok(number),
        other => Err(value(
            line,
            field,
            format!("is {}; give 0 to {most}", other.unwrap_or_default()),
        )),
    };
    let lasting = || duration("for", raw.lasting.as_deref().unwrap_or_default(), line);
    Ok(match grammar.word {
        "drop_network" => Action::DropNetwork { lasting: lasting()? },
        "clone" => Action::Clone { lasting: lasting()? },
        "start_infusion" => Action::Life(Intervention::StartInfusion {
            rate: number("rate", raw.rate, 1200.0)?,
            volume: number("volume", raw.volume, 10_000.0)?,
        }),
        "stop_infusion" => Action::Life(Intervention::StopInfusion),
        "alarm" => Action::Life(Intervention::Alarm(alarm(
            raw.kind.as_deref().unwrap_or_default(),
            line,
        )?)),
        "battery" => Action::Life(Intervention::Battery {
            percent: number("percent", raw.percent, 100.0)?,
        }),
        "move" => Action::Life(Intervention::Move {
            place: Name::new(raw.place.as_deref().unwrap_or_default())
                .map_err(|error| value(line, "place", error.to_string()))?,
        }),
        "change_mac" => Action::ChangeMac {
            mac: raw
                .mac
                .as_deref()
                .map(str::parse::<MacAddress>)
                .transpose()
                .map_err(|error| value(line, "mac", error.to_string()))?,
        },
        "clock_step" => Action::ClockStep {
            by: step(raw.by.as_deref().unwrap_or_default(), line)?,
        },
        word @ ("fault" | "repair") => Action::Fault {
            fault: fault(raw.kind.as_deref().unwrap_or_default(), line)?,
            wrong: word == "fault",
            bytes: raw.bytes.map(u64::from),
        },
        "sideload" => Action::Sideload,
        "back_up" => Action::BackUp,
        "restore" => Action::Restore,
        "power_cycle" => Action::Life(Intervention::PowerCycle),
        "flood" => Action::Flood {
            what: match raw.kind.as_deref() {
                None | Some("telemetry") => Flood::Telemetry,
                Some("report") => Flood::Report,
                Some(other) => {
                    return Err(value(
                        line,
                        "kind",
                        format!("is `{other}`; known are telemetry, report"),
                    ));
                }
            },
            count: raw.count.unwrap_or_default(),
        },
        // The table has one more, and it needs nothing.
        _ => Action::Malformed,
    })
}

fn alarm(word: &str, line: usize) -> Result<Alarm, ScenarioError> {
    Alarm::ALL
        .into_iter()
        .find(|alarm| alarm.as_str() == word)
        .ok_or_else(|| {
            let known = Alarm::ALL.map(Alarm::as_str).join(", ");
            value(line, "kind", format!("is `{word}`; known are {known}"))
        })
}

fn fault(word: &str, line: usize) -> Result<Fault, ScenarioError> {
    Fault::from_word(word).ok_or_else(|| {
        let known: Vec<_> = Fault::ALL.iter().map(|fault| fault.as_str()).collect();
        value(
            line,
            "kind",
            format!("is `{word}`; known are {}", known.join(", ")),
        )
    })
}

/// A span with a sign: `-1h`, `+30s`.
fn step(text: &str, line: usize) -> Result<TimeDelta, ScenarioError> {
    let (back, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let by = TimeDelta::from_std(duration("by", text, line)?).unwrap_or_default();
    Ok(if back { -by } else { by })
}
