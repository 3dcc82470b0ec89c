//! Manufacturers' repositories and releases: whose keys are trusted, and what they signed.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use fleet::{
    access::Permission,
    audit::Action,
    event::EventKind,
    id::{ManufacturerId, ReleaseId, RepositoryId},
    release::RepositoryName,
    signature::{Digest, Meaning, SignatureState, SubjectKind, state},
    text::Name,
};
use serde_json::{Value, json};
use store::{ReleaseRecord, RepositoryRecord, StoreError};

use super::{CommandError, change::Change, subject};
use crate::{
    app::{Actor, App},
    deed::Deed,
    engine::rollout::facts::ReleaseFile,
    firmware::{
        import::{self, Import},
        publish,
        source::ArchiveLimits,
    },
};

/// The largest root of trust that is read, in bytes.
pub const ROOT_MAX: usize = 32 * 1024;

/// Puts a manufacturer's repository on record, with its root of trust. It is trusted once somebody signed for it.
///
/// # Errors
/// [`CommandError::NotARoot`]; [`StoreError::Conflict`] when the name is taken.
pub fn repository_add(
    app: &App,
    actor: &Actor,
    name: &RepositoryName,
    manufacturer: &Name,
    root: &str,
) -> Result<RepositoryRecord, CommandError> {
    let read: Value = serde_json::from_str(root).map_err(|_| CommandError::NotARoot)?;
    let kind = read.pointer("/signed/_type").and_then(Value::as_str);
    if root.len() > ROOT_MAX || kind != Some("root") {
        return Err(CommandError::NotARoot);
    }
    let change = Change::by(actor, app, Permission::ReleaseImport);
    let Some(added_by) = actor.account() else {
        return Err(CommandError::OnlyAPerson);
    };
    change.commit(|db| {
        let record = RepositoryRecord {
            id: change.id(RepositoryId::from_uuid),
            name: name.clone(),
            manufacturer: db.manufacturer_ensure(manufacturer, change.id(ManufacturerId::from_uuid))?,
            root: root.to_owned(),
            root_hash: Digest::of(root.as_bytes()),
            added_by,
            added_at: change.now,
        };
        db.repository_create(&record)?;
        let deed = Deed::of(Action::RepositoryAdded, "repository", record.id).after(json!({
            "name": record.name,
            "manufacturer": manufacturer,
            "root_sha256": record.root_hash,
        }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::ReleaseImported,
            None,
            format_args!("repository {name} of {manufacturer}: its root of trust waits for a signature"),
        )?;
        Ok(record)
    })
}

/// Whether somebody may import at all: asked before anything is taken in.
///
/// # Errors
/// [`CommandError::Denied`].
pub fn may_import(app: &App, actor: &Actor) -> Result<(), CommandError> {
    Change::by(actor, app, Permission::ReleaseImport).check()
}

/// One import at a time: each reads what was published before it, and publishes.
static IMPORTING: Mutex<()> = Mutex::new(());

/// Imports what is new in a repository: it is checked as a pump checks it, put on record, and published. Says the releases that
/// are new. It takes as long as reading and copying the firmware does.
///
/// # Errors
/// [`CommandError::RootNotTrusted`], [`CommandError::Import`], [`CommandError::Publish`], [`CommandError::OtherManufacturer`].
pub fn import(
    app: &App,
    actor: &Actor,
    repository: RepositoryId,
    source: &Path,
) -> Result<Vec<ReleaseRecord>, CommandError> {
    let change = Change::by(actor, app, Permission::ReleaseImport);
    change.check()?;
    let _turn = IMPORTING.lock().unwrap_or_else(PoisonError::into_inner);
    let imported = checked_and_imported(app, actor, &change, repository, source);
    if let Err(refusal) = &imported {
        let deed = Deed::of(Action::ReleaseRefused, "repository", repository)
            .after(json!({ "why": refusal.to_string() }));
        let entry = deed.entry(actor, app.now());
        if let Err(error) = app.store.write(|db| db.audit_append(entry).map(drop)) {
            tracing::error!(%error, "a refused release could not be put on record");
        }
    }
    imported
}

fn checked_and_imported(
    app: &App,
    actor: &Actor,
    change: &Change<'_>,
    id: RepositoryId,
    source: &Path,
) -> Result<Vec<ReleaseRecord>, CommandError> {
    let Some(imported_by) = actor.account() else {
        return Err(CommandError::OnlyAPerson);
    };
    let (repository, manufacturer) = trusted(app, id)?;
    let seen = publish::seen_dir(&app.firmware_dir, &repository.name);
    let scratch = app.firmware_dir.join(".import");
    std::fs::create_dir_all(&scratch).map_err(CommandError::Scratch)?;
    let checked = import::check(&Import {
        source,
        trusted_root: repository.root.as_bytes(),
        seen: seen.exists().then_some(seen.as_path()),
        manifests: None,
        scratch: &scratch,
        limits: ArchiveLimits::default(),
        now: app.now(),
    })?;
    for release in &checked.releases {
        if release.manifest.manufacturer != manufacturer {
            return Err(CommandError::OtherManufacturer {
                named: release.manifest.manufacturer.clone(),
                trusted: manufacturer,
            });
        }
    }
    publish::publish(&checked, &app.firmware_dir, &repository.name)?;
    change.commit(|db| {
        let known: Vec<_> = db.release_list()?;
        let mut new = Vec::new();
        for release in &checked.releases {
            let is_known = known
                .iter()
                .any(|known| known.repository == id && known.manifest_hash == release.sha256);
            if is_known {
                continue;
            }
            let files: Vec<_> = release
                .files
                .iter()
                .map(|file| ReleaseFile {
                    path: file.path.clone(),
                    length: file.length,
                    sha256: file.sha256,
                })
                .collect();
            let record = ReleaseRecord {
                id: change.id(ReleaseId::from_uuid),
                repository: id,
                name: release.manifest.name.clone(),
                version: release.manifest.version.clone(),
                manifest: String::from_utf8_lossy(&release.bytes).into_owned(),
                manifest_hash: release.sha256,
                targets: json!(files),
                imported_by,
                imported_at: change.now,
            };
            db.release_create(&record)?;
            let deed = Deed::of(Action::ReleaseImported, "release", record.id).after(json!({
                "repository": repository.name,
                "name": record.name,
                "version": record.version,
                "manifest_sha256": record.manifest_hash,
                "targets": record.targets,
                "tuf": {
                    "root": checked.root.version,
                    "targets": checked.targets.version,
                    "snapshot": checked.snapshot.version,
                    "timestamp": checked.timestamp.version,
                },
            }));
            change.record(db, deed)?;
            change.tell(
                db,
                EventKind::ReleaseImported,
                None,
                format_args!("release {} {}", record.name, record.version),
            )?;
            new.push(record);
        }
        Ok(new)
    })
}

/// A repository whose root somebody signed for, with its manufacturer's name.
fn trusted(app: &App, id: RepositoryId) -> Result<(RepositoryRecord, Name), CommandError> {
    const KIND: SubjectKind = SubjectKind::TrustRoot;
    const MEANING: Meaning = Meaning::RootOfTrustImported;
    let now = app.now();
    let (repository, manufacturer, is_trusted) = app.store.read(|db| {
        let repository = db.repository_fetch(id)?;
        let manufacturer = db
            .manufacturer_list()?
            .into_iter()
            .find(|manufacturer| manufacturer.id == repository.manufacturer)
            .ok_or(StoreError::NotFound {
                what: "manufacturer",
                id: repository.manufacturer.to_string(),
            })?;
        let current = subject::current(db, KIND, id.as_uuid(), MEANING, now)?;
        let is_trusted = db.signature_of(KIND, id.as_uuid())?.iter().any(|record| {
            record.statement.answer.is_signature()
                && state(&record.statement, current.as_ref()) == SignatureState::Valid
        });
        Ok((repository, manufacturer.name, is_trusted))
    })?;
    if is_trusted {
        Ok((repository, manufacturer))
    } else {
        Err(CommandError::RootNotTrusted {
            name: repository.name,
        })
    }
}
