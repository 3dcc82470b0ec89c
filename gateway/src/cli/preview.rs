//! `gateway rollout preview`: who would get a release when, who would not, what bounds it, and when it could be through.

use std::collections::BTreeMap;

use fleet::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    args::PlanArgs,
    client::Call,
    error::Cause,
    output::Output,
    release,
    session::Session,
    spec,
    table::{Cell, Tone},
    time::Times,
};

/// What a rollout would come to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Preview {
    waves: Vec<Wave>,
    left_out: Vec<LeftOut>,
    in_no_wave: Vec<String>,
    ward_floors: Vec<Floor>,
}

/// A wave that would be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wave {
    name: String,
    pumps: Vec<Pump>,
    forecast: Forecast,
}

/// A pump that would get it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pump {
    serial: String,
    care_area: Option<String>,
    target: String,
}

/// When a wave could be through.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Forecast {
    optimistic: Course,
    likely: Course,
    unknown: u32,
    left_behind: Vec<LeftBehind>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Course {
    opens: Option<Timestamp>,
    settled: Option<Timestamp>,
    passes: Option<Timestamp>,
    hangs_on: Option<String>,
    never: Option<String>,
}

/// A pump that is likely left for the catch-up list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LeftBehind {
    serial: String,
    care_area: Option<String>,
    why: String,
}

/// A pump that would not get it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LeftOut {
    serial: String,
    care_area: Option<String>,
    reason: String,
    detail: String,
}

/// A ward floor.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Floor {
    care_area: String,
    model: String,
    keep: u32,
    in_service: u32,
    spare: u32,
    pumps: u32,
}

/// Asks for a preview and shows it.
///
/// # Errors
/// [`Cause`].
pub async fn run(session: &mut Session<'_>, plan: &PlanArgs, mut body: Value) -> Result<(), Cause> {
    let spec = spec::of_file(session, &plan.spec).await?;
    let release = release::named(session, &plan.release).await?;
    if let Some(body) = body.as_object_mut() {
        body.insert("release".to_owned(), json!(release.id));
        body.insert("spec".to_owned(), spec);
    }
    let call = Call::post(["rollouts", "preview"]).json(body);
    session
        .show(&call, |output, times, preview: &Preview| {
            tell(output, times, preview)
        })
        .await
}

fn tell(output: &mut Output, times: &Times, preview: &Preview) -> std::io::Result<()> {
    forecast(output, times, preview)?;
    let pumps: Vec<_> = numbered(preview)
        .flat_map(|(number, wave)| wave.pumps.iter().map(move |pump| (number, pump)))
        .map(|(number, pump)| {
            vec![
                Cell::from(number.to_string()),
                Cell::from(&pump.serial),
                pump.care_area.as_ref().into(),
                Cell::from(&pump.target),
            ]
        })
        .collect();
    table(output, &["WAVE", "SERIAL", "CARE AREA", "FILE"], pumps)?;
    let floors = preview.ward_floors.iter().map(|floor| {
        let counts = [floor.keep, floor.in_service, floor.pumps, floor.spare];
        let names = [Cell::from(&floor.care_area), Cell::from(&floor.model)];
        let counts = counts.map(|count| Cell::from(count.to_string()));
        names.into_iter().chain(counts).collect()
    });
    let columns = ["WARD FLOOR", "MODEL", "KEEP", "IN SERVICE", "OF THESE", "AT ONCE"];
    table(output, &columns, floors.collect())?;
    let left_out = preview.left_out.iter().map(|pump| {
        vec![
            Cell::from(&pump.serial),
            pump.care_area.as_ref().into(),
            Cell::from(&pump.detail),
        ]
    });
    table(output, &["LEFT OUT", "CARE AREA", "WHY"], left_out.collect())?;
    if !preview.left_out.is_empty() {
        output.line("")?;
        output.line(&format!("Left out: {}", by_reason(&preview.left_out)))?;
    }
    if !preview.in_no_wave.is_empty() {
        output.line("")?;
        output.line(&format!("In no wave: {}", preview.in_no_wave.join(", ")))?;
    }
    let taken: usize = preview.waves.iter().map(|wave| wave.pumps.len()).sum();
    let unknown: u32 = preview.waves.iter().map(|wave| wave.forecast.unknown).sum();
    output.note(&format!(
        "Pumps: {taken} in waves, {} left out, {} in no wave. Nothing was written.",
        preview.left_out.len(),
        preview.in_no_wave.len()
    ))?;
    if unknown > 0 {
        output.note(&format!(
            "Of {unknown} pumps it is not known yet when they are free; the forecast takes them for free."
        ))?;
    }
    output.note("The forecast is no promise; `--json` says what it takes for granted.")
}

fn numbered(preview: &Preview) -> impl Iterator<Item = (u32, &Wave)> {
    (1..).zip(&preview.waves)
}

fn forecast(output: &mut Output, times: &Times, preview: &Preview) -> std::io::Result<()> {
    let rows = numbered(preview).map(|(number, wave)| {
        let Forecast {
            optimistic, likely, ..
        } = &wave.forecast;
        let words = match (&likely.never, &likely.hangs_on) {
            (Some(never), _) => Cell::toned(never, Tone::Attention),
            (None, hangs_on) => hangs_on.as_ref().into(),
        };
        vec![
            Cell::from(number.to_string()),
            Cell::from(&wave.name),
            Cell::from(wave.pumps.len().to_string()),
            Cell::time(likely.opens, times),
            Cell::time(optimistic.settled, times),
            Cell::time(likely.settled, times),
            Cell::time(likely.passes, times),
            words,
        ]
    });
    let columns = [
        "WAVE",
        "NAME",
        "PUMPS",
        "OPENS",
        "DONE AT BEST",
        "DONE",
        "PASSES",
        "HANGS ON",
    ];
    output.table(&columns, rows.collect())?;
    let left_behind = numbered(preview).flat_map(|(number, wave)| {
        wave.forecast.left_behind.iter().map(move |pump| {
            vec![
                Cell::from(number.to_string()),
                Cell::from(&pump.serial),
                pump.care_area.as_ref().into(),
                Cell::toned(&pump.why, Tone::Attention),
            ]
        })
    });
    let columns = ["WAVE", "LIKELY LEFT BEHIND", "CARE AREA", "WHY"];
    table(output, &columns, left_behind.collect())
}

/// A table that has something in it, a line below what was before.
fn table(output: &mut Output, columns: &[&str], rows: Vec<Vec<Cell>>) -> std::io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    output.line("")?;
    output.table(columns, rows)
}

/// How many are left out for which reason: what a page of pumps comes to.
fn by_reason(left_out: &[LeftOut]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for pump in left_out {
        *counts.entry(&pump.reason).or_default() += 1;
    }
    let words: Vec<_> = counts
        .into_iter()
        .map(|(reason, count)| format!("{count} {}", reason.replace('_', " ")))
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{output::tests::captured, session::read};

    const TIMES: Times = Times {
        now: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        zone: chrono::FixedOffset::east_opt(0),
    };

    #[test]
    fn a_preview_tells_who_gets_it_when_and_who_does_not() {
        let preview: Preview = read(json!({
            "waves": [
                {
                    "name": "Canary",
                    "pumps": [{ "pump": "p", "serial": "SN-1", "care_area": "MICU", "target": "v/9.12.bin" }],
                    "forecast": {
                        "optimistic": { "opens": "2027-01-19T21:00:00Z", "settled": "2027-01-19T21:21:00Z",
                            "passes": "2027-01-20T21:21:00Z", "hangs_on": "when pump SN-1 is free", "never": null },
                        "likely": { "opens": "2027-01-19T21:00:00Z", "settled": "2027-01-21T22:21:00Z",
                            "passes": "2027-01-23T06:21:00Z", "hangs_on": "when pump SN-1 is free", "never": null },
                        "unknown": 1, "left_behind": []
                    }
                },
                {
                    "name": "Rest", "pumps": [],
                    "forecast": {
                        "optimistic": { "never": "wave 1 does not pass" }, "likely": { "never": "wave 1 does not pass" },
                        "unknown": 0,
                        "left_behind": [{ "pump": "r", "serial": "SN-5", "care_area": "ED",
                            "why": "in use in every window of the past 4 weeks" }]
                    }
                }
            ],
            "left_out": [{ "pump": "q", "serial": "SN-2", "care_area": null, "reason": "wrong_hardware",
                "detail": "wrong hardware: the release does not run on HW-A" }],
            "in_no_wave": ["SN-3", "SN-4"],
            "ward_floors": [{ "care_area": "MICU", "model": "Volumat 7", "keep": 6, "in_service": 7, "spare": 1, "pumps": 1 }],
            "assumes": ["…"]
        }))
        .unwrap();
        let (mut output, out, err) = captured(false);
        tell(&mut output, &TIMES, &preview).unwrap();
        // As it is read, whatever the width of the columns.
        let words = |text: String| -> Vec<String> {
            let lines = text
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            lines.collect()
        };
        let out = words(out.text());
        for line in [
            "WAVE NAME PUMPS OPENS DONE AT BEST DONE PASSES HANGS ON",
            "1 Canary 1 2027-01-19 21:00 2027-01-19 21:21 2027-01-21 22:21 2027-01-23 06:21 when pump SN-1 is free",
            "2 SN-5 ED in use in every window of the past 4 weeks",
            "1 SN-1 MICU v/9.12.bin",
            "MICU Volumat 7 6 7 1 1",
            "SN-2 wrong hardware: the release does not run on HW-A",
            "Left out: 1 wrong hardware",
            "In no wave: SN-3, SN-4",
        ] {
            assert!(out.iter().any(|said| said == line), "{line}: {out:#?}");
        }
        assert!(
            out.iter()
                .any(|said| said.starts_with("2 Rest 0") && said.ends_with("wave 1 does not pass"))
        );
        let err = words(err.text());
        assert_eq!(
            err[0],
            "Pumps: 1 in waves, 1 left out, 2 in no wave. Nothing was written."
        );
        assert!(err[1].starts_with("Of 1 pumps it is not known yet"), "{err:#?}");
    }
}
