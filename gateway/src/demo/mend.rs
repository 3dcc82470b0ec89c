//! The way out of a hold: the pump is mended, its checks are run again, and two people sign before it goes back to a patient.

use agent_sim::{firmware::Fault, fleet::Simulation, scenario::Action};
use serde_json::{Value, json};

use super::{
    desk::{number, text},
    narrator::Narrator,
    people::ToSign,
    stage::Stage,
    story::{Outcome, first_line, wait},
};
use crate::cli::client::Call;

/// Tells it of one pump, whose occlusion sensor was off.
pub(super) async fn tell(
    stage: &Stage,
    simulation: &Simulation,
    serial: &str,
    narrator: &mut Narrator,
) -> Outcome<()> {
    let biomed = &stage.people.biomed;
    narrator.step(&format!(
        "{serial} is mended, and comes back by a retest and two signatures"
    ))?;
    let pump = text(&biomed.pump(serial).await?, "id")?;
    let standing = || Call::get(["holds"]).query("pump", &pump).query("standing", true);
    let hold = biomed
        .list(standing())
        .await?
        .into_iter()
        .next()
        .unwrap_or_default();
    let id = text(&hold, "id")?;

    retest(stage, &pump, &id).await?;
    narrator.say(
        "Biomed has it tested as it is: the sensor still reads wrong, and the attempt stays on record.",
    )?;
    let early = ToSign {
        kind: "hold",
        id: &id,
        meaning: "released_from_hold_biomed",
        care_area: None,
    };
    if let Err(refusal) = stage.people.approver.sign(&early).await {
        narrator.say(&format!("Signing now: {}", first_line(&refusal.to_string())))?;
    }

    let repaired = Action::Fault {
        fault: Fault::OcclusionSensor,
        wrong: false,
        bytes: None,
    };
    simulation.act(serial, repaired).await;
    let tested = retest(stage, &pump, &id).await?;
    narrator.say(&format!(
        "The sensor is replaced; retest {}: {}.",
        number(&tested, "/retests/0/attempt"),
        text(
            tested.pointer("/retests/0").unwrap_or(&Value::Null),
            "outcome_label"
        )?
        .to_lowercase()
    ))?;
    let nurse = ToSign {
        meaning: "released_from_hold_nurse",
        ..early
    };
    for (signer, wanted) in [
        (&stage.people.approver, &early),
        (&stage.people.charge_nurse, &nurse),
    ] {
        let signed = signer.sign(wanted).await?;
        narrator.say(&format!(
            "{}: “{}”.",
            text(&signed, "printed_name")?,
            text(&signed, "label")?
        ))?;
    }
    wait(simulation, |view| {
        view.serial == serial && view.hold_in_force.is_none()
    })
    .await?;
    narrator.say("With the second signature the hold ends; the pump was told, and serves again.")?;
    Ok(())
}

/// Begins an attempt, and waits until the pump has reported it.
async fn retest(stage: &Stage, pump: &str, hold: &str) -> Outcome<Value> {
    let biomed = &stage.people.biomed;
    biomed
        .ask(Call::post(["holds", hold, "retests"]).json(json!({})))
        .await?;
    let reports = || Call::get(["pumps", pump, "events"]);
    let attempt = biomed.ask(Call::get(["holds", hold])).await?;
    let wanted = format!(
        "the pump reported its retest {}",
        number(&attempt, "/retests/0/attempt")
    );
    biomed
        .until_list("the pump reports its retest", reports, |events| {
            let is_it = |event: &Value| event.get("detail").and_then(Value::as_str) == Some(&wanted);
            events.iter().any(is_it)
        })
        .await?;
    Ok(biomed.ask(Call::get(["holds", hold])).await?)
}
