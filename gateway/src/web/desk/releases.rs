//! Releases: what manufacturers brought out, what each changes, what a pump has to prove afterwards.

use actix_web::web::{Data, Path};
use askama::Template;
use fleet::{
    check::{CheckSpec, Conduct, Expectation},
    id::ReleaseId,
    release::Extent,
};

use super::{Clock, Fact, fact};
use crate::{
    engine::rollout::facts,
    web::{Answer, Web, frame::Frame, gate::Visitor, page as rendered, page::Page, when::When},
};

struct Line {
    name: String,
    path: String,
    imported: When,
}

#[derive(Template)]
#[template(path = "desk_releases.html")]
struct ReleasesPage {
    frame: Frame,
    lines: Vec<Line>,
}

pub(in crate::web) async fn list(web: Data<Web>, visitor: Visitor) -> Answer {
    let clock = Clock::of(web.app());
    let rows = web.run(|app| app.store.read(|db| db.release_list())).await?;
    let line = |row: store::ReleaseRecord| Line {
        name: format!("{} {}", row.name, row.version),
        path: format!("/releases/{}", row.id),
        imported: clock.when(row.imported_at),
    };
    rendered(&ReleasesPage {
        frame: Frame::of(&web, &visitor),
        lines: rows.into_iter().map(line).collect(),
    })
}

struct Check {
    what: &'static str,
    by: String,
    prompt: String,
    limit: String,
}

impl Check {
    fn of(spec: &CheckSpec) -> Self {
        Self {
            what: spec.kind.label(),
            by: match &spec.conduct {
                Conduct::Pump {} => "The pump".to_owned(),
                Conduct::Person { instrument: None } => "A person".to_owned(),
                Conduct::Person {
                    instrument: Some(instrument),
                } => format!("A person, with: {instrument}"),
            },
            prompt: spec.prompt.to_string(),
            limit: limit(&spec.expect),
        }
    }
}

/// What a reading is held against.
pub(super) fn limit(expect: &Expectation) -> String {
    match expect {
        Expectation::Quantity(limits) => limits.to_string(),
        Expectation::Digest { .. } => "the approved one".to_owned(),
        Expectation::Confirmation {} => "yes".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "desk_release.html")]
struct ReleasePage {
    frame: Frame,
    facts: Vec<Fact>,
    bedside: Vec<String>,
    brings: Vec<Fact>,
    checks: Vec<Check>,
    fixes: Vec<Fact>,
}

pub(in crate::web) async fn show(web: Data<Web>, visitor: Visitor, id: Path<ReleaseId>) -> Answer {
    let clock = Clock::of(web.app());
    let id = *id;
    let (release, importer) = web
        .run(move |app| {
            app.store.read(|db| {
                let release = facts::release(db, id)?;
                let importer = db.account_fetch(release.record.imported_by)?;
                Ok((release, importer))
            })
        })
        .await?;
    let manifest = &release.manifest;
    let joined = |names: Vec<String>| (!names.is_empty()).then(|| names.join(", "));
    let facts = [
        fact("Manufacturer", Some(manifest.manufacturer.to_string())),
        fact(
            "For",
            joined(manifest.models.iter().map(ToString::to_string).collect()),
        ),
        fact(
            "Hardware",
            joined(manifest.hardware.iter().map(ToString::to_string).collect()),
        ),
        fact(
            "Imported",
            Some(format!(
                "{} by {}",
                clock.say(release.record.imported_at),
                importer.printed_name
            )),
        ),
    ];
    let title = format!("{} {}", manifest.name, manifest.version);
    rendered(&ReleasePage {
        frame: Frame::of(&web, &visitor)
            .titled(title)
            .below(Page::Releases.path(), Page::Releases.title()),
        facts: facts.into_iter().flatten().collect(),
        bedside: manifest.bedside.iter().map(ToString::to_string).collect(),
        brings: manifest
            .brings
            .iter()
            .map(|part| Fact {
                name: part.name.to_string(),
                value: part.version.to_string(),
            })
            .collect(),
        checks: manifest.checks.iter().map(Check::of).collect(),
        fixes: manifest
            .fixes
            .iter()
            .map(|fix| Fact {
                name: fix.id.to_string(),
                value: match fix.extent {
                    Extent::Fully => "fixed",
                    Extent::Partly => "fixed in part: the pump stays exposed, if less",
                }
                .to_owned(),
            })
            .collect(),
    })
}
