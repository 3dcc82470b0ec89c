//! `gateway release make`: a release of a test manufacturer, on this machine and without a gateway.

use std::{collections::BTreeMap, fs, path::Path};

use chrono::TimeDelta;
use fleet::release::Manifest;
use serde_json::json;

use super::{
    args::MakeArgs,
    error::{Attempt, Cause, CliError},
    output::Output,
};
use crate::{
    clock::Clock,
    firmware::make::{Make, Settings, make},
};

/// Makes a repository, or adds a release to one.
///
/// # Errors
/// [`CliError`]: a file that can not be read, or what the library says.
pub fn run(args: &MakeArgs, output: &mut Output) -> Result<(), CliError> {
    made(args, output).attempt(format!(
        "make the release {} in {}",
        args.path,
        args.repository.display()
    ))
}

fn made(args: &MakeArgs, output: &mut Output) -> Result<(), Cause> {
    let manifest = fs::read(&args.manifest).map_err(|source| Cause::File {
        action: "read",
        path: args.manifest.clone(),
        source,
    })?;
    let parsed = Manifest::read(&manifest).map_err(|error| Cause::Content {
        path: args.manifest.clone(),
        why: error.to_string(),
    })?;
    let beside = args.manifest.parent().unwrap_or(Path::new(""));
    let files = args.files.as_deref().unwrap_or(beside);
    let files: BTreeMap<_, _> = parsed
        .targets
        .iter()
        .map(|target| (target.path.clone(), files.join(target.path.as_str())))
        .collect();
    let made = make(&Make {
        repository: &args.repository,
        keys: &args.keys,
        manifest: &manifest,
        manifest_path: &args.path,
        files: &files,
        settings: Settings {
            kind: args.kind.into(),
            root_keys: args.root_keys,
            root_threshold: args.root_threshold,
            root_expires: TimeDelta::days(args.root_days.into()),
            expires: TimeDelta::days(args.days.into()),
            ..Settings::default()
        },
        now: Clock::system().now(),
    })
    .map_err(|error| Cause::Local(Box::new(error)))?;
    if output.json {
        return Ok(output.document(&json!({ "root": made.root, "version": made.version }))?);
    }
    output.line(&format!(
        "{} {} is in {}, whose metadata are at version {}.",
        parsed.name,
        parsed.version,
        args.repository.display(),
        made.version
    ))?;
    Ok(output.line(&format!(
        "The root of trust for hospitals and pumps: {}",
        made.root.display()
    ))?)
}
