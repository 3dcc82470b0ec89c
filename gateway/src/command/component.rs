//! Component lists that are carried in: what a release, or a model, is made of.

use std::path::Path;

use ::exposure::ComponentList;
use fleet::{
    access::Permission,
    audit::Action,
    event::EventKind,
    id::{ComponentListId, ModelId, ReleaseId},
    text::{ComponentName, ComponentVersion},
};
use serde_json::json;
use store::{ComponentListRecord, Db, StoreError};

use super::{
    CommandError,
    change::Change,
    exposure::{Imported, refused},
};
use crate::{
    app::{Actor, App},
    deed::Deed,
    exposure::{
        corrupt,
        intake::{self, Carried, Document},
        lists::{Carrier, Listed, Lists},
        settle::{self, Scope},
    },
};

/// What a list is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListOf {
    /// A release: of every pump that runs all it brings.
    Release(ReleaseId),
    /// A model, or those of its pumps that report a part, in one version or in any.
    Model {
        /// Which model.
        model: ModelId,
        /// Which part, where it is of no more than that.
        part: Option<(ComponentName, Option<ComponentVersion>)>,
    },
}

/// A component list that came in, and what follows from it.
#[derive(Debug, Clone)]
pub struct ListImported {
    /// The list.
    pub record: ComponentListRecord,
    /// How many pumps it holds for now.
    pub pumps: usize,
    /// What follows.
    pub follows: Imported,
}

/// Imports a component list, in the place of one that is known for the same thing, and finds out what follows for the pumps. A preview
/// keeps nothing.
///
/// # Errors
/// [`CommandError::Intake`], [`CommandError::NothingTaken`]; [`StoreError::NotFound`] for release or model.
pub fn import(
    app: &App,
    actor: &Actor,
    of: &ListOf,
    path: &Path,
    name: &str,
    preview: bool,
) -> Result<ListImported, CommandError> {
    let change = Change::by(actor, app, Permission::ExposureImport);
    change.check()?;
    let done = intake::read(path, name, &app.firmware_dir.join(".import"))
        .map_err(CommandError::from)
        .and_then(only_list)
        .and_then(|(carried, list)| taken(app, &change, of, &carried, list, preview));
    if let Err(refusal) = &done {
        refused(app, actor, name, refusal);
    }
    done
}

fn only_list(files: Vec<Carried>) -> Result<(Carried, ComponentList), CommandError> {
    let refuse = |why: String| CommandError::NothingTaken { refused: vec![why] };
    let mut files = files.into_iter();
    let (Some(mut carried), None) = (files.next(), files.next()) else {
        return Err(refuse("give one component list at a time".to_owned()));
    };
    let nothing = Err("it was taken already".to_owned());
    match std::mem::replace(&mut carried.read, nothing) {
        Ok(Document::List(list)) => Ok((carried, list)),
        Ok(Document::Feed(feed)) => Err(refuse(format!(
            "{} is no component list but of {}; import it with `gateway advisory import`",
            carried.name, feed.stamp.feed
        ))),
        Err(why) => Err(refuse(why)),
    }
}

fn taken(
    app: &App,
    change: &Change<'_>,
    of: &ListOf,
    carried: &Carried,
    list: ComponentList,
    preview: bool,
) -> Result<ListImported, CommandError> {
    let held = app.catalogue.hold(app)?;
    let document = serde_json::to_string(&list).map_err(|error| corrupt("write a component list", error))?;
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let (release, model, part) = match of {
        ListOf::Release(release) => (Some(*release), None, None),
        ListOf::Model { model, part } => (None, Some(*model), part.clone()),
    };
    let (component, version) = part.map_or((None, None), |(name, version)| (Some(name), version));
    let record = ComponentListRecord {
        id: change.id(ComponentListId::from_uuid),
        release,
        model,
        component,
        version,
        name: carried.name.clone(),
        sha256: carried.sha256,
        components: count(list.components.len()),
        gaps: count(list.gaps().count()),
        imported_by: change.actor.name().to_owned(),
        imported_at: change.now,
    };
    let now = change.now;
    let (found, pumps) = app.store.read(|db| {
        let listed = Listed::new(record.clone(), list, carrier(db, of)?);
        let sets = crate::exposure::set::all(db)?;
        let holds = sets.iter().filter(|set| listed.holds_for(set));
        let pumps = holds.map(|set| set.pumps.len()).sum();
        let lists = Lists::read(db)?.with(listed);
        let found = settle::find(db, held.index(), Some(lists), Scope::Everything, now)?;
        Ok((found, pumps))
    })?;
    let mut follows = Imported::default();
    follows.follows(&found);
    let done = ListImported {
        record,
        pumps,
        follows,
    };
    if preview {
        return Ok(done);
    }
    change.commit(|db| {
        db.component_list_set(&done.record, &document)?;
        settle::keep(db, &found, now)?;
        let deed = Deed::of(Action::ComponentListImported, "component_list", done.record.id).after(json!({
            "name": done.record.name,
            "sha256": done.record.sha256,
            "release": done.record.release,
            "model": done.record.model,
            "component": done.record.component,
            "version": done.record.version,
            "components": done.record.components,
            "gaps": done.record.gaps,
        }));
        change.record(db, deed)?;
        let what = format_args!(
            "component list {}: {} components, holds for {} pumps",
            done.record.name, done.record.components, done.pumps
        );
        change.tell(db, EventKind::AdvisoriesImported, None, what)
    })?;
    drop(held);
    app.bell.ring();
    Ok(done)
}

fn carrier(db: &mut Db<'_>, of: &ListOf) -> Result<Carrier, StoreError> {
    match of {
        ListOf::Release(release) => Carrier::of_release(db, *release),
        ListOf::Model { model, part } => {
            if !db.model_list()?.iter().any(|known| known.id == *model) {
                return Err(StoreError::NotFound {
                    what: "model",
                    id: model.to_string(),
                });
            }
            Ok(Carrier::Model {
                model: *model,
                part: part.clone(),
            })
        }
    }
}
