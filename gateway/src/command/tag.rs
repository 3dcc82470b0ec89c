//! The hospital's tags on its pumps.

use fleet::{access::Permission, audit::Action, event::EventKind, id::PumpId, pump::Retag, text::Tag};
use serde_json::json;

use super::{CommandError, change::Change, pump::in_use};
use crate::{
    app::{Actor, App},
    deed::Deed,
};

/// Puts tags on a pump and takes tags off it. Where it has them so already, nothing is changed and nothing put on record.
///
/// # Errors
/// [`CommandError::Tag`], [`CommandError::Retired`].
pub fn retag(app: &App, actor: &Actor, id: PumpId, retag: &Retag) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::PumpEdit);
    change.commit(|db| {
        in_use(db, id)?;
        let before = db.pump_tags_of(&[id])?.remove(&id).unwrap_or_default();
        let after = retag.of(&before)?;
        if after == before {
            return Ok(());
        }
        db.pump_tags_set(id, &after)?;
        let deed = Deed::of(Action::PumpTagged, "pump", id)
            .before(json!({ "tags": before }))
            .after(json!({ "tags": after }));
        change.record(db, deed)?;
        let words = |(sign, tag): (char, &Tag)| format!("{sign}{tag}");
        let on = after.difference(&before).map(|tag| ('+', tag));
        let off = before.difference(&after).map(|tag| ('−', tag));
        let changed: Vec<_> = on.chain(off).map(words).collect();
        change.tell(
            db,
            EventKind::PumpEdited,
            Some(id),
            format_args!("tags: {}", changed.join(", ")),
        )
    })
}
