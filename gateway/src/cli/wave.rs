//! `gateway wave …`, and finding the wave that a person means.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    args::WaveCommand,
    client::Call,
    error::{Attempt, Cause, CliError},
    places, rollout,
    rollout_rows::{Rollout, Wave},
    session::{Session, read},
    table::{Cell, Row},
    time::Times,
};

/// Does what was asked about waves.
///
/// # Errors
/// [`CliError`], with what was attempted on which wave.
pub async fn run(session: &mut Session<'_>, command: WaveCommand) -> Result<(), CliError> {
    match command {
        WaveCommand::Brief { wave, care_area, yes } => brief(session, &wave, &care_area, yes)
            .await
            .attempt(format!("read the briefing of {wave}")),
        WaveCommand::RollBack { wave, reason, yes } => roll_back(session, &wave, reason.as_str(), yes)
            .await
            .attempt(format!("ask for the old version of {wave}")),
    }
}

/// A wave, with the rollout it is in.
#[derive(Debug, Default, Deserialize)]
struct Found {
    rollout: String,
    wave: Wave,
}

impl Row for Found {
    const NONE: &'static str = "no waves";
    const COLUMNS: &'static [&'static str] = &["ROLLOUT", "WAVE", "NAME", "STATE", "ID"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        vec![
            Cell::from(&self.rollout),
            Cell::from(self.wave.number.to_string()),
            Cell::from(&self.wave.name),
            Cell::from(&self.wave.state_label),
            Cell::from(&self.wave.id),
        ]
    }
}

/// Whether a rollout and one of its waves are what a person means: `rollout/number`, `rollout/name`, or a name alone.
fn is_called(rollout: &Rollout, wave: &Wave, name: &str) -> bool {
    let is_wave = |part: &str| wave.name.eq_ignore_ascii_case(part) || wave.number.to_string() == part;
    wave.name.eq_ignore_ascii_case(name)
        || name
            .rsplit_once('/')
            .is_some_and(|(left, right)| rollout.is_called(left) && is_wave(right))
}

/// The id of the wave that a person named. A name alone is looked for in the rollouts that are not over.
///
/// # Errors
/// [`Cause::NotFound`], or [`Cause::Ambiguous`].
pub async fn id(session: &Session<'_>, name: &str) -> Result<String, Cause> {
    if Uuid::parse_str(name).is_ok() {
        return Ok(name.to_owned());
    }
    let rollouts: Vec<Rollout> = session.all_read(Call::get(["rollouts"])).await?;
    let mut found = Vec::new();
    for rollout in rollouts.into_iter().filter(|rollout| !rollout.is_over()) {
        let whole = rollout::whole(session, &rollout.id).await?;
        let waves = whole.waves.into_iter();
        found.extend(
            waves
                .filter(|wave| is_called(&rollout, wave, name))
                .map(|wave| Found {
                    rollout: rollout.name.clone(),
                    wave,
                }),
        );
    }
    session
        .only(name, "wave of a rollout under way called", found)
        .map(|found| found.wave.id)
}

/// What a wave changes at the bedside.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Briefing {
    bedside: Vec<String>,
    pumps: Vec<String>,
}

async fn brief(session: &mut Session<'_>, name: &str, care_area: &str, yes: bool) -> Result<(), Cause> {
    let wave = id(session, name).await?;
    let area = places::care_area_id(session, care_area).await?;
    let subject =
        Call::get(["signatures", "subjects", "wave", &wave]).query("meaning", "briefing_acknowledged");
    let shown = session.client.json(&subject).await?;
    let title = shown
        .get("title")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let briefing: Briefing = read(shown.get("content").cloned().unwrap_or_default())?;
    if !session.output.json {
        let text = briefing.text(&title);
        for line in text.lines() {
            session.output.line(line)?;
        }
    }
    session.output.confirm(yes, "Did you read this?")?;
    let call = Call::post(["waves", &wave, "briefing"]).json(json!({"care_area": area}));
    session
        .act(&call, &format!("On record: you read it, for {care_area}."))
        .await
}

/// What a wish for the old version came to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Back {
    asked: u64,
    halted: bool,
}

async fn roll_back(session: &mut Session<'_>, name: &str, reason: &str, yes: bool) -> Result<(), Cause> {
    let wave = id(session, name).await?;
    let question =
        format!("Bring every updated pump of {name} back to its old version, and halt the rollout?");
    session.output.confirm(yes, &question)?;
    let call = Call::post(["waves", &wave, "roll-back"]).json(json!({"reason": reason}));
    session
        .show(&call, |output, _, back: &Back| {
            let pumps = if back.asked == 1 { "pump goes" } else { "pumps go" };
            let free = "back, each when it is free and where its security floor allows it";
            output.line(&format!("{} {pumps} {free}.", back.asked))?;
            if back.halted {
                output.note("The rollout is halted: nothing else of it begins until somebody resumes it.")?;
            }
            Ok(())
        })
        .await
}

impl Briefing {
    fn text(&self, title: &str) -> String {
        let mut text = format!(
            "{title}, {} pumps. What changes at the bedside:\n",
            self.pumps.len()
        );
        for line in &self.bedside {
            // Writing to a String does not fail.
            let _ = writeln!(text, "  - {line}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_known_by_its_rollout_and_number_or_by_its_name() {
        let rollout = Rollout {
            id: "r".to_owned(),
            name: "Volumat 9/12".to_owned(),
            ..Rollout::default()
        };
        let wave: Wave = read(json!({ "id": "w", "number": 2, "name": "ICUs" })).unwrap();
        for name in ["icus", "Volumat 9/12/2", "volumat 9/12/ICUs", "r/2"] {
            assert!(is_called(&rollout, &wave, name), "{name}");
        }
        for name in ["2", "Volumat 9/12", "Volumat 9/12/3", "other/2", "/2"] {
            assert!(!is_called(&rollout, &wave, name), "{name}");
        }
        let row = Found::default();
        let times = Times {
            now: chrono::DateTime::UNIX_EPOCH,
            zone: None,
        };
        assert_eq!(row.cells(&times).len(), Found::COLUMNS.len());
    }

    #[test]
    fn a_briefing_is_short_enough_to_be_read() {
        let briefing: Briefing = read(json!({
            "bedside": ["The screen looks the same.", "The pump restarts twice."], "pumps": ["SN-1", "SN-2"], "rollout": "x"
        }))
        .unwrap();
        let text = briefing.text("Volumat 9.12, wave 2");
        assert_eq!(
            text,
            "Volumat 9.12, wave 2, 2 pumps. What changes at the bedside:\n  - The screen looks the same.\n  - The pump restarts twice.\n"
        );
    }
}
