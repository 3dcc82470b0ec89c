//! `gateway sbom|component|advisory|exposure …`: what pumps are made of, what was published about that, and what is open.

use std::{collections::HashMap, path::Path};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    args::{AdvisoryCommand, ComponentCommand, DecideArgs, ExposureCommand, SbomCommand, SbomOf},
    client::Call,
    error::{Attempt, Cause, CliError},
    exposure_rows::{Difference, Exposure, Feed, File, Found, Import, List, moved, verdict},
    model,
    output::Output,
    release,
    session::{Session, read},
    table::{Cell, Row, printable},
    time::Times,
    upload::Upload,
};

/// Does what was asked about component lists.
///
/// # Errors
/// [`CliError`], with what was attempted on which file.
pub async fn sbom(session: &mut Session<'_>, command: SbomCommand) -> Result<(), CliError> {
    match command {
        SbomCommand::Import { file, of, preview } => {
            let what = format!("import the component list {}", file.display());
            import_list(session, &file, &of, preview).await.attempt(what)
        }
        SbomCommand::List => lists(session).await.attempt("list component lists"),
    }
}

async fn import_list(
    session: &mut Session<'_>,
    file: &Path,
    of: &SbomOf,
    preview: bool,
) -> Result<(), Cause> {
    let release = match &of.release {
        Some(name) => Some(release::named(session, name).await?.id),
        None => None,
    };
    let model = match &of.model {
        Some(name) => Some(model::model_id(session, name).await?),
        None => None,
    };
    let call = Call::post(["component-lists"])
        .query_if("release", release)
        .query_if("model", model)
        .query_if("component", of.component.as_ref())
        .query_if("version", of.component_version.as_ref());
    send(session, call, file, preview).await
}

/// Sends what was carried in, and says what it did, or would do.
async fn send(session: &mut Session<'_>, call: Call, path: &Path, preview: bool) -> Result<(), Cause> {
    let call = call
        .query_if(
            "name",
            path.file_name().map(|name| name.to_string_lossy().into_owned()),
        )
        .query("preview", preview);
    let upload = Upload::documents(path)?;
    let document = session.client.upload(&call, reqwest::Body::wrap(upload)).await?;
    if session.output.json {
        return Ok(session.output.document(&document)?);
    }
    let done: Import = read(document)?;
    tell_import(session.output, &session.times, &done, preview)?;
    Ok(())
}

fn tell_import(output: &mut Output, times: &Times, done: &Import, preview: bool) -> std::io::Result<()> {
    if !done.files.is_empty() {
        output.table(
            File::COLUMNS,
            done.files.iter().map(|file| file.cells(times)).collect(),
        )?;
    }
    let list = done.list.as_ref().map(|list| {
        format!(
            "{} components, {} of which can not be compared; holds for {} pumps",
            list.components, list.gaps, done.pumps
        )
    });
    let records = (!done.files.is_empty()).then(|| {
        format!(
            "{} vulnerabilities changed, {} records as known, {} older than what is known",
            done.changed, done.unchanged, done.older
        )
    });
    let none = |words: String| {
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            words
        }
    };
    output.sheet([
        ("list", list.into()),
        ("records", records.into()),
        ("opened", Cell::from(none(moved(&done.opened)))),
        ("closed", Cell::from(none(moved(&done.closed)))),
    ])?;
    if preview {
        output.note("This was a preview: nothing was changed.")?;
    }
    Ok(())
}

async fn lists(session: &mut Session<'_>) -> Result<(), Cause> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
        name: String,
        #[serde(default)]
        version: String,
    }
    let mut lists = session.all(Call::get(["component-lists"])).await?;
    if session.output.json {
        return Ok(session.output.document(&Value::Array(lists))?);
    }
    let models: Vec<Named> = session.all_read(Call::get(["models"])).await?;
    let releases: Vec<Named> = session.all_read(Call::get(["releases"])).await?;
    let names: HashMap<_, _> = models
        .into_iter()
        .chain(releases)
        .map(|one| (one.id, format!("{} {}", one.name, one.version).trim().to_owned()))
        .collect();
    for list in &mut lists {
        for field in ["release", "model"] {
            if let Some(value) = list.get_mut(field)
                && let Some(name) = value.as_str().and_then(|id| names.get(id))
            {
                *value = json!(name);
            }
        }
    }
    session.rows::<List>(lists)
}

/// Does what was asked about components.
///
/// # Errors
/// [`CliError`], with what was looked for.
pub async fn component(session: &mut Session<'_>, command: ComponentCommand) -> Result<(), CliError> {
    let ComponentCommand::Find { query } = command;
    session
        .list_whole::<Found>(Call::get(["components", "find"]).query("q", &query))
        .await
        .attempt(format!("look for {query}"))
}

/// Shows which components differ between two releases.
///
/// # Errors
/// [`Cause`], as the session says.
pub async fn difference(session: &mut Session<'_>, from: &str, to: &str) -> Result<(), Cause> {
    let from = release::named(session, from).await?.id;
    let to = release::named(session, to).await?.id;
    session
        .list_whole::<Difference>(Call::get(["releases", &to, "difference"]).query("from", from))
        .await
}

/// Does what was asked about advisories.
///
/// # Errors
/// [`CliError`], with what was attempted on which file.
pub async fn advisory(session: &mut Session<'_>, command: AdvisoryCommand) -> Result<(), CliError> {
    match command {
        AdvisoryCommand::Import { path, preview } => {
            let what = format!("import the advisories of {}", path.display());
            send(session, Call::post(["advisories", "import"]), &path, preview)
                .await
                .attempt(what)
        }
        AdvisoryCommand::Feeds => session
            .list_whole::<Feed>(Call::get(["feeds"]))
            .await
            .attempt("list feeds"),
    }
}

/// Does what was asked about vulnerabilities.
///
/// # Errors
/// [`CliError`], with what was attempted on which vulnerability.
pub async fn run(session: &mut Session<'_>, command: ExposureCommand) -> Result<(), CliError> {
    match command {
        ExposureCommand::List { needs_review } => {
            let wanted = needs_review.then_some("needs_review");
            session
                .list_whole::<Exposure>(Call::get(["exposures"]).query_if("verdict", wanted))
                .await
                .attempt("list what is open")
        }
        ExposureCommand::Show { vulnerability } => session
            .show(&Call::get(["exposures", &vulnerability]), tell)
            .await
            .attempt(format!("show {vulnerability}")),
        ExposureCommand::Decide(args) => {
            let what = format!("decide {}", args.vulnerability);
            decide(session, &args).await.attempt(what)
        }
    }
}

/// Everything about one vulnerability.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Whole {
    vulnerability: String,
    title: String,
    exploited_since: Option<String>,
    scores: Vec<Score>,
    sets: Vec<ForSet>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Score {
    by: String,
    cvss: String,
    base: String,
    vector: String,
}

/// What it means for pumps that report the same versions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ForSet {
    version_set: String,
    of: String,
    verdict: String,
    explanation: String,
    decision: Option<Decision>,
    pumps: Vec<Pump>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Decision {
    verdict: String,
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pump {
    serial: String,
    asset_tag: Option<String>,
    care_area: Option<String>,
}

impl Row for ForSet {
    const NONE: &'static str = "no such pumps";
    const COLUMNS: &'static [&'static str] = &["MODEL AND VERSIONS", "VERDICT", "PUMPS"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        let named: Vec<_> = self.pumps.iter().take(20).map(Pump::words).collect();
        let more = self.pumps.len().saturating_sub(named.len());
        let mut pumps = named.join(", ");
        if more > 0 {
            pumps = format!("{pumps} and {more} more");
        }
        vec![Cell::from(&self.of), verdict(&self.verdict), Cell::from(pumps)]
    }
}

impl Pump {
    fn words(&self) -> String {
        let name = self.asset_tag.as_ref().unwrap_or(&self.serial);
        match &self.care_area {
            Some(area) => format!("{name} ({area})"),
            None => name.clone(),
        }
    }
}

fn tell(output: &mut Output, times: &Times, whole: &Whole) -> std::io::Result<()> {
    let scores: Vec<_> = whole
        .scores
        .iter()
        .map(|score| {
            format!(
                "{} by {} (CVSS {}, {})",
                score.base, score.by, score.cvss, score.vector
            )
        })
        .collect();
    let exploited = whole
        .exploited_since
        .as_ref()
        .map(|since| format!("since {since} (CISA)"));
    output.sheet([
        ("vulnerability", Cell::from(&whole.vulnerability)),
        ("title", Cell::from(&whole.title)),
        ("known exploited", exploited.into()),
        ("scores", Cell::from(scores.join("; "))),
    ])?;
    output.line("")?;
    output.table(
        ForSet::COLUMNS,
        whole.sets.iter().map(|set| set.cells(times)).collect(),
    )?;
    for set in &whole.sets {
        output.line("")?;
        output.line(&printable(&set.of))?;
        for line in set.explanation.lines().skip(1) {
            output.line(&format!("  {}", printable(line)))?;
        }
        if let Some(decision) = &set.decision {
            let words = decision.verdict.replace('_', " ");
            output.line(&format!(
                "  decided here: {words}: {}",
                printable(&decision.reason)
            ))?;
        }
    }
    Ok(())
}

async fn decide(session: &mut Session<'_>, args: &DecideArgs) -> Result<(), Cause> {
    let whole: Whole = session
        .fetch(&Call::get(["exposures", &args.vulnerability]))
        .await?;
    let wanted = args.model.as_ref().map(|words| words.to_lowercase());
    let open = whole.sets.into_iter().filter(|set| {
        let is_meant = wanted
            .as_ref()
            .is_none_or(|words| set.of.to_lowercase().contains(words));
        is_meant && (set.verdict == "needs_review" || set.decision.is_some())
    });
    let set = session.only(&args.vulnerability, "doubt to decide", open.collect())?;
    let body = json!({
        "version_set": set.version_set, "verdict": args.verdict.as_str(), "reason": args.reason,
    });
    let done = format!(
        "{} is decided for {}: {}.",
        args.vulnerability,
        set.of,
        args.verdict.as_str().replace('_', " ")
    );
    let call = Call::post(["exposures", &args.vulnerability, "decisions"]).json(body);
    session.act(&call, &done).await
}
