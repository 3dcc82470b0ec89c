//! `gateway library …`: which drug library the hospital approved for each model.

use std::collections::HashMap;

use fleet::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    args::LibraryCommand,
    client::Call,
    error::{Attempt, Cause, CliError},
    model,
    session::Session,
    table::{Cell, Row},
    time::Times,
};

/// Does what was asked about drug libraries.
///
/// # Errors
/// [`CliError`], with what was attempted for which model.
pub async fn run(session: &mut Session<'_>, command: LibraryCommand) -> Result<(), CliError> {
    match command {
        LibraryCommand::List { model } => list(session, model.as_deref())
            .await
            .attempt("list drug libraries"),
        LibraryCommand::Approve {
            model,
            name,
            version,
            sha256,
            reason,
        } => {
            let library = json!({"name": name, "version": version, "sha256": sha256});
            let done = format!("{name} {version} is the drug library for {model}.");
            say(
                session,
                &model,
                json!({"library": library, "reason": reason}),
                &done,
            )
            .await
            .attempt(format!("approve a drug library for {model}"))
        }
        LibraryCommand::Withdraw { model, reason } => {
            let done = format!("No drug library is approved for {model}.");
            say(session, &model, json!({"reason": reason}), &done)
                .await
                .attempt(format!("withdraw the drug library of {model}"))
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Library {
    name: String,
    version: String,
    sha256: String,
}

/// What somebody said, with the name of the model.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Approval {
    model: String,
    library: Option<Library>,
    said_at: Option<Timestamp>,
    reason: String,
}

impl Row for Approval {
    const NONE: &'static str = "nothing was said about drug libraries";
    const COLUMNS: &'static [&'static str] = &["MODEL", "LIBRARY", "VERSION", "SHA-256", "SAID", "REASON"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let [name, version, sha256] = match &self.library {
            Some(library) => [&library.name, &library.version, &library.sha256].map(Cell::from),
            None => [Cell::from("none is approved"), Cell::default(), Cell::default()],
        };
        let said = Cell::time(self.said_at, times);
        vec![
            Cell::from(&self.model),
            name,
            version,
            sha256,
            said,
            Cell::from(&self.reason),
        ]
    }
}

async fn list(session: &mut Session<'_>, model: Option<&str>) -> Result<(), Cause> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
        name: String,
    }
    let call = match model {
        Some(model) => Call::get([
            "models",
            &model::model_id(session, model).await?,
            "drug-libraries",
        ]),
        None => Call::get(["drug-libraries"]),
    };
    let mut said = session.all(call).await?;
    if session.output.json {
        return Ok(session.output.document(&Value::Array(said))?);
    }
    let models: Vec<Named> = session.all_read(Call::get(["models"])).await?;
    let names: HashMap<_, _> = models.into_iter().map(|model| (model.id, model.name)).collect();
    for model in said.iter_mut().filter_map(|said| said.get_mut("model")) {
        if let Some(name) = model.as_str().and_then(|id| names.get(id)) {
            *model = json!(name);
        }
    }
    session.rows::<Approval>(said)
}

async fn say(session: &mut Session<'_>, model: &str, body: Value, done: &str) -> Result<(), Cause> {
    let model = model::model_id(session, model).await?;
    let call = Call::post(["models", &model, "drug-libraries"]).json(body);
    session.act(&call, done).await
}
