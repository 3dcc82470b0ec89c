//! What is known of a model of pump: its device identifier, and until when its manufacturer supports it.

use chrono::NaiveDate;
use fleet::{access::Permission, audit::Action, event::EventKind, id::ModelId, pump::Support};
use serde_json::json;
use store::{ModelRecord, StoreError};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    deed::Deed,
};

/// What an edit changes; nothing where it leaves a field alone, and nothing inside where it clears one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelEdit {
    /// 14 digits with a valid check digit.
    pub device_identifier: Option<Option<String>>,
    /// The last day on which everything is mended.
    pub full_support_until: Option<Option<NaiveDate>>,
    /// The last day on which anything is.
    pub support_until: Option<Option<NaiveDate>>,
}

/// Says what is known of a model.
///
/// # Errors
/// [`CommandError::Support`]; [`StoreError::NotFound`] when there is no such model.
pub fn edit(app: &App, actor: &Actor, id: ModelId, edit: ModelEdit) -> Result<ModelRecord, CommandError> {
    let change = Change::by(actor, app, Permission::PlaceEdit);
    let edited = change.commit(|db| {
        let all = db.model_list()?;
        let before = all
            .into_iter()
            .find(|model| model.id == id)
            .ok_or_else(|| StoreError::NotFound {
                what: "model",
                id: id.to_string(),
            })?;
        let support = Support {
            full_until: edit.full_support_until.unwrap_or(before.support.full_until),
            until: edit.support_until.unwrap_or(before.support.until),
        };
        let after = ModelRecord {
            udi_di: edit.device_identifier.unwrap_or_else(|| before.udi_di.clone()),
            support: support.check()?,
            ..before.clone()
        };
        if after == before {
            return Ok(after);
        }
        db.model_update(id, after.udi_di.as_deref(), after.support)?;
        let known = |model: &ModelRecord| {
            json!({
                "udi_device_identifier": model.udi_di,
                "full_support_until": model.support.full_until,
                "support_until": model.support.until,
            })
        };
        let deed = Deed::of(Action::ModelEdited, "model", id)
            .before(known(&before))
            .after(known(&after));
        change.record(db, deed)?;
        let what = format_args!("model “{} {}” changed", after.manufacturer_name, after.name);
        change.tell(db, EventKind::PlaceNamed, None, what)?;
        Ok(after)
    })?;
    // Whether a release still fits its pumps may hang on it.
    app.bell.ring();
    Ok(edited)
}
