//! `gateway hold …`, and finding the hold that a person means.

use fleet::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    args::{CheckArgs, HoldCommand, OwnerArgs},
    bench::entered,
    client::Call,
    error::{Attempt, Cause, CliError},
    output::Output,
    person,
    session::Session,
    table::{Cell, Row, Tone},
    time::Times,
};

/// Somebody.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Person {
    printed_name: String,
}

/// A hold on record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Hold {
    id: String,
    serial: String,
    asset_tag: Option<String>,
    care_area: Option<String>,
    kind: String,
    reason: String,
    set_by: Option<Person>,
    owner: Option<Person>,
    since: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    replaced_by: Option<String>,
}

impl Hold {
    fn pump(&self) -> &str {
        self.asset_tag.as_deref().unwrap_or(&self.serial)
    }

    /// The words say it; colour says it again.
    fn state(&self, times: &Times) -> Cell {
        match (self.ended_at, &self.replaced_by) {
            (None, _) => Cell::toned("stands", Tone::Alarm),
            (Some(at), Some(_)) => Cell::from(format!("replaced {}", times.show(at))),
            (Some(at), None) => Cell::toned(format!("released {}", times.show(at)), Tone::Good),
        }
    }
}

fn name(person: Option<&Person>) -> Cell {
    person.map(|person| person.printed_name.clone()).into()
}

impl Row for Hold {
    const NONE: &'static str = "no such holds";
    const COLUMNS: &'static [&'static str] = &[
        "PUMP",
        "CARE AREA",
        "KIND",
        "REASON",
        "SINCE",
        "STATE",
        "LOOKED AFTER BY",
        "ID",
    ];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::from(self.pump()),
            self.care_area.as_ref().into(),
            Cell::from(self.kind.replace('_', " ")),
            Cell::from(&self.reason),
            Cell::time(self.since, times),
            self.state(times),
            name(self.owner.as_ref()),
            Cell::from(&self.id),
        ]
    }
}

/// One check of a retest.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Check {
    id: String,
    prompt: String,
    conduct: Value,
    expect: Value,
    verdict: String,
    reason: Option<String>,
}

/// A retest.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Retest {
    attempt: i64,
    begun_at: Option<Timestamp>,
    due: Option<Timestamp>,
    outcome: String,
    outcome_label: String,
    checks: Vec<Check>,
}

/// A hold with everything about it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Whole {
    #[serde(flatten)]
    hold: Hold,
    retests: Vec<Retest>,
    waits_for: Vec<String>,
}

/// Does what was asked about holds.
///
/// # Errors
/// [`CliError`], with what was attempted on which hold.
pub async fn run(session: &mut Session<'_>, command: HoldCommand) -> Result<(), CliError> {
    match command {
        HoldCommand::List {
            all,
            pump,
            kind,
            page,
        } => {
            let call = Call::get(["holds"])
                .query_if("standing", (!all).then_some(true))
                .query_if("kind", kind.map(fleet::pump::HoldKind::as_str));
            let listed = async {
                let pump = match &pump {
                    Some(name) => Some(session.pump(name).await?.id),
                    None => None,
                };
                session.list::<Hold>(call.query_if("pump", pump), &page).await
            };
            listed.await.attempt("list holds")
        }
        HoldCommand::Show { hold } => show(session, &hold)
            .await
            .attempt(format!("show the hold of {hold}")),
        HoldCommand::Retest { hold } => retest(session, &hold)
            .await
            .attempt(format!("begin a retest of {hold}")),
        HoldCommand::Check(args) => check(session, &args).await.attempt(format!(
            "enter the check {} of the retest of {}",
            args.check, args.pump
        )),
        HoldCommand::Owner { hold, owner } => set_owner(session, &hold, &owner)
            .await
            .attempt(format!("say who looks after the hold of {hold}")),
        HoldCommand::EndSequester { hold, reason, yes } => {
            let ended = async {
                let question = format!("Is {hold} evidence no longer?");
                session.output.confirm(yes, &question)?;
                let id = id(session, &hold).await?;
                let call = Call::post(["holds", &id, "end-sequester"]).json(json!({ "reason": reason }));
                session
                    .act(
                        &call,
                        "No longer sequestered. It stays held until it was retested and signed for.",
                    )
                    .await
            };
            ended.await.attempt(format!("end the sequestration of {hold}"))
        }
    }
}

/// The hold that a person means: by its own id, else the one that stands on the pump of that name.
///
/// # Errors
/// [`Cause::NotFound`] where nothing holds the pump; [`Cause`] as the pump is looked for.
pub async fn id(session: &Session<'_>, name: &str) -> Result<String, Cause> {
    if let Ok(id) = Uuid::parse_str(name) {
        let id = id.to_string();
        match session.client.json(&Call::get(["holds", &id])).await {
            Ok(_) => return Ok(id),
            // A pump has an id as well.
            Err(Cause::Refused(problem)) if problem.code == "not_found" => {}
            Err(error) => return Err(error),
        }
    }
    let pump = session.pump(name).await?;
    let call = Call::get(["holds"])
        .query("pump", &pump.id)
        .query("standing", true);
    let mut found: Vec<Hold> = session.all_read(call).await?;
    found.pop().map(|hold| hold.id).ok_or_else(|| Cause::NotFound {
        what: "hold on",
        name: name.to_owned(),
    })
}

async fn show(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let id = id(session, name).await?;
    session.show(&Call::get(["holds", &id]), tell).await
}

fn tell(output: &mut Output, times: &Times, whole: &Whole) -> std::io::Result<()> {
    let hold = &whole.hold;
    let mut lines = vec![
        ("pump", Cell::from(hold.pump())),
        ("care area", hold.care_area.as_ref().into()),
        ("kind", Cell::from(hold.kind.replace('_', " "))),
        ("reason", Cell::from(&hold.reason)),
        ("since", Cell::time(hold.since, times)),
        ("state", hold.state(times)),
        (
            "set by",
            match &hold.set_by {
                Some(person) => Cell::from(&person.printed_name),
                None => Cell::from("the gateway, by a rule"),
            },
        ),
        ("looked after by", name(hold.owner.as_ref())),
    ];
    lines.extend(whole.waits_for.iter().map(|what| ("waits for", Cell::from(what))));
    lines.push(("id", Cell::from(&hold.id)));
    output.sheet(lines)?;
    for retest in &whole.retests {
        output.line("")?;
        let tone = match retest.outcome.as_str() {
            "passed" => Tone::Good,
            "awaiting" => Tone::Attention,
            _ => Tone::Alarm,
        };
        output.sheet([
            ("retest", Cell::from(retest.attempt.to_string())),
            ("outcome", Cell::toned(&retest.outcome_label, tone)),
            ("begun", Cell::time(retest.begun_at, times)),
            ("due", Cell::time(retest.due, times)),
        ])?;
        let rows = retest.checks.iter().map(cells);
        output.table(
            &["CHECK", "BY", "EXPECTED", "VERDICT", "WHY", "ASKS"],
            rows.collect(),
        )?;
    }
    Ok(())
}

fn cells(check: &Check) -> Vec<Cell> {
    let tone = match check.verdict.as_str() {
        "passed" => Tone::Good,
        "awaiting" => Tone::Attention,
        _ => Tone::Alarm,
    };
    let by = match check.conduct.get("by").and_then(Value::as_str) {
        Some("pump") => "the pump",
        _ => "a person",
    };
    vec![
        Cell::from(&check.id),
        Cell::from(by),
        Cell::from(expected(&check.expect)),
        Cell::toned(check.verdict.replace('_', " "), tone),
        check.reason.as_ref().into(),
        Cell::from(&check.prompt),
    ]
}

/// Limits as a person reads them.
fn expected(expect: &Value) -> String {
    match serde_json::from_value(expect.clone()) {
        Ok(fleet::check::Expectation::Quantity(limits)) => limits.to_string(),
        Ok(fleet::check::Expectation::Digest { .. }) => "the approved SHA-256".to_owned(),
        Ok(fleet::check::Expectation::Confirmation {}) => "yes".to_owned(),
        Err(_) => String::new(),
    }
}

async fn retest(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let id = id(session, name).await?;
    session
        .show(&Call::post(["holds", &id, "retests"]).json(json!({})), tell)
        .await
}

async fn check(session: &mut Session<'_>, args: &CheckArgs) -> Result<(), Cause> {
    let id = id(session, &args.pump).await?;
    let call = Call::post(["holds", &id, "checks"]).json(entered(args));
    let done = format!(
        "On record. What is still missing: gateway hold show {}",
        args.pump
    );
    session.act(&call, &done).await
}

async fn set_owner(session: &mut Session<'_>, name: &str, owner: &OwnerArgs) -> Result<(), Cause> {
    let id = id(session, name).await?;
    let owner = match &owner.to {
        Some(name) if Uuid::parse_str(name).is_ok() => json!(name),
        Some(name) => json!(person::id(session, name).await?),
        None if owner.me => {
            let me = session.client.json(&Call::get(["me"])).await?;
            me.get("account").cloned().unwrap_or_default()
        }
        None => Value::Null,
    };
    let call = Call::put(["holds", &id, "owner"]).json(json!({ "owner": owner }));
    session.act(&call, "On record.").await
}
