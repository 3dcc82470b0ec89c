//! `gateway model …`: what is known of models, and until when they are supported.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    args::{ModelCommand, ModelEditArgs},
    client::Call,
    error::{Attempt, Cause, CliError},
    session::Session,
    table::{Cell, Row, Tone},
    time::Times,
};

/// Until when a model is supported.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Support {
    stage: String,
    stage_label: String,
    full_until: Option<String>,
    until: Option<String>,
}

impl Support {
    fn tone(&self) -> Tone {
        match self.stage.as_str() {
            "full" => Tone::Good,
            "limited" => Tone::Attention,
            "ended" => Tone::Alarm,
            _ => Tone::Plain,
        }
    }

    fn stage(&self) -> Cell {
        Cell::toned(&self.stage_label, self.tone())
    }

    /// Stage and dates in one line; nothing where nothing is known.
    pub fn line(&self) -> Cell {
        let until = |before, until: &Option<String>| Some(format!("{before} {}", until.as_ref()?));
        let dates: Vec<_> = [
            until("in full until", &self.full_until),
            until("at all until", &self.until),
        ]
        .into_iter()
        .flatten()
        .collect();
        if dates.is_empty() {
            return Cell::default();
        }
        Cell::toned(format!("{}, {}", self.stage_label, dates.join(", ")), self.tone())
    }
}

/// A model of pump.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Model {
    id: String,
    name: String,
    manufacturer: Option<String>,
    udi_device_identifier: Option<String>,
    support: Support,
}

impl Row for Model {
    const NONE: &'static str = "no models";
    const COLUMNS: &'static [&'static str] = &[
        "MANUFACTURER",
        "MODEL",
        "DEVICE IDENTIFIER",
        "SUPPORT",
        "IN FULL UNTIL",
        "AT ALL UNTIL",
    ];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        vec![
            self.manufacturer.as_ref().into(),
            Cell::from(&self.name),
            self.udi_device_identifier.as_ref().into(),
            self.support.stage(),
            self.support.full_until.as_ref().into(),
            self.support.until.as_ref().into(),
        ]
    }
}

/// Does what was asked about models.
///
/// # Errors
/// [`CliError`], with what was attempted on which model.
pub async fn run(session: &mut Session<'_>, command: ModelCommand) -> Result<(), CliError> {
    match command {
        ModelCommand::List => session
            .list_whole::<Model>(Call::get(["models"]))
            .await
            .attempt("list models"),
        ModelCommand::Edit(args) => edit(session, &args)
            .await
            .attempt(format!("edit the model {}", args.model)),
    }
}

/// The id of the model that a person named.
///
/// # Errors
/// [`Cause::NotFound`], or [`Cause::Ambiguous`]: two manufacturers may use one name.
pub async fn model_id(session: &Session<'_>, name: &str) -> Result<String, Cause> {
    named(session, name).await.map(|model| model.id)
}

async fn named(session: &Session<'_>, name: &str) -> Result<Model, Cause> {
    let mut models: Vec<Model> = session.all_read(Call::get(["models"])).await?;
    models.retain(|model| model.id == name || model.name.eq_ignore_ascii_case(name));
    session.only(name, "model", models)
}

async fn edit(session: &mut Session<'_>, args: &ModelEditArgs) -> Result<(), Cause> {
    let changes = changes(args)?;
    let model = named(session, &args.model).await?;
    let call = Call::patch(["models", &model.id]).json(changes);
    session
        .show(&call, |output, times, model: &Model| {
            output.table(Model::COLUMNS, vec![model.cells(times)])
        })
        .await
}

/// What is sent of an edit: fields with a value, and `null` for those to be emptied.
fn changes(args: &ModelEditArgs) -> Result<Value, Cause> {
    let set = [
        (
            "udi_device_identifier",
            args.udi_di.as_ref().map(|udi| json!(udi)),
        ),
        (
            "full_support_until",
            args.full_support_until.map(|day| json!(day)),
        ),
        ("support_until", args.support_until.map(|day| json!(day))),
    ];
    let mut changes: Map<_, _> = set
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    for field in &args.clear {
        let name = field.as_str();
        if changes
            .insert(name.to_owned(), Value::Null)
            .is_some_and(|old| !old.is_null())
        {
            return Err(Cause::Usage {
                why: format!("{name} can not be set and cleared at once"),
                remedy: "leave out one of the two",
            });
        }
    }
    Ok(Value::Object(changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{
        args::ModelField,
        table::{Look, render},
    };

    fn times() -> Times {
        Times {
            now: chrono::DateTime::UNIX_EPOCH,
            zone: None,
        }
    }

    #[test]
    fn a_model_says_until_when_it_is_supported() {
        let models = [
            json!({"manufacturer": "Acme", "name": "Volumat 7", "udi_device_identifier": "09506000134352",
                   "support": {"stage": "limited", "stage_label": "Limited support", "full_until": "2026-06-30", "until": "2029-12-31"}}),
            json!({"manufacturer": "Acme", "name": "Volumat 9", "support": {"stage": "unknown", "stage_label": "Support not known"}}),
            json!({"name": "bare"}),
        ];
        let models: Vec<Model> = models
            .into_iter()
            .map(|model| serde_json::from_value(model).unwrap())
            .collect();
        let rows = models.iter().map(|model| model.cells(&times()));
        insta::assert_snapshot!(render(Model::COLUMNS, rows, Look::default()), @r"
        MANUFACTURER  MODEL      DEVICE IDENTIFIER  SUPPORT            IN FULL UNTIL  AT ALL UNTIL
        Acme          Volumat 7  09506000134352     Limited support    2026-06-30     2029-12-31
        Acme          Volumat 9                     Support not known
                      bare
        ");
        assert_eq!(
            models[0].support.line(),
            Cell::toned(
                "Limited support, in full until 2026-06-30, at all until 2029-12-31",
                Tone::Attention
            )
        );
        assert_eq!(models[1].support.line(), Cell::default());
    }

    #[test]
    fn what_is_set_and_what_is_cleared_is_sent_and_nothing_else() {
        let mut args = ModelEditArgs {
            model: "Volumat 7".to_owned(),
            udi_di: None,
            full_support_until: None,
            support_until: Some("2029-12-31".parse().unwrap()),
            clear: vec![ModelField::FullSupportUntil],
        };
        assert_eq!(
            changes(&args).unwrap(),
            json!({"support_until": "2029-12-31", "full_support_until": null})
        );
        args.clear.push(ModelField::SupportUntil);
        assert!(matches!(changes(&args), Err(Cause::Usage { .. })));
    }
}
