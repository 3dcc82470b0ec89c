//! `gateway rollout …`: previewed, written, moved, and what each pump waits for.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    args::{ActArgs, PlanArgs, RolloutCommand},
    client::Call,
    error::{Attempt, Cause, CliError},
    preview,
    pump::rfc3339,
    release,
    rollout_rows::{Assignment, Rollout, Waiting, Wave, Whole},
    session::{PumpRef, Session, given, read},
    spec,
    table::{Cell, Row},
    time::Times,
};

/// Does what was asked about rollouts.
///
/// # Errors
/// [`CliError`], with what was attempted on which rollout.
pub async fn run(session: &mut Session<'_>, command: RolloutCommand) -> Result<(), CliError> {
    match command {
        RolloutCommand::Preview {
            plan,
            emergency,
            begins_at,
        } => {
            let more = given([
                ("emergency", emergency.then_some(json!(true))),
                ("begins_at", begins_at.map(|at| json!(rfc3339(at.0)))),
            ]);
            preview::run(session, &plan, more)
                .await
                .attempt(format!("preview a rollout of {}", plan.release))
        }
        RolloutCommand::Create {
            name,
            plan,
            emergency,
            begins_at,
        } => {
            let more = given([
                ("name", Some(json!(name))),
                ("emergency", emergency.map(|reason| json!(reason))),
                ("begins_at", begins_at.map(|at| json!(rfc3339(at.0)))),
            ]);
            create(session, &plan, more)
                .await
                .attempt(format!("write the rollout {name}"))
        }
        RolloutCommand::List => session
            .list_whole::<Rollout>(Call::get(["rollouts"]))
            .await
            .attempt("list rollouts"),
        RolloutCommand::Show {
            rollout,
            pumps,
            catch_up,
        } => {
            let which = |assignment: &Assignment| pumps || (catch_up && assignment.left_behind);
            let listed = pumps || catch_up;
            show(session, &rollout, listed, which)
                .await
                .attempt(format!("show the rollout {rollout}"))
        }
        RolloutCommand::Why { pump } => why(session, &pump)
            .await
            .attempt(format!("say what pump {pump} waits for")),
        RolloutCommand::Waiting { rollout } => waiting(session, &rollout)
            .await
            .attempt(format!("list what waits in the rollout {rollout}")),
        RolloutCommand::Submit { rollout } => act(session, &rollout, "submit", None)
            .await
            .attempt(format!("submit the rollout {rollout}")),
        RolloutCommand::SendBack(args) => because(session, &args, "send_back", "take back").await,
        RolloutCommand::Pause(args) => because(session, &args, "pause", "pause").await,
        RolloutCommand::Resume(args) => because(session, &args, "resume", "resume").await,
        RolloutCommand::Halt(args) => because(session, &args, "halt", "halt").await,
        RolloutCommand::Cancel { act, yes } => {
            let question = format!("Give up the rollout {} for good?", act.rollout);
            session
                .output
                .confirm(yes, &question)
                .attempt(format!("cancel the rollout {}", act.rollout))?;
            because(session, &act, "cancel", "cancel").await
        }
    }
}

/// The rollout that a person named.
///
/// # Errors
/// [`Cause::NotFound`], or [`Cause::Ambiguous`]: names may be used again.
pub async fn named(session: &Session<'_>, name: &str) -> Result<Rollout, Cause> {
    let mut found: Vec<Rollout> = session.all_read(Call::get(["rollouts"])).await?;
    found.retain(|rollout| rollout.is_called(name));
    session.only(name, "rollout", found)
}

/// A rollout with everything in it.
///
/// # Errors
/// [`Cause`], as [`super::client::Client::json`] says.
pub async fn whole(session: &Session<'_>, id: &str) -> Result<Whole, Cause> {
    session.fetch(&Call::get(["rollouts", id])).await
}

async fn create(session: &mut Session<'_>, plan: &PlanArgs, mut body: Value) -> Result<(), Cause> {
    let spec = spec::of_file(session, &plan.spec).await?;
    let release = release::named(session, &plan.release).await?;
    if let Some(body) = body.as_object_mut() {
        body.insert("release".to_owned(), json!(release.id));
        body.insert("spec".to_owned(), spec);
    }
    session
        .show(
            &Call::post(["rollouts"]).json(body),
            |output, times, rollout: &Rollout| {
                output.sheet(lines(rollout, times))?;
                output.note("It is a draft: look at it with `gateway rollout show`, then `gateway rollout submit` it.")
            },
        )
        .await
}

fn lines(rollout: &Rollout, times: &Times) -> [(&'static str, Cell); 7] {
    let state = rollout.cells(times).into_iter().nth(1);
    [
        ("rollout", Cell::from(&rollout.name)),
        ("state", state.unwrap_or_default()),
        ("since", Cell::time(rollout.since, times)),
        ("why", rollout.why.as_ref().into()),
        ("emergency", rollout.emergency.as_ref().into()),
        ("begins", rollout.begins_at.map(|at| times.exact(at)).into()),
        ("id", Cell::from(&rollout.id)),
    ]
}

async fn show(
    session: &mut Session<'_>,
    name: &str,
    listed: bool,
    which: impl Fn(&Assignment) -> bool,
) -> Result<(), Cause> {
    let rollout = named(session, name).await?;
    let call = Call::get(["rollouts", &rollout.id]);
    session
        .show(&call, |output, times, whole: &Whole| {
            output.sheet(lines(&whole.rollout, times))?;
            output.line("")?;
            let waves = whole.waves.iter().map(|wave| wave.cells(times));
            output.table(Wave::COLUMNS, waves.collect())?;
            if !listed {
                return Ok(());
            }
            let pumps: Vec<_> = whole
                .waves
                .iter()
                .flat_map(|wave| wave.assignments.iter().map(move |pump| (wave, pump)))
                .filter(|(_, pump)| which(pump))
                .map(|(wave, pump)| pump.cells(wave, times))
                .collect();
            if pumps.is_empty() {
                return output.note("There are no such pumps.");
            }
            output.line("")?;
            output.table(Assignment::COLUMNS, pumps)
        })
        .await
}

async fn because(
    session: &mut Session<'_>,
    args: &ActArgs,
    word: &'static str,
    verb: &str,
) -> Result<(), CliError> {
    act(session, &args.rollout, word, Some(args.reason.as_str()))
        .await
        .attempt(format!("{verb} the rollout {}", args.rollout))
}

async fn act(
    session: &mut Session<'_>,
    name: &str,
    word: &'static str,
    reason: Option<&str>,
) -> Result<(), Cause> {
    let rollout = named(session, name).await?;
    let body = given([
        ("act", Some(json!(word))),
        ("reason", reason.map(|reason| json!(reason))),
    ]);
    let call = Call::post(["rollouts", &rollout.id, "acts"]).json(body);
    session
        .show(&call, |output, _, rollout: &Rollout| {
            output.line(&format!("{}: {}.", rollout.name, rollout.state_label))
        })
        .await
}

#[derive(Deserialize)]
struct Waits {
    items: Vec<Waiting>,
}

async fn waits(session: &Session<'_>, rollout: &str) -> Result<Vec<Waiting>, Cause> {
    let document = session
        .client
        .json(&Call::get(["rollouts", rollout, "waiting"]))
        .await?;
    read::<Waits>(document).map(|waits| waits.items)
}

async fn waiting(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let rollout = named(session, name).await?;
    if session.output.json {
        let call = Call::get(["rollouts", &rollout.id, "waiting"]);
        let document = session.client.json(&call).await?;
        return Ok(session.output.document(&document)?);
    }
    let waits = waits(session, &rollout.id).await?;
    if waits.is_empty() {
        return Ok(session.output.note("Nothing in it waits.")?);
    }
    let whole = whole(session, &rollout.id).await?;
    let waves: HashMap<_, _> = whole
        .waves
        .iter()
        .map(|wave| (wave.id.as_str(), format!("wave {}, {}", wave.number, wave.name)))
        .collect();
    let pumps: HashMap<_, _> = whole
        .waves
        .iter()
        .flat_map(|wave| &wave.assignments)
        .map(|pump| (pump.pump.as_str(), pump))
        .collect();
    let rows = waits.iter().map(|waiting| {
        let (who, area) = match (&waiting.wave, &waiting.pump) {
            (_, Some(id)) => match pumps.get(id.as_str()) {
                Some(pump) => (format!("pump {}", pump.serial), pump.care_area.as_ref()),
                None => (format!("pump {id}"), None),
            },
            (Some(id), None) => {
                let known = waves.get(id.as_str()).cloned();
                (known.unwrap_or_else(|| format!("wave {id}")), None)
            }
            (None, None) => ("the rollout".to_owned(), None),
        };
        vec![Cell::from(who), area.into(), Cell::from(&waiting.what)]
    });
    let rows = rows.collect();
    Ok(session.output.table(&["WHO", "CARE AREA", "WAITS FOR"], rows)?)
}

/// A rollout that has a pump.
struct Place {
    rollout: Rollout,
    wave: Wave,
    assignment: Assignment,
}

/// Where a pump is in a rollout, if it is.
async fn place(session: &Session<'_>, rollout: &Rollout, pump: &PumpRef) -> Result<Option<Place>, Cause> {
    let whole = whole(session, &rollout.id).await?;
    let found = whole.waves.into_iter().find_map(|wave| {
        let assignment = wave
            .assignments
            .iter()
            .find(|assignment| assignment.pump == pump.id)?
            .clone();
        Some((wave, assignment))
    });
    Ok(found.map(|(wave, assignment)| Place {
        rollout: whole.rollout,
        wave,
        assignment,
    }))
}

/// Every rollout under way that has the pump; where there is none, the last that had it.
async fn places(session: &Session<'_>, pump: &PumpRef) -> Result<Vec<Place>, Cause> {
    let rollouts: Vec<Rollout> = session.all_read(Call::get(["rollouts"])).await?;
    let (over, at_work): (Vec<_>, Vec<_>) = rollouts.into_iter().partition(Rollout::is_over);
    let mut found = Vec::new();
    for rollout in &at_work {
        found.extend(place(session, rollout, pump).await?);
    }
    for rollout in &over {
        if !found.is_empty() {
            break;
        }
        found.extend(place(session, rollout, pump).await?);
    }
    Ok(found)
}

/// Everything that a pump waits for in one rollout.
#[derive(Default)]
struct Why {
    rollout: Vec<String>,
    wave: Vec<String>,
    pump: Vec<String>,
}

impl Why {
    fn of(waits: Vec<Waiting>, place: &Place) -> Self {
        let mut why = Self::default();
        for waiting in waits {
            match (waiting.wave, waiting.pump) {
                (None, None) => why.rollout.push(waiting.what),
                (Some(wave), None) if wave == place.wave.id => why.wave.push(waiting.what),
                (_, Some(pump)) if pump == place.assignment.pump => why.pump.push(waiting.what),
                (Some(_), None) | (_, Some(_)) => {}
            }
        }
        why
    }

    fn document(&self, place: &Place) -> Value {
        json!({
            "rollout": { "id": place.rollout.id, "name": place.rollout.name, "state": place.rollout.state, "waits_for": self.rollout },
            "wave": { "id": place.wave.id, "number": place.wave.number, "name": place.wave.name, "state": place.wave.state, "waits_for": self.wave },
            "pump": { "id": place.assignment.pump, "serial": place.assignment.serial, "state": place.assignment.state, "waits_for": self.pump },
        })
    }

    fn lines(&self, place: &Place, times: &Times) -> Vec<(&'static str, Cell)> {
        let state = |label: &str, since: Option<_>| match since {
            Some(since) => format!("{label}, since {}", times.exact(since)),
            None => label.to_owned(),
        };
        let Place {
            rollout,
            wave,
            assignment,
        } = place;
        let mut lines = vec![(
            "rollout",
            Cell::from(format!(
                "{}: {}",
                rollout.name,
                state(&rollout.state_label, rollout.since)
            )),
        )];
        let all =
            |what: &[String]| -> Vec<_> { what.iter().map(|what| ("waits for", Cell::from(what))).collect() };
        lines.extend(all(&self.rollout));
        lines.push((
            "wave",
            Cell::from(format!(
                "{}, {}: {}",
                wave.number,
                wave.name,
                state(&wave.state_label, wave.since)
            )),
        ));
        lines.extend(all(&self.wave));
        let own = if assignment.left_behind {
            "Left for the catch-up list"
        } else {
            &assignment.state_label
        };
        lines.push(("pump", Cell::from(state(own, assignment.since))));
        lines.push(("last setback", assignment.setback.as_ref().into()));
        lines.extend(all(&self.pump));
        if self.rollout.is_empty() && self.wave.is_empty() && self.pump.is_empty() {
            lines.push(("waits for", Cell::from("nothing")));
        }
        lines
    }
}

async fn why(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let pump = session.pump(name).await?;
    let mut all = Vec::new();
    for place in places(session, &pump).await? {
        let why = Why::of(waits(session, &place.rollout.id).await?, &place);
        all.push((place, why));
    }
    if session.output.json {
        let documents = all.iter().map(|(place, why)| why.document(place)).collect();
        return Ok(session.output.document(&Value::Array(documents))?);
    }
    if all.is_empty() {
        let words = format!("No rollout has pump {}, and none ever had.", pump.name());
        return Ok(session.output.note(&words)?);
    }
    for (number, (place, why)) in all.iter().enumerate() {
        if number > 0 {
            session.output.line("")?;
        }
        let lines = why.lines(place, &session.times);
        session.output.sheet(lines)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
