//! Rollouts, waves and their pumps as the gateway describes them, and how a person reads them.

use std::collections::BTreeMap;

use fleet::Timestamp;
use serde::Deserialize;

use super::{
    table::{Cell, Row, Tone},
    time::Times,
};

/// A rollout on record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Rollout {
    pub id: String,
    pub name: String,
    pub release: String,
    pub state: String,
    pub state_label: String,
    pub since: Option<Timestamp>,
    pub emergency: Option<String>,
    pub begins_at: Option<Timestamp>,
    pub why: Option<String>,
}

impl Rollout {
    /// Whether nothing more comes of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "completed" | "cancelled")
    }

    /// Whether a person means it by this.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.id == name || self.name.eq_ignore_ascii_case(name)
    }
}

/// Colour says it again: waiting for people, stopped, done.
fn tone(state: &str) -> Tone {
    match state {
        "halted" | "quarantined" | "unresponsive" | "rolled_back" => Tone::Alarm,
        "awaiting_approval" | "paused" | "briefing" | "awaiting_signoff" | "self_test" => Tone::Attention,
        "completed" | "passed" | "in_service" => Tone::Good,
        _ => Tone::Plain,
    }
}

impl Row for Rollout {
    const NONE: &'static str = "no rollouts";
    const COLUMNS: &'static [&'static str] = &["ROLLOUT", "STATE", "SINCE", "EMERGENCY", "WHY", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::from(&self.name),
            Cell::toned(&self.state_label, tone(&self.state)),
            Cell::time(self.since, times),
            self.emergency.as_ref().into(),
            self.why.as_ref().into(),
            Cell::from(&self.id),
        ]
    }
}

/// A rollout with everything in it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Whole {
    #[serde(flatten)]
    pub rollout: Rollout,
    pub waves: Vec<Wave>,
}

/// A wave with its pumps.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Wave {
    pub id: String,
    pub number: i64,
    pub name: String,
    pub state: String,
    pub state_label: String,
    pub since: Option<Timestamp>,
    counts: BTreeMap<String, u64>,
    pub assignments: Vec<Assignment>,
}

impl Row for Wave {
    const NONE: &'static str = "no waves";
    const COLUMNS: &'static [&'static str] = &["WAVE", "NAME", "STATE", "SINCE", "PUMPS", "OF THEM", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let counts = self.counts.iter();
        let words: Vec<_> = counts
            .map(|(state, count)| format!("{count} {}", state.replace('_', " ")))
            .collect();
        vec![
            Cell::from(self.number.to_string()),
            Cell::from(&self.name),
            Cell::toned(&self.state_label, tone(&self.state)),
            Cell::time(self.since, times),
            Cell::from(self.assignments.len().to_string()),
            Cell::from(words.join(", ")),
            Cell::from(&self.id),
        ]
    }
}

/// A pump in a wave.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Assignment {
    pub pump: String,
    pub serial: String,
    pub care_area: Option<String>,
    pub state: String,
    pub state_label: String,
    pub since: Option<Timestamp>,
    pub target: String,
    pub left_behind: bool,
    pub last_heard: Option<Timestamp>,
    pub setback: Option<String>,
}

impl Assignment {
    /// Headings of [`Assignment::cells`].
    pub const COLUMNS: &'static [&'static str] = &[
        "WAVE",
        "SERIAL",
        "CARE AREA",
        "STATE",
        "SINCE",
        "LAST HEARD",
        "LAST SETBACK",
    ];

    /// A row in a table of the pumps of a rollout.
    #[must_use]
    pub fn cells(&self, wave: &Wave, times: &Times) -> Vec<Cell> {
        let state = if self.left_behind {
            Cell::toned("Left for the catch-up list", Tone::Attention)
        } else {
            Cell::toned(&self.state_label, tone(&self.state))
        };
        vec![
            Cell::from(wave.number.to_string()),
            Cell::from(&self.serial),
            self.care_area.as_ref().into(),
            state,
            Cell::time(self.since, times),
            Cell::time(self.last_heard, times),
            self.setback.as_ref().into(),
        ]
    }
}

/// Something that waits.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    pub wave: Option<String>,
    pub pump: Option<String>,
    pub what: String,
}
