//! A rollout as a person wrote it in a file: JSON or TOML, with pumps called what is written on them.
//!
//! It is read here as the gateway reads it, so that what is wrong is said with its place before anything is sent.

use std::path::Path;

use fleet::rollout::spec::Spec;
use serde_json::Value;
use uuid::Uuid;

use super::{error::Cause, release::text_of, session::Session};

/// Reads a file, finds the pumps that it names, and checks the whole.
///
/// # Errors
/// [`Cause::File`]; [`Cause::Content`] with the place of what is wrong; [`Cause::NotFound`] or [`Cause::Ambiguous`] for a pump.
pub async fn of_file(session: &Session<'_>, path: &Path) -> Result<Value, Cause> {
    let refuse = |why| Cause::Content {
        path: path.to_owned(),
        why,
    };
    let mut spec = parsed(&text_of(path)?).map_err(refuse)?;
    for list in lists(&mut spec) {
        for name in list {
            if let Some(text) = name.as_str().filter(|text| Uuid::parse_str(text).is_err()) {
                *name = Value::String(session.pump(text).await?.id);
            }
        }
    }
    checked(&spec).map_err(refuse)?;
    Ok(spec)
}

/// JSON begins with a brace, which TOML never does.
fn parsed(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))
    } else {
        let table: toml::Table = toml::from_str(text)
            .map_err(|error| format!("it is not TOML: {}", error.to_string().trim_end()))?;
        Ok(plain(toml::Value::Table(table)))
    }
}

/// The same in JSON. A date of TOML is its text there.
fn plain(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(at) => at.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(plain).collect(),
        toml::Value::Table(table) => table
            .into_iter()
            .map(|(name, value)| (name, plain(value)))
            .collect(),
    }
}

/// Every list of pumps in it: of the whole, and of waves.
fn lists(spec: &mut Value) -> Vec<&mut Vec<Value>> {
    let mut places = Vec::new();
    for (name, value) in spec.as_object_mut().into_iter().flatten() {
        match (name.as_str(), value) {
            ("pumps", pumps) => places.push(pumps),
            ("waves", Value::Array(waves)) => {
                places.extend(waves.iter_mut().filter_map(|wave| wave.get_mut("takes")));
            }
            _ => {}
        }
    }
    places
        .into_iter()
        .filter_map(|place| place.get_mut("list")?.as_array_mut())
        .collect()
}

fn checked(spec: &Value) -> Result<(), String> {
    let read: Spec = serde_path_to_error::deserialize(spec).map_err(|error| {
        let place = error.path().to_string();
        match place.as_str() {
            "." => error.inner().to_string(),
            place => format!("{place}: {}", error.inner()),
        }
    })?;
    read.check().map(drop).map_err(|error| error.to_string())
}

/// The same, in one step where no pump is named.
///
/// # Errors
/// What is wrong with it, with its place.
#[cfg(test)]
fn of_text(text: &str) -> Result<Spec, String> {
    let spec = parsed(text)?;
    checked(&spec)?;
    serde_json::from_value(spec).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use fleet::rollout::{limits::Limits, spec::LimitsSpec};

    use super::*;

    const PAGE: &str = include_str!("../../../docs/rollouts.md");

    /// The block of the page that begins with a fence of this language.
    fn block(language: &str) -> &'static str {
        let (_, rest) = PAGE.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0
    }

    #[test]
    fn the_example_of_the_page_is_a_rollout_in_toml_and_in_json() {
        let toml = of_text(block("toml")).unwrap();
        let json = of_text(&serde_json::to_string(&toml).unwrap()).unwrap();
        assert_eq!(toml, json);
        assert!(toml.waves.len() >= 3 && !toml.windows.is_empty());
    }

    #[test]
    fn the_page_has_every_limit_with_its_default() {
        let whole = serde_json::to_value(LimitsSpec::whole(&Limits::DEFAULT)).unwrap();
        let defaults: std::collections::BTreeMap<_, _> = whole
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect();
        let on_page: std::collections::BTreeMap<_, _> = PAGE
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
            .filter_map(|(name, rest)| Some((name.to_owned(), rest.split_once(" | ")?.0.to_owned())))
            .filter(|(name, _)| {
                name.ends_with("_seconds")
                    || name.ends_with("_percent")
                    || name.ends_with("_at_once")
                    || defaults.contains_key(name)
            })
            .collect();
        assert_eq!(on_page, defaults);
    }

    #[test]
    fn every_command_of_the_page_works() {
        use clap::Parser as _;

        let commands: Vec<_> = PAGE.lines().filter(|line| line.starts_with("gateway ")).collect();
        assert!(commands.len() > 20, "{commands:?}");
        for command in commands {
            let words = crate::cli::args::words(command);
            if let Err(error) = crate::cli::args::Cli::try_parse_from(words) {
                panic!("`{command}` in docs/rollouts.md: {error}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let check = |text: &str, expected: &str| {
            let problem = of_text(text).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        };
        check("{\"pumps\"", "not JSON: EOF");
        check("pumps = [", "not TOML: TOML parse error at line 1");
        check("", "missing field `pumps`");
        let with = |rest: &str| format!("waves = [{{ name = \"A\", takes = \"rest\" }}]\n{rest}");
        check(
            &with("pumps = { filter = 'model = ' }"),
            "pumps.filter: column 9: expected",
        );
        check(
            &with("pumps = { filter = 'model = x' }\nlimits = { soak = 3 }"),
            "limits.soak: unknown field `soak`",
        );
        check(
            &with("pumps = { filter = 'model = x' }\nlimits = { failure_percent = 101 }"),
            "limits.failure_percent: 101 % is more than all of it",
        );
        check(
            "waves = []\npumps = { filter = 'model = x' }",
            "a rollout has 1 to 50 waves",
        );
        check(
            &with(
                "pumps = { filter = 'model = x' }\nwindows = [{ opens = \"0 22 * * MON\", minutes = 60, zone = \"Mars\" }]",
            ),
            "window 1: `Mars` is not a time zone",
        );
    }

    #[test]
    fn a_date_of_toml_is_a_date() {
        let text = "waves = [{ name = \"A\", takes = { count = 1 } }]\npumps = { filter = 'model = x' }\n\
            windows = [{ opens = \"0 22 * * MON\", minutes = 60, zone = \"Europe/Berlin\", not_on = [2026-12-24] }]";
        let spec = of_text(text).unwrap();
        assert_eq!(spec.windows[0].not_on.len(), 1);
    }

    #[test]
    fn every_list_of_pumps_is_found() {
        let mut spec = parsed(
            "pumps = { list = [\"BM-1\"] }\nwaves = [{ name = \"A\", takes = { list = [\"BM-2\"] } }, { name = \"B\", takes = \"rest\" }]",
        )
        .unwrap();
        let found: Vec<_> = lists(&mut spec)
            .into_iter()
            .flatten()
            .map(|name| name.to_string())
            .collect();
        assert_eq!(found, ["\"BM-1\"", "\"BM-2\""]);
        for mut odd in [
            Value::Null,
            serde_json::json!({ "pumps": 3, "waves": [1, { "takes": [] }] }),
        ] {
            assert!(lists(&mut odd).is_empty());
        }
    }
}
