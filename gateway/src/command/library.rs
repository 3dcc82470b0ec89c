//! Which drug library pumps of a model are to have: the pharmacy says so, and what a pump reports after an update is held against it.

use fleet::{
    access::Permission,
    audit::Action,
    id::{DrugLibraryId, ModelId},
    signature::Digest,
    text::{ComponentVersion, Name, Reason},
};
use serde_json::json;
use store::{DrugLibraryRecord, StoreError};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    deed::Deed,
};

/// A drug library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    pub name: Name,
    /// In the pharmacy's own words.
    pub version: ComponentVersion,
    /// Of the library as it lies on a pump.
    pub sha256: Digest,
}

/// Says which drug library is approved for a model from now on; nothing says that none is, and every pump that reports one is
/// looked at by a person.
///
/// # Errors
/// [`StoreError::NotFound`] for the model.
pub fn say(
    app: &App,
    actor: &Actor,
    model: ModelId,
    library: Option<&Library>,
    reason: &Reason,
) -> Result<DrugLibraryRecord, CommandError> {
    let change = Change::by(actor, app, Permission::LibraryFitEdit);
    let said_by = actor.account().ok_or(CommandError::OnlyAPerson)?;
    let said = change.commit(|db| {
        if !db.model_list()?.iter().any(|known| known.id == model) {
            return Err(StoreError::NotFound {
                what: "model",
                id: model.to_string(),
            }
            .into());
        }
        let before = db.drug_library_history(model)?.into_iter().next();
        let said = DrugLibraryRecord {
            id: change.id(DrugLibraryId::from_uuid),
            model,
            name: library.map(|library| library.name.clone()),
            version: library.map(|library| library.version.clone()),
            sha256: library.map(|library| library.sha256),
            said_by,
            said_at: change.now,
            reason: reason.clone(),
        };
        db.drug_library_say(&said)?;
        let fields = |said: &DrugLibraryRecord| json!({ "name": said.name, "version": said.version, "sha256": said.sha256 });
        let action = if library.is_some() {
            Action::LibraryApproved
        } else {
            Action::LibraryWithdrawn
        };
        let deed = Deed::of(action, "model", model)
            .before(before.as_ref().map_or(json!(null), fields))
            .after(fields(&said))
            .because(reason);
        change.record(db, deed)?;
        Ok(said)
    })?;
    app.bell.ring();
    Ok(said)
}
