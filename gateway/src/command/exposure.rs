//! Advisories that are carried in, and what people decide where none of them is clear.

use std::{collections::BTreeSet, path::Path};

use ::exposure::{
    Advisory,
    feed::{Feed, Stamp},
    matching::{Changed, Index},
};
use fleet::{
    access::Permission,
    audit::Action,
    event::EventKind,
    id::{AdvisoryRecordId, ExposureDecisionId},
    signature::Digest,
    text::Reason,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{AdvisoryRecord, DecisionRecord, FeedRecord, StoreError};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    deed::Deed,
    exposure::{
        corrupt,
        intake::{self, Carried, Document},
        kept,
        settle::{self, Found, Scope},
    },
};

/// The most files that one entry of the audit trail names.
const NAMED: usize = 200;

/// A file of an import, and what became of it.
#[derive(Debug, Clone)]
pub struct FileOutcome {
    /// Its name.
    pub name: String,
    /// The SHA-256 of its bytes.
    pub sha256: Digest,
    /// What it says of itself, or why it was refused.
    pub read: Result<Stamp, String>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Each file.
    pub files: Vec<FileOutcome>,
    /// Vulnerabilities of which something new is known.
    pub changed: usize,
    /// Records that were known so already.
    pub unchanged: usize,
    /// Records that are older than what is known.
    pub older: usize,
    /// Vulnerabilities that are open on pumps now, with how many pumps.
    pub opened: Vec<(String, usize)>,
    /// Those that are open on these pumps no longer.
    pub closed: Vec<(String, usize)>,
}

impl Imported {
    pub(super) fn follows(&mut self, found: &Found) {
        self.opened = found.opened.clone().into_iter().collect();
        self.closed = found.closed.clone().into_iter().collect();
    }
}

/// Whether somebody may import at all: asked before anything is taken in.
///
/// # Errors
/// [`CommandError::Denied`].
pub fn may_import(app: &App, actor: &Actor) -> Result<(), CommandError> {
    Change::by(actor, app, Permission::ExposureImport).check()
}

/// Imports the advisories of a file or of an archive, and finds out what follows for the pumps. A file that is refused changes
/// nothing; the others of the archive count. A preview keeps nothing at all.
///
/// # Errors
/// [`CommandError::Intake`], [`CommandError::NothingTaken`]: with every reason.
pub fn import(
    app: &App,
    actor: &Actor,
    path: &Path,
    name: &str,
    preview: bool,
) -> Result<Imported, CommandError> {
    let change = Change::by(actor, app, Permission::ExposureImport);
    change.check()?;
    let done = intake::read(path, name, &app.firmware_dir.join(".import"))
        .map_err(CommandError::from)
        .and_then(|files| taken(app, &change, files, name, preview));
    if let Err(refusal) = &done {
        refused(app, actor, name, refusal);
    }
    done
}

/// Puts on record that a document was refused. The refusal stands anyway.
pub(super) fn refused(app: &App, actor: &Actor, name: &str, refusal: &CommandError) {
    if !matches!(
        refusal,
        CommandError::Intake(_) | CommandError::NothingTaken { .. }
    ) {
        return;
    }
    let why: String = refusal.to_string().chars().take(2_000).collect();
    let deed = Deed::of(Action::DocumentRefused, "document", name).after(json!({ "why": why }));
    let entry = deed.entry(actor, app.now());
    if let Err(error) = app.store.write(|db| db.audit_append(entry).map(drop)) {
        tracing::error!(%error, "a refused document could not be put on record");
    }
}

fn taken(
    app: &App,
    change: &Change<'_>,
    files: Vec<Carried>,
    name: &str,
    preview: bool,
) -> Result<Imported, CommandError> {
    let mut held = app.catalogue.hold(app)?;
    let mut next: Index = held.index().clone();
    let mut done = Imported::default();
    let mut changed = Changed::default();
    // What has to be written anew: what changed, and what a newer document says again.
    let mut told = BTreeSet::new();
    for Carried { name, sha256, read } in files {
        let read = match read {
            Ok(Document::Feed(Feed { stamp, advisories })) => {
                told.extend(advisories.iter().map(|advisory| advisory.vulnerability.clone()));
                let step = next.import(Feed {
                    stamp: stamp.clone(),
                    advisories,
                });
                done.unchanged += step.unchanged;
                done.older += step.older;
                changed.vulnerabilities.extend(step.vulnerabilities);
                Ok(stamp)
            }
            Ok(Document::List(_)) => Err(format!(
                "{name} is a component list; say what it is of (`gateway sbom import`)"
            )),
            Err(why) => Err(why),
        };
        done.files.push(FileOutcome { name, sha256, read });
    }
    if done.files.iter().all(|file| file.read.is_err()) {
        let refused = done.files.into_iter().filter_map(|file| file.read.err());
        return Err(CommandError::NothingTaken {
            refused: refused.take(20).collect(),
        });
    }
    done.changed = changed.vulnerabilities.len();
    told.extend(changed.vulnerabilities.iter().cloned());
    let now = change.now;
    let found = app
        .store
        .read(|db| settle::find(db, &next, None, Scope::About(&changed), now))?;
    done.follows(&found);
    if preview {
        return Ok(done);
    }
    let mut records = Vec::new();
    for advisory in told.iter().flat_map(|id| next.about(id)) {
        records.push(row(change, advisory)?);
    }
    let told: Vec<&str> = told.iter().map(|id| id.as_str()).collect();
    change.commit(|db| {
        db.advisory_replace(&told, &records)?;
        for stamp in done.files.iter().filter_map(|file| file.read.as_ref().ok()) {
            db.feed_note(&feed(change, stamp))?;
        }
        settle::keep(db, &found, now)?;
        let named: Vec<_> = done
            .files
            .iter()
            .take(NAMED)
            .map(|file| {
                json!({
                    "name": file.name,
                    "sha256": file.sha256,
                    "document": file.read.as_ref().ok().map(|stamp| &stamp.document),
                    "refused": file.read.as_ref().err(),
                })
            })
            .collect();
        let deed = Deed::of(Action::AdvisoriesImported, "document", name).after(json!({
            "files": done.files.len(),
            "first": named,
            "changed": done.changed,
            "opened": done.opened.len(),
            "closed": done.closed.len(),
        }));
        change.record(db, deed)?;
        let what = format_args!(
            "{name}: {} vulnerabilities changed, {} opened, {} closed",
            done.changed,
            done.opened.len(),
            done.closed.len()
        );
        change.tell(db, EventKind::AdvisoriesImported, None, what)
    })?;
    held.replace(next);
    drop(held);
    // Rollouts may mean pumps by their vulnerabilities.
    app.bell.ring();
    Ok(done)
}

fn row(change: &Change<'_>, advisory: &Advisory) -> Result<AdvisoryRecord, StoreError> {
    let body = serde_json::to_string(advisory).map_err(|error| corrupt("write an advisory", error))?;
    Ok(AdvisoryRecord {
        id: change.id(AdvisoryRecordId::from_uuid),
        vulnerability: advisory.vulnerability.to_string(),
        feed: advisory.source.feed.name().to_owned(),
        body,
    })
}

fn feed(change: &Change<'_>, stamp: &Stamp) -> FeedRecord {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    FeedRecord {
        feed: stamp.feed.name().to_owned(),
        publisher: stamp.publisher.clone(),
        document: stamp.document.clone(),
        made_at: stamp.made_at,
        records: count(stamp.records),
        without_products: count(stamp.without_products),
        imported_by: change.actor.name().to_owned(),
        imported_at: change.now,
    }
}

/// What a person says where no document is clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewAnswer {
    /// These pumps are.
    Affected,
    /// These pumps are not.
    NotAffected,
}

impl ReviewAnswer {
    /// The word of the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::NotAffected => "not_affected",
        }
    }
}

/// Decides what no document makes clear for pumps of a version set. The decision is remembered by the doubt: the same doubt at the
/// next import, or on other pumps, is decided already; a corrected document is a new doubt.
///
/// # Errors
/// [`CommandError::NothingToDecide`]; [`StoreError::NotFound`] when nothing is known of the vulnerability for these pumps.
pub fn decide(
    app: &App,
    actor: &Actor,
    vulnerability: &str,
    version_set: Digest,
    answer: ReviewAnswer,
    reason: &Reason,
) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::ExposureDecide);
    let decided_by = actor.account().ok_or(CommandError::OnlyAPerson)?;
    let held = app.catalogue.hold(app)?;
    change.commit(|db| {
        let records = db.exposure_about(vulnerability)?;
        let record = records
            .into_iter()
            .find(|record| record.version_set == version_set)
            .ok_or_else(|| StoreError::NotFound {
                what: "exposure",
                id: vulnerability.to_owned(),
            })?;
        let finding = kept(&record)?;
        let (doubt, words) = settle::doubt(&finding).ok_or(CommandError::NothingToDecide)?;
        let decision = DecisionRecord {
            id: change.id(ExposureDecisionId::from_uuid),
            doubt,
            vulnerability: vulnerability.to_owned(),
            words,
            verdict: answer.as_str().to_owned(),
            reason: reason.clone(),
            decided_by,
            decided_at: change.now,
        };
        db.decision_add(&decision)?;
        let changed = Changed {
            vulnerabilities: BTreeSet::from([finding.vulnerability]),
            ..Changed::default()
        };
        let found = settle::find(db, held.index(), None, Scope::About(&changed), change.now)?;
        settle::keep(db, &found, change.now)?;
        let deed = Deed::of(Action::ExposureDecided, "exposure", vulnerability)
            .before(json!({ "verdict": record.verdict }))
            .after(json!({ "verdict": answer.as_str(), "doubt": decision.words, "decision": decision.id }))
            .because(reason);
        change.record(db, deed)
    })?;
    drop(held);
    app.bell.ring();
    Ok(())
}
