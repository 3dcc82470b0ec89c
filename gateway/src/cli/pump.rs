//! `gateway pump …`

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use fleet::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    args::{EditArgs, ImportArgs, PumpCommand, PumpFilter, PumpHold},
    bench,
    client::Call,
    error::{Attempt, Cause, CliError},
    model,
    output::Output,
    places,
    pump_rows::{OrderRow, PumpDetail, PumpRow, TelemetryRow},
    session::{PumpRef, Session, read},
    table::Cell,
    tag,
};

/// Does what was asked about pumps.
///
/// # Errors
/// [`CliError`], with what was attempted on which pump.
pub async fn run(session: &mut Session<'_>, command: PumpCommand) -> Result<(), CliError> {
    match command {
        PumpCommand::List { filter, page } => {
            let listed = match filtered(session, Call::get(["pumps"]), &filter).await {
                Ok(call) => session.list::<PumpRow>(call, &page).await,
                Err(cause) => Err(cause),
            };
            listed.attempt("list pumps")
        }
        PumpCommand::Show { pump } => show(session, &pump).await.attempt(format!("show pump {pump}")),
        PumpCommand::Import(args) => {
            let what = format!("import {}", args.file.display());
            import(session, &args).await.attempt(what)
        }
        PumpCommand::Export { filter, output } => export(session, &filter, output.as_deref())
            .await
            .attempt("export pumps"),
        PumpCommand::Edit(args) => edit(session, &args)
            .await
            .attempt(format!("edit pump {}", args.pump)),
        PumpCommand::Tag(args) => tag::change(session, &args)
            .await
            .attempt(format!("tag pump {}", args.pump)),
        PumpCommand::Tags => tag::list(session).await.attempt("list tags"),
        PumpCommand::Hold(args) => hold(session, &args)
            .await
            .attempt(format!("hold pump {}", args.pump)),
        PumpCommand::Retire { pump, reason, yes } => retire(session, &pump, reason.as_str(), yes)
            .await
            .attempt(format!("retire pump {pump}")),
        PumpCommand::Order { pump, kind } => {
            let what = format!("give pump {pump} the order {}", kind.as_str());
            order(session, &pump, kind.as_str()).await.attempt(what)
        }
        PumpCommand::Orders { pump } => orders(session, &pump)
            .await
            .attempt(format!("list the orders of pump {pump}")),
        PumpCommand::Telemetry { pump, since, limit } => {
            let from = since.moment(session.times.now);
            telemetry(session, &pump, from, limit)
                .await
                .attempt(format!("show what pump {pump} reported"))
        }
        PumpCommand::Check(args) => bench::check(session, &args)
            .await
            .attempt(format!("enter the check {} of pump {}", args.check, args.pump)),
        PumpCommand::RollBack { pump, reason } => bench::roll_back(session, &pump, reason.as_str())
            .await
            .attempt(format!("ask for the old version of pump {pump}")),
        PumpCommand::TryAgain { pump, reason } => bench::try_again(session, &pump, reason.as_str())
            .await
            .attempt(format!("try pump {pump} again")),
        PumpCommand::TakeOut { pump, reason } => bench::take_out(session, &pump, reason.as_str())
            .await
            .attempt(format!("take pump {pump} out of its rollout")),
        PumpCommand::LateRenewal { pump } => late_renewal(session, &pump)
            .await
            .attempt(format!("let pump {pump} renew late")),
    }
}

/// A moment as the API reads it.
pub fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// The API filters by id; people know names.
async fn filtered(session: &Session<'_>, call: Call, filter: &PumpFilter) -> Result<Call, Cause> {
    let care_area = match &filter.care_area {
        Some(name) => Some(places::care_area_id(session, name).await?),
        None => None,
    };
    let model = match &filter.model {
        Some(name) => Some(model::model_id(session, name).await?),
        None => None,
    };
    Ok(call
        .query_if("text", filter.text.as_ref())
        .query_if("care_area", care_area)
        .query_if("model", model)
        .query_if("tag", filter.tag.as_ref())
        .query_if("held", filter.held.then_some(true))
        .query_if("connected", filter.connected.then_some(true)))
}

async fn show(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let pump = session.pump(name).await?;
    session
        .show(
            &Call::get(["pumps", &pump.id]),
            |output, times, pump: &PumpDetail| output.sheet(pump.lines(times)),
        )
        .await
}

/// What an import did, or would do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ImportResult {
    added: u64,
    changed: u64,
    unchanged: u64,
    lines: Vec<ImportLine>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ImportLine {
    line: u64,
    action: String,
    serial: String,
}

async fn import(session: &mut Session<'_>, args: &ImportArgs) -> Result<(), Cause> {
    let csv = read_input(&args.file)?;
    let call = |dry_run: bool| {
        Call::post(["expected", "import"])
            .query("dry_run", dry_run)
            .csv(csv.clone())
    };
    let document = session.client.json(&call(true)).await?;
    let plan: ImportResult = read(document.clone())?;
    let idle = plan.added + plan.changed == 0;
    if !session.output.json {
        show_plan(session.output, &plan)?;
    }
    if idle || !(args.apply || session.output.may_ask()) {
        if session.output.json {
            session.output.document(&document)?;
        }
        let words = if idle {
            "Everything in the file is on the list already."
        } else {
            "Nothing was imported yet; repeat with --apply."
        };
        return Ok(session.output.note(words)?);
    }
    session.output.confirm(args.apply, "Import this?")?;
    session
        .show(&call(false), |output, _, done: &ImportResult| {
            output.line(&format!("Imported: {}.", counts(done)))
        })
        .await
}

fn counts(result: &ImportResult) -> String {
    format!(
        "{} new, {} changed, {} as they were",
        result.added, result.changed, result.unchanged
    )
}

fn show_plan(output: &mut Output, plan: &ImportResult) -> io::Result<()> {
    let rows: Vec<_> = plan
        .lines
        .iter()
        .filter(|line| line.action != "keep")
        .map(|line| {
            vec![
                Cell::from(line.line.to_string()),
                Cell::from(&line.action),
                Cell::from(&line.serial),
            ]
        })
        .collect();
    let shown = rows.len() as u64;
    if shown > 0 {
        output.table(&["LINE", "ACTION", "SERIAL"], rows)?;
    }
    let more = (plan.added + plan.changed).saturating_sub(shown);
    if more > 0 {
        output.line(&format!("… and {more} more"))?;
    }
    output.line(&format!("The file has {}.", counts(plan)))
}

fn read_input(path: &Path) -> Result<Vec<u8>, Cause> {
    let content = if path == Path::new("-") {
        let mut content = Vec::new();
        io::stdin().lock().read_to_end(&mut content).map(|_| content)
    } else {
        fs::read(path)
    };
    content.map_err(|source| Cause::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

async fn export(session: &mut Session<'_>, filter: &PumpFilter, path: Option<&Path>) -> Result<(), Cause> {
    let call = &filtered(session, Call::get(["pumps", "export"]), filter).await?;
    let Some(path) = path else {
        let Session { client, output, .. } = session;
        return client.bytes(call, |bytes| output.bytes(bytes)).await;
    };
    let failed = |source| Cause::File {
        action: "written",
        path: path.to_owned(),
        source,
    };
    let mut file = io::BufWriter::new(fs::File::create(path).map_err(failed)?);
    let taken = session.client.bytes(call, |bytes| file.write_all(bytes)).await;
    match taken {
        Ok(()) => file.flush().map_err(failed)?,
        // What can not be taken here is a full disk, not a reader that went away.
        Err(Cause::Output(source)) => return Err(failed(source)),
        Err(cause) => return Err(cause),
    }
    Ok(session.output.note(&format!("Written to {}.", path.display()))?)
}

async fn edit(session: &mut Session<'_>, args: &EditArgs) -> Result<(), Cause> {
    let changes = changes(args)?;
    let pump = session.pump(&args.pump).await?;
    let call = Call::patch(["pumps", &pump.id])
        .json(changes)
        .if_match(args.if_version.or(pump.row_version));
    session
        .show(&call, |output, times, pump: &PumpDetail| {
            output.sheet(pump.lines(times))
        })
        .await
}

/// What is sent of an edit: fields with a value, and `null` for those to be emptied.
fn changes(args: &EditArgs) -> Result<Value, Cause> {
    let set = [
        ("asset_tag", args.asset_tag.as_ref().map(|tag| json!(tag))),
        ("udi", args.udi.as_ref().map(|udi| json!(udi))),
        ("care_area", args.care_area.as_ref().map(|name| json!(name))),
        ("location", args.location.as_ref().map(|name| json!(name))),
        ("hardware_id", args.hardware_id.as_ref().map(|id| json!(id))),
    ];
    let mut changes: Map<_, _> = set
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    for field in &args.clear {
        if changes
            .insert(field.as_str().to_owned(), Value::Null)
            .is_some_and(|old| !old.is_null())
        {
            return Err(Cause::Usage {
                why: format!("{} can not be set and cleared at once", field.as_str()),
                remedy: "leave out one of the two",
            });
        }
    }
    Ok(Value::Object(changes))
}

async fn hold(session: &mut Session<'_>, args: &PumpHold) -> Result<(), Cause> {
    let pump = session.pump(&args.pump).await?;
    let call = Call::post(["pumps", &pump.id, "hold"])
        .json(json!({"kind": args.kind.as_str(), "reason": args.reason.as_str()}));
    session
        .show(&call, |output, _, held: &PumpDetail| {
            let name = pump.name();
            output.line(&match held.hold_effect() {
                Some("when_free") => {
                    format!("Pump {name} is with a patient. The hold takes effect when it becomes free.")
                }
                Some(_) | None => format!("Pump {name} is held."),
            })
        })
        .await
}

async fn retire(session: &mut Session<'_>, name: &str, reason: &str, yes: bool) -> Result<(), Cause> {
    let pump = session.pump(name).await?;
    session
        .output
        .confirm(yes, &format!("{} Retire it for good?", describe(&pump)))?;
    let call = Call::post(["pumps", &pump.id, "retire"]).json(json!({"reason": reason}));
    let done = format!("Pump {} is retired; its certificates are revoked.", pump.name());
    session.act(&call, &done).await
}

/// Enough words to see whether it is the right pump.
fn describe(pump: &PumpRef) -> String {
    let mut words = format!("Pump {}, serial number {}", pump.name(), pump.serial);
    for (joint, part) in [
        (", ", &pump.manufacturer),
        (" ", &pump.model),
        (", in ", &pump.care_area),
    ] {
        if let Some(part) = part {
            words.push_str(joint);
            words.push_str(part);
        }
    }
    words.push('.');
    words
}

async fn order(session: &mut Session<'_>, name: &str, kind: &str) -> Result<(), Cause> {
    let pump = session.pump(name).await?;
    let call = Call::post(["pumps", &pump.id, "orders"]).json(json!({"kind": kind}));
    let done = format!(
        "The order waits for pump {0} or was sent. See `gateway pump orders {0}`.",
        pump.name()
    );
    session.act(&call, &done).await
}

async fn orders(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let pump = session.pump(name).await?;
    session
        .list_whole::<OrderRow>(Call::get(["pumps", &pump.id, "orders"]))
        .await
}

async fn telemetry(session: &mut Session<'_>, name: &str, from: Timestamp, limit: u32) -> Result<(), Cause> {
    let pump = session.pump(name).await?;
    let call = Call::get(["pumps", &pump.id, "telemetry"])
        .query("from", rfc3339(from))
        .query("limit", limit);
    session.list_whole::<TelemetryRow>(call).await
}

async fn late_renewal(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    #[derive(Deserialize)]
    struct Armed {
        until: Timestamp,
    }
    let pump = session.pump(name).await?;
    session
        .show(
            &Call::post(["pumps", &pump.id, "late-renewal"]),
            |output, times, armed: &Armed| {
                let until = times.exact(armed.until);
                output.line(&format!(
                    "Pump {} may renew its certificate once, until {until}.",
                    pump.name()
                ))
            },
        )
        .await
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command, RemoteCommand};

    fn edit_args(words: &[&str]) -> EditArgs {
        let line = ["gateway", "pump", "edit", "BM-1"].iter().chain(words);
        match Cli::try_parse_from(line).unwrap().command {
            Command::Remote(RemoteCommand::Pump(PumpCommand::Edit(args))) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_edit_sends_what_changes_and_nothing_else() {
        let check =
            |words: &[&str], expected: Value| assert_eq!(changes(&edit_args(words)).unwrap(), expected);
        check(&["--asset-tag", "BM-2"], json!({"asset_tag": "BM-2"}));
        check(
            &["--care-area", "4 West", "--clear", "udi", "--clear", "location"],
            json!({"care_area": "4 West", "udi": null, "location": null}),
        );
        let both = edit_args(&["--udi", "x", "--clear", "udi"]);
        assert!(matches!(changes(&both), Err(Cause::Usage { .. })));
    }

    #[test]
    fn a_pump_is_described_well_enough_to_tell_it_from_another() {
        let pump: PumpRef = serde_json::from_value(json!({
            "id": "x", "serial": "42", "asset_tag": "BM-1", "manufacturer": "Acme", "model": "V", "care_area": "MICU"
        }))
        .unwrap();
        assert_eq!(describe(&pump), "Pump BM-1, serial number 42, Acme V, in MICU.");
    }
}
