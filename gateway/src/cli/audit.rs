//! `gateway audit …`: the record, from a gateway, from a file, from a database.

use std::{
    fs::File,
    io::{self, BufReader, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Instant,
};

use fleet::{Timestamp, audit::ExportLine};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Store;

use super::{
    args::{AuditCommand, AuditExportArgs, AuditListArgs, AuditVerifyArgs},
    client::Call,
    error::{Attempt, Cause, CliError},
    output::Output,
    session::Session,
    table::{Cell, Row},
    time::Times,
};
use crate::{
    audit::{
        checkpoint::SignedCheckpoint,
        readable,
        verify::{self, Report, VerifyProblem},
    },
    auth::record_key::RecordPublicKey,
    config::Config,
};

/// An entry of the record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EntryRow {
    number: i64,
    at: Option<Timestamp>,
    actor: String,
    device_name: Option<String>,
    address: Option<String>,
    action: String,
    subject_kind: String,
    subject: String,
    reason: Option<String>,
}

impl Row for EntryRow {
    const NONE: &'static str = "no entries";
    const COLUMNS: &'static [&'static str] = &["NO.", "WHEN", "WHO", "FROM", "WHAT", "OF", "WHY"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::from(self.number.to_string()),
            Cell::time(self.at, times),
            Cell::from(&self.actor),
            self.device_name.as_ref().or(self.address.as_ref()).into(),
            Cell::from(&self.action),
            Cell::from(format!("{} {}", self.subject_kind, self.subject)),
            self.reason.as_ref().into(),
        ]
    }
}

/// Does what was asked of the record of a running gateway.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn run(session: &mut Session<'_>, command: AuditCommand) -> Result<(), CliError> {
    match command {
        AuditCommand::List(args) => list(session, &args).await.attempt("search the audit trail"),
        AuditCommand::Export(args) => export(session, &args).await.attempt("export the audit trail"),
        AuditCommand::Verify(args) => verify(&args, session.output),
        AuditCommand::Checkpoint => {
            let call = Call::post(["audit", "checkpoints"]);
            let made = session.client.json(&call).await.attempt("make a checkpoint")?;
            session.output.document(&made).attempt("print the checkpoint")
        }
        AuditCommand::Key => {
            let key = session
                .client
                .json(&Call::get(["audit", "key"]))
                .await
                .attempt("fetch the key of the record")?;
            let printed = if session.output.json {
                session.output.document(&key)
            } else {
                let pem = key.get("pem").and_then(Value::as_str).unwrap_or_default();
                session.output.bytes(pem.as_bytes())
            };
            printed.attempt("print the key of the record")
        }
    }
}

async fn list(session: &mut Session<'_>, args: &AuditListArgs) -> Result<(), Cause> {
    let call = Call::get(["audit"])
        .query_if("action", args.action.as_ref())
        .query_if("subject", args.subject.as_ref())
        .query_if("subject_kind", args.subject_kind.as_ref())
        .query_if("account", args.account);
    session.list::<EntryRow>(call, &args.page).await
}

async fn export(session: &mut Session<'_>, args: &AuditExportArgs) -> Result<(), Cause> {
    let call = Call::get(["audit", "export"]).query_if("after", args.after);
    let Session { client, output, .. } = session;
    let mut file = match &args.to {
        None => None,
        Some(path) => Some(
            std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(|source| Cause::File {
                    action: "made",
                    path: path.clone(),
                    source,
                })?,
        ),
    };
    let mut lines = Lines::default();
    client
        .bytes(&call, |bytes| {
            let mut put = |bytes: &[u8]| match &mut file {
                Some(file) => file.write_all(bytes),
                None => output.bytes(bytes),
            };
            if args.readable {
                lines.take(bytes, |line| put(line.as_bytes()))
            } else {
                put(bytes)
            }
        })
        .await?;
    if let (Some(file), Some(path)) = (&file, &args.to) {
        file.sync_all()?;
        output.note(&format!(
            "Written to {}. Verify it with: gateway audit verify {}",
            path.display(),
            path.display()
        ))?;
    }
    Ok(())
}

/// Puts lines together out of pieces, and says each as a person reads it. The first line is the header.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
    past_header: bool,
}

impl Lines {
    fn take(&mut self, bytes: &[u8], mut put: impl FnMut(String) -> io::Result<()>) -> io::Result<()> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            if !self.past_header {
                self.past_header = true;
                continue;
            }
            let read = ExportLine::from_line(line)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            put(format!("{}\n", readable::line(&read.entry, chrono_tz::Tz::UTC)))?;
        }
        Ok(())
    }
}

/// Verifies a file, or the database of a gateway on this machine.
///
/// # Errors
/// [`CliError`]: the first entry that is wrong, or why it could not be looked at.
pub fn verify(args: &AuditVerifyArgs, output: &mut Output) -> Result<(), CliError> {
    let attempt = "verify the audit trail";
    let key = args
        .key
        .as_deref()
        .map(read_key)
        .transpose()
        .attempt("read the key of the record")?;
    let carried = args
        .checkpoints
        .iter()
        .map(|path| read_checkpoint(path))
        .collect::<Result<Vec<_>, _>>()
        .attempt("read a checkpoint")?;
    let began = Instant::now();
    let found = match (&args.file, &args.config) {
        (Some(path), _) => {
            let file = File::open(path)
                .map_err(|source| Cause::File {
                    action: "read",
                    path: path.clone(),
                    source,
                })
                .attempt(attempt)?;
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            let bar = bar(length, "{bytes}/{total_bytes}");
            let found = verify::file(BufReader::new(file), key.as_ref(), &carried, |bytes, _| {
                bar.set_position(bytes);
            });
            bar.finish_and_clear();
            found
        }
        (None, Some(path)) => {
            let config = Config::load(path)
                .map_err(|error| Cause::Local(error.into()))
                .attempt(attempt)?;
            let store = Store::open(&config.database_url())
                .map_err(|error| Cause::Local(error.into()))
                .attempt(attempt)?;
            let bar = bar(0, "{pos}/{len} entries");
            let found = verify::database(&store, key.as_ref(), &carried, |total, done| {
                bar.set_length(total);
                bar.set_position(done);
            });
            bar.finish_and_clear();
            found
        }
        // The command line demands one of them.
        (None, None) => return Ok(()),
    };
    match found {
        Ok(report) => tell(output, &report, began).attempt("print the report"),
        Err(problem) => {
            if output.json {
                let report = broken(&problem);
                output.document(&report).attempt("print the report")?;
            }
            Err(Cause::Record(Box::new(problem))).attempt(attempt)
        }
    }
}

fn bar(length: u64, counts: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = format!("verifying {{wide_bar}} {counts} {{eta}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

fn read_key(path: &Path) -> Result<RecordPublicKey, Cause> {
    let text = read_file(path)?;
    RecordPublicKey::from_pem(&text).map_err(|problem| Cause::Usage {
        why: format!("{}: {problem}", path.display()),
        remedy: "fetch it with `gateway audit key`",
    })
}

fn read_checkpoint(path: &Path) -> Result<SignedCheckpoint, Cause> {
    let text = read_file(path)?;
    serde_json::from_str(&text).map_err(|error| Cause::Usage {
        why: format!("{} is no checkpoint: {error}", path.display()),
        remedy: "make one with `gateway audit checkpoint`",
    })
}

fn read_file(path: &Path) -> Result<String, Cause> {
    std::fs::read_to_string(path).map_err(|source| Cause::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn tell(output: &mut Output, report: &Report, began: Instant) -> io::Result<()> {
    let seconds = began.elapsed().as_secs_f64();
    if output.json {
        return output.document(&json!({
            "ok": true,
            "entries": report.verified.count,
            "last": report.verified.last,
            "hash": report.verified.hash,
            "checkpoints": report.checkpoints,
            "covered_to": report.covered_to,
            "key_id": report.key_id,
            "key_is_pinned": report.key_is_pinned,
            "seconds": seconds,
        }));
    }
    output.line(&format!(
        "The record holds: {} entries, up to number {}, in {seconds:.1} s.",
        report.verified.count, report.verified.last
    ))?;
    if report.covered_to < report.verified.last || report.verified.last == 0 {
        output.note(&format!(
            "Checkpoints cover it up to entry {}; entries behind that could have been cut off without a trace.",
            report.covered_to
        ))?;
    }
    match (&report.key_id, report.key_is_pinned) {
        (Some(id), true) => output.note(&format!("Checkpoints are signed by the key {id}, as given.")),
        (Some(id), false) => output.note(&format!(
            "Checkpoints are signed by the key {id}, which the file itself names; give --key to be certain that it is this gateway's."
        )),
        (None, _) => output.note("The checkpoints' signatures were not checked: give --key."),
    }
}

fn broken(problem: &VerifyProblem) -> Value {
    json!({
        "ok": false,
        "entry": problem.entry(),
        "fault": problem.fault().map(fleet::audit::Fault::as_str),
        "detail": problem.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_together_out_of_pieces() {
        let mut lines = Lines::default();
        let mut said = Vec::new();
        for piece in ["{\"header", "\":1}\n", "not an entry\n"] {
            let taken = lines.take(piece.as_bytes(), |line| {
                said.push(line);
                Ok(())
            });
            assert_eq!(taken.is_err(), piece == "not an entry\n");
        }
        assert!(said.is_empty());
    }
}
