//! `gateway enrol …` and `gateway anchor …`: who may have a first certificate.

use std::path::Path;

use fleet::{Timestamp, inventory::csv_cell};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    args::{AnchorCommand, EnrolCommand, TokenSource},
    client::Call,
    connection::write_private,
    error::{Attempt, Cause, CliError},
    pump::rfc3339,
    session::{Session, given},
    table::{Cell, Row, Tone},
    time::Times,
};

/// Does what was asked about enrolment tokens.
///
/// # Errors
/// [`CliError`], with what was attempted for which pump.
pub async fn run(session: &mut Session<'_>, command: EnrolCommand) -> Result<(), CliError> {
    match command {
        EnrolCommand::Token {
            serial,
            manufacturer,
            model,
            valid_hours,
            key,
        } => {
            let body = given([
                ("serial", Some(json!(serial))),
                ("manufacturer", manufacturer.map(|name| json!(name))),
                ("model", model.map(|name| json!(name))),
                ("valid_hours", valid_hours.map(|hours| json!(hours))),
                ("key", key.map(|key| json!(key))),
            ]);
            token(session, body)
                .await
                .attempt(format!("make an enrolment token for {serial}"))
        }
        EnrolCommand::Batch {
            source,
            valid_hours,
            output,
        } => batch(session, &source, valid_hours, output.as_deref())
            .await
            .attempt("make enrolment tokens"),
        EnrolCommand::Tokens => session
            .list_whole::<TokenRow>(Call::get(["enrol-tokens"]))
            .await
            .attempt("list enrolment tokens"),
        EnrolCommand::Withdraw { token } => withdraw(session, &token)
            .await
            .attempt(format!("withdraw the enrolment token {token}")),
    }
}

/// A token that was just made. Its secret goes to the person who asked, and is kept nowhere.
#[derive(Deserialize)]
struct Made {
    serial: String,
    manufacturer: String,
    model: String,
    secret: String,
    expires_at: Timestamp,
}

async fn token(session: &mut Session<'_>, body: Value) -> Result<(), Cause> {
    session
        .show(
            &Call::post(["enrol-tokens"]).json(body),
            |output, times, made: &Made| {
                output.sheet([
                    ("serial number", Cell::from(&made.serial)),
                    ("manufacturer", Cell::from(&made.manufacturer)),
                    ("model", Cell::from(&made.model)),
                    ("secret", Cell::from(&made.secret)),
                    ("good until", Cell::from(times.exact(made.expires_at))),
                ])?;
                output.note("The secret is shown only now. It enrols this pump once.")
            },
        )
        .await
}

#[derive(Deserialize)]
struct Batch {
    items: Vec<Made>,
}

async fn batch(
    session: &mut Session<'_>,
    source: &TokenSource,
    valid_hours: Option<u32>,
    path: Option<&Path>,
) -> Result<(), Cause> {
    let body = given([
        ("all_expected", source.all_expected.then_some(json!(true))),
        ("serials", (!source.all_expected).then(|| json!(source.serials))),
        ("valid_hours", valid_hours.map(|hours| json!(hours))),
    ]);
    let call = Call::post(["enrol-tokens", "batch"]).json(body);
    let Some(path) = path else {
        return session
            .show(&call, |output, times, batch: &Batch| {
                let row = |made: &Made| {
                    vec![
                        Cell::from(&made.serial),
                        Cell::from(&made.model),
                        Cell::from(&made.secret),
                        Cell::time(Some(made.expires_at), times),
                    ]
                };
                let rows = batch.items.iter().map(row).collect();
                output.table(&["SERIAL", "MODEL", "SECRET", "GOOD UNTIL"], rows)?;
                output.note("The secrets are shown only now. Each enrols its pump once.")
            })
            .await;
    };
    let batch: Batch = session.fetch(&call).await?;
    write_private(path, &label_sheet(&batch)?)?;
    let words = format!(
        "{} tokens written to {}; only you can read it.",
        batch.items.len(),
        path.display()
    );
    Ok(session.output.note(&words)?)
}

/// A CSV file for a label printer or a simulator. A serial number can look like a formula; a label program may be a spreadsheet.
fn label_sheet(batch: &Batch) -> Result<Vec<u8>, Cause> {
    let failed = |error: csv::Error| Cause::Output(error.into());
    let mut sheet = csv::Writer::from_writer(Vec::new());
    sheet
        .write_record(["serial", "manufacturer", "model", "secret", "expires_at"])
        .map_err(failed)?;
    for made in &batch.items {
        sheet
            .write_record([
                &*csv_cell(&made.serial),
                &*csv_cell(&made.manufacturer),
                &*csv_cell(&made.model),
                made.secret.as_str(),
                rfc3339(made.expires_at).as_str(),
            ])
            .map_err(failed)?;
    }
    sheet
        .into_inner()
        .map_err(|error| Cause::Output(error.into_error()))
}

/// A token on record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TokenRow {
    id: String,
    serial: String,
    model: Option<String>,
    state: String,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
    withdrawn_at: Option<Timestamp>,
}

impl TokenRow {
    fn is_open(&self) -> bool {
        self.state == "open"
    }
}

impl Row for TokenRow {
    const NONE: &'static str = "no enrolment tokens";
    const COLUMNS: &'static [&'static str] = &["SERIAL", "MODEL", "MADE", "GOOD UNTIL", "STATE", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let tone = if self.is_open() { Tone::Good } else { Tone::Plain };
        let since = self
            .used_at
            .or(self.withdrawn_at)
            .map(|at| format!(" {}", times.show(at)));
        vec![
            Cell::from(&self.serial),
            self.model.as_ref().into(),
            Cell::time(self.created_at, times),
            Cell::time(self.expires_at, times),
            Cell::toned(format!("{}{}", self.state, since.unwrap_or_default()), tone),
            Cell::from(&self.id),
        ]
    }
}

async fn withdraw(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let id = if uuid::Uuid::parse_str(name).is_ok() {
        name.to_owned()
    } else {
        let mut tokens: Vec<TokenRow> = session.all_read(Call::get(["enrol-tokens"])).await?;
        tokens.retain(|token| token.serial == name && token.is_open());
        session.only(name, "open enrolment token for", tokens)?.id
    };
    session
        .act(
            &Call::delete(["enrol-tokens", &id]),
            "Withdrawn; it enrols nothing any more.",
        )
        .await
}

/// Does what was asked about manufacturers' anchors.
///
/// # Errors
/// [`CliError`], with what was attempted on which anchor.
pub async fn anchor(session: &mut Session<'_>, command: AnchorCommand) -> Result<(), CliError> {
    match command {
        AnchorCommand::List => session
            .list_whole::<AnchorRow>(Call::get(["anchors"]))
            .await
            .attempt("list anchors"),
        AnchorCommand::Import { file, manufacturer } => {
            let pem = std::fs::read_to_string(&file).map_err(|source| Cause::File {
                action: "read",
                path: file.clone(),
                source,
            });
            let imported = match pem {
                Ok(pem) => {
                    let call =
                        Call::post(["anchors"]).json(json!({"manufacturer": manufacturer, "pem": pem}));
                    let done = format!("Pumps of {manufacturer} may enrol by this certificate from now on.");
                    session.act(&call, &done).await
                }
                Err(cause) => Err(cause),
            };
            imported.attempt(format!("import the anchor {}", file.display()))
        }
        AnchorCommand::Remove { anchor } => remove(session, &anchor)
            .await
            .attempt(format!("remove the anchor {anchor}")),
    }
}

/// A manufacturer's certificate that vouches for first enrolments.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AnchorRow {
    id: String,
    manufacturer: Option<String>,
    subject: String,
    fingerprint: String,
    imported_at: Option<Timestamp>,
}

impl AnchorRow {
    fn is_called(&self, name: &str) -> bool {
        self.id == name
            || self.manufacturer.as_deref() == Some(name)
            || self.fingerprint.eq_ignore_ascii_case(&name.replace(':', ""))
    }
}

impl Row for AnchorRow {
    const NONE: &'static str = "no anchors";
    const COLUMNS: &'static [&'static str] = &["MANUFACTURER", "SUBJECT", "IMPORTED", "FINGERPRINT"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            self.manufacturer.as_ref().into(),
            Cell::from(&self.subject),
            Cell::time(self.imported_at, times),
            Cell::from(&self.fingerprint),
        ]
    }
}

async fn remove(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let mut anchors: Vec<AnchorRow> = session.all_read(Call::get(["anchors"])).await?;
    anchors.retain(|anchor| anchor.is_called(name));
    let anchor = session.only(name, "anchor", anchors)?;
    session
        .act(
            &Call::delete(["anchors", &anchor.id]),
            "Removed. No pump can enrol by it any more.",
        )
        .await
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    #[test]
    fn a_label_sheet_is_harmless_in_a_spreadsheet() {
        let batch = Batch {
            items: vec![Made {
                serial: "=cmd|' /C calc'!A0, \"x\"".to_owned(),
                manufacturer: "Acme".to_owned(),
                model: "@V".to_owned(),
                secret: "ABCD-EFGH".to_owned(),
                expires_at: NOW,
            }],
        };
        let sheet = String::from_utf8(label_sheet(&batch).unwrap()).unwrap();
        assert_eq!(
            sheet,
            "serial,manufacturer,model,secret,expires_at\n\"'=cmd|' /C calc'!A0, \"\"x\"\"\",Acme,'@V,ABCD-EFGH,2027-01-15T08:00:00Z\n"
        );
    }

    #[test]
    fn a_token_says_where_it_stands_and_since_when() {
        let times = Times {
            now: NOW,
            zone: chrono::FixedOffset::east_opt(0),
        };
        let check = |state: &str, used_at: Option<Timestamp>, expected: Cell| {
            let row = TokenRow {
                state: state.to_owned(),
                used_at,
                ..TokenRow::default()
            };
            let cells = row.cells(&times);
            assert_eq!(cells.get(4), Some(&expected));
            assert_eq!(cells.len(), TokenRow::COLUMNS.len());
        };
        check("open", None, Cell::toned("open", Tone::Good));
        check("used", Some(NOW), Cell::from("used now"));
        check("expired", None, Cell::from("expired"));
    }

    #[test]
    fn an_anchor_is_known_by_its_maker_or_by_what_openssl_prints() {
        let anchor = AnchorRow {
            id: "id".to_owned(),
            manufacturer: Some("Acme".to_owned()),
            fingerprint: "ab01".to_owned(),
            ..AnchorRow::default()
        };
        for name in ["id", "Acme", "AB:01"] {
            assert!(anchor.is_called(name), "{name}");
        }
        assert!(!anchor.is_called("ab"));
    }
}
