//! `gateway repository|release …`: whose keys are trusted, and what they signed.

use std::{collections::HashMap, io::Read, path::Path};

use fleet::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    args::{ReleaseCommand, RepositoryCommand},
    client::Call,
    error::{Attempt, Cause, CliError},
    output::Output,
    session::{Session, read},
    table::{Cell, Row, printable},
    time::Times,
    upload::Upload,
};

/// A manufacturer's repository on record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Repository {
    pub id: String,
    pub name: String,
    root_sha256: String,
    added_at: Option<Timestamp>,
}

impl Row for Repository {
    const NONE: &'static str = "no repositories";
    const COLUMNS: &'static [&'static str] = &["REPOSITORY", "ADDED", "ROOT OF TRUST (SHA-256)", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::from(&self.name),
            Cell::time(self.added_at, times),
            Cell::from(&self.root_sha256),
            Cell::from(&self.id),
        ]
    }
}

/// A release on record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Release {
    pub id: String,
    pub repository: String,
    pub name: String,
    pub version: String,
    manifest_sha256: String,
    imported_at: Option<Timestamp>,
}

impl Release {
    fn is_called(&self, name: &str) -> bool {
        let whole = || format!("{} {}", self.name, self.version);
        self.id == name || self.name.eq_ignore_ascii_case(name) || whole().eq_ignore_ascii_case(name)
    }
}

impl Row for Release {
    const NONE: &'static str = "no releases";
    const COLUMNS: &'static [&'static str] = &["RELEASE", "VERSION", "IMPORTED", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::from(&self.name),
            Cell::from(&self.version),
            Cell::time(self.imported_at, times),
            Cell::from(&self.id),
        ]
    }
}

/// Does what was asked about repositories.
///
/// # Errors
/// [`CliError`], with what was attempted on which repository.
pub async fn repository(session: &mut Session<'_>, command: RepositoryCommand) -> Result<(), CliError> {
    match command {
        RepositoryCommand::List => session
            .list_whole::<Repository>(Call::get(["repositories"]))
            .await
            .attempt("list repositories"),
        RepositoryCommand::Add {
            name,
            manufacturer,
            root,
        } => {
            let added = match text_of(&root) {
                Ok(text) => {
                    let body = json!({"name": name, "manufacturer": manufacturer, "root": text});
                    add(session, body).await
                }
                Err(cause) => Err(cause),
            };
            added.attempt(format!("add the repository {name}"))
        }
    }
}

async fn add(session: &mut Session<'_>, body: Value) -> Result<(), Cause> {
    let call = Call::post(["repositories"]).json(body);
    session
        .show(&call, |output, times, repository: &Repository| {
            output.sheet([
                ("repository", Cell::from(&repository.name)),
                ("id", Cell::from(&repository.id)),
                ("root of trust (SHA-256)", Cell::from(&repository.root_sha256)),
                ("added", Cell::time(repository.added_at, times)),
            ])?;
            output.note(&format!(
                "Nothing is imported until somebody signed for it: gateway signature sign trust_root {} --meaning root_of_trust_imported",
                repository.name
            ))
        })
        .await
}

/// The text of a file, or of standard input for `-`.
pub(super) fn text_of(path: &Path) -> Result<String, Cause> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|source| Cause::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

/// The id of the repository that a person named.
///
/// # Errors
/// [`Cause::NotFound`].
pub async fn repository_id(session: &Session<'_>, name: &str) -> Result<String, Cause> {
    let mut found: Vec<Repository> = session.all_read(Call::get(["repositories"])).await?;
    found.retain(|repository| repository.id == name || repository.name == name);
    session
        .only(name, "repository", found)
        .map(|repository| repository.id)
}

/// The release that a person named.
///
/// # Errors
/// [`Cause::NotFound`], or [`Cause::Ambiguous`]: several versions may have one name.
pub async fn named(session: &Session<'_>, name: &str) -> Result<Release, Cause> {
    let mut found: Vec<Release> = session.all_read(Call::get(["releases"])).await?;
    found.retain(|release| release.is_called(name));
    session.only(name, "release", found)
}

/// Does what was asked about releases that a gateway knows.
///
/// # Errors
/// [`CliError`], with what was attempted on which release.
pub async fn run(session: &mut Session<'_>, command: ReleaseCommand) -> Result<(), CliError> {
    match command {
        ReleaseCommand::Import { repository, path } => {
            let what = format!("import {} into {repository}", path.display());
            import(session, &repository, &path).await.attempt(what)
        }
        ReleaseCommand::List => list(session).await.attempt("list releases"),
        ReleaseCommand::Show { release } => show(session, &release)
            .await
            .attempt(format!("show the release {release}")),
        ReleaseCommand::Diff { from, to } => super::exposure::difference(session, &from, &to)
            .await
            .attempt(format!("compare {from} with {to}")),
        // Done before a gateway is looked for.
        ReleaseCommand::Make(args) => super::make::run(&args, session.output),
    }
}

async fn import(session: &mut Session<'_>, repository: &str, path: &Path) -> Result<(), Cause> {
    let id = repository_id(session, repository).await?;
    let upload = Upload::open(path)?;
    let call = Call::post(["repositories", &id, "import"]);
    let document = session.client.upload(&call, reqwest::Body::wrap(upload)).await?;
    if session.output.json {
        return Ok(session.output.document(&document)?);
    }
    let new = document
        .get("items")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if new.is_empty() {
        return Ok(session
            .output
            .note("Everything in it holds, and was imported already.")?);
    }
    session.rows::<Release>(new)
}

/// A release in a list, with the name of its repository.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Listed {
    #[serde(flatten)]
    release: Release,
    repository_name: Option<String>,
}

impl Row for Listed {
    const NONE: &'static str = Release::NONE;
    const COLUMNS: &'static [&'static str] = &["RELEASE", "VERSION", "REPOSITORY", "IMPORTED", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let mut cells = self.release.cells(times);
        cells.insert(2, self.repository_name.as_ref().into());
        cells
    }
}

async fn list(session: &mut Session<'_>) -> Result<(), Cause> {
    let mut items = session.all(Call::get(["releases"])).await?;
    if session.output.json {
        return Ok(session.output.document(&Value::Array(items))?);
    }
    let repositories: Vec<Repository> = session.all_read(Call::get(["repositories"])).await?;
    let names: HashMap<_, _> = repositories
        .into_iter()
        .map(|repository| (repository.id, repository.name))
        .collect();
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        let name = item
            .get("repository")
            .and_then(Value::as_str)
            .and_then(|id| names.get(id));
        item.insert("repository_name".to_owned(), json!(name));
    }
    session.rows::<Listed>(items)
}

/// A release with its manifest.
#[derive(Debug, Deserialize)]
struct Whole {
    #[serde(flatten)]
    release: Release,
    class: String,
    manifest: Value,
    files: Vec<File>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    path: String,
    length: u64,
    sha256: String,
}

async fn show(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let release = named(session, name).await?;
    session
        .show(
            &Call::get(["releases", &release.id]),
            |output, times, whole: &Whole| tell(output, times, whole),
        )
        .await
}

fn tell(output: &mut Output, times: &Times, whole: &Whole) -> std::io::Result<()> {
    let manifest: Manifest = read(whole.manifest.clone()).unwrap_or_default();
    let joined = |parts: Vec<String>| Cell::from(parts.join(", "));
    let named = |parts: &[Named]| {
        joined(
            parts
                .iter()
                .map(|part| format!("{} {}", part.name, part.version))
                .collect(),
        )
    };
    output.sheet([
        ("release", Cell::from(&whole.release.name)),
        ("version", Cell::from(&whole.release.version)),
        ("manufacturer", Cell::from(&manifest.manufacturer)),
        ("models", joined(manifest.models)),
        ("class", Cell::from(whole.class.replace('_', " "))),
        ("brings", named(&manifest.brings)),
        (
            "fixes",
            joined(
                manifest
                    .fixes
                    .iter()
                    .map(|fix| format!("{} {}", fix.id, fix.extent))
                    .collect(),
            ),
        ),
        ("imported", Cell::time(whole.release.imported_at, times)),
        ("manifest (SHA-256)", Cell::from(&whole.release.manifest_sha256)),
        ("id", Cell::from(&whole.release.id)),
    ])?;
    output.line("")?;
    for line in &manifest.bedside {
        output.line(&format!("At the bedside: {}", printable(line)))?;
    }
    output.line("")?;
    let checks = manifest.checks.iter().map(Check::cells).collect();
    output.table(&["CHECK", "KIND", "BY", "EXPECTED", "WHAT TO DO"], checks)?;
    output.line("")?;
    let files = whole.files.iter().map(|file| {
        vec![
            Cell::from(&file.path),
            Cell::from(file.length.to_string()),
            Cell::from(&file.sha256),
        ]
    });
    output.table(&["FILE", "BYTES", "SHA-256"], files.collect())
}

/// What is shown of a manifest.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    manufacturer: String,
    models: Vec<String>,
    brings: Vec<Named>,
    checks: Vec<Check>,
    bedside: Vec<String>,
    fixes: Vec<Fix>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
    version: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fix {
    id: String,
    extent: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Check {
    id: String,
    kind: String,
    prompt: String,
    conduct: Conduct,
    expect: Expect,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Conduct {
    by: String,
    instrument: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Expect {
    reading: String,
    unit: String,
    low: Option<f64>,
    high: Option<f64>,
}

impl Check {
    fn cells(&self) -> Vec<Cell> {
        let by = match &self.conduct.instrument {
            Some(instrument) => format!("{}, with {instrument}", self.conduct.by),
            None => self.conduct.by.clone(),
        };
        vec![
            Cell::from(&self.id),
            Cell::from(self.kind.replace('_', " ")),
            Cell::from(by),
            Cell::from(self.expect.words()),
            Cell::from(&self.prompt),
        ]
    }
}

impl Expect {
    fn words(&self) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => format!("{low} to {high} {}", self.unit),
            (Some(low), None) => format!("at least {low} {}", self.unit),
            (None, Some(high)) => format!("at most {high} {}", self.unit),
            (None, None) => self.reading.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::tests::captured;

    const TIMES: Times = Times {
        now: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        zone: chrono::FixedOffset::east_opt(0),
    };

    #[test]
    fn a_release_is_known_by_its_name_with_or_without_version() {
        let release = Release {
            id: "id".to_owned(),
            name: "Volumat 7".to_owned(),
            version: "9.12".to_owned(),
            ..Release::default()
        };
        for name in ["id", "volumat 7", "Volumat 7 9.12"] {
            assert!(release.is_called(name), "{name}");
        }
        assert!(!release.is_called("9.12") && !release.is_called("Volumat"));
    }

    #[test]
    fn a_release_is_shown_whole_on_one_page() {
        let manifest: Value =
            serde_json::from_str(include_str!("../../../docs/release-manifest.example.json")).unwrap();
        let whole = Whole {
            release: Release {
                id: "0198".to_owned(),
                name: "Volumat 7 infusion control".to_owned(),
                version: "9.12".to_owned(),
                manifest_sha256: "ab".to_owned(),
                imported_at: Some(TIMES.now),
                ..Release::default()
            },
            class: "infusion_control".to_owned(),
            manifest,
            files: vec![File {
                path: "volumat7/9.12/main.bin".to_owned(),
                length: 300_000,
                sha256: "cd".to_owned(),
            }],
        };
        let (mut output, out, _) = captured(false);
        tell(&mut output, &TIMES, &whole).unwrap();
        insta::assert_snapshot!(out.text());
    }

    #[test]
    fn every_row_has_as_many_cells_as_headings() {
        fn check<R: Row + Default>() {
            assert_eq!(R::default().cells(&TIMES).len(), R::COLUMNS.len(), "{}", R::NONE);
        }
        check::<Repository>();
        check::<Release>();
        check::<Listed>();
    }
}
